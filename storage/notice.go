package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign/approval"
	"countersign/approval/steps"
)

// storeNotices writes what people are to be told, with the jobs that tell them and
// those that there are already. A notice that is there already stays as it is, and is
// looked at again, or, where once is enough, is not even that. there says of some of
// these whether they were a moment ago, which saves a trip; where somebody writes one
// in between, it is looked at twice.
func (db *DB) storeNotices(t *batched, notices []approval.Notice, wakes []steps.Wake, there map[string]bool) error {
	// One order for all: who waits for the same key of somebody else waits in no circle.
	notices = slices.Clone(notices)
	slices.SortStableFunc(notices, func(a, b approval.Notice) int { return strings.Compare(a.Key, b.Key) })
	unknown := false
	for _, n := range notices {
		written := t.Queue(`
			INSERT INTO notices (key, team, kind, recipients, admins, request_id, data, at)
			VALUES ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8) ON CONFLICT (key) DO NOTHING`,
			text(n.Key), n.Team, n.Kind, orEmpty(n.To), n.Admins, n.RequestID, text(string(n.Data)), micro(n.At))
		wake := steps.Wake{Step: approval.StepTell, RequestID: text(n.Key)}
		was, known := there[text(n.Key)]
		if !n.Once || known {
			if !was {
				wakes = append(wakes, wake)
			}
			continue
		}
		unknown = true
		written.Exec(func(tag pgconn.CommandTag) error {
			if tag.RowsAffected() > 0 {
				wakes = append(wakes, wake)
			}
			return nil
		})
	}
	if unknown || t.tx == nil { // River needs a transaction that has begun
		if err := t.send(); err != nil {
			return err
		}
	}
	return db.jobs.insert(t.ctx, t.tx, wakes...)
}

// Notify stores a notice that belongs to no verb.
func (db *DB) Notify(ctx context.Context, n approval.Notice) error {
	return db.batched(ctx, pgx.TxOptions{}, false, func(t *batched) error { return db.storeNotices(t, []approval.Notice{n}, nil, nil) })
}

type noticeRow struct {
	Key        string
	Team       string
	Kind       approval.NoticeKind
	Recipients []string
	Admins     bool
	RequestID  string
	Data       json.RawMessage
	At         time.Time
	Held       bool
	Digest     string
}

type noticePostRow struct {
	Key       string
	Recipient string
	Channel   string
	TS        string `db:"ts"`
	Shown     string
	BegunAt   time.Time
}

// Notice loads a notice, and where it stands by recipient.
func (db *DB) Notice(ctx context.Context, key string) (n *approval.Notice, posts map[string]steps.NoticePost, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		row, err := one[noticeRow](ctx, tx, `
			SELECT key, team, kind, recipients, admins, coalesce(request_id, '') AS request_id, data, at, held, coalesce(digest, '') AS digest FROM notices WHERE key = $1`, key)
		if err != nil {
			return err
		}
		n = &approval.Notice{Key: row.Key, Team: row.Team, Kind: row.Kind, To: orNil(row.Recipients), Admins: row.Admins,
			RequestID: row.RequestID, Data: row.Data, At: row.At, Held: row.Held, Digest: row.Digest}
		rows, err := all[noticePostRow](ctx, tx, `SELECT key, recipient, channel, ts, shown, begun_at FROM notice_posts WHERE key = $1`, key)
		posts = map[string]steps.NoticePost{}
		for _, p := range rows {
			posts[p.Recipient] = steps.NoticePost{Key: p.Key, Recipient: p.Recipient, Channel: p.Channel, TS: p.TS, Shown: p.Shown, Begun: p.BegunAt}
		}
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("notice %q: %w", key, err)
	}
	return n, posts, nil
}

