package bot

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
)

func TestEveryActionThatIsDrawnIsListedAndAnswered(t *testing.T) {
	t.Parallel()
	b := idle(t)
	drawn := map[string]bool{}
	all := map[string]*kit.Page{}
	goldens, err := filepath.Glob("draw/testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, goldens)
	for _, file := range goldens {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var golden struct {
			Blocks slack.Blocks `json:"blocks"`
		}
		require.NoError(t, json.Unmarshal(text, &golden))
		all[file] = &kit.Page{Blocks: golden.Blocks.BlockSet}
	}
	for _, who := range []string{slacksim.Analyst, slacksim.Reviewer, slacksim.Admin} {
		home, err := b.bot.homes.homePage(b.ctx, slacksim.DefaultTeam.ID, who, home.Shelfmark{})
		require.NoError(t, err)
		all["home "+who] = home
	}
	edited, _ := draw.EditView(sample.View(sample.Code(sample.Long(370))).Request, review.Next{}, draw.Origin{})
	all["a long edit"] = &kit.Page{Blocks: edited.Blocks.BlockSet}
	all["anywhere"] = &kit.Page{Blocks: draw.FormView(b.bot.Policy(), draw.Form{Models: sample.Offered("m1", "m2")}).Blocks.BlockSet}
	for _, p := range all {
		text, err := json.Marshal(p.Blocks)
		require.NoError(t, err)
		var tree any
		require.NoError(t, json.Unmarshal(text, &tree))
		walk(tree, func(m map[string]any) {
			if id, ok := m["action_id"].(string); ok {
				drawn[id] = true
			}
			if value, ok := m["value"].(string); ok { // an entry of a menu is what its button would be
				if way, _, ok := draw.Other(value); ok {
					drawn[way] = true
				}
			}
		})
	}
	listed := map[string]bool{}
	for _, id := range actions() {
		require.True(t, drawn[id], "%s is listed and never drawn", id)
		listed[id] = true
	}
	for id := range drawn {
		require.True(t, listed[id], "%s is drawn and not listed", id)
	}
	for id := range b.bot.board.clicks {
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

// anything draws a request with whatever may be in it.
func anything(t *rapid.T) *steps.View {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching("[a-z<>&*_`~@#!| \n]{0,200}"), rapid.Map(rapid.IntRange(0, 40_000), func(n int) string { return strings.Repeat("wide ж ", n/7) }),
		rapid.Just("\xff\xfe broken"), rapid.Just("<!channel> <@U1> ```"))
	words := func(name string) string { return text.Draw(t, name) }
	some := func(name string, most int) []string { return rapid.SliceOfN(text, 0, most).Draw(t, name) }
	plainly := func(name string) string { return approval.Plain(words(name)) }
	v := sample.View(sample.Code(sample.Canonical(t)))
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
		f := approval.File{ID: fmt.Sprint("F", n), Name: "x" + kit.Cut(approval.Plain(name), 90), Size: 1, Reading: &reading.Reading{Version: 1, Kind: "text", Encoding: "cp1251"}}
		for range rapid.IntRange(0, 6).Draw(t, "tables") {
			table := reading.Table{Name: plainly("sheet"), Delimiter: rapid.SampledFrom([]string{"", ";", "<!"}).Draw(t, "delimiter"), Rows: rapid.Int64Range(0, 1e7).Draw(t, "rows"), Columns: make([]reading.Column, 3)}
			for range rapid.IntRange(0, 6).Draw(t, "remarks") {
				table.Odd = append(table.Odd, reading.Odd{Code: "leading_zeros", Count: 3, Column: plainly("column")})
			}
			f.Reading.Tables = append(f.Reading.Tables, table)
		}
		r.Files = append(r.Files, f)
	}
	for range rapid.IntRange(0, 3).Draw(t, "refused") {
		r.Refused = append(r.Refused, approval.Refusal{Code: words("refused code"), Reason: words("refused why")})
	}
	r.Guest, r.Shared = rapid.Bool().Draw(t, "guest"), rapid.Bool().Draw(t, "shared")
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
		sample.In(state, approval.Words(plainly("reason")))(v)
		return v
	}
	res := approval.Result{Outcome: rapid.SampledFrom([]approval.Outcome{approval.OK, approval.Raised, approval.TimedOut, approval.OutOfRAM, approval.Broken}).Draw(t, "outcome"),
		Error: words("error"), Traceback: words("traceback"), Stdout: words("stdout"), Stderr: words("stderr"), Value: words("value"), Notes: some("notes", 12),
		Observed: approval.Observed{Opened: some("opened", 9), Connected: some("connected", 9), Spawned: some("spawned", 9)}}
	if rapid.Bool().Draw(t, "watched") {
		res.Observed.Witness = &approval.Witness{Source: approval.WitnessGVisor, Opened: some("seen", 9), Started: some("started", 9), Connected: some("reached", 9),
			Named: some("named", 9), Complete: rapid.Bool().Draw(t, "complete"), Gaps: []string{approval.GapEarly}}
	}
	for range rapid.IntRange(0, 5).Draw(t, "grids") {
		g := approval.Grid{Title: words("title"), TotalRows: rapid.IntRange(0, 1e7).Draw(t, "total")}
		g.Columns = rapid.SliceOfN(text, 0, 30).Draw(t, "columns")
		for range rapid.IntRange(0, 130).Draw(t, "height") {
			g.Rows = append(g.Rows, []string{"1", "-2.5", "x\ny"}[:min(3, len(g.Columns))])
		}
		res.Tables = append(res.Tables, g)
	}
	sample.With(res)(v)
	return v
}

