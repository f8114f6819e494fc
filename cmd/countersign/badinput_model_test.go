package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/codegen"
	"countersign/codegen/mistral"
	"countersign/codegen/mistraltest"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

func TestAnAnswerWithoutCodeIsPassedOnAsWords(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.model.Next(mistraltest.Reply{Fault: mistraltest.Prose})
	root := h.ask("What did it cost?")
	require.Contains(t, h.reply(root).Text, "The model answered in words instead of writing a program. It said:\n"+
		"This question cannot be answered from the files: none of them has a column with costs.")
	r := h.row("What did it cost?")
	r.Reason = ""
	require.Equal(t, row{State: "failed", Attempts: 1, Charges: 1, Holds: 1}, r, "the answer is paid for")
	require.Empty(t, h.ben.Messages(slacksim.CodeReview), "words are never shown as code")
	h.settled()
}

func TestAnEmptyAnswerIsSaidToBeOne(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.model.Next(mistraltest.Reply{Fault: mistraltest.EmptyAnswer})
	root := h.ask("Is there anything?")
	const why = "The model gave an empty answer."
	reply := h.reply(root)
	require.Contains(t, reply.Text, "This could not be done, and nothing ran. "+why)
	require.NotContains(t, reply.Text, "It said")
	require.Equal(t, row{State: "failed", Reason: why, Attempts: 1, Charges: 1, Holds: 1}, h.row("Is there anything?"), "it is paid for")
	require.Len(t, h.model.Requests(), 1)
	require.Empty(t, h.ben.Messages(slacksim.CodeReview))
	h.settled()
}

// What a reviewer could not be shown goes back to the model with the reason.
func TestProveReviewAnUnusableAnswerIsMendedByTheModel(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	bidi := "```python\nx = 1 # \u202e hidden\n```"
	type unusable struct {
		name   string
		reply  mistraltest.Reply
		repair string
	}
	drawn := proof.Draw(t, []unusable{
		{"two blocks", mistraltest.Reply{Fault: mistraltest.TwoBlocks}, "There was more than one code block. Put the whole program into exactly one ```python block."},
		{"syntax error", mistraltest.Reply{Fault: mistraltest.SyntaxError}, "line 1: expected ':'"},
		{"invalid Unicode", mistraltest.Reply{Fault: mistraltest.BadUnicode}, "The answer held invalid Unicode."},
		{"cut off", mistraltest.Reply{Fault: mistraltest.Length}, "The answer was cut off because it was too long."},
		{"no end", mistraltest.Reply{Fault: mistraltest.UnclosedBlock}, "The code block was never closed."},
		{"hidden characters", mistraltest.Reply{Content: bidi}, "line 1: the character U+202E is invisible"},
	})
	t.Cleanup(func() {
		proof.Check(t, !t.Failed(), "an answer that no reviewer could be shown is mended by the model", "%d kinds tried", len(drawn))
	})
	for _, c := range drawn {
		before := len(h.model.Requests())
		h.model.Next(c.reply)
		h.writes("6 * 7")
		root := h.ask("How many with " + c.name + "?")
		card := h.cardOf(c.name)
		require.Contains(t, card.Words(), "6 * 7", "only the mended program is shown")
		asked := h.model.Requests()[before:]
		require.Len(t, asked, 2, c.name)
		said := asked[1].Messages
		require.Contains(t, said[len(said)-1].Content, "Nobody was shown this answer: ", c.name)
		require.Contains(t, said[len(said)-1].Content, c.repair, c.name)
		require.NoError(t, h.ben.Click(card, "Approve"))
		require.Contains(t, h.reply(root).Words(), "42")
		r := h.row(c.name)
		boxes := r.Charges - 2 // both answers are paid for, and each inspection
		require.Contains(t, []int{2, 3}, boxes, c.name)
		require.Equal(t, row{State: "done", Attempts: 2, Runs: 1, Decisions: 1, Charges: 2 + boxes, Holds: 2 + boxes}, r, c.name)
	}
	h.settled()
}

func TestThreeUnusableAnswersEndWithThePlainReason(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	bad := mistraltest.Reply{Fault: mistraltest.SyntaxError}
	h.model.Next(bad, bad, bad)
	root := h.ask("How often?")
	const why = "The model did not get to a program that can be reviewed. The last problem: "
	reply := h.reply(root)
	require.Contains(t, reply.Text, "This could not be done, and nothing ran. "+why)
	require.Contains(t, reply.Text, "line 1: expected ':'")
	require.Contains(t, reply.Text, "Asking in other words may help.")
	r := h.row("How often?")
	require.True(t, strings.HasPrefix(r.Reason, why), r.Reason)
	r.Reason = ""
	require.Equal(t, row{State: "failed", Attempts: 3, Charges: 6, Holds: 6}, r, "three answers and three inspections")
	require.Empty(t, h.ben.Messages(slacksim.CodeReview))
	h.settled()
}

