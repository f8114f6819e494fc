package steps

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// wished has a reviewer ask for changes.
func (b *bundle) wished(r *approval.Request, words string) *approval.Request {
	b.t.Helper()
	ru := ruling(r, "R1", approval.Rewrite)
	ru.Reason = words
	got, err := b.Decide(b.t.Context(), ru)
	require.NoError(b.t, err)
	require.Equal(b.t, approval.Drafting, got.State)
	return got
}

func TestRequestedChangesLeadToANewVersionThatNobodyHasApproved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Quorum = 2
	r := b.pending()
	_, err := b.Decide(t.Context(), ruling(r, "R2", approval.Approve))
	require.NoError(t, err)
	var in *approval.InputError
	ru := ruling(r, "R1", approval.Rewrite)
	ru.Reason = " "
	_, err = b.Decide(t.Context(), ru)
	require.ErrorAs(t, err, &in, "without a word on what")
	b.wished(r, "Sort it.")
	require.Contains(t, b.box.discarded, r.ID)
	b.writer.script = append(b.writer.script, writes("print('sorted')\n"))
	require.Empty(t, b.work())

	now := b.request(r.ID)
	require.Equal(t, approval.Pending, now.State)
	require.Equal(t, 2, now.Revision.Number)
	require.Equal(t, "print('sorted')\n", now.Revision.Code)
	require.Empty(t, now.Decisions)
	require.Equal(t, approval.Hash([]byte("a,b\n1,2\n")), now.Revision.Manifest.Inputs[0].SHA256)
	brief := b.writer.briefs[1]
	require.Len(t, brief.Wishes, 1)
	require.Equal(t, goodCode, brief.Wishes[0].Code)
	require.Equal(t, "Sort it.", brief.Wishes[0].Words)
	require.Empty(t, brief.Refused)
	require.Len(t, b.spends(r.ID, budget.ForDraft), 4, "the second version is paid for like the first")
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, goodCode, v.Former.Code)

	var stale *approval.StaleError
	_, err = b.Decide(t.Context(), ruling(r, "R3", approval.Approve))
	require.ErrorAs(t, err, &stale)
	for _, who := range []string{"R1", "R2"} { // those who have decided on the version before as well
		_, err = b.Decide(t.Context(), ruling(now, who, approval.Approve))
		require.NoError(t, err)
	}
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(r.ID).State)
	require.Equal(t, "print('sorted')\n", b.box.jobs[0].Code)
}

func TestRoundsAreBoundedAndSoAreTheCallsOfEach(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	for range b.Policy.MaxRounds {
		b.wished(r, "Again.")
		require.Empty(t, b.work())
		r = b.request(r.ID)
		require.Equal(t, 1, r.Attempts)
	}
	require.Equal(t, 4, r.Revision.Number)
	var move *approval.MoveError
	ru := ruling(r, "R1", approval.Rewrite)
	_, err := b.MayDecide(t.Context(), ru)
	require.ErrorAs(t, err, &move)
	require.Contains(t, reasons.Words(move.Why), "changed 3 times already")
	_, err = b.Edit(t.Context(), ru, "print(2)\n")
	require.ErrorAs(t, err, &move)
	require.Contains(t, reasons.Words(move.Why), "changed 3 times already")
	_, err = b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err, "approving and rejecting stay possible")
}

func TestChangesThatNoBudgetBearsChangeNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	scope := budget.Scope{Team: "T1", Kind: budget.Team, ID: "T1"}
	b.store.limits[scope] = budget.Limit{Scope: scope, Amount: 1, Window: budget.Month}
	var exceeded *budget.ExceededError
	_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Rewrite))
	require.ErrorAs(t, err, &exceeded)
	_, err = b.Edit(t.Context(), ruling(r, "R1", ""), strings.Repeat("print(2)\n", 2))
	require.ErrorAs(t, err, &exceeded)
	now := b.request(r.ID)
	require.Equal(t, approval.Pending, now.State)
	require.Empty(t, now.Decisions)
	require.Nil(t, now.Edit)
}

