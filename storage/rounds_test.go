package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/storage/trail"
)

// rewrite is a reviewer who wants the code changed.
func (b *bundle) rewrite(reviewer, words string) func(r *approval.Request, now time.Time) error {
	return func(r *approval.Request, now time.Time) error {
		d := decision(r, reviewer, approval.Rewrite)
		d.Reason = words
		return r.Decide(d, budget.Cent, b.policy, now)
	}
}

func TestARoundIsStoredWithWhatTheReviewerWanted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.update(t, b.pending(t, "t").ID, b.rewrite("REVA", "Sort it, please."))
	require.Equal(t, approval.Drafting, r.State)
	got, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, 1, got.Rounds)
	require.Zero(t, got.Attempts)
	require.Len(t, got.Holds, 1)
	require.Len(t, got.Wishes, 1)
	require.Equal(t, approval.Wish{Revision: 1, Code: "print(1)\n", By: "REVA", Words: "Sort it, please.", At: got.Wishes[0].At}, got.Wishes[0])

	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		if err := b.drafted(r, now); err != nil {
			return err
		}
		require.Equal(t, 2, r.Revision.Number)
		return nil
	})
	require.Empty(t, r.Decisions)
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, 1, v.Former.Number)
	require.Equal(t, "print(1)\n", v.Former.Code)

	// What a follow-up gets to read is the code that was answered for.
	next := b.question("next")
	next.SessionID = r.SessionID
	require.NoError(t, b.exec(t, `UPDATE sessions SET thread_ts = '1.1' WHERE id = $1`, r.SessionID))
	next, _, err = b.Ask(t.Context(), next, approval.Session{Team: team, Channel: channel, ThreadTS: "1.1"})
	require.NoError(t, err)
	after, err := b.View(t.Context(), next.ID)
	require.NoError(t, err)
	require.Equal(t, []string{v.Request.Question}, after.Earlier, "and what was asked before stands on its card")
	require.Empty(t, v.Earlier)
	history, err := b.History(t.Context(), next.ID)
	require.NoError(t, err)
	codes := 0
	for _, m := range history.Said {
		if m.Role == approval.RoleCode {
			codes++
		}
	}
	require.Equal(t, 1, codes)
}

