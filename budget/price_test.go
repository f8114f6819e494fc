package budget

import (
	"errors"
	"io"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const heading = "kind,name,from,until,above_tokens,input,cached_input,cache_write,output,checked,source\n"

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func day(text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return at
}

func read(t *testing.T, rows ...string) Prices {
	t.Helper()
	p, err := ReadPrices(strings.NewReader(heading + strings.Join(rows, "\n") + "\n"))
	require.NoError(t, err)
	return p
}

func TestAPriceThatNobodyHasLookedAtForLongIsNotReleased(t *testing.T) {
	t.Parallel()
	p := read(t,
		"model,fresh,2026-01-01,,,1,0.1,,2,2026-09-24,src",
		"model,old,2026-01-01,,,1,0.1,,2,2026-09-22,src",
		"model,old and over,2026-01-01,2026-10-01,,1,0.1,,2,2026-01-01,src",
		"box,b,2026-01-01,,,1,0,,2,2026-01-05,src")
	require.Equal(t, []string{`old, checked on 2026-09-22`, `b, checked on 2026-01-05`}, p.Unchecked(noon, 60*24*time.Hour))
	require.Empty(t, p.Unchecked(noon, 3650*24*time.Hour))
}

// TestRelease is `make release-check`: of the calendar, and so no part of the suite.
func TestRelease(t *testing.T) {
	t.Parallel()
	if os.Getenv("RELEASE_CHECK") == "" {
		require.NotEmpty(t, Shipped().Models) // that it can be read is all that does not depend on the day
		return
	}
	require.Empty(t, Shipped().Unchecked(time.Now(), MaxUnchecked), "look these up again, and write the day into budget/prices.csv")
}

func TestReadPricesReportsEveryFaultWithItsLine(t *testing.T) {
	t.Parallel()
	_, err := ReadPrices(strings.NewReader(heading +
		"# a comment counts as a line\n" +
		"model,good,2026-01-01,,,1,0.1,,2,2026-01-01,src\n" + // 3
		"model,,2026-01-01,,,1,0.1,,2,2026-01-01,src\n" + // 4
		"model,a,2026-13-01,,,1,0.1,,2,2026-01-01,src\n" + // 5
		"model,b,,,,1,0.1,,2,2026-01-01,src\n" + // 6
		"model,c,2026-01-01,soon,,1,0.1,,2,2026-01-01,src\n" + // 7
		"model,d,2026-01-01,,-5,1,0.1,,2,2026-01-01,src\n" + // 8
		"model,e,2026-01-01,,,\"1,5\",0.1,,2,2026-01-01,src\n" + // 9
		"model,f,2026-01-01,,,1,,,2,2026-01-01,src\n" + // 10
		"model,g,2026-01-01,,,1,0.1,,-2,2026-01-01,src\n" + // 11
		"model,h,2026-01-01,,,1,0.1,,2,,src\n" + // 12
		"model,i,2026-01-01,,,1,0.1,,2,2026-01-01,\n" + // 13
		"boat,j,2026-01-01,,,1,0.1,,2,2026-01-01,src\n" + // 14
		"box,k,2026-01-01,,,free,0,,2,2026-01-01,src\n" + // 15
		"model,l,2026-01-01\n" + // 16
		"model,m,2026-01-01,2026-01-01,,1,0.1,,2,2026-01-01,src\n" + // 17
		"model,n,2026-01-01,,,1,0.1,,x,2026-01-01,src\n" + // 18
		"model,o,2026-01-01,,,0,0.1,,0,2026-01-01,src\n" + // 19
		"box,p,2026-01-01,,,0,0,,0,2026-01-01,src\n" + // 20
		"box,q,2026-01-01,,,0,0,,0,2026-01-01,free: our own machine\n")) // 21
	require.Error(t, err)
	faults := strings.Split(err.Error(), "\n")
	for line, says := range map[string]string{
		"line 4: ": "name and source are required", "line 5: ": "month out of range", "line 6: ": "cannot parse",
		"line 7: ": "soon", "line 8: ": "0-5", "line 9: ": `"1,5"`, "line 10: ": `""`, "line 11: ": `"-2"`,
		"line 12: ": "cannot parse", "line 13: ": "name and source are required", "line 14: ": "neither model nor box",
		"line 15: ": `"free"`, "line 16: ": "wrong number of fields", "line 17: ": "never holds", "line 18: ": `"x"`,
		"line 19: ": "nothing is charged for o", "line 20: ": "nothing is charged for p",
	} {
		found := false
		for _, fault := range faults {
			found = found || strings.HasPrefix(fault, line) && strings.Contains(fault, says)
		}
		require.True(t, found, "%s%s\nin:\n%s", line, says, err)
	}
	require.Equal(t, 1, strings.Count(err.Error(), `"1,5"`), "each mistake is said once: %s", err)
	require.NotContains(t, err.Error(), "line 3:")
	require.NotContains(t, err.Error(), "line 21:")
}

func TestReadPricesWantsItsHeadingAndAReadableFile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "model,a,2026-01-01,,,1,0.1,,2,2026-01-01,src\n", "kind,name\n", "\"", strings.Replace(heading, "input", "inputs", 1)} {
		_, err := ReadPrices(strings.NewReader(text))
		require.ErrorContains(t, err, "a price file starts with the line", "%q", text)
	}
	broken := errors.New("disk on fire")
	_, err := ReadPrices(io.MultiReader(strings.NewReader(heading), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
}

func TestRowsHoldFromTheirFirstDayUntilTheDayAfterTheirLast(t *testing.T) {
	t.Parallel()
	p := read(t,
		"model,m,2026-01-01,2026-03-01,,1,0.1,,2,2026-01-01,old",
		"model,m,2026-03-01,,,3,0.3,,6,2026-03-01,new",
		"box,b,2026-01-01,2026-03-01,,0.01,0,,0.02,2026-01-01,old",
		"box,b,2026-03-01,,,0.03,0,,0.06,2026-03-01,new")
	for at, want := range map[time.Time]string{
		day("2026-01-01").Add(-1): "",
		day("2026-01-01"):         "old",
		day("2026-03-01").Add(-1): "old",
		day("2026-03-01"):         "new",
		day("2036-01-01"):         "new",
	} {
		m, errModel := p.Model("m", at, 5)
		b, errBox := p.Box("b", at)
		if want == "" {
			for _, err := range []error{errModel, errBox} {
				var unknown *UnknownPriceError
				require.ErrorAs(t, err, &unknown)
				require.ErrorContains(t, err, "on 2025-12-31")
			}
			continue
		}
		require.NoError(t, errors.Join(errModel, errBox))
		require.Equal(t, want, m.Source)
		require.Equal(t, want, b.Source)
	}
}

func TestOfTwoRowsThatHoldAtOnceTheLaterOneDoes(t *testing.T) {
	t.Parallel()
	for _, rows := range [][]string{
		{"model,m,2026-01-01,,,1,0.1,,2,2026-01-01,old", "model,m,2026-03-01,,,3,0.3,,6,2026-03-01,new",
			"box,b,2026-01-01,,,1,0,,1,2026-01-01,old", "box,b,2026-03-01,,,3,0,,3,2026-03-01,new"},
		{"model,m,2026-03-01,,,3,0.3,,6,2026-03-01,new", "model,m,2026-01-01,,,1,0.1,,2,2026-01-01,old",
			"box,b,2026-03-01,,,3,0,,3,2026-03-01,new", "box,b,2026-01-01,,,1,0,,1,2026-01-01,old"},
	} {
		p := read(t, rows...)
		m, err := p.Model("m", noon, 5)
		require.NoError(t, err)
		require.Equal(t, "new", m.Source)
		b, err := p.Box("b", noon)
		require.NoError(t, err)
		require.Equal(t, "new", b.Source)
	}
}

func TestWhatHasNoPriceIsRefused(t *testing.T) {
	t.Parallel()
	p := read(t, "model,m,2026-01-01,,,1,0.1,,2,2026-01-01,src", "box,b,2026-01-01,,,1,0,,1,2026-01-01,src",
		"model,big-only,2026-01-01,,100,1,0.1,,2,2026-01-01,src")
	var unknown *UnknownPriceError
	_, err := p.TokenCharge(Usage{Model: "other", Input: 1}, noon)
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, "other", unknown.What)
	require.EqualError(t, err, `no price for "other" on 2026-11-22`)
	_, err = p.TokenCharge(Usage{Input: 1}, noon)
	require.ErrorAs(t, err, &unknown)
	_, err = p.WorstTokens("other", 1, 1, noon)
	require.ErrorAs(t, err, &unknown)
	_, err = p.WorstTokens("m", 1, 1, day("2025-01-01"))
	require.ErrorAs(t, err, &unknown)
	_, err = p.BoxCharge(BoxSize{Kind: "other", VCPU: 1}, time.Second, noon)
	require.ErrorAs(t, err, &unknown)
	_, err = p.Model("big-only", noon, 100) // a tier without a base
	require.ErrorAs(t, err, &unknown)
	_, err = p.Model("b", noon, 1) // a box is no model
	require.ErrorAs(t, err, &unknown)
}

