package bot

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// throttle keeps the calls that open sockets from running hot. slack-go opens a
// new one at once whenever the old one ends; a server that accepts and hangs up
// (too many sockets, a deploy) would be asked thousands of times a second: tried with
// slack-go 0.35, it asked 21,537 times in three seconds. The waits double, which a bucket
// that fills at a steady pace (golang.org/x/time/rate) cannot do.
type throttle struct {
	next  http.RoundTripper
	burst int // openings within the memory that nobody has to wait for

	mu     sync.Mutex
	opened []time.Time // the openings, granted and planned, of the last minutes
}

const (
	openMemory  = 5 * time.Minute
	openStep    = time.Second      // the first wait, doubled with every further opening
	openLongest = 30 * time.Second // the longest
)

// RoundTrip implements http.RoundTripper.
func (t *throttle) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/apps.connections.open") {
		timer := time.NewTimer(t.wait(time.Now()))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return t.next.RoundTrip(r)
}

// wait is how long the next opening has to wait.
func (t *throttle) wait(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.opened) > 0 && now.Sub(t.opened[0]) > openMemory {
		t.opened = t.opened[1:]
	}
	at := now
	if over := len(t.opened) - t.burst; over >= 0 {
		// After the last one that was planned, not after now: several sockets that end at once queue up.
		at = t.opened[len(t.opened)-1].Add(min(openStep<<min(over, 10), openLongest))
		if at.Before(now) {
			at = now
		}
	}
	t.opened = append(t.opened, at)
	return at.Sub(now)
}

// errSignIn is what a download ends with when Slack sends the bot to the page
// where people sign in: it may not read the file.
var errSignIn = errors.New("redirected to the sign-in page")

// stopAtSignIn is a http.Client's CheckRedirect.
func stopAtSignIn(r *http.Request, via []*http.Request) error {
	if r.URL.Query().Has("redir") {
		return errSignIn
	}
	if len(via) >= 5 {
		return errors.New("redirected five times")
	}
	return nil
}
