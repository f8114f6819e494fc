package storage

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// Every promise of the schema, and somebody with a console who tries to break it.
// DRAFTING, PENDING and so on stand for requests in these states; PENDING has one
// approval of two. SEAL is the digest that all revisions have.
var breaches = []struct {
	promise    string
	sql        string
	constraint string
}{
	{"a private thread stands with its asker", `INSERT INTO sessions (id, team, channel, private_to) VALUES ('s', 'TEAM', 'C1', 'ASKER')`, "sessions_alone"},
	{"a private thread moves once, and to a direct message", `INSERT INTO sessions (id, team, channel, private_to) VALUES ('s', 'TEAM', 'ASKER', 'ASKER'); UPDATE sessions SET channel = 'C1' WHERE id = 's'`, "sessions_alone"},
	{"a thread stays where it is", `UPDATE sessions SET channel = 'C9'`, "sessions_stay"},
	{"a private thread stays where it is", `INSERT INTO sessions (id, team, channel, private_to) VALUES ('s', 'TEAM', 'D1', 'ASKER'); UPDATE sessions SET channel = 'D2' WHERE id = 's'`, "sessions_stay"},
	{"a private thread stays whose it is", `INSERT INTO sessions (id, team, channel, private_to) VALUES ('s', 'TEAM', 'D1', 'ASKER'); UPDATE sessions SET private_to = '' WHERE id = 's'`, "sessions_stay"},
	{"what is private is in no thread that others read", `UPDATE requests SET private_to = asker WHERE id = DONE`, "requests_private_fkey"},
	{"what is private is its asker's", `UPDATE requests SET private_to = 'OTHER' WHERE id = DONE`, "requests_private"},
	{"a session has a team", `INSERT INTO sessions (id, team, channel) VALUES ('s', '', 'c')`, "sessions_team_check"},
	{"a session has a channel", `INSERT INTO sessions (id, team, channel) VALUES ('s', 't', '')`, "sessions_channel_check"},
	{"a thread is one session", `INSERT INTO sessions (id, team, channel, thread_ts) VALUES ('s', 'TEAM', 'CHAN', '1.1'), ('s2', 'TEAM', 'CHAN', '1.1')`,
		"sessions_one_per_thread"},

	{"a notice is about one thing", notice(`'k', 'TEAM', 'price', '{U1}', false, '{}'`) + notice(`'k', 'TEAM', 'price', '{U1}', false, '{}'`), "notices_pkey"},
	{"a notice is for somebody", notice(`'k', 'TEAM', 'price', '{}', false, '{}'`), "notices_recipients"},
	{"a notice says something", notice(`'k', 'TEAM', 'price', '{U1}', false, '[]'`), "notices_data_check"},
	{"a notice stands", notice(`'k', 'TEAM', 'price', '{U1}', false, '{}'`) + `UPDATE notices SET data = '{"a": 1}'`, "notices_stand"},
	{"a notice is kept", notice(`'k', 'TEAM', 'price', '{U1}', false, '{}'`) + `DELETE FROM notices`, "notices_undeletable"},
	{"nobody gets a notice twice", notice(`'k', 'TEAM', 'price', '{U1}', false, '{}'`) + noticed(`'D1', '1.1'`) + noticed(`'D1', '1.2'`), "notice_posts_pkey"},
	{"a notice stands somewhere", notice(`'k', 'TEAM', 'price', '{U1}', false, '{}'`) + noticed(`'D1', ''`), "notice_posts_place"},
	{"only an approval is told later", notice(`'k', 'TEAM', 'price', '{U1}', false, '{}'`) + `UPDATE notices SET held = true`, "notices_held"},
	{"what is told at once is in no digest", notice(`'k', 'TEAM', 'approved', '{U1}', false, '{}'`) + `UPDATE notices SET digest = 'k'`, "notices_digest"},
	{"an approval is in one digest", notice(`'k', 'TEAM', 'approved', '{U1}', false, '{}'`) + notice(`'d', 'TEAM', 'receipts', '{U1}', false, '{}'`) +
		`UPDATE notices SET held = true WHERE key = 'k'; UPDATE notices SET digest = 'd' WHERE key = 'k'; UPDATE notices SET digest = 'k' WHERE key = 'k'`, "notices_told_once"},
	{"notices are not emptied", `TRUNCATE notices CASCADE`, "notices_untruncatable"},
	{"where notices stand is not emptied", `TRUNCATE notice_posts`, "notice_posts_untruncatable"},
	{"a message is refused once at a time", refusedBySlack(`'card', 'outage', 1, now()`) + refusedBySlack(`'card', 'outage', 1, now()`), "unseen_pkey"},
	{"what is refused is a known message", refusedBySlack(`'wall', 'outage', 1, now()`), "unseen_surface_check"},
	{"a refusal has a known reason", refusedBySlack(`'card', 'whim', 1, now()`), "unseen_why_check"},
	{"a refusal happened", refusedBySlack(`'card', 'outage', 0, now()`), "unseen_times_check"},
	{"a refusal does not end before it begins", refusedBySlack(`'card', 'outage', 1, now() - interval '1 second'`), "unseen_order"},
	{"a box is listed once", listedBox(`'b', now(), now(), NULL`) + listedBox(`'b', now(), now(), NULL`), "listed_boxes_pkey"},
	{"a listed box has a name", listedBox(`'', now(), now(), NULL`), "listed_boxes_box_check"},
	{"no box is seen before it begins", listedBox(`'b', now(), now() - interval '1 second', NULL`), "listed_boxes_order"},
	{"no box is gone before it is seen", listedBox(`'b', now(), now(), now() - interval '1 second'`), "listed_boxes_order"},
	{"where a notice stands is kept", notice(`'k', 'TEAM', 'price', '{U1}', false, '{}'`) + noticed(`'D1', '1.1'`) + `DELETE FROM notice_posts`, "notice_posts_undeletable"},

	{"what is known of a content is known once", readings(`1, NULL, NULL`) + readings(`1, NULL, NULL`), "readings_pkey"},
	{"a row of readings says something", readings(`0, NULL, NULL`), "readings_say"},
	{"a reading stands with its hash", readings(`1, 'abc', NULL`), "readings_hash"},
	{"no fewer boxes than none have read", readings(`-1, NULL, '{}'`), "readings_tries_check"},
	{"what Slack shows alike is one file", `INSERT INTO known_files VALUES ('T', 'F', 'n', 1, 'a', now()), ('T', 'F', 'n', 1, 'b', now())`, "known_files_pkey"},

	{"a person looks at one channel", `INSERT INTO chats VALUES ('T', 'D', '1', 'C1', now()), ('T', 'D', '1', 'C2', now())`, "chats_pkey"},

	{"a delivery asks once", askAgain(`'s', 'TEAM', 'other'`, `'pending'`), "requests_one_per_trigger"},
	{"a question belongs to a thread of its workspace", askAgain(`session_id, 'OTHER', 'other'`, `'new'`), "requests_session_fkey"},
	{"what is repeated is named whole", repeated(`'new'`, `NULL, 1, NULL`), "requests_repeats_whole"},
	{"what is repeated has run", repeated(`'new'`, `PENDING, 1, SEAL`), "requests_repeats_run"},
	{"what is repeated is what ran", repeated(`'new'`, `DONE, 1, repeat('0', 64)`), "requests_repeats_run"},
	{"a run is repeated once at a time", repeated(`'new'`, `DONE, 1, SEAL`) + repeated(`'newer'`, `DONE, 1, SEAL`), "requests_repeats_once"},
	{"who has a run repeated is on record", repeated(`'new'`, `DONE, 1, SEAL`), "requests_repeats_told"},
	{"no money is held for a model where a run is repeated", repeated(`'new'`, `DONE, 1, SEAL`) + `INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
		SELECT 'h', id, team, asker, session_id, project, 'draft', 1, now(), now() + interval '1 hour' FROM requests WHERE id = 'new'`, "holds_of_repeats"},
	{"nor for a summary of its thread", repeated(`'new'`, `DONE, 1, SEAL`) + `INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
		SELECT 'h', id, team, asker, session_id, project, 'summary', 1, now(), now() + interval '1 hour' FROM requests WHERE id = 'new'`, "holds_of_repeats"},
	{"what is repeated is the same", repeated(`'new'`, `DONE, 1, SEAL`) + `INSERT INTO revisions (request_id, number, code, author, prompt_version, manifest, digest, at)
		SELECT 'new', 1, code, author, prompt_version, kept(replace(said(manifest), 'python', 'another')), digest, at FROM revisions WHERE request_id = DONE`, "revisions_repeat"},
	{"what is repeated stays what it is", `UPDATE requests SET repeats = DONE, repeats_revision = 1, repeats_digest = SEAL WHERE id = PENDING`, "requests_origin"},
	{"a request begins with drafting", `INSERT INTO requests (id, session_id, team, project, asker, question, model, trigger, state, revision, created_at, changed_at)
		SELECT 'new', session_id, team, project, asker, question, model, 'new', 'done', 1, created_at, changed_at FROM requests WHERE id = DONE`, "requests_begin"},
	{"a state is a known one", `UPDATE requests SET state = 'dreaming', expires_at = NULL WHERE id = DONE`, "requests_move"},
	{"a final state is final", `UPDATE requests SET state = 'running' WHERE id = DONE`, "requests_move"},
	{"nothing is reviewed before it was found", `UPDATE requests SET seek = '{}' WHERE id = PENDING`, "requests_found_before_review"},
	{"only who waits for a box stands in a line", `UPDATE requests SET place = 1 WHERE id = RUNNING`, "requests_place_waits"},
	{"nobody stands before the first in a line", `UPDATE requests SET place = -2 WHERE id = PENDING`, "requests_place_check"},
	{"what has started waits for nothing", `UPDATE requests SET away = '{}' WHERE id = RUNNING`, "requests_away_before_run"},
	{"a cause is one of an end", `UPDATE requests SET cause = '{}' WHERE id = PENDING`, "requests_cause_of_an_end"},
	{"what is sought is a document", `UPDATE requests SET seek = '[]' WHERE id = DRAFTING`, "requests_seek_check"},
	{"what is away is a document", `UPDATE requests SET away = '[]' WHERE id = DRAFTING`, "requests_away_check"},
	{"a reason is a document", `UPDATE requests SET reason = '[]' WHERE id = PENDING`, "requests_reason_check"},
	{"a cause is a document", `UPDATE requests SET cause = '[]' WHERE id = DRAFTING`, "requests_cause_check"},
	{"what waits for its asker holds nothing", `UPDATE requests SET state = 'asking' WHERE id = DRAFTING`, "requests_asking_holds_nothing"},
	{"nobody is asked back about what is before reviewers", `UPDATE requests SET state = 'asking' WHERE id = PENDING`, "requests_move"},
	{"nothing skips the review", `UPDATE requests SET state = 'approved' WHERE id = DRAFTING`, "requests_move"},
	{"nothing is pending without code", `UPDATE requests SET state = 'pending' WHERE id = DRAFTING`, "requests_code_before_review"},
	{"approved means approved by enough people", `UPDATE requests SET state = 'approved' WHERE id = PENDING`, "requests_quorum"},
	{"running means that there is a run", `UPDATE requests SET state = 'running', expires_at = NULL WHERE id = APPROVED`, "requests_run"},
	{"no wait lasts for ever", `UPDATE requests SET expires_at = NULL WHERE id = PENDING`, "requests_waits_end"},
	{"what has ended waits for nothing", `UPDATE requests SET expires_at = now() WHERE id = DONE`, "requests_waits_end"},
	{"who asked cannot change", `UPDATE requests SET asker = 'REVA' WHERE id = DRAFTING`, "requests_origin"},
	{"what was asked cannot change", `UPDATE requests SET question = kept('another') WHERE id = DRAFTING`, "requests_origin"},
	{"approved code stands", `UPDATE requests SET revision = NULL WHERE id = APPROVED`, "requests_code_stands"},
	{"the current revision exists", `UPDATE requests SET revision = 2 WHERE id = PENDING`, "requests_revision_fkey"},
	{"a version does not come back", sealAgain(`PENDING`) + `UPDATE requests SET revision = 2 WHERE id = PENDING;
		UPDATE requests SET revision = 1 WHERE id = PENDING`, "requests_revision_grows"},
	{"no version is left out", `UPDATE requests SET revision = 3 WHERE id = PENDING`, "requests_revision_grows"},
	{"an approval is taken away with a new version", `UPDATE requests SET state = 'pending' WHERE id = APPROVED`, "requests_new_revision"},
	{"what is rewritten is new", `UPDATE requests SET state = 'drafting' WHERE id = PENDING;
		UPDATE requests SET state = 'pending' WHERE id = PENDING`, "requests_new_revision"},
	{"old approvals do not count for a new version", sealAgain(`APPROVED`) + `UPDATE requests SET state = 'pending', revision = 2 WHERE id = APPROVED;
		UPDATE requests SET state = 'approved' WHERE id = APPROVED`, "requests_quorum"},
	{"nothing runs on approvals of an old version", sealAgain(`APPROVED`) + `UPDATE requests SET state = 'pending', revision = 2 WHERE id = APPROVED;
		INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES (APPROVED, 'b', 1, SEAL, now())`, "runs_approved"},
	{"what somebody wants changed is not approved", wish(`kept('other columns')`) + `UPDATE requests SET state = 'approved', quorum = 1 WHERE id = PENDING`, "requests_quorum"},
	{"somebody who wants changes says which", wish(`NULL`), "decisions_changes_said"},
	{"an edit is not before reviewers", `UPDATE requests SET edit = '{}' WHERE id = PENDING`, "requests_edit_inspected"},
	{"an edit has its fields", `UPDATE requests SET edit = '[]' WHERE id = DRAFTING`, "requests_edit_check"},
	{"rounds are counted", `UPDATE requests SET rounds = -1 WHERE id = PENDING`, "requests_rounds_check"},
	{"the asker is not assigned", `UPDATE requests SET assignee = asker WHERE id = PENDING`, "requests_not_for_asker"},
	{"the asker has no second opinion", `UPDATE requests SET opinions = ARRAY['REVA', asker] WHERE id = PENDING`, "requests_not_for_asker"},
	{"a quorum is somebody", `UPDATE requests SET quorum = 0 WHERE id = PENDING`, "requests_quorum_check"},
	{"attempts are counted", `UPDATE requests SET attempts = -1 WHERE id = PENDING`, "requests_attempts_check"},
	{"files are a list", `UPDATE requests SET files = '{}' WHERE id = PENDING`, "requests_files_check"},
	{"a request is not deleted", `DELETE FROM requests WHERE id = DRAFTING`, "requests_undeletable"},
	{"requests are not emptied", `TRUNCATE requests CASCADE`, "requests_untruncatable"},

	{"code does not change", `UPDATE revisions SET code = 'import os' WHERE request_id = PENDING`, "revisions_unchangeable"},
	{"code is not deleted", `DELETE FROM revisions WHERE request_id = PENDING`, "revisions_unchangeable"},
	{"revisions are not emptied", `TRUNCATE revisions CASCADE`, "revisions_untruncatable"},
	{"a version exists once", revise(`1`, `code`, `manifest`, `digest`), "revisions_pkey"},
	{"versions count from one", revise(`0`, `code`, `manifest`, `digest`), "revisions_number_check"},
	{"the digest is that of the manifest", revise(`2`, `code`, `manifest`, `repeat('0', 64)`), "revisions_sealed"},
	{"the manifest has the digest", revise(`2`, `code`, `kept(said(manifest) || ' ')`, `digest`), "revisions_sealed"},
	{"the code is the sealed code", revise(`2`, `kept('import os')`, `manifest`, `digest`), "revisions_code_sealed"},
	{"there is code", revise(`2`, `kept('')`, `manifest`, `digest`), "revisions_code"},

	{"a person decides once", decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVA'`), "decisions_pkey"},
	{"the asker does not decide", decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'ASKER'`), "decisions_not_by_asker"},
	{"the author does not decide", decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'small-1'`), "decisions_not_by_author"},
	{"a decision does not lie about the asker", decide(`PENDING`, `1`, `SEAL`, `'OTHER'`, `'small-1'`, `'ASKER'`), "decisions_asker_fkey"},
	{"a decision does not lie about the author", decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'other'`, `'small-1'`), "decisions_revision_fkey"},
	{"a decision is on what was shown", decide(`PENDING`, `1`, `repeat('0', 64)`, `'ASKER'`, `'small-1'`, `'REVB'`), "decisions_revision_fkey"},
	{"a decision is on the current version", decide(`PENDING`, `2`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`), "decisions_in_time"},
	{"a decision comes in time", decide(`DONE`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVC'`), "decisions_in_time"},
	{"another door is used by somebody", clicked(`'REVB'`, `{"door": "command line", "machine": "m"}`), "decisions_seat"},
	{"another door is used somewhere", clicked(`'REVB'`, `{"door": "command line", "os_user": "ben"}`), "decisions_seat"},
	{"Slack is no machine", clicked(`'REVB'`, `{"os_user": "ben", "machine": "m"}`), "decisions_seat"},
	{"a user of a machine is one voice", clicked(`'REVB'`, `{"door": "command line", "os_user": "ben", "machine": "m"}`) + ";\n" +
		clicked(`'REVC'`, `{"door": "command line", "os_user": "ben", "machine": "n"}`), "decisions_one_seat"},
	{"a verdict is yes or no", `INSERT INTO decisions (request_id, revision, digest, asker, author, reviewer, verdict, at, click)
		VALUES (PENDING, 1, SEAL, 'ASKER', 'small-1', 'REVB', 'maybe', now(), '{}')`, "decisions_verdict_check"},
	{"a decision stays", `UPDATE decisions SET verdict = 'reject' WHERE request_id = APPROVED`, "decisions_unchangeable"},
	{"a decision is not deleted", `DELETE FROM decisions WHERE request_id = APPROVED`, "decisions_unchangeable"},
	{"decisions are not emptied", `TRUNCATE decisions`, "decisions_untruncatable"},

	{"one run per request", `INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES (RUNNING, 'b', 1, SEAL, now())`, "runs_pkey"},
	{"one run per box", `INSERT INTO runs (request_id, box_id, revision, digest, started_at)
		SELECT APPROVED, box_id, 1, SEAL, now() FROM runs WHERE request_id = RUNNING`, "runs_box_id_key"},
	{"nothing runs unasked", `INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES ('nobody', 'b', 1, SEAL, now())`, "runs_approved"},
	{"nothing runs before it is written", `INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES (DRAFTING, 'b', 1, SEAL, now())`, "runs_approved"},
	{"nothing runs with too few approvals", `INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES (PENDING, 'b', 1, SEAL, now())`, "runs_approved"},
	{"nothing runs but what was approved", `INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES (APPROVED, 'b', 1, repeat('0', 64), now())`, "runs_revision_fkey"},
	{"a run ends with a result", `UPDATE runs SET finished_at = now() WHERE request_id = RUNNING`, "runs_result"},
	{"a run does not end before it starts", `UPDATE runs SET finished_at = started_at - interval '1 second', result = kept('{}') WHERE request_id = RUNNING`, "runs_times"},
	{"a run ends once", `UPDATE runs SET result = kept('{}') WHERE request_id = DONE`, "runs_end_once"},
	{"a run does not begin before its box was named", `UPDATE runs SET begun_at = started_at - interval '1 second' WHERE request_id = RUNNING`, "runs_begun"},
	{"nobody wants a run ended without a name", `UPDATE runs SET stopped_at = now() WHERE request_id = RUNNING`, "runs_stopped"},
	{"a run is not to end before it starts", `UPDATE runs SET stopped_at = started_at - interval '1 second', stopped_by = 'ASKER' WHERE request_id = RUNNING`, "runs_stopped"},
	{"who wants a run ended does not change", `UPDATE runs SET stopped_at = now(), stopped_by = 'ASKER' WHERE request_id = RUNNING; UPDATE runs SET stopped_by = 'OTHER' WHERE request_id = RUNNING`, "runs_end_once"},
	{"a run keeps its box", `UPDATE runs SET box_id = 'other' WHERE request_id = RUNNING`, "runs_end_once"},
	{"a run is not forgotten", `DELETE FROM runs WHERE request_id = RUNNING`, "runs_undeletable"},
	{"a run that has begun is not taken back", takeBack(`RUNNING`) + `UPDATE runs SET begun_at = now() WHERE request_id = RUNNING; DELETE FROM runs WHERE request_id = RUNNING`, "runs_undeletable"},
	{"a run that has ended is not taken back", takeBack(`DONE`) + `DELETE FROM runs WHERE request_id = DONE`, "runs_undeletable"},
	{"a run is taken back once", takeBack(`RUNNING`) + strings.Replace(takeBack(`RUNNING`), "box_id, request_id", "'other', request_id", 1), "unstarted_runs_once"},
	{"a box is given up once", takeBack(`RUNNING`) + `INSERT INTO unstarted_runs SELECT box_id, DONE, 1, SEAL, started_at, now() FROM runs WHERE request_id = RUNNING`, "unstarted_runs_pkey"},
	{"what is taken back was sealed", `INSERT INTO unstarted_runs SELECT 'b', request_id, revision, repeat('0', 64), started_at, now() FROM runs WHERE request_id = RUNNING`, "unstarted_runs_revision_fkey"},
	{"a run is not taken back before its box was named", `INSERT INTO unstarted_runs SELECT box_id, request_id, revision, digest, started_at, started_at - interval '1 second' FROM runs`, "unstarted_runs_times"},
	{"a run that was taken back stays so", takeBack(`RUNNING`) + `DELETE FROM unstarted_runs`, "unstarted_runs_unchangeable"},
	{"runs that were taken back are not emptied", `TRUNCATE unstarted_runs`, "unstarted_runs_untruncatable"},
	{"a box that was given up is not used again", takeBack(`RUNNING`) + `DELETE FROM runs WHERE request_id = RUNNING;
		INSERT INTO runs (request_id, box_id, revision, digest, started_at) SELECT APPROVED, box_id, 1, SEAL, now() FROM unstarted_runs`, "runs_box_id_key"},
	{"what has a run does not come back", sealAgain(`RUNNING`) + `UPDATE requests SET state = 'pending', revision = 2, expires_at = now() WHERE id = RUNNING`, "requests_unstarted"},
	{"what is taken back comes back with a new version", takeBack(`RUNNING`) + `DELETE FROM runs WHERE request_id = RUNNING;
		UPDATE requests SET state = 'pending', expires_at = now() WHERE id = RUNNING`, "requests_new_revision"},
	{"runs are not emptied", `TRUNCATE runs CASCADE`, "runs_untruncatable"},
	{"files come from a run", `INSERT INTO artifacts (request_id, seq, name, kind, data) VALUES (PENDING, 1, kept('n'), 'file', kept(''))`, "artifacts_request_id_fkey"},
	{"a file is of a known kind", `INSERT INTO artifacts (request_id, seq, name, kind, data) VALUES (DONE, 9, kept('n'), 'virus', kept(''))`, "artifacts_kind_check"},
	{"files do not change", `UPDATE artifacts SET data = '' WHERE request_id = DONE`, "artifacts_unchangeable"},
	{"files are not emptied", `TRUNCATE artifacts`, "artifacts_untruncatable"},

	{"a message is somebody's", `INSERT INTO messages (session_id, request_id, role, text, at) SELECT session_id, id, 'rumour', '', now() FROM requests WHERE id = DONE`, "messages_role_check"},
	{"a message belongs to a request", `INSERT INTO messages (session_id, request_id, role, text, at) SELECT session_id, 'nobody', 'code', '', now() FROM requests WHERE id = DONE`, "messages_request_id_fkey"},
	{"what was said does not change", `UPDATE messages SET text = kept('another') WHERE request_id = DONE`, "messages_unchangeable"},
	{"what was said is not deleted", `DELETE FROM messages WHERE request_id = DONE`, "messages_unchangeable"},
	{"what was said is not emptied", `TRUNCATE messages`, "messages_untruncatable"},
	{"one message per surface", `INSERT INTO posts VALUES (DONE, 'card', 'C', '1', ''), (DONE, 'card', 'C', '2', '')`, "posts_pkey"},
	{"a surface is a known one", `INSERT INTO posts VALUES (DONE, 'wall', 'C', '1', '')`, "posts_surface_check"},
}

// unguarded is a table without its triggers, so that its constraints are tried.
func unguarded(table string) string { return `ALTER TABLE ` + table + ` DISABLE TRIGGER USER` + ";\n" }

func askAgain(place, trigger string) string {
	return `INSERT INTO sessions (id, team, channel) VALUES ('s', 'TEAM', 'other');
		INSERT INTO requests (id, session_id, team, project, asker, question, model, trigger, state, created_at, changed_at, expires_at)
		SELECT 'new', ` + place + `, asker, question, model, ` + trigger + `, 'drafting', created_at, changed_at, now() FROM requests WHERE id = DRAFTING`
}

func revise(number, code, manifest, digest string) string {
	return `INSERT INTO revisions (request_id, number, code, summary, author, prompt_version, manifest, digest, at)
		SELECT request_id, ` + number + `, ` + code + `, NULL, 'a', '', ` + manifest + `, ` + digest + `, now() FROM revisions WHERE request_id = PENDING`
}

// sealAgain is a second version with the code and the seal of the first.
func sealAgain(request string) string {
	return `INSERT INTO revisions (request_id, number, code, summary, author, prompt_version, manifest, digest, at)
		SELECT request_id, 2, code, NULL, author, '', manifest, digest, now() FROM revisions WHERE request_id = ` + request + ";\n"
}

// repeated is a request that repeats a run, in the thread of DONE.
func repeated(id, what string) string {
	return `INSERT INTO requests (id, session_id, team, project, asker, question, model, trigger, state, created_at, changed_at, expires_at, repeats, repeats_revision, repeats_digest)
		SELECT ` + id + `, session_id, team, project, asker, question, model, ` + id + `, 'drafting', created_at, changed_at, now(), ` + what + ` FROM requests WHERE id = DONE` + ";\n"
}

func refusedBySlack(values string) string {
	return `INSERT INTO unseen (request_id, surface, channel, why, code, stands, times, first_at, last_at)
		SELECT DONE, s, 'C', w, '', false, n, now(), l FROM (VALUES (` + values + `)) AS v (s, w, n, l)` + ";\n"
}

func listedBox(values string) string {
	return `INSERT INTO listed_boxes (box, began_at, seen_at, gone_at) VALUES (` + values + ");\n"
}

func takeBack(request string) string {
	return `INSERT INTO unstarted_runs SELECT box_id, request_id, revision, digest, started_at, now() FROM runs WHERE request_id = ` + request + ";\n"
}

func wish(reason string) string {
	return `INSERT INTO decisions (request_id, revision, digest, asker, author, reviewer, verdict, reason, at, click)
		VALUES (PENDING, 1, SEAL, 'ASKER', 'small-1', 'REVB', 'changes', ` + reason + `, now(), '{}')` + ";\n"
}

func decide(request, revision, digest, asker, author, reviewer string) string {
	return `INSERT INTO decisions (request_id, revision, digest, asker, author, reviewer, verdict, at, click)
		VALUES (` + strings.Join([]string{request, revision, digest, asker, author, reviewer}, ", ") + `, 'approve', now(), '{}')`
}

// clicked is a decision by a click.
func clicked(reviewer, click string) string {
	return strings.Replace(decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, reviewer), `'{}'`, `'`+click+`'`, 1)
}

