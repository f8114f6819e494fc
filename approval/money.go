package approval

import (
	"errors"
	"slices"
	"time"

	"countersign/budget"
)

// Calls of a model, and what they may have cost.
//
// A question has one hold for all of its calls. Before each call the most that it
// can cost (its prompt as it is, every byte a token, the longest answer, the
// inspection of what comes) is noted on the hold as risked. A bill takes it away
// again; where none comes, it stays, and the hold is uncertain. The next call is made
// under the same hold, if what was risked and what it may cost itself fit into it
// together, and not at all if they do not. So whatever the provider bills in the end,
// all calls of a question together cost no more than the one hold to which somebody
// agreed, an outage takes no budget more than one hold for each question, and five
// calls that fail count once.
//
// A call that is known while an earlier one is not is charged at once, and what is
// left uncertain goes on in a hold of its own, the rest (budget.Hold.RestOf), which the
// next call carries along. Where the provider's usage of that day tells (Trace), that is
// charged; what nobody has found out after budget.UncertainFor is charged in full.
//
// The call is paid when its answer is kept. The same move takes a hold for the inspection
// (budget.ForInspect), so that the inspection can be repeated after a crash, and
// /budget explain can say what each of them cost.

// Money is what a request holds and owes, and what it waits for when a budget refuses.
type Money struct{ *Request }

// Money are the verbs that are about it.
func (r *Request) Money() Money { return Money{r} }

// DraftHoldLife is longer than any call of a model may take. A hold for a draft
// that is older belongs to nobody any more.
const DraftHoldLife = 15 * time.Minute

// Risk is what calls under a hold may have cost, to be stored with it.
type Risk struct {
	HoldID string
	Most   budget.USD
	Since  time.Time // since when it is uncertain; zero when it is not
}

// ErrNoRoom ends a question whose next call could cost more than was agreed,
// together with those of which nobody knows what they have cost.
var ErrNoRoom = errors.New("what is uncertain leaves no room for another call")

// Call says that the model is about to be called, which may cost most: from here on
// the draft's hold, which is worst at least, is uncertain unless somebody settles it.
// A call that nobody has settled belongs to a replica that died in the middle.
// Where the prompt goes is on record before it does.
func (r Money) Call(worst, most budget.USD, to Addressee, p Policy, now time.Time) error {
	if !r.Can("Call") || r.Blocked != nil || r.Seek != nil || r.Edit != nil || r.Written != nil {
		return r.Illegal("draft")
	}
	if r.Attempts >= p.MaxAttempts {
		return &MoveError{Request: r.Request, Verb: "draft", Why: Reason{Code: WhyManyCalls, Count: int64(r.Attempts)}}
	}
	if err := r.room(worst, most, now); err != nil {
		return err
	}
	r.Attempts++
	r.Place = NotInLine
	h := &r.Holds[len(r.Holds)-1]
	r.markCalled(h)
	r.risk(h, h.Risked+most, h.UncertainAt)
	r.note(now, System, EventCalled, map[string]any{"attempt": r.Attempts, "model": r.Model, "hold": h.ID, "provider": to.Provider, "host": to.Host})
	r.touch(now, StepShow)
	return nil
}

// last makes a hold the last of them.
func (r Money) last(id string) *budget.OpenHold {
	i := slices.IndexFunc(r.Holds, func(h budget.OpenHold) bool { return h.ID == id })
	h := r.Holds[i]
	r.Holds = append(slices.Delete(r.Holds, i, i+1), h)
	return &r.Holds[len(r.Holds)-1]
}

// markCalled notes that paid work begins under a hold.
func (r Money) markCalled(h *budget.OpenHold) {
	if !h.Called {
		h.Called = true
		r.Changes.Called = append(r.Changes.Called, h.ID)
	}
}

// room makes sure that the last of the holds has room for a call that costs at most this
// much.
func (r Money) room(worst, most budget.USD, now time.Time) error {
	if !r.Fits(worst, most) {
		return ErrNoRoom
	}
	// One hold is kept for the call, and all others end here. A called hold is kept however old it
	// is: a sweep marks it as uncertain and takes nothing away. An uncalled one has to last beyond the
	// call, because a sweep returns it to the budgets when its time is over.
	carried, since := budget.Carried(r.Holds, now)
	worst, most = worst+r.spare(), most+r.spare()
	keep := ""
	for _, h := range slices.Clone(r.Holds) {
		switch {
		case h.Apart():
		case keep == "" && h.Purpose == budget.ForDraft && h.Amount >= carried+most && (h.Called || h.Amount >= worst && !now.Add(DraftHoldLife/2).After(h.ExpiresAt)):
			keep = h.ID
		default:
			// It is too small, prices have risen since, or it waited so long that a sweep could take it from under the call.
			// What was risked under it goes along.
			r.Settle(budget.Settlement{HoldID: h.ID, At: now})
		}
	}
	if keep == "" {
		r.hold(budget.ForDraft, max(worst, carried+most), now, DraftHoldLife)
		keep = r.Holds[len(r.Holds)-1].ID
	}
	h := r.last(keep)
	if carried > 0 {
		r.markCalled(h)
		r.doubt(h, carried, since, now)
	}
	return nil
}

