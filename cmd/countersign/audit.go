package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"countersign/storage"
	"countersign/storage/signing"
)

// audit checks a request, or without one what holds for all of them and then each: that no
// entry of the trail has been changed, that this installation has signed each, and that
// the tables say the same. Of a request it prints the trail first: who did what, when, in
// the order in which it was committed.
func audit(ctx context.Context, p program) error {
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
