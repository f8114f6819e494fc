package e2b

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/sandbox"
)

// Kind is what manifests and prices call these boxes.
const Kind = "e2b"

// Options say where E2B is and how to use it.
type Options struct {
	APIKey string // required

	// Domain of the E2B in question. Defaults to e2b.app.
	Domain string
	// APIURL is the control plane. Defaults to https://api.<Domain>.
	APIURL string
	// SandboxURL takes all calls into boxes when it is set; which box is meant
	// stands in headers. By default every box has an address of its own.
	SandboxURL string
	// Template is what is installed in the boxes. Defaults to code-interpreter-v1.
	Template string
	// Size is what a box of this template is taken for until the first one has
	// told. Defaults to the size of code-interpreter-v1, 2 vCPU and 2048 MB.
	Size budget.BoxSize
	// User is who the code is in the box. Defaults to user, which E2B's templates have.
	User string
	// Installation tells the boxes of several installations on one E2B team apart,
	// so that none kills another's. Defaults to "default".
	Installation string
	// Version of this program, for the User-Agent. Defaults to dev.
	Version string
	// Patience is how long one call may take before it counts as unanswered, and
	// the longest wait that a server may ask for. Defaults to a minute.
	Patience time.Duration

	HTTPClient *http.Client // defaults to one of its own; redirects are never followed
	Log        *slog.Logger // defaults to slog.Default
}

// Client makes and uses boxes at E2B. It implements steps.Sandbox and is
// safe for use by many goroutines.
type Client struct {
	sandbox.Shelf // what boxes of the template have
	*fleet
}

// fleet is the boxes that there are: made, found again, forgotten, killed.
type fleet struct {
	*wire

	installation string
	grace        time.Duration // see usualGrace
	lines        time.Duration // how often a run's last line is told

	mu    sync.Mutex
	size  budget.BoxSize
	boxes map[string]*box // what is known of boxes, so that not every call has to ask
}

// wire is how E2B is spoken to: its control plane, and envd in a box.
type wire struct {
	key        string
	domain     string
	api        string
	sandboxURL string
	template   string
	user       string
	agent      string
	patience   time.Duration
	reprobe    time.Duration // see the constant of that name
	http       *http.Client
	log        *slog.Logger

	mu         sync.Mutex
	olderUntil time.Time // see Older
}

var _ steps.Sandbox = (*Client)(nil)

var (
	hostPattern         = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?$`)
	templatePattern     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]*$`)
	userPattern         = regexp.MustCompile(`^[a-z_][a-z0-9_-]*$`)
	installationPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
)

// New checks the options and reports all mistakes at once. It makes no network call.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	var faults []error
	require := func(ok bool, text string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(text, args...))
		}
	}
	require(o.APIKey != "" && !strings.ContainsAny(o.APIKey, " \t\r\n"), "an API key for E2B is needed")
	require(hostPattern.MatchString(o.Domain), "the E2B domain %q is no host name", o.Domain)
	require(webAddress(o.APIURL), "the E2B API address %q is no web address", o.APIURL)
	require(o.SandboxURL == "" || webAddress(o.SandboxURL), "the E2B sandbox address %q is no web address", o.SandboxURL)
	require(templatePattern.MatchString(o.Template), "the E2B template %q is no template's name", o.Template)
	require(userPattern.MatchString(o.User), "the user %q is no user's name", o.User)
	require(installationPattern.MatchString(o.Installation), "the installation %q must be letters, digits, dots and dashes", o.Installation)
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	o.Size.Kind = Kind
	// A redirect would carry the key or a box's token to wherever it points.
	direct := *o.HTTPClient
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w := &wire{key: o.APIKey, domain: o.Domain, api: strings.TrimRight(o.APIURL, "/"), sandboxURL: strings.TrimRight(o.SandboxURL, "/"),
		template: o.Template, user: o.User, agent: "countersign/" + o.Version, patience: o.Patience, reprobe: reprobe, http: &direct, log: o.Log}
	return &Client{fleet: &fleet{wire: w, installation: o.Installation, size: o.Size, grace: usualGrace, lines: steps.LinesEvery, boxes: map[string]*box{}}}, nil
}

func (o Options) withDefaults() Options {
	or := func(value *string, fallback string) {
		if *value == "" {
			*value = fallback
		}
	}
	or(&o.Domain, "e2b.app")
	or(&o.APIURL, "https://api."+o.Domain)
	or(&o.Template, "code-interpreter-v1")
	or(&o.User, "user")
	or(&o.Installation, "default")
	or(&o.Version, "dev")
	if o.Size.VCPU == 0 || o.Size.MemoryMB == 0 {
		o.Size = budget.BoxSize{VCPU: 2, MemoryMB: 2048}
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	if o.HTTPClient == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = 16
		o.HTTPClient = &http.Client{Transport: transport}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// webAddress takes https, and http for a machine that one tests on.
func webAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.RawQuery == ""
}

// Size is the size that a box is billed for: as the latest box reported it, or as the
// options say before there was one.
func (c *Client) Size() budget.BoxSize {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}

// Ready is always nil: the cloud needs no preparation. If a box cannot be had, Create says why.
func (c *Client) Ready() error { return nil }

// ReachesHosts is true: a box's firewall can allow the hosts that the seal names.
func (c *Client) ReachesHosts() bool { return true }

// Lease is how long a run's box can exist: see the function of that name.
func (c *Client) Lease(l approval.Limits) time.Duration { return Lease(l) }

// Template names the software in a box: E2B's template and our runner.
func (c *Client) Template() string { return c.template + ", " + sandbox.Runner() }

// Prepare does nothing: E2B bills a box from the moment it exists, and a reviewer may take
// a day. Reserve makes one where a budget allows what it costs.
func (c *Client) Prepare(string) {}

// Discard does nothing, because Prepare has done nothing.
func (c *Client) Discard(string) {}

// String and LogValue keep the key out of every text that a Client ends up in.
func (c *Client) String() string { return "e2b client of " + c.api }

// LogValue is what a log shows of a Client.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }
