package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"countersign/approval"
	"countersign/approval/books"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw/home"
	"countersign/budget"
	"countersign/internal/accounts"
	"countersign/storage"
)

// past is what has happened, with the rules that hold now: what books.Replayed plays on.
// It only reads, so it may be used beside a serve.
type past struct {
	storage.History
	people *steps.People
}

// RulesOf implements books.Past by the rules as the use cases see them, defaults included.
func (p past) RulesOf(ctx context.Context, team, project string) (review.RuleSet, error) {
	return p.people.RulesOf(ctx, team, project)
}

// booksOf are for those who answer for the money: alarms, and trials of other rules.
func booksOf(p program, db *storage.DB, people *steps.People) *books.Books {
	return &books.Books{Ledger: db, Notices: db, People: people, Past: past{storage.History{DB: db}, people}, Zone: p.location}
}

const simulateExample = "An example: countersign simulate --rules stricter.yaml --last 30d"

// simulate plays what has happened once more by other rules and budgets, and says what would have been
// different. It writes nothing.
// The file is read once for each workspace, and once more where there is none: a mistake in it should be told
// also on a database in which nothing has happened yet.
func simulate(ctx context.Context, p program) error {
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	file, last, asJSON := flags.String("rules", "", ""), flags.String("last", "30d", ""), flags.Bool("json", false, "")
	err := flags.Parse(p.args)
	var back int
	switch {
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("%q is not understood", flags.Arg(0))
	case *file == "":
		err = errors.New("--rules names the file with what is to be tried")
	default:
		back, err = daysBack(*last)
	}
	if err != nil {
		return fmt.Errorf("%w. %s", err, simulateExample)
	}
	// Opened before the database: a name that is misspelt should not cost somebody the start of a Postgres.
	written, err := os.Open(*file)
	if err != nil {
		return fmt.Errorf("read the rules to try: %w", err)
	}
	defer written.Close()
	db, stop, err := p.openStore(ctx, p.storage())
	if err != nil {
		return err
	}
	defer stop()
	teams, err := db.Teams(ctx)
	if err != nil {
		return err
	}
	// For its people and rules alone. No Slack: nobody is asked who is who, the past has ids.
	service := steps.New(steps.Ports{Store: db, Sandbox: steps.NoSandbox{}, Log: p.log}, steps.Settings{Prices: p.prices, Policy: p.policy(), Location: p.location})
	all := map[string]books.Outcome{}
	for team := range teams {
		// Read anew for each workspace: a budget of the team is of that team.
		if _, err := written.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("read the rules to try: %w", err)
		}
		trial, err := books.ReadTrial(written, team, p.location)
		if err != nil {
			return err
		}
		trial.Until = time.Now()
		trial.Since = trial.Until.AddDate(0, 0, -back)
		if all[team], err = books.Replayed(ctx, past{storage.History{DB: db}, service.People}, team, trial, p.location); err != nil {
			return err
		}
	}
	if *asJSON {
		return asDocument(p.out, all)
	}
	if len(all) == 0 {
		if _, err := books.ReadTrial(written, "", p.location); err != nil { // no workspace has read it
			return err
		}
		_, err := fmt.Fprintln(p.out, "Nothing to try this on: nobody has asked anything in this database yet. Is it the one that `countersign serve` uses (DATABASE_URL)?")
		return err
	}
	for _, team := range slices.Sorted(maps.Keys(all)) {
		if err := printOutcome(p.out, team, all[team], p.location); err != nil {
			return err
		}
	}
	return nil
}

// spanOfDays is a number of days below a thousand.
var spanOfDays = regexp.MustCompile(`^([1-9][0-9]{0,2})d$`)

// daysBack reads "30d".
func daysBack(text string) (int, error) {
	m := spanOfDays.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("--last is a number of days such as 30d, not %q", text)
	}
	return strconv.Atoi(m[1])
}

