package accounts

import (
	"context"
	"time"

	"countersign/budget"
)

// Cloud is E2B as a provider. It has no API for what it bills, but it lists the boxes that there are: what was listed is what it has
// seen, and so what it bills.
const Cloud = "E2B"

// Boxes is what stands in the place of a model where boxes are compared. Its tokens in are milliseconds of boxes.
const Boxes = "boxes"

const (
	// cloudBox is the kind of box, by its row of prices.
	cloudBox = "e2b"
	// between is how long a box may have lived that stood in no list: they are read every 15 seconds, and seldom in a busy hour.
	between = time.Minute
	// blur is how far a box's time is known less well than by the lists: E2B's clock tells seconds, and asking takes some.
	blur = 2 * time.Second
)

// CompareBoxes holds the lists of boxes against the ledger, by day of UTC, from one midnight until before another. How long a box was there
// the lists tell as a span: at least from when it began to the last list that had it, at most to the first one that had not. What the ledger has
// agrees as far as it lies within; else the end of the span that is nearer stands for what E2B says. A box counts on the day on which it began
// there, and on the day on which it was settled here. One that waited for reviewers has two lines where it became the run's, and both together are
// its time. So two days that agree only together are told apart (Midnight).
// Used is filled with what fits the ledger best within the span, so that Compare, which knows no spans, can be
// asked.
func CompareBoxes(ctx context.Context, ledger Bookings, listed []budget.ListedBox, from, until time.Time) ([]Difference, error) {
	type span struct{ least, most time.Duration }
	there, boxes := map[string]span{}, map[string]int{}
	for _, b := range listed {
		day := b.Began.UTC().Format(time.DateOnly)
		gone := b.Seen.Add(between)
		if b.Gone != nil {
			gone = *b.Gone
		}
		s := there[day]
		there[day] = span{s.least + b.Seen.Sub(b.Began), s.most + gone.Sub(b.Began) + blur}
		boxes[day]++
	}
	ours := map[string]*Booked{}
	err := ledger.Bookings(ctx, from.AddDate(0, 0, -1), until.AddDate(0, 0, 1), func(b budget.Booking) error {
		if b.Kind != budget.Box || b.Model != cloudBox || b.At.Before(from) || !b.At.Before(until) {
			return nil
		}
		at := b.At.UTC().Truncate(24 * time.Hour)
		day := at.Format(time.DateOnly)
		if ours[day] == nil {
			ours[day] = &Booked{Day: at, Model: Boxes}
		}
		sum := ours[day]
		sum.Input, sum.Amount = sum.Input+b.BoxMS, sum.Amount+b.Amount
		if b.Estimated {
			sum.Estimated += b.Amount
		}
		if b.Joint { // E2B bills one box; its other line, the run's, stands for it
			return nil
		}
		if boxes[day]--; boxes[day] < 0 { // more were paid for than were listed
			s := there[day]
			there[day] = span{s.least, s.most + between}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var booked []Booked
	for _, b := range ours {
		booked = append(booked, *b)
	}
	var used []Used
	for day, s := range there {
		said := s.least.Milliseconds()
		if b := ours[day]; b != nil {
			said = min(max(b.Input, said), s.most.Milliseconds())
		}
		if said > 0 {
			used = append(used, Used{Day: day, Model: Boxes, Input: said})
		}
	}
	list := Compare(booked, used)
	for i := range max(0, len(list)-1) {
		a, b := &list[i], &list[i+1]
		paid, least, most := a.OurInput+b.OurInput, (there[a.Day].least + there[b.Day].least).Milliseconds(), (there[a.Day].most + there[b.Day].most).Milliseconds()
		if neighbours(a.Day, b.Day) && a.OurInput < there[a.Day].least.Milliseconds() && off(paid, min(max(paid, least), most)) <= Tolerance { // a box that was there at midnight is paid for the day after
			a.Midnight, b.Midnight = a.Apart > Tolerance, b.Apart > Tolerance
		}
	}
	return list, nil
}
