package approval

import (
	"errors"
	"slices"
	"time"

	"countersign/budget"
)

// Ready is a box that is made while the reviewers read, so that a click waits for none. Nothing is in it: neither
// code nor files go into a box before they are approved, and making one is no run. The row tells of it before it is
// asked for, so whoever finds such a box knows whose it is, and its money is held for as long as it can live.
type Ready struct {
	Revision int       `json:"revision"` // for which it is made, by its digest: no other gets it
	Digest   string    `json:"digest"`
	Hold     string    `json:"hold"`
	Box      string    `json:"box,omitempty"` // empty until it is known to be there
	At       time.Time `json:"at"`            // it is paid from here
	Until    time.Time `json:"until"`         // to here at most: then it ends by itself
	Over     time.Time `json:"over,omitzero"` // here its own money has ended: it has, or it is the run's from here
	Used     bool      `json:"used,omitempty"`
	Ending   time.Time `json:"ending,omitzero"` // somebody ends it from here on, and has not paid it yet: no run starts in it, and should they die over it, it is paid until here
}

// Open tells that such a box may be there, which nobody has paid.
func (b *Ready) Open() bool { return b != nil && b.Over.IsZero() }

// Most is how long it can have been paid by now.
func (b *Ready) Most(now time.Time) time.Duration {
	if now.After(b.Until) {
		now = b.Until
	}
	return max(0, now.Sub(b.At))
}

// ErrEnoughReady refuses a box that is to wait while as many wait as may.
var ErrEnoughReady = errors.New("as many boxes wait for reviewers as may")

// handOver is what a box needs of its time for a run to take it over. Before the last of it somebody may end the box already.
const handOver = 10 * time.Second

// ReadyGrace is how long after the end of such a box its hold waits for whoever settles it. Then it is charged in full.
const ReadyGrace = 15 * time.Minute

// Early are the verbs of boxes that wait.
type Early struct{ *Request }

// Wanted tells whether a box may be asked for: once for each version of the code, while it waits for reviewers.
func (e Early) Wanted() bool {
	b := e.Ready
	return e.Can("KeepReady") && e.Revision != nil && e.Blocked == nil && e.Away == nil && !b.Open() && (b == nil || b.Revision != e.Revision.Number)
}

// Stands tells whether the box that the row knows of is still for what waits for reviewers.
func (e Early) Stands() bool {
	return e.Ready.Open() && e.State == Pending && e.Revision.Number == e.Ready.Revision && e.Revision.Digest == e.Ready.Digest
}

// Wish has somebody look whether a box may be made.
func (e Early) Wish(now time.Time) { e.touch(now, StepReady) }

// Order holds what a box costs at most that lives for so long, and notes it before anybody asks for it.
func (e Early) Order(most budget.USD, life time.Duration, now time.Time) error {
	if !e.Wanted() {
		return e.Illegal("have a box made early for")
	}
	m := e.Money()
	m.hold(budget.ForReady, most, now, life+ReadyGrace)
	// Called at once, and not when the box is there: a replica that dies while one is being made leaves a box
	// that costs money, so a sweep must not give the hold back.
	h := &e.Holds[len(e.Holds)-1]
	m.markCalled(h) // from here on there may be a box
	e.Ready = &Ready{Revision: e.Revision.Number, Digest: e.Revision.Digest, Hold: h.ID, At: now, Until: now.Add(life)}
	e.touch(now, StepShow)
	return nil
}

// Name notes which box it is.
func (e Early) Name(box string, now time.Time) error {
	b := e.Ready
	if !e.Can("KeepReady") || !e.Stands() || b.Box != "" && b.Box != box {
		return e.Illegal("keep a box ready for")
	}
	if b.Box == box {
		return nil
	}
	e.Ready = b.with(func(b *Ready) { b.Box = box })
	e.note(now, System, EventBoxReady, map[string]any{"box": box, "hold": b.Hold, "revision": b.Revision, "digest": b.Digest, "until": b.Until})
	e.touch(now)
	return nil
}

// Use makes it the box of the run that has just been approved, which pays it from now on: until now it has cost
// this. What is not for this version, or may have ended, is left to whoever ends it.
func (e Early) Use(charge budget.Charge, now time.Time) {
	b := e.Ready
	if e.State != Approved || !b.Open() || b.Box == "" || b.Revision != e.Revision.Number || b.Digest != e.Revision.Digest || !now.Add(handOver).Before(b.Until) {
		return
	}
	// Two holds and no gap: until this moment the early one has paid, and the run's pays from here on.
	e.over(budget.Settlement{HoldID: b.Hold, At: now, Charges: []budget.Charge{charge}})
	e.Ready.Used = true
	e.Changes.Jobs = slices.DeleteFunc(e.Changes.Jobs, func(s Step) bool { return s == StepReady }) // there is nothing to end
}