// printOutcome is for people: a sentence, and a line for each change.
func printOutcome(out io.Writer, team string, o books.Outcome, zone *time.Location) error {
	fmt.Fprintf(out, "Workspace %s, %s to %s: %s.\n", team, o.Since.In(zone).Format(time.DateOnly), o.Until.In(zone).Format(time.DateOnly), home.TriedSum(o.Counts()))
	fmt.Fprintf(out, "Looked at %d versions of code and %d paid steps. Nothing was changed by this.\n", o.Versions, o.Payments)
	if o.Forgotten > 0 {
		fmt.Fprintf(out, "Left out: %d versions whose findings are no longer kept.\n", o.Forgotten)
	}
	// Money is only said where something was paid: "$0 of $0" would read like a finding.
	if o.Payments > 0 {
		fmt.Fprintf(out, "Spent in this time: %s. Under these budgets: %s. Top-ups are not counted.\n", o.Spent, o.Would)
	}
	if len(o.Changes) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nAT\tREQUEST\tVERSION\tUSER\tCHANNEL\tWHAT\tNOW\tTRIED")
	for _, c := range o.Changes {
		version, then, tried := "", c.From, c.To
		if c.Version > 0 {
			version = strconv.Itoa(c.Version)
		}
		// Each kind of change has its own two sides. A version has tiers or counts, a payment has amounts and budgets.
		switch c.Kind {
		case books.OtherQuorum:
			then = fmt.Sprintf("%s needed, %d given", c.From, c.Given)
			tried += " needed"
		case books.OverBudget:
			then, tried = fmt.Sprintf("held up to %s", c.Needed), "refused by the budget of "+c.Scope.String()
		case books.HasRoom:
			then, tried = "refused by the budget of "+c.Scope.String(), fmt.Sprintf("room for %s", c.Needed)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.At.In(zone).Format("2006-01-02 15:04"), c.RequestID, version, c.Asker, c.Project, c.Kind, cmp.Or(then, "-"), cmp.Or(tried, "-"))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print what would have been different: %w", err)
	}
	return nil
}

// sources are the providers that can be asked what was used: those with a key for that. It is another one than the key
// that asks models: providers give usage to keys of administrators only.
// The three addresses are those of the providers' usage reports. Where the settings name another server for a
// provider, that one is asked: it is the one whose bill comes.
func sources(p program) (list []accounts.Source) {
	for _, s := range []struct {
		source        accounts.Source
		address, base string
		key           Secret
	}{{accounts.Source{Provider: "Mistral", Place: p.MistralWorkspace}, "https://api.mistral.ai", p.MistralBaseURL, p.MistralAdminKey},
		{accounts.Source{Provider: "Claude", Place: p.AnthropicWorkspace}, "https://api.anthropic.com", p.AnthropicBaseURL, p.AnthropicAdminKey},
		{accounts.Source{Provider: "OpenAI", Place: p.OpenAIProject}, "https://api.openai.com", p.OpenAIBaseURL, p.OpenAIAdminKey}} {
		// Without a key for administrators nothing can be asked; the others are compared all the same.
		if s.key == "" {
			continue
		}
		s.source.Key, s.source.Address = string(s.key), s.address
		// A server of one's own that speaks the API is asked itself, at its host's root.
		if u, err := url.Parse(s.base); s.base != "" && err == nil {
			s.source.Address = u.Scheme + "://" + u.Host
		}
		list = append(list, s.source)
	}
	return list
}

// clerkOf asks them once a day, and tells administrators where they and the ledger do not agree.
// Tell and Settle are called in the middle of a comparison, so what fails in Settle is only logged: the calls
// stay uncertain, and are charged in full after 48 hours.
func clerkOf(p program, db *storage.DB) *accounts.Clerk {
	clerk := &accounts.Clerk{Ledger: db, Sources: sources(p), Client: &http.Client{Timeout: 30 * time.Second},
		Tell: func(ctx context.Context, provider, first, last string, apart []accounts.Difference) error {
			return differs(ctx, db, provider, first, last, apart)
		},
		Unknown: db.UnknownCalls,
		Settle: func(ctx context.Context, found []budget.Traced) {
			if err := (books.Tracer{Store: db, Prices: p.prices}).Settle(ctx, found); err != nil {
				p.log.Warn("calls of unknown cost stay so", "error", err)
			}
		}}
	// Without a key for E2B there is nothing to list boxes by, and Listed stays nil: boxes are not compared
	// then.
	if p.E2BAPIKey != "" {
		clerk.Listed = storage.Boxes{DB: db}.Began
	}
	return clerk
}

