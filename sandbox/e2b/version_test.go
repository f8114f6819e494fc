package e2b_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/sandbox/e2b"
	"countersign/sandbox/e2b/e2btest"
)

// lived takes a request through all calls that have versions: made by one client,
// adopted and run by another.
func lived(t *testing.T, b *testBundle, requestID string) {
	t.Helper()
	id := b.create(t, requestID, "print(6*7)")
	b.client.Forget()
	require.NoError(t, b.client.Start(t.Context(), id, jobFor(requestID, "print(6*7)")))
	result, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "42\n", result.Stdout)
	require.NoError(t, b.client.Kill(t.Context(), id))
}

// attached takes a request through them with nothing run: made by one client, and
// looked at by another.
func attached(t *testing.T, b *testBundle, requestID string) {
	t.Helper()
	id := b.create(t, requestID, "print(1)")
	b.client.Forget()
	_, err := b.client.Result(t.Context(), id)
	require.ErrorIs(t, err, steps.ErrNotStarted)
	require.NoError(t, b.client.Kill(t.Context(), id))
}

func answers(status int, kind, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// strangers are the ways in which servers say that they have not a call.
var strangers = map[string]func(http.ResponseWriter){
	"as E2B's server does": nil,
	"405 and nothing else": answers(405, "", ""),
	"a plain 404":          answers(404, "text/plain", "404 page not found"),
	"a page":               answers(404, "text/html", "<html>not here</html>"),
	"JSON without words":   answers(404, "application/json", `{"detail":"Not Found"}`),
	"JSON that names all":  answers(404, "application/json", `{"message":"Route POST:/v2/sandboxes/i1/connect not found","statusCode":404}`),
}

func TestWhereBothVersionsAreTheDeprecatedOneIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lived(t, b, "req1")
	require.Zero(t, b.e2b.Served("v1"))
	require.Equal(t, 2, b.e2b.Served("v2"))
	require.NotContains(t, b.e2b.Boxes()[0].Asked, "secure", "it has no such field any more")
	require.False(t, b.client.Older())
}

func TestAServerWithoutTheSecondVersionIsSpokenToInTheFirst(t *testing.T) {
	t.Parallel()
	for name, unknown := range strangers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.e2b.Change(func(s *e2btest.Settings) { s.API, s.Unknown = "v1", unknown })
			if unknown == nil { // once is enough for a whole life
				lived(t, b, "req0")
				seen, err := b.client.Inspect(t.Context(), "1 + 1", nil)
				require.NoError(t, err)
				require.Empty(t, seen.Problem)
			}
			attached(t, b, "req1")
			require.True(t, b.client.Older())
			asked := b.e2b.Served("v2")
			require.Positive(t, asked)
			attached(t, b, "req2")
			require.Equal(t, asked, b.e2b.Served("v2"), "the answer is remembered")
			made := map[string]int{}
			for _, box := range b.e2b.Boxes() {
				require.Equal(t, true, box.Asked["secure"])
				made[box.Metadata["countersign_request"]]++
			}
			require.Equal(t, 1, made["req1"])
			require.Equal(t, 1, made["req2"])

			id := b.create(t, "req3", "print(1)")
			replica := b.another(t) // whose first call of two versions is a connect
			_, err := replica.Result(t.Context(), id)
			require.ErrorIs(t, err, steps.ErrNotStarted)
			require.True(t, replica.Older())
		})
	}
}

func TestAServerThatHasLostTheFirstVersionIsSpokenToInTheSecond(t *testing.T) {
	t.Parallel()
	for name, unknown := range strangers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.e2b.Change(func(s *e2btest.Settings) { s.API, s.Unknown = "v1", unknown })
			id := b.create(t, "req1", "print(1)")
			b.e2b.Change(func(s *e2btest.Settings) { s.API = "v2" })
			b.client.Forget()
			_, err := b.client.Result(t.Context(), id)
			require.ErrorIs(t, err, steps.ErrNotStarted)
			require.False(t, b.client.Older())
			attached(t, b, "req2")
		})
	}
}

func TestAnUpdatedServerIsAskedForTheSecondVersionAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Change(func(s *e2btest.Settings) { s.API = "v1" })
	b.client.SetReprobe(time.Millisecond)
	b.create(t, "req1", "print(1)")
	b.e2b.Change(func(s *e2btest.Settings) { s.API = "" }) // from now on the first is a violation
	soon(t, "the answer is old", func() bool { return !b.client.Older() })
	attached(t, b, "req2")
}

