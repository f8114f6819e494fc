package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/habits"
	"countersign/approval/review"
	"countersign/budget"
)

func TestACaseKnowsWhoHasOpenedTheCodeAndHowManyTheyApproved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "one")
	c, err := b.Case(t.Context(), r.ID)
	require.NoError(t, err)
	require.Empty(t, c.Pace)
	first := odd().Add(-time.Hour)
	open := func(who string, revision int, at time.Time) {
		require.NoError(t, b.Audit(t.Context(), r.ID, approval.Event{At: at, Actor: who, Kind: approval.OpenedReview, Data: map[string]any{"revision": revision}}))
	}
	open("REVA", 1, first)
	open("REVA", 1, first.Add(time.Minute))
	open("REVB", 2, first)
	b.approved(t, "another")
	c, err = b.Case(t.Context(), r.ID)
	require.NoError(t, err)
	require.Len(t, c.Pace.Opened, 1)
	require.Empty(t, c.Pace.Lately, "nothing bounds how many of low risk somebody approves")
	rules := review.DefaultRules(b.policy)
	rules.Low.Hourly = 5
	_, err = b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: rules, SetBy: "ADMIN"})
	require.NoError(t, err)
	c, err = b.Case(t.Context(), r.ID)
	require.NoError(t, err)
	require.WithinDuration(t, first, c.Pace.Opened["REVA"], 0)
	require.Len(t, c.Pace.Lately["REVA"], 1)
	require.Empty(t, c.Pace.Lately["REVB"])
}

// The schema says what the use case would have said, had it seen what the schema sees.
func TestNobodyApprovesWhatTheyHaveNotOpened(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, other := b.pending(t, "one"), b.pending(t, "two")
	rules := review.DefaultRules(b.policy)
	rules.Low.LineSeconds, rules.Low.Hourly = 60, 1
	_, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: rules, SetBy: "ADMIN"})
	require.NoError(t, err)
	approve := func(r *approval.Request) error {
		_, err := b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
			return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
		})
		return err
	}
	var input *approval.InputError
	require.ErrorAs(t, approve(r), &input)
	require.Equal(t, approval.WhyNotOpened, input.Why.Code)
	open := func(r *approval.Request, ago time.Duration) {
		require.NoError(t, b.Audit(t.Context(), r.ID, approval.Event{At: odd().Add(-ago), Actor: "REVA", Kind: approval.OpenedReview, Data: map[string]any{"revision": 1}}))
	}
	open(r, 2*time.Minute)
	require.NoError(t, approve(r))
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)

	open(other, 2*time.Minute)
	var no *approval.NotAllowedError
	require.ErrorAs(t, approve(other), &no)
	require.Equal(t, approval.WhyManyApprovals, no.Why.Code)

	given, err := HabitsOf(b.DB).Given(t.Context(), team, odd().Add(-time.Hour), odd().Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, given, 1)
	require.Equal(t, habits.Given{RequestID: r.ID, Asker: asker, Reviewer: "REVA", Lines: 1, Took: given[0].Took, At: given[0].At}, given[0])
}
