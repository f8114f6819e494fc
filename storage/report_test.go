package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

func TestTheHistoryOfABudgetHasOldAndNew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	policy := budget.LimitPolicy{Soft: 70, Warn: []int{50}, Downgrade: []budget.Downgrade{{To: "small"}}, Without: []budget.Ability{budget.Upload}}
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: userScope, Amount: 5 * budget.Dollar, Window: budget.Week}))
	require.NoError(t, b.SetLimit(t.Context(), "BOSS", budget.Limit{Scope: userScope, Amount: 9 * budget.Dollar, Window: budget.Month, Policy: policy}))
	require.NoError(t, b.SetLimit(t.Context(), "BOSS", budget.Limit{Scope: teamScope, Amount: 1, Window: budget.Day}))
	require.NoError(t, b.RemoveLimit(t.Context(), "BOSS", userScope))
	require.ErrorIs(t, b.RemoveLimit(t.Context(), "BOSS", userScope), approval.ErrNotFound)
	s, err := b.Standings(t.Context(), []budget.Scope{userScope})
	require.NoError(t, err)
	require.Equal(t, budget.DefaultUserLimit(userScope), s[0].Limit, "the usual one holds again")

	events, err := b.LimitChanges(t.Context(), team, &userScope)
	require.NoError(t, err)
	require.Len(t, events, 3)
	var changes []steps.LimitChange
	for _, e := range events {
		c, err := steps.ReadLimitChange(e)
		require.NoError(t, err)
		require.Equal(t, userScope, c.Scope)
		changes = append(changes, c)
	}
	week := &budget.Limit{Scope: userScope, Amount: 5 * budget.Dollar, Window: budget.Week}
	month := &budget.Limit{Scope: userScope, Amount: 9 * budget.Dollar, Window: budget.Month, Policy: policy}
	require.Equal(t, []steps.LimitChange{{Scope: userScope, After: week}, {Scope: userScope, Before: week, After: month}, {Scope: userScope, Before: month}}, changes)
	require.Equal(t, "BOSS", events[2].Actor)
	all, err := b.LimitChanges(t.Context(), team, nil)
	require.NoError(t, err)
	require.Len(t, all, 4)
	none, err := b.LimitChanges(t.Context(), "OTHER", nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestReportsAddUpToTheLedger(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Options{Location: proofZone()})
	done := b.done(t, "1")
	b.pending(t, "2")
	b.setUserLimit(t, budget.Cent, budget.Month)
	b.refused(t, "3")
	from, until := budget.Month.Range(time.Now(), proofZone())
	total, err := b.raw(t.Context(), teamScope, from, until)
	require.NoError(t, err)
	require.Positive(t, total)
	for _, by := range []steps.Ranking{steps.ByPeople, steps.ByChannels, steps.ByModels, steps.ByDays} {
		list, err := b.Top(t.Context(), team, by, from, until)
		require.NoError(t, err)
		var sum budget.USD
		for i, s := range list {
			sum += s.Amount
			require.True(t, i == 0 || by == steps.ByDays || list[i-1].Amount >= s.Amount, "the most first")
		}
		require.Equal(t, total, sum, by)
		if by == steps.ByDays {
			require.Equal(t, time.Now().In(proofZone()).Format(time.DateOnly), list[0].ID, "the latest first")
		}
	}
	_, err = b.Top(t.Context(), team, "colours", from, until)
	require.ErrorContains(t, err, `no ranking "colours"`)
	nothing, err := b.Top(t.Context(), team, steps.ByPeople, from.AddDate(0, -1, 0), from)
	require.NoError(t, err)
	require.Empty(t, nothing)

	d, err := b.Digest(t.Context(), team, from, until)
	require.NoError(t, err)
	require.Equal(t, total, d.Total)
	require.Equal(t, asker, d.People[0].ID)
	require.Equal(t, channel, d.Projects[0].ID)
	require.Equal(t, 3, d.Requests)
	require.Equal(t, map[approval.State]int{approval.Done: 1, approval.Pending: 1, approval.Drafting: 1}, d.Outcomes)
	require.Equal(t, 1, d.Refused)
	require.Equal(t, 3, d.Paid, "two drafts and a run")
	require.Len(t, d.Limits, 1)

	teams, err := b.Teams(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, done.CreatedAt, teams[team], 0)

	// The bills of the month's requests are the ledger's month.
	var bills budget.USD
	for _, id := range []string{"1", "2", "3"} {
		var request string
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT id FROM requests WHERE trigger = $1`, id).Scan(&request))
		v, err := b.View(t.Context(), request)
		require.NoError(t, err)
		bills += v.Spent()
	}
	require.Equal(t, total, bills)
}

func TestTheTypicalRunIsTheMedianOfTheWorkspacesLatest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, runs, err := b.TypicalRun(t.Context(), team)
	require.NoError(t, err)
	require.Zero(t, runs)
	for i, seconds := range []int{100, 3, 2} {
		r := b.ask(t, string(rune('a'+i)))
		for _, move := range []func(*approval.Request, time.Time) error{b.drafted,
			func(r *approval.Request, now time.Time) error {
				return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
			},
			func(r *approval.Request, now time.Time) error { return r.Start("box-"+r.ID, b.policy, now) },
			func(r *approval.Request, now time.Time) error {
				return r.Finish(approval.Result{Outcome: approval.OK, Box: time.Duration(seconds) * time.Second}, budget.Charge{Kind: budget.Box, What: "local", Amount: 5}, b.policy, now)
			}} {
			r = b.update(t, r.ID, move)
		}
	}
	typical, runs, err := b.TypicalRun(t.Context(), team)
	require.NoError(t, err)
	require.Equal(t, 3*time.Second, typical)
	require.Equal(t, 3, runs)
	_, runs, err = b.TypicalRun(t.Context(), "OTHER")
	require.NoError(t, err)
	require.Zero(t, runs)
}

func TestAThreadsBudgetIsFoundByItsPlace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, _, err := b.Ask(t.Context(), b.question("t"), approval.Session{Team: team, Channel: channel, ThreadTS: "1.0"})
	require.NoError(t, err)
	scope, err := b.ThreadScope(t.Context(), team, channel, "1.0")
	require.NoError(t, err)
	require.Equal(t, budget.Scope{Team: team, Kind: budget.Session, ID: r.SessionID}, scope)
	_, err = b.ThreadScope(t.Context(), team, channel, "2.0")
	require.ErrorIs(t, err, approval.ErrNotFound)
	thread, err := b.Thread(t.Context(), team, r.SessionID)
	require.NoError(t, err)
	require.Equal(t, "1.0", thread.ThreadTS)
	_, err = b.Thread(t.Context(), "OTHER", r.SessionID)
	require.ErrorIs(t, err, approval.ErrNotFound)
}

func TestAlertsAreStoredWithTheSettlementThatReachesThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	settle := func(r *approval.Request, now time.Time) error {
		r.Money().Settle(budget.Settlement{HoldID: r.Holds[0].ID, At: now, Charges: []budget.Charge{{Kind: budget.Tokens, What: "small", Amount: 10 * budget.Cent}}})
		return nil
	}
	require.NoError(t, b.exec(t, `ALTER TABLE notices ADD CONSTRAINT closed CHECK (kind <> 'threshold')`))
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: userScope, Amount: 11 * budget.Cent, Window: budget.Day}))
	_, err := b.Update(t.Context(), r.ID, settle)
	require.ErrorContains(t, err, "INSERT INTO notices")
	require.Zero(t, b.count(t, `SELECT count(*) FROM settlements`), "all of it or none")
	require.NoError(t, b.exec(t, `ALTER TABLE notices DROP CONSTRAINT closed`))
	b.update(t, r.ID, settle)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM notices WHERE kind = 'threshold' AND recipients = '{ASKER}' AND admins`))
}

