package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/codegen/mistraltest"
	"countersign/codegen/samples"
	"countersign/internal/bench"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
	"countersign/storage/queue"
)

// BenchmarkCountersign prints the figures of `make bench`, all from one run, so
// that they can be held against each other. It is a benchmark only so that the
// suite does not run it; it measures by itself.
func BenchmarkCountersign(b *testing.B) {
	t := table{tb: b, part: "What people wait for"}
	defer t.print()
	for _, inFlight := range []int{1, 20} {
		b.Run("acks", func(b *testing.B) { benchAcks(b, &t, inFlight) })
	}
	b.Run("asks", func(b *testing.B) { benchAsks(b, &t) })
	benchRuns(b, &t)
}

// table gathers what is printed in one piece: between its rows the benchmarks of
// which it is made would print lines of their own. Each row is reported as well, for bench.html.
type table struct {
	tb   testing.TB
	part string // where its figures stand in bench.html
	rows []string
}

func (t *table) say(format string, args ...any) {
	t.rows = append(t.rows, fmt.Sprintf(format, args...))
}

func (t *table) print() {
	fmt.Printf("\n%-50s %10s %10s %10s %6s\n", "measured in one run", "p50", "p99", "most", "n")
	fmt.Println(strings.Join(t.rows, "\n"))
}

// figure is a row of the table.
type figure []time.Duration

func (f figure) at(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(f))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// row adds the figure to the table.
func (t *table) row(what string, f figure) {
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
	p99 := "-" // of fewer than a hundred it is only another name for the most
	if len(f) >= 100 {
		p99 = ms(f.at(0.99))
	}
	t.say("%-50s %10s %10s %10s %6d", what, ms(f.at(0.5)), p99, ms(f.at(1)), len(f))
	t.report(what, f)
}

// report reports the figure's median, and its p99 where there are enough to have one.
func (t *table) report(what string, f figure) {
	what = strings.TrimSpace(what)
	quantiles := map[string]float64{"p50": 0.5}
	if len(f) >= 100 {
		quantiles["p99"] = 0.99
	}
	for _, name := range slices.Sorted(maps.Keys(quantiles)) {
		q := quantiles[name]
		of := bench.Figure{Part: t.part, Name: what + ", " + name, Unit: bench.Milliseconds, Value: bench.Quantile(bench.Millis(f), q), Is: fmt.Sprintf("of %d", len(f))}
		if q == 0.5 {
			of.Each = bench.Millis(f) // drawn once, and not with each of its quantiles
		}
		bench.Report(t.tb, of)
	}
}

// ratio says how a figure stands to another one, and reports it.
func (t *table) ratio(what string, is, of float64, goal *bench.Goal) float64 {
	ratio := is / of
	t.say("%-50s %10.2f", what, ratio)
	bench.Report(t.tb, bench.Figure{Part: t.part, Name: what, Unit: bench.Times, Value: ratio, Goal: goal})
	return ratio
}

// each runs the work n times, so many at once, and measures every one.
func each(b *testing.B, n, inFlight int, work func(i int) error) figure {
	b.Helper()
	var mu sync.Mutex
	var took figure
	var group errgroup.Group
	group.SetLimit(inFlight)
	for i := range n {
		group.Go(func() error {
			began := time.Now()
			err := work(i)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(began))
			return err
		})
	}
	require.NoError(b, group.Wait())
	return took
}

