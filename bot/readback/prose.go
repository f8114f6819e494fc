package readback

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// saying is what a paragraph says: its pieces in their order, each with the ways
// in which it can be written. A link that Slack made of an address reads like the
// address, an emoji like its name between colons or like its character.
type saying [][]string

// literally is a text that can be written in one way only.
func literally(text string) saying { return saying{{text}} }

// plain is the saying in the first spelling of each piece.
func (s saying) plain() string {
	var b strings.Builder
	for _, ways := range s {
		b.WriteString(ways[0])
	}
	return b.String()
}

// says tells whether the saying is a way of writing the text.
func (s saying) says(text string) bool {
	// Each piece may be written in several ways, so the text may have been read to several places. All of
	// them are followed: a greedy choice could end in a place from which the rest does not fit.
	ends := map[int]bool{0: true}
	for _, ways := range s {
		next := map[int]bool{}
		for at := range ends {
			for _, way := range ways {
				if strings.HasPrefix(text[at:], way) && !insideNumber(text, at, way) {
					next[at+len(way)] = true
				}
			}
		}
		ends = next
	}
	return ends[len(text)]
}

// insideNumber tells that an emoji's name is a number, and would stand inside a time
// or an amount: 10:30:45 is no picture of thirty.
func insideNumber(text string, at int, way string) bool {
	if len(way) < 3 || way[0] != ':' || strings.Trim(way, ":0123456789") != "" {
		return false
	}
	digit := func(i int) bool { return i >= 0 && i < len(text) && text[i] >= '0' && text[i] <= '9' }
	return digit(at-1) || digit(at+len(way))
}

// flat takes from a text what carries no meaning: the number and kind of blanks, the
// spelling of &, < and >, and the selectors that choose between pictures of one character.
func flat(text string) string { return strings.TrimSpace(flattened(text)) }

