package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// View loads everything that a card or a reply is drawn from, at one moment. Its
// Policy is left for the caller to fill: the database does not know it.
func (db *DB) View(ctx context.Context, id string) (v *steps.View, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		v = &steps.View{}
		if v.Request, err = load(ctx, tx, id); err != nil {
			return err
		}
		if v.Now, err = clock(ctx, tx); err != nil {
			return err
		}
		if v.Session, err = loadSession(ctx, tx, v.Request.SessionID); err != nil {
			return err
		}
		if v.Earlier, err = loadEarlier(ctx, tx, id); err != nil {
			return err
		}
		if v.Bill, err = loadBill(ctx, tx, id); err != nil {
			return err
		}
		if v.Standings, err = db.standings(ctx, tx, v.Request.Scopes(), v.Now); err != nil {
			return err
		}
		if v.Former, err = loadFormer(ctx, tx, v.Request); err != nil {
			return err
		}
		if v.Posts, err = loadPosts(ctx, tx, id); err != nil {
			return err
		}
		if v.Unseen, err = loadUnseen(ctx, tx, id); err != nil {
			return err
		}
		if v.Session.ThreadTS == "" {
			// Somebody may have answered below the first message before it was remembered, in a session of its own.
			v.Session.ThreadTS = v.Posts[steps.SurfaceRoot].TS
		}
		v.Artifacts, err = loadArtifacts(ctx, tx, id, false)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("view of %s: %w", id, err)
	}
	return v, nil
}

type sessionRow struct {
	ID       string
	Team     string
	Channel  string
	ThreadTS string `db:"thread_ts"`
}

func loadSession(ctx context.Context, tx pgx.Tx, id string) (approval.Session, error) {
	row, err := one[sessionRow](ctx, tx, `SELECT id, team, channel, coalesce(thread_ts, '') AS thread_ts FROM sessions WHERE id = $1`, id)
	return approval.Session(row), err
}

// loadEarlier reads the last questions of the session before this request: without
// them a follow-up says little to whoever reviews it.
func loadEarlier(ctx context.Context, tx pgx.Tx, id string) (questions []string, err error) {
	rows, err := all[struct{ Question string }](ctx, tx, `
		SELECT earlier.question FROM requests this
		JOIN requests earlier ON earlier.session_id = this.session_id
			AND (earlier.created_at, earlier.id) < (this.created_at, this.id)
			AND (earlier.seek IS NULL OR earlier.state = 'drafting') -- not what was never found
		WHERE this.id = $1 ORDER BY earlier.created_at DESC, earlier.id DESC LIMIT 3`, id)
	if err != nil {
		return nil, fmt.Errorf("load the questions before %s: %w", id, err)
	}
	for _, row := range slices.Backward(rows) {
		questions = append(questions, row.Question)
	}
	return questions, nil
}

// spendRow is a line of a bill with the settlement that it belongs to.
type spendRow struct {
	HoldID       string
	Purpose      budget.Purpose
	Estimated    bool
	Kind         budget.ChargeKind
	What         string
	Model        string
	InputTokens  int
	CachedTokens int
	OutputTokens int
	BoxMs        int64
	Amount       budget.USD
}

// loadBill lists what was spent, by hold, the oldest first. A hold that was
// given back untouched is no part of a bill.
func loadBill(ctx context.Context, tx pgx.Tx, id string) ([]steps.Spend, error) {
	rows, err := all[spendRow](ctx, tx, `
		SELECT s.hold_id, h.purpose, s.estimated, c.kind, c.what, c.model, c.input_tokens, c.cached_tokens, c.output_tokens,
			c.box_ms, c.amount
		FROM settlements s JOIN holds h ON h.id = s.hold_id JOIN charges c ON c.hold_id = s.hold_id
		WHERE s.request_id = $1 ORDER BY h.at, s.hold_id, c.line`, id)
	if err != nil {
		return nil, fmt.Errorf("load the bill of %s: %w", id, err)
	}
	var bill []steps.Spend
	for i, row := range rows {
		if i == 0 || row.HoldID != rows[i-1].HoldID {
			bill = append(bill, steps.Spend{Purpose: row.Purpose, Estimated: row.Estimated})
		}
		spend := &bill[len(bill)-1]
		spend.Charges = append(spend.Charges, budget.Charge{Kind: row.Kind, What: row.What, BoxMS: row.BoxMs, Amount: row.Amount,
			Usage: budget.Usage{Model: row.Model, Input: row.InputTokens, Cached: row.CachedTokens, Output: row.OutputTokens}})
	}
	return bill, nil
}

