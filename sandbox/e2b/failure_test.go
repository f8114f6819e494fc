package e2b_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/sandbox/e2b"
	"countersign/sandbox/e2b/e2btest"
)

func TestWhatE2BSaysOfACreateIsPutIntoWords(t *testing.T) {
	t.Parallel()
	json := func(status int, message, code string) e2btest.Fault {
		return e2btest.Fault{Status: status, Times: -1, Body: `{"code":` + http.StatusText(status)[:0] + `0,"message":"` + message + `","error_code":"` + code + `"}`}
	}
	for name, c := range map[string]struct {
		fault e2btest.Fault
		words string
		retry bool
		calls int // of create; 1 unless the refusal may pass
	}{
		"400":                 {json(400, "Timeout cannot be greater than 1 hours", ""), "Timeout cannot be greater", false, 1},
		"400 with a bad text": {json(400, `bad\u0000\n\u202e\u0007text`, ""), "bad text", false, 1},
		"401":                 {json(401, "Invalid API key", ""), "E2B_API_KEY", false, 1},
		"403":                 {json(403, "team blocked: billing", ""), "does not let this team", false, 1},
		"404":                 {json(404, "template 'x' not found", ""), "E2B_TEMPLATE", false, 1},
		"404 in HTML":         {e2btest.Fault{Status: 404, Times: -1, Body: "<html>not here</html>"}, "E2B_API_URL", false, 3}, // neither version, nor the question which there is
		"405":                 {e2btest.Fault{Status: 405, Times: -1}, "E2B_API_URL", false, 2},
		"409":                 {json(409, "transition in progress", ""), "changing its state", true, 4},
		"429 boxes":           {json(429, "you have reached the maximum number of concurrent E2B sandboxes (20)", ""), "plan allows at once", true, 1},
		"429 rate": {e2btest.Fault{Status: 429, Times: -1, Header: map[string]string{"Retry-After": "3600"}, Body: `{"code":429,"message":"Rate limit exceeded"}`},
			"asked too often", true, 1},
		"429 rate by a date": {e2btest.Fault{Status: 429, Times: -1, Header: map[string]string{"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}, Body: "{}"},
			"asked too often", true, 1},
		"500":           {json(500, "failed", "sandbox_create_failed"), "error of its own", true, 1},
		"503 no room":   {json(503, "full", "sandbox_capacity_unavailable"), "no room", true, 4},
		"503 no node":   {json(503, "none", "sandbox_no_compatible_node"), "no machine for the template", true, 4},
		"503 in HTML":   {e2btest.Fault{Status: 503, Times: -1, Body: "<html>down</html>"}, "no room", true, 1},
		"504":           {json(504, "please retry", "sandbox_placement_timeout"), "no room", true, 4},
		"502 by nobody": {e2btest.Fault{Status: 502, Times: -1, Body: "bad gateway"}, "error of its own", true, 1},
		"302":           {e2btest.Fault{Status: 302, Times: -1, Header: map[string]string{"Location": "https://example.org/"}}, "E2B_API_URL", false, 1},
		"418":           {e2btest.Fault{Status: 418, Times: -1}, "error of its own", false, 1},
		"silence":       {e2btest.Fault{Silent: true, Times: -1}, "did not answer in time", true, 1},
		"a reset":       {e2btest.Fault{Times: -1}, "broke off", true, 1},
		"garbage":       {e2btest.Fault{Status: 201, Times: -1, Body: "]["}, "made no sense", true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, impatient)
			b.e2b.Fail(e2btest.Create, c.fault)
			_, err := b.client.Create(t.Context(), "req1", sealFor("print(1)"))
			box := boxError(t, err)
			require.Contains(t, box.Words, c.words)
			require.Equal(t, c.retry, box.Retry)
			require.Equal(t, c.calls, b.e2b.Calls(e2btest.Create))
			require.NotErrorIs(t, err, steps.ErrBoxGone)
			require.NotContains(t, err.Error(), e2btest.Key)
		})
	}
}

func TestWhatABoxSaysIsPutIntoWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault e2btest.Fault
		words string
		retry bool
	}{
		"401":       {e2btest.Fault{Status: 401, Body: `{"code":401,"message":"unauthorized"}`}, "token", true},
		"403":       {e2btest.Fault{Status: 403, Body: `{"sandboxId":"x","message":"is invalid","code":403}`}, "token", true},
		"400":       {e2btest.Fault{Status: 400, Body: "Invalid host"}, "error of its own", false},
		"429":       {e2btest.Fault{Status: 429, Body: "slow down"}, "asked too often", true},
		"409":       {e2btest.Fault{Status: 409, Body: "The sandbox is still transitioning. Try again in a moment."}, "error of its own", true},
		"500":       {e2btest.Fault{Status: 500, Body: `{"code":"internal","message":"x"}`}, "error of its own", true},
		"413":       {e2btest.Fault{Status: 413}, "do not fit", false},
		"a 502":     {e2btest.Fault{Status: 502, Body: "<html>"}, "has not come up", true},
		"silence":   {e2btest.Fault{Silent: true}, "did not answer", true},
		"garbage":   {e2btest.Fault{Status: 200, Body: "pong"}, "made no sense", true},
		"emptiness": {e2btest.Fault{Status: 200, Body: "{}"}, "made no sense", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, impatient)
			id := b.create(t, "req1", "print(1)")
			c.fault.Times = -1
			b.e2b.Fail(e2btest.Stat, c.fault)
			for _, call := range []func() error{
				func() error { return b.client.Start(t.Context(), id, jobFor("req1", "print(1)")) },
				func() error { _, err := b.client.Result(t.Context(), id); return err },
			} {
				err := call()
				require.Contains(t, boxError(t, err).Words, c.words)
				require.Equal(t, c.retry, boxError(t, err).Retry)
				require.NotErrorIs(t, err, steps.ErrBoxGone)
				require.NotErrorIs(t, err, steps.ErrNotStarted)
			}
			b.e2b.Heal() // and nothing is spoilt by it
			require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", "print(1)")))
		})
	}
}

