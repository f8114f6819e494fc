package e2b_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/sandbox/e2b"
	"countersign/sandbox/e2b/e2btest"
)

// hearing waits for a run's end elsewhere, and hears its lines.
type hearing struct {
	mu     sync.Mutex
	lines  []string
	result approval.Result
	err    error
	over   chan struct{}
}

func hear(ctx context.Context, c *e2b.Client, id string) *hearing {
	h := &hearing{over: make(chan struct{})}
	c.SetLines(10 * time.Millisecond)
	go func() {
		defer close(h.over)
		h.result, h.err = c.Result(steps.WithLines(ctx, func(line string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.lines = append(h.lines, line)
		}), id)
	}()
	return h
}

func (h *hearing) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.lines...)
}

// hears waits until a line is the last that was told.
func (h *hearing) hears(t *testing.T, line string) {
	t.Helper()
	soon(t, "heard "+line, func() bool {
		select {
		case <-h.over:
			require.Fail(t, "the run is over", "%v %+v, heard %q", h.err, h.result, h.all())
		default:
		}
		all := h.all()
		return len(all) > 0 && all[len(all)-1] == line
	})
}

// work is the working folder of the code in a box that is no machine of its own.
func work(b *testBundle, id string) string {
	return filepath.Join(b.e2b.Box(id).Root, "home/user/countersign/box/work")
}

// steady prints, and goes on whenever the test puts down the file of that name.
const steady = `import os, sys, time
def until(name):
    while not os.path.exists(name):
        time.sleep(0.01)
`

func TestTheLastLineOfARunIsToldWhileItRuns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	code := steady + `print("row 1 of 2", flush=True)
until("one")
for i in range(400):  # some megabytes of a bar of progress, cut wherever the pipe cuts them
    sys.stdout.write("\r%3d %% " % (i // 4) + "█" * 4000)
sys.stdout.write("\r37 % done, \x1b[1mжурнал")
sys.stdout.flush()
until("two")
os.write(1, "地".encode()[:2])
until("three")
os.write(1, "地".encode()[2:] + b"\n")
os.write(1, b"\n \n")
until("four")
for i in range(38):  # as tqdm's bars come, one below the other
    sys.stderr.write("\r\r%3d%%|███▋      | %d/100 [00:03<00:06, 10.02it/s]" % (i, i) + "\n\r 50%|█████     | 1/2\x1b[A")
    sys.stderr.flush()
sys.stderr.write("\r 37%|███▋      | 37/100 [00:03<00:06, 10.02it/s]")
sys.stderr.flush()
until("five")
print("the end")
`
	id := b.create(t, "req1", code)
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code)))
	on := func(name string) { require.NoError(t, os.WriteFile(filepath.Join(work(b, id), name), nil, 0o644)) }
	first := hear(t.Context(), b.client, id)
	first.hears(t, "row 1 of 2")
	second := hear(t.Context(), b.another(t), id) // a replica that has not started it hears the same
	second.hears(t, "row 1 of 2")
	on("one")
	first.hears(t, "37 % done, журнал")
	on("two")
	time.Sleep(50 * time.Millisecond) // half of a letter is none
	first.hears(t, "37 % done, журнал")
	on("three")
	first.hears(t, "37 % done, журнал地")
	// Neither silence nor a look that fails takes the line away, nor does either touch the result.
	b.e2b.Fail(e2btest.Hear, e2btest.Fault{Status: 500, Body: `{"code":500,"message":"no"}`}, e2btest.Fault{}, e2btest.Fault{Silent: true}, e2btest.Fault{Status: 502, Body: "<html>"})
	soon(t, "it was not heard", func() bool { return b.e2b.Calls(e2btest.Hear) > 20 })
	first.hears(t, "37 % done, журнал地")
	on("four")
	first.hears(t, "37%|███▋ | 37/100 [00:03<00:06, 10.02it/s]")
	on("five")
	for _, h := range []*hearing{first, second} {
		<-h.over
		require.NoError(t, h.err)
		require.Equal(t, approval.OK, h.result.Outcome)
		require.Contains(t, h.result.Stdout, "bytes are left out here")
		require.True(t, strings.HasSuffix(h.result.Stderr, "37/100 [00:03<00:06, 10.02it/s]"), "%q", h.result.Stderr)
		require.NotContains(t, h.result.Stdout, "it/s")
		require.True(t, strings.HasSuffix(h.result.Stdout, "журнал地\n\n \nthe end\n"), "%q", h.result.Stdout[len(h.result.Stdout)-100:])
		for _, line := range h.all() {
			require.LessOrEqual(t, len(line), 400)
		}
	}
}

// The file of the line is not closed to code in a box that could not be closed. What stands there is shown as what was
// printed would be, and no more of it.
func TestALineThatTheCodeHasForgedIsALine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	code := steady + `print("ready", flush=True)
until("zero")
os.remove("../line")
until("one")
with open("../line", "w") as f:
    f.write("<!channel> \u202e*forged*\x00\n")
until("two")
with open("../line", "w") as f:
    f.write("x" * 5_000_000)
until("three")
os.remove("../line")
os.mkdir("../line")
until("four")
`
	id := b.create(t, "req1", code)
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code)))
	on := func(name string) { require.NoError(t, os.WriteFile(filepath.Join(work(b, id), name), nil, 0o644)) }
	h := hear(t.Context(), b.client, id)
	h.hears(t, "ready")
	on("zero")
	h.hears(t, "")
	on("one")
	h.hears(t, "<!channel> *forged*")
	for _, name := range []string{"two", "three"} {
		on(name)
		seen := b.e2b.Calls(e2btest.Hear)
		soon(t, "it was looked for again", func() bool { return b.e2b.Calls(e2btest.Hear) > seen+3 })
		h.hears(t, "<!channel> *forged*")
	}
	on("four")
	<-h.over
	require.NoError(t, h.err)
	require.Equal(t, approval.OK, h.result.Outcome)
}

// In a box that is closed the code reaches no line but by printing it, and its witness tells as much as without one.
func TestAWitnessDoesNotMindTheLastLine(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // see above
	}
	b := setupOn(t, machines())
	code := `import os, time
print("row 1 of 2", flush=True)
for path in ("/home/user/countersign/box/line", "../line", "../../line"):
    try:
        open(path, "w")
        print("written")
    except OSError as e:
        print(type(e).__name__)
print("37 %", flush=True)
while not os.path.exists("/usr/local/go"):
    time.sleep(0.01)
`
	id := b.create(t, "req1", code)
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code)))
	h := hear(t.Context(), b.client, id)
	h.hears(t, "37 %")
	b.e2b.End(id)
	<-h.over
	require.ErrorIs(t, h.err, steps.ErrBoxGone)
	result := b.run(t, "req2", strings.Replace(code, "while not", "if not", 1))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.NotContains(t, result.Stdout, "written")
	w := result.Observed.Witness
	require.NotNil(t, w)
	require.True(t, w.Complete, "%+v", w)
	require.Empty(t, w.Opened)
}
