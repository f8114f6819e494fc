package page

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func get(t *testing.T, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w
}

func TestDistIsWhatSrcBuilds(t *testing.T) {
	t.Parallel()
	told, err := fs.ReadFile(built, "dist/SOURCE.sha256")
	require.NoError(t, err)
	require.Equal(t, sourceHash(t), strings.TrimSpace(string(told)), "dist is stale: run make ui and commit what it changes")
}

// sourceHash is build/source.ts in Go.
func sourceHash(t *testing.T) string {
	t.Helper()
	var paths []string
	for _, root := range []string{".npmrc", "build", "index.html", "package-lock.json", "package.json", "public", "src", "tsconfig.json", "vite.config.ts"} {
		require.NoError(t, fs.WalkDir(os.DirFS("."), root, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				paths = append(paths, name)
			}
			return err
		}))
	}
	sort.Strings(paths)
	var lines strings.Builder
	for _, name := range paths {
		body, err := os.ReadFile(name)
		require.NoError(t, err)
		fmt.Fprintf(&lines, "%x  %s\n", sha256.Sum256(body), name)
	}
	sum := sha256.Sum256([]byte(lines.String()))
	return hex.EncodeToString(sum[:])
}

func TestPageIsServedForEveryPlaceInIt(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/", "/?as=U1&channel=C1&thread=1763792000.000100", "/index.html"} {
		w := get(t, target)
		require.Equal(t, http.StatusOK, w.Code, target)
		require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
		require.Contains(t, w.Body.String(), `<div id="page">`)
	}
}

func TestEveryFileThatThePageNamesIsServed(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(get(t, "/").Body.String(), -1)
	require.GreaterOrEqual(t, len(named), 3, "script, style and icon")
	want := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	for _, m := range named {
		w := get(t, m[1])
		require.Equal(t, http.StatusOK, w.Code, m[1])
		require.Equal(t, want[path.Ext(m[1])], w.Header().Get("Content-Type"), m[1])
	}
	require.Equal(t, "text/plain; charset=utf-8", get(t, "/LICENSES.txt").Header().Get("Content-Type"))
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/SOURCE.sha256", "/dist/index.html", "/page.go", "/src/main.tsx", "/nothing", "/../page.go"} {
		require.Equal(t, http.StatusNotFound, get(t, target).Code, target)
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
	require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
}

func TestPolicyLetsThePageTalkToItsOwnServerOnly(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/", "/page.js", "/LICENSES.txt"} {
		h := get(t, target).Header()
		directives := map[string]string{}
		for _, d := range strings.Split(h.Get("Content-Security-Policy"), ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(d), " ")
			directives[name] = value
		}
		require.Equal(t, "'none'", directives["default-src"])
		require.Equal(t, "'self'", directives["script-src"])
		require.Equal(t, "'self'", directives["style-src"])
		require.Equal(t, "'self'", directives["connect-src"])
		require.Equal(t, "'script'", directives["require-trusted-types-for"])
		require.Equal(t, "'none'", directives["frame-ancestors"])
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
	}
}

func TestBrowserAsksEachTimeAndGetsNotModified(t *testing.T) {
	t.Parallel()
	first := get(t, "/page.js")
	require.Equal(t, "no-cache", first.Header().Get("Cache-Control"))
	tag := first.Header().Get("ETag")
	require.NotEmpty(t, tag)
	again := get(t, "/page.js", "If-None-Match", tag)
	require.Equal(t, http.StatusNotModified, again.Code)
	require.Empty(t, again.Body.Bytes())
	require.Equal(t, http.StatusOK, get(t, "/page.js", "If-None-Match", `"other"`).Code)
}

func TestPageLoadsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	loads := regexp.MustCompile(`(?i)(?:src|href)=["']?(?:https?:)?//|url\(["']?(?:https?:)?//|@import|import\(["'](?:https?:)?//`)
	require.NoError(t, fs.WalkDir(built, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) == ".txt" {
			return err
		}
		body, err := fs.ReadFile(built, name)
		require.NoError(t, err)
		require.Empty(t, loads.FindString(string(body)), name)
		return nil
	}))
}

func TestNoSourceInsertsHTML(t *testing.T) {
	t.Parallel()
	require.NoError(t, fs.WalkDir(os.DirFS("src"), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := os.ReadFile(path.Join("src", name))
		require.NoError(t, err)
		require.NotRegexp(t, `dangerouslySetInnerHTML|innerHTML|insertAdjacentHTML|document\.write|\beval\(`, string(body), name)
		return nil
	}))
}

func TestLicencesNameEveryPackageOfThePage(t *testing.T) {
	t.Parallel()
	body := get(t, "/LICENSES.txt").Body.String()
	for _, name := range []string{"react ", "react-dom ", "slack-blocks-to-jsx ", "lowlight ", "highlight.js ", "emojibase-data ", "react-markdown "} {
		require.Regexp(t, `(?m)^`+regexp.QuoteMeta(name), body)
	}
}

func TestLoadRefusesAnEmptyBuild(t *testing.T) {
	t.Parallel()
	_, err := load(fstest.MapFS{"dist/page.js": {Data: []byte("x")}})
	require.ErrorContains(t, err, "run make ui")
	_, err = load(fstest.MapFS{})
	require.Error(t, err)
}
