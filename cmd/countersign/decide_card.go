package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/sshkey"
	"countersign/approval/steps"
	"countersign/bot"
	"countersign/bot/draw"
	"countersign/bot/kit"
)

// namesOf shows people by their names where Slack tells them, with the id beside: a name is what its owner typed.
// An error of Slack's is no reason to show nothing: then the id stands alone.
func namesOf(ctx context.Context, slack *bot.Bot, team string) func(user string) string {
	return func(user string) string {
		if person, err := slack.Person(ctx, team, user); err == nil && person.Name != "" {
			return approval.Plain(person.Name) + " (" + user + ")"
		}
		return user
	}
}

// textCard prints what a reviewer's card in Slack shows, from the same View. Whatever a person, a model
// or a file wrote goes through Plain: a terminal obeys characters that nobody sees, and could show
// other code than the one that is approved.
//
//	Request    k7q2mxd, pending
//	Asked by   Maya Lindt (U0MAYA)
//	Question   What were sales per month in sales.csv?
//	File       sales.csv, shared by …
//	Risk       high The inspection found 2 dangers.
//	DANGER     line 3: starts another program
//	Sandbox    local, 120 s, 1024 MB; network: none
//
//	Version 1, by codestral-2508:
//
//	    1  from desk import load
//
// Times are in UTC here: a terminal's zone is not the team's, and the log has UTC too.
func textCard(out io.Writer, v *steps.View, name func(string) string) error {
	r := v.Request
	line := func(label, format string, args ...any) {
		fmt.Fprintf(out, "%-10s %s\n", label, fmt.Sprintf(format, args...))
	}
	line("Request", "%s, %s", r.ID, r.State)
	if r.State == approval.Pending && !r.Reason.None() {
		line("Back", "because: %s", indented(spoken(draw.Back(r.Reason, 1000), name)))
	}
	for _, earlier := range v.Earlier {
		line("Before", "%s", indented(earlier))
	}
	line("Asked by", "%s%s", name(r.Asker), map[bool]string{true: ", a guest"}[r.Guest])
	if r.Shared {
		line("", "in a channel that is shared with another organisation (Slack Connect), whose people read the answer there")
	}
	line("Question", "%s", indented(r.Question))
	for _, f := range r.Files {
		shared := ""
		if by := f.Shared; by != nil {
			shared = ", shared by " + name(by.By) + ", " + by.At.UTC().Format(time.RFC3339)
		}
		line("File", "%s%s", approval.Plain(f.Name), shared)
		for _, t := range f.Tables() {
			line("", "%d rows, %d columns %s", t.Rows, len(t.Columns), approval.Plain(t.Name))
			line("", "columns: %s", approval.Plain(strings.Join(columnsOf(t), "; ")))
			line("", "read as %s", approval.Plain(t.Words(*f.Reading)))
			for _, o := range t.Odd {
				line("", "%s", approval.Plain(o.Words()))
			}
		}
	}
	if r.Revision == nil {
		line("Code", "not written yet")
		return nil
	}
	rev, m := r.Revision, r.Revision.Manifest
	if rev.Summary != "" {
		line("Summary", "%s\n           (these are the model's words, not proof of anything)", indented(rev.Summary))
	}
	for _, refused := range r.Refused {
		line("Refused", "an earlier draft: %s", indented(refused.Reason))
	}
	line("Risk", "%s %s", v.Terms.Tier, approval.Plain(strings.Join(v.Terms.Why, " ")))
	for _, f := range rev.Findings {
		line(strings.ToUpper(string(f.Level)), "line %d: %s", f.Line, approval.Plain(f.Text))
	}
	line("Sandbox", "%s, %d s, %d MB; network: %s", m.Sandbox, m.Limits.Seconds, m.Limits.MemoryMB, orNone(m.Network))
	line("Costs", "at most %s", m.CostCap)
	line("Approvals", "%d of %d", r.Approvals(), v.Terms.Approvals)
	if g := r.Glass; g != nil {
		line("GLASS", "nobody approved this: %s broke the glass, %s: %s", name(g.Person), g.At.UTC().Format(time.RFC3339), approval.Plain(g.Reason))
	}
	for _, d := range r.Decisions {
		line("", "%s: %s, %s%s", name(d.Reviewer), d.Verdict, d.At.UTC().Format(time.RFC3339), elsewhere(d.Click))
	}
	if r.State == approval.Pending {
		line("Until", "%s", r.ExpiresAt.UTC().Format(time.RFC3339))
	}
	if !v.Frozen.IsZero() {
		line("Waits", "until %s: %s", v.Frozen.Format(time.RFC3339), approval.Plain(v.FrozenBy))
	}
	if v.Former != nil {
		changes(out, v, name)
	}
	fmt.Fprintf(out, "\nVersion %d, by %s:\n\n", rev.Number, approval.Plain(rev.Author))
	// The code needs no Plain: it is canonical (approval/canonical.go), which has none of these.
	for i, text := range strings.Split(strings.TrimSuffix(rev.Code, "\n"), "\n") {
		fmt.Fprintf(out, "%5d  %s\n", i+1, text)
	}
	fmt.Fprintf(out, "\nDigest     %s\n", rev.Digest)
	if r.State == approval.Pending {
		fmt.Fprintf(out, "To decide: countersign decide %s approve --as YOUR_SLACK_ID --digest %s\n", r.ID, rev.Digest[:6])
		fmt.Fprintln(out, "Or, with --reason: reject, or changes to have another version written.")
		if approval.WantsKey(r, approval.Click{Door: approval.CommandLine}) {
			fmt.Fprintln(out, "It is of high risk: your ssh-agent has to sign, with a key that you have registered on the bot's Home in Slack (SSH keys) at least 24 hours before.")
		}
	}
	return nil
}

