package approval

import (
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Compare holds what the witness and the hook saw the code do against what the inspection
// had found before anybody approved it, and says what had not been announced, in
// sentences for people. It errs on the side of silence: what libraries do for
// themselves, and files that the code makes and uses itself, are nobody's surprise.
// It informs; the box is what guards.
func Compare(findings []Finding, inputs []Input, o Observed) (said []string) {
	if len(findings) > 0 && !slices.ContainsFunc(findings, func(f Finding) bool { return f.Kind != "" }) {
		return nil // an inspection that did not say what its findings are about
	}
	// The hook first, the witness added to it: what both saw is said once. Each has a list of its own of what Python
	// and the image cause by themselves (public, ofImage).
	a := announced{findings: findings}
	files := a.files(inputs, o.Opened, public)
	if w := o.Witness; w != nil {
		opened, connected, started := witnessed(*w)
		files.add(a.files(inputs, opened, ofImage))
		files.changed = append(files.changed, a.deletions(o)...)
		o.Connected, o.Spawned = union(o.Connected, connected), union(o.Spawned, started)
		if why := a.unknown(*w); why != nil && a.usual() {
			said = append(said, sentence("The inspection had found nothing unusual, and yet it is not known all that it did: %s.", why)...)
		} else if why != nil {
			said = append(said, sentence("Not everything that it did is known: %s.", why)...)
		}
	}
	said = append(said, surprise("It opened %s, which the inspection had not found.", files.opened, nil)...)
	said = append(said, surprise("It wrote %s, which the inspection had not found.", files.written, nil)...)
	said = append(said, surprise("It may have written %s, which the inspection had not found.", files.touched, nil)...)
	said = append(said, surprise("It changed files in a way that the inspection had not found: %s.", files.changed, oursDeleted)...)
	said = append(said, surprise("It tried to open %s, which the inspection had not found.", files.tried, nil)...)
	said = append(said, surprise("It imported %s, which the inspection had not found.", a.imports(o.Imported), nil)...)
	said = append(said, surprise("It tried to reach the network, which the inspection had not found: %s.", a.connections(o.Connected), oursConnected)...)
	said = append(said, surprise("It started another program, which the inspection had not found: %s.", a.processes(o.Spawned), oursStarted)...)
	said = append(said, sentence("It did more than could be noted: %s.", a.unlisted(o.More))...)
	return said
}

// unlisted says of what there was more than a result can hold: among it may be
// anything. Only files of the working folder may be many, where the findings said
// that their names are computed.
func (a announced) unlisted(more []string) (said []string) {
	_, computed, _ := a.file(KindWrite, "")
	for _, sort := range more {
		switch {
		case sort == "opened" && (computed || a.looksAround()):
		case sort == "opened":
			said = append(said, "files opened")
		case sort == "elsewhere":
			said = append(said, "files opened outside of the working folder")
		case sort == "imported":
			said = append(said, "modules imported")
		case sort == "connected":
			said = append(said, "connections")
		case sort == "spawned":
			said = append(said, "programs started")
		}
	}
	return said
}

// surprise puts names that came out of a box into a sentence, in quotation marks where they could read as one.
func surprise(text string, names []string, ours *regexp.Regexp) []string {
	plain := make([]string, 0, len(names))
	for _, name := range names {
		plain = append(plain, Plain(name))
	}
	return sentence(text, quoted(plain, ours, 80))
}

// sentence puts a list into a sentence.
func sentence(text string, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	var shown []string
	for _, name := range names[:min(5, len(names))] {
		shown = append(shown, Cut(name, 150))
	}
	list := strings.Join(shown, ", ")
	if more := len(names) - len(shown); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return []string{fmt.Sprintf(text, list)}
}

// announced is what reviewers could know from the findings.
type announced struct {
	findings []Finding
}

func (a announced) any(kind string) bool {
	return slices.ContainsFunc(a.findings, func(f Finding) bool { return f.Kind == kind })
}

// file is what the findings of a kind say about a file: they name it, they cannot
// say which one it is about, or they name a function that moves files about.
func (a announced) file(kind, name string) (named, computed, moves bool) {
	for _, f := range a.findings {
		if f.Kind == kind {
			named = named || f.About != "" && path.Clean(f.About) == name
			computed = computed || f.About == ""
			moves = moves || functions[f.About]
		}
	}
	return named, computed, moves
}

// functions are what findings about files can name instead of a file.
var functions = map[string]bool{"os.rename": true, "os.replace": true, "os.symlink": true, "os.link": true,
	"shutil.move": true, "shutil.copy": true, "shutil.copy2": true, "shutil.copyfile": true, "shutil.copytree": true,
	"shutil.make_archive": true, "shutil.unpack_archive": true, "shutil.rmtree": true,
	"os.remove": true, "os.unlink": true, "os.rmdir": true, "os.removedirs": true, "dbm": true}

// imports are the modules that no finding names. Python itself imports some on the
// code's behalf: they come under names that nobody writes.
func (a announced) imports(seen []string) (surprises []string) {
	named := map[string]bool{"__future__": true, "_strptime": true, "_io": true, "_pydatetime": true, "encodings": true, "warnings": true}
	for _, f := range a.findings {
		for module := range strings.SplitSeq(f.About, ",") {
			// A finding may list several modules in one About. Of each the top name counts: whoever imports pyplot has
			// imported matplotlib.
			top, _, _ := strings.Cut(strings.TrimSpace(module), ".")
			named[top] = true
		}
	}
	named["patsy"] = named["patsy"] || named["statsmodels"] // which has it run formulas: text that is run belongs to the code
	for _, module := range seen {
		if !named[module] {
			surprises = append(surprises, module)
		}
	}
	return surprises
}

// systemFiles are where time zones, fonts, the names of types and the like are.
var systemFiles = []string{"/dev/null", "/dev/urandom", "/dev/random", "/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/fonts/",
	"/usr/share/", "/usr/lib/", "/usr/local/lib/", "/usr/local/share/", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu/"}

// touched are files that were opened, written or changed without having been announced.
type touched struct {
	opened, written, touched, changed, tried []string // touched: opened for writing, which may have been done or not
}

// add merges what another source saw.
func (t *touched) add(other touched) {
	// The hook sees how a file was opened, the witness what was done to it: where the hook says written and the
	// witness only opened for writing, the witness is believed.
	t.opened, t.written = union(t.opened, other.opened), union(t.written, other.written)
	t.changed, t.tried = union(t.changed, other.changed), union(t.tried, other.tried)
	t.written = slices.DeleteFunc(t.written, func(name string) bool { return slices.Contains(other.touched, name) }) // the hook knows no better
	t.touched = union(t.touched, other.touched)
}

// union appends to one list what only the other has.
func union(some, more []string) []string {
	some = slices.Clone(some)
	for _, what := range more {
		if !slices.Contains(some, what) {
			some = append(some, what)
		}
	}
	return some
}

// files goes through what was opened, in order. The hook adds in brackets what
// was done to a file, when it was not only read.
func (a announced) files(inputs []Input, seen []string, public func(string) bool) (t touched) {
	own := map[string]bool{} // what it has made itself
	for _, entry := range seen {
		name, did := entry, ""
		if at := strings.LastIndex(entry, " ("); at > 0 && markLike.MatchString(entry[at:]) {
			name, did = entry[:at], entry[at+2:len(entry)-1]
		}
		// Names are relative to the working folder, which the program may fill as it likes. What is
		// outside of it has to be named by a finding, or be part of the image.
		isInput := slices.ContainsFunc(inputs, func(in Input) bool { return in.Name == name })
		inside := !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../")
		toRead, _, _ := a.file(KindRead, name)
		toWrite, anyWrite, moves := a.file(KindWrite, name)
		// The cases are in order: first what failed, then what was read, then what was written, and last what was
		// renamed or deleted. Each begins with what is excused, so what falls through is a surprise.
		tried := did == "not there or refused" || did == "writing refused"
		switch {
		case tried && (isInput || toRead || toWrite || public(name) || inside && (anyWrite || a.looksAround())):
		case tried:
			t.tried = append(t.tried, name)
		case a.scratch(name): // what a workbook is put together from
			own[name] = true
		case did == "" && (isInput || own[name] || toRead || toWrite || public(name) || inside && a.looksAround()):
		case did == "":
			t.opened = append(t.opened, name)
		case did == "written" || did == openedForWriting:
			// The hook takes opening a database for writing it, though it may only be read.
			asked := toWrite || toRead && (!isInput || database(name)) || inside && !isInput && (anyWrite || moves)
			own[name] = true
			switch {
			case asked || name == "/dev/null" || name == ":memory:":
			case did == "written":
				t.written = append(t.written, name)
			default:
				t.touched = append(t.touched, name)
			}
		case strings.HasPrefix(did, "renamed to "):
			if own[strings.TrimPrefix(did, "renamed to ")] = true; !own[name] && !moves {
				t.changed = append(t.changed, entry)
			}
		case own[name] || moves && inside || did == "deleted" && a.any(KindDelete):
		default:
			t.changed = append(t.changed, entry)
		}
	}
	return t
}

// scratchFile matches the names that Python gives to files of a moment, also where openpyxl puts its own word in front.
var scratchFile = regexp.MustCompile(`^/tmp/(openpyxl\.)?[a-z0-9_]{8}$`)

// workbook tells of code that was found to write one: its library keeps the sheets in files of a moment, and deletes them.
func (a announced) workbook() bool {
	return slices.ContainsFunc(a.findings, func(f Finding) bool {
		return f.Kind == KindWrite && slices.Contains([]string{".xlsx", ".xlsm", ".ods"}, path.Ext(f.About))
	})
}

func (a announced) scratch(name string) bool { return scratchFile.MatchString(name) && a.workbook() }

// looksAround tells of code that reads files whose names it finds out as it runs.
func (a announced) looksAround() bool {
	_, computed, moves := a.file(KindRead, "")
	return computed || moves || a.any(KindList)
}

// public tells of what Python and its libraries read on the code's behalf.
func public(name string) bool {
	return slices.ContainsFunc(systemFiles, func(place string) bool { return strings.HasPrefix(name, place) })
}

// database tells of a file that may be SQLite's, which opens it for writing even to read it.
func database(name string) bool {
	return slices.Contains([]string{".db", ".sqlite", ".sqlite3"}, path.Ext(name))
}

// connections are those that no finding is about. A finding can name a host, or
// only the function that connects; if none names a host, any may have been meant.
func (a announced) connections(seen []string) (surprises []string) {
	// A host that a finding names beats a call whose host is computed: then only the named ones were announced.
	hosts, nameless := map[string]bool{}, false
	for _, f := range a.findings {
		if f.Kind == KindNetwork && connects(f.About) {
			nameless = true
		} else if f.Kind == KindNetwork {
			hosts[hostOf(f.About)] = true
		}
	}
	if nameless && len(hosts) == 0 {
		return nil
	}
	found := false
	for _, entry := range seen {
		host := hostOf(strings.TrimPrefix(entry, "looks up "))
		_, err := netip.ParseAddr(host)
		switch {
		case hosts[host]:
			found = true
		// The hook tells of a name before its address. An address that comes before any announced name is a surprise.
		case err == nil && found: // the address that an announced host has
		default:
			surprises = append(surprises, entry)
		}
	}
	return surprises
}

// connects tells whether a finding is about a function that connects to what is
// computed as the code runs, and not about a host.
func connects(about string) bool {
	return slices.Contains([]string{"", "urlopen", "urlretrieve", "create_connection", "create_server"}, about) ||
		strings.HasPrefix(about, "asyncio.") || strings.HasPrefix(about, "logging.") || strings.HasPrefix(about, "pandas.")
}

// hostOf is the host of "host:port", in the form in which two of them compare.
func hostOf(address string) string {
	if _, err := netip.ParseAddr(address); err == nil {
		return address
	}
	if at := strings.LastIndexByte(address, ':'); at >= 0 && strings.Trim(address[at+1:], "0123456789") == "" {
		address = address[:at]
	}
	return strings.ToLower(strings.TrimSuffix(address, "."))
}

// processes are those that no finding explains.
func (a announced) processes(seen []string) (surprises []string) {
	for _, entry := range seen {
		if !slices.ContainsFunc(a.findings, func(f Finding) bool { return f.Kind == KindProcess && explains(f.About, entry) }) {
			surprises = append(surprises, entry)
		}
	}
	return surprises
}

// Findings about processes that explain certain programs only.
var (
	copies    = []string{"os.fork", "os.forkpty", "fork", "forkpty", "ProcessPoolExecutor"}
	clipboard = []string{"to_clipboard", "pandas.read_clipboard"}
	programs  = map[string][]string{
		"latex":        {"latex", "pdflatex", "xelatex", "lualatex", "dvipng", "dvips", "kpsewhich", "luatex", "gs"},
		"to_clipboard": {"xclip", "xsel", "wl-copy", "wl-paste", "pbcopy", "pbpaste", "klipper", "qdbus", "which"},
	}
)

// explains tells whether a finding about a process says that this was to start.
func explains(about, started string) bool {
	// To send a signal starts nothing, and a copy of Python by fork explains no other program.
	words := strings.Fields(started)
	switch {
	case about == "os.kill" || about == "os.killpg":
		return false
	case slices.Contains(copies, about) || strings.HasPrefix(about, "concurrent."):
		return started == "a copy of itself"
	case about == "latex":
		return len(words) > 0 && slices.Contains(programs["latex"], path.Base(words[0]))
	case slices.Contains(clipboard, about) || strings.HasPrefix(about, "pandas.io.clipboard"):
		return len(words) > 0 && slices.Contains(programs["to_clipboard"], path.Base(words[0]))
	}
	return true
}
