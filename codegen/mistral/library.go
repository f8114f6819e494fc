package mistral

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"

	api "github.com/gage-technologies/mistral-go"

	"countersign/codegen"
	"countersign/codegen/door"
)

// mistral-go takes neither a context nor an http.Client: each call makes its own client
// on http.DefaultTransport. There are two ways to get between: point it to a server of
// ours on loopback, or register a URL scheme of ours on the default transport.
//
// We register a scheme. A server would be a port on which anybody on this machine could
// spend our key; it would have to be started and stopped; and it could not tell which call
// it serves or when that call was cancelled. A scheme is one entry in a table of this
// process. The address names the call, and by it the call's context and door are found.
// The entry lasts as long as the process, so it is made once, and it refuses calls that
// it does not know.
//
// If somebody has replaced http.DefaultTransport by another type there is no such table,
// and New says so.
const doorScheme = "countersign-model"

// call is a call on its way through the library.
type call struct {
	ctx      context.Context
	door     *door.Door
	endpoint string
	cached   int // prompt tokens that came from the provider's cache, of which the library does not know
}

// calls are those that are under way, by the host of their address.
var calls struct {
	sync.Mutex
	once   sync.Once
	failed error
	last   int
	byHost map[string]*call
}

// openLibrary makes the entry, once.
func openLibrary() error {
	c := &calls
	c.once.Do(func() {
		c.byHost = map[string]*call{}
		transport, ok := http.DefaultTransport.(*http.Transport)
		if !ok {
			c.failed = errors.New("http.DefaultTransport is not what it was: the library for Mistral cannot be led through the door")
			return
		}
		transport.RegisterProtocol(doorScheme, throughDoor{})
	})
	return c.failed
}

// address gives a call an address of its own, until it is over.
func (m *call) address() (endpoint string, over func()) {
	c := &calls
	c.Lock()
	defer c.Unlock()
	c.last++
	host := "call-" + strconv.Itoa(c.last)
	c.byHost[host] = m
	return doorScheme + "://" + host, func() {
		c.Lock()
		defer c.Unlock()
		delete(c.byHost, host)
	}
}

// throughDoor sends the library's requests where they are meant to go.
type throughDoor struct{}

// RoundTrip implements http.RoundTripper. The library has its own client and its own context, so the call that is
// meant is found by its host, which is made up for it.
func (throughDoor) RoundTrip(req *http.Request) (*http.Response, error) {
	calls.Lock()
	call := calls.byHost[req.URL.Host]
	calls.Unlock()
	if call == nil {
		return nil, door.NotSent(errors.New("nobody makes this call any more"))
	}
	real, err := http.NewRequestWithContext(call.ctx, req.Method, call.endpoint+req.URL.Path, req.Body)
	if err != nil {
		return nil, door.NotSent(err)
	}
	real.Header, real.ContentLength, real.GetBody = req.Header.Clone(), req.ContentLength, req.GetBody
	resp, err := call.door.RoundTrip(real)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body) // from memory
	if err != nil {
		return nil, err
	}
	body, call.cached = flatten(body)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// flatten replaces content that is a list of chunks by the text in it, which is all that
// the library can read. It leaves out what the model thought: that was paid for, and is
// not the answer. Mistral's specification has text, thinking, reference, image_url and more
// (docs.mistral.ai/api, openapi.yaml of 2026-08-21: ContentChunk). It also tells how much of the
// prompt came from the cache (usage.prompt_tokens_details.cached_tokens, by
// docs.mistral.ai prompt caching, read 2026-11-26). What is not of that form is left as it is.
func flatten(body []byte) (flat []byte, cached int) {
	var answer map[string]json.RawMessage
	if json.Unmarshal(body, &answer) != nil {
		return body, 0
	}
	var usage struct {
		Details struct {
			Cached int `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
	}
	_ = json.Unmarshal(answer["usage"], &usage) // of another form there is nothing to know
	cached = usage.Details.Cached
	var choices []map[string]json.RawMessage
	if json.Unmarshal(answer["choices"], &choices) != nil {
		return body, cached
	}
	changed := false
	for _, choice := range choices {
		var message map[string]json.RawMessage
		if json.Unmarshal(choice["message"], &message) != nil {
			continue
		}
		text, isList := codegen.Texts(message["content"])
		if !isList {
			continue
		}
		message["content"], changed = remarshal(text), true
		choice["message"] = remarshal(message)
	}
	if !changed {
		return body, cached
	}
	answer["choices"] = remarshal(choices)
	return remarshal(answer), cached
}

// remarshal puts into JSON what came out of it, which always works.
func remarshal(v any) json.RawMessage {
	text, _ := json.Marshal(v)
	return text
}

// exchange makes one call of the library. It makes one attempt, because the job repeats, and
// sets every parameter, because the library has defaults of its own for those that are left
// out. It returns when the context ends, at the latest.
func (m *Mistral) exchange(ctx context.Context, c codegen.Call) (_ *api.ChatCompletionResponse, cached int, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, door.NotSent(err)
	}
	messages := make([]api.ChatMessage, len(c.Turns))
	for i, t := range c.Turns {
		messages[i] = api.ChatMessage{Role: string(t.Role), Content: t.Text} // its names for the roles are ours
	}
	under := &call{ctx: ctx, door: m.door, endpoint: m.endpoint}
	address, over := under.address()
	defer over()
	client := api.NewMistralClient(m.key, address, 1, 2*m.about.Timeout) // the context ends it before
	response, err := client.Chat(c.Model, messages, &api.ChatRequestParams{
		Temperature: 0.2, TopP: 1, RandomSeed: 1, MaxTokens: c.MaxTokens, SafePrompt: false,
	})
	return response, under.cached, err
}
