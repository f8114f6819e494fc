// Package verified has the words for a run that is repeated: whose question it repeats, and
// what the comparison with the first answer says. It draws no message of its own.
package verified

import (
	"fmt"

	"countersign/approval"
	"countersign/bot/kit"
)

// Whose says which question is repeated: "the question of @Ana of 3 November, same code".
func Whose(f *approval.Repeat) []kit.Part {
	return []kit.Part{kit.Words("the question of "), kit.Person(f.Asker), kit.Words(" of "), kit.Day(f.At), kit.Words(", same code")}
}

// Asks stands above that question where reviewers read it. The code is old, and may
// be approved or rejected, but not changed: it would repeat nothing then.
func Asks(r *approval.Request, where []kit.Part) []kit.Part {
	said := append([]kit.Part{kit.Person(r.Asker), kit.Strong(" repeats ")}, Whose(r.Repeats)...)
	return append(append(append(said, kit.Words(", in ")), where...), kit.Words(". No model is asked. The question was:"))
}

// Progress stands above where it is, in the thread of the first answer.
func Progress(r *approval.Request) []kit.Part {
	said := append([]kit.Part{kit.Person(r.Asker), kit.Words(" verifies the answer: it repeats ")}, Whose(r.Repeats)...)
	return append(said, kit.Words("."))
}

// most is how many differences an answer names.
const most = 5

// Verdict says what came out: the same, or what differs, the first of it plainly.
// c.Differs is short: the comparison stops listing after some, and counts the rest in c.More.
func Verdict(p *kit.Page, r *approval.Request, c *approval.Compared) {
	hey := []kit.Part{kit.Person(r.Asker), kit.Words(" ")}
	first := append([]kit.Part{kit.Words("the answer to ")}, Whose(r.Repeats)...)
	if c.Gone {
		p.Say(append(append(append(hey, kit.Strong("It ran again, and cannot be compared"), kit.Words(": the first result has been forgotten or taken back. It repeats ")), Whose(r.Repeats)...), kit.Words("."))...)
		return
	}
	if len(c.Differs) == 0 {
		p.Say(append(append(append(hey, kit.Strong("Identical"), kit.Words(" to ")), first...), kit.Words(": the same figures, rows and files."))...)
		return
	}
	p.Say(append(append(append(hey, kit.Strong("It differs"), kit.Words(" from ")), first...), kit.Words(". "+kit.Capital(Difference(c.Differs[0]))+"."))...)
	var items [][]kit.Part
	for _, d := range c.Differs[1:min(most, len(c.Differs))] {
		items = append(items, []kit.Part{kit.Words(kit.Capital(Difference(d)) + ".")})
	}
	if more := len(c.Differs) + c.More - 1 - len(items); more > 0 {
		items = append(items, []kit.Part{kit.Words(fmt.Sprintf("And %s more.", kit.Count(more, "difference")))})
	}
	p.List([]kit.Part{kit.Strong("What else differs")}, items)
}

// Difference says one in half a sentence. Its texts come out of a box, so they are made plain.
func Difference(d approval.Difference) string {
	before, now := plain(d.Before), plain(d.Now)
	switch d.What {
	case approval.DifferentEnd:
		return fmt.Sprintf("it ended with %q, and then with %q", before, now)
	case approval.DifferentFigure:
		return fmt.Sprintf("the answer said %s, and says %s now", before, now)
	case approval.DifferentAnswer:
		return fmt.Sprintf("the answer was %q, and is %q now", before, now)
	case approval.DifferentNotes:
		return "what the program says that it assumed or left out is not the same"
	case approval.DifferentValue:
		return fmt.Sprintf("the result was %q, and is %q now", before, now)
	case approval.DifferentTables:
		return fmt.Sprintf("it gave %s tables, and gives %s now", before, now)
	case approval.DifferentColumns:
		return fmt.Sprintf("the columns of %s were %s, and are %s now", table(d), before, now)
	case approval.DifferentRows:
		return fmt.Sprintf("%s had %s rows, and has %s now", table(d), before, now)
	case approval.DifferentCell:
		return fmt.Sprintf("%s in row %d of %s was %s, and is %s now", plain(d.Column), d.Row, table(d), before, now)
	case approval.DifferentPrint:
		return fmt.Sprintf("it printed %q, and prints %q now", before, now)
	case approval.DifferentFile:
		return file(d)
	}
	return "something else came out"
}

// table names the table of a difference. A program that shows one alone gives it no title.
func table(d approval.Difference) string {
	if d.Name == "" {
		return "the table"
	}
	return fmt.Sprintf("the table %q", plain(d.Name))
}

// file says what became of one: it is compared by its sha256.
func file(d approval.Difference) string {
	switch {
	case d.Before == "":
		return plain(d.Name) + " is new"
	case d.Now == "":
		return plain(d.Name) + " did not come out again"
	}
	return fmt.Sprintf("%s is not the same file (%s before, %s now)", plain(d.Name), approval.Short(d.Before), approval.Short(d.Now))
}

// plain is what a box said, on one line, with hidden characters escaped and not longer than a line.
func plain(text string) string { return kit.Cut(kit.OneLine(approval.Plain(text)), 120) }
