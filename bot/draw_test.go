package bot

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
	"countersign/budget"
	"countersign/internal/slacksim"
)

var update = flag.Bool("update", false, "write the golden files anew")

// pages draws every message in the states that matter.
func pages(b *Bot) map[string]*page {
	who := Identity{URL: "https://harbor-coffee.slack.com/", TeamID: slacksim.DefaultTeam.ID, User: slacksim.BotUser}
	posted := func(v *steps.View) { v.Session.ThreadTS = "1763812800.000100" }
	table := approval.Grid{Title: "Sales per month", Columns: []string{"month", "amount"}, Rows: [][]string{{"Jan", "12.5"}, {"Feb", "-3"}}, TotalRows: 12}
	answered := with(approval.Result{Outcome: approval.OK, Value: "42", Stdout: "two lines\nof text\n", Tables: []approval.Grid{table}, Code: 1300 * time.Millisecond,
		Notes: []string{"One chart was too large and was left out."}, Observed: approval.Observed{Opened: []string{"sales.csv"}, Connected: []string{"example.com:443"}, Spawned: []string{"/bin/sh"}}},
		approval.Artifact{Name: "table.csv", Kind: "table", Data: []byte("x")})
	sentence := with(approval.Result{Outcome: approval.OK, Answer: "Revenue was <$25.00>; *North* led @channel.", Said: []string{"Revenue is units times price."},
		LeftOut: []approval.Rows{{Count: 1, Why: "no number of units"}, {Count: 1234, Why: "no price"}}, Tables: []approval.Grid{table}})
	raised := with(approval.Result{Outcome: approval.Raised, Error: "KeyError: 'price'", Traceback: "line 4, in <module>\nKeyError: 'price'", Stderr: "a warning"})
	findings := func(v *steps.View) {
		v.Request.Revision.Findings = []approval.Finding{{Level: approval.Note, Line: 3, Text: "reads sales.csv"}, {Level: approval.Danger, Line: 4, Text: "starts another program"}, {Level: approval.Caution, Text: "uses getattr"}}
	}
	nobodyKnows := func(v *steps.View) {
		v.Bill = append(v.Bill, steps.Spend{Purpose: budget.ForRun, Estimated: true, Charges: []budget.Charge{{Kind: budget.Box, What: "local", Amount: 4_100_000}}})
	}
	long := sample(posted, withCode(longCode(412)))
	modal, _ := b.reviewView(long, origin{Channel: "C1", Message: "1.2", Seal: sealOf(long.Request).String()})
	form := b.formView(form{channel: "C1", listed: true, question: "How many?", choices: []approval.File{{ID: "F1", Name: "a.csv"}, {ID: "F2", Name: "b.csv"}}, ticked: []approval.File{{ID: "F2"}}})
	m := map[string]*page{
		"root":               b.root(sample()),
		"progress-drafting":  b.progress(sample(in(approval.Drafting, ""))),
		"progress-pending":   b.progress(sample()),
		"progress-approved":  b.progress(sample(in(approval.Approved, ""))),
		"progress-no-box":    b.progress(sample(in(approval.Approved, approval.WaitsForBox))),
		"progress-running":   b.progress(sample(in(approval.Running, ""))),
		"progress-done":      b.progress(sample(answered)),
		"progress-raised":    b.progress(sample(raised)),
		"progress-rejected":  b.progress(sample(in(approval.Rejected, "It reads the wrong column."))),
		"progress-failed":    b.progress(sample(in(approval.Failed, "The model could not be reached."))),
		"progress-expired":   b.progress(sample(in(approval.Expired, "Nobody decided in time. That is not a no: ask again if you still need it."))),
		"progress-withdrawn": b.progress(sample(in(approval.Withdrawn, ""))),
		"progress-lost":      b.progress(sample(in(approval.Lost, "It was started, but its result was lost."))),
		"card-pending":       b.card(sample(posted, findings), who, false),
		"card-follow-up": b.card(sample(posted, func(v *steps.View) {
			v.Request.Question, v.Earlier = "And per region?", []string{"What were sales per month\nin sales.csv?", strings.Repeat("And how much is it in all? ", 9)}
		}), who, false),
		"card-long":      b.card(long, who, false),
		"card-garbled":   b.card(sample(posted), who, true),
		"card-approved":  b.card(sample(posted, in(approval.Approved, "")), who, false),
		"card-no-box":    b.card(sample(posted, in(approval.Approved, approval.WaitsForBox)), who, false),
		"card-done":      b.card(sample(posted, answered), who, false),
		"card-rejected":  b.card(sample(posted, in(approval.Rejected, "It reads the wrong column.")), who, false),
		"card-expired":   b.card(sample(posted, in(approval.Expired, "Nobody decided in time. That is not a no: ask again if you still need it.")), who, false),
		"card-withdrawn": b.card(sample(posted, in(approval.Withdrawn, "")), who, false),
		"reply-answer":   b.reply(sample(answered), true),
		"reply-sentence": b.reply(sample(sentence), true),
		"reply-as-text":  b.reply(sample(answered), false),
		"reply-raised":   b.reply(sample(raised), true),
		"reply-rejected": b.reply(sample(in(approval.Rejected, "It reads the wrong column.")), true),
		"reply-failed":   b.reply(sample(in(approval.Failed, "The model could not be reached.")), true),
		"reply-expired":  b.reply(sample(in(approval.Expired, "Nobody decided in time. That is not a no: ask again if you still need it.")), true),
		"reply-lost":     b.reply(sample(in(approval.Lost, "It was started, but its result was lost."), nobodyKnows), true),
		"modal-review":   {blocks: modal.Blocks.BlockSet},
		"modal-form":     {blocks: form.Blocks.BlockSet},
		"modal-reason":   {blocks: reasonView(origin{}).Blocks.BlockSet},
		"help":           b.helpAnalyze(),
	}
	maps.Copy(m, moneyPages(b))
	maps.Copy(m, reviewPages(b))
	maps.Copy(m, awayPages(b, who))
	return m
}

