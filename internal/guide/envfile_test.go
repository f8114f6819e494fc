package guide

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnEnvFileIsWhatAShellReads(t *testing.T) {
	t.Parallel()
	f := EnvFile{Path: filepath.Join(t.TempDir(), ".env"), Template: "# Why.\nA=\n# Two.\nB=usual\nC=3\n"}
	want := Settings{"A": "xoxb-1-2_3", "B": `two words, $HOME and "quotes"`, "D": "postgres://u:p@host/db?sslmode=require"}
	require.NoError(t, f.Write(want))
	text, err := os.ReadFile(f.Path)
	require.NoError(t, err)
	require.Equal(t, "# Why.\nA=xoxb-1-2_3\n# Two.\nB='two words, $HOME and \"quotes\"'\nC=3\nD='postgres://u:p@host/db?sslmode=require'\n", string(text))
	read, err := f.Read()
	require.NoError(t, err)
	want["C"] = "3"
	require.Equal(t, want, read)

	out, err := exec.Command("sh", "-c", `set -a; . "$0"; set +a; printf '%s\n' "$A" "$B" "$C" "$D"`, f.Path).Output()
	require.NoError(t, err)
	require.Equal(t, []string{want["A"], want["B"], want["C"], want["D"]}, strings.Split(strings.TrimSpace(string(out)), "\n"))
}

func TestASignRightBehindTheNameIsAPartOfTheValue(t *testing.T) {
	t.Parallel()
	f := EnvFile{Path: filepath.Join(t.TempDir(), ".env")}
	require.NoError(t, os.WriteFile(f.Path, []byte("A=#reviews\nB= # nothing\nC=x#y # mine\n"), 0o600))
	read, err := f.Read()
	require.NoError(t, err)
	require.Equal(t, Settings{"A": "#reviews", "C": "x#y"}, read)

	out, err := exec.Command("sh", "-c", `set -a; . "$0"; set +a; printf '%s\n' "$A" "$B" "$C"`, f.Path).Output()
	require.NoError(t, err)
	require.Equal(t, "#reviews\n\nx#y\n", string(out))
}

func TestAnEnvFileKeepsWhatPeopleWrote(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	real := filepath.Join(dir, "real")
	require.NoError(t, os.WriteFile(real, []byte("export A=old # mine\nOWN=\"kept\"\n\n# the end\n"), 0o644))
	f := EnvFile{Path: filepath.Join(dir, ".env")}
	require.NoError(t, os.Symlink("real", f.Path))
	read, err := f.Read()
	require.NoError(t, err)
	require.Equal(t, Settings{"A": "old", "OWN": "kept"}, read)
	require.NoError(t, f.Write(Settings{"A": "new"}))
	text, err := os.ReadFile(real)
	require.NoError(t, err)
	require.Equal(t, "A=new\nOWN=\"kept\"\n\n# the end\n", string(text))
	info, err := os.Lstat(real)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode(), "secrets stand in it now")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 2, "the link and the file: nothing half written")
}

func TestWhatOnlyAShellCanReadIsRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{`A=$OTHER`, `A="a\"b"`, `A='open`, `A=two words`, `A="x"y`} {
		f := EnvFile{Path: filepath.Join(t.TempDir(), ".env")}
		require.NoError(t, os.WriteFile(f.Path, []byte("# first\n"+line+"\n"), 0o600))
		_, err := f.Read()
		require.ErrorContains(t, err, "line 2: A has", line)
	}
	f := EnvFile{Path: filepath.Join(t.TempDir(), ".env")}
	require.ErrorContains(t, f.Write(Settings{"A": "it's"}), "A has signs that no settings file can hold")
	require.NoFileExists(t, f.Path)
}
