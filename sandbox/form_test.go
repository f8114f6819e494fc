package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
)

var limits = approval.Limits{Seconds: 10, MemoryMB: 512, OutputBytes: 1000, Files: 2}

const (
	png  = "\x89PNG\r\n\x1a\nrest"
	good = `{"outcome":"ok","value":"4","code_ms":12.5,"observed":{"imported":["pandas"]},"notes":["n"],
		"tables":[{"title":"t","columns":["a","b"],"rows":[["1"],["2","3","4"]],"total_rows":1}]}`
)

// stream builds a result frame by frame, as a box would or as an attacker might.
type stream struct {
	bytes.Buffer
	stamp Stamp
}

func (s *stream) add(kind byte, head, body string) *stream {
	stamp := s.stamp
	if kind == kindReady {
		stamp = Stamp{}
	}
	if err := writeFrame(s, frame{stamp: stamp, kind: kind, head: []byte(head), body: []byte(body)}); err != nil {
		panic(err) // a buffer takes everything
	}
	return s
}

func newStream() *stream { return &stream{stamp: Stamp{1, 2, 3}} }

func TestAWholeResultIsRead(t *testing.T) {
	t.Parallel()
	s := newStream().add('Y', "", "").add('O', "", "out ").add('E', "", "err").add('O', "", "put\n").
		add('R', "", good).add('F', `{"name":"chart-1.png","kind":"chart","alt":"a\nchart"}`, png).
		add('F', `{"name":"total.csv","kind":"table"}`, "a\n").add('Z', "", "")
	s.WriteString("whatever follows the end is not read")
	result, err := ReadResult(s, limits, s.stamp)
	require.NoError(t, err)
	require.Equal(t, approval.Result{
		Outcome: approval.OK, Value: "4", Stdout: "out put\n", Stderr: "err", Code: 12500 * time.Microsecond,
		Observed: approval.Observed{Imported: []string{"pandas"}}, Notes: []string{"n"},
		Tables: []approval.Grid{{Title: "t", Columns: []string{"a", "b"}, Rows: [][]string{{"1", ""}, {"2", "3"}}, TotalRows: 2}},
		Artifacts: []approval.Artifact{{Name: "chart-1.png", Kind: "chart", Alt: "a chart", Data: []byte(png)},
			{Name: "total.csv", Kind: "table", Data: []byte("a\n")}},
	}, result)
}

func TestAResultThatIsNotInFormIsBroken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stream *stream
		err    error
	}{
		"nothing":             {newStream(), ErrUnfinished},
		"no end":              {newStream().add('O', "", "so far").add('R', "", good), ErrUnfinished},
		"an end and nothing":  {newStream().add('Z', "", ""), ErrForm},
		"two reports":         {newStream().add('R', "", good).add('R', "", good), ErrForm},
		"a report of nothing": {newStream().add('R', "", "{").add('Z', "", ""), ErrForm},
		"a made-up outcome":   {newStream().add('R', "", `{"outcome":"splendid"}`).add('Z', "", ""), ErrForm},
		"a made-up kind":      {newStream().add('X', "", ""), ErrForm},
		"a late ready":        {newStream().add('O', "", "").add('Y', "", ""), ErrForm},
		"another stamp":       {&stream{Buffer: (&stream{stamp: Stamp{9}}).add('R', "", good).add('Z', "", "").Buffer, stamp: Stamp{1}}, ErrForm},
		"a file without name": {newStream().add('F', "[", ""), ErrForm},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := ReadResult(c.stream, limits, c.stream.stamp)
			require.ErrorIs(t, err, c.err)
			require.Equal(t, approval.Broken, result.Outcome)
			require.Equal(t, c.err == ErrForm, Tampered(err))
		})
	}
	partial := newStream().add('O', "", "so far")
	partial.WriteString("half a header")
	result, err := ReadResult(partial, limits, partial.stamp)
	require.ErrorIs(t, err, ErrUnfinished)
	require.Equal(t, "so far", result.Stdout, "what had come out is kept")
}

func TestALengthIsOnlyAClaim(t *testing.T) {
	t.Parallel()
	s := newStream()
	s.Write(append(append(s.stamp[:], 'O'), 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff))
	_, err := ReadResult(s, limits, s.stamp)
	require.ErrorIs(t, err, ErrForm)

	s = newStream()
	s.Write(append(append(s.stamp[:], 'O'), 0, 0, 0, 0, 0, 0xff, 0xff, 0xff))
	s.WriteString("short")
	_, err = ReadResult(s, limits, s.stamp)
	require.ErrorIs(t, err, ErrUnfinished)
}