// inFull charges the whole of a hold, because the real cost of its work is unknown.
func (r Money) inFull(h budget.OpenHold, now time.Time) budget.Settlement {
	switch h.Purpose {
	case budget.ForInspect:
		return h.InFull(now, "inspection")
	case budget.ForRead:
		return h.InFull(now, "reading")
	}
	return h.InFull(now, r.First())
}

// Fits tells whether another call may be made that costs at most this much: together with
// the uncertain amount it must stay within one hold, and leave what is held for a fallback.
func (r Money) Fits(worst, most budget.USD) bool {
	carried, _ := budget.Carried(r.Holds, time.Time{})
	worst, most = worst+r.spare(), most+r.spare()
	for _, h := range slices.DeleteFunc(slices.Clone(r.Holds), budget.OpenHold.Apart) {
		worst = max(worst, h.Amount)
	}
	return carried+most <= worst
}

// risk records how much calls under a hold may have cost.
func (r Money) risk(h *budget.OpenHold, most budget.USD, since time.Time) {
	h.Risked, h.UncertainAt = min(most, h.Amount), since
	r.Changes.Risks = slices.DeleteFunc(r.Changes.Risks, func(k Risk) bool { return k.HoldID == h.ID })
	r.Changes.Risks = append(r.Changes.Risks, Risk{HoldID: h.ID, Most: h.Risked, Since: since})
}

// doubt marks a hold whose call has an unknown cost, and how much it is at most.
func (r Money) doubt(h *budget.OpenHold, most budget.USD, since, now time.Time) {
	was := h.Uncertain()
	r.risk(h, most, since)
	if !was {
		r.note(now, System, EventUncertain, map[string]any{"hold": h.ID, "held": h.Amount, "most": h.Risked, "until": since.Add(budget.UncertainFor)})
		r.touch(now, StepShow)
	}
}

// Conclude ends a call, which was begun with most, under a hold: by what is known
// of it, and by how much may have been used beside that of which nobody knows. What
// earlier calls may have cost stays held.
func (r Money) Conclude(call budget.OpenHold, most budget.USD, known budget.Settlement, unknown budget.USD) {
	i := slices.IndexFunc(r.Holds, func(h budget.OpenHold) bool { return h.ID == call.ID })
	if i < 0 {
		// Another replica's answer was first, and has left this call's part as the rest.
		i = slices.IndexFunc(r.Holds, func(h budget.OpenHold) bool { return h.RestOf == call.ID })
	}
	if i < 0 {
		return // it was charged in full meanwhile
	}
	h := &r.Holds[i]
	open := min(h.Amount, max(0, h.Risked-most)+unknown)
	known.HoldID = h.ID
	switch {
	case open == 0:
		r.Settle(known)
	case budget.Total(known.Charges) == 0:
		r.doubt(h, open, h.Since(known.At), known.At)
	default:
		was := *h
		r.settle(known, was.Amount-open)
		r.rest(was, open, known.At)
	}
}

// Settle ends a hold, in any state: a call that was under way when its request
// was taken back is paid for all the same. What was held is the most that is
// charged; what the work has cost beyond that is our loss, and the administrators
// hear of it. A hold that is not open is left alone.
func (r Money) Settle(s budget.Settlement) {
	for _, h := range r.Holds {
		if h.ID == s.HoldID {
			r.settle(s, h.Amount)
			return
		}
	}
}

// settle ends an open hold, of which most may be charged. Whatever of it is not charged is free
// for a new hold of this same move (carry), without asking the budgets.
func (r Money) settle(s budget.Settlement, most budget.USD) {
	for i, h := range r.Holds {
		if h.ID == s.HoldID {
			within, over := s.Within(most)
			r.Holds = slices.Delete(r.Holds, i, i+1)
			r.Changes.Risks = slices.DeleteFunc(r.Changes.Risks, func(k Risk) bool { return k.HoldID == h.ID })
			// A hold that this same move has taken frees nothing: no budget has borne it yet.
			if !slices.ContainsFunc(r.Changes.Holds, func(n budget.Hold) bool { return n.ID == h.ID }) {
				r.Changes.Freed += h.Amount - budget.Total(within.Charges)
			}
			r.Changes.Settlements = append(r.Changes.Settlements, within)
			data := map[string]any{"hold": h.ID, "for": h.Purpose, "held": h.Amount, "spent": budget.Total(within.Charges), "estimated": s.Estimated}
			if s.UsageOf != "" {
				data["usage_of"] = s.UsageOf
			}
			if over > 0 && !s.Estimated {
				data["over"] = over
				r.Tell(overrunNotice(r.Request, h.Hold, s, over))
			}
			r.note(s.At, System, EventSettled, data)
			r.touch(s.At, StepShow) // the bill has one line more, also when all else has ended
			return
		}
	}
}

