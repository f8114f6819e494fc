package storage

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/proof"
	"countersign/storage/signing"
	"countersign/storage/trail"
)

// Somebody has the password of serve's role, and not its key. What they try is refused, or
// it leaves an event that nobody has signed: then nothing runs by it, and an audit names it.

// refusedAttacks are refused by the schema or by the lack of a right: the constraint, or
// 42501 of Postgres.
var refusedAttacks = []struct{ what, sql, by string }{
	{"a decision and a state, and nobody has clicked", decide(`PENDING`, `1`, `SEAL`, `'ASKER'`, `'small-1'`, `'REVB'`) + `;
		UPDATE requests SET state = 'approved' WHERE id = PENDING`, "requests_quorum"},
	{"fewer approvals are needed", `UPDATE requests SET quorum = 1, state = 'approved' WHERE id = PENDING`, "requests_told"},
	{"a run of what waits for reviewers", `INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES (PENDING, 'b', 1, SEAL, now())`, "runs_approved"},
	{"a decision by another door than its event says", strings.Replace(forged(testKey.Name(), "'"+noSignature+"'", "'request:' || PENDING", "REVB", "approved", `concat('{"digest":"', SEAL, '","revision":1}')`)+
		clicked(`'REVB'`, `{"door": "command line", "os_user": "ben", "machine": "m"}`), "now()", forgedAt, 1), "decisions_told"},
	{"a run that nobody has started", `INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES (APPROVED, 'b', 1, SEAL, now())`, "runs_told"},
	{"a second run, by taking the first back", takeBack(`RUNNING`) + `DELETE FROM runs WHERE request_id = RUNNING`, "unstarted_runs_told"},
	{"a result that no box gave", `UPDATE runs SET finished_at = now(), result = (SELECT result FROM runs WHERE request_id = DONE) WHERE request_id = RUNNING`, "runs_told"},
	{"a revision that nobody wrote", sealAgain(`PENDING`), "revisions_told"},
	{"a state by an old event", `UPDATE requests SET state = 'drafting' WHERE id = PENDING`, "requests_told"},
	{"a message to the model", `INSERT INTO messages (session_id, request_id, role, text, at) SELECT session_id, id, 'result', question, now() FROM requests WHERE id = DONE`, "messages_told"},
	{"a role", named(`'', 'administrator'`), "people_told"},
	{"a key of a reviewer's", keyed(`'REVA', 'ssh-ed25519 AAAA'`), "ssh_keys_told"},
	{"a pin", `INSERT INTO pins (team, project, verb, file, name, content, size, "by", at) SELECT team, project, 'pinned', 'F1', question, question, 1, 'ADMIN', now() FROM requests WHERE id = DONE`, "pins_told"},
	{"a run on a file that is pinned for others", usesPin + startsOn, "runs_pinned"},
	{"rules that ask for one approval", ruled(`'', 1, 1`), "rules_told"},
	{"somebody in a reviewer's place", delegated(`'REVA', 'EVIL', now() + interval '1 day', now()`), "delegations_told"},
	{"a limit", `INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', 1000000000000, 'day', 'ADMIN', now())`, "limits_told"},
	{"a limit goes", `DELETE FROM limits`, "42501"},
	{"money on top", `UPDATE topups SET decided_by = 'ADMIN', decided_at = now(), granted = true, expires_at = now() + interval '1 day'; ` + topUpOf, "topups_told"},
	{"triggers are disabled", `ALTER TABLE decisions DISABLE TRIGGER ALL`, "42501"},
	{"triggers look away", `SET session_replication_role = replica`, "42501"},
	{"a trigger is dropped", `DROP TRIGGER runs_approved ON runs`, "42501"},
	{"a guard is rewritten", `CREATE OR REPLACE FUNCTION runs_approved() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`, "42501"},
	{"guards read a table of the attacker's", `CREATE TEMP TABLE decisions AS SELECT * FROM public.decisions;
		INSERT INTO pg_temp.decisions SELECT request_id, revision, digest, asker, author, 'REVB', verdict, reason, at, click, NULL, 'REVB' FROM public.decisions WHERE request_id = PENDING;
		CREATE TEMP TABLE events AS SELECT * FROM public.events;
		UPDATE requests SET state = 'approved' WHERE id = PENDING`, "requests_quorum"},
	{"guards search elsewhere", `SET search_path = pg_temp, public; CREATE TEMP TABLE decisions AS SELECT request_id, revision, digest, asker, author, 'REV' || n AS reviewer, verdict, reason, at, click,
			in_place_of, 'REV' || n AS voice FROM public.decisions, generate_series(1, 9) n WHERE request_id = PENDING;
		UPDATE public.requests SET state = 'approved' WHERE id = PENDING`, "requests_quorum"},
	{"a sum by a trigger of the attacker's table", `CREATE TEMP TABLE mine (hold_id text, request_id text, team text, asker text, session_id text, project text, at timestamptz, amount bigint);
		CREATE TRIGGER mine AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION settlements_balance()`, "42501"},
	{"a sum by a trigger in a trigger", `CREATE TEMP TABLE mine (n int);
		CREATE FUNCTION pg_temp.mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE public.scopes SET held = 0; RETURN NULL; END';
		CREATE TRIGGER mine AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION pg_temp.mine();
		INSERT INTO mine VALUES (1)`, "42501"},
	{"less is held", `UPDATE scopes SET held = 0`, "42501"},
	{"less is spent", `UPDATE balances SET spent = 0`, "42501"},
	{"a hold is over", `UPDATE holds SET settled = true`, "42501"},
	{"an event changes", `UPDATE events SET actor = 'REVB'`, "42501"},
	{"events go", `DELETE FROM events`, "42501"},
	{"all events go", `TRUNCATE events CASCADE`, "42501"},
	{"a decision changes", `UPDATE decisions SET verdict = 'approve'`, "42501"},
	{"code changes where it stands", `UPDATE contents SET value = 'import os'`, "42501"},
	{"moves are added", `INSERT INTO moves VALUES ('pending', 'Skip', 'running')`, "42501"},
	{"the owner's role", `SET ROLE countersign`, "42501"},
	{"more rights", `GRANT ALL ON ALL TABLES IN SCHEMA public TO countersign_serve; UPDATE balances SET spent = 0`, "42501"},
	{"a program beside the database", `COPY (SELECT 1) TO PROGRAM 'true'`, "42501"},
}

