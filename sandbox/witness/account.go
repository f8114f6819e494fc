package witness

import (
	"cmp"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"

	"countersign/approval"
)

// What an account keeps of each kind. Files outside of the working folder have room of their
// own, so that a thousand files in it cannot crowd one of them out.
const (
	mostKept = 100
	mostText = 300 // runes of one entry
)

// supervisor is the number of process 1, which the program cannot reach.
const supervisor = 1

// Account is what has been told of one box so far. Its methods may be called side by side.
type Account struct {
	mark  string
	image func(path string) bool

	mu       sync.Mutex
	packet   packet
	dropped  uint32
	marked   bool
	alive    map[int]int           // of each process: threads that were made, less those that ended
	copies   map[int]bool          // processes that no program was started in
	starting map[int]bool          // processes that ask for a program of which the sentry has said nothing yet
	pending  map[descriptor]opened // opens of which no path has been resolved yet
	files    *kept                 // in the working folder
	outside  *kept
	system   *kept // below /usr: what started programs need, mostly
	started  *kept
	reached  *kept
	named    *kept
	gaps     []string
	garbled  bool
}

type descriptor struct {
	group int
	fd    int64
}

// opened is an open whose path is not resolved yet.
type opened struct {
	name string // that was given
	told bool   // how it was opened is known
	how  how    // what may be done to it, also by calls that tell of no path, as where it is mapped into memory
}

// New makes the account of a box. mark is the name of the path that the runner opens before
// the program begins; image tells which paths are read on any program's behalf.
func New(mark string, image func(path string) bool) *Account {
	return &Account{mark: mark, image: image, alive: map[int]int{}, copies: map[int]bool{}, starting: map[int]bool{}, pending: map[descriptor]opened{},
		files: &kept{}, outside: &kept{}, system: &kept{}, started: &kept{}, reached: &kept{}, named: &kept{}}
}

// take takes one packet.
func (a *Account) take(data []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := &a.packet
	if err := p.read(data); err != nil {
		a.garbled = true
		return
	}
	a.dropped = max(a.dropped, p.dropped)
	switch p.kind {
	case typeClone:
		a.alive[p.created]++
	case typeExit: // of one thread; a start that it leaves behind unnamed is for deed to tell
		a.alive[p.group]--
		if !a.starting[p.group] {
			return
		}
	}
	switch {
	case p.group == supervisor && !slices.Contains([]uint16{typeExec, typeConnect, typeBind, typeSocket}, p.kind):
		// It reads results and counts files. It has no reason for anything else.
	case !a.marked:
		a.marked = p.kind == typeOpen && p.name == a.mark && p.group != supervisor
	default:
		a.deed(p)
	}
}

// deed notes what a packet of the program's time tells.
func (a *Account) deed(p *packet) {
	if a.starting[p.group] {
		delete(a.starting, p.group)
		// A start that failed is followed by another one, by a next place to look. What does anything
		// else either runs a program that has no name here, or has given up: nobody can tell.
		if next := p.kind == typeBare && bare[p.number] == exec; p.kind != typeExec && !next {
			a.gap(approval.GapUnnamed)
		}
	}
	switch p.kind {
	// A new thread has the group of its maker, and does what its process does.
	case typeClone:
		if p.created != p.group {
			a.copies[p.created] = true
		}
	case typeExec:
		delete(a.copies, p.group)
		a.started.add(commandOf(p.name, p.args))
	case typeSocket:
		if p.errno == 0 && p.number != familyUnix {
			a.reached.add("a socket (" + cmp.Or(families[p.number], fmt.Sprintf("kind %d", p.number)) + ")")
		}
	case typeConnect:
		a.reached.add(addressOf(p.address))
	case typeBind:
		a.reached.add("listens at " + addressOf(p.address))
	case typeBare:
		a.bare(p)
	default:
		a.file(p)
	}
}

// bare notes a call of which only numbers are known.
func (a *Account) bare(p *packet) {
	switch deed := bare[p.number]; {
	case deed == exec:
		a.starting[p.group] = true
	case p.errno != 0:
	case deed == open:
		at := descriptor{p.group, p.result}
		a.unresolved(at)
		a.pending[at] = opened{}
	case deed == remove:
		a.files.add(approval.WitnessDeleted)
	default:
		a.gap(deed)
	}
}

