package bot

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
)

// Service is what people can do, as approval.Service does it.
type Service interface {
	Ask(ctx context.Context, q approval.Question) (*approval.Request, error)
	Decide(ctx context.Context, ruling steps.Ruling) (*approval.Request, error)
	// MayDecide gives the error that Decide would give, and decides nothing.
	MayDecide(ctx context.Context, ruling steps.Ruling) (*approval.Request, error)
	// Opened notes that somebody has opened a version of the code to read it.
	Opened(ctx context.Context, id string, revision int, click approval.Click) error
	// MayEdit gives the error that Edit would give to anybody's code.
	MayEdit(ctx context.Context, ruling steps.Ruling) (*approval.Request, error)
	Edit(ctx context.Context, ruling steps.Ruling, code string) (*approval.Request, error)
	Disown(ctx context.Context, id string, revision int, click approval.Click) (*approval.Request, error)
	Assign(ctx context.Context, id, to string, click approval.Click) (*approval.Request, error)
	SecondOpinion(ctx context.Context, id, from string, click approval.Click) (*approval.Request, error)
	// Nearest is the most similar code that was approved in the same channel; nil when there is none.
	Nearest(ctx context.Context, id string) (*steps.Near, error)
	Withdraw(ctx context.Context, id string, click approval.Click) (*approval.Request, error)
	// GiveUp ends a request that waits for what cannot be seen at the moment, for a reviewer.
	GiveUp(ctx context.Context, id string, click approval.Click) (*approval.Request, error)
	// Stranger notes that somebody of another workspace has pressed something of a request's.
	Stranger(ctx context.Context, id string, click approval.Click) error
	// View is a request with all that its messages are drawn from.
	View(ctx context.Context, id string) (*steps.View, error)
	Recent(ctx context.Context, team, user string) ([]*approval.Request, error)
	Queue(ctx context.Context, team, user string, f steps.QueueFilter, page int) (steps.Queue, error)
	Models() []string
	Money
	Authority
}

// Authority is who may do what under which rules, and how that is changed.
type Authority interface {
	Reviewers(ctx context.Context, team, project string) (review.Roster, error)
	Grants(ctx context.Context, team string) ([]review.Grant, error)
	SetRole(ctx context.Context, click approval.Click, g review.Grant) error
	RemoveRole(ctx context.Context, click approval.Click, g review.Grant) error
	Delegate(ctx context.Context, click approval.Click, to string, until time.Time) error
	EndDelegation(ctx context.Context, click approval.Click, from string) error
	RulesOf(ctx context.Context, team, project string) (review.RuleSet, error)
	SetRules(ctx context.Context, click approval.Click, set review.RuleSet) (review.RuleSet, error)
	// Shortages are the rules that more people would be needed for than there are.
	Shortages(ctx context.Context, team string) ([]steps.Shortage, error)
	Statistics(ctx context.Context, click approval.Click, since time.Time) ([]steps.ReviewerStatistics, error)
}

// Options are what a bot needs.
type Options struct {
	BotToken string // xoxb-
	AppToken string // xapp-, with connections:write
	// APIURL is where the Web API is, with a slash at its end. Defaults to Slack.
	APIURL string
	// Service takes what people ask and decide. It may be set later, with Serve.
	Service Service
	// Policy names the reviewers and administrators for display. Who may do what
	// is for the service to check. Defaults to approval.DefaultPolicy.
	Policy func() approval.Policy
	Log    *slog.Logger // Defaults to slog.Default.
	// HTTPClient makes the calls of the Web API. Defaults to one with a timeout of a minute.
	HTTPClient *http.Client
	// Connections is how many sockets are held open, so that one can be renewed
	// while another listens. Slack allows ten in all. Defaults to 2.
	Connections int
	// Workers is how many envelopes are worked on at a time. Defaults to 16.
	Workers int
	// Language has code sent with its language, for Slack to colour, until a card
	// shows that Slack refuses or drops it. Defaults to no.
	Language bool
	// Patience is how long Slack waits for an ack. Defaults to its three seconds; more
	// is for a stand-in on a machine that has much else to do.
	Patience time.Duration
	// Observe is told of every envelope when it has been answered, before what is left
	// to do begins: what it was, how it ended ("acked", "late", "failed") and how long
	// that took. Optional.
	Observe func(kind, outcome string, took time.Duration)
}

