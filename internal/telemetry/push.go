package telemetry

import (
	"context"
	"errors"
	"fmt"
	"time"

	prometheusbridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
)

// pushEvery is how often metrics are sent.
const pushEvery = time.Minute

// push sends what /metrics serves by OTLP over HTTP, to whoever collects metrics that way,
// once a minute and once at the end. Headers, such as a key, come from the standard
// variables (OTEL_EXPORTER_OTLP_METRICS_HEADERS).
func (t *Telemetry) push(ctx context.Context, url, version string) error {
	exporter, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(url))
	if err != nil {
		return fmt.Errorf("set up metrics to %s: %w", url, err)
	}
	reader := sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithInterval(pushEvery),
		sdkmetric.WithProducer(prometheusbridge.NewMetricProducer(prometheusbridge.WithGatherer(t.registry))))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "countersign"), attribute.String("service.version", version))))
	traces := t.shutdown
	t.shutdown = func(ctx context.Context) error { return errors.Join(traces(ctx), provider.Shutdown(ctx)) }
	return nil
}
