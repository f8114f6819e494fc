package steps

import (
	"context"
	"slices"
	"time"

	"countersign/approval"
	"countersign/budget"
	"countersign/internal/deepcopy"
)

// revisions keeps the versions of a request as the schema does: each number once,
// one after the other, and what comes back to the reviewers is a new one unless an
// edit was refused. Decisions are on the current one only.
func (m *memStore) revisions(had, r *approval.Request) {
	if rev := r.Changes.Revision; rev != nil {
		if m.versions[r.ID] == nil {
			m.versions[r.ID] = map[int]*approval.Revision{}
		}
		if m.versions[r.ID][rev.Number] != nil || rev.Number != len(m.versions[r.ID])+1 || r.Revision.Number != rev.Number {
			panic("a revision out of order: " + r.ID)
		}
		m.versions[r.ID][rev.Number] = deepcopy.Of(rev)
	}
	if had == nil {
		return
	}
	if had.State != approval.Pending && r.State == approval.Pending && had.Edit == nil && r.Changes.Revision == nil {
		panic("back before the reviewers without a new revision: " + r.ID)
	}
	if had.State == approval.Approved && r.State == approval.Pending && len(r.Decisions) > 0 {
		panic("an approval outlived its seal: " + r.ID)
	}
	if r.Edit != nil && r.State != approval.Drafting {
		panic("an edit outside of the drafting: " + r.ID)
	}
}

func (m *memStore) Case(ctx context.Context, id string) (*Case, error) {
	r, err := m.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	loaded := m.loaded
	m.loaded = nil
	c := &Case{Request: r, Authority: m.authority, Now: m.now(), Standings: m.standings(r.Scopes(), nil, nil), Book: m.book(r)}
	m.mu.Unlock()
	if loaded != nil {
		loaded()
	}
	return c, nil
}

func (m *memStore) Act(ctx context.Context, c *Case, change func(*approval.Request, time.Time) error) (*approval.Request, error) {
	return m.Update(ctx, c.Request.ID, func(r *approval.Request, now time.Time) error {
		if m.authority != c.Authority {
			return ErrOutdated
		}
		return change(r, now)
	})
}

func (m *memStore) Counter(ctx context.Context, q approval.Question) (c Counter, err error) {
	scopes := []budget.Scope{{Team: q.Team, Kind: budget.User, ID: q.Asker}, {Team: q.Team, Kind: budget.Project, ID: q.Project}, {Team: q.Team, Kind: budget.Team, ID: q.Team}}
	if q.ThreadTS != "" {
		if c.Files, _, err = m.ThreadFiles(ctx, approval.Session{Team: q.Team, Channel: q.Project, ThreadTS: q.ThreadTS}); err != nil {
			return c, err
		}
		if s, err := m.ThreadScope(ctx, q.Team, q.Project, q.ThreadTS); err == nil {
			c.Session, scopes = s.ID, append(scopes, s)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if q.Spoken {
		m.clarifying(q, &c)
	}
	for _, id := range m.order { // the latest comes last
		r := m.requests[id]
		if s := m.sessions[r.SessionID]; q.ThreadTS != "" && s.Team == q.Team && s.Channel == q.Thread().Channel && s.ThreadTS == q.ThreadTS && r.Chosen != nil {
			c.Chosen = *r.Chosen
		}
	}
	c.Now, c.Standings, c.Rules = m.now(), m.standings(scopes, nil, nil), m.effective(q.Team, q.Project)
	return c, nil
}

// clarifying looks for what waits for the speaker in a thread, or has been answered by this message.
func (m *memStore) clarifying(q approval.Question, c *Counter) {
	for _, id := range m.order {
		r := m.requests[id]
		if s := m.sessions[r.SessionID]; s.Team != q.Team || s.Channel != q.Project || s.ThreadTS != q.ThreadTS || r.Asker != q.Asker {
			continue
		}
		taken := slices.ContainsFunc(m.events[id], func(e approval.Event) bool {
			return e.Kind == approval.EventClarified && e.Data["trigger"] == q.Trigger
		})
		if taken || (approval.Talk{Request: r}).Open() != nil && !c.Taken {
			c.Clarifies, c.Taken = id, taken
		}
	}
}
