package approval

import (
	"encoding/json"
	"fmt"
	"time"
)

// NoticeKind says what a notice is about, and so how it is drawn.
type NoticeKind string

// The kinds of notice.
const (
	NoticePrice        NoticeKind = "price"         // nobody knows what a model or a box costs: PriceMissing
	NoticeOverrun      NoticeKind = "overrun"       // work has cost more than was held for it: Overrun
	NoticeThreshold    NoticeKind = "threshold"     // spending has reached a mark: Threshold
	NoticeStop         NoticeKind = "stop"          // a budget has refused a paid step: Stop
	NoticeForecast     NoticeKind = "forecast"      // a budget will be used up before its window ends: Forecast
	NoticeSpike        NoticeKind = "spike"         // a day costs far more than it usually does, to administrators: Spike
	NoticeDiffers      NoticeKind = "differs"       // a provider says that something else was used than the ledger has, to administrators: Differs
	NoticeTopUp        NoticeKind = "topup"         // somebody asks for money, of whoever may grant it: TopUpAsked
	NoticeTopUpOutcome NoticeKind = "topup outcome" // and what became of it, to whoever asked: TopUpAsked
	NoticeFunded       NoticeKind = "funded"        // to the reviewer whose approval found no money: now there is
	NoticeDigest       NoticeKind = "digest"        // what was spent, to the administrators: Digest

	NoticeApproved   NoticeKind = "approved"    // you have approved this; was it not you?
	NoticeReceipts   NoticeKind = "receipts"    // what you have approved since the last of these: Receipts
	NoticeDecided    NoticeKind = "decided"     // you have said no by another door than Slack; was it not you? DecidedBy
	NoticeKey        NoticeKind = "key"         // you have registered or removed an SSH key; was it not you? KeyChanged
	NoticeGlass      NoticeKind = "glass"       // code runs that nobody approved, to every administrator: GlassBroken
	NoticeGlassWaits NoticeKind = "glass waits" // nearly a day ago, and two have not looked yet, to every administrator: GlassWaits
	NoticeDisowned   NoticeKind = "disowned"    // somebody says that an approval in their name was not theirs
	NoticeStuck      NoticeKind = "stuck"       // nobody could approve what comes of a wish for changes, to administrators: Stuck
	NoticeSurprise   NoticeKind = "surprise"    // code did something that nobody had announced: Surprise
	NoticeReminder   NoticeKind = "reminder"    // this waits for you, or, escalated, for you in place of others
	NoticeAssigned   NoticeKind = "assigned"    // somebody has made this yours to decide
	NoticeOpinion    NoticeKind = "opinion"     // somebody asks for your second opinion
	NoticeEditFailed NoticeKind = "edit failed" // your edit could not be put before the reviewers

	NoticeHandOver NoticeKind = "hand over" // a thread is offered to a colleague, to them and to the giver: HandOverOffered

	NoticeNoPlace NoticeKind = "no place" // Slack refuses messages again and again, to administrators: NoPlace
	NoticeUnsaid  NoticeKind = "unsaid"   // what the thread cannot say, to the asker: Unsaid
	NoticeLog     NoticeKind = "log"      // the log of all events is late, does not follow or does not leave, to administrators: LogAlarm

	NoticeHabits     NoticeKind = "habits"     // how people approve, to administrators and auditors: habits.Digest
	NoticePins       NoticeKind = "pins"       // pinned files are old, or have a newer upload of their name, to administrators: PinsNoticed
	NoticeErase      NoticeKind = "erase"      // one administrator wants forgotten what somebody asked, and it takes two, to the others: EraseWanted
	NoticeCheckpoint NoticeKind = "checkpoint" // how the log of all events stands, signed, to the channel that administrators chose: Checkpoint
)

