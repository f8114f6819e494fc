//go:build linux

package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/internal/bench"
)

// BenchmarkWitness prints what the witness costs, beside boxes that nobody watches: rows of
// `make bench`. Both are taken in turn, so that what else the machine does weighs on both.
func BenchmarkWitness(b *testing.B) {
	const opens = 20000
	code := fmt.Sprintf(`import os, time
began = time.perf_counter()
for _ in range(%d):
    os.close(os.open("sales.csv", os.O_RDONLY))
print(time.perf_counter() - began)
`, opens)
	// The bundle of inspections is not watched: for as long as this takes, a copy of the one of runs stands for it.
	alone, inspects := filepath.Join(b.TempDir(), "run"), shared.home.inspectBundle
	require.NoError(b, os.CopyFS(alone, os.DirFS(shared.home.runBundle)))
	shared.home.inspectBundle = alone
	b.Cleanup(func() { shared.home.inspectBundle = inspects })
	var boots, each [2][]time.Duration
	for range 5 {
		for n, bundle := range []string{shared.home.runBundle, alone} {
			began := time.Now()
			shared.mu.Lock()
			box := shared.boot(bundle, forRun)
			shared.mu.Unlock()
			<-box.booted
			require.NoError(b, box.bootErr)
			boots[n] = append(boots[n], time.Since(began))
			require.NoError(b, box.start(context.Background(), job(code, roomy, sales)))
			result, err := box.wait(context.Background())
			require.NoError(b, err)
			require.Equal(b, approval.OK, result.Outcome, "%+v", result)
			if w := result.Observed.Witness; n == 0 {
				require.True(b, w.Complete, "%+v", w)
			} else {
				require.Nil(b, w)
			}
			took, err := strconv.ParseFloat(strings.TrimSpace(result.Stdout), 64)
			require.NoError(b, err)
			each[n] = append(each[n], time.Duration(took*float64(time.Second))/opens)
		}
	}
	for n, how := range []string{"with its witness", "that nobody watches"} {
		row(b, "boot of a box "+how, boots[n], spent)
		row(b, "open and close of a file in a box "+how, each[n], func(d time.Duration) string { return fmt.Sprintf("%.1f us", float64(d.Nanoseconds())/1000) })
	}
}

// row prints what a thing took, and reports it for bench.html.
func row(b *testing.B, name string, took []time.Duration, say func(time.Duration) string) {
	b.Helper()
	f := bench.Figure{Part: "Boxes", Name: name, Unit: bench.Milliseconds, Each: bench.Millis(took), Is: fmt.Sprintf("median of %d", len(took))}
	if slices.Max(took) < time.Millisecond {
		f.Unit, f.Each = bench.Microseconds, bench.Micros(took)
	}
	f.Value = bench.Median(f.Each)
	bench.Report(b, f)
	slices.Sort(took)
	fmt.Printf("%-50s %10s %10s %10s %6d\n", name, say(took[len(took)/2]), "-", say(took[len(took)-1]), len(took))
}
