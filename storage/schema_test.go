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
	{"notices are not emptied", `TRUNCATE notices CASCADE`, "notices_untruncatable"},
	{"where notices stand is not emptied", `TRUNCATE notice_posts`, "notice_posts_untruncatable"},
	{"a message is refused once at a time", refusedBySlack(`'card', 'outage', 1, now()`) + refusedBySlack(`'card', 'outage', 1, now()`), "unseen_pkey"},
	{"what is refused is a known message", refusedBySlack(`'wall', 'outage', 1, now()`), "unseen_surface_check"},
	{"a refusal has a known reason", refusedBySlack(`'card', 'whim', 1, now()`), "unseen_why_check"},
	{"a refusal happened", refusedBySlack(`'card', 'outage', 0, now()`), "unseen_times_check"},
	{"a refusal does not end before it begins", refusedBySlack(`'card', 'outage', 1, now() - interval '1 second'`), "unseen_order"},
	{"where a notice stands is kept", notice(`'k', 'TEAM', 'price', '{U1}', false, '{}'`) + noticed(`'D1', '1.1'`) + `DELETE FROM notice_posts`, "notice_posts_undeletable"},

	{"a delivery asks once", askAgain(`'s', 'TEAM', 'other'`, `'pending'`), "requests_one_per_trigger"},
	{"a question belongs to a thread of its workspace", askAgain(`session_id, 'OTHER', 'other'`, `'new'`), "requests_session_fkey"},
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
	{"a cause is a document", `UPDATE requests SET cause = '[]' WHERE id = DRAFTING`, "requests_cause_check"},
	{"what waits for its asker holds nothing", `UPDATE requests SET state = 'asking' WHERE id = DRAFTING`, "requests_asking_holds_nothing"},
	{"nobody is asked back about what is before reviewers", `UPDATE requests SET state = 'asking' WHERE id = PENDING`, "requests_move"},
	{"what may follow stays", `UPDATE moves SET to_state = 'approved' WHERE verb = 'Drafted'`, "moves_unchangeable"},
	{"what may follow is not added to", `INSERT INTO moves VALUES ('drafting', 'Skip', 'approved')`, "moves_unchangeable"},
	{"what may follow is not taken away", `DELETE FROM moves`, "moves_unchangeable"},
	{"moves are not emptied", `TRUNCATE moves`, "moves_untruncatable"},
	{"a move is one", unguarded(`moves`) + `INSERT INTO moves SELECT * FROM moves`, "moves_pkey"},
	{"nothing follows on the end", unguarded(`moves`) + `INSERT INTO moves VALUES ('done', 'Resume', 'running')`, "moves_not_after_the_end"},
	{"a move leads to a known state", unguarded(`moves`) + `INSERT INTO moves VALUES ('drafting', 'Dream', 'dreaming')`, "moves_to_a_state"},
	{"nothing skips the review", `UPDATE requests SET state = 'approved' WHERE id = DRAFTING`, "requests_move"},
	{"nothing is pending without code", `UPDATE requests SET state = 'pending' WHERE id = DRAFTING`, "requests_code_before_review"},
	{"approved means approved by enough people", `UPDATE requests SET state = 'approved' WHERE id = PENDING`, "requests_quorum"},
	{"running means that there is a run", `UPDATE requests SET state = 'running', expires_at = NULL WHERE id = APPROVED`, "requests_run"},
	{"no wait lasts for ever", `UPDATE requests SET expires_at = NULL WHERE id = PENDING`, "requests_waits_end"},
	{"what has ended waits for nothing", `UPDATE requests SET expires_at = now() WHERE id = DONE`, "requests_waits_end"},
	{"who asked cannot change", `UPDATE requests SET asker = 'REVA' WHERE id = DRAFTING`, "requests_origin"},
	{"what was asked cannot change", `UPDATE requests SET question = 'another' WHERE id = DRAFTING`, "requests_origin"},
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
	{"what somebody wants changed is not approved", wish(`'other columns'`) + `UPDATE requests SET state = 'approved', quorum = 1 WHERE id = PENDING`, "requests_quorum"},
	{"somebody who wants changes says which", wish(`''`), "decisions_changes_said"},
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
	{"the manifest has the digest", revise(`2`, `code`, `manifest || ' '`, `digest`), "revisions_sealed"},
	{"the code is the sealed code", revise(`2`, `'import os'`, `manifest`, `digest`), "revisions_code_sealed"},
	{"there is code", revise(`2`, `''`, `manifest`, `digest`), "revisions_code_check"},

	{"a person decides once", decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVA'`), "decisions_pkey"},
	{"the asker does not decide", decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'ASKER'`), "decisions_not_by_asker"},
	{"the author does not decide", decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'small-1'`), "decisions_not_by_author"},
	{"a decision does not lie about the asker", decide(`PENDING`, `1`, `SEAL`, `'OTHER'`, `'small-1'`, `'ASKER'`), "decisions_asker_fkey"},
	{"a decision does not lie about the author", decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'other'`, `'small-1'`), "decisions_revision_fkey"},
	{"a decision is on what was shown", decide(`PENDING`, `1`, `repeat('0', 64)`, `'ASKER'`, `'small-1'`, `'REVB'`), "decisions_revision_fkey"},
	{"a decision is on the current version", decide(`PENDING`, `2`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`), "decisions_in_time"},
	{"a decision comes in time", decide(`DONE`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVC'`), "decisions_in_time"},
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
	{"a run does not end before it starts", `UPDATE runs SET finished_at = started_at - interval '1 second', result = '{}' WHERE request_id = RUNNING`, "runs_times"},
	{"a run ends once", `UPDATE runs SET result = '{}' WHERE request_id = DONE`, "runs_end_once"},
	{"a run does not begin before its box was named", `UPDATE runs SET begun_at = started_at - interval '1 second' WHERE request_id = RUNNING`, "runs_begun"},
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
	{"files come from a run", `INSERT INTO artifacts (request_id, seq, name, kind, data) VALUES (PENDING, 1, 'n', 'file', '')`, "artifacts_request_id_fkey"},
	{"a file is of a known kind", `INSERT INTO artifacts (request_id, seq, name, kind, data) VALUES (DONE, 9, 'n', 'virus', '')`, "artifacts_kind_check"},
	{"files do not change", `UPDATE artifacts SET data = '' WHERE request_id = DONE`, "artifacts_unchangeable"},
	{"files are not emptied", `TRUNCATE artifacts`, "artifacts_untruncatable"},

	{"a message is somebody's", `INSERT INTO messages (session_id, request_id, role, text, at) SELECT session_id, id, 'rumour', '', now() FROM requests WHERE id = DONE`, "messages_role_check"},
	{"a message belongs to a request", `INSERT INTO messages (session_id, request_id, role, text, at) SELECT session_id, 'nobody', 'code', '', now() FROM requests WHERE id = DONE`, "messages_request_id_fkey"},
	{"one message per surface", `INSERT INTO posts VALUES (DONE, 'card', 'C', '1', ''), (DONE, 'card', 'C', '2', '')`, "posts_pkey"},
	{"a surface is a known one", `INSERT INTO posts VALUES (DONE, 'wall', 'C', '1', '')`, "posts_surface_check"},

	{"a scope is of a known kind", `INSERT INTO scopes VALUES ('TEAM', 'planet', 'x')`, "scopes_kind_check"},
	{"a workspace's budget is its own", `INSERT INTO scopes VALUES ('TEAM', 'team', 'OTHER')`, "scopes_team"},
	{"one limit per scope", `INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', 1, 'day', 'ADMIN', now()), ('TEAM', 'user', 'ASKER', 2, 'month', 'ADMIN', now())`, "limits_pkey"},
	{"a limit is not negative", `INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', -1, 'day', 'ADMIN', now())`, "limits_amount_check"},
	{"a limit has a known window", `INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', 1, 'year', 'ADMIN', now())`, "limits_per_check"},
	{"a limit was set by somebody", `INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', 1, 'day', '', now())`, "limits_set_by_check"},
	{"a limit has a scope to lock", `INSERT INTO limits VALUES ('TEAM', 'user', 'NEW', 1, 'day', 'ADMIN', now())`, "limits_scope_fkey"},

	{"a policy has fields", `INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', 1, 'day', 'ADMIN', now(), '[]')`, "limits_policy"},
	{"a role is a known one", `INSERT INTO scopes VALUES ('TEAM', 'role', 'kings')`, "scopes_role"},
	{"nothing is held on a role", `ALTER TABLE scopes DISABLE TRIGGER scopes_derived;
		INSERT INTO scopes VALUES ('TEAM', 'role', 'members', 5)`, "scopes_role"},
	{"nothing is paid from a role", `ALTER TABLE balances DISABLE TRIGGER balances_derived;
		INSERT INTO balances VALUES ('TEAM', 'role', 'members', 'day', '2026-01-01 00:00+00', 5)`, "balances_kind"},
	{"what is approved waits for no money", `UPDATE requests SET blocked = '{}' WHERE id = APPROVED`, "requests_blocked"},
	{"a block has fields", `UPDATE requests SET blocked = '[]' WHERE id = DRAFTING`, "requests_blocked_object"},
	{"a downgrade has fields", `UPDATE requests SET downgraded = '[]' WHERE id = DRAFTING`, "requests_downgraded_object"},
	{"nobody expects more than is sealed", quoted(`(manifest::jsonb ->> 'cost_cap')::bigint + 1`), "revisions_quote"},
	{"nobody expects less than nothing", quoted(`-1`), "revisions_quote"},

	{"a top-up is one", topUp(`'user'`, `5`) + topUp(`'user'`, `5`), "topups_pkey"},
	{"a top-up is for a budget that pays", topUp(`'role'`, `5`), "topups_kind"},
	{"a top-up takes nothing away", topUp(`'user'`, `0`), "topups_amount_check"},
	{"a top-up burdens its own request's budget", `INSERT INTO topups (id, request_id, team, asked_by, session_id, project, kind, amount, reason, at)
		SELECT 'top', id, team, 'REVA', session_id, project, 'team', 5, 'why', now() FROM requests WHERE id = DRAFTING`, "topups_payers_fkey"},
	{"a top-up's budget is there to lock", `INSERT INTO sessions (id, team, channel) VALUES ('s', 'TEAM', 'other');
		INSERT INTO requests (id, session_id, team, project, asker, question, model, trigger, state, created_at, changed_at, expires_at)
			VALUES ('new', 's', 'TEAM', 'other', 'ASKER', '', '', 'new', 'drafting', now(), now(), now());
		INSERT INTO topups (id, request_id, team, asked_by, session_id, project, kind, amount, reason, at)
			VALUES ('top', 'new', 'TEAM', 'ASKER', 's', 'other', 'project', 5, 'why', now())`, "topups_scope_fkey"},
	{"a request asks for money once at a time", topUp(`'user'`, `5`) + strings.Replace(topUp(`'team'`, `5`), "'top'", "'top2'", 1), "topups_one_open"},
	{"nobody grants themselves money", topUp(`'user'`, `5`) + granted(`'ASKER'`, `now() + interval '1 hour'`), "topups_not_by_asker"},
	{"what is granted ends", topUp(`'user'`, `5`) + granted(`'ADMIN'`, `NULL`), "topups_end"},
	{"what is granted has not ended before", topUp(`'user'`, `5`) + granted(`'ADMIN'`, `now()`), "topups_end"},
	{"what is declined has no end", topUp(`'user'`, `5`) + `UPDATE topups SET decided_by = 'ADMIN', decided_at = now(), expires_at = now()`, "topups_end"},
	{"a decision has its moment", topUp(`'user'`, `5`) + `UPDATE topups SET decided_by = 'ADMIN'`, "topups_decided"},
	{"a top-up is decided once", topUp(`'user'`, `5`) + granted(`'ADMIN'`, `now() + interval '1 hour'`) + granted(`'BOSS'`, `now() + interval '2 hours'`), "topups_decide_once"},
	{"a top-up does not begin granted", `INSERT INTO topups (id, request_id, team, asked_by, session_id, project, kind, amount, reason, at, decided_by, decided_at, granted, expires_at)
		SELECT 'top', id, team, asker, session_id, project, 'user', 5, 'why', now(), 'ADMIN', now(), true, now() + interval '1 hour' FROM requests WHERE id = DRAFTING`, "topups_decide_once"},
	{"a top-up does not grow", topUp(`'user'`, `5`) + `UPDATE topups SET amount = 6, decided_by = 'ADMIN', decided_at = now()`, "topups_decide_once"},
	{"a top-up is on record", topUp(`'user'`, `5`) + `DELETE FROM topups`, "topups_undeletable"},
	{"top-ups are not emptied", `TRUNCATE topups`, "topups_untruncatable"},

	{"a hold is not negative", hold(`-1`, `asker`, `now() + interval '1 hour'`), "holds_amount_check"},
	{"a hold burdens its own budget", hold(`1`, `'REVA'`, `now() + interval '1 hour'`), "holds_payers_fkey"},
	{"a hold ends", hold(`1`, `asker`, `now()`), "holds_end"},
	{"a hold does not grow", `UPDATE holds SET amount = amount + 1`, "holds_forward"},
	{"a call does not become undone", `UPDATE holds SET called = false WHERE called`, "holds_forward"},
	{"a hold is not settled without a bill", `UPDATE holds SET settled = true WHERE request_id = DRAFTING`, "holds_forward"},
	{"a hold does not open again", `UPDATE holds SET settled = false WHERE request_id = DONE`, "holds_forward"},
	{"a hold does not begin settled", `INSERT INTO holds SELECT 'new', request_id, team, asker, session_id, project, purpose, amount, at, expires_at, called, true FROM holds WHERE request_id = DRAFTING`, "holds_forward"},
	{"a hold is on record", `DELETE FROM holds`, "holds_undeletable"},
	{"calls under a hold risk no more than it", `UPDATE holds SET risked = amount + 1 WHERE NOT settled`, "holds_risked"},
	{"what was not called is not uncertain", `UPDATE holds SET uncertain_at = now() WHERE request_id = DRAFTING`, "holds_uncertain"},
	{"what is uncertain stays so until it is settled", doubt + `UPDATE holds SET uncertain_at = NULL WHERE request_id = DRAFTING`, "holds_forward"},
	{"nothing is uncertain for longer by being called so again", doubt + `UPDATE holds SET uncertain_at = now() + interval '1 hour' WHERE request_id = DRAFTING`, "holds_forward"},
	{"what has been settled was not uncertain afterwards", `UPDATE holds SET uncertain_at = now() WHERE request_id = DONE`, "holds_forward"},
	{"a hold does not begin uncertain", rest("first", `NULL`, `1`, `asker`), "holds_forward"},
	{"a rest is no more than its hold has left", rest("first", bill, `amount`, `asker`), "holds_rest"},
	{"a rest burdens the same budget", rest("first", bill, `1`, `'REVA'`), "holds_rest"},
	{"a rest is of something that was settled", rest("first", `(SELECT id FROM holds WHERE request_id = DRAFTING)`, `1`, `asker`), "holds_rest"},
	{"a rest is of something", rest("first", `'nothing'`, `1`, `asker`), "holds_rest"},
	{"a hold leaves one rest", rest("first", bill, `1`, `asker`) + ";\n" + rest("second", bill, `1`, `asker`), "holds_one_rest"},
	{"the house's own is nobody's", check(`'REVA'`), "holds_check"},
	{"work of a request has one", `INSERT INTO holds (id, team, asker, session_id, project, purpose, amount, at, expires_at)
		VALUES ('new', 'TEAM', 'countersign', 'countersign', 'countersign', 'draft', 1, now(), now() + interval '1 hour')`, "holds_check"},
	{"a request's work is not the house's", `INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
		SELECT 'new', id, team, asker, session_id, project, 'check', 1, now(), now() + interval '1 hour' FROM requests WHERE id = DRAFTING`, "holds_check"},
	{"who holds pays, also without a request", `INSERT INTO settlements (hold_id, team, asker, session_id, project, at, amount, estimated)
		SELECT id, team, 'countersign', 'countersign', 'countersign', now(), 0, false FROM holds WHERE request_id = DRAFTING LIMIT 1`, "settlements_hold_fkey"},
	{"the house pays from its own workspace", check(`'countersign'`) + `;
		INSERT INTO settlements (hold_id, team, asker, session_id, project, at, amount, estimated)
		VALUES ('new', 'OTHER', 'countersign', 'countersign', 'countersign', now(), 0, false)`, "settlements_hold_fkey"},
	{"holds are not emptied", `TRUNCATE holds CASCADE`, "holds_untruncatable"},
	{"a hold is settled once", settle(`DONE`, `asker`, `0`), "settlements_pkey"},
	{"a bill is not negative", settle(`DRAFTING`, `asker`, `-1`), "settlements_amount_check"},
	{"who holds pays", settle(`DRAFTING`, `'REVA'`, `0`), "settlements_hold_fkey"},
	{"a bill has its lines", settle(`DRAFTING`, `asker`, `5`), "settlements_add_up"},
	{"a bill is no more than was held", settle(`DRAFTING`, `asker`, `amount + 1`), "settlements_within_hold"},
	{"a bill gets no line later", `INSERT INTO charges (hold_id, line, kind, what, amount) SELECT hold_id, 9, 'box', '', 5 FROM settlements LIMIT 1`, "settlements_add_up"},
	{"a balance follows from the ledger", `INSERT INTO balances VALUES ('TEAM', 'user', 'ASKER', 'day', '2026-01-01 00:00+00', 5)`, "balances_derived"},
	{"what is held follows from the holds", `UPDATE scopes SET held = held + 1`, "scopes_derived"},
	{"a scope does not begin with something held", `INSERT INTO scopes VALUES ('TEAM', 'user', 'NEW', 5)`, "scopes_derived"},
	{"nobody gives back more than is held", `ALTER TABLE scopes DISABLE TRIGGER scopes_derived;
		UPDATE scopes SET held = -1`, "scopes_held"},
	{"a balance is not changed", `UPDATE balances SET spent = 0`, "balances_derived"},
	{"a balance is not deleted", `DELETE FROM balances`, "balances_undeletable"},
	{"balances are not emptied", `TRUNCATE balances`, "balances_untruncatable"},
	{"a balance is of a stretch", `ALTER TABLE balances DISABLE TRIGGER balances_derived;
		INSERT INTO balances VALUES ('TEAM', 'user', 'ASKER', 'day', '2026-01-01 01:00+00', 5)`, "balances_grain"},
	{"a balance has a known grain", `ALTER TABLE balances DISABLE TRIGGER balances_derived;
		INSERT INTO balances VALUES ('TEAM', 'user', 'ASKER', 'hour', '2026-01-01 01:00+00', 5)`, "balances_grain"},
	{"a balance is some scope's", `ALTER TABLE balances DISABLE TRIGGER balances_derived;
		INSERT INTO balances VALUES ('TEAM', 'planet', 'earth', 'day', '2026-01-01 00:00+00', 5)`, "balances_kind"},
	{"a balance is not negative", `ALTER TABLE balances DISABLE TRIGGER balances_derived;
		INSERT INTO balances VALUES ('TEAM', 'user', 'ASKER', 'day', '2026-01-01 00:00+00', -5)`, "balances_spent_check"},
	{"a stretch has one balance", `ALTER TABLE balances DISABLE TRIGGER balances_derived;
		INSERT INTO balances SELECT * FROM balances`, "balances_pkey"},
	{"a line is not negative", `INSERT INTO charges (hold_id, line, kind, what, amount) SELECT hold_id, 9, 'box', '', -5 FROM settlements LIMIT 1`, "charges_amount_check"},
	{"tokens are not negative", `INSERT INTO charges (hold_id, line, kind, what, amount, input_tokens) SELECT hold_id, 9, 'tokens', '', 0, -1 FROM settlements LIMIT 1`, "charges_input_tokens_check"},
	{"a line is for something known", `INSERT INTO charges (hold_id, line, kind, what, amount) SELECT hold_id, 9, 'lunch', '', 0 FROM settlements LIMIT 1`, "charges_kind_check"},
	{"a bill does not change", `UPDATE settlements SET amount = 0`, "settlements_unchangeable"},
	{"a bill is not deleted", `DELETE FROM settlements`, "settlements_unchangeable"},
	{"bills are not emptied", `TRUNCATE settlements CASCADE`, "settlements_untruncatable"},
	{"a line does not change", `UPDATE charges SET amount = 0`, "charges_unchangeable"},
	{"lines are not emptied", `TRUNCATE charges`, "charges_untruncatable"},

	{"an event does not change", `UPDATE events SET actor = 'REVA'`, "events_unchangeable"},
	{"an event is not deleted", `DELETE FROM events`, "events_unchangeable"},
	{"events are not emptied", `TRUNCATE events`, "events_untruncatable"},
	{"an event has its place", `INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash)
		SELECT stream, seq, at, actor, kind, data, prev_hash, hash FROM events LIMIT 1`, "events_pkey"},
	{"an event has the hash of its content", `INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash)
		VALUES ('new', 1, now(), 'a', 'k', '{}', repeat('0', 64), repeat('0', 64))`, "events_hash"},
	{"a chain begins with nothing before it", event(`'new', 1, 'a', '{}', repeat('1', 64)`), "events_beginning"},
	{"an event continues another", event(`'new', 2, 'a', '{}', repeat('1', 64)`), "events_chain_fkey"},
	{"a chain does not fork", event(`'request:' || DONE, 3, 'a', '{}', repeat('1', 64)`), "events_chain_fkey,events_pkey"},
	{"an actor is one line", event(`'new', 1, E'a\nb', '{}', repeat('0', 64)`), "events_actor_check"},
	{"an event's data are fields", event(`'new', 1, 'a', '[]', repeat('0', 64)`), "events_data_check"},
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
		SELECT request_id, ` + number + `, ` + code + `, '', 'a', '', ` + manifest + `, ` + digest + `, now() FROM revisions WHERE request_id = PENDING`
}

// sealAgain is a second version with the code and the seal of the first.
func sealAgain(request string) string {
	return `INSERT INTO revisions (request_id, number, code, summary, author, prompt_version, manifest, digest, at)
		SELECT request_id, 2, code, '', author, '', manifest, digest, now() FROM revisions WHERE request_id = ` + request + ";\n"
}

func refusedBySlack(values string) string {
	return `INSERT INTO unseen (request_id, surface, channel, why, code, stands, times, first_at, last_at)
		SELECT DONE, s, 'C', w, '', false, n, now(), l FROM (VALUES (` + values + `)) AS v (s, w, n, l)` + ";\n"
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

func hold(amount, payer, expires string) string {
	return `INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
		SELECT 'new', id, team, ` + payer + `, session_id, project, 'draft', ` + amount + `, now(), ` + expires + ` FROM requests WHERE id = DRAFTING`
}

// doubt makes the drafting one's hold uncertain.
const doubt = `UPDATE holds SET called = true, uncertain_at = now() WHERE request_id = DRAFTING` + ";\n"

// bill is the settled hold of the draft of the one that is done.
const bill = `(SELECT id FROM holds WHERE request_id = DONE AND purpose = 'draft' AND rest_of IS NULL)`

func rest(id, of, amount, payer string) string {
	return `INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at, called, uncertain_at, rest_of)
		SELECT '` + id + `', request_id, team, ` + payer + `, session_id, project, 'draft', ` + amount + `, now(), now() + interval '1 hour', true, now(), ` + of + `
		FROM holds WHERE request_id = DONE AND purpose = 'draft' AND rest_of IS NULL LIMIT 1`
}

func check(payer string) string {
	return `INSERT INTO holds (id, team, asker, session_id, project, purpose, amount, at, expires_at)
		VALUES ('new', 'TEAM', ` + payer + `, 'countersign', 'countersign', 'check', 1, now(), now() + interval '1 hour')`
}

func quoted(quote string) string {
	return `INSERT INTO revisions (request_id, number, code, summary, author, prompt_version, manifest, digest, at, quote)
		SELECT request_id, 2, code, '', 'a', '', manifest, digest, now(), ` + quote + ` FROM revisions WHERE request_id = PENDING`
}

func topUp(kind, amount string) string {
	return `INSERT INTO topups (id, request_id, team, asked_by, session_id, project, kind, amount, reason, at)
		SELECT 'top', id, team, asker, session_id, project, ` + kind + `, ` + amount + `, 'why', now() FROM requests WHERE id = DRAFTING` + ";\n"
}

func granted(by, until string) string {
	return `UPDATE topups SET decided_by = ` + by + `, decided_at = now(), granted = true, expires_at = ` + until + ";\n"
}

func settle(request, payer, amount string) string {
	return `INSERT INTO settlements (hold_id, request_id, team, asker, session_id, project, at, amount, estimated)
		SELECT id, request_id, team, ` + payer + `, session_id, project, now(), ` + amount + `, false FROM holds WHERE request_id = ` + request + ` LIMIT 1`
}

func event(values string) string {
	return `INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash)
		SELECT s, n, '2026-01-02 03:04:05.000007+00', a, 'k', d, p, encode(sha256(convert_to(concat_ws(E'\n', 'countersign event 1', p, s, n::text,
			'2026-01-02T03:04:05.000007Z', a, 'k', d), 'UTF8')), 'hex')
		FROM (SELECT ` + values + `) AS v (s, n, a, d, p)`
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
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		constraint = pg.ConstraintName
	}
	return constraint, err
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
	// Names and ids that are not empty are all alike; one of each kind is tried above.
	rows, err := b.pool.Query(t.Context(), `
		SELECT conname FROM pg_constraint WHERE conrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^(river|goose)')
			AND contype IN ('c', 'f', 'u', 'p') AND NOT (contype = 'c' AND pg_get_constraintdef(oid) ~ '^CHECK \(\([a-z_]+ <> ''''::text\)\)$')
		UNION SELECT tgname FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^(river|goose)') AND NOT tgisinternal`)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Greater(t, len(names), 50)
	tried := map[string]bool{
		// Keys that exist to be referred to: what refers to them is tried.
		"sessions_team": true, "requests_asker": true, "requests_payers": true, "revisions_seal": true, "revisions_authorship": true,
		"holds_payers": true, "events_hashed": true,
		// A trigger that knows more looks first.
		"holds_rest_fkey": true,
		// Ids are drawn; two alike are a second row under one key like any other.
		"sessions_pkey": true, "requests_pkey": true, "holds_pkey": true, "artifacts_pkey": true, "charges_pkey": true,
		"messages_pkey": true, "scopes_pkey": true, "people_pkey": true, "delegations_pkey": true,
		// A state that is not known never gets past the trigger that knows the moves.
		"requests_state": true,
		// These refuse nothing: they keep sums. The bill's lines are refused in the name of their settlement.
		"settlements_close_holds": true, "settlements_balance": true, "holds_burden": true, "holds_unburden": true, "charges_add_up": true,
		// Plain references and shapes, like those tried on other tables.
		"revisions_request_id_fkey": true, "messages_session_id_fkey": true, "posts_request_id_fkey": true, "notices_request_id_fkey": true, "notice_posts_key_fkey": true, "unseen_request_id_fkey": true, "charges_hold_id_fkey": true,
		"requests_refused_check": true, "revisions_findings_check": true, "decisions_click_check": true, "runs_result_check": true,
		"artifacts_seq_check": true, "holds_purpose_check": true, "charges_line_check": true, "charges_cached_tokens_check": true,
		"charges_output_tokens_check": true, "charges_box_ms_check": true, "events_seq_check": true, "events_stream_check": true,
		"events_kind_check": true, "events_prev_hash_check": true, "rules_document_check": true,
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
