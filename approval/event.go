package approval

import (
	"encoding/json"
	"time"
)

// Event is an entry of the audit trail: insert-only, chained per request by storage.
// At is a time of the database's clock, so events of several replicas can be put in order.
type Event struct {
	At    time.Time      `json:"at"`
	Actor string         `json:"actor"` // a Slack user, or "countersign"
	Kind  EventKind      `json:"kind"`
	Data  map[string]any `json:"data,omitempty"`
}

// System is the actor of what nobody in particular did.
const System = "countersign"

// EventKind says what has happened. What its data may hold stands in Facts.
type EventKind = string

// A kind is spelled as it is stored, and neither changes nor goes once it has been used: events of old have it, packs
// of old name it, and the table event_kinds refuses any other. Most are noted by the verb of that name, in one
// transaction with what they tell of. The trigger …_told of each table refuses a row without its event.
// The kinds of event of a request.
const (
	// A question is asked and written.
	EventAsked          EventKind = "asked"   // with private: its answer goes to its asker alone; with chosen: the model that somebody has chosen in its thread
	EventRepeats        EventKind = "repeats" // the run of which request is repeated
	EventFound          EventKind = "found"
	EventRead           EventKind = "read" // files: id, content and reading of each
	EventAskedAbout     EventKind = "asked about"
	EventAnswered       EventKind = "answered"  // told_by: whose word from another thread is taken
	EventCorrected      EventKind = "corrected" // told: code, table, column and says of each
	EventAskedBack      EventKind = "asked back"
	EventAskedToClarify EventKind = "asked to clarify" // question: with its choices
	EventClarified      EventKind = "clarified"        // trigger: of a message
	EventCalled         EventKind = "called"           // model: "inspection" or "reading" where a box is; for: "summary" of one
	EventSummarised     EventKind = "summarised"       // of: the requests that it sums up; from: the sha256 of what was said about them; saw: how much of the data
	EventNotSummarised  EventKind = "not summarised"
	EventWritten        EventKind = "written"
	EventRefusedDraft   EventKind = "refused draft"
	EventCallFailed     EventKind = "call failed"
	EventDrafted        EventKind = "drafted" // findings: how many; findings_list: they themselves; next: what the model proposes to ask
	EventFailed         EventKind = "failed"
	EventFellBack       EventKind = "fell back"
	EventDeclinedModel  EventKind = "declined model"

	// People decide.
	EventApproved         EventKind = "approved"        // with settings: the server's settings name whose say it is a reviewer
	EventBrokeGlass       EventKind = "broke glass"     // it runs, and nobody has approved it
	EventLookedAtGlass    EventKind = "looked at glass" // by an administrator, afterwards
	EventDisownedGlass    EventKind = "disowned glass"  // whoever broke it says that it was not them: the role rests for all
	EventRejected         EventKind = "rejected"
	EventChangesRequested EventKind = "changes requested"
	EventEdited           EventKind = "edited"
	EventEditRefused      EventKind = "edit refused"
	EventDisowned         EventKind = "disowned"
	EventDisownedTooLate  EventKind = "disowned too late"
	OpenedReview          EventKind = "opened review"
	EventAskedToSign      EventKind = "asked to sign" // at another door, of high risk
	EventReminded         EventKind = "reminded"
	EventEscalated        EventKind = "escalated"
	EventAssigned         EventKind = "assigned"
	EventAskedForOpinion  EventKind = "asked for an opinion"
	EventExpired          EventKind = "expired" // while: the state
	EventWithdrawn        EventKind = "withdrawn"
	EventRefusedClick     EventKind = "refused click" // verdict, or what else was clicked

	// It runs.
	EventBoxReady     EventKind = "box ready" // that was made while the reviewers read; nothing is in it
	EventFrozen       EventKind = "frozen"
	EventNoBox        EventKind = "no box"
	EventStarted      EventKind = "started"
	EventBegun        EventKind = "begun"
	EventBegunTooLate EventKind = "begun too late"
	EventStopped      EventKind = "stopped" // its actor wants the run ended
	EventUnstarted    EventKind = "unstarted"
	EventVoided       EventKind = "voided"
	EventFinished     EventKind = "finished" // compared: with what it repeats ("same", "other", "unknown"); said: what the next question's model reads of it
	EventMismatch     EventKind = "mismatch"
	EventLost         EventKind = "lost"
	EventSealBroken   EventKind = "seal broken"
	EventSealedAnew   EventKind = "sealed anew"
	EventAway         EventKind = "away"
	EventBack         EventKind = "back"
	EventRated        EventKind = "rated"     // the last one of a person counts
	EventShared       EventKind = "shared"    // the answer stands in this channel as well
	EventTookBack     EventKind = "took back" // the answer is not to stand in Slack any more
	EventLookedAt     EventKind = "looked at" // an administrator or auditor has read an answer that is its asker's alone

	// Its thread is handed to a colleague.
	EventOfferedHandOver   EventKind = "offered hand-over"  // files: ids; answers: requests
	EventAcceptedHandOver  EventKind = "accepted hand-over" // into: the session in which the colleague goes on
	EventDeclinedHandOver  EventKind = "declined hand-over"
	EventWithdrawnHandOver EventKind = "withdrawn hand-over"
	EventExpiredHandOver   EventKind = "expired hand-over"

	// Where they are of a request they stand in its stream: its bill is told with the question that caused it, and goes
	// with it into a pack.
	// Money.
	EventHeld          EventKind = "held" // team, what, standings: of a check of the house
	EventWeighed       EventKind = "weighed"
	EventSettled       EventKind = "settled" // team: of a check of the house; usage_of: the day of which the provider's usage told the cost
	EventUncertain     EventKind = "uncertain"
	EventBlocked       EventKind = "blocked"
	EventRefusedChange EventKind = "refused change" // as blocked
	EventWaitsForMoney EventKind = "waits for money"
	EventContinued     EventKind = "continued"
	EventDowngraded    EventKind = "downgraded"
	EventAskedForTopUp EventKind = "asked for a top-up"
	EventGrantedTopUp  EventKind = "granted a top-up"
	EventDeclinedTopUp EventKind = "declined a top-up"
)

