package steps

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

func TestAnEditThatNothingCanInspectIsPutBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	_, err := b.Edit(t.Context(), ruling(r, "R1", ""), "print(2)\n")
	require.NoError(t, err)
	box := b.stand.Sandbox
	b.stand.Sandbox = NoSandbox{Why: "This machine cannot."}
	require.NoError(t, b.Draft(t.Context(), r.ID))
	require.Equal(t, approval.Pending, b.request(r.ID).State)
	var in *approval.InputError
	_, err = b.Edit(t.Context(), ruling(r, "R1", ""), "print(3)\n")
	require.ErrorAs(t, err, &in)
	b.stand.Sandbox = box

	b.Prices.Boxes[0].Kind = "another"
	_, err = b.Edit(t.Context(), ruling(r, "R2", ""), "print(3)\n")
	var unknown *budget.UnknownPriceError
	require.ErrorAs(t, err, &unknown)
}

// An edit that is put back gives the approval back that was there: until then nobody is told that
// it has ended, and then whoever gave it can withdraw it.
func TestAnApprovalOutlivesAnEditThatIsPutBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Quorum = 2
	r := b.pending()
	r, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, approval.Pending, r.State)
	require.Empty(t, b.work())
	_, err = b.Edit(t.Context(), ruling(r, "R2", ""), "print(2)\n")
	require.NoError(t, err)
	var move *approval.MoveError
	_, err = b.Disown(t.Context(), r.ID, 1, by("R1"))
	require.ErrorAs(t, err, &move)
	require.Equal(t, "Nothing runs on that approval now: the code is being changed. If the change is refused, you can withdraw it then.", reasons.Words(move.Why))
	require.Zero(t, b.count(r.ID, "disowned too late"))

	b.store.mu.Lock()
	b.store.jobs = nil // what the edit itself has queued
	b.store.mu.Unlock()
	b.stand.Sandbox = NoSandbox{Why: "This machine cannot."}
	require.NoError(t, b.Draft(t.Context(), r.ID))
	require.Equal(t, 1, b.request(r.ID).Approvals())
	b.store.mu.Lock()
	queued := slices.Contains(b.store.jobs, Wake{Step: approval.StepTell, RequestID: "approved " + r.ID + " 1 R1"})
	b.store.mu.Unlock()
	require.True(t, queued, "what asks whether it was them is drawn anew")
	r, err = b.Disown(t.Context(), r.ID, 1, by("R1"))
	require.NoError(t, err)
	require.Zero(t, r.Approvals())
}

// Wherever a replica dies while it inspects an edit, the next one goes on.
func TestAnEditSurvivesTheDeathOfItsReplicaAnywhere(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"Request.before", "Update.before", "commit called.before", "commit called.after",
		"Inspect.before", "Inspect.after", "commit drafted.before", "commit drafted.after"} {
		b := setup(t)
		r := b.pending()
		_, err := b.Edit(t.Context(), ruling(r, "R1", ""), "print(2)\n")
		require.NoError(t, err)
		b.faults.kill(point)
		require.ErrorIs(t, b.replica(func() error { return b.Draft(context.Background(), r.ID) }), errCrash, point)
		require.True(t, b.faults.struck(), point)
		require.Empty(t, b.work(), point)
		r = b.request(r.ID)
		require.Equal(t, approval.Pending, r.State, point)
		require.Equal(t, 2, r.Revision.Number, point)
		require.Equal(t, "R1", r.Revision.Author, point)
		require.Zero(t, b.open(r.ID), point)
	}
}

func TestReplicasThatKeepDyingOverAnEditPutItBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	_, err := b.Edit(t.Context(), ruling(r, "R1", ""), "print(2)\n")
	require.NoError(t, err)
	for range b.Policy.MaxAttempts {
		b.faults.kill("Inspect.before")
		require.ErrorIs(t, b.replica(func() error { return b.Draft(context.Background(), r.ID) }), errCrash)
	}
	require.NoError(t, b.Draft(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, 1, r.Revision.Number)
}
