package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval/reading"
	"countersign/internal/proof"
	"countersign/sandbox"
)

// readCommand runs the command as a terminal would, with no setting but where gVisor is.
func readCommand(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"read"}, args...), []string{"SLACK_BOT_TOKEN=not a token", "DATABASE_URL=nowhere"}, &out, &errs)
	return code, out.String(), errs.String()
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestReadSaysInWordsHowFilesAreRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sales := write(t, dir, "sales.csv", "zip;Betrag\n01730;1,5\n02138;2,5\n")
	odd := write(t, dir, "od\x1b[31md\u202e.csv", "a\x1b[31m,b\n1,2\n")
	empty := write(t, dir, "empty.csv", "")
	code, out, errs := readCommand(t, sales, odd, empty, filepath.Join(dir, "no such file.csv"))
	require.Equal(t, 1, code)
	require.Equal(t, sales+"\n  2 rows, 2 columns; delimiter semicolon, decimal comma, UTF-8, heading in line 1\n    zip: text like 99999\n    Betrag: number\n    ! “zip”: leading zeros: kept as text\n"+
		filepath.Join(dir, "od\uFFFD[31md\uFFFD.csv")+"\n  1 row, 2 columns; delimiter comma, UTF-8, heading in line 1\n    a\uFFFD[31m: integer\n    b: integer\n", out)
	require.Equal(t, "countersign: "+empty+": The file is empty.\ncountersign: "+filepath.Join(dir, "no such file.csv")+": There is no such file.\n", errs)
}

func TestReadAsJSONHasTheDocumentedForm(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sales := write(t, dir, "sales.csv", "Ort;Betrag\nA;1,5\nB;\nSumme;1,5\n")
	code, out, errs := readCommand(t, "--json", sales, dir)
	require.Equal(t, 1, code)
	require.Equal(t, fmt.Sprintf(`{"file":%q,"problem":"","tables":[{"name":"","rows":2,"encoding":"utf-8","delimiter":";","heading_line":1,"decimal":",",`+
		`"columns":[{"name":"Ort","type":"text","missing":0},{"name":"Betrag","type":"number","missing":1}],"odd":[{"code":"total_row","text":"the last row is a total: left out"}]}]}`+"\n"+
		`{"file":%q,"problem":"This is not a file.","tables":[]}`+"\n", sales, dir), out)
	require.Equal(t, "countersign: "+dir+": This is not a file.\n", errs)

	// What a terminal would obey is spelled, and means the same.
	var b strings.Builder
	readOne{path: "a\x1b\u202e\u009bé.csv"}.printJSON(&b)
	require.Equal(t, `{"file":"a\u001b\u202e\u009bé.csv","problem":"","tables":[]}`+"\n", b.String())
}

func TestReadWritesFirstTablesAsTheyStandInTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	into := filepath.Join(dir, "new", "out")
	a := write(t, dir, "a.csv", "zip;Betrag\n01730;\"1.234,50\"\n\"a \"\"b\"\"\";2\n")
	b := write(t, dir, "b.tsv", "x\ty\n1\t2\n")
	empty := write(t, dir, "empty.csv", "\n")
	code, _, _ := readCommand(t, "--csv", "-o", into, a, b)
	require.Zero(t, code)
	require.Equal(t, "zip,Betrag\n01730,\"1.234,50\"\n\"a \"\"b\"\"\",2\n", readFile(t, into, "a.csv_converted.csv"))
	require.Equal(t, "x,y\n1,2\n", readFile(t, into, "b.tsv_converted.csv"))

	// Nothing is overwritten, and no link is followed.
	elsewhere := filepath.Join(dir, "elsewhere")
	require.NoError(t, os.Remove(filepath.Join(into, "b.tsv_converted.csv")))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(into, "b.tsv_converted.csv")))
	write(t, dir, "a.csv", "changed\n1\n")
	code, _, errs := readCommand(t, "--csv", "-o", into, a, b, empty)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "a.csv: a.csv_converted.csv exists already, and nothing is overwritten.\n")
	require.Contains(t, errs, "b.tsv: b.tsv_converted.csv exists already, and nothing is overwritten.\n")
	require.Contains(t, errs, "empty.csv: The file is empty.\n")
	require.Equal(t, "zip,Betrag\n01730,\"1.234,50\"\n\"a \"\"b\"\"\",2\n", readFile(t, into, "a.csv_converted.csv"))
	require.NoFileExists(t, elsewhere)
	require.Empty(t, readFile(t, into, "empty.csv_converted.csv"))
}

