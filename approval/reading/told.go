package reading

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What a box has found out may be wrong, and the asker sees it on the card. What they say
// instead is an answer like any other, to a question that nobody has asked: it belongs to
// their request and its thread, and never changes what others get.

// Told is what a box has to know before it reads: the file is read anew by it. The program's
// load obeys the same, so it stands in the reading.
type Told struct {
	Encoding  string `json:"encoding,omitempty"`
	Delimiter string `json:"delimiter,omitempty"`
	Decimal   string `json:"decimal,omitempty"`
	Heading   *int64 `json:"heading,omitempty"` // the line that it stands in; 0: there is none
	Table     int    `json:"table,omitempty"`   // whose heading that is, in the order of the file
}

// The codes of what is told. Their Table counts as the file does.
const (
	toldHeading   = "told_heading"
	toldSheet     = "told_sheet"
	toldDelimiter = "told_delimiter"
	toldDecimal   = "told_decimal"
	toldEncoding  = "told_encoding"
	toldText      = "told_text"
	toldBefore    = "told_before" // whether what somebody has told in another thread holds here
)

// noHeading is what toldHeading says of a table without one.
const noHeading = "none"

// The yes and no of toldBefore.
const (
	AsBefore  = "as_before"
	NotBefore = "not_as_before"
)

// Before is the doubt whether what was told in another thread holds in this one.
func Before() Doubt { return Doubt{Code: toldBefore} }

// Tells whether an answer was given without a question.
func (a Answered) Tells() bool { return strings.HasPrefix(a.Code, "told_") && a.Code != toldBefore }

// ToldIn is what a box has to know of all that was said; nil: nothing. Of two that speak of
// one thing the later one counts.
func ToldIn(answers []Answered) *Told {
	var t Told
	for _, a := range answers {
		if a.InVain {
			continue
		}
		switch a.Code {
		case toldEncoding:
			t.Encoding = a.Says
		// An answer to the question about letters is told as well: the file is read in that encoding.
		case letters:
			if a.Says != a.InEncodings()[0] { // that is what the reader alone has taken
				t.Encoding = a.Says
			}
		case toldDelimiter:
			t.Delimiter = a.Says
		case toldDecimal:
			t.Decimal = a.Says
		case toldHeading:
			line, _ := strconv.ParseInt(a.Says, 10, 64) // noHeading is no number, and so 0
			t.Heading, t.Table = &line, a.Table
		}
	}
	// Heading is a pointer, so a heading in line 0 (none) is told, and nothing said is not.
	if t == (Told{}) {
		return nil
	}
	return &t
}

// Key names what is told.
func (t *Told) Key() string { return fingerprint(t) }

// Correction is what a form holds. Whatever is empty stays as it is.
type Correction struct {
	Heading   string // a number, or "none"
	Sheet     string
	Delimiter string
	Decimal   string
	Encoding  string
	Text      string // names of columns that are to be kept as text, one a line
}

// CorrectionError says what is wrong with one field of a correction.
type CorrectionError struct{ Field, Words string }

func (e *CorrectionError) Error() string { return e.Words }

// Fields of a correction, as its error names them.
const (
	FieldHeading = "heading"
	FieldSheet   = "sheet"
	FieldText    = "text"
	FieldNothing = "nothing"
)

// Corrected are the answers that a correction gives of a file that is read so.
func (r *Reading) Corrected(c Correction) (said []Answered, err error) {
	at := 0 // of the table that is meant
	if name := strings.TrimSpace(c.Sheet); name != "" {
		if at = slices.IndexFunc(r.Tables, func(t Table) bool { return strings.EqualFold(t.Name, name) }); at < 0 {
			return nil, &CorrectionError{FieldSheet, "There is no sheet " + quoted(clipped(name)) + "."}
		}
		if at > 0 {
			said = append(said, Answered{Doubt: Doubt{Code: toldSheet, Table: r.place(at)}, Says: r.Tables[at].Name})
		}
	}
	if len(r.Tables) == 0 {
		return nil, &CorrectionError{FieldNothing, "Nothing is known of this file."}
	}
	switch text := strings.ToLower(strings.TrimSpace(c.Heading)); text {
	case "":
	case noHeading, "no", "0":
		said = append(said, Answered{Doubt: Doubt{Code: toldHeading, Table: r.place(at)}, Says: noHeading})
	default:
		line, err := strconv.ParseInt(text, 10, 64)
		if err != nil || line < 1 || line > maxToldLine {
			return nil, &CorrectionError{FieldHeading, fmt.Sprintf("A number from 1 to %d, or none.", maxToldLine)}
		}
		said = append(said, Answered{Doubt: Doubt{Code: toldHeading, Table: r.place(at)}, Says: strconv.FormatInt(line, 10)})
	}
	// The order of a map is random, so the answers are sorted below: what is said twice in the same
	// words has to have the same hash, by which a repeated form is known.
	for code, says := range map[string]string{toldDelimiter: c.Delimiter, toldDecimal: c.Decimal, toldEncoding: c.Encoding} {
		if says != "" {
			said = append(said, Answered{Doubt: Doubt{Code: code}, Says: says})
		}
	}
	for line := range strings.Lines(c.Text) {
		name := strings.TrimSpace(line)
		if name == "" {
			continue
		}
		if r.Tables[at].column(name) < 0 {
			return nil, &CorrectionError{FieldText, "There is no column " + quoted(clipped(name)) + "."}
		}
		said = append(said, Answered{Doubt: Doubt{Code: toldText, Table: r.place(at), Column: name}, Says: "text"})
	}
	slices.SortStableFunc(said, func(a, b Answered) int { return strings.Compare(order(a), order(b)) })
	if len(said) == 0 {
		return nil, &CorrectionError{FieldNothing, "Say what should be read otherwise."}
	}
	// Held to the same form as answers that come from a stored row: a form may be forged.
	for _, a := range said {
		if a.Choices() == nil || !a.fits() {
			return nil, &CorrectionError{FieldNothing, "That is nothing that a file can be read by."}
		}
	}
	return said, nil
}

