package storage

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// Pins are the files that administrators have pinned to channels.
type Pins struct{ db *core }

// PinsOf are those in a database.
func PinsOf(db *DB) Pins { return Pins{db.core} }

// pinRow is the last word on a pinned file, with the event of it.
type pinRow struct {
	trail.Voucher
	Team      string
	Project   string
	Verb      string
	File      string
	Name      string
	Content   string
	Size      int64
	People    []string
	SharedBy  *string
	SharedAt  *time.Time
	InsteadOf *string
	By        string
	At        time.Time

	NameIn, ContentIn string // where the words stand
}

// standingPins reads what stands, with the events that tell of it. A row of which no signed event tells is
// no pin, so whoever forges one pins nothing. But it takes away what stood before, as a forged row that unpins does:
// the people whom a pin names bound nobody then, and who is in the channel may use the file, until an audit finds it.
const standingPins = `SELECT p.team, p.project, p.verb, p.file, said(p.name) AS name, said(p.content) AS content, p.size, p.people, p.shared_by, p.shared_at, p.instead_of, p."by", p.at,
	p.name AS name_in, p.content AS content_in, ` + trail.VoucherOf + ` FROM %s p LEFT JOIN events e ON e.stream = 'pins:' || p.team AND e.seq = p.told `

// pin is the row as the core knows it.
func (r pinRow) pin() pins.Pin {
	p := pins.Pin{Team: r.Team, Project: r.Project, By: r.By, At: r.At, People: pg.OrNil(r.People), File: approval.File{ID: r.File, Name: r.Name, Size: r.Size, SHA256: r.Content}}
	if r.SharedBy != nil && r.SharedAt != nil {
		p.File.Shared = &approval.Sharing{By: *r.SharedBy, At: r.SharedAt.UTC()}
	}
	return p
}

// takePins keeps the pins that their events vouch for.
func (c *core) takePins(into *[]pins.Pin) func(rows []pinRow) error {
	return func(rows []pinRow) error {
		*into = nil
		for _, r := range rows {
			if !c.doubtsPin(r) {
				*into = append(*into, r.pin())
			}
		}
		return nil
	}
}

// addPins reads the pins of a workspace.
func (c *core) addPins(b *pgx.Batch, team string, into *[]pins.Pin) {
	pg.Ask(b, c.takePins(into), fmt.Sprintf(standingPins, "standing_pins($1)")+`ORDER BY p.project, p.seq`, team)
}

// addPinsOf reads those that bear on the files of a request.
func (c *core) addPinsOf(b *pgx.Batch, id string, into *[]pins.Pin) {
	pg.Ask(b, c.takePins(into), fmt.Sprintf(standingPins, "requests q CROSS JOIN LATERAL standing_pins(q.team)")+`
		WHERE q.id = $1 AND EXISTS (SELECT FROM jsonb_array_elements(q.files) f WHERE f ->> 'id' = p.file AND coalesce(nullif(f ->> 'pinned', ''), q.project) = p.project) ORDER BY p.seq`, id)
}

// doubtsPin holds a pin against its signed event, above all the content: another file under the same name would
// answer everybody's questions.
func (c *core) doubtsPin(r pinRow) bool {
	return c.notary.Doubts(r.Voucher, fmt.Sprintf("the pin of file %s in %s", r.File, r.Project), func(e trail.Witnessed) bool {
		people, err := pg.Document(pg.OrEmpty(r.People), "[]")
		return err == nil && e.Stream == trail.PinsStream(r.Team) && e.Actor == r.By && e.Kind == r.Verb && e.At.Equal(r.At) && trail.SameJSON(e.Data["for"], people) &&
			e.Says(map[string]string{"channel": r.Project, "file": r.File, "name": r.NameIn, "content": r.ContentIn, "size": strconv.FormatInt(r.Size, 10), "instead_of": pg.OrZero(r.InsteadOf), "shared_by": pg.OrZero(r.SharedBy)})
	})
}

// Pins implements pins.Store.
func (s Pins) Pins(ctx context.Context, team string) (list []pins.Pin, err error) {
	err = s.db.look(ctx, func(b *pgx.Batch) { s.db.addPins(b, team, &list) })
	return list, pg.While(err, "read what is pinned in %s", team)
}

