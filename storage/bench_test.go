package storage

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
	"countersign/internal/bench"
	"countersign/internal/pglocal/pgtest"
	"countersign/storage/money"
	"countersign/storage/pg"
)

// The figures of `make bench` about money. They are benchmarks only so that the
// suite does not run them; they measure by themselves, all in one run.

const benchClients = 8

// BenchmarkHolds takes holds on one hot team row as fast as it can, and has
// pgbench run the same statements on the same Postgres in turn with it. Each hold
// gives the client's last one back, so that as many are open as there are clients.
func BenchmarkHolds(b *testing.B) {
	url := pgtest.Database(b, migrated)
	db, err := Open(b.Context(), pgtest.Serve(url), Options{Key: testKey, MaxConns: benchClients})
	require.NoError(b, err)
	defer db.Close()
	script := benchScript(b, db)
	var ours, theirs, ratios []float64
	for round := range 5 {
		mine := holdsPerSecond(b, db, 3*time.Second, round)
		other := pgbench(b, db, url, script, 3, round)
		ours, theirs, ratios = append(ours, mine), append(theirs, other), append(ratios, mine/other)
	}
	bench.Report(b, bench.Figure{Part: "Money", Name: fmt.Sprintf("Holds on one hot team row, %d clients", benchClients), Unit: bench.PerSecond, Value: bench.Median(ours),
		Is: fmt.Sprintf("median of %d rounds", len(ours)), Each: ours, Against: []bench.Other{{Name: "pgbench, the same statements", Value: bench.Median(theirs), Each: theirs}}})
	bench.Report(b, bench.Figure{Part: "Money", Name: "Holds, ours / pgbench", Unit: bench.Times, Value: bench.Median(ratios), Is: fmt.Sprintf("median of %d rounds", len(ratios)),
		Each: ratios, Goal: bench.AtLeast(0.9, "")})
	for _, list := range [][]float64{ours, theirs, ratios} {
		slices.Sort(list)
	}
	fmt.Printf("\nholds per second on one hot team row, %d clients: %.0f; pgbench with the same statements: %.0f; ratio %.2f (%.2f to %.2f in %d rounds)\n",
		benchClients, ours[2], theirs[2], ratios[2], ratios[0], ratios[4], len(ratios))
	b.ReportMetric(ours[2], "holds/s")
	b.ReportMetric(ratios[2], "of-pgbench")
}

// benchRequest is the request of a client: one user and one thread each, all in one channel and team.
func benchRequest(i int) *approval.Request {
	r := approval.New(approval.Question{Team: team, Project: channel, Asker: fmt.Sprint("U", i), Text: "?", Trigger: fmt.Sprint(i)},
		"small", 0, approval.DefaultPolicy(), time.Now())
	r.ID, r.SessionID, r.Holds, r.Changes = fmt.Sprint("req", i), fmt.Sprint("ses", i), nil, approval.Changes{Events: r.Changes.Events[:1]}
	return r
}

// holdsPerSecond takes holds by the code that Ask and Update take them by.
func holdsPerSecond(b *testing.B, db *DB, long time.Duration, round int) float64 {
	b.Helper()
	var clients sync.WaitGroup
	var counts [benchClients]int
	var errs [benchClients]error
	began := time.Now()
	for c := range benchClients {
		clients.Go(func() {
			last := ""
			for time.Since(began) < long && errs[c] == nil {
				r, now := benchRequest(c), time.Now().UTC()
				id := fmt.Sprintf("ours-%d-%d-%d", round, c, counts[c])
				r.Changes.Holds = []budget.Hold{{ID: id, Purpose: budget.ForDraft, Amount: 1000, At: now, ExpiresAt: now.Add(time.Hour)}}
				if last != "" {
					r.Changes.Settlements = []budget.Settlement{{HoldID: last, At: now}}
				}
				errs[c] = db.batched(b.Context(), pgx.TxOptions{}, false, func(t *pg.Tx) error {
					k := db.requests.money.AddMoney(t.Batch, r, now)
					if err := t.Send(); err != nil {
						return err
					}
					if err := db.requests.money.Weigh(t, r, k); err != nil {
						return err
					}
					money.AddHolds(t.Batch, r)
					return nil
				})
				last = id
				counts[c]++
			}
		})
	}
	clients.Wait()
	took, n := time.Since(began), 0
	for c := range benchClients {
		require.NoError(b, errs[c])
		n += counts[c]
	}
	return float64(n) / took.Seconds()
}

