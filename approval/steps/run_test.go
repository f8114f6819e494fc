package steps

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

func TestOneQuestionFromAskToAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.result.Artifacts = []approval.Artifact{{Name: "chart.png", Kind: "chart", Data: []byte("png")}}
	r := b.approved()
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Done, r.State)
	require.Equal(t, "42", r.Run.Result.Value)
	require.Equal(t, "box-1", r.Run.BoxID)
	require.Equal(t, []string{"asked", "held", "weighed", "found", "held", "called", "weighed", "settled", "read", "called", "settled", "held", "written", "weighed", "called", "settled", "drafted", "approved", "held", "weighed", "started", "begun", "settled", "finished"}, b.kinds(r.ID))

	require.Equal(t, 1, b.box.starts())
	require.Zero(t, b.box.living(), "the box is gone")
	m := r.Revision.Manifest
	b.box.jobs[0].Inputs[0].Open = nil
	require.Equal(t, []map[string]string{{"sales.csv": "a,b\n1,2\n"}}, b.box.filled)
	require.Equal(t, []Job{{RequestID: r.ID, Code: goodCode, CodeSHA256: approval.Hash([]byte(goodCode)), Limits: m.Limits,
		Inputs: []InputFile{{Input: m.Inputs[0], Size: 8, Reading: r.Files[0].Reading, ReadAs: r.Files[0].ReadAs}}, Today: m.Today, Zone: "UTC"}}, b.box.jobs)
	require.Equal(t, r.CreatedAt.Format(time.DateOnly), m.Today)
	require.Equal(t, r.Files[0].Reading.SHA256(), m.Inputs[0].Reading)
	require.Equal(t, m, b.box.boxes[0].seal)

	s := b.spends(r.ID, budget.ForRun)
	require.Len(t, s, 1)
	require.Equal(t, "$0.000037", budget.Total(s[0].Charges).String(), "2 seconds at 18,500 billionths")
	require.Zero(t, b.open(r.ID))
	for _, surface := range []Surface{SurfaceRoot, SurfaceProgress, SurfaceCard, SurfaceAnswer, SurfaceFiles, SurfaceReply, SurfaceMark} {
		require.Equal(t, "done", b.store.posts[r.ID][surface].Shown, surface)
	}
	require.Equal(t, []approval.Artifact{{Name: "chart.png", Kind: "chart", Data: []byte("png")}}, b.slack.shared)
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, []approval.Artifact{{Name: "chart.png", Kind: "chart"}}, v.Artifacts, "what is in the files is read by who posts them")
	require.Equal(t, 7, b.slack.posted, "each message is posted once and then rewritten")
	require.NoError(t, b.Run(t.Context(), r.ID), "again, it does nothing")
	require.Equal(t, 1, b.box.starts())
}

func TestManyReplicasAtOneRunStartItOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		b := setup(t)
		r := b.approved()
		var all sync.WaitGroup
		for range 8 {
			// Not through Do: what keeps replicas apart is only there to save work.
			all.Go(func() { _ = b.Run(context.Background(), r.ID) })
		}
		all.Wait()
		require.Empty(t, b.work())
		require.Equal(t, approval.Done, b.request(r.ID).State)
		require.Equal(t, 1, b.box.starts())
		require.Equal(t, 1, b.count(r.ID, "started"))
		require.Equal(t, 1, b.count(r.ID, "finished"))
		require.Len(t, b.spends(r.ID, budget.ForRun), 1)
		require.Zero(t, b.box.living())
	}
}

// Another replica has named the very box that this one has just been given: it
// is not this one's to kill.
func TestAReplicaThatComesSecondLeavesTheNamedBoxAlive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	stale := b.request(r.ID)
	_, _, err := b.start(t.Context(), b.request(r.ID))
	require.NoError(t, err)
	_, _, err = b.start(t.Context(), stale)
	var move *approval.MoveError
	require.ErrorAs(t, err, &move)
	require.Equal(t, 1, b.box.living())
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.Equal(t, approval.Done, b.request(r.ID).State)
	require.Equal(t, 1, b.box.starts())
}

func TestARequestTakenBackWhileItsBoxIsMadeGivesTheBoxUp(t *testing.T) {
	t.Parallel()
	for name, killable := range map[string]bool{"killed": true, "not to be killed": false} {
		b := setup(t)
		r := b.approved()
		stale := b.request(r.ID)
		_, err := b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
		require.NoError(t, err)
		if !killable {
			b.faults.fail("Kill.before", errCrash)
		}
		_, _, err = b.start(t.Context(), stale)
		require.NoError(t, err, name)
		require.Equal(t, killable, b.box.living() == 0, name)
		require.Equal(t, !killable, strings.Contains(b.log.String(), "kill unused box"), name)
		require.Zero(t, b.box.starts())
		require.Equal(t, approval.Withdrawn, b.request(r.ID).State)
	}
}

func TestAnApprovalThatHasRunOutIsNotStarted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	b.store.pass(2 * time.Hour)
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.Zero(t, b.box.starts())
	require.Zero(t, b.box.living())
	require.Equal(t, approval.Expired, b.request(r.ID).State)
	require.Zero(t, b.open(r.ID))
}

