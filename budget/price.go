package budget

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// ModelPrice is one dated row: what a million tokens cost while it holds.
type ModelPrice struct {
	Model   string
	From    time.Time // first day
	Until   time.Time // first day after; zero while it holds
	Above   int       // the row's tier: it applies to prompts of more than so many tokens
	Input   USD       // per million tokens
	Cached  USD       // per million tokens that the provider had in its cache
	Write   USD       // per million tokens that the provider put into its cache
	Output  USD       // per million tokens
	Source  string
	Checked time.Time
}

// A provider's price for a prompt above a tier is that of the whole prompt, and not of what is above (GPT: above 272,000
// tokens twice the input and 1.5 times the output). So of the rows that hold, one counts.
// BoxPrice is one dated row: what an allocated box costs per second.
type BoxPrice struct {
	Kind    string
	From    time.Time
	Until   time.Time
	VCPU    USD // per vCPU and second
	GiB     USD // per GiB of memory and second
	Source  string
	Checked time.Time
}

// Prices is the whole table, as shipped or as a file gives it.
type Prices struct {
	Models []ModelPrice
	Boxes  []BoxPrice
}

// UnknownPriceError refuses work that has no known price.
type UnknownPriceError struct {
	What string
	At   time.Time
}

func (e *UnknownPriceError) Error() string {
	return fmt.Sprintf("no price for %q on %s", e.What, e.At.Format(time.DateOnly))
}

//go:embed prices.csv
var shipped string

// Shipped returns the prices that come with the binary.
func Shipped() Prices {
	p, err := ReadPrices(strings.NewReader(shipped))
	if err != nil {
		panic("prices.csv: " + err.Error()) // a test reads it; a build that ships it broken never passes
	}
	return p
}

// The columns of a price file, in order. Amounts are dollars: per million
// tokens for a model; per vCPU-second (input) and per GiB-second (output) for a box.
var priceColumns = []string{"kind", "name", "from", "until", "above_tokens", "input", "cached_input", "cache_write", "output", "checked", "source"}

// ReadPrices reads a price file: CSV with the heading of prices.csv. It reports every
// mistake with its line.
func ReadPrices(r io.Reader) (Prices, error) {
	var p Prices
	rows := csv.NewReader(r)
	// Lines that say where a price is from, and why one is left out.
	rows.Comment = '#'
	head, err := rows.Read()
	if err != nil || strings.Join(head, ",") != strings.Join(priceColumns, ",") {
		return p, fmt.Errorf("a price file starts with the line %q", strings.Join(priceColumns, ","))
	}
	var faults []error
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		// A line with too few columns is one fault among others, and the next line is read.
		if malformed, ok := errors.AsType[*csv.ParseError](err); ok {
			faults = append(faults, fmt.Errorf("line %d: %w", malformed.Line, malformed.Err))
			continue
		}
		if err != nil {
			return p, fmt.Errorf("read prices: %w", err)
		}
		if err := p.add(row); err != nil {
			line, _ := rows.FieldPos(0)
			faults = append(faults, fmt.Errorf("line %d: %w", line, err))
		}
	}
	return p, errors.Join(faults...)
}

// freeSource begins the source of a row that charges nothing. Without it a
// forgotten price would take whatever it is for out of every budget.
const freeSource = "free: "