// toldLines is how many days of models a notice lists: the farthest apart come first, and reconcile prints all.
const toldLines = 12

// differsKey is what names a notice: the same days are told once a day, others beside them.
func differsKey(team, provider, first, last string, now time.Time) string {
	return fmt.Sprintf("differs %s %s %s %s %s", team, provider, first, last, now.UTC().Format(time.DateOnly))
}

// differs tells the administrators of every workspace, once a day: one key of a provider serves all, so nobody can say
// whose calls they were.
func differs(ctx context.Context, db *storage.DB, provider, first, last string, apart []accounts.Difference) error {
	slices.SortStableFunc(apart, func(a, b accounts.Difference) int { return cmp.Compare(b.Apart, a.Apart) })
	said := approval.Differs{Provider: provider, From: first, To: last, More: max(0, len(apart)-toldLines), Boxes: provider == accounts.Cloud}
	for _, d := range apart[:min(toldLines, len(apart))] {
		line := approval.DiffersLine{Day: d.Day, Model: d.Model, Ours: d.OurInput + d.OurOutput, Theirs: d.TheirInput + d.TheirOutput, Paid: d.Paid}
		if d.Billed != nil {
			line.Billed = *d.Billed
		}
		said.Lines = append(said.Lines, line)
	}
	teams, err := db.Teams(ctx)
	if err != nil {
		return err
	}
	// Of UTC, like the providers' days: a notice of "today" would else come twice where midnights differ.
	now := time.Now().UTC()
	var faults []error
	for team := range teams {
		faults = append(faults, db.Notify(ctx, approval.Notice{Key: differsKey(team, provider, first, last, now), Team: team,
			Kind: approval.NoticeDiffers, Admins: true, Data: approval.Encode(said), At: now, Once: true}))
	}
	return errors.Join(faults...)
}

const reconcileExample = "An example: countersign reconcile --from 2026-11-01 --to 2026-11-26, or with what you saved: countersign reconcile --provider Mistral usage.csv"

// reconcile holds what providers say against the ledger, by day of UTC and model, and prints all of it.
// What is more than two percent apart is told to administrators as well.
//
//	Mistral, 2026-11-19 to 2026-11-25 (UTC):
//	DAY         MODEL           TOKENS IN  THEIRS  OUT  THEIRS  PAID   THEIRS  APART
//	2026-11-20  codestral-2508  120000     131000  900  912     $0.05  -       8.4%  <-
func reconcile(ctx context.Context, p program) error {
	// The week before today: today is not over, and nobody's count of it is final.
	today := time.Now().UTC().Truncate(24 * time.Hour)
	flags := flag.NewFlagSet("reconcile", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	first, last := flags.String("from", today.AddDate(0, 0, -7).Format(time.DateOnly), ""), flags.String("to", today.AddDate(0, 0, -1).Format(time.DateOnly), "")
	provider := flags.String("provider", "", "")
	err := flags.Parse(p.args)
	from, badFrom := time.Parse(time.DateOnly, *first)
	to, badTo := time.Parse(time.DateOnly, *last)
	switch {
	case err != nil:
	case badFrom != nil:
		err = fmt.Errorf("--from %q is not a date", *first)
	case badTo != nil || to.Before(from):
		err = fmt.Errorf("--to %q is not a date, or lies before --from", *last)
	case flags.NArg() > 1:
		err = fmt.Errorf("%q is not understood", flags.Arg(1))
	case flags.NArg() == 1 && !slices.Contains([]string{"Mistral", "Claude", "OpenAI"}, *provider):
		err = errors.New("--provider says whose file it is: Mistral, Claude or OpenAI")
	case flags.NArg() == 0 && len(sources(p)) == 0 && p.E2BAPIKey == "":
		err = errors.New("no provider can be asked: set MISTRAL_ADMIN_KEY, ANTHROPIC_ADMIN_KEY or OPENAI_ADMIN_KEY, or name a file")
	}
	if err != nil {
		return fmt.Errorf("%w. %s", err, reconcileExample)
	}
	// With the key, although it only compares: what Trace finds is settled, which is an event.
	db, _, stop, err := openSigned(ctx, p)
	if err != nil {
		return err
	}
	defer stop()
	until, clerk := to.AddDate(0, 0, 1), clerkOf(p, db)
	// Of a saved file the days are its own: --from and --to are for what is asked.
	if flags.NArg() == 1 {
		theirs, first, end, err := usageIn(flags.Arg(0))
		if err != nil {
			return err
		}
		list, err := clerk.Hold(ctx, *provider, theirs, first, end)
		if err != nil {
			return err
		}
		return printReconciled(ctx, p, db, *provider, first, end, list)
	}
	all := clerk.All()
	var failed []string
	var faults []error
	for _, s := range all {
		// One that cannot be asked keeps nobody from reading what the others say.
		list, err := clerk.Look(ctx, s, from, until, time.Now())
		if err == nil {
			err = printReconciled(ctx, p, db, s.Provider, from, until, list)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed, faults = append(failed, s.Provider), append(faults, err) // which names it
		}
	}
	if len(failed) > 0 {
		faults = append(faults, fmt.Errorf("not compared: %s (%d of %d providers)", strings.Join(failed, ", "), len(failed), len(all)))
	}
	return errors.Join(faults...)
}

// usageIn reads what somebody has saved of a provider's word, and which days it is about.
func usageIn(path string) (list []accounts.Used, from, until time.Time, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, from, until, fmt.Errorf("read a provider's usage: %w", err)
	}
	defer file.Close()
	if list, err = accounts.ReadUsage(file); err != nil || len(list) == 0 {
		return nil, from, until, cmp.Or(err, fmt.Errorf("%s says that nothing was used", path))
	}
	days := func(u accounts.Used) time.Time { at, _ := time.Parse(time.DateOnly, u.Day); return at } // read by ReadUsage
	return list, days(list[0]), days(list[len(list)-1]).AddDate(0, 0, 1), nil
}