// allOf are the values of one column.
func allOf(ctx context.Context, tx pgx.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// PinnedBefore implements pins.Store.
func (s Pins) PinnedBefore(ctx context.Context, before time.Time) (old map[string][]pins.Pin, err error) {
	var teams []string
	err = s.db.read(ctx, func(tx pgx.Tx) (err error) {
		teams, err = allOf(ctx, tx, `SELECT DISTINCT team FROM pins WHERE at < $1 ORDER BY 1`, before)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for old pins: %w", err)
	}
	old = map[string][]pins.Pin{}
	// Two steps, because which pins stand is known only once all of a workspace's words are read.
	for _, team := range teams {
		all, err := s.Pins(ctx, team)
		if err != nil {
			return nil, err
		}
		if all = slices.DeleteFunc(all, func(p pins.Pin) bool { return !p.At.Before(before) }); len(all) > 0 {
			old[team] = all
		}
	}
	return old, nil
}

// Declined implements pins.Store.
func (s Pins) Declined(ctx context.Context, team, project string) (ids []string, err error) {
	err = s.db.read(ctx, func(tx pgx.Tx) (err error) {
		ids, err = allOf(ctx, tx, `SELECT DISTINCT file FROM pins WHERE team = $1 AND project = $2 AND verb = 'declined upload' ORDER BY 1`, team, project)
		return err
	})
	return ids, pg.While(err, "read which uploads were declined in %s", project)
}

// Set implements pins.Store. What was pinned is held against what stands under the lock of the trail, so
// that of two administrators, or of two presses, the second finds it done.
func (s Pins) Set(ctx context.Context, d pins.Deed) error {
	err := s.db.write(ctx, func(tx pgx.Tx) error {
		if err := trail.LockStream(ctx, tx, trail.PinsStream(d.Team)); err != nil {
			return err
		}
		var all []pins.Pin
		batch := &pgx.Batch{}
		s.db.addPins(batch, d.Team, &all)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		d = d.Under(all)
		done, err := d.After(all)
		// To decline an upload changes no pin, so whether it was done is no question for After.
		if err == nil && !done && d.Kind == approval.EventDeclinedUpload {
			err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pins WHERE (team, project, file, instead_of, verb) = ($1, $2, $3, $4, $5))`, d.Team, d.Project, d.File.ID, d.InsteadOf, d.Kind).Scan(&done)
		}
		if err != nil || done {
			return err
		}
		if err := lockAuthority(ctx, tx, d.Team); err != nil {
			return err
		}
		if d.At, err = pg.Clock(ctx, tx); err != nil {
			return err
		}
		return s.store(ctx, tx, d)
	})
	return pg.While(err, "%s %s in %s", d.Kind, d.File.ID, d.Project)
}

// store writes a deed with its event. What the file is called and what it holds stands beside both, under
// the same hash.
func (s Pins) store(ctx context.Context, tx pgx.Tx, d pins.Deed) error {
	words := s.db.notary.Contents(trail.PinsStream(d.Team))
	data := map[string]any{"channel": d.Project, "file": d.File.ID}
	var name, content *string
	var size *int64
	if d.Standing() {
		// Name and content can be forgotten with the words, so the trail has their hashes; the size says nothing of a person.
		data["name"], data["content"], data["size"], data["for"] = approval.Said(pg.Text(d.File.Name)), approval.Said(d.File.SHA256), d.File.Size, pg.OrEmpty(d.People)
		name, content, size = words.Text(d.File.Name), words.Text(d.File.SHA256), &d.File.Size
	}
	var sharedBy *string
	var sharedAt *time.Time
	if by := d.File.Shared; by != nil && d.Standing() {
		// As the column keeps it: pins_told compares it with the event's.
		at := pg.Micro(by.At)
		sharedBy, sharedAt, data["shared_by"], data["shared_at"] = &by.By, &at, by.By, at
	}
	var insteadOf *string
	if d.InsteadOf != "" {
		insteadOf, data["instead_of"] = &d.InsteadOf, d.InsteadOf
	}
	told, err := words.Append(ctx, tx, []approval.Event{{At: d.At, Actor: d.By, Kind: d.Kind, Data: data}})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO pins (team, project, verb, file, name, content, size, people, shared_by, shared_at, instead_of, "by", at, told) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		d.Team, d.Project, d.Kind, d.File.ID, name, content, size, pg.OrEmpty(d.People), sharedBy, sharedAt, insteadOf, d.By, d.At, told)
	return err
}
