package migrations

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// clone is a repository in which a release can be cut.
type clone struct {
	*testing.T
	dir string
}

// aClone has what cutting needs of this tree, as it stands here, committed; nothing in it is released.
func aClone(t *testing.T) clone {
	t.Helper()
	c := clone{t, t.TempDir()}
	for _, file := range []string{"go.mod", "go.sum", "tools/cut", "tools/versions"} {
		text, err := os.ReadFile(filepath.Join("..", file))
		require.NoError(t, err)
		c.write(file, string(text))
	}
	// Before the first release, whatever has been released of the real tree by now.
	c.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\nNo release has been made yet. Until then anything may change.\n\n### What there is\n- Questions.\n")
	c.write("migrations/released.sha256", "# What is released.\n")
	c.write("migrations/0001_first.sql", "CREATE TABLE first (n int);\n")
	c.write("migrations/0002_second.sql", "CREATE TABLE second (n int);\n")
	c.write("migrations/schema.sql", "-- both\n")
	for _, file := range []string{"released_test.go", "migrations.go"} { // the real test
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		c.write("migrations/"+file, string(text))
	}
	require.NoError(t, os.Chmod(filepath.Join(c.dir, "tools/cut"), 0o755))
	require.NoError(t, os.Chmod(filepath.Join(c.dir, "tools/versions"), 0o755))
	c.git("init", "-q", "-b", "main")
	c.commit("begin")
	return c
}

