package steps

import (
	"context"
	"errors"
	"slices"
	"time"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/review"
)

// Watch looks whether what a request rests on is still there.
type Watch struct {
	store interface {
		Asking
		Budgets
		Requests
	}
	sandbox Inspector
	slack   interface {
		Files
		Places
	}

	people *People
	pins   *pins.Keeper
}

// mayUse makes sure, when a run is about to start, that whoever asked may use its pinned files: they stand,
// hold what they held, and the channel has nobody who may not read what comes of them.
func (s *Watch) mayUse(ctx context.Context, c *Case) error {
	r := c.Request
	if why := pins.Bars(r.Files, r.Project, r.Asker, c.Pins); !why.None() {
		return &approval.InputError{Why: why}
	}
	if len(c.Pins) == 0 {
		return nil
	}
	return s.pins.InPlace(ctx, pins.Of(r))
}

// withheldPatience is how long a file is asked for that Slack shows, and does not give.
const withheldPatience = 5 * time.Minute

// withheld tells that the request waits for such a file: whether it is there, only
// fetching it tells.
func withheld(r *approval.Request) bool {
	return r.Away != nil && r.Away.Cause.Code == approval.FileWithheld
}

// lasts tells that a cause will not pass, as far as anybody can say by now.
func lasts(r *approval.Request, c approval.Cause, now time.Time) bool {
	return !c.Passes() || c.Code == approval.FileWithheld && withheld(r) && r.Away.Cause.Same(c) && now.Sub(r.Away.Since) >= withheldPatience
}

// ground is what a look at all that a request rests on has found.
type ground struct {
	amiss  *approval.Cause // nil when all is well
	shared bool            // people of another organisation are in its channel
}

// rests looks at all that a request rests on: who asked, its channel, its files. Of
// what is amiss, what is gone for good comes first.
func (s *Watch) rests(ctx context.Context, r *approval.Request) (g ground, err error) {
	person, err := s.people.person(ctx, r.Team, r.Asker)
	if err != nil {
		return g, err
	}
	g.shared = r.Shared
	if g.amiss = askerGone(person, r.Guest); g.amiss != nil {
		return g, nil
	}
	place, err := s.slack.Place(ctx, r.Project, r.Asker)
	if err != nil {
		return g, err
	}
	if g.amiss = place.Cause(r.Project, r.Asker); g.amiss == nil {
		g.shared = place.Shared
	}
	shown := s.shown(r)
	for _, f := range r.Files {
		// Slack is asked once about each file: to find one for who asked tells, too, whether it is there.
		look := shown
		if f.Pinned != "" || g.amiss != nil { // its pin is asked about, or nothing runs anyway
			look = s.slack.Stat
		}
		var cause *approval.CauseError
		switch err := look(ctx, f); {
		// Gone for good: no other file can make it better.
		case errors.As(err, &cause) && !cause.Cause.Passes():
			g.amiss = &cause.Cause
			return g, nil
		case errors.As(err, &cause):
			if g.amiss == nil {
				g.amiss = &cause.Cause
			}
		case err != nil:
			return g, err
		}
	}
	return g, nil
}

// shown looks at files of a request that are not pinned, one after another: whether each is there, and Slack shows it to
// who asked, now. It may have been taken out of the channel since, or they out of another one in which it stands. What was
// handed to them with the thread may be asked about as long as Slack shows it to who gave it.
func (s *Watch) shown(r *approval.Request) func(ctx context.Context, f approval.File) error {
	var thread approval.Session
	var given map[string][]string
	return func(ctx context.Context, f approval.File) error {
		q := Search{Channel: r.Project, Asker: r.Asker, Files: []approval.File{f}, Thread: []string{f.ID}, Seek: approval.Seek{Given: true, Brought: []string{f.ID}}}
		_, err := s.slack.Find(ctx, q)
		if !hides(err) {
			return err
		}
		if thread.ID == "" {
			if thread, err = s.store.Thread(ctx, r.Team, r.SessionID); err != nil {
				return err
			}
			files, _, err := s.store.ThreadFiles(ctx, thread)
			if err != nil {
				return err
			}
			given = handedTo(r.Asker, files)
		}
		// A thread in the asker's direct message has files that stand in no channel.
		q.Channel, q.Given = thread.Channel, given
		if _, err = s.slack.Find(ctx, q); hides(err) {
			return &approval.CauseError{Cause: approval.Cause{Code: approval.FileNotShown, File: f.Name, Person: r.Asker}}
		}
		return err
	}
}

// hides tells of an error whether Slack does not show a file to somebody.
func hides(err error) bool {
	cause, ok := errors.AsType[*approval.CauseError](err)
	return ok && slices.Contains([]approval.CauseCode{approval.FileNotYours, approval.FileNotHere}, cause.Cause.Code)
}

// Look finds out whether what a request rests on is still there, while it waits for
// people. A sweep asks for it now and then, and so does a thread that takes no
// message; the start of a run looks by itself.
func (s *Watch) Look(ctx context.Context, id string) error {
	r, err := s.store.Request(ctx, id)
	if err != nil || r.Seek != nil || r.State != approval.Pending && r.State != approval.Drafting {
		return err
	}
	seen, err := s.rests(ctx, r)
	if err != nil {
		return err
	}
	_, err = s.stored(ctx, r, seen)
	return ended(err)
}

