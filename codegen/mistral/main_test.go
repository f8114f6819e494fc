package mistral

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a goroutine outlives the tests: a call that was given up
// has to end at its deadline.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func init() {
	// The library speaks through the default transport, whose idle connections would look like leaks.
	http.DefaultTransport.(*http.Transport).DisableKeepAlives = true
}
