package local

import (
	"time"

	"countersign/approval"
)

// Lease is the longest that a run's box is billed for. It dies with this process,
// so nobody has to be there to kill it.
func (s *Sandbox) Lease(l approval.Limits) time.Duration {
	return time.Duration(l.Seconds)*time.Second + bootTime + grace
}

// InspectLease is the longest that an inspection's box can exist: to boot, to
// parse, to be killed.
func (s *Sandbox) InspectLease() time.Duration { return bootTime + inspectTime + grace }
