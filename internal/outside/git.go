package outside

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"countersign/internal/checkpoint"
)

// Git keeps checkpoints in one file on a branch of a remote. It only ever adds commits to the branch and
// never forces: a branch that was rewritten there does not take the next one.
//
// The local repository remembers what was last seen there. Without it a remote that was emptied would
// look like one that is new.
type Git struct {
	URL, Branch string
	Dir         string // of the local repository, which is bare
}

const (
	gitFile = "checkpoints.txt"
	gitTime = 2 * time.Minute // for one call: a remote that hangs holds up no tick for ever
)

// Name is how people know it. An address may hold a password, or a token that stands as the user: both are
// nobody's business.
func (g *Git) Name() string {
	named, _ := g.parts()
	return "the Git remote " + named
}

// parts are the address without who opens it, and what of it nobody is to read, the longest first.
func (g *Git) parts() (named string, secrets []string) {
	scheme, rest, is := strings.Cut(g.URL, "://")
	if !is {
		return g.URL, nil
	}
	authority, path := rest, ""
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		authority, path = rest[:at], rest[at:]
	}
	at := strings.LastIndex(authority, "@") // a password may have an "@" of its own
	if at < 0 {
		return g.URL, nil
	}
	who := authority[:at]
	user, password, _ := strings.Cut(who, ":")
	for _, one := range []string{who, user, password} {
		secrets = append(secrets, one)
		if plain, err := url.PathUnescape(one); err == nil { // Git says it in either spelling
			secrets = append(secrets, plain)
		}
	}
	// Short ones would blank out half of every message; "git" is the user of every SSH remote.
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(s) < 4 || s == "git" })
	slices.SortStableFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	return scheme + "://" + authority[at+1:] + path, secrets
}

// hush takes out of what Git says whatever opens the remote.
func (g *Git) hush(said string) string {
	_, secrets := g.parts()
	said = strings.ReplaceAll(said, g.URL, g.Name())
	for _, one := range secrets {
		said = strings.ReplaceAll(said, one, "…")
	}
	return strings.TrimSpace(said)
}

// Patience is more the first time: a file of many checkpoints comes over a slow line once.
func (g *Git) Patience() time.Duration {
	if tip, err := g.tip(context.Background()); err == nil && tip != "" {
		return 0
	}
	return gitTime
}

// ref is the full name of the branch, so that no tag of that name is meant.
func (g *Git) ref() string { return "refs/heads/" + g.Branch }

// Last reads the branch from the remote.
func (g *Git) Last(ctx context.Context) (*checkpoint.Checkpoint, error) {
	if _, err := os.Stat(g.Dir); os.IsNotExist(err) {
		if _, err := g.git(ctx, "", "init", "--quiet", "--bare", g.Dir); err != nil {
			return nil, err
		}
	}
	tip, err := g.tip(ctx)
	if err != nil {
		return nil, err
	}
	there, err := g.git(ctx, "", "ls-remote", g.URL, g.ref())
	if err != nil {
		return nil, err
	}
	switch {
	case there == "" && tip != "":
		return nil, &PartedError{g.Name(), "its branch " + g.Branch + " is gone"}
	case there == "":
		return nil, nil
	}
	// Without a plus before it, a branch is fetched only where it continues what was seen. The first time there is nothing
	// that it would continue: its last commit has all checkpoints in it, and years of commits before it are not fetched.
	fetch := []string{"fetch", "--no-tags", g.URL, g.ref() + ":" + g.ref()}
	if tip == "" {
		fetch = slices.Insert(fetch, 1, "--depth=1")
	}
	if _, err := g.git(ctx, "", fetch...); err != nil {
		// Git has one status for all that fails; its words are English (LC_ALL=C below).
		if said := err.Error(); strings.Contains(said, "non-fast-forward") || strings.Contains(said, "rejected") {
			return nil, &PartedError{g.Name(), "its branch " + g.Branch + " does not continue what was there before: somebody has rewritten it"}
		}
		return nil, err
	}
	// Asked for by itself: that Git could not be run, or ran out of time, is no alarm.
	named, err := g.git(ctx, "", "ls-tree", "--name-only", g.ref(), gitFile)
	if err != nil {
		return nil, err
	}
	if named == "" {
		return nil, &PartedError{g.Name(), gitFile + " is gone there"}
	}
	text, err := g.git(ctx, "", "show", g.ref()+":"+gitFile)
	if err != nil {
		return nil, err
	}
	notes := checkpoint.Notes(text)
	if len(notes) == 0 {
		return nil, &PartedError{g.Name(), gitFile + " holds no checkpoint any more"}
	}
	last, err := checkpoint.Read(notes[len(notes)-1])
	return &last, err
}

// Add commits the notes below those that are there, and pushes.
func (g *Git) Add(ctx context.Context, notes []string) error {
	tip, err := g.tip(ctx)
	if err != nil {
		return err
	}
	text := ""
	commit := []string{"commit-tree", "-m", fmt.Sprintf("%d more checkpoints", len(notes))}
	if tip != "" {
		if text, err = g.git(ctx, "", "show", g.ref()+":"+gitFile); err != nil {
			return err
		}
		// git() took the line end off: one ends the last note, one stands between.
		text += "\n\n"
		commit = append(commit, "-p", tip)
	}
	blob, err := g.git(ctx, text+strings.Join(notes, "\n"), "hash-object", "-w", "--stdin")
	if err != nil {
		return err
	}
	tree, err := g.git(ctx, "100644 blob "+blob+"\t"+gitFile+"\n", "mktree")
	if err != nil {
		return err
	}
	// No work tree is needed for any of it, so two replicas on one machine do not meet in files.
	made, err := g.git(ctx, "", append(commit, tree)...)
	if err != nil {
		return err
	}
	// Pushed first, remembered afterwards: after a crash in between, the next look fetches it.
	if _, err := g.git(ctx, "", "push", "--quiet", g.URL, made+":"+g.ref()); err != nil {
		return err
	}
	_, err = g.git(ctx, "", "update-ref", g.ref(), made)
	return err
}

// tip is the commit that was last seen on the branch; empty where none was.
func (g *Git) tip(ctx context.Context) (string, error) {
	return g.git(ctx, "", "for-each-ref", "--format=%(objectname)", g.ref())
}

// git runs one command and returns what it printed, without the line end. It asks nobody for a password.
func (g *Git) git(ctx context.Context, in string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	if args[0] != "init" {
		cmd = exec.CommandContext(ctx, "git", append([]string{"--git-dir=" + g.Dir}, args...)...)
	}
	// Its helpers hold the connection, and would outlive it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	cmd.Stdin = strings.NewReader(in)
	// Who commits is of no weight: the notes are signed.
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "LC_ALL=C", "GIT_AUTHOR_NAME=countersign", "GIT_AUTHOR_EMAIL=countersign@localhost",
		"GIT_COMMITTER_NAME=countersign", "GIT_COMMITTER_EMAIL=countersign@localhost")
	var said, fault strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &fault
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", errors.New("git is not installed")
		}
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, g.hush(fault.String()))
	}
	return strings.TrimSuffix(said.String(), "\n"), nil
}
