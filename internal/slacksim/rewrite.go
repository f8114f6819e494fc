package slacksim

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
)

// Slack does not give blocks back as they were sent. These are 22 ways in which
// what it holds may differ without anybody seeing something else; which of them the
// hosted service takes is not known here, and its documents, types and published
// payloads allow each. An app that compares what it sent with what came back has to
// live with all of them, alone and together.
//
// What is held so is what chat.postMessage, chat.update and views.* answer, what
// later presses carry, and what the page draws. Words of messages and views stay those
// that were sent: a person reads the same.

// Ways are the numbers of the rewritings, from 1.
const Ways = 22

// WayNames say what each of them does; there is no way 0.
var WayNames = [Ways + 1]string{
	1:  "a block_id of Slack's where none was sent",
	2:  "neighbours of one style become one element",
	3:  "one element becomes two of the same style",
	4:  "emoji becomes true in plain text",
	5:  "verbatim becomes false in mrkdwn, or goes",
	6:  "a date loses its fallback",
	7:  "an address without a path ends with a slash",
	8:  "code loses its language",
	9:  "code gets a border of 0",
	10: "emoji in prose become elements",
	11: "addresses in prose become links",
	12: "code becomes one element a line",
	13: "two blanks in prose become one",
	14: "&, < and > are spelled as entities",
	15: "a style names what it is not",
	16: "an empty style comes or goes",
	17: "a button gets the style default",
	18: "a confirmation gets a style",
	19: "numbers are written with a point, fields in another order",
	20: "a paragraph's last blank goes, or a line break comes before code",
	21: "people get a style, and in the text their name",
	22: "cells of tables become rich text",
}

// rewriting are the ways that are switched on, or drawn anew for each message.
type rewriting struct {
	ways map[int]bool
	draw *rand.Rand
}

func (r rewriting) on() bool { return len(r.ways) > 0 || r.draw != nil }

// Rewrite has Slack hold every message and view that comes from now on in these ways,
// wherever each of them finds something to do, until Heal.
func (s *Sim) Rewrite(ways ...int) {
	s.setFault(func(f *faults) {
		f.rewriting = rewriting{ways: map[int]bool{}}
		for _, w := range ways {
			f.rewriting.ways[w] = true
		}
	})
}

// RewriteAtRandom draws from the seed, for every message and view and again for every press,
// which ways are taken and where, until Heal.
func (s *Sim) RewriteAtRandom(seed uint64) {
	s.setFault(func(f *faults) { f.rewriting = rewriting{draw: rand.New(rand.NewPCG(seed, 22))} })
}

// settle makes of blocks what Slack holds of them, and returns what was said, when that is
// spelled otherwise now.
func (s *Sim) settle(blocks []Block, seed string) (said []Block) {
	if s.faults.rewriting.on() && len(blocks) > 0 {
		said = cloned(blocks)
		s.rewriter().blocks(blocks)
	}
	store(blocks, seed)
	return said
}

// settleMessage does it for a message.
func (s *Sim) settleMessage(m *message, seed string) {
	m.said = s.settle(m.Blocks, seed)
	if m.said != nil && s.rewriter().does(21) {
		m.Text = mentionToken.ReplaceAllStringFunc(m.Text, func(token string) string {
			if u := s.ws.user(mentionToken.FindStringSubmatch(token)[1]); u != nil {
				return "@" + u.Name
			}
			return token
		})
	}
}

// anew draws again how blocks are held that go out with a press.
func (s *Sim) anew(blocks, said []Block) []Block {
	if s.faults.rewriting.draw == nil || said == nil {
		return blocks
	}
	again := cloned(said)
	s.rewriter().blocks(again)
	for i, b := range again {
		b["block_id"] = blocks[i]["block_id"]
	}
	store(again, "")
	return again
}

// cloned is a copy that shares nothing.
func cloned(blocks []Block) (out []Block) {
	text, err := json.Marshal(blocks)
	if err == nil {
		err = decode(text, &out)
	}
	if err != nil {
		panic(err) // blocks came as JSON
	}
	return out
}

// rewriter rewrites one message.
type rewriter struct {
	ways map[int]bool
	hit  func() bool     // whether a way is taken at a place where it could be
	pick func(n int) int // one of n ways to take it
}

