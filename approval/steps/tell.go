package steps

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"countersign/approval"
	"countersign/approval/review"
)

// Teller sends notices.
type Teller struct {
	store Notices
	slack Posting
	log   *slog.Logger

	receipts Receipts
	*Settings

	people    *People
	presenter *Presenter
}

// NoPlace is what a notice about messages that Slack refuses says.
type NoPlace struct {
	Channel string    `json:"channel"`
	Why     Hindrance `json:"why"`
	Code    string    `json:"code,omitempty"`  // Slack's
	Cards   bool      `json:"cards,omitempty"` // it is the reviewers' cards that are refused
	Example string    `json:"example"`         // one of the requests that it concerns
}

// NoticeView is everything that a notice is drawn from.
type NoticeView struct {
	approval.Notice
	View   *View   // of the request that it is about; nil when it is about none
	Given  []*View // of the requests of a NoticeReceipts, as many as it shows
	Policy approval.Policy
	Roster review.Roster // of the workspace
	Now    time.Time
}

// NoticePost is a notice as it stands in somebody's direct messages. One without
// a TS has been begun: it may stand there, and nobody remembers where.
type NoticePost struct {
	Key       string
	Recipient string
	Channel   string
	TS        string
	Shown     string
	Begun     time.Time
}

// ErrUnreachable tells that somebody cannot be sent a direct message, ever.
var ErrUnreachable = errors.New("no direct message reaches this person")

// Tell sends a notice to everybody whom it is for, and redraws it where it stands
// and has changed. Who has got it does not get it again.
func (s *Teller) Tell(ctx context.Context, key string) error {
	n, posts, err := s.store.Notice(ctx, key)
	if err != nil {
		return err
	}
	if n.Held {
		return s.looksAgain(ctx, n.Digest)
	}
	if held, err := s.held(ctx, n, posts); held || err != nil {
		return err
	}
	view := &NoticeView{Notice: *n, Policy: s.Policy, Now: time.Now()}
	if n.RequestID != "" {
		if view.View, err = s.presenter.View(ctx, n.RequestID); err != nil {
			return err
		}
		view.Now = view.View.Now
	}
	if n.Kind == approval.NoticeUnsaid && len(posts) == 0 {
		if _, hidden := view.View.HiddenFrom(); !hidden {
			return s.store.NoticeTold(ctx, key) // the thread has said it before this could
		}
	}
	if err := s.given(ctx, view); err != nil {
		return err
	}
	if view.Roster, err = s.people.Reviewers(ctx, n.Team, ""); err != nil {
		return err
	}
	var faults []error
	for _, who := range view.recipients(posts) {
		// One whom Slack does not reach keeps nobody else from hearing it.
		faults = append(faults, s.tellOne(ctx, view, who, posts[who]))
	}
	if err := errors.Join(faults...); err != nil {
		if err := s.untold(view, faults); err != nil {
			return err
		}
	}
	return s.store.NoticeTold(ctx, key)
}

// held leaves a receipt to the digest of its day, unless its giver has to hear of it at once:
// because of what it is, or because it is their first in the channel. Whoever sits at somebody's
// keyboard begins with one of these.
func (s *Teller) held(ctx context.Context, n *approval.Notice, posts map[string]NoticePost) (bool, error) {
	if n.Kind != approval.NoticeApproved || s.receipts == nil || s.ReceiptsDue == nil || len(posts) > 0 {
		return false, nil
	}
	var said approval.ApprovedBy
	if err := json.Unmarshal(n.Data, &said); err != nil || said.Urgent() {
		return false, nil // what cannot be read is drawn, and fails there
	}
	first, err := s.receipts.FirstApproval(ctx, n.RequestID, said.Reviewer, n.At)
	if err != nil || first {
		return false, err
	}
	return true, s.receipts.Hold(ctx, n.Key)
}

// looksAgain has the digest looked at in which a receipt stands: by its own job, so that nobody
// else is at it.
func (s *Teller) looksAgain(ctx context.Context, digest string) error {
	if digest == "" {
		return nil
	}
	n, _, err := s.store.Notice(ctx, digest)
	if err != nil {
		return err
	}
	return s.store.Notify(ctx, *n)
}

// MostReceipts is how many approvals a digest shows.
const MostReceipts = 15

// given loads what a digest of receipts is drawn from: what can still be withdrawn has a button.
func (s *Teller) given(ctx context.Context, v *NoticeView) error {
	if v.Kind != approval.NoticeReceipts {
		return nil
	}
	var said approval.Receipts
	if err := json.Unmarshal(v.Data, &said); err != nil {
		return nil // as above
	}
	for _, one := range said.Given[:min(MostReceipts, len(said.Given))] {
		view, err := s.presenter.View(ctx, one.RequestID)
		if err != nil {
			return err
		}
		v.Given = append(v.Given, view)
	}
	return nil
}

// gather makes the digests that are due. Where there are none any more, what still waits for
// one is told now.
func (s *Teller) gather(ctx context.Context) error {
	if s.receipts == nil {
		return nil
	}
	due := time.Now()
	if s.ReceiptsDue != nil {
		due = s.ReceiptsDue(due)
	}
	if due.IsZero() {
		return nil
	}
	return s.receipts.Gather(ctx, due, due.In(s.Calendar()).Format("2006-01-02 15:04"))
}

// noticePatience is how long a notice is tried to be sent that Slack refuses.
const noticePatience = 24 * time.Hour

