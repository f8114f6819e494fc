package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"countersign/budget"
	"countersign/internal/pack"
	"countersign/storage"
)

const packExample = "An example: countersign pack --from 2026-11-01 --to 2026-11-30 -o november.zip"

// makePack writes a pack: what somebody needs to check what happened, without us.
func makePack(ctx context.Context, p program) (err error) {
	o := pack.Options{MadeBy: version(), Zone: p.location, Price: p.priced}
	path, err := readPackArgs(p.args, time.Now().In(p.location), &o)
	if err != nil {
		return fmt.Errorf("%w. %s", err, packExample)
	}
	signed, err := p.signed()
	if err != nil {
		return err
	}
	by, err := signed.Key.Notes()
	if err != nil {
		return err
	}
	key, err := signed.Key.Public()
	if err != nil {
		return err
	}
	db, stop, err := p.openStore(ctx, signed)
	if err != nil {
		return err
	}
	defer stop()
	// A pack signs a checkpoint, which a database that was put back must not get.
	k, err := newKeeper(db, signed, p.CheckpointFile)
	if err == nil {
		err = k.current(ctx)
	}
	if err != nil {
		return err
	}
	// The file is there whole or not at all: half a pack would be a pack that does not hold.
	file, err := os.CreateTemp(filepath.Dir(path), ".pack-*")
	if err != nil {
		return fmt.Errorf("write the pack: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	c, err := storage.Log(db).Pack(ctx, by, "operator", file, o)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err = os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("write the pack: %w", err)
	}
	fmt.Fprintf(p.out, "%s: %d of %d requests, %d of %d entries of the log.\nWhoever checks it needs the key from somebody other than you:\n\n  countersign-verify --key %s %s\n",
		path, c.Showing, c.Requests, c.Visible, c.Last-c.First, key, filepath.Base(path))
	return nil
}

// readPackArgs reads the dates, both included. Without any it is this month so far. Days are days of
// TIME_ZONE; the pack itself has them in UTC, or whoever checks it elsewhere would read other ones.
func readPackArgs(args []string, now time.Time, o *pack.Options) (path string, err error) {
	flags := flag.NewFlagSet("pack", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	first := flags.String("from", now.Format("2006-01")+"-01", "")
	last := flags.String("to", now.Format(time.DateOnly), "")
	flags.StringVar(&o.Person, "person", "", "")
	flags.StringVar(&o.Channel, "channel", "", "")
	flags.StringVar(&path, "o", "", "")
	if err := flags.Parse(args); err != nil {
		return "", err
	}
	switch {
	case flags.NArg() > 0:
		return "", fmt.Errorf("%q is not understood", flags.Arg(0))
	case path == "":
		return "", errors.New("-o says where the pack is written")
	}
	if o.From, err = time.ParseInLocation(time.DateOnly, *first, now.Location()); err != nil {
		return "", fmt.Errorf("--from %q is not a date", *first)
	}
	if o.To, err = time.ParseInLocation(time.DateOnly, *last, now.Location()); err != nil {
		return "", fmt.Errorf("--to %q is not a date", *last)
	}
	o.To = o.To.AddDate(0, 0, 1)
	if o.To.After(now) {
		o.To = now // what has not happened yet is in no pack
	}
	if !o.From.Before(o.To) {
		return "", fmt.Errorf("--from %s lies after the end of the period", *first)
	}
	o.From, o.To = o.From.UTC(), o.To.UTC()
	return path, nil
}

// priced names the row of the price list by which a charge was reckoned: the one that was valid at the
// time, for a prompt of that length. Rows are never changed once they were used, so today's list has it.
func (p program) priced(c pack.Charge, at time.Time) string {
	if c.Kind == string(budget.Box) {
		row, err := p.prices.Box(c.What, at)
		if err != nil {
			return ""
		}
		return fmt.Sprintf("%s from %s: %s a vCPU and second, %s a GiB and second", row.Kind, row.From.Format(time.DateOnly), row.VCPU, row.GiB)
	}
	row, err := p.prices.Model(c.Model, at, int(c.Input))
	if err != nil {
		return ""
	}
	above := ""
	if row.Above > 0 {
		above = ", prompts above " + strconv.Itoa(row.Above) + " tokens"
	}
	return fmt.Sprintf("%s from %s%s: %s in, %s out a million tokens", row.Model, row.From.Format(time.DateOnly), above, row.Input, row.Output)
}
