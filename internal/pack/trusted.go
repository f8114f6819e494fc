package pack

import (
	"errors"
	"fmt"
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

// clocksApart is how far the database's clock, which dates checkpoints, may be behind that of whoever made the pack.
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
