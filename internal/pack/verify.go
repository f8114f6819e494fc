package pack

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"countersign/internal/checkpoint"
	"countersign/internal/pack/strict"
)

// Trust is what the reader brings. A pack's own word for who made it counts nothing.
type Trust struct {
	Keys        []note.Verifier         // of the gate: one, and those before it where it was changed
	Checkpoints []checkpoint.Checkpoint // kept elsewhere, such as copies of those in Slack
}

// Report is what holds, and what nobody can know. A report beside a *Broken is filled in only as far as that.
// It embeds what the pack says of itself, which is only worth something where Bound and By say so.
type Report struct {
	Contents
	Signed     string // by which checkpoint, and when
	Checkpoint int64  // the last one of the pack
	Covered    int64  // places of the span that a trusted checkpoint covers
	Uncovered  []string
	Bare       int   // values of which only the hash is there
	Bound      bool  // a checkpoint that the reader trusts covers the entry that says what the pack holds
	Binds      int64 // how many entries a checkpoint has to cover for that; 0: the pack has no such entry
	By         string
	Held       []int64  // the reader's checkpoints that the pack has as well, by their numbers
	Apart      []int64  // and those that it does not have, so that nobody could compare them
	Unapproved []string // requests that ran though nobody had approved them: the glass was broken
	Unnamed    []string // of these, the ones of which it is not here who was named for it
	Unlooked   []string // and which two others have not looked at within 24 hours
	Disowned   []string // and of which whoever broke it says that it was not them

	Unknown []string // requests that ran, and nothing here says how many approvals that took

	Faults []Fault // what did not keep the rules, in the order of the log
	Doubts []Fault // of which nobody can know it from this pack
}

// Broken names the first thing that does not hold.
// What is the thing ("entry 17", "the file page.html"), Why is half a sentence that goes on behind a colon.
type Broken struct{ What, Why string }

func (b *Broken) Error() string { return plainLine(b.What + ": " + b.Why) }

// broken makes the one error by which a verifier says that something does not hold.
func broken(what, why string, args ...any) error {
	return &Broken{What: what, Why: fmt.Sprintf(why, args...)}
}

// Bounds of what is read at once. A pack may be large; none of its parts is. A pack comes from somebody whom its reader does
// not trust, so what is beyond is refused and not read.
const (
	maxContents = 1 << 20
	maxDocument = 64 << 20 // log.json
	maxLine     = 4 << 20
	maxUnread   = 1 << 30 // of a page or a table, which is hashed and not looked into; a year of one has some 300 MB
)

// Memory is what a program that verifies packs should make do with (debug.SetMemoryLimit):
// what stays of each entry is small, and what is read is soon over.
const Memory = 128 << 20

// Verify reads a pack from its beginning to its end. The error is a *Broken when it is not
// what was made, and another one when it cannot be read.
//
// A name that does not belong to a pack, or stands in it twice, is refused before anything is read:
// programs differ in which of two files of one name they show, so a person could read another
// page than the one that was verified.
func Verify(path string, trust Trust) (r Report, err error) {
	file, err := os.Open(path)
	if err != nil {
		return r, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return r, err
	}
	z, err := strict.ZIP(file, info.Size())
	if layout, is := errors.AsType[*strict.LayoutError](err); is {
		return r, broken("the ZIP file", "other programs may read it differently (%v); if it was only packed anew, ask for it as it was made", layout)
	}
	if err != nil {
		return r, fmt.Errorf("%s is not a pack: %w", path, err)
	}
	v := verifier{trust: trust, files: map[string]*zip.File{}, entries: newEntries()}
	for _, f := range z.File {
		if f.Name != fileContents && f.Name != fileProof && !slices.Contains(listed, f.Name) {
			return r, broken("the file "+f.Name, "it does not belong to a pack")
		}
		if v.files[f.Name] != nil {
			return r, broken("the file "+f.Name, "it is there twice")
		}
		v.files[f.Name] = f
	}
	for _, name := range append([]string{fileContents, fileProof}, listed...) {
		if v.files[name] == nil {
			return r, broken("the file "+name, "it is missing")
		}
	}
	err = v.all(&r)
	return r, err
}

// verifier is one pack on its way. Maker and verifier share it: the maker has no files, and asks only what its entries say.
type verifier struct {
	trust   Trust
	files   map[string]*zip.File
	report  Report
	text    []byte // of pack.json
	proof   Proof
	points  []checkpoint.Checkpoint
	entries *entries
}

