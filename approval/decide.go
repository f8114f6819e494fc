package approval

import (
	"fmt"
	"slices"
	"time"

	"countersign/approval/sshkey"
	"countersign/budget"
)

// Verdict is what a reviewer says.
type Verdict string

// The verdicts.
const (
	Approve Verdict = "approve"
	Reject  Verdict = "reject"
	Rewrite Verdict = "changes" // not like this: the model writes another version
)

// Decision is one person's verdict on one revision, with the facts of the click
// that gave it. There is at most one per request, revision and reviewer.
type Decision struct {
	RequestID string
	Revision  int
	Digest    string
	Reviewer  string
	Verdict   Verdict
	Reason    string
	At        time.Time
	Click     Click
	InPlaceOf string // the reviewer who let them decide; empty when they decide in their own right
	Settings  bool   // as it is taken: the server's settings name whose say it is a reviewer, which no event does; the row has no such column

	Unsigned bool // as it was loaded: no event that this installation has signed tells of it
}

// Click is what Slack said about who pressed what, and where.
type Click struct {
	Team      string `json:"team"`
	User      string `json:"user"`
	ActionTS  string `json:"action_ts"`
	Channel   string `json:"channel"`
	MessageTS string `json:"message_ts"`
	Door      string `json:"door,omitempty"`    // where it was given, when it was not in Slack: CommandLine
	OSUser    string `json:"os_user,omitempty"` // of another door: who was signed in there, by the word of the machine
	Machine   string `json:"machine,omitempty"` // which one

	// Of high risk another door wants the reviewer's own SSH key: which it was, the nonce that
	// the server gave for just this decision, and the signature of both (Decision.Statement).
	Key       string `json:"key,omitempty"`
	Nonce     string `json:"nonce,omitempty"`
	Signature string `json:"signature,omitempty"`
}

// CommandLine is the other door: decisions given with `countersign decide`.
const CommandLine = "command line"

// Seat says where another door was used, and by which of its users; empty in Slack.
func (c Click) Seat() string {
	if c.OSUser == "" {
		return ""
	}
	return c.OSUser + " on " + c.Machine
}

// NonceTime is how long somebody has to sign what they were asked to.
const NonceTime = 10 * time.Minute

// WantsKey tells whether a decision by this click has to be signed by its reviewer's own key.
func WantsKey(r *Request, c Click) bool {
	return c.Door != "" && r.Revision != nil && r.Revision.Tier() == High
}

// Statement is what the reviewer's key signs.
func (d Decision) Statement(team string) sshkey.Statement {
	return sshkey.Statement{Workspace: team, Request: d.RequestID, Revision: d.Revision, Digest: d.Digest, Verdict: string(d.Verdict), Person: d.Reviewer, Nonce: d.Click.Nonce}
}

// Signed tells whether a decision that has to be signed is. Whose the key is, others know.
func Signed(r *Request, d Decision) bool {
	return !WantsKey(r, d.Click) || d.Click.Nonce != "" && d.Statement(r.Team).Verify(d.Click.Key, d.Click.Signature) == nil
}

// QuietTime is how long a run waits that another door than Slack has approved: time for its
// reviewer to read the direct message about it, and to say that it was not them.
const QuietTime = time.Minute

// QuietUntil returns when that wait is over; zero where all approvals came from Slack.
func QuietUntil(r *Request) (until time.Time) {
	for _, d := range r.Decisions {
		if end := d.At.Add(QuietTime); d.Verdict == Approve && d.Click.Door != "" && end.After(until) {
			until = end
		}
	}
	return until
}

// Needs returns how many different people must approve: the number that was sealed, or
// else the settings' quorum. The sealed number holds even where the rules ask for another one
// by now, because the number is part of what its reviewers have seen.
func (r *Request) Needs(p Policy) int {
	if r.Revision != nil && r.Revision.Manifest.Approvals > 0 {
		return r.Revision.Manifest.Approvals
	}
	return max(p.Quorum, 1)
}

// Voice returns the person whose say a decision is: the absent reviewer's where it was
// given in their place.
func (d Decision) Voice() string {
	if d.InPlaceOf != "" {
		return d.InPlaceOf
	}
	return d.Reviewer
}

