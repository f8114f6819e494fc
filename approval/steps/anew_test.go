package steps

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// The store runs a closure anew where somebody else has written meanwhile, or where a
// transaction was cut. memStore.Update runs each one twice.

func TestACallOfUnknownCostStaysHeldWhenItsBookingRunsAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.script = []func(Brief) (Draft, error){breaks(&WriterError{Err: errCrash, Words: "No answer.", Billed: true})}
	r := b.ask()
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Len(t, r.Holds, 1)
	held, _ := budget.Uncertain(r.Holds)
	require.Equal(t, r.Holds[0].Amount, held)
	require.Equal(t, 1, b.count(r.ID, approval.EventUncertain))
	require.Zero(t, b.spent(r.ID))
}

func TestACallIsNotMadeAgainWhenItsAskerHasTakenTheQuestionBackWhileItWasBooked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask()
	b.writer.script = []func(Brief) (Draft, error){unknown}
	b.writer.then = func() {
		b.store.meanwhile = func(r *approval.Request, now time.Time) error { return r.Withdraw("asker", now) }
	}
	require.NoError(t, b.Draft(t.Context(), r.ID), "it is not tried again later")
	r = b.request(r.ID)
	require.Equal(t, approval.Withdrawn, r.State)
	held, _ := budget.Uncertain(r.Holds)
	require.NotZero(t, held)
	require.Zero(t, b.spent(r.ID))
}

func TestNoBoxIsMadeReadyForWhatIsTakenBackWhileItsInspectionIsBooked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.askAndRead()
	require.NoError(t, b.Steps.Draft(t.Context(), r.ID))
	b.box.inspect = []func(string) (Inspection, error){func(string) (Inspection, error) {
		b.store.meanwhile = func(r *approval.Request, now time.Time) error { return r.Withdraw("asker", now) }
		return Inspection{Box: time.Second}, nil
	}}
	require.NoError(t, b.Inspect(t.Context(), r.ID))
	require.Equal(t, approval.Withdrawn, b.request(r.ID).State)
	require.Empty(t, b.box.prepared)
}
