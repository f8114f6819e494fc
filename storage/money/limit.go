package money

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/budget"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// limitRow is a limit as it is stored, of a scope that may have none; per is its
// window, whose name SQL has taken.
type limitRow struct {
	trail.Voucher
	Team      string
	Kind      budget.ScopeKind
	ID        string
	Amount    *budget.USD
	Per       *budget.Window
	Policy    *budget.LimitPolicy
	OnTop     []onTopRow // what has been granted on top
	Spelled   *string    // the policy, as the database spells it
	Rests     []saidRow  // of a workspace: the copies that were put back, and who has confirmed what was spent since
	Told      *int64     // the event that tells of it
	Authority int64      // of a workspace: the version of its people and rules
	Named     []namedRow // the roles that a person was named for in Slack; none of what is no person
}

// namedRow is a role that a person was named for, with the event of it.
type namedRow struct {
	Role, Project, By string
	At                time.Time
	trail.Voucher
}

// onTopRow is a top-up that was granted, with the event that tells of it.
type onTopRow struct {
	ID, Request, By string
	Amount          budget.USD
	At, Until       time.Time
	trail.Voucher
}

func (l limitRow) scope() budget.Scope { return budget.Scope{Team: l.Team, Kind: l.Kind, ID: l.ID} }

func (l limitRow) limit() budget.Limit {
	return budget.Limit{Scope: l.scope(), Amount: *l.Amount, Window: *l.Per, Policy: *l.Policy}
}

// Standings reads budgets as they are now, in lock order: the limits that are
// set for these scopes, and the default one for a user without any.
func (l *Ledger) Standings(ctx context.Context, scopes []budget.Scope) ([]budget.Standing, error) {
	var uncertain map[budget.Scope]budget.USD
	list, err := l.till.Reckoned(ctx, OfScopes(scopes), func() []budget.Scope { return scopes }, func(b *pgx.Batch) { AddUncertain(b, OfScopes(scopes), &uncertain) })
	if err != nil {
		return nil, fmt.Errorf("read the budgets: %w", err)
	}
	return WithUncertain(list, uncertain), nil
}

// change locks what a limit is about and runs the work with what it was before. The
// work's event goes into the budgets' audit trail, and then the row is written that it
// tells of: the schema refuses the row without its event.
func (l *Ledger) change(ctx context.Context, scope budget.Scope, work func(before *budget.Limit) (approval.Event, error), write func(tx pgx.Tx, now time.Time, told int64) error) error {
	return trail.ByAuditor(l.pool.Write(ctx, func(tx pgx.Tx) error {
		if err := LockScopes(ctx, tx, []budget.Scope{scope}); err != nil {
			return err
		}
		// A role's limit is the limit of everybody who has none: all who spend share this lock (RolesKey).
		if scope.Kind == budget.Role {
			if err := LockRoles(ctx, tx, scope.Team); err != nil {
				return err
			}
		}
		// After the locks: a clock that was read before them could be earlier than the event of whoever held them.
		now, err := pg.Clock(ctx, tx)
		if err != nil {
			return err
		}
		limits, err := l.till.limitsOf(ctx, tx, []budget.Scope{scope}, now)
		if err != nil {
			return err
		}
		var before *budget.Limit
		// limitsOf believes signed rows alone, so a limit that somebody has forged is no "before" either.
		// A default is in no row: nobody has set it, so there is no "before" to tell.
		if had, ok := limits[scope]; ok && !had.Default {
			before = &had
		}
		event, err := work(before)
		if err != nil {
			return err
		}
		event.At = now
		told, err := l.notary.AppendEvents(ctx, tx, trail.BudgetStream, []approval.Event{event})
		if err != nil {
			return err
		}
		return write(tx, now, told)
	}))
}

// SetLimit stores a limit, and in the audit trail who set it and what it was before.
func (l *Ledger) SetLimit(ctx context.Context, actor string, limit budget.Limit) error {
	policy, err := pg.Document(limit.Policy, "{}")
	if err == nil {
		err = l.change(ctx, limit.Scope, func(before *budget.Limit) (approval.Event, error) {
			data := told(limit)
			data["scope"] = limit.Scope
			if before != nil {
				data["before"] = told(*before)
			}
			return approval.Event{Actor: actor, Kind: approval.EventSetLimit, Data: data}, nil
		}, func(tx pgx.Tx, now time.Time, told int64) error {
			_, err := tx.Exec(ctx, `
				INSERT INTO limits (team, kind, id, amount, per, policy, set_by, set_at, told) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
				ON CONFLICT (team, kind, id) DO UPDATE SET amount = excluded.amount, per = excluded.per, policy = excluded.policy,
					set_by = excluded.set_by, set_at = excluded.set_at, told = excluded.told`,
				limit.Scope.Team, limit.Scope.Kind, limit.Scope.ID, limit.Amount, limit.Window, policy, actor, now, told)
			return err
		})
	}
	return pg.While(err, "set the limit of %s", limit.Scope)
}

// RemoveLimit takes a limit away, and says in the audit trail who did and what it was.
func (l *Ledger) RemoveLimit(ctx context.Context, actor string, scope budget.Scope) error {
	err := l.change(ctx, scope, func(before *budget.Limit) (approval.Event, error) {
		if before == nil {
			return approval.Event{}, approval.ErrNotFound
		}
		return approval.Event{Actor: actor, Kind: approval.EventRemovedLimit, Data: map[string]any{"scope": scope, "before": told(*before)}}, nil
	}, func(tx pgx.Tx, now time.Time, told int64) error {
		// The row stays without an amount, so that it still names the event that took it away.
		_, err := tx.Exec(ctx, `UPDATE limits SET amount = NULL, set_by = $4, set_at = $5, told = $6 WHERE team = $1 AND kind = $2 AND id = $3`,
			scope.Team, scope.Kind, scope.ID, actor, now, told)
		return err
	})
	return pg.While(err, "remove the limit of %s", scope)
}

