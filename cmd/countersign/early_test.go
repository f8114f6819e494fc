package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/slacksim"
	"countersign/sandbox/e2b/e2btest"
)

// allows has the budget of the workspace let a sandbox wait, for so much a question.
func (h *house) allows(ready budget.USD) {
	h.t.Helper()
	db, err := h.store()
	require.NoError(h.t, err)
	defer db.Close()
	require.NoError(h.t, db.SetLimit(h.ctx, slacksim.Admin, budget.Limit{Amount: 100 * budget.Dollar, Window: budget.Month,
		Scope: budget.Scope{Team: slacksim.DefaultTeam.ID, Kind: budget.Team, ID: slacksim.DefaultTeam.ID}, Policy: budget.LimitPolicy{Ready: ready}}))
}

// readyOf is what the row of a question says of a box that was made early.
func (h *house) readyOf(question string) (r approval.Ready) {
	h.t.Helper()
	return value[approval.Ready](h, `SELECT coalesce(ready, '{}') FROM requests WHERE strpos(said(question), $1) > 0`, question)
}

// boxOf is the box that waits for a question's reviewers, once it does.
func (h *house) boxOf(question string) string {
	h.t.Helper()
	h.soon("a box that waits for "+question, func() bool { return h.readyOf(question).Box != "" })
	return h.readyOf(question).Box
}

// kept is what a question has paid for a box that waited: charges, and milliseconds.
func (h *house) kept(question string) (charges, ms int) {
	h.t.Helper()
	const from = ` FROM holds h JOIN requests q ON q.id = h.request_id JOIN charges c ON c.hold_id = h.id WHERE h.purpose = 'ready' AND strpos(said(q.question), $1) > 0`
	return value[int](h, `SELECT count(*)`+from, question), value[int](h, `SELECT coalesce(sum(c.box_ms), 0)::int`+from, question)
}

// over waits until nothing waits for a question any more, and its box is gone.
func (h *house) over(cloud *e2btest.Server, question, box string) {
	h.t.Helper()
	h.soon("the end of the box of "+question, func() bool { return !cloud.Box(box).Alive && !h.readyOf(question).Over.IsZero() })
}

