package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/codegen"
	"countersign/codegen/mistraltest"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
)

// What a model asks is answered by a press, in a modal or in the thread; what it offers to be
// asked next is a question like any other.
func TestProveConversationAModelAsksInPlaceOfAGuess(t *testing.T) {
	t.Parallel()
	ways := map[string]func(h *house, root, asked workspace.Message) error{
		"by a press": func(h *house, _, asked workspace.Message) error { return h.maya.Click(asked, "2024") },
		"in a modal": func(h *house, _, asked workspace.Message) error {
			require.NoError(h.t, h.maya.Click(asked, "Answer in words"))
			_, err := h.maya.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == "say" })
			require.NoError(h.t, err)
			_, err = h.maya.Submit(person.Fill("said", "2024"))
			return err
		},
		"in the thread": func(h *house, root, _ workspace.Message) error {
			_, err := h.maya.Reply(root.Channel, root.TS, "@countersign 2024")
			return err
		},
	}
	for way, answer := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			h.bench(instant{}, 4)
			h.share("sales.csv", "amount\n1\n")
			h.model.Next(mistraltest.Reply{Content: "```question\nWhich year do you mean, <!channel>? See https://evil.example/x\n- 2023\n- 2024\n```"},
				mistraltest.Reply{Content: "It adds.\n\n```python\nprint(1)\n```\n\n```next\n- How much was it per region?\n```"})
			root := h.ask("How much did we sell in sales.csv?")
			asked := h.says(root, "the model asks you")
			require.Contains(t, asked.Words(), "Which year do you mean, ? See (link left out)")
			require.NotContains(t, asked.Words(), "evil.example")
			require.Equal(t, "asking", value[string](h, `SELECT state FROM requests`))
			require.Zero(t, value[int](h, `SELECT count(*) FROM holds WHERE NOT settled`), "nothing is held while it waits")
			require.Positive(t, value[int64](h, `SELECT coalesce(sum(amount), 0)::bigint FROM charges WHERE kind = 'tokens'`), "the call is on the bill")
			require.NoError(t, answer(h, root, asked))
			card := h.cardOf("How much did we sell")
			require.Contains(t, card.Words(), "The model asked the asker")
			require.Contains(t, card.Words(), "2024")
			calls := h.model.Requests()
			last := calls[len(calls)-1].Messages
			require.Equal(t, "The asker answers: 2024", last[len(last)-1].Content)
			h.approve(card)
			reply := h.says(root, "you could ask")
			require.NoError(t, h.maya.Click(reply, "How much was it per region?"))
			h.approve(h.cardOf("How much was it per region?"))
			h.soon("both are done", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == 2 })
			require.Equal(t, 1, value[int](h, `SELECT count(*) FROM sessions`), "it is one thread")
			h.settled()
			h.addsUp()
			proof.Check(t, !t.Failed(), "a model asks in place of a guess, and is answered "+way, "one question, one answer, a follow-up, each call paid")
		})
	}
}

// addsUp holds the ledger, the budgets and the audit trail against one another.
func (h *house) addsUp() {
	h.t.Helper()
	db, err := h.store()
	require.NoError(h.t, err)
	defer db.Close()
	h.ledger()
	h.balance(db)
	for _, id := range column[string](h, `SELECT id FROM requests ORDER BY id`) {
		_, err := storage.AuditorOf(db).Request(h.ctx, id)
		require.NoError(h.t, err)
	}
}

var ofTheThread = regexp.MustCompile(`Question number (\d{3}) of`)

