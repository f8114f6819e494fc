package pglocal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakePrograms is a folder whose postgres says that it is of some version.
func fakePrograms(t *testing.T, root, name, version string) string {
	t.Helper()
	bin := filepath.Join(root, name)
	require.NoError(t, os.MkdirAll(bin, 0o755))
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
	writeProgram(t, filepath.Join(bin, "postgres"), []byte(script))
	writeProgram(t, filepath.Join(bin, "initdb"), []byte("#!/bin/sh\necho one; echo two; echo disk full >&2; exit 1\n"))
	return bin
}

func TestTheNewestProgramsThatFitAreFound(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	nine := fakePrograms(t, root, "9/bin", "9.6.24")
	fifteen := fakePrograms(t, root, "15/bin", "15.18 (Debian 15.18-0+deb12u1)")
	beta := fakePrograms(t, root, "19/bin", "19beta1")
	odd := fakePrograms(t, root, "odd/bin", "devel")
	client := filepath.Join(root, "client/bin") // psql and nothing else
	require.NoError(t, os.MkdirAll(client, 0o755))
	usual := []string{filepath.Join(root, "*/bin")}
	for name, c := range map[string]struct {
		places  places
		need    int
		want    string
		message string
	}{
		"the newest":                   {places{globs: usual}, 0, beta, ""},
		"the one that wrote the data":  {places{globs: usual}, 15, fifteen, ""},
		"the chosen one":               {places{globs: usual, chosen: fifteen}, 0, fifteen, ""},
		"no other than the chosen one": {places{globs: usual, chosen: fifteen}, 19, "", "was written by PostgreSQL 19, which is not installed here"},
		"one that is gone":             {places{globs: usual}, 17, "", "postgresql"},
		"too old":                      {places{globs: []string{nine}}, 0, "", "14 or newer is needed; what is installed in " + nine},
		"of no version":                {places{globs: []string{odd}}, 0, "", "14 or newer"},
		"incomplete":                   {places{globs: []string{client}}, 0, "", "older or incomplete"},
		"nothing":                      {places{globs: []string{filepath.Join(root, "none/*")}}, 0, "", "PostgreSQL is not installed. Install it with: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bin, err := c.places.find(c.need)
			if c.message == "" {
				require.NoError(t, err)
				require.Equal(t, c.want, bin)
				return
			}
			var missing *MissingError
			require.ErrorAs(t, err, &missing)
			require.ErrorContains(t, err, c.message)
			require.NotContains(t, err.Error(), "\n")
			require.Contains(t, err.Error(), InstallCommand(c.need))
		})
	}
}

func TestInstallCommandsNameTheVersion(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"brew install postgresql@17":                                    installCommand("darwin", 0),
		"brew install postgresql@16":                                    installCommand("darwin", 16),
		"sudo apt-get install -y --no-install-recommends postgresql":    installCommand("linux", 0),
		"sudo apt-get install -y --no-install-recommends postgresql-16": installCommand("linux", 16),
	} {
		require.Equal(t, want, got)
	}
}

func TestTheMachinesPlacesIncludeThePath(t *testing.T) {
	bin := fakePrograms(t, t.TempDir(), "linked", "16.1")
	link := filepath.Join(t.TempDir(), "postgres")
	require.NoError(t, os.Symlink(filepath.Join(bin, "postgres"), link))
	t.Setenv("PATH", filepath.Dir(link)+":"+os.Getenv("PATH"))
	t.Setenv("PG_BIN", "/chosen")
	p := installed()
	require.Equal(t, "/chosen", p.chosen)
	require.Contains(t, strings.Join(p.globs, " "), bin, "where the link leads to")
}
