package draw_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign/approval"
	"countersign/approval/habits"
	"countersign/approval/pins"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/approval/thread"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/draw/notice"
	draws "countersign/bot/draw/pins"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
	"countersign/internal/slacksim"
)

// aKey is an SSH key of somebody's.
const aKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIwY51+3/giY25ZO7TtpXu4sGcynYaIiA6ih4hq4x7q1"

// noticed is a notice of this kind about a request.
func noticed(b stand, kind approval.NoticeKind, v *steps.View, to string, said any) *kit.Page {
	data, err := json.Marshal(said)
	if err != nil {
		panic(err)
	}
	p, err := notice.Notices[kind](b.with(), &steps.NoticeView{Notice: approval.Notice{Key: "k", Kind: kind, Data: data, At: sample.Noon, RequestID: v.Request.ID}, View: v, Now: sample.Noon}, to)
	if err != nil {
		panic(err)
	}
	return p
}

// receipts is a digest of what a reviewer has approved, of which one more is not shown. The
// last that is shown is another revision of the first.
func receipts(b stand, given ...*steps.View) *kit.Page {
	var said approval.Receipts
	given = append(given, given[0])
	for n, v := range append(given, given[0]) {
		said.Given = append(said.Given, approval.Receipt{RequestID: v.Request.ID, Revision: 1 + n/2, At: sample.Noon.Add(time.Duration(n) * time.Minute)})
	}
	given[0].Request.Revision.Number, given[1].Request.ID = 2, "bcd23fh"
	given[0].Request.Decisions[0].Revision = 2
	p, err := notice.Notices[approval.NoticeReceipts](b.with(), &steps.NoticeView{Notice: approval.Notice{Key: "k", Kind: approval.NoticeReceipts, Data: approval.Encode(said), At: sample.Noon}, Given: given, Now: sample.Noon}, slacksim.Reviewer)
	if err != nil {
		panic(err)
	}
	return p
}

