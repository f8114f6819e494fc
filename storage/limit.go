package storage

import (
	"context"
	"errors"
	"fmt"

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
