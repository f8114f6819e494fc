package approval

import (
	"time"

	"countersign/budget"
)

// Block is a paid step that a budget has refused. The request waits where it is,
// with nothing held, until its asker chooses a way on: a blocked draft is still
// drafting, a blocked run still pending.
type Block struct {
	Purpose   budget.Purpose    `json:"purpose"`
	Needed    budget.USD        `json:"needed"`
	Model     string            `json:"model"`           // that would have been called
	Standings []budget.Standing `json:"standings"`       // all that were weighed, in lock order
	At        time.Time         `json:"at"`              // when they were
	By        string            `json:"by,omitempty"`    // of a run: the reviewer whose approval found no money
	Wait      bool              `json:"wait,omitempty"`  // the asker wants it to go on by itself
	Until     time.Time         `json:"until,omitzero"`  // when it is tried again by itself
	TopUp     string            `json:"topup,omitempty"` // the top-up that has been asked for, by its id

	// Declined is the cheaper model that the asker does not want, where that is all
	// that the request waits for: the other one is not used past the soft limit.
	Declined *Downgraded `json:"declined,omitempty"`
}

// Rest is why nothing that costs money starts in a workspace: a copy of the database was put back, and
// no administrator has confirmed yet what was spent since it was made.
type Rest struct {
	At    time.Time // when the copy was put back
	Lost  int64     // entries that were signed since it was made, at least
	Ended int64     // requests that were open in it
}

// Rests tells whether that is why the request waits: more money would not help.
func (b *Block) Rests() bool { return b.Tight().Limit.Rests }

// Tight returns the budget to name to people: the one in saving mode, or else the one
// with the least left.
func (b *Block) Tight() budget.Standing {
	for _, s := range b.Standings {
		if b.Declined != nil && s.Limit.Scope == b.Declined.Scope {
			return s
		}
	}
	tight, _ := budget.Tightest(b.Standings)
	return tight
}

// Missing is how much the named budget would have to grow for the step: what it
// costs at most, where money is left that is to be saved.
func (b *Block) Missing() budget.USD {
	missing := max(0, b.Needed-b.Tight().Left())
	if b.Declined != nil {
		return max(missing, b.Needed)
	}
	return missing
}

// Refusal returns the block as the error that the asker has read before.
func (b *Block) Refusal() *budget.ExceededError {
	return &budget.ExceededError{Standing: b.Tight(), Standings: b.Standings, Needed: b.Needed}
}

// NewBlocked is New for a question that a budget has refused. The question is stored
// without a hold, so that nobody has to type it again.
func NewBlocked(q Question, model string, refused *budget.ExceededError, p Policy, now time.Time) *Request {
	r := begin(q, model, now)
	r.State = Drafting
	r.touch(now, StepFind) // it costs nothing, and says where its thread is to be
	r.Money().block(budget.ForDraft, refused, q.Asker, p, now)
	return r
}

// Block notes that a budget has refused the next paid step. What was held for it
// goes back. Whoever tried is told apart: of a run, the reviewer waits as well.
func (r Money) Block(purpose budget.Purpose, refused *budget.ExceededError, by string, p Policy, now time.Time) error {
	// Only a draft and a run wait for money. Any other purpose has no state in here, and so is refused.
	if waits := map[budget.Purpose]State{budget.ForDraft: Drafting, budget.ForRun: Pending}; !r.Can("Block") || r.State != waits[purpose] {
		return r.Illegal("block")
	}
	r.block(purpose, refused, by, p, now)
	return nil
}

