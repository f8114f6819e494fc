package steps

import (
	"context"
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

// waited is a world in which the box of a request was made early. meanwhile is what happens once the run has it.
type waited struct {
	b         *bundle
	meanwhile func()
}

func (w waited) Keep(context.Context, string) error { return nil }

func (w waited) Spent(*approval.Ready, time.Time) (budget.Charge, error) { return budget.Charge{}, nil }

func (w waited) End(ctx context.Context, was *approval.Request) error {
	if err := w.b.box.Kill(ctx, was.Ready.Box); err != nil {
		return err
	}
	_, err := w.b.store.Update(ctx, was.ID, func(r *approval.Request, now time.Time) error {
		if r.Ready.Used {
			r.Money().Unused(budget.Charge{Kind: budget.Box, What: "e2b", Amount: 1}, now)
		}
		approval.Early{Request: r}.Part(r.Ready.Box)
		return nil
	})
	return err
}

func (w waited) Claim(_ context.Context, r *approval.Request, _ approval.Manifest) (string, error) {
	time.Sleep(5 * time.Second)
	w.meanwhile()
	return r.Ready.Box, nil
}

// A box that waited, and whose run does not come, is ended by two: by its runner, and by whoever keeps boxes ready. Whoever notes it first pays, and the other pays nothing.
func TestABoxThatWaitedForARunThatDoesNotComeIsPaidOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil func(b *bundle, r *approval.Request)
		state approval.State
		bills int
	}{
		"the approval ran out":                   {func(b *bundle, _ *approval.Request) { b.store.pass(2 * time.Hour) }, approval.Expired, 1},
		"it was taken back, and nobody has come": {takesBack, approval.Withdrawn, 1},
		"it was taken back, and its box is paid": {func(b *bundle, r *approval.Request) {
			takesBack(b, r)
			_, err := b.store.Update(b.t.Context(), r.ID, func(r *approval.Request, _ time.Time) error {
				require.True(b.t, approval.Early{Request: r}.Dropped())
				approval.Early{Request: r}.Part(r.Ready.Box)
				return nil
			})
			require.NoError(b.t, err)
		}, approval.Withdrawn, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := setup(t)
			r := b.pending()
			b.Early = waited{b, func() { tt.spoil(b, r) }}
			box, err := b.box.Create(t.Context(), r.ID, r.Revision.Manifest)
			require.NoError(t, err)
			_, err = b.store.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
				require.NoError(t, approval.Early{Request: r}.Order(budget.Cent, 10*time.Minute, now))
				return approval.Early{Request: r}.Name(box, now)
			})
			require.NoError(t, err)
			_, err = b.Decide(t.Context(), ruling(b.request(r.ID), "R1", approval.Approve))
			require.NoError(t, err)
			require.True(t, b.request(r.ID).Ready.Used, name)
			require.NoError(t, b.Run(t.Context(), r.ID), name)
			now := b.request(r.ID)
			require.Equal(t, tt.state, now.State, name)
			require.False(t, approval.Early{Request: now}.Dropped(), "%s: nobody has to pay it any more", name)
			paid := 0
			for _, s := range b.spends(r.ID, budget.ForRun) {
				if budget.Total(s.Charges) > 0 {
					paid++
				}
			}
			require.Equal(t, tt.bills, paid, name)
			require.Zero(t, b.box.living(), name)
		})
	}
}

// takesBack is what an asker does who has changed their mind.
func takesBack(b *bundle, r *approval.Request) {
	_, err := b.Withdraw(b.t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
	require.NoError(b.t, err)
}
