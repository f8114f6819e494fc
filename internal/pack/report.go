package pack

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Shown tells whether all holds and it is shown by whom: a key or a checkpoint that the
// reader has brought covers every entry, and all that was decided kept the rules.
func (r Report) Shown() bool { return len(r.Faults) == 0 && r.covered() }

func (r Report) covered() bool {
	return r.By != "" && r.Bound && r.Covered == r.Last-r.First && len(r.Uncovered) == 0
}

// Sentences say what holds, and what does not follow from it. Each case that is short of Shown has a
// sentence of its own: whoever reads a report reads the first line, and takes "whole" for "true".
func (r Report) Sentences() string {
	var b strings.Builder
	entries := r.Last - r.First
	if n := len(r.Faults); n > 0 {
		fmt.Fprintf(&b, "It does not hold: %s did not keep the rules.\n", several(n, "thing", "things"))
		for _, f := range r.Faults[:min(n, 50)] {
			fmt.Fprintf(&b, "  %s: %s.\n", f.Name, f.sentence())
		}
		if n > 50 {
			fmt.Fprintf(&b, "  And %d more; the page names them all.\n", n-50)
		}
	}
	switch {
	case r.covered() && len(r.Faults) > 0:
		fmt.Fprintf(&b, "The pack itself is whole: nothing was changed, left out, added or moved since %s, as %s shows. So this is what was written down at the time.\n", r.Signed, r.By)
	case r.Shown():
		fmt.Fprintf(&b, "It holds: nothing was changed, left out, added or moved since %s, as %s shows.\n", r.Signed, r.By)
	case r.By == "":
		b.WriteString("Whole in itself, but nothing shows who made it: name the installation's key with --key, or a checkpoint that you have kept with --checkpoint. The key is not taken from the pack.\n")
	case r.Covered == entries:
		fmt.Fprintf(&b, "Whole in itself. %s shows who made each of its %d entries, but not what the pack says of itself.\n", capital(r.By), entries)
	default:
		fmt.Fprintf(&b, "Whole in itself. %s shows who made the first %d of its %d entries, and not the rest.\n", capital(r.By), r.Covered, entries)
	}
	if r.Complete() {
		fmt.Fprintf(&b, "Complete: %s, %s of the log, from %s up to %s.\n", several(r.Requests, "request", "requests"), several(entries, "entry", "entries"), day(r.From), day(r.Until()))
	} else {
		fmt.Fprintf(&b, "A selection: %d of %d requests, %d of %d entries of the log, from %s up to %s.\n", r.Showing, r.Requests, r.Visible, entries, day(r.From), day(r.Until()))
	}
	if n := len(r.Unapproved); n > 0 {
		fmt.Fprintf(&b, "Nobody approved %d of the runs; somebody broke the glass for each: %s.\n", n, strings.Join(r.Unapproved, ", "))
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
			fmt.Fprintf(&b, "%s %s.\n", one.says, strings.Join(one.list, ", "))
		}
	}
	for _, d := range doubts(r.Doubts) {
		fmt.Fprintf(&b, "Not known of %s: %s (%s).\n", d.Count(), d.Says, strings.Join(d.requests[:min(len(d.requests), 20)], ", "))
	}
	if !r.Complete() && len(r.Faults) == 0 {
		b.WriteString("Who had which role, by which rules, and which keys were theirs, is held against the entries that were brought along for it; that none is held back is the installation's word.\n")
	}
	if n := len(r.Unknown); n > 0 {
		fmt.Fprintf(&b, "Of %d runs it is not in the pack how many approvals they needed; each had one at least: %s.\n", n, strings.Join(r.Unknown[:min(n, 50)], ", "))
	}
	if r.Bare > 0 {
		fmt.Fprintf(&b, "Of %d values only the hash is here: they were forgotten, held back or too long.\n", r.Bare)
	}
	if !r.Bound {
		b.WriteString("No checkpoint covers the entry that the making of the pack has left: what it says of its own counts is its word alone.\n")
	}
	if n := len(r.Uncovered); n > 0 {
		fmt.Fprintf(&b, "No checkpoint covers these %d yet:\n", n)
		for _, what := range r.Uncovered[:min(n, 50)] {
			fmt.Fprintf(&b, "  %s\n", what)
		}
	}
	return b.String()
}

// doubt is what is not known of requests.
type doubt struct {
	Says     string
	requests []string
}

// Count is how many requests it is about.
func (d doubt) Count() string { return several(len(d.requests), "request", "requests") }

// doubts gathers them by what is not known, in the order of the log.
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

func day(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 MST") }

// several is a number of things, with their name.
func several[N int | int64](n N, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