// benchAcks measures what a person waits for in Slack: the socket, the handler,
// the commit in Postgres, the ack. Boxes and the model answer at once.
func benchAcks(b *testing.B, t *table, inFlight int) {
	h := open(b, func(c *Config) { c.Runsc, c.MaxOpen = "/nonexistent", 1000 })
	h.model.Answer(func(mistraltest.Request) mistraltest.Reply {
		return mistraltest.Reply{Content: "```python\nprint(1)\n```\n"}
	})
	r := h.bench(instant{}, 4)
	h.share("sales.csv", string(samples.Files()[0].Data))
	_, err := r.db.Standings(h.ctx, nil)
	require.NoError(b, err)
	require.NoError(b, r.db.SetLimit(h.ctx, slacksim.Admin, budget.Limit{Amount: 1000 * budget.Dollar, Window: budget.Month,
		Scope: budget.Scope{Team: slacksim.DefaultTeam.ID, Kind: budget.User, ID: slacksim.Analyst}}))
	const n = 200
	ask := func(int) error {
		return h.maya.Command(slacksim.SalesData, "/analyze What is the sum of units in sales.csv?")
	}
	require.NoError(b, ask(0)) // warm
	t.row(fmt.Sprintf("/analyze to ack, %d in flight", inFlight), each(b, n, inFlight, ask))

	var cards []workspace.Message
	_, err = h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
		if m.Has("Approve") && !slices.ContainsFunc(cards, func(c workspace.Message) bool { return c.TS == m.TS }) {
			cards = append(cards, m)
		}
		return len(cards) > n
	})
	require.NoError(b, err)
	t.row(fmt.Sprintf("click to ack, %d in flight", inFlight),
		each(b, n, inFlight, func(i int) error { return h.ben.Click(cards[i], "Approve") }))
}

// bench starts a replica whose boxes are somebody else's.
func (h *house) bench(box steps.Sandbox, runs int) *replica {
	h.t.Helper()
	writer, err := h.program.writer()
	require.NoError(h.t, err)
	r, err := h.program.wire(h.ctx, writer)
	require.NoError(h.t, err)
	r.rewire(func(p *steps.Ports) { p.Sandbox = box })
	ctx, cancel := context.WithCancel(h.ctx)
	var group errgroup.Group
	group.Go(func() error { return r.bot.Run(ctx) })
	group.Go(func() error {
		return r.db.Work(ctx, r.careful(r.service.Do), r.service.Sweep, queue.WorkOptions{Runs: runs, Drafts: runs})
	})
	h.t.Cleanup(func() {
		cancel()
		_ = group.Wait() // cancelled
		require.NoError(h.t, r.close())
	})
	h.soon("the replica is connected", func() bool { return r.bot.Sockets() == 2 }) // of several, each by itself
	return r
}

// instant is a sandbox that takes no time.
type instant struct{}

func (instant) Size() budget.BoxSize { return budget.BoxSize{Kind: "local", VCPU: 1, MemoryMB: 512} }
func (instant) Ready() error         { return nil }
func (instant) Template() string     { return "none" }
func (instant) ReachesHosts() bool   { return false }
func (instant) Lease(approval.Limits) time.Duration {
	return time.Minute
}
func (instant) InspectLease() time.Duration { return time.Minute }
func (instant) ReadFile(context.Context, steps.InputFile) (steps.Readout, error) {
	return steps.Readout{Answer: reading.Answer{Reading: &reading.Reading{Version: 1, Kind: "text", Encoding: "utf-8", Sure: 1,
		Tables: []reading.Table{{Rows: 1, Delimiter: ",", HeadingLine: 1, HeadingRows: 1, Columns: []reading.Column{{Name: "amount", Type: "number", DType: "float64"}}}}}}}, nil
}

func (instant) ReadLease(int64) time.Duration { return time.Minute }

func (instant) Desk() string { return "instant" }

func (instant) Inspect(context.Context, string, []approval.File) (steps.Inspection, error) {
	return steps.Inspection{}, nil
}
func (instant) Prepare(string) {}
func (instant) Discard(string) {}
func (instant) Create(_ context.Context, id string, _ approval.Manifest) (string, error) {
	return "box of " + id, nil
}
func (instant) Fill(context.Context, string, steps.Job) error  { return nil }
func (instant) Start(context.Context, string, steps.Job) error { return nil }
func (instant) Result(context.Context, string) (approval.Result, error) {
	return approval.Result{Outcome: approval.OK}, nil
}
func (instant) Kill(context.Context, string) error { return nil }