// file notes what was opened, and what is known of it.
func (a *Account) file(p *packet) {
	at := descriptor{p.group, p.fd}
	switch p.kind {
	case typeOpen:
		if p.errno != 0 {
			a.hint(p.name)
			return
		}
		at.fd = p.result
		if _, open := a.pending[at]; open {
			a.pending[at] = opened{p.name, true, howOf(p.flags)}
		}
	case typeDup: // what stood there is closed
		a.seen(p.path, read)
		a.unresolved(at)
	default:
		if p.fd < 0 || p.path == "" {
			return
		}
		if strings.HasPrefix(p.path, "[err") {
			if p.kind != typeClose { // a program that closes what is not open hides nothing
				a.gap(approval.GapDescriptor)
			}
			return
		}
		was, open := a.pending[at]
		if strings.HasPrefix(p.path, "/") {
			delete(a.pending, at)
			if open && !was.told {
				a.gap(approval.GapUnflagged)
			}
		}
		if p.kind == typeWrite {
			was.how = written
		}
		a.seen(p.path, was.how)
	}
}

// unresolved makes a gap of an open whose descriptor is used for something else before its
// path was seen. The descriptor was closed in a way that no point tells, or another thread was
// quicker: either way a file was open whose true path nobody has.
func (a *Account) unresolved(at descriptor) {
	if was, open := a.pending[at]; open {
		delete(a.pending, at)
		a.hint(was.name)
		a.gap(approval.GapUnresolved)
	}
}

// seen notes a path that the sentry has resolved.
func (a *Account) seen(at string, did how) {
	if !strings.HasPrefix(at, "/") || did == read && a.image(at) {
		return // a pipe, a socket; or what is read on any program's behalf
	}
	at = strings.TrimSuffix(at, " (deleted)")
	if runners(at) || did != read && at == "/dev/null" {
		return
	}
	entry, room := strings.TrimPrefix(at, "/work/"), a.files
	if strings.HasPrefix(entry, "/usr/") {
		room = a.system
	} else if strings.HasPrefix(entry, "/") {
		room = a.outside
	}
	room.put(entry, did)
}

// how is what was done to a file. Each says more than the one before.
type how int

const (
	read    how = iota
	writing     // it was opened for that, and may have been written
	written     // also: emptied
)

// howMarks stand behind a name.
var howMarks = [...]string{"", approval.WitnessWriting, approval.WitnessWritten}

// howOf is what the flags of an open tell.
func howOf(flags uint64) how {
	switch {
	case flags&emptying != 0:
		return written
	case flags&changing != 0:
		return writing
	}
	return read
}

// runners tells of what the runner itself puts into its folder: the report, tables and charts.
func runners(at string) bool {
	name, ours := strings.CutPrefix(at, "/out/")
	return ours && !strings.Contains(name, "/") && (name == "report.json" || name == "first.json" ||
		strings.HasPrefix(name, "chart-") && strings.HasSuffix(name, ".png") || strings.HasSuffix(name, ".csv"))
}

// hint notes a name that the program gave, of which nothing else is known.
func (a *Account) hint(name string) {
	if name = strings.ToValidUTF8(name, "\uFFFD"); name != "" && !a.image(path.Clean(name)) && !runners(name) && !strings.HasPrefix(name, "/usr/") {
		a.named.add(approval.Unmarked(strings.TrimPrefix(name, "/work/")))
	}
}

func (a *Account) gap(code string) { a.gaps = once(a.gaps, code) }

// once adds what is not there yet.
func once(list []string, what string) []string {
	if slices.Contains(list, what) {
		return list
	}
	return append(list, what)
}

// lack is a gap of the account as a whole, and whether it is there.
type lack struct {
	code  string
	there bool
}

// conclude adds the gaps that are known only at the end, and says whether there are none at all.
func conclude(w *approval.Witness, lacks ...lack) {
	for _, l := range lacks {
		if l.there {
			w.Gaps = once(w.Gaps, l.code)
		}
	}
	w.Complete = len(w.Gaps) == 0
}