// Notice is a word to people that finds them wherever they are: a direct message,
// sent to each of them once. It is named by what it is about, so that whoever
// says it again, on whatever replica, only has it looked at again.
type Notice struct {
	Key       string // "price mistral-new": the same key is the same notice
	Team      string
	Kind      NoticeKind
	To        []string        // people, or one channel
	Admins    bool            // whoever is an administrator when it is sent, as well
	RequestID string          // the request that it is about, if it is about one
	Data      json.RawMessage // what it says, by its kind; never changed
	At        time.Time
	Once      bool // not stored: where it is known already, nothing is left to do

	// A receipt that is told with others: once a day, in the notice that Digest names. Empty
	// while it waits for that.
	Held   bool
	Digest string
}

// Encode is the data of a notice.
func Encode(data any) json.RawMessage {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // plain structs always marshal
	}
	return text
}

// Tell records a notice. It is stored with the move, and a job sends it.
func (r *Request) Tell(notices ...Notice) {
	for _, n := range notices {
		// Set here, so that no notice of a request can go to another workspace.
		n.Team, n.RequestID = r.Team, r.ID
		r.Changes.Notices = append(r.Changes.Notices, n)
	}
}

// LogAlarm is what a NoticeLog says.
type LogAlarm struct {
	Why     string    `json:"why"`               // LogForks, LogLate, LogBack, LogStays, LogLacks or LogParted
	Since   time.Time `json:"since"`             // since when it is late
	Channel string    `json:"channel,omitempty"` // that gets no copies
	Place   string    `json:"place,omitempty"`   // beyond the machine, that lacks some or has others
}

// What can be wrong with the log.
const (
	LogForks  = "forks"  // what the database has does not continue what was signed before
	LogLate   = "late"   // events wait too long for their place, or for a checkpoint
	LogStays  = "stays"  // Slack has not taken the copies of checkpoints for their channel
	LogLacks  = "lacks"  // a place beyond the machine has not got a checkpoint
	LogParted = "parted" // a place beyond the machine has other checkpoints than the database, or has lost some
	LogBack   = "back"   // the database was put back from a copy, and work rests
)

// PinsNoticed is what a NoticePins says.
type PinsNoticed struct {
	Old   []PinNoticed `json:"old,omitempty"`
	Newer []PinNoticed `json:"newer,omitempty"` // uploads of a pinned file's name
}

// PinNoticed is one file in it.
type PinNoticed struct {
	Channel string    `json:"channel"`
	File    string    `json:"file"` // its name
	By      string    `json:"by"`   // who has pinned, or uploaded it,
	At      time.Time `json:"at"`   // and when
}

// Checkpoint is what a NoticeCheckpoint says.
type Checkpoint struct {
	Number int64  `json:"number"`
	Size   int64  `json:"size"` // events that it covers
	Note   string `json:"note"` // as it was signed
}

// HandOverOffered is what a NoticeHandOver says. All else is drawn from the request.
type HandOverOffered struct {
	ID string `json:"id"`
}

// PriceMissing is what a notice about a price says.
type PriceMissing struct {
	Model   string `json:"model"`             // as the API returned it, or the kind of box
	Asked   string `json:"asked,omitempty"`   // the model that had been asked for
	Box     bool   `json:"box,omitempty"`     // it is a kind of box
	Refused bool   `json:"refused,omitempty"` // nothing was begun; otherwise it was charged at the most
}

// The words that people are sent about a request while it waits.

// ApprovedBy is what a NoticeApproved says to somebody in whose name code was approved.
type ApprovedBy struct {
	Revision int    `json:"revision"`
	Digest   string `json:"digest"`
	Reviewer string `json:"reviewer"`
	// The reviewer who had let them, when it was in somebody's place.
	InPlaceOf string `json:"in_place_of,omitempty"`
	Click     Click  `json:"click"`
	Tier      Tier   `json:"tier,omitempty"` // as it was sealed
}

// Urgent tells of an approval that its giver is told of at once, wherever they have approved
// before: of high risk, by another door than Slack, or in somebody's place.
func (a ApprovedBy) Urgent() bool {
	return a.Tier != Low && a.Tier != Medium || a.Click.Door != "" || a.InPlaceOf != ""
}

