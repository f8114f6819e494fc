package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

type postRow struct {
	RequestID string
	Surface   steps.Surface
	Channel   string
	TS        string `db:"ts"`
	Shown     string
}

// Posted remembers a message in Slack: a new one, or what an old one shows now, by whoever knew what was remembered before, which
// may be nothing (nil: whatever stands). With the first message of a session it remembers the thread, so that no crash
// can come between the two.
func (s *shown) Posted(ctx context.Context, post steps.Post, had *steps.Post) error {
	return pg.While(s.remembered(ctx, post, had), "remember the %s of %s", post.Surface, post.RequestID)
}

// Doubt has messages drawn anew: nobody knows what they show. All that is remembered of them stays, and nobody ever draws on
// what somebody else has written, or rewrites what is deleted. A copy that was taken back still stands, and says so.
func (s *shown) Doubt(ctx context.Context, id string, surfaces ...steps.Surface) error {
	err := s.batched(ctx, pgx.TxOptions{}, true, func(t *pg.Tx) error {
		t.Queue(`SELECT FROM requests WHERE id = $1 FOR NO KEY UPDATE`, id)
		t.Queue(`
			UPDATE posts SET shown = regexp_replace(shown, CASE WHEN surface IN ('card', 'plain') THEN '^(([^:]*:)?)' ELSE '^()' END || '(?:' || $3 || ')?', '\1' || $3)
			WHERE request_id = $1 AND surface = ANY ($2) AND shown <> $4 AND (shown <> $5 OR surface ~ '^copy ')`,
			id, surfaces, steps.FoundInSlack, steps.Theirs, steps.TakenBack)
		t.Queue(`UPDATE requests SET shown_at = NULL WHERE id = $1 AND shown_at IS NOT NULL`, id)
		return nil
	})
	return pg.While(err, "doubt what %s shows", id)
}

// remembered writes a message down, in one trip, commit included. Where somebody else has remembered anything since it writes nothing.
func (s *shown) remembered(ctx context.Context, post steps.Post, had *steps.Post) error {
	wrote, there, is := false, false, ""
	err := s.batched(ctx, pgx.TxOptions{}, true, func(t *pg.Tx) error { addRemember(t.Batch, post, had, &wrote); return nil })
	if err != nil || wrote {
		return err
	}
	err = s.look(ctx, func(b *pgx.Batch) {
		pg.Tell(b, []any{&there, &is}, `SELECT EXISTS (SELECT FROM requests WHERE id = $1), coalesce((SELECT ts FROM posts WHERE request_id = $1 AND surface = $2), '')`, post.RequestID, post.Surface)
	})
	switch {
	case err != nil:
		return err
	case !there:
		return approval.ErrNotFound
	case is == post.TS:
		return steps.ErrOvertaken
	}
	return steps.ErrElsewhere
}

// addRemember writes a message down where its request is there, and where nothing else is remembered than whoever has drawn it
// knew. The request is locked first, as everywhere: the schema tells of the message in its stream, and nobody else remembers one
// meanwhile.
func addRemember(b *pgx.Batch, post steps.Post, had *steps.Post, wrote *bool) {
	before := pg.OrZero(had)
	// Of two that have drawn at once, whichever remembers it last finds what the other one has written. A first one may have been
	// met in Slack before; and the answer of a commit may have got lost.
	b.Queue(`
			INSERT INTO posts AS p (request_id, surface, channel, ts, shown) SELECT id, $2, $3, $4, $5 FROM requests WHERE id = $1 FOR NO KEY UPDATE
			ON CONFLICT (request_id, surface) DO UPDATE SET channel = excluded.channel, ts = excluded.ts, shown = excluded.shown
				WHERE $6 OR (p.ts, p.shown) IN (($7, $8), (excluded.ts, excluded.shown)) OR $7 = '' AND p.ts = excluded.ts AND p.shown ~ '(^|:)`+steps.FoundInSlack+`$' `,
		post.RequestID, post.Surface, post.Channel, post.TS, post.Shown, had == nil, before.TS, before.Shown).
		Exec(func(tag pgconn.CommandTag) error { *wrote = tag.RowsAffected() > 0; return nil })
	if post.Surface != steps.SurfaceRoot {
		return
	}
	b.Queue(`
			UPDATE sessions SET thread_ts = $2, channel = $3
			WHERE id = (SELECT session_id FROM requests WHERE id = $1) AND (channel = $3 OR private_to <> '' AND channel = private_to) AND thread_ts IS NULL
				AND EXISTS (SELECT FROM posts WHERE request_id = $1 AND surface = $4 AND ts = $2)
				AND NOT EXISTS (SELECT FROM sessions other
					WHERE other.team = sessions.team AND other.channel = $3 AND other.thread_ts = $2)`,
		post.RequestID, post.TS, post.Channel, steps.SurfaceRoot)
}

