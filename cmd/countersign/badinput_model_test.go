package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/codegen"
	"countersign/codegen/mistraltest"
	"countersign/internal/slacksim"
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
	require.Contains(t, reply.Text, "This could not be done, and nothing was run. "+why)
	require.NotContains(t, reply.Text, "It said")
	require.Equal(t, row{State: "failed", Reason: why, Attempts: 1, Charges: 1, Holds: 1}, h.row("Is there anything?"), "it is paid for")
	require.Len(t, h.model.Requests(), 1)
	require.Empty(t, h.ben.Messages(slacksim.CodeReview))
	h.settled()
}

// What a reviewer could not be shown goes back to the model with the reason.
func TestAnUnusableAnswerIsMendedByTheModel(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	bidi := "```python\nx = 1 # \u202e hidden\n```"
	for _, c := range []struct {
		name   string
		reply  mistraltest.Reply
		repair string
	}{
		{"two blocks", mistraltest.Reply{Fault: mistraltest.TwoBlocks}, "There was more than one code block. Put the whole program into exactly one ```python block."},
		{"syntax error", mistraltest.Reply{Fault: mistraltest.SyntaxError}, "line 1: expected ':'"},
		{"invalid Unicode", mistraltest.Reply{Fault: mistraltest.BadUnicode}, "The answer held invalid Unicode."},
		{"cut off", mistraltest.Reply{Fault: mistraltest.Length}, "The answer was cut off because it was too long."},
		{"no end", mistraltest.Reply{Fault: mistraltest.UnclosedBlock}, "The code block was never closed."},
		{"hidden characters", mistraltest.Reply{Content: bidi}, "line 1: the character U+202E is invisible"},
	} {
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
		require.Equal(t, row{State: "done", Attempts: 2, Runs: 1, Decisions: 1, Charges: 2 + boxes, Holds: 3}, r, c.name)
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
	require.Contains(t, reply.Text, "This could not be done, and nothing was run. "+why)
	require.Contains(t, reply.Text, "line 1: expected ':'")
	require.Contains(t, reply.Text, "Asking in other words may help.")
	r := h.row("How often?")
	require.True(t, strings.HasPrefix(r.Reason, why), r.Reason)
	r.Reason = ""
	require.Equal(t, row{State: "failed", Attempts: 3, Charges: 6, Holds: 3}, r, "three answers and three inspections")
	require.Empty(t, h.ben.Messages(slacksim.CodeReview))
	h.settled()
}

// A failure of Mistral's is tried again as long as it may pass, so many times and
// no more. What may have been billed is paid for in full, and says so.
func TestFailuresOfMistralAreToldPlainlyAndPaidForAsTheRulesSay(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	h.run(func(r *replica) {
		hasty, err := codegen.NewMistral(codegen.MistralOptions{APIKey: mistraltest.Key, BaseURL: h.model.URL, Models: r.models(), Timeout: 100 * time.Millisecond})
		require.NoError(t, err)
		r.service.Writer = forSilence{r.service.Writer, hasty}
		r.service.Policy.MaxAttempts = 3
	})
	cases := map[mistraltest.Fault]struct {
		why                          string
		attempts, charges, estimated int
	}{
		mistraltest.Unauthorized: {"Mistral refused the key; an administrator has to look at MISTRAL_API_KEY.", 1, 0, 0},
		mistraltest.RateLimited:  {"Mistral takes no more questions at the moment: its rate limit is used up.", 3, 0, 0},
		mistraltest.ServerError:  {"Mistral has a problem of its own at the moment.", 3, 3, 3},
		mistraltest.Silence:      {"Mistral did not answer in time.", 3, 3, 3},
		mistraltest.Garbage:      {"Mistral answered with something that is no answer.", 3, 3, 3},
		mistraltest.ErrorAsOK:    {"Mistral answered with something that is no answer.", 3, 3, 3},
		mistraltest.CutBody:      {"The connection to Mistral broke in the middle of its answer.", 3, 3, 3},
		mistraltest.Chunks:       {"This model answers in a form that cannot be read here. Choose another one.", 1, 1, 1},
	}
	h.model.Answer(func(r mistraltest.Request) mistraltest.Reply {
		_, fault, _ := strings.Cut(r.Messages[len(r.Messages)-1].Content, "fault: ")
		return mistraltest.Reply{Fault: mistraltest.Fault(fault)}
	})
	roots := map[mistraltest.Fault]slacksim.Message{}
	for fault := range cases {
		roots[fault] = h.ask("fault: " + string(fault))
	}
	for fault, c := range cases {
		if c.attempts > 1 {
			c.why += " Please ask again in a few minutes."
		}
		reply := h.reply(roots[fault])
		require.Contains(t, reply.Text, "This could not be done, and nothing was run. "+c.why, fault)
		require.NotContains(t, reply.Text+reply.Words(), "HTTP", "nobody reads internal errors")
		require.Equal(t, row{State: "failed", Reason: c.why, Attempts: c.attempts, Charges: c.charges, Holds: c.attempts, Estimated: c.estimated},
			h.row("fault: "+string(fault)), fault)
		if c.estimated > 0 {
			require.Contains(t, reply.Words(), "codestral-2508: nobody knows how many tokens, so at most $0.0", fault)
			require.Contains(t, reply.Words(), "in part estimated")
			continue
		}
		require.Contains(t, reply.Words(), "Total: $0")
	}
	require.Zero(t, value[int](h, `SELECT count(*) FROM settlements s JOIN holds h ON h.id = s.hold_id WHERE s.estimated AND s.amount <> h.amount`))
	h.settled()
}

// forSilence does not wait long for an answer that will not come, and as long as
// ever for all others.
type forSilence struct {
	approval.Writer
	hasty approval.Writer
}

func (w forSilence) Write(ctx context.Context, b approval.Brief) (approval.Draft, error) {
	if strings.Contains(b.Question, string(mistraltest.Silence)) {
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
	require.Equal(t, row{State: "done", Attempts: 2, Runs: 1, Decisions: 1, Charges: 3, Holds: 3}, h.row("Does it pass?"), "the call that was refused costs nothing")
	h.settled()
}
