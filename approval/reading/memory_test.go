package reading

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatATableTakesInMemory(t *testing.T) {
	t.Parallel()
	table := Table{Rows: 1_000_000, Columns: []Column{
		{Name: "day", Type: "date", DType: "datetime64[ns]"}, {Name: "units", Type: "integer", DType: "int64"}, {Name: "paid", Type: "boolean", DType: "bool"},
		{Name: "code", Type: "text", DType: "object", Pattern: "A-99"}, {Name: "name", Type: "text", DType: "object", Missing: 500_000, Pattern: "a…"},
		{Name: "empty", Type: "empty", DType: "object"},
	}}
	require.EqualValues(t, (8+8+1+61+8)*1_000_000+77*500_000, table.Memory())
	require.Greater(t, table.Memory(), int64(MuchMemory))
	require.Zero(t, Table{Rows: 1 << 40}.Memory())
}
