package tame

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoCellIsComputed(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{`=1+1`, `+1`, `-1`, `@SUM(A1)`, ` =1`, "\t=1", "\rx", "＝1", "\u00a0=1"} {
		require.Equal(t, "'"+cell, Cell(cell))
	}
	for _, cell := range []string{"", "0.003317", "U012", "a=b", "2026-11-27", "codestral-2508"} {
		require.Equal(t, cell, Cell(cell))
	}
	require.Equal(t, "a\uFFFD", Cell("a\xff"))
	require.Equal(t, []string{"'=x", "y"}, Row("=x", "y"))
}
