package storage

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What one person may do alone, and somebody with a console who does more: tried with the others, by
// TestTheSchemaKeepsItsPromisesAgainstAnybody.
func init() { breaches = append(breaches, aloneBreaches...) }

var aloneBreaches = []struct {
	promise    string
	sql        string
	constraint string
}{
	{"code is opened before it is approved", paced(`60, 0`) + decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`), "decisions_read"},
	{"code is opened by whoever approves it", paced(`60, 0`) + openedBy(`'REVA'`, `1`, `1 hour`) + decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`), "decisions_read"},
	{"it is this version that is opened", paced(`60, 0`) + openedBy(`'REVB'`, `2`, `1 hour`) + decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`), "decisions_read"},
	{"reading takes its time", paced(`60, 0`) + openedBy(`'REVB'`, `1`, `59 seconds`) + decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`), "decisions_read"},
	{"an approval from tomorrow does not make reading longer", paced(`60, 0`) + openedBy(`'REVB'`, `1`, `1 second`) +
		`INSERT INTO decisions (request_id, revision, digest, asker, author, reviewer, verdict, at, click) VALUES (PENDING, 1, SEAL, 'ASKER', 'small-1', 'REVB', 'approve', now() + interval '1 day', '{}')`, "decisions_read"},
	{"who has read it for long enough may: then it is the rules that lack their event", paced(`60, 0`) + openedBy(`'REVB'`, `1`, `61 seconds`) + decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`), "rules_told"},
	{"one person approves so many in an hour", paced(`0, 3`) + decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`), "decisions_hourly"},
	{"nor does one from tomorrow count fewer", paced(`0, 3`) + strings.Replace(decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`), "now()", "now() + interval '1 day'", 1), "decisions_hourly"},
	{"and one fewer is allowed: then it is the rules that lack their event", paced(`0, 4`) + decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`), "rules_told"},
}

func init() { breaches = append(breaches, glassBreaches...) }

