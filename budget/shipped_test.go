package budget

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestShippedPricesAreCompleteAndNameNoMovingTarget(t *testing.T) {
	t.Parallel()
	p := Shipped()
	require.NotEmpty(t, p.Models)
	for _, row := range p.Models {
		require.NotEmpty(t, row.Source, row.Model)
		require.False(t, row.Checked.IsZero(), row.Model)
		require.False(t, row.From.IsZero(), row.Model)
		require.Positive(t, row.Input, row.Model)
		require.Positive(t, row.Cached, row.Model)
		require.Positive(t, row.Output, row.Model)
		require.NotContains(t, row.Model, "latest")
		_, err := p.Model(row.Model, row.From, 0)
		require.NoError(t, err, row.Model)
	}
	for _, kind := range []string{"e2b", "local"} {
		row, err := p.Box(kind, noon)
		require.NoError(t, err)
		require.NotEmpty(t, row.Source)
		require.False(t, row.Checked.IsZero())
		require.Positive(t, row.VCPU)
		require.Positive(t, row.GiB)
	}
	for _, alias := range []string{"mistral-large-latest", "mistral-medium-latest", "mistral-medium-3", "codestral-latest", "claude-opus-latest", "gpt-5", "latest", ""} {
		_, err := p.Model(alias, noon, 10)
		var unknown *UnknownPriceError
		require.ErrorAs(t, err, &unknown, alias)
	}
}

// The prices as they were looked up, once more by hand, in millionths of a dollar
// per thousand tokens and in billionths per second: a slip in the table, such as two
// columns that were swapped, is seen here and on no bill.
func TestShippedPricesAreThoseThatWereLookedUp(t *testing.T) {
	t.Parallel()
	p := Shipped()
	for model, want := range map[string][4]USD{ // input, cached input, cache write, output
		"mistral-large-2512":        {500, 50, 500, 1500},
		"mistral-medium-3-5":        {1500, 150, 1500, 7500},
		"mistral-medium-2604":       {1500, 150, 1500, 7500},
		"mistral-small-2603":        {150, 15, 150, 600},
		"codestral-2508":            {300, 30, 300, 900},
		"claude-opus-5-5":           {4000, 200, 5000, 20_000},
		"claude-sonnet-5-5":         {2000, 200, 2500, 10_000},
		"claude-haiku-5-5":          {100, 10, 125, 500},
		"claude-haiku-4-5-20251001": {1000, 100, 1250, 5000},
		"gpt-6.1-terra":             {1000, 50, 1250, 5000},
		"gpt-6.1-sol":               {2000, 100, 2500, 10_000},
		"gpt-6-luna":                {100, 10, 125, 500},
		"gpt-5.4":                   {2500, 250, 2500, 15_000},
		"gpt-5.4-mini":              {750, 75, 750, 4500},
	} {
		row, err := p.Model(model, noon, 1000)
		require.NoError(t, err, model)
		require.Equal(t, want, [4]USD{row.Input / (1000 * MicroDollar), row.Cached / (1000 * MicroDollar), row.Write / (1000 * MicroDollar), row.Output / (1000 * MicroDollar)}, model)
		bill, err := p.TokenCharge(Usage{Model: model, Input: 3000, Cached: 1000, Written: 1000, Output: 1000}, noon)
		require.NoError(t, err, model)
		require.Equal(t, (want[0]+want[1]+want[2]+want[3])*MicroDollar, bill.Amount, model)
	}
	for model, c := range map[string]struct {
		above int
		want  [4]USD
	}{"claude-haiku-5-5": {100_000, [4]USD{500, 50, 625, 2500}}, "gpt-6.1-terra": {272_000, [4]USD{2000, 100, 2500, 7500}}, "gpt-5.4": {272_000, [4]USD{5000, 500, 5000, 22_500}}} {
		row, err := p.Model(model, noon, c.above+1)
		require.NoError(t, err, model)
		require.Equal(t, c.want, [4]USD{row.Input / (1000 * MicroDollar), row.Cached / (1000 * MicroDollar), row.Write / (1000 * MicroDollar), row.Output / (1000 * MicroDollar)}, model)
		below, err := p.Model(model, noon, c.above)
		require.NoError(t, err, model)
		require.Less(t, below.Input, row.Input, model)
	}
	for _, kind := range []string{"e2b", "local"} {
		row, err := p.Box(kind, noon)
		require.NoError(t, err, kind)
		require.Equal(t, [2]USD{14_000, 4_500}, [2]USD{row.VCPU, row.GiB}, kind)
	}
}

func TestRetiredModelsHaveAPriceForOldBillsOnly(t *testing.T) {
	t.Parallel()
	for model, last := range map[string]struct {
		day  string
		want USD
	}{"devstral-2512": {"2026-07-31", 400 * 1000 * MicroDollar}, "mistral-small-2506": {"2026-07-31", 100 * 1000 * MicroDollar}, "mistral-medium-2508": {"2026-08-31", 400 * 1000 * MicroDollar}} {
		day, err := time.Parse(time.DateOnly, last.day)
		require.NoError(t, err)
		row, err := Shipped().Model(model, day.Add(23*time.Hour), 10)
		require.NoError(t, err, model)
		require.Equal(t, last.want, row.Input, model)
		var unknown *UnknownPriceError
		_, err = Shipped().Model(model, day.Add(24*time.Hour), 10)
		require.ErrorAs(t, err, &unknown, model)
	}
}
