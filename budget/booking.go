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
