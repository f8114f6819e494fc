package storage

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/proof"
	"countersign/storage/money"
)

// TestProveMoney is `make prove-money`: a table of promises about money, each held
// against the raw ledger by SQL that shares nothing with ours. PROVE_OPS is how
// many operations are tried, PROVE_REPORT where the table is written to.
func TestProveMoney(t *testing.T) {
	t.Parallel()
	money := &moneyProof{}
	if path := os.Getenv("PROVE_REPORT"); path != "" {
		defer func() { require.NoError(t, os.WriteFile(path, money.table(), 0o644)) }()
	}
	ops := proof.Of(10_000)
	if n, err := strconv.Atoi(os.Getenv("PROVE_OPS")); err == nil {
		ops = n
	}
	money.randomWork(t, ops)
	money.threeOfAHundred(t, false)
	money.threeOfAHundred(t, true)
	money.lostDatabase(t)
	money.lostRun(t)
	money.oneAlert(t)
	t.Logf("\n%s", money.table())
	for _, v := range money.verdicts {
		require.True(t, v.ok, "%s: %s", v.promise, v.shown)
	}
}

// verdict is a line of the table.
type verdict struct {
	ok             bool
	promise, shown string
}

type moneyProof struct{ verdicts []verdict }

func (p *moneyProof) check(ok bool, promise, shown string, args ...any) {
	p.verdicts = append(p.verdicts, verdict{ok, promise, fmt.Sprintf(shown, args...)})
}

func (p *moneyProof) table() []byte {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	failed := 0
	for _, v := range p.verdicts {
		word := "passed"
		if !v.ok {
			word, failed = "FAILED", failed+1
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", word, v.promise, v.shown)
	}
	if len(p.verdicts) == 0 {
		failed = 1 // something went wrong before anything could be said
	}
	_ = w.Flush() // into memory
	fmt.Fprintf(&out, "%d passed, %d failed\n", max(0, len(p.verdicts)-failed), failed)
	return out.Bytes()
}

// randomWork has two processes work on the ledger, kills one again and again in the
// middle, and has another go on where it stopped. What they do is drawn by rapid.
// PROVE_SEED, which the table shows, has each process draw the same operations once
// more; who comes first among them is left to the machine.
func (p *moneyProof) randomWork(t *testing.T, ops int) {
	t.Helper()
	b := setupTurnable(t)
	require.NoError(t, b.exec(t, witness+`; GRANT USAGE ON SCHEMA witness TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA witness TO PUBLIC; GRANT ALL ON ALL SEQUENCES IN SCHEMA witness TO PUBLIC`))
	b.turnTo(t, time.Date(2027, 3, 20, 12, 0, 0, 0, time.UTC)) // before a change of the clock, and not long before a month's end
	limit := func(kind budget.ScopeKind, id string, amount budget.USD) {
		require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: budget.Scope{Team: team, Kind: kind, ID: id}, Amount: amount, Window: budget.Day}))
	}
	limit(budget.Team, team, 10*budget.Dollar)
	for user := range 4 {
		limit(budget.User, fmt.Sprint("USER", user), 3*budget.Dollar)
	}
	for channel := range 3 {
		limit(budget.Project, fmt.Sprint("CHAN", channel), 5*budget.Dollar)
		for thread := 1; thread < 6; thread++ {
			require.NoError(t, b.exec(t, `INSERT INTO sessions (id, team, channel, thread_ts) VALUES ($1, $2, $3, $4)`,
				proofSession(channel, thread), team, fmt.Sprint("CHAN", channel), fmt.Sprint(thread, ".0")))
			limit(budget.Session, proofSession(channel, thread), budget.Dollar)
		}
	}
	seed := proof.Seed(t)
	const kills = 3
	steady := startSpender(t, spendOrder{URL: pgtest.Serve(b.url), Seed: seed, Ops: ops / 2, Name: "steady"})
	left := ops - ops/2
	var reports []spendReport
	for i := range uint64(kills) {
		doomed := startSpender(t, spendOrder{URL: pgtest.Serve(b.url), Seed: seed + (1+i)<<32, Ops: ops, Name: fmt.Sprint("doomed ", i)})
		killed := doomed.until(t, func(r spendReport) bool { return r.Did >= ops/4/kills })
		require.NoError(t, doomed.cmd.Process.Kill())
		require.ErrorContains(t, doomed.cmd.Wait(), "killed")
		reports, left = append(reports, killed), left-killed.Did
	}
	next := startSpender(t, spendOrder{URL: pgtest.Serve(b.url), Seed: seed + (1+kills)<<32, Ops: max(left, 1), Name: "next"})
	reports = append(reports, steady.end(t), next.end(t))

	all := spendReport{Refused: map[budget.ScopeKind]int{}}
	for _, r := range reports {
		all.Did, all.Admitted, all.Settled, all.Limits, all.Jumps = all.Did+r.Did, all.Admitted+r.Admitted, all.Settled+r.Settled, all.Limits+r.Limits, all.Jumps+r.Jumps
		all.Blocked, all.Granted, all.Continued = all.Blocked+r.Blocked, all.Granted+r.Granted, all.Continued+r.Continued
		all.Wrong = append(all.Wrong, r.Wrong...)
		for kind, n := range r.Refused {
			all.Refused[kind] += n
		}
	}
	began, over := time.Date(2027, 3, 20, 12, 0, 0, 0, time.UTC), time.Time{}
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT turned.clock_timestamp()`).Scan(&over))
	p.check(all.Did >= ops, fmt.Sprintf("two processes did what was asked, and one was killed %d times in the middle", kills),
		"%d operations, PROVE_SEED=%d: %d asks admitted, %d settled, %d limits changed, the clock turned %d times over %d days",
		all.Did, seed, all.Admitted, all.Settled, all.Limits, all.Jumps, int(over.Sub(began)/day))
	p.check(len(all.Wrong) == 0 && b.count(t, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`) == 0,
		"nothing failed that should not, and nobody waited in a circle", "%d failures %v", len(all.Wrong), all.Wrong)
	p.check(all.Granted > 0 && all.Continued > 0 || ops < 5000, "what was refused was kept, and went on with money that was granted until a moment",
		"%d kept, %d top-ups granted, %d went on, %d top-ups have ended since", all.Blocked, all.Granted, all.Continued,
		b.count(t, `SELECT count(*) FROM topups WHERE granted AND expires_at <= clock_timestamp()`))
	p.check(len(all.Refused) == 4 || ops < 5000, "each of the four kinds of budget refused something",
		"refused by user %d, session %d, project %d, team %d", all.Refused[budget.User], all.Refused[budget.Session], all.Refused[budget.Project], all.Refused[budget.Team])
	p.witnessed(t, b)
	p.swept(t, b)
	p.sums(t, b)
}

