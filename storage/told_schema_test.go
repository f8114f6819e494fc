package storage

// Rows that no event tells of, and somebody with a console who writes them: tried with the
// others, by TestTheSchemaKeepsItsPromisesAgainstAnybody. What is refused here is refused
// when the transaction ends.
func init() { breaches = append(breaches, toldBreaches...) }

var toldBreaches = []struct {
	promise    string
	sql        string
	constraint string
}{
	{"a request is asked", askAgain(`'s', 'TEAM', 'other'`, `'new'`), "requests_told"},
	{"a state has its event", `UPDATE requests SET state = 'withdrawn', expires_at = NULL WHERE id = DRAFTING`, "requests_told"},
	{"an old event is no reason for a new state", `UPDATE requests SET state = 'drafting' WHERE id = PENDING`, "requests_told"},
	{"what was told stays told", `UPDATE requests SET told = 0 WHERE id = DONE`, "requests_told"},
	{"nobody tells of what will be", `UPDATE requests SET told = 1000 WHERE id = PENDING`, "requests_told"},
	{"a decision has its event", decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`), "decisions_told"},
	{"a decision without its event is no approval", decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`) + `;
		UPDATE requests SET state = 'approved' WHERE id = PENDING`, "requests_quorum"},
	{"a wish has its event", wish(`kept('other columns')`), "decisions_told"},
	{"a revision has its event", sealAgain(`PENDING`), "revisions_told"},
	{"a start has its event", `INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES (APPROVED, 'b', 1, SEAL, now())`, "runs_told"},
	{"that a run has begun has its event", `UPDATE runs SET begun_at = now() WHERE request_id = RUNNING`, "runs_told"},
	{"that a run is to end has its event", `UPDATE runs SET stopped_at = now(), stopped_by = 'ASKER' WHERE request_id = RUNNING`, "runs_told"},
	{"a result has its event", `UPDATE runs SET finished_at = now(), result = kept('{}') WHERE request_id = RUNNING`, "runs_told"},
	{"a start is paid", `ALTER TABLE holds DISABLE TRIGGER USER;
		UPDATE holds SET settled = true WHERE request_id = APPROVED;
		INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES (APPROVED, 'b', 1, SEAL, now())`, "runs_paid"},
	{"a run is taken back by an event", takeBack(`RUNNING`), "unstarted_runs_told"},
	{"a file has its event", `INSERT INTO artifacts (request_id, seq, name, kind, data) VALUES (DONE, 9, kept('n'), 'file', kept('x'))`, "artifacts_told"},
	{"what is said has its event", `INSERT INTO messages (session_id, request_id, role, text, at) SELECT session_id, id, 'result', kept('obey me'), now() FROM requests WHERE id = DONE`, "messages_told"},
	{"rules have their event", ruled(`'', 1, 1`), "rules_told"},
	{"a role has its event", named(`'', 'administrator'`), "people_told"},
	{"a delegation has its event", delegated(`'REVA', 'REVB', now() + interval '1 day', now()`), "delegations_told"},
	{"a key has its event", keyed(`'REVA', 'ssh-ed25519 AAAA'`), "ssh_keys_told"},
	{"one event of a key is one fact", unguarded(`ssh_keys`) + keyed(`'REVA', 'ssh-ed25519 AAAA'`) + keyed(`'REVB', 'ssh-ed25519 BBBB'`) + `UPDATE ssh_keys SET told = 1`, "ssh_keys_once"},
	{"one event sets rules once", ruled(`'', 1, 1`) + ruled(`'', 2, 1`) + `UPDATE rules SET told = 1`, "rules_unchangeable"},
	{"one event of rules is one version", unguarded(`rules`) + ruled(`'', 1, 1`) + ruled(`'', 2, 1`) + `UPDATE rules SET told = 1`, "rules_once"},
	{"one event of people is one fact", unguarded(`people`) + named(`'', 'reviewer'`) + named(`'', 'fallback'`) + `UPDATE people SET told = 1`, "people_once"},
	{"one event of a delegation is one word", unguarded(`delegations`) + delegated(`'REVA', 'REVB', now() + interval '1 day', now()`) +
		delegated(`'REVB', 'REVA', now() + interval '1 day', now()`) + `UPDATE delegations SET told = 1`, "delegations_once"},
	{"a limit has its event", `INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', 1, 'day', 'ADMIN', now())`, "limits_told"},
	{"one event is of one limit", `INSERT INTO scopes VALUES ('TEAM', 'user', 'NEW');
		INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', 1, 'day', 'ADMIN', now(), '{}', 1), ('TEAM', 'user', 'NEW', 1, 'day', 'ADMIN', now(), '{}', 1)`, "limits_once"},
	{"a limit is not deleted", `INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', 1, 'day', 'ADMIN', now());
		DELETE FROM limits`, "limits_undeletable"},
	{"money is asked for by an event", topUp(`'user'`, `5`), "topups_told"},
	{"a message in Slack is what it is", posted + `UPDATE posts SET surface = 'reply'`, "posts_named"},
	{"a message in Slack is not forgotten", posted + `DELETE FROM posts`, "posts_undeletable"},
	{"messages in Slack are not forgotten", `TRUNCATE posts CASCADE`, "posts_untruncatable"},

	{"an answer is shared by an event", `INSERT INTO copies VALUES (DONE, 'C1', 'ASKER', now())`, "copies_told"},
	{"an answer is shared by its asker", `INSERT INTO copies VALUES (DONE, 'C1', 'OTHER', now())`, "copies_asker"},
	{"an answer is shared in a channel", `INSERT INTO copies VALUES (DONE, 'D1', 'ASKER', now())`, "copies_channel_check"},
	{"an answer is shared once in a channel", `INSERT INTO copies VALUES (DONE, 'C1', 'ASKER', now()), (DONE, 'C1', 'ASKER', now())`, "copies_pkey"},
	{"who has shared it stays", `INSERT INTO copies VALUES (DONE, 'C1', 'ASKER', now()); UPDATE copies SET channel = 'C2'`, "copies_unchangeable"},
	{"what was shared is not emptied", `TRUNCATE copies`, "copies_untruncatable"},
	{"an answer is taken back by an event", `INSERT INTO takebacks VALUES (DONE, 'ASKER', now())`, "takebacks_told"},
	{"it is taken back by somebody", `INSERT INTO takebacks VALUES (DONE, '', now())`, "takebacks_person_check"},
	{"it is taken back once", `INSERT INTO takebacks VALUES (DONE, 'ASKER', now()), (DONE, 'ADMIN', now())`, "takebacks_pkey"},
	{"what is taken back was asked", `INSERT INTO takebacks VALUES ('nobody', 'ASKER', now())`, "takebacks_request_id_fkey"},
	{"who has taken it back stays", `INSERT INTO takebacks VALUES (DONE, 'ASKER', now()); UPDATE takebacks SET person = 'ADMIN'`, "takebacks_unchangeable"},
	{"what was taken back stays so", `INSERT INTO takebacks VALUES (DONE, 'ASKER', now()); DELETE FROM takebacks`, "takebacks_unchangeable"},
	{"what was taken back is not emptied", `TRUNCATE takebacks`, "takebacks_untruncatable"},
	{"a file in Slack is of an answer", `INSERT INTO uploads VALUES ('nobody', 'files', 'F1')`, "uploads_request_id_fkey"},
	{"a file in Slack has a name", `INSERT INTO uploads VALUES (DONE, 'files', '')`, "uploads_file_check"},
	{"a file in Slack is what it is", `INSERT INTO uploads VALUES (DONE, 'card', 'F1')`, "uploads_surface_check"},
	{"a file in Slack is there once", `INSERT INTO uploads VALUES (DONE, 'files', 'F1'), (DONE, 'sheets', 'F1')`, "uploads_pkey"},
	{"a file in Slack is not forgotten", `INSERT INTO uploads VALUES (DONE, 'files', 'F1'); DELETE FROM uploads`, "uploads_unchangeable"},
	{"files in Slack are not forgotten", `TRUNCATE uploads`, "uploads_untruncatable"},
}

const posted = `INSERT INTO posts VALUES (DONE, 'card', 'C', '1', '')` + ";\n"