func TestTokenChargeCountsCachedTokensAtTheirPrice(t *testing.T) {
	t.Parallel()
	p := read(t, "model,m,2026-01-01,,,0.30,0.03,,0.90,2026-01-01,src")
	for _, tt := range []struct {
		usage Usage
		want  string
	}{
		{Usage{}, "$0.00"},
		{Usage{Input: 1_000_000}, "$0.30"},
		{Usage{Output: 1_000_000}, "$0.90"},
		{Usage{Input: 1_000_000, Cached: 1_000_000}, "$0.03"},
		{Usage{Input: 1_000_000, Cached: 400_000, Output: 100_000}, "$0.282"},
		{Usage{Input: 1_000_000, Cached: 5_000_000}, "$0.03"}, // never more cached than there was
		{Usage{Input: 1_000_000, Cached: -7}, "$0.30"},
		{Usage{Input: 1}, "$0.000001"}, // 300 billionths, rounded up to a micro-dollar
		{Usage{Input: 10, Output: 0}, "$0.000003"},
		{Usage{Input: 10, Output: 1}, "$0.000004"}, // 3,900 billionths, rounded once and not per part
	} {
		tt.usage.Model = "m"
		c, err := p.TokenCharge(tt.usage, noon)
		require.NoError(t, err)
		require.Equal(t, tt.want, c.Amount.String(), "%+v", tt.usage)
		require.Equal(t, Tokens, c.Kind)
		require.Equal(t, "m", c.What)
		require.Equal(t, tt.usage, c.Usage)
	}
}

