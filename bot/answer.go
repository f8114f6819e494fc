package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/codes"
	"countersign/bot/draw"
	"countersign/bot/kit"
)

// answer is the ack's payload and what to do after the ack. A handler that returns an
// error gets no ack: Slack then tells the person that it failed, or sends the event again.
type answer struct {
	payload any
	page    *kit.Page // what the payload shows, when it is words for one person
	after   func(context.Context)
	long    bool // after reads files or boxes, which takes its time
}

// then adds to what is left to do.
// next runs also where what stands before it failed or was cut off by its deadline: it gets the same context.
func (a answer) then(next func(context.Context)) answer {
	first := a.after
	a.after = func(ctx context.Context) {
		if first != nil {
			first(ctx)
		}
		next(ctx)
	}
	return a
}

// load is how many envelopes have come and are not answered, and how long one takes lately: from both follows who would
// wait in vain (turnAway).
type load struct {
	mu   sync.Mutex
	open int
	// It runs from when a worker begins, so waiting is not in it; wait reckons that from what is open.
	took time.Duration
}

// take counts one more piece of work that is open.
func (l *load) take() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
}

// answered weighs the latest an eighth: one that is slow is chance, and eight of them are not.
func (l *load) answered(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	l.took += (took - l.took) / 8
}

// wait is how long one that comes now has to wait until a worker begins with it.
// As many as there are workers are begun with at once; the others share what the workers get done.
func (l *load) wait(workers int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.took * time.Duration(max(0, l.open-workers+1)) / time.Duration(workers)
}

// busy says that nothing was done, so that nobody wonders whether to press again.
const busy = "I'm busy right now, so nothing was done. Please try again in a moment."

// turnAway tells whoever would wait longer than Slack does to try again: nothing is done, and they know at
// once. It returns false for what nobody can be told of: what Slack sends again by itself, and modals, which
// stay open with what was typed when they are not answered.
func (b *Bot) turnAway(d delivery) bool {
	var a answer
	switch data := d.Data.(type) {
	case slack.SlashCommand:
		a = privately(&kit.Page{}, kit.Words(busy))
	case slack.InteractionCallback:
		// A press in a modal or on a Home has no channel to say it in.
		if data.Type != slack.InteractionTypeBlockActions || data.Container.ChannelID == "" {
			return false
		}
		at := seatOf(data)
		// Where there is no room for words either, it waits with the others.
		if !b.later.TryGo(func() error {
			ctx, cancel := context.WithTimeout(context.Background(), b.lateTime())
			defer cancel()
			b.tell(ctx, at, kit.Words(busy))
			return nil
		}) {
			return false
		}
	default:
		return false
	}
	// The context of the listener may be at its end while it drains; this ack has to go out all the same.
	ctx, cancel := context.WithTimeout(context.Background(), b.Patience*2/3)
	defer cancel()
	kind, outcome := d.kind(), "busy"
	// For a press the payload is empty: the ack only keeps Slack from showing a failure beside the words.
	if err := d.client.AckCtx(ctx, d.Request.EnvelopeID, a.payload); err != nil {
		outcome = "failed"
		b.Log.Error("ack", "kind", kind, "error", err)
	}
	b.Log.Warn("too much at once: somebody was asked to try again", "kind", kind)
	b.Observe(kind, outcome, time.Since(d.at))
	return true
}

// fieldsOf are a modal's fields by name.
//
// A field that was not on the form is missing, and what is read of it is empty: fields[name].Value needs no
// question.
func fieldsOf(cb slack.InteractionCallback) map[string]slack.BlockAction {
	fields := map[string]slack.BlockAction{}
	if cb.View.State == nil {
		return fields
	}
	// State is by block and element, and our fields give both the same name (package ids).
	for name, actions := range cb.View.State.Values {
		fields[name] = actions[name]
	}
	return fields
}

