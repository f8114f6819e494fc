package pg

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatAPersonWaitsForBeginsFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &Pool{}
		began := time.Now()
		p.gate.pass(t.Context())
		require.Zero(t, time.Since(began), "nobody waits")

		marked, done := p.Await(t.Context())
		for range 10 {
			p.gate.pass(marked)
		}
		require.Zero(t, time.Since(began), "what somebody waits for begins at once")

		for range 3 {
			p.gate.pass(t.Context())
		}
		require.Equal(t, 2*breath, time.Since(began), "the background goes on, slowly")

		passed := make(chan struct{})
		go func() { p.gate.pass(t.Context()); close(passed) }()
		synctest.Wait()
		select {
		case <-passed:
			t.Fatal("it had its turn a moment ago")
		default:
		}
		before := time.Now()
		done()
		done() // once is enough
		<-passed
		require.Zero(t, time.Since(before), "nobody waits any more")

		_, done = p.Await(t.Context())
		defer done()
		p.gate.pass(t.Context())
		over, cancel := context.WithCancel(t.Context())
		cancel()
		before = time.Now()
		p.gate.pass(over)
		require.Zero(t, time.Since(before), "whoever has gone does not wait")
	})
}
