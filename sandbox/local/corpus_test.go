//go:build linux

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
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/internal/proof"
)

// The corpus is programs of our own making. The first line of each is not part of
// it: it says what an inspection has to come to, and what the program is. One in a
// folder is a file; the others stand one after another in a file that the kind names.
const (
	fine    = "fine"    // nothing unusual
	medium  = "medium"  // something to be careful about, named with its line
	danger  = "danger"  // a person decides, and is warned
	refused = "refused" // goes back to the model
)

var gravity = map[string]int{fine: 0, medium: 1, danger: 2, refused: 2} // refused is as good as marked

type script struct {
	name, verdict, about, code string
	line                       int // of an unusual one: where its finding has to be
}

// corpusFiles are what every program of the corpus has as its inputs.
var corpusFiles = []approval.File{
	table("sales.csv", "day", "region", "product", "customer_id", "units", "price", "amount"),
	table("customers.csv", "customer_id", "name", "city", "signup"),
	table("orders.xlsx", "order_id", "customer_id", "day", "total"),
	table("events.json"), table("server.log"), table("access.log"),
}

func table(name string, columns ...string) approval.File {
	t := reading.Table{Rows: 400}
	for _, c := range columns {
		t.Columns = append(t.Columns, reading.Column{Name: c})
	}
	return approval.File{Name: name, Reading: &reading.Reading{Tables: []reading.Table{t}}}
}

// Most of what is refused must not change what the honest need, and every hostile
// program has to be seen for what it is, by the same parser in the same kind of box
// as in a real round. `make prove-review` reads all of them, `make test` a tenth that
// is drawn anew each time.
func TestProveReviewCorpus(t *testing.T) {
	t.Parallel()
	for _, side := range []struct {
		kind, promise string
		least         int // programs
		wrong         int // of a hundred may be judged otherwise
		right         func(s script, got judged) bool
	}{
		{"hostile", "a hostile program is at least medium, and a danger or refused where it reaches outside", 500, 0, func(s script, got judged) bool {
			return gravity[got.verdict] >= gravity[s.verdict] && got.verdict != fine
		}},
		{"honest", "an honest program has nothing unusual in it (97 % of them)", 150, 3, func(_ script, got judged) bool { return got.verdict == fine }},
		{"unusual", "an honest and unusual program is medium or a danger, its line named", 50, 0, func(s script, got judged) bool {
			return (got.verdict == medium || got.verdict == danger) && gravity[got.verdict] >= gravity[s.verdict] && slices.Contains(got.lines, s.line)
		}},
	} {
		t.Run(side.kind, func(t *testing.T) {
			t.Parallel()
			scripts := corpus(t, side.kind)
			require.GreaterOrEqual(t, len(scripts), side.least)
			for _, s := range scripts {
				require.Equal(t, side.kind == "honest", s.verdict == fine, "%s: expects %q", s.name, s.verdict)
			}
			scripts = proof.Draw(t, scripts)
			if !proof.Whole() {
				side.wrong *= 5 // of a few, one is many
			}
			var wrong []string
			for i, got := range verdicts(t, scripts) {
				if s := scripts[i]; !side.right(s, got) {
					t.Logf("%s: %s: expected %s, got %s\n%s", s.name, s.about, s.verdict, got.verdict, got.why)
					wrong = append(wrong, s.name+" ("+s.about+")")
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

type judged struct {
	verdict, why string
	lines        []int // of what is named
}

// verdicts says what becomes of each program on its way to a person.
func verdicts(t *testing.T, scripts []script) []judged {
	t.Helper()
	all := make([]judged, len(scripts))
	var left []script // those that get as far as a box
	var at []int
	for i, s := range scripts {
		code, err := approval.Canonical(s.code)
		if err != nil {
			all[i] = judged{verdict: refused, why: err.Error()}
			continue
		}
		s.code = code
		left, at = append(left, s), append(at, i)
	}
	for i, said := range inspectScripts(t, left) {
		got := judged{verdict: fine, why: told(said)}
		for _, f := range said.Findings {
			if f.Level == approval.Note || f.Kind == approval.KindUnusedFile { // no program of the corpus reads all six
				continue
			}
			got.lines = append(got.lines, f.Line)
			if level := map[approval.Level]string{approval.Caution: medium, approval.Danger: danger}[f.Level]; gravity[level] > gravity[got.verdict] {
				got.verdict = level
			}
		}
		if said.Problem != "" {
			got.verdict = refused
		}
		all[at[i]] = got
	}
	return all
}

// inspectScripts reads many in one box: a box for each takes a second, and is the
// same box. It has only so long, so that there are several boxes for very many.
func inspectScripts(t *testing.T, scripts []script) (all []steps.Inspection) {
	t.Helper()
	for some := range slices.Chunk(scripts, 100) {
		var programs []string
		for _, s := range some {
			programs = append(programs, s.code)
		}
		said, _, err := shared.inspectAll(context.Background(), programs, corpusFiles)
		require.NoError(t, err)
		require.Len(t, said, len(some))
		all = append(all, said...)
	}
	return all
}

// corpus reads one side of the corpus.
func corpus(t *testing.T, kind string) []script {
	t.Helper()
	const folder = "../runner/testdata/corpus/"
	paths, err := filepath.Glob(folder + kind + "/*")
	require.NoError(t, err)
	var scripts []script
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		head, code, _ := strings.Cut(string(data), "\n")
		if filepath.Ext(path) == ".pyesc" {
			code = unescaped(t, code)
		}
		scripts = append(scripts, headed(t, filepath.Base(path), strings.TrimPrefix(head, "# "), code))
	}
	data, err := os.ReadFile(folder + kind + ".txt")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(data), "\n#~ ")
	for i, part := range strings.Split(rest, "\n#~ ") {
		head, code, _ := strings.Cut(part, "\n")
		scripts = append(scripts, headed(t, fmt.Sprintf("%s.txt, program %d", kind, i+1), head, code+"\n"))
	}
	return scripts
}

// headed makes a script of what stands above it: "danger: what it is", "medium 3: ..."
func headed(t *testing.T, name, head, code string) script {
	t.Helper()
	verdict, about, ok := strings.Cut(head, ": ")
	verdict, at, _ := strings.Cut(verdict, " ")
	line, _ := strconv.Atoi(at) // 0 where none is named
	_, known := gravity[verdict]
	require.True(t, ok && known, "%s: %s", name, head)
	return script{name, verdict, about, code, line}
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
