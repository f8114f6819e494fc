package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/budget"
)

// budgetVerbs do what comes after /budget.
var budgetVerbs = map[string]func(*Bot, context.Context, slack.SlashCommand, order) (*page, error){
	"":        (*Bot).budgets,
	"help":    func(*Bot, context.Context, slack.SlashCommand, order) (*page, error) { return helpBudget(), nil },
	"show":    (*Bot).showBudget,
	"set":     (*Bot).setBudget,
	"remove":  (*Bot).removeBudget,
	"history": (*Bot).budgetHistory,
	"explain": (*Bot).explain,
	"top":     (*Bot).topSpenders,
}

// budget takes /budget. Alone it is the form, for those who may fill it in, and
// what there is to spend, for everybody.
func (b *Bot) budget(ctx context.Context, c slack.SlashCommand) (answer, error) {
	o, err := parseBudget(c.Text)
	if err != nil {
		return orPrivately(err)
	}
	if o.verb == "" && b.isAdmin(ctx, c.TeamID, c.UserID) {
		if err := b.open(ctx, c.TriggerID, limitView(limitForm{models: b.Service.Models(), channel: c.ChannelID, kind: string(budget.User)})); err != nil {
			return orPrivately(err)
		}
	}
	p, err := budgetVerbs[o.verb](b, ctx, c, o)
	if err != nil {
		return orPrivately(err)
	}
	a := privately(p)
	if text, err := json.Marshal(a.payload); err != nil || len(text) > maxAck {
		return b.whisper(a, seat{user: c.UserID, channel: c.ChannelID}), nil
	}
	return a, nil
}

// maxAck is what an ack may carry: Slack drops one of 20 kB without a word.
const maxAck = 19_000

// roomForOne is what one more budget or change may take of a message.
const roomForOne = 1500

// budgets shows what one may spend, and administrators everything that is set.
func (b *Bot) budgets(ctx context.Context, c slack.SlashCommand, _ order) (*page, error) {
	own, err := b.purse(ctx, c.TeamID, c.UserID, c.ChannelID)
	if err != nil {
		return nil, err
	}
	p := &page{}
	own.show(p)
	return p, nil
}

// spendable is what somebody may see of budgets: their own, and as an administrator
// every one that is set.
type spendable struct {
	reader string
	own    []budget.Standing
	admin  bool
	all    []budget.Standing
	named  namer
}

// namer names a budget where nothing around it says which thread is meant.
type namer func(budget.Scope) []part

// show draws it as the answer to a command.
func (m spendable) show(p *page) {
	if m.admin {
		m.bars(p, 12)
		return
	}
	for _, s := range m.own {
		p.standing(s, whose(s.Limit.Scope, m.reader))
	}
	if !teams(m.own) {
		p.say(words("The team has no budget of its own."))
	}
}

// purse loads it.
func (b *Bot) purse(ctx context.Context, team, user, channel string) (m spendable, err error) {
	m.reader, m.named = user, b.namer(ctx)
	if m.own, err = b.Service.Budgets(ctx, team, user, channel); err != nil {
		return m, err
	}
	if m.admin = b.isAdmin(ctx, team, user); m.admin {
		m.all, err = b.Service.Limits(ctx, team, user)
	}
	return m, err
}

// isAdmin tells whether somebody is named as an administrator, for what to show;
// who may do what is for the service to say.
func (b *Bot) isAdmin(ctx context.Context, team, user string) bool {
	roster, err := b.Service.Reviewers(ctx, team, "")
	if err != nil {
		b.Log.Warn("look for administrators", "error", err)
	}
	return err == nil && roster.Admin(user)
}

// bars draws one's own budget, and for administrators every one that is set, at
// most so many of them.
func (m spendable) bars(p *page, most int) {
	for _, s := range m.own {
		if s.Limit.Scope.Kind == budget.User {
			p.standing(s, whose(s.Limit.Scope, m.reader))
		}
	}
	if !m.admin {
		return
	}
	if !teams(m.own) {
		p.say(words("The team has no budget of its own. Set one with "), mono(commandBudget+" set team 200 per month"))
	}
	byUse(m.all)
	shown := 0
	for _, s := range m.all[:min(most, len(m.all))] {
		if p.room() < roomForOne {
			break
		}
		shown++
		p.standing(s, m.named(s.Limit.Scope))
		edit := button(actionEditLimit, "Edit", scopeValue(s.Limit.Scope), slack.StyleDefault)
		edit.AccessibilityLabel = "Edit this budget"
		p.buttons("limit "+scopeValue(s.Limit.Scope), edit)
	}
	if more := len(m.all) - shown; more > 0 {
		p.say(words(fmt.Sprintf("and %s more, which are used less. To see one: ", count(more, "budget"))), mono(commandBudget+" show @user"))
	}
}

