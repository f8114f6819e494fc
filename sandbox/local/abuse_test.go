//go:build linux

package local

import (
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/proof"
)

// Each of these is code that somebody has approved although it should not have
// been. It has to end as it deserves, and take nothing along.
func TestProveReviewAbuseEndsAsItDeserves(t *testing.T) {
	t.Parallel()
	short := roomy
	short.Seconds = 2
	small := roomy
	small.MemoryMB = 256
	small.Seconds = roomy.Seconds
	all := map[string]struct {
		code    string
		limits  approval.Limits
		outcome []approval.Outcome
		says    string // in the error
	}{
		"raises":                        {"import pandas as pd\npd.DataFrame({'a': [1]})['price']\n", roomy, []approval.Outcome{approval.Raised}, "KeyError: 'price'"},
		"exits well":                    {"import sys\nprint('x')\nsys.exit(0)\n", roomy, []approval.Outcome{approval.OK}, ""},
		"exits with a no":               {"raise SystemExit('no data')\n", roomy, []approval.Outcome{approval.Raised}, "SystemExit: no data"},
		"leaves by the back door":       {"import os\nos._exit(0)\n", roomy, []approval.Outcome{approval.Broken}, "ended its process by itself"},
		"kills itself":                  {"import os\nos.kill(os.getpid(), 9)\n", roomy, []approval.Outcome{approval.Broken}, "SIGKILL"},
		"crashes":                       {"import ctypes\nctypes.string_at(0)\n", roomy, []approval.Outcome{approval.Broken}, "SIGSEGV"},
		"kills everybody":               {"import os\nos.kill(-1, 9)\n", roomy, []approval.Outcome{approval.Raised}, "No such process"},
		"kills its guard":               {"import os\nos.kill(1, 9)\n", roomy, []approval.Outcome{approval.Raised}, "PermissionError"},
		"interrupts its guard":          {"import os, signal\nos.kill(os.getppid(), signal.SIGINT)\n", roomy, []approval.Outcome{approval.Raised}, "PermissionError"},
		"loops":                         {"print('before')\nwhile True:\n    pass\n", short, []approval.Outcome{approval.TimedOut}, "limit of 2 seconds"},
		"ignores signals":               {"import signal, time\nfor s in range(1, 32):\n    try:\n        signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError):\n        pass\nwhile True:\n    time.sleep(1)\n", short, []approval.Outcome{approval.TimedOut}, "limit"},
		"stops its guard":               {"import os, signal, time\nos.kill(1, signal.SIGSTOP)\ntime.sleep(100)\n", roomy, []approval.Outcome{approval.Raised}, "PermissionError"},
		"one big allocation":            {"x = bytearray(10 << 30)\n", small, []approval.Outcome{approval.OutOfRAM}, "MemoryError"},
		"memory bomb":                   {"x = []\nwhile True:\n    x.append(bytearray(b'x' * (8 << 20)))\n", small, []approval.Outcome{approval.OutOfRAM}, "Memory"},
		"memory bomb in many processes": {"import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        x = bytearray(b'x' * (150 << 20))\n        time.sleep(60)\ntime.sleep(60)\n", small, []approval.Outcome{approval.OutOfRAM}, "more than its 256 MB"},
		"process bomb":                  {"import os\nwhile True:\n    os.fork()\n", short, []approval.Outcome{approval.Raised, approval.TimedOut, approval.OutOfRAM, approval.Broken}, ""}, // gVisor kills a process for which the host has no more threads
		"thread bomb":                   {"import threading, time\nwhile True:\n    threading.Thread(target=time.sleep, args=(100,), daemon=True).start()\n", short, []approval.Outcome{approval.Raised, approval.TimedOut}, ""},
		"fills the disk":                {"n = 0\nwhile True:\n    n += 1\n    with open('f%d' % n, 'wb') as f:\n        f.write(b'x' * (30 << 20))\n", roomy, []approval.Outcome{approval.Raised}, "No space left"},
		"one huge file":                 {"with open('f', 'wb') as f:\n    for _ in range(100):\n        f.write(b'x' * (1 << 20))\n", roomy, []approval.Outcome{approval.Raised}, "File too large"},
		"fills the inodes":              {"n = 0\nwhile True:\n    n += 1\n    open('f%d' % n, 'w').close()\n", roomy, []approval.Outcome{approval.Broken}, "made more than 10000 files"},
		"many open files":               {"x = []\nwhile True:\n    x.append(open('/dev/null'))\n", roomy, []approval.Outcome{approval.Raised}, "Too many open files"},
		"writes outside":                {"open('../../x', 'w')\n", roomy, []approval.Outcome{approval.Raised}, "../../x"},
		"writes to usr":                 {"open('/usr/bin/python3', 'w')\n", roomy, []approval.Outcome{approval.Raised}, "/usr/bin/python3"},
		"changes its runner":            {"open('/runner/worker.py', 'w')\n", roomy, []approval.Outcome{approval.Raised}, "/runner/worker.py"},
		"nests deeply":                  {"def f(n):\n    return f(n + 1)\nf(0)\n", roomy, []approval.Outcome{approval.Raised}, "RecursionError"},
		"an error without words":        {"class E(Exception):\n    def __str__(self):\n        raise self\nraise E\n", roomy, []approval.Outcome{approval.Raised}, "cannot be shown"},
		"asks somebody":                 {"input('name? ')\n", roomy, []approval.Outcome{approval.Raised}, "EOFError"},
	}
	drawn := slices.Sorted(maps.Keys(all))
	if os.Getenv("SANDBOX_TEST_ALL") == "" { // else -test.run says which (life_linux_test.go)
		drawn = proof.Draw(t, drawn)
	}
	t.Cleanup(func() { // when all of them have ended
		proof.Check(t, !t.Failed(), "harmful code that somebody approved ends as it deserves, and says how", "%d programs", len(drawn))
	})
	for _, name := range drawn {
		c := all[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := run(t, job(c.code, c.limits))
			t.Logf("%s: %s, after %v", result.Outcome, result.Error, result.Code)
			require.Contains(t, c.outcome, result.Outcome, "%+v", result)
			require.Contains(t, result.Error, c.says)
		})
	}
}

