package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// Keeping is what of requests is kept and what is forgotten. The schema decides what may go; this finds
// what is due, and asks.
type Keeping struct{ db *core }

// KeepingOf is that of a database.
func KeepingOf(db *DB) Keeping { return Keeping{db.core} }

// said appends an event to a workspace's people, and the row that it tells of. tells are the notices about it, if any; they
// are asked for before the row is there.
func (k Keeping) said(ctx context.Context, team, by string, kind approval.EventKind, person, row string, tells func(tx pgx.Tx, now time.Time) ([]approval.Notice, error), more ...any) error {
	return k.db.batched(ctx, pgx.TxOptions{}, false, func(t *pg.Tx) error {
		// The stream's lock first: of two administrators who press at once the second sees the first one's word.
		t.Queue(pg.TakeLock, trail.LockOf(trail.PeopleStream(team)))
		if err := t.Send(); err != nil {
			return err
		}
		now, err := pg.Clock(ctx, t.Tx)
		if err != nil {
			return err
		}
		var notices []approval.Notice
		if tells != nil {
			if notices, err = tells(t.Tx, now); err != nil {
				return err
			}
		}
		// The event before the row, which names its place: the schema takes no row of which the trail does not tell.
		told, err := k.db.notary.AppendEvents(ctx, t.Tx, trail.PeopleStream(team), []approval.Event{{At: now, Actor: by, Kind: kind, Data: map[string]any{"person": person}}})
		if err != nil {
			return err
		}
		if _, err = t.Tx.Exec(ctx, row, append([]any{team, person, by, now, told}, more...)...); err != nil || len(notices) == 0 {
			return err
		}
		return k.db.storeNotices(t, notices, nil, nil)
	})
}

// WantErased implements keeping.Store. Of the first wish the other administrators hear; while it counts, it is said once.
func (k Keeping) WantErased(ctx context.Context, team, person, by string) (others []string, err error) {
	tells := func(tx pgx.Tx, now time.Time) (list []approval.Notice, err error) {
		wanted, err := allOf(ctx, tx, `SELECT DISTINCT "by" FROM erasures WHERE (team, person) = ($1, $2) AND at > $3::timestamptz - interval '7 days' ORDER BY 1`, team, person, now)
		// A second administrator's wish is the one that makes it happen, so nobody is asked again.
		if err != nil || len(wanted) > 0 {
			others = slices.DeleteFunc(wanted, func(one string) bool { return one == by })
			return nil, err
		}
		// Named by its moment: a wish that lapsed and is made again is another notice, and is told again.
		said := approval.EraseWanted{Person: person, By: by, Until: now.Add(approval.EraseWindow)}
		return []approval.Notice{{Key: fmt.Sprintf("erase %s %s %d", team, person, now.UnixMicro()), Team: team, Kind: approval.NoticeErase, Admins: true, At: now, Data: approval.Encode(said)}}, nil
	}
	err = k.said(ctx, team, by, approval.EventAskedToErase, person, `INSERT INTO erasures (team, person, by, at, told) VALUES ($1, $2, $3, $4, $5)`, tells)
	return others, pg.While(err, "have forgotten what %s asked", person)
}

// HoldLegally implements keeping.Store.
func (k Keeping) HoldLegally(ctx context.Context, team, person, by string, held bool) error {
	kind := map[bool]approval.EventKind{true: approval.EventLegalHold, false: approval.EventLegalHoldEnded}[held]
	err := k.said(ctx, team, by, kind, person, `INSERT INTO legal_holds (team, person, by, at, told, held) VALUES ($1, $2, $3, $4, $5, $6)`, nil, held)
	return pg.While(err, "keep what %s asked", person)
}

