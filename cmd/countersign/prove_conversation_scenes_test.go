package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/codegen/mistraltest"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// ending is a sandbox whose runs end as a test says.
type ending struct {
	instant
	result func(box string) approval.Result
}

func (e ending) Result(_ context.Context, box string) (approval.Result, error) {
	return e.result(box), nil
}

// inputs are the files of the question that holds these words.
func (h *house) inputs(question string) (names []string) {
	h.t.Helper()
	names = column[string](h, `SELECT f ->> 'name' FROM requests, jsonb_array_elements(files) f WHERE strpos(said(question), '`+question+`') > 0`)
	slices.Sort(names)
	return names
}

// Which files a question is about: the scenes that people have reported of other products.
func TestProveConversationKnowsWhichFilesAreMeant(t *testing.T) {
	t.Parallel()
	for scene, play := range map[string]func(h *house){
		"what the bot has posted is no input of another question": func(h *house) {
			h.share("orders_april.csv", "amount\n1\n")
			root := h.ask("What was sold in orders_april.csv?")
			h.approve(h.cardOf("What was sold"))
			h.soon("total.csv stands in the thread", func() bool {
				return slices.ContainsFunc(h.maya.Thread(root.Channel, root.TS), func(m workspace.Message) bool {
					return slices.ContainsFunc(m.Files, func(f workspace.File) bool { return f.Name == "total.csv" })
				})
			})
			h.share("orders_may.csv", "amount\n2\n")
			h.ask("What is the total amount in orders_may.csv?")
			h.cardOf("What is the total amount")
			require.Equal(h.t, []string{"orders_may.csv"}, h.inputs("What is the total amount"))
		},
		"a thread keeps its file when a word is another file's stem": func(h *house) {
			h.share("sales.csv", "amount\n1\n")
			h.share("vgsales.csv", "amount\n1\n")
			root := h.ask("Total sales per genre in vgsales.csv?")
			h.cardOf("Total sales per genre")
			require.Equal(h.t, []string{"vgsales.csv"}, h.inputs("Total sales per genre"), "one input")
			_, err := h.maya.Reply(root.Channel, root.TS, "@countersign now total sales by platform, the top 10")
			require.NoError(h.t, err)
			h.cardOf("now total sales by platform")
			require.Equal(h.t, []string{"vgsales.csv"}, h.inputs("now total sales by platform"))
		},
		"all files of a thread stay at hand": func(h *house) {
			h.share("train.csv", "amount\n1\n")
			root := h.ask("How many survived in train.csv?")
			h.approve(h.cardOf("How many survived"))
			f, err := h.maya.Upload("test.csv", []byte("amount\n2\n"))
			require.NoError(h.t, err)
			_, err = h.maya.Reply(root.Channel, root.TS, "@countersign and in this one?", f.ID)
			require.NoError(h.t, err)
			h.approve(h.cardOf("and in this one?"))
			_, err = h.maya.Reply(root.Channel, root.TS, "@countersign back to the survival rates")
			require.NoError(h.t, err)
			h.cardOf("back to the survival rates")
			require.Equal(h.t, []string{"test.csv", "train.csv"}, h.inputs("back to the survival rates"))
		},
		"a slip in a name is asked about, and the question is kept": func(h *house) {
			f := h.share("sales.csv", "amount\n1\n")
			require.NoError(h.t, h.maya.Command(slacksim.SalesData, "/analyze What were sales in salse.csv?"))
			asked, err := h.maya.WaitMessage(h.patient(), h.maya.DM(), func(m workspace.Message) bool { return strings.Contains(m.Text+m.Words(), "Did you mean sales.csv?") })
			require.NoError(h.t, err, h.everything())
			require.NoError(h.t, h.maya.Click(asked, "Use sales.csv"))
			h.cardOf("What were sales in sales.csv?")
			require.Equal(h.t, []string{f.Name}, h.inputs("What were sales in sales.csv"))
			require.Len(h.t, h.model.Requests(), 1)
		},
		"a file that is deleted before the approval ends the question once": func(h *house) {
			f := h.share("sales.csv", "amount\n1\n")
			h.ask("What is gone in sales.csv?")
			card := h.cardOf("What is gone")
			require.NoError(h.t, h.maya.DeleteFile(f.ID))
			require.NoError(h.t, h.ben.Click(card, "Approve"))
			h.soon("it has failed", func() bool { return value[string](h, `SELECT state FROM requests`) == "failed" })
			require.Zero(h.t, value[int](h, `SELECT count(*) FROM runs`))
			require.Equal(h.t, 1, value[int](h, `SELECT count(*) FROM revisions`), "no card for another Approve")
		},
		"small talk is answered at once, and costs nothing": func(h *house) {
			_, err := h.maya.Say(h.maya.DM(), "hi")
			require.NoError(h.t, err)
			_, err = h.maya.WaitMessage(h.patient(), h.maya.DM(), func(m workspace.Message) bool { return m.BotID != "" && strings.Contains(m.Text, "Hello!") })
			require.NoError(h.t, err)
			root, err := h.maya.Say(slacksim.SalesData, "Lunch?")
			require.NoError(h.t, err)
			_, err = h.maya.Reply(slacksim.SalesData, root.TS, "@countersign thanks!")
			require.NoError(h.t, err)
			h.told(h.maya, slacksim.SalesData, "You're welcome.")
			require.Empty(h.t, h.model.Requests())
			require.Zero(h.t, value[int](h, `SELECT count(*) FROM requests`))
			require.Empty(h.t, h.ben.Messages(slacksim.CodeReview))
		},
	} {
		t.Run(scene, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			h.bench(ending{result: func(string) approval.Result {
				return approval.Result{Outcome: approval.OK, Answer: "Done.", Artifacts: []approval.Artifact{{Name: "total.csv", Kind: "table", Data: []byte("amount\n1\n")}}}
			}}, 4)
			play(h)
			h.waits()
			proof.Check(t, !t.Failed(), scene, "as people mean it")
		})
	}
}

