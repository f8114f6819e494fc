package storage

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

func TestViewHoldsEverythingThatIsDrawn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.done(t, "t")
	require.NoError(t, b.Posted(t.Context(), steps.Post{RequestID: r.ID, Surface: steps.SurfaceCard, Channel: "REVIEW", TS: "2.2", Shown: "a"}, nil))
	require.NoError(t, b.Posted(t.Context(), steps.Post{RequestID: r.ID, Surface: steps.SurfaceCard, Channel: "REVIEW", TS: "2.2", Shown: "b"}, nil))
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, r.ID, v.Request.ID)
	require.Equal(t, "1\n", v.Request.Run.Result.Stdout)
	require.Equal(t, approval.Session{ID: r.SessionID, Team: team, Channel: channel}, v.Session)
	require.Equal(t, []steps.Spend{
		{Purpose: budget.ForDraft, Charges: []budget.Charge{{Kind: budget.Tokens, What: "small-1", Amount: budget.Cent,
			Usage: budget.Usage{Model: "small-1", Input: 100, Cached: 10, Written: 5, Output: 20}}}},
		{Purpose: budget.ForRun, Charges: []budget.Charge{{Kind: budget.Box, What: "local", BoxMS: 1500, Amount: 3 * budget.MicroDollar}}},
	}, v.Bill)
	require.Len(t, v.Standings, 1)
	require.Equal(t, budget.Cent+3*budget.MicroDollar, v.Standings[0].Spent)
	require.Equal(t, map[steps.Surface]steps.Post{steps.SurfaceCard: {RequestID: r.ID, Surface: steps.SurfaceCard,
		Channel: "REVIEW", TS: "2.2", Shown: "b"}}, v.Posts)
	require.Equal(t, []approval.Artifact{{Name: "plot.png", Kind: "chart", Alt: "a plot"}, {Name: "empty.csv", Kind: "table"}}, v.Artifacts, "without what is in them")
	files, err := b.Artifacts(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, []approval.Artifact{{Name: "plot.png", Kind: "chart", Alt: "a plot", Data: []byte{0, 1, 255}},
		{Name: "empty.csv", Kind: "table", Data: []byte{}}}, files)
	require.False(t, v.Now.Before(r.ChangedAt))
}

func TestTheBillLeavesOutWhatWasGivenBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(asker, now) })
	lost := b.running(t, "u")
	b.update(t, lost.ID, func(r *approval.Request, now time.Time) error { return r.Lose(now) })
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Empty(t, v.Bill)
	v, err = b.View(t.Context(), lost.ID)
	require.NoError(t, err)
	require.Len(t, v.Bill, 2)
	require.True(t, v.Bill[1].Estimated)
	require.Equal(t, budget.Cent, v.Bill[1].Charges[0].Amount)
	require.Equal(t, approval.Lost, v.Request.State)
	require.Nil(t, v.Request.Run.Result)
}

func TestTheFirstMessageIsTheThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	root := steps.Post{RequestID: r.ID, Surface: steps.SurfaceRoot, Channel: channel, TS: "5.5"}
	require.NoError(t, b.Posted(t.Context(), root, nil))
	thread := approval.Session{Team: team, Channel: channel, ThreadTS: "5.5"}
	files, ours, err := b.ThreadFiles(t.Context(), thread)
	require.NoError(t, err)
	require.True(t, ours)
	require.Equal(t, r.Files, files)
	require.NoError(t, b.Threaded(t.Context(), r.SessionID, "6.6"), "the first answer stands")
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, "5.5", v.Session.ThreadTS)
	follow, _, err := b.Ask(t.Context(), b.question("u"), thread)
	require.NoError(t, err)
	require.Equal(t, r.SessionID, follow.SessionID)
}

func TestThreadedRemembersAThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	require.NoError(t, b.Threaded(t.Context(), r.SessionID, "6.6"))
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, "6.6", v.Session.ThreadTS)
}

