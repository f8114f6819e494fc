package pglocal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// TestMain is also the program of another process, when a test needs one.
func TestMain(m *testing.M) {
	switch os.Getenv("PGLOCAL_TEST_AS") {
	case "server": // runs a cluster until it is killed or its input ends
		s, err := Start(context.Background(), Options{Dir: os.Getenv("PGLOCAL_TEST_DIR"), Throwaway: true})
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(s.URL())
		_, _ = io.Copy(io.Discard, os.Stdin)
		if err := s.Stop(); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	case "stranger": // tries a socket
		_, err := net.Dial("unix", os.Getenv("PGLOCAL_TEST_SOCKET"))
		fmt.Println(err)
	default:
		os.Exit(m.Run())
	}
}

// folder is like t.TempDir, for one that root's child has to pass through.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "test-pglocal-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// writeProgram writes while nothing is forked: a child that still had the file
// open for writing would keep it from being run.
func writeProgram(t *testing.T, path string, text []byte) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(path, text, 0o755))
}

// another is this test's program as another process, which is nobody where it can be.
func another(t *testing.T, as string, env ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	text, err := os.ReadFile(program)
	require.NoError(t, err)
	dir := folder(t) // where go test builds, nobody else can go
	program = filepath.Join(dir, "program")
	writeProgram(t, program, text)
	require.NoError(t, os.Chmod(dir, 0o755))
	cmd := exec.Command(program)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append(env, "PGLOCAL_TEST_AS="+as, "GOCOVERDIR="+dir)...)
	return cmd
}

// asNobody makes the process another user's, where this one may. As a plain user
// there is nobody else to be: then it is that user's.
func asNobody(t *testing.T, cmd *exec.Cmd) (uid, gid int) {
	t.Helper()
	if os.Geteuid() != 0 {
		return os.Geteuid(), os.Getegid()
	}
	nobody, err := dropTo(user.Lookup("nobody"))
	require.NoError(t, err)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: nobody.credential()}
	return nobody.uid, nobody.gid
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return s
}

// query runs a statement on a connection of its own.
func query(t *testing.T, url, sql string) (answer string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer conn.Close(ctx)
	if strings.HasPrefix(sql, "SELECT") || strings.HasPrefix(sql, "SHOW") {
		require.NoError(t, conn.QueryRow(ctx, sql).Scan(&answer))
		return answer
	}
	_, err = conn.Exec(ctx, sql)
	require.NoError(t, err)
	return ""
}

func TestDataOutlivesTheServer(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	var log strings.Builder
	s := start(t, Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	url := s.URL()
	query(t, url, `CREATE TABLE kept (n int)`)
	query(t, url, `INSERT INTO kept VALUES (7)`)
	require.NoError(t, s.Stop())
	require.NoError(t, s.Stop(), "again")
	<-s.Ended()
	require.Contains(t, log.String(), "postgres runs")
	again := start(t, Options{Dir: dir})
	require.Equal(t, url, again.URL(), "clients find it where it was")
	require.Equal(t, "7", query(t, again.URL(), `SELECT n::text FROM kept`))
}

func TestTheServerIsPrivate(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, Options{Dir: dir, Throwaway: true})
	require.Empty(t, query(t, s.URL(), `SHOW listen_addresses`))
	require.Equal(t, "off", query(t, s.URL(), `SHOW fsync`))
	require.Equal(t, "500", query(t, s.URL(), `SHOW max_connections`))
	require.Equal(t, role, query(t, s.URL(), `SELECT current_user::text`))
	require.NotContains(t, s.URL(), ":@")
	info, err := os.Stat(s.socket)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	socket := filepath.Join(s.socket, ".s.PGSQL.5432")
	cmd := another(t, "stranger", "PGLOCAL_TEST_SOCKET="+socket)
	uid, _ := asNobody(t, cmd)
	out, err := cmd.Output()
	require.NoError(t, err)
	if uid == s.owner.uid || uid == os.Geteuid() {
		require.Contains(t, string(out), "<nil>")
	} else {
		require.Contains(t, string(out), "permission denied")
	}
}

func TestADurableServerSyncs(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Dir: folder(t)})
	require.Equal(t, "on", query(t, s.URL(), `SHOW fsync`))
	require.Equal(t, "on", query(t, s.URL(), `SHOW synchronous_commit`))
}

func TestASecondOpenerIsToldWhoHasTheFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, Options{Dir: dir, Throwaway: true})
	_, err := Start(t.Context(), Options{Dir: dir, Throwaway: true})
	var inUse *InUseError
	require.ErrorAs(t, err, &inUse)
	require.Equal(t, &InUseError{Dir: dir, PID: os.Getpid()}, inUse)
	require.Equal(t, fmt.Sprintf("Another process (number %d) is using the database in %s.", os.Getpid(), dir), inUse.Error())
	require.Equal(t, "Another process is using the database in /x.", (&InUseError{Dir: "/x"}).Error())
	require.Equal(t, "1", query(t, s.URL(), `SELECT '1'`), "and the first one is not disturbed")
	require.NoError(t, s.Stop())
	start(t, Options{Dir: dir, Throwaway: true})
}

