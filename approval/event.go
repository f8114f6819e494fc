package approval

import (
	"encoding/json"
	"time"
)

// Event is an entry of the audit trail: insert-only, chained per request by storage.
type Event struct {
	At    time.Time      `json:"at"`
	Actor string         `json:"actor"` // a Slack user, or "countersign"
	Kind  EventKind      `json:"kind"`
	Data  map[string]any `json:"data,omitempty"`
}

// System is the actor of what nobody in particular did.
const System = "countersign"

// EventKind says what has happened. Beside each stands what its data holds: a reason of
// ours is a code with its facts (Reason.Told), a person's is what they said.
type EventKind = string

// The kinds of event of a request.
const (
	// A question is asked and written.
	EventAsked          EventKind = "asked"            // question, files, model, channel, trigger, private (its answer goes to its asker alone)
	EventRepeats        EventKind = "repeats"          // request, revision, digest: whose run is repeated
	EventFound          EventKind = "found"            // files, guest, shared
	EventRead           EventKind = "read"             // files: id, content and reading of each
	EventAskedAbout     EventKind = "asked about"      // file: its id, code, column
	EventAnswered       EventKind = "answered"         // the same, says, and told_by: whose word from another thread is taken
	EventCorrected      EventKind = "corrected"        // file: its id; told: code, table, column and says of each
	EventAskedBack      EventKind = "asked back"       // cause or reason
	EventAskedToClarify EventKind = "asked to clarify" // question, with its choices; attempt
	EventClarified      EventKind = "clarified"        // answer; trigger of a message
	EventCalled         EventKind = "called"           // attempt, model ("inspection" of an inspection, "reading" of a reading), hold; of a model provider, host; for: "summary" of one
	EventSummarised     EventKind = "summarised"       // summary (its id), of: the requests that it sums up; from: the sha256 of what was said about them; saw, text, provider, host
	EventNotSummarised  EventKind = "not summarised"   // of, from, saw, why
	EventWritten        EventKind = "written"          // attempt, code, prompt_version, provider, host, notes
	EventRefusedDraft   EventKind = "refused draft"    // attempt, reason, code
	EventCallFailed     EventKind = "call failed"      // attempt, why
	EventDrafted        EventKind = "drafted"          // revision, digest, code, manifest, summary, findings_list, findings (how many), prompt_version, provider, host, next
	EventFailed         EventKind = "failed"           // reason or cause
	EventFellBack       EventKind = "fell back"        // from, to, provider, host, most, why
	EventDeclinedModel  EventKind = "declined model"   // model, instead_of, scope

	// People decide.
	EventApproved         EventKind = "approved"             // revision, digest, click, in_place_of
	EventBrokeGlass       EventKind = "broke glass"          // revision, digest, reason, others, click: it runs, and nobody has approved it
	EventLookedAtGlass    EventKind = "looked at glass"      // revision, fine, click: by an administrator, afterwards
	EventRejected         EventKind = "rejected"             // revision, digest, click, reason
	EventChangesRequested EventKind = "changes requested"    // revision, digest, reason, click, in_place_of
	EventEdited           EventKind = "edited"               // revision, digest, code, click
	EventEditRefused      EventKind = "edit refused"         // revision, by, reason
	EventDisowned         EventKind = "disowned"             // revision, digest, click
	EventDisownedTooLate  EventKind = "disowned too late"    // revision, click
	OpenedReview          EventKind = "opened review"        // revision; click, at another door than Slack
	EventAskedToSign      EventKind = "asked to sign"        // revision, digest, verdict, nonce: at another door, of high risk
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
	EventVoided       EventKind = "voided"         // box, reason or cause, cost
	EventFinished     EventKind = "finished"       // outcome, compared (with what it repeats: "same", "other" or "unknown"), error, said (what the next question's model reads of it), result, files, witness, hints, box_ms, cost
	EventMismatch     EventKind = "mismatch"       // what
	EventLost         EventKind = "lost"           // box, said
	EventSealBroken   EventKind = "seal broken"    // revision, digest, why, fallen
	EventSealedAnew   EventKind = "sealed anew"    // revision, digest, code, manifest, summary, findings_list
	EventAway         EventKind = "away"           // cause
	EventBack         EventKind = "back"           // cause
	EventRated        EventKind = "rated"          // good, click; the last one of a person counts
	EventShared       EventKind = "shared"         // channel, click: the answer stands there as well
	EventTookBack     EventKind = "took back"      // click: the answer is not to stand in Slack any more

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

// The kinds of event of budgets, of rules and people, and of what was forgotten.
const (
	EventSetLimit        EventKind = "set limit"        // scope, amount, window, policy, before
	EventRemovedLimit    EventKind = "removed limit"    // scope, before
	EventGrantedOnTop    EventKind = "granted top-up"   // as set limit, and until, request
	EventSetRules        EventKind = "set rules"        // channel, version, rules, before
	EventNamed           EventKind = "named"            // person, role, channel, before
	EventRemoved         EventKind = "removed"          // the same
	EventDelegated       EventKind = "delegated"        // to, until, from, before
	EventDelegationEnded EventKind = "delegation ended" // from, before
	EventPinned          EventKind = "pinned"           // channel, file: its id; name, content, size; for (whom; empty: everybody of the channel); shared_by, shared_at
	EventUnpinned        EventKind = "unpinned"         // channel, file
	EventAcceptedUpload  EventKind = "accepted upload"  // as pinned, and instead_of: the file that was pinned before
	EventDeclinedUpload  EventKind = "declined upload"  // channel, file: the upload's id; instead_of
	EventRegisteredKey   EventKind = "registered key"   // key: the SSH key by which somebody signs decisions
	EventRemovedKey      EventKind = "removed key"      // the same
	EventSigningKey      EventKind = "signing key"      // key: may sign from now on
	EventPosted          EventKind = "posted"           // surface, channel, ts: where a message stands; written by the schema
	EventUploaded        EventKind = "uploaded"         // surface, file: what the bot has put into Slack; written by the schema
	EventDeleted         EventKind = "deleted"          // surface, channel, ts, stays (Slack's code, where it refused): a message or a file that was to go; written by the schema
	EventGone            EventKind = "gone"             // contents, why; written by the schema's forget()
	EventPacked          EventKind = "packed"           // pack: the sha256 of its pack.json; from, to, person, channel, entries, requests, shown
	EventRestored        EventKind = "restored"         // a copy of the database was put back: checkpoint, size (that it has); lost_checkpoint, lost_size (that were signed since); ended (requests)
)

// Said is what a person wrote or data said, as an event has it: a question, a reason,
// a file's name, an error. The audit trail is hashed and never changes, so the words
// themselves do not stand in it: storage puts the salted hash of the words there, and
// the words beside it, where they can be forgotten (docs/events.md).
type Said string

// MarshalJSON marks the words for storage.
func (s Said) MarshalJSON() ([]byte, error) { return withMark("said", string(s)) }

// UnmarshalJSON reads the words as storage gives them back.
func (s *Said) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, (*string)(s)) }