// What a model may answer: a program in whatever form is taken, or said in one call what is wrong.
func TestProveConversationTakesWhatAModelMayAnswer(t *testing.T) {
	t.Parallel()
	const program = "import pandas as pd\nprint(4711)"
	taken := map[string]mistraltest.Reply{
		"bare Python without a fence":                {Content: program + "\n"},
		"sample output in a second block":            {Content: "It prints.\n\n```python\n" + program + "\n```\nIt prints\n```\n   a\n0  4711\n```\n"},
		"the closing fence on the line of the code":  {Content: "It prints.\n\n```python\n" + program + "```\n"},
		"the program while thinking and again below": {Content: "<think>\n```python\nimport os\n```\n</think>\nIt prints.\n\n```python\n" + program + "\n```\n"},
		"the tag ipython":                            {Content: "```ipython\n" + program + "\n```\n"},
		"the tag python3.11":                         {Content: "```python3.11\n" + program + "\n```\n"},
		"tildes and CRLF":                            {Content: "It prints.\r\n\r\n~~~py\r\n" + strings.ReplaceAll(program, "\n", "\r\n") + "\r\n~~~\r\n"},
		"content in chunks":                          {Content: "It prints.\n\n```python\n" + program + "\n```\n", Fault: mistraltest.Chunks},
		"what it thought beside the text":            {Content: "It prints.\n\n```python\n" + program + "\n```\n", Fault: mistraltest.Thinking},
	}
	h := open(t)
	h.bench(instant{}, 4)
	for form, reply := range taken {
		before := len(h.model.Requests())
		h.model.Next(reply)
		question := "What comes of " + form + "?"
		h.ask(question)
		card := h.cardOf(question)
		require.Contains(t, card.Words(), "print(4711)", form)
		require.NotContains(t, card.Words(), "import os", form)
		require.Len(t, h.model.Requests(), before+1, form)
		id := value[string](h, `SELECT id FROM requests WHERE strpos(said(question), $1) > 0`, question)
		require.Equal(t, 1, value[int](h, `SELECT count(*) FROM charges c JOIN holds h ON h.id = c.hold_id WHERE h.request_id = $1 AND c.kind = 'tokens' AND c.input_tokens > 0`, id), form)
		proof.Check(t, !t.Failed(), "a model answers with "+form+": the program is taken", "one call, charged by its usage")
	}
	refused := map[string]struct {
		reply mistraltest.Reply
		says  string
	}{
		"status 200 with a web page":        {mistraltest.Reply{Fault: mistraltest.Garbage}, "Mistral's address answers with a web page"},
		"status 200 with an error's object": {mistraltest.Reply{Fault: mistraltest.ErrorAsOK}, "Mistral answered with an error."},
		"the end of a content filter":       {mistraltest.Reply{Finish: "content_filter"}, "content filter stopped the answer"},
	}
	for form, c := range refused {
		before := len(h.model.Requests())
		h.model.Next(c.reply)
		question := "What comes of " + form + "?"
		root := h.ask(question)
		require.Contains(t, h.reply(root).Text, c.says, form)
		require.Len(t, h.model.Requests(), before+1, form)
		proof.Check(t, !t.Failed(), "a model answers with "+form+": one call, clear words", "%s", c.says)
	}
	h.waits()
}