// maxToldLine is the last line in which a heading is looked for.
const maxToldLine = 200

// order has answers in one order, whatever a form's fields come in: sheets first, because the
// others may speak of theirs.
func order(a Answered) string {
	if a.Code == toldSheet {
		return ""
	}
	return a.Code + a.Column
}

// fits tells whether an answer says what its doubt allows.
func (a Answered) fits() bool {
	switch a.Code {
	case toldSheet:
		return a.Says != "" && utf8.RuneCountInString(a.Says) <= maxName
	case toldHeading:
		line, err := strconv.ParseInt(a.Says, 10, 64)
		return a.Says == noHeading || err == nil && line >= 1 && line <= maxToldLine
	}
	return slices.ContainsFunc(a.Choices(), func(c Choice) bool { return c.Says == a.Says })
}

// place is where a table stands in its file.
func (r *Reading) place(at int) int {
	if p := r.Tables[at].Place; p > 0 {
		return p - 1
	}
	return at
}

// first moves a table to where load looks when no sheet is named.
func (r *Reading) first(place int) {
	// The places are written down before anything moves, so answers still find their tables.
	for i := range r.Tables {
		r.Tables[i].Place = r.place(i) + 1
	}
	at := slices.IndexFunc(r.Tables, func(t Table) bool { return t.Place == place+1 })
	if at <= 0 {
		return
	}
	chosen := r.Tables[at]
	r.Tables = slices.Insert(slices.Delete(r.Tables, at, at+1), 0, chosen)
}

// Shape names the columns of all tables, with their types: what code rests on.
func (r *Reading) Shape() string {
	var b strings.Builder
	for _, t := range r.Tables {
		fmt.Fprintf(&b, "%q %d\n", t.Name, len(t.Columns))
		for _, c := range t.Columns {
			// Not how many rows or what is missing: the same code does for other rows.
			fmt.Fprintf(&b, "%q %s %s %s %t\n", c.Name, c.Type, c.DType, c.Currency, c.Percent)
		}
	}
	return b.String()
}

// The choices of what can be told, with the words of a form.
var (
	toldDelimiters = []Choice{{",", "Comma"}, {";", "Semicolon"}, {"\t", "Tab"}, {"|", "Pipe"}, {":", "Colon"}, {" ", "Blank"}}
	toldDecimals   = []Choice{{".", "Point: 1.5"}, {",", "Comma: 1,5"}}
)

// Delimiters are those that can be told.
func Delimiters() []Choice { return slices.Clone(toldDelimiters) }

// Decimals are the decimal signs that can be told.
func Decimals() []Choice { return slices.Clone(toldDecimals) }

// Encodings are those that can be told, as people call them.
func Encodings() (all []Choice) {
	for _, name := range []string{"utf-8", "cp1252", "cp1250", "cp1251", "koi8_r", "koi8_u", "cp866", "cp850", "cp852", "cp437", "mac_roman", "iso8859_2", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257",
		"gb18030", "big5", "cp932", "euc_jp", "cp949", "utf-16"} {
		all = append(all, Choice{name, EncodingName(name) + writtenIn[name]})
	}
	return all
}

// writtenIn says for whom an encoding is.
var writtenIn = map[string]string{"cp1252": " (Western)", "cp1250": " (Central European)", "cp1251": " (Cyrillic)", "koi8_r": " (Cyrillic)", "koi8_u": " (Ukrainian)", "cp866": " (Cyrillic, DOS)", "cp850": " (Western, DOS)", "cp852": " (Central European, DOS)",
	"cp437": " (DOS)", "iso8859_2": " (Central European)", "cp1253": " (Greek)", "cp1254": " (Turkish)", "cp1255": " (Hebrew)", "cp1256": " (Arabic)", "cp1257": " (Baltic)",
	"gb18030": " (simplified Chinese)", "big5": " (traditional Chinese)", "cp932": " (Japanese)", "euc_jp": " (Japanese)", "cp949": " (Korean)"}

// orInVain adds to the words of an answer whether the file could be read by it.
func (a Answered) orInVain(words string) string {
	if a.InVain {
		return words + ", which cannot be: read as found"
	}
	return words
}

// toldWords say what was told.
func (a Answered) toldWords() string {
	switch a.Code {
	case toldHeading:
		if a.Says == noHeading {
			return "no heading"
		}
		return "the heading is row " + a.Says
	case toldSheet:
		return "the sheet is " + quoted(a.Says)
	case toldDelimiter:
		if name := delimiters[a.Says]; name != "" {
			return "the delimiter is a " + name
		}
		return "the delimiter is " + quoted(a.Says)
	case toldDecimal:
		return "numbers have a decimal " + map[string]string{",": "comma", ".": "point"}[a.Says]
	case toldEncoding:
		return "it is written in " + EncodingName(a.Says)
	case toldBefore:
		return map[string]string{AsBefore: "read as it was told before", NotBefore: "not read as it was told before"}[a.Says]
	}
	return quoted(a.Column) + ": kept as text"
}

// clipped cuts a name of a file for a sentence.
func clipped(s string) string {
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:60]) + "…"
	}
	return s
}
