package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/sandbox/local"
)

// inspected is what `inspect --json` prints. A program that is refused has the tier high, so that a
// script that looks at the tier alone lets nothing through.
type inspected struct {
	Refused  bool              `json:"refused"`
	Tier     approval.Tier     `json:"tier"`
	Findings []inspectedDetail `json:"findings"`
}

// inspectedDetail is a finding as programs read it. Its fields are what scripts rely on.
type inspectedDetail struct {
	Level approval.Level `json:"level"`
	Line  int            `json:"line"`
	Code  string         `json:"code"` // the kind of finding, with hyphens
	Text  string         `json:"text"`
}

// inspect says of a program what a reviewer's card would say, in a local box and
// with nothing else: no Slack, no database, no keys. Nothing of the program runs.
// It exits with 0 also for a program that is refused: what was found is the output, and only a box that could
// not be had is a failure.
func inspect(ctx context.Context, p program) (err error) {
	args := slices.DeleteFunc(slices.Clone(p.args), func(a string) bool { return a == "--json" || a == "-json" })
	if len(args) == 0 {
		return errors.New("which program? An example: countersign inspect analysis.py sales.csv")
	}
	data, err := os.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("the program cannot be read: %w", err)
	}
	files, err := inputsNamed(args[1:])
	if err != nil {
		return err
	}
	said, err := p.inspect(ctx, string(data), files)
	if err != nil {
		return err
	}
	if len(args) < len(p.args) {
		return json.NewEncoder(p.out).Encode(said)
	}
	said.print(p)
	return nil
}

// inputsNamed are files by their names; their columns are not known, since nothing
// of ours parses a data file outside of a box.
func inputsNamed(paths []string) (files []approval.File, err error) {
	for _, at := range paths {
		if _, err := os.Stat(at); err != nil {
			return nil, fmt.Errorf("the input cannot be read: %w", err)
		}
		files = append(files, approval.File{Name: filepath.Base(at)})
	}
	return files, nil
}

// inspect has a box of this machine parse the program, as a request's inspection would. Where no inputs
// were named, the files that the program reads are taken for them, or each would be a finding.
func (p program) inspect(ctx context.Context, code string, files []approval.File) (said inspected, err error) {
	said = inspected{Tier: approval.Low, Findings: []inspectedDetail{}}
	code, err = approval.Canonical(code)
	if err != nil {
		return refuse(said, err.Error()), nil
	}
	options := p.boxes()
	// No boxes wait beside it: the command is over after this one.
	options.MaxWarm = -1
	box, err := local.New(options)
	if err != nil {
		return said, wordsOf(err)
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	found, err := box.Inspect(ctx, code, files)
	// A second look, because only the first one tells which files the program reads.
	if err == nil && len(files) == 0 {
		if files = likelyInputs(found.Findings); len(files) > 0 {
			found, err = box.Inspect(ctx, code, files)
		}
	}
	if err != nil {
		return said, wordsOf(err)
	}
	for _, f := range found.Findings {
		said.Findings = append(said.Findings, inspectedDetail{f.Level, f.Line, strings.ReplaceAll(f.Kind, " ", "-"), f.Text})
	}
	// By no workspace's rules: none is known here. A card's tier may be higher.
	said.Tier, _ = review.TierOf(found.Findings, 0, review.Rules{})
	if found.Problem != "" {
		return refuse(said, found.Problem), nil
	}
	return said, nil
}

// likelyInputs are the data files that a program reads by plain names, where
// nobody has said what its inputs are: in Slack they came with the question.
// No name with a folder in it is taken for one: in a box all inputs lie in one folder.
func likelyInputs(findings []approval.Finding) (files []approval.File) {
	for _, f := range findings {
		known := []string{".csv", ".tsv", ".xlsx", ".xls", ".json", ".jsonl", ".ndjson", ".parquet", ".log"}
		if f.Kind == approval.KindRead && f.Level == approval.Caution && f.About == path.Base(f.About) && slices.Contains(known, strings.ToLower(path.Ext(f.About))) {
			files = append(files, approval.File{Name: f.About})
		}
	}
	return files
}

// refuse adds why nobody is shown the program: the reason goes back to its model.
func refuse(said inspected, why string) inspected {
	said.Refused, said.Tier = true, approval.High
	said.Findings = append([]inspectedDetail{{approval.Danger, 0, "refused", why}}, said.Findings...)
	return said
}

// wordsOf puts what a person can do before what was found.
func wordsOf(err error) error {
	if box, ok := errors.AsType[*steps.BoxError](err); ok {
		return errors.Join(errors.New(box.Words), err)
	}
	return err
}

// print says findings as a card does, the worst first. Notes alone are nothing unusual.
func (s inspected) print(p program) {
	if s.Refused {
		fmt.Fprintln(p.out, "Refused: nobody is shown it, and its model is told why.")
	} else {
		fmt.Fprintf(p.out, "Risk: %s\n", s.Tier)
	}
	unusual := slices.ContainsFunc(s.Findings, func(f inspectedDetail) bool { return f.Level != approval.Note })
	if !unusual {
		fmt.Fprintln(p.out, "Inspection: nothing unusual found.")
	}
	for _, level := range []approval.Level{approval.Danger, approval.Caution, approval.Note} {
		for _, f := range s.Findings {
			if f.Level != level {
				continue
			}
			where := "         "
			if f.Line > 0 {
				where = fmt.Sprintf("line %-4d", f.Line)
			}
			fmt.Fprintf(p.out, "%-8s %s %s\n", strings.ToUpper(string(f.Level)), where, approval.Plain(f.Text))
		}
	}
}
