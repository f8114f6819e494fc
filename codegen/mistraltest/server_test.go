package mistraltest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const good = `{"model":"codestral-2508","messages":[{"role":"system","content":"s"},{"role":"user","content":"q"}],` +
	`"temperature":0.2,"top_p":1,"max_tokens":100,"random_seed":1,"safe_prompt":false}`

// post sends a body and closes the connection behind it.
func post(t *testing.T, s *Server, path, key, body string) (status int, answer string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestAGoodCallIsAnsweredAndRemembered(t *testing.T) {
	t.Parallel()
	s := Start()
	t.Cleanup(s.Close)
	status, body, err := post(t, s, "/v1/chat/completions", Key, good)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	var answer struct {
		Model   string
		Choices []struct {
			Message      Message
			FinishReason string `json:"finish_reason"`
		}
		Usage map[string]int
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	require.Equal(t, "codestral-2508", answer.Model)
	require.Equal(t, Program, answer.Choices[0].Message.Content)
	require.Equal(t, "stop", answer.Choices[0].FinishReason)
	require.Equal(t, map[string]int{"prompt_tokens": 1, "completion_tokens": (len(Program) + 3) / 4, "total_tokens": 1 + (len(Program)+3)/4}, answer.Usage)
	require.Len(t, s.Requests(), 1)
	require.Equal(t, 2, s.Requests()[0].Bytes())

	s.Answer(func(r Request) Reply { return Reply{Content: strings.Repeat(r.Messages[1].Content, 900)} })
	_, body, err = post(t, s, "/v1/chat/completions", Key, good)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	require.Equal(t, "length", answer.Choices[0].FinishReason, "max_tokens cuts")
	require.Equal(t, 100, answer.Usage["completion_tokens"])
}

func TestModelsAreListedToWhoHasTheKey(t *testing.T) {
	t.Parallel()
	s := Start()
	t.Cleanup(s.Close)
	list := func(key string) (status int, body []byte) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/v1/models", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+key)
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err = io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, body
	}
	status, _ := list("other")
	require.Equal(t, http.StatusUnauthorized, status)
	status, body := list(Key)
	require.Equal(t, http.StatusOK, status)
	var answer struct{ Data []struct{ ID string } }
	require.NoError(t, json.Unmarshal(body, &answer))
	require.Len(t, answer.Data, len(Models))
	for i, model := range Models {
		require.Equal(t, model, answer.Data[i].ID)
	}
	require.Empty(t, s.Requests(), "asking for the list is no call")
}

func TestWhatTheAPIRefusesIsRefused(t *testing.T) {
	t.Parallel()
	s := Start()
	t.Cleanup(s.Close)
	for name, c := range map[string]struct {
		path, key, old, new string
		status              int
	}{
		"path":           {"/chat/completions", Key, "", "", 404},
		"key":            {"", "other", "", "", 401},
		"no key":         {"", "", "", "", 401},
		"model":          {"", Key, "codestral-2508", "codestral-latest", 400},
		"unknown field":  {"", Key, `"top_p"`, `"topp"`, 422},
		"no JSON":        {"", Key, `{"model"`, `{model`, 422},
		"temperature":    {"", Key, "0.2", "2", 422},
		"top_p":          {"", Key, `"top_p":1`, `"top_p":0`, 422},
		"max_tokens":     {"", Key, `100`, `0`, 422},
		"seed":           {"", Key, `"random_seed":1`, `"random_seed":-1`, 422},
		"no system":      {"", Key, `"system"`, `"user"`, 422},
		"two in a row":   {"", Key, `"content":"q"}`, `"content":"q"},{"role":"user","content":"q"}`, 422},
		"nothing said":   {"", Key, `"content":"q"`, `"content":" "`, 422},
		"assistant last": {"", Key, `"content":"q"}`, `"content":"q"},{"role":"assistant","content":"a"}`, 400},
	} {
		if c.path == "" {
			c.path = "/v1/chat/completions"
		}
		status, body, err := post(t, s, c.path, c.key, strings.Replace(good, c.old, c.new, 1))
		require.NoError(t, err, name)
		require.Equal(t, c.status, status, "%s: %s", name, body)
		require.Contains(t, body, `"object":"error"`, name)
	}
	require.Len(t, s.Refused(), 14)
	require.Empty(t, s.Requests())
	for _, r := range []func() (*http.Response, error){
		func() (*http.Response, error) { return http.Get(s.URL + "/v1/chat/completions") },
		func() (*http.Response, error) {
			req, _ := http.NewRequest(http.MethodPost, s.URL+"/v1/chat/completions", bytes.NewReader(nil))
			req.Header.Set("Authorization", "Bearer "+Key)
			return http.DefaultClient.Do(req)
		},
	} {
		resp, err := r()
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Contains(t, []int{405, 415}, resp.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestFaultsAreWhatTheirNamesSay(t *testing.T) {
	t.Parallel()
	s := Start()
	for fault, want := range map[Fault]string{
		Unauthorized: "Unauthorized", RateLimited: "rate limit", ServerError: "Internal", ErrorAsOK: `"object":"error"`, NoChoices: `"choices":[]`,
		Garbage: "<!DOCTYPE html>", Chunks: `"content":[{`, Thinking: `"type":"thinking"`, NoText: `"content":[{`, OddContent: `"content":{`, Gone: "Invalid model: codestral-2508",
		BadGateway: "<html>", GatewayTime: "<html>", Length: `"finish_reason":"length"`, BadUnicode: `\ud800`, HalfJSON: `{"`, EmptyAnswer: `"content":""`,
		HangUp: "", CutBody: "",
	} {
		s.Next(Reply{Fault: fault})
		status, body, err := post(t, s, "/v1/chat/completions", Key, good)
		if fault == HangUp || fault == CutBody {
			require.Error(t, err, fault)
			continue
		}
		require.NoError(t, err, fault)
		require.Contains(t, body, want, fault)
		require.Equal(t, fault == HalfJSON || status >= 400 || fault == Garbage, !json.Valid([]byte(body)) || status >= 400, fault)
	}
	s.Next(Reply{Fault: Silence})
	done := make(chan error)
	go func() {
		_, _, err := post(t, s, "/v1/chat/completions", Key, good)
		done <- err
	}()
	require.Eventually(t, func() bool { return len(s.Requests()) == 20 }, 20*time.Minute, time.Millisecond)
	s.Close()
	require.Error(t, <-done, "closing the server ends the silence")
}
