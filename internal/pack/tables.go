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
// Cells are tamed (internal/tame): a question that begins with = would be a formula in a spreadsheet.
type tables struct {
	requests, charges *csv.Writer
	zone              *time.Location
	names             *Names
}

// newTables begins both with their headings. Ids stand beside names, since people look for one and programs for the other.
func newTables(requests, charges io.Writer, o Options, names *Names) *tables {
	t := &tables{csv.NewWriter(requests), csv.NewWriter(charges), o.Zone, names}
	t.row(t.requests, "request", "asked at", "asker", "asker id", "channel", "channel id", "question", "outcome", "approved by", "rejected by", "glass broken by", "risk", "rules", "digest", "run started", "run ended", "usd", "entries")
	t.row(t.charges, "request", "at", "for", "kind", "model or box", "input tokens", "cached tokens", "written tokens", "output tokens", "box ms", "vcpu", "memory mb", "usd", "estimated", "price", "usd a million in", "usd a million in from the cache", "usd a million in put into the cache", "usd a million out", "usd a cpu and second", "usd a gb and second")
	return t
}

// add writes a request and its charges. Streams that are no request's have no row.
func (t *tables) add(s *Story) {
	if s.ID == "" {
		return
	}
	var digest, tier, rules, started, ended string
	if n := len(s.Versions); n > 0 {
		digest, tier, rules = s.Versions[n-1].Digest, s.Versions[n-1].Tier, s.Versions[n-1].Rules
	}
	glass := "" // nobody approved it
	if s.Glass != "" {
		glass = t.names.Who(s.Glass, s.At)
	}
	if s.Run != nil {
		started, ended = t.time(s.Run.Start), t.time(s.Run.End)
	}
	t.row(t.requests, s.ID, t.time(s.At), t.names.Of(s.Asker, s.At), s.Asker, t.names.Of(s.Channel, s.At), s.Channel, s.Question, s.Outcome, s.by("Approved", t.names), s.by("Rejected", t.names), glass, tier, rules, digest, started, ended,
		strings.TrimPrefix(Dollars(s.Total), "$"), strconv.Itoa(len(s.Steps)))
	for _, r := range s.Receipts {
		for _, c := range r.Charges {
			// As many as the columns that end the heading: a charge without a row of prices leaves them empty.
			price := []string{"", "", "", "", "", "", ""}
			price[0] = r.Usage()
			if c.Rate != nil {
				price[0] = c.Rate.Row
				for i, usd := range []int64{c.Rate.Input, c.Rate.Cached, c.Rate.Written, c.Rate.Output, c.Rate.VCPU, c.Rate.GiB} {
					if usd > 0 {
						price[i+1] = strings.TrimPrefix(Dollars(usd), "$")
					}
				}
			}
			t.row(t.charges, append([]string{s.ID, t.time(r.At), r.For, c.Kind, c.What, strconv.FormatInt(c.Input, 10), strconv.FormatInt(c.Cached, 10), strconv.FormatInt(c.Written, 10),
				strconv.FormatInt(c.Output, 10), strconv.FormatInt(c.BoxMS, 10), strconv.Itoa(c.VCPU), strconv.Itoa(c.MemoryMB), strings.TrimPrefix(Dollars(c.Amount), "$"), strconv.FormatBool(r.Estimated)}, price...)...)
		}
	}
}

// by lists who gave a verdict on the version that counts, also where it was disowned later: that stands beside it as a
// decision of its own. Whoever approved an earlier version does not stand behind what ran: they had other code before them.
func (s *Story) by(verdict string, names *Names) string {
	counts := "" // empty: the pack has no version of it, so all that was said is told
	if n := len(s.Versions); n > 0 {
		counts = s.Versions[n-1].Number
	}
	if s.Run != nil && s.Run.Version != "" {
		counts = s.Run.Version
	}
	var who []string
	for _, d := range s.Decisions {
		if d.Verdict == verdict && (counts == "" || d.Number == counts) {
			who = append(who, names.Who(d.Who, d.At))
		}
	}
	return strings.Join(who, ", ")
}

// time is in the maker's zone with its offset, so that a spreadsheet sorts it and a stranger can place it.
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

// end writes what is left, and gives the first error of any row.
func (t *tables) end() error {
	t.requests.Flush()
	t.charges.Flush()
	return errors.Join(t.requests.Error(), t.charges.Error())
}