// People are all in whose name a decision was given: who gave it, and in whose place.
func (d Decision) People() []string { return slices.Compact([]string{d.Reviewer, d.Voice()}) }

// Freeze keeps an approved request waiting until nothing forbids it to start. The
// time that an approval lasts counts from then, and so does its money.
func (r *Request) Freeze(until time.Time, why string, p Policy, now time.Time) error {
	if !r.Can("Freeze") {
		return r.Illegal("hold back")
	}
	expires := until.Add(p.RunExpiry)
	if !r.ExpiresAt.Before(expires) {
		return nil
	}
	// What is held for the run ends here and is held anew for longer. Budgets are not asked again:
	// one that has filled up meanwhile must not undo an approval that was given.
	held := r.Money().ForRun()
	r.Money().release(now)
	for _, h := range held {
		r.Money().carry(h.Purpose, h.Amount, now, expires.Sub(now)+runTime(r))
	}
	NoteFreeze(r, until, why, now)
	r.ExpiresAt = expires
	r.touch(now, StepShow)
	return nil
}

// NoteFreeze keeps in the trail until when nothing starts, and by which line of the rules.
func NoteFreeze(r *Request, until time.Time, why string, now time.Time) {
	r.note(now, System, EventFrozen, map[string]any{"until": until, "rule": Said(why), "revision": r.Revision.Number})
}

// runTime is the longest that the code may run.
func runTime(r *Request) time.Duration {
	return time.Duration(r.Revision.Manifest.Limits.Seconds) * time.Second
}

// verdicts names the verb of each verdict in the table of moves.
var verdicts = map[Verdict]string{Approve: "Approve", Reject: "Reject", Rewrite: "RequestChanges"}

// Decide is Approve, Reject and RequestChanges. The decision must be on the
// revision that stands now, by its digest; by someone who is neither the asker nor
// the author of the code; and the first one of that person. The cost is that of
// what the decision leads to: with enough approvals it is held for the run and the
// request is approved; to have the code changed it is held for the next draft.
func (r *Request) Decide(d Decision, cost budget.USD, p Policy, now time.Time) error {
	if err := r.MayDecide(d, p, now); err != nil {
		return err
	}
	d.RequestID, d.At = r.ID, now
	kept := d
	kept.Settings = false // it stands in the event alone
	r.Decisions = append(r.Decisions, kept)
	r.Changes.Decision = &kept
	data := map[string]any{"revision": d.Revision, "digest": d.Digest, "click": d.Click}
	if d.InPlaceOf != "" {
		data["in_place_of"] = d.InPlaceOf
	}
	if d.Settings {
		data["settings"] = true
	}
	// At a terminal nobody proves who they are, but for high risk. So whoever is named hears of it
	// in Slack, and can say that it was not them. An approval has its notice below, from either door.
	if d.Click.Door != "" && d.Verdict != Approve {
		r.Tell(Notice{Key: fmt.Sprintf("decided %s %d %s", r.ID, d.Revision, d.Reviewer), Kind: NoticeDecided, To: d.People(), At: now,
			Data: Encode(DecidedBy{Revision: d.Revision, Digest: d.Digest, Reviewer: d.Reviewer, Verdict: d.Verdict, Click: d.Click})})
	}
	if d.Verdict != Approve {
		data["reason"] = Said(d.Reason)
	}
	if d.Verdict == Rewrite {
		requestChanges(r, d, data, cost, p, now)
		return nil
	}
	if d.Verdict == Reject {
		r.Reason = Because(WhyRejected)
		r.note(now, d.Reviewer, EventRejected, data)
		r.move(Rejected, now, time.Time{})
		return nil
	}
	r.note(now, d.Reviewer, EventApproved, data)
	r.Tell(Notice{Key: fmt.Sprintf("approved %s %d %s", r.ID, d.Revision, d.Reviewer), Kind: NoticeApproved, To: d.People(), At: now,
		Data: Encode(ApprovedBy{Revision: d.Revision, Digest: d.Digest, Reviewer: d.Reviewer, InPlaceOf: d.InPlaceOf, Click: d.Click, Tier: r.Revision.Tier()})})
	if r.Approvals() < r.Needs(p) {
		r.touch(now, StepShow)
		return nil
	}
	// The wait that another door brings does not eat into the time that an approval lasts, nor
	// into the life of its hold.
	if wait := QuietUntil(r).Sub(now); wait > 0 {
		p.RunExpiry += wait
	}
	r.Reason = Reason{}
	r.Money().hold(budget.ForRun, cost, now, p.RunExpiry+runTime(r))
	r.move(Approved, now, now.Add(p.RunExpiry), StepRun)
	return nil
}

