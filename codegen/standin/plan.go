package standin

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
)

// intent is the kind of answer that a question asks for, guessed from its keywords.
type intent string

const (
	wantSummary     intent = "summary"
	wantMissing     intent = "missing"
	wantCorrelation intent = "correlation"
	wantTrend       intent = "trend"
	wantTop         intent = "top"
	wantGroups      intent = "groups"
	wantSpread      intent = "spread"
)

// plan is what the stand-in's program will do. Columns are indices; -1 for none.
type plan struct {
	want       intent
	file       approval.File
	table      reading.Table
	measure    int    // the number that is looked at; -1 to count rows
	times      int    // a second number to multiply it with, as units by price
	by         int    // the category
	when       int    // the date
	period     string // D, W, M, Q, Y: pandas' letters
	how        string // sum, mean, median, max, min, count
	n          int    // of a top list
	lowest     bool
	numbers    []int
	understood bool // the question was understood; otherwise a general summary is given
}

// stems are the beginnings of words by which an intent is known. A stem stands for all that it begins
// ("correlat" for correlation and correlated); several intents may match, and decide ranks them.
var stems = map[intent][]string{
	wantMissing:     {"missing", "empty", "blank", "null", "incomplete", "gaps", "quality"},
	wantCorrelation: {"correlat", "relationship", "related", "relate", "depend", "scatter"},
	wantTrend:       {"trend", "over time", "develop", "evol", "monthly", "weekly", "daily", "yearly", "annual", "quarterly", "timeline", "growth", "grow"},
	wantTop:         {"top", "best", "most", "largest", "highest", "biggest", "worst", "lowest", "least", "smallest", "bottom", "fewest", "rank"},
	wantSpread:      {"distribut", "histogram", "spread", "outlier"},
	wantSummary:     {"summar", "describe", "overview", "profile"},
}

// planFor makes a plan from the keywords of a question. In a follow-up, earlier questions
// fill in what the question leaves open.
func planFor(b steps.Brief) (p plan, ok bool) {
	p = plan{measure: -1, times: -1, by: -1, when: -1, n: 10, period: "M", how: "sum", want: wantSummary}
	text := strings.ToLower(b.Question)
	// Without a table there is nothing to plan: the stand-in then answers in words.
	if p.file, p.table, ok = tableFor(b.Files, text); !ok {
		return p, false
	}
	text = strings.ReplaceAll(text, strings.ToLower(p.file.Name), " ") // "top_products.csv" does not ask for a top list
	words := wordsOf(text)
	// Latest first, so that of two columns that earlier questions name the later question's comes first.
	before := ""
	for _, m := range slices.Backward(b.History) {
		if m.Role == approval.RoleQuestion {
			before += " " + strings.ToLower(m.Text)
		}
	}
	before = strings.ReplaceAll(before, strings.ToLower(p.file.Name), " ") // "sales.csv" does not ask for sales
	// In this order: how amounts are added up depends on which columns there are, and what is asked
	// for on both.
	p.columns(words, wordsOf(before))
	p.amounts(text, words)
	p.decide(text, words)
	return p, true
}

// tableFor picks the file that the question names, or else the first one that has a
// table with columns; of its sheets it picks the one that is named, or else the first.
func tableFor(files []approval.File, text string) (file approval.File, table reading.Table, ok bool) {
	// Two rounds: a file that is named comes before one that stands first.
	for _, named := range []bool{true, false} {
		for _, f := range files {
			if named && !strings.Contains(text, strings.ToLower(f.Name)) {
				continue
			}
			for _, t := range f.Tables() {
				if len(t.Columns) == 0 {
					continue
				}
				if !ok || t.Name != "" && strings.Contains(text, strings.ToLower(t.Name)) {
					file, table, ok = f, t, true
				}
			}
			if ok {
				return file, table, true
			}
		}
	}
	return file, table, false
}

// wordsOf splits a text into words of letters and digits, and removes the English plural.
func wordsOf(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range words {
		switch {
		case len(w) > 4 && strings.HasSuffix(w, "ies"):
			words[i] = w[:len(w)-3] + "y"
		case len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss"):
			words[i] = w[:len(w)-1]
		}
	}
	return words
}

