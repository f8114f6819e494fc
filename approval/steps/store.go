package steps

import (
	"context"
	"errors"
	"time"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/thread"
	"countersign/budget"
)

// Store is the only keeper of state. A step names the pieces of it that it calls.
type Store interface {
	Requests
	Asking
	Shown
	Notices
	Work
	Listing
	Budgets
	LimitBook
	Figures
	RuleBook
	Roles
	ReadingBook
}

// Requests keeps requests. Everything that it writes for one call it writes in one
// transaction, and no call of it waits for the network.
type Requests interface {
	// Request loads one without locking it. An id that nobody has: ErrNotFound.
	Request(ctx context.Context, id string) (*approval.Request, error)
	// Case loads one with all that a decision about it rests on, at one moment.
	Case(ctx context.Context, id string) (*Case, error)
	// Update loads the request, runs the closure on it, and stores what it changed.
	// now is the database's clock. When the closure fails, nothing is stored. Where
	// somebody else has written meanwhile, the closure is run anew on what stands then,
	// so it changes the request and does nothing else. When a budget cannot bear a new
	// hold, the error is a *budget.ExceededError. How the budgets stood before a hold goes
	// into the audit trail (Money.Weighed), and what Alerts says of a settlement is stored
	// with it.
	Update(ctx context.Context, id string, change func(r *approval.Request, now time.Time) error) (*approval.Request, error)
	// Act is Update of a request that was loaded a moment ago, and saves loading it again. The closure changes the case's own
	// request: after an error that is not what the row says, though the version is. Who goes on then loads another case.
	// Where people, rules or freezes of its workspace have changed since, nothing is
	// stored, and it is ErrOutdated: whoever decides by them begins anew.
	Act(ctx context.Context, c *Case, change func(r *approval.Request, now time.Time) error) (*approval.Request, error)
	// Audit stores an event that belongs to no verb, such as a click that was refused.
	Audit(ctx context.Context, requestID string, e approval.Event) error
	// Events are the audit trail of a request, oldest first.
	Events(ctx context.Context, requestID string) ([]approval.Event, error)
}

// Case is a request with all that a decision about it rests on, read at one moment
// and without a lock.
type Case struct {
	Request   *approval.Request
	Version   int64    // of its row: as long as it stays the same, so does the request
	Authority int64    // of its workspace: the same of people, delegations and rules
	Trail     string   // where its audit trail ends, as the store spells it
	Noticed   []string // which notices there are about it, by their keys
	Now       time.Time
	Read      time.Time         // when that was, by this machine's clock
	Standings []budget.Standing // of the budgets that pay, in lock order
	Ahead     *budget.Ahead     // the same, for the write to weigh by
	review.Book
}

// current runs what rests on a Case, and runs it again where people or rules have changed
// before its Act: it loads, asks and decides by what holds then.
func current(use func() (*approval.Request, error)) (r *approval.Request, err error) {
	for range 5 {
		if r, err = use(); !errors.Is(err, ErrOutdated) {
			break
		}
	}
	return r, err
}

// Counter is what a question is taken by: who pays for it, and the thread in which it is
// asked, read at one moment.
type Counter struct {
	Now       time.Time
	Session   string            // that the thread is; empty for a thread that is none yet
	Chosen    approval.Chosen   // the model that somebody has chosen in the thread; zero: nobody has
	PrivateIn string            // of a private thread: the channel by whose rules it goes
	Files     []approval.File   // of the requests in the thread, those of the latest first
	Standings []budget.Standing // of the budgets that will pay
	Ahead     *budget.Ahead     // the same, for whoever holds by it: Changes.Ahead
	Rules     review.RuleSet    // that hold in its channel: see review.Effective
	Clarifies string            // the request in the thread whose model has asked the speaker something; of what is Spoken
	Taken     bool              // and this very message has answered it before
}

// Asking keeps questions and what was said before them.
type Asking interface {
	// Counter reads what a question is taken by.
	Counter(ctx context.Context, q approval.Question) (Counter, error)
	// Ask stores a new request with its session, or returns the one that the same
	// trigger made before. Its times are the database's, as Counter says; its session is
	// the one of the thread, or a new one. To somebody with too many questions under way
	// the error is Enough's.
	Ask(ctx context.Context, r *approval.Request, thread approval.Session) (stored *approval.Request, created bool, err error)
	// ThreadFiles are the inputs of the requests in a thread, and whether the
	// thread is a session of ours at all.
	ThreadFiles(ctx context.Context, thread approval.Session) (files []approval.File, ours bool, err error)
	// History is what was said in the session before this request, and what models have
	// made of it, also for other requests; oldest first.
	History(ctx context.Context, id string) (thread.Past, error)
}

