package steps

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

func TestDoKeepsReplicasApartAndForgetsUnknownSteps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.askAndRead()
	b.writer.then = func() {
		require.ErrorIs(t, b.Do(context.Background(), Wake{Step: approval.StepDraft, RequestID: r.ID}), ErrBusy)
	}
	require.NoError(t, b.Do(t.Context(), Wake{Step: approval.StepDraft, RequestID: r.ID}))
	require.Len(t, b.writer.briefs, 1)
	require.NoError(t, b.Do(t.Context(), Wake{Step: "dance", RequestID: r.ID}))
	require.Contains(t, b.log.String(), "a job for an unknown step")
}

func TestAJobThatComesTooLateChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, state := range approval.States() {
		r := inState(t, state)
		r.Holds = nil
		b.store.requests[r.ID] = r
		before := b.request(r.ID)
		if state != approval.Drafting {
			require.NoError(t, b.Draft(t.Context(), r.ID), state)
		}
		if state != approval.Approved && state != approval.Running {
			require.NoError(t, b.Run(t.Context(), r.ID), state)
		}
		require.Equal(t, before, b.request(r.ID))
	}
	require.Empty(t, b.writer.briefs)
	require.Empty(t, b.box.boxes)
}

func TestEachStateHasItsMessages(t *testing.T) {
	t.Parallel()
	start, review := []Surface{SurfaceRoot, SurfaceProgress}, []Surface{SurfaceRoot, SurfaceCard, SurfaceProgress}
	for state, want := range map[approval.State][]Surface{
		approval.Drafting: start, approval.Failed: append(start[:2:2], SurfaceReply),
		approval.Pending: review, approval.Approved: review, approval.Running: review, approval.Withdrawn: review,
		approval.Rejected: append(review[:3:3], SurfaceReply), approval.Expired: append(review[:3:3], SurfaceReply),
		approval.Lost: append(review[:3:3], SurfaceReply), approval.Done: append(review[:3:3], SurfaceAnswer, SurfaceFiles, SurfaceReply),
	} {
		v := &View{Request: inState(t, state), Artifacts: []approval.Artifact{{Name: "a.png"}}}
		require.Equal(t, append(want, SurfaceMark), surfaces(v), state)
	}
	done := &View{Request: inState(t, approval.Done)}
	done.Request.Run.Result.Stdout = ""
	require.Equal(t, append(review[:3:3], SurfaceReply, SurfaceMark), surfaces(done), "without charts the answer is one message")
	done.Artifacts = []approval.Artifact{{Name: "a.csv"}}
	require.Equal(t, append(review[:3:3], SurfaceReply, SurfaceSheets, SurfaceMark), surfaces(done), "other files come last")
	done.Artifacts, done.Request.Run.Result.Stdout = nil, "printed"
	require.Contains(t, surfaces(done), SurfaceSheets, "what was printed may be too long for a message")
}

func TestShowPostsWhatIsMissingAndRemembersIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask()
	require.NoError(t, b.Show(t.Context(), r.ID))
	require.Equal(t, []Surface{SurfaceRoot, SurfaceProgress, SurfaceMark}, b.slack.drawn)
	require.Equal(t, "ts-1", b.store.sessions[r.SessionID].ThreadTS)
	remembered := 0
	for _, point := range b.faults.passed {
		if point == "Posted.before" {
			remembered++
		}
	}
	require.Equal(t, 3, remembered)
	require.NoError(t, b.Show(t.Context(), r.ID))
	require.Equal(t, 3, b.slack.posted)
	b.faults.fail("Posted.before", errCrash)
	require.NoError(t, b.Show(t.Context(), r.ID), "what has not changed is not remembered again")
}

func TestShowGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"Publish root", "Publish progress", "Posted.before", "Threaded.before"} {
		b := setup(t)
		r := b.ask()
		b.faults.fail(point, errCrash)
		require.ErrorIs(t, b.Show(t.Context(), r.ID), errCrash, point)
		require.NoError(t, b.Show(t.Context(), r.ID), point)
		require.Len(t, b.store.posts[r.ID], 3, point)
		require.NotEmpty(t, b.store.sessions[r.SessionID].ThreadTS, point)
	}
	b := setup(t)
	b.box.result.Artifacts = []approval.Artifact{{Name: "chart.png"}}
	r := b.approved()
	b.faults.fail("Artifacts.before", errCrash)
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.ErrorIs(t, b.Show(t.Context(), r.ID), errCrash)
	require.NoError(t, b.Show(t.Context(), r.ID))
	require.Contains(t, b.store.posts[r.ID], SurfaceReply)
	require.ErrorIs(t, b.Show(t.Context(), "nobody"), approval.ErrNotFound)
}