// add takes one row, and collects everything that is wrong with it: whoever edits a price file
// should not have to try again for each mistake.
func (p *Prices) add(row []string) error {
	var faults []error
	fault := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	date := func(s string, may bool) (t time.Time) {
		if s == "" && may {
			return t
		}
		t, err := time.Parse(time.DateOnly, s)
		fault(err)
		return t
	}
	usd := func(s string) USD { u, err := ParseUSD(s); fault(err); return u }
	name, from, until, checked, source := row[1], date(row[2], false), date(row[3], true), date(row[9], false), row[10]
	if name == "" || source == "" {
		fault(errors.New("name and source are required"))
	}
	if !until.IsZero() && !from.Before(until) {
		fault(fmt.Errorf("a price from %s until %s never holds", row[2], row[3]))
	}
	// Read once, also where both kinds of row need them: a mistake is said once.
	in, out := usd(row[5]), usd(row[8])
	// Only where all could be read: an amount that is wrong reads as nothing.
	if len(faults) == 0 && in == 0 && out == 0 && !strings.HasPrefix(source, freeSource) {
		fault(fmt.Errorf("nothing is charged for %s: if that is meant, begin the row's source with %q", name, freeSource))
	}
	switch row[0] {
	case "model":
		// With a nought before it an empty field is 0, and a sign is an error.
		above, err := strconv.Atoi("0" + row[4])
		fault(err)
		// An empty field is no price of nothing: where a provider charges more for what it puts into its cache, the file says so.
		write := in // written at the price of other input
		if row[7] != "" {
			write = usd(row[7])
		}
		p.Models = append(p.Models, ModelPrice{Model: name, From: from, Until: until, Above: above, Input: in,
			Cached: usd(row[6]), Write: write, Output: out, Source: source, Checked: checked})
	case "box":
		p.Boxes = append(p.Boxes, BoxPrice{Kind: name, From: from, Until: until, VCPU: in, GiB: out,
			Source: source, Checked: checked})
	default:
		fault(fmt.Errorf("kind %q is neither model nor box", row[0]))
	}
	return errors.Join(faults...)
}

// MaxUnchecked is how old the last check of a price may be in a release.
const MaxUnchecked = 60 * 24 * time.Hour

// Unchecked lists the current and future rows whose last check is older than longest.
// Providers change prices without telling us.
func (p Prices) Unchecked(at time.Time, longest time.Duration) (list []string) {
	row := func(name string, until, checked time.Time) {
		// What has ended is kept for old bills, and changes no more.
		if (until.IsZero() || at.Before(until)) && at.Sub(checked) > longest {
			list = append(list, fmt.Sprintf("%s, checked on %s", name, checked.Format(time.DateOnly)))
		}
	}
	for _, m := range p.Models {
		row(m.Model, m.Until, m.Checked)
	}
	for _, b := range p.Boxes {
		row(b.Kind, b.Until, b.Checked)
	}
	return list
}

// holds tells whether a row with these first and last days is in force at a moment.
// Days begin at midnight in UTC, wherever the team's calendar is: that is when a provider's price changes.
func holds(from, until, at time.Time) bool {
	return !at.Before(from) && (until.IsZero() || at.Before(until))
}

// Model returns the row for a prompt of so many tokens. Of the tiers that the prompt has
// reached, the highest counts. Of two rows of one tier, the one that began later counts: so
// a new price takes effect although nobody has ended the old one.
func (p Prices) Model(model string, at time.Time, prompt int) (ModelPrice, error) {
	var best *ModelPrice
	for i, row := range p.Models {
		// By the name as it stands: a name that moves (an alias) is in no row, and so is refused.
		if row.Model != model || !holds(row.From, row.Until, at) || row.Above > 0 && prompt <= row.Above {
			continue
		}
		if best == nil || row.Above > best.Above || row.Above == best.Above && row.From.After(best.From) {
			best = &p.Models[i]
		}
	}
	if best == nil {
		return ModelPrice{}, &UnknownPriceError{What: model, At: at}
	}
	return *best, nil
}

// Box returns the row of a kind of sandbox. Where two rows are valid, the one that began
// later counts.
func (p Prices) Box(kind string, at time.Time) (BoxPrice, error) {
	var best *BoxPrice
	for i, row := range p.Boxes {
		if row.Kind == kind && holds(row.From, row.Until, at) && (best == nil || row.From.After(best.From)) {
			best = &p.Boxes[i]
		}
	}
	if best == nil {
		return BoxPrice{}, &UnknownPriceError{What: kind, At: at}
	}
	return *best, nil
}