func TestAnEditBecomesAVersionOfThatPersonAndSomebodyElseApprovesIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	seen, next, err := b.MayEdit(t.Context(), ruling(r, "R1", ""))
	require.NoError(t, err)
	require.Equal(t, approval.Pending, seen.State)
	require.True(t, next.Enough)
	require.NotContains(t, next.Who, "R1")
	got, err := b.Edit(t.Context(), ruling(r, "R1", ""), "print(2)\r\n\n")
	require.NoError(t, err)
	require.Equal(t, approval.Drafting, got.State)
	require.Equal(t, "print(2)\n", got.Edit.Code)
	again, err := b.Edit(t.Context(), ruling(r, "R1", ""), "print(2)\n")
	require.NoError(t, err, "the same click again")
	require.Equal(t, approval.Drafting, again.State)
	require.Empty(t, b.work())

	now := b.request(r.ID)
	require.Equal(t, approval.Pending, now.State)
	require.Equal(t, 2, now.Revision.Number)
	require.Equal(t, "R1", now.Revision.Author)
	require.Empty(t, now.Revision.Summary, "nobody's words are put onto somebody else's code")
	require.Nil(t, now.Edit)
	require.Equal(t, 1, now.Rounds)
	require.Len(t, b.writer.briefs, 1, "no model was asked")
	require.Equal(t, []string{goodCode, "print(2)\n"}, b.box.inspected)
	spent := b.spends(r.ID, budget.ForDraft)[1]
	require.Len(t, spent.Charges, 1, "the box is paid for")
	require.Equal(t, budget.Box, spent.Charges[0].Kind)
	_, err = b.Edit(t.Context(), ruling(r, "R1", ""), "print(2)\n")
	require.NoError(t, err, "and once more, though it has become a version since")

	var no *approval.NotAllowedError
	_, err = b.Decide(t.Context(), ruling(now, "R1", approval.Approve))
	require.ErrorAs(t, err, &no)
	require.Contains(t, reasons.Words(no.Why), "You wrote this version")
	_, err = b.Decide(t.Context(), ruling(now, "R2", approval.Approve))
	require.NoError(t, err)
	require.Empty(t, b.work())
	require.Equal(t, "print(2)\n", b.box.jobs[0].Code)
}

func TestWhoMayNotEditAndWhatCannotBeEdited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	var in *approval.InputError
	for name, tt := range map[string]struct{ code, why string }{
		"unchanged": {goodCode, "Nothing in the code has been changed."},
		"empty":     {" \n", "there is no code"},
		"hidden":    {"x = '\u202e'\n", "invisible"},
		"too wide":  {"x = '" + strings.Repeat("y", 500) + "'\n", "columns"},
		"not UTF-8": {"x = '\xff'\n", "UTF-8"},
	} {
		_, err := b.Edit(t.Context(), ruling(r, "R1", ""), tt.code)
		require.ErrorAs(t, err, &in, name)
		require.Contains(t, reasons.Words(in.Why), tt.why, name)
	}
	var no *approval.NotAllowedError
	for _, who := range []string{"asker", "guest", "bot", "gone", "nobody"} {
		_, err := b.Edit(t.Context(), ruling(r, who, ""), "print(2)\n")
		require.ErrorAs(t, err, &no, who)
		_, _, err = b.MayEdit(t.Context(), ruling(r, who, ""))
		require.ErrorAs(t, err, &no, who)
	}
	var stale *approval.StaleError
	old := ruling(r, "R1", "")
	old.Digest = approval.Hash(nil)
	_, err := b.Edit(t.Context(), old, "print(2)\n")
	require.ErrorAs(t, err, &stale)
	elsewhere := ruling(r, "R1", "")
	elsewhere.Click.Team = "T2"
	_, err = b.Edit(t.Context(), elsewhere, "print(2)\n")
	require.Error(t, err)
	require.Equal(t, r.ChangedAt, b.request(r.ID).ChangedAt, "nothing has been stored")
}

