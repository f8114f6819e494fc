package sandbox

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
)

// ranWith runs code outside of a box, by a runner of which one text is replaced.
func ranWith(t *testing.T, file, old, replaced, code string) approval.Result {
	t.Helper()
	j := steps.Job{Code: code, CodeSHA256: approval.Hash([]byte(code))}
	j.Limits = approval.Limits{Seconds: 1200, MemoryMB: 1024, OutputBytes: 32 << 20, Files: 20} // a machine may have much else to do
	var data bytes.Buffer
	stamp := NewStamp()
	require.NoError(t, WriteJob(&data, j, stamp))
	base := lay(t, data.Bytes())
	path := filepath.Join(base, "runner", file)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), old))
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), old, replaced, 1)), 0o644))
	out, err := in(base, StartCommand(base, python)).CombinedOutput()
	require.NoError(t, err, "%s", out)
	file2, err := os.Open(filepath.Join(base, "result"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file2.Close()) }()
	result, err := ReadResult(file2, j.Limits, stamp)
	require.NoError(t, err)
	return result
}

const anAnswer = `from desk import answer, left_out, note, table
import os, pandas as pd, signal, time
answer("Revenue was $25.")
note("Without returns.")
left_out(3, "no price")
`

func TestAnAnswerIsNotLostWithItsTablesAndCharts(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		cell, after, missing string
		outcome              approval.Outcome
	}{
		"they take too long":          {"time.sleep(10_000)", "", "tables and charts were not, 20 seconds past the limit of 1200: some are missing.", approval.OK},
		"their process is ended":      {"os.kill(os.getpid(), signal.SIGKILL)", "", "its process ended while its tables and charts were written: some are missing.", approval.OK},
		"their process ends itself":   {"os._exit(0)", "", "its process ended while its tables and charts were written: some are missing.", approval.OK},
		"the code has failed as well": {"time.sleep(10_000)", "1 / 0\n", "tables and charts were not, 20 seconds past the limit of 1200: some are missing.", approval.Raised},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			result := ranWith(t, "supervise.py", "latest = deadline + WRITING if", "latest = self.done + 2 if", anAnswer+`class Cell:
    def __str__(self):
        `+c.cell+"\ntable(pd.DataFrame({'a': [Cell()]}), 'Slow')\n"+c.after)
			require.Equal(t, c.outcome, result.Outcome, "%+v", result)
			require.Equal(t, "Revenue was $25.", result.Answer)
			require.Equal(t, []string{"Without returns."}, result.Said)
			require.Equal(t, []approval.Rows{{Count: 3, Why: "no price"}}, result.LeftOut)
			require.Contains(t, strings.Join(result.Notes, "\n"), c.missing)
			require.Empty(t, result.Tables)
		})
	}
}

// The figure that a loop clears and draws anew is another picture each time.
func TestAChartIsDrawnAsItWasWhenItWasGiven(t *testing.T) {
	t.Parallel()
	require.Equal(t, `[['chart-1.png', 'North. 1 bar'], ['chart-2.png', 'South. 2 bars'], ['chart-3.png', 'Total. y: euros, 2 bars']]
True 3
['20 of 25 tables and charts are shown.'] 18`, asked(t, drawing+`
for r, height in (("North", [1]), ("South", [1, 2])):
    plt.clf()
    plt.bar(range(len(height)), height)
    desk.chart(plt.gcf(), r)
    desk.chart(plt.gcf(), r)  # the same picture, once
plt.ylabel("euros")
desk.chart(plt.gcf(), "Total")
plt.title("A later thought")
show.figures(plt)
print([[c["name"], c["alt"]] for c in show.charts])
print(len({open(os.path.join(show.out, c["name"]), "rb").read() for c in show.charts}) == 3, len(os.listdir(show.out)))
# No more are drawn than are shown.
for n in range(20):
    plt.clf()
    plt.bar([0], [n])
    desk.chart(plt.gcf())
show.words()
show.tables_told()
print(show.notes, len(show.charts))
`))
}

