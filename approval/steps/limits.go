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

// Calendar is whose midnight ends a day.
func (s *Service) Calendar() *time.Location {
	if s.Location == nil {
		return time.UTC
	}
	return s.Location
}

const (
	whoChanges = "Only administrators change budgets."
	whoLooks   = "Only administrators look at other people's budgets."
)

// SetLimit changes a budget. Only administrators may: *NotAllowedError.
func (s *Service) SetLimit(ctx context.Context, actor string, limit budget.Limit) error {
	if err := s.administers(ctx, limit.Scope.Team, actor, whoChanges); err != nil {
		return err
	}
	if err := limit.Policy.Validate(); err != nil {
		return &approval.InputError{Why: sentence(err.Error())}
	}
	for _, d := range limit.Policy.Downgrade {
		if err := s.cheaper(d); err != nil {
			return err
		}
	}
	for _, a := range limit.Policy.Without {
		if model, ok := a.Model(); ok && !slices.Contains(s.Writer.Models(), model) {
			return s.noModel(model)
		}
	}
	return s.Store.SetLimit(ctx, actor, limit)
}

// cheaper refuses a downgrade that would save nothing.
func (s *Service) cheaper(d budget.Downgrade) error {
	models, now := s.Writer.Models(), time.Now()
	for _, m := range []string{d.From, d.To} {
		if m != "" && !slices.Contains(models, m) {
			return s.noModel(m)
		}
	}
	to, err := s.worstTokens(d.To, now)
	if err != nil {
		return &approval.InputError{Why: priceWords(err)}
	}
	saves := false
	for _, m := range models {
		from, err := s.worstTokens(m, now)
		saves = saves || err == nil && (d.From == "" || d.From == m) && to < from
	}
	if !saves {
		instead := "any other model here"
		if d.From != "" {
			instead = d.From
		}
		return &approval.InputError{Why: fmt.Sprintf("%s is not cheaper than %s, so nothing would be saved.", d.To, instead)}
	}
	return nil
}

func (s *Service) noModel(name string) error {
	return &approval.InputError{Why: fmt.Sprintf("There is no model called %s here. You can choose from %s.", approval.Plain(name), strings.Join(s.Writer.Models(), ", "))}
}

// sentence is an error's text as people read it.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// RemoveLimit takes a budget away: the usual one holds again, if there is one.
func (s *Service) RemoveLimit(ctx context.Context, actor string, scope budget.Scope) error {
	if err := s.administers(ctx, scope.Team, actor, whoChanges); err != nil {
		return err
	}
	err := s.Store.RemoveLimit(ctx, actor, scope)
	if errors.Is(err, approval.ErrNotFound) {
		return &approval.InputError{Why: "Nobody has set a budget there, so there is none to remove."}
	}
	return err
}

// Limits are all budgets that are set in a workspace, as they stand: for administrators.
func (s *Service) Limits(ctx context.Context, team, actor string) ([]budget.Standing, error) {
	if err := s.administers(ctx, team, actor, whoLooks); err != nil {
		return nil, err
	}
	return s.Store.Limits(ctx, team)
}

// Standings reads budgets as they are now. Everybody may see their own and the
// team's, administrators all. A scope without a limit has no standing.
func (s *Service) Standings(ctx context.Context, actor string, scopes []budget.Scope) ([]budget.Standing, error) {
	for _, scope := range scopes {
		if scope.Kind == budget.Team || scope.Kind == budget.User && scope.ID == actor {
			continue
		}
		if err := s.administers(ctx, scope.Team, actor, whoLooks); err != nil {
			return nil, err
		}
	}
	return s.Store.Standings(ctx, scopes)
}

// ThreadStandings reads the budget of a thread: for administrators, and for whoever
// looks at it in the channel that the thread is in, where all can read what it spends.
func (s *Service) ThreadStandings(ctx context.Context, actor, channel string, scope budget.Scope) ([]budget.Standing, error) {
	at, err := s.Store.Thread(ctx, scope.Team, scope.ID)
	if err != nil {
		return nil, err
	}
	if channel == "" || at.Channel != channel {
		return s.Standings(ctx, actor, []budget.Scope{scope})
	}
	return s.Store.Standings(ctx, []budget.Scope{scope})
}

// ThreadScope is the budget of a thread. One that is no session of ours: ErrNotFound.
func (s *Service) ThreadScope(ctx context.Context, team, channel, threadTS string) (budget.Scope, error) {
	return s.Store.ThreadScope(ctx, team, channel, threadTS)
}

// Thread is where the thread of a budget is, so that it can be named by a way to it.
func (s *Service) Thread(ctx context.Context, team, session string) (approval.Session, error) {
	return s.Store.Thread(ctx, team, session)
}

// LimitHistory is who changed which budget when, oldest first: for administrators.
// ReadLimitChange says what each event changed.
func (s *Service) LimitHistory(ctx context.Context, team, actor string, scope *budget.Scope) ([]approval.Event, error) {
	if err := s.administers(ctx, team, actor, whoLooks); err != nil {
		return nil, err
	}
	return s.Store.LimitChanges(ctx, team, scope)
}

// LimitChange is a change of a budget: what it was and what it became. Nothing
// before means that none was set, nothing after that it was removed.
type LimitChange struct {
	Scope         budget.Scope
	Before, After *budget.Limit
	Until         time.Time // of a top-up: when it ends
}

// ReadLimitChange reads an event of the budgets' audit trail.
func ReadLimitChange(e approval.Event) (c LimitChange, err error) {
	var data struct {
		budget.Limit
		Before *budget.Limit `json:"before"`
		Until  time.Time     `json:"until"`
	}
	text, err := json.Marshal(e.Data)
	if err == nil {
		err = json.Unmarshal(text, &data)
	}
	if err != nil {
		return c, fmt.Errorf("read the change of a budget: %w", err)
	}
	c = LimitChange{Scope: data.Scope, Before: data.Before, Until: data.Until}
	if data.Limit.Window != "" {
		c.After = &data.Limit
	}
	if c.Before != nil {
		c.Before.Scope = c.Scope
	}
	return c, nil
}

// Top ranks who or what money was spent on: for administrators.
func (s *Service) Top(ctx context.Context, team, actor string, by Ranking, from, until time.Time) ([]Spender, error) {
	if err := s.administers(ctx, team, actor, whoLooks); err != nil {
		return nil, err
	}
	return s.Store.Top(ctx, team, by, from, until)
}
