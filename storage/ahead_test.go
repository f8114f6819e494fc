package storage

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/pglocal/pgtest"
	"countersign/storage/money"
	"countersign/storage/pg"
)

// What was weighed before the budgets were locked is held only as long as it fits: whatever happens between the two.
func TestWhatWasWeighedAheadIsWeighedAgainWhereSomethingHasChanged(t *testing.T) {
	t.Parallel()
	role := budget.Scope{Team: team, Kind: budget.Role, ID: budget.Members}
	limit := func(scope budget.Scope, amount budget.USD) func(t *testing.T, b *bundle) {
		return func(t *testing.T, b *bundle) {
			require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: scope, Amount: amount, Window: budget.Day}))
		}
	}
	// A question holds ten cents.
	for name, c := range map[string]struct {
		before, between func(t *testing.T, b *bundle)
		refused         bool
		of              budget.ScopeKind
		spoken          budget.USD // what the trail says to have been left of the refusing, or tightest, budget
	}{
		"nothing":                               {before: limit(userScope, 15*budget.Cent), spoken: 15 * budget.Cent},
		"somebody holds, and there is room":     {before: limit(userScope, 25*budget.Cent), between: asks, spoken: 25 * budget.Cent},
		"somebody holds what was left":          {before: limit(teamScope, 15*budget.Cent), between: asks, refused: true, of: budget.Team},
		"somebody holds and gives back":         {before: limit(userScope, 15*budget.Cent), between: asksAndWithdraws, spoken: 15 * budget.Cent},
		"somebody has spent what was left":      {before: limit(userScope, 15*budget.Cent), between: asksAndPays, refused: true, of: budget.User},
		"a limit is lowered":                    {before: limit(userScope, budget.Dollar), between: limit(userScope, budget.Cent), refused: true, of: budget.User},
		"a limit is set where there was none":   {between: limit(teamScope, budget.Cent), refused: true, of: budget.Team},
		"the limit of a role is lowered":        {before: limit(role, budget.Dollar), between: limit(role, budget.Cent), refused: true, of: budget.User},
		"somebody gets a role that has less":    {before: limit(budget.Scope{Team: team, Kind: budget.Role, ID: budget.Reviewers}, budget.Cent), between: namedReviewer, refused: true, of: budget.User},
		"the window ends, and with it its room": {before: limit(userScope, 15*budget.Cent), between: turned, spoken: 15 * budget.Cent},
		"a limit is raised":                     {before: limit(userScope, 15*budget.Cent), between: limit(userScope, budget.Dollar), spoken: budget.Dollar},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupTurnable(t)
			b.turnTo(t, time.Date(2027, 3, 20, 23, 59, 59, 0, time.UTC))
			if c.before != nil {
				c.before(t, b)
			}
			r := b.question("weighed")
			at, err := b.Counter(t.Context(), approval.Question{Team: team, Project: channel, Asker: asker})
			require.NoError(t, err)
			if r.Changes.Ahead = at.Ahead; c.between != nil {
				c.between(t, b)
			}
			r, _, err = b.Ask(t.Context(), r, approval.Session{Team: team, Channel: channel})
			if c.refused {
				var exceeded *budget.ExceededError
				require.ErrorAs(t, err, &exceeded)
				require.Equal(t, c.of, exceeded.Standing.Limit.Scope.Kind)
				require.Equal(t, 0, b.count(t, `SELECT count(*) FROM requests WHERE trigger = 'weighed'`))
				return
			}
			require.NoError(t, err)
			require.Equal(t, 1, b.count(t, `SELECT count(*) FROM holds WHERE request_id = $1`, r.ID))
			events, err := b.Events(t.Context(), r.ID)
			require.NoError(t, err)
			require.Equal(t, approval.EventWeighed, events[2].Kind)
			if c.spoken > 0 {
				require.EqualValues(t, c.spoken, b.count(t, `SELECT min((s #>> '{limit,amount}')::bigint) FROM events, jsonb_array_elements(data::jsonb -> 'standings') s
					WHERE stream = 'request:' || $1 AND kind = 'weighed'`, r.ID))
			}
			_, err = b.VerifyChain(t.Context(), "request:"+r.ID)
			require.NoError(t, err)
			require.Zero(t, b.count(t, wrongBalances)+b.count(t, wrongHelds))
		})
	}
}

