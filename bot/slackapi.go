package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/codes"
	"countersign/bot/draw"
	"countersign/bot/kit"
	"countersign/bot/readback"
)

// slackAPI is Slack for those who take what people do: who the bot is, modals,
// private words and files.
//
// All desks share one, so who the bot is and whether its token lives is known to all of them at once.
type slackAPI struct {
	Options
	api      *slack.Client
	lift     *slack.Client // for uploads and downloads, whose time is their own: it depends on their size
	token    *codes.Token  // whether Slack accepts it
	calendar func() *time.Location

	mu   sync.Mutex
	self *kit.Identity // what auth.test said; nil until it has been asked
}

// newSlackAPI sets up two clients of Slack, alike but for time: calls end after a minute, and
// uploads and downloads when whoever waits for them has had enough.
func newSlackAPI(o Options) *slackAPI {
	w := &slackAPI{Options: o, token: &codes.Token{Log: o.Log}, calendar: func() *time.Location { return time.UTC }}
	client := w.client()
	w.api = slack.New(o.BotToken, w.clientOptions(client)...)
	// Files get their time from whoever moves them: it depends on their size.
	client.Timeout = 0
	w.lift = slack.New(o.BotToken, w.clientOptions(client)...)
	return w
}

// client is what calls Slack. slack-go's own has no time limit.
//
// slack-go -> throttle -> Keeper -> Watch (is the token dead?) -> the network
func (w *slackAPI) client() http.Client {
	client := http.Client{Timeout: time.Minute}
	if w.HTTPClient != nil {
		client = *w.HTTPClient // a copy, so that nobody else's gets these transports
	}
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	// The Keeper is next to the wire, so that it sees Slack's bytes. The throttle is around both.
	client.Transport = readback.Keeper{Next: w.token.Watch(client.Transport)}
	client.Transport = &throttle{next: client.Transport, burst: 2 * w.Connections}
	client.CheckRedirect = stopAtSignIn
	return client
}

// clientOptions set up slack-go. Their order matters: the retries wrap the client
// that stands before them.
func (w *slackAPI) clientOptions(client http.Client) []slack.Option {
	options := []slack.Option{
		slack.OptionAppLevelToken(w.AppToken),
		slack.OptionHTTPClient(&client),
		// Retries on 429 and on nothing else: any other failure may have had its effect.
		slack.OptionRetry(3),
	}
	if w.APIURL != "" {
		options = append(options, slack.OptionAPIURL(w.APIURL))
	}
	return options
}

// who asks Slack once who the bot is.
//
// Asked under the lock: many envelopes after a start ask once. A failure is not remembered.
func (w *slackAPI) who(ctx context.Context) (kit.Identity, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.self != nil {
		return *w.self, nil
	}
	who, err := w.CheckBot(ctx)
	if err != nil {
		return kit.Identity{}, err
	}
	w.self = &who
	return who, nil
}

// with is what drawing needs to know of the bot and its team, as far as it is known by now.
func (w *slackAPI) with() draw.With {
	w.mu.Lock()
	defer w.mu.Unlock()
	with := draw.With{Calendar: w.calendar(), Rounds: w.Policy().MaxRounds}
	if w.self != nil {
		with.Self = *w.self
	}
	return with
}

// open shows a modal. Slack gives three seconds for it, and one modal for each
// press: a trigger that has been used belongs to a repeated delivery, whose modal
// is open already.
func (w *slackAPI) open(ctx context.Context, trigger string, view slack.ModalViewRequest) error {
	_, err := w.api.OpenViewContext(ctx, trigger, view)
	return opened(view, err)
}

// push lays a modal on the one that is open.
//
// Three deep at most (Slack's limit); whoever calls knows that there is room.
func (w *slackAPI) push(ctx context.Context, trigger string, view slack.ModalViewRequest) error {
	_, err := w.api.PushViewContext(ctx, trigger, view)
	return opened(view, err)
}

// opened says what came of showing a modal.
//
// A trigger that is too late is the person's to repeat, so it is words for them and no failure of ours.
func opened(view slack.ModalViewRequest, err error) error {
	switch codes.Of(err) {
	// A trigger opens one modal. Another delivery of the same press has opened it.
	case "exchanged_trigger_id":
		return nil
	case "expired_trigger_id", "invalid_trigger_id":
		return &approval.InputError{Why: approval.Words("That took too long, and Slack no longer lets me open the form. Please try again.")}
	}
	if err != nil {
		return fmt.Errorf("open the modal %s: %w", view.CallbackID, codes.Detail(err))
	}
	return nil
}

