package steps

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// What cannot be had any more is not what was sealed either. The same inputs stay
// sealed: a file that is shared again is still what was approved.
func TestInputsThatCannotBeHadAnyMoreGoBackToReview(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil  func(*bundle)
		reason string
	}{
		"too large":          {func(b *bundle) { b.slack.put("F1", strings.Repeat("x", 20<<20+1)) }, "sales.csv is larger than 20.0 MB."},
		"too large together": {func(b *bundle) { b.Policy.MaxInputBytes = 7 }, "These files have 0.0 MB together"},
		"unreadable": {func(b *bundle) {
			b.slack.put("F1", "other")
			b.box.reads = append(b.box.reads, unreadable("binary"))
		}, "sales.csv is not read. This is not a text table"},
	} {
		for _, named := range []bool{false, true} {
			b := setup(t)
			was := b.approved()
			if named {
				b.boxNamed(was)
			}
			tt.spoil(b)
			require.Empty(t, b.work(), name)
			r := b.request(was.ID)
			require.Equal(t, approval.Pending, r.State, "%s: %s", name, r.Reason)
			require.Equal(t, 2, r.Revision.Number, name)
			require.Empty(t, r.Decisions, name)
			require.Equal(t, was.Revision.Manifest.Inputs, r.Revision.Manifest.Inputs, name)
			require.Contains(t, reasons.Words(r.Reason), "The inputs have changed: "+tt.reason, name)
			require.Equal(t, 1, b.count(r.ID, "seal broken"), name)
			require.Contains(t, b.box.discarded, r.ID, name)
			require.Zero(t, b.box.starts(), name)
			require.Zero(t, b.box.living(), name)
			require.Zero(t, b.open(r.ID), name)
			require.Equal(t, !named && name == "too large together", b.spends(r.ID, budget.ForRun)[0].Charges == nil, name)

			b.Policy.MaxInputBytes = approval.DefaultPolicy().MaxInputBytes
			b.slack.put("F1", "a,b\n1,2\n")
			_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
			require.NoError(t, err, name)
			require.Empty(t, b.work(), name)
			require.Equal(t, approval.Done, b.request(r.ID).State, name)
			require.Equal(t, 1, b.box.starts(), name)
		}
	}
}

// boxNamed has a replica die between naming the box and starting the code.
func (b *bundle) boxNamed(r *approval.Request) {
	b.t.Helper()
	b.faults.kill("commit started.after")
	require.ErrorIs(b.t, b.replica(func() error { return b.Run(context.Background(), r.ID) }), errCrash)
	require.Equal(b.t, approval.Running, b.request(r.ID).State)
}

