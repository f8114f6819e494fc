package slacksim

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errCut breaks the HTTP connection without an answer.
var errCut = errors.New("cut by a fault")

// MethodFault is what goes wrong with a Web API method, beside its own rules.
// "response_url" and "download" are methods here too, and "*" is any.
type MethodFault struct {
	Method     string
	Delay      time.Duration // before anything else
	Do         func()        // called then, e.g. to kill the caller
	Hang       bool          // accept, and never answer
	Cut        bool          // break the connection without an answer
	RetryAfter time.Duration // answer 429
	Status     int           // answer this HTTP status
	Error      string        // answer with this error
	After      bool          // only when the call has taken effect: the caller cannot know
	Times      int           // how often; 0 is once, -1 until cleared
}

// faults are the switches that are on. Sim.mu guards them.
type faults struct {
	methods        []*MethodFault
	dropAcks       int
	duplicate      int
	reorder        int
	delayAcks      time.Duration
	delayEnvelopes time.Duration
	refuseSockets  bool
	rewriting      rewriting
}

// take uses one of a counted fault.
func (*faults) take(count *int) bool {
	if *count > 0 {
		*count--
		return true
	}
	return *count < 0
}

// Fail makes a method fail.
func (s *Sim) Fail(f MethodFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults.methods = append(s.faults.methods, &f)
}

// DropAcks loses the next n acknowledgements, -1 all. Slack then thinks that the app is dead.
func (s *Sim) DropAcks(n int) { s.setFault(func(f *faults) { f.dropAcks = n }) }

// DelayAcks holds every acknowledgement back.
func (s *Sim) DelayAcks(d time.Duration) { s.setFault(func(f *faults) { f.delayAcks = d }) }

// DelayEnvelopes holds every envelope back.
func (s *Sim) DelayEnvelopes(d time.Duration) { s.setFault(func(f *faults) { f.delayEnvelopes = d }) }

// Duplicate sends the next n envelopes twice, on two connections if there are two.
func (s *Sim) Duplicate(n int) { s.setFault(func(f *faults) { f.duplicate = n }) }

// Reorder sends the next envelope after the one that follows it.
func (s *Sim) Reorder() { s.setFault(func(f *faults) { f.reorder = 1 }) }

// RefuseSockets turns every new Socket Mode connection away, until it is called with false.
func (s *Sim) RefuseSockets(on bool) { s.setFault(func(f *faults) { f.refuseSockets = on }) }

// Heal ends all faults and all trouble. Half-open connections stay what they are.
func (s *Sim) Heal() {
	s.setFault(func(f *faults) { *f = faults{} })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble != nil {
		s.trouble.Share = 0
	}
}

func (s *Sim) setFault(change func(*faults)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.faults)
}

// Disconnect sends every connection away: "warning" (and closes later),
// "refresh_requested", "link_disabled" or "too_many_websockets".
func (s *Sim) Disconnect(reason string) {
	for _, c := range s.openSockets() {
		c.disconnect(reason)
	}
}

// CloseSockets closes every connection with this code; 1006 breaks it without a frame.
func (s *Sim) CloseSockets(code int) {
	for _, c := range s.openSockets() {
		c.drop(code)
	}
}

// HalfOpen lets every connection stand and carry nothing: no envelopes, no
// acks, no pings, no pongs, no close.
func (s *Sim) HalfOpen() {
	for _, c := range s.openSockets() {
		c.half.Store(true)
	}
}

func (s *Sim) openSockets() []*socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*socket(nil), s.sockets...)
}

// methodFault takes the next fault of a method, if there is one: one that was asked for,
// else one that is drawn.
func (s *Sim) methodFault(method string) *MethodFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults.methods {
		if (f.Method == method || f.Method == "*") && s.faults.take(&f.Times) {
			return f
		}
	}
	return s.trouble.call(method)
}

// before plays a fault that keeps the method from being called.
func (f *MethodFault) before(ctx context.Context, s *Sim) error {
	if f == nil || f.After {
		return nil
	}
	return f.play(ctx, s)
}

// afterwards plays one that loses the answer of a call that has taken effect.
func (f *MethodFault) afterwards(ctx context.Context, s *Sim) error {
	if f == nil || !f.After {
		return nil
	}
	return f.play(ctx, s)
}

// play goes through the fault's parts in the order of its fields.
func (f *MethodFault) play(ctx context.Context, s *Sim) error {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return errCut
		case <-s.life.Done():
			return errCut
		}
	}
	if f.Do != nil {
		f.Do()
	}
	code := f.Error
	if code == "" {
		code = "internal_error"
	}
	switch {
	case f.Hang:
		select {
		case <-ctx.Done():
		case <-s.life.Done():
		}
		return errCut
	case f.Cut:
		return errCut
	case f.RetryAfter > 0:
		return rateLimited(f.RetryAfter)
	case f.Status > 0:
		return &apiError{Code: code, Status: f.Status}
	case f.Error != "":
		return refuse(f.Error)
	}
	return nil
}

// Counts are totals since the start.
type Counts struct {
	Connections  int // sockets that were opened
	Envelopes    int // that were written, duplicates and redeliveries included
	Acked        int
	Unacked      int // no ack in time
	Undelivered  int // there was no socket
	Redelivered  int
	LateAcks     int // too late, unknown or repeated
	OversizeAcks int // dropped for their size
}

// Counts reports the totals.
func (s *Sim) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// WaitCounts waits until the totals match.
func (s *Sim) WaitCounts(ctx context.Context, match func(Counts) bool) error {
	_, err := await(ctx, s, func() (struct{}, bool) { return struct{}{}, match(s.counts) })
	if err != nil {
		return fmt.Errorf("wait for counts, they are %+v: %w", s.Counts(), err)
	}
	return nil
}

// WaitConnections waits until n sockets have been opened since the start.
func (s *Sim) WaitConnections(ctx context.Context, n int) error {
	return s.WaitCounts(ctx, func(c Counts) bool { return c.Connections >= n })
}

// WaitHeld waits until the reorder fault holds an envelope back.
func (s *Sim) WaitHeld(ctx context.Context) error {
	if _, err := await(ctx, s, func() (struct{}, bool) { return struct{}{}, s.held != nil }); err != nil {
		return fmt.Errorf("wait for an envelope to be held: %w", err)
	}
	return nil
}
