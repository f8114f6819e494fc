package e2btest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/sandbox/e2b/e2btest"
)

// what GET says of a box.
type detail struct {
	State            string
	StartedAt, EndAt time.Time
}

func (c caller) detail(id string) (d detail) {
	c.t.Helper()
	status, text, _ := c.call("GET", c.server.APIURL+"/sandboxes/"+id, "")
	require.Equal(c.t, 200, status, text)
	require.NoError(c.t, json.Unmarshal([]byte(text), &d))
	return d
}

func TestTheFirstVersionHasOtherDefaults(t *testing.T) {
	t.Parallel()
	c := setup(t)
	c.server.Change(func(s *e2btest.Settings) { s.API = "v1" })
	create := func(body string) (int, string) {
		status, text, _ := c.call("POST", c.server.APIURL+"/sandboxes", body)
		return status, text
	}
	status, text := create(`{"templateID":"code-interpreter-v1","network":{"allowPublicTraffic":false}}`)
	require.Equal(t, 400, status, "only a secure box can be shut: %s", text)
	status, text = create(`{"templateID":"code-interpreter-v1"}`)
	require.Equal(t, 201, status, text)
	require.NotContains(t, text, "envdAccessToken", "a box is open unless one asks")
	id := c.server.Boxes()[0].ID
	require.Equal(t, 15*time.Second, c.detail(id).EndAt.Sub(c.detail(id).StartedAt))
	for _, body := range []string{"", "{}"} {
		status, _, _ = c.call("POST", c.server.APIURL+"/sandboxes/"+id+"/connect", body)
		require.Equal(t, 400, status, "the time-out is required")
	}
	status, text = create(`{"templateID":"code-interpreter-v1","secure":true,"timeout":60,"allow_internet_access":false,"network":{"allowPublicTraffic":false}}`)
	require.Equal(t, 201, status, text)
	require.Contains(t, text, "envdAccessToken")
	require.Len(t, c.server.Violations(), 2, "the open box, and that it has no time-out")
}

func TestTheSecondVersionHasOtherDefaults(t *testing.T) {
	t.Parallel()
	c := setup(t)
	status, text, _ := c.call("POST", c.server.APIURL+"/v2/sandboxes", `{"templateID":"code-interpreter-v1"}`)
	require.Equal(t, 201, status, text)
	require.Contains(t, text, "envdAccessToken", "every box is secure")
	require.Contains(t, text, `"trafficAccessToken":null`, "and its ports are public unless one asks")
	id := c.server.Boxes()[0].ID
	require.Equal(t, 5*time.Minute, c.detail(id).EndAt.Sub(c.detail(id).StartedAt))
	c.server.Violations()
	id = c.create() // for a minute
	before := c.detail(id).EndAt
	for _, body := range []string{"", "{}"} {
		status, text, _ = c.call("POST", c.server.APIURL+"/v2/sandboxes/"+id+"/connect", body)
		require.Equal(t, 200, status, text)
		require.Greater(t, c.detail(id).EndAt.Sub(before), 3*time.Minute)
	}
}

func TestWhatAServerLacksItDoesNotKnow(t *testing.T) {
	t.Parallel()
	c := setup(t)
	id := c.create()
	c.server.Change(func(s *e2btest.Settings) { s.API = "v1" })
	status, text, _ := c.with("X-API-Key", "e2b_no").call("POST", c.server.APIURL+"/v2/sandboxes", safe)
	require.Equal(t, 404, status, "the call is looked for before the key")
	require.JSONEq(t, `{"code":404,"message":"validation error: method not allowed"}`, text)
	status, text, _ = c.call("POST", c.server.APIURL+"/v2/sandboxes/"+id+"/connect", "")
	require.Equal(t, 404, status)
	require.JSONEq(t, `{"code":404,"message":"validation error: no matching operation was found"}`, text)
	require.Empty(t, c.server.Violations())
	c.server.Change(func(s *e2btest.Settings) { s.API = "" })
	c.call("POST", c.server.APIURL+"/sandboxes", "{")
	require.Contains(t, c.server.Violations()[0], "POST /sandboxes is deprecated")
}

func TestAPausedBoxIsKeptUntilSomebodyConnects(t *testing.T) {
	t.Parallel()
	c := setup(t)
	id := c.create()
	c.server.Pause(id)
	require.Equal(t, "paused", c.detail(id).State)
	box := c.inBox(id)
	status, text, _ := box.call("GET", c.server.SandboxURL+"/files?path=/x", "")
	require.Equal(t, 502, status)
	require.Contains(t, text, "The sandbox was not found")
	_, text, _ = c.call("GET", c.server.APIURL+"/v2/sandboxes?limit=10&state=running", "")
	require.Equal(t, "[]", text)
	status, _, _ = c.call("POST", c.server.APIURL+"/v2/sandboxes/"+id+"/connect", `{"timeout":30}`)
	require.Equal(t, 201, status)
	require.Equal(t, "running", c.detail(id).State)
	require.Equal(t, 30*time.Second, c.detail(id).EndAt.Sub(c.detail(id).StartedAt))
	status, _, _ = box.call("GET", c.server.SandboxURL+"/files?path=/x", "")
	require.Equal(t, 404, status, "envd answers again")
}