func TestAnEditIsKeptUntilItHasBeenInspected(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	e := approval.Edit{By: "REVA", Code: "print('\\u0000', \"<&>\", 'ö')\n", Click: approval.Click{Team: team, User: "REVA", ActionTS: "1.5"}}
	take := func(r *approval.Request, now time.Time) error {
		return r.TakeEdit(e, r.Revision.Number, r.Revision.Digest, budget.Cent, b.policy, now)
	}
	until := r.ExpiresAt
	r = b.update(t, r.ID, take)
	got, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, &e, got.Edit, "byte for byte")
	require.Equal(t, until, got.ExpiresAt)
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.PutBack(approval.Words("no"), now) })
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, 1, r.Revision.Number)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM notices WHERE kind = 'edit failed'`))

	r = b.update(t, r.ID, take)
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Drafted(approval.Revision{Code: e.Code, Author: e.By, Manifest: r.Revision.Manifest}, b.policy, now)
	})
	require.Equal(t, 2, r.Revision.Number)
	require.Equal(t, 1, r.Rounds)
	require.Nil(t, r.Edit)
	_, err = b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		d := decision(r, "REVA", approval.Approve)
		r.Changes.Decision = &d // past the verb that would refuse it
		return nil
	})
	var no *approval.NotAllowedError
	require.ErrorAs(t, err, &no, "whoever wrote it does not approve it, says the schema as well")
}

func TestABrokenSealIsStoredAsANewRevision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t, "t")
	require.Len(t, r.Holds, 1)
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.BreakSeal(&approval.BrokenSealError{Why: []approval.Reason{approval.Words("sales.csv has changed.")}}, r.Revision.Manifest, b.policy, now)
	})
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, 2, r.Revision.Number)
	require.Empty(t, r.Holds)
	got, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, approval.Reason{Code: approval.WhyBrokenSeal, Why: []approval.Reason{approval.Words("sales.csv has changed.")}}, got.Reason)
	require.Empty(t, got.Decisions)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM decisions`), "what was decided stays on record")
	_, err = b.VerifyChain(t.Context(), trail.StreamOf(r.ID))
	require.NoError(t, err)
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
	})
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Disown("REVA", 2, approval.Click{}, b.policy, now)
	})
	require.Equal(t, 3, r.Revision.Number)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM notices WHERE kind = 'disowned' AND admins`))
}

func TestASweepFindsWhomToRemind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.update(t, b.ask(t, "t").ID, func(r *approval.Request, now time.Time) error {
		return b.drafted(r, now.Add(-100*time.Hour)) // so that what the test itself takes is nothing
	})
	require.NoError(t, b.exec(t, `UPDATE requests SET shown_at = changed_at, looked_at = now()`))
	find := func(left float64) []steps.Wake {
		require.NoError(t, b.exec(t, `UPDATE requests SET expires_at = v.at + (clock_timestamp() - v.at) / (1 - $1::float8)
			FROM revisions v WHERE v.request_id = id`, left))
		wakes, err := b.Stuck(t.Context())
		require.NoError(t, err)
		return wakes
	}
	due := []steps.Wake{{Step: approval.StepShow, RequestID: r.ID}}
	require.Empty(t, find(0.6))
	require.Equal(t, due, find(0.45))
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return approval.Turn{Request: r}.Remind([]string{"REVA"}, now)
	})
	require.NoError(t, b.exec(t, `UPDATE requests SET shown_at = changed_at`))
	require.Empty(t, find(0.3))
	require.Equal(t, due, find(0.15))
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return approval.Turn{Request: r}.Escalate(nil, now) })
	require.NoError(t, b.exec(t, `UPDATE requests SET shown_at = changed_at`))
	require.Empty(t, find(0.1))
	got, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.False(t, got.RemindedAt.IsZero() || got.EscalatedAt.IsZero())
}

func TestWhoWasToldIsShownWhereItIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t, "t")
	key := "approved " + r.ID + " 1 REVA"
	jobs := func() int {
		return b.count(t, `SELECT count(*) FROM river_job WHERE args @> jsonb_build_object('step', 'tell', 'request_id', $1::text)`, key)
	}
	require.Equal(t, 1, jobs(), "told")
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Start("box", b.policy, now) })
	require.Equal(t, 2, jobs(), "and looked at again")
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Begin(now) })
	require.Equal(t, 2, jobs())
}

func TestWhatWasApprovedBeforeIsFoundByChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.done(t, "1"), b.approved(t, "2")
	b.pending(t, "3")
	got, err := b.Vetted(t.Context(), team, channel, "none", 10)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, []string{second.ID, first.ID}, []string{got[0].RequestID, got[1].RequestID})
	require.Equal(t, steps.Near{RequestID: first.ID, Revision: 1, Question: first.Question, Code: "print(1)\n", At: got[1].At}, got[1])
	got, err = b.Vetted(t.Context(), team, channel, second.ID, 10)
	require.NoError(t, err)
	require.Len(t, got, 1)
	got, err = b.Vetted(t.Context(), team, "OTHER", "none", 10)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestAnAssignmentIsStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return approval.Turn{Request: r}.Assign("REVB", "REVA", approval.Click{}, now)
	})
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return approval.Turn{Request: r}.AskOpinion("REVB", "REVA", approval.Click{}, now)
	})
	got, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, "REVB", got.Assignee)
	require.Equal(t, []string{"REVB"}, got.Opinions)
}

// An approval is taken back or the code starts: never both, whoever is faster.
func TestAnApprovalIsTakenBackOrItsCodeStarts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 10 {
		r := b.approved(t, triggerOf(i))
		moves := []func(r *approval.Request, now time.Time) error{
			func(r *approval.Request, now time.Time) error {
				return r.Disown("REVA", 1, approval.Click{}, b.policy, now)
			},
			func(r *approval.Request, now time.Time) error { return r.Start("box-"+r.ID, b.policy, now) },
		}
		errs := together(2, func(i int) error {
			_, err := b.Update(t.Context(), r.ID, moves[i])
			return err
		})
		require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v", errs)
		got, err := b.Request(t.Context(), r.ID)
		require.NoError(t, err)
		if errs[0] == nil {
			require.Equal(t, approval.Pending, got.State)
			require.Nil(t, got.Run)
		} else {
			require.Equal(t, approval.Running, got.State)
			require.Equal(t, 1, got.Revision.Number)
		}
	}
}

// Of reviewers who say different things at once, one is heard.
func TestOneOfManyWordsAtOnceIsHeard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	errs := together(12, func(i int) error {
		who := "REV" + triggerOf(i)
		_, err := b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
			switch i % 3 {
			case 0:
				return r.Decide(decision(r, who, approval.Approve), budget.Cent, b.policy, now)
			case 1:
				return b.rewrite(who, "Otherwise, please.")(r, now)
			}
			e := approval.Edit{By: who, Code: "print(2)\n", Click: approval.Click{User: who}}
			return r.TakeEdit(e, 1, r.Revision.Digest, budget.Cent, b.policy, now)
		})
		return err
	})
	heard := 0
	for _, err := range errs {
		var late *approval.MoveError
		if err == nil {
			heard++
		} else {
			require.ErrorAs(t, err, &late)
		}
	}
	require.Equal(t, 1, heard)
}
