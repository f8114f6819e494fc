package approval

import (
	"slices"
	"time"

	"countersign/budget"
)

// TopUp is money on top of a limit, until a moment: asked for by whoever was
// refused, granted by an administrator who is somebody else. It raises the one
// budget that it is for, and none of those above it.
type TopUp struct {
	ID        string
	RequestID string
	Scope     budget.Scope
	AskedBy   string
	Amount    budget.USD
	Reason    string
	At        time.Time
	DecidedBy string // empty while nobody has decided
	DecidedAt time.Time
	Granted   bool
	Answer    string    // why it was declined
	ExpiresAt time.Time // of what was granted
}

// Open tells that nobody has decided yet.
func (t *TopUp) Open() bool { return t.DecidedBy == "" }

// TopUp finds a top-up of this request.
func (r *Request) TopUp(id string) *TopUp {
	for i := range r.TopUps {
		if r.TopUps[i].ID == id {
			return &r.TopUps[i]
		}
	}
	return nil
}

// OpenTopUp is the one that waits for an administrator, if there is one.
func (r Money) OpenTopUp() *TopUp {
	i := slices.IndexFunc(r.TopUps, func(t TopUp) bool { return t.Open() })
	if i < 0 {
		return nil
	}
	return &r.TopUps[i]
}

// AskTopUp asks for money on top of the budget that has refused the request.
func (r Money) AskTopUp(amount budget.USD, reason string, p Policy, now time.Time) error {
	if !r.Can("AskTopUp") || r.Blocked == nil {
		return Unblocked(r.Request, "ask for money for")
	}
	if r.Money().OpenTopUp() != nil {
		return &MoveError{Request: r.Request, Verb: "ask for money for", Why: Because(WhyTopUpOpen)}
	}
	t := TopUp{ID: NewID(9), RequestID: r.ID, Scope: r.Blocked.Tight().Limit.Scope, AskedBy: r.Asker, Amount: amount, Reason: reason, At: now}
	b := *r.Blocked
	b.TopUp = t.ID
	r.Blocked, r.TopUps, r.Changes.TopUp = &b, append(r.TopUps, t), &t
	r.ExpiresAt = later(r.ExpiresAt, now.Add(p.Expiry))
	r.note(now, r.Asker, EventAskedForTopUp, map[string]any{"topup": t.ID, "scope": t.Scope, "amount": amount, "reason": Said(reason)})
	r.Tell(t.notice(now))
	r.touch(now, StepShow)
	return nil
}

// DecideTopUp grants a top-up until a moment, or declines it. Who asked does not
// decide. A request that has got its money is tried at the next sweep at the
// latest, whoever dies before.
func (r Money) DecideTopUp(id string, granted bool, until time.Time, answer, by string, now time.Time) error {
	t := r.TopUp(id)
	switch {
	case t == nil:
		return ErrNotFound
	case by == t.AskedBy:
		return &NotAllowedError{Who: by, Why: Because(WhyOwnTopUp)}
	case !t.Open():
		said := WhyTopUpDeclined
		if t.Granted {
			said = WhyTopUpGranted
		}
		return &MoveError{Request: r.Request, Verb: "decide on the top-up of", Why: Because(said)}
	case !r.Can("DecideTopUp") || r.Blocked == nil:
		return &MoveError{Request: r.Request, Verb: "decide on the top-up of", Why: Because(WhyTopUpIdle)}
	case granted && !until.After(now):
		return &InputError{Why: Because(WhyMomentPassed)}
	}
	t.DecidedBy, t.DecidedAt, t.Granted, t.Answer = by, now, granted, answer
	data := map[string]any{"topup": id, "scope": t.Scope, "amount": t.Amount}
	kind := EventDeclinedTopUp
	if granted {
		t.ExpiresAt = until
		kind, data["until"] = EventGrantedTopUp, until
		b := *r.Blocked
		// A sweep goes on with a blocked request whose moment has come. So the money is used even when
		// whoever granted it, or their replica, is gone before the next step.
		b.Until = now
		r.Blocked = &b
	} else {
		data["reason"] = Said(answer)
	}
	decided := *t
	r.Changes.TopUp = &decided
	r.note(now, by, kind, data)
	r.Tell(t.notice(now))
	r.Tell(t.outcome(now))
	r.touch(now, StepShow)
	return nil
}

// Funded tells whether somebody has granted money for this request.
func (r Money) Funded() bool {
	return slices.ContainsFunc(r.TopUps, func(t TopUp) bool { return t.Granted })
}

// notice asks the administrators. Noted again it is redrawn, with the answer.
func (t *TopUp) notice(now time.Time) Notice {
	return Notice{Key: "topup " + t.ID, Kind: NoticeTopUp, Admins: true, At: now, Data: Encode(t.asked())}
}

// outcome tells the asker what became of it.
func (t *TopUp) outcome(now time.Time) Notice {
	return Notice{Key: "topup " + t.ID + " outcome", Kind: NoticeTopUpOutcome, To: []string{t.AskedBy}, At: now, Data: Encode(t.asked())}
}

func (t *TopUp) asked() TopUpAsked {
	return TopUpAsked{ID: t.ID, AskedBy: t.AskedBy, Scope: t.Scope, Amount: t.Amount, Reason: t.Reason}
}
