package approval

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval/reading"
	"countersign/budget"
	"countersign/internal/deepcopy"
)

var t0 = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func testPolicy() Policy {
	p := DefaultPolicy()
	p.Reviewers, p.Admins = []string{"R1", "R2", "R3"}, []string{"admin"}
	return p
}

func testRevision() Revision {
	return Revision{Code: "print(1)\n", Author: "m1", Manifest: Manifest{Version: ManifestVersion, Sandbox: "local", Template: "py",
		Limits: Limits{Seconds: 60}, CostCap: 5 * budget.Cent}}
}

func approvalOf(r *Request, by string) Decision {
	d := Decision{Reviewer: by, Verdict: Approve, Click: Click{Team: r.Team, User: by, ActionTS: "1"}}
	if r.Revision != nil {
		d.Revision, d.Digest = r.Revision.Number, r.Revision.Digest
	}
	return d
}

func rejectionOf(r *Request, by string) Decision {
	d := approvalOf(r, by)
	d.Verdict, d.Reason = Reject, "no"
	return d
}

// inState leads a request into a state by legal moves only, as if just loaded.
func inState(t *testing.T, state State) *Request {
	t.Helper()
	p := testPolicy()
	r := New(Question{Team: "T", Project: "C", Asker: "A", Text: "q", Trigger: "tr"}, "m1", budget.Cent, p, t0)
	require.NoError(t, r.Found(nil, "", false, false, t0))
	require.NoError(t, r.Money().Call(budget.Cent, budget.Cent/10, Addressee{}, p, t0))
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
	case Drafting:
	case Asking:
		r.Money().Settle(budget.Settlement{HoldID: r.Holds[0].ID, At: t0})
		require.NoError(t, r.AskBack(doubtful(), p, t0))
	case Pending:
		drafted()
	case Approved:
		approved()
	case Running:
		running()
	case Done:
		running()
		require.NoError(t, r.Finish(Result{Outcome: OK}, budget.Charge{Kind: budget.Box, Amount: budget.Cent}, DefaultPolicy(), t0))
	case Failed:
		require.NoError(t, r.Fail(Words("no"), t0))
	case Rejected:
		drafted()
		require.NoError(t, r.Decide(rejectionOf(r, "R1"), 0, p, t0))
	case Expired:
		drafted()
		require.NoError(t, r.Expire(r.ExpiresAt))
	case Withdrawn:
		drafted()
		require.NoError(t, r.Withdraw("A", t0))
	case Lost:
		running()
		require.NoError(t, r.Lose(t0))
	}
	require.Equal(t, state, r.State)
	r.Changes = Changes{}
	return r
}

// doubtful is a file of which something is to be asked.
func doubtful() []File {
	return []File{{ID: "F1", Name: "sales.csv", SHA256: "s", Reading: &reading.Reading{Tables: []reading.Table{{
		Columns: []reading.Column{{Name: "amount", Type: "text", Thousands: "."}}, Odd: []reading.Odd{{Code: "ambiguous_thousands", Column: "amount", Count: 2}}}}}}}
}

// verb is a move as the matrix tries it.
type verb struct {
	name string
	move string // as the table names it; name where it is the same
	do   func(r *Request, p Policy, now time.Time) error
	late bool          // tried after the wait has run out
	at   time.Duration // when else; a minute after it began unless said otherwise
}

// editOf is what somebody writes in place of the code that stands.
func editOf(by string) Edit {
	return Edit{By: by, Code: "print(2)\n", Click: Click{User: by, ActionTS: "e"}}
}

func takeEdit(r *Request, by string, p Policy, now time.Time) error {
	number, digest := 0, ""
	if r.Revision != nil {
		number, digest = r.Revision.Number, r.Revision.Digest
	}
	return r.TakeEdit(editOf(by), number, digest, budget.Cent, p, now)
}

// correct says that the heading of the only file is its third row.
func correct(r *Request, cost budget.USD, p Policy, now time.Time) error {
	if r.State == Pending && now.Before(r.ExpiresAt) {
		r.Files = doubtful()
	}
	return r.Correct("F1", []reading.Answered{{Doubt: reading.Doubt{Code: "told_heading"}, Says: "3"}}, cost, p, now)
}

func breakSeal(r *Request, p Policy, now time.Time) error {
	return r.BreakSeal(&BrokenSealError{Why: []Reason{Because(WhyOtherCode)}}, testRevision().Manifest, p, now)
}