// mentions returns how many words a column's name has if all of them are in the text, and zero otherwise.
func mentions(name string, words []string) int {
	parts := wordsOf(name)
	for _, part := range parts {
		if !slices.Contains(words, part) {
			return 0
		}
	}
	return len(parts)
}

// isNumeric tells of a column to calculate with, by the type that the desk has read.
func isNumeric(c reading.Column) bool {
	return c.Type == "integer" || strings.HasPrefix(c.Type, "number")
}

// isTime tells of a column to draw along: a date, or a year that is a number.
func isTime(c reading.Column) bool {
	return strings.HasPrefix(c.Type, "date") || isYear(c)
}

// isYear tells of a year that stands there as a number: to add it up would mean nothing.
func isYear(c reading.Column) bool {
	return c.Type == "integer" && slices.Contains([]string{"year", "jahr", "année", "año"}, strings.ToLower(c.Name))
}

// isCategory tells of a column to group by.
func isCategory(c reading.Column) bool { return c.Type == "text" || c.Type == "boolean" }

// columns gives columns their roles. It prefers those that the question names, then those
// that earlier questions named, then the first that fit.
//
// A column that merely fits fills a gap. It is no sign that the question was understood.
func (p *plan) columns(words, before []string) {
	best := func(fits func(reading.Column) bool, texts ...[]string) int {
		for _, text := range texts {
			// Of two columns that the question names, the one with more words is meant: "unit price" before "price".
			found, most := -1, 0
			for i, c := range p.table.Columns {
				if n := mentions(c.Name, text); fits(c) && n > most {
					found, most = i, n
				}
			}
			if found >= 0 {
				return found
			}
		}
		return -1
	}
	number := func(c reading.Column) bool { return isNumeric(c) && !isTime(c) }
	for i, c := range p.table.Columns {
		if number(c) {
			p.numbers = append(p.numbers, i)
		}
	}
	p.measure = best(number, words)
	p.by = best(isCategory, words)
	p.when = best(isTime, words)
	// A date that is named is no sign that the question was understood: it may only say when.
	p.understood = p.measure >= 0 || p.by >= 0
	// Money is the one word that tables often have no column for, but units and prices instead.
	money := []string{"revenue", "turnover", "sale", "income", "earning"}
	if p.measure < 0 && slices.ContainsFunc(money, func(w string) bool { return slices.Contains(words, w) || slices.Contains(before, w) }) {
		p.measure = p.named("revenue", "turnover", "sales", "amount", "total")
		if p.measure < 0 {
			p.measure, p.times = p.named("units", "quantity", "qty", "count"), p.named("price", "unit price", "unit_price")
			if p.measure < 0 || p.times < 0 {
				p.measure, p.times = -1, -1
			}
		}
		p.understood = p.understood || p.measure >= 0
	}
	if p.measure < 0 {
		p.measure = best(number, before)
	}
	if p.when < 0 {
		p.when = p.first(isTime)
	}
	if p.by < 0 {
		p.by = best(isCategory, before)
	}
}

// named is the first number column with one of these names.
func (p *plan) named(names ...string) int {
	for _, name := range names {
		for _, i := range p.numbers {
			if strings.EqualFold(p.table.Columns[i].Name, name) {
				return i
			}
		}
	}
	return -1
}

// first is the first column that fits; -1 for none.
func (p *plan) first(fits func(reading.Column) bool) int {
	return slices.IndexFunc(p.table.Columns, fits)
}

// count is a number of rows as people ask for it. A year has four digits, and so is none.
var count = regexp.MustCompile(`\b(\d{1,3})\b`)

