package bot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/approval/thread"
	"countersign/bot/draw/sample"
	"countersign/internal/slacksim"
)

// wanted is what somebody wanted of the service beside a decision.
type wanted struct {
	what     string
	id, who  string
	code     string
	revision int
	until    time.Time
	grant    review.Grant
	rules    review.RuleSet
	models   *review.Models
	notes    review.Notes
	shows    approval.Sight
	base     int
	ruling   steps.Ruling
	click    approval.Click
}

// roles are what the service says of people and rules.
type roles struct {
	roster  review.Roster
	grants  []review.Grant
	keys    []review.Key
	rules   review.RuleSet
	queue   func(f steps.QueueFilter, page int) steps.Queue
	short   []steps.Shortage
	figures []steps.ReviewerStatistics
	copies  steps.Copies
	others  []string // who else wants something forgotten
	near    *steps.Near
	next    review.Next // who may approve what comes of a wish
	wants   []wanted
	refuse  error // of what is wanted
}

func newRoles() roles {
	settings := review.RuleSet{Team: slacksim.DefaultTeam.ID, Rules: review.DefaultRules(approval.DefaultPolicy())}
	return roles{rules: settings, next: review.Next{Tier: approval.Low, Who: []string{slacksim.Admin}, Needs: 1, Enough: true}, roster: review.Roster{Reviewers: []string{slacksim.Reviewer, slacksim.SecondReviewer}, Admins: []string{slacksim.Admin}},
		queue: func(steps.QueueFilter, int) steps.Queue { return steps.Queue{Pages: 1, Now: sample.Noon} }}
}

// want keeps what somebody wanted, unless it is refused.
func (s *service) want(ctx context.Context, w wanted) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	s.wants = append(s.wants, w)
	return nil
}

// wishes are what has been wanted so far.
func (s *service) wishes() []wanted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.wants)
}

func (s *service) request(id string) *approval.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.views[id]; ok {
		return v.Request
	}
	return nil
}

func (s *service) MayEdit(ctx context.Context, r steps.Ruling) (*approval.Request, review.Next, error) {
	if err := s.want(ctx, wanted{what: "may edit", ruling: r}); err != nil {
		return nil, review.Next{}, err
	}
	return s.request(r.RequestID), s.next, nil
}

func (s *service) Edit(ctx context.Context, r steps.Ruling, code string) (*approval.Request, error) {
	if err := s.want(ctx, wanted{what: "edit", ruling: r, code: code}); err != nil {
		return nil, err
	}
	return s.request(r.RequestID), nil
}

func (s *service) Disown(ctx context.Context, id string, revision int, click approval.Click) (*approval.Request, error) {
	return s.request(id), s.want(ctx, wanted{what: "disown", id: id, revision: revision, click: click})
}

func (s *service) Assign(ctx context.Context, id, to string, click approval.Click) (*approval.Request, error) {
	return s.request(id), s.want(ctx, wanted{what: "assign", id: id, who: to, click: click})
}

func (s *service) SecondOpinion(ctx context.Context, id, from string, click approval.Click) (*approval.Request, error) {
	return s.request(id), s.want(ctx, wanted{what: "opinion", id: id, who: from, click: click})
}

func (s *service) Past(context.Context, string) (thread.Past, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.past, nil
}

func (s *service) Nearest(ctx context.Context, id string) (*steps.Near, error) {
	return s.near, s.enter(ctx)
}

