// Package glass is the one exception to the first promise: in an emergency somebody has code run that nobody has
// approved. The person has been named for it by two other administrators and has had the role for 24 hours; they have
// opened the code and say why; seal, money and inspection are as always; every administrator hears of it at once, and
// two of them look at it within 24 hours, or break-glass is off for everybody until it is given anew. The schema holds every one of these conditions.
package glass

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/review"
	"countersign/approval/steps"
)

// Store keeps requests.
type Store interface {
	Case(ctx context.Context, id string) (*steps.Case, error)
	Act(ctx context.Context, c *steps.Case, change func(r *approval.Request, now time.Time) error) (*approval.Request, error)
	Update(ctx context.Context, id string, change func(r *approval.Request, now time.Time) error) (*approval.Request, error)
	Audit(ctx context.Context, id string, e approval.Event) error
	Notice(ctx context.Context, key string) (*approval.Notice, map[string]steps.NoticePost, error)
	Notify(ctx context.Context, n approval.Notice) error
	// Pending lists what waits for reviewers in a workspace, newest first.
	Pending(ctx context.Context, team string, limit int) ([]*approval.Request, error)
}

// People knows who somebody is, and who is an administrator.
type People interface {
	Administers(ctx context.Context, team, who string, why approval.Reason) error
}

// Panes are the broken ones.
type Panes interface {
	// Unlooked are those that were broken between two moments ago, and that two people have not looked at in the time that they had.
	Unlooked(ctx context.Context, from, until time.Duration) ([]Unlooked, error)
}

// Unlooked is a broken glass that waits to be looked at.
type Unlooked struct {
	Team, RequestID, Person string
	Revision                int
	At, Now                 time.Time // by the database's clock
}

// Slack says who somebody is, now.
type Slack interface {
	Person(ctx context.Context, team, user string) (review.Person, error)
}

// Keeper keeps the glass.
type Keeper struct {
	store  Store
	panes  Panes
	people People
	slack  Slack
	policy approval.Policy
}

// New makes a keeper.
func New(store Store, panes Panes, people People, slack Slack, policy approval.Policy) *Keeper {
	return &Keeper{store, panes, people, slack, policy}
}

// How much of what waits is looked at, and how much of it is offered.
const (
	mostLooked  = 100
	mostOffered = 10
)

// Offer lists what somebody may have run without an approval now, the newest first: an emergency has just
// been asked about. Why not is the error.
func (k *Keeper) Offer(ctx context.Context, click approval.Click) ([]*approval.Request, error) {
	// A hundred of those that wait are looked at, so that a workspace with a long queue has its answer in time.
	all, err := k.store.Pending(ctx, click.Team, mostLooked)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var list []*approval.Request
	var why error
	for _, r := range all {
		if len(list) == mostOffered {
			break
		}
		// Slack is not asked here: who somebody is counts when they open the code, and when they break the glass.
		switch c, others, err := k.barred(ctx, r.ID, click); {
		case err == nil && len(others) < review.GlassLooks:
			why = &approval.NotAllowedError{Who: click.User, Why: approval.Because(approval.WhyGlassAlone)}
		case err == nil:
			list = append(list, c.Request)
		// The first reason is the one that is said. It is mostly the same for all: a role that they have not got.
		case why == nil:
			why = err
		}
	}
	if list != nil {
		return list, nil
	}
	return nil, why
}

// MayBreak says whether somebody could break the glass for a version now. The error is the one that Break would give.
func (k *Keeper) MayBreak(ctx context.Context, ruling steps.Ruling) error {
	_, _, err := k.allowed(ctx, ruling.RequestID, ruling.Click)
	return err
}

// barred finds the request, and the administrators who would hear of it, by what is stored.
func (k *Keeper) barred(ctx context.Context, id string, click approval.Click) (c *steps.Case, others []string, err error) {
	if c, err = k.store.Case(ctx, id); err != nil {
		return nil, nil, err
	}
	r := c.Request
	// Of another workspace it is not there at all: an id tells nothing about it.
	if r.Team != click.Team || r.Revision == nil {
		return nil, nil, approval.ErrNotFound
	}
	if r.State != approval.Pending {
		return nil, nil, r.Illegal("break the glass for")
	}
	if why := c.BarsGlass(r, click.User, k.policy, c.Now); !why.None() {
		return nil, nil, &approval.NotAllowedError{Who: click.User, Why: why}
	}
	return c, c.GlassOthers(r, click.User, k.policy), nil
}

