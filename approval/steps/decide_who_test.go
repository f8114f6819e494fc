package steps

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
)

func TestWhoMayDecide(t *testing.T) {
	t.Parallel()
	for who, why := range map[string]string{
		"nobody":   "Only the people who are named as reviewers can decide. Nothing has changed.",
		"admin":    "Only the people who are named as reviewers can decide. Nothing has changed.",
		"":         "Only the people who are named as reviewers can decide. Nothing has changed.",
		"asker":    "You asked this question, so somebody else has to review the code.",
		"guest":    "Guests cannot decide.",
		"bot":      "Only people decide, not apps.",
		"stranger": "Only members of this workspace decide.",
		"gone":     "This account has been deactivated.",
		"m1":       "You wrote this version of the code, so somebody else has to review it.",
	} {
		for _, verdict := range []approval.Verdict{approval.Approve, approval.Reject} {
			b := setup(t)
			if who == "m1" {
				b.Policy.Reviewers = append(b.Policy.Reviewers, "m1")
			}
			r := b.pending()
			before := b.request(r.ID)
			var told map[string]any
			for _, try := range []func(context.Context, Ruling) (*approval.Request, error){b.MayDecide, b.Decide} {
				_, err := try(t.Context(), ruling(r, who, verdict))
				var no *approval.NotAllowedError
				require.ErrorAs(t, err, &no, who)
				require.Equal(t, why, reasons.Refused(no.Why))
				told = no.Why.Told()
				require.Equal(t, who, no.Who)
			}
			require.Equal(t, before, b.request(r.ID))
			kept := map[approval.Verdict]int{approval.Approve: 1, approval.Reject: 2}[verdict]
			require.Equal(t, kept, b.count(r.ID, "refused click"), "refused clicks are kept, and opening the code is none")
			events, err := b.store.Events(t.Context(), r.ID)
			require.NoError(t, err)
			last := events[len(events)-1]
			require.Equal(t, who, last.Actor)
			require.Equal(t, told, last.Data["why"])
			require.Equal(t, verdict, last.Data["verdict"])
		}
	}
}

func TestARefusalStandsEvenWhenItCannotBeKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	b.faults.fail("Audit.before", errCrash)
	_, err := b.Decide(t.Context(), ruling(r, "nobody", approval.Approve))
	var no *approval.NotAllowedError
	require.ErrorAs(t, err, &no)
	require.Contains(t, b.log.String(), "audit a refused click")
}

func TestARequestOfAnotherWorkspaceIsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	b.slack.people["R1"] = review.Person{} // known there, too
	click := ruling(r, "R1", approval.Approve)
	click.Click.Team = "T2"
	_, err := b.Decide(t.Context(), click)
	require.ErrorIs(t, err, approval.ErrNotFound)
	_, err = b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T2", User: "asker"})
	require.ErrorIs(t, err, approval.ErrNotFound)
	click = ruling(r, "nobody", approval.Approve) // who may not decide there either learns no more
	click.Click.Team = "T2"
	_, err = b.Decide(t.Context(), click)
	require.ErrorIs(t, err, approval.ErrNotFound)
	require.Equal(t, approval.Pending, b.request(r.ID).State)
	require.Zero(t, b.count(r.ID, "refused click"), "another workspace leaves nothing in the trail")
	click = ruling(r, "R1", approval.Approve)
	click.RequestID = "none"
	_, err = b.Decide(t.Context(), click)
	require.ErrorIs(t, err, approval.ErrNotFound)
}

// Not only decisions: whoever tries what is not theirs with a request is on record.
func TestWhoTriesWhatIsNotTheirsIsOnRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	var no *approval.NotAllowedError
	_, err := b.Withdraw(t.Context(), r.ID, by("nobody"))
	require.ErrorAs(t, err, &no)
	_, err = b.Disown(t.Context(), r.ID, 1, by("nobody"))
	require.ErrorAs(t, err, &no)
	require.NoError(t, b.Stranger(t.Context(), r.ID, approval.Click{Team: "T2", User: "elsewhere"}))
	require.ErrorIs(t, b.Stranger(t.Context(), "none", approval.Click{Team: "T2", User: "elsewhere"}), approval.ErrNotFound)
	events, err := b.store.Events(t.Context(), r.ID)
	require.NoError(t, err)
	var kept []any
	for _, e := range events {
		if e.Kind == approval.EventRefusedClick {
			kept = append(kept, e.Actor, e.Data["verdict"])
		}
	}
	require.Equal(t, []any{"nobody", approval.Verdict("withdraw"), "nobody", approval.Verdict("disown"), "elsewhere", approval.Verdict("")}, kept)
	require.Equal(t, approval.Approved, b.request(r.ID).State)
}
