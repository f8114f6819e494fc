package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval/reading"
)

// took is a sink that keeps what it gets.
type took struct {
	csv     []string
	answers []reading.Answer
}

func (k *took) CSV(_ int, data []byte) error { k.csv = append(k.csv, string(data)); return nil }
func (k *took) Answer(_ int, answer reading.Answer) error {
	k.answers = append(k.answers, answer)
	return nil
}

const emptyFile = `{"problem":{"code":"empty"}}`

func TestReadingsAreTakenInOrderAndStamped(t *testing.T) {
	t.Parallel()
	stamp := Stamp{1, 2, 3}
	sink := &took{}
	require.NoError(t, ReadReadings(newStream().add('Y', "", "").add('F', `{"file":0}`, "a\n").add('R', `{"file":0}`, emptyFile).add('R', `{"file":1}`, emptyFile).add('Z', "", ""), stamp, 2, sink))
	require.Equal(t, []string{"a\n"}, sink.csv)
	require.Len(t, sink.answers, 2)
	for what, stream := range map[string]io.Reader{
		"another file's":          newStream().add('R', `{"file":1}`, emptyFile),
		"an end too early":        newStream().add('R', `{"file":0}`, emptyFile).add('Z', "", ""),
		"one too many":            newStream().add('R', `{"file":0}`, emptyFile).add('R', `{"file":1}`, emptyFile).add('R', `{"file":2}`, emptyFile),
		"a kind there is not":     newStream().add('O', `{"file":0}`, "x"),
		"no JSON":                 newStream().add('R', `{"file":0}`, "x"),
		"a problem there is not":  newStream().add('R', `{"file":0}`, `{"problem":{"code":"approve"}}`),
		"neither one nor another": newStream().add('R', `{"file":0}`, `{}`),
	} {
		require.ErrorIs(t, ReadReadings(stream, stamp, 2, &took{}), ErrForm, what)
	}
	require.ErrorIs(t, ReadReadings(newStream().add('R', `{"file":0}`, emptyFile), stamp, 2, &took{}), ErrUnfinished)
	require.ErrorIs(t, ReadReadings(newStream().add('R', `{"file":0}`, emptyFile), Stamp{9}, 1, &took{}), ErrForm, "not stamped")
}

func FuzzReadReadings(f *testing.F) {
	f.Add(newStream().add('Y', "", "").add('F', `{"file":0}`, "a\n").add('R', `{"file":0}`, emptyFile).add('Z', "", "").Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		sink := &took{}
		if err := ReadReadings(bytes.NewReader(data), Stamp{1, 2, 3}, 1, sink); err == nil {
			require.Len(t, sink.answers, 1)
		}
	})
}

// The codes with which the desk refuses and what it calls odd are those that have words.
func TestEveryCodeOfTheDeskHasWords(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`Refused\("([a-z_]+)"|odd\.add\("([a-z_]+)"|"code": "([a-z_]+)"|odd\.append\("([a-z_]+)"|return \("([a-z_]+)", None|fits\([a-z]+\)[^,]*, "([a-z_]+)"`)
	seen := 0
	for _, f := range RunnerFiles() {
		if !strings.HasPrefix(f.Name, "desk/") && f.Name != "read.py" {
			continue
		}
		for _, m := range code.FindAllStringSubmatch(string(f.Data), -1) {
			refused := m[1] != "" || m[3] != ""
			name := strings.Join(m[1:], "")
			seen++
			a := reading.Answer{Problem: &reading.Problem{Code: name}}
			if !refused {
				a = reading.Answer{Reading: &reading.Reading{Version: 1, Kind: "text", Tables: []reading.Table{{Odd: []reading.Odd{{Code: name}}}}}}
			}
			require.NoError(t, a.Check(), "%s in %s", name, f.Name)
		}
	}
	require.Greater(t, seen, 60)
}

// Without a box: read.py as any Python runs it, so that what it does to a hostile
// reader is seen. The desk is replaced by one that does what reading never needs.
func TestAReaderThatDoesMoreThanReadIsStopped(t *testing.T) {
	t.Parallel()
	for what, deed := range map[string]string{
		"starts a program":   `import subprocess; subprocess.run(["true"])`,
		"forks":              `import os; os.fork()`,
		"connects":           `import socket; socket.create_connection(("127.0.0.1", 9))`,
		"opens another file": `open("/proc/1/environ", "rb").read()`,
		"opens the runner's": `open("/root/.profile")`,
	} {
		answers := readWith(t, 1200, func(base string) {
			require.NoError(t, os.WriteFile(filepath.Join(base, "runner", "desk", "reading.py"), []byte("import os, socket, subprocess\ndef read(path, name, out=None, told=None):\n    "+deed+"\n"), 0o644))
		}, map[string]string{"a.csv": "a\n1\n"}, "a.csv", "a.csv")
		require.Equal(t, "misbehaved", answers[0].Problem.Code, what)
		require.Equal(t, "misbehaved", answers[1].Problem.Code, what)
	}
}

