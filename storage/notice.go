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
			SELECT key, team, kind, recipients, admins, coalesce(request_id, '') AS request_id, data, at FROM notices WHERE key = $1`, key)
		if err != nil {
			return err
		}
		n = &approval.Notice{Key: row.Key, Team: row.Team, Kind: row.Kind, To: orNil(row.Recipients), Admins: row.Admins,
			RequestID: row.RequestID, Data: row.Data, At: row.At}
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
