package approval

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What a question rests on may go while it waits: the bot is taken out of the
// channel, the channel is archived, a file is deleted, the asker leaves. What may
// come back is waited for; what will not ends the question with words.

// Away is what a request waits for, beside whatever else it waits for: something
// that the bot cannot see at the moment.
type Away struct {
	Cause Cause     `json:"cause"`
	Since time.Time `json:"since"`
}

// NoticeAway tells the asker of that, and of how it went on.
const NoticeAway NoticeKind = "away"

// awayPause is how long a step waits until it looks again.
const awayPause = 10 * time.Second

// GoAway notes that something the request rests on cannot be seen at the moment. It
// waits as it is, until that is back or its time is over.
func (r *Request) GoAway(c Cause, now time.Time) error {
	if r.State != Drafting && r.State != Pending && r.State != Approved || !c.passes() {
		return r.refuse("wait with")
	}
	r.LookedAt = now
	if r.Away != nil && r.Away.Cause.same(c) {
		return nil
	}
	since := now
	if r.Away != nil {
		since = r.Away.Since
		r.Changes.Retell = true
	} else {
		r.tell(r.awayNotice(now))
	}
	r.Away = &Away{Cause: c, Since: since}
	r.note(now, System, "away", map[string]any{"cause": c})
	r.touch(now, StepShow)
	return nil
}

// awayNotice is for the asker. Each time that something goes they hear of it anew.
func (r *Request) awayNotice(now time.Time) Notice {
	return Notice{Key: fmt.Sprintf("away %s %d", r.ID, now.UnixMicro()), Kind: NoticeAway, To: []string{r.Asker}, At: now, Data: encode(struct{}{})}
}

// ComeBack ends such a wait: the request goes on by itself.
func (r *Request) ComeBack(now time.Time) error {
	if r.Away == nil || r.State != Drafting && r.State != Pending && r.State != Approved {
		return r.refuse("go on with")
	}
	r.note(now, System, "back", map[string]any{"cause": r.Away.Cause})
	r.Away, r.LookedAt, r.Changes.Retell = nil, now, true
	r.touch(now, StepShow)
	switch r.State {
	case Drafting:
		r.touch(now, StepDraft)
	case Approved:
		r.touch(now, StepRun)
	}
	return nil
}

// FailOver ends a request before anything has run, because of what is gone for good,
// or because somebody does not want to wait any longer.
func (r *Request) FailOver(c Cause, now time.Time) error {
	if r.State != Drafting && r.State != Pending && r.State != Approved {
		return r.refuse("fail")
	}
	actor := System
	if c.By != "" {
		actor = c.By
	}
	r.Cause, r.Reason = &c, ""
	r.release(now)
	r.note(now, actor, "failed", map[string]any{"cause": c})
	if r.Away == nil && c.Code != AskerGone {
		r.tell(r.awayNotice(now)) // the channel may be closed to us as well
	}
	r.move(Failed, now, time.Time{})
	r.Changes.Retell = true
	return nil
}

// rests looks at all that a request rests on: who asked, its channel, its files. Of
// what is amiss, what is gone for good comes first; nil when all is well.
func (s *Service) rests(ctx context.Context, r *Request) (*Cause, error) {
	person, err := s.person(ctx, r.Team, r.Asker)
	if err != nil {
		return nil, err
	}
	if gone := person.asker(r.Guest); gone != nil {
		return gone, nil
	}
	place, err := s.Slack.Place(ctx, r.Project, r.Asker)
	if err != nil {
		return nil, err
	}
	away := place.Cause(r.Project, r.Asker)
	for _, f := range r.Files {
		var cause *CauseError
		switch err := s.Slack.Stat(ctx, f); {
		case errors.As(err, &cause) && !cause.Cause.passes():
			return &cause.Cause, nil
		case errors.As(err, &cause):
			if away == nil {
				away = &cause.Cause
			}
		case err != nil:
			return nil, err
		}
	}
	return away, nil
}

// Look finds out whether what a request rests on is still there, while it waits for
// people. A sweep asks for it now and then, and so does a thread that takes no
// message; the start of a run looks by itself.
func (s *Service) Look(ctx context.Context, id string) error {
	r, err := s.Store.Request(ctx, id)
	if err != nil || r.Seek != nil || r.State != Pending && r.State != Drafting {
		return err
	}
	cause, err := s.rests(ctx, r)
	if err != nil {
		return err
	}
	_, err = s.amiss(ctx, r, cause)
	return err
}

// amiss stores what a look at a request has found, and tells whether the request can
// not go on as it is: it has ended, or it waits.
func (s *Service) amiss(ctx context.Context, was *Request, cause *Cause) (waits bool, err error) {
	if cause == nil && was.Away == nil && was.State != Pending {
		return false, nil
	}
	r, err := s.Store.Update(ctx, was.ID, func(r *Request, now time.Time) error {
		switch {
		case r.State != was.State || !now.Before(r.ExpiresAt):
			return nil // it has moved on, or its time is over: both have an end of their own
		case cause == nil && r.Away != nil:
			return r.ComeBack(now)
		case cause == nil:
			r.LookedAt = now
			return nil
		case cause.passes():
			return r.GoAway(*cause, now)
		}
		return r.FailOver(*cause, now)
	})
	if err == nil && r.State.Final() && s.Sandbox != nil {
		s.Sandbox.Discard(r.ID)
	}
	return err == nil && (r.State != was.State || r.Away != nil), ended(err)
}

// awhile has a step that waits for what is away come again.
func awhile() error {
	return &LaterError{After: awayPause, Err: errors.New("something that it rests on cannot be seen at the moment")}
}

// inPlace makes sure that all that a step rests on is there. Where it is not, the
// request has ended (nil, true), or waits: then the error has the step come again.
func (s *Service) inPlace(ctx context.Context, r *Request) (stop bool, err error) {
	cause, err := s.rests(ctx, r)
	if err != nil {
		return true, err
	}
	waits, err := s.amiss(ctx, r, cause)
	if err != nil || !waits {
		return waits, err
	}
	if cause != nil && cause.passes() {
		return true, awhile()
	}
	return true, nil
}

// withoutInput is a step that cannot read one of the files: the request has ended,
// because it is gone for good, or waits. What else keeps it from being read says more,
// such as that the bot is not in the channel any more.
func (s *Service) withoutInput(ctx context.Context, r *Request, cause Cause) error {
	if cause.passes() {
		stop, err := s.inPlace(ctx, r)
		if stop || err != nil {
			return err
		}
		return awhile() // it can be read by now
	}
	_, err := s.amiss(ctx, r, &cause)
	return err
}

// GiveUp ends a request that waits for what is away: by a reviewer, who has it before
// them and cannot have it run.
func (s *Service) GiveUp(ctx context.Context, id string, click Click) (*Request, error) {
	if _, err := s.mayReview(ctx, id, click); err != nil {
		return nil, s.audited(ctx, Ruling{RequestID: id, Verdict: "give up", Click: click}, true, err)
	}
	r, err := s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		if r.Away == nil || r.State != Pending && r.State != Approved {
			return &MoveError{Request: r, Verb: "end", Why: notAway(r)}
		}
		c := r.Away.Cause
		c.By = click.User
		return r.FailOver(c, now)
	})
	if err == nil && s.Sandbox != nil {
		s.Sandbox.Discard(id)
	}
	return r, err
}

// notAway is why a request cannot be ended for what is away; empty where its state says it.
func notAway(r *Request) string {
	if r.State.Final() || r.State == Running {
		return ""
	}
	return "It goes on: what it waited for is there again."
}
