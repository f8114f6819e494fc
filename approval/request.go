package approval

import (
	"cmp"
	"crypto/rand"
	"slices"
	"time"

	"countersign/approval/reading"
	"countersign/budget"
)

// Question is what somebody asks, as Slack delivers it.
type Question struct {
	Team     string
	Project  string // the channel
	Asker    string
	Text     string
	Model    string   // empty for the default
	Chosen   *Chosen  // the model that somebody has chosen, for it or for its thread before it; nil: nobody has
	Files    []File   // by Slack's id, name and size, as far as the envelope says
	Uploads  bool     // some of the files were uploaded in the form, and are in no channel
	Given    bool     // these files are chosen, or none are: its words say nothing about them
	Brought  []string // ids of files that came with it, and need not be in the channel
	Follow   bool     // it goes on in a thread, whose files are meant where it names none
	Alone    bool     // it is about the files that came with it, and none of its thread
	Spoken   bool     // it is a message in a thread, which may answer what a model has asked there
	ThreadTS string   // of the thread that it was asked in; empty for a new one
	Seat     string   // where that thread is, or is to be, when that is not its channel: the asker's direct message
	Private  bool     // its answer goes to its asker alone
	Openly   bool     // its asker has said that the channel may read the answer, whatever is usual there
	Trigger  string   // what Slack calls this delivery, the same in every repetition
}

// Thread is the thread that it goes on in, or begins.
func (q Question) Thread() Session {
	return Session{Team: q.Team, Channel: cmp.Or(q.Seat, q.Project), ThreadTS: q.ThreadTS}
}

// Where a request is in the line for a box, beside its number there.
const (
	NotInLine = 0  // it needs no box, has one, or nobody knows
	Starting  = -1 // there is no line yet: the sandbox is being started
)

// Step names a piece of work that a job does for a request. A job is only a
// wake-up call: the row decides whether there is anything to do.
type Step string

// The steps.
const (
	// A step's name is stored in jobs that wait, and its lock is named by it ("alone draft …"), in Go and in SQL. A
	// replica of the version before may work the same queue: a name keeps its meaning.
	StepFind    Step = "find"    // look up the channel, the asker and the files of a question
	StepRead    Step = "read"    // have its files read, each in a box of its own
	StepDraft   Step = "draft"   // have the code written
	StepInspect Step = "inspect" // have it inspected, and put before the reviewers
	StepReady   Step = "ready"   // have a box made while they read, or ended
	StepRun     Step = "run"     // run what was approved
	StepShow    Step = "show"    // make Slack look like the row
	StepTell    Step = "tell"    // send a notice; the id is its key
	StepGoOn    Step = "go on"   // try a blocked request again; only a sweep names it
	StepLook    Step = "look"    // see whether what a waiting request rests on is still there; a sweep wakes it, and StepShow where its place has closed
)

