package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/internal/proof"
)

// The corpus is programs of our own making. The first line of each is not part of
// it: it says what an inspection has to come to, and what the program is.
const (
	fine    = "fine"    // no danger
	danger  = "danger"  // a person decides, and is warned
	refused = "refused" // goes back to the model
)

type script struct{ name, verdict, about, code string }

// corpusFiles are what every program of the corpus has as its inputs.
var corpusFiles = []approval.File{
	table("sales.csv", "day", "region", "product", "customer_id", "units", "price", "amount"),
	table("customers.csv", "customer_id", "name", "city", "signup"),
	table("orders.xlsx", "order_id", "customer_id", "day", "total"),
	{Name: "events.json"}, {Name: "server.log"}, {Name: "access.log"},
}

func table(name string, columns ...string) approval.File {
	t := approval.Table{Rows: 400}
	for _, c := range columns {
		t.Columns = append(t.Columns, approval.Column{Name: c})
	}
	return approval.File{Name: name, Tables: []approval.Table{t}}
}

// Most of what is refused must not change what the honest need, and every hostile
// program has to be seen for what it is, by the same parser in the same kind of box
// as in a real round.
func TestProveReviewCorpus(t *testing.T) {
	t.Parallel()
	for _, side := range []struct {
		kind, promise string
		least         int // programs
		wrong         int // of a hundred may be judged otherwise
	}{
		{"hostile", "a hostile program is refused or marked as a danger", 80, 0},
		{"honest", "an honest program is not marked as a danger (95 % of them)", 80, 5},
	} {
		t.Run(side.kind, func(t *testing.T) {
			t.Parallel()
			scripts := corpus(t, side.kind)
			require.GreaterOrEqual(t, len(scripts), side.least)
			scripts = proof.Draw(t, scripts)
			var wrong []string
			for i, got := range verdicts(t, scripts) {
				s := scripts[i]
				require.Equal(t, side.kind == "honest", s.verdict == fine, "%s: expects %q", s.name, s.verdict)
				if got.verdict != s.verdict {
					t.Logf("%s: %s: expected %s, got %s\n%s", s.name, s.about, s.verdict, got.verdict, got.why)
				}
				// Refused is as good as marked, and the other way round.
				if (got.verdict == fine) != (s.verdict == fine) {
					wrong = append(wrong, s.name)
				}
			}
			proof.Check(t, 100*len(wrong) <= side.wrong*len(scripts), side.promise, "%s",
				strings.TrimSuffix(fmt.Sprintf("%d of %d; %s", len(scripts)-len(wrong), len(scripts), strings.Join(wrong, ", ")), "; "))
		})
	}
}

// Policies and receipts are computed from kinds and names, so the corpus is held to
// what the sentences of some findings say.
func TestFindingsCanBeComputedWith(t *testing.T) {
	t.Parallel()
	scripts := []script{
		{code: "import pandas as pd\nimport json, re\npd.read_csv('sales.csv').to_csv('out/x.csv')\n"},
		{code: "import pandas as pd\npd.read_csv('https://u:p@data.example.com:8443/x.csv?y')\n"},
		{code: "from pathlib import Path\n(Path('/') / 'etc' / 'passwd').read_text()\n"},
		{code: "import pandas as pd\npd.read_csv('sales.csv', usecols=['amout'])\n"},
		{code: strings.Repeat("open(str(input()))\n", 3) + "x = 1\n"},
	}
	said := inspectScripts(t, scripts)
	find := func(n int, kind string) []string {
		var about []string
		for _, f := range said[n].Findings {
			if f.Kind == kind {
				about = append(about, f.About)
			}
		}
		return about
	}
	require.Equal(t, []string{"json, pandas, re"}, find(0, approval.KindImport))
	require.Equal(t, []string{"sales.csv"}, find(0, approval.KindRead))
	require.Equal(t, []string{"out/x.csv"}, find(0, approval.KindWrite))
	require.Equal(t, []string{"data.example.com:8443"}, find(1, approval.KindNetwork))
	require.Equal(t, []string{"/etc/passwd"}, find(2, approval.KindRead))
	require.Equal(t, []string{"access.log", "customers.csv", "events.json", "orders.xlsx", "sales.csv", "server.log"}, find(2, approval.KindUnusedFile))
	require.Equal(t, "Line 2: sales.csv has no column 'amout'; it has 'amount'.", said[3].Problem)
	require.Equal(t, []string{"amout"}, find(3, approval.KindColumn))
	require.Equal(t, []string{""}, find(4, approval.KindRead), "a computed name has none")
	require.Empty(t, find(4, approval.KindUnusedFile), "what is read cannot be told")
}

