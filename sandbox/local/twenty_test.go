//go:build linux

package local

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/proof"
)

// pair is one of the first twenty honest programs, as analysts write it and against the desk.
type pair struct{ name, before, after string }

func twenty(t *testing.T) (all []pair) {
	t.Helper()
	paths, err := filepath.Glob("../runner/testdata/corpus/honest/*.py")
	require.NoError(t, err)
	for _, path := range paths[:20] {
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		after, err := os.ReadFile(filepath.Join("../runner/testdata/desk", filepath.Base(path)))
		require.NoError(t, err, "it is not written against the desk")
		_, code, _ := strings.Cut(string(before), "\n") // without the line that says what it is
		all = append(all, pair{filepath.Base(path), code, string(after)})
	}
	return all
}

// A desk is worth its name when programs against it are shorter to read, compute the same
// and alarm nobody. All twenty are read in one box; those that are drawn run in real boxes.
func TestProveReadingTwentyProgramsAgainstTheDesk(t *testing.T) {
	t.Parallel()
	all := twenty(t)
	var programs []string
	long, short := 0, 0
	for _, p := range all {
		programs = append(programs, p.before, p.after)
		long, short = long+length(p.before), short+length(p.after)
		require.LessOrEqual(t, length(p.after), length(p.before), p.name)
	}
	proof.Check(t, 3*short <= 2*long, "the first twenty honest programs are at most two thirds as long against the desk", "%d of %d characters", short, long)

	said, _, err := shared.inspectAll(t.Context(), programs, corpusFiles)
	require.NoError(t, err)
	var worse []string
	for i, p := range all {
		before, after := gravest(said[2*i]), gravest(said[2*i+1])
		if after > before {
			worse = append(worse, fmt.Sprintf("%s (%s)", p.name, told(said[2*i+1])))
		}
	}
	proof.Check(t, len(worse) == 0, "none of the twenty has a graver finding against the desk", "%d of 20 %s", 20-len(worse), strings.Join(worse, ", "))

	var wrong []string
	drawn := proof.Draw(t, all)
	for _, p := range drawn {
		before, after := run(t, withTables(p.before)), run(t, withTables(p.after))
		require.Equal(t, approval.OK, before.Outcome, "%s: %s", p.name, before.Traceback)
		require.Equal(t, approval.OK, after.Outcome, "%s: %s%s", p.name, after.Error, after.Traceback)
		if why := differs(p.before, before, after); why != "" {
			wrong = append(wrong, p.name+": "+why)
		}
	}
	proof.Check(t, len(wrong) == 0, "tables and numbers of the twenty are equal", "%d of %d %s", len(drawn)-len(wrong), len(drawn), strings.Join(wrong, "; "))
}

// length is how much there is to read: characters without the ends of lines.
func length(code string) int { return len(code) - strings.Count(code, "\n") }

// gravest is the level of an inspection's gravest finding, beside those about files that none of these reads.
func gravest(in steps.Inspection) (level int) {
	if in.Problem != "" {
		return 3
	}
	for _, f := range in.Findings {
		if f.Kind != approval.KindUnusedFile {
			level = max(level, slices.Index([]approval.Level{approval.Note, approval.Caution, approval.Danger}, f.Level))
		}
	}
	return level
}

// withTables is a job with the inputs that the twenty read.
func withTables(code string) steps.Job {
	var sales, customers strings.Builder
	sales.WriteString("day,region,product,customer_id,units,price,amount\n")
	products := []string{"Coffee", "Cups", "Tea", "Filters", "Beans", "Milk"}
	for i := range 400 {
		units, cents := i*7%19+1, 150+i*37%1400
		amount := fmt.Sprintf("%d.%02d", units*cents/100, units*cents%100)
		if i%53 == 7 {
			amount = ""
		}
		fmt.Fprintf(&sales, "2024-%02d-%02d,%s,%s,c%03d,%d,%d.%02d,%s\n", i%12+1, i%28+1, []string{"North", "South", "East", "West"}[i*3%4],
			products[i*i%6], i*11%40, units, cents/100, cents%100, amount)
	}
	customers.WriteString("customer_id,name,city,signup\n")
	for i := range 60 {
		fmt.Fprintf(&customers, "c%03d,Name %d,City %d,2023-%02d-11\n", i%50, i*7%25, i%3, i%12+1)
	}
	j := job(code, roomy)
	for name, data := range map[string]string{"sales.csv": sales.String(), "customers.csv": customers.String()} {
		j.Inputs = append(j.Inputs, steps.InputFile{Input: approval.Input{Name: name, SHA256: approval.Hash([]byte(data))}, Size: int64(len(data)), Open: steps.Held([]byte(data))})
	}
	return j
}

// differs says what of the first result the second one lacks.
func differs(code string, before, after approval.Result) string {
	for _, want := range before.Tables {
		if !slices.ContainsFunc(after.Tables, func(got approval.Grid) bool { return sameCells(want, got) }) {
			return fmt.Sprintf("the table %v is not among %v", want, after.Tables)
		}
	}
	charts := func(r approval.Result) (n int) {
		for _, a := range r.Artifacts {
			if a.Kind == "chart" {
				n++
			}
		}
		return n
	}
	if charts(after) < charts(before) {
		return "a chart is missing"
	}
	if strings.Contains(code, "perf_counter") {
		return "" // how long it took is another number each time
	}
	got := numbersOf(after.Answer + "\n" + after.Stdout + "\n" + after.Value)
	for _, table := range after.Tables {
		for _, row := range table.Rows {
			got = append(got, numbersOf(strings.Join(row, "\n"))...)
		}
	}
	typed := numbersOf(code) // what the first program did not compute
	for _, want := range numbersOf(before.Stdout + "\n" + before.Value) {
		near := func(x float64) bool { return math.Abs(x-want) <= 0.0051+1e-6*math.Abs(want) }
		if !slices.ContainsFunc(got, near) && !slices.Contains(typed, want) {
			return fmt.Sprintf("%v is not among its numbers: %q and %q", want, before.Stdout+before.Value, after.Answer+after.Stdout)
		}
	}
	return ""
}

var figure = regexp.MustCompile(`(^|[^\w.])(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\b`)

func numbersOf(text string) (all []float64) {
	for _, m := range figure.FindAllStringSubmatch(text, -1) {
		if x, err := strconv.ParseFloat(m[2], 64); err == nil {
			all = append(all, x)
		}
	}
	return all
}

// sameCells compares what is named in two tables; an index without a name is only where a row stood.
func sameCells(want, got approval.Grid) bool {
	if want.TotalRows != got.TotalRows || len(want.Rows) != len(got.Rows) {
		return false
	}
	for i, name := range want.Columns {
		at := slices.Index(got.Columns, name)
		if name == "" {
			continue
		}
		if at < 0 && len(want.Columns) == len(got.Columns) {
			at = i // the same column under another name
		}
		if at < 0 {
			return false
		}
		for n, row := range want.Rows {
			a, errA := strconv.ParseFloat(row[i], 64)
			b, errB := strconv.ParseFloat(got.Rows[n][at], 64)
			if errA != nil || errB != nil {
				if row[i] != got.Rows[n][at] {
					return false
				}
			} else if math.Abs(a-b) > 0.0051+1e-6*math.Abs(a) {
				return false
			}
		}
	}
	return true
}
