package e2b_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/sandbox/e2b"
	"countersign/sandbox/e2b/e2btest"
)

const table = `import pandas as pd
sales = pd.read_csv("sales.csv")
print("rows:", len(sales))
sales.groupby("region", as_index=False)["amount"].sum()
`

func TestARunBringsBackTextTableAndBoxTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := time.Now()
	result := b.run(t, "req1", table, input("sales.csv", "region,amount\nnorth,3\nsouth,4\nnorth,5\n"))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "rows: 3\n", result.Stdout)
	require.Len(t, result.Tables, 1)
	require.Equal(t, []string{"region", "amount"}, result.Tables[0].Columns)
	require.Positive(t, result.Box)
	require.LessOrEqual(t, result.Box, time.Since(before))
	require.Equal(t, 1, b.e2b.Starts("req1"))
	require.Empty(t, b.e2b.Alive())
}

func TestAnExceptionIsAResult(t *testing.T) {
	t.Parallel()
	b := setup(t)
	result := b.run(t, "req1", "print('first')\n{}['price']\n")
	require.Equal(t, approval.Raised, result.Outcome)
	require.Equal(t, "KeyError: 'price'", result.Error)
	require.Equal(t, "first\n", result.Stdout)
}

func TestATemplateThatLostPandasIsNotTheCodesFault(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Change(func(s *e2btest.Settings) { s.Bare = true })
	result := b.run(t, "req1", "import pandas as pd\n")
	require.Equal(t, approval.Raised, result.Outcome)
	require.Contains(t, result.Error, "No module named 'pandas'. That is not the code's fault: the sandbox has no pandas")
	require.Contains(t, result.Error, "An administrator should look at the sandbox")
	result = b.run(t, "req2", "import nonsense\n")
	require.NotContains(t, result.Error, "fault", "that one is")
	result = b.run(t, "req3", "print(6*7)\n")
	require.Equal(t, "42\n", result.Stdout, "what needs none of it runs")
}

func TestManyStartsOfWhichEachIsHungUpOnGiveOneRun(t *testing.T) {
	t.Parallel()
	for _, effect := range []bool{true, false} {
		t.Run(map[bool]string{true: "after it took effect", false: "before it took effect"}[effect], func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.create(t, "req1", "print(6*7)")
			// Each Start makes four attempts at the call; all of them are lost, but the answer in the box is not.
			b.e2b.Fail(e2btest.Start, e2btest.Fault{Effect: effect, Times: 10})
			for range 5 {
				if err := b.client.Start(t.Context(), id, jobFor("req1", "print(6*7)")); err != nil {
					require.True(t, boxError(t, err).Retry)
				}
			}
			require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", "print(6*7)")))
			result, err := b.client.Result(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, "42\n", result.Stdout)
			require.Equal(t, 1, b.e2b.Starts("req1"))
		})
	}
}

func TestStartsAtTheSameTimeGiveOneRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	others := []*e2b.Client{b.client, b.client, b.another(t), b.another(t), b.another(t)}
	faults := make(chan error, len(others))
	for _, replica := range others {
		go func() { faults <- replica.Start(t.Context(), id, jobFor("req1", "print(1)")) }()
	}
	for range others {
		require.NoError(t, <-faults)
	}
	result, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "1\n", result.Stdout)
	require.Equal(t, 1, b.e2b.Starts("req1"))
}

func TestTheResultOutlivesTheReplicaThatStartedTheRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "import time; time.sleep(0.5); print('done')")
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", "import time; time.sleep(0.5); print('done')")))
	result, err := b.another(t).Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, approval.OK, result.Outcome)
	require.Equal(t, "done\n", result.Stdout)
	again, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, result.Stdout, again.Stdout)
}

func TestResultSaysWhenNothingWasStarted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	_, err := b.client.Result(t.Context(), id)
	require.ErrorIs(t, err, steps.ErrNotStarted)
}

func TestResultGivesTheContextsErrorWhileTheCodeRuns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	code := "import time; time.sleep(1000)"
	id := b.create(t, "req1", code)
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code)))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := b.client.Result(ctx, id)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, b.client.Kill(t.Context(), id))
}

func TestABoxThatDiesDuringTheRunIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	code := "import time; time.sleep(1000)"
	id := b.create(t, "req1", code)
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code)))
	soon(t, "the code runs", func() bool { return b.e2b.Starts("req1") == 1 })
	b.e2b.End(id)
	_, err := b.client.Result(t.Context(), id)
	require.ErrorIs(t, err, steps.ErrBoxGone)
	_, err = b.another(t).Result(t.Context(), id) // the control plane's word for it
	require.ErrorIs(t, err, steps.ErrBoxGone)
	require.ErrorIs(t, b.client.Start(t.Context(), id, jobFor("req1", code)), steps.ErrBoxGone)
	require.NoError(t, b.client.Kill(t.Context(), id))
}

