package draw_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/books"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/command"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/draw/money"
	"countersign/bot/draw/notice"
	"countersign/bot/draw/sample"
	"countersign/bot/kit"
	"countersign/budget"
	"countersign/internal/slacksim"
)

// moneyPages draws every message about money in the states that matter.
func moneyPages(b stand) map[string]*kit.Page {
	b.self = kit.Identity{URL: "https://harbor-coffee.slack.com/", TeamID: slacksim.DefaultTeam.ID, User: slacksim.BotUser}
	posted := func(v *steps.View) { v.Session.ThreadTS = "1763812800.000100" }
	cheaper := func(v *steps.View) {
		v.Request.Downgraded = &approval.Downgraded{From: "mistral-medium-2508", To: "codestral-2508", Scope: sample.ScopeOf(budget.Project, slacksim.SalesData)}
	}
	carded := func(v *steps.View) {
		v.Posts[steps.SurfaceCard] = steps.Post{Channel: slacksim.CodeReview, TS: "1763812801.000100"}
	}
	quoted := func(v *steps.View) { v.Request.Revision.Quote = 900_000 }
	waits := func(k *approval.Block) { k.Wait, k.Until = true, sample.December }
	tried := func(k *approval.Block) { k.By = slacksim.Reviewer }
	draft, run := sample.View(posted, sample.BlockedBy(budget.ForDraft)), sample.View(posted, sample.BlockedBy(budget.ForRun, tried))
	asks, waiting := sample.View(posted, sample.BlockedBy(budget.ForDraft), sample.AskedFor(nil)), sample.View(posted, sample.BlockedBy(budget.ForDraft, waits))
	refused, funded := sample.View(posted, sample.BlockedBy(budget.ForDraft), sample.AskedFor(sample.Declined)), sample.View(posted, sample.In(approval.Drafting), sample.AskedFor(sample.GrantedTopUp))
	insists := sample.View(posted, sample.BlockedBy(budget.ForDraft, func(k *approval.Block) {
		k.Declined = &approval.Downgraded{From: "mistral-medium-2508", To: "codestral-2508", Scope: k.Tight().Limit.Scope}
	}))
	fits := sample.ChoicesOf(draft)
	fits.Fits = true
	team := sample.OfTen(sample.ScopeOf(budget.Team, slacksim.DefaultTeam.ID), 8*budget.Dollar, func(s *budget.Standing) {
		s.Limit.Policy = budget.LimitPolicy{Warn: []int{95}, Downgrade: []budget.Downgrade{{To: "codestral-2508"}}, Without: []budget.Ability{budget.Upload}}
	})
	thread := sample.OfTen(sample.ScopeOf(budget.Session, draft.Session.ID), 10*budget.Dollar)
	ends := []steps.GrantEnd{{Words: "until the end of today", At: sample.Noon.Add(12 * time.Hour)}, {Words: "for 24 hours", At: sample.Noon.Add(24 * time.Hour)}}
	topUp := approval.TopUpAsked{ID: "t12345678", AskedBy: slacksim.Analyst, Scope: sample.ScopeOf(budget.User, slacksim.Analyst), Amount: 5 * budget.Dollar, Reason: "The board meets tomorrow."}
	modal := func(v slack.ModalViewRequest) *kit.Page { return &kit.Page{Blocks: v.Blocks.BlockSet} }
	told := func(v *steps.NoticeView, to string) *kit.Page {
		p, err := notice.Notices[v.Kind](b.with(), v, to)
		if err != nil {
			panic(err)
		}
		return p
	}
	digest := steps.Digest{From: sample.December.AddDate(0, 0, -7), Until: sample.December, Total: 12 * budget.Dollar,
		People:   []steps.Spender{{ID: slacksim.Analyst, Amount: 8 * budget.Dollar}, {ID: slacksim.OtherAnalyst, Amount: 4 * budget.Dollar}},
		Projects: []steps.Spender{{ID: slacksim.SalesData, Amount: 12 * budget.Dollar}}, Models: []steps.Spender{{ID: "mistral-medium-2508", Amount: 12 * budget.Dollar}},
		Limits: []budget.Standing{team, sample.OfTen(sample.ScopeOf(budget.Role, budget.Members), 0)}, Runs: 40, Off: 0.125, OffP95: 0.4, Quoted: 2 * budget.Dollar, Actual: 180 * budget.Cent, Paid: 90, Refused: 3, Requests: 45,
		Outcomes: map[approval.State]int{approval.Done: 40, approval.Rejected: 3, approval.Expired: 2}}
	m := map[string]*kit.Page{
		"budget-help":         money.HelpBudget(),
		"blocked-draft":       draw.Blocked(b.with(), draft, sample.ChoicesOf(draft, "codestral-2508")),
		"blocked-many-models": draw.Blocked(b.with(), draft, sample.ChoicesOf(draft, "a", "b", "c")),
		"blocked-two-models":  draw.Blocked(b.with(), draft, sample.ChoicesOf(draft, "a", "b")),
		"blocked-run":         draw.Blocked(b.with(), run, sample.ChoicesOf(run)),
		"blocked-asked":       draw.Blocked(b.with(), asks, sample.ChoicesOf(asks)),
		"blocked-declined":    draw.Blocked(b.with(), refused, sample.ChoicesOf(refused)),
		"blocked-waits":       draw.Blocked(b.with(), waiting, sample.ChoicesOf(waiting)),
		"blocked-fits":        draw.Blocked(b.with(), draft, fits),
		"blocked-insists":     draw.Blocked(b.with(), insists, sample.ChoicesOf(insists, "codestral-2508")),
		"modal-top":           modal(money.TopView(&kit.Page{}, command.Order{By: "people", Period: "this month"})),
		"modal-explain":       modal(money.ExplainView()),
		"card-blocked":        draw.Card(as(b, kit.Identity{}).with(), run, false),
		"card-quoted":         draw.Card(as(b, kit.Identity{}).with(), sample.View(quoted), false),
		"reply-quoted":        draw.Reply(sample.View(quoted, sample.With(approval.Result{Outcome: approval.OK, Value: "42"})), true),
		"progress-cheaper":    draw.Progress(b.with(), sample.View(cheaper, sample.In(approval.Drafting))),
		"modal-limit":         modal(money.LimitView(money.LimitForm{Models: b.models, Channel: "C1", Kind: string(budget.User)})),
		"modal-limit-channel": modal(money.LimitView(money.LimitForm{Models: b.models, Channel: "C1", Kind: string(budget.Project)})),
		"modal-limit-thread":  modal(money.LimitView(money.LimitForm{Models: b.models, Channel: "C1", Kind: string(budget.Session)})),
		"modal-limit-edit":    modal(money.LimitView(money.LimitForm{Models: b.models, Home: true, Edits: &team, Named: money.Whose(team.Limit.Scope, "")})),
		"modal-more-money":    modal(draw.MoreMoneyView(draft.Request, sample.ChoicesOf(draft), draw.Origin{Seal: draft.Request.ID})),
		"modal-grant":         modal(draw.GrantView(&asks.Request.TopUps[0], ends, "v")),
		"modal-decline":       modal(draw.DeclineView("v")),
		"notice-overrun":      told(sample.Notice(approval.NoticeOverrun, draft, approval.Overrun{What: "mistral-large-2512", Asked: "codestral-2508", Held: 2 * budget.Cent, Cost: 7 * budget.Cent}), slacksim.Admin),
		"notice-threshold":    told(sample.Notice(approval.NoticeThreshold, nil, approval.Threshold{Standing: team, Mark: 80}), slacksim.Admin),
		"notice-stop":         told(sample.Notice(approval.NoticeStop, draft, approval.Stop{Standing: thread, Needed: 5 * budget.Cent, Person: slacksim.Analyst}), slacksim.Analyst),
		"notice-stop-admin":   told(sample.Notice(approval.NoticeStop, draft, approval.Stop{Standing: thread, Needed: 5 * budget.Cent, Person: slacksim.Analyst}), slacksim.Admin),
		"notice-forecast":     told(sample.Notice(approval.NoticeForecast, nil, approval.Forecast{Standing: team, At: sample.December.AddDate(0, 0, -12)}), slacksim.Admin),
		"notice-spike": told(sample.Notice(approval.NoticeSpike, nil, approval.Spike{Spike: budget.Spike{Day: sample.Noon, Spent: 16 * budget.Dollar, Usual: 4 * budget.Dollar, Sigma: 150 * budget.Cent},
			People: []approval.SpentOn{{ID: slacksim.Analyst, Amount: 15 * budget.Dollar}, {ID: approval.System, Amount: budget.Cent}}, Channels: []approval.SpentOn{{ID: slacksim.SalesData, Amount: 16 * budget.Dollar}}}), slacksim.Admin),
		"notice-differs": told(sample.Notice(approval.NoticeDiffers, nil, approval.Differs{Provider: "Mistral", From: "2026-11-24", To: "2026-11-26", More: 2, Lines: []approval.DiffersLine{
			{Day: "2026-11-25", Model: "codestral-2508", Ours: 1_200_300, Theirs: 1_400_100, Paid: 48 * budget.Cent, Billed: 61 * budget.Cent}, {Day: "2026-11-26", Model: "mistral-large-2512", Theirs: 9_000}, {Day: "2026-11-26", Model: "codestral-2508", Ours: 500, Paid: budget.Cent}}}), slacksim.Admin),
		"notice-differs-boxes": told(sample.Notice(approval.NoticeDiffers, nil, approval.Differs{Provider: "E2B", From: "2026-11-24", To: "2026-11-26", Boxes: true, Lines: []approval.DiffersLine{
			{Day: "2026-11-25", Model: "boxes", Ours: 1_800_400, Theirs: 2_400_000, Paid: 48 * budget.Cent}, {Day: "2026-11-26", Model: "boxes", Theirs: 90_000}}}), slacksim.Admin),
		"modal-paced": func() *kit.Page {
			p := &kit.Page{}
			money.Paced(p, budget.Pace{Spent: 23 * budget.Dollar, PerDay: 120 * budget.Cent, Days: 7, Projected: 28 * budget.Dollar, Until: sample.December})
			return p
		}(),
		"modal-try": func() *kit.Page { // what is its own; below it stands the form of the rules
			v := home.TryView(review.RuleSet{Rules: review.DefaultRules(approval.DefaultPolicy())})
			return &kit.Page{Blocks: v.Blocks.BlockSet[:2]}
		}(),
		"modal-tried":          home.Tried(triedOnce()),
		"modal-tried-none":     home.Tried(books.Outcome{Since: sample.Noon.AddDate(0, 0, -30), Until: sample.Noon, Versions: 12}),
		"notice-topup":         told(sample.Notice(approval.NoticeTopUp, asks, topUp), slacksim.Admin),
		"notice-topup-granted": told(sample.Notice(approval.NoticeTopUp, funded, topUp), slacksim.Admin),
		"notice-topup-refused": told(sample.Notice(approval.NoticeTopUp, refused, topUp), slacksim.Admin),
		"notice-topup-idle":    told(sample.Notice(approval.NoticeTopUp, sample.View(sample.In(approval.Withdrawn), sample.AskedFor(nil)), topUp), slacksim.Admin),
		"notice-granted":       told(sample.Notice(approval.NoticeTopUpOutcome, funded, topUp), slacksim.Analyst),
		"notice-declined":      told(sample.Notice(approval.NoticeTopUpOutcome, refused, topUp), slacksim.Analyst),
		"notice-funded":        told(sample.Notice(approval.NoticeFunded, sample.View(posted, carded), struct{}{}), slacksim.Reviewer),
		"notice-digest":        told(sample.Notice(approval.NoticeDigest, nil, digest), slacksim.Admin),
	}
	return m
}

