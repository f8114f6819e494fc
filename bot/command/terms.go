package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"countersign/bot/kit"
	"countersign/budget"
)

// windows are what a budget can be per.
var windows = map[string]budget.Window{"day": budget.Day, "week": budget.Week, "month": budget.Month}

// Examples of each clause, whole commands that work.
const (
	exampleWindow    = "set team 200 per week"
	exampleSoft      = "set team 200 soft 80%"
	exampleWarn      = "set team 200 warn 50%, 95%"
	exampleDowngrade = "set team 200 downgrade codestral-2508"
	exampleWithout   = "set team 200 without upload, long runs"
	exampleReady     = "set team 200 ready 0.02"
)

// reader goes through the words of the terms.
// It never fails: behind the last word come empty ones, which no clause takes.
type reader struct{ words []string }

// peek is the next word in small letters, empty at the end.
func (r *reader) peek() string {
	if len(r.words) == 0 {
		return ""
	}
	return strings.ToLower(r.words[0])
}

// take gives the next word as it was written.
func (r *reader) take() (word string) {
	if len(r.words) > 0 {
		word, r.words = r.words[0], r.words[1:]
	}
	return word
}

// accept takes the next word if it is this one.
func (r *reader) accept(word string) bool {
	if r.peek() != word {
		return false
	}
	r.take()
	return true
}

// more tells that a list goes on, behind a comma, an "and", or both.
func (r *reader) more() bool {
	comma := r.accept(",")
	return r.accept("and") || comma
}

// clauseWords begin the clauses, so that no model is called like them.
var clauseWords = []string{"per", "in", "soft", "warn", "downgrade", "without", "ready"}

// clauses read what a word of the terms begins.
var clauses = map[string]func(t *terms, r *reader) error{
	"per": (*terms).readPer, "in": (*terms).readInAll, "soft": (*terms).readSoft, "warn": (*terms).readWarn,
	"downgrade": (*terms).readDowngrade, "without": (*terms).readWithout,
	"ready": (*terms).readReady,
}

// read reads the terms of a budget: each clause at most once, in any order.
// Without a window it is per month.
func (t *terms) read(words []string) error {
	// The rest of the zero terms is a limit without any policy: it warns nobody and switches nothing off.
	t.Window = budget.Month
	// Commas become words of their own, so "50%,95%" and "50%, 95%" read alike.
	r := &reader{strings.Fields(strings.ReplaceAll(strings.Join(words, " "), ",", " , "))}
	seen := map[string]bool{}
	for len(r.words) > 0 {
		word := r.peek()
		clause, ok := clauses[word]
		if !ok {
			return wrong(fmt.Sprintf("I do not understand %q. After the amount there may be per day, per week, per month or in all, and then soft, warn, downgrade, without and ready.",
				said(strings.Join(r.words, " "))), exampleWindow)
		}
		// "in all" and "per week" are the same clause, and stand there once together.
		name := map[string]string{"in": "per"}[word]
		if name == "" {
			name = word
		}
		// Of two that contradict each other nobody knows which one was meant.
		if seen[name] {
			return wrong(fmt.Sprintf("You wrote %q twice. Which one do you mean?", name), exampleWindow)
		}
		seen[name] = true
		r.take()
		if err := clause(t, r); err != nil {
			return err
		}
	}
	// What holds across clauses is looked at when all of them have been read, since they come in any order.
	return t.sensible()
}

// readPer reads what follows "per".
func (t *terms) readPer(r *reader) error {
	word := r.take()
	if t.Window = windows[strings.ToLower(word)]; t.Window == "" {
		return wrong(fmt.Sprintf("I do not understand %q. A budget is per day, per week, per month or in all.", "per "+said(word)), exampleWindow)
	}
	return nil
}

// readInAll reads what follows "in": a budget that never starts anew.
func (t *terms) readInAll(r *reader) error {
	if !r.accept("all") {
		return wrong("A budget is per day, per week, per month or in all.", "set team 200 in all")
	}
	t.Window = budget.None
	return nil
}

