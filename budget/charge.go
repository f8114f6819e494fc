package budget

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
