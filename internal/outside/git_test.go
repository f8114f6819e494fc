package outside

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/checkpoint"
)

// made are n signed checkpoints. Those of another past differ from the same number on.
func made(t *testing.T, n int, past string) Source {
	t.Helper()
	by, err := checkpoint.Signer(ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", 32))))
	require.NoError(t, err)
	tree, err := checkpoint.Grow(0, nil)
	require.NoError(t, err)
	var all []Signed
	for i := range n {
		digit := "a"
		if past != "" && i > 0 {
			digit = past
		}
		_, err := tree.Append(strings.Repeat(digit, 64))
		require.NoError(t, err)
		c := checkpoint.Checkpoint{Number: int64(i + 1), Size: tree.Size(), At: time.Date(2026, 11, 27, i, 0, 0, 0, time.UTC)}
		c.Root, err = tree.Root()
		require.NoError(t, err)
		signed, err := c.Sign(by)
		require.NoError(t, err)
		all = append(all, Signed{Checkpoint: c, Note: signed})
	}
	return func(_ context.Context, after int64) ([]Signed, error) {
		return all[min(max(after, 0), int64(len(all))):], nil
	}
}

// remote is a bare repository, as a host has it, and what this replica keeps of it.
func remote(t *testing.T) (g *Git, run func(args ...string) string) {
	t.Helper()
	dir := t.TempDir()
	g = &Git{URL: filepath.Join(dir, "remote.git"), Branch: "checkpoints", Dir: filepath.Join(dir, "here.git")}
	run = func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput()
		require.NoError(t, err, "%s: %s", args, out)
		return strings.TrimSpace(string(out))
	}
	run("init", "--quiet", "--bare", g.URL)
	return g, run
}

// again is a courier that has not seen any place yet, as after a restart.
func again(g *Git) *Courier { return &Courier{Places: []Place{g}} }

func TestCheckpointsComeToAGitRemote(t *testing.T) {
	t.Parallel()
	g, run := remote(t)
	c := again(g)
	require.NoError(t, c.Bring(t.Context(), made(t, 2, "")))
	require.NoError(t, c.Bring(t.Context(), made(t, 2, "")), "nothing is new")
	require.NoError(t, again(g).Bring(t.Context(), made(t, 5, "")), "after a restart")
	text := run("--git-dir="+g.URL, "show", "checkpoints:checkpoints.txt")
	notes := checkpoint.Notes(text + "\n")
	require.Len(t, notes, 5)
	all, err := made(t, 5, "")(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, texts(all), notes, "letter by letter")
	require.Equal(t, "2", run("--git-dir="+g.URL, "rev-list", "--count", "checkpoints"))

	// Another replica, which has never seen the remote, goes on where this one was.
	other := &Git{URL: g.URL, Branch: g.Branch, Dir: filepath.Join(t.TempDir(), "other.git")}
	require.NoError(t, again(other).Bring(t.Context(), made(t, 6, "")))
	require.NoError(t, again(g).Bring(t.Context(), made(t, 7, "")))
	require.Len(t, checkpoint.Notes(run("--git-dir="+g.URL, "show", "checkpoints:checkpoints.txt")+"\n"), 7)
}

// A replica that has not seen the remote yet fetches its last commit, and not years of them; that takes longer than usual at most once.
// slower is a replica that is at it when another one has just brought the same.
type slower struct {
	Place
	first func()
}

func (s *slower) Add(ctx context.Context, notes []string) error {
	if first := s.first; first != nil {
		s.first = nil
		first()
	}
	return s.Place.Add(ctx, notes)
}

func TestTwoReplicasBringTheSameCheckpoints(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]int{"all of them": 3, "a part of them": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, run := remote(t)
			require.NoError(t, (&Courier{Places: []Place{g}}).Bring(t.Context(), made(t, 1, "")))
			other := *g
			other.Dir = filepath.Join(t.TempDir(), "other.git")
			one := &slower{g, func() {
				require.NoError(t, (&Courier{Places: []Place{&other}}).Bring(t.Context(), made(t, before, "")))
			}}
			require.NoError(t, (&Courier{Places: []Place{one}}).Bring(t.Context(), made(t, 3, "")), "nobody has to hear of it")
			require.Nil(t, one.first)
			require.Len(t, checkpoint.Notes(run("--git-dir", g.URL, "show", "checkpoints:"+gitFile)), 3, "each once")
		})
	}
}

