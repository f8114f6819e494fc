package approval

import (
	"fmt"
	"slices"
	"time"
)

// Turn are the verbs that are about whose turn a decision is. None of them decides anything.
type Turn struct{ *Request }

// A wait for a decision is said again when half of its time has passed, and to
// the fallback reviewers when four fifths of it have. Each is said once.
// The schema computes remind_at from the same two shares (requests_version), and a sweep looks requests up by that:
// whoever changes one changes the other.
func remindAt(r *Request) time.Time { return partOf(r, 50) }

func escalateAt(r *Request) time.Time { return partOf(r, 80) }

// partOf returns the moment at which so many percent of the wait have passed. The wait
// begins with the revision.
func partOf(r *Request, percent time.Duration) time.Time {
	return r.Revision.At.Add(r.ExpiresAt.Sub(r.Revision.At) / 100 * percent)
}

// isWaiting tells whether a decision can still be made.
func isWaiting(r *Request, now time.Time) bool { return r.Can("Remind") && now.Before(r.ExpiresAt) }

// ReminderDue and EscalationDue say whether it is time for a word that has not been said.
func (r Turn) ReminderDue(now time.Time) bool {
	return isWaiting(r.Request, now) && r.RemindedAt.IsZero() && !now.Before(remindAt(r.Request))
}

// EscalationDue is the same for the fallback reviewers. A wait that nobody has been reminded of may
// be escalated: after a long pause the later word is enough.
func (r Turn) EscalationDue(now time.Time) bool {
	return isWaiting(r.Request, now) && r.EscalatedAt.IsZero() && !now.Before(escalateAt(r.Request))
}

// Remind tells those who may decide, and have not, that half of the time has
// passed. When there is nobody, the administrators hear of it.
func (r Turn) Remind(to []string, now time.Time) error {
	if !r.ReminderDue(now) {
		return r.Illegal("remind people of")
	}
	r.RemindedAt = now
	r.note(now, System, EventReminded, map[string]any{"revision": r.Revision.Number, "people": to})
	tellWaiting(r.Request, "remind", to, false, now)
	return nil
}

// Escalate calls the fallback reviewers, or the administrators where there are none.
func (r Turn) Escalate(to []string, now time.Time) error {
	if !r.EscalationDue(now) {
		return r.Illegal("escalate")
	}
	r.EscalatedAt = now
	r.note(now, System, EventEscalated, map[string]any{"revision": r.Revision.Number, "people": to})
	tellWaiting(r.Request, "escalate", to, true, now)
	return nil
}

// tellWaiting tells these people, or the administrators where there are none. Its key holds the
// revision: a new version is a new wait.
func tellWaiting(r *Request, word string, to []string, escalated bool, now time.Time) {
	r.Tell(Notice{Key: fmt.Sprintf("%s %s %d", word, r.ID, r.Revision.Number), Kind: NoticeReminder, To: to, Admins: len(to) == 0, At: now,
		Data: Encode(Waiting{Revision: r.Revision.Number, Escalated: escalated, Until: r.ExpiresAt})})
	r.touch(now, StepShow)
}

// Assign asks one person to make the decision. Others may still make it.
func (r Turn) Assign(to, by string, click Click, now time.Time) error {
	if err := mayBeAsked(r.Request, "Assign", "assign", to, by, now); err != nil {
		return err
	}
	r.Assignee = to
	tellAsked(r.Request, EventAssigned, NoticeAssigned, to, by, click, now)
	return nil
}

// maxOpinions is how many people can be asked about one request.
const maxOpinions = 5

// AskOpinion asks somebody to look at the code as well.
func (r Turn) AskOpinion(from, by string, click Click, now time.Time) error {
	if err := mayBeAsked(r.Request, "AskOpinion", "ask for an opinion on", from, by, now); err != nil {
		return err
	}
	if from == by {
		return &InputError{Why: Because(WhyOwnOpinion)}
	}
	if len(r.Opinions) >= maxOpinions {
		return &InputError{Why: Reason{Code: WhyManyOpinions, Count: maxOpinions}}
	}
	// Whom it asks gets no right by it: whether they may decide is checked when they do.
	r.Opinions = append(slices.Clone(r.Opinions), from)
	tellAsked(r.Request, EventAskedForOpinion, NoticeOpinion, from, by, click, now)
	return nil
}

// mayBeAsked says whether it makes sense to ask this person, who is a reviewer.
func mayBeAsked(r *Request, verb, words, who, by string, now time.Time) error {
	switch {
	case !r.Can(verb):
		return r.Illegal(words)
	case !now.Before(r.ExpiresAt):
		return &MoveError{Request: r, Verb: words, Why: Because(WhyTooLate)}
	case who == r.Asker:
		return &InputError{Why: Because(WhyTheyAsked)}
	case who == r.Revision.Author:
		return &InputError{Why: Because(WhyTheyWrote)}
	case slices.ContainsFunc(r.Decisions, func(d Decision) bool { return d.Reviewer == who }):
		return &InputError{Why: Because(WhyTheyDecided)}
	}
	return nil
}

// tellAsked notes who was asked by whom, and tells them once for each revision.
func tellAsked(r *Request, event string, kind NoticeKind, who, by string, click Click, now time.Time) {
	r.note(now, by, event, map[string]any{"revision": r.Revision.Number, "person": who, "click": click})
	r.Tell(Notice{Key: fmt.Sprintf("%s %s %d %s", kind, r.ID, r.Revision.Number, who), Kind: kind, To: []string{who}, At: now,
		Data: Encode(Asked{Revision: r.Revision.Number, By: by})})
	r.touch(now, StepShow)
}
