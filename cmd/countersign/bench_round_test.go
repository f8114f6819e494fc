package main

import (
	"fmt"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/internal/bench"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// BenchmarkRound says what a round costs the server and this process: that a question is asked until its card stands, and the
// click until the answer does. It counts statements and processor time, so a busy machine changes little of it; this process is
// the replica, the local Slack and the model of the tests together. ROUNDS says how many rounds there are. ROUND_DETAIL=1 lists
// statements and functions as well, which costs some of what is measured, and ROUND_PROFILE=FILE writes a profile of this process.
func BenchmarkRound(b *testing.B) {
	t := table{tb: b, part: "What a round costs (processor time)"}
	rounds := 100
	if n, err := strconv.Atoi(os.Getenv("ROUNDS")); err == nil {
		rounds = n
	}
	detail := os.Getenv("ROUND_DETAIL") != ""
	var settings []string
	if detail {
		settings = []string{"pg_stat_statements.track=all", "track_functions=all"}
	}
	counting := pgtest.StartCounting(b, settings...)
	s := countersignSideAt(b, counting.Database(b, "rounds", migrated))
	counts, err := pgx.Connect(s.ctx, counting.URL)
	require.NoError(b, err)
	b.Cleanup(func() { _ = counts.Close(s.ctx) })
	own, err := pgx.Connect(s.ctx, s.url)
	require.NoError(b, err)
	b.Cleanup(func() { _ = own.Close(s.ctx) })

	var cards []workspace.Message
	stretch := func(what string, n int, work func(i int) error, ready func()) {
		_, err := counts.Exec(s.ctx, `SELECT pg_stat_statements_reset()`)
		require.NoError(b, err)
		_, err = own.Exec(s.ctx, `SELECT pg_stat_reset()`)
		require.NoError(b, err)
		server, here := s.postgres(b), usedHere()
		acks := each(b, n, 1, work)
		ready()
		s.quiet()
		server, here = s.postgres(b)-server, usedHere()-here
		var statements float64
		require.NoError(b, counts.QueryRow(s.ctx, `SELECT sum(calls)::float8 FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = 'rounds' AND toplevel`).Scan(&statements))
		per := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) / float64(n) }
		t.say("%-28s %8.1f statements %8.2f ms Postgres %8.2f ms here; ack p50 %.2f ms", what, statements/float64(n), per(server), per(here), float64(acks.at(0.5).Microseconds())/1000)
		for name, v := range map[string]float64{"Postgres": per(server), "replica, Slack and model together": per(here)} {
			bench.Report(b, bench.Figure{Part: t.part, Name: what + ", " + name, Unit: bench.Milliseconds, Value: v, Is: fmt.Sprintf("of %d, %.0f statements each", n, statements/float64(n))})
		}
		if detail {
			dearest(b, s, counts, own, what, n)
		}
	}
	if file := os.Getenv("ROUND_PROFILE"); file != "" {
		f, err := os.Create(file)
		require.NoError(b, err)
		defer f.Close()
		require.NoError(b, pprof.StartCPUProfile(f))
		defer pprof.StopCPUProfile()
	}
	stretch("asked until its card stands", rounds, s.ask, func() {
		_, err := s.ben.WaitMessage(s.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
			if m.Has("Approve") && !s.acked[m.TS] {
				s.acked[m.TS], cards = true, append(cards, m)
			}
			return len(cards) == rounds
		})
		require.NoError(b, err, s.log.String())
	})
	stretch("clicked until it is answered", rounds, func(i int) error { return s.ben.Click(cards[i], "Approve") }, func() {
		left := map[string]bool{}
		for _, m := range cards {
			left[m.TS] = true
		}
		_, err := s.ben.WaitMessage(s.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
			if left[m.TS] && strings.Contains(m.Text, "Approved by") {
				delete(left, m.TS)
			}
			return len(left) == 0
		})
		require.NoError(b, err, s.log.String())
	})
	fmt.Printf("\n%s\n", strings.Join(t.rows, "\n"))
}

// usedHere is the processor time of this process.
func usedHere() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// dearest prints the dearest statements and functions of a stretch.
func dearest(b *testing.B, s *side, counts, own *pgx.Conn, what string, n int) {
	fmt.Printf("\n%s: statements\n", what)
	rows, err := counts.Query(s.ctx, `SELECT calls::float8 / $1, total_exec_time / $1, CASE WHEN toplevel THEN '' ELSE '  in a function: ' END || left(regexp_replace(query, '\s+', ' ', 'g'), 150)
		FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = 'rounds' ORDER BY total_exec_time DESC LIMIT 90`, n)
	require.NoError(b, err)
	var calls, ms float64
	var text string
	_, err = pgx.ForEachRow(rows, []any{&calls, &ms, &text}, func() error { fmt.Printf("%7.2f x %8.3f ms  %s\n", calls, ms, text); return nil })
	require.NoError(b, err)
	fmt.Printf("\n%s: functions\n", what)
	rows, err = own.Query(s.ctx, `SELECT calls::float8 / $1, total_time / $1, self_time / $1, funcname FROM pg_stat_user_functions ORDER BY self_time DESC`, n)
	require.NoError(b, err)
	var self float64
	_, err = pgx.ForEachRow(rows, []any{&calls, &ms, &self, &text}, func() error { fmt.Printf("%7.2f x %8.3f ms self %8.3f ms  %s\n", calls, ms, self, text); return nil })
	require.NoError(b, err)
}