// untold says when a notice is tried again that somebody has not got. What Slack
// refuses is not asked of it every second, and not for ever: then it is nil.
func (s *Teller) untold(v *NoticeView, faults []error) error {
	all, age, passing := errors.Join(faults...), v.Now.Sub(v.At), false
	for _, fault := range faults {
		no, ok := errors.AsType[*PostError](fault)
		if fault != nil && !ok {
			return all
		}
		passing = passing || fault != nil && no.Why == Outage
	}
	if age > noticePatience && !passing {
		s.log.Error("Slack refuses a notice, and it is left", "notice", v.Key, "request", v.RequestID, "error", all)
		return nil
	}
	s.log.Warn("Slack refuses a notice", "notice", v.Key, "request", v.RequestID, "error", all)
	return &LaterError{After: min(max(age/2, time.Second), 10*time.Minute), Err: all}
}

// recipients are all whom a notice is for, and all who have it already.
func (v *NoticeView) recipients(posts map[string]NoticePost) []string {
	all := slices.Clone(v.To)
	if v.Admins {
		all = append(all, v.Roster.Admins...)
	}
	if v.Kind == approval.NoticeLog || v.Kind == approval.NoticeHabits { // whether the log holds, and how people approve, is what auditors are there for
		all = append(all, v.Roster.Auditors...)
	}
	// Whoever has it is among them though they may have lost their part since: it is redrawn where it
	// stands, so that nobody keeps an old word.
	for who := range posts {
		all = append(all, who)
	}
	if asked := new(approval.TopUpAsked); v.Kind == approval.NoticeTopUp && json.Unmarshal(v.Data, asked) == nil {
		// Who asked does not answer, though they may be an administrator.
		all = slices.DeleteFunc(all, func(who string) bool { return who == asked.AskedBy })
	}
	if refused := new(approval.Stop); v.Kind == approval.NoticeStop && v.Admins && json.Unmarshal(v.Data, refused) == nil {
		// Who was refused has a notice of their own.
		all = slices.DeleteFunc(all, func(who string) bool { return who == refused.Person })
	}
	if wanted := new(approval.EraseWanted); v.Kind == approval.NoticeErase && json.Unmarshal(v.Data, wanted) == nil {
		// The second one is neither whoever wants it nor whose questions they are.
		all = slices.DeleteFunc(all, func(who string) bool { return who == wanted.By || who == wanted.Person })
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// tellOne sends a notice to one person, or redraws it where it stands.
func (s *Teller) tellOne(ctx context.Context, v *NoticeView, who string, had NoticePost) error {
	if had.Recipient == "" {
		// From here on it may stand there: whoever comes after a crash looks before they post.
		fresh := NoticePost{Key: v.Key, Recipient: who, Begun: time.Now()}
		if err := s.store.NoticePosted(ctx, fresh); err != nil {
			return err
		}
		// Without Begun, because nobody has tried before this: nothing can stand there to be looked for.
		had = NoticePost{Key: v.Key, Recipient: who}
	}
	post, err := s.slack.Tell(ctx, v, had)
	// Nobody tries for a day what can never be: the notice counts as told without them.
	if errors.Is(err, ErrUnreachable) {
		s.log.Warn("a notice does not reach somebody", "notice", v.Key, "user", who, "error", err)
		return nil
	}
	if err != nil || post == had {
		return err
	}
	return s.store.NoticePosted(ctx, post)
}

// Trail is how administrators have copies of the log's checkpoints kept in a channel.
type Trail struct {
	slack  Places
	people *People
}

// Copies say how far the copies of checkpoints in a channel reach.
type Copies struct {
	Begun  int64     // the last one that was to be sent, to whatever channel; 0: none yet
	Number int64     // the last one that stands in the channel; 0: none does
	At     time.Time // when it came there
	Waits  time.Time // since when one of the last two days has not come there; zero: all have
}

// SetLogChannel stores which channel gets a copy of every checkpoint; empty: none does. base
// is as SetModels'.
func (s *Trail) SetLogChannel(ctx context.Context, click approval.Click, channel string, base int) (review.RuleSet, error) {
	if err := s.people.mayChange(ctx, click, "choose where checkpoints are kept"); err != nil {
		return review.RuleSet{}, err
	}
	if channel != "" {
		place, err := s.slack.Place(ctx, channel, "")
		if err != nil {
			return review.RuleSet{}, err
		}
		if !place.In || place.Archived {
			return review.RuleSet{}, &approval.InputError{Why: approval.Because(approval.WhyLogChannel)}
		}
	}
	return s.people.setApart(ctx, click, "", base, func(_ review.RuleSet, rules *review.Rules) error {
		rules.LogChannel = channel
		return nil
	})
}

// SetPrivacy stores what is hidden in the workspace, and for how long what is kept. base is as SetModels'.
func (s *Trail) SetPrivacy(ctx context.Context, click approval.Click, p review.Privacy, base int) (review.RuleSet, error) {
	if err := s.people.mayChange(ctx, click, "say what is hidden and for how long what is kept"); err != nil {
		return review.RuleSet{}, err
	}
	if err := p.Set(); err != nil {
		return review.RuleSet{}, err
	}
	return s.people.setApart(ctx, click, "", base, func(_ review.RuleSet, rules *review.Rules) error {
		if rules.Privacy = &p; p == (review.Privacy{}) {
			rules.Privacy = nil
		}
		return nil
	})
}

// ofHouse are rules with the models, and of a workspace with the log and the privacy, that stay what they
// are when something else is set. A channel has neither a log nor privacy of its own.
func ofHouse(rules review.Rules, now review.RuleSet, project string) review.Rules {
	rules.Models, rules.LogChannel, rules.Privacy = now.Kept(project), "", nil
	if project == "" {
		rules.LogChannel, rules.Privacy = now.Rules.LogChannel, now.Rules.Privacy
	}
	return rules
}
