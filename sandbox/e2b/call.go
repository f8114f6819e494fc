package e2b

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// What an answer may weigh. Nothing that comes from outside is read without an end.
const (
	answerCap = 8 << 20 // a page of a hundred boxes with their metadata is far below
	errorCap  = 16 << 10
)

// attempts is how often a call that may be repeated is made before it counts
// as failed; the waits between them grow from firstPause.
const (
	attempts   = 4
	firstPause = 150 * time.Millisecond
)

// call is one HTTP request, kept as parts so that it can be sent again.
type call struct {
	what   string // for error texts: "create a box"
	method string
	url    string
	header http.Header
	body   []byte
	stream *stream       // in place of a body
	limit  int64         // of a good answer's body; answerCap when zero
	time   time.Duration // for all of it, where that may take longer than the client's patience
	edge   bool          // it goes through the edge proxy, where 502 means something
	box    *box          // which it goes to, through the edge
}

// fresh tells that the call goes to a box that has not answered anything yet.
func (k call) fresh() bool { return k.box != nil && !k.box.answered.Load() }

// reached notes that the box's envd has answered.
func (k call) reached() {
	if k.box != nil {
		k.box.answered.Store(true)
	}
}

// answer is what came back with a 2xx.
type answer struct {
	header http.Header
	body   []byte
}

// send makes one attempt and takes the whole answer.
func (c *wire) send(ctx context.Context, k call) (answer, error) {
	limit := k.limit
	if limit == 0 {
		limit = answerCap
	}
	var got answer
	err := c.exchange(ctx, k, func(resp *http.Response) error {
		body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
		if err == nil && int64(len(body)) > limit {
			err = fmt.Errorf("%w: more than %d bytes", errTooBig, limit)
		}
		got = answer{header: resp.Header, body: body}
		return err
	})
	return got, err
}

// exchange makes one attempt and lets take read a good answer. Its error is a
// *failure.
func (c *wire) exchange(ctx context.Context, k call, take func(*http.Response) error) error {
	patience := max(c.patience, k.time)
	// The cause tells our own patience from the end of the caller's context: only the first is E2B's silence.
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errSilent)
	defer cancel()
	var reached atomic.Bool
	// From a connection on it counts as sent. That is too early by a moment, and never too late.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { reached.Store(true) },
	})
	fail := func(err error) error {
		if errors.Is(context.Cause(ctx), errSilent) {
			err = errSilent
		}
		return &failure{what: k.what, edge: k.edge, fresh: k.fresh(), sent: reached.Load(), err: err}
	}
	body := io.Reader(bytes.NewReader(k.body))
	var flow *flow
	if k.stream != nil {
		flow = k.stream.open()
		defer flow.Close()
		body = flow
	}
	req, err := http.NewRequestWithContext(ctx, k.method, k.url, body)
	if err != nil {
		return fail(err)
	}
	if k.stream != nil {
		req.ContentLength = k.stream.size
	}
	c.dress(req, k.header)
	// Where the contents that are streamed have failed, the request has failed of that; the answer to half a body says nothing.
	resp, err := c.http.Do(req)
	if err := flow.fault(); err != nil {
		if resp != nil {
			resp.Body.Close()
		}
		return err // of what is sent, not of E2B: it says more than what became of the call
	}
	if err != nil {
		return fail(bare(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, errorCap)) // half an error text is still one
		// A file that is missing is an answer of envd, so it is up.
		f := refused(k, resp, body)
		if f.missing() {
			k.reached()
		}
		return f
	}
	k.reached()
	if err := take(resp); err != nil {
		if f := asFailure(err); f != nil {
			return f
		}
		return fail(err)
	}
	return nil
}

// dress puts on the headers that every request wears. Identity encoding keeps
// sizes what they are; the Accept keeps the edge from answering in HTML.
func (c *wire) dress(req *http.Request, extra http.Header) {
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "identity")
	for key, values := range extra {
		req.Header[key] = values
	}
}

// repeat sends a call that does no harm when it is made twice, until it is
// answered, refused for good, or has been tried often enough.
func (c *wire) repeat(ctx context.Context, k call) (got answer, err error) {
	err = c.again(ctx, k.what, func() error {
		got, err = c.send(ctx, k)
		return err
	})
	return got, err
}

// again is repeat for anything that makes calls. When the time is up in the middle
// of an attempt, what the one before was answered says more than that it is up.
func (c *wire) again(ctx context.Context, what string, once func() error) error {
	var last error
	for t := newTries(); ; {
		err := once()
		switch {
		case err == nil:
			return nil
		case errors.Is(ctx.Err(), context.DeadlineExceeded) && last != nil:
			return last
		case ctx.Err() != nil:
			return err
		}
		last = err
		wait, worthwhile := c.worthwhile(err, t)
		if !worthwhile {
			return err
		}
		c.log.DebugContext(ctx, "e2b: trying again", "call", what, "attempt", t.made, "wait", wait, "error", err)
		if sleep(ctx, wait) != nil {
			return err
		}
	}
}

// tries counts how often the same call was made. The pauses between them are drawn, so
// that replicas that were refused together do not come back together.
type tries struct {
	begun  time.Time
	made   int
	pauses *backoff.ExponentialBackOff
}

func newTries() *tries {
	return &tries{begun: time.Now(), pauses: &backoff.ExponentialBackOff{
		InitialInterval: firstPause, MaxInterval: 5 * firstPause, Multiplier: 2, RandomizationFactor: 1. / 3}}
}

// worthwhile says whether the same call may succeed in a moment, and when. A
// server that asks for more patience than the client has is not waited for. A box
// that has only just been made may be unknown to the edge for some seconds, and
// its envd may take longer; one that is asked too much at once has room again soon.
func (c *wire) worthwhile(err error, t *tries) (time.Duration, bool) {
	t.made++
	f := asFailure(err)
	if f == nil || !f.transient() && !(f.gone() && f.fresh) {
		return 0, false
	}
	most := attempts
	switch {
	// As long as patience lasts, however often: both pass by themselves.
	case (f.starting() || f.busy()) && time.Since(t.begun) < c.patience:
		most = t.made + 1
	case f.closed(), f.gone():
		most = 2 * attempts
	}
	if t.made >= most || f.retryAfter > c.patience {
		return 0, false
	}
	if f.retryAfter > 0 {
		return f.retryAfter, true
	}
	return t.pauses.NextBackOff(), true
}

// repeatJSON is repeat for calls that answer with JSON.
func (c *wire) repeatJSON(ctx context.Context, k call, into any) (answer, error) {
	got, err := c.repeat(ctx, k)
	if err != nil {
		return answer{}, err
	}
	return got, decode(k, got, into)
}

func decode(k call, got answer, into any) error {
	if err := json.Unmarshal(got.body, into); err != nil {
		return &failure{what: k.what, edge: k.edge, sent: true, err: fmt.Errorf("%w: %w", errGarbled, err)}
	}
	return nil
}

// parseRetryAfter reads both forms of the header: seconds, or a date.
func parseRetryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && seconds >= 0 {
		return max(time.Duration(seconds)*time.Second, time.Millisecond)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), time.Millisecond)
	}
	return 0
}

// sleep waits, or returns the context's error when that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
