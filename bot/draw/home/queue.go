package home

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/money"
	"countersign/bot/draw/reasons"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// Shelfmark is what somebody looks at on their Home: which part of the queue. The
// Home itself carries it, so that any replica can turn the page.
type Shelfmark struct {
	Tier  approval.Tier    `json:"tier,omitempty"`
	Hours int              `json:"hours,omitempty"`
	Cost  budget.USD       `json:"cost,omitempty"`
	Order steps.QueueOrder `json:"order,omitempty"`
	All   bool             `json:"all,omitempty"` // not only what they can decide
	Page  int              `json:"page,omitempty"`
}

// String is how a Home carries it.
func (m Shelfmark) String() string { return string(kit.JSON(m)) }

// ShelfmarkOf reads it back. What cannot be read is the beginning.
func ShelfmarkOf(metadata string) (m Shelfmark) {
	// Slack carries it, and an older version of this program may have written it.
	if json.Unmarshal([]byte(metadata), &m) != nil || m.Page < 0 {
		return Shelfmark{}
	}
	return m
}

// Filter is what the service is asked for. The page is no part of it.
func (m Shelfmark) Filter() steps.QueueFilter {
	return steps.QueueFilter{Tier: m.Tier, Older: time.Duration(m.Hours) * time.Hour, Cost: m.Cost, Order: m.Order, All: m.All}
}

// narrow tells whether something is left out.
func (m Shelfmark) narrow() bool { return m.Tier != "" || m.Hours > 0 || m.Cost > 0 }

// queueChoices are the lists above the queue, each with the values that the shelfmark keeps. "-" is no
// choice, because Slack takes no option without a value.
// set gets "" for the first choice of each list; now says which choice holds, where "" finds no value and so
// leaves the first one chosen. Costs are billionths of a dollar, ages hours.
var queueChoices = []struct {
	action  string
	choices [][2]string
	now     func(m Shelfmark) string
	set     func(m *Shelfmark, value string)
}{
	{ids.ActionMine, [][2]string{{"-", "Mine to decide"}, {"all", "All waiting"}},
		func(m Shelfmark) string { return map[bool]string{true: "all"}[m.All] }, func(m *Shelfmark, v string) { m.All = v == "all" }},
	{ids.ActionTier, [][2]string{{"-", "Any risk"}, {"high", "High risk"}, {"medium", "Medium risk"}, {"low", "Low risk"}},
		func(m Shelfmark) string { return string(m.Tier) }, func(m *Shelfmark, v string) { m.Tier = approval.Tier(v) }},
	{ids.ActionAge, [][2]string{{"-", "Any age"}, {"1", "Over an hour old"}, {"4", "Over 4 hours old"}, {"24", "Over a day old"}},
		func(m Shelfmark) string { return kit.Nonzero(int64(m.Hours)) }, func(m *Shelfmark, v string) { m.Hours, _ = strconv.Atoi(v) }},
	{ids.ActionCost, [][2]string{{"-", "Any cost"}, {"10000000", "$0.01 or more"}, {"100000000", "$0.10 or more"}, {"1000000000", "$1 or more"}},
		func(m Shelfmark) string { return kit.Nonzero(int64(m.Cost)) }, func(m *Shelfmark, v string) {
			n, _ := strconv.ParseInt(v, 10, 64)
			m.Cost = budget.USD(n)
		}},
	{ids.ActionOrder, [][2]string{{"-", "Riskiest first"}, {"age", "Oldest first"}, {"cost", "Most expensive first"}},
		func(m Shelfmark) string { return string(m.Order) }, func(m *Shelfmark, v string) { m.Order = steps.QueueOrder(v) }},
}

