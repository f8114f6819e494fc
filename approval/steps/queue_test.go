package steps

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
)

// A queue says beside each row what this person cannot decide on, and why.
func TestTheQueueSaysWhatSomebodyCannotDecide(t *testing.T) {
	t.Parallel()
	closed := func(b *bundle, user string) string {
		t.Helper()
		q, err := b.Steps.Queue(t.Context(), "T1", user, QueueFilter{}, 0)
		require.NoError(t, err)
		require.Len(t, q.Rows, 1)
		return reasons.Words(q.Rows[0].Closed)
	}
	b := setup(t)
	require.NoError(t, b.SetRole(t.Context(), by("admin"), review.Grant{Project: "C1", Role: review.RoleReviewer, User: "owner"}))
	require.NoError(t, b.Steps.Delegate(t.Context(), by("asker"), "helper", time.Now().Add(time.Hour)))
	r := b.pending()
	require.Empty(t, closed(b, "R1"))
	require.Contains(t, closed(b, "helper"), "has asked this question")
	b.slack.people["asker"] = review.Person{ID: "asker", Gone: true}
	require.Contains(t, closed(b, "helper"), "has asked this question", "a look of the last minute is good enough")
	b.aMinuteLater()
	require.Equal(t, "Only the people who are named as reviewers can decide.", closed(b, "helper"))
	b.rules("C1", func(r *review.Rules) { r.Low.Owners = true })
	require.Equal(t, "Code of low risk is decided on by the channel's own reviewers here.", closed(b, "R1"))
	require.Empty(t, closed(b, "owner"))
	b.rules("C1", func(r *review.Rules) { r.Low.Slack = false })
	require.Contains(t, closed(b, "R1"), "countersign decide "+r.ID)
	require.Zero(t, b.count(r.ID, "refused click"))
}

// All that waits is labelled: what somebody asked, wrote or has decided on, too.
func TestTheQueueOfAllSaysWhatIsSomebodysOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.rules("", func(r *review.Rules) { r.Low.Approvals = 2 })
	r := b.pending()
	closed := func(user string) string {
		t.Helper()
		q, err := b.Steps.Queue(t.Context(), "T1", user, QueueFilter{All: true}, 0)
		require.NoError(t, err)
		require.Len(t, q.Rows, 1)
		return reasons.Words(q.Rows[0].Closed)
	}
	require.Equal(t, "You asked this question, so somebody else has to review the code.", closed("asker"))
	_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, "You have already decided on this version.", closed("R1"))
	b.store.requests[r.ID].Revision.Author = "R3"
	require.Equal(t, "You wrote this version of the code, so somebody else has to review it.", closed("R3"))
	require.Empty(t, closed("R2"))
}
