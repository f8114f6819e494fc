package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"countersign/approval"
	"countersign/approval/keeping"
	"countersign/approval/steps"
	"countersign/internal/checkpoint"
	"countersign/internal/outside"
	"countersign/storage"
	"countersign/storage/journal"
	"countersign/storage/signing"
)

// keeper gives events their places in the log, has checkpoints signed, writes them into a
// file beside the database, and sends them to a channel of Slack. When one is late, does
// not follow the one before, or does not come there, administrators hear of it.
// Doctor, pack, backup and restored use it without a serve; known and courier are of use to a serve alone.
type keeper struct {
	db   *storage.DB
	by   note.Signer
	keys note.Verifiers
	file checkpoint.File

	known   *acquaintances
	courier *outside.Courier
}

// newKeeper takes the key's two halves: one signs checkpoints, the other checks what stands in the database before it
// is sent anywhere.
func newKeeper(db *storage.DB, signed storage.Options, file string) (k keeper, err error) {
	k = keeper{db: db, file: checkpoint.File{Path: file}, known: &acquaintances{}, courier: &outside.Courier{}}
	if k.by, err = signed.Key.Notes(); err == nil {
		k.keys, err = signed.Key.Verifiers()
	}
	return k, err
}

// trail is what administrators see of the log, and change.
type trail struct {
	*steps.Steps
	storage.Copies
}

// keeps is what administrators say about what is hidden, kept and forgotten.
type keeps struct {
	*steps.Steps
	*keeping.Keeper
}

// tick is what one replica does every few seconds. A checkpoint that does not follow is
// sent nowhere, and none is signed over a database that does not follow: one that was put back
// under a serve that goes on would get a second past.
// Two kinds of failure are kept apart. A log that does not follow stops everything and is told at once;
// whatever else fails is an error that the next tick meets again.
func (k keeper) tick(ctx context.Context) error {
	log := storage.Log(k.db)
	// The file first: what it has must still be there. Then what is new is signed, and goes into the
	// file before anything of it goes to Slack.
	err := k.keep(ctx, log)
	if err == nil {
		err = errors.Join(log.Sequence(ctx, k.by), k.keep(ctx, log))
	}
	if _, ok := errors.AsType[*checkpoint.NotFollowingError](err); ok {
		return errors.Join(err, k.alarm(ctx, approval.LogAlarm{Why: approval.LogForks}))
	}
	// What comes after is tried whatever went wrong before: a Slack that is away must not keep a Git remote from its copy.
	return errors.Join(err, k.send(ctx, log), k.known.write(ctx, log), k.bring(ctx, log))
}

// late alarms where the log is not kept up, or does not leave. It belongs to the sweep,
// which goes on when the tick does not.
// It asks the database what stands there, and not a tick what it has done: what it is there to find is that no
// tick runs.
func (k keeper) late(ctx context.Context) error {
	err := storage.Log(k.db).Kept(ctx)
	if late, ok := errors.AsType[*journal.LateError](err); ok {
		err = k.alarm(ctx, approval.LogAlarm{Why: approval.LogLate, Since: late.Since})
	}
	return errors.Join(err, k.stays(ctx), k.lacks(ctx))
}

// sendsWithin is how long a copy may take to its channel until somebody hears of it.
const sendsWithin = time.Hour

// stays alarms the administrators of a workspace whose channel has got no copies for a while.
func (k keeper) stays(ctx context.Context) error {
	channels, err := storage.Copies{DB: k.db}.Channels(ctx)
	for team, channel := range channels {
		// One channel that cannot be looked at leaves the others their alarms.
		c, unread := storage.Copies{DB: k.db}.Copied(ctx, team, channel)
		since := time.Time{}
		if unread == nil {
			since, unread = k.missing(ctx, c)
		}
		if !since.IsZero() && time.Since(since) > sendsWithin {
			unread = k.tell(ctx, team, approval.LogAlarm{Why: approval.LogStays, Since: since, Channel: channel})
		}
		err = errors.Join(err, unread)
	}
	return err
}

// missing is since when a channel lacks a checkpoint: by the log, since anybody with the database's
// password can write a notice; only a channel that never got one has nothing else to go by.
func (k keeper) missing(ctx context.Context, c steps.Copies) (since time.Time, err error) {
	if c.Number == 0 {
		return c.Waits, nil
	}
	list, err := storage.Log(k.db).Checkpoints(ctx, c.Number)
	if err != nil || len(list) == 0 {
		return since, err
	}
	// The first that is not there is the oldest that is missing.
	return list[0].At, nil
}

