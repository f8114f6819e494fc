package main

import (
	"errors"
	"time"

	"github.com/robfig/cron/v3"
)

// digestOff is how a setting says that there is none: empty means the default.
const digestOff = "off"

// readDigest reads when administrators are told what was spent. A schedule counts
// from the calendar, so that every replica, whenever it started, knows the same
// moments.
func readDigest(schedule string) (cron.Schedule, error) {
	if schedule == digestOff {
		return nil, nil
	}
	parsed, err := cron.ParseStandard(schedule)
	if err != nil {
		return nil, err
	}
	if _, every := parsed.(cron.ConstantDelaySchedule); every {
		return nil, errors.New("@every has no fixed moments")
	}
	return parsed, nil
}

// due says when a digest was due last, on a calendar: nothing when there is none,
// or none was in a year.
func due(schedule cron.Schedule, zone *time.Location) func(now time.Time) time.Time {
	if schedule == nil {
		return nil
	}
	const day = 24 * time.Hour
	return func(now time.Time) (last time.Time) {
		// Schedules only look forward, so it looks from further and further back.
		for _, back := range []time.Duration{time.Hour, day, 8 * day, 32 * day, 367 * day} {
			for at := schedule.Next(now.Add(-back).In(zone)); !at.IsZero() && !at.After(now); at = schedule.Next(at) {
				last = at
			}
			if !last.IsZero() {
				return last
			}
		}
		return last
	}
}
