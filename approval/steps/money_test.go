package steps

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// limit sets a budget past the service, which would ask who may.
func (b *bundle) limit(kind budget.ScopeKind, id string, amount budget.USD, window budget.Window, p budget.LimitPolicy) budget.Scope {
	b.t.Helper()
	scope := budget.Scope{Team: "T1", Kind: kind, ID: id}
	require.NoError(b.t, b.store.SetLimit(b.t.Context(), "admin", budget.Limit{Scope: scope, Amount: amount, Window: window, Policy: p}))
	return scope
}

// cheap makes the second model a tenth of the first.
func (b *bundle) cheap() {
	row := &b.Prices.Models[1]
	row.Input, row.Cached, row.Output = row.Input/10, row.Cached/10, row.Output/10
}

// blocked is a question for which the asker's budget has no room: a draft by m1
// costs up to $0.1092, and by the cheaper m2 a tenth.
func (b *bundle) blocked() *approval.Request {
	b.t.Helper()
	b.cheap()
	b.limit(budget.User, "asker", 5*budget.Cent, budget.Month, budget.LimitPolicy{})
	r := b.ask()
	require.NotNil(b.t, r.Blocked)
	b.work()
	return b.request(r.ID)
}

func TestTheChoicesOfABlockedQuestionAreComputed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.blocked()
	c, err := b.Choices(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, r.Blocked, c.Block)
	require.False(t, c.Fits)
	require.Len(t, c.Models, 1, "the unpriced one is none")
	require.Equal(t, "m2", c.Models[0].Model)
	require.Less(t, c.Models[0].Most, 5*budget.Cent)
	require.Equal(t, r.Blocked.Needed-5*budget.Cent, c.Missing)
	require.True(t, c.CanTopUp)
	require.True(t, c.FitsFrom.IsZero(), "the whole budget is too small, so waiting does not help")
	_, err = b.WaitForReset(t.Context(), r.ID, asksHimself)
	var in *approval.InputError
	require.ErrorAs(t, err, &in)
	require.Contains(t, reasons.Words(in.Why), "Waiting does not help here")

	fine := setup(t)
	c, err = fine.Choices(t.Context(), fine.ask().ID)
	require.NoError(t, err)
	require.Nil(t, c.Block)
}

func TestABlockedQuestionGoesOnWithACheaperModelWithoutRetyping(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.blocked()
	_, err := b.Continue(t.Context(), r.ID, "m2", approval.Click{Team: "T1", User: "R1"})
	var no *approval.NotAllowedError
	require.ErrorAs(t, err, &no, "only the asker chooses")
	_, err = b.Continue(t.Context(), r.ID, "m2", approval.Click{Team: "T2", User: "asker"})
	require.ErrorIs(t, err, approval.ErrNotFound)
	_, err = b.Continue(t.Context(), r.ID, "nonsense", asksHimself)
	require.ErrorContains(t, err, string(approval.WhyNoModel)+" nonsense")
	_, err = b.Continue(t.Context(), r.ID, "", asksHimself)
	var refused *budget.ExceededError
	require.ErrorAs(t, err, &refused, "the same still does not fit")
	require.NotNil(t, b.request(r.ID).Blocked)

	got, err := b.Continue(t.Context(), r.ID, "m2", asksHimself)
	require.NoError(t, err)
	require.Nil(t, got.Blocked)
	require.Empty(t, b.work())
	got = b.request(r.ID)
	require.Equal(t, approval.Pending, got.State)
	require.Equal(t, "m2", got.Revision.Author)
	require.Equal(t, "What were sales?", b.writer.briefs[0].Question)
	require.Equal(t, []string{"asked", "blocked", "found", "blocked", "continued", "held", "weighed", "held", "called", "weighed", "settled", "read", "called", "settled", "held", "written", "weighed", "called", "settled", "drafted"}, b.kinds(r.ID))
	_, err = b.Continue(t.Context(), r.ID, "m2", asksHimself)
	var move *approval.MoveError
	require.ErrorAs(t, err, &move)
	require.Equal(t, "It is no longer waiting for budget.", reasons.Words(move.Why))
}

