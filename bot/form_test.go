package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

func TestTheFormTakesTickedAndUploadedFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze"))
	b.offered(maya)
	up, err := maya.Upload("costs.xlsx", []byte("PK\x03\x04"))
	require.NoError(t, err)
	_, err = maya.Submit(slackperson.Fill(ids.FieldQuestion, "Compare them").And(ids.FieldFiles, "sales.csv").And(ids.FieldUpload, up.ID).And(ids.FieldModel, "codestral-2508"))
	require.NoError(t, err)
	q := b.service.questions()
	require.Len(t, q, 1)
	require.Equal(t, "codestral-2508", q[0].Model)
	require.Equal(t, slacksim.SalesData, q[0].Project)
	require.Len(t, q[0].Files, 2)
	require.True(t, q[0].Uploads)
	require.True(t, q[0].Given)
	require.Equal(t, []string{up.ID}, q[0].Brought)
	require.Equal(t, "sales.csv", q[0].Files[0].Name)
	require.EqualValues(t, 4, q[0].Files[0].Size, "without another look")
	require.Equal(t, []string{"sales.csv", "costs.xlsx"}, b.finds(q[0]))
	require.Equal(t, approval.File{ID: up.ID, Name: "costs.xlsx", Size: 4}, q[0].Files[1])
	b.told(slacksim.Analyst, slacksim.SalesData, "On it.")
}

func TestWhatIsWrongInTheFormIsSaidBesideIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze"))

	b.service.fail(&approval.InputError{Why: approval.Words("What would you like to know?")})
	wrong, err := maya.Submit(slackperson.Fill(ids.FieldQuestion, "?"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{ids.FieldQuestion: "What would you like to know?"}, wrong)
	b.service.fail(nil)

	b.offered(maya)
	up, err := maya.Upload("photo.png", png)
	require.NoError(t, err)
	wrong, err = maya.Submit(slackperson.Fill(ids.FieldQuestion, "How many?").And(ids.FieldUpload, up.ID))
	require.NoError(t, err)
	require.Contains(t, wrong[ids.FieldUpload], "I cannot read photo.png.")
	require.Empty(t, b.service.questions())
}

func TestTheGlobalShortcutAsksWhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Shortcut(ids.CallbackAsk))
	_, err := maya.Submit(slackperson.Fill(ids.FieldQuestion, "How many?").And(ids.FieldChannel, slacksim.SalesData))
	require.NoError(t, err)
	require.Equal(t, slacksim.SalesData, b.service.questions()[0].Project)
}

func TestTheMessageShortcutTakesItsWordsFilesAndThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.share(slacksim.SalesData, "other.csv", "a\n1\n")
	maya := b.as(slacksim.Analyst)
	m, err := maya.Share(slacksim.SalesData, "What is the *mean* of this & that?", "sales.csv", []byte("a\n1\n"))
	require.NoError(t, err)
	require.NoError(t, b.as(slacksim.OtherAnalyst).MessageShortcut(m, ids.CallbackAskMessage))
	form := b.offered(b.as(slacksim.OtherAnalyst))
	require.Contains(t, form.Words(), "other.csv")
	_, err = b.as(slacksim.OtherAnalyst).Submit(slackperson.Form{})
	require.NoError(t, err)
	q := b.service.questions()
	require.Len(t, q, 1)
	require.Equal(t, "What is the *mean* of this & that?", q[0].Text)
	require.Equal(t, m.TS, q[0].ThreadTS)
	require.Len(t, q[0].Files, 1)
	require.Equal(t, "sales.csv", q[0].Files[0].Name)

	reply, err := maya.Reply(slacksim.SalesData, m.TS, "And the median?")
	require.NoError(t, err)
	require.NoError(t, maya.MessageShortcut(reply, ids.CallbackAskMessage))
	b.offered(maya)
	_, err = maya.Submit(slackperson.Form{})
	require.NoError(t, err)
	require.Equal(t, m.TS, b.service.questions()[1].ThreadTS)
}

func TestTheMessageShortcutWhereTheBotIsNot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	m, err := maya.Say(slacksim.Random, "How many?")
	require.NoError(t, err)
	require.NoError(t, maya.MessageShortcut(m, ids.CallbackAskMessage))
	form, err := maya.WaitView(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "Invite me with /invite @countersign") })
	require.NoError(t, err, "said where they look")
	require.Contains(t, form.Words(), "This cannot be answered yet.")
}

