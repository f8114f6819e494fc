package budget

import (
	"math"
	"time"
)

// DaySpent is what was spent on one day of a team's calendar. A day on which nothing was
// spent may be missing from a list.
type DaySpent struct {
	Day    time.Time // any moment of that day, on that calendar
	Amount USD
}

// Pace is how fast money goes: what a month has cost so far, what a day costs, and where
// that leads by the end of the month.
type Pace struct {
	Spent     USD       // this month, today included
	PerDay    USD       // in the mean of the last seven whole days: each weekday is in it once
	Days      int       // whole days that it was taken from; 0: there are none yet, and nothing is projected
	Projected USD       // by the end of the month
	Until     time.Time // the first moment after the month
}

// PaceDays is how many days before today a pace is taken from.
const PaceDays = 7

// PaceOf reckons a pace from the days of a month and of the week before today. since is
// when the team first asked something: the days before it are no cheap days. What is left
// of today and of the month costs as much a day as the last week did.
func PaceOf(days []DaySpent, since, now time.Time) Pace {
	zone := now.Location()
	month, until := Month.Range(now, zone)
	today, _ := Day.Range(now, zone)
	p := Pace{Until: until}
	by := perDay(days, zone)
	var spent, todays USD
	for _, d := range days {
		if d.Day.Before(month) || !d.Day.Before(until) {
			continue
		}
		p.Spent += d.Amount
		if !d.Day.Before(today) {
			todays += d.Amount
		}
	}
	spent = p.Spent - todays
	first, _ := Day.Range(since, zone)
	var week USD
	for back := 1; back <= PaceDays; back++ {
		day := daysBefore(today, back)
		if day.Before(first) {
			break
		}
		week, p.Days = week+by[day.Format(time.DateOnly)], p.Days+1
	}
	if p.Days == 0 {
		return p
	}
	p.PerDay = week / USD(p.Days)
	left := until.AddDate(0, 0, -1).Day() - now.Day() // whole days after today
	p.Projected = spent + max(todays, p.PerDay) + p.PerDay*USD(left)
	return p
}

// Spike is a day that cost far more than the same weekday usually does.
type Spike struct {
	Day   time.Time `json:"day"`
	Spent USD       `json:"spent"`
	Usual USD       `json:"usual"` // the mean of the same weekday in the four weeks before
	Sigma USD       `json:"sigma"` // and its standard deviation
}

// SpikeWeeks is how many weeks the usual is taken from, and leastSpike what a day has to
// cost above it: where every such day has cost the same, or nothing, three times no
// deviation is nothing, and a cent would raise an alarm.
const (
	SpikeWeeks = 4
	leastSpike = Dollar
)

// SpikeOf tells whether a day has cost more than three standard deviations above the same
// weekday of the four weeks before it. There is none while these weeks are not whole: what
// a team usually spends is not known in its first month.
func SpikeOf(days []DaySpent, since, day time.Time) (Spike, bool) {
	zone := day.Location()
	start, _ := Day.Range(day, zone)
	first, _ := Day.Range(since, zone)
	if daysBefore(start, 7*SpikeWeeks).Before(first) {
		return Spike{}, false
	}
	by := perDay(days, zone)
	var sum float64
	var usual []float64
	for week := 1; week <= SpikeWeeks; week++ {
		x := float64(by[daysBefore(start, 7*week).Format(time.DateOnly)])
		usual, sum = append(usual, x), sum+x
	}
	mean, squares := sum/SpikeWeeks, 0.0
	for _, x := range usual {
		squares += (x - mean) * (x - mean)
	}
	s := Spike{Day: start, Spent: by[start.Format(time.DateOnly)], Usual: USD(mean), Sigma: USD(math.Sqrt(squares / (SpikeWeeks - 1)))}
	return s, s.Spent > s.Usual+3*s.Sigma && s.Spent >= s.Usual+leastSpike
}

// perDay adds days up by their dates.
func perDay(days []DaySpent, zone *time.Location) map[string]USD {
	by := map[string]USD{}
	for _, d := range days {
		by[d.Day.In(zone).Format(time.DateOnly)] += d.Amount
	}
	return by
}

// daysBefore is the beginning of a day so many days before another: by the calendar, since
// a day may have 23 or 25 hours.
func daysBefore(day time.Time, n int) time.Time {
	y, m, d := day.Date()
	start, _ := Day.Range(time.Date(y, m, d-n, 12, 0, 0, 0, day.Location()), day.Location())
	return start
}
