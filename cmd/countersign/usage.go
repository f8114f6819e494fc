package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"countersign/budget"
	"countersign/storage/money"
)

// usageExample ends every complaint about how the command was called.
const usageExample = "An example: countersign usage --from 2026-11-01 --to 2026-11-30 --format csv"

// spending prints what was spent per day, person, channel and model. It reads the ledger that budgets
// are held against, so that what it prints adds up to what they say.
func spending(ctx context.Context, p program) error {
	from, to, format, err := readUsageArgs(p.args, time.Now().In(p.location))
	if err != nil {
		return fmt.Errorf("%w. %s", err, usageExample)
	}
	db, stop, err := p.openStore(ctx, p.storage())
	if err != nil {
		return err
	}
	defer stop()
	list, err := db.Usage(ctx, from, to)
	if err != nil {
		return err
	}
	err = map[string]func(io.Writer, []money.Usage) error{
		"table": usageTable, "csv": usageCSV, "json": usageJSON}[format](p.out, list)
	if err != nil || format != "table" {
		return err
	}
	uncertain, err := db.Uncertain(ctx)
	if err != nil {
		return err
	}
	return uncertainTable(p.out, uncertain, p.location)
}

// uncertainTable is what may come on top: calls of which nobody knows yet what they have cost. It is
// printed for people only. The other formats have what was charged, which is what a bill is held against.
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
	_, err := fmt.Fprintf(out, "Uncertain: a model did not say what %d of its questions cost. Up to %s is reserved for them in addition to the above, and charged in full on the day named unless the cost is known by then.\n", len(list), sum)
	return err
}

// readUsageArgs reads the dates, both included. Without any it is this month so far.
func readUsageArgs(args []string, now time.Time) (from, to time.Time, format string, err error) {
	flags := flag.NewFlagSet("usage", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	first := flags.String("from", now.Format("2006-01")+"-01", "")
	last := flags.String("to", now.Format(time.DateOnly), "")
	flags.StringVar(&format, "format", "table", "")
	if err := flags.Parse(args); err != nil {
		return from, to, "", err
	}
	if flags.NArg() > 0 {
		return from, to, "", fmt.Errorf("%q is not understood", flags.Arg(0))
	}
	if from, err = time.Parse(time.DateOnly, *first); err != nil {
		return from, to, "", fmt.Errorf("--from %q is not a date", *first)
	}
	if to, err = time.Parse(time.DateOnly, *last); err != nil {
		return from, to, "", fmt.Errorf("--to %q is not a date", *last)
	}
	if to.Before(from) {
		return from, to, "", fmt.Errorf("--to %s lies before --from %s", *last, *first)
	}
	if format != "table" && format != "csv" && format != "json" {
		return from, to, "", fmt.Errorf("--format is table, csv or json, not %q", format)
	}
	return from, to, format, nil
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
		lines = append(lines, append(line, dollars(u.Amount)))
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

func usageJSON(out io.Writer, list []money.Usage) error {
	lines := make([]usageLine, len(list)) // an empty list, never null
	for i, u := range list {
		lines[i] = usageLine{Day: u.Day.Format(time.DateOnly), Team: u.Team, User: u.Asker, Channel: u.Project, Kind: u.Kind, Model: u.Model,
			Charges: u.Charges, Estimated: u.Estimated, InputTokens: u.InputTokens, CachedTokens: u.CachedTokens,
			OutputTokens: u.OutputTokens, BoxMS: u.BoxMS, USD: dollars(u.Amount)}
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	if err := e.Encode(lines); err != nil {
		return fmt.Errorf("print the usage: %w", err)
	}
	return nil
}

func dollars(u budget.USD) string { return strings.TrimPrefix(u.String(), "$") }
