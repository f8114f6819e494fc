package bot

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	slackperson "countersign/internal/slacksim/person"
)

func TestTwoSocketsAreHeldAndComeBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, 2, b.bot.Connections)
	require.Eventually(t, func() bool { return b.bot.Sockets() == 2 }, waitAtMost, 5*time.Millisecond)
	before := b.sim.Counts().Connections
	b.sim.Disconnect("refresh_requested")
	require.Eventually(t, func() bool { return b.sim.Counts().Connections >= before+2 && b.bot.Sockets() == 2 }, waitAtMost, 10*time.Millisecond)
	require.NoError(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/analyze help"))
	b.told(slacksim.Analyst, slacksim.SalesData, "Ask a question about data.")
}

func TestTheSameEnvelopeTwiceIsOneQuestion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.sim.Duplicate(1)
	require.NoError(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/analyze How many?"))
	b.told(slacksim.Analyst, slacksim.SalesData, "On it.")
	b.stop()
	require.Len(t, b.service.questions(), 1)
}

func TestWithoutACommitThereIsNoAck(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.fail(errors.New("dial tcp 10.0.0.7:5432: connection refused"))
	maya := b.as(slacksim.Analyst)
	err := maya.Command(slacksim.SalesData, "/analyze How many?")
	var unanswered *slackperson.Unanswered
	require.ErrorAs(t, err, &unanswered)
	_, err = maya.WaitNotice(b.ctx, "operation_timeout")
	require.NoError(t, err)
	told := b.told(slacksim.Analyst, slacksim.SalesData, "Something went wrong on our side.")
	require.NotContains(t, told.Text, "10.0.0.7")
	reference := strings.TrimSuffix(told.Text[strings.LastIndex(told.Text, " ")+1:], ".")
	require.Contains(t, b.log.String(), "reference="+reference)
	require.Contains(t, b.log.String(), "connection refused")
	require.Empty(t, b.service.questions())
}

func TestWorkThatTakesTooLongIsNotAcked(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ *slacksim.Options, o *Options) { o.Patience = 6 * time.Second })
	b.service.before(func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	var unanswered *slackperson.Unanswered
	require.ErrorAs(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/budget"), &unanswered)
	b.told(slacksim.Analyst, slacksim.SalesData, "may not have been saved")
}

func TestAPanicEndsOneEnvelopeAndNotTheProcess(t *testing.T) {
	t.Parallel()
	var observed atomic.Int32
	b := setup(t, func(_ *slacksim.Options, o *Options) {
		o.Observe = func(kind, outcome string, _ time.Duration) {
			if kind == ids.CommandBudget && outcome == "failed" {
				observed.Add(1)
			}
		}
	})
	b.service.before(func(context.Context) error { panic("a bug") })
	var unanswered *slackperson.Unanswered
	require.ErrorAs(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/budget"), &unanswered)
	require.Contains(t, b.log.String(), "panic: a bug")
	require.EqualValues(t, 1, observed.Load())
	require.NoError(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/budget help"))
}

func TestAPanicAfterTheAckIsLogged(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.bot.finish(b.ctx, answer{after: func(context.Context) { panic("a late bug") }})
	require.NoError(t, b.bot.later.Wait())
	require.Contains(t, b.log.String(), "a late bug")
}

func TestAnEnvelopeThatWaitedTooLongIsNotWorkedOn(t *testing.T) {
	t.Parallel()
	outcome := ""
	b := idle(t, func(_ *slacksim.Options, o *Options) {
		o.Observe = func(_, how string, _ time.Duration) { outcome = how }
	})
	b.bot.serve(b.ctx, delivery{at: time.Now().Add(-slackPatience), over: func() {}, Event: socketmode.Event{Request: &socketmode.Request{}, Data: slack.SlashCommand{Command: ids.CommandAnalyze, Text: "How many?"}}})
	require.Equal(t, "late", outcome)
	require.Empty(t, b.service.questions())
	for attempt, asked := range []int{0, 0, 0, 1} { // after the last one nothing comes
		b.bot.serve(b.ctx, delivery{at: time.Now().Add(-slackPatience), over: func() {}, client: socketmode.New(slack.New("")), Event: socketmode.Event{Request: &socketmode.Request{RetryAttempt: attempt}, Data: slackevents.EventsAPIEvent{TeamID: slacksim.DefaultTeam.ID,
			InnerEvent: slackevents.EventsAPIInnerEvent{Data: &slackevents.AppMentionEvent{User: slacksim.Analyst, Channel: slacksim.SalesData, TimeStamp: "1.1", Text: "How many?"}}}}})
		require.Len(t, b.service.questions(), asked, "delivery %d", attempt)
	}
}

func TestWhoWouldWaitTooLongIsAskedToTryAgainAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := pending(b)
	b.bot.load.mu.Lock()
	b.bot.load.open, b.bot.load.took = 2*b.bot.Workers, time.Hour // some may still end what came before
	b.bot.load.mu.Unlock()
	require.NoError(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/analyze How many?"))
	b.told(slacksim.Analyst, slacksim.SalesData, "busy right now")
	require.NoError(t, b.as(slacksim.Reviewer).Click(card, ids.ActionApprove))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "busy right now")
	b.bot.load.mu.Lock()
	b.bot.load.open = 0
	b.bot.load.mu.Unlock()
	require.NoError(t, b.as(slacksim.Reviewer).Click(card, ids.ActionApprove))
	b.stop()
	require.Empty(t, b.service.questions(), "who was asked to try again has asked nothing")
	require.Len(t, b.service.decided(), 1)
}

// A wait is reckoned by what is open beyond the workers, and by how long one takes.
func TestTheWaitForAWorkerIsReckoned(t *testing.T) {
	t.Parallel()
	var l load
	for range 40 {
		l.take()
	}
	require.Zero(t, l.wait(16), "nobody knows yet how long one takes")
	l.answered(800 * time.Millisecond)
	require.Equal(t, 100*time.Millisecond*24/16, l.wait(16))
	for range 25 {
		l.answered(0)
	}
	require.Zero(t, l.wait(16), "a worker is free")
}

// record keeps what is logged. Nobody waits for the ack of an envelope of which the bot says that it does not answer it, so
// that Slack's time may be long for all others.
type record struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	givenUp func(envelope string)
}

var unanswered = regexp.MustCompile(`msg="envelope not answered" kind=\S+ envelope=(\S+)`)

func (r *record) hears(givenUp func(envelope string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.givenUp = givenUp
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, found := range unanswered.FindAllSubmatch(p, -1) {
		r.givenUp(string(found[1]))
	}
	return r.buf.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

func TestAMentionIsDeliveredAgainUntilItIsCommitted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var calls atomic.Int32
	b.service.before(func(context.Context) error {
		if calls.Add(1) < 3 {
			return errors.New("the database is away")
		}
		return nil
	})
	_, err := b.as(slacksim.Analyst).Say(slacksim.SalesData, "@countersign How many?")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(b.service.questions()) == 1 }, waitAtMost, 10*time.Millisecond)
	require.Empty(t, b.as(slacksim.Analyst).Ephemerals(slacksim.SalesData), "no failure is told while Slack still tries")
}

func TestAMentionThatNeverCommitsIsToldOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.fail(errors.New("the database is away"))
	_, err := b.as(slacksim.Analyst).Say(slacksim.SalesData, "@countersign How many?")
	require.NoError(t, err)
	b.told(slacksim.Analyst, slacksim.SalesData, "Something went wrong on our side.")
	b.stop()
	require.Len(t, b.as(slacksim.Analyst).Ephemerals(slacksim.SalesData), 1)
}

// stopsWhileAsked stops the bot while it works on a question; meanwhile happens after that has begun.
func (b *bundle) stopsWhileAsked(t *testing.T, meanwhile func()) {
	t.Helper()
	begun, release := make(chan struct{}), make(chan struct{})
	b.service.before(func(context.Context) error {
		close(begun)
		<-release
		return nil
	})
	said := make(chan error, 1)
	go func() { said <- b.as(slacksim.Analyst).Command(slacksim.SalesData, "/analyze How many?") }()
	<-begun
	stopped := make(chan struct{})
	go func() { b.stop(); close(stopped) }()
	meanwhile()
	close(release)
	require.NoError(t, <-said)
	<-stopped
	require.Len(t, b.service.questions(), 1)
	require.Zero(t, b.sim.Counts().Unacked)
}

func TestShutdownFinishesWhatHasBegun(t *testing.T) {
	t.Parallel()
	setup(t).stopsWhileAsked(t, func() {})
}

// TestAStopAnswersWhatTheSocketBringsMeanwhile: as long as one envelope is worked on the
// socket stays open, and whatever else it brings is answered, too. (What is on its way in the
// very moment in which a socket hangs up has no answer: Slack has no word for "no more".)
func TestAStopAnswersWhatTheSocketBringsMeanwhile(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ *slacksim.Options, o *Options) { o.Connections = 1 })
	b.stopsWhileAsked(t, func() {
		for range 5 {
			require.NoError(t, b.as(slacksim.Reviewer).Command(slacksim.SalesData, "/analyze help"))
		}
	})
}

func TestTokensThatSlackRefusesEndTheProgram(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*slacksim.Options, *Options)
		fault  *fault.Method
		says   string
	}{
		{"a wrong bot token", func(_ *slacksim.Options, o *Options) { o.BotToken = "xoxb-wrong" }, nil, "the bot's token: auth.test: invalid_auth"},
		{"a wrong app-level token", func(_ *slacksim.Options, o *Options) { o.AppToken = "xapp-wrong" }, nil, "the app-level token: invalid_auth"},
		{"an app-level token without its scope", nil, &fault.Method{Method: "apps.connections.open", Error: "missing_scope", Times: -1}, "the app-level token: missing_scope"},
		{"a bot that lacks a scope", func(w *slacksim.Options, _ *Options) { w.Scopes = []string{"commands", "chat:write"} }, nil, "lacks the scopes [app_mentions:read channels:read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var changes []func(*slacksim.Options, *Options)
			if tt.change != nil {
				changes = append(changes, tt.change)
			}
			b := idle(t, changes...)
			if tt.fault != nil {
				b.sim.Fail(*tt.fault)
			}
			require.ErrorContains(t, b.bot.Run(b.ctx), tt.says)
		})
	}
}

func TestASlackThatCannotBeReachedIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.sim.Fail(fault.Method{Method: "auth.test", Status: 502})
	ctx, cancel := context.WithCancel(b.ctx)
	ended := make(chan error, 1)
	go func() { ended <- b.bot.Run(ctx) }()
	require.NoError(t, b.sim.WaitSockets(b.ctx, 2))
	cancel()
	require.NoError(t, <-ended)
	require.Contains(t, b.log.String(), "Slack cannot be reached")
}

func TestSocketsThatAreTurnedAwayAreTriedAgainAtLeisure(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.sim.RefuseSockets(true)
	ctx, cancel := context.WithCancel(b.ctx)
	ended := make(chan error, 1)
	go func() { ended <- b.bot.Run(ctx) }()
	require.Eventually(t, func() bool { return strings.Contains(b.log.String(), "socket not connected") }, waitAtMost, 10*time.Millisecond)
	b.sim.RefuseSockets(false)
	require.NoError(t, b.sim.WaitSockets(b.ctx, 2))
	cancel()
	require.NoError(t, <-ended)
}

func TestOpeningSocketsIsThrottled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		rt := &throttle{burst: 4, next: trip(func(*http.Request) (*http.Response, error) {
			calls++
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
		})}
		get := func(ctx context.Context, path string) error {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://slack"+path, nil)
			require.NoError(t, err)
			_, err = rt.RoundTrip(r)
			return err
		}
		start := time.Now()
		for range 4 {
			require.NoError(t, get(t.Context(), "/api/apps.connections.open"))
		}
		require.Zero(t, time.Since(start), "a few may open at once")
		for range 3 {
			require.NoError(t, get(t.Context(), "/api/apps.connections.open"))
		}
		require.Equal(t, 7*time.Second, time.Since(start), "then the waits double: 1, 2, 4 seconds")
		require.NoError(t, get(t.Context(), "/api/chat.postMessage"))
		require.Equal(t, 7*time.Second, time.Since(start), "nothing else waits")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, get(ctx, "/api/apps.connections.open"), context.DeadlineExceeded)
		time.Sleep(time.Hour)
		start = time.Now()
		require.NoError(t, get(t.Context(), "/api/apps.connections.open"))
		require.Zero(t, time.Since(start), "all is forgiven")
		require.Equal(t, 9, calls)
	})
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRateLimitsAreWaitedOutAndNothingElseIsTriedTwice(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.sim.Fail(fault.Method{Method: "chat.postMessage", RetryAfter: time.Second})
	b.publish(v, steps.SurfaceRoot)
	require.Len(t, b.as(slacksim.Analyst).Messages(slacksim.SalesData), 1)

	// The call had its effect and its answer was lost: trying again would post twice.
	b.sim.Fail(fault.Method{Method: "chat.postMessage", Status: 500, After: true})
	_, err := b.bot.Publish(b.ctx, v, steps.SurfaceProgress)
	require.Error(t, err)
	require.Len(t, b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Session.ThreadTS), 2)
}

func TestWhatSlackGoSaysOfASocketIsDescribed(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for _, data := range []any{&slack.ConnectionErrorEvent{ErrorObj: boom}, &slack.IncomingEventError{ErrorObj: boom},
		&socketmode.ErrorWriteFailed{Cause: boom}, &socketmode.ErrorBadMessage{Cause: boom, Message: []byte("somebody's words")}} {
		require.Equal(t, "boom", describe(data))
	}
	require.Equal(t, "<nil>", describe(nil))
}

func TestAnEnvelopeIsNamedByWhatItIs(t *testing.T) {
	t.Parallel()
	for want, data := range map[string]any{
		"/analyze":      slack.SlashCommand{Command: "/analyze"},
		"app_mention":   slackevents.EventsAPIEvent{InnerEvent: slackevents.EventsAPIInnerEvent{Type: "app_mention"}},
		"block_actions": slack.InteractionCallback{Type: slack.InteractionTypeBlockActions},
		"interactive":   nil,
	} {
		d := delivery{Event: socketmode.Event{Type: socketmode.EventTypeInteractive, Data: data}}
		require.Equal(t, want, d.kind())
	}
}

func TestAnEnvelopeOfAnUnknownKindIsNotAcked(t *testing.T) {
	t.Parallel()
	_, err := idle(t).bot.handle(t.Context(), delivery{Event: socketmode.Event{Data: 42}})
	require.ErrorContains(t, err, "int")
}
