package storage

import (
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
