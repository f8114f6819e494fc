package slacksim

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Person acts in the workspace as one of its people, through the same verbs as
// the JSON API, so that a test reads like a play. Acting waits for the app's
// acknowledgement, no longer than Slack does. An error is a *Refusal (Slack
// would not let them) or an *Unanswered (the app was not there, or too late).
type Person struct {
	s  *Sim
	id string
}

// As is the person with this id; nothing is checked until they act.
func (s *Sim) As(userID string) *Person { return &Person{s, userID} }

// ID is the person's user id.
func (p *Person) ID() string { return p.id }

// DM is the person's direct message with the app.
func (p *Person) DM() string { return imWith(p.id) }

// Command types a slash command into a channel: "/analyze how many ...".
func (p *Person) Command(channel, line string) error { return wait(p.s.command(p.id, channel, line)) }

// wait runs the second half of an act, unless the first half was refused.
func wait(rest func() error, err error) error {
	if err != nil {
		return err
	}
	return rest()
}

// Say posts a message, with uploaded files. "@name" mentions somebody.
func (p *Person) Say(channel, words string, fileIDs ...string) (Message, error) {
	return p.Reply(channel, "", words, fileIDs...)
}

// Reply posts into the thread of a root message.
func (p *Person) Reply(channel, threadTS, words string, fileIDs ...string) (Message, error) {
	m, err := p.s.say(p.id, channel, threadTS, words, fileIDs)
	if err != nil {
		return Message{}, err
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.s.show(m, p.id), nil
}

// Delete deletes a message of the person's own.
func (p *Person) Delete(m Message) error { return p.s.unsay(p.id, m.Channel, m.TS) }

// Upload uploads a file without sharing it.
func (p *Person) Upload(name string, data []byte) (File, error) { return p.s.upload(p.id, name, data) }

// Share uploads a file and posts it into a channel.
func (p *Person) Share(channel, words, name string, data []byte) (Message, error) {
	f, err := p.Upload(name, data)
	if err != nil {
		return Message{}, err
	}
	return p.Say(channel, words, f.ID)
}

// DeleteFile deletes an own file; ReplaceFile changes its bytes and keeps its id.
func (p *Person) DeleteFile(id string) error { return p.s.discard(p.id, id) }

// ReplaceFile gives an own file other bytes under the same id.
func (p *Person) ReplaceFile(id string, data []byte) (File, error) {
	return p.s.exchangeFile(p.id, id, data)
}

// Download reads a file as the person's client does.
func (p *Person) Download(id string) ([]byte, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	f := p.s.fileFor(p.id, id)
	if f == nil || f.Deleted {
		return nil, refusal(404, "file_not_found", "There is no such file, or it was deleted.")
	}
	return slices.Clone(f.data), nil
}

// Click presses something on a message as it stands now: a button, by its
// action_id or its words, or a menu with the choice, by the option's value or words.
func (p *Person) Click(m Message, action string, choice ...string) error {
	fresh, err := p.Find(m.Channel, m.TS)
	if err != nil {
		return err
	}
	return p.press(fresh.all(), press{Channel: m.Channel, MessageTS: m.TS}, nil, action, choice)
}

// ClickOld presses what stood on the message when it was read, as a client does
// that has not yet heard of the change.
func (p *Person) ClickOld(m Message, action string, choice ...string) error {
	return p.press(m.all(), press{Channel: m.Channel, MessageTS: m.TS}, m.all(), action, choice)
}

// ClickView presses something in a modal or in the Home.
func (p *Person) ClickView(v View, action string, choice ...string) error {
	return p.press(v.Blocks, press{ViewID: v.ID}, nil, action, choice)
}

// press finds the element by its name in the blocks that the person looks at.
func (p *Person) press(blocks []Block, at press, stale []Block, what string, choice []string) error {
	e, ok := named(blocks, what)
	if !ok {
		return refusal(404, "no_such_action", "There is no %q here.", what)
	}
	at.Action = map[string]any{"block_id": e.blockID(), "action_id": e.actionID()}
	if f, stateful := answers[e.kind()]; len(choice) > 0 {
		if !stateful {
			f.answer = "selected_option"
		}
		at.Action[f.answer] = meant(e, f.answer, choice)
	}
	return wait(p.s.click(p.id, at, stale))
}

// meant turns words into what the element calls them.
func meant(e element, answer string, said []string) any {
	choose := func(word string) any {
		for _, o := range allOptions(e.body) {
			if text(o, "value") == word || text(object(o, "text"), "text") == word {
				return o
			}
		}
		return map[string]any{"value": word}
	}
	switch {
	case answer == "selected_options":
		out := []any{}
		for _, word := range said {
			out = append(out, choose(word))
		}
		return out
	case many[answer]:
		out := []any{}
		for _, word := range said {
			out = append(out, word)
		}
		return out
	case answer == "selected_option":
		return choose(said[0])
	}
	return said[0]
}

// Form is what a person fills in, by the field's label, block_id or action_id:
// one string, or several for fields that take several (options by value or words,
// files by id).
type Form map[string][]string

// Fill is a form with one field, to which more can be added.
func Fill(field string, values ...string) Form { return Form{field: values} }

// And adds a field.
func (f Form) And(field string, values ...string) Form {
	f[field] = values
	return f
}

// Submit fills in the top modal and submits it. The map says which fields were
// refused, by block_id; then the modal stays.
func (p *Person) Submit(form Form) (map[string]string, error) {
	v, ok := p.View()
	if !ok {
		return nil, refusal(404, "view_not_found", "No form is open.")
	}
	given := map[string]any{}
	for name, said := range form {
		e, ok := asked(v.Blocks, name)
		if !ok {
			return nil, refusal(404, "no_such_field", "The form has no field %q.", name)
		}
		answer := answers[e.kind()].answer
		block, _ := given[e.blockID()].(map[string]any)
		if block == nil {
			block = map[string]any{}
			given[e.blockID()] = block
		}
		block[e.actionID()] = map[string]any{answer: meant(e, answer, said)}
	}
	return p.s.submit(p.id, v.ID, given)
}

// asked finds a field by its label, block_id or action_id.
func asked(blocks []Block, name string) (element, bool) {
	for _, e := range elements(blocks) {
		if _, stateful := answers[e.kind()]; stateful && slices.Contains([]string{e.blockID(), e.actionID(), text(object(e.block, "label"), "text")}, name) {
			return e, true
		}
	}
	return element{}, false
}

// CloseView dismisses the top modal.
func (p *Person) CloseView() error {
	v, ok := p.View()
	if !ok {
		return refusal(404, "view_not_found", "No form is open.")
	}
	return p.s.closeView(p.id, v.ID, false)
}

// Shortcut chooses a global shortcut.
func (p *Person) Shortcut(callbackID string) error {
	return wait(p.s.shortcut(p.id, callbackID, "", ""))
}

// MessageShortcut chooses a shortcut on a message.
func (p *Person) MessageShortcut(m Message, callbackID string) error {
	return wait(p.s.shortcut(p.id, callbackID, m.Channel, m.TS))
}

// OpenHome looks at the App Home.
func (p *Person) OpenHome() error { return p.s.openHome(p.id) }

// Messages are a channel's messages as this person sees them, without replies,
// oldest first. A channel that they are not in looks empty.
func (p *Person) Messages(channel string) []Message { return p.Thread(channel, "") }

// Thread is a thread with its root, oldest first.
func (p *Person) Thread(channel, ts string) []Message {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.visible(channel, ts)
}

// visible is Thread for those who hold the lock.
func (p *Person) visible(channel, ts string) []Message {
	if c := p.s.ws.channel(channel); c == nil || !c.has(p.id) {
		return nil
	}
	return p.s.seen(p.id, channel, ts)
}

// everything is the whole channel: roots, replies and ephemerals, oldest first.
func (p *Person) everything(channel string) []Message {
	c := p.s.ws.channel(channel)
	if c == nil || !c.has(p.id) {
		return nil
	}
	var all []*message
	all = append(all, p.s.ws.messages[channel]...)
	for _, m := range p.s.ws.ephemerals[p.id] {
		if m.Channel == channel {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b *message) int { return strings.Compare(a.TS, b.TS) })
	out := make([]Message, len(all))
	for i, m := range all {
		out[i] = p.s.show(m, p.id)
	}
	return out
}

// Find reads one message again.
func (p *Person) Find(channel, ts string) (Message, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	for _, m := range p.everything(channel) {
		if m.TS == ts {
			return m, nil
		}
	}
	return Message{}, refusal(404, "message_not_found", "There is no such message any more.")
}

// Ephemerals are what only this person sees in a channel and its threads, oldest first.
func (p *Person) Ephemerals(channel string) []Message {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return slices.DeleteFunc(p.everything(channel), func(m Message) bool { return !m.Ephemeral })
}

// View is the top modal, if one is open.
func (p *Person) View() (View, bool) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return value(p.s.showView(p.s.topView(p.id)))
}

