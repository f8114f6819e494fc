package e2b

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"countersign/approval/steps"
)

// The ways in which a call fails without a status.
var (
	errSilent  = errors.New("no answer in time")
	errGarbled = errors.New("an answer that is not what it should be")
	errTooBig  = errors.New("an answer that is too big")
)

// failure is a call that was not answered with a 2xx, with all that the answer
// said about why.
type failure struct {
	what       string
	edge       bool // it went to a box, not to the control plane
	fresh      bool // to one that has not answered anything yet
	sent       bool // a connection was had, so it may have taken effect
	status     int  // zero when there was no answer, or none that could be read
	spoken     bool // the body was E2B's own JSON, not some proxy's page
	code       string
	message    string
	port       int
	retryAfter time.Duration
	err        error
}

func (f *failure) Error() string {
	if f.err != nil {
		return fmt.Sprintf("%s: %v", f.what, f.err)
	}
	return strings.TrimSuffix(fmt.Sprintf("%s: %d %s: %s", f.what, f.status, f.code, f.message), ": ")
}

func (f *failure) Unwrap() error { return f.err }

func asFailure(err error) *failure {
	f, _ := errors.AsType[*failure](err)
	return f
}

// refused reads an error answer. Three dialects share the field "message": the
// control plane adds error_code, the edge adds port, envd's RPCs make code a word.
func refused(k call, resp *http.Response, body []byte) *failure {
	f := &failure{what: k.what, edge: k.edge, fresh: k.fresh(), sent: true, status: resp.StatusCode,
		retryAfter: parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())}
	var said struct {
		Code      json.RawMessage `json:"code"`
		ErrorCode string          `json:"error_code"`
		Message   string          `json:"message"`
		Port      int             `json:"port"`
	}
	if json.Unmarshal(body, &said) == nil {
		f.spoken, f.code, f.message, f.port = true, said.ErrorCode, clean(said.Message), said.Port
		if f.code == "" {
			_ = json.Unmarshal(said.Code, &f.code) // a number there only repeats the status
		}
		return f
	}
	f.message = clean(string(body)) // a proxy's page or a plain line: the first bytes, for the log
	return f
}

// clean makes foreign text fit for one line of a log or a message.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200]) + "…"
	}
	return text
}

// bare drops the address from an error of net/http: it says nothing that the
// call's name does not say, and a log should be readable.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// gone tells that the box is no more: the control plane does not know it, or the
// edge does not.
func (f *failure) gone() bool {
	// The edge says 502 of a box that is no more, and of one whose port is closed. Only the second names a port.
	if f.edge {
		return f.status == http.StatusBadGateway && f.port == 0 && strings.Contains(f.message, "not found")
	}
	return f.status == http.StatusNotFound && !f.foreign()
}

// closed tells that the box lives while nobody listens on the port: envd is
// starting, or has been killed.
func (f *failure) closed() bool {
	return f.edge && f.status == http.StatusBadGateway && (f.port != 0 || strings.Contains(f.message, "port is not open"))
}

// starting tells that the box lives and its envd has never answered: any 502 on
// the way there means that it is not up yet, whoever says it.
func (f *failure) starting() bool {
	return f.edge && f.fresh && f.status == http.StatusBadGateway && !f.gone()
}

// busy tells that the edge lets no more calls into this box at the same time.
func (f *failure) busy() bool {
	return f.edge && f.status == http.StatusTooManyRequests && strings.Contains(f.message, "concurrent incoming connections")
}

// crowded tells the two 429 apart: the limit on boxes at once comes without a
// Retry-After and does not pass by waiting a second; the one on the rate does.
func (f *failure) crowded() bool {
	// With the limit on boxes at once E2B sends no such header; with the one on the rate it does.
	return !f.edge && f.status == http.StatusTooManyRequests && f.retryAfter == 0
}

// transient tells that a harmless call is worth making again in a moment.
func (f *failure) transient() bool {
	switch f.status {
	case 0:
		return !errors.Is(f.err, errTooBig)
	case http.StatusTooManyRequests:
		return !f.crowded()
	case http.StatusConflict, http.StatusRequestTimeout:
		return true
	// The disk of the box is full, and will not become emptier.
	case http.StatusInsufficientStorage:
		return false
	}
	return f.status >= 500 && !f.gone()
}

