package steps

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"countersign/approval"
	"countersign/budget"
)

// Service is what people and jobs can do to requests. Its methods are the steps
// of a request's life: Ask, Draft, Show, Decide, Run, and the ways out. Each may
// be called again by any replica after any crash.
type Service struct {
	Store   Store
	Writer  Writer
	Sandbox Sandbox // NoSandbox where nothing can run code safely
	Slack   Slack
	Read    func(name string, data []byte) ([]approval.Table, error) // the shape of a data file; *UnreadableError
	Prices  budget.Prices
	Policy  approval.Policy
	Log     *slog.Logger

	Location *time.Location                // on whose calendar budgets run; nil: UTC
	Due      func(now time.Time) time.Time // the latest moment at which a digest was due; nil: there is none

	known acquaintances // who was looked at a moment ago
}

// Do runs one step of one request: what a job calls. Only one replica at a time
// is at a step of a request.
func (s *Service) Do(ctx context.Context, wake Wake) error {
	work := map[approval.Step]func(context.Context, string) error{approval.StepFind: s.Find, approval.StepLook: s.Look, approval.StepDraft: s.Draft, approval.StepRun: s.Run, approval.StepShow: s.Show, approval.StepTell: s.Tell}[wake.Step]
	if work == nil {
		s.Log.Error("a job for an unknown step", "step", wake.Step, "request", wake.RequestID)
		return nil
	}
	return s.Store.Alone(ctx, wake.RequestID, wake.Step, func(ctx context.Context) error {
		return work(ctx, wake.RequestID)
	})
}

// Recent lists what somebody has asked lately.
func (s *Service) Recent(ctx context.Context, team, user string) ([]*approval.Request, error) {
	return s.Store.Recent(ctx, team, user, 10)
}

// Pending lists what waits for reviewers, oldest first.
func (s *Service) Pending(ctx context.Context, team string) ([]*approval.Request, error) {
	return s.Store.Pending(ctx, team, 50)
}

// Models lists what an asker may choose from, the default first.
func (s *Service) Models() []string { return s.Writer.Models() }

// DraftCost is the most that one draft can cost, which is what it is charged when
// nobody knows what it has used.
func (s *Service) DraftCost(model string, now time.Time) (budget.USD, error) {
	return s.draftCost(model, now)
}

// Budgets shows the standings of a person, of the channel that they are in, if
// they are in one, and of the team: what pays for a question that they ask there.
func (s *Service) Budgets(ctx context.Context, team, user, channel string) ([]budget.Standing, error) {
	scopes := []budget.Scope{{Team: team, Kind: budget.User, ID: user}, {Team: team, Kind: budget.Team, ID: team}}
	if channel != "" {
		scopes = append(scopes, budget.Scope{Team: team, Kind: budget.Project, ID: channel})
	}
	return s.Store.Standings(ctx, scopes)
}

// has tells whether somebody's click has been taken before: Slack or a person
// has sent it twice, which is no error.
func has(r *approval.Request, d approval.Decision) bool {
	return slices.ContainsFunc(r.Decisions, func(e approval.Decision) bool {
		return e.Reviewer == d.Reviewer && e.Verdict == d.Verdict && e.Digest == d.Digest &&
			e.Click.ActionTS == d.Click.ActionTS && d.Click.ActionTS != ""
	})
}
