package steps

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// Wherever a replica dies while it drafts, the next one goes on. A call that has been
// answered is paid for once and not made again, however often its inspection is.
func TestADraftSurvivesTheDeathOfItsReplicaAnywhere(t *testing.T) {
	t.Parallel()
	const nothing, call, inspection = "nothing", "the call", "the inspection"
	for point, lost := range map[string]string{ // what nobody knows the cost of afterwards
		"Request.before": nothing, "Fetch.before": nothing, "ReadFile.before": nothing, "History.before": nothing, "Update.before": nothing,
		"commit called.before": nothing, "commit called.after": call, "Write.before": call, "Write.after": call, "commit written.before": call,
		"commit written.after": nothing, "Inspect.before": inspection, "Inspect.after": inspection, "commit drafted.before": inspection, "commit drafted.after": nothing,
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.ask()
			if point != "Fetch.before" && point != "ReadFile.before" {
				require.NoError(t, b.Read(t.Context(), r.ID))
			}
			b.faults.kill(point)
			require.Len(t, b.work(), 1)
			require.True(t, b.faults.struck(), "the crash point was never reached")
			r = b.request(r.ID)
			require.Equal(t, approval.Pending, r.State)
			require.Equal(t, 1, r.Revision.Number)
			require.Nil(t, r.Written)
			spends := b.spends(r.ID, budget.ForDraft)
			spends = slices.DeleteFunc(spends, func(s budget.Settlement) bool { return len(s.Charges) == 0 })
			known := slices.DeleteFunc(slices.Clone(spends), func(s budget.Settlement) bool { return s.Estimated })
			require.Len(t, known, 2, "one call and one inspection are known, and charged at once")
			if lost != call {
				require.Equal(t, 1, r.Attempts, "no model is paid twice")
				require.Zero(t, b.open(r.ID))
				require.Equal(t, lost == inspection, len(spends) == 3, "an inspection that died is charged in full")
				return
			}
			require.Len(t, spends, 2)
			require.Equal(t, 2, r.Attempts)
			require.Equal(t, 1, b.open(r.ID), "what the other one has cost nobody knows")
			held, until := budget.Uncertain(r.Holds)
			require.Equal(t, "$0.01911", held.String(), "the most that this call and its inspection can have cost")
			b.store.pass(until.Sub(b.store.now()) - time.Second)
			require.NoError(t, b.Sweep(t.Context()))
			require.Equal(t, 1, b.open(r.ID))
			b.store.pass(2 * time.Second)
			require.NoError(t, b.Sweep(t.Context()))
			require.Zero(t, b.open(r.ID))
			require.Equal(t, held+budget.Total(spends[0].Charges)+budget.Total(spends[1].Charges), b.spent(r.ID))
		})
	}
}

func TestReplicasThatKeepDyingAreStoppedByTheBoundOnCalls(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask()
	held := r.Holds[0].Amount
	for range b.Policy.MaxAttempts {
		b.faults.kill("Write.before")
		require.ErrorIs(t, b.replica(func() error { return b.Draft(context.Background(), r.ID) }), errCrash)
	}
	require.NoError(t, b.Draft(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, "Countersign stopped in the middle of the model's answer, the last time that it could be asked, so no code was kept. What the calls may cost is on the bill. Please ask again.", reasons.Words(r.Reason))
	require.Equal(t, 1, b.open(r.ID), "all calls may still be billed, and one hold is for all of them")
	b.sweepUncertain()
	require.Zero(t, b.open(r.ID))
	require.Equal(t, held, b.spent(r.ID))
}

// Two replicas at once: both calls are paid for, one program is shown.
func TestTwoReplicasAtOneDraftShowOneProgram(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask()
	b.writer.script = []func(Brief) (Draft, error){func(brief Brief) (Draft, error) {
		require.NoError(t, b.Draft(context.Background(), r.ID), "the other replica comes and goes")
		return writes("x = 'late'\n")(brief)
	}}
	require.NoError(t, b.Draft(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, 1, r.Revision.Number)
	require.Zero(t, b.open(r.ID))
	require.Len(t, b.spends(r.ID, budget.ForDraft), 3, "two calls, one inspection")
	require.Equal(t, 1, b.count(r.ID, "drafted"))
	require.Equal(t, goodCode, r.Revision.Code)
}

func TestAnInspectionWaitsForABoxAndGivesUpInPlainWords(t *testing.T) {
	t.Parallel()
	none := func(retry bool) func(string) (Inspection, error) {
		return func(string) (Inspection, error) {
			return Inspection{Box: time.Second}, &BoxError{Err: errCrash, Words: "There is no box to be had.", Retry: retry}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.box.inspect = []func(string) (Inspection, error){none(true), none(true), none(true), none(true)}
		r := b.ask()
		require.NoError(t, b.Draft(t.Context(), r.ID))
		require.Equal(t, approval.Pending, b.request(r.ID).State)
		require.Len(t, b.box.inspected, 5)
	})
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.box.inspect = []func(string) (Inspection, error){none(true), none(true), none(true), none(true), none(true), none(true)}
		r := b.ask()
		require.NoError(t, b.Draft(t.Context(), r.ID))
		r = b.request(r.ID)
		require.Equal(t, approval.Failed, r.State)
		require.Equal(t, "There is no box to be had.", reasons.Words(r.Reason))
		require.Len(t, b.spends(r.ID, budget.ForDraft), 2, "the call and the box are paid for")
	})
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.box.inspect = []func(string) (Inspection, error){none(false)}
		r := b.ask()
		require.NoError(t, b.Draft(t.Context(), r.ID))
		require.Equal(t, approval.Failed, b.request(r.ID).State)
		require.Len(t, b.box.inspected, 1)
	})
	synctest.Test(t, func(t *testing.T) { // a box that answers never, and a draft that is paid for all the same
		b := setup(t)
		b.box.inspect = []func(string) (Inspection, error){
			func(string) (Inspection, error) { time.Sleep(119500 * time.Millisecond); return none(true)("") },
		}
		r := b.ask()
		require.NoError(t, b.Draft(t.Context(), r.ID))
		require.Equal(t, approval.Failed, b.request(r.ID).State)
		require.Zero(t, b.open(r.ID))
	})
}

func TestAReplicaThatIsToldToStopStillBooksTheCall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.askAndRead()
	ctx, stop := context.WithCancel(t.Context())
	b.writer.then = stop
	require.NoError(t, b.Steps.Draft(ctx, r.ID))
	require.NotNil(t, b.request(r.ID).Written, "what is paid for is kept")
	require.Len(t, b.spends(r.ID, budget.ForDraft), 1)
	require.NoError(t, b.Inspect(t.Context(), r.ID))
	require.Equal(t, approval.Pending, b.request(r.ID).State)
	require.Zero(t, b.open(r.ID))
}

func TestADraftThatAnotherReplicaHasFinishedIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	move := &approval.MoveError{Request: &approval.Request{State: approval.Withdrawn}, Verb: "draft"}
	require.NoError(t, b.failOrLater(t.Context(), "any", move))
	r := b.pending()
	require.NoError(t, b.fail(t.Context(), r.ID, approval.Words("too late")))
	require.Equal(t, approval.Pending, b.request(r.ID).State)
}
