package accounts

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"countersign/budget"
)

// Bookings are the charges of the ledger, by dates of the team's calendar.
type Bookings interface {
	Bookings(ctx context.Context, from, to time.Time, take func(budget.Booking) error) error
}

// BookedBy adds up what the ledger has of one provider, by day of UTC and model, from one
// midnight of UTC until before another.
func BookedBy(ctx context.Context, ledger Bookings, provider string, from, until time.Time) (list []Booked, err error) {
	by := map[[2]string]*Booked{}
	// A team's calendar is at most a day apart from UTC, so a day more is read on either side.
	err = ledger.Bookings(ctx, from.AddDate(0, 0, -1), until.AddDate(0, 0, 1), func(b budget.Booking) error {
		if b.Kind != budget.Tokens || b.Provider != provider || b.At.Before(from) || !b.At.Before(until) {
			return nil
		}
		day := b.At.UTC().Truncate(24 * time.Hour)
		key := [2]string{day.Format(time.DateOnly), b.Model}
		if by[key] == nil {
			by[key] = &Booked{Day: day, Model: b.Model}
		}
		sum := by[key]
		sum.Input, sum.Output, sum.Amount = sum.Input+b.InputTokens, sum.Output+b.OutputTokens, sum.Amount+b.Amount
		if b.Estimated {
			sum.Estimated += b.Amount
		}
		return nil
	})
	for _, b := range by {
		list = append(list, *b)
	}
	return list, err
}

// Clerk holds what providers say against the ledger once a day, and tells where the two are
// more than two percent apart. It works in every replica that sweeps; the notice is one.
type Clerk struct {
	Ledger  Bookings
	Sources []Source
	Listed  func(ctx context.Context, from, until time.Time) ([]budget.ListedBox, error) // what E2B had; nil: code runs elsewhere
	Client  *http.Client
	Tell    func(ctx context.Context, provider, first, last string, apart []Difference) error

	mu    sync.Mutex
	done  map[string]string    // the day on which a provider was asked last, by its name
	tried map[string]time.Time // and when somebody tried in vain
}

// Days is how many whole days of UTC are looked at each time: what a provider counts late is
// found the next day.
const Days = 3

// settles is how long after midnight a provider is asked, and how long nobody tries again
// after it did not answer.
const (
	settles = 3 * time.Hour
	pause   = time.Hour
)

// Daily asks each provider that was not asked today.
func (c *Clerk) Daily(ctx context.Context, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done, c.tried = map[string]string{}, map[string]time.Time{}
	}
	now = now.UTC()
	today := now.Truncate(24 * time.Hour)
	if now.Sub(today) < settles {
		return nil
	}
	var faults []error
	for _, s := range c.All() {
		if c.done[s.Provider] == today.Format(time.DateOnly) || now.Sub(c.tried[s.Provider]) < pause {
			continue
		}
		from := today.AddDate(0, 0, -Days)
		list, err := c.Look(ctx, s, from, today)
		if err == nil {
			err = c.alarm(ctx, s.Provider, from, today, list)
		}
		if err != nil {
			c.tried[s.Provider] = now
			faults = append(faults, err)
			continue
		}
		c.done[s.Provider] = today.Format(time.DateOnly)
	}
	return errors.Join(faults...)
}

// All are the providers that can be compared.
func (c *Clerk) All() []Source {
	if c.Listed == nil {
		return c.Sources
	}
	return append(slices.Clip(c.Sources), Source{Provider: Cloud})
}

// Look asks one provider, and compares.
func (c *Clerk) Look(ctx context.Context, s Source, from, until time.Time) ([]Difference, error) {
	if s.Provider == Cloud {
		listed, err := c.Listed(ctx, from, until)
		if err != nil {
			return nil, err
		}
		return CompareBoxes(ctx, c.Ledger, listed, from, until)
	}
	theirs, err := s.Ask(ctx, c.Client, from, until)
	if err != nil {
		return nil, err
	}
	ours, err := BookedBy(ctx, c.Ledger, s.Provider, from, until)
	if err != nil {
		return nil, err
	}
	return Compare(ours, theirs), nil
}

func (c *Clerk) alarm(ctx context.Context, provider string, from, until time.Time, list []Difference) error {
	apart := Alarming(list)
	if len(apart) == 0 {
		return nil
	}
	return c.Tell(ctx, provider, from.Format(time.DateOnly), until.AddDate(0, 0, -1).Format(time.DateOnly), apart)
}

// Alarming are the differences that administrators have to hear of.
func Alarming(list []Difference) (apart []Difference) {
	for _, d := range list {
		if d.Alarming() {
			apart = append(apart, d)
		}
	}
	return apart
}
