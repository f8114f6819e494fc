package pglocal

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestACommandGoesIntoTheServerThatAnotherProcessRuns(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cmd := another(t, "server", "PGLOCAL_TEST_DIR="+dir)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, _ := bufio.NewReader(out).ReadString('\n')
	require.Contains(t, line, "postgres:///postgres?")

	s, err := Open(t.Context(), Options{Dir: dir})
	require.NoError(t, err)
	require.True(t, s.Joined())
	require.Equal(t, line, s.URL()+"\n")
	require.Equal(t, role, query(t, s.URL(), `SELECT current_user::text`))
	require.NoError(t, s.Stop())
	require.Equal(t, "1", query(t, s.URL(), `SELECT '1'`), "the server is the other process's, and goes on")

	require.NoError(t, in.Close())
	_, _ = io.Copy(io.Discard, out)
	require.NoError(t, cmd.Wait())
	own, err := Open(t.Context(), Options{Dir: dir, Throwaway: true})
	require.NoError(t, err)
	require.False(t, own.Joined())
	require.Equal(t, "1", query(t, own.URL(), `SELECT '1'`))
	require.NoError(t, own.Stop())
	<-own.Ended()
}

func TestACommandWaitsForAServerThatStartsOrStops(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, Options{Dir: dir, Throwaway: true})
	require.NoError(t, s.Stop())
	held, err := lock(dir) // as a process has it that has yet to start its server, or has just ended it
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Open(ctx, Options{Dir: dir, Throwaway: true})
	var used *InUseError
	require.ErrorAs(t, err, &used, "it did not wait any longer than it may")
	go func() {
		time.Sleep(100 * time.Millisecond)
		_ = unlock(held)
	}()
	own, err := Open(t.Context(), Options{Dir: dir, Throwaway: true})
	require.NoError(t, err)
	require.NoError(t, own.Stop())
}

func TestACommandThatEndsLeavesTheServerToTheOthers(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	require.NoError(t, start(t, Options{Dir: dir, Throwaway: true}).Stop())
	first, err := Open(t.Context(), Options{Dir: dir, Throwaway: true})
	require.NoError(t, err)
	require.False(t, first.Joined())
	first.patience = time.Minute
	second, err := Open(t.Context(), Options{Dir: dir})
	require.NoError(t, err)
	require.True(t, second.Joined())
	third, err := Open(t.Context(), Options{Dir: dir})
	require.NoError(t, err)
	require.NoError(t, third.Stop())

	stopped := make(chan error)
	go func() { stopped <- first.Stop() }()
	require.Equal(t, "done", query(t, second.URL(), `SELECT 'done' FROM pg_sleep(1)`), "nobody throws it out")
	require.NoError(t, second.Stop())
	require.NoError(t, <-stopped)
	<-first.Ended()

	last, err := Open(t.Context(), Options{Dir: dir, Throwaway: true})
	require.NoError(t, err)
	require.False(t, last.Joined())
	_, err = Open(t.Context(), Options{Dir: dir}) // and never stops
	require.NoError(t, err)
	last.patience = 200 * time.Millisecond
	_ = last.Stop() // it waits for nobody for ever; with so little patience the server may be killed, too
	<-last.Ended()
}

func TestAServerWaitsForACommandThatIsSoonOver(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	require.NoError(t, start(t, Options{Dir: dir, Throwaway: true}).Stop())
	brief, err := Open(t.Context(), Options{Dir: dir, Throwaway: true})
	require.NoError(t, err)
	var used *InUseError
	_, err = Start(t.Context(), Options{Dir: dir, Throwaway: true, Wait: time.Millisecond})
	require.ErrorAs(t, err, &used)
	hurried, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Start(hurried, Options{Dir: dir, Throwaway: true, Wait: time.Minute})
	require.ErrorAs(t, err, &used)

	started := make(chan error, 1)
	go func() {
		s, err := Start(t.Context(), Options{Dir: dir, Throwaway: true, Wait: time.Minute})
		if err == nil {
			err = s.Stop()
		}
		started <- err
	}()
	require.Equal(t, "1", query(t, brief.URL(), `SELECT '1'`))
	require.NoError(t, brief.Stop())
	require.NoError(t, <-started)
}

func TestACommandDoesNotJoinAServerThatEnds(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, Options{Dir: dir, Throwaway: true})
	done := s.seeOff()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, Options{Dir: dir})
	var used *InUseError
	require.ErrorAs(t, err, &used)
	done()
	joined, err := Open(ctx, Options{Dir: dir})
	require.NoError(t, err)
	require.NoError(t, joined.Stop())
}

func TestACommandMakesNoDatabase(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), "not", "yet")
	_, err := Open(t.Context(), Options{Dir: dir})
	var none *NoneError
	require.ErrorAs(t, err, &none)
	require.EqualError(t, err, "There is no database in "+dir+" yet.")
	require.NoDirExists(t, filepath.Dir(dir))
	_, err = Open(t.Context(), Options{Dir: dir, places: &places{chosen: "/nowhere"}})
	var missing *MissingError
	require.ErrorAs(t, err, &missing, "what would keep one from being made is said first")
}

func TestACommandOfAnotherUserIsToldWhoMayUseTheDatabase(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	start(t, Options{Dir: dir, Throwaway: true})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pg_ident.conf"), []byte(`countersign "somebody" countersign`), 0o644))
	_, err := Open(t.Context(), Options{Dir: dir})
	require.ErrorContains(t, err, "run this as that user")
	var used *InUseError
	require.ErrorAs(t, err, &used)
}

// Whoever works in the database owns nothing in it, and is let in by the same account.
func TestTheServerHasARoleThatOwnsNothing(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Dir: folder(t), Throwaway: true})
	query(t, s.URL(), `CREATE TABLE kept AS SELECT 7 AS n`)
	require.Equal(t, ServeRole, query(t, s.ServeURL(), `SELECT current_user::text`))
	require.Equal(t, "false", query(t, s.ServeURL(), `SELECT (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)::text FROM pg_roles WHERE rolname = current_user`))
	require.Equal(t, "false", query(t, s.ServeURL(), `SELECT has_table_privilege('kept', 'SELECT')::text`))
}
