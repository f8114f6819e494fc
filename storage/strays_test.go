package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
)

func init() { breaches = append(breaches, sightingBreaches...) }

// sightingBreaches are what no sighting may be.
var sightingBreaches = []struct{ promise, sql, constraint string }{
	{"a message is met once", sighted(`'root', 'C', '2.2'`) + sighted(`'root', 'C', '2.2'`), "sightings_pkey"},
	{"a message that was met stands in a channel", sighted(`'root', '', '2.2'`), "sightings_channel_check"},
	{"a message that was met has a time", sighted(`'root', 'C', ''`), "sightings_ts_check"},
	{"a message in whose place none is remembered is the one", sighted(`'wall', 'C', '2.2'`), "sightings_in_place"},
}

func sighted(values string) string {
	return `INSERT INTO posts VALUES (DONE, 'root', 'C', '1.1', '') ON CONFLICT DO NOTHING;
		INSERT INTO sightings SELECT DONE, s, c, ts, 0, false, now(), now() FROM (VALUES (` + values + `)) AS v (s, c, ts)` + ";\n"
}

// TestAMessageThatNobodyRemembersBecomesTheOneThatIsMissing: a replica died between the post and its row.
func TestAMessageThatNobodyRemembersBecomesTheOneThatIsMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	met := func(surface steps.Surface, revision int, ts string) steps.Meeting {
		return b.met(t, r.ID, surface, revision, ts)
	}
	post := func(surface steps.Surface) steps.Post {
		t.Helper()
		v, err := b.View(t.Context(), r.ID)
		require.NoError(t, err)
		return v.Posts[surface]
	}
	require.Equal(t, steps.MetKnown, met(steps.SurfaceRoot, 0, "2.000002"))
	require.Equal(t, steps.Post{RequestID: r.ID, Surface: steps.SurfaceRoot, Channel: channel, TS: "2.000002", Shown: steps.FoundInSlack}, post(steps.SurfaceRoot))
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, "2.000002", v.Session.ThreadTS, "its thread is the request's")
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM events WHERE kind = 'posted'`), "the trail tells of it")

	require.Equal(t, steps.MetKnown, met(steps.SurfaceRoot, 0, "2.000002"))
	require.Equal(t, steps.MetStray, met(steps.SurfaceRoot, 0, "1.000009"), "it was posted first, and another one since")
	require.Equal(t, steps.MetUnsure, met(steps.SurfaceRoot, 0, "3.000001"), "somebody may be about to remember it")
	require.Equal(t, "2.000002", post(steps.SurfaceRoot).TS)

	require.NoError(t, b.exec(t, `INSERT INTO sessions (id, team, channel, thread_ts) SELECT 'other', team, channel, '1.500000' FROM sessions`))
	require.Equal(t, steps.MetKnown, met(steps.SurfaceRoot, 0, "1.500000"), "somebody has asked below it")

	require.Equal(t, steps.MetKnown, met(steps.SurfaceCard, 1, "4.000000"))
	require.Equal(t, "1:"+steps.FoundInSlack, post(steps.SurfaceCard).Shown, "a card is one of a version")
	require.Equal(t, steps.MetUnsure, met(steps.SurfaceCard, 2, "6.000000"), "a later version's may be remembered in a moment")
	require.NoError(t, b.Posted(t.Context(), steps.Post{RequestID: r.ID, Surface: steps.SurfaceCard, Channel: "C2", TS: "6.000000", Shown: "2/17:abc"}, nil))
	require.Equal(t, steps.MetKnown, met(steps.SurfaceCard, 1, "4.000000"), "the card of a former version stays, and leads to this one, also where the review channel has moved")
	require.Equal(t, steps.MetStray, met(steps.SurfaceCard, 1, "3.000000"), "but not the second one of a former version")
	require.NoError(t, b.Posted(t.Context(), steps.Post{RequestID: r.ID, Surface: steps.SurfaceCard, Channel: "C2", TS: "6.500000", Shown: "2/17:abc"}, nil))
	is, err := Strays{b.DB}.Met(t.Context(), steps.Sighting{Post: steps.Post{RequestID: r.ID, Surface: steps.SurfaceCard, Channel: "C2", TS: "6.000000"}, Revision: 2})
	require.NoError(t, err)
	require.Equal(t, steps.MetStray, is, "nor one of this version that could not be changed any more, and can be pressed")
	require.Equal(t, steps.MetStray, met(steps.SurfaceCard, 2, "5.000000"))
	require.NoError(t, b.Posted(t.Context(), steps.Post{RequestID: r.ID, Surface: steps.SurfaceReply, Channel: channel, TS: "7.000000", Shown: "x"}, nil))
	require.NoError(t, b.Posted(t.Context(), steps.Post{RequestID: r.ID, Surface: steps.SurfaceReply, Channel: channel, TS: "7.500000", Shown: steps.TakenBack}, nil))
	for _, ts := range []string{"7.000000", "8.000000"} {
		require.Equal(t, steps.MetStray, met(steps.SurfaceReply, 0, ts), "of what was taken back nothing stays")
	}
	_, err = Strays{b.DB}.Met(t.Context(), steps.Sighting{Post: steps.Post{RequestID: "nobody", Surface: steps.SurfaceRoot, Channel: channel, TS: "1.1"}})
	require.ErrorIs(t, err, approval.ErrNotFound)
}

// met has Slack tell of a message.
func (b *bundle) met(t *testing.T, id string, surface steps.Surface, revision int, ts string) steps.Meeting {
	t.Helper()
	is, err := Strays{b.DB}.Met(t.Context(), steps.Sighting{Post: steps.Post{RequestID: id, Surface: surface, Channel: channel, TS: ts}, Revision: revision})
	require.NoError(t, err)
	return is
}

// TestASecondMessageIsLookedAtAgainWhoeverDies: whoever was told of it has acknowledged it to Slack.
func TestASecondMessageIsLookedAtAgainWhoeverDies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	strays := Strays{b.DB}
	due := func() []steps.Sighting {
		t.Helper()
		list, err := strays.Due(t.Context())
		require.NoError(t, err)
		return list
	}
	later := func(by string) {
		t.Helper()
		require.NoError(t, b.exec(t, `UPDATE sightings SET at = at - $1::interval, due_at = due_at - $1::interval`, by))
	}
	r := b.ask(t, "t")
	first := steps.Post{RequestID: r.ID, Surface: steps.SurfaceProgress, Channel: channel, TS: "1.1", Shown: "x"}
	second := first
	second.TS = "2.2"
	require.NoError(t, b.Posted(t.Context(), first, &steps.Post{}))
	for range 2 { // however often Slack tells of it
		require.Equal(t, steps.MetUnsure, b.met(t, r.ID, steps.SurfaceProgress, 0, "2.2"))
	}
	require.Empty(t, due(), "whoever has posted it is about to remember it")
	later("6 seconds")
	list := due()
	require.Len(t, list, 1)
	require.Equal(t, steps.Post{RequestID: r.ID, Surface: steps.SurfaceProgress, Channel: channel, TS: "2.2"}, list[0].Post)
	require.False(t, list[0].At.IsZero())
	require.Empty(t, due(), "it is somebody's")
	later("16 seconds")
	require.Len(t, due(), 1, "who took it has died")
	require.Equal(t, steps.MetUnsure, b.met(t, r.ID, steps.SurfaceProgress, 0, "2.2"))
	later("10 minutes")
	require.Len(t, due(), 1)
	later("4 minutes")
	require.Empty(t, due(), "it is old, so it has time")
	later("2 minutes")
	require.Len(t, due(), 1)

	for range 2 {
		require.Equal(t, steps.MetStray, b.met(t, r.ID, steps.SurfaceProgress, 0, "2.2"))
	}
	require.NoError(t, strays.Ended(t.Context(), list[0]))
	require.ErrorIs(t, b.Posted(t.Context(), second, &first), steps.ErrElsewhere, "who knew of the first is late")
	require.ErrorIs(t, b.Posted(t.Context(), second, nil), steps.ErrElsewhere, "who knew of none as well")
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, first, v.Posts[steps.SurfaceProgress])
	require.NoError(t, b.Posted(t.Context(), steps.Post{RequestID: r.ID, Surface: steps.SurfaceMark, Channel: channel, TS: "2.2", Shown: "eyes"}, nil), "what else is known by it")
	require.Equal(t, steps.MetStray, b.met(t, r.ID, steps.SurfaceProgress, 0, "2.2"))
	later("1 hour")
	require.Len(t, due(), 1, "somebody has pressed it: it stands there still")
	require.NoError(t, strays.Ended(t.Context(), list[0]))
	later("23 hours")
	require.Empty(t, due())
	require.Equal(t, 0, b.count(t, `SELECT count(*) FROM sightings`), "a day later nobody is about to")
}

// TestWhoIsRememberedMeanwhileIsNoStray: whoever posted it had the request, and looked like somebody who is gone.
func TestWhoIsRememberedMeanwhileIsNoStray(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	first := steps.Post{RequestID: r.ID, Surface: steps.SurfaceProgress, Channel: channel, TS: "1.1", Shown: "x"}
	require.NoError(t, b.Posted(t.Context(), first, &steps.Post{}))
	require.Equal(t, steps.MetUnsure, b.met(t, r.ID, steps.SurfaceProgress, 0, "2.2"))
	require.NoError(t, b.exec(t, `UPDATE sightings SET at = at - interval '1 hour'`))

	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), `SELECT FROM requests WHERE id = $1 FOR NO KEY UPDATE`, r.ID)
	require.NoError(t, err)
	met := make(chan steps.Meeting)
	go func() { met <- b.met(t, r.ID, steps.SurfaceProgress, 0, "2.2") }()
	require.Eventually(t, func() bool {
		return b.count(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
	}, time.Minute, 10*time.Millisecond, "it waits for whoever remembers it")
	_, err = tx.Exec(t.Context(), `UPDATE posts SET ts = '2.2' WHERE request_id = $1`, r.ID)
	require.NoError(t, err)
	require.NoError(t, tx.Commit(t.Context()))
	require.Equal(t, steps.MetKnown, <-met)
	require.Zero(t, b.count(t, `SELECT count(*) FROM sightings WHERE stray`))
}

// TestOfTwoWhoPostTheFirstIsRemembered: one of them hung, or its answer got lost.
func TestOfTwoWhoPostTheFirstIsRemembered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	first := steps.Post{RequestID: r.ID, Surface: steps.SurfaceProgress, Channel: channel, TS: "1.1", Shown: "x"}
	second := first
	second.TS = "2.2"
	require.NoError(t, b.Posted(t.Context(), first, &steps.Post{}))
	require.NoError(t, b.Posted(t.Context(), first, &steps.Post{}), "the answer of the commit may have got lost")
	require.ErrorIs(t, b.Posted(t.Context(), second, &steps.Post{}), steps.ErrElsewhere)
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, first, v.Posts[steps.SurfaceProgress])
	require.NoError(t, b.Posted(t.Context(), second, nil), "whoever knew the first may replace it")
	require.ErrorIs(t, b.Posted(t.Context(), steps.Post{RequestID: "nobody", Surface: steps.SurfaceCard, Channel: "C", TS: "1"}, &steps.Post{}), approval.ErrNotFound)
}

// TestOfTwoDrawingsAtOnceNobodyKnowsWhichCameLast: whichever order they are remembered in, and whatever Slack did.
func TestOfTwoDrawingsAtOnceNobodyKnowsWhichCameLast(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	had := steps.Post{RequestID: r.ID, Surface: steps.SurfaceCard, Channel: channel, TS: "1.1", Shown: "2:a"}
	is := func() steps.Post {
		t.Helper()
		v, err := b.View(t.Context(), r.ID)
		require.NoError(t, err)
		return v.Posts[steps.SurfaceCard]
	}
	with := func(ts, shown string) steps.Post { p := had; p.TS, p.Shown = ts, shown; return p }
	require.NoError(t, b.Posted(t.Context(), had, nil))
	require.NoError(t, b.Posted(t.Context(), with("1.1", "2/17:b!"), &had))
	require.NoError(t, b.Posted(t.Context(), with("1.1", "2/17:b!"), &had), "the answer of the commit may have got lost")
	require.ErrorIs(t, b.Posted(t.Context(), with("1.1", "2:c"), &had), steps.ErrOvertaken)
	require.ErrorIs(t, b.Posted(t.Context(), with("1.1", "2:c"), &steps.Post{}), steps.ErrOvertaken, "nor where nobody knew of any")
	require.ErrorIs(t, b.Posted(t.Context(), with("2.2", "2:d"), &had), steps.ErrElsewhere, "who posts another message takes the place of one that they knew")
	require.Equal(t, with("1.1", "2/17:b!"), is())
	require.NoError(t, b.exec(t, `UPDATE requests SET shown_at = changed_at`))
	for range 2 {
		require.NoError(t, b.Doubt(t.Context(), r.ID, steps.SurfaceCard, steps.SurfaceReply))
		require.Equal(t, with("1.1", "2/17:foundb!"), is(), "what Slack has stored otherwise is known on")
	}
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM requests WHERE shown_at IS NULL`), "so that it is drawn also where whoever doubts it dies")
	met := is()
	require.NoError(t, b.Posted(t.Context(), with("2.2", "2:d"), &met))
	require.ErrorIs(t, b.Posted(t.Context(), with("1.1", "2:e"), &had), steps.ErrElsewhere, "what was drawn is another message")
	met = is()
	require.Equal(t, with("2.2", "2:d"), met)
	require.NoError(t, b.Posted(t.Context(), with("2.2", steps.TakenBack), &met))
	require.ErrorIs(t, b.Posted(t.Context(), with("3.3", "2:d"), &met), steps.ErrElsewhere, "what was taken back does not come back")
	require.NoError(t, b.Doubt(t.Context(), r.ID, steps.SurfaceCard))
	require.Equal(t, steps.TakenBack, is().Shown, "it is deleted")

	root := steps.Post{RequestID: r.ID, Surface: steps.SurfaceRoot, Channel: channel, TS: "1.0", Shown: steps.Theirs}
	require.NoError(t, b.Posted(t.Context(), root, &steps.Post{}))
	require.NoError(t, b.Doubt(t.Context(), r.ID, steps.SurfaceRoot))
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, root, v.Posts[steps.SurfaceRoot], "nobody draws on what somebody else has written")
	first := steps.Post{RequestID: r.ID, Surface: steps.SurfaceProgress, Channel: channel, TS: "1.2", Shown: "x"}
	require.NoError(t, b.Posted(t.Context(), first, &steps.Post{}))
	require.NoError(t, b.Doubt(t.Context(), r.ID, steps.SurfaceProgress))
	v, err = b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, "foundx", v.Posts[steps.SurfaceProgress].Shown)
	found := first
	found.Shown = steps.FoundInSlack
	require.NoError(t, b.Posted(t.Context(), found, nil))
	require.NoError(t, b.Posted(t.Context(), first, &steps.Post{}), "it was met in Slack before whoever posted it could remember it")
	require.Equal(t, steps.TakenBack, is().Shown)
}

