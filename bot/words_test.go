package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/notice"
	"countersign/bot/draw/sample"
	"countersign/bot/kit"
	"countersign/budget"
)

func TestErrorsBecomeWords(t *testing.T) {
	t.Parallel()
	b := idle(t)
	move := func(state approval.State, verb, why string) error {
		return &approval.MoveError{Request: &approval.Request{State: state}, Verb: verb, Why: approval.Words(why)}
	}
	left := budget.Standing{Limit: budget.Limit{Scope: budget.Scope{Kind: budget.Team}, Amount: 5 * budget.Dollar, Window: budget.Month}, Spent: 4 * budget.Dollar,
		ResetsAt: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	tests := []struct {
		err  error
		says string
	}{
		{&budget.ExceededError{Standing: left, Needed: 2 * budget.Dollar}, "The team's budget of $5.00 per month has $1.00 left, and this could cost up to $2.00. It resets on Tuesday, 1 December 2026."},
		{move(approval.Pending, "approve", "You have already decided on this version."), "You have already decided on this version. Nothing has changed."},
		{move(approval.Drafting, "approve", ""), "nothing to decide yet"},
		{move(approval.Drafting, "answer the model of", ""), "This has been answered. Your question now: code is being written."},
		{move(approval.Pending, "answer about the files of", ""), "This has been answered. Your question now: waiting for a reviewer."},
		{move(approval.Withdrawn, "answer the model of", ""), "it was cancelled"},
		{move(approval.Approved, "approve", ""), "already approved"},
		{move(approval.Running, "reject", ""), "already approved"},
		{move(approval.Rejected, "approve", ""), "already rejected"},
		{move(approval.Expired, "approve", ""), "nobody decided"},
		{move(approval.Withdrawn, "approve", ""), "it was cancelled"},
		{move(approval.Failed, "approve", ""), "it failed before anything was run"},
		{move(approval.Lost, "withdraw", ""), "There is nothing to cancel: it was started, and its result was lost."},
		{move(approval.Withdrawn, "withdraw", ""), "already cancelled"},
		{move(approval.Done, "withdraw", ""), "There is nothing to cancel: it has already run."},
		{&approval.StaleError{}, "out of date"},
		{&approval.NotAllowedError{Why: approval.Because(approval.WhyGuest)}, "Guests cannot decide."},
		{&approval.InputError{Why: approval.Words("Please shorten it.")}, "Please shorten it."},
		{&approval.InputError{Why: approval.Reason{Code: approval.WhyNotRead, Name: "sales.csv", Problem: &reading.Problem{Code: "empty"}}}, "sales.csv is not read. The file is empty."},
		{&steps.WriterError{Words: "The model is busy."}, "The model is busy."},
		{&steps.BoxError{Words: "No box can be had."}, "No box can be had."},
		{&budget.UnknownPriceError{What: "gpt-9"}, "There is no price for gpt-9"},
		{approval.ErrNotFound, "no such request"},
		{steps.ErrFileTooBig, "too large"},
		{budget.ErrAmount, "not a dollar amount"},
		{errors.New("password=hunter2"), "Something went wrong on our side."},
		{context.DeadlineExceeded, "took too long"},
	}
	for _, tt := range tests {
		got := b.bot.Words(fmt.Errorf("ask: %w", tt.err))
		require.Contains(t, got, tt.says)
		require.NotContains(t, got, "hunter2")
	}
	require.Contains(t, b.log.String(), "hunter2", "the reason is in the log")
	for _, s := range approval.States() {
		require.NotEmpty(t, draw.StateWords[s])
		if s.Final() {
			require.NotEmpty(t, draw.HowEnded(&approval.Request{State: s}))
		}
		require.NotEmpty(t, draw.CardTitle(&approval.Request{State: s, Decisions: []approval.Decision{{}}}))
	}
}

// What was approved, or had no money, is not said to be what nobody decided on.
func TestWhatHasExpiredIsSaidAsItWas(t *testing.T) {
	t.Parallel()
	b := idle(t)
	for state, lapsed := range map[approval.State]string{approval.Pending: "too few people decided in time", approval.Approved: "it was approved, but not started in time"} {
		v := sample.View(sample.Risky, sample.In(state))
		v.Request.Revision.Manifest.Approvals = 2
		require.NoError(t, v.Request.Expire(v.Request.ExpiresAt))
		r := v.Request
		require.Contains(t, b.bot.Words(&approval.MoveError{Request: r, Verb: "approve"}), "This has expired: "+lapsed)
		require.Equal(t, "it has expired: "+lapsed, "it has "+draw.HowItStands(r))
		require.Equal(t, lapsed, notice.Over(r))
		for _, p := range []*kit.Page{draw.Card(as(kit.Identity{}), v, false), draw.Reply(v, true), draw.Progress(b.bot.with(), v)} {
			require.NotContains(t, strings.ToLower(p.Text()), "nobody decided")
		}
	}
}

func TestWaitingSaysWhoIsMissing(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View(func(v *steps.View) {
		v.Terms.Approvals = 2
		v.Request.Decisions = []approval.Decision{{Reviewer: "U1", Verdict: approval.Approve, At: sample.Noon}}
	})
	require.Contains(t, draw.Progress(b.bot.with(), v).Text(), "1 of 2 approvals.")
	require.Contains(t, draw.Card(as(kit.Identity{}), v, false).Text(), "1 of 2 approvals")
	v.Deciders = nil
	require.Contains(t, draw.Progress(b.bot.with(), v).Text(), "there is nobody to review this")
	again := sample.View(sample.In(approval.Drafting))
	again.Request.Attempts = 2
	require.Contains(t, draw.Progress(b.bot.with(), again).Text(), "attempt 2.")
	again.Request.Refused = []approval.Refusal{{}}
	require.Contains(t, draw.Progress(b.bot.with(), again).Text(), "failed the checks")
}

func TestAnAnswerOfNothingSaysSo(t *testing.T) {
	t.Parallel()
	b := idle(t).bot
	require.Contains(t, draw.Reply(sample.View(sample.With(approval.Result{Outcome: approval.OK})), true).Text(), "The code finished, and showed nothing.")
	require.Contains(t, draw.Reply(sample.View(sample.With(approval.Result{Outcome: approval.OK})), true).Text(), "Not watched from outside: what the code did is not known.")
	watched := approval.Observed{Witness: &approval.Witness{Source: approval.WitnessGVisor, Opened: []string{}, Started: []string{}, Connected: []string{}, Complete: true}}
	require.Contains(t, draw.Reply(sample.View(sample.With(approval.Result{Outcome: approval.OK, Observed: watched})), true).Text(), "Seen from outside the code: Opened no files. No network, no other programs · ")
	require.Contains(t, draw.Progress(b.with(), sample.View(sample.In(approval.Done))).Text(), "Done.")
	rejected := sample.View(sample.In(approval.Rejected, approval.Words("No")))
	rejected.Bill[0].Estimated = true
	require.Contains(t, draw.Reply(rejected, true).Text(), "under 1 cent at most")
	require.Contains(t, string(sample.MustJSON(draw.DetailsView(rejected, true))), "partly estimated")
}
