package steps

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"countersign/approval"
	"countersign/budget"
)

// Boxes says whether there is a sandbox, and where a request is in the line for a box.
type Boxes struct {
	store   Requests
	sandbox BoxTerms
	log     *slog.Logger
}

// NoSandbox stands where nothing can run code safely: nothing is asked, drafted or
// run, and people hear why.
type NoSandbox struct {
	Why string // and what to do about it, for people
}

var _ Sandbox = NoSandbox{}

func (n NoSandbox) err() error {
	return &BoxError{Err: errors.New("there is no sandbox"), Words: cmp.Or(n.Why, "There is no sandbox.")}
}

// Ready is never true here.
func (n NoSandbox) Ready() error { return n.err() }

// Size is that of no box, which has no price.
func (NoSandbox) Size() budget.BoxSize { return budget.BoxSize{Kind: "none"} }

// Template names nothing that is installed.
func (NoSandbox) Template() string { return "" }

// Lease is nothing, as is InspectLease.
func (NoSandbox) Lease(approval.Limits) time.Duration { return 0 }

// InspectLease is nothing.
func (NoSandbox) InspectLease() time.Duration { return 0 }

// ReachesHosts is false: there is no box to reach any from.
func (NoSandbox) ReachesHosts() bool { return false }

// Inspect says why there is no box.
func (n NoSandbox) Inspect(context.Context, string, []approval.File) (Inspection, error) {
	return Inspection{}, n.err()
}

// ReadFile says why there is no box.
func (n NoSandbox) ReadFile(context.Context, InputFile) (Readout, error) { return Readout{}, n.err() }

// ReadLease is nothing.
func (NoSandbox) ReadLease(int64) time.Duration { return 0 }

// Desk is none.
func (NoSandbox) Desk() string { return "" }

// Prepare does nothing.
func (NoSandbox) Prepare(string) {}

// Discard does nothing.
func (NoSandbox) Discard(string) {}

// Create says why there is no box.
func (n NoSandbox) Create(context.Context, string, approval.Manifest) (string, error) {
	return "", n.err()
}

// Fill finds no box.
func (NoSandbox) Fill(context.Context, string, Job) error { return ErrBoxGone }

// Start finds no box.
func (NoSandbox) Start(context.Context, string, Job) error { return ErrBoxGone }

// Result finds no box.
func (NoSandbox) Result(context.Context, string) (approval.Result, error) {
	return approval.Result{}, ErrBoxGone
}

// Kill finds no box, which is no error.
func (NoSandbox) Kill(context.Context, string) error { return nil }

// noBox is why nothing can run here at all; empty where it can, now or after a while.
func (s *Boxes) noBox() string {
	if box := s.notReady(); box != nil && !box.Retry {
		return box.Words
	}
	return ""
}

// NoSandbox says why nothing can run here at all, if so.
func (s *Boxes) NoSandbox() (why string, none bool) {
	why = s.noBox()
	return why, why != ""
}

// startsLater is why nothing can run here yet, as an error that has the step come again.
func (s *Boxes) startsLater() error {
	if box := s.notReady(); box != nil && box.Retry {
		return &LaterError{After: 2 * time.Second, Err: box}
	}
	return nil
}

// notReady is why no box can be had; nil where one can.
func (s *Boxes) notReady() (box *BoxError) {
	// An error of another kind says nothing about whether it passes, so it is taken for one that does.
	if err := s.sandbox.Ready(); err != nil && !errors.As(err, &box) {
		box = &BoxError{Err: err, Words: "The sandbox cannot be reached.", Retry: true}
	}
	return box
}

// Early keeps a box ready while reviewers read, where boxes are billed by the second and a budget allows it
// (package early).
type Early interface {
	// Keep has the box of a request made, kept or ended, as the row says. It may be repeated after any crash.
	Keep(ctx context.Context, id string) error
	// Spent is what the box has cost by now.
	Spent(b *approval.Ready, now time.Time) (budget.Charge, error)
	// Claim makes it the box of an approved run, which lives as long as any other of these limits. Empty: there is none, or it was of no use,
	// and has been ended and paid.
	Claim(ctx context.Context, r *approval.Request, seal approval.Manifest) (boxID string, err error)
	// End ends the box that Claim gave to a run which does not start in it, and pays what nobody has paid of it. Whoever comes after a replica
	// that died over this pays it.
	End(ctx context.Context, r *approval.Request) error
}

