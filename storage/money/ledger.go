// Package money is where holds are weighed against budgets and written, with what settles
// them, where limits stand, and where both are added up. budget/hold.go makes holds.
//
// Whoever spends locks the scopes of its budgets in the order of budget.Scope.Less, then the
// roles of its workspace, which it shares, and reads what is left only then: no sum changes
// under a decision. A question is weighed before that (ahead.go): its hold and its commit go in one
// trip, so that the budgets of a workspace are locked no longer than the server takes, and the schema
// refuses the hold where it may not fit any more; then all begins anew, locks first. What was spent and what is held is kept added up by the schema, in the
// transaction that spends or holds, so that a budget costs the same to read however long its
// ledger is (standing.go); TestProveMoney holds the sums against the ledger.
package money

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/budget"
	"countersign/storage/pg"
)

// AddMoney locks the scopes that pay, so that every sum is taken from a ledger that
// stands still, settles the old holds, so that what is given back can be held again,
// and adds up what is left for the new ones.
func (till *Till) AddMoney(b *pgx.Batch, r *approval.Request, now time.Time) *reckoning {
	c := r.Changes
	if len(c.Holds)+len(c.Settlements) == 0 && c.TopUp == nil {
		return &reckoning{}
	}
	// Scopes before roles, as in Ledger.change: two transactions that took them the other way round could
	// each wait for the other. The lock of the roles is shared, so those who spend do not wait for one another by it.
	AddLocks(b, r.Scopes())
	b.Queue(pg.ShareLock, RolesKey(r.Team))
	addSettlements(b, r, false)
	if len(newHolds(r)) == 0 && !Spends(c.Settlements) && c.TopUp == nil {
		return &reckoning{} // what is only given back is weighed against nothing
	}
	return till.AddReckoning(b, OfScopes(r.Scopes()), now, EndOfTime)
}

// newHolds are the holds that burden budgets anew. A rest is none: what it is the rest of was held before.
func newHolds(r *approval.Request) []budget.Hold {
	return slices.DeleteFunc(slices.Clone(r.Changes.Holds), func(h budget.Hold) bool { return h.RestOf != "" })
}

// After is how the budgets of a move stand once AddHolds has written. They are locked and were added up after the old holds were
// settled, so what is new since is what the move itself holds. Where it settles something of that, too, they are added up once more.
func (till *Till) After(t *pg.Tx, r *approval.Request, k *reckoning) ([]budget.Standing, error) {
	c := r.Changes
	if slices.ContainsFunc(c.Settlements, func(s budget.Settlement) bool {
		return slices.ContainsFunc(c.Holds, func(h budget.Hold) bool { return h.ID == s.HoldID })
	}) {
		k = till.AddReckoning(t.Batch, OfScopes(r.Scopes()), k.Now, EndOfTime)
		if err := t.Send(); err != nil {
			return nil, err
		}
		return till.Standing(t, k, r.Scopes())
	}
	standings, err := till.Standing(t, k, r.Scopes())
	for i := range standings {
		for _, h := range c.Holds {
			standings[i].Held += h.Amount
		}
	}
	return standings, err
}

// Weigh says whether the new holds have room in every budget that applies, as they
// stand. What only goes on with money that ends here has room: it is no new burden.
// Where one has none, the *budget.ExceededError ends the transaction, and nothing was
// held.
func (till *Till) Weigh(t *pg.Tx, r *approval.Request, k *reckoning) error {
	fresh := newHolds(r)
	if len(fresh) == 0 {
		return nil
	}
	standings, err := till.Standing(t, k, r.Scopes())
	if err != nil {
		return err
	}
	var needed budget.USD
	for _, h := range r.Changes.Holds {
		// Rests count as well: a budget has to bear what is new beside what stays uncertain.
		needed += h.Amount
	}
	// Where all of it was held before, the trail says how the budgets stand, and none is asked.
	if err := budget.Check(needed, standings); err != nil && len(fresh) > len(r.Changes.Carried) {
		if refused, ok := errors.AsType[*budget.ExceededError](err); ok {
			refused.At = k.Now // a limit that is changed from here on was not weighed
		}
		return err
	}
	for _, h := range fresh {
		r.Money().Weighed(h, standings, k.Now)
	}
	return nil
}