// send has every new checkpoint posted to the channels that administrators have chosen. Each
// is a notice with a name of its own, so that of all replicas one sends it, once, and goes
// on after an outage. The first channel begins with the last one, and one that takes another's
// place with the next.
func (k keeper) send(ctx context.Context, log *journal.Log) error {
	channels, err := storage.Copies{DB: k.db}.Channels(ctx)
	if err != nil {
		return err
	}
	var faults []error
	for team, channel := range channels {
		faults = append(faults, k.sendTo(ctx, log, team, channel))
	}
	return errors.Join(faults...)
}

// sendTo has what is missing in one channel posted, in the order of the numbers. Where one cannot be
// written down, those after it wait: the next look goes by the last one, and would not see the gap.
// had.Begun is the last one for which a notice stands, had.Number the last that has come to the channel. The
// next begins after Begun, or each look would write notices for all that are under way.
func (k keeper) sendTo(ctx context.Context, log *journal.Log, team, channel string) error {
	had, err := storage.Copies{DB: k.db}.Copied(ctx, team, channel)
	if err != nil {
		return err
	}
	after := had.Begun
	// -1 asks for the last checkpoint alone: a channel that is new begins there, and not with the whole
	// history.
	if after == 0 {
		after = -1
	}
	last, err := log.Checkpoints(ctx, -1)
	if err != nil || len(last) == 0 {
		return err
	}
	if after > last[0].Number { // which nobody has made yet, so a notice lies: the channel itself counts
		after = had.Number
	}
	list, err := log.Checkpoints(ctx, after)
	if err != nil {
		return err
	}
	var faults []error
	for _, c := range list {
		// What stands in the database is not believed: nothing is said in Slack that the key has not signed.
		if _, err := note.Open([]byte(c.Note), k.keys); err != nil {
			faults = append(faults, fmt.Errorf("checkpoint %d is not sent: %w", c.Number, err))
			continue
		}
		err := k.db.Notify(ctx, approval.Notice{Key: fmt.Sprintf("checkpoint %d %s", c.Number, team), Team: team, Kind: approval.NoticeCheckpoint, To: []string{channel},
			Data: approval.Encode(approval.Checkpoint{Number: c.Number, Size: c.Size, Note: c.Note}), At: time.Now().UTC(), Once: true})
		if err != nil { // a later one would be where the next look begins
			return errors.Join(append(faults, err)...)
		}
	}
	return errors.Join(faults...)
}

// keep appends to the file what has come since its last checkpoint. What follows is kept also where
// something after it does not: the file then ends where the fork begins.
func (k keeper) keep(ctx context.Context, log *journal.Log) error {
	notes, err := k.news(ctx, log)
	return errors.Join(err, k.file.Append(notes...))
}

// errNotOurs is a checkpoint that somebody has written into the database who has not the key.
var errNotOurs = errors.New("no key of this installation has signed it")

// news are the notes that the file has not yet, each held against the one before it. What
// the file has is what the database once had.
// The proof that comes with each is checked here, by this process. What a Slack channel or a Git remote gets
// later rests on that.
func (k keeper) news(ctx context.Context, log *journal.Log) (notes []string, err error) {
	last, err := k.file.Last()
	if err != nil {
		return nil, err
	}
	after := int64(0)
	if last != nil {
		after = last.Number - 1 // the last one again
	}
	list, err := log.Checkpoints(ctx, after)
	if err != nil {
		return nil, err
	}
	if last != nil {
		// The last one again, letter by letter: same number and another text is a second history, and fewer is an older copy.
		if len(list) == 0 || list[0].Number != last.Number || list[0].Text() != last.Text() {
			return nil, &checkpoint.NotFollowingError{Before: last.Number, After: last.Number, Why: "the database has not the one that " + k.file.Path + " has"}
		}
		list = list[1:]
	}
	for _, c := range list {
		// Before anything is signed after it: its day would be the least that the next one says, and its place in the file ours.
		if k.keys == nil { // a doctor without the key, who keeps nothing
		} else if _, err := note.Open([]byte(c.Note), k.keys); err != nil {
			return notes, fmt.Errorf("checkpoint %d is not kept: %w: %w", c.Number, errNotOurs, err)
		}
		if last != nil {
			// By the Merkle proof, and not by the database's word that they belong together.
			if err := c.Follows(*last, c.Proof); err != nil {
				return notes, err
			}
		}
		notes, last = append(notes, c.Note), &c.Checkpoint
	}
	return notes, nil
}