// Threaded records where the session's thread is. The first call wins: a thread does not
// move. Where somebody has answered below the message meanwhile, in a session of its own, the schema refuses
// (sessions_one_per_thread), and the drawing comes again: from then on it goes by the message itself (View).
func (s *shown) Threaded(ctx context.Context, sessionID, threadTS string) error {
	there := false
	err := s.batched(ctx, pgx.TxOptions{}, true, func(t *pg.Tx) error {
		t.Queue(`UPDATE sessions SET thread_ts = coalesce(thread_ts, $2) WHERE id = $1`, sessionID, threadTS).
			Exec(func(tag pgconn.CommandTag) error { there = tag.RowsAffected() > 0; return nil })
		return nil
	})
	if err == nil && !there {
		err = approval.ErrNotFound
	}
	return pg.While(err, "remember the thread of session %s", sessionID)
}

// ThreadFiles are the inputs of the requests in a thread, and whether the
// thread is a session of ours at all.
func (s *requests) ThreadFiles(ctx context.Context, thread approval.Session) (files []approval.File, ours bool, err error) {
	err = s.look(ctx, func(b *pgx.Batch) {
		files, ours = nil, false
		s.addThreadFiles(b, thread, func(found []approval.File) { files, ours = found, true })
	})
	return files, ours, pg.While(err, "files of thread %s", thread.ThreadTS)
}

// addThreadFiles reads the files of a thread's last questions, and those that were handed over with it. take is not
// called where nothing is known of the thread: then it is not ours.
func (c *core) addThreadFiles(b *pgx.Batch, thread approval.Session, take func(files []approval.File)) {
	var files []approval.File
	ours := false
	defer c.addHandedFiles(b, thread, func(came []approval.File) {
		// A thread that was handed over is ours from its beginning, before anybody has asked in it.
		if ours || len(came) > 0 {
			take(withHanded(files, came))
		}
	})
	pg.Ask(b, func(rows []struct{ Files []approval.File }) error {
		var lists [][]approval.File
		for _, row := range rows {
			lists = append(lists, row.Files)
		}
		files, ours = approval.Remembered(lists), len(rows) > 0
		return nil
	}, `
		SELECT r.files FROM sessions s JOIN requests r ON r.session_id = s.id
		WHERE s.team = $1 AND s.channel = $2 AND s.thread_ts = $3
			AND r.seek IS NULL AND r.repeats IS NULL -- what was not found is not gone on from, nor what was only repeated
		ORDER BY r.created_at DESC, r.id DESC LIMIT 50`, thread.Team, thread.Channel, thread.ThreadTS)
}

// addChosen reads which model somebody has chosen in a thread, the latest time that anybody has.
func addChosen(b *pgx.Batch, thread approval.Session, into *approval.Chosen) {
	if thread.ThreadTS == "" {
		return
	}
	pg.Ask(b, func(rows []struct{ Model, By string }) error {
		for _, row := range rows {
			*into = approval.Chosen{Model: row.Model, By: row.By}
		}
		return nil
	}, `SELECT r.chosen ->> 'model' AS model, r.chosen ->> 'by' AS by FROM requests r JOIN sessions s ON s.id = r.session_id
		WHERE s.team = $1 AND s.channel = $2 AND s.thread_ts = $3 AND r.chosen IS NOT NULL ORDER BY r.created_at DESC LIMIT 1`, thread.Team, thread.Channel, thread.ThreadTS)
}

