package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
	"countersign/storage/trail"
)

// What somebody wrote about a channel stands beside its rules, which name it by a salted
// hash, and the revision that was written by it says which version that was.
func TestNotesOfAChannelStandBesideItsRules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	notes := review.Notes{Text: "Canary is net of VAT.", Currency: "EUR", YearBegins: 4}
	rules := review.DefaultRules(b.policy)
	rules.Follows, rules.Notes = true, &notes
	set := func(version int, rules review.Rules) review.RuleSet {
		stored, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Project: channel, Version: version, Rules: rules, SetBy: "ADMIN"})
		require.NoError(t, err)
		return stored
	}
	first := set(0, rules)
	notes.Version = 1
	require.Equal(t, &notes, first.Rules.Notes)
	have, err := b.Rules(t.Context(), team, channel)
	require.NoError(t, err)
	require.Equal(t, &notes, have.Rules.Notes, "they come back as they went")

	r := b.ask(t, "t")
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Drafted(approval.Revision{Code: "print(1)\n", Author: "small-1", Manifest: approval.Manifest{Version: 3, Tier: approval.Low, Approvals: 1, Policy: "settings",
			Sandbox: "local", Template: "python", Limits: b.policy.Limits, CostCap: budget.Cent, Notes: notes.Seal(channel)}}, b.policy, now)
	})
	other := rules
	other.Notes = &review.Notes{Text: "Canary is gross."}
	set(1, other)
	c, err := b.Case(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, notes, c.Notes, "those that it was written by")
	require.Zero(t, c.Sealed.Version, "nobody has set rules of reviews")
	require.Equal(t, review.Notes{Version: 2, Text: "Canary is gross."}, *c.Own.Rules.Notes)

	require.Zero(t, b.count(t, `SELECT count(*) FROM rules WHERE document::text LIKE '%Canary%'`))
	require.Zero(t, b.count(t, `SELECT count(*) FROM events WHERE data LIKE '%Canary%'`))
	_, err = b.VerifyChain(t.Context(), trail.RulesStream(team))
	require.NoError(t, err)
	_, err = AuditorOf(b.DB).House(t.Context())
	require.NoError(t, err)
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)
}
