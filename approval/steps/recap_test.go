package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/budget"
)

// follow asks the next question of the thread, of a thousand bytes.
func (b *bundle) follow(n int) *approval.Request {
	b.t.Helper()
	q := question()
	q.ThreadTS, q.Text = "1.1", fmt.Sprintf("Question %02d%s", n, strings.Repeat(".", 700))
	r, err := b.Ask(b.t.Context(), q)
	require.NoError(b.t, err)
	return b.find(r)
}

// turn is one whole turn of the thread: asked, written, approved, run.
func (b *bundle) turn(n int) *approval.Request {
	b.t.Helper()
	r := b.follow(n)
	require.Empty(b.t, b.work())
	r, err := b.Decide(b.t.Context(), ruling(b.request(r.ID), "R1", approval.Approve))
	require.NoError(b.t, err)
	require.Empty(b.t, b.work())
	r = b.request(r.ID)
	require.Equal(b.t, approval.Done, r.State, r.Reason)
	return r
}

// lengthy is a thread of so many turns whose next one has no room for all of them.
func lengthy(t *testing.T, turns int) *bundle {
	t.Helper()
	b := setup(t)
	b.writer.room = 9000
	for n := range turns {
		b.turn(n)
	}
	return b
}

// brief is the latest prompt.
func (b *bundle) brief() Brief { return b.writer.briefs[len(b.writer.briefs)-1] }

// What has no room is summed up by the model once, held before and paid after; what is told
// stays in its room, and nothing is lost.
func TestALongThreadIsSummedUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.room = 9000
	summed := map[string]int{}
	for n := range 24 {
		was := len(b.writer.recaps)
		r := b.turn(n)
		brief, told := b.brief(), r.Revision.Manifest.Thread
		bytes := len(brief.Summary)
		for _, m := range brief.History {
			bytes += len(m.Text)
		}
		require.LessOrEqual(t, bytes, b.writer.room)
		require.Zero(t, told.Left, "nothing is left out")
		require.Equal(t, brief.Summary != "", told.Summary != "")
		require.Zero(t, b.open(r.ID))
		spends := b.spends(r.ID, budget.ForSummary)
		require.LessOrEqual(t, len(b.writer.recaps), was+1)
		if len(b.writer.recaps) == was {
			require.Zero(t, b.count(r.ID, approval.EventSummarised))
			continue
		}
		recap := b.writer.recaps[was]
		require.Equal(t, 1, b.count(r.ID, approval.EventSummarised))
		require.Equal(t, "m1", recap.Model)
		if was > 0 {
			require.Equal(t, fmt.Sprintf("Summary %d.", was), recap.Before, "it goes on from the one before it")
		}
		require.Equal(t, fmt.Sprintf("Summary %d.", was+1), brief.Summary)
		for _, m := range recap.Said {
			if m.Role == approval.RoleQuestion {
				summed[m.RequestID]++
			}
		}
		require.Len(t, spends, 1)
		require.False(t, spends[0].Estimated)
		require.Equal(t, 3200*budget.MicroDollar, budget.Total(spends[0].Charges))
	}
	require.Greater(t, len(b.writer.recaps), 1)
	require.Less(t, len(b.writer.recaps), 8, "not by each question")
	for id, times := range summed {
		require.Equal(t, 1, times, id)
	}
	past, err := b.Past(t.Context(), b.follow(99).ID)
	require.NoError(t, err)
	require.Len(t, past.Summaries, len(b.writer.recaps))
	require.Empty(t, b.work())
}

