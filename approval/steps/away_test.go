package steps

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// step does one step of a request; a wait for what is away is no failure.
func (b *bundle) step(step approval.Step, id string) (later bool) {
	b.t.Helper()
	err := b.Do(b.t.Context(), Wake{Step: step, RequestID: id})
	wait := new(LaterError)
	if later = err != nil; later {
		require.ErrorAs(b.t, err, &wait)
	}
	return later
}

func TestWhatMayComeBackIsWaitedForAsItIs(t *testing.T) {
	t.Parallel()
	in := approval.Place{Seen: true, In: true}
	for name, tt := range map[string]struct {
		goes, comes func(*bundle)
		code        approval.CauseCode
	}{
		"the bot is taken out":  {func(b *bundle) { b.slack.at(approval.Place{Seen: true}) }, func(b *bundle) { b.slack.at(in) }, approval.NotIn},
		"the channel is hidden": {func(b *bundle) { b.slack.at(approval.Place{}) }, func(b *bundle) { b.slack.at(in) }, approval.NotSeen},
		"it is archived":        {func(b *bundle) { b.slack.at(approval.Place{Seen: true, In: true, Archived: true}) }, func(b *bundle) { b.slack.at(in) }, approval.ChannelArchived},
		"it is private, the asker outside": {func(b *bundle) { b.slack.at(approval.Place{Seen: true, In: true, Private: true}) },
			func(b *bundle) { b.slack.at(approval.Place{Seen: true, In: true, Private: true, AskerIn: true}) }, approval.AskerNotIn},
		"a file is not shown to the asker": {func(b *bundle) {
			b.slack.find = func(q Search) (Found, error) {
				if !q.Seek.Given || len(q.Given) > 0 {
					return Found{Files: q.Files}, nil
				}
				return Found{}, &approval.CauseError{Cause: approval.Cause{Code: approval.FileNotYours, File: q.Files[0].Name}}
			}
		}, func(b *bundle) { b.slack.find = nil }, approval.FileNotShown},
		"a file is not seen": {func(b *bundle) { b.slack.lose("F1", true) }, func(b *bundle) { b.slack.put("F1", "a,b\n1,2\n") }, approval.FileNotSeen},
	} {
		b := setup(t)
		r := b.approved()
		b.store.jobs = nil
		tt.goes(b)
		for range 3 {
			require.True(t, b.step(approval.StepRun, r.ID), name)
		}
		now := b.request(r.ID)
		require.Equal(t, approval.Approved, now.State, name)
		require.Equal(t, r.Revision, now.Revision, "%s: no new card", name)
		require.Equal(t, r.ExpiresAt, now.ExpiresAt, name)
		require.Equal(t, tt.code, now.Away.Cause.Code, name)
		require.Equal(t, 1, b.count(r.ID, "away"), "%s: said once", name)
		require.Equal(t, r.Holds, now.Holds, "%s: the money for the run is kept", name)
		require.Empty(t, b.box.boxes, name)
		require.Empty(t, b.work(), name) // the notice; its card
		told := 0
		for _, n := range b.slack.told {
			if n[:5] == "away " {
				told++
			}
		}
		require.Equal(t, 1, told, name)

		tt.comes(b)
		require.False(t, b.step(approval.StepRun, r.ID), name)
		require.Empty(t, b.work(), name)
		now = b.request(r.ID)
		require.Equal(t, approval.Done, now.State, name)
		require.Nil(t, now.Away, name)
		require.Equal(t, 1, b.box.starts(), name)
		require.Zero(t, b.open(r.ID), name)
		require.Len(t, now.Decisions, 1, name)
	}
}

// Whoever decides is told that another organisation reads the answer, also where it has come
// into the channel since.
func TestAChannelThatIsSharedSinceIsSeen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	require.False(t, r.Shared)
	place := b.slack.place
	place.Shared = true
	b.slack.at(place)
	b.store.jobs = nil
	require.False(t, b.step(approval.StepLook, r.ID))
	require.True(t, b.request(r.ID).Shared)
	require.Contains(t, b.store.jobs, Wake{Step: approval.StepShow, RequestID: r.ID}, "the card says so")
}

