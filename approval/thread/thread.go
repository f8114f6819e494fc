// Package thread decides what of a Slack thread a model is told with the next question. It
// does no I/O, and knows neither prompts nor models.
//
// The newest questions stand in a prompt whole, each with its code and its result: a
// question is never split from its result. Those for which there is no room are summed up by
// a model, once: a later summary goes on from the one before it. Where there is no summary,
// the oldest are left out, and are counted.
//
// Administrators may change what a model sees of results (approval.Sight). So a summary
// names what it was made from, by a hash, and whether that were results. It is used only as
// long as the same could be told now.
package thread

import (
	"fmt"
	"slices"
	"time"

	"countersign/approval"
)

// around is the most bytes that a prompt puts around one message.
const around = 160

// Past is what was said in a thread before a question, and what models have made of it.
type Past struct {
	Said      []approval.Message
	Summaries []approval.Summary // oldest first, with those that came to nothing
}

// Told is what of it a prompt holds.
type Told struct {
	Said    []approval.Message // of the newest questions, oldest first, as the channel's switch lets a model see it
	Summary approval.Summary   // of those before them; none without a text
	Until   time.Time          // when the last was said of what the summary tells
	Left    int                // how many questions are in neither
	Results bool               // it shows what came out, beyond the shape
}

// Gap is what has no room in a prompt, and no summary yet.
type Gap struct {
	Before  approval.Summary   // goes in as well; none without a text
	Said    []approval.Message // of the questions after it
	Summary approval.Summary   // all but its words
}

// exchange is what was said about one request.
type exchange struct {
	id      string
	raw     []approval.Message // as it was kept
	shown   []approval.Message // as a model may see it now
	bytes   int
	results bool
}

// exchanges groups what was said by request, in the order in which the requests began: those
// of one thread may be interleaved.
func exchanges(said []approval.Message, sight approval.Sight) (all []exchange) {
	for _, m := range said {
		at := slices.IndexFunc(all, func(e exchange) bool { return e.id == m.RequestID })
		if at < 0 {
			at = len(all)
			all = append(all, exchange{id: m.RequestID})
		}
		all[at].raw = append(all[at].raw, m)
	}
	for i := range all {
		e := &all[i]
		e.shown = approval.ShownTo(e.raw, sight)
		for _, m := range e.shown {
			e.bytes += len(m.Text) + around
		}
		e.results = sight != approval.Shape && slices.ContainsFunc(e.raw, func(m approval.Message) bool { return m.Result != nil })
	}
	return all
}

// ended tells that nothing more is said of it.
func (e exchange) ended() bool { return e.raw[0].Ended }

// bytes is how much of a prompt some exchanges take.
func bytes(all []exchange) (sum int) {
	for _, e := range all {
		sum += e.bytes
	}
	return sum
}

// newest are the latest of them that fit into so many bytes, without a gap.
func newest(all []exchange, room int) []exchange {
	from := len(all)
	for from > 0 && all[from-1].bytes <= room {
		from--
		room -= all[from].bytes
	}
	return all[from:]
}

// without are those that a summary is not about.
func without(all []exchange, s approval.Summary) []exchange {
	return slices.DeleteFunc(slices.Clone(all), func(e exchange) bool { return slices.Contains(s.Of, e.id) })
}

// said are the messages of some exchanges, in their order.
func said(all []exchange) (messages []approval.Message) {
	for _, e := range all {
		messages = append(messages, e.shown...)
	}
	return messages
}

// from names what is known of some requests, as a model sees it where it may see so much.
func from(all []exchange, of []string, saw approval.Sight) string {
	var text []byte
	for _, e := range all {
		if slices.Contains(of, e.id) {
			for _, m := range approval.ShownTo(e.raw, saw) {
				text = fmt.Appendf(text, "%q %q %q\n", m.RequestID, m.Role, m.Text)
			}
		}
	}
	return approval.Hash(text)
}

// stands tells whether a summary may be used: its questions are all before this one, what was
// said about them is what it was made from, and a model may still see that much.
func stands(s approval.Summary, all []exchange, sight approval.Sight) bool {
	for _, id := range s.Of {
		if !slices.ContainsFunc(all, func(e exchange) bool { return e.id == id }) {
			return false
		}
	}
	return len(s.Of) > 0 && (s.Saw == approval.Shape || sight != approval.Shape) && s.From == from(all, s.Of, s.Saw)
}

// latest is the newest summary that stands; with made, one that has words.
func (p Past) latest(all []exchange, sight approval.Sight, made bool) (s approval.Summary) {
	for _, s := range slices.Backward(p.Summaries) {
		if (s.Text != "" || !made) && stands(s, all, sight) {
			return s
		}
	}
	return s
}

// takes is how many bytes a summary takes in a prompt.
func takes(s approval.Summary) int {
	if s.Text == "" {
		return 0
	}
	return len(s.Text) + around
}

