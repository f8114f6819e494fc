package accounts

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"countersign/budget"
)

// Page is one page that somebody files who keeps the books. It holds no script, loads
// nothing, forbids both, and fits a sheet of paper as long as a team is small.
type Page struct {
	Workspace   string
	From, Until time.Time // on the calendar of the team
	Made        time.Time
	MadeBy      string // the program and its version
	Named       bool   // people and channels stand by their names
	Checkpoint  string // that covers the ledger up to now, if there is one
	Uncertain   budget.USD
	Calls       int // that Uncertain is for

	Total, Estimated, Before budget.USD // Before: of the month before
	Providers                []Sum
	People, Channels         []Sum
	Models                   []ModelSum
	Days                     []Sum
	Budgets                  []BudgetLine

	zone *time.Location
	name func(kind budget.ScopeKind, id string) string
	sums map[string]*Sum
	used map[string]*ModelSum
}

// Sum is a line: what one person, channel, provider or day has cost. Charges counts lines of bills, not questions.
type Sum struct {
	Name    string
	Charges int
	Amount  budget.USD
	At      time.Time // of a day
}

// ModelSum is what was used of a model or of a kind of box.
type ModelSum struct {
	Sum
	Provider              string
	Input, Cached, Output int64
	Box                   time.Duration
}

// BudgetLine is a budget as it stood at the end.
type BudgetLine struct {
	Name         string
	Spent, Limit budget.USD
	Window       budget.Window
}

// NewPage begins a page. name says who a person or a channel is; an id that it does not
// know it says as it is.
func NewPage(from, until time.Time, name func(kind budget.ScopeKind, id string) string) *Page {
	return &Page{From: from, Until: until, zone: from.Location(), name: name, sums: map[string]*Sum{}, used: map[string]*ModelSum{}}
}

// saidAfter is where the money stands of which only an administrator's word is known.
const saidAfter = "said by an administrator after a copy"

// Add takes one booking of the month.
// Bookings come in the order of the ledger, a few hundred thousand at most: only sums are kept.
func (p *Page) Add(b budget.Booking) error {
	p.Total += b.Amount
	if b.Estimated {
		p.Estimated += b.Amount
	}
	who, where, from := p.name(budget.User, b.Asker), p.name(budget.Project, b.Project), b.Provider
	reckoned := b.RequestID == "" && b.Model == budget.AfterCopy
	if b.RequestID == "" {
		who, where = "Countersign's own checks", "none: Countersign's own checks"
	}
	// Lines are told apart by ids: two people may have one name. These are nobody's.
	person, channel := b.Asker, b.Project
	switch {
	case reckoned:
		who, where, from = saidAfter, saidAfter, saidAfter
		person, channel = saidAfter, saidAfter
	// Its price is what the operator has set; nobody sends a bill.
	case b.Kind == budget.Box && b.Model == "local":
		from = "this machine"
	case b.Kind == budget.Box:
		from = strings.ToUpper(b.Model)
	case from == "":
		from = "not known"
	case b.Host != "":
		from += " (" + b.Host + ")"
	}
	day := b.At.In(p.zone)
	for _, s := range []struct{ key, name string }{{"from " + from, from}, {"who " + person, who}, {"where " + channel, where},
		{"day " + day.Format(time.DateOnly), day.Format("Monday, 2 January")}} {
		sum, ok := p.sums[s.key]
		if !ok {
			sum = &Sum{Name: s.name, At: day}
			p.sums[s.key] = sum
		}
		sum.Charges, sum.Amount = sum.Charges+1, sum.Amount+b.Amount
	}
	key := from + " " + b.Model
	m, ok := p.used[key]
	if !ok {
		m = &ModelSum{Sum: Sum{Name: b.Model}, Provider: from}
		p.used[key] = m
	}
	m.Charges, m.Amount = m.Charges+1, m.Amount+b.Amount
	m.Input, m.Cached, m.Output, m.Box = m.Input+b.InputTokens, m.Cached+b.CachedTokens, m.Output+b.OutputTokens, m.Box+time.Duration(b.BoxMS)*time.Millisecond
	return nil
}

// close puts the lines into their order: the most first, days by date.
func (p *Page) close() {
	for prefix, list := range map[string]*[]Sum{"from ": &p.Providers, "who ": &p.People, "where ": &p.Channels, "day ": &p.Days} {
		*list = nil
		for key, sum := range p.sums {
			if len(key) >= len(prefix) && key[:len(prefix)] == prefix {
				*list = append(*list, *sum)
			}
		}
		slices.SortFunc(*list, func(a, b Sum) int {
			if prefix == "day " {
				return a.At.Compare(b.At)
			}
			return cmp.Or(cmp.Compare(b.Amount, a.Amount), cmp.Compare(a.Name, b.Name))
		})
	}
	p.Models = nil
	for _, m := range p.used {
		p.Models = append(p.Models, *m)
	}
	slices.SortFunc(p.Models, func(a, b ModelSum) int {
		return cmp.Or(cmp.Compare(b.Amount, a.Amount), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Provider, b.Provider))
	})
}

var (
	//go:embed month.css
	style string
	//go:embed month.html.tmpl
	pageText string
)

// Write writes the page. The one style is allowed by its hash; whatever else might get into
// the page through a name is not.
// close makes the lists anew from the sums, so it may be called again after more was added.
func (p *Page) Write(out io.Writer) error {
	p.close()
	sum := sha256.Sum256([]byte(style))
	t := template.Must(template.New("month").Funcs(template.FuncMap{
		"usd":   func(u budget.USD) string { return u.String() },
		"exact": exact,
		"span":  p.span,
		"time":  func(at time.Time) string { return at.In(p.zone).Format("2 January 2006, 15:04 MST") },
		"open":  func() bool { return p.Made.Before(p.Until) },
		"share": func(part budget.USD) string { return share(part, p.Total) },
		"n":     thousands,
		"box":   func(d time.Duration) string { return d.Round(time.Second).String() },
	}).Parse(pageText))
	err := t.Execute(out, map[string]any{"Page": p, "Style": template.CSS(style),
		"Policy": fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'", base64.StdEncoding.EncodeToString(sum[:]))})
	if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// span names the time, a whole month by its name.
func (p *Page) span() string {
	last := p.Until.Add(-time.Second)
	if p.From.Day() == 1 && p.From.AddDate(0, 1, 0).Equal(p.Until) {
		return p.From.Format("January 2006")
	}
	return p.From.Format("2 January 2006") + " to " + last.Format("2 January 2006")
}

// exact spells an amount with all six places that a charge has, so that a column of them
// stands below its points.
func exact(u budget.USD) string {
	text := u.String()
	_, places, _ := strings.Cut(text, ".")
	return text + strings.Repeat("0", max(0, 6-len(places)))
}

// share says a part of a whole in percent; of nothing, nothing.
func share(part, whole budget.USD) string {
	if whole == 0 {
		return ""
	}
	percent := float64(part) * 100 / float64(whole)
	if percent > 0 && percent < 1 {
		return "under 1%"
	}
	return fmt.Sprintf("%.0f%%", percent)
}

// thousands groups digits as people read them.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
