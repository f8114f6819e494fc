package accounts

import (
	"maps"
	"regexp"
	"slices"
	"time"

	"countersign/budget"
)

// Trace finds what calls of a provider have used of which nobody was told the cost: what it has of a day and model beyond
// all that was booked. An estimate frees nothing, so it finds something only where the day is told whole and nothing else
// can be meant: one such call of a model, each model of the day has as much there as here or more, all that there is more
// is of models with such a call, and nothing was called or booked around its midnights. Names are those of the ledger.
func Trace(provider string, calls []budget.UnknownCall, ours []Booked, theirs []Used) (found []budget.Traced) {
	days, unclear := map[string][]budget.UnknownCall{}, map[string]bool{}
	for _, c := range calls {
		day := dateOf(c.Last)
		switch {
		case !c.Clear || dateOf(c.First) != day || dateOf(c.Since) != day || aroundMidnight(c.First) || aroundMidnight(c.Last):
			// It may count on any of its days, and on those beside them: none of them is told whole.
			for at := c.First.Add(-24 * time.Hour); at.Before(c.Since.Add(48 * time.Hour)); at = at.Add(24 * time.Hour) {
				unclear[dateOf(at)] = true
			}
		case c.Provider == provider:
			days[day] = append(days[day], c)
		}
	}
	for _, b := range ours {
		if b.Edge { // it may count on the day before, or after
			unclear[dateOf(b.Day.AddDate(0, 0, -1))], unclear[dateOf(b.Day)], unclear[dateOf(b.Day.AddDate(0, 0, 1))] = true, true, true
		}
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		if !unclear[day] {
			found = append(found, traceDay(day, days[day], ours, theirs)...)
		}
	}
	return found
}

// edge is how near to midnight a provider may count a call on the other day.
const edge = 15 * time.Minute

// aroundMidnight tells of a moment that a provider may count on either of two days of UTC.
func aroundMidnight(at time.Time) bool {
	since := at.UTC().Sub(at.UTC().Truncate(24 * time.Hour))
	return since < edge || since >= 24*time.Hour-edge
}

// dateOf is a day of UTC, as providers count.
func dateOf(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// traceDay finds what is left of one day when all that was booked is taken off. Nothing is found where something does not fit.
// Less than nothing left means that we booked more than they count, so their count is not complete yet, or is
// of other calls.
func traceDay(day string, calls []budget.UnknownCall, ours []Booked, theirs []Used) (found []budget.Traced) {
	rest := map[string]*Used{}
	for _, u := range theirs {
		if u.Day != day {
			continue
		}
		if rest[u.Model] == nil {
			rest[u.Model] = &Used{}
		}
		sum := rest[u.Model]
		sum.Input, sum.Output = sum.Input+u.Input, sum.Output+u.Output
	}
	for _, b := range ours {
		// What was booked in full without tokens is an estimate, and takes nothing off.
		if dateOf(b.Day) != day || b.Input+b.Output == 0 {
			continue
		}
		left := rest[b.Model]
		// A model that was booked and of which they know nothing: names differ, so nothing here can be trusted.
		if left == nil {
			return nil
		}
		left.Input, left.Output = left.Input-b.Input, left.Output-b.Output
	}
	unknown := map[string]int{} // calls of each model
	for _, c := range calls {
		unknown[c.Model]++
		if rest[c.Model] == nil {
			return nil // by which name it counts nobody knows, so it may be in any of them
		}
	}
	for model, left := range rest {
		if left.Input < 0 || left.Output < 0 || left.Input+left.Output > 0 && unknown[model] == 0 {
			return nil
		}
	}
	for _, c := range calls {
		// What several have used together tells of none what it has cost.
		if unknown[c.Model] == 1 {
			found = append(found, budget.Traced{Call: c, Day: day, Input: int(rest[c.Model].Input), Output: int(rest[c.Model].Output)})
		}
	}
	return found
}

// dated is what providers put behind the name of a model: claude-haiku-4-5-20251001, gpt-5.4-2026-03-05.
var dated = regexp.MustCompile(`-\d{4}-?\d{2}-?\d{2}$`)

// named gives what a provider counts under a dated name the name under which the ledger has it.
func named(theirs []Used, ours []Booked, calls []budget.UnknownCall) []Used {
	known := map[string]bool{}
	for _, b := range ours {
		known[b.Model] = true
	}
	for _, c := range calls {
		known[c.Model] = true
	}
	theirs = slices.Clone(theirs)
	for i, u := range theirs {
		if short := dated.ReplaceAllString(u.Model, ""); !known[u.Model] && known[short] {
			theirs[i].Model = short
		}
	}
	return theirs
}
