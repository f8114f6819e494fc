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

// A copy of the database that was put back knows nothing of what was spent since it was made. So every
// workspace of it rests: nothing is held in it, which the schema sees to as well, until an administrator
// has said what that was. It is booked on the workspace's budget, like what the house itself tries.

// Restored begins an epoch: it tells that a copy was put back, and has every workspace rest. What is
// told once is not told again, so whoever crashed on the way goes on where they were. data names
// the last checkpoint that was seen outside.
func (l *Ledger) Restored(ctx context.Context, data map[string]any) error {
	// data is the caller's map: its teams are written again where the transaction is run again.
	err := l.pool.Write(ctx, func(tx pgx.Tx) error {
		// Two replicas that both find the copy begin its epoch once.
		if err := trail.LockStream(ctx, tx, trail.RestoreStream); err != nil {
			return err
		}
		var told bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM events WHERE stream = $1 AND kind = 'restored' AND data::jsonb ->> 'epoch' = $2)`,
			trail.RestoreStream, data["epoch"]).Scan(&told); err != nil || told {
			return err
		}
		now, err := pg.Clock(ctx, tx)
		if err != nil {
			return err
		}
		// All that the copy knows of: a workspace that came after it does not rest.
		rows, err := tx.Query(ctx, `SELECT team FROM scopes UNION SELECT team FROM requests UNION SELECT team FROM rules UNION SELECT team FROM people ORDER BY 1`)
		if err != nil {
			return err
		}
		teams, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		data["teams"] = slices.Concat([]string{}, teams) // an empty list, and not null
		seq, err := l.notary.AppendEvents(ctx, tx, trail.RestoreStream, []approval.Event{{At: now, Actor: "operator", Kind: approval.EventRestored, Data: data}})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO restores (team, told, at) SELECT team, $2, $3 FROM unnest($1::text[]) AS team`, teams, seq, now)
		return err
	})
	return pg.While(err, "begin anew")
}

// restRow is one copy since which a workspace rests: how many signed entries it lost (-1: unknown), and how many requests
// were open in it.
type restRow struct {
	Told int64
	At   time.Time
	Lost int64
	Open int64
}

// saidRow is a copy that was put back, by its event, and what somebody has confirmed of it, with the event of that; Person is empty where nobody has.
type saidRow struct {
	Restored int64
	Person   string
	Spent    budget.USD
	At       time.Time
	trail.Voucher
}

// saidOf lists these rows of a workspace, whose name and a bracket come after it.
const saidOf = `(SELECT coalesce(jsonb_agg(jsonb_build_object('restored', r.told, 'person', k.person, 'spent', k.spent, 'at', k.at,
			'line', event_line(s.stream, s.seq, s.at, s.actor, s.kind, s.data, s.prev_hash), 'key', s.key, 'signature', s.signature)), '[]')
		FROM restores r LEFT JOIN reckonings k ON (k.team, k.restored) = (r.team, r.told) LEFT JOIN events s ON s.stream = 'budget' AND s.seq = k.told WHERE r.team = `

// unsaid are the copies of which no signed event says what was spent since: somebody who only has the database's password ends no rest.
func (till *Till) unsaid(team string, rows []saidRow) (restored []int64) {
	said := map[int64]bool{}
	for _, row := range rows {
		said[row.Restored] = said[row.Restored] || row.Person != "" && !till.doubtsSaid(team, row)
	}
	for _, row := range rows {
		if !said[row.Restored] && !slices.Contains(restored, row.Restored) {
			restored = append(restored, row.Restored)
		}
	}
	return restored
}

// doubtsSaid tells whether no signed event says what a row says was confirmed.
func (till *Till) doubtsSaid(team string, row saidRow) bool {
	return till.notary.Doubts(row.Voucher, fmt.Sprintf("what was spent in %s after the copy of event %d", team, row.Restored), func(e trail.Witnessed) bool {
		return e.Stream == trail.BudgetStream && e.Kind == approval.EventReckoned && e.Actor == row.Person && e.At.Equal(row.At) && e.Fact("scope", "team") == team &&
			e.Says(map[string]string{"restored": strconv.FormatInt(row.Restored, 10), "spent": strconv.FormatInt(int64(row.Spent), 10)})
	})
}

// rests reads since when a workspace rests, the latest first. Until somebody reckons, each further copy that is put back
// adds one.
func (l *Ledger) rests(ctx context.Context, tx pgx.Tx, team string) (list []restRow, err error) {
	said, err := pg.All[struct{ Said []saidRow }](ctx, tx, `SELECT `+saidOf+`$1) AS said`, team)
	if err != nil || len(said[0].Said) == 0 {
		return nil, err
	}
	return pg.All[restRow](ctx, tx, `
		SELECT r.told, r.at, coalesce((e.data::jsonb ->> 'lost')::bigint, 0) AS lost, coalesce((e.data::jsonb ->> 'open')::bigint, 0) AS open
		FROM restores r JOIN events e ON e.stream = 'restores' AND e.seq = r.told
		WHERE r.team = $1 AND r.told = ANY ($2) ORDER BY r.told DESC`, team, l.till.unsaid(team, said[0].Said))
}

// Rest says why a workspace rests; nil where it does not.
func (l *Ledger) Rest(ctx context.Context, team string) (rest *approval.Rest, err error) {
	err = l.pool.Read(ctx, func(tx pgx.Tx) error {
		list, err := l.rests(ctx, tx, team)
		if err != nil || len(list) == 0 {
			return err
		}
		rest = &approval.Rest{At: list[0].At, Lost: list[0].Lost, Ended: list[0].Open}
		return nil
	})
	return rest, pg.While(err, "see whether the workspace rests")
}

// Reckon ends the rest of a workspace: it keeps who has said what was spent, and books it on the workspace's
// budget, whether or not that bears it: the money is gone either way. It says false where nothing rests any more.
func (l *Ledger) Reckon(ctx context.Context, team, person string, spent budget.USD, click approval.Click) (ends bool, err error) {
	err = l.pool.Write(ctx, func(tx pgx.Tx) error {
		if err := LockScopes(ctx, tx, houseScopes(team)); err != nil {
			return err
		}
		list, err := l.rests(ctx, tx, team)
		if err != nil {
			return err
		}
		if ends = len(list) > 0; !ends {
			return nil
		}
		now, err := pg.Clock(ctx, tx)
		if err != nil {
			return err
		}
		for i, row := range list {
			amount := spent
			if i > 0 {
				amount = 0 // two copies in a row: it was spent once
			}
			told, err := l.notary.AppendEvents(ctx, tx, trail.BudgetStream, []approval.Event{{At: now, Actor: person, Kind: approval.EventReckoned,
				Data: map[string]any{"scope": budget.Scope{Team: team, Kind: budget.Team, ID: team}, "restored": row.Told, "spent": amount, "click": click}}})
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO reckonings (team, restored, person, spent, at, told) VALUES ($1, $2, $3, $4, $5, $6)`,
				team, row.Told, person, amount, now, told); err != nil {
				return err
			}
		}
		if spent == 0 {
			return nil
		}
		// A hold and its settlement in one move: budgets add up settlements, so it counts in the window of today like any other.
		id, what := approval.NewID(12), budget.AfterCopy
		if err := l.holdCheck(ctx, tx, id, team, what, spent, []budget.Standing{}, now); err != nil {
			return err
		}
		return l.settleCheck(ctx, tx, id, []budget.Charge{{Kind: budget.Box, What: what, Amount: spent}}, false)
	})
	return ends, pg.While(err, "book what was spent after the copy")
}
