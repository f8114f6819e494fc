package local

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// takeAllCores has nobody get a turn until what it returns is called.
func (s *Sandbox) takeAllCores(t *testing.T) (release func()) {
	t.Helper()
	return s.takeCores(t, s.cpus.byUse())
}

func (s *Sandbox) takeCores(t *testing.T, cpus []int) (release func()) {
	t.Helper()
	require.NoError(t, ownFolder(s.opt.Machine))
	var locks []*os.File
	for _, cpu := range cpus {
		lock, err := tryLock(filepath.Join(s.opt.Machine, fmt.Sprintf("core-%d", cpu)))
		require.NoError(t, err)
		require.NotNil(t, lock)
		locks = append(locks, lock)
	}
	return func() {
		for _, lock := range locks {
			require.NoError(t, unlock(lock))
		}
	}
}

// waits waits until a box stands there in the line.
func waits(t *testing.T, b *box, at int32) {
	t.Helper()
	require.Eventually(t, func() bool { return b.at.Load() == at }, soon, time.Millisecond)
}

// stander stands in line in a process of its own, which prints where it stands, and
// that its turn has come.
func stander(t *testing.T, dir string, urgent rank) (lines chan string, end func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SANDBOX_TEST_STANDER="+dir, fmt.Sprintf("SANDBOX_TEST_RANK=%d", urgent))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines = make(chan string, 1000)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	end = func() {
		_ = cmd.Process.Kill()
		_ = in.Close()
		_ = cmd.Wait()
	}
	t.Cleanup(end)
	return lines, end
}

// beStander is what that process does. It ends its turn when it is told to.
func beStander(dir, urgent string) error {
	var r rank
	if _, err := fmt.Sscan(urgent, &r); err != nil {
		return err
	}
	cpus, err := usableCores()
	if err != nil {
		return err
	}
	last := -1
	turn, err := newLine(dir, fmt.Sprint("p", os.Getpid()), cpus).wait(func() rank { return r }, nil, func(at int) {
		if at != last {
			last = at
			fmt.Println("at", at)
		}
	})
	if err != nil {
		return err
	}
	fmt.Println("turn")
	_, _ = io.ReadAll(os.Stdin)
	turn.end()
	return nil
}

// hears waits for a line.
func hears(t *testing.T, lines chan string, want string) {
	t.Helper()
	limit := time.After(soon)
	var heard []string
	for {
		select {
		case line, ok := <-lines:
			if line == want {
				return
			}
			require.True(t, ok, "it has ended; it said %v, not %q", heard, want)
			heard = append(heard, line)
		case <-limit:
			require.Fail(t, "it has not come to be", "it said %v, not %q", heard, want)
		}
	}
}

// one core, so that it is clear who is the next one.
func oneCore(t *testing.T) *cores {
	t.Helper()
	all, err := usableCores()
	require.NoError(t, err)
	return &cores{used: map[int]int{all.byUse()[0]: 0}}
}

func TestTheLineOfSeveralProcessesGoesByRankThenByTime(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "machine")
	s := &Sandbox{machine: &machine{opt: Options{Machine: dir}}}
	var err error
	s.cpus, err = usableCores()
	require.NoError(t, err)
	cpus := s.cpus.byUse()
	release := s.takeCores(t, cpus[:1])
	t.Cleanup(s.takeCores(t, cpus[1:]))

	later, endLater := stander(t, dir, forLater)
	hears(t, later, "at 1")
	inspection, endInspection := stander(t, dir, forInspection)
	hears(t, inspection, "at 1")
	hears(t, later, "at 2")
	second, endSecond := stander(t, dir, forInspection)
	hears(t, second, "at 2")
	hears(t, later, "at 3")
	run, endRun := stander(t, dir, forRun)
	hears(t, run, "at 1")
	hears(t, second, "at 3")
	hears(t, later, "at 4")

	// One that dies in the line keeps nobody back, and its place goes.
	endSecond()
	hears(t, later, "at 3")

	// All cores but one stay taken, so that turns come one after the other.
	release()
	hears(t, run, "turn")
	endRun() // killed while it boots: its core is free
	hears(t, inspection, "turn")
	endInspection()
	hears(t, later, "turn")
	endLater()

	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range left {
		require.True(t, entry.Name() == "door" || strings.HasPrefix(entry.Name(), "core-"), "left: %s", entry.Name())
	}
}

