package steps

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// downgraded is a question that the cheaper m2 writes, because the team is past its
// soft limit.
func (b *bundle) downgraded() *approval.Request {
	b.t.Helper()
	b.cheap()
	b.past(85, budget.LimitPolicy{Downgrade: []budget.Downgrade{{From: "m1", To: "m2"}}})
	r := b.ask()
	require.Equal(b.t, "m1", r.Downgraded.From)
	return r
}

func TestWhoDeclinesTheCheaperModelWaitsForTheOther(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		written bool // the cheaper model has been at it already
		goOn    func(b *bundle, r *approval.Request)
		want    approval.State
		model   string
	}{
		"and is not given it while the budget saves": {false, func(b *bundle, r *approval.Request) {
			_, err := b.Continue(b.t.Context(), r.ID, "", asksHimself)
			var move *approval.MoveError
			require.ErrorAs(b.t, err, &move)
			require.Equal(b.t, "m1 is still not used: the team's budget is past its soft limit.", reasons.Words(move.Why))
			require.NoError(b.t, b.tryAgain(b.t.Context(), r.ID), "nor at a sweep")
		}, approval.Drafting, ""},
		"and waits until the budget begins anew": {true, func(b *bundle, r *approval.Request) {
			c, err := b.Choices(b.t.Context(), r.ID)
			require.NoError(b.t, err)
			_, err = b.WaitForReset(b.t.Context(), r.ID, asksHimself)
			require.NoError(b.t, err)
			require.True(b.t, b.request(r.ID).Blocked.Wait)
			b.store.pass(time.Until(c.FitsFrom) + time.Hour)
			require.NoError(b.t, b.tryAgain(b.t.Context(), r.ID))
		}, approval.Pending, "m1"},
		"and is granted it": {true, func(b *bundle, r *approval.Request) {
			r, err := b.AskTopUp(b.t.Context(), r.ID, 50*budget.Cent, "the board", asksHimself)
			require.NoError(b.t, err)
			require.Equal(b.t, budget.Team, r.Money().OpenTopUp().Scope.Kind, "the budget that saves")
			_, err = b.Grant(b.t.Context(), r.Money().OpenTopUp().ID, b.store.now().Add(time.Hour), approval.Click{Team: "T1", User: "admin"})
			require.NoError(b.t, err)
		}, approval.Pending, "m1"},
		"or takes the cheaper one after all": {true, func(b *bundle, r *approval.Request) {
			_, err := b.Continue(b.t.Context(), r.ID, "m2", asksHimself)
			require.NoError(b.t, err)
		}, approval.Pending, "m2"},
		"or leaves": {true, func(b *bundle, r *approval.Request) {
			_, err := b.Withdraw(b.t.Context(), r.ID, asksHimself)
			require.NoError(b.t, err)
		}, approval.Withdrawn, ""},
	} {
		b := setup(t)
		r := b.downgraded()
		if tt.written {
			b.work()
		}
		r, err := b.Insist(t.Context(), r.ID, asksHimself)
		require.NoError(t, err, name)
		require.Equal(t, approval.Drafting, r.State, name)
		require.Equal(t, "m2", r.Blocked.Declined.To, name)
		require.Equal(t, budget.Team, r.Blocked.Tight().Limit.Scope.Kind, name)
		require.Zero(t, b.open(r.ID), name)
		c, err := b.Choices(t.Context(), r.ID)
		require.NoError(t, err, name)
		require.False(t, c.Fits, name)
		require.Equal(t, "m2", c.Models[0].Model, name)
		require.False(t, c.FitsFrom.IsZero(), name)
		require.True(t, c.CanTopUp, name)
		require.GreaterOrEqual(t, c.Missing, r.Blocked.Needed, name)
		require.Empty(t, b.store.noticesOf(approval.NoticeStop), "nothing has been used up")
		b.work()
		before := len(b.writer.briefs)

		tt.goOn(b, r)
		b.work()
		r = b.request(r.ID)
		require.Equal(t, tt.want, r.State, "%s: %s", name, r.Reason)
		if tt.model == "" {
			require.Len(t, b.writer.briefs, before, name)
			continue
		}
		require.Equal(t, tt.model, r.Model, name)
		require.Equal(t, tt.model, b.writer.briefs[before].Model, name)
		require.Nil(t, r.Downgraded, name)
		require.Equal(t, 2, r.Revision.Number, name)
	}
}

func TestWhatTheDeclinedModelWasWritingIsPaidForAndGoesNoFurther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.downgraded()
	b.writer.then = func() {
		_, err := b.Insist(t.Context(), r.ID, asksHimself)
		require.NoError(t, err)
	}
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Drafting, r.State)
	require.NotNil(t, r.Blocked)
	require.Nil(t, r.Revision)
	require.Positive(t, budget.Total(b.spends(r.ID, budget.ForDraft)[0].Charges))
	require.Zero(t, b.open(r.ID))
}

func TestWhatTheDeclinedModelWasWritingIsNotTakenForTheOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.downgraded()
	b.writer.then = func() {
		b.writer.then = nil
		b.store.pass(time.Second)
		_, err := b.Insist(t.Context(), r.ID, asksHimself)
		require.NoError(t, err)
		asked, err := b.AskTopUp(t.Context(), r.ID, 50*budget.Cent, "the board", asksHimself)
		require.NoError(t, err)
		_, err = b.Grant(t.Context(), asked.Money().OpenTopUp().ID, b.store.now().Add(time.Hour), approval.Click{Team: "T1", User: "admin"})
		require.NoError(t, err)
	}
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, "m1", r.Revision.Author)
	require.Equal(t, 1, r.Revision.Number)
	require.Len(t, b.writer.briefs, 2)
	require.Zero(t, b.open(r.ID))
}

func TestOnlyADowngradeIsDeclinedAndOnlyByItsAsker(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.downgraded()
	var not *approval.NotAllowedError
	_, err := b.Insist(t.Context(), r.ID, approval.Click{Team: "T1", User: "admin"})
	require.ErrorAs(t, err, &not)
	_, err = b.Insist(t.Context(), r.ID, approval.Click{Team: "T2", User: "asker"})
	require.ErrorIs(t, err, approval.ErrNotFound)
	_, err = b.Insist(t.Context(), "nosuch", asksHimself)
	require.ErrorIs(t, err, approval.ErrNotFound)
	_, err = b.Insist(t.Context(), r.ID, asksHimself)
	require.NoError(t, err)
	var move *approval.MoveError
	_, err = b.Insist(t.Context(), r.ID, asksHimself)
	require.ErrorAs(t, err, &move)
	require.Contains(t, reasons.Words(move.Why), "It is paused over budget")

	plain := setup(t)
	r = plain.pending()
	_, err = plain.Insist(t.Context(), r.ID, asksHimself)
	require.ErrorAs(t, err, &move)
	require.Contains(t, reasons.Words(move.Why), "The model that was asked for is writing it already.")
	r = plain.approved()
	_, err = plain.Insist(t.Context(), r.ID, asksHimself)
	require.ErrorAs(t, err, &move)
	require.Equal(t, approval.Approved, plain.request(r.ID).State)
}

func TestAChangedCodeIsNotDeclinedForEver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.MaxRounds = 0
	r := b.downgraded()
	b.work()
	_, err := b.Insist(t.Context(), r.ID, asksHimself)
	var move *approval.MoveError
	require.ErrorAs(t, err, &move)
	require.Equal(t, approval.Pending, b.request(r.ID).State)
}
