package draw_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/sample"
	"countersign/bot/kit"
	"countersign/budget"
	"countersign/internal/slacksim"
)

var update = flag.Bool("update", false, "write the golden files anew")

// models are what can write code in these tests.
var models = []string{"mistral-medium-2508", "codestral-2508"}

// stand draws as a bot that knows so much of itself.
type stand struct {
	self   kit.Identity
	models []string
}

func (b stand) with() draw.With {
	return draw.With{Self: b.self, Calendar: time.UTC, Rounds: approval.DefaultPolicy().MaxRounds}
}

// as is one that knows who it is.
func as(b stand, who kit.Identity) stand { return stand{who, b.models} }

// elsewhere has the approval come from the command line.
func elsewhere(v *steps.View) {
	v.Request.Decisions[0].Click = approval.Click{Door: approval.CommandLine, OSUser: "ben", Machine: "laptop"}
}

// pages draws every message in the states that matter.
// answeredBefore has the model have asked something that was answered.
func answeredBefore(v *steps.View) {
	v.Request.Clarified = []approval.Clarification{{Question: "Should revenue or units decide?", Choices: []string{"Revenue", "Units"}, AskedAt: sample.Noon, Said: "Units", SaidAt: sample.Noon}}
}

// barredModel has a model that was chosen in the thread not be allowed any more.
func barredModel(v *steps.View) {
	v.Request.Chosen = &approval.Chosen{Model: "codestral-2508", Barred: true}
}

