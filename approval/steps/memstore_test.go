package steps

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"countersign/approval"
	"countersign/budget"
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
			return deepCopy(had), false, nil
		}
	}
	r = deepCopy(r)
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
	return deepCopy(r), true, m.faults.hit("Ask.after")
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
	_ = change(deepCopy(had), m.now()) // a transaction that is cut: every closure bears to run anew
	if other := m.meanwhile; other != nil {
		m.meanwhile = nil
		r := deepCopy(had)
		if err := errors.Join(other(r, m.now()), m.commit(r)); err != nil {
			panic(err)
		}
		had = m.requests[id]
	}
	r := deepCopy(had)
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
	return deepCopy(r), nil
}

// commit writes a request and its changes, or nothing. What the schema would
// refuse is a panic: no verb may try it.
func (m *memStore) commit(r *approval.Request) error {
	had, c := m.requests[r.ID], r.Changes
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
	m.requests[r.ID] = deepCopy(r)
	return nil
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

func (m *memStore) Request(_ context.Context, id string) (*approval.Request, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("Request.before"); err != nil {
		return nil, err
	}
	r, ok := m.requests[id]
	if !ok {
		return nil, approval.ErrNotFound
	}
	return deepCopy(r), nil
}

func (m *memStore) View(_ context.Context, id string) (*View, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.requests[id]
	if !ok {
		return nil, approval.ErrNotFound
	}
	v := &View{Request: deepCopy(r), Session: m.sessions[r.SessionID], Standings: m.standings(r.Scopes(), nil, nil),
		Posts: map[Surface]Post{}, Now: m.now(), Book: m.book(r)}
	for surface, post := range m.posts[id] {
		v.Posts[surface] = post
	}
	v.Unseen = maps.Clone(m.unseen[id])
	for _, other := range m.requests {
		if other.SessionID == r.SessionID && other.CreatedAt.Before(r.CreatedAt) {
			v.Earlier = []string{other.Question} // of two: tests have no more
		}
	}
	if r.Revision != nil && r.Revision.Number > 1 {
		v.Former = deepCopy(m.versions[id][r.Revision.Number-1])
	}
	for _, h := range m.holds {
		if h.RequestID == id && h.settled != nil {
			v.Bill = append(v.Bill, Spend{Purpose: h.Purpose, Charges: h.settled.Charges, Estimated: h.settled.Estimated})
		}
	}
	v.Artifacts = artifacts(r, false)
	return v, nil
}

func (m *memStore) Artifacts(_ context.Context, id string) ([]approval.Artifact, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return artifacts(m.requests[id], true), m.faults.hit("Artifacts.before")
}

func (m *memStore) History(_ context.Context, id string) (said []approval.Message, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("History.before"); err != nil {
		return nil, err
	}
	for _, msg := range m.messages {
		if msg.RequestID == id {
			break
		}
		if m.requests[msg.RequestID].SessionID == m.requests[id].SessionID {
			if msg.Role == approval.RoleCode {
				said = slices.DeleteFunc(said, func(e approval.Message) bool { return e.Role == approval.RoleCode && e.RequestID == msg.RequestID })
			}
			said = append(said, msg)
		}
	}
	return said, nil
}

func (m *memStore) Posted(_ context.Context, p Post) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("Posted.before"); err != nil {
		return err
	}
	if m.posts[p.RequestID] == nil {
		m.posts[p.RequestID] = map[Surface]Post{}
	}
	m.posts[p.RequestID][p.Surface] = p
	return nil
}

func (m *memStore) Refused(_ context.Context, u Unseen) (Unseen, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("Refused.before"); err != nil {
		return u, err
	}
	if m.unseen[u.RequestID] == nil {
		m.unseen[u.RequestID] = map[Surface]Unseen{}
	}
	u.Times, u.First, u.Last = 1, m.now(), m.now()
	if had, ok := m.unseen[u.RequestID][u.Surface]; ok && had.Why == u.Why {
		u.Times, u.First = had.Times+1, had.First
	}
	m.unseen[u.RequestID][u.Surface] = u
	return u, nil
}

func (m *memStore) Seen(_ context.Context, id string, surface Surface) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.unseen[id], surface)
	return m.faults.hit("Seen.before")
}

func (m *memStore) Threaded(_ context.Context, sessionID, ts string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("Threaded.before"); err != nil {
		return err
	}
	s := m.sessions[sessionID]
	s.ThreadTS = ts
	m.sessions[sessionID] = s
	return nil
}

func (m *memStore) Alone(ctx context.Context, id string, step approval.Step, work func(context.Context) error) error {
	key := Wake{Step: step, RequestID: id}
	m.mu.Lock()
	if m.alone[key] {
		m.mu.Unlock()
		return ErrBusy
	}
	m.alone[key] = true
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.alone, key)
		m.mu.Unlock()
	}()
	return work(ctx)
}

