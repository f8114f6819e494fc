package steps

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// asked is a question as it came: nothing has been looked up for it.
func (b *bundle) asked(change ...func(*approval.Question)) *approval.Request {
	b.t.Helper()
	q := question()
	for _, c := range change {
		c(&q)
	}
	r, err := b.Ask(b.t.Context(), q)
	require.NoError(b.t, err)
	return r
}

func TestAQuestionIsTakenWithoutAskingSlackAnything(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, point := range []string{"Person.before", "Place.before", "Find.before", "Fetch.before", "Stat.before"} {
		b.faults.fail(point, errCrash)
	}
	r := b.asked()
	require.Equal(t, &approval.Seek{Given: true}, r.Seek)
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Empty(t, surfaces(v), "nobody sees it before it is known where it belongs")
	require.NoError(t, b.Draft(t.Context(), r.ID), "whoever wakes it")
	require.Empty(t, b.writer.briefs)
}

func TestWhatAQuestionLacksIsAskedForAndNothingIsHeld(t *testing.T) {
	t.Parallel()
	at := func(p approval.Place) func(*bundle) { return func(b *bundle) { b.slack.at(p) } }
	by := func(who string) func(*approval.Question) { return func(q *approval.Question) { q.Asker = who } }
	for name, tt := range map[string]struct {
		spoil  func(*bundle)
		ask    func(*approval.Question)
		code   approval.CauseCode
		reason string
	}{
		"the bot is not in the channel":        {spoil: at(approval.Place{Seen: true}), code: approval.NotIn},
		"the channel is not seen":              {spoil: at(approval.Place{}), code: approval.NotSeen},
		"the channel is archived":              {spoil: at(approval.Place{Seen: true, In: true, Archived: true}), code: approval.ChannelArchived},
		"it is private, and the asker outside": {spoil: at(approval.Place{Seen: true, In: true, Private: true}), code: approval.AskerNotIn},
		"it is public, and the asker outside":  {spoil: func(b *bundle) { b.slack.outside = true }, code: approval.AskerNotIn},
		"an app asks":                          {ask: by("bot"), code: approval.AskerAlien},
		"somebody of another workspace asks":   {ask: by("stranger"), code: approval.AskerAlien},
		"somebody who has left asks":           {ask: by("gone"), code: approval.AskerAlien},
		"Slack lacks a file": {spoil: func(b *bundle) {
			b.slack.find = func(Search) (Found, error) {
				return Found{}, &approval.CauseError{Cause: approval.Cause{Code: approval.NoFile, File: "x.csv"}}
			}
		}, code: approval.NoFile},
		"a file is too large": {spoil: func(b *bundle) {
			b.slack.find = func(Search) (Found, error) {
				return Found{Files: []approval.File{{ID: "F1", Name: "big.csv", Size: 21 << 20}}}, nil
			}
		}, reason: "big.csv has 21.0 MB; at most 20.0 MB fit."},
	} {
		b := setup(t)
		if tt.spoil != nil {
			tt.spoil(b)
		}
		if tt.ask == nil {
			tt.ask = func(*approval.Question) {}
		}
		r := b.asked(tt.ask)
		require.Empty(t, b.work(), name)
		r = b.request(r.ID)
		require.Equal(t, approval.Failed, r.State, name)
		require.Equal(t, tt.reason, reasons.Words(r.Reason), name)
		if tt.code != "" {
			require.Equal(t, tt.code, r.Cause.Code, name)
		}
		require.Zero(t, b.open(r.ID), name)
		require.Empty(t, b.spends(r.ID, budget.ForDraft)[0].Charges, name)
		require.Empty(t, b.slack.drawn, "%s: nothing of it is seen in the channel", name)
		require.Empty(t, b.writer.briefs, name)
		if r.Asker == "gone" {
			require.Empty(t, b.slack.told, name)
		} else {
			require.Equal(t, []string{"ask back " + r.ID + " to " + r.Asker}, b.slack.told, name)
		}
		require.NoError(t, b.Find(t.Context(), r.ID), "repeated")
		require.Equal(t, 1, b.count(r.ID, "asked back"), name)
	}
}

