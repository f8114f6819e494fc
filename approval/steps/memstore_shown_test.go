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

func (m *memStore) View(_ context.Context, id string) (*View, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.requests[id]
	if !ok {
		return nil, approval.ErrNotFound
	}
	v := &View{Request: deepcopy.Of(r), Session: m.sessions[r.SessionID], Standings: m.standings(r.Scopes(), nil, nil),
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
		v.Former = deepcopy.Of(m.versions[id][r.Revision.Number-1])
	}
	for _, h := range m.holds {
		if h.RequestID == id && h.settled != nil {
			v.Bill = append(v.Bill, Spend{Purpose: h.Purpose, Charges: h.settled.Charges, Estimated: h.settled.Estimated})
		}
	}
	for _, msg := range m.messages {
		switch {
		case msg.RequestID == id && msg.Role == approval.RoleCode:
			v.Next = nil
		case msg.RequestID == id && msg.Role == approval.RoleNext:
			v.Next = strings.Split(msg.Text, "\n")
		}
	}
	v.Artifacts = artifacts(r, false)
	return v, nil
}

// Pressed is as little as the real one gives.
func (m *memStore) Pressed(ctx context.Context, id string) (*View, error) {
	v, err := m.View(ctx, id)
	if err != nil {
		return nil, err
	}
	return &View{Request: v.Request, Posts: v.Posts, Now: v.Now, Book: v.Book}, nil
}

// Drawn is as little as the real one gives.
func (m *memStore) Drawn(ctx context.Context, id string) (*View, error) {
	v, err := m.View(ctx, id)
	if err != nil {
		return nil, err
	}
	v.Case = nil
	if v.Request.State != approval.Pending {
		v.Book.Pins, v.Book.Pace, v.Book.Glass, v.Book.Grants, v.Book.Delegations = nil, review.Pace{}, review.Glass{}, nil, nil
	}
	if v.Request.Revision == nil {
		v.Earlier = nil
		if !v.Request.State.Final() {
			v.Standings = nil
		}
	}
	return v, nil
}

func (m *memStore) Artifacts(_ context.Context, id string) ([]approval.Artifact, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return artifacts(m.requests[id], true), m.faults.hit("Artifacts.before")
}

func (m *memStore) Stopped(_ context.Context, id, box string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.requests[id]
	return r.State != approval.Running || r.Run.BoxID != box || !r.Run.StoppedAt.IsZero(), m.faults.hit("Stopped.before")
}

func (m *memStore) Doubt(_ context.Context, id string, surfaces ...Surface) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, surface := range surfaces {
		if p, ok := m.posts[id][surface]; ok && p.Shown != Theirs {
			p.Shown = FoundInSlack + strings.TrimPrefix(p.Shown, FoundInSlack)
			m.posts[id][surface] = p
		}
	}
	return m.faults.hit("Doubt.before")
}

func (m *memStore) Posted(_ context.Context, p Post, had *Post) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if is, ok := m.posts[p.RequestID][p.Surface]; ok && had != nil && is != p && is != *had && !(had.TS == "" && is.TS == p.TS && is.Shown == FoundInSlack) {
		if is.TS == p.TS {
			return ErrOvertaken
		}
		return ErrElsewhere
	}
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

func (m *memStore) FirstApproval(_ context.Context, requestID, who string, before time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	of := m.requests[requestID]
	for _, r := range m.requests {
		for _, e := range m.events[r.ID] {
			if r.Team == of.Team && r.Project == of.Project && e.Kind == approval.EventApproved && e.Actor == who && e.At.Before(before) {
				return false, nil
			}
		}
	}
	return true, nil
}

func (m *memStore) Hold(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.notices[key]
	n.Held = true
	m.notices[key] = n
	return nil
}

func (m *memStore) Gather(_ context.Context, before time.Time, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	said := map[string]*approval.Receipts{}
	for _, key := range slices.Sorted(maps.Keys(m.notices)) {
		n := m.notices[key]
		if !n.Held || n.Digest != "" || !n.At.Before(before) {
			continue
		}
		who := n.To[0]
		n.Digest = fmt.Sprintf("%s %s %s %s", approval.NoticeReceipts, n.Team, who, name)
		m.notices[key] = n
		if said[who] == nil {
			said[who] = &approval.Receipts{}
		}
		said[who].Given = append(said[who].Given, approval.Receipt{RequestID: n.RequestID, Revision: 1, At: n.At})
	}
	for who, list := range said {
		m.notice(approval.Notice{Key: fmt.Sprintf("%s T1 %s %s", approval.NoticeReceipts, who, name), Team: "T1", Kind: approval.NoticeReceipts, To: []string{who}, Data: approval.Encode(list), At: m.now()})
	}
	return nil
}

func (m *memStore) NoticeTold(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, key)
	return nil
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
