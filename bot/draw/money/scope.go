package money

import (
	"slices"
	"strings"

	"countersign/approval"
	"countersign/bot/ids"
	"countersign/budget"
)

// ScopeValue is how a button carries a budget; ParseScope reads it back.
func ScopeValue(s budget.Scope) string { return string(s.Kind) + "/" + s.ID }

// ParseScope reads what a button carries. The workspace is the one of the press.
func ParseScope(team, value string) (budget.Scope, error) {
	kind, id, ok := strings.Cut(value, "/")
	// The value comes from an envelope. A kind that is none would be asked of the database.
	kinds := []budget.ScopeKind{budget.User, budget.Session, budget.Project, budget.Team, budget.Role}
	if !ok || id == "" || !slices.Contains(kinds, budget.ScopeKind(kind)) {
		return budget.Scope{}, &approval.InputError{Why: approval.Words("I do not recognise this button. It may be from an older version of this app; " + ids.CommandBudget + " shows the budgets as they are.")}
	}
	return budget.Scope{Team: team, Kind: budget.ScopeKind(kind), ID: id}, nil
}
