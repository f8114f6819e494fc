package bot

import (
	"fmt"
	"slices"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/internal/slacksim"
)

func TestTheFormTakesTickedAndUploadedFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze"))
	up, err := maya.Upload("costs.xlsx", []byte("PK\x03\x04"))
	require.NoError(t, err)
	_, err = maya.Submit(slacksim.Fill(fieldQuestion, "Compare them").And(fieldFiles, "sales.csv").And(fieldUpload, up.ID).And(fieldModel, "codestral-2508"))
	require.NoError(t, err)
	q := b.service.questions()
	require.Len(t, q, 1)
	require.Equal(t, "codestral-2508", q[0].Model)
	require.Equal(t, slacksim.SalesData, q[0].Project)
	require.Len(t, q[0].Files, 2)
	require.True(t, q[0].Uploads)
	require.Equal(t, "sales.csv", q[0].Files[0].Name)
	require.Equal(t, approval.File{ID: up.ID, Name: "costs.xlsx", Size: 4}, q[0].Files[1])
	b.told(slacksim.Analyst, slacksim.SalesData, "On it.")
}

func TestWhatIsWrongInTheFormIsSaidBesideIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shared := b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze"))

	b.service.fail(&approval.InputError{Why: "What would you like to know?"})
	wrong, err := maya.Submit(slacksim.Fill(fieldQuestion, "?"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{fieldQuestion: "What would you like to know?"}, wrong)
	b.service.fail(nil)

	require.NoError(t, maya.DeleteFile(shared.Files[0].ID))
	wrong, err = maya.Submit(slacksim.Fill(fieldQuestion, "How many?").And(fieldFiles, "sales.csv"))
	require.NoError(t, err)
	require.Contains(t, wrong[fieldFiles], "sales.csv has been deleted")

	b.sim.Remove(slacksim.SalesData, slacksim.BotUser)
	wrong, err = maya.Submit(slacksim.Fill(fieldQuestion, "How many?"))
	require.NoError(t, err)
	require.Contains(t, wrong[fieldQuestion], "Invite me", "the field of the channel is not in this form")
	require.Empty(t, b.service.questions())
}

func TestTheGlobalShortcutAsksWhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Shortcut(callbackAsk))
	wrong, err := maya.Submit(slacksim.Fill(fieldQuestion, "How many?").And(fieldChannel, slacksim.Random))
	require.NoError(t, err)
	require.Contains(t, wrong[fieldChannel], "I am not in this channel yet")
	_, err = maya.Submit(slacksim.Fill(fieldQuestion, "How many?").And(fieldChannel, slacksim.SalesData))
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
	require.NoError(t, b.as(slacksim.OtherAnalyst).MessageShortcut(m, callbackAskMessage))
	_, err = b.as(slacksim.OtherAnalyst).Submit(slacksim.Form{})
	require.NoError(t, err)
	q := b.service.questions()
	require.Len(t, q, 1)
	require.Equal(t, "What is the *mean* of this & that?", q[0].Text)
	require.Equal(t, m.TS, q[0].ThreadTS)
	require.Len(t, q[0].Files, 1)
	require.Equal(t, "sales.csv", q[0].Files[0].Name)

	reply, err := maya.Reply(slacksim.SalesData, m.TS, "And the median?")
	require.NoError(t, err)
	require.NoError(t, maya.MessageShortcut(reply, callbackAskMessage))
	_, err = maya.Submit(slacksim.Form{})
	require.NoError(t, err)
	require.Equal(t, m.TS, b.service.questions()[1].ThreadTS)
}

func TestTheMessageShortcutWhereTheBotIsNot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	m, err := maya.Say(slacksim.Random, "How many?")
	require.NoError(t, err)
	require.NoError(t, maya.MessageShortcut(m, callbackAskMessage))
	told, err := maya.WaitMessage(b.ctx, maya.DM(), func(m slacksim.Message) bool { return m.User == slacksim.BotUser && m.Text != "" })
	require.NoError(t, err, "no ephemeral message reaches a channel that the bot is not in")
	require.NotEmpty(t, told.Words())
}

func TestManyFilesBecomeAList(t *testing.T) {
	t.Parallel()
	b := idle(t)
	f := form{channel: "C1"}
	for n := range 150 {
		f.choices = append(f.choices, approval.File{ID: fmt.Sprintf("F%d", n), Name: fmt.Sprintf("file%d.csv", n)})
	}
	f.ticked = f.choices[3:5]
	_, ok := boxes(form{choices: f.choices[:10]}).(*slack.CheckboxGroupsBlockElement)
	require.True(t, ok)
	list, ok := boxes(f).(*slack.MultiSelectBlockElement)
	require.True(t, ok)
	require.Len(t, list.Options, 100)
	require.Len(t, list.InitialOptions, 2)
	b.service.models = b.service.models[:1]
	require.Len(t, b.bot.formView(f).Blocks.BlockSet, 3, "one model is no choice")
}

func TestAFormOfAnotherVersionIsNotAcked(t *testing.T) {
	t.Parallel()
	b := idle(t)
	cb := slack.InteractionCallback{View: slack.View{PrivateMetadata: "{"}}
	remembersNothing := []string{callbackDelegate, callbackName, callbackWhose, callbackExplain}
	for name, submit := range submissions {
		if slices.Contains(remembersNothing, name) {
			continue
		}
		_, err := submit(b.bot, b.ctx, cb)
		require.Error(t, err, name)
	}
	require.Empty(t, fieldsOf(cb))
}