func TestTheSchemaKeepsItsPromisesAgainstAnybody(t *testing.T) {
	t.Parallel()
	b, fill := setupBreaches(t)
	for _, breach := range breaches {
		t.Run(breach.promise, func(t *testing.T) {
			name, err := b.breach(t, fill, breach.sql)
			require.Error(t, err)
			require.Contains(t, strings.Split(breach.constraint, ","), name, err.Error())
		})
	}
}

// setupBreaches is a database with a request in every state, and what fills a
// breach with them.
func setupBreaches(t *testing.T) (*bundle, *strings.Replacer) {
	t.Helper()
	b := setupWith(t, Options{Quorum: 2})
	b.policy.Quorum = 2
	first := func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
	}
	second := func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVB", approval.Approve), budget.Cent, b.policy, now)
	}
	start := func(r *approval.Request, now time.Time) error { return r.Start("box-"+r.ID, b.policy, now) }
	finish := func(r *approval.Request, now time.Time) error {
		return r.Finish(result(), budget.Charge{Kind: budget.Box, What: "local", Amount: 5}, approval.DefaultPolicy(), now)
	}
	b.keeps(t)
	moves := []func(*approval.Request, time.Time) error{b.drafted, first, second, start, finish}
	words := []string{"'pending'", "'pending'", "SEAL", ""} // a trigger's name is no request
	for state, n := range map[string]int{"DRAFTING": 0, "PENDING": 2, "APPROVED": 3, "RUNNING": 4, "DONE": 5} {
		r := b.ask(t, strings.ToLower(state))
		for _, move := range moves[:n] {
			r = b.update(t, r.ID, move)
		}
		require.Equal(t, approval.State(strings.ToLower(state)), r.State)
		words = append(words, state, "'"+r.ID+"'")
		if r.Revision != nil {
			words[3] = "'" + r.Revision.Digest + "'"
		}
	}
	return b, strings.NewReplacer(words...)
}

