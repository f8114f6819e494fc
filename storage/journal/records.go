package journal

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/auditing"
	"countersign/internal/pack"
	"countersign/storage/pg"
)

var _ auditing.Records = (*Log)(nil)

// always is the span of all that ever happened.
var always = pack.Span{Last: math.MaxInt64}

// wording are the values in which words are looked for: what people and models wrote, by the events that name
// them. What data said is not among them, so nobody finds out by searching what an answer holds that
// is its asker's alone.
const wording = `SELECT c.value FROM events e CROSS JOIN jsonb_path_query(e.data::jsonb, '$.**.salted_sha256') AS named JOIN contents c ON c.hash = named #>> '{}'
	WHERE e.stream = 'request:' || q.id AND e.kind IN ('asked', 'written', 'refused draft', 'drafted', 'edited', 'rejected', 'changes requested', 'asked to clarify', 'clarified')
		AND length(c.value) <= 100000`

// fewOf is how much somebody may have done with requests for these to be listed, and put in order. Of whoever did more the next
// one is not far, unless all of it is long ago.
const fewOf = 10_000

// byPeople are the events e of requests of anybody but the house itself, spelled as in the index of them (events_by_people).
const byPeople = `e.actor <> '` + approval.System + `' AND e.stream LIKE 'request:%'`

// Find lists requests, the newest first: it goes from the newest on, and ends when it has enough. So whether somebody who did
// much did anything with one is asked of each; of EXISTS the planner makes a list of all that they ever did. What somebody did who
// did little is such a list: on the way from the newest on there may be a million requests of others.
func (l *Log) Find(ctx context.Context, q auditing.Query, most int) (list []auditing.Row, err error) {
	// Two statements, because a condition that holds for both would keep the planner from the index by team.
	team := `q.team = $1`
	if q.Team == "" {
		team = `$1 = ''`
	}
	err = l.read(ctx, func(tx pgx.Tx) error {
		did := `($2 = '' OR q.asker = $2 OR (SELECT count(*) FROM (SELECT FROM events e WHERE e.stream = 'request:' || q.id AND e.actor = $2 LIMIT 1) AS once) > 0)`
		if q.Person != "" {
			var few bool
			if err := tx.QueryRow(ctx, `SELECT count(*) < $2 FROM (SELECT FROM events e WHERE e.actor = $1 AND `+byPeople+` LIMIT $2) AS did`, q.Person, fewOf).Scan(&few); err != nil {
				return err
			}
			if few { // as no part of an OR, which would have it looked up for every request
				did = `q.id IN (SELECT substr(e.stream, 9) FROM events e WHERE e.actor = $2 AND ` + byPeople + ` UNION SELECT q.id FROM requests q WHERE ` + team + ` AND q.asker = $2)`
			}
		}
		rows, err := pg.All[struct {
			ID, Asker, Channel, Question, State string
			At                                  time.Time
			Private                             bool
			Spent                               int64
		}](ctx, tx, `
			SELECT q.id, q.asker, q.project AS channel, said(q.question) AS question, q.state, q.created_at AS at,
				q.project LIKE 'D%' OR coalesce((SELECT (e.data::jsonb ->> 'private')::boolean FROM events e WHERE e.stream = 'request:' || q.id AND e.kind = 'asked' ORDER BY e.seq LIMIT 1), false) AS private,
				coalesce((SELECT sum(s.amount)::bigint FROM settlements s WHERE s.request_id = q.id), 0) AS spent
			FROM requests q
			WHERE `+team+` AND `+did+`
				AND ($3 = '' OR q.project = $3) AND ($4::timestamptz IS NULL OR q.created_at >= $4) AND ($5::timestamptz IS NULL OR q.created_at < $5)
				AND ($6 = '' OR q.id = lower($6) OR EXISTS (SELECT FROM (`+wording+`) AS w (value) WHERE position('\x00'::bytea IN value) = 0
					AND strpos(lower(convert_from(CASE WHEN position('\x00'::bytea IN value) = 0 THEN value ELSE '' END, 'LATIN1')), lower(convert_from(convert_to($6, 'UTF8'), 'LATIN1'))) > 0))
			ORDER BY q.created_at DESC, q.id LIMIT $7 OFFSET $8`, q.Team, q.Person, q.Channel, pg.Moment(q.From), pg.Moment(q.To), q.Words, most, q.Skip)
		list = nil
		for _, row := range rows {
			list = append(list, auditing.Row(row))
		}
		return err
	})
	return list, pg.While(err, "look for requests")
}

