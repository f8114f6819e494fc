package early

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// shelf is a store of one request.
type shelf struct {
	*approval.Request
	dies int // which of its writes is the last that this replica comes to; 0: none
}

func (s *shelf) Case(context.Context, string) (*steps.Case, error) {
	return nil, errors.New("nobody asks for it")
}

func (s *shelf) Act(context.Context, *steps.Case, func(*approval.Request, time.Time) error) (*approval.Request, error) {
	return nil, errors.New("nobody decides")
}

func (s *shelf) Update(_ context.Context, _ string, change func(*approval.Request, time.Time) error) (*approval.Request, error) {
	if s.dies--; s.dies == 0 {
		return nil, errDied
	}
	return s.Request, change(s.Request, time.Now())
}

var errDied = errors.New("the replica has died")

// empty is a cloud in which every box has ended.
type empty struct{ Cloud }

func (empty) Size() budget.BoxSize { return budget.BoxSize{Kind: "e2b", VCPU: 2, MemoryMB: 512} }

func (empty) Claim(context.Context, string, string, approval.Manifest) error { return steps.ErrBoxGone }

func (empty) Release(context.Context, string) (time.Duration, error) { return 0, nil }

// useless is a cloud in which the box is there, and of no use: its Claim is never asked for where its limits are others.
type useless struct {
	empty
	lived    time.Duration
	refuses  error // once
	released int
}

func (u *useless) Release(context.Context, string) (time.Duration, error) {
	if err := u.refuses; err != nil {
		u.refuses = nil
		return 0, err
	}
	u.released++
	lived := u.lived
	u.lived = 0
	return lived, nil
}

func TestABoxThatEndedWhileItsRunCouldNotStartIsPaidFromTheApprovalToItsEnd(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r := &approval.Request{ID: "q1", State: approval.Approved, Revision: &approval.Revision{Number: 1},
		Ready: &approval.Ready{Revision: 1, Hold: "h", Box: "b1", Used: true, At: now.Add(-20 * time.Minute), Over: now.Add(-15 * time.Minute), Until: now.Add(-11 * time.Minute)}}
	k := New(&shelf{Request: r}, empty{}, budget.Shipped(), approval.DefaultPolicy(), slog.New(slog.DiscardHandler))
	for range 2 {
		box, err := k.Claim(t.Context(), r, approval.Manifest{})
		require.NoError(t, err)
		require.Empty(t, box, "the run gets another one")
	}
	require.Len(t, r.Changes.Holds, 1)
	require.Equal(t, budget.ForReady, r.Changes.Holds[0].Purpose)
	require.Len(t, r.Changes.Settlements, 1, "once")
	require.EqualValues(t, (4 * time.Minute).Milliseconds(), r.Changes.Settlements[0].Charges[0].BoxMS)
	require.Empty(t, r.Holds)
	require.False(t, r.Ready.Used)

	r.Ready.Used, r.Ready.Until = true, now.Add(time.Hour)
	_, err := k.Claim(t.Context(), r, approval.Manifest{})
	require.NoError(t, err)
	require.Len(t, r.Changes.Settlements, 1, "somebody has ended it before its time, and nobody knows when")
}

