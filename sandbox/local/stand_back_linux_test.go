package local

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A box is never given a higher priority than it has: in a container, where serve itself was started by nice, that is refused, and no box
// would ever become ready.
func TestABoxOnlyEverStandsBack(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked, so the thread ends with what was set
		tid := unix.Gettid()
		nice := func() int {
			left, err := unix.Getpriority(unix.PRIO_PROCESS, tid)
			if err != nil {
				t.Error(err)
			}
			return 20 - left
		}
		before := nice()
		if err := standBack(tid); err != nil {
			t.Error(err)
		}
		if got := nice(); got != max(before, niceness) {
			t.Errorf("from %d to %d", before, got)
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, tid, 19); err != nil {
			t.Error(err)
		}
		if err := standBack(tid); err != nil {
			t.Error(err)
		}
		if got := nice(); got != 19 {
			t.Errorf("from 19 to %d", got)
		}
	}()
	<-done
	require.ErrorIs(t, standBack(1<<30), unix.ESRCH)
}
