package guide

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Guide asks for what `serve` needs and writes it down.
type Guide struct {
	World World
	Form  Form // nil: there is nobody to ask
	File  EnvFile
	Out   io.Writer
	Link  string // opens Slack's form for a new app, with our manifest in it
	Paste string // where the manifest stands, for browsers that take no link so long

	// Budget is what the team may spend a month, as a flag says it. Empty: ask; "none": no limit.
	Budget string
	// Wait is how long the guide waits for the bot to be invited into a channel. Zero: for ever.
	Wait time.Duration
	// Every is how often it looks. Defaults to two seconds.
	Every time.Duration

	set Settings
}

// step is one thing that serve needs.
// known and ask give the words that stand behind the tick; both leave the setting in g.set only if it works.
type step struct {
	title string
	names []string // the settings that it decides
	// known takes over what is already there, and says what it is. An errMissing says that
	// nothing is there yet; any other error what is wrong with it.
	known func(context.Context) (string, error)
	// ask asks a person for it, until it is right.
	ask func(context.Context) (string, error)
}

// missing is a setting of which nothing is known, and the flag that gives it. It is told apart from a
// setting that is wrong: at a terminal nobody has to read that a question has not been asked yet.
type missing struct{ flag string }

func (m *missing) Error() string { return "is not known yet: give " + m.flag }

