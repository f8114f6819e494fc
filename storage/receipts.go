package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/storage/pg"
)

// Receipts is what was approved in whose name, and what people are told of it once a day.
type Receipts struct{ db *core }

// ReceiptsOf are those in a database.
func ReceiptsOf(db *DB) Receipts { return Receipts{db.core} }

// FirstApproval tells whether somebody had approved nothing before in the channel of a request.
func (r Receipts) FirstApproval(ctx context.Context, requestID, who string, before time.Time) (first bool, err error) {
	err = r.db.read(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			SELECT NOT EXISTS (SELECT FROM decisions d JOIN requests r ON r.id = d.request_id JOIN requests q ON q.id = $1 AND (r.team, r.project) = (q.team, q.project)
				WHERE d.reviewer = $2 AND d.at < $3 AND d.verdict = 'approve')`,
			requestID, who, pg.Micro(before)).Scan(&first)
	})
	return first, pg.While(err, "look for an earlier approval of %s", who)
}

// Hold has a notice wait for the digest of its day. Until then nothing more is to be
// done about it.
func (r Receipts) Hold(ctx context.Context, key string) error {
	// Held and told at once: a sweep tells whatever is not told (storage/queue/stuck.go). The schema lets a receipt be held
	// alone (notices_held), and one that is in a digest go into no other (notices_told_once).
	err := pg.Exec(ctx, r.db.writeByKey, `UPDATE notices SET held = true, told_at = coalesce(told_at, clock_timestamp()) WHERE key = $1`, key)
	return pg.While(err, "hold the notice %q", key)
}

// Gather makes a digest of this name for everybody with receipts from before that are
// in none. The rows are locked in one order: a replica that comes second waits, and finds
// that they are in a digest. What comes too late for the digest of this name waits for the next.
func (r Receipts) Gather(ctx context.Context, before time.Time, name string) error {
	type row struct {
		Key       string
		Team      string
		Who       string
		RequestID string
		Revision  int
		At        time.Time
	}
	err := r.db.writeByKey(ctx, func(tx pgx.Tx) error {
		waiting, err := pg.All[row](ctx, tx, `
			SELECT key, team, recipients[1] AS who, request_id, (data ->> 'revision')::integer AS revision, at
			FROM notices WHERE held AND digest IS NULL AND at < $1 ORDER BY at, key FOR UPDATE`, pg.Micro(before))
		if err != nil || len(waiting) == 0 {
			return err
		}
		type person struct{ team, who string }
		var people []person
		of := map[person][]row{}
		for _, w := range waiting {
			p := person{w.Team, w.Who}
			if of[p] == nil {
				// In the order in which they come first, so that two replicas lock and write in the same one.
				people = append(people, p)
			}
			of[p] = append(of[p], w)
		}
		var wakes []steps.Wake
		for _, p := range people {
			// The key names the day and the person, so of two replicas that gather the same day one makes the notice.
			digest := pg.Text(fmt.Sprintf("%s %s %s %s", approval.NoticeReceipts, p.team, p.who, name))
			var said approval.Receipts
			var keys []string
			for _, w := range of[p] {
				said.Given = append(said.Given, approval.Receipt{RequestID: w.RequestID, Revision: w.Revision, At: w.At.UTC()})
				keys = append(keys, w.Key)
			}
			made, err := tx.Exec(ctx, `
				INSERT INTO notices (key, team, kind, recipients, admins, data, at) VALUES ($1, $2, $3, $4, false, $5, clock_timestamp())
				ON CONFLICT (key) DO NOTHING`, digest, p.team, approval.NoticeReceipts, []string{p.who}, string(approval.Encode(said)))
			if err != nil {
				return err
			}
			// The digest of that name is there already, and people may have read it.
			// Its receipts stay held, and wait for the next digest.
			if made.RowsAffected() == 0 {
				continue
			}
			if _, err := tx.Exec(ctx, `UPDATE notices SET digest = $1 WHERE key = ANY ($2)`, digest, keys); err != nil {
				return err
			}
			wakes = append(wakes, steps.Wake{Step: approval.StepTell, RequestID: digest})
		}
		// The jobs go in with the rows: a digest that is written is told, whoever dies.
		return r.db.jobs.Insert(ctx, tx, wakes...)
	})
	return pg.While(err, "gather receipts")
}

// Given lists what was approved in somebody's name and has not started, newest first.
func (r Receipts) Given(ctx context.Context, team, who string, limit int) ([]*approval.Request, error) {
	list, err := r.db.load(ctx, `
		WITH since AS (SELECT least((SELECT min(created_at) FROM requests WHERE state = 'pending'), (SELECT min(created_at) FROM requests WHERE state = 'approved')) AS at), -- nobody decides on what has not been asked
			given AS MATERIALIZED (SELECT request_id, revision, at FROM decisions WHERE reviewer = $2 AND verdict = 'approve' AND at >= (SELECT at FROM since)
				UNION SELECT request_id, revision, at FROM decisions WHERE in_place_of = $2 AND verdict = 'approve' AND at >= (SELECT at FROM since))
		SELECT r.id FROM given d JOIN requests r ON r.id = d.request_id AND r.revision = d.revision
		WHERE r.team = $1 AND r.state IN ('pending', 'approved')
		ORDER BY d.at DESC, r.id LIMIT $3`, team, who, limit)
	return list, pg.While(err, "list what %s has approved", who)
}