func (m *memStore) Audit(_ context.Context, id string, e approval.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("Audit.before"); err != nil {
		return err
	}
	m.events[id] = append(m.events[id], e)
	return nil
}

func (m *memStore) Events(_ context.Context, id string) ([]approval.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.events[id]), nil
}

func (m *memStore) list(limit int, want func(*approval.Request) bool) (found []*approval.Request) {
	for _, id := range m.order {
		if r := m.requests[id]; want(r) && len(found) < limit {
			found = append(found, deepCopy(r))
		}
	}
	return found
}

func (m *memStore) Recent(_ context.Context, team, asker string, limit int) ([]*approval.Request, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list(limit, func(r *approval.Request) bool { return r.Team == team && r.Asker == asker }), nil
}

func (m *memStore) Pending(_ context.Context, team string, limit int) ([]*approval.Request, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list(limit, func(r *approval.Request) bool { return r.Team == team && r.State == approval.Pending }), nil
}

func (m *memStore) ThreadFiles(_ context.Context, thread approval.Session) (files []approval.File, ours bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("ThreadFiles.before"); err != nil {
		return nil, false, err
	}
	for _, id := range m.order {
		r := m.requests[id]
		if s := m.sessions[r.SessionID]; r.Seek == nil && s.Team == thread.Team && s.Channel == thread.Channel && s.ThreadTS == thread.ThreadTS {
			files, ours = slices.Clone(r.Files), true
		}
	}
	return files, ours, nil
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

func (m *memStore) Stuck(context.Context) (wakes []Wake, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("Stuck.before"); err != nil {
		return nil, err
	}
	for _, id := range m.order {
		r := m.requests[id]
		due := !r.ExpiresAt.IsZero() && !m.now().Before(r.ExpiresAt)
		if b := r.Blocked; b != nil && !b.Until.IsZero() && !m.now().Before(b.Until) {
			wakes = append(wakes, Wake{Step: approval.StepGoOn, RequestID: id})
		}
		due = due || r.ReminderDue(m.now()) || r.EscalationDue(m.now())
		if !r.State.Final() && (due || m.now().Sub(r.ChangedAt) > time.Minute) {
			wakes = append(wakes, Wake{Step: approval.StepShow, RequestID: id})
		}
	}
	return wakes, nil
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

func (m *memStore) Wake(_ context.Context, w Wake) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("Wake " + string(w.Step)); err != nil {
		return err
	}
	m.jobs = append(m.jobs, w)
	return nil
}

// next takes a job out of the queue.
func (m *memStore) next() (Wake, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.jobs) == 0 {
		return Wake{}, false
	}
	w := m.jobs[0]
	m.jobs = m.jobs[1:]
	return w, true
}

func (m *memStore) Notify(_ context.Context, n approval.Notice) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notice(n)
	return nil
}

// notice keeps the first of its key; the caller holds the lock.
func (m *memStore) notice(n approval.Notice) {
	if _, ok := m.notices[n.Key]; !ok {
		m.notices[n.Key] = n
	} else if n.Once {
		return
	}
	m.jobs = append(m.jobs, Wake{Step: approval.StepTell, RequestID: n.Key})
}

func (m *memStore) Notice(_ context.Context, key string) (*approval.Notice, map[string]NoticePost, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, ok := m.notices[key]
	if !ok {
		return nil, nil, approval.ErrNotFound
	}
	return &n, maps.Clone(m.noticePosts[key]), nil
}

func (m *memStore) NoticePosted(_ context.Context, p NoticePost) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("NoticePosted"); err != nil {
		return err
	}
	if m.noticePosts[p.Key] == nil {
		m.noticePosts[p.Key] = map[string]NoticePost{}
	}
	if had := m.noticePosts[p.Key][p.Recipient]; p.Begun.IsZero() {
		p.Begun = had.Begun
	}
	m.noticePosts[p.Key][p.Recipient] = p
	return nil
}

func (m *memStore) NoticeTold(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, key)
	return nil
}

func (m *memStore) Vetted(_ context.Context, team, project, without string, limit int) (list []Near, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range slices.Backward(m.order) {
		r := m.requests[id]
		if r.Team == team && r.Project == project && id != without && len(list) < limit && slices.Contains([]approval.State{approval.Approved, approval.Running, approval.Done, approval.Lost}, r.State) {
			list = append(list, Near{RequestID: id, Revision: r.Revision.Number, Question: r.Question, Code: r.Revision.Code, At: r.Decisions[len(r.Decisions)-1].At})
		}
	}
	return list, nil
}

func artifacts(r *approval.Request, content bool) (files []approval.Artifact) {
	if r.Run == nil || r.Run.Result == nil {
		return nil
	}
	for _, a := range r.Run.Result.Artifacts {
		if !content {
			a.Data = nil
		}
		files = append(files, a)
	}
	return files
}
