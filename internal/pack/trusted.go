package pack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"countersign/internal/checkpoint"
)

// PackStream is where the entries of packs stand.
const PackStream = "packs"

// own looks for the entry that the making of the pack has left in the log. Without one the pack is
// still whole in itself; what it says of its own counts is then its word alone, and the report says so.
func (v *verifier) own() error {
	own := v.proof.Own
	if own == nil {
		return nil
	}
	const what = "the pack's own entry"
	if sum([]byte(own.Line)) != own.Hash {
		return broken(what, "its content has been changed")
	}
	e, err := read([]byte(own.Line))
	switch {
	case err != nil || e.Stream != PackStream || e.Kind != kindPacked || !e.spelled([]byte(own.Line)):
		return broken(what, "it does not say that a pack was made")
	case e.fact("pack") != sum(v.text):
		return broken("the file "+fileContents, "it is not what was written down when the pack was made, so something is left out or added")
	case len(v.points) == 0 || !v.points[len(v.points)-1].Includes(own.Position, own.Hash, own.Proof):
		return broken(what, "no checkpoint covers it")
	}
	v.report.Bound, v.report.Binds = true, own.Position+1
	return nil
}

// clocksApart is how far the database's clock, which dates checkpoints, may be behind that of whoever made the pack: v0.1.0 dated
// packs by its own clock.
const clocksApart = 10 * time.Minute

// period holds the places of the pack against the period that it names. It begins with the last checkpoint before its
// period, and ends with one after it, or else with the end of the log: then the next checkpoint was made after the pack.
// Whatever else leaves out entries of the period.
func (v *verifier) period() error {
	c := v.report.Contents
	if len(v.points) > 0 && c.First > 0 && v.points[0].At.After(c.From) {
		p := v.points[0]
		return broken(fmt.Sprintf("checkpoint %d", p.Number), "it is of %s, and the pack begins with it, though its period begins %s: entries may be left out", day(p.At), day(c.From))
	}
	after := func(p checkpoint.Checkpoint) bool { return p.Size == c.Last && !p.At.Before(c.To) }
	if slices.ContainsFunc(v.points, after) {
		return nil
	}
	for _, p := range v.points {
		if p.Size > c.Last && p.At.Before(c.Made.Add(-clocksApart)) {
			return broken(fmt.Sprintf("checkpoint %d", p.Number), "it is of %s, and the pack ends before it, though its period ends %s: entries are left out", day(p.At), day(c.Until()))
		}
	}
	return nil
}

// trusted says by whom all this is, and how far that reaches. A key covers as far as the last checkpoint of the pack. A
// checkpoint that the reader has kept covers as far as it goes itself: no signature is looked at, so anybody can have put
// whatever comes behind it, the pack's own entry included.
// That the reader has brought nothing is no error: the report then says that nothing shows who made it, and the
// program exits with 2.
func (v *verifier) trusted() error {
	r := &v.report
	known, err := v.held()
	if err != nil {
		return err
	}
	last := r.First // of nothing
	switch n := len(v.points); {
	case len(v.trust.Keys) > 0 && n > 0:
		r.By, last = "the key that you named", v.points[n-1].Size
	case known.Number > 0:
		r.By, last, r.Signed = fmt.Sprintf("your checkpoint %d", known.Number), known.Size, moment(known.At)
		r.Bound = r.Bound && r.Binds <= known.Size
	}
	r.Covered = min(last, r.Last) - r.First
	return nil
}

// held is the last checkpoint of the pack that the reader has as well. That the two are the same, checkpoints has seen. Where
// they brought some and the pack has none of these, nothing can be compared, whatever keys they named.
func (v *verifier) held() (known checkpoint.Checkpoint, err error) {
	r := &v.report
	for _, t := range v.trust.Checkpoints {
		list := &r.Apart
		for _, c := range v.points {
			if c.Number != t.Number {
				continue
			}
			if list = &r.Held; c.Number > known.Number {
				known = c
			}
		}
		if !slices.Contains(*list, t.Number) {
			*list = append(*list, t.Number)
		}
	}
	slices.Sort(r.Held)
	slices.Sort(r.Apart)
	if len(v.trust.Checkpoints) > 0 && known.Number == 0 {
		return known, errors.New("your checkpoint is not one of this pack's, so the two cannot be compared: use one of " + v.numbers())
	}
	return known, nil
}

// numbers are the checkpoints of this pack, for whoever brought another one.
func (v *verifier) numbers() string {
	if len(v.points) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d to %d", v.points[0].Number, v.points[len(v.points)-1].Number)
}

// moment is when a checkpoint was signed, to the second.
func moment(at time.Time) string { return at.Format("2006-01-02 15:04:05 MST") }

