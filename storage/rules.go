package storage

import (
	"context"
	"errors"
	"time"

	"countersign/approval"
)

var errSoon = errors.New("not yet")

func (db *DB) Rules(ctx context.Context, team, project string) (approval.RuleSet, error) {
	return approval.RuleSet{Team: team}, nil
}
func (db *DB) RulesNamed(ctx context.Context, team, name string) (approval.RuleSet, error) {
	return approval.RuleSet{Team: team}, nil
}
func (db *DB) SetRules(ctx context.Context, set approval.RuleSet) (approval.RuleSet, error) {
	return set, errSoon
}
func (db *DB) Grants(ctx context.Context, team string) ([]approval.Grant, error) { return nil, nil }
func (db *DB) Delegations(ctx context.Context, team string) ([]approval.Delegation, error) {
	return nil, nil
}
func (db *DB) Name(ctx context.Context, g approval.Grant) error   { return errSoon }
func (db *DB) Unname(ctx context.Context, g approval.Grant) error { return errSoon }
func (db *DB) Delegate(ctx context.Context, d approval.Delegation) error {
	return errSoon
}
func (db *DB) Queue(ctx context.Context, team, user string, projects []string, f approval.QueueFilter, page int) (approval.Queue, error) {
	return approval.Queue{}, errSoon
}
func (db *DB) Statistics(ctx context.Context, team string, since time.Time) ([]approval.ReviewerStatistics, error) {
	return nil, errSoon
}
