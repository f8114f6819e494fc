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
func audit(ctx context.Context, p program) error {
	if len(p.args) > 0 && (p.args[0] == "list" || p.args[0] == "show") {
		return auditFor(ctx, p)
	}
	if len(p.args) > 1 {
		return fmt.Errorf("which request? An example: countersign audit k7q2mxd; without one all are checked")
	}
	o := p.storage()
	var err error
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
// to see that entry.
func auditRequest(ctx context.Context, p program, db *storage.DB, id string) error {
	events, err := db.Events(ctx, id)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return fmt.Errorf("there is no request %s", id)
	}
	for _, e := range events {
		data, err := json.Marshal(e.Data)
		if err != nil {
			return fmt.Errorf("print event %s: %w", e.Kind, err)
		}
		fmt.Fprintf(p.out, "%s  %-12s  %-13s  %s\n", e.At.UTC().Format(time.RFC3339Nano), e.Actor, e.Kind, data)
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
// to the next audit: the list is taken once.
func auditAll(ctx context.Context, p program, db *storage.DB) error {
	var faults []error
	house, err := storage.AuditorOf(db).House(ctx)
	if err != nil {
		faults = append(faults, err)
	}
	ids, err := storage.AuditorOf(db).RequestIDs(ctx)
	if err != nil {
		return err
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

// auditFor shows requests to people, and as JSON to programs: a list, or one of them.
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
		id, args = strings.ToLower(args[0]), args[1:]
	}
	err := flags.Parse(args)
	location, unknown := time.LoadLocation(*zone)
	for _, day := range []struct {
		text string
		into *time.Time
		more int
	}{{*first, &q.From, 0}, {*last, &q.To, 1}} {
		if day.text != "" && err == nil && unknown == nil {
			if *day.into, err = time.ParseInLocation(time.DateOnly, day.text, location); err == nil {
				*day.into = day.into.AddDate(0, 0, day.more)
			}
		}
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
	names := pack.NewNames(list)
	if id != "" {
		return show(ctx, p, log, id, names, location, *asJSON)
	}
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
		question := []rune(strings.Join(strings.Fields(r.Question), " "))
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.At.In(location).Format("2006-01-02 15:04"), names.Who(r.Asker, r.At), names.Who(r.Channel, r.At), r.State, pack.Dollars(r.Spent), string(question[:min(70, len(question))]))
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

func withNames(rows []auditing.Row, names *pack.Names) []listed {
	list := []listed{}
	for _, r := range rows {
		list = append(list, listed{r.ID, r.At.UTC(), r.Asker, names.Of(r.Asker, r.At), r.Channel, names.Of(r.Channel, r.At), r.State, r.Spent, r.Private, r.Question})
	}
	return list
}

func asDocument(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
