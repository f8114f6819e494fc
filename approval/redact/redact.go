package redact

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Rules are those that always hold, and what administrators have added. The nil Rules are
// those that always hold.
type Rules struct{ added []rule }

// Bounds of what administrators add.
const (
	MostAdded  = 50  // lines
	leastAdded = 4   // signs of a word: a shorter one is a part of too many others
	mostAdded  = 200 // of a line
)

// LineError says which line cannot be a rule.
type LineError struct {
	Line int // the first is 1; 0: there are too many
	Why  string
}

// Error implements error.
func (e *LineError) Error() string {
	if e.Line == 0 {
		return e.Why
	}
	return fmt.Sprintf("line %d %s", e.Line, e.Why)
}

// Readable tells whether the rules can look into this: it is text in UTF-8. Of a workbook, or of text in another
// encoding, they would find nothing and say nothing.
func Readable(data []byte) bool { return utf8.Valid(data) && !bytes.ContainsRune(data, 0) }

// Picture tells whether this is a picture, by how it begins. Text is none, though it begin like one.
func Picture(data []byte) bool {
	begins := func(sign string) bool { return bytes.HasPrefix(data, []byte(sign)) }
	return !Readable(data) && slices.ContainsFunc([]string{"\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF87a", "GIF89a", "RIFF"}, begins)
}

// With are the rules with what administrators add, one a line: words, in any case, or an expression
// (RE2) between slashes.
func With(lines string) (*Rules, error) {
	r := &Rules{}
	for i, line := range strings.Split(lines, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		form := ""
		switch expression, is := strings.CutPrefix(line, "/"); {
		case len(line) > mostAdded:
			return nil, &LineError{i + 1, fmt.Sprintf("is longer than %d signs", mostAdded)}
		case is && strings.HasSuffix(expression, "/") && len(expression) > 1:
			form = strings.TrimSuffix(expression, "/")
		case utf8.RuneCountInString(line) < leastAdded:
			return nil, &LineError{i + 1, fmt.Sprintf("is shorter than %d signs, so it would hide parts of other words", leastAdded)}
		default:
			form = `(?i)` + edge(line, true) + regexp.QuoteMeta(line) + edge(line, false)
		}
		// RE2 takes time in proportion to the text, whatever the expression: administrators cannot make the bot hang with one.
		compiled, err := regexp.Compile(form)
		if err != nil {
			return nil, &LineError{i + 1, "is no expression that can be used"}
		}
		if compiled.MatchString("") || compiled.MatchString(" ") {
			return nil, &LineError{i + 1, "fits everything"}
		}
		if r.added = append(r.added, rule{name: "added by administrators", kind: Added, form: compiled}); len(r.added) > MostAdded {
			return nil, &LineError{0, fmt.Sprintf("more than %d lines", MostAdded)}
		}
	}
	return r, nil
}

// And are these rules and others as well: of several workspaces.
func (r *Rules) And(others *Rules) *Rules {
	both := &Rules{}
	for _, rules := range []*Rules{r, others} {
		if rules != nil {
			both.added = append(both.added, rules.added...)
		}
	}
	return both
}

// edge keeps a word from being found within another one. RE2's \b knows letters of ASCII alone.
func edge(word string, first bool) string {
	r, _ := utf8.DecodeRuneInString(word)
	if !first {
		r, _ = utf8.DecodeLastRuneInString(word)
	}
	if r < utf8.RuneSelf && (r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z') {
		return `\b`
	}
	return ""
}

// Found is a value in a text.
type Found struct {
	Kind     Kind
	Rule     string // its name, for people
	From, To int    // bytes
}

