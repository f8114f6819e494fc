package steps

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/redact"
	"countersign/approval/review"
	"countersign/budget"
)

// Errors of the ports that the steps tell apart.
var (
	ErrBusy       = errors.New("somebody else is at it")
	ErrOutdated   = errors.New("people or rules have changed meanwhile") // since the case was loaded
	ErrFileTooBig = errors.New("the file is too large")                  //
	ErrBoxGone    = errors.New("the box is gone")                        // and with it whatever ran in it
	ErrNotStarted = errors.New("the code has not started")               // the box is there, nothing was started in it
	ErrChanged    = errors.New("it is not the sealed one")               // a content: it is longer, shorter or another
	ErrNoBox      = errors.New("no box was made")                        // for sure: nothing is billed
	ErrNoPlace    = errors.New("the channel is closed")                  // to us: archived, we were removed, or may not post
)

// Writer turns a brief into a draft. Its error is a *WriterError whenever a
// call may have been made.
type Writer interface {
	Catalogue
	Write(ctx context.Context, b Brief) (Draft, error)
	Recapper
}

// Recapper sums up what of a thread has no room in a prompt.
type Recapper interface {
	// Room is how many bytes the prompt of a brief has for what was said before.
	Room(b Brief) int
	// RecapRoom is how many a call for a summary has, and RecapSize what it sends and lets come
	// back at most, in tokens as the model's provider counts.
	RecapRoom(model string) (bytes int)
	RecapSize(r Recap) (prompt, answer int)
	// Recap makes the call. Its error is a *WriterError whenever one may have been made.
	Recap(ctx context.Context, r Recap) (Recapped, error)
}

// Recap is what a summary is made of.
type Recap struct {
	RequestID string
	SessionID string
	Asker     string
	Model     string
	Before    string             // the summary of what was said before that
	Said      []approval.Message // oldest first
	Hides     *redact.Rules      // what the model must not see of it
	Zone      *time.Location     // on whose calendar the days are on which it was said
}

// Recapped is a summary as a model has given it: plain text, and no longer than it may be.
type Recapped struct {
	Text     string
	Usage    budget.Usage
	Provider string
	Host     string
}

// Catalogue is what may be asked for, and how much of it.
type Catalogue interface {
	// Models lists what the settings offer, their default first; Offers says what is known of
	// each, and where it is asked.
	Models() []string
	Offers() []review.Offer
	// Bound is the most that one Write sends and lets come back, in tokens.
	Bound() (prompt, answer int)
	// Size is the most that a Write of just this brief does, as its model's provider
	// counts: never more than Bound.
	Size(b Brief) (prompt, answer int)
}

// NoWriter stands where no model writes: on the command line.
type NoWriter struct{}

// Models are none.
func (NoWriter) Models() []string { return nil }

// Offers are none.
func (NoWriter) Offers() []review.Offer { return nil }

// Bound is nothing.
func (NoWriter) Bound() (prompt, answer int) { return 0, 0 }

// Size is nothing.
func (NoWriter) Size(Brief) (prompt, answer int) { return 0, 0 }

// Room is none.
func (NoWriter) Room(Brief) int { return 0 }

// RecapRoom is none.
func (NoWriter) RecapRoom(string) int { return 0 }

// RecapSize is nothing.
func (NoWriter) RecapSize(Recap) (prompt, answer int) { return 0, 0 }

// Recap says that there is none.
func (NoWriter) Recap(context.Context, Recap) (Recapped, error) {
	return Recapped{}, &WriterError{Err: errors.New("there is no writer"), Words: "No model writes here."}
}

// Write says that there is none.
func (NoWriter) Write(context.Context, Brief) (Draft, error) {
	return Draft{}, &WriterError{Err: errors.New("there is no writer"), Words: "No model writes here."}
}

// Brief is all that a model gets to know.
type Brief struct {
	RequestID string
	SessionID string
	Asker     string
	Model     string
	Question  string
	Today     time.Time                   // the day on which it is asked, on the team's calendar
	MemoryMB  int                         // that a program has
	Libraries []string                    // what the box has, with versions, as a box has said; none where that is not known yet
	Notes     review.Notes                // of the channel
	Sight     approval.Sight              // what the model may see of its data,
	Seen      map[string]*reading.Glimpse // and what that is beyond the shape of a file, by its name
	Files     []approval.File
	History   []approval.Message       // of the session, oldest first, already cut to size
	Summary   string                   // of what was said before that,
	Until     time.Time                // and when the last of it was
	Rested    time.Time                // since when nothing had been said in the thread; zero: it was not at rest
	Clarified []approval.Clarification // what the model has asked the asker, and what they said, oldest first
	Wishes    []approval.Wish          // versions that reviewers have read, and what they want changed, oldest first
	Refused   []approval.Refusal       // earlier attempts at what is to be written now
	Hides     *redact.Rules            // what the model must not see of all that
}

