package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/approval/thread"
	"countersign/bot/draw"
	"countersign/bot/kit"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// as draws for a bot that is known to be this one.
func as(who kit.Identity) draw.With {
	return draw.With{Self: who, Calendar: time.UTC, Rounds: approval.DefaultPolicy().MaxRounds}
}

// every is a service that does everything.
func every(s *service) Services {
	return Services{Questions: s, Threads: s, Decisions: s, Revisions: s, Budgets: s, Ledgers: s, Funding: s, Authority: s, Notes: s, Trail: s, Keeping: s, Keys: s, Homes: s, Answers: s, Desk: s, Shelf: s, Accounts: s}
}

// bundle is a workspace, a bot that is connected to it, and a service that says
// what the test tells it to.
type bundle struct {
	t       *testing.T
	ctx     context.Context
	sim     *slacksim.Sim
	bot     *Bot
	service *service
	log     *record
	stop    func() // ends the bot and waits for it
}

func manifest(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../manifest.yaml")
	require.NoError(t, err)
	return text
}

// idle is a bundle whose bot is not connected.
func idle(t *testing.T, change ...func(*slacksim.Options, *Options)) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitAtMost)
	t.Cleanup(cancel)
	b := &bundle{t: t, ctx: ctx, log: &record{}}
	// Slack's pace is a test of its own, in cmd/countersign.
	world := slacksim.Options{Manifest: manifest(t), PostBurst: -1}
	o := Options{Log: slog.New(slog.NewTextHandler(b.log, nil))}
	b.service = newService()
	o.Services = every(b.service)
	o.Policy = func() approval.Policy { return b.service.policy }
	for _, c := range change {
		c(&world, &o)
	}
	for _, limit := range []*time.Duration{&world.Timing.Ack, &world.Timing.Trigger, &o.Patience} {
		if *limit == 0 {
			*limit = slackPatience
		}
	}
	b.sim = slacksim.Start(t, world)
	b.log.hears(b.sim.GiveUp)
	if o.BotToken == "" {
		o.BotToken = b.sim.BotToken()
	}
	if o.AppToken == "" {
		o.AppToken = b.sim.AppToken()
	}
	o.APIURL = b.sim.APIURL()
	b.bot = New(o)
	b.service.slack = b.bot
	return b
}

// setup is a bundle whose bot is connected.
func setup(t *testing.T, change ...func(*slacksim.Options, *Options)) *bundle {
	t.Helper()
	b := idle(t, change...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.bot.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(b.stop)
	require.NoError(t, b.sim.WaitSockets(b.ctx, b.bot.Connections))
	return b
}

// as are the people of the workspace.
func (b *bundle) as(id string) *slackperson.Person { return b.sim.As(id) }

// share puts a data file into a channel.
func (b *bundle) share(channel, name, data string) workspace.Message {
	b.t.Helper()
	m, err := b.as(slacksim.Analyst).Share(channel, "", name, []byte(data))
	require.NoError(b.t, err)
	return m
}

// told waits until somebody is told something in private, and returns all of it.
func (b *bundle) told(who, channel, words string) workspace.Message {
	b.t.Helper()
	m, err := b.as(who).WaitEphemeral(b.ctx, channel, func(m workspace.Message) bool { return strings.Contains(m.Words(), words) })
	require.NoError(b.t, err)
	return m
}

// publish draws a surface as the service does, and remembers the post.
func (b *bundle) publish(v *steps.View, kinds ...steps.Surface) {
	b.t.Helper()
	for _, kind := range kinds {
		post, err := b.bot.Publish(b.ctx, v, kind)
		if errors.Is(err, steps.ErrOvertaken) { // as the core does, which finds that nobody has drawn it since
			v.Insist = true
			post, err = b.bot.Publish(b.ctx, v, kind)
			v.Insist = false
		}
		require.NoError(b.t, err)
		b.service.change(func() {
			v.Posts[kind] = post
			if kind == steps.SurfaceRoot && v.Session.ThreadTS == "" {
				v.Session.ThreadTS = post.TS
			}
		})
	}
}

// read finds a surface as somebody sees it.
func (b *bundle) read(who string, p steps.Post) workspace.Message {
	b.t.Helper()
	m, err := b.as(who).Find(p.Channel, p.TS)
	require.NoError(b.t, err)
	return m
}

// service is a Service that keeps what it was asked and answers as it is told.
type service struct {
	slack steps.Slack

	mu       sync.Mutex
	policy   approval.Policy
	asked    []approval.Question
	ended    map[string]approval.State // of what a trigger has asked
	awaits   bool                      // a model has asked whoever writes
	past     thread.Past
	rulings  []steps.Ruling
	looked   []steps.Ruling
	taken    []approval.Click
	answered []string // what the asker has said of files

	corrected []string // and how one is to be read instead

	letters [][]string // places of a text in several encodings,
	refused error      // or why there are none
	views   map[string]*steps.View
	recent  []*approval.Request
	given   []*approval.Request // approved in somebody's name
	models  []string

	rated    []string        // what people think of answers
	gone     []string        // answers that were taken back, and by whom
	ofThread []approval.File // what a thread has read
	purse
	roles
	err  error                           // of everything
	hold func(ctx context.Context) error // before anything commits
}

func newService() *service {
	p := approval.DefaultPolicy()
	p.Reviewers = []string{slacksim.Reviewer, slacksim.SecondReviewer}
	p.Admins = []string{slacksim.Admin}
	p.ReviewChannel = slacksim.CodeReview
	return &service{roles: newRoles(), policy: p, views: map[string]*steps.View{}, models: []string{"mistral-medium-2508", "codestral-2508"}}
}

func (s *service) enter(ctx context.Context) error {
	s.mu.Lock()
	hold, err := s.hold, s.err
	s.mu.Unlock()
	if hold != nil {
		if err := hold(ctx); err != nil {
			return err
		}
	}
	return err
}

// fail makes everything fail from now on.
func (s *service) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *service) Ask(ctx context.Context, q approval.Question) (*approval.Request, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	again := slices.ContainsFunc(s.asked, func(o approval.Question) bool { return o.Trigger == q.Trigger })
	if !again {
		s.asked = append(s.asked, q)
	}
	return &approval.Request{ID: "bcd23fg", Team: q.Team, Project: q.Project, Asker: q.Asker, Question: q.Text, Blocked: s.blocks, State: s.ended[q.Trigger]}, nil
}

