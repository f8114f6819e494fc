package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/budget"
)

// budgetStream is the audit trail of the limits.
const budgetStream = "budget"

// limitRow is a limit as it is stored; per is its window, whose name SQL has taken.
type limitRow struct {
	Team   string
	Kind   budget.ScopeKind
	ID     string
	Amount budget.USD
	Per    budget.Window
}

func (l limitRow) limit() budget.Limit {
	return budget.Limit{Scope: budget.Scope{Team: l.Team, Kind: l.Kind, ID: l.ID}, Amount: l.Amount, Window: l.Per}
}

// Standings reads budgets as they are now, in lock order: the limits that are
// set for these scopes, and the default one for a user without any.
func (db *DB) Standings(ctx context.Context, scopes []budget.Scope) (standings []budget.Standing, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		now, err := clock(ctx, tx)
		if err != nil {
			return err
		}
		standings, err = db.standings(ctx, tx, scopes, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the budgets: %w", err)
	}
	return standings, nil
}

// standings reads the limits of these scopes and what their windows hold. It is
// only as good as the locks: who decides on it has locked the scopes before.
func (db *DB) standings(ctx context.Context, tx pgx.Tx, scopes []budget.Scope, now time.Time) ([]budget.Standing, error) {
	var standings []budget.Standing
	for _, scope := range inLockOrder(scopes) {
		limit, ok, err := limitOf(ctx, tx, scope)
		if err != nil {
			return nil, err
		}
		if !ok && scope.Kind == budget.User {
			limit, ok = budget.DefaultUserLimit(scope), true
		}
		if !ok {
			continue
		}
		standing, err := db.standing(ctx, tx, limit, now)
		if err != nil {
			return nil, err
		}
		standings = append(standings, standing)
	}
	return standings, nil
}

// limitOf is the limit that somebody has set for a scope, and whether anybody has.
func limitOf(ctx context.Context, tx pgx.Tx, scope budget.Scope) (budget.Limit, bool, error) {
	row, err := one[limitRow](ctx, tx, `SELECT team, kind, id, amount, per FROM limits WHERE team = $1 AND kind = $2 AND id = $3`,
		scope.Team, scope.Kind, scope.ID)
	if errors.Is(err, approval.ErrNotFound) {
		return budget.Limit{}, false, nil
	}
	if err != nil {
		return budget.Limit{}, false, fmt.Errorf("read the limit of %s: %w", scope, err)
	}
	return row.limit(), true, nil
}

// sums adds up a scope's ledger: what was spent in a stretch of time, and what is
// held now. Each sum is a range of one index, so each kind of scope has its own.
var sums = map[budget.ScopeKind]string{
	budget.User: `SELECT
		(SELECT coalesce(sum(amount), 0)::bigint FROM settlements WHERE team = $1 AND asker = $2 AND at >= $3 AND at < $4),
		(SELECT coalesce(sum(amount), 0)::bigint FROM holds WHERE team = $1 AND asker = $2 AND NOT settled)`,
	budget.Session: `SELECT
		(SELECT coalesce(sum(amount), 0)::bigint FROM settlements WHERE team = $1 AND session_id = $2 AND at >= $3 AND at < $4),
		(SELECT coalesce(sum(amount), 0)::bigint FROM holds WHERE team = $1 AND session_id = $2 AND NOT settled)`,
	budget.Project: `SELECT
		(SELECT coalesce(sum(amount), 0)::bigint FROM settlements WHERE team = $1 AND project = $2 AND at >= $3 AND at < $4),
		(SELECT coalesce(sum(amount), 0)::bigint FROM holds WHERE team = $1 AND project = $2 AND NOT settled)`,
	budget.Team: `SELECT
		(SELECT coalesce(sum(amount), 0)::bigint FROM settlements WHERE team = $1 AND $2 = $1 AND at >= $3 AND at < $4),
		(SELECT coalesce(sum(amount), 0)::bigint FROM holds WHERE team = $1 AND $2 = $1 AND NOT settled)`,
}

// endOfTime bounds the window of a limit that has none.
var endOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func (db *DB) standing(ctx context.Context, tx pgx.Tx, limit budget.Limit, now time.Time) (budget.Standing, error) {
	s := budget.Standing{Limit: limit}
	from, until := limit.Window.Range(now, db.location)
	s.ResetsAt = until
	if until.IsZero() {
		until = endOfTime
	}
	query, ok := sums[limit.Scope.Kind]
	if !ok {
		return s, fmt.Errorf("add up %s: there is no such kind of budget", limit.Scope)
	}
	if err := tx.QueryRow(ctx, query, limit.Scope.Team, limit.Scope.ID, from, until).Scan(&s.Spent, &s.Held); err != nil {
		return s, fmt.Errorf("add up %s: %w", limit.Scope, err)
	}
	return s, nil
}

// SetLimit stores a limit, and in the audit trail who set it and what it was before.
func (db *DB) SetLimit(ctx context.Context, actor string, limit budget.Limit) error {
	err := db.write(ctx, func(tx pgx.Tx) error {
		if err := lockScopes(ctx, tx, []budget.Scope{limit.Scope}); err != nil {
			return err
		}
		now, err := clock(ctx, tx)
		if err != nil {
			return err
		}
		before, set, err := limitOf(ctx, tx, limit.Scope)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO limits (team, kind, id, amount, per, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (team, kind, id) DO UPDATE
			SET amount = excluded.amount, per = excluded.per, set_by = excluded.set_by, set_at = excluded.set_at`,
			limit.Scope.Team, limit.Scope.Kind, limit.Scope.ID, limit.Amount, limit.Window, actor, now)
		if err != nil {
			return err
		}
		data := map[string]any{"scope": limit.Scope, "amount": limit.Amount, "window": limit.Window}
		if set {
			data["before"] = map[string]any{"amount": before.Amount, "window": before.Window}
		}
		return appendEvents(ctx, tx, budgetStream, []approval.Event{{At: now, Actor: actor, Kind: "set limit", Data: data}})
	})
	if err != nil {
		return fmt.Errorf("set the limit of %s: %w", limit.Scope, err)
	}
	return nil
}