// Bot is one app in one workspace.
type Bot struct {
	Options
	api   *slack.Client
	lift  *slack.Client  // for uploads, whose time is their own: it depends on their size
	later errgroup.Group // what is left to do when an envelope has been answered
	live  atomic.Int32   // sockets that are connected

	language atomic.Int32 // what is known of the language of code
	learned  sync.Map     // when a kind of spelling was logged last, a time.Time

	mu   sync.Mutex
	self *Identity // what auth.test said; nil until it has been asked

	homes   map[string]glimpse // who may be looking at their Home, and at what
	drawing sync.Map           // a *sync.Mutex for each of these Homes
	stale   map[string]string  // Homes that show what is not so any more, with their workspace
	stirred chan struct{}      // tells keepHomes that there are some
}

var _ steps.Slack = (*Bot)(nil)

// New makes a bot. Nothing is connected before Run.
func New(o Options) *Bot {
	if o.Policy == nil {
		o.Policy = approval.DefaultPolicy
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Connections <= 0 {
		o.Connections = 2
	}
	if o.Patience <= 0 {
		o.Patience = slackWaits
	}
	if o.Workers <= 0 {
		o.Workers = 16
	}
	if o.Observe == nil {
		o.Observe = func(string, string, time.Duration) {}
	}
	b := &Bot{Options: o, stale: map[string]string{}, stirred: make(chan struct{}, 1)}
	b.later.SetLimit(4 * o.Workers)
	client := b.client()
	b.api = slack.New(o.BotToken, b.clientOptions(client)...)
	client.Timeout = 0
	b.lift = slack.New(o.BotToken, b.clientOptions(client)...)
	return b
}

// Serve names the service that the bot works for. The service needs a Slack and
// the bot needs a service; this closes the circle, before Run.
func (b *Bot) Serve(s Service) { b.Service = s }

// client is what calls Slack. slack-go's own has no time limit.
func (b *Bot) client() http.Client {
	client := http.Client{Timeout: time.Minute}
	if b.HTTPClient != nil {
		client = *b.HTTPClient
	}
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = keeper{client.Transport}
	client.Transport = &throttle{next: client.Transport, burst: 2 * b.Connections}
	client.CheckRedirect = stopAtSignIn
	return client
}

// clientOptions set up slack-go. Their order matters: the retries wrap the client
// that stands before them.
func (b *Bot) clientOptions(client http.Client) []slack.Option {
	options := []slack.Option{
		slack.OptionAppLevelToken(b.AppToken),
		slack.OptionHTTPClient(&client),
		// Retries on 429 and on nothing else: any other failure may have had its effect.
		slack.OptionRetry(3),
	}
	if b.APIURL != "" {
		options = append(options, slack.OptionAPIURL(b.APIURL))
	}
	return options
}

// Sockets is how many sockets are connected at the moment.
func (b *Bot) Sockets() int { return int(b.live.Load()) }

// who asks Slack once who the bot is.
func (b *Bot) who(ctx context.Context) (Identity, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.self != nil {
		return *b.self, nil
	}
	who, err := b.CheckBot(ctx)
	if err != nil {
		return Identity{}, err
	}
	b.self = &who
	return who, nil
}

// permalink is where a message can be read. Slack's chat.getPermalink gives the
// same address, at the price of a call for each.
func (i Identity) permalink(channel, ts, thread string) string {
	if channel == "" || ts == "" || i.URL == "" {
		return ""
	}
	url := fmt.Sprintf("%sarchives/%s/p%s", i.URL, channel, digits(ts))
	if thread != "" && thread != ts {
		url += fmt.Sprintf("?thread_ts=%s&cid=%s", thread, channel)
	}
	return url
}

// digits are a ts as permalinks spell it, without its point.
func digits(ts string) string {
	var out []byte
	for _, c := range []byte(ts) {
		if c >= '0' && c <= '9' {
			out = append(out, c)
		}
	}
	return string(out)
}
