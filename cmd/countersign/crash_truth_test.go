package main

import (
	"encoding/json"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/money"
	"countersign/budget"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
)

// ended waits until every request is over, shown and paid for.
func (h *house) ended(requests int) {
	h.t.Helper()
	h.until("every request over, shown and paid for", func() bool {
		return value[int](h, `
			SELECT count(*) FROM requests r WHERE state NOT IN ('drafting', 'pending', 'approved', 'running') AND shown_at >= changed_at
				AND NOT EXISTS (SELECT FROM holds WHERE request_id = r.id AND NOT settled AND uncertain_at IS NULL)`) == requests
	})
}

// truth holds everything that may never be otherwise, whatever has crashed: the
// rows against one another, the money, the audit trail, and what Slack shows
// against the rows. strays is how many messages may stand in Slack twice, because
// a replica died between posting one and remembering it.
func (h *house) truth(strays int) {
	h.t.Helper()
	db, err := h.store()
	require.NoError(h.t, err)
	defer db.Close()
	h.ledger()
	h.balance(db)
	for _, id := range column[string](h, `SELECT id FROM requests ORDER BY id`) {
		found, err := db.VerifyChain(h.ctx, "request:"+id)
		require.NoError(h.t, err)
		require.Positive(h.t, found.Events)
		strays -= h.shown(db, id)
	}
	require.NotContains(h.t, h.log.String(), "panic")
	require.GreaterOrEqual(h.t, strays, 0, "more stands in Slack twice than a crash explains:\n%s", h.picture())
}

// ledger holds the rows against one another, when all is over.
func (h *house) ledger() {
	h.t.Helper()
	none := func(why, sql string) {
		h.t.Helper()
		require.Zero(h.t, value[int](h, `SELECT count(*) FROM (`+sql+`) AS wrong`), why)
	}
	none("a request is not over", `SELECT FROM requests WHERE state IN ('drafting', 'pending', 'approved', 'running')`)
	none("somebody decided twice", `SELECT FROM decisions GROUP BY request_id, revision, reviewer HAVING count(*) > 1`)
	none("a run without its decision", `SELECT FROM runs r WHERE NOT EXISTS (SELECT FROM decisions d
		WHERE d.request_id = r.request_id AND d.revision = r.revision AND d.digest = r.digest AND d.verdict = 'approve')`)
	none("done without a run, or a run that is not over", `SELECT FROM requests q LEFT JOIN runs r ON r.request_id = q.id
		WHERE (q.state = 'done') <> (r.finished_at IS NOT NULL) OR q.state = 'lost' AND r.request_id IS NULL`)
	none("money is still held", `SELECT FROM holds h WHERE request_id IS NOT NULL AND uncertain_at IS NULL AND NOT EXISTS (SELECT FROM settlements s WHERE s.hold_id = h.id)`)
	none("more was spent than held", `SELECT FROM holds h JOIN settlements s ON s.hold_id = h.id WHERE s.amount > h.amount`)
	none("a bill that does not add up", `SELECT FROM settlements s
		WHERE s.amount <> (SELECT coalesce(sum(c.amount), 0) FROM charges c WHERE c.hold_id = s.hold_id)`)
}

// balance holds what each budget says it has spent against the charges.
func (h *house) balance(db *storage.DB) {
	h.t.Helper()
	for _, asker := range column[string](h, `SELECT DISTINCT asker FROM requests`) {
		charges := func() int64 {
			return value[int64](h, `SELECT coalesce(sum(c.amount), 0)::bigint FROM charges c JOIN settlements s USING (hold_id) WHERE s.asker = $1`, asker)
		}
		// What a box cost after its run comes when another replica has killed it, which may be between two looks.
		var standings []budget.Standing
		charged, before := charges(), int64(-1)
		for charged != before {
			var err error
			standings, err = db.Standings(h.ctx, []budget.Scope{{Team: slacksim.DefaultTeam.ID, Kind: budget.User, ID: asker}})
			require.NoError(h.t, err)
			before, charged = charged, charges()
		}
		require.Len(h.t, standings, 1)
		require.Equal(h.t, standings[0].Uncertain, standings[0].Held, "nothing is held but what is uncertain")
		require.Equal(h.t, budget.USD(charged), standings[0].Spent, "what %s has spent", asker)
	}
}