// amounts finds the aggregation, the period, and how many rows to show. The more special words are
// looked for first: "the average of total sales" is an average.
func (p *plan) amounts(text string, words []string) {
	for _, a := range []struct{ how, stems string }{
		{"count", "how many|number of|count"}, {"mean", "average|mean|typical"}, {"median", "median"},
		{"max", "maximum|record"}, {"min", "minimum"}, {"sum", "total|sum|sales|revenue"},
	} {
		if containsAny(text, strings.Split(a.stems, "|")) {
			p.how = a.how
			break
		}
	}
	if p.how == "count" && p.times >= 0 {
		p.measure, p.times = -1, -1 // "how many sales" counts rows
	} else if p.how == "count" && p.measure >= 0 {
		p.how = "sum" // "how many units" adds up
	}
	if m := count.FindStringSubmatch(text); m != nil {
		if n, _ := strconv.Atoi(m[1]); n > 0 {
			// More bars than that cannot be read.
			p.n = min(n, 50)
		}
	}
	p.lowest = containsAny(text, []string{"worst", "lowest", "least", "smallest", "bottom", "fewest"})
	// Of several the longest is looked for first, so that the shortest holds: "monthly sales of the year" are by month.
	for _, of := range []struct{ letter, stems string }{{"Y", "year|annual"}, {"Q", "quarter"}, {"M", "month"}, {"W", "week"}, {"D", "day|daily"}} {
		for _, stem := range strings.Split(of.stems, "|") {
			if slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, stem) }) {
				p.period = of.letter
			}
		}
	}
	if p.when >= 0 && isYear(p.table.Columns[p.when]) {
		p.period = "Y"
	}
}

// decide chooses the intent, and falls back to a summary where the table lacks the columns for it.
// A fall back is said in the answer (understood), since a summary is not what was asked for.
func (p *plan) decide(text string, words []string) {
	perPeriod := p.when >= 0 && containsAny(text, []string{"per day", "per week", "per month", "per quarter", "per year", "by day", "by week",
		"by month", "by quarter", "by year", "each day", "each week", "each month", "each quarter", "each year", "every month", "every week"})
	// A stem has to begin a word: "top" is not in "laptop".
	has := func(want intent) bool { return containsAny(" "+strings.Join(words, " "), prefixed(stems[want])) }
	switch {
	// From the most special to the most general: "top months by growth" is a trend, and no top list.
	case has(wantMissing):
		p.want = wantMissing
	case has(wantCorrelation) && len(p.numbers) > 1:
		p.want = wantCorrelation
	case p.when >= 0 && (has(wantTrend) || perPeriod):
		p.want = wantTrend
	case has(wantTop):
		p.want = wantTop
	case has(wantSpread) && len(p.numbers) > 0:
		p.want = wantSpread
	case has(wantSummary):
	case p.by >= 0 && p.understood:
		p.want = wantGroups
	case p.measure >= 0 && p.understood && p.when >= 0:
		p.want = wantTrend
	}
	if p.want != wantSummary {
		p.understood = true
	} else {
		p.understood = has(wantSummary)
	}
	if p.want == wantTop || p.want == wantGroups {
		if p.by < 0 {
			p.by = p.first(isCategory)
		}
		if p.by < 0 {
			p.want, p.understood = wantSummary, false
		}
	}
	if p.measure < 0 && p.how != "count" && p.want != wantMissing && p.want != wantCorrelation {
		if p.measure = p.mainNumber(); p.measure < 0 {
			p.how = "count"
		}
	}
	if p.want == wantSpread && p.measure < 0 {
		p.want, p.understood = wantSummary, false // counting rows has no spread
	}
}

// mainNumber is the number column that is used when the question names none: the last one
// that is not an identifier.
func (p *plan) mainNumber() int {
	for _, i := range slices.Backward(p.numbers) {
		words := wordsOf(p.table.Columns[i].Name)
		if !slices.Contains(words, "id") && !slices.Contains(words, "zip") && !slices.Contains(words, "code") {
			return i
		}
	}
	return -1
}

// prefixed has each stem begin a word.
func prefixed(stems []string) []string {
	list := make([]string, len(stems))
	for i, s := range stems {
		list[i] = " " + s
	}
	return list
}

// containsAny tells whether one of the parts stands in a text, anywhere.
func containsAny(text string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}
