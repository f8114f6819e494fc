package sandbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

func TestTheLastLineIsShortPlainAndTheLast(t *testing.T) {
	t.Parallel()
	for printed, want := range map[string]string{
		"":                                 "",
		"one\ntwo\n":                       "two",
		"one\ntwo\n\n  \n":                 "two",
		"one\nbeg":                         "beg",
		"10 %\r20 %\r37 %":                 "37 %",
		"\x1b[31mred\x1b[0m\tand\x00 blue": "red and blue",
		"  0%|  | 0/9\r 33%|█ | 3/9\x1b[A": "33%|█ | 3/9",
		"one\n\x1b[A\x1b[2K\r\x1bM\n\x1b[": "one",
		"one\n\x1b[3":                      "one",
		"one\n   \n" + strings.Repeat(" ", 900) + "two": "two",
		"ab\u202ecd\ue000\n":                            "abcd",
		"\xff\xfe\n":                                    "",
	} {
		var l LastLine
		l.Take(Stdout, []byte(printed))
		require.Equal(t, want, l.String(), "%q", printed)
		var bytewise LastLine
		for _, b := range []byte(printed) {
			bytewise.Take(Stdout, []byte{b})
		}
		require.Equal(t, want, bytewise.String(), "%q byte by byte", printed)
	}
	var l LastLine
	l.Take(Stderr, []byte(strings.Repeat("ж", 10_000)))
	require.LessOrEqual(t, len(l.String()), longestLine)
	require.True(t, utf8.ValidString(l.String()))
}

func TestWhatIsPrintedIsToldAsItComes(t *testing.T) {
	t.Parallel()
	stamp := NewStamp()
	var out bytes.Buffer
	for _, f := range []frame{{kind: kindStdout, body: []byte("row 1\n")}, {kind: kindStdout, body: []byte("row")}, {kind: kindStderr, body: []byte(" 37%|██")}, {kind: kindStdout, body: []byte(" 2")},
		{kind: kindReport, body: []byte(`{"outcome":"ok"}`)}, {kind: kindEnd}} {
		f.stamp = stamp
		require.NoError(t, writeFrame(&out, f))
	}
	whole := out.Bytes()
	var l LastLine
	var told []string
	result, err := ReadPrinting(bytes.NewReader(whole), approval.DefaultPolicy().Limits, stamp, func(from Stream, printed []byte) {
		l.Take(from, printed)
		told = append(told, l.String())
	})
	require.NoError(t, err)
	require.Equal(t, "row 1\nrow 2", result.Stdout)
	require.Equal(t, " 37%|██", result.Stderr)
	require.Equal(t, []string{"row 1", "row", "37%|██", "row 2"}, told, "what goes to stderr stands between, and in no other's line")

	// A frame that is not stamped tells nothing.
	var forged LastLine
	_, err = ReadPrinting(bytes.NewReader(whole), approval.DefaultPolicy().Limits, NewStamp(), forged.Take)
	require.ErrorIs(t, err, ErrForm)
	require.Empty(t, forged.String())
}

// Where only the end of what is printed is kept, its last line comes by itself. It is no part of the result.
func TestALastLineByItselfIsNoPartOfTheResult(t *testing.T) {
	t.Parallel()
	s := newStream().add('O', "", "row 1\nro").add('L', "", "row 70000").add('L', "", strings.Repeat("9", 5000)).add('O', "", "row 99999\n").add('R', "", good).add('Z', "", "")
	var heard []string
	var l LastLine
	result, err := ReadPrinting(s, limits, s.stamp, func(from Stream, printed []byte) { l.Take(from, printed); heard = append(heard, l.String()) })
	require.NoError(t, err)
	require.Equal(t, "row 1\nrorow 99999\n", result.Stdout)
	require.Equal(t, []string{"ro", "row 70000", strings.Repeat("9", longestLine), "row 99999"}, heard)

	s = newStream().add('L', "", "row 1").add('R', "", good).add('Z', "", "")
	result, err = ReadResult(s, limits, s.stamp)
	require.NoError(t, err, "nobody listens")
	require.Empty(t, result.Stdout)
}

