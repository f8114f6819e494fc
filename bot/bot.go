package bot

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/steps"
	"countersign/bot/assistant"
	"countersign/bot/auditing"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/strays"
)

// Services are what people can do, by who takes it: each has no more than its
// handlers call. One value may be all of them.
//
// A nil without a remark is a mistake: a press that wants it panics, is not acked, and stands in the log
// (guarded).
type Services struct {
	Questions Questions
	Threads   Threads
	Decisions Decisions
	Revisions Revisions
	Budgets   Budgets
	Ledgers   Ledgers
	Funding   Funding
	Authority Authority
	Notes     Notes
	Trail     Trail
	Keeping   Keeping
	Keys      Keyring
	Homes     Homes
	Answers   Answers
	Pins      Pins     // nil: nothing is pinned
	Arrivals  Arrivals // nil: nobody is told of a newer upload before somebody asks about it
	Habits    Habits   // nil: nobody looks at how people approve
	Glass     Glass    // nil: nothing ever runs without an approval
	Accounts  Accounts // optional
	// Shelf knows how files are read. Optional: without it, less is suggested in chats.
	Shelf   assistant.Shelf
	Chats   assistant.Memory // optional: without it, which channel somebody looks at is lost with this process
	Desk    Desk
	Hands   HandOvers
	Auditor auditing.Service // what administrators and auditors look at
	Uploads uploads          // optional
	Strays  strays.Book      // optional: without it, what stands in Slack twice stays there
	Epochs  Epochs           // optional: without it, no database is ever put back
}

// Options are what a bot needs.
type Options struct {
	BotToken string // xoxb-
	AppToken string // xapp-, with connections:write
	// APIURL is where the Web API is. Defaults to Slack.
	APIURL string
	// Services take what people ask and decide. They may be set later, with SetServices.
	Services Services
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
	// Known hears what somebody, or a channel, is called, whenever Slack says so. Optional.
	Known func(team, id, name string)
	// Observe is told of every envelope when it has been answered, before what is left
	// to do begins: what it was, how it ended ("acked", "busy", "late", "failed") and how long
	// that took. Optional.
	Observe func(kind, outcome string, took time.Duration)
	// Await says that a person waits for what is done under the context that it returns, until
	// done is called. Optional.
	Await func(ctx context.Context) (_ context.Context, done func())
}

// Bot is one app in one workspace.
//
// The three that are embedded implement what steps, pins and others want of a Slack; the rest takes what people
// do.
type Bot struct {
	*slackAPI
	*files
	*publishing
	homes    *homes
	asking   *asking
	deciding *deciding
	board    board

	later errgroup.Group // what is left to do when an envelope has been answered
	live  atomic.Int32   // sockets that are connected
	load  load
}

var (
	_ steps.Slack = (*Bot)(nil)
	_ pins.Slack  = (*Bot)(nil)
)

