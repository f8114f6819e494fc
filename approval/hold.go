package approval

import (
	"slices"
	"time"

	"countersign/budget"
)

// OpenHold is a hold that nobody has settled. Called tells that the paid work
// may have begun, so that after a crash its cost is uncertain.
type OpenHold struct {
	budget.Hold
	Called      bool
	Risked      budget.USD // the most that its calls may have cost, of those of which nobody knows better
	UncertainAt time.Time  // since when the cost of one of them is not known; zero when all are
}

// bears tells whether an inspection that costs at most this much may run under a hold:
// under one of its own, or under that of a call whose price is unknown.
func (h OpenHold) bears(most budget.USD) bool {
	return !h.apart() && (!h.Called || h.Uncertain()) && h.Amount >= h.Risked+most
}

// since is the time from which a called hold counts as uncertain, unless it is settled
// now.
func (h OpenHold) since(now time.Time) time.Time {
	if h.Uncertain() {
		return h.UncertainAt
	}
	return now
}

// Due is the time at which a sweep settles a hold that nobody has settled.
func (h OpenHold) Due() time.Time {
	if h.Uncertain() {
		return h.UncertainAt.Add(budget.UncertainFor)
	}
	return h.ExpiresAt
}

// Uncertain tells that a call under this hold has a cost that nobody knows.
func (h OpenHold) Uncertain() bool { return !h.UncertainAt.IsZero() }

// hold reserves money for a purpose. It stays in every budget until it is settled.
func (r Money) hold(purpose budget.Purpose, amount budget.USD, now time.Time, life time.Duration) {
	h := budget.Hold{ID: NewID(12), RequestID: r.ID, Purpose: purpose, Amount: amount, At: now, ExpiresAt: now.Add(life)}
	r.Holds = append(r.Holds, OpenHold{Hold: h})
	r.Changes.Holds = append(r.Changes.Holds, h)
	r.note(now, System, EventHeld, map[string]any{"hold": h.ID, "for": purpose, "amount": amount})
}

// rest keeps holding the uncertain part of a hold that has just been settled.
func (r Money) rest(of OpenHold, amount budget.USD, now time.Time) {
	// The clock of the uncertain part goes on: a new hold does not get another two days.
	h := budget.Hold{ID: NewID(12), RequestID: r.ID, Purpose: of.Purpose, Amount: amount, At: now, ExpiresAt: now.Add(DraftHoldLife), RestOf: of.ID}
	r.Holds = append(r.Holds, OpenHold{Hold: h, Called: true, Risked: amount, UncertainAt: of.since(now)})
	// settle has counted all that was not charged as free, and this part is not.
	r.Changes.Freed -= amount
	r.Changes.Holds = append(r.Changes.Holds, h)
	r.Changes.Risks = append(r.Changes.Risks, Risk{HoldID: h.ID, Most: amount, Since: of.since(now)})
	r.note(now, System, EventUncertain, map[string]any{"hold": h.ID, "rest_of": of.ID, "held": amount, "most": amount, "until": of.since(now).Add(budget.UncertainFor)})
}

// carry goes on holding what this move has given back; where that is too little, nothing.
// A budget that is full by now has borne it before and is not asked again: a refusal
// would undo the settlement of work that is done and has to be paid.
func (r Money) carry(purpose budget.Purpose, amount budget.USD, now time.Time, life time.Duration) {
	if r.Changes.Freed < amount {
		return
	}
	r.Changes.Freed -= amount
	r.hold(purpose, amount, now, life)
	r.Changes.Carried = append(r.Changes.Carried, r.Holds[len(r.Holds)-1].ID)
}

// CalledHold returns the hold whose paid work is under way, if there is one.
func (r Money) CalledHold() (OpenHold, bool) {
	for _, h := range slices.Backward(r.Holds) {
		if h.Called && !h.apart() {
			return h, true
		}
	}
	return OpenHold{}, false
}

// Unused pays for a box that was made for a run and that no row ever named: the request was
// taken back meanwhile, and the run's hold was released with it. The charge gets a hold of its
// own, because a hold that is open by now is for another run. It never exceeds the cost cap
// that was agreed to. Where another box has run the code, that run may have used up the cap:
// then nothing is charged, and the unused box is our loss.
func (r Money) Unused(charge budget.Charge, now time.Time) {
	if r.Run != nil {
		return
	}
	beside(r, charge, now)
}

// Outlived pays for a box that was there after its run's end, until somebody came to kill it. The run's own hold is
// settled by then. All of a box's time together is no longer than the lease for which the cap was agreed to.
func (r Money) Outlived(charge budget.Charge, now time.Time) {
	if r.State != Done {
		return
	}
	beside(r, charge, now)
	r.touch(now, StepShow)
}

// beside holds and settles a charge for a box in one move.
func beside(r Money, charge budget.Charge, now time.Time) {
	charge.Amount = min(charge.Amount, r.Revision.Manifest.CostCap)
	r.hold(budget.ForRun, charge.Amount, now, DraftHoldLife)
	r.Settle(budget.Settlement{HoldID: r.Holds[len(r.Holds)-1].ID, At: now, Charges: []budget.Charge{charge}})
}

// ForRun are the open holds of the run. A draft's may be open beside them when
// two replicas had one written: whoever called that one settles it.
func (r Money) ForRun() []OpenHold {
	return slices.DeleteFunc(slices.Clone(r.Holds), func(h OpenHold) bool { return h.Purpose != budget.ForRun })
}

// release settles holds for work that never began, at no cost. A hold whose call has
// begun stays: its caller settles it, or else a sweep does.
func (r Money) release(now time.Time) {
	for _, h := range slices.Clone(r.Holds) {
		if !h.Called {
			r.Settle(budget.Settlement{HoldID: h.ID, At: now})
		}
	}
}
