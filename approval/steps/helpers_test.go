package steps

import (
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

func by(user string) approval.Click { return approval.Click{Team: "T1", User: user} }

// errCrash is what a replica that is killed panics with, and what a port that
// has failed for no known reason returns.
var errCrash = errors.New("crash")

// faults are the crash points: each name strikes once, at its first passing, or
// from then on when it is lasting.
type faults struct {
	mu      sync.Mutex
	errs    map[string]error // returned
	deaths  map[string]bool  // panicked
	lasting bool
	passed  []string
}

func (f *faults) hit(point string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passed = append(f.passed, point)
	if f.deaths[point] {
		delete(f.deaths, point)
		panic(errCrash)
	}
	err := f.errs[point]
	if !f.lasting {
		delete(f.errs, point)
	}
	return err
}

func (f *faults) fail(point string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.errs == nil {
		f.errs = map[string]error{}
	}
	f.errs[point] = err
}

func (f *faults) kill(point string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deaths == nil {
		f.deaths = map[string]bool{}
	}
	f.deaths[point] = true
}

// struck tells that nothing is armed any more.
func (f *faults) struck() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.errs)+len(f.deaths) == 0
}

// epoch is older than anything, so that prices hold on synctest's clock, too.
var epoch = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)

// question is what the asker asks unless a test changes it.
func question() approval.Question {
	return approval.Question{Team: "T1", Project: "C1", Asker: "asker", Text: "What were sales?", Trigger: approval.NewID(8),
		Files: []approval.File{{ID: "F1", Name: "sales.csv", Size: 8}}}
}

// holdFor holds money without a verb that would.
func holdFor(r *approval.Request, purpose budget.Purpose, amount budget.USD, now time.Time) {
	h := budget.Hold{ID: approval.NewID(12), RequestID: r.ID, Purpose: purpose, Amount: amount, At: now, ExpiresAt: now.Add(time.Hour)}
	r.Holds, r.Changes.Holds = append(r.Holds, approval.OpenHold{Hold: h}), append(r.Changes.Holds, h)
}

const goodCode = "import pandas as pd\nprint(pd.read_csv(\"sales.csv\").sum())\n"

// used is what every scripted call reports.
func used(model string) budget.Usage { return budget.Usage{Model: model, Input: 1000, Output: 100} }

type box struct {
	id, request string
	seal        approval.Manifest
	starts      int // of the user's code
	gone        bool
}

const fakeInspectLease = 30 * time.Second

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
		require.NoError(t, r.Fail("no", t0))
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

// memBook keeps rules and people as storage does: versions and facts in the order
// in which they came.
type memBook struct {
	rules       []review.RuleSet
	grants      map[review.Grant]review.Grant // by who has what, without by whom and when
	delegations map[string]review.Delegation
	bookLog     []string
	refused     []approval.Event
}

// deepCopy copies everything that can be reached, so that what a closure does to
// its request is seen only when it commits. Times are values.
func deepCopy[T any](v T) T {
	return copyValue(reflect.ValueOf(&v).Elem()).Interface().(T)
}

func copyValue(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(copyValue(v.Elem()))
		}
	case reflect.Interface:
		if !v.IsNil() {
			out.Set(copyValue(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(copyValue(v.Index(i)))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMap(v.Type()))
			for key, value := range v.Seq2() {
				out.SetMapIndex(key, copyValue(value))
			}
		}
	case reflect.Struct:
		out.Set(v)
		if v.Type() != reflect.TypeFor[time.Time]() {
			for i := range v.NumField() {
				out.Field(i).Set(copyValue(v.Field(i)))
			}
		}
	default:
		out.Set(v)
	}
	return out
}

// ledgerHold is a hold with the scopes that it weighs on and what came of it.
type ledgerHold struct {
	budget.Hold
	scopes  []budget.Scope
	settled *budget.Settlement
}

func artifacts(r *approval.Request, content bool) (files []approval.Artifact) {
	if r.Run == nil || r.Run.Result == nil {
		return nil
	}
	for _, a := range r.Run.Result.Artifacts {
		if !content {
			a.Data = nil
		}
		files = append(files, a)
	}
	return files
}

var asksHimself = approval.Click{Team: "T1", User: "asker", ActionTS: "1"}

func second(_ *approval.Request, err error) error { return err }

func found(kind, about string) approval.Finding {
	return approval.Finding{Level: approval.Note, Kind: kind, About: about}
}

// heal ends all faults.
func (f *faults) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs, f.lasting = nil, false
}

// The heart of the matter: wherever a replica dies or is refused while it runs
// what was approved, the next one goes on, and the code starts at most once.
var runPoints = []struct {
	point string
	named bool // the row names the box by then
	ended bool // the result is stored by then
}{
	{"Request.before", false, false}, {"Fetch.before", false, false}, {"Create.before", false, false}, {"Create.after", false, false},
	{"Update.before", false, false}, {"commit started.before", false, false}, {"commit started.after", true, false},
	{"Result.before", true, false}, {"Start.before", true, false}, {"Start.after", true, false}, {"Result.after", true, false},
	{"commit finished.before", true, false}, {"commit finished.after", true, true}, {"Kill.before", true, true}, {"Kill.after", true, true},
}