// benchScript prepares what both sides need, and says the statements of a hold in
// pgbench's words: what is a parameter of ours is one of its own, because what
// stands in the statement itself Postgres would work out only once.
func benchScript(b *testing.B, db *DB) string {
	b.Helper()
	for i := range benchClients {
		_, _, err := db.Ask(b.Context(), benchRequest(i), approval.Session{Team: team, Channel: channel})
		require.NoError(b, err)
		scope := budget.Scope{Team: team, Kind: budget.User, ID: fmt.Sprint("U", i)}
		require.NoError(b, db.SetLimit(b.Context(), "ADMIN", budget.Limit{Scope: scope, Amount: 1000 * budget.Dollar, Window: budget.Month}))
	}
	require.NoError(b, db.SetLimit(b.Context(), "ADMIN", budget.Limit{Scope: teamScope, Amount: 1000 * budget.Dollar, Window: budget.Month}))
	var s strings.Builder
	say := func(sql string, values ...string) {
		for i := len(values); i > 0; i-- {
			sql = strings.ReplaceAll(sql, fmt.Sprint("$", i), values[i-1])
		}
		s.WriteString(strings.Join(strings.Fields(sql), " ") + ";\n")
	}
	const user, session, request = "'U' || :client_id", "'ses' || :client_id", "'req' || :client_id"
	id := func(n string) string { return "'bench-' || :round || '-' || :client_id || '-' || " + n }
	s.WriteString("\\set n :n + 1\n\\set last :n - 1\n\\set free 0\n\\set amount 1000\n")
	s.WriteString("\\startpipeline\nBEGIN;\n")
	say(money.TakeScopes, ":payers", ":paying", "('{U' || :client_id || ',ses' || :client_id || ',CHAN,TEAM}')")
	say(pg.ShareLock, ":roles")
	say(money.InsertSettlement, id(":last"), request, ":team", user, session, ":channel", ":now", ":free", ":estimated", "''")
	say(pg.TellTime)
	of := money.Whose{Given: money.OfScopes(nil).Given}
	ids := "('{U' || :client_id || ',ses' || :client_id || ',CHAN,TEAM,admins,members,reviewers}')"
	say(fmt.Sprintf(money.LimitsQuery, of.From(2)), "NULL", ":teams", ":kinds", ids)
	say(fmt.Sprintf(money.SumsOfLimits, of.From(10)), ":span1", ":span2", ":span3", ":span4", ":span5", ":span6", ":span7", ":span8", ":span9", ":teams", ":kinds", ids)
	s.WriteString("\\endpipeline\n\\startpipeline\n")
	say(money.InsertHold, id(":n"), request, ":team", user, session, ":channel", ":draft", ":amount", ":now", ":later")
	s.WriteString("COMMIT;\n\\endpipeline\n")
	return s.String()
}

// benchValues are the parameters that are the same for all clients.
func benchValues(db *DB, round int) map[string]string {
	now := time.Now().UTC()
	at := func(t time.Time) string { return t.Format(time.RFC3339) }
	values := map[string]string{"n": "0", "round": strconv.Itoa(round), "team": team, "channel": channel, "roles": money.RolesKey(team),
		"payers": "{TEAM,TEAM,TEAM,TEAM}", "paying": "{user,session,project,team}",
		"teams": "{TEAM,TEAM,TEAM,TEAM,TEAM,TEAM,TEAM}", "kinds": "{user,session,project,team,role,role,role}",
		"now": at(now), "later": at(now.Add(time.Hour)), "estimated": "false", "draft": string(budget.ForDraft)}
	for i, list := range db.requests.money.Spans(now, money.EndOfTime, budget.Day, budget.Week, budget.Month, budget.None) {
		var words []string
		switch list := list.(type) {
		case []string:
			words = list
		case []time.Time:
			for _, t := range list {
				words = append(words, at(t))
			}
		}
		values[fmt.Sprint("span", i+1)] = "{" + strings.Join(words, ",") + "}"
	}
	return values
}

var tps = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

// pgbench runs the script and says how many transactions it got done in a second.
func pgbench(b *testing.B, db *DB, url, script string, seconds, round int) float64 {
	b.Helper()
	var bin string
	owner, err := pgx.Connect(b.Context(), url)
	require.NoError(b, err)
	defer owner.Close(b.Context())
	require.NoError(b, owner.QueryRow(b.Context(), `SELECT setting FROM pg_config WHERE name = 'BINDIR'`).Scan(&bin))
	// The first hold that each client gives back.
	_, err = db.core.pool.Exec(b.Context(), `INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
		SELECT format('bench-%s-%s-0', $1::int, n), 'req' || n, 'TEAM', 'U' || n, 'ses' || n, 'CHAN', 'draft', 1000, now(), now() + interval '1 hour'
		FROM generate_series(0, $2 - 1) AS n`, round, benchClients)
	require.NoError(b, err)
	file := filepath.Join(b.TempDir(), "holds.sql")
	require.NoError(b, os.WriteFile(file, []byte(script), 0o600))
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	args := []string{"-n", "-M", "prepared", "-c", strconv.Itoa(benchClients), "-j", "2",
		"-T", strconv.Itoa(seconds), "-f", file}
	for name, value := range benchValues(db, round) {
		args = append(args, "-D", name+"="+value)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "pgbench"), append(args, pgtest.Serve(url))...).CombinedOutput()
	require.NoError(b, err, "%s", out)
	found := tps.FindSubmatch(out)
	require.NotNil(b, found, "%s", out)
	rate, err := strconv.ParseFloat(string(found[1]), 64)
	require.NoError(b, err)
	return rate
}

