package pglocal

import (
	"bufio"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheServerEndsWithAProcessThatIsKilled(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cmd := another(t, "server", "PGLOCAL_TEST_DIR="+dir)
	_, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, _ := bufio.NewReader(out).ReadString('\n')
	url := strings.TrimSpace(line)
	query(t, url, `CREATE TABLE kept AS SELECT 7 AS n`)
	pid, ready := postmaster(filepath.Join(dir, "data"))
	require.True(t, ready)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	// The next one may come while the old server is still on its way out.
	s := start(t, Options{Dir: dir, Throwaway: true})
	require.Equal(t, "7", query(t, s.URL(), `SELECT n::text FROM kept`))
	require.Empty(t, commandLine(pid), "the old server is gone")
}

func TestAServerThatIsKilledRecovers(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, Options{Dir: dir, Throwaway: true})
	query(t, s.URL(), `CREATE TABLE kept AS SELECT 7 AS n`)
	require.NoError(t, s.process.Kill())
	<-s.Ended()
	require.FileExists(t, filepath.Join(s.data, "postmaster.pid"))
	require.NoError(t, s.Stop())
	again := start(t, Options{Dir: dir, Throwaway: true})
	require.Equal(t, "7", query(t, again.URL(), `SELECT n::text FROM kept`))
}

func TestAServerThatWasLeftBehindIsEnded(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	left := start(t, Options{Dir: dir, Throwaway: true})
	require.NoError(t, unlock(left.lock)) // as where no kernel ends it with its process
	left.lock, _ = os.Open(os.DevNull)
	again := start(t, Options{Dir: dir, Throwaway: true})
	<-left.Ended()
	require.Equal(t, "1", query(t, again.URL(), `SELECT '1'`))
}

func TestANumberThatBelongsToSomebodyElseByNowIsNoServer(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, Options{Dir: dir, Throwaway: true})
	require.NoError(t, s.Stop())
	stale := filepath.Join(dir, "data", "postmaster.pid")
	require.NoError(t, os.WriteFile(stale, []byte(strconv.Itoa(os.Getpid())+"\n"+dir+"/data\n"), 0o600))
	again := start(t, Options{Dir: dir, Throwaway: true})
	require.Equal(t, "1", query(t, again.URL(), `SELECT '1'`))
}

func TestAServerThatDoesNotStopIsKilled(t *testing.T) {
	t.Parallel()
	// A process that shrugs off everything stands for it.
	cmd := exec.Command("/bin/sh", "-c", `trap "" INT QUIT; echo ready; while :; do sleep 0.1; done`)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	s := &Server{process: cmd.Process, ended: make(chan struct{}), log: slog.New(slog.DiscardHandler), patience: time.Millisecond}
	go func() {
		_ = cmd.Wait()
		close(s.ended)
	}()
	// Only SIGKILL gets through, and it may take longer than our patience here.
	for err = s.end(); err != nil; err = s.end() {
		require.ErrorContains(t, err, "cannot be stopped")
	}
	<-s.Ended()
	require.NoError(t, s.end(), "there is nothing left to stop")
}
