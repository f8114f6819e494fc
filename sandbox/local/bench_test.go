//go:build linux

package local

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

// plot is a usual small job. It saves its chart itself, so that a bare python
// does the same work.
const plot = `import pandas as pd
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

sales = pd.read_csv("sales.csv", parse_dates=["day"])
print(sales.describe(include="all"))
fig, ax = plt.subplots()
sales.plot(x="day", y="amount", ax=ax, title="Sales")
fig.savefig("sales.png")
`

// bare is what the same script takes without any box: the median of five runs,
// measured once per process.
var bare = sync.OnceValues(func() (took [2]time.Duration, err error) {
	dir, err := os.MkdirTemp("", "cs")
	if err != nil {
		return took, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for name, data := range map[string][]byte{"plot.py": []byte(plot), "sales.csv": []byte(salesText)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return took, err
		}
	}
	var first, whole []time.Duration
	for range 5 {
		f, w, err := bareRun(dir)
		if err != nil {
			return took, err
		}
		first, whole = append(first, f), append(whole, w)
	}
	slices.Sort(first)
	slices.Sort(whole)
	return [2]time.Duration{first[2], whole[2]}, nil
})

func bareRun(dir string) (first, whole time.Duration, err error) {
	cmd := exec.Command("/usr/bin/python3", "plot.py")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "OPENBLAS_NUM_THREADS=1", "MPLCONFIGDIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		return 0, 0, err
	}
	first = time.Since(begun)
	if _, err := new(bytes.Buffer).ReadFrom(out); err != nil {
		return 0, 0, err
	}
	err = cmd.Wait()
	return first, time.Since(begun), err
}

// BenchmarkPlotBare is the same script by the same python, without a box.
func BenchmarkPlotBare(b *testing.B) {
	for b.Loop() {
		took, err := bare()
		require.NoError(b, err)
		b.ReportMetric(ms(took[0]), "first-ms")
		b.ReportMetric(ms(took[1]), "whole-ms")
	}
}

// BenchmarkPlotWarm measures from the approval, with a box that waits.
func BenchmarkPlotWarm(b *testing.B) { benchmarkPlot(b, true) }

// BenchmarkPlotCold measures from the approval, with no box made ahead.
func BenchmarkPlotCold(b *testing.B) { benchmarkPlot(b, false) }

func benchmarkPlot(b *testing.B, warm bool) {
	alone, err := bare()
	require.NoError(b, err)
	ctx := context.Background()
	var first, whole []time.Duration
	for b.Loop() {
		b.StopTimer()
		id := freshID()
		if warm {
			shared.Prepare(id)
			require.NotEmpty(b, shared.waiting())
		}
		b.StartTimer()
		approved := time.Now()
		boxID := create(b, shared, id)
		require.NoError(b, shared.Start(ctx, boxID, job(plot, roomy, sales)))
		result, err := shared.Result(ctx, boxID)
		require.NoError(b, err)
		whole = append(whole, time.Since(approved))
		require.Equal(b, approval.OK, result.Outcome, "%+v", result)
		require.Len(b, result.Artifacts, 1)
		first = append(first, shared.FirstOutput(boxID).Sub(approved))
		require.NoError(b, shared.Kill(ctx, boxID))
	}
	slices.Sort(first)
	slices.Sort(whole)
	f, w := first[len(first)/2], whole[len(whole)/2]
	b.ReportMetric(ms(f), "first-ms")
	b.ReportMetric(ms(w), "whole-ms")
	b.ReportMetric(float64(f)/float64(alone[0]), "first/bare")
	b.ReportMetric(float64(w)/float64(alone[1]), "whole/bare")
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkInspection prints what a program's inspection takes, its box and all:
// rows of `make bench`.
func BenchmarkInspection(b *testing.B) {
	for _, lines := range []int{50, 2000} {
		code := ofLines(b, lines)
		var took []time.Duration
		for range 10 {
			began := time.Now()
			said, err := shared.Inspect(context.Background(), code, corpusFiles)
			require.NoError(b, err)
			require.Empty(b, said.Problem)
			took = append(took, time.Since(began))
		}
		row(b, fmt.Sprintf("inspection of %d lines, with its box", lines), took, spent)
	}
}

func spent(d time.Duration) string { return fmt.Sprintf("%.1f ms", ms(d)) }

// ofLines is a program of so many lines, as models write them.
func ofLines(b *testing.B, lines int) string {
	b.Helper()
	const pattern = `x%[1]d = df["units"] > %[1]d
if x%[1]d.any():
    n += x%[1]d.sum()
    print(n)
`
	code := []string{"import pandas as pd", `df, n = pd.read_csv("sales.csv"), 0`}
	for i := 0; len(code)+4 <= lines; i++ {
		code = append(code, strings.Split(strings.TrimSuffix(fmt.Sprintf(pattern, i), "\n"), "\n")...)
	}
	for len(code) < lines {
		code = append(code, "n += 1")
	}
	text, err := approval.Canonical(strings.Join(code, "\n"))
	require.NoError(b, err)
	return text
}
