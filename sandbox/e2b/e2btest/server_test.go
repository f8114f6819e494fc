package e2btest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/sandbox/e2b/e2btest"
)

// caller speaks to the server as a client of any quality would.
type caller struct {
	t      *testing.T
	server *e2btest.Server
	header http.Header
}

func setup(t *testing.T) caller {
	return caller{t: t, server: e2btest.New(t), header: http.Header{"X-Api-Key": {e2btest.Key}, "User-Agent": {"countersign/test"},
		"Accept": {"application/json"}, "Accept-Encoding": {"identity"}}}
}

func (c caller) with(key, value string) caller {
	c.header = c.header.Clone()
	c.header.Set(key, value)
	return c
}

// inBox speaks to a box with its token, and not with the key.
func (c caller) inBox(id string) caller {
	c = c.with("E2b-Sandbox-Id", id).with("E2b-Sandbox-Port", "49983").with("X-Access-Token", "ea_"+id)
	c.header.Del("X-Api-Key")
	return c
}

func (c caller) call(method, address, body string) (int, string, http.Header) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, address, strings.NewReader(body))
	require.NoError(c.t, err)
	req.Header = c.header
	resp, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	return resp.StatusCode, string(text), resp.Header
}

const safe = `{"templateID":"code-interpreter-v1","timeout":60,"allow_internet_access":false,"network":{"allowPublicTraffic":false},"metadata":{"k":"v"}}`

func (c caller) create() string {
	c.t.Helper()
	status, text, _ := c.call("POST", c.server.APIURL+"/v2/sandboxes", safe)
	require.Equal(c.t, 201, status, text)
	var made map[string]any
	require.NoError(c.t, json.Unmarshal([]byte(text), &made))
	require.NotEmpty(c.t, made["envdAccessToken"])
	require.NotEmpty(c.t, made["trafficAccessToken"])
	return made["sandboxID"].(string)
}

func TestCreatesThatE2BRefusesAreRefused(t *testing.T) {
	t.Parallel()
	c := setup(t)
	for body, status := range map[string]int{
		`{`:                                      400,
		`{"timeout":60}`:                         400,
		`{"templateID":"other"}`:                 404,
		`{"templateID":"T","timeout":0}`:         400,
		`{"templateID":"T","timeout":86400}`:     400,
		`{"templateID":"T","allowInternet":"x"}`: 400,
		`{"templateID":"T","secure":true}`:       400, // every box is
		`{"templateID":"T","network":{"allowOut":["example.org"]}}`:  400,
		`{"templateID":"T","network":{"denyOut":["example.org"]}}`:   400,
		`{"templateID":"T","network":{"allowOut":["10.0.0.0/300"]}}`: 400,
		`{"templateID":"T","metadata":{"k":"v","n":1}}`:              400,
	} {
		got, text, _ := c.call("POST", c.server.APIURL+"/v2/sandboxes", strings.ReplaceAll(body, `"T"`, `"code-interpreter-v1"`))
		require.Equal(t, status, got, "%s: %s", body, text)
	}
	require.Empty(t, c.server.Boxes())
	status, _, _ := c.with("X-API-Key", "e2b_no").call("POST", c.server.APIURL+"/v2/sandboxes", safe)
	require.Equal(t, 401, status)
}

func TestWhatACarelessClientDoesIsNoted(t *testing.T) {
	t.Parallel()
	c := setup(t)
	status, text, _ := c.call("POST", c.server.APIURL+"/v2/sandboxes", `{"templateID":"code-interpreter-v1","envVars":{"SECRET":"1"}}`)
	require.Equal(t, 201, status)
	require.Contains(t, text, `"trafficAccessToken":null`)
	id := c.server.Boxes()[0].ID
	browser := c.with("User-Agent", "Mozilla/5.0").with("Accept", "*/*").with("Accept-Encoding", "gzip").with("X-Access-Token", "x")
	browser.call("GET", c.server.APIURL+"/sandboxes/"+id, "")
	browser.call("GET", c.server.APIURL+"/teams", "")
	browser.call("GET", c.server.SandboxURL+"/health", "")
	_, text, _ = browser.with("E2b-Sandbox-Id", "nobody").with("E2b-Sandbox-Port", "49983").call("GET", c.server.SandboxURL+"/files?path=/x", "")
	require.Contains(t, text, "<html>")
	c.inBox(id).with("Content-Type", "application/connect+json").with("Connect-Timeout-Ms", "1").call("POST", c.server.SandboxURL+"/process.Process/Start", "")
	noted := strings.Join(c.server.Violations(), "\n")
	for _, fault := range []string{"open to the world", "without a time-out", "environment variables", "User-Agent", "in HTML", "sizes are unknown",
		"token was sent to the control plane", "no call GET /teams", "no call GET /health", "API key was sent into a box", "kills the process"} {
		require.Contains(t, noted, fault)
	}
	require.Empty(t, c.server.Violations())
}

