package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
)

// lasting is how long the siege lasts: in the suite a few seconds.
func lasting(t *testing.T) time.Duration {
	if !proof.Whole() {
		return 4 * time.Second
	}
	if text := os.Getenv("FOR"); text != "" {
		d, err := time.ParseDuration(text)
		require.NoError(t, err, "FOR is a time such as 30m")
		return d
	}
	return 5 * time.Minute
}

// quantile is the value below which such a share of a list lies.
func quantile(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	return all[min(int(share*float64(len(all))), len(all)-1)].Round(10 * time.Millisecond)
}

// TestProveEnduranceNobodyNoticesWhatHappensToReplicas is `make prove-endurance`.
func TestProveEnduranceNobodyNoticesWhatHappensToReplicas(t *testing.T) {
	t.Parallel()
	seed, replicas, people := proof.Seed(t), 3, 6
	if !proof.Whole() {
		replicas, people = 2, 3
	}
	long := lasting(t)
	s := newSiege(t, seed, replicas)
	s.round(scene{number: 0, fate: "approved", asker: s.askers[0], room: s.rooms[0], reviewer: s.ben, other: s.priya})
	require.Zero(t, s.dry.Load(), "before anything happens, a question has its answer")
	s.quits = time.Now().Add(long + long/10)
	over := s.people(people)
	s.strike(time.Now().Add(long))
	s.heal(replicas)
	s.rolling()
	over()
	s.settle(soon)
	s.judge(t, seed, long)
}

// heal ends all faults, and waits until there are as many replicas as there were.
func (s *siege) heal(replicas int) {
	s.sim.Heal()
	s.boxes.Heal()
	s.ahead(0)
	for s.strength() < replicas && s.ctx.Err() == nil {
		s.enlist()
	}
	require.NoError(s.t, s.sim.WaitSockets(s.patient(), 2*replicas))
}

func (s *siege) strength() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.fleet)
}

// rolling restarts all replicas, one after the other, while people go on: each act is answered.
func (s *siege) rolling() {
	s.mu.Lock()
	s.calm = time.Now()
	old := slices.Clone(s.fleet)
	if later := s.calm.Add(10 * time.Second); later.After(s.quits) {
		s.quits = later
	}
	s.mu.Unlock()
	for _, r := range old {
		s.doom(r)
		r.term()
		<-r.dead
		if r.err != nil {
			s.remember(&s.fell, "a replica that was told to stop ended with %v", r.err)
		}
		s.enlist()
	}
}

// settle waits until everything that was asked is over, shown and paid for, and no box is left.
func (s *siege) settle(patience time.Duration) {
	began := time.Now()
	open := func() (n int) {
		found, err := list[int](s, `SELECT count(*) FROM requests r WHERE state IN ('drafting', 'asking', 'pending', 'approved', 'running') OR shown_at IS NULL OR shown_at < changed_at
			OR EXISTS (SELECT FROM holds WHERE request_id = r.id AND NOT settled AND uncertain_at IS NULL)
			OR $1 AND EXISTS (SELECT FROM sightings WHERE request_id = r.id AND due_at IS NOT NULL)`, proof.Whole()) // some minutes, which the suite has not
		if err != nil {
			return 1
		}
		return found[0]
	}
	for open() > 0 && time.Since(began) < patience {
		_ = s.rest(200 * time.Millisecond)
	}
	s.quiet = time.Since(began)
}

// under is the house with another test to fail.
func (h *house) under(t testing.TB) *house {
	return &house{t: t, ctx: h.ctx, sim: h.sim, model: h.model, url: h.url, program: h.program, log: h.log, maya: h.maya, ben: h.ben, priya: h.priya, carla: h.carla}
}

// ran is how often the program of each question has run, by its own word.
func (s *siege) ran() map[int]int {
	text, _ := os.ReadFile(s.marks) // there is none where nothing has run
	ran := map[int]int{}
	for _, line := range strings.Fields(string(text)) {
		n, _ := strconv.Atoi(line) // our own
		ran[n]++
	}
	return ran
}

