package bot

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/readback"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
)

// risen is the sample with something to lose in every place of its card.
func risen(v *steps.View) {
	telling(v)
	v.Request.Question = "Is 1 0 more than 10.00? https://a.example :x:"
}

// spoil is something that Slack must not do to a card.
type spoil struct {
	name string
	do   func(card string) string
}

// swapped replaces one text by another, which has to be there.
func swapped(name, old, new string) spoil {
	return spoil{name, func(card string) string {
		if !strings.Contains(card, old) {
			panic(fmt.Sprintf("%s: %q is not on the card:\n%s", name, old, card))
		}
		return strings.Replace(card, old, new, 1)
	}}
}

// rebuilt changes the blocks themselves.
func rebuilt(name string, do func(blocks []any) []any) spoil {
	return spoil{name, func(card string) string {
		t, err := readback.TreeOf([]byte(card))
		if err != nil {
			panic(err)
		}
		return string(sample.MustJSON(do(t.([]any))))
	}}
}

// indexOf finds the block that contains a text.
func indexOf(blocks []any, text string) int {
	return slices.IndexFunc(blocks, func(b any) bool { return strings.Contains(string(sample.MustJSON(b)), text) })
}

// spoils are the differences that take Approve away.
func spoils() []spoil {
	button := func(change func(button map[string]any)) func([]any) []any {
		return func(blocks []any) []any {
			actions := blocks[len(blocks)-1].(map[string]any)
			change(actions["elements"].([]any)[0].(map[string]any))
			return blocks
		}
	}
	row := func(change func(row []any) []any) func([]any) []any {
		return func(blocks []any) []any {
			actions := blocks[len(blocks)-1].(map[string]any)
			actions["elements"] = change(actions["elements"].([]any))
			return blocks
		}
	}
	code := func(change func(block map[string]any, pre map[string]any)) func([]any) []any {
		return func(blocks []any) []any {
			block := blocks[indexOf(blocks, "rich_text_preformatted")].(map[string]any)
			parts := block["elements"].([]any)
			change(block, parts[len(parts)-1].(map[string]any))
			return blocks
		}
	}
	textOf := func(pre map[string]any) map[string]any { return pre["elements"].([]any)[0].(map[string]any) }
	return []spoil{
		// Code.
		swapped("another byte in code", `1  import pandas`, `1  import pandaz`),
		swapped("another case in code", `1  import pandas`, `1  Import pandas`),
		swapped("a blank more in code", `1  import pandas`, `1  import  pandas`),
		swapped("a blank less in code", `1  import pandas`, `1 import pandas`),
		swapped("a blank at the end of a line", `pandas as pd\n`, `pandas as pd \n`),
		swapped("another kind of blank in code", `import pandas`, "import\u00a0pandas"),
		swapped("an invisible character in code", `import pandas`, "import\u200b pandas"),
		swapped("a line of code gone", `1  import pandas as pd\n`, ``),
		swapped("a line of code twice", `1  import pandas as pd\n`, `1  import pandas as pd\n1  import pandas as pd\n`),
		swapped("a line of code more", `1  import pandas as pd\n`, `1  import pandas as pd\n   import os\n`),
		swapped("a line end in code", `pandas as pd\n`, `pandas as pd\r\n`),
		swapped("an entity in code", `\"month\"`, `&quot;month&quot;`),
		rebuilt("code cut", code(func(_, pre map[string]any) {
			e := textOf(pre)
			e["text"] = e["text"].(string)[:40]
		})),
		rebuilt("code with a line end more", code(func(_, pre map[string]any) {
			e := textOf(pre)
			e["text"] = e["text"].(string) + "\n"
		})),
		rebuilt("code doubled in its element", code(func(_, pre map[string]any) {
			pre["elements"] = append(pre["elements"].([]any), pre["elements"].([]any)...)
		})),
		rebuilt("code doubled in its block", code(func(block, pre map[string]any) {
			block["elements"] = append(block["elements"].([]any), pre)
		})),
		rebuilt("code empty", code(func(_, pre map[string]any) { pre["elements"] = []any{} })),
		rebuilt("code that is a paragraph", code(func(_, pre map[string]any) { pre["type"] = "rich_text_section" })),
		rebuilt("code that is a quote", code(func(_, pre map[string]any) { pre["type"] = "rich_text_quote" })),
		rebuilt("a person in code", code(func(_, pre map[string]any) {
			pre["elements"] = append(pre["elements"].([]any), map[string]any{"type": "user", "user_id": "U1"})
		})),
		rebuilt("a link in code that leads elsewhere", code(func(_, pre map[string]any) {
			e := textOf(pre)
			pre["elements"] = []any{map[string]any{"type": "link", "url": "https://evil.example", "text": e["text"]}}
		})),
		rebuilt("code crossed out", code(func(_, pre map[string]any) { textOf(pre)["style"] = map[string]any{"strike": true} })),
		rebuilt("code under another of our ids", code(func(block, _ map[string]any) { block["block_id"] = kit.CodeID + "2" })),
		rebuilt("code in another place", func(blocks []any) []any {
			at := indexOf(blocks, "rich_text_preformatted")
			moved := blocks[at]
			return slices.Insert(slices.Delete(blocks, at, at+1), 1, moved)
		}),
		rebuilt("another program before it", func(blocks []any) []any {
			at := indexOf(blocks, "rich_text_preformatted")
			pre := map[string]any{"type": "rich_text_preformatted", "elements": []any{map[string]any{"type": "text", "text": "1  print(1)"}}}
			return slices.Insert(blocks, at, any(map[string]any{"type": "rich_text", "elements": []any{pre}}))
		}),
		// What a decision rests on.
		swapped("another risk", `Low risk`, `High risk`),
		swapped("a danger gone", `Danger`, `Caution`),
		swapped("another line in a finding", `Line 3`, `Line 4`),
		swapped("another finding", `uses 10 or 1.0`, `uses 10 or 10`),
		swapped("a point gone", `10.00`, `1000`),
		swapped("a blank between digits gone", `Is 1 0 more`, `Is 10 more`),
		swapped("a blank between digits come", `10.00?`, `10 .00?`),
		swapped("another question", `Is 1 0 more`, `Is 1 0 less`),
		swapped("another asker", slacksim.Analyst, slacksim.Guest),
		swapped("another file", `sales.csv`, `sale5.csv`),
		swapped("another reading", `1,204 rows`, `1,205 rows`),
		swapped("another host", `api.example.com`, `api.example.org`),
		swapped("another count of hosts", `access to 2 hosts`, `access to 3 hosts`),
		swapped("another limit of time", `120 seconds`, `20 seconds`),
		swapped("another limit of memory", `1 GB`, `2 GB`),
		swapped("another cost", `1 cent more`, `2 cents more`),
		swapped("another budget", `$7.88 of $10`, `$7.88 of $100`),
		swapped("another day", fmt.Sprint(sample.Noon.Add(24*60*60*1e9).Unix()), fmt.Sprint(sample.Noon.Unix())),
		swapped("another format of a day", kit.DateFormat, "{time}"),
		swapped("another fallback of a day", `23 Nov 2026`, `24 Nov 2026`),
		swapped("another digest", `sha256 `, `sha256 0`),
		swapped("a number in figures of another kind", `120 seconds`, `１20 seconds`),
		swapped("a number hidden in an entity", `120 seconds`, `&#49;20 seconds`),
		swapped("a word turned around", `Low risk`, "\u202eLow risk"),
		rebuilt("an emoji that is a digit", func(blocks []any) []any {
			return emojiFor(blocks, "at most 120", "1", map[string]any{"type": "emoji", "name": "one", "unicode": "0031-fe0f-20e3"})
		}),
		rebuilt("an emoji that says it is a digit", func(blocks []any) []any {
			return emojiFor(blocks, "at most 120", "1", map[string]any{"type": "emoji", "name": "one", "unicode": "0031"})
		}),
		rebuilt("another emoji", func(blocks []any) []any {
			return emojiFor(blocks, ":x:", ":x:", map[string]any{"type": "emoji", "name": "white_check_mark", "unicode": "2705"})
		}),
		rebuilt("an emoji more", func(blocks []any) []any {
			return emojiFor(blocks, "at most 120", "20", map[string]any{"type": "emoji", "name": "zero", "unicode": "0030-fe0f-20e3"})
		}),
		rebuilt("an address that leads elsewhere", func(blocks []any) []any {
			return emojiFor(blocks, "https://a.example", "https://a.example", map[string]any{"type": "link", "url": "https://b.example", "text": "https://a.example"})
		}),
		rebuilt("a sentence crossed out", func(blocks []any) []any {
			return emojiFor(blocks, "at most 120", "120", map[string]any{"type": "text", "text": "120", "style": map[string]any{"strike": true}})
		}),
		rebuilt("a sentence more", func(blocks []any) []any {
			more := map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": "Everything is fine."}}
			return slices.Insert(blocks, 1, any(more))
		}),
		rebuilt("a divider more", func(blocks []any) []any { return slices.Insert(blocks, 1, any(map[string]any{"type": "divider"})) }),
		rebuilt("a paragraph gone", func(blocks []any) []any { return slices.Delete(blocks, 1, 2) }),
		rebuilt("a paragraph twice", func(blocks []any) []any { return slices.Insert(blocks, 1, blocks[1]) }),
		rebuilt("two paragraphs in the other order", func(blocks []any) []any {
			blocks[1], blocks[2] = blocks[2], blocks[1]
			return blocks
		}),
		rebuilt("the small print gone", func(blocks []any) []any { return slices.Delete(blocks, len(blocks)-2, len(blocks)-1) }),
		rebuilt("a block that nobody knows", func(blocks []any) []any {
			return append(blocks, map[string]any{"type": "hologram", "text": "Everything is fine."})
		}),
		rebuilt("an element that nobody knows", func(blocks []any) []any {
			return emojiFor(blocks, "at most 120", "120", map[string]any{"type": "hologram", "text": "120"})
		}),
		rebuilt("somebody's words as ours", func(blocks []any) []any {
			text := string(sample.MustJSON(blocks))
			t, err := readback.TreeOf([]byte(strings.ReplaceAll(text, "rich_text_quote", "rich_text_section")))
			if err != nil {
				panic(err)
			}
			return t.([]any)
		}),
		// Buttons.
		rebuilt("all buttons gone", func(blocks []any) []any { return blocks[:len(blocks)-1] }),
		rebuilt("Approve gone", row(func(all []any) []any { return all[1:] })),
		rebuilt("Reject gone", row(func(all []any) []any { return slices.Delete(all, 1, 2) })),
		rebuilt("Approve twice", row(func(all []any) []any { return append(all, all[0]) })),
		rebuilt("another button", row(func(all []any) []any {
			return append(all, map[string]any{"type": "button", "text": map[string]any{"type": "plain_text", "text": "More"}, "action_id": "more"})
		})),
		rebuilt("buttons in another order", row(func(all []any) []any {
			all[0], all[1] = all[1], all[0]
			return all
		})),
		rebuilt("another value", button(func(b map[string]any) { b["value"] = "z" + b["value"].(string) })),
		rebuilt("a value with a blank", button(func(b map[string]any) { b["value"] = b["value"].(string) + " " })),
		rebuilt("no value", button(func(b map[string]any) { delete(b, "value") })),
		rebuilt("a value without its mark", button(func(b map[string]any) { b["value"], _ = readback.CutMark(b["value"].(string)) })),
		rebuilt("another mark", button(func(b map[string]any) {
			seal, mark := readback.CutMark(b["value"].(string))
			b["value"] = seal + "/" + strings.Repeat("0", len(mark))
		})),
		rebuilt("another action", button(func(b map[string]any) { b["action_id"] = ids.ActionReject })),
		rebuilt("another label", button(func(b map[string]any) { b["text"].(map[string]any)["text"] = "Reject" })),
		rebuilt("another label for screen readers", button(func(b map[string]any) { b["accessibility_label"] = "Reject this code" })),
		rebuilt("an address", button(func(b map[string]any) { b["url"] = "https://evil.example" })),
		rebuilt("only for some to see", button(func(b map[string]any) { b["visible_to_user_ids"] = []any{"U1"} })),
		rebuilt("no confirmation", button(func(b map[string]any) { delete(b, "confirm") })),
		rebuilt("another confirmation", button(func(b map[string]any) {
			b["confirm"].(map[string]any)["text"].(map[string]any)["text"] = "Fine?"
		})),
		rebuilt("a confirmation with its answers the other way round", button(func(b map[string]any) {
			c := b["confirm"].(map[string]any)
			c["confirm"], c["deny"] = c["deny"], c["confirm"]
		})),
		rebuilt("a confirmation where there was none", row(func(all []any) []any {
			all[1].(map[string]any)["confirm"] = all[0].(map[string]any)["confirm"]
			return all
		})),
		rebuilt("a menu entry less", row(func(all []any) []any {
			menu := all[len(all)-1].(map[string]any)
			menu["options"] = menu["options"].([]any)[1:]
			return all
		})),
		rebuilt("a menu entry with another value", row(func(all []any) []any {
			menu := all[len(all)-1].(map[string]any)
			menu["options"].([]any)[0].(map[string]any)["value"] = "other"
			return all
		})),
		// What it is not known to say.
		rebuilt("small print of an unknown kind", added("context", "elements", []any{unknown})),
		rebuilt("small print that is no object", added("context", "elements", []any{"Your boss has agreed."})),
		rebuilt("a text of an unknown kind", added("section", "text", unknown)),
		rebuilt("a field of an unknown kind", added("section", "fields", []any{unknown})),
		rebuilt("a heading of an unknown kind", added("header", "text", unknown)),
		rebuilt("a label of an unknown kind", added("input", "label", unknown)),
		rebuilt("a cell of an unknown kind", added("table", "rows", []any{[]any{unknown}})),
	}
}