// addClarifying looks in a thread for the question that a model has put to this speaker, or
// for the one that this message has answered before.
func addClarifying(b *pgx.Batch, thread approval.Session, q approval.Question, c *steps.Counter) {
	pg.Ask(b, func(rows []struct {
		ID    string
		Taken bool
	}) error {
		for _, row := range rows {
			c.Clarifies, c.Taken = row.ID, row.Taken
		}
		return nil
	}, `
		SELECT id, taken FROM (
			SELECT r.id, r.created_at, r.state = 'asking' AND last.role = 'clarify' AS waits, EXISTS (SELECT FROM events e
				WHERE e.stream = 'request:' || r.id AND e.kind = 'clarified' AND e.data::jsonb ->> 'trigger' = $5) AS taken
			FROM sessions s JOIN requests r ON r.session_id = s.id
			JOIN LATERAL (SELECT role FROM messages m WHERE m.session_id = s.id AND m.request_id = r.id AND m.role IN ('clarify', 'clarified')
				ORDER BY m.seq DESC LIMIT 1) last ON true
			WHERE s.team = $1 AND s.channel = $2 AND s.thread_ts = $3 AND r.asker = $4) asked
		WHERE taken OR waits AND NOT EXISTS (SELECT FROM requests WHERE team = $1 AND trigger = $5) -- a question that Slack delivers again answers none
		ORDER BY taken DESC, created_at DESC LIMIT 1`, thread.Team, thread.Channel, thread.ThreadTS, q.Asker, q.Trigger)
}

// unseenRow is a message that Slack did not take, since when and how often.
type unseenRow struct {
	RequestID string
	Surface   steps.Surface
	Channel   string
	Why       steps.Hindrance
	Code      string
	Stands    bool
	Times     int
	First     time.Time `db:"first_at"`
	Last      time.Time `db:"last_at"`
}

const unseenColumns = `request_id, surface, channel, why, code, stands, times, first_at, last_at`

// Refused records that Slack has refused a message, and returns since when and how often
// it has. Another reason starts the count again.
func (s *shown) Refused(ctx context.Context, u steps.Unseen) (kept steps.Unseen, err error) {
	err = s.writeByKey(ctx, func(tx pgx.Tx) error {
		row, err := pg.One[unseenRow](ctx, tx, `
			INSERT INTO unseen AS had (`+unseenColumns+`) VALUES ($1, $2, $3, $4, $5, $6, 1, clock_timestamp(), clock_timestamp())
			ON CONFLICT (request_id, surface) DO UPDATE SET channel = excluded.channel, why = excluded.why, code = excluded.code,
				stands = excluded.stands, last_at = greatest(had.first_at, excluded.last_at),
				times = CASE had.why WHEN excluded.why THEN had.times + 1 ELSE 1 END,
				first_at = CASE had.why WHEN excluded.why THEN had.first_at ELSE excluded.first_at END
			RETURNING `+unseenColumns, u.RequestID, u.Surface, u.Channel, u.Why, pg.Text(u.Code), u.Stands)
		kept = steps.Unseen(row)
		return err
	})
	if err != nil {
		kept = u // who could not remember it knows what was refused all the same
	}
	return kept, pg.While(err, "remember that Slack refuses the %s of %s", u.Surface, u.RequestID)
}

// Seen forgets a refusal: Slack has accepted the message.
func (s *shown) Seen(ctx context.Context, requestID string, surface steps.Surface) error {
	err := pg.Exec(ctx, s.writeByKey, `DELETE FROM unseen WHERE request_id = $1 AND surface = $2`, requestID, surface)
	return pg.While(err, "forget that Slack refused the %s of %s", surface, requestID)
}

// placeRow is a channel in which an answer was shared. Without a channel it was taken out of all of them.
type placeRow struct {
	trail.Voucher
	Channel string
	By      string
	At      time.Time
}

// placesOf are those of a row of requests, with the events that tell of them; NULL where there are none.
const placesOf = `(SELECT jsonb_agg(jsonb_build_object('channel', p.channel, 'by', p.person, 'at', p.at, 'line', v.line, 'key', v.key, 'signature', v.signature) ORDER BY p.at, p.channel)
	FROM (SELECT channel, person, at FROM copies WHERE request_id = requests.id
		UNION ALL SELECT '', person, at FROM takebacks WHERE request_id = requests.id) p
	LEFT JOIN LATERAL (SELECT ` + trail.VoucherOf + ` FROM events e WHERE e.stream = 'request:' || requests.id AND e.at = p.at AND e.actor = p.person
		AND e.kind = CASE p.channel WHEN '' THEN 'took back' ELSE 'shared' END ORDER BY e.seq LIMIT 1) v ON true)`

