package guide

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALineIsCutFromWhatWasTyped(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string][]string{
		"":                                 {"", ""},
		"abc":                              {"abc", ""},
		"\r":                               {"\r", ""},
		"a\r\nb\n":                         {"a\r", "b\n"},
		"a\x1b[200~b\nc\x1b[201~d":         {"a\x1b[200~b\x1b[201~\r", "\x1b[200~c\x1b[201~d"},
		"\x1b[200~b\n\x1b[201~\r":          {"\x1b[200~b\x1b[201~", "\r"},
		"\x1b[200~b\nc":                    {"", "\x1b[200~b\nc"},
		"a\x1b[200~b\nc":                   {"a", "\x1b[200~b\nc"},
		"a\rb\x1b[200~c\x1b[201~":          {"a\r", "b\x1b[200~c\x1b[201~"},
		"\x1b[200~\x1b[201~":               {"\x1b[200~\x1b[201~", ""},
		"\x1b[200~\r\nb\r\n\r\nc\x1b[201~": {"\x1b[200~b\x1b[201~\r", "\x1b[200~c\x1b[201~"},
	} {
		out, left, _ := cut(nil, []byte(typed))
		require.Equal(t, want, []string{string(out), string(left)}, "%q", typed)
	}
	for had, waits := range map[string]bool{"": true, "\x1b[D": true, "\x1b": false, "\x1b[": false, "\x1bO": false, "\x1b[?1;2": false, "\x1b]11;rgb:0/0/0\x07": true} {
		_, _, enter := cut([]byte(had), []byte("\r"))
		require.Equal(t, waits, enter, "%q", had)
	}
}