func unstart(r *Request, charge budget.USD, p Policy, now time.Time) error {
	return r.Unstart(&BrokenSealError{Why: []Reason{Because(WhyOtherCode)}}, budget.Charge{Kind: budget.Box, Amount: charge}, testRevision().Manifest, p, now)
}

// blocked tries a verb on a request that a budget has refused.
func blocked(do func(r *Request, p Policy, now time.Time) error) func(r *Request, p Policy, now time.Time) error {
	return func(r *Request, p Policy, now time.Time) error {
		if r.State == Drafting || r.State == Pending {
			r.Blocked = &Block{Needed: budget.Cent, Purpose: budget.ForDraft}
		}
		return do(r, p, now)
	}
}

var verbs = []verb{
	{name: "Call", do: func(r *Request, p Policy, now time.Time) error {
		return r.Money().Call(budget.Cent, budget.Cent/10, Addressee{}, p, now)
	}},
	{name: "Keep", do: func(r *Request, _ Policy, now time.Time) error {
		return r.Keep(Written{Code: "print(1)\n", Author: "m1"}, budget.Cent/10, now)
	}},
	{name: "Inspect", do: func(r *Request, p Policy, now time.Time) error {
		if r.State == Drafting {
			r.Written = &Written{Code: "print(1)\n", Author: "m1"}
		}
		return r.Money().Boxes().Inspect(budget.Cent/10, p, now)
	}},
	{name: "Inspect nothing", move: "Inspect", do: func(r *Request, p Policy, now time.Time) error {
		return r.Money().Boxes().Inspect(budget.Cent/10, p, now)
	}},
	{name: "Refuse", do: func(r *Request, _ Policy, now time.Time) error { return r.Refuse(Refusal{Reason: "x"}, now) }},
	{name: "Again", do: func(r *Request, _ Policy, now time.Time) error { return r.Again("x", now) }},
	{name: "Drafted", do: func(r *Request, p Policy, now time.Time) error { return r.Drafted(testRevision(), p, now) }},
	{name: "Fail", do: func(r *Request, _ Policy, now time.Time) error { return r.Fail(Words("x"), now) }},
	{name: "Approve", do: func(r *Request, p Policy, now time.Time) error {
		return r.Decide(approvalOf(r, "R2"), budget.Cent, p, now)
	}},
	{name: "Break the glass", move: "BreakGlass", do: breakGlass}, {name: "Break the glass late", move: "BreakGlass", late: true, do: breakGlass},
	{name: "Reject", do: func(r *Request, p Policy, now time.Time) error { return r.Decide(rejectionOf(r, "R2"), 0, p, now) }},
	{name: "Request changes", move: "RequestChanges", do: func(r *Request, p Policy, now time.Time) error {
		d := rejectionOf(r, "R2")
		d.Verdict = Rewrite
		return r.Decide(d, budget.Cent, p, now)
	}},
	{name: "Edit", do: func(r *Request, p Policy, now time.Time) error { return takeEdit(r, "R2", p, now) }},
	{name: "Edit late", move: "Edit", late: true, do: func(r *Request, p Policy, now time.Time) error { return takeEdit(r, "R2", p, now) }},
	{name: "Put back", move: "PutBack", do: func(r *Request, _ Policy, now time.Time) error { return r.PutBack(Words("x"), now) }},
	{name: "Break the seal", move: "BreakSeal", do: breakSeal},
	{name: "Unstart", do: func(r *Request, p Policy, now time.Time) error { return unstart(r, 1000, p, now) }},
	{name: "Disown", do: func(r *Request, p Policy, now time.Time) error {
		if r.State == Pending {
			p.Quorum = 2
			if err := r.Decide(approvalOf(r, "R1"), 0, p, now); err != nil {
				return err
			}
		}
		return r.Disown("R1", 1, Click{}, p, now)
	}},
	{name: "Remind", at: 12 * time.Hour, do: func(r *Request, _ Policy, now time.Time) error { return Turn{r}.Remind([]string{"R1"}, now) }},
	{name: "Remind early", move: "Remind", do: func(r *Request, _ Policy, now time.Time) error { return Turn{r}.Remind([]string{"R1"}, now) }},
	{name: "Remind late", move: "Remind", late: true, do: func(r *Request, _ Policy, now time.Time) error { return Turn{r}.Remind([]string{"R1"}, now) }},
	{name: "Escalate", at: 20 * time.Hour, do: func(r *Request, _ Policy, now time.Time) error { return Turn{r}.Escalate(nil, now) }},
	{name: "Escalate early", move: "Escalate", at: 19 * time.Hour, do: func(r *Request, _ Policy, now time.Time) error { return Turn{r}.Escalate(nil, now) }},
	{name: "Assign", do: func(r *Request, _ Policy, now time.Time) error { return Turn{r}.Assign("R2", "R1", Click{}, now) }},
	{name: "Assign late", move: "Assign", late: true, do: func(r *Request, _ Policy, now time.Time) error { return Turn{r}.Assign("R2", "R1", Click{}, now) }},
	{name: "Have a box made", move: "KeepReady", do: func(r *Request, _ Policy, now time.Time) error { return Early{r}.Order(budget.Cent, time.Minute, now) }},
	{name: "Ask for an opinion", move: "AskOpinion", do: func(r *Request, _ Policy, now time.Time) error { return Turn{r}.AskOpinion("R2", "R1", Click{}, now) }},
	{name: "neither", do: func(r *Request, p Policy, now time.Time) error {
		d := approvalOf(r, "R2")
		d.Verdict = "maybe"
		return r.Decide(d, 0, p, now)
	}},
	{name: "Expire", late: true, do: func(r *Request, _ Policy, now time.Time) error { return r.Expire(now) }},
	{name: "Expire early", move: "Expire", do: func(r *Request, _ Policy, now time.Time) error { return r.Expire(now) }},
	{name: "Withdraw", do: func(r *Request, _ Policy, now time.Time) error { return r.Withdraw("A", now) }},
	{name: "Start", do: func(r *Request, p Policy, now time.Time) error { return r.Start("box 2", p, now) }}, {name: "Start late", move: "Start", late: true, do: func(r *Request, p Policy, now time.Time) error { return r.Start("box 2", p, now) }},
	{name: "Approve late", move: "Approve", late: true, do: func(r *Request, p Policy, now time.Time) error {
		return r.Decide(approvalOf(r, "R2"), budget.Cent, p, now)
	}},
	{name: "Finish", do: func(r *Request, _ Policy, now time.Time) error {
		return r.Finish(Result{Outcome: Raised}, budget.Charge{Kind: budget.Box, Amount: 1000}, DefaultPolicy(), now)
	}},
	{name: "Stop", do: func(r *Request, _ Policy, now time.Time) error { return Stopping{r}.Stop("A", now) }}, {name: "Begin", do: func(r *Request, _ Policy, now time.Time) error { return r.Begin(now) }},
	{name: "Await a box", move: "AwaitBox", do: func(r *Request, _ Policy, now time.Time) error { return r.AwaitBox("full", now) }},
	{name: "Void", do: func(r *Request, _ Policy, now time.Time) error {
		return r.Void(Words("the disk is too small"), budget.Charge{Kind: budget.Box, Amount: 1000}, now)
	}},
	{name: "Freeze", do: func(r *Request, p Policy, now time.Time) error {
		return r.Freeze(now.Add(48*time.Hour), "Sat,Sun", p, now)
	}},
	{name: "Find", move: "Found", do: func(r *Request, _ Policy, now time.Time) error {
		if r.State == Drafting {
			r.Seek = &Seek{}
		}
		return r.Found(nil, "", false, false, now)
	}},
	{name: "Read", do: func(r *Request, _ Policy, now time.Time) error { return r.Read(nil, now) }},
	{name: "Read a file", move: "Read", do: func(r *Request, _ Policy, now time.Time) error {
		return r.Money().Boxes().Read(budget.Cent/10, 1, false, now)
	}},
	{name: "Ask back", move: "AskBack", do: func(r *Request, p Policy, now time.Time) error { return r.AskBack(doubtful(), p, now) }},
	{name: "Answer", do: func(r *Request, p Policy, now time.Time) error {
		_, _, key, _ := r.Doubted()
		return r.Answer(key, "decimal", budget.Cent, p, now)
	}},
	{name: "Correct", do: func(r *Request, p Policy, now time.Time) error { return correct(r, budget.Cent, p, now) }},
	{name: "Correct late", move: "Correct", late: true, do: func(r *Request, p Policy, now time.Time) error { return correct(r, budget.Cent, p, now) }},
	{name: "Compare", do: func(r *Request, _ Policy, now time.Time) error { return r.Money().Boxes().Compare(budget.Cent/10, now) }},
	{name: "Reseal", do: func(r *Request, p Policy, now time.Time) error {
		if r.State == Drafting {
			r.Revision = new(testRevision())
		}
		return r.Reseal(nil, testRevision().Manifest, p, now)
	}},
	{name: "Clarify", do: func(r *Request, p Policy, now time.Time) error {
		return Talk{r}.Ask(Clarification{Question: "Which year?"}, "m1", p, now)
	}},
	{name: "Clarified", do: func(r *Request, p Policy, now time.Time) error {
		c := Clarification{Question: "Which year?", AskedAt: t0}
		if r.State == Asking {
			r.Clarified = []Clarification{c}
		}
		return Talk{r}.Answer(c.Key(), "2024", "", budget.Cent, p, now)
	}},
	{name: "Find again", move: "Found", do: func(r *Request, _ Policy, now time.Time) error { return r.Found(nil, "", false, false, now) }},
	{name: "Turn back", move: "Fail", do: func(r *Request, _ Policy, now time.Time) error {
		if r.State == Drafting {
			r.Seek = &Seek{}
		}
		return r.TurnBack(&Cause{Code: WhichFile}, Reason{}, now)
	}},
	{name: "Turn back late", move: "Fail", do: func(r *Request, _ Policy, now time.Time) error {
		return r.TurnBack(&Cause{Code: WhichFile}, Reason{}, now)
	}},
	{name: "Go away", move: "GoAway", do: func(r *Request, _ Policy, now time.Time) error { return r.GoAway(Cause{Code: NotIn}, now) }},
	{name: "Go away for good", move: "GoAway", do: func(r *Request, _ Policy, now time.Time) error { return r.GoAway(Cause{Code: FileGone}, now) }},
	{name: "Come back", move: "ComeBack", do: func(r *Request, _ Policy, now time.Time) error { return r.ComeBack(now) }},
	{name: "Fail over a cause", move: "Fail", do: func(r *Request, _ Policy, now time.Time) error { return r.FailOver(Cause{Code: FileGone}, now) }},
	{name: "Stand in line", move: "StandInLine", do: func(r *Request, _ Policy, now time.Time) error { return r.StandInLine(3, now) }},
	{name: "Block a draft", move: "Block", do: func(r *Request, p Policy, now time.Time) error {
		return r.Money().Block(budget.ForDraft, &budget.ExceededError{Needed: budget.Cent}, System, p, now)
	}},
	{name: "Block a run", move: "Block", do: func(r *Request, p Policy, now time.Time) error {
		return r.Money().Block(budget.ForRun, &budget.ExceededError{Needed: budget.Cent}, System, p, now)
	}},
	{name: "Unpaid", do: func(r *Request, _ Policy, now time.Time) error {
		return r.Money().Unpaid("edit", &budget.ExceededError{Needed: budget.Cent}, "R2", now)
	}},
	{name: "Wait", do: blocked(func(r *Request, p Policy, now time.Time) error {
		return r.Money().Wait(now.Add(time.Hour), "A", p, now)
	})},
	{name: "Go on", move: "GoOn", do: blocked(func(r *Request, p Policy, now time.Time) error { return r.Money().GoOn("m1", budget.Cent, "A", p, now) })},
	{name: "Ask for a top-up", move: "AskTopUp", do: blocked(func(r *Request, p Policy, now time.Time) error { return r.Money().AskTopUp(budget.Cent, "x", p, now) })},
	{name: "Grant a top-up", move: "DecideTopUp", do: blocked(func(r *Request, _ Policy, now time.Time) error {
		r.TopUps = []TopUp{{ID: "t", AskedBy: "A"}}
		err := r.Money().DecideTopUp("t", true, now.Add(time.Hour), "", "admin", now)
		if err != nil {
			r.TopUps = nil
		}
		return err
	})},
	{name: "Insist", do: func(r *Request, p Policy, now time.Time) error {
		if r.State == Drafting || r.State == Pending {
			r.Downgraded = &Downgraded{From: "m2", To: "m1"}
		}
		return r.Money().Insist(nil, budget.Cent, p, now)
	}},
	{name: "Come back after all", move: "ComeBack", do: func(r *Request, _ Policy, now time.Time) error {
		if r.State == Drafting || r.State == Pending || r.State == Approved {
			r.Away = &Away{Cause: Cause{Code: NotIn}, Since: now}
		}
		return r.ComeBack(now)
	}},
	{name: "Put an edit back", move: "PutBack", do: func(r *Request, _ Policy, now time.Time) error {
		if r.State == Drafting {
			r.Revision, r.Edit = new(testRevision()), new(editOf("R2"))
		}
		return r.PutBack(Words("x"), now)
	}},
	{name: "Lose", do: func(r *Request, _ Policy, now time.Time) error { return r.Lose(now) }},
}

