package bot

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
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/slacksim"
)

// second is the sample after a round: another version, because a reviewer or an
// editor wanted it so.
func second(author string) func(v *steps.View) {
	return func(v *steps.View) {
		former := *v.Request.Revision
		v.Former = &former
		withCode(strings.Replace(former.Code, `groupby("month")["amount"].sum()`, `groupby("month")["amount"].sum().round(2)`+"\n# whole months only", 1))(v)
		v.Request.Revision.Number, v.Request.Revision.Author, v.Request.Rounds = 2, author, 1
		if !slackUser.MatchString(author) {
			v.Request.Wishes = []approval.Wish{{Revision: 1, Code: former.Code, By: slacksim.Reviewer, Words: "Round to cents, please.", At: noon}}
		}
	}
}

// risky is the sample as it looks when it asks for care.
func risky(v *steps.View) {
	v.Terms = review.Terms{Tier: approval.High, Why: []string{"The inspection found 2 dangers.", "The data of this channel is confidential."}, Policy: "team/3",
		Approvals: 2, Typed: true, Slack: true, Digest: v.Request.Revision.Digest}
	v.Request.Revision.Findings = []approval.Finding{{Level: approval.Note, Line: 3, Text: "reads sales.csv"}, {Level: approval.Danger, Line: 4, Text: "starts another program"},
		{Level: approval.Danger, Line: 3, Text: "starts another program"}, {Level: approval.Caution, Text: "uses getattr with a computed name"}}
	v.Request.Revision.Manifest.Policy = "team/3"
	v.Request.Decisions = []approval.Decision{{RequestID: v.Request.ID, Revision: 1, Digest: v.Request.Revision.Digest, Reviewer: slacksim.SecondReviewer, InPlaceOf: slacksim.Reviewer,
		Verdict: approval.Approve, At: noon.Add(time.Minute)}}
}

// noticed is a notice of this kind about a request.
func noticed(b *Bot, kind approval.NoticeKind, v *steps.View, to string, said any) *page {
	data, err := json.Marshal(said)
	if err != nil {
		panic(err)
	}
	p, err := notices[kind](b, &steps.NoticeView{Notice: approval.Notice{Key: "k", Kind: kind, Data: data, At: noon, RequestID: v.Request.ID}, View: v, Now: noon}, to)
	if err != nil {
		panic(err)
	}
	return p
}