// printReconciled prints each day of each model, and has administrators told of what is apart. An arrow marks what is.
func printReconciled(ctx context.Context, p program, db *storage.DB, provider string, from, until time.Time, list []accounts.Difference) error {
	last := until.AddDate(0, 0, -1).Format(time.DateOnly)
	fmt.Fprintf(p.out, "%s, %s to %s (UTC):\n", provider, from.Format(time.DateOnly), last)
	if len(list) == 0 {
		fmt.Fprintln(p.out, "Nothing was used: both say so.")
		return nil
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	head := "DAY\tMODEL\tTOKENS IN\tTHEIRS\tOUT\tTHEIRS\tPAID\tTHEIRS\tAPART\t"
	if provider == accounts.Cloud {
		head = "DAY\tSECONDS\tBY ITS LISTS\tPAID\tAPART\t"
	}
	fmt.Fprintln(w, head)
	for _, d := range list {
		billed, word := "-", "-"
		if d.Billed != nil {
			billed = d.Billed.String()
		}
		switch {
		case d.Alarming():
			word = fmt.Sprintf("%.1f%%  <-", 100*d.Apart)
		// A call that began before midnight and ended after it counts on one day here and on the other there.
		case d.Midnight:
			word = "even with the day beside it"
		case d.Apart > 0:
			word = fmt.Sprintf("%.1f%%", 100*d.Apart)
		}
		if d.Estimated > 0 {
			word += fmt.Sprintf(" (%s estimated)", d.Estimated)
		}
		if provider == accounts.Cloud {
			fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%s\t%s\t\n", d.Day, float64(d.OurInput)/1000, float64(d.TheirInput)/1000, d.Paid, word)
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t\n", d.Day, d.Model, d.OurInput, d.TheirInput, d.OurOutput, d.TheirOutput, d.Paid, billed, word)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print what is apart: %w", err)
	}
	apart := accounts.Alarming(list)
	if len(apart) == 0 {
		_, err := fmt.Fprintln(p.out, "They agree, within 2%.")
		return err
	}
	if err := differs(ctx, db, provider, from.Format(time.DateOnly), last, apart); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.out, "More than 2%% apart: %d of %d. Administrators are told in Slack.\n", len(apart), len(list))
	return err
}