// End pays a box that is no more, and was nobody's. A charge of nothing: there was none.
func (e Early) End(charge budget.Charge, now time.Time) {
	if !e.Ready.Open() {
		return
	}
	s := budget.Settlement{HoldID: e.Ready.Hold, At: now}
	if charge.Amount > 0 {
		s.Charges = []budget.Charge{charge}
	}
	e.over(s)
}

// Lose gives up to find out what has become of a box: its hold is charged in full.
func (e Early) Lose(what string, now time.Time) {
	for _, h := range e.Holds {
		if e.Ready.Open() && h.ID == e.Ready.Hold {
			e.over(h.InFull(now, what))
			return
		}
	}
}

// PayLate pays a box that turned up when its money had ended: it was being made while nobody knew of it.
func (e Early) PayLate(charge budget.Charge, now time.Time) {
	e.Money().hold(budget.ForReady, charge.Amount, now, ReadyGrace)
	e.Money().Settle(budget.Settlement{HoldID: e.Holds[len(e.Holds)-1].ID, At: now, Charges: []budget.Charge{charge}})
}

// Part notes that the box that was to be the run's is no more, and paid: whoever is about to pay it as well finds that here.
func (e Early) Part(box string) {
	// Once there is a run, its box is the run's business, and Outlived pays for what is left of it.
	if b := e.Ready; b != nil && b.Used && b.Box == box && e.Run == nil {
		e.Ready = b.with(func(b *Ready) { b.Used, b.Ending = false, time.Time{} })
	}
}

// Ending notes, before anybody asks E2B for it, that a box is ended whose own money is over. Whoever comes after a replica that died between the two
// finds no box, and knows by this that it was there, and until when it is to be paid at least. there says that its run had it until now, and so for longer
// than it was ordered for. It returns false for a box that a run has by now, which is not to be ended.
func (e Early) Ending(box string, there bool, now time.Time) (ends bool) {
	b := e.Ready
	if b == nil || b.Open() || b.Box != box || e.Run != nil && e.Run.BoxID == box {
		return false
	}
	if b.Ending.IsZero() && (b.Used || box == "") { // another one is paid already
		e.Ready = b.with(func(b *Ready) {
			if b.Ending = now; there && now.After(b.Until) {
				b.Until = now
			}
		})
	}
	return true
}

// Ends tells whether somebody is ending this box: then no run takes it.
func (e Early) Ends(box string) bool {
	return e.Ready != nil && e.Ready.Box == box && !e.Ready.Ending.IsZero()
}

// Ended is for how long a box is to be paid of which somebody has found out that it lived for so long; again tells that an earlier replica may have
// ended it and not come to its note. It is paid once: by whoever still finds it ending.
func (e Early) Ended(lived time.Duration, again bool) (unpaid time.Duration) {
	b := e.Ready
	if b == nil || b.Ending.IsZero() {
		return 0
	}
	switch paid := e.Waited(b.Box); {
	case lived > 0:
		unpaid = lived - paid
	case again && b.Box != "": // of one without a name nobody knows whether it was there
		unpaid = b.Most(b.Ending) - paid
	}
	e.Ready = b.with(func(b *Ready) { b.Ending = time.Time{} })
	return max(0, unpaid)
}

// Outwaited is for how long nobody has paid a box that was to be the run's, and that has ended by itself before the run could start.
func (e Early) Outwaited(now time.Time) time.Duration {
	if b := e.Ready; e.State == Approved && b != nil && b.Used && b.Revision == e.Revision.Number && !now.Before(b.Until) {
		return max(0, b.Until.Sub(b.Over))
	}
	return 0
}

// Waited is how much of the time for which a box was there has been paid before the run had it.
func (e Early) Waited(box string) time.Duration {
	if b := e.Ready; b != nil && b.Used && b.Box == box {
		return b.Over.Sub(b.At)
	}
	return 0
}

// over ends its own money.
func (e Early) over(s budget.Settlement) {
	e.Money().Settle(s)
	e.Ready = e.Ready.with(func(b *Ready) { b.Over = s.At })
}

// Dropped tells of a box that was to be the run's, or that nobody knew of when its money ended, and for which there is no
// run any more. It may be there. Of one without a name that stays so until another is ordered: no note could tell that it is gone,
// and each look for it costs a call. So moves wake nobody for it (woken), and only who comes anyway looks.
func (e Early) Dropped() bool {
	b := e.Ready
	return b != nil && !b.Open() && (b.Used || b.Box == "") && e.State != Approved && (e.Run == nil || e.Run.BoxID != b.Box)
}

// woken adds the step that sees to a box of a request that moves.
func (e Early) woken(steps []Step) []Step {
	if e.Ready.Open() || e.Dropped() && e.Ready.Used {
		return append(steps, StepReady)
	}
	return steps
}

// with is the same but for one thing: the row's own stays as it was loaded.
func (b *Ready) with(change func(*Ready)) *Ready {
	now := *b
	change(&now)
	return &now
}
