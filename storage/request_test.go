package storage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

func TestRequestComesBackAsItWasStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, make := range []func(*testing.T, string) *approval.Request{b.ask, b.pending, b.approved, b.running, b.done} {
		r := make(t, approval.NewID(5))
		again, err := b.Request(t.Context(), r.ID)
		require.NoError(t, err)
		if r.Run != nil && r.Run.Result != nil {
			again.Run.Result.Artifacts = r.Run.Result.Artifacts // files are read by View alone
		}
		r.Holds = pg.OrNil(r.Holds)
		require.Equal(t, r, again)
		require.True(t, again.Revision == nil || again.Revision.Intact())
	}
}

func TestAskOnceHoweverOftenSlackDelivers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := make([]string, 32)
	created := make([]bool, 32)
	errs := together(32, func(i int) error {
		r, made, err := b.Ask(t.Context(), b.question("same"), approval.Session{Team: team, Channel: channel})
		if err == nil {
			ids[i], created[i] = r.ID, made
		}
		return err
	})
	made := 0
	for i := range errs {
		require.NoError(t, errs[i])
		require.Equal(t, ids[0], ids[i])
		if created[i] {
			made++
		}
	}
	require.Equal(t, 1, made)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM requests`))
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM sessions`), "who came too late leaves no session behind")
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM holds`))
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM messages`))
	require.Equal(t, 3, b.count(t, `SELECT count(*) FROM events WHERE stream <> 'keys'`), "asked, held, weighed")
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM river_job`), "find")
}

func TestAskInAThreadBelongsToItsSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thread := approval.Session{Team: team, Channel: channel, ThreadTS: "7.7"}
	first, _, err := b.Ask(t.Context(), b.question("1"), thread)
	require.NoError(t, err)
	second, _, err := b.Ask(t.Context(), b.question("2"), thread)
	require.NoError(t, err)
	elsewhere, _, err := b.Ask(t.Context(), b.question("3"), approval.Session{Team: team, Channel: "OTHER", ThreadTS: "7.7"})
	require.NoError(t, err)
	require.Equal(t, first.SessionID, second.SessionID)
	require.NotEqual(t, first.SessionID, elsewhere.SessionID)
}

func TestAskRunsOnTheDatabasesClock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var before, after time.Time
	require.NoError(t, b.pool.QueryRow(t.Context(), pg.TellTime).Scan(&before))
	c, err := b.Counter(t.Context(), approval.Question{Team: team, Project: channel, Asker: asker})
	require.NoError(t, err)
	require.NoError(t, b.pool.QueryRow(t.Context(), pg.TellTime).Scan(&after))
	require.WithinRange(t, c.Now, before, after)
	q := approval.New(approval.Question{Team: team, Project: channel, Asker: asker, Text: "?", Trigger: "t"}, "small", 1, b.policy, c.Now)
	r, _, err := b.Ask(t.Context(), q, approval.Session{Team: team, Channel: channel})
	require.NoError(t, err)
	require.Equal(t, c.Now, r.CreatedAt)
	require.Equal(t, r.CreatedAt, r.ChangedAt)
	require.Equal(t, b.policy.Expiry, r.ExpiresAt.Sub(r.CreatedAt))
	require.Equal(t, r.CreatedAt, r.Holds[0].At)
	events, err := b.Events(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, r.CreatedAt, events[0].At)
}

func TestUpdateStoresNothingWhenTheClosureFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	no := errors.New("no")
	_, err := b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		require.NoError(t, b.drafted(r, now))
		return no
	})
	require.Equal(t, no, err)
	again, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, r, again)
	for _, table := range []string{"revisions", "settlements", "charges"} {
		require.Zero(t, b.count(t, `SELECT count(*) FROM `+table))
	}
	require.Equal(t, 4, b.count(t, `SELECT count(*) FROM events WHERE stream <> 'keys'`))
	require.Equal(t, 3, b.count(t, `SELECT count(*) FROM river_job`), "find, draft, show")
}

func TestUpdateStoresNothingWhenTheMoneyIsNotThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	before := b.count(t, `SELECT count(*) FROM events`)
	_, err := b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVA", approval.Approve), 10*budget.Dollar, b.policy, now)
	})
	var exceeded *budget.ExceededError
	require.ErrorAs(t, err, &exceeded)
	require.Equal(t, budget.User, exceeded.Standing.Limit.Scope.Kind)
	require.Equal(t, 10*budget.Dollar-budget.Cent, exceeded.Standing.Left())
	require.Zero(t, b.count(t, `SELECT count(*) FROM decisions`))
	require.Equal(t, before, b.count(t, `SELECT count(*) FROM events`))
}

func TestUpdateRunsTheClosureAgainOnFreshStateAfterAConflict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	runs := 0
	again := b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		runs++
		require.Zero(t, r.Attempts)
		require.Empty(t, r.Changes.Events)
		if err := r.Money().Call(budget.Cent, budget.Cent, approval.Addressee{}, b.policy, now); err != nil {
			return err
		}
		if runs == 1 {
			// The connection goes in the middle of what is written, as when the server is restarted.
			return b.exec(t, `CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS
				$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
				CREATE TRIGGER gone BEFORE UPDATE ON holds FOR EACH ROW EXECUTE FUNCTION gone()`)
		}
		return b.exec(t, `DROP TRIGGER gone ON holds`)
	})
	require.Equal(t, 2, runs)
	require.Equal(t, 1, again.Attempts)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM events WHERE kind = 'called'`))
}

