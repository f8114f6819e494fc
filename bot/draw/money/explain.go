package money

import (
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval/steps"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// ExplainView asks which question is to be explained, for those who have its id.
func ExplainView() slack.ModalViewRequest {
	id := slack.NewPlainTextInputBlockElement(kit.Plain("bcd23fg"), ids.FieldRequest)
	id.MaxLength, id.FocusOnLoad = 20, true
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackExplain, Title: kit.Plain("Explain a question"),
		Submit: kit.Plain("Explain"), Close: kit.Plain("Cancel"), Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewInputBlock(ids.FieldRequest, kit.Plain("The id of the question"), kit.Plain("It is in the small print of its card and its answer."), id)}}}
}

// purposes name paid steps.
var purposes = map[budget.Purpose]string{budget.ForDraft: "Writing the code", budget.ForSummary: "Summing up the thread", budget.ForRead: "Reading a file", budget.ForInspect: "Inspecting the code", budget.ForReady: "Keeping a sandbox ready during review", budget.ForRun: "Running it"}

// explainLength is how many paid steps a message shows.
const explainLength = 12

// Weighings say which budget decided what about one question.
func Weighings(e *steps.Explanation, reader string) *kit.Page {
	p := &kit.Page{}
	p.Quote(kit.Cut(e.Request.Question, 300), kit.Strong("What this question cost"))
	for i, w := range e.Steps[:min(explainLength, len(e.Steps))] {
		p.List(weighed(i+1, w, reader))
	}
	if len(e.Steps) == 0 {
		p.Say(kit.Words("It has cost nothing yet."))
	}
	if more := len(e.Steps) - explainLength; more > 0 {
		p.Say(kit.Words("and " + kit.Count(more, "step") + " more."))
	}
	return p
}

// weighed is one paid step: what it needed, what each budget had, how it ended.
//
//  1. Writing the code (mistral-large), 9:12: up to $0.12 was reserved, $0.08 was spent.
//     • Your budget: $9.97 of $10 spent, 3 cents left. The least left.
//     • The team's budget: …
//
// The budgets are as they were at that moment, from the event of the step: what has been spent since does not
// change them.
func weighed(n int, w steps.Weighing, reader string) (title []kit.Part, items [][]kit.Part) {
	step := fmt.Sprintf("%d. %s", n, purposes[w.Purpose])
	// Only a model's step names it. The other steps are the box's.
	if (w.Purpose == budget.ForDraft || w.Purpose == budget.ForSummary) && w.Model != "" {
		step += " (" + kit.Cut(w.Model, 80) + ")"
	}
	title = []kit.Part{kit.Strong(step), kit.Words(", "), kit.Moment(w.At), kit.Words(": up to " + Most(w.Needed))}
	tight := w.Tight().Limit.Scope
	// How the step stands: refused, still unknown, under way, or paid.
	switch {
	case w.Refused:
		title = kit.Flow(title, kit.Words(" was over budget. Refused by "), Within(tight, reader), kit.Words("."))
	case w.Settled == nil && w.Uncertain && (w.Purpose == budget.ForInspect || w.Purpose == budget.ForRead):
		title = append(title, kit.Words(" stays reserved: it is not known yet what it cost. After two days it counts as spent."))
	case w.Settled == nil && w.Uncertain:
		title = append(title, kit.Words(" stays reserved: it is not known yet what a call to the model cost. After two days it counts as spent."))
	case w.Settled == nil:
		title = append(title, kit.Words(" is reserved."))
	default:
		spent := fmt.Sprintf(" was reserved, %s was spent.", Spent(w.Settled.Spent))
		if w.Settled.Estimated {
			spent = fmt.Sprintf(" was reserved, and %s counts as spent: the real cost is unknown.", Spent(w.Settled.Spent))
		}
		if w.Settled.UsageOf != "" {
			spent = fmt.Sprintf(" was reserved, %s was spent: by what its provider says was used on %s, at the highest price of input.", Spent(w.Settled.Spent), w.Settled.UsageOf)
		}
		if w.Settled.Over > 0 {
			spent += fmt.Sprintf(" It cost %s more than that, which was charged to no budget.", Spent(w.Settled.Over))
		}
		title = append(title, kit.Words(spent))
	}
	for _, s := range w.Standings {
		item := append(Whose(s.Limit.Scope, reader), kit.Words(": "+figures(s)))
		if s.Limit.Scope == tight {
			item = append(item, kit.Words(" The least left."))
		}
		items = append(items, item)
	}
	// An event from before budgets were weighed one by one, or a question that no budget limits.
	if len(items) == 0 {
		items = [][]kit.Part{{kit.Words("No budget applied.")}}
	}
	return title, items
}
