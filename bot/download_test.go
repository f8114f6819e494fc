package bot

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
)

// giving is a Slack that gives one file, whose download is this.
func giving(size string, download func(*http.Request) io.ReadCloser) *Bot {
	return New(Options{BotToken: "xoxb-1", AppToken: "xapp-1", APIURL: "http://slack.test/api/", HTTPClient: &http.Client{Timeout: time.Minute, Transport: trip(func(r *http.Request) (*http.Response, error) {
		body := io.NopCloser(strings.NewReader(`{"ok":true,"file":{"id":"F1","size":` + size + `,"url_private":"http://slack.test/files/F1"}}`))
		if !strings.HasSuffix(r.URL.Path, "files.info") {
			body = download(r)
		}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: body, Request: r}, nil
	})}})
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Not parallel: it looks at all that this process allocates.
func TestALargeFileIsNeverWholeInMemory(t *testing.T) {
	const size = 256 << 20
	b := giving("268435456", func(*http.Request) io.ReadCloser { return io.NopCloser(io.LimitReader(zeros{}, size)) })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	from, err := b.Fetch(t.Context(), approval.File{ID: "F1"}, size)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, from)
	require.NoError(t, err)
	require.NoError(t, from.Close())
	runtime.ReadMemStats(&after)
	require.EqualValues(t, size, n)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20), "of 256 MB")
}

// stuck gives a little and then nothing until its request ends.
type stuck struct {
	io.Reader
	ctx context.Context
}

func (s stuck) Read(p []byte) (int, error) {
	if n, err := s.Reader.Read(p); err == nil {
		return n, nil
	}
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func (stuck) Close() error { return nil }

func TestADownloadMayTakeLongAndMayNotStall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := giving("4", func(*http.Request) io.ReadCloser {
			from, into := io.Pipe()
			go func() {
				for range 4 {
					time.Sleep(stall - time.Second)
					_, _ = into.Write([]byte("x"))
				}
				_ = into.Close()
			}()
			return from
		})
		got, err := fetched(t.Context(), slow, approval.File{ID: "F1"}, 100)
		require.NoError(t, err)
		require.Equal(t, "xxxx", got)

		stalls := giving("4", func(r *http.Request) io.ReadCloser { return stuck{strings.NewReader("xx"), r.Context()} })
		begun := time.Now()
		got, err = fetched(t.Context(), stalls, approval.File{ID: "F1"}, 100)
		require.ErrorIs(t, err, errStalled)
		require.Equal(t, "xx", got)
		require.Equal(t, stall, time.Since(begun))

		// A box that takes its time is not Slack's fault.
		quick := giving("4", func(*http.Request) io.ReadCloser { return io.NopCloser(strings.NewReader("xxxx")) })
		from, err := quick.Fetch(t.Context(), approval.File{ID: "F1"}, 100)
		require.NoError(t, err)
		time.Sleep(10 * stall)
		data, err := io.ReadAll(from)
		require.NoError(t, err)
		require.Equal(t, "xxxx", string(data))

		// Whoever closes it ends it, and so does its context.
		from, err = stalls.Fetch(t.Context(), approval.File{ID: "F1"}, 100)
		require.NoError(t, err)
		require.NoError(t, from.Close())
		ctx, cancel := context.WithCancel(t.Context())
		from, err = stalls.Fetch(ctx, approval.File{ID: "F1"}, 100)
		require.NoError(t, err)
		cancel()
		_, err = io.ReadAll(from)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestADownloadThatBreaksOffOrGrowsSaysSo(t *testing.T) {
	t.Parallel()
	broken := errors.New("the line broke")
	cut := giving("4", func(*http.Request) io.ReadCloser {
		return io.NopCloser(io.MultiReader(strings.NewReader("xx"), errReader{broken}))
	})
	got, err := fetched(t.Context(), cut, approval.File{ID: "F1"}, 100)
	require.ErrorIs(t, err, broken)
	require.Equal(t, "xx", got)
	grown := giving("4", func(*http.Request) io.ReadCloser { return io.NopCloser(io.LimitReader(zeros{}, 101)) })
	_, err = fetched(t.Context(), grown, approval.File{ID: "F1"}, 100)
	require.ErrorIs(t, err, steps.ErrFileTooBig)
	large := giving("101", nil)
	_, err = large.Fetch(t.Context(), approval.File{ID: "F1"}, 100)
	require.ErrorIs(t, err, steps.ErrFileTooBig, "it is not even begun")
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }
