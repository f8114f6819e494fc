package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"countersign/approval"
	"countersign/internal/checkpoint"
	"countersign/storage"
	"countersign/storage/journal"
)

// keeper gives events their places in the log, has checkpoints signed, and writes them
// into a file beside the database. When one is late, or does not follow the one before,
// administrators hear of it.
type keeper struct {
	db   *storage.DB
	by   note.Signer
	file checkpoint.File
}

// tick is what one replica does every few seconds.
func (k keeper) tick(ctx context.Context) error {
	log := storage.Log(k.db)
	err := errors.Join(log.Sequence(ctx, k.by), k.keep(ctx, log))
	if forked := new(checkpoint.NotFollowingError); errors.As(err, &forked) {
		return errors.Join(err, k.alarm(ctx, approval.LogForks, time.Time{}))
	}
	return err
}

// late alarms where the log is not kept up. It belongs to the sweep, which goes on when
// the tick does not.
func (k keeper) late(ctx context.Context) error {
	err := storage.Log(k.db).Kept(ctx)
	if late := new(journal.LateError); errors.As(err, &late) {
		return k.alarm(ctx, approval.LogLate, late.Since)
	}
	return err
}

// keep appends to the file what has come since its last checkpoint, each held against the
// one before it. What the file has is what the database once had.
func (k keeper) keep(ctx context.Context, log *journal.Log) error {
	last, err := k.file.Last()
	if err != nil {
		return err
	}
	after := int64(0)
	if last != nil {
		after = last.Number - 1 // the last one again
	}
	list, err := log.Checkpoints(ctx, after)
	if err != nil {
		return err
	}
	if last != nil {
		if len(list) == 0 || list[0].Number != last.Number || list[0].Text() != last.Text() {
			return &checkpoint.NotFollowingError{Before: last.Number, After: last.Number, Why: "the database has not the one that " + k.file.Path + " has"}
		}
		list = list[1:]
	}
	var notes []string
	for _, c := range list {
		if last != nil {
			if err := c.Follows(*last, c.Proof); err != nil {
				return errors.Join(err, k.file.Append(notes...))
			}
		}
		notes, last = append(notes, c.Note), &c.Checkpoint
	}
	return k.file.Append(notes...)
}

// alarm tells the administrators of every workspace, once a day.
func (k keeper) alarm(ctx context.Context, why string, since time.Time) error {
	teams, err := k.db.Teams(ctx)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	var faults []error
	for team := range teams {
		faults = append(faults, k.db.Notify(ctx, approval.Notice{Key: fmt.Sprintf("log %s %s %s", why, team, now.Format(time.DateOnly)), Team: team,
			Kind: approval.NoticeLog, Admins: true, Data: approval.Encode(approval.LogAlarm{Why: why, Since: since}), At: now, Once: true}))
	}
	return errors.Join(faults...)
}
