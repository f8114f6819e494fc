package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// Metrics are the figures of one process. Their registry is its own, so tests
// can make many.
type Metrics struct {
	registry  *prometheus.Registry
	asks      *prometheus.CounterVec
	decisions *prometheus.CounterVec
	runs      *prometheus.CounterVec
	tokens    *prometheus.CounterVec
	steps     *prometheus.HistogramVec
	envelopes *prometheus.HistogramVec
}

func newMetrics() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "countersign_" + name, Help: help}, labels)
	}
	m := &Metrics{
		registry:  prometheus.NewRegistry(),
		asks:      counter("asks_total", "Questions taken, by outcome.", "outcome"),
		decisions: counter("decisions_total", "Clicks of reviewers, by verdict and outcome.", "verdict", "outcome"),
		runs:      counter("runs_total", "Runs that ended, by outcome.", "outcome"),
		tokens:    counter("tokens_total", "Tokens used, by model and direction.", "model", "direction"),
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "countersign_step_seconds",
			Help: "How long the steps of requests take, by step and outcome.", Buckets: prometheus.ExponentialBuckets(0.01, 3, 9)},
			[]string{"step", "outcome"}),
		envelopes: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "countersign_envelope_seconds",
			Help: "From an envelope's arrival to its acknowledgement, by kind and outcome. Slack waits 3 seconds.", Buckets: prometheus.ExponentialBuckets(0.002, 2.5, 9)},
			[]string{"kind", "outcome"}),
	}
	m.registry.MustRegister(m.asks, m.decisions, m.runs, m.tokens, m.steps, m.envelopes,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *Metrics) step(step approval.Step, outcome string, took time.Duration) {
	m.steps.WithLabelValues(string(step), outcome).Observe(took.Seconds())
}

// Envelope counts what Slack sent and how it was answered.
func (m *Metrics) Envelope(kind, outcome string, took time.Duration) {
	m.envelopes.WithLabelValues(kind, outcome).Observe(took.Seconds())
}

// outcome sorts errors into the few kinds that somebody would want to count.
func outcome(err error) string {
	var (
		later    *steps.LaterError
		exceeded *budget.ExceededError
		no       *approval.NotAllowedError
		move     *approval.MoveError
		stale    *approval.StaleError
		input    *approval.InputError
	)
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, steps.ErrBusy), errors.As(err, &later):
		return "later"
	case errors.As(err, &exceeded):
		return "budget"
	case errors.As(err, &no):
		return "not allowed"
	case errors.As(err, &move), errors.As(err, &stale):
		return "too late"
	case errors.As(err, &input):
		return "bad input"
	}
	return "error"
}

// Check is one thing that must work for the process to be of use.
type Check struct {
	Name string
	Try  func(context.Context) error
}

// ErrStarting is a check that will pass by itself, once what it looks at has started.
var ErrStarting = errors.New("starting")

// Handler serves /healthz (the process lives), /readyz (it is of use: all checks
// pass) and /metrics.
func (m *Metrics) Handler(ready ...Check) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"process": "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		status, states := http.StatusOK, map[string]string{}
		for _, c := range ready {
			states[c.Name] = "ok"
			if err := c.Try(ctx); err != nil {
				if errors.Is(err, ErrStarting) {
					status, states[c.Name] = http.StatusServiceUnavailable, "starting"
					continue
				}
				// Who may ask for this may not be who may read the log.
				status, states[c.Name] = http.StatusServiceUnavailable, "not ready"
			}
		}
		answer(w, status, states)
	})
	return mux
}

func answer(w http.ResponseWriter, status int, states map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(states) // the caller has gone; nobody is left to tell
}