// columnsOf are the first hundred columns of a table, each with its type, and how many more there are: a
// terminal shows no more in one look.
func columnsOf(t reading.Table) (names []string) {
	for _, c := range t.Columns[:min(100, len(t.Columns))] {
		names = append(names, c.Name+" ("+c.Words()+")")
	}
	if more := len(t.Columns) - 100; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return names
}

// elsewhere says who sat where a decision was given that was not given in Slack.
func elsewhere(c approval.Click) string {
	if c.Door == "" {
		return ""
	}
	return ", on the " + c.Door + " as " + approval.Plain(c.Seat()) + withKey(c)
}

// withKey names the SSH key that signed a decision, where one did.
func withKey(c approval.Click) string {
	if c.Key == "" {
		return ""
	}
	return ", signed with " + sshkey.Print(c.Key)
}

// changes are what is new since the version before, and who wanted it so.
func changes(out io.Writer, v *steps.View, name func(string) string) {
	all := approval.Diff(v.Former.Code, v.Request.Revision.Code)
	fmt.Fprintf(out, "\nSince version %d: %s\n", v.Former.Number, draw.ChangedWords(all))
	for _, w := range v.Request.Wishes {
		if w.Revision == v.Former.Number {
			fmt.Fprintf(out, "%s wrote: %s\n", name(w.By), indented(w.Words))
		}
	}
	for _, line := range draw.DiffText(all) {
		fmt.Fprintf(out, "%s\n", line)
	}
}

// indented is a text of somebody's beside its label, with nothing in it that a
// terminal obeys.
// Eleven blanks are the label and the blank behind it (line in textCard).
func indented(text string) string {
	return strings.ReplaceAll(approval.Plain(text), "\n", "\n           ")
}

// orNone says of an empty list that it is empty: a blank could be an oversight.
func orNone(hosts []string) string {
	if len(hosts) == 0 {
		return "none"
	}
	return strings.Join(hosts, ", ")
}

// spoken is a sentence as the terminal has it, with people by their names. The reasons that it is given
// (draw.Back) have parts of these two kinds only.
func spoken(said []kit.Part, name func(string) string) (text string) {
	for _, part := range said {
		switch part := part.(type) {
		case kit.Person:
			text += name(string(part))
		case kit.Words:
			text += string(part)
		}
	}
	return text
}
