package approval

import (
	"slices"
	"time"

	"countersign/budget"
)

// Block is a paid step that a budget has refused. The request waits where it is,
// with nothing held, until its asker chooses a way on: a blocked draft is still
// drafting, a blocked run still pending.
type Block struct {
	Purpose   budget.Purpose    `json:"purpose"`
	Needed    budget.USD        `json:"needed"`
	Model     string            `json:"model"`           // that would have been called
	Standings []budget.Standing `json:"standings"`       // all that were weighed, in lock order
	At        time.Time         `json:"at"`              // when they were
	By        string            `json:"by,omitempty"`    // of a run: the reviewer whose approval found no money
	Wait      bool              `json:"wait,omitempty"`  // the asker wants it to go on by itself
	Until     time.Time         `json:"until,omitzero"`  // and then it is tried
	TopUp     string            `json:"topup,omitempty"` // the top-up that has been asked for, by its id
}

// Tight is the budget that is named: the one with the least left.
func (b *Block) Tight() budget.Standing {
	tight, _ := budget.Tightest(b.Standings)
	return tight
}

// Missing is how much the tightest budget would have to grow for the step to fit in it.
func (b *Block) Missing() budget.USD { return max(0, b.Needed-b.Tight().Left()) }

// Refusal says it as the asker has read it before.
func (b *Block) Refusal() *budget.ExceededError {
	return &budget.ExceededError{Standing: b.Tight(), Standings: b.Standings, Needed: b.Needed}
}

// Downgraded is a cheaper model than the one that was asked for, and the budget
// whose policy wants it.
type Downgraded struct {
	From  string       `json:"from"`
	To    string       `json:"to"`
	Scope budget.Scope `json:"scope"`
}

// TopUp is money on top of a limit, until a moment: asked for by whoever was
// refused, granted by an administrator who is somebody else. It raises the one
// budget that it is for, and none of those above it.
type TopUp struct {
	ID        string
	RequestID string
	Scope     budget.Scope
	AskedBy   string
	Amount    budget.USD
	Reason    string
	At        time.Time
	DecidedBy string // empty while nobody has decided
	DecidedAt time.Time
	Granted   bool
	Answer    string    // why it was declined
	ExpiresAt time.Time // of what was granted
}

// Open tells that nobody has decided yet.
func (t *TopUp) Open() bool { return t.DecidedBy == "" }

// TopUp finds a top-up of this request.
func (r *Request) TopUp(id string) *TopUp {
	for i := range r.TopUps {
		if r.TopUps[i].ID == id {
			return &r.TopUps[i]
		}
	}
	return nil
}

// OpenTopUp is the one that waits for an administrator, if there is one.
func (r *Request) OpenTopUp() *TopUp {
	i := slices.IndexFunc(r.TopUps, func(t TopUp) bool { return t.Open() })
	if i < 0 {
		return nil
	}
	return &r.TopUps[i]
}
