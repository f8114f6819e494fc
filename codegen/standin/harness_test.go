package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/codegen"
)

// fonts is where matplotlib keeps which fonts there are. They are looked for once and beforehand:
// on a busy machine that takes so long that matplotlib says so, which counts as a warning.
var (
	fonts     string
	findFonts = sync.OnceValue(func() error {
		python := exec.Command("/usr/bin/python3", "-c", "import matplotlib.font_manager")
		python.Env = append(os.Environ(), "MPLCONFIGDIR="+fonts)
		return python.Run()
	})
)

func TestMain(m *testing.M) {
	var err error
	if fonts, err = os.MkdirTemp("", "fonts"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(fonts); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// ran is what one program gave; see testdata/run.py.
type ran struct {
	Error    string
	Columns  []string
	Rows     [][]string
	Figures  [][3]string
	Answer   string
	LeftOut  []approval.Rows `json:"left_out"`
	Warnings []string
	Readings map[string]reading.Answer
}

// asked is a question about files with their contents.
type asked struct {
	question string
	files    map[string]string
}

// listener is the stand-in, and keeps what a model would have been told.
type listener struct {
	Provider
	heard string
}

func (l *listener) Ask(ctx context.Context, call codegen.Call) (codegen.Answer, error) {
	l.heard = call.Turns[len(call.Turns)-1].Text
	return l.Provider.Ask(ctx, call)
}

// job is a program with the folder that it runs in; without one, the folder's files are read.
type job struct {
	Folder string `json:"folder"`
	Code   string `json:"code"`

	Readings map[string]*reading.Reading `json:"readings"` // as they would be sealed
}

// runAll has the stand-in answer each question and runs its programs.
func runAll(t *testing.T, cases []asked) []ran {
	t.Helper()
	var contents []map[string]string
	for _, c := range cases {
		contents = append(contents, c.files)
	}
	jobs, files := lay(t, contents)
	for i, c := range cases {
		d, err := writer(t).Write(t.Context(), steps.Brief{Question: c.question, Files: files[i]})
		require.NoError(t, err, c.question)
		jobs[i].Code, err = approval.Canonical(d.Code)
		require.NoError(t, err, "%s\n%s", c.question, d.Code)
	}
	return runJobs(t, jobs)
}

// lay puts files into folders and has the desk read them, as a box does.
func lay(t *testing.T, contents []map[string]string) (jobs []job, files [][]approval.File) {
	t.Helper()
	for _, content := range contents {
		folder := t.TempDir()
		jobs = append(jobs, job{Folder: folder})
		for name, data := range content {
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(data), 0o600))
		}
	}
	for i, r := range runJobs(t, jobs) {
		files = append(files, nil)
		for _, name := range slices.Sorted(maps.Keys(contents[i])) {
			said := r.Readings[name]
			require.NoError(t, said.Check(), name)
			require.NotNil(t, said.Reading, "%s: %+v", name, said.Problem)
			if jobs[i].Readings == nil {
				jobs[i].Readings = map[string]*reading.Reading{}
			}
			jobs[i].Readings[name] = said.Reading
			files[i] = append(files[i], approval.File{Name: name, Reading: said.Reading})
		}
	}
	return jobs, files
}

// runJobs runs programs as one plain child: they are our own, and nothing in the
// files decides what they do. None may fail or warn.
func runJobs(t *testing.T, jobs []job) []ran {
	t.Helper()
	require.NoError(t, findFonts())
	input, err := json.Marshal(jobs)
	require.NoError(t, err)
	python := exec.CommandContext(t.Context(), "/usr/bin/python3", filepath.Join("testdata", "run.py"))
	python.Stdin = bytes.NewReader(input)
	python.Env = append(os.Environ(), "MPLCONFIGDIR="+fonts)
	var stderr strings.Builder
	python.Stderr = &stderr
	output, err := python.Output()
	require.NoError(t, err, "python3 with pandas, matplotlib and openpyxl is needed (apt install python3-pandas python3-matplotlib python3-openpyxl)\n%s", stderr.String())
	require.Empty(t, stderr.String())
	var results []ran
	require.NoError(t, json.Unmarshal(output, &results))
	require.Len(t, results, len(jobs))
	for i, r := range results {
		require.Empty(t, r.Error, jobs[i].Code)
		require.Empty(t, r.Warnings, jobs[i].Code)
		for _, f := range r.Figures {
			require.NotContains(t, f, "", "a figure without title or labels:\n%s", jobs[i].Code)
		}
		if strings.Contains(jobs[i].Code, "answer(") {
			require.NotEmpty(t, r.Answer, jobs[i].Code)
		}
	}
	return results
}
