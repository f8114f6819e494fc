package local

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/approval/steps"
)

// A waiting box knows of no request until it gets its job. So waiting boxes belong to nobody,
// and the first request that is approved takes one. There are as many as there are requests
// that may be approved soon, at most MaxWarm. They boot after all others in the line.

// Prepare is a hint that a run may come soon. It returns at once.
func (s *Sandbox) Prepare(requestID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.notYet != nil || s.opt.MaxWarm < 0 || s.byReq[requestID] != nil {
		return
	}
	if timer := s.wanted[requestID]; timer != nil {
		timer.Stop()
	}
	s.wanted[requestID] = time.AfterFunc(s.opt.WarmFor, func() { s.Discard(requestID) })
	s.level()
}

// Discard is a hint that this request will not run. Its box is killed, unless Create has already
// returned it: from then on the row of the request names the box, and Kill is what ends it.
func (s *Sandbox) Discard(requestID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unwant(requestID)
	if b := s.byReq[requestID]; b != nil && !b.had {
		delete(s.byReq, requestID)
		delete(s.boxes, b.id)
		b.kill()
	}
	s.level()
}

func (s *Sandbox) unwant(requestID string) {
	if timer := s.wanted[requestID]; timer != nil {
		timer.Stop()
		delete(s.wanted, requestID)
	}
}

// level starts or kills waiting boxes until there are as many as are wanted. They boot when no
// other box in the line wants to. The caller holds the lock.
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
	for len(s.spare) < target {
		s.spare = append(s.spare, s.boot(s.home.runBundle, forLater))
	}
}

// adopt gives the request its box: the one it has, a waiting one, or a new one. Whoever asks again
// for the same request gets the same box, so two calls at once make no second one.
func (s *Sandbox) adopt(requestID string) (*box, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, &steps.BoxError{Err: errors.New("closed"), Words: "The sandbox is shutting down.", Retry: true}
	}
	if b := s.byReq[requestID]; b != nil {
		if b.idle != nil {
			b.idle.Stop()
		}
		return b, nil
	}
	s.unwant(requestID)
	s.spare = slices.DeleteFunc(s.spare, (*box).dead)
	var b *box
	if len(s.spare) > 0 {
		b, s.spare = s.spare[0], s.spare[1:] // the oldest: the likeliest to be ready
		b.warm = b.isReady()
		b.urgent.Store(int32(forRun)) // it moves up in the line
	} else {
		b = s.boot(s.home.runBundle, forRun)
	}
	s.boxes[b.id], s.byReq[requestID] = b, b
	s.level()
	return b, nil
}

// keep keeps a box for its request, for as long as a waiting box is kept. Without a limit, the box of a
// request that nobody asks for again would take its memory until this process ends.
func (s *Sandbox) keep(b *box, requestID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byReq[requestID] == b && !b.had && !s.closed {
		b.idle = time.AfterFunc(s.opt.WarmFor, func() { s.Discard(requestID) })
	}
}

// give marks the box as handed out. It fails if the box was given up a moment ago. From here on
// Discard leaves it alone.
func (s *Sandbox) give(b *box, requestID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byReq[requestID] != b {
		return &steps.BoxError{Err: fmt.Errorf("box %s was given up", b.id), Words: "This sandbox was given up before it was ready.", Retry: true}
	}
	b.had = true
	return nil
}
