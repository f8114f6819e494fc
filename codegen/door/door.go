package door

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Door makes one exchange at a time for each of its callers.
type Door struct {
	next http.RoundTripper
	most int64 // bytes of an answer
}

// answerBytes bounds what is read of an answer. The longest that is asked for is
// some ten thousand tokens; a model that thinks aloud says several times as much.
const answerBytes = 4 << 20

// New makes a Door with its own connections, so that changes to Go's default transport do
// not affect it.
func New() *Door {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &Door{next: transport, most: answerBytes}
}

// StatusError is an answer that is not a success. Its text never holds the body,
// which may repeat the prompt.
type StatusError struct {
	Code  int
	After time.Duration // the provider says when to come back; zero when it does not
	Body  string        // at most 500 bytes, for a debugger; never logged
}

func (e *StatusError) Error() string { return fmt.Sprintf("HTTP %d", e.Code) }

// Unsent is a call of which nothing has left: nobody can bill it.
type Unsent struct{ error }

// NotSent says why nothing has left.
func NotSent(err error) error { return &Unsent{err} }

func (e *Unsent) Unwrap() error { return e.error }

// Answers with the status of a success that are not one.
var (
	errTooLarge = errors.New("the answer is longer than any that was asked for")
	errPage     = errors.New("the answer is a web page")
	errFault    = errors.New("the answer is an error with the status of a success")
)

// RoundTrip makes one exchange and reads its answer whole. Its errors are a
// *StatusError, an *Unsent, one of the three above, or what went wrong on the way.
func (d *Door) RoundTrip(req *http.Request) (*http.Response, error) {
	// One header that has left is enough: from there on a server may work on the call, and bill it.
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{WroteHeaderField: func(string, []string) { sent.Store(true) }}
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), trace))
	// A transport follows no redirect: that is a client's doing. So a 307 comes back as a status, and no key goes elsewhere.
	resp, err := d.next.RoundTrip(req)
	if err != nil {
		if !sent.Load() {
			err = &Unsent{err}
		}
		return nil, err
	}
	// One byte more than may be, by which an answer that is too long is known.
	body, err := io.ReadAll(io.LimitReader(resp.Body, d.most+1))
	_ = resp.Body.Close() // it was read, or is given up
	// Also where the body broke off: the status alone says what it means.
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, &StatusError{Code: resp.StatusCode, After: retryAfter(resp.Header.Get("Retry-After"), time.Now()), Body: strings.ToValidUTF8(string(body[:min(len(body), 500)]), "")}
	}
	if err == nil && int64(len(body)) > d.most {
		err = errTooLarge
	}
	if err == nil {
		err = noAnswer(body)
	}
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	resp.ContentLength = int64(len(body))
	resp.Header.Del("Content-Length")
	resp.Header.Set("Content-Type", "application/json") // it is, whatever a server of somebody's own calls it
	return resp, nil
}

// noAnswer tells what a success must not be: a page of whatever stands in front of the
// API, the API's error object, or no JSON object at all. All have been seen with status 200.
func noAnswer(body []byte) error {
	// By how it begins and not by its Content-Type, which pages of gateways and hotels get wrong.
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return errPage
	}
	var object struct {
		Object any             `json:"object"`
		Type   any             `json:"type"`
		Error  json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(body, &object); err != nil {
		return err // no JSON, or JSON of another form
	}
	if object.Object == "error" || object.Type == "error" || len(object.Error) > 0 && string(object.Error) != "null" {
		return errFault
	}
	return nil
}

// Get asks for something that costs nothing.
func (d *Door) Get(ctx context.Context, address string, header http.Header) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, header)
	resp, err := d.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(resp.Body) // from memory
}

// Catalogue asks for the ids of the models that a key may use: the form of the list is the
// same with all providers ({"data":[{"id":...}]}).
func (d *Door) Catalogue(ctx context.Context, address string, header http.Header) (ids []string, err error) {
	body, err := d.Get(ctx, address, header)
	if err != nil {
		return nil, err
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("read the list of models: %w", err)
	}
	for _, m := range list.Data {
		ids = append(ids, m.ID)
	}
	return ids, nil
}

// retryAfter reads the header of that name: seconds, or a date (RFC 9110, 10.2.3).
// What is neither says nothing, and what lies behind is now.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	// 32 bits are 68 years of seconds, and no overflow as a Duration.
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
	network, ok := errors.AsType[*url.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && network.Timeout()
}

// IsKey tells whether a text can stand in a header as a key.
func IsKey(key string) bool {
	return key != "" && !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' })
}
