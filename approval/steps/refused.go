package steps

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"countersign/approval"
)

// Slack may refuse a message, once or for ever. What it refuses is never only in
// the log: it stands in a row of its own until it is taken, and whoever waits for
// it is told on a surface that can carry the word.

// Hindrance is the sort of reason for which a message does not stand in Slack.
type Hindrance string

// The hindrances. What they mean for people is said by who draws.
const (
	Outside   Hindrance = "outside"   // the bot is not in the channel, or cannot see it
	Archived  Hindrance = "archived"  // the channel is
	Forbidden Hindrance = "forbidden" // by settings of the channel or the workspace
	Malformed Hindrance = "malformed" // blocks that this workspace does not take
	TooLong   Hindrance = "too long"
	NoKey     Hindrance = "no key" // the organisation's encryption keys are withheld
	Outage    Hindrance = "outage" // it may pass at any moment
	Other     Hindrance = "other"  // known by Slack's code alone
)

// NoPlace tells of a channel that takes no message of ours, whatever its form.
func (h Hindrance) NoPlace() bool { return h == Outside || h == Archived || h == Forbidden }

// Unseen is a message that Slack has refused since First, so many times.
type Unseen struct {
	RequestID string
	Surface   Surface
	Channel   string
	Why       Hindrance
	Code      string // as Slack spells it; empty when there was no answer
	Stands    bool   // a plainer message stands in its place
	Times     int
	First     time.Time
	Last      time.Time
}

// ThreadGone is the code of a thread whose first message has been deleted. Nobody mends that: the asker is
// answered by direct message, and nothing of it is for administrators.
const ThreadGone = "thread_not_found"

// outagePatience is how long Slack may be away before people hear of it.
const outagePatience = 2 * time.Minute

// Repeats tells of a refusal that is no accident any more. A place that is closed
// is closed; of the rest once is none.
func (u Unseen) Repeats() bool {
	switch {
	case u.Times == 0:
		return false
	case u.Why == Outage:
		return u.Last.Sub(u.First) >= outagePatience
	}
	return u.Why.NoPlace() || u.Times > 1
}

// pause is how long it is left alone until it is tried again by itself. What
// changes in the meantime is shown at once all the same.
func (u Unseen) pause() time.Duration {
	longest := 30 * time.Second
	switch age := u.Last.Sub(u.First); {
	case (u.Why.NoPlace() || u.Why == Outage) && age > time.Hour:
		longest = 5 * time.Minute
	case !u.Why.NoPlace() && u.Why != Outage && age > 10*time.Minute:
		longest = 10 * time.Minute
	}
	return min(time.Second<<min(max(u.Times, 1), 12), longest)
}

// unseenPatience is how long after its end a request is still tried to be shown.
const unseenPatience = 3 * 24 * time.Hour

// PostError is Slack's no to a message.
type PostError struct {
	Channel string
	Why     Hindrance
	Code    string
	Stands  bool // a plainer message stands in its place
	Err     error
}

func (e *PostError) Error() string { return e.Err.Error() }

func (e *PostError) Unwrap() error { return e.Err }

// Is makes a closed channel an ErrNoPlace.
func (e *PostError) Is(target error) bool { return target == ErrNoPlace && e.Why.NoPlace() }

// plainable tells of a card of which a plainer one may be taken.
func plainable(err error) bool {
	no, ok := errors.AsType[*PostError](err)
	return ok && !no.Why.NoPlace() && no.Why != Outage
}

// hidden tells of a surface that shows nothing in place of what was refused.
func hidden(err error) bool {
	no, ok := errors.AsType[*PostError](err)
	return err != nil && !(ok && no.Stands)
}

// HiddenFrom are the refusals that keep the asker from what their thread should
// say, the first of them in the order of the surfaces.
func (v *View) HiddenFrom() (u Unseen, ok bool) {
	for _, surface := range []Surface{SurfaceRoot, SurfaceProgress, SurfaceAnswer, SurfaceFiles, SurfaceReply, SurfaceSheets} {
		if u := v.Unseen[surface]; u.Repeats() && !u.Stands {
			return u, true
		}
	}
	return Unseen{}, false
}

// Unsaid is what a NoticeUnsaid says beside how the request stands now.
type Unsaid struct {
	Channel string `json:"channel"`
}

// unsaidKey names the direct message that says to the asker what the thread cannot.
func unsaidKey(requestID string) string { return "unsaid " + requestID }