// The glass, and somebody with a console who breaks it. What is refused when the transaction ends is the last thing to be.
var glassBreaches = []struct {
	promise    string
	sql        string
	constraint string
}{
	{"nobody breaks the glass without the role", openedBy(`'REVC'`, `1`, `1 hour`) + breaks(`'REVC'`), "broken_glass_role"},
	{"it takes two to name somebody", holds(`'REVC'`, `'ADMIN'`, `25 hours`) + openedBy(`'REVC'`, `1`, `1 hour`) + breaks(`'REVC'`), "broken_glass_role"},
	{"one who names twice is one", holds(`'REVC'`, `'ADMIN'`, `25 hours`) + holds(`'REVC'`, `'ADMIN'`, `26 hours`) + openedBy(`'REVC'`, `1`, `1 hour`) + breaks(`'REVC'`), "broken_glass_role"},
	{"the role is 24 hours old", holds(`'REVC'`, `'ADMIN'`, `25 hours`) + holds(`'REVC'`, `'BOSS'`, `23 hours`) + openedBy(`'REVC'`, `1`, `1 hour`) + breaks(`'REVC'`), "broken_glass_role"},
	{"the role is not taken away", holder + `INSERT INTO people (team, project, role, person, named, by, at) VALUES ('TEAM', '', 'break-glass', 'REVC', false, 'ADMIN', now() - interval '1 hour');
		` + openedBy(`'REVC'`, `1`, `1 hour`) + breaks(`'REVC'`), "broken_glass_role"},
	{"the role is the person's own", holder + openedBy(`'REVB'`, `1`, `1 hour`) + breaks(`'REVB'`), "broken_glass_role"},
	{"nobody names themselves for it", `INSERT INTO people (team, project, role, person, named, by, at) VALUES ('TEAM', '', 'break-glass', 'REVC', true, 'REVC', now())`, "people_glass"},
	{"it is for the workspace", `INSERT INTO people (team, project, role, person, named, by, at) VALUES ('TEAM', 'CHAN', 'break-glass', 'REVC', true, 'ADMIN', now())`, "people_administrators"},
	{"the code has been opened", holder + breaks(`'REVC'`), "broken_glass_read"},
	{"by whoever breaks it", holder + openedBy(`'REVB'`, `1`, `1 hour`) + breaks(`'REVC'`), "broken_glass_read"},
	{"before they do", holder + openedBy(`'REVC'`, `1`, `-1 hour`) + breaks(`'REVC'`), "broken_glass_read"},
	{"there is a reason", strings.Replace(ready+breaks(`'REVC'`), "the report is due in an hour", "because I say so ok", 1), "broken_glass_reason"},
	{"two others hear of it", strings.Replace(ready+breaks(`'REVC'`), "ARRAY['ADMIN', 'BOSS']", "ARRAY['ADMIN']", 1), "broken_glass_others"},
	{"two different ones", strings.Replace(ready+breaks(`'REVC'`), "ARRAY['ADMIN', 'BOSS']", "ARRAY['ADMIN', 'ADMIN']", 1), "broken_glass_others"},
	{"they are not whoever breaks it", strings.Replace(ready+breaks(`'REVC'`), "ARRAY['ADMIN', 'BOSS']", "ARRAY['ADMIN', 'BOSS', 'REVC']", 1), "broken_glass_others"},
	{"nor whoever asked", strings.Replace(ready+breaks(`'REVC'`), "ARRAY['ADMIN', 'BOSS']", "ARRAY['ADMIN', 'BOSS', 'ASKER']", 1), "broken_glass_others"},
	{"no danger runs so", holder + graded(`high`, `danger`) + `UPDATE requests SET revision = 2 WHERE id = PENDING;
		` + openedBy(`'REVC'`, `2`, `1 hour`) + second(breaks(`'REVC'`)), "broken_glass_inspected"},
	{"nothing with a network runs so", holder + reaching + openedBy(`'REVC'`, `2`, `1 hour`) + second(breaks(`'REVC'`)), "broken_glass_network"},
	{"what has ended does not run", strings.ReplaceAll(ready+breaks(`'REVC'`), "VALUES (PENDING", "VALUES (DONE"), "broken_glass_in_time"},
	{"it is broken now and not tomorrow", strings.Replace(ready+breaks(`'REVC'`), "'], now()", "'], now() + interval '1 day'", 1), "broken_glass_in_time"},
	{"and not yesterday", strings.Replace(ready+breaks(`'REVC'`), "'], now()", "'], now() - interval '1 hour'", 1), "broken_glass_in_time"},
	{"one at a time in a workspace", ready + brokenBefore(`'REVB'`, `1 hour`) + breaks(`'REVC'`), "broken_glass_one"},
	{"of two at once the second sees the first, whichever time each took", ready + brokenBefore(`'REVB'`, `-10 seconds`) + breaks(`'REVC'`), "broken_glass_one"},
	{"none of their own is unseen", ready + brokenBefore(`'REVC'`, `1 hour`) + breaks(`'REVC'`), "broken_glass_seen"},
	{"one look is not enough", ready + brokenBefore(`'REVC'`, `2 hours`) + looked(`'ADMIN'`, `1 hour`) + breaks(`'REVC'`), "broken_glass_seen"},
	{"after two looks it may be broken, with an event", ready + brokenBefore(`'REVC'`, `2 hours`) + looked(`'ADMIN'`, `1 hour`) + looked(`'BOSS'`, `1 hour`) + breaks(`'REVC'`), "broken_glass_told"},
	{"looks that come too late have it rest for all", ready + brokenBefore(`'REVB'`, `24 hours 30 minutes`) + looked(`'ADMIN'`, `20 minutes`) + looked(`'BOSS'`, `20 minutes`) + breaks(`'REVC'`), "broken_glass_role"},
	{"it has its event", ready + breaks(`'REVC'`), "broken_glass_told"},
	{"without its event nothing is approved by it", ready + breaks(`'REVC'`) + `UPDATE requests SET state = 'approved' WHERE id = PENDING`, "requests_quorum"},
	{"without its event nothing runs by it", ready + breaks(`'REVC'`) + `ALTER TABLE requests DISABLE TRIGGER requests_guards;
		UPDATE requests SET state = 'approved' WHERE id = PENDING;
		INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES (PENDING, 'b', 1, SEAL, now())`, "runs_approved"},
	{"it is broken once", unguarded(`broken_glass`) + breaks(`'REVC'`) + breaks(`'REVC'`), "broken_glass_pkey"},
	{"it is of what was shown", unguarded(`broken_glass`) + strings.Replace(breaks(`'REVC'`), "SEAL", "repeat('0', 64)", 1), "broken_glass_revision_fkey"},
	{"a click is a document", unguarded(`broken_glass`) + strings.Replace(breaks(`'REVC'`), "'{}'", "'[]'", 1), "broken_glass_click_check"},
	{"it stays", ready + breaks(`'REVC'`) + `UPDATE broken_glass SET person = 'REVB'`, "broken_glass_unchangeable"},
	{"it is not emptied", `TRUNCATE broken_glass CASCADE`, "broken_glass_untruncatable"},
	{"nobody looks at their own", ready + breaks(`'REVC'`) + looks(`PENDING`, `'REVC'`), "glass_looks_by_others"},
	{"whoever asked does not look", ready + breaks(`'REVC'`) + looks(`PENDING`, `'ASKER'`), "glass_looks_by_others"},
	{"somebody looks once", ready + breaks(`'REVC'`) + looks(`PENDING`, `'ADMIN'`) + looks(`PENDING`, `'ADMIN'`), "glass_looks_pkey"},
	{"what is looked at has happened", looks(`PENDING`, `'ADMIN'`), "glass_looks_of"},
	{"a look has its event", ready + brokenBefore(`'REVB'`, `1 hour`) + looks(`DONE`, `'ADMIN'`), "glass_looks_told"},
	{"a look stays", ready + breaks(`'REVC'`) + looks(`PENDING`, `'ADMIN'`) + `UPDATE glass_looks SET fine = false`, "glass_looks_unchangeable"},
	{"looks are not emptied", `TRUNCATE glass_looks`, "glass_looks_untruncatable"},
}

