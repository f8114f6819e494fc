package budget

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// USD is an exact amount of money in billionths of a dollar. A token at $0.30
// per million is 300 of them, so prices stay whole numbers; the largest amount
// is nine billion dollars.
type USD int64

// The units.
const (
	Dollar      USD = 1_000_000_000
	Cent        USD = Dollar / 100
	MicroDollar USD = Dollar / 1_000_000
)

// ErrAmount says that a text is not an amount of money.
var ErrAmount = errors.New("not an amount of dollars")

// ParseUSD reads what a person types: "25", "$25", "25.50", "$1,000", "0.0033".
// It never rounds. More than nine decimals, a sign, an exponent and anything ambiguous
// ("1,5") are errors.
func ParseUSD(text string) (USD, error) {
	bad := fmt.Errorf("%q: %w", text, ErrAmount)
	s := strings.TrimSpace(text)
	s = strings.TrimSpace(strings.TrimPrefix(s, "$"))
	whole, frac, dotted := strings.Cut(s, ".")
	if dotted && frac == "" || len(frac) > 9 || strings.ContainsFunc(frac, notDigit) {
		return 0, bad
	}
	if groups := strings.Split(whole, ","); len(groups) > 1 {
		for i, g := range groups {
			// Nobody groups a number that begins with nought: "0,500" is half of something to many people.
			if i == 0 && (len(g) == 0 || len(g) > 3 || g[0] == '0') || i > 0 && len(g) != 3 {
				return 0, bad
			}
		}
		whole = strings.Join(groups, "")
	}
	if whole == "" || strings.ContainsFunc(whole, notDigit) {
		return 0, bad
	}
	units, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || units > int64(math.MaxInt64/Dollar)-1 {
		return 0, bad
	}
	billionths, err := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
	if err != nil {
		return 0, bad
	}
	return USD(units)*Dollar + USD(billionths), nil
}

func notDigit(r rune) bool { return r < '0' || r > '9' }

// String prints the exact amount with at least the cents: "$25.00", "$0.0033".
// ParseUSD reads every amount from zero to nine billion dollars back to the same value.
func (u USD) String() string {
	sign := ""
	if u < 0 {
		sign = "-"
	}
	// Working on the magnitude as uint64 keeps the smallest int64 right.
	n := uint64(u)
	if u < 0 {
		n = -n
	}
	frac := fmt.Sprintf("%09d", n%uint64(Dollar))
	frac = frac[:2] + strings.TrimRight(frac[2:], "0")
	return fmt.Sprintf("%s$%d.%s", sign, n/uint64(Dollar), frac)
}

// Approx prints an amount for people who compare rather than add up. It rounds up: to the
// cent from a dollar on, to a hundredth of a cent below.
func (u USD) Approx() string { return u.roundUp(u.step()).String() }

// ApproxLeft prints what is left of a budget like Approx, but rounds down, so that nobody
// is promised more than there is.
func (u USD) ApproxLeft() string { return (-(-u).roundUp(u.step())).String() }

// step is how exactly an amount of this size is worth telling.
func (u USD) step() USD {
	if u >= Dollar || u <= -Dollar {
		return Cent
	}
	return Cent / 100
}

// roundUp is the next multiple of step that is not below u.
func (u USD) roundUp(step USD) USD {
	if rest := u % step; rest > 0 {
		return u - rest + step
	} else if rest < 0 {
		return u - rest
	}
	return u
}