// Artifacts are the files that came out of a run, with what is in them: up to
// megabytes, so that only who posts them reads them.
func (db *DB) Artifacts(ctx context.Context, id string) (files []approval.Artifact, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		files, err = loadArtifacts(ctx, tx, id, true)
		return err
	})
	return files, err
}

// artifactRow is a file that came out. An empty one has no bytes rather than none.
type artifactRow struct {
	Name string
	Kind string
	Alt  string
	Data []byte
}

func loadArtifacts(ctx context.Context, tx pgx.Tx, id string, content bool) ([]approval.Artifact, error) {
	rows, err := all[artifactRow](ctx, tx, `
		SELECT name, kind, alt, CASE WHEN $2 THEN data END AS data FROM artifacts WHERE request_id = $1 ORDER BY seq`, id, content)
	if err != nil {
		return nil, fmt.Errorf("load the artifacts of %s: %w", id, err)
	}
	var artifacts []approval.Artifact
	for _, row := range rows {
		artifacts = append(artifacts, approval.Artifact(row))
	}
	return artifacts, nil
}

// messageRow is scanned without its number, which only orders.
type messageRow struct {
	RequestID string
	Role      approval.Role
	Text      string
	At        time.Time
}

// History is what was said in the session about the requests before this one,
// oldest first. A result that came after this question was asked belongs to it,
// too: it is there by the time that somebody answers. Of several versions of a
// program only the last was answered for.
func (db *DB) History(ctx context.Context, id string) (history []approval.Message, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		rows, err := all[messageRow](ctx, tx, `
			SELECT m.request_id, m.role, m.text, m.at
			FROM requests this
			JOIN requests earlier ON earlier.session_id = this.session_id
				AND (earlier.created_at, earlier.id) < (this.created_at, this.id)
				AND (earlier.seek IS NULL OR earlier.state = 'drafting') -- not what was never found
			JOIN messages m ON m.session_id = this.session_id AND m.request_id = earlier.id
			WHERE this.id = $1 AND NOT (m.role = 'code' AND EXISTS (SELECT FROM messages later
				WHERE later.session_id = m.session_id AND later.request_id = m.request_id AND later.role = 'code' AND later.seq > m.seq))
			ORDER BY m.seq`, id)
		history = nil
		for _, row := range rows {
			history = append(history, approval.Message(row))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", id, err)
	}
	return history, nil
}

// Recent lists an asker's latest requests, open ones first, then the newest first.
func (db *DB) Recent(ctx context.Context, team, asker string, limit int) (requests []*approval.Request, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		requests, err = loadEach(ctx, tx, `
			SELECT id FROM requests WHERE team = $1 AND asker = $2
			ORDER BY state IN ('drafting', 'pending', 'approved', 'running') DESC, created_at DESC, id LIMIT $3`, team, asker, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the requests of %s: %w", asker, err)
	}
	return requests, nil
}

// Pending lists what waits for reviewers in a workspace, oldest first.
func (db *DB) Pending(ctx context.Context, team string, limit int) (requests []*approval.Request, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		requests, err = loadEach(ctx, tx, `
			SELECT id FROM requests WHERE team = $1 AND state = 'pending' ORDER BY created_at, id LIMIT $2`, team, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list what waits in %s: %w", team, err)
	}
	return requests, nil
}
