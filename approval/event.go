package approval

import "time"

// Event is an entry of the audit trail: insert-only, chained per request by storage.
type Event struct {
	At    time.Time      `json:"at"`
	Actor string         `json:"actor"` // a Slack user, or "countersign"
	Kind  EventKind      `json:"kind"`
	Data  map[string]any `json:"data,omitempty"`
}

// System is the actor of what nobody in particular did.
const System = "countersign"

// EventKind says what has happened. Beside each stands what its data holds.
type EventKind = string

// The kinds of event of a request.
const (
	// A question is asked and written.
	EventAsked         EventKind = "asked"          // question, files, model, channel, trigger
	EventFound         EventKind = "found"          // files, guest
	EventAskedBack     EventKind = "asked back"     // cause or reason
	EventCalled        EventKind = "called"         // attempt, model ("inspection" of an inspection), hold
	EventWritten       EventKind = "written"        // attempt, code_sha256, prompt_version, provider, host
	EventRefusedDraft  EventKind = "refused draft"  // attempt, reason, code_sha256
	EventCallFailed    EventKind = "call failed"    // attempt, why
	EventDrafted       EventKind = "drafted"        // revision, digest, manifest, prompt_version, findings
	EventFailed        EventKind = "failed"         // reason or cause
	EventDeclinedModel EventKind = "declined model" // model, instead_of, scope

	// People decide.
	EventApproved         EventKind = "approved"             // revision, digest, click, in_place_of
	EventRejected         EventKind = "rejected"             // revision, digest, click, reason
	EventChangesRequested EventKind = "changes requested"    // revision, digest, reason, click
	EventEdited           EventKind = "edited"               // revision, digest, code_sha256, click
	EventEditRefused      EventKind = "edit refused"         // revision, by, reason
	EventDisowned         EventKind = "disowned"             // revision, digest, click
	EventDisownedTooLate  EventKind = "disowned too late"    // revision, click
	OpenedReview          EventKind = "opened review"        // revision
	EventReminded         EventKind = "reminded"             // revision, people
	EventEscalated        EventKind = "escalated"            // revision, people
	EventAssigned         EventKind = "assigned"             // revision, person, click
	EventAskedForOpinion  EventKind = "asked for an opinion" // revision, person, click
	EventExpired          EventKind = "expired"              // while: the state
	EventWithdrawn        EventKind = "withdrawn"            // nothing
	EventRefusedClick     EventKind = "refused click"        // verdict or what, why, click

	// It runs.
	EventFrozen       EventKind = "frozen"         // until, rule, revision
	EventNoBox        EventKind = "no box"         // why
	EventStarted      EventKind = "started"        // box, revision, digest
	EventBegun        EventKind = "begun"          // box
	EventBegunTooLate EventKind = "begun too late" // box
	EventUnstarted    EventKind = "unstarted"      // box, cost
	EventVoided       EventKind = "voided"         // box, reason, cost
	EventFinished     EventKind = "finished"       // outcome, error, files, observed, box_ms, cost
	EventMismatch     EventKind = "mismatch"       // what
	EventLost         EventKind = "lost"           // box
	EventSealBroken   EventKind = "seal broken"    // revision, digest, why
	EventSealedAnew   EventKind = "sealed anew"    // revision, digest, manifest
	EventAway         EventKind = "away"           // cause
	EventBack         EventKind = "back"           // cause

	// Money.
	EventHeld          EventKind = "held"               // hold, for, amount
	EventWeighed       EventKind = "weighed"            // for, needed, model, standings, hold
	EventSettled       EventKind = "settled"            // hold, for, held, spent, estimated, over
	EventUncertain     EventKind = "uncertain"          // hold, held, most, until, rest_of
	EventBlocked       EventKind = "blocked"            // for, needed, model, standings
	EventRefusedChange EventKind = "refused change"     // as blocked, and what, revision
	EventWaitsForMoney EventKind = "waits for money"    // until
	EventContinued     EventKind = "continued"          // for, model, before
	EventDowngraded    EventKind = "downgraded"         // from, to, scope
	EventAskedForTopUp EventKind = "asked for a top-up" // topup, scope, amount, reason
	EventGrantedTopUp  EventKind = "granted a top-up"   // topup, scope, amount, until
	EventDeclinedTopUp EventKind = "declined a top-up"  // topup, scope, amount, reason
)
