package steps

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// A model that is switched off is called by nobody: not by a repair, not to
// rewrite, not when there is money again. The cheapest that is left writes.
func TestASwitchedOffModelIsNotCalledAnyMore(t *testing.T) {
	t.Parallel()
	off := budget.LimitPolicy{Without: []budget.Ability{budget.WithoutModel("m1")}}
	t.Run("to repair", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.cheap()
		b.writer.script = []func(Brief) (Draft, error){writes("x = '\u202e'\n")}
		r := b.ask()
		require.NoError(t, b.Draft(t.Context(), r.ID))
		b.past(85, off)
		require.NoError(t, b.Draft(t.Context(), r.ID))
		require.Equal(t, []string{"m1", "m2"}, b.models())
		require.Equal(t, &approval.Downgraded{From: "m1", To: "m2", Scope: budget.Scope{Team: "T1", Kind: budget.Team, ID: "T1"}, Off: true}, b.request(r.ID).Downgraded)
	})
	t.Run("to rewrite", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.cheap()
		r := b.pending()
		b.past(90, off)
		wish := ruling(r, "R1", approval.Rewrite)
		wish.Reason = "Another column."
		r, err := b.Decide(t.Context(), wish)
		require.NoError(t, err, "ten cents are left, which is not enough for m1")
		require.Less(t, r.Holds[0].Amount, 5*budget.Cent)
		b.work()
		require.Equal(t, []string{"m1", "m2"}, b.models())
	})
	t.Run("to go on", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.cheap()
		b.limit(budget.User, "asker", budget.Cent/10, budget.Month, budget.LimitPolicy{})
		r := b.ask()
		require.NotNil(t, r.Blocked)
		b.limit(budget.User, "asker", budget.Dollar, budget.Month, budget.LimitPolicy{})
		_, err := b.store.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
			r.Blocked.Until = now
			return nil
		})
		require.NoError(t, err)
		b.past(85, off)
		require.NoError(t, b.tryAgain(t.Context(), r.ID))
		require.Equal(t, "m2", b.request(r.ID).Model)
	})
	t.Run("and none is left", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		r := b.ask()
		b.past(85, budget.LimitPolicy{Without: []budget.Ability{budget.WithoutModel("m1"), budget.WithoutModel("m2")}})
		require.NoError(t, b.Draft(t.Context(), r.ID))
		require.Empty(t, b.writer.briefs)
		require.Equal(t, approval.Failed, b.request(r.ID).State)
		require.Contains(t, reasons.Words(b.request(r.ID).Reason), "m1 is switched off")
		require.Zero(t, b.open(r.ID))
	})
}

// What is held for a draft is given back for the one that takes its place, so it
// is not in its own way.
func TestWhatARequestHoldsItselfIsNotInItsWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cheap()
	r := b.ask()
	b.past(88, budget.LimitPolicy{Downgrade: []budget.Downgrade{{To: "m2"}}})
	b.limit(budget.User, "asker", r.Holds[0].Amount+88*budget.Cent, budget.Month, budget.LimitPolicy{})
	require.NoError(t, b.Draft(t.Context(), r.ID))
	require.Equal(t, []string{"m2"}, b.models())
}

// models are those that were called.
func (b *bundle) models() (names []string) {
	for _, brief := range b.writer.briefs {
		names = append(names, brief.Model)
	}
	return names
}

func TestAProgramGetsNoNetworkPastTheSoftLimitOfAPolicyWithoutOne(t *testing.T) {
	t.Parallel()
	for cents, hosts := range map[int][]string{79: {"example.org"}, 80: {}} {
		b := setup(t)
		b.box.findings = []approval.Finding{{Level: approval.Danger, Kind: approval.KindNetwork, About: "example.org", Text: "reaches example.org"}}
		rules := review.DefaultRules(b.Policy)
		rules.Hosts = []string{"example.org"}
		_, err := b.SetRules(t.Context(), approval.Click{Team: "T1", User: "admin"}, review.RuleSet{Rules: rules})
		require.NoError(t, err)
		b.past(cents, budget.LimitPolicy{Without: []budget.Ability{budget.Network}})
		b.limit(budget.Team, "T1", budget.Dollar, budget.Month, budget.LimitPolicy{Without: []budget.Ability{budget.Network}})
		r := b.pending()
		require.ElementsMatch(t, hosts, r.Revision.Manifest.Network, "at %d%%", cents)
		require.Equal(t, approval.High, r.Revision.Tier(), "what the program wants is graded all the same")
	}
}