const drawing = `
import tempfile
desk = the_desk()
import pandas as pd, numpy as np
import matplotlib.pyplot as plt
show_module = loaded("show")
out = tempfile.mkdtemp()
show = show_module.Show(out, "/work", {"files": 30, "file_bytes": 32 << 20, "one_file": 16 << 20})
show.take_over(plt)
told = sys.modules["desk.telling"].told
show.listen(told)
`

func TestAFigureIsFoundInWhateverAPlotCallReturned(t *testing.T) {
	t.Parallel()
	require.Equal(t, `True True True True True True True True True True
chart() takes a figure or axes of matplotlib, not tuple; for example: chart(frame.plot())
chart() takes a figure or axes of matplotlib, not ndarray; for example: chart(frame.plot())
chart() takes a figure or axes of matplotlib, not list; for example: chart(frame.plot())
chart() takes a figure or axes of matplotlib, not Series; for example: chart(frame.plot())
chart() takes a figure or axes of matplotlib, not float64; for example: chart(frame.plot())`, asked(t, drawing+`
find = sys.modules["desk.telling"]._figure
figure = plt.figure()
inner = figure.subfigures(1, 2)[0]
ax = inner.subplots()
frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3.0, 2.0, 1.0]})
plots = (plt.figure, lambda: plt.hist([1, 2, 3]), lambda: plt.boxplot([1, 2, 3]), lambda: plt.pie([1, 2]), lambda: plt.errorbar([1], [2], [1]),
         frame.hist, lambda: frame.plot(subplots=True))
print(find(inner) is figure, find(ax) is figure, find(ax.plot([1])) is figure, *(find(plot()) is plt.gcf() for plot in plots))
endless = []
endless.append(endless)
for nothing in (([1.0], np.array([1.0, 2.0])), np.array([1.0, 2.0]), endless, frame["a"], np.float64(1)):
    try:
        desk.chart(nothing)
    except TypeError as e:
        print(e)
`))
}

func TestRowsLeftOutAreANumberOfRows(t *testing.T) {
	t.Parallel()
	require.Equal(t, `left_out() got 1e+19 rows, which no table has; it takes a number of rows: len(all) - len(used)
left_out() got 1e+300 rows, which no table has; it takes a number of rows: len(all) - len(used)
left_out() got 1e+300 rows, which no table has; it takes a number of rows: len(all) - len(used)
left_out() takes a number of rows or the rows, not float; for example: left_out(len(all) - len(used), "no price")
left_out() takes a number of rows or the rows, not float; for example: left_out(len(all) - len(used), "no price")
[{"rows": 7, "why": "gone"}, {"rows": 3, "why": "gone\\udc80"}] 300`, asked(t, drawing+`
import json
for rows in (10**19, 1e300, 10**400, float("inf"), float("nan")):
    try:
        desk.left_out(rows, "x")
    except (TypeError, ValueError) as e:
        print(e)
# And whatever a program makes of the list itself.
class Two(str):
    def __str__(self): raise ValueError
told.left_out = [{"rows": 7, "why": "gone"}, {"rows": 1e300, "why": "x"}, {"rows": np.int64(3), "why": "gone\udc80", "more": 1}, {"rows": 2}, None, "x", {"rows": -1, "why": "x"}, {"rows": 1, "why": Two()}]
told.notes = ["n" * 1000] * 20
show.words()
print(json.dumps(show.left_out), len(show.said[0]))
`))
}

func TestEachTableHasAFileOfItsOwn(t *testing.T) {
	t.Parallel()
	require.Equal(t, `['top-3.csv', 'top.csv', 'top-4.csv', 'Top-5.csv', 'top-3-5.csv']
['n\n1\n', 'n\n2\n', 'n\n3\n', 'n\n4\n', 'n\n5\n'] []`, asked(t, drawing+`
for n, title in enumerate(("top 3", "top", "top", "Top", "top 3"), 1):
    desk.table(pd.DataFrame({"n": [n]}), title)
show.tables_told()
print(show.csvs)
print([open(os.path.join(show.out, name)).read() for name in show.csvs], show.notes)
`))
}

