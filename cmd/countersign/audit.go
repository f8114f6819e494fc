package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"text/tabwriter"
	"time"

	"countersign/approval"
	"countersign/approval/auditing"
	"countersign/internal/pack"
	"countersign/storage"
	"countersign/storage/journal"
	"countersign/storage/signing"
)

// audit checks a request, or without one what holds for all of them and then each: that no
// entry of the trail has been changed, that this installation has signed each, and that
// the tables say the same. Of a request it prints the trail first: who did what, when, in
// the order in which it was committed.
// It prints its verdict only where nothing failed: a fault is the command's error, with the exit code 1, and no
// sentence of ours stands beside it that could be taken for "all is well".
func audit(ctx context.Context, p program) error {
	if len(p.args) > 0 && (p.args[0] == "list" || p.args[0] == "show") {
		return auditFor(ctx, p)
	}
	if len(p.args) > 1 {
		return fmt.Errorf("which request? An example: countersign audit k7q2mxd; without one all are checked")
	}
	o := p.storage()
	var err error
	// A missing file is no error: an auditor may have the database alone. An unreadable one is.
	if o.Key, err = signing.Read(p.SigningKeyFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, stop, err := p.openStore(ctx, o)
	if err != nil {
		return err
	}
	defer stop()
	// Without the file, the trail's own first key is taken for the installation's. That shows whether
	// the trail agrees with itself, and not whose it is: the last sentence below says which of the two.
	if o.Key == nil {
		if err := storage.AuditorOf(db).Trust(ctx); err != nil {
			return err
		}
	}
	if len(p.args) == 0 {
		err = auditAll(ctx, p, db)
	} else {
		err = auditRequest(ctx, p, db, strings.ToLower(p.args[0]))
	}
	if err != nil {
		return err
	}
	whose := "Whoever has neither the key nor this program could not have written it."
	if o.Key == nil {
		whose = "The keys are those that the database itself announces: only with SIGNING_KEY_FILE is it known whose they are."
	}
	fmt.Fprintf(p.out, "%s Not shown by this: that nothing is missing at the end, and what somebody does who has the key as well as the database.\n", whose)
	return nil
}

// auditRequest prints the trail before it checks it: whoever is told that an entry was changed wants
// to see that entry. Words that are gone stand there as hashes.
func auditRequest(ctx context.Context, p program, db *storage.DB, id string) error {
	events, err := db.Events(ctx, id)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return fmt.Errorf("there is no request %s", id)
	}
	// Times to the microsecond, as they were hashed: whoever checks an event by hand needs all of it.
	for _, e := range events {
		data, err := json.Marshal(e.Data)
		if err != nil {
			return fmt.Errorf("print event %s: %w", e.Kind, err)
		}
		fmt.Fprintf(p.out, "%s  %-12s  %-13s  %s\n", e.At.UTC().Format(time.RFC3339Nano), e.Actor, e.Kind, approval.Plain(string(data)))
	}
	found, err := storage.AuditorOf(db).Request(ctx, id)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%d entries; each names the one before it, none has been changed, and each is signed. The tables say the same.\n", found.Events)
	if found.Gone > 0 {
		fmt.Fprintf(p.out, "%d values that they name are gone, as an entry says of each.\n", found.Gone)
	}
	return nil
}

