package storage

import "strings"

// What events, the words that they name and the table of moves promise, and somebody
// with a console who tries to break it: tried with the others, by
// TestTheSchemaKeepsItsPromisesAgainstAnybody.
func init() { breaches = append(breaches, eventBreaches...) }

var eventBreaches = []struct {
	promise    string
	sql        string
	constraint string
}{
	{"what may follow stays", `UPDATE moves SET to_state = 'approved' WHERE verb = 'Drafted'`, "moves_unchangeable"},
	{"what may follow is not added to", `INSERT INTO moves VALUES ('drafting', 'Skip', 'approved')`, "moves_unchangeable"},
	{"what may follow is not taken away", `DELETE FROM moves`, "moves_unchangeable"},
	{"moves are not emptied", `TRUNCATE moves`, "moves_untruncatable"},
	{"a move is one", unguarded(`moves`) + `INSERT INTO moves SELECT * FROM moves`, "moves_pkey"},
	{"nothing follows on the end", unguarded(`moves`) + `INSERT INTO moves VALUES ('done', 'Resume', 'running')`, "moves_not_after_the_end"},
	{"a move leads to a known state", unguarded(`moves`) + `INSERT INTO moves VALUES ('drafting', 'Dream', 'dreaming')`, "moves_to_a_state"},

	{"a value is stored once", content(`value`) + `INSERT INTO contents SELECT * FROM contents WHERE stream = 's'`, "contents_pkey"},
	{"a hash is that of salt and value", strings.Replace(content(`value`), "|| value", "|| value || ' '", 1), "contents_hash"},
	{"a hash is one", `INSERT INTO contents (hash, salt, value, stream) VALUES ('x', repeat('0', 32), '', 's')`, "contents_hash,contents_hash_check"},
	{"a salt is 128 bits", strings.Replace(content(`value`), "repeat('a', 32)", "repeat('a', 31)", 1), "contents_salt_check"},
	{"a value has a salt", `INSERT INTO contents (hash, value, stream) VALUES (repeat('0', 64), 'guess me', 's')`, "contents_whole"},
	{"what is there is not gone", strings.Replace(content(`value`), "'s', NULL", "'request:' || DONE, 1", 1), "contents_whole"},
	{"nothing begins gone", content(`NULL`), "contents_begin"},
	{"a value does not change", `UPDATE contents SET value = 'other'`, "contents_only_go"},
	{"a value does not change together with its hash", `UPDATE contents SET value = 'other', hash = encode(sha256(convert_to(salt || 'other', 'UTF8')), 'hex')`, "contents_only_go"},
	{"a value does not go without an event", `UPDATE contents SET salt = NULL, value = NULL, gone = 1 WHERE stream = 'request:' || DONE`, "contents_only_go"},
	{"a value does not go by an event that names another", erasers(`ADMIN`, `SECOND`) + `SELECT forget('request:' || DONE, (SELECT array_agg(c.hash) FROM contents c JOIN requests r ON r.question = c.hash WHERE r.id = DONE), 'ADMIN', 'erasure');
		UPDATE contents SET salt = NULL, value = NULL, gone = (SELECT max(seq) FROM events WHERE stream = 'request:' || DONE) WHERE stream = 'request:' || DONE AND value IS NOT NULL`, "contents_only_go"},
	{"what is gone does not come back", erasers(`ADMIN`, `SECOND`) + `SELECT forget('request:' || DONE, NULL, 'ADMIN', 'erasure');
		UPDATE contents SET salt = repeat('0', 32), value = '', gone = NULL WHERE value IS NULL`, "contents_only_go"},
	{"what reviewers read does not go from under them", `SELECT forget('request:' || PENDING, (SELECT array_agg(manifest) FROM revisions WHERE request_id = PENDING), 'ADMIN', 'erasure')`, "contents_stay_while_open"},
	{"what is approved does not go before it has run", `SELECT forget('request:' || APPROVED, NULL, 'ADMIN', 'erasure')`, "contents_stay_while_open"},
	{"what runs does not go before it has ended", `SELECT forget('request:' || RUNNING, NULL, 'ADMIN', 'erasure')`, "contents_stay_while_open"},
	{"nothing goes because one administrator wants it", erasers(`ADMIN`) + forgets(`ADMIN`, `erasure`), "contents_stay_without_reason"},
	{"nor because two others want it", erasers(`SECOND`, `THIRD`) + forgets(`ADMIN`, `erasure`), "contents_stay_without_reason"},
	{"nor because one of two has decided on it", erasers(`ADMIN`, `REVA`) + forgets(`ADMIN`, `erasure`), "contents_stay_without_reason"},
	{"nor because two wanted it more than seven days apart", erasers(`ADMIN`, `SECOND`) + unguarded(`requests`) + `UPDATE requests SET created_at = created_at - interval '20 days' WHERE id = DONE;
		UPDATE erasures SET at = at - interval '8 days' WHERE "by" = 'SECOND';` + forgets(`ADMIN`, `erasure`), "contents_stay_without_reason"},
	{"nor because two wanted it before it was asked", erasers(`ADMIN`, `SECOND`) + `UPDATE erasures SET at = (SELECT created_at FROM requests WHERE id = DONE) - interval '1 second';` + forgets(`ADMIN`, `erasure`), "contents_stay_without_reason"},
	{"nor for any other reason", erasers(`ADMIN`, `SECOND`) + forgets(`ADMIN`, `tidying`), "contents_stay_without_reason"},
	{"nobody wants forgotten what they asked", erasers(`ASKER`), "erasures_others"},
	{"what is on legal hold does not go", erasers(`ADMIN`, `SECOND`) + onHold(`ASKER`) + forgets(`ADMIN`, `erasure`), "contents_on_legal_hold"},
	{"nor where everybody's is", erasers(`ADMIN`, `SECOND`) + onHold(``) + forgets(`ADMIN`, `erasure`), "contents_on_legal_hold"},
	{"nothing goes by a rule that there is not", forgets(`countersign`, `retention`), "contents_stay_without_reason"},
	{"nor before its time", keepsFor(3) + forgets(`countersign`, `retention`), "contents_stay_without_reason"},
	{"the rule keeps what is on legal hold", keepsFor(3) + onHold(`ASKER`) + `UPDATE requests SET changed_at = now() - interval '4 days'; ` + forgets(`countersign`, `retention`), "contents_on_legal_hold"},
	{"what is of no request stays", content(`value`) + `SELECT forget('s', NULL, 'ADMIN', 'erasure')`, "contents_of_requests"},
	{"a legal hold has its event", `INSERT INTO legal_holds (team, person, held, by, at) VALUES ('TEAM', 'ASKER', false, 'ADMIN', now())`, "legal_holds_told"},
	{"one event is one legal hold", unguarded(`legal_holds`) + `INSERT INTO legal_holds (team, person, held, by, at, told) SELECT 'TEAM', p, true, 'ADMIN', now(), 1 FROM unnest(ARRAY['A', 'B']) p`, "legal_holds_once"},
	{"a legal hold stays on record", guardedAgain(`legal_holds`, onHold(`ASKER`)) + `UPDATE legal_holds SET held = false`, "legal_holds_unchangeable"},
	{"legal holds are not emptied", `TRUNCATE legal_holds`, "legal_holds_untruncatable"},
	{"whoever wants something forgotten has said so", `INSERT INTO erasures (team, person, by, at) VALUES ('TEAM', 'ASKER', 'ADMIN', now())`, "erasures_told"},
	{"one event is one wish", unguarded(`erasures`) + `INSERT INTO erasures (team, person, by, at, told) SELECT 'TEAM', p, 'ADMIN', now(), 1 FROM unnest(ARRAY['A', 'B']) p`, "erasures_once"},
	{"a wish stays on record", guardedAgain(`erasures`, erasers(`ADMIN`)) + `DELETE FROM erasures`, "erasures_unchangeable"},
	{"wishes are not emptied", `TRUNCATE erasures`, "erasures_untruncatable"},
	{"the event that a value goes by exists", unguarded(`contents`) + `UPDATE contents SET salt = NULL, value = NULL, gone = 999`, "contents_gone_fkey"},
	{"values are not deleted", content(`value`) + `DELETE FROM contents WHERE stream = 's'`, "contents_undeletable"},
	{"values are not emptied", `TRUNCATE contents CASCADE`, "contents_untruncatable"},
	{"what a row names is stored", wish(`repeat('0', 64)`), "decisions_reason_fkey"},
	{"findings are a list", `INSERT INTO revisions (request_id, number, code, author, prompt_version, findings, manifest, digest, at)
		SELECT request_id, 2, code, 'a', '', kept('{}'), manifest, digest, now() FROM revisions WHERE request_id = PENDING`, "revisions_findings"},
	{"a notice is not emptied before it was told", notice(`'k', 'TEAM', 'price', '{U1}', false, '{"a": 1}'`) + `UPDATE notices SET data = '{}'`, "notices_stand"},

	{"an event does not change", `UPDATE events SET actor = 'REVA'`, "events_unchangeable"},
	{"an event is not deleted", `DELETE FROM events`, "events_unchangeable"},
	{"events are not emptied", `TRUNCATE events CASCADE`, "events_untruncatable"},
	{"an event is of a known kind", strings.ReplaceAll(event(`'new', 1, 'a', '{}', repeat('0', 64)`), "'begun'", "'dreamt'"), "events_kind_fkey"},
	{"a fact of no such name", event(`'new', 1, 'a', '{"boxes":"b"}', repeat('0', 64)`), "events_facts"},
	{"a fact of another type", event(`'new', 1, 'a', '{"box":1}', repeat('0', 64)`), "events_facts"},
	{"what somebody said, in place of its hash", strings.ReplaceAll(event(`'new', 1, 'a', '{"why":"their salary"}', repeat('0', 64)`), "'begun'", "'no box'"), "events_facts"},
	{"what somebody said, beside its hash", strings.ReplaceAll(event(`'new', 1, 'a', concat('{"why":{"clear":"their salary","salted_sha256":"', repeat('0', 64), '"}}'), repeat('0', 64)`), "'begun'", "'no box'"), "events_facts"},
	{"a kind is one", unguarded(`event_kinds`) + `INSERT INTO event_kinds VALUES ('asked', '{}')`, "event_kinds_pkey"},
	{"kinds are not added to", `INSERT INTO event_kinds VALUES ('dreamt', '{}')`, "event_kinds_unchangeable"},
	{"kinds stay", `DELETE FROM event_kinds WHERE kind = 'gone'`, "event_kinds_unchangeable"},
	{"kinds are not emptied", `TRUNCATE event_kinds CASCADE`, "event_kinds_untruncatable"},
	{"written code is not before reviewers", `UPDATE requests SET written = '{}' WHERE id = PENDING`, "requests_written_inspected"},
	{"written code has its fields", `UPDATE requests SET written = '[]' WHERE id = DRAFTING`, "requests_written_check"},
	{"an event has its place", `INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash, key, signature)
		SELECT stream, seq, at, actor, kind, data, prev_hash, hash, key, signature FROM events LIMIT 1`, "events_pkey"},
	{"an event has the hash of its content", `INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash, key, signature)
		VALUES ('new', 1, now(), 'a', 'begun', '{}', repeat('0', 64), repeat('0', 64), '` + noKey + `', '` + noSignature + `')`, "events_hash"},
	{"a chain begins with nothing before it", event(`'new', 1, 'a', '{}', repeat('1', 64)`), "events_beginning"},
	{"an event continues another", event(`'new', 2, 'a', '{}', repeat('1', 64)`), "events_chain_fkey"},
	{"a chain does not fork", event(`'request:' || DONE, 3, 'a', '{}', repeat('1', 64)`), "events_chain_fkey,events_pkey"},
	{"an actor is one line", event(`'new', 1, E'a\nb', '{}', repeat('0', 64)`), "events_actor_check"},
	{"an event is signed", strings.ReplaceAll(event(`'new', 1, 'a', '{}', repeat('0', 64)`), "'"+noKey+"', '"+noSignature+"'", "NULL, NULL"), "events_signed"},
	{"a signature has its key", strings.ReplaceAll(event(`'new', 1, 'a', '{}', repeat('0', 64)`), "'"+noKey+"', ", "NULL, "), "events_signed"},
	{"a key is one", strings.ReplaceAll(event(`'new', 1, 'a', '{}', repeat('0', 64)`), noKey, "x"), "events_key_check"},
	{"a signature is one", strings.ReplaceAll(event(`'new', 1, 'a', '{}', repeat('0', 64)`), noSignature, "x"), "events_signature_check"},
	{"a move has an event of a known kind", unguarded(`moves`) + `UPDATE moves SET told = 'dreamt' WHERE told = 'asked'`, "moves_told_fkey"},
	{"an event's data are fields", event(`'new', 1, 'a', '[]', repeat('0', 64)`), "events_data_check"},
}

// What has the form of a key and of a signature, and is none: the schema cannot tell.
var noKey, noSignature = strings.Repeat("A", 43) + "=", strings.Repeat("A", 86) + "=="

// content is a row of contents of a stream of its own, whose value is as given.
func content(value string) string {
	return `INSERT INTO contents (hash, salt, value, stream, gone)
		SELECT encode(sha256(convert_to(salt, 'UTF8') || value), 'hex'), salt, ` + value + `, 's', NULL FROM (SELECT repeat('a', 32) AS salt, 'v'::bytea AS value) AS c` + ";\n"
}

func event(values string) string {
	return `INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash, key, signature)
		SELECT s, n, '2026-01-02 03:04:05.000007+00', a, 'begun', d, p, encode(sha256(convert_to(event_line(s, n, '2026-01-02 03:04:05.000007+00', a, 'begun', d, p), 'UTF8')), 'hex'), '` + noKey + `', '` + noSignature + `'
		FROM (SELECT ` + values + `) AS v (s, n, a, d, p)`
}