// Draft is a program that a model wrote, not yet canonical, not yet inspected.
type Draft struct {
	Code          string
	Summary       string                  // the words around the code
	Ask           *approval.Clarification // a question to the asker in place of a program
	Next          []string                // what could be asked next
	Usage         budget.Usage
	PromptVersion string
	Provider      string // who was asked, for people: "Mistral"
	Host          string // where the prompt went

	Whole  []string // the requests of the thread that the prompt held whole
	Summed bool     // and it held the brief's Summary
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
	BoxTerms
	FileReader
	Inspector
	Starter
}

// BoxTerms are what a box is, and how long one can exist.
type BoxTerms interface {
	// Ready says whether boxes can be had: nil, or a *BoxError; with Retry when that
	// is only a matter of time.
	Ready() error
	// Size is what a box is billed by, Template what is installed in it.
	Size() budget.BoxSize
	Template() string
	// Lease is the longest that a run's box can exist, and so cost, with these
	// limits: also when every replica is gone and nobody kills it.
	Lease(limits approval.Limits) time.Duration
	// ReachesHosts tells whether code in a box can reach the hosts that its seal
	// names. Where it cannot, no seal names any.
	ReachesHosts() bool
	// InspectLease is the longest that the box of one inspection can exist, and so cost.
	InspectLease() time.Duration
}

// Inspector looks at code without running it, and hears what may come of it.
type Inspector interface {
	// Inspect parses the code in a box without network and inputs; nothing of it
	// runs. How long a box was used stands in the inspection beside an error, too.
	Inspect(ctx context.Context, code string, files []approval.File) (Inspection, error)
	// Prepare is a hint that a run may come soon; Discard that it will not.
	Prepare(requestID string)
	Discard(requestID string)
}

// Starter runs approved code.
type Starter interface {
	// Create makes the box for a request, or finds the one that was made before. A
	// *BoxError with Kept: it is on its way, ask again. Meanwhile, and while an
	// inspection waits, it calls TellPlace every few seconds.
	Create(ctx context.Context, requestID string, seal approval.Manifest) (boxID string, err error)
	// Fill puts the code and the inputs into a box, as streams, and holds each against what was
	// sealed. Nothing starts. After a *ContentError the box may be of no use any more: kill it.
	Fill(ctx context.Context, boxID string, job Job) error
	// Start puts in what was not filled in, and starts the code. In one box it starts at most
	// once, however often it is called, so after a doubtful answer call it again.
	// A box that is no more: ErrBoxGone. A *BoxError without Retry means that the
	// code has not started in this box and never will; an ErrChanged means that it has not started.
	Start(ctx context.Context, boxID string, job Job) error
	// Result waits for the end and collects it. Meanwhile it calls TellLine every LinesEvery. ErrNotStarted, ErrBoxGone, or the
	// context's error while the code still runs.
	Result(ctx context.Context, boxID string) (approval.Result, error)
	// Kill ends a box and forgets it. A box that is no more is no error. Of one that was there it calls TellLived,
	// where boxes outlive their replica.
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
	Problem   string // for the model: why this cannot be shown to a reviewer; empty when it can
	Findings  []approval.Finding
	Libraries []string      // what the box has, with versions
	Box       time.Duration // how long a box was used
}

// Job is what goes into a box.
type Job struct {
	RequestID   string
	Code        string
	CodeSHA256  string
	Inputs      []InputFile
	Limits      approval.Limits
	Today       string   // the day that it is told, and
	Zone        string   // on whose calendar; empty: the box's
	Environment []string // what the box has to have, to the version
	Hosts       []string // the only ones that it may reach; empty: none
	Currency    string   // of amounts that name none, by the channel's notes; empty: nobody has said
}

