package steps

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// sweepUncertain lets a call that nobody has settled become uncertain, and then its time pass.
func (b *bundle) sweepUncertain() {
	b.t.Helper()
	for range 2 {
		b.store.pass(budget.UncertainFor)
		require.NoError(b.t, b.Sweep(b.t.Context()))
	}
}

// spent is what a request has been charged.
func (b *bundle) spent(id string) (sum budget.USD) {
	for _, purpose := range []budget.Purpose{budget.ForDraft, budget.ForRun} {
		for _, s := range b.spends(id, purpose) {
			sum += budget.Total(s.Charges)
		}
	}
	return sum
}

// unknown is a call of which nobody knows what it has cost.
var unknown = breaks(&WriterError{Err: errCrash, Words: "No answer.", Retry: true, Billed: true})

func TestAQuestionKeepsOneUncertainHoldHoweverOftenItsCallsFail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask()
	held := r.Holds[0]
	require.Less(t, mostUnknown, b.Policy.MaxAttempts, "a failure of one kind is not billed as often as others may be tried")
	for n := range mostUnknown {
		b.writer.script = append(b.writer.script, unknown)
		err := b.Draft(t.Context(), r.ID)
		require.Equal(t, n < mostUnknown-1, err != nil, "it is tried again later, and not for ever")
		r = b.request(r.ID)
		require.Len(t, r.Holds, 1)
		require.Equal(t, held.ID, r.Holds[0].ID)
		require.Equal(t, budget.USD(n+1)*18*budget.MicroDollar*1000, r.Holds[0].Risked, "no inspection has cost anything")
		require.Zero(t, b.spent(r.ID))
		standings, err := b.store.Standings(t.Context(), r.Scopes())
		require.NoError(t, err)
		require.Equal(t, held.Amount, standings[0].Held, "it counts once in every budget")
	}
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, "No answer.", reasons.Words(r.Reason))
	sum, until := budget.Uncertain(r.Holds)
	require.Equal(t, held.Amount, sum)

	b.store.pass(until.Sub(b.store.now()) - time.Second)
	require.NoError(t, b.Sweep(t.Context()))
	require.Zero(t, b.spent(r.ID), "for two days it may still become known")
	b.store.pass(2 * time.Second)
	require.NoError(t, b.Sweep(t.Context()))
	require.Equal(t, held.Amount, b.spent(r.ID))
	require.True(t, b.spends(r.ID, budget.ForDraft)[0].Estimated)
	require.Zero(t, b.open(r.ID))
	require.Equal(t, 1, b.count(r.ID, "uncertain"))
}

func TestACallThatCouldCostMoreThanWasAgreedIsNotMade(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.wide = true // one such call takes the whole hold
	b.writer.script = []func(Brief) (Draft, error){unknown}
	r := b.ask()
	require.NoError(t, b.Draft(t.Context(), r.ID), "nothing is tried again")
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, "No answer.", reasons.Words(r.Reason))
	require.Len(t, b.writer.briefs, 1)

	// A replica that died in the middle leaves as little room.
	r = b.ask()
	b.faults.kill("Write.after")
	require.ErrorIs(t, b.replica(func() error { return b.Draft(t.Context(), r.ID) }), errCrash)
	require.NoError(t, b.Draft(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, approval.Because(approval.WhyNoRoom), r.Reason)
	require.Equal(t, 1, b.open(r.ID))
}

func TestAKnownCallIsChargedAtOnceAndTheUncertainOneStaysHeld(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cutOff := breaks(&WriterError{Err: errCrash, Words: "cut off", Repair: "shorter", Usage: used("m1")})
	b.writer.script = []func(Brief) (Draft, error){unknown, cutOff, unknown, breaks(&WriterError{Err: errCrash, Words: "busy", Retry: true})}
	r := b.ask()
	require.Len(t, b.work(), 3, "the unknown ones and the busy one are tried again later")
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, 5, r.Attempts)
	require.Len(t, r.Holds, 1, "one hold is for all that is uncertain")
	held, _ := budget.Uncertain(r.Holds)
	require.Equal(t, "$0.036", held.String(), "two calls of at most $0.018")
	require.Equal(t, "$0.002408", b.spent(r.ID).String(), "the cut answer, the good one and its inspection")
}