// stored stores what a look at a request has found, and has it as it stands then: it goes
// on, it waits, or it has moved on, mostly to its end.
func (s *Watch) stored(ctx context.Context, was *approval.Request, seen ground) (*approval.Request, error) {
	cause := seen.amiss
	// Nothing has changed and nobody looks at it: no write for that. While it is pending, when it was
	// looked at and whether the channel is shared now is kept for those who decide.
	if cause == nil && was.Away == nil && was.State != approval.Pending {
		return was, nil
	}
	r, err := s.store.Update(ctx, was.ID, func(r *approval.Request, now time.Time) error {
		switch {
		case r.State != was.State || !now.Before(r.ExpiresAt):
			return nil // it has moved on, or its time is over: both have an end of their own
		case cause == nil && r.Away != nil:
			return r.ComeBack(now)
		case cause == nil:
			approval.LookedOver(r, seen.shared, now)
			return nil
		case lasts(r, *cause, now):
			return r.FailOver(*cause, now)
		}
		return r.GoAway(*cause, now)
	})
	if err == nil && r.State.Final() {
		s.sandbox.Discard(r.ID)
	}
	return r, err
}

// awhile has a step that waits come again.
func awhile(pause time.Duration) error {
	return &LaterError{After: pause, Err: errors.New("something that it rests on cannot be seen at the moment")}
}

// inPlace makes sure that all that a step rests on is there. Where it is not, the
// request has ended (nil, true), or waits: then the error has the step come again. Read
// tells that its files have just been read.
func (s *Watch) inPlace(ctx context.Context, r *approval.Request, read bool) (stop bool, err error) {
	seen, err := s.rests(ctx, r)
	if err != nil {
		return true, err
	}
	if seen.amiss == nil && withheld(r) && !read {
		return false, nil // it has yet to be fetched
	}
	return s.goesOn(ctx, r, seen)
}

// goesOn stores what a step has found as stored does, and says what that means for the
// step, as inPlace does.
func (s *Watch) goesOn(ctx context.Context, r *approval.Request, seen ground) (stop bool, err error) {
	state := r.State
	r, err = s.stored(ctx, r, seen)
	switch {
	case err != nil:
		return true, ended(err)
	case r.State != state:
		return true, nil
	case r.Away != nil:
		return true, awhile(r.Away.Pause(r.LookedAt))
	}
	return false, nil
}

// withoutInput is a step that cannot read one of the files: the request has ended,
// because it is gone for good, or waits. What else keeps it from being read says more,
// such as that the bot is not in the channel any more.
func (s *Watch) withoutInput(ctx context.Context, r *approval.Request, cause approval.Cause) error {
	seen := ground{amiss: &cause, shared: r.Shared}
	if cause.Passes() {
		found, err := s.rests(ctx, r)
		if err != nil {
			return err
		}
		// Of a file that Slack shows and does not give, a look at everything finds nothing amiss: then
		// the refused download itself is the cause.
		if found.amiss != nil || cause.Code != approval.FileWithheld {
			seen = found
		}
	}
	if stop, err := s.goesOn(ctx, r, seen); stop || err != nil {
		return err
	}
	return awhile(approval.AwayPause) // it can be read by now
}

// GiveUp ends a request that waits for what is away: by a reviewer, who has it before
// them and cannot have it run.
func (s *Watch) GiveUp(ctx context.Context, id string, click approval.Click) (*approval.Request, error) {
	r, err := current(func() (*approval.Request, error) { return s.giveUp(ctx, id, click) })
	if err == nil {
		s.sandbox.Discard(id)
	}
	return r, err
}

// giveUp is GiveUp by the people and rules of one case.
func (s *Watch) giveUp(ctx context.Context, id string, click approval.Click) (*approval.Request, error) {
	c, _, err := s.people.mayReview(ctx, id, click)
	if err != nil {
		return nil, s.people.audited(ctx, Ruling{RequestID: id, Verdict: "give up", Click: click}, err)
	}
	return s.store.Act(ctx, c, func(r *approval.Request, now time.Time) error {
		if r.Away == nil || r.State != approval.Pending && r.State != approval.Approved {
			return &approval.MoveError{Request: r, Verb: "end", Why: notAway(r)}
		}
		c := r.Away.Cause
		c.By = click.User
		return r.FailOver(c, now)
	})
}

// notAway is why a request cannot be ended for what is away; none where its state says it.
func notAway(r *approval.Request) approval.Reason {
	if r.State.Final() || r.State == approval.Running {
		return approval.Reason{}
	}
	return approval.Because(approval.WhyThereAgain)
}

// askerGone says why somebody's question is not answered any more, who was a guest when
// they asked or was not; nil when it is.
func askerGone(p review.Person, was bool) *approval.Cause {
	switch {
	case p.Gone || p.External:
		return &approval.Cause{Code: approval.AskerGone, Person: p.ID}
	case p.Guest && !was:
		return &approval.Cause{Code: approval.AskerGuest, Person: p.ID}
	}
	return nil
}
