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
	// A team's calendar is at most a day apart from UTC, so a day more is read on either side; and what was unknown
	// may have been booked as much later as it may stay so.
	err = ledger.Bookings(ctx, from.AddDate(0, 0, -1), until.Add(budget.UncertainFor).AddDate(0, 0, 1), func(b budget.Booking) error {
		if b.Kind != budget.Tokens || b.Provider != provider || b.Used.Before(from) || !b.Used.Before(until) {
			return nil
		}
		day := b.Used.UTC().Truncate(24 * time.Hour)
		key := [2]string{day.Format(time.DateOnly), b.Model}
		if by[key] == nil {
			by[key] = &Booked{Day: day, Model: b.Model}
		}
		sum := by[key]
		sum.Input, sum.Output, sum.Amount = sum.Input+b.InputTokens, sum.Output+b.OutputTokens, sum.Amount+b.Amount
		if b.Estimated {
			sum.Estimated += b.Amount
		}
		sum.Edge = sum.Edge || aroundMidnight(b.Used)
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
	Unknown func(ctx context.Context) ([]budget.UnknownCall, error) // calls of which nobody was told the cost
	Settle  func(ctx context.Context, found []budget.Traced)

	mu    sync.Mutex
	done  map[string]string    // the day on which a provider was asked last, by its name
	tried map[string]time.Time // and when somebody tried in vain
}

// Days is how many whole days of UTC are looked at each time: what a provider counts late is
// found the next day. UnknownCalls reads far enough back for them.
const Days = 3

// settles is how long after midnight a provider is asked, and how long nobody tries again
// after it did not answer.
const (
	settles = 3 * time.Hour
	pause   = time.Hour
)

// Daily asks each provider that was not asked today. What was done is remembered in this replica alone: each asks once a day,
// and the notice has one key, so people hear of it once.
// now is passed in because tests move it; it is the clock of this machine. A provider that did not answer is
// left alone for an hour and keeps no other from being asked.
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
		list, err := c.Look(ctx, s, from, today, now)
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

// Look asks one provider, and compares. Calls of which nobody was told the cost are settled before, where that tells it.
// Of E2B nothing is asked here: its lists were read all day by whoever looks for stray boxes
// (e2b.Client.Strays).
func (c *Clerk) Look(ctx context.Context, s Source, from, until, now time.Time) ([]Difference, error) {
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
	calls, err := c.Unknown(ctx)
	if err != nil {
		return nil, err
	}
	// The days beside them as well: what was booked around midnight may count on either.
	ours, err := BookedBy(ctx, c.Ledger, s.Provider, from.AddDate(0, 0, -1), until.AddDate(0, 0, 1))
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(Trace(s.Provider, calls, ours, named(theirs, ours, calls)), func(t budget.Traced) bool {
		day := t.Call.Last.UTC().Truncate(24 * time.Hour) // of a day that is not over, or hardly, more may come
		return day.Before(from) || !day.Before(until) || now.Before(day.Add(24*time.Hour+settles))
	})
	if len(found) > 0 {
		c.Settle(ctx, found)
	}
	return c.Hold(ctx, s.Provider, theirs, from, until)
}

// Hold holds what a provider says of whole days against the ledger.
func (c *Clerk) Hold(ctx context.Context, provider string, theirs []Used, from, until time.Time) ([]Difference, error) {
	ours, err := BookedBy(ctx, c.Ledger, provider, from, until)
	if err != nil {
		return nil, err
	}
	return Compare(ours, named(theirs, ours, nil)), nil
}

// alarm tells of what is apart. Where nothing is, nobody hears that all is well.
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
