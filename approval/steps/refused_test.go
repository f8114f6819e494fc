package steps

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

// closed is what Slack says of a channel that takes nothing any more.
func closed() error { return refuses(Archived, "is_archived") }

func refuses(why Hindrance, code string) *PostError {
	return &PostError{Channel: "C-review", Why: why, Code: code, Err: errors.New(code)}
}

func (b *bundle) notices(kind approval.NoticeKind) (list []approval.Notice) {
	for _, n := range b.store.notices {
		if n.Kind == kind {
			list = append(list, n)
		}
	}
	return list
}

func TestARefusalIsKeptToldAndForgotten(t *testing.T) {
	t.Parallel()
	for why, code := range map[Hindrance]string{Malformed: "invalid_blocks", TooLong: "msg_blocks_too_long", NoKey: "ekm_access_denied", Other: "new_rule"} {
		b := setup(t)
		b.store.pass(time.Until(time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour))) // once a day is once: not over midnight
		r := b.pending()
		b.slack.drawn = nil
		b.faults.lasting = true
		b.faults.fail("Publish card", refuses(why, code))
		var later *LaterError
		require.ErrorAs(t, b.Show(t.Context(), r.ID), &later, "it is tried again")
		require.Equal(t, []Surface{SurfaceRoot, SurfacePlain, SurfaceProgress, SurfaceMark}, b.slack.drawn, "a plainer card stands in its place, before the thread says so")
		require.Empty(t, b.notices(approval.NoticeNoPlace), "once is none")
		first := later.After
		require.ErrorAs(t, b.Show(t.Context(), r.ID), &later)
		require.Greater(t, later.After, first, "and less and less often")
		require.True(t, b.slack.unseen[SurfaceCard].Repeats())
		for range 20 {
			require.ErrorAs(t, b.Show(t.Context(), r.ID), &later)
		}
		require.Equal(t, 30*time.Second, later.After)
		b.store.pass(11 * time.Minute)
		require.ErrorAs(t, b.Show(t.Context(), r.ID), &later)
		require.Equal(t, 10*time.Minute, later.After)
		require.Len(t, b.notices(approval.NoticeNoPlace), 1, "the administrators are told once")
		require.Contains(t, b.log.String(), code)
		require.Contains(t, b.log.String(), r.ID)
		require.Contains(t, b.log.String(), "level=WARN")
		require.Empty(t, b.notices(approval.NoticeUnsaid), "the thread can say it")

		b.faults.heal()
		b.slack.drawn = nil
		require.NoError(t, b.Show(t.Context(), r.ID))
		require.Equal(t, []Surface{SurfaceRoot, SurfaceCard, SurfacePlain, SurfaceProgress, SurfaceMark}, b.slack.drawn, "the plainer one gives way")
		require.Empty(t, b.slack.unseen)
		require.Empty(t, b.store.unseen[r.ID])
	}
}

func TestAnOutageIsSaidWhenItLasts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	b.faults.lasting = true
	b.faults.fail("Publish card", refuses(Outage, "fatal_error"))
	for range 5 {
		require.Error(t, b.Show(t.Context(), r.ID))
		require.NotContains(t, b.slack.drawn, SurfacePlain, "another form is of no use")
		require.False(t, b.slack.unseen[SurfaceCard].Repeats())
	}
	b.store.pass(3 * time.Minute)
	require.Error(t, b.Show(t.Context(), r.ID))
	require.True(t, b.slack.unseen[SurfaceCard].Repeats())
	require.Empty(t, b.notices(approval.NoticeNoPlace), "nobody here can mend it")
}

func TestTheAskerHearsByDirectMessageWhatTheThreadCannotSay(t *testing.T) {
	t.Parallel()
	for _, lost := range []Surface{SurfaceRoot, SurfaceProgress, SurfaceAnswer, SurfaceFiles, SurfaceReply} {
		b := setup(t)
		b.box.result.Artifacts = []approval.Artifact{{Name: "chart.png"}}
		r := b.approved()
		require.NoError(t, b.Run(t.Context(), r.ID))
		b.faults.lasting = true
		b.faults.fail("Publish "+string(lost), closed())
		require.Error(t, b.Show(t.Context(), r.ID))
		require.Error(t, b.Show(t.Context(), r.ID))
		said := b.notices(approval.NoticeUnsaid)
		require.Len(t, said, 1, lost)
		require.Equal(t, []string{r.Asker}, said[0].To)
		require.Equal(t, r.ID, said[0].RequestID)
		require.Empty(t, b.notices(approval.NoticeNoPlace), "a channel of the asker's is the asker's business")
		require.Contains(t, b.store.jobs, Wake{Step: approval.StepTell, RequestID: "unsaid " + r.ID})

		b.faults.heal()
		b.store.jobs = nil
		require.NoError(t, b.Show(t.Context(), r.ID))
		require.Contains(t, b.store.jobs, Wake{Step: approval.StepTell, RequestID: "unsaid " + r.ID}, "it says that the thread says it now")
	}
}