// topUpOf asks for money and grants it at once.
const topUpOf = `INSERT INTO topups (id, request_id, team, asked_by, session_id, project, kind, amount, reason, at)
	SELECT 'top', id, team, asker, session_id, project, 'user', 5, question, now() FROM requests WHERE id = DRAFTING`

func TestProveReviewAttacksByServesRoleAreRefused(t *testing.T) {
	t.Parallel()
	b, fill := setupBreaches(t)
	_, err := b.pool.Exec(t.Context(), `GRANT EXECUTE ON FUNCTION kept(text) TO PUBLIC`)
	require.NoError(t, err)
	before := b.count(t, `SELECT count(*) FROM events`)
	refused := 0
	var through []string
	for _, attack := range refusedAttacks {
		err := b.attack(t, fill.Replace(attack.sql))
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && (pg.ConstraintName == attack.by || pg.Code == attack.by) {
			refused++
		} else {
			through = append(through, fmt.Sprintf("%s: %v", attack.what, err))
		}
	}
	proof.Check(t, len(through) == 0, "SQL by serve's role: what nobody has decided is refused", "%d of %d %s", refused, len(refusedAttacks), strings.Join(through, "; "))
	require.Equal(t, before, b.count(t, `SELECT count(*) FROM events`), "nothing of it is left")
	for _, state := range []string{"PENDING", "APPROVED", "RUNNING", "DONE"} {
		_, err := AuditorOf(b.DB).Request(t.Context(), strings.Trim(fill.Replace(state), "'"))
		require.NoError(t, err, "and what people did stands")
	}
}

// attack is what somebody does who has the password of serve's role: one transaction, on a
// connection of their own.
func (b *bundle) attack(t *testing.T, sql string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.Serve(b.url))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `BEGIN; `+sql+`; COMMIT`)
	return err
}

// at is when all forged things happen.
const forgedAt = `'2030-01-02 03:04:05.000006+00'::timestamptz`