func pages(b stand) map[string]*kit.Page {
	who := kit.Identity{URL: "https://harbor-coffee.slack.com/", TeamID: slacksim.DefaultTeam.ID, User: slacksim.BotUser}
	posted := func(v *steps.View) { v.Session.ThreadTS = "1763812800.000100" }
	table := approval.Grid{Title: "Sales per month", Columns: []string{"month", "amount"}, Numbers: []bool{false, true}, Rows: [][]string{{"Jan", "12345.6667"}, {"Feb", "-3000"}}, TotalRows: 12}
	answered := sample.With(approval.Result{Outcome: approval.OK, Value: "42", Stdout: "two lines\nof text\n", Tables: []approval.Grid{table}, Code: 1300 * time.Millisecond,
		Notes: []string{"One chart was too large and was left out."}, Observed: approval.Observed{Witness: &approval.Witness{Source: approval.WitnessGVisor, Opened: []string{"sales.csv"}, Started: []string{}, Connected: []string{}, Complete: true},
			Opened: []string{"sales.csv"}}},
		approval.Artifact{Name: "table.csv", Kind: "table", Data: []byte("x")})
	sentence := sample.With(approval.Result{Outcome: approval.OK, Answer: "Revenue was <$25.00>; *North* led @channel.", Said: []string{"Revenue is units times price."},
		LeftOut: []approval.Rows{{Count: 1, Why: "no number of units"}, {Count: 1234, Why: "no price"}}, Tables: []approval.Grid{table}})
	raised := sample.With(approval.Result{Outcome: approval.Raised, Error: "KeyError: 'price'", Traceback: "line 4, in <module>\nKeyError: 'price'", Stderr: "a warning",
		Observed: approval.Observed{Witness: &approval.Witness{Source: approval.WitnessGVisor, Opened: []string{"sales.csv"}, Gaps: []string{approval.GapEarly, approval.GapRename}}}})
	findings := func(v *steps.View) {
		v.Request.Revision.Findings = []approval.Finding{{Level: approval.Note, Line: 3, Text: "reads sales.csv"}, {Level: approval.Danger, Line: 4, Text: "starts another program"}, {Level: approval.Caution, Text: "uses getattr"}}
	}
	nobodyKnows := func(v *steps.View) {
		v.Bill = append(v.Bill, steps.Spend{Purpose: budget.ForRun, Estimated: true, Charges: []budget.Charge{{Kind: budget.Box, What: "local", Amount: 4_100_000}}})
	}
	long := sample.View(posted, sample.Code(sample.Long(412)))
	modal, _ := draw.ReviewView(b.with(), long, draw.Origin{Channel: "C1", Message: "1.2", Seal: draw.SealOf(long.Request).String()})
	guessed := sample.View(sample.In(approval.Asking), sample.Guessed)
	_, doubt, _, _ := guessed.Request.Doubted()
	letters := draw.LettersView(draw.Origin{}, doubt, [][]string{{"Région", "R‚gion"}, {"été", "‚t‚"}}, "")
	form := draw.FormView(approval.DefaultPolicy(), draw.Form{Models: sample.Offered(b.models...), Channel: "C1", Listed: true, Question: "How many?", Choices: []approval.File{{ID: "F1", Name: "a.csv"}, {ID: "F2", Name: "b.csv"}}, Ticked: []approval.File{{ID: "F2"}}})
	say, _ := draw.SayView(sample.View(sample.In(approval.Asking), sample.Clarifying("Which year do you mean?")).Request, "of")
	repeats := func(v *steps.View) {
		v.Request.Repeats = &approval.Repeat{Request: "b7k2m9x", Revision: 1, Digest: strings.Repeat("a", 64), Asker: slacksim.OtherAnalyst, Question: v.Request.Question, At: sample.Noon.AddDate(0, 0, -24)}
		v.Request.Question = "verify b7k2m9x"
	}
	differs := approval.Compared{With: "b7k2m9x", More: 3, Differs: []approval.Difference{{What: approval.DifferentFigure, Before: "1,234.50", Now: "1,236"},
		{What: approval.DifferentCell, Name: "Sales per month", Row: 2, Column: "amount", Before: "-3000", Now: "*-2999*"}, {What: approval.DifferentFile, Name: "chart-1.png", Before: strings.Repeat("a", 64), Now: strings.Repeat("b", 64)}}}
	again := func(c *approval.Compared) func(*steps.View) {
		return sample.With(approval.Result{Outcome: approval.OK, Answer: "Revenue was 1,236.", Compared: c})
	}
	m := map[string]*kit.Page{
		"progress-repeats":   draw.Progress(b.with(), sample.View(sample.In(approval.Drafting), repeats)),
		"card-repeats":       draw.Card(as(b, who).with(), sample.View(posted, repeats), false),
		"reply-identical":    draw.Reply(sample.View(again(&approval.Compared{With: "b7k2m9x"}), repeats), true),
		"reply-differs":      draw.Reply(sample.View(again(&differs), repeats), true),
		"reply-uncompared":   draw.Reply(sample.View(again(&approval.Compared{With: "b7k2m9x", Gone: true}), repeats), true),
		"reply-not-repeated": draw.Reply(sample.View(sample.In(approval.Failed, approval.Reason{Code: approval.WhyDataChanged, Name: "sales.csv"}), repeats), true),
		"root":               draw.Root(sample.View()),
		"progress-asking":    draw.Progress(b.with(), sample.View(sample.In(approval.Asking))),
		"progress-letters":   draw.Progress(b.with(), guessed),
		"progress-offered":   draw.Progress(b.with(), sample.View(sample.In(approval.Asking), sample.Offering)),
		"progress-clarify":   draw.Progress(b.with(), sample.View(sample.In(approval.Asking), sample.Clarifying("Which year do you mean?", "2023", "2024", "Both", "The latest"))),
		"progress-answered":  draw.Progress(b.with(), sample.View(sample.In(approval.Done), answeredBefore, answered)),
		"progress-instead":   draw.Progress(b.with(), sample.View(barredModel, answered)),
		"running":            draw.Running(sample.View(sample.In(approval.Running)), "is running the code, for 40 seconds, 37 %: row 37 of 100", "https://example.com/1"),
		"running-stopping":   draw.Running(sample.View(sample.In(approval.Running), unwanted), "", "https://example.com/1"),
		"running-over":       draw.Running(sample.View(answered), "", "https://example.com/1"),
		"take-back":          {Blocks: draw.TakeBackView(sample.View(answered), draw.Origin{}).Blocks.BlockSet},
		"progress-drafting":  draw.Progress(b.with(), sample.View(sample.In(approval.Drafting))),
		"progress-pending":   draw.Progress(b.with(), sample.View()),
		"progress-approved":  draw.Progress(b.with(), sample.View(sample.In(approval.Approved))),
		"progress-elsewhere": draw.Progress(b.with(), sample.View(sample.In(approval.Approved), elsewhere)),
		"progress-no-box":    draw.Progress(b.with(), sample.View(sample.In(approval.Approved, approval.Because(approval.WhyNoBox)))),
		"progress-running":   draw.Progress(b.with(), sample.View(sample.In(approval.Running))),
		"progress-stopping":  draw.Progress(b.with(), sample.View(sample.In(approval.Running), unwanted)),
		"progress-stopped":   draw.Progress(b.with(), sample.View(sample.In(approval.Done), unwanted, cutShort)),
		"reply-stopped":      draw.Reply(sample.View(sample.In(approval.Done), unwanted, cutShort), true),
		"progress-done":      draw.Progress(b.with(), sample.View(answered)),
		"progress-raised":    draw.Progress(b.with(), sample.View(raised)),
		"progress-rejected":  draw.Progress(b.with(), sample.View(sample.In(approval.Rejected, approval.Words("It reads the wrong column.")))),
		"progress-failed":    draw.Progress(b.with(), sample.View(sample.In(approval.Failed, approval.Words("The model could not be reached.")))),
		"progress-expired":   draw.Progress(b.with(), sample.View(sample.In(approval.Expired, approval.Because(approval.WhyNobodyDecided)))),
		"progress-withdrawn": draw.Progress(b.with(), sample.View(sample.In(approval.Withdrawn))),
		"progress-lost":      draw.Progress(b.with(), sample.View(sample.In(approval.Lost, approval.Words("It was started, but its result was lost.")))),
		"card-told":          draw.Card(as(b, who).with(), sample.View(posted, sample.Told), false),
		"card-pending":       draw.Card(as(b, who).with(), sample.View(posted, findings), false),
		"card-follow-up": draw.Card(as(b, who).with(), sample.View(posted, func(v *steps.View) {
			v.Request.Question, v.Earlier = "And per region?", []string{"What were sales per month\nin sales.csv?", strings.Repeat("And how much is it in all? ", 9)}
		}), false),
		"card-clarified": draw.Card(as(b, who).with(), sample.View(posted, func(v *steps.View) {
			v.Request.Clarified = []approval.Clarification{{Question: "Which year do you mean?", Choices: []string{"2023", "2024"}, AskedAt: sample.Noon, Said: "2024", SaidAt: sample.Noon}}
		}), false),
		"card-long":      draw.Card(as(b, who).with(), long, false),
		"card-garbled":   draw.Card(as(b, who).with(), sample.View(posted), true),
		"card-approved":  draw.Card(as(b, who).with(), sample.View(posted, sample.In(approval.Approved)), false),
		"card-elsewhere": draw.Card(as(b, who).with(), sample.View(posted, sample.In(approval.Approved), elsewhere), false),
		"card-no-box":    draw.Card(as(b, who).with(), sample.View(posted, sample.In(approval.Approved, approval.Because(approval.WhyNoBox))), false),
		"card-done":      draw.Card(as(b, who).with(), sample.View(posted, answered), false),
		"card-rejected":  draw.Card(as(b, who).with(), sample.View(posted, sample.In(approval.Rejected, approval.Words("It reads the wrong column."))), false),
		"card-expired":   draw.Card(as(b, who).with(), sample.View(posted, sample.In(approval.Expired, approval.Because(approval.WhyNobodyDecided))), false),
		"card-withdrawn": draw.Card(as(b, who).with(), sample.View(posted, sample.In(approval.Withdrawn)), false),
		"reply-answer":   draw.Reply(sample.View(answered), true),
		"reply-sentence": draw.Reply(sample.View(sentence), true),
		"reply-next": draw.Reply(sample.View(sentence, func(v *steps.View) {
			v.Next = []string{"How much was it per region?", "Which month was the best?", "What did the ten largest orders bring in?"}
		}), true),
		"reply-as-text":  draw.Reply(sample.View(answered), false),
		"reply-raised":   draw.Reply(sample.View(raised), true),
		"reply-alone":    draw.Reply(sample.View(raised, func(v *steps.View) { v.Session.Channel = "D0MAYA" }), true),
		"reply-rejected": draw.Reply(sample.View(sample.In(approval.Rejected, approval.Words("It reads the wrong column."))), true),
		"reply-failed":   draw.Reply(sample.View(sample.In(approval.Failed, approval.Words("The model could not be reached."))), true),
		"reply-expired":  draw.Reply(sample.View(sample.In(approval.Expired, approval.Because(approval.WhyNobodyDecided))), true),
		"reply-lost":     draw.Reply(sample.View(sample.In(approval.Lost, approval.Words("It was started, but its result was lost.")), nobodyKnows), true),
		"modal-review":   {Blocks: modal.Blocks.BlockSet},
		"modal-sheets":   {Blocks: draw.RereadView(sample.View(sample.Sheets).Request, draw.Origin{}).Blocks.BlockSet},
		"modal-letters":  {Blocks: letters.Blocks.BlockSet},
		"modal-reread":   {Blocks: draw.RereadView(sample.View().Request, draw.Origin{}).Blocks.BlockSet},
		"modal-form":     {Blocks: form.Blocks.BlockSet},
		"modal-say":      {Blocks: say.Blocks.BlockSet},
		"modal-reason":   {Blocks: draw.ReasonView(draw.Origin{}, false).Blocks.BlockSet},
		"modal-error":    {Blocks: draw.DetailsView(sample.View(raised), true).Blocks.BlockSet},
		"modal-details":  {Blocks: draw.DetailsView(sample.View(answered), true).Blocks.BlockSet},
		"modal-code":     {Blocks: draw.CodeView(b.with(), sample.View(answered)).Blocks.BlockSet},
		"taken-back": draw.Progress(as(b, who).with(), sample.View(posted, answered, func(v *steps.View) {
			v.Request.Taken = &approval.TakenBack{By: v.Request.Asker, At: sample.Noon}
			v.Posts[steps.SurfaceSheets] = steps.Post{Shown: steps.TakenBack + ": cant_delete_file"}
		})),
		"answer":       draw.Opening(sample.View(sentence)),
		"reply-charts": draw.Reply(sample.View(sentence, func(v *steps.View) { v.Posts[steps.SurfaceAnswer] = steps.Post{TS: "1.2"} }), true),
		"hello":        draw.Hello(),
		"welcome":      draw.Welcome(),
		"goodbye":      draw.Goodbye(),
		"help":         draw.HelpAnalyze(approval.DefaultPolicy()),
	}
	maps.Copy(m, moneyPages(as(b, who)))
	maps.Copy(m, reviewPages(as(b, who)))
	maps.Copy(m, handOvers(as(b, who)))
	maps.Copy(m, modelPages(as(b, who)))
	maps.Copy(m, auditPages(as(b, who)))
	maps.Copy(m, restPages(as(b, who)))
	maps.Copy(m, awayPages(as(b, who), who))
	return m
}

