package storage

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/storage/queue"
)

// worked says that the queue has nothing left to do, and Slack shows everything.
func (b *bundle) worked(t *testing.T) {
	t.Helper()
	require.NoError(t, b.exec(t, `DELETE FROM river_job`))
	require.NoError(t, b.exec(t, `UPDATE requests SET shown_at = changed_at`))
}

// age lets a request stand still for a minute.
func (b *bundle) age(t *testing.T, id string) {
	t.Helper()
	require.NoError(t, b.exec(t, `UPDATE requests SET shown_at = shown_at - interval '1 minute', changed_at = changed_at - interval '1 minute' WHERE id = $1`, id))
}

func (b *bundle) stuck(t *testing.T) []steps.Wake {
	t.Helper()
	wakes, err := b.Stuck(t.Context())
	require.NoError(t, err)
	return wakes
}

func TestWhatStandsStillIsStuck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func(b *bundle) func(*testing.T, string) *approval.Request
		step approval.Step // empty: it may stand still
	}{
		"drafting": {func(b *bundle) func(*testing.T, string) *approval.Request { return b.ask }, approval.StepRead},
		"pending":  {func(b *bundle) func(*testing.T, string) *approval.Request { return b.pending }, ""},
		"approved": {func(b *bundle) func(*testing.T, string) *approval.Request { return b.approved }, approval.StepRun},
		"running":  {func(b *bundle) func(*testing.T, string) *approval.Request { return b.running }, approval.StepRun},
		"done":     {func(b *bundle) func(*testing.T, string) *approval.Request { return b.done }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := c.make(b)(t, "t")
			var want []steps.Wake
			if c.step != "" {
				want = []steps.Wake{{Step: c.step, RequestID: r.ID}}
			}
			b.worked(t)
			require.Empty(t, b.stuck(t), "it has only just moved")
			b.age(t, r.ID)
			require.Equal(t, want, b.stuck(t))
			if c.step == "" {
				return
			}
			require.NoError(t, b.Alone(t.Context(), r.ID, c.step, func(context.Context) error {
				require.Empty(t, b.stuck(t), "somebody is at it")
				return nil
			}))
			require.NoError(t, b.Wake(t.Context(), want[0]))
			require.Empty(t, b.stuck(t), "a job will come")
			// The replica that had the job was killed: nothing but its row says that it runs.
			require.NoError(t, b.exec(t, `UPDATE river_job SET state = 'running', attempted_at = now(), attempt = 1`))
			require.Equal(t, want, b.stuck(t))
		})
	}
}

func TestWaitsThatHaveRunOutAreStuckWhateverHappens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	drafting, pending, approved := b.ask(t, "1"), b.pending(t, "2"), b.approved(t, "3")
	done := b.done(t, "4")
	require.NoError(t, b.exec(t, `UPDATE requests SET expires_at = now() WHERE id <> $1`, done.ID))
	require.ElementsMatch(t, []steps.Wake{
		{Step: approval.StepRead, RequestID: drafting.ID},
		{Step: approval.StepShow, RequestID: pending.ID},
		{Step: approval.StepRun, RequestID: approved.ID},
	}, b.stuck(t))
}

// What is away is looked for again: soon at first, less often when it has lasted, and also
// for a draft that waits for money, which no step of its own looks for.
func TestWhatIsAwayIsLookedForAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pending, blocked, free := b.pending(t, "1"), b.ask(t, "2"), b.ask(t, "3")
	for _, id := range []string{pending.ID, blocked.ID, free.ID} {
		b.update(t, id, func(r *approval.Request, now time.Time) error {
			return r.GoAway(approval.Cause{Code: approval.NotIn, Channel: r.Project}, now)
		})
	}
	b.update(t, blocked.ID, func(r *approval.Request, now time.Time) error {
		return r.Money().Block(budget.ForDraft, &budget.ExceededError{}, approval.System, b.policy, now)
	})
	looks := func(lasts, unseen string) (ids []string) {
		b.worked(t)
		require.NoError(t, b.exec(t, `UPDATE requests SET looked_at = now() - $2::interval, changed_at = now(), shown_at = now(), expires_at = now() + interval '1 day',
			away = jsonb_set(away, '{since}', to_jsonb(now() - $1::interval))`, lasts, unseen))
		for _, w := range b.stuck(t) {
			require.Equal(t, approval.StepLook, w.Step)
			ids = append(ids, w.RequestID)
		}
		return ids
	}
	both := []string{pending.ID, blocked.ID} // the third has its job
	require.Empty(t, looks("1 minute", "1 second"))
	require.ElementsMatch(t, both, looks("1 minute", "11 seconds"))
	require.Empty(t, looks("20 minutes", "30 seconds"))
	require.ElementsMatch(t, both, looks("20 minutes", "121 seconds"))
	require.Empty(t, looks("3 days", "4 minutes"))
	require.ElementsMatch(t, both, looks("3 days", "301 seconds"))
}