// reviewPages draws what belongs to reviewing.
func reviewPages(b stand) map[string]*kit.Page {
	who := kit.Identity{URL: "https://harbor-coffee.slack.com/", TeamID: slacksim.DefaultTeam.ID, User: slacksim.BotUser}
	posted := func(v *steps.View) {
		v.Session.ThreadTS = "1763812800.000100"
		v.Posts[steps.SurfaceCard] = steps.Post{Channel: slacksim.CodeReview, TS: "1763812801.000100"}
	}
	b.self = who
	from := func(v *steps.View) draw.Origin {
		return draw.Origin{Channel: "C1", Message: "1.2", Seal: draw.SealOf(v.Request).String()}
	}
	modal := func(view slack.ModalViewRequest) *kit.Page { return &kit.Page{Blocks: view.Blocks.BlockSet} }
	rewriting := sample.View(sample.Second("mistral-medium-2508"))
	rewriting.Request.State = approval.Drafting
	editing := sample.View(posted)
	editing.Request.State, editing.Request.Edit = approval.Drafting, &approval.Edit{By: slacksim.SecondReviewer}
	back := sample.View(posted, func(v *steps.View) { v.Request.Reason = approval.Words("sales.csv has changed since it was approved.") })
	turn := sample.View(posted, func(v *steps.View) {
		v.Request.Assignee, v.Request.Opinions = slacksim.SecondReviewer, []string{slacksim.Admin, slacksim.Reviewer}
	})
	frozen := sample.View(posted, sample.In(approval.Approved), func(v *steps.View) {
		v.Frozen, v.FrozenBy = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), "last 2 days of the month"
	})
	danger := sample.View(posted, sample.Risky)
	shell := sample.View(posted, sample.Risky, func(v *steps.View) { v.Terms.Slack = false })
	near := &steps.Near{Question: "What were sales per month last year?", Code: "import pandas as pd\n\nsales = pd.read_csv(\"old.csv\")\n", At: sample.Noon, Alike: 75}
	edited, _ := draw.EditView(sample.View(sample.Code(sample.Long(70))).Request, review.Next{Enough: true}, from(danger))
	last, _ := draw.EditView(danger.Request, review.Next{Tier: approval.High, Needs: 1}, from(danger))
	lastLow, _ := draw.EditView(danger.Request, review.Next{Tier: approval.Low, Who: []string{slacksim.Admin}, Needs: 2}, from(danger))
	typed, _ := draw.ReviewView(b.with(), danger, from(danger))
	glassModal, _ := draw.GlassView(b.with(), danger, from(danger))
	odd := sample.With(approval.Result{Outcome: approval.OK, Value: "42", Observed: approval.Observed{Opened: []string{"sales.csv"},
		Witness: &approval.Witness{Source: approval.WitnessGVisor, Opened: []string{"sales.csv"}, Started: []string{"/usr/bin/dash -c id (called sh)"}, Connected: []string{}, Complete: true}}})
	surprise := sample.View(odd, func(v *steps.View) {
		v.Request.Revision.Findings = []approval.Finding{{Level: approval.Note, Line: 3, Text: "reads sales.csv", Kind: "read", About: "sales.csv"}}
	})
	own := review.DefaultRules(approval.DefaultPolicy())
	own.High.Approvals, own.High.Slack, own.Medium.Owners, own.Class, own.CostMedium = 2, false, true, review.Confidential, budget.Dollar
	own.Hosts, own.Freezes, own.ExpiryMinutes = []string{"api.example.com"}, []string{"last 2 days of the month"}, 90
	grants := []review.Grant{{Role: review.RoleReviewer, User: slacksim.Reviewer}, {Role: review.RoleFallback, Project: slacksim.SalesData, User: slacksim.SecondReviewer, By: slacksim.Admin, At: sample.Noon}}
	queue := &kit.Page{}
	for _, row := range []steps.QueueRow{
		{ID: "bcd23fg", Project: slacksim.SalesData, Asker: slacksim.Analyst, Question: "What were sales?", Tier: approval.High, Dangers: 2, Lines: 412, Cost: 4_100_000, Approvals: 1, Needed: 2, Since: sample.Noon, ExpiresAt: sample.Noon.Add(time.Hour)},
		{ID: "bcd23fh", Project: "D1", Asker: slacksim.OtherAnalyst, Question: "And <costs>?", Tier: approval.Low, Lines: 1, Needed: 1, Since: sample.Noon.Add(-2 * time.Hour), ExpiresAt: sample.Noon.Add(time.Hour)},
		{ID: "bcd23fj", Project: "D1", Asker: slacksim.OtherAnalyst, Question: "And the tax?", Tier: approval.High, Lines: 3, Needed: 1, Since: sample.Noon, ExpiresAt: sample.Noon.Add(time.Hour),
			Closed: approval.Reason{Code: approval.WhyOwnersOnly, Name: "high"}},
	} {
		home.QueueRow(queue, row, sample.Noon)
	}
	queue.Buttons("queue", home.QueueSelects(home.Shelfmark{Tier: approval.High})...)
	queue.Buttons("pages", kit.Button(ids.ActionBack, "Previous", "0", ""), kit.Button(ids.ActionNext, "Next", "2", ""))
	home.HomeAway(queue, slacksim.Reviewer, review.Roster{Delegations: []review.Delegation{{From: slacksim.Reviewer, To: slacksim.SecondReviewer, Until: sample.Noon}}})
	approved := approval.ApprovedBy{Revision: 1, Digest: danger.Request.Revision.Digest, Reviewer: slacksim.SecondReviewer}
	inPlace := approved
	inPlace.InPlaceOf = slacksim.Admin
	stopped := sample.View(posted, sample.Second(slacksim.Reviewer))
	return map[string]*kit.Page{
		"card-danger":         draw.Card(as(b, who).with(), danger, false),
		"card-command-line":   draw.Card(as(b, who).with(), shell, false),
		"card-outside":        draw.Card(as(b, who).with(), sample.View(posted, sample.Outside, sample.Refused), false),
		"card-wall":           draw.Card(as(b, who).with(), sample.View(posted, sample.Cautious), false),
		"modal-columns":       modal(draw.ColumnsView(sample.View(sample.Sheets).Request)),
		"modal-refused":       modal(draw.RefusedView(sample.View(sample.Refused).Request)),
		"card-second":         draw.Card(as(b, who).with(), sample.View(posted, sample.Second("mistral-medium-2508")), false),
		"card-second-medium":  draw.Card(as(b, who).with(), sample.View(posted, sample.Second("mistral-medium-2508"), func(v *steps.View) { v.Terms.Tier = approval.Medium }), false),
		"notice-stuck":        noticed(b, approval.NoticeStuck, danger, slacksim.Admin, approval.Stuck{Revision: 1, Reviewer: slacksim.Reviewer}),
		"card-superseded":     draw.FormerCard(sample.View(posted, sample.Second("mistral-medium-2508")), 1, "https://harbor-coffee.slack.com/archives/C1/p1"),
		"card-twice":          draw.FormerCard(sample.View(posted), 1, ""),
		"card-edited":         draw.Card(as(b, who).with(), sample.View(posted, sample.Second(slacksim.SecondReviewer)), false),
		"card-back":           draw.Card(as(b, who).with(), back, false),
		"card-turn":           draw.Card(as(b, who).with(), turn, false),
		"card-frozen":         draw.Card(as(b, who).with(), frozen, false),
		"card-rewriting":      draw.Card(as(b, who).with(), rewriting, false),
		"progress-rewriting":  draw.Progress(b.with(), rewriting),
		"progress-editing":    draw.Progress(b.with(), editing),
		"progress-back":       draw.Progress(b.with(), back),
		"progress-turn":       draw.Progress(b.with(), turn),
		"progress-frozen":     draw.Progress(b.with(), frozen),
		"reply-surprise":      draw.Reply(surprise, true),
		"modal-typed":         modal(typed),
		"modal-changes":       modal(draw.ChangesView(from(danger), review.Next{Tier: approval.High, Who: []string{slacksim.SecondReviewer, slacksim.Admin}, Needs: 1, Enough: true})),
		"modal-changes-low":   modal(draw.ChangesView(from(danger), review.Next{Tier: approval.Low, Needs: 1})),
		"modal-edit-nobody":   modal(last),
		"modal-edit-few":      modal(lastLow),
		"modal-changes-stuck": modal(draw.ChangesView(from(danger), review.Next{Tier: approval.Medium, Needs: 1})),
		"modal-question":      modal(draw.ReasonView(from(danger), true)),
		"modal-edit":          modal(edited),
		"modal-assign":        modal(draw.AssignView(from(danger))),
		"modal-diff":          modal(draw.ChangedView(sample.View(sample.Second("mistral-medium-2508")))),
		"modal-near":          modal(draw.NearView(sample.View(), near)),
		"modal-near-none":     modal(draw.NearView(sample.View(), nil)),
		"modal-delegate":      modal(home.DelegateView()),
		"modal-people":        modal(home.PeopleView(grants, []review.Delegation{{From: slacksim.Reviewer, To: slacksim.SecondReviewer, Until: sample.Noon}}, []steps.Shortage{{Project: slacksim.SalesData, Tier: approval.High, Needs: 2, Have: 1}})),
		"modal-keys":          modal(home.KeysView([]review.Key{{Line: aKey, At: sample.Noon.Add(-30 * time.Hour)}, {Line: aKey, At: sample.Noon.Add(-time.Hour)}}, sample.Noon)),
		"modal-keys-first":    modal(home.KeysView(nil, sample.Noon)),
		"notice-key":          noticed(b, approval.NoticeKey, danger, slacksim.Reviewer, approval.KeyChanged{Print: "SHA256:Xv0cPG4J5nGgQG2mWq4Lk6wqT2QJ6kq3m5m1mX7hYhQ", From: sample.Noon.Add(24 * time.Hour)}),
		"notice-erase":        noticed(b, approval.NoticeErase, danger, slacksim.Admin, approval.EraseWanted{Person: slacksim.Analyst, By: slacksim.Reviewer, Until: sample.Noon.Add(7 * 24 * time.Hour)}),
		"notice-key-removed":  noticed(b, approval.NoticeKey, danger, slacksim.Reviewer, approval.KeyChanged{Print: "SHA256:Xv0cPG4J5nGgQG2mWq4Lk6wqT2QJ6kq3m5m1mX7hYhQ"}),
		"notice-pins-newer":   noticed(b, approval.NoticePins, danger, slacksim.Admin, approval.PinsNoticed{Newer: []approval.PinNoticed{{Channel: slacksim.SalesData, File: "sales.csv", By: slacksim.Analyst, At: sample.Noon}}}),
		"notice-pins-old":     noticed(b, approval.NoticePins, danger, slacksim.Admin, approval.PinsNoticed{Old: []approval.PinNoticed{{Channel: slacksim.SalesData, File: "sales.csv", By: slacksim.Admin, At: sample.Noon.AddDate(0, -4, 0)}}}),
		"notice-habits":       noticed(b, approval.NoticeHabits, danger, slacksim.Admin, someHabits),
		"notice-habits-none":  noticed(b, approval.NoticeHabits, danger, slacksim.Admin, habits.Digest{From: sample.Noon.AddDate(0, 0, -7), Until: sample.Noon, Approvals: 3}),
		"notice-glass":        noticed(b, approval.NoticeGlass, sample.View(posted, sample.In(approval.Done), unapproved), slacksim.Admin, approval.GlassBroken{Revision: 1, Person: slacksim.OtherAnalyst}),
		"notice-glass-own":    noticed(b, approval.NoticeGlass, sample.View(posted, sample.In(approval.Done), unapproved), slacksim.OtherAnalyst, approval.GlassBroken{Revision: 1, Person: slacksim.OtherAnalyst}),
		"notice-glass-anew":   noticed(b, approval.NoticeGlass, sample.View(posted, sealedAnew(time.Time{})), slacksim.OtherAnalyst, approval.GlassBroken{Revision: 1, Person: slacksim.OtherAnalyst}),
		"notice-glass-gone":   noticed(b, approval.NoticeGlass, sample.View(posted, sealedAnew(sample.Noon)), slacksim.OtherAnalyst, approval.GlassBroken{Revision: 1, Person: slacksim.OtherAnalyst}),
		"notice-glass-waits":  noticed(b, approval.NoticeGlassWaits, sample.View(posted, sample.In(approval.Done), unapproved), slacksim.Admin, approval.GlassWaits{Revision: 1, Person: slacksim.OtherAnalyst, Until: sample.Noon.Add(24 * time.Hour)}),
		"notice-glass-rests":  noticed(b, approval.NoticeGlassWaits, sample.View(posted, sample.In(approval.Done), unapproved), slacksim.Admin, approval.GlassWaits{Revision: 1, Person: slacksim.OtherAnalyst, Until: sample.Noon.Add(24 * time.Hour), Rests: true}),
		"notice-glass-not-me": noticed(b, approval.NoticeDisowned, sample.View(posted, sample.In(approval.Done), unapproved), slacksim.Admin, approval.Disowned{Revision: 1, Reviewer: slacksim.OtherAnalyst, TooLate: true, Glass: true}),
		"glass-offer":         notice.Offer([]*approval.Request{danger.Request}),
		"card-glass":          draw.Card(as(b, who).with(), sample.View(posted, sample.In(approval.Done), unapproved), false),
		"reply-glass":         draw.Reply(sample.View(posted, sample.In(approval.Done), unapproved), true),
		"progress-glass":      draw.Progress(b.with(), sample.View(posted, sample.In(approval.Approved), unapproved)),
		"modal-glass":         modal(glassModal),
		"modal-look":          modal(notice.LookView(sample.View(posted, sample.In(approval.Done), unapproved), "k7q2mxd/1")),
		"modal-pins":          modal(draws.BoardView(aBoard)),
		"modal-pins-dm":       modal(draws.BoardView(draws.Board{Channel: "D1", Pins: aBoard.Pins[:1], Now: sample.Noon})),
		"modal-pins-first":    modal(draws.BoardView(draws.Board{Channel: slacksim.SalesData, Admin: true, Now: sample.Noon})),
		"modal-pin":           modal(draws.FormView(slacksim.SalesData, []pins.Upload{{File: approval.File{ID: "F1", Name: "sales.csv", Size: 1200}}}, true)),
		"modal-pinned":        modal(draws.ReadingView(slacksim.SalesData, "It is pinned.")),
		"card-brought":        draw.Card(as(b, who).with(), sample.View(posted, func(v *steps.View) { v.Request.Revision.Manifest.Brought = []string{"C9/2"} }), false),
		"modal-name":          modal(home.NameView()),
		"modal-whose":         modal(home.WhoseView()),
		"modal-noted":         modal(home.NotedView()),
		"modal-notes":         modal(home.NotesView(sample.View(sample.Noted).Book.Own, slacksim.SalesData)),
		"modal-notes-first":   modal(home.NotesView(review.RuleSet{}, slacksim.SalesData)),
		"card-notes":          draw.Card(as(b, who).with(), sample.View(posted, sample.Noted), false),
		"card-saw":            draw.Card(as(b, who).with(), sample.View(posted, func(v *steps.View) { v.Request.Revision.Manifest.Saw = approval.Statistics }), false),
		"card-long-thread":    draw.Card(as(b, who).with(), sample.View(posted, sample.Lengthy), false),
		"modal-saw":           modal(draw.SawView(sample.View(posted, sample.Lengthy, sample.Noted), sample.Past())),
		"modal-saw-first":     modal(draw.SawView(sample.View(posted), thread.Past{})),
		"card-notes-changed": draw.Card(as(b, who).with(), sample.View(posted, sample.Noted, func(v *steps.View) {
			v.Book.Own.Rules.Notes = nil
		}), false),
		"modal-trail":         modal(home.TrailView(review.RuleSet{Own: 3, Rules: review.Rules{LogChannel: slacksim.CodeReview}}, steps.Copies{Begun: 1042, Number: 1041, At: sample.Noon, Waits: sample.Noon})),
		"modal-privacy":       modal(home.PrivacyView(review.RuleSet{Own: 3, Rules: review.Rules{Privacy: &review.Privacy{Hide: "Project Falcon", Keep: review.Keep{Results: 365}}}})),
		"modal-theirs":        modal(home.TheirsView("")),
		"modal-theirs-named":  modal(home.TheirsView(slacksim.Analyst)),
		"modal-theirs-first":  modal(home.TheirsSaid(home.TheirsErase, slacksim.Analyst, nil)),
		"modal-theirs-both":   modal(home.TheirsSaid(home.TheirsErase, slacksim.Analyst, []string{slacksim.Admin})),
		"modal-trail-first":   modal(home.TrailView(review.RuleSet{}, steps.Copies{})),
		"notice-checkpoint":   noticed(b, approval.NoticeCheckpoint, danger, slacksim.CodeReview, approval.Checkpoint{Number: 1041, Size: 266_496, Note: "countersign\n266496\n1q2w3e4r5t6z7u8i9o0p1q2w3e4r5t6z7u8i9o0p1q0=\nnumber 1041\nat 2026-11-27T01:00:00.000000Z\n\n— countersign Az3grl+/=\n"}),
		"notice-log-forks":    noticed(b, approval.NoticeLog, danger, slacksim.Admin, approval.LogAlarm{Why: approval.LogForks}),
		"notice-log-late":     noticed(b, approval.NoticeLog, danger, slacksim.Admin, approval.LogAlarm{Why: approval.LogLate, Since: sample.Noon}),
		"notice-log-stays":    noticed(b, approval.NoticeLog, danger, slacksim.Admin, approval.LogAlarm{Why: approval.LogStays, Since: sample.Noon, Channel: slacksim.CodeReview}),
		"modal-rules":         modal(home.RulesView(review.RuleSet{Rules: review.DefaultRules(approval.DefaultPolicy())}, "")),
		"modal-rules-channel": modal(home.RulesView(review.RuleSet{Project: slacksim.SalesData, Version: 4, Rules: own}, slacksim.SalesData)),
		"modal-figures":       modal(home.FiguresView([]steps.ReviewerStatistics{{Reviewer: slacksim.Reviewer, Decisions: 34, Approvals: 31, Median: 42 * time.Second, Long: 12, Quick: 2, Reversals: 1}})),
		"home-queue":          queue,
		"notice-approved":     noticed(b, approval.NoticeApproved, danger, slacksim.SecondReviewer, approved),
		"notice-receipts":     receipts(b, sample.View(posted, sample.In(approval.Approved)), sample.View(posted, sample.In(approval.Done))),
		"notice-approved-for": noticed(b, approval.NoticeApproved, danger, slacksim.Admin, inPlace),
		"notice-deputy":       noticed(b, approval.NoticeApproved, danger, slacksim.SecondReviewer, inPlace),
		"notice-disowned-for": noticed(b, approval.NoticeDisowned, stopped, slacksim.Admin, approval.Disowned{Revision: 1, Reviewer: slacksim.Reviewer, GivenBy: slacksim.SecondReviewer}),
		"notice-approved-ran": noticed(b, approval.NoticeApproved, sample.View(posted, sample.In(approval.Running)), slacksim.Reviewer, approval.ApprovedBy{Revision: 1, Reviewer: slacksim.Reviewer, Click: approval.Click{Door: approval.CommandLine, OSUser: "ben", Machine: "laptop"}}),
		"notice-approved-there": noticed(b, approval.NoticeApproved, sample.View(posted, sample.In(approval.Approved), elsewhere), slacksim.Reviewer,
			approval.ApprovedBy{Revision: 1, Reviewer: slacksim.Reviewer, Click: approval.Click{Door: approval.CommandLine, OSUser: "ben", Machine: "laptop"}}),
		"notice-decided": noticed(b, approval.NoticeDecided, stopped, slacksim.Reviewer,
			approval.DecidedBy{Revision: 1, Reviewer: slacksim.Reviewer, Verdict: approval.Reject, Click: approval.Click{Door: approval.CommandLine, OSUser: "ben", Machine: "laptop"}}),
		"notice-decided-for": noticed(b, approval.NoticeDecided, stopped, slacksim.Admin,
			approval.DecidedBy{Revision: 1, Reviewer: slacksim.Reviewer, Verdict: approval.Rewrite, Click: approval.Click{Door: approval.CommandLine, OSUser: "ben", Machine: "laptop"}}),
		"notice-approved-off": noticed(b, approval.NoticeApproved, stopped, slacksim.Reviewer, approved),
		"notice-approved-edit": noticed(b, approval.NoticeApproved, sample.View(posted, sample.In(approval.Drafting), func(v *steps.View) {
			v.Request.Edit = &approval.Edit{By: slacksim.SecondReviewer}
		}), slacksim.Reviewer, approved),
		"notice-surprise":     noticed(b, approval.NoticeSurprise, surprise, slacksim.Admin, approval.Surprise{Revision: 1}),
		"notice-disowned":     noticed(b, approval.NoticeDisowned, stopped, slacksim.Admin, approval.Disowned{Revision: 1, Reviewer: slacksim.Reviewer}),
		"notice-reminder":     noticed(b, approval.NoticeReminder, danger, slacksim.Reviewer, approval.Waiting{Revision: 1}),
		"notice-escalation":   noticed(b, approval.NoticeReminder, danger, slacksim.Admin, approval.Waiting{Revision: 1, Escalated: true}),
		"notice-over":         noticed(b, approval.NoticeReminder, sample.View(posted, sample.In(approval.Rejected, approval.Words("No."))), slacksim.Reviewer, approval.Waiting{Revision: 1}),
		"notice-assigned":     noticed(b, approval.NoticeAssigned, danger, slacksim.Reviewer, approval.Asked{Revision: 1, By: slacksim.Admin}),
		"notice-opinion":      noticed(b, approval.NoticeOpinion, danger, slacksim.SecondReviewer, approval.Asked{Revision: 1, By: slacksim.Reviewer}),
		"notice-edit-refused": noticed(b, approval.NoticeEditFailed, sample.View(posted), slacksim.Reviewer, approval.EditRefused{Revision: 1, Why: approval.Words("line 3: the name sales is not defined"), Code: sample.SampleCode}),
	}
}

