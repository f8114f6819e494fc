package storage

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/pglocal/pgtest"
	"countersign/storage/audit"
	"countersign/storage/money"
)

// turnable gives a test the database's clock: every replica that connects by the
// bundle's URL finds a clock_timestamp before Postgres' own, which runs as that
// one does and can be put forward.
func turnable(t testing.TB, url string) (turned string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `
		CREATE SCHEMA turned;
		CREATE TABLE turned.ahead (by interval NOT NULL);
		INSERT INTO turned.ahead VALUES ('0');
		CREATE FUNCTION turned.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
			'SELECT pg_catalog.clock_timestamp() + by FROM turned.ahead';
		GRANT USAGE ON SCHEMA turned TO PUBLIC;
		GRANT ALL ON turned.ahead TO PUBLIC`)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	join := "?"
	if strings.Contains(url, "?") {
		join = "&"
	}
	return url + join + "search_path=turned,pg_catalog,public"
}

func setupTurnable(t *testing.T) *bundle {
	t.Helper()
	b := setup(t)
	b.DB.Close()
	b.url = turnable(t, b.url)
	db, err := Open(t.Context(), pgtest.Serve(b.url), Options{Key: testKey})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	b.DB = db
	return b
}

// turnTo puts the clock forward to a moment.
func (b *bundle) turnTo(t testing.TB, at time.Time) {
	t.Helper()
	_, err := b.pool.Exec(t.Context(), `UPDATE turned.ahead SET by = greatest(by, $1 - pg_catalog.clock_timestamp())`, at)
	require.NoError(t, err)
}

// spend settles an amount at a moment, past all our code.
func (b *bundle) spend(ctx context.Context, r *approval.Request, id string, at time.Time, amount budget.USD) error {
	return pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		for _, sql := range []string{
			`INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
				SELECT $1, id, team, asker, session_id, project, 'draft', $4, $3::timestamptz, $3::timestamptz + interval '1 hour' FROM requests WHERE id = $2`,
			`INSERT INTO settlements (hold_id, request_id, team, asker, session_id, project, at, amount, estimated)
				SELECT $1, id, team, asker, session_id, project, $3, $4, false FROM requests WHERE id = $2`,
			`INSERT INTO charges (hold_id, line, kind, what, amount) SELECT $1, 1, 'box', 'local', $4 WHERE $2 <> '' AND $3::timestamptz IS NOT NULL`,
		} {
			if _, err := tx.Exec(ctx, sql, id, r.ID, at, amount); err != nil {
				return err
			}
		}
		return nil
	})
}

// raw adds a scope up from the ledger itself.
func (b *bundle) raw(ctx context.Context, scope budget.Scope, from, until time.Time) (sum budget.USD, err error) {
	err = b.pool.QueryRow(ctx, `SELECT coalesce(sum(amount), 0)::bigint FROM settlements WHERE team = $1
		AND CASE $2 WHEN 'user' THEN asker WHEN 'session' THEN session_id WHEN 'project' THEN project ELSE team END = $3
		AND at >= $4 AND at < $5`, scope.Team, scope.Kind, scope.ID, from, until).Scan(&sum)
	return sum, err
}

// The stretches in which the schema adds up.
const (
	quarter = 15 * time.Minute
	day     = 24 * time.Hour
)

