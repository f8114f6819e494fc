package steps

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign/approval"
)

// Near is code that people have approved before and that is like other code.
type Near struct {
	RequestID string
	Revision  int
	Question  string
	Code      string
	At        time.Time // of the approval
	Alike     int       // percent of the lines
}

const (
	nearLimit = 50 // how many approved programs are looked at
	nearLeast = 30 // percent below which a difference shows nothing but that it is other code
)

// Nearest finds the code that people have approved in the same channel and that is
// most like this request's: what a reviewer knows already need not be read again.
// It is nil when nothing is alike.
func (s *Lists) Nearest(ctx context.Context, id string) (*Near, error) {
	r, err := s.store.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.Revision == nil {
		return nil, nil
	}
	vetted, err := s.store.Vetted(ctx, r.Team, r.Project, id, nearLimit)
	if err != nil {
		return nil, err
	}
	var nearest *Near
	for _, near := range vetted { // the newest first, so of equals it is the one
		near.Alike = alike(r.Revision.Code, near.Code)
		if near.Alike >= nearLeast && (nearest == nil || near.Alike > nearest.Alike) {
			nearest = &near
		}
	}
	return nearest, nil
}

// alike is how many percent of the lines of two programs they have in common,
// wherever they stand. Empty lines say nothing.
func alike(a, b string) int {
	count := map[string]int{}
	total, both := 0, 0
	for _, line := range slices.Concat(approval.Lines(a), approval.Lines(b)) {
		if strings.TrimSpace(line) != "" {
			total++
		}
	}
	for _, line := range approval.Lines(a) {
		count[strings.TrimSpace(line)]++
	}
	for _, line := range approval.Lines(b) {
		if line = strings.TrimSpace(line); line != "" && count[line] > 0 {
			count[line]--
			both++
		}
	}
	if total == 0 {
		return 0
	}
	return 2 * both * 100 / total
}
