package storage

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval/steps"
	"countersign/storage/pg"
)

// Strays are messages that stand in Slack and that nobody may remember.
type Strays struct{ DB *DB }

const (
	// settles is how long whoever has posted a message may be about to remember it: they wait for other calls meanwhile, and for
	// Slack's limits. Whoever takes longer finds that another one stands in its place, and posts once more.
	settles = 5 * time.Minute
	// Mostly it is known at the first look: it is remembered by then, or a later one is.
	firstLook = 5 * time.Second
)

// Met holds one against what is remembered. Where nothing is, it is remembered from now on, and drawn anew. Anything else is written
// down in the same transaction, before anybody answers Slack, which then tells of it no more.
func (s Strays) Met(ctx context.Context, at steps.Sighting) (is steps.Meeting, err error) {
	// Nearly always it is the one that is remembered, and then there is nothing to write. A database that is away is waited for:
	// Slack tells of it four times, twice of them within a moment, and then never again.
	var known bool
	err = s.DB.core.look(ctx, func(b *pgx.Batch) {
		pg.Tell(b, []any{&known}, `SELECT EXISTS (SELECT FROM posts WHERE request_id = $1 AND surface = $2 AND ts = $3)`, at.RequestID, at.Surface, at.TS)
	})
	if err != nil || known {
		return steps.MetKnown, err
	}
	err = s.DB.core.writeByKey(ctx, func(tx pgx.Tx) error {
		// Whoever remembers one locks the request first. What they have written meanwhile only a statement of its own sees.
		if _, err := pg.One[struct{ ID string }](ctx, tx, `SELECT id FROM requests WHERE id = $1 FOR NO KEY UPDATE`, at.RequestID); err != nil {
			return err
		}
		had, err := pg.One[whereMet](ctx, tx, `
			SELECT coalesce(p.channel, '') AS channel, coalesce(p.ts, '') AS ts, coalesce(p.shown, '') AS shown,
				coalesce(s.stray, false) AS stray, coalesce(s.at <= clock_timestamp() - $5::interval, false) AS settled,
				EXISTS (SELECT FROM events e WHERE e.stream = 'request:' || r.id AND e.kind = 'posted'
					AND e.data::jsonb @> jsonb_build_object('surface', $2::text, 'channel', $3::text, 'ts', $4::text)) AS former,
				EXISTS (SELECT FROM sessions t WHERE t.team = r.team AND t.channel = $3 AND t.thread_ts = $4) AS thread
			FROM requests r LEFT JOIN posts p ON p.request_id = r.id AND p.surface = $2 LEFT JOIN sightings s ON s.channel = $3 AND s.ts = $4
			WHERE r.id = $1`, at.RequestID, at.Surface, at.Channel, at.TS, settles)
		if err != nil {
			return err
		}
		switch is = had.meets(at); {
		case had.TS == "":
			batch := &pgx.Batch{}
			addRemember(batch, missed(at), &steps.Post{}, new(bool)) // the request is locked, so nobody else has
			return tx.SendBatch(ctx, batch).Close()
		case is == steps.MetKnown:
			return nil
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO sightings AS s (request_id, surface, channel, ts, revision, stray, at, due_at) SELECT $1, $2, $3, $4, $5, $6, now, now + $7::interval FROM clock_timestamp() now
			ON CONFLICT (channel, ts) DO UPDATE SET stray = excluded.stray, due_at = coalesce(s.due_at, excluded.due_at)`,
			at.RequestID, at.Surface, at.Channel, at.TS, at.Revision, is == steps.MetStray, firstLook)
		return err
	})
	return is, pg.While(err, "look for the %s of %s", at.Surface, at.RequestID)
}

// whereMet is what is known of the place in which a message was met, and of the message.
type whereMet struct {
	Channel string // of the one that is remembered there
	TS      string `db:"ts"`
	Shown   string
	Former  bool // this one was remembered once
	Thread  bool // somebody has begun a thread below it
	Stray   bool // nobody may remember it any more
	Settled bool // it was met so long ago that nobody is about to
}

// meets says what the message is.
func (h whereMet) meets(at steps.Sighting) steps.Meeting {
	switch {
	case h.Stray:
		return steps.MetStray
	case h.TS == "" || h.TS == at.TS || h.Thread:
		return steps.MetKnown
	case (steps.Post{Shown: h.Shown}).Gone(): // what it says was taken back, and nothing stands in its place
		return steps.MetStray
	// The card of a former version stays and leads to the present one, also where the review channel has moved.
	case h.Former && (at.Channel != h.Channel || at.Surface == steps.SurfaceCard && at.Revision < versionOf(h.Shown)):
		return steps.MetKnown
	// Of one length, so in the order of their times: what is remembered is the latest, so whoever has posted this one is late.
	case at.TS < h.TS || h.Settled:
		return steps.MetStray
	}
	return steps.MetUnsure
}

// versionOf is the version that a card shows, with which what it shows begins (bot/card.go); 0 where that is not known.
func versionOf(shown string) int {
	version, _ := strconv.Atoi(shown[:max(strings.IndexAny(shown, ":/"), 0)])
	return version
}

// missed is a message that was met and that nobody remembers. Each version has a card of its own.
func missed(at steps.Sighting) steps.Post {
	at.Shown = steps.FoundInSlack
	if at.Surface == steps.SurfaceCard {
		at.Shown = strconv.Itoa(at.Revision) + ":" + at.Shown
	}
	return at.Post
}

// Due are messages that are to be looked at again: every quarter of a minute, and after ten minutes every five. Whoever takes one
// has it until then: so nobody does it twice at once, and it comes again where they die.
func (s Strays) Due(ctx context.Context) (due []steps.Sighting, err error) {
	type row struct {
		RequestID string
		Surface   steps.Surface
		Channel   string
		TS        string `db:"ts"`
		Revision  int
		At        time.Time
	}
	rows, err := pg.List[row](ctx, s.DB.core.writeByKey, `
		WITH forgotten AS (DELETE FROM sightings WHERE due_at IS NULL AND at < clock_timestamp() - interval '1 day'),
			due AS MATERIALIZED (SELECT channel, ts FROM sightings WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT 20 FOR UPDATE SKIP LOCKED)
		UPDATE sightings s SET due_at = clock_timestamp() + CASE WHEN s.at > clock_timestamp() - interval '10 minutes' THEN interval '15 seconds' ELSE interval '5 minutes' END
		FROM due WHERE s.channel = due.channel AND s.ts = due.ts
		RETURNING s.request_id, s.surface, s.channel, s.ts, s.revision, s.at`)
	for _, r := range rows {
		due = append(due, steps.Sighting{Post: steps.Post{RequestID: r.RequestID, Surface: r.Surface, Channel: r.Channel, TS: r.TS}, Revision: r.Revision, At: r.At})
	}
	return due, pg.While(err, "look for messages that may stand in Slack twice")
}

// Ended has one looked at no more. It is known until it is a day old, so that whoever has posted it does not remember it either.
func (s Strays) Ended(ctx context.Context, at steps.Sighting) error {
	err := pg.Exec(ctx, s.DB.core.writeByKey, `UPDATE sightings SET due_at = NULL WHERE channel = $1 AND ts = $2`, at.Channel, at.TS)
	return pg.While(err, "look no more at the %s of %s", at.Surface, at.RequestID)
}
