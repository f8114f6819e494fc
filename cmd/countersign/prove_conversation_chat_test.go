package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// suggested waits until a chat has a prompt, and returns all of them.
func (h *house) suggested(who *person.Person, chat workspace.Message, holds string) (said []string) {
	h.t.Helper()
	m, err := who.WaitChange(h.patient(), chat, func(m workspace.Message) bool {
		return m.Chat != nil && slices.ContainsFunc(m.Chat.Prompts, func(p workspace.Prompt) bool { return strings.Contains(p.Message, holds) })
	})
	require.NoError(h.t, err, "nothing suggests %q", holds)
	for _, p := range m.Chat.Prompts {
		said = append(said, p.Message)
	}
	return said
}

// A chat of the assistant view suggests what can be asked, has the title of its first question, says
// what is done, and goes on without a mention.
func TestProveConversationInTheAssistantView(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(instant{}, 4)
	h.share("sales.csv", "amount\n1\n")
	first, err := h.maya.StartChat(slacksim.SalesData)
	require.NoError(t, err)
	require.Equal(t, []string{"What is in sales.csv, column by column?", "What can you do?"}, h.suggested(h.maya, first.Message, "sales.csv"))

	// Nobody has read the file yet. Once somebody has, its columns are suggested.
	h.writes("print(1)", "print(2)", "print(3)")
	root := h.ask("How much did we sell in sales.csv?")
	h.approve(h.cardOf("How much did we sell"))
	h.says(root, "Show code")
	chat, err := h.maya.StartChat(slacksim.SalesData)
	require.NoError(t, err)
	said := h.suggested(h.maya, chat.Message, "amount")
	require.Contains(t, said, "What are the lowest, the middle and the highest amount in sales.csv?")

	// The file comes with the question.
	f, err := h.maya.Upload("mine.csv", []byte("amount\n7\n"))
	require.NoError(t, err)
	_, err = h.maya.Reply(chat.Channel, chat.TS, "What is the sum?", f.ID)
	require.NoError(t, err)
	h.approve(h.cardOf("What is the sum?"))
	h.says(chat.Message, "Show code")
	titled, err := h.maya.WaitChange(h.patient(), chat.Message, func(m workspace.Message) bool { return m.Chat.Title == "What is the sum?" })
	require.NoError(t, err)
	require.Equal(t, "What is the sum?", titled.Text)
	_, err = h.maya.Reply(chat.Channel, chat.TS, "And the mean?")
	require.NoError(t, err)
	card := h.cardOf("And the mean?")
	require.Contains(t, card.Words(), "mine.csv", "a follow-up keeps the files of its chat")
	h.approve(card)
	h.soon("all are done", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == 3 })
	require.Equal(t, 2, value[int](h, `SELECT count(*) FROM sessions`), "a chat is one session")
	h.settled()
	var statuses []string
	for _, call := range h.sim.Calls("assistant.threads.setStatus") {
		require.True(t, call.OK, call.Detail)
		_, status, _ := strings.Cut(call.Detail, `"status":"`)
		status, _, _ = strings.Cut(status, `"`)
		if !slices.Contains(statuses, status) {
			statuses = append(statuses, status)
		}
	}
	require.Contains(t, statuses, "is looking for the files…")
	require.Greater(t, len(statuses), 1, "and what came next, as far as it took a moment")
	require.Len(t, h.sim.Calls("assistant.threads.setTitle"), 1)
	h.addsUp()
	proof.Check(t, !t.Failed(), "a chat of the assistant view: suggestions, title, status, a follow-up", "two questions in one session; columns are suggested once they are known")
}

// Where the plan has no such view, a direct message does all the same, and Slack is asked once.
func TestProveConversationWithoutTheAssistantView(t *testing.T) {
	t.Parallel()
	h := openIn(t, slacksim.Options{PostBurst: -1, NoAssistant: true})
	h.bench(instant{}, 4)
	h.writes("print(1)", "print(2)")
	for _, question := range []string{"What is the first sum?", "What is the second sum?"} {
		f, err := h.maya.Upload("mine.csv", []byte("amount\n7\n"))
		require.NoError(t, err)
		root, err := h.maya.Say(h.maya.DM(), question, f.ID)
		require.NoError(t, err)
		h.approve(h.cardOf(question))
		h.says(root, "Show code")
	}
	h.settled()
	require.LessOrEqual(t, len(h.sim.Calls("assistant.threads.setTitle")), 1)
	proof.Check(t, !t.Failed(), "a workspace without the assistant view misses nothing but the view", "two questions in a direct message; its refusal is remembered")
}

// chatty is a sandbox whose programs print, and end when the test lets them.
type chatty struct {
	instant
	lines []string
	ends  chan struct{}
}

