package standin

import (
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/codegen"
	"countersign/codegen/pandas"
	"countersign/codegen/samples"
	"countersign/internal/proof"
)

func sampleFile(name string) map[string]string {
	for _, f := range samples.Files() {
		if f.Name == name {
			return map[string]string{name: string(f.Data)}
		}
	}
	panic(name)
}

// rowsOf reads a sample in another way than the code under test.
func rowsOf(t *testing.T, name string) []map[string]string {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(sampleFile(name)[name])).ReadAll()
	require.NoError(t, err)
	var rows []map[string]string
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, heading := range records[0] {
			row[heading] = r[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return f
}

func TestTheSuggestedQuestionsGetTheRightNumbers(t *testing.T) {
	t.Parallel()
	var cases []asked
	for _, q := range samples.Questions {
		cases = append(cases, asked{q.Text, sampleFile(q.File)})
	}
	results := runAll(t, cases)
	revenue, units, missingUnits := map[string]float64{}, map[string]float64{}, 0
	for _, row := range rowsOf(t, "sales.csv") {
		if row["units"] == "" {
			missingUnits++
			continue
		}
		if row["region"] == "" {
			row["region"] = "(missing)"
		}
		revenue[row["date"][:7]+row["region"]] += number(t, row["units"]) * number(t, row["price"])
		units[row["product"]] += number(t, row["units"])
	}
	require.Equal(t, []string{"month", "(missing)", "East", "North", "South", "West"}, results[0].Columns)
	require.Len(t, results[0].Rows, 12)
	for _, row := range results[0].Rows {
		for i, region := range results[0].Columns[1:] {
			if want, sold := revenue[row[0]+region]; sold {
				require.InDelta(t, want, number(t, row[i+1]), 0.01, "%s %s", row[0], region)
			} else {
				require.Equal(t, "nan", row[i+1])
			}
		}
	}
	require.Equal(t, "Total revenue (units x price) per month by region", results[0].Figures[0][0])
	require.Regexp(t, `^Total revenue \(units x price\) was highest in [A-Z][a-z]+ 2025: [\d,.]+, and lowest in [A-Z][a-z]+ 2025: [\d,.]+\.$`, results[0].Answer)
	require.Equal(t, []approval.Rows{{Count: missingUnits, Why: "no units or no price or no date"}}, results[0].LeftOut)

	require.Equal(t, []string{"product", "total units", "rows used"}, results[1].Columns)
	require.Len(t, results[1].Rows, 3)
	for _, row := range results[1].Rows {
		require.InDelta(t, units[row[0]], number(t, row[1]), 0, row[0])
	}
	require.Equal(t, "Filter papers", results[1].Rows[0][0])
	require.Regexp(t, `^Filter papers had the highest total units: [\d,]+\.$`, results[1].Answer)

	require.Equal(t, []string{"units", strconv.Itoa(missingUnits), "1.8"}, results[2].Rows[0])

	perYear, sum, years := map[string]string{}, map[string]float64{}, map[string]int{}
	for _, row := range rowsOf(t, "iowa-electricity.csv") {
		perYear[row["year"][:4]+row["source"]] = row["net_generation"]
		sum[row["source"]] += number(t, row["net_generation"])
		years[row["source"]]++
	}
	require.Len(t, results[3].Rows, 17)
	for _, row := range results[3].Rows {
		for i, source := range results[3].Columns[1:] {
			require.InDelta(t, number(t, perYear[row[0]+source]), number(t, row[i+1]), 0)
		}
	}
	require.Len(t, results[4].Rows, 3)
	for _, row := range results[4].Rows {
		require.InDelta(t, sum[row[0]]/float64(years[row[0]]), number(t, row[1]), 0.005, "hundredths of an average of whole numbers")
	}
}

func TestManyQuestionsAreAnsweredWithTheRightKindOfTable(t *testing.T) {
	t.Parallel()
	sales, iowa := sampleFile("sales.csv"), sampleFile("iowa-electricity.csv")
	expected := map[string]struct {
		files   map[string]string
		columns string
		title   string
		rows    int
	}{
		"Please summarize sales.csv":                 {sales, "column missing distinct most common smallest average largest", "Average price per month", 6},
		"What is the meaning of it all?":             {sales, "column missing distinct most common smallest average largest", "Average price per month", 6},
		"weekly units":                               {sales, "week units", "Total units per week", 53},
		"Total units per quarter":                    {sales, "quarter units", "Total units per quarter", 4},
		"How many sales were there by channel?":      {sales, "channel number of rows rows used", "Number of rows by channel", 4},
		"How many units did each product sell?":      {sales, "product total units rows used", "Total units by product", 6},
		"the 2 regions with the lowest revenue":      {sales, "region total revenue (units x price) rows used", "Lowest 2: total revenue (units x price) by region", 2},
		"median price by product":                    {sales, "product median price rows used", "Median price by product", 6},
		"Is there a correlation of price and units?": {sales, "column units price", "Correlation of the numeric columns", 2},
		"Show the distribution of price":             {sales, "figure price", "Distribution of price", 8},
		"data quality?":                              {sales, "column missing share in %", "Missing values per column", 6},
		"highest net generation by source":           {iowa, "source total net_generation rows used", "Top 10: total net_generation by source", 3},
		"trend of net generation":                    {iowa, "month net_generation", "Total net_generation per month", 17},
		"units":                                      {sales, "month units", "Total units per month", 12},
	}
	var cases []asked
	for question, c := range expected {
		cases = append(cases, asked{question, c.files})
	}
	for i, r := range runAll(t, cases) {
		c := expected[cases[i].question]
		require.Equal(t, c.columns, strings.Join(r.Columns, " "), cases[i].question)
		require.Equal(t, c.title, r.Figures[0][0], cases[i].question)
		require.Len(t, r.Rows, c.rows, cases[i].question)
	}
}

// The questions that make the stand-in write each of its programs.
var everyIntent = []string{"summary", "missing values", "correlation", "trend over time", "top 3", "total by kind", "distribution", "how many per month"}

// wide is a text in UTF-16, as Windows writes it.
func wide(text string) string {
	b := []byte("\xff\xfe")
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

// oddTables are files that somebody will share one day.
func oddTables() map[string]string {
	long := strings.Repeat("long name ", 30)
	return map[string]string{
		"one.csv":     "a\n1\n",
		"text.csv":    "a,b\nx,\ny,z\n",
		"empty.csv":   "a,b,c\n,,\n,,\n",
		"hostile.csv": "\"\"\"\"\"\"); import os #\",$\\frac{$,'\\,a\u202eb,\U0001f600\n1,$x$,2,3,4\n2,$y,3,4,5\n",
		"twice.csv":   "a,a,,\n1,2,3,x\n4,5,6,y\n",
		"long.csv":    long + "," + long + "x,kind\n1,2," + long + "\n2,3,b\n",
		"days.csv":    "day;kind;amount\n31.12.2024;a;1.234,50\n01.02.2024;b;2,5\n;a;\n",
		"us.csv":      "day,kind,amount\n12/31/2024,a,\"1,234.5\"\n01/02/2024 10:00,b,\"2,000\"\n",
		"zones.csv":   "at,n\n2024-01-01T10:00:00+01:00,1\n2024-07-01T10:00:00+02:00,2\n2024-08-01T10:00:00Z,3\n",
		"year.csv":    "year,n\n2020,1\n2021,2\n,3\n",
		"big.csv":     "id,n\n123456789012345678,1e15\n2,-2.5e14\n3,1e-9\n",
		"flags.csv":   "ok,n\nTrue,1\n,2\nFalse,3\n",
		"windows.csv": "gr\xfc\xdfe,n\nm\xfcnchen,1\n",
		"wide.csv":    strings.Repeat("x,", 400) + "y\n" + strings.Repeat("1,", 400) + "z\n",
		"utf16.csv":   wide("d\tn\n2024-01-01\t5\n"),
		"日本語のとても長い名前のファイルは一行に収まりません.csv": "\u540d\u524d,\u6570\na,1\nb,2\n",
		"list.json":   `[{"d":"2024-01-05","kind":"a","n":1.5,"x":{"y":1}},{"d":null,"kind":"b","n":null,"x":[1]}]`,
		"lines.jsonl": "{\"code\":\"007\",\"n\":1}\n{\"code\":\"008\",\"n\":2}\n",
		"inner.json":  `{"total":2,"items":[{"kind":"a","n":1},{"kind":"b","n":2}]}`,
	}
}

func TestProveReadingOddTablesBreakNoProgram(t *testing.T) {
	t.Parallel()
	var cases []asked
	tables := oddTables()
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		for _, q := range everyIntent {
			cases = append(cases, asked{q, map[string]string{name: tables[name]}})
		}
	}
	cases = proof.Draw(t, cases)
	answered := 0
	for i, r := range runAll(t, cases) {
		if len(r.Columns) > 0 {
			answered++
		} else {
			t.Log(cases[i])
		}
	}
	proof.Check(t, answered == len(cases), "no table is so odd that a program of the demo's model breaks over it", "%d of %d", answered, len(cases))
}

func TestAWorkbookIsAnsweredFromTheSheetThatIsNamed(t *testing.T) {
	t.Parallel()
	const script = `
import datetime, openpyxl
book = openpyxl.Workbook()
book.active.append(["kind", "in 2024", "in 2025"])
book.active.append(["a", 1, 5])
costs = book.create_sheet("Costs")
costs.append(["day", "kind", "cost"])
costs.append([datetime.date(2024, 3, 1), "a", 7])
costs.append([datetime.date(2024, 4, 1), "b", 9.5])
bare = book.create_sheet("Staff")
bare.append(["Anna", "anna@berg.example", datetime.date(1980, 12, 31), -1.5])
bare.append(["Ben", None, datetime.date(1990, 1, 2), 2])
bare.append([])
bare.append(["Cem", "cem@cem.example", None, 3, "more"])
book.save("book.xlsx")
`
	folder := t.TempDir()
	python := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", script)
	python.Dir = folder
	output, err := python.CombinedOutput()
	require.NoError(t, err, string(output))
	data, err := os.ReadFile(filepath.Join(folder, "book.xlsx"))
	require.NoError(t, err)
	book := map[string]string{"book.xlsx": string(data)}
	jobs, read := lay(t, []map[string]string{book})
	files := read[0]
	staff := files[0].Tables()[2]
	require.Zero(t, staff.HeadingRows)
	told := &listener{}
	w, err := codegen.New(codegen.Options{}, told)
	require.NoError(t, err)
	_, err = w.Write(t.Context(), steps.Brief{Question: "?", Files: files})
	require.NoError(t, err)
	require.Contains(t, told.heard, "Staff")
	require.NotContains(t, told.heard, "nna")
	jobs[0].Code = `from desk import load, table
import pandas as pd
df = load("book.xlsx", sheet="Staff")
table(pd.DataFrame({"name": list(df.columns), "rows": len(df), "missing": df.isna().sum().astype(int).to_numpy()}))`
	for i, row := range runJobs(t, jobs)[0].Rows {
		require.Equal(t, []string{staff.Columns[i].Name, fmt.Sprint(staff.Rows), fmt.Sprint(staff.Columns[i].Missing)}, row)
	}
	cases := []asked{{"cost per month in the costs sheet", book}, {"the total in 2024 by kind", book}}
	for _, q := range everyIntent {
		cases = append(cases, asked{q, book}, asked{q + " of costs", book})
	}
	results := runAll(t, cases)
	require.Equal(t, [][]string{{"2024-03", "7.0"}, {"2024-04", "9.5"}}, results[0].Rows)
	require.Equal(t, []string{"kind", "total in 2024", "rows used"}, results[1].Columns)
	require.Equal(t, [][]string{{"a", "1", "1"}}, results[1].Rows)
}

// What the prompt says about a file has to be what a program gets with the call that the
// prompt gives: names, rows and missing values.
func TestAReadingIsWhatLoadGives(t *testing.T) {
	t.Parallel()
	contents := oddTables()
	for name, data := range map[string]string{
		"quotes.csv":  "\"a \"\"x\"\"\",b\n\"1\n2\",5\" pipe\n\"q\"r,\"\"\nx\"y\"z,'\n",
		"ends.csv":    "a,b\r1,2\r\n\n  \n\t\n3,4\n,\n\"\",\"\"",
		"missing.csv": "a,b\nNA,n/a\n#N/A,null\nNaN,<NA>\nna,-\n None ,NULL \n",
		"short.csv":   "a,b,c\n1\n1,2\n1,2,3\n",
		"names.csv":   "a,a.1,a,,a\n1,2,3,4,5\n",
		"blank.csv":   "a\n1\n\n2\n\"\"\n3\n",
		"tabs.tsv":    "a\tb\n\t2\n \t\n1\t\n",
		"latin.csv":   "gr\xfc,\x81\n\xe9,2\n",
		"mark.csv":    "\ufeff\"a\",b\n1,2\n",
		"pipes.csv":   "a|b\n1|2,5\n",
		"bare.csv":    "2024-01-31,Anna,1\n2024-02-01,,2\n,Ben,3\n",
	} {
		contents[name] = data
	}
	for _, f := range samples.Files() {
		contents[f.Name] = string(f.Data)
	}
	var each []map[string]string
	for name, data := range contents {
		each = append(each, map[string]string{name: data})
	}
	jobs, files := lay(t, each)
	for i := range jobs {
		jobs[i].Code = "from desk import load, table\nimport pandas as pd\ndf = " + pandas.LoadCall(pandas.Literal(files[i][0].Name), "", false) + `
table(pd.DataFrame({"name": list(df.columns), "rows": len(df), "missing": df.isna().sum().astype(int).to_numpy()}))`
	}
	for i, r := range runJobs(t, jobs) {
		table := files[i][0].Tables()[0]
		require.Len(t, r.Rows, len(table.Columns), files[i][0].Name)
		for j, row := range r.Rows {
			require.Equal(t, []string{table.Columns[j].Name, fmt.Sprint(table.Rows), fmt.Sprint(table.Columns[j].Missing)}, row, files[i][0].Name)
		}
	}
}