// Bounds of what is read of log.json at once. A proof has two hashes for each level of a tree at most.
const (
	maxPart    = 1 << 20
	maxGrounds = 1 << 17
	maxHashes  = 128
	hashLength = 32
)

// readProof reads log.json part by part, so that one which is large costs no memory before it is refused. point takes each
// checkpoint as it comes, and what it returns ends the reading; the proof that is returned has none of them.
func readProof(from io.Reader, point func(Checkpoint) error) (p Proof, err error) {
	r := &rationed{from: io.LimitReader(from, maxDocument)}
	r.d = json.NewDecoder(r)
	err = r.proof(&p, point)
	if _, is := errors.AsType[*Broken](err); err != nil && !is {
		err = broken("the file "+fileProof, "it cannot be read: %v", err)
	}
	return p, err
}

// rationed reads JSON of which no part may be longer than maxPart.
type rationed struct {
	from io.Reader
	left int
	d    *json.Decoder
}

// Read implements io.Reader.
func (r *rationed) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, fmt.Errorf("a part of it is longer than %d bytes", maxPart)
	}
	n, err := r.from.Read(b[:min(len(b), r.left)])
	r.left -= n
	return n, err
}

// sign reads the next sign or key.
func (r *rationed) sign() (json.Token, error) {
	r.left = maxPart
	return r.d.Token()
}

// list calls each for every part of a list. There may be none at all.
func (r *rationed) list(each func(part json.RawMessage) error) error {
	switch sign, err := r.sign(); {
	case err != nil || sign == nil:
		return err
	case sign != json.Delim('['):
		return errors.New("there is no list where one should be")
	}
	for r.left = maxPart; r.d.More(); r.left = maxPart {
		var part json.RawMessage
		if err := r.d.Decode(&part); err != nil {
			return err
		}
		if err := each(part); err != nil {
			return err
		}
	}
	_, err := r.sign()
	return err
}

// proof reads all of it, with nothing in it that is not looked at.
func (r *rationed) proof(p *Proof, point func(Checkpoint) error) error {
	if sign, err := r.sign(); err != nil || sign != json.Delim('{') {
		return errors.Join(errors.New("it is no object"), err)
	}
	parts := map[string]func() error{
		"before": func() error {
			return r.list(func(part json.RawMessage) error { return appendHash(&p.Before, part) })
		},
		"checkpoints": func() error {
			return r.list(func(part json.RawMessage) error {
				var c Checkpoint
				if err := only(part, &c); err != nil {
					return err
				}
				return point(c)
			})
		},
		"own": func() error {
			var part json.RawMessage
			r.left = maxPart
			if err := r.d.Decode(&part); err != nil {
				return err
			}
			return only(part, &p.Own)
		},
		"grounds": func() error {
			return r.list(func(part json.RawMessage) error {
				var texts []json.RawMessage
				if err := json.Unmarshal(part, &texts); err != nil {
					return err
				}
				if len(p.Grounds) >= maxGrounds || len(texts) == 0 {
					return errors.New("it has more proofs than any pack, or an empty one")
				}
				var hashes [][]byte
				for _, text := range texts {
					if err := appendHash(&hashes, text); err != nil {
						return err
					}
				}
				p.Grounds = append(p.Grounds, hashes)
				return nil
			})
		},
	}
	for r.left = maxPart; r.d.More(); r.left = maxPart {
		key, err := r.sign()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		read := parts[name]
		if read == nil {
			return fmt.Errorf("%q does not belong there, or is there twice", name)
		}
		delete(parts, name)
		if err := read(); err != nil {
			return err
		}
	}
	if _, err := r.sign(); err != nil {
		return err
	}
	if _, err := r.sign(); err != io.EOF {
		return errors.Join(errors.New("something stands behind its end"), err)
	}
	return nil
}

// only reads a part in which nothing else stands: spelled anew it has to be the same, but for blanks.
func only(part json.RawMessage, into any) error {
	if err := json.Unmarshal(part, into); err != nil {
		return err
	}
	text, err := json.Marshal(into)
	if err != nil {
		return err
	}
	var dense bytes.Buffer
	if err := json.Compact(&dense, part); err != nil {
		return err
	}
	if !bytes.Equal(dense.Bytes(), text) {
		return errors.New("something stands in it that does not belong there")
	}
	return nil
}

// appendHash reads one more hash of a proof.
func appendHash(to *[][]byte, text json.RawMessage) error {
	var hash []byte
	if err := json.Unmarshal(text, &hash); err != nil {
		return err
	}
	if len(hash) != hashLength || len(*to) >= maxHashes {
		return errors.New("it has a hash that is none, or more of them than any proof")
	}
	*to = append(*to, hash)
	return nil
}
