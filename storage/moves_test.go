package storage

import (
	"os"
	"regexp"
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

func TestKindsOfEventAreTheSameInGoAndInTheSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../approval/event.go")
	require.NoError(t, err)
	var constants []string
	for _, found := range regexp.MustCompile(`EventKind += "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		constants = append(constants, found[1])
	}
	b := setup(t)
	rows, err := b.pool.Query(t.Context(), `SELECT kind FROM event_kinds`)
	require.NoError(t, err)
	kinds, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Greater(t, len(kinds), 50)
	require.ElementsMatch(t, constants, kinds)
}
