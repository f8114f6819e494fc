package steps

import (
	"context"
	"errors"
	"time"

	"countersign/approval"
	"countersign/approval/review"
)

// audited keeps a click that was refused to somebody. It belongs to no verb, so
// losing it to a database that is away loses nothing but this line.
func (s *People) audited(ctx context.Context, ruling Ruling, err error) error {
	var no *approval.NotAllowedError
	if !errors.As(err, &no) {
		return err
	}
	event := approval.Event{At: time.Now().UTC().Truncate(time.Microsecond), Actor: no.Who, Kind: "refused click",
		Data: map[string]any{"verdict": ruling.Verdict, "why": no.Why, "click": ruling.Click}}
	if lost := s.store.Audit(ctx, ruling.RequestID, event); lost != nil {
		s.log.Error("audit a refused click", "request", ruling.RequestID, "error", lost)
	}
	return err
}

// Withdraw takes a request back, by its asker or an administrator.
func (s *Decider) Withdraw(ctx context.Context, id string, click approval.Click) (*approval.Request, error) {
	admin := false
	c, err := s.store.Case(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Request.Team == click.Team && c.Request.Asker != click.User {
		err := s.people.isAdmin(ctx, c.Roster(s.Policy, ""), click.Team, click.User, "Only administrators take back what others asked.")
		if no := new(approval.NotAllowedError); err != nil && !errors.As(err, &no) {
			return nil, err
		}
		admin = err == nil
	}
	r, err := s.store.Act(ctx, c, func(r *approval.Request, now time.Time) error {
		if r.Team != click.Team {
			return approval.ErrNotFound
		}
		if r.Asker != click.User && !admin {
			return &approval.NotAllowedError{Who: click.User, Why: "Only the person who asked, or an administrator, can take a request back."}
		}
		return r.Withdraw(click.User, now)
	})
	if err == nil {
		s.sandbox.Discard(id)
	}
	return r, s.people.audited(ctx, Ruling{RequestID: id, Verdict: "withdraw", Click: click}, err)
}

// Stranger keeps a press by somebody of another workspace, on a button or a modal of
// a request: a message in a shared channel is seen by them, too. It does nothing.
func (s *Decider) Stranger(ctx context.Context, id string, click approval.Click) error {
	if _, err := s.store.Request(ctx, id); err != nil {
		return err
	}
	no := &approval.NotAllowedError{Who: click.User, Why: review.Person{External: true}.Barred()}
	s.people.audited(ctx, Ruling{RequestID: id, Click: click}, no)
	return nil
}