// block notes the refusal. What was held for the step is released, so a request that waits for
// money holds none, and whoever had chosen to wait before goes on waiting.
func (r Money) block(purpose budget.Purpose, refused *budget.ExceededError, by string, p Policy, now time.Time) {
	r.release(now)
	// Where the refusal says when the budgets were read, that moment counts: the numbers on the
	// card are those of then.
	at := refused.At
	if at.IsZero() {
		at = now
	}
	b := &Block{Purpose: purpose, Needed: refused.Needed, Model: r.Model, Standings: refused.Standings, At: at, By: by}
	if had := r.Blocked; had != nil && had.Purpose == purpose {
		// Tried again in vain: who waits goes on waiting, for the next time that there is room.
		b.By, b.TopUp = had.By, had.TopUp
		b.Until, b.Wait = budget.FitsFrom(b.Needed, b.Standings)
		b.Wait = b.Wait && had.Wait
		if !b.Wait {
			b.Until = time.Time{}
		}
	}
	// A new block, never a change of the old one: steps hold shallow copies of the request as it was loaded.
	r.Blocked, r.Place = b, NotInLine
	r.note(now, System, EventBlocked, weighed(purpose, refused.Needed, r.Model, refused.Standings, ""))
	r.Tell(stops(r.Request, refused, now)...)
	// Whoever waits for a new window gets the usual time after it has begun. A run that is blocked
	// keeps the reviewers' deadline, unless its wait goes beyond that.
	if expires := later(b.Until, now).Add(p.Expiry); purpose == budget.ForDraft || expires.After(r.ExpiresAt) && b.Wait {
		r.ExpiresAt = expires
	}
	r.touch(now, StepShow)
}

// Unpaid records that a reviewer's change or edit could not be paid for. The request
// keeps its state, and its card says why.
func (r Money) Unpaid(what string, refused *budget.ExceededError, by string, now time.Time) error {
	if !r.Can("Unpaid") {
		return r.Illegal(what)
	}
	data := weighed(budget.ForDraft, refused.Needed, r.Model, refused.Standings, "")
	// The request is not blocked: its version stands as it stood, and may be approved as it is.
	data["what"], data["revision"] = what, r.Revision.Number
	r.note(now, by, EventRefusedChange, data)
	r.Tell(stops(r.Request, refused, now)...)
	if r.Reason.None() {
		r.Reason = OverBudget(WhyUnpaidChange, refused)
	}
	r.touch(now, StepShow)
	return nil
}

// later is the later of two moments.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Wait lets a blocked request continue when its budget has room again.
func (r Money) Wait(until time.Time, by string, p Policy, now time.Time) error {
	if !r.Can("Wait") || r.Blocked == nil {
		return Unblocked(r.Request, "wait with")
	}
	b := *r.Blocked
	b.Wait, b.Until = true, until
	r.Blocked = &b
	r.ExpiresAt = until.Add(p.Expiry)
	r.note(now, by, EventWaitsForMoney, map[string]any{"until": until})
	r.touch(now, StepShow)
	return nil
}

// GoOn ends the wait for money. A draft gets a hold, with the model that was chosen. A
// run needs its reviewer's approval again, and the reviewer is told.
func (r Money) GoOn(model string, worst budget.USD, by string, p Policy, now time.Time) error {
	if !r.Can("GoOn") || r.Blocked == nil {
		return Unblocked(r.Request, "go on with")
	}
	b := r.Blocked
	r.Blocked = nil
	r.note(now, by, EventContinued, map[string]any{"for": b.Purpose, "model": model, "before": r.Model})
	// A run's money is held by its approval and not here: between the two, a hold would burden budgets for
	// something that nobody has said yes to.
	if b.Purpose == budget.ForRun {
		if b.By != "" {
			r.Tell(Notice{Key: "funded " + r.ID + " " + b.At.UTC().Format(time.RFC3339Nano), Kind: NoticeFunded, To: []string{b.By},
				Data: Encode(struct{}{}), At: now})
		}
		r.ExpiresAt = later(r.ExpiresAt, now.Add(p.Expiry))
		r.touch(now, StepShow)
		return nil
	}
	// What another model has written does not go on under this one's name.
	if model != r.Model {
		r.Downgraded, r.Written = nil, nil // the asker has chosen it, no policy
	}
	r.Model = model
	r.hold(budget.ForDraft, worst, now, DraftHoldLife)
	r.ExpiresAt = now.Add(p.Expiry)
	r.touch(now, NextStep(r.Request), StepShow)
	return nil
}

