package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"countersign/approval"
	"countersign/bot"
	"countersign/storage"
)

// decideExample ends every complaint about how the command was called.
const decideExample = "An example: countersign decide k7q2mxd approve --as U012ABCDEF --digest 3f9a1c; countersign decide k7q2mxd alone shows what there is to decide"

// decideOrder is what the command line says.
type decideOrder struct {
	id, verdict        string
	as, digest, reason string
}

// decide is the other door: what reviewers decide in Slack can be decided here, by
// the same rules, and what the rules keep out of Slack only here. Without a verdict
// it shows what there is to decide.
func decide(ctx context.Context, p program) error {
	order, err := readDecideArgs(p.args)
	if err != nil {
		return fmt.Errorf("%w. %s", err, decideExample)
	}
	if p.SlackBotToken == "" {
		return errors.New("SLACK_BOT_TOKEN is not set: who decides is looked up in Slack, now, as for a click there")
	}
	url, stop, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if pending, err := storage.Pending(ctx, url); err == nil && len(pending) > 0 {
		return errors.New("the database is not up to date: run countersign migrate first")
	}
	db, err := storage.Open(ctx, url, storage.Options{Location: p.location, Quorum: p.Quorum, Log: p.log})
	if err != nil {
		return err
	}
	defer db.Close()
	slack := bot.New(bot.Options{BotToken: string(p.SlackBotToken), APIURL: p.SlackAPIURL, Policy: p.policy, Log: p.log})
	service := &approval.Service{Store: db, Slack: slack, Prices: p.prices, Policy: p.policy(), Log: p.log}
	view, err := service.View(ctx, order.id)
	if errors.Is(err, approval.ErrNotFound) {
		return fmt.Errorf("there is no request %s", order.id)
	}
	if err != nil {
		return err
	}
	if order.verdict == "" {
		return textCard(p.out, view, namesOf(ctx, slack, view.Request.Team))
	}
	return order.give(ctx, p, service, view)
}

// readDecideArgs reads ID, verdict and flags, in this order.
func readDecideArgs(args []string) (o decideOrder, err error) {
	if len(args) == 0 {
		return o, errors.New("which request")
	}
	o.id = strings.ToLower(args[0])
	if len(args) == 1 {
		return o, nil
	}
	o.verdict = args[1]
	if o.verdict != string(approval.Approve) && o.verdict != string(approval.Reject) {
		return o, fmt.Errorf("a decision is approve or reject, not %q", o.verdict)
	}
	flags := flag.NewFlagSet("decide", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.as, "as", "", "")
	flags.StringVar(&o.digest, "digest", "", "")
	flags.StringVar(&o.reason, "reason", "", "")
	if err := flags.Parse(args[2:]); err != nil {
		return o, err
	}
	switch o.digest = strings.ToLower(o.digest); {
	case flags.NArg() > 0:
		return o, fmt.Errorf("%q is not understood", flags.Arg(0))
	case o.as == "":
		return o, errors.New("--as says who decides, by their Slack member id")
	case len(o.digest) < 6:
		return o, errors.New("--digest is the beginning of the digest of what you have read, at least 6 characters")
	}
	return o, nil
}

// give decides, by the rules that hold in Slack, too.
func (o decideOrder) give(ctx context.Context, p program, service *approval.Service, v *approval.View) error {
	rev := v.Request.Revision
	if rev == nil || !strings.HasPrefix(rev.Digest, o.digest) {
		return fmt.Errorf("nothing with a digest that begins with %s waits for a decision here. Read it again: countersign decide %s", o.digest, o.id)
	}
	r, err := service.Decide(ctx, approval.Ruling{RequestID: o.id, Revision: rev.Number, Digest: rev.Digest, Verdict: approval.Verdict(o.verdict),
		Reason: o.reason, Typed: o.digest, Click: approval.Click{Team: v.Request.Team, User: o.as, Door: approval.CommandLine}})
	if err != nil {
		return inWords(err, o.id)
	}
	switch {
	case r.State == approval.Pending:
		fmt.Fprintf(p.out, "Approved: %d of %d approvals. It waits for more.\n", r.Approvals(), r.Needs(service.Policy))
	case r.State == approval.Rejected:
		fmt.Fprintln(p.out, "Rejected. The asker gets to read why.")
	default:
		fmt.Fprintln(p.out, "Approved. It runs as soon as a replica of Countersign takes it up.")
	}
	return nil
}

