package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"countersign/approval"
)

// What a result may hold at most. The runner keeps to the same numbers, so
// that honest code is cut there, with a note; here it is only held to them.
const (
	maxAnswer    = 2000
	maxSaid      = 10
	maxTables    = 20
	maxRows      = 50
	maxColumns   = 40
	maxCell      = 200 // runes
	maxValue     = 64 << 10
	maxTraceback = 16 << 10
	maxErrorText = 1000
	maxNotes     = 60
	maxNote      = 300
	maxAlt       = 500
	maxObserved  = 100 // of each sort; what is opened outside of the working folder counts for itself
	maxSorts     = 5
	maxFrames    = 1 << 20
)

// report is the body of an R frame, as supervise.py writes it.
type report struct {
	Outcome   string            `json:"outcome"`
	Error     string            `json:"error"`
	Traceback string            `json:"traceback"`
	Answer    string            `json:"answer"`
	Said      []string          `json:"said"`
	LeftOut   []approval.Rows   `json:"left_out"`
	Value     string            `json:"value"`
	Tables    []approval.Grid   `json:"tables"`
	Notes     []string          `json:"notes"`
	Observed  approval.Observed `json:"observed"`
	CodeMS    float64           `json:"code_ms"`
	Lacks     []string          `json:"lacks"`
}

type fileHead struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Alt  string `json:"alt"`
}

// ReadResult reads what came out of a box and believes nothing of it. Whatever
// it returns has been capped and cleaned.
//
// The result is usable even beside an error (ErrUnfinished, ErrForm, or the
// reader's): it then holds what had come out until then, and its outcome is
// Broken, until somebody who knows better (the wall clock, the memory meter)
// says otherwise. It reads up to the end mark, not to EOF.
func ReadResult(r io.Reader, limits approval.Limits, stamp Stamp) (approval.Result, error) {
	return ReadPrinting(r, limits, stamp, nil)
}

// ReadPrinting is ReadResult of one that is still being written. It hands on what is printed as it
// comes, and of the part of which only the end is kept a last line now and then.
func ReadPrinting(r io.Reader, limits approval.Limits, stamp Stamp, printed func(Stream, []byte)) (approval.Result, error) {
	// Broken until it has an end: whatever breaks off says nothing about how the code ended.
	in := intake{limits: limits, printed: printed, result: approval.Result{Outcome: approval.Broken}}
	err := in.readAll(r, stamp)
	result := in.finish()
	if err != nil {
		result.Outcome = approval.Broken
	}
	return result, err
}

// intake is a result on its way in.
type intake struct {
	limits         approval.Limits
	result         approval.Result
	printed        func(Stream, []byte) // nil: nobody listens
	stdout, stderr bytes.Buffer
	cutText        bool // the runner cuts before, so that only a forged result gets here
	fileBytes      int
	reported       bool
}