// Unblocked is the error for whoever wants to go on with what does not wait for money (any more).
func Unblocked(r *Request, verb string) error {
	return &MoveError{Request: r, Verb: verb, Why: Because(WhyNotBlocked)}
}

// Downgrade lets a cheaper model write than the one that was asked for.
func (r Money) Downgrade(d Downgraded, now time.Time) {
	if r.Downgraded != nil {
		d.From = r.Downgraded.From // what was asked for first
	}
	r.Model, r.Downgraded = d.To, &d
	r.note(now, System, EventDowngraded, map[string]any{"from": d.From, "to": d.To, "scope": d.Scope})
}

// weighed is the data of the events that say what the budgets were asked for and
// how each of them stood. Explain reads it back.
func weighed(purpose budget.Purpose, needed budget.USD, model string, standings []budget.Standing, hold string) map[string]any {
	data := map[string]any{"for": purpose, "needed": needed, "model": model, "standings": standings}
	if hold != "" {
		data["hold"] = hold
	}
	return data
}

// Weighed notes how the budgets stood before they bore a new hold: under their locks, or of a question at most
// budget.AheadFor before, and then what others hold since is not in it, and left room all the same. The Store
// calls it, which alone knows.
func (r Money) Weighed(h budget.Hold, standings []budget.Standing, now time.Time) {
	r.note(now, System, EventWeighed, weighed(h.Purpose, h.Amount, r.Model, standings, h.ID))
}

// Addressee is who is asked for a model, and where the prompt goes.
type Addressee struct {
	Provider string `json:"provider"` // for people
	Host     string `json:"host"`
}

// Fallback is the model that writes when the one that was asked cannot be reached, as the
// rules of the channel have it. What it costs at most is held from the start, beside the
// first one's, so that one hold covers both calls.
type Fallback struct {
	Addressee
	Model string     `json:"model"`
	Most  budget.USD `json:"most"`            // is held for a call of it, and for the inspection of what comes
	Cap   budget.USD `json:"cap,omitempty"`   // that all of its calls cost at most; 0: nobody has set any
	Spent budget.USD `json:"spent,omitempty"` // by its calls so far, at most
	From  string     `json:"from,omitempty"`  // the model in whose place it wrote first; empty while it has not
}

// spare is what is held for a fallback that has not been called.
func (r Money) spare() budget.USD {
	if f := r.Fallback; f != nil && f.From == "" && f.Model != r.Model {
		return f.Most
	}
	return 0
}

// Held is what is held for it from the start; nothing for none.
func (f *Fallback) Held() budget.USD {
	if f == nil {
		return 0
	}
	return f.Most
}

// Used tells whether it has stepped in. It does so once for a question, whatever its asker chooses
// later, and what it has spent goes on counting against its cap.
func (f *Fallback) Used() bool { return f != nil && f.From != "" }

// FellBack tells whether the fallback writes. Its asker may have chosen another model since.
func (r *Request) FellBack() bool { return r.Fallback.Used() && r.Model == r.Fallback.Model }

// First is the model that was called first: not the fallback.
func (r *Request) First() string {
	if r.FellBack() {
		return r.Fallback.From
	}
	return r.Model
}

// FallBack has the fallback write from here on, because of why. The job that made the call
// which failed comes again.
func (r Money) FallBack(to Addressee, why string, now time.Time) error {
	// Nothing is spare where there is no fallback, where it has stepped in, or where its model was asked anyway.
	if !r.Can("Again") || r.spare() == 0 {
		return r.Illegal("fall back with")
	}
	f := *r.Fallback
	// Where the prompt goes is the caller's to say: the rules of the channel name the model, and not who serves it.
	f.Addressee, f.From = to, r.Model
	r.Fallback, r.Model = &f, f.Model
	r.note(now, System, EventFellBack, map[string]any{"from": f.From, "to": f.Model, "provider": to.Provider, "host": to.Host, "most": f.Most, "why": Said(why)})
	r.touch(now, StepDraft, StepShow)
	return nil
}

