package e2b

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/approval"
)

// The keys of a box's metadata. They are written by us when the box is made, and
// the box cannot change them: what they say is known even when all else is lost.
const (
	metaInstallation = "countersign_installation"
	metaRequest      = "countersign_request" // absent on a box that only inspects
	metaDigest       = "countersign_digest"
	metaLimits       = "countersign_limits" // seconds-memory-bytes-files
	metaHosts        = "countersign_hosts"  // only on a box that may reach some
)

// creating names the one call that is never made twice without looking.
const creating = "create a box"

// newBox is the body of a create. Every field is sent, because E2B's defaults
// are the open ones: public ports, the internet, and in the first version no
// token.
type newBox struct {
	TemplateID          string            `json:"templateID"`
	Timeout             int               `json:"timeout"` // seconds
	Metadata            map[string]string `json:"metadata"`
	Secure              bool              `json:"secure,omitempty"` // the first version's: in the second every box is
	AllowInternetAccess bool              `json:"allow_internet_access"`
	Network             network           `json:"network"`
}

type network struct {
	AllowPublicTraffic bool     `json:"allowPublicTraffic"`
	AllowOut           []string `json:"allowOut,omitempty"`
	DenyOut            []string `json:"denyOut,omitempty"`
}

// made is what create and connect answer.
type made struct {
	SandboxID          string  `json:"sandboxID"`
	EnvdVersion        string  `json:"envdVersion"`
	EnvdAccessToken    string  `json:"envdAccessToken"`
	TrafficAccessToken *string `json:"trafficAccessToken"`
	Domain             *string `json:"domain"`
}

// listed is a box as GET and list show it.
type listed struct {
	SandboxID string            `json:"sandboxID"`
	StartedAt time.Time         `json:"startedAt"`
	EndAt     time.Time         `json:"endAt"`
	State     string            `json:"state"`
	CPUCount  int               `json:"cpuCount"`
	MemoryMB  int               `json:"memoryMB"`
	Metadata  map[string]string `json:"metadata"`

	// Only in GET. Null means that it was never set.
	AllowInternetAccess *bool `json:"allowInternetAccess"`
	Network             struct {
		AllowPublicTraffic *bool `json:"allowPublicTraffic"`
	} `json:"network"`
}

// paused is the state of a box that is kept on disk and answers nobody until
// somebody connects to it.
const paused = "paused"

var idPattern = regexp.MustCompile(`^[a-z0-9]{1,64}$`)

// boxID checks an id before it becomes part of an address. Old ids end in
// "-<client>", which host names must not.
func boxID(id string) (string, error) {
	// E2B's API takes both forms, and so does this: a row may name the older one.
	id, _, _ = strings.Cut(id, "-")
	if !idPattern.MatchString(id) {
		return "", fmt.Errorf("%w: %q is no id of a box", errGarbled, clean(id))
	}
	return id, nil
}

func (c *wire) control(what, method, path string, body any) call {
	k := call{what: what, method: method, url: c.api + path, header: http.Header{"X-Api-Key": {c.key}}}
	if body != nil {
		k.header.Set("Content-Type", "application/json")
		k.body, _ = json.Marshal(body) // strings, numbers and maps of them always marshal
	}
	return k
}

// postBox asks for a box, once. Whether a failure leaves a box behind is for the
// caller to find out: see failure.doubtful.
func (c *wire) postBox(ctx context.Context, body newBox) (m made, err error) {
	err = c.versioned(ctx, func(older bool) (err error) {
		body.Secure = older
		m, err = c.postIn(ctx, createPath(older), body)
		return err
	}, func(older bool) (bool, error) { return c.lacksCreate(ctx, older) })
	return m, err
}

func (c *wire) postIn(ctx context.Context, path string, body newBox) (made, error) {
	k := c.control(creating, http.MethodPost, path, body)
	got, err := c.send(ctx, k)
	if err != nil {
		return made{}, err
	}
	var m made
	if err := decode(k, got, &m); err != nil {
		return made{}, err
	}
	// Sent, and so doubtful: a box may be there, under a name that cannot be used.
	if m.SandboxID, err = boxID(m.SandboxID); err != nil {
		return made{}, &failure{what: creating, sent: true, err: err}
	}
	return m, nil
}

// brief is the time to live that is asked for when a running box is connected to:
// E2B only ever extends, and this is too short to extend much.
const brief = 15 * time.Second

// connect asks for the tokens of a box that lives. A paused one is resumed, for as long.
func (c *wire) connect(ctx context.Context, id string, life time.Duration) (m made, err error) {
	body := map[string]int{"timeout": int(life / time.Second)}
	err = c.versioned(ctx, func(older bool) error {
		path := "/v2/sandboxes/" + id + "/connect"
		if older {
			path = "/sandboxes/" + id + "/connect"
		}
		_, err := c.repeatJSON(ctx, c.control("connect to the box", http.MethodPost, path, body), &m)
		return err
	}, func(bool) (bool, error) {
		// Every version can be asked for a box: if it is there, then the call is not.
		_, _, err := c.detail(ctx, id)
		return err == nil, err
	})
	return m, err
}