func (c clone) write(file, text string) {
	c.Helper()
	path := filepath.Join(c.dir, file)
	require.NoError(c, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(c, os.WriteFile(path, []byte(text), 0o644))
}

func (c clone) read(file string) string {
	c.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	require.NoError(c, err)
	return string(text)
}

// run runs a program in the clone; who is asked for a name as somebody who commits has one.
func (c clone) run(program string, args ...string) (string, error) {
	cmd := exec.CommandContext(c.Context(), program, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_CONFIG_GLOBAL=/dev/null", "GOFLAGS=-mod=mod", "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (c clone) git(args ...string) string {
	c.Helper()
	out, err := c.run("git", args...)
	require.NoError(c, err, "git %v: %s", args, out)
	return out
}

func (c clone) commit(message string) {
	c.Helper()
	c.git("add", "-A")
	c.git("commit", "-q", "-m", message)
}

func (c clone) cut(version string) {
	c.Helper()
	out, err := c.run("tools/cut", version)
	require.NoError(c, err, out)
}

// refuses has tools/cut refuse, and leave everything as it was.
func (c clone) refuses(version, words string) {
	c.Helper()
	head := c.git("rev-parse", "HEAD")
	before := c.git("status", "--porcelain")
	out, err := c.run("tools/cut", version)
	require.Error(c, err)
	require.Contains(c, out, words)
	require.Equal(c, head, c.git("rev-parse", "HEAD"))
	require.Equal(c, before, c.git("status", "--porcelain"))
}

// holds runs the test that holds what is released, on the clone's files: this very program, in another folder.
func (c clone) holds() (string, error) {
	cmd := exec.CommandContext(c.Context(), os.Args[0], "-test.run=^TestWhatIsReleasedStays$", "-test.v")
	cmd.Dir = filepath.Join(c.dir, "migrations")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestAReleaseIsCutByOneCommandAndHoldsItsMigrations(t *testing.T) {
	t.Parallel()
	c := aClone(t)
	today := func() string { return time.Now().UTC().Format(time.DateOnly) }
	day := today()
	c.cut("v0.1.0")
	made := func(day string) string {
		return "# Changelog\n\n## Unreleased\n\n## v0.1.0 (" + day + ")\n\n### What there is\n- Questions.\n"
	}
	require.Contains(t, []string{made(day), made(today())}, c.read("CHANGELOG.md"), "midnight may come in between")
	list := c.read("migrations/released.sha256")
	require.Regexp(t, `^# What is released.\n# v0.1.0\n[0-9a-f]{64}  0001_first.sql\n[0-9a-f]{64}  0002_second.sql\n$`, list)
	require.Equal(t, "v0.1.0: released. From here on its migrations stay as they are", c.git("log", "-1", "--format=%s"))
	require.Empty(t, c.git("status", "--porcelain"))
	require.Equal(t, "v0.1.0", c.git("describe"))
	out, err := c.holds()
	require.NoError(t, err, out)
	require.Contains(t, out, "PASS: TestWhatIsReleasedStays")

	// A tag may stay behind where commits go: the release is found by what was written.
	first := c.git("rev-parse", "HEAD")
	c.git("tag", "-d", "v0.1.0")
	says := func(args ...string) string {
		t.Helper()
		out, err := c.run("tools/versions", args...)
		require.NoError(t, err, out)
		return out
	}
	require.Equal(t, "v0.1.0", says("here"))
	require.Empty(t, says("former"), "none comes before it")
	c.refuses("v0.1.0", "v0.1.0 is released")
	c.refuses("v0.0.9", "v0.0.9 comes before v0.1.0")
	c.refuses("0.2", "name the version")
	c.refuses("v0.2.0", "nothing stands under Unreleased")

	// What follows comes with the next number, by whatever way it comes.
	c.git("checkout", "-q", "-b", "work", first)
	c.write("migrations/0003_third.sql", "CREATE TABLE third (n int);\n")
	c.write("CHANGELOG.md", strings.Replace(c.read("CHANGELOG.md"), "## Unreleased\n", "## Unreleased\n\n- Thirds.\n", 1))
	c.commit("thirds")
	c.git("checkout", "-q", "main")
	c.git("merge", "-q", "--no-ff", "-m", "merge", "work")
	require.Equal(t, first, says("former"))
	require.Equal(t, first, says("commit", "v0.1.0"))
	require.Equal(t, c.git("rev-parse", "--short=12", "HEAD"), says("here"))
	out, err = c.holds()
	require.NoError(t, err, out)

	// What the test does not forgive.
	kept := c.read("migrations/0001_first.sql")
	for name, spoil := range map[string]struct {
		by    func()
		words string
	}{
		"a released file changes":                      {func() { c.write("migrations/0001_first.sql", kept+"-- a word\n") }, "0001_first.sql was released and has changed"},
		"a released file is gone":                      {func() { require.NoError(t, os.Remove(filepath.Join(c.dir, "migrations/0001_first.sql"))) }, "0001_first.sql was released and is gone"},
		"a released file has another name":             {func() { c.git("mv", "migrations/0001_first.sql", "migrations/0001_begin.sql") }, "0001_first.sql was released and is gone"},
		"a new one comes before":                       {func() { c.write("migrations/0000_zeroth.sql", "SELECT;") }, "0000_zeroth.sql comes before what is released"},
		"a new one has the number of the last release": {func() { c.write("migrations/0002_two.sql", "SELECT;") }, "0002_two.sql comes before what is released"},
		"the list is no list":                          {func() { c.write("migrations/released.sha256", "0001_first.sql\n") }, "a line is a sha256, two blanks and a file"},
	} {
		spoil.by()
		out, err := c.holds()
		require.Error(t, err, name)
		require.Contains(t, out, spoil.words, name)
		c.git("reset", "-q", "--hard")
		c.git("clean", "-q", "-fd")
	}
	out, err = c.holds()
	require.NoError(t, err, out)

	// Who changes a file and its line as well is found by whoever cuts the next release.
	c.write("migrations/0001_first.sql", kept+"-- a word\n")
	c.write("migrations/released.sha256", list)
	sum, err := c.run("sh", "-c", "cd migrations && sha256sum 0001_first.sql")
	require.NoError(t, err)
	lines := strings.Split(list, "\n")
	lines[2] = sum
	c.write("migrations/released.sha256", strings.Join(lines, "\n"))
	c.refuses("v0.2.0", "commit everything first")
	c.commit("a lie")
	c.refuses("v0.2.0", "does not begin with what it said when v0.1.0 was released")
	c.git("reset", "-q", "--hard", "HEAD^")

	// A release whose migrations do not hold is none, and nothing is left of it.
	c.write("migrations/0000_zeroth.sql", "SELECT;\n")
	c.commit("a number too low")
	c.refuses("v0.2.0", "0000_zeroth.sql comes before what is released")
	c.git("reset", "-q", "--hard", "HEAD^")

	c.cut("v0.2.0")
	require.True(t, strings.HasPrefix(c.read("migrations/released.sha256"), list))
	require.Regexp(t, `# v0.2.0\n[0-9a-f]{64}  0003_third.sql\n$`, c.read("migrations/released.sha256"))
	require.Equal(t, "v0.2.0\nv0.1.0", says("all"))
	require.Equal(t, "v0.2.0", says("here"))
	require.Equal(t, first, says("former"))
}
