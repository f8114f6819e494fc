package steps

import (
	"context"
	"fmt"
	"slices"
	"time"

	"countersign/approval"
	"countersign/budget"
)

// What the twin keeps about money beside the ledger itself.

// usual is the limit of somebody who has none of their own. Everybody is a member here.
func (m *memStore) usual(user budget.Scope) budget.Limit {
	if l, ok := m.limits[budget.Scope{Team: user.Team, Kind: budget.Role, ID: budget.Members}]; ok {
		return l.ForRole(user)
	}
	return budget.DefaultUserLimit(user)
}

// keepTopUp stores one that was asked for or decided, as the schema would let it.
func (m *memStore) keepTopUp(r *approval.Request) error {
	t := r.Changes.TopUp
	if t == nil {
		return nil
	}
	had, known := m.topups[t.ID]
	if known && !had.Open() || t.DecidedBy == t.AskedBy || t.Amount <= 0 || t.Granted && !t.ExpiresAt.After(t.DecidedAt) {
		panic("a top-up that cannot be: " + t.ID)
	}
	m.topups[t.ID] = *t
	return nil
}

func (m *memStore) SettleChecks(context.Context) error { return m.faults.hit("SettleChecks.before") }

func (m *memStore) TopUp(_ context.Context, id string) (*approval.TopUp, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.topups[id]
	if !ok {
		return nil, approval.ErrNotFound
	}
	return &t, nil
}

func (m *memStore) RemoveLimit(_ context.Context, actor string, scope budget.Scope) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.limits[scope]; !ok {
		return fmt.Errorf("remove: %w", approval.ErrNotFound)
	}
	delete(m.limits, scope)
	m.limitLog = append(m.limitLog, "-"+actor)
	return nil
}

func (m *memStore) Limits(_ context.Context, team string) ([]budget.Standing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var scopes []budget.Scope
	for s := range m.limits {
		if s.Team == team {
			scopes = append(scopes, s)
		}
	}
	slices.SortFunc(scopes, func(a, b budget.Scope) int {
		if a.Less(b) {
			return -1
		}
		return 1
	})
	return m.standings(scopes, nil, nil), nil
}

func (m *memStore) LimitChanges(context.Context, string, *budget.Scope) ([]approval.Event, error) {
	return nil, nil // storage's own tests show the trail
}

func (m *memStore) ThreadScope(_ context.Context, team, channel, ts string) (budget.Scope, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.sessions {
		if s.Team == team && s.Channel == channel && s.ThreadTS == ts {
			return budget.Scope{Team: team, Kind: budget.Session, ID: id}, nil
		}
	}
	return budget.Scope{}, approval.ErrNotFound
}

func (m *memStore) Thread(_ context.Context, team, id string) (approval.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[id]
	if !ok || s.Team != team {
		return approval.Session{}, approval.ErrNotFound
	}
	return s, nil
}

func (m *memStore) TypicalRun(context.Context, string) (time.Duration, int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.typical, m.typicalRuns, m.faults.hit("TypicalRun.before")
}

func (m *memStore) Top(context.Context, string, Ranking, time.Time, time.Time) ([]Spender, error) {
	return nil, nil
}

func (m *memStore) Digest(_ context.Context, team string, from, until time.Time) (Digest, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := Digest{From: from, Until: until, Outcomes: map[approval.State]int{}}
	for _, r := range m.requests {
		if r.Team == team && !r.CreatedAt.Before(from) && r.CreatedAt.Before(until) {
			d.Requests++
			d.Outcomes[r.State]++
		}
	}
	return d, nil
}

func (m *memStore) Teams(context.Context) (map[string]time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	teams := map[string]time.Time{}
	for _, r := range m.requests {
		if first, ok := teams[r.Team]; !ok || r.CreatedAt.Before(first) {
			teams[r.Team] = r.CreatedAt
		}
	}
	return teams, nil
}

// ledgerHold is a hold with the scopes that it weighs on and what came of it.
type ledgerHold struct {
	budget.Hold
	scopes  []budget.Scope
	settled *budget.Settlement
}

// checkRest refuses a rest that is more than its hold has left.
func (m *memStore) checkRest(r *approval.Request, rest budget.Hold) {
	of := m.holds[rest.RestOf]
	for _, s := range r.Changes.Settlements {
		if of != nil && of.settled == nil && s.HoldID == rest.RestOf && budget.Total(s.Charges)+rest.Amount <= of.Amount {
			return
		}
	}
	panic("a rest is more than its hold has left: " + rest.ID)
}

// checkCarried refuses to go on with more than what ends in the same move has left.
func (m *memStore) checkCarried(c approval.Changes) {
	var left budget.USD
	for _, s := range c.Settlements {
		if h := m.holds[s.HoldID]; h != nil {
			left += h.Amount - budget.Total(s.Charges)
		}
	}
	for _, h := range c.Holds {
		if h.RestOf != "" || slices.Contains(c.Carried, h.ID) {
			left -= h.Amount
		}
	}
	if left < 0 {
		panic("more is carried on than was given back")
	}
}

// standings reads the ledger as it will be once these settlements are in it.
func (m *memStore) standings(scopes []budget.Scope, settling map[string]bool, settlements []budget.Settlement) (list []budget.Standing) {
	for _, scope := range scopes {
		limit, ok := m.limits[scope]
		if !ok && scope.Kind != budget.User {
			continue
		}
		if !ok {
			limit = m.usual(scope)
		}
		for _, t := range m.topups {
			if t.Scope == scope && t.Granted && m.now().Before(t.ExpiresAt) {
				limit.Extra += t.Amount
			}
		}
		standing := budget.Standing{Limit: limit}
		from, until := limit.Window.Range(m.now(), m.loc)
		standing.From, standing.ResetsAt = from, until
		for _, h := range m.holds {
			switch {
			case !slices.Contains(h.scopes, scope) || h.At.Before(from):
			case h.settled != nil:
				standing.Spent += budget.Total(h.settled.Charges)
			case settling[h.ID]:
				i := slices.IndexFunc(settlements, func(s budget.Settlement) bool { return s.HoldID == h.ID })
				standing.Spent += budget.Total(settlements[i].Charges)
			default:
				standing.Held += h.Amount
			}
		}
		list = append(list, standing)
	}
	return list
}

func (m *memStore) Standings(_ context.Context, scopes []budget.Scope) ([]budget.Standing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.standings(scopes, nil, nil), nil
}

func (m *memStore) SetLimit(_ context.Context, actor string, limit budget.Limit) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limits[limit.Scope] = limit
	m.limitLog = append(m.limitLog, actor)
	return nil
}

func (m *memStore) StaleHolds(context.Context) (stale []budget.Hold, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("StaleHolds.before"); err != nil {
		return nil, err
	}
	for _, h := range m.holds {
		if h.settled == nil && !m.now().Before(h.ExpiresAt) {
			stale = append(stale, h.Hold)
		}
	}
	return stale, nil
}