// A lone CR ends a row for whoever reads the file, so it must not stand outside of quotation marks.
func TestACellWithALoneReturnStaysACell(t *testing.T) {
	t.Parallel()
	require.Equal(t, `'"a","b"\n"x\r=cmd|\'/c calc\'!A0","1.5"\n"plain","2.0"\n'
'a,b\n"x\r=cmd","1.5"\n\'=1+cmd,2\n' (1, 0)`, asked(t, drawing+`
show.write(pd.DataFrame({"a": ["x\r=cmd|'/c calc'!A0", "plain"], "b": [1.5, 2]}), "t.csv", False)
print(repr(open(os.path.join(show.out, "t.csv"), newline="").read()))
data, *rest = loaded("cells").tamed(b'a,b\n"x\r=cmd","1.5"\n=1+cmd,2\n', 1 << 30, float("inf"))
print(repr(data.decode()), tuple(rest))
`))
}

func TestTablesWithTooMuchTextDoNotTakeTheReportAway(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		letter, labels, notes string
		tables                int
	}{
		"letters of two bytes":           {"ж", "", "", 20},
		"letters of four":                {"\U0001F600", "", "", 20},
		"letters of four, and as labels": {"\U0001F600", "*range(20)", "7 of 20 tables are not shown: they have too much text. Their files are here.", 13},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			result := ranWith(t, "worker.py", "MOST = 8 << 20", "MOST = 8 << 20", `from desk import answer, table
import pandas as pd
answer("Here.")
for n in range(20):
    frame = pd.DataFrame({c: ["`+c.letter+`" * 200] * 20 for c in "abcdefghijklmnopqrst"})
    labels = [`+c.labels+`]
    table(frame.set_index([frame["a"].rename(str(i)) for i in labels]) if labels else frame, f"table {n}")
`)
			require.Equal(t, approval.OK, result.Outcome, "%+v", result.Error)
			require.Equal(t, "Here.", result.Answer)
			require.Len(t, result.Artifacts, 20)
			require.Len(t, result.Tables, c.tables)
			require.Equal(t, c.notes, strings.Join(result.Notes, " "))
		})
	}
}

// What is told of a deed goes in one line of a pipe, however its letters are spelled there.
func TestADeedWithManyLettersOfFourBytesIsSeen(t *testing.T) {
	t.Parallel()
	result := ranWith(t, "watch.py", "MOST = 1000", "MOST = 1000", "import os\nos.system('true ' + '\U0001F600' * 500)\n")
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, []string{"true " + strings.Repeat("\U0001F600", 195)}, result.Observed.Spawned)
}

// Python's strftime takes the module time in the name of the code, and a warning that a library says of its caller's caller has
// Python look for a line of the runner: neither is the code's deed, and what it imports itself is.
func TestWhatPythonDoesByItselfIsNotTheCodesDeed(t *testing.T) {
	t.Parallel()
	result := ranWith(t, "watch.py", "MOST = 1000", "MOST = 1000", `import datetime, warnings
print(f"{datetime.date(2024, 5, 1):%B %Y}", datetime.date(2024, 5, 1).strftime("%d"))
warnings.warn("said of whoever calls", UserWarning, stacklevel=2)
`)
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "May 2024 01\n", result.Stdout)
	require.Contains(t, result.Stderr, "said of whoever calls")
	require.Equal(t, []string{"datetime", "warnings"}, result.Observed.Imported)
	require.Empty(t, result.Observed.Opened)

	result = ranWith(t, "watch.py", "MOST = 1000", "MOST = 1000", "import time\n__import__('json')\n")
	require.Equal(t, []string{"json", "time"}, slices.Sorted(slices.Values(result.Observed.Imported)))
}
