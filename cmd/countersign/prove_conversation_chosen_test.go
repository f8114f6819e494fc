package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval/review"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// Rows of `make prove-conversation` about the model that somebody has chosen in a thread.

func TestProveConversationAChosenModelGoesOnUntilItMayNot(t *testing.T) {
	t.Parallel()
	h := open(t, twoModels)
	h.bench(instant{}, 2)
	h.share("sales.csv", "amount\n1\n")
	h.writes("print(1)", "print(2)", "print(3)")
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze --model codestral-2508 How much did we sell in sales.csv?"))
	root, err := h.maya.WaitMessage(h.patient(), slacksim.SalesData, func(m workspace.Message) bool { return strings.Contains(m.Text, "How much did we sell") })
	require.NoError(t, err)
	h.answers("How much did we sell")
	follow := func(words string) {
		_, err := h.maya.Reply(root.Channel, root.TS, "@countersign "+words)
		require.NoError(t, err)
		h.answers(words)
	}
	follow("And the year before?")
	db, err := h.store()
	require.NoError(t, err)
	defer db.Close()
	rules := review.DefaultRules(h.program.policy())
	rules.Models = &review.Models{Allowed: []string{"mistral-large-2512"}}
	_, err = db.SetRules(h.ctx, review.RuleSet{Team: slacksim.DefaultTeam.ID, Project: slacksim.SalesData, Rules: rules, SetBy: slacksim.Admin})
	require.NoError(t, err)
	follow("And the year after?")
	said := h.says(root, "was chosen earlier in this thread, and may not be asked here any more")
	require.Regexp(t, `mistral-large-2512\s+(wrote|is writing): `, said.Words())
	h.settled()
	var asked []string
	for _, call := range h.model.Requests() {
		asked = append(asked, call.Model)
	}
	require.Equal(t, []string{"codestral-2508", "codestral-2508", "mistral-large-2512"}, asked)
	require.Equal(t, []string{slacksim.Analyst + " codestral-2508", slacksim.Analyst + " codestral-2508", slacksim.Analyst + " codestral-2508"},
		value[[]string](h, `SELECT array(SELECT (data::jsonb ->> 'chosen_by') || ' ' || (data::jsonb ->> 'chosen') FROM events WHERE kind = 'asked' ORDER BY at)`), "who has chosen it is on the record of each")
	h.addsUp()
	proof.Check(t, !t.Failed(), "a model that was chosen goes on in its thread", "two questions by it, and once it is not allowed any more another one, which the thread says")
}
