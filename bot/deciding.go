package bot

import (
	"context"
	"errors"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/codes"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/readback"
)

// clickOf are the facts of a press on a button in a message or a modal.
//
// ActionTS is by what a repeated delivery of the same press is known.
func clickOf(cb slack.InteractionCallback, action *slack.BlockAction) approval.Click {
	at := seatOf(cb)
	return approval.Click{Team: cb.Team.ID, User: cb.User.ID, ActionTS: action.ActionTs, Channel: at.channel, MessageTS: cb.Container.MessageTs}
}

// Decisions are what reviewers do with code that waits for them.
// Each refuses by itself whoever may not: handlers ask beforehand only to spare people a form.
type Decisions interface {
	Decide(ctx context.Context, ruling steps.Ruling) (*approval.Request, error)
	// MayDecide gives the error that Decide would give, and decides nothing.
	MayDecide(ctx context.Context, ruling steps.Ruling) (*approval.Request, error)
	// MayChange is MayDecide for a wish for changes, and says who could approve what comes of
	// it; Stuck tells the administrators that nobody could.
	MayChange(ctx context.Context, ruling steps.Ruling) (review.Next, error)
	Stuck(ctx context.Context, id string, click approval.Click) error
	// Opened notes that somebody has opened a version of the code to read it.
	Opened(ctx context.Context, id string, revision int, click approval.Click) error
	Disown(ctx context.Context, id string, revision int, click approval.Click) (*approval.Request, error)
	// GiveUp ends a request that waits for what cannot be seen at the moment, for a reviewer.
	GiveUp(ctx context.Context, id string, click approval.Click) (*approval.Request, error)
	// Stranger notes that somebody of another workspace has pressed something of a request's.
	Stranger(ctx context.Context, id string, click approval.Click) error
	// View is a request with all that its messages are drawn from. Pressed is what of it a decision needs by
	// whoever has seen a message that need not be drawn again: the request, its Case without budgets, and where its messages stand.
	View(ctx context.Context, id string) (*steps.View, error)
	Pressed(ctx context.Context, id string) (*steps.View, error)
}

// deciding takes verdicts, from cards, modals and rows of a queue.
type deciding struct {
	*slackAPI
	habits  *habits
	service Decisions
}

// clickApprove approves from the card, which has shown the whole code.
//
// The button's value is "request/revision/digest", and behind it the mark of what the card said when it was
// sent.
func (h *deciding) clickApprove(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	value, mark := readback.CutMark(action.Value)
	s, err := draw.ParseSeal(value)
	if err != nil {
		return answer{}, err
	}
	click := clickOf(cb, action)
	// The card is drawn again below, and its links name the workspace: it must be known by then.
	if _, err := h.who(ctx); err != nil {
		return answer{}, err
	}
	shown, err := h.seen(ctx, s, click, mark, readback.Pressed(ctx, "message"), func(v *steps.View) readback.Tree { return readback.TreeFrom(draw.Card(h.with(), v, false).Blocks) })
	// What Slack shows is not what was sent, so nobody approves by it: the card is marked, and the reviewer reads why.
	if changed, ok := errors.AsType[*unlikeError](err); ok {
		a, err := h.decided(s, click, seatOf(cb), err)
		return a.then(func(ctx context.Context) { h.flawed(ctx, s, click, changed.line) }), err
	}
	if err != nil {
		return answer{}, err
	}
	ruling := s.Ruling(approval.Approve, "", click)
	// What was read for the comparison is what the decision rests on: it is not read a second time.
	ruling.Case = shown.Case
	_, err = h.service.Decide(ctx, ruling)
	return h.decidedOn(shown, s, click, seatOf(cb), err)
}

// decidedOn is decided where it is known which cards jobs keep up: one of those needs no second look.
// text is what is said to whoever was refused; empty where the decision stands.
func (h *deciding) decidedOn(v *steps.View, s draw.Seal, click approval.Click, at seat, err error) (answer, error) {
	text, _ := draw.Known(err)
	a, err := h.decided(s, click, at, err)
	// A job redraws this card anyway. To look it up once more would cost each click a load of everything.
	if err == nil && remembered(v, click) {
		a.after = func(ctx context.Context) { h.lead(ctx, at, text, "") }
	}
	return a, err
}

