package codegen

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

func TestWaitsAreSaidInWords(t *testing.T) {
	t.Parallel()
	for after, words := range map[time.Duration]string{0: "a few minutes", 5 * time.Minute: "a few minutes", 301 * time.Second: "6 minutes", 90 * time.Minute: "90 minutes", 91 * time.Minute: "2 hours"} {
		require.Equal(t, words, wait(after))
	}
}

// parrot is a provider that says the same to everybody.
type parrot struct {
	about About
	heard *Call
}

func (p parrot) About() About { return p.about }

func (p parrot) Ask(_ context.Context, call Call) (Answer, error) {
	*p.heard = call
	return Answer{Text: "```python\n1\n```", End: Whole, Usage: budget.Usage{Model: call.Model, Input: 1, Output: 1}}, nil
}

func TestEachModelIsAskedOfTheProviderThatOffersIt(t *testing.T) {
	t.Parallel()
	one := parrot{About{Name: "One", System: "one", Host: "one.example", Models: []string{"a", "b"}, MaxTokens: 100, Timeout: time.Hour}, new(Call)}
	two := parrot{About{Name: "Two", System: "two", Host: "two.example", Models: []string{"c"}, MaxTokens: 4000, Timeout: time.Hour,
		Tokens: func(bytes int) int { return 2 * bytes }}, new(Call)}
	w, err := New(Options{Default: "b"}, one, two)
	require.NoError(t, err)
	require.Equal(t, []string{"b", "a", "c"}, w.Models())
	prompt, answer := w.Bound()
	require.Equal(t, []int{2 * PromptBytes, 4000}, []int{prompt, answer}, "the most of any")
	for _, c := range []struct{ model, asked, host string }{{"", "b", "one.example"}, {"a", "a", "one.example"}, {"c", "c", "two.example"}} {
		d, err := w.Write(t.Context(), steps.Brief{Model: c.model, Question: "?"})
		require.NoError(t, err)
		require.Equal(t, c.asked, d.Usage.Model)
		require.Equal(t, c.host, d.Host, "the draft says where its prompt went")
	}
	require.Equal(t, "a", one.heard.Model)
	require.Equal(t, 4000, two.heard.MaxTokens)
	plain, _ := w.Size(steps.Brief{Model: "a", Question: "?"})
	double, _ := w.Size(steps.Brief{Model: "c", Question: "?"})
	require.Equal(t, 2*plain, double, "each counts in its own way")
	require.Equal(t, "two", w.Provider("c"))
	offers := w.Offers()
	require.Equal(t, []string{"b", "a", "c"}, []string{offers[0].Model, offers[1].Model, offers[2].Model})
	require.Equal(t, approval.Addressee{Provider: "Two", Host: "two.example"}, offers[2].Addressee)
	require.False(t, offers[2].Own, "an administrator has to confirm it")
}

func TestModelsThatCannotBeOfferedAreRefused(t *testing.T) {
	t.Parallel()
	offers := func(tokens int, models ...string) Provider {
		return parrot{About{Name: "P", Models: models, MaxTokens: tokens}, new(Call)}
	}
	for want, make := range map[string]func() (*Writer, error){
		"there is no model":                  func() (*Writer, error) { return New(Options{}) },
		"the model a is offered by P and by": func() (*Writer, error) { return New(Options{}, offers(1, "a"), offers(1, "a")) },
		"is not one of a":                    func() (*Writer, error) { return New(Options{Default: "x"}, offers(1, "a")) },
		"the longest answer of claude-haiku-4-5 is 64000 tokens, and 70000": func() (*Writer, error) { return New(Options{}, offers(70_000, "claude-haiku-4-5")) },
	} {
		_, err := make()
		require.ErrorContains(t, err, want)
	}
}

func TestWhatIsKnownOfModelsHasASourceAndAPrice(t *testing.T) {
	t.Parallel()
	for _, k := range known {
		require.NotEmpty(t, k.Source, k.Model)
		require.NotEmpty(t, k.Good, k.Model)
		require.Greater(t, k.Window, PromptBytes, k.Model)
		_, err := budget.Shipped().Model(k.Model, time.Now(), 0)
		require.NoError(t, err)
	}
	for _, row := range budget.Shipped().Models {
		if _, err := budget.Shipped().Model(row.Model, time.Now(), 0); err == nil && row.Model != standin { // what can be asked today
			_, ok := KnownModel(row.Model)
			require.True(t, ok, "the window of %s", row.Model)
		}
	}
}

// standin is the demo's model: nothing limits it.
const standin = "sample-writer"