func TestEveryMoveOfTheVerbsCanBeStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	expired := func(r *approval.Request, now time.Time) error { return r.Expire(r.ExpiresAt) }
	withdrawn := func(r *approval.Request, now time.Time) error { return r.Withdraw(asker, now) }
	failed := func(r *approval.Request, now time.Time) error { return r.Fail(approval.Words("no"), now) }
	charge := budget.Charge{Kind: budget.Box, What: "local", Amount: 1}
	for name, c := range map[string]struct {
		from func(*testing.T, string) *approval.Request
		verb func(*approval.Request, time.Time) error
		to   approval.State
	}{
		"a draft is called for": {b.ask, func(r *approval.Request, now time.Time) error {
			return r.Money().Call(1, 1, approval.Addressee{}, b.policy, now)
		}, approval.Drafting},
		"a draft is refused": {b.ask, func(r *approval.Request, now time.Time) error {
			return r.Refuse(approval.Refusal{Code: "x", Reason: "y"}, now)
		}, approval.Drafting},
		"a draft is tried again": {b.ask, func(r *approval.Request, now time.Time) error { return r.Again("busy", now) }, approval.Drafting},
		"a draft fails":          {b.ask, failed, approval.Failed},
		"a draft expires":        {b.ask, expired, approval.Expired},
		"a draft is withdrawn":   {b.ask, withdrawn, approval.Withdrawn},
		"a review rejects": {b.pending, func(r *approval.Request, now time.Time) error {
			d := decision(r, "REVA", approval.Reject)
			d.Reason = "it deletes things"
			return r.Decide(d, 0, b.policy, now)
		}, approval.Rejected},
		"a review expires":         {b.pending, expired, approval.Expired},
		"a review is withdrawn":    {b.pending, withdrawn, approval.Withdrawn},
		"an approval fails":        {b.approved, failed, approval.Failed},
		"an approval expires":      {b.approved, expired, approval.Expired},
		"an approval is withdrawn": {b.approved, withdrawn, approval.Withdrawn},
		"a run is lost":            {b.running, func(r *approval.Request, now time.Time) error { return r.Lose(now) }, approval.Lost},
		"a run is void":            {b.running, func(r *approval.Request, now time.Time) error { return r.Void(approval.Words("no"), charge, now) }, approval.Failed},
		"a run is taken back": {b.running, func(r *approval.Request, now time.Time) error {
			return r.Unstart(&approval.BrokenSealError{Why: []approval.Reason{approval.Words("changed")}}, charge, r.Revision.Manifest, b.policy, now)
		}, approval.Pending},
		"a run is done": {b.running, func(r *approval.Request, now time.Time) error {
			return r.Finish(result(), charge, b.policy, now)
		}, approval.Done},
	} {
		r := c.from(t, name)
		moved, err := b.Update(t.Context(), r.ID, c.verb)
		require.NoError(t, err, name)
		require.Equal(t, c.to, moved.State, name)
		again, err := b.Request(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, c.to, again.State, name)
		if c.to.Final() {
			require.Empty(t, again.Holds, name)
		}
		_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
		require.NoError(t, err, name)
	}
}

