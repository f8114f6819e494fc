package storage

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/internal/pglocal/pgtest"
	"countersign/storage/pg"
)

// TestNobodyPaysForTheFirstUseOfAConnection has one session meet statements, and looks what others know: those of this
// process, and all of the next one.
func TestNobodyPaysForTheFirstUseOfAConnection(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "statements")
	url := pgtest.Database(t, migrated)
	b := bundled(t, url, Options{MaxConns: 3, Statements: file})
	require.EqualValues(t, 3, b.core.pool.Stat().TotalConns(), "open before anybody comes")
	ctx, stop := context.WithCancel(t.Context())
	kept := make(chan struct{})
	go func() { defer close(kept); b.KeepWarm(ctx) }()
	r := b.approved(t, "what is asked")
	_, err := b.Case(t.Context(), r.ID)
	require.NoError(t, err)
	knowing := func(b *bundle) (least int) { // of all three
		idle := b.core.pool.AcquireAllIdle(t.Context())
		if len(idle) == 3 {
			least = 1 << 20
		}
		for _, c := range idle {
			var n int
			require.NoError(t, c.QueryRow(t.Context(), `SELECT count(*) FROM pg_prepared_statements`, pgx.QueryExecModeSimpleProtocol).Scan(&n))
			least = min(least, n)
			c.Release()
		}
		return least
	}
	eventually(t, func() bool { return knowing(b) > 40 })
	eventually(t, func() bool { text, _ := os.ReadFile(file); return strings.Contains(string(text), "glass_rested") })
	stop()
	<-kept
	b.DB.Close()

	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), "INSERT INTO requests")
	require.NotContains(t, string(text), "what is asked", "no value is in it")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	// A statement of a former version: nobody learns it, and it keeps nobody from the rest.
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), "[\n", "[\n \"SELECT gone FROM nothing WHERE a = $1\",\n", 1)), 0o600))
	next := bundled(t, url, Options{MaxConns: 3, Statements: file})
	t.Cleanup(next.DB.Close)
	eventually(t, func() bool { return knowing(next) > 40 }) // before anything was asked of it; whoever opened it gives its sessions back in a moment of their own
	before := next.count(t, `SELECT count(*) FROM requests`)
	_, err = next.Case(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, before, next.count(t, `SELECT count(*) FROM requests`), "nothing was run")
}

// TestASessionWhoseStatementsNoLongerFitEnds: a newer program may have changed a table beneath it.
func TestASessionWhoseStatementsNoLongerFitEnds(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t, nil)
	file := filepath.Join(t.TempDir(), "statements")
	pool, err := pg.ConnectWarm(t.Context(), "countersign test", url, 1, file)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	_, err = pool.Exec(t.Context(), `CREATE TABLE things (a int)`)
	require.NoError(t, err)
	ask := func() error {
		rows, err := pool.Query(t.Context(), `SELECT * FROM things WHERE a > $1`, 0)
		if err == nil {
			rows.Close()
			err = rows.Err()
		}
		return err
	}
	require.NoError(t, ask())
	require.NoError(t, pool.Open(t.Context()))
	_, err = pool.Exec(t.Context(), `ALTER TABLE things ADD b int`)
	require.NoError(t, err)
	require.ErrorContains(t, ask(), "cached plan must not change result type")
	require.NoError(t, ask(), "by another session")
}

// TestATransactionOutlivesAMigration: all sessions of a warm pool know a statement that no longer fits, and nobody who comes then notices.
func TestATransactionOutlivesAMigration(t *testing.T) {
	t.Parallel()
	pool, err := pg.ConnectWarm(t.Context(), "countersign test", pgtest.Database(t, nil), 2*pg.Tries, filepath.Join(t.TempDir(), "statements"))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	_, err = pool.Exec(t.Context(), `CREATE TABLE things (a int); INSERT INTO things VALUES (1)`)
	require.NoError(t, err)
	type thing struct{ A, B *int }
	const all = `SELECT * FROM things WHERE a > $1`
	for _, way := range []func(take func([]thing)) error{
		func(take func([]thing)) error {
			return pool.Look(t.Context(), func(b *pgx.Batch) { pg.Ask(b, func(rows []thing) error { take(rows); return nil }, all, 0) })
		},
		func(take func([]thing)) error {
			return pool.Write(t.Context(), func(tx pgx.Tx) error {
				if _, err := tx.Exec(t.Context(), `UPDATE things SET a = a + 1 WHERE a > $1`, 0); err != nil {
					return err
				}
				rows, err := pg.All[thing](t.Context(), tx, all, 0)
				take(rows)
				return err
			})
		},
	} {
		_, err = pool.Exec(t.Context(), `ALTER TABLE things DROP COLUMN IF EXISTS b`)
		require.NoError(t, err)
		require.Error(t, way(func([]thing) {}), "there is no b yet, and now the pool knows the statement")
		require.NoError(t, pool.Open(t.Context()))
		_, err = pool.Exec(t.Context(), `ALTER TABLE things ADD b int`)
		require.NoError(t, err)
		var found []thing
		require.NoError(t, way(func(rows []thing) { found = rows }))
		require.Len(t, found, 1)
		require.Nil(t, found[0].B)
	}
	_, err = pool.Exec(t.Context(), `SELECT 1`)
	require.NoError(t, err)
	var a int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT a FROM things`).Scan(&a))
	require.Equal(t, 2, a, "what was begun again was written once")
}

func TestPostgresItselfIsNoPooler(t *testing.T) {
	t.Parallel()
	pooler, err := pg.Direct(t.Context(), pgtest.Database(t, nil))
	require.NoError(t, err)
	require.False(t, pooler)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = pg.Direct(t.Context(), "postgres://x@"+l.Addr().String()+"/x")
	require.Error(t, err)
	require.NotErrorAs(t, err, new(*pg.PoolerError), "nobody is there")
}
