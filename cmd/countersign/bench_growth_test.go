package main

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/bench"
	"countersign/internal/pglocal/pgtest"
)

// few is the history that a long one is held against.
const few = 1000

// BenchmarkGrowth measures what people do, and what happens by itself, on a database in which a thousand
// requests have ended, and on one with GROW of them (20,000, if it does not say), of which a hundredth waits
// for reviewers. Both take turns, so that what else the machine does weighs on both. A request has some forty rows
// and 37 kB: a million of them take 37 GB and, on two processors, some hours to write.
func BenchmarkGrowth(b *testing.B) {
	many := 20_000
	if n, err := strconv.Atoi(os.Getenv("GROW")); err == nil {
		many = n
	}
	rounds := 7
	if n, err := strconv.Atoi(os.Getenv("ROUNDS")); err == nil {
		rounds = n
	}
	server := pgtest.StartCounting(b, "shared_buffers=1GB", "max_wal_size=8GB", "checkpoint_timeout=1h")
	var meters [2]*meter
	for i, n := range []int{few, many} {
		meters[i] = newMeterAt(b, server.Database(b, fmt.Sprint("grown_", i), migrated))
		ended, pending := meters[i].originals()
		growth{ended: n, pending: max(600, n/100), every: 90 * time.Second, heavy: n > 10_000}.grow(b, meters[i].url, ended, pending)
	}
	// A question every minute and a half is a thousand a day: the large one has been in use for longer, and not by more people.
	var order []string
	took := [2]map[string][]time.Duration{{}, {}}
	for round := range rounds {
		for i, m := range meters {
			for _, d := range m.deeds(round) {
				is := d.do()
				if round == 0 {
					if i == 0 {
						order = append(order, d.what)
					}
					continue // the first time statements are planned, and pages read
				}
				took[i][d.what] = append(took[i][d.what], is)
			}
		}
	}
	require.NotEmpty(b, order)
	for _, what := range order {
		short, long := bench.Millis(took[0][what]), bench.Millis(took[1][what])
		bench.Report(b, bench.Figure{Part: fmt.Sprintf("Growth: %d requests in the database, of which %d wait", many, max(600, many/100)), Name: what, Unit: bench.Milliseconds,
			Value: bench.Median(long), Is: fmt.Sprintf("median of %d; %.2f times as long", len(long), bench.Median(long)/bench.Median(short)), Each: long,
			Goal:    bench.AtMost(1.5*bench.Median(short), "one and a half times as long as with a thousand"),
			Against: []bench.Other{{Name: "with a thousand", Value: bench.Median(short), Each: short}}})
	}
}
