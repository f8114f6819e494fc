package steps

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

func TestAskCommitsTheQuestionItsHoldAndItsJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := question()
	q.Text = "  What were\u202e sales? "
	r, err := b.Ask(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, approval.Drafting, r.State)
	require.Equal(t, `What were\u{202e} sales?`, r.Question)
	require.Equal(t, "m1", r.Model, "the default is the first")
	require.Len(t, r.Holds, 1)
	// 100,000 bytes at $1, 4,000 tokens at $2 per million, twice 30 seconds of a box.
	require.Equal(t, "$0.10911", r.Holds[0].Amount.String())
	require.Equal(t, []Wake{{Step: approval.StepFind, RequestID: r.ID}}, b.store.jobs)
	require.Equal(t, []string{"asked", "held", "weighed"}, b.kinds(r.ID))
	require.Equal(t, 1, b.open(r.ID))
}

func TestAQuestionIsAskedByTheDatabasesClock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store.pass(time.Hour) // the replica's own is slow
	r, err := b.Ask(t.Context(), question())
	require.NoError(t, err)
	require.True(t, r.CreatedAt.After(time.Now()), "it is an hour ahead")
	require.Equal(t, r.CreatedAt, r.Holds[0].At)
	require.Equal(t, b.Policy.Expiry, r.ExpiresAt.Sub(r.CreatedAt))
	require.Equal(t, r.CreatedAt, b.store.events[r.ID][0].At)
}

func TestARepeatedDeliveryAsksNothingTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := question()
	first, err := b.Ask(t.Context(), q)
	require.NoError(t, err)
	again, err := b.Ask(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, first.ID, again.ID)
	require.Len(t, b.store.requests, 1)
	require.Equal(t, 1, b.open(first.ID))

	q.Team = "T1"
	q.Trigger = "another"
	other, err := b.Ask(t.Context(), q)
	require.NoError(t, err)
	require.NotEqual(t, first.ID, other.ID)
}

func TestAskWhoseCommitIsDoubtfulIsFoundByItsRepetition(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := question()
	b.faults.fail("Ask.after", errCrash)
	_, err := b.Ask(t.Context(), q)
	require.ErrorIs(t, err, errCrash)
	r, err := b.Ask(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, b.store.requests, 1)
	require.Equal(t, 1, b.open(r.ID))
}