func asks(t *testing.T, b *bundle) { b.ask(t, "between") }

func asksAndWithdraws(t *testing.T, b *bundle) {
	r := b.ask(t, "between")
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(asker, now) })
}

func asksAndPays(t *testing.T, b *bundle) {
	r := b.ask(t, "between")
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		r.Money().Settle(budget.Settlement{HoldID: r.Holds[0].ID, At: now, Charges: []budget.Charge{{Kind: budget.Tokens, What: "small", Amount: 9 * budget.Cent}}})
		return nil
	})
}

func namedReviewer(t *testing.T, b *bundle) {
	require.NoError(t, b.Name(t.Context(), review.Grant{Team: team, Role: review.RoleReviewer, User: asker, By: "ADMIN"}))
}

func turned(t *testing.T, b *bundle) { b.turnTo(t, time.Date(2027, 3, 21, 0, 0, 1, 0, time.UTC)) }

// A question takes two trips: by one its budgets are looked at, and by the other it is stored.
func TestAQuestionThatFitsIsStoredInOneTrip(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Options{MaxOpen: 3})
	ask := func(trigger string) (*pg.Trips, error) {
		ctx, sent := pg.CountTrips(t.Context())
		_, _, err := askAhead(ctx, b.DB, b.question(trigger), approval.Session{Team: team, Channel: channel})
		return sent, err
	}
	_, err := ask("1") // the first one: River asks Postgres once what it can do
	require.NoError(t, err)
	for _, trigger := range []string{"2", "3"} {
		sent, err := ask(trigger)
		require.NoError(t, err)
		trips, _ := sent.Count()
		require.Equal(t, 2, trips, "%s", sent)
	}
	_, err = ask("one too many")
	var enough *approval.InputError
	require.ErrorAs(t, err, &enough)
	require.Equal(t, *approval.Enough(3), *enough)
	require.Equal(t, 3, b.count(t, `SELECT count(*) FROM requests`))
}

// Of many who ask at once no more get in than may, and none is left out for whom there is room.
func TestQuestionsAtOnceAreCountedWhereTheyWereWeighedAhead(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Options{MaxOpen: 5})
	second, err := Open(t.Context(), pgtest.Serve(b.url), Options{Key: testKey, MaxOpen: 5})
	require.NoError(t, err)
	defer second.Close()
	errs := together(24, func(i int) error {
		_, _, err := askAhead(context.WithoutCancel(t.Context()), []*DB{b.DB, second}[i%2], b.question(triggerOf(i)), approval.Session{Team: team, Channel: channel})
		return err
	})
	admitted := 0
	for _, err := range errs {
		if err == nil {
			admitted++
		} else {
			var enough *approval.InputError
			require.ErrorAs(t, err, &enough)
		}
	}
	require.Equal(t, 5, admitted)
}

