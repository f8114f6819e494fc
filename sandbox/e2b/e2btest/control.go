package e2btest

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	longest       = time.Hour // of a box, on the smallest plan
	defaultLife   = 15        // seconds of v1, which is why a client has to say: the SDKs, which do, send 300
	defaultLifeV2 = 300
)

// newSandbox are the fields of a create that are used here; another is refused,
// because a field that is misspelt is one that is not set.
type newSandbox struct {
	TemplateID          string            `json:"templateID"`
	Timeout             *int              `json:"timeout"`
	Metadata            map[string]string `json:"metadata"`
	EnvVars             map[string]string `json:"envVars"`
	Secure              bool              `json:"secure"`
	AllowInternetAccess *bool             `json:"allow_internet_access"`
	AutoPause           bool              `json:"autoPause"`
	Network             struct {
		AllowPublicTraffic *bool    `json:"allowPublicTraffic"`
		AllowOut           []string `json:"allowOut"`
		DenyOut            []string `json:"denyOut"`
	} `json:"network"`
}

// api is the control plane. Of E2B's many calls these are the ones that are used: a call of
// any other kind is a fault of the client, even where E2B has it.
func (s *Server) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sandboxes", s.op(Create, s.in("v1", s.keyed(s.create))))
	mux.HandleFunc("POST /v2/sandboxes", s.op(Create, s.in("v2", s.keyed(s.create))))
	mux.HandleFunc("GET /v2/sandboxes", s.op(List, s.keyed(s.list)))
	mux.HandleFunc("GET /sandboxes/{id}", s.op(Get, s.keyed(s.get)))
	mux.HandleFunc("POST /sandboxes/{id}/connect", s.op(Connect, s.in("v1", s.keyed(s.connect))))
	mux.HandleFunc("POST /v2/sandboxes/{id}/connect", s.op(Connect, s.in("v2", s.keyed(s.connect))))
	mux.HandleFunc("DELETE /sandboxes/{id}", s.op(Kill, s.keyed(s.kill)))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.violation("there is no call %s %s", r.Method, r.URL.Path)
		s.deny(w, http.StatusNotFound, "no matching operation was found")
	})
	return mux
}

// in serves a call that is in one version of the API only. Where the server has
// both, a careful client leaves the first, which is deprecated, alone. The call is
// looked for before the key, as E2B's own server does it.
func (s *Server) in(version string, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		has, unknown := s.settings.API, s.settings.Unknown
		s.served[version]++
		s.mu.Unlock()
		switch {
		case has == "" && version == "v1":
			s.violation("%s %s is deprecated, and there is a v2 of it here", r.Method, r.URL.Path)
		case has != "" && has != version:
			if unknown != nil {
				unknown(w)
				return
			}
			said := "no matching operation was found"
			if r.URL.Path == "/v2/sandboxes" { // it can be listed
				said = "method not allowed"
			}
			s.deny(w, http.StatusNotFound, "validation error: "+said)
			return
		}
		serve(w, r)
	}
}

// v2 tells which version of a call is asked for.
func v2(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v2/") }

// keyed checks what every call to the control plane carries. The two kinds of credentials must not be
// mixed: whoever runs code in a box can read what comes into it, and a box's token opens that box.
func (s *Server) keyed(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.manners(r)
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-API-Key")), []byte(Key)) == 0 {
			s.deny(w, http.StatusUnauthorized, "Invalid API key, please visit the dashboard to get one")
			return
		}
		if r.Header.Get("X-Access-Token") != "" {
			s.violation("a box's token was sent to the control plane")
		}
		serve(w, r)
	}
}

// manners are the headers without which answers come in a form that one does not want: for a
// browser's User-Agent the edge answers in HTML, unless JSON alone is accepted, and Go's transport
// asks for gzip by itself, after which no answer has a length (both seen with E2B's own proxy).
func (s *Server) manners(r *http.Request) {
	if !strings.HasPrefix(r.UserAgent(), "countersign/") {
		s.violation("%s %s has the User-Agent %q", r.Method, r.URL.Path, r.UserAgent())
	}
	if r.Header.Get("Accept") != "application/json" {
		s.violation("%s %s accepts %q, so the edge may answer in HTML", r.Method, r.URL.Path, r.Header.Get("Accept"))
	}
	if r.Header.Get("Accept-Encoding") != "identity" {
		s.violation("%s %s asks for the encoding %q, so sizes are unknown", r.Method, r.URL.Path, r.Header.Get("Accept-Encoding"))
	}
}

