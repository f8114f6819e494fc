package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/approval/steps"
)

// A waiting box knows of no request until it gets its job. So waiting boxes belong to nobody,
// and the first request that is approved takes one, which nobody ever gets again. There are as many as the day
// asks for (Expect, and hints between two of its words), at most MaxWarm, and as many as memory has room for. They
// boot after all others in the line.

const (
	// warmMB is what a waiting box takes of the machine's memory: 93 MB are its own, the rest is the sentry's
	// and its gofer's.
	warmMB = 140
	// warmLife is how long a box waits at most. Then a fresh one takes its place.
	warmLife = time.Hour
	// warmPause is how long nothing boots for later where such a box has not come up, or has died.
	warmPause = time.Minute
)

// Warm is how boxes wait here for approvals.
type Warm struct {
	Wanted  int // as many as the day asks for
	Room    int // as many as memory, and MaxWarm, have room for
	Ready   int // wait for their request
	Booting int
	Claimed int // so many went to a run since the start of this process,
	Cold    int // so many runs had to wait for a boot,
	GivenUp int // and so many waited for nothing
}

// MB is about what they take of the machine's memory.
func (w Warm) MB() int { return (w.Ready + w.Booting) * warmMB }

// Warm says how boxes wait.
func (s *Sandbox) Warm() Warm {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.tally
	w.Wanted, w.Room = wants(s), room(s)
	for _, b := range s.spare {
		// The machine or the kernel may end one that waits. It is taken out at the next level.
		if b.dead() {
			continue
		}
		if b.isReady() {
			w.Ready++
		} else {
			w.Booting++
		}
	}
	return w
}

// Expect says how many runs may come soon, those that are approved and have not started with them, as was known at a
// moment. Hints from before it count no longer: they are in the number, or were decided elsewhere.
func (s *Sandbox) Expect(runs int, asOf time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, hint := range s.wanted {
		if hint.at.Before(asOf) {
			s.unwant(id)
		}
	}
	for _, b := range s.byReq {
		if !b.hasBegun() {
			runs-- // it is in the number, and has its box
		}
	}
	s.expected = max(0, runs)
	if i := slices.IndexFunc(s.spare, func(b *box) bool { return time.Since(b.born) > s.warmLife }); i >= 0 {
		drop(s, i) // one at a time: were all given up at once, an approval in that moment would find none ready
	}
	s.level()
}

// expectEvery is how often Follow counts how many runs may come soon. Between two counts there are hints.
const expectEvery = 5 * time.Second

// Follow has as many boxes wait as the day asks for, until the context ends. While nobody can count, what waits stays:
// without a database nothing is approved.
func Follow(ctx context.Context, s *Sandbox, count func(context.Context) (runs int, err error)) {
	ticks := time.NewTicker(expectEvery)
	defer ticks.Stop()
	for {
		asOf := time.Now()
		if runs, err := count(ctx); err == nil {
			s.Expect(runs, asOf)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// hint is a request that may be approved soon.
type hint struct {
	at    time.Time
	until *time.Timer
}

// Prepare is a hint that a run may come soon. It returns at once.
func (s *Sandbox) Prepare(requestID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A hint is a courtesy: where nothing can wait, or the request has its box, it changes nothing.
	if s.closed || s.notYet != nil || s.opt.MaxWarm < 0 || s.byReq[requestID] != nil {
		return
	}
	s.unwant(requestID)
	s.wanted[requestID] = hint{time.Now(), time.AfterFunc(s.opt.WarmFor, func() { s.Discard(requestID) })}
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
	if had, ok := s.wanted[requestID]; ok {
		had.until.Stop()
		delete(s.wanted, requestID)
	}
}

// wants is how many boxes the day asks for: what was counted, or what was heard of since.
func wants(s *Sandbox) int { return max(s.expected, len(s.wanted)) }

// room is how many boxes may wait at most.
func room(s *Sandbox) int {
	if s.opt.MaxWarm < 0 || s.notYet != nil {
		return 0
	}
	ready := 0
	for _, b := range s.spare {
		if b.isReady() && !b.dead() {
			ready++ // what it takes is in use already
		}
	}
	spare := s.spareMB()
	most := ready + spare/warmMB
	if spare%warmMB < 0 {
		most-- // where too much has gone, each MB of it costs a whole box
	}
	most = max(0, most)
	if s.opt.MaxWarm > 0 {
		most = min(most, s.opt.MaxWarm)
	}
	return most
}

// drop gives a waiting box up.
func drop(s *Sandbox, i int) {
	s.spare[i].kill()
	s.spare = slices.Delete(s.spare, i, i+1)
	s.tally.GivenUp++
}

// level starts or kills waiting boxes until there are as many as are wanted. They boot when no
// other box in the line wants to. The caller holds the lock.
func (s *Sandbox) level() {
	if s.closed {
		return
	}
	before := len(s.spare)
	if s.spare = slices.DeleteFunc(s.spare, (*box).dead); len(s.spare) < before {
		// Nobody has killed it, so the machine has no box to give now, or it has ended one.
		s.notBefore = time.Now().Add(warmPause)
	}
	target := min(wants(s), room(s))
	// The youngest goes first: it has used the least time of a core, and may not even have booted.
	for len(s.spare) > target {
		drop(s, len(s.spare)-1)
	}
	for len(s.spare) < target && !time.Now().Before(s.notBefore) {
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
	s.expected = max(0, s.expected-1)
	s.spare = slices.DeleteFunc(s.spare, (*box).dead)
	var b *box
	if len(s.spare) > 0 {
		b, s.spare = s.spare[0], s.spare[1:] // the oldest: the likeliest to be ready
		b.warm = b.isReady()
		b.urgent.Store(int32(forRun)) // it moves up in the line
	} else {
		b = s.boot(s.home.runBundle, forRun)
	}
	switch {
	case s.notYet != nil: // a test of ours
	case b.warm:
		s.tally.Claimed++
	default:
		s.tally.Cold++
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
		// Of two calls that waited for it together, the time of the first must not end the box for a third.
		if b.idle != nil {
			b.idle.Stop()
		}
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
