package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval/steps"
)

type nearRow struct {
	RequestID string
	Revision  int
	Question  string
	Code      string
	At        time.Time
}

// Vetted lists the code that people have lately approved in a channel, newest
// first. What was approved and then sent back to review is not among it.
func (db *DB) Vetted(ctx context.Context, team, project, without string, limit int) (list []steps.Near, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		rows, err := all[nearRow](ctx, tx, `
			SELECT v.request_id, v.number AS revision, said(r.question) AS question, said(v.code) AS code,
				(SELECT max(d.at) FROM decisions d WHERE d.request_id = v.request_id AND d.revision = v.number) AS at
			FROM (
				SELECT id, revision, question FROM requests
				WHERE team = $1 AND project = $2 AND id <> $3
					AND state IN ('approved', 'running', 'done', 'lost')
				ORDER BY created_at DESC, id LIMIT $4) r
			JOIN revisions v ON v.request_id = r.id AND v.number = r.revision
			ORDER BY at DESC, v.request_id`, team, project, without, limit)
		list = nil
		for _, row := range rows {
			list = append(list, steps.Near{RequestID: row.RequestID, Revision: row.Revision, Question: row.Question, Code: row.Code, At: row.At})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list what was approved in %s: %w", project, err)
	}
	return list, nil
}