// forged is an event with its fitting hash, in its place in the chain. Its signature is as
// given, because nobody can make one without the key.
func forged(key, signature, stream, actor, kind, data string) string {
	return `INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash, key, signature)
		SELECT stream, seq, at, actor, kind, data, prev, encode(sha256(convert_to(event_line(stream, seq, at, actor, kind, data, prev), 'UTF8')), 'hex'), '` + key + `', ` + signature + `
		FROM (SELECT ` + stream + ` AS stream, coalesce(max(seq), 0) + 1 AS seq, ` + forgedAt + ` AS at, '` + actor + `' AS actor, '` + kind + `' AS kind, ` + data + ` AS data,
			coalesce((array_agg(hash ORDER BY seq DESC))[1], repeat('0', 64)) AS prev FROM events WHERE stream = ` + stream + `) e;
	`
}

func (b *bundle) lastOf(stream string) string {
	return `(SELECT max(seq) FROM events WHERE stream = ` + stream + `)`
}

// signatures are what an attacker can put beside an event: something, the signature of
// another event, and their own by a key that they have the trail announce.
func signatures(t *testing.T) map[string]func(sql func(key, signature string) string) string {
	t.Helper()
	mine, err := signing.New(nil)
	require.NoError(t, err)
	ours := testKey.Name()
	return map[string]func(func(key, signature string) string) string{
		"a made-up signature": func(sql func(string, string) string) string { return sql(ours, "'"+noSignature+"'") },
		"another event's signature": func(sql func(string, string) string) string {
			return sql(ours, "(SELECT max(signature) FROM events WHERE key = '"+ours+"')")
		},
		"a key that announces itself": func(sql func(string, string) string) string {
			return forged(mine.Name(), "'"+noSignature+"'", "'keys'", "countersign", "signing key", `concat('{"key":"', '`+mine.Name()+`', '"}')`) + sql(mine.Name(), "'"+noSignature+"'")
		},
	}
}

func TestProveReviewADecisionThatIsForgedWithItsEventRunsNothing(t *testing.T) {
	t.Parallel()
	for name, signed := range signatures(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.pending(t, "t")
			fill := strings.NewReplacer("<ID>", "'"+r.ID+"'", "<STREAM>", "'request:"+r.ID+"'", "<SEAL>", r.Revision.Digest)
			approve := func(key, signature string) string {
				return forged(key, signature, "<STREAM>", "REVA", "approved", `'{"digest":"<SEAL>","revision":1}'`) + `
					INSERT INTO decisions (request_id, revision, digest, asker, author, reviewer, verdict, at, click) VALUES (<ID>, 1, '<SEAL>', 'ASKER', 'small-1', 'REVA', 'approve', ` + forgedAt + `, '{}');
					UPDATE requests SET state = 'approved', told = ` + b.lastOf("<STREAM>") + ` WHERE id = <ID>;
					INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
						SELECT 'forged', id, team, asker, session_id, project, 'run', 10000000, now(), now() + interval '1 hour' FROM requests WHERE id = <ID>`
			}
			require.NoError(t, b.attack(t, fill.Replace(signed(approve))), "the schema knows no keys")

			now, err := b.Request(t.Context(), r.ID)
			require.NoError(t, err)
			require.Equal(t, approval.Approved, now.State)
			require.True(t, now.Decisions[0].Unsigned)
			require.Equal(t, []approval.Reason{approval.Because(approval.WhyUnsigned)}, now.BrokenSeal(b.policy))
			_, err = b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error { return r.Start("box", b.policy, now) })
			proof.Check(t, errors.As(err, new(*approval.StaleError)) && b.count(t, `SELECT count(*) FROM runs`) == 0, "a decision forged with its event and hash, and "+name+": nothing runs", "%v", err)

			_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
			chain, ok := errors.AsType[*trail.ChainError](err)
			proof.Check(t, ok && chain.Why == "it is not signed by this installation", "and the audit names it", "%v", err)

			// It goes back to the reviewers, who decide on a new revision.
			again := b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
				return r.BreakSeal(&approval.BrokenSealError{Why: r.BrokenSeal(b.policy)}, r.Revision.Manifest, b.policy, now)
			})
			require.Equal(t, approval.Pending, again.State)
			require.Zero(t, again.Approvals())
		})
	}
}