func TestTheRunnersOwnTimeLimitHolds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	code := "import time\nprint('begun', flush=True)\nwhile True: time.sleep(1)"
	var result approval.Result
	for seconds := 2; result.Stdout == "" && seconds < limits.Seconds; seconds *= 4 { // a busy machine needs some of them to begin
		request := fmt.Sprint("within ", seconds)
		seal, job := sealFor(code), jobFor(request, code)
		seal.Limits.Seconds, job.Limits.Seconds = seconds, seconds
		id, err := b.client.Create(t.Context(), request, seal)
		require.NoError(t, err)
		require.NoError(t, b.client.Start(t.Context(), id, job))
		result, err = b.client.Result(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, approval.TimedOut, result.Outcome)
	}
	require.Equal(t, "begun\n", result.Stdout)
}

func TestARunnerThatDoesNotStopIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.client.SetGrace(time.Second)
	// The code stops its own supervisor, so nobody in the box keeps the time.
	code := "import os, signal, time\nos.kill(os.getppid(), signal.SIGSTOP)\ntime.sleep(1000)"
	seal, job := sealFor(code), jobFor("req1", code)
	seal.Limits.Seconds, job.Limits.Seconds = 1, 1
	id, err := b.client.Create(t.Context(), "req1", seal)
	require.NoError(t, err)
	require.NoError(t, b.client.Start(t.Context(), id, job))
	result, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, approval.TimedOut, result.Outcome)
	require.NotEmpty(t, result.Error)
}

// The count of a file system knows nothing of whose its files are.
func TestFilesOfOthersAreNotTheCodes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := t.TempDir()
	mark := filepath.Join(dir, "mark")
	code := fmt.Sprintf("import os, time\nwhile not os.path.exists(%q): time.sleep(0.05)\ntime.sleep(0.5)\nprint('done')", mark)
	id := b.create(t, "req1", code)
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code)))
	for n := range 11_000 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, strconv.Itoa(n)), nil, 0o600))
	}
	require.NoError(t, os.WriteFile(mark, nil, 0o600))
	result, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)

	result = b.run(t, "req2", "import tempfile, os, time\nd = tempfile.mkdtemp()\nfor n in range(11000): open(os.path.join(d, str(n)), 'w').close()\ntime.sleep(1000)")
	require.Equal(t, approval.Broken, result.Outcome, "%+v", result)
	require.Contains(t, result.Error, "more than 10000 files")
}

func TestARunnerThatIsKilledIsBroken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	result := b.run(t, "req1", "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(1000)")
	require.Equal(t, approval.Broken, result.Outcome)
	require.Contains(t, result.Error, "killed inside its box")
}

func TestAForgedResultIsNoSuccess(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// The code writes a result of its own where the runner's belongs, and ends the runner.
	code := `import os, signal, time
at = os.path.join(os.path.dirname(os.getcwd()), "result")
open("forged", "wb").write(bytes(16) + b"R" + bytes(8) + bytes(16) + b"Z" + bytes(8))
os.rename("forged", at)  # whole: nobody reads a part of it
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(1000)`
	result := b.run(t, "req1", code)
	require.Equal(t, approval.Broken, result.Outcome)
	require.Contains(t, result.Error, "proper form")
}

func TestAResultTooLargeToTakeIsNotTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	code := "import time; time.sleep(1000)"
	id := b.create(t, "req1", code)
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code)))
	at := filepath.Join(b.e2b.Box(id).Root, "home/user/countersign/box/result")
	soon(t, "the runner is in its place", func() bool { return os.Mkdir(at, 0o700) == nil && os.Remove(at) == nil })
	require.NoError(t, os.WriteFile(at, nil, 0o600))
	require.NoError(t, os.Truncate(at, 200<<20))
	result, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, approval.Broken, result.Outcome)
	require.Contains(t, result.Error, "More came out of the box")
}

