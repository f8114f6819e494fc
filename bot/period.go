package bot

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"countersign/budget"
)

// period is a stretch of the calendar that spending is added up over.
type period struct {
	window budget.Window
	back   int // how many windows ago
}

// periods are the stretches that people speak of.
var periods = map[string]period{
	"today": {budget.Day, 0}, "yesterday": {budget.Day, 1},
	"this week": {budget.Week, 0}, "last week": {budget.Week, 1},
	"this month": {budget.Month, 0}, "last month": {budget.Month, 1},
}

// around is the stretch on the calendar of a moment's time zone.
func (p period) around(now time.Time) (from, until time.Time) {
	from, until = p.window.Range(now, now.Location())
	for range p.back {
		from, until = p.window.Range(from.Add(-time.Second), now.Location())
	}
	return from, until
}

// rankings are what spending can be added up by, by the words that people use for it.
var rankings = map[string]string{"people": "people", "users": "people", "spenders": "people", "channels": "channels", "projects": "channels", "models": "models", "days": "days"}

const exampleTop = "top channels last month"

// readTop reads by what, and over which time.
func (o *order) readTop(rest []string) error {
	o.by, o.period = "people", "this month"
	if len(rest) > 0 && rankings[strings.ToLower(rest[0])] != "" {
		o.by, rest = rankings[strings.ToLower(rest[0])], rest[1:]
	}
	if len(rest) == 0 {
		return nil
	}
	text := strings.ToLower(strings.Join(rest, " "))
	if _, ok := periods[text]; !ok {
		return wrong(fmt.Sprintf("I do not understand %q. I can add up people, channels, models or days, %s.", said(strings.Join(rest, " ")), spokenPeriods()), exampleTop)
	}
	o.period = text
	return nil
}

// spokenPeriods lists the stretches for an error, always in the same order.
func spokenPeriods() string {
	all := slices.Sorted(maps.Keys(periods))
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}
