package steps

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/sshkey"
	"countersign/budget"
)

// People knows who may do what, and by which rules.
type People struct {
	store interface {
		Requests
		Roles
		RuleBook
	}
	slack Persons
	log   *slog.Logger
	known acquaintances // who was looked at a moment ago
	*Settings
}

// Who somebody is may be a minute old at a click: the start of a run asks again, and
// takes away what was given by somebody who could not give it any more.

// sightLife is how long a look at somebody is good enough for a click.
const sightLife = time.Minute

// acquaintances remembers who was looked at, and when. The zero value knows nobody.
type acquaintances struct {
	mu   sync.Mutex
	seen map[string]sighting // by workspace and person
}

type sighting struct {
	person review.Person
	at     time.Time
}

// recall is somebody as they were seen a moment ago.
func (a *acquaintances) recall(key string, now time.Time) (review.Person, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.seen[key]
	return s.person, ok && now.Sub(s.at) < sightLife
}

// meet remembers somebody, and forgets whom nobody has looked at for a while.
func (a *acquaintances) meet(key string, p review.Person, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seen == nil {
		a.seen = map[string]sighting{}
	}
	for other, s := range a.seen {
		if now.Sub(s.at) >= sightLife {
			delete(a.seen, other)
		}
	}
	a.seen[key] = sighting{person: p, at: now}
}

// person looks somebody up, now.
func (s *People) person(ctx context.Context, team, user string) (review.Person, error) {
	p, err := s.slack.Person(ctx, team, user)
	if err == nil {
		s.known.meet(team+" "+user, p, time.Now())
	}
	return p, err
}

// sight is somebody as they were at most a minute ago.
func (s *People) sight(ctx context.Context, team, user string) (review.Person, error) {
	if p, ok := s.known.recall(team+" "+user, time.Now()); ok {
		return p, nil
	}
	return s.person(ctx, team, user)
}

// barred looks at people, all at once, and tells who may decide nothing. Of whom Slack
// says nothing now it is not known.
func (s *People) barred(ctx context.Context, team string, who []string) func(string) bool {
	var mu sync.Mutex
	var looks sync.WaitGroup
	out := map[string]bool{}
	for _, one := range who[:min(mostLooks, len(who))] {
		looks.Go(func() {
			if p, err := s.sight(ctx, team, one); err == nil && !p.Barred().None() {
				mu.Lock()
				defer mu.Unlock()
				out[one] = true
			}
		})
	}
	looks.Wait()
	return func(one string) bool { return out[one] }
}

// mostLooks bounds how many are looked at where somebody waits for a form: Slack's trigger for it lasts three
// seconds, and whoever is not looked at here is looked at when they decide.
const mostLooks = 10

// ahead begins to look at somebody, unless they were seen a moment ago, while the
// caller reads what else it needs. What comes back waits for the answer.
func (s *People) ahead(ctx context.Context, team, user string) func() (review.Person, error) {
	look := sync.OnceValues(func() (review.Person, error) { return s.sight(ctx, team, user) })
	go func() {
		defer func() { _ = recover() }() // a panic is the caller's, to whom look repeats it
		_, _ = look()
	}()
	return look
}

// authority is what a decision rests on.
type authority struct {
	terms     review.Terms
	rules     review.Rules // of the channel, with every freeze that holds there
	inPlaceOf string       // the reviewer who let them decide, when they are none themselves
}

// mayReview says by what right somebody decides: who was named once may have been
// removed by now, or, as far as a look of the last minute tells, become a guest or
// left. Who may not gets the words for it.
func (s *People) mayReview(ctx context.Context, id string, click approval.Click) (c *Case, a authority, err error) {
	return s.mayReviewThis(ctx, id, nil, click)
}

// mayReviewThis is mayReview by a case that was loaded a moment ago, if there is one.
func (s *People) mayReviewThis(ctx context.Context, id string, loaded *Case, click approval.Click) (c *Case, a authority, err error) {
	// Slack is asked while the database is read: one after the other, both would be the person's wait.
	look := s.ahead(ctx, click.Team, click.User)
	if c = loaded; c == nil {
		if c, err = s.store.Case(ctx, id); err != nil {
			return nil, a, err
		}
	}
	r := c.Request
	if r.Team != click.Team {
		return nil, a, approval.ErrNotFound
	}
	a.terms, a.rules = c.Terms(r, s.Policy), c.Freezes(s.Policy)
	no := &approval.NotAllowedError{Who: click.User}
	roster, absent, err := s.present(ctx, r.Team, c.Roster(s.Policy, r.Project), no.Who)
	if err != nil {
		return c, a, err
	}
	if a.inPlaceOf, no.Why = review.Right(r, no.Who, roster, a.terms); no.Why.None() {
		person, err := look()
		if err != nil {
			return c, a, err
		}
		no.Why = person.Barred()
	} else if absent {
		// The right that they had was of somebody who has lost theirs. That is worth another word than
		// "you are no reviewer".
		no.Why = approval.Because(approval.WhyAbsentBarred)
	}
	if !no.Why.None() {
		return c, a, no
	}
	return c, a, nil
}

