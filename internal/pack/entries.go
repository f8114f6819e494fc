package pack

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"countersign/internal/checkpoint"
)

// entries are what the verifier keeps of the log while it reads on: how far each stream
// is, and what the rows beside it have to agree with. No entry stays in memory: a log may have millions. The maps are emptied
// as their rows come by, so what is left in the end has no row.
// What a later file has to agree with is put in here by note and taken out by that file, so the order in which
// the files are read matters (verifier.all).
type entries struct {
	sums       map[string]string  // of files
	streams    map[string]link    // where each stream is
	requests   map[string]bool    // that are shown; true: from their first event on
	values     map[[32]byte]bool  // that events name; true: it is there
	decisions  map[string]decided // by what they say: their event
	settled    map[string]settlement
	versions   map[string]*sealed // that were not started yet
	needs      map[[32]byte]need  // by manifest, what it seals of approvals
	readings   map[[32]byte]bool  // that manifests name
	writers    map[string]people  // by request
	codes      map[[32]byte]written
	risks      map[[32]byte]finding // of inspections
	book       book
	grounds    map[int64]string // hashes of entries of the pack that were brought along, until they come by
	ran        []ran
	running    map[string]bool // by request
	ends       []Fault         // ends of runs that nobody had started
	panes      panes
	keyring    keyring
	beginnings beginnings
	shown      int64
	hidden     int64 // the first place without an event; -1: none
}

// link is the last event of a stream that was read, on which the next one has to hang.
type link struct {
	seq  int64
	hash string
}

// settlement is what an event says that a step has cost; its receipt has to say the same.
type settlement struct {
	position int64
	spent    string
	request  string
	over     string // what it cost beyond the hold
	usageOf  string
	purpose  string // what it was for
	guessed  string // whether it is an estimate
}

// newEntries is what is known before the first line.
func newEntries() *entries {
	return &entries{sums: map[string]string{}, streams: map[string]link{}, requests: map[string]bool{}, values: map[[32]byte]bool{},
		decisions: map[string]decided{}, settled: map[string]settlement{}, versions: map[string]*sealed{}, needs: map[[32]byte]need{}, readings: map[[32]byte]bool{}, writers: map[string]people{}, codes: map[[32]byte]written{}, risks: map[[32]byte]finding{}, book: newBook(), running: map[string]bool{}, grounds: map[int64]string{}, panes: panes{named: map[string][]grant{}, whole: map[string]bool{}}, keyring: keyring{keys: map[string][]registered{}}, hidden: -1}
}

// scan reads lines one by one. A line beyond the bound is an error: an event never comes near it, so
// somebody wants the verifier to run out of memory.
func scan(from io.Reader, name string, each func(line []byte) error) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	for lines.Scan() {
		if err := each(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return broken("the file "+name, "it cannot be read: %v", err)
	}
	return nil
}

// places reads the log from its first place in the pack to the last, hashes the tree over
// it, and holds every checkpoint on the way against that tree.
// It is the one pass over all entries: tree, stream, spelling and all that is remembered come of it. Memory is
// bounded by what entries keeps, and not by how long the log is.
func (v *verifier) places() error {
	c := v.report.Contents
	// From the edge that the pack names. If it lies about it, no root below comes out right.
	tree, err := checkpoint.Grow(c.First, v.proof.Before)
	if err != nil {
		return broken("the file "+fileProof, "it does not say how the log stood before entry %d", c.First)
	}
	points := v.points
	// meet holds the tree against the checkpoints that it has reached by now. In a pack that begins in
	// the middle, the first one is held against the edge from which the tree goes on.
	meet := func() error {
		for len(points) > 0 && points[0].Size <= tree.Size() {
			root, err := tree.Root()
			if points[0].Size == tree.Size() && (err != nil || !bytes.Equal(root, points[0].Root)) {
				from := c.First
				if i := len(v.points) - len(points); i > 0 {
					from = max(from, v.points[i-1].Size)
				}
				return broken(fmt.Sprintf("one of the entries %d to %d", from, tree.Size()-1),
					"checkpoint %d was signed of others: an entry was changed, taken out, slipped in or moved", points[0].Number)
			}
			points = points[1:]
		}
		return nil
	}
	if c.First > 0 {
		if err := meet(); err != nil {
			return err
		}
	}
	err = v.lines(fileEntries, func(line []byte) error {
		at := tree.Size()
		e, err := v.entries.take(line, at, c.First)
		if err != nil {
			return err
		}
		if at >= c.Last {
			return broken(fmt.Sprintf("entry %d", at), "it lies behind the end of the pack, so it was slipped in")
		}
		if _, err := tree.Append(e.Hash); err != nil {
			return broken(fmt.Sprintf("entry %d", at), "its hash cannot be read")
		}
		// What lies beyond the last checkpoint is in order, but nobody has signed for it.
		if n := len(v.points); n == 0 || at >= v.points[n-1].Size {
			v.report.Uncovered = append(v.report.Uncovered, e.name(at))
		}
		return meet()
	})
	if err == nil && tree.Size() < c.Last {
		err = broken(fmt.Sprintf("entry %d", tree.Size()), "it is missing: the pack goes on to entry %d", c.Last-1)
	}
	if err == nil {
		err = v.entries.beginnings.shown()
	}
	return err
}