// A decision that holds money rests on more than budgets: each of it may change between the load and the one trip that stores it.
func TestADecisionThatIsStoredInOneTripRestsOnWhatItWasLoadedWith(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		between func(t *testing.T, b *bundle, r *approval.Request)
		trips   int // of the write; 0: it was tried again
		err     func(t *testing.T, err error)
	}{
		"nothing": {trips: 1},
		"somebody writes to its trail": {between: func(t *testing.T, b *bundle, r *approval.Request) {
			require.NoError(t, b.Audit(t.Context(), r.ID, approval.Event{Actor: "REVB", Kind: approval.EventLookedAt, Data: map[string]any{"what": "audit"}}))
		}},
		"somebody else decides": {between: func(t *testing.T, b *bundle, r *approval.Request) {
			b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
				return r.Decide(decision(r, "REVB", approval.Reject), budget.Cent, b.policy, now)
			})
		}, err: func(t *testing.T, err error) { require.ErrorAs(t, err, new(*approval.MoveError)) }},
		"somebody gets a role": {between: func(t *testing.T, b *bundle, r *approval.Request) { namedReviewer(t, b) },
			err: func(t *testing.T, err error) { require.ErrorIs(t, err, steps.ErrOutdated) }},
		"a limit is lowered": {between: func(t *testing.T, b *bundle, r *approval.Request) {
			require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: teamScope, Amount: 1, Window: budget.Month}))
		}, err: func(t *testing.T, err error) { require.ErrorAs(t, err, new(*budget.ExceededError)) }},
		"its time is over": {between: func(t *testing.T, b *bundle, r *approval.Request) { b.turnTo(t, r.ExpiresAt.Add(time.Second)) },
			err: func(t *testing.T, err error) { require.ErrorAs(t, err, new(*approval.MoveError)) }},
		"it comes late": {between: func(t *testing.T, b *bundle, r *approval.Request) {
			require.NoError(t, b.exec(t, `UPDATE turned.ahead SET by = by + interval '3 seconds'`))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupTurnable(t)
			r := b.pending(t, "decided")
			loaded, err := b.Case(t.Context(), r.ID)
			require.NoError(t, err)
			if c.between != nil {
				c.between(t, b, r)
			}
			ctx, sent := pg.CountTrips(t.Context())
			got, err := b.Act(ctx, loaded, func(r *approval.Request, now time.Time) error {
				return r.Decide(decision(r, "REVA", approval.Approve), 3*budget.Cent, b.policy, now)
			})
			if c.err != nil {
				c.err(t, err)
				require.Equal(t, 0, b.count(t, `SELECT count(*) FROM holds WHERE purpose = 'run'`))
				require.Equal(t, 0, b.count(t, `SELECT count(*) FROM decisions WHERE verdict = 'approve'`))
				return
			}
			require.NoError(t, err)
			require.Equal(t, approval.Approved, got.State)
			if trips, _ := sent.Count(); c.trips > 0 {
				require.Equal(t, c.trips, trips, "%s", sent)
			}
			require.Equal(t, 1, b.count(t, `SELECT count(*) FROM holds WHERE purpose = 'run' AND amount = $1`, 3*budget.Cent))
			require.Equal(t, 1, b.count(t, `SELECT count(*) FROM events WHERE stream = 'request:' || $1 AND kind = 'weighed' AND data::jsonb ->> 'for' = 'run'`, r.ID))
			_, err = b.VerifyChain(t.Context(), "request:"+r.ID)
			require.NoError(t, err)
			require.Zero(t, b.count(t, wrongHelds))
		})
	}
}

// What a hold leaves to the end of its transaction may lock something: then it does so after the roles, as everybody does who
// changes them, and nobody waits in a circle.
func TestAHoldThatWasWeighedAheadWaitsInNoCircleForARole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.exec(t, `CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(7, 7); RETURN NULL; END $$`))
	require.NoError(t, b.exec(t, `CREATE CONSTRAINT TRIGGER late AFTER INSERT ON holds DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late()`))
	role, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = role.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = role.Exec(t.Context(), pg.TakeLock, money.RolesKey(team))
	require.NoError(t, err)
	asked := make(chan error, 1)
	go func() {
		_, _, err := askAhead(t.Context(), b.DB, b.question("t"), approval.Session{Team: team, Channel: channel})
		asked <- err
	}()
	require.Eventually(t, func() bool {
		return b.count(t, `SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND locktype = 'advisory' AND NOT granted`) == 1
	}, soon, 5*time.Millisecond, "the hold waits for the role")
	var free bool
	require.NoError(t, role.QueryRow(t.Context(), `SELECT pg_try_advisory_xact_lock(7, 7)`).Scan(&free))
	require.True(t, free)
	require.NoError(t, role.Commit(t.Context()))
	require.NoError(t, <-asked)
}
