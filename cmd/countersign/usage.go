package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"countersign/approval/redact"
	"countersign/bot"
	"countersign/bot/kit"
	"countersign/budget"
	"countersign/internal/accounts"
	"countersign/internal/tame"
	"countersign/storage"
	"countersign/storage/money"
)

// usageExample ends every complaint about how the command was called.
const usageExample = "An example: countersign usage --from 2026-11-01 --to 2026-11-30 --format csv"

// usageOrder is what somebody wants printed, and in which form.
type usageOrder struct {
	from, to time.Time // dates, both included
	format   string
	ledger   bool // each charge, and not what they add up to
}

// spending prints what was spent per day, person, channel and model, or each charge. It reads the ledger
// that budgets are held against, so that what it prints adds up to what they say.
// The table ends with what is uncertain. The other forms leave it out: they are held against bills, where it
// cannot be yet.
func spending(ctx context.Context, p program) error {
	order, err := readUsageArgs(p.args, time.Now().In(p.location))
	if err != nil {
		return fmt.Errorf("%w. %s", err, usageExample)
	}
	db, stop, err := p.openStore(ctx, p.storage())
	if err != nil {
		return err
	}
	defer stop()
	switch {
	case order.ledger:
		return printLedger(ctx, db, order, p.out)
	case order.format == "html":
		return printPage(ctx, p, db, order)
	}
	list, err := db.Usage(ctx, order.from, order.to)
	if err != nil {
		return err
	}
	err = map[string]func(io.Writer, []money.Usage) error{
		"table": usageTable, "csv": usageCSV, "json": usageJSON}[order.format](p.out, list)
	if err != nil || order.format != "table" {
		return err
	}
	uncertain, err := db.Uncertain(ctx)
	if err != nil {
		return err
	}
	return uncertainTable(p.out, uncertain, p.location)
}

// printLedger prints each charge. What has gone out cannot be taken back, so half a ledger is an error
// beside what was printed.
func printLedger(ctx context.Context, db *storage.DB, order usageOrder, out io.Writer) error {
	buffered := bufio.NewWriter(out)
	begin := accounts.NewCSV
	if order.format == "json" {
		begin = accounts.NewJSON
	}
	ledger := begin(buffered)
	if err := db.Bookings(ctx, order.from, order.to, ledger.Add); err != nil {
		return err
	}
	if err := ledger.Close(); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("print the ledger: %w", err)
	}
	return nil
}

// printPage prints one page for whoever keeps the books. Names come from Slack where the settings have its
// token; without it, and where Slack does not answer, people and channels stand by their ids.
// Dates are days of TIME_ZONE here, as budgets have them; UTC would move late questions into the next day.
func printPage(ctx context.Context, p program, db *storage.DB, order usageOrder) error {
	// At noon: a date's midnight does not exist where clocks are put forward then.
	day := func(at time.Time) time.Time {
		start, _ := budget.Day.Range(time.Date(at.Year(), at.Month(), at.Day(), 12, 0, 0, 0, p.location), p.location)
		return start
	}
	from, until := day(order.from), day(order.to.AddDate(0, 0, 1))
	workspace, name := namesInSlack(ctx, p)
	hides, err := storage.Log(db).Hides(ctx)
	if err != nil {
		return err
	}
	workspace, name = hides.Mask(workspace, nil), masked(hides, name)
	page := accounts.NewPage(from, until, name)
	// The page says whether it has names: a column of ids would look like a fault otherwise.
	page.Workspace, page.Named, page.Made, page.MadeBy = workspace, workspace != "", time.Now(), version()
	if err = db.Bookings(ctx, order.from, order.to, page.Add); err != nil {
		return err
	}
	teams, err := db.Teams(ctx)
	if err != nil {
		return err
	}
	for team := range teams {
		stood, err := db.Digest(ctx, team, from, until)
		if err != nil {
			return err
		}
		for _, s := range stood.Limits {
			// A role's budget is nobody's purse, and threads are too many and too short-lived to keep books of.
			if s.Limit.Scope.Kind != budget.Role && s.Limit.Scope.Kind != budget.Session {
				page.Budgets = append(page.Budgets, accounts.BudgetLine{Name: name(s.Limit.Scope.Kind, s.Limit.Scope.ID), Spent: s.Spent, Limit: s.Limit.Hard(), Window: s.Limit.Window})
			}
		}
	}
	// Of another length than a month nothing is compared.
	if from.Day() == 1 && until.Equal(from.AddDate(0, 1, 0)) {
		err := db.Bookings(ctx, order.from.AddDate(0, -1, 0), order.from.AddDate(0, 0, -1), func(b budget.Booking) error {
			page.Before += b.Amount
			return nil
		})
		if err != nil {
			return err
		}
	}
	uncertain, err := db.Uncertain(ctx)
	if err != nil {
		return err
	}
	for _, u := range uncertain {
		page.Uncertain, page.Calls = page.Uncertain+u.Amount, page.Calls+1
	}
	// With the last checkpoint the page can be held against a pack of the same time.
	made, err := storage.Log(db).Checkpoints(ctx, -1)
	if err != nil {
		return err
	}
	if len(made) > 0 {
		page.Checkpoint = fmt.Sprintf("checkpoint %d of %d entries, %x", made[0].Number, made[0].Size, made[0].Root)
	}
	return page.Write(p.out)
}

