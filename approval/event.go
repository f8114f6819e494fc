package approval

import "time"

// Event is an entry of the audit trail: insert-only, chained per request by storage.
type Event struct {
	At    time.Time      `json:"at"`
	Actor string         `json:"actor"` // a Slack user, or "countersign"
	Kind  string         `json:"kind"`  // past tense: asked, drafted, approved, ...
	Data  map[string]any `json:"data,omitempty"`
}

// System is the actor of what nobody in particular did.
const System = "countersign"