func TestAnotherUserRunsOneOfTheirOwn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), "theirs")
	require.NoError(t, os.Mkdir(dir, 0o755))
	cmd := another(t, "server", "PGLOCAL_TEST_DIR="+dir)
	uid, gid := asNobody(t, cmd)
	require.NoError(t, os.Chown(dir, uid, gid))
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, _ := bufio.NewReader(out).ReadString('\n')
	require.Contains(t, line, "postgres:///postgres?")
	owner, _ := ownerOf(filepath.Join(dir, "data"))
	require.Equal(t, uid, owner)
	_, err = Start(t.Context(), Options{Dir: dir})
	var inUse *InUseError
	require.ErrorAs(t, err, &inUse)
	require.Equal(t, cmd.Process.Pid, inUse.PID)
	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
	// It was theirs, and stays theirs when root opens it; anybody else is that user.
	s := start(t, Options{Dir: dir})
	require.Equal(t, uid, s.owner.uid)
	require.Equal(t, role, query(t, s.URL(), `SELECT current_user::text`))
}

func TestAPathThatFitsNoSocketHasItElsewhere(t *testing.T) {
	t.Parallel()
	for name, elsewhere := range map[string]bool{strings.Repeat("deep/", 30): true, `a "quoted", comma`: true, "a space + a %20 'é": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, Options{Dir: filepath.Join(folder(t), name), Throwaway: true})
			require.Equal(t, elsewhere, strings.HasPrefix(s.socket, "/tmp/pglocal-"), s.socket)
			require.Equal(t, "1", query(t, s.URL(), `SELECT '1'`))
			require.NoError(t, s.Stop())
			if elsewhere {
				require.NoDirExists(t, s.socket)
			}
		})
	}
}

func TestWhatIsNotOursIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, text, message string
	}{
		"something else":        {"letter.txt", "dear diary", "is no database, and is left alone"},
		"another version":       {"PG_VERSION", "9.6\n", "was written by PostgreSQL 9, which is not installed here. Install it with: "},
		"a version of the moon": {"PG_VERSION", "moon\n", "does not say which PostgreSQL wrote it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			data := filepath.Join(dir, "data")
			require.NoError(t, os.Mkdir(data, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(data, c.file), []byte(c.text), 0o644))
			_, err := Start(t.Context(), Options{Dir: dir})
			require.ErrorContains(t, err, c.message)
			require.ErrorContains(t, err, dir)
			text, err := os.ReadFile(filepath.Join(data, c.file))
			require.NoError(t, err)
			require.Equal(t, c.text, string(text))
			_, err = Start(t.Context(), Options{Dir: dir})
			require.False(t, errors.As(err, new(*InUseError)), "a start that failed has let go of the folder")
		})
	}
}

func TestStartSaysWhatWentWrong(t *testing.T) {
	t.Parallel()
	t.Run("no programs", func(t *testing.T) {
		t.Parallel()
		_, err := Start(t.Context(), Options{Dir: folder(t), places: &places{chosen: "/nowhere"}})
		var missing *MissingError
		require.ErrorAs(t, err, &missing)
	})
	t.Run("initdb", func(t *testing.T) {
		t.Parallel()
		dir := folder(t)
		require.NoError(t, os.Mkdir(filepath.Join(dir, "data.new"), 0o755)) // of a start that was cut off
		bin := fakePrograms(t, dir, "bin", "17.1")
		_, err := Start(t.Context(), Options{Dir: dir, places: &places{chosen: bin}})
		require.ErrorContains(t, err, "disk full")
		require.NoDirExists(t, filepath.Join(dir, "data"), "nothing that looks like data")
	})
	t.Run("the server", func(t *testing.T) {
		t.Parallel()
		dir := folder(t)
		s := start(t, Options{Dir: dir, Throwaway: true})
		require.NoError(t, s.Stop())
		require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "postgresql.auto.conf"), []byte("shared_buffers = 'lots'\n"), 0o644))
		_, err := Start(t.Context(), Options{Dir: dir, Throwaway: true})
		require.ErrorContains(t, err, "postgres did not start: ")
		require.ErrorContains(t, err, "shared_buffers")
	})
	t.Run("no time", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := Start(ctx, Options{Dir: folder(t)})
		require.ErrorIs(t, err, context.Canceled)
	})
	t.Run("no time to wait", func(t *testing.T) {
		t.Parallel()
		dir := folder(t)
		require.NoError(t, start(t, Options{Dir: dir, Throwaway: true}).Stop())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := Start(ctx, Options{Dir: dir, Throwaway: true})
		require.ErrorContains(t, err, "wait for postgres")
	})
	t.Run("no folder", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(folder(t), "file")
		require.NoError(t, os.WriteFile(file, nil, 0o644))
		_, err := Start(t.Context(), Options{Dir: filepath.Join(file, "below")})
		require.ErrorContains(t, err, "make the database's folder")
	})
	t.Run("a socket's folder that is somebody's", func(t *testing.T) {
		t.Parallel()
		dir := folder(t)
		require.NoError(t, os.Mkdir(filepath.Join(dir, "socket"), 0o777))
		require.NoError(t, os.Chmod(filepath.Join(dir, "socket"), 0o777))
		_, err := Start(t.Context(), Options{Dir: dir, Throwaway: true})
		require.ErrorContains(t, err, "make the folder of the database's socket")
	})
	t.Run("a lock that is a folder", func(t *testing.T) {
		t.Parallel()
		dir := folder(t)
		require.NoError(t, os.Mkdir(filepath.Join(dir, "lock"), 0o755))
		_, err := Start(t.Context(), Options{Dir: dir})
		require.ErrorContains(t, err, "lock "+dir)
	})
}

func TestALargeLogStartsOver(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	path := filepath.Join(dir, "postgres.log")
	require.NoError(t, os.WriteFile(path, make([]byte, 2<<20), 0o600))
	start(t, Options{Dir: dir, Throwaway: true})
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(1<<20))
}
