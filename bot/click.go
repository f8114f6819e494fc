package bot

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
)

// seal is what a button stands for: one revision of one request, by its digest.
// What is decided is this, whatever the request has become since.
type seal struct {
	request  string
	revision int
	digest   string
}

// sealOf is what the buttons of a card carry.
func sealOf(r *approval.Request) seal {
	return seal{request: r.ID, revision: r.Revision.Number, digest: r.Revision.Digest}
}

// String is how a button carries it; parseSeal reads it back.
func (s seal) String() string { return fmt.Sprintf("%s/%d/%s", s.request, s.revision, s.digest) }

// parseSeal reads a button's value. Slack gives back what was sent, but an old
// version of this program may have sent it.
func parseSeal(value string) (seal, error) {
	fields := strings.Split(value, "/")
	bad := &approval.InputError{Why: "I do not know this button. It may belong to an older version of this app; please look for a newer card."}
	if len(fields) != 3 || fields[0] == "" || len(fields[2]) != 64 || strings.Trim(fields[2], "0123456789abcdef") != "" {
		return seal{}, bad
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil || n < 1 || strconv.Itoa(n) != fields[1] {
		return seal{}, bad
	}
	return seal{request: fields[0], revision: n, digest: fields[2]}, nil
}

// ruling is a verdict on what the seal names.
func (s seal) ruling(v approval.Verdict, reason string, click approval.Click) steps.Ruling {
	return steps.Ruling{RequestID: s.request, Revision: s.revision, Digest: s.digest, Verdict: v, Reason: reason, Click: click}
}

// clickOf are the facts of a press on a button in a message or a modal.
func clickOf(cb slack.InteractionCallback, action *slack.BlockAction) approval.Click {
	at := seatOf(cb)
	return approval.Click{Team: cb.Team.ID, User: cb.User.ID, ActionTS: action.ActionTs, Channel: at.channel, MessageTS: cb.Container.MessageTs}
}

// clickApprove approves from the card, which has shown the whole code.
func (b *Bot) clickApprove(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	value, mark := cutMark(action.Value)
	s, err := parseSeal(value)
	if err != nil {
		return answer{}, err
	}
	click := clickOf(cb, action)
	who, err := b.who(ctx)
	if err != nil {
		return answer{}, err
	}
	err = b.seen(ctx, s, click, mark, pressed(ctx, "message"), func(v *steps.View) tree { return treeFrom(b.card(v, who, false).blocks) })
	if changed := new(unlikeError); errors.As(err, &changed) {
		a, err := b.decided(s, click, seatOf(cb), err)
		return a.then(func(ctx context.Context) { b.flawed(ctx, s, click, changed.line) }), err
	}
	if err != nil {
		return answer{}, err
	}
	_, err = b.Service.Decide(ctx, s.ruling(approval.Approve, "", click))
	return b.decided(s, click, seatOf(cb), err)
}

// decided ends a decision: the card that was pressed is put right if it is not
// the one that jobs keep up, and who was refused gets to know why.
func (b *Bot) decided(s seal, click approval.Click, at seat, err error) (answer, error) {
	text, ok := known(err)
	if err != nil && !ok {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { b.lead(ctx, at, text, b.tidy(ctx, s, click)) }}, nil
}

// tidy puts right a card that nobody remembers: of a former version, or posted by a
// program that died before it could remember it. It shows how a decision ended, or
// leads to the card on which one can be taken. The remembered ones are their job's.
// Of a card that Slack lets nobody rewrite any more it returns where the one is that
// stands for it.
func (b *Bot) tidy(ctx context.Context, s seal, click approval.Click) (elsewhere string) {
	if click.MessageTS == "" {
		return ""
	}
	v, err := b.Service.View(ctx, s.request)
	if err != nil {
		b.Log.Error("look for stray cards", "request", s.request, "error", err)
		return ""
	}
	if v.Request.Team != click.Team || v.Request.Revision == nil || remembered(v, click) {
		return ""
	}
	kept := cardPost(v)
	who, err := b.who(ctx)
	if err == nil {
		url := who.permalink(kept.Channel, kept.TS, "")
		p := b.formerCard(v, s.revision, url)
		if s.revision == v.Request.Revision.Number && (v.Request.State != approval.Pending || kept.TS == "") {
			p = b.card(v, who, false)
		}
		_, _, _, err = b.api.UpdateMessageContext(ctx, click.Channel, click.MessageTS, p.options()...)
		if beyondRepair(err) {
			elsewhere = url
		}
	}
	if err != nil {
		b.Log.Warn("redraw a stray card", "request", s.request, "error", detail(err))
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

// lead says to one person what became of their press, and where the card is that
// shows it when the one that they pressed cannot.
func (b *Bot) lead(ctx context.Context, at seat, text, elsewhere string) {
	p := &page{}
	if elsewhere != "" && text == "" {
		text = "Slack does not let me change this card any more. How it stands is shown on the newer one."
	}
	if text == "" {
		return
	}
	p.say(words(text))
	if elsewhere != "" {
		p.buttons("look", goes("Go to the card", elsewhere))
	}
	b.hand(ctx, at, p)
}

// clickReject opens the question why. Who may not decide is told so at once,
// before they write anything.
func (b *Bot) clickReject(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	return b.askReason(ctx, cb, action, approval.Reject)
}

// askReason opens the modal in which a verdict gets its reason.
func (b *Bot) askReason(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction, verdict approval.Verdict) (answer, error) {
	from, s, err := cardOf(cb, action)
	if err != nil {
		return answer{}, err
	}
	click := clickOf(cb, action)
	if _, err := b.Service.MayDecide(ctx, s.ruling(verdict, "", click)); err != nil {
		return b.decided(s, click, seatOf(cb), err)
	}
	view := reasonView(from)
	if verdict == approval.Rewrite {
		view = changesView(from)
	}
	if cb.View.ID != "" {
		return answer{}, b.push(ctx, cb.TriggerID, view)
	}
	return answer{}, b.open(ctx, cb.TriggerID, view)
}

// cardOf finds the card that a press belongs to: the message itself, or the one
// that the modal was opened from.
func cardOf(cb slack.InteractionCallback, action *slack.BlockAction) (origin, seal, error) {
	s, err := parseSeal(action.Value)
	if err != nil {
		return origin{}, s, err
	}
	from := origin{Channel: seatOf(cb).channel, Message: cb.Container.MessageTs, Seal: s.String()}
	if cb.View.ID != "" {
		from, err = originOf(cb.View.PrivateMetadata)
	}
	return from, s, err
}

// reasonView asks why.
func reasonView(from origin) slack.ModalViewRequest {
	field := slack.NewPlainTextInputBlockElement(plain("The asker gets to read it."), fieldReason)
	field.Multiline, field.MaxLength, field.FocusOnLoad = true, 1000, true
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackReason, Title: plain("Reject this code"), Submit: plain("Reject"),
		Close: plain("Back"), PrivateMetadata: from.String(),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock(fieldReason, plain("Why?"), nil, field)}}}
}

