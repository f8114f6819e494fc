package pack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestThePageHoldsNoScriptAndTheTablesNoFormulas(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.plays(0, "=HYPERLINK(\"http://x\")<script>alert(1)</script>", 0)
	f.plays(1, "＝1+1", 1)
	f.plays(2, "What did we earn in May?", 0)
	// Somebody has the words of the last one forgotten.
	f.of("request:r000002").Values = nil
	o := open(t, f.pack(""))
	page := string(o[filePage])
	require.NotContains(t, page, "<script")
	require.Contains(t, page, "&lt;script&gt;")
	require.Contains(t, page, `http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-`)
	require.Contains(t, page, "Ben Osei (U0BEN)<br><span class=\"faint\">reviewer by the settings of the server</span>")
	require.Contains(t, page, "Maya &lt;Berg&gt; (U0MAYA) asked this", "by the name that she had then")
	require.Contains(t, page, "Maya &lt;Berg&gt; (U0MAYA) chose the model codestral-2508")
	require.Contains(t, page, "$0.000627")
	require.Contains(t, page, `<b class="good">Answered</b>`)
	require.Contains(t, page, `</a> <code class="faint">r000000</code>`, "the ids that the alarm names are in the list")
	require.Contains(t, string(o[fileRequests]), ",Maya <Berg>,U0MAYA,,C0SALES,")
	require.Contains(t, string(o[fileDecisions]), `"reviewer":"U0BEN","reviewer_name":"Ben Osei"`)
	require.Contains(t, string(o[fileNames]), `{"id":"U0MAYA","name":"Maya Lindqvist","since":"2026-11-26T13:00:00Z"}`)
	require.NotContains(t, string(o[fileNames]), "Eve", "nobody is named who is not in it")
	require.Contains(t, page, `<br><span class="faint">first opened the code 1 second before</span>`)
	require.Contains(t, page, `<br><span class="faint">no opening of the code by them is on record; the card in Slack shows it as well</span>`)
	require.Contains(t, page, "[not in this pack; its hash is ")
	require.Contains(t, string(o[fileRequests]), `"'=HYPERLINK(`)
	require.Contains(t, string(o[fileRequests]), `'＝1+1`)
	pictured(t, "pack.html", page)
}

// pictured keeps a page for whoever wants to look at it.
func pictured(t *testing.T, name, page string) {
	t.Helper()
	if dir := os.Getenv("COUNTERSIGN_PICTURES"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(page), 0o600))
	}
}

// TestPageOneSaysThatACopyWasPutBack has copies with everything that may be known of what is lost.
func TestPageOneSaysThatACopyWasPutBack(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.plays(0, "What did we earn in May?", 0)
	f.happens("restores", "operator", "restored", map[string]any{"checkpoint": 3, "size": 512, "lost_checkpoint": 5, "lost_size": 540, "lost": 28, "open": 2, "epoch": "3 of 5", "teams": []any{"T1"}})
	f.happens("restores", "operator", "restored", map[string]any{"checkpoint": 6, "size": 600, "lost_checkpoint": 6, "lost_size": 600, "lost": 0, "open": 0, "epoch": "6 of 6", "teams": []any{"T1"}})
	f.happens("restores", "operator", "restored", map[string]any{"checkpoint": 7, "size": 700, "lost": -1, "open": 1, "epoch": "7", "teams": []any{"T1"}})
	f.plays(1, "And in June?", 0)
	for _, asker := range []string{"", "r000001"} { // all of it, and a selection
		path := f.pack(asker)
		page := string(open(t, path)[filePage])
		first, _, _ := strings.Cut(page, "<h2>Requests</h2>")
		require.Equal(t, 3, strings.Count(first, "A copy of the database was put back"), "it stands above everything")
		require.Contains(t, first, "(entry 10). It reached up to checkpoint 3, which covers 512 entries. Up to 28 signed entries that came after it are lost: checkpoint 5, seen before, covered 540. Requests that were open in it and ended then: 2.")
		require.Contains(t, first, "No signed entry is lost.")
		require.Contains(t, first, "How many entries are lost nobody knows")
	}
	g := newFake(t, 1)
	g.plays(0, "What did we earn in May?", 0)
	require.NotContains(t, string(open(t, g.pack(""))[filePage]), "put back")
}

func TestHowLongTheCodeWasOpenIsSaidAsPeopleSayIt(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]string{0: "0 seconds", 1500 * time.Millisecond: "1 second", 90 * time.Second: "90 seconds", 2 * time.Minute: "2 minutes", time.Hour: "1 hour", 50 * time.Hour: "2 days"} {
		d := Decided{Verdict: "Approved", Opened: noon, At: noon.Add(took)}
		require.Equal(t, "first opened the code "+want+" before", d.HadOpen())
	}
	require.Empty(t, Decided{Verdict: "Approved", At: noon}.HadOpen(), "the pack begins after it")
	require.Empty(t, Decided{Verdict: verdictWords[kindDisowned], Unopened: true}.HadOpen())
}

func TestOnlyWhoApprovedTheVersionThatRanStandsBehindIt(t *testing.T) {
	t.Parallel()
	s := &Story{Versions: []*Version{{Number: "1"}, {Number: "2"}}, Decisions: []Decided{{Who: "U0BEN", Verdict: "Approved", Number: "1"}, {Who: "U0PRIYA", Verdict: "Approved", Number: "2"}}}
	require.Equal(t, "approved by U0PRIYA", s.Stands(NewNames(nil)), "of what waits the last version counts")
	s.Run = &Run{Version: "1"}
	require.Equal(t, "approved by U0BEN", s.Stands(NewNames(nil)))
	s.Run, s.Decisions = nil, s.Decisions[:1]
	require.Equal(t, "approved by nobody", s.Stands(NewNames(nil)), "nobody has approved the second version")
	s.Versions = nil
	require.Equal(t, "approved by U0BEN", s.Stands(NewNames(nil)), "where the pack has no version, all that was said is told")
}

func TestNoPackDrawsAVerdictOfItsOwn(t *testing.T) {
	t.Parallel()
	const name = "entry 3 (event 1 of request:x\x1b[2J\rIt holds.\nIt holds.\u202e)"
	said := Report{Faults: []Fault{{Name: name, Says: "no"}}, Unapproved: []string{name}, Uncovered: []string{name}}.Sentences()
	clean := Report{Faults: []Fault{{Name: "x", Says: "no"}}, Unapproved: []string{"x"}, Uncovered: []string{"x"}}.Sentences()
	require.Equal(t, strings.Count(clean, "\n"), strings.Count(said, "\n"), "a name makes no line")
	for _, obeyed := range []string{"\x1b", "\r", "\u202e"} {
		require.NotContains(t, said, obeyed)
		require.NotContains(t, (&Broken{What: name, Why: "no"}).Error(), obeyed)
	}
	require.NotContains(t, (&Broken{What: name, Why: "no"}).Error(), "\n")
}