func TestAResultIsHeldToItsCaps(t *testing.T) {
	t.Parallel()
	rows := make([][]string, 100)
	for i := range rows {
		rows[i] = []string{strings.Repeat("x", 1000)}
	}
	many := strings.Split(strings.Repeat("n ", 500), " ")
	report, err := json.Marshal(report{Outcome: "raised", Error: strings.Repeat("é", 5000), Value: strings.Repeat("v", 1<<20), CodeMS: 1e12,
		Traceback: strings.Repeat("t", 1<<20), Notes: many, Tables: slicesOf(approval.Grid{Columns: many, Rows: rows}, 30),
		Observed: approval.Observed{Opened: many, Imported: many, Connected: many, Spawned: many}})
	require.NoError(t, err)
	s := newStream().add('O', "", strings.Repeat("o", 900)).add('E', "", strings.Repeat("e", 900)).add('O', "", "more").add('E', "", strings.Repeat("e", 900)).add('R', "", string(report)).
		add('F', `{"name":"a.txt"}`, strings.Repeat("a", 600)).add('F', `{"name":"b.txt"}`, strings.Repeat("b", 600)).
		add('F', `{"name":"a.txt"}`, "").add('F', `{"name":"../../x"}`, "").add('Z', "", "")
	result, err := ReadResult(s, limits, s.stamp)
	require.NoError(t, err)
	require.Len(t, result.Stdout, 904)
	require.Len(t, result.Stderr, 1000, "each stream has its own cap")
	require.LessOrEqual(t, len(result.Error), maxErrorText)
	require.Len(t, result.Value, maxValue)
	require.Len(t, result.Traceback, maxTraceback)
	require.Len(t, result.Tables, maxTables)
	require.Len(t, result.Tables[0].Rows, maxRows)
	require.Len(t, result.Tables[0].Columns, maxColumns)
	require.Equal(t, strings.Repeat("x", maxCell-1)+"…", result.Tables[0].Rows[0][0])
	require.Len(t, result.Observed.Spawned, maxObserved)
	require.Len(t, result.Notes, maxNotes)
	require.Equal(t, 20*time.Second, result.Code)
	require.Len(t, result.Artifacts, 1)
}

func TestWhatIsDroppedIsNoted(t *testing.T) {
	t.Parallel()
	s := newStream().add('O', "", strings.Repeat("o", 2000)).add('R', "", `{"outcome":"ok"}`).
		add('F', `{"name":"../../x"}`, "").add('F', `{"name":"a"}`, "").add('F', `{"name":"big"}`, strings.Repeat("b", 1001)).
		add('F', `{"name":"a"}`, "").add('Z', "", "")
	result, err := ReadResult(s, limits, s.stamp)
	require.NoError(t, err)
	require.Equal(t, []string{
		`A file called "../../x" was dropped: it cannot have that name.`,
		`The file "big" was dropped: 1000 bytes of files may come back.`,
		`A file called "a" was dropped: it cannot have that name.`,
		`What was printed was cut after 1000 bytes.`,
	}, result.Notes)

	s = newStream().add('R', "", `{"outcome":"ok"}`).add('F', `{"name":"a"}`, "").add('F', `{"name":"b"}`, "").add('F', `{"name":"c"}`, "").add('Z', "", "")
	result, err = ReadResult(s, limits, s.stamp)
	require.NoError(t, err)
	require.Equal(t, []string{`The file "c" was dropped: 2 files may come back.`}, result.Notes)
}

func slicesOf(g approval.Grid, n int) []approval.Grid {
	all := make([]approval.Grid, n)
	for i := range all {
		all[i] = g
	}
	return all
}

func TestAFileIsWhatItsNameAndItsBytesAgreeOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ claimed, name, data, want string }{
		{"chart", "a.png", png, "chart"},
		{"file", "a.PNG", png, "chart"},
		{"file", "a.jpeg", "\xff\xd8\xff\xe0", "chart"},
		{"chart", "a.png", "<html>", "file"},
		{"chart", "a.html", png, "file"},
		{"table", "a.csv", "a", "table"},
		{"table", "a.exe", "a", "file"},
		{"nonsense", "a.csv", "a", "file"},
	} {
		require.Equal(t, c.want, artifactKind(c.claimed, c.name, []byte(c.data)), "%+v", c)
	}
}

