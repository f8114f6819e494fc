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
	require.ErrorContains(t, draw(report, html, "", ""), "no such file")
	t.Setenv("BENCH_REPORT", report)
	bench.Report(t, bench.Figure{Part: "Money", Name: "holds", Value: 3})
	require.NoError(t, draw(report, html, "", ""))
	page, err := os.ReadFile(html)
	require.NoError(t, err)
	require.Contains(t, string(page), "holds")
	before := filepath.Join(t.TempDir(), "before.jsonl")
	require.ErrorContains(t, draw(report, html, before, "abc"), "no such file")
	t.Setenv("BENCH_REPORT", before)
	bench.Report(t, bench.Figure{Part: "Money", Name: "holds", Value: 4})
	bench.Report(t, bench.Figure{Part: "Money", Name: "what is measured no more", Value: 5})
	require.NoError(t, draw(report, html, before, "abc"))
	page, err = os.ReadFile(html)
	require.NoError(t, err)
	require.Contains(t, string(page), "abc, in this run")
	require.NotContains(t, string(page), "no more")
	require.NoError(t, os.WriteFile(report, []byte("nonsense\n"), 0o644))
	require.ErrorContains(t, draw(report, html, "", ""), "line 1")
}
