package review

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// offers are two models of Mistral, one of Claude, and one of a gateway that nobody has confirmed.
func offers() []Offer {
	at := func(provider, host string) approval.Addressee {
		return approval.Addressee{Provider: provider, Host: host}
	}
	return []Offer{
		{Model: "codestral-2508", Addressee: at("Mistral", "api.mistral.ai"), Own: true},
		{Model: "mistral-large-2512", Addressee: at("Mistral", "api.mistral.ai"), Own: true},
		{Model: "claude-haiku-5-5", Addressee: at("Claude", "api.anthropic.com"), Own: true},
		{Model: "llama", Addressee: at("The model's server", "gw.example.com")},
	}
}

func TestWhichModelsMayBeAsked(t *testing.T) {
	t.Parallel()
	gateway := []approval.Addressee{{Provider: "The model's server", Host: "gw.example.com"}}
	elsewhere := []approval.Addressee{{Provider: "The model's server", Host: "gw2.example.com"}}
	for name, c := range map[string]struct {
		rules Models
		may   []string
	}{
		"all at their own hosts, where nobody has chosen": {Models{}, []string{"codestral-2508", "mistral-large-2512", "claude-haiku-5-5"}},
		"those of a list":               {Models{Allowed: []string{"claude-haiku-5-5", "codestral-2508"}}, []string{"codestral-2508", "claude-haiku-5-5"}},
		"the default first":             {Models{Default: "claude-haiku-5-5"}, []string{"claude-haiku-5-5", "codestral-2508", "mistral-large-2512"}},
		"a default that is not allowed": {Models{Allowed: []string{"codestral-2508"}, Default: "claude-haiku-5-5"}, []string{"codestral-2508"}},
		"a host that is confirmed":      {Models{Allowed: []string{"llama"}, Sites: gateway}, []string{"llama"}},
		"another host than that":        {Models{Allowed: []string{"llama"}, Sites: elsewhere}, nil},
		"what nobody offers any more":   {Models{Allowed: []string{"gone"}}, nil},
	} {
		require.Equal(t, c.may, Reach{c.rules, offers()}.Models(), name)
	}
}

func TestAModelThatMayNotBeAskedIsNamedWithTheNearest(t *testing.T) {
	t.Parallel()
	r := Reach{Models{Allowed: []string{"codestral-2508", "claude-haiku-5-5", "llama"}}, offers()}
	for model, c := range map[string]struct {
		code approval.ReasonCode
		near string
	}{
		"codestral-2508":     {"", ""},
		"codestal-2508":      {approval.WhyNoModel, "codestral-2508"},
		"Claude-Haiku-5-5":   {approval.WhyNoModel, "claude-haiku-5-5"},
		"haiku":              {approval.WhyNoModel, "claude-haiku-5-5"},
		"gpt-4":              {approval.WhyNoModel, ""},
		"":                   {approval.WhyNoModel, ""},
		"mistral-large-2512": {approval.WhyModelBarred, ""},
		"llama":              {approval.WhyHostRests, ""},
	} {
		why := r.Bars(model)
		require.Equal(t, c.code, why.Code, model)
		near := ""
		for _, w := range why.Why {
			near = w.Name
		}
		require.Equal(t, c.near, near, model)
	}
	require.Equal(t, "codestral-2508, claude-haiku-5-5", r.Bars("x").Other)
}

func TestWhoMayTakeAModelsPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rules    Models
		to, from string
		may      bool
	}{
		{Models{}, "codestral-2508", "mistral-large-2512", true},
		{Models{}, "codestral-2508", "codestral-2508", true},
		{Models{}, "claude-haiku-5-5", "codestral-2508", false},
		{Models{StepsIn: []string{"Claude"}}, "claude-haiku-5-5", "codestral-2508", true},
		{Models{StepsIn: []string{"Claude"}}, "codestral-2508", "claude-haiku-5-5", false},
		{Models{StepsIn: []string{"Claude"}, Allowed: []string{"codestral-2508"}}, "claude-haiku-5-5", "codestral-2508", false},
		{Models{StepsIn: []string{"The model's server"}}, "llama", "codestral-2508", false}, // its host rests
		{Models{}, "codestral-2508", "gone", false},                                         // nobody knows whose that was
		{Models{StepsIn: []string{"Mistral"}}, "codestral-2508", "gone", true},
	} {
		require.Equal(t, c.may, Reach{c.rules, offers()}.StepsIn(c.to, c.from), "%+v", c)
	}
	moved := offers()
	moved[1].Host = "api.eu.mistral.ai"
	require.False(t, Reach{Models{}, moved}.StepsIn("codestral-2508", "mistral-large-2512"), "the same provider at another host is another place")
}

func TestAListThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	for want, m := range map[approval.ReasonCode]Models{
		"":                         {Allowed: []string{"codestral-2508", "llama"}, Default: "llama", Fallback: "codestral-2508", StepsIn: []string{"Mistral"}, Most: budget.Cent},
		approval.WhyNoModel:        {Allowed: []string{"codestral"}},
		approval.WhyDefaultBarred:  {Allowed: []string{"codestral-2508"}, Default: "claude-haiku-5-5"},
		approval.WhyFallbackBarred: {Allowed: []string{"codestral-2508"}, Fallback: "claude-haiku-5-5"},
		approval.WhyFallbackAlone:  {Fallback: "claude-haiku-5-5"},
		approval.WhyFallbackMost:   {Most: budget.Cent},
		approval.WhyManySites:      {Sites: make([]approval.Addressee, MaxSites+1)},
	} {
		err := Reach{m, offers()}.Check()
		if want == "" {
			require.NoError(t, err)
			continue
		}
		input := new(approval.InputError)
		require.ErrorAs(t, err, &input, want)
		require.Equal(t, want, input.Why.Code)
	}
	require.Error(t, Reach{Models{Fallback: "codestral-2508", Most: -1}, offers()}.Check())
}

// Models and reviews are set apart from one another.
func TestAChannelsModelsAndItsReviewsAreSetApart(t *testing.T) {
	t.Parallel()
	policy := approval.DefaultPolicy()
	rules := func(approvals int, m *Models, follows bool) Rules {
		r := DefaultRules(policy)
		r.Low.Approvals, r.Models, r.Follows = approvals, m, follows
		return r
	}
	site := []approval.Addressee{{Provider: "P", Host: "h"}}
	of := func(name string) *Models { return &Models{Default: name} }
	house := RuleSet{Team: "T", Version: 3, Rules: rules(2, &Models{Default: "house", Sites: site}, false)}
	onlyModels := RuleSet{Team: "T", Version: 1, Rules: rules(9, of("house"), true)}
	for name, c := range map[string]struct {
		own, house RuleSet
		reviews    string
		approvals  int
		models     string
		version    int
		ownModels  bool
	}{
		"nothing is set":                              {RuleSet{Project: "C"}, RuleSet{Team: "T"}, "settings", 1, "", 0, false},
		"the workspace's":                             {RuleSet{Project: "C"}, house, "team/3", 2, "house", 0, false},
		"the channel's own reviews":                   {RuleSet{Project: "C", Version: 4, Rules: rules(3, nil, false)}, house, "C/4", 3, "house", 4, false},
		"the channel's own models":                    {RuleSet{Project: "C", Version: 4, Rules: rules(3, of("own"), true)}, house, "team/3", 2, "own", 4, true},
		"both are the channel's":                      {RuleSet{Project: "C", Version: 4, Rules: rules(3, of("own"), false)}, house, "C/4", 3, "own", 4, true},
		"taken back":                                  {RuleSet{Project: "C", Version: 5, None: true}, house, "team/3", 2, "house", 0, false},
		"the workspace's models alone":                {RuleSet{Project: "C"}, onlyModels, "settings", 1, "house", 0, false},
		"the channel's models over those":             {RuleSet{Project: "C", Version: 1, Rules: rules(3, of("own"), true)}, onlyModels, "settings", 1, "own", 1, true},
		"the workspace itself":                        {house, house, "team/3", 2, "house", 3, false},
		"the workspace itself, where it is of models": {onlyModels, onlyModels, "settings", 1, "house", 1, false},
	} {
		set := Effective(c.own, c.house).Or(policy)
		require.Equal(t, c.reviews, set.Name(), name)
		require.Equal(t, c.approvals, set.Rules.Low.Approvals, name)
		require.Equal(t, c.version, set.Own, name)
		require.Equal(t, c.ownModels, set.OwnModels, name)
		require.Equal(t, c.models, set.Reach(nil).Rules.Default, name)
		require.False(t, set.Rules.Follows, name)
		if c.house.Version == 3 {
			require.Equal(t, site, set.Reach(nil).Rules.Sites, "%s: a host is confirmed for all channels", name)
		}
		if c.own.Project != "" {
			require.Equal(t, c.ownModels, set.Kept("C") != nil, name)
		}
	}
	require.Empty(t, Effective(RuleSet{Project: "C", Version: 4, Rules: rules(3, of("own"), false)}, house).Kept("C").Sites)
	require.Equal(t, site, Effective(house, house).Kept("").Sites)
}
