package telemetry

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver is an OTLP receiver as Langfuse is one: HTTP, protobuf, Basic auth. It
// drops what Langfuse's servers of before September 2026 drop.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	spans  []*tracepb.Span
	header http.Header
	path   string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		var export collector.ExportTraceServiceRequest
		if err != nil || proto.Unmarshal(body, &export) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.header, r.path = req.Header, req.URL.Path
		for _, rs := range export.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				r.spans = append(r.spans, slices.DeleteFunc(ss.Spans, dropped)...)
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// dropped tells that a span is no observation: the version of a prompt is an
// integer, and belongs to a prompt that has a name.
func dropped(s *tracepb.Span) bool {
	var version *commonpb.AnyValue
	named := false
	for _, kv := range s.Attributes {
		switch kv.Key {
		case "langfuse.observation.prompt.version":
			version = kv.Value
		case "langfuse.observation.prompt.name":
			named = true
		}
	}
	if version == nil {
		return false
	}
	_, number := version.Value.(*commonpb.AnyValue_IntValue)
	return !number || !named
}

// span finds the one span of that name, or fails.
func (r *receiver) span(t *testing.T, name string) *tracepb.Span {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, s := range r.spans {
		if s.Name == name {
			return s
		}
		names = append(names, s.Name)
	}
	require.Failf(t, "no such span", "%s among %v", name, names)
	return nil
}
