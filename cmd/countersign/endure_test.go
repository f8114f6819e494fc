package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"countersign/codegen/mistraltest"
	"countersign/internal/pglocal"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/sandbox/e2b/e2btest"
)

// siege is the house of `make prove-endurance`: replicas in processes of their own, people who ask
// and approve without a pause, and a Slack, a model, a cloud and a Postgres that fail meanwhile.
// endure_faults_test.go has what happens to them, prove_endurance_test.go what has to hold.
type siege struct {
	*office
	boxes *e2btest.Server
	draws sync.Mutex
	draw  *rand.Rand
	quits time.Time     // when people stop asking
	quiet time.Duration // how long it took until all was over

	server func() *pglocal.Server // starts Postgres
	now    *pglocal.Server
	clock  string // the file that says how far Postgres' clock is ahead
	marks  string // the file in which each program leaves the number of its question

	mu       sync.Mutex
	fleet    []*soldier
	calm     time.Time       // since when nothing but a rolling restart happens
	acked    map[string]bool // questions that Slack said had been taken
	lost     []string        // what was answered and is not in the database
	writing  map[int]int     // calls of the model that are under way, by their question
	at       time.Time       // until when two of them for one question may be under way: a replica hangs
	twice    []string        // questions that were written twice at once
	wrong    []string        // what people met that they should not have
	fell     []string        // replicas that ended though nobody had told them to
	silent   []string        // acts of a rolling restart that had no answer
	counts   map[string]int  // what has happened, by its name
	happened []happening     // the same, in its order
	recovery []time.Duration // from a kill to the next step of what the replica was at
	hung     []time.Duration // the same, for a replica that hangs

	rounds, acts, unheard, dry atomic.Int32 // dry: questions without an answer since the last that had one
}

// soldier is a replica of the siege.
type soldier struct {
	*victim
	name   string // by which Postgres knows its sessions
	doomed bool   // it ends because somebody ends it
}

// faked are Postgres' own programs with a clock that a file moves. libfaketime moves it for the
// server alone, because Go reads the time without the C library: so it is the replicas' clocks
// that are off, as seen from the database.
func faked(t testing.TB, clock string) (programs string) {
	t.Helper()
	library, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	require.NoError(t, err)
	require.NotEmpty(t, library, "libfaketime is missing: apt-get install libfaketime")
	real, err := pglocal.Programs()
	require.NoError(t, err)
	programs = filepath.Join(filepath.Dir(clock), "programs")
	require.NoError(t, os.Mkdir(programs, 0o755))
	all, err := os.ReadDir(real)
	require.NoError(t, err)
	for _, program := range all {
		if program.Name() != "postgres" {
			require.NoError(t, os.Symlink(filepath.Join(real, program.Name()), filepath.Join(programs, program.Name())))
		}
	}
	text := fmt.Sprintf("#!/bin/sh\nLD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE=%s FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_CACHE_DURATION=1 exec %s \"$@\"\n",
		library[0], clock, filepath.Join(real, "postgres"))
	require.NoError(t, os.WriteFile(filepath.Join(programs, "postgres"), []byte(text), 0o755))
	return programs
}

func newSiege(t *testing.T, seed uint64, replicas int) *siege {
	t.Helper()
	s := &siege{draw: rand.New(rand.NewPCG(seed, 16)), acked: map[string]bool{}, writing: map[int]int{}, counts: map[string]int{}}
	boxes, here := cloud(t)
	s.boxes = boxes
	boxes.Change(func(c *e2btest.Settings) { c.Concurrent = 100 })
	s.office = &office{seed: seed, modals: map[string]*sync.Mutex{}}
	dir, err := os.MkdirTemp("/tmp", "siege-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	s.clock, s.marks = filepath.Join(dir, "clock"), filepath.Join(dir, "marks")
	s.ahead(0)
	programs := faked(t, s.clock)
	s.server = func() *pglocal.Server {
		server, err := pglocal.Start(t.Context(), pglocal.Options{Dir: filepath.Join(dir, "postgres"), Throwaway: true, Programs: programs})
		require.NoError(t, err)
		return server
	}
	s.now = s.server()
	t.Cleanup(func() { require.NoError(t, s.now.Stop()) })
	require.NoError(t, migrated(t.Context(), s.now.URL()))
	s.house = openIn(t, slacksim.Options{PostBurst: -1, Timing: slacksim.Timing{Ack: 10 * time.Second}}, here, func(c *Config) { c.MaxOpen = 1000 })
	s.url, s.program.DatabaseURL = s.now.URL(), Secret(s.now.ServeURL())
	s.db, err = pgxpool.New(s.ctx, s.url)
	require.NoError(t, err)
	t.Cleanup(s.db.Close)
	s.askers = []*person.Person{s.maya, s.carla, s.sim.As(slacksim.OtherAnalyst)}
	for _, p := range append(s.askers, s.ben, s.priya) {
		s.modals[p.ID()] = &sync.Mutex{}
	}
	s.share("sales.csv", "product,units\nbeans,7\n")
	s.rooms = []room{{channel: slacksim.SalesData, file: "sales.csv", units: 7}}
	s.model.Answer(s.write)
	for range replicas {
		s.enlist()
	}
	for _, p := range s.askers { // a call whose cost nobody knows is held in full, and a siege has many
		require.NoError(t, s.carla.Command(slacksim.SalesData, "/budget set <@"+p.ID()+"> 100000"))
	}
	s.until("the budgets are set", func() bool { return value[int](s.house, `SELECT count(*) FROM limits`) == len(s.askers) })
	return s
}

// ahead moves Postgres' clock: it is so far ahead of everybody else's.
func (s *siege) ahead(by time.Duration) {
	if err := os.WriteFile(s.clock, fmt.Appendf(nil, "%+d", int(by/time.Second)), 0o644); err != nil {
		panic(err) // it is our own folder
	}
}

// number draws a number below n.
func (s *siege) number(n int) int {
	s.draws.Lock()
	defer s.draws.Unlock()
	return s.draw.IntN(n)
}

// note counts something that has happened.
func (s *siege) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
	s.happened = append(s.happened, happening{time.Now(), what})
}