// Receipts is what a NoticeReceipts says: what somebody has approved, the oldest first.
type Receipts struct {
	Given []Receipt `json:"given"`
}

// Receipt is one approval in it.
type Receipt struct {
	RequestID string    `json:"request_id"`
	Revision  int       `json:"revision"`
	At        time.Time `json:"at"`
}

// DecidedBy is what a NoticeDecided says to somebody in whose name something was decided by
// another door than Slack, and that is no approval.
type DecidedBy struct {
	Revision int     `json:"revision"`
	Digest   string  `json:"digest"`
	Reviewer string  `json:"reviewer"`
	Verdict  Verdict `json:"verdict"`
	Click    Click   `json:"click"`
}

// KeyChanged is what a NoticeKey says to whom the key is.
type KeyChanged struct {
	Print string    `json:"print"`         // its fingerprint
	From  time.Time `json:"from,omitzero"` // when it counts; zero: it was removed
}

// Disowned is what a NoticeDisowned says to the administrators.
type Disowned struct {
	Revision int    `json:"revision"`
	Reviewer string `json:"reviewer"`           // who says so
	GivenBy  string `json:"given_by,omitempty"` // who gave it in their place, when it was not given as them
	TooLate  bool   `json:"too_late,omitempty"` // it had started already
	Click    Click  `json:"click"`
	Glass    bool   `json:"glass,omitempty"` // it was no approval: the glass was broken in their name
}

// GlassWaits is what a NoticeGlassWaits says.
type GlassWaits struct {
	Revision int       `json:"revision"`
	Person   string    `json:"person"`
	Until    time.Time `json:"until"`           // when it rests, or has come to rest
	Rests    bool      `json:"rests,omitempty"` // that is over, and two have not looked
}

// GlassBroken is what a NoticeGlass says. The reason stands in the request.
type GlassBroken struct {
	Revision int    `json:"revision"`
	Person   string `json:"person"`
}

// EraseWindow is how long the word of one administrator that something is to be forgotten waits for that of another.
const EraseWindow = 7 * 24 * time.Hour

// EraseWanted is what a NoticeErase says.
type EraseWanted struct {
	Person string    `json:"person"` // whose questions
	By     string    `json:"by"`
	Until  time.Time `json:"until"` // when the word of one does not count any more
}

// Stuck is what a NoticeStuck says to the administrators.
type Stuck struct {
	Revision int    `json:"revision"`
	Reviewer string `json:"reviewer"` // who wanted it changed
}

// StuckNotice tells them once of each version and reviewer.
func StuckNotice(r *Request, reviewer string) Notice {
	return Notice{Key: fmt.Sprintf("stuck %s %d %s", r.ID, r.Revision.Number, reviewer), Team: r.Team, Kind: NoticeStuck, Admins: true, RequestID: r.ID,
		At: r.ChangedAt, Data: Encode(Stuck{Revision: r.Revision.Number, Reviewer: reviewer})}
}

// Surprise is what a NoticeSurprise says to those who approved, and to the administrators. What
// it was is compared anew when it is drawn: words of the program stand in its result alone.
type Surprise struct {
	Revision int `json:"revision"`
}

// Waiting is what a NoticeReminder says.
type Waiting struct {
	Revision  int       `json:"revision"`
	Escalated bool      `json:"escalated,omitempty"` // to the fallback reviewers
	Until     time.Time `json:"until"`
}

// Asked is what a NoticeAssigned and a NoticeOpinion say.
type Asked struct {
	Revision int    `json:"revision"`
	By       string `json:"by"`
}

// EditRefused is what a NoticeEditFailed says to the one who edited.
type EditRefused struct {
	Revision int    `json:"revision"` // the one that was edited, and stands again
	Why      Reason `json:"why"`
	Code     string `json:"code"` // what they had written, so that it is not lost
}