func TestWhoGivesItsPlaceUpLeavesTheLine(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "machine")
	l := newLine(dir, "a", oneCore(t))
	first, err := l.wait(func() rank { return forRun }, nil, func(int) {})
	require.NoError(t, err)
	gone := make(chan struct{})
	none := make(chan *turn, 1)
	stood := make(chan int, 1000)
	go func() {
		turn, err := l.wait(func() rank { return forRun }, gone, func(at int) { stood <- at })
		if err == nil {
			none <- turn
		}
	}()
	for at := range stood {
		if at == 1 {
			break
		}
	}
	close(gone)
	require.Nil(t, <-none)
	first.end()
	first.end()
	again, err := l.wait(func() rank { return forLater }, nil, func(int) {})
	require.NoError(t, err)
	require.Equal(t, first.cpu, again.cpu)
	again.end()
}

// Whoever stands still with the place before all others keeps nobody back for long.
func TestAProcessThatStandsStillKeepsNobodyBack(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "machine")
	still := newLine(dir, "still", oneCore(t))
	p, _, err := still.enter(forRun)
	require.NoError(t, err)
	before := time.Now().Add(-2 * absent)
	require.NoError(t, os.Chtimes(filepath.Join(dir, p.name), before, before))
	other := newLine(dir, "other", oneCore(t))
	turn, err := other.wait(func() rank { return forLater }, nil, func(int) {})
	require.NoError(t, err)
	turn.end()
	require.NoError(t, os.RemoveAll(dir), "a folder that somebody clears away is made anew")
	now := forRun
	require.Eventually(t, func() bool {
		_, _, err := still.look(p, &now, forRun)
		return err == nil && len(p.turn) == 1
	}, soon, time.Millisecond)
	require.NoError(t, still.leave(p), "its turn, which has come just now, goes to the next one")
	turn, err = other.wait(func() rank { return forLater }, nil, func(int) {})
	require.NoError(t, err)
	turn.end()
}

func TestATurnComesThoughThePlaceCannotBeRemoved(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "machine")
	l := newLine(dir, "a", oneCore(t))
	p, now, err := l.enter(forRun)
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, p.name)))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, p.name, "below"), 0o700), "what is in the way of its removal")
	require.Eventually(t, func() bool {
		_, _, err = l.look(p, &now, forRun)
		return err != nil || len(p.turn) == 1
	}, soon, time.Millisecond)
	require.Error(t, err, "somebody hears of it")
	require.Len(t, p.turn, 1, "and the box boots all the same")
	(<-p.turn).end()
}

func TestALineThatCannotBeHadIsAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		_, err := newLine(dir, "a", oneCore(t)).wait(func() rank { return forRun }, nil, func(int) {})
		require.Error(t, err)
	}
}

// What somebody else has put under the usual name stops nothing, and later processes find the
// place that was taken in its stead.
func TestTheFolderInTheTemporaryFolderCannotBeSquatted(t *testing.T) {
	t.Parallel()
	squats := map[string]func(at string) error{
		"a link":          func(at string) error { return os.Symlink(t.TempDir(), at) },
		"a dangling link": func(at string) error { return os.Symlink("/nowhere/at/all", at) },
		"a file":          func(at string) error { return os.WriteFile(at, nil, 0o600) },
	}
	if os.Geteuid() == 0 { // only root can give a folder away
		squats["somebody else's"] = func(at string) error { return errors.Join(os.Mkdir(at, 0o755), os.Lchown(at, 65534, 65534)) }
	}
	for name, squat := range squats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := t.TempDir()
			usual := filepath.Join(in, "cs")
			require.NoError(t, squat(usual))
			require.Equal(t, usual+"-2", ownPlace(in, "cs"))
			require.Equal(t, usual+"-2", ownPlace(in, "cs"))
			require.NoError(t, os.Chmod(usual+"-2", 0o777))
			require.Equal(t, usual+"-2", ownPlace(in, "cs"))
			info, err := os.Stat(usual + "-2")
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), "it is for nobody else")
			for n := 3; n <= manyPlaces; n++ {
				require.NoError(t, squat(fmt.Sprintf("%s-%d", usual, n)))
			}
			require.NoError(t, os.Remove(usual+"-2"))
			require.NoError(t, squat(usual+"-2"))
			other := ownPlace(in, "cs")
			require.NotEqual(t, usual, other)
			require.NoError(t, ownFolder(other))
		})
	}
}
