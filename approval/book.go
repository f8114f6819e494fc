package approval

import (
	"context"
	"time"
)

// Book is the part of Store that keeps what administrators have set, and answers
// what they and reviewers ask about all requests at once.
type Book interface {
	// Rules are the latest of a channel, or of the workspace where the channel has
	// none. Version 0 where nobody has set any.
	Rules(ctx context.Context, team, project string) (RuleSet, error)
	// RulesNamed is the version that a manifest names. One that nobody has: ErrNotFound.
	RulesNamed(ctx context.Context, team, name string) (RuleSet, error)
	// SetRules stores the next version, and in the audit trail what was before. When
	// set.Version is not the one in force there (0: none of its own): ErrBusy.
	SetRules(ctx context.Context, set RuleSet) (RuleSet, error)
	// Grants are the roles that people have been named for in a workspace and have not
	// been removed from, and Delegations what has not ended.
	Grants(ctx context.Context, team string) ([]Grant, error)
	Delegations(ctx context.Context, team string) ([]Delegation, error)
	// Name gives somebody a role, Unname takes it. What is so already stays so.
	Name(ctx context.Context, g Grant) error
	Unname(ctx context.Context, g Grant) error
	// Delegate lets somebody decide in another's place, or ends it at once when
	// d.To is empty. A later word takes the place of an earlier one.
	Delegate(ctx context.Context, d Delegation) error
	// AuditPeople stores in the trail of a workspace's people that somebody was refused
	// a change to them, or to their rules.
	AuditPeople(ctx context.Context, team string, e Event) error
	// Queue is a page of what this person could decide on: nothing of their own, and
	// nothing that they have decided. projects narrows it; nil narrows nothing.
	Queue(ctx context.Context, team, user string, projects []string, f QueueFilter, page int) (Queue, error)
	// Statistics are about decisions since then, by reviewer.
	Statistics(ctx context.Context, team string, since time.Time) ([]ReviewerStatistics, error)
}
