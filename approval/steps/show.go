package steps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

// Presenter makes Slack look like the row.
type Presenter struct {
	store interface {
		Notices
		Shown
		Work
	}
	slack Posting
	log   *slog.Logger
	*Settings

	people *People
}

// Surface is one of the messages that a request has in Slack.
type Surface string

// The surfaces, in the order in which they appear.
const (
	SurfaceRoot     Surface = "root"     // the thread's first message: who asked what
	SurfaceProgress Surface = "progress" // where it is, rewritten in place
	SurfaceCard     Surface = "card"     // in the review channel
	SurfacePlain    Surface = "plain"    // in its place, when Slack refuses the card: it leads to the code and has no Approve
	SurfaceAnswer   Surface = "answer"   // the sentence, in the thread, where charts come between it and the rest
	SurfaceFiles    Surface = "files"    // charts, in the thread
	SurfaceReply    Surface = "reply"    // the answer, or what of it is not said yet, with the ways on
	SurfaceSheets   Surface = "sheets"   // the other files, in the thread
	SurfaceRunning  Surface = "running"  // in the asker's direct message: how the program of a question in a channel gets on
	SurfaceMark     Surface = "mark"     // how it stands, as an emoji on the thread's first message
)

// CopyIn is the answer where it was shared, and CopyFilesIn its charts and files in the thread there.
func CopyIn(channel string) Surface      { return Surface("copy " + channel) }
func CopyFilesIn(channel string) Surface { return Surface("copy files " + channel) }

// message tells a message from files, and from an emoji.
func (s Surface) message() bool {
	_, files, _ := s.Copied()
	return !files && s != SurfaceFiles && s != SurfaceSheets && s != SurfaceMark
}

// Copied is the channel in which a copy stands; files tells that these are its charts and files.
func (s Surface) Copied() (channel string, files, ok bool) {
	channel, ok = strings.CutPrefix(string(s), "copy ")
	channel, files = strings.CutPrefix(channel, "files ")
	return channel, files, ok
}

// Post is a message that stands in Slack.
type Post struct {
	RequestID string
	Surface   Surface
	Channel   string
	TS        string
	Shown     string // a hash of what it shows, so that nothing is rewritten in vain
}

// TakenBack is what a message shows that was to go with its answer. Where Slack would not delete
// it, the code with which it refused follows.
const TakenBack = "taken back"

// Gone tells that a message was to go with its answer: it is deleted, or Slack has refused that.
func (p Post) Gone() bool { return strings.HasPrefix(p.Shown, TakenBack) }

// Stays is the code with which Slack has refused to delete a message.
func (p Post) Stays() string {
	_, code, _ := strings.Cut(p.Shown, TakenBack+": ")
	return code
}

// Sighting is a message of ours that stands in Slack, by its own word.
type Sighting struct {
	Post
	Revision int       // that it shows, if it is a card
	At       time.Time // when it was met first, of one that is looked at again
}

// Meeting is what such a message is, held against the one that is remembered.
type Meeting int

// What it can be.
const (
	MetKnown  Meeting = iota // the one that is remembered, perhaps only from now on, or one that stands beside it by right
	MetStray                 // another one stands in its place
	MetUnsure                // it may be remembered in a moment
)

// FoundInSlack is what a message shows that somebody has posted and could not remember: it is drawn anew.
const FoundInSlack = "found"

// Theirs is what a message shows that is somebody's own, and no message of the bot's.
const Theirs = "theirs"

// ErrElsewhere says that somebody else has posted the same message meanwhile.
var ErrElsewhere = errors.New("another message stands in its place")

// ErrOvertaken says that somebody else may have drawn the same message later, or from what came later: it is to be drawn
// once more, from the row as it is then.
var ErrOvertaken = fmt.Errorf("another replica has drawn it meanwhile: %w", ErrBusy)

// ErrUnheard says that nobody knows what became of a rewrite: Slack may carry it out, and later than what is drawn next.
var ErrUnheard = errors.New("Slack has not said what became of it")

// View is everything that a request's surfaces are drawn from, read at one moment.
type View struct {
	Request   *approval.Request
	Session   approval.Session
	Earlier   []string // the last questions of the thread before this one, at most three, oldest first
	Next      []string // what the model offers to be asked next
	Bill      []Spend
	Standings []budget.Standing // of the budgets that pay, in lock order
	Posts     map[Surface]Post
	Uploads   map[Surface][]string // files of the answer that the bot has put into Slack, by their ids
	Artifacts []approval.Artifact  // without what is in them, except for Publish of SurfaceFiles
	Former    *approval.Revision   // the version before the current one, for the difference; nil when there is none
	Deciders  []string             // who may decide on the current revision and has not, while it waits
	Now       time.Time
	Policy    approval.Policy
	Terms     review.Terms       // what the current revision needs
	Frozen    time.Time          // nothing starts before this; zero when something may
	FrozenBy  string             // the line of the rules that says so
	Unseen    map[Surface]Unseen // what Slack has refused the last time that it was asked to
	Book      review.Book        // terms, deciders and freezes follow from it
	Case      *Case              // the same moment for whoever decides by what they have seen; its request is the one above
	Insist    bool               // nobody has drawn it since: a message that cannot become what is to be shown has another one take its place
}

