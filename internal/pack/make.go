package pack

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"time"

	"countersign/approval/redact"
)

// Span is the part of the log that a pack is cut from: from the last checkpoint before its
// period to the first one after it. What happens within a period is written down within
// this span, whatever its clock says. It begins and ends on checkpoints so that the verifier can
// compare the tree that it computes with a root that was signed.
type Span struct {
	First, Last int64 // places; the last one is not in it any more
	Before      [][]byte
}

// Case is a stream as far as it lies in the span, with what belongs to it.
type Case struct {
	Stream    string
	Entries   []Entry
	Values    []Value
	Readings  []Reading // of the request's files, those that are kept
	Decisions []Decision
	Receipts  []Receipt
}

// Source is what packs are made from.
type Source interface {
	Span(ctx context.Context, of Chosen) (Span, error)
	// Entries calls each for every place of the span. Those of streams that are not
	// chosen have no event.
	Entries(ctx context.Context, s Span, of Chosen, each func(Entry) error) error
	// Streams are those that are chosen, in the order of their first places, and the
	// number of all requests in the span.
	Streams(ctx context.Context, s Span, of Chosen) (streams []string, requests int64, err error)
	Case(ctx context.Context, s Span, stream string) (*Case, error)
	// Grounds are the entries before the end of the span, in the order of the log, that bear on the decisions of a pack and are not in
	// it: Entries gives them no event, or they come before it.
	Grounds(ctx context.Context, s Span, of Chosen, bearing []Bearing) ([]Entry, error)
	// Names are what people and channels were called, and from when on.
	Names(ctx context.Context) ([]Name, error)
}

// Options say how a pack is made.
type Options struct {
	Chosen
	MadeBy string
	Made   time.Time      // zero: now
	Zone   *time.Location // in which the page and the tables tell times
	// Hides finds what is in no pack: a value that holds something of it leaves its hash alone, and page and
	// tables show it masked. nil: the rules that always hold.
	Hides *redact.Rules
	// Price is the row of the price list that a charge was reckoned by; nil: the list has none.
	Price func(c Charge, at time.Time) *Rate
	// Record writes the entry that says that this pack was made, and returns the proof that
	// reaches up to it, and to the entries of these places. Its Before is filled in here.
	Record func(ctx context.Context, c Contents, places []int64) (Proof, error)
}

// Make writes a pack. What it holds of the log is on disk while it is made, and not in
// memory.
//
// Everything is written before anything is put together: pack.json has the hashes of the files, the
// log gets the hash of pack.json (Record), and only the answer to that completes log.json. A crash
// before the end leaves an entry in the log of a pack that nobody has, which is harmless.
func Make(ctx context.Context, out io.Writer, from Source, o Options) (c Contents, err error) {
	if o.Made.IsZero() {
		o.Made = time.Now()
	}
	span, err := from.Span(ctx, o.Chosen)
	if err != nil {
		return c, err
	}
	c = Contents{Format: Format, MadeBy: o.MadeBy, Made: o.Made.UTC().Truncate(time.Microsecond), Chosen: o.Chosen, First: span.First, Last: span.Last, Files: map[string]string{}}
	spools := spools{}
	defer func() { err = errors.Join(err, spools.close()) }()
	if err := spools.open(); err != nil {
		return c, err
	}
	// The maker reads its own entries as the verifier will, to find what it would say.
	v := verifier{entries: newEntries(), report: Report{Contents: c}}
	err = from.Entries(ctx, span, o.Chosen, func(e Entry) error {
		if e.Event != nil {
			c.Visible++
			event, err := read(e.Event)
			if err != nil {
				return fmt.Errorf("entry %d: %w", e.Position, err)
			}
			if !event.spelled(e.Event) {
				return fmt.Errorf("entry %d is not spelled as events are, so no verifier would take it", e.Position)
			}
			v.entries.note(seen{e, event}, e.Position)
		}
		line := e.line()
		if len(line) >= maxLine {
			return fmt.Errorf("entry %d is longer than any verifier reads", e.Position)
		}
		_, err := spools[fileEntries].Write(line)
		return err
	})
	if err != nil {
		return c, err
	}
	streams, requests, err := from.Streams(ctx, span, o.Chosen)
	if err != nil {
		return c, err
	}
	c.Requests = requests
	earlier, err := spools.judge(ctx, from, span, streams, &v, o)
	if err != nil {
		return c, err
	}
	// A second reading of the cases, because the page needs to know of each what is judged of all of them together.
	if err := spools.cases(ctx, from, span, streams, &c, &v, o); err != nil {
		return c, err
	}
	// No hash before all is written: Contents itself is hashed next.
	for _, name := range listed {
		c.Files[name] = hex.EncodeToString(spools[name].sum.Sum(nil))
	}
	proof, err := o.Record(ctx, c, earlier)
	if err != nil {
		return c, err
	}
	proof.Before = span.Before
	text, err := json.MarshalIndent(proof, "", " ")
	if err != nil {
		return c, fmt.Errorf("write the proof: %w", err)
	}
	if err := v.takes(text, c); err != nil {
		return c, err
	}
	return c, spools.zip(out, map[string][]byte{fileContents: c.Spelled(), fileProof: text})
}