// reviewPages draws what belongs to reviewing.
func reviewPages(b *Bot) map[string]*page {
	who := Identity{URL: "https://harbor-coffee.slack.com/", TeamID: slacksim.DefaultTeam.ID, User: slacksim.BotUser}
	posted := func(v *steps.View) {
		v.Session.ThreadTS = "1763812800.000100"
		v.Posts[steps.SurfaceCard] = steps.Post{Channel: slacksim.CodeReview, TS: "1763812801.000100"}
	}
	b.self = &who
	from := func(v *steps.View) origin {
		return origin{Channel: "C1", Message: "1.2", Seal: sealOf(v.Request).String()}
	}
	modal := func(view slack.ModalViewRequest) *page { return &page{blocks: view.Blocks.BlockSet} }
	rewriting := sample(second("mistral-medium-2508"))
	rewriting.Request.State = approval.Drafting
	editing := sample(posted)
	editing.Request.State, editing.Request.Edit = approval.Drafting, &approval.Edit{By: slacksim.SecondReviewer}
	back := sample(posted, func(v *steps.View) { v.Request.Reason = "sales.csv has changed since it was approved." })
	turn := sample(posted, func(v *steps.View) {
		v.Request.Assignee, v.Request.Opinions = slacksim.SecondReviewer, []string{slacksim.Admin, slacksim.Reviewer}
	})
	frozen := sample(posted, in(approval.Approved, ""), func(v *steps.View) {
		v.Frozen, v.FrozenBy = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), "last 2 days of the month"
	})
	danger := sample(posted, risky)
	shell := sample(posted, risky, func(v *steps.View) { v.Terms.Slack = false })
	near := &steps.Near{Question: "What were sales per month last year?", Code: "import pandas as pd\n\nsales = pd.read_csv(\"old.csv\")\n", At: noon, Alike: 75}
	edited, _ := editView(sample(withCode(longCode(70))).Request, from(danger))
	typed, _ := b.reviewView(danger, from(danger))
	odd := with(approval.Result{Outcome: approval.OK, Value: "42", Observed: approval.Observed{Opened: []string{"sales.csv"}, Spawned: []string{"/bin/sh"}}})
	surprise := sample(odd, func(v *steps.View) {
		v.Request.Revision.Findings = []approval.Finding{{Level: approval.Note, Line: 3, Text: "reads sales.csv", Kind: "read", About: "sales.csv"}}
	})
	own := review.DefaultRules(approval.DefaultPolicy())
	own.High.Approvals, own.High.Slack, own.Medium.Owners, own.Class, own.CostMedium = 2, false, true, review.Confidential, budget.Dollar
	own.Hosts, own.Freezes, own.ExpiryMinutes = []string{"api.example.com"}, []string{"last 2 days of the month"}, 90
	grants := []review.Grant{{Role: review.RoleReviewer, User: slacksim.Reviewer}, {Role: review.RoleFallback, Project: slacksim.SalesData, User: slacksim.SecondReviewer, By: slacksim.Admin, At: noon}}
	queue := &page{}
	for _, row := range []steps.QueueRow{
		{ID: "bcd23fg", Project: slacksim.SalesData, Asker: slacksim.Analyst, Question: "What were sales?", Tier: approval.High, Dangers: 2, Lines: 412, Cost: 4_100_000, Approvals: 1, Needed: 2, Since: noon, ExpiresAt: noon.Add(time.Hour)},
		{ID: "bcd23fh", Project: "D1", Asker: slacksim.OtherAnalyst, Question: "And <costs>?", Tier: approval.Low, Lines: 1, Needed: 1, Since: noon.Add(-2 * time.Hour), ExpiresAt: noon.Add(time.Hour)},
		{ID: "bcd23fj", Project: "D1", Asker: slacksim.OtherAnalyst, Question: "And the tax?", Tier: approval.High, Lines: 3, Needed: 1, Since: noon, ExpiresAt: noon.Add(time.Hour),
			Closed: "Code of high risk is decided on by the channel's own reviewers here."},
	} {
		b.queueRow(queue, row, noon)
	}
	queue.buttons("queue", queueSelects(shelfmark{Tier: approval.High})...)
	queue.buttons("pages", button(actionBack, "Previous", "0", ""), button(actionNext, "Next", "2", ""))
	b.homeAway(queue, slacksim.Reviewer, review.Roster{Delegations: []review.Delegation{{From: slacksim.Reviewer, To: slacksim.SecondReviewer, Until: noon}}})
	approved := approval.ApprovedBy{Revision: 1, Digest: danger.Request.Revision.Digest, Reviewer: slacksim.SecondReviewer}
	inPlace := approved
	inPlace.InPlaceOf = slacksim.Admin
	stopped := sample(posted, second(slacksim.Reviewer))
	return map[string]*page{
		"card-danger":         b.card(danger, who, false),
		"card-command-line":   b.card(shell, who, false),
		"card-second":         b.card(sample(posted, second("mistral-medium-2508")), who, false),
		"card-superseded":     b.formerCard(sample(posted, second("mistral-medium-2508")), 1, "https://harbor-coffee.slack.com/archives/C1/p1"),
		"card-twice":          b.formerCard(sample(posted), 1, ""),
		"card-edited":         b.card(sample(posted, second(slacksim.SecondReviewer)), who, false),
		"card-back":           b.card(back, who, false),
		"card-turn":           b.card(turn, who, false),
		"card-frozen":         b.card(frozen, who, false),
		"card-rewriting":      b.card(rewriting, who, false),
		"progress-rewriting":  b.progress(rewriting),
		"progress-editing":    b.progress(editing),
		"progress-back":       b.progress(back),
		"progress-turn":       b.progress(turn),
		"progress-frozen":     b.progress(frozen),
		"reply-surprise":      b.reply(surprise, true),
		"modal-typed":         modal(typed),
		"modal-changes":       modal(changesView(from(danger))),
		"modal-edit":          modal(edited),
		"modal-assign":        modal(assignView(from(danger))),
		"modal-diff":          modal(b.changedView(sample(second("mistral-medium-2508")))),
		"modal-near":          modal(nearView(sample(), near)),
		"modal-near-none":     modal(nearView(sample(), nil)),
		"modal-delegate":      modal(delegateView()),
		"modal-people":        modal(peopleView(grants, []review.Delegation{{From: slacksim.Reviewer, To: slacksim.SecondReviewer, Until: noon}}, []steps.Shortage{{Project: slacksim.SalesData, Tier: approval.High, Needs: 2, Have: 1}})),
		"modal-name":          modal(nameView()),
		"modal-whose":         modal(whoseView()),
		"modal-rules":         modal(rulesView(review.RuleSet{Rules: review.DefaultRules(approval.DefaultPolicy())}, "")),
		"modal-rules-channel": modal(rulesView(review.RuleSet{Project: slacksim.SalesData, Version: 4, Rules: own}, slacksim.SalesData)),
		"modal-figures":       modal(figuresView([]steps.ReviewerStatistics{{Reviewer: slacksim.Reviewer, Decisions: 34, Approvals: 31, Median: 42 * time.Second, Long: 12, Quick: 2, Reversals: 1}})),
		"home-queue":          queue,
		"notice-approved":     noticed(b, approval.NoticeApproved, danger, slacksim.SecondReviewer, approved),
		"notice-approved-for": noticed(b, approval.NoticeApproved, danger, slacksim.Admin, inPlace),
		"notice-deputy":       noticed(b, approval.NoticeApproved, danger, slacksim.SecondReviewer, inPlace),
		"notice-disowned-for": noticed(b, approval.NoticeDisowned, stopped, slacksim.Admin, approval.Disowned{Revision: 1, Reviewer: slacksim.Reviewer, GivenBy: slacksim.SecondReviewer}),
		"notice-approved-ran": noticed(b, approval.NoticeApproved, sample(posted, in(approval.Running, "")), slacksim.Reviewer, approval.ApprovedBy{Revision: 1, Reviewer: slacksim.Reviewer, Click: approval.Click{Door: approval.CommandLine}}),
		"notice-approved-off": noticed(b, approval.NoticeApproved, stopped, slacksim.Reviewer, approved),
		"notice-disowned":     noticed(b, approval.NoticeDisowned, stopped, slacksim.Admin, approval.Disowned{Revision: 1, Reviewer: slacksim.Reviewer}),
		"notice-reminder":     noticed(b, approval.NoticeReminder, danger, slacksim.Reviewer, approval.Waiting{Revision: 1}),
		"notice-escalation":   noticed(b, approval.NoticeReminder, danger, slacksim.Admin, approval.Waiting{Revision: 1, Escalated: true}),
		"notice-over":         noticed(b, approval.NoticeReminder, sample(posted, in(approval.Rejected, "No.")), slacksim.Reviewer, approval.Waiting{Revision: 1}),
		"notice-assigned":     noticed(b, approval.NoticeAssigned, danger, slacksim.Reviewer, approval.Asked{Revision: 1, By: slacksim.Admin}),
		"notice-opinion":      noticed(b, approval.NoticeOpinion, danger, slacksim.SecondReviewer, approval.Asked{Revision: 1, By: slacksim.Reviewer}),
		"notice-edit-refused": noticed(b, approval.NoticeEditFailed, sample(posted), slacksim.Reviewer, approval.EditRefused{Revision: 1, Why: "line 3: the name sales is not defined", Code: sampleCode}),
	}
}