// keeps lets a test's SQL store values, as somebody with a console could.
func (b *bundle) keeps(t testing.TB) {
	t.Helper()
	_, err := b.pool.Exec(t.Context(), `CREATE FUNCTION kept(of text) RETURNS text LANGUAGE sql AS $$
		INSERT INTO contents (hash, salt, value, stream)
		SELECT encode(sha256(convert_to(salt || of, 'UTF8')), 'hex'), salt, convert_to(of, 'UTF8'), 'test' FROM md5(random()::text) AS salt RETURNING hash $$`)
	require.NoError(t, err)
}

// breach tries one, and says which constraint has refused it.
func (b *bundle) breach(t *testing.T, fill *strings.Replacer, sql string) (constraint string, err error) {
	t.Helper()
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback(t.Context())) }()
	// Some promises are kept when the transaction ends: here that is now.
	for statement := range strings.SplitSeq(fill.Replace(sql)+";\nSET CONSTRAINTS ALL IMMEDIATE", ";\n") {
		if _, err = tx.Exec(t.Context(), statement); err != nil {
			break
		}
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		constraint = pg.ConstraintName
	}
	return constraint, err
}

func readings(values string) string {
	return `INSERT INTO readings (team, project, file_sha256, desk, template, at, tries, sha256, answer) VALUES ('T', 'C', 'f', 'd', 't', now(), ` + values + `)` + ";\n"
}