// NoticePosted records that sending a notice to somebody has begun, or where the message
// is.
func (db *DB) NoticePosted(ctx context.Context, p steps.NoticePost) error {
	err := db.writeByKey(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO notice_posts (key, recipient, channel, ts, shown, begun_at) VALUES ($1, $2, $3, $4, $5, clock_timestamp())
			ON CONFLICT (key, recipient) DO UPDATE SET channel = excluded.channel, ts = excluded.ts, shown = excluded.shown`,
			p.Key, p.Recipient, p.Channel, p.TS, p.Shown)
		return err
	})
	if err != nil {
		return fmt.Errorf("remember the notice %q: %w", p.Key, err)
	}
	return nil
}

// NoticeTold records that everybody who should have the notice has it.
func (db *DB) NoticeTold(ctx context.Context, key string) error {
	err := db.writeByKey(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE notices SET told_at = coalesce(told_at, clock_timestamp()) WHERE key = $1`, key)
		return err
	})
	if err != nil {
		return fmt.Errorf("end the notice %q: %w", key, err)
	}
	return nil
}

// Receipts is what was approved in whose name, and what people are told of it once a day.
type Receipts struct{ db *DB }

// ReceiptsOf are those in a database.
func ReceiptsOf(db *DB) Receipts { return Receipts{db} }

// FirstApproval tells whether somebody had approved nothing in a channel before.
func (r Receipts) FirstApproval(ctx context.Context, team, project, who string, before time.Time) (first bool, err error) {
	err = r.db.read(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			SELECT NOT EXISTS (SELECT FROM decisions d JOIN requests r ON r.id = d.request_id
				WHERE d.reviewer = $3 AND d.at < $4 AND d.verdict = 'approve' AND r.team = $1 AND r.project = $2)`,
			team, project, who, micro(before)).Scan(&first)
	})
	if err != nil {
		return false, fmt.Errorf("look for an earlier approval of %s: %w", who, err)
	}
	return first, nil
}

// Hold has a notice wait for the digest of its day. Until then nothing more is to be
// done about it.
func (r Receipts) Hold(ctx context.Context, key string) error {
	err := r.db.writeByKey(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE notices SET held = true, told_at = coalesce(told_at, clock_timestamp()) WHERE key = $1`, key)
		return err
	})
	if err != nil {
		return fmt.Errorf("hold the notice %q: %w", key, err)
	}
	return nil
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
		waiting, err := all[row](ctx, tx, `
			SELECT key, team, recipients[1] AS who, request_id, (data ->> 'revision')::integer AS revision, at
			FROM notices WHERE held AND digest IS NULL AND at < $1 ORDER BY at, key FOR UPDATE`, micro(before))
		if err != nil || len(waiting) == 0 {
			return err
		}
		type person struct{ team, who string }
		var people []person
		of := map[person][]row{}
		for _, w := range waiting {
			p := person{w.Team, w.Who}
			if of[p] == nil {
				people = append(people, p)
			}
			of[p] = append(of[p], w)
		}
		var wakes []steps.Wake
		for _, p := range people {
			digest := text(fmt.Sprintf("%s %s %s %s", approval.NoticeReceipts, p.team, p.who, name))
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
			if made.RowsAffected() == 0 {
				continue
			}
			if _, err := tx.Exec(ctx, `UPDATE notices SET digest = $1 WHERE key = ANY ($2)`, digest, keys); err != nil {
				return err
			}
			wakes = append(wakes, steps.Wake{Step: approval.StepTell, RequestID: digest})
		}
		return r.db.jobs.insert(ctx, tx, wakes...)
	})
	if err != nil {
		return fmt.Errorf("gather receipts: %w", err)
	}
	return nil
}

// Given lists what was approved in somebody's name and has not started, newest first.
func (r Receipts) Given(ctx context.Context, team, who string, limit int) ([]*approval.Request, error) {
	list, err := r.db.requests(ctx, `
		SELECT r.id FROM requests r JOIN decisions d ON d.request_id = r.id AND d.revision = r.revision
		WHERE r.team = $1 AND r.state IN ('pending', 'approved') AND d.verdict = 'approve' AND $2 IN (d.reviewer, d.voice)
		ORDER BY d.at DESC, r.id LIMIT $3`, team, who, limit)
	if err != nil {
		return nil, fmt.Errorf("list what %s has approved: %w", who, err)
	}
	return list, nil
}