// detail asks what a box is. The answer's Date tells how the server's clock
// stands, so that ages do not depend on ours.
func (c *wire) detail(ctx context.Context, id string) (listed, time.Time, error) {
	var d listed
	got, err := c.repeatJSON(ctx, c.control("look at the box", http.MethodGet, "/sandboxes/"+id, nil), &d)
	return d, orOurs(serverTime(got.header)), err
}

// serverTime is E2B's clock, and no time where an answer does not tell it.
func serverTime(h http.Header) time.Time {
	at, _ := http.ParseTime(h.Get("Date"))
	return at
}

// orOurs takes this machine's clock where E2B's is not told. That will do for ages, and not for the books.
func orOurs(at time.Time) time.Time {
	if at.IsZero() {
		return time.Now()
	}
	return at
}

// delete ends a box, and tells whether it was there. One that is no more has been ended.
func (c *wire) delete(ctx context.Context, id string) (there bool, err error) {
	_, err = c.repeat(ctx, c.control("kill the box", http.MethodDelete, "/sandboxes/"+id, nil))
	if f := asFailure(err); f != nil && f.gone() {
		return false, nil
	}
	return err == nil, err
}

// pages bounds a listing: two thousand boxes are more than any plan allows.
const pages = 20

// errMore is a listing that does not end. What was found so far comes with it.
var errMore = errors.New("there are more boxes than are listed")

// list finds the boxes that carry all of the given metadata, oldest first, with E2B's clock, or no time where one page
// does not tell it. The server's filter is checked again here: what is found may be killed.
func (c *wire) list(ctx context.Context, metadata map[string]string) ([]listed, time.Time, error) {
	var found []listed
	var now time.Time
	var more error
	// Both states: a box that somebody has paused is still the one of its request.
	query := url.Values{"metadata": {filter(metadata)}, "state": {"running,paused"}, "order": {"asc"}, "limit": {"100"}}
	dated := true
	for n := 1; ; n++ {
		var page []listed
		got, err := c.repeatJSON(ctx, c.control("list boxes", http.MethodGet, "/v2/sandboxes?"+query.Encode(), nil), &page)
		if err != nil {
			return nil, time.Time{}, err
		}
		now = serverTime(got.header)
		// A listing is as old as its pages. One of which no time is known cannot say what is gone.
		dated = dated && !now.IsZero()
		for _, b := range page {
			if id, err := boxID(b.SandboxID); err == nil && carries(b.Metadata, metadata) {
				b.SandboxID = id
				found = append(found, b)
			}
		}
		next := got.header.Get("X-Next-Token")
		if next == "" {
			break
		}
		if n == pages {
			more = fmt.Errorf("list boxes: %w", errMore)
			break
		}
		query.Set("nextToken", next)
	}
	slices.SortStableFunc(found, func(a, b listed) int { return a.StartedAt.Compare(b.StartedAt) })
	if !dated {
		now = time.Time{}
	}
	return found, now, more
}

func carries(has, wants map[string]string) bool {
	for key, value := range wants {
		if has[key] != value {
			return false
		}
	}
	return true
}

// filter spells a metadata filter. The server decodes the parameter, splits it
// at & and =, and decodes each half once more, after its router has already
// decoded the query: so each half is escaped twice here, and the whole once more
// by url.Values.
func filter(metadata map[string]string) string {
	twice := func(s string) string { return url.QueryEscape(url.QueryEscape(s)) }
	var pairs []string
	for key, value := range metadata {
		pairs = append(pairs, twice(key)+"="+twice(value))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// spellLimits and readLimits keep a run's limits in the metadata, so that a
// replica that never saw the request knows how much to take from its box.
func spellLimits(l approval.Limits) string {
	return fmt.Sprintf("%d-%d-%d-%d", l.Seconds, l.MemoryMB, l.OutputBytes, l.Files)
}

func readLimits(text string) (approval.Limits, error) {
	var numbers []int
	for part := range strings.SplitSeq(text, "-") {
		n, err := strconv.Atoi(part)
		if err != nil || n <= 0 {
			return approval.Limits{}, fmt.Errorf("%w: limits %q", errGarbled, clean(text))
		}
		numbers = append(numbers, n)
	}
	// It is our own spelling. Anything else was written by another version, or by somebody else's program.
	if len(numbers) != 4 {
		return approval.Limits{}, errors.Join(errGarbled, fmt.Errorf("limits %q", clean(text)))
	}
	return approval.Limits{Seconds: numbers[0], MemoryMB: numbers[1], OutputBytes: numbers[2], Files: numbers[3]}, nil
}
