package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// inspectedAt is the whole command on a program and its inputs, as somebody types it.
func inspectedAt(t *testing.T, code string, args ...string) (said, problem string, exit int) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "analysis.py")
	require.NoError(t, os.WriteFile(program, []byte(code), 0o600))
	line := []string{"inspect", program}
	for _, a := range args {
		if a != "--json" {
			a = filepath.Join(dir, a)
			if a != filepath.Join(dir, "gone.csv") {
				require.NoError(t, os.WriteFile(a, []byte("region,amount\nEU,1\n"), 0o600))
			}
		}
		line = append(line, a)
	}
	var out, errs bytes.Buffer
	exit = run(t.Context(), line, nil, &out, &errs)
	return out.String(), errs.String(), exit
}

func TestInspectSaysAtATerminalWhatTheCardWouldSay(t *testing.T) {
	t.Parallel()
	said, problem, exit := inspectedAt(t, "import pandas as pd\npd.read_csv('sales.csv').groupby('region').amount.sum()\n", "sales.csv")
	require.Zero(t, exit, problem)
	require.Equal(t, "Risk: low\nInspection: nothing unusual found.\nNOTE     line 1    Imports pandas.\nNOTE     line 2    Reads sales.csv.\n", said)

	said, problem, exit = inspectedAt(t, "import os\nos.system('id')\n", "sales.csv", "--json")
	require.Zero(t, exit, problem)
	var got inspected
	require.NoError(t, json.Unmarshal([]byte(said), &got))
	require.False(t, got.Refused)
	require.Equal(t, "high", string(got.Tier))
	require.Contains(t, got.Findings, inspectedDetail{"danger", 1, "import", "Imports os, which reaches files, programs and the environment."})
	require.Contains(t, got.Findings, inspectedDetail{"danger", 2, "process", "Starts another program (os.system)."})
	require.Contains(t, got.Findings, inspectedDetail{"caution", 0, "unused-file", "Does not read sales.csv, which came with the question."})
}

func TestInspectTakesWhatAProgramReadsForItsInputsWhereNoneIsNamed(t *testing.T) {
	t.Parallel()
	said, problem, exit := inspectedAt(t, "import pandas as pd\nprint(pd.read_csv('sales.csv').region.nunique(), open('flag.txt').read())\n", "--json")
	require.Zero(t, exit, problem)
	require.JSONEq(t, `{"refused":false,"tier":"medium","findings":[
		{"level":"note","line":1,"code":"import","text":"Imports pandas."},
		{"level":"caution","line":2,"code":"read","text":"Reads flag.txt, which is not among the inputs."},
		{"level":"note","line":2,"code":"read","text":"Reads sales.csv."}]}`, said)
}

func TestInspectSaysWhyAProgramIsRefused(t *testing.T) {
	t.Parallel()
	for code, why := range map[string]string{
		"x = (\n":               "It is not valid Python",
		"x = '\u202e'\n":        "U+202E",
		"import nothing_like\n": "the module nothing_like is not installed in the box",
	} {
		said, problem, exit := inspectedAt(t, code, "--json")
		require.Zero(t, exit, problem)
		var got inspected
		require.NoError(t, json.Unmarshal([]byte(said), &got))
		require.True(t, got.Refused)
		require.Equal(t, "high", string(got.Tier))
		require.Equal(t, "refused", got.Findings[0].Code)
		require.Contains(t, got.Findings[0].Text, why)
	}
}

func TestInspectFailsWithWordsWhereItCouldNotInspect(t *testing.T) {
	t.Parallel()
	_, problem, exit := inspectedAt(t, "1\n", "gone.csv")
	require.Equal(t, 1, exit)
	require.Contains(t, problem, "countersign: the input cannot be read: ")
	var out, errs bytes.Buffer
	require.Equal(t, 1, run(t.Context(), []string{"inspect"}, nil, &out, &errs))
	require.Contains(t, errs.String(), "which program? An example: countersign inspect analysis.py sales.csv")
	errs.Reset()
	program := filepath.Join(t.TempDir(), "a.py")
	require.NoError(t, os.WriteFile(program, []byte("1\n"), 0o600))
	require.Equal(t, 1, run(t.Context(), []string{"inspect", program}, []string{"COUNTERSIGN_RUNSC=" + program + ".none"}, &out, &errs))
	require.NotEmpty(t, errs.String())
	require.Empty(t, out.String())
}