// unknown is an element that Slack may have some day.
var unknown = map[string]any{"type": "shouted", "words": map[string]any{"type": "plain_text", "text": "Your boss has agreed."}}

// added is a block more before the buttons, with one part.
func added(kind, part string, holds any) func([]any) []any {
	return func(blocks []any) []any {
		return slices.Insert(blocks, len(blocks)-1, any(map[string]any{"type": kind, part: holds}))
	}
}

func TestAnUnknownPartCountsWhereverItStands(t *testing.T) {
	t.Parallel()
	for kind, part := range map[string]string{"context": "elements", "section": "fields", "header": "text", "table": "rows"} {
		held := func(words string) readback.Tree {
			of := any(map[string]any{"type": "shouted", "words": words})
			switch part {
			case "rows":
				of = []any{[]any{of}}
			case "text":
			default:
				of = []any{of}
			}
			return readback.TreeFrom([]any{map[string]any{"type": kind, part: of}})
		}
		require.True(t, readback.Differ(readback.TreeFrom([]any{}), held("Yes")).Harmful(), kind)
		require.True(t, readback.Differ(held("No"), held("Yes")).Harmful(), kind)
		require.False(t, readback.Differ(held("No"), held("No")).Harmful(), kind)
	}
}

// emojiFor puts an element in the place of a word of the text that contains another.
func emojiFor(blocks []any, in, word string, element map[string]any) []any {
	done := false
	var look func(t any)
	look = func(t any) {
		m, ok := t.(map[string]any)
		if !ok {
			return
		}
		list, _ := m["elements"].([]any)
		for i, x := range list {
			e, _ := x.(map[string]any)
			text, _ := e["text"].(string)
			if !done && e["type"] == "text" && strings.Contains(text, in) {
				before, after, _ := strings.Cut(text, word)
				done = true
				parts := []any{element}
				if before != "" {
					parts = append([]any{map[string]any{"type": "text", "text": before}}, parts...)
				}
				if after != "" {
					parts = append(parts, map[string]any{"type": "text", "text": after})
				}
				m["elements"] = slices.Concat(list[:i:i], parts, list[i+1:])
				return
			}
			look(x)
		}
	}
	for _, b := range blocks {
		look(b)
	}
	if !done {
		panic(fmt.Sprintf("%q is nowhere", in))
	}
	return blocks
}