// PayFallback notes what a call of a model has cost at most, if that is the fallback. The call may
// end when another model writes already.
func (r Money) PayFallback(model string, amount budget.USD) {
	if r.Fallback.Used() && r.Fallback.Model == model && amount > 0 {
		f := *r.Fallback
		f.Spent += amount
		r.Fallback = &f
	}
}

// Chosen is the model that somebody has chosen in a thread: it writes there until another one is chosen.
type Chosen struct {
	Model  string `json:"model"`
	By     string `json:"by"`               // who has, in this question or an earlier one of the thread
	Barred bool   `json:"barred,omitempty"` // it may not be asked there any more, so another one writes
}

// Name is that model; empty: nobody has chosen one that may be asked.
func (c *Chosen) Name() string {
	if c == nil || c.Barred {
		return ""
	}
	return c.Model
}

// Downgraded is a cheaper model than the one that was asked for, and the budget
// whose policy wants it.
type Downgraded struct {
	From  string       `json:"from"`
	To    string       `json:"to"`
	Scope budget.Scope `json:"scope"`
	Off   bool         `json:"off,omitempty"` // the one that was asked for is switched off
}

// An asker may decline the cheaper model that a budget past its soft limit has
// write. The one that was asked for is not used for that: the question waits like
// one without money, until a budget begins anew or somebody grants it.

// Insist declines the cheaper model. What that model has written so far is paid for and
// not used; nothing is held from here on.
func (r Money) Insist(standings []budget.Standing, needed budget.USD, p Policy, now time.Time) error {
	d := r.Downgraded
	switch {
	case !r.Can("Insist") || r.Edit != nil:
		return r.Illegal("decline the model of")
	case r.Blocked != nil:
		return &MoveError{Request: r.Request, Verb: "decline the model of", Why: Because(WhyNotWriting)}
	case d == nil:
		return &MoveError{Request: r.Request, Verb: "decline the model of", Why: Because(WhyModelAsked)}
	}
	if r.State == Pending {
		if err := anotherRound(r.Request, p); err != nil {
			return err
		}
		r.Rounds++
	}
	r.note(now, r.Asker, EventDeclinedModel, map[string]any{"model": d.To, "instead_of": d.From, "scope": d.Scope})
	// With the other model the count of its calls begins anew. Rounds do not: they bound what one question
	// costs, whichever model writes.
	r.Model, r.Downgraded, r.Attempts, r.Reason = d.From, nil, 0, Reason{}
	r.release(now)
	r.move(Drafting, now, now.Add(p.Expiry))
	r.InsistStill(*d, standings, needed, now)
	return nil
}

// InsistStill goes on waiting after the asker has declined the cheaper model: at first, and each
// time that it is tried again while the budget is still past its soft limit.
func (r Money) InsistStill(d Downgraded, standings []budget.Standing, needed budget.USD, now time.Time) {
	b := Block{Purpose: budget.ForDraft, Needed: needed, Model: r.Model, Standings: standings, At: now, Declined: &d}
	if had := r.Blocked; had != nil {
		b.TopUp = had.TopUp
		b.Until, b.Wait = budget.FreeFrom(r.Model, needed, standings)
		if b.Wait = b.Wait && had.Wait; !b.Wait {
			b.Until = time.Time{}
		}
	}
	r.Blocked = &b
	r.touch(now, StepShow)
}

// OverBudget is why a budget has refused a step.
func OverBudget(code ReasonCode, refused *budget.ExceededError) Reason {
	return Reason{Code: code, Standing: &refused.Standing, Amount: refused.Needed}
}