func TestABlockedQuestionGoesOnByItselfWhenTheBudgetBeginsAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Expiry = 72 * time.Hour // also at one past midnight the first one is open until the next midnight and a minute
	b.limit(budget.User, "asker", 12*budget.Cent, budget.Day, budget.LimitPolicy{})
	first := b.ask() // holds nearly all of it
	r := b.ask()
	require.NotNil(t, r.Blocked)
	c, err := b.Choices(t.Context(), r.ID)
	require.NoError(t, err)
	_, midnight := budget.Day.Range(b.store.now(), time.UTC)
	require.Equal(t, midnight, c.FitsFrom)
	got, err := b.WaitForReset(t.Context(), r.ID, asksHimself)
	require.NoError(t, err)
	require.True(t, got.Blocked.Wait)
	require.Equal(t, midnight.Add(b.Policy.Expiry), got.ExpiresAt, "it does not expire before its money comes")
	require.NoError(t, b.Sweep(t.Context()))
	require.NotNil(t, b.request(r.ID).Blocked, "not before")

	// At midnight the first one is still held: it is tried in vain, and waits for the next.
	b.store.holds[first.Holds[0].ID].ExpiresAt = midnight.Add(72 * time.Hour)
	b.store.holds[first.Holds[0].ID].At = midnight.Add(time.Minute)
	b.store.pass(midnight.Sub(b.store.now()) + time.Minute)
	require.NoError(t, b.Sweep(t.Context()))
	got = b.request(r.ID)
	require.NotNil(t, got.Blocked)
	require.True(t, got.Blocked.Wait)
	require.Equal(t, midnight.Add(24*time.Hour), got.Blocked.Until)

	b.store.pass(24 * time.Hour)
	require.NoError(t, b.Sweep(t.Context()))
	require.Nil(t, b.request(r.ID).Blocked)
	b.work()
	require.Equal(t, approval.Pending, b.request(r.ID).State)
}

func TestSomebodyElseGrantsATopUpAndTheQuestionGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Admins = []string{"admin", "asker"}
	r := b.blocked()
	for why, c := range map[string]struct {
		amount budget.USD
		reason string
		click  approval.Click
	}{
		string(approval.WhyNoPurpose):    {budget.Dollar, " ", asksHimself},
		string(approval.WhyTooLittle):    {budget.Cent, "the board meets", asksHimself},
		string(approval.WhyTooMuch):      {20_000 * budget.Dollar, "the board meets", asksHimself},
		string(approval.WhyAskerChooses): {budget.Dollar, "the board meets", approval.Click{Team: "T1", User: "R1"}},
	} {
		_, err := b.AskTopUp(t.Context(), r.ID, c.amount, c.reason, c.click)
		require.ErrorContains(t, err, why)
	}
	r, err := b.AskTopUp(t.Context(), r.ID, 10*budget.Cent, "the board meets", asksHimself)
	require.NoError(t, err)
	top := r.Money().OpenTopUp()
	require.Equal(t, budget.Scope{Team: "T1", Kind: budget.User, ID: "asker"}, top.Scope)
	_, err = b.AskTopUp(t.Context(), r.ID, 20*budget.Cent, "again", asksHimself)
	var move *approval.MoveError
	require.ErrorAs(t, err, &move, "one at a time")
	b.work()
	require.Contains(t, b.slack.told, "topup "+top.ID+" to admin")
	require.NotContains(t, b.slack.told, "topup "+top.ID+" to asker", "who asked does not answer")

	ends, err := b.GrantEnds(t.Context(), top.ID)
	require.NoError(t, err)
	require.Equal(t, "until the end of today", ends[0].Words)
	for _, end := range ends[2:] { // none where the month ends within a day
		require.Contains(t, end.Words, "until the budget resets on ")
	}
	hour := b.store.now().Add(time.Hour)
	for why, grant := range map[string]error{
		string(approval.WhyAdminsOnly) + " answer this": second(b.Grant(t.Context(), top.ID, hour, approval.Click{Team: "T1", User: "R1"})),
		string(approval.WhyOwnTopUp):                    second(b.Grant(t.Context(), top.ID, hour, asksHimself)),
		string(approval.WhyMomentPassed):                second(b.Grant(t.Context(), top.ID, hour.Add(-2*time.Hour), approval.Click{Team: "T1", User: "admin"})),
		string(approval.WhyTooFar):                      second(b.Grant(t.Context(), top.ID, hour.AddDate(3, 0, 0), approval.Click{Team: "T1", User: "admin"})),
		string(approval.WhyDeactivated):                 second(b.Grant(t.Context(), top.ID, hour, b.named("gone"))),
		approval.ErrNotFound.Error():                    second(b.Grant(t.Context(), "nonsense", hour, approval.Click{Team: "T1", User: "admin"})),
		string(approval.WhyGuest):                       second(b.Decline(t.Context(), top.ID, "no", b.named("guest"))),
		string(approval.WhyNoReason):                    second(b.Decline(t.Context(), top.ID, "", approval.Click{Team: "T1", User: "admin"})),
	} {
		require.ErrorContains(t, grant, why)
	}
	got, err := b.Grant(t.Context(), top.ID, hour, approval.Click{Team: "T1", User: "admin"})
	require.NoError(t, err)
	require.Nil(t, got.Blocked)
	b.work()
	got = b.request(r.ID)
	require.Equal(t, approval.Pending, got.State)
	require.Equal(t, "m1", got.Model, "with the model that was asked for")
	require.Equal(t, "admin", got.TopUp(top.ID).DecidedBy)
	require.Contains(t, b.slack.told, "topup "+top.ID+" outcome to asker")
	_, err = b.Grant(t.Context(), top.ID, hour, b.named("R2"))
	require.ErrorContains(t, err, "cannot decide on the top-up")

	// What was granted ends.
	b.store.pass(2 * time.Hour)
	s, err := b.Standings(t.Context(), "asker", []budget.Scope{top.Scope})
	require.NoError(t, err)
	require.Equal(t, 5*budget.Cent, s[0].Limit.Hard())
	require.NotNil(t, b.ask().Blocked)
}