// Most of these stand in streams of their own (storage/trail/streams.go): no one request is what they are about.
// The kinds of event of budgets, of rules and people, and of what was forgotten.
const (
	EventSetLimit        EventKind = "set limit"
	EventRemovedLimit    EventKind = "removed limit"
	EventGrantedOnTop    EventKind = "granted top-up" // as set limit
	EventSetRules        EventKind = "set rules"
	EventNamed           EventKind = "named"
	EventRemoved         EventKind = "removed" // as named
	EventDelegated       EventKind = "delegated"
	EventDelegationEnded EventKind = "delegation ended"
	EventPinned          EventKind = "pinned" // for: whom; empty: everybody of the channel
	EventUnpinned        EventKind = "unpinned"
	EventAcceptedUpload  EventKind = "accepted upload" // as pinned; instead_of: the file that was pinned before
	EventDeclinedUpload  EventKind = "declined upload" // file: the upload
	EventRegisteredKey   EventKind = "registered key"  // the SSH key by which somebody signs decisions
	EventRemovedKey      EventKind = "removed key"
	EventSigningKey      EventKind = "signing key"    // may sign from now on
	EventPosted          EventKind = "posted"         // where a message stands; written by the schema
	EventUploaded        EventKind = "uploaded"       // what the bot has put into Slack; written by the schema
	EventDeleted         EventKind = "deleted"        // a message or a file that was to go; stays: Slack's code, where it refused; written by the schema
	EventAskedToErase    EventKind = "asked to erase" // what this person has asked
	EventLegalHold       EventKind = "legal hold"     // person: whose questions are kept; empty: everybody's
	EventLegalHoldEnded  EventKind = "legal hold ended"
	EventGone            EventKind = "gone"          // written by the schema's forget()
	EventReadingsGone    EventKind = "readings gone" // by the workspace's rule: how many, and which requests they were of; more of these are not listed
	EventKnownAs         EventKind = "known as"      // what somebody, or a channel, is called in Slack from then on
	EventPacked          EventKind = "packed"        // pack: the sha256 of its pack.json
	EventRestored        EventKind = "restored"      // a copy of the database was put back; lost_…: what was signed since; lost: entries, -1 where nobody knows; open: requests that end
	EventReckoned        EventKind = "reckoned"      // an administrator has confirmed what was spent after the copy; restored: which event tells of it
)

