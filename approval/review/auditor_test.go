package review

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

func TestAnAuditorIsNothingElse(t *testing.T) {
	t.Parallel()
	p := approval.Policy{Reviewers: []string{"A", "R"}, Admins: []string{"A", "C"}}
	b := Book{Grants: []Grant{{Role: RoleAuditor, User: "A"}, {Role: RoleReviewer, Project: "C1", User: "A"}, {Role: RoleFallback, User: "A"}},
		Delegations: []Delegation{{From: "A", To: "X", Until: time.Now()}, {From: "R", To: "A"}, {From: "R", To: "Y"}}}
	r := b.Roster(p, "C1")
	require.Equal(t, Roster{Reviewers: []string{"R"}, Owners: []string{}, Fallback: []string{}, Admins: []string{"C"}, Auditors: []string{"A"}, Delegations: []Delegation{{From: "R", To: "Y"}}}, r)
	require.True(t, r.Sees("A"))
	require.True(t, r.Sees("C"))
	require.False(t, r.Sees("R"))
	require.Len(t, b.Delegations, 3, "the book stays what it is")
}