// doubtful tells that a create may have made a box although it failed. Only a
// plain refusal, in E2B's own words or with a client's status, says that it did not.
func (f *failure) doubtful() bool {
	switch {
	case f.status == 0:
		return f.sent
	// With an error_code it is the control plane's own refusal. Without one it may be a load balancer's, behind which the box was made.
	case f.status >= 500:
		return f.code == ""
	}
	return f.status == http.StatusRequestTimeout
}

// boxError puts a failure into words for people. A box that is gone is
// steps.ErrBoxGone; what is no failure of a call stays what it is.
func (c *wire) boxError(err error) error {
	f := asFailure(err)
	if _, already := errors.AsType[*steps.BoxError](err); already || f == nil {
		return err
	}
	if f.gone() && f.what != creating {
		return fmt.Errorf("%w: %w", err, steps.ErrBoxGone)
	}
	words, retry := c.words(f)
	return &steps.BoxError{Err: err, Words: words, Retry: retry}
}

// words says what is wrong, and what to do about it, and whether it may pass. People
// read it when it has been tried often enough: until then there is nothing to say.
func (c *wire) words(f *failure) (words string, retry bool) {
	switch {
	case errors.Is(f.err, errSilent):
		return "E2B did not answer in time. Please ask again later; if it goes on, look at E2B's status page.", true
	case errors.Is(f.err, errTooBig):
		return "The box gave back more than may be taken from it.", false
	case errors.Is(f.err, errGarbled):
		return "E2B's answer made no sense. If E2B_DOMAIN or E2B_API_URL is set, an administrator should check it.", true
	case f.status == 0 && f.sent:
		return "The connection to E2B broke off. Please ask again later.", true
	case f.status == 0:
		return "E2B cannot be reached. Please ask again later; if it goes on, an administrator should check the network and E2B_DOMAIN.", true
	case f.edge:
		return c.edgeWords(f)
	}
	return c.controlWords(f)
}

func (c *wire) controlWords(f *failure) (string, bool) {
	switch f.status {
	case http.StatusBadRequest:
		return fmt.Sprintf("E2B refused the box: %q. An administrator should check the template and the limits.", f.message), false
	case http.StatusUnauthorized:
		return "E2B does not accept the API key. An administrator should check E2B_API_KEY.", false
	case http.StatusForbidden:
		return "E2B does not let this team make boxes. An administrator should look at the team's page at E2B.", false
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		if f.foreign() {
			return "What answers at the address of E2B does not know E2B's calls. An administrator should check E2B_DOMAIN and E2B_API_URL.", f.what != creating
		}
		return fmt.Sprintf("E2B does not know the template %q. An administrator should check E2B_TEMPLATE.", c.template), false
	case http.StatusConflict:
		return "The box was changing its state all the time. Please ask again later.", true
	case http.StatusTooManyRequests:
		if f.crowded() {
			return "As many boxes are running as the E2B plan allows at once. Please ask again when one has ended.", true
		}
		return "E2B is being asked too often. Please ask again in a few minutes.", true
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if f.code == "sandbox_no_compatible_node" {
			return fmt.Sprintf("E2B has no machine for the template %q. Please ask again later; if it goes on, the template has to be rebuilt.", c.template), true
		}
		return "E2B has no room for a box at the moment. Please ask again later.", true
	}
	if f.status/100 == 3 {
		return "The address for E2B leads somewhere else. An administrator should check E2B_API_URL.", false
	}
	return "E2B failed with an error of its own. Please ask again later; if it goes on, look at E2B's status page.", f.transient()
}

func (c *wire) edgeWords(f *failure) (string, bool) {
	switch {
	case f.starting():
		return fmt.Sprintf("The box was made, but the service in it that takes files and starts code (envd) has not come up. "+
			"Please ask again later; if it goes on, an administrator should look at E2B's status page and at the template %q.", c.template), true
	case f.closed():
		return "The box is up, but the service in it that takes files and starts code (envd) does not answer any more. Please ask again later.", true
	case f.busy():
		return "More was asked of the box at the same time than E2B lets through to one box. Nothing is wrong with the code. Please ask again in a few minutes.", true
	case f.status == http.StatusInsufficientStorage, f.status == http.StatusRequestEntityTooLarge:
		return "The files do not fit on the box's disk. Ask with fewer or smaller files.", false
	case f.status == http.StatusUnauthorized, f.status == http.StatusForbidden:
		return "The box does not accept the token that E2B gave for it. Please ask again later.", true
	case f.status == http.StatusTooManyRequests:
		return "The box is being asked too often. Please ask again in a few minutes.", true
	}
	return "The box failed with an error of its own.", f.transient()
}