func TestTheTierOfThePromptApplies(t *testing.T) {
	t.Parallel()
	p := read(t,
		"model,m,2026-01-01,,200000,2,0.2,,4,2026-01-01,long",
		"model,m,2026-01-01,,,1,0.1,,2,2026-01-01,short",
		"model,m,2026-01-01,,500000,3,0.3,,6,2026-01-01,longest")
	for prompt, want := range map[int]string{0: "short", 1: "short", 200_000: "short", 200_001: "long", 500_000: "long", 500_001: "longest"} {
		row, err := p.Model("m", noon, prompt)
		require.NoError(t, err)
		require.Equal(t, want, row.Source, prompt)
	}
}

func TestUsageThatCannotBeIsNoGift(t *testing.T) {
	t.Parallel()
	p := read(t, "model,m,2026-01-01,,,75,7.5,,150,2026-01-01,src", "box,b,2026-01-01,,,0.5,0,,1,2026-01-01,src")
	for _, u := range []Usage{
		{Input: -1}, {Output: -1}, {Input: math.MaxInt, Output: math.MaxInt}, {Input: math.MaxInt}, {Output: 1 << 60},
	} {
		u.Model = "m"
		c, err := p.TokenCharge(u, noon)
		require.ErrorIs(t, err, ErrAmount, "%+v", u)
		require.Zero(t, c)
	}
	_, err := p.WorstTokens("m", math.MaxInt, math.MaxInt, noon)
	require.ErrorIs(t, err, ErrAmount)
	_, err = p.BoxCharge(BoxSize{Kind: "b", VCPU: -1}, time.Second, noon)
	require.ErrorIs(t, err, ErrAmount)
	_, err = p.BoxCharge(BoxSize{Kind: "b", VCPU: math.MaxInt}, math.MaxInt64, noon)
	require.ErrorIs(t, err, ErrAmount)
	c, err := p.BoxCharge(BoxSize{Kind: "b", VCPU: 1}, math.MaxInt64, noon)
	require.NoError(t, err)
	require.Equal(t, int64(9_223_372_036_855), c.BoxMS)
}

