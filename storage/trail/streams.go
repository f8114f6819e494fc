package trail

import "countersign/approval"

// Streams are the audit trails: one for each request, for the people and the rules of each
// workspace, and for what there is once.
const (
	keyStream    = "keys"   // where keys are announced: each by the one before it, the first by itself
	BudgetStream = "budget" // of the limits
	CheckStream  = "checks" // of what the house tried

	RestoreStream = "restores" // of copies of the database that were put back
)

// StreamOf is where a request's audit trail stands.
func StreamOf(requestID string) string { return "request:" + requestID }

// PeopleStream is the audit trail of who was named for what in a workspace.
func PeopleStream(team string) string { return "people:" + team }

// PinsStream is the audit trail of what was pinned to the channels of a workspace.
func PinsStream(team string) string { return "pins:" + team }

// RulesStream is the audit trail of the rules of a workspace.
func RulesStream(team string) string { return "rules:" + team }

// VerdictEvents are the events of decisions.
var VerdictEvents = map[approval.Verdict]string{approval.Approve: approval.EventApproved, approval.Reject: approval.EventRejected, approval.Rewrite: approval.EventChangesRequested}
