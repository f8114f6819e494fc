package fault

import (
	"context"
	"errors"
	"time"

	"countersign/internal/slacksim/rewrite"
	"countersign/internal/slacksim/workspace"
)

// ErrCut breaks the HTTP connection without an answer.
var ErrCut = errors.New("cut by a fault")

// Method is what goes wrong with a Web API method, beside its own rules.
// "response_url" and "download" are methods here too, and "*" is any.
type Method struct {
	Method     string
	Only       Only          // which of its calls
	Delay      time.Duration // before anything else
	Do         func()        // called then, e.g. to kill the caller
	Hang       bool          // accept, and never answer
	Cut        bool          // break the connection without an answer
	RetryAfter time.Duration // answer 429
	Status     int           // answer this HTTP status
	Page       bool          // with a page for people in place of JSON
	Error      string        // answer with this error
	Messages   []string      // and these in response_metadata.messages
	After      bool          // only when the call has taken effect: the caller cannot know
	Times      int           // how often; 0 is once, -1 until cleared
}

// Faults are what goes wrong: what a test asked for, and what is drawn.
type Faults struct {
	*workspace.Workspace
	Switches   switches
	Misfortune *misfortune // nil: none
}

// switches are the faults that are on. The workspace's lock guards them.
type switches struct {
	methods        []*Method
	DropAcks       int
	Duplicate      int
	Reorder        int
	DelayAcks      time.Duration
	DelayEnvelopes time.Duration
	RefuseSockets  bool
}

// Take uses one of a counted fault.
func (*switches) Take(count *int) bool {
	if *count > 0 {
		*count--
		return true
	}
	return *count < 0
}

// Fail makes a method fail.
func (s *Faults) Fail(f Method) {
	s.Lock()
	defer s.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.Switches.methods = append(s.Switches.methods, &f)
}

// DropAcks loses the next n acknowledgements, -1 all. Slack then thinks that the app is dead.
func (s *Faults) DropAcks(n int) { s.setFault(func(f *switches) { f.DropAcks = n }) }

// DelayAcks holds every acknowledgement back.
func (s *Faults) DelayAcks(d time.Duration) { s.setFault(func(f *switches) { f.DelayAcks = d }) }

// DelayEnvelopes holds every envelope back.
func (s *Faults) DelayEnvelopes(d time.Duration) {
	s.setFault(func(f *switches) { f.DelayEnvelopes = d })
}

// Duplicate sends the next n envelopes twice, on two connections if there are two.
func (s *Faults) Duplicate(n int) { s.setFault(func(f *switches) { f.Duplicate = n }) }

// Reorder sends the next envelope after the one that follows it.
func (s *Faults) Reorder() { s.setFault(func(f *switches) { f.Reorder = 1 }) }

// RefuseSockets turns every new Socket Mode connection away, until it is called with false.
func (s *Faults) RefuseSockets(on bool) { s.setFault(func(f *switches) { f.RefuseSockets = on }) }

// Heal ends all faults and all trouble. Half-open connections stay what they are.
func (s *Faults) Heal() {
	s.setFault(func(f *switches) { *f = switches{} })
	s.Lock()
	defer s.Unlock()
	s.Rewriting = rewrite.Rewriting{}
	if s.Misfortune != nil {
		s.Misfortune.Share = 0
	}
}

// Rewrite has Slack hold every message and view that comes from now on in these ways,
// wherever each of them finds something to do, until Heal.
func (s *Faults) Rewrite(ways ...int) { s.hold(rewrite.InWays(ways...)) }

// RewriteAtRandom draws from the seed, for every message and view and again for every press,
// which ways are taken and where, until Heal.
func (s *Faults) RewriteAtRandom(seed uint64) { s.hold(rewrite.AtRandom(seed)) }

func (s *Faults) hold(r rewrite.Rewriting) {
	s.Lock()
	defer s.Unlock()
	s.Rewriting = r
}

func (s *Faults) setFault(change func(*switches)) {
	s.Lock()
	defer s.Unlock()
	change(&s.Switches)
}

// Next takes the next fault of a method, if there is one: one that was asked for,
// else one that is drawn.
func (s *Faults) Next(method string, c workspace.Source) *Method {
	s.Lock()
	defer s.Unlock()
	for _, f := range s.Switches.methods {
		if (f.Method == method || f.Method == "*") && f.Only.covers(s.Memory, c) && s.Switches.Take(&f.Times) {
			return f
		}
	}
	return s.Misfortune.call(method)
}

// Before plays a fault that keeps the method from being called.
func (f *Method) Before(ctx context.Context, s *workspace.Workspace) error {
	if f == nil || f.After {
		return nil
	}
	return f.play(ctx, s)
}

// Afterwards plays one that loses the answer of a call that has taken effect.
func (f *Method) Afterwards(ctx context.Context, s *workspace.Workspace) error {
	if f == nil || !f.After {
		return nil
	}
	return f.play(ctx, s)
}

// play goes through the fault's parts in the order of its fields.
func (f *Method) play(ctx context.Context, s *workspace.Workspace) error {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ErrCut
		case <-s.Life.Done():
			return ErrCut
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
		case <-s.Life.Done():
		}
		return ErrCut
	case f.Cut:
		return ErrCut
	case f.RetryAfter > 0:
		return workspace.RateLimited(f.RetryAfter)
	case f.Status > 0 || f.Page:
		return &workspace.Error{Code: code, Status: f.Status, Page: f.Page}
	case f.Error != "":
		return workspace.Refuse(f.Error, f.Messages...)
	}
	return nil
}
