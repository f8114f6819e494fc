package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/checkpoint"
	"countersign/internal/pglocal"
	"countersign/storage"
	"countersign/storage/journal"
	"countersign/storage/schema"
	"countersign/storage/signing"
)

// A copy of the database is an older past. What has run since it was made is not in it, and would run
// again; what was spent since stands in no budget. So whoever puts one back begins an epoch: what is open
// in the copy ends, and paid work rests until an administrator has confirmed what was spent.

// backup writes a copy of the database. A checkpoint is taken first, so that the file of checkpoints
// says exactly what the copy has.
// The order: the name is free; the key is there; the database is whole and follows its checkpoints; a
// checkpoint; the copy. Only then does the file get its name.
func backup(ctx context.Context, p program) error {
	if len(p.args) != 2 || p.args[0] != "-o" {
		return errors.New("where to? An example: countersign backup -o countersign.dump")
	}
	file := p.args[1]
	switch _, err := os.Lstat(file); {
	case err == nil:
		return fmt.Errorf("%s is there already: name another file", file)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("a copy cannot be written there: %w", err)
	}
	signed, err := p.signed()
	if err != nil {
		return err
	}
	at, end, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := schema.Validate(ctx, at.serve); err != nil {
		return err
	}
	db, err := storage.Open(ctx, at.serve, signed)
	if err != nil {
		return err
	}
	defer db.Close()
	k, err := newKeeper(db, signed, p.CheckpointFile)
	if err != nil {
		return err
	}
	// A copy of a database that does not follow its checkpoints would spread what is wrong with it.
	if err := k.current(ctx); err != nil {
		return err
	}
	log := storage.Log(db)
	if _, err = log.TakeCheckpoint(ctx, k.by); err == nil {
		err = k.keep(ctx, log)
	}
	if err != nil {
		return err
	}
	last, err := log.Checkpoints(ctx, -1)
	if err != nil {
		return err
	}
	// Under another name until it is whole: half a copy must not look like one.
	part := file + ".part"
	err = pglocal.Dump(ctx, at.wholly(), part)
	if err == nil {
		err = os.Rename(part, file)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	has := "Nothing has happened in it yet."
	if len(last) > 0 {
		has = fmt.Sprintf("It has everything up to checkpoint %d (%d entries).", last[0].Number, last[0].Size)
	}
	fmt.Fprintf(p.out, "%s is a copy of the database. %s\nIt holds what people asked and what came out: keep it like the database itself, and apart from it the key (%s) and the checkpoints (%s).\nTo put it back: countersign restore %s\n",
		file, has, p.SigningKeyFile, p.CheckpointFile, file)
	return nil
}

// wholly is the address of who may read and write all of it: pg_dump has to read tables that serve's role may not.
func (a address) wholly() string {
	if a.owner != "" {
		return a.owner
	}
	return a.serve
}

// restore puts a copy into an empty database, and begins anew from it.
// Each crash after Load leaves a database with the copy in it, which the next restore refuses as not empty; the
// error of each step says which command goes on from there.
func restore(ctx context.Context, p program) error {
	if len(p.args) != 1 {
		return errors.New("which copy? An example: countersign restore countersign.dump")
	}
	if _, err := os.Stat(p.args[0]); err != nil {
		return err
	}
	at, end, err := p.openDatabase(ctx)
	// On a new machine there is no private Postgres yet: this is the moment to make one, empty.
	if _, ok := errors.AsType[*pglocal.NoneError](err); ok {
		at, end, err = p.privateDatabase(ctx, pglocal.Start)
	}
	if err != nil {
		return err
	}
	defer end()
	// A copy is never loaded over anything: what is there may be the only one that has the newer entries.
	empty, err := schema.Empty(ctx, at.wholly())
	if err != nil {
		return err
	}
	if !empty {
		where := "the database that DATABASE_URL names"
		if p.DatabaseURL == "" {
			where = "the private Postgres in " + p.DataDir
		}
		return fmt.Errorf("%s is not empty, and a copy replaces nothing: end every serve, and put it aside (of the private Postgres, rename its folder; of your own, name an empty database). Then do this again", where)
	}
	// The key is asked for while nothing is loaded yet: once the copy is there, a serve would work on it.
	if _, err := signedBefore(p); err != nil {
		return err
	}
	if err := pglocal.Load(ctx, at.wholly(), p.args[0]); err != nil {
		return fmt.Errorf("the copy could not be put back, so empty the database before you try again: %w", err)
	}
	// The copy may be of an older version: the schema is brought up to date before anything reads it.
	owned := at
	if owned.owner == "" {
		owned.owner = owned.serve
	}
	err = owned.migrate(ctx)
	if err == nil {
		err = p.beginAnew(ctx, at, true)
	}
	if err != nil {
		return fmt.Errorf("the copy is in the database; before any serve: countersign restored --copy: %w", err)
	}
	return nil
}

// signedBefore is storage with the key that signed a copy. None is made in its place: it would be another.
func signedBefore(p program) (storage.Options, error) {
	o := p.storage()
	var err error
	if o.Key, err = signing.Read(p.SigningKeyFile); errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("put the key that signed the copy into %s first: %w", p.SigningKeyFile, err)
	}
	return o, err
}

