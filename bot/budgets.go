package bot

import (
	"context"
	"errors"
	"slices"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/command"
	"countersign/bot/draw/money"
	"countersign/bot/kit"
	"countersign/budget"
)

// Budgets are what may be spent, and how that is set. Who may do what is for the
// service to check: every method takes who asks.
type Budgets interface {
	// Budgets are the ones that pay for a person's questions everywhere.
	Budgets(ctx context.Context, team, user, channel string) ([]budget.Standing, error)
	// Standings are those of some scopes; one without a limit is missing.
	Standings(ctx context.Context, actor string, scopes []budget.Scope) ([]budget.Standing, error)
	// Limits are all that are set.
	Limits(ctx context.Context, team, actor string) ([]budget.Standing, error)
	SetLimit(ctx context.Context, actor string, limit budget.Limit) error
	RemoveLimit(ctx context.Context, actor string, scope budget.Scope) error
	// ThreadStandings are those of a thread, for who may see them in a channel.
	ThreadStandings(ctx context.Context, actor, channel string, scope budget.Scope) ([]budget.Standing, error)
	// ThreadScope is the budget of a thread; Thread is where it is.
	ThreadScope(ctx context.Context, team, channel, ts string) (budget.Scope, error)
	Thread(ctx context.Context, team, session string) (approval.Session, error)
	// Models are those that can write code.
	Models() []string
	roster
}

// budgets shows and sets what may be spent.
type budgets struct {
	*slackAPI
	service Budgets
}

// maxAck is what an ack may carry. Slack drops a larger one than 20 kB without a word, and
// slack-go refuses to send it from 20,480 bytes on (tried with 0.35). What is longer goes as a
// private message after the ack.
const maxAck = 19_000

// all shows what one may spend, and administrators everything that is set.
func (h *budgets) all(ctx context.Context, c slack.SlashCommand) (*kit.Page, error) {
	own, err := h.purse(ctx, c.TeamID, c.UserID, c.ChannelID)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	own.Show(p)
	return p, nil
}

// purse loads it.
//
// The channel is empty for a Home: then the budgets of a channel are left out.
func (h *budgets) purse(ctx context.Context, team, user, channel string) (m money.Purse, err error) {
	m.Reader, m.Named = user, h.namer(ctx)
	if m.Own, err = h.service.Budgets(ctx, team, user, channel); err != nil {
		return m, err
	}
	if m.Admin = h.isAdmin(ctx, h.service, team, user); m.Admin {
		m.All, err = h.service.Limits(ctx, team, user)
	}
	return m, err
}

// namer names budgets to people: a thread's by a way to it.
//
// It may ask the database for each thread that it names, so it is called for what is shown and for no more.
func (h *budgets) namer(ctx context.Context) money.Namer {
	return func(s budget.Scope) []kit.Part {
		if s.Kind != budget.Session {
			return money.Whose(s, "")
		}
		at, err := h.service.Thread(ctx, s.Team, s.ID)
		if err != nil {
			h.Log.Warn("name a thread", "session", s.ID, "error", err)
			return []kit.Part{kit.Words("The budget of a thread")}
		}
		// Without the workspace's address the thread has a name and no link, which is better than no line at all.
		who, err := h.who(ctx)
		if err != nil {
			h.Log.Warn("name a thread", "session", at.ID, "error", err)
		}
		return money.ThreadName(who, at)
	}
}

// scope finds the budget that is meant.
//
// A thread is named by its link and kept by the id of its session, so only that one has to be looked up.
func (h *budgets) scope(ctx context.Context, team string, t command.Target) (budget.Scope, error) {
	s := budget.Scope{Team: team, Kind: t.Kind, ID: t.Id}
	switch t.Kind {
	case budget.Team:
		s.ID = team
	case budget.Session:
		found, err := h.service.ThreadScope(ctx, team, t.Channel, t.Ts)
		if errors.Is(err, approval.ErrNotFound) {
			return s, &approval.InputError{Why: approval.Words("Nobody has asked me anything in that thread, so it has no budget. Choose \"Copy link\" in the menu of the thread's first message.")}
		}
		return found, err
	}
	return s, nil
}

// showBudget shows one budget, or all that concern whoever asks.
func (h *budgets) showBudget(ctx context.Context, c slack.SlashCommand, o command.Order) (*kit.Page, error) {
	if o.Target.Kind == "" {
		return h.all(ctx, c)
	}
	s, err := h.scope(ctx, c.TeamID, o.Target)
	if err != nil {
		return nil, err
	}
	standings, err := h.standings(ctx, c, s)
	if err != nil {
		return nil, err
	}
	named := money.Whose(s, c.UserID)
	if s.Kind == budget.Session {
		named = h.namer(ctx)(s)
	}
	return money.OneBudget(named, standings), nil
}

// standings are of one budget. Whoever is in a channel may look at its budget there,
// and at those of its threads.
func (h *budgets) standings(ctx context.Context, c slack.SlashCommand, s budget.Scope) ([]budget.Standing, error) {
	if s.Kind == budget.Session {
		return h.service.ThreadStandings(ctx, c.UserID, c.ChannelID, s)
	}
	// Of another channel's budget only administrators read: there the service says no.
	if s.Kind != budget.Project || s.ID != c.ChannelID {
		return h.service.Standings(ctx, c.UserID, []budget.Scope{s})
	}
	all, err := h.service.Budgets(ctx, c.TeamID, c.UserID, c.ChannelID)
	return slices.DeleteFunc(slices.Clone(all), func(other budget.Standing) bool { return other.Limit.Scope != s }), err
}

// setBudget sets a limit. Whether somebody may is for the service to say, which
// also keeps who did it.
func (h *budgets) setBudget(ctx context.Context, c slack.SlashCommand, o command.Order) (*kit.Page, error) {
	s, err := h.scope(ctx, c.TeamID, o.Target)
	if err != nil {
		return nil, err
	}
	return h.set(ctx, c.UserID, budget.Limit{Scope: s, Amount: o.Terms.Amount, Window: o.Terms.Window, Policy: o.Terms.Policy})
}

// set sets a limit, and tells what holds now and what held before.
func (h *budgets) set(ctx context.Context, actor string, l budget.Limit) (*kit.Page, error) {
	var before []budget.Standing
	if h.isAdmin(ctx, h.service, l.Scope.Team, actor) { // anybody else is told why they may not set it
		var err error
		if before, err = h.service.Standings(ctx, actor, []budget.Scope{l.Scope}); err != nil {
			return nil, err
		}
	}
	if err := h.service.SetLimit(ctx, actor, l); err != nil {
		return nil, err
	}
	return money.LimitSet(h.namer(ctx)(l.Scope), l, before), nil
}

// removeBudget takes a limit away.
func (h *budgets) removeBudget(ctx context.Context, c slack.SlashCommand, o command.Order) (*kit.Page, error) {
	s, err := h.scope(ctx, c.TeamID, o.Target)
	if err != nil {
		return nil, err
	}
	return h.remove(ctx, c.UserID, s)
}

// remove takes a limit away, and tells what holds instead.
func (h *budgets) remove(ctx context.Context, actor string, s budget.Scope) (*kit.Page, error) {
	if err := h.service.RemoveLimit(ctx, actor, s); err != nil {
		return nil, err
	}
	now, err := h.service.Standings(ctx, actor, []budget.Scope{s})
	if err != nil {
		return nil, err
	}
	return money.LimitRemoved(h.namer(ctx)(s), now), nil
}
