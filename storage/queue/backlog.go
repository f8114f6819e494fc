package queue

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/storage/pg"
	"countersign/storage/pulse"
)

// Backlog is how the queue stands, for an operator.
type Backlog struct {
	Waiting  int           // jobs that are due and nobody has taken
	Oldest   time.Duration // how long the oldest of them has been due
	Replicas int           // who works on this database, by their pulse
}

// Backlog looks at it, by the database's clock.
func (j *Jobs) Backlog(ctx context.Context) (b Backlog, err error) {
	err = j.pool.Read(ctx, func(tx pgx.Tx) error {
		var seconds float64
		err := tx.QueryRow(ctx, `
			SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(scheduled_at)), 0),
				(SELECT count(DISTINCT application_name) FROM pg_stat_activity
					WHERE datname = current_database() AND application_name LIKE 'countersign pulse %')
			FROM river_job WHERE state IN ('available', 'retryable', 'scheduled') AND scheduled_at <= clock_timestamp()`).Scan(&b.Waiting, &seconds, &b.Replicas)
		b.Oldest = time.Duration(seconds * float64(time.Second))
		return err
	})
	return b, pg.While(err, "look at the queue")
}

// Offered tells whether any replica that works on this database has a sandbox, by the name under which
// replicas offer them (WorkOptions.Offers).
func (j *Jobs) Offered(ctx context.Context, sandbox string) (there bool, err error) {
	err = j.pool.Read(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, pulse.Offered, pulse.Offering(sandbox)).Scan(&there)
	})
	return there, pg.While(err, "see which replicas have the sandbox")
}

// Demand is how many runs may come soon, and among how many replicas they fall.
type Demand struct {
	Waiting  int // requests that wait for a decision,
	Fresh    int // those of them that came before reviewers within the last hour
	Approved int // versions of code that somebody approved within it
	Due      int // requests that are approved and have not started
	Replicas int // who has the sandbox, this one too
}

// mostCounted is how far demand is counted: no machine has more boxes than that.
const mostCounted = 500

// Demand looks at it. What waits for money or for a file is not decided on now, and what was sealed for another
// kind of sandbox runs elsewhere.
func (j *Jobs) Demand(ctx context.Context, sandbox string) (d Demand, err error) {
	err = j.pool.Read(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			WITH waiting AS (SELECT v.at > clock_timestamp() - interval '1 hour' AS fresh
				FROM requests q JOIN revisions v ON v.request_id = q.id AND v.number = q.revision
				WHERE q.state = 'pending' AND q.expires_at > clock_timestamp() AND q.blocked IS NULL AND q.away IS NULL ORDER BY q.created_at DESC LIMIT $2)
			SELECT (SELECT count(*) FROM waiting), (SELECT count(*) FROM waiting WHERE fresh),
				(SELECT count(*) FROM (SELECT DISTINCT request_id, revision FROM decisions d
					WHERE d.verdict = 'approve' AND d.at > clock_timestamp() - interval '1 hour' LIMIT $2) lately),
				(SELECT count(*) FROM (SELECT FROM requests WHERE state = 'approved' LIMIT $2) due),
				(`+pulse.Offerers+`)`, pulse.Offering(sandbox), mostCounted).Scan(&d.Waiting, &d.Fresh, &d.Approved, &d.Due, &d.Replicas)
	})
	return d, pg.While(err, "see how many runs may come soon")
}

// Soon is how many runs may come soon: those that are approved, and no more than wait for a decision, and of those as many as came lately or as
// were approved lately, whichever is more. Of what has waited for longer one is expected at least.
func (d Demand) Soon() int { return d.Due + min(d.Waiting, max(d.Fresh, d.Approved, 1)) }

// Here is the part of it that falls to one of the replicas, which share the work.
func (d Demand) Here() int {
	n := max(d.Replicas, 1)
	return (d.Soon() + n - 1) / n
}