// allowed is barred with a look at who these people are, all at once: somebody waits for it.
func (k *Keeper) allowed(ctx context.Context, id string, click approval.Click) (*steps.Case, []string, error) {
	c, admins, err := k.barred(ctx, id, click)
	if err != nil {
		return nil, nil, err
	}
	r := c.Request
	// The person is the first of the list, so the i-th administrator is at i+1.
	everybody := append([]string{click.User}, admins...)
	people, faults := make([]review.Person, len(everybody)), make([]error, len(everybody))
	var looks sync.WaitGroup
	for i, who := range everybody {
		looks.Go(func() { people[i], faults[i] = k.slack.Person(ctx, r.Team, who) })
	}
	looks.Wait()
	if err := errors.Join(faults...); err != nil {
		return nil, nil, err
	}
	no := func(why approval.Reason) error { return &approval.NotAllowedError{Who: click.User, Why: why} }
	if why := people[0].Barred(); !why.None() {
		return nil, nil, no(why)
	}
	var others []string
	for i, admin := range admins {
		if people[i+1].Barred().None() {
			others = append(others, admin)
		}
	}
	// Counted without those who have left: two who cannot look would let the glass wait for nobody. The schema wants
	// two others as well (broken_glass_others).
	if len(others) < review.GlassLooks {
		return nil, nil, no(approval.Because(approval.WhyGlassAlone))
	}
	// Pins and stricter files are no part of the quorum, which is all that breaking the glass stands in for.
	for _, why := range []approval.Reason{pins.Bars(r.Files, r.Project, r.Asker, c.Pins), c.Lacks(r, k.policy)} {
		if !why.None() {
			return nil, nil, &approval.MoveError{Request: r, Verb: "break the glass for", Why: why}
		}
	}
	return c, others, nil
}

// Break has the version that stands run, without an approval. It has committed when it returns. The same click again
// is answered as the first.
func (k *Keeper) Break(ctx context.Context, ruling steps.Ruling) (r *approval.Request, err error) {
	// The request may change between its load and the write. After five tries ErrOutdated goes back.
	for range 5 {
		if r, err = k.attempt(ctx, ruling); !errors.Is(err, steps.ErrOutdated) {
			break
		}
	}
	return r, k.refused(ctx, ruling.RequestID, "break the glass", ruling.Click, err)
}

// attempt is one try to break the glass; Break repeats it where somebody else has changed the request meanwhile. A
// press that Slack sends twice finds its own glass broken, and succeeds.
func (k *Keeper) attempt(ctx context.Context, ruling steps.Ruling) (*approval.Request, error) {
	c, err := k.store.Case(ctx, ruling.RequestID)
	if err != nil {
		return nil, err
	}
	// By the time of the press (ActionTS), which a redelivery repeats: another press of the same person is another deed.
	if g := c.Request.Glass; g != nil && g.Person == ruling.Click.User && g.Revision == ruling.Revision && g.Click.ActionTS == ruling.Click.ActionTS && c.Request.Team == ruling.Click.Team {
		return c.Request, nil
	}
	reason := approval.Plain(strings.TrimSpace(ruling.Reason))
	if utf8.RuneCountInString(reason) < review.GlassReason {
		return nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyGlassReason, Most: review.GlassReason}}
	}
	c, others, err := k.allowed(ctx, ruling.RequestID, ruling.Click)
	if err != nil {
		return nil, err
	}
	terms, rules := c.Terms(c.Request, k.policy), c.Freezes(k.policy)
	if err := terms.CheckTyped(approval.Approve, ruling.Digest, ruling.Typed); err != nil {
		return nil, err
	}
	// The code has been open before their eyes for as long as for an approval. How many somebody approves in an hour has no part in it.
	// The other bounds of a tier hold. Whoever has to act now may have approved a lot before.
	terms.Hourly = 0
	if _, ok := c.Pace.Opened[ruling.Click.User]; !ok {
		return nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyNotOpened, Name: string(terms.Tier)}}
	}
	if err := terms.CheckPace(approval.Approve, ruling.Click.User, c.Pace, c.Now); err != nil {
		return nil, err
	}
	return k.store.Act(ctx, c, func(r *approval.Request, now time.Time) error {
		p := rules.Within(k.policy)
		// A freeze holds for what nobody has approved as well: it waits, and its time begins when the freeze ends.
		until, why := rules.Frozen(now, k.policy.Zone)
		if !until.IsZero() {
			p.RunExpiry += until.Sub(now)
		}
		g := approval.Glass{Revision: ruling.Revision, Digest: ruling.Digest, Person: ruling.Click.User, Reason: reason, Others: others, Click: ruling.Click}
		if err := approval.BreakGlass(r, g, r.Revision.Manifest.CostCap, p, now); err != nil {
			return err
		}
		if !until.IsZero() {
			approval.NoteFreeze(r, until, why, now)
		}
		return nil
	})
}

