package steps

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

// twoVersions have two replicas with different sandboxes on one database: there says whether the one with the
// former sandbox lives.
func twoVersions(t *testing.T) (b *bundle, there *bool) {
	t.Helper()
	b, there = setup(t), new(bool)
	former := b.box.Template()
	b.Settings.Elsewhere = func(_ context.Context, _, template string) (bool, error) { return *there && template == former, nil }
	return b, there
}

// An approved run is left to a replica that has the sandbox it was sealed for, and goes back to the
// reviewers once no replica has it any more.
func TestARunIsLeftToWhoHasItsSandbox(t *testing.T) {
	t.Parallel()
	b, there := twoVersions(t)
	was := b.approved()
	*there, b.box.upgrade = true, ".1"
	for range 3 {
		require.True(t, b.step(approval.StepRun, was.ID), "it waits for the other")
	}
	r := b.request(was.ID)
	require.Equal(t, []any{approval.Approved, 1, 0}, []any{r.State, r.Revision.Number, b.box.starts()})
	require.Zero(t, b.count(r.ID, "seal broken"))

	*there = false
	require.Empty(t, b.work())
	r = b.backToReview(was, "the other is gone")
	require.Equal(t, 1, b.count(r.ID, "seal broken"))
	_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(r.ID).State)
	require.Equal(t, 1, b.box.starts())
}

// A replica that has only lost its session is back after a moment. Until then neither an approval is taken back,
// nor is anything put before reviewers anew.
func TestAnApprovalOutlivesAHiccupOfAnotherReplica(t *testing.T) {
	t.Parallel()
	b, _ := twoVersions(t)
	was, waits := b.approved(), b.pending()
	b.Settings.Unseen, b.box.upgrade = time.Hour, ".1"
	for range 3 {
		require.True(t, b.step(approval.StepRun, was.ID))
		require.True(t, b.step(approval.StepLook, waits.ID))
	}
	require.Equal(t, []any{approval.Approved, 1}, []any{b.request(was.ID).State, b.request(was.ID).Revision.Number})
	require.Equal(t, 1, b.request(waits.ID).Revision.Number)
	b.Settings.Unseen = 0
	require.False(t, b.step(approval.StepLook, waits.ID))
	require.Equal(t, 2, b.request(waits.ID).Revision.Number, "now it is sure")

	var a absences
	now, most := time.Now(), 8*time.Second
	for after, long := range []bool{false, false, true, true} {
		require.Equal(t, long, a.long("b", false, most, now.Add(time.Duration(after)*4*time.Second)))
	}
	require.False(t, a.long("b", false, most, now.Add(time.Minute)), "nobody has looked meanwhile")
	require.False(t, a.long("b", true, most, now.Add(time.Minute+8*time.Second)))
	require.False(t, a.long("b", false, most, now.Add(time.Minute+9*time.Second)), "it was there again")
}

// A replica without a sandbox leaves a run to one that has it, and ends it only where none has.
func TestAReplicaWithoutASandboxEndsNoRunOfAnother(t *testing.T) {
	t.Parallel()
	b, there := twoVersions(t)
	was, waits := b.approved(), b.pending()
	box := b.stand.Sandbox
	*there, b.stand.Sandbox = true, NoSandbox{Why: "no key"}
	require.True(t, b.step(approval.StepRun, was.ID))
	require.Equal(t, approval.Approved, b.request(was.ID).State)
	b.stand.Sandbox = box
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(was.ID).State)

	last := b.approved()
	*there, b.stand.Sandbox = false, NoSandbox{Why: "no key"}
	require.False(t, b.step(approval.StepLook, waits.ID))
	require.Equal(t, 1, b.request(waits.ID).Revision.Number, "it has none to seal it for")
	require.False(t, b.step(approval.StepRun, last.ID))
	require.Equal(t, approval.WhyNothingRuns, b.request(last.ID).Reason.Code)
}

// What waits for reviewers is put before them anew before they click, once, and only when no replica has the
// sandbox any more.
func TestWhatNoReplicaCanRunGoesBackBeforeAnybodyClicks(t *testing.T) {
	t.Parallel()
	b, there := twoVersions(t)
	was := b.pending()
	*there, b.box.upgrade = true, ".1"
	require.False(t, b.step(approval.StepLook, was.ID))
	require.Equal(t, 1, b.request(was.ID).Revision.Number, "the other has it")
	*there = false
	for range 3 {
		require.False(t, b.step(approval.StepLook, was.ID))
	}
	r := b.request(was.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, 2, r.Revision.Number, "once")
	require.Equal(t, b.box.Template(), r.Revision.Manifest.Template)
	require.Equal(t, approval.WhyOtherSandbox, r.Reason.Code)
	require.Equal(t, 1, b.count(r.ID, "seal broken"))
	_, err := b.Decide(t.Context(), ruling(was, "R1", approval.Approve))
	stale := new(approval.StaleError)
	require.ErrorAs(t, err, &stale, "the former card does not count")
	_, err = b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(r.ID).State)
}
