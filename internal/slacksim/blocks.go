package slacksim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Block is one block of a message or a view, as JSON says it.
type Block = map[string]any

// decode reads JSON and keeps numbers as they were written.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(into)
}

// element is an interactive element with the block that it stands in.
type element struct {
	block, body map[string]any
	path        string // JSON pointer
}

func (e element) blockID() string  { return text(e.block, "block_id") }
func (e element) actionID() string { return text(e.body, "action_id") }
func (e element) kind() string     { return text(e.body, "type") }

// interactive are the element types that can be acted upon.
var interactive = map[string]bool{
	"button": true, "overflow": true, "static_select": true, "external_select": true, "users_select": true,
	"conversations_select": true, "channels_select": true, "multi_static_select": true, "multi_external_select": true,
	"multi_users_select": true, "multi_conversations_select": true, "multi_channels_select": true,
	"checkboxes": true, "radio_buttons": true, "datepicker": true, "timepicker": true, "datetimepicker": true,
	"plain_text_input": true, "email_text_input": true, "url_text_input": true, "number_input": true,
	"rich_text_input": true, "file_input": true, "feedback_buttons": true, "icon_button": true, "workflow_button": true,
}

// elements lists what a person can act upon, in reading order.
func elements(blocks []Block) []element {
	var out []element
	add := func(block Block, v any, path string) {
		if body, ok := v.(map[string]any); ok && interactive[text(body, "type")] {
			out = append(out, element{block, body, path})
		}
	}
	for i, b := range blocks {
		at := fmt.Sprintf("/blocks/%d", i)
		add(b, b["accessory"], at+"/accessory")
		add(b, b["element"], at+"/element")
		list, _ := b["elements"].([]any)
		for j, v := range list {
			add(b, v, fmt.Sprintf("%s/elements/%d", at, j))
		}
	}
	return out
}

// find looks an element up as a click names it; without a block_id the first one with
// the action_id is meant.
func find(blocks []Block, blockID, actionID string) (element, bool) {
	for _, e := range elements(blocks) {
		if e.actionID() == actionID && (blockID == "" || e.blockID() == blockID) {
			return e, true
		}
	}
	return element{}, false
}

// store turns what an app sent into what Slack keeps: each block gets a
// block_id, each element an action_id, each text object its flags. An app that
// compares what it sent with what came back sees these differences with Slack too.
func store(blocks []Block, seed string) {
	for i, b := range blocks {
		if text(b, "block_id") == "" {
			b["block_id"] = shortID(seed, i)
		}
	}
	for i, e := range elements(blocks) {
		if e.actionID() == "" {
			e.body["action_id"] = shortID(seed+"a", i)
		}
	}
	for _, b := range blocks {
		flag(b)
	}
}

// flag adds the defaults that Slack writes into text objects.
func flag(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			flag(x)
		}
	case map[string]any:
		if text(v, "type") == "rich_text" {
			return
		}
		if _, ok := v["text"].(string); ok {
			switch v["type"] {
			case "plain_text":
				setDefault(v, "emoji", true)
			case "mrkdwn":
				setDefault(v, "verbatim", false)
			}
		}
		for _, x := range v {
			flag(x)
		}
	}
}

func setDefault(m map[string]any, key string, value any) {
	if _, ok := m[key]; !ok {
		m[key] = value
	}
}

// shortID makes ids like Slack's five letters and digits.
func shortID(seed string, n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	h := uint64(14695981039346656037)
	for _, c := range []byte(fmt.Sprintf("%s/%d", seed, n)) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	out := make([]byte, 5)
	for i := range out {
		out[i] = letters[h%uint64(len(letters))]
		h /= uint64(len(letters))
	}
	return string(out)
}

// text is a string field; anything else counts as empty.
func text(m map[string]any, key string) string {
	v, _ := m[key].(string)
	return v
}

// object and list read a part of a document; what is not there, or of another type, is
// nil, so that hostile documents need no special care.
func object(m map[string]any, key string) map[string]any {
	v, _ := m[key].(map[string]any)
	return v
}

func list(m map[string]any, key string) []any {
	v, _ := m[key].([]any)
	return v
}

// chars counts as Slack's clients and servers do: in UTF-16 units.
func chars(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// words is everything that a person can read in the blocks, in order.
func words(blocks []Block) string {
	var out []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case []Block:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for _, key := range reading {
				switch x := v[key].(type) {
				case string:
					out = append(out, x)
				case nil:
				default:
					walk(x)
				}
			}
		}
	}
	walk(blocks)
	return strings.Join(out, "\n")
}

// reading is the order in which the parts of a block are read.
var reading = []string{"title", "label", "text", "fields", "caption", "rows", "elements", "accessory", "element",
	"placeholder", "options", "hint", "alt_text"}
