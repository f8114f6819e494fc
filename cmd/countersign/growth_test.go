package main

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval/auditing"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
)

// TestProveGrowthNothingReadsTheHistory plays what people do, and what happens by itself, on a database with a short
// history and on one with a long one, and holds what each statement read of the one against the other. It
// counts blocks, and no time. Which plan Postgres makes still hangs on the moment of its statistics, and beside
// many other tests some statements read more than alone: hence it runs by itself (make prove-growth).
func TestProveGrowthNothingReadsTheHistory(t *testing.T) {
	if os.Getenv("PROVE_REPORT") == "" {
		t.Skip("make prove-growth")
	}
	t.Parallel()
	counting := pgtest.StartCounting(t)
	// In both as much lies in a day, a week and a month, and both have more waiting than a queue counts.
	short := watch(t, counting, "short", growth{ended: 800, pending: 600, every: 8 * time.Hour})
	long := watch(t, counting, "long", growth{ended: 8_000, pending: 1_500, every: 8 * time.Hour})
	grown := grownOf(short.reads(0), long.reads(0))
	if len(grown) > 0 { // a connection that was new reads the catalog as well: what grows does so again
		again := grownOf(short.reads(1), long.reads(1))
		maps.DeleteFunc(grown, func(statement, _ string) bool { return again[statement] == "" })
	}
	proof.Check(t, len(grown) == 0, "no statement reads more of a longer history", "%d statements do, but for those that add up a stretch of time", len(grown))
	require.Empty(t, grown, "statements that read more when there is more history:\n%s", strings.Join(slices.Sorted(maps.Values(grown)), "\n"))
}

// grownOf says of each statement that read more of the long history how many blocks it read of both.
func grownOf(short, long map[string]map[string]float64) map[string]string {
	grown := map[string]string{}
	for what, statements := range long {
		for sql, is := range statements {
			was := short[what][sql] // 0: only the long one was asked this
			if is > 1.5*was+slackBlocks && mayGrow(what, sql) == "" {
				grown[what+": "+sql] = fmt.Sprintf("%s: %.0f blocks, and %.0f with a short history: %s", what, is, was, sql)
			}
		}
	}
	return grown
}

// growing are statements that do read more when there is more, each with its reason.
var growing = []struct{ what, sql, why string }{
	// What waits has been paid for in the stretch of time that these add up.
	{"the ranking of people", "SELECT id, sum(amount)", "the charges of a quarter of an hour that has not ended: all that waits was paid for in it"},
	{"the digest", "SELECT id, sum(amount)", "the charges of the quarter of an hour in which it ends"},
	{"the digest", "SELECT state, count(*)::int AS n", "a week's requests"},
	{"the digest", "SELECT count(*), coalesce(sum(v.quote)", "a week's runs"},
	{"the digest", "WITH wanted AS MATERIALIZED", "the budgets of everybody who spent"},
	{"an auditor looks for a person's", "SELECT count(*) < ?", "what they did is counted, up to ten thousand"},
	{"an auditor looks for a person's", "SELECT q.id, q.asker", "every fourth ended request is theirs, and none that waits: these are newer, and looked at first"},
}

func mayGrow(what, sql string) (why string) {
	for _, g := range growing {
		if g.what == what && strings.HasPrefix(sql, g.sql) {
			return g.why
		}
	}
	return ""
}

// slackBlocks is how many more blocks a statement may read of a larger database: its indexes are a level
// higher, and what lies together in a small table lies apart in a large one.
const slackBlocks = 40

// deed is something that happens on a database: do says how long it took until the ack, or
// until it was over, without the jobs that came of it.
type deed struct {
	what string
	do   func() time.Duration
}

// constants are spelled by Postgres as they were sent, or as parameters: as it likes.
var constants = regexp.MustCompile(`'[^']*'|\$\d+|\b\d+\b`)

// onlooker is a database with a history, and a house that works on it.
type onlooker struct {
	*meter
	name string
	look *pgx.Conn
}

func watch(t *testing.T, counting *pgtest.Counting, name string, g growth) *onlooker {
	w := &onlooker{meter: newMeterAt(t, counting.Database(t, name, migrated)), name: name}
	ended, pending := w.originals()
	g.grow(t, w.url, ended, pending)
	var err error
	w.look, err = pgx.Connect(w.ctx, counting.URL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.look.Close(context.Background()) })
	return w
}