func notice(values string) string {
	return `INSERT INTO notices (key, team, kind, recipients, admins, data, at) VALUES (` + values + `, now())` + ";\n"
}

func noticed(place string) string {
	return `INSERT INTO notice_posts (key, recipient, channel, ts, shown, begun_at) VALUES ('k', 'U1', ` + place + `, '', now())` + ";\n"
}

func TestEveryConstraintIsBrokenByATest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// Names and ids that are not empty are all alike, and so are references to contents; one of each kind is tried above.
	rows, err := b.pool.Query(t.Context(), `
		SELECT conname FROM pg_constraint WHERE conrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^(river|goose)')
			AND contype IN ('c', 'f', 'u', 'p') AND confrelid <> 'contents'::regclass AND NOT (contype = 'c' AND pg_get_constraintdef(oid) ~ '^CHECK \(\([a-z0-9_]+ <> ''''::text\)\)$')
		UNION SELECT tgname FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^(river|goose)') AND NOT tgisinternal`)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Greater(t, len(names), 50)
	tried := map[string]bool{
		// Keys that exist to be referred to: what refers to them is tried.
		"sessions_team": true, "sessions_private": true, "requests_asker": true, "requests_payers": true, "revisions_seal": true, "revisions_authorship": true,
		"holds_payers": true, "events_hashed": true, "checkpoints_numbered": true,
		// A trigger that knows more looks first.
		"holds_rest_fkey": true, "requests_repeats_fkey": true, "handovers_into_session_fkey": true,
		// Ids are drawn; two alike are a second row under one key like any other.
		"sessions_pkey": true, "requests_pkey": true, "holds_pkey": true, "artifacts_pkey": true, "charges_pkey": true,
		"messages_pkey": true, "scopes_pkey": true, "people_pkey": true, "ssh_keys_pkey": true, "pins_pkey": true, "delegations_pkey": true, "legal_holds_pkey": true, "erasures_pkey": true,
		// A state that is not known never gets past the trigger that knows the moves.
		"requests_state": true,
		// These refuse nothing: they keep the line of events that wait for a place.
		"events_wait_for_place": true, "log_placed": true, "unlogged_pkey": true,
		// These refuse nothing: they keep sums. The bill's lines are refused in the name of their settlement.
		"settlements_close_holds": true, "settlements_balance": true, "charges_balance": true, "holds_burden": true, "charges_add_up": true,
		// Nor does this one, which counts: TestTheVersionGrowsWithEveryWriteButThatOfADrawing.
		"requests_version": true,
		// This one refuses by the names of what it guards, which are all tried.
		"requests_guards": true,
		// These wait: TestPeopleAndRulesWaitForWhatRestsOnThem.
		"people_authority": true, "ssh_keys_authority": true, "pins_authority": true, "delegations_authority": true, "rules_authority": true,
		// This one has it drawn anew: TestWhatIsPostedAfterItsAnswerWasTakenBackIsDrawnAnew.
		"posts_late": true,
		// This one keeps silent: TestASecondMessageIsLookedAtAgainWhoeverDies.
		"posts_strays": true,
		// These write an event: TestWhereAMessageStandsIsInTheTrail.
		"posts_begin": true, "posts_move": true, "posts_go": true, "posts_gone": true, "uploads_begin": true,
		// Plain references and shapes, like those tried on other tables.
		"revisions_request_id_fkey": true, "messages_session_id_fkey": true, "posts_request_id_fkey": true, "notices_request_id_fkey": true, "notices_digest_fkey": true, "notice_posts_key_fkey": true, "unseen_request_id_fkey": true, "charges_hold_id_fkey": true,
		"requests_refused_check": true, "decisions_click_check": true,
		"artifacts_seq_check": true, "holds_purpose_check": true, "charges_line_check": true, "charges_cached_tokens_check": true, "charges_written_tokens_check": true,
		"charges_output_tokens_check": true, "charges_box_ms_check": true, "events_seq_check": true, "events_stream_check": true,
		"events_prev_hash_check": true, "rules_document_check": true,
	}
	for _, breach := range breaches {
		for name := range strings.SplitSeq(breach.constraint, ",") {
			tried[name] = true
		}
	}
	for _, name := range names {
		require.True(t, tried[name], "no test tries to break %s", name)
	}
}
