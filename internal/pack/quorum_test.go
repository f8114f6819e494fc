package pack

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
)

func init() {
	tampered = append(tampered, unapproved...)
}

// unapproved are runs behind which nobody stands, by somebody who has the key.
var unapproved = []struct {
	kind   string
	change func(t testing.TB, o opened)
	says   string
}{
	{"a glass that nobody was told of", func(t testing.TB, o opened) { o.rewrites(t, glassOf("U0CARLA")) }, "it has run with 0 of 1 approvals, and nobody has broken the glass for it"},
	{"a glass that only its giver was told of", func(t testing.TB, o opened) { o.rewrites(t, glassOf("U0CARLA", "U0ONCALL")) }, "it has run with 0 of 1 approvals, and nobody has broken the glass for it"},
	{"a run without an approval", func(t testing.TB, o opened) { o.rewrites(t, nil) }, "it has run with 0 of 1 approvals, and nobody has broken the glass for it"},
}

// glassOf is a broken glass of which these were told.
func glassOf(others ...any) func(f *fake, stream, digest string) {
	return func(f *fake, stream, digest string) {
		f.happens(stream, "U0ONCALL", "broke glass", map[string]any{"revision": 1, "digest": digest, "others": others, "reason": f.says(stream, "the report is due in an hour"), "click": map[string]any{"user": "U0ONCALL"}})
		c := f.of(stream)
		c.Decisions = append(c.Decisions, Decision{Request: stream[len("request:"):], Revision: 1, Digest: digest, Reviewer: "U0ONCALL", Verdict: BrokeGlass, At: noon})
	}
}

// rewrites makes the whole pack anew, by somebody who has the key: in place of approvals something else stands behind each run.
func (o opened) rewrites(t testing.TB, behind func(f *fake, stream, digest string)) {
	f := newFake(t, 0)
	for i := range 30 {
		f.playsBehind(i, "What did we earn in May?", 0, behind)
	}
	clear(o)
	for name, text := range open(t, f.pack("")) {
		o[name] = text
	}
}

func TestARunThatNobodyApprovedNeedsABrokenGlass(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.plays(0, "What did we earn in April?", 0)
	f.playsBehind(1, "What did we earn in May?", 0, glassOf("U0CARLA", "U0BOSS"))
	path := f.pack("")
	r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.Equal(t, []string{"r000001"}, r.Unapproved)
	require.Contains(t, r.Sentences(), "Nobody approved 1 of the runs; somebody broke the glass for each: r000001.")
	page := string(open(t, path)[filePage])
	require.Contains(t, page, "<b>Nobody approved 1 of these runs.</b>")
	require.Contains(t, page, "nobody: U0ONCALL broke the glass")
	require.Contains(t, page, "<b>Broke the glass: nobody approved this</b>: the report is due in an hour")
}
