package kit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatDoesNotReadBackIsNotShown(t *testing.T) {
	t.Parallel()
	_, ok := Inline("no line end")
	require.False(t, ok)
	_, ok = Chunked("a\rb\n")
	require.True(t, ok)
}
