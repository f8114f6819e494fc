package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

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
	for id, begin := range began {
		if begin.After(at) { // its clock tells seconds where a box has more digits
			begin = at
		}
		ids, since = append(ids, id), append(since, begin)
	}
	err := b.DB.core.writeByKey(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			WITH gone AS (UPDATE listed_boxes SET gone_at = $3 WHERE gone_at IS NULL AND seen_at <= $3 AND box <> ALL ($1)),
				old AS (DELETE FROM listed_boxes WHERE began_at < $3::timestamptz - interval '40 days' AND box <> ALL ($1))
			INSERT INTO listed_boxes AS l (box, began_at, seen_at) SELECT box, began_at, $3 FROM unnest($1::text[], $2::timestamptz[]) AS n (box, began_at) ORDER BY box
			ON CONFLICT (box) DO UPDATE SET seen_at = greatest(l.seen_at, EXCLUDED.seen_at), gone_at = CASE WHEN l.gone_at > EXCLUDED.seen_at THEN l.gone_at END`,
			ids, since, at)
		return err
	})
	if err != nil {
		return fmt.Errorf("remember which boxes the cloud has: %w", err)
	}
	return nil
}

// Began are the boxes that began in a span of time, the end of it left out.
func (b Boxes) Began(ctx context.Context, from, until time.Time) (list []budget.ListedBox, err error) {
	err = b.DB.core.read(ctx, func(tx pgx.Tx) error {
		list, err = pg.All[budget.ListedBox](ctx, tx, `
			SELECT box, began_at AS began, seen_at AS seen, gone_at AS gone FROM listed_boxes WHERE began_at >= $1 AND began_at < $2 ORDER BY began_at, box`, from, until)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read which boxes the cloud had: %w", err)
	}
	return list, nil
}
