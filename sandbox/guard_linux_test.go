package sandbox

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/sandbox/witness"
)

// machineLine makes something like a machine of its own out of namespaces: nobody else's
// processes and ports are in it, /opt and /home are empty, and a setting of the whole kernel is
// a file.
const machineLine = `set -e
mount --make-rprivate /
mount -t tmpfs t /opt; mount -t tmpfs t /home; mkdir -p /home/user/countersign; cp -r box /home/user/countersign/
echo 1 >namespaces; mount --bind namespaces /proc/sys/user/max_user_namespaces
echo 1 >settings
for setting in fs/protected_hardlinks fs/protected_symlinks kernel/pid_max; do mount --bind settings /proc/sys/$setting; done
cat >/opt/listens.py <<'END'
import socket, time
s = socket.socket(); s.bind(("0.0.0.0", 49999)); s.listen(); open("/opt/listening", "w").close(); time.sleep(1000)
END
python3 /opt/listens.py & while ! [ -e /opt/listening ]; do sleep 0.05; done
here=$PWD; cd /home/user/countersign; (eval "$LINE") || echo "status $?"
cp -r box "$here/after"; cat "$here/namespaces" >"$here/after/namespaces"
`

// A machine of its own is closed before the code begins, and what the code does there is told by
// its kernel. Only root can try that.
func TestAMachineOfItsOwnIsWatched(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		out, err := exec.Command("python3", "-c", "import sys; sys.path.insert(0, 'runner'); import guard; print(guard.possible(guard.HOME))").CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, "False\n", string(out), "nobody else closes a machine")
		return
	}
	j := job()
	j.Code = `import os, socket
open("/etc/passwd").read()
os.system("/usr/bin/id -u >id.txt")
print(os.getresuid(), open("id.txt").read().strip(), os.listdir("/etc") != [])
for port in (49983, 49999):
    try:
        socket.create_connection(("127.0.0.1", port), 1)
        print("reached")
    except OSError:
        pass
try:
    os.memfd_create("x")
except OSError as e:
    print("refused")
for path in ("/home/user/countersign/box/seen", "/proc/1/environ"):
    try:
        open(path)
        print("read", path)
    except OSError:
        pass
try:
    os.kill(os.getppid(), 2)
except OSError:
    print("no signal")
print([l.split()[1] for l in open("/proc/self/status") if l.startswith(("CapEff", "CapBnd", "NoNewPrivs"))])
`
	j.CodeSHA256 = approval.Hash([]byte(j.Code))
	stamp := NewStamp()
	var packed bytes.Buffer
	require.NoError(t, WriteJob(&packed, j, stamp))
	dir, out := ownMachine(t, packed.Bytes(), GuardedCommand("$PWD/box", "python3"))
	log, _ := os.ReadFile(filepath.Join(dir, "after/log"))
	data, err := os.ReadFile(filepath.Join(dir, "after/result"))
	require.NoError(t, err, "%s\n%s", out, log)
	result, err := ReadResult(bytes.NewReader(data), j.Limits, stamp)
	require.NoError(t, err)
	told, _ := os.ReadFile(filepath.Join(dir, "after/seen"))
	require.Equal(t, approval.OK, result.Outcome, "%+v\n%s\n%s\n%.2000s", result, out, log, told)
	t.Logf("%s\n%s\n%s", result.Stdout, result.Stderr, log)
	require.True(t, strings.HasPrefix(result.Stdout, "(64017, 64017, 64017) 64017 True\nrefused\nno signal\n['0000000000000000', '0000000000000000', '1']\n"), result.Stdout)
	namespaces, err := os.ReadFile(filepath.Join(dir, "after/namespaces"))
	require.NoError(t, err)
	require.Equal(t, "0\n", string(namespaces))

	seen, err := os.ReadFile(filepath.Join(dir, "after/seen"))
	require.NoError(t, err)
	w, unable := witness.Read(seen, stamp.Mark())
	require.Empty(t, unable)
	t.Logf("%+v", w)
	require.True(t, w.Complete)
	require.Subset(t, w.Opened, []string{"/etc/passwd", "/etc", "id.txt (opened for writing)"})
	require.Contains(t, w.Started, "/usr/bin/id")
	require.Nil(t, w.Connected, "that is not watched")
	require.Equal(t, approval.WitnessFanotify, w.Source)
}

// ownMachine runs a line with a job on something like a machine of its own, and returns the
// folder in which after/ is what the box held then.
func ownMachine(t *testing.T, job []byte, line string) (dir string, out []byte) {
	t.Helper()
	dir = t.TempDir()
	for _, f := range RunnerFiles() {
		at := filepath.Join(dir, "box/runner", f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
		require.NoError(t, os.WriteFile(at, f.Data, 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "box/job"), job, 0o600))
	cmd := exec.Command("unshare", "--fork", "--pid", "--net", "--mount", "--mount-proc", "--kill-child", "sh", "-c", machineLine)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG=C.UTF-8"}, "LINE="+line)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return dir, out
}

// keptAnswers are what a box says of files.
type keptAnswers []reading.Answer

func (k *keptAnswers) CSV(int, []byte) error { return nil }

func (k *keptAnswers) Answer(_ int, a reading.Answer) error {
	*k = append(*k, a)
	return nil
}

// A file is read there by a user that can reach nothing, and the kernel tells what it opens.
func TestAReaderIsWatchedInAMachineOfItsOwn(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // nobody else closes a machine: see above
	}
	data := []byte("region;amount\nNord;1,5\nSüd;2,5\n")
	stamp := NewStamp()
	var packed bytes.Buffer
	require.NoError(t, WriteReadJob(&packed, ReadJob{Seconds: 600, MemoryMB: 1024, Files: []ReadFile{{Name: "a.csv", Size: int64(len(data)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}}}, stamp))
	dir, out := ownMachine(t, packed.Bytes(), ReadCommand("$PWD/box", "python3"))
	log, _ := os.ReadFile(filepath.Join(dir, "after/log"))
	result, err := os.ReadFile(filepath.Join(dir, "after/result"))
	require.NoError(t, err, "%s\n%s", out, log)
	var said keptAnswers
	require.NoError(t, ReadReadings(bytes.NewReader(result), stamp, 1, &said), "%s", log)
	require.Nil(t, said[0].Problem, "%s", log)
	require.Equal(t, int64(2), said[0].Reading.Tables[0].Rows)
	seen, err := os.ReadFile(filepath.Join(dir, "after/seen"))
	require.NoError(t, err)
	w, unable := witness.Read(seen, stamp.Mark())
	require.Empty(t, unable)
	require.True(t, w.Complete, "%+v", w)
	require.Contains(t, w.Opened, "input")
	require.False(t, Misbehaved(w), "%+v", w)
}
