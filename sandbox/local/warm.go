package local

import (
	"errors"
	"slices"
	"time"

	"countersign/approval"
)

// A waiting box knows nothing of any request until it gets its job, so the
// waiting ones belong to nobody: whoever is approved first takes one. There are
// as many as there are requests that may be approved soon, up to MaxWarm.

// Prepare is a hint that a run may come soon. It returns at once.
func (s *Sandbox) Prepare(requestID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.opt.MaxWarm < 0 || s.byReq[requestID] != nil {
		return
	}
	if timer := s.wanted[requestID]; timer != nil {
		timer.Stop()
	}
	s.wanted[requestID] = time.AfterFunc(s.opt.WarmFor, func() { s.Discard(requestID) })
	s.level()
}

// Discard is a hint that no run will come of this request.
func (s *Sandbox) Discard(requestID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unwant(requestID)
	s.level()
}

func (s *Sandbox) unwant(requestID string) {
	if timer := s.wanted[requestID]; timer != nil {
		timer.Stop()
		delete(s.wanted, requestID)
	}
}

// level starts or kills waiting boxes until there are as many as are wanted, or as
// can boot now: a box that boots computes all the while, and one for later takes no
// core from those that a run waits for. The lock is held.
func (s *Sandbox) level() {
	if s.closed {
		return
	}
	target := max(0, min(len(s.wanted), s.opt.MaxWarm)) // a negative MaxWarm is none
	s.spare = slices.DeleteFunc(s.spare, (*box).dead)
	for len(s.spare) > target {
		last := len(s.spare) - 1
		s.spare[last].kill()
		s.spare = s.spare[:last]
	}
	for len(s.spare) < target && s.booting < s.cpus.count() {
		b, err := s.bootForRun()
		if err != nil {
			s.log.Warn("no box could be started ahead of an approval", "error", err)
			return
		}
		s.spare = append(s.spare, b)
	}
}

// bootForRun starts a box for a run, now or later. The lock is held.
func (s *Sandbox) bootForRun() (*box, error) {
	b, err := s.boot(s.home.runBundle)
	if err != nil {
		return nil, err
	}
	s.booting++
	s.inflight.Go(func() { s.afterBoot(b) })
	return b, nil
}

// afterBoot makes up for the boxes that had to wait until this one was ready, or
// never would be.
func (s *Sandbox) afterBoot(b *box) {
	<-b.booted
	s.mu.Lock()
	defer s.mu.Unlock()
	s.booting--
	if b.bootErr == nil || !slices.Contains(s.spare, b) { // another one would only fail as this one did
		s.level()
	}
}

// adopt gives the request its box: the one it has, a waiting one, or a new one.
func (s *Sandbox) adopt(requestID string) (*box, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, &approval.BoxError{Err: errors.New("closed"), Words: "The sandbox is shutting down.", Retry: true}
	}
	if b := s.byReq[requestID]; b != nil {
		return b, nil
	}
	s.unwant(requestID)
	s.spare = slices.DeleteFunc(s.spare, (*box).dead)
	var b *box
	if len(s.spare) > 0 {
		b, s.spare = s.spare[0], s.spare[1:] // the oldest: the likeliest to be ready
	} else {
		var err error
		if b, err = s.bootForRun(); err != nil {
			return nil, err
		}
	}
	b.created = time.Now()
	s.boxes[b.id], s.byReq[requestID] = b, b
	s.level()
	return b, nil
}