// MayDecide says whether this decision could be taken now. The error is Decide's. A person
// reads only the first thing that is wrong, so what they can least know comes first: that the
// request has moved on, that their card is outdated, that its time is over. After that comes
// who they are.
func (r *Request) MayDecide(d Decision, p Policy, now time.Time) error {
	if !r.Can(verdicts[d.Verdict]) {
		return r.Illegal(string(d.Verdict))
	}
	if r.Revision == nil || d.Revision != r.Revision.Number || d.Digest != r.Revision.Digest || !r.Revision.Intact() {
		return &StaleError{Request: r}
	}
	if !now.Before(r.ExpiresAt) {
		return &MoveError{Request: r, Verb: string(d.Verdict), Why: Because(WhyTooLate)}
	}
	if why := TheirOwn(r, d); !why.None() {
		return &NotAllowedError{Who: d.Reviewer, Why: why}
	}
	if why := Spoken(r, d); !why.None() {
		return &MoveError{Request: r, Verb: string(d.Verdict), Why: why}
	}
	// A signature is over the request's own id, whatever the decision names.
	if d.RequestID = r.ID; !Signed(r, d) {
		return &NotAllowedError{Who: d.Reviewer, Why: Because(WhyNotSigned)}
	}
	switch d.Verdict {
	case Rewrite:
		if r.Repeats != nil {
			return &MoveError{Request: r, Verb: string(d.Verdict), Why: Because(WhySameCode)}
		}
		return anotherRound(r, p)
	case Approve:
		if why := TheirWish(r, d); !why.None() {
			return &NotAllowedError{Who: d.Reviewer, Why: why}
		}
	}
	return nil
}

// TheirOwn returns why somebody may not judge this request: they asked it, or wrote the
// code. It is empty for anybody else.
func TheirOwn(r *Request, d Decision) Reason {
	switch {
	case d.Reviewer == r.Asker || d.InPlaceOf == r.Asker:
		return Because(WhyOwnQuestion)
	case r.Revision != nil && (d.Reviewer == r.Revision.Author || d.InPlaceOf == r.Revision.Author):
		return Because(WhyOwnCode)
	}
	return Reason{}
}

// Spoken returns why somebody has no say any more: they have already decided. It is empty
// for anybody else.
func Spoken(r *Request, d Decision) Reason {
	for _, earlier := range r.Decisions {
		switch {
		case earlier.Reviewer == d.Reviewer:
			return Because(WhyDecided)
		case earlier.Voice() == d.Voice():
			return Because(WhyOneSay)
		case d.Click.OSUser != "" && earlier.Click.OSUser == d.Click.OSUser: // a machine's name is easily changed, so it makes no second voice
			return Reason{Code: WhyOneSeat, Name: d.Click.OSUser}
		}
	}
	return Reason{}
}

// Approvals counts the people who have approved the current revision.
func (r *Request) Approvals() (n int) {
	for _, d := range r.Decisions {
		if d.Verdict == Approve {
			n++
		}
	}
	return n
}

// Expire ends a wait that has run out: nobody decided, or nothing could run.
func (r *Request) Expire(now time.Time) error {
	if !r.Can("Expire") || now.Before(r.ExpiresAt) {
		return r.Illegal("expire")
	}
	r.Money().release(now)
	r.note(now, System, EventExpired, map[string]any{"while": r.State})
	// Before the move, which clears the block and the state by which lapse tells why.
	r.Reason = lapse(r)
	r.move(Expired, now, time.Time{})
	return nil
}

