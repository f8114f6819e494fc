//go:build linux

package local

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

func TestTablesOfAllSortsAreShown(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import pandas as pd, numpy as np, datetime as dt, decimal

class Odd:
    def __str__(self):
        raise ValueError

missing = pd.DataFrame({"n": [1.5, np.nan, np.inf], "d": pd.to_datetime([dt.datetime(2024, 1, 31), None, dt.datetime(2024, 2, 1, 12, 30)]),
    "x": [decimal.Decimal("1.10"), None, dt.date(2024, 1, 1)], 7: ["a\nb", "é", "z" * 300]})
levels = pd.DataFrame({"k": ["a", "a", "b"], "m": [1, 2, 1], "v": [1, 2, 3]}).groupby(["k", "m"]).agg({"v": ["sum", "mean"]})
series = pd.Series([1.25, 0.00001, 1e20], index=["a", "b", "c"], name="v")
twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
nothing = pd.DataFrame(columns=["a"])
odd = pd.DataFrame({"a": [Odd()]})
missing, levels, series, twice, nothing, odd
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	for i := range result.Tables {
		result.Tables[i].Title = ""
	}
	require.Equal(t, []approval.Grid{
		{Columns: []string{"n", "d", "x", "7"}, Numbers: []bool{true, false, false, false}, TotalRows: 3, Rows: [][]string{{"1.5", "2024-01-31", "1.10", "a b"},
			{"–", "–", "–", "é"}, {"inf", "2024-02-01 12:30:00", "2024-01-01", strings.Repeat("z", 199) + "…"}}},
		{Columns: []string{"k", "m", "v / sum", "v / mean"}, Numbers: []bool{false, false, true, true}, TotalRows: 3,
			Rows: [][]string{{"a", "1", "1", "1"}, {"a", "2", "2", "2"}, {"b", "1", "3", "3"}}},
		{Columns: []string{"", "v"}, Numbers: []bool{false, true}, TotalRows: 3, Rows: [][]string{{"a", "1.25"}, {"b", "1e-05"}, {"c", "1e+20"}}},
		{Columns: []string{"a", "a"}, Numbers: []bool{true, true}, TotalRows: 1, Rows: [][]string{{"1", "2"}}},
		{Columns: []string{"a"}, Numbers: []bool{false}, TotalRows: 0, Rows: [][]string{}},
		{Columns: []string{"a"}, Numbers: []bool{false}, TotalRows: 1, Rows: [][]string{{"(cannot be shown)"}}},
	}, result.Tables)
	require.Equal(t, []string{"table-1.csv", "table-2.csv", "table-3.csv", "table-4.csv", "table-5.csv"}, names(result.Artifacts))
	require.Contains(t, strings.Join(result.Notes, ""), "could not be written as CSV")
}