// OnHold implements keeping.Store.
func (k Keeping) OnHold(ctx context.Context, team, person string) (held bool, err error) {
	err = k.db.read(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT on_legal_hold($1, $2)`, team, person).Scan(&held)
	})
	return held, pg.While(err, "look for a legal hold on %s", person)
}

// dueRow is a request of which something is to go.
type dueRow struct {
	Stream string
	Who    string
	Why    string
	Hashes []string // nil: all of it
}

// atATime bounds a round: the next one goes on.
const atATime = 200

// ForgetDue forgets what the workspaces' rules keep no longer, and what two administrators want forgotten.
// Each request is a transaction of its own, so a round that ends in the middle is gone on with by the next.
func (k Keeping) ForgetDue(ctx context.Context) (values int, err error) {
	var due []dueRow
	err = k.db.read(ctx, func(tx pgx.Tx) (err error) {
		// What is dear is asked last, and only of what has something left: most of what is old has not.
		due, err = pg.All[dueRow](ctx, tx, `
			WITH latest AS MATERIALIZED (SELECT DISTINCT ON (team) team, document #> '{privacy,keep}' AS keep FROM rules WHERE project = '' ORDER BY team, version DESC),
			keeps AS MATERIALIZED (SELECT team, now() - make_interval(days => least(nullif((keep ->> 'words')::integer, 0), nullif((keep ->> 'code')::integer, 0), nullif((keep ->> 'results')::integer, 0))) AS since
				FROM latest WHERE keep IS NOT NULL),
			-- Of a workspace that keeps everything no request is looked at.
			old AS MATERIALIZED (SELECT q.id FROM keeps
				CROSS JOIN LATERAL (SELECT r.id FROM requests r WHERE r.team = keeps.team AND r.changed_at < keeps.since
					AND r.state IN ('done', 'failed', 'rejected', 'expired', 'withdrawn', 'lost') OFFSET 0) q
				WHERE EXISTS (SELECT FROM contents c WHERE c.stream = 'request:' || q.id AND c.value IS NOT NULL))
			SELECT DISTINCT 'request:' || q.id AS stream, w."by" AS who, 'erasure' AS why, NULL::text[] AS hashes
				FROM (SELECT DISTINCT team, person FROM erasures) wanted -- of others nothing is erasable
				JOIN LATERAL (SELECT r.id FROM requests r WHERE r.team = wanted.team AND r.asker = wanted.person UNION
					SELECT v.id FROM requests r JOIN requests v ON v.repeats = r.id WHERE r.team = wanted.team AND r.asker = wanted.person) theirs ON true
				JOIN requests q ON q.id = theirs.id
				JOIN LATERAL (SELECT x."by" FROM erasures x WHERE x.team = q.team AND x.person IN (q.asker, (SELECT f.asker FROM requests f WHERE f.id = q.repeats)) AND erasable(q.id, x."by") ORDER BY x.seq DESC LIMIT 1) w ON true
				WHERE q.state IN ('done', 'failed', 'rejected', 'expired', 'withdrawn', 'lost') AND NOT request_on_hold(q.id)
					AND EXISTS (SELECT FROM contents c WHERE c.stream = 'request:' || q.id AND c.value IS NOT NULL)
			UNION ALL
			SELECT 'request:' || o.id, $1, 'retention', l.hashes FROM old o
				JOIN LATERAL (SELECT array_agg(hash) AS hashes FROM kept_no_longer('request:' || o.id) hash) l ON l.hashes IS NOT NULL
				WHERE NOT request_on_hold(o.id)
			UNION ALL
			SELECT e.stream, $1, 'summary', ARRAY[c.hash] FROM events e JOIN contents c ON c.hash = e.data::jsonb #>> '{text,salted_sha256}' AND c.value IS NOT NULL
				JOIN requests q ON q.id = substr(e.stream, length('request:') + 1)
				WHERE e.kind = 'summarised' AND q.state IN ('done', 'failed', 'rejected', 'expired', 'withdrawn', 'lost') AND NOT request_on_hold(q.id)
					AND tells_of_gone(e.stream, c.hash)
			UNION ALL
			SELECT c.stream, x."by", 'erasure', array_agg(c.hash)
				FROM (SELECT DISTINCT team, person FROM erasures) p
				JOIN events e ON e.stream = 'names:' || p.team AND e.kind = 'known as' AND e.data::jsonb ->> 'id' = p.person
				JOIN contents c ON c.hash = e.data::jsonb #>> '{name,salted_sha256}' AND c.value IS NOT NULL
				JOIN LATERAL (SELECT y."by" FROM erasures y WHERE y.team = p.team AND y.person = p.person AND name_erasable(c.stream, c.hash, y."by") ORDER BY y.seq DESC LIMIT 1) x ON true
				GROUP BY c.stream, x."by"
			LIMIT $2`, approval.System, atATime)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look for what is kept no longer: %w", err)
	}
	var failed error
	// What fails is tried again by the next round, in a minute: nothing here may keep the rest from going.
	for _, d := range due {
		n := 0
		err := k.db.write(ctx, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, `SELECT forget($1, $2, $3, $4)`, d.Stream, d.Hashes, d.Who, d.Why).Scan(&n)
		})
		if err != nil { // somebody has put it on hold meanwhile, or decided on it
			failed = errors.Join(failed, fmt.Errorf("forget %s: %w", d.Stream, err))
		}
		values += n
	}
	return values, errors.Join(failed, k.forgetReadings(ctx))
}

// dueReadings are those that a workspace's rule keeps no longer. What an open request rests on stays: the seal of its
// code names it. So does all of it while everybody is on hold.
const dueReadings = `FROM readings d JOIN (SELECT DISTINCT ON (team) team, (document #>> '{privacy,keep,readings}')::integer AS days FROM rules WHERE project = '' ORDER BY team, version DESC) r
	ON d.team = r.team AND r.days > 0 AND d.at < now() - make_interval(days => r.days)
	WHERE NOT on_legal_hold(d.team, '') AND NOT EXISTS (SELECT FROM requests q, jsonb_array_elements(q.files) f WHERE q.team = d.team AND q.project = d.project
		AND q.state IN ('drafting', 'asking', 'pending', 'approved', 'running') AND f ->> 'sha256' = d.file_sha256 AND f ->> 'read_as' = d.sha256)`

// listedRequests bounds the list of requests in an event.
const listedRequests = 200

// forgetReadings forgets them, a round's worth of each workspace, and says how many and of which requests.
func (k Keeping) forgetReadings(ctx context.Context) error {
	var teams []string
	err := k.db.read(ctx, func(tx pgx.Tx) (err error) {
		teams, err = allOf(ctx, tx, `SELECT DISTINCT d.team `+dueReadings+` ORDER BY 1`)
		return err
	})
	for _, team := range teams {
		err = errors.Join(err, k.db.write(ctx, func(tx pgx.Tx) error {
			// Deleting and telling are one transaction, under the lock: two replicas would count the same readings twice.
			if err := trail.LockStream(ctx, tx, trail.PeopleStream(team)); err != nil {
				return err
			}
			var count int
			var requests []string
			err := tx.QueryRow(ctx, `
				WITH due AS (SELECT d.ctid AS place `+dueReadings+` AND d.team = $1 ORDER BY d.at LIMIT $2),
				gone AS (DELETE FROM readings g USING due WHERE g.ctid = due.place RETURNING g.project, g.file_sha256, g.sha256)
				SELECT (SELECT count(*) FROM gone), ARRAY(SELECT DISTINCT q.id FROM gone JOIN requests q ON (q.team, q.project) = ($1, gone.project), jsonb_array_elements(q.files) f
					WHERE f ->> 'sha256' = gone.file_sha256 AND f ->> 'read_as' = gone.sha256 ORDER BY 1)`, team, atATime).Scan(&count, &requests)
			if err != nil || count == 0 {
				return err
			}
			now, err := pg.Clock(ctx, tx)
			if err != nil {
				return err
			}
			// An event has a bounded size: what is left out is counted.
			listed := requests[:min(len(requests), listedRequests)]
			_, err = k.db.notary.AppendEvents(ctx, tx, trail.PeopleStream(team), []approval.Event{{At: now, Actor: approval.System, Kind: approval.EventReadingsGone,
				Data: map[string]any{"count": count, "requests": listed, "more": len(requests) - len(listed)}}})
			return err
		}))
	}
	return pg.While(err, "forget readings that are kept no longer")
}
