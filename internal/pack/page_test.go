package pack

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThePageHoldsNoScriptAndTheTablesNoFormulas(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.plays(0, "=HYPERLINK(\"http://x\")<script>alert(1)</script>", 0)
	f.plays(1, "＝1+1", 0)
	f.plays(2, "What did we earn in May?", 0)
	// Somebody has the words of the last one forgotten.
	f.of("request:r000002").Values = nil
	o := open(t, f.pack(""))
	page := string(o[filePage])
	require.NotContains(t, page, "<script")
	require.Contains(t, page, "&lt;script&gt;")
	require.Contains(t, page, `http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-`)
	require.Contains(t, page, "Ben Osei (U0BEN), reviewer")
	require.Contains(t, page, "Maya &lt;Berg&gt; (U0MAYA) asked this", "by the name that she had then")
	require.Contains(t, page, "$0.000561")
	require.Contains(t, string(o[fileRequests]), ",Maya <Berg>,U0MAYA,,C0SALES,")
	require.Contains(t, string(o[fileDecisions]), `"reviewer":"U0BEN","reviewer_name":"Ben Osei"`)
	require.Contains(t, string(o[fileNames]), `{"id":"U0MAYA","name":"Maya Lindqvist","since":"2026-11-26T13:00:00Z"}`)
	require.NotContains(t, string(o[fileNames]), "Eve", "nobody is named who is not in it")
	require.Contains(t, page, "[not in this pack; its hash is ")
	require.Contains(t, string(o[fileRequests]), `"'=HYPERLINK(`)
	require.Contains(t, string(o[fileRequests]), `'＝1+1`)
	if dir := os.Getenv("COUNTERSIGN_PICTURES"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "pack.html"), o[filePage], 0o600))
	}
}