// restored begins anew from a copy of the database that an operator has put back with Postgres' own programs.
func restored(ctx context.Context, p program) error {
	copied := slices.Equal(p.args, []string{"--copy"})
	if len(p.args) > 0 && !copied {
		return fmt.Errorf("%q is not understood. An example: countersign restored, or countersign restored --copy", strings.Join(p.args, " "))
	}
	at, end, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := schema.Validate(ctx, at.serve); err != nil {
		return err
	}
	return p.beginAnew(ctx, at, copied)
}

// beginAnew begins an epoch. What the copy has open ends, because nobody knows here what became of it; the
// trail says how much is lost; and the checkpoints that this machine has seen since are put aside. certain
// says that it is a copy even where no checkpoint shows it: what ran since the last one is in no checkpoint yet.
//
// The order matters: from the first event on no paid work starts, and only the last step makes the file follow again.
// signedBefore comes first because all that follows leaves events, and an event signed by a new key would make
// a second installation out of this one.
func (p program) beginAnew(ctx context.Context, at address, certain bool) error {
	signed, err := signedBefore(p)
	if err != nil {
		return err
	}
	db, err := storage.Open(ctx, at.serve, signed)
	if err != nil {
		return err
	}
	defer db.Close()
	k, err := newKeeper(db, signed, p.CheckpointFile)
	if err != nil {
		return err
	}
	log := storage.Log(db)
	_, err = k.news(ctx, log)
	older := errors.As(err, new(*checkpoint.NotFollowingError))
	switch {
	case err != nil && !older:
		return err
	case !older && !certain:
		return fmt.Errorf("the database has every checkpoint of %s, so no older copy shows: there is nothing to do. If you have put back a copy that was made after the last checkpoint: countersign restored --copy", k.file.Path)
	}
	seen, err := k.file.Last()
	if err != nil {
		return err
	}
	has, err := k.copied(ctx, log)
	if err != nil {
		return err
	}
	open, err := storage.Unended(ctx, db)
	if err != nil {
		return err
	}
	facts, lost := epochOf(has, seen, len(open))
	// What is lost is the epoch's first event. A crash anywhere on the way is mended by restored --copy: what is
	// told is not told twice, and what has ended stays so. Until then a serve refuses this database only where the
	// file of checkpoints shows that it is older: on a new machine nothing does, so whoever restores reads it.
	if err := db.Restored(ctx, facts); err != nil {
		return err
	}
	if err := abandon(ctx, db, open, has.At.In(p.location)); err != nil {
		return err
	}
	if err := k.alarm(ctx, approval.LogAlarm{Why: approval.LogBack, Since: has.At}); err != nil {
		return err
	}
	// After the trail says that they are lost, and before anybody can ask again: two boxes of one request would be two runs.
	killBoxes(ctx, p)
	aside := ""
	if older {
		if aside, err = k.file.Retire(*seen); err != nil {
			return err
		}
	}
	// The epoch's first checkpoint, at once: until it stands in the file nothing here tells this database from the one before.
	if _, err := log.TakeCheckpoint(ctx, k.by); err != nil {
		return err
	}
	if err := k.keep(ctx, log); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "Started over from checkpoint %d. %s\n%d requests ended; their askers read why.\n", has.Number, lost, len(open))
	if aside != "" {
		fmt.Fprintf(p.out, "The checkpoints seen since are kept in %s.\n", aside)
	}
	fmt.Fprintf(p.out, "What was spent since is in no budget. Nothing that costs money starts until an administrator has confirmed it, on the bot's Home in Slack: compare with the bills of your providers.\n"+
		"Whoever was removed since, people and SSH keys, is back: remove them again. Then start countersign serve.\n")
	return nil
}

