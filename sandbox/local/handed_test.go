//go:build linux

package local

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

// What a spreadsheet takes for a formula may come from a question's own file.
func TestTablesOfTheRunnerHoldNothingThatASpreadsheetComputes(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import pandas as pd
texts = ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd|'x'!A0", "\t=HYPERLINK(A1)", "\uff1dA1", "a, \"=1\"", "-x",
    "-12.50", "+3", "-1,234.5 %", "+49 30 1234-567", "(=1)", "-", "--", "-1 days +23:00:00", "+02:00", "-inf", "x=1", ""]
table = pd.DataFrame({"=head": texts, "n": range(-1, len(texts) - 1)})
table
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, []string{"table.csv"}, names(result.Artifacts))
	require.Equal(t, `'=head,n
'=1+1,-1
'@SUM(A1),0
'+cmd|' /C calc'!A0,1
'-2+3+cmd|'x'!A0,2
'	=HYPERLINK(A1),3
'＝A1,4
"a, ""=1""",5
'-x,6
-12.50,7
+3,8
"-1,234.5 %",9
+49 30 1234-567,10
(=1),11
-,12
--,13
-1 days +23:00:00,14
+02:00,15
-inf,16
x=1,17
,18
`, string(result.Artifacts[0].Data))
	require.Equal(t, []string{"8 cells of table.csv begin like a formula and got an apostrophe, so that no spreadsheet computes them."}, result.Notes)
}

// An apostrophe takes room, and no table goes out without it.
func TestATableThatHasNoRoomForApostrophesLosesItsLastRows(t *testing.T) {
	t.Parallel()
	limits := roomy
	limits.OutputBytes = 1000
	result := run(t, job("import pandas as pd\ntable = pd.DataFrame({'a': ['='] * 370})\ntable\n", limits))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "a\n"+strings.Repeat("'=\n", 332), string(result.Artifacts[0].Data))
	require.Contains(t, result.Notes, "The last 38 rows of table.csv were left behind: with the apostrophes they had no room.")
}

func TestATableWithoutFormulasIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	result := run(t, job("import pandas as pd\ntable = pd.DataFrame({'a': [-1.5, 2], 'b': ['x\\r\\ny', '-3']})\ntable\n", roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "a,b\n-1.5,\"x\r\ny\"\n2.0,-3\n", string(result.Artifacts[0].Data))
	require.Empty(t, result.Notes)
}

// What the program wrote itself goes out byte for byte, and people are told.
func TestFilesOfTheProgramAreHandedOverAsTheyAreWithAWarning(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import pandas as pd
df = pd.DataFrame({"a": ["=1+1", "b"], "b": ["-2", "@x"]})
df.to_csv("own.csv", index=False)
df.to_csv("semi.csv", index=False, sep=";")
df.to_excel("own.xlsx", index=False)
pd.DataFrame({"a": [-1, 2]}).to_csv("plain.csv", index=False)
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	data := map[string][]byte{}
	for _, a := range result.Artifacts {
		data[a.Name] = a.Data
	}
	require.Equal(t, "a,b\n=1+1,-2\nb,@x\n", string(data["own.csv"]))
	_, err := zip.NewReader(bytes.NewReader(data["own.xlsx"]), int64(len(data["own.xlsx"])))
	require.NoError(t, err)
	require.ElementsMatch(t, []string{
		"A spreadsheet computes 2 cells of own.csv, which the program wrote itself. Look at them before you trust the file.",
		"A spreadsheet computes 2 cells of semi.csv, which the program wrote itself. Look at them before you trust the file.",
		"A spreadsheet computes one cell of own.xlsx, which the program wrote itself. Look at them before you trust the file.",
	}, result.Notes)
}

func TestPagesAreHandedOverAsTextAndFalseNamesAreNamed(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
page = '<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
for name in ("chart.svg", "report.html", "drawing.xml", "notes.txt"):
    with open(name, "w") as f:
        f.write(page)
with open("chart.png", "wb") as f:
    f.write(b"MZ\x90\x00")
with open("list.csv", "wb") as f:
    f.write(b"\x7fELF\x00\x00")
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	got := names(result.Artifacts)
	require.ElementsMatch(t, []string{"chart.svg.txt", "report.html.txt", "drawing.xml.txt", "notes.txt", "chart.png", "list.csv"}, got)
	said := strings.Join(result.Notes, "\n")
	for _, want := range []string{"chart.svg can hold a program, so it is handed over as a text file.", "drawing.xml can hold a program",
		"chart.png is no .png file by its bytes.", "list.csv is no .csv file by its bytes."} {
		require.Contains(t, said, want)
	}
	require.NotContains(t, said, "notes.txt")
}
