// Package reading is how a data file is read: what a box said of it, held to a
// fixed form, and the words that people get to see.
//
// Its one rule: a reading holds no value of its file. It is codes, numbers and
// names of at most 200 characters; the sentences are made here. It knows nothing
// of boxes or Slack.
//
// # From a box to a card
//
// A box answers in JSON, and Answer.Check holds that to its form: a Reading (how the file is
// read) or a Problem (why it is not). Something strange is an Odd thing. Where it has
// Choices, a person can decide what the box could not: it is a Doubt, which the asker of a
// question is asked before a model is. What they say is an Answered. One that only changes
// the types of columns is applied here (Settled). One that a box has to know before it reads
// is Told, and the file is read anew. The reading with its answers is what the card shows,
// what the manifest seals by its hash, and what load obeys in the program.
//
// A Glimpse is something else: values, for one prompt, in channels whose administrators let
// a model see them. Nothing of it is ever written down.
package reading

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a reading may hold at most. The desk in the box (sandbox/runner/desk/words.py) keeps to
// the same numbers. Whoever takes over a box can send anything, so what is beyond them is refused here.
const (
	MaxTables  = 50
	MaxColumns = 1000
	maxOdd     = 4000
	maxLines   = 20
	maxTotals  = 5000
	maxName    = 200 // characters
	maxSign    = 8
	maxRows    = 1 << 40
)

// Answer is what a box says of one file: how it is read, or why it is not.
type Answer struct {
	Problem *Problem `json:"problem,omitempty"`
	Reading *Reading `json:"reading,omitempty"`
	Glimpse *Glimpse `json:"glimpse,omitempty"` // where a box was asked for that alone
}

// Problem is why a file is not read: one of the codes of problems, and numbers.
type Problem struct {
	Code  string           `json:"code"`
	Facts map[string]int64 `json:"facts,omitempty"`
}

// Reading is how one file is read.
type Reading struct {
	Version  int      `json:"version"`
	Kind     string   `json:"kind"`   // text, json, xlsx, ods, parquet
	Inside   string   `json:"inside"` // the file's name in its archive
	Encoding string   `json:"encoding"`
	Sure     float64  `json:"sure"`             // of the encoding, 9 being certain; below Guess a person should be asked
	Others   []string `json:"others,omitempty"` // encodings in which it may be written as well, where that is a guess
	Tables   []Table  `json:"tables"`
	Told     *Told    `json:"told,omitempty"` // by somebody who knew better; set by the host
}

// SHA256 names a reading by what it says: its one spelling is its JSON.
func (r *Reading) SHA256() string { return fingerprint(r) }

// fingerprint is the sha256 of a value's one spelling in JSON: fields in the order of the type.
func fingerprint(what any) string {
	spelling, err := json.Marshal(what)
	if err != nil {
		panic(err) // texts and numbers that are finite, as Check sees to, always marshal
	}
	sum := sha256.Sum256(spelling)
	return hex.EncodeToString(sum[:])
}

// Guess is the sureness below which an encoding is a guess.
const Guess = 0.25

// Table is one table of a file.
// Heading, delimiter and signs are what people read on the card; Spec is what load reads by.
type Table struct {
	Name        string   `json:"name"` // the sheet
	Hidden      bool     `json:"hidden,omitempty"`
	Place       int      `json:"place,omitempty"` // in the file, from 1 on, where somebody has put another first
	Rows        int64    `json:"rows"`
	Delimiter   string   `json:"delimiter,omitempty"`
	Quote       string   `json:"quote,omitempty"`
	HeadingLine int64    `json:"heading_line"` // 0: none
	HeadingRows int64    `json:"heading_rows"`
	Decimal     string   `json:"decimal,omitempty"` // the sign that the numbers of this table have, if any has one
	Columns     []Column `json:"columns"`
	Odd         []Odd    `json:"odd,omitempty"`
	Spec        Spec     `json:"spec"`
}

// Column is one column as a program sees it.
type Column struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	DType       string `json:"dtype"`
	Missing     int64  `json:"missing"`
	Pattern     string `json:"pattern,omitempty"` // of texts: 99-AA
	Decimal     string `json:"decimal,omitempty"`
	DecimalSaid bool   `json:"decimal_said,omitempty"`
	Thousands   string `json:"thousands,omitempty"`
	Currency    string `json:"currency,omitempty"`
	Percent     bool   `json:"percent,omitempty"`
	Unit        string `json:"unit,omitempty"` // of numbers that are moments
	Zone        string `json:"zone,omitempty"`
	DayFirst    bool   `json:"day_first"`
}