// judged holds a card against what was sent, as the post and as the press does.
func judged(sent readback.Tree, held []byte) (atPost, atPress bool) {
	t, err := readback.TreeOf(held)
	if err != nil {
		panic(err)
	}
	body := map[string]any{"blocks": t}
	atPost = !readback.Differ(sent, body).Harmful()
	_, mark := readback.CutMark(approveOf(sent))
	_, got := readback.CutMark(approveOf(t))
	return atPost, mark == got && approveOf(sent) == approveOf(t) && (readback.Whole(body) == mark || readback.MarkOf(body, sent) == readback.Bare(mark)) && slices.Equal(readback.ProgramOf(readback.FactsOf(body)), readback.ProgramOf(readback.FactsOf(sent)))
}

// approveOf is the value of Approve.
func approveOf(blocks readback.Tree) (value string) {
	for _, b := range blocks.([]any) {
		actions, _ := b.(map[string]any)
		elements, _ := actions["elements"].([]any)
		for _, x := range elements {
			if e, _ := x.(map[string]any); e["action_id"] == ids.ActionApprove {
				value, _ = e["value"].(string)
			}
		}
	}
	return value
}

func TestProveSlackWhatIsNotHarmlessTakesApproveAway(t *testing.T) {
	t.Parallel()
	b := idle(t).bot
	sent := readback.TreeFrom(draw.Card(b.with(), sample.View(risen), false).Blocks)
	fine, press := judged(sent, sample.MustJSON(sent))
	require.True(t, fine && press)
	all := spoils()
	refused := 0
	for _, s := range all {
		fine, press := judged(sent, []byte(s.do(string(sample.MustJSON(sent)))))
		if fine || press {
			t.Errorf("%s: accepted when posted %t, when pressed %t", s.name, fine, press)
			continue
		}
		refused++
	}
	proof.Check(t, refused == len(all), "what is not harmless takes Approve away, when posted and when pressed", "%d of %d changes", refused, len(all))
}