func TestBoxChargeCountsEveryStartedMillisecond(t *testing.T) {
	t.Parallel()
	p := read(t, "box,b,2026-01-01,,,0.000014,0,,0.0000045,2026-01-01,src")
	size := BoxSize{Kind: "b", VCPU: 2, MemoryMB: 512}
	// 2 x 14,000 + 0.5 x 4,500 = 30,250 billionths per second.
	for d, want := range map[time.Duration]struct {
		ms     int64
		amount string
	}{
		-time.Second:                        {0, "$0.00"},
		0:                                   {0, "$0.00"},
		1:                                   {1, "$0.000001"},
		time.Millisecond:                    {1, "$0.000001"},
		time.Millisecond + 1:                {2, "$0.000001"},
		time.Second:                         {1000, "$0.000031"},
		4 * time.Second:                     {4000, "$0.000121"},
		4*time.Second + time.Microsecond:    {4001, "$0.000122"},
		100 * time.Second:                   {100_000, "$0.003025"},
		time.Hour:                           {3_600_000, "$0.1089"},
		time.Hour + 500*time.Microsecond/10: {3_600_001, "$0.108901"},
	} {
		c, err := p.BoxCharge(size, d, noon)
		require.NoError(t, err)
		require.Equal(t, Charge{Kind: Box, What: "b", BoxMS: want.ms, VCPU: size.VCPU, MemoryMB: size.MemoryMB, Amount: c.Amount}, c)
		require.Equal(t, want.amount, c.Amount.String(), d)
	}
}

func TestChargesAreExactRoundedUpOnceAndAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		price := func(name string) USD { return USD(rapid.Int64Range(0, int64(100*Dollar)).Draw(t, name)) }
		tokens := rapid.IntRange(0, 5_000_000)
		p := Prices{
			Models: []ModelPrice{{Model: "m", Input: price("input"), Cached: price("cached"), Output: price("output")}},
			Boxes:  []BoxPrice{{Kind: "b", VCPU: price("vcpu"), GiB: price("gib")}},
		}
		u := Usage{Model: "m", Input: tokens.Draw(t, "in"), Output: tokens.Draw(t, "out")}
		u.Cached = rapid.IntRange(0, u.Input).Draw(t, "hit")
		row := p.Models[0]
		exact := new(big.Rat)
		for _, part := range []struct {
			n     int
			price USD
		}{{u.Input - u.Cached, row.Input}, {u.Cached, row.Cached}, {u.Output, row.Output}} {
			exact.Add(exact, new(big.Rat).Mul(big.NewRat(int64(part.n), 1_000_000), big.NewRat(int64(part.price), 1)))
		}
		call, err := p.TokenCharge(u, noon)
		require.NoError(t, err)
		requireRoundedUpOnce(t, exact, call.Amount)

		size := BoxSize{Kind: "b", VCPU: rapid.IntRange(1, 64).Draw(t, "cpus"), MemoryMB: rapid.IntRange(1, 65536).Draw(t, "mb")}
		d := time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "time"))
		box, err := p.BoxCharge(size, d, noon)
		require.NoError(t, err)
		require.Equal(t, int64(math.Ceil(d.Seconds()*1000-1e-7)), box.BoxMS)
		perSecond := new(big.Rat).Add(big.NewRat(int64(p.Boxes[0].VCPU)*int64(size.VCPU), 1),
			new(big.Rat).Mul(big.NewRat(int64(p.Boxes[0].GiB), 1024), big.NewRat(int64(size.MemoryMB), 1)))
		requireRoundedUpOnce(t, perSecond.Mul(perSecond, big.NewRat(box.BoxMS, 1000)), box.Amount)

		require.Equal(t, call.Amount+box.Amount, Total([]Charge{call, box}))
		require.Zero(t, Total(nil))
	})
}