// AddHolds writes the new holds, what was called, and the settlements of those that
// were taken and given back in one move.
func AddHolds(b *pgx.Batch, r *approval.Request) {
	c := r.Changes
	for _, h := range c.Holds {
		if h.RestOf != "" {
			addRest(b, r, h)
			continue
		}
		addHold(b, r, h)
	}
	if len(c.Called) > 0 {
		b.Queue(`UPDATE holds SET called = true WHERE id = ANY($1) AND NOT called`, c.Called)
	}
	for _, k := range c.Risks {
		if !slices.ContainsFunc(c.Holds, func(h budget.Hold) bool { return h.ID == k.HoldID && h.RestOf != "" }) { // it begins so
			b.Queue(`UPDATE holds SET risked = $2, uncertain_at = $3 WHERE id = $1`, k.HoldID, k.Most, pg.Moment(k.Since))
		}
	}
	addSettlements(b, r, true)
}

// addSettlements ends holds: those of before, or those of this very move, which have
// to exist before they can be settled.
func addSettlements(b *pgx.Batch, r *approval.Request, fresh bool) {
	for _, s := range r.Changes.Settlements {
		if fresh == slices.ContainsFunc(r.Changes.Holds, func(h budget.Hold) bool { return h.ID == s.HoldID }) {
			addSettlement(b, r, s)
		}
	}
}

// What a hold takes beside the sums and the limits, which stand with those who read
// them without one. `make bench` has pgbench run the same.
const (
	// Those that are there are locked and not changed, those that are not are made, in the order of the lists.
	// DO NOTHING would lock none of them; an update that is carried out would write each row anew for every hold.
	TakeScopes = `
		INSERT INTO scopes (team, kind, id) SELECT w.team, w.kind, w.id FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS w (team, kind, id, place) ORDER BY place
		ON CONFLICT (team, kind, id) DO UPDATE SET id = excluded.id WHERE false`
	InsertSettlement = `
		INSERT INTO settlements (hold_id, request_id, team, asker, session_id, project, at, amount, estimated, usage_of)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, nullif($10, '')::date)`
	InsertHold = `
		INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
)

// ComesLast tells whether a move may write all else before it locks the budgets: the schema asks for its money
// to be settled first where it goes back to its asker, and a top-up has limits to look at.
func ComesLast(r *approval.Request) bool {
	c := r.Changes
	return len(c.Holds)+len(c.Settlements) > 0 && c.TopUp == nil && r.State != approval.Asking
}

// Spends tells whether anything was paid: what comes back reaches no mark.
func Spends(settlements []budget.Settlement) bool {
	return slices.ContainsFunc(settlements, func(s budget.Settlement) bool { return budget.Total(s.Charges) != 0 })
}

// addHold queues a hold. In which budgets it counts follows from its team, person, thread and channel.
func addHold(batch *pgx.Batch, r *approval.Request, h budget.Hold) {
	batch.Queue(InsertHold,
		h.ID, r.ID, r.Team, r.Asker, r.SessionID, r.Project, h.Purpose, h.Amount, pg.Micro(h.At), pg.Micro(h.ExpiresAt))
}

// addRest takes what stays uncertain of a hold that is settled in the same
// transaction. That it is no more than was left of that one the schema sees to, which
// looks for the settlement: so settlements of old holds are sent first (AddMoney).
func addRest(batch *pgx.Batch, r *approval.Request, h budget.Hold) {
	batch.Queue(`
		INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at, called, risked, uncertain_at, rest_of)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, true, $8, $11, $12)`,
		h.ID, r.ID, r.Team, r.Asker, r.SessionID, r.Project, h.Purpose, h.Amount, pg.Micro(h.At), pg.Micro(h.ExpiresAt), pg.Micro(since(r, h)), h.RestOf)
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

// addSettlement ends a hold with its bill. That the bill's lines add up, and
// that the hold is closed with it, the schema sees to.
func addSettlement(batch *pgx.Batch, r *approval.Request, s budget.Settlement) {
	batch.Queue(InsertSettlement,
		s.HoldID, r.ID, r.Team, r.Asker, r.SessionID, r.Project, pg.Micro(s.At), budget.Total(s.Charges), s.Estimated, s.UsageOf)
	addCharges(batch, s)
}

// addCharges queues the lines of a bill, numbered in the order in which they were charged.
func addCharges(batch *pgx.Batch, s budget.Settlement) {
	for i, c := range s.Charges {
		batch.Queue(`
			INSERT INTO charges (hold_id, line, kind, what, model, input_tokens, cached_tokens, written_tokens, output_tokens, box_ms, amount, provider, host, vcpu, memory_mb)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
			s.HoldID, i+1, c.Kind, pg.Text(c.What), pg.Text(c.Usage.Model), c.Usage.Input, c.Usage.Cached, c.Usage.Written, c.Usage.Output, c.BoxMS, c.Amount, c.Provider, c.Host, c.VCPU, c.MemoryMB)
	}
}

