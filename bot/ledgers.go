package bot

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/books"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/command"
	"countersign/bot/draw/home"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// Ledgers are what has become of money, for those who may know: each call takes who looks, and refuses others.
type Ledgers interface {
	// LimitHistory with a nil scope is of every budget.
	LimitHistory(ctx context.Context, team, actor string, scope *budget.Scope) ([]approval.Event, error)
	Explain(ctx context.Context, team, actor, id string) (*steps.Explanation, error)
	Top(ctx context.Context, team, actor string, by steps.Ranking, from, until time.Time) ([]steps.Spender, error)
	// Calendar is the team's time zone.
	Calendar() *time.Location
}

// Accounts are how fast money goes, and what other rules would have changed.
type Accounts interface {
	Pace(ctx context.Context, team, actor string) (budget.Pace, error)
	RulesToTry(ctx context.Context, team, actor string) (review.RuleSet, error)
	Replay(ctx context.Context, team, actor string, t books.Trial) (books.Outcome, error)
}

// ledgers takes /budget, and the same where it is a press away: what has been set,
// decided and spent.
type ledgers struct {
	*budgets
	service  Ledgers
	accounts Accounts // nil: nobody reckons them
}

// budget takes /budget. Alone it is the form, for those who may fill it in, and
// what there is to spend, for everybody.
func (h *ledgers) budget(ctx context.Context, c slack.SlashCommand) (answer, error) {
	o, err := command.ParseBudget(c.Text)
	if err != nil {
		return orPrivately(err)
	}
	if o.Verb == "" && h.isAdmin(ctx, h.budgets.service, c.TeamID, c.UserID) {
		// Opened before anything is read: the trigger is good for three seconds.
		if err := h.open(ctx, c.TriggerID, money.LimitView(money.LimitForm{Models: h.budgets.service.Models(), Channel: c.ChannelID, Kind: string(budget.User)})); err != nil {
			return orPrivately(err)
		}
	}
	p, err := h.run(ctx, c, o)
	if err != nil {
		return orPrivately(err)
	}
	a := privately(p)
	// Slack takes only so much in an ack. A longer answer comes as a message of its own, for the same eyes.
	if text, err := json.Marshal(a.payload); err != nil || len(text) > maxAck {
		return h.whisper(a, seat{user: c.UserID, channel: c.ChannelID}), nil
	}
	return a, nil
}

// run does what comes after /budget.
func (h *ledgers) run(ctx context.Context, c slack.SlashCommand, o command.Order) (*kit.Page, error) {
	switch o.Verb {
	case "help":
		return money.HelpBudget(), nil
	case "show":
		return h.showBudget(ctx, c, o)
	case "set":
		return h.setBudget(ctx, c, o)
	case "remove":
		return h.removeBudget(ctx, c, o)
	case "history":
		return h.budgetHistory(ctx, c, o)
	case "explain":
		return h.explained(ctx, c.TeamID, c.UserID, o.Request)
	case "top":
		return h.spenders(ctx, c.TeamID, c.UserID, o)
	}
	return h.all(ctx, c)
}

// budgetHistory shows who has changed a budget, the latest first.
func (h *ledgers) budgetHistory(ctx context.Context, c slack.SlashCommand, o command.Order) (*kit.Page, error) {
	if o.Target.Kind == "" {
		return h.changes(ctx, c.TeamID, c.UserID, nil)
	}
	s, err := h.scope(ctx, c.TeamID, o.Target)
	if err != nil {
		return nil, err
	}
	return h.changes(ctx, c.TeamID, c.UserID, &s)
}

// changes lists those of one budget, or of all.
func (h *ledgers) changes(ctx context.Context, team, reader string, scope *budget.Scope) (*kit.Page, error) {
	events, err := h.service.LimitHistory(ctx, team, reader, scope)
	if err != nil {
		return nil, err
	}
	return money.LimitChanges(events, h.namer(ctx))
}

// explained says it to whoever may know.
func (h *ledgers) explained(ctx context.Context, team, reader, id string) (*kit.Page, error) {
	e, err := h.service.Explain(ctx, team, reader, id)
	if errors.Is(err, approval.ErrNotFound) {
		return nil, &approval.InputError{Why: approval.Words("There is no question with the id " + id + " here. Its id is in the small print of its card and its answer; /analyze status lists yours.")}
	}
	if err != nil {
		return nil, err
	}
	return money.Weighings(e, reader), nil
}

// spenders ranks who has spent what, over a stretch on the team's calendar.
func (h *ledgers) spenders(ctx context.Context, team, reader string, o command.Order) (*kit.Page, error) {
	// On the team's calendar, as budgets count: "today" is not the reader's own day.
	from, until := command.Periods[o.Period].Around(time.Now().In(h.service.Calendar()))
	list, err := h.service.Top(ctx, team, reader, steps.Ranking(o.By), from, until)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	if h.accounts != nil && o.Period == "this month" {
		pace, err := h.accounts.Pace(ctx, team, reader)
		if err != nil {
			return nil, err
		}
		money.Paced(p, pace)
	}
	money.Ranking(p, o, from, until, list)
	return p, nil
}

