package codegen

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"countersign/approval/steps"
	"countersign/budget"
)

// Provider asks the models of one company, or of one server. It translates: a call
// into the provider's request, the provider's response into an Answer. What the
// prompt says and what the answer is worth is decided here, for all of them.
type Provider interface {
	About() About
	// Ask makes one call and no second one. Its error is a *steps.WriterError, which
	// says what the failure means and whether the call may be billed.
	Ask(ctx context.Context, call Call) (Answer, error)
}

// About says who is asked, and within which limits.
type About struct {
	Name      string   // for people: "Mistral"
	System    string   // for traces: OpenTelemetry's gen_ai.provider.name
	Host      string   // where prompts go: a host, with its port if the address has one
	Official  bool     // that is the provider's own host, to which its key was given
	Models    []string // what may be asked for, the default first
	MaxTokens int      // the longest answer, with what the model thinks
	Window    int      // how many tokens each of its models takes, prompt and answer together; 0: what is known of the model
	Timeout   time.Duration

	// Tokens is the most tokens that a prompt of so many bytes can be, by the provider's
	// own way of counting; nil: one for each byte.
	Tokens func(bytes int) int
}

// tokens is Tokens with its default.
func (a About) tokens(bytes int) int {
	if a.Tokens == nil {
		return bytes
	}
	return a.Tokens(bytes)
}

// own tells whether prompts go no further than they do by their nature: to the provider's own
// host, or to this very machine. Any other host is for an administrator to confirm.
func (a About) own() bool {
	if a.Official || a.Host == "" {
		return true
	}
	host, _, err := net.SplitHostPort(a.Host)
	if err != nil {
		host = strings.Trim(a.Host, "[]")
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// window is how many tokens a model takes, prompt and answer together; 0: nobody has said.
func (a About) window(model string) int {
	if k, ok := KnownModel(model); ok && (a.Window == 0 || k.Window < a.Window) {
		return k.Window
	}
	return a.Window
}

// promptBytes is the longest prompt for a model: all of PromptBytes, or what the
// window leaves beside the longest answer.
func (a About) promptBytes(model string) int {
	window := a.window(model)
	// Each provider counts in its own way, so the limit is found by trying.
	limit := PromptBytes
	for window > 0 && limit > 0 && a.tokens(limit)+a.MaxTokens > window {
		limit -= 100
	}
	return max(limit, 0)
}

// Call is one question to a model.
type Call struct {
	Model     string
	Turns     []Turn
	MaxTokens int
	Brief     steps.Brief  // what the turns were made of;
	Recap     *steps.Recap // where a summary is wanted, of this instead
}

// Bytes is the size of a call's messages, with what surrounds them.
func (c Call) Bytes() int { return size(c.Turns) }

// Answer is what a model said.
type Answer struct {
	Text  string // without what the model thought, which is paid for and is nobody's answer
	End   End
	Said  string       // the provider's own word for the end, for the log
	Usage budget.Usage // of the model that answered; zero when the provider reported none that makes sense
}

// Texts joins the texts of content that is a list, as some servers give it where a model
// thinks or refers to something. isList is false for content of any other form.
func Texts(content []byte) (text string, isList bool) {
	var parts []struct{ Type, Text string }
	if !bytes.HasPrefix(bytes.TrimSpace(content), []byte("[")) || json.Unmarshal(content, &parts) != nil {
		return "", false
	}
	var b strings.Builder
	for _, p := range parts {
		if p.Type == "text" {
			b.WriteString(p.Text)
		}
	}
	return b.String(), true
}

// End is why an answer ended.
type End string

// The ends. Only a whole answer can hold a program.
const (
	Whole    End = "whole"
	CutOff   End = "cut off"  // it reached the longest answer, or the end of the model's window
	Filtered End = "filtered" // by a filter beside the model
	Refused  End = "refused"  // by the model
	Tool     End = "tool"     // it wants a tool, and was given none
	Unsaid   End = "unsaid"   // the provider does not say whether it is whole
	Empty    End = "empty"    // there is no answer in the response
	Broken   End = "broken"   // the provider broke off, or uses a word that nobody knows
)

// Used is the usage that a provider reported, checked: no more tokens come from a cache or
// go into it than there were, and a model that has no name is the one that was asked. Where the
// figures make no sense, or the name cannot be one, there is no usage.
func Used(asked, answered string, input, cached, written, output int) budget.Usage {
	if answered == "" {
		answered = asked
	}
	if input <= 0 || output < 0 || !isName(answered) {
		return budget.Usage{}
	}
	cached = min(max(cached, 0), input)
	return budget.Usage{Model: answered, Input: input, Cached: cached, Written: min(max(written, 0), input-cached), Output: output}
}

// isName tells whether a text can be a model's name. It gets into events, bills and
// cards, and a self-hosted server may say anything: no blank, nothing of Slack's markup, and
// no more than fits into a line.
func isName(model string) bool {
	if model == "" || len(model) > 120 {
		return false
	}
	for _, r := range model {
		if r <= ' ' || r > '~' || r == '<' || r == '>' || r == '`' || r == '&' || r == '|' {
			return false
		}
	}
	return true
}

// CheckModel refuses a model that nobody can price.
func CheckModel(model string) error {
	switch {
	case strings.TrimSpace(model) == "" || strings.TrimSpace(model) != model:
		return errors.New("a model without a name")
	case strings.HasSuffix(model, "-latest"):
		return fmt.Errorf("%q is an alias; nobody can price a name that moves, so name a dated model", model)
	}
	return nil
}