func TestNoNetworkIsReachable(t *testing.T) {
	t.Parallel()
	host, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, host.Close()) }()
	reached := make(chan struct{}, 1)
	go func() {
		if _, err := host.Accept(); err == nil {
			reached <- struct{}{}
		}
	}()
	result := run(t, job(fmt.Sprintf(`
import socket
print([name for _, name in socket.if_nameindex()])
print([line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line])
for family, address in ((socket.AF_INET, ("127.0.0.1", %d)), (socket.AF_VSOCK, (2, 1024)), (socket.AF_UNIX, "/run/dbus/system_bus_socket")):
    try:
        socket.socket(family, socket.SOCK_STREAM).connect(address)
        print("reached")
    except OSError:
        print("no")
`, host.Addr().(*net.TCPAddr).Port), roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "['lo']\n['lo']\nno\nno\nno\n", result.Stdout)
	require.Contains(t, result.Observed.Connected, fmt.Sprintf("127.0.0.1:%d", host.Addr().(*net.TCPAddr).Port))
	require.Empty(t, reached)
}

func TestNothingOfTheHostIsVisible(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import os
print(sorted(os.listdir("/")))
print(sorted(os.listdir("/etc")))
print(sorted(os.environ))
print(os.getuid(), os.path.exists("/home"), os.path.exists("/root"), os.listdir("/usr/local"))
print(sorted(p for p in os.listdir("/proc") if p.isdigit()))
for path in ("/proc/1/mem", "/proc/1/fd/4", "/proc/1/environ", "/proc/sysrq-trigger", "/dev/mem", "/proc/sys/kernel/core_pattern"):
    try:
        open(path, "rb+").close()
        print("opened", path)
    except OSError:
        pass
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	t.Log(result.Stdout)
	require.NotContains(t, result.Stdout, "opened")
	require.Contains(t, result.Stdout, "1000 False False []")
	require.Contains(t, result.Stdout, "['1', '2']")
	require.NotContains(t, result.Stdout, "shadow")
	require.NotContains(t, result.Stdout, "COUNTERSIGN")
}