// What the commands about money say is also a press away: on the Home and where a
// budget refuses. The answer is a modal, which nobody else sees.

// noted shows a page in a modal, or why there is none.
func (h *ledgers) noted(ctx context.Context, cb slack.InteractionCallback, title string, p *kit.Page, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, kit.NoteOf(title, p))
}

// clickWhy is /budget explain for the question whose button was pressed.
func (h *ledgers) clickWhy(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	p, err := h.explained(ctx, cb.Team.ID, cb.User.ID, action.Value)
	return h.noted(ctx, cb, "Why", p, err)
}

// clickHistory is /budget history.
func (h *ledgers) clickHistory(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	p, err := h.changes(ctx, cb.Team.ID, cb.User.ID, nil)
	return h.noted(ctx, cb, "Budget changes", p, err)
}

// clickExplain asks which question; people have a button at each of their own.
func (h *ledgers) clickExplain(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return answer{}, h.open(ctx, cb.TriggerID, money.ExplainView())
}

// submitExplain is /budget explain, in the modal's place.
func (h *ledgers) submitExplain(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	var o command.Order
	// The same reader as for what is typed after /budget, and split as there: an id that was pasted brings blanks along.
	err := o.ReadExplain(strings.Fields(fieldsOf(cb)[ids.FieldRequest].Value))
	if err != nil {
		return saved(cb, err, ids.FieldRequest)
	}
	p, err := h.explained(ctx, cb.Team.ID, cb.User.ID, o.Request)
	if err != nil {
		return saved(cb, err, ids.FieldRequest)
	}
	view := kit.NoteOf("Why", p)
	return answer{payload: slack.NewUpdateViewSubmissionResponse(&view)}, nil
}

// clickTop is /budget top, with lists to choose from by what and over which time.
func (h *ledgers) clickTop(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	o := command.Order{By: string(steps.ByPeople), Period: "this month"}
	p, err := h.spenders(ctx, cb.Team.ID, cb.User.ID, o)
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, money.TopView(p, o))
}

// clickRanking adds up anew.
func (h *ledgers) clickRanking(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	fields := fieldsOf(cb)
	o := command.Order{By: fields[ids.FieldRanking].SelectedOption.Value, Period: fields[ids.FieldPeriod].SelectedOption.Value}
	// The values come from an envelope, so they may be anything.
	if _, ok := command.Periods[o.Period]; !ok || command.Rankings[o.By] == "" {
		return answer{}, &approval.InputError{Why: approval.Words("I do not recognise this list. It may be from an older version of this app.")}
	}
	p, err := h.spenders(ctx, cb.Team.ID, cb.User.ID, o)
	if err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { h.redraw(ctx, cb, money.TopView(p, o)) }}, nil
}

// clickTry opens the rules of the workspace, to be tried on the past.
func (h *ledgers) clickTry(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	if h.accounts == nil {
		return answer{}, nil
	}
	set, err := h.accounts.RulesToTry(ctx, cb.Team.ID, cb.User.ID)
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, home.TryView(set))
}

// submitTry says what these rules would have changed. Reading a month takes longer than
// Slack waits, so the modal says that it is being reckoned, and then the outcome.
func (h *ledgers) submitTry(_ context.Context, cb slack.InteractionCallback) (answer, error) {
	fields := fieldsOf(cb)
	rules, field, why := home.RulesOf(fields)
	if why != "" {
		return beside(field, why), nil
	}
	budgets, err := books.ReadBudgets(strings.Split(fields[ids.FieldBudgets].Value, "\n"), cb.Team.ID)
	if err != nil {
		return beside(ids.FieldBudgets, kit.Capital(err.Error())), nil
	}
	now := time.Now()
	// What is set apart from reviews is not on this form, and stays as it is.
	trial := books.Trial{Since: now.AddDate(0, 0, -home.TryDays), Until: now, Budgets: budgets, Rules: func(now review.Rules) review.Rules {
		rules.Models, rules.Notes, rules.Shows, rules.LogChannel = now.Models, now.Notes, now.Shows, now.LogChannel
		return rules
	}}
	wait := &kit.Page{}
	wait.Say(kit.Words("Playing the last month again…"))
	return h.awaiting(kit.NoteOf("Try other rules", wait), func(ctx context.Context) slack.ModalViewRequest {
		outcome, err := h.accounts.Replay(ctx, cb.Team.ID, cb.User.ID, trial)
		p := &kit.Page{}
		if err != nil {
			p.Say(kit.Words(h.Words(err)))
		} else {
			p = home.Tried(outcome)
		}
		return kit.NoteOf("Try other rules", p)
	}), nil
}