func (s *service) Awaited(context.Context, approval.Question) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.awaits, nil
}

func (s *service) Rate(ctx context.Context, id string, good bool, c approval.Click) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.change(func() { s.rated = append(s.rated, fmt.Sprint(id, " ", c.User, " ", good)) })
	return nil
}

func (s *service) OfThread(context.Context, approval.Session) ([]approval.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ofThread, nil
}

func (s *service) questions() []approval.Question {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *service) Decide(ctx context.Context, r steps.Ruling) (*approval.Request, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rulings = append(s.rulings, r)
	return s.views[r.RequestID].Request, nil
}

func (s *service) decided() []steps.Ruling {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.rulings)
}

func (s *service) MayDecide(ctx context.Context, r steps.Ruling) (*approval.Request, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looked = append(s.looked, r)
	return s.views[r.RequestID].Request, nil
}

func (s *service) MayChange(ctx context.Context, r steps.Ruling) (review.Next, error) {
	_, err := s.MayDecide(ctx, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next, err
}

func (s *service) Stuck(ctx context.Context, id string, c approval.Click) error {
	return s.want(ctx, wanted{what: "stuck", id: id, click: c})
}

func (s *service) Answer(ctx context.Context, id, key, says string, c approval.Click) (*approval.Request, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.views[id]
	if !ok {
		return nil, approval.ErrNotFound
	}
	if c.User != v.Request.Asker {
		return nil, &approval.NotAllowedError{Who: c.User, Why: approval.Because(approval.WhyAskerAnswers)}
	}
	s.answered = append(s.answered, key+" "+says)
	return v.Request, nil
}

func (s *service) Correct(ctx context.Context, id, file string, said []reading.Answered, c approval.Click) (*approval.Request, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.views[id]
	if !ok {
		return nil, approval.ErrNotFound
	}
	for _, a := range said {
		s.corrected = append(s.corrected, file+": "+a.Words())
	}
	return v.Request, nil
}

func (s *service) Verify(ctx context.Context, id string, c approval.Click, trigger string) (*approval.Request, error) {
	return s.Withdraw(ctx, id, c)
}

func (s *service) Withdraw(ctx context.Context, id string, c approval.Click) (*approval.Request, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.views[id]
	if !ok {
		return nil, approval.ErrNotFound
	}
	s.taken = append(s.taken, c)
	return v.Request, nil
}

func (s *service) GiveUp(ctx context.Context, id string, c approval.Click) (*approval.Request, error) {
	return s.Withdraw(ctx, id, c)
}

// View returns a copy, as a database does.
func (s *service) View(ctx context.Context, id string) (*steps.View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.views[id]
	if !ok {
		return nil, approval.ErrNotFound
	}
	copied, request := *v, *v.Request
	request.Decisions = slices.Clone(request.Decisions)
	copied.Request, copied.Posts = &request, maps.Clone(v.Posts)
	return &copied, nil
}

// change changes what the service knows, while the bot may be asking it.
func (s *service) change(what func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what()
}

// before has something happen before anything commits.
func (s *service) before(hold func(ctx context.Context) error) { s.change(func() { s.hold = hold }) }

func (s *service) Recent(ctx context.Context, team, user string) ([]*approval.Request, error) {
	return s.recent, s.enter(ctx)
}

func (s *service) Given(ctx context.Context, team, user string) ([]*approval.Request, error) {
	return s.given, s.enter(ctx)
}

func (s *service) Models() []string { return s.models }

// What is waited for comes within milliseconds, on a machine that is busy within
// seconds; only what never comes takes this long.
const (
	waitAtMost = 20 * time.Minute // on a machine that has no moment to spare
	// slackPatience is how long Slack waits for an answer in tests whose subject that is not.
	slackPatience = 2 * time.Minute
	tick          = 5 * time.Millisecond
)

// eventOf is an event with this in it.
func eventOf(data any) socketmode.Event { return socketmode.Event{Data: data} }
