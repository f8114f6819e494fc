package journal

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"countersign/approval"
	"countersign/approval/redact"
	"countersign/internal/checkpoint"
	"countersign/internal/pack"
	"countersign/storage/pg"
)

var _ pack.Source = (*Log)(nil)

// slack is how much later than its own clock says an event may be committed: it has the time at
// which its transaction began.
const slack = time.Minute

// Pack takes a checkpoint, makes a pack that reaches up to it, and leaves an entry that
// says so, which another checkpoint covers. The entry has the hash of all that the pack
// says of itself.
//
// The order matters. The first checkpoint gives every event a place, so that the pack is cut
// from a log that has all of its period. The entry comes after the files are written, because it
// names their hashes, and the second checkpoint after the entry. So the proof in a pack reaches
// further than its entries do.
func (l *Log) Pack(ctx context.Context, by note.Signer, actor string, out io.Writer, o pack.Options) (pack.Contents, error) {
	if _, err := l.TakeCheckpoint(ctx, by); err != nil {
		return pack.Contents{}, err
	}
	// When it is made is said by the clock that dates checkpoints: the pack's period is held against theirs.
	err := l.read(ctx, func(tx pgx.Tx) (err error) { o.Made, err = pg.Clock(ctx, tx); return err })
	if err != nil {
		return pack.Contents{}, err
	}
	if o.Hides, err = l.Hides(ctx); err != nil {
		return pack.Contents{}, err
	}
	// The entry has ids and numbers alone. Whose questions were packed is a fact that stays in the trail.
	o.Record = func(ctx context.Context, c pack.Contents, places []int64) (p pack.Proof, err error) {
		if err := l.signed(ctx, c, places); err != nil {
			return p, err
		}
		data := map[string]any{"pack": c.Sum(), "from": c.From, "to": c.To, "requests": c.Requests, "shown": c.Showing, "entries": c.Last - c.First}
		for key, fact := range map[string]string{"person": c.Person, "channel": c.Channel, "team": c.Team} {
			if fact != "" {
				data[key] = fact
			}
		}
		if err := l.audit(ctx, pack.PackStream, approval.Event{Actor: actor, Kind: approval.EventPacked, Data: data}); err != nil {
			return p, err
		}
		if _, err := l.TakeCheckpoint(ctx, by); err != nil {
			return p, err
		}
		return l.Proof(ctx, c.First, c.Sum(), places)
	}
	return pack.Make(ctx, out, l, o)
}

// UnsignedError is an event that this installation has not signed, so that somebody else has put it into the database.
type UnsignedError struct {
	Stream string
	Seq    int64
}

// Error implements error.
func (e *UnsignedError) Error() string {
	return fmt.Sprintf("no pack is made: no key of this installation has signed event %d of %s, so somebody else has written it into the database. See countersign audit", e.Seq, e.Stream)
}

// signed refuses a pack of events that somebody else has written, or brings along. A place and a checkpoint they get all
// the same, and whoever verifies a pack has no signatures of events to look at.
func (l *Log) signed(ctx context.Context, c pack.Contents, places []int64) error {
	spans := [][2]int64{}
	for from := c.First; from < c.Last; from += atOnce {
		spans = append(spans, [2]int64{from, min(from+atOnce, c.Last)})
	}
	for _, at := range places {
		spans = append(spans, [2]int64{at, at + 1})
	}
	for _, span := range spans {
		var found UnsignedError
		var ok bool
		err := l.read(ctx, func(tx pgx.Tx) (err error) {
			found.Stream, found.Seq, ok, err = l.unsigned(ctx, tx, span[0], span[1])
			return err
		})
		if err == nil && ok {
			err = &found
		}
		if err != nil {
			return pg.While(err, "see who has signed the events of a pack")
		}
	}
	return nil
}