// Request is one question on its way to an answer, as it is stored. Its methods
// are the verbs of the state machine: each checks that the move is legal, makes
// it, and notes in Changes what has to be stored with it, in one transaction.
type Request struct {
	ID        string
	SessionID string
	Team      string // Slack workspace
	Project   string // Slack channel
	Asker     string // Slack user
	Question  string
	Model     string // the model that was asked for; what answered is in the Revision
	Files     []File
	Trigger   string // what Slack sent it by; unique in a workspace, so that a redelivery asks nothing twice
	State     State
	Reason    Reason // why it ended as it did, is back before the reviewers or waits for a box
	Cause     *Cause // why it ended, where Slack is the reason, and no Reason beside it
	Place     int    // in the line for a box, 1 being the next; NotInLine or Starting
	Attempts  int    // calls of the model so far
	CreatedAt time.Time
	ChangedAt time.Time
	ExpiresAt time.Time // when the present wait ends

	Revision *Revision // the current one; nil while there is none
	// Decisions and Glass belong to the current revision: a new one begins without either (renew).
	Decisions []Decision // on the current revision
	Glass     *Glass     // somebody has had the current revision run that nobody approved; nil: nobody has
	OldGlass  []Glass    // of earlier revisions, the earliest first: by these nothing runs, and whoever broke one may still disown it
	Run       *Run
	Ready     *Ready            // the latest box that was made for it early; nil: none was
	Holds     []budget.OpenHold // what is held and not yet settled
	Refused   []Refusal         // earlier drafts, and why they did not reach a person: of this drafting, or of the current revision's

	Seek     *Seek     // what is still to be found before it can be written; nil when it has been
	Away     *Away     // what it rests on and cannot be seen at the moment; nil when all is there
	Guest    bool      // the asker was a guest when they asked
	Shared   bool      // its channel was shared with another organisation, by the latest look at it
	LookedAt time.Time // when it was last found out whether all is there, while it waits

	Repeats *Repeat // the run that it repeats, to find out whether the same comes out; nil for a question

	// The pointers below are replaced, not written through: steps keep shallow copies of a request as it was loaded.
	Blocked     *Block          // a budget has refused the next paid step; nil when none has
	Chosen      *Chosen         // the model that somebody has chosen in its thread; nil: nobody has
	Downgraded  *Downgraded     // the model is cheaper than the one that was asked for; nil when it is not
	Fallback    *Fallback       // writes when the model that was asked cannot be reached; nil where none may
	TopUps      []TopUp         // that were asked for, oldest first
	Rounds      int             // how often reviewers have had the code rewritten or have edited it
	Wishes      []Wish          // what reviewers wanted changed, oldest first
	Authors     []string        // of the versions before the current one: models, and people who edited
	Edit        *Edit           // an edit that is being inspected; only while drafting
	Clarified   []Clarification // what the model has asked the asker, oldest first; the last one may be open
	Written     *Written        // a program that is paid for and has not been inspected; only while drafting
	Assignee    string          // whose turn it is, as somebody has said; empty: anybody's
	Opinions    []string        // whom reviewers have asked for a second opinion
	RemindedAt  time.Time       // of the current revision: when those who may decide were reminded,
	EscalatedAt time.Time       // and when the fallback reviewers were called

	Private bool       // its answer goes to its asker alone: its thread is in their direct message
	Taken   *TakenBack // its answer is not to stand in Slack any more; nil: it may
	Copies  []Copy     // where else its answer stands, the oldest first

	HandOvers []HandOver // of its thread, that were offered by this question; the oldest first

	Changes Changes // not stored: what the verbs since loading want written
}

// Refusal is a draft that did not reach a person, kept so that the next attempt
// can do better.
type Refusal struct {
	Code   string `json:"code"`   // empty when the answer held none
	Reason string `json:"reason"` // for the model
}

// File is an input as Slack holds it, and, once a box has read it, how it is read.
type File struct {
	ID     string `json:"id"` // Slack's file id
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"`
	ReadAs string `json:"read_as,omitempty"` // the sha256 of its reading

	Handed []Handed `json:"-"` // of a thread's: who has handed it over with it, and to whom

	Shared *Sharing `json:"shared,omitempty"` // nil: not known
	Pinned string   `json:"pinned,omitempty"` // the channel to which administrators have pinned it, where it is used as pinned

	// Answers are what the asker, or who asked before in the thread, has said of it.
	Answers []reading.Answered `json:"answers,omitempty"`
	// Offered is what somebody has told of the same content in another thread of the channel.
	Offered []reading.Answered `json:"offered,omitempty"`
	// Was names the columns that the code was written for, until the file is read as it was told.
	Was string `json:"was,omitempty"`

	// Reading is kept once for each content of a file, and by no request. Nil: it has not been
	// read, or its reading was forgotten. The answers are in it.
	Reading *reading.Reading `json:"-"`
}

// Sharing is who has put a file into Slack, and when.
type Sharing struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// PinnedIn is the channel whose pin a file may have: the one by which it is used, or the one where
// it is asked about.
// A file that is not pinned is looked for among the pins of the channel where it is asked about: it may be
// pinned there under the same id, and is held to that pin as well.
func (f File) PinnedIn(project string) string { return cmp.Or(f.Pinned, project) }

