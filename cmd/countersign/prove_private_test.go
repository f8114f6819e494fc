package main

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/ids"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// privately has Maya ask in the form of #sales-data, for an answer that goes to her alone.
func (h *house) privately(question string) {
	h.t.Helper()
	require.NoError(h.t, h.maya.Command(slacksim.SalesData, "/analyze"))
	form, err := h.maya.WaitView(h.patient(), func(v workspace.View) bool {
		return v.CallbackID == ids.CallbackForm && strings.Contains(v.Words(), "sales.csv")
	})
	require.NoError(h.t, err)
	require.Contains(h.t, form.Words(), "Reviewers still see your question and the code, not the answer.")
	wrong, err := h.maya.Submit(person.Fill(ids.FieldQuestion, question).And(ids.FieldAlone, ids.FieldAlone))
	require.NoError(h.t, err)
	require.Empty(h.t, wrong)
}

// asked are what the model was told last, but for its instructions.
func (h *house) asked() (all string) {
	calls := h.model.Requests()
	for _, m := range calls[len(calls)-1].Messages[1:] {
		all += m.Content + "\n"
	}
	return all
}

func TestProveConversationAnAnswerGoesToItsAskerAlone(t *testing.T) {
	t.Parallel()
	h := open(t)
	r := h.bench(telling{}, 2)
	h.share("sales.csv", "amount\n1\n")
	h.writes("print(1)  # secret")
	h.privately("What do we pay our suppliers, by sales.csv?")
	h.told(h.maya, slacksim.SalesData, "The answer goes to you alone")
	card := h.cardOf("What do we pay our suppliers")
	require.Contains(t, card.Words(), "The answer goes only to")
	h.approve(card)
	reply := h.inDM(h.maya, "Revenue was 4711 euros.")
	h.quiet()
	require.Equal(t, h.maya.DM(), value[string](h, `SELECT channel FROM sessions WHERE private_to = $1`, slacksim.Analyst))
	for _, channel := range []string{slacksim.SalesData, slacksim.CodeReview} {
		require.Empty(t, h.shows(channel, "4711"), channel)
		require.Empty(t, h.shows(channel, "revenue-by-month.png"), channel)
	}
	require.Empty(t, h.shows(slacksim.SalesData, "suppliers"), "nor is the question there")
	require.NotEmpty(t, h.shows(h.maya.DM(), "revenue-by-month.png"))

	// What follows there is private as well, by the rules of the channel, and knows what was said.
	h.writes("print(2)")
	_, err := h.maya.Reply(h.maya.DM(), reply.ThreadTS, "And the year before?")
	require.NoError(t, err)
	h.approve(h.cardOf("And the year before?"))
	require.Contains(t, h.asked(), "What do we pay our suppliers")
	h.soon("the follow-up is done", func() bool {
		return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done' AND private_to = $1 AND project = $2`, slacksim.Analyst, slacksim.SalesData) == 2
	})
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM sessions`))

	// Nothing of it is in what others ask in the channel, nor in what their reviewers compare with.
	h.writes("print(1)  # secret")
	root := h.ask("What was our revenue in sales.csv?")
	h.cardOf("What was our revenue")
	require.NotContains(t, h.asked(), "suppliers")
	near, err := r.service.Nearest(h.ctx, value[string](h, `SELECT id FROM requests WHERE private_to = ''`))
	require.NoError(t, err)
	require.Nil(t, near, "code that was approved for one person is no other's neighbour")
	h.quiet()
	require.Empty(t, h.shows(root.Channel, "suppliers"))
	require.NoError(t, h.maya.Click(h.says(root, "Waiting for a reviewer"), "Cancel"))
	h.soon("it is over", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'withdrawn'`) == 1 })
	h.quiet()
	h.addsUp()
	proof.Check(t, !t.Failed(), "an answer goes to its asker alone", "thread, chart and files in the direct message; nothing in a channel, in other prompts or beside other code")
}

