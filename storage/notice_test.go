package storage

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
)

func TestANoticeIsStoredOnceAndRemembersWhereItStands(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := approval.Notice{Key: "price T1 m", Team: "T1", Kind: approval.NoticePrice, To: []string{"U1"}, Admins: true,
		Data: json.RawMessage(`{"model": "m"}`), At: time.Now()}
	require.NoError(t, b.DB.Notify(t.Context(), n))
	again := n
	again.Data = json.RawMessage(`{"model": "other"}`)
	require.NoError(t, b.DB.Notify(t.Context(), again), "said again, it is only looked at again")

	got, posts, err := b.DB.Notice(t.Context(), n.Key)
	require.NoError(t, err)
	require.JSONEq(t, string(n.Data), string(got.Data))
	require.Equal(t, []string{"U1"}, got.To)
	require.True(t, got.Admins)
	require.Empty(t, posts)

	post := steps.NoticePost{Key: n.Key, Recipient: "U1"}
	require.NoError(t, b.DB.NoticePosted(t.Context(), post))
	_, posts, err = b.DB.Notice(t.Context(), n.Key)
	require.NoError(t, err)
	require.False(t, posts["U1"].Begun.IsZero(), "it may stand there")
	require.Empty(t, posts["U1"].TS)
	post.Channel, post.TS, post.Shown = "D1", "1.1", "abc"
	require.NoError(t, b.DB.NoticePosted(t.Context(), post))
	_, posts, err = b.DB.Notice(t.Context(), n.Key)
	require.NoError(t, err)
	require.Equal(t, "1.1", posts["U1"].TS)

	_, err = b.pool.Exec(t.Context(), `DELETE FROM river_job`)
	require.NoError(t, err)
	wake := steps.Wake{Step: approval.StepTell, RequestID: n.Key}
	stuck := func() []steps.Wake {
		wakes, err := b.DB.Stuck(t.Context())
		require.NoError(t, err)
		return wakes
	}
	require.NotContains(t, stuck(), wake, "a job may still be on its way")
	old := n
	old.Key, old.At = "older", time.Now().Add(-time.Minute)
	require.NoError(t, b.DB.Notify(t.Context(), old))
	wake.RequestID = old.Key
	require.NotContains(t, stuck(), wake, "its job waits")
	_, err = b.pool.Exec(t.Context(), `DELETE FROM river_job`)
	require.NoError(t, err)
	require.Contains(t, stuck(), wake)
	require.NoError(t, b.DB.NoticeTold(t.Context(), old.Key))
	require.NotContains(t, stuck(), wake)

	_, _, err = b.DB.Notice(t.Context(), "nothing")
	require.ErrorIs(t, err, approval.ErrNotFound)
}