// Shown is what Slack shows, or has refused, and what that is drawn from.
type Shown interface {
	// View loads everything that a card or a reply is drawn from.
	View(ctx context.Context, id string) (*View, error)
	// Pressed is the same for whoever decides by a message that need not be drawn: the request, its Case, and where its messages stand.
	Pressed(ctx context.Context, id string) (*View, error)
	// Drawn is the same for whoever only draws: without a Case, and with no more of the Book than the state shows.
	Drawn(ctx context.Context, id string) (*View, error)
	// Artifacts are the files that came out of a request's run, with what is in them.
	Artifacts(ctx context.Context, id string) ([]approval.Artifact, error)
	// Posted remembers a message in Slack, so that nobody posts it again, by whoever knew what was remembered before: nil is whatever
	// stands, and no TS that nothing was. ErrElsewhere: another message is remembered by now, and stays. ErrOvertaken: somebody has
	// drawn the same one meanwhile, and nobody knows which drawing came last.
	Posted(ctx context.Context, post Post, had *Post) error
	// Doubt has messages drawn anew, because nobody knows what they show, or that they do not show it for long.
	Doubt(ctx context.Context, id string, surfaces ...Surface) error
	// Threaded remembers where the session's thread is.
	Threaded(ctx context.Context, sessionID, threadTS string) error
	// Refused remembers that Slack has refused a message, once more if it had before,
	// and returns since when and how often it does. Another hindrance begins anew.
	Refused(ctx context.Context, u Unseen) (Unseen, error)
	// Seen forgets it: Slack has taken the message.
	Seen(ctx context.Context, requestID string, surface Surface) error
}

// Notices keeps words to people.
type Notices interface {
	// Notice loads a notice, and where it stands by recipient.
	Notice(ctx context.Context, key string) (*approval.Notice, map[string]NoticePost, error)
	// NoticePosted remembers that a notice has been begun for somebody, or where it stands.
	NoticePosted(ctx context.Context, post NoticePost) error
	// NoticeTold says that everybody has it who should.
	NoticeTold(ctx context.Context, key string) error
	// Notify stores a notice that belongs to no verb, with its job. One whose key is
	// known already is only looked at again, or not even that.
	Notify(ctx context.Context, n approval.Notice) error
}

// Receipts keeps what was approved in whose name, and what people are told of it once a day.
type Receipts interface {
	// FirstApproval tells whether somebody had approved nothing before in the channel of a request.
	FirstApproval(ctx context.Context, requestID, who string, before time.Time) (bool, error)
	// Hold has a notice wait for the digest of its day.
	Hold(ctx context.Context, key string) error
	// Gather makes a digest of this name for everybody with receipts from before that
	// are in none. However many replicas do it, each receipt gets into one.
	Gather(ctx context.Context, before time.Time, name string) error
	// Given lists what was approved in somebody's name and has not started, newest first.
	Given(ctx context.Context, team, who string, limit int) ([]*approval.Request, error)
}

// Work is the queue, and what a sweep looks at.
type Work interface {
	// Stopped tells that somebody has cancelled the run in a box, or that it is over.
	Stopped(ctx context.Context, id, box string) (bool, error)
	// Alone runs the work unless another replica is at the same step of the same
	// request: then it returns ErrBusy. The lock only avoids duplicate work; safety does
	// not depend on it.
	Alone(ctx context.Context, id string, step approval.Step, work func(context.Context) error) error
	// Stuck lists what a sweep should look at: waits that have run out, requests on
	// whose next step nobody has worked for a while, blocked ones whose money should
	// have come (StepGoOn), notices that nobody was told.
	Stuck(ctx context.Context) ([]Wake, error)
	// StaleHolds lists open holds whose time is over.
	StaleHolds(ctx context.Context) ([]budget.Hold, error)
	// SettleChecks ends in full what the house held for its own tries and nobody has settled in time.
	SettleChecks(ctx context.Context) error
	// Wake puts a job into the queue.
	Wake(ctx context.Context, wake Wake) error
}

