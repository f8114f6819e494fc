package steps

import (
	"context"
	"errors"
	"slices"
	"time"

	"countersign/approval"
)

// Reminder says whose turn it is.
type Reminder struct {
	store Requests
	slack Persons

	people *People
}

// Assign lets a reviewer say whose turn a decision is.
func (s *Reminder) Assign(ctx context.Context, id, to string, click approval.Click) (*approval.Request, error) {
	return current(func() (*approval.Request, error) {
		return s.askPerson(ctx, id, to, click, func(r *approval.Request, now time.Time) error {
			if r.Assignee == to {
				return errTwice
			}
			return approval.Turn{Request: r}.Assign(to, click.User, click, now)
		})
	})
}

// SecondOpinion lets a reviewer ask another one to look at the code as well.
func (s *Reminder) SecondOpinion(ctx context.Context, id, from string, click approval.Click) (*approval.Request, error) {
	return current(func() (*approval.Request, error) {
		return s.askPerson(ctx, id, from, click, func(r *approval.Request, now time.Time) error {
			if slices.Contains(r.Opinions, from) {
				return errTwice
			}
			return approval.Turn{Request: r}.AskOpinion(from, click.User, click, now)
		})
	})
}

// askPerson checks who asks and who is asked, and then does it.
func (s *Reminder) askPerson(ctx context.Context, id, who string, click approval.Click, ask func(*approval.Request, time.Time) error) (*approval.Request, error) {
	c, _, err := s.people.mayReview(ctx, id, click)
	if err != nil {
		return nil, s.people.audited(ctx, Ruling{RequestID: id, Click: click}, err)
	}
	if !slices.Contains(c.RosterFor(c.Request, s.people.Policy).Deciders(), who) {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyTheyReviewNot)}
	}
	// Looked at now and not by a memory of the last minute: somebody is given work.
	person, err := s.slack.Person(ctx, click.Team, who)
	if err != nil {
		return nil, err
	}
	if !person.Barred().None() {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyTheyAreBarred)}
	}
	var seen *approval.Request
	r, err := s.store.Act(ctx, c, func(r *approval.Request, now time.Time) error {
		seen = r
		return ask(r, now)
	})
	if errors.Is(err, errTwice) {
		return seen, nil
	}
	return r, err
}

// remind says once more that a request waits, when it is time to.
func (s *Reminder) remind(ctx context.Context, id string) error {
	_, err := current(func() (*approval.Request, error) { return s.again(ctx, id) })
	return err
}

// again says the word that is due, to those who could decide by what holds now.
func (s *Reminder) again(ctx context.Context, id string) (*approval.Request, error) {
	c, err := s.store.Case(ctx, id)
	if err != nil || c.Request.State != approval.Pending {
		return nil, err
	}
	r := c.Request
	if turn := (approval.Turn{Request: r}); !turn.EscalationDue(c.Now) && !turn.ReminderDue(c.Now) {
		return nil, nil
	}
	all, fallback := c.Deciders(r, s.people.Policy)
	// Whoever has left decides nothing. Where nobody is left to be told, administrators hear of it.
	left := s.people.barred(ctx, r.Team, all)
	fallback = slices.DeleteFunc(slices.Clone(fallback), left)
	// Whoever is only called when the others do not decide is not called before.
	first := slices.DeleteFunc(slices.Clone(all), func(who string) bool { return left(who) || slices.Contains(fallback, who) })
	return s.store.Act(ctx, c, func(r *approval.Request, now time.Time) error {
		turn := approval.Turn{Request: r}
		// Escalation first: after a long pause both may be due, and the later word says all of the earlier.
		if turn.EscalationDue(now) {
			return turn.Escalate(fallback, now)
		}
		if turn.ReminderDue(now) {
			return turn.Remind(first, now)
		}
		return nil
	})
}