// takes refuses to hand out what a verifier would refuse: a log.json that is too long for it, checkpoints that do not
// follow one another, a period that they do not bear out.
func (v *verifier) takes(proof []byte, c Contents) (err error) {
	v.report.Contents = c
	if _, err = readProof(bytes.NewReader(proof), v.point); err == nil {
		err = v.period()
	}
	if err != nil {
		return fmt.Errorf("the pack would not hold: %w", err)
	}
	return nil
}

// judge finds out what a verifier will find of the decisions, so that the page says the same: it reads what they rest on, and
// writes the entries that the pack brings along for it. Those of which a proof is needed are returned.
// Cases without a decision or a run are not read in this pass: nothing is judged of them.
func (s spools) judge(ctx context.Context, from Source, span Span, streams []string, v *verifier, o Options) (earlier []int64, err error) {
	decided := map[string]bool{}
	for _, d := range v.entries.book.ballots {
		decided["request:"+d.request] = true
	}
	for _, r := range v.entries.ran {
		decided["request:"+r.request] = true
	}
	for _, stream := range streams {
		if !decided[stream] {
			continue
		}
		one, err := from.Case(ctx, span, stream)
		if err != nil {
			return nil, err
		}
		for _, value := range one.Values {
			// Only what a reader gets, or the page would know more than they can check.
			if key, err := key(value.Hash); err == nil && shows(value.Bytes, o.Hides) {
				v.entries.word(key, value.Bytes)
			}
		}
	}
	grounds, err := from.Grounds(ctx, span, o.Chosen, v.entries.bearing())
	if err != nil {
		return nil, err
	}
	for _, g := range grounds {
		e, err := read(g.Event)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", g.Position, err)
		}
		if _, err := s[fileGrounds].Write(g.line()); err != nil {
			return nil, err
		}
		v.entries.ground(e, g.Position)
		if g.Position < span.First {
			earlier = append(earlier, g.Position)
		}
	}
	_ = v.judged() // what does not hold stands on the page
	return earlier, nil
}

// shows tells whether a value stands in a pack: a picture does, and a text in which no rule finds anything. Into anything else, a
// workbook for one, no rule can look.
func shows(value []byte, hides *redact.Rules) bool {
	return redact.Picture(value) || redact.Readable(value) && !hides.Holds(string(value))
}

