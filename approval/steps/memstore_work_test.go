package steps

import (
	"context"
	"time"

	"countersign/approval"
)

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
		due = due || approval.Turn{Request: r}.ReminderDue(m.now()) || approval.Turn{Request: r}.EscalationDue(m.now())
		if !r.State.Final() && (due || m.now().Sub(r.ChangedAt) > time.Minute) {
			wakes = append(wakes, Wake{Step: approval.StepShow, RequestID: id})
		}
	}
	return wakes, nil
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