// AllSaid is a value of any shape whose texts are Said, all of them. Its numbers and
// its keys are facts.
type AllSaid struct{ Value any }

// MarshalJSON marks the value for storage.
func (s AllSaid) MarshalJSON() ([]byte, error) { return withMark("said", s.Value) }

// Kept names something large that is stored with the same move: "code", "manifest",
// "summary", "findings", "result", or "file 1" and so on. The event has its salted hash, and nobody spells it twice.
type Kept string

// MarshalJSON marks the name for storage.
func (k Kept) MarshalJSON() ([]byte, error) { return withMark("kept", string(k)) }

// told is a revision as an event has it. The event names all that reviewers read, so
// that the chain says whether it is still what it was.
func (rev *Revision) told() map[string]any {
	data := map[string]any{"revision": rev.Number, "digest": rev.Digest, "code": Kept("code"), "manifest": Kept("manifest")}
	if rev.Summary != "" {
		data["summary"] = Kept("summary")
	}
	if len(rev.Findings) > 0 {
		data["findings_list"] = Kept("findings")
	}
	return data
}

// withMark is how a value tells storage what it is. Storage puts a salted hash in its place, so
// whatever leaves this package unmarked stands in the trail for ever.
func withMark(mark string, v any) ([]byte, error) { return json.Marshal(map[string]any{mark: v}) }

// saidAll are texts that somebody said.
func saidAll(texts []string) []Said {
	said := make([]Said, len(texts))
	for i, text := range texts {
		said[i] = Said(text)
	}
	return said
}

// told is a cause as an event has it; nil where there is none.
func (c *Cause) told() map[string]any {
	if c == nil {
		return nil
	}
	data := map[string]any{"code": c.Code}
	for key, fact := range map[string]string{"channel": c.Channel, "person": c.Person, "by": c.By} {
		if fact != "" {
			data[key] = fact
		}
	}
	if c.File != "" {
		data["file"] = Said(c.File)
	}
	if len(c.Files) > 0 {
		data["files"] = FileIDs(c.Files)
	}
	return data
}
