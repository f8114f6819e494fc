//go:build linux

package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/sandbox"
)

// BenchmarkReading prints what a file takes: to be read in a box that waits for it, to be loaded by
// a program as it was read, and by pandas alone, told nothing, with the same Python and no box: rows
// of `make bench`. All three are taken in turn. A reading looks at every value; pandas guesses from some.
func BenchmarkReading(b *testing.B) {
	for _, size := range []struct{ mb, times int }{{1, 5}, {20, 3}, {200, 1}} {
		data := salesOf(size.mb << 20)
		dir := b.TempDir()
		require.NoError(b, os.WriteFile(filepath.Join(dir, "big.csv"), data, 0o600))
		var read, loaded, alone []time.Duration
		for range size.times {
			took, said := readWarm(b, data)
			read = append(read, took)
			loaded = append(loaded, loadedIn(b, data, said))
			alone = append(alone, pandasAlone(b, dir))
		}
		row(b, fmt.Sprintf("reading %d MB of CSV in a box that waits", size.mb), read, spent)
		row(b, fmt.Sprintf("load() of these %d MB by a program", size.mb), loaded, spent)
		row(b, fmt.Sprintf("pandas.read_csv of these %d MB, without a box", size.mb), alone, spent)
	}
}

// salesOf is a table of so many bytes, of dates, texts and numbers, with some values missing.
func salesOf(size int) []byte {
	data := bytes.NewBufferString("day,region,product,customer,units,price\n")
	for i := 0; data.Len() < size; i++ {
		units := strconv.Itoa(i % 17)
		if i%50 == 0 {
			units = ""
		}
		_, _ = fmt.Fprintf(data, "2024-%02d-%02d,%s,Product %d,C-%06d,%s,%d.%02d\n", 1+i%12, 1+i%28, []string{"North", "South", "East", "West"}[i%4], i%40, i*7919%999983, units, i%90, i%100)
	}
	return data.Bytes()
}

// readWarm has a file read in a box that has booted, and says how.
func readWarm(b *testing.B, data []byte) (time.Duration, *reading.Reading) {
	b.Helper()
	box, err := shared.bootForFile()
	require.NoError(b, err)
	defer box.kill()
	<-box.booted
	require.NoError(b, box.bootErr)
	sink := &sandbox.OneAnswer{}
	began := time.Now()
	require.NoError(b, box.read(sandbox.ReadJob{Seconds: fileWait, MemoryMB: fileRoom, Files: []sandbox.ReadFile{{Name: "big.csv", Size: int64(len(data)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}}}, sink))
	took := time.Since(began)
	require.Nil(b, sink.Answered.Problem)
	return took, sink.Answered.Reading
}

// loadedIn is what load takes in a program. It is not the file's way into the box, which BenchmarkPlotWarm's run has, too.
func loadedIn(b *testing.B, data []byte, said *reading.Reading) time.Duration {
	b.Helper()
	limits := roomy
	limits.MemoryMB = 4096 // 200 MB of texts are more than a gigabyte of objects
	j := job(`import time
from desk import load
began = time.perf_counter()
df = load("big.csv")
print(time.perf_counter() - began, len(df.columns))
`, limits)
	j.Inputs = []steps.InputFile{{Input: approval.Input{Name: "big.csv", SHA256: approval.Hash(data)}, Size: int64(len(data)), Open: steps.Held(data), Reading: said}}
	result := run(b, j)
	require.Equal(b, approval.OK, result.Outcome, "%+v", result)
	return printed(b, result.Stdout)
}

// pandasAlone is what pandas takes over the same file, its import left out.
func pandasAlone(b *testing.B, dir string) time.Duration {
	b.Helper()
	cmd := exec.CommandContext(context.Background(), "/usr/bin/python3", "-c", `import time
import pandas as pd
began = time.perf_counter()
df = pd.read_csv("big.csv")
print(time.perf_counter() - began, len(df.columns))
`)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, "%s", out)
	return printed(b, string(out))
}

// printed is the time that a program has printed, beside the six columns that it found.
func printed(b *testing.B, out string) time.Duration {
	b.Helper()
	seconds, columns, _ := strings.Cut(strings.TrimSpace(out), " ")
	require.Equal(b, "6", columns, out)
	took, err := strconv.ParseFloat(seconds, 64)
	require.NoError(b, err)
	return time.Duration(took * float64(time.Second))
}
