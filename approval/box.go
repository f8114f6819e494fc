package approval

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"countersign/budget"
)

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
func (NoSandbox) Lease(Limits) time.Duration { return 0 }

// InspectLease is nothing.
func (NoSandbox) InspectLease() time.Duration { return 0 }

// ReachesHosts is false: there is no box to reach any from.
func (NoSandbox) ReachesHosts() bool { return false }

// Inspect says why there is no box.
func (n NoSandbox) Inspect(context.Context, string, []File) (Inspection, error) {
	return Inspection{}, n.err()
}

// Prepare does nothing.
func (NoSandbox) Prepare(string) {}

// Discard does nothing.
func (NoSandbox) Discard(string) {}

// Create says why there is no box.
func (n NoSandbox) Create(context.Context, string, Manifest) (string, error) { return "", n.err() }

// Start finds no box.
func (NoSandbox) Start(context.Context, string, Job) error { return ErrBoxGone }

// Result finds no box.
func (NoSandbox) Result(context.Context, string) (Result, error) { return Result{}, ErrBoxGone }

// Kill finds no box, which is no error.
func (NoSandbox) Kill(context.Context, string) error { return nil }

// noBox is why nothing can run here at all; empty where it can, now or after a while.
func (s *Service) noBox() string {
	if box := s.notReady(); box != nil && !box.Retry {
		return box.Words
	}
	return ""
}

// NoSandbox says why nothing can run here at all, if so.
func (s *Service) NoSandbox() (why string, none bool) {
	why = s.noBox()
	return why, why != ""
}

// startsLater is why nothing can run here yet, as an error that has the step come again.
func (s *Service) startsLater() error {
	if box := s.notReady(); box != nil && box.Retry {
		return &LaterError{After: 2 * time.Second, Err: box}
	}
	return nil
}

func (s *Service) notReady() (box *BoxError) {
	if err := s.Sandbox.Ready(); err != nil && !errors.As(err, &box) {
		box = &BoxError{Err: err, Words: "The sandbox cannot be reached.", Retry: true}
	}
	return box
}

// Where a request is in the line for a box, beside its number there.
const (
	NotInLine = 0  // it needs no box, has one, or nobody knows
	Starting  = -1 // there is no line yet: the sandbox is being started
)

type placeKey struct{}

// withLine has the sandbox tell where in the line for boxes somebody stands. A
// sandbox tells it every few seconds, which also says that it has not hung.
func withLine(ctx context.Context, told func(place int)) context.Context {
	return context.WithValue(ctx, placeKey{}, told)
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
func (s *Service) tellLine(ctx context.Context, r *Request) context.Context {
	place, said := r.Place, time.Time{}
	return withLine(ctx, func(now int) {
		if now == place || time.Since(said) < linePause {
			return
		}
		if err := s.inLine(ctx, r.ID, now); err != nil {
			s.Log.Log(ctx, slog.LevelDebug, "note the place in the line", "request", r.ID, "error", err)
			return
		}
		place, said = now, time.Now()
	})
}

// linePause is between two words about one place: Slack rewrites a message about once a second in a channel.
const linePause = 5 * time.Second

// inLine notes where a request is in the line for a box.
func (s *Service) inLine(ctx context.Context, id string, place int) error {
	_, err := s.Store.Update(ctx, id, func(r *Request, now time.Time) error { return r.StandInLine(place, now) })
	if move := new(MoveError); errors.As(err, &move) {
		return nil // it waits for nothing any more
	}
	return err
}

// StandInLine notes where the request is in the line for a box.
func (r *Request) StandInLine(place int, now time.Time) error {
	if !r.can("StandInLine") {
		return r.refuse("stand in line with")
	}
	if r.Place != place {
		r.Place = place
		r.touch(now, StepShow)
	}
	return nil
}