// A run that never started makes room for one other, in another box, and is on record.
func TestARunThatWasTakenBackMakesRoomForAnother(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.running(t, "t")
	back := func(r *approval.Request, now time.Time) error {
		charge := budget.Charge{Kind: budget.Box, What: "local", Amount: 1000}
		return r.Unstart(&approval.BrokenSealError{Why: []approval.Reason{approval.Words("changed")}}, charge, r.Revision.Manifest, b.policy, now)
	}
	box := r.Run.BoxID
	r = b.update(t, r.ID, back)
	require.Equal(t, approval.Pending, r.State)
	again, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Nil(t, again.Run)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM unstarted_runs WHERE request_id = $1 AND box_id = $2 AND revision = 1`, r.ID, box))
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
	})
	require.Equal(t, approval.Approved, r.State)
	_, err = b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error { return r.Start(box, b.policy, now) })
	var move *approval.MoveError
	require.ErrorAs(t, err, &move, "the box that was given up")
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Start("another", b.policy, now) })
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Begin(now) })
	_, err = b.Update(t.Context(), r.ID, back)
	require.ErrorAs(t, err, &move, "what has begun is not taken back")
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM runs WHERE request_id = $1 AND box_id = 'another' AND revision = 2`, r.ID))
	require.Len(t, r.Holds, 1)
}

func TestUnknownIDsAreNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Request(t.Context(), "nobody")
	require.ErrorIs(t, err, approval.ErrNotFound)
	_, err = b.View(t.Context(), "nobody")
	require.ErrorIs(t, err, approval.ErrNotFound)
	_, err = b.Update(t.Context(), "nobody", func(*approval.Request, time.Time) error { panic("nothing to change") })
	require.ErrorIs(t, err, approval.ErrNotFound)
	require.ErrorIs(t, b.Threaded(t.Context(), "nobody", "1.1"), approval.ErrNotFound)
	require.Error(t, b.Posted(t.Context(), steps.Post{RequestID: "nobody", Surface: steps.SurfaceCard, Channel: "C", TS: "1"}, nil))
}

func TestTextThatPostgresCannotStoreLosesNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const dirty = "a\x00b\xff\\u0000"
	const clean = "a\uFFFDb\uFFFD\\u0000"
	r := b.running(t, "t")
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		r.Refused, r.Shared = append(r.Refused, approval.Refusal{Reason: dirty}), true
		return nil
	})
	again, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, clean, again.Refused[0].Reason)
	require.True(t, again.Shared)
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		res := result()
		res.Stdout, res.Error = dirty, dirty
		res.Artifacts[0].Name = dirty
		return r.Finish(res, budget.Charge{Kind: budget.Box, What: dirty, Amount: 1}, approval.DefaultPolicy(), now)
	})
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, clean, v.Request.Run.Result.Stdout)
	require.Equal(t, clean, v.Request.Run.Result.Error)
	require.Equal(t, clean, v.Artifacts[0].Name)
	require.Equal(t, clean, v.Bill[1].Charges[0].What)
	require.NoError(t, b.Audit(t.Context(), r.ID, approval.Event{Actor: "a\nb", Kind: approval.EventRefusedClick, Data: map[string]any{"what": dirty}}))
	events, err := b.Events(t.Context(), r.ID)
	require.NoError(t, err)
	last := events[len(events)-1]
	require.Equal(t, "a\uFFFDb", last.Actor)
	require.Equal(t, clean, last.Data["what"])
	_, err = b.VerifyChain(t.Context(), trail.StreamOf(r.ID))
	require.NoError(t, err)
}

