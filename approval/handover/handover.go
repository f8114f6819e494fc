package handover

import (
	"context"
	"errors"
	"slices"
	"time"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/redact"
	"countersign/approval/review"
)

// Store keeps requests, and what of their threads can be handed over.
type Store interface {
	Request(ctx context.Context, id string) (*approval.Request, error)
	Update(ctx context.Context, id string, change func(r *approval.Request, now time.Time) error) (*approval.Request, error)
	Audit(ctx context.Context, id string, e approval.Event) error
}

// Shelf knows what a thread holds.
type Shelf interface {
	// Stock is a request, and what of its thread its asker can hand over, read at one moment.
	Stock(ctx context.Context, id string) (*approval.Request, Stock, error)
	// Came is what went over to a session, as its new owner may read it.
	Came(ctx context.Context, session string) ([]approval.Message, error)
}

// Slack knows who somebody is, and what they see: all of it now.
type Slack interface {
	Place(ctx context.Context, channel, user string) (approval.Place, error)
	Within(ctx context.Context, channel, user string) (bool, error)
	Person(ctx context.Context, team, user string) (review.Person, error)
	// Sees tells whether Slack shows a file to somebody.
	Sees(ctx context.Context, f approval.File, user string) (bool, error)
}

// Pins knows who may use pinned files.
type Pins interface {
	InPlace(ctx context.Context, u pins.Use) error
}

// Rules are those of a request's channel, with what its files bring along, and who has a part there.
type Rules interface {
	Reviewers(ctx context.Context, team, project string) (review.Roster, error)
	RulesFor(ctx context.Context, r *approval.Request) (review.RuleSet, error)
}

// Stock is what of a thread can be handed over.
type Stock struct {
	Thread    approval.Session
	Alone     bool // nobody but its asker reads it
	Questions int
	Files     []approval.File
	Former    []approval.File // of whose names the thread has later ones: offered before these came, they still go along
	Answers   []Answer        // that nobody but their asker reads, the latest first
}

// Answer is one of them.
type Answer struct {
	Request  string
	Question string
}

// Offer is what somebody wants to hand over.
type Offer struct {
	To      string
	Files   []string // Slack's ids
	Answers []string // requests
}

// Desk takes offers, and what people say to them.
type Desk struct {
	store Store
	shelf Shelf
	slack Slack
	pins  Pins
	rules Rules
}

// New makes the desk.
func New(store Store, shelf Shelf, slack Slack, pinned Pins, rules Rules) *Desk {
	return &Desk{store: store, shelf: shelf, slack: slack, pins: pinned, rules: rules}
}

// Stock is what somebody who asked in a thread can hand over: the offer's form shows it.
func (d *Desk) Stock(ctx context.Context, id string, click approval.Click) (*approval.Request, Stock, error) {
	r, stock, err := d.shelf.Stock(ctx, id)
	switch {
	case err != nil:
	case r.Team != click.Team || r.Private && r.Asker != click.User: // others learn no more of a private one than of one that is not there
		err = approval.ErrNotFound
	case r.Asker != click.User:
		err = d.refused(ctx, id, "hand the thread over", click, approval.WhyAskerHands)
	}
	if err != nil {
		return nil, Stock{}, err
	}
	return r, stock, nil
}

// Offer offers a thread to a colleague. It has committed when it returns. A second press offers nothing twice.
func (d *Desk) Offer(ctx context.Context, id string, o Offer, click approval.Click) (*approval.Request, error) {
	r, stock, err := d.Stock(ctx, id, click)
	if err != nil {
		return nil, err
	}
	// Sorted, so that the same offer made twice is the same, whatever order a form sends them in.
	slices.Sort(o.Files)
	slices.Sort(o.Answers)
	o.Files, o.Answers = slices.Compact(o.Files), slices.Compact(o.Answers)
	if r.Seek != nil || stock.Questions == 0 {
		return nil, wrong(approval.WhyHandNothing)
	}
	giver, err := d.slack.Person(ctx, r.Team, r.Asker)
	if err != nil {
		return nil, err
	}
	if giver.Guest || !giver.Barred().None() {
		return nil, wrong(approval.WhyGuestHands)
	}
	if err := d.fits(ctx, r, stock.Thread, o.To); err != nil {
		return nil, err
	}
	if err := d.gives(ctx, r, stock, o); err != nil {
		return nil, err
	}
	return d.store.Update(ctx, id, func(r *approval.Request, now time.Time) error { return offer(r, o, click, now) })
}

// wrong is something that the giver can do better.
func wrong(why approval.ReasonCode) error {
	return &approval.InputError{Why: approval.Because(why)}
}

