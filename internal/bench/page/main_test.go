package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/bench"
)

func TestWhatWasReportedIsDrawn(t *testing.T) {
	report, html := filepath.Join(t.TempDir(), "bench.jsonl"), filepath.Join(t.TempDir(), "bench.html")
	require.ErrorContains(t, draw(report, html), "no such file")
	t.Setenv("BENCH_REPORT", report)
	bench.Report(t, bench.Figure{Part: "Money", Name: "holds", Value: 3})
	require.NoError(t, draw(report, html))
	page, err := os.ReadFile(html)
	require.NoError(t, err)
	require.Contains(t, string(page), "holds")
	require.NoError(t, os.WriteFile(report, []byte("nonsense\n"), 0o644))
	require.ErrorContains(t, draw(report, html), "line 1")
}