// A summary that fails, however it does, stops no question: the oldest are left out, the seal
// counts them, and the next question does not pay for the same again.
func TestASummaryThatFailsStopsNoQuestion(t *testing.T) {
	t.Parallel()
	usage := budget.Usage{Model: "m1", Input: 3_000, Output: 100}
	for what, tt := range map[string]struct {
		hinder func(b *bundle)
		err    *WriterError
		calls  int // of two questions
		spent  budget.USD
		open   int
	}{
		"the model refuses":           {nil, &WriterError{Err: errCrash, Words: "No.", Usage: usage}, 1, 3200 * budget.MicroDollar, 0},
		"nobody knows what it cost":   {nil, &WriterError{Err: errCrash, Words: "No.", Billed: true}, 1, 0, 1},
		"it is not to be had":         {nil, &WriterError{Err: errCrash, Words: "No.", Retry: true}, 2, 0, 0},
		"an error that nobody knows":  {nil, nil, 1, 0, 1},
		"there is no money beside it": {func(b *bundle) { b.poor() }, &WriterError{}, 1, 0, 0},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := lengthy(t, 8)
			require.Empty(t, b.writer.recaps)
			b.writer.recap = func(Recap) (Recapped, error) {
				if tt.err == nil {
					return Recapped{}, errCrash
				}
				return Recapped{}, tt.err
			}
			if tt.hinder != nil {
				tt.hinder(b)
			}
			r := b.follow(8)
			require.Empty(t, b.work())
			r = b.request(r.ID)
			require.Equal(t, approval.Pending, r.State, r.Reason)
			require.Empty(t, b.brief().Summary)
			require.Positive(t, r.Revision.Manifest.Thread.Left)
			require.Empty(t, r.Revision.Manifest.Thread.Summary)
			require.Equal(t, tt.open, b.open(r.ID))
			spent := budget.USD(0)
			for _, s := range b.spends(r.ID, budget.ForSummary) {
				spent += budget.Total(s.Charges)
			}
			require.Equal(t, tt.spent, spent)
			require.Equal(t, 1, r.Attempts, "the draft's own calls are counted apart")
			_, err := b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
			require.NoError(t, err)
			if tt.hinder != nil {
				b.limit(budget.User, "asker", 100*budget.Dollar, budget.Month, budget.LimitPolicy{})
			}
			next := b.follow(9)
			require.Empty(t, b.work())
			require.Equal(t, approval.Pending, b.request(next.ID).State)
			require.Len(t, b.writer.recaps, tt.calls)
			b.sweepUncertain()
			require.Zero(t, b.open(r.ID))
		})
	}
}

// poor leaves the asker just the money for a draft.
func (b *bundle) poor() {
	worst, err := b.DraftCost("m1", b.store.now())
	require.NoError(b.t, err)
	standings, err := b.store.Standings(b.t.Context(), []budget.Scope{{Team: "T1", Kind: budget.User, ID: "asker"}})
	require.NoError(b.t, err)
	b.limit(budget.User, "asker", standings[0].Spent+worst+100*budget.MicroDollar, budget.Month, budget.LimitPolicy{})
}

// Wherever a replica dies over a summary, the question goes on; no more than one call's hold is
// uncertain, and the model is called for it once.
func TestASummarySurvivesTheDeathOfItsReplicaAnywhere(t *testing.T) {
	t.Parallel()
	for point, made := range map[string]bool{"Recap.before": false, "Recap.after": false, "commit summarised.before": false, "commit summarised.after": true} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			b := lengthy(t, 8)
			r := b.follow(8)
			b.faults.kill(point)
			require.Len(t, b.work(), 1)
			require.True(t, b.faults.struck(), "the crash point was never reached")
			r = b.request(r.ID)
			require.Equal(t, approval.Pending, r.State, r.Reason)
			require.Equal(t, made, b.brief().Summary != "")
			require.Equal(t, made, r.Revision.Manifest.Thread.Summary != "")
			require.LessOrEqual(t, len(b.writer.recaps), 1)
			if made {
				require.Zero(t, b.open(r.ID))
				return
			}
			require.Equal(t, 1, b.open(r.ID), "what the call has cost nobody knows")
			held, until := budget.Uncertain(r.Holds)
			b.store.pass(until.Sub(b.store.now()) + time.Second)
			require.NoError(t, b.Sweep(t.Context()))
			require.Zero(t, b.open(r.ID))
			require.Equal(t, held, budget.Total(b.spends(r.ID, budget.ForSummary)[0].Charges), "as for drafts: in full, and no more")
			require.Equal(t, 7000*budget.MicroDollar, held)
		})
	}
}

// Two follow-ups at once make one summary: the second waits for it.
func TestTwoFollowUpsAtOnceMakeOneSummary(t *testing.T) {
	t.Parallel()
	b := lengthy(t, 8)
	first, second := b.follow(8), b.follow(9)
	require.NoError(t, b.Read(t.Context(), second.ID))
	b.writer.recap = func(r Recap) (Recapped, error) {
		err := b.Steps.Draft(context.Background(), second.ID)
		require.ErrorAs(t, err, new(*LaterError))
		require.ErrorIs(t, err, ErrBusy)
		return Recapped{Text: "One summary.", Usage: budget.Usage{Model: r.Model, Input: 3_000, Output: 100}}, nil
	}
	require.NoError(t, b.Draft(t.Context(), first.ID))
	require.NoError(t, b.Draft(t.Context(), second.ID))
	require.Len(t, b.writer.recaps, 1)
	for _, id := range []string{first.ID, second.ID} {
		require.NotEmpty(t, b.request(id).Revision.Manifest.Thread.Summary)
	}
	require.Equal(t, b.request(first.ID).Revision.Manifest.Thread.Summary, b.request(second.ID).Revision.Manifest.Thread.Summary)
	require.Len(t, b.spends(first.ID, budget.ForSummary), 1)
	require.Empty(t, b.spends(second.ID, budget.ForSummary))
}