// fits makes sure that somebody can take a thread over: a full member of the workspace who may ask, and is in
// the channel by whose rules it goes.
func (d *Desk) fits(ctx context.Context, r *approval.Request, thread approval.Session, to string) error {
	if to == "" {
		return wrong(approval.WhyNoPerson)
	}
	if to == r.Asker {
		return wrong(approval.WhyHandSelf)
	}
	person, err := d.slack.Person(ctx, r.Team, to)
	switch {
	case err != nil:
		return err
	case person.Bot:
		return wrong(approval.WhyHandBot)
	case person.External:
		return wrong(approval.WhyHandOutsider)
	case person.Gone || person.Unknown:
		return wrong(approval.WhyHandGone)
	case person.Guest:
		return wrong(approval.WhyHandGuest)
	}
	// An auditor changes nothing, and a thread is there to ask in. Auditors are named for the whole workspace.
	roster, err := d.rules.Reviewers(ctx, r.Team, "")
	if err != nil {
		return err
	}
	if slices.Contains(roster.Auditors, to) {
		return wrong(approval.WhyHandAuditor)
	}
	// The channel that the question is of, and the one where its thread stands: a private one stands elsewhere.
	for _, channel := range []string{r.Project, thread.Channel} {
		if approval.Direct(channel) || channel == r.Asker { // a thread that has no place yet is under its asker's id
			continue
		}
		in, err := d.within(ctx, channel, to)
		if err != nil {
			return err
		}
		if !in {
			return wrong(approval.WhyHandNotIn)
		}
	}
	return nil
}

// within tells whether somebody is in a channel that the bot sees.
func (d *Desk) within(ctx context.Context, channel, user string) (bool, error) {
	place, err := d.slack.Place(ctx, channel, user)
	if err != nil || place.Cause(channel, user) != nil {
		return false, err
	}
	return d.slack.Within(ctx, channel, user)
}