// An edit that reviewers cannot be shown leaves everything as it was, approvals
// included, and the editor has their text back.
func TestABadEditGoesBackToItsEditor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		seen Inspection
		err  error
		why  string
	}{
		"a mistake": {seen: Inspection{Problem: "It is not valid Python: line 1: '(' was never closed", Box: 1}, why: "never closed"},
		"no box":    {err: &BoxError{Err: errors.New("x"), Words: "No sandbox can be had."}, why: "No sandbox can be had."},
	} {
		b := setup(t)
		b.Policy.Quorum = 2
		r := b.pending()
		_, err := b.Decide(t.Context(), ruling(r, "R2", approval.Approve))
		require.NoError(t, err)
		r = b.request(r.ID)
		b.box.inspect = append(b.box.inspect, func(string) (Inspection, error) { return tt.seen, tt.err })
		_, err = b.Edit(t.Context(), ruling(r, "R1", ""), "print(2\n")
		require.NoError(t, err)
		require.Empty(t, b.work(), name)
		now := b.request(r.ID)
		require.Equal(t, approval.Pending, now.State, name)
		require.Equal(t, r.Revision, now.Revision, name)
		require.Equal(t, 1, now.Approvals(), name)
		require.Equal(t, r.ExpiresAt, now.ExpiresAt, name)
		require.Zero(t, now.Rounds, name)
		require.Zero(t, b.open(r.ID), name)
		key := "edit " + r.ID + " 1 R1 click of R1"
		require.Contains(t, b.slack.told, key+" to R1", name)
		require.Contains(t, string(b.store.notices[key].Data), tt.why, name)
		require.Contains(t, string(b.store.notices[key].Data), `print(2\n`, name)
		_, err = b.Decide(t.Context(), ruling(now, "R1", approval.Approve))
		require.NoError(t, err, "%s: the editor has not decided", name)
		require.Empty(t, b.work(), name)
		require.Equal(t, approval.Done, b.request(r.ID).State, name)
	}
}

// A replica that comes back late with what somebody else has finished changes nothing.
func TestALateDraftIsPaidForAndForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	b.wished(r, "Again.")
	b.writer.script = []func(Brief) (Draft, error){func(brief Brief) (Draft, error) {
		require.NoError(t, b.Draft(context.Background(), r.ID), "another replica is faster")
		b.wished(b.request(r.ID), "And again.")
		return writes("x = 'late'\n")(brief)
	}, writes("x = 'fast'\n")}
	require.NoError(t, b.Draft(t.Context(), r.ID))
	now := b.request(r.ID)
	require.Equal(t, approval.Drafting, now.State, "what is to be written now is something else")
	require.Equal(t, "x = 'fast'\n", now.Revision.Code)
}

func TestTakingBackOrExpiringEndsAnEdit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	_, err := b.Edit(t.Context(), ruling(r, "R1", ""), "print(2)\n")
	require.NoError(t, err)
	b.store.pass(25 * 60 * 60 * 1e9)
	require.NoError(t, b.Sweep(t.Context()))
	now := b.request(r.ID)
	require.Equal(t, approval.Expired, now.State)
	require.Contains(t, reasons.Words(now.Reason), "Nobody decided in time")
	require.Nil(t, now.Edit)
	require.Zero(t, b.open(r.ID))
}

