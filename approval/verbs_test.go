package approval

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/budget"
	"countersign/internal/deepcopy"
)

func TestEachMoveQueuesItsNextStep(t *testing.T) {
	t.Parallel()
	p := testPolicy()
	r := New(Question{}, "m", 1, p, t0)
	require.Equal(t, []Step{StepFind}, r.Changes.Jobs, "nobody sees it before it is known where it belongs")
	r.Changes = Changes{}
	require.NoError(t, r.Found(nil, "", false, false, t0))
	require.Equal(t, []Step{StepDraft, StepShow}, r.Changes.Jobs)
	r = inState(t, Drafting)
	require.NoError(t, r.Refuse(Refusal{}, t0))
	require.Equal(t, []Step{StepDraft}, r.Changes.Jobs[:1])
	r = inState(t, Pending)
	require.NoError(t, r.Decide(approvalOf(r, "R1"), 1, p, t0))
	require.Equal(t, []Step{StepRun, StepShow}, r.Changes.Jobs)
}

func TestNewHoldsTheDraftAndSaysTheQuestion(t *testing.T) {
	t.Parallel()
	r := New(Question{Team: "T", Project: "C", Asker: "A", Text: "why?", Trigger: "x", Files: []File{{Name: "f.csv"}}}, "m", 7, testPolicy(), t0)
	require.Equal(t, Drafting, r.State)
	require.Equal(t, t0.Add(24*time.Hour), r.ExpiresAt)
	require.Len(t, r.Holds, 1)
	require.Equal(t, r.Holds[0].Hold, r.Changes.Holds[0])
	require.Equal(t, budget.Hold{ID: r.Holds[0].ID, RequestID: r.ID, Purpose: budget.ForDraft, Amount: 7, At: t0, ExpiresAt: t0.Add(DraftHoldLife)}, r.Changes.Holds[0])
	require.Equal(t, []Message{{RequestID: r.ID, Role: RoleQuestion, Text: "why?", At: t0}}, r.Changes.Messages)
	require.Equal(t, "asked", r.Changes.Events[0].Kind)
	require.Equal(t, []Said{"f.csv"}, r.Changes.Events[0].Data["files"])
	require.NotEqual(t, New(Question{}, "m", 7, testPolicy(), t0).ID, r.ID)
}

func TestScopesAreTheFourThatPayInLockOrder(t *testing.T) {
	t.Parallel()
	r := &Request{Team: "T", Project: "C", Asker: "A", SessionID: "S"}
	require.Equal(t, []budget.Scope{{Team: "T", Kind: budget.User, ID: "A"}, {Team: "T", Kind: budget.Session, ID: "S"},
		{Team: "T", Kind: budget.Project, ID: "C"}, {Team: "T", Kind: budget.Team, ID: "T"}}, r.Scopes())
}

func TestCallKeepsTheHoldOfTheQuestionWhileItCoversTheCall(t *testing.T) {
	t.Parallel()
	p := testPolicy()
	fresh := func() *Request {
		r := New(Question{Asker: "A"}, "m1", budget.Cent, p, t0)
		require.NoError(t, r.Found(nil, "", false, false, t0))
		r.Changes = Changes{}
		return r
	}
	r := fresh()
	_, ok := r.Money().CalledHold()
	require.False(t, ok)
	require.NoError(t, r.Money().Call(budget.Cent, budget.Cent, Addressee{}, p, t0.Add(time.Minute)))
	require.Empty(t, r.Changes.Holds)
	require.Empty(t, r.Changes.Settlements)

	for name, call := range map[string]func(*Request) error{
		"prices have risen": func(r *Request) error { return r.Money().Call(budget.Cent+1, budget.Cent+1, Addressee{}, p, t0) },
		"it waited so long that it would end under the call": func(r *Request) error {
			return r.Money().Call(budget.Cent, budget.Cent, Addressee{}, p, t0.Add(14*time.Minute))
		},
		"it ended": func(r *Request) error {
			return r.Money().Call(budget.Cent, budget.Cent, Addressee{}, p, t0.Add(time.Hour))
		},
	} {
		r := fresh()
		old := r.Holds[0].ID
		require.NoError(t, call(r), name)
		require.Len(t, r.Changes.Settlements, 1, name)
		require.Equal(t, old, r.Changes.Settlements[0].HoldID, name)
		require.Empty(t, r.Changes.Settlements[0].Charges, name)
		require.Len(t, r.Changes.Holds, 1, name)
		require.Len(t, r.Holds, 1, name)
		require.True(t, r.Holds[0].Called, name)
	}
}

