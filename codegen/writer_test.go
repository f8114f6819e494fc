package codegen

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWaitsAreSaidInWords(t *testing.T) {
	t.Parallel()
	for after, words := range map[time.Duration]string{0: "a few minutes", 5 * time.Minute: "a few minutes", 301 * time.Second: "6 minutes", 90 * time.Minute: "90 minutes", 91 * time.Minute: "2 hours"} {
		require.Equal(t, words, wait(after))
	}
}
