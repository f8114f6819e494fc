package steps

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

func TestNothingStartsInAFreeze(t *testing.T) {
	t.Parallel()
	b := setup(t)
	today := time.Now().UTC()
	day := today.AddDate(0, 0, 1).Format(time.DateOnly)
	ends := time.Date(today.Year(), today.Month(), today.Day()+2, 0, 0, 0, 0, time.UTC)
	r := b.approved() // before anybody thought of a freeze
	b.rules("", func(r *review.Rules) { r.Freezes = []string{today.Format(time.DateOnly) + " to " + day} })
	require.NoError(t, b.Run(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, approval.Approved, r.State)
	require.True(t, r.ExpiresAt.Equal(ends.Add(b.Policy.RunExpiry)), "%s", r.ExpiresAt)
	require.Equal(t, 1, b.count(r.ID, "frozen"))
	require.Equal(t, 1, b.open(r.ID), "one hold, which lasts until then")
	require.True(t, r.Holds[0].ExpiresAt.After(r.ExpiresAt))
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.Equal(t, 1, b.count(r.ID, "frozen"), "said once")
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.True(t, v.Frozen.Equal(ends))
	require.Contains(t, v.FrozenBy, day)

	second := b.pending()
	second, err = b.Decide(t.Context(), ruling(second, "R1", approval.Approve))
	require.NoError(t, err, "people can decide all the same")
	require.True(t, second.ExpiresAt.Equal(ends.Add(b.Policy.RunExpiry)))
	require.Equal(t, 1, b.count(second.ID, "frozen"))
	require.Empty(t, b.work())
	require.Zero(t, b.box.starts())

	b.store.pass(time.Until(ends) + time.Minute)
	require.NoError(t, b.Sweep(t.Context()))
	require.Empty(t, b.work())
	for _, id := range []string{r.ID, second.ID} {
		require.Equal(t, approval.Done, b.request(id).State, b.request(id).Reason)
		require.Len(t, b.spends(id, budget.ForRun)[len(b.spends(id, budget.ForRun))-1].Charges, 1)
		require.Zero(t, b.open(id))
	}
	require.Equal(t, 2, b.box.starts())
}

// A channel's own rules are no way around what the workspace has frozen.
func TestAFreezeOfTheWorkspaceHoldsInEveryChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	today := time.Now().UTC()
	day := func(n int) string { return today.AddDate(0, 0, n).Format(time.DateOnly) }
	b.rules("", func(r *review.Rules) { r.Freezes = []string{day(0) + " to " + day(1)} })
	b.rules("C1", func(r *review.Rules) { r.Freezes = []string{day(2)} })
	r := b.approved()
	require.Empty(t, b.work())
	require.Equal(t, approval.Approved, b.request(r.ID).State)
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	ends := time.Date(today.Year(), today.Month(), today.Day()+3, 0, 0, 0, 0, time.UTC)
	require.True(t, v.Frozen.Equal(ends), "one after the other: %s", v.Frozen)
	require.True(t, v.Request.ExpiresAt.Equal(ends.Add(b.Policy.RunExpiry)))
	own, err := b.RulesOf(t.Context(), "T1", "C1")
	require.NoError(t, err)
	require.Equal(t, []string{day(2)}, own.Rules.Freezes, "the form shows what is the channel's own")
}
