package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/pglocal/pgtest"
	"countersign/storage/money"
)

func TestSixteenReviewersAtOnceAreOneApproval(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	errs := together(16, func(i int) error {
		_, err := b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
			return r.Decide(decision(r, "REV"+strconv.Itoa(i), approval.Approve), budget.Cent, b.policy, now)
		})
		return err
	})
	won := 0
	for _, err := range errs {
		var late *approval.MoveError
		if err == nil {
			won++
		} else {
			require.ErrorAs(t, err, &late)
			require.Equal(t, approval.Approved, late.Request.State)
		}
	}
	require.Equal(t, 1, won)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM decisions`))
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM holds WHERE purpose = 'run'`))
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM river_job WHERE args ->> 'step' = 'run'`))
}

// A closure that does not look at the state stands for a second replica with a
// mistake in it: the schema gives the answer that the verb would have given.
func TestTheSchemasRefusalsAreTheVerbsErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	blind := func(reviewer string) func(r *approval.Request, now time.Time) error {
		return func(r *approval.Request, now time.Time) error {
			d := decision(r, reviewer, approval.Approve)
			d.At = now
			r.Changes.Decision = &d
			return nil
		}
	}
	run := func(box string) func(r *approval.Request, now time.Time) error {
		return func(r *approval.Request, now time.Time) error {
			r.Changes.Run = &approval.Run{RequestID: r.ID, BoxID: box, StartedAt: now}
			return nil
		}
	}
	pending, approved, running := b.pending(t, "1"), b.approved(t, "2"), b.running(t, "3")
	done := b.done(t, "4")
	var paid string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT hold_id FROM settlements WHERE request_id = $1 LIMIT 1`, done.ID).Scan(&paid))
	b2 := *b
	b2.policy.Quorum = 2 // the schema was told of one
	twice := b.pending(t, "5")
	b.update(t, twice.ID, func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVA", approval.Approve), 1, b2.policy, now)
	})

	var move *approval.MoveError
	var barred *approval.NotAllowedError
	var stale *approval.StaleError
	for name, c := range map[string]struct {
		id     string
		change func(r *approval.Request, now time.Time) error
		target any
		why    approval.ReasonCode
	}{
		"a second decision":          {twice.ID, blind("REVA"), &move, approval.WhyDecided},
		"a late decision":            {approved.ID, blind("REVB"), &move, approval.WhyNotOpen},
		"the asker's decision":       {pending.ID, blind(asker), &barred, approval.WhyOwnQuestion},
		"the author's decision":      {pending.ID, blind("small-1"), &barred, approval.WhyOwnCode},
		"a run without approval":     {pending.ID, run("box"), &move, approval.WhyUnapproved},
		"a second run":               {running.ID, run("box"), &move, approval.WhyStartedBefore},
		"a run in a used box":        {approved.ID, run("box-" + running.ID), &move, approval.WhyBoxUsed},
		"a second end":               {done.ID, func(r *approval.Request, now time.Time) error { r.Changes.Run = r.Run; return nil }, &move, approval.WhyRunEnded},
		"an approval out of nowhere": {pending.ID, func(r *approval.Request, now time.Time) error { r.State = approval.Approved; return nil }, &move, approval.WhyTooFewApproved},
		"a move from the end": {done.ID, func(r *approval.Request, now time.Time) error {
			r.State, r.ExpiresAt = approval.Drafting, now
			return nil
		}, &move, approval.WhyMovedOn},
		"a decision on other code": {pending.ID, func(r *approval.Request, now time.Time) error {
			d := decision(r, "REVB", approval.Approve)
			d.Digest, d.At = approval.Hash(nil), now
			r.Changes.Decision = &d
			return nil
		}, &stale, ""},
		"a second settlement": {done.ID, func(r *approval.Request, now time.Time) error {
			r.Changes.Settlements = []budget.Settlement{{HoldID: paid, At: now}}
			return nil
		}, &move, approval.WhyPaidBefore},
	} {
		_, err := b.Update(t.Context(), c.id, c.change)
		require.ErrorAs(t, err, c.target, name)
		switch c.target {
		case &move:
			require.Equal(t, c.why, move.Why.Code, name)
			require.Equal(t, c.id, move.Request.ID, name)
			require.Equal(t, approval.Changes{}, move.Request.Changes, name)
		case &barred:
			require.Equal(t, c.why, barred.Why.Code, name)
		}
	}
}