func TestMessagesLookAsTheyDid(t *testing.T) {
	t.Parallel()
	b := stand{models: models}
	for name, p := range pages(b) {
		got, err := json.MarshalIndent(map[string]any{"text": strings.Split(p.Text(), "\n"), "blocks": p.Blocks}, "", " ")
		require.NoError(t, err)
		file := filepath.Join("testdata", name+".json")
		if *update {
			require.NoError(t, os.WriteFile(file, append(got, '\n'), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got)+"\n", "%s; if that is meant, run go test ./bot/draw -update", name)
	}
}

// Slack refuses a message in which a block's id stands twice, and with it all of its buttons.
func TestNoBlockIDStandsTwiceInAMessage(t *testing.T) {
	t.Parallel()
	for name, p := range pages(stand{models: models}) {
		seen := map[string]bool{}
		for _, block := range p.Blocks {
			id := block.ID()
			require.False(t, id != "" && seen[id], "%s: %s", name, id)
			seen[id] = true
		}
	}
}

func TestTheCodeThatIsShownIsTheCode(t *testing.T) {
	t.Parallel()
	b := stand{models: models}
	rapid.Check(t, func(rt *rapid.T) {
		code := sample.Canonical(rt)
		v := sample.View(sample.Code(code))
		card := draw.Card(b.with(), v, false)
		shown, found := shownCode(card.Blocks)
		approvable := strings.Contains(string(sample.MustJSON(card.Blocks)), `"action_id":"approve"`)
		require.Equal(rt, found, approvable, "Approve stands beside the whole code and nowhere else")
		if found {
			require.Equal(rt, code, shown)
			require.LessOrEqual(rt, utf8.RuneCountInString(code), kit.InlineChars)
		}
		modal, ok := draw.ReviewView(b.with(), v, draw.Origin{})
		if chunks, fits := kit.Chunked(code); fits {
			require.True(rt, ok)
			shown, _ := shownCode(modal.Blocks.BlockSet)
			require.Equal(rt, code, shown)
			require.LessOrEqual(rt, len(modal.Blocks.BlockSet), 100)
			require.Equal(rt, 1, chunks[0].From)
			for i := 1; i < len(chunks); i++ {
				require.Equal(rt, chunks[i-1].To+1, chunks[i].From, "every line once")
			}
		} else {
			require.False(rt, ok)
		}
	})
}

// shownCode reads a program back out of the blocks that show it, as a reader
// would: the text of each preformatted part, without its line numbers.
func shownCode(blocks []slack.Block) (code string, found bool) {
	var chunks []string
	for _, b := range blocks {
		rich, ok := b.(*slack.RichTextBlock)
		if !ok {
			continue
		}
		for _, e := range rich.Elements {
			if pre, ok := e.(*kit.Fixed); ok {
				chunks = append(chunks, pre.Elements[0].(*slack.RichTextSectionTextElement).Text)
			}
		}
	}
	if chunks == nil {
		return "", false
	}
	n := 0
	var out strings.Builder
	for _, line := range strings.Split(strings.Join(chunks, "\n"), "\n") {
		n++
		number := fmt.Sprintf("%d  ", n)
		at := strings.Index(line, number)
		if at < 0 || strings.TrimSpace(line[:at]) != "" {
			return "", true
		}
		out.WriteString(line[at+len(number):] + "\n")
	}
	return out.String(), true
}

// unwanted is a run that somebody has cancelled, cutShort one that was ended for it.
func unwanted(v *steps.View) {
	v.Request.Run.StoppedAt, v.Request.Run.StoppedBy = sample.Noon.Add(3*time.Minute), slacksim.Analyst
}

func cutShort(v *steps.View) {
	v.Request.Run.FinishedAt = sample.Noon.Add(3 * time.Minute)
	v.Request.Run.Result = &approval.Result{Outcome: approval.Cancelled, Box: 61 * time.Second}
}
