package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/budget"
)

// Treasury is how budgets are set and seen.
type Treasury struct {
	store interface {
		Budgets
		Figures
		LimitBook
		Notices
		Requests
	}
	writer Catalogue
	*Settings

	costs  *Costs
	people *People
}

var (
	whoChanges = onlyAdmins("change budgets")
	whoLooks   = onlyAdmins("look at other people's budgets")
)

// SetLimit changes a budget. Only administrators may: *NotAllowedError.
func (s *Treasury) SetLimit(ctx context.Context, actor string, limit budget.Limit) error {
	if err := s.people.Administers(ctx, limit.Scope.Team, actor, whoChanges); err != nil {
		return err
	}
	if err := s.spends(ctx, limit.Scope); err != nil {
		return err
	}
	if err := limit.Policy.Validate(); err != nil {
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyBadPolicy, Said: err.Error()}}
	}
	for _, d := range limit.Policy.Downgrade {
		if err := s.cheaper(d); err != nil {
			return err
		}
	}
	for _, a := range limit.Policy.Without {
		if model, ok := a.Model(); ok && !slices.Contains(s.writer.Models(), model) {
			return s.costs.noModel(model)
		}
	}
	return s.store.SetLimit(ctx, actor, limit)
}

// spends refuses the budget of somebody who can ask nothing: an app, or somebody who is
// not there, of another workspace or deactivated. Guests ask.
func (s *Treasury) spends(ctx context.Context, scope budget.Scope) error {
	if scope.Kind != budget.User {
		return nil
	}
	p, err := s.people.sight(ctx, scope.Team, scope.ID)
	if err == nil && (p.Bot || p.Gone || p.External) {
		err = &approval.InputError{Why: approval.Because(approval.WhyNoSpender)}
	}
	return err
}

// cheaper refuses a downgrade that would save nothing.
func (s *Treasury) cheaper(d budget.Downgrade) error {
	models, now := s.writer.Models(), time.Now()
	for _, m := range []string{d.From, d.To} {
		if m != "" && !slices.Contains(models, m) {
			return s.costs.noModel(m)
		}
	}
	to, err := s.costs.worstTokens(d.To, now)
	if err != nil {
		return &approval.InputError{Why: priceReason(err)}
	}
	// It is enough that it saves for one model: "any model to m2" also names m2 and cheaper ones.
	saves := false
	for _, m := range models {
		from, err := s.costs.worstTokens(m, now)
		saves = saves || err == nil && (d.From == "" || d.From == m) && to < from
	}
	if !saves {
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyNotCheaper, Name: d.To, Other: d.From}}
	}
	return nil
}

// noModel refuses a model that the settings do not offer, and names those that they do.
func (s *Costs) noModel(name string) error {
	return &approval.InputError{Why: approval.Reason{Code: approval.WhyNoModel, Name: approval.Plain(name), Other: strings.Join(s.writer.Models(), ", ")}}
}

// RemoveLimit takes a budget away: the usual one holds again, if there is one.
func (s *Treasury) RemoveLimit(ctx context.Context, actor string, scope budget.Scope) error {
	if err := s.people.Administers(ctx, scope.Team, actor, whoChanges); err != nil {
		return err
	}
	err := s.store.RemoveLimit(ctx, actor, scope)
	if errors.Is(err, approval.ErrNotFound) {
		return &approval.InputError{Why: approval.Because(approval.WhyNoBudget)}
	}
	return err
}

// Limits are all budgets that are set in a workspace, as they stand: for administrators and auditors.
func (s *Treasury) Limits(ctx context.Context, team, actor string) ([]budget.Standing, error) {
	if err := s.people.seesOr(ctx, team, actor, whoLooks); err != nil {
		return nil, err
	}
	return s.store.Limits(ctx, team)
}

// Standings reads budgets as they are now. Everybody may see their own and the
// team's, administrators all. A scope without a limit has no standing.
func (s *Treasury) Standings(ctx context.Context, actor string, scopes []budget.Scope) ([]budget.Standing, error) {
	for _, scope := range scopes {
		if scope.Kind == budget.Team || scope.Kind == budget.User && scope.ID == actor {
			continue
		}
		if err := s.people.Administers(ctx, scope.Team, actor, whoLooks); err != nil {
			return nil, err
		}
		if scope.Kind != budget.User {
			continue
		}
		if p, err := s.people.sight(ctx, scope.Team, scope.ID); err != nil {
			return nil, err
		} else if p.Unknown {
			return nil, &approval.InputError{Why: approval.Because(approval.WhyNoSpender)}
		}
	}
	return s.store.Standings(ctx, scopes)
}

