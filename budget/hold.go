package budget

import (
	"slices"
	"time"
)

// Purpose names the paid step that a hold is for.
type Purpose string

// The purposes of a hold.
const (
	ForDraft   Purpose = "draft"   // a call of a model
	ForSummary Purpose = "summary" // a call of a model that sums the thread up
	ForRead    Purpose = "read"    // the box in which a file is read
	ForInspect Purpose = "inspect" // the box in which what came is inspected
	ForRun     Purpose = "run"
	ForReady   Purpose = "ready" // the box that waits while reviewers read, until it is the run's or is not wanted
	ForCheck   Purpose = "check" // work of the house: what doctor and self-tests try; it belongs to no request
)

// UncertainFor is how long a cost may stay unknown until it is charged in full.
const UncertainFor = 48 * time.Hour

// Hold is money set aside for one paid step of a request, before it starts.
type Hold struct {
	ID        string
	RequestID string
	Purpose   Purpose
	Amount    USD
	At        time.Time
	ExpiresAt time.Time // a sweep settles what nobody has settled by then, or calls it uncertain
	RestOf    string    // the hold of which this is what stays uncertain; empty for one of its own
}

// NewHold makes a hold: from now on so much is set aside for a purpose, in every budget that
// applies, until it is settled. Nothing is stored yet: storage/money weighs it against the budgets
// and writes it, in the transaction of the move that needs it.
func NewHold(id, requestID string, purpose Purpose, amount USD, now time.Time, life time.Duration) Hold {
	return Hold{ID: id, RequestID: requestID, Purpose: purpose, Amount: amount, At: now, ExpiresAt: now.Add(life)}
}

// OpenHold is a hold that nobody has settled. Called tells that the paid work
// may have begun, so that after a crash its cost is uncertain.
type OpenHold struct {
	Hold
	Called      bool
	Risked      USD       // the most that its calls may have cost, of those of which nobody knows better
	UncertainAt time.Time // since when the cost of one of them is not known; zero when all are
}

// Rest is the hold that goes on holding what stays uncertain of this one, which has just been
// settled. The clock of the uncertain part goes on: a new hold does not get another two days.
func (h OpenHold) Rest(id string, amount USD, now time.Time, life time.Duration) OpenHold {
	rest := NewHold(id, h.RequestID, h.Purpose, amount, now, life)
	rest.RestOf = h.ID
	return OpenHold{Hold: rest, Called: true, Risked: amount, UncertainAt: h.Since(now)}
}

// Bears tells whether an inspection that costs at most this much may run under a hold:
// under one of its own, or under that of a call whose price is unknown.
func (h OpenHold) Bears(most USD) bool {
	return !h.Apart() && (!h.Called || h.Uncertain()) && h.Amount >= h.Risked+most
}

// Apart tells of a hold that bears nothing but its own: that of a summary, or of a box that waits.
func (h OpenHold) Apart() bool { return h.Purpose == ForSummary || h.Purpose == ForReady }

// Since is the time from which a called hold counts as uncertain, unless it is settled
// now.
func (h OpenHold) Since(now time.Time) time.Time {
	if h.Uncertain() {
		return h.UncertainAt
	}
	return now
}

// Due is the time at which a sweep settles a hold that nobody has settled.
func (h OpenHold) Due() time.Time {
	if h.Uncertain() {
		return h.UncertainAt.Add(UncertainFor)
	}
	return h.ExpiresAt
}

// Uncertain tells that a call under this hold has a cost that nobody knows.
func (h OpenHold) Uncertain() bool { return !h.UncertainAt.IsZero() }

// Uncertain is how much of these is held for calls of which nobody knows what they have cost, and
// when the first of it is charged in full.
func Uncertain(holds []OpenHold) (held USD, until time.Time) {
	for _, h := range holds {
		if h.Uncertain() {
			held += h.Amount
			if due := h.Due(); until.IsZero() || due.Before(until) {
				until = due
			}
		}
	}
	return held, until
}

// Carried is the most that calls with an unknown cost may have used, and since when.
func Carried(holds []OpenHold, now time.Time) (sum USD, since time.Time) {
	for _, h := range holds {
		if h.Called && !h.Apart() {
			sum += h.Risked
			if at := h.Since(now); since.IsZero() || at.Before(since) {
				since = at
			}
		}
	}
	return sum, since
}

// Settlement ends a hold, once. No charges means that nothing was spent.
type Settlement struct {
	HoldID    string
	At        time.Time
	Charges   []Charge
	Estimated bool   // nobody knows what the provider bills, so the hold was taken in full
	UsageOf   string // of what was unknown until the provider's usage of a day told it: that day (2026-11-27)
}

// Within cuts the charges down to what was held, in their order. over is the cost
// beyond the hold; no budget is charged for it.
func (s Settlement) Within(held USD) (charged Settlement, over USD) {
	charged = s
	charged.Charges = slices.Clone(s.Charges)
	for i := range charged.Charges {
		line := &charged.Charges[i]
		over += max(0, line.Amount-held)
		line.Amount = min(line.Amount, held)
		held -= line.Amount
	}
	return charged, over
}

// InFull settles a hold whose outcome is unknown: it charges the whole amount and marks it
// as estimated.
func (h Hold) InFull(at time.Time, what string) Settlement {
	kind := Tokens
	if h.Purpose == ForRun || h.Purpose == ForInspect || h.Purpose == ForRead || h.Purpose == ForReady {
		kind = Box
	}
	return Settlement{HoldID: h.ID, At: at, Estimated: true,
		Charges: []Charge{{Kind: kind, What: what, Amount: h.Amount}}}
}