// redraw shows something else in an open modal. Whoever has closed it, or has
// chosen again meanwhile, needs it no more.
// The hash in the press says which drawing was pressed.
func (w *slackAPI) redraw(ctx context.Context, cb slack.InteractionCallback, view slack.ModalViewRequest) {
	if _, err := w.api.UpdateViewContext(ctx, view, "", cb.View.Hash, cb.View.ID); err != nil && !slices.Contains([]string{"hash_conflict", "not_found"}, codes.Of(err)) {
		w.Log.Error("redraw a modal", "view", view.CallbackID, "error", codes.Detail(err))
	}
}

// fill puts into a modal what was not at hand when it was opened, as it was shown then. A modal that has been
// closed, sent off or drawn again meanwhile keeps what it holds: the outcome of a form, for one.
//
// It is like redraw but for the hash, which is that of the opening, and for its log: nothing that somebody did
// is lost.
func (w *slackAPI) fill(ctx context.Context, shown slack.View, view slack.ModalViewRequest) {
	_, err := w.api.UpdateViewContext(ctx, view, "", shown.Hash, shown.ID)
	if err != nil && !slices.Contains([]string{"not_found", "hash_conflict", "view_not_found"}, codes.Of(err)) {
		w.Log.Warn("fill an open modal", "view", view.CallbackID, "error", codes.Detail(err))
	}
}

// roster tells who has which part.
type roster interface {
	Reviewers(ctx context.Context, team, project string) (review.Roster, error)
}

// isAdmin tells whether somebody is named as an administrator, for what to show;
// who may do what is for the services to say.
func (w *slackAPI) isAdmin(ctx context.Context, s roster, team, user string) bool {
	admin, err := w.admin(ctx, s, team, user)
	if err != nil {
		w.Log.Warn("look for administrators", "error", err)
	}
	return admin
}

// admin is isAdmin for what is refused to everybody else: an administrator is not told that they
// are none because nobody could look.
func (w *slackAPI) admin(ctx context.Context, s roster, team, user string) (bool, error) {
	all, err := s.Reviewers(ctx, team, "")
	if err != nil {
		return false, fmt.Errorf("look for administrators: %w", err)
	}
	return all.Admin(user), nil
}

// seat is where somebody sits: where a private word reaches them.
type seat struct {
	user    string
	channel string // empty when they are nowhere in particular, such as in a modal
	thread  string
}

// seatOf is where somebody pressed. Inside a modal there is no channel.
func seatOf(cb slack.InteractionCallback) seat {
	at := seat{user: cb.User.ID, channel: cb.Channel.ID, thread: cb.Container.ThreadTs}
	if cb.Container.ChannelID != "" {
		at.channel = cb.Container.ChannelID
	}
	return at
}

// tell says something to one person alone: beside what they did when Slack can
// show it there, else in a direct message. It is never the only record of anything.
func (w *slackAPI) tell(ctx context.Context, at seat, parts ...kit.Part) {
	p := &kit.Page{}
	p.Say(parts...)
	w.hand(ctx, at, p)
}

// hand gives a page to one person alone.
func (w *slackAPI) hand(ctx context.Context, at seat, p *kit.Page) {
	options := p.Options()
	if at.channel != "" {
		if at.thread != "" {
			options = append(options, slack.MsgOptionTS(at.thread))
		}
		_, err := w.api.PostEphemeralContext(ctx, at.channel, at.user, options...)
		if err == nil {
			return
		}
		// Ephemeral messages are for people who are in the channel and there: Slack promises no delivery.
		w.Log.Info("a private word goes by direct message", "user", at.user, "channel", at.channel, "error", err)
	}
	if _, _, err := w.api.PostMessageContext(ctx, at.user, p.Options()...); err != nil {
		w.Log.Error("a private word did not arrive", "user", at.user, "error", codes.Detail(err))
	}
}

// chat answers somebody who has written to the bot: in a direct message for good, as a
// person would, and in a channel for their eyes only, since nobody else has asked.
func (w *slackAPI) chat(ctx context.Context, at seat, p *kit.Page) {
	if !approval.Direct(at.channel) {
		w.hand(ctx, at, p)
		return
	}
	options := p.Options()
	if at.thread != "" {
		options = append(options, slack.MsgOptionTS(at.thread))
	}
	if _, _, err := w.api.PostMessageContext(ctx, at.channel, options...); err != nil {
		w.Log.Warn("a direct message is not answered", "user", at.user, "error", codes.Detail(err))
	}
}

