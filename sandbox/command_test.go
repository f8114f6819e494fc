package sandbox

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
)

const python = "/usr/bin/python3" // the distribution's, which has pandas

// lay puts the runner and a job into a folder, as a box of E2B gets them.
func lay(t *testing.T, job []byte) string {
	t.Helper()
	// The runner counts the files of the file systems that the code may write to. On
	// the disk of this machine others make files as well.
	base, err := os.MkdirTemp("/dev/shm", "countersign-test-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(base)) })
	for _, f := range RunnerFiles() {
		at := filepath.Join(base, "runner", f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
		require.NoError(t, os.WriteFile(at, f.Data, 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(base, "job"), job, 0o600))
	return base
}

// in is a command that runs where lay has laid things out.
func in(base, command string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Env = append(os.Environ(), "TMPDIR="+base)
	return cmd
}

func TestFiveStartsGiveOneRunWhoseResultIsAFile(t *testing.T) {
	t.Parallel()
	j := steps.Job{Code: "import os\nos.system('echo $$ >> ran')\nprint(open('ran').read().count('\\n'))\n" +
		"if os.fork() == 0:\n    os.setsid()\n    while True: pass\n2 + 2\n", Limits: limits}
	j.Limits.Seconds = 1200 // a machine may have much else to do
	j.CodeSHA256 = approval.Hash([]byte(j.Code))
	var data bytes.Buffer
	stamp := NewStamp()
	require.NoError(t, WriteJob(&data, j, stamp))
	base := lay(t, data.Bytes())

	var wg sync.WaitGroup
	codes := make([]int, 5)
	for i := range codes {
		wg.Go(func() {
			cmd := in(base, StartCommand(base, python))
			_ = cmd.Run() // its exit status is looked at
			codes[i] = cmd.ProcessState.ExitCode()
		})
	}
	wg.Wait()
	log, err := os.ReadFile(filepath.Join(base, "log"))
	require.NoError(t, err)
	require.ElementsMatch(t, []int{0, AlreadyStarted, AlreadyStarted, AlreadyStarted, AlreadyStarted}, codes, "%s", log)

	file, err := os.Open(filepath.Join(base, "result"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	result, err := ReadResult(file, j.Limits, stamp)
	require.NoError(t, err)
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "1\n", result.Stdout)
	require.Equal(t, "4", result.Value)
	require.NoFileExists(t, filepath.Join(base, "job"), "the stamp does not stay where the code could read it")
	require.NoFileExists(t, filepath.Join(base, "result.part"))
}

func TestAnInspectionOutsideOfALocalBox(t *testing.T) {
	t.Parallel()
	var data bytes.Buffer
	stamp := NewStamp()
	require.NoError(t, WriteInspection(&data, "eval('1')\n", nil, stamp))
	base := lay(t, data.Bytes())
	out, err := in(base, InspectCommand(base, python)).CombinedOutput()
	require.NoError(t, err, "%s", out)
	file, err := os.Open(filepath.Join(base, "result"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	inspection, err := ReadInspection(file, stamp)
	require.NoError(t, err)
	require.Equal(t, []approval.Finding{{Level: approval.Danger, Line: 1, Kind: approval.KindDynamic, About: "eval", Text: "Runs text as code (eval)."}}, inspection.Findings)
}

// Code that could read the stamp could write a result of its own, in which it has
// opened nothing and connected to nothing.
func TestTheCodeFindsTheStampNowhereInItsBox(t *testing.T) {
	t.Parallel()
	code := `import os
seen = bytearray()  # a runner of some hundred kilobytes, fifty times
print("printed, and sent on at once", flush=True)
for _ in range(50):
    os.sched_yield()
    for folder, _, names in os.walk(".."):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                seen += f.read()
    print(".", end="", flush=True)
with open("seen", "wb") as f:
    f.write(seen)
`
	j := steps.Job{Code: code, CodeSHA256: approval.Hash([]byte(code)), Limits: limits}
	j.Limits.Seconds = 1200 // it reads a lot, and a machine may have much else to do
	var data bytes.Buffer
	stamp := NewStamp()
	require.NoError(t, WriteJob(&data, j, stamp))
	base := lay(t, data.Bytes())
	out, err := in(base, StartCommand(base, python)).CombinedOutput()
	require.NoError(t, err, "%s", out)
	seen, err := os.ReadFile(filepath.Join(base, "work", "seen"))
	require.NoError(t, err)
	require.Contains(t, string(seen), "def kill_rest", "it has read the runner's folder")
	require.NotContains(t, string(seen), string(stamp[:]))
	require.NotContains(t, string(seen), stamp.String())

	file, err := os.Open(filepath.Join(base, "result"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	result, err := ReadResult(file, j.Limits, stamp)
	require.NoError(t, err)
	require.Equal(t, "printed, and sent on at once\n"+strings.Repeat(".", 50), result.Stdout)
}

// A finding quotes what the code spells with escapes; on the reviewer's card it
// must not turn the line around.
func TestAFindingShowsWhatItQuotes(t *testing.T) {
	t.Parallel()
	var data bytes.Buffer
	stamp := NewStamp()
	require.NoError(t, WriteInspection(&data, "open('\\u202egnp.exe\\u2028', 'w')\n", nil, stamp))
	base := lay(t, data.Bytes())
	out, err := in(base, InspectCommand(base, python)).CombinedOutput()
	require.NoError(t, err, "%s", out)
	file, err := os.Open(filepath.Join(base, "result"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	inspection, err := ReadInspection(file, stamp)
	require.NoError(t, err)
	require.Len(t, inspection.Findings, 1)
	require.Contains(t, inspection.Findings[0].Text, "gnp.exe")
	require.NotContains(t, inspection.Findings[0].Text, "\u202e")
	require.NotContains(t, inspection.Findings[0].Text, "\u2028")
}

func TestTheRunnerIsNamedByWhatItHolds(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^runner [0-9a-f]{12}$`, Runner())
	require.Equal(t, Runner(), Runner())
}
