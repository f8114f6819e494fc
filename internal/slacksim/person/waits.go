package person

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"countersign/internal/slacksim/workspace"
)

// WaitMessage waits for the first message anywhere in a channel (threads and
// ephemeral ones included) that matches.
func (p *Person) WaitMessage(ctx context.Context, channel string, match func(workspace.Message) bool) (workspace.Message, error) {
	m, err := workspace.Await(ctx, p.s.Workspace, func() (workspace.Message, bool) { return first(p.everything(channel), match) })
	return m, p.explain(err, "a message in "+channel, func() string { return outline(p.everything(channel)) })
}

// WaitReply waits for the first message in a thread, after its root, that matches.
func (p *Person) WaitReply(ctx context.Context, channel, ts string, match func(workspace.Message) bool) (workspace.Message, error) {
	replies := func() []workspace.Message {
		return slices.DeleteFunc(p.visible(channel, ts), func(m workspace.Message) bool { return m.TS == ts })
	}
	m, err := workspace.Await(ctx, p.s.Workspace, func() (workspace.Message, bool) { return first(replies(), match) })
	return m, p.explain(err, "a reply in "+channel, func() string { return outline(replies()) })
}

// WaitEphemeral waits for the first message that only this person sees and that matches.
func (p *Person) WaitEphemeral(ctx context.Context, channel string, match func(workspace.Message) bool) (workspace.Message, error) {
	return p.WaitMessage(ctx, channel, func(m workspace.Message) bool { return m.Ephemeral && match(m) })
}

// WaitChange waits until a message that the person has seen matches.
func (p *Person) WaitChange(ctx context.Context, m workspace.Message, match func(workspace.Message) bool) (workspace.Message, error) {
	return p.WaitMessage(ctx, m.Channel, func(x workspace.Message) bool { return x.TS == m.TS && match(x) })
}

// WaitView waits until the top modal matches.
func (p *Person) WaitView(ctx context.Context, match func(workspace.View) bool) (workspace.View, error) {
	look := func() (workspace.View, bool) {
		v, ok := value(p.s.ShowView(p.s.TopView(p.id)))
		return v, ok && match(v)
	}
	v, err := workspace.Await(ctx, p.s.Workspace, look)
	return v, p.explain(err, "a form", func() string { v, _ := look(); return v.Words() })
}

// WaitNoView waits until no modal is open.
func (p *Person) WaitNoView(ctx context.Context) error {
	_, err := workspace.Await(ctx, p.s.Workspace, func() (struct{}, bool) { return struct{}{}, p.s.TopView(p.id) == nil })
	return p.explain(err, "the form to close", func() string { return "" })
}

// WaitHome waits until the App Home matches.
func (p *Person) WaitHome(ctx context.Context, match func(workspace.View) bool) (workspace.View, error) {
	look := func() (workspace.View, bool) {
		v, ok := value(p.s.ShowView(p.s.Memory.Homes[p.id]))
		return v, ok && match(v)
	}
	v, err := workspace.Await(ctx, p.s.Workspace, look)
	return v, p.explain(err, "the Home", func() string { v, _ := look(); return v.Words() })
}

// WaitNotice waits for the first notice that contains the words.
func (p *Person) WaitNotice(ctx context.Context, words string) (workspace.Notice, error) {
	n, err := workspace.Await(ctx, p.s.Workspace, func() (workspace.Notice, bool) {
		return first(p.s.Notices[p.id], func(n workspace.Notice) bool { return strings.Contains(n.Text, words) })
	})
	return n, p.explain(err, "a notice", func() string { return fmt.Sprint(p.s.Notices[p.id]) })
}

func first[T any](all []T, match func(T) bool) (T, bool) {
	for _, v := range all {
		if match(v) {
			return v, true
		}
	}
	var none T
	return none, false
}

// explain adds to a wait that failed what was there instead.
func (p *Person) explain(err error, what string, there func() string) error {
	if err == nil {
		return nil
	}
	p.s.Lock()
	defer p.s.Unlock()
	return fmt.Errorf("%s waits for %s: %w; there is: %s", p.id, what, err, there())
}

// outline is a list of messages for an error, one a line.
func outline(all []workspace.Message) string {
	var out strings.Builder
	for _, m := range all {
		words := []rune(strings.ReplaceAll(m.Words(), "\n", " | "))
		fmt.Fprintf(&out, "\n  %s %s: %s", m.TS, m.Username, string(words[:min(len(words), 200)]))
	}
	return out.String()
}