// Hides are the rules of what leaves the house. A pack or a log may tell of every workspace, so those of all
// of them.
func (l *Log) Hides(ctx context.Context) (rules *redact.Rules, err error) {
	var lines []string
	err = l.read(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT said(document #>> '{privacy,hide,salted_sha256}') FROM (SELECT DISTINCT ON (team) document FROM rules WHERE project = '' ORDER BY team, version DESC) latest
			WHERE document #> '{privacy,hide}' IS NOT NULL`)
		if err == nil {
			lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is hidden: %w", err)
	}
	for _, text := range lines {
		one, err := redact.With(text)
		if err != nil {
			return nil, fmt.Errorf("read what is hidden: %w", err)
		}
		rules = rules.And(one)
	}
	return rules, nil
}

// Span is from the last checkpoint before the period to the first one after it, or else to
// the end of the log. The first one after it has to cover every event of the period as well: after
// a time in which events got no places it may have been made of the first 256 of a backlog.
func (l *Log) Span(ctx context.Context, of pack.Chosen) (s pack.Span, err error) {
	err = l.read(ctx, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			SELECT coalesce((SELECT max(size) FROM checkpoints WHERE at <= $1), 0),
				coalesce((SELECT min(size) FROM checkpoints WHERE at >= $2
						AND size > coalesce((SELECT max(l.position) FROM log l JOIN events e USING (stream, seq) WHERE e.at < $3), -1)),
					(SELECT max(position) + 1 FROM log), 0)`,
			of.From, of.To.Add(slack), of.To).Scan(&s.First, &s.Last)
		if err == nil {
			s.Before, err = nodes(ctx, tx, checkpoint.Edge(s.First))
		}
		return err
	})
	return s, pg.While(err, "find the part of the log")
}

// chosen is a condition on a stream: it is about whoever or whatever was chosen. $1 is the
// person, $2 the channel, $5 the workspace. In a selection, streams of no request (people, rules, budgets) are never
// chosen: they may tell of others. Those that are a workspace's own come with all of that workspace,
// and that a copy of the database was put back is about everybody.
const chosen = `(($1 = '' AND $2 = '' AND ($5 = '' OR split_part(l.stream, ':', 1) <> 'request' AND split_part(l.stream, ':', 2) = $5))
	OR l.stream = 'restores' OR EXISTS (SELECT FROM requests q WHERE 'request:' || q.id = l.stream AND $1 IN ('', q.asker) AND $2 IN ('', q.project) AND $5 IN ('', q.team)))`

// Alone tells whether the log tells of this workspace and of no other.
func (l *Log) Alone(ctx context.Context, team string) (alone bool, err error) {
	err = l.read(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM requests WHERE team <> $1)
			AND NOT EXISTS (SELECT FROM events WHERE stream ~ '^(people|rules|pins|names):' AND split_part(stream, ':', 2) <> $1)`, team).Scan(&alone)
	})
	return alone, pg.While(err, "look for other workspaces")
}

// lineOf is an event as it was hashed. NULL where somebody has taken the row away.
const lineOf = `CASE WHEN e.stream IS NOT NULL THEN event_line(e.stream, e.seq, e.at, e.actor, e.kind, e.data, e.prev_hash) END`

// entryRow is an entry of the log. It has no line where somebody has taken the event's row away: its hash stays.
type entryRow struct {
	Position int64
	Hash     string
	Line     *string
}

// entry is the row as a pack has it.
func (r entryRow) entry() pack.Entry {
	e := pack.Entry{Position: r.Position, Hash: r.Hash}
	if r.Line != nil {
		e.Event = json.RawMessage(*r.Line)
	}
	return e
}

// atOnce is how many places are read in one transaction. Places never change, so a log that is
// read in several transactions is the same as one that is read at once, and a large pack holds
// back neither memory nor what Postgres may clean up.
const atOnce = 2000

// Entries reads the log from place to place.
func (l *Log) Entries(ctx context.Context, s pack.Span, of pack.Chosen, each func(pack.Entry) error) error {
	for from := s.First; from < s.Last; from += atOnce {
		rows, err := pg.List[entryRow](ctx, l.read, `
			SELECT l.position, l.hash, CASE WHEN `+chosen+` THEN `+lineOf+` END AS line
			FROM log l LEFT JOIN events e USING (stream, seq)
			WHERE l.position >= $3 AND l.position < $4 ORDER BY l.position`, of.Person, of.Channel, from, min(from+atOnce, s.Last), of.Team)
		if err != nil {
			return fmt.Errorf("read the log from place %d: %w", from, err)
		}
		for _, row := range rows {
			if err := each(row.entry()); err != nil {
				return err
			}
		}
	}
	return nil
}

// Streams are those that are chosen, in the order of their first places. The number of requests
// counts all of the span, whoever was chosen: a selection says what it is a selection of.
func (l *Log) Streams(ctx context.Context, s pack.Span, of pack.Chosen) (streams []string, requests int64, err error) {
	err = l.read(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT l.stream FROM log l WHERE l.position >= $3 AND l.position < $4 AND `+chosen+`
			GROUP BY l.stream ORDER BY min(l.position)`, of.Person, of.Channel, s.First, s.Last, of.Team)
		if err != nil {
			return err
		}
		if streams, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT count(DISTINCT stream) FROM log WHERE position >= $1 AND position < $2 AND stream LIKE 'request:%'`,
			s.First, s.Last).Scan(&requests)
	})
	return streams, requests, pg.While(err, "list what happened")
}