func TestAPlaceThatCannotBeReachedKeepsNoOtherFromBeingDrawn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.result.Artifacts = []approval.Artifact{{Name: "chart.png"}}
	r := b.approved()
	require.NoError(t, b.Run(t.Context(), r.ID))
	for lost, want := range map[Surface][]Surface{
		SurfaceRoot:     nil, // there is no thread to speak in
		SurfaceProgress: {SurfaceRoot, SurfaceCard, SurfaceAnswer, SurfaceFiles, SurfaceReply, SurfaceMark},
		SurfaceCard:     {SurfaceRoot, SurfaceProgress, SurfaceAnswer, SurfaceFiles, SurfaceReply, SurfaceMark},
		SurfaceAnswer:   {SurfaceRoot, SurfaceCard, SurfaceProgress},
		SurfaceFiles:    {SurfaceRoot, SurfaceCard, SurfaceProgress, SurfaceAnswer}, // the rest comes after them
	} {
		b.slack.drawn = nil
		b.faults.fail("Publish "+string(lost), closed())
		require.ErrorIs(t, b.Show(t.Context(), r.ID), ErrNoPlace, "it is tried again")
		require.Equal(t, want, b.slack.drawn, lost)
	}
	for _, n := range b.store.notices {
		require.NotEqual(t, approval.NoticeNoPlace, n.Kind, "nobody waits for a card any more")
	}
}

func TestAReviewChannelThatTakesNoCardIsToldToThoseWhoCanMendIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	waiting := []*approval.Request{b.pending(), b.pending()}
	b.faults.lasting = true
	b.faults.fail("Publish card", closed())
	for _, r := range waiting {
		require.ErrorIs(t, b.Show(t.Context(), r.ID), ErrNoPlace)
		require.ErrorIs(t, b.Show(t.Context(), r.ID), ErrNoPlace)
		require.Contains(t, b.store.posts[r.ID], SurfaceProgress)
		require.True(t, b.slack.unseen[SurfaceCard].Repeats(), "the asker reads it")
	}
	require.Len(t, b.store.notices, 1, "once a day")
	for _, n := range b.store.notices {
		require.Equal(t, approval.NoticeNoPlace, n.Kind)
		require.True(t, n.Admins)
		require.JSONEq(t, `{"channel": "C-review", "why": "archived", "code": "is_archived", "cards": true, "example": "`+waiting[0].ID+`"}`, string(n.Data))
	}
}

func TestTheViewHasThePolicyAndTheBill(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, b.Policy, v.Policy)
	require.Len(t, v.Bill, 3, "the reading, the call and its inspection")
	require.Equal(t, budget.User, v.Standings[0].Limit.Scope.Kind)
	require.True(t, v.Standings[0].Limit.Default)
	_, err = b.View(t.Context(), "nobody")
	require.ErrorIs(t, err, approval.ErrNotFound)
}

func TestASweepEndsWaitsThatHaveRunOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pending := b.pending()
	approved := b.approved()
	b.store.jobs = nil
	b.store.pass(25 * time.Hour)
	require.NoError(t, b.Sweep(t.Context()))
	for _, r := range []*approval.Request{pending, approved} {
		require.Equal(t, approval.Expired, b.request(r.ID).State)
		require.Zero(t, b.open(r.ID))
		require.Contains(t, b.box.discarded, r.ID)
		require.Contains(t, b.store.jobs, Wake{Step: approval.StepShow, RequestID: r.ID})
	}
	require.Empty(t, b.work())
	require.Zero(t, b.box.starts())
}

func TestASweepWakesWhatNobodyWorksOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	running := b.approved()
	_, err := b.store.Update(t.Context(), running.ID, func(r *approval.Request, now time.Time) error { return r.Start("box-7", b.Policy, now) })
	require.NoError(t, err)
	b.store.jobs = nil
	approved := b.approved()
	b.store.jobs = nil
	drafting := b.ask()
	b.store.jobs = nil // every wake-up call was lost
	b.store.pass(5 * time.Minute)
	require.NoError(t, b.Sweep(t.Context()))
	for _, want := range []Wake{{Step: approval.StepRead, RequestID: drafting.ID}, {Step: approval.StepRun, RequestID: approved.ID}, {Step: approval.StepRun, RequestID: running.ID}} {
		require.Contains(t, b.store.jobs, want)
	}
	require.Empty(t, b.work())
	require.Equal(t, approval.Pending, b.request(drafting.ID).State)
	require.Equal(t, approval.Done, b.request(approved.ID).State)
	require.Equal(t, approval.Lost, b.request(running.ID).State)
}