func TestCallsAreBounded(t *testing.T) {
	t.Parallel()
	p := testPolicy()
	r := New(Question{Asker: "A"}, "m1", budget.Cent, p, t0)
	var unfound *MoveError
	require.ErrorAs(t, r.Money().Call(budget.Cent, budget.Cent/10, Addressee{}, p, t0), &unfound, "nothing is written before it is known what it is about")
	require.NoError(t, r.Found(nil, "", false, false, t0))
	for range p.MaxAttempts {
		require.NoError(t, r.Money().Call(budget.Cent, budget.Cent/10, Addressee{}, p, t0))
	}
	before := deepcopy.Of(r)
	var move *MoveError
	require.ErrorAs(t, r.Money().Call(budget.Cent, budget.Cent/10, Addressee{}, p, t0), &move)
	require.Equal(t, Reason{Code: WhyManyCalls, Count: 5}, move.Why)
	require.Equal(t, before, r)
}

func TestDraftedSealsTheCodeItselfAndForgetsOldApprovals(t *testing.T) {
	t.Parallel()
	r := inState(t, Drafting)
	r.Revision = &Revision{Number: 3}
	r.Decisions = []Decision{{Reviewer: "R1", Verdict: Approve}}
	r.Refused = []Refusal{{Reason: "x"}}
	rev := testRevision()
	rev.RequestID, rev.Number, rev.Digest, rev.Manifest.CodeSHA256 = "other", 77, "lies", "lies"
	rev.Provider, rev.Host = "Mistral", "api.mistral.ai"
	require.NoError(t, r.Drafted(rev, testPolicy(), t0))
	require.Equal(t, 4, r.Revision.Number)
	require.Equal(t, r.ID, r.Revision.RequestID)
	require.Equal(t, t0, r.Revision.At)
	require.True(t, r.Revision.Intact())
	require.Equal(t, Hash([]byte("print(1)\n")), r.Revision.Manifest.CodeSHA256)
	require.Empty(t, r.Decisions)
	require.Equal(t, []Refusal{{Reason: "x"}}, r.Refused, "a reviewer can read what was refused before it")
	require.Equal(t, RoleCode, r.Changes.Messages[0].Role)
	event := r.Changes.Events[0]
	require.Equal(t, "m1", event.Actor)
	require.Equal(t, r.Revision.Digest, event.Data["digest"])
	require.Equal(t, Kept("code"), event.Data["code"])
	require.Equal(t, []any{"Mistral", "api.mistral.ai"}, []any{event.Data["provider"], event.Data["host"]})
}

func TestDecideRefusesWhoAndWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*Request, *Decision)
		want   any
		why    ReasonCode
	}{
		"an older revision":       {func(_ *Request, d *Decision) { d.Revision-- }, new(*StaleError), ""},
		"a newer revision":        {func(_ *Request, d *Decision) { d.Revision++ }, new(*StaleError), ""},
		"another digest":          {func(_ *Request, d *Decision) { d.Digest = Hash(nil) }, new(*StaleError), ""},
		"no digest":               {func(_ *Request, d *Decision) { d.Digest = "" }, new(*StaleError), ""},
		"a digest cut short":      {func(_ *Request, d *Decision) { d.Digest = d.Digest[:12] }, new(*StaleError), ""},
		"code changed since":      {func(r *Request, _ *Decision) { r.Revision.Code += "#" }, new(*StaleError), ""},
		"limits changed since":    {func(r *Request, _ *Decision) { r.Revision.Manifest.Limits.Seconds++ }, new(*StaleError), ""},
		"no revision":             {func(r *Request, _ *Decision) { r.Revision = nil }, new(*StaleError), ""},
		"the asker":               {func(_ *Request, d *Decision) { d.Reviewer = "A" }, new(*NotAllowedError), WhyOwnQuestion},
		"the author":              {func(r *Request, d *Decision) { r.Revision.Author = d.Reviewer }, new(*NotAllowedError), WhyOwnCode},
		"the same person again":   {func(r *Request, d *Decision) { r.Decisions = []Decision{{Reviewer: d.Reviewer, Verdict: Approve}} }, new(*MoveError), WhyDecided},
		"too late":                {func(r *Request, _ *Decision) { r.ExpiresAt = t0 }, new(*MoveError), WhyTooLate},
		"a verdict that is none":  {func(_ *Request, d *Decision) { d.Verdict = "" }, new(*MoveError), ""},
		"a verdict in upper case": {func(_ *Request, d *Decision) { d.Verdict = "Approve" }, new(*MoveError), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verdict := range []Verdict{Approve, Reject} {
				r := inState(t, Pending)
				d := approvalOf(r, "R1")
				d.Verdict = verdict
				tt.change(r, &d)
				before := deepcopy.Of(r)
				err := r.Decide(d, budget.Cent, testPolicy(), t0)
				require.ErrorAs(t, err, tt.want)
				require.Equal(t, before, r)
				switch e := err.(type) {
				case *NotAllowedError:
					require.Equal(t, tt.why, e.Why.Code)
				case *MoveError:
					require.Equal(t, tt.why, e.Why.Code)
				}
			}
		})
	}
}