// teams tells whether the team has a budget.
func teams(standings []budget.Standing) bool {
	return slices.ContainsFunc(standings, func(s budget.Standing) bool { return s.Limit.Scope.Kind == budget.Team })
}

// byUse brings the team first, then whatever is nearest to its end, and what all
// people of a role have at last.
func byUse(all []budget.Standing) {
	rank := map[budget.ScopeKind]int{budget.Team: 0, budget.Role: 2}
	used := func(s budget.Standing) float64 { return float64(s.Spent+s.Held) / float64(max(1, s.Limit.Hard())) }
	of := func(s budget.Standing) int {
		if r, ok := rank[s.Limit.Scope.Kind]; ok {
			return r
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b budget.Standing) int {
		return cmp.Or(cmp.Compare(of(a), of(b)), cmp.Compare(used(b), used(a)))
	})
}

// namer names budgets to people: a thread's by a way to it.
func (b *Bot) namer(ctx context.Context) namer {
	return func(s budget.Scope) []part {
		if s.Kind != budget.Session {
			return whose(s, "")
		}
		at, err := b.Service.Thread(ctx, s.Team, s.ID)
		if err != nil {
			b.Log.Warn("name a thread", "session", s.ID, "error", err)
			return []part{words("The budget of a thread")}
		}
		who, err := b.who(ctx)
		if err != nil {
			b.Log.Warn("name a thread", "session", at.ID, "error", err)
		}
		return threadName(who, at)
	}
}

// threadName is a way to the thread that a budget is for.
func threadName(who Identity, at approval.Session) []part {
	return []part{words("The budget of "), link{who.permalink(at.Channel, at.ThreadTS, ""), "a thread"}, words(" in "), channel(at.Channel)}
}

// scope finds the budget that is meant.
func (b *Bot) scope(ctx context.Context, team string, t target) (budget.Scope, error) {
	s := budget.Scope{Team: team, Kind: t.kind, ID: t.id}
	switch t.kind {
	case budget.Team:
		s.ID = team
	case budget.Session:
		found, err := b.Service.ThreadScope(ctx, team, t.channel, t.ts)
		if errors.Is(err, approval.ErrNotFound) {
			return s, &approval.InputError{Why: "Nobody has asked me anything in that thread, so it has no budget. Choose \"Copy link\" in the menu of the thread's first message."}
		}
		return found, err
	}
	return s, nil
}

// showBudget shows one budget, or all that concern whoever asks.
func (b *Bot) showBudget(ctx context.Context, c slack.SlashCommand, o order) (*page, error) {
	if o.target.kind == "" {
		return b.budgets(ctx, c, o)
	}
	s, err := b.scope(ctx, c.TeamID, o.target)
	if err != nil {
		return nil, err
	}
	standings, err := b.standings(ctx, c, s)
	if err != nil {
		return nil, err
	}
	named := whose(s, c.UserID)
	if s.Kind == budget.Session {
		named = b.namer(ctx)(s)
	}
	return oneBudget(named, standings), nil
}

// oneBudget shows one, or that it is not set.
func oneBudget(named []part, standings []budget.Standing) *page {
	p := &page{}
	for _, s := range standings {
		p.standing(s, named)
	}
	if len(standings) == 0 {
		p.say(append(named, words(" is not set, so it limits nothing by itself."))...)
	}
	return p
}

// standings are of one budget. Whoever is in a channel may look at its budget there,
// and at those of its threads.
func (b *Bot) standings(ctx context.Context, c slack.SlashCommand, s budget.Scope) ([]budget.Standing, error) {
	if s.Kind == budget.Session {
		return b.Service.ThreadStandings(ctx, c.UserID, c.ChannelID, s)
	}
	if s.Kind != budget.Project || s.ID != c.ChannelID {
		return b.Service.Standings(ctx, c.UserID, []budget.Scope{s})
	}
	all, err := b.Service.Budgets(ctx, c.TeamID, c.UserID, c.ChannelID)
	return slices.DeleteFunc(slices.Clone(all), func(other budget.Standing) bool { return other.Limit.Scope != s }), err
}

// setBudget sets a limit. Whether somebody may is for the service to say, which
// also keeps who did it.
func (b *Bot) setBudget(ctx context.Context, c slack.SlashCommand, o order) (*page, error) {
	s, err := b.scope(ctx, c.TeamID, o.target)
	if err != nil {
		return nil, err
	}
	return b.set(ctx, c.UserID, budget.Limit{Scope: s, Amount: o.terms.amount, Window: o.terms.window, Policy: o.terms.policy})
}