// Alone tells that nobody reads the thread but its asker: it is in their direct messages.
func (v *View) Alone() bool { return v.Request.Private || approval.Direct(v.Session.Channel) }

// Leaks tells of a private request whose thread is somewhere else than with its asker: nothing of
// it is posted there, whoever has moved it.
func (v *View) Leaks() bool {
	return v.Request.Private && v.Session.Channel != v.Request.Asker && !approval.Direct(v.Session.Channel)
}

// Spend is a settlement as the bill shows it.
type Spend struct {
	Purpose   budget.Purpose
	Charges   []budget.Charge
	Estimated bool
}

// Spent is what a request has cost so far.
func (v *View) Spent() (sum budget.USD) {
	for _, s := range v.Bill {
		sum += budget.Total(s.Charges)
	}
	return sum
}

// RunSpent is what its run has cost, once that is known.
func (v *View) RunSpent() (sum budget.USD, ok bool) {
	for _, s := range v.Bill {
		if s.Purpose == budget.ForRun {
			sum, ok = sum+budget.Total(s.Charges), true
		}
	}
	return sum, ok
}

// Tight is the budget with the least left of those that pay.
func (v *View) Tight() (budget.Standing, bool) { return budget.Tightest(v.Standings) }

// surfaces says which messages a request has in Slack at this moment, in the
// order in which they are drawn.
func surfaces(v *View) []Surface {
	r := v.Request
	if r.Seek != nil && r.State != approval.Expired {
		return nil // it has not got to its channel, and what is missing is said in private
	}
	list := []Surface{SurfaceRoot}
	if r.Revision != nil {
		list = append(list, SurfaceCard) // before the progress, which says when nobody can see it
	}
	if v.Posts[SurfacePlain].TS != "" {
		list = append(list, SurfacePlain)
	}
	if v.Posts[SurfaceRunning].TS != "" {
		list = append(list, SurfaceRunning) // it is posted by whoever watches the run
	}
	if r.Taken != nil {
		return append(append(list, taken(v)...), SurfaceProgress, SurfaceMark)
	}
	list = append(list, SurfaceProgress)
	done := r.State == approval.Done && r.Run != nil && r.Run.Result != nil
	if done && slices.ContainsFunc(v.Artifacts, approval.Artifact.Picture) {
		list = append(list, SurfaceAnswer, SurfaceFiles)
	}
	// A question that was taken back before anything was paid has nothing to say but that, and its
	// progress says it.
	if r.State.Final() && (r.State != approval.Withdrawn || len(v.Bill) > 0 || uncertain(r)) {
		list = append(list, SurfaceReply)
	}
	if done && (r.Run.Result.Stdout != "" || slices.ContainsFunc(v.Artifacts, func(a approval.Artifact) bool { return !a.Picture() })) {
		list = append(list, SurfaceSheets)
	}
	for _, c := range r.Copies {
		list = append(list, CopyIn(c.Channel))
		if len(v.Artifacts) > 0 || done && r.Run.Result.Stdout != "" {
			list = append(list, CopyFilesIn(c.Channel))
		}
	}
	return append(list, SurfaceMark)
}

// taken are the surfaces of an answer that was taken back and that stand, or may stand, in Slack.
func taken(v *View) (list []Surface) {
	all := []Surface{SurfaceAnswer, SurfaceFiles, SurfaceReply, SurfaceSheets}
	for _, c := range v.Request.Copies {
		all = append(all, CopyFilesIn(c.Channel), CopyIn(c.Channel))
	}
	for _, surface := range all {
		if v.Posts[surface].TS != "" || len(v.Uploads[surface]) > 0 {
			list = append(list, surface)
		}
	}
	return list
}

// View reads everything that a request's messages are drawn from.
func (s *Presenter) View(ctx context.Context, id string) (*View, error) {
	return s.viewed(s.store.View(ctx, id))
}

// Pressed is View for whoever decides by a message that need not be drawn again.
func (s *Presenter) Pressed(ctx context.Context, id string) (*View, error) {
	return s.store.Pressed(ctx, id)
}

// drawn is View for messages that nobody decides by.
func (s *Presenter) drawn(ctx context.Context, id string) (*View, error) {
	return s.viewed(s.store.Drawn(ctx, id))
}

// viewed adds what follows from what the store knows.
func (s *Presenter) viewed(v *View, err error) (*View, error) {
	if err != nil {
		return nil, err
	}
	v.Policy, v.Terms = s.Policy, v.Book.Terms(v.Request, s.Policy)
	// Only then it matters: before that nothing would start, and after it nothing waits.
	if v.Request.State == approval.Approved {
		v.Frozen, v.FrozenBy = v.Book.Freezes(s.Policy).Frozen(v.Now, s.Policy.Zone)
	}
	if v.Request.State == approval.Pending {
		v.Deciders, _ = v.Book.Deciders(v.Request, s.Policy)
	}
	return v, nil
}

