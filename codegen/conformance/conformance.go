// Package conformance holds every provider of models to one set of promises, on a
// server on loopback that speaks the provider's published format. A provider passes
// when each answer and each way of failing is told, repeated and billed as the rule
// wants it, whoever's format it is.
//
//	dialects.go   the formats, with their sources
//	scenes.go     what is promised
//	server.go     the server, which also checks what it is asked
package conformance

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/codegen"
	"countersign/internal/proof"
)

// Dialect is the format of one provider: how a request has to look, and how the server's model answers in it. It is written
// from the provider's documents and not from our client, so that the two cannot share a mistake.
type Dialect struct {
	Name  string // as people read it
	Model string
	Path  string // where calls go

	key     func(http.Header) string
	ends    map[codegen.End]string // the provider's words; what it has no word for is not tried
	ask     func(request map[string]any) string
	say     func(d Dialect, s Said) any
	fault   func(status int, message string) any
	chunked bool // an answer can be a list of texts
	writes  bool // it tells what went into the cache
}

// Said is what the server's model says.
type Said struct {
	Model    string
	Text     string
	Chunks   []string // the text in pieces
	Thought  string
	End      codegen.End
	Input    int // all tokens of the prompt
	Cached   int // of them, from the cache
	Written  int // of them, into the cache
	Output   int // all that came back
	Reasoned int // of them, thought
	NoUsage  bool
	Beside   bool // the text stands beside the call of a tool
}

// Key is the only key that the server takes.
const Key = "test-key-51c0"

// Program is the text of a good answer: a summary, then one fenced program.
const Program = "The program shows the answer to everything.\n\n```python\nimport pandas as pd\n\npd.DataFrame({\"answer\": [42]})\n```\n"

// code is the program in it.
const code = "import pandas as pd\n\npd.DataFrame({\"answer\": [42]})\n"

// Good is a good answer.
func (d Dialect) Good() Said {
	return Said{Model: d.Model, Text: Program, End: codegen.Whole, Input: 1200, Output: 60}
}

// Open makes a provider that asks the server at an address, and gives up after so long. It is the only
// thing that differs from provider to provider: all else goes through codegen.Writer, as in serve.
type Open func(address, key string, timeout time.Duration) (codegen.Provider, error)

// Run holds a provider to all promises. Each is a row of `make prove-models`.
func Run(t *testing.T, d Dialect, open Open) {
	for _, s := range scenes {
		// What a format has no word for cannot be tried with it, and is no row of its table.
		if s.fits != nil && !s.fits(d) {
			continue
		}
		t.Run(s.promise, func(t *testing.T) {
			t.Parallel()
			// A test within the test, because require ends its goroutine: the row of the proof has to be written either way.
			kept := t.Run("holds", func(t *testing.T) { s.play(&house{T: t, dialect: d, server: serve(t, d), open: open}) })
			proof.Check(t, kept, d.Name+": "+s.promise, "one call on loopback")
		})
	}
}

// house is one scene's server and provider.
type house struct {
	*testing.T
	dialect Dialect
	server  *server
	open    Open
}

// writer asks the provider alone, without another to step in. It has an hour: what has to be late is made late (runsOut).
func (h *house) writer() *codegen.Writer {
	h.Helper()
	p, err := h.open(h.server.URL, Key, time.Hour)
	require.NoError(h, err)
	require.NotEmpty(h, p.About().Host)
	w, err := codegen.New(codegen.Options{}, p)
	require.NoError(h, err)
	return w
}

// asked is the question of all scenes. Its words are looked for in prompts and errors.
func (h *house) asked() steps.Brief {
	return steps.Brief{RequestID: "q1", Model: h.dialect.Model, Question: "How much was sold?",
		Files: []approval.File{{Name: "sales.csv", Reading: &reading.Reading{Kind: "text", Tables: []reading.Table{{Rows: 3, Columns: []reading.Column{{Name: "units", Type: "integer"}}}}}}}}
}

// draft is what a call gives that has to be a program.
func (h *house) draft() steps.Draft {
	h.Helper()
	d, err := h.writer().Write(h.Context(), h.asked())
	require.NoError(h, err)
	require.Equal(h, code, d.Code)
	require.Len(h, h.server.requests(), 1, "one call")
	return d
}

// failure is what a call gives that has to fail, after one request at most.
func (h *house) failure() *steps.WriterError {
	h.Helper()
	return h.failureIn(h.Context())
}

// failureIn is failure in a context that may run out.
func (h *house) failureIn(ctx context.Context) *steps.WriterError {
	h.Helper()
	d, err := h.writer().Write(ctx, h.asked())
	failed := writerError(h, err)
	// Not even a part: whoever shows half of a draft shows what nobody has checked.
	require.Zero(h, d, "an answer with a fault shows no program")
	require.NotEmpty(h, failed.Words)
	for _, secret := range []string{Key, "How much was sold?", "import pandas"} {
		require.NotContains(h, failed.Error()+failed.Words, secret, "an error is logged, so it must not hold what was sent or said")
	}
	require.LessOrEqual(h, len(h.server.requests()), 1, "one call, however it ends: the job repeats, and not the library")
	return failed
}

// late is a context whose time runs out when somebody says so, so that no test depends on
// how fast the machine is.
type late struct {
	context.Context
	over chan struct{}
}

// runsOut gives such a context, and what has its time run out.
func runsOut(ctx context.Context) (_ context.Context, over func()) {
	l := late{ctx, make(chan struct{})}
	return l, func() { close(l.over) }
}

// Done is closed when the time has run out.
func (l late) Done() <-chan struct{} { return l.over }

// Err is that it has.
func (l late) Err() error {
	select {
	case <-l.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// writerError is the one kind of error that a writer returns: with words for people, and what it may have cost.
func writerError(h *house, err error) *steps.WriterError {
	h.Helper()
	failed, ok := errors.AsType[*steps.WriterError](err)
	require.True(h, ok, "%v", err)
	return failed
}

// means checks what a failure means for the job and for the bill.
func means(h *house, e *steps.WriterError, words string, retry, uncertain bool) {
	h.Helper()
	require.Contains(h, e.Words, words)
	require.Equal(h, retry, e.Retry, "retry: %v", e)
	require.Equal(h, uncertain, e.Billed, "uncertain: %v", e)
}