// reads says how many blocks each statement of each deed read per call.
func (w *onlooker) reads(round int) map[string]map[string]float64 {
	w.t.Helper()
	reads := map[string]map[string]float64{}
	for _, d := range w.deeds(round) {
		_, err := w.look.Exec(w.ctx, `SELECT pg_stat_statements_reset()`)
		require.NoError(w.t, err)
		d.do()
		rows, err := w.look.Query(w.ctx, `SELECT query, (shared_blks_hit + shared_blks_read)::float8 / calls FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
			WHERE d.datname = $1 AND s.toplevel AND pg_get_userbyid(userid) = 'countersign_serve'`, w.name)
		require.NoError(w.t, err)
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
			SQL    string
			Blocks float64
		}])
		require.NoError(w.t, err)
		reads[d.what] = map[string]float64{}
		for _, row := range all {
			sql := constants.ReplaceAllString(strings.Join(strings.Fields(row.SQL), " "), "?")
			reads[d.what][sql] = max(row.Blocks, reads[d.what][sql])
		}
	}
	return reads
}

// originals are a request that has ended and one that waits, played as people would.
func (m *meter) originals() (ended, pending string) {
	m.t.Helper()
	m.act("", m.asks("Finish what is"))
	m.act("", func() error { return m.ben.Click(m.cardOf("Finish what is"), "Approve") })
	m.act("", m.asks("Leave what is"))
	ended, pending = value[string](m.house, `SELECT id FROM requests WHERE state = 'done'`), value[string](m.house, `SELECT id FROM requests WHERE state = 'pending'`)
	require.NoError(m.t, m.r.db.Name(m.ctx, review.Grant{Team: slacksim.DefaultTeam.ID, Role: review.RoleAuditor, User: slacksim.OtherAnalyst, By: slacksim.Admin}))
	// The jobs were done by hand: what they would have noted is that Slack shows both.
	m.exec(`UPDATE requests SET shown_at = changed_at, looked_at = clock_timestamp()`)
	return ended, pending
}

func (m *meter) exec(sql string) {
	m.t.Helper()
	conn, err := pgx.Connect(m.ctx, m.url)
	require.NoError(m.t, err)
	defer conn.Close(m.ctx)
	_, err = conn.Exec(m.ctx, sql)
	require.NoError(m.t, err)
}

func (m *meter) asks(question string) func() error {
	return func() error { return m.maya.Command(slacksim.SalesData, "/analyze "+question+" in sales.csv?") }
}

