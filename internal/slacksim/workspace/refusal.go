package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"countersign/internal/slacksim/limits"
)

// Body is the body of a Web API answer, without "ok".
type Body map[string]any

// Error is a refusal in Slack's words.
type Error struct {
	Code       string
	Messages   []string // response_metadata.messages
	Extra      Body
	Status     int // of HTTP; 0 is 200
	RetryAfter time.Duration
	Page       bool // the body is a page for people, as of a proxy, and no JSON
}

func (e *Error) Error() string { return strings.Join(append([]string{e.Code}, e.Messages...), ": ") }

// Refuse is {"ok":false,"error":code}, with the details that Slack gives beside it.
func Refuse(code string, messages ...string) error { return &Error{Code: code, Messages: messages} }

// RateLimited is the refusal for which Slack uses HTTP 429.
func RateLimited(after time.Duration) error {
	return &Error{Code: "ratelimited", Status: http.StatusTooManyRequests, RetryAfter: after}
}

// Write puts the refusal into the answer. Slack refuses with HTTP 200 unless Status says
// otherwise.
func (e *Error) Write(h http.Header, body Body) (status int, code string) {
	body["error"] = e.Code
	maps.Copy(body, e.Extra)
	if len(e.Messages) > 0 {
		body["response_metadata"] = Body{"messages": e.Messages}
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	return max(e.Status, http.StatusOK), e.Code
}

// WritePage answers as the proxies in front of Slack do (apache/airflow#35009): with a page that says "Server Error".
func (e *Error) WritePage(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(max(e.Status, http.StatusOK))
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Server Error | Slack</title></head><body>%s</body></html>", e.Code) // the caller may be gone
}

// WriteJSON answers an HTTP request.
func WriteJSON(w http.ResponseWriter, status int, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// Refused turns an error of package limits into Slack's refusal.
func Refused(err error) error {
	broken, ok := errors.AsType[*limits.Error](err)
	if !ok {
		return err
	}
	out := &Error{Code: broken.Code, Messages: broken.Messages}
	if len(broken.Errors) > 0 {
		out.Extra = Body{"errors": broken.Errors}
	}
	return out
}