func TestWhatIsEditedAndNotChangedIsTheCode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		code := sample.Canonical(rt)
		parts, ok := kit.Split(code)
		if !ok {
			require.Greater(rt, len(parts), kit.MaxEditParts)
			return
		}
		view, fits := draw.EditView(sample.View(sample.Code(code)).Request, review.Next{}, draw.Origin{})
		require.True(rt, fits)
		var typed []string
		for _, block := range view.Blocks.BlockSet {
			if input, is := block.(*slack.InputBlock); is {
				field := input.Element.(*slack.PlainTextInputBlockElement)
				require.LessOrEqual(rt, kit.Units(field.InitialValue), kit.FieldChars)
				typed = append(typed, field.InitialValue)
			}
		}
		require.Equal(rt, code, kit.Join(typed), "byte for byte")
		require.Equal(rt, 1, parts[0].From)
		for i := 1; i < len(parts); i++ {
			require.Equal(rt, parts[i-1].To+1, parts[i].From, "every line once")
		}
	})
}

func TestADiffShowsEveryChangeAndLittleElse(t *testing.T) {
	t.Parallel()
	var before, after []string
	for n := range 100 {
		before = append(before, fmt.Sprintf("line_%d", n))
	}
	after = append(append([]string{}, before...), "more")
	after[50] = "another"
	all := approval.Diff(strings.Join(before, "\n")+"\n", strings.Join(after, "\n")+"\n")
	require.Equal(t, "2 lines added, 1 removed", draw.ChangedWords(all))
	text := draw.DiffText(all)
	require.Contains(t, text, "-  51  line_50")
	require.Contains(t, text, "+  51  another")
	require.Contains(t, text, "+ 101  more")
	require.Contains(t, text, "  ···  47 lines as before")
	require.Less(t, len(text), 20)
	require.Equal(t, "nothing changed", draw.ChangedWords(approval.Diff("a\n", "a\n")))
	huge := approval.Diff("", strings.Repeat(strings.Repeat("x", 190)+"\n", 2000))
	p := &kit.Page{}
	draw.Diff(p, huge)
	require.LessOrEqual(t, len(p.Blocks), 100)
	require.Contains(t, p.Text(), "do not fit here")
}

