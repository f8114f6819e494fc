package e2b

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/sandbox"
)

// What a box is allowed to live beyond the code's own time: to be filled and
// started, and to keep the result while nobody collects it. It is killed as soon
// as the result is safe, so this is paid for only when all replicas are down.
const (
	setupTime   = 2 * time.Minute
	collectTime = 3 * time.Minute
	// usualGrace is how much longer than its limit a run may take before the host
	// stops believing that the runner will stop it: starting Python, pandas and
	// writing the result are not the code's time.
	usualGrace = 60 * time.Second
)

// Lease is the longest time that a box for a run with these limits can exist and cost
// money. A hold covers all of it.
func Lease(l approval.Limits) time.Duration {
	return time.Duration(l.Seconds)*time.Second + setupTime + collectTime
}

// box is what is known of a box that exists.
type box struct {
	id, token, domain string
	request           string
	limits            approval.Limits
	open              bool      // it may reach hosts
	started, ends     time.Time // on this machine's clock

	starting chan struct{} // holds one: only one call at a time uploads into a box
	upload   string        // the folder in which its job lies; and which that is
	holds    *steps.Job
	answered atomic.Bool // its envd has been up

	mu      sync.Mutex
	running time.Time // when the code was first seen to run
	told    []byte    // what its witness has written until now
	line    string    // what its code had printed last, at the last look
}

// order is a box to be made, and how to recognise it.
type order struct {
	mark  map[string]string // metadata that no other box carries
	body  newBox
	need  time.Duration // that must be left in a box that is adopted
	fresh bool          // nobody can have made it before
}

// Create makes the box for a request, or adopts one that an earlier call made, also on
// another replica. It only kills a box that it has just made itself: where a request has
// two, one of them may be running, and Strays decides which one goes.
func (c *Client) Create(ctx context.Context, requestID string, seal approval.Manifest) (string, error) {
	if seal.Sandbox != Kind || seal.Template != c.Template() {
		return "", &steps.BoxError{Err: fmt.Errorf("create box for %s: sealed for %s %s", requestID, seal.Sandbox, seal.Template),
			Words: fmt.Sprintf("It was approved for the sandbox %s with %s, and that is not what would run it now. Ask again.", seal.Sandbox, seal.Template)}
	}
	// The size of before is the one by which the run was quoted and its cap agreed to.
	told := c.Size()
	b, err := c.obtain(ctx, c.orderFor(requestID, seal))
	if err != nil {
		return "", fmt.Errorf("create box for %s: %w", requestID, c.boxError(err))
	}
	if now := c.Size(); now.VCPU > told.VCPU || now.MemoryMB > told.MemoryMB {
		return "", &steps.BoxError{Box: c.abandon(ctx, b.id, Lease(seal.Limits), b.age), Err: fmt.Errorf("create box for %s: it has %d vCPU and %d MB", requestID, now.VCPU, now.MemoryMB),
			Words: "The boxes of this template are larger, and so dearer, than was assumed when the run was approved. Nothing has run. Ask again: now the size is known."}
	}
	return b.id, nil
}

func (c *fleet) orderFor(requestID string, seal approval.Manifest) order {
	o := order{need: c.needed(seal.Limits), mark: map[string]string{metaInstallation: c.installation, metaRequest: requestID}}
	o.body = c.bodyFor(o.mark, Lease(seal.Limits))
	o.body.Metadata[metaDigest] = seal.Digest()
	o.body.Metadata[metaLimits] = spellLimits(seal.Limits)
	if len(seal.Network) > 0 {
		// E2B takes hosts only beside a denial of everything else. Its name server comes with them.
		o.body.Metadata[metaHosts] = "yes"
		o.body.Network.AllowOut, o.body.Network.DenyOut = seal.Network, []string{"0.0.0.0/0"}
	}
	return o
}

func (c *fleet) bodyFor(mark map[string]string, lease time.Duration) newBox {
	body := newBox{TemplateID: c.template, Timeout: int(lease / time.Second), Metadata: map[string]string{}}
	for key, value := range mark {
		body.Metadata[key] = value
	}
	return body
}

