package codegen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// The door is the one way out to those who have models, whatever library speaks
// their language. It is a plain RoundTripper, so that a provider is a translation
// beside it and no door of its own: for a library that takes an http.Client it is that
// client's Transport, and for Mistral's, which takes none, see mistraldoor.go.
//
// What it sees to, for all of them: a call ends when its context does, also in the
// middle of an answer; an answer is read to a bound and not further; no redirect
// is followed with a key in hand; whatever is no success is an error with its status
// and with the time after which to come back; and an error tells whether anything
// of the call can have reached the provider, which is what a bill is about.
type door struct {
	next http.RoundTripper
	most int64 // bytes of an answer
}

// answerBytes bounds what is read of an answer. The longest that is asked for is
// some ten thousand tokens; a model that thinks aloud says several times as much.
const answerBytes = 4 << 20

// newDoor is a door with connections of its own: nobody else's settings of the
// default transport count for it.
func newDoor() *door {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &door{next: transport, most: answerBytes}
}

// StatusError is an answer that is not a success. Its text never holds the body,
// which may repeat the prompt.
type StatusError struct {
	Code  int
	After time.Duration // the provider says when to come back; zero when it does not
	Body  string        // at most 500 bytes, for a debugger; never logged
}

func (e *StatusError) Error() string { return fmt.Sprintf("HTTP %d", e.Code) }

// unsent is a call of which nothing has left: nobody can bill it.
type unsent struct{ error }

func (e *unsent) Unwrap() error { return e.error }

// errTooLarge is an answer that goes on beyond all measure.
var errTooLarge = errors.New("the answer is longer than any that was asked for")

// RoundTrip makes one exchange and reads its answer whole. Its errors are a
// *StatusError, an *unsent, errTooLarge, or what went wrong on the way.
func (d *door) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{WroteHeaderField: func(string, []string) { sent.Store(true) }}
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), trace))
	resp, err := d.next.RoundTrip(req)
	if err != nil {
		if !sent.Load() {
			err = &unsent{err}
		}
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, d.most+1))
	_ = resp.Body.Close() // it was read, or is given up
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, &StatusError{Code: resp.StatusCode, After: retryAfter(resp.Header.Get("Retry-After"), time.Now()), Body: clipBytes(string(body), 500)}
	}
	if err == nil && int64(len(body)) > d.most {
		err = errTooLarge
	}
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	resp.ContentLength = int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, nil
}

// get asks for something that costs nothing.
func (d *door) get(ctx context.Context, address, key string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := d.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(resp.Body) // from memory
}

// retryAfter reads the header of that name: seconds, or a date (RFC 9110, 10.2.3).
// What is neither says nothing, and what lies behind is now.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now).Round(time.Second))
}

// timedOut tells an error that stands for time that has run out.
func timedOut(err error) bool {
	var network *url.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}
