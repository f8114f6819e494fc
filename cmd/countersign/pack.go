package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"countersign/approval/auditing"
	windows "countersign/bot/draw/audit"
	"countersign/budget"
	"countersign/internal/checkpoint"
	"countersign/internal/pack"
	"countersign/storage"
	"countersign/storage/journal"
	"countersign/storage/signing"
)

const packExample = "An example: countersign pack --from 2026-11-01 --to 2026-11-30 -o november.zip"

// makePack writes a pack: what somebody needs to check what happened, without us.
// The keys that it prints are for comparing: whoever checks the pack has to have it from elsewhere, as a forger's
// pack would come with keys that fit.
func makePack(ctx context.Context, p program) (err error) {
	o := pack.Options{MadeBy: version(), Zone: p.location, Price: p.priced}
	path, err := readPackArgs(p.args, time.Now().In(p.location), &o)
	if err != nil {
		return fmt.Errorf("%w. %s", err, packExample)
	}
	db, signed, stop, err := openSigned(ctx, p)
	if err != nil {
		return err
	}
	defer stop()
	k, err := newKeeper(db, signed, p.CheckpointFile)
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
	c, err := k.pack(ctx, "operator", file, o)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	keys, err := signers(ctx, storage.Log(db), signed.Key, c.First)
	if err != nil {
		return err
	}
	if err = os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("write the pack: %w", err)
	}
	fmt.Fprintf(p.out, "%s: %d of %d requests, %d of %d entries of the log.\nWhoever checks it needs %s from somebody other than you:\n\n  countersign-verify --key %s %s\n",
		path, c.Showing, c.Requests, c.Visible, c.Last-c.First, oneOrAll(len(keys)), strings.Join(keys, " --key "), filepath.Base(path))
	return nil
}

// oneOrAll says what whoever checks a pack needs.
func oneOrAll(keys int) string {
	if keys == 1 {
		return "the key"
	}
	return "all of these keys"
}