// triedOnce is what other rules would have changed, one of each kind.
func triedOnce() books.Outcome {
	o := books.Outcome{Since: sample.Noon.AddDate(0, 0, -30), Until: sample.Noon, Versions: 41, Payments: 120, Spent: 12 * budget.Dollar, Would: 9 * budget.Dollar}
	person := sample.ScopeOf(budget.User, slacksim.Analyst)
	channel, thread, team := sample.ScopeOf(budget.Project, slacksim.SalesData), sample.ScopeOf(budget.Session, "s"), sample.ScopeOf(budget.Team, slacksim.DefaultTeam.ID)
	for i, c := range []books.Changed{{Kind: books.OtherTier, From: "low", To: "medium"}, {Kind: books.OtherQuorum, From: "1", To: "2", Given: 1, Ran: true}, {Kind: books.OtherQuorum, From: "2", To: "1", Given: 2, Ran: true},
		{Kind: books.OtherCare, To: "typed"}, {Kind: books.OtherCare, From: "terminal"}, {Kind: books.NoModel, To: "mistral-large-2512"}, {Kind: books.NoHost, To: "api.example.com"},
		{Kind: books.OverBudget, Scope: &person, Needed: 5 * budget.Cent}, {Kind: books.OverBudget, Scope: &thread, Needed: 5 * budget.Cent}, {Kind: books.HasRoom, Scope: &channel, Needed: 7 * budget.Cent}, {Kind: books.HasRoom, Scope: &team, Needed: 7 * budget.Cent}} {
		c.RequestID, c.At, c.Project, c.Asker = "k39jnxh", sample.Noon.AddDate(0, 0, i-20), slacksim.SalesData, slacksim.Analyst
		o.Changes = append(o.Changes, c)
	}
	return o
}

func TestSlackTakesEveryMessageAboutMoney(t *testing.T) {
	t.Parallel()
	manifest, err := os.ReadFile("../../manifest.yaml")
	require.NoError(t, err)
	sim := slacksim.Start(t, slacksim.Options{Manifest: manifest, PostBurst: -1})
	api := slack.New(sim.BotToken(), slack.OptionAPIURL(sim.APIURL()))
	for name, p := range moneyPages(stand{models: models}) {
		if strings.HasPrefix(name, "modal-") {
			continue
		}
		_, _, err := api.PostMessageContext(t.Context(), slacksim.SalesData, p.Options()...)
		require.NoError(t, err, name)
		require.NotContains(t, p.Text(), "█", "%s: nobody wants to hear a bar", name)
		require.NotEmpty(t, p.Text(), name)
	}
}
