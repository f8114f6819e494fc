package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"countersign/internal/pglocal/pgtest"
)

// The scripts in testdata/script are what a person types and reads. A script's
// environment is the program's whole environment.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			dir, err := passable()
			if err != nil {
				return err
			}
			e.Defer(func() {
				require.NoError(t, errors.Join(os.RemoveAll(dir), os.RemoveAll(dir+".key"), os.RemoveAll(dir+".key.former")))
			})
			e.Setenv("DATA_DIR", dir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"countersign": scripted},
	})
}

// passable is a folder through which the user of a Postgres that has dropped root
// can pass, with a name short enough for its socket. Below t.TempDir it cannot.
func passable() (string, error) {
	dir, err := os.MkdirTemp("/tmp", "countersign-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

// scripted runs the program inside the test, where its lines are counted.
func scripted(ts *testscript.TestScript, neg bool, args []string) {
	var environ []string
	for name := range settings() {
		if value := ts.Getenv(name); value != "" {
			environ = append(environ, name+"="+value)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	code := run(ctx, args, environ, ts.Stdout(), ts.Stderr())
	if (code != 0) != neg {
		ts.Fatalf("exit code %d", code)
	}
}

func TestACancelledCommandIsNoFailure(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx, cancel := context.WithCancel(h.ctx)
	var out, errs lockedBuffer
	done := make(chan int, 1)
	go func() { done <- run(ctx, []string{"serve"}, h.environ(), &out, &errs) }()
	require.NoError(t, h.sim.WaitSockets(h.patient(), 2), "%s", errs.String())
	cancel()
	require.Zero(t, <-done, errs.String())
	require.Contains(t, errs.String(), "serving")
	require.NotContains(t, errs.String(), string(h.program.SlackBotToken))
	require.NotContains(t, errs.String(), string(h.program.SlackAppToken))
}

func TestServeSaysThatNothingCanRunWithoutASandbox(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *Config) { c.Runsc = "/nothing/runsc" })
	ctx, cancel := context.WithCancel(h.ctx)
	var errs lockedBuffer
	p := h.program
	p.log = logTo(&errs)
	done := make(chan error, 1)
	go func() { done <- serve(ctx, p) }()
	require.NoError(t, h.sim.WaitSockets(h.patient(), 2))
	cancel()
	require.NoError(t, <-done)
	require.Contains(t, errs.String(), "nothing can be asked")
	require.Contains(t, errs.String(), "make libexec/runsc")
}

func TestServeNeedsAModelAndWaitsForADatabase(t *testing.T) {
	t.Parallel()
	h := open(t)
	p := h.program
	p.MistralModel = "codestral-latest"
	require.ErrorContains(t, serve(h.ctx, p), "codestral-latest")
	p = h.program
	p.DatabaseURL = "postgres://u:hunter2@127.0.0.1:1/x"
	var said lockedBuffer
	p.log = logTo(&said)
	ctx, cancel := context.WithCancel(h.ctx)
	done := make(chan error, 1)
	go func() { done <- serve(ctx, p) }()
	h.soon("it says so", func() bool {
		return strings.Contains(said.String(), "the database cannot be reached: serve waits for it")
	})
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.NotContains(t, said.String(), "hunter2")
}

// Serve's own role makes no tables: without the owner's address somebody else migrates.
func TestServeMigratesAsTheOwnerOrNamesWhoDoes(t *testing.T) {
	t.Parallel()
	h := open(t)
	p, owner := h.program, pgtest.Database(t, nil)
	p.DatabaseURL = Secret(pgtest.Serve(owner))
	require.ErrorContains(t, serve(h.ctx, p), "run `countersign migrate`")
	found := p.checkDatabase(h.ctx)
	require.ErrorContains(t, found.err, "run `countersign migrate`, or set MIGRATE_DATABASE_URL")
	p.MigrateDatabaseURL = Secret(owner)
	found = p.checkDatabase(h.ctx)
	require.NoError(t, found.err)
	require.Contains(t, found.say, "which serve or countersign migrate applies")
	require.NoError(t, migrate(h.ctx, p))
	found = p.checkDatabase(h.ctx)
	require.NoError(t, found.err)
	require.Contains(t, found.say, "reached and up to date; serve's role owns nothing")

	p.DatabaseURL, p.MigrateDatabaseURL = Secret(owner), ""
	found = p.checkDatabase(h.ctx)
	require.NoError(t, found.err)
	require.True(t, found.warn)
	for _, words := range []string{"serve's role countersign is a superuser", "CREATE ROLE countersign_serve LOGIN", "run `countersign migrate`, which grants what it needs"} {
		require.Contains(t, found.say, words)
	}
}

func TestAuditNeedsADatabaseThatIsUpToDate(t *testing.T) {
	t.Parallel()
	h := open(t)
	p := h.program
	p.args = []string{"nosuch1"}
	require.EqualError(t, audit(h.ctx, p), "there is no request nosuch1")
	require.NoError(t, migrated(h.ctx, h.url), "a second time changes nothing")
	p.DatabaseURL = "postgres://127.0.0.1:1/x"
	require.Error(t, audit(h.ctx, p))
}

func TestVersionNamesTheCompiler(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"version"}, nil, &out, &out))
	require.Regexp(t, `^countersign .+ go1\.\d+`, out.String())
}
