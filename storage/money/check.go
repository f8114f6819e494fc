package money

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/budget"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// house is who pays and where when nobody has asked: the workspace's budget bears
// it, and reports show it under this name.
const house = approval.System

// CheckLife is longer than any try of the house takes: after it, whoever held is taken for dead (SettleChecks).
const CheckLife = 15 * time.Minute

// houseScopes are those that a check burdens, in lock order.
func houseScopes(team string) []budget.Scope {
	return InLockOrder([]budget.Scope{{Team: team, Kind: budget.User, ID: house}, {Team: team, Kind: budget.Session, ID: house},
		{Team: team, Kind: budget.Project, ID: house}, {Team: team, Kind: budget.Team, ID: team}})
}

// HoldCheck holds money of a workspace's budget for a try of our own, such as the box of
// a self-test, before the try begins. It returns a *budget.ExceededError when the budget
// has no room.
//
// It locks the house's scopes like any spender, but weighs the workspace's budget alone: nobody sets one for the house.
func (l *Ledger) HoldCheck(ctx context.Context, team, what string, most budget.USD) (id string, err error) {
	// Made here and not in the database: the caller can settle it also where the answer to this was lost.
	id = approval.NewID(12)
	err = l.pool.Write(ctx, func(tx pgx.Tx) error {
		if err := LockScopes(ctx, tx, houseScopes(team)); err != nil {
			return err
		}
		now, err := pg.Clock(ctx, tx)
		if err != nil {
			return err
		}
		standings, err := l.till.standingsUntil(ctx, tx, []budget.Scope{{Team: team, Kind: budget.Team, ID: team}}, now, EndOfTime)
		if err != nil {
			return err
		}
		if err := budget.Check(most, standings); err != nil {
			return err
		}
		return l.holdCheck(ctx, tx, id, team, what, most, standings, now)
	})
	return id, pg.While(err, "hold %s for %s", most, what)
}