func TestTextIsCleaned(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain\ttext\n":          "plain\ttext\n",
		"\x1b[31mred\x1b[0m":     "red",
		"10%\r20%\rdone\r\n":     "10%\n20%\ndone\n",
		"nul\x00bell\x07":        "nul\uFFFDbell\uFFFD",
		"bad\xff\xfeutf-8":       "bad\uFFFDutf-8",
		"c1\u0085control":        "c1\uFFFDcontrol",
		"größe 日本 \u202eleft-on": "größe 日本 \u202eleft-on",
	} {
		require.Equal(t, want, cleanText(in, 100))
	}
	require.Equal(t, "é", cleanText("éé", 3), "not cut within a character")
	require.Empty(t, cleanText("日", 2))
	require.Equal(t, "a b c", cleanLine("a\nb\tc", 10))
	require.Equal(t, "ab…", cleanLine("abcd", 3))
}

func TestNamesOfFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "chart-1.png", "_x", "Umsätze_2024.csv", "売上.xlsx", "9.txt", strings.Repeat("n", 100)} {
		require.True(t, FileName(name), name)
	}
	for _, name := range []string{"", ".", "..", ".hidden", "-rf", "a/b", `a\b`, "a b", "a\n", "a\u202eb", "\xff", "a:b", "a\x00", "x\u200b", strings.Repeat("n", 101), strings.Repeat("売", 70)} {
		require.False(t, FileName(name), "%q", name)
	}
	for _, name := range []string{"sales.csv", "my sales (2).csv", "-x", ".x", "売上"} {
		require.True(t, inputName(name), name)
	}
	for _, name := range []string{"", ".", "..", "a/b", "a\nb", "a\x00", "\u202e", "\xff", strings.Repeat("n", 256)} {
		require.False(t, inputName(name), "%q", name)
	}
}

func job() steps.Job {
	return steps.Job{Code: "1", CodeSHA256: approval.Hash([]byte("1")), Limits: limits, Inputs: []steps.InputFile{
		{Input: approval.Input{Name: "a.csv", SHA256: approval.Hash([]byte("a"))}, Size: 1, Open: steps.Held([]byte("a"))}}}
}

func TestAJobThatIsNotWhatWasSealedIsRefused(t *testing.T) {
	t.Parallel()
	require.NoError(t, CheckJob(job()))
	for words, change := range map[string]func(*steps.Job){
		"not the sealed code":           func(j *steps.Job) { j.Code = "2" },
		"cannot be called":              func(j *steps.Job) { j.Inputs[0].Name = "../../x" },
		"two inputs are called":         func(j *steps.Job) { j.Inputs = append(j.Inputs, j.Inputs[0]) },
		`"a.csv": it is not the sealed`: func(j *steps.Job) { j.Inputs[0].Open = steps.Held([]byte("b")) },
		"is not sealed":                 func(j *steps.Job) { j.Inputs[0].SHA256 = "" },
		"no name of a host":             func(j *steps.Job) { j.Hosts = []string{"a.example.org", "b.example.org; id"} },
		"limit nothing":                 func(j *steps.Job) { j.Limits = approval.Limits{} },
	} {
		j := job()
		change(&j)
		require.ErrorContains(t, WriteJob(io.Discard, j, NewStamp()), words)
	}
}

func TestAJobIsWrittenAsTheRunnerReadsIt(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	stamp := NewStamp()
	require.NoError(t, WriteJob(&b, job(), stamp))
	var kinds string
	for b.Len() > 0 {
		f, err := readFrame(&b)
		require.NoError(t, err)
		require.Zero(t, f.stamp)
		kinds += string(f.kind)
		if f.kind == kindJob {
			require.JSONEq(t, fmt.Sprintf(`{"stamp":%q,"code_sha256":%q,"seconds":10,"memory_mb":512,"text_bytes":1000,
				"file_bytes":1000,"one_file":1000,"files":2}`, stamp, job().CodeSHA256), string(f.head))
		}
	}
	require.Equal(t, "JCIZ", kinds)
	require.NotEqual(t, stamp, NewStamp())
	for n := range 6 { // each of its writes may fail
		require.ErrorIs(t, WriteJob(&full{room: n}, job(), stamp), io.ErrShortWrite)
	}
}

// full takes some writes and then no more.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room--; f.room < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestAnInspectionGetsShapesAndNoContent(t *testing.T) {
	t.Parallel()
	files := []approval.File{{Name: "a.csv", Reading: &reading.Reading{Tables: []reading.Table{{Columns: []reading.Column{{Name: "x", Pattern: "secret"}}}}}}, {Name: "b.json"}}
	var b bytes.Buffer
	require.NoError(t, WriteInspection(&b, "1", files, Stamp{}))
	require.NotContains(t, b.String(), "secret")
	f, err := readFrame(&b)
	require.NoError(t, err)
	require.JSONEq(t, `{"stamp":"00000000000000000000000000000000","files":[{"name":"a.csv","columns":["x"]},{"name":"b.json","columns":null}]}`, string(f.head))

	wide := []approval.File{{Name: "wide.csv", Reading: &reading.Reading{Tables: []reading.Table{{Columns: make([]reading.Column, 1_000_000)}}}}}
	require.NoError(t, WriteInspection(&b, "1", wide, Stamp{}))
	require.Less(t, b.Len(), maxHead)
}

