package pack

import (
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Rate is the row of the price list by which a charge was reckoned, so that whoever reads the page can do it by hand.
// Amounts are billionths of a dollar.
type Rate struct {
	Row string `json:"row"` // whose price it is, and from which day on
	// Per million tokens: of the prompt, of those that the provider had in its cache, of those that it put there, and of the answer.
	Input   int64 `json:"input,omitempty"`
	Cached  int64 `json:"cached,omitempty"`
	Written int64 `json:"written,omitempty"`
	Output  int64 `json:"output,omitempty"`
	// Per second: of a processor, and of a gigabyte of memory.
	VCPU int64 `json:"vcpu,omitempty"`
	GiB  int64 `json:"gib,omitempty"`
}

// micro is what amounts are rounded up to, once for each charge: a millionth of a dollar. The program does the same
// (budget); here it is reckoned once more by other code, or a mistake of the first would verify itself.
const micro = 1000

// part is a quantity and what so many of it cost.
type part struct {
	count int64
	named string
	price int64
}

// tokens are what a call of a model used. A provider's counts may contradict each other: each token of the prompt is paid once.
func (c Charge) tokens() (parts []part) {
	cached := min(max(c.Cached, 0), c.Input)
	written := min(max(c.Written, 0), c.Input-cached)
	for _, p := range []part{{c.Input - cached - written, "in", c.Rate.Input}, {cached, "in, from the cache", c.Rate.Cached}, {written, "in, put into the cache", c.Rate.Written}, {c.Output, "out", c.Rate.Output}} {
		if p.count != 0 {
			parts = append(parts, p)
		}
	}
	return parts
}

// Reckoned is what the row makes of the quantities; false where there is no row, or nothing to reckon with.
// Where an amount would not fit, ok is false as well, and the page shows no sum.
func (c Charge) Reckoned() (amount int64, ok bool) {
	// Exact: milliseconds times megabytes times a price of billionths leave an int64 behind.
	sum, per := new(big.Int), int64(1)
	add := func(factors ...int64) {
		product := big.NewInt(1)
		for _, f := range factors {
			product.Mul(product, big.NewInt(f))
		}
		sum.Add(sum, product)
	}
	switch {
	case c.Rate == nil:
		return 0, false
	case c.Kind == "box" && c.VCPU > 0:
		per = 1000 * 1024
		add(c.Rate.VCPU, int64(c.VCPU), c.BoxMS, 1024)
		add(c.Rate.GiB, int64(c.MemoryMB), c.BoxMS)
	case c.Kind != "box" && c.Input+c.Output > 0:
		per = 1_000_000
		for _, p := range c.tokens() {
			add(p.count, p.price)
		}
	default:
		return 0, false
	}
	// Rounded up to a whole millionth, once, after everything was added: rounded per line it would be more than was charged.
	up, rest := sum.DivMod(sum, big.NewInt(per*micro), new(big.Int))
	if rest.Sign() > 0 {
		up.Add(up, big.NewInt(1))
	}
	up.Mul(up, big.NewInt(micro))
	return up.Int64(), up.IsInt64()
}

// Sum is how an amount comes about, as somebody would write it down who checks it.
//
//	(3,214 × $2.00 + 402 × $6.00) / 1,000,000 = $0.00884
//	4.2 s × (2 CPUs × $0.000014 + 1 GB × $0.0000045) = $0.000137
func (c Charge) Sum() string {
	amount, ok := c.Reckoned()
	if !ok {
		return ""
	}
	if c.Kind == "box" {
		return fmt.Sprintf("%s × (%s × %s + %s GB × %s)", exactSeconds(c.BoxMS), several(c.VCPU, "CPU", "CPUs"), Dollars(c.Rate.VCPU), gigabytes(c.MemoryMB), Dollars(c.Rate.GiB)) + " = " + Dollars(amount)
	}
	var said []string
	for _, p := range c.tokens() {
		said = append(said, fmt.Sprintf("%s × %s", grouped(p.count), Dollars(p.price)))
	}
	return "(" + strings.Join(said, " + ") + ") / 1,000,000 = " + Dollars(amount)
}

// Per says what the row asks for a unit of what was used.
func (c Charge) Per() string {
	switch {
	case c.Rate == nil:
		return ""
	case c.Kind == "box":
		return fmt.Sprintf("%s a CPU and second, %s a GB of memory and second", Dollars(c.Rate.VCPU), Dollars(c.Rate.GiB))
	}
	said := Dollars(c.Rate.Input) + " a million tokens in"
	for _, p := range c.tokens() {
		if p.named != "in" && p.named != "out" {
			said += ", " + Dollars(p.price) + " a million " + p.named
		}
	}
	return said + ", " + Dollars(c.Rate.Output) + " a million out"
}

// Off says what the row makes of the quantities of a charge, where that is another amount and nothing tells why; else it is empty.
// It is said on the page and is no fault: price lists may have been mended since.
// Less than the row makes is explained where a budget bore only a part (cut); an estimate goes by no quantities
// at all.
func (r Receipt) Off(c Charge) string {
	amount, ok := c.Reckoned()
	if !ok || amount == c.Amount || r.Estimated || amount > c.Amount && r.cut() {
		return ""
	}
	return Dollars(amount)
}

// cut tells whether what its charges lack is what went beyond the hold. Of a charge without a row nobody can reckon what it lacks.
func (r Receipt) cut() bool {
	var lacks int64
	all := true
	for _, c := range r.Charges {
		amount, ok := c.Reckoned()
		if all = all && ok; ok {
			lacks += max(0, amount-c.Amount)
		}
	}
	return lacks == r.Over || !all && lacks < r.Over
}

// Bore says below the last charge how much of the cost the budget has borne, where that is not all.
func (r Receipt) Bore(charge int) string {
	if r.Over <= 0 || charge < len(r.Charges)-1 {
		return ""
	}
	return fmt.Sprintf("This step cost %s, of which the budget bore %s: no more was held for it.", Dollars(r.Amount+r.Over), Dollars(r.Amount))
}

// Usage says how a cost became known that no answer had told; empty where one had.
func (r Receipt) Usage() string {
	if r.UsageOf == "" {
		return ""
	}
	day := r.UsageOf
	if at, err := time.Parse(time.DateOnly, day); err == nil {
		day = at.Format("2 January 2006")
	}
	return "by the provider's usage of " + day + ", at the highest price of input"
}

// exactSeconds are seconds with all that was measured of them.
func exactSeconds(ms int64) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%d.%03d", ms/1000, ms%1000), "0"), ".") + " s"
}

// gigabytes are megabytes as people say them who pay for gigabytes.
func gigabytes(mb int) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.4f", float64(mb)/1024), "0"), ".")
}
