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
// stands still. Old holds are settled before new ones are weighed: what is
// given back can be held again.
//
// Everybody else who pays from these scopes waits meanwhile, so it makes two trips:
// the locks, with what needs no answer; the sums, with the holds. Where the sums
// have no room for the holds, the *budget.ExceededError ends the transaction, and
// nothing was held.
func (db *DB) storeMoney(ctx context.Context, tx pgx.Tx, r *approval.Request) error {
	c := r.Changes
	// A hold may be taken and given back in one move; it has to exist before it can be settled.
	settle := func(batch *pgx.Batch, isNew bool) {
		for _, s := range c.Settlements {
			if isNew == slices.ContainsFunc(c.Holds, func(h budget.Hold) bool { return h.ID == s.HoldID }) {
				queueSettlement(batch, r, s)
			}
		}
	}
	var p payers
	if len(c.Holds)+len(c.Settlements) > 0 || c.TopUp != nil {
		batch := &pgx.Batch{}
		db.queuePayers(batch, r, &p)
		settle(batch, false)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("lock the budgets of %s and settle: %w", r.ID, err)
		}
	}

	var before, after []budget.Standing
	batch := &pgx.Batch{}
	if len(c.Holds) > 0 {
		before = db.queueStandings(batch, r.Scopes(), p.limits, p.now, endOfTime)
	}
	for _, h := range c.Holds {
		if h.RestOf != "" {
			queueRest(batch, r, h)
			continue
		}
		queueHold(batch, r, h)
	}
	if len(c.Called) > 0 {
		batch.Queue(`UPDATE holds SET called = true WHERE id = ANY($1) AND NOT called`, c.Called)
	}
	for _, k := range c.Risks {
		if !slices.ContainsFunc(c.Holds, func(h budget.Hold) bool { return h.ID == k.HoldID && h.RestOf != "" }) { // it begins so
			batch.Queue(`UPDATE holds SET risked = $2, uncertain_at = $3 WHERE id = $1`, k.HoldID, k.Most, moment(k.Since))
		}
	}
	settle(batch, true)
	if spends(c.Settlements) {
		after = db.queueStandings(batch, r.Scopes(), p.limits, p.now, endOfTime)
	}
	if batch.Len() > 0 {
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("write the holds of %s: %w", r.ID, err)
		}
	}
	if err := weigh(r, before, p.now); err != nil {
		return err
	}
	// The scopes are still locked, so that whoever reaches a mark is told apart from
	// whoever comes after.
	r.Changes.Notices = append(r.Changes.Notices, approval.Alerts(r, after, p.now)...)
	return storeTopUp(ctx, tx, r, p)
}