// obtain looks for the box first and makes it when there is none. After a
// doubtful answer it only looks; the next call begins with looking again.
func (c *fleet) obtain(ctx context.Context, o order) (*box, error) {
	t := newTries()
	for {
		// A mark that was drawn a moment ago is on no box yet, so the first look can be left out.
		if !o.fresh || t.made > 0 {
			if b, err := c.adopt(ctx, o); b != nil || err != nil {
				return b, err
			}
		}
		b, err := c.build(ctx, o)
		f := asFailure(err)
		switch {
		case f == nil || ctx.Err() != nil:
			return b, err
		case f.what != creating:
			return nil, err // the box is there, and the next call adopts it; or nothing was asked for yet
		case f.doubtful():
			c.log.WarnContext(ctx, "e2b: a box may have been made, looking for it", "error", err)
			if b, lookErr := c.adopt(ctx, o); b != nil || lookErr != nil {
				return b, lookErr
			}
			return nil, err
		}
		// Nothing was made. A 500 is E2B's own failure and rarely a matter of milliseconds: the step is tried again later.
		wait, worthwhile := c.worthwhile(err, t)
		if !worthwhile || f.status == http.StatusInternalServerError || sleep(ctx, wait) != nil {
			return nil, err
		}
	}
}

// errEnding is a box of this request that cannot be used any more and may not be
// killed either.
var errEnding = errors.New("an earlier box of this request is still there")

// adopt finds the box that an earlier call made: the oldest one that carries the
// mark and the seal and has enough time left, or gets it by being woken.
func (c *fleet) adopt(ctx context.Context, o order) (*box, error) {
	found, now, err := c.list(ctx, o.mark)
	if err != nil {
		return nil, err
	}
	now = orOurs(now)
	if o.mark[metaReady] == "" { // one that was made before the approval is claimed, or ended, by whoever knows of it
		found = slices.DeleteFunc(found, func(l listed) bool { return l.Metadata[metaReady] != "" })
	}
	for _, l := range found {
		// A paused box gets the time that it needs when it is woken. Of one that runs, E2B only extends the life.
		if l.State != paused && l.EndAt.Sub(now) < o.need || !carries(l.Metadata, o.body.Metadata) {
			continue
		}
		b, err := c.attach(ctx, l.SandboxID)
		if f := asFailure(err); f != nil && f.gone() {
			continue
		}
		if err == nil {
			c.log.InfoContext(ctx, "e2b: box adopted", "box", b.id, "request", b.request)
		}
		return b, err
	}
	// One of them may be running the code: a second box would be a second run.
	if len(found) > 0 {
		return nil, &steps.BoxError{Err: errEnding, Retry: true,
			Words: "A box of an earlier attempt is still there. Please ask again when that one has ended."}
	}
	return nil, nil
}

// needed is the time that must be left in a box for a run to be started in it.
func (c *fleet) needed(l approval.Limits) time.Duration {
	return time.Duration(l.Seconds)*time.Second + c.grace
}

// build asks for the box and looks at what came. A box that is open to the world
// is killed before anything goes into it.
func (c *fleet) build(ctx context.Context, o order) (*box, error) {
	before := time.Now() // the box is billed from some moment after this one
	m, err := c.postBox(ctx, o.body)
	if err != nil {
		return nil, err
	}
	b, err := c.moveIn(ctx, m, before)
	// A box for a run that could not be looked at is left: the next call adopts it. One that only inspects or reads is killed, since
	// nobody will look for it again.
	if _, ok := errors.AsType[*openError](err); ok || err != nil && o.fresh {
		paid := c.abandon(ctx, m.SandboxID, time.Duration(o.body.Timeout)*time.Second, func() time.Duration { return time.Since(before) })
		err = c.boxError(err)
		if refused, ok := errors.AsType[*steps.BoxError](err); ok {
			refused.Box = paid
		}
	}
	return b, err
}

// moveIn looks at a box that was just made, unless its tokens already say enough.
func (c *fleet) moveIn(ctx context.Context, m made, asked time.Time) (*box, error) {
	if !m.shut() {
		return nil, unfit(&openError{"a token is missing"})
	}
	d, now, err := c.detail(ctx, m.SandboxID)
	if err != nil {
		return nil, err
	}
	return c.inhabit(m.SandboxID, m, d, now, &asked)
}

// attach gets hold of a box by its id, as after a restart.
func (c *fleet) attach(ctx context.Context, id string) (*box, error) {
	id, err := boxID(id)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, steps.ErrBoxGone) // no box of E2B's was ever called that
	}
	c.mu.Lock()
	b := c.boxes[id]
	c.mu.Unlock()
	if b != nil {
		return b, nil
	}
	d, now, err := c.detail(ctx, id)
	if err != nil {
		return nil, err
	}
	life := brief
	if limits, err := readLimits(d.Metadata[metaLimits]); err == nil && d.State == paused {
		life = c.needed(limits) + collectTime // what runs in it goes on where it was
	}
	m, err := c.connect(ctx, id, life)
	if err == nil && d.State == paused { // it has other times now
		d, now, err = c.detail(ctx, id)
	}
	if err != nil {
		return nil, err
	}
	return c.inhabit(id, m, d, now, nil)
}

