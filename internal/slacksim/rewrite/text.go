package rewrite

import (
	"fmt"
	"maps"
	"regexp"
	"strings"

	"countersign/internal/slacksim/blockkit"
)

var (
	bareHost    = regexp.MustCompile(`^https?://[^/?#]+$`)
	wholeNumber = regexp.MustCompile(`^-?\d+$`)
	address     = regexp.MustCompile(`https?://[^\s<>|]+`)
	entity      = regexp.MustCompile(`^&(amp|lt|gt);`)
	// pictures are the emoji that become elements: some names between colons, and characters.
	pictures = regexp.MustCompile(`:(?:x|tada|\+1):|[\x{1F300}-\x{1FAFF}\x{2705}\x{274C}](?:\x{FE0F})?`)
)

// emojiNames are the names of some characters; the others get one that says what they are.
var emojiNames = map[string]string{"❌": "x", "🎉": "tada", "👍": "+1", "✅": "white_check_mark"}

// code rewrites the elements of preformatted text.
func (w *rewriter) code(elements []any) (out []any) {
	for _, t := range elements {
		e, _ := t.(map[string]any)
		if blockkit.Text(e, "type") != "text" || !w.Does(12) {
			out = append(out, w.styled(t))
			continue
		}
		for _, line := range strings.SplitAfter(blockkit.Text(e, "text"), "\n") {
			if line != "" {
				out = append(out, w.styled(withText(e, line)))
			}
		}
	}
	return out
}

// prose rewrites the elements of a paragraph. before tells that code follows.
func (w *rewriter) prose(elements []any, before bool) []any {
	if w.ways[2] {
		elements = w.merge(elements)
	}
	if w.ways[10] {
		elements = w.cutOut(elements, pictures, emojiElement)
	}
	if w.ways[11] {
		elements = w.cutOut(elements, address, linkElement)
	}
	if w.ways[3] {
		elements = w.split(elements)
	}
	for i, t := range elements {
		e, _ := t.(map[string]any)
		last := i == len(elements)-1
		switch blockkit.Text(e, "type") {
		case "text":
			if w.Does(13) {
				e["text"] = oneBlank(blockkit.Text(e, "text"))
			}
			if said := blockkit.Text(e, "text"); last && strings.TrimRight(said, " ") != "" && w.Does(20) {
				e["text"] = strings.TrimRight(said, " ")
			}
		case "date":
			if w.Does(6) {
				delete(e, "fallback")
			}
		case "user":
			if w.Does(21) {
				e["style"] = map[string]any{"bold": w.pick(2) == 0}
			}
		}
		w.styled(e)
	}
	if before && w.Does(20) {
		elements = append(elements, map[string]any{"type": "text", "text": "\n"})
	}
	return elements
}

// styled rewrites how an element says what it looks like.
func (w *rewriter) styled(t any) any {
	e, ok := t.(map[string]any)
	if !ok {
		return t
	}
	style, has := e["style"].(map[string]any)
	if has && len(style) > 0 && w.Does(15) {
		for _, key := range []string{"italic", "strike", "bold", "code"} {
			blockkit.SetDefault(style, key, false)
		}
	}
	switch {
	case !has && w.Does(16):
		e["style"] = map[string]any{}
	case has && len(style) == 0 && w.Does(16):
		delete(e, "style")
	}
	return e
}

// withText is a text element with another text.
func withText(e map[string]any, said string) map[string]any {
	out := maps.Clone(e)
	out["text"] = said
	if style, ok := e["style"].(map[string]any); ok {
		out["style"] = maps.Clone(style)
	}
	return out
}

// merge makes one element of neighbours of one style.
func (w *rewriter) merge(elements []any) (out []any) {
	for _, t := range elements {
		e, _ := t.(map[string]any)
		last, _ := at(out, len(out)-1).(map[string]any)
		if blockkit.Text(e, "type") == "text" && blockkit.Text(last, "type") == "text" && fmt.Sprint(e["style"]) == fmt.Sprint(last["style"]) && w.hit() {
			last["text"] = blockkit.Text(last, "text") + blockkit.Text(e, "text")
			continue
		}
		out = append(out, t)
	}
	return out
}

// split makes two elements of one.
func (w *rewriter) split(elements []any) (out []any) {
	for _, t := range elements {
		e, _ := t.(map[string]any)
		runes := []rune(blockkit.Text(e, "text"))
		if blockkit.Text(e, "type") != "text" || len(runes) < 2 || !w.hit() {
			out = append(out, t)
			continue
		}
		n := 1 + w.pick(len(runes)-1)
		out = append(out, withText(e, string(runes[:n])), withText(e, string(runes[n:])))
	}
	return out
}

// cutOut makes elements of their own of what is found in texts.
func (w *rewriter) cutOut(elements []any, what *regexp.Regexp, element func(found string) map[string]any) (out []any) {
	for _, t := range elements {
		e, _ := t.(map[string]any)
		said := blockkit.Text(e, "text")
		if blockkit.Text(e, "type") != "text" {
			out = append(out, t)
			continue
		}
		for _, found := range what.FindAllString(said, -1) {
			if !w.hit() {
				break
			}
			before, after, _ := strings.Cut(said, found)
			if before != "" {
				out = append(out, withText(e, before))
			}
			made := element(found)
			if e["style"] != nil {
				made["style"] = e["style"]
			}
			out, said = append(out, made), after
		}
		if said != "" {
			out = append(out, withText(e, said))
		}
	}
	return out
}

func linkElement(url string) map[string]any { return map[string]any{"type": "link", "url": url} }

func emojiElement(found string) map[string]any {
	if strings.HasPrefix(found, ":") {
		name := strings.Trim(found, ":")
		for char, n := range emojiNames {
			if n == name {
				return map[string]any{"type": "emoji", "name": name, "unicode": codes(char)}
			}
		}
	}
	name := emojiNames[found]
	if name == "" {
		name = "picture_" + codes(found)
	}
	return map[string]any{"type": "emoji", "name": name, "unicode": codes(found)}
}

// codes spell characters as Slack does: 1f44d-1f3fb.
func codes(chars string) string {
	var all []string
	for _, r := range chars {
		all = append(all, fmt.Sprintf("%x", r))
	}
	return strings.Join(all, "-")
}

// oneBlank makes one of two blanks.
func oneBlank(said string) string {
	for strings.Contains(said, "  ") {
		said = strings.ReplaceAll(said, "  ", " ")
	}
	return said
}

// entities spells &, < and >. In mrkdwn, what is an entity or a reference already stays it.
func entities(said string, mrkdwn bool) string {
	var out strings.Builder
	for i := 0; i < len(said); i++ {
		rest := said[i:]
		if mrkdwn {
			if known := entity.FindString(rest); known != "" {
				out.WriteString(known)
				i += len(known) - 1
				continue
			}
			if end := strings.IndexByte(rest, '>'); rest[0] == '<' && end > 0 {
				out.WriteString(rest[:end+1])
				i += end
				continue
			}
		}
		switch said[i] {
		case '&':
			out.WriteString("&amp;")
		case '<':
			out.WriteString("&lt;")
		case '>':
			out.WriteString("&gt;")
		default:
			out.WriteByte(said[i])
		}
	}
	return out.String()
}
