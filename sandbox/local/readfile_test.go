//go:build linux

package local

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/internal/proof"
	"countersign/sandbox"
)

func TestAFileIsReadByItselfUnderAWitness(t *testing.T) {
	t.Parallel()
	out, err := shared.ReadFile(t.Context(), input("a.csv", "region;amount\nNord;1,5\nSüd;2,5\n"))
	require.NoError(t, err)
	require.Nil(t, out.Answer.Problem)
	require.Equal(t, ",", out.Answer.Reading.Tables[0].Decimal)
	require.Positive(t, out.Box)
	require.LessOrEqual(t, out.Box, shared.ReadLease(31))
	require.Equal(t, sandbox.Desk(), shared.Desk())
	out, err = shared.ReadFile(t.Context(), input("b.csv", ""))
	require.NoError(t, err)
	require.Equal(t, "empty", out.Answer.Problem.Code)
}

// Of all the awkward files none has the reader do what makes a reading void.
func TestProveReadingStartsConnectsOrOpensNothingElse(t *testing.T) {
	t.Parallel()
	all := awkwardFiles(t)
	some := proof.Draw(t, all)
	t.Cleanup(func() {
		proof.Check(t, !t.Failed(), "no awkward file has its reader start, connect to or open anything else", "%d of %d files tried", len(some), len(all))
	})
	job := sandbox.ReadJob{Seconds: fileWait, MemoryMB: fileRoom}
	for _, a := range some {
		job.Files = append(job.Files, file(a.name(), a.data(t)))
	}
	b, err := shared.bootForFile()
	require.NoError(t, err)
	defer b.kill()
	<-b.booted
	require.NoError(t, b.bootErr)
	sink := &kept{csv: map[int]*bytes.Buffer{}}
	require.NoError(t, b.read(job, sink))
	require.Len(t, sink.answers, len(job.Files))
	b.kill()
	<-b.proc.done
	told := b.view.told()
	require.NotNil(t, told)
	require.False(t, sandbox.Misbehaved(told), "%+v", told)
	require.NotContains(t, told.Gaps, "unmarked")
}

// A reader that a file has taken over may get round its own hook. The box's kernel tells.
func TestProveReadingIsThrownAwayWhenItsBoxDidMoreThanRead(t *testing.T) {
	t.Parallel()
	for what, deed := range tenthOf(t, "a reading is thrown away when its box did more than read", map[string]string{
		"a program":    `libc.system(b"true")`,
		"a connection": `libc.connect(libc.socket(2, 1, 0), b"\x02\x00\x00\x50\x7f\x00\x00\x01" + bytes(8), 16)`,
		"another file": `libc.read(libc.open(b"/etc/passwd", 0), ctypes.create_string_buffer(10), 10)`,
	}) {
		s := another(t)
		at := filepath.Join(s.home.root, "runner/desk/reading.py")
		honest, err := os.ReadFile(at)
		require.NoError(t, err)
		// The library is there before the hook is, as it would be for code in a parser that was taken over.
		hostile := strings.Replace(string(honest), "def read(path, name, out=None, told=None):\n", fmt.Sprintf(
			"import ctypes\nlibc = ctypes.CDLL(None)\nfor f in (libc.system, libc.connect, libc.socket, libc.open, libc.read):\n    f\ndef read(path, name, out=None, told=None):\n    %s\n", deed), 1)
		require.NotEqual(t, string(honest), hostile)
		require.NoError(t, os.WriteFile(at, []byte(strings.Replace(hostile, `"""A reading`, `"""A hostile reading`, 1)), 0o644))
		out, err := s.ReadFile(t.Context(), input("a.csv", "a,b\n1,2\n"))
		require.NoError(t, err, what)
		require.NotNil(t, out.Answer.Problem, what)
		require.Equal(t, "misbehaved", out.Answer.Problem.Code, what)
	}
}

// What ends the box is told apart from a box that could not be had.
func TestAFileThatEndsItsBoxIsToBlame(t *testing.T) {
	t.Parallel()
	s := another(t)
	at := filepath.Join(s.home.root, "runner/read.py")
	honest, err := os.ReadFile(at)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(at, bytes.Replace(honest, []byte("        answer = one.read("), []byte("        os._exit(9)\n        answer = one.read("), 1), 0o644))
	out, err := s.ReadFile(t.Context(), input("a.csv", "a,b\n1,2\n"))
	require.ErrorIs(t, err, steps.ErrReaderDied)
	require.Positive(t, out.Box)
	require.NoError(t, s.Close())
	_, err = s.ReadFile(t.Context(), input("a.csv", "a,b\n1,2\n"))
	require.NotErrorIs(t, err, steps.ErrReaderDied)
	box := new(steps.BoxError)
	require.ErrorAs(t, err, &box)
}

// another is a sandbox of the test's own, whose runner it may change.
func another(t *testing.T) *Sandbox {
	t.Helper()
	dir, err := os.MkdirTemp("", "cs") // short, since sockets live in it
	require.NoError(t, err)
	s, err := New(Options{Dir: dir, MaxWarm: -1})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, os.RemoveAll(dir))
	})
	return s
}

// A file is read in one box; its asker says what that box could not decide; and in the box of
// the run load gives just that, on the day that was sealed.
func TestARunReadsItsFilesAsTheyWereSealed(t *testing.T) {
	t.Parallel()
	in := input("a.csv", "amount;day\n1.234;03/04/2024\n2.500;05/06/2024\n3.100;07/08/2024\n")
	out, err := shared.ReadFile(t.Context(), in)
	require.NoError(t, err)
	require.Nil(t, out.Answer.Problem)
	var answers []reading.Answered
	for _, d := range out.Answer.Reading.Doubts(nil) {
		answers = append(answers, reading.Answered{Doubt: d, Says: map[string]string{"amount": "thousands", "day": "month_first"}[d.Column]})
	}
	require.Len(t, answers, 2, "%+v", out.Answer.Reading)
	in.Reading = out.Answer.Reading.Settled(answers)
	in.Input.Reading = in.Reading.SHA256()
	j := job(`from desk import answer, load, today
df = load("a.csv")
answer(f"{df['amount'].sum()} {df['day'].dt.month.tolist()} {today()}")
`, roomy, in)
	j.Today, j.Zone = "2024-02-29", "Europe/Berlin"
	result := run(t, j)
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "6834 [3, 5, 7] 2024-02-29", result.Answer)

	j.Environment = []string{"pandas 0.1"}
	result = run(t, j)
	require.Equal(t, approval.Broken, result.Outcome)
	require.Contains(t, result.Error, "Nothing has run")
	require.Empty(t, result.Answer)
}

// Letters that are compared come out of a real box, and nothing else does: no reading beside them,
// and no letters where nobody has asked.
func TestLettersAreComparedInABox(t *testing.T) {
	t.Parallel()
	in := input("a.csv", "Ort,R\x82gion\nNord,1\nSud,\x82t\x82\n")
	in.Compare = []string{"cp850", "cp1252"}
	out, err := shared.ReadFile(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"Ort,Région", "Ort,R‚gion"}, {"Sud,été", "Sud,‚t‚"}}, out.Letters)
	require.Nil(t, out.Answer.Reading)
	in = input("b.csv", "Ort,Betrag\nR\x82gion,10\n")
	out, err = shared.ReadFile(t.Context(), in)
	require.NoError(t, err)
	require.Nil(t, out.Letters)
	require.NotEmpty(t, out.Answer.Reading.Others)
}