// named clicks as somebody who is an administrator now.
func (b *bundle) named(who string) approval.Click {
	b.Policy.Admins = append(b.Policy.Admins, who)
	return approval.Click{Team: "T1", User: who}
}

func TestATopUpLiftsNoParentScope(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(budget.Team, "T1", 6*budget.Cent, budget.Month, budget.LimitPolicy{})
	r := b.blocked()
	r, err := b.AskTopUp(t.Context(), r.ID, budget.Dollar, "please", asksHimself)
	require.NoError(t, err)
	got, err := b.Grant(t.Context(), r.Money().OpenTopUp().ID, b.store.now().Add(time.Hour), approval.Click{Team: "T1", User: "admin"})
	require.NoError(t, err, "it is granted")
	require.Equal(t, budget.Team, got.Blocked.Tight().Limit.Scope.Kind, "and the team's budget stands")
	require.Equal(t, approval.Drafting, got.State)
	b.work()
	require.Empty(t, b.writer.briefs)
	c, err := b.Choices(t.Context(), r.ID)
	require.NoError(t, err)
	require.Nil(t, c.TopUp, "another one may be asked for, of that budget")
	r, err = b.AskTopUp(t.Context(), r.ID, budget.Dollar, "and the team's", asksHimself)
	require.NoError(t, err)
	require.Equal(t, budget.Team, r.Money().OpenTopUp().Scope.Kind)
}

func TestADeclinedTopUpSaysWhyAndLeavesTheOtherWays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.blocked()
	r, err := b.AskTopUp(t.Context(), r.ID, budget.Dollar, "please", asksHimself)
	require.NoError(t, err)
	id := r.Money().OpenTopUp().ID
	r, err = b.Decline(t.Context(), id, "Not this month.", approval.Click{Team: "T1", User: "admin"})
	require.NoError(t, err)
	require.Equal(t, "Not this month.", r.TopUp(id).Answer)
	require.NotNil(t, r.Blocked)
	r, err = b.Continue(t.Context(), r.ID, "m2", asksHimself)
	require.NoError(t, err)
	require.Nil(t, r.Blocked)
}

// Where nothing can run code, nobody can say what a draft costs: what waits for money waits
// on, whoever presses hears why, and a grant is kept.
func TestWhatWaitsForMoneyWaitsOnWhereNothingCanRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.blocked()
	r, err := b.AskTopUp(t.Context(), r.ID, budget.Dollar, "please", asksHimself)
	require.NoError(t, err)
	b.work()
	box := b.stand.Sandbox
	b.stand.Sandbox = NoSandbox{Why: "This machine cannot."}
	_, err = b.Continue(t.Context(), r.ID, "m2", approval.Click{Team: "T1", User: "R1"})
	require.ErrorAs(t, err, new(*approval.NotAllowedError))
	_, err = b.Continue(t.Context(), r.ID, "m2", asksHimself)
	require.ErrorAs(t, err, new(*approval.InputError))
	require.ErrorContains(t, err, "This machine cannot.")
	_, err = b.Grant(t.Context(), r.Money().OpenTopUp().ID, b.store.now().Add(time.Hour), approval.Click{Team: "T1", User: "admin"})
	require.NoError(t, err)
	require.NoError(t, b.catchUp(t.Context(), Wake{Step: approval.StepGoOn, RequestID: r.ID}))
	now := b.request(r.ID)
	require.Equal(t, approval.Drafting, now.State, now.Reason)
	require.NotNil(t, now.Blocked)

	b.stand.Sandbox = box
	require.NoError(t, b.catchUp(t.Context(), Wake{Step: approval.StepGoOn, RequestID: r.ID}))
	b.work()
	require.Equal(t, approval.Pending, b.request(r.ID).State, "and goes on by itself where it can")
}