func TestWhatIsGoneForGoodEndsARequestWhereverItIs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		goes func(*bundle)
		code approval.CauseCode
	}{
		"a file":               {func(b *bundle) { b.slack.lose("F1", false) }, approval.FileGone},
		"the asker":            {func(b *bundle) { b.slack.people["asker"] = review.Person{Gone: true} }, approval.AskerGone},
		"the asker, to others": {func(b *bundle) { b.slack.people["asker"] = review.Person{External: true} }, approval.AskerGone},
		"their membership":     {func(b *bundle) { b.slack.people["asker"] = review.Person{Guest: true} }, approval.AskerGuest},
		"a file, of a channel that is closed as well": {func(b *bundle) { b.slack.lose("F1", false); b.slack.at(approval.Place{}) }, approval.FileGone},
	} {
		for from, step := range map[approval.State]approval.Step{approval.Pending: approval.StepLook, approval.Approved: approval.StepRun} {
			b := setup(t)
			r := b.pending()
			if from == approval.Approved {
				_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
				require.NoError(t, err)
			}
			b.store.jobs = nil
			tt.goes(b)
			require.False(t, b.step(step, r.ID), name)
			now := b.request(r.ID)
			require.Equal(t, approval.Failed, now.State, "%s %s", name, from)
			require.Equal(t, tt.code, now.Cause.Code, name)
			require.Empty(t, now.Reason, name)
			require.Zero(t, b.open(r.ID), name)
			require.Empty(t, b.box.boxes, name)
			require.Contains(t, b.box.discarded, r.ID, name)
			require.Empty(t, b.work(), name)
			require.False(t, b.step(step, r.ID), name)
			require.Equal(t, 1, b.count(r.ID, "failed"), name)
		}
	}
}

func TestADraftWhoseFileIsAwayWaitsAndOneWhoseFileIsGoneEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask()
	b.slack.lose("F1", true)
	require.True(t, b.step(approval.StepRead, r.ID))
	require.Equal(t, approval.FileNotSeen, b.request(r.ID).Away.Cause.Code)
	require.True(t, b.step(approval.StepRead, r.ID))
	b.slack.put("F1", "a,b\n1,2\n")
	require.Empty(t, b.work())
	require.Equal(t, approval.Pending, b.request(r.ID).State)
	require.Nil(t, b.request(r.ID).Away)

	b = setup(t)
	r = b.ask()
	b.slack.lose("F1", false)
	require.False(t, b.step(approval.StepRead, r.ID))
	require.Equal(t, approval.Failed, b.request(r.ID).State)
	require.Equal(t, approval.Cause{Code: approval.FileGone, File: "sales.csv"}, *b.request(r.ID).Cause)
	require.Empty(t, b.spends(r.ID, budget.ForDraft)[0].Charges)
	require.Empty(t, b.writer.briefs)
}

// A box is not kept for what may come back, and what is gone ends the run that never began.
func TestWhatGoesBetweenNamingAndStart(t *testing.T) {
	t.Parallel()
	for _, hidden := range []bool{false, true} {
		b := setup(t)
		was := b.approved()
		b.boxNamed(was)
		b.slack.lose("F1", hidden)
		require.Empty(t, b.work())
		r := b.request(was.ID)
		if hidden {
			require.Equal(t, approval.Pending, r.State)
			require.Contains(t, reasons.Words(r.Reason), "An input could not be read any more when it was about to start.")
		} else {
			require.Equal(t, approval.Failed, r.State)
			require.Equal(t, approval.FileGone, r.Cause.Code)
			events, err := b.store.Events(t.Context(), r.ID)
			require.NoError(t, err)
			at := slices.IndexFunc(events, func(e approval.Event) bool { return e.Kind == approval.EventVoided })
			require.Equal(t, map[string]any{"code": approval.FileGone, "file": approval.Said("sales.csv")}, events[at].Data["cause"], "the trail says why as well")
		}
		require.Zero(t, b.box.starts())
		require.Zero(t, b.box.living())
		require.Zero(t, b.open(r.ID))
		require.Len(t, b.spends(r.ID, budget.ForRun)[0].Charges, 1, "the box is paid for")
	}
}

