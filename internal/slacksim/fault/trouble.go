package fault

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"countersign/internal/slacksim/workspace"
)

// Trouble has Slack misbehave at random, only in ways that it documents or is known
// for: calls are rate limited, fail with its errors for outages, take long, hang or
// break off, and connections are refreshed. Zero is Slack on a good day.
type Trouble struct {
	Seed  uint64
	Share float64       // of the calls and of the envelopes that meet with trouble, 0 to 1
	Hang  time.Duration // how long a call hangs before the connection breaks; 0 is ten seconds
}

// misfortune draws what happens next. the workspace's lock guards it.
type misfortune struct {
	Trouble
	rand *rand.Rand
	seen map[string]int // how often each kind was drawn
}

// Trouble begins to misbehave, or ends it with a Share of 0.
func (s *Faults) Trouble(t Trouble) {
	if t.Hang == 0 {
		t.Hang = 10 * time.Second
	}
	s.Lock()
	defer s.Unlock()
	s.Misfortune = &misfortune{Trouble: t, rand: rand.New(rand.NewPCG(t.Seed, 0)), seen: map[string]int{}}
}

// Troubles counts what was drawn so far, by kind.
func (s *Faults) Troubles() map[string]int {
	s.Lock()
	defer s.Unlock()
	seen := map[string]int{}
	if s.Misfortune != nil {
		for kind, n := range s.Misfortune.seen {
			seen[kind] = n
		}
	}
	return seen
}

// hits tells whether the next one meets with trouble.
func (t *misfortune) hits() bool { return t != nil && t.Share > 0 && t.rand.Float64() < t.Share }

// outages are what Slack answers while something is wrong with it, with the status
// that goes with each. https://docs.slack.dev lists the first three for every method.
var outages = []workspace.Error{
	{Code: "internal_error"}, {Code: "fatal_error"}, {Code: "service_unavailable"},
	{Code: "internal_error", Status: http.StatusInternalServerError}, {Code: "service_unavailable", Status: http.StatusServiceUnavailable},
	{Code: "bad gateway", Status: http.StatusBadGateway, Page: true}, {Code: "gateway time-out", Status: http.StatusGatewayTimeout, Page: true}, {Code: "try again", Page: true},
}

// repeatable are methods that do no more when they are called twice. Of these an
// answer may be lost after the call has taken effect. A lost answer to
// chat.postMessage cannot be told from a call that never arrived, so that whoever
// repeats it posts twice; that is a test of its own.
var repeatable = map[string]bool{"chat.update": true, "views.publish": true, "views.update": true, "users.info": true, "conversations.info": true,
	"files.info": true, "files.list": true, "auth.test": true, "conversations.open": true}

// call draws a fault for a call, or nil.
func (t *misfortune) call(method string) *Method {
	if !t.hits() {
		return nil
	}
	f := &Method{Method: method, After: repeatable[method] && t.rand.IntN(4) == 0}
	kind := ""
	switch n := t.rand.IntN(10); {
	case n < 3 && !f.After:
		kind, f.RetryAfter = "429", time.Second
	case n < 7:
		o := outages[t.rand.IntN(len(outages))]
		kind, f.Error, f.Status, f.Page = fmt.Sprint(max(o.Status, http.StatusOK)), o.Code, o.Status, o.Page
	case n < 8:
		kind, f.Delay = "slow", time.Duration(t.rand.IntN(2000))*time.Millisecond
	case n < 9:
		kind, f.Delay, f.Cut = "hang", t.Hang, true
	default:
		kind, f.Cut = "cut", true
	}
	t.seen[kind]++
	return f
}

// Envelope draws what happens to an envelope on its way: sent twice, held back, or
// followed by the refresh of a connection.
func (t *misfortune) Envelope() (twice bool, delay time.Duration, refresh string) {
	if !t.hits() {
		return false, 0, ""
	}
	switch t.rand.IntN(3) {
	case 0:
		t.seen["twice"]++
		return true, 0, ""
	case 1:
		t.seen["late"]++
		return false, time.Duration(t.rand.IntN(800)) * time.Millisecond, ""
	}
	t.seen["refresh"]++
	return false, 0, []string{"warning", "refresh_requested"}[t.rand.IntN(2)]
}
