//go:build linux

package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/proof"
)

// All tests share one sandbox, as all requests of a replica do.
var shared *Sandbox

func TestMain(m *testing.M) {
	if dir := os.Getenv("SANDBOX_TEST_VICTIM"); dir != "" {
		fmt.Fprintln(os.Stderr, beVictim(dir))
		os.Exit(1)
	}
	if dir := os.Getenv("SANDBOX_TEST_STANDER"); dir != "" {
		if err := beStander(dir, os.Getenv("SANDBOX_TEST_RANK")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	dir, err := os.MkdirTemp("", "cs")
	if err == nil {
		shared, err = New(Options{Dir: dir, MaxWarm: 2})
	}
	if err == nil {
		shared.patience = soon
	}
	if err == nil {
		_, err = shared.SelfTest(context.Background())
	}
	if err != nil {
		if box, ok := errors.AsType[*steps.BoxError](err); ok {
			fmt.Fprintln(os.Stderr, box.Words)
		}
		fmt.Fprintln(os.Stderr, err)
		if shared != nil {
			fmt.Fprintln(os.Stderr, shared.Close(), os.Remove(dir))
		}
		os.Exit(1)
	}
	code := m.Run()
	if err := errors.Join(shared.Close(), os.Remove(dir), goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, "after the tests:", err)
		code = 1
	}
	os.Exit(code)
}

// soon is for what takes a moment, on a machine that has no moment to spare. Nothing
// that a test waits for has a shorter limit.
const soon = 20 * time.Minute

// create gives a request its box, however long that takes here.
func create(t testing.TB, s *Sandbox, id string) (boxID string) {
	t.Helper()
	for {
		boxID, err := s.Create(t.Context(), id, s.seal())
		if box, ok := errors.AsType[*steps.BoxError](err); ok && box.Kept {
			continue
		}
		require.NoError(t, err)
		return boxID
	}
}

// roomy are limits that no honest program comes to, on however busy a machine.
var roomy = approval.Limits{Seconds: 600, MemoryMB: 1024, OutputBytes: 32 << 20, Files: 20}

const salesText = "day,kind,amount\n2024-01-01,a,10\n2024-01-02,b,\n2024-01-03,a,2.5\n"

var sales = input("sales.csv", salesText)

func input(name, data string) steps.InputFile {
	return steps.InputFile{Input: approval.Input{Name: name, SHA256: approval.Hash([]byte(data))}, Size: int64(len(data)), Open: steps.Held([]byte(data))}
}

func job(code string, limits approval.Limits, inputs ...steps.InputFile) steps.Job {
	return steps.Job{Code: code, CodeSHA256: approval.Hash([]byte(code)), Inputs: inputs, Limits: limits}
}

func (s *Sandbox) seal() approval.Manifest {
	return approval.Manifest{Sandbox: Kind, Template: s.Template()}
}

var running sync.Mutex // guards serial
var serial int

func freshID() string {
	running.Lock()
	defer running.Unlock()
	serial++
	return fmt.Sprintf("request-%d", serial)
}

// run takes a job through a whole life in the shared sandbox.
func run(t testing.TB, j steps.Job) approval.Result {
	t.Helper()
	return runIn(t, shared, j)
}

func runIn(t testing.TB, s *Sandbox, j steps.Job) approval.Result {
	t.Helper()
	ctx := t.Context() // a box takes as long as the machine needs; what hangs ends with the test binary's own deadline
	id := freshID()
	boxID := create(t, s, id)
	b := s.box(boxID)
	require.NoError(t, s.Start(ctx, boxID, j))
	result, err := s.Result(ctx, boxID)
	require.NoError(t, err)
	require.NoError(t, s.Kill(ctx, boxID))
	require.True(t, b.dead())
	require.Empty(t, children(b.proc.cmd.Process.Pid))
	return result
}

// tenthOf returns the cases of a table that a proof tries, each in a box of its own: in the suite a drawn tenth. When the last of
// them has ended, the promise that they show is a row of the proof.
func tenthOf[T any](t *testing.T, promise string, all map[string]T) map[string]T {
	t.Helper()
	some := map[string]T{}
	for _, name := range proof.Draw(t, slices.Sorted(maps.Keys(all))) {
		some[name] = all[name]
	}
	t.Cleanup(func() { proof.Check(t, !t.Failed(), promise, "%d of %d cases tried", len(some), len(all)) })
	return some
}

// inTime runs code in a test of its limit: where a busy machine did not come to the point within that limit, once more within a
// longer one.
func inTime(t *testing.T, seconds int, code func(seconds int) string, came func(approval.Result) bool) (result approval.Result, limit int) {
	t.Helper()
	for limit = seconds; ; limit *= 4 {
		limits := roomy
		limits.Seconds = limit
		if result = run(t, job(code(limit), limits)); came(result) || limit > roomy.Seconds {
			return result, limit
		}
	}
}

func names(artifacts []approval.Artifact) []string {
	var all []string
	for _, a := range artifacts {
		all = append(all, a.Name)
	}
	return all
}
