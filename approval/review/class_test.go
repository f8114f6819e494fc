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

// A rule that some channel has is not left behind by asking in a direct message.
func TestAQuestionThatNamesNoChannelGoesByTheStrictestRules(t *testing.T) {
	t.Parallel()
	p := approval.Policy{Quorum: 1}
	house := RuleSet{Version: 1, Rules: DefaultRules(p)}
	house.Rules.Freezes = []string{"Fri 16:00-24:00"}
	strict, frozen := house, house
	strict.Project, strict.Version = "C1", 2
	strict.Rules.Class, strict.Rules.Freezes = Confidential, nil
	strict.Rules.Medium = TierRules{Approvals: 2, Owners: true, Slack: true}
	strict.Rules.Models = &Models{Allowed: []string{"small"}}
	frozen.Project, frozen.Version = "C2", 3
	frozen.Rules.Freezes = []string{"Fri 16:00-24:00", "Mon 00:00-24:00"}
	frozen.Rules.Models = &Models{Allowed: []string{"small", "large"}}
	b := Book{House: house, Elsewhere: []RuleSet{strict, frozen}, Placeless: true,
		Grants: []Grant{{User: "U1", Role: RoleReviewer, Project: "C1"}, {User: "U2", Role: RoleReviewer, Project: "C2"}, {User: "U3", Role: RoleReviewer}}}

	set := b.Rules(p)
	require.Equal(t, "team/1", set.Name())
	require.Equal(t, []string{"C1/2"}, set.Brought, "those that make something stricter")
	require.Equal(t, Confidential, set.Rules.Class)
	require.Equal(t, []string{"small"}, set.Rules.Models.Allowed)
	require.Equal(t, 2, set.Rules.Medium.Approvals)
	require.Equal(t, []string{"Fri 16:00-24:00", "Mon 00:00-24:00"}, b.Freezes(p).Freezes)
	require.Equal(t, house.Rules.Freezes, Book{House: house, Elsewhere: b.Elsewhere}.Freezes(p).Freezes, "a file brings no freeze along")

	roster := b.Roster(p, "D1")
	require.Equal(t, []string{"U1"}, roster.Owners, "of the channel that wants its own people")
	require.Equal(t, []string{"U3"}, roster.Reviewers)
	require.Empty(t, Book{Elsewhere: b.Elsewhere, Grants: b.Grants}.Roster(p, "C9").Owners)

	r := &approval.Request{Project: "D1", Revision: &approval.Revision{Manifest: approval.Manifest{Version: 3, Tier: approval.Low, Approvals: 1}}}
	require.Equal(t, approval.WhyStricterRules, b.Lacks(r, p).Code)
	r.Revision.Manifest.Policy = "team/1"
	require.Equal(t, []string{someIsConfidential}, b.Terms(r, p).Why)

	// What a form and a question are taken by is the same.
	among := Effective(RuleSet{Project: "D1"}, house).Among([]RuleSet{strict, frozen}, house).Or(p)
	require.Equal(t, set.Rules, among.Rules)
	require.Equal(t, set.Brought, among.Brought)
	require.Empty(t, among.Beside)
}