// cases writes what belongs to the chosen streams, one after the other. Each is read, told and
// dropped, so that a pack of a year needs the memory of its largest request.
// The page's own sections need masked words, while hashes are of the unmasked ones; so each value is either
// written as it is, or masked for the page and named by its hash alone.
func (s spools) cases(ctx context.Context, from Source, span Span, streams []string, c *Contents, v *verifier, o Options) (err error) {
	list, err := from.Names(ctx)
	if err != nil {
		return err
	}
	for i, one := range list {
		list[i].Name = o.Hides.Mask(one.Name, nil)
	}
	names := NewNames(list)
	page := newPage(s[filePage], o, names, v)
	defer func() { err = errors.Join(err, page.close()) }()
	written := v.entries.values // true: it is in the file of values
	read := map[string]bool{}   // readings that are written: a file is asked about more than once
	tables := newTables(s[fileRequests], s[fileCharges], o, names)
	for _, stream := range streams {
		one, err := from.Case(ctx, span, stream)
		if err != nil {
			return err
		}
		hidden := map[string]string{} // by hash, why
		for i, v := range one.Values {
			if shows(v.Bytes, o.Hides) {
				if key, err := key(v.Hash); err != nil || !written[key] {
					written[key] = true
					s[fileValues].encode(v)
				}
				continue
			}
			hidden[v.Hash] = masking(v.Bytes, o.Hides)
			if one.Values[i].Bytes = nil; hidden[v.Hash] != unlooked {
				one.Values[i].Bytes = []byte(o.Hides.Mask(string(v.Bytes), nil))
			}
		}
		var readings []string // why they are masked
		for i, r := range one.Readings {
			text := string(r.Text)
			switch hides := o.Hides.Holds(text); {
			case hides: // the name of a column may be one; masked it is shown, and is not what was sealed
				readings = append(readings, masking(r.Text, o.Hides))
				one.Readings[i].Text = json.RawMessage(o.Hides.Mask(text, nil))
			case !read[r.SHA256] && one.seals(r.SHA256):
				read[r.SHA256] = true
				s[fileReadings].encode(r)
			}
		}
		for _, d := range one.Decisions {
			d.Name = names.Of(d.Reviewer, d.At)
			s[fileDecisions].encode(d)
		}
		// After masking: what the page tells is what a reader can find in the pack.
		story, err := Tell(one)
		if err != nil {
			return err
		}
		// The prices are of the list as it is now; a row that was in use never changes. They stand beside the amounts, which were
		// settled at the time; a row that is not there any more leaves them empty. What a provider's usage has told goes by no one row.
		for _, r := range story.Receipts {
			for n, charge := range r.Charges {
				if r.UsageOf == "" {
					r.Charges[n].Rate = o.Price(charge, r.At)
				}
			}
			s[fileReceipts].encode(r)
		}
		if story.ID != "" {
			c.Showing++
		}
		page.hid(one, story, hidden, readings)
		page.add(story)
		tables.add(story)
	}
	page.end(*c)
	// Last, since only now is it known who was asked for: people who are in no entry of the pack are in no file of it.
	for _, name := range names.list() {
		s[fileNames].encode(name)
	}
	return errors.Join(page.err, tables.end(), s.failed())
}

// spool is a file of the pack while it grows.
// Its hash grows with what is written, so no file is read a second time to add it up.
type spool struct {
	file *os.File
	sum  hash.Hash
	size int64
	err  error
}

// Write keeps an error for the end, when failed asks for all of them.
func (s *spool) Write(text []byte) (int, error) {
	s.sum.Write(text) // never fails
	n, err := s.file.Write(text)
	s.size += int64(n)
	s.err = errors.Join(s.err, err)
	return n, err
}

// encode writes a line of JSON.
func (s *spool) encode(v any) {
	text, err := row(v)
	if err != nil {
		s.err = errors.Join(s.err, err)
		return
	}
	s.Write(text)
}

// spools are the files whose hashes are listed, by name.
type spools map[string]*spool

// open makes the files, where only their owner can read them.
func (s spools) open() error {
	for _, name := range listed {
		file, err := os.CreateTemp("", "countersign-pack-*")
		if err != nil {
			return fmt.Errorf("make room for a pack: %w", err)
		}
		s[name] = &spool{file: file, sum: sha256.New()}
	}
	return nil
}

// failed is the first error of any file.
func (s spools) failed() error {
	for name, file := range s {
		if file.err != nil {
			return fmt.Errorf("write %s: %w", name, file.err)
		}
		if file.size > maxUnread && !slices.Contains(inLines, name) {
			return fmt.Errorf("write %s: %w, which no verifier reads: choose a shorter period", name, errTooLarge)
		}
	}
	return nil
}

// close removes them, also where the making failed on its way.
func (s spools) close() (err error) {
	for _, file := range s {
		err = errors.Join(err, file.file.Close(), os.Remove(file.file.Name()))
	}
	return err
}

// zip puts the files together. Those that say what the pack is come first, where somebody who looks
// into it begins.
// log.json and pack.json come out of memory; the others are copied from disk.
func (s spools) zip(out io.Writer, more map[string][]byte) error {
	z := zip.NewWriter(out)
	for _, name := range []string{fileContents, fileProof} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(more[name])
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	for _, name := range listed {
		w, err := z.Create(name)
		if err == nil {
			_, err = s[name].file.Seek(0, io.SeekStart)
		}
		if err == nil {
			_, err = io.Copy(w, s[name].file)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return z.Close()
}
