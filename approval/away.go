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

// awayPause is how long a step waits until it looks again at first, and longestAwayPause
// in the end: a channel may be closed for days. How fast it grows from the one to the
// other, storage's list of what is stuck knows as well.
const (
	awayPause        = 10 * time.Second
	longestAwayPause = 5 * time.Minute
)

func (a *Away) pause(now time.Time) time.Duration {
	return min(max(awayPause, now.Sub(a.Since)/10), longestAwayPause)
}

// withheldPatience is how long a file is asked for that Slack shows, and does not give.
const withheldPatience = 5 * time.Minute

// withheld tells that the request waits for such a file: whether it is there, only
// fetching it tells.
func (r *Request) withheld() bool { return r.Away != nil && r.Away.Cause.Code == FileWithheld }

// lasts tells that a cause will not pass, as far as anybody can say by now.
func (r *Request) lasts(c Cause, now time.Time) bool {
	return !c.passes() || c.Code == FileWithheld && r.withheld() && r.Away.Cause.same(c) && now.Sub(r.Away.Since) >= withheldPatience
}

// GoAway notes that something the request rests on cannot be seen at the moment. It
// waits as it is, until that is back or its time is over.
func (r *Request) GoAway(c Cause, now time.Time) error {
	if !r.can("GoAway") || !c.passes() {
		return r.refuse("wait with")
	}
	r.LookedAt = now
	if r.Away != nil && r.Away.Cause.same(c) {
		return nil
	}
	since := now
	if r.Away != nil {
		if c.Code != FileWithheld { // its patience begins with it
			since = r.Away.Since
		}
		r.Changes.Retell = true
	} else {
		r.tell(r.awayNotice(now))
	}
	r.Away, r.Place = &Away{Cause: c, Since: since}, NotInLine
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
	if !r.can("ComeBack") || r.Away == nil {
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
	if !r.can("Fail") {
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
	return ended(err)
}

// amiss stores what a look at a request has found, and has it as it stands then: it goes
// on, it waits, or it has moved on, mostly to its end.
func (s *Service) amiss(ctx context.Context, was *Request, cause *Cause) (*Request, error) {
	if cause == nil && was.Away == nil && was.State != Pending {
		return was, nil
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
		case r.lasts(*cause, now):
			return r.FailOver(*cause, now)
		}
		return r.GoAway(*cause, now)
	})
	if err == nil && r.State.Final() && s.Sandbox != nil {
		s.Sandbox.Discard(r.ID)
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
func (s *Service) inPlace(ctx context.Context, r *Request, read bool) (stop bool, err error) {
	cause, err := s.rests(ctx, r)
	if err != nil {
		return true, err
	}
	if cause == nil && r.withheld() && !read {
		return false, nil // it has yet to be fetched
	}
	return s.goesOn(ctx, r, cause)
}

// goesOn stores what a step has found as amiss does, and says what that means for the
// step, as inPlace does.
func (s *Service) goesOn(ctx context.Context, r *Request, cause *Cause) (stop bool, err error) {
	state := r.State
	r, err = s.amiss(ctx, r, cause)
	switch {
	case err != nil:
		return true, ended(err)
	case r.State != state:
		return true, nil
	case r.Away != nil:
		return true, awhile(r.Away.pause(r.LookedAt))
	}
	return false, nil
}

// withoutInput is a step that cannot read one of the files: the request has ended,
// because it is gone for good, or waits. What else keeps it from being read says more,
// such as that the bot is not in the channel any more.
func (s *Service) withoutInput(ctx context.Context, r *Request, cause Cause) error {
	amiss := &cause
	if cause.passes() {
		found, err := s.rests(ctx, r)
		if err != nil {
			return err
		}
		if found != nil || cause.Code != FileWithheld {
			amiss = found
		}
	}
	if stop, err := s.goesOn(ctx, r, amiss); stop || err != nil {
		return err
	}
	return awhile(awayPause) // it can be read by now
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