// beside says beside a field what is wrong.
// Slack keeps the form open with all that was typed, and shows the text below that field.
func beside(field, text string) answer {
	return answer{payload: slack.NewErrorsViewSubmissionResponse(map[string]string{field: kit.Cut(text, 2000)})}
}

// unchanged takes a modal's place and says why nothing has come of it.
func unchanged(text string) *slack.ViewSubmissionResponse {
	return slack.NewUpdateViewSubmissionResponse(kit.NoteView(noChange, text))
}

// noChange is the title of such a note.
const noChange = "Nothing has changed"

// inVain says why nothing has come of a form. The words lie on the form, which keeps what was typed in it; where nothing
// was, or where three modals lie there already (Slack knows no fourth), they take its place.
func inVain(cb slack.InteractionCallback, text string) *slack.ViewSubmissionResponse {
	if room := cb.View.PreviousViewID == "" || cb.View.PreviousViewID == cb.View.RootViewID; room && len(fieldsOf(cb)) > 0 {
		return slack.NewPushViewSubmissionResponse(kit.NoteView(noChange, text))
	}
	return unchanged(text)
}

// saved ends a form: it closes, or says what is wrong, beside the field where that is something that they typed, else over
// it. Unforeseen errors get no ack: the form stays open with what was typed.
func saved(cb slack.InteractionCallback, err error, field string) (answer, error) {
	text, ok := draw.Known(err)
	switch {
	case err == nil:
		return answer{payload: slack.NewClearViewSubmissionResponse()}, nil
	case !ok:
		return answer{}, err
	case isInput(err):
		return beside(field, text), nil
	}
	return answer{payload: inVain(cb, text)}, nil
}

// askAnew asks what a button or a form stands for. What it has asked before is not asked twice, unless that ended
// without an answer. The question that comes after it is named by it, so that whoever presses twice asks one.
func askAnew(ctx context.Context, ask func(context.Context, approval.Question) (*approval.Request, error), q approval.Question) (*approval.Request, error) {
	first := q.Trigger
	for {
		r, err := ask(ctx, q)
		if err != nil || !r.State.Final() || r.State == approval.Done {
			return r, err
		}
		q.Trigger = first + " after " + r.ID
	}
}

// awaiting answers a form with a modal that says what has begun, does it, and draws in that modal what
// has come of it. Slack may draw what an ack holds later than a call that came after it, and so write
// the beginning over the outcome. Hence the modal has a name of ours: no modal has it before Slack has
// drawn the ack, and until then the outcome is sent again.
//
// work has longTime. What it returns is drawn also where that is over: its words then say that it took too
// long.
func (w *slackAPI) awaiting(begun slack.ModalViewRequest, work func(context.Context) slack.ModalViewRequest) answer {
	begun.ExternalID = rand.Text()
	return answer{long: true, payload: slack.NewUpdateViewSubmissionResponse(&begun), after: func(ctx context.Context) {
		outcome := work(ctx)
		if errors.Is(ctx.Err(), context.DeadlineExceeded) { // that, too, is told
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), modalDrawn)
			defer cancel()
		}
		// The name stands in for the id of the view, which nobody knows before Slack has drawn the ack.
		_, err := backoff.Retry(ctx, func() (*slack.ViewResponse, error) {
			shown, err := w.api.UpdateViewContext(ctx, outcome, begun.ExternalID, "", "")
			if err != nil && codes.Of(err) != "not_found" {
				err = backoff.Permanent(err)
			}
			return shown, err
		}, backoff.WithBackOff(backoff.NewConstantBackOff(modalDrawn/100)), backoff.WithMaxElapsedTime(modalDrawn))
		if err != nil && codes.Of(err) != "not_found" { // closed meanwhile
			w.Log.Warn("draw what has come of a form", "view", begun.CallbackID, "error", codes.Detail(err))
		}
	}}
}

// modalDrawn is how long Slack may take to draw what an ack holds. Generous: the outcome of minutes of work must not
// get lost on the last step.
const modalDrawn = 30 * time.Second