// Listing answers what people ask about many requests at once.
type Listing interface {
	// Recent lists an asker's latest requests, newest first, open ones before ended ones.
	Recent(ctx context.Context, team, asker string, limit int) ([]*approval.Request, error)
	// Vetted lists the code that people have lately approved in a channel, newest
	// first, without that of one request.
	Vetted(ctx context.Context, team, project, without string, limit int) ([]Near, error)
	// Queue is a page of what this person could decide on: nothing of their own, and
	// nothing that they have decided. projects narrows it; nil narrows nothing.
	Queue(ctx context.Context, team, user string, projects []string, f QueueFilter, page int) (Queue, error)
	// Statistics are about decisions since then, by reviewer.
	Statistics(ctx context.Context, team string, since time.Time) ([]ReviewerStatistics, error)
}

// Budgets are read as they are now.
type Budgets interface {
	// Standings reads budgets as they are now: the limits that are set for these
	// scopes, and the default one for a user without any.
	Standings(ctx context.Context, scopes []budget.Scope) ([]budget.Standing, error)
	// TypicalRun is how long the boxes of a workspace's latest runs existed, in the
	// median, and of how many runs.
	TypicalRun(ctx context.Context, team string) (box time.Duration, runs int, err error)
	// TopUp finds a top-up.
	TopUp(ctx context.Context, id string) (*approval.TopUp, error)
	// ThreadScope is the budget of a thread. One that is no session of ours: ErrNotFound.
	ThreadScope(ctx context.Context, team, channel, threadTS string) (budget.Scope, error)
	// Thread is where the thread of a session is. ErrNotFound.
	Thread(ctx context.Context, team, session string) (approval.Session, error)
}

// LimitBook keeps what budgets administrators have set.
type LimitBook interface {
	// SetLimit stores a limit, and in the audit trail who set it and what it was before.
	SetLimit(ctx context.Context, actor string, limit budget.Limit) error
	// RemoveLimit takes a limit away, with the same trail. Where none is set: ErrNotFound.
	RemoveLimit(ctx context.Context, actor string, scope budget.Scope) error
	// Limits are all that are set in a workspace, as they stand.
	Limits(ctx context.Context, team string) ([]budget.Standing, error)
	// LimitChanges is the audit trail of a workspace's limits, oldest first; of one scope, if one is given.
	LimitChanges(ctx context.Context, team string, scope *budget.Scope) ([]approval.Event, error)
}

// Figures add spending up.
type Figures interface {
	// Top ranks who or what money was spent on, from a moment until before another.
	Top(ctx context.Context, team string, by Ranking, from, until time.Time) ([]Spender, error)
	// Digest adds a stretch of time up.
	Digest(ctx context.Context, team string, from, until time.Time) (Digest, error)
	// Teams are the workspaces that have asked something, each with when it first did.
	Teams(ctx context.Context) (map[string]time.Time, error)
}

// RuleBook keeps rules, version by version.
type RuleBook interface {
	// Rules are the latest of a channel, or of the workspace where the channel has
	// none. Version 0 where nobody has set any.
	Rules(ctx context.Context, team, project string) (review.RuleSet, error)
	// SetRules stores the next version, and in the audit trail what was before. When
	// set.Version is not the one in force there (0: none of its own): ErrBusy.
	SetRules(ctx context.Context, set review.RuleSet) (review.RuleSet, error)
}

// Roles keeps who has which part.
type Roles interface {
	// Grants are the roles that people have been named for in a workspace and have not
	// been removed from, and Delegations what has not ended.
	Grants(ctx context.Context, team string) ([]review.Grant, error)
	Delegations(ctx context.Context, team string) ([]review.Delegation, error)
	// Name gives somebody a role, Unname takes it. What is so already stays so.
	Name(ctx context.Context, g review.Grant) error
	Unname(ctx context.Context, g review.Grant) error
	// Delegate lets somebody decide in another's place, or ends it at once when
	// d.To is empty. A later word takes the place of an earlier one.
	Delegate(ctx context.Context, d review.Delegation) error
	// Keys are the SSH keys that somebody has registered and not removed, the oldest first.
	Keys(ctx context.Context, team, user string) ([]review.Key, error)
	// SetKey registers a key or removes it, and its owner is told. What is so already stays
	// so. One that somebody else has: *approval.InputError.
	SetKey(ctx context.Context, k review.Key, named bool) error
	// AuditPeople stores in the trail of a workspace's people that somebody was refused
	// a change to them, or to their rules.
	AuditPeople(ctx context.Context, team string, e approval.Event) error
}

// Wake is a wake-up call: do this step of this request, if it still needs doing.
// Of a notice the id is its key.
type Wake struct {
	Step      approval.Step
	RequestID string
	Again     bool // of a show: somebody has begun it, and nobody knows how far they got. Only that is noted; the step follows
}
