package storage

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/budget"
	"countersign/storage/pg"
)

// Boxes are those that the cloud has had, by its own lists.
type Boxes struct{ DB *DB }

// Listed remembers a list: what the cloud has at a moment of its own clock, by the ids of boxes, with when each
// began. A box that an earlier list had and this one has not is gone. Any number of replicas may tell of theirs, in any order.
// What is 40 days old is forgotten: the ledger was held against it long since.
func (b Boxes) Listed(ctx context.Context, at time.Time, began map[string]time.Time) error {
	ids, since := []string{}, []time.Time{}
	// Both lists go in by one statement, so that what a list lacks and what it has are seen as of one moment.
	for id, begin := range began {
		if begin.After(at) { // its clock tells seconds where a box has more digits
			begin = at
		}
		ids, since = append(ids, id), append(since, begin)
	}
	// Three deeds in one statement: boxes that this list lacks are gone, what is old is forgotten, and the rest is seen.
	// The order by box keeps two replicas that tell of the same boxes from waiting for each other in a circle. A list that
	// comes late changes nothing that a later one has said: seen_at only grows.
	err := pg.Exec(ctx, b.DB.core.writeByKey, `
		WITH gone AS (UPDATE listed_boxes SET gone_at = $3 WHERE gone_at IS NULL AND seen_at <= $3 AND box <> ALL ($1)),
			old AS (DELETE FROM listed_boxes WHERE began_at < $3::timestamptz - interval '40 days' AND box <> ALL ($1))
		INSERT INTO listed_boxes AS l (box, began_at, seen_at) SELECT box, began_at, $3 FROM unnest($1::text[], $2::timestamptz[]) AS n (box, began_at) ORDER BY box
		ON CONFLICT (box) DO UPDATE SET seen_at = greatest(l.seen_at, EXCLUDED.seen_at), gone_at = CASE WHEN l.gone_at > EXCLUDED.seen_at THEN l.gone_at END`,
		ids, since, at)
	return pg.While(err, "remember which boxes the cloud has")
}

// Began are the boxes that began in a span of time, the end of it left out.
func (b Boxes) Began(ctx context.Context, from, until time.Time) (list []budget.ListedBox, err error) {
	list, err = pg.List[budget.ListedBox](ctx, b.DB.core.read, `
		SELECT box, began_at AS began, seen_at AS seen, gone_at AS gone FROM listed_boxes WHERE began_at >= $1 AND began_at < $2 ORDER BY began_at, box`, from, until)
	return list, pg.While(err, "read which boxes the cloud had")
}

// ordersBox tells that a move holds money for a box that is to wait for reviewers.
func ordersBox(c *approval.Changes) bool {
	return slices.ContainsFunc(c.Holds, func(h budget.Hold) bool {
		return h.Purpose == budget.ForReady && !slices.ContainsFunc(c.Settlements, func(s budget.Settlement) bool { return s.HoldID == h.ID })
	})
}

// addWaiting refuses a box too many. Those that order one follow one another by a lock that nobody else takes, and take it
// before the budgets, so that each counts those before it.
func (s *requests) addWaiting(b *pgx.Batch) {
	b.Queue(pg.TakeLock, "boxes that wait for reviewers")
	// Counted over all workspaces: the cloud bounds boxes for the account, which is the installation's.
	b.Queue(`SELECT count(*) FROM holds WHERE purpose = 'ready' AND NOT settled`).QueryRow(func(row pgx.Row) error {
		var waiting int
		if err := row.Scan(&waiting); err != nil || waiting < s.maxReady {
			return err
		}
		return approval.ErrEnoughReady
	})
}