// Where administrators have it so, answers are private unless their asker says otherwise.
func TestProveConversationAChannelWhoseAnswersArePrivate(t *testing.T) {
	t.Parallel()
	h := open(t)
	r := h.bench(telling{}, 2)
	h.share("sales.csv", "amount\n1\n")
	rules := review.DefaultRules(h.program.policy())
	rules.Alone = true
	_, err := r.service.SetRules(h.ctx, approval.Click{Team: slacksim.DefaultTeam.ID, User: slacksim.Admin}, review.RuleSet{Project: slacksim.SalesData, Rules: rules})
	require.NoError(t, err)
	h.writes("print(1)", "print(2)", "print(3)")
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze What was it by command, in sales.csv?"))
	h.approve(h.cardOf("What was it by command"))
	h.inDM(h.maya, "Revenue was 4711 euros.")
	_, err = h.maya.Say(slacksim.SalesData, "@countersign What was it by mention, in sales.csv?")
	require.NoError(t, err)
	h.approve(h.cardOf("What was it by mention"))
	h.soon("both are private", func() bool {
		return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done' AND private_to <> ''`) == 2
	})
	h.quiet()
	require.Empty(t, h.shows(slacksim.SalesData, "4711"))

	// The form has it ticked; who takes that out asks for all to read.
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze"))
	_, err = h.maya.WaitView(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "sales.csv") })
	require.NoError(t, err)
	wrong, err := h.maya.Submit(person.Fill(ids.FieldQuestion, "What was it openly, in sales.csv?").And(ids.FieldAlone))
	require.NoError(t, err)
	require.Empty(t, wrong)
	h.approve(h.cardOf("What was it openly"))
	h.soon("it is in the channel", func() bool { return len(h.shows(slacksim.SalesData, "4711")) > 0 })
	h.quiet()
	h.addsUp()
	proof.Check(t, !t.Failed(), "a channel whose answers are private", "by command and by mention to the asker alone; openly only where the form says so")
}

// failing is a sandbox whose programs end with an error that quotes the data.
type failing struct{ instant }

func (failing) Result(context.Context, string) (approval.Result, error) {
	return approval.Result{Outcome: approval.Raised, Error: "ValueError: could not convert string to float: 'Ana Lopez, IBAN 4711'", Stderr: "warning: 'Ana Lopez'",
		Traceback: "File \"analysis.py\", line 1\n    print(1)\nValueError: could not convert string to float: 'Ana Lopez, IBAN 4711'"}, nil
}

// An error quotes what the data says, so its words reach its asker and no channel.
func TestProveConversationNoChannelReadsTheWordsOfAnError(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(failing{}, 2)
	h.share("sales.csv", "amount\n1\n")
	root, reply := h.answered("What was our revenue in sales.csv?")
	require.Empty(t, h.shows(slacksim.SalesData, "Ana Lopez"))
	require.Empty(t, h.shows(slacksim.CodeReview, "Ana Lopez"))
	require.Contains(t, h.thread(root), "ValueError")
	require.Contains(t, reply.Words(), "line 1: print(1)")
	require.NoError(t, h.priya.Click(reply, "Details"))
	v, open := h.priya.View()
	require.True(t, open)
	require.NotContains(t, v.Words(), "Ana Lopez", "nobody but the asker")
	require.Contains(t, h.bill(reply), "IBAN 4711")
	h.writes("print(1)")
	h.privately("And for me, by sales.csv?")
	h.approve(h.cardOf("And for me"))
	h.inDM(h.maya, "IBAN 4711")
	h.quiet()
	require.Empty(t, h.shows(slacksim.SalesData, "Ana Lopez"))
	h.addsUp()
	proof.Check(t, !t.Failed(), "no channel reads the words of an error", "its kind and the line of code there; its words in Details and in the asker's direct messages")
}

// shares has Maya press Share and choose a channel; what the form says against it comes back.
func (h *house) shares(reply workspace.Message, channel string) (wrong map[string]string) {
	h.t.Helper()
	require.NoError(h.t, h.maya.Click(reply, "Share"))
	wrong, err := h.maya.Submit(person.Fill(ids.FieldChannel, channel))
	require.NoError(h.t, err)
	if len(wrong) > 0 {
		require.NoError(h.t, h.maya.CloseView())
	}
	return wrong
}

