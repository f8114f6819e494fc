package pack

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Shown tells whether all holds and it is shown by whom: a key or a checkpoint that the
// reader has brought covers every entry, and all that was decided kept the rules.
func (r Report) Shown() bool { return len(r.Faults) == 0 && r.covered() }

// covered tells whether whoever the reader trusts has signed all of it, the pack's own counts included.
func (r Report) covered() bool {
	return r.By != "" && r.Bound && r.Covered == r.Last-r.First && len(r.Uncovered) == 0
}

// Sentences say what holds, and what does not follow from it. Each case that is short of Shown has a
// sentence of its own: whoever reads a report reads the first line, and takes "whole" for "true".
// In this order: what does not hold, whether it is whole and by whose word, how much of the log it is,
// exceptions that were made (broken glasses), what is not known, and what no checkpoint covers yet.
func (r Report) Sentences() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintln(&b, plainLine(fmt.Sprintf(format, args...))) }
	entries := r.Last - r.First
	if n := len(r.Faults); n > 0 {
		say("It does not hold: %s did not keep the rules.", several(n, "thing", "things"))
		// A terminal shows that much in one look.
		for _, f := range r.Faults[:min(n, 50)] {
			say("  %s: %s.", f.Name, f.sentence())
		}
		if n > 50 {
			say("  And %d more; the page names them all.", n-50)
		}
	}
	switch {
	case r.covered() && len(r.Faults) > 0:
		say("The pack itself is whole: nothing was changed, left out, added or moved since %s, as %s shows. So this is what was written down at the time.", r.Signed, r.By)
	case r.Shown():
		say("It holds: nothing was changed, left out, added or moved since %s, as %s shows.", r.Signed, r.By)
	case r.By == "":
		say("Whole in itself, but nothing shows who made it: name the installation's key with --key, or a checkpoint that you have kept with --checkpoint. The key is not taken from the pack.")
	case r.Covered == entries:
		say("Whole in itself. %s shows that each of its %d entries stood in the log, but not what the pack says of itself.", capital(r.By), entries)
	default:
		say("Whole in itself. %s shows that the first %d of its %d entries stood in the log, and not the rest.", capital(r.By), r.Covered, entries)
	}
	if len(r.Held) > 0 {
		say("Held against your %s, the same as in the pack.", checkpoints(r.Held))
	}
	if len(r.Apart) > 0 {
		say("Not compared, as the pack does not have it: your %s.", checkpoints(r.Apart))
	}
	if r.Complete() {
		say("Complete: %s, %s of the log, from %s up to %s.", several(r.Requests, "request", "requests"), several(entries, "entry", "entries"), day(r.From), day(r.Until()))
	} else {
		say("A selection: %d of %d requests, %d of %d entries of the log, from %s up to %s.", r.Showing, r.Requests, r.Visible, entries, day(r.From), day(r.Until()))
	}
	if n := len(r.Unapproved); n > 0 {
		say("Nobody approved %d of the runs; somebody broke the glass for each: %s.", n, strings.Join(r.Unapproved, ", "))
	}
	for _, one := range []struct {
		list []string
		says string
	}{
		{r.Disowned, "Whoever broke the glass says that it was not them, for"},
		{r.Unlooked, "Two others have not looked within 24 hours at what ran without an approval, for"},
		{r.Unnamed, "It is not in the pack who was named for break-glass, and so not known whether the one who broke it had been for 24 hours, for"},
	} {
		if len(one.list) > 0 {
			say("%s %s.", one.says, strings.Join(one.list, ", "))
		}
	}
	// What cannot be known is told after what is wrong, and never changes the exit code: it is no fault of anybody's.
	for _, d := range doubts(r.Doubts) {
		say("Not known of %s: %s (%s).", d.Count(), d.Says, strings.Join(d.requests[:min(len(d.requests), 20)], ", "))
	}
	if !r.Complete() && len(r.Faults) == 0 {
		say("Who had which role, by which rules, and which keys were theirs, is held against the entries that were brought along for it; that none is held back is the installation's word.")
	}
	if !r.Complete() {
		say("That no later entry of what it shows, and no request that belongs to it, is left out is the installation's word.")
	}
	if n := len(r.Unknown); n > 0 {
		say("Of %d runs it is not in the pack how many approvals they needed; each had one at least: %s.", n, strings.Join(r.Unknown[:min(n, 50)], ", "))
	}
	if r.Bare > 0 {
		say("Of %d values only the hash is here: they were forgotten, held back or too long.", r.Bare)
	}
	switch {
	case r.Bound:
	case r.Binds > 0:
		say("Not shown: the page, the tables, the names and the counts. For these bring a checkpoint that covers more than %d entries, or the installation's key.", r.Binds-1)
	default:
		say("No checkpoint covers the entry that the making of the pack has left: what it says of its own counts is its word alone.")
	}
	if n := len(r.Uncovered); n > 0 {
		say("No checkpoint covers these %d yet:", n)
		for _, what := range r.Uncovered[:min(n, 50)] {
			say("  %s", what)
		}
	}
	return b.String()
}

// plainLine is text as one line of a terminal, which obeys none of it. A pack comes from somebody whom its reader does not
// trust: a stream with a line end or an escape in its name could else draw a verdict of its own over ours.
func plainLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// doubt is what is not known of requests.
type doubt struct {
	Says     string
	requests []string
}

// Count is how many requests it is about.
func (d doubt) Count() string { return several(len(d.requests), "request", "requests") }

// doubts gathers them by what is not known, in the order of the log.
// One sentence for many requests: a pack of a year would else repeat it a thousand times.
func doubts(list []Fault) (all []doubt) {
	for _, f := range list {
		i := slices.IndexFunc(all, func(d doubt) bool { return d.Says == f.Says })
		if i < 0 {
			i = len(all)
			all = append(all, doubt{Says: f.Says})
		}
		if !slices.Contains(all[i].requests, f.Request) {
			all[i].requests = append(all[i].requests, f.Request)
		}
	}
	return all
}

// capital begins a sentence with words that stand in the middle of others as well; they are ours, in ASCII.
func capital(words string) string { return strings.ToUpper(words[:1]) + words[1:] }

// checkpoints names some by their numbers, 50 at most.
func checkpoints(numbers []int64) string {
	var list []string
	for _, n := range numbers[:min(len(numbers), 50)] {
		list = append(list, fmt.Sprint(n))
	}
	switch n := len(numbers); {
	case n == 1:
		return "checkpoint " + list[0]
	case n > 50:
		return "checkpoints " + strings.Join(list, ", ") + fmt.Sprintf(" and %d more", n-50)
	}
	last := len(list) - 1
	return "checkpoints " + strings.Join(list[:last], ", ") + " and " + list[last]
}

// day is in UTC: the pack's own zone is its maker's.
func day(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 MST") }

// several is a number of things, with their name.
func several[N int | int64](n N, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