// decided ends a decision: the card that was pressed is put right if it is not
// the one that jobs keep up, and who was refused gets to know why.
func (h *deciding) decided(s draw.Seal, click approval.Click, at seat, err error) (answer, error) {
	text, ok := draw.Known(err)
	if err != nil && !ok {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { h.lead(ctx, at, text, h.tidy(ctx, s, click)) }}, nil
}

// tidy puts right a card that no job keeps up to date: of a former version, or posted by
// a program that died before it could remember it. The card then shows the decision, or
// leads to the card where one can be made. If Slack does not let it be rewritten, tidy
// returns the link of the card that replaces it.
func (h *deciding) tidy(ctx context.Context, s draw.Seal, click approval.Click) (elsewhere string) {
	if click.MessageTS == "" {
		return ""
	}
	v, err := h.service.View(ctx, s.Request)
	if err != nil {
		h.Log.Error("look for stray cards", "request", s.Request, "error", err)
		return ""
	}
	if v.Request.Team != click.Team || v.Request.Revision == nil || remembered(v, click) {
		return ""
	}
	kept := draw.CardPost(v)
	who, err := h.who(ctx)
	if err == nil {
		url := who.Permalink(kept.Channel, kept.TS, "")
		p := draw.FormerCard(v, s.Revision, url)
		// The same version, and nothing to press on it any more, or no card that anybody remembers: this
		// one becomes the card. In any other case it leads to the one that counts.
		if s.Revision == v.Request.Revision.Number && (v.Request.State != approval.Pending || kept.TS == "") {
			p = draw.Card(h.with(), v, false)
		}
		_, _, _, err = h.api.UpdateMessageContext(ctx, click.Channel, click.MessageTS, p.Options()...)
		if codes.BeyondRepair(err) {
			elsewhere = url
		}
	}
	if err != nil {
		h.Log.Warn("redraw a stray card", "request", s.Request, "error", codes.Detail(err))
	}
	return elsewhere
}

// remembered tells of a press on a card that a job keeps up.
func remembered(v *steps.View, click approval.Click) bool {
	for _, surface := range []steps.Surface{steps.SurfaceCard, steps.SurfacePlain} {
		if post := v.Posts[surface]; post.Channel == click.Channel && post.TS == click.MessageTS {
			return true
		}
	}
	return false
}

// lead tells one person the outcome of their press, with a link to the card that shows
// it.
//
// Where the card itself shows the outcome it says nothing: a message for each press would be noise.
func (h *deciding) lead(ctx context.Context, at seat, text, elsewhere string) {
	p := &kit.Page{}
	if elsewhere != "" && text == "" {
		text = "Slack no longer lets me change this card. The newer one is up to date."
	}
	if text == "" {
		return
	}
	p.Say(kit.Words(text))
	if elsewhere != "" {
		p.Buttons("look", kit.Goes("Go to the card", elsewhere))
	}
	h.hand(ctx, at, p)
}

// clickReject opens the question why. Who may not decide is told so at once,
// before they write anything.
func (h *deciding) clickReject(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, s, err := cardOf(cb, action)
	if err != nil {
		return answer{}, err
	}
	click := clickOf(cb, action)
	// Decide asks the same again when the form is sent off: it may be open for an hour.
	if _, err := h.service.MayDecide(ctx, s.Ruling(approval.Reject, "", click)); err != nil {
		return h.decided(s, click, seatOf(cb), err)
	}
	return answer{}, h.lay(ctx, cb, draw.ReasonView(from, action.ActionID == ids.ActionQuestion))
}

// lay shows a modal, on the one that is open.
// Slack stacks three modals at most; from a card none lies below, from the review one does.
func (h *deciding) lay(ctx context.Context, cb slack.InteractionCallback, view slack.ModalViewRequest) error {
	// A modal has no message of its own; where it was opened stands in its private metadata.
	if cb.View.ID != "" {
		return h.push(ctx, cb.TriggerID, view)
	}
	return h.open(ctx, cb.TriggerID, view)
}

// cardOf finds the card that a press belongs to: the message itself, or the one
// that the modal was opened from.
func cardOf(cb slack.InteractionCallback, action *slack.BlockAction) (draw.Origin, draw.Seal, error) {
	s, err := draw.ParseSeal(action.Value)
	if err != nil {
		return draw.Origin{}, s, err
	}
	from := draw.Origin{Channel: seatOf(cb).channel, Message: cb.Container.MessageTs, Seal: s.String()}
	if cb.View.ID != "" {
		from, err = draw.OriginOf(cb.View.PrivateMetadata)
	}
	return from, s, err
}

