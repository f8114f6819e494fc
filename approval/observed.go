package approval

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// The kinds of finding that announce something the audit hook can see happen.
const (
	findsImport  = "import"         // About: modules, with commas
	findsMissing = "missing module" // tried, and done without
	findsRead    = "read"           // About: a file; empty where its name is computed
	findsWrite   = "write"          // the same, or the function that moves or copies files
	findsDelete  = "delete"
	findsList    = "list" // goes through the folder
	findsNetwork = "network"
	findsProcess = "process"
)

// Compare holds what the audit hook saw the code do against what the inspection
// had found before anybody approved it, and says what had not been announced, in
// sentences for people. It errs on the side of silence: what libraries do for
// themselves, and files that the code makes and uses itself, are nobody's surprise.
// It informs; the box is what guards.
func Compare(findings []Finding, inputs []Input, o Observed) (said []string) {
	if len(findings) > 0 && !slices.ContainsFunc(findings, func(f Finding) bool { return f.Kind != "" }) {
		return nil // an inspection that did not say what its findings are about
	}
	a := announced{findings: findings}
	files := a.files(inputs, o.Opened)
	said = append(said, surprise("It opened %s, which the inspection had not found.", files.opened)...)
	said = append(said, surprise("It wrote %s, which the inspection had not found.", files.written)...)
	said = append(said, surprise("It changed files in a way that the inspection had not found: %s.", files.changed)...)
	said = append(said, surprise("It imported %s, which the inspection had not found.", a.imports(o.Imported))...)
	if !a.any(findsNetwork) {
		said = append(said, surprise("It tried to reach the network, which the inspection had not found: %s.", o.Connected)...)
	}
	if !a.any(findsProcess) {
		said = append(said, surprise("It started another program, which the inspection had not found: %s.", o.Spawned)...)
	}
	return said
}

// surprise puts names that came out of a box into a sentence.
func surprise(sentence string, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	var shown []string
	for _, name := range names[:min(5, len(names))] {
		shown = append(shown, cut(strings.ReplaceAll(Plain(name), "\n", " "), 100))
	}
	list := strings.Join(shown, ", ")
	if more := len(names) - len(shown); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return []string{fmt.Sprintf(sentence, list)}
}

// announced is what reviewers could know from the findings.
type announced struct {
	findings []Finding
}

func (a announced) any(kind string) bool {
	return slices.ContainsFunc(a.findings, func(f Finding) bool { return f.Kind == kind })
}

// about tells whether a finding of a kind names this, or cannot say what it is about.
func (a announced) about(kind, name string) (named, open bool) {
	for _, f := range a.findings {
		if f.Kind == kind {
			named = named || path.Clean(f.About) == name
			open = open || f.About == "" || functions[f.About]
		}
	}
	return named, open
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
			top, _, _ := strings.Cut(strings.TrimSpace(module), ".")
			named[top] = true
		}
	}
	for _, module := range seen {
		if !named[module] {
			surprises = append(surprises, module)
		}
	}
	return surprises
}

// systemFiles are what Python and its libraries read on the code's behalf: time
// zones, fonts, the names of types, random numbers.
var systemFiles = []string{"/dev/null", "/dev/urandom", "/dev/random", "/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/fonts/",
	"/usr/share/", "/usr/lib/", "/usr/local/lib/", "/usr/local/share/", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu/"}

// touched are files that were opened, written or changed without having been announced.
type touched struct {
	opened, written, changed []string
}

// files goes through what was opened, in order. The hook adds in brackets what
// was done to a file, when it was not only read.
func (a announced) files(inputs []Input, seen []string) (t touched) {
	own := map[string]bool{} // what it has made itself
	for _, entry := range seen {
		name, did := entry, ""
		if at := strings.LastIndex(entry, " ("); at > 0 && strings.HasSuffix(entry, ")") {
			name, did = entry[:at], entry[at+2:len(entry)-1]
		}
		isInput := slices.ContainsFunc(inputs, func(in Input) bool { return in.Name == name })
		inside := !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../")
		mentioned, _ := a.about(findsRead, name)
		toWrite, anyWrite := a.about(findsWrite, name)
		switch {
		case slices.ContainsFunc(systemFiles, func(place string) bool { return strings.HasPrefix(name, place) }) && (did == "" || name == "/dev/null"):
		case did == "" && (isInput || own[name] || mentioned || toWrite):
		case did == "" && inside && a.looksAround():
		case did == "":
			t.opened = append(t.opened, name)
		case did == "written" && (toWrite || mentioned || inside && anyWrite && !isInput):
			own[name] = true
		case did == "written":
			own[name] = true
			t.written = append(t.written, name)
		case strings.HasPrefix(did, "renamed to "):
			own[strings.TrimPrefix(did, "renamed to ")] = true
			if !own[name] && !anyWrite {
				t.changed = append(t.changed, entry)
			}
		case did == "deleted" && (own[name] || a.any(findsDelete)):
		case anyWrite && inside: // a link
		default:
			t.changed = append(t.changed, entry)
		}
	}
	return t
}

// looksAround tells of code that reads files whose names it finds out as it runs.
func (a announced) looksAround() bool {
	_, open := a.about(findsRead, "")
	return open || a.any(findsList)
}