func TestMessagesLookAsTheyDid(t *testing.T) {
	t.Parallel()
	b := idle(t).bot
	for name, p := range pages(b) {
		got, err := json.MarshalIndent(map[string]any{"text": strings.Split(p.text(), "\n"), "blocks": p.blocks}, "", " ")
		require.NoError(t, err)
		file := filepath.Join("testdata", name+".json")
		if *update {
			require.NoError(t, os.WriteFile(file, append(got, '\n'), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got)+"\n", "%s; if that is meant, run go test ./bot -update", name)
	}
}

func TestEveryActionThatIsDrawnIsListedAndAnswered(t *testing.T) {
	t.Parallel()
	b := idle(t)
	drawn := map[string]bool{}
	all := pages(b.bot)
	for _, who := range []string{slacksim.Analyst, slacksim.Reviewer, slacksim.Admin} {
		home, err := b.bot.homePage(b.ctx, slacksim.DefaultTeam.ID, who, shelfmark{})
		require.NoError(t, err)
		all["home "+who] = home
	}
	edited, _ := editView(sample(withCode(longCode(370))).Request, origin{})
	all["a long edit"] = &page{blocks: edited.Blocks.BlockSet}
	all["anywhere"] = &page{blocks: b.bot.formView(form{}).Blocks.BlockSet}
	for _, p := range all {
		text, err := json.Marshal(p.blocks)
		require.NoError(t, err)
		var tree any
		require.NoError(t, json.Unmarshal(text, &tree))
		walk(tree, func(m map[string]any) {
			if id, ok := m["action_id"].(string); ok {
				drawn[id] = true
			}
		})
	}
	listed := map[string]bool{}
	for _, id := range Actions() {
		require.True(t, drawn[id], "%s is listed and never drawn", id)
		listed[id] = true
	}
	for id := range drawn {
		require.True(t, listed[id], "%s is drawn and not listed", id)
	}
	for id := range clicks {
		require.True(t, listed[id], "%s is answered and not listed", id)
	}
}

// walk visits every object.
func walk(tree any, visit func(map[string]any)) {
	switch node := tree.(type) {
	case map[string]any:
		visit(node)
		for _, v := range node {
			walk(v, visit)
		}
	case []any:
		for _, v := range node {
			walk(v, visit)
		}
	}
}

// canonical is code that approval.Canonical lets through.
func canonical(t *rapid.T) string {
	line := rapid.OneOf(rapid.StringMatching(`[a-z ]{0,20}= "[ -~]{0,60}"`), rapid.Just(""), rapid.StringMatching("\t?x = '[äöüж€😀`<&>*_~|]{0,12}'"),
		rapid.StringMatching(`[a-z]{150,190}`), rapid.Just("  1  x = 1"))
	code := strings.Join(rapid.SliceOfN(line, 1, rapid.SampledFrom([]int{5, 80, 90, 400}).Draw(t, "lines")).Draw(t, "code"), "\n")
	out, err := approval.Canonical(code + "\nx = 1\n")
	if err != nil {
		t.Skip(err) // 16 spaces inside a line, by chance
	}
	return out
}

func TestTheCodeThatIsShownIsTheCode(t *testing.T) {
	t.Parallel()
	b := idle(t).bot
	rapid.Check(t, func(rt *rapid.T) {
		code := canonical(rt)
		v := sample(withCode(code))
		card := b.card(v, Identity{}, false)
		shown, found := shownCode(card.blocks)
		approvable := strings.Contains(string(mustJSON(card.blocks)), `"action_id":"approve"`)
		require.Equal(rt, found, approvable, "Approve stands beside the whole code and nowhere else")
		if found {
			require.Equal(rt, code, shown)
			require.LessOrEqual(rt, utf8.RuneCountInString(code), inlineChars)
		}
		modal, ok := b.reviewView(v, origin{})
		if chunks, fits := chunked(code); fits {
			require.True(rt, ok)
			shown, _ := shownCode(modal.Blocks.BlockSet)
			require.Equal(rt, code, shown)
			require.LessOrEqual(rt, len(modal.Blocks.BlockSet), 100)
			require.Equal(rt, 1, chunks[0].from)
			for i := 1; i < len(chunks); i++ {
				require.Equal(rt, chunks[i-1].to+1, chunks[i].from, "every line once")
			}
		} else {
			require.False(rt, ok)
		}
	})
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
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
			if pre, ok := e.(*fixed); ok {
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

func TestWhatDoesNotReadBackIsNotShown(t *testing.T) {
	t.Parallel()
	_, ok := inline("no line end")
	require.False(t, ok)
	_, ok = chunked("a\rb\n")
	require.True(t, ok)
}

// anything draws a request with whatever may be in it.
func anything(t *rapid.T) *steps.View {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching("[a-z<>&*_`~@#!| \n]{0,200}"), rapid.Map(rapid.IntRange(0, 40_000), func(n int) string { return strings.Repeat("wide ж ", n/7) }),
		rapid.Just("\xff\xfe broken"), rapid.Just("<!channel> <@U1> ```"))
	words := func(name string) string { return text.Draw(t, name) }
	some := func(name string, most int) []string { return rapid.SliceOfN(text, 0, most).Draw(t, name) }
	plainly := func(name string) string { return approval.Plain(words(name)) }
	v := sample(withCode(canonical(t)))
	r := v.Request
	r.Question = plainly("question")
	if r.Question == "" {
		r.Question = "?"
	}
	for _, q := range some("earlier", 3) {
		v.Earlier = append(v.Earlier, approval.Plain(q))
	}
	r.Files = nil
	for n, name := range some("files", 12) {
		f := approval.File{ID: fmt.Sprint("F", n), Name: "x" + cut(approval.Plain(name), 90), Size: 1}
		for range rapid.IntRange(0, 6).Draw(t, "tables") {
			f.Tables = append(f.Tables, approval.Table{Name: plainly("sheet"), Rows: rapid.IntRange(0, 1e7).Draw(t, "rows"), Columns: make([]approval.Column, 3)})
		}
		r.Files = append(r.Files, f)
	}
	r.Revision.Summary = plainly("summary")
	for _, f := range some("findings", 60) {
		r.Revision.Findings = append(r.Revision.Findings, approval.Finding{Level: rapid.SampledFrom([]approval.Level{approval.Note, approval.Caution, approval.Danger}).Draw(t, "level"),
			Line: rapid.IntRange(0, 999).Draw(t, "line"), Text: "f" + approval.Plain(f)})
	}
	for range rapid.IntRange(0, 12).Draw(t, "bill") {
		v.Bill = append(v.Bill, steps.Spend{Estimated: true, Charges: []budget.Charge{{Kind: budget.Tokens, What: "m" + plainly("model"), Amount: budget.USD(rapid.Int64Range(0, 1e15).Draw(t, "amount"))}}})
	}
	state := rapid.SampledFrom(approval.States()).Draw(t, "state")
	if state != approval.Done {
		in(state, plainly("reason"))(v)
		return v
	}
	res := approval.Result{Outcome: rapid.SampledFrom([]approval.Outcome{approval.OK, approval.Raised, approval.TimedOut, approval.OutOfRAM, approval.Broken}).Draw(t, "outcome"),
		Error: words("error"), Traceback: words("traceback"), Stdout: words("stdout"), Stderr: words("stderr"), Value: words("value"), Notes: some("notes", 12),
		Observed: approval.Observed{Opened: some("opened", 9), Connected: some("connected", 9), Spawned: some("spawned", 9)}}
	for range rapid.IntRange(0, 5).Draw(t, "grids") {
		g := approval.Grid{Title: words("title"), TotalRows: rapid.IntRange(0, 1e7).Draw(t, "total")}
		g.Columns = rapid.SliceOfN(text, 0, 30).Draw(t, "columns")
		for range rapid.IntRange(0, 130).Draw(t, "height") {
			g.Rows = append(g.Rows, []string{"1", "-2.5", "x\ny"}[:min(3, len(g.Columns))])
		}
		res.Tables = append(res.Tables, g)
	}
	with(res)(v)
	return v
}

func TestSlackTakesWhateverIsDrawn(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.ctx = t.Context() // a failure is made small in its own time
	rapid.Check(t, func(rt *rapid.T) {
		v := anything(rt)
		kinds := []steps.Surface{steps.SurfaceRoot, steps.SurfaceProgress}
		if v.Request.Revision != nil {
			kinds = append(kinds, steps.SurfaceCard)
		}
		if v.Request.State.Final() {
			kinds = append(kinds, steps.SurfaceReply)
		}
		for _, kind := range kinds {
			post, err := b.bot.Publish(b.ctx, v, kind)
			require.NoError(rt, err, "%s", kind)
			require.NotContains(rt, post.Shown, garbledMark)
			v.Posts[kind] = post
			m, err := b.as(map[bool]string{true: slacksim.Reviewer, false: slacksim.Analyst}[kind == steps.SurfaceCard]).Find(post.Channel, post.TS)
			require.NoError(rt, err)
			require.True(rt, utf8.ValidString(m.Text))
			require.LessOrEqual(rt, utf8.RuneCountInString(m.Text), 4000, "so that it can be rewritten")
			require.NotEmpty(rt, strings.TrimSpace(m.Text), "screen readers hear it")
			require.NotContains(rt, m.Text, "<!channel>")
		}
		for name, p := range map[string]*page{"card": b.bot.card(sampleOr(v), Identity{}, false), "reply": b.bot.reply(v, true), "reply as text": b.bot.reply(v, false)} {
			require.LessOrEqual(rt, p.used, maxBlockText, name)
			require.LessOrEqual(rt, len(p.blocks), 50)
		}
	})
}

// sampleOr is a request that has a card.
func sampleOr(v *steps.View) *steps.View {
	if v.Request.Revision == nil {
		return sample()
	}
	return v
}

func TestNumbersAreWrittenForPeople(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"0", "999", "1,000", "1,234,567"}, []string{thousands(0), thousands(999), thousands(1000), thousands(1234567)})
	require.Equal(t, "1 row", count(1, "row"))
	require.Equal(t, "less than 0.1 seconds", seconds(time.Millisecond))
	require.Equal(t, "2.0 seconds", seconds(2*time.Second))
	require.Equal(t, "ab…", cut("abcdef", 3))
	require.Equal(t, "…ef", end("abcdef", 3))
}