// seen is an entry with its event, as it was read.
type seen struct {
	Entry
	event event
}

// name is how an entry is called to people.
func (s seen) name(at int64) string {
	if s.Event == nil {
		return fmt.Sprintf("entry %d", at)
	}
	return fmt.Sprintf("entry %d (event %d of %s)", at, s.event.Seq, s.event.Stream)
}

// take reads a line, and holds the event in it against its hash and its stream.
//
// The tree would show every one of these faults as well, but only that there is one among 256
// entries. Here it is named: which entry, and what is wrong with it.
func (n *entries) take(line []byte, at, first int64) (s seen, err error) {
	what := fmt.Sprintf("entry %d", at)
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&s.Entry); err != nil {
		return s, broken(what, "it cannot be read")
	}
	if s.Event != nil {
		if s.event, err = read(s.Event); err != nil {
			return s, broken(what, "its content has been changed: it is not an event")
		}
		what = s.name(at)
	}
	// There is one spelling of an entry, so that nothing stands in it that nobody has hashed.
	switch {
	case s.Position > at:
		return s, broken(fmt.Sprintf("entry %d", at), "it is missing: entry %d follows in its place", s.Position)
	case s.Position < at:
		return s, broken(fmt.Sprintf("entry %d", s.Position), "it stands in another place, or twice")
	case !bytes.Equal(append(bytes.Clone(line), '\n'), s.line()):
		return s, broken(what, "it is not spelled as entries are")
	// What was brought along has been believed already, before its place came: here it has to be the same.
	case n.grounds[at] != "" && (s.Event != nil || s.Hash != n.grounds[at]):
		return s, broken(fmt.Sprintf("entry %d, which was brought along", at), "it is not the entry of this place")
	case s.Event == nil:
		if n.hidden < 0 {
			n.hidden = at
		}
		n.beginnings.leaves(s.Hash)
		return s, nil
	case sum(s.Event) != s.Hash:
		return s, broken(what, "its content has been changed")
	case !s.event.spelled(s.Event):
		return s, broken(what, "it is not spelled as events are, so programs may read it differently")
	}
	last, known := n.streams[s.event.Stream]
	switch {
	// A selection shows only some of a stream, but from the first that it shows on without a gap; and an event whose
	// sequence number is 1 begins it.
	case s.event.Seq <= last.seq:
		return s, broken(what, "it stands in another order, or the stream forks: event %d of it came before", last.seq)
	case known && s.event.Seq > last.seq+1, !known && first == 0 && s.event.Seq > 1:
		return s, broken(fmt.Sprintf("event %d of %s", last.seq+1, s.event.Stream), "it is missing before entry %d", at)
	case known && s.event.Prev != last.hash, s.event.Seq == 1 && s.event.Prev != strings.Repeat("0", 64):
		return s, broken(what, "it does not continue the one before it")
	}
	if !known && s.event.Seq > 1 {
		n.beginnings.begun = append(n.beginnings.begun, beginning{at, s.event.Seq, s.event.Stream, s.event.Prev})
	}
	if verdicts[s.event.Kind] != "" {
		if err := signed(s.event); err != nil {
			return s, broken(what, "its signature is not of this decision by the SSH key that it names")
		}
	}
	// Only what passed every check moves the stream on, so that of several faults the first is named.
	n.streams[s.event.Stream] = link{s.event.Seq, s.Hash}
	n.shown++
	n.note(s, at)
	return s, nil
}

// verdicts are the events of decisions.
var verdicts = map[string]string{kindApproved: "approve", kindRejected: "reject", kindChangesRequested: "changes", kindBrokeGlass: BrokeGlass}

// BrokeGlass stands in the place of a verdict where somebody had code run that nobody approved.
const BrokeGlass = "break-glass"

