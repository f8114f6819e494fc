package steps

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

// TestWhatTwoHavePostedStandsOnce: while this replica posted, another one did, and was faster to remember it.
func TestWhatTwoHavePostedStandsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	require.NoError(t, b.Show(t.Context(), r.ID))
	theirs := b.store.posts[r.ID][SurfaceProgress]
	v, err := b.Presenter.View(t.Context(), r.ID)
	require.NoError(t, err)
	delete(v.Posts, SurfaceProgress) // as it was when this one began
	ours := theirs
	ours.TS = "another"
	require.ErrorIs(t, b.Presenter.posted(t.Context(), v, ours), ErrElsewhere, "the job comes again, and rewrites what stands")
	require.Equal(t, []Post{ours}, b.slack.unposted)
	require.Equal(t, theirs, b.store.posts[r.ID][SurfaceProgress])

	files := Post{RequestID: r.ID, Surface: SurfaceMark, Channel: "C", TS: "1", Shown: "eyes"}
	require.NoError(t, b.Presenter.posted(t.Context(), v, files), "an emoji is no message")
}

// outrun is a request of which this replica draws an outdated progress, and what another one has drawn meanwhile.
func outrun(t *testing.T) (b *bundle, id string, theirs Post) {
	t.Helper()
	b = setup(t)
	id = b.pending().ID
	require.NoError(t, b.Show(t.Context(), id))
	theirs = b.store.posts[id][SurfaceProgress]
	theirs.Shown = "drawn by another one"
	ours := b.store.posts[id][SurfaceProgress]
	ours.Shown = "outdated" // so that there is something to draw
	b.store.posts[id][SurfaceProgress] = ours
	return b, id, theirs
}

// TestWhoeverRemembersADrawingLastDrawsOnceMore: a replica hung in the middle, another one took its place and drew what had
// come since. Then the first went on, and Slack shows what is over.
func TestWhoeverRemembersADrawingLastDrawsOnceMore(t *testing.T) {
	t.Parallel()
	b, id, theirs := outrun(t)
	b.slack.drawing = func(_ *View, kind Surface) error {
		if kind == SurfaceProgress {
			b.store.posts[id][kind], b.slack.drawing = theirs, nil
		}
		return nil
	}
	err := b.Show(t.Context(), id)
	require.ErrorIs(t, err, ErrOvertaken)
	require.ErrorIs(t, err, ErrBusy, "so the job comes again")
	require.Equal(t, FoundInSlack+theirs.Shown, b.store.posts[id][SurfaceProgress].Shown, "nobody knows which of the two came last")
	b.slack.drawn = nil
	require.NoError(t, b.Show(t.Context(), id))
	require.Contains(t, b.slack.drawn, SurfaceProgress)
	require.Equal(t, string(approval.Pending), b.store.posts[id][SurfaceProgress].Shown)
}

// TestWhatIsPostedInPlaceOfAMessageThatAnotherOneHasDrawnGoesAgain: the first message stands, and so does what is remembered.
func TestWhatIsPostedInPlaceOfAMessageThatAnotherOneHasDrawnGoesAgain(t *testing.T) {
	t.Parallel()
	b, id, theirs := outrun(t)
	v, err := b.Presenter.View(t.Context(), id)
	require.NoError(t, err)
	b.store.posts[id][SurfaceProgress] = theirs
	anew := theirs
	anew.TS, anew.Shown = "another", "x"
	require.ErrorIs(t, b.Presenter.posted(t.Context(), v, anew), ErrElsewhere)
	require.Equal(t, []Post{anew}, b.slack.unposted)
	require.Equal(t, theirs, b.store.posts[id][SurfaceProgress])
}

// TestAMessageThatCannotBecomeWhatIsToBeShown was drawn later by another replica, or has another one take its place.
func TestAMessageThatCannotBecomeWhatIsToBeShown(t *testing.T) {
	t.Parallel()
	for _, since := range []bool{true, false} {
		b, id, _ := outrun(t)
		insisted := false
		b.slack.drawing = func(v *View, kind Surface) error {
			if kind != SurfaceProgress || v.Insist {
				insisted = insisted || v.Insist
				return nil
			}
			if since {
				r := b.store.requests[id]
				r.ChangedAt = r.ChangedAt.Add(time.Second)
			}
			return ErrOvertaken
		}
		err := b.Show(t.Context(), id)
		require.Equal(t, !since, insisted, "only where nobody has drawn it since")
		if since {
			require.ErrorIs(t, err, ErrBusy)
		} else {
			require.NoError(t, err)
		}
	}
}

