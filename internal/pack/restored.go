package pack

import (
	"fmt"
	"strconv"
	"time"
)

// Restored is that a copy of the database was put back. What was signed between the copy and that moment is in no
// pack, so the page says it before anything else, in a selection as well: it is about everybody.
type Restored struct {
	Position         int64
	At               time.Time
	Checkpoint, Size string // the last of the copy, and how many entries it covers
	Lost             string // in a sentence
	Ended            string // how many open requests the copy had, which have ended by it
}

// newRestored reads it from the event by which an epoch begins.
func newRestored(position int64, e event) Restored {
	r := Restored{Position: position, At: e.At, Checkpoint: e.fact("checkpoint"), Size: e.fact("size"), Ended: e.fact("open")}
	switch n, err := strconv.ParseInt(e.fact("lost"), 10, 64); {
	case err != nil || n < 0:
		r.Lost = "How many entries are lost nobody knows: no later checkpoint was at hand."
	case n == 0:
		r.Lost = "No signed entry is lost. What came after that checkpoint and is not in the copy is, and how much that is nobody has signed: a checkpoint comes at 256 entries, and after an hour in which something happened."
	default:
		entries := "entries"
		if n == 1 {
			entries = "entry"
		}
		r.Lost = fmt.Sprintf("Up to %d signed %s that came after it are lost: checkpoint %s, seen before, covered %s.", n, entries, e.fact("lost_checkpoint"), e.fact("lost_size"))
	}
	return r
}