// BenchmarkBudgetShow reads the budgets that /budget show shows, with few and with
// many rows in the ledger. BENCH_ROWS may say what many is.
func BenchmarkBudgetShow(b *testing.B) {
	many := 10_000_000
	if n, err := strconv.Atoi(os.Getenv("BENCH_ROWS")); err == nil {
		many = n
	}
	few, rawFew := showTakes(b, 10_000)
	lots, rawLots := showTakes(b, many)
	ratio := float64(lots) / float64(few)
	fmt.Printf("\n/budget show, p50: %v with 10000 ledger rows, %v with %d; ratio %.2f (adding the month up from the ledger: %v and %v)\n",
		few, lots, many, ratio, rawFew, rawLots)
	bench.Report(b, bench.Figure{Part: "Growth", Name: fmt.Sprintf("/budget show, %d ledger rows / 10,000", many), Unit: bench.Times, Value: ratio, Goal: bench.AtMost(1.5, "")})
	b.ReportMetric(ratio, "many/few")
}

// showTakes fills a ledger with so many rows of this month and says how long the
// budgets take to read, and how long they would without balances.
func showTakes(b *testing.B, rows int) (show, raw time.Duration) {
	b.Helper()
	url := pgtest.Database(b, migrated)
	db, err := Open(b.Context(), pgtest.Serve(url), Options{Key: testKey})
	require.NoError(b, err)
	defer db.Close()
	from, until := budget.Month.Range(time.Now(), time.UTC)
	fillLedger(b, url, rows, from, until)
	scopes := []budget.Scope{{Team: team, Kind: budget.User, ID: "U7"}, teamScope}
	for _, s := range scopes {
		require.NoError(b, db.SetLimit(b.Context(), "ADMIN", budget.Limit{Scope: s, Amount: 1_000_000 * budget.Dollar, Window: budget.Month}))
	}
	var took figures
	for range 300 {
		began := time.Now()
		standings, err := db.Standings(b.Context(), scopes)
		took = append(took, time.Since(began))
		require.NoError(b, err)
		require.Equal(b, budget.USD(rows)*1000, standings[1].Spent)
	}
	var sum budget.USD
	began := time.Now()
	require.NoError(b, db.core.pool.QueryRow(b.Context(), `SELECT sum(amount)::bigint FROM settlements WHERE team = $1 AND at >= $2 AND at < $3`, team, from, until).Scan(&sum))
	raw = time.Since(began).Round(time.Microsecond)
	require.Equal(b, budget.USD(rows)*1000, sum)
	slices.Sort(took)
	return took[len(took)/2].Round(time.Microsecond), raw
}

type figures []time.Duration

// fillLedger writes settlements without their holds and bills: keys and triggers
// look away while it does, and the indexes and balances are made afterwards.
func fillLedger(b *testing.B, owner string, rows int, from, until time.Time) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, owner)
	require.NoError(b, err)
	defer func() { require.NoError(b, conn.Close(context.WithoutCancel(ctx))) }()
	var indexes []string
	var names string
	require.NoError(b, conn.QueryRow(ctx, `SELECT array_agg(indexdef), string_agg(indexname, ', ') FROM pg_indexes
		WHERE tablename = 'settlements' AND indexname NOT IN (SELECT conname FROM pg_constraint)`).Scan(&indexes, &names))
	for _, sql := range append(append([]string{
		`SET session_replication_role = replica`, `SET maintenance_work_mem = '256MB'`, `SET work_mem = '256MB'`,
		`DROP INDEX ` + names,
		fmt.Sprintf(`INSERT INTO settlements (hold_id, request_id, team, asker, session_id, project, at, amount, estimated)
			SELECT to_char(n, 'FM00000000'), 'r', 'TEAM', 'U' || n %% 20, 'S' || n %% 40, 'C' || n %% 4,
				timestamptz '%s' + n * (timestamptz '%s' - timestamptz '%s') / %d, 1000, false FROM generate_series(0, %d - 1) AS n`,
			from.Format(time.RFC3339), until.Format(time.RFC3339), from.Format(time.RFC3339), rows, rows),
	}, indexes...),
		`CREATE TEMP TABLE parts AS SELECT team, asker, session_id, project, date_bin('15 minutes', at, 'epoch') AS start, sum(amount)::bigint AS spent
			FROM settlements GROUP BY 1, 2, 3, 4, 5`,
		`INSERT INTO balances SELECT team, kind, id, grain, date_bin(width, start, 'epoch'), sum(spent) FROM parts
			CROSS JOIN LATERAL (VALUES ('user', asker), ('session', session_id), ('project', project), ('team', team)) AS p (kind, id)
			CROSS JOIN (VALUES ('quarter', interval '15 minutes'), ('day', interval '1 day')) AS g (grain, width) GROUP BY 1, 2, 3, 4, 5`,
		`VACUUM ANALYZE settlements`, `VACUUM ANALYZE balances`) {
		_, err := conn.Exec(ctx, sql)
		require.NoError(b, err, sql)
	}
}
