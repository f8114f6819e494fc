package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"countersign/approval"
	"countersign/approval/steps"
)

// lateBox is one whose result is not there.
type lateBox struct {
	fakeBox
	err error
}

func (b lateBox) Result(context.Context, string) (approval.Result, error) {
	return approval.Result{}, b.err
}

func TestWhatWaitsHasNotFailed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		failed bool
	}{
		"the result comes later":     {&steps.LaterError{Err: io.EOF}, false},
		"another replica is at it":   {fmt.Errorf("run: %w", steps.ErrBusy), false},
		"the code is still to start": {fmt.Errorf("result: %w", steps.ErrNotStarted), false},
		"this process is stopped":    {fmt.Errorf("result: %w", context.Canceled), false},
		"it takes too long":          {context.DeadlineExceeded, true},
		"the box is gone":            {steps.ErrBoxGone, true},
		"it goes wrong":              {io.EOF, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			tele := replica(t, r)
			step := tele.Step(InStore(askedStore{}), func(ctx context.Context, _ steps.Wake) error {
				_, err := tele.Sandbox(lateBox{err: c.err}).Result(ctx, "box")
				return err
			})
			require.ErrorIs(t, step(t.Context(), steps.Wake{Step: approval.StepRun, RequestID: "abc"}), c.err)
			require.NoError(t, tele.Shutdown(t.Context()))
			for _, span := range []*tracepb.Span{r.span(t, "run"), r.span(t, "box result")} {
				got := attributes(span)
				if c.failed {
					require.Equal(t, tracepb.Status_STATUS_CODE_ERROR, span.Status.GetCode())
					require.NotEmpty(t, got["error.type"])
					require.NotContains(t, got, "countersign.waits")
				} else {
					require.NotEqual(t, tracepb.Status_STATUS_CODE_ERROR, span.Status.GetCode())
					require.NotEmpty(t, got["countersign.waits"])
					require.NotContains(t, got, "error.type")
				}
			}
		})
	}
}

func TestTheKindOfAnErrorIsThatOfTheFirstInside(t *testing.T) {
	t.Parallel()
	slow := &net.DNSError{}
	require.Equal(t, "*net.DNSError", kind(slow))
	require.Equal(t, "*net.DNSError", kind(fmt.Errorf("create box: %w", slow)))
	require.Equal(t, "*net.DNSError", kind(fmt.Errorf("read: %w: %w", fmt.Errorf("look up: %w", slow), io.EOF)), "of several that were joined, the first")
	require.Equal(t, "*errors.errorString", kind(errors.Join(io.EOF, slow)))
	require.Equal(t, "*steps.LaterError", kind(&steps.LaterError{}), "one that wraps nothing")
}

func TestTheHostMayEndWithASlash(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	tele, err := New(t.Context(), Options{Host: r.URL + "/", PublicKey: "pk", SecretKey: "sk"})
	require.NoError(t, err)
	require.Equal(t, r.URL+"/api/public/scores", tele.scores.url)
	_, span := tele.tracer.Start(t.Context(), "a step")
	span.End()
	require.NoError(t, tele.Shutdown(t.Context()))
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Equal(t, "/api/public/otel/v1/traces", r.path)
	require.Len(t, r.spans, 1)
}