func TestProveReviewARunThatIsForgedWithItsEventIsNotStarted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t, "t")
	stream := "'request:" + r.ID + "'"
	sql := forged(testKey.Name(), "'"+noSignature+"'", stream, "countersign", "started", `'{"box":"evil","digest":"`+r.Revision.Digest+`","revision":1}'`) + `
		INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES ('` + r.ID + `', 'evil', 1, '` + r.Revision.Digest + `', ` + forgedAt + `);
		UPDATE requests SET state = 'running', expires_at = NULL, told = ` + b.lastOf(stream) + ` WHERE id = '` + r.ID + `'`
	require.NoError(t, b.attack(t, sql))
	now, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	proof.Check(t, now.Run.Unsigned && len(now.BrokenSeal(b.policy)) == 1, "a start forged with its event: nobody starts anything in that box", "%v", now.BrokenSeal(b.policy))
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	proof.Check(t, errors.As(err, new(*trail.ChainError)), "and the audit names it", "%v", err)
}

func TestProveReviewCodeThatIsForgedWithItsEventIsNotDecidedOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	stream := "'request:" + r.ID + "'"
	sql := forged(testKey.Name(), "'"+noSignature+"'", stream, "small-1", "drafted", `(SELECT concat('{"code":{"salted_sha256":"', code, '"},"digest":"', digest, '","manifest":{"salted_sha256":"', manifest, '"},"revision":2}') FROM revisions)`) + `
		INSERT INTO revisions (request_id, number, code, author, prompt_version, manifest, digest, at) SELECT request_id, 2, code, author, prompt_version, manifest, digest, ` + forgedAt + ` FROM revisions;
		UPDATE requests SET revision = 2 WHERE id = '` + r.ID + `'`
	require.NoError(t, b.attack(t, sql))
	_, err := b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
	})
	proof.Check(t, errors.As(err, new(*approval.StaleError)), "code forged with its event, and without what was found in it: nobody can approve it", "%v", err)
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	proof.Check(t, errors.As(err, new(*trail.ChainError)), "and the audit names it", "%v", err)
}

// Where administrators ask for more, code that is forged with its event is sealed by their
// rules or not at all: not by the settings, by none, or by an earlier version.
func TestProveReviewCodeThatIsForgedByLaxerRulesIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keeps(t)
	_, err := b.pool.Exec(t.Context(), `GRANT EXECUTE ON FUNCTION kept(text) TO PUBLIC`)
	require.NoError(t, err)
	r := b.pending(t, "t")
	rules := someRules()
	for version := range 2 {
		rules.High.Approvals = version + 1
		_, err = b.SetRules(t.Context(), review.RuleSet{Team: team, Version: version, Rules: rules, SetBy: "ADMIN"})
		require.NoError(t, err)
	}
	reviseTo := func(terms string) error {
		stream := "'request:" + r.ID + "'"
		return b.attack(t, `CREATE TEMP TABLE next ON COMMIT DROP AS SELECT kept(replace(said(manifest), '"version":1', '`+terms+`')) AS manifest, code FROM revisions;
			`+forged(testKey.Name(), "'"+noSignature+"'", stream, "small-1", "drafted", `(SELECT concat('{"code":{"salted_sha256":"', code, '"},"digest":"', encode(sha256(convert_to(said(manifest), 'UTF8')), 'hex'), '","manifest":{"salted_sha256":"', manifest, '"},"revision":2}') FROM next)`)+`
			INSERT INTO revisions (request_id, number, code, author, prompt_version, manifest, digest, at)
				SELECT '`+r.ID+`', 2, code, 'small-1', '', manifest, encode(sha256(convert_to(said(manifest), 'UTF8')), 'hex'), `+forgedAt+` FROM next;
			UPDATE requests SET revision = 2, quorum = 2 WHERE id = '`+r.ID+`'`)
	}
	for what, terms := range map[string]string{
		"the settings":                 `"version":2,"tier":"high","approvals":2,"policy":"settings"`,
		"none":                         `"version":1,"policy":null`,
		"the version before":           `"version":2,"tier":"high","approvals":2,"policy":"team/1"`,
		"their name, and less of them": `"version":2,"tier":"high","approvals":1,"policy":"team/2"`,
	} {
		err := reviseTo(terms)
		pg, ok := errors.AsType[*pgconn.PgError](err)
		proof.Check(t, ok && pg.ConstraintName == "revisions_by_rules", "code forged by other rules than hold, "+what+", is refused", "%v", err)
	}
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err, "and what was written before the rules stands")
	require.NoError(t, reviseTo(`"version":2,"tier":"high","approvals":2,"policy":"team/2"`), "the schema knows no keys")
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	proof.Check(t, errors.As(err, new(*trail.ChainError)), "by the rules that hold the audit names it", "%v", err)
}

