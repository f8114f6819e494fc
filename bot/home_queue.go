package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// shelfmark is what somebody looks at on their Home: which part of the queue. The
// Home itself carries it, so that any replica can turn the page.
type shelfmark struct {
	Tier  approval.Tier    `json:"tier,omitempty"`
	Hours int              `json:"hours,omitempty"`
	Cost  budget.USD       `json:"cost,omitempty"`
	Order steps.QueueOrder `json:"order,omitempty"`
	All   bool             `json:"all,omitempty"` // not only what they can decide
	Page  int              `json:"page,omitempty"`
}

// String is how a Home carries it.
func (m shelfmark) String() string { return string(mustMarshal(m)) }

// shelfmarkOf reads it back. What cannot be read is the beginning.
func shelfmarkOf(metadata string) (m shelfmark) {
	if json.Unmarshal([]byte(metadata), &m) != nil || m.Page < 0 {
		return shelfmark{}
	}
	return m
}

func (m shelfmark) filter() steps.QueueFilter {
	return steps.QueueFilter{Tier: m.Tier, Older: time.Duration(m.Hours) * time.Hour, Cost: m.Cost, Order: m.Order, All: m.All}
}

// narrow tells whether something is left out.
func (m shelfmark) narrow() bool { return m.Tier != "" || m.Hours > 0 || m.Cost > 0 }

// part of the queue's choices, each with the value that the shelfmark keeps. "-" is no choice.
var queueChoices = []struct {
	action  string
	choices [][2]string
	now     func(m shelfmark) string
	set     func(m *shelfmark, value string)
}{
	{actionMine, [][2]string{{"-", "Mine to decide"}, {"all", "All that wait"}},
		func(m shelfmark) string { return map[bool]string{true: "all"}[m.All] }, func(m *shelfmark, v string) { m.All = v == "all" }},
	{actionTier, [][2]string{{"-", "Any risk"}, {"high", "High risk"}, {"medium", "Medium risk"}, {"low", "Low risk"}},
		func(m shelfmark) string { return string(m.Tier) }, func(m *shelfmark, v string) { m.Tier = approval.Tier(v) }},
	{actionAge, [][2]string{{"-", "Any age"}, {"1", "Over an hour old"}, {"4", "Over 4 hours old"}, {"24", "Over a day old"}},
		func(m shelfmark) string { return nonzero(int64(m.Hours)) }, func(m *shelfmark, v string) { m.Hours, _ = strconv.Atoi(v) }},
	{actionCost, [][2]string{{"-", "Any cost"}, {"10000000", "$0.01 or more"}, {"100000000", "$0.10 or more"}, {"1000000000", "$1 or more"}},
		func(m shelfmark) string { return nonzero(int64(m.Cost)) }, func(m *shelfmark, v string) {
			n, _ := strconv.ParseInt(v, 10, 64)
			m.Cost = budget.USD(n)
		}},
	{actionOrder, [][2]string{{"-", "Riskiest first"}, {"age", "Oldest first"}, {"cost", "Dearest first"}},
		func(m shelfmark) string { return string(m.Order) }, func(m *shelfmark, v string) { m.Order = steps.QueueOrder(v) }},
}

func nonzero(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// homeQueue is what a reviewer can decide, or all that waits where they decide: a page of it.
func (b *Bot) homeQueue(ctx context.Context, p *page, team, user string, mark shelfmark) error {
	q, err := b.Service.Queue(ctx, team, user, mark.filter(), mark.Page)
	if err != nil {
		return err
	}
	p.head(map[bool]string{false: "Waiting for you", true: "Waiting for reviewers"}[mark.All])
	selects := queueSelects(mark)
	if q.Total == 0 && !mark.narrow() {
		selects = selects[:1] // there is nothing to narrow or to order
	}
	p.buttons("queue", selects...)
	for _, row := range q.Rows {
		b.queueRow(p, row, q.Now)
	}
	switch {
	case q.Total == 0 && mark.narrow():
		p.say(words(map[bool]string{false: "Nothing of this kind waits for your decision.", true: "Nothing of this kind waits."}[mark.All]))
	case q.Total == 0 && mark.All:
		p.say(words("Nothing waits."))
	case q.Total == 0:
		p.say(words("Nothing waits for your decision."))
	case q.Pages > 1:
		p.small(words(fmt.Sprintf("Page %d of %s, %s in all", q.Page+1, thousands(q.Pages), count(q.Total, "request"))))
		var turn []slack.BlockElement
		if q.Page > 0 {
			turn = append(turn, button(actionBack, "Previous", strconv.Itoa(q.Page-1), slack.StyleDefault))
		}
		if q.Page+1 < q.Pages {
			turn = append(turn, button(actionNext, "Next", strconv.Itoa(q.Page+1), slack.StyleDefault))
		}
		p.buttons("pages", turn...)
	}
	return nil
}

// queueSelects are the choices of what is shown, each showing what is chosen.
func queueSelects(mark shelfmark) (row []slack.BlockElement) {
	for _, c := range queueChoices {
		var options []*slack.OptionBlockObject
		chosen := 0
		for i, choice := range c.choices {
			options = append(options, slack.NewOptionBlockObject(choice[0], plain(choice[1]), nil))
			if choice[0] == c.now(mark) {
				chosen = i
			}
		}
		row = append(row, slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, c.action, options...).WithInitialOption(options[chosen]))
	}
	return row
}

