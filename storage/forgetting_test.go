package storage

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/storage/audit"
	"countersign/storage/queue"
)

// What an open request rests on is not forgotten under it, and nothing is while everybody is on hold.
func TestNoReadingIsForgottenThatAnOpenRequestNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	keep := KeepingOf(b.DB)
	rules := review.DefaultRules(b.policy)
	rules.Privacy = &review.Privacy{Keep: review.Keep{Readings: 30}}
	_, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: rules, SetBy: "ADMIN"})
	require.NoError(t, err)
	r, other := b.ask(t, "1"), b.ask(t, "2")
	named := approval.Content{Team: r.Team, Project: r.Project, SHA256: approval.Hash([]byte("named")), Desk: "desk 1", Template: "t"}
	loose := named
	loose.SHA256 = approval.Hash([]byte("loose"))
	read := table("a")
	for _, c := range []approval.Content{named, loose} {
		require.NoError(t, b.KeepReading(t.Context(), c, read))
	}
	names := func(r *approval.Request, sum, as string) {
		b.update(t, r.ID, func(r *approval.Request, _ time.Time) error {
			r.Files[0].SHA256, r.Files[0].ReadAs = sum, as
			return nil
		})
	}
	names(r, named.SHA256, read.Reading.SHA256())
	names(other, loose.SHA256, approval.Hash([]byte("another reading")))
	left := func() (list []bool) {
		t.Helper()
		_, err := keep.ForgetDue(t.Context())
		require.NoError(t, err)
		for _, c := range []approval.Content{named, loose} {
			kept, err := b.Reading(t.Context(), c)
			require.NoError(t, err)
			list = append(list, kept.Answer != nil)
		}
		return list
	}
	require.Equal(t, []bool{true, true}, left(), "they were just made")
	require.NoError(t, b.exec(t, `UPDATE readings SET at = at - interval '31 days'`))
	require.NoError(t, keep.HoldLegally(t.Context(), team, "", "ADMIN", true))
	require.Equal(t, []bool{true, true}, left(), "everybody is on hold")
	require.NoError(t, keep.HoldLegally(t.Context(), team, "", "ADMIN", false))
	require.Equal(t, []bool{true, false}, left())
	gone := func() (said string) {
		t.Helper()
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT coalesce(string_agg(data, ' ' ORDER BY seq), '') FROM events WHERE stream = 'people:' || $1 AND kind = 'readings gone' AND signature IS NOT NULL`, team).Scan(&said))
		return said
	}
	require.Equal(t, `{"count":1,"more":0,"requests":[]}`, gone(), "nothing rested on it")
	stored, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.NotNil(t, stored.Files[0].Reading)
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(r.Asker, now) })
	there, err := b.UseReading(t.Context(), named)
	require.NoError(t, err)
	require.True(t, there)
	require.Equal(t, []bool{true, false}, left(), "it was used again")
	require.NoError(t, b.exec(t, `UPDATE readings SET at = at - interval '31 days'`))
	require.Equal(t, []bool{false, false}, left())
	require.Equal(t, []bool{false, false}, left(), "what is gone is said once")
	require.Equal(t, `{"count":1,"more":0,"requests":[]} {"count":1,"more":0,"requests":["`+r.ID+`"]}`, gone())
	there, err = b.UseReading(t.Context(), named)
	require.NoError(t, err)
	require.False(t, there)
}

// A round is by keys, and asks what is dear only of what has something left.
func TestARoundReadsNoWholeTableForARequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.done(t, "1")
	b.ages(t, r.ID, 40)
	rules := review.DefaultRules(b.policy)
	rules.Privacy = &review.Privacy{Keep: review.Keep{Words: 30, Code: 30, Results: 30}}
	_, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: rules, SetBy: "ADMIN"})
	require.NoError(t, err)
	// Tables as small as these are read whole unless nothing else is allowed; then only what has no key is.
	whole := func(table, sql string, args ...any) (scans int) {
		t.Helper()
		require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), `SET LOCAL enable_seqscan = off`); err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
				return err
			}
			return tx.QueryRow(t.Context(), `SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = $1`, table).Scan(&scans)
		}))
		return scans
	}
	require.Zero(t, whole("messages", `SELECT count(*) FROM kept_no_longer('request:' || $1)`, r.ID))
	require.Zero(t, whole("events", `SELECT count(*) FROM events WHERE kind = 'summarised'`))
	n, err := KeepingOf(b.DB).ForgetDue(t.Context())
	require.NoError(t, err)
	require.Positive(t, n)
	require.Zero(t, b.count(t, `SELECT count(*) FROM contents WHERE stream = 'request:' || $1 AND value IS NOT NULL`, r.ID))
	require.NoError(t, b.exec(t, `CREATE OR REPLACE FUNCTION kept_no_longer(of text) RETURNS SETOF text LANGUAGE plpgsql STABLE AS 'BEGIN RAISE EXCEPTION ''asked of %'', of; END'`))
	_, err = KeepingOf(b.DB).ForgetDue(t.Context())
	require.NoError(t, err, "it has nothing left")
}

// Rounds that never end hold no sweep up: alarms are the sweep's.
func TestWhatForgetsHoldsNoSweepUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	begun, swept, done := make(chan struct{}, 10), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- b.Work(ctx, func(context.Context, steps.Wake) error { return nil }, func(ctx context.Context) error {
			select {
			case swept <- struct{}{}:
			case <-ctx.Done():
			}
			return nil
		}, queue.WorkOptions{Sweep: "@every 1s", Drain: time.Millisecond, Ends: soon, Forget: func(ctx context.Context) error {
			begun <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}})
	}()
	<-begun
	<-swept
	<-swept
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM river_job WHERE kind = 'forget' AND state = 'running'`))
	cancel()
	require.NoError(t, <-done)
}

