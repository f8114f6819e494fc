package budget

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseUSDReadsWhatPeopleType(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]USD{
		"25":             25 * Dollar,
		"$25":            25 * Dollar,
		"$ 25":           25 * Dollar,
		"  $25.50 ":      25*Dollar + 50*Cent,
		"25.5":           25*Dollar + 50*Cent,
		"0":              0,
		"0.00":           0,
		"00025":          25 * Dollar,
		"0.0033":         3300 * MicroDollar,
		"0.000000001":    1,
		"$1,000":         1000 * Dollar,
		"1,000,000.01":   1_000_000*Dollar + Cent,
		"999,999":        999_999 * Dollar,
		"1.000":          Dollar, // three decimals, read as decimals: the point never groups
		"9223372035.999": 9223372035*Dollar + 999*Dollar/1000,
	} {
		got, err := ParseUSD(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestParseUSDRefusesWhatLeavesADoubt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "$", "$$5", "5$", "-5", "+5", "$-5", "-$5", "1e3", "0x10", "5.", ".5", ".", "5.5.5", "1_000",
		"1,5", "1,50", "1,0000", ",500", "1,", "1,,000", "1000,000", "0,500", "000,001", "1.000,00", "1,000.5,0",
		"1.0000000001", "0.0000000000", // never rounded, not even when the rest is nought
		"9223372036", "9223372036.854775807", "99999999999999999999", "9223372036854775808",
		"five", "5 dollars", "5 5", "$5\x00", "５", "٥", "5.٥", "1\u00a0000", "€5", "NaN", "Inf",
	} {
		got, err := ParseUSD(text)
		require.ErrorIs(t, err, ErrAmount, "%q", text)
		require.Zero(t, got, "%q", text)
		require.ErrorContains(t, err, "not an amount of dollars")
	}
}

func TestUSDPrintsTheExactAmount(t *testing.T) {
	t.Parallel()
	for u, want := range map[USD]string{
		0:                        "$0.00",
		1:                        "$0.000000001",
		Cent:                     "$0.01",
		10 * Cent:                "$0.10",
		3300 * MicroDollar:       "$0.0033",
		25 * Dollar:              "$25.00",
		25*Dollar + 50*Cent:      "$25.50",
		1000*Dollar + 1:          "$1000.000000001",
		-Dollar:                  "-$1.00",
		-1:                       "-$0.000000001",
		USD(math.MaxInt64):       "$9223372036.854775807",
		USD(math.MinInt64):       "-$9223372036.854775808",
		Dollar + 100*MicroDollar: "$1.0001",
	} {
		require.Equal(t, want, u.String())
	}
}

func TestApproxRoundsUp(t *testing.T) {
	t.Parallel()
	for u, want := range map[USD]string{
		0:                        "$0.00",
		1:                        "$0.0001",
		100 * MicroDollar:        "$0.0001",
		100*MicroDollar + 1:      "$0.0002",
		99*Cent + 9_999_999:      "$1.00",
		Dollar:                   "$1.00",
		Dollar + 1:               "$1.01",
		12*Dollar + 34*Cent:      "$12.34",
		12*Dollar + 34*Cent + 1:  "$12.35",
		-(100*MicroDollar + 1):   "-$0.0001", // up is towards more
		-(Dollar + Cent/2):       "-$1.00",
		-(2 * Cent / 100) + Cent: "$0.0098",
	} {
		require.Equal(t, want, u.Approx(), "%s", u)
	}
}

func TestEveryAmountComesBackAsItWasPrinted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		u := USD(rapid.Int64Range(0, int64(9_223_372_036*Dollar)-1).Draw(t, "amount"))
		back, err := ParseUSD(u.String())
		require.NoError(t, err)
		require.Equal(t, u, back)

		about, err := ParseUSD(u.Approx())
		if u < 9_223_372_035*Dollar {
			require.NoError(t, err)
			require.GreaterOrEqual(t, about, u)
			require.Less(t, about-u, Cent)
		}
		if u > 0 {
			require.Equal(t, "-"+u.String(), (-u).String())
		}
	})
}

// FuzzParseUSD holds the parser against exact rationals: whatever it takes has
// the value that its digits say, and nothing else.
func FuzzParseUSD(f *testing.F) {
	for _, seed := range []string{"25", "$1,000.50", "0.0033", "1,5", "-1", "1e9", "9223372036.9", "0,500", "٣", "$ 7"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseUSD(text)
		if err != nil {
			require.ErrorIs(t, err, ErrAmount)
			return
		}
		require.GreaterOrEqual(t, u, USD(0))
		digits := ""
		for _, r := range text {
			if r >= '0' && r <= '9' || r == '.' {
				digits += string(r)
			}
		}
		said, ok := new(big.Rat).SetString(digits)
		require.True(t, ok, "%q", text)
		require.Zero(t, said.Cmp(big.NewRat(int64(u), int64(Dollar))), "%q became %s", text, u)
		back, err := ParseUSD(u.String())
		require.NoError(t, err)
		require.Equal(t, u, back)
	})
}

func TestWhatIsLeftIsNeverRoundedUp(t *testing.T) {
	t.Parallel()
	for amount, want := range map[USD]string{
		0: "$0.00", Dollar: "$1.00", 10*Dollar - 1: "$9.99", 10 * Dollar: "$10.00", 3_399_999: "$0.0033", 999_999_999: "$0.9999",
	} {
		require.Equal(t, want, amount.ApproxLeft())
	}
	require.Equal(t, "$0.0034", USD(3_399_999).Approx())
}
