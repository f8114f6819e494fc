package bot

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/command"
	"countersign/bot/draw/money"
	"countersign/bot/kit"
	"countersign/budget"
)

// budgetVerbs do what comes after /budget.
var budgetVerbs = map[string]func(*Bot, context.Context, slack.SlashCommand, command.Order) (*kit.Page, error){
	"": (*Bot).budgets,
	"help": func(*Bot, context.Context, slack.SlashCommand, command.Order) (*kit.Page, error) {
		return money.HelpBudget(), nil
	},
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
	o, err := command.ParseBudget(c.Text)
	if err != nil {
		return orPrivately(err)
	}
	if o.Verb == "" && b.isAdmin(ctx, c.TeamID, c.UserID) {
		if err := b.open(ctx, c.TriggerID, money.LimitView(money.LimitForm{Models: b.Service.Models(), Channel: c.ChannelID, Kind: string(budget.User)})); err != nil {
			return orPrivately(err)
		}
	}
	p, err := budgetVerbs[o.Verb](b, ctx, c, o)
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

// budgets shows what one may spend, and administrators everything that is set.
func (b *Bot) budgets(ctx context.Context, c slack.SlashCommand, _ command.Order) (*kit.Page, error) {
	own, err := b.purse(ctx, c.TeamID, c.UserID, c.ChannelID)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	own.Show(p)
	return p, nil
}

// purse loads it.
func (b *Bot) purse(ctx context.Context, team, user, channel string) (m money.Purse, err error) {
	m.Reader, m.Named = user, b.namer(ctx)
	if m.Own, err = b.Service.Budgets(ctx, team, user, channel); err != nil {
		return m, err
	}
	if m.Admin = b.isAdmin(ctx, team, user); m.Admin {
		m.All, err = b.Service.Limits(ctx, team, user)
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

// namer names budgets to people: a thread's by a way to it.
func (b *Bot) namer(ctx context.Context) money.Namer {
	return func(s budget.Scope) []kit.Part {
		if s.Kind != budget.Session {
			return money.Whose(s, "")
		}
		at, err := b.Service.Thread(ctx, s.Team, s.ID)
		if err != nil {
			b.Log.Warn("name a thread", "session", s.ID, "error", err)
			return []kit.Part{kit.Words("The budget of a thread")}
		}
		who, err := b.who(ctx)
		if err != nil {
			b.Log.Warn("name a thread", "session", at.ID, "error", err)
		}
		return money.ThreadName(who, at)
	}
}

// scope finds the budget that is meant.
func (b *Bot) scope(ctx context.Context, team string, t command.Target) (budget.Scope, error) {
	s := budget.Scope{Team: team, Kind: t.Kind, ID: t.Id}
	switch t.Kind {
	case budget.Team:
		s.ID = team
	case budget.Session:
		found, err := b.Service.ThreadScope(ctx, team, t.Channel, t.Ts)
		if errors.Is(err, approval.ErrNotFound) {
			return s, &approval.InputError{Why: "Nobody has asked me anything in that thread, so it has no budget. Choose \"Copy link\" in the menu of the thread's first message."}
		}
		return found, err
	}
	return s, nil
}

// showBudget shows one budget, or all that concern whoever asks.
func (b *Bot) showBudget(ctx context.Context, c slack.SlashCommand, o command.Order) (*kit.Page, error) {
	if o.Target.Kind == "" {
		return b.budgets(ctx, c, o)
	}
	s, err := b.scope(ctx, c.TeamID, o.Target)
	if err != nil {
		return nil, err
	}
	standings, err := b.standings(ctx, c, s)
	if err != nil {
		return nil, err
	}
	named := money.Whose(s, c.UserID)
	if s.Kind == budget.Session {
		named = b.namer(ctx)(s)
	}
	return money.OneBudget(named, standings), nil
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
func (b *Bot) setBudget(ctx context.Context, c slack.SlashCommand, o command.Order) (*kit.Page, error) {
	s, err := b.scope(ctx, c.TeamID, o.Target)
	if err != nil {
		return nil, err
	}
	return b.set(ctx, c.UserID, budget.Limit{Scope: s, Amount: o.Terms.Amount, Window: o.Terms.Window, Policy: o.Terms.Policy})
}

// set sets a limit, and tells what holds now and what held before.
func (b *Bot) set(ctx context.Context, actor string, l budget.Limit) (*kit.Page, error) {
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
	return money.LimitSet(b.namer(ctx)(l.Scope), l, before), nil
}

// removeBudget takes a limit away.
func (b *Bot) removeBudget(ctx context.Context, c slack.SlashCommand, o command.Order) (*kit.Page, error) {
	s, err := b.scope(ctx, c.TeamID, o.Target)
	if err != nil {
		return nil, err
	}
	return b.remove(ctx, c.UserID, s)
}

// remove takes a limit away, and tells what holds instead.
func (b *Bot) remove(ctx context.Context, actor string, s budget.Scope) (*kit.Page, error) {
	if err := b.Service.RemoveLimit(ctx, actor, s); err != nil {
		return nil, err
	}
	now, err := b.Service.Standings(ctx, actor, []budget.Scope{s})
	if err != nil {
		return nil, err
	}
	return money.LimitRemoved(b.namer(ctx)(s), now), nil
}