// lapse is why a wait has run out.
func lapse(r *Request) Reason {
	switch n := r.Approvals(); {
	case r.Blocked != nil:
		return Because(WhyNotPaid)
	case r.State == Approved && r.Glass != nil:
		return Because(WhyGlassUnstarted)
	case r.State == Approved:
		return Because(WhyNotStarted)
	case r.State == Asking:
		return Because(WhyNotAnswered)
	case r.State == Drafting && r.Edit == nil: // an edit comes into the middle of the wait for reviewers
		return Because(WhyNotWritten)
	case n > 0:
		return Reason{Code: WhyTooFewDecided, Count: int64(n), Most: int64(r.Needs(Policy{}))}
	}
	return Because(WhyNobodyDecided)
}

// Withdraw cancels a request that does not run. A running one is ended by Stopping.Stop.
func (r *Request) Withdraw(by string, now time.Time) error {
	if !r.Can("Withdraw") {
		return r.Illegal("withdraw")
	}
	r.Reason = Reason{} // why it waited once more says nothing any more
	r.Money().release(now)
	r.note(now, by, EventWithdrawn, nil)
	r.move(Withdrawn, now, time.Time{})
	return nil
}

// Glass is that somebody has had a version run that nobody approved. It stands in the place of the quorum,
// and of nothing else: seal, money and the whole code before their eyes are as always.
type Glass struct {
	RequestID string
	Revision  int
	Digest    string
	Person    string
	Reason    string
	Others    []string // the other administrators, who were told at once
	At        time.Time
	Click     Click
	Looks     []GlassLook // of administrators, the earliest first
	Disowned  time.Time   // when whoever broke it said that it was not them; zero: nobody has

	Unsigned bool // as Decision's
}

// GlassLook is an administrator's look at it afterwards.
type GlassLook struct {
	Revision int       `json:"revision"`
	Person   string    `json:"person"`
	Fine     bool      `json:"fine"` // false: they doubt that it was right
	At       time.Time `json:"at"`
}

// BreakGlass has the revision that stands run, without a quorum. Who may is package review's.
func BreakGlass(r *Request, g Glass, cost budget.USD, p Policy, now time.Time) error {
	switch {
	case !r.Can("BreakGlass"):
		return r.Illegal("break the glass for")
	case r.Revision == nil || g.Revision != r.Revision.Number || g.Digest != r.Revision.Digest || !r.Revision.Intact():
		return &StaleError{Request: r}
	case !now.Before(r.ExpiresAt):
		return &MoveError{Request: r, Verb: "break the glass for", Why: Because(WhyTooLate)}
	}
	g.RequestID, g.At = r.ID, now
	r.Glass, r.Changes.Glass = &g, &g
	r.note(now, g.Person, EventBrokeGlass, map[string]any{"revision": g.Revision, "digest": g.Digest, "reason": Said(g.Reason), "others": g.Others, "click": g.Click})
	r.Tell(Notice{Key: fmt.Sprintf("glass %s %d", r.ID, g.Revision), Kind: NoticeGlass, To: append(slices.Clone(g.Others), g.Person), Admins: true, At: now, Data: Encode(GlassBroken{Revision: g.Revision, Person: g.Person})})
	r.Reason = Reason{}
	r.Money().hold(budget.ForRun, cost, now, p.RunExpiry+runTime(r))
	r.move(Approved, now, now.Add(p.RunExpiry), StepRun)
	return nil
}

// LookAtGlass notes that an administrator has looked at it. It moves nothing.
func LookAtGlass(r *Request, revision int, person string, fine bool, click Click, now time.Time) error {
	g := r.Glass
	switch {
	case g == nil || g.Revision != revision:
		return &MoveError{Request: r, Verb: "look at", Why: Because(WhyGlassGone)}
	case person == g.Person || person == r.Asker:
		return &NotAllowedError{Who: person, Why: Because(WhyGlassOwn)}
	case slices.ContainsFunc(g.Looks, func(l GlassLook) bool { return l.Person == person }):
		return nil
	}
	look := GlassLook{Revision: revision, Person: person, Fine: fine, At: now}
	g.Looks, r.Changes.Look, r.Changes.Retell = append(g.Looks, look), &look, true
	r.note(now, person, EventLookedAtGlass, map[string]any{"revision": revision, "fine": fine, "click": click})
	r.touch(now, StepShow)
	return nil
}