// matrix names the state that each verb leads to. What is missing is illegal.
var matrix = map[State]map[string]State{
	Drafting: {"Stand in line": Drafting, "Block a draft": Drafting, "Wait": Drafting, "Go on": Drafting, "Ask for a top-up": Drafting, "Grant a top-up": Drafting,
		"Insist": Drafting, "Come back after all": Drafting, "Put an edit back": Pending, "Reseal": Pending,
		"Call": Drafting, "Keep": Drafting, "Inspect": Drafting, "Refuse": Drafting, "Again": Drafting, "Drafted": Pending, "Fail": Failed,
		"Read": Drafting, "Read a file": Drafting, "Ask back": Asking, "Clarify": Asking,
		"Find": Drafting, "Turn back": Failed, "Go away": Drafting, "Fail over a cause": Failed,
		"Expire": Expired, "Withdraw": Withdrawn},
	Asking: {"Compare": Asking, "Answer": Drafting, "Clarified": Drafting, "Correct": Drafting, "Fail": Failed, "Fail over a cause": Failed, "Expire": Expired, "Withdraw": Withdrawn},
	Pending: {"Block a run": Pending, "Unpaid": Pending, "Wait": Pending, "Go on": Pending, "Ask for a top-up": Pending, "Grant a top-up": Pending,
		"Insist": Drafting, "Come back after all": Pending, "Break the seal": Pending,
		"Approve": Approved, "Break the glass": Approved, "Reject": Rejected, "Expire": Expired, "Withdraw": Withdrawn,
		"Request changes": Drafting, "Edit": Drafting, "Disown": Pending, "Correct": Drafting,
		"Go away": Pending, "Fail": Failed, "Fail over a cause": Failed,
		"Remind": Pending, "Escalate": Pending, "Assign": Pending, "Ask for an opinion": Pending, "Have a box made": Pending},
	Approved: {"Stand in line": Approved, "Come back after all": Approved, "Fail": Failed, "Go away": Approved, "Fail over a cause": Failed, "Expire": Expired, "Withdraw": Withdrawn, "Start": Running, "Await a box": Approved, "Freeze": Approved, "Break the seal": Pending, "Disown": Pending},
	Running:  {"Unstart": Pending, "Begin": Running, "Stop": Running, "Finish": Done, "Void": Failed, "Lose": Lost},
	Done:     {}, Failed: {}, Rejected: {}, Expired: {}, Withdrawn: {}, Lost: {},
}

