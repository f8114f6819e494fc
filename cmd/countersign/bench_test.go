package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"countersign/approval"
	"countersign/budget"
	"countersign/codegen/mistraltest"
	"countersign/codegen/samples"
	"countersign/internal/slacksim"
	"countersign/sandbox/local"
	"countersign/storage"
)

// BenchmarkCountersign prints the figures of `make bench`, all from one run, so
// that they can be held against each other. It is a benchmark only so that the
// suite does not run it; it measures by itself.
func BenchmarkCountersign(b *testing.B) {
	fmt.Printf("\n%-44s %9s %9s %9s %6s\n", "measured in one run", "p50", "p99", "most", "n")
	for _, inFlight := range []int{1, 20} {
		b.Run("acks", func(b *testing.B) { benchAcks(b, inFlight) })
	}
	benchRuns(b)
}

// figure is a row of the table.
type figure []time.Duration

func (f figure) at(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(f))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func (f figure) print(what string) {
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
	fmt.Printf("%-44s %9s %9s %9s %6d\n", what, ms(f.at(0.5)), ms(f.at(0.99)), ms(f.at(1)), len(f))
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
func benchAcks(b *testing.B, inFlight int) {
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
	each(b, n, inFlight, ask).print(fmt.Sprintf("/analyze to ack, %d in flight", inFlight))

	var cards []slacksim.Message
	_, err = h.ben.WaitMessage(h.ctx, slacksim.CodeReview, func(m slacksim.Message) bool {
		if m.Has("Approve") && !slices.ContainsFunc(cards, func(c slacksim.Message) bool { return c.TS == m.TS }) {
			cards = append(cards, m)
		}
		return len(cards) > n
	})
	require.NoError(b, err)
	each(b, n, inFlight, func(i int) error { return h.ben.Click(cards[i], "Approve") }).print(fmt.Sprintf("click to ack, %d in flight", inFlight))
}

// bench starts a replica whose boxes are somebody else's.
func (h *house) bench(box approval.Sandbox, runs int) *replica {
	h.t.Helper()
	writer, err := h.program.mistral()
	require.NoError(h.t, err)
	r, err := h.program.wire(h.ctx, writer)
	require.NoError(h.t, err)
	r.service.Sandbox = box
	ctx, cancel := context.WithCancel(h.ctx)
	var group errgroup.Group
	group.Go(func() error { return r.bot.Run(ctx) })
	group.Go(func() error {
		return r.db.Work(ctx, r.careful(r.service.Do), r.service.Sweep, storage.WorkOptions{Runs: runs, Drafts: runs})
	})
	h.t.Cleanup(func() {
		cancel()
		_ = group.Wait() // cancelled
		require.NoError(h.t, r.close())
	})
	require.NoError(h.t, h.sim.WaitSockets(h.ctx, 2))
	return r
}

// instant is a sandbox that takes no time.
type instant struct{}

func (instant) Size() budget.BoxSize { return budget.BoxSize{Kind: "local", VCPU: 1, MemoryMB: 512} }
func (instant) Template() string     { return "none" }
func (instant) ReachesHosts() bool   { return false }
func (instant) Lease(approval.Limits) time.Duration {
	return time.Minute
}
func (instant) Inspect(context.Context, string, []approval.File) (approval.Inspection, error) {
	return approval.Inspection{}, nil
}
func (instant) Prepare(string) {}
func (instant) Discard(string) {}
func (instant) Create(_ context.Context, id string, _ approval.Manifest) (string, error) {
	return "box of " + id, nil
}
func (instant) Start(context.Context, string, approval.Job) error { return nil }
func (instant) Result(context.Context, string) (approval.Result, error) {
	return approval.Result{Outcome: approval.OK}, nil
}
func (instant) Kill(context.Context, string) error { return nil }

// The two programs that are measured in a box and beside it.
const (
	printOne = "print(1)\n"
	plot     = `import matplotlib.pyplot as plt
import pandas as pd
df = pd.read_csv("sales.csv")
table = df.groupby("region")["units"].sum()
fig, ax = plt.subplots()
table.plot.bar(ax=ax)
fig.savefig("chart.png")
print(table)
`
)

// benchRuns measures from the click to what came out of the box, warm (the box
// waited while the reviewer read), cold, and a bare python3 without any box.
func benchRuns(b *testing.B) {
	ratios := map[string]time.Duration{}
	for _, program := range []struct{ name, code string }{{"print(1)", printOne}, {"pandas plot", plot}} {
		for _, inFlight := range []int{1, 20} {
			for _, kind := range []string{"bare python3", "box, cold", "box, warm"} {
				var took figure
				n := 3 * inFlight
				if inFlight > 1 {
					n = inFlight
				}
				b.Run(kind, func(b *testing.B) {
					if kind == "bare python3" {
						took = bare(b, program.code, n, inFlight)
					} else {
						took = boxed(b, program.code, n, inFlight, kind == "box, warm")
					}
				})
				took.print(fmt.Sprintf("%s, %s, %d in flight", program.name, kind, inFlight))
				ratios[fmt.Sprintf("%s %s %d", program.name, kind, inFlight)] = took.at(0.5)
			}
		}
	}
	for _, inFlight := range []int{1, 20} {
		warm := float64(ratios[fmt.Sprintf("pandas plot box, warm %d", inFlight)]) / float64(ratios[fmt.Sprintf("pandas plot bare python3 %d", inFlight)])
		fmt.Printf("warm plot / bare plot, %d in flight: %.2f (goal at 1: below 0.50)\n", inFlight, warm)
	}
}

// bare runs the program as its author would at a desk.
func bare(b *testing.B, code string, n, inFlight int) figure {
	b.Helper()
	dir := b.TempDir()
	require.NoError(b, os.WriteFile(filepath.Join(dir, "sales.csv"), samples.Files()[0].Data, 0o644))
	require.NoError(b, os.WriteFile(filepath.Join(dir, "program.py"), []byte(code), 0o644))
	run := func(int) error {
		cmd := exec.Command("/usr/bin/python3", "program.py")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "MPLBACKEND=Agg", "OPENBLAS_NUM_THREADS=1")
		return cmd.Run()
	}
	require.NoError(b, run(0)) // the font cache, the page cache
	return each(b, n, inFlight, run)
}

