package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/reading"
	"countersign/approval/steps"
)

// Known is the sha256 of a file that Slack has shown before by this id, name and size.
func (db *DB) Known(ctx context.Context, team string, f approval.File) (sha256 string, err error) {
	err = db.look(ctx, func(b *pgx.Batch) {
		ask(b, func(rows []struct {
			SHA256 string `db:"sha256"`
		}) error {
			for _, row := range rows { // one at most: it is the primary key
				sha256 = row.SHA256
			}
			return nil
		}, `SELECT sha256 FROM known_files WHERE team = $1 AND file_id = $2 AND name = $3 AND size = $4`, team, f.ID, f.Name, f.Size)
	})
	if err != nil {
		return "", fmt.Errorf("what is known of file %s: %w", f.ID, err)
	}
	return sha256, nil
}

// Know remembers what a file holds that Slack shows by this id, name and size.
func (db *DB) Know(ctx context.Context, team string, f approval.File) error {
	return db.writeByKey(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO known_files (team, file_id, name, size, sha256, at) VALUES ($1, $2, $3, $4, $5, clock_timestamp())
			ON CONFLICT (team, file_id, name, size) DO UPDATE SET sha256 = excluded.sha256, at = excluded.at`,
			team, f.ID, f.Name, f.Size, f.SHA256)
		return err
	})
}

type keptRow struct {
	Answer *string
	Tries  int
	At     time.Time
	Now    time.Time
}

// Reading is what is known of a content.
func (db *DB) Reading(ctx context.Context, c approval.Content) (kept steps.KeptReading, err error) {
	err = db.look(ctx, func(b *pgx.Batch) {
		kept = steps.KeptReading{}
		ask(b, func(rows []keptRow) error {
			for _, row := range rows {
				kept = steps.KeptReading{Tries: row.Tries, At: row.At, Now: row.Now}
				if row.Answer != nil {
					kept.Answer = &reading.Answer{}
					return json.Unmarshal([]byte(*row.Answer), kept.Answer)
				}
			}
			return nil
		}, `SELECT answer, tries, at, clock_timestamp() AS now FROM readings
			WHERE (team, project, file_sha256, desk, template) = ($1, $2, $3, $4, $5)`, c.Team, c.Project, c.SHA256, c.Desk, c.Template)
	})
	if err != nil {
		return kept, fmt.Errorf("how file %s is read: %w", approval.Short(c.SHA256), err)
	}
	return kept, nil
}

// BeginReading counts a box before the file goes into it. A word that holds no more is gone
// with it, and so are boxes of which a day has passed since.
func (db *DB) BeginReading(ctx context.Context, c approval.Content) (tries int, err error) {
	err = db.write(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			INSERT INTO readings AS r (team, project, file_sha256, desk, template, tries, at) VALUES ($1, $2, $3, $4, $5, 1, clock_timestamp())
			ON CONFLICT (team, project, file_sha256, desk, template) DO UPDATE SET at = excluded.at,
				tries = CASE WHEN r.at < excluded.at - $6::interval THEN 1 ELSE r.tries + 1 END,
				answer = CASE WHEN r.sha256 IS NOT NULL THEN r.answer END
			RETURNING tries`, c.Team, c.Project, c.SHA256, c.Desk, c.Template, approval.RefusedFor).Scan(&tries)
	})
	if err != nil {
		return 0, fmt.Errorf("count a box for file %s: %w", approval.Short(c.SHA256), err)
	}
	return tries, nil
}