// TestWhatBecameOfACallThatWasGivenUpNobodyKnows: Slack may carry it out all the same, and later than another replica's.
func TestWhatBecameOfACallThatWasGivenUpNobodyKnows(t *testing.T) {
	t.Parallel()
	b, id, theirs := outrun(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.slack.drawing = func(_ *View, kind Surface) error {
		if kind != SurfaceProgress {
			return nil
		}
		b.store.posts[id][kind] = theirs
		cancel()
		return errors.Join(ErrUnheard, ctx.Err())
	}
	b.store.jobs = nil
	require.ErrorIs(t, b.Show(ctx, id), context.Canceled)
	require.Equal(t, FoundInSlack+theirs.Shown, b.store.posts[id][SurfaceProgress].Shown)
	require.Contains(t, b.store.jobs, Wake{Step: approval.StepShow, RequestID: id}, "the job may be another one's by now")

	b.store.jobs = nil
	b.store.posts[id][SurfaceProgress] = theirs
	b.slack.drawing = func(_ *View, kind Surface) error {
		if kind == SurfaceProgress {
			return ErrUnheard
		}
		return nil
	}
	require.ErrorIs(t, b.Show(t.Context(), id), ErrUnheard)
	require.Equal(t, FoundInSlack+theirs.Shown, b.store.posts[id][SurfaceProgress].Shown)
	require.Empty(t, b.store.jobs, "this one comes again: while Slack is away, each would make another")
}

// TestWhatSlackHasDoneIsRememberedWithoutTime: the call came to its end, and the job's time as well.
func TestWhatSlackHasDoneIsRememberedWithoutTime(t *testing.T) {
	t.Parallel()
	b, id, _ := outrun(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.slack.drawing = func(_ *View, kind Surface) error {
		if kind == SurfaceProgress {
			cancel()
		}
		return nil
	}
	_ = b.Show(ctx, id)
	require.Equal(t, string(approval.Pending), b.store.posts[id][SurfaceProgress].Shown)
}

// TestWhatSomebodyHasBegunToShowIsDrawnAnew: a replica died with a call under way, and what is remembered is from before or after.
func TestWhatSomebodyHasBegunToShowIsDrawnAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	begun := Wake{Step: approval.StepShow, RequestID: r.ID, Again: true}
	require.NoError(t, b.Do(t.Context(), begun), "there is nothing to doubt yet")
	require.NoError(t, b.Show(t.Context(), r.ID))
	require.NoError(t, b.Do(t.Context(), begun))
	seen := map[Surface]string{}
	b.slack.drawing = func(v *View, kind Surface) error { seen[kind] = v.Posts[kind].Shown; return nil }
	require.NoError(t, b.Do(t.Context(), Wake{Step: approval.StepShow, RequestID: r.ID}))
	is := string(approval.Pending)
	require.Equal(t, FoundInSlack+is, seen[SurfaceProgress])
	require.Equal(t, FoundInSlack+is, seen[SurfaceCard])
	require.Equal(t, is, seen[SurfaceRoot], "it never changes")
	require.Equal(t, is, b.store.posts[r.ID][SurfaceProgress].Shown)
	b.faults.fail("Doubt.before", errCrash)
	require.ErrorIs(t, b.Do(t.Context(), begun), errCrash)
	require.ErrorIs(t, b.Do(t.Context(), Wake{Step: approval.StepShow, RequestID: "nobody", Again: true}), approval.ErrNotFound)
}

// TestOfAReplacedMessageNothingIsDeleted: it was drawn as what stands, and is a former one by now.
func TestOfAReplacedMessageNothingIsDeleted(t *testing.T) {
	t.Parallel()
	b, id, theirs := outrun(t)
	v, err := b.Presenter.View(t.Context(), id)
	require.NoError(t, err)
	ours := v.Posts[SurfaceProgress]
	ours.Shown = "x"
	theirs.TS = "another"
	b.store.posts[id][SurfaceProgress] = theirs
	require.ErrorIs(t, b.Presenter.posted(t.Context(), v, ours), ErrElsewhere)
	require.Empty(t, b.slack.unposted)
	require.Equal(t, theirs, b.store.posts[id][SurfaceProgress])
}

// TestWhoWatchesARunGoesOnWithTheMessageThatStands: another replica has posted one for the same run, and ours is gone again.
func TestWhoWatchesARunGoesOnWithTheMessageThatStands(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	v, err := b.Presenter.View(t.Context(), r.ID)
	require.NoError(t, err)
	theirs := Post{RequestID: r.ID, Surface: SurfaceRunning, Channel: "D", TS: "1", Shown: "x"}
	ours := theirs
	ours.TS = "2"
	post, remembered := b.Presenter.kept(t.Context(), v, theirs)
	require.True(t, remembered)
	require.Equal(t, theirs, post)
	delete(v.Posts, SurfaceRunning)
	post, remembered = b.Presenter.kept(t.Context(), v, ours)
	require.True(t, remembered)
	require.Equal(t, theirs, post)
	require.Equal(t, []Post{ours}, b.slack.unposted)
	b.faults.fail("Posted.before", errCrash)
	ours.TS = theirs.TS
	_, remembered = b.Presenter.kept(t.Context(), v, ours)
	require.False(t, remembered, "the next line tries it again")

	b.store.jobs = nil
	b.Presenter.overrun(t.Context(), time.Now(), theirs)
	require.Empty(t, b.store.jobs)
	b.Presenter.overrun(t.Context(), time.Now().Add(-afterwards), theirs)
	require.Equal(t, []Wake{{Step: approval.StepShow, RequestID: r.ID}}, b.store.jobs, "it hung, and another one may have said how it ended")
	require.Equal(t, FoundInSlack+"x", b.store.posts[r.ID][SurfaceRunning].Shown)
	b.faults.fail("Doubt.before", errCrash)
	b.Presenter.overrun(t.Context(), time.Now().Add(-afterwards), theirs)
	require.Contains(t, b.log.String(), "have a message drawn anew")
}

// TestWhatHasToLastIsDoneWithoutTimeToo: and while there is time, it may take as long as there is.
func TestWhatHasToLastIsDoneWithoutTimeToo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var limited []bool
	do := func(ctx context.Context) error {
		_, until := ctx.Deadline()
		limited = append(limited, until)
		return ctx.Err()
	}
	require.NoError(t, lasting(ctx, do))
	require.Equal(t, []bool{false}, limited, "a database that is away comes back")
	require.ErrorIs(t, lasting(ctx, func(context.Context) error { return errCrash }), errCrash)
	cancel()
	require.NoError(t, lasting(ctx, do))
	require.Equal(t, []bool{false, false, true}, limited)
}
