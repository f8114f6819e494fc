package review

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

// Whom the thread names and whom a reminder reaches are those who could approve: nobody is
// called who decides in the place of somebody who could not.
func TestASubstituteOfWhoCannotDecideIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	p := approval.Policy{Reviewers: []string{"R1", "R2"}}
	b := Book{Delegations: []Delegation{{From: "R2", To: "S", Until: time.Now().Add(time.Hour)}}}
	r := func(change func(*approval.Request)) *approval.Request {
		rev := approval.Revision{Number: 1, Author: "a model", Manifest: approval.Manifest{Tier: approval.Medium}}
		r := &approval.Request{State: approval.Pending, Asker: "A", Revision: &rev}
		change(r)
		return r
	}
	for name, c := range map[string]struct {
		request *approval.Request
		waited  []string
	}{
		"somebody else's": {r(func(*approval.Request) {}), []string{"R1", "R2", "S"}},
		"asked":           {r(func(r *approval.Request) { r.Asker = "R2" }), []string{"R1"}},
		"wrote":           {r(func(r *approval.Request) { r.Revision.Author = "R2" }), []string{"R1"}},
		"wanted it":       {r(func(r *approval.Request) { r.Wishes = []approval.Wish{{By: "R2"}} }), []string{"R1"}},
		"decided": {r(func(r *approval.Request) {
			r.Decisions = []approval.Decision{{Revision: 1, Reviewer: "R2", Verdict: approval.Approve}}
		}), []string{"R1"}},
		"was spoken for": {r(func(r *approval.Request) {
			r.Decisions = []approval.Decision{{Revision: 1, Reviewer: "S", InPlaceOf: "R2", Verdict: approval.Approve}}
		}), []string{"R1"}},
	} {
		all, _ := b.Deciders(c.request, p)
		require.Equal(t, c.waited, all, name)
	}
}
