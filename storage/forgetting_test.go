package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
)

// What an open request rests on is not forgotten under it, and nothing is while everybody is on hold.
func TestNoReadingIsForgottenThatAnOpenRequestNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	keep := KeepingOf(b.DB)
	rules := review.DefaultRules(b.policy)
	rules.Privacy = &review.Privacy{Keep: review.Keep{Readings: 30}}
	_, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: rules, SetBy: "ADMIN"})
	require.NoError(t, err)
	r, other := b.ask(t, "1"), b.ask(t, "2")
	named := approval.Content{Team: r.Team, Project: r.Project, SHA256: approval.Hash([]byte("named")), Desk: "desk 1", Template: "t"}
	loose := named
	loose.SHA256 = approval.Hash([]byte("loose"))
	read := table("a")
	for _, c := range []approval.Content{named, loose} {
		require.NoError(t, b.KeepReading(t.Context(), c, read))
	}
	names := func(r *approval.Request, sum, as string) {
		b.update(t, r.ID, func(r *approval.Request, _ time.Time) error {
			r.Files[0].SHA256, r.Files[0].ReadAs = sum, as
			return nil
		})
	}
	names(r, named.SHA256, read.Reading.SHA256())
	names(other, loose.SHA256, approval.Hash([]byte("another reading")))
	left := func() (list []bool) {
		t.Helper()
		_, err := keep.ForgetDue(t.Context())
		require.NoError(t, err)
		for _, c := range []approval.Content{named, loose} {
			kept, err := b.Reading(t.Context(), c)
			require.NoError(t, err)
			list = append(list, kept.Answer != nil)
		}
		return list
	}
	require.Equal(t, []bool{true, true}, left(), "they were just made")
	require.NoError(t, b.exec(t, `UPDATE readings SET at = at - interval '31 days'`))
	require.NoError(t, keep.HoldLegally(t.Context(), team, "", "ADMIN", true))
	require.Equal(t, []bool{true, true}, left(), "everybody is on hold")
	require.NoError(t, keep.HoldLegally(t.Context(), team, "", "ADMIN", false))
	require.Equal(t, []bool{true, false}, left())
	stored, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.NotNil(t, stored.Files[0].Reading)
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(r.Asker, now) })
	there, err := b.UseReading(t.Context(), named)
	require.NoError(t, err)
	require.True(t, there)
	require.Equal(t, []bool{true, false}, left(), "it was used again")
	require.NoError(t, b.exec(t, `UPDATE readings SET at = at - interval '31 days'`))
	require.Equal(t, []bool{false, false}, left())
	there, err = b.UseReading(t.Context(), named)
	require.NoError(t, err)
	require.False(t, there)
}