// Home is what the app published for this person, if anything.
func (p *Person) Home() (View, bool) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return value(p.s.showView(p.s.ws.homes[p.id]))
}

func value(v *View) (View, bool) {
	if v == nil {
		return View{}, false
	}
	return *v, true
}

// Notices are what Slack told this person outside of channels, oldest first.
func (p *Person) Notices() []Notice {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return slices.Clone(p.s.notices[p.id])
}

// WaitMessage waits for the first message anywhere in a channel (threads and
// ephemeral ones included) that matches.
func (p *Person) WaitMessage(ctx context.Context, channel string, match func(Message) bool) (Message, error) {
	m, err := await(ctx, p.s, func() (Message, bool) { return first(p.everything(channel), match) })
	return m, p.explain(err, "a message in "+channel, func() string { return outline(p.everything(channel)) })
}

// WaitReply waits for the first message in a thread, after its root, that matches.
func (p *Person) WaitReply(ctx context.Context, channel, ts string, match func(Message) bool) (Message, error) {
	replies := func() []Message {
		return slices.DeleteFunc(p.visible(channel, ts), func(m Message) bool { return m.TS == ts })
	}
	m, err := await(ctx, p.s, func() (Message, bool) { return first(replies(), match) })
	return m, p.explain(err, "a reply in "+channel, func() string { return outline(replies()) })
}