func TestASweepSettlesHoldsThatNobodyWill(t *testing.T) {
	t.Parallel()
	b := setup(t)
	called, idle := b.ask(), b.ask()
	b.faults.kill("Write.before")
	require.ErrorIs(t, b.replica(func() error { return b.Draft(context.Background(), called.ID) }), errCrash)
	b.store.jobs = nil
	require.NoError(t, b.Sweep(t.Context()))
	require.Equal(t, 1, b.open(called.ID), "not before its time")
	b.store.pass(16 * time.Minute)
	require.NoError(t, b.Sweep(t.Context()))
	require.Zero(t, b.open(idle.ID))
	require.Empty(t, b.spends(idle.ID, budget.ForDraft)[0].Charges)
	require.True(t, b.request(called.ID).Holds[0].Uncertain(), "nobody knows what was billed")
	require.Empty(t, b.work())
	require.Equal(t, approval.Pending, b.request(idle.ID).State, "it goes on with a hold of its own")
	require.Zero(t, b.open(idle.ID))
	b.sweepUncertain()
	require.Zero(t, b.open(called.ID))
}

func TestASweepIsNotStoppedByOneRequest(t *testing.T) {
	t.Parallel()
	for point, logged := range map[string]string{"Update.before": "sweep", "Wake read": "sweep", "Wake show": "sweep"} {
		b := setup(t)
		first, second := b.ask(), b.ask()
		b.store.jobs = nil
		b.store.pass(2 * time.Minute)
		b.faults.fail(point, errCrash)
		require.NoError(t, b.Sweep(t.Context()), point)
		require.Contains(t, b.log.String(), logged)
		require.Contains(t, b.log.String(), first.ID)
		require.Contains(t, b.store.jobs, Wake{Step: approval.StepRead, RequestID: second.ID}, point)
	}
	b := setup(t)
	b.ask()
	b.store.pass(20 * time.Minute)
	b.store.faults.lasting = true
	b.faults.fail("Update.before", errCrash)
	require.NoError(t, b.Sweep(t.Context()))
	require.Contains(t, b.log.String(), "settle stale holds")
	for _, point := range []string{"Stuck.before", "StaleHolds.before"} {
		b := setup(t)
		b.faults.fail(point, errCrash)
		require.ErrorIs(t, b.Sweep(t.Context()), errCrash)
	}
}

func TestOnlyAdministratorsChangeBudgets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	limit := budget.Limit{Scope: budget.Scope{Team: "T1", Kind: budget.User, ID: "U7"}, Amount: 25 * budget.Dollar, Window: budget.Month}
	for who, why := range map[string]string{"asker": "Only administrators can change budgets.", "R1": "Only administrators can change budgets.",
		"guest": "Guests cannot decide.", "gone": "This account has been deactivated."} {
		var no *approval.NotAllowedError
		require.ErrorAs(t, b.SetLimit(t.Context(), who, limit), &no)
		require.Equal(t, why, reasons.Words(no.Why))
	}
	b.faults.fail("Person.before", errCrash)
	require.ErrorIs(t, b.SetLimit(t.Context(), "admin", limit), errCrash)
	require.Empty(t, b.store.limits)
	require.NoError(t, b.SetLimit(t.Context(), "admin", limit))
	require.Equal(t, []string{"admin"}, b.store.limitLog)

	standings, err := b.Budgets(t.Context(), "T1", "U7", "C1")
	require.NoError(t, err)
	require.Equal(t, limit, standings[0].Limit)
	require.Len(t, standings, 1, "the team has no limit, and neither has the channel")
	here := b.limit(budget.Project, "C1", budget.Dollar, budget.Month, budget.LimitPolicy{})
	for channel, n := range map[string]int{"C1": 2, "C2": 1, "": 1} {
		standings, err = b.Budgets(t.Context(), "T1", "U7", channel)
		require.NoError(t, err)
		require.Len(t, standings, n, channel)
	}
	standings, err = b.Budgets(t.Context(), "T1", "U7", "C1")
	require.NoError(t, err)
	require.Equal(t, here, standings[1].Limit.Scope)
}

func TestTheSmallListings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, []string{"m1", "m2", "gone-model"}, b.Models())
	r := b.pending()
	recent, err := b.Recent(t.Context(), "T1", "asker")
	require.NoError(t, err)
	require.Equal(t, r.ID, recent[0].ID)
}