// Show makes Slack look like the row: what is missing is posted, what is
// outdated is rewritten. The posts are views; losing one loses nothing. A place
// that cannot be reached keeps no other from being drawn.
func (s *Presenter) Show(ctx context.Context, id string) error {
	v, err := s.drawn(ctx, id)
	if err != nil {
		return err
	}
	var faults []error
	failed := map[Surface]bool{}
	list := surfaces(v)
	// By index, because the list grows: a refused card brings its plainer one, files that Slack
	// refused have their message drawn once more, and a copy that it refused the progress.
	for n := 0; n < len(list); n++ {
		surface := list[n]
		if failed[SurfaceRoot] {
			break // there is no thread yet
		}
		channel, files, copied := surface.Copied()
		// Something would come before what people read first. Copies stand in another channel, and the progress says where they do not.
		if early := failed[SurfaceAnswer] || failed[SurfaceFiles] || surface == SurfaceSheets && failed[SurfaceReply]; early && v.Request.Taken == nil && !copied && surface != SurfaceProgress {
			continue
		}
		if copied && files && v.Request.Taken == nil && v.Posts[CopyIn(channel)].TS == "" {
			continue // there is no thread yet
		}
		// What is in the files is loaded only to be posted: charts can be megabytes, and most views need none.
		late := v.Request.Taken == nil && (surface == SurfaceSheets || files) && v.Posts[surface].TS == ""
		if v.Request.Taken == nil && (surface == SurfaceFiles || surface == SurfaceSheets || files) && v.Posts[surface].TS == "" {
			if v.Artifacts, err = s.store.Artifacts(ctx, id); err != nil {
				return errors.Join(append(faults, err)...)
			}
		}
		post, err := s.publish(ctx, v, surface)
		if errors.Is(err, ErrOvertaken) {
			return errors.Join(append(faults, err, s.posted(ctx, v, post))...)
		}
		if err != nil {
			faults, failed[surface] = append(faults, err), hidden(err)
		}
		// Beside an error, too: it stands in Slack.
		if err := s.posted(ctx, v, post); err != nil {
			return errors.Join(append(faults, err)...) // what nobody remembers would be posted again: no more of it
		}
		_, was := v.Unseen[surface]
		faults = append(faults, s.reckon(ctx, v, surface, err))
		switch {
		case late && err == nil && files:
			list = append(list, CopyIn(channel))
		case late && err == nil:
			list = append(list, SurfaceReply) // it names what Slack has refused of them
		}
		if copied && (err != nil || was) {
			list = append(list, SurfaceProgress) // it says where the answer could not be shared
		}
		if surface != SurfaceCard && surface != SurfacePlain && surface != SurfaceRunning && errors.Is(err, ErrNoPlace) && v.Request.Away == nil && !v.Request.State.Final() {
			faults = append(faults, s.store.Wake(ctx, Wake{Step: approval.StepLook, RequestID: id})) // who cannot be answered there is told otherwise
		}
		if surface == SurfaceCard && plainable(err) && v.Request.State == approval.Pending && v.Posts[SurfacePlain].TS == "" {
			list = slices.Insert(list, n+1, SurfacePlain)
		}
	}
	return s.again(v, faults)
}

// posted remembers a post that is new or has changed, and with the first of them
// where the thread is.
func (s *Presenter) posted(ctx context.Context, v *View, post Post) error {
	had, ok := v.Posts[post.Surface]
	if post.TS == "" || ok && had == post {
		return s.threaded(ctx, v)
	}
	known := &had
	if !post.Surface.message() {
		known = nil
	}
	// It stands in Slack, so it is remembered also where this job has no time left, or has become another replica's.
	err := lasting(ctx, func(ctx context.Context) error { return s.store.Posted(ctx, post, known) })
	switch {
	case errors.Is(err, ErrElsewhere) && post.TS == had.TS:
		return err // it is a former one by now, as of a version before: whoever presses it has it say so
	case errors.Is(err, ErrElsewhere):
		// Two have posted it: a replica that hung, or one whose answer got lost. What is remembered stays, and nothing beside it.
		return errors.Join(err, lasting(ctx, func(ctx context.Context) error { return s.slack.Unpost(ctx, post) }))
	case errors.Is(err, ErrOvertaken):
		return errors.Join(err, s.doubt(ctx, v.Request.ID, post.Surface))
	}
	if err != nil {
		return err
	}
	v.Posts[post.Surface] = post
	if post.Surface == SurfaceRoot && v.Request.Private {
		v.Session.Channel = post.Channel // until now it was known by its asker
	}
	return s.threaded(ctx, v)
}

// threaded remembers where the session's thread is, once its first message has been posted.
func (s *Presenter) threaded(ctx context.Context, v *View) error {
	root := v.Posts[SurfaceRoot].TS
	if root == "" || v.Session.ThreadTS != "" {
		return nil
	}
	// From the first post on, follow-ups in the thread find the session by it.
	v.Session.ThreadTS = root
	return s.store.Threaded(ctx, v.Session.ID, root)
}