// holdCheck writes the hold and its event without asking whether it fits: what an administrator confirms after a copy was
// put back has been spent already (Reckon). called is true from the start: a try that dies may have cost something.
func (l *Ledger) holdCheck(ctx context.Context, tx pgx.Tx, id, team, what string, most budget.USD, standings []budget.Standing, now time.Time) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO holds (id, team, asker, session_id, project, purpose, amount, at, expires_at, called)
		VALUES ($1, $2, $3, $3, $3, 'check', $4, $5, $6, true)`, id, team, house, most, now, now.Add(CheckLife))
	if err != nil {
		return err
	}
	_, err = l.notary.AppendEvents(ctx, tx, trail.CheckStream, []approval.Event{{At: now, Actor: house, Kind: approval.EventHeld,
		Data: map[string]any{"hold": id, "team": team, "what": what, "amount": most, "standings": standings}}})
	return err
}

// SettleCheck ends such a hold with the cost of the try, and never charges more than was
// held. To settle one twice does nothing.
func (l *Ledger) SettleCheck(ctx context.Context, id string, charges ...budget.Charge) error {
	err := l.pool.Write(ctx, func(tx pgx.Tx) error { return l.settleCheck(ctx, tx, id, charges, false) })
	return pg.While(err, "settle check %s", id)
}

// SettleChecks charges in full the holds of tries that died before they could settle.
// Their boxes lived no longer than was held for.
func (l *Ledger) SettleChecks(ctx context.Context) error {
	// A hundred at a time: the sweep comes again.
	stale, err := pg.List[struct{ ID string }](ctx, l.pool.Read, `
		SELECT id FROM holds WHERE NOT settled AND request_id IS NULL AND expires_at <= clock_timestamp() ORDER BY id LIMIT 100`)
	faults := []error{err}
	for _, row := range stale {
		// Each by itself: budgets are locked before the stream of checks, so whoever had settled one would wait for the budgets of
		// another workspace while its holder waits for the stream.
		faults = append(faults, l.pool.Write(ctx, func(tx pgx.Tx) error { return l.settleCheck(ctx, tx, row.ID, nil, true) }))
	}
	return pg.While(errors.Join(faults...), "settle stale checks")
}

// settleCheck settles under the locks of those who pay. full charges the whole hold, as estimated.
func (l *Ledger) settleCheck(ctx context.Context, tx pgx.Tx, id string, charges []budget.Charge, full bool) error {
	var team string
	// A box is what such a hold is for, also where it was for a call: only the line of a bill that nobody knows is named by it.
	h := budget.Hold{ID: id, Purpose: budget.ForRun}
	err := tx.QueryRow(ctx, `SELECT team, amount FROM holds WHERE id = $1 AND request_id IS NULL`, id).Scan(&team, &h.Amount)
	if err != nil {
		return pg.NotFound(err)
	}
	if err := LockScopes(ctx, tx, houseScopes(team)); err != nil {
		return err
	}
	var settled bool // by somebody who had the locks before
	if err := tx.QueryRow(ctx, `SELECT settled FROM holds WHERE id = $1`, id).Scan(&settled); err != nil || settled {
		return err
	}
	now, err := pg.Clock(ctx, tx)
	if err != nil {
		return err
	}
	s := budget.Settlement{HoldID: id, At: now, Charges: charges}
	if full {
		s = h.InFull(now, "check")
	}
	// Never more than was held, like any settlement: a box that was slow to end costs the house, and no budget.
	s, _ = s.Within(h.Amount)
	batch := &pgx.Batch{}
	batch.Queue(InsertSettlement, id, nil, team, house, house, house, pg.Micro(now), budget.Total(s.Charges), s.Estimated, s.UsageOf)
	addCharges(batch, s)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	_, err = l.notary.AppendEvents(ctx, tx, trail.CheckStream, []approval.Event{{At: now, Actor: house, Kind: approval.EventSettled,
		Data: map[string]any{"hold": id, "team": team, "held": h.Amount, "spent": budget.Total(s.Charges), "estimated": s.Estimated}}})
	return err
}

// Uncertain is money that is held for a call of which nobody knows what it has cost.
type Uncertain struct {
	Team      string
	RequestID string
	Asker     string
	Project   string
	Model     string
	Since     time.Time
	Until     time.Time // when it is charged in full, unless its cost is known before
	Amount    budget.USD
}

// Uncertain lists all of it, the oldest first.
func (l *Ledger) Uncertain(ctx context.Context) (list []Uncertain, err error) {
	list, err = pg.List[Uncertain](ctx, l.pool.Read, `
		SELECT h.team, h.request_id, h.asker, h.project, r.model, h.uncertain_at AS since, h.uncertain_at + $1::interval AS until, h.amount
		FROM holds h JOIN requests r ON r.id = h.request_id
		WHERE h.uncertain_at IS NOT NULL AND NOT h.settled ORDER BY h.uncertain_at, h.id`, budget.UncertainFor)
	return list, pg.While(err, "list what is uncertain")
}

// UnknownCalls lists the calls of models of which nobody was told the cost: those that are held for, and those that were
// charged in full in the last eight days, which is longer than any day is looked at. The latter are known to be settled, and
// are listed because their provider's usage has them, too: without them it would seem to be of another call.
// A call is clear where budget.UnknownCall.Clear says so; one that is not still counts as unknown on its day.
func (l *Ledger) UnknownCalls(ctx context.Context) (list []budget.UnknownCall, err error) {
	list, err = pg.List[budget.UnknownCall](ctx, l.pool.Read, `
		SELECT h.request_id, h.id AS hold_id, coalesce(h.uncertain_at, h.ended) AS since, h.risked AS most, c.provider, c.host, c.model, c.first, c.last,
			c.names = 1 AND r.state <> 'drafting' AND NOT c.boxed AND NOT h.settled AS clear
		FROM (SELECT o.*, o.at AS ended FROM holds o WHERE o.uncertain_at IS NOT NULL AND NOT o.settled
			UNION ALL SELECT o.*, s.at FROM settlements s JOIN holds o ON o.id = s.hold_id WHERE s.estimated AND s.at > clock_timestamp() - interval '8 days') AS h
		JOIN requests r ON r.id = h.request_id CROSS JOIN LATERAL (
			SELECT coalesce(min(d ->> 'provider') FILTER (WHERE its), '') AS provider, coalesce(min(d ->> 'host') FILTER (WHERE its), '') AS host,
				coalesce(min(d ->> 'model') FILTER (WHERE its), '') AS model,
				coalesce(min(at) FILTER (WHERE its), h.at) AS first, coalesce(max(at) FILTER (WHERE its), h.at) AS last,
				count(DISTINCT (d ->> 'provider', d ->> 'host', d ->> 'model')) FILTER (WHERE its) AS names,
				coalesce(bool_or(d -> 'provider' IS NULL AND d ->> 'hold' IN (h.id, h.rest_of)), false) AS boxed
			FROM (SELECT e.data::jsonb AS d, e.at, e.data::jsonb ->> 'provider' <> '' AND (e.data::jsonb -> 'for' IS NOT NULL) = (h.purpose = 'summary') AS its
				FROM events e WHERE e.stream = 'request:' || h.request_id AND e.kind = 'called') AS calls) AS c
		WHERE h.purpose IN ('draft', 'summary') ORDER BY 3, h.id`)
	return list, pg.While(err, "list calls whose cost is unknown")
}

// AddUncertain reads how much of what is held in some scopes is uncertain, into a map that is there once the batch was sent.
func AddUncertain(b *pgx.Batch, of Whose, into *map[budget.Scope]budget.USD) {
	type row struct {
		Team   string
		Kind   budget.ScopeKind
		ID     string
		Amount budget.USD
	}
	pg.Ask(b, func(rows []row) error {
		*into = map[budget.Scope]budget.USD{}
		for _, r := range rows {
			(*into)[budget.Scope{Team: r.Team, Kind: r.Kind, ID: r.ID}] = r.Amount
		}
		return nil
	}, fmt.Sprintf(`
		SELECT w.team, w.kind, w.id, sum(h.amount)::bigint AS amount FROM %s, unnest(teams, kinds, ids) AS w (team, kind, id)
		JOIN holds h ON h.uncertain_at IS NOT NULL AND NOT h.settled AND h.team = w.team
			AND w.id = CASE w.kind WHEN 'user' THEN h.asker WHEN 'session' THEN h.session_id WHEN 'project' THEN h.project WHEN 'team' THEN h.team END
		GROUP BY 1, 2, 3`, of.From(1)), of.args...)
}

// WithUncertain notes in standings what AddUncertain has read: it stands beside the sums, since no decision rests on it.
func WithUncertain(list []budget.Standing, amounts map[budget.Scope]budget.USD) []budget.Standing {
	for i := range list {
		list[i].Uncertain = amounts[list[i].Limit.Scope]
	}
	return list
}