// Tables are those of a file that has been read.
func (f File) Tables() []reading.Table {
	if f.Reading == nil {
		return nil
	}
	return f.Reading.Tables
}

// Written is a program that a model wrote, kept as soon as it came: from then on it may
// be inspected as often as it takes, and no model is paid for it again.
type Written struct {
	Code          string      `json:"code"` // canonical
	Summary       string      `json:"summary"`
	Author        string      `json:"author"` // the model that answered
	Provider      string      `json:"provider,omitempty"`
	Host          string      `json:"host,omitempty"` // where the prompt went
	PromptVersion string      `json:"prompt_version"`
	Notes         SealedNotes `json:"notes,omitzero"`  // of the channel, that the prompt held
	Saw           Sight       `json:"saw,omitempty"`   // what the model was let see of the data
	Thread        Context     `json:"thread,omitzero"` // what the prompt held of its thread
	Next          []string    `json:"next,omitempty"`  // what could be asked next
	At            time.Time   `json:"at"`
	Tries         int         `json:"tries"` // inspections that were begun
}

// Revision is one version of the code, immutable once stored.
type Revision struct {
	RequestID string
	Number    int
	Code      string // canonical: see Canonical
	Summary   string // what the code does, in the model's words; never proof of anything
	// The schema refuses a decision by this person (decisions_not_by_author), and one by the author of an earlier
	// version where the risk is not low (decisions_not_by_editor).
	Author        string // the model that answered, or the person who edited
	Provider      string // of a model: who was asked for it,
	Host          string // and where the prompt went
	PromptVersion string
	Next          []string // what its model offers to be asked next: a message beside it, not a column
	Findings      []Finding
	Manifest      Manifest
	Digest        string
	Quote         budget.USD // what the run is expected to cost; its CostCap is the most
	At            time.Time

	Unsigned bool // as Decision's
}

// Run is the one run of a request.
type Run struct {
	// The schema has one run for a request and one request for a box: request_id is the primary key, and box_id is
	// unique, also among boxes that were given up (runs_approved).
	RequestID  string
	BoxID      string
	StartedAt  time.Time // the box was named
	BegunAt    time.Time // the box said that the code runs; zero when nobody has heard it
	StoppedAt  time.Time // somebody wants it ended; zero when nobody does
	StoppedBy  string    // who that is
	FinishedAt time.Time // zero while it runs
	Result     *Result   // nil while it runs, and for ever when it was lost

	Unsigned bool // as Decision's
}