// openError is a box that is not shut: without its token, or with the internet.
type openError struct{ why string }

func (e *openError) Error() string { return "the box is not shut: " + e.why }

// shut tells that both tokens came back: the one that its envd asks for, and the
// one that its other ports ask for. In every version they may be left out.
func (m made) shut() bool {
	return m.EnvdAccessToken != "" && m.TrafficAccessToken != nil && *m.TrafficAccessToken != ""
}

// inhabit checks that a box is shut, and remembers how to speak to it. asked is
// when we asked for it, if we did: else its age is what E2B says.
func (c *fleet) inhabit(id string, m made, d listed, now time.Time, asked *time.Time) (*box, error) {
	if !m.shut() {
		return nil, unfit(&openError{"a token is missing"})
	}
	// null means that nobody has set it, and then E2B's default holds, which is the open one.
	if d.AllowInternetAccess == nil || *d.AllowInternetAccess {
		return nil, unfit(&openError{"it may reach the internet"})
	}
	if public := d.Network.AllowPublicTraffic; public != nil && *public {
		return nil, unfit(&openError{"its ports are public"})
	}
	b := &box{id: id, token: m.EnvdAccessToken, domain: c.domain, request: d.Metadata[metaRequest], open: d.Metadata[metaHosts] != "",
		starting: make(chan struct{}, 1)}
	if m.Domain != nil && *m.Domain != "" {
		b.domain = *m.Domain
	}
	var err error
	if b.limits, err = readLimits(d.Metadata[metaLimits]); err != nil || !hostPattern.MatchString(b.domain) || d.CPUCount < 1 || d.MemoryMB < 1 {
		return nil, &failure{what: "look at the box", sent: true, err: errors.Join(errGarbled, err)}
	}
	// The Date header has whole seconds, rounded down: a second more makes the age no shorter than it is.
	b.started = time.Now().Add(-max(0, now.Add(time.Second).Sub(d.StartedAt)))
	if asked != nil {
		b.started = *asked
	}
	// Both of E2B's times are by its own clock, so only their distance is taken over to ours.
	b.ends = b.started.Add(d.EndAt.Sub(d.StartedAt))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size = budget.BoxSize{Kind: Kind, VCPU: d.CPUCount, MemoryMB: d.MemoryMB}
	if other := c.boxes[id]; other != nil { // somebody else here was quicker
		return other, nil
	}
	c.boxes[id] = b
	return b, nil
}

func unfit(err error) error {
	return &steps.BoxError{Err: err, Words: "E2B made a box that is not shut off from the world, so it was not used. " +
		"An administrator should check that E2B_API_URL is E2B, and that its version knows secure boxes."}
}

// age is how long the box has been allocated, which is what is billed.
func (b *box) age() time.Duration {
	return max(0, min(time.Since(b.started), b.ends.Sub(b.started)))
}

// stamp marks the frames of this box's result. It follows from the key, which no
// box knows, so that a replica that did not start the run can read its result.
func (c *fleet) stamp(b *box) (s sandbox.Stamp) {
	// With another API key the frames of boxes that run bear another stamp, and their results are not believed.
	mac := hmac.New(sha256.New, []byte(c.key))
	mac.Write([]byte("countersign result of box " + b.id))
	copy(s[:], mac.Sum(nil))
	return s
}

// Kill ends a box. A box that no longer exists is no error.
func (c *fleet) Kill(ctx context.Context, id string) error {
	short, err := boxID(id)
	if err != nil {
		return nil // no box of E2B's was ever called that
	}
	c.forget(short)
	there, err := c.delete(ctx, short)
	if err != nil {
		return fmt.Errorf("kill box %s: %w", short, c.boxError(err))
	}
	if there {
		steps.TellLived(ctx)
	}
	return nil
}

func (c *fleet) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.boxes, id)
}

// abandon kills a box of which nobody else knows, even while we are being
// stopped. What it misses dies of its time-out: paid is how long the box is paid for, its
// whole lease where it could not be killed.
func (c *fleet) abandon(ctx context.Context, id string, lease time.Duration, age func() time.Duration) (paid time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.patience)
	defer cancel()
	if err := c.Kill(ctx, id); err != nil {
		c.log.WarnContext(ctx, "e2b: a box could not be killed and will end by itself", "box", id, "error", err)
		return lease
	}
	return min(age(), lease) // then E2B ends it, however long we ask for its end
}