// note remembers what other files have to agree with. A decision is known by all that its row says,
// so a row that differs in anything has no event, and its event has no row.
func (n *entries) note(s seen, at int64) {
	e := s.event
	n.panes.take(s, at, n.writers)
	n.keyring.take(s, at)
	n.book.take(s, at, n)
	if id := e.request(); id != "" {
		n.requests[id] = n.requests[id] || e.Seq == 1
		n.count(s, at)
		if verdict := verdicts[e.Kind]; verdict != "" {
			n.decisions[fmt.Sprint(id, " ", e.fact("revision"), " ", e.fact("digest"), " ", e.Actor, " ", verdict, " ", e.fact("in_place_of"))] = decided{at, e.At}
		}
		if e.Kind == kindSettled {
			n.settled[e.fact("hold")] = settlement{at, e.fact("spent"), id, cmp.Or(e.fact("over"), "0"), e.fact("usage_of"), e.fact("for"), e.fact("estimated")}
		}
	}
	named(e.Data, func(hash string) {
		if key, err := key(hash); err == nil {
			n.values[key] = false
		}
	})
}

// key is a hash as the verifier keeps it: half the size of its text, and there may be millions.
func key(hash string) (key [32]byte, err error) {
	b, err := hex.DecodeString(hash)
	if err == nil && len(b) != len(key) {
		err = errors.New("no hash")
	}
	copy(key[:], b)
	return key, err
}

// values holds words against the hashes by which events name them. Words that no event names are
// refused: they would stand in the pack unproven, beside others that are proven. A value may be missing: it was
// forgotten, or is too long for a pack; how many are is in the report (Bare).
// It comes after places, which fills the map of the hashes that events name.
func (v *verifier) values() error {
	err := v.lines(fileValues, func(line []byte) error {
		value, ok := reads[Value](line)
		if !ok {
			return broken("a value", "it cannot be read, or is not spelled as values are")
		}
		key, err := key(value.Hash)
		there, named := v.entries.values[key]
		switch {
		case err != nil || !named:
			return broken("the value "+short(value.Hash), "no entry names it")
		case there:
			return broken("the value "+short(value.Hash), "it is there twice")
		// The salt's length is fixed, so that no sign can be moved between it and the value.
		case len(value.Salt) != 32 || sum(append([]byte(value.Salt), value.Bytes...)) != value.Hash:
			return broken("the value "+short(value.Hash), "its content has been changed")
		}
		v.entries.values[key] = true
		v.entries.word(key, value.Bytes)
		return nil
	})
	for _, there := range v.entries.values {
		if !there {
			v.report.Bare++
		}
	}
	return err
}

// short is enough of a hash to find it by.
func short(hash string) string { return hash[:min(12, len(hash))] }

// receipts adds every one up, and holds it against its event. Amounts are compared as the texts of whole
// numbers, so that nothing is rounded on the way.
func (v *verifier) receipts() error {
	err := v.lines(fileReceipts, func(line []byte) error {
		r, ok := reads[Receipt](line)
		if !ok {
			return broken("a receipt", "it cannot be read, or is not spelled as receipts are")
		}
		what := fmt.Sprintf("the receipt %s of %s", short(r.Hold), r.Request)
		var total int64
		for _, c := range r.Charges {
			if c.Amount < 0 {
				return broken(what, "a charge of it is negative")
			}
			if c.Amount > math.MaxInt64-total { // a sum that runs over could come out right
				return broken(what, "it does not add up: its charges are beyond any amount")
			}
			total += c.Amount
		}
		event, there := v.entries.settled[r.Hold]
		switch {
		case !there || event.request != r.Request:
			return broken(what, "its event is missing")
		case total != r.Amount:
			return broken(what, "it does not add up: its charges are %s, and it says %s", Dollars(total), Dollars(r.Amount))
		case strconv.FormatInt(r.Amount, 10) != event.spent:
			return broken(what, "entry %d says that another amount was spent", event.position)
		case strconv.FormatInt(r.Over, 10) != event.over || r.UsageOf != event.usageOf:
			return broken(what, "entry %d says otherwise what went beyond the hold, or whose word the cost is", event.position)
		case r.For != event.purpose || strconv.FormatBool(r.Estimated) != event.guessed:
			return broken(what, "entry %d says otherwise what it was for, or whether it is an estimate", event.position)
		}
		delete(v.entries.settled, r.Hold)
		return nil
	})
	if err != nil {
		return err
	}
	left := map[string]int64{}
	for hold, event := range v.entries.settled {
		if event.spent != "0" { // what cost nothing may have no receipt: no amount is missing without it
			left[hold] = event.position
		}
	}
	// Of several the first in the log, so that whoever checks a pack twice is told the same.
	if hold, at := lowest(left); hold != "" {
		return broken(fmt.Sprintf("entry %d", at), "its receipt %s is missing", short(hold))
	}
	return nil
}

// lowest is the first of what is left over.
// Maps give no order, and a verdict that names another entry each time would look like a fault of the program.
func lowest(left map[string]int64) (what string, at int64) {
	for key, position := range left {
		if what == "" || position < at {
			what, at = key, position
		}
	}
	return what, at
}
