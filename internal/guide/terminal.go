package guide

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"charm.land/huh/v2"
)

// Terminal asks at a terminal, by huh: with arrows and search, or line by line
// where the terminal is a plain one or a screen reader wants it so.
type Terminal struct {
	In    io.Reader
	Out   io.Writer
	Plain bool

	keys   *keys  // of a terminal; nil until it is asked for the first time
	turn   *turn  // of the question that stands there; nil where the library reads by itself
	loud   func() // has a terminal show what is typed, as before Quiet; nil: it does
	hidden bool   // the last question was for a secret
}

var _ Form = (*Terminal)(nil)

// Quiet has the terminal show nothing of what is typed but the answers to questions that are shown, until it is ended. What is pasted while an answer
// is tried, or before the first question, may be a secret.
func (t *Terminal) Quiet() (end func()) {
	file, is := t.In.(tty)
	if !is {
		return func() {}
	}
	loud, err := hush(int(file.Fd()), t.Plain)
	if err != nil { // no terminal after all
		return func() {}
	}
	t.loud = loud
	return func() { t.loud = nil; loud() }
}

// Pause waits until somebody says that something is done.
func (t *Terminal) Pause(ctx context.Context, q Question) error {
	done := true
	return t.ask(ctx, chosen, huh.NewConfirm().Title(q.Title).Description(q.Help).Affirmative("Yes, go on").Negative("").Value(&done))
}

// Line asks for something that anybody may read. What is suggested stands there in grey, and is taken where nothing is typed: were it typed
// already, 49.90 after a suggested 50 would be a budget of 5049.90.
func (t *Terminal) Line(ctx context.Context, q Question, suggested string) (string, error) {
	value, check := "", t.check(q)
	field := huh.NewInput().Title(q.Title).Description(q.Help).Placeholder(suggested).Validate(func(typed string) error { return check(cmp.Or(typed, suggested)) })
	if t.Plain { // which shows no grey, and has what is typed in the place of what it suggests
		value = suggested
	}
	err := t.ask(ctx, shown, field.Value(&value))
	if err != nil {
		return "", err
	}
	return cmp.Or(value, suggested), nil
}

// Secret asks for something that is not shown.
func (t *Terminal) Secret(ctx context.Context, q Question) (string, error) {
	value := ""
	err := t.ask(ctx, hidden, huh.NewInput().Title(q.Title).Description(q.Help).EchoMode(huh.EchoModePassword).Validate(t.check(q)).Value(&value))
	if err != nil {
		return "", err
	}
	return value, nil
}

// Choose asks for one of several.
func (t *Terminal) Choose(ctx context.Context, q Question, from []Option) (string, error) {
	value := ""
	err := t.ask(ctx, chosen, huh.NewSelect[string]().Title(q.Title).Description(q.Help).Options(options(from, nil)...).Validate(t.check(q)).Value(&value))
	if err != nil {
		return "", err
	}
	return value, nil
}

// ChooseSome asks for any number of several.
func (t *Terminal) ChooseSome(ctx context.Context, q Question, from []Option, marked []string) ([]string, error) {
	check := t.check(q)
	field := huh.NewMultiSelect[string]().Title(q.Title).Description(q.Help).Options(options(from, marked)...).Filterable(true).
		Validate(func(list []string) error { return check(strings.Join(list, ",")) }).Value(&marked)
	if len(from) > mostShown {
		field = field.Height(mostShown + 3)
	}
	if err := t.ask(ctx, chosen, field); err != nil { // which fills marked in
		return nil, err
	}
	return marked, nil
}

// mostShown is how many people fit below one another on a small screen.
const mostShown = 12

// check is what huh calls with an answer, at times more than once for the same one.
func (t *Terminal) check(q Question) func(string) error {
	if q.Check == nil {
		return func(string) error { return nil }
	}
	return func(answer string) error {
		err := q.Check(answer)
		if err != nil && t.turn != nil && t.turn.again() {
			return fmt.Errorf("%w\n%s", err, notTaken)
		}
		return err
	}
}

// notTaken is said where something that was pasted answers no question, so that nobody takes it for given.
const notTaken = "What was pasted below that was not taken."

// options are answers as huh wants them, with those marked that are chosen already.
func options(from []Option, marked []string) (list []huh.Option[string]) {
	for _, o := range from {
		option := huh.NewOption(o.Label, o.Value)
		for _, c := range marked {
			if c == o.Value {
				option = option.Selected(true)
			}
		}
		list = append(list, option)
	}
	return list
}

// ask shows one field until it is answered, in the way that by says. Each field is a form of its own, because what is asked next
// depends on what was found with the answer before.
// Its three cases are a terminal with huh's screen, a plain one whose lines the kernel edits, and no terminal
// at all, as in tests, where In is read as it is.
func (t *Terminal) ask(ctx context.Context, by kind, field huh.Field) error {
	in := t.In
	file, is := in.(tty)
	switch {
	case is && !t.Plain:
		if t.keys == nil {
			t.keys = newKeys(file)
		}
		turn, dropped, end := t.keys.turn(by)
		defer end()
		if dropped {
			fmt.Fprintln(t.Out, notTaken)
		}
		in, t.turn = turn, turn
	case is && t.loud != nil && by != hidden:
		// Line by line the kernel keeps what is pasted, and shows it while it comes: a secret is not for this question.
		if t.hidden && forget(int(file.Fd())) {
			fmt.Fprintln(t.Out, notTaken)
		}
		t.loud()
		defer func() {
			if loud, err := hush(int(file.Fd()), true); err == nil {
				t.loud = loud
			}
		}()
	}
	t.hidden = by == hidden
	form := huh.NewForm(huh.NewGroup(field)).WithInput(in).WithOutput(t.Out).WithTheme(huh.ThemeFunc(huh.ThemeBase16))
	if t.Plain {
		form = form.WithAccessible(true)
	}
	err := t.run(ctx, form)
	if errors.Is(err, huh.ErrUserAborted) || ctx.Err() != nil {
		return ErrStopped
	}
	return err
}

// run shows a form. Line by line the library waits for a line, whatever becomes of the context: on Ctrl-C it is left waiting, since nobody reads another
// answer then, and whoever ends Quiet has the terminal show again what is typed. Of a question that was left, nobody looks at the answer.
func (t *Terminal) run(ctx context.Context, form *huh.Form) error {
	if !t.Plain {
		return form.RunWithContext(ctx)
	}
	ended := make(chan error, 1)
	go func() { ended <- form.RunWithContext(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ErrStopped
	}
}
