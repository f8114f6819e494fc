// Package bot is Slack's side of the house: it reads the socket, answers within
// three seconds, and publishes what bot/draw makes of stored state.
//
// Its one idea: Slack is a view and a keyboard, never a memory. What stands in a
// channel is drawn from a view and may be drawn again at any time; what people press
// is handed to a service and counts when it has committed.
//
// Its rules:
//
//   - Commit, then ack. An envelope is answered after the service has committed
//     what it asked for, and in time. What could not be committed is not answered,
//     so that Slack tells the person that it failed (or sends the event again).
//     Answering the same envelope twice is harmless: the service knows it by its
//     trigger.
//   - The code is shown whole, numbered and unparsed, or there is no Approve
//     button beside it. Every version has a card of its own. What Slack holds of a
//     card or a modal is read back and compared, when it is sent and when it is
//     pressed: bot/readback is the one rule for that. Where it says something else,
//     the card says so, and approval is given in the modal or at the command line.
//   - What Slack refuses is never only logged: a plainer message stands in its place
//     where it can, and the service is told what is missing (refusal.go, card.go).
//   - Words of people and models are never markup: they go into rich text or
//     plain text, and are escaped where Slack knows nothing but its mrkdwn.
//   - Nothing is sent twice on purpose: only a refusal for the rate (429), which
//     Slack promises to have had no effect, is ever tried again in here. A post whose
//     answer got lost stands all the same: it is found, and taken for the one that is
//     missing, or deleted (bot/strays).
//
// What Slack makes possible against second posts: chat.postMessage documents no key by which it
// would know a repetition (asked for since 2018: github.com/slackapi/slack-api-specs/issues/10; a client_msg_id
// is taken and changes nothing), chat.getPermalink wants the ts that was lost, chat.scheduledMessages.list forgets
// a message once it is posted, and conversations.history and .replies find a post only with a scope that reads what
// people write (docs.slack.dev/reference/methods/conversations.history). What a message carries as metadata can be
// read without that: message_metadata_posted tells an app of the kinds that its manifest names, with channel and ts
// (docs.slack.dev/reference/events/message_metadata_posted, scope metadata.message:read), and a press carries
// the metadata of its message (github.com/slackapi/bolt-python/issues/863). Whether Slack tells an app of its own
// posts has not been tried with a workspace. Where it does not, or where the scope is missing, a stray message goes as soon
// as somebody presses it: a stray card decides like the other one, and "Cancel" on a line that nobody keeps up cancels.
//
// Who takes what people do: asking (questions; its form is in form.go), answered (the buttons
// under an answer), deciding and revising (code that waits; review.go has the modal that shows
// all of it), budgets, limits and ledgers (/budget), funding (money that is missing), governing
// (people and rules), keepers (what is kept of people), homes. Each declares the few services that it calls; handle.go
// has the board that leads to them. publishing keeps messages as they should be (publish.go,
// card.go, upload.go, notice.go), files reads what was shared (find.go), and all of them stand on
// slackAPI, which makes Slack's calls. socket.go reads the envelopes; check.go is for whoever
// sets the bot up.
//
// kit has the blocks, draw the messages, command what people type, readback what Slack
// holds, ids the names. Only bot and its rooms import slack-go.
package bot

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/steps"
	"countersign/bot/assistant"
	"countersign/bot/auditing"
	"countersign/bot/strays"
)

// Services are what people can do, by who takes it: each has no more than its
// handlers call. One value may be all of them.
type Services struct {
	Questions Questions
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
	// APIURL is where the Web API is, with a slash at its end. Defaults to Slack.
	APIURL string
	// Services take what people ask and decide. They may be set later, with Serve.
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
	// to do begins: what it was, how it ended ("acked", "late", "failed") and how long
	// that took. Optional.
	Observe func(kind, outcome string, took time.Duration)
}

// Bot is one app in one workspace.
type Bot struct {
	*slackAPI
	*files
	*publishing
	homes    *homes
	asking   *asking
	deciding *deciding
	board    board
	strays   strays.Finder

	later errgroup.Group // what is left to do when an envelope has been answered
	live  atomic.Int32   // sockets that are connected
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
	w := newSlackAPI(o)
	b := &Bot{slackAPI: w, files: &files{w}}
	// Four times the workers is room for what a busy minute leaves to do. What is beyond it is done by
	// the worker itself, so work is never dropped: see finish.
	b.later.SetLimit(4 * o.Workers)
	b.Serve(o.Services)
	return b
}

// Serve names the services that the bot works for. They need a Slack and the bot
// needs them; this closes the circle, before Run.
func (b *Bot) Serve(s Services) {
	w := b.slackAPI
	if s.Ledgers != nil {
		w.calendar = s.Ledgers.Calendar
	}
	// One value for all who send code: what one card has shown of this Slack holds for the next.
	habits := &habits{log: w.Log, may: w.Language}
	budgets := &budgets{w, s.Budgets}
	b.homes = newHomes(w, s.Homes, budgets)
	b.homes.epochs = s.Epochs
	if s.Pins == nil {
		s.Pins = &pins.Keeper{}
	}
	chats := assistant.New(w.api, s.Chats, w.Log)
	b.publishing = &publishing{slackAPI: w, habits: habits, homes: b.homes, chats: chats, service: s.Funding, uploads: s.Uploads}
	b.asking = &asking{w, b.files, chats, s.Questions, &pinned{w, b.files, s.Pins, s.Arrivals}, s.Shelf, s.Habits, nil}
	b.deciding = &deciding{w, habits, s.Decisions}
	b.asking.breaking = &breaking{b.deciding, s.Glass}
	b.strays = strays.Finder{Book: s.Strays, Slack: w.api, Log: w.Log}
	ledgers := &ledgers{budgets, s.Ledgers, s.Accounts}
	b.board = newBoard(b.asking, b.deciding, &revising{b.deciding, s.Revisions}, ledgers, &limits{budgets, b.homes},
		&funding{w, s.Funding, s.Epochs}, &governing{w, s.Authority, s.Notes, s.Keys, s.Trail}, &keepers{w, s.Authority, s.Keeping}, b.homes, &answered{w, s.Answers, s.Desk, s.Hands})
	b.board.audit(&auditing.Desk{Service: s.Auditor, Zone: w.calendar, Open: w.open, Push: w.push})
}

// Sockets is how many sockets are connected at the moment.
func (b *Bot) Sockets() int { return int(b.live.Load()) }
