package approval

import (
	"context"
	"time"

	"countersign/budget"
)

// Ledger is the part of the Store that knows of money what no single request does.
type Ledger interface {
	// Standings reads budgets as they are now: the limits that are set for these
	// scopes, and the default one for a user without any.
	Standings(ctx context.Context, scopes []budget.Scope) ([]budget.Standing, error)
	// SettleChecks ends in full what the house held for its own tries and nobody has settled in time.
	SettleChecks(ctx context.Context) error
	// SetLimit stores a limit, and in the audit trail who set it and what it was before.
	SetLimit(ctx context.Context, actor string, limit budget.Limit) error
	// RemoveLimit takes a limit away, with the same trail. Where none is set: ErrNotFound.
	RemoveLimit(ctx context.Context, actor string, scope budget.Scope) error
	// Limits are all that are set in a workspace, as they stand.
	Limits(ctx context.Context, team string) ([]budget.Standing, error)
	// LimitChanges is the audit trail of a workspace's limits, oldest first; of one scope, if one is given.
	LimitChanges(ctx context.Context, team string, scope *budget.Scope) ([]Event, error)
	// ThreadScope is the budget of a thread. One that is no session of ours: ErrNotFound.
	ThreadScope(ctx context.Context, team, channel, threadTS string) (budget.Scope, error)
	// Thread is where the thread of a session is. ErrNotFound.
	Thread(ctx context.Context, team, session string) (Session, error)
	// TopUp finds a top-up.
	TopUp(ctx context.Context, id string) (*TopUp, error)
	// TypicalRun is how long the boxes of a workspace's latest runs existed, in the
	// median, and of how many runs.
	TypicalRun(ctx context.Context, team string) (box time.Duration, runs int, err error)
	// Top ranks who or what money was spent on, from a moment until before another.
	Top(ctx context.Context, team string, by Ranking, from, until time.Time) ([]Spender, error)
	// Digest adds a stretch of time up.
	Digest(ctx context.Context, team string, from, until time.Time) (Digest, error)
	// Teams are the workspaces that have asked something, each with when it first did.
	Teams(ctx context.Context) (map[string]time.Time, error)
}
