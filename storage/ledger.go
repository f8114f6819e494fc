package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/budget"
)

// storeMoney writes what was held, what was called and what was settled. It
// locks the scopes that pay first, so that every sum is taken from a ledger that
// stands still. Old holds are settled before new ones are checked: what is
// given back can be held again.
func (db *DB) storeMoney(ctx context.Context, tx pgx.Tx, r *approval.Request) error {
	c := r.Changes
	var now time.Time // when it is weighed
	if len(c.Holds)+len(c.Settlements) > 0 || c.TopUp != nil {
		var err error
		if now, err = lockPayers(ctx, tx, r); err != nil {
			return err
		}
	}
	// A hold may be taken and given back in one move; it has to exist before it can be settled.
	isNew := func(s budget.Settlement) bool {
		return slices.ContainsFunc(c.Holds, func(h budget.Hold) bool { return h.ID == s.HoldID })
	}
	for _, s := range c.Settlements {
		if !isNew(s) {
			if err := insertSettlement(ctx, tx, r, s); err != nil {
				return err
			}
		}
	}
	if err := db.insertHolds(ctx, tx, r, now); err != nil {
		return err
	}
	if len(c.Called) > 0 {
		if _, err := tx.Exec(ctx, `UPDATE holds SET called = true WHERE id = ANY($1) AND NOT called`, c.Called); err != nil {
			return fmt.Errorf("mark holds of %s as called: %w", r.ID, err)
		}
	}
	for _, s := range c.Settlements {
		if isNew(s) {
			if err := insertSettlement(ctx, tx, r, s); err != nil {
				return err
			}
		}
	}
	if err := db.alert(ctx, tx, r, now); err != nil {
		return err
	}
	return db.storeTopUp(ctx, tx, r)
}

// alert notes who is to be told of what was spent just now. The scopes are still
// locked, so that whoever reaches a mark is told apart from whoever comes after.
func (db *DB) alert(ctx context.Context, tx pgx.Tx, r *approval.Request, now time.Time) error {
	var spent budget.USD
	for _, s := range r.Changes.Settlements {
		spent += budget.Total(s.Charges)
	}
	if spent == 0 {
		return nil // what comes back reaches nothing
	}
	standings, err := db.standings(ctx, tx, r.Scopes(), now)
	if err != nil {
		return err
	}
	r.Changes.Notices = append(r.Changes.Notices, approval.Alerts(r, standings, now)...)
	return nil
}

// insertHolds takes the new holds from every budget that applies, or gives a
// *budget.ExceededError.
func (db *DB) insertHolds(ctx context.Context, tx pgx.Tx, r *approval.Request, now time.Time) error {
	holds := r.Changes.Holds
	if len(holds) == 0 {
		return nil
	}
	var needed budget.USD
	for _, h := range holds {
		needed += h.Amount
	}
	standings, err := db.standings(ctx, tx, r.Scopes(), now)
	if err != nil {
		return err
	}
	if err := budget.Check(needed, standings); err != nil {
		if refused := new(budget.ExceededError); errors.As(err, &refused) {
			refused.At = now // a limit that is changed from here on was not weighed
		}
		return err
	}
	for _, h := range holds {
		_, err := tx.Exec(ctx, `
			INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			h.ID, r.ID, r.Team, r.Asker, r.SessionID, r.Project, h.Purpose, h.Amount, micro(h.At), micro(h.ExpiresAt))
		if err != nil {
			return fmt.Errorf("insert hold of %s: %w", r.ID, err)
		}
		r.Weighed(h, standings, now)
	}
	return nil
}

// insertSettlement ends a hold with its bill. That the bill's lines add up, and
// that the hold is closed with it, the schema sees to.
func insertSettlement(ctx context.Context, tx pgx.Tx, r *approval.Request, s budget.Settlement) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO settlements (hold_id, request_id, team, asker, session_id, project, at, amount, estimated)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		s.HoldID, r.ID, r.Team, r.Asker, r.SessionID, r.Project, micro(s.At), budget.Total(s.Charges), s.Estimated)
	if err != nil {
		return fmt.Errorf("settle hold %s of %s: %w", s.HoldID, r.ID, err)
	}
	for i, c := range s.Charges {
		_, err := tx.Exec(ctx, `
			INSERT INTO charges (hold_id, line, kind, what, model, input_tokens, cached_tokens, output_tokens, box_ms, amount)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			s.HoldID, i+1, c.Kind, text(c.What), text(c.Usage.Model), c.Usage.Input, c.Usage.Cached, c.Usage.Output, c.BoxMS, c.Amount)
		if err != nil {
			return fmt.Errorf("charge hold %s of %s: %w", s.HoldID, r.ID, err)
		}
	}
	return nil
}

// lockScopes takes the scopes' rows, in the one order in which everybody does.
// It makes those that are not there, so that two first uses meet as well.
func lockScopes(ctx context.Context, tx pgx.Tx, scopes []budget.Scope) error {
	return sendLocks(ctx, tx, queueLocks(scopes))
}

// lockPayers takes the scopes of a request, and then keeps the roles and their
// limits as they are until the transaction ends: by one of them its asker may spend.
// now is when it had them all: whoever had them before may have spent in a window
// that began while this transaction waited.
func lockPayers(ctx context.Context, tx pgx.Tx, r *approval.Request) (now time.Time, err error) {
	batch := queueLocks(r.Scopes())
	batch.Queue(`SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))`, rolesKey(r.Team))
	batch.Queue(`SELECT clock_timestamp()`).QueryRow(func(row pgx.Row) error { return row.Scan(&now) })
	err = sendLocks(ctx, tx, batch)
	return now, err
}

// rolesKey names the lock of a workspace's roles, of their limits and of who has
// which: whoever changes them takes it alone, and all who spend share it.
func rolesKey(team string) string { return "roles " + team }

func lockRoles(ctx context.Context, tx pgx.Tx, team string) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, rolesKey(team)); err != nil {
		return fmt.Errorf("lock the roles: %w", err)
	}
	return nil
}

func queueLocks(scopes []budget.Scope) *pgx.Batch {
	batch := &pgx.Batch{}
	for _, s := range inLockOrder(scopes) {
		batch.Queue(`INSERT INTO scopes (team, kind, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, s.Team, s.Kind, s.ID)
		batch.Queue(`SELECT FROM scopes WHERE team = $1 AND kind = $2 AND id = $3 FOR UPDATE`, s.Team, s.Kind, s.ID)
	}
	return batch
}

func sendLocks(ctx context.Context, tx pgx.Tx, batch *pgx.Batch) error {
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("lock the budgets: %w", err)
	}
	return nil
}

func inLockOrder(scopes []budget.Scope) []budget.Scope {
	scopes = clone(scopes)
	slices.SortFunc(scopes, func(a, b budget.Scope) int {
		switch {
		case a.Less(b):
			return -1
		case b.Less(a):
			return 1
		}
		return 0
	})
	return slices.Compact(scopes)
}

// StaleHolds lists the holds that nobody has settled in time, the oldest first.
func (db *DB) StaleHolds(ctx context.Context) (holds []budget.Hold, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		rows, err := all[holdRow](ctx, tx, `
			SELECT id, request_id, purpose, amount, at, expires_at, called
			FROM holds WHERE NOT settled AND expires_at <= clock_timestamp() ORDER BY expires_at, id LIMIT 1000`)
		holds = nil
		for _, row := range rows {
			holds = append(holds, row.open().Hold)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list stale holds: %w", err)
	}
	return holds, nil
}
