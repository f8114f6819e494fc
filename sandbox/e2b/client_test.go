package e2b_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/sandbox"
	"countersign/sandbox/e2b"
	"countersign/sandbox/e2b/e2btest"
)

func TestNewReportsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := e2b.New(e2b.Options{APIKey: "with space", Domain: "no host/", APIURL: "ftp://x", SandboxURL: "localhost:1", Template: "a b",
		User: "Root!", Installation: "a b"})
	for _, fault := range []string{"API key", "domain", "API address", "sandbox address", "template", "user", "installation"} {
		require.ErrorContains(t, err, fault)
	}
	require.NotContains(t, err.Error(), "with space", "a key is not printed, not even a wrong one")
}

func TestNewFillsInWhatIsNotSaid(t *testing.T) {
	t.Parallel()
	c, err := e2b.New(e2b.Options{APIKey: e2btest.Key})
	require.NoError(t, err)
	require.Equal(t, "code-interpreter-v1, "+sandbox.Runner(), c.Template())
	require.Equal(t, "e2b client of https://api.e2b.app", c.String())
	require.Equal(t, 2, c.Size().VCPU)
}

func TestALeaseLeavesTimeToFillAndToCollect(t *testing.T) {
	t.Parallel()
	require.Equal(t, 7*time.Minute, e2b.Lease(approval.Limits{Seconds: 120}))
}

// rewire sends what is meant for E2B's hosts to the test's servers, and notes the hosts.
type rewire struct {
	to    map[string]string // where a host is; "*" is the boxes' own
	inner http.RoundTripper

	mu   sync.Mutex
	seen map[string]bool
}

func (r *rewire) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.seen[req.URL.Scheme+"://"+req.URL.Host] = true
	r.mu.Unlock()
	req = req.Clone(req.Context())
	base := r.to[req.URL.Host]
	if strings.HasPrefix(req.URL.Host, "49983-") {
		base = r.to["*"]
	}
	req.URL.Scheme, req.URL.Host, _ = strings.Cut(base, "://")
	return r.inner.RoundTrip(req)
}

func TestBoxesAreSpokenToWhereTheyAre(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		domain string // configured
		own    any    // the domain in the box's answer
		host   string // expected, with ID for the box's id
	}{
		"one address for all boxes of E2B's own cloud": {"e2b.app", nil, "https://sandbox.e2b.app"},
		"one for each elsewhere":                       {"boxes.example.org", nil, "https://49983-ID.boxes.example.org"},
		"a box that says where it is":                  {"e2b.app", "byoc.example.org", "https://49983-ID.byoc.example.org"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wire *rewire
			b := setup(t)
			b.e2b.Tamper(e2btest.Create, func(a map[string]any) { a["domain"] = c.own })
			b.client = b.another(t, func(o *e2b.Options) {
				wire = &rewire{inner: o.HTTPClient.Transport, seen: map[string]bool{}, to: map[string]string{
					"api." + c.domain: b.e2b.APIURL, "sandbox.e2b.app": b.e2b.SandboxURL, "*": b.e2b.SandboxURL}}
				o.APIURL = ""
				o.Domain, o.SandboxURL, o.HTTPClient = c.domain, "", &http.Client{Transport: wire}
			})
			id := b.create(t, "req1", "print(1)")
			_, err := b.client.Result(t.Context(), id)
			require.ErrorIs(t, err, steps.ErrNotStarted)
			require.Contains(t, wire.seen, strings.Replace(c.host, "ID", id, 1))
			require.Len(t, wire.seen, 2)
		})
	}
}

func TestADomainThatIsNoneGetsNoToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Tamper(e2btest.Create, func(a map[string]any) { a["domain"] = "evil.example/?x=" })
	_, err := b.client.Create(t.Context(), "req1", sealFor("print(1)"))
	require.Contains(t, boxError(t, err).Words, "made no sense")
	require.Zero(t, b.e2b.Calls(e2btest.Stat))
}