// create makes a box. The defaults are E2B's, and all of them are open: without secure envd asks for
// no token, without the two settings of the network every port is public and the internet is there.
// So a box that a client has not closed itself is a violation.
func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var body newSandbox
	var raw map[string]any
	data, err := readAll(r)
	if err == nil {
		err = strict(data, &body)
	}
	if err == nil {
		err = json.Unmarshal(data, &raw)
	}
	if _, has := raw["secure"]; err == nil && has && v2(r) {
		err = errors.New(`property "secure" is unsupported`)
	}
	if err != nil {
		s.deny(w, http.StatusBadRequest, fmt.Sprintf("request body has an error: %v", err))
		return
	}
	life := defaultLife
	if v2(r) {
		body.Secure, life = true, defaultLifeV2
	}
	if status, why := body.refused(); status != 0 {
		s.deny(w, status, why)
		return
	}
	s.mu.Lock()
	running := 0
	for _, b := range s.boxes {
		if b.alive && !b.paused {
			running++
		}
	}
	// Too many boxes is a 429 without Retry-After; too many calls is one with it. A client has to
	// tell them apart, since only the second passes by itself.
	if limit := s.settings.Concurrent; running >= limit {
		s.mu.Unlock()
		s.deny(w, http.StatusTooManyRequests, fmt.Sprintf("you have reached the maximum number of concurrent E2B sandboxes (%d). "+
			"If you need more, please contact us", limit))
		return
	}
	if body.Timeout != nil {
		life = *body.Timeout
	}
	b := s.newBox(body.Metadata, 0, time.Duration(life)*time.Second)
	b.secure, b.asked, b.internet = body.Secure, raw, body.AllowInternetAccess
	// Left out means open, in each of the three.
	b.shut = body.AllowInternetAccess != nil && !*body.AllowInternetAccess
	b.private = body.Network.AllowPublicTraffic != nil && !*body.Network.AllowPublicTraffic
	s.mu.Unlock()
	if !b.secure || !b.private || !b.shut {
		s.violation("a box was made that is open to the world: %s", data)
	}
	if body.Timeout == nil {
		s.violation("a box was made without a time-out")
	}
	if len(body.EnvVars) > 0 {
		s.violation("a box was made with environment variables, which tracebacks print")
	}
	s.reply(w, Create, http.StatusCreated, b.made())
}

// refused says why the control plane would not make this box: the rules and the words are those of
// its validation.
func (n newSandbox) refused() (int, string) {
	switch {
	case n.TemplateID == "":
		return 400, `Error at "/templateID": property "templateID" is missing`
	case n.TemplateID != Template && n.TemplateID != FormerTemplate:
		return 404, fmt.Sprintf("template '%s' not found", n.TemplateID)
	case n.Timeout != nil && *n.Timeout <= 0:
		return 400, "Timeout must be greater than 0"
	case n.Timeout != nil && time.Duration(*n.Timeout)*time.Second > longest:
		return 400, "Timeout cannot be greater than 1 hours"
	case n.Network.AllowPublicTraffic != nil && !*n.Network.AllowPublicTraffic && !n.Secure:
		return 400, "allowPublicTraffic can only be set to false for secure sandboxes"
	}
	// A name can be allowed only where all else is denied, and only addresses can be denied. What is
	// allowed wins over what is denied.
	for _, host := range n.Network.AllowOut {
		if !address(host) && !slices.Contains(n.Network.DenyOut, "0.0.0.0/0") {
			return 400, "When specifying allowed domains in allow out, you must include '0.0.0.0/0' in deny out to block all other traffic."
		}
	}
	for _, host := range n.Network.DenyOut {
		if !address(host) {
			return 400, fmt.Sprintf("invalid denied CIDR %s", host)
		}
	}
	return 0, ""
}

func address(host string) bool {
	_, err := netip.ParseAddr(host)
	_, errPrefix := netip.ParsePrefix(host)
	return err == nil || errPrefix == nil
}

// find looks a box up as the control plane does. An id may come with what old ids ended in, after a
// dash. A box that has ended is unknown, as if it had never been: 404 is no proof of an id.
func (s *Server) find(w http.ResponseWriter, r *http.Request) *box {
	id, _, _ := strings.Cut(r.PathValue("id"), "-")
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[id]
	if b == nil || !b.alive {
		s.deny(w, http.StatusNotFound, fmt.Sprintf("Sandbox %q doesn't exist or you don't have access to it", id))
		return nil
	}
	return b
}

