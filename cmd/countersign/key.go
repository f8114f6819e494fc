package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"countersign/storage"
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
// other replicas need the new file.
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
	kept := p.SigningKeyFile + ".former"
	if former != nil {
		if err := os.Rename(p.SigningKeyFile, kept); err != nil {
			return fmt.Errorf("keep the former key: %w", err)
		}
	}
	if err := next.Replace(p.SigningKeyFile); err != nil {
		return err
	}
	if err := storage.NewKey(ctx, db, next, lost); err != nil {
		if former != nil {
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