// Story is a request from its first event to its last. Without a team it is of any.
func (l *Log) Story(ctx context.Context, team, id string) (*pack.Story, error) {
	return l.told(ctx, team, id, func(string) string { return "" })
}

// Masked is a request of any workspace as it may leave the house: what is secret or personal in it is masked, as in a pack.
func (l *Log) Masked(ctx context.Context, id string) (*pack.Story, error) {
	hides, err := l.Hides(ctx)
	if err != nil {
		return nil, err
	}
	return l.told(ctx, "", id, func(text string) string {
		if hides.Holds(text) {
			return hides.Mask(text, nil)
		}
		return ""
	})
}

// told tells a request. Where instead has other words for a value, it has those.
func (l *Log) told(ctx context.Context, team, id string, instead func(text string) string) (*pack.Story, error) {
	err := l.read(ctx, func(tx pgx.Tx) error {
		var there bool
		err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM requests WHERE id = $1 AND $2 IN ('', team))`, id, team).Scan(&there)
		if err == nil && !there {
			err = approval.ErrNotFound
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", id, err)
	}
	c, err := l.Case(ctx, always, "request:"+id)
	if err != nil {
		return nil, err
	}
	// Masked words no longer have the hash that the events name, so what is told of them cannot be verified: it is for logs.
	for i, v := range c.Values {
		if other := instead(string(v.Bytes)); other != "" {
			c.Values[i].Bytes = []byte(other)
		}
	}
	return pack.Tell(c)
}

// Deeds are what was done in a workspace, or for all of them, that is no request's, the newest first. What the house
// tries by itself is none.
func (l *Log) Deeds(ctx context.Context, team string, most int) (list []pack.Step, err error) {
	err = l.read(ctx, func(tx pgx.Tx) error {
		rows, err := pg.All[entryRow](ctx, tx, `
			SELECT l.position, l.hash, `+lineOf+` AS line FROM log l JOIN events e USING (stream, seq)
			WHERE l.stream !~ '^(request:|names:|checks$)' AND split_part(l.stream, ':', 2) IN ('', $2)
				AND (l.stream NOT IN ('budget', 'packs') OR coalesce(e.data::jsonb #>> '{scope,team}', e.data::jsonb ->> 'team', $2) = $2)
			ORDER BY l.position DESC LIMIT $1`, most, team)
		list = nil
		for _, row := range rows {
			step, unread := pack.StepOf(row.entry())
			if unread != nil {
				return unread
			}
			list = append(list, step)
		}
		return err
	})
	return list, pg.While(err, "list what was changed")
}

// Points are the last checkpoints, the newest first.
func (l *Log) Points(ctx context.Context, most int) (list []auditing.Point, err error) {
	err = l.read(ctx, func(tx pgx.Tx) error {
		rows, err := pg.All[checkpointRow](ctx, tx, `SELECT `+checkpointColumns+` FROM checkpoints ORDER BY number DESC LIMIT $1`, most)
		list = nil
		for _, row := range rows {
			list = append(list, auditing.Point{Number: row.Number, Size: row.Size, At: row.At, Note: row.Note})
		}
		return err
	})
	return list, pg.While(err, "read the checkpoints")
}

// Note writes an event of a request.
func (l *Log) Note(ctx context.Context, id string, e approval.Event) error {
	return l.audit(ctx, "request:"+id, e)
}