// mayRule is mayReview for what changes something, at the door where it is asked.
func (s *People) mayRule(ctx context.Context, ruling Ruling) (*Case, authority, error) {
	c, a, err := s.mayReviewThis(ctx, ruling.RequestID, ruling.Case, ruling.Click)
	if err == nil && ruling.Click.Door == "" && !a.terms.Slack {
		err = &approval.NotAllowedError{Who: ruling.Click.User, Why: a.terms.Elsewhere(ruling.RequestID)}
	}
	return c, a, err
}

// present is the roster without the word of people who could not decide themselves
// any more: nobody decides in the place of who has left. absent tells that somebody
// had let this person decide whose word does not count.
func (s *People) present(ctx context.Context, team string, r review.Roster, user string) (_ review.Roster, absent bool, err error) {
	for _, from := range r.InPlaceOf(user) {
		person, err := s.sight(ctx, team, from)
		if err != nil {
			return r, false, err
		}
		if !person.Barred().None() {
			absent = true
			r.Delegations = slices.DeleteFunc(slices.Clone(r.Delegations), func(d review.Delegation) bool { return d.From == from })
		}
	}
	return r, absent, nil
}

// stand checks that all approvals of a request still count. A *BrokenSealError says
// which do not: they are of people who could not give them now, or of a network that
// the rules give nobody now.
func (s *People) stand(ctx context.Context, c *Case) error {
	r := c.Request
	roster, broken := c.RosterFor(r, s.Policy), &approval.BrokenSealError{}
	// All decisions on an approved revision are approvals: any other one would have ended it.
	for _, d := range r.Decisions {
		switch {
		case !roster.Reviewer(d.Voice()):
			broken.Fallen = append(broken.Fallen, approval.Fallen{Code: approval.NoReviewer, Who: d.Voice()})
			continue
		case d.InPlaceOf != "" && !slices.Contains(roster.InPlaceOf(d.Reviewer), d.InPlaceOf):
			broken.Fallen = append(broken.Fallen, approval.Fallen{Code: approval.NoDelegate, Who: d.Reviewer, For: d.InPlaceOf})
			continue
		}
		if d.Click.Key != "" {
			keys, err := s.store.Keys(ctx, r.Team, d.Reviewer)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(keys, func(k review.Key) bool { return k.Line == d.Click.Key }) {
				broken.Fallen = append(broken.Fallen, approval.Fallen{Code: approval.NoKey, Who: d.Reviewer})
				continue
			}
		}
		for _, who := range d.People() {
			person, err := s.person(ctx, r.Team, who)
			if err != nil {
				return err
			}
			if !person.Barred().None() {
				broken.Fallen = append(broken.Fallen, approval.Fallen{Code: approval.NoMember, Who: who})
			}
		}
	}
	if g := r.Glass; g != nil {
		if since, _ := c.GlassSince(g.Person); since.IsZero() {
			broken.Fallen = append(broken.Fallen, approval.Fallen{Code: approval.NoReviewer, Who: g.Person})
		}
		person, err := s.person(ctx, r.Team, g.Person)
		if err != nil {
			return err
		}
		if !person.Barred().None() {
			broken.Fallen = append(broken.Fallen, approval.Fallen{Code: approval.NoMember, Who: g.Person})
		}
	}
	for _, why := range []approval.Reason{review.Beyond(r.Revision.Manifest, c.Rules(s.Policy).Rules), c.Lacks(r, s.Policy)} {
		if !why.None() {
			broken.Why = append(broken.Why, why)
		}
	}
	if broken.Fallen == nil && broken.Why == nil {
		return nil
	}
	return broken
}

// RulesFor are the rules that hold for a request: its channel's, and what its files bring along.
func (s *People) RulesFor(ctx context.Context, r *approval.Request) (review.RuleSet, error) {
	rules, _, err := s.bounds(ctx, r)
	return rules, err
}

// bounds are these rules, and how the budgets stand that pay for the request.
func (s *People) bounds(ctx context.Context, r *approval.Request) (review.RuleSet, []budget.Standing, error) {
	c, err := s.store.Case(ctx, r.ID)
	if err != nil {
		return review.RuleSet{}, nil, err
	}
	return c.Rules(s.Policy), c.Standings, nil
}

