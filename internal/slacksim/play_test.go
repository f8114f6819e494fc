package slacksim_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is how long a test waits for what must happen; it is a limit for
// failures, never something that is measured.
// soon is for what takes a moment, on a machine that has no moment to spare.
const soon = 20 * time.Minute

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), soon)
	t.Cleanup(stop)
	return ctx
}

// stage is a workspace with an app that is written with slack-go.
type stage struct {
	sim    *slacksim.Sim
	api    *slack.Client
	mu     sync.Mutex
	acking func(socketmode.Event) (payload any, ack bool)
	seen   chan socketmode.Event
}

// setup starts a workspace without an app.
func setup(t *testing.T, o slacksim.Options) *stage {
	t.Helper()
	sim := slacksim.Start(t, o)
	api := slack.New(sim.BotToken(), slack.OptionAppLevelToken(sim.AppToken()), slack.OptionAPIURL(sim.APIURL()))
	return &stage{sim: sim, api: api, seen: make(chan socketmode.Event, 100)}
}

// connect runs n Socket Mode clients until the test ends. They acknowledge
// everything, unless the test says otherwise.
func (st *stage) connect(t *testing.T, n int) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for range n {
		client := socketmode.New(st.api)
		running.Go(func() {
			_ = client.RunContext(ctx) // ends with the context's error, or because the test took the server away
		})
		running.Go(func() { st.serve(ctx, client) })
	}
	t.Cleanup(func() { stop(); running.Wait() })
	require.NoError(t, st.sim.WaitSockets(within(t), n))
}

func (st *stage) serve(ctx context.Context, client *socketmode.Client) {
	for {
		select {
		case <-ctx.Done():
			return
		case evt := <-client.Events:
			if evt.Request == nil || evt.Request.EnvelopeID == "" {
				continue
			}
			st.mu.Lock()
			acking := st.acking
			st.mu.Unlock()
			var payload any
			ack := true
			if acking != nil {
				payload, ack = acking(evt)
			}
			if ack && payload != nil {
				_ = client.AckCtx(ctx, evt.Request.EnvelopeID, payload)
			} else if ack {
				_ = client.AckCtx(ctx, evt.Request.EnvelopeID, nil)
			}
			st.seen <- evt
		}
	}
}

func (st *stage) acks(f func(socketmode.Event) (any, bool)) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.acking = f
}

// next is the next envelope that the app got.
func (st *stage) next(t *testing.T) socketmode.Event {
	t.Helper()
	select {
	case evt := <-st.seen:
		return evt
	case <-time.After(soon):
		t.Fatal("the app got no envelope")
		panic("unreachable")
	}
}

func (st *stage) nextClick(t *testing.T) slack.InteractionCallback {
	t.Helper()
	evt := st.next(t)
	callback, ok := evt.Data.(slack.InteractionCallback)
	require.True(t, ok, "%T", evt.Data)
	return callback
}

func (st *stage) nextCommand(t *testing.T) slack.SlashCommand {
	t.Helper()
	evt := st.next(t)
	command, ok := evt.Data.(slack.SlashCommand)
	require.True(t, ok, "%T", evt.Data)
	return command
}

func (st *stage) nextInner(t *testing.T) any {
	t.Helper()
	evt := st.next(t)
	outer, ok := evt.Data.(slackevents.EventsAPIEvent)
	require.True(t, ok, "%T", evt.Data)
	return outer.InnerEvent.Data
}

func plain(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject("plain_text", s, false, false)
}

func mrkdwn(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject("mrkdwn", s, false, false)
}

func buttons(ids ...string) *slack.ActionBlock {
	var all []slack.BlockElement
	for _, id := range ids {
		all = append(all, slack.NewButtonBlockElement(id, "value of "+id, plain("Press "+id)))
	}
	return slack.NewActionBlock("decide", all...)
}

