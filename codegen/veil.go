package codegen

import (
	"errors"
	"slices"

	"countersign/approval/redact"
	"countersign/approval/steps"
)

// veiled is what a model is told in the place of what it must not see.
const veiled = "What stands in square brackets with a number, such as [e-mail 1], is a value that you may not see. " +
	"Where the program needs it, write it exactly so, within a plain string and not an f-string: it is put back before the program is reviewed. A [secret 1] is never put back."

// veil hides values in the turns of a prompt. The system's own words, which are the same for everybody,
// stay as they are.
type veil struct {
	redact.Veil
	told  bool
	words []string // what looks like a place-holder in the question, the files and what administrators say
}

func under(rules *redact.Rules) *veil { return &veil{Veil: redact.Veil{Rules: rules}} }

func (v *veil) clone() *veil { return &veil{Veil: v.Clone(), told: v.told, words: v.words} }

// turns hides what is secret or personal in a conversation. The system's turns are ours, and have nothing of it.
func (v *veil) turns(turns []Turn) []Turn {
	hidden := make([]Turn, len(turns))
	for i, t := range turns {
		if hidden[i] = t; t.Role != System {
			hidden[i].Text = v.Hide(t.Text)
		}
	}
	return hidden
}

// tell adds what the place-holders are, once, where there are any.
func (v *veil) tell(turns []Turn) []Turn {
	if last := len(turns) - 1; !v.told && len(v.Hidden()) > 0 && turns[last].Role == User {
		turns[last].Text += "\n\n" + veiled
		v.told = true
	}
	return turns
}

// lift puts back into a draft what was hidden from the model that wrote it. Reviewers read, and the box
// runs, what the program says with it. What is not put back would run as these very letters, so such a program
// goes back to the model.
func (v *veil) lift(d steps.Draft) (steps.Draft, error) {
	// All that people will read: code, summary, what could be asked next, and a question back.
	d.Code, d.Summary = v.Restore(d.Code), v.Restore(d.Summary)
	for i, next := range d.Next {
		d.Next[i] = v.Restore(next)
	}
	if d.Ask != nil {
		ask := *d.Ask
		ask.Question = v.Restore(ask.Question)
		for i, choice := range ask.Choices {
			ask.Choices[i] = v.Restore(choice)
		}
		d.Ask = &ask
	}
	for _, name := range redact.PlaceHolders(d.Code) {
		// One that stands in the question or a file may be meant as it stands.
		if !slices.Contains(v.words, name) {
			return steps.Draft{}, &steps.WriterError{Err: errors.New("a place-holder in the program"), Usage: d.Usage,
				Words:  "The model's program needs a value that it may not see, so it cannot be used.",
				Repair: "The program had " + name + " in it, for which no value is put back. Write the program without it, also in comments."}
		}
	}
	return d, nil
}
