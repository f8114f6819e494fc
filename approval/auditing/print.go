package auditing

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"countersign/approval"
	"countersign/internal/pack"
)

// Print tells a request at a terminal, from its question to its bill, with times in the reader's zone. Questions, code,
// names and whatever a program printed are shown and not obeyed: a terminal would take some of their characters for orders.
func Print(w io.Writer, s *pack.Story, names *pack.Names, zone *time.Location) {
	// The whole text goes through Plain at once, and not each value: nothing can be forgotten that way.
	var told strings.Builder
	tell(&told, s, names, zone)
	fmt.Fprintln(w, approval.Plain(told.String()))
}

// tell writes it as it is.
func tell(w io.Writer, s *pack.Story, names *pack.Names, zone *time.Location) {
	at := func(t time.Time) string { return t.In(zone).Format("2 Jan 2006 15:04:05 MST") }
	who := func(id string, t time.Time) string { return names.Who(id, t) }
	head := func(title string) { fmt.Fprintf(w, "\n%s\n", title) }
	fmt.Fprintf(w, "Request %s\n%s\n\nAsked by %s in %s, %s\n", s.ID, indented(s.Question), who(s.Asker, s.At), who(s.Channel, s.At), at(s.At))
	outcome := s.Outcome
	if s.Error != "" {
		outcome += ": " + s.Error
	}
	fmt.Fprintf(w, "%s. %s in all.\n", outcome, pack.Dollars(s.Total))
	switch {
	case s.Answer != "":
		head("Answer")
		fmt.Fprintln(w, indented(s.Answer))
	// To read it anywhere else leaves an entry that says who did. At a terminal nobody proves who they are.
	case s.Private && s.Run != nil:
		head("Answer")
		fmt.Fprintln(w, "  It is its asker's alone, and not shown here. A pack has it, and an administrator or auditor can read it in Home: both leave an entry.")
	}
	head("Who decided")
	for _, d := range s.Decisions {
		place := ""
		if d.For != "" {
			place = ", in the place of " + who(d.For, d.At)
		}
		why := ""
		if d.Why != "" {
			why = ": " + d.Why
		}
		open := d.HadOpen()
		if open != "" {
			open = ", " + open
		}
		fmt.Fprintf(w, "  %s%s: %s, version %s (seal %.12s), %s, in %s%s%s\n", who(d.Who, d.At), place, d.Verdict, d.Number, d.Digest, at(d.At), d.Door, open, why)
	}
	if len(s.Decisions) == 0 {
		fmt.Fprintln(w, "  Nobody.")
	}
	// Before the versions: these were never sealed, so nobody could have decided on them.
	for _, r := range s.Refused {
		head("Refused draft, " + at(r.At) + ": " + r.Why)
		fmt.Fprintln(w, indented(r.Code))
	}
	for _, v := range s.Versions {
		head(fmt.Sprintf("Version %s by %s, %s, %s risk, needs %s by the rules %s", v.Number, who(v.Author, v.At), at(v.At), v.Tier, v.Approvals, v.Rules))
		fmt.Fprintln(w, indented(v.Code))
		for _, f := range v.Findings {
			fmt.Fprintf(w, "  found: %s\n", f)
		}
		for _, in := range v.Inputs {
			fmt.Fprintf(w, "  file %s, sha256 %s\n%s\n", in.Name, in.SHA256, indented(indented(in.Reading)))
		}
		fmt.Fprintf(w, "  seal %s\n", v.Digest)
		for _, f := range v.Seal {
			fmt.Fprintf(w, "  %s: %s\n", strings.ToLower(f.Name), f.Value)
		}
	}
	if r := s.Run; r != nil {
		head("What ran")
		fmt.Fprintf(w, "  From %s to %s, %s of box time. %s\n", at(r.Start), at(r.End), r.Seconds, r.Watched)
		for _, f := range r.Witness {
			fmt.Fprintf(w, "  %s: %s\n", strings.ToLower(f.Name), f.Value)
		}
		for _, m := range r.Mismatch {
			fmt.Fprintf(w, "  not announced: %s\n", m)
		}
	}
	head("What it cost")
	// One writer for both tables: Flush ends the columns of the first.
	table := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	for _, r := range s.Receipts {
		for i, c := range r.Charges {
			what := c.What
			for _, more := range []string{r.Usage(), r.Bore(i)} {
				if more != "" {
					what += "; " + more
				}
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", at(r.At), r.For, what, pack.Dollars(c.Amount))
		}
	}
	fmt.Fprintf(table, "  Together\t\t\t%s\n", pack.Dollars(s.Total))
	_ = table.Flush()
	head("What happened")
	for _, step := range s.Steps {
		fmt.Fprintf(table, "  %d\t%s\t%s\t%s\n", step.Position, at(step.At), who(step.Actor, step.At), step.What)
	}
	_ = table.Flush() // into a text, like every Fprintf above
}

// indented moves a text to the right. What is no line of a text ends with it.
func indented(text string) string {
	if text = strings.TrimRight(text, "\n"); text == "" {
		return "  (nothing, or its text is gone)"
	}
	return "  " + strings.ReplaceAll(text, "\n", "\n  ")
}