// NeverRead takes the last box back: there was none.
func (db *DB) NeverRead(ctx context.Context, c approval.Content) error {
	err := db.write(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			WITH gone AS (DELETE FROM readings WHERE (team, project, file_sha256, desk, template) = ($1, $2, $3, $4, $5) AND tries <= 1 AND answer IS NULL)
			UPDATE readings SET tries = tries - 1 WHERE (team, project, file_sha256, desk, template) = ($1, $2, $3, $4, $5) AND tries > 1`,
			c.Team, c.Project, c.SHA256, c.Desk, c.Template)
		return err
	})
	if err != nil {
		return fmt.Errorf("take a box for file %s back: %w", approval.Short(c.SHA256), err)
	}
	return nil
}

// KeepReading stores what a box said. A reading that stands is what requests name by its
// hash: nobody else's word takes its place.
func (db *DB) KeepReading(ctx context.Context, c approval.Content, a reading.Answer) error {
	answer, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("spell a reading: %w", err)
	}
	var sha256 *string
	if a.Reading != nil {
		sum := a.Reading.SHA256()
		sha256 = &sum
	}
	err = db.writeByKey(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO readings AS r (team, project, file_sha256, desk, template, sha256, answer, at) VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
			ON CONFLICT (team, project, file_sha256, desk, template) DO UPDATE SET tries = 0, at = excluded.at,
				sha256 = coalesce(r.sha256, excluded.sha256), answer = CASE WHEN r.sha256 IS NULL THEN excluded.answer ELSE r.answer END`,
			c.Team, c.Project, c.SHA256, c.Desk, c.Template, sha256, string(answer))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep how file %s is read: %w", approval.Short(c.SHA256), err)
	}
	return nil
}

// ToldBefore is what was told last of a content in its channel. The predicate is the index's.
func (db *DB) ToldBefore(ctx context.Context, c approval.Content) (told []reading.Answered, err error) {
	err = db.look(ctx, func(b *pgx.Batch) {
		ask(b, func(rows []struct{ Answers string }) error {
			told = nil
			for _, row := range rows { // one at most
				return json.Unmarshal([]byte(row.Answers), &told)
			}
			return nil
		}, `SELECT f -> 'answers' AS answers FROM requests, jsonb_array_elements(files) f
			WHERE team = $1 AND project = $2 AND files @? '$[*].answers[*] ? (@.code starts with "told_")'
				AND f ->> 'sha256' = $3 AND f @? '$.answers[*] ? (@.code starts with "told_" && @.code != "told_before")'
			ORDER BY changed_at DESC LIMIT 1`, c.Team, c.Project, c.SHA256)
	})
	if err != nil {
		return nil, fmt.Errorf("what was told of file %s: %w", approval.Short(c.SHA256), err)
	}
	return told, nil
}

// readingOf is how one content is read, as a request's row brings it along.
type readingOf struct {
	File   string `json:"file"`   // its sha256
	SHA256 string `json:"sha256"` // of the reading
	Answer string `json:"answer"`
}

// readingsOf is the column of a request's query that brings them: what its files name, and is
// not forgotten.
const readingsOf = `(SELECT coalesce(json_agg(DISTINCT jsonb_build_object('file', d.file_sha256, 'sha256', d.sha256, 'answer', d.answer)), '[]')
	FROM jsonb_array_elements(files) f JOIN readings d ON d.team = requests.team AND d.project = requests.project
		AND d.file_sha256 = f ->> 'sha256' AND d.sha256 = f ->> 'read_as')`

// withReadings gives files their readings, with what was said of them. What is not what a file names
// by its hash, it is without.
func withReadings(files []approval.File, readings []readingOf) []approval.File {
	for _, row := range readings {
		var said reading.Answer
		if json.Unmarshal([]byte(row.Answer), &said) != nil || said.Reading == nil || said.Reading.SHA256() != row.SHA256 {
			continue
		}
		for i := range files {
			if f := &files[i]; f.SHA256 == row.File && f.ReadAs == row.SHA256 {
				f.Reading = said.Reading.Settled(f.Answers)
			}
		}
	}
	return files
}

// Pins are the files that administrators have pinned to channels.
type Pins struct{ db *DB }

// PinsOf are those in a database.
func PinsOf(db *DB) Pins { return Pins{db} }

// pinsStream is the audit trail of what was pinned in a workspace.
func pinsStream(team string) string { return "pins:" + team }