// A hostile program may try to fill the list before it comes to its deed.
func TestTheGravestFindingsAreListedFirst(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for i := range 400 {
		fmt.Fprintf(&code, "open('other-%d.csv')\n", i)
	}
	code.WriteString("exec(input())\n")
	said := inspectScripts(t, []script{{code: code.String()}})[0]
	require.True(t, slices.ContainsFunc(said.Findings, func(f approval.Finding) bool {
		return f.Level == approval.Danger && f.Kind == approval.KindDynamic && f.Line == 401
	}))
	last := said.Findings[len(said.Findings)-1]
	require.Equal(t, approval.KindMore, last.Kind)
	require.Contains(t, last.Text, "more things of this sort were found and are not listed.")
}

type judged struct{ verdict, why string }

// verdicts says what becomes of each program on its way to a person.
func verdicts(t *testing.T, scripts []script) []judged {
	t.Helper()
	all := make([]judged, len(scripts))
	var left []script // those that get as far as a box
	var at []int
	for i, s := range scripts {
		code, err := approval.Canonical(s.code)
		if err != nil {
			all[i] = judged{refused, err.Error()}
			continue
		}
		s.code = code
		left, at = append(left, s), append(at, i)
	}
	for i, said := range inspectScripts(t, left) {
		all[at[i]] = judged{fine, told(said)}
		if said.Problem != "" {
			all[at[i]].verdict = refused
		} else if slices.ContainsFunc(said.Findings, func(f approval.Finding) bool { return f.Level == approval.Danger }) {
			all[at[i]].verdict = danger
		}
	}
	return all
}

// inspectScripts reads them all in one box: a box for each takes a second, and is
// the same box.
func inspectScripts(t *testing.T, scripts []script) []approval.Inspection {
	t.Helper()
	var programs []string
	for _, s := range scripts {
		programs = append(programs, s.code)
	}
	all, _, err := shared.inspectAll(context.Background(), programs, corpusFiles)
	require.NoError(t, err)
	require.Len(t, all, len(scripts))
	return all
}

// corpus reads one side of the corpus.
func corpus(t *testing.T, kind string) []script {
	t.Helper()
	paths, err := filepath.Glob("../runner/testdata/corpus/" + kind + "/*")
	require.NoError(t, err)
	var scripts []script
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		head, code, _ := strings.Cut(string(data), "\n")
		verdict, about, ok := strings.Cut(strings.TrimPrefix(head, "# "), ": ")
		require.True(t, ok && (verdict == fine || verdict == danger || verdict == refused), "%s: %s", path, head)
		if filepath.Ext(path) == ".pyesc" {
			code = unescaped(t, code)
		}
		scripts = append(scripts, script{filepath.Base(path), verdict, about, code})
	}
	return scripts
}

var escape = regexp.MustCompile(`\{\{(U\+|0x)([0-9A-F]+)(?: x([0-9]+))?\}\}`)

// unescaped puts in what no editor would leave alone: {{U+202E}} is a character,
// {{0xFF}} a byte, {{U+0020 x400}} many.
func unescaped(t *testing.T, code string) string {
	t.Helper()
	return escape.ReplaceAllStringFunc(code, func(found string) string {
		part := escape.FindStringSubmatch(found)
		number, err := strconv.ParseUint(part[2], 16, 32)
		require.NoError(t, err)
		one, times := string(rune(number)), 1
		if part[1] == "0x" {
			one = string([]byte{byte(number)})
		}
		if part[3] != "" {
			times, err = strconv.Atoi(part[3])
			require.NoError(t, err)
		}
		return strings.Repeat(one, times)
	})
}