func TestTheFirstFetchIsTheLastCommitAlone(t *testing.T) {
	t.Parallel()
	g, run := remote(t)
	for n := 1; n <= 4; n++ {
		require.NoError(t, again(g).Bring(t.Context(), made(t, n, "")))
	}
	require.Zero(t, g.Patience())
	// A path would be copied whole; a host is asked for what is wanted.
	other := &Git{URL: "file://" + g.URL, Branch: g.Branch, Dir: filepath.Join(t.TempDir(), "other.git")}
	require.Equal(t, gitTime, other.Patience())
	last, err := other.Last(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 4, last.Number)
	require.Equal(t, "1", run("--git-dir="+other.Dir, "rev-list", "--count", "checkpoints"))
	require.Zero(t, other.Patience())
	require.NoError(t, again(other).Bring(t.Context(), made(t, 5, "")))
	require.NoError(t, again(g).Bring(t.Context(), made(t, 6, "")))
	require.NoError(t, again(other).Bring(t.Context(), made(t, 7, "")), "it goes on from there")
	require.Equal(t, "7", run("--git-dir="+g.URL, "rev-list", "--count", "checkpoints"))
	run("--git-dir="+g.URL, "update-ref", "refs/heads/checkpoints", run("--git-dir="+g.URL, "rev-parse", "checkpoints~3"))
	_, err = other.Last(t.Context())
	require.ErrorAs(t, err, new(*PartedError), "and notices what was rewritten")
}

func TestAGitRemoteThatDoesNotFollowIsAnAlarm(t *testing.T) {
	t.Parallel()
	parted := func(t *testing.T, err error, why string) {
		t.Helper()
		p := new(PartedError)
		require.ErrorAs(t, err, &p)
		require.Contains(t, p.Why, why)
	}
	t.Run("the log was rewritten", func(t *testing.T) {
		t.Parallel()
		g, run := remote(t)
		require.NoError(t, again(g).Bring(t.Context(), made(t, 3, "")))
		before := run("--git-dir="+g.URL, "rev-parse", "checkpoints")
		parted(t, again(g).Bring(t.Context(), made(t, 5, "b")), "checkpoint 3 there is not the one that the database has")
		require.Equal(t, before, run("--git-dir="+g.URL, "rev-parse", "checkpoints"), "nothing was overwritten")
	})
	t.Run("the log was cut", func(t *testing.T) {
		t.Parallel()
		g, _ := remote(t)
		require.NoError(t, again(g).Bring(t.Context(), made(t, 3, "")))
		parted(t, again(g).Bring(t.Context(), made(t, 2, "")), "checkpoint 3 there is not the one")
	})
	t.Run("the branch was forced back", func(t *testing.T) {
		t.Parallel()
		g, run := remote(t)
		require.NoError(t, again(g).Bring(t.Context(), made(t, 2, "")))
		first := run("--git-dir="+g.URL, "rev-parse", "checkpoints")
		require.NoError(t, again(g).Bring(t.Context(), made(t, 3, "")))
		run("--git-dir="+g.URL, "update-ref", "refs/heads/checkpoints", first)
		parted(t, again(g).Bring(t.Context(), made(t, 4, "")), "somebody has rewritten it")
	})
	t.Run("the branch is gone", func(t *testing.T) {
		t.Parallel()
		g, run := remote(t)
		require.NoError(t, again(g).Bring(t.Context(), made(t, 2, "")))
		run("--git-dir="+g.URL, "update-ref", "-d", "refs/heads/checkpoints")
		parted(t, again(g).Bring(t.Context(), made(t, 2, "")), "is gone")
	})
	t.Run("the file is another", func(t *testing.T) {
		t.Parallel()
		g, _ := remote(t)
		require.NoError(t, again(g).Bring(t.Context(), made(t, 2, "")))
		require.NoError(t, g.Add(t.Context(), []string{texts(first(t, made(t, 3, "b")))[2]}))
		parted(t, again(g).Bring(t.Context(), made(t, 4, "")), "checkpoint 3 there is not the one")
	})
}

func first(t *testing.T, from Source) []Signed {
	t.Helper()
	all, err := from(t.Context(), 0)
	require.NoError(t, err)
	return all
}

func TestAGitRemoteThatIsAwayIsLate(t *testing.T) {
	t.Parallel()
	g, run := remote(t)
	require.NoError(t, again(g).Bring(t.Context(), made(t, 1, "")))
	run("--git-dir="+g.URL, "config", "receive.denyCurrentBranch", "true")
	away := &Git{URL: g.URL + ".away", Branch: g.Branch, Dir: g.Dir}
	c := again(away)
	err := c.Bring(t.Context(), made(t, 2, ""))
	require.Error(t, err)
	require.False(t, isParted(err), "away is not another history: %v", err)
	late := new(LateError)
	require.ErrorAs(t, c.Late(t.Context(), made(t, 2, ""), time.Hour), &late)
	require.NoError(t, again(g).Late(t.Context(), made(t, 1, ""), time.Hour), "it has all, whoever brought it")
	require.NoError(t, c.Late(t.Context(), made(t, 2, ""), 1<<62), "an hour has not passed")
	require.Equal(t, "the Git remote https://host/x", (&Git{URL: "https://me:secret@host/x"}).Name())
}