type pinRow struct {
	voucher
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
// no pin, so whoever forges one pins nothing, and takes away what stood before.
const standingPins = `SELECT p.team, p.project, p.verb, p.file, said(p.name) AS name, said(p.content) AS content, p.size, p.people, p.shared_by, p.shared_at, p.instead_of, p."by", p.at,
	p.name AS name_in, p.content AS content_in, ` + voucherOf + ` FROM standing_pins(%s) p LEFT JOIN events e ON e.stream = 'pins:' || p.team AND e.seq = p.told `

func (r pinRow) pin() pins.Pin {
	p := pins.Pin{Team: r.Team, Project: r.Project, By: r.By, At: r.At, People: orNil(r.People), File: approval.File{ID: r.File, Name: r.Name, Size: r.Size, SHA256: r.Content}}
	if r.SharedBy != nil && r.SharedAt != nil {
		p.File.Shared = &approval.Sharing{By: *r.SharedBy, At: r.SharedAt.UTC()}
	}
	return p
}

func (n *notary) takePins(into *[]pins.Pin) func(rows []pinRow) error {
	return func(rows []pinRow) error {
		*into = nil
		for _, r := range rows {
			if !n.doubtsPin(r) {
				*into = append(*into, r.pin())
			}
		}
		return nil
	}
}

// queuePins reads the pins of a workspace.
func (n *notary) queuePins(b *pgx.Batch, team string, into *[]pins.Pin) {
	ask(b, n.takePins(into), fmt.Sprintf(standingPins, "$1")+`ORDER BY p.project, p.seq`, team)
}

// queuePinsOf reads those that bear on the files of a request.
func (n *notary) queuePinsOf(b *pgx.Batch, id string, into *[]pins.Pin) {
	ask(b, n.takePins(into), fmt.Sprintf(standingPins, ofRequest)+`JOIN requests q ON q.id = $1
		WHERE EXISTS (SELECT FROM jsonb_array_elements(q.files) f WHERE f ->> 'id' = p.file AND coalesce(nullif(f ->> 'pinned', ''), q.project) = p.project) ORDER BY p.seq`, id)
}

func (n *notary) doubtsPin(r pinRow) bool {
	return n.doubts(r.voucher, fmt.Sprintf("the pin of file %s in %s", r.File, r.Project), func(e witnessed) bool {
		people, err := document(orEmpty(r.People), "[]")
		return err == nil && e.Stream == pinsStream(r.Team) && e.Actor == r.By && e.Kind == r.Verb && e.At.Equal(r.At) && sameJSON(e.Data["for"], people) &&
			e.says(map[string]string{"channel": r.Project, "file": r.File, "name": r.NameIn, "content": r.ContentIn, "size": strconv.FormatInt(r.Size, 10), "instead_of": orZero(r.InsteadOf), "shared_by": orZero(r.SharedBy)})
	})
}

// Pins implements pins.Store.
func (s Pins) Pins(ctx context.Context, team string) (list []pins.Pin, err error) {
	err = s.db.look(ctx, func(b *pgx.Batch) { s.db.notary.queuePins(b, team, &list) })
	if err != nil {
		return nil, fmt.Errorf("read what is pinned in %s: %w", team, err)
	}
	return list, nil
}

// PinnedBefore implements pins.Store.
func (s Pins) PinnedBefore(ctx context.Context, before time.Time) (old map[string][]pins.Pin, err error) {
	var teams []string
	err = s.db.read(ctx, func(tx pgx.Tx) (err error) {
		teams, err = texts(ctx, tx, `SELECT DISTINCT team FROM pins WHERE at < $1 ORDER BY 1`, before)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for old pins: %w", err)
	}
	old = map[string][]pins.Pin{}
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
		ids, err = texts(ctx, tx, `SELECT DISTINCT file FROM pins WHERE team = $1 AND project = $2 AND verb = 'declined upload' ORDER BY 1`, team, project)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read which uploads were declined in %s: %w", project, err)
	}
	return ids, nil
}

// Set implements pins.Store. What was pinned is held against what stands under the lock of the trail, so
// that of two administrators, or of two presses, the second finds it done.
func (s Pins) Set(ctx context.Context, d pins.Deed) error {
	err := s.db.write(ctx, func(tx pgx.Tx) error {
		if err := lockStream(ctx, tx, pinsStream(d.Team)); err != nil {
			return err
		}
		var all []pins.Pin
		batch := &pgx.Batch{}
		s.db.notary.queuePins(batch, d.Team, &all)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		done, err := d.After(all)
		if err == nil && !done && d.Kind == approval.EventDeclinedUpload {
			err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pins WHERE (team, project, file, instead_of, verb) = ($1, $2, $3, $4, $5))`, d.Team, d.Project, d.File.ID, d.InsteadOf, d.Kind).Scan(&done)
		}
		if err != nil || done {
			return err
		}
		if err := lockAuthority(ctx, tx, d.Team); err != nil {
			return err
		}
		if d.At, err = clock(ctx, tx); err != nil {
			return err
		}
		return s.store(ctx, tx, d)
	})
	if err != nil {
		return fmt.Errorf("%s %s in %s: %w", d.Kind, d.File.ID, d.Project, err)
	}
	return nil
}

// store writes a deed with its event. What the file is called and what it holds stands beside both, under
// the same hash.
func (s Pins) store(ctx context.Context, tx pgx.Tx, d pins.Deed) error {
	words := s.db.notary.contents(pinsStream(d.Team))
	data := map[string]any{"channel": d.Project, "file": d.File.ID}
	var name, content *string
	var size *int64
	if d.Standing() {
		data["name"], data["content"], data["size"], data["for"] = approval.Said(text(d.File.Name)), approval.Said(d.File.SHA256), d.File.Size, orEmpty(d.People)
		name, content, size = words.text(d.File.Name), words.text(d.File.SHA256), &d.File.Size
	}
	var sharedBy *string
	var sharedAt *time.Time
	if by := d.File.Shared; by != nil && d.Standing() {
		at := micro(by.At)
		sharedBy, sharedAt, data["shared_by"], data["shared_at"] = &by.By, &at, by.By, at
	}
	var insteadOf *string
	if d.InsteadOf != "" {
		insteadOf, data["instead_of"] = &d.InsteadOf, d.InsteadOf
	}
	told, err := words.append(ctx, tx, []approval.Event{{At: d.At, Actor: d.By, Kind: d.Kind, Data: data}})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO pins (team, project, verb, file, name, content, size, people, shared_by, shared_at, instead_of, "by", at, told) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		d.Team, d.Project, d.Kind, d.File.ID, name, content, size, orEmpty(d.People), sharedBy, sharedAt, insteadOf, d.By, d.At, told)
	return err
}

var pinsCheck = houseCheck{"pins", `SELECT format('%s: file %s of "%s" is %s by %s at %s: name %s, content %s, %s bytes, for %s, in the place of %s, shared by %s', team, file, project, verb, "by", ` + spelledIn("at") + `, name, content, size, array_to_string(people, ','), instead_of, shared_by) FROM pins`,
	[]string{approval.EventPinned, approval.EventUnpinned, approval.EventAcceptedUpload, approval.EventDeclinedUpload}, func(team string, e witnessed) string {
		var people []string
		list, _ := e.Data["for"].([]any)
		for _, who := range list {
			people = append(people, fmt.Sprint(who))
		}
		return fmt.Sprintf(`%s: file %s of "%s" is %s by %s at %s: name %s, content %s, %s bytes, for %s, in the place of %s, shared by %s`, team, e.fact("file"), e.fact("channel"), e.Kind, e.Actor, spelled(e.At),
			e.fact("name"), e.fact("content"), e.fact("size"), strings.Join(people, ","), e.fact("instead_of"), e.fact("shared_by"))
	}, false}
