package approval

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/budget"
)

func TestATierFollowsFromFindingsCostAndData(t *testing.T) {
	t.Parallel()
	rules := Rules{CostMedium: 10 * budget.Cent, CostHigh: budget.Dollar, Class: Internal}
	secret := rules
	secret.Class = Confidential
	note, caution, danger := Finding{Level: Note}, Finding{Level: Caution}, Finding{Level: Danger}
	for name, tt := range map[string]struct {
		findings []Finding
		cap      budget.USD
		rules    Rules
		tier     Tier
		why      []string
	}{
		"nothing to say":        {[]Finding{note, note}, budget.Cent, rules, Low, nil},
		"something to look at":  {[]Finding{note, caution}, budget.Cent, rules, Medium, []string{"The inspection found something to be careful about."}},
		"several of them":       {[]Finding{caution, caution}, 0, rules, Medium, []string{"The inspection found 2 things to be careful about."}},
		"a danger":              {[]Finding{danger}, budget.Cent, rules, High, []string{"The inspection found a danger."}},
		"a danger, and caution": {[]Finding{caution, danger, danger}, budget.Cent, rules, High, []string{"The inspection found 2 dangers.", "The inspection found something to be careful about."}},
		"confidential data":     {nil, budget.Cent, secret, Medium, []string{"The data of this channel is confidential."}},
		"danger outweighs data": {[]Finding{danger}, 0, secret, High, []string{"The inspection found a danger.", "The data of this channel is confidential."}},
		"just below the cost":   {nil, 10*budget.Cent - 1, rules, Low, nil},
		"the cost for medium":   {nil, 10 * budget.Cent, rules, Medium, []string{"It may cost $0.10; from $0.10 on it counts as medium."}},
		"the cost for high":     {[]Finding{caution}, budget.Dollar, rules, High, []string{"The inspection found something to be careful about.", "It may cost $1.00; from $1.00 on it counts as high."}},
		"costs that nobody set": {nil, 1000 * budget.Dollar, Rules{}, Low, nil},
	} {
		tier, why := TierOf(tt.findings, tt.cap, tt.rules)
		require.Equal(t, tt.tier, tier, name)
		require.Equal(t, tt.why, why, name)
	}
}

func TestWhatEachTierNeeds(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Quorum = 2
	r := DefaultRules(p)
	require.Equal(t, TierRules{Approvals: 2, Slack: true}, r.For(Low))
	require.Equal(t, TierRules{Approvals: 2, Slack: true}, r.For(Medium))
	require.Equal(t, TierRules{Approvals: 2, Slack: true, Typed: true}, r.For(High))
	require.Equal(t, r.High, r.For("what nobody knows"), "is the most careful")
	p.Quorum = 0
	require.Equal(t, 1, DefaultRules(p).Low.Approvals)
}

func TestWhatAVersionOneManifestNeeds(t *testing.T) {
	t.Parallel()
	r := &Request{Revision: &Revision{Findings: []Finding{{Level: Danger}}, Manifest: Manifest{Version: 1}}}
	require.Equal(t, High, r.Revision.Tier())
	require.Equal(t, 3, r.Needs(Policy{Quorum: 3}))
	require.Equal(t, 1, r.Needs(Policy{}), "somebody")
	r.Revision.Manifest.Tier, r.Revision.Manifest.Approvals = Low, 2
	require.Equal(t, Low, r.Revision.Tier())
	require.Equal(t, 2, r.Needs(Policy{Quorum: 1}), "what was sealed")
	require.Equal(t, 2, r.Needs(Policy{Quorum: 5}), "and no more")
}