// titles are what cards say about how it ended.
var titles = map[approval.State]string{approval.Done: "Approved and run", approval.Lost: "Approved, result lost",
	approval.Failed: "Not run", approval.Rejected: "Rejected", approval.Expired: "Expired", approval.Withdrawn: "Cancelled"}

// progressWords are what the line in the thread says about it.
var progressWords = map[approval.State]string{approval.Done: "Done", approval.Lost: "Lost", approval.Failed: "Failed",
	approval.Rejected: "Rejected", approval.Expired: "Expired", approval.Withdrawn: "Cancelled"}

// shown holds the remembered messages of a request against its row, and counts
// those that stand in Slack beside them.
func (h *house) shown(db *storage.DB, id string) (strays int) {
	h.t.Helper()
	view, err := db.View(h.ctx, id)
	require.NoError(h.t, err)
	r := view.Request
	find := func(s steps.Surface) workspace.Message {
		h.t.Helper()
		post, ok := view.Posts[s]
		if !ok { // the picture is of all of Slack: it takes long where much was said
			require.Fail(h.t, "a message is missing", "%s has no %s:\n%s", id, s, h.picture())
		}
		m, err := h.carla.Find(post.Channel, post.TS)
		require.NoError(h.t, err, "the %s of %s is not in Slack", s, id)
		return m
	}
	root := find(steps.SurfaceRoot)
	require.Contains(h.t, root.Words(), r.Question)
	progress := find(steps.SurfaceProgress)
	require.Contains(h.t, progress.Words(), progressWords[r.State])
	require.Empty(h.t, progress.Actions(), "nothing can be taken back any more")
	if r.State != approval.Withdrawn {
		reply := find(steps.SurfaceReply)
		var sum budget.USD
		for _, s := range view.Bill {
			sum += budget.Total(s.Charges)
		}
		require.Contains(h.t, reply.Words(), money.Spent(sum), "the line is the charges")
		require.Contains(h.t, asSent(draw.DetailsView(view, true)), "Total: "+sum.String(), "and so is the bill behind it")
	}
	if r.Revision != nil {
		card := find(steps.SurfaceCard)
		require.Contains(h.t, card.Words(), titles[r.State])
		require.False(h.t, card.Has("Approve"))
		require.False(h.t, card.Has("Reject"))
		strays += h.count(slacksim.CodeReview, id) - 1
	}
	expected := 0 // the root is no reply, the card is elsewhere, and an emoji is no message
	for _, surface := range []steps.Surface{steps.SurfaceProgress, steps.SurfaceAnswer, steps.SurfaceFiles, steps.SurfaceReply, steps.SurfaceSheets} {
		if post, ok := view.Posts[surface]; ok && post.TS != "none" {
			expected++
		}
	}
	// Who was not answered in time may have asked the same once more.
	asked := value[int](h, `SELECT count(*) FROM requests WHERE said(question) = $1`, r.Question)
	return strays + h.replies(root) - expected + len(h.roots(r.Question)) - asked
}

// asSent is a modal as it is sent.
func asSent(view any) string {
	text, err := json.Marshal(view)
	if err != nil {
		panic(err) // blocks are made of strings and numbers
	}
	return string(text)
}

// replies is how many messages the bot has posted in a thread.
func (h *house) replies(root workspace.Message) (n int) {
	for _, m := range h.carla.Thread(root.Channel, root.TS) {
		if m.BotID != "" && !m.Ephemeral && m.TS != root.TS {
			n++
		}
	}
	return n
}

// count is how many messages of a channel are about a request.
func (h *house) count(channel, id string) (n int) {
	for _, m := range h.carla.Messages(channel) {
		if !m.Ephemeral && strings.Contains(m.Words(), id) {
			n++
		}
	}
	return n
}

// roots are the messages that opened a thread for a question.
func (h *house) roots(question string) (all []workspace.Message) {
	for _, m := range h.carla.Messages(slacksim.SalesData) {
		if m.BotID != "" && !m.Ephemeral && strings.Contains(m.Words(), question) {
			all = append(all, m)
		}
	}
	return all
}

// column reads one column from the database.
func column[T any](h *house, sql string, args ...any) []T {
	h.t.Helper()
	var all []T
	require.NoError(h.t, h.database(func(conn *pgx.Conn) error {
		rows, err := conn.Query(h.ctx, sql, args...)
		if err == nil {
			all, err = pgx.CollectRows(rows, pgx.RowTo[T])
		}
		return err
	}), sql)
	return all
}