func TestAHundredHoldsWhereThreeFitAreThree(t *testing.T) {
	t.Parallel()
	for i := range 4 {
		known, ahead := i%2 == 1, i > 1
		t.Run(fmt.Sprintf("scopes known %t, weighed ahead %t", known, ahead), func(t *testing.T) {
			t.Parallel()
			b := setup(t) // $10 a month, for somebody whom nobody has heard of
			if known {
				require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Amount: 10 * budget.Dollar, Window: budget.None,
					Scope: budget.Scope{Team: team, Kind: budget.Team, ID: team}}))
			}
			second, err := Open(t.Context(), pgtest.Serve(b.url), Options{Key: testKey}) // another replica
			require.NoError(t, err)
			defer second.Close()
			errs := together(100, func(i int) error {
				q := approval.New(approval.Question{Team: team, Project: channel, Asker: asker, Trigger: strconv.Itoa(i), Text: "?"},
					"small", 3*budget.Dollar, b.policy, odd())
				ask := []*DB{b.DB, second}[i%2].Ask
				if ahead {
					ask = func(ctx context.Context, r *approval.Request, thread approval.Session) (*approval.Request, bool, error) {
						return askAhead(ctx, []*DB{b.DB, second}[i%2], r, thread)
					}
				}
				_, _, err := ask(t.Context(), q, approval.Session{Team: team, Channel: channel})
				return err
			})
			admitted := 0
			for _, err := range errs {
				var exceeded *budget.ExceededError
				if err == nil {
					admitted++
				} else {
					require.ErrorAs(t, err, &exceeded)
					require.Equal(t, budget.Dollar, exceeded.Standing.Left())
				}
			}
			require.Equal(t, 3, admitted)
			require.Equal(t, 3, b.count(t, `SELECT count(*) FROM holds`))
			require.Equal(t, 3, b.count(t, `SELECT count(*) FROM requests`), "who was refused leaves nothing behind")
		})
	}
}

func TestHoldsAndSettlementsKeepTheLedgerInBalance(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var requests []*approval.Request
	for i := range 8 {
		requests = append(requests, b.ask(t, triggerOf(i)))
	}
	// Half of them end with a bill, half are taken back, all at once.
	for _, err := range together(8, func(i int) error {
		_, err := b.Update(t.Context(), requests[i].ID, func(r *approval.Request, now time.Time) error {
			if i%2 == 0 {
				return b.drafted(r, now)
			}
			return r.Withdraw(asker, now)
		})
		return err
	}) {
		require.NoError(t, err)
	}
	standings, err := b.Standings(t.Context(), []budget.Scope{{Team: team, Kind: budget.User, ID: asker}})
	require.NoError(t, err)
	require.Equal(t, 4*budget.Cent, standings[0].Spent)
	require.Zero(t, standings[0].Held)
	require.Equal(t, int(4*budget.Cent), b.count(t, `SELECT sum(amount) FROM charges`))
}

func TestScopesAreLockedInOneOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	scopes := b.question("t").Scopes()
	backwards := slices.Clone(scopes)
	for i, s := range scopes {
		backwards[len(scopes)-1-i] = s
	}
	require.Equal(t, scopes, money.InLockOrder(append(backwards, scopes...)))
	// Whoever comes later in whatever order gets no lock at all while the first scope is taken.
	hold, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, hold.Rollback(t.Context())) }()
	require.NoError(t, money.LockScopes(t.Context(), hold, scopes[:1]))
	err = pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `SET LOCAL lock_timeout = '100ms'`)
		require.NoError(t, err)
		err = money.LockScopes(t.Context(), tx, backwards)
		require.ErrorContains(t, err, "lock timeout")
		return errors.New("rolled back")
	})
	require.ErrorContains(t, err, "rolled back")
	require.Equal(t, 0, b.count(t, `SELECT count(*) FROM scopes`), "nothing of the other scopes was touched")
}

func TestRequestsThatShareScopesNeverWaitInACircle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var ids []string
	for i := range 4 {
		ids = append(ids, b.ask(t, triggerOf(i)).ID)
	}
	limit := budget.Limit{Amount: budget.Dollar, Window: budget.Day, Scope: budget.Scope{Team: team, Kind: budget.Project, ID: channel}}
	for _, err := range together(32, func(i int) error {
		if i%8 == 7 {
			return b.SetLimit(t.Context(), "ADMIN", limit)
		}
		_, err := b.Update(t.Context(), ids[i%4], func(r *approval.Request, now time.Time) error {
			for _, h := range slices.Clone(r.Holds) {
				r.Money().Settle(budget.Settlement{HoldID: h.ID, At: now})
			}
			r.Changes.Holds = append(r.Changes.Holds, budget.Hold{ID: approval.NewID(12), RequestID: r.ID, Purpose: budget.ForDraft,
				Amount: budget.Cent, At: now, ExpiresAt: now.Add(time.Hour)})
			return nil
		})
		return err
	}) {
		require.NoError(t, err)
	}
	require.Zero(t, b.count(t, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`))
	require.Equal(t, 4, b.count(t, `SELECT count(*) FROM holds WHERE NOT settled`))
}

// What is posted late waits for the request before it has the stream of its events, as all do.
func TestWhatIsPostedWaitsForTheRequestFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.done(t, "t")
	b.takesBack(t, r.ID)
	posted := make(chan error, 1)
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `SELECT FROM requests WHERE id = $1 FOR NO KEY UPDATE`, r.ID)
		require.NoError(t, err)
		go func() {
			posted <- b.Posted(context.WithoutCancel(t.Context()), steps.Post{RequestID: r.ID, Surface: steps.SurfaceReply, Channel: channel, TS: "1.1", Shown: "x"}, nil)
		}()
		eventually(t, func() bool {
			return b.count(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 1
		})
		var free bool
		require.NoError(t, tx.QueryRow(t.Context(), `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))`, "events request:"+r.ID).Scan(&free))
		require.True(t, free, "whoever has the request can tell of it")
		return nil
	}))
	require.NoError(t, <-posted)
}
