package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/budget"
)

// The rows as they are scanned; what they mean stands at the types of approval.

type requestRow struct {
	ID        string
	SessionID string
	Team      string
	Project   string
	Asker     string
	Question  string
	Model     string
	Files     []approval.File
	Trigger   string
	State     approval.State
	Reason    *approval.Reason
	Place     int
	Attempts  int
	Refused   []approval.Refusal
	Revision  *int
	CreatedAt time.Time
	ChangedAt time.Time
	ExpiresAt *time.Time

	Blocked     *approval.Block
	Downgraded  *approval.Downgraded
	Topups      int
	Rounds      int
	Edit        *approval.Edit
	Written     *approval.Written
	Assignee    string
	Opinions    []string
	RemindedAt  *time.Time
	EscalatedAt *time.Time

	Seek     *approval.Seek
	Away     *approval.Away
	Cause    *approval.Cause
	Guest    bool
	LookedAt *time.Time
}

type revisionRow struct {
	RequestID     string
	Number        int
	Code          string
	Summary       string
	Author        string
	PromptVersion string
	Findings      []approval.Finding
	Manifest      string
	Digest        string
	Quote         budget.USD
	At            time.Time
}

type decisionRow struct {
	RequestID string
	Revision  int
	Digest    string
	Reviewer  string
	Verdict   approval.Verdict
	Reason    string
	At        time.Time
	Click     approval.Click
	InPlaceOf string
}

type runRow struct {
	RequestID  string
	BoxID      string
	StartedAt  time.Time
	BegunAt    *time.Time
	FinishedAt *time.Time
	Result     *approval.Result
}

type holdRow struct {
	ID        string
	RequestID string
	Purpose   budget.Purpose
	Amount    budget.USD
	At        time.Time
	ExpiresAt time.Time
	Called    bool

	Risked      budget.USD
	UncertainAt *time.Time
	RestOf      *string
}

func (h holdRow) open() approval.OpenHold {
	open := approval.OpenHold{Called: h.Called, Risked: h.Risked, UncertainAt: orZero(h.UncertainAt), Hold: budget.Hold{ID: h.ID, RequestID: h.RequestID,
		Purpose: h.Purpose, Amount: h.Amount, At: h.At, ExpiresAt: h.ExpiresAt}}
	if h.RestOf != nil {
		open.RestOf = *h.RestOf
	}
	return open
}

// load reads a request with its current revision, the decisions on that, its run
// and its open holds.
func load(ctx context.Context, tx pgx.Tx, id string) (*approval.Request, error) {
	row, err := one[requestRow](ctx, tx, `
		SELECT id, session_id, team, project, asker, said(question) AS question, model, files, trigger, state, reason, place, attempts, refused,
			revision, created_at, changed_at, expires_at, blocked, downgraded,
			(SELECT count(*)::int FROM topups WHERE request_id = requests.id) AS topups,
			rounds, edit, written, assignee, opinions, reminded_at, escalated_at, seek, away, cause, guest, looked_at
		FROM requests WHERE id = $1`, id)
	if err != nil {
		return nil, err
	}
	r := &approval.Request{
		ID: row.ID, SessionID: row.SessionID, Team: row.Team, Project: row.Project, Asker: row.Asker, Question: row.Question,
		Model: row.Model, Files: orNil(row.Files), Trigger: row.Trigger, State: row.State, Reason: orZero(row.Reason), Place: row.Place, Attempts: row.Attempts,
		CreatedAt: row.CreatedAt, ChangedAt: row.ChangedAt, ExpiresAt: orZero(row.ExpiresAt), Refused: orNil(row.Refused),
		Blocked: row.Blocked, Downgraded: row.Downgraded,
		Rounds: row.Rounds, Edit: row.Edit, Written: row.Written, Assignee: row.Assignee, Opinions: orNil(row.Opinions),
		RemindedAt: orZero(row.RemindedAt), EscalatedAt: orZero(row.EscalatedAt),
		Seek: row.Seek, Away: row.Away, Cause: row.Cause, Guest: row.Guest, LookedAt: orZero(row.LookedAt),
	}
	if row.Topups > 0 {
		if r.TopUps, err = loadTopUps(ctx, tx, id); err != nil {
			return nil, err
		}
	}
	if row.Revision != nil {
		if r.Revision, err = loadRevision(ctx, tx, id, *row.Revision); err != nil {
			return nil, err
		}
		if r.Decisions, err = loadDecisions(ctx, tx, id, *row.Revision); err != nil {
			return nil, err
		}
		if r.Rounds > 0 {
			if r.Wishes, err = loadWishes(ctx, tx, id); err != nil {
				return nil, err
			}
		}
		if r.Run, err = loadRun(ctx, tx, id); err != nil {
			return nil, err
		}
	}
	r.Holds, err = loadHolds(ctx, tx, id)
	return r, err
}

