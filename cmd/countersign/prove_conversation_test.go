package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/codegen/mistraltest"
	"countersign/internal/proof"
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
	h.proven(db)
}

// proven holds the budgets and the audit trail against the tables, while questions may wait.
func (h *house) proven(db *storage.DB) {
	h.t.Helper()
	h.balance(db)
	for _, id := range column[string](h, `SELECT id FROM requests ORDER BY id`) {
		_, err := storage.AuditorOf(db).Request(h.ctx, id)
		require.NoError(h.t, err)
	}
}
