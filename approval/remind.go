package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A wait for a decision is said again when half of its time has passed, and to
// the fallback reviewers when four fifths of it have. Each is said once.
func (r *Request) remindAt() time.Time   { return r.part(50) }
func (r *Request) escalateAt() time.Time { return r.part(80) }

// part is when so many percent of the wait have passed: it began with the revision.
func (r *Request) part(percent time.Duration) time.Time {
	return r.Revision.At.Add(r.ExpiresAt.Sub(r.Revision.At) / 100 * percent)
}

// waiting tells of a decision that can still be taken.
func (r *Request) waiting(now time.Time) bool { return r.can("Remind") && now.Before(r.ExpiresAt) }

// ReminderDue and EscalationDue say whether it is time for a word that has not been said.
func (r *Request) ReminderDue(now time.Time) bool {
	return r.waiting(now) && r.RemindedAt.IsZero() && !now.Before(r.remindAt())
}

func (r *Request) EscalationDue(now time.Time) bool {
	return r.waiting(now) && r.EscalatedAt.IsZero() && !now.Before(r.escalateAt())
}

// Remind tells those who may decide, and have not, that half of the time has
// passed. When there is nobody, the administrators hear of it.
func (r *Request) Remind(to []string, now time.Time) error {
	if !r.ReminderDue(now) {
		return r.refuse("remind people of")
	}
	r.RemindedAt = now
	r.note(now, System, "reminded", map[string]any{"revision": r.Revision.Number, "people": to})
	r.waits("remind", to, false, now)
	return nil
}

// Escalate calls the fallback reviewers, or the administrators where there are none.
func (r *Request) Escalate(to []string, now time.Time) error {
	if !r.EscalationDue(now) {
		return r.refuse("escalate")
	}
	r.EscalatedAt = now
	r.note(now, System, "escalated", map[string]any{"revision": r.Revision.Number, "people": to})
	r.waits("escalate", to, true, now)
	return nil
}

func (r *Request) waits(word string, to []string, escalated bool, now time.Time) {
	r.tell(Notice{Key: fmt.Sprintf("%s %s %d", word, r.ID, r.Revision.Number), Kind: NoticeReminder, To: to, Admins: len(to) == 0, At: now,
		Data: encode(Waiting{Revision: r.Revision.Number, Escalated: escalated, Until: r.ExpiresAt})})
	r.touch(now, StepShow)
}

// Assign makes a decision somebody's turn. Others may still take it.
func (r *Request) Assign(to, by string, click Click, now time.Time) error {
	if err := r.canDecide("Assign", "assign", to, by, now); err != nil {
		return err
	}
	r.Assignee = to
	r.asked("assigned", NoticeAssigned, to, by, click, now)
	return nil
}

// maxOpinions is how many people can be asked about one request.
const maxOpinions = 5

// AskOpinion asks somebody to look at the code as well.
func (r *Request) AskOpinion(from, by string, click Click, now time.Time) error {
	if err := r.canDecide("AskOpinion", "ask for an opinion on", from, by, now); err != nil {
		return err
	}
	if from == by {
		return &InputError{Why: "A second opinion is somebody else's. Please choose another person."}
	}
	if len(r.Opinions) >= maxOpinions {
		return &InputError{Why: fmt.Sprintf("%d people have been asked already. Please let one of them decide.", maxOpinions)}
	}
	r.Opinions = append(slices.Clone(r.Opinions), from)
	r.asked("asked for an opinion", NoticeOpinion, from, by, click, now)
	return nil
}

// canDecide says whether it makes sense to ask this person, who is a reviewer.
func (r *Request) canDecide(verb, words, who, by string, now time.Time) error {
	switch {
	case !r.can(verb):
		return r.refuse(words)
	case !now.Before(r.ExpiresAt):
		return &MoveError{Request: r, Verb: words, Why: "The time for a decision has run out."}
	case who == r.Asker:
		return &InputError{Why: "This person asked the question, so they cannot review the code. Please choose somebody else."}
	case who == r.Revision.Author:
		return &InputError{Why: "This person wrote this version of the code, so they cannot review it. Please choose somebody else."}
	case slices.ContainsFunc(r.Decisions, func(d Decision) bool { return d.Reviewer == who }):
		return &InputError{Why: "This person has already decided on this version. Please choose somebody else."}
	}
	return nil
}