// flattened does it for a part of a paragraph, whose outer blanks count.
func flattened(text string) string {
	for {
		// Again and again, because Slack may escape what was escaped: &amp;lt; says the same as <.
		once := entities.Replace(text)
		if once == text {
			break
		}
		text = once
	}
	var b strings.Builder
	blank := false
	for _, r := range text {
		switch {
		case r == 0xFE0E || r == 0xFE0F:
			continue
		case unicode.IsSpace(r):
			if !blank {
				b.WriteByte(' ')
			}
			blank = true
			continue
		case r < ' ' && r != hole:
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
		blank = false
	}
	return b.String()
}

// entities are the three that Slack writes and no others: &#49; stays what it is.
var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

// hole stands in a paragraph for a piece that is no text, while its texts are joined.
const hole = '\x00'

// paragraph collects a saying.
type paragraph struct {
	text   strings.Builder
	pieces [][]string // one for each hole
}

// write adds text. A hole in it would be taken for a piece, so there is none afterwards.
func (p *paragraph) write(text string) {
	p.text.WriteString(strings.ReplaceAll(text, string(hole), string(unicode.ReplacementChar)))
}

// piece adds something that can be written in several ways, at the place where it stands.
func (p *paragraph) piece(ways ...string) {
	p.text.WriteByte(hole)
	p.pieces = append(p.pieces, ways)
}

// thing is a piece that is only itself: a person, a channel, a moment. No text reads like it.
func (p *paragraph) thing(kind string, what ...string) {
	p.piece("\x01" + kind + " " + strings.Join(what, " ") + "\x01")
}

// link adds a link. One whose text is its address is what Slack makes of an address in a text, so
// it reads like one. Any other says where it leads as well as what is on it.
func (p *paragraph) link(url, text string) {
	if text == "" {
		text = url
	}
	if !isAddress(text, url) {
		p.write(text)
		p.thing("link", sameAddress(url))
		return
	}
	p.piece(ways(flattened(sameAddress(text)), flattened(text), flattened(sameAddress(text)+"/"))...)
}

// said ends the paragraph.
func (p *paragraph) said() (s saying) {
	texts := strings.Split(flat(p.text.String()), string(hole))
	for i, text := range texts {
		if i > 0 {
			s = append(s, p.pieces[i-1])
		}
		if text != "" {
			s = append(s, []string{text})
		}
	}
	return s
}

// ways are the different ones among these, in their order.
func ways(all ...string) (some []string) {
	for _, w := range all {
		if !slices.Contains(some, w) {
			some = append(some, w)
		}
	}
	return some
}

// sentence reads the elements of a paragraph in rich text. A date's fallback may be
// left out.
func sentence(elements []any) (s saying, soft []string) {
	p := &paragraph{}
	for _, t := range elements {
		e, _ := t.(map[string]any)
		if struck(e) {
			p.thing("struck out")
		}
		text := func(key string) string { v, _ := e[key].(string); return v }
		switch kind := text("type"); kind {
		case "text":
			p.write(text("text"))
		case "link":
			p.link(text("url"), text("text"))
		case "emoji":
			p.emoji(e)
		case "user":
			p.thing(kind, text("user_id"))
		case "channel":
			p.thing(kind, text("channel_id"))
		case "usergroup":
			p.thing(kind, text("usergroup_id"))
		case "broadcast":
			p.thing(kind, text("range"))
		case "date":
			p.thing(kind, whole(e["timestamp"]), text("format"), sameAddress(text("url")))
			soft = append(soft, flat(text("fallback")))
		default:
			p.thing("element", oddity("", t).said.plain())
		}
	}
	return p.said(), soft
}

// struck tells of an element that is crossed out: that says the opposite.
func struck(e map[string]any) bool {
	style, _ := e["style"].(map[string]any)
	return style["strike"] == true
}

// emoji reads like its name, or like the characters that it stands for. These are no
// letters and digits of their own. What was sent as :thumbsup: and is held as "+1" with the
// same characters is not recognised: that both are one picture only a list of Slack's names
// would tell, without which any name would pass for any other. Such a card is refused, which
// is the safe side.
func (p *paragraph) emoji(e map[string]any) {
	name, _ := e["name"].(string)
	codes, _ := e["unicode"].(string)
	named := ":" + name + ":"
	if tone := whole(e["skin_tone"]); tone != "" && tone != "0" {
		named += ":skin-tone-" + tone + ":"
	}
	var drawn strings.Builder
	picture, keycap := codes != "", strings.Contains(codes, "20e3")
	for code := range strings.SplitSeq(codes, "-") {
		r, err := strconv.ParseUint(code, 16, 32)
		if err != nil || r < 0x80 && !keycap || unicode.IsSpace(rune(r)) || r > unicode.MaxRune {
			picture = false
			break
		}
		drawn.WriteRune(rune(r))
	}
	if picture {
		p.piece(ways(flattened(named), flattened(drawn.String()))...)
		return
	}
	p.piece(ways(flattened(named))...)
}

// whole is a whole number, however it is written: 1, 1.0 and 1e0 are one.
func whole(t Tree) string {
	if t == nil {
		return ""
	}
	if n, err := strconv.ParseFloat(fmt.Sprint(t), 64); err == nil && n == float64(int64(n)) {
		return strconv.FormatInt(int64(n), 10)
	}
	return fmt.Sprint(t)
}

// sameAddress is an address without the slash that may end a bare host.
func sameAddress(url string) string {
	if _, rest, ok := strings.Cut(url, "://"); ok && strings.Count(rest, "/") == 1 {
		return strings.TrimSuffix(url, "/")
	}
	return url
}

// isAddress tells whether a link's text is where it leads.
func isAddress(text, url string) bool {
	to := sameAddress(url)
	return slices.Contains([]string{text, sameAddress(text), "http://" + text, "https://" + text, "mailto:" + text}, to) && text != ""
}

// proseOf reads a text object: plain text, mrkdwn, or a cell's. Of anything else it is not
// known what it shows, so that it counts whatever it holds.
func proseOf(t Tree) saying {
	o, _ := t.(map[string]any)
	text, _ := o["text"].(string)
	p := &paragraph{}
	switch o["type"] {
	case "mrkdwn":
	case "plain_text", "raw_text":
		p.write(text)
		return p.said()
	default:
		if t == nil { // there is none
			return saying{}
		}
		return oddity("", t).said
	}
	for text != "" {
		// mrkdwn has one kind of markup that leads somewhere: what stands between < and >.
		before, rest, open := strings.Cut(text, "<")
		inner, after, closed := strings.Cut(rest, ">")
		if !open || !closed {
			p.write(text)
			break
		}
		p.write(before)
		p.reference(inner)
		text = after
	}
	return p.said()
}

// reference reads what stands between < and > in mrkdwn.
func (p *paragraph) reference(inner string) {
	to, label, _ := strings.Cut(inner, "|")
	switch {
	case strings.HasPrefix(to, "@"):
		p.thing("user", to[1:])
	case strings.HasPrefix(to, "#"):
		p.thing("channel", to[1:])
	case strings.HasPrefix(to, "!date^"):
		p.thing("date", strings.Split(to, "^")[1:]...)
	case strings.HasPrefix(to, "!"):
		p.thing("broadcast", to[1:])
	default:
		p.link(to, label)
	}
}
