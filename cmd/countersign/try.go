package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/sandbox/local"
)

// tried is what `try --json` prints: what the thread would show. Lists are empty and never null, but for
// the witness's, where null says that nobody watched.
type tried struct {
	Outcome approval.Outcome `json:"outcome"`
	Error   string           `json:"error"`
	Answer  string           `json:"answer"`
	Notes   []string         `json:"notes"` // the program's, then the runner's
	LeftOut []approval.Rows  `json:"left_out"`
	Tables  []triedTable     `json:"tables"`
	Files   []triedFile      `json:"files"`
	Stdout  string           `json:"stdout"`
	Witness triedWitness     `json:"witness"`

	value, traceback, stderr string
}

// triedWitness is what was seen of the program from outside. A list that is null was not watched.
type triedWitness struct {
	Source    string   `json:"source"` // empty: nobody watched
	Opened    []string `json:"opened"`
	Started   []string `json:"started"`
	Connected []string `json:"connected"`
	Complete  bool     `json:"complete"`
	Gaps      []string `json:"gaps,omitempty"` // why it is not complete

	words string
}

// triedTable is a table that the program showed.
type triedTable struct {
	Title   string     `json:"title"`
	Rows    int        `json:"rows"` // of the whole table; the cells are of its first ones
	Columns []string   `json:"columns"`
	Cells   [][]string `json:"cells"`
}

// triedFile is a file that it left. What is in it stays in the box: nothing is written here.
type triedFile struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// nobodyApproved stands between what was inspected and what came of it.
const nobodyApproved = "Nobody has approved this program. It runs in a box on this machine, as an approved one would."

// try runs a program in a local box as an approved one would run, and prints what the
// thread would show. Nobody approves it, so it is for its own author: no Slack, no
// database, no keys, never E2B, and nothing is kept.
// That the program ended with an error is no failure of the command: its outcome is printed, or stands in the
// JSON.
func try(ctx context.Context, p program) error {
	// By hand, so that the flags may stand anywhere: people add --anyway at the end of the line that was refused.
	var asJSON, anyway bool
	args := slices.DeleteFunc(slices.Clone(p.args), func(a string) bool {
		asJSON, anyway = asJSON || a == "--json", anyway || a == "--anyway"
		return a == "--json" || a == "--anyway"
	})
	if len(args) == 0 {
		return errors.New("which program? An example: countersign try analysis.py sales.csv")
	}
	data, err := os.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("the program cannot be read: %w", err)
	}
	inputs, err := inputsRead(args[1:])
	if err != nil {
		return err
	}
	files, err := inputsNamed(args[1:])
	if err != nil {
		return err
	}
	said, err := p.inspect(ctx, string(data), files)
	if err != nil {
		return err
	}
	if !asJSON {
		said.print(p)
		fmt.Fprintln(p.out)
	}
	// What would be shown to nobody is not run, and there is no flag for it. What is merely dangerous
	// its own author may run.
	danger := slices.IndexFunc(said.Findings, func(f inspectedDetail) bool { return f.Level == approval.Danger })
	switch {
	case said.Refused:
		return errors.New("this program would be shown to nobody, and is not run: " + plainText(said.Findings[0].Text))
	case danger >= 0 && !anyway:
		return fmt.Errorf("the inspection calls this dangerous (line %d: %s); to run it in spite of that, add --anyway",
			said.Findings[danger].Line, plainText(said.Findings[danger].Text))
	}
	if !asJSON {
		fmt.Fprintln(p.out, nobodyApproved)
	}
	// The same form that a reviewer would see and a box would run; inspect has checked it, and this cannot fail again.
	code, err := approval.Canonical(string(data))
	if err != nil {
		return err
	}
	result, err := p.runHere(ctx, code, inputs)
	if err != nil {
		return wordsOf(err)
	}
	t := triedOf(result)
	if asJSON {
		encoder := json.NewEncoder(p.out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(t)
	}
	return t.print(p)
}

// inputsRead are files as a box gets them.
func inputsRead(paths []string) (inputs []steps.InputFile, err error) {
	var together int64
	for _, at := range paths {
		info, err := os.Stat(at)
		if err != nil {
			return nil, fmt.Errorf("the input cannot be read: %w", err)
		}
		if together += info.Size(); together > local.MaxInputMB<<20 {
			return nil, fmt.Errorf("a box takes at most %d MB of files together", local.MaxInputMB)
		}
		open := func() (io.ReadCloser, error) { return os.Open(at) }
		sum, err := hashed(open)
		if err != nil {
			return nil, fmt.Errorf("the input cannot be read: %w", err)
		}
		inputs = append(inputs, steps.InputFile{Input: approval.Input{Name: filepath.Base(at), SHA256: sum}, Size: info.Size(), Open: open})
	}
	return inputs, nil
}

