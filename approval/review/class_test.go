package review

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// Whichever channel a file is asked about in, the same holds: nothing of it is laxer than anywhere.
func TestOfRulesThatAFileBringsAlongTheStricterHolds(t *testing.T) {
	t.Parallel()
	plain := RuleSet{Project: "C1", Version: 1, Rules: DefaultRules(approval.Policy{})}
	lax, strict := plain, plain
	lax.Rules.Class, lax.Rules.Shows, lax.Rules.Hosts = Public, approval.Samples, []string{"a.example", "b.example"}
	lax.Rules.CostHigh = 5 * budget.Dollar
	lax.Rules.Models = &Models{Allowed: []string{"small", "large"}, Default: "large", Fallback: "large", StepsIn: []string{"GPT", "Claude"}}
	strict.Project, strict.Version = "C2", 7
	strict.Rules.Class, strict.Rules.Shows, strict.Rules.Hosts = Confidential, approval.Statistics, []string{"b.example"}
	strict.Rules.CostMedium, strict.Rules.CostHigh = budget.Dollar, 9*budget.Dollar
	strict.Rules.Medium = TierRules{Approvals: 2, Owners: true}
	strict.Rules.Models = &Models{Allowed: []string{"small", "other"}, StepsIn: []string{"GPT"}}

	both := lax.Joined([]RuleSet{strict}).Rules
	require.Equal(t, []string{"C2/7"}, lax.Joined([]RuleSet{strict}).Brought)
	require.Equal(t, Confidential, both.Class)
	require.Equal(t, approval.Statistics, both.Shows)
	require.Equal(t, []string{"b.example"}, both.Hosts)
	require.Equal(t, []budget.USD{budget.Dollar, 5 * budget.Dollar}, []budget.USD{both.CostMedium, both.CostHigh})
	require.Equal(t, TierRules{Approvals: 2, Owners: true}, both.Medium)
	require.Equal(t, &Models{Allowed: []string{"small"}, StepsIn: []string{"GPT"}}, both.Models, "neither the default nor the fallback is allowed there")
	require.Equal(t, plain.Rules.Low, both.Low)

	loose := plain
	loose.Rules.Hosts, loose.Rules.Shows, loose.Rules.Models = strict.Rules.Hosts, approval.Samples, &Models{StepsIn: []string{"GPT", "Claude"}}
	require.Empty(t, strict.Joined([]RuleSet{loose}).Brought, "a laxer channel brings nothing along")
	require.Equal(t, strict.Rules, strict.Joined([]RuleSet{loose}).Rules)
	require.Equal(t, []string{"C1/1"}, strict.Joined([]RuleSet{plain}).Brought, "one that lets code reach no host does")
	require.Equal(t, plain, plain.Joined([]RuleSet{plain, plain}))
	require.Equal(t, both.Low, strict.Joined([]RuleSet{lax}).Rules.Low)
	require.Equal(t, both.Models.Allowed, strict.Joined([]RuleSet{lax}).Rules.Models.Allowed, "in whichever order")

	apart := lax
	apart.Rules.Models = &Models{Allowed: []string{"third"}}
	none := apart.Joined([]RuleSet{strict}).Reach([]Offer{{Model: "small", Own: true}, {Model: "third", Own: true}})
	require.Empty(t, none.Models(), "where no model is allowed by both, none is asked, and not all")
	require.Equal(t, approval.WhyModelBarred, none.Bars("third").Code)
}

func TestWhatHasBecomeStricterSinceItWasSealedIsNotApproved(t *testing.T) {
	t.Parallel()
	p := approval.Policy{}
	strict := RuleSet{Project: "C2", Version: 1, Rules: DefaultRules(p)}
	strict.Rules.Class = Confidential
	r := &approval.Request{Project: "C1", Revision: &approval.Revision{Manifest: approval.Manifest{Version: 3, Tier: approval.Low, Approvals: 1}}}
	require.True(t, Book{}.Lacks(r, p).None())
	b := Book{Elsewhere: []RuleSet{strict}}
	require.Equal(t, approval.WhyStricterFile, b.Lacks(r, p).Code, "of confidential data nothing is low risk")
	r.Revision.Manifest.Tier = approval.Medium
	require.True(t, b.Lacks(r, p).None())
	b.Elsewhere[0].Rules.Medium.Approvals = 2
	require.Equal(t, approval.WhyStricterFile, b.Lacks(r, p).Code)
	r.Revision.Manifest.Brought = []string{"C2/1"}
	require.True(t, b.Lacks(r, p).None(), "it was weighed by them")
	require.Equal(t, []string{"C2/1"}, b.Rules(p).Brought)
	require.Equal(t, Confidential, b.Rules(p).Rules.Class)
}