// Run goes through everything that serve needs. given are the settings of flags and of
// the environment: they go before what the file has.
// Each step is known, or asked, or open: with a Form nothing stays open, since ask ends with an answer or with
// ErrStopped.
func (g *Guide) Run(ctx context.Context, given Settings) error {
	var err error
	if g.set, err = g.File.Read(); err != nil {
		return err
	}
	// What was typed now goes before what was written then.
	for name, value := range given {
		if value != "" {
			g.set[name] = value
		}
	}
	var open []string // the titles of what is wrong or missing, where nobody can be asked
	// Without a terminal the round goes on after a fault, so that one try names all of them. What was
	// wrong is not written: the file has what works, and what it had before.
	wrong := Settings{}
	for _, s := range g.steps() {
		said, err := s.known(ctx)
		if err != nil && ctx.Err() == nil && (g.Form == nil || !errors.As(err, new(*missing))) {
			g.say("✗", s.title, err.Error())
		}
		if g.Form != nil && unreached(err) {
			said, err = g.again(ctx, s, err)
		}
		if err != nil && ctx.Err() == nil && g.Form != nil && !errors.Is(err, ErrStopped) {
			said, err = s.ask(ctx)
		}
		switch {
		// Ctrl-C, also in the middle of a call: what worked so far has been written.
		case ctx.Err() != nil:
			return ErrStopped
		case errors.Is(err, ErrStopped):
			return err
		case err != nil && g.Form != nil:
			return fmt.Errorf("%s: %w", s.title, err)
		case err != nil:
			open = append(open, s.title)
			for _, name := range s.names {
				wrong[name] = g.set[name]
			}
			continue
		}
		g.say("✓", s.title, said)
		works := maps.Clone(g.set)
		maps.DeleteFunc(works, func(name, _ string) bool { _, bad := wrong[name]; return bad })
		// After each step, and not at the end: whoever stops keeps what works.
		if err := g.File.Write(works); err != nil {
			return err
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("%s: not set up yet. What works stands in %s; run this again for the rest", strings.Join(open, ", "), g.File.Path)
	}
	fmt.Fprintf(g.Out, "\n%s is written, for your eyes only. Everything once more, as serve would use it:\n\n", g.File.Path)
	return g.World.Doctor(ctx, g.set)
}

// again tries what is there once more where nobody could judge it, as often as somebody wants that. Another answer is asked for only
// where they say so: what is there may be right.
func (g *Guide) again(ctx context.Context, s step, err error) (said string, _ error) {
	for unreached(err) && ctx.Err() == nil {
		const retry, other = "retry", "other"
		do, stopped := g.Form.Choose(ctx, Question{Title: "Try again?", Help: "The " + s.title + " could not be tried, so nobody knows whether it is right. Ctrl-C stops here; the same command goes on from here later."},
			[]Option{{retry, "Try again"}, {other, "Give another one"}})
		switch {
		case stopped != nil:
			return "", stopped
		case do == other:
			return "", err
		}
		if said, err = s.known(ctx); err != nil && ctx.Err() == nil {
			g.say("✗", s.title, err.Error())
		}
	}
	return said, err
}

// steps are in the order in which one needs the other: people and channels are looked up with the
// bot's token, and a budget belongs to the workspace that the token is of.
func (g *Guide) steps() []step {
	return []step{
		{string(TheBot), []string{botToken.name}, g.knownToken(botToken), func(ctx context.Context) (string, error) { return g.askToken(ctx, botToken) }},
		{string(TheApp), []string{appToken.name}, g.knownToken(appToken), func(ctx context.Context) (string, error) { return g.askToken(ctx, appToken) }},
		{string(TheModel), []string{"MISTRAL_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY"}, g.knownModel, g.askModel},
		{string(TheSandbox), []string{"E2B_API_KEY"}, g.knownSandbox, g.askSandbox},
		{string(TheChannel), []string{channelName}, g.knownChannel, g.askChannel},
		{string(TheReviewers), []string{reviewersName}, g.knownReviewers, g.askReviewers},
		{"administrators", []string{adminsName}, g.knownAdmins, g.askAdmins},
		{"team budget", nil, g.knownBudget, g.askBudget},
	}
}

// say prints a line of the list, in the form of doctor's.
func (g *Guide) say(mark, title, words string) {
	fmt.Fprintf(g.Out, "%s %-16s %s\n", mark, title, strings.ReplaceAll(words, "\n", "\n"+strings.Repeat(" ", 19)))
}

// tries is a check that tries an answer once, with the settings as they would then be.
// A form may check the same answer several times, and each try is a call to somebody. Whoever sends the same answer
// again after a try without a verdict has it tried again. What was found is kept in said.
// first looks at the answer without calling anybody (keyLooks, token.looks).
func (g *Guide) tries(ctx context.Context, what What, name string, said *string, first func(string) error) func(string) error {
	last, verdict := "", error(nil)
	return func(answer string) error {
		answer = strings.TrimSpace(answer)
		if answer != "" && answer == last {
			return verdict
		}
		last, verdict = answer, first(answer)
		if verdict != nil {
			return verdict
		}
		*said, verdict = g.World.Try(ctx, what, g.with(name, answer))
		if unreached(verdict) {
			last = ""
		}
		return verdict
	}
}

// with are the settings as they would be with one more. What is tried is not yet set: an answer that
// does not work leaves nothing behind.
func (g *Guide) with(name, value string) Settings {
	with := Settings{name: value}
	for n, v := range g.set {
		if n != name {
			with[n] = v
		}
	}
	return with
}

// askBudget asks what the team may spend. It is kept in the database, not in the file.
func (g *Guide) askBudget(ctx context.Context) (said string, err error) {
	last := ""
	_, err = g.Form.Line(ctx, Question{
		Title: "How many dollars may the team spend in a month?",
		Help:  "Everything is held against it before it is spent. /budget changes it later, and sets limits for people and channels.\nnone: no limit for the team; each person still has the default of $10 a month.",
		Check: func(answer string) error {
			if answer == last && said != "" {
				return nil // a form may look twice, and each time would be an entry in the trail
			}
			last = answer
			said, err = g.setBudget(ctx, answer)
			return err
		},
	}, "50")
	return said, err
}

// knownBudget takes the budget that a flag gives, or that the database has. Where it cannot be looked
// up and somebody can be asked, the error is shown and they are asked.
func (g *Guide) knownBudget(ctx context.Context) (string, error) {
	if g.Budget != "" {
		return g.setBudget(ctx, g.Budget)
	}
	said, err := g.World.Budget(ctx, g.set)
	if said == "" && (err == nil || g.Form == nil) {
		err = &missing{"--budget AMOUNT (dollars a month) or --budget none"}
	}
	return said, err
}

// setBudget sets it, except for "none", which is a choice not to: the default limit of each person
// holds without an entry.
func (g *Guide) setBudget(ctx context.Context, amount string) (string, error) {
	amount = strings.TrimSpace(amount)
	if amount == "none" {
		return "none for the team; each person has the default budget", nil
	}
	return g.World.SetBudget(ctx, g.set, amount)
}

// ids are a setting's list, as people write it: with blanks, and at times with somebody in it twice.
func (g *Guide) ids(name string) (ids []string) {
	for _, word := range strings.Split(g.set[name], ",") {
		if word = strings.TrimSpace(word); word != "" && !slices.Contains(ids, word) {
			ids = append(ids, word)
		}
	}
	return ids
}