func TestDaemonsEndWithTheRun(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            with open("late.txt", "a") as f:
                f.write("still here\n" * 1000)
    os._exit(0)
os.wait()
time.sleep(0.2)
print("done")
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "done\n", result.Stdout)
	require.Less(t, result.Code.Seconds(), float64(roomy.Seconds))
	require.Equal(t, []string{"a copy of itself"}, result.Observed.Spawned)
}

func TestAFloodOfOutputIsCut(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
line = "x" * (1 << 20)
for _ in range(128):
    print(line)
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result.Error)
	require.LessOrEqual(t, len(result.Stdout), 1<<20)
	require.Greater(t, len(result.Stdout), 1<<20-200, "its beginning and its end")
	require.Contains(t, strings.Join(result.Notes, "\n"), "128.0 MB")
}

func TestSixtyFiguresAreTwenty(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import warnings
warnings.simplefilter("ignore")
import matplotlib.pyplot as plt
for i in range(60):
    plt.figure(figsize=(1, 1)).add_subplot()
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result.Error)
	require.Len(t, result.Artifacts, 20)
	require.Equal(t, "chart-20.png", result.Artifacts[19].Name)
	require.Contains(t, result.Notes, "40 more figures were not kept: 20 may come back.")
}

func TestOnlyPlainFilesWithPlainNamesComeBack(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import os
open("good.txt", "w").write("good")
open("Umsätze 2024.txt", "w").write("ü")
open("-rf", "w").write("x")
open(".hidden", "w").write("x")
open("a\nb\u202e.txt", "w").write("x")
open(b"\xff\xfe.bin", "w").write("x")
open("n" * 250 + ".txt", "w").write("x")
os.makedirs("deep/er")
open("deep/er/x.txt", "w").write("deep")
os.symlink("/etc/passwd", "passwd.txt")
os.symlink("/", "root")
open("one", "w").write("x")
os.link("one", "two")
os.mkfifo("pipe")
with open("sparse", "wb") as f:
    f.truncate(60 << 20)
with open("sales.csv", "a") as f:
    f.write("more\n")
`, roomy, sales, input("untouched.csv", "a\n1\n")))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.ElementsMatch(t, []string{"good.txt", "Umsätze_2024.txt", "_rf", "_hidden", "a_b_.txt", "__.bin",
		strings.Repeat("n", 86) + ".txt", "deep_er_x.txt", "sales.csv"}, names(result.Artifacts), "%v", result.Notes)
	notes := strings.Join(result.Notes, "\n")
	for _, left := range []string{"passwd.txt", "root", "one", "two", "pipe", "sparse"} {
		require.Contains(t, notes, left+" was left behind")
	}
	require.Contains(t, notes, "The code changed its copy of the input sales.csv.")
}

func TestTooManyAndTooLargeFilesAreLeftBehind(t *testing.T) {
	t.Parallel()
	limits := roomy
	limits.Files, limits.OutputBytes = 3, 1<<20
	result := run(t, job(`
open("big", "w").write("x" * (2 << 20))
for i in range(10):
    open("f%d" % i, "w").write("x")
`, limits))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, []string{"f0", "f1", "f2"}, names(result.Artifacts))
	notes := strings.Join(result.Notes, "\n")
	require.Contains(t, notes, "The file big was left behind")
	require.Contains(t, notes, "more files were left behind: 3 may come back.")
}

func TestProveReviewResultsCannotBeForgedCheaply(t *testing.T) {
	t.Parallel()
	for name, code := range tenthOf(t, "code cannot forge its result cheaply", map[string]string{
		"through every descriptor": `
import os, json, struct
report = json.dumps({"outcome": "ok", "value": "forged"}).encode()
frame = lambda kind, body: struct.pack(">16scII", bytes(16), kind, 0, len(body)) + body
for fd in range(3, 40):
    try:
        os.write(fd, frame(b"R", report) + frame(b"Z", b""))
    except OSError:
        pass
raise RuntimeError("the truth")
`,
		"through process 1": `
import os
for path in ["/proc/1/fd/%d" % n for n in range(20)] + ["/proc/1/mem", "/proc/1/root/out/report.json"]:
    try:
        fd = os.open(path, os.O_WRONLY)
        os.write(fd, b"forged")
    except OSError:
        pass
raise RuntimeError("the truth")
`,
		"with a report of its own": `
import os, json
with open("/out/report.json", "w") as f:
    json.dump({"outcome": "ok", "value": "forged"}, f)
raise RuntimeError("the truth")
`,
		"by a copy that ends well": `
import os
if os.fork() == 0:
    raise SystemExit(0)
os.wait()
raise RuntimeError("the truth")
`,
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := run(t, job(code, roomy))
			if result.Outcome != approval.Broken { // it may break its own report, but not write another one
				require.Equal(t, approval.Raised, result.Outcome, "%+v", result)
				require.Equal(t, "RuntimeError: the truth", result.Error)
			}
			require.Empty(t, result.Value)
		})
	}
	t.Run("its report changed after its end", func(t *testing.T) {
		t.Parallel()
		result := run(t, job(`
import os, time
if os.fork() == 0:
    while True:
        try:
            with open("/out/report.json", "r+") as f:
                f.write("[")
            os._exit(0)
        except OSError:
            time.sleep(0.0001)
print("x")
`, roomy))
		require.NotEqual(t, "forged", result.Value)
		require.Contains(t, []approval.Outcome{approval.OK, approval.Broken}, result.Outcome)
	})
}

func TestInputsThatDoNotFitAreSaid(t *testing.T) {
	t.Parallel()
	big := input("big.csv", strings.Repeat("x", 170<<20))
	bigger := big
	bigger.Name = "bigger.csv"
	said := new(steps.BoxError)
	box := create(t, shared, freshID())
	require.ErrorAs(t, shared.Start(t.Context(), box, job("print('never')", roomy, big, bigger)), &said)
	require.NoError(t, shared.Kill(t.Context(), box))
	require.False(t, said.Retry)
	require.Equal(t, "A sandbox on this machine holds at most 256 MB of files together, so the code has not started.", said.Words)
}

// Whatever code makes its worker say, the supervisor comes to an end.
func TestAReportOfNonsenseIsBroken(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import json
real = json.dumps
json.dumps = lambda what, **how: real({"charts": 7}) if "outcome" in what else real(what, **how)
`, roomy))
	require.Equal(t, approval.Broken, result.Outcome, "%+v", result)
	require.Contains(t, result.Error, "The box could not do its work")
}