// TakenBack is who has had an answer taken out of Slack, and when. Its words stay on record.
type TakenBack struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// Copy is an answer that its asker has shared in another channel.
type Copy struct {
	Channel string    `json:"channel"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// HandOver is a thread that somebody who asks in it offers to a colleague, and what became of
// that. Its questions and code go over; of files and private answers those that it names.
type HandOver struct {
	ID      string
	To      string   // the colleague
	Files   []string // Slack's ids
	Answers []string // requests of the thread
	At      time.Time
	Until   time.Time // after that nobody accepts it

	Verdict HandVerdict
	By      string // whose verdict it is
	Ended   time.Time
	Into    Session // where the colleague goes on, once they have accepted: the same thread, or one of their own
}

// HandVerdict is how an offer to hand a thread over has ended.
type HandVerdict string

// The verdicts. Empty: it is open.
const (
	HandAccepted  HandVerdict = "accepted"
	HandDeclined  HandVerdict = "declined"
	HandWithdrawn HandVerdict = "withdrawn"
	HandExpired   HandVerdict = "expired"
)

// HandEvents are the events by which an offer ends. Statements make them of the verdict: verdict || ' hand-over'.
var HandEvents = map[HandVerdict]EventKind{HandAccepted: EventAcceptedHandOver, HandDeclined: EventDeclinedHandOver,
	HandWithdrawn: EventWithdrawnHandOver, HandExpired: EventExpiredHandOver}

// The schema holds both ends to it: nothing is accepted after Until, and nothing expires before (handovers_in_time).
// HandOverLife is how long an offer is open.
const HandOverLife = 7 * 24 * time.Hour

// Changes is what the verbs since loading want stored beside the request's own
// columns: all of it or none.
type Changes struct {
	Revision  *Revision
	Decision  *Decision
	Glass     *Glass
	Look      *GlassLook
	Run       *Run // started or finished
	Unstarted *Run // taken back: its box is no more, and nothing had begun in it
	Messages  []Message
	Events    []Event
	Holds     []budget.Hold
	Ahead     *budget.Ahead // what they may be weighed by before the budgets are locked; nil: by nothing
	// Of these the store asks no budget, because together they are no more than what this move gives back. The
	// schema adds up what is held by itself (holds_burden), so it stays right whatever this says.
	Carried     []string   // ids of new holds that go on with money of holds that end here: no budget is asked again
	Freed       budget.USD // what those that end here have left, and none of the new ones goes on with
	Called      []string   // ids of holds whose paid work begins
	Risks       []Risk     // what calls may have cost, by hold
	Settlements []budget.Settlement
	Notices     []Notice
	TopUp       *TopUp // asked for, or decided
	Taken       *TakenBack
	Copy        *Copy
	HandOver    *HandOver // offered, or ended
	Retell      bool      // those who have been told about the request are to see where it is now
	Jobs        []Step
}

// Role says whose words a message holds.
type Role string

// The roles of a message.
const (
	RoleQuestion Role = "question"
	RoleCode     Role = "code"
	RoleResult   Role = "result"

	RoleClarify   Role = "clarify"   // the model asks the asker: see Clarification.Text
	RoleClarified Role = "clarified" // the asker answers it
	RoleNext      Role = "next"      // what the model offers to be asked next, a line each: no model reads it
)

// Message is one thing that was said in a session. What belongs to one request
// is shown to the model together or not at all.
type Message struct {
	RequestID string
	Role      Role
	Text      string // of a result: its shape
	At        time.Time

	// Of a result, where it is loaded for a prompt: all of it, and the code that it came of.
	Result *Result
	Code   string

	Ended bool // its request has ended, so that nothing more is said of it; where it is loaded for a prompt
}

// Session is one Slack thread. ThreadTS is empty until its first message has
// been posted.
type Session struct {
	ID       string
	Team     string
	Channel  string
	ThreadTS string
}

// NewID makes an id that can be read aloud and typed: no vowels that make
// words, nothing that looks like something else.
func NewID(length int) string {
	const letters = "23456789bcdfghjkmnpqrstvwxz"
	// 27 letters: 7 of them make about ten billion ids. Of two that meet, the primary key refuses the later one.
	id := make([]byte, 0, length)
	for buf := make([]byte, 4*length); len(id) < length; {
		_, _ = rand.Read(buf) // never fails; see crypto/rand
		for _, b := range buf {
			// 256 is no multiple of the alphabet: bytes past the last whole multiple would favour its beginning.
			if int(b) < 256/len(letters)*len(letters) && len(id) < length {
				id = append(id, letters[int(b)%len(letters)])
			}
		}
	}
	return string(id)
}

// Scopes are the budgets that pay for a request.
func (r *Request) Scopes() []budget.Scope {
	scopes := []budget.Scope{
		{Team: r.Team, Kind: budget.User, ID: r.Asker},
		{Team: r.Team, Kind: budget.Session, ID: r.SessionID},
		{Team: r.Team, Kind: budget.Project, ID: r.Project},
		{Team: r.Team, Kind: budget.Team, ID: r.Team},
	}
	// In the order in which budgets are locked, everywhere: two requests that share budgets wait for one another,
	// and never both for each other. The trigger holds_burden writes them in the same order.
	slices.SortFunc(scopes, func(a, b budget.Scope) int {
		if a.Less(b) {
			return -1
		}
		return 1
	})
	return scopes
}
