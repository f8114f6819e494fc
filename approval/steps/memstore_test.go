package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
	"countersign/internal/deepcopy"
)

// memStore keeps state as storage does, in memory: one lock for a transaction,
// closures on a copy, everything or nothing, budgets checked before a hold is
// written. Its crash points are named after what a transaction has noted:
// "commit started.before" dies with nothing stored, ".after" with all of it.
type memStore struct {
	mu     sync.Mutex
	faults *faults
	skew   time.Duration // how far the database's clock is ahead
	loc    *time.Location

	// meanwhile is somebody else's write, which lands while the next closure runs: once.
	meanwhile func(r *approval.Request, now time.Time) error
	// loaded is what administrators do after the next case was loaded: once.
	loaded func()

	requests map[string]*approval.Request
	order    []string
	sessions map[string]approval.Session
	messages []approval.Message
	events   map[string][]approval.Event
	holds    map[string]*ledgerHold
	limits   map[budget.Scope]budget.Limit
	limitLog []string
	posts    map[string]map[Surface]Post
	unseen   map[string]map[Surface]Unseen
	jobs     []Wake
	alone    map[Wake]bool

	versions    map[string]map[int]*approval.Revision
	notices     map[string]approval.Notice
	noticePosts map[string]map[string]NoticePost
	told        []string
	topups      map[string]approval.TopUp
	typical     time.Duration
	typicalRuns int
	memBook
	memReadings
}

var _ Store = (*memStore)(nil)

func newMemStore(f *faults) *memStore {
	return &memStore{faults: f, loc: time.UTC, requests: map[string]*approval.Request{}, sessions: map[string]approval.Session{},
		events: map[string][]approval.Event{}, holds: map[string]*ledgerHold{}, limits: map[budget.Scope]budget.Limit{},
		posts: map[string]map[Surface]Post{}, unseen: map[string]map[Surface]Unseen{}, alone: map[Wake]bool{},
		versions: map[string]map[int]*approval.Revision{}, notices: map[string]approval.Notice{}, noticePosts: map[string]map[string]NoticePost{},
		topups: map[string]approval.TopUp{}}
}

func (m *memStore) now() time.Time { return time.Now().Add(m.skew).UTC().Truncate(time.Microsecond) }

// pass moves the database's clock on.
func (m *memStore) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.skew += d
}

func (m *memStore) Ask(_ context.Context, r *approval.Request, thread approval.Session) (*approval.Request, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("Ask.before"); err != nil {
		return nil, false, err
	}
	for _, id := range m.order {
		if had := m.requests[id]; had.Team == r.Team && had.Trigger == r.Trigger {
			return deepcopy.Of(had), false, nil
		}
	}
	r = deepcopy.Of(r)
	for id, s := range m.sessions {
		if thread.ThreadTS != "" && s.Team == thread.Team && s.Channel == thread.Channel && s.ThreadTS == thread.ThreadTS {
			r.SessionID = id
		}
	}
	if err := m.commit(r); err != nil {
		return nil, false, err
	}
	if _, ok := m.sessions[r.SessionID]; !ok {
		thread.ID = r.SessionID
		m.sessions[r.SessionID] = thread
	}
	m.order = append(m.order, r.ID)
	return deepcopy.Of(r), true, m.faults.hit("Ask.after")
}

func (m *memStore) Update(ctx context.Context, id string, change func(*approval.Request, time.Time) error) (*approval.Request, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err // the connection is cut, as pgx does
	}
	if err := m.faults.hit("Update.before"); err != nil {
		return nil, err
	}
	had, ok := m.requests[id]
	if !ok {
		return nil, fmt.Errorf("update %s: %w", id, approval.ErrNotFound)
	}
	_ = change(deepcopy.Of(had), m.now()) // a transaction that is cut: every closure bears to run anew
	if other := m.meanwhile; other != nil {
		m.meanwhile = nil
		r := deepcopy.Of(had)
		if err := errors.Join(other(r, m.now()), m.commit(r)); err != nil {
			panic(err)
		}
		had = m.requests[id]
	}
	r := deepcopy.Of(had)
	if err := change(r, m.now()); err != nil {
		return nil, fmt.Errorf("update %s: %w", id, err)
	}
	point := "commit nothing"
	if n := len(r.Changes.Events); n > 0 {
		point = "commit " + r.Changes.Events[n-1].Kind
	}
	if err := m.faults.hit(point + ".before"); err != nil {
		return nil, err
	}
	if err := m.commit(r); err != nil {
		return nil, fmt.Errorf("update %s: %w", id, err)
	}
	if err := m.faults.hit(point + ".after"); err != nil {
		return nil, err
	}
	return deepcopy.Of(r), nil
}