// masked are names as they may leave the house: what somebody calls a channel, or themselves, is what they wrote. The
// other exports hold ids, models and figures alone.
func masked(hides *redact.Rules, name func(kind budget.ScopeKind, id string) string) func(kind budget.ScopeKind, id string) string {
	return func(kind budget.ScopeKind, id string) string { return hides.Mask(name(kind, id), nil) }
}

// namesInSlack says who people and channels are, as Slack does now. Of somebody whom it does not name the id
// is said, which is better than nothing.
// workspace is "" where there are no names at all, which is how its caller knows.
func namesInSlack(ctx context.Context, p program) (workspace string, name func(kind budget.ScopeKind, id string) string) {
	bare := func(kind budget.ScopeKind, id string) string {
		if kind == budget.Team {
			return "The workspace"
		}
		return id
	}
	if p.SlackBotToken == "" {
		return "", bare
	}
	slack := bot.New(bot.Options{BotToken: string(p.SlackBotToken), APIURL: p.SlackAPIURL, Policy: p.policy, Log: p.log})
	who, err := slack.CheckBot(ctx)
	if err != nil {
		p.log.Warn("no names: Slack does not say them", "error", err)
		return "", bare
	}
	channels := map[string]string{} // empty where the token may not list them: then their ids stand
	if all, err := slack.Channels(ctx); err == nil {
		for _, c := range all {
			channels[c.ID] = "#" + c.Name
		}
	}
	person, known := namesOf(ctx, slack, who.TeamID), map[string]string{}
	return who.Team, func(kind budget.ScopeKind, id string) string {
		switch {
		case kind == budget.User:
			if known[id] == "" { // a ledger names the same person again and again
				known[id] = person(id)
			}
			return known[id]
		case kind == budget.Project && channels[id] != "":
			return channels[id]
		case kind == budget.Project && strings.HasPrefix(id, "D"):
			return "Direct messages"
		}
		return bare(kind, id)
	}
}

// uncertainTable is what may come on top: calls of which nobody knows yet what they have cost. It is
// printed for people only. The other formats have what was charged, which is what a bill is held against.
// It is all that is uncertain now, whatever dates were asked for.
func uncertainTable(out io.Writer, list []money.Uncertain, zone *time.Location) error {
	if len(list) == 0 {
		return nil
	}
	var sum budget.USD
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nUNCERTAIN SINCE\tUSER\tCHANNEL\tMODEL\tREQUEST\tAT MOST\tCHARGED ON")
	for _, u := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", u.Since.In(zone).Format("2006-01-02 15:04"), u.Asker, u.Project, u.Model, u.RequestID, u.Amount,
			u.Until.In(zone).Format("2006-01-02 15:04"))
		sum += u.Amount
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print what is uncertain: %w", err)
	}
	_, err := fmt.Fprintf(out, "Uncertain: nobody has said yet what %s cost. Up to %s is reserved for that on top of the sum above, and counts as spent on the day named unless the cost is known by then.\n", kit.Count(len(list), "call"), sum)
	return err
}

