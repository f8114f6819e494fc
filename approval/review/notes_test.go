package review

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

func TestNotesAreTidiedAndHeldToTheirBounds(t *testing.T) {
	t.Parallel()
	n := Notes{Text: " Net of VAT.\u202e \n", Currency: " eur ", YearBegins: 4}
	require.NoError(t, n.Set())
	require.Equal(t, Notes{Text: `Net of VAT.\u{202e}`, Currency: "EUR", YearBegins: 4}, n, "what cannot be seen is spelled out")
	require.NoError(t, (&Notes{}).Set())
	for want, wrong := range map[approval.ReasonCode]Notes{
		approval.WhyLongNotes:  {Text: approval.Said(strings.Repeat("é", MaxNotes+1))},
		approval.WhyNoCurrency: {Currency: "EUX"},
		approval.WhyNoMonth:    {YearBegins: 13},
	} {
		input := new(approval.InputError)
		require.ErrorAs(t, wrong.Set(), &input)
		require.Equal(t, want, input.Why.Code)
	}
}

func TestASealNamesNotesByVersionAndWords(t *testing.T) {
	t.Parallel()
	n := Notes{Version: 4, Text: "NA is a region.", Currency: "EUR", YearBegins: 4}
	require.Equal(t, approval.SealedNotes{Version: "C1/4", SHA256: approval.Hash([]byte("NA is a region.")), Currency: "EUR", YearBegins: 4}, n.Seal("C1"))
	require.Zero(t, (*Notes)(nil).Seal("C1"))
	require.Zero(t, (&Notes{Version: 4}).Seal("C1"), "who says nothing is not named")
}

// A channel's notes are its own, whoever's rules its reviews follow; the workspace has none.
func TestNotesBelongToTheirChannel(t *testing.T) {
	t.Parallel()
	policy := approval.DefaultPolicy()
	house, notes := RuleSet{Team: "T", Version: 3, Rules: DefaultRules(policy)}, &Notes{Version: 2, Text: "x"}
	house.Rules.Notes = &Notes{Text: "nobody can have set these"}
	own := RuleSet{Team: "T", Project: "C", Version: 2, Rules: Rules{Notes: notes, Follows: true}}
	set := Effective(own, house).Or(policy)
	require.Equal(t, "team/3", set.Name())
	require.Equal(t, notes, set.Rules.Notes)
	require.Equal(t, notes, Effective(own, RuleSet{Team: "T"}).Or(policy).Rules.Notes, "also where nobody has set rules of reviews")
	require.Nil(t, Effective(RuleSet{Project: "OTHER"}, house).Rules.Notes)
	require.Nil(t, Effective(house, house).Rules.Notes)
	own.None = true
	require.Nil(t, Effective(own, house).Rules.Notes)

	fresh := RuleSet{Project: "C", Rules: Rules{Notes: &Notes{Text: "x"}}}
	first := fresh.Numbered(5)
	require.Equal(t, 5, first.Rules.Notes.Version)
	require.Zero(t, fresh.Rules.Notes.Version)
	require.Equal(t, 5, first.Numbered(6).Rules.Notes.Version, "notes keep their number when other rules are set")
}
