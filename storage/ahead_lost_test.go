package storage

import (
	"context"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
	"countersign/internal/pglocal/pgtest"
	"countersign/storage/trail"
)

// deaf passes everything on to a server, until it is told to lose the next answer, with its connection.
type deaf struct{ loses atomic.Bool }

// before gives the URL at which a database is reached through it.
func (d *deaf) before(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	query, dir := u.Query(), t.TempDir()
	server := filepath.Join(query.Get("host"), ".s.PGSQL."+query.Get("port"))
	l, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("unix", server)
			if err != nil {
				_ = client.Close()
				return
			}
			go func() { _, _ = io.Copy(there, client); _ = there.Close() }()
			go func() {
				defer client.Close()
				defer there.Close()
				page := make([]byte, 1<<16)
				for {
					n, err := there.Read(page)
					if err != nil || d.loses.CompareAndSwap(true, false) {
						return
					}
					if _, err := client.Write(page[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	query.Set("host", dir)
	query.Set("port", "5432")
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return u.String()
}

// Where the answer to the only trip is lost, nobody knows whether it was committed, and what would hold twice is not done again.
func TestAnActWhoseOnlyAnswerIsLostIsNotDoneAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var line deaf
	db, err := Open(t.Context(), line.before(t, pgtest.Serve(b.url)), Options{Key: testKey, MaxConns: 1})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	ran := 0
	hold := func(r *approval.Request, now time.Time) error {
		ran++
		h := budget.NewHold(approval.NewID(12), r.ID, budget.ForRun, budget.Cent, now, time.Hour)
		r.Changes.Holds = append(r.Changes.Holds, h)
		r.Changes.Events = append(r.Changes.Events, approval.Event{At: now, Actor: approval.System, Kind: approval.EventHeld, Data: map[string]any{"hold": h.ID, "for": budget.ForRun, "amount": h.Amount}})
		return nil
	}
	for i, lost := range []bool{false, true} { // the first one has all statements known, so the second is one trip
		r := b.pending(t, triggerOf(i))
		c, err := db.Case(t.Context(), r.ID)
		require.NoError(t, err)
		ran = 0
		line.loses.Store(lost)
		_, err = db.Act(t.Context(), c, hold)
		require.Equal(t, 1, b.count(t, `SELECT count(*) FROM holds WHERE request_id = $1 AND purpose = 'run'`, r.ID), "it ran %d times: %v", ran, err)
		require.False(t, line.loses.Load())
	}
}

// The same of a question, which is found by its trigger: once, whatever of its answers is lost.
func TestAQuestionWhoseOnlyAnswerIsLostIsAskedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var line deaf
	db, err := Open(t.Context(), line.before(t, pgtest.Serve(b.url)), Options{Key: testKey, MaxConns: 1})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	for i, lost := range []bool{false, true} {
		r := b.question(triggerOf(i))
		at, err := db.Counter(t.Context(), approval.Question{Team: team, Project: channel, Asker: asker})
		require.NoError(t, err)
		r.Changes.Ahead = at.Ahead
		line.loses.Store(lost)
		stored, created, err := db.Ask(t.Context(), r, approval.Session{Team: team, Channel: channel})
		require.NoError(t, err)
		require.True(t, created)
		require.Equal(t, r.ID, stored.ID)
		require.False(t, line.loses.Load())
	}
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM holds`))
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM requests`))
}

// A clock that is put back, as by a standby that takes over, may stand in the window before.
func TestWhatWasWeighedInALaterWindowIsWeighedAnew(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: userScope, Amount: 15 * budget.Cent, Window: budget.Day}))
	b.turnTo(t, time.Date(2027, 3, 20, 23, 59, 59, 0, time.UTC))
	asksAndPays(t, b)
	b.turnTo(t, time.Date(2027, 3, 21, 0, 0, 0, 200, time.UTC))
	r := b.question("weighed")
	at, err := b.Counter(t.Context(), approval.Question{Team: team, Project: channel, Asker: asker})
	require.NoError(t, err)
	r.Changes.Ahead = at.Ahead
	require.NoError(t, b.exec(t, `UPDATE turned.ahead SET by = by - interval '1.5 seconds'`))
	_, _, err = b.Ask(t.Context(), r, approval.Session{Team: team, Channel: channel})
	require.ErrorAs(t, err, new(*budget.ExceededError))
}