// TokenCharge prices a model call at the price of the model that answered.
func (p Prices) TokenCharge(u Usage, at time.Time) (Charge, error) {
	row, err := p.Model(u.Model, at, u.Input)
	if err != nil {
		return Charge{}, err
	}
	// A provider's counts may contradict each other. Whatever it says, each token of the prompt is
	// priced once: as cached, as written to the cache, or as plain input.
	cached := min(max(u.Cached, 0), u.Input)
	written := min(max(u.Written, 0), u.Input-cached)
	amount, err := priced(1_000_000, product{int64(u.Input - cached - written), int64(row.Input)}, product{int64(cached), int64(row.Cached)},
		product{int64(written), int64(row.Write)}, product{int64(u.Output), int64(row.Output)})
	if err != nil {
		return Charge{}, fmt.Errorf("price %d and %d tokens of %s: %w", u.Input, u.Output, u.Model, err)
	}
	return Charge{Kind: Tokens, What: u.Model, Usage: u, Amount: amount}, nil
}

// BoxCharge prices the time for which a box was allocated, to the millisecond.
func (p Prices) BoxCharge(size BoxSize, d time.Duration, at time.Time) (Charge, error) {
	row, err := p.Box(size.Kind, at)
	if err != nil {
		return Charge{}, err
	}
	// A part of a millisecond counts as a whole one. Milliseconds are what the ledger keeps.
	ms := max(0, d.Milliseconds())
	if d > time.Duration(ms)*time.Millisecond {
		ms++
	}
	// Both parts over one divisor: milliseconds in a second times megabytes in a GiB.
	amount, err := priced(1000*1024, product{int64(row.VCPU), int64(size.VCPU), ms, 1024},
		product{int64(row.GiB), int64(size.MemoryMB), ms})
	if err != nil {
		return Charge{}, fmt.Errorf("price %s of a box with %d CPUs and %d MB: %w", d, size.VCPU, size.MemoryMB, err)
	}
	return Charge{Kind: Box, What: size.Kind, BoxMS: ms, VCPU: size.VCPU, MemoryMB: size.MemoryMB, Amount: amount}, nil
}

// WorstTokens is the most that a call can cost: it counts every byte of the prompt as a
// token at the highest price of input, the full answer, and the most expensive of the
// tiers that such a prompt can reach.
func (p Prices) WorstTokens(model string, promptBytes, maxTokens int, at time.Time) (USD, error) {
	var worst USD
	// Any row in force makes the model known, also one for longer prompts: without a row there is no price, and never zero.
	known := false
	for _, row := range p.Models {
		if row.Model == model && holds(row.From, row.Until, at) && (row.Above == 0 || promptBytes > row.Above) {
			known = true
			amount, err := priced(1_000_000, product{int64(promptBytes), int64(max(row.Input, row.Cached, row.Write))},
				product{int64(maxTokens), int64(row.Output)})
			if err != nil {
				return 0, fmt.Errorf("price a prompt of %d bytes for %s: %w", promptBytes, model, err)
			}
			worst = max(worst, amount)
		}
	}
	if !known {
		return 0, &UnknownPriceError{What: model, At: at}
	}
	return worst, nil
}

// product is a quantity times a price, in as many factors as it takes.
type product []int64

// priced adds products up, divides by per, and rounds up once, to a micro-dollar.
// A negative quantity, or an amount that no USD can hold, is an error: usage is
// what a provider reports, and must not wrap around into a gift.
func priced(per int64, parts ...product) (USD, error) {
	// Billionths of a dollar times tokens pass int64 at nine billion tokens for a dollar a million: far away, but what wrapped
	// around would be a gift.
	sum := new(big.Int)
	for _, factors := range parts {
		part := big.NewInt(1)
		for _, f := range factors {
			if f < 0 {
				return 0, fmt.Errorf("%d: %w", f, ErrAmount)
			}
			part.Mul(part, big.NewInt(f))
		}
		sum.Add(sum, part)
	}
	step := new(big.Int).Mul(big.NewInt(per), big.NewInt(int64(MicroDollar)))
	up, rest := sum.DivMod(sum, step, new(big.Int))
	if rest.Sign() > 0 {
		up.Add(up, big.NewInt(1))
	}
	if up.Mul(up, big.NewInt(int64(MicroDollar))); !up.IsInt64() {
		return 0, fmt.Errorf("%s billionths: %w", up, ErrAmount)
	}
	return USD(up.Int64()), nil
}
