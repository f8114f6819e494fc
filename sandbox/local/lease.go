package local

import (
	"time"

	"countersign/approval"
)

// What a box is billed for: the processor time of its boot, which is limited, and then the clock
// time from the start of the code. Waiting in line costs nothing, however long it takes.

// Lease is the longest time that a run's box is billed for. The box dies with this process, so
// nobody has to kill it.
func (s *Sandbox) Lease(l approval.Limits) time.Duration { return lease(l) }

func lease(l approval.Limits) time.Duration {
	return time.Duration(l.Seconds)*time.Second + bootTime + grace
}

// InspectLease is the longest that an inspection's box is billed for: the processor
// time that it takes to boot, to parse and to be killed.
func (s *Sandbox) InspectLease() time.Duration { return bootTime + inspectTime + grace }

// paid is the time before the code that is billed: the boot, unless the box was ready before
// anybody waited for it. The wait in line costs nothing.
func (b *box) paid() time.Duration {
	if b.warm {
		return 0
	}
	return b.boot
}