// ThreadStandings reads the budget of a thread: for administrators, and for whoever
// looks at it in the channel that the thread is in, where all can read what it spends.
func (s *Treasury) ThreadStandings(ctx context.Context, actor, channel string, scope budget.Scope) ([]budget.Standing, error) {
	at, err := s.store.Thread(ctx, scope.Team, scope.ID)
	if err != nil {
		return nil, err
	}
	// In its own channel everybody can read what the thread spends: the bills stand there.
	if channel == "" || at.Channel != channel {
		return s.Standings(ctx, actor, []budget.Scope{scope})
	}
	return s.store.Standings(ctx, []budget.Scope{scope})
}

// ThreadScope is the budget of a thread. One that is no session of ours: ErrNotFound.
func (s *Treasury) ThreadScope(ctx context.Context, team, channel, threadTS string) (budget.Scope, error) {
	return s.store.ThreadScope(ctx, team, channel, threadTS)
}

// Thread is where the thread of a budget is, so that it can be named by a way to it.
func (s *Treasury) Thread(ctx context.Context, team, session string) (approval.Session, error) {
	return s.store.Thread(ctx, team, session)
}

// LimitHistory is who changed which budget when, oldest first: for administrators and auditors.
// ReadLimitChange says what each event changed.
func (s *Treasury) LimitHistory(ctx context.Context, team, actor string, scope *budget.Scope) ([]approval.Event, error) {
	if err := s.people.seesOr(ctx, team, actor, whoLooks); err != nil {
		return nil, err
	}
	return s.store.LimitChanges(ctx, team, scope)
}

// LimitChange is a change of a budget: what it was and what it became. Nothing
// before means that none was set, nothing after that it was removed.
type LimitChange struct {
	Scope         budget.Scope
	Before, After *budget.Limit
	Until         time.Time  // of a top-up: when it ends
	Spent         budget.USD // of what an administrator has confirmed after a copy of the database was put back
}

// ReadLimitChange reads an event of the budgets' audit trail.
func ReadLimitChange(e approval.Event) (c LimitChange, err error) {
	var data struct {
		budget.Limit
		Before *budget.Limit `json:"before"`
		Until  time.Time     `json:"until"`
		Spent  budget.USD    `json:"spent"`
	}
	text, err := json.Marshal(e.Data)
	if err == nil {
		err = json.Unmarshal(text, &data)
	}
	if err != nil {
		return c, fmt.Errorf("read the change of a budget: %w", err)
	}
	c = LimitChange{Scope: data.Scope, Before: data.Before, Until: data.Until, Spent: data.Spent}
	// The event of a removal holds no limit. Every limit that is set has a window, if only "none".
	if data.Limit.Window != "" {
		c.After = &data.Limit
	}
	if c.Before != nil {
		c.Before.Scope = c.Scope
	}
	return c, nil
}

// Top ranks who or what money was spent on: for administrators and auditors.
func (s *Treasury) Top(ctx context.Context, team, actor string, by Ranking, from, until time.Time) ([]Spender, error) {
	if err := s.people.seesOr(ctx, team, actor, whoLooks); err != nil {
		return nil, err
	}
	return s.store.Top(ctx, team, by, from, until)
}

// Budgets shows the standings of a person, of the channel that they are in, if
// they are in one, and of the team: what pays for a question that they ask there.
func (s *Treasury) Budgets(ctx context.Context, team, user, channel string) ([]budget.Standing, error) {
	scopes := []budget.Scope{{Team: team, Kind: budget.User, ID: user}, {Team: team, Kind: budget.Team, ID: team}}
	if channel != "" {
		scopes = append(scopes, budget.Scope{Team: team, Kind: budget.Project, ID: channel})
	}
	return s.store.Standings(ctx, scopes)
}

// has tells whether somebody's click has been taken before. Slack or a person has sent it
// twice: the second one is told the outcome of the first, and no error.
func has(r *approval.Request, d approval.Decision) bool {
	return slices.ContainsFunc(r.Decisions, func(e approval.Decision) bool {
		return e.Reviewer == d.Reviewer && e.Verdict == d.Verdict && e.Digest == d.Digest &&
			e.Click.ActionTS == d.Click.ActionTS && d.Click.ActionTS != ""
	})
}