// What a hold takes beside the sums and the limits, which stand with those who read
// them without one. `make bench` has pgbench run the same.
const (
	makeScope        = `INSERT INTO scopes (team, kind, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	takeScope        = `SELECT FROM scopes WHERE team = $1 AND kind = $2 AND id = $3 FOR UPDATE`
	shareRoles       = `SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))`
	tellTime         = `SELECT clock_timestamp()`
	insertSettlement = `
		INSERT INTO settlements (hold_id, request_id, team, asker, session_id, project, at, amount, estimated)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	insertHold = `
		INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
)

// payers is what a request may spend by, read once its scopes are locked.
type payers struct {
	limits map[budget.Scope]budget.Limit
	now    time.Time // when all were locked: whoever had them before may have spent in a window that began meanwhile
}

// weigh says whether the new holds have room in every budget that applies, as they
// stood before.
func weigh(r *approval.Request, standings []budget.Standing, now time.Time) error {
	var needed budget.USD
	fresh := slices.DeleteFunc(slices.Clone(r.Changes.Holds), func(h budget.Hold) bool { return h.RestOf != "" })
	if len(fresh) == 0 {
		return nil // a rest is no new burden: what it is the rest of was held before
	}
	for _, h := range r.Changes.Holds {
		needed += h.Amount
	}
	if err := budget.Check(needed, standings); err != nil {
		if refused := new(budget.ExceededError); errors.As(err, &refused) {
			refused.At = now // a limit that is changed from here on was not weighed
		}
		return err
	}
	for _, h := range fresh {
		r.Money().Weighed(h, standings, now)
	}
	return nil
}

// spends tells whether anything was paid: what comes back reaches no mark.
func spends(settlements []budget.Settlement) bool {
	return slices.ContainsFunc(settlements, func(s budget.Settlement) bool { return budget.Total(s.Charges) != 0 })
}

func queueHold(batch *pgx.Batch, r *approval.Request, h budget.Hold) {
	batch.Queue(insertHold,
		h.ID, r.ID, r.Team, r.Asker, r.SessionID, r.Project, h.Purpose, h.Amount, micro(h.At), micro(h.ExpiresAt))
}

// queueRest takes what stays uncertain of a hold that is settled in the same
// transaction. That it is no more than was left of that one the schema sees to.
func queueRest(batch *pgx.Batch, r *approval.Request, h budget.Hold) {
	batch.Queue(`
		INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at, called, risked, uncertain_at, rest_of)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, true, $8, $11, $12)`,
		h.ID, r.ID, r.Team, r.Asker, r.SessionID, r.Project, h.Purpose, h.Amount, micro(h.At), micro(h.ExpiresAt), micro(since(r, h)), h.RestOf)
}

// since is from when on a rest is uncertain: that it is was noted with what it is the rest of.
func since(r *approval.Request, rest budget.Hold) time.Time {
	for _, k := range r.Changes.Risks {
		if k.HoldID == rest.ID {
			return k.Since
		}
	}
	return rest.At
}

// queueSettlement ends a hold with its bill. That the bill's lines add up, and
// that the hold is closed with it, the schema sees to.
func queueSettlement(batch *pgx.Batch, r *approval.Request, s budget.Settlement) {
	batch.Queue(insertSettlement,
		s.HoldID, r.ID, r.Team, r.Asker, r.SessionID, r.Project, micro(s.At), budget.Total(s.Charges), s.Estimated)
	queueCharges(batch, s)
}

func queueCharges(batch *pgx.Batch, s budget.Settlement) {
	for i, c := range s.Charges {
		batch.Queue(`
			INSERT INTO charges (hold_id, line, kind, what, model, input_tokens, cached_tokens, output_tokens, box_ms, amount)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			s.HoldID, i+1, c.Kind, text(c.What), text(c.Usage.Model), c.Usage.Input, c.Usage.Cached, c.Usage.Output, c.BoxMS, c.Amount)
	}
}

// lockScopes takes the scopes' rows, in the one order in which everybody does.
// It makes those that are not there, so that two first uses meet as well.
func lockScopes(ctx context.Context, tx pgx.Tx, scopes []budget.Scope) error {
	batch := &pgx.Batch{}
	queueLocks(batch, scopes)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("lock the budgets: %w", err)
	}
	return nil
}

// queuePayers takes the scopes of a request, keeps the roles and their limits as
// they are until the transaction ends (by one of them its asker may spend), and
// reads the limits. Each statement sees what was committed when its turn comes, so
// the limits are those that the locks keep.
func (db *DB) queuePayers(batch *pgx.Batch, r *approval.Request, p *payers) {
	queueLocks(batch, r.Scopes())
	batch.Queue(shareRoles, rolesKey(r.Team))
	batch.Queue(tellTime).QueryRow(func(row pgx.Row) error { return row.Scan(&p.now) })
	db.queueLimits(batch, r.Scopes(), nil, &p.limits)
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

func queueLocks(batch *pgx.Batch, scopes []budget.Scope) {
	for _, s := range inLockOrder(scopes) {
		batch.Queue(makeScope, s.Team, s.Kind, s.ID)
		batch.Queue(takeScope, s.Team, s.Kind, s.ID)
	}
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

// StaleHolds lists the holds of requests that nobody has settled in time, and those
// that have been uncertain for too long, the oldest first.
func (db *DB) StaleHolds(ctx context.Context) (holds []budget.Hold, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		rows, err := all[holdRow](ctx, tx, `
			SELECT id, request_id, purpose, amount, at, expires_at, called, risked, uncertain_at, rest_of
			FROM holds WHERE NOT settled AND request_id IS NOT NULL AND expires_at <= clock_timestamp()
				AND (uncertain_at IS NULL OR uncertain_at <= clock_timestamp() - $1::interval)
			ORDER BY coalesce(uncertain_at, expires_at), id LIMIT 1000`, budget.UncertainFor)
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
