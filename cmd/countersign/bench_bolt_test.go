package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/budget"
	"countersign/codegen/mistraltest"
	"countersign/codegen/samples"
	"countersign/internal/bench"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// boltRounds are the rounds of each level in which Bolt and Countersign take turns.
// BENCH_ACTS says how many acts of each kind there are in a level, all rounds together.
const boltRounds = 10

// boltFolder has the app on @slack/bolt.
const boltFolder = "../../internal/bench/bolt"

// BenchmarkBolt holds our acks against those of an app on Slack's own framework that does
// little more than to answer: one simulator and one Postgres, one process after the other in
// each round, and each waits until everything of the other is done. What it says of Postgres
// is processor time, so it tells something on a busy machine as well.
func BenchmarkBolt(b *testing.B) {
	t := table{tb: b, part: "Acks beside Bolt, an app that commits one INSERT before each"}
	defer t.print()
	acts := 1000
	if n, err := strconv.Atoi(os.Getenv("BENCH_ACTS")); err == nil {
		acts = n
	}
	why := installBolt(b.Context())
	if why != "" {
		t.say("Bolt is left out: %s", why)
	}
	for _, inFlight := range []int{1, 20, 40} {
		b.Run(fmt.Sprint(inFlight), func(b *testing.B) {
			sides, bolt := []*side{countersignSide(b)}, (*side)(nil)
			if why == "" {
				bolt = boltSide(b)
				sides = append(sides, bolt)
			}
			for range boltRounds {
				for _, s := range sides {
					s.round(b, max(1, acts/boltRounds), inFlight)
				}
			}
			for _, s := range sides {
				s.tell(&t, bolt, inFlight)
			}
			if why == "" {
				compare(&t, sides[0], bolt, inFlight)
			}
		})
	}
	b.Run("memory", func(b *testing.B) {
		mb := memoryOfServe(b)
		t.say("memory of a process of ours after %d questions: %d MB", someAsks, mb)
		bench.Report(b, bench.Figure{Part: t.part, Name: fmt.Sprintf("memory of serve after %d questions", someAsks), Unit: "MB", Value: float64(mb)})
	})
	t.say("goal: p99 at most half of Bolt's, p50 at 20 and 40 in flight no higher than Bolt's")
}

// installBolt has npm bring what the app needs, and says why there is none where it cannot.
func installBolt(ctx context.Context) (why string) {
	if _, err := exec.LookPath("node"); err != nil {
		return "there is no node here"
	}
	if _, err := os.Stat(filepath.Join(boltFolder, "node_modules", "@slack", "bolt")); err == nil {
		return ""
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
	cmd.Dir = boltFolder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Sprintf("npm ci: %v %s", err, out)
	}
	return ""
}

// side is one of the two, in a workspace and a database of its own.
type side struct {
	*house
	name   string
	pid    int               // of its process
	quiet  func()            // waits until nothing is left to do
	asks   [2][]float64      // p50 and p99 of each round, in ms
	clicks [2][]float64      // the same
	work   []float64         // Postgres' processor time of a whole round of one request, in ms
	acked  map[string]bool   // cards that were clicked
	ask    func(i int) error // one /analyze
}

func countersignSide(b *testing.B) *side { return countersignSideAt(b, "") }

// countersignSideAt is countersignSide on another database than one of its own.
func countersignSideAt(b *testing.B, url string) *side {
	h := open(b, func(c *Config) {
		c.Runsc, c.MaxOpen = "/nonexistent", 1_000_000
		if url != "" {
			c.DatabaseURL = Secret(pgtest.Serve(url))
		}
	})
	if url != "" {
		h.url = url
	}
	h.model.Answer(func(mistraltest.Request) mistraltest.Reply {
		return mistraltest.Reply{Content: "```python\nprint(1)\n```\n"}
	})
	r := h.bench(instant{}, 4)
	h.share("sales.csv", string(samples.Files()[0].Data))
	for _, scope := range []budget.Scope{{Kind: budget.User, ID: slacksim.Analyst}, {Kind: budget.Team, ID: slacksim.DefaultTeam.ID}} {
		scope.Team = slacksim.DefaultTeam.ID
		require.NoError(b, r.db.SetLimit(h.ctx, slacksim.Admin, budget.Limit{Amount: 100_000 * budget.Dollar, Window: budget.Month, Scope: scope}))
	}
	conn, err := pgx.Connect(h.ctx, h.url)
	require.NoError(b, err)
	b.Cleanup(func() { _ = conn.Close(context.WithoutCancel(h.ctx)) })
	s := &side{house: h, name: "Countersign", pid: os.Getpid()}
	s.quiet = func() {
		h.until("all is done that was asked", func() bool {
			var open int
			require.NoError(b, conn.QueryRow(h.ctx, `SELECT count(*) FROM river_job WHERE kind = 'step' AND state IN ('available', 'running', 'retryable')`).Scan(&open))
			return open == 0
		})
	}
	return s.begin(b)
}