func (r *Request) asked(event string, kind NoticeKind, who, by string, click Click, now time.Time) {
	r.note(now, by, event, map[string]any{"revision": r.Revision.Number, "person": who, "click": click})
	r.tell(Notice{Key: fmt.Sprintf("%s %s %d %s", kind, r.ID, r.Revision.Number, who), Kind: kind, To: []string{who}, At: now,
		Data: encode(Asked{Revision: r.Revision.Number, By: by})})
	r.touch(now, StepShow)
}

// Assign lets a reviewer say whose turn a decision is.
func (s *Service) Assign(ctx context.Context, id, to string, click Click) (*Request, error) {
	return s.askPerson(ctx, id, to, click, func(r *Request, now time.Time) error {
		if r.Assignee == to {
			return errTwice
		}
		return r.Assign(to, click.User, click, now)
	})
}

// SecondOpinion lets a reviewer ask another one to look at the code as well.
func (s *Service) SecondOpinion(ctx context.Context, id, from string, click Click) (*Request, error) {
	return s.askPerson(ctx, id, from, click, func(r *Request, now time.Time) error {
		if slices.Contains(r.Opinions, from) {
			return errTwice
		}
		return r.AskOpinion(from, click.User, click, now)
	})
}

// askPerson checks who asks and who is asked, and then does it.
func (s *Service) askPerson(ctx context.Context, id, who string, click Click, ask func(*Request, time.Time) error) (*Request, error) {
	if _, err := s.mayReview(ctx, id, click); err != nil {
		return nil, s.audited(ctx, Ruling{RequestID: id, Click: click}, true, err)
	}
	was, err := s.Store.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	roster, err := s.rosterFor(ctx, was)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(roster.Deciders(), who) {
		return nil, &InputError{Why: "This person is not a reviewer here, so they could not decide. Please choose one of the reviewers."}
	}
	person, err := s.Slack.Person(ctx, click.Team, who)
	if err != nil {
		return nil, err
	}
	if person.barred() != "" {
		return nil, &InputError{Why: "This person cannot decide: they are a guest, an app, of another workspace, or have left. Please choose somebody else."}
	}
	var seen *Request
	r, err := s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		seen = r
		if r.Team != click.Team {
			return ErrNotFound
		}
		return ask(r, now)
	})
	if errors.Is(err, errTwice) {
		return seen, nil
	}
	return r, err
}

// deciders are the people who may decide on the current revision and have not,
// and the fallback reviewers among them.
func (s *Service) deciders(ctx context.Context, r *Request) (all, fallback []string, err error) {
	roster, err := s.rosterFor(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	for _, who := range roster.Deciders() {
		if who == r.Asker || who == r.Revision.Author || slices.ContainsFunc(r.Decisions, func(d Decision) bool { return d.Reviewer == who }) {
			continue
		}
		all = append(all, who)
		if slices.Contains(roster.Fallback, who) {
			fallback = append(fallback, who)
		}
	}
	return all, fallback, nil
}

// remind says once more that a request waits, when it is time to.
func (s *Service) remind(ctx context.Context, id string) error {
	r, err := s.Store.Request(ctx, id)
	if err != nil || r.State != Pending {
		return err
	}
	all, fallback, err := s.deciders(ctx, r)
	if err != nil {
		return err
	}
	// Whoever is only called when the others do not decide is not called before.
	first := slices.DeleteFunc(slices.Clone(all), func(who string) bool { return slices.Contains(fallback, who) })
	_, err = s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		if r.EscalationDue(now) {
			return r.Escalate(fallback, now)
		}
		if r.ReminderDue(now) {
			return r.Remind(first, now)
		}
		return nil
	})
	return err
}