// A thread of forty turns stays within its budgets of tokens and money, and loses no file and
// no result that has room.
func TestProveConversationOfFortyTurns(t *testing.T) {
	t.Parallel()
	turns := proof.Of(40)
	h := open(t)
	h.bench(instant{}, 4)
	h.share("sales.csv", "amount\n1\n")
	filler := strings.Repeat("# "+strings.Repeat("w", 96)+"\n", 12)
	h.model.Answer(func(r mistraltest.Request) mistraltest.Reply {
		all := ofTheThread.FindAllStringSubmatch(r.Messages[len(r.Messages)-1].Content, -1)
		return mistraltest.Reply{Content: "It adds.\n\n```python\n" + filler + "print(1)  # answers " + all[len(all)-1][1] + "\n```\n"}
	})
	var root workspace.Message
	for n := 1; n <= turns; n++ {
		question := fmt.Sprintf("Question number %03d of the thread", n)
		var err error
		switch n {
		case 1:
			root, err = h.maya.Say(slacksim.SalesData, "@countersign "+question+", about sales.csv?")
		case 2:
			var f workspace.File
			f, err = h.maya.Upload("regions.csv", []byte("region\nNorth\n"))
			require.NoError(t, err)
			_, err = h.maya.Reply(slacksim.SalesData, root.TS, "@countersign "+question+"?", f.ID)
		default:
			_, err = h.maya.Reply(slacksim.SalesData, root.TS, "@countersign "+question+"?")
		}
		require.NoError(t, err)
		h.approve(h.cardOf(question))
		h.soon("turn "+question+" is done", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == n })
	}
	calls := h.model.Requests()
	require.Len(t, calls, turns)
	longest, least := 0, turns
	for i, call := range calls {
		var said strings.Builder
		for _, m := range call.Messages[1:] {
			said.WriteString(m.Content + "\n")
		}
		text := said.String()
		longest = max(longest, call.Bytes())
		kept := 0
		for earlier := i; earlier >= 1; earlier-- {
			asked := strings.Contains(text, fmt.Sprintf("Question number %03d of", earlier))
			require.Equal(t, asked, strings.Contains(text, fmt.Sprintf("# answers %03d\n", earlier)), "a question is never split from its program")
			if !asked {
				break
			}
			kept++
		}
		require.Equal(t, kept, strings.Count(text, "An earlier question:"), "the newest, without a gap")
		require.Equal(t, kept, strings.Count(text, "What that program gave"), "each with its result")
		require.GreaterOrEqual(t, kept, min(i, 8), "what has room is there")
		least = min(least, max(kept, 8))
		require.Contains(t, text, `"sales.csv"`, "files stay at hand")
		require.Equal(t, i >= 1, strings.Contains(text, `"regions.csv"`), "and those that came later are added")
	}
	require.LessOrEqual(t, longest, codegen.PromptBytes)
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM sessions`))
	h.settled()
	h.addsUp()
	proof.Check(t, !t.Failed(), "a thread of forty turns stays within its budgets and loses nothing that has room",
		"%d turns, at most %d of %d bytes, the last %d exchanges whole; the ledger adds up", turns, longest, codegen.PromptBytes, least)
}

// Each model's prompt leaves room for its answer, however long the thread is.
func TestProveConversationFitsEveryModel(t *testing.T) {
	t.Parallel()
	w, err := config(t, map[string]string{"MISTRAL_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k",
		"ANTHROPIC_MODELS": "claude-opus-5-5,claude-haiku-4-5", "OPENAI_MODELS": "gpt-6.1-sol,gpt-6-sol"}).writer()
	require.NoError(t, err)
	b := steps.Brief{Question: "And now?"}
	for n := range 40 {
		id := fmt.Sprint(n)
		for _, role := range []approval.Role{approval.RoleQuestion, approval.RoleClarify, approval.RoleClarified, approval.RoleCode, approval.RoleResult} {
			b.History = append(b.History, approval.Message{RequestID: id, Role: role, Text: strings.Repeat("wide ж ", 100)})
		}
	}
	most, longest := w.Bound()
	for _, o := range w.Offers() {
		b.Model = o.Model
		prompt, answer := w.Size(b)
		fits := prompt <= most && answer <= longest && (o.Window == 0 || prompt+answer <= o.Window)
		proof.Check(t, fits, o.Model+": a prompt of a long thread leaves room for its answer", "%d and %d tokens of a window of %d", prompt, answer, o.Window)
	}
}