// remember adds to a list of what was wrong.
func (s *siege) remember(list *[]string, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*list = append(*list, time.Now().UTC().Format("15:04:05 ")+fmt.Sprintf(format, args...))
}

// enlist starts a replica and waits until its heart beats.
func (s *siege) enlist() *soldier {
	before := s.pulses()
	r := &soldier{victim: s.begun()}
	s.t.Cleanup(func() { r.kill() })
	for r.name == "" && s.ctx.Err() == nil {
		for _, name := range s.pulses() {
			if !slices.Contains(before, name) {
				r.name = name
			}
		}
		select {
		case <-r.dead:
			s.remember(&s.fell, "a replica that was starting ended: %v", r.err)
			return s.enlist()
		case <-time.After(50 * time.Millisecond):
		}
	}
	s.mu.Lock()
	s.fleet = append(s.fleet, r)
	s.mu.Unlock()
	go func() {
		<-r.dead
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fleet = slices.DeleteFunc(s.fleet, func(other *soldier) bool { return other == r })
		if !r.doomed && s.ctx.Err() == nil {
			s.fell = append(s.fell, fmt.Sprintf("a replica ended by itself: %v", r.err))
		}
	}()
	return r
}

// doom says that a replica is about to be ended.
func (s *siege) doom(r *soldier) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.doomed = true
}

// pulses are the names of the replicas whose hearts beat; none while the database is away.
func (s *siege) pulses() []string {
	names, err := list[string](s, `SELECT DISTINCT replace(application_name, 'countersign pulse ', '') FROM pg_stat_activity WHERE starts_with(application_name, 'countersign pulse ')`)
	if err != nil {
		return nil
	}
	return names
}

// write is the model: a program that leaves the number of its question, and says it.
func (s *siege) write(q mistraltest.Request) mistraltest.Reply {
	all := ""
	for _, m := range q.Messages {
		all += m.Content + "\n"
	}
	found := whichQuestion.FindAllStringSubmatch(all, -1)
	n, _ := strconv.Atoi(found[len(found)-1][1]) // the pattern has digits only
	s.mu.Lock()
	if s.writing[n]++; s.writing[n] > 1 && time.Now().After(s.at) {
		s.twice = append(s.twice, fmt.Sprintf("question %d", n))
	}
	s.mu.Unlock()
	select {
	case <-time.After(time.Duration(100+s.number(900)) * time.Millisecond):
	case <-q.Gone:
	}
	s.mu.Lock()
	s.writing[n]--
	s.mu.Unlock()
	code := fmt.Sprintf("import time\n\nwith open(%q, \"a\") as marks:\n    marks.write(\"%d\\n\")\ntime.sleep(%d.%d)\nprint(\"answer 7 to %d\")\n", s.marks, n, s.number(2), s.number(10), n)
	return mistraltest.Reply{Content: fenced(code)}
}

// quitting is when people stop asking: later, where a rolling restart still goes on.
func (s *siege) quitting() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quits
}

// people ask and approve until the time is over.
func (s *siege) people(askers int) (over func()) {
	var all sync.WaitGroup
	var number atomic.Int32
	for i := range askers {
		all.Go(func() {
			for time.Now().Before(s.quitting()) && s.ctx.Err() == nil {
				sc := scene{number: int(number.Add(1)), fate: "approved", asker: s.askers[i%len(s.askers)], room: s.rooms[0], reviewer: s.ben, other: s.priya}
				if i%2 == 1 {
					sc.reviewer, sc.other = s.priya, s.ben
				}
				if s.number(8) == 0 {
					sc.fate = "rejected"
				}
				s.round(sc)
			}
		})
	}
	return all.Wait
}