// queueRow is one request: enough to choose by, and a button that opens the code,
// or why there is none for this person. When it ends is said from the middle of its
// wait on, as in reminders: before that it tells nobody what to do first.
func (b *Bot) queueRow(p *page, row steps.QueueRow, now time.Time) {
	question := cut(oneLine(row.Question), 150)
	var side *slack.Accessory
	if row.Closed == "" {
		open := button(actionQueued, "Review", row.ID, slack.StyleDefault)
		open.AccessibilityLabel = cut("Review: "+oneLine(row.Question), 75)
		side = slack.NewAccessory(open)
	}
	p.add(slack.NewSectionBlock(plain(question), nil, side), len([]rune(question)), escape(question))
	said := []part{strong(riskWords[row.Tier])}
	if row.Dangers > 0 {
		said = append(said, words(" ("+count(row.Dangers, "danger")+")"))
	}
	said = append(said, words(fmt.Sprintf(" · %s · at most %s", count(row.Lines, "line"), row.Cost.Approx())))
	if row.Needed > 1 {
		said = append(said, words(fmt.Sprintf(" · %d of %d approvals", row.Approvals, row.Needed)))
	}
	said = append(said, words(" · "), person(row.Asker))
	if strings.HasPrefix(row.Project, "C") {
		said = append(said, words(" in "), place(row.Project))
	}
	said = append(said, words(" · since "), moment(row.Since))
	if now.Sub(row.Since) >= row.ExpiresAt.Sub(now) {
		said = append(said, words(", only until "), moment(row.ExpiresAt))
	}
	if row.Closed != "" {
		said = append(said, words("\n"+cut(row.Closed, 300)))
	}
	p.small(said...)
}

// clickQueue shows another part of the queue.
func (b *Bot) clickQueue(_ context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	mark := shelfmarkOf(cb.View.PrivateMetadata)
	if g, looking := b.glimpsed(cb.User.ID); looking && g.drew(cb.View.Hash) {
		mark = g.mark // a press before this one, of which the Home does not tell yet
	}
	mark.Page = 0
	for _, c := range queueChoices {
		if value := action.SelectedOption.Value; c.action == action.ActionID && slices.ContainsFunc(c.choices, func(o [2]string) bool { return o[0] == value }) {
			c.set(&mark, strings.TrimPrefix(value, "-"))
		}
	}
	if page, err := strconv.Atoi(action.Value); err == nil && page > 0 && slices.Contains([]string{actionBack, actionNext}, action.ActionID) {
		mark.Page = page
	}
	b.looks(cb.User.ID, mark, "") // drawn when the press has been answered, as after every press
	return answer{}, nil
}

// clickQueued opens the code of a row of the queue: it is decided right there.
func (b *Bot) clickQueued(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := b.own(ctx, cb, action.Value)
	if err != nil {
		return answer{}, err
	}
	s := sealOf(v.Request)
	click := clickOf(cb, action)
	if _, err := b.Service.MayDecide(ctx, s.ruling(approval.Approve, "", click)); err != nil {
		return answer{}, err
	}
	return answer{}, b.openReview(ctx, cb.TriggerID, v, origin{Seal: s.String()}, click)
}