// The chain never changes, so a word that a person wrote must not get into it, by no mistake of a caller either. That
// is why facts have kinds, and why the schema knows them.
// Fact is what a value in an event's data may be; null is always one of them.
type Fact string

const (
	isText   Fact = "text"   // an id, a time, a code, a hash, a model: never what a person wrote
	isNumber Fact = "number" // amounts are billionths of a dollar
	isFlag   Fact = "flag"
	// Of what is said the schema wants 64 hex digits and nothing beside them (events_facts).
	isSaid Fact = "said" // Said or Kept: the trail has its salted hash
	// What a list or an object holds, the schema does not look at: no caller may put words into one that are not Said.
	isList   Fact = "list"
	isObject Fact = "object" // a reason of ours is one: a code with its facts (Reason.Told)
)

// Facts are what the data of an event may hold, by its kind. The schema has the same table
// (event_kinds) and refuses an event that holds anything else, so no word of a person
// gets into the chain under a fact's name, and no fact is misspelled.
var Facts = map[EventKind]map[string]Fact{
	EventAsked:             {"question": isSaid, "files": isList, "model": isText, "channel": isText, "trigger": isText, "private": isFlag, "chosen": isText, "chosen_by": isText, "instead_of": isText},
	EventRepeats:           {"request": isText, "revision": isNumber, "digest": isText},
	EventFound:             {"files": isList, "guest": isFlag, "shared": isFlag},
	EventRead:              {"files": isList},
	EventAskedAbout:        {"file": isText, "code": isText, "column": isSaid},
	EventAnswered:          {"file": isText, "code": isText, "column": isSaid, "says": isText, "told_by": isText},
	EventCorrected:         {"file": isText, "told": isList},
	EventAskedBack:         {"cause": isObject, "reason": isObject},
	EventAskedToClarify:    {"question": isSaid, "attempt": isNumber},
	EventClarified:         {"answer": isSaid, "trigger": isText},
	EventCalled:            {"attempt": isNumber, "model": isText, "hold": isText, "provider": isText, "host": isText, "for": isText},
	EventSummarised:        {"summary": isText, "of": isList, "from": isText, "saw": isText, "text": isSaid, "provider": isText, "host": isText},
	EventNotSummarised:     {"of": isList, "from": isText, "saw": isText, "why": isSaid, "provider": isText, "host": isText},
	EventWritten:           {"attempt": isNumber, "code": isSaid, "prompt_version": isText, "provider": isText, "host": isText, "notes": isObject},
	EventRefusedDraft:      {"attempt": isNumber, "reason": isSaid, "code": isSaid},
	EventCallFailed:        {"attempt": isNumber, "why": isSaid},
	EventDrafted:           {"revision": isNumber, "digest": isText, "code": isSaid, "manifest": isSaid, "summary": isSaid, "findings_list": isSaid, "findings": isNumber, "prompt_version": isText, "provider": isText, "host": isText, "next": isSaid},
	EventFailed:            {"reason": isObject, "cause": isObject},
	EventFellBack:          {"from": isText, "to": isText, "provider": isText, "host": isText, "most": isNumber, "why": isSaid},
	EventDeclinedModel:     {"model": isText, "instead_of": isText, "scope": isObject},
	EventApproved:          {"revision": isNumber, "digest": isText, "click": isObject, "in_place_of": isText, "settings": isFlag},
	EventRejected:          {"revision": isNumber, "digest": isText, "click": isObject, "reason": isSaid, "in_place_of": isText, "settings": isFlag},
	EventChangesRequested:  {"revision": isNumber, "digest": isText, "click": isObject, "reason": isSaid, "in_place_of": isText, "settings": isFlag},
	EventEdited:            {"revision": isNumber, "digest": isText, "click": isObject, "code": isSaid},
	EventEditRefused:       {"revision": isNumber, "by": isText, "reason": isObject},
	EventDisowned:          {"revision": isNumber, "digest": isText, "click": isObject},
	EventDisownedTooLate:   {"revision": isNumber, "click": isObject},
	OpenedReview:           {"revision": isNumber, "click": isObject},
	EventAskedToSign:       {"revision": isNumber, "digest": isText, "verdict": isText, "nonce": isText},
	EventReminded:          {"revision": isNumber, "people": isList},
	EventEscalated:         {"revision": isNumber, "people": isList},
	EventAssigned:          {"revision": isNumber, "person": isText, "click": isObject},
	EventAskedForOpinion:   {"revision": isNumber, "person": isText, "click": isObject},
	EventExpired:           {"while": isText},
	EventWithdrawn:         {},
	EventRefusedClick:      {"verdict": isText, "what": isText, "why": isObject, "click": isObject},
	EventBoxReady:          {"box": isText, "hold": isText, "revision": isNumber, "digest": isText, "until": isText},
	EventFrozen:            {"until": isText, "rule": isSaid, "revision": isNumber},
	EventNoBox:             {"why": isSaid},
	EventStarted:           {"box": isText, "revision": isNumber, "digest": isText},
	EventBegun:             {"box": isText},
	EventBegunTooLate:      {"box": isText},
	EventStopped:           {"box": isText},
	EventUnstarted:         {"box": isText, "cost": isNumber},
	EventVoided:            {"box": isText, "reason": isObject, "cause": isObject, "cost": isNumber},
	EventFinished:          {"outcome": isText, "compared": isText, "error": isSaid, "said": isSaid, "result": isSaid, "files": isList, "witness": isObject, "hints": isObject, "box_ms": isNumber, "cost": isNumber},
	EventMismatch:          {"what": isList},
	EventLost:              {"box": isText, "said": isSaid},
	EventSealBroken:        {"revision": isNumber, "digest": isText, "why": isList, "fallen": isObject},
	EventSealedAnew:        {"revision": isNumber, "digest": isText, "code": isSaid, "manifest": isSaid, "summary": isSaid, "findings_list": isSaid},
	EventAway:              {"cause": isObject},
	EventBack:              {"cause": isObject},
	EventRated:             {"good": isFlag, "click": isObject},
	EventShared:            {"channel": isText, "click": isObject},
	EventTookBack:          {"click": isObject},
	EventLookedAtGlass:     {"revision": isNumber, "fine": isFlag, "click": isObject},
	EventDisownedGlass:     {"revision": isNumber, "click": isObject},
	EventBrokeGlass:        {"revision": isNumber, "digest": isText, "click": isObject, "reason": isSaid, "others": isList},
	EventLookedAt:          {"what": isText, "click": isObject},
	EventHeld:              {"hold": isText, "for": isText, "amount": isNumber, "team": isText, "what": isText, "standings": isList},
	EventWeighed:           {"for": isText, "needed": isNumber, "model": isText, "standings": isList, "hold": isText},
	EventSettled:           {"hold": isText, "for": isText, "held": isNumber, "spent": isNumber, "estimated": isFlag, "over": isNumber, "team": isText, "usage_of": isText},
	EventUncertain:         {"hold": isText, "held": isNumber, "most": isNumber, "until": isText, "rest_of": isText},
	EventBlocked:           {"for": isText, "needed": isNumber, "model": isText, "standings": isList},
	EventRefusedChange:     {"for": isText, "needed": isNumber, "model": isText, "standings": isList, "what": isText, "revision": isNumber},
	EventWaitsForMoney:     {"until": isText},
	EventContinued:         {"for": isText, "model": isText, "before": isText},
	EventDowngraded:        {"from": isText, "to": isText, "scope": isObject},
	EventAskedForTopUp:     {"topup": isText, "scope": isObject, "amount": isNumber, "reason": isSaid},
	EventGrantedTopUp:      {"topup": isText, "scope": isObject, "amount": isNumber, "until": isText},
	EventDeclinedTopUp:     {"topup": isText, "scope": isObject, "amount": isNumber, "reason": isSaid},
	EventSetLimit:          {"scope": isObject, "amount": isNumber, "window": isText, "policy": isObject, "before": isObject, "extra": isNumber, "until": isText},
	EventRemovedLimit:      {"scope": isObject, "before": isObject},
	EventGrantedOnTop:      {"scope": isObject, "amount": isNumber, "window": isText, "policy": isObject, "before": isObject, "extra": isNumber, "until": isText, "request": isText},
	EventSetRules:          {"channel": isText, "version": isNumber, "rules": isObject, "before": isObject},
	EventAskedToErase:      {"person": isText},
	EventLegalHold:         {"person": isText},
	EventLegalHoldEnded:    {"person": isText},
	EventNamed:             {"person": isText, "role": isText, "channel": isText, "before": isList},
	EventRemoved:           {"person": isText, "role": isText, "channel": isText, "before": isList},
	EventDelegated:         {"to": isText, "until": isText, "from": isText, "before": isObject},
	EventDelegationEnded:   {"from": isText, "before": isObject},
	EventPinned:            {"channel": isText, "file": isText, "name": isSaid, "content": isSaid, "size": isNumber, "for": isList, "shared_by": isText, "shared_at": isText},
	EventUnpinned:          {"channel": isText, "file": isText},
	EventAcceptedUpload:    {"channel": isText, "file": isText, "name": isSaid, "content": isSaid, "size": isNumber, "for": isList, "shared_by": isText, "shared_at": isText, "instead_of": isText},
	EventDeclinedUpload:    {"channel": isText, "file": isText, "instead_of": isText},
	EventRegisteredKey:     {"key": isText},
	EventRemovedKey:        {"key": isText},
	EventSigningKey:        {"key": isText},
	EventPosted:            {"surface": isText, "channel": isText, "ts": isText},
	EventUploaded:          {"surface": isText, "file": isText},
	EventDeleted:           {"surface": isText, "channel": isText, "ts": isText, "stays": isText},
	EventGone:              {"contents": isList, "why": isText},
	EventReadingsGone:      {"count": isNumber, "requests": isList, "more": isNumber},
	EventKnownAs:           {"id": isText, "name": isSaid},
	EventPacked:            {"pack": isText, "from": isText, "to": isText, "person": isText, "channel": isText, "team": isText, "entries": isNumber, "requests": isNumber, "shown": isNumber},
	EventRestored:          {"checkpoint": isNumber, "size": isNumber, "lost_checkpoint": isNumber, "lost_size": isNumber, "lost": isNumber, "open": isNumber, "epoch": isText, "teams": isList},
	EventReckoned:          {"restored": isNumber, "scope": isObject, "spent": isNumber, "click": isObject},
	EventOfferedHandOver:   {"handover": isText, "session": isText, "to": isText, "files": isList, "answers": isList, "until": isText, "click": isObject},
	EventAcceptedHandOver:  {"handover": isText, "into": isText, "click": isObject},
	EventDeclinedHandOver:  {"handover": isText, "click": isObject},
	EventWithdrawnHandOver: {"handover": isText, "click": isObject},
	EventExpiredHandOver:   {"handover": isText},
}

// Said is what a person wrote or data said, as an event has it: a question, a reason,
// a file's name, an error. The audit trail is hashed and never changes, so the words
// themselves do not stand in it: storage puts the salted hash of the words there, and
// the words beside it, where they can be forgotten (docs/events.md).
type Said string

// MarshalJSON marks the words for storage.
// What json gives back here is no event yet. Only storage/trail turns the mark into a hash.
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
	// Kept and not Said: the revision's row is written with the same move and names the same contents, so the code is
	// salted and stored once for both (revisions_told compares the hashes).
	data := map[string]any{"revision": rev.Number, "digest": rev.Digest, "code": Kept("code"), "manifest": Kept("manifest")}
	if rev.Summary != "" {
		data["summary"] = Kept("summary")
	}
	// What is empty has no content, neither here nor in the row: the schema compares NULL with a key that is not there.
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
	// Ids are facts and stand in the chain for ever. A file's name may say something of a person, and can be forgotten.
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
