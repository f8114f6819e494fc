package queue

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/storage/pg"
)

// wakeRow is a step of a request that somebody should look at.
type wakeRow struct {
	Step      approval.Step
	RequestID string
}

// Stuck lists what a sweep should look at: waits and offers that have run out, or waits of which
// people should be reminded; those of which nobody has looked for a while whether all
// that they rest on is still there; questions, drafts and runs that have stood still for half a minute though nobody is at them and no
// job will come; blocked ones that should be tried again, because their time has
// come or somebody has changed a limit by which they are paid; requests that Slack does
// not show as they are; boxes that waited for reviewers and are to be seen to; and notices that nobody was told.
//
// The step of a draft is approval.NextStep in SQL, for the lock and the job to look for: whoever changes one changes the other.
// The sweep itself asks NextStep, so that one which differs costs a job in vain, and nothing else. Of a reading that was lost
// (File.ReadingLost) this sees nothing: it takes the file for read.
//
// Whether somebody is at a step is told by the lock of Alone, which dies with its
// process; a job that claims to be running may belong to a replica that was killed.
func (j *Jobs) Stuck(ctx context.Context) (wakes []steps.Wake, err error) {
	err = j.pool.Read(ctx, func(tx pgx.Tx) error {
		rows, err := pg.All[wakeRow](ctx, tx, `
			WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now), -- no index is looked up by what changes from row to row
			due AS (
				SELECT id, CASE state WHEN 'drafting' THEN CASE WHEN seek IS NOT NULL THEN 'find' WHEN edit IS NOT NULL OR written IS NOT NULL AND repeats IS NULL THEN 'inspect'
					WHEN files @? '$[*] ? (!exists(@.read_as))' THEN 'read' WHEN written IS NOT NULL THEN 'inspect' ELSE 'draft' END WHEN 'asking' THEN 'show' WHEN 'pending' THEN 'show' ELSE 'run' END AS step,
					coalesce(expires_at <= (SELECT now FROM clock), false) AS over
				FROM (
					SELECT * FROM requests WHERE expires_at IS NOT NULL AND expires_at <= (SELECT now FROM clock)
					UNION ALL
					SELECT * FROM requests WHERE state IN ('drafting', 'approved', 'running') AND (blocked IS NULL OR seek IS NOT NULL)
						AND changed_at < (SELECT now FROM clock) - interval '30 seconds') AS waits
				UNION ALL
				SELECT id, 'go on', true FROM requests
				WHERE blocked IS NOT NULL AND (blocked ->> 'until')::timestamptz <= (SELECT now FROM clock) AND expires_at > (SELECT now FROM clock)
				UNION ALL
				SELECT r.id, 'go on', true FROM requests r
				WHERE r.blocked IS NOT NULL AND r.expires_at > (SELECT now FROM clock)
					AND EXISTS (SELECT FROM events e CROSS JOIN LATERAL (SELECT e.data::jsonb -> 'scope' AS scope) AS of
						WHERE e.stream = 'budget' AND e.kind IN ('set limit', 'removed limit', 'reckoned') AND e.at > (r.blocked ->> 'at')::timestamptz
							AND scope ->> 'team' = r.team AND (scope ->> 'kind' = 'role' OR (scope ->> 'kind', scope ->> 'id')
								IN (('user', r.asker), ('session', r.session_id), ('project', r.project), ('team', r.team))))
				UNION ALL
				SELECT id, 'show', true FROM requests WHERE remind_at <= (SELECT now FROM clock)
				UNION ALL
				SELECT id, 'look', false FROM requests
				WHERE state = 'pending' AND away IS NULL AND expires_at > (SELECT now FROM clock)
					AND coalesce(looked_at, changed_at) < (SELECT now FROM clock) - interval '15 minutes'
				UNION ALL
				SELECT id, 'look', false FROM requests -- what waits for money does no step of its own that would look
				WHERE away IS NOT NULL AND state IN ('drafting', 'pending') AND (state = 'pending' OR blocked IS NOT NULL AND seek IS NULL) AND expires_at > (SELECT now FROM clock)
					AND coalesce(looked_at, changed_at) < (SELECT now FROM clock)
						- least(greatest(interval '10 seconds', ((SELECT now FROM clock) - (away ->> 'since')::timestamptz) / 10), interval '5 minutes')
				UNION ALL
				SELECT id, 'ready', false FROM requests
				WHERE ready_until IS NOT NULL AND (ready_until <= (SELECT now FROM clock)
					OR changed_at < (SELECT now FROM clock) - interval '30 seconds' AND (state <> 'pending' OR ready ->> 'box' IS NULL)
					OR EXISTS (SELECT FROM listed_boxes b WHERE b.box = ready ->> 'box' AND b.gone_at IS NOT NULL))
				UNION ALL
				SELECT request_id, 'show', true FROM handovers WHERE verdict IS NULL AND until <= (SELECT now FROM clock)
				UNION ALL
				SELECT id, 'show', false FROM requests
				WHERE (shown_at IS NULL OR shown_at < changed_at) AND changed_at < (SELECT now FROM clock) - interval '30 seconds'
				UNION ALL
				SELECT key, 'tell', false FROM notices WHERE told_at IS NULL AND at < (SELECT now FROM clock) - interval '30 seconds'
			), held AS (
				SELECT (classid::bigint << 32) | objid::bigint AS key FROM pg_locks
				WHERE locktype = 'advisory' AND objsubid = 1 AND granted
					AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			), coming AS MATERIALIZED ( -- read once, however long the queue: looked up one by one, a backlog takes minutes
				SELECT args ->> 'step' AS step, args ->> 'request_id' AS id FROM river_job
				WHERE kind = 'step' AND state IN ('available', 'pending', 'retryable', 'scheduled')
			)
			SELECT step, id AS request_id FROM due
			WHERE over OR (
				hashtextextended('alone ' || due.step || ' ' || due.id, 0) NOT IN (SELECT key FROM held)
				AND NOT EXISTS (SELECT FROM coming WHERE coming.step = due.step AND coming.id = due.id))
			GROUP BY step, id ORDER BY random() LIMIT 1000 -- in no order: a thousand that do not move leave the next sweep to others`)
		wakes = nil
		for _, row := range rows {
			wakes = append(wakes, steps.Wake{Step: row.Step, RequestID: row.RequestID})
		}
		return err
	})
	return wakes, pg.While(err, "list what is stuck")
}

// aloneKey names the lock of a step of a request; Stuck spells it the same way in SQL.
func aloneKey(id string, step approval.Step) string { return "alone " + string(step) + " " + id }

// Alone runs the work, unless another replica or goroutine is at the same step of the
// same request: then it returns steps.ErrBusy. The lock only avoids duplicate work;
// safety does not depend on it. It belongs to this replica's one session of Postgres
// (package pulse), which ends with the process. When that session dies and another one comes,
// whoever is at it here still is, unless somebody else has begun meanwhile: then the work's
// context ends.
func (j *Jobs) Alone(ctx context.Context, id string, step approval.Step, work func(context.Context) error) error {
	key := aloneKey(id, step)
	if _, busy := j.busy.LoadOrStore(key, true); busy {
		return steps.ErrBusy
	}
	defer j.busy.Delete(key)
	working, taken := context.WithCancelCause(ctx)
	defer taken(nil)
	mine, err := j.pulse.Lock(ctx, key, taken)
	if err != nil {
		return fmt.Errorf("lock step %s of %s: %w", step, id, err)
	}
	if !mine {
		return steps.ErrBusy
	}
	defer j.pulse.Unlock(ctx, key)
	return work(working)
}