// Told is what is known now. ended tells that the sentry is no more and sent all that it had.
func (a *Account) Told(ended bool) approval.Witness {
	a.mu.Lock()
	defer a.mu.Unlock()
	// What was watched is never nil: an empty list says that there was nothing.
	w := approval.Witness{Source: approval.WitnessGVisor, Opened: slices.Concat(a.outside.all, a.files.all, a.system.all),
		Started: append([]string{}, a.started.all...), Connected: append([]string{}, a.reached.all...),
		Named: slices.Clone(a.named.all), Gaps: slices.Clone(a.gaps)}
	if w.Opened == nil {
		w.Opened = []string{}
	}
	if len(a.copies) > 0 {
		w.Started = append(w.Started, "a copy of itself")
	}
	running := false
	for group, threads := range a.alive {
		running = running || group != supervisor && threads != 0
	}
	conclude(&w, lack{approval.GapUnmarked, !a.marked}, lack{approval.GapEarly, !ended || running}, lack{approval.GapDropped, a.dropped > 0 || a.garbled},
		lack{approval.GapUnresolved, len(a.pending) > 0}, lack{approval.GapUnnamed, len(a.starting) > 0},
		lack{approval.GapMore, a.files.more || a.outside.more || a.system.more || a.started.more || a.reached.more})
	return w
}

// kept is a list that has an end: a program that opens a million files is said to have opened more
// than is kept, and the host keeps a hundred.
type kept struct {
	all  []string
	more bool
}

// put adds a file that was opened, perhaps to be written, or written, which says more. A name is made fit to be shown
// before it is compared, with room for the mark, or a long one would lose it.
func (k *kept) put(entry string, did how) {
	entry = approval.Unmarked(shown(entry, mostText-len(approval.WitnessWriting)-1))
	for _, more := range howMarks[did:] {
		if k.has(entry + more) {
			return // that it was opened as well says nothing new
		}
	}
	k.all = slices.DeleteFunc(k.all, func(had string) bool {
		return slices.Contains(howMarks[:did], strings.TrimPrefix(had, entry)) && strings.HasPrefix(had, entry)
	})
	k.add(entry + howMarks[did])
}

func (k *kept) has(what string) bool { return slices.Contains(k.all, what) }

func (k *kept) add(what string) {
	switch what = shown(what, mostText); {
	case k.has(what):
	case len(k.all) == mostKept:
		k.more = true
	default:
		k.all = append(k.all, what)
	}
}

// shown is a text of the program's as people read it: nothing in it that a terminal obeys, and no
// more than so many runes.
func shown(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return text
}

// commandOf is what was started: the binary by the sentry's word, and the arguments. The first
// of them is a name that the program gives, which is told where it is another one.
func commandOf(binary string, args []string) string {
	words := append([]string{binary}, args[min(1, len(args)):]...)
	line := strings.Join(words, " ")
	if len(args) > 0 && path.Base(args[0]) != path.Base(binary) {
		line += " (called " + args[0] + ")"
	}
	return line
}

// familyUnix are sockets that reach other processes of the box alone.
const familyUnix = 1

// families are the other kinds of socket.
var families = map[int]string{2: "IPv4", 10: "IPv6", 16: "netlink", 17: "packets", 40: "the machine's host"}

// addressOf is an address as a program gives it to connect or bind.
func addressOf(raw []byte) string {
	if len(raw) < 2 {
		return "an address that cannot be read"
	}
	family := int(raw[0]) | int(raw[1])<<8
	switch {
	case family == familyUnix:
		name, _, _ := strings.Cut(string(raw[2:]), "\x00")
		if name == "" && len(raw) > 3 {
			name = "@" + string(raw[3:])
		}
		return "unix:" + name
	case family == 2 && len(raw) >= 8:
		ip, _ := netip.AddrFromSlice(raw[4:8])
		return fmt.Sprintf("%s:%d", ip, int(raw[2])<<8|int(raw[3]))
	case family == 10 && len(raw) >= 24:
		ip, _ := netip.AddrFromSlice(raw[8:24])
		return fmt.Sprintf("[%s]:%d", ip, int(raw[2])<<8|int(raw[3]))
	}
	return fmt.Sprintf("an address of kind %d", family)
}
