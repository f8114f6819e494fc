package approval

import (
	"slices"
	"time"

	"countersign/budget"
)

// Policy is what the settings say: who may do what, and how much of everything
// there is. What administrators name and set in Slack comes on top: review.Roster, review.Rules.
type Policy struct {
	Reviewers     []string // Slack user ids; more are named in Slack: steps.People.Reviewers
	Admins        []string // Slack user ids; likewise
	ReviewChannel string
	Quorum        int           // distinct people who must approve, where no rules say otherwise
	Expiry        time.Duration // of the wait for a decision
	RunExpiry     time.Duration // of an approval that has not led to a run
	MaxAttempts   int           // calls of the model for one version of the code, repairs and retries together
	MaxRounds     int           // how often reviewers may have the code of one request changed
	MaxFileBytes  int64         // of one input
	MaxInputBytes int64         // of all inputs of one request together: a box has to hold them, and what the code makes of them
	MaxFiles      int           // inputs of one request
	MaxQuestion   int           // characters
	MaxOpen       int           // questions of one person under way at once
	PinDays       int           // from which age on a pinned file is looked at again
	Stale         time.Duration // after which a thread in which nobody has said anything is at rest
	LineSeconds   int           // seconds a line between opening code of high risk and its approval, where no rules say otherwise
	Hourly        int           // approvals of high risk by one person in an hour, likewise; 0: any number
	Limits        Limits
	Zone          *time.Location // on whose calendar freezes are; nil: UTC
}

// DefaultPolicy is what holds where nothing else is set. It names nobody, so
// nobody can decide until somebody is named.
func DefaultPolicy() Policy {
	return Policy{
		Quorum:        1,
		Expiry:        24 * time.Hour,
		RunExpiry:     time.Hour,
		MaxAttempts:   5,
		MaxRounds:     3,
		MaxFileBytes:  20 << 20,
		MaxInputBytes: 100 << 20,
		MaxFiles:      10,
		MaxQuestion:   3000,
		MaxOpen:       20,
		PinDays:       90,
		Stale:         14 * 24 * time.Hour,
		Limits:        Limits{Seconds: 120, MemoryMB: 1024, OutputBytes: 32 << 20, Files: 20},
	}
}

// Role returns the role whose default limit applies to a user who has no limit of their
// own. It knows the settings alone; the Store adds who was named in Slack.
// Admins come first: who is both has the admins' limit.
func (p Policy) Role(user string) string {
	switch {
	case slices.Contains(p.Admins, user):
		return budget.Admins
	case slices.Contains(p.Reviewers, user):
		return budget.Reviewers
	}
	return budget.Members
}