func (in *intake) readAll(r io.Reader, stamp Stamp) error {
	// Frames may be empty, so their number is bounded as well as their size.
	for n := range maxFrames {
		f, err := readFrame(r)
		if err != nil {
			return err
		}
		if n == 0 && f.kind == kindReady {
			continue
		}
		if f.stamp != stamp {
			return fmt.Errorf("%w: a frame is not stamped", ErrForm)
		}
		if f.kind == kindEnd {
			if !in.reported {
				return fmt.Errorf("%w: it ends without a report", ErrForm)
			}
			return nil
		}
		if err := in.take(f); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: it does not come to an end", ErrForm)
}

func (in *intake) take(f frame) error {
	switch f.kind {
	case kindStdout:
		in.hear(Stdout, f.body)
		in.print(&in.stdout, f.body)
	case kindStderr:
		in.hear(Stderr, f.body)
		in.print(&in.stderr, f.body)
	// A line that the runner has found has no end of its own.
	case kindLine:
		in.hear(Found, append(f.body, '\n'))
	case kindFile:
		return in.file(f)
	case kindReport:
		return in.report(f.body)
	default:
		return fmt.Errorf("%w: there is no kind %q", ErrForm, f.kind)
	}
	return nil
}

// hear hands on what is printed, while it is.
func (in *intake) hear(from Stream, text []byte) {
	if in.printed != nil {
		in.printed(from, text)
	}
}

// print keeps output up to a cap for each stream, so that neither crowds the other out.
func (in *intake) print(to *bytes.Buffer, text []byte) {
	room := textBytes(in.limits) - to.Len()
	if len(text) > room {
		text, in.cutText = text[:max(0, room)], true
	}
	to.Write(text)
}

func (in *intake) report(body []byte) error {
	// Whoever has got hold of the stamp could write a report. A second one would say which of the two it likes better.
	if in.reported {
		return fmt.Errorf("%w: it reports twice", ErrForm)
	}
	var rep report
	if err := json.Unmarshal(body, &rep); err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	outcome := approval.Outcome(rep.Outcome)
	switch outcome {
	case approval.OK, approval.Raised, approval.TimedOut, approval.OutOfRAM, approval.Broken:
	default:
		return fmt.Errorf("%w: there is no outcome %q", ErrForm, rep.Outcome)
	}
	in.reported = true
	res := &in.result
	res.Outcome = outcome
	res.Error = cleanText(rep.Error, maxErrorText)
	// An import that fails because the box lacks the package is no fault of the program, and the model must not mend it.
	if lack := lackOf(rep.Lacks); outcome == approval.Raised && lack.causes(rep.Error) {
		res.Error += ". That is not the code's fault: " + lack.Error() + ", which every sandbox has to have. An administrator should look at the sandbox."
	}
	res.Traceback = cleanText(rep.Traceback, maxTraceback)
	res.Answer = cleanLine(rep.Answer, maxAnswer)
	res.Said = cleanLines(rep.Said, maxSaid, maxNote)
	for _, rows := range rep.LeftOut[:min(maxSaid, len(rep.LeftOut))] {
		if rows.Count > 0 {
			res.LeftOut = append(res.LeftOut, approval.Rows{Count: rows.Count, Why: cleanLine(rows.Why, maxNote)})
		}
	}
	res.Value = cleanText(rep.Value, maxValue)
	// Twice the limit at most, which is more than any honest run: a forged one would overflow a Duration.
	res.Code = time.Duration(max(0, min(rep.CodeMS, float64(in.limits.Seconds)*2000)) * float64(time.Millisecond))
	for _, g := range rep.Tables[:min(maxTables, len(rep.Tables))] {
		res.Tables = append(res.Tables, cleanGrid(g))
	}
	res.Notes = append(res.Notes, cleanLines(rep.Notes, maxNotes, maxNote)...)
	res.Observed = approval.Observed{
		Opened:    cleanLines(rep.Observed.Opened, 2*maxObserved, maxNote),
		Imported:  cleanLines(rep.Observed.Imported, maxObserved, maxNote),
		Connected: cleanLines(rep.Observed.Connected, maxObserved, maxNote),
		Spawned:   cleanLines(rep.Observed.Spawned, maxObserved, maxNote),
		More:      cleanLines(rep.Observed.More, maxSorts, maxNote),
	}
	return nil
}

// file takes one file that came out, or a note in its place.
func (in *intake) file(f frame) error {
	var head fileHead
	if err := json.Unmarshal(f.head, &head); err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	// Counted whether it is kept or not: the limit is on what comes, and not on what is of use.
	in.fileBytes += len(f.body)
	// A file that may not come out leaves a note: people should know that there was one.
	switch name := cleanLine(head.Name, 100); {
	case !FileName(head.Name) || in.named(head.Name):
		in.note(fmt.Sprintf("A file called %q was dropped: it cannot have that name.", name))
	case len(in.result.Artifacts) >= in.limits.Files:
		in.note(fmt.Sprintf("The file %q was dropped: %d files may come back.", name, in.limits.Files))
	case in.fileBytes > in.limits.OutputBytes:
		in.note(fmt.Sprintf("The file %q was dropped: %d bytes of files may come back.", name, in.limits.OutputBytes))
	default:
		in.result.Artifacts = append(in.result.Artifacts, approval.Artifact{
			Name: head.Name, Kind: artifactKind(head.Kind, head.Name, f.body),
			Alt: cleanLine(head.Alt, maxAlt), Data: f.body})
	}
	return nil
}

func (in *intake) named(name string) bool {
	for _, a := range in.result.Artifacts {
		if a.Name == name {
			return true
		}
	}
	return false
}

func (in *intake) note(text string) {
	if len(in.result.Notes) < maxNotes {
		in.result.Notes = append(in.result.Notes, cleanLine(text, maxNote))
	}
}

func (in *intake) finish() approval.Result {
	in.result.Stdout = cleanText(in.stdout.String(), MaxText)
	in.result.Stderr = cleanText(in.stderr.String(), MaxText)
	if in.cutText {
		in.note(fmt.Sprintf("What was printed was cut after %d bytes.", textBytes(in.limits)))
	}
	return in.result
}

// artifactKind believes the kind that a file claims only if its name and its
// first bytes agree: a chart is shown as a picture, so it has to be one.
func artifactKind(claimed, name string, data []byte) string {
	switch {
	case hasSuffix(name, ".png") && bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")),
		hasSuffix(name, ".jpg", ".jpeg") && bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return "chart"
	case claimed == "table" && hasSuffix(name, ".csv"):
		return "table"
	}
	return "file"
}

// Tampered tells whether an error of ReadResult or ReadInspection means that
// the bytes were there but wrong, rather than not all there.
func Tampered(err error) bool { return errors.Is(err, ErrForm) }