// deeds are what people do, with the jobs that come of it, and what happens by itself. The
// questions of each round are others.
func (m *meter) deeds(round int) []deed {
	team := slacksim.DefaultTeam.ID
	act := func(what string, do func() error) deed {
		return deed{what, func() time.Duration { m.act(what, do); return m.took }}
	}
	by := func(what string, do func(ctx context.Context) error) deed {
		return deed{what, func() time.Duration {
			began := time.Now()
			require.NoError(m.t, do(m.ctx), what)
			return time.Since(began)
		}}
	}
	approve, reject, change := fmt.Sprintf("Approve %d what is", round), fmt.Sprintf("Reject %d what is", round), fmt.Sprintf("Change %d what is", round)
	click := func(p *person.Person, question, button string) func() error {
		return func() error { return p.Click(m.cardOf(question), button) }
	}
	order := func(p *person.Person, text string) func() error {
		return func() error { return p.Command(slacksim.SalesData, text) }
	}
	auditor := m.sim.As(slacksim.OtherAnalyst)
	records := storage.Log(m.r.db)
	return []deed{
		act("/analyze", m.asks(approve)),
		act("click Approve", click(m.ben, approve, "Approve")),
		act("/analyze once more", m.asks(reject)),
		act("click Reject", click(m.ben, reject, "Reject")),
		act("the reason", func() error { _, err := m.ben.Submit(person.Fill("reason", "It is not needed.")); return err }),
		act("a mention", func() error {
			_, err := m.maya.Say(slacksim.SalesData, "@countersign "+change+" in sales.csv?")
			return err
		}),
		act("click Cancel", func() error {
			root, err := m.maya.WaitMessage(m.patient(), slacksim.SalesData, func(s workspace.Message) bool { return strings.Contains(s.Text, change) })
			require.NoError(m.t, err)
			return m.maya.Click(m.says(root, "Waiting for a reviewer"), "Cancel")
		}),
		act("/analyze status", order(m.maya, "/analyze status")),
		act("/analyze data", order(m.carla, "/analyze data")),
		act("/analyze reviews", order(m.carla, "/analyze reviews")),
		act("/budget show", order(m.maya, "/budget show")),
		act("/budget top", order(m.carla, "/budget top people this month")),
		act("/budget top days", order(m.carla, "/budget top days this month")),
		act("/budget history", order(m.carla, "/budget history")),
		act("Home of an asker", m.maya.OpenHome),
		act("Home of a reviewer", m.ben.OpenHome),
		act("Home of an administrator", m.carla.OpenHome),
		act("Home of an auditor", auditor.OpenHome),
		by("an auditor looks for requests", func(ctx context.Context) error { return found(records.Find(ctx, auditing.Query{Team: team}, 20)) }),
		by("an auditor looks for a person's", func(ctx context.Context) error {
			return found(records.Find(ctx, auditing.Query{Team: team, Person: slacksim.Analyst}, 20))
		}),
		by("an auditor looks for somebody who did little", func(ctx context.Context) error {
			return found(records.Find(ctx, auditing.Query{Team: team, Person: slacksim.SecondReviewer}, 20))
		}),
		by("an auditor looks at a channel", func(ctx context.Context) error {
			return found(records.Find(ctx, auditing.Query{Team: team, Channel: slacksim.SalesData}, 20))
		}),
		by("an auditor looks at a quiet channel", func(ctx context.Context) error {
			return found(records.Find(ctx, auditing.Query{Team: team, Channel: slacksim.CodeReview}, 20))
		}),
		by("an auditor looks at what was changed", func(ctx context.Context) error { return found(records.Deeds(ctx, team, 20)) }),
		by("an auditor looks at checkpoints", func(ctx context.Context) error { return found(records.Points(ctx, 20)) }),
		by("the names of people", func(ctx context.Context) error { return found(records.Names(ctx)) }),
		by("the sweep", m.r.sweep),
		by("the sweep, once more", m.r.sweep),
		by("what is kept no longer", func(ctx context.Context) error { return found(storage.KeepingOf(m.r.db).ForgetDue(ctx)) }),
		by("the log's tick", m.r.keeper.tick),
		by("what is stuck", func(ctx context.Context) error { return found(m.r.db.Stuck(ctx)) }),
		by("the digest", func(ctx context.Context) error {
			return found(m.r.db.Digest(ctx, team, time.Now().AddDate(0, 0, -7), time.Now()))
		}),
		by("who approves how fast", func(ctx context.Context) error {
			return found(storage.HabitsOf(m.r.db).Given(ctx, team, time.Now().AddDate(0, 0, -7), time.Now()))
		}),
		by("what waits", func(ctx context.Context) error {
			q, err := m.r.db.Queue(ctx, team, slacksim.Reviewer, nil, steps.QueueFilter{}, 0)
			require.True(m.t, q.More, "more wait than are counted")
			require.Equal(m.t, steps.QueueCounted, q.Total)
			require.Len(m.t, q.Rows, steps.QueuePage)
			return err
		}),
		by("receipts", func(ctx context.Context) error {
			_, err := storage.ReceiptsOf(m.r.db).Given(ctx, team, slacksim.Reviewer, 10)
			return err
		}),
		by("the ranking of people", func(ctx context.Context) error {
			return found(m.r.db.Top(ctx, team, steps.ByPeople, time.Now().AddDate(0, 0, -30), time.Now()))
		}),
		by("what days cost", m.r.books.Alarm),
		by("/metrics", func(context.Context) error {
			answer := httptest.NewRecorder()
			m.r.telemetry.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
			require.Equal(m.t, 200, answer.Code)
			return nil
		}),
	}
}

func found[T any](_ T, err error) error { return err }