func TestAReplyThatOvertakesItsThreadsMemoryHurtsNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	_, _, err := b.Ask(t.Context(), b.question("early"), approval.Session{Team: team, Channel: channel, ThreadTS: "5.5"})
	require.NoError(t, err)
	require.NoError(t, b.Posted(t.Context(), steps.Post{RequestID: r.ID, Surface: steps.SurfaceRoot, Channel: channel, TS: "5.5"}, nil))
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, "5.5", v.Session.ThreadTS)
}

func TestAThreadOfSomebodyElseIsNotOurs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	files, ours, err := b.ThreadFiles(t.Context(), approval.Session{Team: team, Channel: channel, ThreadTS: "9.9"})
	require.NoError(t, err)
	require.False(t, ours)
	require.Nil(t, files)
}

func TestTheViewOfAFollowUpHasTheQuestionsBeforeIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thread := approval.Session{Team: team, Channel: channel, ThreadTS: "8.8"}
	b.ask(t, "in another thread")
	for i, want := range [][]string{nil, {"one"}, {"one", "two"}, {"one", "two", "three"}, {"two", "three", "four"}} {
		q := b.question(fmt.Sprint(i))
		q.Question = []string{"one", "two", "three", "four", "five"}[i]
		r, _, err := b.Ask(t.Context(), q, thread)
		require.NoError(t, err)
		v, err := b.View(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, want, v.Earlier)
	}
}

func TestHistoryIsWhatWasSaidAboutEarlierQuestions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thread := approval.Session{Team: team, Channel: channel, ThreadTS: "7.7"}
	ask := func(trigger string) *approval.Request {
		r, _, err := b.Ask(t.Context(), b.question(trigger), thread)
		require.NoError(t, err)
		return r
	}
	first := ask("1")
	first = b.update(t, first.ID, b.drafted)
	second := ask("2")
	third := ask("3")
	b.done(t, "elsewhere")
	// The first one ends only now.
	b.update(t, first.ID, func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVA", approval.Approve), 1, b.policy, now)
	})
	b.update(t, first.ID, func(r *approval.Request, now time.Time) error { return r.Start("box", b.policy, now) })
	b.update(t, first.ID, func(r *approval.Request, now time.Time) error {
		return r.Finish(result(), budget.Charge{Kind: budget.Box, What: "local"}, approval.DefaultPolicy(), now)
	})
	said := func(r *approval.Request) (list []approval.Role) {
		history, err := b.History(t.Context(), r.ID)
		require.NoError(t, err)
		for _, m := range history.Said {
			require.NotEqual(t, r.ID, m.RequestID)
			require.False(t, m.At.IsZero())
			if m.Role == approval.RoleResult { // all of it is there for whoever makes a prompt, and the message has its shape
				require.Equal(t, result().Outcome, m.Result.Outcome)
				require.Equal(t, result().Error, m.Result.Error)
				require.Equal(t, first.Revision.Code, m.Code)
			} else {
				require.Nil(t, m.Result)
			}
			list = append(list, m.Role)
		}
		return list
	}
	require.Empty(t, said(first))
	require.Equal(t, []approval.Role{approval.RoleQuestion, approval.RoleCode, approval.RoleResult}, said(second))
	require.Equal(t, []approval.Role{approval.RoleQuestion, approval.RoleCode, approval.RoleQuestion, approval.RoleResult}, said(third))
}