// What a box of no use cost before the approval is on its own line by then. What it cost since is a line beside it, and none of the run's.
func TestABoxThatIsOfNoUseToItsRunIsEndedAndPaidFromTheApproval(t *testing.T) {
	t.Parallel()
	seal := approval.Manifest{Sandbox: "e2b", Limits: approval.Limits{Seconds: 60}}
	for name, digest := range map[string]string{"made for other limits": "another", "E2B does not let it live long enough": seal.Digest()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			r := &approval.Request{ID: "q1", State: approval.Approved, Revision: &approval.Revision{Number: 1},
				Ready: &approval.Ready{Revision: 1, Digest: digest, Hold: "h", Box: "b1", Used: true, At: now.Add(-3 * time.Minute), Over: now.Add(-time.Minute), Until: now.Add(5 * time.Minute)}}
			cloud := &useless{lived: 3 * time.Minute, refuses: errors.New("E2B does not answer")}
			k := New(&shelf{Request: r}, cloud, budget.Shipped(), approval.DefaultPolicy(), slog.New(slog.DiscardHandler))
			_, err := k.Claim(t.Context(), r, seal)
			require.ErrorContains(t, err, "E2B does not answer", "it may be there")
			require.Empty(t, r.Changes.Settlements)
			for range 2 {
				box, err := k.Claim(t.Context(), r, seal)
				require.NoError(t, err)
				require.Empty(t, box, "the run gets another one")
			}
			require.Equal(t, 2, cloud.released)
			require.Len(t, r.Changes.Settlements, 1, "once")
			require.Equal(t, budget.ForReady, r.Changes.Holds[0].Purpose)
			require.EqualValues(t, time.Minute.Milliseconds(), r.Changes.Settlements[0].Charges[0].BoxMS, "two of the three minutes were paid at the approval")
			require.False(t, r.Ready.Used)
		})
	}
}

// Whoever has ended a box and dies before the row says so leaves a row by which the next one pays it: of the run that could not take it, and of a request
// that came to no run.
func TestABoxWhoseReplicaDiesOverItsEndIsPaidAllTheSame(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]approval.State{"before its run": approval.Approved, "after its request has ended": approval.Withdrawn} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			r := &approval.Request{ID: "q1", State: state, Revision: &approval.Revision{Number: 1},
				Ready: &approval.Ready{Revision: 1, Digest: "another", Hold: "h", Box: "b1", Used: true, At: now.Add(-3 * time.Minute), Over: now.Add(-time.Minute), Until: now.Add(5 * time.Minute)}}
			store, cloud := &shelf{Request: r, dies: 2}, &useless{lived: 3 * time.Minute}
			k := New(store, cloud, budget.Shipped(), approval.DefaultPolicy(), slog.New(slog.DiscardHandler))
			end := func() error {
				if state == approval.Approved {
					_, err := k.Claim(t.Context(), r, approval.Manifest{})
					return err
				}
				return k.drop(t.Context(), r)
			}
			require.ErrorIs(t, end(), errDied)
			require.Equal(t, 1, cloud.released)
			require.Empty(t, r.Changes.Settlements)
			for range 2 {
				require.NoError(t, end())
			}
			require.Len(t, r.Changes.Settlements, 1, "once")
			require.GreaterOrEqual(t, r.Changes.Settlements[0].Charges[0].BoxMS, time.Minute.Milliseconds(), "from the approval until it was ended")
			require.False(t, r.Ready.Used)
		})
	}
}

// parted is a cloud in which the runner of a box is faster to the row: it has killed the box, noted that, and pays for it itself.
type parted struct {
	empty
	note func()
}

func (p parted) Release(context.Context, string) (time.Duration, error) {
	p.note()
	return 3 * time.Minute, nil
}

// An asker takes a question back while its run fills a box that waited: whoever keeps boxes ready and whoever runs both end it, and one of them pays.
func TestABoxThatItsRunnerHasEndedMeanwhileIsPaidByTheRunnerAlone(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r := &approval.Request{ID: "q1", State: approval.Withdrawn, Revision: &approval.Revision{Number: 1},
		Ready: &approval.Ready{Revision: 1, Hold: "h", Box: "b1", Used: true, At: now.Add(-3 * time.Minute), Over: now.Add(-time.Minute), Until: now.Add(5 * time.Minute)}}
	k := New(&shelf{Request: r}, parted{note: func() { approval.Early{Request: r}.Part("b1") }}, budget.Shipped(), approval.DefaultPolicy(), slog.New(slog.DiscardHandler))
	require.NoError(t, k.drop(t.Context(), r))
	require.Empty(t, r.Changes.Settlements)
}
