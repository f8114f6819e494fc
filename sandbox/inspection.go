package sandbox

import (
	"encoding/json"
	"fmt"
	"io"

	"countersign/approval"
)

const (
	maxFindings = 200
	maxProblem  = 2000
)

// inspection is the body of inspect.py's R frame.
type inspection struct {
	Problem  string             `json:"problem"`
	Findings []approval.Finding `json:"findings"`
}

// ReadInspection reads what inspect.py said. The parser has read hostile text,
// so its answer is held to its form like any other.
func ReadInspection(r io.Reader, stamp Stamp) (approval.Inspection, error) {
	var said *inspection
	for n := 0; ; n++ {
		f, err := readFrame(r)
		switch {
		case err != nil:
			return approval.Inspection{}, err
		case n == 0 && f.kind == kindReady:
			continue
		case f.stamp != stamp:
			return approval.Inspection{}, fmt.Errorf("%w: a frame is not stamped", ErrForm)
		case f.kind == kindEnd && said != nil:
			return said.clean()
		case f.kind != kindReport || said != nil:
			return approval.Inspection{}, fmt.Errorf("%w: a frame of kind %q", ErrForm, f.kind)
		}
		said = &inspection{}
		if err := json.Unmarshal(f.body, said); err != nil {
			return approval.Inspection{}, fmt.Errorf("%w: %w", ErrForm, err)
		}
	}
}

func (in *inspection) clean() (approval.Inspection, error) {
	clean := approval.Inspection{Problem: cleanText(in.Problem, maxProblem)}
	for _, f := range in.Findings[:min(maxFindings, len(in.Findings))] {
		if f.Level != approval.Note && f.Level != approval.Caution && f.Level != approval.Danger {
			return approval.Inspection{}, fmt.Errorf("%w: there is no level %q", ErrForm, f.Level)
		}
		f.Text, f.Line = cleanLine(approval.Plain(f.Text), maxNote), max(0, f.Line) // it quotes the code, its escapes undone
		clean.Findings = append(clean.Findings, f)
	}
	return clean, nil
}