func TestManyFilesBecomeAList(t *testing.T) {
	t.Parallel()
	b := idle(t)
	f := draw.Form{Channel: "C1", Listed: true}
	for n := range 150 {
		f.Choices = append(f.Choices, approval.File{ID: fmt.Sprintf("F%d", n), Name: fmt.Sprintf("file%d.csv", n)})
	}
	f.Ticked = f.Choices[3:5]
	_, ok := draw.Boxes(draw.Form{Choices: f.Choices[:10]}).(*slack.CheckboxGroupsBlockElement)
	require.True(t, ok)
	list, ok := draw.Boxes(f).(*slack.MultiSelectBlockElement)
	require.True(t, ok)
	require.Len(t, list.Options, 100)
	require.Len(t, list.InitialOptions, 2)
	f.Models = sample.Offered("m1")
	require.Len(t, draw.FormView(b.bot.Policy(), f).Blocks.BlockSet, 4, "one model is no choice")
}

func TestAFormOfAnotherVersionIsNotAcked(t *testing.T) {
	t.Parallel()
	b := idle(t)
	cb := slack.InteractionCallback{View: slack.View{PrivateMetadata: "{"}}
	remembersNothing := []string{ids.CallbackDelegate, ids.CallbackKeys, ids.CallbackName, ids.CallbackWhose, ids.CallbackLists, ids.CallbackNoted, ids.CallbackExplain, ids.CallbackReckon}
	for name, submit := range b.bot.board.submissions {
		if slices.Contains(remembersNothing, name) {
			continue
		}
		_, err := submit(b.ctx, cb)
		require.Error(t, err, name)
	}
	require.Empty(t, fieldsOf(cb))
}

func TestTheFormOfADirectMessageAsksByWhoseRules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	shared, err := maya.Share(maya.DM(), "", "sales.csv", []byte("a\n1\n"))
	require.NoError(t, err)
	require.NoError(t, maya.Command(maya.DM(), "/analyze"))
	form, err := maya.WaitView(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "sales.csv") })
	require.NoError(t, err)
	require.Contains(t, form.Words(), "By the rules of")
	before := len(b.service.questions())
	_, err = maya.Submit(slackperson.Fill(ids.FieldQuestion, "How many?").And(ids.FieldFiles, "sales.csv").And(ids.FieldChannel, slacksim.SalesData))
	require.NoError(t, err)
	q := b.service.questions()[before]
	require.Equal(t, slacksim.SalesData, q.Project)
	require.Equal(t, maya.DM(), q.Seat, "the answer stays here")
	require.Equal(t, []string{shared.Files[0].ID}, q.Brought, "and the file need not be in the channel")
	require.True(t, q.Given)
	b.told(slacksim.Analyst, maya.DM(), "On it.")

	// Without a channel it is a direct message like any other. What is in the channel is named by its words.
	for _, chosen := range []string{"", slacksim.SalesData} {
		require.NoError(t, maya.Command(maya.DM(), "/analyze"))
		_, err = maya.WaitView(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "sales.csv") })
		require.NoError(t, err)
		filled := slackperson.Fill(ids.FieldQuestion, "How many?")
		if chosen != "" {
			filled = filled.And(ids.FieldChannel, chosen)
		}
		before = len(b.service.questions())
		_, err = maya.Submit(filled)
		require.NoError(t, err)
		q = b.service.questions()[before]
		require.Equal(t, cmp.Or(chosen, maya.DM()), q.Project)
		require.Equal(t, chosen == "", q.Given)
	}
}

func TestOfTheBudgetOfAChannelThatWasChosenOnlyItsPeopleHear(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	for _, channel := range []string{slacksim.SalesData, slacksim.CodeReview} { // she is in the first
		require.NoError(t, maya.Shortcut(ids.CallbackAsk))
		_, err := maya.Submit(slackperson.Fill(ids.FieldQuestion, "How many?").And(ids.FieldChannel, channel))
		require.NoError(t, err)
	}
	b.told(slacksim.Analyst, slacksim.SalesData, "On it.")
	b.stop() // it ends what is left to do first
	for _, m := range append(maya.Messages(maya.DM()), maya.Ephemerals(slacksim.CodeReview)...) {
		require.NotContains(t, m.Text, "On it.")
	}
}