// set sets a limit, and tells what holds now and what held before.
func (b *Bot) set(ctx context.Context, actor string, l budget.Limit) (*page, error) {
	var before []budget.Standing
	if b.isAdmin(ctx, l.Scope.Team, actor) { // anybody else is told why they may not set it
		var err error
		if before, err = b.Service.Standings(ctx, actor, []budget.Scope{l.Scope}); err != nil {
			return nil, err
		}
	}
	if err := b.Service.SetLimit(ctx, actor, l); err != nil {
		return nil, err
	}
	return limitSet(b.namer(ctx)(l.Scope), l, before), nil
}

// limitSet tells what holds now and what held before.
func limitSet(named []part, l budget.Limit, before []budget.Standing) *page {
	p := &page{}
	p.say(append(bold(named), words(" is now "+limitWords(l)))...)
	for _, s := range before {
		if !s.Limit.Default {
			p.say(words("Before, it was " + limitWords(s.Limit)))
		}
	}
	return p
}

// removeBudget takes a limit away.
func (b *Bot) removeBudget(ctx context.Context, c slack.SlashCommand, o order) (*page, error) {
	s, err := b.scope(ctx, c.TeamID, o.target)
	if err != nil {
		return nil, err
	}
	return b.remove(ctx, c.UserID, s)
}

// remove takes a limit away, and tells what holds instead.
func (b *Bot) remove(ctx context.Context, actor string, s budget.Scope) (*page, error) {
	if err := b.Service.RemoveLimit(ctx, actor, s); err != nil {
		return nil, err
	}
	now, err := b.Service.Standings(ctx, actor, []budget.Scope{s})
	if err != nil {
		return nil, err
	}
	return limitRemoved(b.namer(ctx)(s), now), nil
}

// limitRemoved tells what holds instead.
func limitRemoved(named []part, now []budget.Standing) *page {
	p := &page{}
	p.say(append(bold(named), words(" has been removed."))...)
	for _, left := range now {
		if left.Limit.Default {
			p.say(words("What holds instead is the usual amount: " + limitWords(left.Limit)))
		}
	}
	return p
}

// helpLines are what can be typed, each with an example that works.
var helpLines = []struct{ example, does string }{
	{"show", " shows what you have left. Administrators see every budget that is set."},
	{"explain bcd23fg", " tells which budget decided what about a question, with the numbers. The id stands in the small print."},
	{"show @user", " shows one budget. In place of @user there may be #channel, the link of a thread, team, members, reviewers or admins."},
	{"set @user 25", " lets somebody spend $25 per month."},
	{"set team 200 per week", " is for all together: per day, per week, per month or in all."},
	{"set members 10", " is what each person may spend for whom nothing else is set; so with reviewers and admins."},
	{"set #channel 50 soft 80% warn 50%, 95%", " says when people are warned."},
	{"set team 200 downgrade codestral-2508 without upload, long runs", " has a cheaper model write past the soft limit, and switches things off."},
	{"remove @user", " takes a budget away again."},
	{"history @user", " shows who has changed a budget, and what it was before."},
	{"top channels last month", " adds up who spent what: people, channels, models or days."},
}

// helpExamples are the examples alone.
func helpExamples() (examples []string) {
	for _, l := range helpLines {
		examples = append(examples, l.example)
	}
	return examples
}

// helpBudget says what can be typed, and who may.
func helpBudget() *page {
	p := &page{}
	p.say(strong("Budgets"), words(" say what questions may cost. Money is set aside before anything is spent, in every budget that applies: that of the person, the thread, the channel and the team."))
	lines := func(from, until int) (items [][]part) {
		for _, l := range helpLines[from:until] {
			items = append(items, []part{mono(commandBudget + " " + l.example), words(l.does)})
		}
		return items
	}
	p.list([]part{strong("For everybody")}, lines(0, 2))
	p.list([]part{strong("For administrators"), words(", who also get a form from " + commandBudget + " alone")}, lines(2, len(helpLines)))
	return p
}

// scopeValue is how a button carries a budget; parseScope reads it back.
func scopeValue(s budget.Scope) string { return string(s.Kind) + "/" + s.ID }

// parseScope reads what a button carries. The workspace is the one of the press.
func parseScope(team, value string) (budget.Scope, error) {
	kind, id, ok := strings.Cut(value, "/")
	kinds := []budget.ScopeKind{budget.User, budget.Session, budget.Project, budget.Team, budget.Role}
	if !ok || id == "" || !slices.Contains(kinds, budget.ScopeKind(kind)) {
		return budget.Scope{}, &approval.InputError{Why: "I do not know this button. It may belong to an older version of this app; " + commandBudget + " shows the budgets as they are."}
	}
	return budget.Scope{Team: team, Kind: budget.ScopeKind(kind), ID: id}, nil
}
