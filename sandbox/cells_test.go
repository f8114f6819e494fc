package sandbox

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// asked runs some Python beside the runner's files, without a box; loaded("cells")
// is the module as supervise.py loads it.
func asked(t *testing.T, script string) string {
	t.Helper()
	runner, err := filepath.Abs("runner")
	require.NoError(t, err)
	cmd := exec.Command(python, "-I", "-B", "-c", `import importlib.util, os, sys, types
RUNNER = sys.argv[1]
def loaded(name):
    module = types.ModuleType("countersign_" + name)
    with open(os.path.join(RUNNER, name + ".py"), encoding="utf-8") as source:
        exec(compile(source.read(), name + ".py", "exec"), module.__dict__)
    return module
def the_desk():
    folder = os.path.join(RUNNER, "desk")
    spec = importlib.util.spec_from_file_location("desk", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
    module = sys.modules["desk"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
`+script, runner)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "MPLBACKEND=Agg", "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return strings.TrimRight(string(out), "\n")
}

// A pattern that begins anew at each of many blanks takes minutes for what any program
// can write, and the host ends a box whose supervisor takes so long. No watch is needed
// to see it: each of these took hours before.
func TestLookingForFormulasTakesTimeInProportion(t *testing.T) {
	t.Parallel()
	require.Equal(t, "0 0 (0, 0) True (0, 0) (3, 0) False True", asked(t, `
cells, never = loaded("cells"), float("inf")
million = 1_000_000
print(cells.formulas("a.tsv", b"\t" * million + b"x", never),
      cells.formulas("a.csv", b"\n" * million + b"x", never),
      cells.tamed(b'"' + b"\n" * million + b'x"\n', 1 << 30, never)[1:],
      cells.computed("+1" + " " * million + "x"),
      cells.tamed((b"," + b" " * million + b"x\n") * 3, 1 << 30, never)[1:],
      cells.tamed((b"+" + b"1" * million + b"x\n") * 3, 1 << 30, never)[1:],
      cells.page("x", b"<!---->" * 280),
      cells.page("x", b" \n<!-- a --> <!-- b -->\n<svg>"))
`))
}

func TestWhatThereIsNoTimeToLookThroughDoesNotGoOutUnseen(t *testing.T) {
	t.Parallel()
	require.Equal(t, `None True
Late
Late
["The last rows of t.csv were left behind: there was no time to look for formulas in them."]
["There was no time to look through f.csv: a spreadsheet may compute some of its cells."]`, asked(t, `
import io, json, zipfile
cells, collect = loaded("cells"), loaded("collect")
collect.cells = cells
table = b"=a\n" * 5000
data, count, lost = cells.tamed(table, 1 << 30, 0)
print(lost, data == b"'=a\n" * count and 0 < count < 5000)
book = io.BytesIO()
with zipfile.ZipFile(book, "w") as z:
    z.writestr("xl/worksheets/sheet1.xml", "<f>1+1</f>")
for name, data in (("f.csv", table), ("f.xlsx", book.getvalue())):
    try:
        print(cells.formulas(name, data, 0))
    except cells.Late:
        print("Late")
class Run:
    def __init__(self): self.notes = []
    def note(self, text):
        if "apostrophe" not in text: self.notes.append(text)
for name, kind in (("t.csv", "table"), ("f.csv", "file")):
    run = Run()
    collect.fit_for_people(run, name, kind, table, 1 << 30, 0)
    print(json.dumps(run.notes))
`))
}

// What the code left of its limit is there for looking through what it made, as for writing its tables: a busy machine needs it.
func TestFilesAreLookedThroughInWhatTheCodeLeftOfItsLimit(t *testing.T) {
	t.Parallel()
	require.Equal(t, `True []
False ["The last rows of t.csv were left behind: there was no time to look for formulas in them."]`, asked(t, `
import json, tempfile, time
collect = loaded("collect")
collect.cells, collect.LOOKING = loaded("cells"), 0
table = b"=a\n" * 5000
class Run:
    def __init__(self, left):
        self.out, self.work, self.notes, self.deadline = tempfile.mkdtemp(), tempfile.mkdtemp(), [], time.monotonic() + left
        self.job = {"files": 1, "file_bytes": 1 << 30, "one_file": 1 << 30}
    def note(self, text):
        if "apostrophe" not in text: self.notes.append(text)
for left in 10_000, -10_000:
    run = Run(left)
    with open(run.out + "/t.csv", "wb") as f:
        f.write(table)
    ((_, data),) = collect.choose(run, {"csvs": ["t.csv"]}, {})
    print(data == b"'" + table.replace(b"\n=", b"\n'="), json.dumps(run.notes))
`))
}

func TestEveryStartOfACellIsSeen(t *testing.T) {
	t.Parallel()
	require.Equal(t, "", asked(t, `
cells, never = loaded("cells"), float("inf")
for start in ("", "a,", "a\n", "a\r", "a\r\n", ",", ", ", "\t", " \t ", "\x0b", '"', '"\n', '"\r', '" \n ', "\r \x0c", "a,\t", 'a,"\t'):
    for sign in "=@+-\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b":
        text = "h,k\n" + start + sign + "cmd|'/c calc'!A0" + ('"' if '"' in start else "") + "\n"
        data, count, lost = cells.tamed(text.encode(), 1 << 30, never)
        if (count, lost) != (1, 0) or cells.formulas("a.csv", text.encode(), never) != 1:
            print(repr(text), data, count, lost)
`))
}