// Odd is one strange thing: a code, how often, and where.
type Odd struct {
	Code   string  `json:"code"`
	Count  int64   `json:"count"`
	Lines  []int64 `json:"lines,omitempty"` // the first ones
	Column string  `json:"column,omitempty"`
}

// Spec is what the desk needs beside the columns to read the same table again.
// A program's load reads by the spec, without finding anything out again: so it sees the table
// that the reviewer saw on the card.
type Spec struct {
	Delimiter   string   `json:"delimiter"`
	Quote       string   `json:"quote"`
	Escape      string   `json:"escape"`
	Width       int64    `json:"width"`
	Kinds       []string `json:"kinds"`
	Heads       int64    `json:"heads"`
	FirstLine   int64    `json:"first_line"`
	Heading     []string `json:"heading"`
	HeadingLine int64    `json:"heading_line"`
	Titles      int64    `json:"titles"`
	Total       int64    `json:"total"`
	Totals      []int64  `json:"totals,omitempty"`   // places of rows that sum others up, left out
	Paged       bool     `json:"paged,omitempty"`    // the heading stands again above each page
	Wrapped     bool     `json:"wrapped,omitempty"`  // each line stands in quotes as a whole
	Escaped     bool     `json:"escaped,omitempty"`  // a backslash stands before delimiters inside of values
	Flagged     bool     `json:"flagged,omitempty"`  // letters behind values say how sure they are: 12.3 p
	Entities    bool     `json:"entities,omitempty"` // letters are written as on web pages: M&uuml;ller
	Other       []string `json:"other,omitempty"`    // the heading of a second table, where this one ends
	Page        string   `json:"page,omitempty"`     // a digest of the title above the heading of each page
}

// All that a box may say in words is one of these. A value of the file, or a sentence for a model,
// fits into none of them. The desk has the same lists.
var (
	kinds      = set("text", "json", "xlsx", "ods", "parquet")
	types      = set("text", "integer", "number", "date", "date and time", "boolean", "empty", "nested")
	dtypes     = set("object", "int64", "float64", "bool", "datetime64[ns]", "datetime64[ns, UTC]")
	signs      = set("", ".", ",", "'", " ") // between the thousands of a number
	units      = set("", "unix_seconds", "unix_milliseconds", "excel_days", "compact_days")
	valueKinds = set("", "int", "num", "money", "date", "time", "url", "code", "text")
	facts      = set("columns", "most", "parts", "files", "formulas", "line", "lists", "seconds", "megabytes")
	encodings  = set("", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "cp1251", "gb18030", "cp932", "big5", "cp949", "euc_jp",
		"cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r", "koi8_u", "cp866", "cp850", "cp852", "cp437", "mac_roman", "iso8859_2", "iso2022_jp")
)

// patterns are what the desk makes of texts (shape in values.py), three of them at most. A 9, an A and an a are the only
// letters in it: whoever takes over a box would otherwise have 64 characters for a sentence, in each column, that a
// model and the reviewers read and that names.go does not look at.
var patterns = regexp.MustCompile(`^[9Aa?…/_.:,+ ()#&%<>=±-]*( or [9Aa?…/_.:,+ ()#&%<>=±-]+){0,2}$`)

// pages are the digests of titles of pages, "" where there are none.
var pages = regexp.MustCompile(`^([0-9a-f]{16})?$`)

// set is a list of words to look up.
func set(words ...string) map[string]bool {
	all := map[string]bool{}
	for _, w := range words {
		all[w] = true
	}
	return all
}

