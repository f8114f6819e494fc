package sandbox

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the witness in a cloud box cannot write down, or cannot name, leaves a gap, and it goes on.
func TestTheWitnessOutlivesWhatItCannotWriteOrName(t *testing.T) {
	t.Parallel()
	runner, err := filepath.Abs("runner")
	require.NoError(t, err)
	for name, tt := range map[string]struct{ code, said string }{
		"a full disk": {`
w = witness("/dev/full")
print(w.tell("opened", mark), w.lost, w.known)`, "False True set()\n"},
		"no end after a lost line": {`
w = witness("/dev/full")
w.tell("opened", mark)
w.record = os.open("seen", os.O_WRONLY | os.O_CREAT)
print(w.until_end(child(), lambda: None), open("seen").read().split())`, "3 []\n"},
		"an end where there was room": {`
w = witness("seen")
w.tell("opened", mark)
print(w.until_end(child(), lambda: None), open("seen").read().split("\n"))`,
			`3 ['', '{"opened": "/opt/countersign/mark-m"}', '', '{"end": 3}', '']` + "\n"},
		"a file without a name": {`
w = witness("seen")
w.event(seen.OPEN, 1 << 20)
print(open("seen").read().strip())`, `{"gap": "dropped"}` + "\n"},
		"an event that cannot be had": {`
w = witness("seen")
print(w.read(1 << 20), open("seen").read().strip())`, `True {"gap": "dropped"}` + "\n"},
		"names that are too long": {`
w = witness("seen")
w.tell("opened", mark)
for what in ("opened", "written", "started"):
    for folder in ("/tmp/", seen.PLACE + "/work/"):
        for i in range(1000):
            w.tell(what, folder + "\udcff" * 4000 + str(i))
said = open("seen").read()
print(len(said) < 3 << 20, '{"gap": "more"}' in said, said.count("started"))
w.tell("connected", "data.example.org:443")
print("data.example.org" in open("seen").read())`, "True True 42\nTrue\n"},
		"a connection that cannot be told is none": {`
import socket, threading
way = object.__new__(door.Door)
way.told, way.room, way.lock = set(), threading.BoundedSemaphore(64), threading.Lock()
for tell in (witness("/dev/full").tell, lambda what, value: False):
    mine, theirs = socket.socketpair()
    way.room.acquire()
    way.serve(theirs, "data.example.org", 443, [], tell)
    print(mine.recv(1), way.told)`, "b'' set()\nb'' set()\n"},
		"a call that is hung up does not end the door": {`
import errno, socket, threading
class Listener:
    came = 0
    def accept(self):
        self.came += 1
        if self.came < 3:
            raise OSError(errno.ECONNABORTED if self.came == 1 else errno.EMFILE, "no")
        raise SystemExit
listener, way = Listener(), object.__new__(door.Door)
try:
    way.take((listener, "data.example.org", 443, []), None)
except SystemExit:
    print(listener.came)`, "3\n"},
	} {
		cmd := exec.Command(python, "-c", `
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import door, seen
mark = seen.PLACE + "/mark-m"
def witness(record):
    w = object.__new__(seen.Witness)
    w.watch = lambda *rest: os.open("/dev/null", os.O_RDONLY)
    os.path.exists(record) or os.close(os.open(record, os.O_CREAT))
    had, seen.os.open = os.open, lambda at, flags, mode=0o600: had(at, flags & ~os.O_EXCL & ~os.O_CREAT, mode)
    try:
        w.__init__(None, record, None, None)
    finally:
        seen.os.open = had
    w.supervisor = 0
    w.opens, w.moves = os.pipe()[0], os.pipe()[0]
    for fd in (w.opens, w.moves):
        os.set_blocking(fd, False)
    return w
def child():
    pid = os.fork()
    if pid == 0:
        os._exit(3)
    return pid
`+tt.code, runner)
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
		require.Equal(t, tt.said, string(out), name)
	}
}