func boltSide(b *testing.B) *side {
	h := open(b)
	cmd := exec.Command("node", "app.js")
	cmd.Dir = boltFolder
	v := h.start(cmd, "SLACK_BOT_TOKEN="+h.sim.BotToken(), "SLACK_APP_TOKEN="+h.sim.AppToken(), "SLACK_API_URL="+h.sim.APIURL(),
		"DATABASE_URL="+h.url, "REVIEW_CHANNEL="+slacksim.CodeReview)
	b.Cleanup(v.kill)
	require.NoError(b, h.sim.WaitSockets(h.patient(), 1))
	return (&side{house: h, name: "Bolt", pid: cmd.Process.Pid, quiet: func() {}}).begin(b)
}

// begin warms a side up: what its first acts make, later ones have.
func (s *side) begin(b *testing.B) *side {
	s.acked = map[string]bool{}
	s.ask = func(int) error {
		return s.maya.Command(slacksim.SalesData, "/analyze What is the sum of units in sales.csv?")
	}
	s.round(b, 20, 4)
	s.asks, s.clicks, s.work = [2][]float64{}, [2][]float64{}, nil
	return s
}

// round asks, waits for the cards, and approves them all.
func (s *side) round(b *testing.B, n, inFlight int) {
	b.Helper()
	before := s.postgres(b)
	add := func(to *[2][]float64, f figure) {
		for i, q := range []float64{0.5, 0.99} {
			to[i] = append(to[i], float64(f.at(q).Microseconds())/1000)
		}
	}
	asks := each(b, n, inFlight, s.ask)
	var cards []workspace.Message
	_, err := s.ben.WaitMessage(s.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
		if m.Has("Approve") && !s.acked[m.TS] {
			s.acked[m.TS], cards = true, append(cards, m)
		}
		return len(cards) == n
	})
	require.NoError(b, err, s.log.String())
	s.quiet()
	clicks := each(b, n, inFlight, func(i int) error { return s.ben.Click(cards[i], "Approve") })
	left := map[string]bool{}
	for _, m := range cards {
		left[m.TS] = true
	}
	_, err = s.ben.WaitMessage(s.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
		if left[m.TS] && strings.Contains(m.Text, "Approved by") {
			delete(left, m.TS)
		}
		return len(left) == 0
	})
	require.NoError(b, err, s.log.String())
	s.quiet()
	add(&s.asks, asks)
	add(&s.clicks, clicks)
	s.work = append(s.work, float64(s.postgres(b)-before)/float64(time.Millisecond)/float64(n))
}

// postgres is the processor time of the server, of all its processes that are or were.
func (s *side) postgres(b *testing.B) (used time.Duration) {
	b.Helper()
	conn, err := pgx.Connect(s.ctx, s.url)
	require.NoError(b, err)
	defer conn.Close(s.ctx)
	var pid int
	require.NoError(b, conn.QueryRow(s.ctx, `SELECT pg_backend_pid()`).Scan(&pid))
	server, _ := processorTime(pid)
	_, used = processorTime(server)
	all, err := os.ReadDir("/proc")
	require.NoError(b, err)
	for _, one := range all {
		if pid, err := strconv.Atoi(one.Name()); err == nil {
			if parent, took := processorTime(pid); parent == server {
				used += took
			}
		}
	}
	return used
}