func TestWhatIsEditedAndNotChangedIsTheCode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		code := canonical(rt)
		parts, ok := split(code)
		if !ok {
			require.Greater(rt, len(parts), maxEditParts)
			return
		}
		view, fits := editView(sample(withCode(code)).Request, origin{})
		require.True(rt, fits)
		var typed []string
		for _, block := range view.Blocks.BlockSet {
			if input, is := block.(*slack.InputBlock); is {
				field := input.Element.(*slack.PlainTextInputBlockElement)
				require.LessOrEqual(rt, units(field.InitialValue), fieldChars)
				typed = append(typed, field.InitialValue)
			}
		}
		require.Equal(rt, code, join(typed), "byte for byte")
		require.Equal(rt, 1, parts[0].from)
		for i := 1; i < len(parts); i++ {
			require.Equal(rt, parts[i-1].to+1, parts[i].from, "every line once")
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
	require.Equal(t, "2 lines added, 1 removed", ChangedWords(all))
	text := DiffText(all)
	require.Contains(t, text, "-  51  line_50")
	require.Contains(t, text, "+  51  another")
	require.Contains(t, text, "+ 101  more")
	require.Contains(t, text, "  ···  47 lines as before")
	require.Less(t, len(text), 20)
	require.Equal(t, "nothing changed", ChangedWords(approval.Diff("a\n", "a\n")))
	huge := approval.Diff("", strings.Repeat(strings.Repeat("x", 190)+"\n", 2000))
	p := &page{}
	p.diff(huge)
	require.LessOrEqual(t, len(p.blocks), 100)
	require.Contains(t, p.text(), "do not fit in here")
}