func TestLongAndWideTablesAreCutAndComeWhole(t *testing.T) {
	t.Parallel()
	result := run(t, job("import pandas as pd\nbig = pd.DataFrame({i: range(1000) for i in range(30)})\nbig, big['x' if False else 3]\n", roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Len(t, result.Tables, 2)
	require.Len(t, result.Tables[0].Columns, 20)
	require.Len(t, result.Tables[0].Rows, 20)
	require.Equal(t, 1000, result.Tables[0].TotalRows)
	require.Contains(t, result.Notes, "20 of 30 columns are shown.")
	require.Equal(t, []string{"table-1.csv", "table-2.csv"}, names(result.Artifacts))
	require.Equal(t, 1001, strings.Count(string(result.Artifacts[0].Data), "\n"))
}

func TestOtherValuesAreShownAsText(t *testing.T) {
	t.Parallel()
	// show.py is asked in one box what it would say of each value.
	result := run(t, job(`
import numpy, matplotlib.pyplot as plt
class Odd:
    def __repr__(self):
        raise ValueError
show = {}
exec(open("/runner/show.py").read(), show)
for value in ("a text", numpy.float64(3.5), {"b": 1, "a": [2]}, None, 7, Odd()):
    print(show["plain"](value))
print([show["drawing"](v) for v in (plt.plot([1, 2]), plt.subplots(2, 2)[1], plt.bar([1], [1]), [], "x", [1])])
"the last one"
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "the last one", result.Value)
	require.Equal(t, "a text\n3.5\n{'b': 1, 'a': [2]}\nNone\n7\n(the last value cannot be shown: ValueError)\n[True, True, True, False, False, False]\n", result.Stdout)

	result = run(t, job("import matplotlib.pyplot as plt\nplt.plot([1, 2])\n", roomy))
	require.Empty(t, result.Value, "a plot's parts are noise")
	require.Len(t, result.Artifacts, 1)
}

func TestFiguresAreKeptOnceHoweverTheyAreSaved(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import matplotlib.pyplot as plt
plt.bar(["a", "b"], [1, 2])
plt.title("First")
plt.show()
fig, ax = plt.subplots()
ax.plot([1, 2])
ax.set_title("Second")
fig.savefig("second")
fig, axes = plt.subplots(1, 2, figsize=(2000, 2000))
fig.suptitle("Third")
axes[0].scatter([1], [1])
plt.figure()
plt.figure()
plt.plot([1])
plt.title(r"$\frac{broken$")
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Empty(t, result.Stderr)
	require.Equal(t, []string{"chart-1.png", "chart-2.png", "second.png"}, names(result.Artifacts), "%v", result.Notes)
	for _, a := range result.Artifacts {
		require.Equal(t, "chart", a.Kind)
	}
	require.Equal(t, "First, 2 bars", result.Artifacts[0].Alt)
	require.Contains(t, result.Artifacts[1].Alt, "Third")
	require.Equal(t, "Second, 1 line", result.Artifacts[2].Alt)
	require.Contains(t, strings.Join(result.Notes, "\n"), "A figure could not be drawn: ValueError")
}

func TestTheWatchSeesWhatTheCodeDoes(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import json, socket, subprocess, importlib, sqlite3, os
importlib.import_module("colorsys")
try:
    exec("import late", {})
except ImportError:
    pass
open("/etc/passwd").close()
with open("a.txt", "w") as f:
    f.write("x")
os.rename("a.txt", "b.txt")
os.remove("b.txt")
sqlite3.connect("my.db").close()
try:
    socket.create_connection(("localhost", 9), 1)
except OSError:
    pass
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))
subprocess.run(["/bin/echo", "hello"])
os.system("true")
try:
    import not_there
except ImportError:
    pass
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	seen := result.Observed
	require.Equal(t, []string{"/etc/passwd", "a.txt (written)", "a.txt (renamed to b.txt)", "b.txt (deleted)", "my.db (written)"}, seen.Opened[:5], "%v", seen.Opened)
	require.Equal(t, []string{"json", "socket", "subprocess", "importlib", "sqlite3", "os", "colorsys", "late", "not_there"}, seen.Imported)
	require.Contains(t, seen.Connected, "looks up localhost")
	require.Contains(t, seen.Connected, "127.0.0.1:9")
	require.Contains(t, seen.Spawned, "/bin/echo hello")
	require.Contains(t, seen.Spawned, "true")
	require.Contains(t, result.Stdout, "hello")
}

func TestTheEndOfAScriptIsAScriptsEnd(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import atexit, threading, time
def later():
    time.sleep(0.2)
    print("thread")
atexit.register(print, "exit")
threading.Thread(target=later).start()
print(__name__, __file__)
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "__main__ analysis.py\nthread\nexit\n", result.Stdout)
}

// What was refused is not what was done, and what comes after the end was done.
func TestTheWatchTellsAttemptsFromDeedsUntilTheVeryEnd(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import atexit
import matplotlib.pyplot as plt
from matplotlib.lines import Line2D
for path, mode in (("/usr/x", "w"), ("../x", "w"), ("absent.csv", "r"), ("sub/x", "w"), ("sales.csv", "r+")):
    try:
        open(path, mode).close()
    except OSError:
        pass
class Drawn(Line2D):
    def draw(self, renderer):
        open("drawn.txt", "w").close()
        super().draw(renderer)
plt.gca().add_line(Drawn([0, 1], [0, 1]))
atexit.register(lambda: open("late.txt", "w").close())
`, roomy, sales))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, []string{"/usr/x (writing refused)", "/x (writing refused)", "absent.csv (not there or refused)",
		"sub/x (writing refused)", "sales.csv (written)", "drawn.txt (written)", "late.txt (written)"}, result.Observed.Opened)

	result = run(t, job(`
class Told(Exception):
    def __str__(self):
        open("told.txt", "w").close()
        return "told"
raise Told
`, roomy))
	require.Equal(t, approval.Raised, result.Outcome, "%+v", result)
	require.Equal(t, []string{"told.txt (written)"}, result.Observed.Opened)
}