func TestTheLimitOnBoxesAtOnceComesWithoutARetryAfter(t *testing.T) {
	t.Parallel()
	c := setup(t)
	c.server.Change(func(s *e2btest.Settings) { s.Concurrent = 1 })
	id := c.create()
	status, text, header := c.call("POST", c.server.APIURL+"/v2/sandboxes", safe)
	require.Equal(t, 429, status)
	require.Contains(t, text, "maximum number of concurrent E2B sandboxes (1)")
	require.Empty(t, header.Get("Retry-After"))
	status, _, _ = c.call("DELETE", c.server.APIURL+"/sandboxes/"+id, "")
	require.Equal(t, 204, status)
	status, _, _ = c.call("DELETE", c.server.APIURL+"/sandboxes/"+id, "")
	require.Equal(t, 404, status)
	c.create()
}

func TestListsAreFilteredOrderedAndPaged(t *testing.T) {
	t.Parallel()
	c := setup(t)
	first, second := c.create(), c.create()
	c.server.Add(map[string]string{"k": "other"}, time.Minute, time.Hour)
	list := func(query url.Values) (ids []string, next string) {
		status, text, header := c.call("GET", c.server.APIURL+"/v2/sandboxes?"+query.Encode(), "")
		require.Equal(t, 200, status, text)
		var boxes []map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &boxes))
		for _, b := range boxes {
			ids = append(ids, b["sandboxID"].(string))
		}
		return ids, header.Get("X-Next-Token")
	}
	ids, next := list(url.Values{"metadata": {"k=v"}, "limit": {"1"}, "order": {"asc"}})
	require.Equal(t, []string{first}, ids)
	ids, next = list(url.Values{"metadata": {"k=v"}, "limit": {"1"}, "order": {"asc"}, "nextToken": {next}})
	require.Equal(t, []string{second}, ids)
	require.Empty(t, next)
	ids, _ = list(url.Values{"metadata": {"k=v"}, "limit": {"100"}})
	require.Equal(t, []string{second, first}, ids)
	ids, _ = list(url.Values{"limit": {"100"}})
	require.Len(t, ids, 3)
	for _, bad := range []url.Values{{"limit": {"0"}}, {"limit": {"101"}}, {"limit": {"5"}, "metadata": {"a=b=c"}},
		{"limit": {"5"}, "metadata": {"%ZZ"}}, {"limit": {"5"}, "metadata": {"a=%25ZZ"}}} {
		status, _, _ := c.call("GET", c.server.APIURL+"/v2/sandboxes?"+bad.Encode(), "")
		require.Equal(t, 400, status, bad)
	}
}

func TestConnectOnlyEverExtends(t *testing.T) {
	t.Parallel()
	c := setup(t)
	id := c.create()
	ends := func() time.Time {
		_, text, _ := c.call("GET", c.server.APIURL+"/sandboxes/"+id, "")
		var detail struct{ EndAt time.Time }
		require.NoError(t, json.Unmarshal([]byte(text), &detail))
		return detail.EndAt
	}
	before := ends()
	status, text, _ := c.call("POST", c.server.APIURL+"/v2/sandboxes/"+id+"/connect", `{"timeout":5}`)
	require.Equal(t, 200, status)
	require.Contains(t, text, "envdAccessToken")
	require.Equal(t, before, ends())
	c.call("POST", c.server.APIURL+"/v2/sandboxes/"+id+"/connect", `{"timeout":600}`)
	require.Greater(t, ends().Sub(before), 8*time.Minute)
	status, _, _ = c.call("POST", c.server.APIURL+"/v2/sandboxes/inobody/connect", `{"timeout":5}`)
	require.Equal(t, 404, status)
}

func TestTheEdgeAnswersForBoxesThatDoNot(t *testing.T) {
	t.Parallel()
	c := setup(t)
	id := c.create()
	file := c.server.SandboxURL + "/files?path=/x"
	box := c.inBox(id)
	status, text, _ := c.with("X-Api-Key", "").call("GET", file, "")
	require.Equal(t, 400, status)
	require.Contains(t, text, "missing header")
	status, text, _ = box.with("E2b-Sandbox-Id", "inobody").call("GET", file, "")
	require.Equal(t, 502, status)
	require.Contains(t, text, "The sandbox was not found")
	status, text, _ = box.with("E2b-Sandbox-Port", "49999").call("GET", file, "")
	require.Equal(t, 502, status)
	require.Contains(t, text, "port is not open")
	status, _, _ = box.with("X-Access-Token", "guess").call("GET", file, "")
	require.Equal(t, 401, status)
	c.server.End(id)
	status, text, _ = box.call("GET", file, "")
	require.Equal(t, 502, status)
	require.Contains(t, text, "The sandbox was not found")
	c.server.Violations() // an empty key was sent along, on purpose
}

