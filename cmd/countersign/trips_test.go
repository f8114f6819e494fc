package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	hands "countersign/approval/handover"
	"countersign/approval/steps"
	"countersign/bot"
	"countersign/bot/ids"
	"countersign/budget"
	"countersign/codegen/mistraltest"
	"countersign/codegen/samples"
	"countersign/internal/bench"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
	"countersign/storage/pg"
)

// roundTrips is how often each thing that a person does goes to Postgres and back: the
// trips and statements until its ack, which the person waits for, and those at once
// after it. These are counts, not times: they are the same on every machine.
var roundTrips = []tripCount{
	{"click Cancel", 3, 33, 0, 0},
	{"/analyze with a question", 2, 20, 0, 0},
	{"click Approve", 2, 38, 0, 0},
	{"/analyze alone: the form", 1, 4, 0, 0},
	{"the form sent off", 2, 20, 0, 0},
	{"click Reject: the modal", 1, 21, 0, 0},
	{"the reason sent off", 3, 35, 1, 28},
	{"a mention", 2, 25, 0, 0},
	{"click Request changes: the modal", 1, 21, 0, 0},
	{"the wish sent off", 2, 38, 1, 28},
	{"Home opened, one waits", 0, 0, 17, 44},
	{"click Review on the Home: the code", 4, 55, 17, 44},
	{"approved from there", 2, 38, 0, 0},
	{"click Verify", 4, 41, 0, 0},
	{"click Hand over: the form", 1, 13, 0, 0},
	{"the offer sent off", 6, 36, 0, 0},
	{"click Approve by who may not", 3, 26, 0, 0},
	{"click Approve without money", 3, 35, 0, 0},
	{"/analyze without money", 3, 22, 0, 0},
	{"/budget show", 3, 8, 0, 0},
	{"/analyze status", 3, 48, 0, 0},
}

// tripCount is a line of the table.
type tripCount struct {
	what            string
	trips, sql      int
	later, laterSQL int
}

func (c tripCount) String() string {
	return fmt.Sprintf("%-50s %10d %10d %10d %10d", c.what, c.trips, c.sql, c.later, c.laterSQL)
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	m := newMeter(t)
	m.play()
	for i, is := range m.counts {
		should := tripCount{}
		if i < len(roundTrips) {
			should = roundTrips[i]
		}
		assert.Equal(t, should, is, "what went to Postgres:\n%s", m.sent[i])
	}
	require.Len(t, m.counts, len(roundTrips))
}

// BenchmarkRoundTrips prints the table. It measures no time, and so needs no quiet machine.
func BenchmarkRoundTrips(b *testing.B) {
	m := newMeter(b)
	m.play()
	fmt.Printf("\n%-50s %10s %10s %10s %10s\n", "round trips and statements of one act", "to ack", "statements", "after it", "statements")
	for _, c := range m.counts {
		fmt.Println(c)
		bench.Report(b, bench.Figure{Part: "Round trips to Postgres (the same on every machine)", Name: c.what + ", to the ack", Unit: "trips", Value: float64(c.trips),
			Is: fmt.Sprintf("%d statements; after it %d trips, %d statements", c.sql, c.later, c.laterSQL), Goal: bench.AtMost(6, "CONTRIBUTING.md")})
	}
}

// meter is a house in which one thing happens at a time, and in which jobs are done
// between them, by hand: so that whatever goes to Postgres belongs to what somebody did.
type meter struct {
	*house
	r      *replica
	counts []tripCount
	sent   []string
	took   time.Duration // until the latest ack
}

func newMeter(t testing.TB) *meter { return newMeterAt(t, "") }