// privately answers a command in its own ack, for the person's eyes only.
func privately(p *kit.Page, parts ...kit.Part) answer {
	if len(parts) > 0 {
		p.Say(parts...)
	}
	return answer{page: p, payload: map[string]any{"response_type": "ephemeral", "text": p.Text(), "blocks": p.Blocks}}
}

// whisper gives to one person what a command would have answered in its ack.
// Only its page goes on: an ack's payload is for a command, and means nothing to an event.
func (w *slackAPI) whisper(a answer, at seat) answer {
	if a.page == nil {
		return answer{after: a.after}
	}
	return answer{after: func(ctx context.Context) { w.hand(ctx, at, a.page) }}
}

// orSorry ends what did not work. What the person should know of is said to them
// in private, and the envelope is answered: nothing was left undone. Any other
// error leaves it unanswered, and tells where the reason is to be found.
//
// The error comes back where the envelope is to stay unacked. Both happen then: Slack shows its own sign, and
// the words tell under which reference the log has more.
func (w *slackAPI) orSorry(a answer, err error, at seat) (answer, error) {
	if err == nil {
		return a, nil
	}
	// Foreseen: nothing was done, and the person knows. So the envelope is answered.
	text, foreseen := draw.Known(err)
	if foreseen {
		err = nil
	} else {
		text = w.Words(err)
	}
	return answer{after: func(ctx context.Context) { w.tell(ctx, at, kit.Words(text)) }}, err
}

// Words says to a person what an error means to them, in plain text. What nobody
// has foreseen stays in the log, under a reference.
func (w *slackAPI) Words(err error) string {
	if text, ok := draw.Known(err); ok {
		return text
	}
	reference := approval.NewID(6)
	w.Log.Error("something went wrong", "reference", reference, "error", err)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("This took too long, so it may not have been saved. Please look, and try again if need be. Reference %s.", reference)
	}
	return fmt.Sprintf("Something went wrong on our side. Please try again; if it happens again, an administrator can find it in the log under reference %s.", reference)
}

// throttle keeps the calls that open sockets from running hot. slack-go opens a
// new one at once whenever the old one ends; a server that accepts and hangs up
// (too many sockets, a deploy) would be asked thousands of times a second: tried with
// slack-go 0.35, it asked 21,537 times in three seconds. The waits double, which a bucket
// that fills at a steady pace (golang.org/x/time/rate) cannot do.
type throttle struct {
	next  http.RoundTripper
	burst int // openings within the memory that nobody has to wait for

	mu     sync.Mutex
	opened []time.Time // the openings, granted and planned, of the last minutes
}

const (
	openMemory  = 5 * time.Minute
	openStep    = time.Second      // the first wait, doubled with every further opening
	openLongest = 30 * time.Second // the longest
)

// RoundTrip implements http.RoundTripper.
// Other calls pass: slack-go waits on its own where Slack asks for it (429).
func (t *throttle) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/apps.connections.open") {
		timer := time.NewTimer(t.wait(time.Now()))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return t.next.RoundTrip(r)
}

// wait is how long the next opening has to wait.
func (t *throttle) wait(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.opened) > 0 && now.Sub(t.opened[0]) > openMemory {
		t.opened = t.opened[1:]
	}
	at := now
	if over := len(t.opened) - t.burst; over >= 0 {
		// After the last one that was planned, not after now: several sockets that end at once queue up.
		at = t.opened[len(t.opened)-1].Add(min(openStep<<min(over, 10), openLongest))
		if at.Before(now) {
			at = now
		}
	}
	t.opened = append(t.opened, at)
	return at.Sub(now)
}

// errSignIn is what a download ends with when Slack sends the bot to the page
// where people sign in: it may not read the file.
var errSignIn = errors.New("redirected to the sign-in page")

// stopAtSignIn is a http.Client's CheckRedirect.
func stopAtSignIn(r *http.Request, via []*http.Request) error {
	if r.URL.Query().Has("redir") {
		return errSignIn
	}
	if len(via) >= 5 {
		return errors.New("redirected five times")
	}
	return nil
}