// TestARound plays what the product does, from the question to the decision.
func TestARound(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 2)
	ctx := within(t)
	analyst, reviewer := st.sim.As(slacksim.Analyst), st.sim.As(slacksim.Reviewer)

	require.NoError(t, analyst.Command(slacksim.SalesData, "/analyze how many <cups> for @ben & #general?"))
	command := st.nextCommand(t)
	require.Equal(t, "/analyze", command.Command)
	require.Equal(t, "how many &lt;cups&gt; for <@U0BEN|ben> &amp; <#C0GENERAL|general>?", command.Text)
	require.Equal(t, slacksim.SalesData, command.ChannelID)
	require.Equal(t, "sales-data", command.ChannelName)

	channel, ts, err := st.api.PostMessageContext(ctx, slacksim.CodeReview, slack.MsgOptionText("Review this", false),
		slack.MsgOptionBlocks(slack.NewSectionBlock(mrkdwn("*Review* this"), nil, nil), buttons("approve", "reject")))
	require.NoError(t, err)
	require.Equal(t, slacksim.CodeReview, channel)
	card, err := reviewer.WaitMessage(ctx, slacksim.CodeReview, func(m workspace.Message) bool { return m.Has("approve") })
	require.NoError(t, err)
	require.Equal(t, ts, card.TS)
	require.Empty(t, analyst.Messages(slacksim.CodeReview), "the analyst is not in the review channel")

	require.NoError(t, reviewer.Click(card, "Press approve"))
	click := st.nextClick(t)
	require.Equal(t, slack.InteractionTypeBlockActions, click.Type)
	require.Equal(t, slacksim.Reviewer, click.User.ID)
	require.Equal(t, "approve", click.ActionCallback.BlockActions[0].ActionID)
	require.Equal(t, "value of approve", click.ActionCallback.BlockActions[0].Value)
	require.Equal(t, ts, click.Container.MessageTs)
	require.Equal(t, ts, click.Message.Timestamp)

	_, _, _, err = st.api.UpdateMessageContext(ctx, channel, ts, slack.MsgOptionText("Approved", false),
		slack.MsgOptionBlocks(slack.NewSectionBlock(mrkdwn("Approved by Ben"), nil, nil)))
	require.NoError(t, err)
	done, err := reviewer.WaitChange(ctx, card, func(m workspace.Message) bool { return !m.Has("approve") })
	require.NoError(t, err)
	require.Equal(t, "Approved by Ben", done.Words())
	require.Nil(t, done.Edited, "a message with blocks is not marked as edited")

	var refused *person.Refusal
	require.ErrorAs(t, reviewer.Click(card, "approve"), &refused)
	require.Equal(t, "no_such_action", refused.Code)
	require.NoError(t, reviewer.ClickOld(card, "approve"))
	require.Equal(t, "approve", st.nextClick(t).ActionCallback.BlockActions[0].ActionID)
}

func TestModalIsOpenedFilledAndAnswered(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	ctx := within(t)
	maya := st.sim.As(slacksim.Analyst)
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze"))
	trigger := st.nextCommand(t).TriggerID

	question := slack.NewInputBlock("question", plain("Question"), nil, slack.NewPlainTextInputBlockElement(nil, "typed"))
	model := slack.NewInputBlock("model", plain("Model"), nil, slack.NewOptionsSelectBlockElement("static_select", nil, "chosen",
		slack.NewOptionBlockObject("small", plain("Small model"), nil), slack.NewOptionBlockObject("large", plain("Large model"), nil)))
	files := slack.NewInputBlock("files", plain("Files"), nil, slack.NewFileInputBlockElement("uploads"))
	files.Optional = true
	modal := slack.ModalViewRequest{
		Type: "modal", Title: plain("Ask"), Submit: plain("Ask"), CallbackID: "ask", PrivateMetadata: "secret",
		Blocks: slack.Blocks{BlockSet: []slack.Block{question, model, files}},
	}
	opened, err := st.api.OpenViewContext(ctx, trigger, modal)
	require.NoError(t, err)
	v, ok := maya.View()
	require.True(t, ok)
	require.Equal(t, opened.ID, v.ID)

	broken, err := maya.Submit(person.Fill("Question", "How many?"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"model": "Please complete this required field."}, broken)

	file, err := maya.Upload("sales.csv", []byte("a,b\n1,2\n"))
	require.NoError(t, err)
	_, _, _, err = st.api.GetFileInfoContext(ctx, file.ID, 0, 0)
	require.ErrorContains(t, err, "file_not_found", "nothing was shared yet")

	st.acks(func(socketmode.Event) (any, bool) {
		return map[string]any{"response_action": "errors", "errors": map[string]string{"question": "Too short."}}, true
	})
	form := person.Fill("Question", "How many?").And("Model", "Large model").And("files", file.ID)
	broken, err = maya.Submit(form)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"question": "Too short."}, broken)
	sent := st.nextClick(t)
	require.Equal(t, slack.InteractionTypeViewSubmission, sent.Type)
	require.Equal(t, "secret", sent.View.PrivateMetadata)
	require.Equal(t, "How many?", sent.View.State.Values["question"]["typed"].Value)
	require.Equal(t, "large", sent.View.State.Values["model"]["chosen"].SelectedOption.Value)
	require.Equal(t, file.ID, sent.View.State.Values["files"]["uploads"].Files[0].ID)
	_, _, _, err = st.api.GetFileInfoContext(ctx, file.ID, 0, 0)
	require.NoError(t, err, "the form gave the file to the app")

	modal.Title = plain("Thanks")
	modal.Submit = nil
	modal.Blocks.BlockSet = []slack.Block{slack.NewSectionBlock(mrkdwn("Working"), nil, nil)}
	st.acks(func(socketmode.Event) (any, bool) { return slack.NewUpdateViewSubmissionResponse(&modal), true })
	broken, err = maya.Submit(form)
	require.NoError(t, err)
	require.Empty(t, broken)
	v, _ = maya.View()
	require.Contains(t, v.Words(), "Working")
	require.NoError(t, maya.CloseView())
	_, open := maya.View()
	require.False(t, open)
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}

var quiet = slog.New(slog.DiscardHandler)
