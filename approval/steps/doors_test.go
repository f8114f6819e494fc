package steps

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
)

// atTerminal is a click that was none: a decision on the command line.
func atTerminal(c approval.Click, osUser string) approval.Click {
	c.Door, c.OSUser, c.Machine = approval.CommandLine, osUser, "laptop"
	return c
}

func TestWhatAnotherDoorApprovedRunsAMinuteLaterByTheDatabasesClock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := ruling(b.pending(), "R1", approval.Approve)
	d.Click = atTerminal(d.Click, "ben")
	r, err := b.Decide(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, approval.Approved, r.State)
	require.Equal(t, r.Decisions[0].At.Add(time.Minute), approval.QuietUntil(r))
	require.Equal(t, approval.QuietUntil(r).Add(b.Policy.RunExpiry), r.ExpiresAt, "the approval lasts no less for it")
	said := b.notices(approval.NoticeApproved)
	require.Len(t, said, 1)
	require.Equal(t, []string{"R1"}, said[0].To)

	var later *LaterError
	for range 2 { // whoever comes, and whatever was restarted in between
		require.ErrorAs(t, b.Run(t.Context(), r.ID), &later)
		require.LessOrEqual(t, later.After, approval.QuietTime)
		require.Equal(t, approval.Approved, b.request(r.ID).State)
		require.Zero(t, b.box.living(), "no box is paid for meanwhile")
	}
	b.store.pass(approval.QuietTime)
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(r.ID).State)
}

func TestInThatMinuteNotMeStopsTheRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := ruling(b.pending(), "R1", approval.Approve)
	d.Click = atTerminal(d.Click, "somebody")
	r, err := b.Decide(t.Context(), d)
	require.NoError(t, err)
	require.ErrorAs(t, b.Run(t.Context(), r.ID), new(*LaterError))
	r, err = b.Disown(t.Context(), r.ID, 1, by("R1"))
	require.NoError(t, err)
	require.Equal(t, approval.Pending, r.State)
	b.store.pass(approval.QuietTime)
	require.Empty(t, b.work())
	require.Zero(t, b.box.starts())
	require.Len(t, b.notices(approval.NoticeDisowned), 1)
}

func TestAUserOfAMachineIsOneVoiceWhoeverTheySayTheyAre(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Quorum = 2
	r := b.pending()
	first, second := ruling(r, "R1", approval.Approve), ruling(r, "R2", approval.Approve)
	first.Click, second.Click = atTerminal(first.Click, "ben"), atTerminal(second.Click, "ben")
	second.Click.Machine = "another"
	_, err := b.Decide(t.Context(), first)
	require.NoError(t, err)
	for _, verdict := range []approval.Verdict{approval.Approve, approval.Reject} {
		second.Verdict, second.Reason = verdict, "no"
		var move *approval.MoveError
		_, err = b.Decide(t.Context(), second)
		require.ErrorAs(t, err, &move)
		require.Contains(t, reasons.Words(move.Why), "The machine's user ben has already decided")
	}
	second.Verdict, second.Click = approval.Approve, atTerminal(second.Click, "priya")
	r, err = b.Decide(t.Context(), second)
	require.NoError(t, err)
	require.Equal(t, approval.Approved, r.State)
	require.Equal(t, r.Decisions[1].At.Add(time.Minute), approval.QuietUntil(r), "the last of them counts")
}

func TestWhoSaysNoByAnotherDoorIsToldOfIt(t *testing.T) {
	t.Parallel()
	for verdict, state := range map[approval.Verdict]approval.State{approval.Reject: approval.Rejected, approval.Rewrite: approval.Drafting} {
		b := setup(t)
		d := ruling(b.pending(), "R1", verdict)
		d.Click, d.Reason = atTerminal(d.Click, "ben"), "not so"
		r, err := b.Decide(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, state, r.State)
		said := b.notices(approval.NoticeDecided)
		require.Len(t, said, 1)
		require.Equal(t, []string{"R1"}, said[0].To)
		var by approval.DecidedBy
		require.NoError(t, json.Unmarshal(said[0].Data, &by))
		require.Equal(t, "ben on laptop", by.Click.Seat())
		require.Equal(t, verdict, by.Verdict)
	}
	b := setup(t)
	d := ruling(b.pending(), "R1", approval.Reject)
	d.Reason = "not so"
	_, err := b.Decide(t.Context(), d)
	require.NoError(t, err)
	require.Empty(t, b.notices(approval.NoticeDecided), "in Slack they know it")
}
