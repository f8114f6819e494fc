//go:build linux

package local

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
)

// What comes out of a box comes out right, or with a word about what did not.

// noted asserts that a note holds the words.
func noted(t *testing.T, r approval.Result, words string) {
	t.Helper()
	require.Contains(t, strings.Join(r.Notes, "\n"), words)
}

func TestAFileNameBreaksNothing(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
for name in ["miete_pro_m².csv", "①.csv", "chart-10.png", "chart-2.png", "٣.txt", "99999999999999999999.txt", "a" * 200 + ".csv", "½", "é\u0301.csv", "plan-²-10.txt"]:
    open(name, "w").write("x")
"done"
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "done", result.Value)
	require.Len(t, result.Artifacts, 10, "%v", result.Notes)
	require.Contains(t, names(result.Artifacts), "miete_pro_m_.csv")
	noted(t, result, "The file 'miete_pro_m².csv' comes back as miete_pro_m_.csv.")
}

func TestProveReadingABigTableKeepsItsHead(t *testing.T) {
	t.Parallel()
	for name, code := range tenthOf(t, "of a table that is too big its head comes back, and it is said", map[string]string{
		"half a million rows":      "big = pd.DataFrame({c: np.random.default_rng(1).normal(size=520_000) for c in 'abcd'})\nbig",
		"ten million rows":         "big = pd.DataFrame({'n': np.arange(10_000_000), 'half': np.arange(10_000_000) / 2})\nbig",
		"three middling tables":    "big = pd.DataFrame({c: np.random.default_rng(1).normal(size=150_000) for c in 'abcd'})\nbig, big * 2, big * 3",
		"labels of megabytes":      "big = pd.DataFrame({'x' * 3_000_000: [1, 2], ('y' * 3_000_000, 'z'): [3, 4]}, index=['k' * 3_000_000, 'l'])\nbig",
		"a row larger than a file": "big = pd.DataFrame({'a': ['x' * 17_000_000]})\nbig",
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := run(t, job("import pandas as pd, numpy as np\n"+code+"\n", roomy))
			require.Equal(t, approval.OK, result.Outcome, "%+v", result.Error)
			require.NotEmpty(t, result.Tables)
			require.NotEmpty(t, result.Tables[0].Rows)
			for i, g := range result.Tables {
				for _, a := range result.Artifacts {
					if a.Kind != "table" || !strings.Contains(a.Name, fmt.Sprint(i+1)) && len(result.Tables) > 1 {
						continue
					}
					text := string(a.Data)
					require.True(t, strings.HasSuffix(text, "\n"), "no half of a row")
					if rows := strings.Count(text, "\n") - 1; rows < g.TotalRows {
						noted(t, result, fmt.Sprintf("%s has the first ", a.Name))
						noted(t, result, " rows: more may not come back.")
					} else {
						require.Equal(t, g.TotalRows, rows)
					}
				}
			}
			if len(result.Artifacts) < len(result.Tables) {
				noted(t, result, "CSV")
			}
		})
	}
}

func TestWritingDoesNotEatTheCodesTime(t *testing.T) {
	t.Parallel()
	done := func(r approval.Result) bool { return !strings.HasPrefix(r.Error, "It was stopped at its limit") }
	result, limit := inTime(t, 3, func(limit int) string {
		return fmt.Sprintf(`
import time, pandas as pd
begun = time.monotonic()
class Slow:
    def __str__(self):
        time.sleep(max(0, begun + %d + 1 - time.monotonic()))
        return "slow"
pd.DataFrame({"a": [Slow()]})
`, limit)
	}, done)
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, [][]string{{"slow"}}, result.Tables[0].Rows)
	require.Less(t, result.Code, time.Duration(limit)*time.Second, "writing went on until a second after that")

	result, limit = inTime(t, 3, func(int) string {
		return `
import time, pandas as pd
class Endless:
    def __str__(self):
        while True:
            time.sleep(1)
pd.DataFrame({"a": [Endless()]})
`
	}, done)
	require.Equal(t, approval.TimedOut, result.Outcome, "%+v", result)
	require.Equal(t, fmt.Sprintf("The code was done in time, but its tables and charts were not, 20 seconds past the limit of %d.", limit), result.Error)
}

