package steps

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

// daily has digests of receipts, and returns what makes the next one due.
func daily(b *bundle) (due func()) {
	at := time.Time{}
	b.ReceiptsDue = func(time.Time) time.Time { return at }
	return func() { at = time.Now().Add(time.Second) }
}

// approves has somebody approve another question, and what is to be told be told.
func (b *bundle) approves(who string) (notice string) {
	b.t.Helper()
	r, err := b.Decide(b.t.Context(), ruling(b.another(), who, approval.Approve))
	require.NoError(b.t, err)
	require.Empty(b.t, b.work())
	return "approved " + r.ID + " 1 " + who
}

// another is one more question that waits for reviewers.
func (b *bundle) another() *approval.Request {
	b.t.Helper()
	q := question()
	q.Trigger = "another " + approval.NewID(5)
	r, err := b.Ask(b.t.Context(), q)
	require.NoError(b.t, err)
	require.Empty(b.t, b.work())
	r = b.request(r.ID)
	require.Equal(b.t, approval.Pending, r.State, r.Reason)
	return r
}

func TestReceiptsOfADayAreToldTogetherAndOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	due := daily(b)
	first := b.approves("R1")
	require.Contains(t, b.slack.told, first+" to R1", "their first in this channel")
	second, third := b.approves("R1"), b.approves("R1")
	other := b.approves("R2")
	require.Contains(t, b.slack.told, other+" to R2", "everybody has a first")
	for _, key := range []string{second, third} {
		require.NotContains(t, b.slack.told, key+" to R1")
		require.NoError(t, b.Tell(t.Context(), key), "however often it is looked at")
		require.NotContains(t, b.slack.told, key+" to R1")
	}
	require.NoError(t, b.Sweep(t.Context()))
	require.Empty(t, b.notices(approval.NoticeReceipts), "not yet")

	due()
	for range 3 {
		require.NoError(t, b.Sweep(t.Context()))
		require.Empty(t, b.work())
	}
	digests := b.notices(approval.NoticeReceipts)
	require.Len(t, digests, 1)
	require.Equal(t, []string{"R1"}, digests[0].To)
	var said approval.Receipts
	require.NoError(t, json.Unmarshal(digests[0].Data, &said))
	require.Len(t, said.Given, 2)
	told := 0
	for _, line := range b.slack.told {
		if strings.HasPrefix(line, digests[0].Key) {
			told++
		}
	}
	require.Equal(t, 1, told)
	require.NoError(t, b.Tell(t.Context(), second), "its request has moved: the digest is looked at again")
	require.NotContains(t, b.slack.told, second+" to R1")
}

func TestSomeReceiptsWaitForNoDigest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	daily(b)
	b.approves("R1")
	d := ruling(b.another(), "R1", approval.Approve)
	d.Click = atTerminal(d.Click, "ben")
	r, err := b.Decide(t.Context(), d)
	require.NoError(t, err)
	key := "approved " + r.ID + " 1 R1"
	require.NoError(t, b.Tell(t.Context(), key))
	require.Contains(t, b.slack.told, key+" to R1", "another door")
	urgent := func(a approval.ApprovedBy) bool { return a.Urgent() }
	require.True(t, urgent(approval.ApprovedBy{Tier: approval.High}))
	require.True(t, urgent(approval.ApprovedBy{}), "of before tiers were kept")
	require.True(t, urgent(approval.ApprovedBy{Tier: approval.Low, InPlaceOf: "R2"}))
	require.False(t, urgent(approval.ApprovedBy{Tier: approval.Medium}))
}

// Where somebody has turned digests off, nothing waits for one that never comes.
func TestWithoutDigestsReceiptsGoAtOnceAlsoThoseThatWaited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	daily(b)
	b.approves("R1")
	waits := b.approves("R1")
	b.ReceiptsDue = nil
	key := b.approves("R1")
	require.Contains(t, b.slack.told, key+" to R1")
	b.store.pass(-time.Minute) // it was given a while ago
	require.NoError(t, b.Sweep(t.Context()))
	require.Empty(t, b.work())
	require.Len(t, b.notices(approval.NoticeReceipts), 1)
	require.NotContains(t, b.slack.told, waits+" to R1")
}

func TestWhatWasApprovedInSomebodysNameIsListedUntilItStarts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Quorum = 2
	r := b.pending()
	_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	given := func(who string) int {
		list, err := b.Given(t.Context(), "T1", who)
		require.NoError(t, err)
		return len(list)
	}
	require.Equal(t, []int{1, 0}, []int{given("R1"), given("R2")})
	_, err = b.Decide(t.Context(), ruling(r, "R2", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, []int{given("R1"), given("R2")})
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(r.ID).State)
	require.Equal(t, []int{0, 0}, []int{given("R1"), given("R2")})
}
