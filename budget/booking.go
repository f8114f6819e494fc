package budget

import "time"

// Booking is one charge as it stands in the ledger.
type Booking struct {
	Team          string
	At            time.Time // when it was settled
	Used          time.Time // when it was used, which a provider goes by: before At where its usage of a day told the cost
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
	Joint         bool // of a box that waited for reviewers and became the run's: the run's own charge is of the same box
}

// ListedBox is a box as the lists of whoever bills it have it, by their clock.
// By it a box is found that the ledger knows nothing of. Times are as exact as the lists are far apart.
type ListedBox struct {
	Box   string
	Began time.Time
	Seen  time.Time  // the last list that had it
	Gone  *time.Time // the first one after that which had not; nil: there was none yet
}

// UnknownCall is a call of a model of which nobody was told the cost: what it may have cost stays held until that is
// known, or was charged in full.
type UnknownCall struct {
	RequestID string
	HoldID    string
	Provider  string
	Host      string
	Model     string // that was asked for
	// When the first and the last call of its question were begun, and since when the cost is unknown.
	First time.Time
	Last  time.Time
	Since time.Time
	Most  USD
	// Clear tells that it can be told apart in what a provider says: it is not charged in full yet, its question is not
	// at work and has called one model at one host, and no box was used under the same hold.
	Clear bool
}

// Traced is what an unknown call has used, as its provider's usage of that day says.
type Traced struct {
	Call   UnknownCall
	Day    string // 2026-11-27
	Input  int
	Output int
}
