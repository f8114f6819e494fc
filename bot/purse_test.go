package bot

import (
	"context"
	"maps"
	"slices"
	"time"

	"countersign/approval"
	"countersign/approval/books"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
)

// purse is what the service of these tests knows and has been told about money.
type purse struct {
	standing  []budget.Standing // of Budgets
	limits    []budget.Standing // of Limits
	shown     map[budget.Scope]budget.Standing
	threads   map[string]approval.Session
	history   []approval.Event
	explained *steps.Explanation
	top       []steps.Spender
	pace      budget.Pace
	outcome   books.Outcome
	trials    []books.Trial
	choices   steps.Choices
	blocks    *approval.Block // of every question
	ends      []steps.GrantEnd

	sets    []budget.Limit
	removed []budget.Scope
	ways    []way
}

// way is a choice that somebody made for a blocked request, or about a top-up.
type way struct {
	verb, id, model, reason string
	amount                  budget.USD
	until                   time.Time
	by                      string
}

// does does something under the lock, when it may be done.
func (s *service) does(ctx context.Context, what func()) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.change(what)
	return nil
}

func (s *service) Budgets(ctx context.Context, team, user, channel string) ([]budget.Standing, error) {
	return s.standing, s.enter(ctx)
}

func (s *service) Standings(ctx context.Context, actor string, scopes []budget.Scope) (found []budget.Standing, err error) {
	err = s.does(ctx, func() {
		for _, scope := range scopes {
			if standing, ok := s.shown[scope]; ok {
				found = append(found, standing)
			}
		}
	})
	return found, err
}

func (s *service) ThreadStandings(ctx context.Context, actor, _ string, scope budget.Scope) ([]budget.Standing, error) {
	return s.Standings(ctx, actor, []budget.Scope{scope})
}

func (s *service) Limits(ctx context.Context, team, actor string) (all []budget.Standing, err error) {
	return all, s.does(ctx, func() { all = slices.Clone(s.purse.limits) })
}

func (s *service) SetLimit(ctx context.Context, actor string, l budget.Limit) error {
	return s.does(ctx, func() { s.sets = append(s.sets, l) })
}

func (s *service) changed() []budget.Limit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sets)
}

func (s *service) RemoveLimit(ctx context.Context, actor string, scope budget.Scope) error {
	return s.does(ctx, func() { s.removed = append(s.removed, scope) })
}

func (s *service) removals() []budget.Scope {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.removed)
}

func (s *service) LimitHistory(ctx context.Context, team, actor string, scope *budget.Scope) (list []approval.Event, err error) {
	return list, s.does(ctx, func() { list = slices.Clone(s.history) })
}

func (s *service) Explain(ctx context.Context, team, actor, id string) (e *steps.Explanation, err error) {
	err = s.does(ctx, func() { e = s.explained })
	if err == nil && e == nil {
		err = approval.ErrNotFound
	}
	return e, err
}

func (s *service) Top(ctx context.Context, team, actor string, by steps.Ranking, from, until time.Time) (list []steps.Spender, err error) {
	return list, s.does(ctx, func() { list = slices.Clone(s.top) })
}

func (s *service) Pace(ctx context.Context, team, actor string) (pace budget.Pace, err error) {
	return pace, s.does(ctx, func() { pace = s.pace })
}

func (s *service) RulesToTry(ctx context.Context, team, actor string) (set review.RuleSet, err error) {
	return set, s.does(ctx, func() { set = s.rules })
}

func (s *service) Replay(ctx context.Context, team, actor string, t books.Trial) (o books.Outcome, err error) {
	return o, s.does(ctx, func() { s.trials, o = append(s.trials, t), s.outcome })
}

func (s *service) ThreadScope(ctx context.Context, team, channel, ts string) (scope budget.Scope, err error) {
	err = s.does(ctx, func() {
		for id, at := range s.threads {
			if at.Channel == channel && at.ThreadTS == ts {
				scope = budget.Scope{Team: team, Kind: budget.Session, ID: id}
			}
		}
	})
	if err == nil && scope.ID == "" {
		err = approval.ErrNotFound
	}
	return scope, err
}

func (s *service) Thread(ctx context.Context, team, id string) (at approval.Session, err error) {
	ok := false
	if err := s.does(ctx, func() { at, ok = maps.Clone(s.threads)[id] }); err != nil {
		return at, err
	}
	if !ok {
		return at, approval.ErrNotFound
	}
	return at, nil
}

func (s *service) Calendar() *time.Location { return time.UTC }

func (s *service) Choices(ctx context.Context, id string) (*steps.Choices, error) {
	var c steps.Choices
	return &c, s.does(ctx, func() { c = s.choices })
}

// chooses keeps a choice, and gives the request back.
func (s *service) chooses(ctx context.Context, w way) (r *approval.Request, err error) {
	return r, s.does(ctx, func() {
		s.ways = append(s.ways, w)
		if v, ok := s.views[w.id]; ok {
			r = v.Request
		}
	})
}

func (s *service) chosen() []way {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ways)
}

func (s *service) Continue(ctx context.Context, id, model string, c approval.Click) (*approval.Request, error) {
	return s.chooses(ctx, way{verb: "continue", id: id, model: model, by: c.User})
}

func (s *service) WaitForReset(ctx context.Context, id string, c approval.Click) (*approval.Request, error) {
	return s.chooses(ctx, way{verb: "wait", id: id, by: c.User})
}

func (s *service) Insist(ctx context.Context, id string, c approval.Click) (*approval.Request, error) {
	return s.chooses(ctx, way{verb: "insist", id: id, by: c.User})
}

func (s *service) AskTopUp(ctx context.Context, id string, amount budget.USD, reason string, c approval.Click) (*approval.Request, error) {
	return s.chooses(ctx, way{verb: "ask", id: id, amount: amount, reason: reason, by: c.User})
}

func (s *service) GrantEnds(ctx context.Context, id string) (ends []steps.GrantEnd, err error) {
	return ends, s.does(ctx, func() { ends = slices.Clone(s.ends) })
}

func (s *service) Grant(ctx context.Context, id string, until time.Time, c approval.Click) (*approval.Request, error) {
	return s.chooses(ctx, way{verb: "grant", id: id, until: until.UTC(), by: c.User})
}

func (s *service) Decline(ctx context.Context, id, reason string, c approval.Click) (*approval.Request, error) {
	return s.chooses(ctx, way{verb: "decline", id: id, reason: reason, by: c.User})
}
