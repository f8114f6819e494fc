package steps

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
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
	require.NoError(t, r.Found(nil, "", false, t0))
	require.NoError(t, r.Money().Call(budget.Cent, budget.Cent/10, p, t0))
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
		r.State, r.ExpiresAt = approval.Asking, t0.Add(p.Expiry) // no verb leads here yet
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

// matrix names the state that each verb leads to. What is missing is illegal.
var matrix = map[approval.State]map[string]approval.State{
	approval.Drafting: {"Stand in line": approval.Drafting, "Block a draft": approval.Drafting, "Wait": approval.Drafting, "Go on": approval.Drafting, "Ask for a top-up": approval.Drafting, "Grant a top-up": approval.Drafting,
		"Insist": approval.Drafting, "Come back after all": approval.Drafting, "Put an edit back": approval.Pending,
		"Call": approval.Drafting, "Refuse": approval.Drafting, "Again": approval.Drafting, "Drafted": approval.Pending, "Fail": approval.Failed,
		"Find": approval.Drafting, "Turn back": approval.Failed, "Go away": approval.Drafting, "Fail over a cause": approval.Failed,
		"Expire": approval.Expired, "Withdraw": approval.Withdrawn},
	approval.Asking: {"Fail": approval.Failed, "Fail over a cause": approval.Failed, "Expire": approval.Expired, "Withdraw": approval.Withdrawn},
	approval.Pending: {"Block a run": approval.Pending, "Unpaid": approval.Pending, "Wait": approval.Pending, "Go on": approval.Pending, "Ask for a top-up": approval.Pending, "Grant a top-up": approval.Pending,
		"Insist": approval.Drafting, "Come back after all": approval.Pending,
		"Approve": approval.Approved, "Reject": approval.Rejected, "Expire": approval.Expired, "Withdraw": approval.Withdrawn,
		"Request changes": approval.Drafting, "Edit": approval.Drafting, "Disown": approval.Pending,
		"Go away": approval.Pending, "Fail": approval.Failed, "Fail over a cause": approval.Failed,
		"Remind": approval.Pending, "Escalate": approval.Pending, "Assign": approval.Pending, "Ask for an opinion": approval.Pending},
	approval.Approved: {"Stand in line": approval.Approved, "Come back after all": approval.Approved, "Fail": approval.Failed, "Go away": approval.Approved, "Fail over a cause": approval.Failed, "Expire": approval.Expired, "Withdraw": approval.Withdrawn, "Start": approval.Running, "Await a box": approval.Approved, "Freeze": approval.Approved, "Break the seal": approval.Pending, "Disown": approval.Pending},
	approval.Running:  {"Unstart": approval.Pending, "Begin": approval.Running, "Finish": approval.Done, "Void": approval.Failed, "Lose": approval.Lost},
	approval.Done:     {}, approval.Failed: {}, approval.Rejected: {}, approval.Expired: {}, approval.Withdrawn: {}, approval.Lost: {},
}
