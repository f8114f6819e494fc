package approval

import (
	"regexp"
	"slices"
	"strings"
)

// Who can have watched a run from outside of its program.
const (
	WitnessGVisor   = "gvisor"               // the kernel of a local box, by its runtime monitoring
	WitnessFanotify = "fanotify"             // root of a cloud box, by its kernel's notifications
	WitnessDeleted  = "(a file was deleted)" // in Opened: that one was is known, which is not
)

// Witness is what was seen of a run by something that its program cannot reach. A list that is
// nil was not watched, which is not the same as an empty one.
type Witness struct {
	Source    string   `json:"source"`          // who it was; empty: nobody
	Opened    []string `json:"opened"`          // files: "sales.csv", "copy.csv (written)", "/etc/passwd"
	Started   []string `json:"started"`         // programs with their arguments, and "a copy of itself"
	Connected []string `json:"connected"`       // addresses, "listens at ...", and kinds of sockets
	Complete  bool     `json:"complete"`        // nothing else can have happened
	Gaps      []string `json:"gaps,omitempty"`  // why it is not complete: the codes below
	Named     []string `json:"named,omitempty"` // files that it tried to open; a name is only what the program showed
}

// Hints is what the program's own process told. It can silence and forge all of it.
func (o Observed) Hints() Observed {
	o.Witness = nil
	return o
}

// Why an account is not complete.
const (
	GapUnmarked   = "unmarked"   // where the program began was not seen
	GapEarly      = "early"      // the box ended before the program did
	GapDropped    = "dropped"    // there was more than could be reported
	GapMore       = "more"       // there was more than is kept
	GapUnnamed    = "unnamed"    // it asked for a program whose name was not told
	GapUnresolved = "unresolved" // it opened a file of which nothing more was seen
	GapDescriptor = "descriptor" // it used descriptors in a way that hides what is behind them
	GapOpenat2    = "openat2"    // the calls that reach or rename files without telling which
	GapHandle     = "open_by_handle_at"
	GapRename     = "rename"
	GapLink       = "link"
	GapSymlink    = "symlink"
	GapMount      = "mount"
	GapTruncate   = "truncate"
	GapCopy       = "copy"
	GapSubmit     = "io_submit"
	GapMemory     = "memory"
)

// gapWords say why not everything is known, as the rest of a sentence about the program.
var gapWords = map[string]string{
	GapUnmarked:   "its beginning was not seen",
	GapEarly:      "the sandbox was stopped before it had told everything",
	GapDropped:    "it did more at once than could be told",
	GapMore:       "it did more than is kept",
	GapUnnamed:    "it asked for a program that has no readable name, or is not there",
	GapUnresolved: "it opened a file and did not show which",
	GapDescriptor: "it changed files under its own reads",
	GapOpenat2:    "it opened files in a way that does not tell which",
	GapHandle:     "it opened files in a way that does not tell which",
	GapRename:     "it renamed files",
	GapLink:       "it gave files a second name",
	GapSymlink:    "it made symbolic links",
	GapMount:      "it changed which files stand where",
	GapTruncate:   "it cut files short",
	GapCopy:       "it had files copied without reading them",
	GapSubmit:     "it used files in a way that does not tell which",
	GapMemory:     "it reached into another process",
}

// WhyNot says why not everything is known, a reason an item.
func (w Witness) WhyNot() (reasons []string) {
	for _, code := range w.Gaps {
		if words := gapWords[code]; words != "" && !slices.Contains(reasons, words) {
			reasons = append(reasons, words)
		}
	}
	return reasons
}

// unknown are the reasons for which something may have happened that nobody announced and nobody
// saw. Moving files about is no such reason where the findings said that the program does that.
func (a announced) unknown(w Witness) []string {
	_, _, moves := a.file(findsWrite, "")
	deletes := a.any(findsDelete)
	known := func(code string) bool {
		return moves && slices.Contains([]string{GapRename, GapLink, GapSymlink, GapCopy, GapTruncate}, code) ||
			deletes && code == GapTruncate
	}
	w.Gaps = slices.DeleteFunc(slices.Clone(w.Gaps), known)
	return w.WhyNot()
}

// usual tells of findings among which nothing is unusual.
func (a announced) usual() bool {
	return !slices.ContainsFunc(a.findings, func(f Finding) bool { return f.Level != Note })
}

// sharedLibrary matches the libraries that Python's own load. To read one tells nobody anything.
var sharedLibrary = regexp.MustCompile(`^/usr/lib/[^ ]*\.so[.0-9]*$`)

// ofImage tells of what the witness names although any program may cause it.
func ofImage(name string) bool {
	return sharedLibrary.MatchString(name) || slices.Contains([]string{"/dev/null", "/dev/random", "/proc/cpuinfo", "/proc/meminfo"}, name) ||
		strings.HasPrefix(name, "/sys/devices/system/cpu/")
}

// deletions are those that neither the findings nor the hook tell of.
func (a announced) deletions(o Observed) []string {
	told := slices.ContainsFunc(o.Opened, func(entry string) bool { return strings.HasSuffix(entry, " (deleted)") })
	if _, _, moves := a.file(findsWrite, ""); told || moves || a.any(findsDelete) || !slices.Contains(o.Witness.Opened, WitnessDeleted) {
		return nil
	}
	return []string{WitnessDeleted}
}

// nameService is a socket that the C library tries by itself to learn a user's name.
const nameService = "unix:/var/run/nscd/socket"

// witnessed is what the witness adds to the hints: the same kinds, without what is there already.
func witnessed(w Witness) (opened, connected, started []string) {
	opened = slices.DeleteFunc(slices.Clone(w.Opened), func(s string) bool { return s == WitnessDeleted }) // which deletions tells of
	connected = slices.DeleteFunc(slices.Clone(w.Connected), func(s string) bool { return s == nameService })
	return opened, connected, w.Started
}
