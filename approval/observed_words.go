package approval

import (
	"slices"
	"strings"
)

// Words says what is known of what a program did and by whose word, as a head and what follows
// it. list names a few things and counts the rest. Only a complete account says that something
// did not happen.
func (o Observed) Words(list func([]string) string) (head, rest string) {
	w := o.Witness
	if w == nil {
		return "Not watched from outside", ": what the code did is not known. Its own process, which can be wrong, says: " +
			seenOf(o.Opened, o.Connected, o.Spawned, list) + "."
	}
	if !w.Complete {
		head, rest = "Not fully known what it did", " ("+strings.Join(w.WhyNot(), "; ")+"). Seen from outside the code: "
		rest += seenOf(w.Opened, w.Connected, w.Started, list) + "."
	} else {
		head, rest = "Seen from outside the code", ": "+didOf(*w, list)
	}
	if hints := o.beside(); len(hints) > 0 {
		rest += " A hint by the code's own process: " + list(hints) + "."
	}
	return head, rest
}

// didOf says what happened and what did not.
func didOf(w Witness, list func([]string) string) string {
	opened, network, programs := "Opened no files.", "No network", "no other programs"
	if len(w.Opened) > 0 {
		opened = "Opened " + list(w.Opened) + "."
	}
	if w.Opened == nil {
		opened = "Files were not watched."
	}
	if w.Connected == nil {
		network = "Network not watched"
	} else if len(w.Connected) > 0 {
		network = "Network: " + list(w.Connected)
	}
	if w.Started == nil {
		programs = "other programs not watched"
	} else if len(w.Started) > 0 {
		programs = "started " + list(w.Started)
	}
	return opened + " " + network + ", " + programs + "."
}

// seenOf says what was seen, and of the rest nothing.
func seenOf(opened, connected, started []string, list func([]string) string) string {
	var parts []string
	for _, part := range []struct {
		verb string
		what []string
	}{{"opened ", opened}, {"network: ", connected}, {"started ", started}} {
		if len(part.what) > 0 {
			parts = append(parts, part.verb+list(part.what))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, "; ")
}

// beside are the hints about files and addresses that say more than the witness.
func (o Observed) beside() (hints []string) {
	for _, what := range slices.Concat(o.Opened, o.Connected) {
		if !slices.Contains(o.Witness.Opened, what) && !slices.Contains(o.Witness.Opened, what+" (written)") && !slices.Contains(o.Witness.Connected, what) {
			hints = append(hints, what)
		}
	}
	for _, name := range o.Witness.Named {
		if !slices.ContainsFunc(slices.Concat(hints, o.Witness.Opened), func(had string) bool { return had == name || strings.HasPrefix(had, name+" (") }) {
			hints = append(hints, name+" (tried)")
		}
	}
	return hints
}
