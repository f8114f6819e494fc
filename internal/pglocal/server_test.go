package pglocal

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// folder is like t.TempDir, for one that root's child has to pass through.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pglocal-test-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func TestStartAgain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := folder(t)
	for range 2 {
		s, err := Start(ctx, Options{Dir: dir})
		require.NoError(t, err)
		conn, err := pgx.Connect(ctx, s.URL())
		require.NoError(t, err)
		var who string
		require.NoError(t, conn.QueryRow(ctx, `select current_user || ' ' || version()`).Scan(&who))
		t.Log(who)
		require.NoError(t, conn.Close(ctx))
		require.NoError(t, s.Stop())
	}
}
