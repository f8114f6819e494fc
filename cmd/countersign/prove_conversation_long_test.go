package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/approval/thread"
	"countersign/budget"
	"countersign/codegen"
	"countersign/codegen/mistraltest"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

var (
	ofTheThread = regexp.MustCompile(`Question number (\d{3}) of`)
	inMinutes   = regexp.MustCompile(`question (\d{3});`)
)

// minutes is what a model says that is asked to sum a thread up: which questions it was told.
func minutes(r mistraltest.Request) (text string, asked bool) {
	if !strings.Contains(r.Messages[0].Content, "You keep the minutes of a thread") {
		return "", false
	}
	for _, m := range r.Messages[1:] {
		for _, found := range slices.Concat(inMinutes.FindAllStringSubmatch(m.Content, -1), ofTheThread.FindAllStringSubmatch(m.Content, -1)) {
			text += "question " + found[1] + "; "
		}
	}
	return "They asked: " + text, true
}

// A thread of forty turns stays within its budgets of tokens and money, and loses no file and
// no question: the newest are whole, and those before them stand in a summary, which is held,
// paid, on the bill, and read by whoever reviews.
func TestProveConversationOfFortyTurns(t *testing.T) {
	t.Parallel()
	turns := max(proof.Of(40), 14)
	h := open(t)
	h.bench(instant{}, 4)
	h.share("sales.csv", "amount\n1\n")
	filler := strings.Repeat("# "+strings.Repeat("w", 96)+"\n", 12)
	h.model.Answer(func(r mistraltest.Request) mistraltest.Reply {
		if text, asked := minutes(r); asked {
			return mistraltest.Reply{Content: text}
		}
		all := ofTheThread.FindAllStringSubmatch(r.Messages[len(r.Messages)-1].Content, -1)
		return mistraltest.Reply{Content: "It adds.\n\n```python\n" + filler + "print(1)  # answers " + all[len(all)-1][1] + "\n```\n"}
	})
	var root, card workspace.Message
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
		card = h.cardOf(question)
		if n == turns {
			break
		}
		h.approve(card)
		h.soon("turn "+question+" is done", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == n })
	}
	var calls []mistraltest.Request
	summaries, longest, least := 0, 0, turns
	for _, call := range h.model.Requests() {
		longest = max(longest, call.Bytes())
		if _, asked := minutes(call); asked {
			summaries++
			continue
		}
		calls = append(calls, call)
	}
	require.Len(t, calls, turns)
	for i, call := range calls {
		var said strings.Builder
		for _, m := range call.Messages[1:] {
			said.WriteString(m.Content + "\n")
		}
		text := said.String()
		kept := 0
		for earlier := i; earlier >= 1; earlier-- {
			asked := strings.Contains(text, fmt.Sprintf("Question number %03d of", earlier))
			require.Equal(t, asked, strings.Contains(text, fmt.Sprintf("# answers %03d\n", earlier)), "a question is never split from its program")
			if asked {
				require.Equal(t, i-earlier, kept, "the newest, without a gap")
				kept++
			}
			require.NotEqual(t, asked, strings.Contains(text, fmt.Sprintf("question %03d;", earlier)), "question %d of turn %d is whole, or in the summary", earlier, i+1)
		}
		require.Equal(t, kept, strings.Count(text, "What that program gave"), "each with its result")
		require.GreaterOrEqual(t, kept, min(i, 3))
		least = min(least, max(kept, 3))
		require.Contains(t, text, `"sales.csv"`, "files stay at hand")
		require.Equal(t, i >= 1, strings.Contains(text, `"regions.csv"`), "and those that came later are added")
	}
	require.LessOrEqual(t, longest, codegen.PromptBytes)
	require.Positive(t, summaries)
	require.LessOrEqual(t, summaries, turns/3, "not by each question")
	require.Equal(t, summaries, value[int](h, `SELECT count(*) FROM holds h JOIN settlements s ON s.hold_id = h.id JOIN charges c ON c.hold_id = h.id
		WHERE h.purpose = 'summary' AND h.settled AND NOT s.estimated AND s.amount > 0 AND s.amount <= h.amount AND c.provider = 'Mistral' AND c.host <> ''`), "each is on the ledger")
	require.Equal(t, summaries, value[int](h, `SELECT count(*) FROM events WHERE kind = 'summarised'`))
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM sessions`))

	// Whoever reviews the last one reads what its model was told.
	require.Contains(t, card.Words(), "its earliest questions are summed up, by a model")
	require.NotContains(t, card.Words(), "left out")
	require.NoError(t, h.ben.Click(card, "What the model saw"))
	saw, err := h.ben.WaitView(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "They asked: question 001;") })
	require.NoError(t, err)
	require.Contains(t, saw.Words(), fmt.Sprintf("Question number %03d of the thread?", turns-1))
	require.Contains(t, saw.Words(), "What came of it, as the model was told:")
	require.NoError(t, h.ben.CloseView())
	h.approve(card)
	h.soon("all are done", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == turns })
	id := value[string](h, `SELECT request_id FROM holds WHERE purpose = 'summary' ORDER BY at DESC LIMIT 1`)
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/budget explain "+id))
	h.told(h.maya, slacksim.SalesData, "Summing up the thread (codestral-2508)")
	h.settled()
	h.addsUp()
	proof.Check(t, !t.Failed(), "a thread of forty turns stays within its budgets and loses nothing",
		"%d turns, %d summaries, at most %d of %d bytes, the last %d exchanges whole; the ledger adds up", turns, summaries, longest, codegen.PromptBytes, least)
}

// A summary that fails stops no question: the oldest are left out, the card says how many, and
// the call is on the bill.
func TestProveConversationWithoutASummary(t *testing.T) {
	t.Parallel()
	ways := map[string]mistraltest.Reply{
		"is cut off":           {Content: "They asked", Finish: "length"},
		"is a program":         {Content: "```python\nprint(1)\n```"},
		"is empty":             {Fault: mistraltest.EmptyAnswer},
		"is too long":          {Content: strings.Repeat("They asked a lot. ", 400)},
		"is a web page":        {Fault: mistraltest.Garbage},
		"is a gateway's error": {Fault: mistraltest.BadGateway},
	}
	names := []string{"is cut off", "is a program", "is empty", "is too long", "is a web page", "is a gateway's error"}
	for _, name := range proof.Draw(t, names) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			h.bench(instant{}, 4)
			filler := strings.Repeat("# "+strings.Repeat("w", 96)+"\n", 30)
			var tries atomic.Int64
			h.model.Answer(func(r mistraltest.Request) mistraltest.Reply {
				if _, asked := minutes(r); asked {
					tries.Add(1)
					return ways[name]
				}
				return mistraltest.Reply{Content: "It adds.\n\n```python\n" + filler + "print(1)\n```\n"}
			})
			var root workspace.Message
			var card workspace.Message
			for n := 1; n <= 7; n++ {
				question := fmt.Sprintf("Question number %03d of the thread?", n)
				var err error
				if n == 1 {
					root, err = h.maya.Say(slacksim.SalesData, "@countersign "+question)
				} else {
					_, err = h.maya.Reply(slacksim.SalesData, root.TS, "@countersign "+question)
				}
				require.NoError(t, err)
				card = h.cardOf(question)
				h.approve(card)
				h.soon("it is done", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == n })
			}
			require.Regexp(t, `\d earlier questions? left out\s+of what the model was told, for want of room`, card.Words())
			require.NotContains(t, card.Words(), "summed up")
			require.EqualValues(t, 1, tries.Load(), "it is not paid for by each question")
			require.Zero(t, value[int](h, `SELECT count(*) FROM events WHERE kind = 'summarised'`))
			require.Equal(t, 1, value[int](h, `SELECT count(DISTINCT request_id) FROM holds WHERE purpose = 'summary'`))
			h.addsUp()
			proof.Check(t, !t.Failed(), "a summary that "+name+" stops no question", "the oldest are left out, the card says how many; one call")
		})
	}
}

// A thread of forty turns on every model of the price list: each prompt and each summary fits
// its window and what is held for it, and no question is lost. What has no price today is not asked.
func TestProveConversationFitsEveryModel(t *testing.T) {
	t.Parallel()
	now, prices := time.Now(), budget.Shipped()
	var names []string
	offered := map[string][]string{}
	for _, row := range prices.Models {
		if slices.Contains(names, row.Model) {
			continue
		}
		names = append(names, row.Model)
		if _, err := prices.Model(row.Model, now, 0); err != nil {
			_, err := prices.WorstTokens(row.Model, 1000, 1000, now)
			proof.Check(t, err != nil, row.Model+": no price today, so it is not asked", "%v", err)
			continue
		}
		switch key, _, _ := strings.Cut(row.Model, "-"); key {
		case "claude":
			offered["ANTHROPIC_MODELS"] = append(offered["ANTHROPIC_MODELS"], row.Model)
		case "gpt":
			offered["OPENAI_MODELS"] = append(offered["OPENAI_MODELS"], row.Model)
		case "sample": // the demo's
		default:
			offered["MISTRAL_MODELS"] = append(offered["MISTRAL_MODELS"], row.Model)
		}
	}
	set := map[string]string{"MISTRAL_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}
	for key, models := range offered {
		set[key] = strings.Join(models, ",")
	}
	w, err := config(t, set).writer()
	require.NoError(t, err)
	most, longest := w.Bound()
	for _, o := range w.Offers() {
		var past thread.Past
		b := steps.Brief{Model: o.Model, Question: "And now?"}
		highest, summaries, lost := 0, 0, 0
		var spent, held budget.USD
		ok := true
		// charge is what a call can cost at most, held before it is made.
		charge := func(prompt, answer int) {
			worst, err := prices.WorstTokens(o.Model, prompt, answer, now)
			bound, also := prices.WorstTokens(o.Model, most, longest, now)
			ok = ok && err == nil && also == nil && worst <= bound && prompt <= most && answer <= longest && prompt+answer <= o.Window
			highest, spent, held = max(highest, prompt), spent+worst, held+bound
		}
		for n := range 40 {
			room := w.Room(b)
			if gap := past.Gap(approval.Statistics, room, w.RecapRoom(o.Model)); gap != nil {
				made := gap.Summary
				made.Text = strings.Repeat("ж", approval.MostSummary/2)
				charge(w.RecapSize(steps.Recap{Model: o.Model, Before: gap.Before.Text, Said: gap.Said}))
				past.Summaries = append(past.Summaries, made)
				summaries++
			}
			told := past.Tell(approval.Statistics, room)
			b.History, b.Summary = told.Said, told.Summary.Text
			charge(w.Size(b))
			lost += told.Left
			ok = ok && past.Gap(approval.Statistics, room, w.RecapRoom(o.Model)) == nil
			id := fmt.Sprint(n)
			for _, role := range []approval.Role{approval.RoleQuestion, approval.RoleClarify, approval.RoleClarified, approval.RoleCode, approval.RoleResult} {
				past.Said = append(past.Said, approval.Message{RequestID: id, Role: role, Text: strings.Repeat("wide ж ", 60), Ended: true})
			}
		}
		// A window that has no room for a summary beside the longest answer leaves the oldest out, and counts them.
		proof.Check(t, ok && (lost == 0 || w.Room(b) < 2*approval.MostSummary), o.Model+": forty turns fit its window and what is held",
			"at most %d tokens of %d, %d summaries, %d left out, at most %s of %s held", highest, o.Window, summaries, lost, spent, held)
	}
}