// Many approve at once, by two replicas, where three fit: in every kind of budget, and while others do with limits and roles what
// takes the same locks. No more get in, nobody is told of anything but money, and nobody waits in a circle.
func TestApprovalsAtOnceHoldNoMoreThanFits(t *testing.T) {
	t.Parallel()
	role := func(id string) budget.Scope { return budget.Scope{Team: team, Kind: budget.Role, ID: id} }
	for name, scope := range map[string]budget.Scope{"user": userScope, "project": projectScope, "team": teamScope, "role": role(budget.Members), "session": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 12
			b := setup(t)
			second, err := Open(t.Context(), pgtest.Serve(b.url), Options{Key: testKey})
			require.NoError(t, err)
			defer second.Close()
			var asked []*approval.Request
			thread := approval.Session{Team: team, Channel: channel, ThreadTS: "1.5"}
			for i := range n {
				r, _, err := askAhead(t.Context(), b.DB, b.question(triggerOf(i)), thread)
				require.NoError(t, err)
				asked = append(asked, b.update(t, r.ID, b.drafted)) // a cent is spent
			}
			limited := scope
			if name == "session" {
				limited = budget.Scope{Team: team, Kind: budget.Session, ID: asked[0].SessionID}
			}
			spent := n * budget.Cent
			require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: limited, Amount: spent + 35*budget.Cent, Window: budget.None}))
			done := make(chan struct{})
			var others []error
			go func() {
				defer close(done)
				for i := range 10 { // none of these bears on what is left
					others = append(others, second.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: role(budget.Admins), Amount: budget.USD(i+1) * budget.Dollar, Window: budget.Day}),
						second.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: budget.Scope{Team: team, Kind: budget.Project, ID: "ELSE"}, Amount: budget.Dollar, Window: budget.Day}))
				}
			}()
			var admitted atomic.Int64
			errs := together(n, func(i int) error {
				db := []*DB{b.DB, second}[i%2]
				c, err := db.Case(t.Context(), asked[i].ID)
				if err != nil {
					return err
				}
				_, err = db.Act(t.Context(), c, func(r *approval.Request, now time.Time) error {
					return r.Decide(decision(r, "REVA", approval.Approve), 10*budget.Cent, b.policy, now)
				})
				if err == nil {
					admitted.Add(1)
				}
				return err
			})
			<-done
			for _, err := range append(errs, others...) {
				if err != nil {
					require.ErrorAs(t, err, new(*budget.ExceededError))
				}
			}
			require.EqualValues(t, 3, admitted.Load())
			require.Equal(t, 3, b.count(t, `SELECT count(*) FROM holds WHERE purpose = 'run'`))
			require.Equal(t, 3, b.count(t, `SELECT count(*) FROM decisions`))
			require.Zero(t, b.count(t, wrongBalances)+b.count(t, wrongHelds))
		})
	}
}

