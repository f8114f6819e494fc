package steps

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

func TestAnApprovalHoldsTheMoneyForTheRunAndWakesIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	require.Len(t, r.Holds, 1)
	require.Equal(t, budget.ForRun, r.Holds[0].Purpose)
	require.Equal(t, r.Revision.Manifest.CostCap, r.Holds[0].Amount)
	require.Equal(t, []Wake{{Step: approval.StepTell, RequestID: fmt.Sprintf("approved %s 1 R1", r.ID)}, {Step: approval.StepRun, RequestID: r.ID}, {Step: approval.StepShow, RequestID: r.ID}}, b.store.jobs)
	require.Len(t, r.Decisions, 1)
	require.Equal(t, approval.Click{Team: "T1", User: "R1", ActionTS: "click of R1", Channel: "review", MessageTS: "1.1"}, r.Decisions[0].Click)
	require.Equal(t, r.Revision.Digest, r.Decisions[0].Digest)
}

func TestTheRunIsHeldAtNoMoreThanWasApproved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	b.Prices.Boxes[0].VCPU *= 10
	got, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, r.Revision.Manifest.CostCap, got.Holds[0].Amount)
}

func TestADecisionIsOnWhatTheReviewerSaw(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	for _, change := range []func(*Ruling){
		func(x *Ruling) { x.Revision = 0 }, func(x *Ruling) { x.Revision = 2 },
		func(x *Ruling) { x.Digest = "" }, func(x *Ruling) { x.Digest = approval.Short(x.Digest) },
	} {
		for _, verdict := range []approval.Verdict{approval.Approve, approval.Reject} {
			click := ruling(r, "R1", verdict)
			change(&click)
			for _, try := range []func(context.Context, Ruling) (*approval.Request, error){b.MayDecide, b.Decide} {
				_, err := try(t.Context(), click)
				var stale *approval.StaleError
				require.ErrorAs(t, err, &stale)
				require.Equal(t, r.ID, stale.Request.ID)
			}
		}
	}
	require.Empty(t, b.request(r.ID).Decisions)
}

func TestTheSameClickTwiceIsNoErrorAndASecondVerdictIs(t *testing.T) {
	t.Parallel()
	for _, quorum := range []int{1, 2} {
		b := setup(t)
		b.Policy.Quorum = quorum
		r := b.pending()
		click := ruling(r, "R1", approval.Approve)
		first, err := b.Decide(t.Context(), click)
		require.NoError(t, err)
		again, err := b.Decide(t.Context(), click)
		require.NoError(t, err)
		require.Equal(t, first.State, again.State)
		again, err = b.MayDecide(t.Context(), click)
		require.NoError(t, err)
		require.Equal(t, r.ID, again.ID)
		require.Len(t, b.request(r.ID).Decisions, 1)
		require.Equal(t, 1, b.count(r.ID, "approved"))

		for _, other := range []func(*Ruling){
			func(x *Ruling) { x.Click.ActionTS = "another click" },
			func(x *Ruling) { x.Verdict = approval.Reject },
			func(x *Ruling) { x.Click.ActionTS = "" },
		} {
			second := click
			other(&second)
			_, err = b.Decide(t.Context(), second)
			var move *approval.MoveError
			require.ErrorAs(t, err, &move)
		}
		require.Len(t, b.request(r.ID).Decisions, 1)
	}
}

func TestClicksThatSlackDidNotNameAreNotTakenForOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Quorum = 2
	click := ruling(b.pending(), "R1", approval.Approve)
	click.Click.ActionTS = ""
	_, err := b.Decide(t.Context(), click)
	require.NoError(t, err)
	_, err = b.Decide(t.Context(), click)
	var move *approval.MoveError
	require.ErrorAs(t, err, &move)
	require.Equal(t, "You have already decided on this version.", reasons.Words(move.Why))
}

func TestAQuorumTakesTwoPeople(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Quorum = 2
	r := b.pending()
	got, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, approval.Pending, got.State)
	require.Zero(t, b.open(r.ID))
	got, err = b.Decide(t.Context(), ruling(r, "R2", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, approval.Approved, got.State)
	require.Equal(t, 1, b.open(r.ID))
	_, err = b.Decide(t.Context(), ruling(r, "R3", approval.Reject))
	var move *approval.MoveError
	require.ErrorAs(t, err, &move, "it is too late to say no")
}

func TestARejectionNeedsAReasonAndGivesTheBoxBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	click := ruling(r, "R1", approval.Reject)
	for _, reason := range []string{"", " \n"} {
		click.Reason = reason
		_, err := b.Decide(t.Context(), click)
		var input *approval.InputError
		require.ErrorAs(t, err, &input)
		require.Equal(t, "Please say why. The asker will read it.", reasons.Words(input.Why))
	}
	_, err := b.MayDecide(t.Context(), click)
	require.NoError(t, err, "the modal that asks for the reason may open")

	click.Reason = "it reads\u202e the wrong file"
	got, err := b.Decide(t.Context(), click)
	require.NoError(t, err)
	require.Equal(t, approval.Rejected, got.State)
	require.Equal(t, `it reads\u{202e} the wrong file`, got.Decisions[0].Reason)
	require.Equal(t, []string{r.ID}, b.box.discarded)
	require.Empty(t, b.work())
	require.Zero(t, b.box.starts())
}

func TestAVerdictIsOneOfTwo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	for _, verdict := range []approval.Verdict{"", "maybe", "APPROVE"} {
		_, err := b.Decide(t.Context(), ruling(r, "R1", verdict))
		var input *approval.InputError
		require.ErrorAs(t, err, &input)
		_, err = b.MayDecide(t.Context(), ruling(r, "R1", verdict))
		require.Error(t, err)
	}
	require.Equal(t, approval.Pending, b.request(r.ID).State)
}

func TestMayDecideDecidesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	before := b.request(r.ID)
	events := b.kinds(r.ID)
	for _, verdict := range []approval.Verdict{approval.Approve, approval.Reject} {
		seen, err := b.MayDecide(t.Context(), ruling(r, "R1", verdict))
		require.NoError(t, err)
		require.Equal(t, approval.Pending, seen.State)
		require.Empty(t, seen.Decisions)
	}
	require.Equal(t, before, b.request(r.ID))
	require.Equal(t, events, b.kinds(r.ID))
	require.Empty(t, b.store.jobs)
}

// Looking takes no lock: a database that lets nobody write keeps nobody from looking.
func TestLookingWritesNothingAndLocksNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	b.faults.fail("Update.before", errCrash)
	b.faults.lasting = true
	for _, verdict := range []approval.Verdict{approval.Approve, approval.Reject, approval.Rewrite} {
		_, err := b.MayDecide(t.Context(), ruling(r, "R1", verdict))
		require.NoError(t, err, verdict)
	}
	_, _, err := b.MayEdit(t.Context(), ruling(r, "R1", approval.Rewrite))
	require.NoError(t, err)
	_, err = b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.ErrorIs(t, err, errCrash)
	b.faults.heal()
	stale := ruling(r, "R1", approval.Approve)
	stale.Digest = "of another version"
	var old *approval.StaleError
	_, err = b.MayDecide(t.Context(), stale)
	require.ErrorAs(t, err, &old)
	_, _, err = b.MayEdit(t.Context(), stale)
	require.ErrorAs(t, err, &old)
}

func TestADecisionAfterItsTimeIsTooLate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	b.store.pass(25 * time.Hour)
	_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	var move *approval.MoveError
	require.ErrorAs(t, err, &move)
	require.Equal(t, "The time for a decision has run out.", reasons.Words(move.Why))
	require.Empty(t, b.request(r.ID).Decisions)
}

func TestABudgetThatCannotBearTheRunStoresNoApproval(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	scope := budget.Scope{Team: "T1", Kind: budget.Session, ID: r.SessionID}
	require.NoError(t, b.SetLimit(t.Context(), "admin", budget.Limit{Scope: scope, Amount: budget.Cent / 4, Window: budget.None}))
	_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	var exceeded *budget.ExceededError
	require.ErrorAs(t, err, &exceeded)
	require.Equal(t, scope, exceeded.Standing.Limit.Scope)
	require.Equal(t, approval.Pending, b.request(r.ID).State)
	require.Empty(t, b.request(r.ID).Decisions)
	blocked := b.request(r.ID).Blocked
	require.Equal(t, budget.ForRun, blocked.Purpose)
	require.Equal(t, "R1", blocked.By)
	require.NotContains(t, b.store.jobs, Wake{Step: approval.StepRun, RequestID: r.ID})

	require.NoError(t, b.SetLimit(t.Context(), "admin", budget.Limit{Scope: scope, Amount: budget.Dollar, Window: budget.None}))
	got, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err, "the same click works once there is money")
	require.Equal(t, approval.Approved, got.State)
	require.Nil(t, got.Blocked)
}

func TestADecisionWithoutAPriceOrAPersonIsNotTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	b.faults.fail("Person.before", errCrash)
	_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.ErrorIs(t, err, errCrash)
	b.Prices.Boxes = nil
	_, err = b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	var unknown *budget.UnknownPriceError
	require.ErrorAs(t, err, &unknown)
	got, err := b.Decide(t.Context(), ruling(r, "R1", approval.Reject))
	require.NoError(t, err, "to say no costs nothing")
	require.Equal(t, approval.Rejected, got.State)
}

func TestADecisionWhoseCommitIsDoubtfulIsConfirmedByItsRepetition(t *testing.T) {
	t.Parallel()
	for point, stored := range map[string]bool{"Update.before": false, "commit held.before": false, "commit held.after": true} {
		b := setup(t)
		r := b.pending()
		b.faults.fail(point, errCrash)
		_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
		require.ErrorIs(t, err, errCrash, point)
		require.Equal(t, stored, b.request(r.ID).State == approval.Approved, point)
		got, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
		require.NoError(t, err, point)
		require.Equal(t, approval.Approved, got.State, point)
		require.Equal(t, 1, b.count(r.ID, "approved"), point)
		require.Equal(t, 1, b.open(r.ID), point)
	}
}

func TestFiftyClicksAtOnceGiveOneApproval(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var people []string
	for i := range 25 {
		people = append(people, fmt.Sprint("P", i))
	}
	b.Policy.Reviewers = people
	r := b.pending()
	errs := make([]error, 50)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			click := ruling(r, people[i%25], approval.Approve)
			click.Click.ActionTS = fmt.Sprint(i)
			_, errs[i] = b.Decide(context.Background(), click)
		})
	}
	all.Wait()
	took := 0
	for _, err := range errs {
		var move *approval.MoveError
		if err == nil {
			took++
		} else {
			require.ErrorAs(t, err, &move)
		}
	}
	require.Equal(t, 1, took)
	r = b.request(r.ID)
	require.Equal(t, approval.Approved, r.State)
	require.Len(t, r.Decisions, 1)
	require.Equal(t, 1, b.open(r.ID))
	require.Empty(t, b.work())
	require.Equal(t, 1, b.box.starts())
}