func TestAnInspectionIsHeldToItsForm(t *testing.T) {
	t.Parallel()
	s := newStream().add('Y', "", "").add('R', "", `{"problem":"","findings":[{"level":"danger","line":-3,"kind":"read","about":"a\u202eb","text":"a\nb"}]}`).add('Z', "", "")
	inspection, err := ReadInspection(s, s.stamp)
	require.NoError(t, err)
	require.Equal(t, []approval.Finding{{Level: approval.Danger, Kind: "read", About: `a\u{202e}b`, Text: "a b"}}, inspection.Findings)
	for name, s := range map[string]*stream{
		"no end":            newStream().add('R', "", `{}`),
		"no report":         newStream().add('Z', "", ""),
		"two reports":       newStream().add('R', "", `{}`).add('R', "", `{}`),
		"no JSON":           newStream().add('R', "", `{`),
		"a made-up level":   newStream().add('R', "", `{"findings":[{"level":"fine"}]}`).add('Z', "", ""),
		"a made-up kind":    newStream().add('R', "", `{"findings":[{"level":"note","kind":"fine"}]}`).add('Z', "", ""),
		"no kind":           newStream().add('R', "", `{"findings":[{"level":"note"}]}`).add('Z', "", ""),
		"something printed": newStream().add('O', "", "x"),
		"another stamp":     {Buffer: newStream().add('R', "", `{}`).Buffer, stamp: Stamp{7}},
	} {
		_, err := ReadInspection(s, s.stamp)
		require.Error(t, err, name)
	}
}

func TestSeveralInspectionsComeInTheirOrder(t *testing.T) {
	t.Parallel()
	s := newStream().add('R', "", `{"problem":"one"}`).add('R', "", `{"problem":"two"}`).add('Z', "", "")
	all, err := ReadInspections(s, s.stamp, 2)
	require.NoError(t, err)
	require.Equal(t, []steps.Inspection{{Problem: "one"}, {Problem: "two"}}, all)
	for _, programs := range []int{1, 3} {
		s := newStream().add('R', "", `{}`).add('R', "", `{}`).add('Z', "", "")
		_, err := ReadInspections(s, s.stamp, programs)
		require.ErrorIs(t, err, ErrForm)
	}
}

func TestABoxSaysThatItIsReady(t *testing.T) {
	t.Parallel()
	require.NoError(t, ReadReady(newStream().add('Y', "", "")))
	require.ErrorIs(t, ReadReady(newStream().add('O', "", "")), ErrForm)
	require.ErrorIs(t, ReadReady(newStream()), ErrUnfinished)
}

func TestTheRunnerIsInTheBinary(t *testing.T) {
	t.Parallel()
	var names, there []string
	for _, f := range RunnerFiles() {
		require.NotEmpty(t, f.Data)
		names = append(names, f.Name)
	}
	require.NoError(t, filepath.WalkDir("runner", func(at string, entry fs.DirEntry, err error) error {
		if entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "__pycache__") {
			return filepath.SkipDir
		}
		if !entry.IsDir() {
			there = append(there, strings.TrimPrefix(at, "runner/"))
		}
		return err
	}))
	require.Equal(t, there, names)
	require.Subset(t, names, []string{"supervise.py", "read.py", "inspect.py", "desk/__init__.py", "inspection/findings.py", "inspection/known.json", "inspection/claims/told.py"})
}

func FuzzReadResult(f *testing.F) {
	f.Add(newStream().add('Y', "", "").add('O', "", "x").add('R', "", good).add('F', `{"name":"a.png"}`, png).add('Z', "", "").Bytes())
	f.Add([]byte("nonsense"))
	f.Fuzz(func(t *testing.T, data []byte) {
		result, err := ReadResult(bytes.NewReader(data), limits, Stamp{1, 2, 3})
		if err != nil && result.Outcome != approval.Broken {
			t.Fatalf("%v gave %q", err, result.Outcome)
		}
		spelling, err := json.Marshal(result)
		if err != nil || bytes.Contains(spelling, []byte(`\u0000`)) || len(result.Stdout)+len(result.Stderr) > 3*limits.OutputBytes {
			t.Fatalf("%v: %s", err, spelling)
		}
		for _, a := range result.Artifacts {
			if !FileName(a.Name) || len(a.Data) > limits.OutputBytes {
				t.Fatalf("artifact %q of %d bytes", a.Name, len(a.Data))
			}
		}
	})
}
