package pack

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"countersign/approval/redact"
)

// What a rule finds is in no file of a pack. Its salted hash is, so the pack holds as before, and whoever has
// the value can show that it was this one.
func TestACanaryIsInNoFileOfAPack(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	rules, err := redact.With("Falcon")
	require.NoError(t, err)
	f.hides = rules
	const question = "What did canary@leak.example earn with Falcon in May?"
	stream := "request:r000000"
	f.ends = func(stream string) map[string]any {
		return map[string]any{"outcome": "error", "error": f.says(stream, "KeyError: 'canary@leak.example'"),
			"result": f.says(stream, `{"outcome":"error","stdout":"canary@leak.example"}`),
			// No rule can look into these: a workbook is a compressed archive, and UTF-16 has a zero beside each sign.
			"files": []any{f.says(stream, "PK\x03\x04\xff canary"), f.says(stream, "c\x00a\x00n\x00a\x00r\x00y\x00"), f.says(stream, "\x89PNG\r\n\x1a\n drawn"),
				f.says(stream, "GIF89a,canary@leak.example\n")}}
	}
	f.plays(0, question, 0)
	f.ends = nil
	f.plays(1, "What did we earn in May?", 0)
	path := f.pack("")
	o := open(t, path)
	for name, text := range o {
		require.NotContains(t, strings.ToLower(string(text)), "canary", name)
		require.NotContains(t, strings.ToLower(string(text)), "falcon", name)
		for _, hidden := range []string{"GIF89a,canary@leak.example\n", "PK\x03\x04\xff canary", "c\x00a\x00n\x00a\x00r\x00y\x00"} {
			require.NotContains(t, string(text), base64.StdEncoding.EncodeToString([]byte(hidden)), name)
		}
	}
	page := string(o[filePage])
	require.Contains(t, page, "masked by the rule for: e-mail address, a rule that administrators have added")
	require.Contains(t, page, "What did [e-mail masked] earn with [hidden masked] in May?")
	require.Contains(t, page, "<b>6 values are masked or left out.</b>")
	require.Contains(t, string(o[fileRequests]), "What did [e-mail masked] earn")
	require.Contains(t, page, "from desk import load", "code that holds none is there")
	for _, v := range f.cases[stream].Values {
		if strings.Contains(string(v.Bytes), "masked]") {
			require.Contains(t, string(o[fileEntries]), v.Hash, "its hash stays")
		}
	}
	r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.True(t, r.Shown())
	require.Equal(t, 6, r.Bare)
	require.Contains(t, string(o[fileValues]), base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\n drawn")), "a picture is drawn by code that was reviewed")
}
