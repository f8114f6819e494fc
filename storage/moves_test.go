package storage

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
)

func TestMovesAreTheSameInGoAndInTheSchema(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rows, err := b.pool.Query(t.Context(), `SELECT from_state AS from, verb, to_state AS to FROM moves`)
	require.NoError(t, err)
	moves, err := pgx.CollectRows(rows, pgx.RowToStructByName[approval.Move])
	require.NoError(t, err)
	require.ElementsMatch(t, approval.Moves, moves)
}

// A kind is a constant, and what its event may hold stands in both tables.
func TestEventsHoldTheSameInGoAndInTheSchema(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../approval/event.go")
	require.NoError(t, err)
	var constants []approval.EventKind
	for _, found := range regexp.MustCompile(`EventKind += "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		constants = append(constants, found[1])
	}
	require.Greater(t, len(constants), 50)
	require.ElementsMatch(t, constants, slices.Collect(maps.Keys(approval.Facts)))
	b := setup(t)
	rows, err := b.pool.Query(t.Context(), `SELECT kind, facts FROM event_kinds`)
	require.NoError(t, err)
	schema := map[approval.EventKind]map[string]approval.Fact{}
	var kind string
	var facts map[string]approval.Fact
	_, err = pgx.ForEachRow(rows, []any{&kind, &facts}, func() error {
		schema[kind], facts = facts, nil
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, approval.Facts, schema)
}