// newMeterAt is newMeter on another database than one of its own.
func newMeterAt(t testing.TB, url string) *meter {
	m := &meter{house: open(t, func(c *Config) {
		c.Runsc = "/nonexistent"
		if url != "" {
			c.DatabaseURL = Secret(pgtest.Serve(url))
		}
	})}
	m.program.cold = false
	if url != "" {
		m.url = url
	}
	m.model.Answer(func(mistraltest.Request) mistraltest.Reply {
		return mistraltest.Reply{Content: "```python\nprint(1)\n```\n"}
	})
	writer, err := m.program.writer()
	require.NoError(t, err)
	m.r, err = m.program.wire(m.ctx, writer)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.r.close()) })
	m.r.rewire(func(p *steps.Ports) { p.Sandbox = instant{} })
	m.share("sales.csv", string(samples.Files()[0].Data))
	for _, scope := range []budget.Scope{{Kind: budget.User, ID: slacksim.Analyst}, {Kind: budget.Team, ID: slacksim.DefaultTeam.ID}} {
		scope.Team = slacksim.DefaultTeam.ID
		m.limit(budget.Limit{Amount: 1000 * budget.Dollar, Window: budget.Month, Scope: scope})
	}
	return m
}

func (m *meter) limit(l budget.Limit) {
	m.t.Helper()
	require.NoError(m.t, m.r.db.SetLimit(m.ctx, slacksim.Admin, l))
}

// play does everything that is counted.
func (m *meter) play() {
	ask := func(question string) func() error {
		return func() error { return m.maya.Command(slacksim.SalesData, "/analyze "+question+" in sales.csv?") }
	}
	submit := func(p *person.Person, form person.Form) func() error {
		return func() error {
			wrong, err := p.Submit(form)
			require.Empty(m.t, wrong)
			return err
		}
	}
	click := func(p *person.Person, on workspace.Message, button string) func() error {
		return func() error { return p.Click(on, button) }
	}
	m.act("", ask("Withdraw what is")) // the first one: River asks Postgres once what it can do
	root, err := m.maya.WaitMessage(m.patient(), slacksim.SalesData, func(s workspace.Message) bool { return strings.Contains(s.Text, "Withdraw what is") })
	require.NoError(m.t, err)
	m.act("click Cancel", click(m.maya, m.says(root, "Waiting for a reviewer"), "Cancel"))
	m.act("/analyze with a question", ask("Approve what is"))
	m.act("click Approve", click(m.ben, m.cardOf("Approve what is"), "Approve"))

	m.act("/analyze alone: the form", func() error { return m.maya.Command(slacksim.SalesData, "/analyze") })
	m.act("the form sent off", submit(m.maya, person.Fill("question", "Reject what is in sales.csv?")))
	m.act("click Reject: the modal", click(m.ben, m.cardOf("Reject what is"), "Reject"))
	m.act("the reason sent off", submit(m.ben, person.Fill("reason", "It is not needed.")))

	m.act("a mention", func() error {
		_, err := m.maya.Say(slacksim.SalesData, "@countersign Rewrite what is in sales.csv?")
		return err
	})
	m.act("click Request changes: the modal", click(m.ben, m.cardOf("Rewrite what is"), "Request changes"))
	m.act("the wish sent off", submit(m.ben, person.Fill("reason", "Print two.")))
	m.act("Home opened, one waits", m.ben.OpenHome)
	home, ok := m.ben.Home()
	require.True(m.t, ok)
	m.act("click Review on the Home: the code", func() error { return m.ben.ClickView(home, "Review") })
	m.act("approved from there", submit(m.ben, nil))

	m.act("click Verify", click(m.sim.As(slacksim.OtherAnalyst), m.answerTo("Approve what is"), "Verify"))
	m.act("click Hand over: the form", click(m.maya, m.answerTo("Approve what is"), "Hand over"))
	m.act("the offer sent off", submit(m.maya, person.Fill(ids.FieldPerson, slacksim.OtherAnalyst)))
	m.act("", ask("Refuse what is"))
	m.act("click Approve by who may not", click(m.carla, m.cardOf("Refuse what is"), "Approve"))
	m.limit(budget.Limit{Amount: 1, Window: budget.Month, Scope: budget.Scope{Team: slacksim.DefaultTeam.ID, Kind: budget.User, ID: slacksim.Analyst}})
	m.act("click Approve without money", click(m.ben, m.cardOf("Refuse what is"), "Approve"))
	m.act("/analyze without money", ask("Block what is"))
	m.act("/budget show", func() error { return m.maya.Command(slacksim.SalesData, "/budget show") })
	m.act("/analyze status", func() error { return m.maya.Command(slacksim.SalesData, "/analyze status") })
}

