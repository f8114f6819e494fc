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
	return s.askPerson(ctx, id, to, click, func(r *approval.Request, now time.Time) error {
		if r.Assignee == to {
			return errTwice
		}
		return r.Assign(to, click.User, click, now)
	})
}

// SecondOpinion lets a reviewer ask another one to look at the code as well.
func (s *Reminder) SecondOpinion(ctx context.Context, id, from string, click approval.Click) (*approval.Request, error) {
	return s.askPerson(ctx, id, from, click, func(r *approval.Request, now time.Time) error {
		if slices.Contains(r.Opinions, from) {
			return errTwice
		}
		return r.AskOpinion(from, click.User, click, now)
	})
}

// askPerson checks who asks and who is asked, and then does it.
func (s *Reminder) askPerson(ctx context.Context, id, who string, click approval.Click, ask func(*approval.Request, time.Time) error) (*approval.Request, error) {
	if _, err := s.people.mayReview(ctx, id, click); err != nil {
		return nil, s.people.audited(ctx, Ruling{RequestID: id, Click: click}, err)
	}
	was, err := s.store.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	roster, err := s.people.rosterFor(ctx, was)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(roster.Deciders(), who) {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyTheyReviewNot)}
	}
	person, err := s.slack.Person(ctx, click.Team, who)
	if err != nil {
		return nil, err
	}
	if !person.Barred().None() {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyTheyAreBarred)}
	}
	var seen *approval.Request
	r, err := s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		seen = r
		if r.Team != click.Team {
			return approval.ErrNotFound
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
func (s *People) deciders(ctx context.Context, r *approval.Request) (all, fallback []string, err error) {
	roster, err := s.rosterFor(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	for _, who := range roster.Deciders() {
		if who == r.Asker || who == r.Revision.Author || slices.ContainsFunc(r.Decisions, func(d approval.Decision) bool { return d.Reviewer == who }) {
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
func (s *Reminder) remind(ctx context.Context, id string) error {
	r, err := s.store.Request(ctx, id)
	if err != nil || r.State != approval.Pending {
		return err
	}
	all, fallback, err := s.people.deciders(ctx, r)
	if err != nil {
		return err
	}
	// Whoever is only called when the others do not decide is not called before.
	first := slices.DeleteFunc(slices.Clone(all), func(who string) bool { return slices.Contains(fallback, who) })
	_, err = s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
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