// One direct message says that a channel is closed: the one of what the request waits for
// or has ended over, or, where none looks at that, the one that speaks for the thread.
func TestAClosedChannelIsSaidOnceAndAlways(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		make  func(*bundle) *approval.Request
		end   func(*bundle, *approval.Request)
		away  int
		early bool
		late  bool
	}{
		"it waits for the channel": {make: func(b *bundle) *approval.Request {
			r := b.approved()
			b.slack.at(approval.Place{Seen: true})
			require.True(b.t, b.step(approval.StepRun, r.ID))
			return r
		}, away: 1},
		"it has run out over that": {make: func(b *bundle) *approval.Request {
			r := b.approved()
			b.slack.at(approval.Place{Seen: true})
			require.True(b.t, b.step(approval.StepRun, r.ID))
			b.store.pass(2 * time.Hour)
			_, err := b.store.Update(b.t.Context(), r.ID, approval.ExpireIfDue)
			require.NoError(b.t, err)
			return r
		}, away: 1},
		"it has ended over a file": {make: func(b *bundle) *approval.Request {
			r := b.approved()
			b.slack.lose("F1", false)
			require.False(b.t, b.step(approval.StepRun, r.ID))
			return r
		}, away: 1},
		"it runs, and nobody looks": {make: func(b *bundle) *approval.Request {
			r := b.approved()
			b.boxNamed(r)
			return r
		}, late: true},
		"it is approved, and Slack says that all is well": {make: (*bundle).approved, late: true},
		"it has its answer": {make: func(b *bundle) *approval.Request {
			r := b.approved()
			require.NoError(b.t, b.Run(b.t.Context(), r.ID))
			return r
		}, early: true, late: true},
	} {
		b := setup(t)
		r := tt.make(b)
		b.faults.lasting = true
		b.faults.fail("Publish progress", closed())
		require.Error(t, b.Show(t.Context(), r.ID), name)
		require.Equal(t, tt.early, len(b.notices(approval.NoticeUnsaid)) == 1, name)
		b.store.pass(outagePatience + time.Second)
		require.Error(t, b.Show(t.Context(), r.ID), name)
		require.Equal(t, tt.late, len(b.notices(approval.NoticeUnsaid)) == 1, name)
		require.Len(t, b.notices(approval.NoticeAway), tt.away, name)
	}
}

// Who hears of an outage only when it is over hears about nothing.
func TestAnOutageThatIsOverIsNotToldOf(t *testing.T) {
	t.Parallel()
	for _, begun := range []bool{false, true} {
		b := setup(t)
		r := b.pending()
		b.faults.lasting = true
		b.faults.fail("Publish progress", refuses(Outage, "fatal_error"))
		require.Error(t, b.Show(t.Context(), r.ID))
		b.store.pass(3 * time.Minute)
		require.Error(t, b.Show(t.Context(), r.ID))
		key := "unsaid " + r.ID
		require.Contains(t, b.store.notices, key)
		if begun { // it may stand there
			b.faults.fail("Tell.after", errors.New("the answer was lost"))
			require.Error(t, b.Tell(t.Context(), key))
		}
		b.faults.heal()
		require.NoError(t, b.Show(t.Context(), r.ID))
		b.slack.told = nil
		require.NoError(t, b.Tell(t.Context(), key))
		require.Equal(t, begun, len(b.slack.told) == 1, "what stands says how it went on")
		require.Contains(t, b.store.told, key, "and it is done")

		b.faults.lasting = true
		b.faults.fail("Publish progress", refuses(Outage, "fatal_error"))
		require.Error(t, b.Show(t.Context(), r.ID))
		b.store.pass(3 * time.Minute)
		require.Error(t, b.Show(t.Context(), r.ID))
		require.NoError(t, b.Tell(t.Context(), key))
		require.Len(t, b.slack.told, 1, "the next outage is told of")
	}
}

func TestWhatStandsAsTextAloneIsNotMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	plain := refuses(Malformed, "invalid_blocks")
	plain.Stands = true
	b.faults.lasting = true
	b.faults.fail("Publish root", plain)
	require.Error(t, b.Show(t.Context(), r.ID), "it is tried again")
	require.Error(t, b.Show(t.Context(), r.ID))
	require.Contains(t, b.slack.drawn, SurfaceProgress, "the thread goes on")
	require.Empty(t, b.notices(approval.NoticeUnsaid))
	require.Len(t, b.notices(approval.NoticeNoPlace), 1, "and whoever runs the app hears of it")
}

