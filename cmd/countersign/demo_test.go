package main

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/budget"
	"countersign/internal/pglocal"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// aDemo is a demo that runs, inside the test, in a folder of its own.
type aDemo struct {
	out, errs lockedBuffer
	done      chan int
	stop      context.CancelFunc
}

// startDemo runs one in the background until stop.
func startDemo(t *testing.T, dir string, args ...string) *aDemo {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	d := &aDemo{done: make(chan int, 1), stop: stop}
	go func() {
		d.done <- run(ctx, append([]string{"demo", "-addr", "127.0.0.1:0"}, args...), []string{"DATA_DIR=" + dir, "RUN_SECONDS=120"}, &d.out, &d.errs)
	}()
	t.Cleanup(stop)
	return d
}

// ends waits for the end and returns the exit code.
func (d *aDemo) ends(t *testing.T) int {
	t.Helper()
	code := <-d.done
	d.done <- code // for whoever asks again
	return code
}

// prints waits until the demo has printed something, or has ended.
func (d *aDemo) prints(t *testing.T, words string) {
	t.Helper()
	for !strings.Contains(d.out.String(), words) {
		select {
		case code := <-d.done:
			d.done <- code
			require.Contains(t, d.out.String(), words, "it ended with %d: %s", code, d.errs.String())
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := passable()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, errors.Join(os.RemoveAll(dir), os.RemoveAll(dir+".key"))) })
	return dir
}

func TestDemoPlaysOneRoundKeepsItAndStartsAnewWhenAsked(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	d := startDemo(t, dir, "-once")
	require.Zero(t, d.ends(t), "%s\n%s", d.out.String(), d.errs.String())
	for _, step := range []string{"Slack     a stand-in: http://127.0.0.1:", "model     a stand-in that knows the sample questions", "sandbox   gVisor on this machine",
		"Maya         shares sales.csv", "Maya         shares iowa-electricity.csv", "Maya         /analyze " + question.Text, "Countersign  asks #code-review:", "May this code run?",
		`load("sales.csv")`, "Ben          clicks Approve", "rewrites the card: Approved by @Ben Osei", "posts the chart", "answers Maya in the thread:",
		"2025-01", "under 1 cent · $", " left"} {
		require.Contains(t, d.out.String(), step)
	}
	require.Empty(t, d.errs.String(), "the transcript stays readable")
	require.NotContains(t, d.out.String(), "<@U", "people have names")
	require.NotContains(t, d.out.String(), insteadOfCode, "it stands there")
	require.Regexp(t, `(?s)Code \(revision 1, \d+ lines\)\n +1  from desk import .+\n +Cost: `, d.out.String())
	command := regexp.MustCompile(`(?m)^  DATA_DIR=(\S+) \S+ (audit) (\S+)$`).FindStringSubmatch(d.out.String())
	require.NotNil(t, command, d.out.String())
	var trail lockedBuffer
	require.Zero(t, run(t.Context(), command[2:], []string{"DATA_DIR=" + command[1]}, &trail, &trail), trail.String())
	require.Contains(t, trail.String(), "none has been changed")

	// What was done is kept: nobody shares the files again, and the thread is still there.
	again := startDemo(t, dir, "-once")
	require.Zero(t, again.ends(t), "%s\n%s", again.out.String(), again.errs.String())
	require.NotContains(t, again.out.String(), "shares sales.csv")
	require.Contains(t, again.out.String(), "under 1 cent · $")

	anew := startDemo(t, dir, "-once", "-reset")
	require.Zero(t, anew.ends(t), "%s\n%s", anew.out.String(), anew.errs.String())
	require.Contains(t, anew.out.String(), "shares sales.csv")
}

func TestADemoOnDataOfAnotherVersionSaysHowToBeginAnew(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	server, err := pglocal.Start(t.Context(), pglocal.Options{Dir: filepath.Join(dir, "demo", "postgres")})
	require.NoError(t, err)
	require.NoError(t, migrated(t.Context(), server.URL()))
	conn, err := pgx.Connect(t.Context(), server.URL())
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `ALTER TABLE goose_db_version DROP COLUMN sha256`)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	require.NoError(t, server.Stop())

	d := startDemo(t, dir, "-once")
	require.Equal(t, 1, d.ends(t))
	require.Equal(t, "countersign: the data of an earlier demo was written by another version of Countersign: "+
		"make demo RESET=1 (countersign demo -reset) starts over\n", d.errs.String())
	anew := startDemo(t, dir, "-once", "-reset")
	require.Zero(t, anew.ends(t), "%s\n%s", anew.out.String(), anew.errs.String())
}

func TestASecondDemoIsToldWhereTheFirstIs(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	first := startDemo(t, dir)
	first.prints(t, "Maya         /analyze")
	for _, args := range [][]string{{"-once"}, {"-once", "-reset"}} {
		second := startDemo(t, dir, args...)
		require.Equal(t, 1, second.ends(t), second.out.String())
		require.Equal(t, "countersign: another demo is running and uses the same data: go on there, end it first, or give this one its own with DATA_DIR=/some/folder\n", second.errs.String())
	}
	first.prints(t, "Now it is yours: http://127.0.0.1:")
	first.stop()
	require.Zero(t, first.ends(t), "Ctrl-C is no failure: %s", first.errs.String())
	require.Contains(t, first.out.String(), "Ctrl-C ends it")
}

func TestARoundThatIsStoppedHasNotHappened(t *testing.T) {
	t.Parallel()
	d := startDemo(t, dataDir(t), "-once")
	d.prints(t, "Maya         /analyze")
	d.stop()
	require.Equal(t, 1, d.ends(t), d.out.String())
	require.True(t, strings.HasSuffix(d.errs.String(), "countersign: stopped before the round got to its end\n"), d.errs.String())
}