func TestProveReadingNothingVanishesWithoutAWord(t *testing.T) {
	t.Parallel()
	type vanishing struct {
		code  string
		input string
		check func(t *testing.T, r approval.Result)
	}
	for name, c := range tenthOf(t, "nothing that a program makes vanishes without a word", map[string]vanishing{
		"folders that are too deep": {code: "import os\nos.makedirs('a/b/c/d/e')\nopen('a/b/c/d/e/lost.txt', 'w').write('x')\nopen('a/b/c/d/kept.txt', 'w').write('x')\n'done'",
			check: func(t *testing.T, r approval.Result) {
				noted(t, r, "What is in folders that are more than 4 deep was left behind: 1 of them.")
				require.Equal(t, []string{"a_b_c_d_kept.txt"}, names(r.Artifacts))
			}},
		"a folder without its rights": {code: "import os\nos.mkdir('shut')\nopen('shut/in.txt', 'w').write('x')\nos.chmod('shut', 0o400)\nopen('dark.txt', 'w').write('x')\nos.chmod('dark.txt', 0)\nos.mkdir('closed', 0)\n'done'",
			check: func(t *testing.T, r approval.Result) {
				require.Equal(t, "done", r.Value)
				require.ElementsMatch(t, []string{"shut_in.txt", "dark.txt"}, names(r.Artifacts), "%v", r.Notes)
			}},
		"an input that is written over": {input: "abc\n", code: "import os\ntimes = os.stat('in.txt')\nopen('in.txt', 'r+').write('xyz')\nos.utime('in.txt', ns=(times.st_atime_ns, times.st_mtime_ns))\n'done'",
			check: func(t *testing.T, r approval.Result) {
				noted(t, r, "The code changed its copy of the input in.txt.")
				require.Equal(t, []string{"in.txt"}, names(r.Artifacts))
			}},
		"an input that is only touched": {input: "abc\n", code: "import os\nos.chmod('in.txt', 0o644)\nos.utime('in.txt')\n'done'",
			check: func(t *testing.T, r approval.Result) {
				require.Empty(t, r.Artifacts)
				require.Empty(t, r.Notes)
			}},
		"text before stdout is replaced": {code: "import sys, io\nprint('first', end='')\nprint('warned', end='', file=sys.stderr)\nsys.stdout = io.StringIO()\nsys.stderr = io.StringIO()\nprint('inside')\n'done'",
			check: func(t *testing.T, r approval.Result) {
				require.Equal(t, "first", r.Stdout)
				require.Equal(t, "warned", r.Stderr)
			}},
		"sys.exit with a table": {code: "import sys, pandas as pd\nsys.exit(pd.DataFrame({'a': [1, 2]}))",
			check: func(t *testing.T, r approval.Result) {
				require.Len(t, r.Tables, 1)
				noted(t, r, "The code ended with sys.exit and this value.")
			}},
		"sys.exit with nothing wrong": {code: "import sys\nprint('all')\nsys.exit(0)",
			check: func(t *testing.T, r approval.Result) {
				require.Equal(t, "all\n", r.Stdout)
				require.Empty(t, r.Notes)
			}},
		"half a character in a cell": {code: "import pandas as pd\npd.DataFrame({'a\\udc80': ['x\\ud800y', 'z']})",
			check: func(t *testing.T, r approval.Result) {
				require.Equal(t, []string{`a\udc80`}, r.Tables[0].Columns)
				require.Equal(t, [][]string{{`x\ud800y`}, {"z"}}, r.Tables[0].Rows)
				require.Equal(t, "a\\udc80\nx\\ud800y\nz\n", string(r.Artifacts[0].Data))
			}},
		"half a character in a value": {code: "{'a': 'x\\ud800y'}", check: func(t *testing.T, r approval.Result) { require.Contains(t, r.Value, `x\ud800y`) }},
		"a million warnings before the answer": {code: "import sys\nfor i in range(30_000):\n    sys.stderr.write('warning %d' % i + ' ' * 60 + '\\n')\nprint('the answer is 42')\n",
			check: func(t *testing.T, r approval.Result) {
				require.Equal(t, "the answer is 42\n", r.Stdout)
				require.True(t, strings.HasPrefix(r.Stderr, "warning 0 "))
				require.True(t, strings.Contains(r.Stderr, "\nwarning 29999 "))
				noted(t, r, "What was written to stderr was cut: its beginning and its end are shown")
			}},
		"an answer after a million lines": {code: "for i in range(30_000):\n    print('line', i, ' ' * 60)\nprint('the answer is 42')\n",
			check: func(t *testing.T, r approval.Result) {
				require.True(t, strings.HasSuffix(r.Stdout, "\nthe answer is 42\n"))
				require.Contains(t, r.Stdout, " bytes are left out here ...]\n")
				noted(t, r, "What was printed was cut")
			}},
		"more tables than are shown": {code: "import pandas as pd\n[pd.DataFrame({'a': [n]}) for n in range(12)]", check: func(t *testing.T, r approval.Result) { noted(t, r, "10 of 12 tables are shown.") }},
		"a list of millions":         {code: "list(range(5_000_000))", check: func(t *testing.T, r approval.Result) { require.Contains(t, r.Value, "... and 4,998,000 more") }},
		"numbers that were added up": {code: "import pandas as pd\npd.DataFrame({'a': [2198.7000000000003, 0.1 + 0.2, 1e-7, 5.0]})",
			check: func(t *testing.T, r approval.Result) {
				require.Equal(t, "a\n2198.7\n0.3\n1e-07\n5.0\n", string(r.Artifacts[0].Data))
			}},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := job(c.code+"\n", roomy)
			if c.input != "" {
				j.Inputs = []steps.InputFile{{Input: approval.Input{Name: "in.txt", SHA256: approval.Hash([]byte(c.input))}, Size: int64(len(c.input)), Open: steps.Held([]byte(c.input))}}
			}
			result := run(t, j)
			require.Equal(t, approval.OK, result.Outcome, "%+v", result)
			c.check(t, result)
		})
	}
}
