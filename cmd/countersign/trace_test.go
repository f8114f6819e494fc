package main

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spanTaker takes traces as Langfuse does.
type spanTaker struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracepb.Span
}

func newSpanTaker(t *testing.T) *spanTaker {
	l := &spanTaker{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var export collector.ExportTraceServiceRequest
		if body, err := io.ReadAll(r.Body); err != nil || proto.Unmarshal(body, &export) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, resource := range export.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				l.spans = append(l.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(l.Close)
	return l
}

// Whatever replica works on it, a request is one trace, which Langfuse finds by
// its thread and its asker.
func TestARequestIsOneTraceAcrossARestart(t *testing.T) {
	t.Parallel()
	traces := newSpanTaker(t)
	h := open(t, atE2B(newCloud(t)), func(c *Config) {
		c.LangfuseHost, c.LangfusePublicKey, c.LangfuseSecretKey = traces.URL, "pk", "sk"
	})
	_, stop := h.run()
	root := h.ask("Is it traced?")
	card := h.cardOf("Is it traced?")
	h.says(root, "Waiting for a reviewer")
	stop()
	require.NoError(t, h.sim.WaitSockets(h.ctx, 0))
	_, stop = h.run()
	require.NoError(t, h.ben.Click(card, "Approve"))
	h.reply(root)
	h.soon("all has been told", func() bool { return value[int](h, `SELECT count(*) FROM notices WHERE told_at IS NULL`) == 0 })
	stop()

	traces.mu.Lock()
	defer traces.mu.Unlock()
	ids, names := map[string]bool{}, map[string]bool{}
	session, asker := value[string](h, `SELECT session_id FROM requests`), value[string](h, `SELECT asker FROM requests`)
	for _, s := range traces.spans {
		ids[hex.EncodeToString(s.TraceId)], names[s.Name] = true, true
		about := map[string]string{}
		for _, kv := range s.Attributes {
			about[kv.Key] = kv.Value.GetStringValue()
		}
		require.Equal(t, session, about["session.id"], s.Name)
		require.Equal(t, asker, about["user.id"], s.Name)
	}
	require.Len(t, ids, 1)
	for _, name := range []string{"ask", "draft", "chat codestral-2508", "box inspect", "show", "decide", "tell", "run", "box create", "box start", "box result"} {
		require.True(t, names[name], "%s is not among %v", name, names)
	}
}
