package steps

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/internal/deepcopy"
)

// memBook keeps rules and people as storage does: versions and facts in the order
// in which they came.
type memBook struct {
	rules       []review.RuleSet
	grants      map[review.Grant]review.Grant // by who has what, without by whom and when
	delegations map[string]review.Delegation
	bookLog     []string
	refused     []approval.Event
	keys        []review.Key
	deaf        bool  // no direct message reaches who registers a key
	authority   int64 // how often any of it has changed
}

func (m *memStore) Rules(ctx context.Context, team, project string) (review.RuleSet, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.effective(team, project), nil
}

// effective are the rules that hold in a channel; the caller has the lock.
func (m *memStore) effective(team, project string) review.RuleSet {
	own, _ := m.latest(team, project)
	house, found := m.latest(team, "")
	if own.Project = project; !found {
		house = review.RuleSet{Team: team}
	}
	return review.Effective(own, house).Among(m.others(team, project), house)
}

// others are the own rules of all channels, for a direct message; the caller has the lock.
func (m *memStore) others(team, project string) (all []review.RuleSet) {
	if !approval.Direct(project) {
		return nil
	}
	for _, set := range m.rules {
		if set.Team == team && set.Project != "" && !slices.ContainsFunc(all, func(o review.RuleSet) bool { return o.Project == set.Project }) {
			own, _ := m.latest(team, set.Project)
			all = append(all, own)
		}
	}
	return all
}

// book is what bears on a request; the caller has the lock.
func (m *memStore) book(r *approval.Request) (b review.Book) {
	b.Own, _ = m.latest(r.Team, r.Project)
	b.House, _ = m.latest(r.Team, "")
	b.Placeless, b.Elsewhere = approval.Direct(r.Project), m.others(r.Team, r.Project)
	for _, set := range m.rules {
		if r.Revision != nil && set.Team == r.Team && set.Name() == r.Revision.Manifest.Policy {
			b.Sealed = deepcopy.Of(set)
		}
		if n := set.Rules.Notes; r.Revision != nil && set.Team == r.Team && n.Seal(set.Project).Version == r.Revision.Manifest.Notes.Version && n != nil {
			b.Notes = *n
		}
	}
	for _, g := range m.grants {
		if g.Team == r.Team {
			b.Grants = append(b.Grants, g)
		}
	}
	for _, d := range m.delegations {
		if d.Team == r.Team && m.now().Before(d.Until) {
			b.Delegations = append(b.Delegations, d)
		}
	}
	slices.SortFunc(b.Grants, compareGrants)
	slices.SortFunc(b.Delegations, func(a, b review.Delegation) int { return strings.Compare(a.From, b.From) })
	return b
}

func (m *memStore) latest(team, project string) (review.RuleSet, bool) {
	for _, set := range slices.Backward(m.rules) {
		if set.Team == team && set.Project == project {
			return deepcopy.Of(set), true
		}
	}
	return review.RuleSet{}, false
}

func (m *memStore) SetRules(_ context.Context, set review.RuleSet) (review.RuleSet, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, _ := m.latest(set.Team, set.Project)
	if before.InForce() != set.Version {
		return review.RuleSet{}, ErrBusy
	}
	m.authority++
	set = set.Numbered(before.Version + 1)
	set.SetAt = m.now()
	m.rules = append(m.rules, deepcopy.Of(set))
	m.bookLog = append(m.bookLog, set.SetBy+" set "+set.Name())
	return set, nil
}

func (m *memStore) Grants(_ context.Context, team string) ([]review.Grant, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("Grants.before"); err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(slices.Collect(maps.Values(m.grants)), func(g review.Grant) bool { return g.Team != team })
	slices.SortFunc(all, compareGrants)
	return all, nil
}

func (m *memStore) Delegations(_ context.Context, team string) ([]review.Delegation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []review.Delegation
	for _, d := range m.delegations {
		if d.Team == team && m.now().Before(d.Until) {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b review.Delegation) int { return strings.Compare(a.From, b.From) })
	return all, nil
}

func (m *memStore) Name(_ context.Context, g review.Grant) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.authority++
	g.At = m.now()
	if m.grants == nil {
		m.grants = map[review.Grant]review.Grant{}
	}
	m.grants[review.Grant{Team: g.Team, Project: g.Project, Role: g.Role, User: g.User}] = g
	m.bookLog = append(m.bookLog, fmt.Sprintf("%s named %s %s", g.By, g.User, g.Role))
	return nil
}

func (m *memStore) Unname(_ context.Context, g review.Grant) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.authority++
	delete(m.grants, review.Grant{Team: g.Team, Project: g.Project, Role: g.Role, User: g.User})
	m.bookLog = append(m.bookLog, fmt.Sprintf("%s removed %s %s", g.By, g.User, g.Role))
	return nil
}

func (m *memStore) AuditPeople(_ context.Context, _ string, e approval.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refused = append(m.refused, e)
	return m.faults.hit("AuditPeople.before")
}

func (m *memStore) Delegate(_ context.Context, d review.Delegation) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.delegations == nil {
		m.delegations = map[string]review.Delegation{}
	}
	m.authority++
	m.delegations[d.Team+" "+d.From] = d
	return nil
}

func (m *memStore) Keys(_ context.Context, team, user string) (keys []review.Key, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.keys {
		if k.Team == team && k.User == user {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

func (m *memStore) SetKey(_ context.Context, k review.Key, named bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := slices.IndexFunc(m.keys, func(h review.Key) bool { return h.Team == k.Team && h.Line == k.Line })
	switch {
	case at >= 0 && m.keys[at].User != k.User && named:
		return &approval.InputError{Why: approval.Because(approval.WhyKeyTaken)}
	case named == (at >= 0 && m.keys[at].User == k.User):
		return nil
	case named:
		k.At, k.Told = m.now(), !m.deaf
		m.keys = append(m.keys, k)
	default:
		m.keys = slices.Delete(m.keys, at, at+1)
	}
	m.authority++
	m.bookLog = append(m.bookLog, fmt.Sprintf("key of %s: %v", k.User, named))
	return nil
}

// Queue lists what the real one would, in its order, without narrowing it: the
// filters are SQL, and are tested there.
func (m *memStore) Queue(_ context.Context, team, user string, projects []string, f QueueFilter, _ int) (Queue, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	q := Queue{Pages: 1, Now: m.now()}
	for _, r := range m.list(1000, func(r *approval.Request) bool {
		return r.Team == team && r.State == approval.Pending && (f.All || r.Asker != user) && (projects == nil || slices.Contains(projects, r.Project))
	}) {
		q.Rows = append(q.Rows, QueueRow{ID: r.ID, Project: r.Project, Asker: r.Asker, Question: r.Question})
	}
	q.Total = len(q.Rows)
	return q, nil
}

func (m *memStore) Statistics(context.Context, string, time.Time) ([]ReviewerStatistics, error) {
	return []ReviewerStatistics{{Reviewer: "R1"}}, nil
}