func FuzzDocumentIsWhatPostgresTakes(f *testing.F) {
	for _, seed := range []string{"", `\u0000`, "\x00", `\\u0000`, "a\\\x00", "\xff", `"\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		spelling, err := pg.Document(map[string]string{"s": s}, "{}")
		require.NoError(t, err)
		// An escape of NUL is one whose backslash is not itself escaped.
		plain := strings.ReplaceAll(spelling, `\\`, "")
		require.NotContains(t, plain, `\u0000`)
		require.NotContains(t, pg.Text(s), "\x00")
		require.NotContains(t, pg.Line(s), "\n")
	})
}

func TestWaitsAreListedForReviewersAndAskers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	done := b.done(t, "1")
	first := b.pending(t, "2")
	second := b.pending(t, "3")
	drafting := b.ask(t, "4")
	ids := func(requests []*approval.Request, err error) (list []string) {
		require.NoError(t, err)
		for _, r := range requests {
			list = append(list, r.ID)
		}
		return list
	}
	require.Equal(t, []string{second.ID, first.ID}, ids(b.Pending(t.Context(), team, 10)))
	require.Equal(t, []string{second.ID}, ids(b.Pending(t.Context(), team, 1)))
	require.Empty(t, ids(b.Pending(t.Context(), "OTHER", 10)))
	require.Equal(t, []string{drafting.ID, second.ID, first.ID, done.ID}, ids(b.Recent(t.Context(), team, asker, 10)))
	require.Equal(t, []string{drafting.ID, second.ID}, ids(b.Recent(t.Context(), team, asker, 2)))
	require.Empty(t, ids(b.Recent(t.Context(), team, "OTHER", 10)))
}

// However many somebody sends at once: each counts those before it.
func TestNobodyHasMoreQuestionsUnderWayThanMayBe(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Options{MaxOpen: 3})
	thread := approval.Session{Team: team, Channel: channel}
	asked := make([]*approval.Request, 8)
	refused := 0
	for i, err := range together(len(asked), func(i int) (err error) {
		asked[i], _, err = b.Ask(t.Context(), b.question(fmt.Sprint(i)), thread)
		return err
	}) {
		if err == nil {
			continue
		}
		var in *approval.InputError
		require.ErrorAs(t, err, &in)
		require.Equal(t, approval.Reason{Code: approval.WhyManyQuestions, Count: 3}, in.Why)
		require.Nil(t, asked[i])
		refused++
	}
	require.Equal(t, 5, refused)
	require.Equal(t, 3, b.count(t, `SELECT count(*) FROM requests`))
	require.Equal(t, 3, b.count(t, `SELECT count(*) FROM holds`), "what was refused holds nothing")
	require.Equal(t, 3, b.count(t, `SELECT count(*) FROM sessions`))

	taken := slices.DeleteFunc(asked, func(r *approval.Request) bool { return r == nil })[0]
	again, created, err := b.Ask(t.Context(), b.question(taken.Trigger), thread)
	require.NoError(t, err, "a repeated delivery asks nothing more")
	require.False(t, created)
	require.Equal(t, taken.ID, again.ID)

	_, err = b.Update(t.Context(), taken.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(r.Asker, now) })
	require.NoError(t, err)
	_, created, err = b.Ask(t.Context(), b.question("later"), thread)
	require.NoError(t, err)
	require.True(t, created)
}