func TestATakenPortIsNoObstacle(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	sim, err := slacksim.New(slacksim.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, sim.Close()) }()
	other, err := listen(sim, taken.Addr().String())
	require.NoError(t, err)
	require.NotEqual(t, taken.Addr().String(), other.Addr().String())
	require.NoError(t, other.Close())
	_, err = listen(sim, "not an address")
	require.Error(t, err)
	_, err = listen(sim, "example.com:80")
	require.Error(t, err, "loopback only")
}

func TestDemoSaysWhatItCannotDo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for args, says := range map[string]string{"": "make the demo's folder", "-reset": "not a directory"} {
		d := startDemo(t, file, strings.Fields(args)...)
		require.Equal(t, 1, d.ends(t))
		require.Contains(t, d.errs.String(), says)
	}
}

func TestDemoWithAModelOfOnesOwnSaysSo(t *testing.T) {
	t.Parallel()
	c, err := readConfig(map[string]string{"MISTRAL_BASE_URL": "http://127.0.0.1:1"})
	require.NoError(t, err)
	w, says, err := program{Config: c}.demoWriter()
	require.NoError(t, err)
	require.Equal(t, "codestral-2508 by Mistral, at 127.0.0.1:1", says)
	require.Equal(t, []string{"codestral-2508"}, w.Models())
	c.MistralModel = "codestral-latest"
	_, _, err = program{Config: c}.demoWriter()
	require.Error(t, err)
}

func TestDemoFailsWhenAStepDoesNotHappen(t *testing.T) {
	t.Parallel()
	h := open(t)
	r, _ := h.run()
	h.shareSamples()
	h.writes("raise ValueError('no')", "1 + 1", "import pandas as pd\npd.DataFrame({'a': [1]})")
	for _, missing := range []string{"without a chart", "without a chart", "without a chart"} {
		err := r.play(h.ctx, h.sim, true)
		require.ErrorContains(t, err, missing, h.log.String())
	}
	h.writes("import pandas as pd\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\n3")
	require.ErrorContains(t, r.play(h.ctx, h.sim, true), "without a table")

	// A round whose question is taken back gets no answer, and says so instead of waiting for one.
	h.writes("1 + 2")
	ended := &stage{replica: r, sim: h.sim, maya: h.maya, ben: h.ben, hurry: true, every: 100 * time.Millisecond, root: h.ask("Why is it taken back, for sales.csv?").TS}
	card := h.card(workspace.Message{TS: ended.root, Channel: slacksim.SalesData})
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze cancel "+value[string](h, `SELECT id FROM requests ORDER BY created_at DESC LIMIT 1`)))
	_, err := h.ben.WaitChange(h.patient(), card, func(m workspace.Message) bool { return !m.Has("Approve") })
	require.NoError(t, err)
	require.ErrorContains(t, ended.review(h.ctx), "the request has ended without it")

	// What a step waits for in vain is told with what the thread says.
	over, stop := context.WithCancel(h.ctx)
	stop()
	s := &stage{replica: r, sim: h.sim, maya: h.maya, ben: h.ben, hurry: true, every: sayEvery, root: h.ask("Why is it so in sales.csv?").TS}
	h.card(workspace.Message{TS: s.root, Channel: slacksim.SalesData})
	s.pause(over, time.Hour)
	require.ErrorContains(t, s.answer(over), "no answer in the thread")
	require.ErrorContains(t, s.told(errors.New("no card")), "no card; the thread says: ")
	s.root = "0"
	require.EqualError(t, s.told(errors.New("no card")), "no card")
}

func TestTranscriptIsReadable(t *testing.T) {
	t.Parallel()
	s := &stage{}
	said := workspace.Message{Text: "<@U0MAYA> &lt;asks&gt; &amp; <@U0NOBODY>, <!date^1^{date}|1 Jan>, <#C1>"}
	require.Equal(t, "@Maya Lindqvist <asks> & @U0NOBODY, 1 Jan, #C1", s.read(said))
	require.Equal(t, "  a\n  b\n  … (2 lines more)", indent("a\nb\nc\nd\n", 2, 2))
}

func TestTheCompanysBudgetIsSetOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	r, _ := h.run()
	require.NoError(t, r.teamBudget(h.ctx))
	scope := budget.Scope{Team: slacksim.DefaultTeam.ID, Kind: budget.Team, ID: slacksim.DefaultTeam.ID}
	require.NoError(t, r.db.SetLimit(h.ctx, slacksim.Admin, budget.Limit{Scope: scope, Amount: 7 * budget.Dollar, Window: budget.Month}))
	require.NoError(t, r.teamBudget(h.ctx))
	set, err := r.db.Standings(h.ctx, []budget.Scope{scope})
	require.NoError(t, err)
	require.Equal(t, 7*budget.Dollar, set[0].Limit.Amount, "what somebody has set stays")
}

func TestCtrlCEndsTheProgram(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	require.NoError(t, err)
	var out lockedBuffer
	cmd := exec.Command(exe, "demo", "-addr", "127.0.0.1:0")
	cmd.Env = []string{"COUNTERSIGN_TEST_AS_PROGRAM=1", "PATH=" + os.Getenv("PATH"), "DATA_DIR=" + dataDir(t), "GOCOVERDIR=" + t.TempDir()}
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	ended, err := begin(cmd)
	require.NoError(t, err)
	page := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	for page.FindString(out.String()) == "" {
		select {
		case err := <-ended:
			require.Fail(t, "it ended", "%v: %s", err, out.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, <-ended, out.String())
	require.NotContains(t, out.String(), "panic")
}