// submitReason rejects.
func (h *deciding) submitReason(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	return h.rule(ctx, cb, approval.Reject, nil)
}

// submitReview approves from the modal that has shown the whole of a program, if
// that is what it has shown.
func (h *deciding) submitReview(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, s, err := sealedOrigin(cb)
	if err != nil {
		return answer{}, err
	}
	shown, err := h.seen(ctx, s, modalClick(cb, from), from.Mark, readback.Pressed(ctx, "view"), func(v *steps.View) readback.Tree {
		view, _ := draw.ReviewView(h.with(), v, from)
		return readback.TreeFrom(view)
	})
	if err != nil {
		text, ok := draw.Known(err)
		if !ok {
			return answer{}, err
		}
		return answer{payload: unchanged(text)}, nil
	}
	return h.rule(ctx, cb, approval.Approve, shown.Case)
}

// sealedOrigin is where a modal was opened, and what it stands for.
func sealedOrigin(cb slack.InteractionCallback) (draw.Origin, draw.Seal, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return from, draw.Seal{}, err
	}
	s, err := draw.ParseSeal(from.Seal)
	return from, s, err
}

// modalClick are the facts of sending a modal off. It has no action_ts; its id is
// as good: sending it again is the same click.
//
// MessageTS is that of the card from which the modal was opened, so that a stray card is put right after it
// (tidy).
func modalClick(cb slack.InteractionCallback, from draw.Origin) approval.Click {
	return approval.Click{Team: cb.Team.ID, User: cb.User.ID, ActionTS: cb.View.ID, Channel: from.Channel, MessageTS: from.Message}
}

// rule decides from a modal. What stops the decision is said in the modal, or beside the
// field that can fix it.
func (h *deciding) rule(ctx context.Context, cb slack.InteractionCallback, verdict approval.Verdict, shown *steps.Case) (answer, error) {
	from, s, err := sealedOrigin(cb)
	if err != nil {
		return answer{}, err
	}
	fields, click := fieldsOf(cb), modalClick(cb, from)
	ruling := s.Ruling(verdict, fields[ids.FieldReason].Value, click)
	ruling.Case = shown
	ruling.Typed = strings.TrimSpace(fields[ids.FieldTyped].Value)
	_, err = h.service.Decide(ctx, ruling)
	text, ok := draw.Known(err)
	if err != nil && !ok {
		return answer{}, err
	}
	// The modal of a rejection has the one field, that of an approval the other.
	for _, field := range []string{ids.FieldReason, ids.FieldTyped} {
		if _, asked := fields[field]; asked && isInput(err) {
			return beside(field, text), nil
		}
	}
	return h.settled(cb, s, click, text), nil
}

// isInput tells of an error that the person can mend in the modal.
func isInput(err error) bool {
	_, ok := errors.AsType[*approval.InputError](err)
	return ok
}

// settled closes a modal whose work is done, or says why it is not.
// The whole stack closes, since the review below would show a request that is decided.
func (h *deciding) settled(cb slack.InteractionCallback, s draw.Seal, click approval.Click, text string) answer {
	a := answer{payload: slack.NewClearViewSubmissionResponse(), after: func(ctx context.Context) {
		h.lead(ctx, seat{user: click.User, channel: click.Channel}, "", h.tidy(ctx, s, click))
	}}
	if text != "" {
		a.payload = inVain(cb, text)
	}
	return a
}

// clickChanges opens the question what should be different. Who may not decide is
// told so at once, before they write anything, and so is who could not approve what
// comes of it.
func (h *deciding) clickChanges(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, s, err := cardOf(cb, action)
	if err != nil {
		return answer{}, err
	}
	click := clickOf(cb, action)
	next, err := h.service.MayChange(ctx, s.Ruling(approval.Rewrite, "", click))
	if err != nil {
		return h.decided(s, click, seatOf(cb), err)
	}
	// The administrators are told when the modal opens, not when it is sent off: most who read that
	// nobody could approve the next version will not send it.
	a := answer{}
	if next.Stuck() {
		a.after = func(ctx context.Context) {
			if err := h.service.Stuck(ctx, s.Request, click); err != nil {
				h.Log.Error("tell administrators that nobody could approve", "request", s.Request, "error", err)
			}
		}
	}
	return a, h.lay(ctx, cb, draw.ChangesView(from, next))
}

// submitChanges has another version written.
func (h *deciding) submitChanges(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	return h.rule(ctx, cb, approval.Rewrite, nil)
}