// keepReady sees to the box of a request that was made early, or may be.
func (s *Settings) keepReady(ctx context.Context, id string) error {
	if s.Early == nil {
		return nil // another replica has what it takes
	}
	return s.Early.Keep(ctx, id)
}

// use makes the box that waited that of the run that was just approved. What it has cost and nobody can price, or where nothing
// starts at once, is left to whoever ends it.
func (s *Settings) use(r *approval.Request, now time.Time) {
	if s.Early == nil || !r.Ready.Open() || approval.QuietUntil(r).After(now) {
		return
	}
	if charge, err := s.Early.Spent(r.Ready, now); err == nil {
		approval.Early{Request: r}.Use(charge, now)
	}
}

// givenBack are the standings once that is done: what a box that waited has not cost is free for its run.
func (s *Settings) givenBack(r *approval.Request, standings []budget.Standing, now time.Time) []budget.Standing {
	if s.Early == nil || !r.Ready.Open() {
		return standings
	}
	spent, err := s.Early.Spent(r.Ready, now)
	own := slices.IndexFunc(r.Holds, func(h budget.OpenHold) bool { return h.ID == r.Ready.Hold })
	if err != nil || own < 0 {
		return standings
	}
	standings = slices.Clone(standings)
	for i := range standings {
		standings[i].Held -= max(0, r.Holds[own].Amount-spent.Amount)
	}
	return standings
}

type placeKey struct{}

// withLine has the sandbox tell where in the line for boxes somebody stands. A
// sandbox tells it every few seconds, which also says that it has not hung.
func withLine(ctx context.Context, told func(place int)) context.Context {
	return context.WithValue(ctx, placeKey{}, told)
}

type lineKey struct{}

// LinesEvery is how often a sandbox tells of a program that runs. What it tells goes to Slack, which
// takes no more than a call every few seconds.
const LinesEvery = 5 * time.Second

// WithLines has whoever waits for a run's end tell what its program has printed last.
func WithLines(ctx context.Context, tell func(line string)) context.Context {
	return context.WithValue(ctx, lineKey{}, tell)
}

// TellLine is for sandboxes: the program of this call still runs, and has printed this last; empty
// where nothing is known. It is data of whoever asked: it is shown to nobody else, and kept nowhere.
func TellLine(ctx context.Context, line string) {
	if told, ok := ctx.Value(lineKey{}).(func(string)); ok {
		told(line)
	}
}

type livedKey struct{}

// withLived has a sandbox tell whether a box that is killed was there until then.
func withLived(ctx context.Context, told func()) context.Context {
	return context.WithValue(ctx, livedKey{}, told)
}

// TellLived is for sandboxes whose boxes may outlive their replica: the box that this call has killed was there until now.
func TellLived(ctx context.Context) {
	if told, ok := ctx.Value(livedKey{}).(func()); ok {
		told()
	}
}

// TellPlace is for sandboxes: the box that this call waits for is so far from its
// turn (1: the next one), or its turn has come (NotInLine).
func TellPlace(ctx context.Context, place int) {
	if told, ok := ctx.Value(placeKey{}).(func(int)); ok {
		told(place)
	}
}

// patient is a context that ends when nothing was heard of the box for so long.
func patient(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	end := time.AfterFunc(most, cancel)
	outer := ctx
	return withLine(ctx, func(place int) { end.Reset(most); TellPlace(outer, place) }), func() { end.Stop(); cancel() }
}

// tellLine is a context in which waits for a box are noted in the request, for
// people to see. That nobody can be told is no reason not to wait.
func (s *Boxes) tellLine(ctx context.Context, r *approval.Request) context.Context {
	place, said := r.Place, time.Time{}
	return withLine(ctx, func(now int) {
		// What is not said now is said with the next word: a sandbox repeats the place every few seconds.
		if now == place || time.Since(said) < linePause {
			return
		}
		if err := s.inLine(ctx, r.ID, now); err != nil {
			s.log.Log(ctx, slog.LevelDebug, "note the place in the line", "request", r.ID, "error", err)
			return
		}
		place, said = now, time.Now()
	})
}

// linePause is between two words about one place: Slack rewrites a message about once a second in a channel.
const linePause = 5 * time.Second

// inLine notes where a request is in the line for a box.
func (s *Boxes) inLine(ctx context.Context, id string, place int) error {
	_, err := s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error { return r.StandInLine(place, now) })
	if _, ok := errors.AsType[*approval.MoveError](err); ok {
		return nil // it waits for nothing any more
	}
	return err
}
