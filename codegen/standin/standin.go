// Package standin is the demo's stand-in for a model when no key is set. It knows a
// few kinds of questions by their keywords (plan.go), writes a program for each
// (programs.go, script.go), and gives a general summary of any other table. It is no
// model, and says so in every draft.
package standin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/codegen"
	"countersign/codegen/pandas"
)

// Model is the stand-in's name, under which it has a price.
const Model = "sample-writer"

// Provider is a codegen.Provider that asks nobody.
type Provider struct{}

var _ codegen.Provider = Provider{}

// About gives the stand-in the limits of a model, so that holds look the same in the demo.
func (Provider) About() codegen.About {
	return codegen.About{Name: "The stand-in", System: "countersign", Models: []string{Model}, MaxTokens: codegen.AnswerTokens, Timeout: time.Minute}
}

// Ask plans a program and gives it in the form that a model is asked for, so that it is
// read back like any model's answer. Its usage is what a model's would be, at four
// bytes to the token, so that budgets and bills of the demo show something.
//
// A program that was refused is not written again: the same keywords give the same plan, and
// the request would go round until its tries are used up.
func (Provider) Ask(ctx context.Context, call codegen.Call) (codegen.Answer, error) {
	if err := ctx.Err(); err != nil {
		return codegen.Answer{}, &steps.WriterError{Err: err, Retry: true, Words: "There was no time left to write."}
	}
	if call.Recap != nil {
		text := summary(*call.Recap)
		return codegen.Answer{Text: text, End: codegen.Whole, Usage: budget.Usage{Model: Model, Input: tokens(call.Bytes()), Output: tokens(len(text))}}, nil
	}
	text := answer(call.Brief)
	used := budget.Usage{Model: Model, Input: tokens(call.Bytes()), Output: tokens(len(text))}
	if len(call.Brief.Refused) > 0 {
		return codegen.Answer{}, &steps.WriterError{Err: errors.New("the stand-in writes the same program again"), Usage: used,
			Words: "The demo's stand-in for a model cannot mend its program. Set the key of a real one, such as MISTRAL_API_KEY."}
	}
	return codegen.Answer{Text: text, End: codegen.Whole, Usage: used}, nil
}

// summary names what was asked: the stand-in cannot tell what mattered of it.
func summary(r steps.Recap) string {
	var asked []string
	if r.Before != "" {
		asked = append(asked, strings.TrimPrefix(r.Before, askedBefore))
	}
	for _, m := range r.Said {
		if m.Role == approval.RoleQuestion {
			asked = append(asked, pandas.Clip(m.Text, 100))
		}
	}
	return pandas.Clip(askedBefore+strings.Join(asked, " "), 2000)
}

// askedBefore begins each summary, and is taken off an earlier one that goes into the next.
const askedBefore = "Asked before: "

// tokens counts a token for each four bytes, rounded up: a rule of thumb for English.
func tokens(bytes int) int { return (bytes + 3) / 4 }

// answer is what the stand-in says. It says what it has understood, and that it is no model, in every
// answer: what a demo gets wrong is otherwise taken for what the product gets wrong.
func answer(b steps.Brief) string {
	const who = "This comes from the demo's stand-in, which is not a model: it knows a few kinds of questions by their keywords."
	p, ok := planFor(b)
	followed := true
	if n := len(b.Wishes); n > 0 {
		// A reviewer's wish may itself be a question that the stand-in knows; then it becomes the plan.
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
	says := fmt.Sprintf("The program reads %s and %s.", pandas.Quote(p.file.Name, 60), p.says())
	if !p.understood {
		says = "The question was not understood, so this is only a general summary of the table. " + says
	}
	if !followed {
		says = "What the reviewer wants was not understood, so the program is as it was: edit it, or set the key of a model, such as MISTRAL_API_KEY. " + says
	}
	return says + " " + who + "\n\n" + codegen.Fenced(program(p))
}

// says tells in words what the program will do.
func (p plan) says() string {
	name := func(i int) string { return pandas.Quote(p.table.Columns[i].Name, 60) }
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