func TestAGuestMayAsk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	place := b.slack.place
	place.Shared = true
	b.slack.at(place)
	shared := approval.Sharing{By: "R1", At: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	b.slack.find = func(q Search) (Found, error) {
		return Found{Files: q.Files, Shared: map[string]approval.Sharing{"F1": shared}}, nil
	}
	r := b.asked(func(q *approval.Question) { q.Asker = "guest" })
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.True(t, r.Guest)
	require.True(t, r.Shared)
	require.Equal(t, &shared, r.Files[0].Shared)
	require.NoError(t, b.Look(t.Context(), r.ID))
	require.Equal(t, approval.Pending, b.request(r.ID).State, "they have not become one")
}

func TestAReadThatFailsIsDoneAgainByTheStep(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"Person.before", "Place.before", "Find.before", "Request.before", "Update.before"} {
		for _, dies := range []bool{false, true} {
			b := setup(t)
			r := b.asked()
			if dies {
				b.faults.kill(point)
			} else {
				b.faults.fail(point, errors.New("fatal_error"))
			}
			require.Len(t, b.work(), 1, point)
			require.Equal(t, approval.Pending, b.request(r.ID).State, point)
			require.Equal(t, 1, b.count(r.ID, "found"), point)
			require.Len(t, b.writer.briefs, 1, point)
		}
	}
}

func TestAStepThatDiesAroundItsCommitFindsOnce(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"commit found.before", "commit found.after"} {
		b := setup(t)
		r := b.asked()
		b.faults.kill(point)
		require.Len(t, b.work(), 1, point)
		require.Equal(t, approval.Pending, b.request(r.ID).State, point)
		require.Equal(t, 1, b.count(r.ID, "found"), point)
		require.Len(t, b.writer.briefs, 1, point)
		require.Len(t, b.box.inspected, 1, point)
	}
	for _, point := range []string{"commit asked back.before", "commit settled.before", "commit asked back.after"} {
		b := setup(t)
		b.slack.at(approval.Place{Seen: true})
		r := b.asked()
		b.faults.kill(point)
		b.work()
		require.Equal(t, approval.Failed, b.request(r.ID).State, point)
		require.Equal(t, 1, b.count(r.ID, "asked back"), point)
		require.Zero(t, b.open(r.ID), point)
		require.Len(t, b.slack.told, 1, point)
	}
}

func TestAFollowUpFindsWhatWasFoundBeforeItMeanwhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.asked(func(q *approval.Question) { q.ThreadTS = "5.5" })
	b.store.requests[first.ID].Files = nil // it was found only afterwards
	second := b.asked(func(q *approval.Question) { q.ThreadTS, q.Files, q.Follow = "5.5", nil, true })
	require.Empty(t, second.Files)
	b.store.requests[first.ID].Files, b.store.requests[first.ID].Seek = []approval.File{{ID: "F1", Name: "sales.csv", SHA256: "old"}}, nil
	require.NoError(t, b.Find(t.Context(), second.ID))
	require.Equal(t, []approval.File{{ID: "F1", Name: "sales.csv"}}, b.request(second.ID).Files)
}

func TestAClickOfThisMinuteLooksAtNobodyTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	b.slack.looked = nil
	_, err := b.MayDecide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, []string{"R1"}, b.slack.looked)
	approved, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, []string{"R1"}, b.slack.looked, "they were looked at a moment ago")
	require.Equal(t, approval.Approved, approved.State)

	b.slack.people["R1"] = review.Person{Guest: true}
	require.Empty(t, b.work())
	require.Equal(t, approval.Pending, b.request(r.ID).State, "the start looks again, and takes the approval away")
	back := b.request(r.ID).Reason
	require.Equal(t, []approval.Fallen{{Code: approval.NoMember, Who: "R1"}}, back.Fallen)
	b.aMinuteLater()
	_, err = b.MayDecide(t.Context(), ruling(b.request(r.ID), "R1", approval.Approve))
	require.ErrorContains(t, err, string(approval.WhyGuest))

	b.slack.looked = nil
	_, err = b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
	require.NoError(t, err)
	require.Empty(t, b.slack.looked, "who takes their own back is looked at by nobody")
}

