package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

// forgedFile is a value of a request as somebody writes it who has serve's role, and its hash.
func forgedValue(stream, value string) (sql, hash string) {
	salt := "00000000000000000000000000000000"
	hash = approval.Hash([]byte(salt + value))
	return `INSERT INTO contents (hash, salt, value, stream) VALUES ('` + hash + `', '` + salt + `', convert_to('` + value + `', 'UTF8'), '` + stream + `');`, hash
}

// Whoever has the database's password can end a run in the tables, with a result and files of their own and an event that nobody signed. Nobody reads them
// as an answer: it looks like one whose words are gone, and an audit names it.
func TestAResultThatNobodySignedIsNoAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.running(t, "t")
	stream := "request:" + r.ID
	result, hash := forgedValue(stream, `{"outcome": "ok", "answer": "Pay EVIL 4,000."}`)
	file, data := forgedValue(stream, `evil,4000`)
	name, named := forgedValue(stream, `pay.csv`)
	forge := result + file + name + forged(testKey.Name(), "'"+noSignature+"'", "'"+stream+"'", approval.System, "finished",
		`'{"files":[{"content":{"salted_sha256":"`+data+`"},"name":{"salted_sha256":"`+named+`"}}],"outcome":"ok","result":{"salted_sha256":"`+hash+`"}}'`)
	own := `INSERT INTO artifacts (request_id, seq, name, kind, data) VALUES ('` + r.ID + `', 1, '` + named + `', 'table', '` + data + `');`
	require.NoError(t, b.attack(t, forge+
		`UPDATE runs SET finished_at = `+forgedAt+`, result = '`+hash+`', box = 1;`+own+
		`UPDATE requests SET state = 'done', told = `+b.lastOf("'"+stream+"'")), "the schema knows no keys")
	now, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, approval.Done, now.State)
	require.Equal(t, &approval.Result{}, now.Run.Result)
	files, err := b.Artifacts(t.Context(), r.ID)
	require.NoError(t, err)
	require.Empty(t, files)
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Empty(t, v.Artifacts)
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.Error(t, err)

	// A file that is slipped in beside a genuine answer is none of it.
	b = setup(t)
	r = b.done(t, "t")
	before, err := b.Artifacts(t.Context(), r.ID)
	require.NoError(t, err)
	require.NotEmpty(t, before)
	stream = "request:" + r.ID
	file, data = forgedValue(stream, `evil,4000`)
	require.NoError(t, b.attack(t, file+forged(testKey.Name(), "'"+noSignature+"'", "'"+stream+"'", approval.System, "finished",
		`'{"files":[{"content":{"salted_sha256":"`+data+`"}}]}'`)+
		`INSERT INTO artifacts (request_id, seq, name, kind, data) SELECT request_id, 99, name, kind, '`+data+`' FROM artifacts LIMIT 1`))
	after, err := b.Artifacts(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, before, after)
	now, err = b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, approval.OK, now.Run.Result.Outcome, "the genuine one stands")
}

// The database's clock is put back between the start of a run and the word that its code has begun. The row keeps that word: by it, code that removes the
// mark of its start in the box is not started again.
func TestARunBeginsAlsoWhereTheClockWasPutBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t, "t")
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Start("box", b.policy, now.Add(time.Second)) })
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Begin(now) })
	require.Equal(t, r.Run.StartedAt, r.Run.BegunAt)
}

// What SECURITY.md says of the sums of budgets is so: who has serve's role ends a hold at no cost, its run does not start then, and an audit names it.
func TestAHoldThatSomebodyEndsAtNoCostStartsNoRunAndAnAuditNamesIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t, "t")
	require.NoError(t, b.attack(t, `INSERT INTO settlements (hold_id, request_id, team, asker, session_id, project, at, amount, estimated)
		SELECT id, request_id, team, asker, session_id, project, now(), 0, false FROM holds WHERE purpose = 'run' AND NOT settled`))
	now, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Error(t, now.Start("box", b.policy, now.ChangedAt))
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.ErrorContains(t, err, "the cost of hold")
}

// Whoever owns the database can switch the schema off, take a run away and put its request back to approved. Its trail says that this version was started:
// the same approval starts it no second time.
func TestARunWhoseRowWasTakenAwayIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"running", "done"} {
		b := setup(t)
		r := map[string]func(*testing.T, string) *approval.Request{"running": b.running, "done": b.done}[name](t, "t")
		require.NoError(t, b.exec(t, switchedOff+`DELETE FROM artifacts; DELETE FROM runs; UPDATE requests SET state = 'approved', expires_at = now() + interval '1 hour';
			INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at) SELECT 'again', id, team, asker, session_id, project, 'run', 1, now(), now() + interval '1 hour' FROM requests;
			RESET session_replication_role`))
		now, err := b.Request(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, []approval.Reason{approval.Because(approval.WhyUnsigned)}, now.BrokenSeal(b.policy), name)
		_, err = b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error { return r.Start("other", b.policy, now) })
		require.ErrorAs(t, err, new(*approval.StaleError), name)
		_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
		require.Error(t, err, name)
	}
}

// Nobody spends by the limit of a role that somebody has written into the database: by whose limit they spend is told by a signed event, too.
func TestARoleThatNobodySignedRaisesNoLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admins := budget.Scope{Team: team, Kind: budget.Role, ID: budget.Admins}
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: admins, Amount: 500 * budget.Dollar, Window: budget.Month}))
	limit := func() budget.USD {
		t.Helper()
		list, err := b.Standings(t.Context(), []budget.Scope{userScope})
		require.NoError(t, err)
		return list[0].Limit.Amount
	}
	usual := limit()
	require.NoError(t, b.attack(t, forged(testKey.Name(), "'"+noSignature+"'", "'people:TEAM'", "BOSS", "named", `'{"channel":"","person":"ASKER","role":"administrator"}'`)+
		`INSERT INTO people (team, project, role, person, named, by, at, told) VALUES ('TEAM', '', 'administrator', 'ASKER', true, 'BOSS', `+forgedAt+`, `+b.lastOf("'people:TEAM'")+`)`))
	require.Equal(t, usual, limit())
	require.NoError(t, b.Name(t.Context(), review.Grant{Team: team, Role: review.RoleAdmin, User: asker, By: "BOSS"}))
	require.Equal(t, 500*budget.Dollar, limit())
}
