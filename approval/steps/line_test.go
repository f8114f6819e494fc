package steps

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// While the sandbox is being started nothing is refused: it waits, and says so.
func TestAQuestionThatIsAskedWhileTheSandboxStartsIsAnsweredLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.notReady = &BoxError{Err: errors.New("not yet"), Retry: true, Words: "It starts."}
	r := b.ask()
	for range 3 {
		later := new(LaterError)
		require.ErrorAs(t, b.Draft(t.Context(), r.ID), &later)
	}
	r = b.request(r.ID)
	require.Equal(t, approval.Drafting, r.State)
	require.Equal(t, approval.Starting, r.Place, "people see what it waits for")
	require.Empty(t, b.writer.briefs, "no model was paid for a program that could not be inspected")
	require.Zero(t, r.Attempts)
	b.box.notReady = nil
	require.NoError(t, b.Draft(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, approval.NotInLine, r.Place)

	// The same for what has been approved before a restart.
	b.box.notReady = &BoxError{Err: errors.New("not yet"), Retry: true, Words: "It starts."}
	r, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	later := new(LaterError)
	require.ErrorAs(t, b.Run(t.Context(), r.ID), &later)
	require.Equal(t, approval.Starting, b.request(r.ID).Place)
	b.box.notReady = nil
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.Equal(t, approval.Done, b.request(r.ID).State)
}

func TestWhereARequestStandsInTheLineIsNotedWhileItWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var seen []int
	var id string
	r := b.askAndRead()
	id = r.ID
	b.box.line = []int{3}
	b.box.waited = func() { seen = append(seen, b.request(id).Place) }
	require.NoError(t, b.Draft(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, approval.NotInLine, r.Place, "it waits for people now")
	r, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	b.box.line = []int{2, 2, 1}
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.Equal(t, []int{3, 2}, seen, "not every step is told: Slack takes so many words only")
	require.Equal(t, approval.Done, b.request(r.ID).State)
}

// A box that is on its way is waited for, and is no box that cannot be had.
func TestABoxThatIsKeptIsAskedForAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	r, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	b.box.kept = 2
	for range 2 {
		later := new(LaterError)
		require.ErrorAs(t, b.Run(t.Context(), r.ID), &later)
		require.Empty(t, b.request(r.ID).Reason)
	}
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.Equal(t, approval.Done, b.request(r.ID).State)
}

// What is held for an inspection that waits in the line for hours is not taken for forgotten.
func TestTheHoldOfADraftThatStandsInLineIsNotStale(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.askAndRead()
	id := r.ID
	b.box.line = []int{3}
	b.box.waited = func() {
		b.store.pass(2 * approval.DraftHoldLife)
		_, err := b.store.Update(t.Context(), id, func(r *approval.Request, now time.Time) error { return r.Money().SettleStale(now) })
		require.NoError(t, err)
		require.Len(t, b.request(id).Holds, 1)
	}
	require.NoError(t, b.Draft(t.Context(), r.ID))
	require.Empty(t, b.request(r.ID).Holds)
	require.False(t, b.spends(r.ID, budget.ForDraft)[0].Estimated, "it was settled by what it has used")
}

// A replica that dies while its inspection stands in line leaves the place behind. Whatever
// the request waits for next is no line: its hold is seen to.
func TestWhatWaitsForSomethingElseStandsInNoLine(t *testing.T) {
	t.Parallel()
	refused := &budget.ExceededError{}
	for name, leave := range map[string]func(r *approval.Request, now time.Time) error{
		"what is away": func(r *approval.Request, now time.Time) error {
			return r.GoAway(approval.Cause{Code: approval.NotIn}, now)
		},
		"money": func(r *approval.Request, now time.Time) error {
			return r.Money().Block(budget.ForDraft, refused, approval.System, approval.DefaultPolicy(), now)
		},
		"the model": func(r *approval.Request, now time.Time) error { return r.Refuse(approval.Refusal{Reason: "no"}, now) },
	} {
		b := setup(t)
		r := b.askAndRead()
		b.box.line = []int{3}
		b.box.waited = func() { panic(errCrash) }
		require.ErrorIs(t, b.replica(func() error { return b.Draft(t.Context(), r.ID) }), errCrash, name)
		r = b.request(r.ID)
		require.Equal(t, 3, r.Place, name)
		require.True(t, r.Holds[0].Called, name)
		r, err := b.store.Update(t.Context(), r.ID, leave)
		require.NoError(t, err, name)
		require.Equal(t, approval.NotInLine, r.Place, name)
		b.store.pass(2 * approval.DraftHoldLife)
		_, err = b.store.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error { return r.Money().SettleStale(now) })
		require.NoError(t, err, name)
		require.True(t, uncertain(b.request(r.ID)), "%s: the call is uncertain, not forgotten", name)
	}
}

func TestOnlyWhoWaitsForABoxStandsInLine(t *testing.T) {
	t.Parallel()
	for _, state := range approval.States() {
		err := (&approval.Request{State: state}).StandInLine(1, time.Now())
		require.Equal(t, state == approval.Drafting || state == approval.Approved, err == nil, state)
	}
	TellPlace(t.Context(), 1) // nobody wants to know
}
