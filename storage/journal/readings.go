package journal

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"countersign/approval/reading"
	"countersign/internal/pack"
	"countersign/storage/pg"
)

// readings are how the files of a request are read, as far as that is kept: what a box said, and the same with what
// the asker has said of it, which is what a seal names. A pack takes those that its seals name.
func readings(ctx context.Context, tx pgx.Tx, c *pack.Case) error {
	rows, err := pg.All[struct {
		SHA256  string
		Answer  string
		Answers []reading.Answered
	}](ctx, tx, `
		SELECT DISTINCT ON (f ->> 'read_as', f -> 'answers') d.sha256, d.answer, coalesce(f -> 'answers', '[]') AS answers
		FROM requests q, jsonb_array_elements(q.files) f JOIN readings d ON d.file_sha256 = f ->> 'sha256' AND d.sha256 = f ->> 'read_as'
		WHERE 'request:' || q.id = $1 AND (d.team, d.project) = (q.team, q.project) AND length(d.answer) <= $2`, c.Stream, longest)
	if err != nil {
		return err
	}
	for _, row := range rows {
		var said reading.Answer
		if json.Unmarshal([]byte(row.Answer), &said) != nil || said.Reading == nil || said.Reading.SHA256() != row.SHA256 {
			continue // it is not what the file names by its hash
		}
		all := []*reading.Reading{said.Reading}
		// A seal names the reading with the answers in it. Without an answer that changes something both have one hash.
		if settled := said.Reading.Settled(row.Answers); settled.SHA256() != row.SHA256 {
			all = append(all, settled)
		}
		for _, one := range all {
			text, err := json.Marshal(one)
			if err != nil {
				return err
			}
			c.Readings = append(c.Readings, pack.Reading{SHA256: one.SHA256(), Text: text})
		}
	}
	return nil
}
