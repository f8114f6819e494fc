package codegen

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/codegen/pandas"
)

// draft checks an answer and makes a program of it. Whatever is wrong with the answer, it was paid
// for: the failure carries its usage, or says that the cost is uncertain where there is none.
func draft(a Answer, provider string) (steps.Draft, error) {
	// A call of a tool comes after the text, which is whole: a program that stands there is taken, and nobody pays twice.
	if told, unusable := read(a.Text); a.End == Tool && unusable == nil && told.Code != "" {
		a.End = Whole
	}
	d, failed := whole(a, provider)
	if failed == nil && a.Usage.Model == "" {
		failed = &steps.WriterError{Err: errors.New("an answer without usage"),
			Words: provider + " did not say what its answer cost, so it cannot be used."}
	}
	if failed == nil {
		d, failed = read(a.Text)
	}
	if failed != nil {
		failed.Usage, failed.Billed = a.Usage, a.Usage.Model == ""
		return steps.Draft{}, failed
	}
	d.Usage = a.Usage
	return d, nil
}

// whole refuses an answer that ended in any other way than by itself. Half a program may still parse
// and compute something else, so it is shown to nobody.
//
// Repair is set where the model can do better if it is told how, and the job asks it again, at the
// asker's cost. Retry is set where the same call may go well later. Where neither is set, the asker
// reads Words and chooses.
func whole(a Answer, provider string) (d steps.Draft, failed *steps.WriterError) {
	said := fmt.Sprintf("the answer ended by %q", pandas.Clip(approval.Plain(a.Said), 40))
	switch a.End {
	case Whole:
		return d, nil
	case Empty:
		return d, &steps.WriterError{Err: errors.New("a response without an answer"), Retry: true, Words: provider + " answered with something that is not an answer."}
	case CutOff:
		return d, &steps.WriterError{Err: errors.New("the answer was cut off"),
			Words:  "The model's answer was cut off before its end, so it is not shown.",
			Repair: "The answer was cut off because it was too long. Answer shorter: a program of at most 80 lines and three sentences before it."}
	case Filtered:
		return d, &steps.WriterError{Err: errors.New(said), Words: provider + "'s content filter stopped the answer. Asking in other words may help."}
	case Refused:
		return d, &steps.WriterError{Err: errors.New(said), Words: "The model declined to answer this question.", Prose: pandas.Clip(approval.Plain(a.Text), 2000)}
	case Tool:
		return d, &steps.WriterError{Err: errors.New(said), Words: "The model asked for a tool instead of writing a program. It has none here. Ask again in other words, or choose another model."}
	case Unsaid:
		return d, &steps.WriterError{Err: errors.New("the answer does not say why it ended"),
			Words: provider + " did not say whether its answer is whole, so it is not shown."}
	}
	return d, &steps.WriterError{Err: errors.New(said), Retry: true, Words: provider + " ended its answer in an unexpected way."}
}

// read makes a draft of an answer's text. Characters that do not exist come from a token that was cut
// in two; Go would replace them, and the reviewer would read another program than the model wrote.
func read(answer string) (steps.Draft, *steps.WriterError) {
	if !utf8.ValidString(answer) || strings.ContainsRune(answer, '\uFFFD') || strings.ContainsRune(answer, 0) {
		return steps.Draft{}, &steps.WriterError{Err: errors.New("invalid Unicode in the answer"),
			Words:  "The model's answer held characters that do not exist.",
			Repair: "The answer held invalid Unicode. Write plain ASCII, and escapes such as \\u00e9 inside of string literals."}
	}
	code, prose, said, err := extract(answer)
	if unusable, ok := errors.AsType[*steps.WriterError](err); ok {
		return steps.Draft{}, unusable
	}
	prose = pandas.Clip(approval.Plain(prose), 2000)
	if code == "" && len(said.questions) > 0 {
		return askBack(said.questions)
	}
	if code == "" {
		words := "The model answered in words instead of writing a program."
		if prose == "" {
			words = "The model gave an empty answer."
		}
		return steps.Draft{}, &steps.WriterError{Err: errors.New("an answer without a program"), Words: words, Prose: prose}
	}
	for _, q := range said.questions { // it wrote all the same: its reviewers are told what it was in doubt about
		prose = strings.TrimSpace(prose + "\n\nThe model was in doubt: " + approval.Unreviewed(q, 300))
	}
	return steps.Draft{Code: code, Summary: prose, PromptVersion: PromptVersion, Next: said.next}, nil
}

// askBack makes a question to the asker of the one block that holds it: the question, and
// below it the answers that it offers, as a list. One question at a time: each is a round with a
// person, and after the first answer the others may not matter.
func askBack(blocks []string) (steps.Draft, *steps.WriterError) {
	lines := strings.Split(blocks[0], "\n")
	at := slices.IndexFunc(lines, bullet.MatchString)
	if at < 0 {
		at = len(lines)
	}
	q, ok := approval.NewClarification(strings.Join(lines[:at], " "), items(lines[at:]))
	switch {
	case len(blocks) > 1:
		return steps.Draft{}, &steps.WriterError{Err: errors.New("more than one question"), Words: "The model asked more than one question at once.",
			Repair: "There was more than one question. Ask the most important one alone, or write the program and say with note() what you assume."}
	case !ok:
		return steps.Draft{}, &steps.WriterError{Err: errors.New("an empty question"), Words: "The model asked an empty question.",
			Repair: "The ```question block held no question. Put the question into its first line, or write the program."}
	}
	return steps.Draft{Ask: &q, PromptVersion: PromptVersion}, nil
}