// gives makes sure that what goes along is the giver's to give: what the thread holds, files that Slack shows them
// now, and of pinned ones those that the colleague may use.
func (d *Desk) gives(ctx context.Context, r *approval.Request, stock Stock, o Offer) error {
	// Not found, rather than not allowed: an id that a forged form names tells nothing about other people's answers.
	for _, a := range o.Answers {
		if !slices.ContainsFunc(stock.Answers, func(b Answer) bool { return b.Request == a }) {
			return approval.ErrNotFound
		}
	}
	held := slices.Concat(stock.Files, stock.Former)
	var pinned []approval.File
	for _, id := range o.Files {
		at := slices.IndexFunc(held, func(f approval.File) bool { return f.ID == id })
		if at < 0 {
			return approval.ErrNotFound
		}
		f := held[at]
		if f.Pinned != "" {
			pinned = append(pinned, f)
			continue
		}
		sees, err := d.slack.Sees(ctx, f, r.Asker)
		if err != nil {
			return err
		}
		if !sees {
			return &approval.InputError{Why: approval.Reason{Code: approval.WhyHandNotSeen, Name: f.Name}}
		}
	}
	// One at a time, so that the giver is told which one it is.
	for _, f := range pinned {
		err := d.pins.InPlace(ctx, pins.Use{Team: r.Team, Place: r.Project, Alone: r.Private, User: o.To, Files: []approval.File{f}})
		if _, ok := errors.AsType[*approval.InputError](err); ok {
			return &approval.InputError{Why: approval.Reason{Code: approval.WhyHandPinned, Name: f.Name}}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// offer is the move. While one to the same colleague is open, a second press only has it looked at again.
// Offers by other questions of the same thread are not loaded with this one: of those the schema says it (handovers_one_open). One
// whose time is over is in the way until a sweep has ended it, which is a matter of seconds.
func offer(r *approval.Request, o Offer, click approval.Click, now time.Time) error {
	r.Changes.Retell = true
	for _, h := range r.HandOvers {
		if h.To == o.To && h.Verdict == "" {
			if slices.Equal(h.Files, o.Files) && slices.Equal(h.Answers, o.Answers) {
				return nil
			}
			return wrong(approval.WhyHandOffered)
		}
	}
	// Postgres keeps microseconds, and the schema holds the times of the row against those of the event (handovers_told).
	now = now.Truncate(time.Microsecond)
	h := approval.HandOver{ID: approval.NewID(8), To: o.To, Files: o.Files, Answers: o.Answers, At: now, Until: now.Add(approval.HandOverLife)}
	r.HandOvers, r.Changes.HandOver = append(slices.Clone(r.HandOvers), h), &h
	tell(r, click, now, approval.EventOfferedHandOver, map[string]any{"handover": h.ID, "session": r.SessionID, "to": h.To, "files": list(h.Files), "answers": list(h.Answers), "until": h.Until.UTC().Format(time.RFC3339Nano)})
	r.Tell(approval.Notice{Key: "hand over " + h.ID, Kind: approval.NoticeHandOver, To: []string{h.To, r.Asker}, At: now, Data: approval.Encode(approval.HandOverOffered{ID: h.ID})})
	return nil
}

// list is never nil, so that an event spells an empty one as such.
func list(ids []string) []string { return append([]string{}, ids...) }

// Answer is what somebody says to an offer: the colleague accepts or declines it, the giver withdraws it.
// What is accepted late, twice, or by somebody else is refused; who repeats what they said has it looked at again.
func (d *Desk) Answer(ctx context.Context, id, offered string, verdict approval.HandVerdict, click approval.Click) (*approval.Request, error) {
	r, stock, err := d.shelf.Stock(ctx, id)
	if err != nil {
		return nil, err
	}
	h, ok := Of(r, offered)
	if r.Team != click.Team || !ok {
		return nil, approval.ErrNotFound
	}
	whose := h.To
	if verdict == approval.HandWithdrawn {
		whose = r.Asker
	}
	if click.User != whose {
		return nil, d.refused(ctx, id, "answer the offer of a thread", click, approval.WhyHandNotTheirs)
	}
	var into approval.Session
	if verdict == approval.HandAccepted && h.Verdict == "" {
		if err := d.fits(ctx, r, stock.Thread, h.To); err != nil {
			return nil, err
		}
		// Answers are not looked at again: that they are the giver's own, the schema held when they were offered (handovers_gives).
		// What goes along is theirs from now on, so it is looked at once more.
		if err := d.gives(ctx, r, stock, Offer{To: h.To, Files: h.Files}); err != nil {
			return nil, err
		}
		if into, err = leads(stock, click); err != nil {
			return nil, err
		}
	}
	return d.store.Update(ctx, id, func(r *approval.Request, now time.Time) error { return answer(r, offered, verdict, into, click, now) })
}

// leads is where the colleague goes on: in the same thread where they can read it, or below the message with the
// offer. A copied button stands somewhere else, and begins nothing there.
func leads(stock Stock, click approval.Click) (approval.Session, error) {
	if !stock.Alone {
		return stock.Thread, nil
	}
	if !approval.Direct(click.Channel) || click.MessageTS == "" {
		return approval.Session{}, approval.ErrNotFound
	}
	return approval.Session{ID: approval.NewID(10), Team: stock.Thread.Team, Channel: click.Channel, ThreadTS: click.MessageTS}, nil
}

// answer is the move: once.
func answer(r *approval.Request, offered string, verdict approval.HandVerdict, into approval.Session, click approval.Click, now time.Time) error {
	r.Changes.Retell = true
	at := slices.IndexFunc(r.HandOvers, func(h approval.HandOver) bool { return h.ID == offered })
	if at < 0 {
		return approval.ErrNotFound
	}
	r.HandOvers = slices.Clone(r.HandOvers)
	h := &r.HandOvers[at]
	switch {
	// The same word again: Slack has delivered it twice, or somebody presses once more.
	case h.Verdict == verdict && h.By == click.User:
		return nil
	case h.Verdict != "" || !now.Before(h.Until):
		return &approval.MoveError{Request: r, Verb: "answer the offer of", Why: approval.Because(approval.WhyHandEnded)}
	}
	now = now.Truncate(time.Microsecond)
	h.Verdict, h.By, h.Ended, h.Into = verdict, click.User, now, into
	r.Changes.HandOver = h
	data := map[string]any{"handover": h.ID}
	if into.ID != "" {
		data["into"] = into.ID
	}
	tell(r, click, now, approval.HandEvents[verdict], data)
	return nil
}

// Read is what went over, for the colleague who has accepted it. What is secret or personal in it is masked, as it is
// in an answer that is shared.
func (d *Desk) Read(ctx context.Context, id, offered string, click approval.Click) (*approval.Request, []approval.Message, error) {
	r, err := d.store.Request(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	h, ok := Of(r, offered)
	// Where the colleague goes on in the same thread, nothing went over: they can read it all there.
	if r.Team != click.Team || !ok || h.To != click.User || h.Verdict != approval.HandAccepted || h.Into.ID == r.SessionID {
		return nil, nil, approval.ErrNotFound
	}
	said, err := d.shelf.Came(ctx, h.Into.ID)
	if err != nil {
		return nil, nil, err
	}
	set, err := d.rules.RulesFor(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	// By the rules of the channel that it comes from, which may hide more than the colleague's own.
	hides := set.Rules.Hides()
	for i := range said {
		m := &said[i]
		m.Text = hides.Mask(m.Text, redact.Counts{})
		if m.Result != nil {
			m.Result = &approval.Result{Answer: hides.Mask(m.Result.Answer, redact.Counts{})}
		}
	}
	return r, said, nil
}

// Of is an offer that was made by a request.
func Of(r *approval.Request, id string) (h approval.HandOver, ok bool) {
	at := slices.IndexFunc(r.HandOvers, func(h approval.HandOver) bool { return h.ID == id })
	if at < 0 {
		return h, false
	}
	return r.HandOvers[at], true
}

// refused keeps on record that somebody was not let do something.
func (d *Desk) refused(ctx context.Context, id, what string, click approval.Click, why approval.ReasonCode) error {
	err := &approval.NotAllowedError{Who: click.User, Why: approval.Because(why)}
	return errors.Join(err, d.store.Audit(ctx, id, approval.Event{Actor: click.User, Kind: approval.EventRefusedClick, Data: map[string]any{"what": what, "why": err.Why.Told(), "click": click}}))
}

// tell notes the event of a deed.
func tell(r *approval.Request, click approval.Click, now time.Time, kind approval.EventKind, data map[string]any) {
	data["click"] = click
	r.Changes.Events = append(r.Changes.Events, approval.Event{At: now, Actor: click.User, Kind: kind, Data: data})
}