func TestWhatIsNotThereIsNotTakenForAnOldServer(t *testing.T) {
	t.Parallel()
	t.Run("a template", func(t *testing.T) {
		t.Parallel()
		for _, words := range []string{"", `{"code":404,"message":"no such thing"}`} {
			b := setup(t)
			if words != "" {
				b.e2b.Fail(e2btest.Create, e2btest.Fault{Status: 404, Body: words}) // in words that nobody knows
			} else {
				b.client = b.another(t, func(o *e2b.Options) { o.Template = "another-v1" })
			}
			seal := sealFor("print(1)")
			seal.Template = b.client.Template()
			_, err := b.client.Create(t.Context(), "req1", seal)
			require.Contains(t, boxError(t, err).Words, "E2B_TEMPLATE")
			require.False(t, boxError(t, err).Retry)
			require.Zero(t, b.e2b.Served("v1"))
			require.Empty(t, b.e2b.Boxes())
			require.False(t, b.client.Older())
		}
	})
	t.Run("a box", func(t *testing.T) {
		t.Parallel()
		for _, words := range []string{`{"code":404,"message":"Sandbox \"i1\" doesn't exist or you don't have access to it"}`, `{"code":404,"message":"no such thing"}`} {
			b := setup(t)
			id := b.create(t, "req1", "print(1)")
			b.client.Forget()
			b.e2b.Fail(e2btest.Connect, e2btest.Fault{Status: 404, Body: words, Do: func() { b.e2b.End(id) }})
			_, err := b.client.Result(t.Context(), id)
			require.ErrorIs(t, err, steps.ErrBoxGone)
			require.Zero(t, b.e2b.Served("v1"))
			require.False(t, b.client.Older())
		}
	})
}

func TestWhatCannotBeAskedIsNotDecided(t *testing.T) {
	t.Parallel()
	b := setup(t, impatient)
	b.e2b.Fail(e2btest.Create, e2btest.Fault{Status: 404, Body: "<html>"}, e2btest.Fault{Status: 503, Times: 4})
	_, err := b.client.Create(t.Context(), "req1", sealFor("print(1)"))
	require.True(t, boxError(t, err).Retry)
	require.Zero(t, b.e2b.Served("v1"))
	attached(t, b, "req1")

	id := b.create(t, "req2", "print(1)")
	b.client.Forget()
	b.e2b.Fail(e2btest.Get, e2btest.Fault{Pass: true, Do: func() {
		b.e2b.Fail(e2btest.Connect, e2btest.Fault{Status: 404, Body: `{"code":404,"message":"no such thing"}`})
		b.e2b.Fail(e2btest.Get, e2btest.Fault{Status: 500, Times: 4})
	}})
	_, err = b.client.Result(t.Context(), id)
	require.NotErrorIs(t, err, steps.ErrBoxGone, "nobody knows whether the box is gone")
	require.True(t, boxError(t, err).Retry)
}

func TestAnAddressThatIsNotE2BsIsSaidAndLosesNoRun(t *testing.T) {
	t.Parallel()
	for name, unknown := range strangers {
		if unknown == nil {
			unknown = answers(404, "application/json", `{"code":404,"message":"validation error: no matching operation was found"}`)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet && r.URL.Path == "/v2/sandboxes" {
					_, _ = w.Write([]byte("[]"))
					return
				}
				unknown(w)
			}))
			t.Cleanup(other.Close)
			b := setup(t, func(o *e2b.Options) { o.APIURL = other.URL })
			_, err := b.client.Create(t.Context(), "req1", sealFor("print(1)"))
			require.NotContains(t, err.Error(), e2btest.Key)
			require.False(t, b.client.Older(), "nothing has been learned of E2B")
			if name == "JSON that names all" {
				return // nobody can tell it from a template that is not there
			}
			require.Contains(t, boxError(t, err).Words, "E2B_API_URL")
			require.False(t, boxError(t, err).Retry)
			_, err = b.client.Result(t.Context(), "i1box")
			require.NotErrorIs(t, err, steps.ErrBoxGone)
			require.True(t, boxError(t, err).Retry, "the run may still go on, where E2B is")
		})
	}
}