// turning has the schema's own events go by the clock that a test puts forward.
func (b *bundle) turning(t *testing.T) {
	t.Helper()
	require.NoError(t, b.exec(t, `ALTER FUNCTION tell SET search_path = turned, pg_catalog, public, pg_temp`))
}

// What two people want within seven days of each other is wanted until it is done, also where one of them audits by then.
func TestWhatTwoPeopleWantStaysWantedUntilItIsDone(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	b.turning(t)
	keep, log, begun := KeepingOf(b.DB), Log(b.DB), time.Now()
	r := b.done(t, "1")
	require.NoError(t, log.Called(t.Context(), team, map[string]string{r.Asker: "Maya"}))
	wants := func(days int, by string) {
		t.Helper()
		b.turnTo(t, begun.AddDate(0, 0, days))
		_, err := keep.WantErased(t.Context(), team, r.Asker, by)
		require.NoError(t, err)
	}
	forgets := func() int {
		t.Helper()
		n, err := keep.ForgetDue(t.Context())
		require.NoError(t, err)
		return n
	}
	require.NoError(t, keep.HoldLegally(t.Context(), team, r.Asker, "THIRD", true))
	wants(0, "FIRST")
	wants(9, "SECOND")
	require.NoError(t, keep.HoldLegally(t.Context(), team, r.Asker, "THIRD", false))
	require.Zero(t, forgets(), "nine days lie between the two words")
	require.NoError(t, keep.HoldLegally(t.Context(), team, r.Asker, "THIRD", true))
	wants(15, "FIRST")
	b.turnTo(t, begun.AddDate(0, 0, 40))
	require.NoError(t, keep.HoldLegally(t.Context(), team, r.Asker, "THIRD", false))
	wants(41, "THIRD") // alone with it: the other two agree
	require.NoError(t, b.DB.Name(t.Context(), review.Grant{Team: team, Role: review.RoleAuditor, User: "FIRST", By: "ADMIN"}))
	require.Positive(t, forgets())
	require.Equal(t, []bool{false, false, false}, b.left(t, r.ID))
	names, err := log.Names(t.Context())
	require.NoError(t, err)
	require.Empty(t, names)
	require.Zero(t, forgets())
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)
}

// An audit goes by whoever asked what a verification repeats as well: what the schema lets go on their account is no
// fault, and what goes from under their hold is one.
func TestAnAuditAsksWhoseWordsAVerificationHas(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	b.turning(t)
	keep := KeepingOf(b.DB)
	first := b.done(t, "first")
	verified := func() *approval.Request {
		r := b.update(t, b.repeat(t, first).ID, b.inspected(first.Revision.Code))
		return b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(r.Asker, now) })
	}
	one, two := verified(), verified()
	require.NotEqual(t, first.Asker, one.Asker)
	b.erasers(t, first.Asker)
	forget := func(r *approval.Request) error {
		require.NoError(t, b.exec(t, `SELECT forget('request:' || $1, NULL, 'ADMIN', 'erasure')`, r.ID))
		_, err := AuditorOf(b.DB).Request(t.Context(), r.ID)
		return err
	}
	require.NoError(t, forget(one))
	require.NoError(t, keep.HoldLegally(t.Context(), team, first.Asker, "THIRD", true))
	b.turnTo(t, time.Now().Add(2*time.Minute))
	require.NoError(t, b.exec(t, `ALTER TABLE contents DISABLE TRIGGER contents_stay_without_reason`))
	var differs *audit.DifferenceError
	require.ErrorAs(t, forget(two), &differs)
	require.Contains(t, differs.Error(), "was on legal hold")
}