// epochOf is what the trail says of an epoch, and in a sentence how much is lost. Its name has a crash on
// the way not begin it twice.
// lost is -1 where nobody knows, which the Home in Slack says in words; the epoch's name also names the branch
// and the objects outside (placesOf).
func epochOf(has checkpoint.Checkpoint, seen *checkpoint.Checkpoint, open int) (facts map[string]any, lost string) {
	facts = map[string]any{"checkpoint": has.Number, "size": has.Size, "open": open}
	if seen == nil {
		facts["epoch"], facts["lost"] = fmt.Sprintf("%d", has.Number), int64(-1)
		return facts, "How many entries are lost nobody knows here: there is no file of checkpoints."
	}
	n := max(seen.Size-has.Size, 0)
	facts["epoch"] = fmt.Sprintf("%d of %d", has.Number, seen.Number)
	facts["lost_checkpoint"], facts["lost_size"], facts["lost"] = seen.Number, seen.Size, n
	if n == 0 {
		return facts, "No entry that was signed is lost. What came after the last checkpoint and is not in the copy is, and how much that is nobody has signed: a checkpoint comes at 256 entries, and after an hour in which something happened."
	}
	return facts, fmt.Sprintf("Up to %d entries that were signed since are not in this database.", n)
}

// killBoxes ends what this installation still has running at E2B, as far as it is 75 seconds old: no row of the
// copy needs it. Serve does the same with younger ones. Where E2B cannot be reached its own time limit ends them.
// The function that it gives to Strays says of every box that nobody needs it.
func killBoxes(ctx context.Context, p program) {
	if p.E2BAPIKey == "" {
		return
	}
	cloud, err := p.e2b()
	if err == nil {
		err = cloud.Strays(ctx, func(context.Context, string, string) (bool, error) { return false, nil }, nil)
	}
	if err != nil {
		p.log.Warn("boxes at E2B go on until serve finds them, or their time is over", "error", err)
	}
}

// copied is the last checkpoint of a database that is an older state of what this machine
// has seen. A database whose last checkpoint was never seen here is refused: it was changed, or it is
// another one.
func (k keeper) copied(ctx context.Context, log *journal.Log) (c checkpoint.Checkpoint, err error) {
	last, err := log.Checkpoints(ctx, -1)
	if err != nil || len(last) == 0 {
		return c, err
	}
	seen, err := k.file.All()
	if err == nil && len(seen) > 0 && !slices.Contains(seen, last[0].Note) {
		err = fmt.Errorf("checkpoint %d of this database does not stand in %s, so it is not an older copy: somebody has changed it, or it is another database. Compare with a checkpoint that was kept elsewhere", last[0].Number, k.file.Path)
	}
	return last[0].Checkpoint, err
}

// abandon ends what a copy has open, each with the reason that its asker reads.
// It stops at the first error, because restored may be repeated: what has ended already is not in the list
// then.
func abandon(ctx context.Context, db *storage.DB, ids []string, copied time.Time) error {
	why := approval.Words("The database was put back from a copy" + of(copied) + ". Please ask again.")
	for _, id := range ids {
		if _, err := db.Update(ctx, id, func(r *approval.Request, now time.Time) error { return steps.Abandon(r, why, now) }); err != nil {
			return err
		}
	}
	return nil
}

// of says when a copy was made, as far as a checkpoint tells.
func of(copied time.Time) string {
	if copied.IsZero() {
		return ""
	}
	return " of " + copied.Format(minute)
}