// takePlaces has a request stand where a signed event says. Whoever writes a row without one shows
// its answer to nobody, and takes it from nobody.
func (c *core) takePlaces(r *approval.Request, rows []placeRow) {
	for _, p := range rows {
		switch {
		case c.doubtsPlace(r.ID, p):
		case p.Channel == "":
			r.Taken = &approval.TakenBack{By: p.By, At: p.At}
		default:
			r.Copies = append(r.Copies, approval.Copy{Channel: p.Channel, By: p.By, At: p.At})
		}
	}
}

// doubtsPlace holds against its event where an answer was shared, or that it was taken back.
func (c *core) doubtsPlace(id string, p placeRow) bool {
	kind, what := approval.EventShared, fmt.Sprintf("the answer of %s shared in %s", id, p.Channel)
	if p.Channel == "" {
		kind, what = approval.EventTookBack, fmt.Sprintf("the answer of %s taken back", id)
	}
	return c.notary.Doubts(p.Voucher, what, func(e trail.Witnessed) bool {
		return e.Stream == trail.StreamOf(id) && e.Kind == kind && e.Actor == p.By && e.At.Equal(p.At) && e.Says(map[string]string{"channel": p.Channel})
	})
}

// storePlaces stores that an answer is to go from Slack, or where it is to stand as well.
func storePlaces(b *pgx.Batch, r *approval.Request) {
	if c := r.Changes.Copy; c != nil {
		b.Queue(`INSERT INTO copies (request_id, channel, person, at) VALUES ($1, $2, $3, $4)`, r.ID, c.Channel, c.By, pg.Micro(c.At))
	}
	if back := r.Changes.Taken; back != nil {
		b.Queue(`INSERT INTO takebacks (request_id, person, at) VALUES ($1, $2, $3)`, r.ID, back.By, pg.Micro(back.At))
	}
}

// Uploads are the files of answers in Slack.
type Uploads struct{ DB *DB }

// Uploaded remembers files of an answer before anybody sees them there.
func (u Uploads) Uploaded(ctx context.Context, requestID string, surface steps.Surface, files []string) error {
	err := pg.Exec(ctx, u.DB.writeByKey, `INSERT INTO uploads (request_id, surface, file) SELECT $1, $2, unnest($3::text[]) ON CONFLICT DO NOTHING`, requestID, surface, files)
	return pg.While(err, "remember the files of %s", requestID)
}

// uploadsOf are the files of the answer of a row q of requests that the bot has put into Slack, by surface.
const uploadsOf = `(SELECT jsonb_object_agg(surface, files) FROM (SELECT surface, jsonb_agg(file ORDER BY file) AS files FROM uploads WHERE request_id = q.id GROUP BY surface) u)`

// Chats are the channels that people look at in their chats with the bot, so that every replica knows of them.
type Chats struct{ DB *DB }

// chatLife is how long a chat is remembered in which nobody has looked at anything else.
const chatLife = 30 * 24 * time.Hour

// Look remembers which channel the person of a chat looks at; empty: none.
func (c Chats) Look(ctx context.Context, team, channel, threadTS, looks string) error {
	err := pg.Exec(ctx, c.DB.writeByKey, `
		WITH gone AS (DELETE FROM chats WHERE at < clock_timestamp() - $5::interval AND (team, channel, thread_ts) <> ($1, $2, $3))
		INSERT INTO chats (team, channel, thread_ts, looks, at) VALUES ($1, $2, $3, $4, clock_timestamp())
		ON CONFLICT (team, channel, thread_ts) DO UPDATE SET looks = excluded.looks, at = excluded.at`, team, channel, threadTS, looks, chatLife)
	return pg.While(err, "remember what is looked at in %s", channel)
}

// Looks is that channel; empty: not known.
func (c Chats) Looks(ctx context.Context, team, channel, threadTS string) (looks string, err error) {
	err = c.DB.look(ctx, func(b *pgx.Batch) {
		pg.Ask(b, func(rows []struct{ Looks string }) error {
			for _, row := range rows { // one at most: it is the primary key
				looks = row.Looks
			}
			return nil
		}, `SELECT looks FROM chats WHERE team = $1 AND channel = $2 AND thread_ts = $3`, team, channel, threadTS)
	})
	return looks, pg.While(err, "what is looked at in %s", channel)
}