func TestATopUpOfWhatHasEndedIsNotGranted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.blocked()
	r, err := b.AskTopUp(t.Context(), r.ID, budget.Dollar, "please", asksHimself)
	require.NoError(t, err)
	top := r.Money().OpenTopUp().ID
	b.work()
	_, err = b.Withdraw(t.Context(), r.ID, asksHimself)
	require.NoError(t, err)
	require.Contains(t, b.store.jobs, Wake{Step: approval.StepTell, RequestID: "topup " + top}, "its buttons go")
	_, err = b.Grant(t.Context(), top, b.store.now().Add(time.Hour), approval.Click{Team: "T1", User: "admin"})
	var move *approval.MoveError
	require.ErrorAs(t, err, &move)
	require.Contains(t, reasons.Words(move.Why), "No longer needed")

	alone := setup(t)
	alone.Policy.Admins = []string{"asker"}
	_, err = alone.AskTopUp(t.Context(), alone.blocked().ID, budget.Dollar, "please", asksHimself)
	require.ErrorContains(t, err, string(approval.WhyNobodyGrants))

	// The only administrator has left the workspace, and is named still.
	left := setup(t)
	left.slack.people["admin"] = review.Person{ID: "admin", Gone: true}
	id := left.blocked().ID
	c, err := left.Choices(t.Context(), id)
	require.NoError(t, err)
	require.False(t, c.CanTopUp)
	_, err = left.AskTopUp(t.Context(), id, budget.Dollar, "please", asksHimself)
	require.ErrorContains(t, err, string(approval.WhyNobodyGrants))
}

func TestAGrantSurvivesTheDeathOfWhoeverGave(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.blocked()
	r, err := b.AskTopUp(t.Context(), r.ID, budget.Dollar, "please", asksHimself)
	require.NoError(t, err)
	id := r.Money().OpenTopUp().ID
	b.faults.kill("commit granted a top-up.after")
	_ = b.replica(func() error {
		_, err := b.Grant(t.Context(), id, b.store.now().Add(time.Hour), approval.Click{Team: "T1", User: "admin"})
		return err
	})
	require.NotNil(t, b.request(r.ID).Blocked)
	require.NoError(t, b.Sweep(t.Context()))
	require.Nil(t, b.request(r.ID).Blocked, "the sweep goes on where it was left")
	b.work()
	require.Equal(t, approval.Pending, b.request(r.ID).State)
}

func TestABlockedRunTellsItsReviewerWhenThereIsMoney(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	scope := b.limit(budget.Session, r.SessionID, budget.Cent/4, budget.None, budget.LimitPolicy{})
	_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	var refused *budget.ExceededError
	require.ErrorAs(t, err, &refused)
	c, err := b.Choices(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, budget.ForRun, c.Block.Purpose)
	require.Empty(t, c.Models, "the code is written: no model makes it cheaper")
	_, err = b.Continue(t.Context(), r.ID, "", asksHimself)
	require.ErrorAs(t, err, &refused)
	got, err := b.AskTopUp(t.Context(), r.ID, 10*budget.Cent, "nearly there", asksHimself)
	require.NoError(t, err)
	require.Equal(t, scope, got.Money().OpenTopUp().Scope)
	got, err = b.Grant(t.Context(), got.Money().OpenTopUp().ID, b.store.now().Add(time.Hour), approval.Click{Team: "T1", User: "admin"})
	require.NoError(t, err)
	require.Nil(t, got.Blocked)
	require.Equal(t, approval.Pending, got.State, "nobody approves but the reviewer")
	require.Zero(t, got.Approvals())
	b.work()
	require.Len(t, b.store.noticesOf(approval.NoticeFunded), 1)
	require.Contains(t, fmt.Sprint(b.slack.told), "to R1")
	got, err = b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, approval.Approved, got.State)
}

func TestABlockedQuestionExpiresInItsOwnWords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.blocked()
	b.store.pass(b.Policy.Expiry + time.Minute)
	require.NoError(t, b.Sweep(t.Context()))
	r = b.request(r.ID)
	require.Equal(t, approval.Expired, r.State)
	require.Nil(t, r.Blocked)
	require.Contains(t, reasons.Words(r.Reason), "It was over budget")
}

func TestATopUpIsForTheBudgetThatIsInTheWayNow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.blocked()
	require.Equal(t, budget.User, r.Blocked.Tight().Limit.Scope.Kind)
	b.limit(budget.User, "asker", budget.Dollar, budget.Month, budget.LimitPolicy{})
	channel := b.limit(budget.Project, "C1", budget.Cent, budget.Month, budget.LimitPolicy{})
	r, err := b.AskTopUp(t.Context(), r.ID, budget.Dollar, "it matters", asksHimself)
	require.NoError(t, err)
	require.Equal(t, channel, r.Money().OpenTopUp().Scope)
	_, err = b.Grant(t.Context(), r.Money().OpenTopUp().ID, b.store.now().Add(time.Hour), approval.Click{Team: "T1", User: "admin"})
	require.NoError(t, err)
	require.Nil(t, b.request(r.ID).Blocked, "and so it helps")
}

var asksHimself = approval.Click{Team: "T1", User: "asker", ActionTS: "1"}

func second(_ *approval.Request, err error) error { return err }