// Keys are those by which whoever clicks signs at another door, the oldest first.
func (s *Authority) Keys(ctx context.Context, click approval.Click) ([]review.Key, error) {
	return s.store.Keys(ctx, click.Team, click.User)
}

// AddKey registers a public key of whoever clicks. Nobody does it for anybody else.
func (s *Authority) AddKey(ctx context.Context, click approval.Click, text string) error {
	k, err := review.ReadKey(click.Team, click.User, text)
	if err != nil {
		return err
	}
	person, err := s.slack.Person(ctx, click.Team, click.User)
	if err != nil {
		return err
	}
	if why := person.Barred(); !why.None() {
		return &approval.NotAllowedError{Who: click.User, Why: why}
	}
	had, err := s.store.Keys(ctx, click.Team, click.User)
	if err != nil {
		return err
	}
	if len(had) >= review.MaxKeys {
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyManyKeys, Most: review.MaxKeys}}
	}
	return s.store.SetKey(ctx, k, true)
}

// RemoveKey takes one back. What was approved by it and has not started goes back to the
// reviewers.
func (s *Authority) RemoveKey(ctx context.Context, click approval.Click, line string) error {
	return s.store.SetKey(ctx, review.Key{Team: click.Team, User: click.User, Line: line}, false)
}

// ToSign asks whoever decides at another door to sign their decision, where that is wanted:
// what, and by one of which keys. The trail keeps what was asked. No keys: nothing is to be
// signed.
func (s *Decider) ToSign(ctx context.Context, ruling Ruling) (what sshkey.Statement, keys []review.Key, err error) {
	c, _, err := s.judge(ctx, ruling)
	if err != nil {
		return what, nil, s.people.audited(ctx, ruling, err)
	}
	r, d := c.Request, ruling.decision()
	if !wantsKey(r, d) {
		return what, nil, nil
	}
	if d.Revision != r.Revision.Number || d.Digest != r.Revision.Digest {
		return what, nil, &approval.StaleError{Request: r}
	}
	had, err := s.people.store.Keys(ctx, r.Team, d.Reviewer)
	if err != nil {
		return what, nil, err
	}
	keys, why := review.Ready(had, c.Now)
	if !why.None() {
		return what, nil, s.people.audited(ctx, ruling, &approval.NotAllowedError{Who: d.Reviewer, Why: why})
	}
	// The nonce is in the trail before anybody sees it. So a signature that was made for another moment,
	// or another decision, fits no event.
	d.Click.Nonce = rand.Text()
	err = s.store.Audit(ctx, r.ID, approval.Event{Actor: d.Reviewer, Kind: approval.EventAskedToSign,
		Data: map[string]any{"revision": d.Revision, "digest": d.Digest, "verdict": d.Verdict, "nonce": d.Click.Nonce}})
	return d.Statement(r.Team), keys, err
}

// signed refuses a decision that has to be signed, unless a key of its reviewer's that counts
// by now has signed what they were asked to sign a moment ago.
func (s *Decider) signed(ctx context.Context, c *Case, d approval.Decision) error {
	r := c.Request
	if !wantsKey(r, d) {
		return nil
	}
	keys, err := s.people.store.Keys(ctx, r.Team, d.Reviewer)
	if err != nil {
		return err
	}
	why := review.Signs(keys, d.Click.Key, c.Now)
	if why.None() && !approval.Signed(r, d) {
		why = approval.Because(approval.WhyNotSigned)
	}
	if why.None() {
		// Looked for last: the trail of a request may be long, and most refusals need none of it.
		events, err := s.store.Events(ctx, r.ID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(events, func(e approval.Event) bool { return askedToSign(e, d) && e.At.Add(approval.NonceTime).After(c.Now) }) {
			why = approval.Because(approval.WhyOldNonce)
		}
	}
	if why.None() {
		return nil
	}
	return &approval.NotAllowedError{Who: d.Reviewer, Why: why}
}

// wantsKey tells whether a signature makes a difference: of what cannot be decided on any more
// there is something else to say.
func wantsKey(r *approval.Request, d approval.Decision) bool {
	return approval.WantsKey(r, d.Click) && (r.State == approval.Pending || r.State == approval.Drafting)
}

// askedToSign tells whether an event gave the nonce of a decision, for just that.
func askedToSign(e approval.Event, d approval.Decision) bool {
	said := func(key string) string { return fmt.Sprint(e.Data[key]) }
	return e.Kind == approval.EventAskedToSign && e.Actor == d.Reviewer && said("nonce") == d.Click.Nonce &&
		said("revision") == strconv.Itoa(d.Revision) && said("digest") == d.Digest && said("verdict") == string(d.Verdict)
}
