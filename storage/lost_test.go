package storage

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// lostDatabase breaks the connection at each point of taking a hold: nobody calls
// the model whose call nobody knows to be paid for.
func (p *moneyProof) lostDatabase(t *testing.T) {
	t.Helper()
	calls := &countingWriter{}
	model := calls.Models()[0]
	at := func(b *bundle) *steps.Steps {
		return steps.New(steps.Ports{Store: b.DB, Writer: calls, Sandbox: sizedBox{}, Log: slog.New(slog.DiscardHandler)},
			steps.Settings{Prices: budget.Shipped(), Policy: b.policy})
	}
	for _, point := range []struct{ when, trigger string }{
		{"as the hold is taken", `CREATE TRIGGER gone BEFORE INSERT ON holds FOR EACH ROW EXECUTE FUNCTION gone()`},
		{"as the call is noted", `CREATE TRIGGER gone BEFORE UPDATE ON holds FOR EACH ROW EXECUTE FUNCTION gone()`},
		{"as the budget is locked", `CREATE TRIGGER gone BEFORE INSERT ON scopes FOR EACH STATEMENT EXECUTE FUNCTION gone()`},
		{"as all of it is committed", `CREATE CONSTRAINT TRIGGER gone AFTER UPDATE ON requests DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gone()`},
	} {
		b := setup(t)
		r := approval.New(approval.Question{Team: team, Project: channel, Asker: asker, Text: "?", Trigger: "t"}, model, 1, b.policy, time.Now())
		_, _, err := b.Ask(t.Context(), r, approval.Session{Team: team, Channel: channel}) // its hold is too small: the draft takes another
		require.NoError(t, err)
		b.update(t, r.ID, found)
		require.NoError(t, b.exec(t, `CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$`))
		require.NoError(t, b.exec(t, point.trigger))
		err = at(b).Draft(t.Context(), r.ID)
		n := calls.n.Swap(0)
		p.check(err != nil && n == 0, "the database lost "+point.when+": the model is not called", "called %d times: %v", n, err)
	}
	b := setup(t)
	r := approval.New(approval.Question{Team: team, Project: channel, Asker: asker, Text: "?", Trigger: "t"}, model, 1, b.policy, time.Now())
	_, _, err := b.Ask(t.Context(), r, approval.Session{Team: team, Channel: channel})
	require.NoError(t, err)
	b.update(t, r.ID, found)
	require.NoError(t, at(b).Draft(t.Context(), r.ID))
	p.check(calls.n.Load() == 1, "and with the database it is called", "called %d times", calls.n.Load())
}

// lostRun breaks the connection as the hold of a run is taken: nobody gets a box.
func (p *moneyProof) lostRun(t *testing.T) {
	t.Helper()
	b := setup(t)
	boxes, policy := &countedBox{}, b.policy
	policy.Reviewers = []string{"REVA"}
	service := steps.New(steps.Ports{Store: b.DB, Slack: everybody{}, Sandbox: boxes, Log: slog.New(slog.DiscardHandler)},
		steps.Settings{Prices: budget.Shipped(), Policy: policy})
	r := b.pending(t, "t")
	require.NoError(t, b.exec(t, `CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$`))
	require.NoError(t, b.exec(t, `CREATE TRIGGER gone BEFORE INSERT ON holds FOR EACH ROW EXECUTE FUNCTION gone()`))
	_, err := service.Decide(t.Context(), steps.Ruling{RequestID: r.ID, Revision: r.Revision.Number, Digest: r.Revision.Digest, Verdict: approval.Approve,
		Click: approval.Click{Team: team, User: "REVA", ActionTS: "1.5"}})
	run := service.Run(t.Context(), r.ID)
	held := b.count(t, `SELECT count(*) FROM holds WHERE purpose = 'run'`)
	p.check(err != nil && run == nil && boxes.n.Load() == 0 && held == 0, "the database lost as a run's money is held: no box is made",
		"%d boxes, %d holds: %v", boxes.n.Load(), held, err)
}

// countedBox is a sandbox whose boxes are counted.
type countedBox struct {
	leasedBox
	n atomic.Int64
}

func (c *countedBox) Create(context.Context, string, approval.Manifest) (string, error) {
	c.n.Add(1)
	return "box", nil
}