// holds has somebody named for break-glass a while ago. That naming has its event is tried elsewhere.
func holds(who, by, ago string) string {
	return unguarded(`people`) + `INSERT INTO people (team, project, role, person, named, by, at) VALUES ('TEAM', '', 'break-glass', ` + who + `, true, ` + by + `, now() - interval '` + ago + `')` + ";\n"
}

// holder has REVC named by two, and ready has them open the code as well.
var (
	holder = holds(`'REVC'`, `'ADMIN'`, `26 hours`) + holds(`'REVC'`, `'BOSS'`, `25 hours`)
	ready  = holder + openedBy(`'REVC'`, `1`, `1 hour`)
)

func breaks(who string) string {
	return `INSERT INTO broken_glass (request_id, revision, digest, person, reason, others, at, click)
		VALUES (PENDING, 1, SEAL, ` + who + `, kept('the report is due in an hour'), ARRAY['ADMIN', 'BOSS'], now(), '{}')` + ";\n"
}

// second is the same of the second revision.
func second(sql string) string {
	return strings.Replace(sql, "(PENDING, 1, SEAL", "(PENDING, 2, "+digestOf2, 1)
}

// brokenBefore has the glass of DONE broken a while ago, and looked has somebody look at that.
func brokenBefore(who, ago string) string {
	return unguarded(`broken_glass`) + strings.NewReplacer("VALUES (PENDING", "VALUES (DONE", "'], now()", "'], now() - interval '"+ago+"'").Replace(breaks(who)) + `ALTER TABLE broken_glass ENABLE TRIGGER USER` + ";\n"
}

func looked(who, ago string) string {
	return unguarded(`glass_looks`) + strings.Replace(looks(`DONE`, who), "now()", "now() - interval '"+ago+"'", 1) + `ALTER TABLE glass_looks ENABLE TRIGGER USER` + ";\n"
}

func looks(request, who string) string {
	return `INSERT INTO glass_looks (request_id, revision, person, fine, at) VALUES (` + request + `, 1, ` + who + `, true, now())` + ";\n"
}

// reaching is a second revision of PENDING that may reach a host.
var reaching = func() string {
	manifest := `replace(said(manifest), '"network":[]', '"network":["api.example.com"]')`
	return revise(`2`, `code`, `kept(`+manifest+`)`, `encode(sha256(convert_to(`+manifest+`, 'UTF8')), 'hex')`) + `;
		UPDATE requests SET revision = 2 WHERE id = PENDING` + ";\n"
}()

// paced are rules of the workspace with a pace: seconds a line, and approvals of one person in an hour.
func paced(values string) string {
	return `INSERT INTO rules (team, project, version, document, set_by, set_at)
		SELECT 'TEAM', '', 1, jsonb_build_object('low', jsonb_build_object('approvals', 1, 'line_seconds', s, 'hourly', h), 'medium', jsonb_build_object('approvals', 1), 'high', jsonb_build_object('approvals', 1)), 'ADMIN', now()
		FROM (VALUES (` + values + `)) AS r (s, h)` + ";\n"
}

// openedBy has somebody open the code of PENDING a while ago.
func openedBy(who, revision, ago string) string {
	return `ALTER TABLE events DROP CONSTRAINT events_signed, DROP CONSTRAINT events_hash;
		INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash)
		SELECT stream, seq + 1, clock_timestamp() - interval '` + ago + `', ` + who + `, 'opened review', '{"revision":` + revision + `}', hash, repeat('0', 64)
		FROM events WHERE stream = 'request:' || PENDING ORDER BY seq DESC LIMIT 1` + ";\n"
}

// TestWhoApprovesWaitsForNobodyWhereNoRuleCounts holds who takes the lock of a reviewer's approvals alone: where rules bound
// how many there are in an hour, and nobody else. The others share it, since what they approve is counted, too.
func TestWhoApprovesWaitsForNobodyWhereNoRuleCounts(t *testing.T) {
	t.Parallel()
	b, fill := setupBreaches(t)
	elsewhere := strings.Replace(paced(`0, 4`), "'TEAM', '',", "'TEAM', 'ELSEWHERE',", 1)
	for rules, waits := range map[string]bool{"": false, paced(`0, 4`): true, elsewhere: false} {
		tx, err := b.pool.Begin(t.Context())
		require.NoError(t, err)
		for statement := range strings.SplitSeq(fill.Replace(rules+decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`)), ";\n") {
			_, err = tx.Exec(t.Context(), statement)
			require.NoError(t, err)
		}
		var shared, alone bool
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT pg_try_advisory_xact_lock_shared(hashtextextended('approvals REVB', 0))`).Scan(&shared))
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT pg_try_advisory_xact_lock(hashtextextended('approvals REVB', 0))`).Scan(&alone))
		require.Equal(t, waits, !shared, "rules: %s", rules)
		require.False(t, alone, "whoever counts them waits for each: rules: %s", rules)
		require.NoError(t, tx.Rollback(t.Context()))
	}
}