func requireRoundedUpOnce(t *rapid.T, exact *big.Rat, got USD) {
	require.Zero(t, got%MicroDollar, "%s is no whole number of micro-dollars", got)
	over := new(big.Rat).Sub(big.NewRat(int64(got), 1), exact)
	require.GreaterOrEqual(t, over.Sign(), 0, "%s is less than %s", got, exact)
	require.Negative(t, over.Cmp(big.NewRat(int64(MicroDollar), 1)), "%s is rounded more than once from %s", got, exact)
}

func TestWorstTokensIsNeverBelowACallThatFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var p Prices
		for _, above := range append([]int{0}, rapid.SliceOfN(rapid.IntRange(1, 400_000), 0, 4).Draw(t, "tiers")...) {
			price := func(name string) USD { return USD(rapid.Int64Range(0, int64(80*Dollar)).Draw(t, name)) }
			p.Models = append(p.Models, ModelPrice{Model: "m", Above: above, Input: price("input"), Cached: price("cached"), Write: price("write"),
				Output: price("output"), From: noon.AddDate(0, 0, -rapid.IntRange(0, 3).Draw(t, "age"))})
		}
		bytes, most := rapid.IntRange(0, 500_000).Draw(t, "bytes"), rapid.IntRange(0, 50_000).Draw(t, "most")
		worst, err := p.WorstTokens("m", bytes, most, noon)
		require.NoError(t, err)
		u := Usage{Model: "m", Input: rapid.IntRange(0, bytes).Draw(t, "in"), Output: rapid.IntRange(0, most).Draw(t, "out")}
		u.Cached = rapid.IntRange(0, u.Input).Draw(t, "hit")
		u.Written = rapid.IntRange(0, u.Input).Draw(t, "written")
		c, err := p.TokenCharge(u, noon)
		require.NoError(t, err)
		require.LessOrEqual(t, c.Amount, worst)
	})
}

func TestAHoldWithoutAnOutcomeIsSpentInFull(t *testing.T) {
	t.Parallel()
	draft := Hold{ID: "h1", Purpose: ForDraft, Amount: 7 * Cent}
	require.Equal(t, Settlement{HoldID: "h1", At: noon, Estimated: true,
		Charges: []Charge{{Kind: Tokens, What: "m", Amount: 7 * Cent}}}, draft.InFull(noon, "m"))
	inspection := Hold{ID: "h3", Purpose: ForInspect, Amount: 8 * Cent}
	require.Equal(t, Box, inspection.InFull(noon, "local").Charges[0].Kind)
	run := Hold{ID: "h2", Purpose: ForRun, Amount: 9 * Cent}
	require.Equal(t, Settlement{HoldID: "h2", At: noon, Estimated: true,
		Charges: []Charge{{Kind: Box, What: "local", Amount: 9 * Cent}}}, run.InFull(noon, "local"))
}

// FuzzReadPrices: whatever a price file holds, reading it ends, and what it
// accepts can be priced without a surprise.
func FuzzReadPrices(f *testing.F) {
	f.Add(heading + "model,m,2026-01-01,,,1,0.1,,2,2026-01-01,src\n")
	f.Add(heading + "box,b,2026-01-01,2026-02-01,,1,0,,2,2026-01-01,src\n\"")
	f.Add(shipped)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ReadPrices(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, row := range p.Models {
			require.NotEmpty(t, row.Model)
			require.NotEmpty(t, row.Source)
			require.GreaterOrEqual(t, min(row.Input, row.Cached, row.Output), USD(0))
			require.False(t, row.From.IsZero() && row.From.Year() != 1)
			_, err := p.Model(row.Model, row.From, row.Above+1)
			require.NoError(t, err)
		}
	})
}
