package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/books"
	"countersign/budget"
	"countersign/storage/pg"
)

// History is what has happened, for whoever tries other rules on it. It only reads.
type History struct{ *DB }

// Versions are those that were put before reviewers in a stretch of time. Where the findings or the
// manifest of one are forgotten, it says so: nobody can grade it any more.
func (h History) Versions(ctx context.Context, team string, since, until time.Time) (list []books.Version, err error) {
	type row struct {
		RequestID string
		Number    int
		At        time.Time
		Project   string
		Asker     string
		Author    string
		Written   bool
		Findings  string
		Manifest  string
		Cap       budget.USD
		Tier      approval.Tier
		Needed    int
		Given     int
		Ran       bool
		Forgotten bool
	}
	err = h.read(ctx, func(tx pgx.Tx) error {
		// Of a version that an older program stored, tier, cap or count may be missing: the request's own take their place.
		rows, err := pg.All[row](ctx, tx, `
			SELECT v.request_id, v.number, v.at, q.project, q.asker, v.author, v.provider <> '' OR v.author = q.model AS written,
				coalesce(said(v.findings), '') AS findings, coalesce(said(v.manifest), '') AS manifest,
				coalesce(v.cost_cap, 0) AS cap, coalesce(v.tier, '') AS tier, coalesce(v.needed, q.quorum) AS needed,
				(SELECT count(*) FROM decisions d WHERE d.request_id = v.request_id AND d.revision = v.number AND d.verdict = 'approve')::int AS given,
				EXISTS (SELECT FROM runs r WHERE r.request_id = v.request_id AND r.revision = v.number) AS ran,
				v.findings IS NOT NULL AND said(v.findings) = '' OR said(v.manifest) = '' AS forgotten
			FROM revisions v JOIN requests q ON q.id = v.request_id
			WHERE q.team = $1 AND v.at >= $2 AND v.at < $3 ORDER BY v.at, v.request_id, v.number`, team, since, until)
		if err != nil {
			return err
		}
		list = nil
		for _, r := range rows {
			v := books.Version{RequestID: r.RequestID, Number: r.Number, At: r.At, Project: r.Project, Asker: r.Asker, Model: r.Author, Written: r.Written, Cap: r.Cap,
				Tier: r.Tier, Needed: r.Needed, Given: r.Given, Ran: r.Ran, Forgotten: r.Forgotten}
			var sealed struct {
				Network []string `json:"network"`
			}
			// As texts and by hand, although pgx reads JSON: what was forgotten is an empty text, which is no JSON.
			for text, into := range map[string]any{r.Findings: &v.Findings, r.Manifest: &sealed} {
				if text == "" {
					continue
				}
				if err := json.Unmarshal([]byte(text), into); err != nil {
					return &pg.FinalError{Err: fmt.Errorf("version %d of %s: %w", r.Number, r.RequestID, err)}
				}
			}
			// Which hosts code might reach stands nowhere but in the sealed manifest.
			v.Hosts = sealed.Network
			list = append(list, v)
		}
		return nil
	})
	return list, pg.While(err, "read what was put before reviewers")
}

// Payments are the paid steps that budgets were asked for: those that were held for, and
// those that a budget refused.
func (h History) Payments(ctx context.Context, team string, since, until time.Time) (list []books.Payment, err error) {
	type row struct {
		RequestID string
		At        time.Time
		Purpose   budget.Purpose
		Asker     string
		Session   string
		Project   string
		Amount    budget.USD
		SettledAt *time.Time
		Spent     budget.USD
		Rest      bool
		Standings string // of a refusal, as its event has them
	}
	err = h.read(ctx, func(tx pgx.Tx) error {
		rows, err := pg.All[row](ctx, tx, `
			SELECT h.request_id, h.at, h.purpose, h.asker, h.session_id AS session, h.project, h.amount, s.at AS settled_at, coalesce(s.amount, 0) AS spent,
				h.rest_of IS NOT NULL AS rest, '' AS standings
			FROM holds h LEFT JOIN settlements s ON s.hold_id = h.id
			WHERE h.team = $1 AND h.request_id IS NOT NULL AND h.at >= $2 AND h.at < $3
			UNION ALL
			SELECT q.id, e.at, e.data::jsonb ->> 'for', q.asker, q.session_id, q.project, coalesce((e.data::jsonb ->> 'needed')::bigint, 0), NULL, 0, false,
				coalesce(e.data::jsonb ->> 'standings', '[]')
			FROM events e JOIN requests q ON e.stream = 'request:' || q.id
			WHERE q.team = $1 AND e.kind = 'blocked' AND e.at >= $2 AND e.at < $3
			ORDER BY 2, 1`, team, since, until)
		if err != nil {
			return err
		}
		list = nil
		for _, r := range rows {
			p := books.Payment{RequestID: r.RequestID, At: r.At, Purpose: r.Purpose, Asker: r.Asker, Session: r.Session, Project: r.Project, Amount: r.Amount, Spent: r.Spent, Rest: r.Rest}
			if r.SettledAt != nil {
				p.SettledAt = *r.SettledAt
			}
			if r.Standings != "" {
				var stood []budget.Standing
				if err := json.Unmarshal([]byte(r.Standings), &stood); err != nil {
					return &pg.FinalError{Err: fmt.Errorf("what refused %s: %w", r.RequestID, err)}
				}
				// Several budgets may have refused. The one with the least room is the one that people were told of.
				tight, _ := budget.Tightest(stood)
				p.Refused = &tight.Limit.Scope
			}
			list = append(list, p)
		}
		return nil
	})
	return list, pg.While(err, "read what budgets were asked for")
}
