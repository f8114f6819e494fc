package door

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"7": 7 * time.Second, " 0 ": 0, "-5": 0, "Thu, 26 Nov 2026 12:01:30 GMT": 90 * time.Second, "Thu, 26 Nov 2026 11:00:00 GMT": 0,
		"": 0, "soon": 0, "1.5": 0, "99999999999999999999": 0,
	} {
		require.Equal(t, want, retryAfter(text, now), text)
	}
}

func TestWhatIsNotReadToItsEndIsGivenUp(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(gone)
		for {
			if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	d := New()
	d.most = 1 << 20
	_, err := d.Get(t.Context(), server.URL, nil)
	require.ErrorIs(t, err, errTooLarge)
	<-gone // the connection is closed, or the server would write for ever
}
