package storage

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/storage/trail"
)

var tables = []string{"sessions", "requests", "revisions", "decisions", "runs", "artifacts", "messages", "posts",
	"scopes", "limits", "holds", "settlements", "charges", "events", "river_job"}

// calls are one of everything that the store does, each on a request in the state that it needs.
func (b *bundle) calls(t *testing.T) map[string]func(ctx context.Context) error {
	t.Helper()
	drafting, pending, approved, running, done := b.ask(t, "1"), b.pending(t, "2"), b.approved(t, "3"), b.running(t, "4"), b.done(t, "5")
	update := func(id string, change func(*approval.Request, time.Time) error) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := b.Update(ctx, id, change)
			return err
		}
	}
	scope := budget.Scope{Team: team, Kind: budget.User, ID: asker}
	return map[string]func(ctx context.Context) error{
		"Ask": func(ctx context.Context) error {
			_, _, err := b.Ask(ctx, b.question("new"), approval.Session{Team: team, Channel: channel, ThreadTS: "1.1"})
			return err
		},
		"Update drafted": update(drafting.ID, b.drafted),
		"Update decide": update(pending.ID, func(r *approval.Request, now time.Time) error {
			return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
		}),
		"Update start": update(approved.ID, func(r *approval.Request, now time.Time) error { return r.Start("box", b.policy, now) }),
		"Update finish": update(running.ID, func(r *approval.Request, now time.Time) error {
			return r.Finish(result(), budget.Charge{Kind: budget.Box, What: "local", Amount: 1}, approval.DefaultPolicy(), now)
		}),
		"Request":      func(ctx context.Context) error { _, err := b.Request(ctx, done.ID); return err },
		"View":         func(ctx context.Context) error { _, err := b.View(ctx, done.ID); return err },
		"Artifacts":    func(ctx context.Context) error { _, err := b.Artifacts(ctx, done.ID); return err },
		"History":      func(ctx context.Context) error { _, err := b.History(ctx, done.ID); return err },
		"Events":       func(ctx context.Context) error { _, err := b.Events(ctx, done.ID); return err },
		"VerifyChain":  func(ctx context.Context) error { _, err := b.VerifyChain(ctx, trail.StreamOf(done.ID)); return err },
		"Recent":       func(ctx context.Context) error { _, err := b.Recent(ctx, team, asker, 5); return err },
		"Pending":      func(ctx context.Context) error { _, err := b.Pending(ctx, team, 5); return err },
		"Stuck":        func(ctx context.Context) error { _, err := b.Stuck(ctx); return err },
		"StaleHolds":   func(ctx context.Context) error { _, err := b.StaleHolds(ctx); return err },
		"Standings":    func(ctx context.Context) error { _, err := b.Standings(ctx, []budget.Scope{scope}); return err },
		"Uncertain":    func(ctx context.Context) error { _, err := b.DB.Uncertain(ctx); return err },
		"UnknownCalls": func(ctx context.Context) error { _, err := b.UnknownCalls(ctx); return err },
		"Ping":         b.Ping,
		"HoldCheck":    func(ctx context.Context) error { _, err := b.HoldCheck(ctx, team, "a try", budget.Cent); return err },
		"ThreadFiles": func(ctx context.Context) error {
			_, _, err := b.ThreadFiles(ctx, approval.Session{Team: team, Channel: channel, ThreadTS: "1.1"})
			return err
		},
		"SetLimit": func(ctx context.Context) error {
			return b.SetLimit(ctx, "ADMIN", budget.Limit{Scope: scope, Amount: budget.Dollar, Window: budget.Month})
		},
		"Audit": func(ctx context.Context) error {
			return b.Audit(ctx, done.ID, approval.Event{Actor: "A", Kind: approval.EventBegun})
		},
		"Posted": func(ctx context.Context) error {
			return b.Posted(ctx, steps.Post{RequestID: done.ID, Surface: steps.SurfaceRoot, Channel: channel, TS: "2.2"}, nil)
		},
		"Threaded": func(ctx context.Context) error { return b.Threaded(ctx, done.SessionID, "3.3") },
		"Wake": func(ctx context.Context) error {
			return b.Wake(ctx, steps.Wake{Step: approval.StepShow, RequestID: done.ID})
		},
		"Alone": func(ctx context.Context) error { return b.Alone(ctx, done.ID, approval.StepShow, nobody) },
	}
}

// rows is what stands in all tables, but for the one that has been taken away.
func (b *bundle) rows(t *testing.T, gone string) string {
	t.Helper()
	var counts []string
	for _, table := range tables {
		if table == gone {
			table = "gone"
		}
		counts = append(counts, fmt.Sprintf(`SELECT '%s', count(*), sum(hashtextextended(t::text, 0)) FROM %s t`, table, table))
	}
	var all string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT string_agg(v::text, ',') FROM (`+strings.Join(counts, " UNION ALL ")+`) v`).Scan(&all))
	return all
}

func TestACallThatFailsHalfwayHasStoredNothing(t *testing.T) {
	t.Parallel()
	for _, table := range tables {
		t.Run("without "+table, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			calls := b.calls(t)
			require.NoError(t, b.exec(t, `ALTER TABLE `+table+` RENAME TO gone`))
			failed := 0
			for name, call := range calls {
				before := b.rows(t, table)
				if err := call(t.Context()); err != nil {
					failed++
					require.ErrorContains(t, err, table, name)
					require.Equal(t, before, b.rows(t, table), name)
				}
			}
			require.NotZero(t, failed)
			// Nothing was left locked or half done: with the table back, everything works.
			require.NoError(t, b.exec(t, `ALTER TABLE gone RENAME TO `+table))
			for name, call := range calls {
				if err := call(t.Context()); err != nil {
					var late *approval.MoveError // what succeeded before cannot be done again
					require.ErrorAs(t, err, &late, name)
				}
			}
		})
	}
}

func TestEveryCallOnAClosedDatabaseSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	calls := b.calls(t)
	b.Close()
	for name, call := range calls {
		require.ErrorContains(t, call(t.Context()), "closed pool", name)
	}
}