// Check holds an answer to its form: it has come from a box that has parsed a
// hostile file. Names are cleaned in place.
func (a *Answer) Check() error {
	switch {
	case a.Glimpse != nil && a.Problem == nil && a.Reading == nil:
		return a.Glimpse.check()
	// Exactly one of the three.
	case a.Glimpse != nil || (a.Problem == nil) == (a.Reading == nil):
		return errors.New("it is neither a reading nor a problem")
	case a.Problem != nil:
		if problems[a.Problem.Code] == "" {
			return fmt.Errorf("there is no problem %q", clip(a.Problem.Code))
		}
		if len(a.Problem.Facts) > 4 {
			return errors.New("a problem has too many facts")
		}
		for fact := range a.Problem.Facts {
			if !facts[fact] {
				return fmt.Errorf("there is no fact %q", clip(fact))
			}
		}
		return nil
	}
	// A box that has read a file with no table says so as a problem, so a reading has one at least.
	r := a.Reading
	if r.Version != 1 || !kinds[r.Kind] || !encodings[r.Encoding] || len(r.Tables) == 0 || len(r.Tables) > MaxTables || !(r.Sure >= 0 && r.Sure <= 9) {
		return errors.New("the reading is not in its form")
	}
	for _, e := range r.Others {
		if len(r.Others) > 2 || e == "" || e == r.Encoding || !encodings[e] {
			return errors.New("an encoding is not in its form")
		}
	}
	// Cleaning a name never refuses the file: people have to be able to read data whose columns are
	// called strangely. Names that are more than names are told to reviewers (names.go).
	r.Inside, r.Told = name(r.Inside), nil // what was told is the host's to say
	for i := range r.Tables {
		if err := r.Tables[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// check holds one table to its form.
func (t *Table) check() error {
	if t.Rows < 0 || t.Rows > maxRows || len(t.Columns) > MaxColumns || len(t.Odd) > maxOdd || len(t.Delimiter) > maxSign || len(t.Quote) > maxSign ||
		len(t.Decimal) > 1 || t.HeadingLine < 0 || t.HeadingRows < 0 || t.HeadingRows > 10 {
		return errors.New("a table is not in its form")
	}
	// Places are the host's to give as well: first sets them.
	t.Name, t.Place = name(t.Name), 0
	for i := range t.Columns {
		c := &t.Columns[i]
		if !types[c.Type] || !dtypes[c.DType] || !units[c.Unit] || c.Missing < 0 || c.Missing > maxRows || len(c.Pattern) > 64 || !patterns.MatchString(c.Pattern) ||
			len(c.Decimal) > 1 || !signs[c.Thousands] || len(c.Currency) > maxSign || c.Zone != "" && c.Zone != "UTC" {
			return errors.New("a column is not in its form")
		}
		c.Name, c.Currency = name(c.Name), name(c.Currency)
	}
	for i := range t.Odd {
		o := &t.Odd[i]
		if odd[o.Code].one == "" {
			return fmt.Errorf("there is no odd thing %q", clip(o.Code))
		}
		if o.Count < 0 || len(o.Lines) > maxLines {
			return errors.New("an odd thing is not in its form")
		}
		o.Column = name(o.Column)
	}
	s := &t.Spec
	if len(s.Delimiter) > maxSign || len(s.Quote) > maxSign || len(s.Escape) > maxSign || s.Width < 0 || s.Width > MaxColumns || len(s.Kinds) > MaxColumns || len(s.Heading) > MaxColumns || len(s.Other) > MaxColumns ||
		s.Heads < 0 || s.Heads > 10 || s.Total < 0 || s.Total > 1 || s.FirstLine < 0 || s.Titles < 0 {
		return errors.New("a spec is not in its form")
	}
	if !pages.MatchString(s.Page) {
		return errors.New("the title of a page is no digest")
	}
	if len(s.Totals) > maxTotals || slices.ContainsFunc(s.Totals, func(at int64) bool { return at < 0 || at > maxRows }) {
		return errors.New("a spec leaves out rows that there cannot be")
	}
	for _, k := range s.Kinds {
		if !valueKinds[k] {
			return errors.New("a spec has a kind that there is not")
		}
	}
	for i := range s.Heading {
		s.Heading[i] = name(s.Heading[i])
	}
	for i := range s.Other {
		s.Other[i] = name(s.Other[i])
	}
	return nil
}

// name is a name from a file: one line, at most 200 characters, no control or invisible characters.
func name(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if r != ' ' && !unicode.IsGraphic(r) {
			return '\uFFFD'
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > maxName {
		s = string([]rune(s)[:maxName])
	}
	return s
}

// clip cuts a code that is not ours for an error: it came from a box.
func clip(s string) string { return s[:min(len(s), 40)] }
