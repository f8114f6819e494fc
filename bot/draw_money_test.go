package bot

import (
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/slacksim"
)

// blockedBy has a budget refuse the next step of a request.
func blockedBy(purpose budget.Purpose, change ...func(*approval.Block)) func(v *steps.View) {
	return func(v *steps.View) {
		if purpose == budget.ForDraft {
			in(approval.Drafting, "")(v)
		}
		s := ofTen(scopeOf(budget.User, slacksim.Analyst), 9*budget.Dollar+97*budget.Cent)
		block := &approval.Block{Purpose: purpose, Needed: 5 * budget.Cent, Model: v.Request.Model, Standings: []budget.Standing{s}, At: noon}
		for _, c := range change {
			c(block)
		}
		v.Request.Blocked, v.Standings = block, []budget.Standing{s}
	}
}

// asked adds a top-up, and decides it as told.
func askedFor(decide func(*approval.TopUp)) func(v *steps.View) {
	return func(v *steps.View) {
		t := approval.TopUp{ID: "t12345678", RequestID: v.Request.ID, Scope: scopeOf(budget.User, slacksim.Analyst), AskedBy: slacksim.Analyst,
			Amount: 5 * budget.Dollar, Reason: "The board meets tomorrow.", At: noon}
		if decide != nil {
			t.DecidedBy, t.DecidedAt = slacksim.Admin, noon.Add(time.Hour)
			decide(&t)
		}
		v.Request.TopUps = []approval.TopUp{t}
	}
}

func grantedTopUp(t *approval.TopUp) { t.Granted, t.ExpiresAt = true, noon.Add(24*time.Hour) }
func declined(t *approval.TopUp)     { t.Answer = "Please wait for December." }

// notice is a notice that says this, about a request or about none.
func notice(kind approval.NoticeKind, v *steps.View, data any) *steps.NoticeView {
	return &steps.NoticeView{Notice: approval.Notice{Key: "k", Kind: kind, Data: mustJSON(data)}, View: v, Now: noon, Roster: review.Roster{Admins: []string{slacksim.Admin}}}
}

// choicesOf are the ways on that a blocked request has.
func choicesOf(v *steps.View, models ...string) *steps.Choices {
	c := &steps.Choices{Block: v.Request.Blocked, FitsFrom: december, Missing: 2 * budget.Cent, CanTopUp: true, TopUp: v.Request.OpenTopUp()}
	for i, m := range models {
		c.Models = append(c.Models, steps.ModelChoice{Model: m, Most: budget.USD(i+1) * budget.Cent})
	}
	return c
}

