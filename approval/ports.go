package approval

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/budget"
)

// Store is the only keeper of state. Everything that it writes for one call it
// writes in one transaction, and no call of it waits for the network.
type Store interface {
	Ledger
	// Ask stores a new request with its session, or returns the one that the same
	// trigger made before. The session is the one of the thread, or a new one. To
	// somebody with too many questions under way the error is Enough's.
	Ask(ctx context.Context, r *Request, thread Session) (stored *Request, created bool, err error)
	// Update locks the request, runs the closure on it, and stores what it changed.
	// now is the database's clock. When the closure fails, nothing is stored. When
	// a budget cannot bear a new hold, the error is a *budget.ExceededError. How the
	// budgets stood before a hold goes into the audit trail (Request.Weighed), and
	// what Alerts says of a settlement is stored with it.
	Update(ctx context.Context, id string, change func(r *Request, now time.Time) error) (*Request, error)
	// Request loads one without locking it. An id that nobody has: ErrNotFound.
	Request(ctx context.Context, id string) (*Request, error)
	// View loads everything that a card or a reply is drawn from.
	View(ctx context.Context, id string) (*View, error)
	// Artifacts are the files that came out of a request's run, with what is in them.
	Artifacts(ctx context.Context, id string) ([]Artifact, error)
	// History is what was said in the session before this request, oldest first.
	History(ctx context.Context, id string) ([]Message, error)
	// Posted remembers a message in Slack, so that nobody posts it again.
	Posted(ctx context.Context, post Post) error
	// Refused remembers that Slack has refused a message, once more if it had before,
	// and returns since when and how often it does. Another hindrance begins anew.
	Refused(ctx context.Context, u Unseen) (Unseen, error)
	// Seen forgets it: Slack has taken the message.
	Seen(ctx context.Context, requestID string, surface Surface) error
	// Threaded remembers where the session's thread is.
	Threaded(ctx context.Context, sessionID, threadTS string) error
	// Alone runs the work unless another replica is at the same step of the same
	// request: then it returns ErrBusy. It keeps work from being done twice at
	// once; that nothing harmful happens if it is, others see to.
	Alone(ctx context.Context, id string, step Step, work func(context.Context) error) error
	// Audit stores an event that belongs to no verb, such as a click that was refused.
	Audit(ctx context.Context, requestID string, e Event) error
	// Events are the audit trail of a request, oldest first.
	Events(ctx context.Context, requestID string) ([]Event, error)
	// Recent lists an asker's latest requests, newest first, open ones before ended ones.
	Recent(ctx context.Context, team, asker string, limit int) ([]*Request, error)
	// Vetted lists the code that people have lately approved in a channel, newest
	// first, without that of one request.
	Vetted(ctx context.Context, team, project, without string, limit int) ([]Near, error)
	// Pending lists what waits for reviewers in a workspace, oldest first.
	Pending(ctx context.Context, team string, limit int) ([]*Request, error)
	// ThreadFiles are the inputs of the latest request in a thread, and whether the
	// thread is a session of ours at all.
	ThreadFiles(ctx context.Context, thread Session) (files []File, ours bool, err error)
	// Notice loads a notice, and where it stands by recipient.
	Notice(ctx context.Context, key string) (*Notice, map[string]NoticePost, error)
	// NoticePosted remembers that a notice has been begun for somebody, or where it stands.
	NoticePosted(ctx context.Context, post NoticePost) error
	// NoticeTold says that everybody has it who should.
	NoticeTold(ctx context.Context, key string) error
	// Notify stores a notice that belongs to no verb, with its job. One whose key is
	// known already is only looked at again, or not even that.
	Notify(ctx context.Context, n Notice) error
	// Stuck lists what a sweep should look at: waits that have run out, requests on
	// whose next step nobody has worked for a while, blocked ones whose money should
	// have come (StepGoOn), notices that nobody was told.
	Stuck(ctx context.Context) ([]Wake, error)
	// StaleHolds lists open holds whose time is over.
	StaleHolds(ctx context.Context) ([]budget.Hold, error)
	// Wake puts a job into the queue.
	Wake(ctx context.Context, wake Wake) error
	Book
}