func TestProveSlackTakesWhateverIsDrawn(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.ctx = t.Context() // a failure is made small in its own time
	rounds, drawn, failed := 0, 0, false
	taken := t.Run("generated", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			if rounds++; !proof.Whole() && !failed && rounds%10 != 1 {
				return // a tenth, as rapid draws it; what has failed is tried until it is small
			}
			passed := false
			defer func() { failed = failed || !passed }()
			drawn++
			takesIt(rt, b, anything(rt))
			passed = true
		})
	})
	proof.Check(t, taken && drawn > 0, "Slack takes every card and reply that can be drawn", "%d requests", drawn)
}

// takesIt publishes all that a request has to show, and looks at what Slack holds of it.
func takesIt(rt *rapid.T, b *bundle, v *steps.View) {
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
		require.NotContains(rt, post.Shown, draw.GarbledMark)
		v.Posts[kind] = post
		m, err := b.as(map[bool]string{true: slacksim.Reviewer, false: slacksim.Analyst}[kind == steps.SurfaceCard]).Find(post.Channel, post.TS)
		require.NoError(rt, err)
		require.True(rt, utf8.ValidString(m.Text))
		require.LessOrEqual(rt, utf8.RuneCountInString(m.Text), 4000, "so that it can be rewritten")
		require.NotEmpty(rt, strings.TrimSpace(m.Text), "screen readers hear it")
		require.NotContains(rt, m.Text, "<!channel>")
	}
	for name, p := range map[string]*kit.Page{"card": draw.Card(as(kit.Identity{}), sampleOr(v), false), "reply": draw.Reply(v, true), "reply as text": draw.Reply(v, false)} {
		require.LessOrEqual(rt, p.Used, kit.MaxBlockText, name)
		require.LessOrEqual(rt, len(p.Blocks), 50)
	}
}

// sampleOr is a request that has a card.
func sampleOr(v *steps.View) *steps.View {
	if v.Request.Revision == nil {
		return sample.View()
	}
	return v
}

