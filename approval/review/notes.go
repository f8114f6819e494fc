package review

import (
	"fmt"
	"strings"

	"golang.org/x/text/currency"

	"countersign/approval"
)

// Notes are what every program of a channel should know, as administrators write it. The
// zero value says nothing.
type Notes struct {
	Version    int           `json:"version,omitempty"` // of the channel's rules with which they were set; 0: not stored yet
	Text       approval.Said `json:"text,omitempty"`
	Currency   string        `json:"currency,omitempty"`    // of amounts without one, by ISO 4217: "EUR"
	YearBegins int           `json:"year_begins,omitempty"` // the first month of the year, 1 to 12; 0: nobody has said
}

// MaxNotes bounds a text that stands in every prompt and on every card.
const MaxNotes = 2000

// Set tidies what somebody has typed, and says what is wrong with it.
func (n *Notes) Set() error {
	n.Text = approval.Said(approval.Plain(string(n.Text)))
	n.Currency = strings.ToUpper(strings.TrimSpace(n.Currency))
	wrong := func(code approval.ReasonCode, most int64) error {
		return &approval.InputError{Why: approval.Reason{Code: code, Name: approval.Cut(approval.Plain(n.Currency), 60), Count: int64(len([]rune(n.Text))), Most: most}}
	}
	if len([]rune(n.Text)) > MaxNotes {
		return wrong(approval.WhyLongNotes, MaxNotes)
	}
	if _, err := currency.ParseISO(n.Currency); n.Currency != "" && err != nil {
		return wrong(approval.WhyNoCurrency, 0)
	}
	if n.YearBegins < 0 || n.YearBegins > 12 {
		return wrong(approval.WhyNoMonth, 12)
	}
	return nil
}

// Empty tells that nothing is said, whatever the version.
func (n Notes) Empty() bool { return n.Text == "" && n.Currency == "" && n.YearBegins == 0 }

// Seal is how a manifest names the notes of a channel.
func (n *Notes) Seal(project string) (s approval.SealedNotes) {
	if n == nil || n.Empty() {
		return s
	}
	return approval.SealedNotes{Version: fmt.Sprintf("%s/%d", project, n.Version), SHA256: approval.Hash([]byte(n.Text)), Currency: n.Currency, YearBegins: n.YearBegins}
}

// Numbered is a set of rules as it is stored under a version. Notes that were set with it
// get that number, and keep it for as long as nobody sets others.
func (s RuleSet) Numbered(version int) RuleSet {
	s.Version = version
	// The notes are copied: the caller may store the same set again when this write has lost a race.
	if n := s.Rules.Notes; n != nil && n.Version == 0 {
		numbered := *n
		numbered.Version, s.Rules.Notes = version, &numbered
	}
	return s
}
