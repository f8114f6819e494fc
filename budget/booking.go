package budget

import "time"

// Booking is one charge as it stands in the ledger.
type Booking struct {
	Team          string
	At            time.Time // when it was settled
	HoldID        string
	Line          int
	RequestID     string // empty: the program's own checks
	Asker         string
	Thread        string
	Project       string
	Purpose       Purpose
	Kind          ChargeKind
	Model         string // what was billed; for a box, its kind
	Provider      string
	Host          string
	InputTokens   int64
	CachedTokens  int64
	WrittenTokens int64
	OutputTokens  int64
	BoxMS         int64
	Amount        USD
	Held          USD // by the hold that it ended
	Estimated     bool
}

// ListedBox is a box as the lists of whoever bills it have it, by their clock.
type ListedBox struct {
	Box   string
	Began time.Time
	Seen  time.Time  // the last list that had it
	Gone  *time.Time // the first one after that which had not; nil: there was none yet
}