func TestProveConversationAPrivateAnswerIsShared(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(telling{}, 2)
	h.share("sales.csv", "amount\n1\n")
	h.writes("print(1)")
	h.privately("What was our revenue, by sales.csv?")
	h.approve(h.cardOf("What was our revenue"))
	reply := h.inDM(h.maya, "\nDetails\n")
	h.quiet()

	// The rules: no other organisation, no channel without the bot or without her.
	for channel, why := range map[string]string{slacksim.Partners: "shared with another organisation", slacksim.Random: "I cannot post there", slacksim.CodeReview: "You are not in that channel."} {
		require.Contains(t, h.shares(reply, channel)[ids.FieldChannel], why)
	}
	require.Zero(t, value[int](h, `SELECT count(*) FROM copies`))
	require.Equal(t, 3, value[int](h, `SELECT count(*) FROM events WHERE kind = 'refused click' AND actor = $1`, slacksim.Analyst))

	h.sim.Fail(fault.Method{Method: "files.completeUploadExternal", Status: 503})
	for range 2 { // a second press shares nothing twice
		require.Empty(t, h.shares(reply, slacksim.General))
	}
	h.soon("it stands there", func() bool { return len(h.shows(slacksim.General, "revenue-by-month.png")) > 0 })
	h.quiet()
	shared := h.shows(slacksim.General, "Revenue was 4711 euros.")
	require.Len(t, shared, 1)
	require.Contains(t, shared[0], "shares an answer to")
	require.Contains(t, shared[0], "What was our revenue, by sales.csv?")
	require.Len(t, h.shows(slacksim.General, "per month.csv"), 1)
	require.Equal(t, []string{"shared"}, h.kinds(value[string](h, `SELECT request_id FROM copies WHERE channel = $1 AND person = $2`, slacksim.General, slacksim.Analyst)))
	require.Empty(t, h.shows(slacksim.SalesData, "4711"), "only there")

	// Taken back, it goes from there as well.
	h.takesBack(h.maya, reply)
	h.soon("it is gone", func() bool {
		return len(h.shows(slacksim.General, "4711"))+len(h.shows(h.maya.DM(), "4711")) == 0
	})
	h.quiet()
	for _, gone := range []string{"revenue-by-month.png", "per month.csv", "output.txt"} {
		require.Empty(t, h.shows(slacksim.General, gone), gone)
		require.Empty(t, h.shows(h.maya.DM(), gone), gone)
	}
	require.Len(t, h.shows(slacksim.General, "Taken back"), 1)
	h.addsUp()
	proof.Check(t, !t.Failed(), "a private answer is shared, and taken back", "with its charts and files, once, by the rules of the channel; gone from both places")
}

// Who may not see a file does not get what was computed from it: a guest is in #sales-data, and no
// guest sees what stands in #general.
func TestProveConversationNoAnswerIsSharedWithWhoMayNotSeeItsFiles(t *testing.T) {
	t.Parallel()
	h := open(t)
	r := h.bench(telling{}, 2)
	m, err := h.maya.Share(slacksim.General, "Here it is", "wages.csv", []byte("amount\n1\n"))
	require.NoError(t, err)
	h.writes("print(1)")
	require.NoError(t, h.maya.Command(slacksim.General, "/analyze What are our wages in wages.csv?"))
	h.approve(h.cardOf("What are our wages"))
	var reply workspace.Message
	h.soon("the answer", func() bool {
		for _, root := range h.maya.Messages(slacksim.General) {
			for _, one := range h.maya.Thread(slacksim.General, root.TS) {
				if one.Has("Share") {
					reply = one
					return true
				}
			}
		}
		return false
	})
	h.quiet()
	require.Contains(t, h.shares(reply, slacksim.SalesData)[ids.FieldChannel], "Not everybody in that channel may see wages.csv")
	require.Contains(t, h.shares(reply, slacksim.General)[ids.FieldChannel], "stands in that channel already")
	require.NoError(t, h.priya.Click(reply, "Share"))
	h.told(h.priya, slacksim.General, "Only the person who asked can share an answer.")
	_, err = h.maya.Say(slacksim.SalesData, "And here", m.Files[0].ID)
	require.NoError(t, err)
	h.classed(r, slacksim.General, review.Confidential)
	require.Contains(t, h.shares(reply, slacksim.SalesData)[ids.FieldChannel], "confidential by its rules")
	h.classed(r, slacksim.SalesData, review.Confidential)
	require.Empty(t, h.shares(reply, slacksim.SalesData), "where the file is shared, its answer may be")
	h.soon("it stands there", func() bool { return len(h.shows(slacksim.SalesData, "4711")) > 0 })
	h.quiet()
	h.addsUp()
	proof.Check(t, !t.Failed(), "no answer is shared with who may not see its files", "a guest is in the channel; once the file is shared there, it goes")
}

// classed says by a channel's rules what its data is.
func (h *house) classed(r *replica, channel string, class review.Class) {
	h.t.Helper()
	rules := review.DefaultRules(h.program.policy())
	rules.Class = class
	_, err := r.service.SetRules(h.ctx, approval.Click{Team: slacksim.DefaultTeam.ID, User: slacksim.Admin}, review.RuleSet{Project: channel, Rules: rules})
	require.NoError(h.t, err)
}
