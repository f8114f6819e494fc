package bot

import (
	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/slacksim"
)

// awayPages are the messages in which Slack is the reason.
func awayPages(b *Bot, who Identity) map[string]*page {
	away := func(c approval.Cause) func(*steps.View) {
		return func(v *steps.View) {
			c.Channel = slacksim.SalesData
			v.Request.Away = &approval.Away{Cause: c, Since: noon}
		}
	}
	over := func(c approval.Cause) func(*steps.View) {
		return func(v *steps.View) {
			c.Channel = slacksim.SalesData
			in(approval.Failed, "")(v)
			v.Request.Cause = &c
		}
	}
	out := approval.Cause{Code: approval.NotIn}
	given := out
	given.By = slacksim.Reviewer
	gone := approval.Cause{Code: approval.FileGone, File: "sales.csv"}
	draw := func(kind approval.NoticeKind, v *steps.View, data any) *page {
		p, err := notices[kind](b, notice(kind, v, data), slacksim.Analyst)
		if err != nil {
			panic(err)
		}
		return p
	}
	lacks := func(c approval.Cause) *page {
		c.Channel = slacksim.SalesData
		return draw(approval.NoticeAskBack, sample(over(c)), approval.AskedBack{Cause: &c})
	}
	form := b.formView(form{likely: slacksim.Random, question: "How many?"})
	note := b.formView(formOf(b))
	return map[string]*page{
		"card-away":            b.card(sample(away(out)), who, false),
		"card-away-approved":   b.card(sample(in(approval.Approved, ""), away(approval.Cause{Code: approval.ChannelArchived})), who, false),
		"card-given-up":        b.card(sample(over(given)), who, false),
		"card-file-gone":       b.card(sample(over(gone)), who, false),
		"progress-away":        b.progress(sample(away(approval.Cause{Code: approval.AskerNotIn, Person: slacksim.Analyst}))),
		"reply-file-gone":      b.reply(sample(over(gone)), true),
		"reply-asker-guest":    b.reply(sample(over(approval.Cause{Code: approval.AskerGuest, Person: slacksim.Guest})), true),
		"reply-asker-gone":     b.reply(sample(over(approval.Cause{Code: approval.AskerGone, Person: slacksim.Deactivated})), true),
		"reply-expired-away":   b.reply(sample(in(approval.Expired, "It was approved, but could not be started in time. Nothing has run."), away(out)), true),
		"notice-away":          draw(approval.NoticeAway, sample(away(approval.Cause{Code: approval.FileNotSeen, File: "sales.csv"})), struct{}{}),
		"notice-away-hidden":   draw(approval.NoticeAway, sample(away(approval.Cause{Code: approval.FileHidden, File: "sales.csv"})), struct{}{}),
		"notice-away-withheld": draw(approval.NoticeAway, sample(away(approval.Cause{Code: approval.FileWithheld, File: "sales.csv"})), struct{}{}),
		"notice-withheld-over": draw(approval.NoticeAway, sample(over(approval.Cause{Code: approval.FileWithheld, File: "sales.csv"})), struct{}{}),
		"notice-away-back":     draw(approval.NoticeAway, sample(), struct{}{}),
		"notice-away-over":     draw(approval.NoticeAway, sample(over(gone)), struct{}{}),
		"notice-away-expired":  draw(approval.NoticeAway, sample(in(approval.Expired, "")), struct{}{}),
		"notice-found":         draw(approval.NoticeFound, sample(), approval.FoundWords{Files: []string{"sales.csv"}, Unread: "totals.csv"}),
		"notice-lacks-bot":     lacks(out),
		"notice-lacks-file":    lacks(approval.Cause{Code: approval.NoFile, File: "budget.xlsx"}),
		"notice-lacks-choice":  lacks(approval.Cause{Code: approval.WhichFile, Files: []approval.File{{ID: "F1", Name: "sales.csv"}, {ID: "F2", Name: "costs.csv"}}}),
		"notice-lacks-open":    lacks(approval.Cause{Code: approval.ChannelArchived}),
		"notice-lacks-asker":   lacks(approval.Cause{Code: approval.AskerNotIn, Person: slacksim.Analyst}),
		"notice-lacks-ticked":  lacks(approval.Cause{Code: approval.FileNotHere, File: "sales.csv"}),
		"notice-lacks-gone":    lacks(gone),
		"notice-lacks-hidden":  lacks(approval.Cause{Code: approval.FileHidden, File: "sales.csv"}),
		"notice-lacks-unseen":  lacks(approval.Cause{Code: approval.FileNotSeen, File: "sales.csv"}),
		"notice-lacks-member":  lacks(approval.Cause{Code: approval.AskerAlien, Person: slacksim.Guest}),
		"notice-lacks-in-word": draw(approval.NoticeAskBack, sample(in(approval.Failed, "sales.csv has 30.0 MB; at most 20.0 MB fit.")), approval.AskedBack{Why: "sales.csv has 30.0 MB; at most 20.0 MB fit."}),
		"modal-form-again":     {blocks: form.Blocks.BlockSet},
		"modal-form-not-in":    {blocks: note.Blocks.BlockSet},
	}
}

// formOf is a form that was opened where nothing can be answered.
func formOf(b *Bot) form {
	return form{channel: slacksim.Random, listed: true, note: b.lacks(approval.Cause{Code: approval.NotIn, Channel: slacksim.Random})}
}
