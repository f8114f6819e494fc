package approval

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
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
	NoticeTopUp        NoticeKind = "topup"         // somebody asks for money, of whoever may grant it: TopUpAsked
	NoticeTopUpOutcome NoticeKind = "topup outcome" // and what became of it, to whoever asked: TopUpAsked
	NoticeFunded       NoticeKind = "funded"        // to the reviewer whose approval found no money: now there is
	NoticeDigest       NoticeKind = "digest"        // what was spent, to the administrators: Digest

	NoticeApproved   NoticeKind = "approved"    // you have approved this; was it not you?
	NoticeDisowned   NoticeKind = "disowned"    // somebody says that an approval in their name was not theirs
	NoticeReminder   NoticeKind = "reminder"    // this waits for you, or, escalated, for you in place of others
	NoticeAssigned   NoticeKind = "assigned"    // somebody has made this yours to decide
	NoticeOpinion    NoticeKind = "opinion"     // somebody asks for your second opinion
	NoticeEditFailed NoticeKind = "edit failed" // your edit could not be put before the reviewers

	NoticeNoPlace NoticeKind = "no place" // Slack refuses messages again and again, to administrators: NoPlace
	NoticeUnsaid  NoticeKind = "unsaid"   // what the thread cannot say, to the asker: Unsaid
)

// Notice is a word to people that finds them wherever they are: a direct message,
// sent to each of them once. It is named by what it is about, so that whoever
// says it again, on whatever replica, only has it looked at again.
type Notice struct {
	Key       string // "price mistral-new": the same key is the same notice
	Team      string
	Kind      NoticeKind
	To        []string        // people
	Admins    bool            // whoever is an administrator when it is sent, as well
	RequestID string          // the request that it is about, if it is about one
	Data      json.RawMessage // what it says, by its kind; never changed
	At        time.Time
	Once      bool // not stored: where it is known already, nothing is left to do
}

// NoPlace is what a notice about messages that Slack refuses says.
type NoPlace struct {
	Channel string    `json:"channel"`
	Why     Hindrance `json:"why"`
	Code    string    `json:"code,omitempty"`  // Slack's
	Cards   bool      `json:"cards,omitempty"` // it is the reviewers' cards that are refused
	Example string    `json:"example"`         // one of the requests that it concerns
}

// encode is the data of a notice.
func encode(data any) json.RawMessage {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // plain structs always marshal
	}
	return text
}

// NoticeView is everything that a notice is drawn from.
type NoticeView struct {
	Notice
	View   *View // of the request that it is about; nil when it is about none
	Policy Policy
	Roster Roster // of the workspace
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

// tell notes a notice, which is stored with the move and sent by a job.
func (r *Request) tell(notices ...Notice) {
	for _, n := range notices {
		n.Team, n.RequestID = r.Team, r.ID
		r.Changes.Notices = append(r.Changes.Notices, n)
	}
}

// Tell sends a notice to everybody whom it is for, and redraws it where it stands
// and has changed. Who has got it does not get it again.
func (s *Service) Tell(ctx context.Context, key string) error {
	n, posts, err := s.Store.Notice(ctx, key)
	if err != nil {
		return err
	}
	view := &NoticeView{Notice: *n, Policy: s.Policy, Now: time.Now()}
	if n.RequestID != "" {
		if view.View, err = s.View(ctx, n.RequestID); err != nil {
			return err
		}
		view.Now = view.View.Now
	}
	if n.Kind == NoticeUnsaid && len(posts) == 0 {
		if _, hidden := view.View.HiddenFrom(); !hidden {
			return s.Store.NoticeTold(ctx, key) // the thread has said it before this could
		}
	}
	if view.Roster, err = s.Reviewers(ctx, n.Team, ""); err != nil {
		return err
	}
	var faults []error
	for _, who := range view.recipients(posts) {
		faults = append(faults, s.tellOne(ctx, view, who, posts[who]))
	}
	if err := errors.Join(faults...); err != nil {
		if err := s.untold(view, faults); err != nil {
			return err
		}
	}
	return s.Store.NoticeTold(ctx, key)
}

// noticePatience is how long a notice is tried to be sent that Slack refuses.
const noticePatience = 24 * time.Hour

// untold says when a notice is tried again that somebody has not got. What Slack
// refuses is not asked of it every second, and not for ever: then it is nil.
func (s *Service) untold(v *NoticeView, faults []error) error {
	all, age, passing := errors.Join(faults...), v.Now.Sub(v.At), false
	for _, fault := range faults {
		var no *PostError
		if fault != nil && !errors.As(fault, &no) {
			return all
		}
		passing = passing || fault != nil && no.Why == Outage
	}
	if age > noticePatience && !passing {
		s.Log.Error("Slack refuses a notice, and it is left", "notice", v.Key, "request", v.RequestID, "error", all)
		return nil
	}
	s.Log.Warn("Slack refuses a notice", "notice", v.Key, "request", v.RequestID, "error", all)
	return &LaterError{After: min(max(age/2, time.Second), 10*time.Minute), Err: all}
}

// recipients are all whom a notice is for, and all who have it already.
func (v *NoticeView) recipients(posts map[string]NoticePost) []string {
	all := slices.Clone(v.To)
	if v.Admins {
		all = append(all, v.Roster.Admins...)
	}
	for who := range posts {
		all = append(all, who)
	}
	if asked := new(TopUpAsked); v.Kind == NoticeTopUp && json.Unmarshal(v.Data, asked) == nil {
		// Who asked does not answer, though they may be an administrator.
		all = slices.DeleteFunc(all, func(who string) bool { return who == asked.AskedBy })
	}
	if refused := new(Stop); v.Kind == NoticeStop && v.Admins && json.Unmarshal(v.Data, refused) == nil {
		// Who was refused has a notice of their own.
		all = slices.DeleteFunc(all, func(who string) bool { return who == refused.Person })
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (s *Service) tellOne(ctx context.Context, v *NoticeView, who string, had NoticePost) error {
	if had.Recipient == "" {
		// From here on it may stand there: whoever comes after a crash looks before they post.
		fresh := NoticePost{Key: v.Key, Recipient: who, Begun: time.Now()}
		if err := s.Store.NoticePosted(ctx, fresh); err != nil {
			return err
		}
		had = NoticePost{Key: v.Key, Recipient: who}
	}
	post, err := s.Slack.Tell(ctx, v, had)
	if errors.Is(err, ErrUnreachable) {
		s.Log.Warn("a notice does not reach somebody", "notice", v.Key, "user", who, "error", err)
		return nil
	}
	if err != nil || post == had {
		return err
	}
	return s.Store.NoticePosted(ctx, post)
}
