package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

var migrated atomic.Int32

func migrate(ctx context.Context, url string) error {
	migrated.Add(1)
	return exec1(ctx, url, `CREATE TABLE things (n int PRIMARY KEY)`)
}

func exec1(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			url := Database(t, migrate)
			require.NoError(t, exec1(t.Context(), url, `INSERT INTO things VALUES (1)`), "nobody else's 1 is in here")
		})
	}
	t.Cleanup(func() { require.Equal(t, int32(1), migrated.Load(), "the template was migrated once") })
}

func TestADatabaseIsDroppedWithItsTest(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("inner", func(t *testing.T) {
		url = Database(t, nil)
		require.NoError(t, exec1(t.Context(), url, `SELECT 1`))
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close(context.Background()) }) // somebody who forgets to close is thrown out
	})
	require.ErrorContains(t, exec1(t.Context(), url, `SELECT 1`), "does not exist")
}

// TestInAnotherProcess is what the tests below run in a process of its own.
func TestInAnotherProcess(t *testing.T) {
	switch os.Getenv("PGTEST_AS") {
	case "use":
		url := Database(t, nil)
		fmt.Println("url:", url)
	case "killed":
		fmt.Println("url:", Database(t, nil))
		p, err := os.FindProcess(os.Getpid())
		require.NoError(t, err)
		require.NoError(t, p.Kill())
		select {}
	case "broken":
		Database(t, func(context.Context, string) error { return errors.New("no such migration") })
	}
}

func inAnotherProcess(t *testing.T, as string, env ...string) (output string, ok bool) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program, "-test.run", "^TestInAnotherProcess$", "-test.v")
	cmd.Env = append(os.Environ(), append(env, "PGTEST_AS="+as, "GOCOVERDIR="+t.TempDir())...)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func TestNothingIsLeftOfAProcessThatHasEnded(t *testing.T) {
	t.Parallel()
	for as, ended := range map[string]bool{"use": true, "killed": false} {
		t.Run(as, func(t *testing.T) {
			t.Parallel()
			out, ok := inAnotherProcess(t, as)
			require.Equal(t, ended, ok, out)
			_, url, found := strings.Cut(out, "url: ")
			require.True(t, found, out)
			_, socket, _ := strings.Cut(url, "host=")
			socket, _, _ = strings.Cut(socket, "&")
			dir := filepath.Dir(strings.ReplaceAll(socket, "%2F", "/"))
			require.True(t, strings.HasPrefix(dir, "/tmp/pgtest-"), dir)
			require.Eventually(t, func() bool { _, err := os.Stat(dir); return errors.Is(err, os.ErrNotExist) },
				20*time.Minute, 10*time.Millisecond, "the server ends, and its folder goes")
		})
	}
}

func TestWithoutPostgresATestFailsAndSaysWhatToInstall(t *testing.T) {
	t.Parallel()
	out, ok := inAnotherProcess(t, "use", "PG_BIN=/nowhere")
	require.False(t, ok)
	require.Contains(t, out, "--- FAIL")
	require.Contains(t, out, "Install it with: ")
	require.NotContains(t, out, "SKIP")
}

func TestAMigrationThatFailsFailsTheTest(t *testing.T) {
	t.Parallel()
	out, ok := inAnotherProcess(t, "broken")
	require.False(t, ok)
	require.Contains(t, out, "migrate the template database: no such migration")
}
