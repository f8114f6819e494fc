package review

import (
	"strconv"
	"strings"
	"time"

	"countersign/approval"
	"countersign/budget"
)

// Freeze is a time in which nothing starts, on the team's calendar. It is
// written as one of
//
//	last 2 days of the month
//	2026-12-24 to 2027-01-02        both included; or one date alone
//	Fri 16:00-24:00                 every week; also Mon-Fri, Sat,Sun, and without hours
type Freeze struct {
	text     string
	lastDays int
	from, to string // dates; they compare as text
	days     [7]bool
	hours    [2]int // minutes of the day: from, to before
}

// ParseFreeze reads a line as a person writes it.
func ParseFreeze(line string) (Freeze, error) {
	f := Freeze{text: strings.Join(strings.Fields(line), " "), hours: [2]int{0, 24 * 60}}
	words := strings.Fields(strings.ToLower(line))
	wrong := &approval.InputError{Why: approval.Reason{Code: approval.WhyBadFreeze, Name: f.text}}
	switch {
	case len(words) == 0:
		return f, wrong
	case words[0] == "last":
		number, unit, _ := strings.Cut(strings.Join(words[1:], " "), " ")
		// "last day of the month" names no number.
		if number == "day" {
			number, unit = "1", "day "+unit
		}
		n, err := strconv.Atoi(number)
		// February has 28 days: from 28 on, a whole month could be frozen and nothing would ever start.
		if err != nil || n < 1 || n > 27 || unit != "days of the month" && unit != "day of the month" {
			return f, wrong
		}
		f.lastDays = n
	// A date is told from a weekday by its form, so that a slip in it is said of the date.
	case len(words[0]) == len(time.DateOnly) && words[0][4] == '-':
		f.from, f.to = words[0], words[len(words)-1]
		_, err1 := time.Parse(time.DateOnly, f.from)
		_, err2 := time.Parse(time.DateOnly, f.to)
		if err1 != nil || err2 != nil || f.to < f.from || len(words) != 1 && (len(words) != 3 || words[1] != "to") {
			return f, wrong
		}
	default:
		if len(words) > 2 || !f.readDays(words[0]) || len(words) == 2 && !f.readHours(words[1]) {
			return f, wrong
		}
	}
	return f, nil
}

var weekdays = map[string]int{"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}

// readDays reads Mon-Fri, Sat,Sun and the like.
func (f *Freeze) readDays(word string) bool {
	for part := range strings.SplitSeq(word, ",") {
		first, last, several := strings.Cut(part, "-")
		if !several {
			last = first
		}
		from, ok1 := weekdays[first]
		to, ok2 := weekdays[last]
		if !ok1 || !ok2 {
			return false
		}
		for d := from; ; d = (d + 1) % 7 {
			f.days[d] = true
			if d == to {
				break
			}
		}
	}
	return true
}

// readHours reads 16:00-24:00. What goes past midnight is two lines.
func (f *Freeze) readHours(word string) bool {
	from, to, ok := strings.Cut(word, "-")
	for i, s := range []string{from, to} {
		if s == "24:00" && i == 1 {
			f.hours[1] = 24 * 60
			continue
		}
		t, err := time.Parse("15:04", s)
		if err != nil {
			return false
		}
		f.hours[i] = t.Hour()*60 + t.Minute()
	}
	return ok && f.hours[0] < f.hours[1]
}

// until is when the freeze that holds at t ends, or zero when none holds.
func (f Freeze) until(t time.Time) time.Time {
	y, m, d := t.Date()
	// Where a day begins, package budget knows: in some zones the clocks go forward at midnight, and
	// the day before would be over an hour early.
	tomorrow := func(of time.Time) time.Time { _, next := budget.Day.Range(of, t.Location()); return next }
	switch today := t.Format(time.DateOnly); {
	case f.lastDays > 0:
		if _, next := budget.Month.Range(t, t.Location()); d > next.AddDate(0, 0, -1).Day()-f.lastDays {
			return next
		}
	case f.from != "":
		if today >= f.from && today <= f.to {
			// Midnight of the next day on the calendar, not 24 hours later: a day may have 23 or 25.
			last, _ := time.Parse(time.DateOnly, f.to) // it was parsed before
			return tomorrow(time.Date(last.Year(), last.Month(), last.Day(), 12, 0, 0, 0, t.Location()))
		}
	case f.days[t.Weekday()]:
		// By the clock on the wall, also on days that have 23 or 25 hours.
		if now := t.Hour()*60 + t.Minute(); now >= f.hours[0] && now < f.hours[1] {
			if f.hours[1] == 24*60 {
				return tomorrow(t)
			}
			end := time.Date(y, m, d, f.hours[1]/60, f.hours[1]%60, 0, 0, t.Location())
			if !end.After(t) { // in an hour that there is twice, it is the second time
				end = end.Add(time.Hour)
			}
			return end
		}
	}
	return time.Time{}
}

// Frozen says until when nothing starts, and by which line of the rules; zero
// when something may. Freezes that follow one another without a gap are one.
func (r Rules) Frozen(now time.Time, zone *time.Location) (until time.Time, why string) {
	if zone == nil {
		zone = time.UTC
	}
	// Freezes that touch one another are walked through one by one: from the end of each it is looked for the next.
	at := now.In(zone)
	for range 1000 { // more than a year of days; rules that never end are refused
		further := at
		for _, line := range r.Freezes {
			f, err := ParseFreeze(line)
			if err != nil {
				continue // it was checked when it was set
			}
			if end := f.until(at); end.After(further) {
				further = end
				if why == "" {
					why = f.text
				}
			}
		}
		if further.Equal(at) {
			break
		}
		at, until = further, further
	}
	return until, why
}

// maxFreezes bounds how many lines anybody reads.
const maxFreezes = 20

// checkFreezes says what is wrong with these lines. What never thaws is a mistake.
func checkFreezes(lines []string, now time.Time, zone *time.Location) error {
	if len(lines) > maxFreezes {
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyManyFreezes, Most: maxFreezes}}
	}
	for _, line := range lines {
		if _, err := ParseFreeze(line); err != nil {
			return err
		}
	}
	if until, _ := (Rules{Freezes: lines}).Frozen(now, zone); until.Sub(now) > 100*24*time.Hour {
		return &approval.InputError{Why: approval.Because(approval.WhyLongFreeze)}
	}
	return nil
}
