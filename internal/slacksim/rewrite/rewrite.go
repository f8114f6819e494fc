package rewrite

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"

	"countersign/internal/slacksim/blockkit"
)

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

// Rewriting are the ways that are switched on, or drawn anew for each message.
type Rewriting struct {
	ways map[int]bool
	draw *rand.Rand
}

// On is false as long as blocks are held as they were sent.
func (r Rewriting) On() bool { return len(r.ways) > 0 || r.draw != nil }

// InWays takes these ways, wherever each of them finds something to do.
func InWays(ways ...int) Rewriting {
	r := Rewriting{ways: map[int]bool{}}
	for _, w := range ways {
		r.ways[w] = true
	}
	return r
}

// AtRandom draws the ways from the seed.
func AtRandom(seed uint64) Rewriting { return Rewriting{draw: rand.New(rand.NewPCG(seed, 22))} }

// Settle makes of blocks what Slack holds of them, and returns what was said, when that is
// spelled otherwise now.
func (r Rewriting) Settle(blocks []blockkit.Block, seed string) (said []blockkit.Block) {
	if r.On() && len(blocks) > 0 {
		said = cloned(blocks)
		r.Rewriter().blocks(blocks)
	}
	blockkit.Store(blocks, seed)
	return said
}

// Anew draws again how blocks are held that go out with a press.
func (r Rewriting) Anew(blocks, said []blockkit.Block) []blockkit.Block {
	if r.draw == nil || said == nil {
		return blocks
	}
	again := cloned(said)
	r.Rewriter().blocks(again)
	for i, b := range again {
		b["block_id"] = blocks[i]["block_id"]
	}
	blockkit.Store(again, "")
	return again
}

// cloned is a copy that shares nothing.
func cloned(blocks []blockkit.Block) (out []blockkit.Block) {
	text, err := json.Marshal(blocks)
	if err == nil {
		err = blockkit.Decode(text, &out)
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

// Rewriter draws what becomes of the next message, or takes what is switched on.
func (r Rewriting) Rewriter() *rewriter {
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

// Does tells whether a way is taken here.
func (w *rewriter) Does(way int) bool { return w.ways[way] && w.hit() }

// blocks rewrites all blocks in their place. There are as many as before.
func (w *rewriter) blocks(blocks []blockkit.Block) {
	for i, b := range blocks {
		if blockkit.Text(b, "block_id") == "" && w.Does(1) {
			b["block_id"] = blockkit.ShortID("way", w.pick(100_000)+i)
		}
		switch blockkit.Text(b, "type") {
		case "rich_text":
			w.rich(blockkit.List(b, "elements"))
		case "table":
			w.table(b)
		}
		w.Fields(b)
	}
}

// rich rewrites the parts of a rich text block.
func (w *rewriter) rich(parts []any) {
	for i, t := range parts {
		part, _ := t.(map[string]any)
		elements := blockkit.List(part, "elements")
		switch blockkit.Text(part, "type") {
		case "rich_text_list":
			w.rich(elements)
		case "rich_text_preformatted":
			part["elements"] = w.code(elements)
			if w.Does(8) {
				delete(part, "language")
			}
			if w.Does(9) {
				part["border"] = json.Number("0")
			}
		default:
			next, _ := at(parts, i+1).(map[string]any)
			part["elements"] = w.prose(elements, blockkit.Text(next, "type") == "rich_text_preformatted")
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
func (w *rewriter) table(b blockkit.Block) {
	for _, row := range blockkit.List(b, "rows") {
		cells, _ := row.([]any)
		for i, t := range cells {
			cell, _ := t.(map[string]any)
			if blockkit.Text(cell, "type") == "raw_text" && w.Does(22) {
				cells[i] = map[string]any{"type": "rich_text", "elements": []any{map[string]any{"type": "rich_text_section",
					"elements": []any{map[string]any{"type": "text", "text": blockkit.Text(cell, "text")}}}}}
			}
		}
	}
}

// Fields rewrites what may stand anywhere: texts, styles, addresses, numbers.
func (w *rewriter) Fields(t any) {
	switch t := t.(type) {
	case []any:
		for _, x := range t {
			w.Fields(x)
		}
	case map[string]any:
		switch blockkit.Text(t, "type") {
		case "plain_text":
			if w.Does(4) {
				t["emoji"] = true
			}
			w.object(t)
		case "mrkdwn":
			if w.Does(5) {
				t["verbatim"] = false
				if w.pick(2) == 0 {
					delete(t, "verbatim")
				}
			}
			w.object(t)
		case "button":
			w.button(t)
		}
		if url := blockkit.Text(t, "url"); bareHost.MatchString(url) && w.Does(7) {
			t["url"] = url + "/"
		}
		for _, key := range slices.Sorted(maps.Keys(t)) {
			if n, ok := t[key].(json.Number); ok && wholeNumber.MatchString(n.String()) && w.Does(19) {
				t[key] = json.Number(n.String() + ".0")
			}
			w.Fields(t[key])
		}
	}
}

// object rewrites the text of a text object.
func (w *rewriter) object(o map[string]any) {
	said := blockkit.Text(o, "text")
	if w.Does(13) {
		said = oneBlank(said)
	}
	if w.Does(14) {
		said = entities(said, blockkit.Text(o, "type") == "mrkdwn")
	}
	o["text"] = said
}

func (w *rewriter) button(b map[string]any) {
	if b["style"] == nil && w.Does(17) {
		b["style"] = "default"
	}
	if confirm := blockkit.Object(b, "confirm"); confirm != nil && confirm["style"] == nil && w.Does(18) {
		confirm["style"] = "primary"
	}
}
