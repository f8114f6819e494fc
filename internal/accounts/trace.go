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
// can be meant: each model of the day has as much there as here or more, all that there is more is of models with such
// calls, and nothing was called or booked around midnight. What several calls of a model share is split by what each can
// have cost.
func Trace(provider string, calls []budget.UnknownCall, ours []Booked, theirs []Used) (found []budget.Traced) {
	days, unclear := map[string][]budget.UnknownCall{}, map[string]bool{}
	for _, c := range calls {
		day := dateOf(c.Last)
		switch {
		case !c.Clear || dateOf(c.First) != day || dateOf(c.Since) != day || aroundMidnight(c.First) || aroundMidnight(c.Last):
			for at := c.First; !at.After(c.Since); at = at.Add(24 * time.Hour) {
				unclear[dateOf(at)] = true
			}
			unclear[day], unclear[dateOf(c.Since)] = true, true
		case c.Provider == provider:
			days[day] = append(days[day], c)
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

func aroundMidnight(at time.Time) bool {
	since := at.UTC().Sub(at.UTC().Truncate(24 * time.Hour))
	return since < edge || since >= 24*time.Hour-edge
}

func dateOf(at time.Time) string { return at.UTC().Format(time.DateOnly) }

func traceDay(day string, calls []budget.UnknownCall, ours []Booked, theirs []Used) (found []budget.Traced) {
	rest := map[string]*Used{}
	for _, u := range theirs {
		if u.Day == day {
			sum := rest[u.Model]
			if sum == nil {
				sum = &Used{}
				rest[u.Model] = sum
			}
			sum.Input, sum.Output = sum.Input+u.Input, sum.Output+u.Output
		}
	}
	for _, b := range ours {
		if dateOf(b.Day) != day {
			continue
		}
		left := rest[b.Model]
		if b.Edge || left == nil && b.Input+b.Output > 0 {
			return nil
		}
		if left != nil {
			left.Input, left.Output = left.Input-b.Input, left.Output-b.Output
		}
	}
	of := map[string][]budget.UnknownCall{}
	for _, c := range calls {
		name, ok := billedAs(c.Model, rest)
		if !ok {
			return nil // by which name it counts nobody knows, so it may be in any of them
		}
		of[name] = append(of[name], c)
	}
	for name, left := range rest {
		if left.Input < 0 || left.Output < 0 || left.Input+left.Output > 0 && len(of[name]) == 0 {
			return nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		found = append(found, split(day, name, of[name], *rest[name])...)
	}
	return found
}

// dated is what providers put behind the name of a model: claude-haiku-4-5-20251001, gpt-5.4-2026-03-05.
var dated = regexp.MustCompile(`^-\d{4}-?\d{2}-?\d{2}$`)

// billedAs is the one name under which a provider counts a model that was asked for.
func billedAs(model string, theirs map[string]*Used) (name string, ok bool) {
	for n := range theirs {
		if n == model || len(n) > len(model) && n[:len(model)] == model && dated.MatchString(n[len(model):]) {
			if ok {
				return "", false
			}
			name, ok = n, true
		}
	}
	return name, ok
}

// split shares what is left of a day among calls, by the most that each can have cost; the last one has the remainder.
func split(day, model string, calls []budget.UnknownCall, left Used) (found []budget.Traced) {
	slices.SortFunc(calls, func(a, b budget.UnknownCall) int { return a.Last.Compare(b.Last) })
	var most budget.USD
	for _, c := range calls {
		most += c.Most
	}
	for i, c := range calls {
		input, output := left.Input, left.Output
		if i < len(calls)-1 && most > 0 {
			share := float64(c.Most) / float64(most)
			input, output = int64(share*float64(input)), int64(share*float64(output))
		}
		left.Input, left.Output, most = left.Input-input, left.Output-output, most-c.Most
		found = append(found, budget.Traced{Call: c, Day: day, Among: len(calls), Usage: budget.Usage{Model: model, Input: int(input), Output: int(output)}})
	}
	return found
}