// moneyPages draws every message about money in the states that matter.
func moneyPages(b *Bot) map[string]*page {
	b.self = &Identity{URL: "https://harbor-coffee.slack.com/", TeamID: slacksim.DefaultTeam.ID, User: slacksim.BotUser}
	posted := func(v *steps.View) { v.Session.ThreadTS = "1763812800.000100" }
	cheaper := func(v *steps.View) {
		v.Request.Downgraded = &approval.Downgraded{From: "mistral-medium-2508", To: "codestral-2508", Scope: scopeOf(budget.Project, slacksim.SalesData)}
	}
	carded := func(v *steps.View) {
		v.Posts[steps.SurfaceCard] = steps.Post{Channel: slacksim.CodeReview, TS: "1763812801.000100"}
	}
	quoted := func(v *steps.View) { v.Request.Revision.Quote = 900_000 }
	waits := func(k *approval.Block) { k.Wait, k.Until = true, december }
	tried := func(k *approval.Block) { k.By = slacksim.Reviewer }
	draft, run := sample(posted, blockedBy(budget.ForDraft)), sample(posted, blockedBy(budget.ForRun, tried))
	asks, waiting := sample(posted, blockedBy(budget.ForDraft), askedFor(nil)), sample(posted, blockedBy(budget.ForDraft, waits))
	refused, funded := sample(posted, blockedBy(budget.ForDraft), askedFor(declined)), sample(posted, in(approval.Drafting, ""), askedFor(grantedTopUp))
	insists := sample(posted, blockedBy(budget.ForDraft, func(k *approval.Block) {
		k.Declined = &approval.Downgraded{From: "mistral-medium-2508", To: "codestral-2508", Scope: k.Tight().Limit.Scope}
	}))
	fits := choicesOf(draft)
	fits.Fits = true
	team := ofTen(scopeOf(budget.Team, slacksim.DefaultTeam.ID), 8*budget.Dollar, func(s *budget.Standing) {
		s.Limit.Policy = budget.LimitPolicy{Warn: []int{95}, Downgrade: []budget.Downgrade{{To: "codestral-2508"}}, Without: []budget.Ability{budget.Upload}}
	})
	thread := ofTen(scopeOf(budget.Session, draft.Session.ID), 10*budget.Dollar)
	ends := []steps.GrantEnd{{Words: "until the end of today", At: noon.Add(12 * time.Hour)}, {Words: "for 24 hours", At: noon.Add(24 * time.Hour)}}
	topUp := approval.TopUpAsked{ID: "t12345678", AskedBy: slacksim.Analyst, Scope: scopeOf(budget.User, slacksim.Analyst), Amount: 5 * budget.Dollar, Reason: "The board meets tomorrow."}
	modal := func(v slack.ModalViewRequest) *page { return &page{blocks: v.Blocks.BlockSet} }
	told := func(v *steps.NoticeView, to string) *page {
		p, err := notices[v.Kind](b, v, to)
		if err != nil {
			panic(err)
		}
		return p
	}
	digest := steps.Digest{From: december.AddDate(0, 0, -7), Until: december, Total: 12 * budget.Dollar,
		People:   []steps.Spender{{ID: slacksim.Analyst, Amount: 8 * budget.Dollar}, {ID: slacksim.OtherAnalyst, Amount: 4 * budget.Dollar}},
		Projects: []steps.Spender{{ID: slacksim.SalesData, Amount: 12 * budget.Dollar}}, Models: []steps.Spender{{ID: "mistral-medium-2508", Amount: 12 * budget.Dollar}},
		Limits: []budget.Standing{team, ofTen(scopeOf(budget.Role, budget.Members), 0)}, Runs: 40, Off: 0.125, OffP95: 0.4, Quoted: 2 * budget.Dollar, Actual: 180 * budget.Cent, Paid: 90, Refused: 3, Requests: 45,
		Outcomes: map[approval.State]int{approval.Done: 40, approval.Rejected: 3, approval.Expired: 2}}
	m := map[string]*page{
		"budget-help":          helpBudget(),
		"blocked-draft":        b.blocked(draft, choicesOf(draft, "codestral-2508")),
		"blocked-many-models":  b.blocked(draft, choicesOf(draft, "a", "b", "c")),
		"blocked-two-models":   b.blocked(draft, choicesOf(draft, "a", "b")),
		"blocked-run":          b.blocked(run, choicesOf(run)),
		"blocked-asked":        b.blocked(asks, choicesOf(asks)),
		"blocked-declined":     b.blocked(refused, choicesOf(refused)),
		"blocked-waits":        b.blocked(waiting, choicesOf(waiting)),
		"blocked-fits":         b.blocked(draft, fits),
		"blocked-insists":      b.blocked(insists, choicesOf(insists, "codestral-2508")),
		"modal-top":            modal(topView(&page{}, order{by: "people", period: "this month"})),
		"modal-explain":        modal(explainView()),
		"card-blocked":         b.card(run, Identity{}, false),
		"card-quoted":          b.card(sample(quoted), Identity{}, false),
		"reply-quoted":         b.reply(sample(quoted, with(approval.Result{Outcome: approval.OK, Value: "42"})), true),
		"progress-cheaper":     b.progress(sample(cheaper, in(approval.Drafting, ""))),
		"modal-limit":          modal(b.limitView(limitForm{channel: "C1", kind: string(budget.User)})),
		"modal-limit-channel":  modal(b.limitView(limitForm{channel: "C1", kind: string(budget.Project)})),
		"modal-limit-thread":   modal(b.limitView(limitForm{channel: "C1", kind: string(budget.Session)})),
		"modal-limit-edit":     modal(b.limitView(limitForm{home: true, edits: &team, named: whose(team.Limit.Scope, "")})),
		"modal-more-money":     modal(moreMoneyView(draft.Request, choicesOf(draft), seat{})),
		"modal-grant":          modal(grantView(&asks.Request.TopUps[0], ends, "v")),
		"modal-decline":        modal(declineView("v")),
		"notice-overrun":       told(notice(approval.NoticeOverrun, draft, approval.Overrun{What: "mistral-large-2512", Asked: "codestral-2508", Held: 2 * budget.Cent, Cost: 7 * budget.Cent}), slacksim.Admin),
		"notice-threshold":     told(notice(approval.NoticeThreshold, nil, approval.Threshold{Standing: team, Mark: 80}), slacksim.Admin),
		"notice-stop":          told(notice(approval.NoticeStop, draft, approval.Stop{Standing: thread, Needed: 5 * budget.Cent, Person: slacksim.Analyst}), slacksim.Analyst),
		"notice-stop-admin":    told(notice(approval.NoticeStop, draft, approval.Stop{Standing: thread, Needed: 5 * budget.Cent, Person: slacksim.Analyst}), slacksim.Admin),
		"notice-forecast":      told(notice(approval.NoticeForecast, nil, approval.Forecast{Standing: team, At: december.AddDate(0, 0, -12)}), slacksim.Admin),
		"notice-topup":         told(notice(approval.NoticeTopUp, asks, topUp), slacksim.Admin),
		"notice-topup-granted": told(notice(approval.NoticeTopUp, funded, topUp), slacksim.Admin),
		"notice-topup-refused": told(notice(approval.NoticeTopUp, refused, topUp), slacksim.Admin),
		"notice-topup-idle":    told(notice(approval.NoticeTopUp, sample(in(approval.Withdrawn, ""), askedFor(nil)), topUp), slacksim.Admin),
		"notice-granted":       told(notice(approval.NoticeTopUpOutcome, funded, topUp), slacksim.Analyst),
		"notice-declined":      told(notice(approval.NoticeTopUpOutcome, refused, topUp), slacksim.Analyst),
		"notice-funded":        told(notice(approval.NoticeFunded, sample(posted, carded), struct{}{}), slacksim.Reviewer),
		"notice-digest":        told(notice(approval.NoticeDigest, nil, digest), slacksim.Admin),
	}
	return m
}
