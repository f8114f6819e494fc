package limits

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"countersign/internal/slacksim/blockkit"
)

// What Slack allows in one message, modal or Home. The numbers are Slack's
// documented ones, except maxTotal, which Slack enforces and does not document.
const (
	maxBlocks     = 50     // of a message
	maxViewBlocks = 100    // of a modal or Home
	maxTotal      = 13_200 // characters of all block text in one message
	maxMarkdown   = 12_000 // characters of all markdown blocks together
	maxTableChars = 10_000
	maxMetadata   = 16_000 // bytes; Slack has a limit and does not document it
)

// Error is Slack's error code for a document that breaks its limits.
type Error struct {
	Code     string
	Messages []string // response_metadata.messages
	Errors   []string // "errors" beside the code, if Slack gives any
}

func (e *Error) Error() string {
	return strings.Join(append([]string{e.Code}, e.Messages...), ": ")
}

// checker walks blocks and notes each broken rule with a JSON pointer, as Slack does.
type checker struct {
	surface  string                       // message, modal or home
	root     string                       // before each pointer: "" or "/view"
	picture  func(id string) (known bool) // whether a slack_file is a picture of ours
	broken   []string
	total    int // characters that count towards maxTotal
	markdown int
	tables   int
	charts   int
	blockIDs map[string]bool
}

// fail notes a broken rule. Checking goes on, so that an app learns all at once.
func (c *checker) fail(path, format string, args ...any) {
	c.broken = append(c.broken, fmt.Sprintf("[ERROR] "+format+" [json-pointer:%s]", append(args, c.root+path)...))
}

// Message refuses what chat.postMessage would. counted is false for
// response_url, which does not count the total.
func Message(blocks []blockkit.Block, attachments []any, counted bool, picture func(string) bool) error {
	c := &checker{surface: "message", picture: picture, blockIDs: map[string]bool{}}
	c.blocks(blocks, "/blocks", maxBlocks)
	for i, a := range attachments {
		body, ok := a.(map[string]any)
		if !ok {
			return &Error{Code: "invalid_attachments"}
		}
		nested := blockkit.BlocksIn(body["blocks"])
		c.blocks(nested, fmt.Sprintf("/attachments/%d/blocks", i), maxBlocks)
		blockkit.Store(nested, fmt.Sprint("attachment", i))
	}
	switch {
	case c.tables > 1:
		return &Error{Code: "only_one_table_allowed"}
	case len(c.broken) > 0:
		return &Error{Code: "invalid_blocks", Messages: c.broken, Errors: c.plain()}
	case counted && c.total > maxTotal:
		return &Error{Code: "msg_blocks_too_long"}
	}
	return nil
}

// plain are the broken rules without their marks, as Slack lists them in "errors".
func (c *checker) plain() []string {
	out := make([]string, len(c.broken))
	for i, b := range c.broken {
		out[i] = strings.TrimPrefix(b, "[ERROR] ")
	}
	return out
}

// blocks checks a list of blocks. When there are too many, that is all Slack says.
func (c *checker) blocks(blocks []blockkit.Block, path string, limit int) {
	if len(blocks) > limit {
		c.fail(path, "no more than %d items allowed", limit)
		return
	}
	for i, b := range blocks {
		at := fmt.Sprintf("%s/%d", path, i)
		if b == nil {
			c.fail(at, "must be an object")
			continue
		}
		c.block(b, at)
	}
}

// block checks one block: a known type that may stand on this surface, its own rule,
// and ids that are unique.
func (c *checker) block(b blockkit.Block, at string) {
	kind := blockkit.Text(b, "type")
	rule, ok := blockRules[kind]
	switch {
	case kind == "":
		c.fail(at, "missing required field: type")
		return
	case !ok || !strings.Contains(rule.surfaces, c.surface):
		c.fail(at+"/type", "unsupported type: %s", kind)
		return
	}
	c.keys(b, at, "type block_id "+rule.keys)
	if id, set := b["block_id"].(string); set && id != "" {
		c.length(id, at+"/block_id", 1, 255)
		if c.blockIDs[id] {
			c.fail(at+"/block_id", "block_id %q already exists", id)
		}
		c.blockIDs[id] = true
	}
	rule.check(c, b, at)
	c.uniqueActions(b, at)
}

// uniqueActions: within one block, no two elements share an action_id.
func (c *checker) uniqueActions(b blockkit.Block, at string) {
	seen := map[string]bool{}
	for _, e := range blockkit.Elements([]blockkit.Block{b}) {
		id := e.ActionID()
		if id == "" {
			continue
		}
		if seen[id] {
			c.fail(at, "action_id %q already exists in this block", id)
		}
		seen[id] = true
	}
}

// keys refuses properties that Slack does not know.
func (c *checker) keys(m map[string]any, at, allowed string) {
	known := strings.Fields(allowed)
	for k := range m {
		if !slices.Contains(known, k) {
			c.fail(at, "invalid additional property: %s", k)
		}
	}
}

// length counts UTF-16 units; the bounds are inclusive, Slack's words exclusive.
func (c *checker) length(s, at string, least, most int) {
	switch n := blockkit.Chars(s); {
	case n < least:
		c.fail(at, "must be more than %d characters", least-1)
	case n > most:
		c.fail(at, "must be less than %d characters", most+1)
	}
}

// field checks an optional string.
func (c *checker) field(m map[string]any, key, at string, most int) {
	switch v := m[key].(type) {
	case nil:
	case string:
		c.length(v, at+"/"+key, 0, most)
	default:
		c.fail(at+"/"+key, "must provide a string")
	}
}

// required checks a string that must be there.
func (c *checker) required(m map[string]any, key, at string, most int) {
	if m[key] == nil {
		c.fail(at, "missing required field: %s", key)
		return
	}
	if v, ok := m[key].(string); ok {
		c.length(v, at+"/"+key, 1, most)
		return
	}
	c.fail(at+"/"+key, "must provide a string")
}

// textObject checks {"type","text"}. kinds is plain_text, or any.
func (c *checker) textObject(v any, at, kinds string, most int) {
	m, ok := v.(map[string]any)
	kind := blockkit.Text(m, "type")
	switch {
	case !ok:
		c.fail(at, "must provide an object")
		return
	case kind != "plain_text" && (kind != "mrkdwn" || kinds == "plain_text"):
		c.fail(at+"/type", "unsupported type: %s", kind)
		return
	}
	c.keys(m, at, "type text emoji verbatim")
	if (m["emoji"] != nil && kind != "plain_text") || (m["verbatim"] != nil && kind != "mrkdwn") {
		c.fail(at, "emoji belongs to plain_text and verbatim to mrkdwn")
	}
	c.required(m, "text", at, most)
	c.total += blockkit.Chars(blockkit.Text(m, "text"))
}

// optionalText checks a text object that may be missing.
func (c *checker) optionalText(m map[string]any, key, at, kinds string, most int) {
	if m[key] != nil {
		c.textObject(m[key], at+"/"+key, kinds, most)
	}
}

// requiredText checks a text object that must be there.
func (c *checker) requiredText(m map[string]any, key, at, kinds string, most int) {
	if m[key] == nil {
		c.fail(at, "missing required field: %s", key)
		return
	}
	c.textObject(m[key], at+"/"+key, kinds, most)
}

// items checks a list's length and each of its objects.
func (c *checker) items(m map[string]any, key, at string, least, most int, each func(v map[string]any, at string)) {
	all, ok := m[key].([]any)
	at += "/" + key
	switch {
	case m[key] == nil && least == 0:
		return
	case m[key] == nil:
		c.fail(strings.TrimSuffix(at, "/"+key), "missing required field: %s", key)
		return
	case !ok:
		c.fail(at, "must provide an array")
		return
	case len(all) < least:
		c.fail(at, "no fewer than %d items allowed", least)
	case len(all) > most:
		c.fail(at, "no more than %d items allowed", most)
		return
	}
	for i, v := range all {
		where := fmt.Sprintf("%s/%d", at, i)
		if body, ok := v.(map[string]any); ok {
			each(body, where)
		} else {
			c.fail(where, "must provide an object")
		}
	}
}

// Metadata: an event_type and a flat-enough payload.
func Metadata(m map[string]any) error {
	if blockkit.Text(m, "event_type") == "" || blockkit.Object(m, "event_payload") == nil {
		return &Error{Code: "invalid_metadata_schema", Messages: []string{"metadata needs event_type and event_payload"}}
	}
	data, err := json.Marshal(m)
	if err != nil || len(data) > maxMetadata {
		return &Error{Code: "metadata_too_large"}
	}
	return nil
}
