package person

import (
	"slices"
	"strings"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/workspace"
)

// Person acts in the workspace as one of its people, through the same verbs as
// the JSON API, so that a test reads like a play. Acting waits for the app's
// acknowledgement, no longer than Slack does. An error is a *Refusal (Slack
// would not let them) or an *Unanswered (the app was not there, or too late).
type Person struct {
	s  *Acts
	id string
}

// New returns the person with this id. Nothing is checked until they act.
func New(acts *Acts, userID string) *Person { return &Person{acts, userID} }

// ID is the person's user id.
func (p *Person) ID() string { return p.id }

// DM is the person's direct message with the app.
func (p *Person) DM() string {
	p.s.Lock()
	defer p.s.Unlock()
	return p.s.Memory.DM(p.id)
}

// Command types a slash command into a channel: "/analyze how many ...".
func (p *Person) Command(channel, line string) error { return wait(p.s.Command(p.id, channel, line)) }

// wait runs the second half of an act, unless the first half was refused.
func wait(rest func() error, err error) error {
	if err != nil {
		return err
	}
	return rest()
}

// Say posts a message, with uploaded files. "@name" mentions somebody.
func (p *Person) Say(channel, words string, fileIDs ...string) (workspace.Message, error) {
	return p.Reply(channel, "", words, fileIDs...)
}

// Reply posts into the thread of a root message.
func (p *Person) Reply(channel, threadTS, words string, fileIDs ...string) (workspace.Message, error) {
	m, err := p.s.Say(p.id, channel, threadTS, words, fileIDs)
	if err != nil {
		return workspace.Message{}, err
	}
	p.s.Lock()
	defer p.s.Unlock()
	return p.s.Show(m, p.id), nil
}

// Edit changes a message of the person's own.
func (p *Person) Edit(m workspace.Message, words string) error {
	return p.s.Edit(p.id, m.Channel, m.TS, words)
}

// Delete deletes a message of the person's own.
func (p *Person) Delete(m workspace.Message) error { return p.s.Unsay(p.id, m.Channel, m.TS) }

// Upload uploads a file without sharing it.
func (p *Person) Upload(name string, data []byte) (workspace.File, error) {
	return p.s.Upload(p.id, name, data)
}

// Share uploads a file and posts it into a channel.
func (p *Person) Share(channel, words, name string, data []byte) (workspace.Message, error) {
	f, err := p.Upload(name, data)
	if err != nil {
		return workspace.Message{}, err
	}
	return p.Say(channel, words, f.ID)
}

// DeleteFile deletes one of the person's own files.
func (p *Person) DeleteFile(id string) error { return p.s.Discard(p.id, id) }

// ReplaceFile gives one of the person's own files other bytes under the same id.
func (p *Person) ReplaceFile(id string, data []byte) (workspace.File, error) {
	return p.s.ExchangeFile(p.id, id, data)
}

// Download reads a file as the person's client does.
func (p *Person) Download(id string) ([]byte, error) {
	p.s.Lock()
	defer p.s.Unlock()
	f := p.s.FileFor(p.id, id)
	if f == nil || f.Deleted {
		return nil, Refuse(404, "file_not_found", "There is no such file, or it was deleted.")
	}
	return slices.Clone(f.Data), nil
}

// Click presses something on the current message: a button, named by action_id or by its
// words, or a menu with a choice, named by the option's value or words. What stands in a menu behind
// dots can be named alone, by its words.
func (p *Person) Click(m workspace.Message, action string, choice ...string) error {
	fresh, err := p.Find(m.Channel, m.TS)
	if err != nil {
		return err
	}
	return p.press(fresh.All(), Press{Channel: m.Channel, MessageTS: m.TS}, nil, action, choice)
}

// ClickOld presses something on the message as it was when it was read, like a client that
// has not seen the change yet.
func (p *Person) ClickOld(m workspace.Message, action string, choice ...string) error {
	return p.press(m.All(), Press{Channel: m.Channel, MessageTS: m.TS}, m.All(), action, choice)
}

// ClickView presses something in a modal or in the Home.
func (p *Person) ClickView(v workspace.View, action string, choice ...string) error {
	return p.press(v.Blocks, Press{ViewID: v.ID}, nil, action, choice)
}

// press finds the element by its name in the blocks that the person looks at.
func (p *Person) press(blocks []blockkit.Block, at Press, stale []blockkit.Block, what string, choice []string) error {
	e, ok := blockkit.Named(blocks, what)
	if !ok { // it may stand behind the dots of a menu
		if e, ok = blockkit.Within(blocks, what); ok {
			choice = []string{what}
		}
	}
	if !ok {
		return Refuse(404, "no_such_action", "There is no %q here.", what)
	}
	at.Action = map[string]any{"block_id": e.BlockID(), "action_id": e.ActionID()}
	if f, stateful := blockkit.Answers[e.Kind()]; len(choice) > 0 {
		if !stateful {
			f.Answer = "selected_option"
		}
		at.Action[f.Answer] = meant(e, f.Answer, choice)
	}
	return wait(p.s.Click(p.id, at, stale))
}

