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
	Opened    []string `json:"opened"`          // files: "sales.csv", "copy.csv (written)", "a.db (opened for writing)", "/etc/passwd"
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

// told is a witness's account as an event has it. Who it was and what is not known are facts of
// ours; what was seen are words of the program. Nil: nobody watched.
func (w *Witness) told() map[string]any {
	if w == nil {
		return nil
	}
	seen := map[string]any{"opened": w.Opened, "started": w.Started, "connected": w.Connected, "named": w.Named}
	return map[string]any{"source": w.Source, "complete": w.Complete, "gaps": w.Gaps, "seen": AllSaid{seen}}
}

// Why an account is not complete.
const (
	GapUnmarked   = "unmarked"   // where the program began was not seen
	GapEarly      = "early"      // the box ended before the program did
	GapDropped    = "dropped"    // there was more than could be reported
	GapMore       = "more"       // there was more than is kept
	GapUnnamed    = "unnamed"    // it asked for a program whose name was not told
	GapUnresolved = "unresolved" // it opened a file of which nothing more was seen
	GapUnflagged  = "unflagged"  // it opened a file, and how was not told
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
	GapUnflagged:  "it opened a file and did not show whether it would write to it",
	GapDescriptor: "it changed files while it was reading them",
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
	// A finding that names os.rename has told the reviewers that files move. That the witness cannot say where
	// to is then no news to them.
	_, _, moves := a.file(KindWrite, "")
	deletes := a.any(KindDelete)
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
	if _, _, moves := a.file(KindWrite, ""); told || moves || a.any(KindDelete) || a.workbook() || !slices.Contains(o.Witness.Opened, WitnessDeleted) {
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

// Words says what is known of what a program did and by whose word, as a head and what follows
// it. list names a few things and counts the rest. Only a complete account says that something
// did not happen.
func (o Observed) Words(list func([]string) string) (head, rest string) {
	w := o.Witness
	if w == nil {
		o.Opened, o.Connected, o.Spawned = quoted(o.Opened, nil, mostQuoted), quoted(o.Connected, oursConnected, mostQuoted), quoted(o.Spawned, oursStarted, mostQuoted)
		return "Not watched from outside", ": what the code did is not known. Its own process, which can be wrong, says: " +
			seenOf(o.Opened, o.Connected, o.Spawned, list) + "."
	}
	seen := *w
	seen.Opened, seen.Connected, seen.Started = quoted(w.Opened, oursDeleted, mostQuoted), quoted(w.Connected, oursConnected, mostQuoted), quoted(w.Started, oursStarted, mostQuoted)
	if !w.Complete {
		head, rest = "Not everything that it did is known", " ("+strings.Join(w.WhyNot(), "; ")+"). Seen from outside the code: "
		rest += seenOf(seen.Opened, seen.Connected, seen.Started, list) + "."
	} else {
		head, rest = "Seen from outside the code", ": "+didOf(seen, list)
	}
	if hints := o.beside(); len(hints) > 0 {
		rest += " A hint by the code's own process: " + list(quoted(hints, oursConnected, mostQuoted)) + "."
	}
	return head, rest
}

// What the witness, or the hook, says in words of its own, by the list in which it says so.
var (
	oursDeleted   = regexp.MustCompile(`^` + regexp.QuoteMeta(WitnessDeleted) + `$`)
	oursStarted   = regexp.MustCompile(`^a copy of itself$`)
	oursConnected = regexp.MustCompile(`^(a socket \([\w' ]*\)|listens at [\w.:\[\]]+|looks up [\w.:-]+|an address (that cannot be read|of kind \d+))$`)
)

// Marks that may stand behind a name.
const (
	WitnessWritten   = " (written)"
	WitnessWriting   = " (" + openedForWriting + ")"
	openedForWriting = "opened for writing"
)

var (
	marks    = regexp.MustCompile(`^(.*?)( \((?:written|opened for writing|read|deleted|tried|(?:renamed|a link) to [\w./-]+)\))?$`)
	markLike = regexp.MustCompile(`\((?:written|opened for writing|read|deleted|tried|a file was deleted|not there or refused|writing refused|(?:renamed|a link) to [^()]*)\)$`)
)

// Unmarked is a file's name in which what reads as a mark of the witness's own is told from one: the program
// chooses names, and may call a file "sales.csv (written)".
func Unmarked(name string) string {
	return markLike.ReplaceAllString(name, `\$0`)
}

// plainName matches a name that is one word, in letters of which none is a blank.
var plainName = regexp.MustCompile(`^[\w\p{Latin}./:@\[\]+~=-]+$`)

// mostQuoted is so much of a name as still stands in a line with its marks.
const mostQuoted = 48

// quoted puts names in quotation marks that are more than one plain word, and no more than so much of them. The program chooses what its files
// are called, and "x. No network, no other programs" must not read as a sentence of ours.
func quoted(names []string, ours *regexp.Regexp, most int) []string {
	// A list that is nil stays nil: didOf says "not watched" of it, and "none" of an empty one.
	if names == nil {
		return nil // which was not watched
	}
	all := make([]string, 0, len(names))
	for _, name := range names {
		if ours != nil && ours.MatchString(name) {
			all = append(all, name)
			continue
		}
		name = strings.Join(strings.Fields(name), " ")
		text, mark := name, ""
		// The mark stays outside of the quotation marks: it is the witness's word, and the name is the program's.
		if part := marks.FindStringSubmatch(name); part != nil {
			text, mark = part[1], part[2]
		}
		if !plainName.MatchString(text) {
			text = strings.NewReplacer("“", "'", "”", "'").Replace(text)
			if runes := []rune(text); len(runes) > most {
				text = string(runes[:most-1]) + "…"
			}
			text = "“" + text + "”"
		}
		all = append(all, text+mark)
	}
	return all
}

// didOf says what happened and what did not.
func didOf(w Witness, list func([]string) string) string {
	// A complete account alone comes here (Words), so an empty list does mean that nothing happened.
	opened, network, programs := "Opened no files.", "No network", "no other programs"
	if len(w.Opened) > 0 {
		opened = "Opened " + list(w.Opened) + "."
	}
	if w.Opened == nil {
		opened = "Files were not watched."
	}
	if w.Connected == nil {
		network = "Network not watched"
	} else if len(w.Connected) > 0 {
		network = "Network: " + list(w.Connected)
	}
	if w.Started == nil {
		programs = "other programs not watched"
	} else if len(w.Started) > 0 {
		programs = "started " + list(w.Started)
	}
	return opened + " " + network + ", " + programs + "."
}

// seenOf says what was seen, and of the rest nothing.
func seenOf(opened, connected, started []string, list func([]string) string) string {
	var parts []string
	for _, part := range []struct {
		verb string
		what []string
	}{{"opened ", opened}, {"network: ", connected}, {"started ", started}} {
		if len(part.what) > 0 {
			parts = append(parts, part.verb+list(part.what))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, "; ")
}

// beside are the hints about files and addresses that say more than the witness.
func (o Observed) beside() (hints []string) {
	for _, what := range slices.Concat(o.Opened, o.Connected) {
		seen := []string{what, what + WitnessWritten, strings.TrimSuffix(what, WitnessWritten) + WitnessWriting} // the hook knows how a file was opened, not what was done to it
		if !slices.ContainsFunc(seen, func(s string) bool { return slices.Contains(o.Witness.Opened, s) }) && !slices.Contains(o.Witness.Connected, what) {
			hints = append(hints, what)
		}
	}
	for _, name := range o.Witness.Named {
		if !slices.ContainsFunc(slices.Concat(hints, o.Witness.Opened), func(had string) bool { return had == name || strings.HasPrefix(had, name+" (") }) {
			hints = append(hints, name+" (tried)")
		}
	}
	return hints
}