// A failure of Mistral's is tried again as long as it may pass, so many times and
// no more. A documented refusal costs nothing; whatever else may have been billed keeps
// the question's one hold, and says that it is uncertain.
func TestFailuresOfMistralAreToldPlainlyAndPaidForAsTheRulesSay(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	h.run(func(r *replica) {
		impatient, err := mistral.New(mistral.Options{APIKey: mistraltest.Key, BaseURL: h.model.URL, Models: r.models(), Timeout: 3 * time.Second}) // long enough to ask on a busy machine
		require.NoError(t, err)
		hasty, err := codegen.New(codegen.Options{}, impatient)
		require.NoError(t, err)
		r.rewire(func(p *steps.Ports) { p.Writer = forSilence{p.Writer, hasty} })
		r.service.Policy.MaxAttempts = 2
	})
	const own, noAnswer, late = "Mistral has a problem of its own at the moment.", "Mistral answered with something that is not an answer.", "Mistral did not answer in time."
	cases := map[mistraltest.Fault]struct {
		why                 string
		attempts, uncertain int
	}{
		mistraltest.Unauthorized: {"Mistral refused the key; an administrator has to look at MISTRAL_API_KEY.", 1, 0},
		mistraltest.RateLimited:  {"Mistral takes no more questions at the moment: its rate limit is used up.", 2, 0},
		mistraltest.Gone:         {"Mistral has no model codestral-2508. Choose another model; an administrator has to change MISTRAL_MODEL or MISTRAL_MODELS.", 1, 0},
		mistraltest.ServerError:  {own, 2, 1},
		mistraltest.BadGateway:   {own, 2, 1},
		mistraltest.GatewayTime:  {own, 2, 1},
		mistraltest.Silence:      {late, 2, 1},
		mistraltest.Stall:        {late, 2, 1},
		mistraltest.Garbage:      {"Mistral's address answers with a web page; an administrator has to look at MISTRAL_BASE_URL and at what stands in between.", 1, 1},
		mistraltest.ErrorAsOK:    {"Mistral answered with an error. Please ask again later.", 1, 1},
		mistraltest.Huge:         {"Mistral's answer went on and on, and was not read to its end.", 2, 1},
		mistraltest.CutBody:      {"The connection to Mistral broke in the middle of its answer.", 2, 1},
		mistraltest.OddContent:   {"This model answers in a form that cannot be read here. Choose another one.", 1, 1},
		mistraltest.Redirect:     {"Mistral's address leads to another one, which is not followed; an administrator has to look at MISTRAL_BASE_URL.", 1, 1},
	}
	h.model.Answer(func(r mistraltest.Request) mistraltest.Reply {
		_, fault, _ := strings.Cut(r.Messages[len(r.Messages)-1].Content, "fault: ")
		return mistraltest.Reply{Fault: mistraltest.Fault(fault)}
	})
	roots := map[mistraltest.Fault]workspace.Message{}
	for fault := range cases {
		roots[fault] = h.ask("fault: " + string(fault))
	}
	for fault, c := range cases {
		if c.attempts > 1 {
			c.why += " Please ask again in a few minutes."
		}
		reply := h.reply(roots[fault])
		require.Contains(t, reply.Text, "This could not be done, and nothing ran. "+c.why, fault)
		require.NotContains(t, reply.Text+reply.Words(), "HTTP", "nobody reads internal errors")
		bill := h.bill(reply)
		require.Contains(t, bill, "Total: $0", "nothing is guessed")
		holds := c.attempts
		if c.uncertain > 0 {
			holds = 1
			require.Contains(t, bill, "Uncertain: it is not known yet what a call to codestral-2508 cost. Up to $0.0", fault)
		} else {
			require.NotContains(t, bill, "Uncertain", fault)
		}
		require.Equal(t, row{State: "failed", Reason: c.why, Attempts: c.attempts, Holds: holds, Open: c.uncertain}, h.row("fault: "+string(fault)), fault)
	}
	require.Zero(t, value[int](h, `SELECT count(*) FROM settlements WHERE amount > 0 AND request_id IS NOT NULL`))
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/budget show"))
	h.told(h.maya, slacksim.SalesData, "uncertain (a model did not say what its calls cost)")
	h.settled()
}

// forSilence does not wait long for an answer that will not come, and as long as
// ever for all others.
type forSilence struct {
	steps.Writer
	hasty steps.Writer
}

func (w forSilence) Write(ctx context.Context, b steps.Brief) (steps.Draft, error) {
	if strings.Contains(b.Question, string(mistraltest.Silence)) || strings.Contains(b.Question, string(mistraltest.Stall)) {
		return w.hasty.Write(ctx, b)
	}
	return w.Writer.Write(ctx, b)
}

func TestAFailureThatPassesIsOnlyWaitedFor(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.model.Next(mistraltest.Reply{Fault: mistraltest.RateLimited})
	root := h.ask("Does it pass?")
	h.says(root, "Writing the code, attempt 2.")
	require.NoError(t, h.ben.Click(h.cardOf("Does it pass?"), "Approve"))
	require.Contains(t, h.reply(root).Text, "Here is the answer.")
	require.Equal(t, row{State: "done", Attempts: 2, Runs: 1, Decisions: 1, Charges: 3, Holds: 4}, h.row("Does it pass?"), "the call that was refused costs nothing")
	h.settled()
}