func (c chatty) Result(ctx context.Context, _ string) (approval.Result, error) {
	for _, line := range c.lines {
		steps.TellLine(ctx, line)
	}
	again := time.NewTicker(time.Second) // as sandboxes do: one telling may find Slack too slow
	defer again.Stop()
	for {
		select {
		case <-again.C:
			steps.TellLine(ctx, c.lines[len(c.lines)-1])
		case <-c.ends:
			return approval.Result{Outcome: approval.OK}, nil
		case <-ctx.Done():
			return approval.Result{}, ctx.Err()
		}
	}
}

// Which channel somebody looks at is known to whoever takes their question, after a restart as well.
func TestProveConversationAChatsChannelOutlivesItsReplica(t *testing.T) {
	t.Parallel()
	h := open(t)
	_, stop := h.run(func(r *replica) { r.rewire(func(p *steps.Ports) { p.Sandbox = instant{} }) })
	h.share("sales.csv", "amount\n1\n")
	chat, err := h.maya.StartChat(slacksim.SalesData)
	require.NoError(t, err)
	h.suggested(h.maya, chat.Message, "sales.csv")
	stop()
	h.bench(instant{}, 2)
	h.writes("print(1)")
	_, err = h.maya.Reply(chat.Channel, chat.TS, "How much did we sell in sales.csv?")
	require.NoError(t, err)
	h.approve(h.cardOf("How much did we sell"))
	h.says(chat.Message, "Show code")
	require.Equal(t, slacksim.SalesData, value[string](h, `SELECT project FROM requests`), "by the rules of the channel that she looked at")
	h.settled()
	h.addsUp()
	proof.Check(t, !t.Failed(), "a chat's channel outlives its replica", "the next one takes the question by that channel's rules")
}

// While a program runs, its asker reads its last line in their direct message, and nobody reads it in
// a channel.
func TestProveConversationWhileAProgramRuns(t *testing.T) {
	t.Parallel()
	h := open(t)
	box := chatty{lines: []string{"", "row 37 of 100 <!channel>\u202e", "secret 80 %"}, ends: make(chan struct{})}
	h.bench(box, 4)
	h.share("sales.csv", "amount\n1\n")
	statuses := func() (all []string) {
		for _, call := range h.sim.Calls("assistant.threads.setStatus") {
			_, status, _ := strings.Cut(call.Detail, `"status":"`)
			status, _, _ = strings.Cut(status, `"`)
			all = append(all, status)
		}
		return all
	}
	h.writes("print(1)", "print(1)")
	root := h.ask("How much did we sell in sales.csv?")
	h.approve(h.cardOf("How much did we sell"))
	h.soon("it runs", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'running'`) == 1 })
	chat, err := h.maya.StartChat(slacksim.SalesData)
	require.NoError(t, err)
	h.suggested(h.maya, chat.Message, "sales.csv")
	_, err = chat.Prompt("What is in sales.csv, column by column?")
	if err != nil {
		_, err = h.maya.Reply(chat.Channel, chat.TS, "What is in sales.csv?")
	}
	require.NoError(t, err)
	h.approve(h.cardOf("What is in sales.csv"))
	h.soon("its last line is told", func() bool {
		return slices.ContainsFunc(statuses(), func(s string) bool { return strings.Contains(s, "80 %: secret 80 %") })
	})
	// Of the question in the channel a message says it, to her alone, with the way to stop it.
	told := h.inDM(h.maya, "80 %: secret 80 %")
	require.Contains(t, told.Words(), "How much did we sell")
	require.True(t, told.Has("Cancel"))
	require.True(t, told.Has("Open the thread"))
	close(box.ends)
	h.says(chat.Message, "Show code")
	h.says(root, "Show code")
	h.turns(h.maya, told, "Done")
	h.settled()
	for _, m := range h.maya.Messages(h.maya.DM()) {
		require.NotContains(t, m.Text+m.Words(), "secret 80", "and none of it stays")
		require.False(t, m.Has("Cancel"), m.Words())
	}
	for _, call := range h.sim.Calls("") {
		if strings.Contains(call.Detail, "secret 80") {
			require.Contains(t, []string{"assistant.threads.setStatus", "chat.postMessage", "chat.update"}, call.Name)
			require.Regexp(t, `"channel(_id)?":"(`+h.maya.DM()+`|`+slacksim.Analyst+`)"`, call.Detail, "and in no channel")
		}
		require.NotContains(t, call.Detail, "37 of 100 <!channel>")
	}
	require.Zero(t, value[int](h, `SELECT count(*) FROM events WHERE data::text LIKE '%secret 80%'`), "and is kept nowhere")
	h.addsUp()
	proof.Check(t, !t.Failed(), "a program's last line is its asker's alone while it runs", "with a percentage, in the status or a message of their direct message, and Cancel beside it; no channel, no record")
}