// Wake is a wake-up call: do this step of this request, if it still needs doing.
// Of a notice the id is its key.
type Wake struct {
	Step      Step
	RequestID string
}

// Errors of the ports that the steps tell apart.
var (
	ErrNotFound   = errors.New("no such request")
	ErrBusy       = errors.New("somebody else is at it")
	ErrFileTooBig = errors.New("the file is too large")    //
	ErrBoxGone    = errors.New("the box is gone")          // and with it whatever ran in it
	ErrNotStarted = errors.New("the code has not started") // the box is there, nothing was started in it
	ErrNoPlace    = errors.New("the channel is closed")    // to us: archived, we were removed, or may not post
)

// Writer turns a brief into a draft. Its error is a *WriterError whenever a
// call may have been made.
type Writer interface {
	// Models lists what may be asked for, the default first.
	Models() []string
	// Bound is the most that one Write sends and lets come back: bytes, tokens.
	Bound() (promptBytes, maxTokens int)
	// Size is the most that a Write of just this brief does: never more than Bound.
	Size(b Brief) (promptBytes, maxTokens int)
	Write(ctx context.Context, b Brief) (Draft, error)
}

// Brief is all that a model gets to know.
type Brief struct {
	RequestID string
	SessionID string
	Asker     string
	Model     string
	Question  string
	Files     []File
	History   []Message // of the session, oldest first, already cut to size
	Wishes    []Wish    // versions that reviewers have read, and what they want changed, oldest first
	Refused   []Refusal // earlier attempts at what is to be written now
}

// Draft is a program that a model wrote, not yet canonical, not yet inspected.
type Draft struct {
	Code          string
	Summary       string // the words around the code
	Usage         budget.Usage
	PromptVersion string
}

// WriterError is a call that gave no program.
type WriterError struct {
	Err    error
	Words  string        // for the asker, a plain sentence
	Prose  string        // what the model said instead of writing code, when it did
	Repair string        // for the model: with this hint another attempt may work
	Retry  bool          // the same call may work later,
	After  time.Duration // and not before so long
	Usage  budget.Usage  // what the API reported; Model is empty when it reported nothing
	Billed bool          // without a report: the provider may bill for it all the same, nobody knows how much
}

func (e *WriterError) Error() string { return fmt.Sprintf("write: %v", e.Err) }
func (e *WriterError) Unwrap() error { return e.Err }

// Sandbox is where approved code runs: one box per run, one start per box.
type Sandbox interface {
	// Ready says whether boxes can be had: nil, or a *BoxError; with Retry when that
	// is only a matter of time.
	Ready() error
	// Size is what a box is billed by, Template what is installed in it.
	Size() budget.BoxSize
	Template() string
	// Lease is the longest that a run's box can exist, and so cost, with these
	// limits: also when every replica is gone and nobody kills it.
	Lease(limits Limits) time.Duration
	// ReachesHosts tells whether code in a box can reach the hosts that its seal
	// names. Where it cannot, no seal names any.
	ReachesHosts() bool
	// InspectLease is the longest that the box of one inspection can exist, and so cost.
	InspectLease() time.Duration
	// Inspect parses the code in a box without network and inputs; nothing of it
	// runs. How long a box was used stands in the inspection beside an error, too.
	Inspect(ctx context.Context, code string, files []File) (Inspection, error)
	// Prepare is a hint that a run may come soon; Discard that it will not.
	Prepare(requestID string)
	Discard(requestID string)
	// Create makes the box for a request, or finds the one that was made before. A
	// *BoxError with Kept: it is on its way, ask again. Meanwhile, and while an
	// inspection waits, it calls TellPlace every few seconds.
	Create(ctx context.Context, requestID string, seal Manifest) (boxID string, err error)
	// Start puts the files in and starts the code. In one box it starts at most
	// once, however often it is called, so after a doubtful answer call it again.
	// A box that is no more: ErrBoxGone. A *BoxError without Retry means that the
	// code has not started in this box and never will.
	Start(ctx context.Context, boxID string, job Job) error
	// Result waits for the end and collects it. ErrNotStarted, ErrBoxGone, or the
	// context's error while the code still runs.
	Result(ctx context.Context, boxID string) (Result, error)
	// Kill ends a box and forgets it. A box that is no more is no error.
	Kill(ctx context.Context, boxID string) error
}

