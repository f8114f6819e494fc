package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"golang.org/x/sync/errgroup"

	"countersign/bot/codes"
	"countersign/bot/readback"
)

// slackWaits is how long Slack waits for an ack.
const slackWaits = 3 * time.Second

// workTime is the part of it for the work, 2.2 of 3 seconds; the rest is for the way there and back.
func (b *Bot) workTime() time.Duration { return b.Patience * 11 / 15 }

// lateTime is for what is left to do when the ack is out, 20 seconds. A stand-in that waits longer for acks, because its
// machine is busy, leaves more for this as well.
func (b *slackAPI) lateTime() time.Duration { return b.Patience * 20 / 3 }

// drainTime is how long a socket that is never still goes on answering after it was told to stop: ten seconds.
func (b *slackAPI) drainTime() time.Duration { return b.Patience * 10 / 3 }

const (
	// longTime is for that where files are read or a month is played: the person sees that it is under way.
	longTime = 10 * time.Minute
	// flushTime is how long a socket has to be still before it hangs up: slack-go queues
	// acks, and says of none when it has been written.
	flushTime = 50 * time.Millisecond
)

// mostWaiting envelopes wait for a worker; beyond them the sockets are not read.
const mostWaiting = 500

// delivery is an envelope with the socket that it came by.
type delivery struct {
	socketmode.Event
	client *socketmode.Client
	at     time.Time
	over   func() // it has been answered, or will not be
}

// Run holds the sockets open and answers what they bring until the context ends. Then
// each socket goes on until nothing that came by it is under way, and hangs up in that
// moment: what Slack sends to a socket that nobody reads has no answer. It returns early
// when Slack refuses the tokens for good.
func (b *Bot) Run(ctx context.Context) error {
	if err := b.settleIn(ctx); err != nil {
		return err
	}
	// What waits for a worker waits in here, so that it is known since when, and for how long it would have to.
	work := make(chan delivery, mostWaiting)
	var wires, listeners, workers errgroup.Group
	listen, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	for n := range b.Connections {
		client := socketmode.New(b.api, socketmode.OptionReadLimit(readback.MaxMessage))
		// A socket outlives ctx for as long as its last envelopes take.
		open, hangUp := context.WithCancel(context.WithoutCancel(ctx))
		closed := make(chan struct{})
		wires.Go(func() error { defer close(closed); return hold(open, client, fail) })
		listeners.Go(func() error {
			line := &line{Bot: b, number: n, client: client, work: work, fail: fail}
			line.listen(listen)
			hangUp()
			<-closed
			line.rest()
			return nil
		})
	}
	for range b.Workers {
		workers.Go(func() error {
			for d := range work {
				b.serve(context.WithoutCancel(ctx), d)
			}
			return nil
		})
	}
	var homes errgroup.Group
	keep, leave := context.WithCancel(listen)
	defer leave()
	homes.Go(func() error { b.homes.keepHomes(keep); return nil })
	// The order of the end: sockets are still and hang up, then no more envelopes can come, then the
	// workers finish theirs, then what they left to do. Each waits for the one before, so that nothing
	// is handed to somebody who has gone.
	_ = listeners.Wait()
	leave()
	close(work)
	_ = workers.Wait()
	_ = b.later.Wait()
	_ = homes.Wait()
	_ = wires.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(listen)
}

// hold keeps one socket open. slack-go opens it anew by itself, and returns when
// it gives up on the token, which nothing can mend.
func hold(ctx context.Context, client *socketmode.Client, fail context.CancelCauseFunc) error {
	for ctx.Err() == nil {
		// slack-go returns at once for a token that is revoked or unknown, and repeats everything else.
		if err := client.RunContext(ctx); !errors.Is(err, context.Canceled) {
			fail(fmt.Errorf("slack does not accept the app-level token: %w", err))
			return nil
		}
	}
	return nil
}

