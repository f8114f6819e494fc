// Package readback compares what Slack holds of a message or a modal with what was
// sent, and tells whether it still says the same. It asks nobody.
package readback

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"countersign/bot/ids"
	"countersign/bot/kit"
)

// What Slack holds of a message is not, byte for byte, what it was sent: it adds
// ids and defaults, merges and splits the elements of a sentence, and leaves out what
// it knows by itself. Nobody may approve by something that says anything else than
// what was sent, and nobody should be kept from approving by such spelling. This file
// is the rule, for card, modal and click; prose.go reads what stands in a block.
//
//   - Code is found by the block_id that was sent, else by the order of the
//     preformatted elements. The texts of its elements, joined with nothing between, are
//     compared byte for byte. Anything in it but text, and links whose text is their
//     address, is another program.
//   - Everything else that can be read or pressed is compared in its order, folded for
//     blanks, entities, markup and elements: no sentence may be missing, no button be
//     there that was not sent, nothing stand in another place.
//   - What is left (ids, flags, defaults) is told for the log.
//
// It works on the JSON that came, not on slack-go's types: these drop the fields that
// they do not know, and refuse a number that is written as 1.0.

// fact is one thing that a message says or offers: a paragraph, a bullet, a
// program, a button.
type fact struct {
	kind string   // in which kind of place it stands
	id   string   // the block_id of code, if it is one of ours
	mark string   // what Approve carries beside its seal
	said saying   // what it says
	soft []string // what may be left out, but not say something else
}

// markLength is how much of a digest a mark has.
const markLength = 32

// unsaid separates what a fact is made of. Text that contains it loses it.
const unsaid = "\x00"

// Difference is what Slack holds otherwise than it was sent. The zero value is none.
type Difference struct {
	What string // what says something else; empty when nothing does
	Line int    // the first line of the code that differs, or 0

	Spelling []string // kinds of differences that change nothing
}

// Harmful tells whether something else is said than was sent.
func (d Difference) Harmful() bool { return d.What != "" }

// Tree is JSON as it came: maps, slices, strings, json.Number, bool and nil.
type Tree = any

// TreeOf reads JSON; numbers stay as they are written.
func TreeOf(data []byte) (t Tree, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	err = d.Decode(&t)
	return t, err
}

// TreeFrom is what would be sent of a value.
func TreeFrom(v any) Tree {
	t, err := TreeOf(kit.JSON(v))
	if err != nil {
		panic(err) // what has just been written can be read
	}
	return t
}

// Differ compares what Slack holds with what it was sent: the tree of a message
// or of a view each, or only its blocks.
func Differ(sent, held Tree) Difference {
	a, b := FactsOf(sent), FactsOf(held)
	d := Difference{Spelling: Spelling(sent, held)}
	// The first difference is told: what comes after it may only have moved.
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			d.What = "more " + b[i].kind
		case i >= len(b):
			d.What = "missing " + a[i].kind
		case !a[i].agrees(b[i]):
			d.What = a[i].kind
		default:
			continue
		}
		break
	}
	d.Line = codeLine(a, b)
	// Another program is what matters, wherever the first difference stands.
	if d.Line > 0 {
		d.What = "code"
	}
	return d
}

// agrees tells whether what is held says what was sent.
func (f fact) agrees(held fact) bool {
	if f.kind != held.kind || f.mark != held.mark || !held.said.says(f.said.plain()) || len(held.soft) > len(f.soft) {
		return false
	}
	// Slack may give a block without an id one of its own, and may not exchange two of ours.
	if f.id != "" && held.id != "" && f.id != held.id {
		return false
	}
	for i, text := range held.soft {
		if text != "" && text != f.soft[i] {
			return false
		}
	}
	return true
}

// codeLine is the first line, counted from 1, in which the code differs; 0 when it does not.
func codeLine(sent, held []fact) int {
	a, b := ProgramOf(sent), ProgramOf(held)
	if slices.Equal(a, b) {
		return 0
	}
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return i + 1
		}
	}
	return len(a) + 1
}

// ProgramOf are the lines of all code, in the order in which it stands.
func ProgramOf(all []fact) (code []string) {
	for _, f := range all {
		if f.kind == "code" {
			code = append(code, strings.Split(f.said.plain(), "\n")...)
		}
	}
	return code
}

// FactsOf lists everything that can be read or pressed.
func FactsOf(t Tree) (all []fact) {
	switch t := t.(type) {
	case []any:
		for _, block := range t {
			all = append(all, blockFacts(block)...)
		}
	case map[string]any:
		for _, key := range []string{"title", "submit", "close"} { // of a view
			if text := proseOf(t[key]); text.plain() != "" {
				all = append(all, fact{kind: key, said: text})
			}
		}
		blocks, _ := t["blocks"].([]any)
		all = append(all, FactsOf(blocks)...)
		// They are read below our blocks like a part of the message, so nothing may hide in them.
		for _, key := range []string{"attachments", "files"} { // of a message, where we send none
			more, _ := t[key].([]any)
			for _, m := range more {
				all = append(all, oddity(key, m))
			}
		}
	}
	return all
}

// oddity is something of which it is not known how it reads: whatever differs in it counts.
func oddity(kind string, t Tree) fact {
	return fact{kind: kind, said: literally(string(kit.JSON(t)))} // it came as JSON
}