// Grounds are the entries before the end of the span that bear on decisions, and that the pack does not show by itself. Which they are the events
// say (pack.Bearing); what is asked for here is all that may be.
func (l *Log) Grounds(ctx context.Context, s pack.Span, of pack.Chosen, bearing []pack.Bearing) (list []pack.Entry, err error) {
	for _, b := range bearing {
		rows, err := pg.List[entryRow](ctx, l.read, `
			SELECT l.position, l.hash, `+lineOf+` AS line FROM events e JOIN log l USING (stream, seq)
			WHERE (e.stream = 'people:' || $6 AND (e.actor = ANY ($7) OR e.data::jsonb ->> 'person' = ANY ($7) OR e.data::jsonb ->> 'from' = ANY ($7))
					OR e.stream = 'rules:' || $6 AND coalesce(nullif(e.data::jsonb ->> 'channel', ''), 'team') || '/' || (e.data::jsonb ->> 'version') = ANY ($8))
				AND l.position < $4 AND (l.position < $3 OR NOT `+chosen+`) ORDER BY l.position`, of.Person, of.Channel, s.First, s.Last, of.Team, b.Team, b.People, b.Rules)
		if err != nil {
			return nil, fmt.Errorf("read what decisions rest on: %w", err)
		}
		for _, row := range rows {
			if e := row.entry(); b.Bears(e.Event) {
				list = append(list, e)
			}
		}
	}
	slices.SortFunc(list, func(a, b pack.Entry) int { return cmp.Compare(a.Position, b.Position) })
	return list, nil
}

// inclusion is the proof that the log's first entries include one.
func inclusion(ctx context.Context, tx pgx.Tx, at, size int64) ([][]byte, error) {
	plan, err := checkpoint.Inclusion(at, size)
	if err != nil {
		return nil, err
	}
	hashes, err := nodes(ctx, tx, plan.IDs())
	if err != nil {
		return nil, err
	}
	return plan.Proof(hashes)
}

// longest is how long a value may be that a pack carries. What is longer, such as files
// that came out, stays a hash.
const longest = 100_000

// Case reads a stream as far as it lies in the span, with what belongs to it. A row whose
// event is nowhere comes along, so that somebody notices.
//
// Values come by the names that the events of the span give them, and not by their request: what
// was forgotten is simply not there any more.
func (l *Log) Case(ctx context.Context, s pack.Span, stream string) (c *pack.Case, err error) {
	err = l.read(ctx, func(tx pgx.Tx) error {
		c = &pack.Case{Stream: stream}
		rows, err := pg.All[entryRow](ctx, tx, `
			SELECT l.position, l.hash, `+lineOf+` AS line FROM log l JOIN events e USING (stream, seq)
			WHERE l.stream = $1 AND l.position >= $2 AND l.position < $3 ORDER BY l.position`, stream, s.First, s.Last)
		if err != nil {
			return err
		}
		for _, row := range rows {
			c.Entries = append(c.Entries, row.entry())
		}
		values, err := pg.All[struct {
			Hash  string
			Salt  string
			Bytes []byte
		}](ctx, tx, `SELECT hash, salt, value AS bytes FROM contents WHERE hash = ANY ($1) AND length(value) <= $2 ORDER BY hash`, c.Names(), longest)
		if err != nil {
			return err
		}
		for _, v := range values {
			c.Values = append(c.Values, pack.Value(v))
		}
		if err := readings(ctx, tx, c); err != nil {
			return err
		}
		if err := decisions(ctx, tx, s, c); err != nil {
			return err
		}
		return receipts(ctx, tx, s, c)
	})
	return c, pg.While(err, "read what belongs to %s", stream)
}

// within is a condition on rows of a request, $1, whose event is found by a condition of
// its own: the event lies between the places $2 and $3, or is nowhere. Rows are not chosen by their
// own times, which whoever writes to the database may have set.
func within(event string) string {
	return `coalesce((SELECT max(l.position) FROM events e JOIN log l USING (stream, seq) WHERE e.stream = $1 AND ` + event + `), $2) BETWEEN $2 AND $3::bigint - 1`
}