func TestABalanceIsTheSumOfTheLedgerInEveryZoneAndWindow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	other := b.ask(t, "another thread")
	var zones []*time.Location
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe",
		"Pacific/Apia", "Pacific/Chatham", "America/St_Johns", "Africa/Cairo"} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		zones = append(zones, zone)
	}
	// No such zone is in use, and yet it is added up to the cent.
	zones = append(zones, time.FixedZone("odd", 3*3600+17*60+11), time.FixedZone("slight", 7))
	scopes := []budget.Scope{userScope, {Team: team, Kind: budget.Session, ID: r.SessionID}, projectScope, teamScope}
	windows := []budget.Window{budget.Day, budget.Week, budget.Month, budget.None}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(rt, "zone")
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, int64(400*day/time.Microsecond)).Draw(rt, "at")) * time.Microsecond)
		window := rapid.SampledFrom(windows).Draw(rt, "window")
		from, until := window.Range(at, zone)
		// Money is spent where it is hardest: at the edges of windows, quarters and days.
		moments := []time.Time{at, at.Truncate(quarter), at.Truncate(day), at.Truncate(day).Add(-time.Microsecond)}
		if !until.IsZero() {
			moments = append(moments, from, until, from.Add(-time.Microsecond), until.Add(-time.Microsecond), from.Add(quarter-1).Truncate(quarter), until.Truncate(quarter))
		}
		for range rapid.IntRange(1, 4).Draw(rt, "spends") {
			who := rapid.SampledFrom([]*approval.Request{r, other}).Draw(rt, "who")
			amount := budget.USD(rapid.Int64Range(0, int64(budget.Dollar)).Draw(rt, "amount"))
			n++
			require.NoError(rt, b.spend(t.Context(), who, fmt.Sprint("spend ", n), rapid.SampledFrom(moments).Draw(rt, "moment"), amount))
		}
		scope := rapid.SampledFrom(scopes).Draw(rt, "scope")
		// A team may change its zone at any time: the same ledger is read on another calendar.
		for _, calendar := range []*time.Location{zone, rapid.SampledFrom(zones).Draw(rt, "next zone")} {
			batch := &pgx.Batch{}
			s := money.NewTill(b.core.pool, b.core.notary, calendar, nil).AddStandings(batch, []budget.Scope{scope}, map[budget.Scope]budget.Limit{scope: {Scope: scope, Window: window}}, at, money.EndOfTime)
			require.NoError(rt, b.read(t.Context(), func(tx pgx.Tx) error { return tx.SendBatch(t.Context(), batch).Close() }))
			from, until := window.Range(at, calendar)
			if until.IsZero() {
				until = money.EndOfTime
			}
			want, err := b.raw(t.Context(), scope, from, until)
			require.NoError(rt, err)
			require.Equal(rt, want, s[0].Spent, "%s of %s in %s", window, scope, calendar)
		}
	})
	require.Zero(t, b.count(t, wrongBalances))
}

// TestARankingIsTheLedgerAddedUp holds each ranking of each stretch of time against all charges in it.
func TestARankingIsTheLedgerAddedUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asked := []*approval.Request{b.ask(t, "t"), b.ask(t, "another thread")}
	names := map[steps.Ranking]string{steps.ByPeople: "s.asker", steps.ByChannels: "s.project", steps.ByModels: "coalesce(nullif(c.model, ''), c.what)", steps.ByDays: "(s.at AT TIME ZONE $4)::date::text"}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Asia/Kathmandu", "America/St_Johns", "Europe/Berlin"}).Draw(rt, "zone"))
		require.NoError(rt, err)
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, int64(90*day/time.Microsecond)).Draw(rt, "at")) * time.Microsecond)
		month, next := budget.Month.Range(at, zone)
		moments := []time.Time{at, at.Truncate(quarter), at.Truncate(day), at.Truncate(day).Add(-time.Microsecond), at.Add(time.Minute), at.Add(3 * day), month, next, next.Add(-time.Microsecond)}
		for range rapid.IntRange(1, 4).Draw(rt, "spends") {
			n++
			amounts := rapid.SliceOfN(rapid.Int64Range(0, int64(budget.Dollar)), 1, 3).Draw(rt, "amounts")
			models := rapid.SliceOfN(rapid.SampledFrom([]string{"small-1", "large-1", ""}), len(amounts), len(amounts)).Draw(rt, "models")
			require.NoError(rt, b.charge(t.Context(), rapid.SampledFrom(asked).Draw(rt, "who"), fmt.Sprint("ranked ", n), rapid.SampledFrom(moments).Draw(rt, "moment"), amounts, models))
		}
		from, until := rapid.SampledFrom(moments).Draw(rt, "from"), rapid.SampledFrom(moments).Draw(rt, "until")
		ledger := money.NewLedger(money.NewTill(b.core.pool, b.core.notary, zone, nil))
		for by, name := range names {
			rows, err := b.pool.Query(t.Context(), `SELECT `+name+` AS id, sum(c.amount)::bigint AS amount FROM settlements s JOIN charges c USING (hold_id)
				WHERE s.team = $1 AND s.at >= $2 AND s.at < $3 AND $4 <> '' GROUP BY 1 HAVING sum(c.amount) > 0`, team, from, until, zone.String())
			require.NoError(rt, err)
			want, err := pgx.CollectRows(rows, pgx.RowToStructByName[steps.Spender])
			require.NoError(rt, err)
			is, err := ledger.Top(t.Context(), team, by, from, until)
			require.NoError(rt, err)
			require.ElementsMatch(rt, want, is, "%s from %s until %s in %s", by, from, until, zone)
		}
	})
	require.Zero(t, b.count(t, wrongBalances))
}