func readFile(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	require.NoError(t, err)
	return string(data)
}

func TestReadSaysHowItIsUsed(t *testing.T) {
	t.Parallel()
	for words, args := range map[string][]string{
		"usage: countersign read":          {},
		"--csv needs -o DIR":               {"--csv", "a.csv"},
		"-o goes with --csv":               {"-o", "out", "a.csv"},
		"flag provided but not defined: -": {"--network", "a.csv"},
	} {
		code, out, errs := readCommand(t, args...)
		require.Equal(t, 1, code)
		require.Empty(t, out)
		require.Contains(t, errs, words)
	}
}

// mortal is a box that dies of one file, after it has begun to write that file's table.
type mortal struct {
	of    string
	boxes [][]string
	none  error
}

func (m *mortal) Read(_ context.Context, job sandbox.ReadJob, sink sandbox.ReadSink) error {
	var names []string
	for _, f := range job.Files {
		names = append(names, f.Name)
	}
	m.boxes = append(m.boxes, names)
	if m.none != nil {
		return m.none
	}
	for i, f := range job.Files {
		if err := sink.CSV(i, []byte("half a table\n")); err != nil {
			return err
		}
		if f.Name == m.of {
			return errors.New("it died")
		}
		if err := sink.Answer(i, reading.Answer{Reading: &reading.Reading{}}); err != nil {
			return err
		}
	}
	return nil
}

func TestEachFileThatIsLeftWhenItsBoxDiesIsReadAgainAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	paths := []string{write(t, dir, "a.csv", "a"), write(t, dir, "bomb.csv", "b"), write(t, dir, "c.csv", "c"), write(t, dir, "d.csv", "d")}
	into, err := openFolder(filepath.Join(dir, "out"))
	require.NoError(t, err)
	defer into.close()
	box := &mortal{of: "bomb.csv"}
	r := &readings{box: box, csv: true, into: into}
	group, err := r.together(t.Context(), paths)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"a.csv", "bomb.csv", "c.csv", "d.csv"}, {"bomb.csv"}, {"c.csv"}, {"d.csv"}}, box.boxes)
	var problems []string
	for _, one := range group {
		problems = append(problems, one.problem)
	}
	require.Equal(t, []string{"", reading.Problem{Code: "box"}.Words(), "", ""}, problems)
	written, err := filepath.Glob(filepath.Join(dir, "out", "*"))
	require.NoError(t, err)
	require.Len(t, written, 3, "half a table does not stay")
}

// endless is a box that has been taken over by one file: it writes and writes that file's table.
type endless struct{ of string }

func (e endless) Read(_ context.Context, job sandbox.ReadJob, sink sandbox.ReadSink) error {
	for i, f := range job.Files {
		for n := 0; n == 0 || f.Name == e.of && n < 64; n++ {
			if err := sink.CSV(i, make([]byte, 1<<20)); err != nil {
				return err
			}
		}
		if err := sink.Answer(i, reading.Answer{Reading: &reading.Reading{}}); err != nil {
			return err
		}
	}
	return nil
}