// Tell chooses what a prompt holds that has so many bytes for it.
func (p Past) Tell(sight approval.Sight, room int) (t Told) {
	all := exchanges(p.Said, sight)
	rest := all
	if bytes(all) > room {
		if s := p.latest(all, sight, true); s.Text != "" && takes(s) <= room {
			t.Summary, t.Results = s, s.Saw != approval.Shape
			t.Until = p.last(func(m approval.Message) bool { return slices.Contains(s.Of, m.RequestID) })
			rest, room = without(all, s), room-takes(s)
		}
	}
	whole := newest(rest, room)
	t.Said, t.Left = said(whole), len(rest)-len(whole)
	t.Results = t.Results || slices.ContainsFunc(whole, func(e exchange) bool { return e.results })
	return t
}

// last is when the last was said of what is still there to read.
func (p Past) last(of func(approval.Message) bool) (at time.Time) {
	for _, m := range p.Said {
		if m.Text != "" && m.At.After(at) && of(m) {
			at = m.At
		}
	}
	return at
}

// Rested is since when nothing had been said in a thread when it was asked in again, where that was
// so long or longer; else zero. A run that was only repeated says nothing new, and wakes no thread.
func (p Past) Rested(asked time.Time, stale time.Duration) time.Time {
	since := p.last(func(approval.Message) bool { return true })
	if since.IsZero() || asked.Sub(since) < stale {
		return time.Time{}
	}
	return since
}

// Gap is what is to be summed up before a prompt is made that has so many bytes for all of
// it, by a call that takes at most so many; nil where nothing is. So much goes into the
// summary that half of the room is free again: the next questions need none.
func (p Past) Gap(sight approval.Sight, room, most int) *Gap {
	const least = approval.MostSummary + 2*around
	all := exchanges(p.Said, sight)
	if room < least || bytes(all) <= room {
		return nil
	}
	// What came to nothing is not tried again for each question, but with the next half of the room.
	tried := p.latest(all, sight, false)
	if bytes(without(all, tried))+takes(tried) <= room {
		return nil
	}
	g := &Gap{Before: p.latest(all, sight, true)}
	rest := without(all, g.Before)
	old := rest[:len(rest)-len(newest(rest, (room-least)/2))]
	old = newest(slices.DeleteFunc(slices.Clone(old), func(e exchange) bool { return !e.ended() }), most-takes(g.Before))
	if len(old) == 0 {
		return nil
	}
	g.Said = said(old)
	s := &g.Summary
	s.ID, s.Saw = approval.NewID(8), g.Before.Saw
	for _, e := range all {
		if slices.Contains(g.Before.Of, e.id) || slices.ContainsFunc(old, func(o exchange) bool { return o.id == e.id }) {
			s.Of = append(s.Of, e.id)
		}
	}
	if tried.Text == "" && !slices.ContainsFunc(s.Of, func(id string) bool { return !slices.Contains(tried.Of, id) }) {
		return nil // just this came to nothing
	}
	if slices.ContainsFunc(old, func(e exchange) bool { return e.results }) {
		s.Saw = approval.Statistics
	}
	s.From = from(all, s.Of, s.Saw)
	return g
}

// Shows tells whether a summary may be shown to people: all that it tells of is still there to read.
// It holds words of its questions, also of one that was forgotten.
func (p Past) Shows(s approval.Summary) bool {
	return s.Text != "" && !slices.ContainsFunc(s.Of, func(id string) bool {
		return !slices.ContainsFunc(p.Said, func(m approval.Message) bool {
			return m.RequestID == id && m.Role == approval.RoleQuestion && m.Text != ""
		})
	})
}

// Whole is a question of a thread as a model was told it.
type Whole struct {
	Question string
	Lines    int    // of its code
	Result   string // nothing where it has none
}

// Whole looks some of them up, where a model sees that much.
func (p Past) Whole(requests []string, sight approval.Sight) (list []Whole) {
	for _, e := range exchanges(p.Said, sight) {
		if !slices.Contains(requests, e.id) {
			continue
		}
		var w Whole
		for _, m := range e.shown {
			switch m.Role {
			case approval.RoleQuestion:
				w.Question = m.Text
			case approval.RoleCode:
				w.Lines = len(approval.Lines(m.Text))
			case approval.RoleResult:
				w.Result = m.Text
			}
		}
		list = append(list, w)
	}
	return list
}

// Held is what a seal says of it, where the prompt held just these requests whole, and the
// summary or not.
func (t Told) Held(whole []string, summed bool) approval.Context {
	c := approval.Context{Whole: whole, Left: t.Left}
	for _, m := range t.Said {
		if m.Role == approval.RoleQuestion && !slices.Contains(whole, m.RequestID) {
			c.Left++
		}
	}
	switch {
	case t.Summary.Text != "" && summed:
		c.Summary = t.Summary.ID
	case t.Summary.Text != "":
		c.Left += len(t.Summary.Of)
	}
	return c
}
