package pack

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

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
	{"a version that nobody was shown", func(t testing.TB, o opened) {
		o.rewrites(t, func(f *fake, stream, digest string) {
			approves(f, stream, digest, "U0BEN")
			f.happens(stream, "countersign", "started", map[string]any{"box": "box", "revision": 7, "digest": sum([]byte("of nothing"))})
		})
	}, "it has run with 0 of 1 approvals, and nobody has broken the glass for it"},
	{"a version that was started twice", func(t testing.TB, o opened) {
		o.rewrites(t, func(f *fake, stream, digest string) {
			approves(f, stream, digest, "U0BEN")
			f.happens(stream, "countersign", "started", map[string]any{"box": "box", "revision": 1, "digest": digest})
		})
	}, "it has run with 0 of 1 approvals, and nobody has broken the glass for it"},
	{"an approval by whoever asked", func(t testing.TB, o opened) {
		o.rewrites(t, func(f *fake, stream, digest string) { approves(f, stream, digest, "U0MAYA") })
	}, "it has run with 0 of 1 approvals, and nobody has broken the glass for it"},
	{"an approval by whoever wrote it", func(t testing.TB, o opened) {
		o.rewrites(t, func(f *fake, stream, digest string) { approves(f, stream, digest, "codestral-2508") })
	}, "it has run with 0 of 1 approvals, and nobody has broken the glass for it"},
	{"an approval that its giver disowned", func(t testing.TB, o opened) {
		o.rewrites(t, func(f *fake, stream, digest string) {
			approves(f, stream, digest, "U0BEN")
			f.happens(stream, "U0BEN", "disowned", map[string]any{"revision": 1, "digest": digest, "click": map[string]any{"user": "U0BEN"}})
		})
	}, "it has run with 0 of 1 approvals, and nobody has broken the glass for it"},
	{"a run without an approval", func(t testing.TB, o opened) { o.rewrites(t, nil) }, "it has run with 0 of 1 approvals, and nobody has broken the glass for it"},
}

// approves has somebody approve the first version.
func approves(f *fake, stream, digest, who string) {
	f.happens(stream, who, "approved", map[string]any{"revision": 1, "digest": digest, "settings": true, "click": map[string]any{"team": "T1", "user": who}})
	c := f.of(stream)
	c.Decisions = append(c.Decisions, Decision{Request: stream[len("request:"):], Revision: 1, Digest: digest, Reviewer: who, Verdict: "approve", At: noon})
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

// What page one says that nobody approved has run, and nobody approved it.
func TestAGlassThatNothingRanByIsNotAmongTheRuns(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.playsBehind(0, "What did we earn in April?", 0, func(f *fake, stream, digest string) {
		glassOf("U0CARLA", "U0BOSS")(f, stream, digest)
		// The seal breaks before anything runs, and the new version is approved.
		f.happens(stream, "countersign", "sealed anew", map[string]any{"revision": 2, "digest": digest, "code": f.says(stream, program), "manifest": f.says(stream, `{"approvals":1}`), "summary": f.says(stream, "The same.")})
	})
	f.playsBehind(1, "What did we earn in May?", 0, glassOf("U0CARLA", "U0BOSS"))
	told := func(id string) *Story {
		s, err := Tell(f.of("request:" + id))
		require.NoError(t, err)
		return s
	}
	require.Empty(t, told("r000000").Glass)
	require.Equal(t, "U0ONCALL", told("r000001").Glass)
	waits := told("r000001")
	waits.ID, waits.Run = "waits", nil
	var out strings.Builder
	p := newPage(&out, Options{Zone: time.UTC}, NewNames(nil), &verifier{entries: newEntries()})
	p.add(told("r000000"))
	p.add(told("r000001"))
	p.add(waits)
	p.end(Contents{})
	require.NoError(t, errors.Join(p.err, p.close()))
	require.Contains(t, out.String(), "<b>Nobody approved 1 of these runs.</b>")

	var rows strings.Builder
	table := newTables(&rows, io.Discard, Options{Zone: time.UTC}, NewNames(nil))
	table.add(told("r000001"))
	require.NoError(t, table.end())
	require.Contains(t, rows.String(), "approved by,rejected by,glass broken by,risk")
	require.Contains(t, rows.String(), ",U0ONCALL,low,")
}

// How many approvals a version takes stands in the text of its manifest. Where that is not in the pack, the verifier says so.
func TestARunWhoseNeedIsNotInThePackIsSaidToBeSo(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.plays(0, "What did we earn in April?", 0)
	f.plays(1, "What did we earn in May?", 0)
	f.of("request:r000001").Values = nil
	r, err := Verify(f.pack(""), Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.Equal(t, []string{"r000001"}, r.Unknown)
	require.Contains(t, r.Sentences(), "Of 1 runs it is not in the pack how many approvals they needed; each had one at least: r000001.")
}

// Of a run whose version and approvals came before the pack begins, nobody can know who stood behind it: that is said.
func TestARunOfAVersionOfBeforeThePackIsSaidToBeUnknown(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.edge = kindApproved
	f.plays(0, "What did we earn in May?", 0)
	path := f.pack("")
	r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.True(t, r.Shown())
	require.Positive(t, r.First)
	require.Contains(t, r.Sentences(), "Not known of 1 request: the version that ran came before this pack begins, so who stood behind its run is not known (r000000).")
	require.Contains(t, string(open(t, path)[filePage]), "<b>Not known:</b> the version that ran came before this pack begins")
}

// A selection that hides how a request began, though that lies in the pack, is broken; one that begins after it is not.
func TestASelectionShowsARequestFromItsBeginningOn(t *testing.T) {
	t.Parallel()
	plays := func(hides ...string) (Report, string, error) {
		f := newFake(t, 0)
		f.edge = kindDrafted // of the first request, so the pack has only the rest of it
		f.plays(0, "What did we earn in April?", 0)
		f.plays(1, "And in May?", 0)
		f.leaves = func(e Entry) bool {
			return strings.Contains(string(e.Event), `"stream":"request:r000001"`) && slices.ContainsFunc(hides, func(kind string) bool { return strings.Contains(string(e.Event), `"kind":"`+kind+`"`) })
		}
		path := f.pack("r00000")
		r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
		return r, string(open(t, path)[filePage]), err
	}
	r, page, err := plays()
	require.NoError(t, err)
	require.True(t, r.Shown(), r.Sentences())
	require.Positive(t, r.First)
	require.Contains(t, r.Sentences(), "That no later entry of what it shows, and no request that belongs to it, is left out is the installation's word.")
	require.Contains(t, page, "That no later entry of these requests, and no request that belongs here, is left out is the word of whoever made it.")
	_, _, err = plays(kindAsked, "held")
	require.ErrorContains(t, err, "event 2 of request:r000001: it is left out, and entry 12, which continues it, is shown")
}
