package budget

import (
	"slices"
	"time"
)

// Usage is what one model call used, as the provider reports it. Input counts every
// prompt token, those read from and written to the provider's cache included. Output
// counts every token that came back, those that the model thought in included.
type Usage struct {
	Model   string `json:"model"` // as the API returned it, which is what it bills
	Input   int    `json:"input"`
	Cached  int    `json:"cached,omitempty"`  // of Input, read from the provider's cache
	Written int    `json:"written,omitempty"` // of Input, put into it
	Output  int    `json:"output"`
}

// AfterCopy is the word of a charge of which only an administrator's word is known: how much was spent after the copy
// of the database that was put back. It is no provider's, and of no certain day.
const AfterCopy = "spent after the copy"

// ChargeKind says what was paid for: tokens or box time.
type ChargeKind string

// The kinds of charge.
const (
	Tokens ChargeKind = "tokens"
	Box    ChargeKind = "box"
)

// Charge is one line of a bill. Its Amount is rounded up once, to a millionth
// of a dollar, so that the lines that people are shown add up to the total.
type Charge struct {
	Kind ChargeKind `json:"kind"`
	What string     `json:"what"` // the model, or the kind of box
	// Of a call of a model: who was asked, and where the prompt went.
	Provider string `json:"provider,omitempty"`
	Host     string `json:"host,omitempty"`
	Usage    Usage  `json:"usage,omitzero"`
	BoxMS    int64  `json:"box_ms,omitempty"`
	// Of a box: how large it was, by which it is priced, used or not.
	VCPU     int `json:"vcpu,omitempty"`
	MemoryMB int `json:"memory_mb,omitempty"`
	Amount   USD `json:"amount"`
}

// Total adds the charges up.
func Total(charges []Charge) USD {
	var sum USD
	for _, c := range charges {
		sum += c.Amount
	}
	return sum
}

// BoxSize is what a sandbox is billed by: the allocation, used or not.
type BoxSize struct {
	Kind     string `json:"kind"` // "local" or "e2b": the name of its price row
	VCPU     int    `json:"vcpu"`
	MemoryMB int    `json:"memory_mb"`
}

// Purpose names the paid step that a hold is for.
type Purpose string

// The purposes of a hold.
const (
	ForDraft   Purpose = "draft"   // a call of a model
	ForSummary Purpose = "summary" // a call of a model that sums the thread up
	ForRead    Purpose = "read"    // the box in which a file is read
	ForInspect Purpose = "inspect" // the box in which what came is inspected
	ForRun     Purpose = "run"
	ForCheck   Purpose = "check" // work of the house: what doctor and self-tests try; it belongs to no request
)

// UncertainFor is how long a cost may stay unknown until it is charged in full.
const UncertainFor = 48 * time.Hour

// Hold is money set aside for one paid step of a request, before it starts.
type Hold struct {
	ID        string
	RequestID string
	Purpose   Purpose
	Amount    USD
	At        time.Time
	ExpiresAt time.Time // a sweep settles what nobody has settled by then, or calls it uncertain
	RestOf    string    // the hold of which this is what stays uncertain; empty for one of its own
}

// Settlement ends a hold, once. No charges means that nothing was spent.
type Settlement struct {
	HoldID    string
	At        time.Time
	Charges   []Charge
	Estimated bool // nobody knows what the provider bills, so the hold was taken in full
}

// Within cuts the charges down to what was held, in their order. over is the cost
// beyond the hold; no budget is charged for it.
func (s Settlement) Within(held USD) (charged Settlement, over USD) {
	charged = s
	charged.Charges = slices.Clone(s.Charges)
	for i := range charged.Charges {
		line := &charged.Charges[i]
		over += max(0, line.Amount-held)
		line.Amount = min(line.Amount, held)
		held -= line.Amount
	}
	return charged, over
}

// InFull settles a hold whose outcome is unknown: it charges the whole amount and marks it
// as estimated.
func (h Hold) InFull(at time.Time, what string) Settlement {
	kind := Tokens
	if h.Purpose == ForRun || h.Purpose == ForInspect || h.Purpose == ForRead {
		kind = Box
	}
	return Settlement{HoldID: h.ID, At: at, Estimated: true,
		Charges: []Charge{{Kind: kind, What: what, Amount: h.Amount}}}
}
