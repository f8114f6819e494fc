package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// Metrics are the figures of one process. They have a registry of their own, so that tests
// can create several.
type Metrics struct {
	registry  *prometheus.Registry
	asks      *prometheus.CounterVec
	decisions *prometheus.CounterVec
	runs      *prometheus.CounterVec
	tokens    *prometheus.CounterVec
	steps     *prometheus.HistogramVec
	envelopes *prometheus.HistogramVec
	reviews   *prometheus.HistogramVec
	spent     *prometheus.CounterVec
}

// newMetrics registers all series. No label is a person, a channel or a request: each value of a label is a series
// of its own, and metrics are read by more people than questions are.
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
		reviews: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "countersign_review_seconds",
			Help: "How long versions of code waited for their reviewers, by risk.", Buckets: prometheus.ExponentialBuckets(15, 3, 9)}, []string{"tier"}),
		spent: counter("charged_dollars_total", "What this process has charged, by what it was for and by model or kind of box. The ledger has the exact sums.", "kind", "what"),
	}
	m.registry.MustRegister(m.asks, m.decisions, m.runs, m.tokens, m.steps, m.envelopes, m.reviews, m.spent,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *Metrics) step(step approval.Step, outcome string, took time.Duration) {
	m.steps.WithLabelValues(string(step), outcome).Observe(took.Seconds())
}

// Ledger is what the whole installation has spent, whoever of its processes did.
type Ledger func(ctx context.Context) (map[string]budget.Pace, error)

// ledger tells Prometheus what the ledger says when it asks, so that no process has to
// count. Every replica says the same: take the largest.
type ledger struct {
	read                 Ledger
	month, day, projects *prometheus.Desc
}

// Gauge adds a figure that goes up and down, and is read when Prometheus asks.
func (m *Metrics) Gauge(name, help string, read func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "countersign_" + name, Help: help}, func() float64 { return float64(read()) }))
}

// Count is Gauge for what only grows.
func (m *Metrics) Count(name, help string, read func() int) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "countersign_" + name, Help: help}, func() float64 { return float64(read()) }))
}

// Watch adds the figures of the ledger.
func (m *Metrics) Watch(read Ledger) {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("countersign_"+name, help+" The same on every replica: take the largest.", []string{"team"}, nil)
	}
	m.registry.MustRegister(ledger{read, desc("month_spent_dollars", "Spent this month."), desc("day_mean_dollars", "Spent a day, in the mean of the last seven whole days."),
		desc("month_projected_dollars", "What this month will have cost at that pace.")})
}

func (l ledger) Describe(to chan<- *prometheus.Desc) { to <- l.month; to <- l.day; to <- l.projects }

// scrapeTime is how long Prometheus' question may keep the database busy.
const scrapeTime = 5 * time.Second

// Collect says nothing where the database is away: no figure is better than a wrong one.
func (l ledger) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	paces, err := l.read(ctx)
	if err != nil {
		return
	}
	for team, p := range paces {
		gauge := func(desc *prometheus.Desc, u budget.USD) {
			to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, dollars(u), team)
		}
		gauge(l.month, p.Spent)
		if p.Days > 0 {
			gauge(l.day, p.PerDay)
			gauge(l.projects, p.Projected)
		}
	}
}

// Envelope counts what Slack sent and how it was answered.
func (m *Metrics) Envelope(kind, outcome string, took time.Duration) {
	m.envelopes.WithLabelValues(kind, outcome).Observe(took.Seconds())
}

// outcome sorts errors into the few kinds that somebody would want to count. They are labels, so their
// number is fixed, and what people do wrong is counted apart from what goes wrong here.
func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, steps.ErrBusy), is[*steps.LaterError](err):
		return "later"
	case is[*budget.ExceededError](err):
		return "budget"
	case is[*approval.NotAllowedError](err):
		return "not allowed"
	case is[*approval.MoveError](err), is[*approval.StaleError](err):
		return "too late"
	case is[*approval.InputError](err):
		return "bad input"
	}
	return "error"
}

// kind is the type of the innermost error, of the first one where several were joined. Types are names
// of ours and of libraries; what an error says may hold a question, a file's name or a person's words.
func kind(err error) string {
	for {
		var inner []error
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			inner = []error{e.Unwrap()}
		case interface{ Unwrap() []error }:
			inner = e.Unwrap()
		}
		if len(inner) == 0 || inner[0] == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner[0]
	}
}

// is says whether the error, or one that it wraps, is a T.
func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// Check is one thing that must work before the process is ready.
type Check struct {
	Name string
	Try  func(context.Context) error
	Word func() string // what to say when it passes; nil: ok
}

// ErrStarting is returned by a check that will pass by itself once a part has started.
var ErrStarting = errors.New("starting")

// Handler serves /healthz (the process is alive), /readyz (all checks pass) and /metrics.
//
// They are two, because whoever restarts what is not healthy must not restart a process whose
// database is away: it waits, and its runs are under way.
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
			if c.Word != nil {
				states[c.Name] = c.Word()
			}
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

// answer says how a probe found things.
func answer(w http.ResponseWriter, status int, states map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(states) // the caller has gone; nobody is left to tell
}