func TestABoxThatNeverStopsWritingIsEndedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	paths := []string{write(t, dir, "a.csv", "a"), write(t, dir, "bomb.csv", "b"), write(t, dir, "c.csv", "c")}
	into, err := openFolder(filepath.Join(dir, "out"))
	require.NoError(t, err)
	defer into.close()
	r := &readings{box: endless{of: "bomb.csv"}, csv: true, into: into, most: 4 << 20}
	group, err := r.together(t.Context(), paths)
	require.NoError(t, err)
	var problems []string
	for _, one := range group {
		problems = append(problems, one.problem)
	}
	require.Equal(t, []string{"", "As CSV it is larger than 4 MB.", ""}, problems)
	written, err := filepath.Glob(filepath.Join(dir, "out", "*"))
	require.NoError(t, err)
	require.Len(t, written, 2)
}

func TestFiftyFilesShareABox(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var paths []string
	for i := range 120 {
		paths = append(paths, write(t, dir, fmt.Sprintf("%03d.csv", i), "a"))
	}
	box := &counted{got: make(chan int, 10)}
	var said []string
	failed, err := (&readings{box: box}).all(t.Context(), paths, func(one readOne) { said = append(said, one.path) })
	require.NoError(t, err)
	require.Zero(t, failed)
	require.Equal(t, paths, said, "in the order in which they were named")
	close(box.got)
	total, boxes := 0, 0
	for n := range box.got {
		require.LessOrEqual(t, n, 50)
		total, boxes = total+n, boxes+1
	}
	require.Equal(t, 120, total)
	require.Equal(t, 3, boxes)
}

// counted says how many files each box gets.
type counted struct{ got chan int }

func (c *counted) Read(_ context.Context, job sandbox.ReadJob, sink sandbox.ReadSink) error {
	c.got <- len(job.Files)
	for i := range job.Files {
		if err := sink.Answer(i, reading.Answer{Reading: &reading.Reading{}}); err != nil {
			return err
		}
	}
	return nil
}

// The process streams: a file that is larger than the process may be goes through it into the box.
func TestProveReadingKeepsTheProcessSmall(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "large.csv", "%PDF-1.4\n")
	require.NoError(t, os.Truncate(path, 250<<20))
	rss, status, out := peakOf(t, "read", "--json", path)
	require.Equal(t, 1, status, out)
	require.Contains(t, out, `"problem":"This is no file that I read`)
	proof.Check(t, rss < 200, "a file of 250 MB: the process stays under 200 MB", "%d MB", rss)
}

// Nor does the process hold a file whole that goes into the box of a run.
func TestProveReadingOfARunKeepsTheProcessSmall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := write(t, dir, "large.csv", "a\n")
	require.NoError(t, os.Truncate(path, 256<<20))
	code := write(t, dir, "size.py", "from desk import answer, number\n\nwith open(\"large.csv\", \"rb\") as f:\n    answer(f\"It has {number(f.seek(0, 2))} bytes.\")\n")
	rss, status, out := peakOf(t, "try", "--json", "--anyway", code, path)
	require.Zero(t, status, out)
	require.Contains(t, out, `"answer":"It has 268,435,456 bytes."`)
	proof.Check(t, rss < 200, "a run with a file of 256 MB: the process stays under 200 MB", "%d MB", rss)
}

// peakOf runs this program, and says how much memory it took at most.
func peakOf(t *testing.T, args ...string) (rss, status int, said string) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, args...)
	cmd.Env = []string{"COUNTERSIGN_TEST_AS_PROGRAM=1", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	var out, bad bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &bad
	ended, err := begin(cmd)
	require.NoError(t, err)
	// What wait tells of the most memory includes the process that it was forked from.
	for over := false; !over; {
		select {
		case err = <-ended:
			over = true
		case <-time.After(20 * time.Millisecond):
			rss = max(rss, peakMB(cmd.Process.Pid))
		}
	}
	require.Positive(t, rss, "%v %s", err, &out)
	t.Logf("%v %s", cmd.ProcessState, &bad)
	return rss, cmd.ProcessState.ExitCode(), out.String()
}

// peakMB is the most memory that a process has had so far; 0 when it has ended.
func peakMB(pid int) (mb int) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &mb); err == nil {
			return mb >> 10
		}
	}
	return 0
}
