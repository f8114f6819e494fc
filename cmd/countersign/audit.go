package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// audit prints the trail of a request: who did what, when, in the order in which
// it was committed, after checking that no entry has been changed since.
func audit(ctx context.Context, p program) error {
	if len(p.args) != 1 {
		return fmt.Errorf("which request? An example: countersign audit k7q2mxd")
	}
	id := strings.ToLower(p.args[0])
	db, stop, err := p.openStore(ctx)
	if err != nil {
		return err
	}
	defer stop()
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
	found, err := db.VerifyChain(ctx, "request:"+id)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%d entries; each names the one before it, and none has been changed.\n", found.Events)
	if found.Gone > 0 {
		fmt.Fprintf(p.out, "%d values they refer to have been deleted, each with an entry that says so.\n", found.Gone)
	}
	return nil
}
