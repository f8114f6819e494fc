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
	"countersign/storage/pg"
)

// storeNotices writes what people are to be told, with the jobs that tell them and
// those that there are already. A notice that is there already stays as it is, and is
// looked at again, or, where once is enough, is not even that. there says of some of
// these whether they were a moment ago, which saves a trip; where somebody writes one
// in between, it is looked at twice.
func (c *core) storeNotices(t *pg.Tx, notices []approval.Notice, wakes []steps.Wake, there map[string]bool) error {
	// One order for all: who waits for the same key of somebody else waits in no circle.
	notices = slices.Clone(notices)
	slices.SortStableFunc(notices, func(a, b approval.Notice) int { return strings.Compare(a.Key, b.Key) })
	unknown := false
	for _, n := range notices {
		written := t.Queue(`
			INSERT INTO notices (key, team, kind, recipients, admins, request_id, data, at)
			VALUES ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8) ON CONFLICT (key) DO NOTHING`,
			pg.Text(n.Key), n.Team, n.Kind, pg.OrEmpty(n.To), n.Admins, n.RequestID, pg.Text(string(n.Data)), pg.Micro(n.At))
		wake := steps.Wake{Step: approval.StepTell, RequestID: pg.Text(n.Key)}
		// Keys are cut to what Postgres can store, here as in the row: else a key with a NUL would never be known again.
		was, known := there[pg.Text(n.Key)]
		// Known from the trip before, or told again anyway: no answer has to be waited for.
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
	// Whether a row was written decides whether a job goes in, so here one more trip has to be made.
	if unknown {
		if err := t.Send(); err != nil {
			return err
		}
	}
	return c.jobs.Queue(t, wakes...)
}

// Notify stores a notice that belongs to no verb.
func (ns *notices) Notify(ctx context.Context, n approval.Notice) error {
	return ns.batched(ctx, pgx.TxOptions{}, false, func(t *pg.Tx) error { return ns.storeNotices(t, []approval.Notice{n}, nil, nil) })
}

// noticeRow is a notice as it is stored: what it says, and to whom.
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

// noticePostRow is where a notice stands for one recipient. Its begin comes before its place: a message may
// be in Slack of which no answer has arrived.
type noticePostRow struct {
	Key       string
	Recipient string
	Channel   string
	TS        string `db:"ts"`
	Shown     string
	BegunAt   time.Time
}

// Notice loads a notice, and where it stands by recipient.
func (ns *notices) Notice(ctx context.Context, key string) (n *approval.Notice, posts map[string]steps.NoticePost, err error) {
	err = ns.look(ctx, func(b *pgx.Batch) {
		pg.Ask(b, func(rows []noticeRow) error {
			if len(rows) == 0 {
				return approval.ErrNotFound
			}
			row := rows[0]
			n = &approval.Notice{Key: row.Key, Team: row.Team, Kind: row.Kind, To: pg.OrNil(row.Recipients), Admins: row.Admins,
				RequestID: row.RequestID, Data: row.Data, At: row.At, Held: row.Held, Digest: row.Digest}
			return nil
		}, `SELECT key, team, kind, recipients, admins, coalesce(request_id, '') AS request_id, data, at, held, coalesce(digest, '') AS digest FROM notices WHERE key = $1`, key)
		pg.Ask(b, func(rows []noticePostRow) error {
			posts = map[string]steps.NoticePost{}
			for _, p := range rows {
				posts[p.Recipient] = steps.NoticePost{Key: p.Key, Recipient: p.Recipient, Channel: p.Channel, TS: p.TS, Shown: p.Shown, Begun: p.BegunAt}
			}
			return nil
		}, `SELECT key, recipient, channel, ts, shown, begun_at FROM notice_posts WHERE key = $1`, key)
	})
	return n, posts, pg.While(err, "notice %q", key)
}

// NoticePosted records that sending a notice to somebody has begun, or where the message
// is.
func (ns *notices) NoticePosted(ctx context.Context, p steps.NoticePost) error {
	err := ns.batched(ctx, pgx.TxOptions{}, true, func(t *pg.Tx) error {
		// The beginning stays the first one: begun_at tells since when a message may stand in Slack that nobody knows of.
		t.Queue(`
			INSERT INTO notice_posts (key, recipient, channel, ts, shown, begun_at) VALUES ($1, $2, $3, $4, $5, clock_timestamp())
			ON CONFLICT (key, recipient) DO UPDATE SET channel = excluded.channel, ts = excluded.ts, shown = excluded.shown`,
			p.Key, p.Recipient, p.Channel, p.TS, p.Shown)
		return nil
	})
	return pg.While(err, "remember the notice %q", p.Key)
}

// NoticeTold records that everybody who should have the notice has it.
func (ns *notices) NoticeTold(ctx context.Context, key string) error {
	err := ns.batched(ctx, pgx.TxOptions{}, true, func(t *pg.Tx) error {
		// The first time counts, so that a notice that is drawn anew does not look as if it had come later.
		t.Queue(`UPDATE notices SET told_at = coalesce(told_at, clock_timestamp()) WHERE key = $1`, key)
		return nil
	})
	return pg.While(err, "end the notice %q", key)
}

// Copies are those of the log's checkpoints in Slack.
type Copies struct{ DB *DB }

// Channels are where copies go, by workspace.
func (c Copies) Channels(ctx context.Context) (channels map[string]string, err error) {
	var teams []string
	err = c.DB.read(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT DISTINCT team FROM rules WHERE project = '' AND document ? 'log_channel'`)
		if err != nil {
			return err
		}
		teams, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list where checkpoints are kept: %w", err)
	}
	// The query only says who may have one. Which rules hold is said by those that are signed.
	channels = map[string]string{}
	for _, team := range teams {
		set, err := c.DB.Rules(ctx, team, "")
		if err != nil {
			return nil, err
		}
		if set.Rules.LogChannel != "" {
			channels[team] = set.Rules.LogChannel
		}
	}
	return channels, nil
}

// Copied says how far the copies of checkpoints in a channel reach.
func (c Copies) Copied(ctx context.Context, team, channel string) (reach steps.Copies, err error) {
	err = c.DB.read(ctx, func(tx pgx.Tx) error {
		row, err := pg.One[struct {
			Begun  int64
			Number int64
			At     *time.Time
			Waits  *time.Time
		}](ctx, tx, `
			WITH sent AS (
				SELECT (n.data ->> 'number')::bigint AS number, n.recipients = ARRAY[$2::text] AS here, n.at, p.ts
				FROM notices n LEFT JOIN notice_posts p ON p.key = n.key AND p.ts <> ''
				WHERE n.kind = 'checkpoint' AND n.team = $1 AND (n.data ->> 'number')::bigint IS NOT NULL ORDER BY 1 DESC LIMIT 500)
			SELECT coalesce(max(number), 0) AS begun, coalesce(max(number) FILTER (WHERE here AND ts IS NOT NULL), 0) AS number,
				(SELECT to_timestamp(ts::double precision) FROM sent WHERE here AND ts IS NOT NULL ORDER BY number DESC LIMIT 1) AS at,
				min(at) FILTER (WHERE here AND ts IS NULL AND at > clock_timestamp() - interval '2 days') AS waits
			FROM sent`, team, channel)
		if err != nil {
			return err
		}
		reach = steps.Copies{Begun: row.Begun, Number: row.Number}
		if row.At != nil {
			reach.At = *row.At
		}
		if row.Waits != nil {
			reach.Waits = *row.Waits
		}
		return nil
	})
	return reach, pg.While(err, "see which checkpoints stand in Slack")
}