// BoxError is a box that could not be had.
type BoxError struct {
	Err   error
	Words string // for people: what is wrong, and what to do about it
	Retry bool   // it may work later

	Kept bool          // the box is on its way to its request: whoever asks again finds it
	Box  time.Duration // how long a box existed that was made and not used
}

func (e *BoxError) Error() string { return fmt.Sprintf("sandbox: %v", e.Err) }
func (e *BoxError) Unwrap() error { return e.Err }

// Inspection is what the real parser says about a program.
type Inspection struct {
	Problem  string // for the model: why this cannot be shown to a reviewer; empty when it can
	Findings []Finding
	Box      time.Duration // how long a box was used
}

// Job is what goes into a box.
type Job struct {
	RequestID  string
	Code       string
	CodeSHA256 string
	Inputs     []InputFile
	Limits     Limits
}

// InputFile is a sealed input with its content.
type InputFile struct {
	Input
	Data []byte
}

// Outcome is how a run ended.
type Outcome string

// The outcomes.
const (
	OK       Outcome = "ok"
	Raised   Outcome = "raised"    // the code ended with an exception
	TimedOut Outcome = "timed out" // stopped at the time limit
	OutOfRAM Outcome = "out of memory"
	Broken   Outcome = "broken" // it ended without a proper end: killed, or tampered with
)

// Result is what came out of a box, of which the host believes nothing: all of
// it is capped and checked for form, and none of it is ever run or parsed as code.
type Result struct {
	Outcome   Outcome       `json:"outcome"`
	Error     string        `json:"error,omitempty"`     // "KeyError: 'price'"
	Traceback string        `json:"traceback,omitempty"` // frames of the reviewed code only
	Stdout    string        `json:"stdout,omitempty"`
	Stderr    string        `json:"stderr,omitempty"`
	Answer    string        `json:"answer,omitempty"`   // the sentence that the program computed
	Said      []string      `json:"said,omitempty"`     // what the program says that it assumed
	LeftOut   []Rows        `json:"left_out,omitempty"` // what the program says that it did not use
	Value     string        `json:"value,omitempty"`    // the last expression, when it is no table
	Tables    []Grid        `json:"tables,omitempty"`
	Notes     []string      `json:"notes,omitempty"` // what was cut, dropped or refused, in words
	Observed  Observed      `json:"observed"`
	Box       time.Duration `json:"box"`  // how long the box was allocated: what is billed
	Code      time.Duration `json:"code"` // how long the code itself ran
	Artifacts []Artifact    `json:"-"`
}

// Rows are rows that a program did not use.
type Rows struct {
	Count int    `json:"rows"`
	Why   string `json:"why"`
}

// Grid is the visible part of a table that came out.
type Grid struct {
	Title     string     `json:"title,omitempty"`
	Columns   []string   `json:"columns"`
	Rows      [][]string `json:"rows"`
	TotalRows int        `json:"total_rows"`
}

// Artifact is a file that came out.
type Artifact struct {
	Name string
	Kind string // chart, table, file
	Alt  string // for those who cannot see it
	Data []byte
}

