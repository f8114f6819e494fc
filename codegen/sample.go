package codegen

import (
	"context"
	"errors"
	"fmt"

	"countersign/approval/steps"
	"countersign/budget"
)

// SampleModel is the stand-in's name, under which it has a price.
const SampleModel = "sample-writer"

// Sample is the demo's stand-in for a model when no key is set. It knows a few
// kinds of questions by their keywords and a general summary of any table. It is
// no model, and says so in every draft.
type Sample struct{}

var _ steps.Writer = Sample{}

// Models lists the stand-in alone.
func (Sample) Models() []string { return []string{SampleModel} }

// Bound is the same as for a model, so that holds look the same in the demo.
func (Sample) Bound() (promptBytes, maxTokens int) { return PromptBytes, AnswerTokens }

// Size is as for a model, too.
func (Sample) Size(b steps.Brief) (promptBytes, maxTokens int) {
	return promptSize(b, 0), AnswerTokens
}

// Write plans a program and has it read back like any model's answer. Its usage
// is what a model's would be, at four bytes to the token.
func (Sample) Write(ctx context.Context, b steps.Brief) (steps.Draft, error) {
	if err := ctx.Err(); err != nil {
		return steps.Draft{}, &steps.WriterError{Err: err, Retry: true, Words: "There was no time left to write."}
	}
	if b.Model != "" && b.Model != SampleModel {
		return steps.Draft{}, notOffered(b.Model, []string{SampleModel})
	}
	turns, err := prompt(b, PromptBytes, 0)
	if err != nil {
		return steps.Draft{}, &steps.WriterError{Err: err, Words: "The question and the names of its files are too long. Ask a shorter one, or with fewer files."}
	}
	answer := sampleAnswer(b)
	used := budget.Usage{Model: SampleModel, Input: tokens(size(turns)), Output: tokens(len(answer))}
	if len(b.Refused) > 0 {
		return steps.Draft{}, &steps.WriterError{Err: errors.New("the stand-in writes the same program again"), Usage: used,
			Words: "The demo's stand-in for a model cannot mend its program. Set MISTRAL_API_KEY to ask a real one."}
	}
	d, unusable := read(answer)
	if unusable != nil {
		unusable.Usage = used
		return steps.Draft{}, unusable
	}
	d.Usage = used
	return d, nil
}

func tokens(bytes int) int { return (bytes + 3) / 4 }

// sampleAnswer is what the stand-in says, in the form that a model is asked for.
func sampleAnswer(b steps.Brief) string {
	const who = "This comes from the demo's stand-in, which is no model: it knows a few kinds of questions by their keywords."
	p, ok := planFor(b)
	followed := true
	if n := len(b.Wishes); n > 0 {
		// What a reviewer wants may be a question that it knows: then that is the plan.
		asked := b
		asked.Question = b.Wishes[n-1].Words
		other, known := planFor(asked)
		if followed = known && other.understood; followed {
			p = other
		}
	}
	if !ok {
		return who + " It can only describe tables, and there is none here: name a data file that is shared in this channel."
	}
	says := fmt.Sprintf("The program reads %s and %s.", quote(p.file.Name, 60), p.says())
	if !p.understood {
		says = "The question was not understood, so this is only a general summary of the table. " + says
	}
	if !followed {
		says = "What the reviewer wants was not understood, so the program is as it was: edit it, or set MISTRAL_API_KEY to have a model write. " + says
	}
	return says + " " + who + "\n\n" + fenced(program(p))
}

// says tells in words what the program will do.
func (p plan) says() string {
	name := func(i int) string { return quote(p.table.Columns[i].Name, 60) }
	what := "counts the rows"
	if p.measure >= 0 {
		what = map[string]string{"sum": "adds up ", "mean": "takes the average of ", "median": "takes the median of ",
			"max": "takes the highest ", "min": "takes the lowest ", "count": "counts the values of "}[p.how] + name(p.measure)
		if p.times >= 0 {
			what += " times " + name(p.times)
		}
	}
	switch p.want {
	case wantTrend:
		what += " per " + periods[p.period] + " of " + name(p.when)
		if p.by >= 0 {
			what += " for each " + name(p.by) + " (at most the eight largest)"
		}
		return what + ", with a line chart. Rows without a readable date are left out"
	case wantTop:
		end := "highest"
		if p.lowest {
			end = "lowest"
		}
		return fmt.Sprintf("%s for each %s and shows the %d %s, with a bar chart", what, name(p.by), p.n, end)
	case wantGroups:
		return fmt.Sprintf("%s for each %s, with a bar chart", what, name(p.by))
	case wantCorrelation:
		return "shows how the numeric columns go together (Pearson's correlation), with a chart"
	case wantMissing:
		return "counts the missing values of every column, with a bar chart"
	case wantSpread:
		return "shows how the values of " + name(p.measure) + " are spread, with a histogram"
	}
	return "describes every column (missing, distinct and most common values; smallest, average and largest), with a chart"
}
