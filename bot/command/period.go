package command

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"countersign/bot/kit"
	"countersign/budget"
)

// period is a stretch of the calendar that spending is added up over.
type period struct {
	window budget.Window
	back   int // how many windows ago
}

// Periods are the stretches that people speak of.
//
// The form has the same keys as values of its list, so both are read alike (bot.ledgers.clickRanking).
var Periods = map[string]period{
	"today": {budget.Day, 0}, "yesterday": {budget.Day, 1},
	"this week": {budget.Week, 0}, "last week": {budget.Week, 1},
	"this month": {budget.Month, 0}, "last month": {budget.Month, 1},
}

// Around is the stretch on the calendar of a moment's time zone.
func (p period) Around(now time.Time) (from, until time.Time) {
	from, until = p.window.Range(now, now.Location())
	for range p.back {
		// A moment before a window lies in the one before it, however long that was.
		from, until = p.window.Range(from.Add(-time.Second), now.Location())
	}
	return from, until
}

// Rankings are what spending can be added up by, by the words that people use for it.
var Rankings = map[string]string{"people": "people", "users": "people", "spenders": "people", "channels": "channels", "projects": "channels", "models": "models", "days": "days"}

const exampleTop = "top channels last month"

// readTop reads by what, and over which time.
func (o *Order) readTop(rest []string) error {
	o.By, o.Period = "people", "this month"
	if len(rest) > 0 && Rankings[strings.ToLower(rest[0])] != "" {
		o.By, rest = Rankings[strings.ToLower(rest[0])], rest[1:]
	}
	if len(rest) == 0 {
		return nil
	}
	text := strings.ToLower(strings.Join(rest, " "))
	if _, ok := Periods[text]; !ok {
		return wrong(fmt.Sprintf("I do not understand %q. I can add up people, channels, models or days, %s.", said(strings.Join(rest, " ")), spokenPeriods()), exampleTop)
	}
	o.Period = text
	return nil
}

// spokenPeriods lists the stretches for an error, always in the same order.
func spokenPeriods() string {
	return kit.Enumeration(slices.Sorted(maps.Keys(Periods)), "or")
}