func TestABoxThatCannotBeHadIsAskedForLaterOrEndsTheRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	b.store.jobs = nil
	b.faults.fail("Create.before", &BoxError{Err: errCrash, Words: "All boxes are busy.", Retry: true})
	var later *LaterError
	require.ErrorAs(t, b.Run(t.Context(), r.ID), &later)
	require.Equal(t, 5*time.Second, later.After)
	require.Equal(t, approval.Approved, b.request(r.ID).State)
	require.Equal(t, approval.Because(approval.WhyNoBox), b.request(r.ID).Reason)
	require.Contains(t, b.store.jobs, Wake{Step: approval.StepShow, RequestID: r.ID})
	b.faults.fail("Create.before", &BoxError{Err: errCrash, Words: "All boxes are busy.", Retry: true})
	require.ErrorAs(t, b.Run(t.Context(), r.ID), &later)
	require.Equal(t, 1, b.count(r.ID, "no box"), "said once")

	b.faults.fail("Create.before", &BoxError{Err: errCrash, Words: "The key for E2B is wrong."})
	require.NoError(t, b.Run(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, approval.Words("The key for E2B is wrong."), r.Reason)
	require.Zero(t, b.open(r.ID))

	r = b.approved()
	b.faults.fail("Create.before", &BoxError{Err: errCrash, Words: "All boxes are busy.", Retry: true})
	require.Error(t, b.Run(t.Context(), r.ID))
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.Equal(t, approval.Done, b.request(r.ID).State)
	require.Empty(t, b.request(r.ID).Reason)
}

func TestANamedBoxThatIsGoneIsLost(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"Result.before", "Start.before", "Result.after"} {
		b := setup(t)
		r := b.approved()
		b.faults.fail(point, errors.Join(errCrash, ErrBoxGone))
		require.Empty(t, b.work(), point)
		r = b.request(r.ID)
		require.Equal(t, approval.Lost, r.State, point)
		s := b.spends(r.ID, budget.ForRun)[0]
		require.True(t, s.Estimated)
		require.Equal(t, r.Revision.Manifest.CostCap, budget.Total(s.Charges))
		require.Equal(t, "local", s.Charges[0].What)
		require.LessOrEqual(t, b.box.starts(), 1)
	}
}

func TestABoxThatRefusesTheCodeForGoodVoidsTheRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	b.faults.fail("Start.before", &BoxError{Err: errCrash, Words: "The inputs do not fit on the sandbox's disk."})
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, approval.Words("The inputs do not fit on the sandbox's disk."), r.Reason)
	require.Equal(t, 1, b.count(r.ID, "voided"))
	s := b.spends(r.ID, budget.ForRun)
	require.Len(t, s, 1, "the box is paid for, once")
	require.False(t, s[0].Estimated)
	require.Zero(t, b.box.starts())
	require.Zero(t, b.box.living())
}

func TestAReplicaWithoutASandboxLeavesABoxElsewhereAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.size.Kind, b.Prices = "e2b", budget.Prices{Models: b.Prices.Models, Boxes: []budget.BoxPrice{b.Prices.Boxes[0]}}
	b.Prices.Boxes[0].Kind = "e2b"
	r := b.approved()
	b.faults.kill("commit started.after")
	require.ErrorIs(t, b.replica(func() error { return b.Run(context.Background(), r.ID) }), errCrash)
	box := b.stand.Sandbox
	b.stand.Sandbox = NoSandbox{Why: "no key"}
	var later *LaterError
	require.ErrorAs(t, b.Run(t.Context(), r.ID), &later)
	require.Equal(t, approval.Running, b.request(r.ID).State)
	b.stand.Sandbox = box
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.Equal(t, approval.Done, b.request(r.ID).State)
}

// A local replica knows nothing of boxes at E2B, so it cannot say that one is gone.
func TestAReplicaWithAnotherSandboxLeavesABoxElsewhereAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Prices.Boxes = append(b.Prices.Boxes, budget.BoxPrice{Kind: "e2b", From: epoch, VCPU: 14_000, GiB: 4_500})
	b.box.size.Kind = "e2b"
	r := b.approved()
	b.faults.kill("commit started.after")
	require.ErrorIs(t, b.replica(func() error { return b.Run(context.Background(), r.ID) }), errCrash)
	b.box.size.Kind = "local"
	var later *LaterError
	require.ErrorAs(t, b.Run(t.Context(), r.ID), &later)
	require.Equal(t, approval.Running, b.request(r.ID).State)

	// Nobody will ever come for it: its hold must not stay for ever.
	b.store.mu.Lock()
	b.store.requests[r.ID].Run.StartedAt = time.Now().Add(-orphanLife - time.Hour)
	b.store.mu.Unlock()
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.Equal(t, approval.Lost, b.request(r.ID).State)
	require.Zero(t, b.open(r.ID))
}

