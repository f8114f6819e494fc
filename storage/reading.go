package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/storage/pg"
)

// Known is the sha256 of a file that Slack has shown before by this id, name and size, where it was
// fetched within so long (0: at any time).
func (rb *readingBook) Known(ctx context.Context, team string, f approval.File, within time.Duration) (sha256 string, err error) {
	err = rb.look(ctx, func(b *pgx.Batch) {
		pg.Ask(b, func(rows []struct {
			SHA256 string `db:"sha256"`
		}) error {
			for _, row := range rows { // one at most: it is the primary key
				sha256 = row.SHA256
			}
			return nil
		}, `SELECT sha256 FROM known_files WHERE team = $1 AND file_id = $2 AND name = $3 AND size = $4
			AND ($5::interval = interval '0' OR at > clock_timestamp() - $5::interval)`, team, f.ID, f.Name, f.Size, within)
	})
	if err != nil {
		return "", fmt.Errorf("what is known of file %s: %w", f.ID, err)
	}
	return sha256, nil
}

// Know remembers what a file holds that Slack shows by this id, name and size.
func (rb *readingBook) Know(ctx context.Context, team string, f approval.File) error {
	return pg.Exec(ctx, rb.writeByKey, `
		INSERT INTO known_files (team, file_id, name, size, sha256, at) VALUES ($1, $2, $3, $4, $5, clock_timestamp())
		ON CONFLICT (team, file_id, name, size) DO UPDATE SET sha256 = excluded.sha256, at = excluded.at`,
		team, f.ID, f.Name, f.Size, f.SHA256)
}

// keptRow is a reading, or how often somebody has tried to get one. Now is the database's clock, so that the age
// of a try is the same for all replicas.
type keptRow struct {
	Answer *string
	Tries  int
	At     time.Time
	Now    time.Time
}

// Reading is what is known of a content.
func (rb *readingBook) Reading(ctx context.Context, c approval.Content) (kept steps.KeptReading, err error) {
	err = rb.look(ctx, func(b *pgx.Batch) {
		kept = steps.KeptReading{}
		pg.Ask(b, func(rows []keptRow) error {
			for _, row := range rows {
				kept = steps.KeptReading{Tries: row.Tries, At: row.At, Now: row.Now}
				// A problem is an answer as well. Without one there are only tries, of boxes that said nothing.
				if row.Answer != nil {
					kept.Answer = &reading.Answer{}
					return json.Unmarshal([]byte(*row.Answer), kept.Answer)
				}
			}
			return nil
		}, `SELECT answer, tries, at, clock_timestamp() AS now FROM readings
			WHERE (team, project, file_sha256, desk, template) = ($1, $2, $3, $4, $5)`, c.Team, c.Project, c.SHA256, c.Desk, c.Template)
	})
	return kept, pg.While(err, "how file %s is read", approval.Short(c.SHA256))
}

// BeginReading counts a box before the file goes into it, unless the file rests. A word that
// holds no more is gone with it, and so are boxes of which the longest rest has passed since.
func (rb *readingBook) BeginReading(ctx context.Context, c approval.Content) (begun bool, err error) {
	err = rb.write(ctx, func(tx pgx.Tx) error {
		begun = false
		// Under the lock of the row: two replicas that begin at once would both find room for one more box.
		kept, err := counted(ctx, tx, c)
		if err != nil || kept.Rests() {
			return err
		}
		begun = true
		_, err = tx.Exec(ctx, `
			INSERT INTO readings AS r (team, project, file_sha256, desk, template, tries, at) VALUES ($1, $2, $3, $4, $5, 1, clock_timestamp())
			ON CONFLICT (team, project, file_sha256, desk, template) DO UPDATE SET at = excluded.at,
				tries = CASE WHEN r.at < excluded.at - $6::interval THEN 1 ELSE r.tries + 1 END,
				answer = CASE WHEN r.sha256 IS NOT NULL THEN r.answer END`,
			c.Team, c.Project, c.SHA256, c.Desk, c.Template, approval.Rests[len(approval.Rests)-1])
		return err
	})
	return begun, pg.While(err, "count a box for file %s", approval.Short(c.SHA256))
}

// counted locks the boxes of a content, and says how many there are; none where nothing is known of it.
func counted(ctx context.Context, tx pgx.Tx, c approval.Content) (kept steps.KeptReading, err error) {
	err = tx.QueryRow(ctx, `
		SELECT tries, at, clock_timestamp() FROM readings
		WHERE (team, project, file_sha256, desk, template) = ($1, $2, $3, $4, $5) FOR UPDATE`,
		c.Team, c.Project, c.SHA256, c.Desk, c.Template).Scan(&kept.Tries, &kept.At, &kept.Now)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return kept, err
}