func TestProveReviewRolesRulesAndLimitsThatAreForgedWithTheirEventsDoNotCount(t *testing.T) {
	t.Parallel()
	scope := budget.Scope{Team: team, Kind: budget.User, ID: asker}
	for name, c := range map[string]struct {
		before func(t *testing.T, b *bundle)
		stream string
		sql    func(event func(stream, actor, kind, data string) string) string
		stands func(t *testing.T, b *bundle) string // empty: it does not count
	}{
		"a role": {nil, "'people:TEAM'", func(event func(stream, actor, kind, data string) string) string {
			return event("'people:TEAM'", "ADMIN", "named", `'{"before":null,"channel":"","person":"EVIL","role":"reviewer"}'`) + `
				INSERT INTO people (team, project, role, person, named, by, at, told) VALUES ('TEAM', '', 'reviewer', 'EVIL', true, 'ADMIN', ` + forgedAt + `, LAST)`
		}, func(t *testing.T, b *bundle) string {
			grants, err := b.Grants(t.Context(), team)
			require.NoError(t, err)
			return fmt.Sprint(len(grants))
		}},
		"a key": {nil, "'people:TEAM'", func(event func(stream, actor, kind, data string) string) string {
			return event("'people:TEAM'", "REVA", "registered key", `'{"key":"ssh-ed25519 AAAA"}'`) + `
				INSERT INTO ssh_keys (team, person, line, named, at, told) VALUES ('TEAM', 'REVA', 'ssh-ed25519 AAAA', true, ` + forgedAt + `, LAST)`
		}, func(t *testing.T, b *bundle) string {
			keys, err := b.Keys(t.Context(), team, "REVA")
			require.NoError(t, err)
			return fmt.Sprint(len(keys))
		}},
		"a pin": {nil, "'pins:TEAM'", func(event func(stream, actor, kind, data string) string) string {
			word := approval.Hash([]byte(strings.Repeat("a", 32) + "x"))
			return `INSERT INTO contents (hash, salt, value, stream) VALUES ('` + word + `', repeat('a', 32), 'x', 'pins:TEAM');` +
				event("'pins:TEAM'", "ADMIN", "pinned", `'{"channel":"CHAN","content":{"salted_sha256":"`+word+`"},"file":"F1","for":[],"name":{"salted_sha256":"`+word+`"},"size":1}'`) + `
				INSERT INTO pins (team, project, verb, file, name, content, size, "by", at, told) VALUES ('TEAM', 'CHAN', 'pinned', 'F1', '` + word + `', '` + word + `', 1, 'ADMIN', ` + forgedAt + `, LAST)`
		}, func(t *testing.T, b *bundle) string {
			list, err := PinsOf(b.DB).Pins(t.Context(), team)
			require.NoError(t, err)
			return fmt.Sprint(len(list))
		}},
		"somebody in another's place": {nil, "'people:TEAM'", func(event func(stream, actor, kind, data string) string) string {
			return event("'people:TEAM'", "REVA", "delegated", `'{"before":null,"to":"EVIL","until":"2031-01-01T00:00:00Z"}'`) + `
				INSERT INTO delegations (team, principal, delegate, until, at, told) VALUES ('TEAM', 'REVA', 'EVIL', '2031-01-01 00:00:00+00', ` + forgedAt + `, LAST)`
		}, func(t *testing.T, b *bundle) string {
			list, err := b.Delegations(t.Context(), team)
			require.NoError(t, err)
			return fmt.Sprint(len(list))
		}},
		"rules": {func(t *testing.T, b *bundle) {
			_, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: someRules(), SetBy: "ADMIN"})
			require.NoError(t, err)
		}, "'rules:TEAM'", func(event func(stream, actor, kind, data string) string) string {
			return event("'rules:TEAM'", "ADMIN", "set rules", `(SELECT replace(concat('{"before":null,"channel":"","rules":', (data::jsonb -> 'rules')::text, ',"version":2}'), ': ', ':') FROM events WHERE stream = 'rules:TEAM')`) + `
				INSERT INTO rules (team, project, version, document, set_by, set_at, told) SELECT team, project, 2, document, 'ADMIN', ` + forgedAt + `, LAST FROM rules`
		}, func(t *testing.T, b *bundle) string {
			set, err := b.Rules(t.Context(), team, channel)
			require.NoError(t, err)
			return fmt.Sprint(set.Version - 1)
		}},
		"a limit": {func(t *testing.T, b *bundle) {
			require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: scope, Amount: budget.Dollar, Window: budget.Month}))
		}, "'budget'", func(event func(stream, actor, kind, data string) string) string {
			return event("'budget'", "ADMIN", "set limit", `'{"amount":9000000000000,"scope":{"id":"ASKER","kind":"user","team":"TEAM"},"window":"month"}'`) + `
				UPDATE limits SET amount = 9000000000000, set_at = ` + forgedAt + `, told = LAST`
		}, func(t *testing.T, b *bundle) string {
			list, err := b.Standings(t.Context(), []budget.Scope{scope})
			require.NoError(t, err)
			return fmt.Sprint(int64(list[0].Limit.Amount))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if c.before != nil {
				c.before(t, b)
			}
			_, err := AuditorOf(b.DB).House(t.Context())
			require.NoError(t, err)
			sql := c.sql(func(stream, actor, kind, data string) string {
				return forged(testKey.Name(), "'"+noSignature+"'", stream, actor, kind, data)
			})
			require.NoError(t, b.attack(t, strings.ReplaceAll(sql, "LAST", b.lastOf(c.stream))))
			stands := c.stands(t, b)
			proof.Check(t, stands == "0", name+" forged with its event does not count", "%s", stands)
			_, err = AuditorOf(b.DB).House(t.Context())
			proof.Check(t, errors.As(err, new(*trail.ChainError)), "and the audit of the workspace names it", "%v", err)
		})
	}
}

