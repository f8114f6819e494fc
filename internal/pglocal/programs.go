package pglocal

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// oldest is the oldest major version that the schema works with.
const oldest = 14

// MissingError says that no suitable Postgres is installed, and how to install one.
type MissingError struct {
	Major int      // the version that the data folder needs; 0 when any will do
	Found []string // folders with programs that do not fit
	Dir   string   // the data folder that needs it
}

// Error implements error, and says what to install.
func (e *MissingError) Error() string {
	switch {
	case e.Major != 0:
		return fmt.Sprintf("The database in %s was written by PostgreSQL %d, which is not installed here. Install it with: %s", e.Dir, e.Major, InstallCommand(e.Major))
	case len(e.Found) > 0:
		return fmt.Sprintf("PostgreSQL %d or newer is needed; what is installed in %s is older or incomplete. Install it with: %s", oldest, strings.Join(e.Found, ", "), InstallCommand(0))
	}
	return "PostgreSQL is not installed. Install it with: " + InstallCommand(0)
}

// InstallCommand is the command that installs Postgres on this machine; major is 0 for
// the system's default version.
func InstallCommand(major int) string { return installCommand(runtime.GOOS, major) }

// installCommand is InstallCommand for a system by its name.
func installCommand(system string, major int) string {
	if system == "darwin" {
		if major == 0 {
			major = 17 // Homebrew has no unversioned formula
		}
		return fmt.Sprintf("brew install postgresql@%d", major)
	}
	if major == 0 {
		return "sudo apt-get install -y --no-install-recommends postgresql"
	}
	return fmt.Sprintf("sudo apt-get install -y --no-install-recommends postgresql-%d", major)
}

// places is where programs are looked for.
type places struct {
	chosen string   // $PG_BIN: when somebody has chosen, nothing else is looked at
	globs  []string // folders, or patterns of them
}

// installed are the places of this machine.
func installed() places {
	p := places{chosen: os.Getenv("PG_BIN"), globs: []string{
		"/usr/lib/postgresql/*/bin", // Debian and Ubuntu, which keep them off the PATH
		"/usr/pgsql-*/bin",          // Red Hat and its kin
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/latest/bin",
	}}
	if found, err := exec.LookPath("postgres"); err == nil {
		// On the PATH it may be a link; initdb lies beside what it leads to.
		if real, err := filepath.EvalSymlinks(found); err == nil {
			p.globs = append(p.globs, filepath.Dir(real))
		}
	}
	return p
}

// Programs is the folder of the newest Postgres that is installed here, or that PG_BIN names.
func Programs() (bin string, err error) { return installed().find(0) }

// find returns the folder with the programs of the needed major version, or of
// the newest one when need is 0.
func (p places) find(need int) (bin string, err error) {
	dirs := []string{p.chosen}
	if p.chosen == "" {
		dirs = nil
		for _, glob := range p.globs {
			match, _ := filepath.Glob(glob) // the patterns are ours and well-formed
			dirs = append(dirs, match...)
		}
	}
	best := 0
	missing := &MissingError{Major: need}
	for _, dir := range dirs {
		major, err := version(dir)
		if err != nil || major < oldest || need != 0 && major != need {
			missing.Found = append(missing.Found, dir)
		} else if major > best {
			bin, best = dir, major
		}
	}
	if best == 0 {
		return "", missing
	}
	return bin, nil
}

// version asks the programs in a folder for their major version.
func version(bin string) (int, error) {
	if _, err := exec.LookPath(filepath.Join(bin, "initdb")); err != nil {
		return 0, err
	}
	out, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("ask %s for its version: %w", bin, err)
	}
	// "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "postgres (PostgreSQL) 19beta1"
	_, rest, _ := strings.Cut(string(out), "(PostgreSQL) ")
	return leadingNumber(rest)
}

// leadingNumber reads "17" out of "17.2" or "17beta1".
func leadingNumber(s string) (int, error) {
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(s)
	}
	return strconv.Atoi(s[:end])
}
