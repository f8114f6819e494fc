package steps

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// past is a team budget of a dollar of which so many cents are spent, in the
// window that the policy is about.
func (b *bundle) past(cents int, p budget.LimitPolicy) {
	b.t.Helper()
	b.limit(budget.Team, "T1", budget.Dollar, budget.Month, p)
	r := b.ask()
	_, err := b.store.Update(b.t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		for _, h := range slices.Clone(r.Holds) {
			r.Money().Settle(budget.Settlement{HoldID: h.ID, At: now})
		}
		holdFor(r, budget.ForDraft, budget.USD(cents)*budget.Cent, now)
		return nil
	})
	require.NoError(b.t, err)
	_, err = b.store.Update(b.t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		r.Money().Settle(r.Holds[0].InFull(now, "m1"))
		return r.Withdraw("asker", now)
	})
	require.NoError(b.t, err)
	b.store.jobs = nil
}

func TestPastTheSoftLimitACheaperModelWritesAndSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cheap()
	policy := budget.LimitPolicy{Downgrade: []budget.Downgrade{{From: "m1", To: "m2"}}}
	b.past(79, policy)
	require.Equal(t, "m1", b.ask().Model, "not before")
	b.past(5, policy)
	r := b.ask()
	require.Equal(t, "m2", r.Model)
	require.Equal(t, &approval.Downgraded{From: "m1", To: "m2", Scope: budget.Scope{Team: "T1", Kind: budget.Team, ID: "T1"}}, r.Downgraded)
	require.Contains(t, b.kinds(r.ID), "downgraded")
	require.Less(t, r.Holds[0].Amount, 5*budget.Cent, "and no more is held than it can cost")
	_, err := b.Withdraw(t.Context(), r.ID, asksHimself)
	require.NoError(t, err, "the asker may decline")
}

func TestADraftThatIsTriedAgainIsDowngradedAsWell(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cheap()
	r := b.ask()
	b.past(85, budget.LimitPolicy{Downgrade: []budget.Downgrade{{To: "m2"}}})
	require.NoError(t, b.Draft(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, "m2", b.writer.briefs[0].Model)
	require.Equal(t, "m1", r.Downgraded.From)
}

func TestWhatIsSwitchedOffIsRefusedInWordsOrApplied(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.past(80, budget.LimitPolicy{Without: []budget.Ability{budget.Upload, budget.LongRuns, budget.WithoutModel("m1")}})
	q := question()
	q.Uploads = true
	_, err := b.Ask(t.Context(), q)
	var in *approval.InputError
	require.ErrorAs(t, err, &in)
	require.Equal(t, "Uploading files with a question is switched off: the team's budget has spent more than 80% of $1.00. "+
		"You can still ask about files that are in the channel.", reasons.Words(in.Why))

	q.Uploads, q.Model = false, "m1"
	_, err = b.Ask(t.Context(), q)
	require.ErrorAs(t, err, &in)
	require.Equal(t, "m1 is switched off: the team's budget has spent more than 80% of $1.00. Choose another model.", reasons.Words(in.Why))

	q.Model, q.Trigger = "", "another"
	r, err := b.Ask(t.Context(), q)
	require.NoError(t, err, "nobody has chosen the default: another takes its place")
	require.Equal(t, "m2", r.Model)
	require.Equal(t, "m1", r.Downgraded.From)
	b.work()
	m := b.request(r.ID).Revision.Manifest
	require.Equal(t, 30, m.Limits.Seconds, "the reviewer sees the shorter limit, and it is sealed")
	require.Equal(t, "$0.00111", m.CostCap.String(), "60 seconds at 18,500 billionths")
}

func TestTheQuoteIsWhatRunsUsuallyTake(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		typical time.Duration
		runs    int
		want    string
	}{"none so far": {0, 0, "$0.000185"}, "some": {4 * time.Second, 3, "$0.000074"}, "never more than the most": {time.Hour, 1, "$0.002775"}} {
		b := setup(t)
		b.store.typical, b.store.typicalRuns = c.typical, c.runs
		r := b.pending()
		require.Equal(t, c.want, r.Revision.Quote.String(), name)
		require.Equal(t, "$0.002775", r.Revision.Manifest.CostCap.String(), name)
	}
	b := setup(t)
	b.faults.fail("TypicalRun.before", errCrash)
	r := b.ask()
	require.ErrorIs(t, b.Draft(t.Context(), r.ID), errCrash)
	require.Empty(t, b.writer.briefs, "what can fail fails before anything is paid")
}