// readSoft reads the mark from which on people are warned and things are switched off.
func (t *terms) readSoft(r *reader) error {
	mark, why := ReadPercent(r.take())
	if why != "" {
		return wrong(why, exampleSoft)
	}
	t.Policy.Soft = mark
	return nil
}

// readWarn reads marks: "warn 50%, 95%", also with "at" and "and".
func (t *terms) readWarn(r *reader) error {
	r.accept("at")
	for {
		mark, why := ReadPercent(r.take())
		if why != "" {
			return wrong(why, exampleWarn)
		}
		t.Policy.Warn = append(t.Policy.Warn, mark)
		if !r.more() {
			return nil
		}
	}
}

// readDowngrade reads which cheaper models may stand in: for any, or each for one.
//
//	downgrade codestral-2508            whatever was asked, this one writes
//	downgrade a to b, c to d            each for one
func (t *terms) readDowngrade(r *reader) error {
	r.accept("to")
	for {
		d := budget.Downgrade{To: kit.FromSlack(r.take())}
		if r.accept("to") {
			d = budget.Downgrade{From: d.To, To: kit.FromSlack(r.take())}
		}
		// A model's name is not checked here: which there are, the service knows.
		if d.To == "" || d.To == "," || d.From == "," || slices.Contains(clauseWords, d.To) {
			return wrong("Which model should write instead? Name one, or several in the order to try them.", exampleDowngrade)
		}
		t.Policy.Downgrade = append(t.Policy.Downgrade, d)
		if !r.more() {
			return nil
		}
	}
}

// readWithout reads what is switched off past the soft limit.
func (t *terms) readWithout(r *reader) error {
	for {
		ability, ok := readAbility(r)
		if !ok {
			return wrong("What should be switched off? You can name upload, long runs, network and model NAME.", exampleWithout)
		}
		t.Policy.Without = append(t.Policy.Without, ability)
		if !r.more() {
			return nil
		}
	}
}

// readReady reads what a sandbox may cost that is kept ready while one question is reviewed.
func (t *terms) readReady(r *reader) (err error) {
	amount, why := ReadAmount(r.take())
	if why != "" {
		return wrong(why, exampleReady)
	}
	t.Policy.Ready = amount
	return nil
}

// readAbility reads one thing that can be switched off.
func readAbility(r *reader) (budget.Ability, bool) {
	switch strings.ToLower(r.take()) {
	case "upload", "uploads":
		return budget.Upload, true
	case "network":
		return budget.Network, true
	// "long" alone is nothing that can be switched off.
	case "long":
		return budget.LongRuns, r.accept("runs")
	case "model":
		name := kit.FromSlack(r.take())
		return budget.WithoutModel(name), name != "" && name != ","
	}
	return "", false
}

// ReadPercent reads a mark, 80% or 80; why says what is wrong with it.
//
// It is a share of the budget's amount, in whole percent.
func ReadPercent(word string) (mark int, why string) {
	mark, err := strconv.Atoi(strings.TrimSuffix(word, "%"))
	if err != nil || mark < 1 || mark > 100 {
		return 0, fmt.Sprintf("%q is not a share of a budget. Write it like 80%%, from 1%% to 100%%.", said(word))
	}
	return mark, ""
}

// sensible puts the marks into order and refuses what says nothing.
//
// The bounds keep what is shown of a budget to a few lines.
func (t *terms) sensible() error {
	slices.Sort(t.Policy.Warn)
	t.Policy.Warn = slices.Compact(t.Policy.Warn)
	if len(t.Policy.Warn) > 10 {
		return wrong("That is too many marks: at most 10.", exampleWarn)
	}
	if len(t.Policy.Downgrade) > 10 || len(t.Policy.Without) > 10 {
		return wrong("That is too many: at most 10 of each.", exampleWithout)
	}
	return nil
}