func TestTheEdgesTwo502AreToldApart(t *testing.T) {
	t.Parallel()
	b := setup(t, impatient)
	id := b.create(t, "req1", "print(1)")
	closed := e2btest.PortClosed(id)
	closed.Times = -1
	b.e2b.Fail(e2btest.Stat, closed)
	_, err := b.client.Result(t.Context(), id)
	require.Contains(t, boxError(t, err).Words, "has not come up")
	require.NotErrorIs(t, err, steps.ErrBoxGone)
	b.e2b.Heal()
	_, err = b.client.Result(t.Context(), id)
	require.ErrorIs(t, err, steps.ErrNotStarted)
	b.e2b.Fail(e2btest.Stat, closed)
	_, err = b.client.Result(t.Context(), id)
	require.Contains(t, boxError(t, err).Words, "does not answer any more")
	require.NotErrorIs(t, err, steps.ErrBoxGone)
	b.e2b.Heal()
	b.e2b.End(id)
	_, err = b.client.Result(t.Context(), id)
	require.ErrorIs(t, err, steps.ErrBoxGone)
}

func TestWhatAStartSaysInItsStreamIsPutIntoWords(t *testing.T) {
	t.Parallel()
	frame := func(flag byte, text string) string {
		return string([]byte{flag, 0, 0, byte(len(text) >> 8), byte(len(text))}) + text
	}
	for name, c := range map[string]struct {
		body  string
		words string
		retry bool
	}{
		"no folder":       {frame(2, `{"error":{"code":"invalid_argument","message":"cwd does not exist"}}`), "error of its own", false},
		"no user":         {frame(2, `{"error":{"code":"unauthenticated"}}`), "token", true},
		"not allowed":     {frame(2, `{"error":{"code":"permission_denied"}}`), "token", true},
		"not there":       {frame(2, `{"error":{"code":"not_found"}}`), "error of its own", false},
		"too much":        {frame(2, `{"error":{"code":"resource_exhausted"}}`), "too often", true},
		"not now":         {frame(2, `{"error":{"code":"unavailable"}}`), "error of its own", true},
		"something":       {frame(2, `{"error":{"code":"unknown"}}`), "error of its own", true},
		"an early end":    {frame(2, `{}`), "made no sense", true},
		"another event":   {frame(0, `{"event":{"keepalive":{}}}`), "made no sense", true},
		"no JSON":         {frame(0, `hello`), "made no sense", true},
		"a huge envelope": {"\x00\xff\xff\xff\xff", "made no sense", true},
		"a compressed":    {frame(1, `{}`), "made no sense", true},
		"half a head":     {"\x00\x00", "broke off", true},
		"half a message":  {"\x00\x00\x00\x00\x09{", "broke off", true},
		"nothing":         {"", "broke off", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.create(t, "req1", "print(1)")
			b.e2b.Fail(e2btest.Start, e2btest.Fault{Status: 200, Body: c.body, Times: -1})
			box := boxError(t, b.client.Start(t.Context(), id, jobFor("req1", "print(1)")))
			require.Contains(t, box.Words, c.words)
			require.Equal(t, c.retry, box.Retry)
		})
	}
}

func TestAStartThatDoesNothingIsNoticed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	event := `{"event":{"start":{"pid":7}}}`
	b.e2b.Fail(e2btest.Start, e2btest.Fault{Status: 200, Body: "\x00\x00\x00\x00" + string(rune(len(event))) + event})
	err := b.another(t, impatient).Start(t.Context(), id, jobFor("req1", "print(1)"))
	require.Contains(t, boxError(t, err).Words, "did not begin")
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", "print(1)")))
}

// On a machine with a load of forty a process was started, and took more than five seconds over its first line.
func TestAStartThatTakesItsTimeIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	const looks = 12
	b.e2b.Fail(e2btest.Stat, e2btest.Fault{Status: http.StatusNotFound, Body: `{"code":"not_found","message":"file or directory not found"}`, Times: looks})
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", "print(1)")))
	require.Equal(t, looks+1, b.e2b.Calls(e2btest.Stat))
	result, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "1\n", result.Stdout)
	require.Equal(t, 1, b.e2b.Starts("req1"))
}

func TestAnE2BThatCannotBeReachedIsSaid(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	b := setup(t, func(o *e2b.Options) { o.APIURL = gone.URL })
	_, err := b.client.Create(t.Context(), "req1", sealFor("print(1)"))
	require.Contains(t, boxError(t, err).Words, "cannot be reached")
	require.True(t, boxError(t, err).Retry)
}

func TestKeysAndTokensAreInNoLogAndNoError(t *testing.T) {
	t.Parallel()
	b := setup(t, impatient)
	id := b.create(t, "req1", "print(1)")
	b.e2b.Fail(e2btest.Write, e2btest.Fault{Times: 3}, e2btest.Fault{Silent: true, Times: -1})
	err := b.client.Start(t.Context(), id, jobFor("req1", "print(1)"))
	require.Error(t, err)
	said := b.log.String() + err.Error() + b.client.String() + b.client.LogValue().String()
	require.Contains(t, said, "trying again")
	require.False(t, strings.Contains(said, e2btest.Key) || strings.Contains(said, "ea_") || strings.Contains(said, "ta_"), said)
}