// homeQueue is what a reviewer can decide, or all that waits where they decide: a page of it.
//
//	Waiting for you
//	[Mine to decide v] [Any risk v] [Any age v] [Any cost v] [Riskiest first v]
//	What were sales per month in sales.csv?                                  [Review]
//	High risk (2 dangers) · 412 lines · at most 1 cent · @Maya in #sales · since …
//	Page 2 of 5, 48 requests in all
//	[Previous] [Next]
func homeQueue(p *kit.Page, q steps.Queue, mark Shelfmark) {
	p.Head(map[bool]string{false: "Waiting for you", true: "Waiting for reviewers"}[mark.All])
	// The choices stand above an empty list as well, or nobody could widen what they had narrowed.
	selects := QueueSelects(mark)
	if q.Total == 0 && !mark.narrow() {
		selects = selects[:1] // there is nothing to narrow or to order
	}
	p.Buttons("queue", selects...)
	for _, row := range q.Rows {
		QueueRow(p, row, q.Now)
	}
	switch {
	case q.Total == 0 && mark.narrow():
		p.Say(kit.Words(map[bool]string{false: "Nothing like this is waiting for your decision.", true: "Nothing like this is waiting."}[mark.All]))
	case q.Total == 0 && mark.All:
		p.Say(kit.Words("Nothing is waiting."))
	case q.Total == 0:
		p.Say(kit.Words("Nothing is waiting for your decision."))
	case q.Pages > 1:
		if q.More {
			// Counting stops somewhere (steps.QueueCounted), so the last page has no number.
			p.Small(kit.Words(fmt.Sprintf("Page %d, more than %s in all", q.Page+1, kit.Count(q.Total, "request"))))
		} else {
			p.Small(kit.Words(fmt.Sprintf("Page %d of %s, %s in all", q.Page+1, kit.Thousands(q.Pages), kit.Count(q.Total, "request"))))
		}
		var turn []slack.BlockElement
		if q.Page > 0 {
			turn = append(turn, kit.Button(ids.ActionBack, "Previous", strconv.Itoa(q.Page-1), slack.StyleDefault))
		}
		if q.Page+1 < q.Pages {
			turn = append(turn, kit.Button(ids.ActionNext, "Next", strconv.Itoa(q.Page+1), slack.StyleDefault))
		}
		p.Buttons("pages", turn...)
	}
}

// After returns what is shown after a press on one of the choices, or on a page button. Only values that
// were offered count: what an envelope says is asked of the database.
func (m Shelfmark) After(action *slack.BlockAction) Shelfmark {
	// Another choice is another list, which begins on its first page.
	m.Page = 0
	for _, c := range queueChoices {
		if value := action.SelectedOption.Value; c.action == action.ActionID && slices.ContainsFunc(c.choices, func(o [2]string) bool { return o[0] == value }) {
			c.set(&m, strings.TrimPrefix(value, "-"))
		}
	}
	if page, err := strconv.Atoi(action.Value); err == nil && page > 0 && slices.Contains([]string{ids.ActionBack, ids.ActionNext}, action.ActionID) {
		m.Page = page
	}
	return m
}

// QueueSelects are the choices of what is shown, each showing what is chosen.
func QueueSelects(mark Shelfmark) (row []slack.BlockElement) {
	for _, c := range queueChoices {
		var options []*slack.OptionBlockObject
		chosen := 0
		for i, choice := range c.choices {
			options = append(options, slack.NewOptionBlockObject(choice[0], kit.Plain(choice[1]), nil))
			if choice[0] == c.now(mark) {
				chosen = i
			}
		}
		row = append(row, slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, c.action, options...).WithInitialOption(options[chosen]))
	}
	return row
}

// QueueRow is one request: enough to choose by, and a button that opens the code,
// or why there is none for this person. When it ends is said from the middle of its
// wait on, as in reminders: before that it tells nobody what to do first.
func QueueRow(p *kit.Page, row steps.QueueRow, now time.Time) {
	question := kit.Cut(kit.OneLine(row.Question), 150)
	var side *slack.Accessory
	if row.Closed.None() {
		open := kit.Button(ids.ActionQueued, "Review", row.ID, slack.StyleDefault)
		open.AccessibilityLabel = kit.Cut("Review: "+kit.OneLine(row.Question), 75)
		side = slack.NewAccessory(open)
	}
	// Plain text, because a section's text is mrkdwn otherwise, and the question is anybody's words.
	p.Add(slack.NewSectionBlock(kit.Plain(question), nil, side), len([]rune(question)), kit.Escape(question))
	said := []kit.Part{kit.Strong(draw.RiskWords[row.Tier])}
	if row.Dangers > 0 {
		said = append(said, kit.Words(" ("+kit.Count(row.Dangers, "danger")+")"))
	}
	said = append(said, kit.Words(fmt.Sprintf(" · %s · at most %s", kit.Count(row.Lines, "line"), money.Most(row.Cost))))
	if row.Needed > 1 {
		said = append(said, kit.Words(fmt.Sprintf(" · %d of %d approvals", row.Approvals, row.Needed)))
	}
	said = append(said, kit.Words(" · "), kit.Person(row.Asker))
	// A direct message has no name for those who are not in it.
	if row.Project != "" && !approval.Direct(row.Project) {
		said = append(said, kit.Words(" in "), kit.Place(row.Project))
	}
	said = append(said, kit.Words(" · since "), kit.Moment(row.Since))
	if now.Sub(row.Since) >= row.ExpiresAt.Sub(now) {
		said = append(said, kit.Words(", only until "), kit.Moment(row.ExpiresAt))
	}
	if !row.Closed.None() {
		said = append(said, kit.Words("\n"+kit.Cut(reasons.Words(row.Closed), 300)))
	}
	p.Small(said...)
}