// InputFile is a sealed input, with the way to its content. Content opens it and holds it
// against the seal; nobody else calls Open.
type InputFile struct {
	approval.Input
	Size    int64
	Open    func() (io.ReadCloser, error)
	Reading *reading.Reading // how it is read, which the seal names; nil: the box finds out
	ReadAs  string           // the hash of the reading that its request names: it may not go without one
	Told    *reading.Told    // what a box has to know that reads it; nil: nothing
	Compare []string         // encodings in which it is to be shown, instead of read
	Look    approval.Sight   // of a box that looks at it for a prompt: what it may tell
}

// ContentError is an input that did not come whole into its box. Whatever was to read it has not
// begun.
type ContentError struct {
	Name string
	Err  error // ErrChanged, or why it cannot be read
}

func (e *ContentError) Error() string { return fmt.Sprintf("the input %q: %v", e.Name, e.Err) }

func (e *ContentError) Unwrap() error { return e.Err }

// Content opens an input and holds it against its seal while it is read: it gives Size bytes at
// most, and ends with io.EOF only where all of it was the sealed content. Any other error is a
// *ContentError.
func (f InputFile) Content() (io.ReadCloser, error) {
	from, err := f.Open()
	if err != nil {
		return nil, f.fault(err)
	}
	return &content{file: f, from: from, sum: sha256.New(), left: f.Size}, nil
}

// fault is why an input did not come. One that is larger than anything that could have been
// sealed has changed.
func (f InputFile) fault(err error) error {
	if errors.Is(err, ErrFileTooBig) {
		err = ErrChanged // what was sealed was not
	}
	return &ContentError{Name: f.Name, Err: err}
}

type content struct {
	file InputFile
	from io.ReadCloser
	sum  hash.Hash
	left int64
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, c.file.fault(ErrChanged)
	}
	c.sum.Write(p[:n])
	switch {
	case err == nil:
		return n, nil
	case err != io.EOF:
		return n, c.file.fault(err)
	case c.left > 0 || hex.EncodeToString(c.sum.Sum(nil)) != c.file.SHA256:
		return n, c.file.fault(ErrChanged)
	}
	return n, io.EOF
}

// Close implements io.Closer.
func (c *content) Close() error { return c.from.Close() }

// Held is a content that lies in memory.
func Held(data []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}

// Slack is where people are.
type Slack interface {
	Posting
	Files
	Places
	Persons
}

// Posting draws what people see.
type Posting interface {
	// Publish draws one surface of the view: it posts what is not there yet and
	// rewrites what has changed. The post that it returns is to be remembered,
	// also beside an error when it has a TS. What Slack has not taken is a *PostError;
	// where the channel takes no message of ours until somebody mends that, it is
	// an ErrNoPlace as well.
	Publish(ctx context.Context, v *View, kind Surface) (Post, error)
	// Unpost deletes a message that somebody else has posted as well.
	Unpost(ctx context.Context, post Post) error
	// Running shows to the asker alone, where nobody else reads along, that a program runs and what
	// it has printed last. That line stays nowhere, and that it does not arrive is no error. Where it stands in a
	// message, that is returned, and to be remembered.
	Running(ctx context.Context, v *View, line string) Post
	// Tell sends a notice to one person, or redraws it where it stands. Of a post
	// that has been begun and has no TS it looks first whether it stands there.
	// Somebody whom nothing reaches: ErrUnreachable.
	Tell(ctx context.Context, v *NoticeView, had NoticePost) (NoticePost, error)
}

// Files are those in Slack.
type Files interface {
	// Fetch opens a file of at most limit bytes, as it is now. A *CauseError or ErrFileTooBig
	// comes at once, or where the stream ends. It ends with its context, too.
	Fetch(ctx context.Context, f approval.File, limit int64) (io.ReadCloser, error)
	// Stat asks whether a file can be read now. *CauseError: it is gone for good, or is
	// not seen at the moment.
	Stat(ctx context.Context, f approval.File) error
	// Find looks for the files that a question is about. *CauseError: what it lacks.
	Find(ctx context.Context, q Search) (Found, error)
}

// Places are channels.
type Places interface {
	// Place looks at a channel, now, and whether somebody is in it. That the bot does
	// not see it is no error.
	Place(ctx context.Context, channel, user string) (approval.Place, error)
	// Within tells whether somebody is in a channel of any kind, now: in a large one it
	// takes a while. A channel whose people Slack does not name has nobody in it.
	Within(ctx context.Context, channel, user string) (bool, error)
}

// Persons are people in Slack.
type Persons interface {
	// Person looks somebody up, now.
	Person(ctx context.Context, team, user string) (review.Person, error)
}