func TestQuorumTakesDistinctPeopleOnOneDigest(t *testing.T) {
	t.Parallel()
	p := testPolicy()
	p.Quorum = 2
	r := inState(t, Pending)
	require.NoError(t, r.Decide(approvalOf(r, "R1"), budget.Cent, p, t0))
	require.Equal(t, Pending, r.State)
	require.Equal(t, 1, r.Approvals())
	require.Empty(t, r.Changes.Holds)
	require.Equal(t, []Step{StepShow}, r.Changes.Jobs)
	require.Error(t, r.Decide(approvalOf(r, "R1"), budget.Cent, p, t0), "one person counts once")
	require.NoError(t, r.Decide(approvalOf(r, "R2"), budget.Cent, p, t0))
	require.Equal(t, Approved, r.State)
	require.Equal(t, []budget.Hold{{ID: r.Holds[0].ID, RequestID: r.ID, Purpose: budget.ForRun, Amount: budget.Cent, At: t0,
		ExpiresAt: t0.Add(time.Hour + time.Minute)}}, r.Changes.Holds)

	r = inState(t, Pending)
	require.NoError(t, r.Decide(approvalOf(r, "R1"), budget.Cent, p, t0))
	require.NoError(t, r.Decide(rejectionOf(r, "R2"), 0, p, t0))
	require.Equal(t, Rejected, r.State)
	require.Equal(t, Because(WhyRejected), r.Reason)
	require.Equal(t, "no", r.Decisions[1].Reason)
}

func TestAQuorumOfNoughtStillTakesOnePerson(t *testing.T) {
	t.Parallel()
	p := testPolicy()
	p.Quorum = 0
	r := inState(t, Pending)
	require.Error(t, r.Start("box", p, t0))
	require.NoError(t, r.Decide(approvalOf(r, "R1"), budget.Cent, p, t0))
	require.Equal(t, 1, r.Approvals())
	require.Equal(t, Approved, r.State)
}

func TestStartChecksTheSealTheQuorumAndEveryDecision(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Request, *Policy){
		"code changed":                  func(r *Request, _ *Policy) { r.Revision.Code = "print(2)\n" },
		"digest changed":                func(r *Request, _ *Policy) { r.Revision.Digest = Hash(nil) },
		"code and its hash changed":     func(r *Request, _ *Policy) { r.Revision.Code, r.Revision.Manifest.CodeSHA256 = "x", Hash([]byte("x")) },
		"no decision":                   func(r *Request, _ *Policy) { r.Decisions = nil },
		"a rejection only":              func(r *Request, _ *Policy) { r.Decisions[0].Verdict = Reject },
		"the quorum has been raised":    func(_ *Request, p *Policy) { p.Quorum = 2 },
		"approved for another revision": func(r *Request, _ *Policy) { r.Decisions[0].Revision = 9 },
		"approved another digest":       func(r *Request, _ *Policy) { r.Decisions[0].Digest = "d" },
		"everything resealed": func(r *Request, _ *Policy) {
			r.Revision.Code, r.Revision.Manifest.CodeSHA256 = "x", Hash([]byte("x"))
			r.Revision.Digest = r.Revision.Manifest.Digest()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, p := inState(t, Approved), testPolicy()
			change(r, &p)
			before := deepcopy.Of(r)
			var stale *StaleError
			require.ErrorAs(t, r.Start("box", p, t0), &stale)
			require.Same(t, r, stale.Request)
			require.Equal(t, before, r)
		})
	}
	r := inState(t, Approved)
	r.Run = &Run{BoxID: "earlier"}
	require.Error(t, r.Start("box", testPolicy(), t0), "a run there was already")
}

