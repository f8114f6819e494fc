package steps

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/budget"
)

var t0 = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func testPolicy() approval.Policy {
	p := approval.DefaultPolicy()
	p.Reviewers, p.Admins = []string{"R1", "R2", "R3"}, []string{"admin"}
	return p
}

func testRevision() approval.Revision {
	return approval.Revision{Code: "print(1)\n", Author: "m1", Manifest: approval.Manifest{Version: approval.ManifestVersion, Sandbox: "local", Template: "py",
		Limits: approval.Limits{Seconds: 60}, CostCap: 5 * budget.Cent}}
}

func approvalOf(r *approval.Request, by string) approval.Decision {
	d := approval.Decision{Reviewer: by, Verdict: approval.Approve, Click: approval.Click{Team: r.Team, User: by, ActionTS: "1"}}
	if r.Revision != nil {
		d.Revision, d.Digest = r.Revision.Number, r.Revision.Digest
	}
	return d
}

func rejectionOf(r *approval.Request, by string) approval.Decision {
	d := approvalOf(r, by)
	d.Verdict, d.Reason = approval.Reject, "no"
	return d
}

// inState leads a request into a state by legal moves only, as if just loaded.
func inState(t *testing.T, state approval.State) *approval.Request {
	t.Helper()
	p := testPolicy()
	r := approval.New(approval.Question{Team: "T", Project: "C", Asker: "A", Text: "q", Trigger: "tr"}, "m1", budget.Cent, p, t0)
	require.NoError(t, r.Found(nil, "", false, false, t0))
	require.NoError(t, r.Money().Call(budget.Cent, budget.Cent/10, approval.Addressee{}, p, t0))
	drafted := func() {
		r.Money().Settle(budget.Settlement{HoldID: r.Holds[0].ID, At: t0})
		require.NoError(t, r.Drafted(testRevision(), p, t0))
	}
	approved := func() {
		drafted()
		require.NoError(t, r.Decide(approvalOf(r, "R1"), 5*budget.Cent, p, t0))
	}
	running := func() { approved(); require.NoError(t, r.Start("box", p, t0)) }
	switch state {
	case approval.Drafting:
	case approval.Asking:
		r.Money().Settle(budget.Settlement{HoldID: r.Holds[0].ID, At: t0})
		require.NoError(t, r.AskBack([]approval.File{{ID: "F1", Reading: &reading.Reading{Tables: []reading.Table{{Columns: []reading.Column{{Name: "amount", Type: "text", Thousands: "."}},
			Odd: []reading.Odd{{Code: "ambiguous_thousands", Column: "amount", Count: 2}}}}}}}, p, t0))
	case approval.Pending:
		drafted()
	case approval.Approved:
		approved()
	case approval.Running:
		running()
	case approval.Done:
		running()
		require.NoError(t, r.Finish(approval.Result{Outcome: approval.OK}, budget.Charge{Kind: budget.Box, Amount: budget.Cent}, approval.DefaultPolicy(), t0))
	case approval.Failed:
		require.NoError(t, r.Fail(approval.Words("no"), t0))
	case approval.Rejected:
		drafted()
		require.NoError(t, r.Decide(rejectionOf(r, "R1"), 0, p, t0))
	case approval.Expired:
		drafted()
		require.NoError(t, r.Expire(r.ExpiresAt))
	case approval.Withdrawn:
		drafted()
		require.NoError(t, r.Withdraw("A", t0))
	case approval.Lost:
		running()
		require.NoError(t, r.Lose(t0))
	}
	require.Equal(t, state, r.State)
	r.Changes = approval.Changes{}
	return r
}