// readUsageArgs reads the dates, both included. Without any it is this month so far; a month that is
// named is all of it.
func readUsageArgs(args []string, now time.Time) (o usageOrder, err error) {
	flags := flag.NewFlagSet("usage", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	first := flags.String("from", now.Format("2006-01")+"-01", "")
	last := flags.String("to", now.Format(time.DateOnly), "")
	month := flags.String("month", "", "")
	flags.StringVar(&o.format, "format", "table", "")
	flags.BoolVar(&o.ledger, "ledger", false, "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is not understood", flags.Arg(0))
	}
	if *month != "" {
		at, err := time.Parse("2006-01", *month)
		if err != nil {
			return o, fmt.Errorf("--month %q is not a month, such as 2026-11", *month)
		}
		*first, *last = at.Format(time.DateOnly), at.AddDate(0, 1, -1).Format(time.DateOnly)
	}
	if o.from, err = time.Parse(time.DateOnly, *first); err != nil {
		return o, fmt.Errorf("--from %q is not a date", *first)
	}
	if o.to, err = time.Parse(time.DateOnly, *last); err != nil {
		return o, fmt.Errorf("--to %q is not a date", *last)
	}
	if o.to.Before(o.from) {
		return o, fmt.Errorf("--to %s lies before --from %s", *last, *first)
	}
	// A table of charges would be wider than any terminal.
	if o.ledger {
		if o.format == "table" {
			o.format = "csv"
		}
		if o.format != "csv" && o.format != "json" {
			return o, fmt.Errorf("--ledger is printed as csv or json, not %q", o.format)
		}
		return o, nil
	}
	if !slices.Contains([]string{"table", "csv", "json", "html"}, o.format) {
		return o, fmt.Errorf("--format is table, csv, json or html, not %q", o.format)
	}
	return o, nil
}

// usageTable is for people: its last line is the sum of the others.
func usageTable(out io.Writer, list []money.Usage) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "Nothing was spent in this time.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DAY\tUSER\tCHANNEL\tMODEL OR BOX\tCHARGES\tTOKENS IN\tCACHED\tOUT\tBOX\tCOST")
	var sum budget.USD
	estimated := false
	for _, u := range list {
		mark := ""
		if u.Estimated > 0 {
			mark, estimated = " *", true
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s%s\n", u.Day.Format(time.DateOnly), u.Asker, u.Project, u.Model, u.Charges,
			u.InputTokens, u.CachedTokens, u.OutputTokens, time.Duration(u.BoxMS)*time.Millisecond, u.Amount, mark)
		sum += u.Amount
	}
	fmt.Fprintf(w, "all\t\t\t\t\t\t\t\t\t%s\n", sum)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the usage: %w", err)
	}
	if estimated {
		fmt.Fprintln(out, "* partly an estimate: the most that it can have cost, because the real cost is unknown")
	}
	return nil
}

// usageCSV is for spreadsheets. Costs are exact, in dollars, with a point.
func usageCSV(out io.Writer, list []money.Usage) error {
	w := csv.NewWriter(out)
	lines := [][]string{{"day", "team", "user", "channel", "kind", "model", "charges", "estimated",
		"input_tokens", "cached_tokens", "output_tokens", "box_ms", "usd"}}
	for _, u := range list {
		line := []string{u.Day.Format(time.DateOnly), u.Team, u.Asker, u.Project, string(u.Kind), u.Model}
		for _, n := range []int64{u.Charges, u.Estimated, u.InputTokens, u.CachedTokens, u.OutputTokens, u.BoxMS} {
			line = append(line, strconv.FormatInt(n, 10))
		}
		lines = append(lines, tame.Row(append(line, accounts.Dollars(u.Amount))...))
	}
	if err := w.WriteAll(lines); err != nil {
		return fmt.Errorf("print the usage: %w", err)
	}
	return nil
}

// usageLine is a row for programs.
type usageLine struct {
	Day          string            `json:"day"`
	Team         string            `json:"team"`
	User         string            `json:"user"`
	Channel      string            `json:"channel"`
	Kind         budget.ChargeKind `json:"kind"`
	Model        string            `json:"model"`
	Charges      int64             `json:"charges"`
	Estimated    int64             `json:"estimated"`
	InputTokens  int64             `json:"input_tokens"`
	CachedTokens int64             `json:"cached_tokens"`
	OutputTokens int64             `json:"output_tokens"`
	BoxMS        int64             `json:"box_ms"`
	USD          string            `json:"usd"` // text: many readers of JSON would round a number
}

// usageJSON is for programs.
func usageJSON(out io.Writer, list []money.Usage) error {
	lines := make([]usageLine, len(list)) // an empty list, never null
	for i, u := range list {
		lines[i] = usageLine{Day: u.Day.Format(time.DateOnly), Team: u.Team, User: u.Asker, Channel: u.Project, Kind: u.Kind, Model: u.Model,
			Charges: u.Charges, Estimated: u.Estimated, InputTokens: u.InputTokens, CachedTokens: u.CachedTokens,
			OutputTokens: u.OutputTokens, BoxMS: u.BoxMS, USD: accounts.Dollars(u.Amount)}
	}
	return asDocument(out, lines)
}