func TestAnEarlyBoxIsTheRunsOrIsEndedAndPaid(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	h := open(t, atE2B(cloud))
	r, _ := h.run()
	made := func() int { return len(cloud.Boxes()) }

	// Off until somebody has set an amount: a box inspects, and none waits.
	h.writes("print(40)")
	h.ask("Nobody allows it?")
	card := h.cardOf("Nobody allows it")
	require.Equal(t, 1, made())
	require.NotContains(t, card.Words(), "Sandbox kept ready")
	require.NoError(t, h.ben.Click(card, "Approve"))
	h.becomes(card, "Approved")

	h.allows(2 * budget.Cent)
	// Used: the run gets it, no other box is made for it, and both lines are on the bill.
	h.writes("print(41)")
	root := h.ask("Used?")
	card = h.cardOf("Used?")
	box := h.boxOf("Used?")
	h.becomes(card, "Sandbox kept ready")
	require.Zero(t, cloud.Box(box).Starts)
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM events WHERE kind = 'box ready' AND data::jsonb ->> 'box' = $1`, box))
	require.Equal(t, 540, int(h.readyOf("Used?").Until.Sub(h.readyOf("Used?").At).Seconds()), "2 cents are so many seconds")
	require.NoError(t, h.ben.Click(card, "Approve"))
	reply := h.reply(root)
	require.Contains(t, reply.Words()+reply.Text, "Sandbox kept ready while it was reviewed: ")
	require.Equal(t, box, value[string](h, `SELECT box_id FROM runs r JOIN requests q ON q.id = r.request_id WHERE strpos(said(q.question), 'Used?') > 0`))
	require.Equal(t, 1, cloud.Box(box).Starts)
	require.Contains(t, h.bill(reply), "Sandbox kept ready while it was reviewed: ")
	require.True(t, h.readyOf("Used?").Used)
	charges, ms := h.kept("Used?")
	require.Equal(t, 1, charges)
	// Both together are what E2B bills: from the box's beginning to the end of its run.
	run := value[int](h, `SELECT c.box_ms::int FROM holds h JOIN requests q ON q.id = h.request_id JOIN charges c ON c.hold_id = h.id WHERE h.purpose = 'run' AND strpos(said(q.question), 'Used?') > 0`)
	whole := value[int](h, `SELECT (extract(epoch FROM r.finished_at - (q.ready ->> 'at')::timestamptz) * 1000)::int FROM runs r JOIN requests q ON q.id = r.request_id WHERE strpos(said(q.question), 'Used?') > 0`)
	require.InDelta(t, whole, ms+run, float64(whole)/2+3000, "%d waited and %d ran of %d", ms, run, whole)
	require.LessOrEqual(t, ms, whole)

	// Rejected: it is ended, and on the bill all the same.
	h.writes("print(42)")
	root = h.ask("Rejected?")
	h.cardOf("Rejected?")
	box = h.boxOf("Rejected?")
	id := value[string](h, `SELECT id FROM requests WHERE strpos(said(question), 'Rejected?') > 0`)
	req, err := r.db.Request(h.ctx, id)
	require.NoError(t, err)
	_, err = r.service.Decide(h.ctx, steps.Ruling{RequestID: id, Revision: 1, Digest: req.Revision.Digest, Verdict: approval.Reject, Reason: "no",
		Click: approval.Click{Team: req.Team, User: slacksim.Reviewer, ActionTS: "1"}})
	require.NoError(t, err)
	h.over(cloud, "Rejected?", box)
	charges, _ = h.kept("Rejected?")
	require.Equal(t, 1, charges)
	require.Zero(t, cloud.Box(box).Starts)
	h.soon("the bill of what was rejected", func() bool {
		m := h.reply(root)
		return strings.Contains(m.Words()+m.Text, "Sandbox kept ready while it was reviewed: ")
	})

	// Expired, by nobody's decision.
	h.writes("print(43)")
	h.ask("Expired?")
	h.cardOf("Expired?")
	box = h.boxOf("Expired?")
	h.exec(`UPDATE requests SET expires_at = clock_timestamp() WHERE strpos(said(question), 'Expired?') > 0`)
	require.NoError(t, r.service.Sweep(h.ctx))
	h.over(cloud, "Expired?", box)
	charges, _ = h.kept("Expired?")
	require.Equal(t, 1, charges)

	// Gone before the click: the run simply gets another one.
	h.writes("print(44)")
	root = h.ask("Gone?")
	card = h.cardOf("Gone?")
	box = h.boxOf("Gone?")
	cloud.End(box)
	require.NoError(t, h.ben.Click(card, "Approve"))
	h.reply(root)
	other := value[string](h, `SELECT box_id FROM runs r JOIN requests q ON q.id = r.request_id WHERE strpos(said(q.question), 'Gone?') > 0`)
	require.NotEqual(t, box, other)
	require.Equal(t, 1, cloud.Box(other).Starts)

	// Its time is over before anybody decides: E2B has ended it, and it is paid for as long as it could live.
	h.writes("print(45)")
	h.ask("Too late?")
	h.cardOf("Too late?")
	box = h.boxOf("Too late?")
	h.exec(`UPDATE requests SET ready = jsonb_set(ready, '{until}', to_jsonb(clock_timestamp())), ready_until = clock_timestamp() WHERE strpos(said(question), 'Too late?') > 0`)
	h.over(cloud, "Too late?", box) // by the sweep
	require.Equal(t, "pending", value[string](h, `SELECT state FROM requests WHERE strpos(said(question), 'Too late?') > 0`))
	id = value[string](h, `SELECT id FROM requests WHERE strpos(said(question), 'Too late?') > 0`)
	before := made()
	require.NoError(t, r.service.Do(h.ctx, steps.Wake{Step: approval.StepReady, RequestID: id}))
	require.Equal(t, before, made(), "one for each version of the code")

	// E2B says no: nobody hears of it, and nothing is paid.
	h.writes("print(46)")
	cloud.Fail(e2btest.Create, e2btest.Fault{Pass: true}, crowded) // the inspection, then the box that waits
	h.ask("Full?")
	h.cardOf("Full?")
	h.soon("an end without a box", func() bool { return !h.readyOf("Full?").Over.IsZero() })
	charges, _ = h.kept("Full?")
	require.Zero(t, charges)

	// No room for it and the run together: no box, and no error.
	h.allows(0)
	h.writes("print(47)")
	h.ask("No room?")
	card = h.cardOf("No room?")
	h.narrow(3 * budget.Cent)
	id = value[string](h, `SELECT id FROM requests WHERE strpos(said(question), 'No room?') > 0`)
	require.NoError(t, r.service.Do(h.ctx, steps.Wake{Step: approval.StepReady, RequestID: id}))
	require.Empty(t, h.readyOf("No room?").Hold)
	require.True(t, card.Has("Approve"))

	// What the sweep of strangers sees: it kills none that waits, and the ledger holds against E2B's lists.
	require.NoError(t, r.strays(h.ctx))
	h.soon("nothing but what is pending", func() bool {
		return value[int](h, `SELECT count(*) FROM holds WHERE purpose = 'ready' AND NOT settled`) == 0
	})
	require.Zero(t, value[int](h, `SELECT count(*) FROM holds h JOIN charges c ON c.hold_id = h.id WHERE h.purpose = 'ready' AND c.amount > h.amount`))
	var joint []string // E2B bills one box where the run's was the one that had waited
	require.NoError(t, r.db.Bookings(h.ctx, time.Now().AddDate(0, 0, -1), time.Now().AddDate(0, 0, 1), func(b budget.Booking) error {
		if b.Joint {
			joint = append(joint, string(b.Purpose)+" "+b.RequestID)
		}
		return nil
	}))
	require.Equal(t, []string{"ready " + value[string](h, `SELECT id FROM requests WHERE strpos(said(question), 'Used?') > 0`)}, joint)
}

// A replica that dies between what it holds and what it asks E2B for, or between the box and its note: the next one goes on
// where the row says, and finds the box by E2B's list. There is one in the end, and its money.
func TestAnEarlyBoxOutlivesItsReplica(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"before it is made": false, "before it is named": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer turn()()
			cloud := newCloud(t)
			h := open(t, atE2B(cloud))
			h.allows(2 * budget.Cent)
			v := h.victim()
			cloud.Fail(e2btest.Create, e2btest.Fault{Pass: true}, e2btest.Fault{Do: v.kill, Effect: after}) // the inspection's, and its own
			h.writes("print(41)")
			h.asks("Who dies?")
			h.gone(v)
			require.Equal(t, 1, value[int](h, `SELECT count(*) FROM holds WHERE purpose = 'ready' AND called AND NOT settled`), "the money was held before")
			require.Empty(t, h.readyOf("Who dies?").Box)
			h.run()
			box := h.boxOf("Who dies?")
			require.Len(t, cloud.Alive(), 1)
			require.Equal(t, 2, len(cloud.Boxes()), "one to inspect in, and one that waits")
			card := h.cardOf("Who dies?")
			require.NoError(t, h.ben.Click(card, "Approve"))
			h.soon("the run's end", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == 1 })
			require.Equal(t, box, value[string](h, `SELECT box_id FROM runs`))
			require.Equal(t, 1, cloud.Box(box).Starts)
			h.soon("every hold's end", func() bool {
				return value[int](h, `SELECT count(*) FROM holds WHERE NOT settled AND uncertain_at IS NULL`) == 0
			})
			charges, _ := h.kept("Who dies?")
			require.Equal(t, 1, charges)
		})
	}
}

// The answer to a create is lost, and the request is decided before anybody knows the box: it is found, ended and paid.
func TestAnEarlyBoxOfWhichNobodyHeardIsEndedAndPaid(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	h := open(t, atE2B(cloud))
	r, _ := h.run()
	h.allows(2 * budget.Cent)
	// Made, and neither its answer nor a look at it comes back for a while.
	cloud.Fail(e2btest.Create, e2btest.Fault{Pass: true}, e2btest.Fault{Effect: true})
	h.writes("print(41)")
	h.ask("Who knows?")
	h.cardOf("Who knows?")
	box := h.boxOf("Who knows?") // found by the list
	id := value[string](h, `SELECT id FROM requests`)
	_, err := r.service.Withdraw(h.ctx, id, approval.Click{Team: slacksim.DefaultTeam.ID, User: slacksim.Analyst})
	require.NoError(t, err)
	h.over(cloud, "Who knows?", box)
	charges, _ := h.kept("Who knows?")
	require.Equal(t, 1, charges)
	h.soon("every hold's end", func() bool {
		return value[int](h, `SELECT count(*) FROM holds WHERE NOT settled AND uncertain_at IS NULL`) == 0
	})
}

// exec changes the database as its owner.
func (h *house) exec(sql string) {
	h.t.Helper()
	value[int](h, `WITH done AS (`+sql+` RETURNING 1) SELECT count(*)::int FROM done`)
}

// narrow leaves so much in the budget of the workspace, and lets a box wait for two cents of it.
func (h *house) narrow(left budget.USD) {
	h.t.Helper()
	db, err := h.store()
	require.NoError(h.t, err)
	defer db.Close()
	scope := budget.Scope{Team: slacksim.DefaultTeam.ID, Kind: budget.Team, ID: slacksim.DefaultTeam.ID}
	now, err := db.Standings(h.ctx, []budget.Scope{scope})
	require.NoError(h.t, err)
	require.NoError(h.t, db.SetLimit(h.ctx, slacksim.Admin, budget.Limit{Amount: now[0].Spent + now[0].Held + left, Window: budget.Month, Scope: scope, Policy: budget.LimitPolicy{Soft: 100, Ready: 2 * budget.Cent}}))
}