func TestAReviewerEndsWhatWaitsForWhatIsAway(t *testing.T) {
	t.Parallel()
	for _, from := range []approval.State{approval.Pending, approval.Approved} {
		b := setup(t)
		r := b.pending()
		_, err := b.GiveUp(t.Context(), r.ID, by("R1"))
		require.ErrorContains(t, err, "cannot end", "it waits for nothing of that kind")
		b.slack.at(approval.Place{Seen: true})
		require.False(t, b.step(approval.StepLook, r.ID))
		require.Equal(t, approval.NotIn, b.request(r.ID).Away.Cause.Code)
		if from == approval.Approved {
			_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
			require.NoError(t, err, "people may decide meanwhile")
			require.NotNil(t, b.request(r.ID).Away)
		}
		_, err = b.GiveUp(t.Context(), r.ID, by("somebody"))
		require.ErrorAs(t, err, new(*approval.NotAllowedError))
		_, err = b.GiveUp(t.Context(), r.ID, approval.Click{Team: "T2", User: "R1"})
		require.ErrorIs(t, err, approval.ErrNotFound)
		got, err := b.GiveUp(t.Context(), r.ID, by("R1"))
		require.NoError(t, err)
		require.Equal(t, approval.Failed, got.State)
		require.Equal(t, approval.Cause{Code: approval.NotIn, Channel: "C1", By: "R1"}, *got.Cause)
		require.Zero(t, b.open(r.ID))
	}
}

func TestAWaitForWhatIsAwayRunsOutWithTheRest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	b.slack.at(approval.Place{Seen: true})
	require.True(t, b.step(approval.StepRun, r.ID))
	b.store.pass(2 * time.Hour)
	_, err := b.store.Update(t.Context(), r.ID, approval.ExpireIfDue)
	require.NoError(t, err)
	r = b.request(r.ID)
	require.Equal(t, approval.Expired, r.State)
	require.NotNil(t, r.Away, "what it waited for is said")
	require.Zero(t, b.open(r.ID))
}

// Slack says that the file is there, and refuses its download: that is said once, tried
// for some minutes, and ends with words. Nobody is told in turn that it waits and goes on.
func TestAFileThatSlackShowsAndDoesNotGiveIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	for step, state := range map[approval.Step]approval.State{approval.StepRead: approval.Drafting, approval.StepRun: approval.Approved} {
		for _, comes := range []bool{true, false} {
			b := setup(t)
			var r *approval.Request
			if state == approval.Drafting {
				r = b.ask()
			} else {
				r = b.approved()
			}
			b.faults.lasting = true
			b.faults.fail("Fetch.before", &approval.CauseError{Cause: approval.Cause{Code: approval.FileWithheld, File: "sales.csv"}})
			for range 4 {
				require.True(t, b.step(step, r.ID), state)
				require.Equal(t, state, b.request(r.ID).State)
				require.Equal(t, approval.FileWithheld, b.request(r.ID).Away.Cause.Code, state)
				b.store.pass(time.Minute)
			}
			require.Equal(t, 1, b.count(r.ID, "away"), state)
			require.Zero(t, b.count(r.ID, "back"), state)
			require.Len(t, b.notices(approval.NoticeAway), 1, state)
			if comes {
				b.faults.heal()
				b.step(step, r.ID)
				require.Empty(t, b.work(), state)
				require.Nil(t, b.request(r.ID).Away, state)
				require.Equal(t, 1, b.count(r.ID, "back"), state)
				require.NotEqual(t, state, b.request(r.ID).State)
				continue
			}
			b.store.pass(2 * time.Minute)
			require.False(t, b.step(step, r.ID), state)
			now := b.request(r.ID)
			require.Equal(t, approval.Failed, now.State, state)
			require.Equal(t, approval.Cause{Code: approval.FileWithheld, File: "sales.csv"}, *now.Cause, state)
			require.Zero(t, b.open(r.ID), state)
			require.Zero(t, b.box.living(), state)
			require.Len(t, b.notices(approval.NoticeAway), 1, "%s: the one that was told is redrawn", state)
		}
	}
}

