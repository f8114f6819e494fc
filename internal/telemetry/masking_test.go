package telemetry

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"google.golang.org/protobuf/proto"
)

// Whatever somebody puts into a span, no canary leaves in it.
func TestNoSpanCarriesACanary(t *testing.T) {
	t.Parallel()
	const canary = "canary@leak.example"
	r := newReceiver(t)
	tele := replica(t, r)
	_, span := tele.tracer.Start(t.Context(), "read "+canary)
	span.SetAttributes(attribute.String("question", canary), attribute.StringSlice("cells", []string{"7", canary}), attribute.Int("rows", 7))
	span.RecordError(errors.New("no column " + canary))
	span.SetStatus(codes.Error, canary)
	span.End()
	require.NoError(t, tele.Shutdown(t.Context()))
	told := r.span(t, "read [e-mail masked]")
	sent, err := proto.Marshal(told)
	require.NoError(t, err)
	require.NotContains(t, string(sent), "canary")
	require.Equal(t, "[e-mail masked]", told.Status.Message)
	require.EqualValues(t, 7, attributes(told)["rows"])
}