// all goes through the pack in the order in which a fault is told most exactly: first the
// checkpoints, then place by place, then what hangs on the entries, and at last the
// hashes of whole files.
// judged comes last, because it needs every entry and value; an error of it says that rules were broken, while
// all that went before says that the pack itself is whole.
func (v *verifier) all(r *Report) (err error) {
	defer func() { *r = v.report }()
	for _, step := range []func() error{v.contents, v.checkpoints, v.groundsRead, v.places, v.values, v.readings, v.decisions, v.receipts, v.counts, v.own, v.period, v.sums, v.trusted, v.judged} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// contents reads pack.json whole, and the hash of just this text stands in the log. One that is cut at the bound is no JSON, and
// so refused.
func (v *verifier) contents() error {
	const what = "the file " + fileContents
	f, err := v.files[fileContents].Open()
	if err != nil {
		return broken(what, "it cannot be read: %v", err)
	}
	defer f.Close()
	c := &v.report.Contents
	if v.text, err = io.ReadAll(io.LimitReader(f, maxContents)); err == nil {
		err = json.Unmarshal(v.text, c)
	}
	switch {
	case err != nil:
		return broken(what, "it cannot be read: %v", err)
	case c.Format != Format:
		return fmt.Errorf("it is a pack of format %d, and this program reads format %d", c.Format, Format)
	// Spelled anew it has to be the same bytes, or something stands in it that is not looked at here.
	case c.First < 0 || c.Last < c.First || string(c.Spelled()) != string(v.text):
		return broken(what, "it does not say what a pack holds")
	}
	return nil
}

// checkpoints reads log.json, and each checkpoint in it as it comes.
func (v *verifier) checkpoints() error {
	f, err := v.files[fileProof].Open()
	if err != nil {
		return broken("the file "+fileProof, "it cannot be read: %v", err)
	}
	defer f.Close()
	if v.proof, err = readProof(f, v.point); err != nil {
		return err
	}
	// The reader's own copy is worth more than any signature: whoever has the key can sign another log,
	// but not change what the reader has kept.
	for _, t := range v.trust.Checkpoints {
		for _, c := range v.points {
			if c.Number == t.Number && c.Text() != t.Text() {
				return broken(fmt.Sprintf("checkpoint %d", c.Number), "it is not the one that you have, so the log was rewritten or forks")
			}
		}
	}
	if n := len(v.points); n > 0 {
		v.report.Checkpoint = v.points[n-1].Number
		v.report.Signed = moment(v.points[n-1].At)
	}
	return nil
}

// point holds a checkpoint against the one before it, and against the key. All that were ever made
// between the beginning and the end have to be there: the one that is left out could be the one that
// shows a fork.
func (v *verifier) point(stored Checkpoint) error {
	first, i := v.report.First, len(v.points)
	c, err := checkpoint.Read(stored.Note)
	if err != nil {
		return broken(fmt.Sprintf("checkpoint %d of this pack", i+1), "it cannot be read")
	}
	name := fmt.Sprintf("checkpoint %d", c.Number)
	if len(v.trust.Keys) > 0 && !slices.ContainsFunc(v.trust.Keys, func(key note.Verifier) bool {
		_, err := checkpoint.Open(stored.Note, key)
		return err == nil
	}) {
		return broken(name, "it is not signed by the key that you named")
	}
	switch {
	// A pack begins with the log or on a checkpoint.
	case i == 0 && (first == 0 && c.Number != 1 || first > 0 && c.Size != first):
		return broken(fmt.Sprintf("checkpoint %d", max(c.Number-1, 1)), "it is left out: this pack begins with %s", name)
	case i > 0 && c.Number > v.points[i-1].Number+1:
		return broken(fmt.Sprintf("checkpoint %d", v.points[i-1].Number+1), "it is left out")
	case i > 0:
		if err := c.Follows(v.points[i-1], stored.Proof); err != nil {
			return broken(name, "it does not continue the one before it, so the log forks there")
		}
	}
	v.points = append(v.points, c)
	return nil
}

// lines calls each with every line of a file, and adds the file up on the way.
func (v *verifier) lines(name string, each func(line []byte) error) error {
	f, err := v.files[name].Open()
	if err != nil {
		return broken("the file "+name, "it cannot be read: %v", err)
	}
	defer f.Close()
	hash := sha256.New()
	err = scan(io.TeeReader(f, hash), name, each)
	if err != nil {
		return err
	}
	v.entries.sums[name] = hex.EncodeToString(hash.Sum(nil))
	return nil
}

// sums holds whole files against what pack.json says of them: what people read, at last. The page and
// the tables are not computed anew, as a later program would draw them otherwise; their hashes are in
// the log, so they are what was drawn when the pack was made.
func (v *verifier) sums() error {
	for _, name := range listed {
		if v.entries.sums[name] == "" {
			sum, err := hashed(v.files[name])
			if err != nil {
				return broken("the file "+name, "it cannot be read: %v", err)
			}
			v.entries.sums[name] = sum
		}
		if v.entries.sums[name] != v.report.Files[name] {
			return broken("the file "+name, "it has been changed")
		}
	}
	return nil
}

// hashed is the sha256 of a file that is not looked into. It reads no more than a page or a table may have:
// a zip file of a few kilobytes can unpack to days of zeros.
func hashed(z *zip.File) (string, error) {
	if z.UncompressedSize64 > maxUnread {
		return "", errTooLarge
	}
	f, err := z.Open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, io.LimitReader(f, maxUnread+1)) // what the zip says of its size is a stranger's word
	if err == nil && n > maxUnread {
		err = errTooLarge
	}
	return hex.EncodeToString(hash.Sum(nil)), err
}

var errTooLarge = fmt.Errorf("it unpacks to more than %d MB", maxUnread>>20)

// counts holds what the pack says of how much it shows against what is there.
func (v *verifier) counts() error {
	c, e := v.report.Contents, v.entries
	switch {
	case c.Complete() && e.hidden >= 0:
		return broken(fmt.Sprintf("entry %d", e.hidden), "it is left out, though the pack says that it is complete")
	case int64(len(e.requests)) != c.Showing:
		return broken("the requests", "one is left out or slipped in: the pack says that it shows %d, and %d are there", c.Showing, len(e.requests))
	case e.shown != c.Visible:
		return broken("the entries", "the pack says that it shows %d, and %d are there", c.Visible, e.shown)
	case c.Complete() && c.Showing != c.Requests || c.Showing > c.Requests:
		return broken("the requests", "a request is left out: the pack says that there were %d, and it shows %d", c.Requests, c.Showing)
	}
	return nil
}