func TestAskSaysHowToAskBetter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*approval.Question)
		why    string
	}{
		"empty":      {func(q *approval.Question) { q.Text = " \n\t" }, "What would you like to know?"},
		"too long":   {func(q *approval.Question) { q.Text = strings.Repeat("ö", 3001) }, "Your question has 3001 characters; at most 3000 fit."},
		"many files": {func(q *approval.Question) { q.Files = make([]approval.File, 11) }, "These are 11 files; at most 10 fit into one question."},
		"large file": {func(q *approval.Question) { q.Files = []approval.File{{Name: "a/b.csv", Size: 30 << 20}} }, "a_b.csv has 30.0 MB; at most 20.0 MB fit."},
		"much together": {func(q *approval.Question) {
			q.Files = []approval.File{{Name: "a.csv", Size: 20 << 20}, {Name: "b.csv", Size: 20 << 20}, {Name: "c.csv", Size: 20 << 20}, {Name: "d.csv", Size: 20 << 20}, {Name: "e.csv", Size: 20 << 20}, {Name: "f.csv", Size: 1 << 20}}
		}, "These files have 101.0 MB together; together at most 100.0 MB fit into one question. Leave some out"},
		"no model": {func(q *approval.Question) { q.Model = "gpt\u202e" }, `There is no model called gpt\u{202e} here. You can choose from m1, m2, gone-model.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			q := question()
			tt.change(&q)
			_, err := b.Ask(t.Context(), q)
			var input *approval.InputError
			require.ErrorAs(t, err, &input)
			require.Contains(t, reasons.Words(input.Why), tt.why)
			require.Empty(t, b.store.requests)
		})
	}
}

func TestAQuestionOfTheGreatestLengthFits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := question()
	q.Text, q.Model = strings.Repeat("漢", 3000), "m2"
	r, err := b.Ask(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, "m2", r.Model)
}

func TestAskHoldsNothingThatABudgetCannotBear(t *testing.T) {
	t.Parallel()
	for _, scope := range []budget.Scope{{Team: "T1", Kind: budget.User, ID: "asker"}, {Team: "T1", Kind: budget.Project, ID: "C1"}, {Team: "T1", Kind: budget.Team, ID: "T1"}} {
		b := setup(t)
		require.NoError(t, b.SetLimit(t.Context(), "admin", budget.Limit{Scope: scope, Amount: 10 * budget.Cent, Window: budget.Day}))
		q := question()
		r, err := b.Ask(t.Context(), q)
		require.NoError(t, err, "it is kept, so that nobody types it again")
		require.Equal(t, approval.Drafting, r.State)
		require.Equal(t, scope, r.Blocked.Tight().Limit.Scope)
		require.Empty(t, b.store.holds)
		again, err := b.Ask(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, r.ID, again.ID)
		require.Empty(t, b.work())
		require.NoError(t, b.Draft(t.Context(), r.ID), "whoever wakes it")
		require.Empty(t, b.writer.briefs, "the model is not called")
		require.Equal(t, []string{"asked", "blocked", "found"}, b.kinds(r.ID), "what it is about is found all the same: that costs nothing")
	}
}

func TestAModelWithoutAPriceIsNotAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := question()
	q.Model = "gone-model"
	_, err := b.Ask(t.Context(), q)
	var unknown *budget.UnknownPriceError
	require.ErrorAs(t, err, &unknown)
	b.box.size.Kind = "unpriced"
	_, err = b.Ask(t.Context(), question())
	require.ErrorAs(t, err, &unknown)
	require.Empty(t, b.store.requests)
}

func TestAFollowUpReadsTheFilesOfItsThreadAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.pending()
	require.NotEmpty(t, first.Files[0].SHA256)
	thread := b.store.sessions[first.SessionID].ThreadTS
	require.NotEmpty(t, thread, "the first message began a thread")

	b.slack.put("F1", "a,b\n7,7\n8,8\n")
	b.slack.find = func(q Search) (Found, error) {
		q.Files[0].Size = 12 // as Slack shows it now
		return Found{Files: q.Files}, nil
	}
	q := question()
	q.Files, q.ThreadTS = nil, thread
	second, err := b.Ask(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, first.SessionID, second.SessionID)
	require.Equal(t, []approval.File{{ID: "F1", Name: "sales.csv", Size: 8}}, second.Files)
	require.Empty(t, b.work())
	require.Equal(t, approval.Hash([]byte("a,b\n7,7\n8,8\n")), b.request(second.ID).Files[0].SHA256)
	require.Equal(t, []approval.Role{approval.RoleQuestion, approval.RoleCode}, []approval.Role{b.writer.briefs[1].History[0].Role, b.writer.briefs[1].History[1].Role})

	b.faults.fail("ThreadFiles.before", errCrash)
	_, err = b.Ask(t.Context(), q)
	require.ErrorIs(t, err, errCrash)
}

func TestWithoutASandboxNothingIsAskedDraftedDecidedOrRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	drafting := b.ask()
	b.store.jobs = nil
	pending := b.pending()
	approved := b.approved()
	b.store.jobs = nil
	running := b.approved()
	_, err := b.store.Update(t.Context(), running.ID, func(r *approval.Request, now time.Time) error { return r.Start("box-9", b.Policy, now) })
	require.NoError(t, err)
	b.store.jobs = nil
	b.stand.Sandbox = NoSandbox{Why: "This machine cannot."}

	var input *approval.InputError
	_, err = b.Ask(t.Context(), question())
	require.ErrorAs(t, err, &input)
	require.Equal(t, "Nothing can run code here at the moment: This machine cannot.", reasons.Words(input.Why))
	_, err = b.Decide(t.Context(), ruling(pending, "R1", approval.Approve))
	require.ErrorAs(t, err, &input)
	_, err = b.MayDecide(t.Context(), ruling(pending, "R1", approval.Approve))
	require.ErrorAs(t, err, &input)

	require.NoError(t, b.Draft(t.Context(), drafting.ID))
	require.NoError(t, b.Run(t.Context(), approved.ID))
	for _, id := range []string{drafting.ID, approved.ID} {
		require.Equal(t, approval.Failed, b.request(id).State)
		require.Equal(t, "Nothing can run code here at the moment: This machine cannot.", reasons.Words(b.request(id).Reason))
		require.Zero(t, b.open(id))
	}
	require.Empty(t, b.writer.briefs[3:])
	require.NoError(t, b.Run(t.Context(), running.ID))
	require.Equal(t, approval.Lost, b.request(running.ID).State)
	require.NoError(t, b.Run(t.Context(), running.ID))

	_, err = b.MayDecide(t.Context(), ruling(pending, "R1", approval.Reject))
	require.NoError(t, err)
	r, err := b.Decide(t.Context(), ruling(pending, "R1", approval.Reject))
	require.NoError(t, err, "to reject takes no sandbox")
	require.Equal(t, approval.Rejected, r.State)

	other := setup(t)
	r = other.pending()
	other.stand.Sandbox = NoSandbox{}
	_, err = other.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
	require.NoError(t, err)
	r = other.store.requests[r.ID]
	require.Equal(t, approval.Withdrawn, r.State)
	require.NoError(t, other.Do(t.Context(), Wake{Step: approval.StepShow, RequestID: r.ID}))
	require.NoError(t, other.Sweep(t.Context()))
	require.Empty(t, errors.Join(other.work()...))
}
