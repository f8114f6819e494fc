package slacksim

import (
	"context"
	"time"
)

// TB is what Start needs of a test; *testing.T has it. The package does not
// import testing, because the demo contains it.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start serves a workspace on a free loopback port until the test ends. Slack's
// own waiting times hold, but events are redelivered quickly.
func Start(t TB, o Options) *Sim {
	t.Helper()
	if o.Timing.Retries == nil {
		o.Timing.Retries = []time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond}
	}
	s, err := New(o)
	if err != nil {
		t.Fatalf("slacksim: %v", err)
	}
	ln, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatalf("slacksim: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Fatalf("slacksim: %v", err)
		}
	})
	return s
}