// signers are the keys that have signed the checkpoints of a pack, as lines: those before the present one as well, where it
// begins before a new key. It begins with the checkpoint of this size.
func signers(ctx context.Context, log *journal.Log, key *signing.Key, first int64) (lines []string, err error) {
	all, err := key.Publics()
	if err != nil {
		return nil, err
	}
	made, err := log.Checkpoints(ctx, 0)
	if err != nil {
		return nil, err
	}
	for _, line := range all {
		by, err := checkpoint.Verifier(line)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(made, func(c journal.Checkpoint) bool {
			if c.Size < first {
				return false
			}
			_, err := checkpoint.Open(c.Note, by)
			return err == nil
		}) {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// pack makes one, whoever wants it and by whatever door: it takes a checkpoint first, which a database
// that was put back must not get, and leaves its entry in the log.
// The entry in the log names actor: a person's id, or "operator" for the command line. It is part of what the
// pack shows.
func (k keeper) pack(ctx context.Context, actor string, out io.Writer, o pack.Options) (pack.Contents, error) {
	if err := k.current(ctx); err != nil {
		return pack.Contents{}, err
	}
	log := storage.Log(k.db)
	if err := k.known.write(ctx, log); err != nil { // whoever was seen a moment ago has a name in it
		return pack.Contents{}, err
	}
	return log.Pack(ctx, k.by, actor, out, o)
}

// sendPack makes the pack that somebody has ordered in Slack, and sends it to them.
func (r *replica) sendPack(ctx context.Context, order auditing.Order) (err error) {
	// Asked again: between the order and this job they may have been removed.
	if err := r.service.Sees(ctx, order.Team, order.By); err != nil {
		return err
	}
	signed, err := r.signed()
	if err != nil {
		return err
	}
	alone, err := storage.Log(r.db).Alone(ctx, order.Team)
	if err != nil {
		return err
	}
	if !alone { // who audits one workspace learns nothing of another
		order.Chosen.Team = order.Team
	}
	file, err := os.CreateTemp("", "countersign-pack-*.zip")
	if err != nil {
		return fmt.Errorf("make room for a pack: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	c, err := r.keeper.pack(ctx, order.By, file, pack.Options{Chosen: order.Chosen, MadeBy: version(), Zone: r.location, Price: r.priced})
	if errors.As(err, new(*journal.UnsignedError)) { // another attempt finds the same
		r.log.Error("no pack is made", "error", err)
		return r.bot.Say(ctx, order.By, windows.NoPackPage())
	}
	if err != nil {
		return err
	}
	keys, err := signers(ctx, storage.Log(r.db), signed.Key, c.First)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("pack-%s-to-%s.zip", c.From.In(r.location).Format(time.DateOnly), c.To.Add(-time.Microsecond).In(r.location).Format(time.DateOnly))
	return r.bot.Hand(ctx, order.By, name, file, windows.PackPage(c, name, keys))
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
	// From here on the end is outside, as everywhere below: a day has no last moment.
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

// priced is the row of the price list by which a charge was reckoned: the one that was valid at the
// time, for a prompt of that length. Rows are never changed once they were used, so today's list has it.
// nil leaves the column of the row empty: a price that is no longer on the list is no reason to make no pack.
func (p program) priced(c pack.Charge, at time.Time) *pack.Rate {
	if c.Kind == string(budget.Box) {
		row, err := p.prices.Box(c.What, at)
		if err != nil {
			return nil
		}
		return &pack.Rate{Row: "price list: " + row.Kind + ", from " + row.From.Format("2 January 2006"), VCPU: int64(row.VCPU), GiB: int64(row.GiB)}
	}
	row, err := p.prices.Model(c.Model, at, int(c.Input))
	if err != nil {
		return nil
	}
	above := ""
	if row.Above > 0 {
		above = ", prompts above " + strconv.Itoa(row.Above) + " tokens"
	}
	return &pack.Rate{Row: "price list: " + row.Model + ", from " + row.From.Format("2 January 2006") + above, Input: int64(row.Input), Cached: int64(row.Cached), Written: int64(row.Write), Output: int64(row.Output)}
}

// acquaintances are what Slack has called people and channels since the last tick. Packs name them by
// what stands in the log, as an id tells a stranger nothing. What is lost with the process is
// heard again at the next look at that person.
// told only spares writes. A name that another replica has written down already is written once more by this
// one.
type acquaintances struct {
	writing sync.Mutex // held by whoever writes: a pack waits for the names that the tick has taken

	mu   sync.Mutex
	news map[string]map[string]string // by workspace and id
	told map[string]string            // what was written down by this process
}

// hears is called wherever a name comes along, also while somebody waits: it writes nothing. A name that was written down by
// this process is no news.
func (a *acquaintances) hears(team, id, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if team == "" || id == "" || name == "" || a.told[id] == name {
		return
	}
	if a.news == nil {
		a.news = map[string]map[string]string{}
	}
	if a.news[team] == nil {
		a.news[team] = map[string]string{}
	}
	a.news[team][id] = name
}

// write has the log say what was heard.
// mu is never held while the database is asked: hears is called while people wait.
func (a *acquaintances) write(ctx context.Context, log *journal.Log) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	a.mu.Lock()
	// Taken at once, so that names that come meanwhile wait for the next tick and not for the database.
	news := a.news
	if a.news = nil; a.told == nil {
		a.told = map[string]string{}
	}
	a.mu.Unlock()
	var faults []error
	for team, names := range news {
		err := log.Called(ctx, team, names)
		a.mu.Lock()
		for id, name := range names {
			if err == nil {
				a.told[id] = name
			}
		}
		a.mu.Unlock()
		if faults = append(faults, err); err != nil {
			a.keeps(team, names)
		}
	}
	return errors.Join(faults...)
}

// keeps has names written down at the next tick, those that could not be now. What was heard meanwhile is newer, and stays.
func (a *acquaintances) keeps(team string, names map[string]string) {
	a.mu.Lock()
	newer := maps.Clone(a.news[team])
	a.mu.Unlock()
	for id, name := range names {
		if newer[id] == "" {
			a.hears(team, id, name)
		}
	}
}
