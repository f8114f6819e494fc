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
		require.Equal(t, givesWay+2*breath, time.Since(began), "the background goes on, late and slowly")

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
		require.Equal(t, lingers, time.Since(before), "nobody waits any more, and nobody came right after")
		for range 3 {
			p.gate.pass(t.Context())
		}
		require.Equal(t, lingers, time.Since(before), "now nothing is in its way")

		// A burst: each comes before the one before has been gone for long.
		time.Sleep(lingers)
		var begun []time.Duration
		before = time.Now()
		go func() {
			for range 4 {
				p.gate.pass(t.Context())
				begun = append(begun, time.Since(before))
			}
		}()
		for time.Since(before) < givesWay+5*breath {
			_, done = p.Await(t.Context())
			time.Sleep(lingers / 2)
			done()
			time.Sleep(lingers / 2)
		}
		synctest.Wait()
		require.Len(t, begun, 4)
		require.GreaterOrEqual(t, begun[1], givesWay, "the first of them may have been there before the burst")
		require.GreaterOrEqual(t, begun[3]-begun[1], 2*breath)

		time.Sleep(lingers)
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

// Whoever waits takes their turn between two crowds, however late this machine wakes them: a crowd that comes right after
// has nobody give way anew.
func TestACrowdRightAfterAnotherIsTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &Pool{}
		_, done := p.Await(t.Context())
		done()
		was := p.gate.next
		time.Sleep(2*lingers - 1)
		_, done = p.Await(t.Context())
		require.Equal(t, was, p.gate.next)
		done()
		time.Sleep(2 * lingers)
		_, done = p.Await(t.Context())
		defer done()
		require.Equal(t, time.Now().Add(givesWay), p.gate.next)
	})
}