func TestFinishChargesTheRunAndNeverMoreThanWasHeld(t *testing.T) {
	t.Parallel()
	charge := budget.Charge{Kind: budget.Box, What: "local", BoxMS: 9, Amount: budget.Cent}
	result := Result{Outcome: OK, Value: "42", Artifacts: []Artifact{{Name: "a.png", Data: []byte("x")}}}
	r := inState(t, Running)
	hold := r.Holds[0]
	require.NoError(t, r.Finish(result, charge, DefaultPolicy(), t0))
	require.Equal(t, []budget.Settlement{{HoldID: hold.ID, At: t0, Charges: []budget.Charge{charge}}}, r.Changes.Settlements)
	require.Empty(t, r.Holds)
	require.Equal(t, &result, r.Changes.Run.Result)
	require.Equal(t, t0, r.Run.FinishedAt)
	require.Equal(t, []Message{{RequestID: r.ID, Role: RoleResult, Text: result.Text(r.Revision.Code, 0), At: t0}}, r.Changes.Messages)
	event := r.Changes.Events[len(r.Changes.Events)-1]
	require.Equal(t, []map[string]any{{"name": Said("a.png"), "content": Kept("file 1")}}, event.Data["files"])

	r = inState(t, Running)
	charge.Amount = budget.Dollar
	require.NoError(t, r.Finish(result, charge, DefaultPolicy(), t0))
	require.Equal(t, 5*budget.Cent, r.Changes.Settlements[0].Charges[0].Amount)
}

// Two replicas may have had a draft written at once; the slower one's call is
// still open when the run starts, and has nothing to do with it.
func TestARunLeavesTheHoldOfAnotherReplicasCallAlone(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Request) error{
		"finish": func(r *Request) error { return r.Finish(Result{}, budget.Charge{Amount: 1000}, DefaultPolicy(), t0) },
		"lose":   func(r *Request) error { return r.Lose(t0) },
	} {
		r, p := inState(t, Drafting), testPolicy()
		call := r.Holds[0]
		require.NoError(t, r.Drafted(testRevision(), p, t0), name) // the other replica's program
		require.NoError(t, r.Decide(approvalOf(r, "R1"), 5*budget.Cent, p, t0), name)
		r.Changes = Changes{}
		require.NoError(t, r.Start("box", p, t0), name)
		require.Len(t, r.Changes.Called, 1, name)
		require.NotEqual(t, call.ID, r.Changes.Called[0], name)
		require.NoError(t, end(r), name)
		require.Equal(t, []budget.OpenHold{call}, r.Holds, name)
		require.Len(t, r.Changes.Settlements, 1, name)

		require.NoError(t, r.Money().SettleStale(call.ExpiresAt), name)
		require.True(t, r.Holds[0].Uncertain(), name)
		full := call.ExpiresAt.Add(budget.UncertainFor)
		require.NoError(t, r.Money().SettleStale(full), name)
		require.Empty(t, r.Holds, name)
		require.Equal(t, call.InFull(full, "m1"), r.Changes.Settlements[1], name)
	}
}

func TestLoseSpendsTheHoldInFullAndSaysThatNobodyKnows(t *testing.T) {
	t.Parallel()
	r := inState(t, Running)
	hold := r.Holds[0]
	require.NoError(t, r.Lose(t0))
	require.Equal(t, []budget.Settlement{hold.InFull(t0, "local")}, r.Changes.Settlements)
	require.True(t, r.Changes.Settlements[0].Estimated)
	require.Equal(t, Because(WhyLost), r.Reason)
	require.Contains(t, r.Changes.Messages[0].Text, "will not be run again")
	require.Nil(t, r.Run.Result)
}

func TestAWayOutReleasesWhatWasNotCalledAndKeepsWhatWas(t *testing.T) {
	t.Parallel()
	for name, out := range map[string]func(*Request) error{
		"fail":     func(r *Request) error { return r.Fail(Words("x"), t0) },
		"withdraw": func(r *Request) error { return r.Withdraw("A", t0) },
		"expire":   func(r *Request) error { return r.Expire(r.ExpiresAt) },
	} {
		r := inState(t, Approved)
		require.NoError(t, out(r), name)
		require.Empty(t, r.Holds, name)
		require.Empty(t, r.Changes.Settlements[0].Charges, name)

		r = inState(t, Drafting) // its hold was called
		require.NoError(t, out(r), name)
		require.Len(t, r.Holds, 1, name)
		require.Empty(t, r.Changes.Settlements, name)
	}
}