// reckon keeps what became of a surface: a refusal stands in its row, is told to
// whoever has to know, and is forgotten when Slack takes the message.
func (s *Presenter) reckon(ctx context.Context, v *View, surface Surface, err error) error {
	had, was := v.Unseen[surface]
	var no *PostError
	switch {
	case err == nil && was:
		delete(v.Unseen, surface)
		if err := s.store.Seen(ctx, v.Request.ID, surface); err != nil {
			return err
		}
		if !had.Repeats() {
			return nil
		}
		s.log.Info("Slack takes a message again", "request", v.Request.ID, "surface", surface, "refused", had.Times)
		// Where a direct message speaks for the thread, it is to say so.
		return s.store.Wake(ctx, Wake{Step: approval.StepTell, RequestID: unsaidKey(v.Request.ID)})
	case !errors.As(err, &no):
		return nil
	}
	u, fault := s.store.Refused(ctx, Unseen{RequestID: v.Request.ID, Surface: surface, Channel: no.Channel, Why: no.Why, Code: no.Code, Stands: no.Stands})
	if fault != nil {
		return fault
	}
	if v.Unseen == nil {
		v.Unseen = map[Surface]Unseen{}
	}
	v.Unseen[surface] = u
	if bits.OnesCount(uint(u.Times)) == 1 { // the first, the second, the fourth ...
		s.log.Warn("Slack refuses a message", "request", v.Request.ID, "surface", surface, "channel", u.Channel, "code", u.Code,
			"times", u.Times, "plainer", u.Stands, "error", err)
	}
	return errors.Join(s.tellAdmins(ctx, v, u), s.tellAsker(ctx, v, u))
}

// tellAdmins tells those who can mend it: once a day for each channel and reason,
// however many messages it keeps back. A place of the asker's is the asker's business.
func (s *Presenter) tellAdmins(ctx context.Context, v *View, u Unseen) error {
	mine := u.Surface == SurfaceCard
	if !u.Repeats() || u.Why == Outage || u.Code == ThreadGone || u.Surface == SurfacePlain || mine && v.Request.State != approval.Pending || !mine && u.Why.NoPlace() {
		return nil
	}
	return s.store.Notify(ctx, approval.Notice{Key: fmt.Sprintf("refused %s %s %s %s", u.Channel, u.Why, u.Code, v.Now.UTC().Format(time.DateOnly)),
		Team: v.Request.Team, Kind: approval.NoticeNoPlace, Admins: true, At: v.Now, Once: true,
		Data: approval.Encode(NoPlace{Channel: u.Channel, Why: u.Why, Code: u.Code, Cards: mine, Example: v.Request.ID})})
}

// tellAsker says by direct message what the thread cannot, and keeps it up to date.
func (s *Presenter) tellAsker(ctx context.Context, v *View, u Unseen) error {
	if h, ok := v.HiddenFrom(); !ok || h.Surface != u.Surface {
		return nil
	}
	if (u.Why == Outside || u.Why == Archived) && toldAway(v.Request, u) {
		return nil
	}
	return s.store.Notify(ctx, approval.Notice{Key: unsaidKey(v.Request.ID), Team: v.Request.Team, Kind: approval.NoticeUnsaid, To: []string{v.Request.Asker},
		RequestID: v.Request.ID, At: v.Now, Data: approval.Encode(Unsaid{Channel: u.Channel})})
}

// toldAway tells that a closed channel is said to the asker otherwise: as what the
// request waits for, or has ended over, in a direct message of its own (NoticeAway). For a
// while it is left to the look at it (StepLook) to find that out; where none looks, because
// it waits for something else, or runs, or where the look finds nothing amiss, this says it.
func toldAway(r *approval.Request, u Unseen) bool {
	return r.Away != nil || r.State.Final() && r.Cause != nil || !r.State.Final() && u.Last.Sub(u.First) < outagePatience
}

// afterwards is for how long what has happened in Slack is written down by whoever has no time left.
const afterwards = 5 * time.Second

// lasting does what has to be done although the time for it may be over meanwhile, as where the replica hung. As long as there is
// time it waits for a database that is away, however long that takes: what nobody remembers is posted again.
func lasting(ctx context.Context, do func(context.Context) error) error {
	err := do(ctx)
	if err == nil || ctx.Err() == nil {
		return err
	}
	soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	return do(soon)
}

