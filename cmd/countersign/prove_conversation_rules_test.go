package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/ids"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// A direct message names the channel by whose rules it goes. Without one the strictest in force hold.
func TestProveConversationADirectMessageGoesByTheStrictestRules(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(instant{}, 4)
	db, err := h.store()
	require.NoError(t, err)
	defer db.Close()
	versions := map[string]int{}
	set := func(channel string, change func(*review.Rules)) {
		rules := review.DefaultRules(h.program.policy())
		change(&rules)
		stored, err := db.SetRules(h.ctx, review.RuleSet{Team: slacksim.DefaultTeam.ID, Project: channel, Rules: rules, SetBy: slacksim.Admin, Version: versions[channel]})
		require.NoError(t, err)
		versions[channel] = stored.Version
	}
	form := func() workspace.View {
		require.NoError(t, h.maya.Command(h.maya.DM(), "/analyze"))
		view, err := h.maya.WaitView(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "sales.csv") })
		require.NoError(t, err)
		return view
	}
	set(slacksim.SalesData, func(r *review.Rules) { r.Class = review.Public })
	set(slacksim.General, func(r *review.Rules) { r.Class = review.Confidential })
	root, err := h.maya.Share(h.maya.DM(), "How much is it in all, in sales.csv?", "sales.csv", []byte("amount\n1\n"))
	require.NoError(t, err)
	card := h.cardOf("How much is it in all")
	proof.Check(t, strings.Contains(card.Words(), "Medium risk") && strings.Contains(card.Text+card.Words(), "The strictest rules in force hold") && strings.Contains(card.Words(), ", since no channel was named"),
		"a direct message that names no channel goes by the strictest class, and the card says why", "%s", card.Words())
	require.Equal(t, []string{"C0GENERAL/1"}, value[[]string](h, `SELECT array(SELECT jsonb_array_elements_text(said(manifest)::jsonb -> 'brought')) FROM revisions`), "the seal names what was stricter")
	h.says(root, "By the strictest rules in force, since no channel was named.")

	// Rules that become stricter after the code was sealed hold for it, too.
	set(slacksim.SalesData, func(r *review.Rules) { r.Medium.Approvals = 2 })
	require.NoError(t, h.ben.Click(card, "Approve"))
	h.told(h.ben, slacksim.CodeReview, "the strictest rules in force hold, and those of a channel ask for more by now")
	require.Equal(t, 0, value[int](h, `SELECT count(*) FROM decisions`))
	set(slacksim.SalesData, func(r *review.Rules) { r.Class = review.Public })
	h.approve(card)
	h.soon("it is done", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == 1 })

	// In the form a channel is chosen: its rules hold, and the answer stays in the direct message.
	require.Contains(t, form().Words(), "By the rules of")
	wrong, err := h.maya.Submit(person.Fill(ids.FieldQuestion, "How much by the channel's rules?").And(ids.FieldFiles, "sales.csv").And(ids.FieldChannel, slacksim.SalesData))
	require.NoError(t, err)
	require.Empty(t, wrong)
	named := h.cardOf("How much by the channel")
	proof.Check(t, strings.Contains(named.Words(), "Low risk") && !strings.Contains(named.Words(), "strictest rules") && strings.Contains(named.Words(), "The answer goes only to"),
		"one that names a channel in the form goes by that channel's rules", "%s", named.Words())
	require.Equal(t, slacksim.SalesData, value[string](h, `SELECT project FROM requests WHERE said(question) LIKE 'How much by%'`))
	h.approve(named)
	h.soon("it is done as well", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == 2 })
	require.True(t, approval.Direct(value[string](h, `SELECT channel FROM sessions s JOIN requests q ON q.session_id = s.id WHERE said(question) LIKE 'How much by%'`)))

	// A channel that its asker is not in is none of theirs, whatever a form sends.
	form()
	_, err = h.maya.Submit(person.Fill(ids.FieldQuestion, "How much by rules of others?").And(ids.FieldFiles, "sales.csv").And(ids.FieldChannel, slacksim.CodeReview))
	require.NoError(t, err)
	h.soon("it goes back to its asker", func() bool {
		return value[int](h, `SELECT count(*) FROM requests WHERE said(question) LIKE 'How much by rules of others%' AND state = 'failed'`) == 1
	})
	h.settled()
	h.addsUp()
	h.auditsHouse()
}
