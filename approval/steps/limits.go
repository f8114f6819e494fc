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

// Calendar is whose midnight ends a day.
func (s *Costs) Calendar() *time.Location {
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
func (s *Treasury) SetLimit(ctx context.Context, actor string, limit budget.Limit) error {
	if err := s.people.administers(ctx, limit.Scope.Team, actor, whoChanges); err != nil {
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
		if model, ok := a.Model(); ok && !slices.Contains(s.writer.Models(), model) {
			return s.costs.noModel(model)
		}
	}
	return s.store.SetLimit(ctx, actor, limit)
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
		return &approval.InputError{Why: priceWords(err)}
	}
	saves := false
	for _, m := range models {
		from, err := s.costs.worstTokens(m, now)
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

func (s *Costs) noModel(name string) error {
	return &approval.InputError{Why: fmt.Sprintf("There is no model called %s here. You can choose from %s.", approval.Plain(name), strings.Join(s.writer.Models(), ", "))}
}

// sentence is an error's text as people read it.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// RemoveLimit takes a budget away: the usual one holds again, if there is one.
func (s *Treasury) RemoveLimit(ctx context.Context, actor string, scope budget.Scope) error {
	if err := s.people.administers(ctx, scope.Team, actor, whoChanges); err != nil {
		return err
	}
	err := s.store.RemoveLimit(ctx, actor, scope)
	if errors.Is(err, approval.ErrNotFound) {
		return &approval.InputError{Why: "Nobody has set a budget there, so there is none to remove."}
	}
	return err
}

// Limits are all budgets that are set in a workspace, as they stand: for administrators.
func (s *Treasury) Limits(ctx context.Context, team, actor string) ([]budget.Standing, error) {
	if err := s.people.administers(ctx, team, actor, whoLooks); err != nil {
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
		if err := s.people.administers(ctx, scope.Team, actor, whoLooks); err != nil {
			return nil, err
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

// LimitHistory is who changed which budget when, oldest first: for administrators.
// ReadLimitChange says what each event changed.
func (s *Treasury) LimitHistory(ctx context.Context, team, actor string, scope *budget.Scope) ([]approval.Event, error) {
	if err := s.people.administers(ctx, team, actor, whoLooks); err != nil {
		return nil, err
	}
	return s.store.LimitChanges(ctx, team, scope)
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
func (s *Treasury) Top(ctx context.Context, team, actor string, by Ranking, from, until time.Time) ([]Spender, error) {
	if err := s.people.administers(ctx, team, actor, whoLooks); err != nil {
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

// has tells whether somebody's click has been taken before: Slack or a person
// has sent it twice, which is no error.
func has(r *approval.Request, d approval.Decision) bool {
	return slices.ContainsFunc(r.Decisions, func(e approval.Decision) bool {
		return e.Reviewer == d.Reviewer && e.Verdict == d.Verdict && e.Digest == d.Digest &&
			e.Click.ActionTS == d.Click.ActionTS && d.Click.ActionTS != ""
	})
}