// Observed is what was seen of a run: by a witness, and by the hook in the program's own process.
type Observed struct {
	Witness   *Witness `json:"witness,omitempty"` // nil: nobody outside of the program watched. The rest is a hint: the program can silence and forge it
	Opened    []string `json:"opened,omitempty"`
	Imported  []string `json:"imported,omitempty"`
	Connected []string `json:"connected,omitempty"`
	Spawned   []string `json:"spawned,omitempty"`
	More      []string `json:"more,omitempty"` // of which of these there was more than is kept; "elsewhere" is what was opened outside of the working folder
}

// Slack is where people are.
type Slack interface {
	// Publish draws one surface of the view: it posts what is not there yet and
	// rewrites what has changed. The post that it returns is to be remembered,
	// also beside an error when it has a TS. What Slack has not taken is a *PostError;
	// where the channel takes no message of ours until somebody mends that, it is
	// an ErrNoPlace as well.
	Publish(ctx context.Context, v *View, kind Surface) (Post, error)
	// Tell sends a notice to one person, or redraws it where it stands. Of a post
	// that has been begun and has no TS it looks first whether it stands there.
	// Somebody whom nothing reaches: ErrUnreachable.
	Tell(ctx context.Context, v *NoticeView, had NoticePost) (NoticePost, error)
	// Fetch reads a file of at most limit bytes: *CauseError, ErrFileTooBig.
	Fetch(ctx context.Context, f File, limit int64) ([]byte, error)
	// Stat asks whether a file can be read now. *CauseError: it is gone for good, or is
	// not seen at the moment.
	Stat(ctx context.Context, f File) error
	// Place looks at a channel, now, and whether somebody is in it. That the bot does
	// not see it is no error.
	Place(ctx context.Context, channel, user string) (Place, error)
	// Find looks for the files that a question is about. *CauseError: what it lacks.
	Find(ctx context.Context, q Search) (Found, error)
	// Person looks somebody up, now.
	Person(ctx context.Context, team, user string) (Person, error)
}

// Person is what decides whether somebody may decide.
type Person struct {
	ID       string
	Name     string
	Bot      bool
	Guest    bool
	External bool // of another workspace
	Gone     bool // deactivated
}

// Surface is one of the messages that a request has in Slack.
type Surface string

// The surfaces, in the order in which they appear.
const (
	SurfaceRoot     Surface = "root"     // the thread's first message: who asked what
	SurfaceProgress Surface = "progress" // where it is, rewritten in place
	SurfaceCard     Surface = "card"     // in the review channel
	SurfacePlain    Surface = "plain"    // in its place, when Slack refuses the card: it leads to the code and has no Approve
	SurfaceFiles    Surface = "files"    // charts and tables, in the thread
	SurfaceReply    Surface = "reply"    // the answer and its bill, in the thread
)

// Post is a message that stands in Slack.
type Post struct {
	RequestID string
	Surface   Surface
	Channel   string
	TS        string
	Shown     string // a hash of what it shows, so that nothing is rewritten in vain
}

// View is everything that a request's surfaces are drawn from, read at one moment.
type View struct {
	Request   *Request
	Session   Session
	Earlier   []string // the last questions of the thread before this one, at most three, oldest first
	Bill      []Spend
	Standings []budget.Standing // of the budgets that pay, in lock order
	Posts     map[Surface]Post
	Artifacts []Artifact // without what is in them, except for Publish of SurfaceFiles
	Former    *Revision  // the version before the current one, for the difference; nil when there is none
	Deciders  []string   // who may decide on the current revision and has not, while it waits
	Now       time.Time
	Policy    Policy
	Terms     Terms              // what the current revision needs
	Frozen    time.Time          // nothing starts before this; zero when something may
	FrozenBy  string             // the line of the rules that says so
	Unseen    map[Surface]Unseen // what Slack has refused the last time that it was asked to
}

// Spend is a settlement as the bill shows it.
type Spend struct {
	Purpose   budget.Purpose
	Charges   []budget.Charge
	Estimated bool
}
