//go:build linux

package local

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
)

// withFile is a job with one input.
func withFile(code, name, data string) steps.Job {
	j := job(code, roomy)
	j.Inputs = []steps.InputFile{{Input: approval.Input{Name: name, SHA256: approval.Hash([]byte(data))}, Size: int64(len(data)), Open: steps.Held([]byte(data))}}
	return j
}

func TestAProgramTellsAtTheDeskWhatCameOut(t *testing.T) {
	t.Parallel()
	result := run(t, withFile(`
from desk import answer, chart, left_out, load, money, note, number, percent, table

sales = load("sales.csv")
known = sales.dropna(subset=["units"])
left_out(len(sales) - len(known), "no number of units")
note("Revenue is units times price.")
known = known.assign(revenue=known["units"] * known["price"])
regions = known.groupby("region")["revenue"].sum().sort_values(ascending=False)
answer(f"Revenue was {money(regions.sum(), 'USD')}; {regions.index[0]} led with {percent(regions.iloc[0] / regions.sum())} of {number(len(known))} sales.")
chart(regions.plot.bar(title="Revenue by region"))
table(regions, "Revenue by region")
`, "sales.csv", "region;units;price\nNorth;10;1,50\nSouth;;2,00\nSouth;4;2,50\n"))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "Revenue was $25.00; North led with 60% of 2 sales.", result.Answer)
	require.Equal(t, []string{"Revenue is units times price."}, result.Said)
	require.Equal(t, []approval.Rows{{Count: 1, Why: "no number of units"}}, result.LeftOut)
	require.Equal(t, []approval.Grid{{Title: "Revenue by region", Columns: []string{"region", "revenue"}, Numbers: []bool{false, true}, Rows: [][]string{{"North", "15"}, {"South", "10"}}, TotalRows: 2}}, result.Tables)
	require.Equal(t, []string{"revenue-by-region.csv", "chart-1.png"}, names(result.Artifacts))
	require.Empty(t, result.Value)
	require.Empty(t, result.Notes)
	require.Equal(t, []string{"sales.csv"}, result.Observed.Opened, "the desk's own files are nobody's deed")
}

// A table comes in pieces as it would come whole: the same rows, types and index, without the sum
// below it, and as many as have room.
func TestATableComesInPiecesAsItWouldWhole(t *testing.T) {
	t.Parallel()
	text := "day;region;units;price\n" + strings.Repeat("2024-01-02;North;3;1,50\n2024-02-03;South;;2,00\n", 150_000) + "Total;;450000;525000,00\n"
	result := run(t, withFile(`
from desk import answer, load, load_parts
import pandas as pd

whole = load("sales.csv")
parts = list(load_parts("sales.csv"))
pd.testing.assert_frame_equal(pd.concat(parts), whole)
units = sum(part["units"].sum() for part in load_parts("sales.csv", columns=["units"]))
few = load("sales.csv", columns=["price", "day"])
pd.testing.assert_frame_equal(few, whole[["price", "day"]])
answer(f"{len(parts) > 1} {len(whole)} {units:.0f} {whole['price'].sum():.0f} {[str(t) for t in whole.dtypes]}")
`, "sales.csv", text))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "True 300000 450000 525000 ['datetime64[ns]', 'object', 'float64', 'float64']", result.Answer)
	result = run(t, withFile("from desk import load_parts\nload_parts('sales.csv', columns=['nothing'])\n", "sales.csv", "a,b\n1,2\n"))
	require.Equal(t, approval.Raised, result.Outcome)
	require.Contains(t, result.Error, "'sales.csv' has no column 'nothing'")
}

