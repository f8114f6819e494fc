package bot

import (
	"context"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// Money is what people can do about budgets, as approval.Service does it. Who may
// do what is for it to check: every method takes who asks.
type Money interface {
	// Budgets are the ones that pay for a person's questions everywhere.
	Budgets(ctx context.Context, team, user, channel string) ([]budget.Standing, error)
	// Standings are those of some scopes; one without a limit is missing.
	Standings(ctx context.Context, actor string, scopes []budget.Scope) ([]budget.Standing, error)
	// Limits are all that are set.
	Limits(ctx context.Context, team, actor string) ([]budget.Standing, error)
	SetLimit(ctx context.Context, actor string, limit budget.Limit) error
	RemoveLimit(ctx context.Context, actor string, scope budget.Scope) error
	LimitHistory(ctx context.Context, team, actor string, scope *budget.Scope) ([]approval.Event, error)
	Explain(ctx context.Context, team, actor, id string) (*steps.Explanation, error)
	Top(ctx context.Context, team, actor string, by steps.Ranking, from, until time.Time) ([]steps.Spender, error)
	// ThreadStandings are those of a thread, for who may see them in a channel.
	ThreadStandings(ctx context.Context, actor, channel string, scope budget.Scope) ([]budget.Standing, error)
	// ThreadScope is the budget of a thread; Thread is where it is.
	ThreadScope(ctx context.Context, team, channel, ts string) (budget.Scope, error)
	Thread(ctx context.Context, team, session string) (approval.Session, error)
	// Calendar is the team's time zone.
	Calendar() *time.Location

	// Choices are the ways on of a request that a budget has refused.
	Choices(ctx context.Context, id string) (*steps.Choices, error)
	Continue(ctx context.Context, id, model string, click approval.Click) (*approval.Request, error)
	WaitForReset(ctx context.Context, id string, click approval.Click) (*approval.Request, error)
	AskTopUp(ctx context.Context, id string, amount budget.USD, reason string, click approval.Click) (*approval.Request, error)
	// Insist declines the cheaper model that a policy has write.
	Insist(ctx context.Context, id string, click approval.Click) (*approval.Request, error)
	// GrantEnds are the moments until which a top-up can be granted.
	GrantEnds(ctx context.Context, topUp string) ([]steps.GrantEnd, error)
	Grant(ctx context.Context, topUp string, until time.Time, click approval.Click) (*approval.Request, error)
	Decline(ctx context.Context, topUp, reason string, click approval.Click) (*approval.Request, error)
}