func TestABudgetThatIsFullKeepsNoUncertainQuestionFromBeingTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	limit := func(amount budget.USD) {
		require.NoError(t, b.SetLimit(t.Context(), "admin", budget.Limit{Scope: budget.Scope{Team: "T1", Kind: budget.User, ID: "asker"}, Amount: amount, Window: budget.Month}))
	}
	limit(11 * budget.Cent)
	b.writer.script = []func(Brief) (Draft, error){unknown}
	r := b.ask()
	require.Error(t, b.Draft(t.Context(), r.ID))
	limit(budget.Cent) // what is held is more by now
	require.NoError(t, b.Draft(t.Context(), r.ID), "its hold pays for the next call as well, and the rest is no new burden")
	require.Equal(t, approval.Pending, b.request(r.ID).State)
	require.Equal(t, 1, b.open(r.ID))
}

func TestTheProviderSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]time.Duration{0: 2 * time.Second, time.Minute: time.Minute, longestWait: longestWait, longestWait + 1: 0} {
		synctest.Test(t, func(t *testing.T) {
			b := setup(t)
			b.writer.script = []func(Brief) (Draft, error){breaks(&WriterError{Err: errCrash, Words: "busy", Retry: true, After: after})}
			r := b.ask()
			err := b.Draft(t.Context(), r.ID)
			if want == 0 {
				require.NoError(t, err)
				require.Equal(t, approval.Failed, b.request(r.ID).State, "nobody waits for that")
				return
			}
			var later *LaterError
			require.ErrorAs(t, err, &later)
			require.Equal(t, want, later.After)
		})
	}
}

// An outage takes one hold for each question, and no more.
func TestAnOutageEmptiesNoBudget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var most budget.USD
	for n := range 20 {
		for range b.Policy.MaxAttempts {
			b.writer.script = append(b.writer.script, unknown)
		}
		q := question()
		q.Trigger = fmt.Sprint("outage ", n)
		r, err := b.Ask(t.Context(), q)
		require.NoError(t, err)
		r = b.find(r)
		most += r.Holds[0].Amount
		for range b.Policy.MaxAttempts {
			_ = b.Draft(t.Context(), r.ID)
		}
		require.Equal(t, approval.Failed, b.request(r.ID).State)
	}
	standings, err := b.store.Standings(t.Context(), []budget.Scope{{Team: "T1", Kind: budget.User, ID: "asker"}})
	require.NoError(t, err)
	require.Equal(t, most, standings[0].Held)
	require.Equal(t, "$0.000006", standings[0].Spent.String(), "the file was read, once for all of them")
}

// A program came, and no word on what it cost: the inspection is charged, and the
// most that the call can have cost stays held.
func TestAnAnswerWithoutUsageStaysUncertain(t *testing.T) {
	t.Parallel()
	for name, usage := range map[string]budget.Usage{
		"no model named":     {Input: 10, Output: 10},
		"nothing reported":   {},
		"no output reported": {Model: "m1", Input: 10},
	} {
		b := setup(t)
		b.writer.script = []func(Brief) (Draft, error){func(Brief) (Draft, error) { return Draft{Code: goodCode, Usage: usage}, nil }}
		r := b.ask()
		require.Empty(t, b.work(), name)
		r = b.request(r.ID)
		require.Equal(t, approval.Pending, r.State, name)
		require.NotEmpty(t, r.Revision.Author, name)
		s := b.spends(r.ID, budget.ForDraft)
		require.Len(t, s, 1, name)
		require.False(t, s[0].Estimated, name)
		require.Equal(t, budget.Box, s[0].Charges[0].Kind, name)
		held, until := budget.Uncertain(r.Holds)
		require.Equal(t, "$0.018", held.String(), "10,000 tokens at $1 and 4,000 at $2 per million")
		require.Equal(t, r.Holds[0].UncertainAt.Add(budget.UncertainFor), until)
	}
}

// The rules and the budgets are read when the box has answered. Where they cannot be, the box is
// paid as it was used, not in full when it is tried again.
func TestAnInspectionIsPaidAsUsedWhereNothingCouldBeReadAfterIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask()
	require.NoError(t, b.Read(t.Context(), r.ID))
	require.NoError(t, b.Steps.Draft(t.Context(), r.ID))
	b.faults.fail("TypicalRun.before", errCrash)
	require.ErrorIs(t, b.Inspect(t.Context(), r.ID), errCrash)
	require.Equal(t, approval.Drafting, b.request(r.ID).State)
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State, r.Reason)
	paid := b.spends(r.ID, budget.ForInspect)
	require.Len(t, paid, 2)
	require.Positive(t, budget.Total(paid[0].Charges))
	require.Equal(t, budget.Total(paid[1].Charges), budget.Total(paid[0].Charges))
}
