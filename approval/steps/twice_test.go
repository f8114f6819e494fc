package steps

import (
	"testing"

	"github.com/stretchr/testify/require"
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