// Explanation says which budget decided what about a request, with the numbers
// as they stood then.
type Explanation struct {
	Request *approval.Request
	Steps   []Weighing // in the order in which they came
}

// Weighing is one paid step that the budgets were asked for.
type Weighing struct {
	At        time.Time
	Purpose   budget.Purpose
	Needed    budget.USD
	Model     string
	Standings []budget.Standing // as they stood before it, in lock order
	Refused   bool              // by the tightest
	HoldID    string            // empty when it was refused
	Settled   *Settled          // nil while it is held
	Uncertain bool              // nobody knows what a call under the hold has cost
}

// Tight is the budget that had the least left.
func (w Weighing) Tight() budget.Standing {
	tight, _ := budget.Tightest(w.Standings)
	return tight
}

// Settled is how a hold ended.
type Settled struct {
	At        time.Time
	Spent     budget.USD
	Over      budget.USD // what it has cost beyond the hold, and no budget was charged
	Estimated bool
	UsageOf   string // the day of which the provider's usage told it; empty: the call's own answer did
}

// Explain says which budget decided what about a request: to whoever asked it,
// and to administrators.
func (s *Treasury) Explain(ctx context.Context, team, actor, id string) (*Explanation, error) {
	r, err := s.store.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.Team != team {
		return nil, approval.ErrNotFound
	}
	if r.Asker != actor {
		if err := s.people.Administers(ctx, team, actor, approval.Because(approval.WhyAskerLooks)); err != nil {
			return nil, err
		}
	}
	events, err := s.store.Events(ctx, id)
	if err != nil {
		return nil, err
	}
	e := &Explanation{Request: r}
	for _, event := range events {
		if err := e.read(event); err != nil {
			return nil, fmt.Errorf("explain %s: %w", id, err)
		}
	}
	return e, nil
}

// read takes what an event says about money. Holds of before there were weighings
// are explained by their amount alone.
func (e *Explanation) read(event approval.Event) error {
	var data struct {
		For       budget.Purpose    `json:"for"`
		Hold      string            `json:"hold"`
		Needed    budget.USD        `json:"needed"`
		Amount    budget.USD        `json:"amount"`
		Held      budget.USD        `json:"held"`
		Model     string            `json:"model"`
		Standings []budget.Standing `json:"standings"`
		Spent     budget.USD        `json:"spent"`
		Over      budget.USD        `json:"over"`
		Estimated bool              `json:"estimated"`
		UsageOf   string            `json:"usage_of"`
	}
	switch event.Kind {
	case approval.EventHeld, approval.EventWeighed, approval.EventBlocked, approval.EventRefusedChange, approval.EventSettled, approval.EventUncertain:
	default:
		return nil
	}
	text, err := json.Marshal(event.Data)
	if err == nil {
		err = json.Unmarshal(text, &data)
	}
	if err != nil {
		return fmt.Errorf("read the event %q: %w", event.Kind, err)
	}
	// The events of one hold (held, weighed, uncertain, settled) become one step. A refusal has no hold,
	// and is always a step of its own.
	var step *Weighing
	for i := range e.Steps {
		if data.Hold != "" && e.Steps[i].HoldID == data.Hold {
			step = &e.Steps[i]
		}
	}
	if step == nil {
		e.Steps = append(e.Steps, Weighing{At: event.At, Purpose: data.For, HoldID: data.Hold, Needed: max(data.Amount, data.Held)})
		step = &e.Steps[len(e.Steps)-1]
	}
	switch event.Kind {
	case approval.EventWeighed, approval.EventBlocked, approval.EventRefusedChange:
		step.Needed, step.Model, step.Standings, step.Refused = data.Needed, data.Model, data.Standings, event.Kind != approval.EventWeighed
	case approval.EventUncertain:
		step.Uncertain = true
		if step.Purpose == "" { // a rest, which is of a call
			step.Purpose = budget.ForDraft
		}
	case approval.EventSettled:
		step.Settled = &Settled{At: event.At, Spent: data.Spent, Over: data.Over, Estimated: data.Estimated, UsageOf: data.UsageOf}
	}
	return nil
}
