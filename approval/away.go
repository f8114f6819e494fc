package approval

import (
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

// A step that waits for what is away looks again after AwayPause at first, and after
// longestAwayPause in the end: a channel may be closed for days. storage/stuck.go computes the
// same pause in SQL, so whoever changes one changes the other.
const (
	AwayPause        = 10 * time.Second
	longestAwayPause = 5 * time.Minute
)

// Pause is a tenth of the time that it has been away, within these bounds.
func (a *Away) Pause(now time.Time) time.Duration {
	return min(max(AwayPause, now.Sub(a.Since)/10), longestAwayPause)
}

// GoAway records that something the request depends on cannot be seen at the moment. The
// request keeps its state until that is back or its time is over.
func (r *Request) GoAway(c Cause, now time.Time) error {
	if !r.Can("GoAway") || !c.Passes() {
		return r.Illegal("wait with")
	}
	// Kept also where nothing else changes: the sweep goes by it (storage/queue/stuck.go), and would come again at once.
	r.LookedAt = now
	if r.Away != nil && r.Away.Cause.Same(c) {
		return nil
	}
	since := now
	if r.Away != nil {
		// Of one absence after another the first moment counts, so that a look comes ever more rarely. A file
		// that Slack shows and does not hand out ends its question after a while (steps.withheldPatience), which
		// has to be counted from when that began.
		if c.Code != FileWithheld { // its patience begins with it
			since = r.Away.Since
		}
		r.Changes.Retell = true
	} else {
		r.Tell(awayNotice(r, now))
	}
	r.Away, r.Place = &Away{Cause: c, Since: since}, NotInLine
	r.note(now, System, EventAway, map[string]any{"cause": c.told()})
	r.touch(now, StepShow)
	return nil
}

// awayNotice is the notice for the asker. Each new absence is told anew.
func awayNotice(r *Request, now time.Time) Notice {
	return Notice{Key: fmt.Sprintf("away %s %d", r.ID, now.UnixMicro()), Kind: NoticeAway, To: []string{r.Asker}, At: now, Data: Encode(struct{}{})}
}

// LookedOver notes that all that the request depends on was there a moment ago, and whether
// people of another organisation are in its channel by now.
func LookedOver(r *Request, shared bool, now time.Time) {
	r.LookedAt = now
	if r.Shared != shared {
		r.Shared = shared
		r.touch(now, StepShow)
	}
}

// ComeBack ends such a wait, and the request continues.
func (r *Request) ComeBack(now time.Time) error {
	if !r.Can("ComeBack") || r.Away == nil {
		return r.Illegal("go on with")
	}
	// Told before Away is cleared: the event says what has come back.
	r.note(now, System, EventBack, map[string]any{"cause": r.Away.Cause.told()})
	r.Away, r.LookedAt, r.Changes.Retell = nil, now, true
	r.touch(now, StepShow)
	// Only what jobs work on is woken. What is pending waits for people, who see its card again.
	switch r.State {
	case Drafting:
		r.touch(now, NextStep(r))
	case Approved:
		r.touch(now, StepRun)
	}
	return nil
}

// FailOver ends a request before anything has run: what it depends on is gone for good,
// or somebody does not want to wait any longer.
func (r *Request) FailOver(c Cause, now time.Time) error {
	if !r.Can("Fail") {
		return r.Illegal("fail")
	}
	// By is set where somebody ended it while it waited. Of all other causes nobody is the actor.
	actor := System
	if c.By != "" {
		actor = c.By
	}
	// The schema lets a cause stand beside a failed request alone (requests_cause_of_an_end), and one of the
	// two is what people read: a reason of before would be read in its place.
	r.Cause, r.Reason = &c, Reason{}
	r.Money().release(now)
	r.note(now, actor, EventFailed, map[string]any{"cause": c.told()})
	if r.Away == nil && c.Code != AskerGone {
		r.Tell(awayNotice(r, now)) // the channel may be closed to us as well
	}
	r.move(Failed, now, time.Time{})
	r.Changes.Retell = true
	return nil
}