// unanswered counts an act to which Slack had no answer, and tells an act that was refused.
func (s *siege) unanswered(what string, began time.Time, err error) bool {
	s.acts.Add(1)
	if _, ok := errors.AsType[*person.Unanswered](err); ok {
		s.unheard.Add(1)
		s.mu.Lock()
		calm := !s.calm.IsZero() && began.After(s.calm)
		s.mu.Unlock()
		if calm {
			s.remember(&s.silent, "%s, after %v: %v", what, time.Since(began).Round(time.Millisecond), err)
		}
		return true
	}
	if err != nil {
		s.remember(&s.wrong, "%s was refused: %v", what, err)
	}
	return false
}

// round is one question from the words to the answer. Whoever hears nothing looks whether it has
// come to be, and does it again where it has not, as people do.
func (s *siege) round(sc scene) {
	text := sc.text()
	for s.ctx.Err() == nil {
		began := time.Now()
		err := sc.asker.Command(sc.room.channel, "/analyze "+text)
		if !s.unanswered("a question", began, err) && err == nil {
			s.mu.Lock()
			s.acked[text] = true
			s.mu.Unlock()
		}
		if rows := s.look(text, 5*time.Second); len(rows) > 0 {
			break
		}
		if err == nil {
			s.remember(&s.lost, "the question %q", text)
		}
	}
	for s.ctx.Err() == nil {
		rows := s.look(text, 0)
		over := true
		for _, r := range rows {
			over = over && slices.Contains(final, r.State) && r.Shown
			if r.State == "pending" {
				s.decide(sc, r)
			}
		}
		if over && len(rows) > 0 {
			s.ended(rows)
			return
		}
		_ = s.rest(100 * time.Millisecond)
	}
}

// ended counts a round, and stops a siege in which nothing comes to its answer any more: whatever
// ended all of the last hundred questions, going on would say nothing of what the siege is for.
func (s *siege) ended(rows []known) {
	s.rounds.Add(1)
	switch state := rows[len(rows)-1].State; state {
	case "done":
		s.dry.Store(0)
	case "failed", "lost", "expired":
		if s.dry.Add(1) == 100 {
			s.remember(&s.lost, "a hundred questions in a row had no answer: the siege ends here")
			s.mu.Lock()
			defer s.mu.Unlock()
			s.quits = time.Now()
		}
	}
}

var final = []string{"done", "lost", "failed", "rejected", "expired", "withdrawn"}

// look finds the requests of a question. While the database is away it waits for it, and then
// as long as it is told to for the first of them.
func (s *siege) look(text string, patience time.Duration) []known {
	for began := time.Now(); s.ctx.Err() == nil; _ = s.rest(100 * time.Millisecond) {
		rows, err := s.rows(text)
		if err != nil {
			began = time.Now()
			continue
		}
		if len(rows) > 0 || time.Since(began) >= patience {
			return rows
		}
	}
	return nil
}

// decide has a reviewer press what the scene wants, once.
func (s *siege) decide(sc scene, r known) {
	card, ok := s.surface(r.ID, "card", sc.reviewer)
	if !ok || !card.Has("Approve") {
		return
	}
	began := time.Now()
	if sc.fate == "rejected" {
		if err := s.modal(sc.reviewer, "reason", func() error { return gone(sc.reviewer.Click(card, "Reject")) }, person.Fill("reason", "Not today.")); err != nil {
			s.unanswered("a rejection of "+r.ID, began, err)
		}
		return
	}
	before := len(sc.reviewer.Ephemerals(slacksim.CodeReview))
	err := gone(sc.reviewer.Click(card, "Approve"))
	if s.unanswered("a click on "+r.ID, began, err) || err != nil {
		return
	}
	for s.ctx.Err() == nil { // what was answered has committed
		n, err := list[int](s, `SELECT count(*) FROM decisions WHERE request_id = '`+r.ID+`'`)
		if err == nil {
			if n[0] == 0 {
				s.told(sc, r, before)
			}
			return
		}
		_ = s.rest(100 * time.Millisecond)
	}
}

// told takes note of a press that was answered and has decided nothing, unless the person is told why by something
// that was not there before it. Words come after the answer, so there is a wait for them.
func (s *siege) told(sc scene, r known, before int) {
	waits := func(k known) bool { return k.ID == r.ID && k.State == "pending" && k.Revision == r.Revision }
	for began := time.Now(); time.Since(began) < 10*time.Second; _ = s.rest(100 * time.Millisecond) {
		if len(sc.reviewer.Ephemerals(slacksim.CodeReview)) > before || !slices.ContainsFunc(s.look(sc.text(), 0), waits) {
			return
		}
	}
	s.remember(&s.lost, "the approval of %s", r.ID)
}