// SettleStale ends the holds whose time is over. What was called may have been
// billed: a call of a model, or an inspection, is uncertain, and is charged in full once that
// has lasted too long; what was not called never happened. A run's hold waits for
// the run, which is either finished or lost.
func (r Money) SettleStale(now time.Time) error {
	for _, h := range slices.Clone(r.Holds) {
		switch {
		case r.State == Running || now.Before(h.Due()):
		case h.Purpose == budget.ForReady: // whoever should have ended its box has not found out about it
			Early(r).Lose(r.Revision.Manifest.Sandbox, now)
		case h.Called && !h.Uncertain() && r.Place > NotInLine: // its inspection waits for a box, however long; who comes after a crash settles it
		case h.Called && h.Purpose != budget.ForRun && !h.Uncertain():
			i := slices.IndexFunc(r.Holds, func(o budget.OpenHold) bool { return o.ID == h.ID })
			r.doubt(&r.Holds[i], h.Risked, now, now)
		case h.Called:
			r.Settle(r.inFull(h, now))
		default:
			r.Settle(budget.Settlement{HoldID: h.ID, At: now})
		}
	}
	return nil
}

// PayHeldBack pays a box in which nothing started out of the money for the run, which
// goes on with what is left.
func (r Money) PayHeldBack(charge budget.Charge, now time.Time) {
	r.Place = NotInLine
	for _, h := range r.ForRun() {
		charge.Amount = min(charge.Amount, h.Amount)
		r.Settle(budget.Settlement{HoldID: h.ID, At: now, Charges: []budget.Charge{charge}})
		if left := h.Amount - charge.Amount; left > 0 {
			r.carry(h.Purpose, left, now, max(h.ExpiresAt.Sub(now), DraftHoldLife))
		}
	}
}

// Trace settles what was held for a call whose cost nobody knew by what its provider's usage of that day has beyond all
// that was booked: never more than the call can have cost, since somebody else may use the same key. Where the hold has
// been settled, or used again, since that was looked at, or the question is at work, it is left alone.
func Trace(r *Request, found budget.Traced, charge budget.Charge, now time.Time) {
	i := slices.IndexFunc(r.Holds, func(h budget.OpenHold) bool { return h.ID == found.Call.HoldID })
	if i < 0 || r.State == Drafting || r.Holds[i].Risked != found.Call.Most || !r.Holds[i].UncertainAt.Equal(found.Call.Since) {
		return
	}
	charge.Amount = min(charge.Amount, r.Holds[i].Risked)
	charge.Provider, charge.Host = found.Call.Provider, found.Call.Host
	s := budget.Settlement{HoldID: found.Call.HoldID, At: now, UsageOf: found.Day}
	if charge.Amount > 0 {
		s.Charges = []budget.Charge{charge}
	}
	r.Money().Settle(s)
}

// hold reserves money for a purpose. It stays in every budget until it is settled.
func (r Money) hold(purpose budget.Purpose, amount budget.USD, now time.Time, life time.Duration) {
	h := budget.NewHold(NewID(12), r.ID, purpose, amount, now, life)
	r.Holds = append(r.Holds, budget.OpenHold{Hold: h})
	r.Changes.Holds = append(r.Changes.Holds, h)
	r.note(now, System, EventHeld, map[string]any{"hold": h.ID, "for": purpose, "amount": amount})
}

// rest keeps holding the uncertain part of a hold that has just been settled.
func (r Money) rest(of budget.OpenHold, amount budget.USD, now time.Time) {
	h := of.Rest(NewID(12), amount, now, DraftHoldLife)
	r.Holds = append(r.Holds, h)
	// settle has counted all that was not charged as free, and this part is not.
	r.Changes.Freed -= amount
	r.Changes.Holds = append(r.Changes.Holds, h.Hold)
	r.Changes.Risks = append(r.Changes.Risks, Risk{HoldID: h.ID, Most: amount, Since: h.UncertainAt})
	r.note(now, System, EventUncertain, map[string]any{"hold": h.ID, "rest_of": of.ID, "held": amount, "most": amount, "until": h.Due()})
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
func (r Money) CalledHold() (budget.OpenHold, bool) {
	for _, h := range slices.Backward(r.Holds) {
		if h.Called && !h.Apart() {
			return h, true
		}
	}
	return budget.OpenHold{}, false
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
func (r Money) ForRun() []budget.OpenHold {
	return slices.DeleteFunc(slices.Clone(r.Holds), func(h budget.OpenHold) bool { return h.Purpose != budget.ForRun })
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