// A digest that is late says what it would have said in time: how budgets stood at
// its end, those of people without a limit of their own among them.
func TestADigestIsAboutItsOwnTimeOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.pending(t, "1")
	b.refusedTwice(t)
	until := time.Now()
	from := until.AddDate(0, 0, -7)
	before, err := b.Digest(t.Context(), team, from, until)
	require.NoError(t, err)
	require.Positive(t, before.Total)
	require.Len(t, before.Limits, 1)
	require.Equal(t, userScope, before.Limits[0].Limit.Scope)
	require.True(t, before.Limits[0].Limit.Default)
	require.Equal(t, before.Total, before.Limits[0].Spent)
	require.Zero(t, before.Limits[0].Held, "what was held then nobody knows")
	require.Equal(t, 1, before.Refused, "one question, however often it was tried")

	b.done(t, "late")
	b.ask(t, "later")
	after, err := b.Digest(t.Context(), team, from, until)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// refusedTwice has one question refused, tried again and refused again, with the
// usual limit in force before and after.
func (b *bundle) refusedTwice(t *testing.T) {
	t.Helper()
	b.setUserLimit(t, 1, budget.Month)
	r := b.refused(t, "refused")
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Money().Block(budget.ForDraft, r.Blocked.Refusal(), asker, b.policy, now)
	})
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(asker, now) })
	require.NoError(t, b.RemoveLimit(t.Context(), "ADMIN", userScope))
}

func TestHowFarQuotesWereOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const cost = 3 * budget.MicroDollar // of every run here
	for trigger, quote := range map[string]budget.USD{"too low": cost / 3, "right": cost, "too high": 2 * cost} {
		r := b.ask(t, trigger)
		b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
			rev := plainRevision()
			rev.Manifest.CostCap, rev.Quote = budget.Cent, quote
			return r.Drafted(rev, b.policy, now)
		})
		starts := func(box string) {
			b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
				return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
			})
			b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Start(box, b.policy, now) })
		}
		if starts("box-" + r.ID); trigger == "right" { // what never started was no run, and is not off
			b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
				return r.Unstart(&approval.BrokenSealError{Why: []approval.Reason{approval.Words("changed")}}, budget.Charge{Kind: budget.Box, What: "local", Amount: cost / 9}, r.Revision.Manifest, b.policy, now)
			})
			starts("another box")
		}
		b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
			return r.Finish(result(), budget.Charge{Kind: budget.Box, What: "local", Amount: cost}, b.policy, now)
		})
	}
	from, until := budget.Month.Range(time.Now(), time.UTC)
	d, err := b.Digest(t.Context(), team, from, until)
	require.NoError(t, err)
	require.Equal(t, 3, d.Runs)
	require.InDelta(t, 0.5, d.Off, 1e-9, "of 200 %, nothing and 50 %")
	require.InDelta(t, 1.85, d.OffP95, 1e-9)
}