func TestSettleEndsAHoldOnce(t *testing.T) {
	t.Parallel()
	r := inState(t, Approved)
	s := budget.Settlement{HoldID: r.Holds[0].ID, At: t0}
	r.Money().Settle(s)
	r.Money().Settle(s)
	r.Money().Settle(budget.Settlement{HoldID: "nobody's"})
	require.Len(t, r.Changes.Settlements, 1)
	require.Len(t, r.Changes.Events, 1)
}

func TestExpiryWaitsForItsTimeAndSaysWhatRanOut(t *testing.T) {
	t.Parallel()
	for state, reason := range map[State]ReasonCode{Drafting: WhyNotWritten, Pending: WhyNobodyDecided, Approved: WhyNotStarted} {
		r := inState(t, state)
		before := deepcopy.Of(r)
		require.NoError(t, ExpireIfDue(r, r.ExpiresAt.Add(-1)))
		require.Equal(t, before, r)
		require.NoError(t, ExpireIfDue(r, r.ExpiresAt))
		require.Equal(t, Expired, r.State)
		require.Equal(t, reason, r.Reason.Code)
		require.Equal(t, state, r.Changes.Events[len(r.Changes.Events)-1].Data["while"])
	}
	glass := inState(t, Approved)
	glass.Glass = &Glass{}
	require.NoError(t, ExpireIfDue(glass, glass.ExpiresAt))
	require.Equal(t, WhyGlassUnstarted, glass.Reason.Code, "nobody approved it")
	for _, state := range []State{Running, Done, Lost} {
		r := inState(t, state)
		require.NoError(t, ExpireIfDue(r, t0.Add(1000*time.Hour)))
		require.Equal(t, state, r.State)
	}
}

func TestSettleStaleWaitsForARunAndForTheTimeOfAHold(t *testing.T) {
	t.Parallel()
	r := inState(t, Running)
	require.NoError(t, r.Money().SettleStale(t0.Add(1000*time.Hour)))
	require.Len(t, r.Holds, 1, "a run's hold waits for the run")

	r = inState(t, Drafting)
	require.NoError(t, r.Money().SettleStale(r.Holds[0].ExpiresAt.Add(-1)))
	require.Len(t, r.Holds, 1)
	hold := r.Holds[0]
	require.NoError(t, r.Money().SettleStale(hold.ExpiresAt))
	require.Empty(t, r.Changes.Settlements, "nobody knows what it has cost")
	full := hold.ExpiresAt.Add(budget.UncertainFor)
	require.Equal(t, full, r.Holds[0].Due())
	require.NoError(t, r.Money().SettleStale(full.Add(-1)))
	require.Empty(t, r.Changes.Settlements)
	require.NoError(t, r.Money().SettleStale(full))
	require.Equal(t, []budget.Settlement{hold.InFull(full, "m1")}, r.Changes.Settlements)

	r = inState(t, Drafting) // inspected by a replica that died
	r.Holds = nil
	require.NoError(t, r.Keep(Written{Code: "1\n", Author: "m1"}, budget.Cent, t0))
	require.NoError(t, r.Money().Boxes().Inspect(budget.Cent, testPolicy(), t0))
	hold = r.Holds[0]
	require.NoError(t, r.Money().SettleStale(hold.ExpiresAt))
	require.True(t, r.Holds[0].Uncertain())
	full = hold.ExpiresAt.Add(budget.UncertainFor)
	require.NoError(t, r.Money().SettleStale(full))
	require.Equal(t, []budget.Settlement{{HoldID: hold.ID, At: full, Estimated: true,
		Charges: []budget.Charge{{Kind: budget.Box, What: "inspection", Amount: budget.Cent}}}}, r.Changes.Settlements)

	r = inState(t, Approved) // not called
	require.NoError(t, r.Money().SettleStale(r.Holds[0].ExpiresAt))
	require.Empty(t, r.Changes.Settlements[0].Charges)
}

func TestARunEndsNotBeforeItsStartWhateverTheClockSays(t *testing.T) {
	t.Parallel()
	r := inState(t, Running)
	started := r.Run.StartedAt
	require.NoError(t, r.Finish(Result{Outcome: OK}, budget.Charge{Kind: budget.Box, Amount: budget.Cent}, DefaultPolicy(), started.Add(-time.Minute)))
	require.Equal(t, started, r.Run.FinishedAt, "the database's clock was put back meanwhile")
	require.Equal(t, started, r.Changes.Events[len(r.Changes.Events)-1].At)
}