func TestAFileThatEndsItsReaderDoesNotEndTheNext(t *testing.T) {
	t.Parallel()
	want := []string{"memory", "read", "failed", "read", "failed", "read", "time", "read"}
	var codes []string
	for seconds := 20; !slices.Equal(want, codes) && seconds < 1200; seconds *= 4 { // on a busy machine a good file may need longer
		answers := readWith(t, seconds, func(base string) {
			path := filepath.Join(base, "runner", "desk", "reading.py")
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, append(data, []byte("\n_read = read\ndef read(path, name, out=None, told=None):\n    import os\n    if name == 'memory.csv': bytearray(1 << 40)\n    if name == 'dies.csv': os._exit(9)\n    if name == 'raises.csv': 1 / 0\n    if name == 'hangs.csv':\n        import time\n        time.sleep(1000)\n    return _read(path, name, out)\n")...), 0o644))
		}, map[string]string{"memory.csv": "a\n1\n", "dies.csv": "a\n1\n", "raises.csv": "a\n1\n", "hangs.csv": "a\n1\n", "good.csv": "a,b\n1,2\n"}, "memory.csv", "good.csv", "dies.csv", "good.csv", "raises.csv", "good.csv", "hangs.csv", "good.csv")
		codes = nil
		for _, a := range answers {
			if a.Problem != nil {
				codes = append(codes, a.Problem.Code)
				continue
			}
			codes = append(codes, "read")
		}
	}
	require.Equal(t, want, codes)
}

// The reader itself ends a table that would fill the host's disk, and goes on with the next file.
func TestATableThatIsTooLargeAsCSVIsRefused(t *testing.T) {
	t.Parallel()
	large := "a,b\n" + strings.Repeat("1,2\n", 100_000)
	answers := readWith(t, 1200, func(base string) {
		path := filepath.Join(base, "runner", "read.py")
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(data), "MOST_CSV = 1 << 30"))
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(data), "MOST_CSV = 1 << 30", "MOST_CSV = 3 << 16", 1)), 0o644))
	}, map[string]string{"large.csv": large, "small.csv": "a,b\n1,2\n"}, "large.csv", "small.csv")
	require.NotNil(t, answers[0].Problem)
	require.Equal(t, "converted", answers[0].Problem.Code)
	require.NotNil(t, answers[1].Reading)
}

// readWith runs read.py outside of a box, with a runner that has been changed and
// so many seconds for each file.
func readWith(t *testing.T, seconds int, change func(base string), data map[string]string, names ...string) []reading.Answer {
	t.Helper()
	stamp := NewStamp()
	job := ReadJob{CSV: true, Seconds: seconds, MemoryMB: 512}
	for _, name := range names {
		job.Files = append(job.Files, ReadFile{Name: name, Size: int64(len(data[name])), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(data[name])), nil }})
	}
	var packed bytes.Buffer
	require.NoError(t, WriteReadJob(&packed, job, stamp))
	base := lay(t, packed.Bytes())
	change(base)
	cmd := exec.Command(python, "-I", "-B", filepath.Join(base, "runner", "read.py"), filepath.Join(base, "job"), filepath.Join(base, "result"), filepath.Join(base, "work"))
	cmd.Env = append(os.Environ(), "TMPDIR="+base)
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, string(said))
	result, err := os.ReadFile(filepath.Join(base, "result"))
	require.NoError(t, err)
	sink := &took{}
	require.NoError(t, ReadReadings(bytes.NewReader(result), stamp, len(names), sink))
	spelling, err := json.Marshal(sink.answers)
	require.NoError(t, err)
	require.NotContains(t, string(spelling), "\\u0000")
	return sink.answers
}

func TestLettersAreAskedForAndBounded(t *testing.T) {
	t.Parallel()
	l := Letters{}
	_, err := l.Write([]byte("x"))
	require.ErrorIs(t, err, ErrForm, "nobody has asked")
	places := func(text string) ([][]string, error) {
		l := Letters{Encodings: 2}
		if _, err := l.Write([]byte(text)); err != nil {
			return nil, err
		}
		return l.Places()
	}
	got, err := places(`[["a\u202eb\nc","` + strings.Repeat("d", 500) + `"]]`)
	require.NoError(t, err)
	require.NotContains(t, got[0][0], "\u202e")
	require.LessOrEqual(t, len([]rune(got[0][1])), maxPlace)
	for _, wrong := range []string{`[["a"]]`, `{}`, `[["a","b"],["a","b"],["a","b"],["a","b"],["a","b"],["a","b"]]`, strings.Repeat("x", maxLetters+1)} {
		_, err := places(wrong)
		require.ErrorIs(t, err, ErrForm, wrong[:min(20, len(wrong))])
	}
	got, err = places("")
	require.NoError(t, err)
	require.Nil(t, got)
}
