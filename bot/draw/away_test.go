package draw_test

import (
	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/notice"
	"countersign/bot/draw/sample"
	"countersign/bot/kit"
	"countersign/internal/slacksim"
)

// awayPages are the messages in which Slack is the reason.
func awayPages(b stand, who kit.Identity) map[string]*kit.Page {
	away := func(c approval.Cause) func(*steps.View) {
		return func(v *steps.View) {
			c.Channel = slacksim.SalesData
			v.Request.Away = &approval.Away{Cause: c, Since: sample.Noon}
		}
	}
	over := func(c approval.Cause) func(*steps.View) {
		return func(v *steps.View) {
			c.Channel = slacksim.SalesData
			sample.In(approval.Failed)(v)
			v.Request.Cause = &c
		}
	}
	out := approval.Cause{Code: approval.NotIn}
	given := out
	given.By = slacksim.Reviewer
	gone := approval.Cause{Code: approval.FileGone, File: "sales.csv"}
	told := func(kind approval.NoticeKind, v *steps.View, data any) *kit.Page {
		p, err := notice.Notices[kind](b.with(), sample.Notice(kind, v, data), slacksim.Analyst)
		if err != nil {
			panic(err)
		}
		return p
	}
	lacks := func(c approval.Cause) *kit.Page {
		c.Channel = slacksim.SalesData
		return told(approval.NoticeAskBack, sample.View(over(c)), approval.AskedBack{Cause: &c})
	}
	form := draw.FormView(approval.DefaultPolicy(), draw.Form{Models: sample.Offered(b.models...), Likely: slacksim.Random, Question: "How many?"})
	note := draw.FormView(approval.DefaultPolicy(), formOf(b))
	return map[string]*kit.Page{
		"card-away":             draw.Card(as(b, who).with(), sample.View(away(out)), false),
		"card-away-approved":    draw.Card(as(b, who).with(), sample.View(sample.In(approval.Approved), away(approval.Cause{Code: approval.ChannelArchived})), false),
		"card-given-up":         draw.Card(as(b, who).with(), sample.View(over(given)), false),
		"card-file-gone":        draw.Card(as(b, who).with(), sample.View(over(gone)), false),
		"progress-away":         draw.Progress(b.with(), sample.View(away(approval.Cause{Code: approval.AskerNotIn, Person: slacksim.Analyst}))),
		"reply-file-gone":       draw.Reply(sample.View(over(gone)), true),
		"reply-asker-guest":     draw.Reply(sample.View(over(approval.Cause{Code: approval.AskerGuest, Person: slacksim.Guest})), true),
		"reply-asker-gone":      draw.Reply(sample.View(over(approval.Cause{Code: approval.AskerGone, Person: slacksim.Deactivated})), true),
		"reply-expired-away":    draw.Reply(sample.View(sample.In(approval.Expired, approval.Because(approval.WhyNotStarted)), away(out)), true),
		"notice-away":           told(approval.NoticeAway, sample.View(away(approval.Cause{Code: approval.FileNotSeen, File: "sales.csv"})), struct{}{}),
		"notice-away-hidden":    told(approval.NoticeAway, sample.View(away(approval.Cause{Code: approval.FileHidden, File: "sales.csv"})), struct{}{}),
		"notice-away-not-shown": told(approval.NoticeAway, sample.View(away(approval.Cause{Code: approval.FileNotShown, File: "sales.csv", Person: slacksim.Analyst})), struct{}{}),
		"notice-away-withheld":  told(approval.NoticeAway, sample.View(away(approval.Cause{Code: approval.FileWithheld, File: "sales.csv"})), struct{}{}),
		"notice-withheld-over":  told(approval.NoticeAway, sample.View(over(approval.Cause{Code: approval.FileWithheld, File: "sales.csv"})), struct{}{}),
		"notice-away-back":      told(approval.NoticeAway, sample.View(), struct{}{}),
		"notice-away-over":      told(approval.NoticeAway, sample.View(over(gone)), struct{}{}),
		"notice-away-expired":   told(approval.NoticeAway, sample.View(sample.In(approval.Expired)), struct{}{}),
		"notice-found":          told(approval.NoticeFound, sample.View(), approval.FoundWords{Files: []string{"sales.csv"}, Unread: "totals.csv"}),
		"notice-lacks-bot":      lacks(out),
		"notice-lacks-file":     lacks(approval.Cause{Code: approval.NoFile, File: "budget.xlsx"}),
		"notice-lacks-choice":   lacks(approval.Cause{Code: approval.WhichFile, Files: []approval.File{{ID: "F1", Name: "sales.csv"}, {ID: "F2", Name: "costs.csv"}}}),
		"notice-lacks-open":     lacks(approval.Cause{Code: approval.ChannelArchived}),
		"notice-lacks-asker":    lacks(approval.Cause{Code: approval.AskerNotIn, Person: slacksim.Analyst}),
		"notice-lacks-ticked":   lacks(approval.Cause{Code: approval.FileNotHere, File: "sales.csv"}),
		"notice-lacks-gone":     lacks(gone),
		"notice-lacks-hidden":   lacks(approval.Cause{Code: approval.FileHidden, File: "sales.csv"}),
		"notice-lacks-unseen":   lacks(approval.Cause{Code: approval.FileNotSeen, File: "sales.csv"}),
		"notice-lacks-member":   lacks(approval.Cause{Code: approval.AskerAlien, Person: slacksim.Guest}),
		"notice-lacks-pinned":   lacks(approval.Cause{Code: approval.WhichFile, File: "sales.csv", Files: []approval.File{{ID: "F1", Name: "sales.csv", Pinned: "C0SALES"}, {ID: "F2", Name: "sales.csv", Pinned: "C0FINANCE"}}}),
		"notice-lacks-near":     lacks(approval.Cause{Code: approval.NoFile, File: "salse.csv", Files: []approval.File{{ID: "F1", Name: "sales.csv"}, {ID: "F2", Name: "sale.csv"}, {ID: "F3", Name: "sales.xlsx"}}}),
		"notice-lacks-in-word":  told(approval.NoticeAskBack, sample.View(sample.In(approval.Failed, approval.Words("sales.csv has 30.0 MB; at most 20.0 MB fit."))), approval.AskedBack{Why: approval.Words("sales.csv has 30.0 MB; at most 20.0 MB fit.")}),
		"modal-form-again":      {Blocks: form.Blocks.BlockSet},
		"modal-form-not-in":     {Blocks: note.Blocks.BlockSet},
	}
}

// formOf is a form that was opened where nothing can be answered.
func formOf(b stand) draw.Form {
	return draw.Form{Models: sample.Offered(b.models...), Channel: slacksim.Random, Listed: true, Note: draw.Lacks(b.with(), approval.Cause{Code: approval.NotIn, Channel: slacksim.Random})}
}