// alarm tells the administrators of every workspace, once a day.
func (k keeper) alarm(ctx context.Context, what approval.LogAlarm) error {
	teams, err := k.db.Teams(ctx)
	faults := []error{err}
	for team := range teams {
		faults = append(faults, k.tell(ctx, team, what))
	}
	return errors.Join(faults...)
}

// tell notifies the administrators of one workspace. The day in the key makes it one message a day,
// however often it is found and by however many replicas.
func (k keeper) tell(ctx context.Context, team string, what approval.LogAlarm) error {
	now := time.Now().UTC()
	return k.db.Notify(ctx, approval.Notice{Key: strings.TrimSpace(fmt.Sprintf("log %s %s %s %s", what.Why, team, now.Format(time.DateOnly), what.Place)), Team: team,
		Kind: approval.NoticeLog, Admins: true, Data: approval.Encode(what), At: now, Once: true})
}

// checkCheckpoints says when the last checkpoint was made, and when it left the machine.
// It looks and signs nothing, so it may run beside a serve.
func (p program) checkCheckpoints(ctx context.Context) finding {
	url, end, err := p.present(ctx)
	defer end()
	if err != nil {
		return finding{open: true, say: "cannot be looked at without the database"}
	}
	db, err := storage.Open(ctx, url, p.storage())
	if err != nil {
		return finding{err: err}
	}
	defer db.Close()
	log := storage.Log(db)
	made, err := log.Checkpoints(ctx, -1)
	if err != nil {
		return finding{err: err}
	}
	if len(made) == 0 {
		return finding{say: "none yet: nothing has happened"}
	}
	last := made[0]
	f := finding{say: fmt.Sprintf("the last is %d, of %s", last.Number, last.At.In(p.location).Format(minute))}
	k := keeper{db: db, file: checkpoint.File{Path: p.CheckpointFile}}
	if key, err := signing.Read(p.SigningKeyFile); err == nil { // without it nobody can say whose they are, which is another finding
		k.keys, _ = key.Verifiers()
	}
	if late, ok := errors.AsType[*journal.LateError](log.Kept(ctx)); ok {
		f.warn, f.say = true, f.say+"; "+late.Error()+": does a serve run?"
	}
	// serve would refuse here, so doctor does: a warning would be overlooked on the day on which it counts.
	if err := k.current(ctx); err != nil {
		return finding{err: err}
	}
	channels, err := storage.Copies{DB: db}.Channels(ctx)
	if err != nil {
		return finding{err: err}
	}
	places, err := placesOf(ctx, p, db)
	if err != nil {
		return finding{err: err}
	}
	for _, place := range places {
		f = f.beyond(ctx, place, k.signed(log))
	}
	if len(channels) == 0 && len(places) == 0 {
		f.warn, f.say = true, f.say+"; none has left this machine: an administrator can choose a channel for copies in Home, Audit log"
	}
	for team, channel := range channels {
		c, err := storage.Copies{DB: db}.Copied(ctx, team, channel)
		switch {
		case err != nil:
			return finding{err: err}
		case c.Number == 0:
			f.say += "; none has come to " + channel + " yet"
		default:
			f.say += fmt.Sprintf("; the last copy in %s is %d, posted on %s", channel, c.Number, c.At.In(p.location).Format(minute))
		}
		since, err := k.missing(ctx, c)
		if err != nil {
			return finding{err: err}
		}
		if !since.IsZero() && time.Since(since) > sendsWithin {
			f.warn, f.say = true, f.say+"; one is missing there since "+since.In(p.location).Format(minute)+": is the bot in that channel?"
		}
	}
	return f
}

// minute spells a moment for an operator.
const minute = "2 January 15:04 MST"

// current refuses a database that lacks what this machine has seen signed: a copy that was
// put back, or another one. What ran since would run again.
func (k keeper) current(ctx context.Context) error {
	_, err := k.news(ctx, storage.Log(k.db))
	if !errors.As(err, new(*checkpoint.NotFollowingError)) {
		return err
	}
	return fmt.Errorf("this database does not continue the checkpoints in %s: it is an older copy, another database, or somebody has changed it (%w). "+
		"Nothing is served from it, because what has run since would run again. If you have put a copy back yourself: countersign restored", k.file.Path, err)
}