// charge settles a hold with a bill of several lines; what has no model is a box.
func (b *bundle) charge(ctx context.Context, r *approval.Request, id string, at time.Time, amounts []int64, models []string) error {
	return pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		for _, sql := range []string{
			`INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
				SELECT $1, id, team, asker, session_id, project, 'draft', (SELECT sum(a) FROM unnest($4::bigint[]) a), $3::timestamptz, $3::timestamptz + interval '1 hour' FROM requests WHERE id = $2 AND $5::text[] IS NOT NULL`,
			`INSERT INTO settlements (hold_id, request_id, team, asker, session_id, project, at, amount, estimated)
				SELECT $1, id, team, asker, session_id, project, $3::timestamptz, (SELECT sum(a) FROM unnest($4::bigint[]) a), false FROM requests WHERE id = $2 AND $5::text[] IS NOT NULL`,
			`INSERT INTO charges (hold_id, line, kind, what, model, amount, vcpu, memory_mb) SELECT $1, n, CASE m WHEN '' THEN 'box' ELSE 'tokens' END, CASE m WHEN '' THEN 'local' ELSE m END, m, a, 0, 0
				FROM unnest($4::bigint[], $5::text[]) WITH ORDINALITY AS c (a, m, n) WHERE $2 <> '' AND $3::timestamptz IS NOT NULL`,
		} {
			if _, err := tx.Exec(ctx, sql, id, r.ID, at, amounts, models); err != nil {
				return err
			}
		}
		return nil
	})
}

// wrongHelds counts the scopes in which something else is held than their open holds.
const wrongHelds = `
	SELECT count(*) FROM (
		SELECT h.team, p.kind, p.id, sum(CASE WHEN s.hold_id IS NULL THEN h.amount ELSE 0 END) AS held, sum(h.amount) AS taken
		FROM holds h LEFT JOIN settlements s ON s.hold_id = h.id CROSS JOIN LATERAL
			(VALUES ('user', h.asker), ('session', h.session_id), ('project', h.project), ('team', h.team)) AS p (kind, id)
		GROUP BY 1, 2, 3
	) AS truth FULL JOIN scopes s USING (team, kind, id)
	WHERE coalesce(s.held, 0) <> coalesce(truth.held, 0) OR coalesce(s.taken, 0) <> coalesce(truth.taken, 0)`

// wrongBalances counts the stretches whose balance is not the sum of the ledger,
// whichever of the two is missing.
const wrongBalances = `SELECT count(*) FROM (` + audit.WrongBalances + `) AS wrong`

