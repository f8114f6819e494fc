package steps

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// A provider bills a box from the moment it was asked for, whether or not anything
// is ever started in it. So do we.
func TestABoxInWhichNothingStartedIsPaidForFromTheMomentItWasAskedFor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil func(b *bundle, r *approval.Request) // while the box is made, which takes five seconds
		want  approval.State
		paid  int64 // milliseconds of a box
	}{
		"the files cannot be put into it": {func(b *bundle, _ *approval.Request) {
			b.faults.fail("Start.before", &BoxError{Err: errCrash, Words: "The inputs do not fit."})
		}, approval.Failed, 5000},
		"the approval ran out meanwhile": {func(b *bundle, _ *approval.Request) { b.store.pass(2 * time.Hour) }, approval.Expired, 5000},
		"the asker took it back meanwhile": {func(b *bundle, r *approval.Request) {
			_, err := b.Withdraw(b.t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
			require.NoError(b.t, err)
		}, approval.Withdrawn, 5000},
		"the seal broke meanwhile": {func(b *bundle, r *approval.Request) {
			b.store.mu.Lock()
			defer b.store.mu.Unlock()
			b.store.requests[r.ID].Revision.Manifest.Limits.Seconds++
		}, approval.Pending, 5000},
		"the box was not fit for use": {func(b *bundle, _ *approval.Request) {
			b.faults.fail("Create.after", &BoxError{Err: errCrash, Words: "It was open to the world.", Box: 3 * time.Second})
		}, approval.Failed, 3000},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := setup(t)
			r := b.approved()
			cap := b.request(r.ID).Holds[0].Amount
			b.box.making = func() {
				time.Sleep(5 * time.Second)
				tt.spoil(b, r)
			}
			require.NoError(t, b.Run(t.Context(), r.ID), name)
			require.Equal(t, tt.want, b.request(r.ID).State, name)
			require.Zero(t, b.box.starts(), name)
			require.Zero(t, b.open(r.ID), name)
			var charges []budget.Charge
			for _, s := range b.spends(r.ID, budget.ForRun) {
				require.False(t, s.Estimated, name)
				charges = append(charges, s.Charges...)
			}
			require.Len(t, charges, 1, name)
			require.Equal(t, tt.paid, charges[0].BoxMS, name)
			require.Positive(t, charges[0].Amount, name)
			require.LessOrEqual(t, charges[0].Amount, cap, name)
		})
	}
}

// What was agreed to is for one box: a second one is on us.
func TestABoxBesideTheOneThatRanCostsNobodyAnything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		stale := b.request(b.approved().ID)
		require.Empty(t, b.work())
		b.box.making = func() { time.Sleep(time.Second) }
		_, _, err := b.start(t.Context(), stale)
		require.NoError(t, err)
		require.Zero(t, b.box.living())
		require.Len(t, b.spends(stale.ID, budget.ForRun), 1)
	})
}

// A box for a request that was taken back costs no more than its run could have.
func TestABoxThatWasTakenBackCostsNoMoreThanTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		r := b.approved()
		b.box.making = func() {
			_, err := b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
			require.NoError(t, err)
			time.Sleep(24 * time.Hour)
		}
		require.NoError(t, b.Run(t.Context(), r.ID))
		spends := b.spends(r.ID, budget.ForRun)
		require.Equal(t, r.Revision.Manifest.CostCap, budget.Total(spends[len(spends)-1].Charges))
	})
}

// Even so it never costs more than was held for it, and what no budget bears is ours.
func TestAnUnusedBoxCostsNoMoreThanWasHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		r := b.approved()
		hold := b.request(r.ID).Holds[0].Amount
		b.box.making = func() {
			time.Sleep(24 * time.Hour)
			b.faults.fail("Start.before", &BoxError{Err: errCrash, Words: "The inputs do not fit."})
		}
		b.store.pass(-24 * time.Hour) // by the database's clock the approval holds
		require.NoError(t, b.Run(t.Context(), r.ID))
		require.Equal(t, approval.Failed, b.request(r.ID).State)
		require.Equal(t, hold, budget.Total(b.spends(r.ID, budget.ForRun)[0].Charges))
		require.Len(t, b.store.noticesOf(approval.NoticeOverrun), 1)
	})
}