func TestWhatSlackDoesNotShowIsStuck(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shown, outdated, never := b.done(t, "1"), b.done(t, "2"), b.done(t, "3")
	b.worked(t)
	for _, r := range []*approval.Request{shown, outdated, never} {
		b.age(t, r.ID)
	}
	require.NoError(t, b.exec(t, `UPDATE requests SET shown_at = shown_at - interval '1 microsecond' WHERE id = $1`, outdated.ID))
	require.NoError(t, b.exec(t, `UPDATE requests SET shown_at = NULL WHERE id = $1`, never.ID))
	want := []steps.Wake{{Step: approval.StepShow, RequestID: outdated.ID}, {Step: approval.StepShow, RequestID: never.ID}}
	require.ElementsMatch(t, want, b.stuck(t))
	// Showing them is all that it takes.
	b.work(t, func(context.Context, steps.Wake) error { return nil }, queue.WorkOptions{})
	for _, w := range want {
		require.NoError(t, b.Wake(t.Context(), w))
	}
	require.Eventually(t, func() bool {
		return len(b.stuck(t)) == 0 && b.count(t, `SELECT count(*) FROM requests WHERE shown_at = changed_at`) == 3
	},
		soon, 5*time.Millisecond)
}

// Whoever was refused does not have to come back when an administrator raises the
// limit: the sweep tries again whatever was weighed by the limit of before, once.
func TestABlockedRequestIsTriedAgainWhenALimitThatItIsPaidByIsChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	service := sweeper(b.DB, b.policy)
	service.Prices.Models = append(service.Prices.Models, budget.ModelPrice{Model: "small", Input: budget.Dollar, Output: budget.Dollar})
	set := func(kind budget.ScopeKind, id string, amount budget.USD) {
		t.Helper()
		require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: budget.Scope{Team: team, Kind: kind, ID: id}, Amount: amount, Window: budget.Month}))
	}
	state := func(id string) *approval.Block {
		t.Helper()
		require.NoError(t, service.Sweep(t.Context()))
		r, err := b.Request(t.Context(), id)
		require.NoError(t, err)
		return r.Blocked
	}
	for name, raise := range map[string]func(){
		"the limit of the asker": func() { set(budget.User, asker, budget.Dollar) },
		"the limit of their role": func() {
			set(budget.Role, budget.Members, budget.Dollar)
			require.NoError(t, b.RemoveLimit(t.Context(), "ADMIN", userScope))
		},
	} {
		set(budget.User, asker, 1)
		r := b.refused(t, name)
		require.NotNil(t, state(r.ID), name)
		set(budget.User, "ANOTHER", budget.Dollar)
		require.Empty(t, b.stuck(t), name+": that one is none of its business")
		set(budget.User, asker, 2)
		require.Equal(t, []steps.Wake{{Step: approval.StepGoOn, RequestID: r.ID}}, b.stuck(t), name)
		require.NotNil(t, state(r.ID), name+": not enough yet")
		require.Empty(t, b.stuck(t), name+": it has been tried")
		raise()
		require.Nil(t, state(r.ID), name)
	}
}

// When people are reminded is worked out by the schema: a row of which somebody says otherwise is due all the same.
func TestNobodyPutsAReminderOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	due := func(share string) {
		t.Helper()
		var as bool
		require.NoError(t, b.core.pool.QueryRow(t.Context(), `SELECT q.remind_at IS NOT DISTINCT FROM v.at + (q.expires_at - v.at) * `+share+`
			FROM requests q JOIN revisions v ON v.request_id = q.id AND v.number = q.revision WHERE q.id = $1`, r.ID).Scan(&as))
		require.True(t, as)
	}
	due("0.5")
	require.NoError(t, b.exec(t, `UPDATE requests SET remind_at = 'infinity'`))
	due("0.5")
	require.NoError(t, b.exec(t, `UPDATE requests SET reminded_at = now()`))
	due("0.8")
	require.NoError(t, b.exec(t, `UPDATE requests SET escalated_at = now()`))
	due("NULL::float8")
	require.NoError(t, b.exec(t, `UPDATE requests SET reminded_at = NULL, expires_at = expires_at + interval '1 day'`))
	due("0.5")
}