func TestEveryKindOfBudgetBlocksOnItsOwn(t *testing.T) {
	t.Parallel()
	words := map[budget.ScopeKind]string{budget.User: "Your budget of $0.15", budget.Session: "The budget of this thread of $0.15",
		budget.Project: "The budget of this channel of $0.15", budget.Team: "The team's budget of $0.15"}
	for kind, said := range words {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			thread := approval.Session{Team: team, Channel: channel, ThreadTS: "1.0"}
			first, _, err := b.Ask(t.Context(), b.question("first"), thread) // ten cents held
			require.NoError(t, err)
			tight := budget.Scope{Team: team, Kind: kind, ID: map[budget.ScopeKind]string{budget.User: asker, budget.Session: first.SessionID,
				budget.Project: channel, budget.Team: team}[kind]}
			for _, scope := range first.Scopes() {
				// Every other one is set, too, and has room.
				limit := budget.Limit{Scope: scope, Amount: budget.Dollar, Window: budget.Month}
				if scope == tight {
					limit.Amount, limit.Window = 15*budget.Cent, budget.Week
				}
				require.NoError(t, b.SetLimit(t.Context(), "ADMIN", limit))
			}
			_, _, err = b.Ask(t.Context(), b.question("second"), thread)
			var exceeded *budget.ExceededError
			require.ErrorAs(t, err, &exceeded)
			require.Equal(t, tight, exceeded.Standing.Limit.Scope)
			require.Equal(t, 5*budget.Cent, exceeded.Standing.Left())
			require.Equal(t, 10*budget.Cent, exceeded.Needed)
			require.Contains(t, exceeded.Words(asker), said+" per week has $0.05 left, and this could cost up to $0.10.")
			require.Equal(t, 1, b.count(t, `SELECT count(*) FROM requests`), "who is refused leaves nothing behind")

			// It is the tightest of several that is named, though all of them block.
			for _, scope := range first.Scopes() {
				if scope != tight {
					require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: scope, Amount: 16 * budget.Cent, Window: budget.Month}))
				}
			}
			_, _, err = b.Ask(t.Context(), b.question("third"), thread)
			require.ErrorAs(t, err, &exceeded)
			require.Equal(t, tight, exceeded.Standing.Limit.Scope)

			// Somebody whom that budget does not cover is not kept by it.
			q := b.question("elsewhere")
			q.Asker, q.Project = "SOMEBODY", "ELSEWHERE"
			if kind != budget.Team {
				_, _, err = b.Ask(t.Context(), q, approval.Session{Team: team, Channel: "ELSEWHERE"})
				require.ErrorAs(t, err, &exceeded)
				require.Equal(t, budget.Team, exceeded.Standing.Limit.Scope.Kind, "the team's holds for everybody")
				require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: teamScope, Amount: budget.Dollar, Window: budget.Month}))
				_, _, err = b.Ask(t.Context(), q, approval.Session{Team: team, Channel: "ELSEWHERE"})
				require.NoError(t, err)
			}
		})
	}
}

// A hold is checked against the window in which it is taken, not the one in which
// its transaction began: it may have waited for its turn over midnight, while
// others spent what the new day has.
func TestAHoldThatWaitedOverMidnightIsCheckedAgainstTheNewDay(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: userScope, Amount: 15 * budget.Cent, Window: budget.Day}))
	first := b.ask(t, "first") // ten cents held
	midnight := time.Now().UTC().Truncate(day).Add(2 * day)
	b.turnTo(t, midnight.Add(-20*time.Second))
	turn, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, money.LockScopes(t.Context(), turn, first.Scopes()))
	waited := make(chan error, 1)
	go func() {
		_, _, err := b.Ask(t.Context(), b.question("second"), approval.Session{Team: team, Channel: channel})
		waited <- err
	}()
	eventually(t, func() bool {
		return b.count(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 1
	})
	// The day ends, and whoever has the locks spends what the next one has.
	b.turnTo(t, midnight)
	_, err = turn.Exec(t.Context(), `
		INSERT INTO settlements (hold_id, request_id, team, asker, session_id, project, at, amount, estimated)
			SELECT id, request_id, team, asker, session_id, project, $2, amount, false FROM holds WHERE id = $1`, first.Holds[0].ID, midnight)
	require.NoError(t, err)
	_, err = turn.Exec(t.Context(), `INSERT INTO charges (hold_id, line, kind, what, amount) VALUES ($1, 1, 'box', 'local', $2)`,
		first.Holds[0].ID, first.Holds[0].Amount)
	require.NoError(t, err)
	require.NoError(t, turn.Commit(t.Context()))
	var exceeded *budget.ExceededError
	require.ErrorAs(t, <-waited, &exceeded)
	require.Equal(t, 10*budget.Cent, exceeded.Standing.Spent)
	require.Equal(t, midnight.Add(day), exceeded.Standing.ResetsAt)
}

func TestALimitBelowWhatIsSpentIsAllowedAndNothingMoreIsHeld(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.ask(t, "first")
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: userScope, Amount: budget.Cent, Window: budget.Month}))
	_, _, err := b.Ask(t.Context(), b.question("second"), approval.Session{Team: team, Channel: channel})
	var exceeded *budget.ExceededError
	require.ErrorAs(t, err, &exceeded)
	require.Equal(t, -9*budget.Cent, exceeded.Standing.Left())
	require.Contains(t, exceeded.Words(""), "has $0.00 left")
	b.update(t, first.ID, b.drafted) // what was held before is settled as ever
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: userScope, Amount: 11 * budget.Cent, Window: budget.Month}))
	b.ask(t, "third")
}