// waits holds the books of a house in which questions may wait for a reviewer.
func (h *house) waits() {
	h.t.Helper()
	h.soon("nothing is under way", func() bool {
		return value[int](h, `SELECT count(*) FROM holds h WHERE uncertain_at IS NULL AND NOT EXISTS (SELECT FROM settlements s WHERE s.hold_id = h.id)`) == 0
	})
	db, err := h.store()
	require.NoError(h.t, err)
	defer db.Close()
	h.proven(db)
}

// Code that stopped with an error: the model that mends it reads where, and what kind of error.
func TestProveConversationMendsWhatBroke(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(ending{result: func(string) approval.Result {
		return approval.Result{Outcome: approval.Raised, Error: "ValueError: secret-4711 is no number", Traceback: "Traceback (most recent call last):\n  File \"analysis.py\", line 2, in <module>\nValueError: secret-4711 is no number\n"}
	}}, 4)
	h.writes("x = 1\nx = int(str(x) + 'a')", "print(2)")
	root := h.ask("How many are there?")
	h.approve(h.cardOf("How many are there?"))
	h.soon("it has run", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == 1 })
	_, err := h.maya.Reply(root.Channel, root.TS, "@countersign mend this")
	require.NoError(t, err)
	card := h.cardOf("mend this")
	calls := h.model.Requests()
	var all strings.Builder
	for _, m := range calls[len(calls)-1].Messages[1:] {
		all.WriteString(m.Content)
	}
	require.Contains(t, all.String(), "error: ValueError\nin line 2: x = int(str(x) + 'a')")
	require.NotContains(t, all.String(), "secret-4711", "the message of an error may quote data")
	require.NoError(t, h.ben.Click(card, "What the model saw"))
	_, err = h.ben.WaitView(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "in line 2: x = int(str(x) + 'a')") })
	require.NoError(t, err, "and the reviewer reads the same")
	h.waits()
	proof.Check(t, !t.Failed(), "mend this: the model reads the line that failed and the kind of error", "and no value of the data")
}

// Cancel, at every step before the run: it says what it does not take back, and what was under
// way is paid by what it used.
func TestProveConversationCancelSaysWhatStaysSpent(t *testing.T) {
	t.Parallel()
	for state, says := range map[string]string{
		"drafting": "stays reserved until its cost is known.",
		"asking":   "What was spent before stays spent:",
		"pending":  "What was spent before stays spent:",
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			h.bench(instant{}, 4)
			goesOn := make(chan struct{})
			h.model.Answer(func(mistraltest.Request) mistraltest.Reply {
				switch state {
				case "drafting":
					<-goesOn
				case "asking":
					return mistraltest.Reply{Content: "```question\nWhich year do you mean?\n- 2023\n```"}
				}
				return mistraltest.Reply{}
			})
			root := h.ask("What is taken back?")
			h.soon("it is "+state, func() bool {
				return value[string](h, `SELECT state FROM requests`) == state && value[int](h, `SELECT count(*) FROM holds WHERE purpose = 'draft' AND called`) > 0
			})
			require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze cancel "+value[string](h, `SELECT id FROM requests`)))
			h.told(h.maya, slacksim.SalesData, says)
			close(goesOn)
			h.says(root, "Cancelled")
			h.waits()
			require.Equal(t, "withdrawn", value[string](h, `SELECT state FROM requests`))
			require.Zero(t, value[int](h, `SELECT count(*) FROM runs`))
			require.Equal(t, 1, value[int](h, `SELECT count(*) FROM charges WHERE kind = 'tokens' AND amount > 0 AND input_tokens > 0`), "the one call, by what it used")
			h.addsUp()
			proof.Check(t, !t.Failed(), "Cancel while it is "+state+" says what stays spent", "%s", says)
		})
	}
}
