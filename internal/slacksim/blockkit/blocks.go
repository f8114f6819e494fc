package blockkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Block is one block of a message or a view, as JSON says it.
type Block = map[string]any

// Decode reads JSON and keeps numbers as they were written.
func Decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(into)
}

// Element is an interactive element with the block that it stands in.
type Element struct {
	Block, Body map[string]any
	path        string // JSON pointer
}

// BlockID, ActionID and Kind name the element as a click does.
func (e Element) BlockID() string { return Text(e.Block, "block_id") }

func (e Element) ActionID() string { return Text(e.Body, "action_id") }

func (e Element) Kind() string { return Text(e.Body, "type") }

// interactive are the element types that can be acted upon.
var interactive = map[string]bool{
	"button": true, "overflow": true, "static_select": true, "external_select": true, "users_select": true,
	"conversations_select": true, "channels_select": true, "multi_static_select": true, "multi_external_select": true,
	"multi_users_select": true, "multi_conversations_select": true, "multi_channels_select": true,
	"checkboxes": true, "radio_buttons": true, "datepicker": true, "timepicker": true, "datetimepicker": true,
	"plain_text_input": true, "email_text_input": true, "url_text_input": true, "number_input": true,
	"rich_text_input": true, "file_input": true, "feedback_buttons": true, "icon_button": true, "workflow_button": true,
}

// Elements lists the elements that a person can act on, in reading order.
func Elements(blocks []Block) []Element {
	var out []Element
	add := func(block Block, v any, path string) {
		if body, ok := v.(map[string]any); ok && interactive[Text(body, "type")] {
			out = append(out, Element{block, body, path})
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

// Find returns the element that a click names; without a block_id, the first one with the
// action_id.
func Find(blocks []Block, blockID, actionID string) (Element, bool) {
	for _, e := range Elements(blocks) {
		if e.ActionID() == actionID && (blockID == "" || e.BlockID() == blockID) {
			return e, true
		}
	}
	return Element{}, false
}

// Store turns what an app sent into what Slack keeps: each block gets a
// block_id, each element an action_id, each text object its flags. An app that
// compares what it sent with what came back sees these differences with Slack too.
func Store(blocks []Block, seed string) {
	for i, b := range blocks {
		if Text(b, "block_id") == "" {
			b["block_id"] = ShortID(seed, i)
		}
	}
	for i, e := range Elements(blocks) {
		if e.ActionID() == "" {
			e.Body["action_id"] = ShortID(seed+"a", i)
		}
	}
	for _, b := range blocks {
		Flag(b)
	}
}

// Flag adds the defaults that Slack writes into text objects.
func Flag(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			Flag(x)
		}
	case map[string]any:
		if Text(v, "type") == "rich_text" {
			return
		}
		if _, ok := v["text"].(string); ok {
			switch v["type"] {
			case "plain_text":
				SetDefault(v, "emoji", true)
			case "mrkdwn":
				SetDefault(v, "verbatim", false)
			}
		}
		for _, x := range v {
			Flag(x)
		}
	}
}

// SetDefault writes a field that is missing.
func SetDefault(m map[string]any, key string, value any) {
	if _, ok := m[key]; !ok {
		m[key] = value
	}
}

// ShortID makes ids like Slack's five letters and digits.
func ShortID(seed string, n int) string {
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

// Text reads a string field, and returns "" for anything else.
func Text(m map[string]any, key string) string {
	v, _ := m[key].(string)
	return v
}

// Object reads a nested object. It is nil where there is none or something else, so that
// hostile documents need no special care.
func Object(m map[string]any, key string) map[string]any {
	v, _ := m[key].(map[string]any)
	return v
}

// List reads a nested list, or nil like Object.
func List(m map[string]any, key string) []any {
	v, _ := m[key].([]any)
	return v
}

// Chars counts as Slack's clients and servers do: in UTF-16 units.
func Chars(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// Words is everything that a person can read in the blocks, in order.
func Words(blocks []Block) string {
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

// BlocksIn returns the objects of a list and leaves out everything else.
func BlocksIn(v any) []Block {
	list, _ := v.([]any)
	var out []Block
	for _, x := range list {
		if b, ok := x.(map[string]any); ok {
			out = append(out, b)
		}
	}
	return out
}

// Offered finds an option of an element by its value.
func Offered(e map[string]any, value string) (map[string]any, bool) {
	for _, o := range AllOptions(e) {
		if Text(o, "value") == value {
			return o, true
		}
	}
	return nil, false
}

// AllOptions are an element's options, those of its groups included.
func AllOptions(e map[string]any) []map[string]any {
	all := BlocksIn(e["options"])
	for _, g := range BlocksIn(e["option_groups"]) {
		all = append(all, BlocksIn(g["options"])...)
	}
	return all
}

// Number reads a JSON number, from a request or from Go.
func Number(m map[string]any, key string) (float64, bool) {
	switch v := m[key].(type) {
	case json.Number:
		n, err := v.Float64()
		return n, err == nil
	case float64:
		return v, true
	}
	return 0, false
}
