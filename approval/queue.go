package approval

import (
	"time"

	"countersign/budget"
)

// QueueFilter narrows what waits. Zero values narrow nothing.
type QueueFilter struct {
	Tier    Tier
	Project string
	Older   time.Duration // has waited at least so long
	Cost    budget.USD    // may cost at least so much
	Order   QueueOrder
}

// QueueOrder is what comes first.
type QueueOrder string

// The orders. Without one it is by risk.
const (
	ByRisk QueueOrder = "risk" // the highest tier, in it the oldest
	ByAge  QueueOrder = "age"  // the oldest
	ByCost QueueOrder = "cost" // the dearest
)

// QueuePage is how many rows a page of the queue has.
const QueuePage = 10

// Queue is one page of what waits for somebody's decision.
type Queue struct {
	Rows  []QueueRow
	Total int // on all pages
	Page  int // from 0; the last one that exists when a later one was asked for
	Pages int
	Now   time.Time
}

// QueueRow is a request as a queue shows it: enough to choose, no code.
type QueueRow struct {
	ID        string
	Project   string
	Asker     string
	Question  string
	Revision  int
	Tier      Tier
	Dangers   int
	Lines     int
	Cost      budget.USD // at most
	Approvals int
	Needed    int
	Since     time.Time // before reviewers
	ExpiresAt time.Time
}

// ReviewerStatistics is how one person has decided in a stretch of time.
type ReviewerStatistics struct {
	Reviewer  string
	Decisions int
	Approvals int
	Median    time.Duration // from the moment that the code was before reviewers
	Long      int           // decisions on more than 50 lines
	Quick     int           // of these in less than ten seconds
	Reversals int           // approvals that did not stand: somebody else said no, or they took it back
}
