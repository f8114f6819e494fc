package bot

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
)

func TestTheAskerAnswersTheModelByAPressOrInWords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := sample.View(sample.In(approval.Asking), sample.Clarifying("Which year do you mean?", "2023", "2024"))
	b.service.change(func() { b.service.views[v.Request.ID] = v })
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress)
	maya, other := b.as(slacksim.Analyst), b.as(slacksim.OtherAnalyst)
	m := b.read(slacksim.Analyst, v.Posts[steps.SurfaceProgress])
	require.Equal(t, []string{ids.ActionChoose, ids.ActionChoose2, ids.ActionSay, ids.ActionCancel}, m.Actions())
	for _, words := range []string{"the model asks you", "its words, not checked", "Which year do you mean?", "has cost under 1 cent so far"} {
		require.Contains(t, m.Words(), words)
	}
	require.NoError(t, other.Click(m, "2024"))
	b.told(slacksim.OtherAnalyst, slacksim.SalesData, "Only the person who asked can answer this.")
	require.NoError(t, other.Click(m, "Answer in words"))
	_, open := other.View()
	require.False(t, open)
	require.Empty(t, b.service.answered)

	key := (approval.Talk{Request: v.Request}).Open().Key()
	require.NoError(t, maya.Click(m, "2024"))
	require.NoError(t, maya.Click(m, "Answer in words"))
	form, open := maya.View()
	require.True(t, open)
	require.Contains(t, form.Words(), "Which year do you mean?")
	errs, err := maya.Submit(slackperson.Fill(ids.FieldSaid, "both, one after another"))
	require.NoError(t, err)
	require.Empty(t, errs)
	require.Equal(t, []string{key + " 1", key + " both, one after another"}, b.service.answered)

	b.service.change(func() { v.Request.Clarified[0].Question = "Which month do you mean?" })
	require.NoError(t, maya.Click(m, "Answer in words"))
	b.told(slacksim.Analyst, slacksim.SalesData, "This has been answered already.")
	_, open = maya.View()
	require.False(t, open, "an old message opens no other question")
}

func TestWhatCouldBeAskedNextIsAskedByAPress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, reply := b.ended(sample.With(approval.Result{Outcome: approval.OK, Answer: "It was 42."}), func(v *steps.View) { v.Next = []string{"How much was it per region?", "And per month?"} })
	require.Contains(t, reply.Words(), "the model's words")
	for range 2 {
		require.NoError(t, b.as(slacksim.OtherAnalyst).Click(reply, "And per month?"))
	}
	q := b.service.questions()
	require.Len(t, q, 1, "a second press asks nothing twice")
	require.Equal(t, approval.Question{Team: v.Request.Team, Project: slacksim.SalesData, Asker: slacksim.OtherAnalyst, Text: "And per month?", ThreadTS: v.Session.ThreadTS, Follow: true,
		Trigger: fmt.Sprintf("follow %s 1 %s", v.Request.ID, slacksim.OtherAnalyst)}, q[0])
	require.NoError(t, b.as(slacksim.Analyst).Click(reply, "And per month?"))
	require.Len(t, b.service.questions(), 2, "of each who presses")

	_, failed := b.ended(sample.With(approval.Result{Outcome: approval.Raised}), func(v *steps.View) { v.Next = []string{"And per month?"} })
	require.NotContains(t, failed.Actions(), ids.ActionFollow)
}