func TestWhatLooksLikeACommentStaysOne(t *testing.T) {
	t.Parallel()
	result := run(t, job("# coding: utf-7\n# note +AAo-print('hidden')\nprint('seen')\n", roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "seen\n", result.Stdout)
}

// On a busy machine the imports alone may take more processor time than a short
// run is allowed; and who uses too much of it is told so.
func TestProcessorTimeIsTheCodesOwn(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import resource, time
left = resource.getrlimit(resource.RLIMIT_CPU)[0] - time.process_time()
print(left > 60 + 4, time.process_time() > 0.2)
resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1, resource.getrlimit(resource.RLIMIT_CPU)[1]))
while True:
    pass
`, roomy))
	require.Equal(t, approval.TimedOut, result.Outcome, "%+v", result)
	require.Equal(t, "True True\n", result.Stdout)
	require.Contains(t, result.Error, "processor time")
}

func TestATimeoutSaysWhereAndKeepsWhatThereIs(t *testing.T) {
	t.Parallel()
	result, _ := inTime(t, 10, func(int) string {
		return `
import matplotlib.pyplot as plt, time
plt.plot([1, 2])
plt.show()
open("half.txt", "w").write("half")
print("before")
def slow():
    time.sleep(10_000)
slow()
`
	}, func(r approval.Result) bool { return r.Stdout != "" })
	require.Equal(t, approval.TimedOut, result.Outcome, "%+v", result)
	require.Equal(t, "before\n", result.Stdout)
	require.Equal(t, []string{"chart-1.png", "half.txt"}, names(result.Artifacts))
	require.Contains(t, result.Traceback, `File "analysis.py", line 8 in slow`)
	require.Contains(t, result.Traceback, `File "analysis.py", line 9 in <module>`)
}