func TestNothingButTheSealedJobIsStarted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	for name, spoil := range map[string]func(*steps.Job){
		"another request": func(j *steps.Job) { j.RequestID = "req2" },
		"other limits":    func(j *steps.Job) { j.Limits.Seconds++ },
		"other code":      func(j *steps.Job) { j.Code = "print(2)" },
		"another input":   func(j *steps.Job) { j.Inputs = []steps.InputFile{{Size: 1, Open: steps.Held([]byte("x"))}} },
		"a name that leads out": func(j *steps.Job) {
			j.Inputs = []steps.InputFile{input("../../etc/passwd", "x")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			job := jobFor("req1", "print(1)")
			spoil(&job)
			require.Error(t, b.client.Start(t.Context(), id, job))
			require.Zero(t, b.e2b.Starts("req1"))
			require.Zero(t, b.e2b.Calls(e2btest.Write))
		})
	}
}

func TestABoxWithTooLittleTimeLeftIsNotStartedIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.e2b.Add(map[string]string{"countersign_request": "req1", "countersign_limits": "1200-1024-8388608-10"}, time.Hour, time.Hour+30*time.Second)
	err := b.client.Start(t.Context(), id, jobFor("req1", "print(1)"))
	require.ErrorIs(t, err, steps.ErrBoxGone)
	require.Contains(t, boxError(t, err).Words, "waited too long")
	require.Zero(t, b.e2b.Starts("req1"))
}

func TestAFullDiskIsSaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Change(func(s *e2btest.Settings) { s.DiskBytes = 64 << 10 })
	big := input("big.csv", strings.Repeat("1,2,3\n", 100_000))
	id := b.create(t, "req1", "print(1)", big)
	box := boxError(t, b.client.Start(t.Context(), id, jobFor("req1", "print(1)", big)))
	require.False(t, box.Retry)
	require.Contains(t, box.Words, "do not fit")
	require.Zero(t, b.e2b.Starts("req1"))
}

func TestABoxWhosePortIsNotOpenYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	fault := e2btest.PortClosed(id)
	fault.Times = 5
	b.e2b.Fail(e2btest.Stat, fault)
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", "print(1)")))
	fault.Times = -1
	b.e2b.Fail(e2btest.Stat, fault)
	_, err := b.another(t, impatient).Result(t.Context(), id)
	require.NotErrorIs(t, err, steps.ErrBoxGone)
	require.True(t, boxError(t, err).Retry)
}

func TestARunIsNotGivenUpWhileE2BIsOutOfReach(t *testing.T) {
	t.Parallel()
	b := setup(t)
	code := "print('still here')"
	id := b.create(t, "req1", code)
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code)))
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code)))
	b.e2b.Fail(e2btest.Stat, e2btest.Fault{Status: 503, Body: "<html>no upstream</html>", Times: 3}, e2btest.Fault{Times: 3})
	b.e2b.Fail(e2btest.Read, e2btest.Fault{Effect: true}, e2btest.Fault{Status: 500, Body: "{}"})
	result, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "still here\n", result.Stdout)
}

func TestAProxysPageIsNoProofThatAFileIsMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	b.e2b.Fail(e2btest.Stat, e2btest.Fault{Status: 404, Body: "<html>404</html>"})
	_, err := b.client.Result(t.Context(), id)
	require.False(t, errors.Is(err, steps.ErrNotStarted))
	boxError(t, err)
}

// Code that has been approved may still be hostile to its box: it can remove what
// the box goes by, and must not get itself started again by that.
func TestCodeThatRemovesTheGateIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	code := "import os\nopen('../../ran', 'a').write('x')\nos.rmdir('../../once')\nos.rename('../../box', '../../hidden')\nimport time; time.sleep(1000)"
	id := b.create(t, "req1", code)
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code)))
	soon(t, "the gate is gone", func() bool {
		there, err := b.client.Exists(t.Context(), id, "hidden")
		return err == nil && there
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := b.client.Result(ctx, id)
	require.ErrorIs(t, err, context.DeadlineExceeded, "it is running, whatever the box says")
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code)))
	ran, err := b.client.Take(t.Context(), id, 10, "ran")
	require.NoError(t, err)
	require.Equal(t, "x", string(ran))
	require.NoError(t, b.client.Kill(t.Context(), id))
}

// Whoever hears that a start was refused relies on nothing having run.
func TestAStartThatWasMadeIsNeverCalledRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	code := "print(1)"
	id := b.create(t, "req1", code)
	b.e2b.Fail(e2btest.Stat, e2btest.Fault{Pass: true, Do: func() {}}, e2btest.Fault{Status: 404, Body: "<html>404</html>", Times: 1})
	err := b.client.Start(t.Context(), id, jobFor("req1", code))
	require.Equal(t, 1, b.e2b.Calls(e2btest.Start))
	require.True(t, boxError(t, err).Retry, "%v", err)
	require.NotErrorIs(t, err, steps.ErrBoxGone)
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code)))
	result, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "1\n", result.Stdout)
}
