package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/mod/sumdb/note"

	"countersign/approval"
	"countersign/internal/outside"
	"countersign/storage"
	"countersign/storage/journal"
	"countersign/storage/signing"
)

// signed is storage for a program that writes: with the key that signs what it writes,
// which is made where there is none yet.
func (p program) signed() (storage.Options, error) {
	o := p.storage()
	var err error
	o.Key, err = signing.Open(p.SigningKeyFile)
	return o, err
}

// newKey puts a new signing key in the place of the present one, which signs that. The
// other replicas need the new file. With --lost nothing signs it: whoever has the database's trail as well as this machine
// vouches for it, and says so by typing that.
// What must hold at every moment is that some file on this machine is the key that the trail names last. So:
// make the new key, put the former file aside, write the new one, announce it; where that fails, put the former
// one back.
func newKey(ctx context.Context, p program) error {
	lost := len(p.args) == 1 && p.args[0] == "--lost"
	if len(p.args) > 0 && !lost {
		return fmt.Errorf("%q is not understood. An example: countersign new-key, or countersign new-key --lost where the present key is nowhere to be had", p.args[0])
	}
	at, stop, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer stop()
	o := p.storage()
	former, err := signing.Read(p.SigningKeyFile)
	if err != nil && !(lost && errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	var trusted []string
	if lost {
		// What was signed with it goes on: whoever types this vouches for the keys in the trail.
		if trusted, err = storage.Keys(ctx, at.serve); err != nil {
			return err
		}
	} else {
		o.Key = former
	}
	// The new key carries the names of all before it: what they signed stays trusted when their file is gone.
	next, err := signing.New(o.Key, trusted...)
	if err != nil {
		return err
	}
	db, err := storage.Open(ctx, at.serve, o)
	if err != nil {
		return err
	}
	defer db.Close()
	// The file first: a key that is announced and nowhere kept would be lost, and all that is signed
	// with it. A crash before the announcement leaves a file that no trail knows: every command then
	// says that the key is another one (OtherKeyError), and the former file is beside it.
	kept := formerFile(p.SigningKeyFile)
	if former != nil {
		if err := os.Rename(p.SigningKeyFile, kept); err != nil {
			return fmt.Errorf("keep the former key: %w", err)
		}
	}
	if err = next.Replace(p.SigningKeyFile); err == nil {
		err = storage.NewKey(ctx, db, next, lost)
	}
	if err != nil {
		if former != nil { // else the next serve would find no key, make one of its own, and be refused with it
			err = errors.Join(err, os.Rename(kept, p.SigningKeyFile))
		}
		return err
	}
	fmt.Fprintf(p.out, "A new key signs from now on: %s\nCopy %s to all replicas, and restart them.\n", next.Name(), p.SigningKeyFile)
	if former != nil {
		fmt.Fprintf(p.out, "The former one is in %s. Destroy it once all replicas are restarted.\n", kept)
	}
	return nil
}

// formerFile is a name that no file has yet: a key that was replaced before may still be wanted by a replica.
func formerFile(key string) string {
	name := key + ".former"
	for n := 2; ; n++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name
		}
		name = fmt.Sprintf("%s.former-%d", key, n)
	}
}

// placesOf are where checkpoints are kept beyond this machine, as the settings say. An epoch has a branch and objects
// of its own there: what an older copy lacks stays as it is, and is no history of this database.
// Each is optional. The Git folder beside the file of checkpoints is only a cache of the remote.
func placesOf(ctx context.Context, p program, db *storage.DB) (list []outside.Place, err error) {
	epoch, err := storage.Epoch(ctx, db)
	if err != nil {
		return nil, err
	}
	if p.CheckpointGit != "" {
		branch := p.CheckpointBranch
		if epoch != "" {
			branch += "-" + epoch
		}
		list = append(list, &outside.Git{URL: string(p.CheckpointGit), Branch: branch, Dir: p.CheckpointFile + ".git"})
	}
	if p.CheckpointS3 != "" {
		bucket, err := outside.NewBucket(outside.BucketAt{URL: p.CheckpointS3, Region: p.CheckpointRegion, Bucket: p.CheckpointBucket, Key: p.CheckpointS3Key, Secret: string(p.CheckpointS3Secret), Days: p.CheckpointS3Days, Epoch: epoch})
		if err != nil {
			return list, fmt.Errorf("CHECKPOINT_S3: %w", err)
		}
		list = append(list, bucket)
	}
	return list, nil
}

// signed lists the checkpoints of the log that the key has signed. What stands in the database is not believed:
// nothing else leaves the machine.
// after counts numbers; from 0 on, because places begin with the first checkpoint, while -1 would ask for the
// last alone.
func (k keeper) signed(log *journal.Log) outside.Source {
	return func(ctx context.Context, after int64) (list []outside.Signed, err error) {
		all, err := log.Checkpoints(ctx, max(after, 0))
		for _, c := range all {
			if k.keys != nil {
				if _, err := note.Open([]byte(c.Note), k.keys); err != nil {
					return list, fmt.Errorf("checkpoint %d is not sent: %w", c.Number, err)
				}
			}
			list = append(list, outside.Signed(c))
		}
		return list, err
	}
}

// bring has every place beyond the machine get what it lacks. Whatever time the places have taken, the alarms
// are written down.
func (k keeper) bring(ctx context.Context, log *journal.Log) error {
	err := k.courier.Bring(ctx, k.signed(log))
	faults := []error{err}
	// WithoutCancel: the time that a place took must not cost the alarm about it.
	for _, parted := range outside.Each[*outside.PartedError](err) {
		faults = append(faults, k.alarm(context.WithoutCancel(ctx), approval.LogAlarm{Why: approval.LogParted, Place: parted.Place}))
	}
	return errors.Join(faults...)
}

// lacks alarms where a place has lacked a checkpoint for a while.
func (k keeper) lacks(ctx context.Context) error {
	err := k.courier.Late(ctx, k.signed(storage.Log(k.db)), sendsWithin)
	late := outside.Each[*outside.LateError](err)
	if len(late) == 0 {
		return err
	}
	var faults []error
	for _, one := range late {
		faults = append(faults, k.alarm(context.WithoutCancel(ctx), approval.LogAlarm{Why: approval.LogLacks, Place: one.Place, Since: one.Since}))
	}
	return errors.Join(faults...)
}

// beyond adds to a finding what a place has.
func (f finding) beyond(ctx context.Context, place outside.Place, from outside.Source) finding {
	last, err := place.Last(ctx)
	if err != nil {
		f.warn, f.say = true, f.say+"; "+err.Error()
		return f
	}
	number := int64(0)
	if last != nil {
		number = last.Number
	}
	f.say += fmt.Sprintf("; %s has checkpoint %d", place.Name(), number)
	if lacks, err := from(ctx, number); err == nil && len(lacks) > 0 && time.Since(lacks[0].At) > sendsWithin {
		f.warn, f.say = true, f.say+", and lacks those since"
	}
	return f
}
