package pack

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
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
	// Names are what people and channels were called, and from when on.
	Names(ctx context.Context) ([]Name, error)
}

// Options say how a pack is made.
type Options struct {
	Chosen
	MadeBy string
	Zone   *time.Location // in which the page and the tables tell times
	// Hides finds what is in no pack: a value that holds something of it leaves its hash alone, and page and
	// tables show it masked. nil: the rules that always hold.
	Hides *redact.Rules
	// Price names the row of the price list that a charge was reckoned by.
	Price func(c Charge, at time.Time) string
	// Record writes the entry that says that this pack was made, and returns the proof that
	// reaches up to it. Its Before is filled in here.
	Record func(ctx context.Context, c Contents) (Proof, error)
}

// Make writes a pack. What it holds of the log is on disk while it is made, and not in
// memory.
//
// Everything is written before anything is put together: pack.json has the hashes of the files, the
// log gets the hash of pack.json (Record), and only the answer to that completes log.json. A crash
// before the end leaves an entry in the log of a pack that nobody has, which is harmless.
func Make(ctx context.Context, out io.Writer, from Source, o Options) (c Contents, err error) {
	span, err := from.Span(ctx, o.Chosen)
	if err != nil {
		return c, err
	}
	c = Contents{Format: Format, MadeBy: o.MadeBy, Chosen: o.Chosen, First: span.First, Last: span.Last, Files: map[string]string{}}
	spools := spools{}
	defer func() { err = errors.Join(err, spools.close()) }()
	if err := spools.open(); err != nil {
		return c, err
	}
	err = from.Entries(ctx, span, o.Chosen, func(e Entry) error {
		if e.Event != nil {
			c.Visible++
		}
		_, err := spools[fileEntries].Write(e.line())
		return err
	})
	if err != nil {
		return c, err
	}
	if err := spools.cases(ctx, from, span, &c, o); err != nil {
		return c, err
	}
	for _, name := range listed {
		c.Files[name] = hex.EncodeToString(spools[name].sum.Sum(nil))
	}
	proof, err := o.Record(ctx, c)
	if err != nil {
		return c, err
	}
	proof.Before = span.Before
	text, err := json.MarshalIndent(proof, "", " ")
	if err != nil {
		return c, fmt.Errorf("write the proof: %w", err)
	}
	return c, spools.zip(out, map[string][]byte{fileContents: c.Spelled(), fileProof: text})
}

// cases writes what belongs to the chosen streams, one after the other. Each is read, told and
// dropped, so that a pack of a year needs the memory of its largest request.
func (s spools) cases(ctx context.Context, from Source, span Span, c *Contents, o Options) (err error) {
	streams, requests, err := from.Streams(ctx, span, o.Chosen)
	if err != nil {
		return err
	}
	c.Requests = requests
	list, err := from.Names(ctx)
	if err != nil {
		return err
	}
	for i, one := range list {
		list[i].Name = o.Hides.Mask(one.Name, nil)
	}
	names := NewNames(list)
	page := newPage(s[filePage], o, names)
	defer func() { err = errors.Join(err, page.close()) }()
	tables := newTables(s[fileRequests], s[fileCharges], o, names)
	for _, stream := range streams {
		one, err := from.Case(ctx, span, stream)
		if err != nil {
			return err
		}
		// The prices are of the list as it is now. They are words beside the amounts, which were
		// settled at the time; a row that is not there any more leaves them empty.
		for i, r := range one.Receipts {
			for n, charge := range r.Charges {
				one.Receipts[i].Charges[n].Price = o.Price(charge, r.At)
			}
		}
		for i, v := range one.Values {
			text := string(v.Bytes)
			switch {
			case redact.Picture(v.Bytes), redact.Readable(v.Bytes) && !o.Hides.Holds(text):
				s[fileValues].encode(v)
			case redact.Readable(v.Bytes):
				page.masked++
				one.Values[i].Bytes = []byte(o.Hides.Mask(text, nil))
			default: // a workbook, say: no rule can look into it, so its hash stands for it
				page.masked++
				one.Values[i].Bytes = nil
			}
		}
		for _, d := range one.Decisions {
			d.Name = names.Of(d.Reviewer, d.At)
			s[fileDecisions].encode(d)
		}
		for _, r := range one.Receipts {
			s[fileReceipts].encode(r)
		}
		story, err := Tell(one)
		if err != nil {
			return err
		}
		if story.ID != "" {
			c.Showing++
		}
		page.add(story)
		tables.add(story)
	}
	page.end(*c)
	for _, name := range names.list() {
		s[fileNames].encode(name)
	}
	return errors.Join(page.err, tables.end(), s.failed())
}

// spool is a file of the pack while it grows.
type spool struct {
	file *os.File
	sum  hash.Hash
	err  error
}

// Write keeps an error for the end, when failed asks for all of them.
func (s *spool) Write(text []byte) (int, error) {
	s.sum.Write(text) // never fails
	n, err := s.file.Write(text)
	s.err = errors.Join(s.err, err)
	return n, err
}

func (s *spool) encode(v any) {
	e := json.NewEncoder(s)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		s.err = errors.Join(s.err, err)
	}
}

// spools are the files whose hashes are listed, by name.
type spools map[string]*spool

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

func (s spools) failed() error {
	for name, file := range s {
		if file.err != nil {
			return fmt.Errorf("write %s: %w", name, file.err)
		}
	}
	return nil
}

func (s spools) close() (err error) {
	for _, file := range s {
		err = errors.Join(err, file.file.Close(), os.Remove(file.file.Name()))
	}
	return err
}

// zip puts the files together. Those that say what the pack is come first, where somebody who looks
// into it begins.
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