// A wait that has lasted for minutes has not to be over in a second: it is another one that begins.
func TestPatienceWithAFileThatIsNotGivenBeginsWithIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask()
	b.slack.lose("F1", true)
	require.True(t, b.step(approval.StepRead, r.ID))
	b.store.pass(time.Hour)
	b.slack.put("F1", "a,b\n1,2\n")
	b.faults.lasting = true
	b.faults.fail("Fetch.before", &approval.CauseError{Cause: approval.Cause{Code: approval.FileWithheld, File: "sales.csv"}})
	require.True(t, b.step(approval.StepRead, r.ID))
	require.Equal(t, approval.Drafting, b.request(r.ID).State)
	require.Equal(t, approval.FileWithheld, b.request(r.ID).Away.Cause.Code)
}

// A draft that waits for money waits for what is away as well, and goes on when both are there.
func TestABlockedDraftComesBackByALook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.blocked()
	_, err := b.store.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		return r.GoAway(approval.Cause{Code: approval.NotIn, Channel: "C1"}, now)
	})
	require.NoError(t, err)
	require.False(t, b.step(approval.StepLook, r.ID))
	r = b.request(r.ID)
	require.Nil(t, r.Away)
	require.NotNil(t, r.Blocked)
	require.Empty(t, b.work())
	require.Equal(t, approval.Drafting, b.request(r.ID).State)
}

func TestALongWaitIsLookedAtLessOften(t *testing.T) {
	t.Parallel()
	for age, want := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Minute: 10 * time.Second, 10 * time.Minute: time.Minute, 59 * time.Minute: 5 * time.Minute} {
		b := setup(t)
		r := b.approved()
		b.slack.at(approval.Place{Seen: true})
		require.True(t, b.step(approval.StepRun, r.ID))
		b.store.pass(age)
		var later *LaterError
		require.ErrorAs(t, b.Do(t.Context(), Wake{Step: approval.StepRun, RequestID: r.ID}), &later)
		require.InDelta(t, want, later.After, float64(2*time.Second), "after %s", age)
	}
}

// Its direct message has a button, which does nothing any more once the draft has ended.
func TestTheWordThatADraftWaitsIsRedrawnWhenItEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*bundle, *approval.Request) error{
		"taken back": func(b *bundle, r *approval.Request) error {
			_, err := b.Withdraw(b.t.Context(), r.ID, by("asker"))
			return err
		},
		"failed": func(b *bundle, r *approval.Request) error {
			return b.fail(b.t.Context(), r.ID, approval.Words("nothing works"))
		},
		"expired": func(b *bundle, r *approval.Request) error {
			b.store.pass(b.Policy.Expiry)
			_, err := b.store.Update(b.t.Context(), r.ID, approval.ExpireIfDue)
			return err
		},
	} {
		b := setup(t)
		r := b.ask()
		b.slack.lose("F1", true)
		require.True(t, b.step(approval.StepRead, r.ID), name)
		b.store.jobs = nil
		key := b.notices(approval.NoticeAway)[0].Key
		require.Empty(t, b.work(), name)
		require.NoError(t, b.Tell(t.Context(), key), name)
		require.NoError(t, end(b, r), name)
		require.True(t, b.request(r.ID).State.Final(), name)
		require.Contains(t, b.store.jobs, Wake{Step: approval.StepTell, RequestID: key}, name)
	}
}

func TestALookThatCrashesLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"Person.before", "Place.before", "Find.before", "commit away.before", "commit away.after"} {
		b := setup(t)
		r := b.approved()
		b.store.jobs = nil
		if point != "Find.before" {
			b.slack.at(approval.Place{Seen: true})
		} else {
			b.slack.lose("F1", true)
		}
		b.faults.kill(point)
		require.ErrorIs(t, b.replica(func() error { return b.Do(t.Context(), Wake{Step: approval.StepRun, RequestID: r.ID}) }), errCrash, point)
		require.True(t, b.step(approval.StepRun, r.ID), point)
		require.Equal(t, 1, b.count(r.ID, "away"), point)
		require.Equal(t, approval.Approved, b.request(r.ID).State, point)
	}
}

// Slack answers so many calls a minute, and every question that waits is looked at each quarter of an hour.
func TestALookAsksSlackOnceAboutEachFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	asked := 0
	b.slack.find = func(q Search) (Found, error) {
		asked++
		return Found{Files: q.Files}, nil
	}
	b.faults.fail("Stat.before", errCrash)
	require.NoError(t, b.Look(t.Context(), r.ID))
	require.Equal(t, 1, asked)
}
