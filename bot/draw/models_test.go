package draw_test

import (
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
	"countersign/internal/slacksim"
)

// list is what administrators choose from: models of three providers, of which one is not
// allowed, one has no price, and one is at a host that nobody has confirmed.
func list(rules review.Models) steps.ModelList {
	claude := approval.Addressee{Provider: "Claude", Host: "api.anthropic.com"}
	gateway := approval.Addressee{Provider: "The model's server", Host: "gw.example.com"}
	all := sample.Offered("codestral-2508")
	all = append(all,
		steps.Offered{Offer: review.Offer{Model: "claude-haiku-5-5", Addressee: claude, Own: true, Window: 1_000_000, Good: "quick and cheap"}, Price: &budget.ModelPrice{Input: 10 * budget.Cent, Output: 50 * budget.Cent}},
		steps.Offered{Offer: review.Offer{Model: "llama", Addressee: gateway}, Price: &budget.ModelPrice{}, Barred: approval.Reason{Code: approval.WhyHostRests, Name: "llama", Other: gateway.Provider, Said: gateway.Host}},
		steps.Offered{Offer: review.Offer{Model: "claude-opus-5-5", Addressee: claude, Own: true, Window: 1_000_000, Good: "the hardest questions"}, Barred: approval.Reason{Code: approval.WhyModelBarred}})
	return steps.ModelList{Models: all, Rules: review.RuleSet{Own: 3, Rules: review.Rules{Models: &rules}}}
}

// modelPages draws what belongs to choosing models.
func modelPages(b stand) map[string]*kit.Page {
	modal := func(view slack.ModalViewRequest) *kit.Page { return &kit.Page{Blocks: view.Blocks.BlockSet} }
	all := list(review.Models{Fallback: "claude-haiku-5-5", Most: 5 * budget.Cent, StepsIn: []string{"Claude"}, Default: "codestral-2508"})
	own := all
	own.Rules.OwnModels = true
	inHome := &kit.Page{}
	home.Models(inHome, all)
	fell := func(state approval.State) *steps.View {
		return sample.View(sample.In(state), func(v *steps.View) {
			v.Request.Model, v.Request.Attempts = "claude-haiku-5-5", 3
			v.Request.Fallback = &approval.Fallback{Addressee: approval.Addressee{Provider: "Claude", Host: "api.anthropic.com"}, Model: "claude-haiku-5-5", From: "codestral-2508"}
		})
	}
	return map[string]*kit.Page{
		"home-models":          inHome,
		"modal-models":         modal(home.ModelsView(all, "")),
		"modal-models-channel": modal(home.ModelsView(own, slacksim.SalesData)),
		"modal-models-first":   modal(home.ModelsView(steps.ModelList{Models: sample.Offered("codestral-2508")}, slacksim.SalesData)),
		"modal-lists":          modal(home.ListsView()),
		"modal-form-anywhere":  modal(draw.FormView(approval.DefaultPolicy(), draw.Form{Models: all.Allowed()})),
		"progress-fallback":    draw.Progress(b.with(), fell(approval.Drafting)),
		"progress-fell-back":   draw.Progress(b.with(), fell(approval.Pending)),
	}
}

func TestAListOfModelsIsReadAsItIsFilledIn(t *testing.T) {
	t.Parallel()
	option := func(values ...string) (all []slack.OptionBlockObject) {
		for _, v := range values {
			all = append(all, slack.OptionBlockObject{Value: v})
		}
		return all
	}
	one := func(value string) slack.BlockAction { return slack.BlockAction{SelectedOption: option(value)[0]} }
	fields := map[string]slack.BlockAction{
		ids.FieldAllowed: {SelectedOptions: option("m1", "m2")}, ids.FieldDefault: one("m2"), ids.FieldFallback: one("m1"), ids.FieldMost: {Value: " $0.05 "},
		ids.FieldStepsIn: {SelectedOptions: option("Claude")}, ids.FieldSites: {SelectedOptions: option("The model's server/gw.example.com:8080")},
	}
	m, field, why := home.ModelsOf(fields)
	require.Empty(t, field+why)
	require.Equal(t, review.Models{Allowed: []string{"m1", "m2"}, Default: "m2", Fallback: "m1", Most: 5 * budget.Cent, StepsIn: []string{"Claude"},
		Sites: []approval.Addressee{{Provider: "The model's server", Host: "gw.example.com:8080"}}}, m)
	fields[ids.FieldDefault], fields[ids.FieldFallback], fields[ids.FieldMost] = one("none"), one("none"), slack.BlockAction{}
	m, _, why = home.ModelsOf(fields)
	require.Empty(t, m.Default+m.Fallback+why)
	for value, want := range map[string]string{"five": ids.FieldMost, "0": ids.FieldMost} {
		fields[ids.FieldMost] = slack.BlockAction{Value: value}
		_, field, _ = home.ModelsOf(fields)
		require.Equal(t, want, field)
	}
	_, field, _ = home.ModelsOf(nil)
	require.Equal(t, ids.FieldAllowed, field)
	for code, want := range map[approval.ReasonCode]string{approval.WhyNoModel: ids.FieldAllowed, approval.WhyDefaultBarred: ids.FieldDefault, approval.WhyFallbackAlone: ids.FieldFallback,
		approval.WhyFallbackDear: ids.FieldMost, approval.WhyManySites: ids.FieldSites} {
		require.Equal(t, want, home.ModelsField(&approval.InputError{Why: approval.Because(code)}))
	}
	require.Equal(t, ids.FieldAllowed, home.ModelsField(approval.ErrNotFound))
	require.Equal(t, ids.FieldModel, draw.AskedField(&approval.InputError{Why: approval.Because(approval.WhyModelBarred)}))
	require.Equal(t, ids.FieldQuestion, draw.AskedField(&approval.InputError{Why: approval.Because(approval.WhyNoQuestion)}))
}