func TestWhatHasEndedIsNotShownForEver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	require.NoError(t, b.Run(t.Context(), r.ID))
	b.faults.lasting = true
	b.faults.fail("Publish card", closed())
	require.Error(t, b.Show(t.Context(), r.ID))
	b.store.pass(4 * 24 * time.Hour)
	require.NoError(t, b.Show(t.Context(), r.ID))
	require.Contains(t, b.log.String(), "cannot be shown, and is left")
}

func TestAFaultOfOursIsNoRefusal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	b.faults.fail("Publish card", closed())
	b.faults.fail("Refused.before", errCrash)
	err := b.Show(t.Context(), r.ID)
	require.ErrorIs(t, err, errCrash)
	var later *LaterError
	require.NotErrorAs(t, err, &later, "the queue repeats it as it does")
	b = setup(t)
	r = b.pending()
	b.faults.fail("Publish card", closed())
	require.Error(t, b.Show(t.Context(), r.ID))
	b.faults.fail("Seen.before", errCrash)
	require.ErrorIs(t, b.Show(t.Context(), r.ID), errCrash)
}

func TestANoticeThatSlackRefusesIsTriedLessOftenAndNotForEver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := time.Now()
	send := func(age time.Duration, err error) error {
		n := approval.Notice{Key: "k" + age.String(), Team: "T1", Kind: approval.NoticePrice, To: []string{"admin"}, At: at.Add(-age)}
		require.NoError(t, b.store.Notify(t.Context(), n))
		b.faults.fail("Tell.before", err)
		return b.Tell(t.Context(), n.Key)
	}
	var later *LaterError
	require.ErrorAs(t, send(time.Minute, refuses(NoKey, "ekm_access_denied")), &later)
	require.InDelta(t, 30*time.Second, later.After, float64(10*time.Second))
	require.ErrorAs(t, send(5*time.Hour, refuses(NoKey, "ekm_access_denied")), &later)
	require.Equal(t, 10*time.Minute, later.After)
	require.ErrorAs(t, send(48*time.Hour, refuses(Outage, "fatal_error")), &later, "an outage ends")
	require.NoError(t, send(72*time.Hour, refuses(NoKey, "ekm_access_denied")))
	require.Contains(t, b.log.String(), "it is left")
	require.ErrorIs(t, send(2*time.Minute, errCrash), errCrash)
}

// shared runs a request and has its answer shared in a channel.
func (b *bundle) shared(result approval.Result) *approval.Request {
	b.t.Helper()
	b.box.result = result
	r := b.approved()
	require.NoError(b.t, b.Run(b.t.Context(), r.ID))
	require.NoError(b.t, b.Show(b.t.Context(), r.ID))
	_, err := b.store.Update(b.t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		r.Copies = []approval.Copy{{Channel: "C2", By: r.Asker, At: now}}
		return nil
	})
	require.NoError(b.t, err)
	b.slack.drawn = nil
	return r
}

func TestACopyThatSlackRefusesIsSaidInTheThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.shared(approval.Result{Outcome: approval.OK, Value: "42"})
	b.faults.fail("Publish copy C2", refuses(Outside, "not_in_channel"))
	require.Error(t, b.Show(t.Context(), r.ID), "it is tried again")
	require.Equal(t, SurfaceProgress, b.slack.drawn[len(b.slack.drawn)-1], "the line comes at once")
	require.True(t, b.slack.unseen[CopyIn("C2")].Repeats())
	require.NoError(t, b.Show(t.Context(), r.ID))
	require.Equal(t, SurfaceProgress, b.slack.drawn[len(b.slack.drawn)-1], "and goes at once")
	require.Empty(t, b.slack.unseen)
	b.slack.drawn = nil
	require.NoError(t, b.Show(t.Context(), r.ID))
	require.Equal(t, []Surface{SurfaceRoot, SurfaceCard, SurfaceProgress, SurfaceReply, CopyIn("C2"), SurfaceMark}, b.slack.drawn)
}

func TestACopyIsDrawnAgainOnceItsFilesAreThere(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]approval.Result{
		"with a chart":   {Outcome: approval.OK, Artifacts: []approval.Artifact{{Name: "chart.png"}}},
		"printed alone":  {Outcome: approval.OK, Stdout: "a line\n"},
		"with something": {Outcome: approval.OK, Artifacts: []approval.Artifact{{Name: "table.csv"}}},
	} {
		b := setup(t)
		r := b.shared(result)
		require.NoError(t, b.Show(t.Context(), r.ID))
		at := len(b.slack.drawn) - 4
		require.Equal(t, []Surface{CopyIn("C2"), CopyFilesIn("C2"), SurfaceMark, CopyIn("C2")}, b.slack.drawn[at:], name)
		b.slack.drawn = nil
		require.NoError(t, b.Show(t.Context(), r.ID))
		require.Equal(t, SurfaceMark, b.slack.drawn[len(b.slack.drawn)-1], name)
	}
}