func (s *service) Queue(ctx context.Context, team, user string, f steps.QueueFilter, page int) (steps.Queue, error) {
	if err := s.enter(ctx); err != nil {
		return steps.Queue{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue(f, page), nil
}

func (s *service) Reviewers(ctx context.Context, team, project string) (review.Roster, error) {
	if err := s.enter(ctx); err != nil {
		return review.Roster{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roster, nil
}

func (s *service) Grants(ctx context.Context, team string) ([]review.Grant, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.grants), nil
}

func (s *service) SetRole(ctx context.Context, click approval.Click, g review.Grant) error {
	if err := s.want(ctx, wanted{what: "set role", grant: g, click: click}); err != nil {
		return err
	}
	g.By, g.At = click.User, sample.Noon
	s.change(func() { s.grants = append(s.grants, g) })
	return nil
}

func (s *service) RemoveRole(ctx context.Context, click approval.Click, g review.Grant) error {
	if err := s.want(ctx, wanted{what: "remove role", grant: g, click: click}); err != nil {
		return err
	}
	s.change(func() {
		s.grants = slices.DeleteFunc(s.grants, func(o review.Grant) bool { return o.User == g.User && o.Role == g.Role && o.Project == g.Project })
	})
	return nil
}

func (s *service) Delegate(ctx context.Context, click approval.Click, to string, until time.Time) error {
	return s.want(ctx, wanted{what: "delegate", who: to, until: until, click: click})
}

func (s *service) Keys(ctx context.Context, _ approval.Click) ([]review.Key, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys), nil
}

func (s *service) AddKey(ctx context.Context, click approval.Click, text string) error {
	return s.want(ctx, wanted{what: "add key", who: text, click: click})
}

func (s *service) RemoveKey(ctx context.Context, click approval.Click, line string) error {
	if err := s.want(ctx, wanted{what: "remove key", who: line, click: click}); err != nil {
		return err
	}
	s.change(func() { s.keys = slices.DeleteFunc(s.keys, func(k review.Key) bool { return k.Line == line }) })
	return nil
}

func (s *service) EndDelegation(ctx context.Context, click approval.Click, from string) error {
	if err := s.want(ctx, wanted{what: "end delegation", who: from, click: click}); err != nil {
		return err
	}
	s.change(func() {
		s.roster.Delegations = slices.DeleteFunc(s.roster.Delegations, func(d review.Delegation) bool { return d.From == from })
	})
	return nil
}

func (s *service) RulesOf(ctx context.Context, team, project string) (review.RuleSet, error) {
	if err := s.enter(ctx); err != nil {
		return review.RuleSet{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.rules
	if set.Project == project {
		set.Own = set.InForce()
	}
	return set, nil
}

func (s *service) SetRules(ctx context.Context, click approval.Click, set review.RuleSet) (review.RuleSet, error) {
	return set, s.want(ctx, wanted{what: "set rules", rules: set, click: click})
}

func (s *service) SetModels(ctx context.Context, click approval.Click, project string, models *review.Models, base int) (review.RuleSet, error) {
	return s.rules, s.want(ctx, wanted{what: "set models", id: project, models: models, base: base, click: click})
}

func (s *service) SetNotes(ctx context.Context, click approval.Click, project string, notes review.Notes, shows approval.Sight, base int) (review.RuleSet, error) {
	return s.rules, s.want(ctx, wanted{what: "set notes", id: project, notes: notes, shows: shows, base: base, click: click})
}

func (s *service) Copied(ctx context.Context, team, channel string) (steps.Copies, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copies, s.err
}

func (s *service) SetLogChannel(ctx context.Context, click approval.Click, channel string, base int) (review.RuleSet, error) {
	return s.rules, s.want(ctx, wanted{what: "set log channel", id: channel, base: base, click: click})
}

func (s *service) SetPrivacy(ctx context.Context, click approval.Click, p review.Privacy, base int) (review.RuleSet, error) {
	return s.rules, s.want(ctx, wanted{what: "set privacy", id: fmt.Sprintf("%+v", p), base: base, click: click})
}

func (s *service) Erase(ctx context.Context, click approval.Click, person string) ([]string, error) {
	return s.others, s.want(ctx, wanted{what: "erase", id: person, click: click})
}

func (s *service) Hold(ctx context.Context, click approval.Click, person string, held bool) error {
	return s.want(ctx, wanted{what: fmt.Sprint("hold ", held), id: person, click: click})
}

func (s *service) Offered(ctx context.Context, team, project string) (steps.ModelList, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return steps.ModelList{Models: sample.Offered(s.models...), Rules: s.rules}, s.err
}

func (s *service) Opened(ctx context.Context, id string, revision int, click approval.Click) error {
	return s.want(ctx, wanted{what: "opened", id: id, revision: revision, click: click})
}

func (s *service) Stranger(ctx context.Context, id string, click approval.Click) error {
	return s.want(ctx, wanted{what: "stranger", id: id, click: click})
}

func (s *service) Shortages(context.Context, string) ([]steps.Shortage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.short, nil
}

func (s *service) Statistics(ctx context.Context, click approval.Click, since time.Time) ([]steps.ReviewerStatistics, error) {
	return s.figures, s.want(ctx, wanted{what: "statistics", click: click})
}

func (s *service) Choose(ctx context.Context, id, key, choice string, c approval.Click) (*approval.Request, error) {
	return s.Answer(ctx, id, key, choice, c)
}

func (s *service) Say(ctx context.Context, id, key, words string, c approval.Click) (*approval.Request, error) {
	return s.Answer(ctx, id, key, words, c)
}

func (s *service) Compare(ctx context.Context, id, _ string, c approval.Click) (d reading.Doubt, letters [][]string, err error) {
	if err := s.enter(ctx); err != nil {
		return d, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, d, _, _ = s.views[id].Request.Doubted()
	return d, s.letters, s.refused
}

// Pressed is as little as the real one gives.
func (s *service) Pressed(ctx context.Context, id string) (*steps.View, error) {
	v, err := s.View(ctx, id)
	if err != nil {
		return nil, err
	}
	return &steps.View{Request: v.Request, Case: v.Case, Posts: v.Posts, Now: v.Now, Book: v.Book}, nil
}