// get tells of one box. allowInternetAccess is null where nobody has ever set it, which means that
// the box reaches the internet.
func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	if b := s.find(w, r); b != nil {
		shown := b.listed()
		shown["allowInternetAccess"], shown["envdAccessToken"], shown["domain"] = b.internet, b.envdToken, nil
		if b.internet == nil && b.shut {
			shown["allowInternetAccess"] = false
		}
		s.reply(w, Get, http.StatusOK, shown)
	}
}

// connect gives both tokens again, which is how a client that was restarted gets back into a box.
// A paused box is woken by it, as a new one by its age: 201 instead of 200.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Timeout *int  `json:"timeout"`
		Memory  *bool `json:"memory"`
	}
	data, err := readAll(r)
	if err == nil && (len(data) > 0 || !v2(r)) {
		err = strict(data, &body)
	}
	if err == nil && body.Timeout == nil && v2(r) {
		body.Timeout = new(int)
		*body.Timeout = defaultLifeV2
	}
	if err != nil || body.Timeout == nil {
		s.deny(w, http.StatusBadRequest, `property "timeout" is missing`)
		return
	}
	b := s.find(w, r)
	if b == nil {
		return
	}
	status := http.StatusOK
	s.mu.Lock()
	now := s.now()
	until := now.Add(time.Duration(*body.Timeout) * time.Second)
	if b.paused {
		b.signal(syscall.SIGCONT)
		b.paused, b.started, status = false, now, http.StatusCreated
	}
	if status == http.StatusCreated || until.After(b.ends) { // only ever extended while it runs
		b.ends = until
		b.timer.Reset(time.Until(until.Add(-s.settings.Skew)))
	}
	s.mu.Unlock()
	s.reply(w, Connect, status, b.made())
}

func (s *Server) kill(w http.ResponseWriter, r *http.Request) {
	if b := s.find(w, r); b != nil {
		s.end(b)
		w.WriteHeader(http.StatusNoContent)
	}
}

// list goes through all boxes, paused ones included unless a state is asked for, a page at a time:
// where there is more, a header carries the token of the next page.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	wanted, err := parseFilter(query.Get("metadata"))
	limit, errLimit := strconv.Atoi(query.Get("limit"))
	offset, _ := strconv.Atoi(query.Get("nextToken"))
	if err != nil || errLimit != nil || limit < 1 || limit > 100 {
		s.deny(w, http.StatusBadRequest, fmt.Sprintf("invalid query: %v", err))
		return
	}
	s.mu.Lock()
	found := []map[string]any{}
	states := query.Get("state")
	for _, id := range s.order {
		if b := s.boxes[id]; b.alive && b.carries(wanted) && (states == "" || slices.Contains(strings.Split(states, ","), b.state())) {
			found = append(found, b.listed())
		}
	}
	limit = min(limit, s.settings.PageSize)
	s.mu.Unlock()
	if query.Get("order") != "asc" { // newest first is the default
		slices.Reverse(found)
	}
	w.Header().Set("X-Total-Running", strconv.Itoa(len(found)))
	end := min(len(found), offset+limit)
	if end < len(found) {
		w.Header().Set("X-Next-Token", strconv.Itoa(end))
	}
	s.reply(w, List, http.StatusOK, found[min(offset, end):end])
}

// parseFilter decodes as the server does: the parameter once more as a whole,
// then each half of each pair. So a client has to escape a value twice before it puts it into the
// query, and one that escapes once gets along until a value has a sign in it.
func parseFilter(raw string) (map[string]string, error) {
	wanted := map[string]string{}
	whole, err := url.QueryUnescape(raw)
	if err != nil || whole == "" {
		return wanted, err
	}
	for pair := range strings.SplitSeq(whole, "&") {
		halves := strings.Split(pair, "=")
		if len(halves) != 2 {
			return nil, fmt.Errorf("invalid key value pair in metadata: %s", pair)
		}
		key, errKey := url.QueryUnescape(halves[0])
		value, errValue := url.QueryUnescape(halves[1])
		if errKey != nil || errValue != nil {
			return nil, fmt.Errorf("invalid escape in metadata: %s", pair)
		}
		wanted[key] = value
	}
	return wanted, nil
}