// statementsOf is what is counted of what was sent: not that River tells its workers of a job, which it does once in ten milliseconds at most.
func statementsOf(sent *pg.Trips) (trips, statements int) {
	trips, statements = sent.Count()
	return trips, statements - strings.Count(sent.String(), "-- name: PGNotifyMany")
}

// answerTo is the answer in the thread of a question.
func (m *meter) answerTo(question string) workspace.Message {
	m.t.Helper()
	root, err := m.maya.WaitMessage(m.patient(), slacksim.SalesData, func(s workspace.Message) bool { return strings.Contains(s.Text, question) })
	require.NoError(m.t, err)
	return m.says(root, "\nShow code\n")
}

// act lets somebody do something, counts what goes to Postgres for it, and then has
// the jobs done that came of it, uncounted. What has no name is not counted at all.
func (m *meter) act(what string, do func() error) {
	m.t.Helper()
	ctx, sent := pg.CountTrips(m.ctx)
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	acked := make(chan tripCount, 8)
	options, all := m.r.bot.Options, m.r.service
	options.Services = bot.Services{Questions: all, Threads: all, Decisions: all, Revisions: all, Budgets: all, Ledgers: all, Funding: all, Authority: all, Notes: all, Keys: all, Homes: all, Answers: all,
		Hands: hands.New(m.r.db, storage.HandOvers{DB: m.r.db}, m.r.bot, all.Keeper, all.People), Chats: storage.Chats{DB: m.r.db}}
	options.Observe = func(kind, outcome string, took time.Duration) {
		if kind == "message" || kind == "message_metadata_posted" || kind == "file_shared" {
			return // what was posted and shared before this act: Slack tells the bot when it is there again
		}
		c := tripCount{what: what}
		m.took = took // read once the bot has ended
		c.trips, c.sql = statementsOf(sent)
		if outcome != "acked" {
			c.what = fmt.Sprintf("%s: %s %s", what, kind, outcome)
		}
		acked <- c
	}
	ended := make(chan error, 1)
	go func() { ended <- bot.New(options).Run(ctx) }() // one that has opened no socket yet: Slack bounds how often one bot may
	require.NoError(m.t, m.sim.WaitSockets(m.patient(), 2))
	require.NoError(m.t, do(), what)
	c := <-acked
	hangUp()
	require.NoError(m.t, <-ended) // it ends when all is done that was left to do
	require.Empty(m.t, acked, "one act, one envelope: %s", what)
	require.NoError(m.t, m.sim.WaitSockets(m.patient(), 0))
	if what != "" {
		trips, sql := statementsOf(sent)
		c.later, c.laterSQL = trips-c.trips, sql-c.sql
		m.counts, m.sent = append(m.counts, c), append(m.sent, sent.String())
	}
	m.work()
}

// work does the jobs that there are, and those that come of them.
func (m *meter) work() {
	m.t.Helper()
	conn, err := pgx.Connect(m.ctx, m.url)
	require.NoError(m.t, err)
	defer conn.Close(m.ctx)
	for {
		rows, err := conn.Query(m.ctx, `DELETE FROM river_job WHERE kind = 'step' RETURNING args ->> 'step', args ->> 'request_id', false`)
		require.NoError(m.t, err)
		wakes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[steps.Wake])
		require.NoError(m.t, err)
		if len(wakes) == 0 {
			return
		}
		for _, w := range wakes {
			require.NoError(m.t, m.r.service.Do(m.ctx, w), "%v", w)
		}
	}
}
