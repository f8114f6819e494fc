package e2b_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/sandbox"
	"countersign/sandbox/e2b"
	"countersign/sandbox/e2b/e2btest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limits are such that no program here comes to them, on however busy a machine.
var limits = approval.Limits{Seconds: 1200, MemoryMB: 1024, OutputBytes: 8 << 20, Files: 10}

// testBundle is a client, the E2B that it speaks to, and what it has logged.
type testBundle struct {
	e2b    *e2btest.Server
	client *e2b.Client
	log    *buffer
}

func setup(t *testing.T, change ...func(*e2b.Options)) *testBundle {
	t.Helper()
	return setupOn(t, func(*e2btest.Settings) {}, change...)
}

// setupOn is the same with an E2B of other settings.
func setupOn(t *testing.T, settings func(*e2btest.Settings), change ...func(*e2b.Options)) *testBundle {
	t.Helper()
	b := &testBundle{e2b: e2btest.New(t, settings), log: &buffer{}}
	b.client = b.another(t, change...)
	return b
}

// another makes one more client of the same E2B: another replica, or this one
// after a restart.
func (b *testBundle) another(t *testing.T, change ...func(*e2b.Options)) *e2b.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	o := e2b.Options{APIKey: e2btest.Key, APIURL: b.e2b.APIURL, SandboxURL: b.e2b.SandboxURL, Patience: 5 * time.Minute,
		Version: "1.2.3", HTTPClient: &http.Client{Transport: transport},
		Log: slog.New(slog.NewTextHandler(io.Writer(b.log), &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, c := range change {
		c(&o)
	}
	client, err := e2b.New(o)
	require.NoError(t, err)
	return client
}

// impatient is for what never comes; what does come is here in time, on a busy machine too.
func impatient(o *e2b.Options) { o.Patience = 3 * time.Second }

func sealFor(code string, inputs ...steps.InputFile) approval.Manifest {
	seal := approval.Manifest{Version: approval.ManifestVersion, CodeSHA256: approval.Hash([]byte(code)), Sandbox: e2b.Kind,
		Template: e2btest.Template + ", " + sandbox.Runner(), Limits: limits}
	for _, in := range inputs {
		seal.Inputs = append(seal.Inputs, in.Input)
	}
	return seal
}

func jobFor(requestID, code string, inputs ...steps.InputFile) steps.Job {
	return steps.Job{RequestID: requestID, Code: code, CodeSHA256: approval.Hash([]byte(code)), Inputs: inputs, Limits: limits}
}

func input(name, text string) steps.InputFile {
	return steps.InputFile{Input: approval.Input{Name: name, SHA256: approval.Hash([]byte(text))}, Size: int64(len(text)), Open: steps.Held([]byte(text))}
}

// run takes a piece of code through a whole life.
func (b *testBundle) run(t *testing.T, requestID, code string, inputs ...steps.InputFile) approval.Result {
	t.Helper()
	id := b.create(t, requestID, code, inputs...)
	require.NoError(t, b.client.Start(t.Context(), id, jobFor(requestID, code, inputs...)))
	result, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.NoError(t, b.client.Kill(t.Context(), id))
	return result
}

func (b *testBundle) create(t *testing.T, requestID, code string, inputs ...steps.InputFile) string {
	t.Helper()
	id, err := b.client.Create(t.Context(), requestID, sealFor(code, inputs...))
	require.NoError(t, err)
	return id
}

// boxError is the error as people would get it.
func boxError(t *testing.T, err error) *steps.BoxError {
	t.Helper()
	var box *steps.BoxError
	require.ErrorAs(t, err, &box)
	require.NotEmpty(t, box.Words)
	return box
}

// soon waits for something that another process does.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute) // on a machine that has no moment to spare
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			require.Fail(t, "it never came to this: "+what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