// decisions reads the rows of decisions. Their events are the last ones of the same reviewer, revision and verdict.
func decisions(ctx context.Context, tx pgx.Tx, s pack.Span, c *pack.Case) error {
	rows, err := pg.All[struct {
		Request   string
		Revision  int64
		Digest    string
		Reviewer  string
		Name      string // filled in where the pack is made
		Verdict   string
		InPlaceOf string
		At        time.Time
	}](ctx, tx, `
		SELECT d.request_id AS request, d.revision, d.digest, d.reviewer, '' AS name, d.verdict, coalesce(d.in_place_of, '') AS in_place_of, d.at
		FROM (SELECT request_id, revision, digest, reviewer, verdict, in_place_of, at FROM decisions
			UNION ALL SELECT request_id, revision, digest, person, '`+pack.BrokeGlass+`', NULL, at FROM broken_glass) d WHERE 'request:' || d.request_id = $1 AND `+within(`e.actor = d.reviewer AND (e.data::jsonb ->> 'revision')::bigint = d.revision
			AND e.kind = CASE d.verdict WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'rejected' WHEN '`+pack.BrokeGlass+`' THEN 'broke glass' ELSE 'changes requested' END`)+`
		ORDER BY d.at, d.reviewer`, c.Stream, s.First, s.Last)
	for _, row := range rows {
		c.Decisions = append(c.Decisions, pack.Decision(row))
	}
	return err
}

// receipts reads what was settled, with its charges in the order in which they were written.
func receipts(ctx context.Context, tx pgx.Tx, s pack.Span, c *pack.Case) error {
	rows, err := pg.All[struct {
		Request   string
		Hold      string
		For       string
		At        time.Time
		Amount    int64
		Estimated bool
		Over      int64 // both are filled in from the event, where it is told
		UsageOf   string
		Charges   []pack.Charge
	}](ctx, tx, `
		SELECT s.request_id AS request, s.hold_id AS hold, h.purpose AS for, s.at, s.amount, s.estimated, 0::bigint AS over, '' AS usage_of,
			coalesce((SELECT jsonb_agg(jsonb_build_object('kind', c.kind, 'what', c.what, 'model', c.model, 'input_tokens', c.input_tokens,
				'cached_tokens', c.cached_tokens, 'written_tokens', c.written_tokens, 'output_tokens', c.output_tokens, 'box_ms', c.box_ms, 'vcpu', c.vcpu, 'memory_mb', c.memory_mb,
				'amount', c.amount) ORDER BY c.line) FROM charges c WHERE c.hold_id = s.hold_id), '[]') AS charges
		FROM settlements s JOIN holds h ON h.id = s.hold_id
		WHERE 'request:' || s.request_id = $1 AND `+within(`e.kind = 'settled' AND e.data::jsonb ->> 'hold' = s.hold_id`)+`
		ORDER BY s.at, s.hold_id`, c.Stream, s.First, s.Last)
	for _, row := range rows {
		c.Receipts = append(c.Receipts, pack.Receipt(row))
	}
	return err
}

// Proof is what leads from a pack's entries to the last checkpoint, to the entry that
// says that this pack was made, by the sha256 of its contents, and to the entries of these places.
func (l *Log) Proof(ctx context.Context, first int64, contents string, places []int64) (p pack.Proof, err error) {
	err = l.read(ctx, func(tx pgx.Tx) error {
		p = pack.Proof{}
		// All of them, from the one on which the entries begin: a verifier counts their numbers, and one
		// that is left out is a fault.
		list, err := pg.All[checkpointRow](ctx, tx, `SELECT `+checkpointColumns+` FROM checkpoints WHERE size >= $1 ORDER BY number`, first)
		if err != nil {
			return err
		}
		var last int64
		for _, c := range list {
			p.Checkpoints = append(p.Checkpoints, pack.Checkpoint{Note: c.Note, Proof: c.Proof})
			last = c.Size
		}
		for _, at := range places {
			proof, err := inclusion(ctx, tx, at, last)
			if err != nil {
				return err
			}
			p.Grounds = append(p.Grounds, proof)
		}
		own, err := pg.All[entryRow](ctx, tx, `
			SELECT l.position, l.hash, `+lineOf+` AS line FROM events e JOIN log l USING (stream, seq)
			WHERE e.stream = $1 AND e.data::jsonb ->> 'pack' = $2 AND l.position < $3 ORDER BY l.position DESC LIMIT 1`, pack.PackStream, contents, last)
		if err != nil || len(own) == 0 {
			return err
		}
		p.Own = &pack.Own{Position: own[0].Position, Hash: own[0].Hash, Line: string(own[0].entry().Event)}
		p.Own.Proof, err = inclusion(ctx, tx, own[0].Position, last)
		return err
	})
	return p, pg.While(err, "prove what is in a pack")
}
