// Package home draws the App Home, and the modals in which administrators and reviewers
// set people, rules and absences.
//
// A form here comes in three functions: one draws it with what holds now (RulesView), one
// reads back what was sent off (RulesOf), and one says beside which field an objection of
// the service belongs (RulesField). The form remembers the version that it was drawn from
// (Ruled), so what somebody else has saved meanwhile is never overwritten unseen.
//
//	home.go   the Home itself       people.go  who has which role      models.go  which models may be asked
//	queue.go  what waits for them   rules.go   the rules of reviews    notes.go   notes, and the audit log's channel
//	admin.go  absences, figures     keys.go    SSH keys                rest.go    after a copy of the database
package home

import (
	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/audit"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// Length is how much of a list a Home shows.
const Length = 10

// View is all that the Home of one person is drawn from.
type View struct {
	User    string
	Roster  review.Roster
	Decides bool // something may wait for them
	Mark    Shelfmark
	Queue   steps.Queue
	Given   []Question // what was approved in their name and has not started
	Purse   money.Purse
	Mine    []Question
	Rules   review.RuleSet   // for administrators
	Models  steps.ModelList  // and which models are asked
	Short   []steps.Shortage // and what these rules lack people for
	Rest    *approval.Rest   // why nothing that costs money starts; nil where it does
}

// Question is something that they have asked, and where it stands in Slack.
type Question struct {
	Request *approval.Request
	URL     string
}

// Draw begins with the queue for reviewers, because somebody waits for them.
//
//	Everything is paused               administrators, after a copy was put back
//	Waiting for you                    those who decide: queue, absences, what was approved in their name
//	Budget                             bars; administrators get buttons below
//	Your questions                     not for auditors, who ask nothing
//	Reviews, Models, Audit             administrators
//
// Slack takes a hundred blocks of a Home, which is why every list in it has an end (Length).
func (h View) Draw() *kit.Page {
	p := &kit.Page{}
	if h.Rest != nil {
		paused(p, *h.Rest)
	}
	if h.Decides {
		homeQueue(p, h.Queue, h.Mark)
		HomeAway(p, h.User, h.Roster)
		h.given(p)
	}
	if h.Roster.Sees(h.User) && !h.Roster.Admin(h.User) {
		return h.auditor(p)
	}
	p.Head("Budget")
	h.Purse.Bars(p, Length)
	if h.Roster.Admin(h.User) {
		p.Buttons("set limit", kit.Button(ids.ActionSetLimit, "Set a budget", "", slack.StyleDefault), kit.Button(ids.ActionHistory, "Budget changes", "", slack.StyleDefault),
			kit.Button(ids.ActionTop, "Spending", "", slack.StyleDefault), kit.Button(ids.ActionExplain, "Explain a question", "", slack.StyleDefault))
	}
	p.Head("Your questions")
	p.Buttons("ask", kit.Button(ids.ActionAsk, "Ask a question", "", slack.StylePrimary))
	if len(h.Mine) == 0 {
		p.Say(kit.Words("You have not asked anything yet. Write "), kit.Mono(ids.CommandAnalyze), kit.Words(" in a channel that I am in, or press the button."))
	}
	for _, q := range h.Mine {
		q.line(p)
	}
	if h.Roster.Admin(h.User) {
		homeAdmin(p, h.Roster, h.Rules, h.Short)
		Models(p, h.Models)
		audit.Section(p)
	}
	return p
}

// auditor is the Home of somebody who sees all, and has nothing to press that changes anything. An auditor
// asks nothing either, so there are no questions of their own.
func (h View) auditor(p *kit.Page) *kit.Page {
	audit.Section(p)
	p.Head("Budget")
	h.Purse.Bars(p, Length)
	p.Buttons("spending", kit.Button(ids.ActionTop, "Spending", "", slack.StyleDefault), kit.Button(ids.ActionHistory, "Budget changes", "", slack.StyleDefault))
	p.Head("Reviews")
	reviews(p, h.Roster, h.Rules, h.Short)
	return p
}

// given lists what was approved in this person's name, as long as they can say that it was
// not them.
func (h View) given(p *kit.Page) {
	if len(h.Given) == 0 {
		return
	}
	p.Head("Approved in your name, not started yet")
	for _, q := range h.Given {
		r := q.Request
		// The list was read a moment before the request, and the approval may have gone meanwhile.
		d, ok := approval.ApprovalOf(r, h.User)
		if !ok {
			continue
		}
		p.Say(kit.Strong(kit.Cut(kit.OneLine(r.Question), 150)))
		said := []kit.Part{kit.Words(kit.Capital(draw.HowItStands(r)) + ". Approved "), kit.Moment(d.At)}
		label, takes := "This was not me", "somebody has approved in your name"
		// Whoever was away did not press anything, so "this was not me" would be the wrong question.
		if d.Reviewer != h.User {
			said = append(said, kit.Words(" by "), kit.Person(d.Reviewer), kit.Words(", in your place"))
			label, takes = "Withdraw it", "you do not stand by what was approved in your place"
		}
		p.Small(append(said, kit.Words("."))...)
		row := []slack.BlockElement{draw.NotMe(r, r.Revision.Number, label, takes)}
		if q.URL != "" {
			row = append([]slack.BlockElement{kit.Goes("Open the card", q.URL)}, row...)
		}
		p.Buttons("given "+r.ID, row...)
	}
}

// line is one request, with a way to where it stands in Slack.
func (q Question) line(p *kit.Page) {
	r := q.Request
	p.Say(kit.Strong(kit.Cut(kit.OneLine(r.Question), 150)))
	said := []kit.Part{kit.Words(kit.Capital(draw.HowItStands(r)))}
	if r.State == approval.Running {
		said = append(said, kit.Words(" since "), kit.Moment(r.Run.StartedAt))
	}
	said = append(said, kit.Words(". Asked "), kit.Moment(r.CreatedAt))
	p.Small(append(said, draw.OpenUntil(r)...)...)
	why := kit.Button(ids.ActionWhy, "What it cost", r.ID, slack.StyleDefault)
	why.AccessibilityLabel = "What each step cost, and which budget decided it"
	row := []slack.BlockElement{why}
	if q.URL != "" {
		row = append([]slack.BlockElement{kit.Goes("Open", q.URL)}, row...)
	}
	if b := draw.Cancel(r); b != nil {
		row = append(row, b)
	}
	p.Buttons("open "+r.ID, row...)
}
