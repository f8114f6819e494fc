package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"countersign/budget"
	"countersign/internal/pglocal"
	"countersign/storage"
	"countersign/storage/schema"
)

// What doctor and self-tests try costs something like everything else: it is held on
// the workspace's budget before it is tried, and booked there afterwards.

// tries is where that is booked.
// nil means that nothing is booked, as for init, where there may be no database yet.
type tries struct {
	db     *storage.DB
	team   string
	said   string // what has become of the money of the last one
	strict bool   // without money it is not tried; serve tries all the same, because nothing runs unless its sandbox keeps code in
}

// priced is a sandbox of which it is known what a box costs, and for how long one lives: the product is held.
type priced interface {
	Size() budget.BoxSize
	InspectLease() time.Duration
}

// try tries something in a box, which tells how long it was used. It is held, tried and settled like a
// run: a crash in between leaves a hold, which a sweep charges in full.
// The order is that of a run: hold, do, settle. do is called in every branch but one, where the budget refuses
// doctor.
func (p program) try(ctx context.Context, what string, box priced, do func(context.Context) (used time.Duration, err error)) error {
	if p.tries == nil {
		_, err := do(ctx)
		return err
	}
	most, err := p.prices.BoxCharge(box.Size(), box.InspectLease(), time.Now())
	id := ""
	if err == nil {
		id, err = p.tries.db.HoldCheck(ctx, p.tries.team, what, most.Amount)
	}
	// Doctor is somebody's wish, and can wait for a budget. Serve's own test cannot: without it nothing runs at all.
	if refused, ok := errors.AsType[*budget.ExceededError](err); ok && p.tries.strict {
		return fmt.Errorf("not tried, because it could cost %s: %s", most.Amount.Approx(), refused.Words(""))
	}
	if err != nil {
		p.log.Warn("what this costs is not booked", "what", what, "error", err)
		p.tries.said = "what trying it cost could not be booked: " + err.Error()
		_, failed := do(ctx)
		return failed
	}
	used, failed := do(ctx)
	used = min(used, box.InspectLease()) // a wait for a busy machine is not a box's time, and more than is held is never charged
	charge, err := p.prices.BoxCharge(box.Size(), used, time.Now())
	if err == nil {
		err = p.tries.db.SettleCheck(context.WithoutCancel(ctx), id, charge)
	}
	if err != nil { // a sweep charges it in full
		p.log.Warn("what this cost is not booked yet", "what", what, "error", err)
		p.tries.said = fmt.Sprintf("up to %s is reserved for trying it", most.Amount.Approx())
		return failed
	}
	p.tries.said = fmt.Sprintf("trying it cost %s, booked on the team's budget", charge.Amount.Approx())
	return failed
}

// booking has what is tried from here on booked on the budget of the bot's workspace. There is no
// request and no asker: only the team's budget can say no.
func (p program) booking(ctx context.Context, db *storage.DB, strict bool) (program, error) {
	who, err := p.slack().CheckBot(ctx)
	if err != nil {
		return p, fmt.Errorf("whose budget it is cannot be looked up: %w", err)
	}
	p.tries = &tries{db: db, team: who.TeamID, strict: strict}
	return p, nil
}

// booked runs a check whose tries are booked, where there is a database to book them in
// that this program knows.
// What works although its cost could not be booked still works, so that is only said behind it.
func (p program) booked(ctx context.Context, check func(program) finding) finding {
	url, end, err := p.present(ctx)
	defer end()
	unbooked := func(err error) finding {
		f := check(p)
		if f.err == nil {
			f.say += fmt.Sprintf("; what trying it cost could not be booked: %v", err)
		}
		return f
	}
	if err != nil {
		return unbooked(err)
	}
	signed, err := p.signed()
	if err != nil {
		return unbooked(err)
	}
	db, err := storage.Open(ctx, url, signed)
	if err != nil {
		return unbooked(err)
	}
	defer db.Close()
	// Without Slack nobody knows whose budget it is. The check runs all the same: doctor is there to find out why.
	with, err := p.booking(ctx, db, true)
	if err != nil {
		return unbooked(err)
	}
	f := check(with)
	if f.err == nil && with.tries.said != "" {
		f.say += "; " + with.tries.said
	}
	return f
}

// present is the address of the database, if there is one and its schema is this program's. It makes
// and migrates nothing, for commands that only look; end is never nil.
func (p program) present(ctx context.Context) (url string, end func(), err error) {
	url, end = string(p.DatabaseURL), func() {}
	if url == "" {
		server, err := pglocal.Open(ctx, pglocal.Options{Dir: filepath.Join(p.DataDir, "postgres"), Log: p.log})
		if _, ok := errors.AsType[*pglocal.NoneError](err); ok {
			return "", end, errors.New("there is no database yet")
		}
		if err != nil {
			return "", end, err
		}
		url, end = server.ServeURL(), func() {
			if err := server.Stop(); err != nil {
				p.log.Warn("end the private Postgres", "error", err)
			}
		}
	}
	if pending, err := schema.Pending(ctx, url); err != nil || len(pending) > 0 {
		if err == nil {
			err = errors.New("the database is not up to date")
		}
		return "", end, err
	}
	return url, end, nil
}
