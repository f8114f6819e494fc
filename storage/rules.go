package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
)

// ruleRow is a version of rules. Without a document a channel has none of its own.
type ruleRow struct {
	Team     string
	Project  string
	Version  int
	Document *review.Rules
	SetBy    string
	SetAt    time.Time
}

const ruleColumns = `team, project, version, document, set_by, set_at`

func (r ruleRow) set() review.RuleSet {
	s := review.RuleSet{Team: r.Team, Project: r.Project, Version: r.Version, None: r.Document == nil, SetBy: r.SetBy, SetAt: r.SetAt}
	if r.Document != nil {
		s.Rules = *r.Document
		s.Rules.Hosts, s.Rules.Freezes = orNil(s.Rules.Hosts), orNil(s.Rules.Freezes)
	}
	return s
}

// Rules returns the latest rules of a channel, or the workspace's where the channel has
// none.
func (db *DB) Rules(ctx context.Context, team, project string) (set review.RuleSet, err error) {
	var own, all review.RuleSet
	err = db.look(ctx, func(b *pgx.Batch) {
		queueRules(b, team, project, &own)
		queueRules(b, team, "", &all)
	})
	if err != nil {
		return set, fmt.Errorf("read the rules of %s: %w", orWorkspace(project), err)
	}
	return review.Effective(own, all), nil
}

// queueRules reads the latest of just this channel, or of just the workspace.
func queueRules(b *pgx.Batch, team, project string, into *review.RuleSet) {
	*into = review.RuleSet{Team: team, Project: project}
	queueRuleSet(b, into, `SELECT `+ruleColumns+` FROM rules WHERE team = $1 AND project = $2 ORDER BY version DESC LIMIT 1`, team, project)
}

// queueRuleSet reads the one version that a query finds, where it finds one.
func queueRuleSet(b *pgx.Batch, into *review.RuleSet, query string, args ...any) {
	ask(b, func(rows []ruleRow) error {
		for _, row := range rows {
			*into = row.set()
		}
		return nil
	}, query, args...)
}

// queueBook reads the rules and the people that bear on a request.
func queueBook(b *pgx.Batch, id string, into *review.Book) {
	ask(b, func(rows []ruleRow) error {
		for _, row := range rows {
			if row.Project == "" {
				into.House = row.set()
			} else {
				into.Own = row.set()
			}
		}
		return nil
	}, `
		SELECT DISTINCT ON (r.project) r.team, r.project, r.version, r.document, r.set_by, r.set_at
		FROM requests q JOIN rules r ON r.team = q.team AND r.project IN ('', q.project) WHERE q.id = $1 ORDER BY r.project, r.version DESC`, id)
	queueRuleSet(b, &into.Sealed, `
		SELECT r.team, r.project, r.version, r.document, r.set_by, r.set_at
		FROM requests q JOIN revisions v ON v.request_id = q.id AND v.number = q.revision JOIN rules r ON r.team = q.team AND r.name = v.policy
		WHERE q.id = $1`, id)
	queueGrants(b, ofRequest, id, &into.Grants)
	queueDelegations(b, ofRequest, id, &into.Delegations)
}

// SetRules stores the next version, if set.Version is the one in force: else
// somebody else has been quicker, and it is ErrBusy.
func (db *DB) SetRules(ctx context.Context, set review.RuleSet) (review.RuleSet, error) {
	base := set.Version
	err := db.write(ctx, func(tx pgx.Tx) error {
		if err := lockAuthority(ctx, tx, set.Team); err != nil {
			return err
		}
		var before review.RuleSet
		batch := &pgx.Batch{}
		queueRules(batch, set.Team, set.Project, &before)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		if before.InForce() != base {
			return steps.ErrBusy
		}
		set.Version = before.Version + 1
		var err error
		if set.SetAt, err = clock(ctx, tx); err != nil {
			return err
		}
		var rules *string
		if !set.None {
			spelling, err := document(set.Rules, "{}")
			if err != nil {
				return err
			}
			rules = &spelling
		}
		_, err = tx.Exec(ctx, `INSERT INTO rules (team, project, version, document, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			set.Team, set.Project, set.Version, rules, set.SetBy, set.SetAt)
		if err != nil {
			return err
		}
		return appendEvents(ctx, tx, "rules:"+set.Team, []approval.Event{{At: set.SetAt, Actor: set.SetBy, Kind: approval.EventSetRules,
			Data: map[string]any{"channel": set.Project, "version": set.Version, "rules": orNull(set), "before": orNull(before)}}})
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "rules_pkey" {
		err = steps.ErrBusy
	}
	if err != nil {
		return review.RuleSet{}, fmt.Errorf("set the rules of %s: %w", orWorkspace(set.Project), err)
	}
	return set, nil
}

// orNull is what the audit trail says of rules: nothing where there are none.
func orNull(set review.RuleSet) any {
	if set.None || set.SetBy == "" {
		return nil
	}
	return set.Rules
}

func orWorkspace(project string) string {
	if project == "" {
		return "the workspace"
	}
	return project
}