// auditAll goes on after a fault, so that all are named. A request that is asked while it runs belongs
// to the next audit: the list is taken once. Any fault makes the command fail, so that a timer notices it.
func auditAll(ctx context.Context, p program, db *storage.DB) error {
	var faults []error
	house, err := storage.AuditorOf(db).House(ctx)
	if err != nil {
		faults = append(faults, err)
	}
	// The house first: what is wrong with people or rules explains most of what is wrong with requests.
	ids, err := storage.AuditorOf(db).RequestIDs(ctx)
	if err != nil {
		return errors.Join(append(faults, err)...)
	}
	events := house.Events
	for _, id := range ids {
		found, err := storage.AuditorOf(db).Request(ctx, id)
		if err != nil {
			faults = append(faults, err)
		}
		events += found.Events
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	fmt.Fprintf(p.out, "People, rules and budgets: %d trails. Requests: %d. In all %d entries; each names the one before it, none has been changed, and each is signed. The tables say the same.\n",
		house.Streams, len(ids), events)
	return nil
}

// auditFor shows requests to people, and as JSON to programs: a list, or one of them. It checks nothing; what it shows is
// masked as in a pack, since a terminal's output may go anywhere.
//
//	k7q2mxd  2026-11-22 13:00  Maya Lindt  sales  done  $0.02  What were sales per month in sales.csv?
//
// --from and --to are days of --zone, both included, which is why the last one is moved on by a day before it
// is compared.
func auditFor(ctx context.Context, p program) error {
	flags := flag.NewFlagSet("audit "+p.args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var q auditing.Query
	flags.StringVar(&q.Person, "person", "", "")
	flags.StringVar(&q.Channel, "channel", "", "")
	flags.StringVar(&q.Words, "words", "", "")
	first, last, zone := flags.String("from", "", ""), flags.String("to", "", ""), flags.String("zone", "Local", "")
	most, asJSON := flags.Int("most", 50, ""), flags.Bool("json", false, "")
	args := p.args[1:]
	id := ""
	if p.args[0] == "show" && len(args) > 0 {
		// Before the flags, because flag stops at the first word that is none.
		id, args = strings.ToLower(args[0]), args[1:]
	}
	err := flags.Parse(args)
	location, unknown := time.LoadLocation(*zone)
	for _, day := range []struct {
		text string
		into *time.Time
		more int
		// The last day is included.
	}{{*first, &q.From, 0}, {*last, &q.To, 1}} {
		if day.text != "" && err == nil && unknown == nil {
			if *day.into, err = time.ParseInLocation(time.DateOnly, day.text, location); err == nil {
				*day.into = day.into.AddDate(0, 0, day.more)
			}
		}
	}
	if *most < 1 {
		err = errors.Join(err, fmt.Errorf("--most %d: at least one", *most))
	}
	if err = errors.Join(err, unknown); err != nil || flags.NArg() > 0 || (p.args[0] == "show") != (id != "") {
		return errors.Join(err, errors.New("an example: countersign audit list --person maya --from 2026-11-01 --words revenue; countersign audit show k7q2mxd"))
	}
	db, stop, err := p.openStore(ctx, p.storage())
	if err != nil {
		return err
	}
	defer stop()
	log := storage.Log(db)
	list, err := log.Names(ctx)
	if err != nil {
		return err
	}
	// Names come from the log, as in a pack, and not from Slack: the command works where Slack cannot be reached.
	names := pack.NewNames(list)
	if id != "" {
		return show(ctx, p, log, id, names, location, *asJSON)
	}
	// People type names; what is looked for is ids. A name that two people have had is an error that lists both.
	if q.Person, err = names.ID(q.Person); err == nil {
		q.Channel, err = names.ID(q.Channel)
	}
	if err != nil {
		return err
	}
	hides, err := log.Hides(ctx)
	if err != nil {
		return err
	}
	rows, err := log.Find(ctx, q, *most)
	if err != nil {
		return err
	}
	for i, r := range rows {
		rows[i].Question = hides.Mask(r.Question, nil)
	}
	if *asJSON {
		return asDocument(p.out, withNames(rows, names))
	}
	table := tabwriter.NewWriter(p.out, 2, 0, 2, ' ', 0)
	for _, r := range rows {
		// Plain: a terminal would obey some of what an asker may have typed.
		question := []rune(approval.Plain(strings.Join(strings.Fields(r.Question), " ")))
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.At.In(location).Format("2006-01-02 15:04"), approval.Plain(names.Who(r.Asker, r.At)), approval.Plain(names.Who(r.Channel, r.At)), r.State, pack.Dollars(r.Spent), string(question[:min(70, len(question))]))
	}
	return table.Flush()
}

// show prints one request, masked as in a pack: what stands on a terminal or in a file has left the conversation. An answer that is its asker's alone stays out: who sits here is nobody whom an event could name.
func show(ctx context.Context, p program, log *journal.Log, id string, names *pack.Names, zone *time.Location, asJSON bool) error {
	s, err := log.Masked(ctx, id)
	if errors.Is(err, approval.ErrNotFound) {
		return fmt.Errorf("there is no request %s", id)
	}
	if err != nil {
		return err
	}
	if s.Private {
		s.Conceal()
	}
	if asJSON {
		return asDocument(p.out, s)
	}
	auditing.Print(p.out, s, names, zone)
	return nil
}

// listed is a request as programs read it. Amounts are billionths of a dollar.
type listed struct {
	ID          string    `json:"id"`
	At          time.Time `json:"at"`
	Asker       string    `json:"asker"`
	AskerName   string    `json:"asker_name,omitempty"`
	Channel     string    `json:"channel"`
	ChannelName string    `json:"channel_name,omitempty"`
	State       string    `json:"state"`
	Spent       int64     `json:"spent"`
	Private     bool      `json:"private,omitempty"`
	Question    string    `json:"question"`
}

// withNames is a list for programs: never null, times in UTC, ids beside names, since names change.
func withNames(rows []auditing.Row, names *pack.Names) []listed {
	list := []listed{}
	for _, r := range rows {
		list = append(list, listed{r.ID, r.At.UTC(), r.Asker, names.Of(r.Asker, r.At), r.Channel, names.Of(r.Channel, r.At), r.State, r.Spent, r.Private, r.Question})
	}
	return list
}

// asDocument prints JSON as people read it as well: indented, and with < and & as they are.
func asDocument(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print as JSON: %w", err)
	}
	return nil
}