// WaitEphemeral waits for the first message that only this person sees and that matches.
func (p *Person) WaitEphemeral(ctx context.Context, channel string, match func(Message) bool) (Message, error) {
	return p.WaitMessage(ctx, channel, func(m Message) bool { return m.Ephemeral && match(m) })
}

// WaitChange waits until a message that the person has seen matches.
func (p *Person) WaitChange(ctx context.Context, m Message, match func(Message) bool) (Message, error) {
	return p.WaitMessage(ctx, m.Channel, func(x Message) bool { return x.TS == m.TS && match(x) })
}

// WaitView waits until the top modal matches.
func (p *Person) WaitView(ctx context.Context, match func(View) bool) (View, error) {
	look := func() (View, bool) {
		v, ok := value(p.s.showView(p.s.topView(p.id)))
		return v, ok && match(v)
	}
	v, err := await(ctx, p.s, look)
	return v, p.explain(err, "a form", func() string { v, _ := look(); return v.Words() })
}

// WaitNoView waits until no modal is open.
func (p *Person) WaitNoView(ctx context.Context) error {
	_, err := await(ctx, p.s, func() (struct{}, bool) { return struct{}{}, p.s.topView(p.id) == nil })
	return p.explain(err, "the form to close", func() string { return "" })
}

// WaitHome waits until the App Home matches.
func (p *Person) WaitHome(ctx context.Context, match func(View) bool) (View, error) {
	look := func() (View, bool) {
		v, ok := value(p.s.showView(p.s.ws.homes[p.id]))
		return v, ok && match(v)
	}
	v, err := await(ctx, p.s, look)
	return v, p.explain(err, "the Home", func() string { v, _ := look(); return v.Words() })
}

// WaitNotice waits for the first notice that contains the words.
func (p *Person) WaitNotice(ctx context.Context, words string) (Notice, error) {
	n, err := await(ctx, p.s, func() (Notice, bool) {
		return first(p.s.notices[p.id], func(n Notice) bool { return strings.Contains(n.Text, words) })
	})
	return n, p.explain(err, "a notice", func() string { return fmt.Sprint(p.s.notices[p.id]) })
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
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return fmt.Errorf("%s waits for %s: %w; there is: %s", p.id, what, err, there())
}

// outline is a list of messages for an error, one a line.
func outline(all []Message) string {
	var out strings.Builder
	for _, m := range all {
		words := []rune(strings.ReplaceAll(m.Words(), "\n", " | "))
		fmt.Fprintf(&out, "\n  %s %s: %s", m.TS, m.Username, string(words[:min(len(words), 200)]))
	}
	return out.String()
}
