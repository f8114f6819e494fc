package money

import (
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// helpLines are what can be typed, each with an example that works: a test has them all read by
// package command. The first two are for everybody.
var helpLines = []struct{ example, does string }{
	{"show", " shows what you have left. Administrators see every budget that is set."},
	{"explain bcd23fg", " shows what each step of a question cost, and which budget allowed or refused it. The id is in the small print."},
	{"show @user", " shows one budget. Instead of @user, you can name #channel, the link of a thread, team, members, reviewers or admins."},
	{"set @user 25", " lets somebody spend $25 per month."},
	{"set team 200 per week", " is for all together: per day, per week, per month or in all."},
	{"set members 10", " is the default for each person. Reviewers and admins work the same way."},
	{"set #channel 50 soft 80% warn 50%, 95%", " says when people are warned."},
	{"set team 200 downgrade codestral-2508 without upload, long runs", " has a cheaper model write past the soft limit, and switches things off."},
	{"set team 200 ready 0.02", " keeps a sandbox ready while a question is reviewed, for up to 2 cents. At E2B only."},
	{"remove @user", " removes a budget."},
	{"history @user", " shows who changed a budget, and what it was before."},
	{"top channels last month", " adds up who spent what: people, channels, models or days."},
}

// helpExamples are the examples alone.
func helpExamples() (examples []string) {
	for _, l := range helpLines {
		examples = append(examples, l.example)
	}
	return examples
}

// HelpBudget says what can be typed, and who may.
func HelpBudget() *kit.Page {
	p := &kit.Page{}
	p.Say(kit.Strong("Budgets"), kit.Words(" limit what questions may cost. Money is reserved before it is spent, in every budget that applies: the person's, the thread's, the channel's and the team's."))
	lines := func(from, until int) (items [][]kit.Part) {
		for _, l := range helpLines[from:until] {
			items = append(items, []kit.Part{kit.Mono(ids.CommandBudget + " " + l.example), kit.Words(l.does)})
		}
		return items
	}
	p.List([]kit.Part{kit.Strong("For everybody")}, lines(0, 2))
	p.List([]kit.Part{kit.Strong("For administrators"), kit.Words(", who also get a form from " + ids.CommandBudget + " alone")}, lines(2, len(helpLines)))
	return p
}