// blockFacts reads one block.
func blockFacts(t Tree) (all []fact) {
	b, ok := t.(map[string]any)
	if !ok {
		return []fact{oddity("block", t)}
	}
	say := func(kind string, said saying) {
		if said.plain() != "" {
			all = append(all, fact{kind: kind, said: said})
		}
	}
	elements, _ := b["elements"].([]any)
	switch b["type"] {
	case "header":
		say("header", proseOf(b["text"]))
	case "section":
		say("text", proseOf(b["text"]))
		fields, _ := b["fields"].([]any)
		for _, f := range fields {
			say("field", proseOf(f))
		}
		if b["accessory"] != nil {
			all = append(all, offer(b["accessory"]))
		}
	case "context":
		for _, e := range elements {
			if m, _ := e.(map[string]any); m["type"] == "image" {
				all = append(all, oddity("picture", e))
				continue
			}
			say("small print", proseOf(e))
		}
	case "rich_text":
		id, _ := b["block_id"].(string)
		for _, e := range elements {
			all = append(all, richFacts(e, id)...)
		}
	case "actions":
		for _, e := range elements {
			all = append(all, offer(e))
		}
	case "input":
		say("label", proseOf(b["label"]))
		say("hint", proseOf(b["hint"]))
		all = append(all, offer(b["element"]))
	case "table":
		rows, _ := b["rows"].([]any)
		for _, row := range rows {
			cells, _ := row.([]any)
			// A row is a fact of its own, or cells could move from one row to the next unseen.
			all = append(all, fact{kind: "row"})
			for _, cell := range cells {
				all = append(all, fact{kind: "cell", said: cellOf(cell)})
			}
		}
	case "divider":
		all = append(all, fact{kind: "divider"})
	default:
		all = append(all, oddity("block", b))
	}
	return all
}

// cellOf reads a cell of a table: a text, or rich text of one paragraph.
func cellOf(t Tree) saying {
	c, _ := t.(map[string]any)
	if c["type"] != "rich_text" {
		return proseOf(t)
	}
	all := blockFacts(t)
	if len(all) == 1 && all[0].kind == "text" {
		return all[0].said
	}
	if len(all) == 0 {
		return saying{}
	}
	return oddity("cell", t).said
}

// richFacts reads a part of a rich text block.
func richFacts(t Tree, id string) (all []fact) {
	e, _ := t.(map[string]any)
	elements, _ := e["elements"].([]any)
	kind, _ := e["type"].(string)
	switch kind {
	case "rich_text_section", "rich_text_quote":
		f := fact{kind: map[string]string{"rich_text_section": "text", "rich_text_quote": "quote"}[kind]}
		if f.said, f.soft = sentence(elements); f.said.plain() != "" {
			all = append(all, f)
		}
	case "rich_text_list":
		style, _ := e["style"].(string)
		for _, item := range elements {
			for _, f := range richFacts(item, id) {
				f.kind = style + " of " + f.kind
				all = append(all, f)
			}
		}
	case "rich_text_preformatted":
		f := fact{kind: "code", said: literally(codeOf(elements))}
		if strings.HasPrefix(id, kit.CodeID) {
			f.id = id
		}
		all = append(all, f)
	default:
		all = append(all, oddity("part", t))
	}
	return all
}

// codeOf joins the elements of code. What is neither text nor a link that shows its
// address leaves something behind that no program contains.
func codeOf(elements []any) string {
	var code strings.Builder
	for _, t := range elements {
		e, _ := t.(map[string]any)
		text, _ := e["text"].(string)
		url, _ := e["url"].(string)
		switch {
		case struck(e):
			code.WriteString(unsaid)
		case e["type"] == "text":
			code.WriteString(text)
		case e["type"] == "link" && text == "":
			code.WriteString(url)
		case e["type"] == "link" && isAddress(text, url):
			code.WriteString(text)
		default:
			code.WriteString(unsaid)
		}
	}
	return code.String()
}

// offers are the elements of which it is known what they say.
var offers = []string{"button", "overflow", "plain_text_input"}

// offer reads a button, or whatever else can be pressed or filled in: what is on
// it, what it stands for, and what it asks before it counts.
func offer(t Tree) fact {
	e, _ := t.(map[string]any)
	kind, _ := e["type"].(string)
	if !slices.Contains(offers, kind) {
		return oddity("offer", t)
	}
	f := fact{kind: kind}
	var said []string
	for _, key := range []string{"text", "action_id", "value", "url", "confirm", "options", "initial_value", "placeholder", "visible_to_user_ids", "agent_prompt"} {
		text := told(key, e[key])
		// The mark names what the card says, so it cannot be a part of that.
		if key == "value" && e["action_id"] == ids.ActionApprove {
			text, f.mark = CutMark(text)
		}
		if text != "" {
			said = append(said, key, text)
		}
	}
	label, _ := e["accessibility_label"].(string)
	f.said, f.soft = literally(strings.Join(said, unsaid)), []string{flat(label)}
	return f
}

// told is what a part of an offer says. Texts are folded and addresses end with no
// slash; ids and values stay as they are, and nothing depends on style.
func told(key string, t Tree) string {
	var all []string
	switch t := t.(type) {
	case string:
		if key == "url" {
			return sameAddress(t)
		}
		return t
	case []any:
		for _, x := range t {
			all = append(all, told(key, x))
		}
	case map[string]any:
		if t["type"] == "plain_text" || t["type"] == "mrkdwn" {
			return proseOf(t).plain()
		}
		for _, k := range slices.Sorted(maps.Keys(t)) {
			if text := told(k, t[k]); k != "style" && text != "" {
				all = append(all, k, text)
			}
		}
	case nil:
		return ""
	default:
		return fmt.Sprint(t)
	}
	return strings.Join(all, unsaid)
}
