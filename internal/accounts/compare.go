package accounts

import (
	"cmp"
	"slices"
	"time"

	"countersign/budget"
)

// Booked is what the ledger has of a model on a day of UTC.
type Booked struct {
	Day       time.Time
	Model     string
	Input     int64
	Output    int64
	Amount    budget.USD
	Estimated budget.USD // of the amount: nobody was told what was used
	Edge      bool       // some of it around midnight, which a provider may count on the other day
}

// Difference is a day of a model by the word of both. Apart is how far, as a share of the
// larger figure, whichever of tokens in, tokens out and dollars are the farthest.
type Difference struct {
	Day, Model             string
	OurInput, TheirInput   int64
	OurOutput, TheirOutput int64
	Paid                   budget.USD
	Billed                 *budget.USD // nil: they do not say
	Estimated              budget.USD
	Apart                  float64
	Midnight               bool // it comes out even with the day before or after: a call around midnight
}

// Tolerance is how far apart may be what is no alarm (2 %): providers round, and so do we.
const Tolerance = 0.02

// Alarming tells of a difference that administrators have to hear of.
func (d Difference) Alarming() bool { return d.Apart > Tolerance && !d.Midnight }

// Compare holds what a provider says against the ledger, by day and model. A model of which
// only one of both knows is as far apart as can be.
// The list is by day and, within a day, by model.
func Compare(ours []Booked, theirs []Used) (list []Difference) {
	by := map[[2]string]*Difference{}
	at := func(day, model string) *Difference {
		key := [2]string{day, model}
		if by[key] == nil {
			by[key] = &Difference{Day: day, Model: model}
		}
		return by[key]
	}
	for _, b := range ours {
		d := at(b.Day.UTC().Format(time.DateOnly), b.Model)
		d.OurInput, d.OurOutput, d.Paid, d.Estimated = d.OurInput+b.Input, d.OurOutput+b.Output, d.Paid+b.Amount, d.Estimated+b.Estimated
	}
	for _, u := range theirs {
		d := at(u.Day, u.Model)
		d.TheirInput, d.TheirOutput = d.TheirInput+u.Input, d.TheirOutput+u.Output
		if u.Cost != nil {
			cost := *u.Cost
			if d.Billed != nil {
				cost += *d.Billed
			}
			d.Billed = &cost
		}
	}
	for _, d := range by {
		d.Apart = apart(*d)
		list = append(list, *d)
	}
	slices.SortFunc(list, func(a, b Difference) int { return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Day, b.Day)) })
	for i := range list {
		// Sorted by model and day, so the days beside one stand beside it in the list.
		for _, j := range []int{i - 1, i + 1} {
			if j >= 0 && j < len(list) && list[j].Model == list[i].Model && neighbours(list[i].Day, list[j].Day) && list[i].Apart > Tolerance && apart(together(list[i], list[j])) <= Tolerance {
				list[i].Midnight = true
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Difference) int { return cmp.Compare(a.Day, b.Day) })
	return list
}

// together adds two days up.
func together(a, b Difference) Difference {
	a.OurInput, a.OurOutput, a.TheirInput, a.TheirOutput, a.Paid = a.OurInput+b.OurInput, a.OurOutput+b.OurOutput, a.TheirInput+b.TheirInput, a.TheirOutput+b.TheirOutput, a.Paid+b.Paid
	if a.Billed != nil && b.Billed != nil {
		both := *a.Billed + *b.Billed
		a.Billed = &both
	}
	return a
}

// neighbours tells of two days that follow one another, in either order.
func neighbours(a, b string) bool {
	x, err := time.Parse(time.DateOnly, a)
	y, err2 := time.Parse(time.DateOnly, b)
	return err == nil && err2 == nil && x.Sub(y).Abs() == 24*time.Hour
}

// apart is the farthest of the three figures.
// The bill is compared only where the provider has one: without, its tokens say enough.
func apart(d Difference) float64 {
	far := max(off(d.OurInput, d.TheirInput), off(d.OurOutput, d.TheirOutput))
	if d.Billed != nil {
		far = max(far, off(int64(d.Paid), int64(*d.Billed)))
	}
	return far
}

// off is the difference of two figures as a share of the larger one.
func off(a, b int64) float64 {
	if a == b {
		return 0
	}
	return float64(max(a, b)-min(a, b)) / float64(max(a, b))
}

// sortUsed gives one order to what came out of a map.
func sortUsed(list []Used) {
	slices.SortFunc(list, func(a, b Used) int { return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Model, b.Model)) })
}