// LockScopes takes the scopes' rows, in the one order in which everybody does.
// It makes those that are not there, so that two first uses meet as well.
func LockScopes(ctx context.Context, tx pgx.Tx, scopes []budget.Scope) error {
	batch := &pgx.Batch{}
	AddLocks(batch, scopes)
	return pg.While(tx.SendBatch(ctx, batch).Close(), "lock the budgets")
}

// RolesKey names the lock of a workspace's roles, of their limits and of who has
// which: whoever changes them takes it alone, and all who spend share it, because by
// one of them the asker may spend. Each statement sees what was committed when its
// turn comes, so the limits that are read next are those that the locks keep.
func RolesKey(team string) string { return "roles " + team }

// LockRoles takes that lock alone, to change roles or their limits. Whoever takes it has the scopes already.
func LockRoles(ctx context.Context, tx pgx.Tx, team string) error {
	if _, err := tx.Exec(ctx, pg.TakeLock, RolesKey(team)); err != nil {
		return fmt.Errorf("lock the roles: %w", err)
	}
	return nil
}

// AddLocks is LockScopes as a part of a batch, which asks nothing back: all of them in one statement, however
// many budgets apply.
func AddLocks(batch *pgx.Batch, scopes []budget.Scope) {
	if len(scopes) == 0 {
		return
	}
	var columns [3][]string
	for _, s := range InLockOrder(scopes) {
		columns[0], columns[1], columns[2] = append(columns[0], s.Team), append(columns[1], string(s.Kind)), append(columns[2], s.ID)
	}
	batch.Queue(TakeScopes, columns[0], columns[1], columns[2])
}

// InLockOrder is the one order in which everybody locks, and each scope once: two who spend in the same
// budgets then wait for one another in a line, and never in a circle.
func InLockOrder(scopes []budget.Scope) []budget.Scope {
	scopes = slices.Clone(scopes)
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

// StaleHolds lists the holds that nobody settled in time, and those that were uncertain
// for too long, the oldest first.
func (l *Ledger) StaleHolds(ctx context.Context) (holds []budget.Hold, err error) {
	err = l.pool.Read(ctx, func(tx pgx.Tx) error {
		rows, err := pg.All[holdRow](ctx, tx, `
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
	return holds, pg.While(err, "list stale holds")
}

// holdRow is a hold as it is stored. UncertainAt and RestOf are empty for most.
type holdRow struct {
	ID        string
	RequestID string
	Purpose   budget.Purpose
	Amount    budget.USD
	At        time.Time
	ExpiresAt time.Time
	Called    bool

	Risked      budget.USD
	UncertainAt *time.Time
	RestOf      *string
}

// open is the row as the core knows it.
func (h holdRow) open() budget.OpenHold {
	return budget.OpenHold{Called: h.Called, Risked: h.Risked, UncertainAt: pg.OrZero(h.UncertainAt), Hold: budget.Hold{ID: h.ID, RequestID: h.RequestID,
		Purpose: h.Purpose, Amount: h.Amount, At: h.At, ExpiresAt: h.ExpiresAt, RestOf: pg.OrZero(h.RestOf)}}
}

// AddOpen reads the open holds of a request, the oldest first.
func AddOpen(b *pgx.Batch, requestID string, take func(budget.OpenHold)) {
	pg.Ask(b, func(rows []holdRow) error {
		for _, row := range rows {
			take(row.open())
		}
		return nil
	}, `
		SELECT id, request_id, purpose, amount, at, expires_at, called, risked, uncertain_at, rest_of
		FROM holds WHERE request_id = $1 AND NOT settled ORDER BY at, id`, requestID)
}
