package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/codegen/mistraltest"
	"countersign/codegen/samples"
	"countersign/internal/bench"
	"countersign/internal/slacksim/workspace"
	"countersign/sandbox/local"
)

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

// perRow is how many runs there are in each row, whether one after the other or
// all in flight.
const perRow = 20

// outputs are two rows: until the first byte of output, and until there was no more.
type outputs struct{ first, whole figure }

func (o *outputs) add(began, first, whole time.Time) {
	o.first, o.whole = append(o.first, first.Sub(began)), append(o.whole, whole.Sub(began))
}

// way is one of the ways in which a program is run.
type way struct {
	name string
	run  func(b *testing.B) outputs
}

// benchRuns measures from the click to what came out of the box, warm (the box
// waited while the reviewer read), cold, and a bare python3 without any box.
func benchRuns(b *testing.B, t *table) {
	for _, program := range []struct{ name, code string }{{"print(1)", printOne}, {"pandas plot", plot}} {
		for _, inFlight := range []int{1, perRow} {
			box := func(name string, warm int) way {
				return way{name, func(b *testing.B) outputs { return boxed(b, program.code, inFlight, warm) }}
			}
			ways := []way{
				{"bare python3", func(b *testing.B) outputs { return bare(b, program.code, inFlight) }},
				box("box, cold", 0),
				box(fmt.Sprintf("box, warm (WARM_BOXES=%d)", perRow), perRow),
			}
			ways = append(ways, box("box, as shipped (WARM_BOXES=auto)", int(asNeeded)))
			t.part = fmt.Sprintf("Click to output of %s, %d in flight", program.name, inFlight)
			t.say("%s", t.part)
			var medians []float64
			for _, way := range ways {
				var took outputs
				if !b.Run("runs", func(b *testing.B) { took = way.run(b) }) {
					return
				}
				if len(took.whole) == 0 {
					return // -bench has left the runs out
				}
				t.row("  "+way.name+": first output", took.first)
				t.row("  "+way.name+": all of it", took.whole)
				medians = append(medians, float64(took.whole.at(0.5)))
			}
			var goal *bench.Goal
			if program.code == plot && inFlight == 1 {
				goal = bench.AtMost(0.5, "half of what a bare python3 takes")
			}
			t.ratio("  all of it, warm / bare", medians[2], medians[0], goal)
		}
	}
}

// bare runs the program as its author would at a desk.
func bare(b *testing.B, code string, inFlight int) (took outputs) {
	b.Helper()
	dir := b.TempDir()
	require.NoError(b, os.WriteFile(filepath.Join(dir, "sales.csv"), samples.Files()[0].Data, 0o644))
	require.NoError(b, os.WriteFile(filepath.Join(dir, "program.py"), []byte(code), 0o644))
	var mu sync.Mutex
	run := func(int) error {
		cmd := exec.Command("/usr/bin/python3", "program.py")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "MPLBACKEND=Agg", "OPENBLAS_NUM_THREADS=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		began := time.Now()
		if err := cmd.Start(); err != nil {
			return err
		}
		if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
			return err
		}
		first := time.Now()
		if _, err := io.Copy(io.Discard, out); err != nil {
			return err
		}
		err = cmd.Wait()
		mu.Lock()
		defer mu.Unlock()
		took.add(began, first, time.Now())
		return err
	}
	require.NoError(b, run(0)) // the font cache, the page cache
	took = outputs{}
	each(b, perRow, inFlight, run)
	return took
}

// boxed asks, waits for the cards, and clicks: one after the other, each when the
// one before has its result, or all at once. So many boxes wait while the reviewer reads.
func boxed(b *testing.B, code string, inFlight, warm int) (took outputs) {
	b.Helper()
	h := open(b, func(c *Config) { c.Runsc = "/nonexistent" })
	h.model.Answer(func(mistraltest.Request) mistraltest.Reply {
		return mistraltest.Reply{Content: "```python\n" + code + "```\n"}
	})
	options := local.Options{MaxWarm: warm, Memory: 512, Log: h.program.log}
	switch boxes(warm) {
	case asNeeded:
		options.MaxWarm = 0
	case 0:
		options.MaxWarm = -1
	}
	box, err := local.New(options)
	require.NoError(b, err)
	watched := &watched{Sandbox: box, box: box, came: make(chan [2]time.Time, perRow)}
	r := h.bench(watched, 4) // as many runs at once as a replica has by default
	b.Cleanup(func() { require.NoError(b, box.Close()) })
	if boxes(warm) == asNeeded {
		go local.Follow(h.ctx, box, r.expected)
		warm = perRow // so long does the reviewer read
	}
	h.share("sales.csv", string(samples.Files()[0].Data))
	var cards []workspace.Message
	for range perRow {
		cards = append(cards, h.card(h.ask("What is the sum of units per region in sales.csv?")))
	}
	// The reviewer reads. Boxes that are made meanwhile are ready by then.
	time.Sleep(time.Duration(3+warm*3/2) * time.Second)
	for len(cards) > 0 {
		now := cards[:inFlight]
		cards = cards[inFlight:]
		began := time.Now()
		each(b, inFlight, inFlight, func(i int) error { return h.ben.Click(now[i], "Approve") })
		for range now {
			select {
			case at := <-watched.came:
				took.add(began, at[0], at[1])
			case <-h.ctx.Done():
				require.NoError(b, h.ctx.Err(), h.log.String())
			}
		}
	}
	return took
}

// watched notes when the first output left a box, and when the whole result had.
type watched struct {
	steps.Sandbox
	box  *local.Sandbox
	came chan [2]time.Time
}

func (w *watched) Result(ctx context.Context, id string) (approval.Result, error) {
	result, err := w.Sandbox.Result(ctx, id)
	if err == nil {
		w.came <- [2]time.Time{w.box.FirstOutput(id), time.Now()}
	}
	return result, err
}