// A lock that does not come in time, or money on top that ends in between, leaves nothing behind.
func TestWhatWasWeighedAheadAndCannotBeHeldLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: userScope, Amount: 5 * budget.Cent, Window: budget.None}))
	question := func(trigger string) *approval.Request {
		r := b.question(trigger)
		at, err := b.Counter(t.Context(), approval.Question{Team: team, Project: channel, Asker: asker})
		require.NoError(t, err)
		r.Changes.Ahead = at.Ahead
		return r
	}
	thread := approval.Session{Team: team, Channel: channel}
	var refused *budget.ExceededError
	_, _, err := b.Ask(t.Context(), question("refused"), thread)
	require.ErrorAs(t, err, &refused)
	blocked, _, err := b.Ask(t.Context(), approval.NewBlocked(approval.Question{Team: team, Project: channel, Asker: asker, Text: "?", Trigger: "blocked"}, "small", refused, b.policy, time.Now()), thread)
	require.NoError(t, err)
	blocked = b.update(t, blocked.ID, func(r *approval.Request, now time.Time) error {
		return r.Money().AskTopUp(20*budget.Cent, "it matters", b.policy, now)
	})
	b.update(t, blocked.ID, func(r *approval.Request, now time.Time) error {
		return r.Money().DecideTopUp(r.TopUps[0].ID, true, now.Add(30*time.Minute), "", "ADMIN", now)
	})

	fits := question("locked out")
	require.Nil(t, budget.Check(10*budget.Cent, fits.Changes.Ahead.Standings))
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT FROM scopes WHERE kind = 'team' FOR UPDATE`)
	require.NoError(t, err)
	hasty, err := Open(t.Context(), pgtest.Serve(b.url)+"&lock_timeout=100", Options{Key: testKey})
	require.NoError(t, err)
	t.Cleanup(hasty.Close)
	_, _, err = hasty.Ask(t.Context(), fits, thread)
	require.ErrorContains(t, err, "lock timeout")
	require.NoError(t, tx.Rollback(t.Context()))
	require.Equal(t, 0, b.count(t, `SELECT count(*) FROM requests WHERE trigger = 'locked out'`)+b.count(t, `SELECT count(*) FROM holds`))
	require.Equal(t, 0, b.count(t, wrongHelds))

	fits = question("over")
	require.Nil(t, budget.Check(10*budget.Cent, fits.Changes.Ahead.Standings))
	require.NoError(t, b.exec(t, `UPDATE turned.ahead SET by = by + interval '31 minutes'`))
	_, _, err = b.Ask(t.Context(), fits, thread)
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 0, b.count(t, `SELECT count(*) FROM holds`))

	// A limit of which no signed event tells is none that anybody agreed to.
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: userScope, Amount: budget.Dollar, Window: budget.None}))
	require.NoError(t, b.exec(t, `SET session_replication_role = replica; UPDATE limits SET amount = amount * 100; RESET session_replication_role`))
	_, _, err = b.Ask(t.Context(), question("forged"), thread)
	require.ErrorAs(t, err, &refused)
	require.Zero(t, refused.Standing.Limit.Amount)
}

// Whoever gives up while a move waits for the budgets finds nothing stored once these are free: its commit was sent, and is not heeded.
func TestWhatNobodyWaitsForAnyMoreIsNotCommitted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	c, err := b.Case(t.Context(), r.ID)
	require.NoError(t, err)
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT FROM scopes WHERE kind = 'team' FOR UPDATE`)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := b.Act(ctx, c, func(r *approval.Request, now time.Time) error {
			return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
		})
		gone <- err
	}()
	waiting := func() int {
		return b.count(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	}
	require.Eventually(t, func() bool { return waiting() == 1 }, soon, 10*time.Millisecond)
	cancel()
	require.Error(t, <-gone)
	require.Eventually(t, func() bool { return waiting() == 0 }, soon, 10*time.Millisecond)
	require.NoError(t, tx.Rollback(t.Context()))
	b.Close() // and all of its sessions have ended
	require.Equal(t, 0, b.count(t, `SELECT count(*) FROM decisions`)+b.count(t, `SELECT count(*) FROM holds WHERE purpose = 'run'`))
}

// A limit that is being lowered binds whoever has weighed by the one before and waits for its lock: in every kind of budget.
func TestALimitThatIsLoweredMeanwhileBindsWhoeverWaitsForIt(t *testing.T) {
	t.Parallel()
	for _, kind := range []budget.ScopeKind{budget.User, budget.Session, budget.Project, budget.Team, budget.Role} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			thread := approval.Session{Team: team, Channel: channel, ThreadTS: "1.5"}
			first, _, err := askAhead(t.Context(), b.DB, b.question("first"), thread)
			require.NoError(t, err)
			scope := map[budget.ScopeKind]budget.Scope{budget.User: userScope, budget.Session: {Team: team, Kind: budget.Session, ID: first.SessionID}, budget.Project: projectScope,
				budget.Team: teamScope, budget.Role: {Team: team, Kind: budget.Role, ID: budget.Members}}[kind]
			limit := func(amount budget.USD) error {
				return b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: scope, Amount: amount, Window: budget.Month})
			}
			require.NoError(t, limit(budget.Dollar))
			r := b.question("weighed")
			at, err := b.Counter(t.Context(), approval.Question{Team: team, Project: channel, Asker: asker, ThreadTS: "1.5"})
			require.NoError(t, err)
			r.SessionID, r.Changes.Ahead = at.Session, at.Ahead
			trailTaken, err := b.pool.Begin(t.Context())
			require.NoError(t, err)
			require.NoError(t, trail.LockStream(t.Context(), trailTaken, trail.BudgetStream))
			waiting := func(n int) {
				require.Eventually(t, func() bool {
					return b.count(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == n
				}, soon, 10*time.Millisecond)
			}
			lowered, asked := make(chan error), make(chan error)
			go func() { lowered <- limit(15 * budget.Cent) }()
			waiting(1)
			go func() { _, _, err := b.Ask(t.Context(), r, thread); asked <- err }()
			waiting(2)
			require.NoError(t, trailTaken.Rollback(t.Context()))
			require.NoError(t, <-lowered)
			var refused *budget.ExceededError
			require.ErrorAs(t, <-asked, &refused)
			require.Equal(t, 15*budget.Cent, refused.Standing.Limit.Amount)
			require.Equal(t, 1, b.count(t, `SELECT count(*) FROM holds`))
		})
	}
}
