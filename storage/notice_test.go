package storage

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
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

func TestHowFarCopiesOfCheckpointsReach(t *testing.T) {
	t.Parallel()
	b := setup(t)
	copied := func(of, in string) steps.Copies {
		c, err := Copies{b.DB}.Copied(t.Context(), of, in)
		require.NoError(t, err)
		return c
	}
	require.Zero(t, copied(team, "C1"))
	at := time.Now().UTC().Truncate(time.Microsecond)
	send := func(number int64, in string, at time.Time) string {
		key := fmt.Sprintf("checkpoint %d %s", number, team)
		for range 2 { // of two replicas one is first
			require.NoError(t, b.DB.Notify(t.Context(), approval.Notice{Key: key, Team: team, Kind: approval.NoticeCheckpoint, To: []string{in}, At: at, Once: true,
				Data: approval.Encode(approval.Checkpoint{Number: number, Size: number, Note: "signed"})}))
		}
		return key
	}
	stands := func(key, in string) {
		require.NoError(t, b.DB.NoticePosted(t.Context(), steps.NoticePost{Key: key, Recipient: in, Channel: in, TS: "1763812800.000100", Shown: "x"}))
	}
	stands(send(9, "C1", at), "C1")
	old := send(10, "C1", at.Add(-2*time.Hour))
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM river_job WHERE args::text LIKE '%checkpoint 10 %'`), "one job sends it")
	c := copied(team, "C1")
	require.EqualValues(t, []int64{10, 9}, []int64{c.Begun, c.Number})
	require.Equal(t, time.Unix(1763812800, 100_000).UTC(), c.At.UTC())
	require.Equal(t, at.Add(-2*time.Hour), c.Waits.UTC())
	require.NoError(t, b.DB.NoticePosted(t.Context(), steps.NoticePost{Key: old, Recipient: "C1"}))
	require.False(t, copied(team, "C1").Waits.IsZero(), "it may stand there, and nobody knows")
	stands(old, "C1")
	require.Zero(t, copied(team, "C1").Waits)
	require.EqualValues(t, 10, copied(team, "C1").Number)
	require.Equal(t, steps.Copies{Begun: 10}, copied(team, "C2"), "in another channel there is none")
	send(11, "C2", at.AddDate(0, 0, -3))
	require.Zero(t, copied(team, "C2").Waits, "that is over")
	require.Zero(t, copied("OTHERTEAM", "C1"))

	set := review.RuleSet{Team: team, Rules: someRules(), SetBy: "ADMIN"}
	channels, err := Copies{b.DB}.Channels(t.Context())
	require.NoError(t, err)
	require.Empty(t, channels)
	set.Rules.LogChannel = "C1"
	set, err = b.DB.SetRules(t.Context(), set)
	require.NoError(t, err)
	channels, err = Copies{b.DB}.Channels(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]string{team: "C1"}, channels)
	set.Rules.LogChannel = ""
	_, err = b.DB.SetRules(t.Context(), set)
	require.NoError(t, err)
	channels, err = Copies{b.DB}.Channels(t.Context())
	require.NoError(t, err)
	require.Empty(t, channels, "the last word holds")
}
