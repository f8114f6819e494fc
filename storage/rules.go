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

// Rules are the latest of a channel, or of the workspace where the channel has none.
func (db *DB) Rules(ctx context.Context, team, project string) (set review.RuleSet, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		for _, p := range []string{project, ""} {
			if set, err = latestRules(ctx, tx, team, p); err != nil || set.Version > 0 && !set.None {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return set, fmt.Errorf("read the rules of %s: %w", orWorkspace(project), err)
	}
	return set, nil
}

// latestRules are those of just this channel, or of just the workspace.
func latestRules(ctx context.Context, tx pgx.Tx, team, project string) (review.RuleSet, error) {
	row, err := one[ruleRow](ctx, tx, `SELECT `+ruleColumns+` FROM rules WHERE team = $1 AND project = $2 ORDER BY version DESC LIMIT 1`, team, project)
	if errors.Is(err, approval.ErrNotFound) {
		return review.RuleSet{Team: team, Project: project}, nil
	}
	return row.set(), err
}

// RulesNamed is the version that a manifest names.
func (db *DB) RulesNamed(ctx context.Context, team, name string) (set review.RuleSet, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		row, err := one[ruleRow](ctx, tx, `SELECT `+ruleColumns+` FROM rules WHERE team = $1 AND name = $2`, team, name)
		set = row.set()
		return err
	})
	if err != nil {
		return set, fmt.Errorf("read the rules %s: %w", name, err)
	}
	return set, nil
}

// SetRules stores the next version, if set.Version is the one in force: else
// somebody else has been quicker, and it is ErrBusy.
func (db *DB) SetRules(ctx context.Context, set review.RuleSet) (review.RuleSet, error) {
	base := set.Version
	err := db.write(ctx, func(tx pgx.Tx) error {
		before, err := latestRules(ctx, tx, set.Team, set.Project)
		if err != nil {
			return err
		}
		if before.InForce() != base {
			return steps.ErrBusy
		}
		set.Version = before.Version + 1
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
		return appendEvents(ctx, tx, "rules:"+set.Team, []approval.Event{{At: set.SetAt, Actor: set.SetBy, Kind: "set rules",
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
