package pack

import (
	"fmt"
	"strings"
	"time"
)

// Shown tells whether all holds and it is shown by whom: a key or a checkpoint that the
// reader has brought covers every entry.
func (r Report) Shown() bool {
	return r.By != "" && r.Bound && r.Covered == r.Last-r.First && len(r.Uncovered) == 0
}

// Sentences say what holds, and what does not follow from it. Each case that is short of Shown has a
// sentence of its own: whoever reads a report reads the first line, and takes "whole" for "true".
func (r Report) Sentences() string {
	var b strings.Builder
	entries := r.Last - r.First
	switch {
	case r.Shown():
		fmt.Fprintf(&b, "It holds: nothing was changed, left out, added or moved since %s, as %s shows.\n", r.Made, r.By)
	case r.By == "":
		b.WriteString("Whole in itself, but nothing shows who made it: name the installation's key with --key, or a checkpoint that you have kept with --checkpoint. The key is not taken from the pack.\n")
	case r.Covered == entries:
		fmt.Fprintf(&b, "Whole in itself. %s shows who made each of its %d entries, but not what the pack says of itself.\n", capital(r.By), entries)
	default:
		fmt.Fprintf(&b, "Whole in itself. %s shows who made the first %d of its %d entries, and not the rest.\n", capital(r.By), r.Covered, entries)
	}
	if r.Complete() {
		fmt.Fprintf(&b, "Complete: %s, %s of the log, from %s to %s.\n", several(r.Requests, "request", "requests"), several(entries, "entry", "entries"), day(r.From), day(r.To))
	} else {
		fmt.Fprintf(&b, "A selection: %d of %d requests, %d of %d entries of the log, from %s to %s.\n", r.Showing, r.Requests, r.Visible, entries, day(r.From), day(r.To))
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
		{r.Unregistered, "It is not in the pack when the SSH keys were registered that signed decisions, and so not known whether that was 24 hours before, for"},
	} {
		if len(one.list) > 0 {
			fmt.Fprintf(&b, "%s %s.\n", one.says, strings.Join(one.list, ", "))
		}
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
