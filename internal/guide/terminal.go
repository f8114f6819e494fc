package guide

import (
	"cmp"
	"context"
	"errors"
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

	keys *keys // of a terminal; nil until it is asked for the first time
}

var _ Form = (*Terminal)(nil)

// Pause waits until somebody says that something is done.
func (t *Terminal) Pause(ctx context.Context, q Question) error {
	done := true
	return t.ask(ctx, huh.NewConfirm().Title(q.Title).Description(q.Help).Affirmative("Yes, go on").Negative("").Value(&done))
}

// Line asks for something that anybody may read. What is suggested stands there in grey, and is taken where nothing is typed: were it typed
// already, 49.90 after a suggested 50 would be a budget of 5049.90.
func (t *Terminal) Line(ctx context.Context, q Question, suggested string) (string, error) {
	value, check := "", t.check(q)
	field := huh.NewInput().Title(q.Title).Description(q.Help).Placeholder(suggested).Validate(func(typed string) error { return check(cmp.Or(typed, suggested)) })
	if t.Plain { // which shows no grey, and has what is typed in the place of what it suggests
		value = suggested
	}
	err := t.ask(ctx, field.Value(&value))
	return cmp.Or(value, suggested), err
}

// Secret asks for something that is not shown.
func (t *Terminal) Secret(ctx context.Context, q Question) (string, error) {
	value := ""
	err := t.ask(ctx, huh.NewInput().Title(q.Title).Description(q.Help).EchoMode(huh.EchoModePassword).Validate(t.check(q)).Value(&value))
	return value, err
}

// Choose asks for one of several.
func (t *Terminal) Choose(ctx context.Context, q Question, from []Option) (string, error) {
	value := ""
	err := t.ask(ctx, huh.NewSelect[string]().Title(q.Title).Description(q.Help).Options(options(from, nil)...).Validate(t.check(q)).Value(&value))
	return value, err
}

// ChooseSome asks for any number of several.
func (t *Terminal) ChooseSome(ctx context.Context, q Question, from []Option, chosen []string) ([]string, error) {
	check := t.check(q)
	field := huh.NewMultiSelect[string]().Title(q.Title).Description(q.Help).Options(options(from, chosen)...).Filterable(true).
		Validate(func(list []string) error { return check(strings.Join(list, ",")) }).Value(&chosen)
	if len(from) > mostShown {
		field = field.Height(mostShown + 3)
	}
	err := t.ask(ctx, field) // which fills chosen in
	return chosen, err
}

// mostShown is how many people fit below one another on a small screen.
const mostShown = 12

// check is what huh calls with an answer, at times more than once for the same one.
func (t *Terminal) check(q Question) func(string) error {
	if q.Check == nil {
		return func(string) error { return nil }
	}
	return q.Check
}

func options(from []Option, chosen []string) (list []huh.Option[string]) {
	for _, o := range from {
		option := huh.NewOption(o.Label, o.Value)
		for _, c := range chosen {
			if c == o.Value {
				option = option.Selected(true)
			}
		}
		list = append(list, option)
	}
	return list
}

// ask shows one field until it is answered. Each field is a form of its own, because what is asked next
// depends on what was found with the answer before.
func (t *Terminal) ask(ctx context.Context, field huh.Field) error {
	in := t.In
	if file, is := in.(tty); is && !t.Plain {
		if t.keys == nil {
			t.keys = &keys{from: file, typed: make(chan []byte)}
		}
		turn, end := t.keys.turn()
		defer end()
		in = turn
	}
	form := huh.NewForm(huh.NewGroup(field)).WithInput(in).WithOutput(t.Out).WithTheme(huh.ThemeFunc(huh.ThemeBase16))
	if t.Plain {
		form = form.WithAccessible(true)
	}
	err := form.RunWithContext(ctx)
	if errors.Is(err, huh.ErrUserAborted) || ctx.Err() != nil {
		return ErrStopped
	}
	return err
}
