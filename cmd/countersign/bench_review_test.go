package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/budget"
	"countersign/codegen/mistraltest"
	"countersign/codegen/samples"
	"countersign/internal/bench"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// BenchmarkDecisions measures what a reviewer waits for: from the click until the
// card says who approved, beside one and beside ten thousand others that wait.
func BenchmarkDecisions(b *testing.B) {
	t := table{tb: b, part: "Decisions, beside many that wait"}
	defer t.print()
	few := benchDecisions(b, &t, 1)
	many := benchDecisions(b, &t, 10_000)
	ratio := t.ratio("click to \"Approved by\", 10,000 pending / 1 pending", float64(many.at(0.5)), float64(few.at(0.5)), bench.AtMost(1.5, ""))
	b.ReportMetric(ratio, "of-1-pending")
}

func benchDecisions(b *testing.B, t *table, pending int) figure {
	b.Helper()
	h := open(b, func(c *Config) { c.Runsc, c.MaxOpen = "/nonexistent", 1000 })
	h.model.Answer(func(mistraltest.Request) mistraltest.Reply {
		return mistraltest.Reply{Content: "```python\nprint(1)\n```\n"}
	})
	r := h.bench(instant{}, 4)
	h.share("sales.csv", string(samples.Files()[0].Data))
	require.NoError(b, r.db.SetLimit(h.ctx, slacksim.Admin, budget.Limit{Amount: 1000 * budget.Dollar, Window: budget.Month,
		Scope: budget.Scope{Team: slacksim.DefaultTeam.ID, Kind: budget.User, ID: slacksim.Analyst}}))
	first := h.ask("What is the sum of units in sales.csv?")
	h.card(first)
	h.crowd(pending - 1)

	const n = 40
	for range n {
		require.NoError(b, h.maya.Command(slacksim.SalesData, "/analyze What is the sum of units in sales.csv?"))
	}
	var cards []workspace.Message
	_, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
		if m.Has("Approve") && !slices.ContainsFunc(cards, func(c workspace.Message) bool { return c.TS == m.TS }) {
			cards = append(cards, m)
		}
		return len(cards) > n
	})
	require.NoError(b, err)
	took := each(b, n, 1, func(i int) error {
		if err := h.ben.Click(cards[i], "Approve"); err != nil {
			return err
		}
		_, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
			return m.TS == cards[i].TS && strings.Contains(m.Text, "Approved by")
		})
		return err
	})
	t.row(fmt.Sprintf("click to \"Approved by\", %d pending", pending), took)
	return took
}

// crowd fills the queue with copies of the request that is pending: people of
// their own asked them, and Slack shows them already.
func (h *house) crowd(n int) {
	h.t.Helper()
	conn, err := pgx.Connect(h.ctx, h.url)
	require.NoError(h.t, err)
	defer conn.Close(h.ctx)
	began := time.Now()
	for _, sql := range []string{
		`ALTER TABLE requests DISABLE TRIGGER requests_told`, `ALTER TABLE revisions DISABLE TRIGGER revisions_told`,
		`CREATE TEMP TABLE one AS SELECT * FROM requests WHERE state = 'pending' LIMIT 1`,
		`INSERT INTO sessions (id, team, channel) SELECT 'crowd' || n, team, project FROM one, generate_series(1, $1::int) n`,
		`INSERT INTO requests (id, session_id, team, project, asker, question, model, files, trigger, state, quorum, created_at, changed_at, expires_at, shown_at)
			SELECT 'crowd' || n, 'crowd' || n, team, project, 'UCROWD' || n % 100, question, model, files, 'crowd' || n, 'drafting', quorum, created_at, changed_at, expires_at, now()
			FROM one, generate_series(1, $1::int) n`,
		`INSERT INTO revisions (request_id, number, code, summary, author, prompt_version, findings, manifest, digest, at)
			SELECT 'crowd' || n, 1, code, summary, author, prompt_version, findings, manifest, digest, at
			FROM revisions, generate_series(1, $1::int) n WHERE request_id = (SELECT id FROM one)`,
		`UPDATE requests SET state = 'pending', revision = 1 WHERE id LIKE 'crowd%' AND $1::int > 0`,
	} {
		args := []any{n}
		if !strings.Contains(sql, "$1") {
			args = nil
		}
		_, err := conn.Exec(h.ctx, sql, args...)
		require.NoError(h.t, err, sql)
	}
	_, err = conn.Exec(h.ctx, `ANALYZE`)
	require.NoError(h.t, err)
	h.t.Logf("%d requests more are pending, after %v", n, time.Since(began))
}
