package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot"
	"countersign/bot/draw/reasons"
)

// decideExample ends every complaint about how the command was called.
const decideExample = "An example: countersign decide k7q2mxd approve --as U012ABCDEF --digest 3f9a1c; countersign decide k7q2mxd alone shows what there is to decide, and with --as also notes who has opened it"

// decideOrder is what the command line says. as is a claim: who sits there is recorded beside it (seat.go).
type decideOrder struct {
	id, verdict        string
	as, digest, reason string
}

// decide is the other door: what reviewers decide in Slack can be decided here, by
// the same rules, and what the rules keep out of Slack only here. Without a verdict
// it shows what there is to decide.
// It shares steps.Decide with the handlers of Slack, so roles, quorum, freezes and the seal are checked there
// and not here. What is of this door alone: who sits here (seat.go), the minute before it runs, and the SSH key
// for high risk.
func decide(ctx context.Context, p program) error {
	order, err := readDecideArgs(p.args)
	if err != nil {
		return fmt.Errorf("%w. %s", err, decideExample)
	}
	if p.SlackBotToken == "" {
		return errors.New("SLACK_BOT_TOKEN is not set: who decides is looked up in Slack, now, as for a click there")
	}
	db, _, stop, err := openSigned(ctx, p)
	if err != nil {
		return err
	}
	defer stop()
	// No sandbox and no writer: what follows a decision is serve's, which finds the job in the database.
	slack := bot.New(bot.Options{BotToken: string(p.SlackBotToken), APIURL: p.SlackAPIURL, Policy: p.policy, Log: p.log})
	service := steps.New(steps.Ports{Store: db, Slack: slack, Sandbox: steps.NoSandbox{}, Log: p.log},
		steps.Settings{Prices: p.prices, Policy: p.policy()})
	view, err := service.View(ctx, order.id)
	if errors.Is(err, approval.ErrNotFound) {
		return fmt.Errorf("there is no request %s", order.id)
	}
	if err != nil {
		return err
	}
	if order.verdict == "" {
		// Who says who they are has opened the code, which counts for rules that want it read. Without --as nobody has.
		if err := textCard(p.out, view, namesOf(ctx, slack, view.Request.Team)); err != nil || order.as == "" || view.Request.Revision == nil {
			return err
		}
		click, err := seated(approval.Click{Team: view.Request.Team, User: order.as, Door: approval.CommandLine}, p.seat)
		if err != nil {
			return err
		}
		return service.Opened(ctx, order.id, view.Request.Revision.Number, click)
	}
	return order.give(ctx, p, service, view)
}

// readDecideArgs reads ID, verdict and flags, in this order. The digest has to be typed, its first six
// characters at least: it is what a button in Slack carries, and shows that this version was read.
func readDecideArgs(args []string) (o decideOrder, err error) {
	if len(args) == 0 {
		return o, errors.New("name the request")
	}
	o.id = strings.ToLower(args[0])
	if len(args) == 1 {
		return o, nil
	}
	if o.verdict = args[1]; o.verdict == "--as" && len(args) == 3 {
		return decideOrder{id: o.id, as: args[2]}, nil
	}
	if !slices.Contains([]approval.Verdict{approval.Approve, approval.Reject, approval.Rewrite}, approval.Verdict(o.verdict)) {
		return o, fmt.Errorf("a decision is approve, reject or changes, not %q", o.verdict)
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
	// Six characters of sixteen kinds: enough that nobody hits another version of the same request by chance.
	case len(o.digest) < 6:
		return o, errors.New("--digest is the beginning of the digest of what you have read, at least 6 characters")
	}
	return o, nil
}

// give decides, by the rules that hold in Slack, too. What to sign is asked first, because it has a
// number that is used once; between the two somebody else may decide, and then Decide refuses.
// The digest is compared with the version that is stored now, and Decide holds the whole of it against the row
// once more under its lock.
func (o decideOrder) give(ctx context.Context, p program, service *steps.Steps, v *steps.View) error {
	rev := v.Request.Revision
	if rev == nil || !strings.HasPrefix(rev.Digest, o.digest) {
		return fmt.Errorf("nothing whose digest begins with %s is waiting for a decision. Read it again: countersign decide %s", o.digest, o.id)
	}
	click, err := seated(approval.Click{Team: v.Request.Team, User: o.as, Door: approval.CommandLine}, p.seat)
	if err != nil {
		return err
	}
	ruling := steps.Ruling{RequestID: o.id, Revision: rev.Number, Digest: rev.Digest, Verdict: approval.Verdict(o.verdict),
		Reason: o.reason, Typed: o.digest, Click: click}
	what, keys, err := service.ToSign(ctx, ruling)
	if err != nil {
		return inWords(err, o.id)
	}
	// No keys mean that this decision needs no signature; a refusal came as the error above.
	if len(keys) > 0 {
		if ruling.Click, err = signedBy(ctx, p, ruling.Click, what, keys); err != nil {
			return err
		}
	}
	r, err := service.Decide(ctx, ruling)
	if err != nil {
		return inWords(err, o.id)
	}
	// By what has become of the request, and not by what was typed: an approval may be one of several.
	switch {
	case r.State == approval.Pending:
		fmt.Fprintf(p.out, "Approved: %d of %d approvals. It needs more.\n", r.Approvals(), r.Needs(service.Policy))
	case r.State == approval.Drafting:
		fmt.Fprintln(p.out, "Changes requested. Another version is written, and waits for its own decision.")
	case r.State == approval.Rejected:
		fmt.Fprintln(p.out, "Rejected. The asker will read why.")
	default:
		fmt.Fprintf(p.out, "Approved. It runs in a minute, unless %s says in Slack that it was not them.\n", o.as)
	}
	fmt.Fprintf(p.out, "Recorded beside %s: %s%s. A direct message tells them.\n", o.as, click.Seat(), withKey(ruling.Click))
	return nil
}

// inWords are the errors of a decision as people read them. Any other error is printed as
// it is: whoever sits here may read the log as well.
func inWords(err error, id string) error {
	var no *approval.NotAllowedError
	var move *approval.MoveError
	var stale *approval.StaleError
	var input *approval.InputError
	switch {
	// Here the way out is another command than in Slack, so these words are of this door.
	case errors.As(err, &input) && input.Why.Code == approval.WhyNotOpened:
		return fmt.Errorf("code of this risk is read first, and a while later approved: countersign decide %s --as YOUR_ID shows it and notes when you have opened it", id)
	case errors.As(err, &input):
		return errors.New(reasons.Words(input.Why))
	case errors.As(err, &no):
		return errors.New(reasons.Refused(no.Why))
	case errors.As(err, &stale):
		return fmt.Errorf("the code has changed since. Read it again: countersign decide %s", id)
	case errors.As(err, &move) && !move.Why.None():
		return errors.New(reasons.Words(move.Why))
	case errors.As(err, &move):
		return fmt.Errorf("it is not waiting for a decision: it is %s", move.Request.State)
	}
	return err
}
