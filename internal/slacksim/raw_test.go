package slacksim_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
)

type object = map[string]any

// call makes a Web API call with a JSON body and the token in the header.
func call(t *testing.T, sim *slacksim.Sim, method string, args object) object {
	t.Helper()
	body, _, _ := callAs(t, sim, sim.BotToken(), method, args)
	return body
}

func callAs(t *testing.T, sim *slacksim.Sim, token, method string, args object) (object, http.Header, int) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, sim.APIURL()+method, strings.NewReader(jsonOf(t, args)))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return send(t, r)
}

// form makes a Web API call with a form, the token in it.
func form(t *testing.T, sim *slacksim.Sim, method string, args url.Values) object {
	t.Helper()
	args.Set("token", sim.BotToken())
	r, err := http.NewRequest(http.MethodPost, sim.APIURL()+method, strings.NewReader(args.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body, _, _ := send(t, r)
	return body
}

func send(t *testing.T, r *http.Request) (object, http.Header, int) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var body object
	if bytes.HasPrefix(data, []byte("{")) {
		require.NoError(t, json.Unmarshal(data, &body), string(data))
	} else {
		body = object{"text": string(data)}
	}
	return body, resp.Header, resp.StatusCode
}

// page makes a call of the JSON API.
func page(t *testing.T, sim *slacksim.Sim, path string, body object) (object, int) {
	t.Helper()
	method, content := http.MethodGet, io.Reader(http.NoBody)
	if body != nil {
		method, content = http.MethodPost, strings.NewReader(jsonOf(t, body))
	}
	r, err := http.NewRequest(method, sim.URL()+path, content)
	require.NoError(t, err)
	if body != nil {
		r.Header.Set("X-Slacksim", "1")
	}
	out, _, status := send(t, r)
	return out, status
}

func section(words string) object {
	return object{"type": "section", "text": object{"type": "mrkdwn", "text": words}}
}

func pressable(id string, more object) object {
	b := object{"type": "button", "action_id": id, "text": object{"type": "plain_text", "text": "Press"}}
	for k, v := range more {
		b[k] = v
	}
	return b
}

func actions(elements ...any) object { return object{"type": "actions", "elements": elements} }

func times(n int, make func(i int) any) []any {
	var out []any
	for i := range n {
		out = append(out, make(i))
	}
	return out
}
