package storage

// Streams are the audit trails: one for each request, for the people and the rules of each
// workspace, and for what there is once.
const (
	keyStream    = "keys"   // where keys are announced: each by the one before it, the first by itself
	budgetStream = "budget" // of the limits
	checkStream  = "checks" // of what the house tried
)

// streamOf is where a request's audit trail stands.
func streamOf(requestID string) string { return "request:" + requestID }

// peopleStream is the audit trail of who was named for what in a workspace.
func peopleStream(team string) string { return "people:" + team }

// rulesStream is the audit trail of the rules of a workspace.
func rulesStream(team string) string { return "rules:" + team }