// boxed asks, waits for the cards, and measures from each click to the moment
// when the result has left the box.
func boxed(b *testing.B, code string, n, inFlight int, warm bool) figure {
	b.Helper()
	h := open(b, func(c *Config) { c.Runsc = "/nonexistent" })
	h.model.Answer(func(mistraltest.Request) mistraltest.Reply {
		return mistraltest.Reply{Content: "```python\n" + code + "```\n"}
	})
	most := -1
	if warm {
		most = inFlight
	}
	box, err := local.New(local.Options{MaxWarm: most, Memory: 512, Log: h.program.log})
	require.NoError(b, err)
	watched := &watched{Sandbox: box, out: map[string]time.Time{}}
	h.bench(watched, 4) // as many runs at once as a replica has by default
	b.Cleanup(func() { require.NoError(b, box.Close()) })
	h.share("sales.csv", string(samples.Files()[0].Data))
	var took figure
	for len(took) < n {
		watched.fresh()
		var cards []slacksim.Message
		for range inFlight {
			cards = append(cards, h.card(h.ask("What is the sum of units per region in sales.csv?")))
		}
		if warm {
			// The reviewer reads. Boxes that are made meanwhile are ready by then.
			time.Sleep(time.Duration(3+inFlight*3/2) * time.Second)
		}
		began := time.Now()
		each(b, inFlight, inFlight, func(i int) error { return h.ben.Click(cards[i], "Approve") })
		took = append(took, watched.wait(h.ctx, b, inFlight, began)...)
	}
	return took
}

// watched notes when a result has left its box.
type watched struct {
	approval.Sandbox
	mu  sync.Mutex
	out map[string]time.Time
}

func (w *watched) fresh() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.out)
}

func (w *watched) Result(ctx context.Context, id string) (approval.Result, error) {
	result, err := w.Sandbox.Result(ctx, id)
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.out[id] = time.Now()
	}
	return result, err
}

func (w *watched) wait(ctx context.Context, b *testing.B, n int, began time.Time) (took figure) {
	b.Helper()
	for {
		w.mu.Lock()
		if len(w.out) >= n {
			for _, at := range w.out {
				took = append(took, at.Sub(began))
			}
			w.mu.Unlock()
			return took
		}
		w.mu.Unlock()
		require.NoError(b, ctx.Err())
		time.Sleep(5 * time.Millisecond)
	}
}
