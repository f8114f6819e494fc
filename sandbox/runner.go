package sandbox

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"countersign/approval"
)

//go:embed runner/*.py runner/desk/*.py runner/inspection/*.py runner/inspection/known.json runner/inspection/claims/*.py
var runnerFS embed.FS

// RunnerFile is one file of the Python that goes into every box.
type RunnerFile struct {
	Name string // "supervise.py" or "desk/reading.py": goes to BASE/runner/
	Data []byte
}

// RunnerFiles lists what goes into every box, in the order of names: the runner, in
// its folder desk the library that programs may count on, and in inspection what reads code.
func RunnerFiles() (files []RunnerFile) {
	err := fs.WalkDir(runnerFS, "runner", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := runnerFS.ReadFile(name)
		files = append(files, RunnerFile{Name: strings.TrimPrefix(name, "runner/"), Data: data})
		return err
	})
	if err != nil {
		panic(err) // they are in the binary
	}
	return files
}

// Runner returns the version of the Python that goes into every box, a hash of its files.
// It is part of a box's template: another runner may run the same code differently, so an
// approval counts only for the one it was given under.
func Runner() string { return named("runner", "") }

// Desk returns the version of the desk alone: another one may read the same file otherwise.
func Desk() string { return named("desk", "desk/") }

// named is a hash of the runner's files whose names begin so.
func named(what, prefix string) string {
	var all strings.Builder
	for _, f := range RunnerFiles() {
		if strings.HasPrefix(f.Name, prefix) {
			fmt.Fprintf(&all, "%s %s\n", f.Name, approval.Hash(f.Data))
		}
	}
	return what + " " + approval.Short(approval.Hash([]byte(all.String())))
}

// AlreadyStarted is the exit status of StartCommand's shell line in a box in
// which the code has been started before. It is no failure.
const AlreadyStarted = 17

// StartCommand is the shell line that starts the job in a box at most once:
// mkdir is atomic, so of any number of callers one gets past it. base must need
// no quoting. The result appears as base/result when all is done.
func StartCommand(base, python string) string {
	// -I: no settings of a user's. -B: no bytecode is written.
	return "mkdir " + base + "/once 2>/dev/null || exit 17; " +
		"exec " + python + " -I -B " + base + "/runner/supervise.py " +
		base + "/job " + base + "/result " + base + "/work " + base + "/out </dev/null >" + base + "/log 2>&1"
}

// GuardedCommand is StartCommand for a machine of its own in which it runs as root: the code
// gets a user of its own, and a witness stays beside it, which writes base/seen. hosts are the
// only ones that the code can reach; they must need no quoting either.
func GuardedCommand(base, python string, hosts ...string) string {
	guard := strings.Join(append([]string{" guard"}, hosts...), " ")
	return strings.Replace(StartCommand(base, python), base+"/out </dev/null", base+"/out"+guard+" </dev/null", 1)
}

// ReadCommand is the shell line that reads the file of base/job (of WriteReadJob) into
// base/result, on a machine of its own where it runs as root: the reader gets a user of its
// own, and a witness stays beside it, which writes base/seen.
func ReadCommand(base, python string) string {
	return "exec " + python + " -I -B " + base + "/runner/read.py " +
		base + "/job " + base + "/result " + base + "/work guard </dev/null >" + base + "/log 2>&1"
}

// InspectCommand is the shell line that inspects base/job (of WriteInspection)
// into base/result. Nothing of the code runs, so it may be repeated.
func InspectCommand(base, python string) string {
	return "exec " + python + " -I -B " + base + "/runner/inspect.py " +
		base + "/job " + base + "/result </dev/null >" + base + "/log 2>&1"
}