// A currency comes from the sealed notes or from the reading, never from nowhere.
func TestProveReadingMoneyIsWrittenInTheCurrencyThatIsKnown(t *testing.T) {
	t.Parallel()
	in := func(currencies ...string) *reading.Reading {
		table := reading.Table{Rows: 1, Delimiter: ",", HeadingLine: 1, HeadingRows: 1}
		for i, c := range currencies {
			table.Columns = append(table.Columns, reading.Column{Name: string(rune('a' + i)), Type: "integer", DType: "Int64", Currency: c})
		}
		return &reading.Reading{Version: 1, Kind: "text", Encoding: "utf-8", Tables: []reading.Table{table}}
	}
	type money struct {
		noted, want string
		read        *reading.Reading
	}
	for name, c := range tenthOf(t, "money is written in the currency that is known", map[string]money{
		"nobody says":             {"", "1,234.50", in("")},
		"the notes say":           {"EUR", "€1,234.50", in("")},
		"the notes, without file": {"SEK", "1,234.50 SEK", nil},
		"the file says":           {"", "€1,234.50", in("", "€")},
		"both say the same":       {"EUR", "€1,234.50", in("€", "EUR")},
		"notes say which dollar":  {"CAD", "1,234.50 CAD", in("$")},
		"they say two":            {"EUR", "1,234.50", in("$")},
		"the file says two":       {"", "1,234.50", in("$", "€")},
		"a sign of four":          {"", "1,234.50 kr", in("kr.")},
		"notes say which crown":   {"NOK", "1,234.50 NOK", in("kr.")},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := job("from desk import answer, money\nanswer(money(1234.5) + ' ' + money(2, 'GBP'))\n", roomy)
			j.Currency = c.noted
			if c.read != nil {
				j = withFile(j.Code, "a.csv", "a,b\n1,2\n")
				j.Currency, j.Inputs[0].Reading, j.Inputs[0].Input.Reading = c.noted, c.read, c.read.SHA256()
			}
			result := run(t, j)
			require.Equal(t, approval.OK, result.Outcome, "%+v", result)
			require.Equal(t, c.want+" £2.00", result.Answer)
		})
	}
}

func TestProveReadingADeskThatIsMisusedSaysWhatToWriteInstead(t *testing.T) {
	t.Parallel()
	for code, words := range tenthOf(t, "a desk that is misused says what to write instead", map[string]string{
		`answer(42)`:    `TypeError: answer() takes a text, not int; for example: answer(f"Revenue was {money(total)}.")`,
		`table([1, 2])`: "TypeError: table() takes a DataFrame or a Series, not list; make one first: table(pd.DataFrame(...))",
		`import pandas as pd; money(pd.Series([1, 2]))`: "TypeError: money() writes one number, not Series; for a column: column.map(money)",
		`left_out(-3, "gone")`:                          "ValueError: left_out() got -3 rows; the number of all rows comes first: len(all) - len(used)",
		`load("salse.csv")`:                             "FileNotFoundError: there is no input 'salse.csv'; write its whole name, as in the question",
	}) {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			result := run(t, job("from desk import *\n"+code+"\n", roomy))
			require.Equal(t, approval.Raised, result.Outcome, "%+v", result)
			require.Equal(t, words, result.Error)
		})
	}
}

func TestAnswersAreTheProgramsWordAndBounded(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
from desk import answer, note, left_out, table
import pandas as pd
answer("First.")
answer("<!channel> " + "long " * 2000)
for n in range(30):
    note(f"Note {n}.")
    left_out(n + 1, f"reason {n}")
    table(pd.DataFrame({"n": [n]}), "The same title")
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.LessOrEqual(t, len(result.Answer), 2000)
	require.Len(t, result.Said, 10)
	require.Len(t, result.LeftOut, 10)
	require.Len(t, result.Tables, 20)
	all := strings.Join(result.Notes, "\n")
	for _, words := range []string{"The program gave more than one answer; this is the last of them.", "There were more notes than are shown.", "20 of 30 tables and charts are shown."} {
		require.Contains(t, all, words)
	}
	require.Contains(t, names(result.Artifacts), "the-same-title-2.csv")
}