// Wherever a replica dies between a reviewer's wish and the next version, that
// version is written, once, and every call is paid for.
func TestARewriteSurvivesTheDeathOfItsReplicaAnywhere(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"commit held.before", "commit held.after"} {
		b := setup(t)
		r := b.pending()
		b.faults.kill(point)
		require.ErrorIs(t, b.replica(func() error { _, err := b.Decide(context.Background(), ruling(r, "R1", approval.Rewrite)); return err }), errCrash, point)
		require.True(t, b.faults.struck(), point)
		_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Rewrite))
		require.NoError(t, err, "%s: nobody was told that it counts, so they click again", point)
		require.Empty(t, b.work(), point)
		require.Equal(t, 1, b.count(r.ID, "changes requested"), point)
		require.Equal(t, 2, b.request(r.ID).Revision.Number, point)
	}
	for _, point := range []string{"commit called.before", "commit called.after", "Write.before", "Write.after", "Inspect.after",
		"commit drafted.before", "commit drafted.after"} {
		b := setup(t)
		r := b.pending()
		b.wished(r, "Sort it.")
		b.faults.kill(point)
		require.ErrorIs(t, b.replica(func() error { return b.Draft(context.Background(), r.ID) }), errCrash, point)
		require.True(t, b.faults.struck(), point)
		require.Empty(t, b.work(), point)
		r = b.request(r.ID)
		require.Equal(t, approval.Pending, r.State, point)
		require.Equal(t, 2, r.Revision.Number, point)
		require.Equal(t, 1, r.Rounds, point)
		for _, h := range r.Holds {
			require.True(t, h.Uncertain(), point)
		}
		b.sweepUncertain()
		require.Zero(t, b.open(r.ID), point)
	}
}

// No money to change the code is no secret: it is on record, the asker and the
// administrators are told, and whoever looks at the request reads it.
func TestAChangeThatFindsNoMoneyLeavesATrace(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(b *bundle, r *approval.Request) error{
		"rewrite": func(b *bundle, r *approval.Request) error {
			_, err := b.Decide(b.t.Context(), ruling(r, "R1", approval.Rewrite))
			return err
		},
		"edit": func(b *bundle, r *approval.Request) error {
			_, err := b.Edit(b.t.Context(), ruling(r, "R1", ""), "print(2)\n")
			return err
		},
	} {
		b := setup(t)
		r := b.pending()
		b.limit(budget.User, "asker", budget.Cent/10, budget.Month, budget.LimitPolicy{})
		var refused *budget.ExceededError
		require.ErrorAs(t, change(b, r), &refused, what)
		r = b.request(r.ID)
		require.Equal(t, approval.Pending, r.State, what)
		require.Nil(t, r.Blocked, what)
		require.Contains(t, reasons.Words(r.Reason), "the budget does not allow it. The asker's budget of $0.001 per month has $0.00 left", what)
		require.Equal(t, 1, b.count(r.ID, "refused change"), what)
		require.Len(t, b.store.noticesOf(approval.NoticeStop), 2, what)
		e, err := b.Explain(t.Context(), "T1", "asker", r.ID)
		require.NoError(t, err)
		last := e.Steps[len(e.Steps)-1]
		require.True(t, last.Refused, what)
		require.Equal(t, refused.Needed, last.Needed, what)
		_, err = b.Decide(t.Context(), ruling(r, "R1", approval.Reject))
		require.NoError(t, err, "and it can be decided on as before")
	}
}

// The last one who could approve may edit all the same, and is told before that nobody else could then: whoever wrote a version before it approves no medium risk.
func TestAnEditSaysWhoWouldBeLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.of(approval.Medium)
	b.Policy.Reviewers = []string{"R1", "R2", "asker"}
	r := b.pending()
	_, next, err := b.MayEdit(t.Context(), ruling(r, "R1", ""))
	require.NoError(t, err)
	require.True(t, next.Enough)
	require.Equal(t, []string{"R2"}, next.Who)
	_, err = b.Edit(t.Context(), ruling(r, "R1", ""), "print(2)\n")
	require.NoError(t, err)
	require.Empty(t, b.work())

	r = b.request(r.ID)
	_, next, err = b.MayEdit(t.Context(), ruling(r, "R2", ""))
	require.NoError(t, err)
	require.False(t, next.Enough)
	require.Empty(t, next.Who, "R1 wrote the version before it")
	_, err = b.Edit(t.Context(), ruling(r, "R2", ""), "print(3)\n")
	require.NoError(t, err)
	require.Empty(t, b.work())
	r = b.request(r.ID)
	var no *approval.NotAllowedError
	_, err = b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.ErrorAs(t, err, &no)
	require.Equal(t, approval.WhyOwnPart, no.Why.Code)
}