// The switch holds when a prompt is made: what was summed up with results is told nobody once
// results may not be.
func TestASummaryMadeOfResultsIsNotToldWhenTheSwitchIsOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.room = 9000
	b.show(approval.Statistics)
	for n := range 8 {
		b.turn(n)
	}
	with := b.turn(8)
	require.Len(t, b.writer.recaps, 1)
	require.Contains(t, fmt.Sprint(b.writer.recaps[0].Said), "value: 42")
	require.Equal(t, approval.Statistics, with.Revision.Manifest.Saw)
	b.show(approval.Shape)
	without := b.turn(9)
	require.Equal(t, approval.Shape, without.Revision.Manifest.Saw)
	require.Len(t, b.writer.recaps, 2, "it is made anew, of what may be seen")
	require.NotContains(t, fmt.Sprint(b.writer.recaps[1], b.brief()), "value: 42")
	require.Empty(t, b.writer.recaps[1].Before)
	require.NotEqual(t, with.Revision.Manifest.Thread.Summary, without.Revision.Manifest.Thread.Summary)
}

// A code that a person has edited, and a seal that broke, keep what the model was told.
func TestWhatAModelWasToldStaysWithItsCode(t *testing.T) {
	t.Parallel()
	b := lengthy(t, 8)
	r := b.follow(8)
	require.Empty(t, b.work())
	r = b.request(r.ID)
	told := r.Revision.Manifest.Thread
	require.NotEmpty(t, told.Summary)
	_, err := b.Edit(t.Context(), ruling(r, "R1", approval.Approve), goodCode+"# edited\n")
	require.NoError(t, err)
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, 2, r.Revision.Number)
	require.Equal(t, told, r.Revision.Manifest.Thread)
}

// A question that waits for the summary of another one has paid for no look at its files by then: it
// comes again, and would pay again.
func TestWhoeverWaitsForASummaryPaysForNoLook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.room = 9000
	b.show(approval.Statistics)
	for n := range 8 {
		b.turn(n)
	}
	first, second := b.follow(8), b.follow(9)
	require.NoError(t, b.Read(t.Context(), second.ID))
	before := len(b.spends(second.ID, budget.ForRead))
	b.writer.recap = func(r Recap) (Recapped, error) {
		for range 3 {
			require.ErrorAs(t, b.Steps.Draft(context.Background(), second.ID), new(*LaterError))
		}
		require.Len(t, b.spends(second.ID, budget.ForRead), before)
		return Recapped{Text: "One summary.", Usage: budget.Usage{Model: r.Model, Input: 3_000, Output: 100}}, nil
	}
	require.NoError(t, b.Draft(t.Context(), first.ID))
	require.Len(t, b.writer.recaps, 1)
	require.NoError(t, b.Draft(t.Context(), second.ID))
	require.Equal(t, "One summary.", b.brief().Summary)
	require.NotEmpty(t, b.brief().Seen)
	require.Len(t, b.spends(second.ID, budget.ForRead), before+1)
}

// What is taken back while a box looks at the files is told nobody.
func TestWhatGoesDuringALookIsNotTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.show(approval.Statistics)
	b.turn(0)
	r := b.follow(1)
	require.NoError(t, b.Read(t.Context(), r.ID))
	b.box.reads = []func(InputFile) (Readout, error){func(f InputFile) (Readout, error) {
		b.store.mu.Lock()
		defer b.store.mu.Unlock()
		b.store.messages = slices.DeleteFunc(b.store.messages, func(m approval.Message) bool { return m.RequestID != r.ID })
		return Readout{Answer: reading.Answer{Glimpse: fakeGlimpse(f)}, Box: time.Second}, nil
	}}
	require.NoError(t, b.Steps.Draft(t.Context(), r.ID))
	require.NotEmpty(t, b.brief().Seen)
	require.Empty(t, b.brief().History)
}