// actions lists every action id that a drawn message or modal may hold.
func actions() []string {
	all := []string{ids.ActionApprove, ids.ActionReject, ids.ActionChanges, ids.ActionQuestion, ids.ActionReview, ids.ActionGlass, ids.ActionLook, ids.ActionNotMine, ids.FieldFound, ids.ActionDiff, ids.ActionColumns, ids.ActionRefused, ids.ActionSaw, ids.ActionMore, ids.ActionCancel, ids.ActionDisown, ids.ActionAgain, ids.ActionAnswer, ids.ActionAnswer2, ids.ActionAnswer3, ids.ActionCompare, ids.ActionReread, ids.FieldHeading, ids.FieldSheet, ids.FieldDelimiter, ids.FieldDecimal, ids.FieldEncoding, ids.FieldAsText, ids.ActionGiveUp, ids.ActionChoose, ids.ActionChoose2, ids.ActionChoose3, ids.ActionChoose4, ids.ActionSay, ids.ActionFollow, ids.ActionFollow2, ids.ActionFollow3, ids.FieldSaid,
		ids.ActionMeant, ids.ActionMeant2, ids.ActionMeant3, ids.ActionFix, ids.ActionCode, ids.ActionDetails, ids.ActionVerify, ids.ActionGood, ids.ActionBad, ids.ActionOthers, ids.ActionTakeBack, ids.ActionShare, ids.ActionHand, ids.ActionTake, ids.ActionLeave, ids.ActionKeepIt, ids.ActionHanded, ids.FieldAnswers,
		ids.ActionQueued, ids.ActionMine, ids.ActionTier, ids.ActionAge, ids.ActionCost, ids.ActionOrder, ids.ActionBack, ids.ActionNext, ids.ActionAway, ids.ActionReturn,
		ids.ActionKeys, ids.ActionRemoveKey, ids.FieldKey, ids.ActionPeople, ids.ActionName, ids.ActionUnname, ids.ActionRecall, ids.ActionRules, ids.ActionWhose, ids.ActionModels, ids.ActionLists, ids.ActionNotes, ids.ActionFigures, ids.ActionTry, ids.FieldBudgets, ids.ActionTrail, ids.ActionReckon, ids.ActionPrivacy, ids.ActionTheirs, ids.ActionAsk, kit.ActionLink,
		ids.ActionEditLimit, ids.ActionSetLimit, ids.ActionRemoveLimit, ids.ActionContinue, ids.ActionCheaper, ids.ActionCheaper2, ids.ActionWait, ids.ActionMoreMoney, ids.ActionGrant, ids.ActionDecline,
		ids.ActionInsist, ids.ActionWhy, ids.ActionHistory, ids.ActionTop, ids.ActionExplain, ids.FieldRequest, ids.FieldRanking, ids.FieldPeriod,
		ids.FieldQuestion, ids.FieldFiles, ids.FieldUpload, ids.FieldModel, ids.FieldAlone, ids.FieldChannel, ids.FieldReason, ids.FieldTyped, ids.FieldPerson, ids.FieldWhat, ids.FieldRole, ids.FieldUntil,
		ids.ActionPin, ids.ActionUnpin, ids.ActionAccept, ids.ActionKeep, ids.FieldLink, ids.FieldPeople, ids.FieldAllowed, ids.FieldDefault, ids.FieldStepsIn, ids.FieldFallback, ids.FieldMost, ids.FieldSites,
		ids.ActionAudit, ids.ActionFound, ids.ActionNewer, ids.ActionRecord, ids.ActionWritten, ids.ActionPrivate, ids.ActionDeeds, ids.ActionPoints, ids.ActionPack, ids.FieldFrom, ids.FieldWords,
		ids.FieldClass, ids.FieldHosts, ids.FieldFreezes, ids.FieldWait, ids.FieldLast, ids.FieldNone, ids.FieldNotes, ids.FieldHide, ids.FieldMasked, ids.FieldKeepWords, ids.FieldKeepCode, ids.FieldKeepResults, ids.FieldKeepReadings, ids.FieldCurrency, ids.FieldYear, ids.FieldShows,
		ids.FieldKind, ids.FieldUser, ids.FieldProject, ids.FieldThread, ids.FieldAmount, ids.FieldWindow, ids.FieldSoft, ids.FieldWarn, ids.FieldDowngrade, ids.FieldWithout, ids.FieldReady}
	for n := range kit.MaxEditParts {
		all = append(all, draw.EditField(n+1))
	}
	for _, t := range approval.Tiers() {
		all = append(all, home.TierField(ids.FieldNeeds, t), home.TierField(ids.FieldCare, t), home.TierField(ids.FieldReads, t), home.TierField(ids.FieldHourly, t))
	}
	return append(all, home.TierField(ids.FieldCosts, approval.Medium), home.TierField(ids.FieldCosts, approval.High))
}