// witnessed asks the witness, and whether it would have seen a breach at all.
func (p *moneyProof) witnessed(t *testing.T, b *bundle) {
	t.Helper()
	breaches := func(promise string) (n int, first string) {
		n = b.count(t, `SELECT count(*) FROM witness.breaches WHERE promise = $1`, promise)
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT coalesce(min(detail), 'none') FROM witness.breaches WHERE promise = $1`, promise).Scan(&first))
		return n, first
	}
	looked := b.count(t, `SELECT last_value FROM witness.commits`)
	rows := b.count(t, `SELECT (SELECT count(*) FROM holds) + (SELECT count(*) FROM settlements)`)
	n, first := breaches("hold")
	p.check(n == 0 && looked >= rows && rows > 0, "at every commit spent + held <= hard limit in every scope", "looked %d times at %d rows; breaches: %d, %s", looked, rows, n, first)
	n, first = breaches("balance")
	p.check(n == 0, "at every commit the day's balance = the sum of the ledger", "breaches: %d, %s", n, first)
	n, first = breaches("negative")
	p.check(n == 0 && b.count(t, `SELECT count(*) FROM holds WHERE amount < 0`) == 0, "no negative hold, no negative total", "breaches: %d, %s", n, first)

	r := b.question("a hold past all checks")
	r.Changes.Holds, r.Holds = nil, nil
	_, _, err := b.Ask(t.Context(), r, approval.Session{Team: team, Channel: channel})
	require.NoError(t, err)
	require.NoError(t, b.exec(t, `INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
		SELECT 'too much', id, team, asker, session_id, project, 'draft', 1000000000000, clock_timestamp(), clock_timestamp() + interval '1 minute'
		FROM requests WHERE id = $1`, r.ID))
	n, first = breaches("hold")
	p.check(n > 0, "a hold that is put past our code does not escape the witness", "%s", first)
}

// swept lets every hold's time pass, and sweeps as the schedule does.
func (p *moneyProof) swept(t *testing.T, b *bundle) {
	t.Helper()
	open := b.count(t, `SELECT count(*) FROM holds WHERE NOT settled`)
	p.uncertain(t, b)
	wrong := b.count(t, wrongHelds)
	p.check(wrong == 0, "what is held in every scope = the sum of its open holds", "%d scopes wrong", wrong)
	require.NoError(t, b.exec(t, `UPDATE turned.ahead SET by = by + interval '3 days'`))
	service := sweeper(b.DB, b.policy)
	for range 20 {
		require.NoError(t, service.Sweep(t.Context()))
		if b.count(t, `SELECT count(*) FROM requests WHERE state IN ('drafting', 'pending', 'approved')`) == 0 {
			break
		}
	}
	// What was running when its process was killed is lost, as the run's step finds out.
	var running []string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT coalesce(array_agg(id), '{}') FROM requests WHERE state = 'running'`).Scan(&running))
	for _, id := range running {
		b.update(t, id, (*approval.Request).Lose)
	}
	require.NoError(t, service.Sweep(t.Context())) // a draft's hold that a run outlived
	var late []string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT coalesce(array_agg(id), '{}') FROM holds WHERE NOT settled`).Scan(&late))
	dead := len(late)
	p.check(b.count(t, `SELECT count(*) FROM holds WHERE NOT settled AND uncertain_at IS NULL`) == 0,
		"what is still held after the sweep is uncertain, and counts", "%d of calls that nobody has concluded", dead)
	require.NoError(t, b.exec(t, `UPDATE turned.ahead SET by = by + interval '49 hours'`))
	for b.count(t, `SELECT count(*) FROM holds WHERE NOT settled`) > 0 {
		before := b.count(t, `SELECT count(*) FROM holds WHERE NOT settled`)
		require.NoError(t, service.Sweep(t.Context()))
		if b.count(t, `SELECT count(*) FROM holds WHERE NOT settled`) == before {
			break
		}
	}
	full := b.count(t, `SELECT count(*) FROM holds h JOIN settlements s ON s.hold_id = h.id WHERE h.id = ANY($1)
		AND s.estimated AND s.amount = h.amount AND s.at - h.uncertain_at >= interval '48 hours'`, late)
	p.check(full == dead, "what stayed uncertain for 48 hours is charged in full, and not before", "%d of %d", full, dead)
	left := b.count(t, `SELECT count(*) FROM holds WHERE NOT settled`)
	p.check(b.count(t, `SELECT sum(held) FROM scopes`) == 0 && b.count(t, wrongHelds) == 0, "and nothing is held in any scope",
		"of %d scopes", b.count(t, `SELECT count(*) FROM scopes`))
	p.check(open > 0 && left == 0, "no orphan hold after the sweep", "%d were open when all processes had gone, %d are", open, left)
	p.check(b.count(t, `SELECT count(*) FROM holds h WHERE h.settled <> EXISTS (SELECT FROM settlements s WHERE s.hold_id = h.id)`) == 0,
		"a hold is settled exactly when it has a settlement", "of %d holds", b.count(t, `SELECT count(*) FROM holds`))
}

// uncertain looks at what nobody knows yet, while all that was under way still is.
func (p *moneyProof) uncertain(t *testing.T, b *bundle) {
	t.Helper()
	p.check(b.count(t, `SELECT count(*) FROM holds rest JOIN holds h ON h.id = rest.rest_of JOIN settlements s ON s.hold_id = h.id
			WHERE rest.amount + s.amount > h.amount OR (rest.team, rest.asker, rest.session_id, rest.project) <> (h.team, h.asker, h.session_id, h.project)`) == 0,
		"what is charged of a hold and what stays uncertain of it are no more than it was", "%d rests", b.count(t, `SELECT count(*) FROM holds WHERE rest_of IS NOT NULL`))
	p.check(b.count(t, `SELECT count(*) FROM (SELECT FROM holds WHERE NOT settled AND called AND purpose = 'draft' GROUP BY request_id HAVING count(*) > 1) AS two`) == 0,
		"a question keeps one uncertain hold, however often its calls fail", "%d are uncertain, %d more under way, the most calls of one question: %d",
		b.count(t, `SELECT count(*) FROM holds WHERE NOT settled AND uncertain_at IS NOT NULL`),
		b.count(t, `SELECT count(*) FROM holds WHERE NOT settled AND called AND uncertain_at IS NULL`), b.count(t, `SELECT max(attempts) FROM requests`))
}

// sums holds everything that adds the ledger up against the ledger.
func (p *moneyProof) sums(t *testing.T, b *bundle) {
	t.Helper()
	wrong := b.count(t, wrongBalances)
	p.check(wrong == 0, "every balance = the sum of the ledger", "%d balances, %d wrong", b.count(t, `SELECT count(*) FROM balances`), wrong)
	standings, total, agree := 0, b.count(t, `SELECT sum(amount) FROM settlements`), true
	for _, scope := range []budget.Scope{teamScope, {Team: team, Kind: budget.User, ID: "USER0"}, {Team: team, Kind: budget.Project, ID: "CHAN1"}} {
		for _, window := range []budget.Window{budget.Day, budget.Week, budget.Month, budget.None} {
			require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: scope, Amount: budget.Dollar, Window: window}))
			s, err := b.Standings(t.Context(), []budget.Scope{scope})
			require.NoError(t, err)
			from, until := window.Range(s[0].ResetsAt.Add(-time.Hour), time.UTC)
			if window == budget.None {
				from, until = time.Time{}, money.EndOfTime
			}
			raw, err := b.raw(t.Context(), scope, from, until)
			require.NoError(t, err)
			standings, agree = standings+1, agree && raw == s[0].Spent && s[0].Held == 0
		}
	}
	p.check(agree, "what /budget shows = the sum of the ledger", "%d budgets", standings)
	usage, err := b.Usage(t.Context(), time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	var sum budget.USD
	for _, u := range usage {
		sum += u.Amount
	}
	p.check(int(sum) == total && total > 0, "usage over time = the sum of the ledger", "%d rows, %s", len(usage), sum)
}

// threeOfAHundred has two processes ask a hundred times at once for three dollars
// each, of the ten that a person whom nobody has heard of has.
func (p *moneyProof) threeOfAHundred(t *testing.T, known bool) {
	t.Helper()
	b := setup(t)
	promise := "of 100 asks at once in 2 processes where 3 fit, 3 are admitted: nobody has used the scopes before"
	if known {
		promise = "of 100 asks at once in 2 processes where 3 fit, 3 are admitted: the scopes are known"
		require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: userScope, Amount: 10 * budget.Dollar, Window: budget.Month}))
	}
	one := startSpender(t, spendOrder{URL: pgtest.Serve(b.url), Burst: 50, Name: "one"})
	two := startSpender(t, spendOrder{URL: pgtest.Serve(b.url), Burst: 50, Name: "two"})
	for _, s := range []*spenderProcess{one, two} {
		require.True(t, s.out.Scan())
		require.Equal(t, "ready", s.out.Text())
	}
	for _, s := range []*spenderProcess{one, two} {
		_, err := io.WriteString(s.in, "go\n")
		require.NoError(t, err)
	}
	a, c := one.end(t), two.end(t)
	admitted, refused := a.Admitted+c.Admitted, a.Refused[budget.User]+c.Refused[budget.User]
	holds := b.count(t, `SELECT count(*) FROM holds`)
	p.check(admitted == 3 && refused == 97 && holds == 3 && len(a.Wrong)+len(c.Wrong) == 0, promise,
		"%d admitted, %d refused, %d holds, failures %v", admitted, refused, holds, append(a.Wrong, c.Wrong...))
}

// oneAlert has two replicas settle a hundred calls at once, over three marks: each
// is told once, and so is each forecast.
func (p *moneyProof) oneAlert(t *testing.T) {
	t.Helper()
	b := setup(t)
	other, err := Open(t.Context(), pgtest.Serve(b.url), Options{Key: testKey})
	require.NoError(t, err)
	defer other.Close()
	for _, scope := range []budget.Scope{userScope, teamScope} {
		require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: scope, Amount: 10 * budget.Dollar, Window: budget.Month,
			Policy: budget.LimitPolicy{Soft: 60, Warn: []int{30, 80, 95}}}))
	}
	var asked []*approval.Request
	for i := range 100 {
		asked = append(asked, b.ask(t, fmt.Sprint("alert ", i))) // ten cents each
	}
	errs := together(100, func(i int) error {
		db := []*DB{b.DB, other}[i%2]
		_, err := db.Update(t.Context(), asked[i].ID, func(r *approval.Request, now time.Time) error {
			r.Money().Settle(budget.Settlement{HoldID: r.Holds[0].ID, At: now, Charges: []budget.Charge{{Kind: budget.Tokens, What: "small", Amount: 9 * budget.Cent}}})
			return nil
		})
		return err
	})
	require.NoError(t, errors.Join(errs...))
	told := func(where string) int { return b.count(t, `SELECT count(*) FROM notices WHERE `+where) }
	jobs := b.count(t, `SELECT count(*) FROM river_job WHERE args ->> 'step' = 'tell'`)
	p.check(told(`kind = 'threshold' AND key LIKE 'threshold 30 of % user %'`) == 1 && told(`kind = 'threshold'`) == 6 && jobs == told(`true`),
		"100 settles at once by 2 replicas raise one alert for each budget and mark that they reach", "2 budgets with 4 marks of which 3 were reached: %d alerts, %d forecasts, %d jobs to tell them",
		told(`kind = 'threshold'`), told(`kind = 'forecast'`), jobs)
}

// sweeper is a service that only sweeps.
func sweeper(db *DB, policy approval.Policy) *steps.Steps {
	return steps.New(steps.Ports{Store: db, Writer: &countingWriter{}, Sandbox: sizedBox{}, Log: slog.New(slog.DiscardHandler)},
		steps.Settings{Prices: budget.Shipped(), Policy: policy})
}

// countingWriter is a model whose calls are counted, and which never answers well.
type countingWriter struct {
	steps.NoWriter
	n atomic.Int64
}

func (*countingWriter) Models() []string  { return []string{"mistral-large-2512"} }
func (*countingWriter) Bound() (int, int) { return 1000, 100 }
func (*countingWriter) Offers() []review.Offer {
	return []review.Offer{{Model: "mistral-large-2512", Own: true}}
}
func (w *countingWriter) Size(steps.Brief) (int, int) { return w.Bound() }
func (w *countingWriter) Write(context.Context, steps.Brief) (steps.Draft, error) {
	w.n.Add(1)
	return steps.Draft{}, &steps.WriterError{Err: io.ErrUnexpectedEOF, Words: "It did not answer."}
}

// sizedBox is a sandbox of which only the price is asked.
type sizedBox struct{ steps.Sandbox }

func (sizedBox) Ready() error                { return nil }
func (sizedBox) Discard(string)              {}
func (sizedBox) InspectLease() time.Duration { return time.Minute }
func (sizedBox) Size() budget.BoxSize        { return budget.BoxSize{Kind: "local", VCPU: 1, MemoryMB: 512} }

// spenderProcess is a process of this test binary that spends.
type spenderProcess struct {
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Scanner
}

func startSpender(t *testing.T, order spendOrder) *spenderProcess {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	text, err := json.Marshal(order)
	require.NoError(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "STORAGE_TEST_SPENDER="+string(text), "GOCOVERDIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, unless the test failed
	return &spenderProcess{cmd: cmd, in: in, out: bufio.NewScanner(out)}
}

// until reads its reports up to one that will do, or the last.
func (s *spenderProcess) until(t *testing.T, enough func(spendReport) bool) (r spendReport) {
	t.Helper()
	for s.out.Scan() {
		require.NoError(t, json.Unmarshal(s.out.Bytes(), &r), s.out.Text())
		if enough(r) {
			return r
		}
	}
	return r
}

func (s *spenderProcess) end(t *testing.T) spendReport {
	t.Helper()
	r := s.until(t, func(spendReport) bool { return false })
	require.NoError(t, s.cmd.Wait())
	return r
}
