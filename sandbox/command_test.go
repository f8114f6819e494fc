package sandbox

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

const python = "/usr/bin/python3" // the distribution's, which has pandas

// lay puts the runner and a job into a folder, as a box of E2B gets them.
func lay(t *testing.T, job []byte) string {
	t.Helper()
	base := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(base, "runner"), 0o755))
	for _, f := range RunnerFiles() {
		require.NoError(t, os.WriteFile(filepath.Join(base, "runner", f.Name), f.Data, 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(base, "job"), job, 0o600))
	return base
}

func TestFiveStartsGiveOneRunWhoseResultIsAFile(t *testing.T) {
	t.Parallel()
	j := approval.Job{Code: "import os\nos.system('echo $$ >> ran')\nprint(open('ran').read().count('\\n'))\n" +
		"if os.fork() == 0:\n    os.setsid()\n    while True: pass\n2 + 2\n", Limits: limits}
	j.Limits.Seconds = 60
	j.CodeSHA256 = approval.Hash([]byte(j.Code))
	var data bytes.Buffer
	stamp := NewStamp()
	require.NoError(t, WriteJob(&data, j, stamp))
	base := lay(t, data.Bytes())

	var wg sync.WaitGroup
	codes := make([]int, 5)
	for i := range codes {
		wg.Go(func() {
			cmd := exec.Command("/bin/sh", "-c", StartCommand(base, python))
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
	out, err := exec.Command("/bin/sh", "-c", InspectCommand(base, python)).CombinedOutput()
	require.NoError(t, err, "%s", out)
	file, err := os.Open(filepath.Join(base, "result"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	inspection, err := ReadInspection(file, stamp)
	require.NoError(t, err)
	require.Equal(t, []approval.Finding{{Level: approval.Danger, Line: 1, Text: "Runs text as code (eval)."}}, inspection.Findings)
}
