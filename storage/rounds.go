package storage

import (
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

// queueWishes reads which versions reviewers wanted changed, and how, in their order.
func queueWishes(b *pgx.Batch, id string, into *loaded) {
	ask(b, func(rows []wishRow) error {
		for _, row := range rows {
			into.Wishes = append(into.Wishes, approval.Wish(row))
		}
		return nil
	}, `
		SELECT d.revision, said(v.code) AS code, d.reviewer AS by, said(d.reason) AS words, d.at
		FROM decisions d JOIN revisions v ON v.request_id = d.request_id AND v.number = d.revision
		WHERE d.request_id = $1 AND d.verdict = 'changes' ORDER BY d.revision, d.at`, id)
}
