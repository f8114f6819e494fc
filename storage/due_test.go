package storage

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/pglocal/pgtest"
	"countersign/storage/queue"
)

// otherClock is an address of the database by which its clock is ahead of this machine's, or
// behind it: every statement, and the guard of the queue, finds a now and a clock_timestamp before Postgres' own.
func (b *bundle) otherClock(t *testing.T, ahead string) string {
	t.Helper()
	for _, name := range []string{"now", "clock_timestamp"} {
		require.NoError(t, b.exec(t, `CREATE SCHEMA IF NOT EXISTS odd`))
		require.NoError(t, b.exec(t, `CREATE FUNCTION odd.`+name+`() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog.`+name+`() + interval '`+ahead+`' $$`))
	}
	require.NoError(t, b.exec(t, `GRANT USAGE ON SCHEMA odd TO PUBLIC`))
	require.NoError(t, b.exec(t, `ALTER FUNCTION countersign_due SET search_path = odd, pg_catalog, public`))
	u, err := url.Parse(pgtest.Serve(b.url))
	require.NoError(t, err)
	q := u.Query()
	q.Set("search_path", "odd,pg_catalog,public")
	u.RawQuery = q.Encode()
	return u.String()
}

// TestJobsAreDueByTheDatabasesClock has replicas whose clocks are off, by seconds and by hours:
// new work, work that is put off, work that failed and the sweep are done all the same.
func TestJobsAreDueByTheDatabasesClock(t *testing.T) {
	t.Parallel()
	for _, ahead := range []string{"-5 seconds", "-3 hours", "3 hours"} {
		t.Run("the database is ahead by "+ahead, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var log lines
			db, err := Open(t.Context(), b.otherClock(t, ahead), Options{Log: logger(&log), Key: testKey})
			require.NoError(t, err)
			t.Cleanup(db.Close)
			var seen wakes
			swept := make(chan struct{}, 2)
			ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
			done := make(chan error, 1)
			answers := map[approval.Step]error{
				approval.StepFind:  &steps.LaterError{After: 10 * time.Millisecond, Err: errors.New("a moment")},
				approval.StepDraft: &steps.LaterError{After: 6 * time.Second, Err: errors.New("River would leave this to its leader")},
				approval.StepRun:   errors.New("a fault"),
				approval.StepTell:  steps.ErrBusy,
			}
			go func() {
				done <- db.Work(ctx, func(_ context.Context, w steps.Wake) error {
					if seen.add(w) == 1 {
						return answers[w.Step]
					}
					return nil
				}, func(context.Context) error { tick(swept); return nil }, queue.WorkOptions{Sweep: "@every 1s", Ends: soon})
			}()
			for step := range answers {
				require.NoError(t, db.Wake(t.Context(), steps.Wake{Step: step, RequestID: "r"}))
			}
			for step := range answers {
				eventually(t, func() bool { return seen.of(steps.Wake{Step: step, RequestID: "r"}) == 2 })
			}
			<-swept
			<-swept
			eventually(t, func() bool { return contains(&log, "this machine's clock is not the database's") })
			cancel()
			require.NoError(t, <-done)
			apart, err := db.Apart(t.Context())
			require.NoError(t, err)
			require.Greater(t, apart.Abs(), 4*time.Second)
		})
	}
}

// TestAReplicaThatStampsJobsWronglyStampsNothing says the same of the rows themselves.
func TestAReplicaThatStampsJobsWronglyStampsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, stamp := range []string{"now() + interval '10 minutes'", "now() - interval '10 minutes'"} {
		require.NoError(t, b.exec(t, `INSERT INTO river_job (args, kind, max_attempts, queue, state, scheduled_at) VALUES ('{}', 'step', 25, 'run', 'available', `+stamp+`)`))
	}
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM river_job WHERE scheduled_at BETWEEN now() - interval '5 minutes' AND now()`))
	require.NoError(t, b.exec(t, `UPDATE river_job SET state = 'running', metadata = '{"pause": 30000000}'`))
	require.NoError(t, b.exec(t, `UPDATE river_job SET state = 'retryable', scheduled_at = now() + interval '10 minutes'`))
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM river_job WHERE state = 'available' AND scheduled_at BETWEEN now() - interval '5 minutes' AND now() + interval '30 seconds'`))
}