// meant turns words into what the element calls them.
func meant(e blockkit.Element, answer string, said []string) any {
	choose := func(word string) any {
		for _, o := range blockkit.AllOptions(e.Body) {
			if blockkit.Text(o, "value") == word || blockkit.Text(blockkit.Object(o, "text"), "text") == word {
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
	case blockkit.Lists[answer]:
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
		return nil, Refuse(404, "view_not_found", "No form is open.")
	}
	given := map[string]any{}
	for name, said := range form {
		e, ok := asked(v.Blocks, name)
		if !ok {
			return nil, Refuse(404, "no_such_field", "The form has no field %q.", name)
		}
		answer := blockkit.Answers[e.Kind()].Answer
		block, _ := given[e.BlockID()].(map[string]any)
		if block == nil {
			block = map[string]any{}
			given[e.BlockID()] = block
		}
		block[e.ActionID()] = map[string]any{answer: meant(e, answer, said)}
	}
	return p.s.Submit(p.id, v.ID, given)
}

// asked finds a field by its label, block_id or action_id.
func asked(blocks []blockkit.Block, name string) (blockkit.Element, bool) {
	for _, e := range blockkit.Elements(blocks) {
		if _, stateful := blockkit.Answers[e.Kind()]; stateful && slices.Contains([]string{e.BlockID(), e.ActionID(), blockkit.Text(blockkit.Object(e.Block, "label"), "text")}, name) {
			return e, true
		}
	}
	return blockkit.Element{}, false
}

// CloseView dismisses the top modal.
func (p *Person) CloseView() error {
	v, ok := p.View()
	if !ok {
		return Refuse(404, "view_not_found", "No form is open.")
	}
	return p.s.CloseView(p.id, v.ID, false)
}

// Shortcut chooses a global shortcut.
func (p *Person) Shortcut(callbackID string) error {
	return wait(p.s.Shortcut(p.id, callbackID, "", ""))
}

// MessageShortcut chooses a shortcut on a message.
func (p *Person) MessageShortcut(m workspace.Message, callbackID string) error {
	return wait(p.s.Shortcut(p.id, callbackID, m.Channel, m.TS))
}

// OpenHome looks at the App Home.
func (p *Person) OpenHome() error { return p.s.OpenHome(p.id) }

// Messages are a channel's messages as this person sees them, without replies,
// oldest first. A channel that they are not in looks empty.
func (p *Person) Messages(channel string) []workspace.Message { return p.Thread(channel, "") }

// Thread is a thread with its root, oldest first.
func (p *Person) Thread(channel, ts string) []workspace.Message {
	p.s.Lock()
	defer p.s.Unlock()
	return p.visible(channel, ts)
}

// visible is Thread for those who hold the lock.
func (p *Person) visible(channel, ts string) []workspace.Message {
	if c := p.s.Memory.Channel(channel); c == nil || !c.Has(p.id) {
		return nil
	}
	return p.s.Seen(p.id, channel, ts)
}

// stored is the whole channel as Slack keeps it, those that only this person sees last.
func stored(p *Person, channel string) (all []*workspace.StoredMessage) {
	c := p.s.Memory.Channel(channel)
	if c == nil || !c.Has(p.id) {
		return nil
	}
	all = append(all, p.s.Memory.Messages[channel]...)
	for _, m := range p.s.Memory.Ephemerals[p.id] {
		if m.Channel == channel {
			all = append(all, m)
		}
	}
	return all
}

// everything is the whole channel: roots, replies and ephemerals, oldest first.
func (p *Person) everything(channel string) []workspace.Message {
	all := stored(p, channel)
	slices.SortStableFunc(all, func(a, b *workspace.StoredMessage) int { return strings.Compare(a.TS, b.TS) })
	out := make([]workspace.Message, len(all))
	for i, m := range all {
		out[i] = p.s.Show(m, p.id)
	}
	return out
}

// Find reads one message again.
func (p *Person) Find(channel, ts string) (workspace.Message, error) {
	p.s.Lock()
	defer p.s.Unlock()
	for _, m := range stored(p, channel) { // one is drawn, however many there are
		if m.TS == ts {
			return p.s.Show(m, p.id), nil
		}
	}
	return workspace.Message{}, Refuse(404, "message_not_found", "There is no such message any more.")
}

// Ephemerals are what only this person sees in a channel and its threads, oldest first.
func (p *Person) Ephemerals(channel string) []workspace.Message {
	p.s.Lock()
	defer p.s.Unlock()
	return slices.DeleteFunc(p.everything(channel), func(m workspace.Message) bool { return !m.Ephemeral })
}

// View is the top modal, if one is open.
func (p *Person) View() (workspace.View, bool) {
	p.s.Lock()
	defer p.s.Unlock()
	return value(p.s.ShowView(p.s.TopView(p.id)))
}

// Home is what the app published for this person, if anything.
func (p *Person) Home() (workspace.View, bool) {
	p.s.Lock()
	defer p.s.Unlock()
	return value(p.s.ShowView(p.s.Memory.Homes[p.id]))
}

func value(v *workspace.View) (workspace.View, bool) {
	if v == nil {
		return workspace.View{}, false
	}
	return *v, true
}

// Notices are what Slack told this person outside of channels, oldest first.
func (p *Person) Notices() []workspace.Notice {
	p.s.Lock()
	defer p.s.Unlock()
	return slices.Clone(p.s.Notices[p.id])
}