// loadRevision reads the manifest from the text that was hashed, so that a
// revision that was tampered with is not Intact.
func loadRevision(ctx context.Context, tx pgx.Tx, id string, number int) (*approval.Revision, error) {
	row, err := one[revisionRow](ctx, tx, `
		SELECT request_id, number, said(code) AS code, said(summary) AS summary, author, prompt_version, coalesce(nullif(said(findings), ''), '[]')::jsonb AS findings, coalesce(nullif(said(manifest), ''), '{}') AS manifest, digest, quote, at
		FROM revisions WHERE request_id = $1 AND number = $2`, id, number)
	if err != nil {
		return nil, fmt.Errorf("load revision %d of %s: %w", number, id, err)
	}
	rev := &approval.Revision{RequestID: row.RequestID, Number: row.Number, Code: row.Code, Summary: row.Summary,
		Author: row.Author, PromptVersion: row.PromptVersion, Findings: orNil(row.Findings), Digest: row.Digest, Quote: row.Quote, At: row.At}
	if err := json.Unmarshal([]byte(row.Manifest), &rev.Manifest); err != nil {
		return nil, fmt.Errorf("read the manifest of revision %d of %s: %w", number, id, err)
	}
	return rev, nil
}

// loadDecisions reads who decided on this revision, in the order in which they did.
func loadDecisions(ctx context.Context, tx pgx.Tx, id string, revision int) ([]approval.Decision, error) {
	rows, err := all[decisionRow](ctx, tx, `
		SELECT request_id, revision, digest, reviewer, verdict, said(reason) AS reason, at, click, coalesce(in_place_of, '') AS in_place_of
		FROM decisions WHERE request_id = $1 AND revision = $2 ORDER BY at, reviewer`, id, revision)
	if err != nil {
		return nil, fmt.Errorf("load the decisions on %s: %w", id, err)
	}
	var decisions []approval.Decision
	for _, row := range rows {
		decisions = append(decisions, approval.Decision(row))
	}
	return decisions, nil
}

// loadRun reads the run without the files that came out of it: those are large,
// and View alone needs them.
func loadRun(ctx context.Context, tx pgx.Tx, id string) (*approval.Run, error) {
	rows, err := all[runRow](ctx, tx, `
		SELECT request_id, box_id, started_at, begun_at, finished_at,
			CASE WHEN result IS NOT NULL THEN coalesce(nullif(said(result), ''), '{}')::jsonb END AS result
		FROM runs WHERE request_id = $1`, id)
	if err != nil {
		return nil, fmt.Errorf("load the run of %s: %w", id, err)
	}
	for _, row := range rows { // one at most: it is the primary key
		return &approval.Run{RequestID: row.RequestID, BoxID: row.BoxID, StartedAt: row.StartedAt, BegunAt: orZero(row.BegunAt),
			FinishedAt: orZero(row.FinishedAt), Result: row.Result}, nil
	}
	return nil, nil
}

// loadHolds reads what is held and not yet settled, the oldest first.
func loadHolds(ctx context.Context, tx pgx.Tx, id string) ([]approval.OpenHold, error) {
	rows, err := all[holdRow](ctx, tx, `
		SELECT id, request_id, purpose, amount, at, expires_at, called, risked, uncertain_at, rest_of
		FROM holds WHERE request_id = $1 AND NOT settled ORDER BY at, id`, id)
	if err != nil {
		return nil, fmt.Errorf("load the holds of %s: %w", id, err)
	}
	var holds []approval.OpenHold
	for _, row := range rows {
		holds = append(holds, row.open())
	}
	return holds, nil
}

// loadEach loads the requests that a query names, in its order.
func loadEach(ctx context.Context, tx pgx.Tx, query string, args ...any) ([]*approval.Request, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	var requests []*approval.Request
	for _, id := range ids {
		r, err := load(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		requests = append(requests, r)
	}
	return requests, nil
}

// all and one scan rows by the names of their columns, so that a column more or
// less is an error and never a shift.
func all[T any](ctx context.Context, tx pgx.Tx, query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

func one[T any](ctx context.Context, tx pgx.Tx, query string, args ...any) (T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		var none T
		return none, err
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
	return row, notFound(err)
}

// orNil gives an empty list back as it was before it was stored.
func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}