// judge holds the end against the truth, and writes the table.
func (s *siege) judge(t *testing.T, seed uint64, long time.Duration) {
	for _, name := range slices.Sorted(maps.Keys(s.counts)) {
		t.Logf("%4d  %s", s.counts[name], name)
	}
	t.Logf("all was over %v after the last question; %d acts had no answer meanwhile", s.quiet.Round(time.Second), s.unheard.Load())
	row := func(wrong []string, promise, shown string, args ...any) {
		for _, w := range wrong {
			t.Logf("%s: %s", promise, w)
		}
		proof.Check(t, len(wrong) == 0, "under siege: "+promise, shown+", %d wrong", append(args, len(wrong))...)
	}
	// In the suite, beside everything else that the machine does, nothing is held against a time: a replica
	// that gets none of it for eight seconds counts as hung, and then a step may well be done twice.
	timely := func(wrong []string, promise, shown string, args ...any) {
		if proof.Whole() {
			row(wrong, promise, shown, args...)
			return
		}
		t.Logf("%s: "+shown+", %d wrong %v", append(append([]any{promise}, args...), len(wrong), wrong)...)
	}
	questions := column[string](s.house, `SELECT DISTINCT said(question) FROM requests`)
	for text := range s.acked {
		if !slices.Contains(questions, text) {
			s.lost = append(s.lost, "nobody has the question "+text)
		}
	}
	s.lost = append(s.lost, column[string](s.house, `SELECT id || ' is still ' || state FROM requests WHERE state NOT IN ('done', 'lost', 'failed', 'rejected', 'expired', 'withdrawn')`)...)
	if s.rounds.Load() == 0 {
		s.lost = append(s.lost, "no question came to its end")
	}
	states := map[string]int{}
	for _, state := range column[string](s.house, `SELECT state FROM requests`) {
		states[state]++
	}
	blows := 0
	for name, n := range s.counts {
		if !strings.HasPrefix(name, " ") {
			blows += n
		}
	}
	row(s.lost, "nothing that was answered is lost", "%d rounds in %v, seed %d: %v; %d kinds of blows, %d of them, %d kills", s.rounds.Load(), long, seed, states, len(blowNames(s.counts)), blows, s.kills())

	var doubled []string
	asked := map[int]int{}
	for _, id := range s.ids() {
		if n := s.boxes.Starts(id); n > 1 {
			doubled = append(doubled, fmt.Sprintf("%s was started %d times", id, n))
		}
	}
	for _, text := range column[string](s.house, `SELECT said(question) FROM requests`) {
		var n int
		if _, err := fmt.Sscanf(text, "No. %d:", &n); err == nil {
			asked[n]++
		}
	}
	runs := 0
	for n, times := range s.ran() {
		if runs += times; times > asked[n] {
			doubled = append(doubled, fmt.Sprintf("question %d ran %d times", n, times))
		}
	}
	if runs == 0 {
		doubled = append(doubled, "none has started")
	}
	row(doubled, "no program starts twice", "%d starts", runs)
	timely(s.twice, "no step is done twice at once", "%d calls of the model", len(s.model.Requests()))

	db, err := s.store()
	require.NoError(t, err)
	defer db.Close()
	if !t.Run("ledger", func(t *testing.T) {
		h := s.under(t)
		defer h.look.close()
		h.ledger()
		h.balance(db)
	}) {
		s.wrong = append(s.wrong, "the ledger")
	}
	var twice []string
	events, wrong := 0, slices.Clone(s.wrong)
	for _, id := range s.ids() {
		if !t.Run("request "+id, func(t *testing.T) {
			h := s.under(t)
			defer h.look.close()
			found, err := db.VerifyChain(h.ctx, "request:"+id)
			require.NoError(t, err)
			events += found.Events
			if more := h.shown(db, id); more != 0 {
				twice = append(twice, fmt.Sprintf("%s has %d more:\n%s", id, more, s.tells(h, db, id)))
			}
		}) {
			wrong = append(wrong, id)
		}
	}
	row(wrong, "balances, bills, the trail and what Slack shows say the same", "%d events", events)
	for began := time.Now(); len(s.standing()) > 0 && time.Since(began) < soon; {
		_ = s.rest(200 * time.Millisecond)
	}
	row(s.standing(), "no line and no card is left standing", "%d requests", len(s.ids()))
	timely(twice, "nothing stands in Slack twice", "%d lost answers to posts, %d kills, %d events that Slack gave up",
		s.counts["  Slack: a post's answer is lost"], s.kills(), s.sim.Counts().Abandoned)

	alive := func(run bool) (left []string) {
		for _, b := range s.boxes.Alive() {
			if (b.Metadata["countersign_request"] != "") == run {
				left = append(left, fmt.Sprint(b.ID, b.Metadata))
			}
		}
		return left
	}
	for began := time.Now(); len(alive(true)) > 0 && time.Since(began) < 30*time.Second; {
		_ = s.rest(100 * time.Millisecond)
	}
	left := alive(true)
	for began := time.Now(); proof.Whole() && len(alive(false)) > 0 && time.Since(began) < 2*time.Minute; {
		_ = s.rest(100 * time.Millisecond) // whose replica died while it looked into files: nobody knows until they are too old
	}
	timely(append(left, alive(false)...), "no box outlives its run by half a minute, nor is one without a run there for two", "%d boxes", len(s.boxes.Boxes()))
	timely(column[string](s.house, `SELECT kind || ' ' || args::text || ' by ' || attempted_by[array_upper(attempted_by, 1)] FROM river_job WHERE state = 'running' AND kind = 'step' AND attempted_at < clock_timestamp() - interval '20 seconds'`),
		"no job stays at work that nobody does", "%d jobs", value[int](s.house, `SELECT count(*) FROM river_job`))
	row(s.fell, "no replica ends but those that are ended", "%d ended by SIGTERM or kill -9", s.counts["SIGTERM"]+s.kills())
	timely(s.silent, "a rolling restart leaves no act without an answer", "%d acts", s.acts.Load())
	middle, most := quantile(s.recovery, 0.5), quantile(s.recovery, 0.95)
	var slow []string
	if middle > 5*time.Second || most > 15*time.Second {
		slow = append(slow, "too slow")
	}
	timely(slow, "from a kill to the next step of what was under way: 5 s at most in the middle, 15 s in 19 of 20",
		"%d steps: median %v, p95 %v; where a replica hangs (%d): %v, %v", len(s.recovery), middle, most, len(s.hung), quantile(s.hung, 0.5), quantile(s.hung, 0.95))
	said := strings.Count(s.log.String(), "the database is away")
	absences := s.counts["Postgres restarted"] + s.counts["Postgres away"] + s.counts["Postgres crashed"] + s.counts["Postgres' disk full"]
	t.Logf("%d lines in the log say that the database is away, of %d absences; %d lines are warnings or errors", said, absences, strings.Count(s.log.String(), "level=WARN")+strings.Count(s.log.String(), "level=ERROR"))
	if path := os.Getenv("PROVE_LOG"); path != "" {
		require.NoError(t, os.WriteFile(path, []byte(s.log.String()), 0o600))
	}
}