// A remote that takes the connection and never says a word holds up no other place, and is late.
func TestARemoteThatNeverAnswersHoldsUpNobody(t *testing.T) {
	t.Parallel()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = mute.Close() })
	first, _ := remote(t)
	first.URL = "http://" + mute.Addr().String() + "/checkpoints.git"
	_, s3 := newS3(t)
	second, run := remote(t)
	var late []*LateError
	for waits := 2 * time.Second; len(late) != 1 && waits < time.Hour; waits *= 4 { // on a busy machine those that answer may need longer
		c := &Courier{Places: []Place{first, s3, second}, Waits: waits}
		require.ErrorContains(t, c.Bring(t.Context(), made(t, 2, "")), "bring checkpoints to the Git remote http://127.0.0.1:")
		late = Each[*LateError](c.Late(t.Context(), made(t, 2, ""), time.Hour))
	}
	require.Len(t, late, 1)
	require.Equal(t, first.Name(), late[0].Place)
	last, err := s3.Last(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, last.Number)
	require.Len(t, checkpoint.Notes(run("--git-dir="+second.URL, "show", "checkpoints:checkpoints.txt")+"\n"), 2)
}

func TestEachBadPlaceIsNamed(t *testing.T) {
	t.Parallel()
	err := errors.Join(fmt.Errorf("bring: %w", &PartedError{"a", "x"}), io.EOF, errors.Join(&PartedError{"b", "y"}, &LateError{Place: "c"}))
	require.Equal(t, []*PartedError{{"a", "x"}, {"b", "y"}}, Each[*PartedError](err))
	require.Empty(t, Each[*PartedError](nil))
}

// A token may stand as the user alone, and a password may have an "@".
func TestWhatOpensARemoteIsNobodysBusiness(t *testing.T) {
	t.Parallel()
	for address, named := range map[string]string{"https://tok%40en-1@host.example/x": "tok@en-1", "https://maya:pa@tok%40en-1@host.example/x": "pa@tok%40en-1", "https://tok%40en-1:x-oauth-basic@host.example/x": "tok%40en-1"} {
		g := &Git{URL: address}
		require.Equal(t, "the Git remote https://host.example/x", g.Name())
		said := g.hush("fatal: could not read Password for 'https://" + named + "@host.example': " + address + "\n")
		require.NotContains(t, said, "en-1")
		require.Contains(t, said, "could not read Password for")
	}
	require.Equal(t, "the Git remote ssh://host/x@y", (&Git{URL: "ssh://git@host/x@y"}).Name())
	require.Equal(t, "the Git remote https://host/x@y", (&Git{URL: "https://host/x@y"}).Name())
}

func isParted(err error) bool {
	_, ok := errors.AsType[*PartedError](err)
	return ok
}

// An older copy of the database has another history from some number on. In an epoch of its own it parts from nothing,
// and what is there stays.
func TestAnEpochIsBroughtBesideTheOneBefore(t *testing.T) {
	t.Parallel()
	g, run := remote(t)
	s, b := newS3(t)
	require.NoError(t, (&Courier{Places: []Place{g, b}}).Bring(t.Context(), made(t, 3, "")))
	err := (&Courier{Places: []Place{g, b}}).Bring(t.Context(), made(t, 4, "b"))
	require.Len(t, Each[*PartedError](err), 2)
	next, at := *g, b.at
	next.Branch += "-2-0123abcd"
	at.Epoch = "2-0123abcd"
	c := &Courier{Places: []Place{&next, &Bucket{client: b.client, at: at, first: map[int64]bool{}}}}
	require.NoError(t, c.Bring(t.Context(), made(t, 4, "b")))
	require.NoError(t, again(&next).Bring(t.Context(), made(t, 5, "b")))
	require.Equal(t, "checkpoints\ncheckpoints-2-0123abcd", run("--git-dir="+g.URL, "for-each-ref", "--format=%(refname:short)"))
	require.Len(t, s.objects, 3+4)
	require.NoError(t, (&Courier{Places: []Place{g, b}}).Bring(t.Context(), made(t, 3, "")), "the first epoch is as it was")
}

// watched counts how often a place is read.
type watched struct {
	Place
	reads int
}

func (w *watched) Last(ctx context.Context) (*checkpoint.Checkpoint, error) {
	w.reads++
	return w.Place.Last(ctx)
}

// A place that has parted is an alarm with each tick, and is not read with each.
func TestAPlaceThatHasPartedIsNotReadWithEachTick(t *testing.T) {
	t.Parallel()
	g, _ := remote(t)
	require.NoError(t, again(g).Bring(t.Context(), made(t, 3, "")))
	w := &watched{Place: g}
	c := &Courier{Places: []Place{w}}
	require.True(t, isParted(c.Bring(t.Context(), made(t, 4, "b"))))
	require.True(t, isParted(c.Bring(t.Context(), made(t, 4, "b"))))
	require.Equal(t, 1, w.reads)
	c.seen[w.Name()] = sight{parted: c.seen[w.Name()].parted, at: time.Now().Add(-partedEvery)}
	require.NoError(t, c.Bring(t.Context(), made(t, 4, "")), "somebody has put it right")
	require.NoError(t, c.Bring(t.Context(), made(t, 4, "")))
	require.Equal(t, 2, w.reads)
}
