package review

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

func TestATierFollowsFromFindingsCostAndData(t *testing.T) {
	t.Parallel()
	rules := Rules{CostMedium: 10 * budget.Cent, CostHigh: budget.Dollar, Class: Internal}
	secret := rules
	secret.Class = Confidential
	note, caution, danger := approval.Finding{Level: approval.Note}, approval.Finding{Level: approval.Caution}, approval.Finding{Level: approval.Danger}
	for name, tt := range map[string]struct {
		findings []approval.Finding
		cap      budget.USD
		rules    Rules
		tier     approval.Tier
		why      []string
	}{
		"nothing to say":        {[]approval.Finding{note, note}, budget.Cent, rules, approval.Low, nil},
		"something to look at":  {[]approval.Finding{note, caution}, budget.Cent, rules, approval.Medium, []string{"The inspection found something to be careful about."}},
		"several of them":       {[]approval.Finding{caution, caution}, 0, rules, approval.Medium, []string{"The inspection found 2 things to be careful about."}},
		"a danger":              {[]approval.Finding{danger}, budget.Cent, rules, approval.High, []string{"The inspection found a danger."}},
		"a danger, and caution": {[]approval.Finding{caution, danger, danger}, budget.Cent, rules, approval.High, []string{"The inspection found 2 dangers.", "The inspection found something to be careful about."}},
		"confidential data":     {nil, budget.Cent, secret, approval.Medium, []string{"The data of this channel is confidential."}},
		"danger outweighs data": {[]approval.Finding{danger}, 0, secret, approval.High, []string{"The inspection found a danger.", "The data of this channel is confidential."}},
		"just below the cost":   {nil, 10*budget.Cent - 1, rules, approval.Low, nil},
		"the cost for medium":   {nil, 10 * budget.Cent, rules, approval.Medium, []string{"It may cost $0.10; from $0.10 on it counts as medium."}},
		"the cost for high":     {[]approval.Finding{caution}, budget.Dollar, rules, approval.High, []string{"The inspection found something to be careful about.", "It may cost $1.00; from $1.00 on it counts as high."}},
		"costs that nobody set": {nil, 1000 * budget.Dollar, Rules{}, approval.Low, nil},
	} {
		tier, why := TierOf(tt.findings, tt.cap, tt.rules)
		require.Equal(t, tt.tier, tier, name)
		require.Equal(t, tt.why, why, name)
	}
}

func TestWhatEachTierNeeds(t *testing.T) {
	t.Parallel()
	p := approval.DefaultPolicy()
	p.Quorum = 2
	r := DefaultRules(p)
	require.Equal(t, TierRules{Approvals: 2, Slack: true}, r.For(approval.Low))
	require.Equal(t, TierRules{Approvals: 2, Slack: true}, r.For(approval.Medium))
	require.Equal(t, TierRules{Approvals: 2, Slack: true, Typed: true}, r.For(approval.High))
	require.Equal(t, r.High, r.For("what nobody knows"), "is the most careful")
	p.Quorum = 0
	require.Equal(t, 1, DefaultRules(p).Low.Approvals)
}