// commit writes a request and its changes, or nothing. What the schema would
// refuse is a panic: no verb may try it.
func (m *memStore) commit(r *approval.Request) error {
	had, c := m.requests[r.ID], r.Changes
	for _, e := range c.Events {
		for fact := range e.Data {
			if _, told := approval.Facts[e.Kind][fact]; !told {
				panic(fmt.Sprintf("an event %q holds no %q (approval.Facts)", e.Kind, fact))
			}
		}
	}
	settled := map[string]bool{}
	for _, s := range c.Settlements {
		h := m.holds[s.HoldID]
		fresh := slices.ContainsFunc(c.Holds, func(h budget.Hold) bool { return h.ID == s.HoldID }) // taken and given back in one move
		if h == nil && !fresh || h != nil && h.settled != nil || settled[s.HoldID] {
			panic("a hold is settled twice: " + s.HoldID)
		}
		settled[s.HoldID] = true
	}
	if had != nil && c.Decision != nil && slices.ContainsFunc(had.Decisions, func(d approval.Decision) bool {
		return d.Reviewer == c.Decision.Reviewer && d.Revision == c.Decision.Revision
	}) {
		panic("a second decision of " + c.Decision.Reviewer)
	}
	if d := c.Decision; d != nil && d.Verdict == approval.Approve && !approval.TheirWish(had, *d).None() {
		panic("an approval of what they asked for: " + d.Reviewer)
	}
	m.revisions(had, r)
	if had != nil && had.Run != nil && c.Run != nil && (had.Run.BoxID != c.Run.BoxID || had.Run.Result != nil) {
		panic("a second run of " + r.ID)
	}
	if had != nil && had.Run != nil && r.Run == nil && (c.Unstarted == nil || *c.Unstarted != *had.Run || !had.Run.BegunAt.IsZero()) {
		panic("a run of " + r.ID + " is forgotten")
	}
	if had != nil && had.State.Final() && had.State != r.State {
		panic("a final state has changed: " + r.ID)
	}
	m.checkCarried(c)
	weighed := m.standings(r.Scopes(), settled, c.Settlements)
	for _, h := range c.Holds {
		if h.RestOf != "" {
			m.checkRest(r, h)
			continue // no new burden: it was held before
		}
		if err := budget.Check(h.Amount, weighed); err != nil && !slices.Contains(c.Carried, h.ID) {
			return err
		}
		r.Money().Weighed(h, weighed, m.now())
	}
	if err := m.keepTopUp(r); err != nil {
		return err
	}
	for _, h := range c.Holds {
		m.holds[h.ID] = &ledgerHold{Hold: h, scopes: r.Scopes()}
	}
	for _, s := range c.Settlements {
		m.holds[s.HoldID].settled = &s
	}
	if c = r.Changes; len(c.Settlements) > 0 {
		c.Notices = append(c.Notices, approval.Alerts(r, m.standings(r.Scopes(), nil, nil), m.now())...)
	}
	m.messages = append(m.messages, c.Messages...)
	m.events[r.ID] = append(m.events[r.ID], c.Events...)
	for _, n := range c.Notices {
		m.notice(n)
	}
	for key, n := range m.notices {
		noted := slices.ContainsFunc(c.Notices, func(n approval.Notice) bool { return n.Key == key })
		if c.Retell && n.RequestID == r.ID && !noted {
			m.jobs = append(m.jobs, Wake{Step: approval.StepTell, RequestID: key})
		}
	}
	for _, step := range c.Jobs {
		m.jobs = append(m.jobs, Wake{Step: step, RequestID: r.ID})
	}
	r.Changes = approval.Changes{}
	m.requests[r.ID] = deepcopy.Of(r)
	return nil
}

// The twin has to be trusted, so what the others rely on is shown here.
func TestTheTwinStoresAllOfAnUpdateOrNothing(t *testing.T) {
	t.Parallel()
	m := newMemStore(&faults{})
	r := approval.New(approval.Question{Team: "T", Asker: "U", Project: "C", Trigger: "1"}, "m", budget.Dollar, approval.DefaultPolicy(), m.now())
	stored, created, err := m.Ask(t.Context(), r, approval.Session{Team: "T", Channel: "C"})
	require.NoError(t, err)
	require.True(t, created)
	again, created, err := m.Ask(t.Context(), approval.New(approval.Question{Team: "T", Trigger: "1"}, "m", 1, approval.DefaultPolicy(), m.now()), approval.Session{})
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, stored.ID, again.ID)

	before := deepcopy.Of(m.requests[r.ID])
	no := errors.New("no")
	_, err = m.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		r.Holds[0].Called = true
		require.NoError(t, r.Fail(approval.Words("x"), now))
		return no
	})
	require.ErrorIs(t, err, no)
	require.Equal(t, before, m.requests[r.ID])
	require.Len(t, m.events[r.ID], 3) // asked, held, weighed
	require.Len(t, m.jobs, 1)         // find

	_, err = m.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		holdFor(r, budget.ForRun, 10*budget.Dollar, now)
		return nil
	})
	var exceeded *budget.ExceededError
	require.ErrorAs(t, err, &exceeded)
	require.Equal(t, before, m.requests[r.ID])
}
