package steps

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// wonders is a model that asks the asker.
func wonders(question string, choices ...string) func(Brief) (Draft, error) {
	return func(b Brief) (Draft, error) {
		return Draft{Ask: &approval.Clarification{Question: question, Choices: choices}, Usage: used(b.Model), PromptVersion: "p1"}, nil
	}
}

func open(r *approval.Request) *approval.Clarification { return approval.Talk{Request: r}.Open() }

func TestAModelAsksInPlaceOfAGuess(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.script = append(b.writer.script, wonders("Which year?", "2023", "2024"))
	r := b.ask()
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Asking, r.State)
	require.Zero(t, b.open(r.ID), "nothing is held while it waits")
	require.NotEmpty(t, b.spends(r.ID, budget.ForDraft), "the call is paid")
	key := open(r).Key()

	var no *approval.NotAllowedError
	_, err := b.Choose(t.Context(), r.ID, key, "1", by("R1"))
	require.ErrorAs(t, err, &no)
	var move *approval.MoveError
	for _, wrong := range [][2]string{{"other", "1"}, {key, "2"}, {key, "-1"}, {key, "x"}} {
		_, err = b.Choose(t.Context(), r.ID, wrong[0], wrong[1], by("asker"))
		require.ErrorAs(t, err, &move)
	}
	_, err = b.Choose(t.Context(), r.ID, key, "1", by("asker"))
	require.NoError(t, err)
	require.Equal(t, 1, b.open(r.ID), "the next call is held")
	_, err = b.Say(t.Context(), r.ID, key, "2023", by("asker"))
	require.ErrorAs(t, err, &move, "once")
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Len(t, b.writer.briefs, 2)
	require.Equal(t, "2024", b.writer.briefs[1].Clarified[0].Said)
	require.Equal(t, 1, b.count(r.ID, approval.EventAskedToClarify))
	require.Equal(t, 1, b.count(r.ID, approval.EventClarified))
	require.Len(t, b.spends(r.ID, budget.ForDraft), 3, "each call is on the bill, and the inspection")
}

// A model that asks and asks is told to write, and ends when it does not.
func TestAModelDoesNotAskForEver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 9 {
		b.writer.script = append(b.writer.script, wonders("Which year?"))
	}
	r := b.ask()
	for range approval.MostInARow {
		require.Empty(t, b.work())
		r = b.request(r.ID)
		_, err := b.Say(t.Context(), r.ID, open(r).Key(), "the last one", by("asker"))
		require.NoError(t, err)
	}
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, approval.WhyGaveUp, r.Reason.Code)
	require.Len(t, b.writer.briefs, approval.MostInARow+1+maxRepairs)
	require.Contains(t, b.writer.briefs[3].Refused[0].Reason, "asked often enough")
	require.Zero(t, b.open(r.ID))
}

func TestAMessageInTheThreadAnswersTheModel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.script = append(b.writer.script, wonders("Which year?", "2023", "2024"))
	r := b.ask()
	require.Empty(t, b.work())
	reply := question()
	reply.Files, reply.ThreadTS, reply.Follow, reply.Spoken = nil, b.store.sessions[r.SessionID].ThreadTS, true, true
	reply.Text, reply.Trigger = "both of them", "message C1 77"

	other := reply
	other.Asker, other.Trigger = "R1", "message C1 76"
	theirs, err := b.Ask(t.Context(), other)
	require.NoError(t, err)
	require.NotEqual(t, r.ID, theirs.ID, "somebody else's message is a question of theirs")

	for range 2 { // Slack may deliver it again
		answered, err := b.Ask(t.Context(), reply)
		require.NoError(t, err)
		require.Equal(t, r.ID, answered.ID)
	}
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, "both of them", r.Clarified[0].Said)
	require.Len(t, b.store.requests, 2, "it is no question of its own")

	reply.Text, reply.Trigger = "and per region?", "message C1 78"
	next, err := b.Ask(t.Context(), reply)
	require.NoError(t, err)
	require.NotEqual(t, r.ID, next.ID, "what waits for nothing is gone on from")
	require.Empty(t, b.work())
	roles := map[approval.Role]bool{}
	for _, m := range b.writer.briefs[len(b.writer.briefs)-1].History {
		roles[m.Role] = true
	}
	require.True(t, roles[approval.RoleClarify] && roles[approval.RoleClarified], "and its model reads what was said")
}

func TestAnAnswerToTheModelWaitsForMoneyToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.script = append(b.writer.script, wonders("Which year?", "2024"))
	r := b.ask()
	require.Empty(t, b.work())
	b.limit(budget.User, "asker", budget.Cent, budget.Month, budget.LimitPolicy{})
	_, err := b.Choose(t.Context(), r.ID, open(b.request(r.ID)).Key(), "0", by("asker"))
	require.NoError(t, err)
	r = b.request(r.ID)
	require.Equal(t, approval.Drafting, r.State)
	require.NotNil(t, r.Blocked)
	require.Equal(t, "2024", r.Clarified[0].Said)
	require.Zero(t, b.open(r.ID))
}

// A replica that dies after the call leaves its cost uncertain, and nobody is asked twice.
func TestAQuestionOfTheModelSurvivesACrash(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"commit asked to clarify.before", "commit asked to clarify.after"} {
		b := setup(t)
		b.writer.script = append(b.writer.script, wonders("Which year?", "2024"), wonders("Which year?", "2024"))
		r := b.askAndRead()
		b.faults.kill(point)
		require.ErrorIs(t, b.replica(func() error { return b.Draft(context.Background(), r.ID) }), errCrash)
		require.NoError(t, b.Draft(t.Context(), r.ID))
		r = b.request(r.ID)
		require.Equal(t, approval.Asking, r.State, point)
		require.Len(t, r.Clarified, 1, point)
	}
}

func TestWhatCouldBeAskedNextStandsBesideTheProgram(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.script = append(b.writer.script, func(br Brief) (Draft, error) {
		d, err := writes(goodCode)(br)
		d.Next = []string{"Per region?", "Ask <@U1> at https://evil.example", "3?", "4?"}
		return d, err
	})
	r := b.pending()
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"Per region?", "Ask at (link left out)", "3?"}, v.Next)
}

// What a message in the thread brings is added to the files at hand, or stands alone where it says so.
func TestAFileOfAFollowUpIsAdded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	q := question()
	q.ThreadTS, q.Follow, q.Spoken = b.store.sessions[r.SessionID].ThreadTS, true, true
	q.Files = []approval.File{{ID: "F-new", Name: "new.csv", Size: 4}}
	for alone, want := range map[bool][]string{false: {"new.csv", "sales.csv"}, true: {"new.csv"}} {
		q.Alone, q.Trigger = alone, q.Trigger+"+"
		next, err := b.Ask(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, want, approval.FileNames(next.Files))
		if alone {
			require.Empty(t, next.Seek.Brought)
			continue
		}
		require.Equal(t, []string{r.Files[0].ID}, next.Seek.Brought)
	}
}