// settleIn finds out who the bot is, and has patience with a Slack that cannot be
// reached, but not with one that says no.
func (b *Bot) settleIn(ctx context.Context) error {
	pauses := &backoff.ExponentialBackOff{InitialInterval: time.Second, MaxInterval: time.Minute, Multiplier: 2}
	for {
		who, err := b.who(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			if len(who.Missing) > 0 {
				return fmt.Errorf("the bot's token lacks the scopes %v: install the app again from manifest.yaml", who.Missing)
			}
			b.Log.Info("this is Slack", "team", who.Team, "bot", who.Name)
			return nil
		case errors.Is(err, ErrOrgWide):
			return err
		case codes.Hopeless(err):
			return fmt.Errorf("slack does not accept the bot's token: %w", err)
		}
		wait := pauses.NextBackOff()
		b.Log.Warn("Slack cannot be reached", "error", err, "again_in", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// line is one socket with what came by it.
type line struct {
	*Bot
	number    int
	client    *socketmode.Client
	work      chan<- delivery
	fail      context.CancelCauseFunc
	underWay  atomic.Int32 // envelopes that are not answered yet
	connected bool
}

// listen hands the envelopes of the socket to the workers. Where all of them are busy they wait: whoever
// would wait too long is told so at once, and what has waited too long is not worked on at all.
// Told to stop, it goes on until the socket is still.
func (l *line) listen(ctx context.Context) {
	for {
		select {
		case e := <-l.client.Events:
			if !l.take(e) {
				return
			}
		case <-ctx.Done():
			l.drain()
			return
		}
	}
}

// drain goes on until nothing has been under way for a moment, which becomes shorter the
// longer the socket is never still. What is on its way from Slack in the very moment in which
// the socket hangs up has no answer: Slack has no word for "send me nothing more".
func (l *line) drain() {
	looks := time.NewTicker(flushTime / 25)
	defer looks.Stop()
	began, still, most := time.Now(), time.Now(), l.drainTime()
	for {
		took := time.Since(began)
		if took <= most && len(l.client.Events) > 0 { // on a busy machine a moment may have passed unseen
			still = time.Now()
		}
		// How long it has to be still begins at flushTime and shrinks to a tenth of it over half of
		// drainTime: a socket that is busy all the time must hang up some day.
		if took > most || time.Since(still) > max(flushTime-flushTime*took/most*2, flushTime/10) {
			return
		}
		select {
		case e := <-l.client.Events:
			if still = time.Now(); !l.take(e) {
				return
			}
		case <-looks.C:
			if l.underWay.Load() > 0 {
				still = time.Now()
			}
		}
	}
}

// rest says of what came by while the socket hung up that nobody answers it. An event is sent again by Slack, and acts of people are not.
func (l *line) rest() {
	l.set(false)
	for {
		select {
		case e := <-l.client.Events:
			switch e.Type {
			case socketmode.EventTypeEventsAPI, socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand:
				level := slog.LevelError
				if e.Type == socketmode.EventTypeEventsAPI {
					level = slog.LevelInfo
				}
				l.Log.Log(context.Background(), level, "envelope not answered", "kind", delivery{Event: e}.kind(), "envelope", e.Request.EnvelopeID, "error", "it came while the socket hung up")
			}
		default:
			return
		}
	}
}

// set counts the socket among those that are connected, or not.
func (l *line) set(is bool) {
	if is != l.connected {
		l.connected = is
		l.live.Add(map[bool]int32{true: 1, false: -1}[is])
	}
}

// take takes one event of the socket. It returns false when Slack does not want it any more.
func (l *line) take(e socketmode.Event) bool {
	if again, ok := readback.Reread(e); ok {
		e = again
	}
	switch e.Type {
	case socketmode.EventTypeConnecting:
		l.set(false)
	case socketmode.EventTypeConnected:
		l.set(true)
		l.Log.Info("socket connected", "socket", l.number)
	case socketmode.EventTypeHello, socketmode.EventTypeDisconnect:
	case socketmode.EventTypeConnectionError, socketmode.EventTypeInvalidAuth:
		l.set(false)
		if err := failure(e.Data); codes.Hopeless(err) {
			l.fail(fmt.Errorf("slack does not accept the app-level token: %w", codes.Detail(err)))
			return false
		}
		l.Log.Warn("socket not connected", "socket", l.number, "error", describe(e.Data))
	case socketmode.EventTypeEventsAPI, socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand:
		d := delivery{Event: e, client: l.client, at: time.Now(), over: func() { l.underWay.Add(-1) }}
		if l.load.wait(l.Workers) > l.workTime() && l.turnAway(d) {
			return true
		}
		// Counted before it is handed over: drain must not find the socket still between the two.
		l.underWay.Add(1)
		l.load.take()
		l.work <- d
	default:
		l.Log.Warn("socket trouble", "socket", l.number, "kind", e.Type, "error", describe(e.Data))
	}
	return true
}

// serve answers one envelope: work, ack, and what is left to do.
func (b *Bot) serve(ctx context.Context, d delivery) {
	began := time.Now()
	a := b.answer(ctx, d)
	d.over() // what is left needs no socket, so the socket may hang up
	if a.after != nil {
		b.finish(ctx, a)
	}
	b.load.answered(time.Since(began)) // and with what the worker had to do after it by itself
}

// answer works on an envelope and sends its ack. What comes back has what is left to do.
func (b *Bot) answer(ctx context.Context, d delivery) (a answer) {
	outcome := "failed"
	kind := d.kind()
	defer func() { b.Observe(kind, outcome, time.Since(d.at)) }()
	// The time runs from when the envelope came by the socket, not from when a worker was free, but for an event that
	// Slack does not send again: late is better than not at all.
	from := d.at
	if _, event := d.Data.(slackevents.EventsAPIEvent); event && d.Request.RetryAttempt >= lastRetry {
		from = time.Now()
	}
	work, cancel := context.WithDeadline(ctx, from.Add(b.workTime()))
	defer cancel()
	work, done := b.Await(work)
	defer done()
	if work.Err() != nil {
		// Slack has told the person by now that nothing came of it.
		outcome = "late"
		b.Log.Error("an envelope waited too long", "kind", kind, "envelope", d.Request.EnvelopeID)
		return a
	}
	// No ack where anything went wrong: Slack then tells the person that it failed.
	a, err := b.guarded(work, d)
	if err != nil {
		b.Log.Error("envelope not answered", "kind", kind, "envelope", d.Request.EnvelopeID, "error", err)
		return a
	}
	// With a deadline, because slack-go's Ack without one blocks for ever once twenty acks wait for a
	// socket that is not connected (tried with 0.35).
	ack, cancelAck := context.WithTimeout(ctx, b.Patience*2/3)
	defer cancelAck()
	if err := d.client.AckCtx(ack, d.Request.EnvelopeID, a.payload); err != nil {
		b.Log.Error("ack", "kind", kind, "error", err)
	} else {
		outcome = "acked"
	}
	return a
}

// guarded keeps a panic in one envelope from ending all of them. It becomes an error, so that what
// panicked is not acked either.
func (b *Bot) guarded(ctx context.Context, d delivery) (a answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = answer{}, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return b.handle(ctx, d)
}

// finish does what is left to do beside the worker, unless there is too much of that already.
func (b *Bot) finish(ctx context.Context, a answer) {
	work := func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				b.Log.Error("after an ack", "panic", p, "stack", string(debug.Stack()))
			}
		}()
		a.after(ctx)
		return nil
	}
	limit := b.lateTime()
	if a.long {
		limit = longTime
	}
	// The worker does it itself: envelopes then wait, which is better than ever more goroutines.
	if !b.later.TryGo(func() error { return work(limit) }) {
		_ = work(b.lateTime())
	}
}

// failure is the error in what slack-go says about a socket, if there is one.
func failure(data any) error {
	switch e := data.(type) {
	case *slack.ConnectionErrorEvent:
		return e.ErrorObj
	case *slack.IncomingEventError:
		return e.ErrorObj
	case *socketmode.ErrorWriteFailed:
		return e.Cause
	case *socketmode.ErrorBadMessage:
		return e.Cause
	}
	return nil
}

// describe says what went wrong, without what Slack sent: that may be anybody's words.
func describe(data any) string {
	if err := failure(data); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%T", data)
}

// kind names an envelope for logs and measurements.
func (d delivery) kind() string {
	switch data := d.Data.(type) {
	case slack.SlashCommand:
		return cmp.Or(data.Command, string(d.Type))
	case slack.InteractionCallback:
		return cmp.Or(string(data.Type), string(d.Type))
	case slackevents.EventsAPIEvent:
		return cmp.Or(data.InnerEvent.Type, string(d.Type))
	}
	return string(d.Type)
}