func TestARunIsStoppedAtWhatWasAgreedThoughBoxesBecameDearer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	sealed := b.request(r.ID).Revision.Manifest
	dearer := b.Prices.Boxes[0]
	dearer.VCPU, dearer.GiB = 2*dearer.VCPU, 2*dearer.GiB
	b.Prices.Boxes = []budget.BoxPrice{dearer}
	b.box.result.Box = 3 * time.Minute // the box ends when it is told to, and this one was not
	require.NoError(t, b.Run(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, approval.Done, r.State)
	// 150 seconds were agreed, 75 can be paid; 30 of them are not the code's.
	require.Equal(t, 45, b.box.boxes[0].seal.Limits.Seconds)
	require.Equal(t, 45, b.box.jobs[0].Limits.Seconds)
	require.Equal(t, sealed, r.Revision.Manifest, "what was approved stays as it was")
	require.Equal(t, sealed.CostCap, b.spends(r.ID, budget.ForRun)[0].Charges[0].Amount)

	poor := setup(t)
	r = poor.approved()
	dearer.VCPU *= 100
	poor.Prices.Boxes = []budget.BoxPrice{dearer}
	require.NoError(t, poor.Run(t.Context(), r.ID))
	r = poor.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, "Sandboxes have become more expensive since this was approved: $0.002775 no longer pays for a run, so nothing was run. Please ask again.", reasons.Words(r.Reason))
	require.Empty(t, poor.box.boxes)
	require.Zero(t, poor.open(r.ID))
}

func TestAlertsAreSaidOncePerBudgetWindowAndMark(t *testing.T) {
	t.Parallel()
	b := setup(t)
	policy := budget.LimitPolicy{Warn: []int{50}}
	b.past(60, policy)
	fifty := "50 of T1 team T1 in month " + budgetMonth(b) + " at 1000000000"
	require.Equal(t, []string{fifty}, b.store.noticesOf(approval.NoticeThreshold))
	for range 3 {
		b.past(1, policy)
	}
	require.Equal(t, []string{fifty}, b.store.noticesOf(approval.NoticeThreshold), "once, however much is spent after it")
	require.Len(t, slices.DeleteFunc(slices.Clone(b.store.jobs), func(w Wake) bool { return w.Step != approval.StepTell }), 0)
	n, _, err := b.store.Notice(t.Context(), "threshold "+fifty)
	require.NoError(t, err)
	require.Empty(t, n.To, "the team's budget is nobody's in particular")
	require.True(t, n.Admins)
	b.past(20, policy)
	require.Len(t, b.store.noticesOf(approval.NoticeThreshold), 2)
	// Another limit is another threshold.
	b.limit(budget.Team, "T1", 90*budget.Cent, budget.Month, policy)
	b.limit(budget.User, "asker", budget.Cent, budget.Day, budget.LimitPolicy{})
	require.NotNil(t, b.ask().Blocked)
	require.NotNil(t, b.ask().Blocked)
	budgets := "of T1 user asker in day " + b.store.now().UTC().Format(time.DateOnly) + " at 10000000"
	require.Equal(t, []string{"for asker " + budgets, budgets}, b.store.noticesOf(approval.NoticeStop), "and refusals as well")
}

// A budget that several people share refuses each of them, and each gets to know;
// the administrators once.
func TestEverybodyWhomABudgetRefusesIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Admins = append(b.Policy.Admins, "asker")
	b.limit(budget.Project, "C1", budget.Cent, budget.Month, budget.LimitPolicy{})
	for _, who := range []string{"asker", "another", "another"} {
		q := question()
		q.Asker = who
		r, err := b.Steps.Ask(t.Context(), q)
		require.NoError(t, err)
		require.NotNil(t, r.Blocked)
	}
	b.work()
	stops := b.store.noticesOf(approval.NoticeStop)
	require.Len(t, stops, 3)
	told := map[string]int{}
	for _, key := range stops {
		_, posts, err := b.store.Notice(t.Context(), "stop "+key)
		require.NoError(t, err)
		for who := range posts {
			told[who]++
		}
	}
	require.Equal(t, 1, told["asker"], "who was refused and administers, too, has one message about it")
	require.Equal(t, 1, told["another"])
	require.Equal(t, 1, told["admin"])
}

func budgetMonth(b *bundle) string {
	from, _ := budget.Month.Range(b.store.now(), time.UTC)
	return from.Format(time.DateOnly)
}

func TestADigestIsSentOnceForEachMomentAndCaughtUpWith(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ask()
	due := time.Now().UTC().Truncate(time.Second).Add(time.Hour)
	b.Due = func(at time.Time) time.Time {
		if at.Before(due) {
			return due.AddDate(0, 0, -7)
		}
		return due
	}
	require.NoError(t, b.Sweep(t.Context()))
	require.Empty(t, b.store.noticesOf(approval.NoticeDigest), "not of a week before anybody asked anything")
	due = time.Now().UTC()
	for range 3 {
		require.NoError(t, b.Sweep(t.Context()))
	}
	require.Equal(t, []string{"T1 " + due.Format("2006-01-02 15:04")}, b.store.noticesOf(approval.NoticeDigest))
	n, _, err := b.store.Notice(t.Context(), "digest T1 "+due.Format("2006-01-02 15:04"))
	require.NoError(t, err)
	require.Contains(t, string(n.Data), `"requests":1`)
	require.True(t, n.Admins)
	due = due.Add(time.Minute) // not yet: the last one was said
	b.Due = func(time.Time) time.Time { return time.Time{} }
	require.NoError(t, b.Sweep(t.Context()))
	require.Len(t, b.store.noticesOf(approval.NoticeDigest), 1)
}