func TestALookThatPanicsIsTheCallers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	b.faults.kill("Person.before")
	require.ErrorIs(t, b.replica(func() error {
		_, err := b.Decide(context.Background(), ruling(r, "R1", approval.Approve))
		return err
	}), errCrash)
}

func found(kind, about string) approval.Finding {
	return approval.Finding{Level: approval.Note, Kind: kind, About: about}
}

// A form can name any file. What need not be in the channel is the asker's own, or what
// the thread was about before, as the store knows it.
func TestTheFilesOfAThreadAreThoseThatWereFoundInIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.asked()
	require.Empty(t, b.work())
	require.NoError(t, b.store.Threaded(t.Context(), first.SessionID, "1.1"))
	var looked Search
	b.slack.find = func(q Search) (Found, error) {
		looked = q
		return Found{Files: q.Files}, nil
	}
	r := b.asked(func(q *approval.Question) {
		q.ThreadTS, q.Files, q.Brought = "1.1", []approval.File{{ID: "F9", Name: "hers.csv"}}, []string{"F9"}
	})
	require.NoError(t, b.Find(t.Context(), r.ID))
	require.Equal(t, []string{"F1"}, looked.Thread)
	require.Equal(t, []string{"F9"}, looked.Seek.Brought)
	b.asked()
	require.Empty(t, b.work())
	require.Empty(t, looked.Thread, "of no thread")
}

// Whether somebody is in the channel is asked again where Slack does not answer.
func TestWhetherTheAskerIsInTheChannelIsAskedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.asked()
	b.faults.fail("Within.before", errCrash)
	require.ErrorIs(t, b.Find(t.Context(), r.ID), errCrash)
	require.Equal(t, approval.Drafting, b.request(r.ID).State)
	require.NoError(t, b.Find(t.Context(), r.ID))
	require.Nil(t, b.request(r.ID).Seek)
}

// verified is a request whose run can be verified, in the thread where its channel is.
func (b *bundle) verified() *approval.Request {
	b.t.Helper()
	r := b.approved()
	require.Empty(b.t, b.work())
	r = b.request(r.ID)
	require.True(b.t, approval.Repeatable(r))
	return r
}

// Whoever copies a button into another press hears what they hear of an id that nobody has.
func TestACopiedButtonVerifiesNothingOutsideOfItsThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.verified()
	channel := b.store.sessions[first.SessionID].Channel
	click := approval.Click{Team: first.Team, User: "R2", Channel: "C0ELSEWHERE", ActionTS: "1.1"}
	before := len(b.store.order)
	_, err := b.Verify(t.Context(), first.ID, click, "copied")
	var in *approval.InputError
	require.ErrorAs(t, err, &in)
	require.Equal(t, approval.WhyNoAnswerThere, in.Why.Code)
	require.Len(t, b.store.order, before, "nothing is asked for it")
	click.Channel = channel
	r, err := b.Verify(t.Context(), first.ID, click, "in its thread")
	require.NoError(t, err)
	require.Equal(t, first.ID, r.Repeats.Request)
}

// What was taken back while it runs again is not said by what differs from it.
func TestARunOfAnAnswerThatWasTakenBackIsComparedWithNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.verified()
	r := &approval.Request{Repeats: &approval.Repeat{Request: first.ID}}
	c, err := b.Runner.compared(t.Context(), r, approval.Result{Outcome: approval.OK, Value: "43"})
	require.NoError(t, err)
	require.Equal(t, "other", c.Verdict())
	b.store.requests[first.ID].Taken = &approval.TakenBack{By: "asker"}
	c, err = b.Runner.compared(t.Context(), r, approval.Result{Outcome: approval.OK, Value: "43"})
	require.NoError(t, err)
	require.Equal(t, &approval.Compared{With: first.ID, Gone: true}, c)
}
