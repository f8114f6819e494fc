//go:build linux

package local

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/proof"
)

// deed is a program that is run in spite of the inspection, and what the witness has to say of it.
type deed struct {
	kind, text, about, code string
}

func deeds(t *testing.T) (all []deed) {
	t.Helper()
	data, err := os.ReadFile("testdata/deeds.txt")
	require.NoError(t, err)
	for _, part := range strings.Split(string(data), "\n#~ ")[1:] {
		head, code, _ := strings.Cut(part, "\n")
		head, about, ok := strings.Cut(head, ": ")
		kind, text, cut := strings.Cut(head, " ")
		require.True(t, ok && cut, head)
		all = append(all, deed{kind, text, about, code + "\n"})
	}
	return all
}

// What a hostile program does is named by the witness wherever the sentry can see it, and where
// it cannot, it is not claimed that nothing happened.
func TestProveReviewWitness(t *testing.T) {
	t.Parallel()
	all := deeds(t)
	require.GreaterOrEqual(t, len(all), 40)
	drawn := proof.Draw(t, all)
	var mu sync.Mutex
	var missed, denied []string
	t.Run("each", func(t *testing.T) {
		for _, d := range drawn {
			t.Run(d.about, func(t *testing.T) {
				t.Parallel()
				limits := roomy
				limits.MemoryMB = 512
				result := run(t, job(d.code, limits, sales))
				w := result.Observed.Witness
				require.NotNil(t, w)
				list := map[string][]string{"opened": w.Opened, "started": w.Started, "connected": w.Connected, "gap": w.Gaps}[d.kind]
				head, rest := result.Observed.Words(func(names []string) string { return strings.Join(names, ", ") })
				said := approval.Compare([]approval.Finding{{Level: approval.Note, Kind: approval.KindRead, About: "sales.csv"}}, []approval.Input{sales.Input}, result.Observed)
				mu.Lock()
				defer mu.Unlock()
				if !strings.Contains(strings.Join(list, "\n"), d.text) {
					missed = append(missed, d.about)
					t.Logf("%s: expected %s %q\n%+v\n%s %s\n%s", d.about, d.kind, d.text, w, result.Outcome, result.Error, result.Stderr)
				}
				if len(said) == 0 || strings.Contains(rest, "Opened no files. No network, no other programs.") {
					denied = append(denied, d.about)
					t.Logf("%s: %s%s\n%q", d.about, head, rest, said)
				}
			})
		}
	})
	proof.Check(t, len(missed) == 0, "the witness names what a hostile program does in a real box", "%d of %d%s", len(drawn)-len(missed), len(drawn), listOf(missed))
	proof.Check(t, len(denied) == 0, "no answer says that nothing happened when something did, and each says the difference", "%d of %d%s", len(drawn)-len(denied), len(drawn), listOf(denied))
}

func listOf(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; " + strings.Join(names, ", ")
}

// The supervisor is another user of the box, whom the program can neither signal nor look into.
func TestTheSupervisorCannotBeReached(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
reached = []
for number in signal.valid_signals():
    try:
        os.kill(os.getppid(), number)
        reached.append(number)
    except PermissionError:
        pass
for name in ("environ", "mem", "maps", "fd/3", "fd/4", "auxv", "stack", "syscall", "task/1/mem", "task/1/environ"):
    try:
        open("/proc/1/" + name, "rb").read(1)
        reached.append(name)
    except OSError:
        pass
for fd in range(32):
    try:
        reached.append(os.readlink("/proc/1/fd/%d" % fd))
    except OSError:
        pass
for name, args in (("setuid", (0,)), ("setresuid", (-1, 0, -1)), ("ptrace", (16, 1, 0, 0)), ("process_vm_readv", (1, 0, 0, 0, 0, 0))):
    if getattr(libc, name)(*args) == 0 and name != "process_vm_readv":
        reached.append(name)
pidfd = libc.syscall(434, 1, 0)
if pidfd >= 0 and libc.syscall(438, pidfd, 4, 0) >= 0:
    reached.append("pidfd_getfd")
print("reached", reached)
print("user", os.getresuid(), os.getresgid(), os.getgroups())
print([line.split()[1] for line in open("/proc/self/status") if line.startswith(("CapPrm", "CapEff", "CapBnd", "NoNewPrivs"))])
kinds = {}
for fd in os.listdir("/proc/self/fd"):
    try:
        kinds[int(fd)] = os.readlink("/proc/self/fd/" + fd)
    except OSError:
        pass
print("kept", 3 in kinds and "pipe" in kinds[3], 4 in kinds and "pipe" in kinds[4])
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	t.Log(result.Stdout)
	require.Contains(t, result.Stdout, "reached []")
	require.Contains(t, result.Stdout, "user (1000, 1000, 1000) (1000, 1000, 1000) []")
	require.Contains(t, result.Stdout, "kept False False")
}

// Of honest programs the witness knows everything, and it says nothing of them that their
// inspection had not announced.
func TestProveReviewWitnessOfHonestPrograms(t *testing.T) {
	t.Parallel()
	var some []script
	for i, s := range corpus(t, "honest") {
		if i%3 == 0 {
			some = append(some, s)
		}
	}
	some = proof.Draw(t, some)
	findings := inspectScripts(t, some)
	inputs := []steps.InputFile{input("sales.csv", "day,region,product,customer_id,units,price,amount\n2024-01-01,N,a,1,1,1.5,1.5\n2024-02-01,S,b,2,2,1.5,3\n"),
		input("customers.csv", "customer_id,name,city,signup\n1,A,B,2024-01-01\n2,C,D,2024-01-02\n"), input("events.json", "[]"), input("server.log", "a\n"), input("access.log", "b\n")}
	var sealed []approval.Input
	for _, in := range inputs {
		sealed = append(sealed, in.Input)
	}
	var mu sync.Mutex
	var wrong []string
	t.Run("each", func(t *testing.T) {
		for i, s := range some {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				code, err := approval.Canonical(s.code)
				require.NoError(t, err)
				// A machine that is too busy to listen leaves a gap, and says so; it does not do that five times.
				result := run(t, job(code, roomy, inputs...))
				for again := 0; again < 4 && !result.Observed.Witness.Complete; again++ {
					result = run(t, job(code, roomy, inputs...))
				}
				if said := approval.Compare(findings[i].Findings, sealed, result.Observed); !result.Observed.Witness.Complete || len(said) > 0 {
					mu.Lock()
					defer mu.Unlock()
					wrong = append(wrong, s.name)
					t.Logf("%s: %s %s\n%+v\n%q", s.name, result.Outcome, result.Error, result.Observed.Witness, said)
				}
			})
		}
	})
	proof.Check(t, len(wrong) == 0, "of an honest program the witness knows everything, and nothing that was not announced", "%d of %d%s", len(some)-len(wrong), len(some), listOf(wrong))
}