// Uncount takes the last box back. Another is due at once: the rest before it had passed.
func (rb *readingBook) Uncount(ctx context.Context, c approval.Content, all bool) error {
	err := rb.write(ctx, func(tx pgx.Tx) error {
		kept, err := counted(ctx, tx, c)
		if err != nil {
			return err
		}
		// Where no box was ever counted there is nothing to remember, and the file is as new.
		if all || kept.Tries <= 1 {
			_, err = tx.Exec(ctx, `DELETE FROM readings WHERE (team, project, file_sha256, desk, template) = ($1, $2, $3, $4, $5) AND answer IS NULL`,
				c.Team, c.Project, c.SHA256, c.Desk, c.Template)
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE readings SET tries = tries - 1, at = at - $6::interval WHERE (team, project, file_sha256, desk, template) = ($1, $2, $3, $4, $5)`,
			c.Team, c.Project, c.SHA256, c.Desk, c.Template, approval.RestAfter(kept.Tries-1))
		return err
	})
	return pg.While(err, "take a box for file %s back", approval.Short(c.SHA256))
}

// UseReading keeps a reading from now, as if it had just been made.
func (rb *readingBook) UseReading(ctx context.Context, c approval.Content) (there bool, err error) {
	err = rb.writeByKey(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE readings SET at = clock_timestamp() WHERE (team, project, file_sha256, desk, template) = ($1, $2, $3, $4, $5) AND sha256 IS NOT NULL`,
			c.Team, c.Project, c.SHA256, c.Desk, c.Template)
		there = tag.RowsAffected() > 0
		return err
	})
	return there, pg.While(err, "use how file %s is read", approval.Short(c.SHA256))
}

// KeepReading stores what a box said. The boxes before it count on where another one may do
// better. A reading that stands is what requests name by its
// hash: nobody else's word takes its place.
func (rb *readingBook) KeepReading(ctx context.Context, c approval.Content, a reading.Answer) error {
	answer, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("spell a reading: %w", err)
	}
	var sha256 *string
	// Without a reading it is a refusal, which no request names: it has no hash, and a later word takes its place.
	if a.Reading != nil {
		sum := a.Reading.SHA256()
		sha256 = &sum
	}
	err = pg.Exec(ctx, rb.writeByKey, `
		INSERT INTO readings AS r (team, project, file_sha256, desk, template, sha256, answer, at) VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
		ON CONFLICT (team, project, file_sha256, desk, template) DO UPDATE SET at = excluded.at,
			tries = CASE WHEN $8 AND r.sha256 IS NULL THEN r.tries ELSE 0 END,
			sha256 = coalesce(r.sha256, excluded.sha256), answer = CASE WHEN r.sha256 IS NULL THEN excluded.answer ELSE r.answer END`,
		c.Team, c.Project, c.SHA256, c.Desk, c.Template, sha256, string(answer), a.Problem != nil && approval.Passing(*a.Problem))
	return pg.While(err, "keep how file %s is read", approval.Short(c.SHA256))
}

// ToldBefore is what was told last of a content in its channel. The predicate is the index's.
func (rb *readingBook) ToldBefore(ctx context.Context, c approval.Content) (told []reading.Answered, err error) {
	err = rb.look(ctx, func(b *pgx.Batch) {
		pg.Ask(b, func(rows []struct{ Answers string }) error {
			told = nil
			for _, row := range rows { // one at most
				return json.Unmarshal([]byte(row.Answers), &told)
			}
			return nil
		}, `SELECT f -> 'answers' AS answers FROM requests, jsonb_array_elements(files) f
			WHERE team = $1 AND project = $2 AND private_to = '' AND files @? '$[*].answers[*] ? (@.code starts with "told_")'
				AND f ->> 'sha256' = $3 AND f @? '$.answers[*] ? (@.code starts with "told_" && @.code != "told_before")'
			ORDER BY changed_at DESC LIMIT 1`, c.Team, c.Project, c.SHA256)
	})
	return told, pg.While(err, "what was told of file %s", approval.Short(c.SHA256))
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
		// By the hash of what stands here and not by the column beside it, which anybody could have written.
		if json.Unmarshal([]byte(row.Answer), &said) != nil || said.Reading == nil || said.Reading.SHA256() != row.SHA256 {
			continue
		}
		for i := range files {
			if f := &files[i]; f.SHA256 == row.File && f.ReadAs == row.SHA256 {
				// What its asker has said of this file holds for this request alone, so it is put in here and not in the row.
				f.Reading = said.Reading.Settled(f.Answers)
			}
		}
	}
	return files
}

// repeatRow is the run that a request repeats.
type repeatRow struct {
	Request  string    `json:"request"`
	Revision int       `json:"revision"`
	Digest   string    `json:"digest"`
	Asker    string    `json:"asker"`
	Question string    `json:"question"`
	At       time.Time `json:"at"`
	Manifest string    `json:"manifest"`
	Taken    bool      `json:"taken"`
}

// repeatsOf is the run that a row of requests repeats.
const repeatsOf = `(SELECT jsonb_build_object('request', f.id, 'revision', v.number, 'digest', v.digest, 'asker', f.asker, 'question', said(f.question),
	'at', f.created_at, 'manifest', said(v.manifest),
	'taken', EXISTS (SELECT FROM takebacks t WHERE t.request_id = f.id)) FROM requests f JOIN revisions v ON v.request_id = f.id
	WHERE (f.id, v.number) = (requests.repeats, requests.repeats_revision))`

// repeat is what it means. A manifest that has not its digest any more is none.
func (r *repeatRow) repeat() *approval.Repeat {
	if r == nil {
		return nil
	}
	f := &approval.Repeat{Request: r.Request, Revision: r.Revision, Digest: r.Digest, Asker: r.Asker, Question: r.Question, At: r.At.UTC(), Taken: r.Taken}
	if err := json.Unmarshal([]byte(r.Manifest), &f.Manifest); err != nil || f.Manifest.Digest() != f.Digest {
		f.Manifest = approval.Manifest{}
	}
	return f
}