// told is a limit as the audit trail has it, without its scope. What is not set is left out: events are kept for good, and a
// policy of zeros would say nothing.
func told(l budget.Limit) map[string]any {
	data := map[string]any{"amount": l.Amount, "window": l.Window}
	if l.Policy.Soft != 0 || len(l.Policy.Warn) > 0 || l.Policy.Ready != 0 || l.Policy.Consequences() {
		data["policy"] = l.Policy
	}
	if l.Extra != 0 {
		data["extra"] = l.Extra
	}
	return data
}

// Limits are all that are set in a workspace, as they stand, in lock order.
func (l *Ledger) Limits(ctx context.Context, team string) (standings []budget.Standing, err error) {
	err = l.pool.Batched(ctx, pg.ReadOnly, true, func(t *pg.Tx) error {
		var scopes []budget.Scope
		var uncertain map[budget.Scope]budget.USD
		// Two trips: which windows are added up depends on which limits there are.
		pg.Ask(t.Batch, func(rows []budget.Scope) error { scopes = rows; return nil }, `SELECT team, kind, id FROM limits WHERE team = $1`, team)
		if err := t.Send(); err != nil {
			return err
		}
		k := l.till.AddReckoning(t.Batch, OfScopes(scopes), time.Now(), EndOfTime)
		AddUncertain(t.Batch, OfScopes(scopes), &uncertain)
		if err := t.Send(); err != nil {
			return err
		}
		// What is uncertain is added last: it stands beside the sums, which Standing may read anew.
		standings, err = l.till.Standing(t, k, scopes)
		// Those that were taken away are asked about as well: one that was without a signed event holds at nothing, and an
		// administrator has to see what refuses people. Of the others there is the usual limit, which nobody has set.
		standings = slices.DeleteFunc(WithUncertain(standings, uncertain), func(s budget.Standing) bool { return s.Limit.Default })
		return err
	})
	return standings, pg.While(err, "list the budgets")
}

// LimitChanges is the audit trail of a workspace's limits, oldest first; of one scope, where one is given.
func (l *Ledger) LimitChanges(ctx context.Context, team string, scope *budget.Scope) (events []approval.Event, err error) {
	kind, id := "", ""
	if scope != nil {
		kind, id = string(scope.Kind), scope.ID
	}
	rows, err := pg.List[trail.Row](ctx, l.pool.Read, `
		SELECT `+trail.EventColumns+` FROM events
		WHERE stream = $1 AND data::jsonb -> 'scope' ->> 'team' = $2
			AND ($3 = '' OR data::jsonb -> 'scope' ->> 'kind' = $3 AND data::jsonb -> 'scope' ->> 'id' = $4)
		ORDER BY seq`, trail.BudgetStream, team, kind, id)
	if err == nil {
		events, err = trail.Read(rows, nil)
	}
	return events, pg.While(err, "read the history of the budgets")
}

// doubtsLimit tells whether no signed event says of a limit what its row says: then it counts as nothing (applying), since
// somebody who only has the database's password could have raised it, or taken it away.
func (till *Till) doubtsLimit(l limitRow) bool {
	return till.notary.Doubts(l.Voucher, "the limit of "+l.scope().String(), func(e trail.Witnessed) bool {
		scope, _ := e.Data["scope"].(map[string]any)
		in := trail.Witnessed{Data: scope}
		if e.Stream != trail.BudgetStream || !in.Says(map[string]string{"team": l.Team, "kind": string(l.Kind), "id": l.ID}) {
			return false
		}
		if l.Amount == nil {
			return e.Kind == approval.EventRemovedLimit
		}
		policy := e.Data["policy"]
		if policy == nil { // none was set, so the row has none: one that lets boxes wait would spend
			policy = map[string]any{}
		}
		return e.Kind == approval.EventSetLimit && e.Says(map[string]string{"amount": strconv.FormatInt(int64(*l.Amount), 10), "window": string(*l.Per)}) &&
			trail.SameJSON(policy, pg.OrZero(l.Spelled))
	})
}

// named is the role by whose limit somebody spends who has none: of those that a signed event tells of, the highest; empty where there is none.
func (till *Till) named(l limitRow) (role string) {
	for _, n := range l.Named {
		doubts := till.notary.Doubts(n.Voucher, "that "+l.ID+" is "+n.Role, func(e trail.Witnessed) bool {
			return e.Stream == trail.PeopleStream(l.Team) && e.Kind == approval.EventNamed && e.Actor == n.By && e.At.Equal(n.At) &&
				e.Says(map[string]string{"person": l.ID, "role": n.Role, "channel": n.Project})
		})
		switch {
		case doubts:
		case n.Role == "administrator":
			return budget.Admins
		default:
			role = budget.Reviewers
		}
	}
	return role
}

// doubtsTopUp is the same for what is granted on top. One that nobody signed is left out of the sum.
func (till *Till) doubtsTopUp(t onTopRow) bool {
	return till.notary.Doubts(t.Voucher, "top-up "+t.ID, func(e trail.Witnessed) bool {
		return e.Stream == trail.StreamOf(t.Request) && e.Kind == approval.EventGrantedTopUp && e.Actor == t.By && e.At.Equal(t.At) &&
			e.Says(map[string]string{"topup": t.ID, "amount": strconv.FormatInt(int64(t.Amount), 10)})
	})
}
