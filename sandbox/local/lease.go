package local

import (
	"time"

	"countersign/approval"
)

// A box is billed from when its turn to boot has come, and by then for the processor
// time that booting takes, which is bounded; from its start on for the time that
// passes. What it waits in line costs nobody anything, however long that is.

// Lease is the longest that a run's box is billed for. It dies with this process,
// so nobody has to be there to kill it.
func (s *Sandbox) Lease(l approval.Limits) time.Duration { return lease(l) }

func lease(l approval.Limits) time.Duration {
	return time.Duration(l.Seconds)*time.Second + bootTime + grace
}

// InspectLease is the longest that an inspection's box is billed for: the processor
// time that it takes to boot, to parse and to be killed.
func (s *Sandbox) InspectLease() time.Duration { return bootTime + inspectTime + grace }