// MayLook refuses whoever is no administrator.
func (k *Keeper) MayLook(ctx context.Context, click approval.Click) error {
	return k.people.Administers(ctx, click.Team, click.User, approval.Reason{Code: approval.WhyAdminsOnly, Name: "look at what ran without an approval"})
}

// Look notes that an administrator has looked at what ran without an approval. Whoever looks again has looked once.
func (k *Keeper) Look(ctx context.Context, click approval.Click, id string, revision int, fine bool) error {
	c, err := k.store.Case(ctx, id)
	if err != nil {
		return err
	}
	if c.Request.Team != click.Team {
		return approval.ErrNotFound
	}
	if err = k.MayLook(ctx, click); err == nil {
		_, err = k.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
			return approval.LookAtGlass(r, revision, click.User, fine, click, now)
		})
	}
	return k.refused(ctx, id, "look at a broken glass", click, err)
}

// Disown takes it that whoever broke the glass says that it was not them.
func (k *Keeper) Disown(ctx context.Context, click approval.Click, id string, revision int) error {
	_, err := k.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		if r.Team != click.Team {
			return approval.ErrNotFound
		}
		return approval.DisownGlass(r, revision, click.User, click, k.policy, now)
	})
	return k.refused(ctx, id, "disown a broken glass", click, err)
}

const (
	// remindAfter is when administrators are told once more that two of them have to look.
	remindAfter = 20 * time.Hour
	// tellRests bounds how late they are told that it rests.
	tellRests = 8 * 24 * time.Hour
)

// Remind tells administrators that the time to look is nearly over, and then that it is. The notice's key is what it
// is about, so that each is said once by all replicas together.
func (k *Keeper) Remind(ctx context.Context) error {
	list, err := k.panes.Unlooked(ctx, remindAfter, tellRests)
	if err != nil {
		return err
	}
	for _, g := range list {
		end := g.At.Add(review.GlassAge)
		// Rests is by the database's clock (g.Now), as the schema has it (glass_rested).
		said, word := approval.GlassWaits{Revision: g.Revision, Person: g.Person, Until: end, Rests: !g.Now.Before(end)}, "glass waits"
		if said.Rests {
			word = "glass rests"
		}
		key := fmt.Sprintf("%s %s %d", word, g.RequestID, g.Revision)
		switch _, _, err := k.store.Notice(ctx, key); {
		case err == nil:
			continue
		case !errors.Is(err, approval.ErrNotFound):
			return err
		}
		n := approval.Notice{Key: key, Team: g.Team, Kind: approval.NoticeGlassWaits, Admins: true, RequestID: g.RequestID, At: g.Now, Data: approval.Encode(said), Once: true}
		if err := k.store.Notify(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// refused keeps on record that somebody was not let do something.
func (k *Keeper) refused(ctx context.Context, id, what string, click approval.Click, err error) error {
	no, ok := errors.AsType[*approval.NotAllowedError](err)
	if !ok {
		return err
	}
	lost := k.store.Audit(ctx, id, approval.Event{Actor: click.User, Kind: approval.EventRefusedClick, Data: map[string]any{"what": what, "why": no.Why.Told(), "click": click}})
	return errors.Join(err, lost)
}