// aBoard is what an administrator sees: a pin that is old, with a newer upload, and one for some people.
var aBoard = draws.Board{Channel: slacksim.SalesData, Admin: true, Old: 90, Now: sample.Noon, Pins: []pins.Pin{
	{Project: slacksim.SalesData, By: slacksim.Admin, At: sample.Noon.AddDate(0, -4, 0), File: approval.File{ID: "F1", Name: "sales.csv", Size: 1_234_567, Shared: &approval.Sharing{By: slacksim.Analyst, At: sample.Noon.AddDate(0, -5, 0)}}},
	{Project: slacksim.SalesData, By: slacksim.Admin, At: sample.Noon.Add(-time.Hour), People: []string{slacksim.Analyst, slacksim.Reviewer}, File: approval.File{ID: "F2", Name: "salaries.csv", Size: 12}},
}, Offers: []pins.Offer{{Pin: pins.Pin{File: approval.File{ID: "F1"}}, Change: &pins.Change{Added: []string{"region"}, Gone: []string{"area"}, Rows: 1200, Had: 1100},
	Upload: pins.Upload{File: approval.File{ID: "F3", Name: "sales.csv", Size: 1_300_000, Shared: &approval.Sharing{By: slacksim.Analyst, At: sample.Noon}}}}}}