func allStates() []State { return States() }

func TestEveryVerbInEveryState(t *testing.T) {
	t.Parallel()
	require.Len(t, matrix, len(allStates()))
	for _, state := range allStates() {
		for _, v := range verbs {
			t.Run(string(state)+" "+v.name, func(t *testing.T) {
				t.Parallel()
				r := inState(t, state)
				now := t0.Add(time.Minute)
				switch {
				case v.late:
					now = t0.Add(1000 * time.Hour)
				case v.at > 0:
					now = t0.Add(v.at)
				}
				before := deepcopy.Of(r)
				err := v.do(r, testPolicy(), now)
				want, legal := matrix[state][v.name]
				if !legal {
					var move *MoveError
					require.ErrorAs(t, err, &move)
					require.Same(t, r, move.Request)
					require.ErrorContains(t, err, "a request that is "+string(state))
					require.Equal(t, before, r, "an illegal move changes nothing and notes nothing")
					return
				}
				require.NoError(t, err)
				require.Equal(t, want, r.State)
				require.Contains(t, Moves, Move{state, cmp.Or(v.move, v.name), want})
				require.Equal(t, now, r.ChangedAt)
				if v.move != "StandInLine" { // which changes all the time
					require.NotEmpty(t, r.Changes.Events)
				}
				require.Equal(t, before.ID, r.ID)
				require.Equal(t, r.State.Final() || r.State == Running, r.ExpiresAt.IsZero(), "a wait has an end")
				if v.name != "Again" && v.name != "Refuse" && v.name != "Keep" { // the next call is shown
					require.Contains(t, r.Changes.Jobs, StepShow)
				}
			})
		}
	}
}

func TestTheTableOfMovesHoldsWhatVerbsDoAndNoMore(t *testing.T) {
	t.Parallel()
	reached := []Move{{"", "Ask", Drafting}, {Pending, "Approve", Pending}}
	for state, row := range matrix {
		for _, v := range verbs {
			if to, legal := row[v.name]; legal {
				reached = append(reached, Move{state, cmp.Or(v.move, v.name), to})
			}
		}
	}
	for _, m := range Moves {
		require.Contains(t, reached, m)
	}
	require.Len(t, Moves, len(slices.CompactFunc(slices.Clone(Moves), func(a, b Move) bool { return a == b })))
}