// The runner finds the last line as the host does, however what is printed comes in.
func TestTheRunnerAndTheHostAgreeOnTheLastLine(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(1, 2))
	words := []string{"row", "37 %", "ж", "地区", "\xff", "\r", "\n", "\r\n", "\n\n", " ", "\t", "\x1b[31m", "\x1b[A", "\x1b", "[A", "\u202e", strings.Repeat("=", 300), strings.Repeat("ж", 300)}
	type piece struct {
		From Stream
		Data string
	}
	var jobs [][]piece
	var want []string
	for range 500 {
		var l LastLine
		cut := []piece{}
		for range 1 + draw.IntN(4) {
			var all []byte
			for range draw.IntN(30) {
				all = append(all, words[draw.IntN(len(words))]...)
			}
			from := Stream(draw.IntN(2))
			l.Take(from, all)
			for len(all) > 0 {
				n := 1 + draw.IntN(len(all))
				cut, all = append(cut, piece{from, base64.StdEncoding.EncodeToString(all[:n])}), all[n:]
			}
		}
		want = append(want, l.String())
		jobs = append(jobs, cut)
	}
	data, err := json.Marshal(jobs)
	require.NoError(t, err)
	runner, err := filepath.Abs("runner")
	require.NoError(t, err)
	cmd := exec.Command(python, "-B", "-c", `
import base64, json, sys
sys.path.insert(0, sys.argv[1])
import printed
for job in json.load(sys.stdin):
    line = printed.Line(lambda line, stream: None)
    for piece in job:
        line.take(base64.b64decode(piece["Data"]), piece["From"])
    print(base64.b64encode(line.line).decode())`, runner)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	require.Len(t, lines, len(want))
	for i, line := range lines {
		text, err := base64.StdEncoding.DecodeString(line)
		require.NoError(t, err)
		require.LessOrEqual(t, len(text), longestLine)
		var l LastLine
		l.Take(Found, text)
		require.Equal(t, want[i], l.String(), "%v", jobs[i])
	}
}

// Of what is printed without end a line is told once in a while, in a file of one size, and a disk without room ends no run.
func TestTheLastLineCostsTheSameHoweverMuchIsPrinted(t *testing.T) {
	t.Parallel()
	runner, err := filepath.Abs("runner")
	require.NoError(t, err)
	cmd := exec.Command(python, "-B", "-c", `
import contextlib, os, sys, time
sys.path.insert(0, sys.argv[1])
import printed
clock = [1000.0]
time.monotonic = lambda: clock[0]
told = []
line = printed.Line(lambda line, stream: told.append(line))
for i in range(1000):
    line.take(b"\r%d %% " % (i // 10) + "ж".encode() * 8192)
    clock[0] += 0.01
line.pass_on()
assert len(told) == 10 and max(map(len, told)) == 400, (len(told), max(map(len, told)))
clock[0] += 1
line.pass_on()
assert told[-1].startswith(b"99 % "), told[-1][:10]
line.pass_on()
assert len(told) == 11

at = os.path.join(sys.argv[2], "result")
tell = printed.beside(at, contextlib.nullcontext)
for text in (b"", b"row 1", b"x" * 400, b"row 2"):
    tell(text)
    with open(os.path.join(sys.argv[2], "line"), "rb") as f:
        said = f.read()
    assert len(said) == 512 and said.rstrip(b"\n") == text, said
assert os.stat(os.path.join(sys.argv[2], "line")).st_mode & 0o777 == 0o600
printed.beside(at, contextlib.nullcontext)(b"what is there already stays")
printed.beside("/nowhere/result", contextlib.nullcontext)(b"nor does this end anything")
with open(os.path.join(sys.argv[2], "line"), "rb") as f:
    assert f.read().rstrip(b"\n") == b"row 2"
os.close = os.pwrite = lambda *rest: (_ for _ in ()).throw(OSError(28, "no space"))
tell(b"row 3")
`, runner, t.TempDir())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// A program may print blank lines without end: what is looked at of a piece is bounded.
func TestBlankLinesCostTheRunnerAFewLooks(t *testing.T) {
	t.Parallel()
	runner, err := filepath.Abs("runner")
	require.NoError(t, err)
	out, err := exec.Command(python, "-B", "-c", `
import sys
sys.path.insert(0, sys.argv[1])
import printed
looks, visible = 0, printed.visible
def counted(text):
    global looks
    looks += 1
    return visible(text)
printed.visible = counted
for blank in b"\n", b" \n", b"\r\n", b"\x1b[m\n":
    looks, line = 0, printed.Line(lambda line, stream: None)
    line.take(b"row 1\n", 1)
    line.take(blank * 60000, 1)
    print(looks <= 2 * printed.LOOKS, line.line.decode())`, runner).Output()
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("True row 1\n", 4), string(out))
}
