// Package outside brings signed checkpoints to places beyond this machine and its database: a Git
// remote that takes no force, a bucket that locks what it has. Whoever writes the log anew later, with the
// database and the key in their hands, does not have what is kept there.
//
// Everything there is read before it is believed: a place that does not have what it was given, or
// has something else, is an alarm. Nothing is ever overwritten there.
package outside

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"countersign/internal/checkpoint"
)

// Signed is a checkpoint with its note and the proof that it continues the one before it.
type Signed struct {
	checkpoint.Checkpoint
	Note  string
	Proof [][]byte
}

// Source lists the checkpoints of the log after a number, in their order.
//
// It is called with 0 for all of them, since numbers begin at 1.
type Source func(ctx context.Context, after int64) ([]Signed, error)

// Place is somewhere that checkpoints are kept.
//
// Replicas do not take turns at a place: Add must bear that another one adds the same.
type Place interface {
	Name() string
	// Last is the last checkpoint that is there, as it is read from there now; nil where there is none. A
	// *PartedError: what was there is gone, or is something else.
	Last(ctx context.Context) (*checkpoint.Checkpoint, error)
	// Add puts notes there that follow the last one.
	Add(ctx context.Context, notes []string) error
}

// PartedError is a place whose checkpoints and ours are two histories.
type PartedError struct{ Place, Why string }

func (e *PartedError) Error() string { return e.Place + ": " + e.Why }

// patient is a place that may take longer than others; 0 is what is usual.
type patient interface{ Patience() time.Duration }

// LateError is a place that lacks a checkpoint.
type LateError struct {
	Place string
	Since time.Time // of the first one that it lacks
}

func (e *LateError) Error() string {
	return fmt.Sprintf("%s lacks a checkpoint of %s", e.Place, e.Since.UTC().Format(time.RFC3339))
}

// Each lists the errors of one kind in an error that joins those of several places.
//
// Bring and Late join what several places say, and each is told to people by itself.
func Each[E error](err error) (all []E) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			all = append(all, Each[E](one)...)
		}
		return all
	}
	if one, ok := errors.AsType[E](err); ok {
		all = append(all, one)
	}
	return all
}

// waits is how long one place may take. One that hangs holds up no other, and nobody who is to hear of it: places are
// served one after another.
const waits = 15 * time.Second

// partedEvery is how often a place is read that has another history than ours: it hardly gets well by itself.
const partedEvery = 5 * time.Minute

// lookEvery is how often a place is read where nothing is new: what was taken away there is noticed by then.
const lookEvery = time.Hour

// Courier brings checkpoints to places. Any number of replicas may have one.
type Courier struct {
	Places []Place
	Waits  time.Duration // for each of them; 0 is what is usual

	mu   sync.Mutex
	seen map[string]sight
}

// sight is what a place had when it was last read.
type sight struct {
	number int64
	at     time.Time
	parted error // nothing is brought there: somebody has to look at it
}

// Bring gives every place what it lacks. The errors of all places are joined.
func (c *Courier) Bring(ctx context.Context, from Source) error {
	var faults []error
	for _, place := range c.Places {
		faults = append(faults, c.within(ctx, place, func(ctx context.Context) error { return c.bring(ctx, place, from) }))
	}
	return errors.Join(faults...)
}

// within gives one place its time.
func (c *Courier) within(ctx context.Context, place Place, do func(context.Context) error) error {
	patience := c.Waits
	if patience == 0 {
		patience = waits
		if one, is := place.(patient); is {
			patience = max(patience, one.Patience())
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return do(ctx)
}

// bring gives one place what it lacks. It remembers what was there, so that a tick with nothing new costs a look at our own
// log alone.
func (c *Courier) bring(ctx context.Context, place Place, from Source) error {
	c.mu.Lock()
	known := c.seen[place.Name()]
	c.mu.Unlock()
	if known.parted != nil && time.Since(known.at) < partedEvery {
		return known.parted
	}
	if known.parted == nil && time.Since(known.at) < lookEvery {
		// A look at our own log is cheap. The place is asked only where something is new.
		if list, err := from(ctx, known.number); err != nil || len(list) == 0 {
			return err
		}
	}
	last, notes, err := missing(ctx, place, from)
	for err == nil && len(notes) > 0 {
		refused := place.Add(ctx, texts(notes))
		if refused == nil {
			last = notes[len(notes)-1].Number
			break
		}
		// Something else may stand there by now, or what another replica has brought meanwhile: then only the rest of it is lacking, if any.
		had := last
		if last, notes, err = missing(ctx, place, from); err == nil && last == had {
			err = refused
		}
	}
	if err != nil {
		err = fmt.Errorf("bring checkpoints to %s: %w", place.Name(), err)
		if errors.As(err, new(*PartedError)) {
			c.saw(place, sight{known.number, time.Now(), err})
		}
		return err
	}
	c.saw(place, sight{last, time.Now(), nil})
	return nil
}

// saw remembers what a place had. Two ticks of one replica may bring at once; the later word stands, and both are true.
func (c *Courier) saw(place Place, now sight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]sight{}
	}
	c.seen[place.Name()] = now
}

// missing are the checkpoints that a place lacks, and the number of the last one that it has. What it has is held
// against ours, letter by letter of what was signed.
func missing(ctx context.Context, place Place, from Source) (last int64, lacks []Signed, err error) {
	there, err := place.Last(ctx)
	if err != nil {
		return 0, nil, err
	}
	if there == nil {
		lacks, err = from(ctx, 0)
		return 0, lacks, err
	}
	// From the one before, so that the first of the list is our own copy of their last.
	list, err := from(ctx, there.Number-1)
	if err != nil {
		return 0, nil, err
	}
	if len(list) == 0 || list[0].Number != there.Number || list[0].Text() != there.Text() {
		return 0, nil, &PartedError{place.Name(), fmt.Sprintf("checkpoint %d there is not the one that the database has", there.Number)}
	}
	return there.Number, list[1:], nil
}

// texts are the notes alone.
func texts(list []Signed) (notes []string) {
	for _, one := range list {
		notes = append(notes, one.Note)
	}
	return notes
}

// Late returns, for each place that has lacked a checkpoint for longer than this, a *LateError. It reads the
// place: another replica may have brought there what this one has not.
func (c *Courier) Late(ctx context.Context, from Source, within time.Duration) error {
	var faults []error
	for _, place := range c.Places {
		faults = append(faults, c.within(ctx, place, func(ctx context.Context) error { return c.late(ctx, place, from, within) }))
	}
	return errors.Join(faults...)
}

// late asks the place only where our own memory says that something has been lacking for too long.
func (c *Courier) late(ctx context.Context, place Place, from Source, within time.Duration) error {
	c.mu.Lock()
	known := c.seen[place.Name()]
	c.mu.Unlock()
	if known.parted != nil && time.Since(known.at) < partedEvery {
		return nil // that is told already, and says more
	}
	list, err := from(ctx, known.number)
	if err != nil || len(list) == 0 || time.Since(list[0].At) < within {
		return err
	}
	_, lacks, err := missing(ctx, place, from)
	// An outage of a place is therefore reported as late once its time is over, and not before.
	if err != nil { // it cannot be read, so nobody knows that it has more than we remember
		lacks = list
	}
	if len(lacks) > 0 && time.Since(lacks[0].At) >= within {
		return &LateError{place.Name(), lacks[0].At}
	}
	return nil
}