// New makes a bot. Nothing is connected before Run.
func New(o Options) *Bot {
	if o.Policy == nil {
		o.Policy = approval.DefaultPolicy
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.APIURL != "" && !strings.HasSuffix(o.APIURL, "/") {
		o.APIURL += "/" // what is called is put behind it as it is
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
	if o.Known == nil {
		o.Known = func(_, _, _ string) {}
	}
	if o.Observe == nil {
		o.Observe = func(string, string, time.Duration) {}
	}
	if o.Await == nil {
		o.Await = func(ctx context.Context) (context.Context, func()) { return ctx, func() {} }
	}
	w := newSlackAPI(o)
	b := &Bot{slackAPI: w, files: &files{w}}
	// Four times the workers is room for what a busy minute leaves to do. What is beyond it is done by
	// the worker itself, so work is never dropped: see finish.
	b.later.SetLimit(4 * o.Workers)
	b.SetServices(o.Services)
	return b
}

// SetServices names the services that the bot works for. They need a Slack and the bot
// needs them; this closes the circle, before Run.
//
// It makes all desks anew, so what a Home or a chat remembered is gone: once, before Run.
func (b *Bot) SetServices(s Services) {
	w := b.slackAPI
	if s.Ledgers != nil {
		w.calendar = s.Ledgers.Calendar
	}
	// One value for all who send code: what one card has shown of this Slack holds for the next.
	habits := &habits{log: w.Log, may: w.Language}
	budgets := &budgets{w, s.Budgets}
	b.homes = newHomes(w, s.Homes, budgets)
	b.homes.epochs = s.Epochs
	// The zero keeper knows no pins, so that no handler has to ask whether there is one.
	if s.Pins == nil {
		s.Pins = &pins.Keeper{}
	}
	chats := assistant.New(w.api, s.Chats, w.Log)
	b.publishing = &publishing{slackAPI: w, habits: habits, homes: b.homes, chats: chats, service: s.Funding, uploads: s.Uploads, threads: &strays.Threads{Slack: w.api, Log: w.Log}, strays: strays.Finder{Book: s.Strays, Slack: w.api, Log: w.Log}}
	b.asking = &asking{w, b.files, chats, s.Questions, s.Threads, &pinned{w, b.files, s.Pins, s.Arrivals}, s.Shelf, s.Habits, nil, nil}
	b.deciding = &deciding{w, habits, s.Decisions}
	b.asking.breaking = &breaking{b.deciding, s.Glass}
	b.asking.answered = &answered{w, s.Answers, s.Desk, s.Hands}
	ledgers := &ledgers{budgets, s.Ledgers, s.Accounts}
	b.board = newBoard(b.asking, b.deciding, &revising{b.deciding, s.Revisions}, ledgers, &limits{budgets, b.homes},
		&funding{w, s.Funding, s.Epochs}, &governing{w, s.Authority, s.Notes, s.Keys, s.Trail}, &keepers{w, s.Authority, s.Keeping}, b.homes, b.asking.answered)
	b.board.audit(w, &auditing.Desk{Service: s.Auditor, Zone: w.calendar, Words: w.Words, Open: w.open, Push: w.push})
}

// audit adds what is looked at and never changed. Its desk knows no acks (bot/auditing), so that is said here.
func (b *board) audit(w *slackAPI, d *auditing.Desk) {
	for name, run := range d.Clicks() {
		b.clicks[name] = func(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
			return answer{}, run(ctx, cb.TriggerID, clickOf(cb, action), action.Value)
		}
	}
	b.submissions[ids.CallbackAudit] = func(_ context.Context, cb slack.InteractionCallback) (answer, error) {
		q, field, err := d.Query(fieldsOf(cb))
		if err != nil {
			return saved(cb, err, field)
		}
		return w.awaiting(*kit.NoteView("Requests", "Looking…"), func(ctx context.Context) slack.ModalViewRequest {
			return d.Find(ctx, modalClick(cb, draw.Origin{}), q)
		}), nil
	}
	// A page takes the place of the one before it: on the list lie a request and its code, and Slack knows no fourth modal.
	turn := func(_ context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
		q, err := d.Turned(action.Value)
		return answer{after: func(ctx context.Context) { w.redraw(ctx, cb, d.Find(ctx, clickOf(cb, action), q)) }}, err
	}
	b.clicks[ids.ActionFound], b.clicks[ids.ActionNewer] = turn, turn
	b.submissions[ids.CallbackPack] = func(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
		field, err := d.Pack(ctx, modalClick(cb, draw.Origin{}), fieldsOf(cb))
		if err != nil {
			return saved(cb, err, field)
		}
		return answer{payload: slack.NewUpdateViewSubmissionResponse(kit.NoteView("Make a pack", "The pack is being made. It comes to your direct messages with me."))}, nil
	}
}

// Dead is the code with which Slack refuses the bot's token, or empty.
func (b *Bot) Dead() string { return b.token.Dead() }

// Sockets is how many sockets are connected at the moment.
func (b *Bot) Sockets() int { return int(b.live.Load()) }