func TestProveReviewSharingAndTakingBackThatAreForgedWithTheirEventsDoNotCount(t *testing.T) {
	t.Parallel()
	for name, signed := range signatures(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.done(t, "t")
			b.shares(t, r.ID, "C1")
			row := func(table, channel string) string {
				return `INSERT INTO ` + table + ` VALUES ('` + r.ID + `', ` + channel + `'ASKER', ` + forgedAt + `);`
			}
			require.NoError(t, b.attack(t, signed(func(key, signature string) string {
				stream := "'request:" + r.ID + "'"
				return forged(key, signature, stream, "ASKER", "shared", `'{"channel":"CEVIL"}'`) + row("copies", "'CEVIL', ") +
					forged(key, signature, stream, "ASKER", "took back", `'{}'`) + row("takebacks", "") + `UPDATE requests SET shown_at = NULL`
			})), "the schema knows no keys")
			now, err := b.Request(t.Context(), r.ID)
			require.NoError(t, err)
			places := fmt.Sprintf("%t %d %s", now.Taken == nil, len(now.Copies), now.Copies[0].Channel)
			proof.Check(t, places == "true 1 C1", "sharing and taking back that are forged with their events, and "+name+": the answer stands where it stood", "%s", places)
			_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
			proof.Check(t, errors.As(err, new(*trail.ChainError)), "and the audit names it", "%v", err)
		})
	}
}

func TestWhereAMessageStandsIsInTheTrail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	require.NoError(t, b.attack(t, `INSERT INTO posts VALUES ('`+r.ID+`', 'card', 'REVIEW', '1.1', '')`))
	require.NoError(t, b.attack(t, `UPDATE posts SET shown = 'x'`))
	require.NoError(t, b.attack(t, `UPDATE posts SET channel = 'ELSEWHERE'`))
	events, err := b.Events(t.Context(), r.ID)
	require.NoError(t, err)
	last := events[len(events)-2:]
	require.Equal(t, approval.EventPosted, last[0].Kind)
	require.Equal(t, map[string]any{"surface": "card", "channel": "REVIEW", "ts": "1.1"}, last[0].Data)
	require.Equal(t, map[string]any{"surface": "card", "channel": "ELSEWHERE", "ts": "1.1"}, last[1].Data)
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)
}