// submitReason rejects.
func (b *Bot) submitReason(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	return b.rule(ctx, cb, approval.Reject)
}

// submitReview approves from the modal that has shown the whole of a program, if
// that is what it has shown.
func (b *Bot) submitReview(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, s, err := sealedOrigin(cb)
	if err != nil {
		return answer{}, err
	}
	err = b.seen(ctx, s, modalClick(cb, from), from.Mark, pressed(ctx, "view"), func(v *steps.View) tree {
		view, _ := b.reviewView(v, from)
		return treeFrom(view)
	})
	if err != nil {
		text, ok := known(err)
		if !ok {
			return answer{}, err
		}
		return answer{payload: slack.NewUpdateViewSubmissionResponse(noteView("Nothing has changed", text))}, nil
	}
	return b.rule(ctx, cb, approval.Approve)
}

// sealedOrigin is where a modal was opened, and what it stands for.
func sealedOrigin(cb slack.InteractionCallback) (origin, seal, error) {
	from, err := originOf(cb.View.PrivateMetadata)
	if err != nil {
		return from, seal{}, err
	}
	s, err := parseSeal(from.Seal)
	return from, s, err
}

// modalClick are the facts of sending a modal off. It has no action_ts; its id is
// as good: sending it again is the same click.
func modalClick(cb slack.InteractionCallback, from origin) approval.Click {
	return approval.Click{Team: cb.Team.ID, User: cb.User.ID, ActionTS: cb.View.ID, Channel: from.Channel, MessageTS: from.Message}
}

// rule decides from a modal. What stands in the way is said in the modal's place,
// where the person looks, or beside the field that can mend it.
func (b *Bot) rule(ctx context.Context, cb slack.InteractionCallback, verdict approval.Verdict) (answer, error) {
	from, s, err := sealedOrigin(cb)
	if err != nil {
		return answer{}, err
	}
	fields, click := fieldsOf(cb), modalClick(cb, from)
	ruling := s.ruling(verdict, fields[fieldReason].Value, click)
	ruling.Typed = strings.TrimSpace(fields[fieldTyped].Value)
	_, err = b.Service.Decide(ctx, ruling)
	text, ok := known(err)
	if err != nil && !ok {
		return answer{}, err
	}
	for _, field := range []string{fieldReason, fieldTyped} {
		if _, asked := fields[field]; asked && isInput(err) {
			return answer{payload: slack.NewErrorsViewSubmissionResponse(map[string]string{field: cut(text, 2000)})}, nil
		}
	}
	return b.settled(s, click, text), nil
}

// isInput tells of an error that the person can mend in the modal.
func isInput(err error) bool {
	var input *approval.InputError
	return errors.As(err, &input)
}

// settled closes a modal whose work is done, or says in its place why it is not.
func (b *Bot) settled(s seal, click approval.Click, text string) answer {
	a := answer{payload: slack.NewClearViewSubmissionResponse(), after: func(ctx context.Context) {
		b.lead(ctx, seat{user: click.User, channel: click.Channel}, "", b.tidy(ctx, s, click))
	}}
	if text != "" {
		a.payload = slack.NewUpdateViewSubmissionResponse(noteView("Nothing has changed", text))
	}
	return a
}

// noteOf is a modal that only shows a page.
func noteOf(title string, p *page) slack.ModalViewRequest {
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackNote, Title: plain(title), Close: plain("Close"), Blocks: slack.Blocks{BlockSet: p.blocks}}
}

// noteView is a modal that only says something.
func noteView(title, text string) *slack.ModalViewRequest {
	p := &page{}
	p.say(words(text))
	view := noteOf(title, p)
	return &view
}

// clickCancel takes a request back.
func (b *Bot) clickCancel(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	_, err := b.Service.Withdraw(ctx, action.Value, clickOf(cb, action))
	return answer{}, err
}

// moreCode puts the code into the card's thread as a file, for reading.
func (b *Bot) moreCode(_ context.Context, cb slack.InteractionCallback, v *steps.View, _ approval.Click) (answer, error) {
	at := seatOf(cb)
	return answer{after: func(ctx context.Context) {
		_, refused, err := b.upload(ctx, spot{at.channel, cb.Container.MessageTs}, []approval.Artifact{codeFile(v.Request)}, true)
		switch {
		case err != nil:
			b.tell(ctx, at, words(b.Words(err)))
		case len(refused) > 0:
			b.tell(ctx, at, words("Slack does not take the file here. An administrator finds the reason in the log."))
		}
	}}, nil
}