// Slack need not answer twice for one run: between naming the box and starting the
// code there is nothing to wait for but the box.
func TestInputsAreReadOnceForARun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	before := len(b.faults.passed)
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.Equal(t, approval.Done, b.request(r.ID).State)
	fetches := 0
	for _, point := range b.faults.passed[before:] {
		if point == "Fetch.before" {
			fetches++
		}
	}
	require.Equal(t, 1, fetches)
	require.Equal(t, "a,b\n1,2\n", b.box.filled[0]["sales.csv"])
}

func TestARunThatGoesOnIsWaitedForAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	b.store.jobs = nil
	b.faults.fail("Result.after", context.DeadlineExceeded)
	require.ErrorIs(t, b.Run(t.Context(), r.ID), context.DeadlineExceeded)
	require.Equal(t, approval.Running, b.request(r.ID).State)
	require.Equal(t, 1, b.open(r.ID))
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.Equal(t, approval.Done, b.request(r.ID).State)
	require.Equal(t, 1, b.box.starts())
}

func TestAReplicaThatIsToldToStopKeepsTheResultItHas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	ctx, stop := context.WithCancel(t.Context())
	b.box.ended = stop
	require.NoError(t, b.Run(ctx, r.ID))
	require.Equal(t, approval.Done, b.request(r.ID).State)
	require.Zero(t, b.box.living())
}

func TestARunIsChargedItsCapWhenItsPriceHasGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	b.Prices.Boxes = nil
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Done, r.State)
	require.Equal(t, r.Revision.Manifest.CostCap, budget.Total(b.spends(r.ID, budget.ForRun)[0].Charges))
}

func TestABoxThatLivedLongerThanAgreedIsOurLoss(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.result.Box = time.Hour
	r := b.approved()
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, r.Revision.Manifest.CostCap, budget.Total(b.spends(r.ID, budget.ForRun)[0].Charges))
}

func TestATracebackIsAnEndToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.result = approval.Result{Outcome: approval.Raised, Error: "KeyError: 'x'", Box: time.Second}
	r := b.approved()
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(r.ID).State)
	require.ErrorIs(t, b.Run(t.Context(), "nobody"), approval.ErrNotFound)
}

// Approved code may be hostile: it can remove the mark that keeps it from being
// started twice, and crash the replica that watches. The row remembers.
func TestCodeThatRemovesItsMarkIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	b.faults.kill("Result.after") // it ran, and nobody heard the end
	require.ErrorIs(t, b.replica(func() error { return b.Run(context.Background(), r.ID) }), errCrash)
	require.False(t, b.request(r.ID).Run.BegunAt.IsZero())
	b.box.mu.Lock()
	b.box.boxes[0].starts = 0 // the mark is gone
	b.box.mu.Unlock()
	b.faults.fail("Kill.before", errCrash)
	require.ErrorIs(t, b.Run(t.Context(), r.ID), errCrash)
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.Equal(t, approval.Lost, b.request(r.ID).State)
	require.Len(t, b.box.jobs, 1, "no second start")
	require.Zero(t, b.box.living())
	require.True(t, b.spends(r.ID, budget.ForRun)[0].Estimated)
}

// Whoever watches a program waits until Slack has its line: while Slack hangs, the box is paid.
func TestAProgramWaitsForSlackForAMomentOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	b.faults.kill("Result.after")
	require.ErrorIs(t, b.replica(func() error { return b.Run(context.Background(), r.ID) }), errCrash)
	r = b.request(r.ID)
	told := 0
	b.slack.running = func(ctx context.Context) {
		told++
		until, ends := ctx.Deadline()
		require.True(t, ends)
		require.LessOrEqual(t, time.Until(until), 2*time.Second)
	}
	heard := b.lines(t.Context(), r)
	TellLine(heard, "row 1 of 2")
	require.Equal(t, 1, told)
	b.store.requests[r.ID].Run.StoppedAt = time.Now() // cancelled: the message that says so is not written over
	TellLine(heard, "row 2 of 2")
	require.Equal(t, 1, told)
}

// Somebody has deleted the message in which a run's lines are told: the next line posts another one, which would stand there for
// ever if nobody remembered it.
func TestTheMessageOfARunIsRememberedEachTimeItIsAnotherOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	b.faults.kill("Result.after")
	require.ErrorIs(t, b.replica(func() error { return b.Run(context.Background(), r.ID) }), errCrash)
	heard := b.lines(t.Context(), b.request(r.ID))
	told := func(ts, shown string) string {
		b.slack.line = Post{RequestID: r.ID, Surface: SurfaceRunning, Channel: "D", TS: ts, Shown: shown}
		TellLine(heard, shown)
		return b.store.posts[r.ID][SurfaceRunning].TS
	}
	require.Equal(t, "1", told("1", "row 1 of 4"))
	require.Equal(t, "1", told("1", "row 2 of 4"))
	require.Equal(t, "2", told("2", "row 3 of 4"))
	b.faults.fail("Posted.before", errCrash)
	require.Equal(t, "2", told("3", "row 3 of 4"), "the database was away")
	require.Equal(t, "3", told("3", "row 4 of 4"))
}
