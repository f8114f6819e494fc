package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"countersign/approval"
	"countersign/approval/steps"
)

const (
	maxFindings = 200
	maxProblem  = 2000
	maxAbout    = 2000 // all of Python's modules
)

// inspection is the body of inspect.py's R frame.
// Lacks and Has are of the box, and the same for every program in it.
type inspection struct {
	Problem  string             `json:"problem"`
	Findings []approval.Finding `json:"findings"`
	Lacks    []string           `json:"lacks"`
	Has      []string           `json:"has"`
}

// ReadInspection reads what inspect.py said of one program. A box in which no
// analysis could run is a *LackError: a reviewer is not shown what cannot run, nor
// is the model asked to do without pandas.
func ReadInspection(r io.Reader, stamp Stamp) (steps.Inspection, error) {
	all, err := ReadInspections(r, stamp, 1)
	if err != nil {
		return steps.Inspection{}, err
	}
	return all[0], nil
}

// ReadInspections reads what inspect.py said of so many programs, in their
// order. The parser has read hostile text, so its answer is held to its form like
// any other.
func ReadInspections(r io.Reader, stamp Stamp, programs int) ([]steps.Inspection, error) {
	var all []steps.Inspection
	for n := 0; ; n++ {
		f, err := readFrame(r)
		switch {
		case err != nil:
			return nil, err
		// A box of the cloud writes all into one file, its word of being ready included. Of a local one it has been read before.
		case n == 0 && f.kind == kindReady:
			continue
		case f.stamp != stamp:
			return nil, fmt.Errorf("%w: a frame is not stamped", ErrForm)
		// As many answers as programs, in their order: else one program would get what was said of another.
		case f.kind == kindEnd && len(all) == programs:
			return all, nil
		case f.kind != kindReport || len(all) == programs:
			return nil, fmt.Errorf("%w: a frame of kind %q", ErrForm, f.kind)
		}
		said := &inspection{}
		if err := json.Unmarshal(f.body, said); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrForm, err)
		}
		// It is the box's fault, so the first one ends it for all.
		if lack := lackOf(said.Lacks); lack != nil {
			return nil, lack
		}
		clean, err := said.clean()
		if err != nil {
			return nil, err
		}
		all = append(all, clean)
	}
}

func (in *inspection) clean() (steps.Inspection, error) {
	// A problem goes back to the model, which gets no more of it than it needs.
	clean := steps.Inspection{Problem: cleanText(in.Problem, maxProblem), Libraries: Libraries(in.Has)}
	for _, f := range in.Findings[:min(maxFindings, len(in.Findings))] {
		// A level that nobody knows would lift no tier, and a kind that nobody knows bears no rule: both are refused, not skipped.
		if f.Level != approval.Note && f.Level != approval.Caution && f.Level != approval.Danger {
			return steps.Inspection{}, fmt.Errorf("%w: there is no level %q", ErrForm, f.Level)
		}
		if !slices.Contains(approval.FindingKinds(), f.Kind) {
			return steps.Inspection{}, fmt.Errorf("%w: there is no kind of finding %q", ErrForm, f.Kind)
		}
		f.About = cleanLine(approval.Plain(f.About), maxAbout)
		f.Text, f.Line = cleanLine(approval.Plain(f.Text), maxNote), max(0, f.Line) // it quotes the code, its escapes undone
		clean.Findings = append(clean.Findings, f)
	}
	return clean, nil
}
