// Package masked draws answers without what the rules of privacy hide, where others read them than
// those for whom they were made.
//
// Its one idea: the view is masked before anything is drawn from it, so no block can forget to. What was
// reviewed stays as it is: code, names of the files that were read, and digests.
package masked

import (
	"path"
	"slices"
	"strings"

	"countersign/approval"
	"countersign/approval/redact"
	"countersign/approval/steps"
	"countersign/bot/kit"
)

// View is a view whose answer is masked, and how much of it was. It copies all that it changes: v is what
// the record says, and is drawn whole for others.
// Whatever a result may hold as text is listed here by hand: text that is added to approval.Result, and not
// here, would stand in channels unmasked.
func View(v *steps.View) (*steps.View, redact.Counts) {
	run := v.Request.Run
	if run == nil || run.Result == nil {
		return v, nil
	}
	rules, counts := v.Book.Rules(v.Policy).Rules.Hides(), redact.Counts{}
	mask := func(text string) string { return rules.Mask(text, counts) }
	each := func(list []string) []string {
		list = slices.Clone(list)
		for i := range list {
			list[i] = mask(list[i])
		}
		return list
	}
	masked, r, ran, res := *v, *v.Request, *run, *run.Result
	r.Question = rules.Mask(r.Question, counts)
	res.Answer, res.Value, res.Stdout, res.Error, res.Stderr, res.Traceback = mask(res.Answer), mask(res.Value), mask(res.Stdout), mask(res.Error), mask(res.Stderr), mask(res.Traceback)
	res.Said, res.Notes = each(res.Said), each(res.Notes)
	res.LeftOut = slices.Clone(res.LeftOut)
	for i := range res.LeftOut {
		res.LeftOut[i].Why = mask(res.LeftOut[i].Why)
	}
	res.Tables = slices.Clone(res.Tables)
	for i, g := range res.Tables {
		g.Title, g.Columns, g.Rows = mask(g.Title), each(g.Columns), slices.Clone(g.Rows)
		for n := range g.Rows {
			g.Rows[n] = each(g.Rows[n])
		}
		res.Tables[i] = g
	}
	if c := res.Compared; c != nil {
		compared := *c
		compared.Differs = slices.Clone(c.Differs)
		for i, d := range compared.Differs {
			// Also where it differs: a column or a file is named after what is in it.
			if d.What == approval.DifferentFile {
				d.Name = name(d.Name, rules, counts)
			}
			d.Name, d.Column, d.Before, d.Now = mask(d.Name), mask(d.Column), mask(d.Before), mask(d.Now)
			compared.Differs[i] = d
		}
		res.Compared = &compared
	}
	masked.Next = slices.Clone(v.Next)
	for i := range masked.Next { // not counted: they are the model's words, and stand under no copy
		masked.Next[i] = rules.Mask(masked.Next[i], nil)
	}
	masked.Artifacts = nil
	for _, f := range v.Artifacts {
		if !maskable(f) {
			continue
		}
		f.Name = name(f.Name, rules, counts)
		if f.Alt = mask(f.Alt); !f.Picture() && f.Data != nil {
			f.Data = []byte(rules.Mask(string(f.Data), nil))
		}
		masked.Artifacts = append(masked.Artifacts, f)
	}
	ran.Result, r.Run, masked.Request = &res, &ran, &r
	return &masked, counts
}

// name is that of a file without what is hidden in it. Its ending stays, and tells people and Slack what it is.
func name(of string, rules *redact.Rules, counts redact.Counts) string {
	end := path.Ext(of)
	return rules.Mask(strings.TrimSuffix(of, end), counts) + end
}

// maskable tells of a file of an answer whether it may stand where the answer is masked. Of what is neither
// text nor a picture nobody can say what it holds; a picture is drawn by the code that was reviewed. Text
// of another encoding than UTF-8 is no text to the rules.
func maskable(f approval.Artifact) bool {
	text := []string{".csv", ".tsv", ".txt", ".md", ".json", ".html", ".svg", ".py", ".log", ".xml", ".yaml"}
	if f.Picture() {
		return f.Data == nil || redact.Picture(f.Data) // a table that calls itself one is none
	}
	return slices.Contains(text, strings.ToLower(path.Ext(f.Name))) && redact.Readable(f.Data)
}

// Hidden is how much the model was not shown of the question and of the names in its files: it had
// place-holders there.
// It is reckoned by the rules of now. The prompt may have been written by older ones, so it says how much, not
// what.
func Hidden(v *steps.View) redact.Counts {
	rules, counts := v.Book.Rules(v.Policy).Rules.Hides(), redact.Counts{}
	rules.Mask(v.Request.Question, counts)
	for _, f := range v.Request.Files {
		rules.Mask(f.Name, counts)
		for _, t := range f.Tables() {
			rules.Mask(t.Name, counts)
			for _, c := range t.Columns {
				rules.Mask(c.Name, counts)
			}
		}
	}
	return counts
}

// Wanted tells whether an answer is masked where it was asked. Whoever asked and reads it alone has it whole.
func Wanted(v *steps.View) bool { return !v.Alone() && v.Book.Rules(v.Policy).Rules.Masked }

// As is a view as it is drawn and uploaded for a surface: masked where others read it.
func As(v *steps.View, surface steps.Surface) *steps.View {
	if _, _, copied := surface.Copied(); !copied && !Wanted(v) {
		return v
	}
	shown, _ := View(v)
	return shown
}

// Say says what was masked and what stays behind, so that nobody takes a gap for the data's own.
func Say(p *kit.Page, v *steps.View, counts redact.Counts) {
	var said []kit.Part
	if words := counts.Words(); words != "" {
		said = append(said, kit.Words("Masked here: "+words+"."))
	}
	var names []string
	rules := v.Book.Rules(v.Policy).Rules.Hides()
	for _, f := range v.Artifacts {
		if !maskable(f) {
			names = append(names, name(f.Name, rules, nil))
		}
	}
	if names != nil {
		said = append(said, kit.Words(" Not posted here, because nobody can mask it: "+kit.Cut(strings.Join(names, ", "), 300)+"."))
	}
	if said != nil {
		p.Small(said...)
	}
}
