package approval

import (
	"context"
	"log/slog"

	"countersign/budget"
)

// Service is what people and jobs can do to requests. Its methods are the steps
// of a request's life: Ask, Draft, Show, Decide, Run, and the ways out. Each may
// be called again by any replica after any crash.
type Service struct {
	Store   Store
	Writer  Writer
	Sandbox Sandbox // nil where nothing can run code safely; then nothing is asked, drafted or run
	NoBox   string  // why there is no sandbox and what to do about it, for people
	Slack   Slack
	Read    func(name string, data []byte) ([]Table, error) // the shape of a data file; *UnreadableError
	Prices  budget.Prices
	Policy  Policy
	Log     *slog.Logger
}

// Question is what somebody asks, as Slack delivers it.
type Question struct {
	Team     string
	Project  string // the channel
	Asker    string
	Text     string
	Model    string // empty for the default
	Files    []File // by Slack's id, name and size
	ThreadTS string // of the thread that it was asked in; empty for a new one
	Trigger  string // what Slack calls this delivery, the same in every repetition
}

// Ask takes a question. It has committed when it returns.
func (s *Service) Ask(ctx context.Context, q Question) (*Request, error) { panic("not yet") }

// Ruling is a reviewer's click.
type Ruling struct {
	RequestID string
	Revision  int
	Digest    string // of what the reviewer saw
	Verdict   Verdict
	Reason    string
	Click     Click
}

// Decide takes a reviewer's verdict. It has committed when it returns.
func (s *Service) Decide(ctx context.Context, ruling Ruling) (*Request, error) { panic("not yet") }

// MayDecide says whether this person could decide on this revision now, without
// deciding: for the modal that asks for a reason. The error is the one that
// Decide would give.
func (s *Service) MayDecide(ctx context.Context, ruling Ruling) (*Request, error) { panic("not yet") }

// Withdraw takes a request back, by its asker or an administrator.
func (s *Service) Withdraw(ctx context.Context, id string, click Click) (*Request, error) {
	panic("not yet")
}

// Recent lists what somebody has asked lately.
func (s *Service) Recent(ctx context.Context, team, user string) ([]*Request, error) {
	return s.Store.Recent(ctx, team, user, 10)
}

// Budgets shows the standings of a person and of the team.
func (s *Service) Budgets(ctx context.Context, team, user string) ([]budget.Standing, error) {
	return s.Store.Standings(ctx, []budget.Scope{
		{Team: team, Kind: budget.User, ID: user},
		{Team: team, Kind: budget.Team, ID: team},
	})
}

// SetLimit changes a budget. Only administrators may: *NotAllowedError.
func (s *Service) SetLimit(ctx context.Context, actor string, limit budget.Limit) error {
	panic("not yet")
}

// Do runs one step of one request: what a job calls.
func (s *Service) Do(ctx context.Context, wake Wake) error { panic("not yet") }

// Sweep catches up with whatever was missed: what a schedule calls.
func (s *Service) Sweep(ctx context.Context) error { panic("not yet") }
