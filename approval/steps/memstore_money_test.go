package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

// noticesOf are the keys of a kind that were noted.
func (m *memStore) noticesOf(kind approval.NoticeKind) (keys []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, n := range m.notices {
		if n.Kind == kind {
			keys = append(keys, strings.TrimPrefix(key, string(kind)+" "))
		}
	}
	slices.Sort(keys)
	return keys
}

// ledgerHold is a hold with the scopes that it weighs on and what came of it.
type ledgerHold struct {
	budget.Hold
	scopes  []budget.Scope
	settled *budget.Settlement
}
