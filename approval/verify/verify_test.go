package verify_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/verify"
)

func grid(rows ...[]string) approval.Grid {
	return approval.Grid{Title: "Sales", Columns: []string{"month", "amount"}, Rows: rows, TotalRows: len(rows)}
}

func first() approval.Result {
	return approval.Result{Outcome: approval.OK, Answer: "Revenue was 1,234.50 in 2025; the best month was May.", Said: []string{"net"}, LeftOut: []approval.Rows{{Count: 1, Why: "no price"}},
		Value: "3", Stdout: "a\nb\n", Stderr: "warned at 12:01", Tables: []approval.Grid{grid([]string{"May", "7"}, []string{"June", "8"})},
		Artifacts: []approval.Artifact{{Name: "chart-1.png", Kind: "chart", Data: []byte("png")}}, Observed: approval.Observed{Opened: []string{"sales.csv"}}}
}

func TestCompareNamesEachThingThatDiffers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(r *approval.Result)
		want   []approval.Difference
	}{
		"nothing":           {func(*approval.Result) {}, nil},
		"what is no answer": {func(r *approval.Result) { r.Stderr, r.Observed, r.Box, r.Code = "", approval.Observed{}, 5, 5 }, nil},
		"a figure": {func(r *approval.Result) { r.Answer = "Revenue was 1,236 in 2025; the best month was May." },
			[]approval.Difference{{What: approval.DifferentFigure, Before: "1,234.50", Now: "1,236"}}},
		"words": {func(r *approval.Result) { r.Answer = "Nothing was sold." },
			[]approval.Difference{{What: approval.DifferentAnswer, Before: first().Answer, Now: "Nothing was sold."}}},
		"an error": {func(r *approval.Result) { r.Outcome, r.Error = approval.Raised, "KeyError: 'a'" },
			[]approval.Difference{{What: approval.DifferentEnd, Before: "ok", Now: "raised KeyError: 'a'"}}},
		"what was assumed": {func(r *approval.Result) { r.LeftOut = nil }, []approval.Difference{{What: approval.DifferentNotes}}},
		"a value":          {func(r *approval.Result) { r.Value = "4" }, []approval.Difference{{What: approval.DifferentValue, Before: "3", Now: "4"}}},
		"a cell": {func(r *approval.Result) { r.Tables[0] = grid([]string{"May", "7"}, []string{"June", "9"}) },
			[]approval.Difference{{What: approval.DifferentCell, Name: "Sales", Row: 2, Column: "amount", Before: "8", Now: "9"}}},
		"a row less": {func(r *approval.Result) { r.Tables[0] = grid([]string{"May", "7"}) },
			[]approval.Difference{{What: approval.DifferentRows, Name: "Sales", Before: "2", Now: "1"}}},
		"a column": {func(r *approval.Result) { r.Tables[0].Columns = []string{"month", "sum"} },
			[]approval.Difference{{What: approval.DifferentColumns, Name: "Sales", Before: "month, amount", Now: "month, sum"}}},
		"a table less": {func(r *approval.Result) { r.Tables = nil }, []approval.Difference{{What: approval.DifferentTables, Before: "1", Now: "0"}}},
		"a line":       {func(r *approval.Result) { r.Stdout = "a\nc\n" }, []approval.Difference{{What: approval.DifferentPrint, Before: "b", Now: "c"}}},
		"a chart": {func(r *approval.Result) { r.Artifacts[0].Data = []byte("other") },
			[]approval.Difference{{What: approval.DifferentFile, Name: "chart-1.png", Before: approval.Hash([]byte("png")), Now: approval.Hash([]byte("other"))}}},
		"another file": {func(r *approval.Result) { r.Artifacts[0].Name = "chart-2.png" },
			[]approval.Difference{{What: approval.DifferentFile, Name: "chart-1.png", Before: approval.Hash([]byte("png"))}, {What: approval.DifferentFile, Name: "chart-2.png", Now: approval.Hash([]byte("png"))}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := first()
			c.change(&now)
			is := verify.Compare("r1", first(), now)
			require.Equal(t, approval.Compared{With: "r1", Differs: c.want}, is)
			require.Equal(t, map[bool]string{true: "same", false: "other"}[c.want == nil], is.Verdict())
		})
	}
}

func TestCompareKeepsTheFirstDifferencesAndCountsTheOthers(t *testing.T) {
	t.Parallel()
	before, now := first(), first()
	before.Tables, now.Tables = []approval.Grid{grid()}, []approval.Grid{grid()}
	for i := range 30 {
		before.Tables[0].Rows = append(before.Tables[0].Rows, []string{"May", fmt.Sprint(i)})
		now.Tables[0].Rows = append(now.Tables[0].Rows, []string{"May", fmt.Sprint(i + 1)})
	}
	is := verify.Compare("r1", before, now)
	require.Len(t, is.Differs, 20)
	require.Equal(t, 10, is.More)
}

func TestWhatHasBeenForgottenIsNotCompared(t *testing.T) {
	t.Parallel()
	is := verify.Compare("r1", approval.Result{}, first())
	require.Equal(t, approval.Compared{With: "r1", Gone: true}, is)
	require.Equal(t, "unknown", is.Verdict())

	before := first()
	before.Artifacts[0].Data = nil // a file of it alone
	require.Equal(t, approval.Compared{With: "r1", Gone: true}, verify.Compare("r1", before, first()))
	before.Artifacts[0].Data = []byte{}
	is = verify.Compare("r1", before, first())
	require.Equal(t, "other", is.Verdict(), "an empty file is there")
}