// hashed reads a file through.
func hashed(open func() (io.ReadCloser, error)) (sha256Sum string, err error) {
	from, err := open()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(sum, from); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// runHere takes a program through the life of a run in a local box. The seal is of this machine, at this
// moment; the box is given up with the command, also where the run fails.
// Create, Start, Result and Kill are the calls that a run makes of its sandbox (steps.Sandbox), so what works
// here works there.
func (p program) runHere(ctx context.Context, code string, inputs []steps.InputFile) (result approval.Result, err error) {
	options := p.boxes()
	options.MaxWarm = -1
	boxes, err := local.New(options)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, boxes.Close()) }()
	// Nobody has reviewed the program, so it runs where code is kept in, or nowhere: as with serve.
	if _, err := boxes.SelfTest(ctx); err != nil {
		return result, err
	}
	limits := approval.DefaultPolicy().Limits
	limits.Seconds, limits.MemoryMB = p.RunSeconds, p.RunMemoryMB
	seal := approval.Manifest{Sandbox: local.Kind, Template: boxes.Template(), Limits: limits}
	id, err := whenReady(func() (string, error) { return boxes.Create(ctx, "try", seal) })
	if err != nil {
		return result, err
	}
	job := steps.Job{RequestID: "try", Code: code, CodeSHA256: approval.Hash([]byte(code)), Inputs: inputs, Limits: limits}
	if err := boxes.Start(ctx, id, job); err != nil {
		return result, err
	}
	result, err = boxes.Result(ctx, id)
	return result, errors.Join(err, boxes.Kill(ctx, id))
}

// whenReady asks for a box again and again while it is on its way: on a busy machine a call does not wait until it has booted.
// Kept says that the box is being made for this request and will be there at a later call; each call waits a
// while itself.
func whenReady(create func() (id string, err error)) (id string, err error) {
	for {
		id, err = create()
		if box, ok := errors.AsType[*steps.BoxError](err); !ok || !box.Kept {
			return id, err
		}
	}
}

// triedOf is a result for a terminal: what came out of a box may hold anything, also its JSON, which
// people look at in a terminal as well.
func triedOf(r approval.Result) tried {
	t := tried{Outcome: r.Outcome, Error: plainText(r.Error), Answer: plainText(r.Answer), Notes: []string{}, LeftOut: []approval.Rows{}, Tables: []triedTable{}, Files: []triedFile{},
		Stdout: plainText(r.Stdout), value: plainText(r.Value), traceback: plainText(r.Traceback), stderr: plainText(r.Stderr)}
	head, rest := r.Observed.Words(func(names []string) string { return plainText(strings.Join(names, ", ")) })
	t.Witness.words = head + rest
	if w := r.Observed.Witness; w != nil {
		t.Witness = triedWitness{Source: w.Source, Opened: orNull(w.Opened), Started: orNull(w.Started), Connected: orNull(w.Connected),
			Complete: w.Complete, Gaps: w.Gaps, words: t.Witness.words}
	}
	for _, note := range slices.Concat(r.Said, r.Notes) {
		t.Notes = append(t.Notes, plainText(note))
	}
	for _, rows := range r.LeftOut {
		t.LeftOut = append(t.LeftOut, approval.Rows{Count: rows.Count, Why: plainText(rows.Why)})
	}
	for _, g := range r.Tables {
		table := triedTable{Title: plainText(g.Title), Rows: g.TotalRows, Columns: plainAll(g.Columns), Cells: [][]string{}}
		for _, row := range g.Rows {
			table.Cells = append(table.Cells, plainAll(row))
		}
		t.Tables = append(t.Tables, table)
	}
	for _, f := range r.Artifacts {
		t.Files = append(t.Files, triedFile{Name: plainText(f.Name), Bytes: len(f.Data)})
	}
	return t
}

// plainText is text without what could move a cursor or hide something; its lines stay lines.
func plainText(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\t", "    "), "\n")
	for i := range lines {
		lines[i] = plainLine(lines[i])
	}
	return strings.Join(lines, "\n")
}

// plainAll is plainText of each.
func plainAll(texts []string) []string {
	plain := make([]string, len(texts))
	for i, text := range texts {
		plain[i] = plainText(text)
	}
	return plain
}

// orNull keeps what was not watched apart from what was seen not to happen.
func orNull(texts []string) []string {
	if texts == nil {
		return nil
	}
	return plainAll(texts)
}

// print says it as the thread does: the sentence first.
func (t tried) print(p program) error {
	say := func(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }
	switch {
	case t.Outcome != approval.OK:
		say("\nIt ended badly (%s). %s", t.Outcome, t.Error)
	case t.Answer != "":
		say("\n%s", t.Answer)
	default:
		say("\nIt ran to its end; the program gives no sentence.")
	}
	for _, rows := range t.LeftOut {
		say("  left out: %d rows (%s)", rows.Count, rows.Why)
	}
	for _, note := range t.Notes {
		say("  note: %s", note)
	}
	for _, part := range []struct{ title, text string }{{"Where it happened", t.traceback}, {"Result", t.value}, {"Printed", t.Stdout}, {"Warnings", t.stderr}} {
		if text := strings.TrimRight(part.text, "\n"); text != "" {
			say("\n%s:\n%s", part.title, text)
		}
	}
	for _, table := range t.Tables {
		say("\n%s", strings.TrimSpace(fmt.Sprintf("%s (first %d of %d rows)", table.Title, len(table.Cells), table.Rows)))
		out := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		for _, row := range append([][]string{table.Columns}, table.Cells...) {
			fmt.Fprintln(out, "  "+strings.Join(row, "\t"))
		}
		if err := out.Flush(); err != nil {
			return fmt.Errorf("print a table: %w", err)
		}
	}
	say("\n%s", t.Witness.words)
	if len(t.Files) > 0 {
		say("\nFiles:")
	}
	for _, f := range t.Files {
		say("  %s (%d bytes)", f.Name, f.Bytes)
	}
	return nil
}