// What models have made of a thread stands in events, for whoever goes on in it. What nobody
// has signed is no model's word, and what was forgotten is none either.
func TestWhatModelsMadeOfAThreadIsKeptInItsEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thread := approval.Session{Team: team, Channel: channel, ThreadTS: "1.1"}
	ask := func(trigger string) *approval.Request {
		r, _, err := b.Ask(t.Context(), b.question(trigger), thread)
		require.NoError(t, err)
		return b.update(t, r.ID, found)
	}
	first, second := ask("1"), ask("2")
	to := approval.Addressee{Provider: "P", Host: "p.example"}
	b.update(t, second.ID, func(r *approval.Request, now time.Time) error {
		begun, err := approval.Summarise(r, "m", budget.Cent, to, now)
		require.True(t, begun)
		return err
	})
	r, err := b.Request(t.Context(), second.ID)
	require.NoError(t, err)
	h := r.Holds[slices.IndexFunc(r.Holds, func(h budget.OpenHold) bool { return h.Purpose == budget.ForSummary })]
	require.True(t, h.Called)
	require.Equal(t, budget.Cent, h.Risked, "a replica that dies now leaves it uncertain")
	made := approval.Summary{ID: "s1", Of: []string{first.ID}, From: "hash", Saw: approval.Statistics, Text: "They asked for May. Größe, 地区.", Model: "m", Provider: "P", Host: "p.example"}
	failed := approval.Summary{Of: []string{first.ID}, From: "hash", Why: "It was cut off.", Provider: "P", Host: "p.example"}
	b.update(t, second.ID, func(r *approval.Request, now time.Time) error {
		r.Money().Conclude(h, budget.Cent, budget.Settlement{HoldID: h.ID, At: now, Charges: []budget.Charge{{Kind: budget.Tokens, What: "m", Provider: "P", Host: "p.example", Amount: 7}}}, 0)
		approval.Summarised(r, failed, now)
		approval.Summarised(r, made, now)
		return nil
	})
	past, err := b.History(t.Context(), ask("3").ID)
	require.NoError(t, err)
	require.Len(t, past.Summaries, 2)
	require.Empty(t, past.Summaries[0].Text)
	made.At = past.Summaries[1].At
	require.Equal(t, made, past.Summaries[1])
	require.False(t, past.Said[0].Ended)
	elsewhere, err := b.History(t.Context(), b.done(t, "elsewhere").ID)
	require.NoError(t, err)
	require.Empty(t, elsewhere.Summaries, "a thread is a thread")
	_, err = AuditorOf(b.DB).Request(t.Context(), second.ID)
	require.NoError(t, err)
	v, err := b.View(t.Context(), second.ID)
	require.NoError(t, err)
	require.Equal(t, budget.ForSummary, v.Bill[0].Purpose, "it is a line of the bill")

	// Something is taken back. The summary stays, and by what it is of the thread knows whether it may be used.
	b.update(t, first.ID, b.drafted)
	b.update(t, first.ID, func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVA", approval.Approve), 1, b.policy, now)
	})
	b.update(t, first.ID, func(r *approval.Request, now time.Time) error { return r.Start("box", b.policy, now) })
	b.update(t, first.ID, func(r *approval.Request, now time.Time) error {
		return r.Finish(result(), budget.Charge{Kind: budget.Box, What: "local"}, approval.DefaultPolicy(), now)
	})
	b.update(t, first.ID, func(r *approval.Request, now time.Time) error {
		r.Taken = &approval.TakenBack{By: r.Asker, At: now}
		r.Changes.Taken = r.Taken
		r.Changes.Events = append(r.Changes.Events, approval.Event{At: now, Actor: r.Asker, Kind: approval.EventTookBack, Data: map[string]any{"click": approval.Click{User: r.Asker}}})
		return nil
	})
	past, err = b.History(t.Context(), ask("taken").ID)
	require.NoError(t, err)
	require.Len(t, past.Summaries, 2)
	require.False(t, slices.ContainsFunc(past.Said, func(m approval.Message) bool { return slices.Contains(past.Summaries[1].Of, m.RequestID) }))

	b.update(t, second.ID, func(r *approval.Request, now time.Time) error {
		return r.Fail(approval.Because(approval.WhyNoAnswer), now)
	})
	const goes = `SELECT forget('request:' || $1, ARRAY[(SELECT data::jsonb #>> '{text,salted_sha256}' FROM events WHERE kind = 'summarised')], 'countersign', 'summary')`
	require.ErrorContains(t, b.exec(t, goes, second.ID), "no rule says so", "all that it tells of is there")
	b.erasers(t, first.Asker)
	require.NoError(t, b.exec(t, `SELECT forget('request:' || $1, NULL, 'ADMIN', 'erasure')`, first.ID))
	require.NoError(t, b.exec(t, goes, second.ID))
	past, err = b.History(t.Context(), ask("4").ID)
	require.NoError(t, err)
	require.Empty(t, past.Summaries[1].Text)
	require.Error(t, b.exec(t, `UPDATE events SET data = '{}' WHERE kind = 'summarised'`))
}
