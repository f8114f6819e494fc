package pack

import (
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"countersign/internal/tame"
)

// tables are the same facts for spreadsheets: a row for each request, and one for each
// charge.
type tables struct {
	requests, charges *csv.Writer
	zone              *time.Location
}

func newTables(requests, charges io.Writer, o Options) *tables {
	t := &tables{csv.NewWriter(requests), csv.NewWriter(charges), o.Zone}
	t.row(t.requests, "request", "asked at", "asker", "channel", "question", "outcome", "approved by", "rejected by", "tier", "rules", "digest", "run started", "run ended", "usd", "entries")
	t.row(t.charges, "request", "at", "for", "kind", "model or box", "input tokens", "cached tokens", "written tokens", "output tokens", "box ms", "usd", "estimated", "price")
	return t
}

func (t *tables) add(s *story) {
	if s.ID == "" {
		return
	}
	var digest, tier, rules, started, ended string
	if n := len(s.Versions); n > 0 {
		digest, tier, rules = s.Versions[n-1].Digest, s.Versions[n-1].Tier, s.Versions[n-1].Rules
	}
	if s.Run != nil {
		started, ended = t.time(s.Run.Start), t.time(s.Run.End)
	}
	t.row(t.requests, s.ID, t.time(s.At), s.Asker, s.Channel, s.Question, s.Outcome, s.by("Approved"), s.by("Rejected"), tier, rules, digest, started, ended,
		strings.TrimPrefix(dollars(s.Total), "$"), strconv.Itoa(len(s.Steps)))
	for _, r := range s.Receipts {
		for _, c := range r.Charges {
			t.row(t.charges, s.ID, t.time(r.At), r.For, c.Kind, c.What, strconv.FormatInt(c.Input, 10), strconv.FormatInt(c.Cached, 10), strconv.FormatInt(c.Written, 10),
				strconv.FormatInt(c.Output, 10), strconv.FormatInt(c.BoxMS, 10), strings.TrimPrefix(dollars(c.Amount), "$"), strconv.FormatBool(r.Estimated), c.Price)
		}
	}
}

// by lists who gave a verdict.
func (s *story) by(verdict string) string {
	var who []string
	for _, d := range s.Decisions {
		if d.Verdict == verdict {
			who = append(who, d.Who)
		}
	}
	return strings.Join(who, " ")
}

func (t *tables) time(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.In(t.zone).Format(time.RFC3339)
}

// row writes a row whose cells no spreadsheet computes.
func (t *tables) row(w *csv.Writer, cells ...string) {
	_ = w.Write(tame.Row(cells...)) // the error comes with Flush
}

func (t *tables) end() error {
	t.requests.Flush()
	t.charges.Flush()
	return errors.Join(t.requests.Error(), t.charges.Error())
}