// What changes between naming the box and starting the code in it goes back to
// review like everything else, once the box is no more. What is approved then runs,
// in another box, once.
func TestWhatChangesBetweenNamingAndStartGoesBackToReview(t *testing.T) {
	t.Parallel()
	for what, tt := range map[string]struct {
		spoil func(*bundle, *approval.Request)
		why   string
	}{
		"an input's content": {func(b *bundle, _ *approval.Request) { b.slack.put("F1", "a,b\n1,3\n") }, "The inputs have changed: sales.csv is not what it was: its content has changed."},
		"the code":           {func(_ *bundle, r *approval.Request) { r.Revision.Code += "#\n" }, "The stored code is not the code that was approved."},
		"the limits":         {func(_ *bundle, r *approval.Request) { r.Revision.Manifest.Limits.Seconds++ }, "The stored terms"},
		"what is installed":  {func(b *bundle, _ *approval.Request) { b.box.upgrade = ", runner 2" }, "It would run in another sandbox"},
		"who approved it":    {func(b *bundle, _ *approval.Request) { b.slack.people["R1"] = review.Person{Gone: true} }, "{no_member R1 }"},
	} {
		b := setup(t)
		was := b.approved()
		b.boxNamed(was)
		b.faults.fail("Fetch.before", errCrash)
		b.faults.fail("Person.before", errCrash)
		require.Error(t, b.Run(t.Context(), was.ID), "%s: Slack is away: later", what)
		require.Equal(t, approval.Running, b.request(was.ID).State, what)
		b.faults.errs = nil
		tt.spoil(b, b.store.requests[was.ID])
		b.faults.fail("Kill.before", errCrash)
		require.ErrorIs(t, b.Run(t.Context(), was.ID), errCrash, "%s: while the box lives, the run is not over", what)
		require.Equal(t, approval.Running, b.request(was.ID).State, what)
		require.NoError(t, b.Run(t.Context(), was.ID), what)

		r := b.request(was.ID)
		require.Equal(t, approval.Pending, r.State, what)
		require.Contains(t, fmt.Sprint(reasons.Words(r.Reason), r.Reason.Fallen), tt.why, what)
		require.Contains(t, reasons.Words(r.Reason), "nothing has run. It needs a new decision.", what)
		require.Nil(t, r.Run, what)
		require.Empty(t, r.Decisions, what)
		require.Equal(t, 1, b.count(r.ID, "seal broken"), what)
		require.Equal(t, 1, b.count(r.ID, "unstarted"), what)
		require.Zero(t, b.box.starts(), what)
		require.Zero(t, b.box.living(), what)
		require.Zero(t, b.open(r.ID), what)
		require.Len(t, b.spends(r.ID, budget.ForRun), 1, "%s: the box is paid for", what)

		_, err := b.Decide(t.Context(), ruling(r, "R2", approval.Approve))
		require.NoError(t, err, what)
		require.Empty(t, b.work(), what)
		r = b.request(r.ID)
		require.Equal(t, approval.Done, r.State, "%s: %s", what, r.Reason)
		require.Equal(t, "box-2", r.Run.BoxID, what)
		require.Equal(t, 1, b.box.starts(), what)
		require.Len(t, b.spends(r.ID, budget.ForRun), 2, what)
		require.Zero(t, b.open(r.ID), what)
	}
}

// A replica that was asleep wakes up when its run has been taken back and another
// one has been approved: it says nothing about that one.
func TestWhoComesLateFromATakenBackRunLeavesTheNextOneAlone(t *testing.T) {
	t.Parallel()
	for what, late := range map[string]func(*bundle, *approval.Request) error{
		"its box is gone": func(b *bundle, was *approval.Request) error {
			return b.uncollected(b.t.Context(), was, opening{}, ErrBoxGone)
		},
		"it never started": func(b *bundle, was *approval.Request) error {
			return b.uncollected(b.t.Context(), was, opening{}, &neverError{why: approval.Words("no"), err: errCrash})
		},
		"its seal is broken": func(b *bundle, was *approval.Request) error {
			return b.uncollected(b.t.Context(), was, opening{}, &neverError{err: &approval.BrokenSealError{Why: []approval.Reason{approval.Words("x")}}})
		},
		"it has begun after all": func(b *bundle, was *approval.Request) error { return b.begun(b.t.Context(), was.ID, was.Run.BoxID) },
	} {
		b := setup(t)
		was := b.approved()
		b.boxNamed(was)
		was = b.request(was.ID)
		b.box.upgrade = ", runner 2"
		require.NoError(t, b.Run(t.Context(), was.ID))
		_, err := b.Decide(t.Context(), ruling(b.request(was.ID), "R1", approval.Approve))
		require.NoError(t, err)
		b.boxNamed(was)
		next := b.request(was.ID)
		_ = late(b, was)
		require.Equal(t, next, b.request(was.ID), what)
		require.Equal(t, what == "it has begun after all", b.count(was.ID, "begun too late") == 1, what)
		require.Empty(t, b.work())
		require.Equal(t, approval.Done, b.request(was.ID).State, what)
		require.Equal(t, 1, b.box.starts(), what)
	}
}
