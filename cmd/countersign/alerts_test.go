package main

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/slacksim"
)

// billed is a sandbox in which everything takes fifty seconds, on the bill.
type billed struct{ instant }

func (billed) Result(context.Context, string) (approval.Result, error) {
	return approval.Result{Outcome: approval.OK, Box: 50 * time.Second}, nil
}

// TestTwoReplicasTellEverybodyOnce has many runs of two replicas settle at once and
// reach a mark together, and then a digest be due for both of them: everybody whom
// it concerns finds one direct message about each.
func TestTwoReplicasTellEverybodyOnce(t *testing.T) {
	t.Parallel()
	const questions = 8
	h := open(t, atE2B(newCloud(t))) // nothing boots for what is billed{} below
	var due atomic.Pointer[time.Time]
	change := func(r *replica) {
		r.rewire(func(p *steps.Ports) { p.Sandbox = billed{} })
		daily := func(now time.Time) time.Time {
			switch at := due.Load(); {
			case at == nil:
				return time.Time{}
			case now.Before(*at):
				return at.AddDate(0, 0, -7)
			default:
				return *at
			}
		}
		r.service.Due, r.service.ReceiptsDue = daily, daily
	}
	one, _ := h.run(change)
	two, _ := h.run(change)
	replicas := []*replica{one, two}
	h.shareSamples()
	for range questions {
		h.ask("How many units in sales.csv?")
	}
	h.soon("all of them wait", func() bool {
		return value[int](h, `SELECT count(*) FROM requests WHERE state = 'pending'`) == questions
	})
	limit := budget.Limit{Scope: budget.Scope{Team: slacksim.DefaultTeam.ID, Kind: budget.Project, ID: slacksim.SalesData}, Amount: 10 * budget.Cent, Window: budget.Month}
	spent := value[int64](h, `SELECT sum(amount) FROM settlements WHERE request_id IS NOT NULL`)
	limit.Policy.Soft = int(spent*100/int64(limit.Amount)) + 2 // two or three runs away
	require.NoError(t, one.service.SetLimit(h.ctx, slacksim.Admin, limit))

	var all sync.WaitGroup
	for i, id := range column[string](h, `SELECT id FROM requests`) {
		digest := value[string](h, `SELECT digest FROM revisions WHERE request_id = $1`, id)
		all.Go(func() {
			_, err := replicas[i%2].service.Decide(h.ctx, steps.Ruling{RequestID: id, Revision: 1, Digest: digest, Verdict: approval.Approve,
				Click: approval.Click{Team: slacksim.DefaultTeam.ID, User: slacksim.Reviewer, ActionTS: id}})
			if err != nil {
				t.Errorf("approve %s: %v", id, err)
			}
		})
	}
	all.Wait()
	h.soon("all of them have run", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == questions })
	h.toldOnce(approval.NoticeThreshold, "has reached", slacksim.Admin, slacksim.Analyst)

	h.soon("everybody is told of their first approval here, and no more", func() bool {
		return value[int](h, `SELECT count(*) FROM notices WHERE kind = 'approved' AND told_at IS NULL`) == 0
	})
	at := value[int](h, `SELECT count(*) FROM notice_posts WHERE key LIKE 'approved %'`)
	require.Positive(t, at)
	held := value[int](h, `SELECT count(*) FROM notices WHERE held AND digest IS NULL`)
	require.Equal(t, questions, at+held)
	require.Positive(t, held)

	now := time.Now()
	due.Store(&now)
	for range 3 {
		for _, r := range replicas {
			all.Go(func() {
				if err := r.service.Sweep(h.ctx); err != nil {
					t.Errorf("sweep: %v", err)
				}
			})
		}
	}
	all.Wait()
	h.toldOnce(approval.NoticeDigest, "What was spent", slacksim.Admin)
	h.toldOnce(approval.NoticeReceipts, "since the last of these messages", slacksim.Reviewer)
	require.Equal(t, held, value[int](h, `SELECT jsonb_array_length(data -> 'given') FROM notices WHERE kind = 'receipts'`))
	require.Equal(t, held, value[int](h, `SELECT count(*) FROM notices WHERE held AND digest LIKE 'receipts %'`))
	require.Equal(t, at, value[int](h, `SELECT count(*) FROM notice_posts WHERE key LIKE 'approved %'`), "what is in a digest has no message of its own")
}

// toldOnce waits until the only notice of this kind has been told, and looks for it
// in the direct messages of everybody who should have it.
func (h *house) toldOnce(kind approval.NoticeKind, words string, who ...string) {
	h.t.Helper()
	h.soon(string(kind)+" is told", func() bool {
		return value[int](h, `SELECT count(*) FROM notices WHERE kind = $1 AND told_at IS NOT NULL`, kind) == 1
	})
	require.Equal(h.t, 1, value[int](h, `SELECT count(*) FROM notices WHERE kind = $1`, kind))
	require.ElementsMatch(h.t, who, column[string](h, `SELECT recipient FROM notice_posts JOIN notices USING (key) WHERE kind = $1`, kind))
	for _, user := range who {
		direct := value[string](h, `SELECT channel FROM notice_posts JOIN notices USING (key) WHERE kind = $1 AND recipient = $2`, kind, user)
		n := 0
		for _, m := range h.sim.As(user).Messages(direct) {
			if strings.Contains(m.Text+m.Words(), words) {
				n++
			}
		}
		require.Equal(h.t, 1, n, "%s has %d messages of the kind %s", user, n, kind)
	}
}