func TestFilesAreEnvds(t *testing.T) {
	t.Parallel()
	c := setup(t)
	id := c.create()
	box := c.inBox(id).with("Content-Type", "application/octet-stream")
	at := func(path, user string) string {
		return c.server.SandboxURL + "/files?" + url.Values{"path": {path}, "username": {user}}.Encode()
	}
	status, text, header := box.call("POST", at("/a/b", "user"), "hello")
	require.Equal(t, 200, status)
	require.JSONEq(t, `[{"name":"b","path":"/a/b","type":"file"}]`, text)
	require.Contains(t, header.Get("Content-Type"), "text/plain")
	_, text, _ = box.call("GET", at("/a/b", "root"), "")
	require.Equal(t, "hello", text)
	for _, bad := range []struct {
		method, path, user string
		status             int
	}{
		{"GET", "/a", "user", 400}, {"GET", "/nothing", "user", 404}, {"GET", "/a/b", "nobody", 401}, {"POST", "/a/b", "nobody", 401},
		{"POST", "relative", "user", 400}, {"POST", "/a/b/c", "user", 500},
	} {
		status, text, _ := box.call(bad.method, at(bad.path, bad.user), "x")
		require.Equal(t, bad.status, status, text)
	}
	status, _, _ = box.with("Content-Type", "text/csv").call("POST", at("/c", "user"), "x")
	require.Equal(t, 400, status)
	status, _, _ = box.call("POST", at("/../../../escaped", "user"), "x")
	require.Equal(t, 200, status)
	require.FileExists(t, filepath.Join(c.server.Box(id).Root, "escaped"))
}

func TestProcessesAreEnvds(t *testing.T) {
	t.Parallel()
	c := setup(t)
	id := c.create()
	box := c.inBox(id)
	start := func(body string) (int, string) {
		frame := string([]byte{0, 0, 0, 0, byte(len(body))}) + body
		status, text, _ := box.with("Content-Type", "application/connect+json").call("POST", c.server.SandboxURL+"/process.Process/Start", frame)
		return status, text
	}
	_, text := start(`{"process":{"cmd":"/bin/sh","args":["-c","exit 3"],"cwd":"/home/user"},"stdin":false}`)
	require.Contains(t, text, `"start":{"pid":`)
	require.Contains(t, text, `"exitCode":3`)
	_, text = start(`{"process":{"cmd":"/bin/true","cwd":"/home/user"}}`)
	require.NotContains(t, text, "exitCode", "a zero is left out")
	_, text = start(`{"process":{"cmd":"/bin/true","cwd":"/nowhere"}}`)
	require.Contains(t, text, "does not exist")
	_, text = start(`{"process":{"cmd":"/bin/none","cwd":"/tmp"}}`)
	require.Contains(t, text, "error starting process")
	_, text = start(`{"proc`)
	require.Contains(t, text, "bad envelope")
	status, _, _ := box.call("POST", c.server.SandboxURL+"/process.Process/Start", "{}")
	require.Equal(t, 415, status)
	status, _, _ = box.call("POST", c.server.SandboxURL+"/filesystem.Filesystem/Stat", "{}")
	require.Equal(t, 415, status)
	status, text, _ = box.with("Content-Type", "application/json").call("POST", c.server.SandboxURL+"/filesystem.Filesystem/Stat", `{"path":"/tmp"}`)
	require.Equal(t, 400, status)
	require.Contains(t, text, "invalid_argument")
	status, text, _ = box.with("Content-Type", "application/json").with("Authorization", "Basic dXNlcjo=").
		call("POST", c.server.SandboxURL+"/filesystem.Filesystem/Stat", `{"path":"/tmp"}`)
	require.Equal(t, 200, status)
	require.Contains(t, text, "FILE_TYPE_DIRECTORY")
}

func TestABoxEndsAtItsTimeOutWithAllThatRunsInIt(t *testing.T) {
	t.Parallel()
	c := setup(t)
	id := c.server.Add(nil, 0, time.Second)
	body := `{"process":{"cmd":"/bin/sh","args":["-c","setsid sleep 600"],"cwd":"/tmp"}}`
	_, _, _ = c.inBox(id).with("Content-Type", "application/connect+json").
		call("POST", c.server.SandboxURL+"/process.Process/Start", string([]byte{0, 0, 0, 0, byte(len(body))})+body) // until it ends
	require.Eventually(t, func() bool { _, err := os.Stat(c.server.Box(id).Root); return os.IsNotExist(err) }, 30*time.Second, 10*time.Millisecond)
	require.Empty(t, c.server.Alive())
}