// rewriter draws what becomes of the next message, or takes what is switched on. Sim.mu is held.
func (s *Sim) rewriter() *rewriter {
	r := s.faults.rewriting
	if r.draw == nil {
		n := 0
		return &rewriter{ways: r.ways, hit: func() bool { return true }, pick: func(of int) int { n++; return n % of }}
	}
	ways := map[int]bool{}
	for w := 1; w <= Ways; w++ {
		ways[w] = r.draw.IntN(2) == 0
	}
	return &rewriter{ways: ways, hit: func() bool { return r.draw.IntN(3) > 0 }, pick: r.draw.IntN}
}

// does tells whether a way is taken here.
func (w *rewriter) does(way int) bool { return w.ways[way] && w.hit() }

// blocks rewrites all blocks in their place. There are as many as before.
func (w *rewriter) blocks(blocks []Block) {
	for i, b := range blocks {
		if text(b, "block_id") == "" && w.does(1) {
			b["block_id"] = shortID("way", w.pick(100_000)+i)
		}
		switch text(b, "type") {
		case "rich_text":
			w.rich(list(b, "elements"))
		case "table":
			w.table(b)
		}
		w.fields(b)
	}
}

// rich rewrites the parts of a rich text block.
func (w *rewriter) rich(parts []any) {
	for i, t := range parts {
		part, _ := t.(map[string]any)
		elements := list(part, "elements")
		switch text(part, "type") {
		case "rich_text_list":
			w.rich(elements)
		case "rich_text_preformatted":
			part["elements"] = w.code(elements)
			if w.does(8) {
				delete(part, "language")
			}
			if w.does(9) {
				part["border"] = json.Number("0")
			}
		default:
			next, _ := at(parts, i+1).(map[string]any)
			part["elements"] = w.prose(elements, text(next, "type") == "rich_text_preformatted")
		}
	}
}

func at(all []any, i int) any {
	if i >= 0 && i < len(all) {
		return all[i]
	}
	return nil
}

// table turns cells of text into rich text.
func (w *rewriter) table(b Block) {
	for _, row := range list(b, "rows") {
		cells, _ := row.([]any)
		for i, t := range cells {
			cell, _ := t.(map[string]any)
			if text(cell, "type") == "raw_text" && w.does(22) {
				cells[i] = map[string]any{"type": "rich_text", "elements": []any{map[string]any{"type": "rich_text_section",
					"elements": []any{map[string]any{"type": "text", "text": text(cell, "text")}}}}}
			}
		}
	}
}

// fields rewrites what may stand anywhere: texts, styles, addresses, numbers.
func (w *rewriter) fields(t any) {
	switch t := t.(type) {
	case []any:
		for _, x := range t {
			w.fields(x)
		}
	case map[string]any:
		switch text(t, "type") {
		case "plain_text":
			if w.does(4) {
				t["emoji"] = true
			}
			w.object(t)
		case "mrkdwn":
			if w.does(5) {
				t["verbatim"] = false
				if w.pick(2) == 0 {
					delete(t, "verbatim")
				}
			}
			w.object(t)
		case "button":
			w.button(t)
		}
		if url := text(t, "url"); bareHost.MatchString(url) && w.does(7) {
			t["url"] = url + "/"
		}
		for _, key := range slices.Sorted(maps.Keys(t)) {
			if n, ok := t[key].(json.Number); ok && wholeNumber.MatchString(n.String()) && w.does(19) {
				t[key] = json.Number(n.String() + ".0")
			}
			w.fields(t[key])
		}
	}
}

// object rewrites the text of a text object.
func (w *rewriter) object(o map[string]any) {
	said := text(o, "text")
	if w.does(13) {
		said = oneBlank(said)
	}
	if w.does(14) {
		said = entities(said, text(o, "type") == "mrkdwn")
	}
	o["text"] = said
}

func (w *rewriter) button(b map[string]any) {
	if b["style"] == nil && w.does(17) {
		b["style"] = "default"
	}
	if confirm := object(b, "confirm"); confirm != nil && confirm["style"] == nil && w.does(18) {
		confirm["style"] = "primary"
	}
}