func (s *siege) kills() int { return s.counts["kill -9"] + 5*s.counts["kill -9 five times in a row"] }

// ids are those of all requests.
func (s *siege) ids() []string { return column[string](s.house, `SELECT id FROM requests ORDER BY id`) }

// blowNames are the kinds of what has happened.
func blowNames(counts map[string]int) (names []string) {
	for name := range counts {
		if !strings.HasPrefix(name, " ") {
			names = append(names, name)
		}
	}
	return names
}

// standing are messages that still offer what is over: a line that says that something is being
// done, or a card that can be decided.
func (s *siege) standing() (left []string) {
	look := func(m workspace.Message) {
		if m.BotID != "" && !m.Ephemeral && (m.Has("Cancel") || m.Has("Approve")) {
			left = append(left, fmt.Sprint(m.Channel, " ", m.TS, " in ", m.ThreadTS, " ", m.Metadata, " ", strings.SplitN(m.Text, "\n", 2)[0]))
		}
	}
	for _, m := range s.carla.Messages(slacksim.CodeReview) {
		look(m)
	}
	for _, root := range s.carla.Messages(slacksim.SalesData) {
		for _, m := range s.carla.Thread(root.Channel, root.TS) {
			look(m)
		}
	}
	return left
}

// happening is what a siege did, and when.
type happening struct {
	at   time.Time
	what string
}

// tells lists what stands in Slack about a request, what is remembered of it, and what happened to replicas, Slack and
// Postgres from its beginning until a little after its last message.
func (s *siege) tells(h *house, db *storage.DB, id string) string {
	view, err := db.View(h.ctx, id)
	require.NoError(h.t, err)
	var list []string
	last := view.Request.ChangedAt
	add := func(m workspace.Message) {
		if m.BotID != "" && !m.Ephemeral {
			seconds, _ := strconv.ParseFloat(m.TS, 64)
			at := time.UnixMicro(int64(seconds * 1e6)).UTC()
			if at.After(last) {
				last = at
			}
			list = append(list, fmt.Sprintf("%s stands %s: %.100q", at.Format(time.TimeOnly+".000"), m.TS, m.Words()))
		}
	}
	for _, root := range h.roots(view.Request.Question) {
		for _, m := range h.carla.Thread(root.Channel, root.TS) {
			add(m)
		}
	}
	for _, m := range h.carla.Messages(slacksim.CodeReview) {
		if strings.Contains(m.Words(), id) {
			add(m)
		}
	}
	for surface, post := range view.Posts {
		list = append(list, fmt.Sprintf("remembered: the %s at %s, %.60q", surface, post.TS, post.Shown))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.happened {
		if e.at.After(view.Request.CreatedAt.Add(-5*time.Second)) && e.at.Before(last.Add(30*time.Second)) {
			list = append(list, e.at.UTC().Format(time.TimeOnly+".000")+" "+e.what)
		}
	}
	return strings.Join(slices.Sorted(slices.Values(list)), "\n")
}
