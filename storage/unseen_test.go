package storage

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
)

func TestWhatSlackRefusesIsCountedUntilItIsTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	u := steps.Unseen{RequestID: r.ID, Surface: steps.SurfaceCard, Channel: "REVIEW", Why: steps.Malformed, Code: "invalid_blocks", Stands: true}
	first, err := b.Refused(t.Context(), u)
	require.NoError(t, err)
	require.Equal(t, 1, first.Times)
	require.False(t, first.Repeats())
	again, err := b.Refused(t.Context(), u)
	require.NoError(t, err)
	require.Equal(t, 2, again.Times)
	require.True(t, again.Repeats())
	require.Equal(t, first.First, again.First)
	require.False(t, again.Last.Before(first.Last))
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, map[steps.Surface]steps.Unseen{steps.SurfaceCard: again}, v.Unseen)

	u.Why, u.Code, u.Stands = steps.NoKey, "ekm_access_denied", false
	other, err := b.Refused(t.Context(), u)
	require.NoError(t, err)
	require.Equal(t, 1, other.Times, "another hindrance begins anew")
	require.True(t, other.First.After(first.First))
	require.Equal(t, "ekm_access_denied", other.Code)

	require.NoError(t, b.Seen(t.Context(), r.ID, steps.SurfaceCard))
	require.NoError(t, b.Seen(t.Context(), r.ID, steps.SurfaceCard), "twice is as good as once")
	v, err = b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Empty(t, v.Unseen)

	u.RequestID = "nobody"
	_, err = b.Refused(t.Context(), u)
	require.ErrorContains(t, err, "remember that Slack refuses the card of nobody")
	require.NoError(t, b.Posted(t.Context(), steps.Post{RequestID: r.ID, Surface: steps.SurfacePlain, Channel: "REVIEW", TS: "1.1"}, nil), "the plainer card is a message like the others")
}

func TestTheSchemaKnowsRefusals(t *testing.T) {
	t.Parallel()
	b, fill := setupBreaches(t)
	row := func(values string) string { return `INSERT INTO unseen VALUES ` + values + ";\n" }
	for constraint, sql := range map[string]string{
		"unseen_pkey":          row(`(DONE, 'card', 'C', 'other', 'x', false, 1, now(), now()), (DONE, 'card', 'C', 'other', 'x', false, 1, now(), now())`),
		"unseen_surface_check": row(`(DONE, 'wall', 'C', 'other', 'x', false, 1, now(), now())`),
		"unseen_why_check":     row(`(DONE, 'card', 'C', 'mood', 'x', false, 1, now(), now())`),
		"unseen_times_check":   row(`(DONE, 'card', 'C', 'other', 'x', false, 0, now(), now())`),
		"unseen_order":         row(`(DONE, 'card', 'C', 'other', 'x', false, 1, now(), now() - interval '1 second')`),
	} {
		name, err := b.breach(t, fill, sql)
		require.Error(t, err, constraint)
		require.Equal(t, constraint, name)
	}
	for _, why := range []steps.Hindrance{steps.Outside, steps.Archived, steps.Forbidden, steps.Malformed, steps.TooLong, steps.NoKey, steps.Outage, steps.Other} {
		_, err := b.Refused(t.Context(), steps.Unseen{RequestID: b.pending(t, string(why)).ID, Surface: steps.SurfaceReply, Channel: "C", Why: why})
		require.NoError(t, err, why)
	}
}

func TestWhichChannelAChatLooksAtIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	chats := Chats{DB: b.DB}
	looks := func() string {
		looks, err := chats.Looks(t.Context(), team, "D1", "1.1")
		require.NoError(t, err)
		return looks
	}
	require.Empty(t, looks())
	require.NoError(t, chats.Look(t.Context(), team, "D1", "1.1", "C1"))
	require.Equal(t, "C1", looks())
	require.NoError(t, chats.Look(t.Context(), team, "D1", "1.1", "C2"))
	require.Equal(t, "C2", looks())
	require.NoError(t, b.exec(t, `UPDATE chats SET at = at - interval '31 days'`))
	require.NoError(t, chats.Look(t.Context(), team, "D1", "2.2", "C1"))
	require.Empty(t, looks(), "in which nobody has looked at anything else for a month")
}