// TestWhatIsPostedAfterItsAnswerWasTakenBackIsDrawnAnew: whoever drew did not know of it.
func TestWhatIsPostedAfterItsAnswerWasTakenBackIsDrawnAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	post := steps.Post{RequestID: r.ID, Surface: steps.SurfaceReply, Channel: channel, TS: "1.1", Shown: "x"}
	drawn := func(post steps.Post) bool {
		t.Helper()
		require.NoError(t, b.exec(t, `UPDATE requests SET shown_at = changed_at`))
		require.NoError(t, b.Posted(t.Context(), post, nil))
		return b.count(t, `SELECT count(*) FROM requests WHERE shown_at = changed_at`) == 1
	}
	require.True(t, drawn(post))
	require.NoError(t, b.exec(t, `ALTER TABLE takebacks DISABLE TRIGGER USER`))
	require.NoError(t, b.exec(t, `INSERT INTO takebacks VALUES ($1, 'ASKER', now())`, r.ID))
	require.False(t, drawn(post), "it stands again")
	post.Shown = steps.TakenBack
	require.True(t, drawn(post), "it is gone")
	post.Surface, post.Shown = steps.SurfaceAnswer, "y"
	require.False(t, drawn(post), "nor may another one stand")
}

// TestACheckpointIsNeverOlderThanTheOneBefore: the database's clock was put back by three hours.
func TestACheckpointIsNeverOlderThanTheOneBefore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	by, key := signer(t)
	ahead, err := Open(t.Context(), b.otherClock(t, "3 hours"), Options{Key: testKey})
	require.NoError(t, err)
	t.Cleanup(ahead.Close)
	b.ask(t, "first")
	first, err := Log(ahead).TakeCheckpoint(t.Context(), by)
	require.NoError(t, err)
	b.ask(t, "second")
	second, err := Log(b.DB).TakeCheckpoint(t.Context(), by)
	require.NoError(t, err, "or no event would get a place for three hours")
	require.Equal(t, first.At, second.At)
	require.Len(t, b.follow(t, key), 2)
}
