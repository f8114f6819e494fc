package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
)

// store writes what the verbs have noted in Changes, in the order that the
// schema's promises need: the code before the decision on it, the decision
// before the move, the run before the request is running. Money comes late: from
// then on everybody waits who pays from the same budgets.
func (db *DB) store(ctx context.Context, tx pgx.Tx, r *approval.Request, words *contents) error {
	if err := words.gather(r.Changes); err != nil {
		return err
	}
	if err := words.flush(ctx, tx); err != nil {
		return err
	}
	c := r.Changes
	if c.Decision != nil {
		if err := insertDecision(ctx, tx, r, c.Decision, words); err != nil {
			return err
		}
	}
	if c.Revision != nil {
		if err := insertRevision(ctx, tx, c.Revision, words); err != nil {
			return err
		}
	}
	if c.Unstarted != nil {
		if err := takeBackRun(ctx, tx, r); err != nil {
			return err
		}
	}
	if c.Run != nil {
		if err := saveRun(ctx, tx, r, c.Run, words); err != nil {
			return err
		}
	}
	if err := insertMessages(ctx, tx, r, words); err != nil {
		return err
	}
	if err := db.jobs.insert(ctx, tx, r.ID, c.Jobs); err != nil {
		return err
	}
	if err := db.storeMoney(ctx, tx, r, words); err != nil {
		return err
	}
	c = r.Changes // storeMoney has added how the budgets stood, and who is to be told of it
	if err := words.append(ctx, tx, c.Events); err != nil {
		return err
	}
	if err := db.storeNotices(ctx, tx, c.Notices); err != nil {
		return err
	}
	if c.Retell {
		return db.retell(ctx, tx, r)
	}
	return nil
}

// insertRevision stores code and manifest byte for byte: the schema computes both
// hashes again and takes nothing that does not fit. What it cannot store, such as
// a NUL, has never been canonical.
func insertRevision(ctx context.Context, tx pgx.Tx, rev *approval.Revision, c *contents) error {
	findings, err := c.document(rev.Findings)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO revisions (request_id, number, code, summary, author, prompt_version, findings, manifest, digest, quote, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		rev.RequestID, rev.Number, c.put(rev.Code), c.text(rev.Summary), text(rev.Author), text(rev.PromptVersion), findings,
		c.put(string(rev.Manifest.Canonical())), rev.Digest, rev.Quote, micro(rev.At))
	if err != nil {
		return fmt.Errorf("insert revision %d of %s: %w", rev.Number, rev.RequestID, err)
	}
	return nil
}

// insertDecision takes the asker and the author from their own rows, never from
// the caller: the constraints compare the reviewer with them. A decision on code
// that is not there finds no row, and is stale.
func insertDecision(ctx context.Context, tx pgx.Tx, r *approval.Request, d *approval.Decision, c *contents) error {
	click, err := document(d.Click, "{}")
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO decisions (request_id, revision, digest, asker, author, reviewer, verdict, reason, at, click, in_place_of)
		SELECT v.request_id, v.number, v.digest, q.asker, v.author, $4, $5, $6, $7, $8, nullif($9, '')
		FROM revisions v JOIN requests q ON q.id = v.request_id
		WHERE v.request_id = $1 AND v.number = $2 AND v.digest = $3`,
		r.ID, d.Revision, d.Digest, d.Reviewer, d.Verdict, c.text(d.Reason), micro(d.At), click, d.InPlaceOf)
	if err != nil {
		return fmt.Errorf("insert decision of %s on %s: %w", d.Reviewer, r.ID, err)
	}
	if tag.RowsAffected() == 0 {
		return &approval.StaleError{Request: r}
	}
	return nil
}

// saveRun stores the start of a run, that its code has begun, or its end with
// what came out.
func saveRun(ctx context.Context, tx pgx.Tx, r *approval.Request, run *approval.Run, c *contents) error {
	if run.Result == nil && !run.BegunAt.IsZero() {
		if _, err := tx.Exec(ctx, `UPDATE runs SET begun_at = $2 WHERE request_id = $1`, r.ID, micro(run.BegunAt)); err != nil {
			return fmt.Errorf("begin run of %s: %w", r.ID, err)
		}
		return nil
	}
	if run.Result == nil {
		_, err := tx.Exec(ctx, `INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES ($1, $2, $3, $4, $5)`,
			r.ID, run.BoxID, r.Revision.Number, r.Revision.Digest, micro(run.StartedAt))
		if err != nil {
			return fmt.Errorf("insert run of %s: %w", r.ID, err)
		}
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE runs SET finished_at = $2, result = $3, box = $4 WHERE request_id = $1`,
		r.ID, micro(run.FinishedAt), c.named[keptResult], run.Result.Box)
	if err != nil {
		return fmt.Errorf("finish run of %s: %w", r.ID, err)
	}
	for i, a := range run.Result.Artifacts {
		_, err := tx.Exec(ctx, `INSERT INTO artifacts (request_id, seq, name, kind, alt, data) VALUES ($1, $2, $3, $4, $5, $6)`,
			r.ID, i+1, c.text(a.Name), a.Kind, c.text(a.Alt), c.named[keptFile(i)])
		if err != nil {
			return fmt.Errorf("insert artifact %q of %s: %w", a.Name, r.ID, err)
		}
	}
	return nil
}

// takeBackRun makes room for another run in the place of one that never started.
// The box is kept, so that nothing is ever run in it; one in which something has
// begun in the meantime is not taken back by the schema.
func takeBackRun(ctx context.Context, tx pgx.Tx, r *approval.Request) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO unstarted_runs (box_id, request_id, revision, digest, started_at, taken_back_at)
		SELECT box_id, request_id, revision, digest, started_at, $3 FROM runs WHERE request_id = $1 AND box_id = $2`,
		r.ID, r.Changes.Unstarted.BoxID, micro(r.ChangedAt))
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM runs WHERE request_id = $1`, r.ID)
	}
	if err != nil {
		return fmt.Errorf("take back the run of %s: %w", r.ID, err)
	}
	return nil
}

// insertMessages continues the session. Messages are numbered by the table, so
// requests of one thread need not wait for one another.
func insertMessages(ctx context.Context, tx pgx.Tx, r *approval.Request, c *contents) error {
	for _, m := range r.Changes.Messages {
		_, err := tx.Exec(ctx, `INSERT INTO messages (session_id, request_id, role, text, at) VALUES ($1, $2, $3, $4, $5)`,
			r.SessionID, r.ID, m.Role, c.text(m.Text), micro(m.At))
		if err != nil {
			return fmt.Errorf("insert message of %s: %w", r.ID, err)
		}
	}
	return nil
}