// publish draws one surface. Where Slack does not let the message become what is to be shown, that was drawn from a moment
// that is over, as by a replica that hung: messages are made such that what comes after is always possible. Only where
// nothing has changed since, another message takes its place.
func (s *Presenter) publish(ctx context.Context, v *View, surface Surface) (Post, error) {
	post, err := s.slack.Publish(ctx, v, surface)
	if errors.Is(err, ErrOvertaken) && post.TS == v.Posts[surface].TS {
		now, e := s.drawn(ctx, v.Request.ID)
		if e != nil || !now.Request.ChangedAt.Equal(v.Request.ChangedAt) || (now.Request.Taken == nil) != (v.Request.Taken == nil) || now.Posts[surface] != v.Posts[surface] {
			return post, errors.Join(err, e)
		}
		v.Insist = true
		defer func() { v.Insist = false }()
		post, err = s.slack.Publish(ctx, v, surface)
	}
	if errors.Is(err, ErrUnheard) {
		if ctx.Err() == nil { // this job comes again by itself
			err = errors.Join(err, s.store.Doubt(ctx, v.Request.ID, surface))
		} else {
			err = errors.Join(err, s.doubt(ctx, v.Request.ID, surface))
		}
	}
	return post, err
}

// doubt has messages drawn anew, by whichever replica comes first: this job may be another one's by now.
func (s *Presenter) doubt(ctx context.Context, id string, surfaces ...Surface) error {
	return lasting(ctx, func(ctx context.Context) error {
		return errors.Join(s.store.Doubt(ctx, id, surfaces...), s.store.Wake(ctx, Wake{Step: approval.StepShow, RequestID: id}))
	})
}

// overrun has a message drawn anew that this replica has written so late that another one may have said meanwhile how it ended.
func (s *Presenter) overrun(ctx context.Context, began time.Time, post Post) {
	if time.Since(began) < afterwards && ctx.Err() == nil {
		return
	}
	if err := s.doubt(ctx, post.RequestID, post.Surface); err != nil {
		s.log.Warn("have a message drawn anew", "request", post.RequestID, "surface", post.Surface, "error", err)
	}
}

// kept remembers a message that is written again and again by whoever watches a run, and tells whether that has to be tried again.
func (s *Presenter) kept(ctx context.Context, v *View, post Post) (stands Post, remembered bool) {
	err := s.posted(ctx, v, post)
	if err != nil {
		s.log.Warn("remember a message that says how a program gets on", "request", v.Request.ID, "error", err)
	}
	if errors.Is(err, ErrElsewhere) { // ours is gone again
		if now, e := s.drawn(ctx, v.Request.ID); e == nil {
			return now.Posts[post.Surface], true
		}
	}
	return post, err == nil || errors.Is(err, ErrOvertaken)
}

// Begun has messages drawn anew where somebody has begun to show the request, and has perhaps ended with a call under way that
// Slack carries out after whatever has been shown since: of what changes as it goes on, nobody trusts what is remembered.
func (s *Presenter) Begun(ctx context.Context, id string) error {
	v, err := s.drawn(ctx, id)
	if err != nil {
		return err
	}
	var moving []Surface
	for _, surface := range []Surface{SurfaceCard, SurfacePlain, SurfaceProgress, SurfaceReply, SurfaceRunning} {
		if post := v.Posts[surface]; post.TS != "" && !post.Gone() {
			moving = append(moving, surface)
		}
	}
	if len(moving) == 0 {
		return nil
	}
	return s.store.Doubt(ctx, id, moving...)
}

// again says when a request is to be shown again whose messages were refused. Any
// other fault is for the queue to repeat as it does.
func (s *Presenter) again(v *View, faults []error) error {
	all := errors.Join(faults...)
	if all == nil {
		return nil
	}
	wait := time.Duration(0)
	for _, fault := range faults {
		if fault != nil && !errors.As(fault, new(*PostError)) {
			return all
		}
	}
	for _, u := range v.Unseen {
		if p := u.pause(); wait == 0 || p < wait {
			wait = p
		}
	}
	if v.Request.State.Final() && v.Now.Sub(v.Request.ChangedAt) > unseenPatience {
		s.log.Error("a request that has ended cannot be shown, and is left", "request", v.Request.ID, "error", all)
		return nil
	}
	return &LaterError{After: wait, Err: all}
}