func TestExplainSaysWhichBudgetDecidedWhat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.blocked()
	_, err := b.Continue(t.Context(), r.ID, "m2", asksHimself)
	require.NoError(t, err)
	b.work()
	for _, who := range []string{"asker", "admin"} {
		e, err := b.Explain(t.Context(), "T1", who, r.ID)
		require.NoError(t, err)
		require.Len(t, e.Steps, 4)
		refused, held, read, inspection := e.Steps[0], e.Steps[1], e.Steps[2], e.Steps[3]
		require.NotNil(t, read.Settled)
		require.Equal(t, budget.ForRead, read.Purpose)
		require.NotNil(t, inspection.Settled)
		require.True(t, refused.Refused)
		require.Equal(t, "m1", refused.Model)
		require.Equal(t, budget.User, refused.Tight().Limit.Scope.Kind)
		require.Equal(t, 5*budget.Cent, refused.Tight().Left())
		require.Nil(t, refused.Settled)
		require.False(t, held.Refused)
		require.Equal(t, "m2", held.Model)
		require.Less(t, held.Needed, 5*budget.Cent)
		require.Equal(t, 5*budget.Cent, held.Tight().Left(), "as it stood before")
		require.Positive(t, held.Settled.Spent)
		require.Less(t, held.Settled.Spent, held.Needed)
	}
	var no *approval.NotAllowedError
	_, err = b.Explain(t.Context(), "T1", "R1", r.ID)
	require.ErrorAs(t, err, &no)
	_, err = b.Explain(t.Context(), "T2", "asker", r.ID)
	require.ErrorIs(t, err, approval.ErrNotFound)
}

func TestOnlyAdministratorsChangeAndSeeEverybodysBudgets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cheap()
	scope := budget.Scope{Team: "T1", Kind: budget.Role, ID: budget.Members}
	limit := budget.Limit{Scope: scope, Amount: 2 * budget.Dollar, Window: budget.Week}
	for _, who := range []string{"R1", "guest", "gone"} {
		var no *approval.NotAllowedError
		require.ErrorAs(t, b.SetLimit(t.Context(), who, limit), &no)
		require.ErrorAs(t, b.RemoveLimit(t.Context(), who, scope), &no)
		_, err := b.Limits(t.Context(), "T1", who)
		require.ErrorAs(t, err, &no)
		_, err = b.LimitHistory(t.Context(), "T1", who, nil)
		require.ErrorAs(t, err, &no)
		_, err = b.Top(t.Context(), "T1", who, ByDays, time.Time{}, time.Now())
		require.ErrorAs(t, err, &no)
		_, err = b.Standings(t.Context(), who, []budget.Scope{{Team: "T1", Kind: budget.User, ID: "asker"}})
		require.ErrorAs(t, err, &no)
	}
	require.NoError(t, b.SetLimit(t.Context(), "admin", limit))
	mine, err := b.Standings(t.Context(), "asker", []budget.Scope{{Team: "T1", Kind: budget.User, ID: "asker"}})
	require.NoError(t, err)
	require.Equal(t, budget.Members, mine[0].Limit.Role)
	require.Equal(t, 2*budget.Dollar, mine[0].Limit.Hard())
	all, err := b.Limits(t.Context(), "T1", "admin")
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.NoError(t, b.RemoveLimit(t.Context(), "admin", scope))
	require.ErrorContains(t, b.RemoveLimit(t.Context(), "admin", scope), string(approval.WhyNoBudget))

	for words, p := range map[string]budget.LimitPolicy{
		"101% is no share of a budget":     {Soft: 101},
		"There is no model called m7":      {Downgrade: []budget.Downgrade{{To: "m7"}}},
		"m1 is not cheaper than m2":        {Downgrade: []budget.Downgrade{{From: "m2", To: "m1"}}},
		"m1 is not cheaper than any":       {Downgrade: []budget.Downgrade{{To: "m1"}}},
		"There is no price for gone-model": {Downgrade: []budget.Downgrade{{To: "gone-model"}}},
		"There is no model called m8":      {Without: []budget.Ability{budget.WithoutModel("m8")}},
		`"breathing" cannot be switched`:   {Without: []budget.Ability{"breathing"}},
	} {
		limit.Policy = p
		var in *approval.InputError
		require.ErrorAs(t, b.SetLimit(t.Context(), "admin", limit), &in, words)
		require.Contains(t, reasons.Words(in.Why), words)
	}
	limit.Policy = budget.LimitPolicy{Downgrade: []budget.Downgrade{{To: "m2"}}}
	require.NoError(t, b.SetLimit(t.Context(), "admin", limit))
}