// processorTime is what a process and its ended children have used, and whose child it is.
func processorTime(pid int) (parent int, used time.Duration) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0 // it has ended meanwhile: its parent has its time
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	parent, _ = strconv.Atoi(fields[1])
	const tick = 10 * time.Millisecond // of Linux, on all machines that it runs on here
	for _, field := range fields[11:15] {
		n, _ := strconv.ParseInt(field, 10, 64)
		used += time.Duration(n) * tick
	}
	return parent, used
}

// memory is what a process has in memory, in MB.
func memory(pid int) int64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var all, resident int64
	_, _ = fmt.Sscan(string(stat), &all, &resident)
	return resident * int64(syscall.Getpagesize()) >> 20
}

// someAsks are enough for a process to have used whatever a question needs.
const someAsks = 10

// memoryOfServe is what a replica has in memory that is a process of its own, without simulator and model.
func memoryOfServe(b *testing.B) int64 {
	b.Helper()
	_, inCloud := cloud(b)
	h := open(b, inCloud)
	h.model.Answer(func(mistraltest.Request) mistraltest.Reply {
		return mistraltest.Reply{Content: "```python\nprint(1)\n```\n"}
	})
	v := h.victim()
	h.share("sales.csv", string(samples.Files()[0].Data))
	for range someAsks {
		h.card(h.ask("What is the sum of units in sales.csv?"))
	}
	return memory(v.cmd.Process.Pid)
}

// median is the middle one.
func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// acts are what is measured of a side: the p50s and p99s of its rounds.
func (s *side) acts() map[string][2][]float64 {
	return map[string][2][]float64{"/analyze to ack": s.asks, "click to ack": s.clicks}
}

// tell adds a side's rows: the median of its rounds' figures. Ours are reported, held against Bolt's where there is one.
func (s *side) tell(t *table, bolt *side, inFlight int) {
	acts := s.acts()
	for _, what := range slices.Sorted(maps.Keys(acts)) {
		took := acts[what]
		t.say("%-50s %7.1f ms %7.1f ms", fmt.Sprintf("%s: %s, %d in flight", s.name, what, inFlight), median(took[0]), median(took[1]))
		for i, quantile := range []string{"p50", "p99"} {
			f := bench.Figure{Part: t.part, Name: fmt.Sprintf("%s, %d in flight, %s", what, inFlight, quantile), Unit: bench.Milliseconds,
				Value: median(took[i]), Is: fmt.Sprintf("the median of %d rounds", len(took[i])), Each: took[i]}
			switch {
			case s == bolt:
				continue // it stands beside ours
			case bolt != nil:
				theirs := bolt.acts()[what][i]
				f.Against = []bench.Other{{Name: "Bolt, in this run", Value: median(theirs), Each: theirs}}
				f.Goal = boltGoal(median(theirs), quantile, inFlight)
			}
			bench.Report(t.tb, f)
		}
	}
	t.say("%-50s %7.2f ms", s.name+": Postgres' processor time of a whole round", median(s.work))
	if s != bolt {
		bench.Report(t.tb, bench.Figure{Part: t.part, Name: fmt.Sprintf("Postgres' processor time of a whole round, %d in flight", inFlight), Unit: bench.Milliseconds,
			Value: median(s.work), Is: fmt.Sprintf("the median of %d rounds", len(s.work)), Each: s.work, Goal: bench.AtMost(130./3, "a third of what it was in November 2026")})
	}
}

// boltGoal is the bound on one of our quantiles by Bolt's; nil: none is set.
func boltGoal(theirs float64, quantile string, inFlight int) *bench.Goal {
	switch {
	case quantile == "p99":
		return bench.AtMost(theirs/2, "half of Bolt's")
	case inFlight > 1:
		return bench.AtMost(theirs, "no more than Bolt's")
	}
	return nil
}

// compare says how many times as long ours takes.
func compare(t *table, ours, theirs *side, inFlight int) {
	ratio := func(a, b []float64) float64 { return median(a) / median(b) }
	t.say("  ours / Bolt's, %d in flight: /analyze p50 %.2f p99 %.2f, click p50 %.2f p99 %.2f", inFlight,
		ratio(ours.asks[0], theirs.asks[0]), ratio(ours.asks[1], theirs.asks[1]), ratio(ours.clicks[0], theirs.clicks[0]), ratio(ours.clicks[1], theirs.clicks[1]))
	t.say("  memory of Bolt's process: %d MB", memory(theirs.pid))
}