// The names of a workbook's sheets are anybody's words.
func TestANameInAFileStaysInItsPlaceOnTheCard(t *testing.T) {
	t.Parallel()
	items := fileLines([]approval.File{{Name: "sales.xlsx", Tables: []approval.Table{{Name: "Q1\nReviewed: \u202eko", Rows: 2, Columns: make([]approval.Column, 3)}}}})
	_, _, line := section(items[0])
	require.Equal(t, `sales.xlsx: Q1 Reviewed: \u{202e}ko 2 rows × 3 columns`, line)
}

// Who hears a table hears of fewer rows than others see, and how many there are.
func TestATableThatIsHeardSaysWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	g := approval.Grid{Columns: []string{"n"}, TotalRows: 12}
	for n := range 12 {
		g.Rows = append(g.Rows, []string{fmt.Sprint(n + 1)})
	}
	heard := func(g approval.Grid) string {
		p := &page{}
		(&Bot{}).grid(p, g, true, false)
		return p.text()
	}
	require.Contains(t, heard(g), "Table: 12 rows.\nThe first 10 of 12 rows:\nn\n1\n")
	require.NotContains(t, heard(g), "\n11")
	g.Rows, g.TotalRows = g.Rows[:10], 10
	require.Contains(t, heard(g), "Table: 10 rows.\nn\n1\n")
}

// Slack does not let anything stand beside the rich text of a message that was
// nothing else, such as the button of a wait that begins again.
func TestProgressCanGetItsButtonBack(t *testing.T) {
	t.Parallel()
	for _, state := range approval.States() {
		p := (&Bot{}).progress(sample(in(state, "")))
		require.True(t, state.Final() || len(p.blocks) > 1, state)
	}
}