// Find lists what the rules find, in order. No two overlap: of those that do, the first stands,
// and of those that begin together the longest. Whatever a secret overlaps is a secret: what stands before
// an "@" in an address may be a password, and both together look like an e-mail address.
func (r *Rules) Find(text string) []Found {
	var found []Found
	rules := standing
	if r != nil {
		rules = append(slices.Clone(standing), r.added...)
	}
	for _, rule := range rules {
		// Most rules end here: a look for a few letters costs far less than an expression. Every text contains the empty sign.
		if !strings.Contains(text, rule.sign) {
			continue
		}
		for _, at := range rule.form.FindAllStringSubmatchIndex(text, -1) {
			f := Found{rule.kind, rule.name, at[0], at[1]}
			if rule.kind != Added && len(at) > 2 && at[2] >= 0 {
				f.From, f.To = at[2], at[3]
			}
			if rule.kind == IBAN {
				f.To = f.From + iban(text[f.From:f.To])
			}
			if f.To > f.From && (rule.is == nil || rule.is(text[f.From:f.To])) {
				found = append(found, f)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Found) int {
		if a.From != b.From {
			return a.From - b.From
		}
		return b.To - a.To
	})
	var apart []Found
	for _, f := range found {
		n := len(apart)
		if n == 0 || f.From >= apart[n-1].To {
			apart = append(apart, f)
			continue
		}
		last := &apart[n-1]
		if f.Kind == Secret && last.Kind != Secret {
			last.Kind, last.Rule = Secret, f.Rule
		}
		last.To = max(last.To, f.To) // what sticks out of the first goes with it
	}
	return apart
}

// Holds tells whether the rules find anything.
func (r *Rules) Holds(text string) bool { return len(r.Find(text)) > 0 }

// Counts say how many values of each kind were replaced.
type Counts map[Kind]int

// Words say it for people: "2 e-mail addresses and 1 secret"; empty for none.
func (c Counts) Words() string {
	names := map[Kind][2]string{Secret: {"secret", "secrets"}, Email: {"e-mail address", "e-mail addresses"}, Phone: {"phone number", "phone numbers"},
		IBAN: {"IBAN", "IBANs"}, Added: {"value hidden by your administrators", "values hidden by your administrators"}}
	var said []string
	for _, kind := range []Kind{Secret, Email, Phone, IBAN, Added} {
		switch n := c[kind]; {
		case n == 1:
			said = append(said, "1 "+names[kind][0])
		case n > 1:
			said = append(said, fmt.Sprintf("%d %s", n, names[kind][1]))
		}
	}
	if n := len(said); n > 1 {
		return strings.Join(said[:n-1], ", ") + " and " + said[n-1]
	}
	return strings.Join(said, "")
}

// Mask puts "[e-mail masked]" in the place of what the rules find, and counts it. A text that was
// masked once is not changed by masking it again.
func (r *Rules) Mask(text string, counts Counts) string {
	return replaced(text, r.Find(text), func(f Found) string {
		if counts != nil {
			counts[f.Kind]++
		}
		return "[" + string(f.Kind) + " masked]"
	})
}

// replaced is a text with something else at each place. The places are in order and do not overlap.
func replaced(text string, found []Found, by func(Found) string) string {
	if len(found) == 0 {
		return text
	}
	var b strings.Builder
	at := 0
	for _, f := range found {
		b.WriteString(text[at:f.From])
		b.WriteString(by(f))
		at = f.To
	}
	b.WriteString(text[at:])
	return b.String()
}

// Veil hides values from a model. The same value has the same place-holder everywhere in a prompt.
// The zero Veil has the rules that always hold.
type Veil struct {
	Rules  *Rules
	names  map[string]string // by value
	values map[string]string // by place-holder; of what may be put back
	counts Counts
	last   Counts             // the last number of each kind
	places map[string]bool    // what looks like a place-holder: it is one of this veil, or stands in somebody's words
	seen   map[string][]Found // by text: a prompt is made anew until it fits, of the same words; clones share it
}

// placeHolder is the form of one.
var placeHolder = regexp.MustCompile(`\[(?:` + strings.Join([]string{string(Secret), string(Email), string(Phone), string(IBAN), string(Added)}, "|") + `) [0-9]+\]`)

// PlaceHolders are those in a text, whoever wrote them.
func PlaceHolders(text string) []string { return placeHolder.FindAllString(text, -1) }

// Leave has no value called by what looks like a place-holder in a text: it is somebody's own words, and what
// a model writes of it is not to become a value.
func (v *Veil) Leave(text string) {
	for _, name := range PlaceHolders(text) {
		v.begin()
		if !v.places[name] {
			v.places[name] = false // it stands there, and is put back for nobody
		}
	}
}

// begin makes the maps of a veil whose zero value is in use.
func (v *Veil) begin() {
	if v.places == nil {
		v.names, v.values, v.counts, v.last, v.places = map[string]string{}, map[string]string{}, Counts{}, Counts{}, map[string]bool{}
	}
}

// name is the next place-holder of a kind that stands in nobody's words.
func (v *Veil) name(k Kind) string {
	for {
		v.last[k]++
		name := fmt.Sprintf("[%s %d]", k, v.last[k])
		if _, taken := v.places[name]; !taken {
			v.places[name] = true
			return name
		}
	}
}

// find is Find without what lies in this veil's own place-holders: a rule may fit one of their words.
func (v *Veil) find(text string) []Found {
	found, seen := v.seen[text]
	if !seen {
		found = v.Rules.Find(text)
		v.look()[text] = found
	}
	if len(v.names) == 0 || len(found) == 0 {
		return found
	}
	own := placeHolder.FindAllStringIndex(text, -1)
	return slices.DeleteFunc(slices.Clone(found), func(f Found) bool {
		return slices.ContainsFunc(own, func(at []int) bool { return v.places[text[at[0]:at[1]]] && f.From >= at[0] && f.To <= at[1] })
	})
}

// Hide puts place-holders in the place of what the rules find: "[e-mail 1]". What was hidden once is not
// changed by hiding it again.
func (v *Veil) Hide(text string) string {
	return replaced(text, v.find(text), func(f Found) string {
		value := text[f.From:f.To]
		if v.names[value] == "" {
			v.begin()
			v.counts[f.Kind]++
			name := v.name(f.Kind)
			// What could end a string of Python, or begin an expression in one, is not put back.
			if v.names[value] = name; f.Kind != Secret && !strings.ContainsAny(value, "\"'`\\{}\n\r") {
				v.values[name] = value
			}
		}
		return v.names[value]
	})
}

// look are the texts that were looked through already: a prompt holds the same ones again and again.
func (v *Veil) look() map[string][]Found {
	if v.seen == nil {
		v.seen = map[string][]Found{}
	}
	return v.seen
}

// Clone is the same veil, for a prompt that goes on otherwise.
func (v *Veil) Clone() Veil {
	return Veil{Rules: v.Rules, seen: v.look(), names: maps.Clone(v.names), values: maps.Clone(v.values), counts: maps.Clone(v.counts), last: maps.Clone(v.last), places: maps.Clone(v.places)}
}

// Hidden says how many different values are hidden.
func (v *Veil) Hidden() Counts { return maps.Clone(v.counts) }

// Restore puts values back into what a model has written. Secrets stay hidden.
func (v *Veil) Restore(text string) string {
	if len(v.values) == 0 {
		return text
	}
	var pairs []string
	for name, value := range v.values {
		pairs = append(pairs, name, value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Blank takes the numbers from place-holders in what a model has written: elsewhere they would stand for
// other values.
func (v *Veil) Blank(text string) string {
	var pairs []string
	for _, name := range v.names {
		pairs = append(pairs, name, name[:strings.LastIndexByte(name, ' ')]+" masked]")
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// InCode is what the rules find in a program, with its lines. Addresses count only in strings and
// comments: there, x.T@w.values multiplies.
func (r *Rules) InCode(code string) (found []Line) {
	for _, f := range r.Find(code) {
		start := strings.LastIndexByte(code[:f.From], '\n') + 1
		if f.Kind == Email && !strings.ContainsAny(code[start:f.From], "\"'#") && strings.Count(code[:start], `"""`)%2 == 0 {
			continue
		}
		found = append(found, Line{f.Kind, f.Rule, 1 + strings.Count(code[:start], "\n")})
	}
	return found
}

// Line is a value in a program.
type Line struct {
	Kind Kind
	Rule string
	Line int
}
