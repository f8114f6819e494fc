package storage

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

// Whatever a person does leaves an event in their name. So of all kinds that there are, each one is tried.
func TestAnAuditorLeavesNoEventButLooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rows, err := b.pool.Query(t.Context(), `SELECT kind FROM event_kinds ORDER BY kind`)
	require.NoError(t, err)
	kinds, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	auditor := review.Grant{Team: "TEAM", Role: review.RoleAuditor, User: "AUDITOR", By: "ADMIN"}
	require.NoError(t, b.DB.Name(t.Context(), auditor))
	looks := []string{approval.EventLookedAt, approval.EventPacked, approval.EventRefusedClick, approval.EventDrafted, approval.EventGone, approval.EventDisownedGlass}
	for _, kind := range kinds {
		err := b.DB.audit(t.Context(), "s", approval.Event{Actor: "AUDITOR", Kind: kind})
		if slices.Contains(looks, kind) {
			require.NoError(t, err, kind)
			continue
		}
		no := new(approval.NotAllowedError)
		require.ErrorAs(t, err, &no, kind)
		require.Equal(t, approval.WhyAuditor, no.Why.Code, kind)
		require.NoError(t, b.DB.audit(t.Context(), "s", approval.Event{Actor: "SOMEBODY", Kind: kind}), kind)
	}
	no := new(approval.NotAllowedError)
	require.ErrorAs(t, b.DB.SetLimit(t.Context(), "AUDITOR", budget.Limit{Scope: budget.Scope{Team: "TEAM", Kind: budget.User, ID: "U1"}, Amount: 5, Window: budget.Month}), &no)
	require.ErrorAs(t, b.DB.Name(t.Context(), review.Grant{Team: "TEAM", Role: review.RoleReviewer, User: "U1", By: "AUDITOR"}), &no)

	// One who was removed is a person like any other.
	require.NoError(t, b.DB.Unname(t.Context(), auditor))
	require.NoError(t, b.DB.audit(t.Context(), "s", approval.Event{Actor: "AUDITOR", Kind: approval.EventRated}))
}

func TestAnAuditorHasNoOtherRole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, roles := range [][2]review.PersonRole{{review.RoleAuditor, review.RoleAdmin}, {review.RoleReviewer, review.RoleAuditor}} {
		who := "U" + string(roles[0])
		require.NoError(t, b.DB.Name(t.Context(), review.Grant{Team: "TEAM", Role: roles[0], User: who, By: "ADMIN"}))
		input := new(approval.InputError)
		require.ErrorAs(t, b.DB.Name(t.Context(), review.Grant{Team: "TEAM", Role: roles[1], User: who, By: "ADMIN"}), &input)
		require.Equal(t, approval.WhyAuditorApart, input.Why.Code)
	}
}