// Two wrong fields of one kind: the upper one is named, each time.
func TestTheTopmostWrongFieldOfRulesIsNamed(t *testing.T) {
	t.Parallel()
	wrong := slack.BlockAction{Value: "a lot"}
	medium, high := home.TierField(ids.FieldCosts, approval.Medium), home.TierField(ids.FieldCosts, approval.High)
	for range 20 {
		_, field, why := home.RulesOf(map[string]slack.BlockAction{medium: wrong, high: wrong})
		require.Equal(t, medium, field)
		require.NotEmpty(t, why)
		_, field, _ = home.RulesOf(map[string]slack.BlockAction{ids.FieldWait: wrong, ids.FieldLast: wrong})
		require.Equal(t, ids.FieldWait, field)
	}
}

// Who has a role, or is away, and finds no room in the modal is counted there.
func TestPeopleThatAreNotListedAreCounted(t *testing.T) {
	t.Parallel()
	away := make([]review.Delegation, 31)
	for i := range away {
		away[i] = review.Delegation{From: slacksim.Reviewer, To: slacksim.SecondReviewer, Until: sample.Noon}
	}
	grants := make([]review.Grant, 62)
	for i := range grants {
		grants[i] = review.Grant{User: slacksim.Reviewer, Role: review.RoleReviewer}
	}
	view := home.PeopleView(grants, away, nil)
	require.LessOrEqual(t, len(view.Blocks.BlockSet), 100)
	shown, err := json.Marshal(view)
	require.NoError(t, err)
	require.Contains(t, string(shown), "Not listed here: 1 more absence.")
	require.Contains(t, string(shown), "Not listed here: 2 more roles.")
}
