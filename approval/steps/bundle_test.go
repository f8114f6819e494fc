package steps

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

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
	r.Holds, r.Changes.Holds = append(r.Holds, budget.OpenHold{Hold: h}), append(r.Changes.Holds, h)
}

// heal ends all faults.
func (f *faults) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs, f.lasting = nil, false
}

// bundle is a whole world for one test.
type bundle struct {
	*Steps
	pen    *struct{ Writer } // what a test may change as it goes
	stand  *struct{ Sandbox }
	t      *testing.T
	faults *faults
	store  *memStore
	writer *fakeWriter
	box    *fakeBox
	slack  *fakeSlack
	log    *strings.Builder
}

func setup(t *testing.T) *bundle {
	t.Helper()
	f := &faults{}
	b := &bundle{t: t, faults: f, store: newMemStore(f), log: &strings.Builder{},
		writer: &fakeWriter{faults: f},
		box:    &fakeBox{faults: f, size: budget.BoxSize{Kind: "local", VCPU: 1, MemoryMB: 1024}, result: approval.Result{Outcome: approval.OK, Value: "42", Box: 2 * time.Second}},
		slack: &fakeSlack{faults: f, place: approval.Place{Seen: true, In: true}, files: map[string]string{"F1": "a,b\n1,2\n"}, people: map[string]review.Person{
			"guest": {Guest: true}, "bot": {Bot: true}, "stranger": {External: true}, "gone": {Gone: true}}},
	}
	policy := approval.DefaultPolicy()
	policy.Reviewers = []string{"R1", "R2", "R3", "asker", "guest", "bot", "stranger", "gone"}
	policy.Admins = []string{"admin", "guest", "gone"}
	row := func(model string) budget.ModelPrice {
		return budget.ModelPrice{Model: model, From: epoch, Input: budget.Dollar, Cached: budget.Dollar / 10, Output: 2 * budget.Dollar}
	}
	b.pen, b.stand = &struct{ Writer }{b.writer}, &struct{ Sandbox }{b.box}
	b.Steps = New(Ports{Store: b.store, Writer: b.pen, Sandbox: b.stand, Slack: b.slack, Receipts: b.store,
		Log: slog.New(slog.NewTextHandler(b.log, nil)),
	}, Settings{Policy: policy, Prices: budget.Prices{Models: []budget.ModelPrice{row("m1"), row("m2")},
		Boxes: []budget.BoxPrice{{Kind: "local", From: epoch, VCPU: 14_000, GiB: 4_500}}}})
	return b
}

// ask asks, and has what belongs to the question found.
func (b *bundle) ask() *approval.Request {
	b.t.Helper()
	r, err := b.Ask(b.t.Context(), question())
	require.NoError(b.t, err)
	return b.find(r)
}

// askAndRead asks, and has the files read.
func (b *bundle) askAndRead() *approval.Request {
	b.t.Helper()
	r := b.ask()
	require.NoError(b.t, b.Read(b.t.Context(), r.ID))
	return b.request(r.ID)
}

// aMinuteLater is when whoever was looked at is looked at again.
func (b *bundle) aMinuteLater() {
	b.known.mu.Lock()
	defer b.known.mu.Unlock()
	for key, s := range b.known.seen {
		b.known.seen[key] = sighting{person: s.person, at: s.at.Add(-sightLife)}
	}
}

// find does the first step of a question: its job is done.
func (b *bundle) find(r *approval.Request) *approval.Request {
	b.t.Helper()
	require.NoError(b.t, b.Find(b.t.Context(), r.ID))
	b.store.mu.Lock()
	b.store.jobs = slices.DeleteFunc(b.store.jobs, func(w Wake) bool { return w == Wake{Step: approval.StepFind, RequestID: r.ID} })
	b.store.mu.Unlock()
	return b.request(r.ID)
}

// Draft does all steps to a draft: the next one follows as the queue would have it.
func (b *bundle) Draft(ctx context.Context, id string) error {
	if err := b.Read(ctx, id); err != nil {
		return err
	}
	if err := b.Steps.Draft(ctx, id); err != nil {
		return err
	}
	return b.Inspect(ctx, id)
}

// replica is one life of a process: it ends with its work, or by a crash.
func (b *bundle) replica(work func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			if cause != any(errCrash) {
				panic(cause)
			}
			err = errCrash
		}
	}()
	return work()
}

// work does jobs as the queue would until there are none: what fails is repeated.
func (b *bundle) work() (failures []error) {
	b.t.Helper()
	for range 200 {
		w, ok := b.store.next()
		if !ok {
			return failures
		}
		if err := b.replica(func() error { return b.Do(context.Background(), w) }); err != nil {
			failures = append(failures, err)
			require.NoError(b.t, b.store.Wake(context.Background(), w))
		}
	}
	b.t.Fatalf("the queue never gets empty: %v", failures)
	return nil
}

func (b *bundle) request(id string) *approval.Request {
	b.t.Helper()
	r, err := b.store.Request(context.Background(), id)
	require.NoError(b.t, err)
	return r
}

// pending asks and lets the code be written.
func (b *bundle) pending() *approval.Request {
	b.t.Helper()
	r := b.ask()
	require.Empty(b.t, b.work())
	r = b.request(r.ID)
	require.Equal(b.t, approval.Pending, r.State, r.Reason)
	return r
}

func ruling(r *approval.Request, by string, verdict approval.Verdict) Ruling {
	return Ruling{RequestID: r.ID, Revision: r.Revision.Number, Digest: r.Revision.Digest, Verdict: verdict, Reason: "because",
		Click: approval.Click{Team: r.Team, User: by, ActionTS: "click of " + by, Channel: "review", MessageTS: "1.1"}}
}

// approved asks, writes and approves, with nothing run yet.
func (b *bundle) approved() *approval.Request {
	b.t.Helper()
	r, err := b.Decide(b.t.Context(), ruling(b.pending(), "R1", approval.Approve))
	require.NoError(b.t, err)
	require.Equal(b.t, approval.Approved, r.State)
	return r
}

// kinds are the events of a request, in order.
func (b *bundle) kinds(id string) (kinds []string) {
	events, err := b.store.Events(context.Background(), id)
	require.NoError(b.t, err)
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (b *bundle) count(id, kind string) (n int) {
	for _, k := range b.kinds(id) {
		if k == kind {
			n++
		}
	}
	return n
}

// spends are the settlements of a request by purpose: a draft's are of its calls and its inspections.
func (b *bundle) spends(id string, purpose budget.Purpose) (list []budget.Settlement) {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	var holds []*ledgerHold
	for _, h := range b.store.holds {
		if h.RequestID == id && (h.Purpose == purpose || h.Purpose == budget.ForInspect && purpose == budget.ForDraft) && h.settled != nil {
			holds = append(holds, h)
		}
	}
	slices.SortFunc(holds, func(a, b *ledgerHold) int { return a.At.Compare(b.At) })
	for _, h := range holds {
		list = append(list, *h.settled)
	}
	return list
}

// open counts holds that nobody has settled.
func (b *bundle) open(id string) (n int) {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	for _, h := range b.store.holds {
		if h.RequestID == id && h.settled == nil {
			n++
		}
	}
	return n
}
