package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
)

type wishRow struct {
	Revision int
	Code     string
	By       string
	Words    string
	At       time.Time
}

// loadWishes reads which versions reviewers wanted changed, and how, in their order.
func loadWishes(ctx context.Context, tx pgx.Tx, id string) ([]approval.Wish, error) {
	rows, err := all[wishRow](ctx, tx, `
		SELECT d.revision, said(v.code) AS code, d.reviewer AS by, said(d.reason) AS words, d.at
		FROM decisions d JOIN revisions v ON v.request_id = d.request_id AND v.number = d.revision
		WHERE d.request_id = $1 AND d.verdict = 'changes' ORDER BY d.revision, d.at`, id)
	if err != nil {
		return nil, fmt.Errorf("load what reviewers of %s wanted changed: %w", id, err)
	}
	var wishes []approval.Wish
	for _, row := range rows {
		wishes = append(wishes, approval.Wish(row))
	}
	return wishes, nil
}

// loadFormer reads the version before the current one.
func loadFormer(ctx context.Context, tx pgx.Tx, r *approval.Request) (*approval.Revision, error) {
	if r.Revision == nil || r.Revision.Number == 1 {
		return nil, nil
	}
	return loadRevision(ctx, tx, r.ID, r.Revision.Number-1)
}

// retell has the notices about a request looked at again, where they stand. Those
// that are new are looked at anyway.
func (db *DB) retell(ctx context.Context, tx pgx.Tx, r *approval.Request) error {
	fresh := []string{}
	for _, n := range r.Changes.Notices {
		fresh = append(fresh, text(n.Key))
	}
	keys, err := all[struct{ Key string }](ctx, tx, `SELECT key FROM notices WHERE request_id = $1 AND key <> ALL ($2)`, r.ID, fresh)
	if err != nil {
		return fmt.Errorf("list the notices about %s: %w", r.ID, err)
	}
	for _, row := range keys {
		if err := db.jobs.insert(ctx, tx, row.Key, []approval.Step{approval.StepTell}); err != nil {
			return err
		}
	}
	return nil
}
