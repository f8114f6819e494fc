package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
)

func TestAnHonestRunBringsTableChartAndFile(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import pandas as pd
import matplotlib.pyplot as plt

sales = pd.read_csv("sales.csv", parse_dates=["day"])
print("rows:", len(sales))
sales.plot(x="day", y="amount", title="Sales", xlabel="Day")
sales.to_csv("copy.csv", index=False)
total = sales.groupby("kind", as_index=False)["amount"].sum()
total
`, roomy, sales))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "rows: 3\n", result.Stdout)
	require.Empty(t, result.Stderr)
	require.Equal(t, []approval.Grid{{Title: "total", Columns: []string{"kind", "amount"}, Numbers: []bool{false, true},
		Rows: [][]string{{"a", "12.5"}, {"b", "0.0"}}, TotalRows: 2}}, result.Tables)
	require.Equal(t, []string{"total.csv", "chart-1.png", "copy.csv"}, names(result.Artifacts))
	require.Equal(t, "kind,amount\na,12.5\nb,0.0\n", string(result.Artifacts[0].Data))
	require.Equal(t, []string{"table", "chart", "file"}, []string{result.Artifacts[0].Kind, result.Artifacts[1].Kind, result.Artifacts[2].Kind})
	require.Equal(t, "Sales, x: Day, 1 line", result.Artifacts[1].Alt)
	require.Equal(t, approval.Observed{Opened: []string{"sales.csv", "copy.csv (written)"}, Imported: []string{"pandas", "matplotlib"}, Witness: &approval.Witness{Source: approval.WitnessGVisor, Opened: []string{"sales.csv", "copy.csv (written)"}, Started: []string{}, Connected: []string{}, Complete: true}}, result.Observed)
	require.Positive(t, result.Code)
	require.GreaterOrEqual(t, result.Box, result.Code)
}

func TestATracebackShowsTheReviewedCodeOnly(t *testing.T) {
	t.Parallel()
	result := run(t, job("import pandas as pd\ndef price(df):\n    return df['price']\nprice(pd.read_csv('sales.csv'))\n", roomy, sales))
	require.Equal(t, approval.Raised, result.Outcome)
	require.Contains(t, result.Traceback, `File "analysis.py", line 3, in price`)
	require.Contains(t, result.Traceback, "return df['price']")
	require.NotContains(t, result.Traceback, "/usr/")
}

func TestABoxStartsOnceAndIsCollectedOften(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	id := freshID()
	boxID := create(t, shared, id)
	again := create(t, shared, id)
	require.Equal(t, boxID, again, "a request has one box")

	_, err := shared.Result(ctx, boxID)
	require.ErrorIs(t, err, steps.ErrNotStarted)

	j := job("import random\nprint(random.random())\n", roomy)
	for range 3 {
		require.NoError(t, shared.Start(ctx, boxID, j))
	}
	first, err := shared.Result(ctx, boxID)
	require.NoError(t, err)
	require.Equal(t, approval.OK, first.Outcome, "%+v", first)
	require.Equal(t, 1, strings.Count(first.Stdout, "\n"))
	second, err := shared.Result(ctx, boxID)
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.NoError(t, shared.Start(ctx, boxID, j), "a late repetition changes nothing")

	require.NoError(t, shared.Kill(ctx, boxID))
	require.NoError(t, shared.Kill(ctx, boxID), "killing twice is no error")
	_, err = shared.Result(ctx, boxID)
	require.ErrorIs(t, err, steps.ErrBoxGone)
	require.ErrorIs(t, shared.Start(ctx, boxID, j), steps.ErrBoxGone)
}

func TestCodeThatIsNotTheSealedCodeNeverStarts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	boxID := create(t, shared, freshID())
	changed := job("print('approved')", roomy)
	changed.Code = "print('something else')"
	for _, j := range []steps.Job{changed, job("print('approved')", roomy)} {
		err := shared.Start(ctx, boxID, j)
		var box *steps.BoxError
		require.ErrorAs(t, err, &box, "a refusal stands, whatever comes after it")
		require.False(t, box.Retry)
		require.Contains(t, box.Words, "not the sealed code")
		_, err = shared.Result(ctx, boxID)
		require.ErrorIs(t, err, steps.ErrNotStarted)
	}
	require.NoError(t, shared.Kill(ctx, boxID))
}

func TestAWaiterIsToldWhenItsTimeOrItsBoxIsOver(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	boxID := create(t, shared, freshID())
	require.NoError(t, shared.Start(ctx, boxID, job("import time\ntime.sleep(100)\n", roomy)))
	over, cancel := context.WithCancel(ctx)
	cancel()
	_, err := shared.Result(over, boxID)
	require.ErrorIs(t, err, context.Canceled)
	_, err = shared.Create(over, freshID(), shared.seal())
	require.ErrorIs(t, err, context.Canceled)

	waiter := make(chan error)
	go func() {
		_, err := shared.Result(ctx, boxID)
		waiter <- err
	}()
	require.NoError(t, shared.Kill(ctx, boxID))
	require.ErrorIs(t, <-waiter, steps.ErrBoxGone)
}

func TestABoxThatDiesBeforeItsStartIsGone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	boxID := create(t, shared, freshID())
	b := shared.box(boxID)
	b.proc.kill()
	<-b.done
	_, err := shared.Result(ctx, boxID)
	require.ErrorIs(t, err, steps.ErrBoxGone)
	require.ErrorIs(t, shared.Start(ctx, boxID, job("1", roomy)), steps.ErrBoxGone)
	require.NoError(t, shared.Kill(ctx, boxID))
}

func TestWhatCannotBeKeptOfASealIsRefused(t *testing.T) {
	t.Parallel()
	for words, change := range map[string]func(*approval.Manifest){
		`approved for the sandbox "e2b"`: func(m *approval.Manifest) { m.Sandbox = "e2b" },
		"has changed since the approval": func(m *approval.Manifest) { m.Template = "debian 1" },
		"network access to example.com":  func(m *approval.Manifest) { m.Network = []string{"example.com"} },
	} {
		seal := shared.seal()
		change(&seal)
		_, err := shared.Create(context.Background(), freshID(), seal)
		var box *steps.BoxError
		require.ErrorAs(t, err, &box)
		require.Contains(t, box.Words, words)
		require.False(t, box.Retry)
	}
}

// own makes a sandbox beside the shared one.
func own(t *testing.T, opt Options) *Sandbox {
	t.Helper()
	dir, err := os.MkdirTemp("", "cs")
	require.NoError(t, err)
	opt.Dir = dir
	s, err := New(opt)
	require.NoError(t, err)
	s.patience = soon
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, s.Close(), "closing twice is no error")
		require.NoError(t, os.Remove(dir), "nothing is left")
	})
	return s
}

func TestAClosedSandboxMakesNoBox(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: 1})
	s.Prepare("a")
	boxID := create(t, s, "b")
	require.NoError(t, s.Close())
	s.Prepare("c")
	s.Discard("a")
	_, err := s.Create(context.Background(), "b", s.seal())
	var box *steps.BoxError
	require.ErrorAs(t, err, &box)
	require.True(t, box.Retry)
	_, err = s.Inspect(context.Background(), "1", nil)
	require.ErrorAs(t, err, &box)
	_, err = s.Result(context.Background(), boxID)
	require.ErrorIs(t, err, steps.ErrBoxGone)
	_, err = s.SelfTest(context.Background())
	require.ErrorAs(t, err, &box)
}

func TestAnotherInstancesBoxIsGone(t *testing.T) {
	t.Parallel()
	s := own(t, Options{})
	boxID := create(t, shared, freshID())
	_, err := s.Result(context.Background(), boxID)
	require.ErrorIs(t, err, steps.ErrBoxGone)
	require.ErrorIs(t, s.Start(context.Background(), boxID, job("1", roomy)), steps.ErrBoxGone)
	require.NoError(t, s.Kill(context.Background(), boxID))
	require.False(t, shared.box(boxID).dead(), "it has not touched what is not its own")
	require.NoError(t, shared.Kill(context.Background(), boxID))
}

// Two replicas on one machine: a run that is under way in one of them is not lost
// because the job came to the other.
func TestABoxOfALivingNeighbourIsNotGone(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "cs")
	require.NoError(t, err)
	one, err := New(Options{Dir: dir, MaxWarm: -1})
	require.NoError(t, err)
	other, err := New(Options{Dir: dir, MaxWarm: -1})
	require.NoError(t, err)
	boxID := create(t, one, freshID())
	var box *steps.BoxError
	_, err = other.Result(context.Background(), boxID)
	require.ErrorAs(t, err, &box)
	require.True(t, box.Retry)
	require.NotErrorIs(t, err, steps.ErrBoxGone)
	require.ErrorAs(t, other.Start(context.Background(), boxID, job("1", roomy)), &box)
	require.True(t, box.Retry)

	require.NoError(t, one.Close())
	_, err = other.Result(context.Background(), boxID)
	require.ErrorIs(t, err, steps.ErrBoxGone)
	for _, odd := range []string{"", "local", "local-", "local-..-1", "local-a/../b-1", "i1box"} {
		_, err = other.Result(context.Background(), odd)
		require.ErrorIs(t, err, steps.ErrBoxGone, odd)
	}
	require.NoError(t, errors.Join(other.Close(), os.Remove(dir)))
}

func TestBoxesDieWithTheirProcessAndTheNextOneClearsUp(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "cs")
	require.NoError(t, err)
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), "SANDBOX_TEST_VICTIM="+dir)
	out, err := victim.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, victim.Start())
	var pids []int
	require.NoError(t, json.NewDecoder(out).Decode(&pids))
	require.GreaterOrEqual(t, len(pids), 2, "runsc and its sandbox")
	require.NoError(t, victim.Process.Kill())
	_, err = io.Copy(io.Discard, out)
	require.NoError(t, err)
	var exit *exec.ExitError
	require.ErrorAs(t, victim.Wait(), &exit)
	for _, pid := range pids {
		require.Eventually(t, func() bool { return !alive(pid) }, soon, 10*time.Millisecond, "process %d", pid)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "its folder")

	// A process that even that has not ended: any that names the state folder.
	state := filepath.Join(dir, left[0].Name(), "s")
	stray := exec.Command("/bin/sh", "-c", "sleep 1000 & wait", "sh", "--root="+state)
	stray.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, stray.Start())
	require.NoError(t, os.Mkdir(filepath.Join(dir, "newborn"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a file"), nil, 0o600))

	s, err := New(Options{Dir: dir})
	require.NoError(t, err)
	require.ErrorAs(t, stray.Wait(), &exit)
	_ = syscall.Kill(-stray.Process.Pid, syscall.SIGKILL)
	require.NoDirExists(t, filepath.Join(dir, left[0].Name()))
	require.DirExists(t, filepath.Join(dir, "newborn"), "somebody may be making it just now")

	other, err := New(Options{Dir: dir})
	require.NoError(t, err)
	require.DirExists(t, s.home.dir, "the living are left alone")
	require.NoError(t, errors.Join(other.Close(), s.Close(), os.RemoveAll(dir)))
}

// alive tells whether a process runs; one that has ended and is not yet reaped does not.
func alive(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// beVictim is what the process of the test above does: it has a box that waits
// and one that runs, says so, and waits for its end.
func beVictim(dir string) error {
	s, err := New(Options{Dir: dir})
	if err != nil {
		return err
	}
	s.Prepare("a")
	boxID, err := "", error(&steps.BoxError{Kept: true})
	for box := new(steps.BoxError); errors.As(err, &box) && box.Kept; {
		boxID, err = s.Create(context.Background(), "b", s.seal())
	}
	if err != nil {
		return err
	}
	if err := s.Start(context.Background(), boxID, job("while True: pass", roomy)); err != nil {
		return err
	}
	pids := []int{s.box(boxID).proc.cmd.Process.Pid}
	for i := 0; i < len(pids); i++ {
		pids = append(pids, children(pids[i])...)
	}
	if err := json.NewEncoder(os.Stdout).Encode(pids); err != nil {
		return err
	}
	select {}
}

func TestAPlainUserHasTheSameBoxes(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		require.True(t, shared.rootless) // then all other tests prove it
		return
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("", "cs")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	for from, to := range map[string]string{os.Args[0]: "local.test", shared.opt.Runsc: "runsc"} {
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, to), data, 0o755))
	}
	require.NoError(t, os.CopyFS(filepath.Join(dir, "runner", "testdata"), os.DirFS("../runner/testdata")))
	tmp := filepath.Join(dir, "tmp")
	require.NoError(t, os.Mkdir(tmp, 0o700))
	require.NoError(t, os.Chown(tmp, nobody, nobody))
	// With the umask of the unit for systemd: what others may not read, boxes may.
	cmd := exec.Command("/bin/sh", "-c", `umask 077; exec "$@"`, "sh", filepath.Join(dir, "local.test"), "-test.v",
		"-test.run=^(TestAnHonestRun|TestABoxStartsOnce|TestBoxesWait|TestProveReviewAbuseEnds|TestNoNetwork|TestNothingOfTheHost|TestDaemons|TestInspection)/"+
			"^(loops|memory_bomb_in|fills_the_disk|process_bomb|hostile_runs)")
	cmd.Dir = tmp
	cmd.Env = []string{"PATH=/usr/bin:/bin", "TMPDIR=" + tmp, "COUNTERSIGN_RUNSC=" + filepath.Join(dir, "runsc"), "SANDBOX_TEST_ALL=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestAnHonestRunBringsTableChartAndFile")
	require.Contains(t, string(out), "--- PASS: TestProveReviewAbuseEndsAsItDeserves/memory_bomb_in_many_processes")
	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	require.Len(t, left, 1, "what it shares with later ones: the line, which nobody stands in, and the list of fonts")
	require.Equal(t, fmt.Sprintf("countersign-%d-machine", nobody), left[0].Name())
}