// inWords are the errors of a decision as people read them.
func inWords(err error, id string) error {
	var no *approval.NotAllowedError
	var move *approval.MoveError
	var stale *approval.StaleError
	switch {
	case errors.As(err, &no):
		return errors.New(no.Why)
	case errors.As(err, &stale):
		return fmt.Errorf("the code has changed since. Read it again: countersign decide %s", id)
	case errors.As(err, &move) && move.Why != "":
		return errors.New(move.Why)
	case errors.As(err, &move):
		return fmt.Errorf("it does not wait for a decision: it is %s", move.Request.State)
	}
	return err
}

// namesOf shows people by their names where Slack tells them.
func namesOf(ctx context.Context, slack *bot.Bot, team string) func(user string) string {
	return func(user string) string {
		if person, err := slack.Person(ctx, team, user); err == nil && person.Name != "" {
			return person.Name + " (" + user + ")"
		}
		return user
	}
}

// textCard prints what a reviewer's card in Slack shows.
func textCard(out io.Writer, v *approval.View, name func(string) string) error {
	r := v.Request
	line := func(label, format string, args ...any) {
		fmt.Fprintf(out, "%-10s %s\n", label, fmt.Sprintf(format, args...))
	}
	line("Request", "%s, %s", r.ID, r.State)
	line("Asked by", "%s", name(r.Asker))
	line("Question", "%s", strings.ReplaceAll(r.Question, "\n", "\n           "))
	for _, f := range r.Files {
		line("File", "%s", f.Name)
		for _, t := range f.Tables {
			line("", "%d rows, %d columns %s", t.Rows, len(t.Columns), t.Name)
		}
	}
	if r.Revision == nil {
		line("Code", "not written yet")
		return nil
	}
	rev, m := r.Revision, r.Revision.Manifest
	if rev.Summary != "" {
		line("Summary", "%s\n           (these are the model's words, not proof of anything)", strings.ReplaceAll(rev.Summary, "\n", "\n           "))
	}
	line("Risk", "%s %s", v.Terms.Tier, strings.Join(v.Terms.Why, " "))
	for _, f := range rev.Findings {
		line(strings.ToUpper(string(f.Level)), "line %d: %s", f.Line, f.Text)
	}
	line("Sandbox", "%s, %d s, %d MB; network: %s", m.Sandbox, m.Limits.Seconds, m.Limits.MemoryMB, orNone(m.Network))
	line("Costs", "at most %s", m.CostCap)
	line("Approvals", "%d of %d", r.Approvals(), v.Terms.Approvals)
	for _, d := range r.Decisions {
		line("", "%s: %s, %s", name(d.Reviewer), d.Verdict, d.At.UTC().Format(time.RFC3339))
	}
	if r.State == approval.Pending {
		line("Until", "%s", r.ExpiresAt.UTC().Format(time.RFC3339))
	}
	if !v.Frozen.IsZero() {
		line("Waits", "until %s: %s", v.Frozen.Format(time.RFC3339), v.FrozenBy)
	}
	fmt.Fprintf(out, "\nVersion %d, by %s:\n\n", rev.Number, rev.Author)
	for i, text := range strings.Split(strings.TrimSuffix(rev.Code, "\n"), "\n") {
		fmt.Fprintf(out, "%5d  %s\n", i+1, text)
	}
	fmt.Fprintf(out, "\nDigest     %s\n", rev.Digest)
	if r.State == approval.Pending {
		fmt.Fprintf(out, "To decide: countersign decide %s approve --as YOUR_SLACK_ID --digest %s\n", r.ID, rev.Digest[:6])
	}
	return nil
}

func orNone(hosts []string) string {
	if len(hosts) == 0 {
		return "none"
	}
	return strings.Join(hosts, ", ")
}
