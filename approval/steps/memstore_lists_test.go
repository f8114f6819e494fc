package steps

import (
	"context"
	"slices"

	"countersign/approval"
	"countersign/approval/thread"
	"countersign/internal/deepcopy"
)

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
	return deepcopy.Of(r), nil
}

func (m *memStore) History(_ context.Context, id string) (past thread.Past, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("History.before"); err != nil {
		return past, err
	}
	var said []approval.Message
	for _, msg := range m.messages {
		if msg.RequestID == id {
			break
		}
		if m.requests[msg.RequestID].SessionID == m.requests[id].SessionID && msg.Role != approval.RoleNext {
			msg.Ended = m.requests[msg.RequestID].State.Final()
			if run := m.requests[msg.RequestID].Run; run != nil && msg.Role == approval.RoleResult {
				msg.Result, msg.Code = deepcopy.Of(run.Result), m.requests[msg.RequestID].Revision.Code
			}
			if msg.Role == approval.RoleCode {
				said = slices.DeleteFunc(said, func(e approval.Message) bool { return e.Role == approval.RoleCode && e.RequestID == msg.RequestID })
			}
			said = append(said, msg)
		}
	}
	past.Said = said
	for request, events := range m.events {
		for _, e := range events {
			if s, ok := approval.SummaryOf(e); ok && m.requests[request].SessionID == m.requests[id].SessionID {
				past.Summaries = append(past.Summaries, s)
			}
		}
	}
	slices.SortStableFunc(past.Summaries, func(a, b approval.Summary) int { return a.At.Compare(b.At) })
	return past, nil
}

func (m *memStore) Audit(_ context.Context, id string, e approval.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("Audit.before"); err != nil {
		return err
	}
	if e.At.IsZero() {
		e.At = m.now()
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
			found = append(found, deepcopy.Of(r))
		}
	}
	return found
}

func (m *memStore) Recent(_ context.Context, team, asker string, limit int) ([]*approval.Request, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list(limit, func(r *approval.Request) bool { return r.Team == team && r.Asker == asker }), nil
}

func (m *memStore) Given(_ context.Context, team, who string, limit int) ([]*approval.Request, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list(limit, func(r *approval.Request) bool {
		_, gave := approval.ApprovalOf(r, who)
		return r.Team == team && r.Can("Disown") && gave
	}), nil
}

func (m *memStore) ThreadFiles(_ context.Context, thread approval.Session) (files []approval.File, ours bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.faults.hit("ThreadFiles.before"); err != nil {
		return nil, false, err
	}
	var lists [][]approval.File
	for _, id := range slices.Backward(m.order) {
		r := m.requests[id]
		if s := m.sessions[r.SessionID]; r.Seek == nil && s.Team == thread.Team && s.Channel == thread.Channel && s.ThreadTS == thread.ThreadTS {
			lists, ours = append(lists, r.Files), true
		}
	}
	return approval.Remembered(lists), ours, nil
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
