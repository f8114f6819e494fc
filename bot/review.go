package bot

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/codes"
	"countersign/bot/draw"
	"countersign/bot/draw/notice"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/readback"
)

// clickReview opens the whole of a program, from its card.
func (h *deciding) clickReview(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, s, err := cardOf(cb, action)
	if err != nil {
		return answer{}, err
	}
	click := clickOf(cb, action)
	if _, err := h.service.MayDecide(ctx, s.Ruling(approval.Approve, "", click)); err != nil {
		return h.decided(s, click, seatOf(cb), err)
	}
	v, err := h.service.View(ctx, s.Request)
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.openReview(ctx, cb.TriggerID, v, from, click)
}

// openReview shows the modal, and looks at what Slack has made of it: what does
// not show the code as it is gives way to a word, before anybody can send it off.
func (h *deciding) openReview(ctx context.Context, trigger string, v *steps.View, from draw.Origin, click approval.Click) error {
	view, ok := draw.ReviewView(h.with(), v, from)
	return h.openCode(ctx, trigger, v, view, ok, click)
}

// openCode is openReview for either modal that shows the code.
func (h *deciding) openCode(ctx context.Context, trigger string, v *steps.View, view slack.ModalViewRequest, ok bool, click approval.Click) error {
	if !v.Terms.Slack {
		return &approval.InputError{Why: approval.Words("By the rules, this is decided on the command line: countersign decide " + v.Request.ID)}
	}
	if !ok {
		return &approval.InputError{Why: approval.Words("This program is too long to be shown here, so it cannot be approved. Reject it, or request changes.")}
	}
	// Colour only where a card has shown that Slack keeps the language: a modal that comes back without
	// it would differ from what was sent.
	if h.habits.keeps() {
		view.Blocks.BlockSet = kit.Coloured(view.Blocks.BlockSet)
	}
	// From here on Slack's own bytes are kept: slack-go knows a part of the fields only.
	ctx, held := readback.Holding(ctx)
	stored, err := h.api.OpenViewContext(ctx, trigger, view)
	if err != nil {
		return h.unopened(v.Request.ID, view, err)
	}
	d := readback.Differ(readback.TreeFrom(view), held.Posted())
	// The metadata says which revision the modal approves, so it counts like the code.
	if !held.HoldsText("private_metadata", view.PrivateMetadata) || !held.HoldsText("callback_id", view.CallbackID) {
		d.What = "metadata"
	}
	if !d.Harmful() {
		h.habits.learn("a modal", d.Spelling)
		if err := h.service.Opened(ctx, v.Request.ID, v.Request.Revision.Number, click); err != nil {
			// Where the rules ask for reading, or somebody breaks the glass, they then have to open it again.
			h.Log.Warn("note who has opened a review", "request", v.Request.ID, "error", err)
		}
		return nil
	}
	h.Log.Error("Slack stored something else than the modal that was sent", "request", v.Request.ID, "what", d.What, "line", d.Line)
	// The submission is held against the code again, so this is courtesy, not safety.
	_, err = h.api.UpdateViewContext(ctx, *kit.NoteView("This cannot be trusted", draw.Unlike(d.Line, v.Request.ID)), "", "", stored.ID)
	if err != nil {
		h.Log.Warn("take back a modal that cannot be trusted", "request", v.Request.ID, "error", codes.Detail(err))
	}
	return nil
}

// unopened is what is left when Slack does not open the modal that shows the code: where
// it refuses it again and again, there is another way to decide.
func (w *slackAPI) unopened(id string, view slack.ModalViewRequest, err error) error {
	again := opened(view, err)
	if again == nil || isInput(again) || !codes.Formal(err) {
		return again
	}
	w.Log.Warn("Slack refuses a modal", "request", id, "modal", view.CallbackID, "code", codes.Of(err), "error", codes.Detail(err))
	return &approval.InputError{Why: approval.Words("Slack does not open the code here, and says " + codes.Of(err) + ". Nothing has changed. It can be decided on the command line: countersign decide " + id)}
}

// clickQueued opens the code of a row of the queue: it is decided right there.
func (h *deciding) clickQueued(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := h.own(ctx, cb, action.Value)
	if err != nil {
		return answer{}, err
	}
	s := draw.SealOf(v.Request)
	click := clickOf(cb, action)
	if _, err := h.service.MayDecide(ctx, s.Ruling(approval.Approve, "", click)); err != nil {
		return answer{}, err
	}
	return answer{}, h.openReview(ctx, cb.TriggerID, v, draw.Origin{Seal: s.String()}, click)
}

// own is a request's view, if the request belongs to the workspace of the click.
func (h *deciding) own(ctx context.Context, cb slack.InteractionCallback, id string) (*steps.View, error) {
	v, err := h.service.View(ctx, id)
	if err == nil && (v.Request.Team != cb.Team.ID || v.Request.Revision == nil) {
		return nil, approval.ErrNotFound
	}
	return v, err
}

// unlikeError tells that nothing may be approved by what was pressed.
type unlikeError struct {
	line int // the first line of the code that differs, or 0
	*approval.InputError
}

func (e *unlikeError) Unwrap() error { return e.InputError }

// seen makes sure, at the click, that what Slack holds of the place where it was
// made is the code that would be approved, and says beside it what was sent. An
// outdated place is for Decide to refuse.
//
// It returns what it has loaded, for the decision to rest on.
func (h *deciding) seen(ctx context.Context, s draw.Seal, click approval.Click, mark string, held readback.Tree, drawing func(v *steps.View) readback.Tree) (*steps.View, error) {
	shown := readback.ProgramOf(readback.FactsOf(held))
	// Where what was pressed is what was sent to the last word, nobody waits for another one to be drawn.
	if mark != "" && readback.Whole(held) == mark {
		v, err := h.service.Pressed(ctx, s.Request)
		if err != nil {
			return nil, err
		}
		if outdated(v, s) || otherLine(v, shown) == 0 {
			return v, nil
		}
	}
	v, err := h.service.View(ctx, s.Request)
	if err != nil {
		return nil, err
	}
	// Of an outdated place there is nothing to compare with. Decide says that it is outdated.
	if outdated(v, s) {
		return v, nil
	}
	drawn := drawing(v)
	// The program itself is compared first, against the row and not against what would be drawn now.
	line := otherLine(v, shown)
	// Beside the code, what was pressed has to say what it said when it was sent: the mark was made
	// of that, and Approve carries it.
	if line == 0 && mark != "" && readback.MarkOf(held, drawn) == readback.Bare(mark) {
		h.habits.learn("what was pressed", readback.Spelling(drawn, held))
		return v, nil
	}
	// Who could not decide anyway, or comes too late, gets to know that.
	if _, err := h.service.MayDecide(ctx, s.Ruling(approval.Approve, "", click)); err != nil {
		return nil, err
	}
	d := readback.Differ(drawn, held)
	h.Log.Error("approved from something that does not say what was sent", "request", s.Request, "revision", s.Revision, "line", line, "what", d.What)
	return nil, &unlikeError{line, &approval.InputError{Why: approval.Words(draw.Unlike(line, s.Request))}}
}

// outdated tells of a press on another version than the one that stands.
func outdated(v *steps.View, s draw.Seal) bool {
	rev := v.Request.Revision
	return rev == nil || rev.Digest != s.Digest || rev.Number != s.Revision
}

// otherLine is the first line, counted from 1, in which a program that was shown is not the one that would run;
// 0: it is.
func otherLine(v *steps.View, shown []string) int {
	code := readback.Numbered(v.Request.Revision.Code)
	if slices.Equal(code, shown) && code != nil {
		return 0
	}
	line := 1
	for line <= min(len(code), len(shown)) && code[line-1] == shown[line-1] {
		line++
	}
	return line
}

// flawed redraws a card on which something else was pressed than what was sent: it
// then says so, and leads to where the code can be decided on.
func (h *deciding) flawed(ctx context.Context, s draw.Seal, click approval.Click, line int) {
	v, err := h.service.View(ctx, s.Request)
	if err != nil || v.Request.State != approval.Pending || v.Request.Revision.Digest != s.Digest || v.Posts[steps.SurfaceCard].TS != click.MessageTS {
		return
	}
	_, err = h.who(ctx)
	if err == nil {
		_, _, _, err = h.api.UpdateMessageContext(ctx, click.Channel, click.MessageTS, draw.DrawCard(h.with(), v, draw.Flaw{Found: true, Line: line}).Options()...)
	}
	if err != nil {
		h.Log.Warn("redraw a card that says something else", "request", s.Request, "error", codes.Detail(err))
	}
}

// clickGiveUp ends it.
func (h *deciding) clickGiveUp(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	_, err := h.service.GiveUp(ctx, action.Value, clickOf(cb, action))
	return answer{}, err
}

// clickDisown takes back what was approved in somebody's name.
func (h *deciding) clickDisown(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	id, number, _ := strings.Cut(action.Value, "/")
	revision, err := strconv.Atoi(number)
	if err != nil {
		return answer{}, &approval.InputError{Why: approval.Words("I do not recognise this button. It may be from an older version of this app.")}
	}
	at := seatOf(cb)
	if _, err := h.service.Disown(ctx, id, revision, clickOf(cb, action)); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) {
		h.tell(ctx, at, kit.Words("The approval has been withdrawn, and the administrators have been told. If somebody else used your account, sign out of Slack everywhere and change your password."))
	}}, nil
}

// strangers are told this: budgets, reviewers and the audit trail belong to the
// workspace that the bot was installed in, and so does every question.
const strangers = "This app works only for people of the workspace it is installed in."

// stranger answers who is of another workspace, and sees a message of ours in a
// channel that is shared with theirs: nothing has happened, and nothing will. What
// they pressed is on record when it stands for a request.
func (h *deciding) stranger(cb slack.InteractionCallback) (a answer) {
	value, click := cb.View.PrivateMetadata, approval.Click{Team: cb.Team.ID, User: cb.User.ID, Channel: seatOf(cb).channel, MessageTS: cb.Container.MessageTs}
	if from, err := draw.OriginOf(value); err == nil {
		value = from.Seal
	}
	if len(cb.ActionCallback.BlockActions) > 0 {
		value, click.ActionTS = cb.ActionCallback.BlockActions[0].Value, cb.ActionCallback.BlockActions[0].ActionTs
	}
	s, unknown := draw.ParseSeal(value)
	if unknown == nil || cb.ResponseURL != "" {
		a.after = func(ctx context.Context) {
			if cb.ResponseURL != "" {
				p := &kit.Page{}
				p.Say(kit.Words(strangers))
				options := append(p.Options(), slack.MsgOptionResponseURL(cb.ResponseURL, slack.ResponseTypeEphemeral))
				if _, _, err := h.api.PostMessageContext(ctx, "", options...); err != nil {
					h.Log.Warn("somebody of another workspace was not told", "error", codes.Detail(err))
				}
			}
			if unknown == nil {
				if err := h.service.Stranger(ctx, s.Request, click); err != nil {
					h.Log.Warn("a press from another workspace was not kept", "request", s.Request, "error", err)
				}
			}
		}
	}
	if cb.Type == slack.InteractionTypeViewSubmission {
		a.payload = unchanged(strangers)
	}
	return a
}

// Glass is the one exception: code that runs though nobody has approved it.
type Glass interface {
	// Offer lists what somebody may have run so now; why not is the error.
	Offer(ctx context.Context, click approval.Click) ([]*approval.Request, error)
	MayBreak(ctx context.Context, ruling steps.Ruling) error
	Break(ctx context.Context, ruling steps.Ruling) (*approval.Request, error)
	// Look notes that an administrator has looked at it; MayLook refuses whoever is none.
	MayLook(ctx context.Context, click approval.Click) error
	Look(ctx context.Context, click approval.Click, id string, revision int, fine bool) error
	// Disown takes it that whoever broke it says that it was not them.
	Disown(ctx context.Context, click approval.Click, id string, revision int) error
}

// breaking takes that.
type breaking struct {
	*deciding
	glass Glass // nil: there is none
}

// offer answers who asks for it with what waits, each with a button to its code.
func (h *breaking) offer(ctx context.Context, click approval.Click) (answer, error) {
	list, err := h.glass.Offer(ctx, click)
	if err != nil {
		return orPrivately(err)
	}
	if len(list) == 0 {
		return privately(&kit.Page{}, kit.Words("Nothing is waiting for a reviewer.")), nil
	}
	return privately(notice.Offer(list)), nil
}

// clickGlass opens the code.
func (h *breaking) clickGlass(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := h.own(ctx, cb, action.Value)
	if err != nil {
		return answer{}, err
	}
	s, click := draw.SealOf(v.Request), clickOf(cb, action)
	if err := h.glass.MayBreak(ctx, s.Ruling(approval.Approve, "", click)); err != nil {
		return answer{}, err
	}
	view, ok := draw.GlassView(h.with(), v, draw.Origin{Seal: s.String()})
	return answer{}, h.openCode(ctx, cb.TriggerID, v, view, ok, click)
}

// submitGlass has it run, if the modal has shown what it was to show.
func (h *breaking) submitGlass(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, s, err := sealedOrigin(cb)
	if err != nil {
		return answer{}, err
	}
	fields, click := fieldsOf(cb), modalClick(cb, from)
	ruling := s.Ruling(approval.Approve, fields[ids.FieldReason].Value, click)
	ruling.Typed = strings.TrimSpace(fields[ids.FieldTyped].Value)
	v, err := h.service.View(ctx, s.Request)
	if err != nil {
		return answer{}, err
	}
	// A repeated delivery finds it broken, and is answered like the first.
	if v.Request.State == approval.Pending && v.Request.Revision.Digest == s.Digest {
		view, _ := draw.GlassView(h.with(), v, from)
		held := readback.Pressed(ctx, "view")
		if !slices.Equal(readback.Numbered(v.Request.Revision.Code), readback.ProgramOf(readback.FactsOf(held))) || readback.MarkOf(held, readback.TreeFrom(view)) != readback.Bare(from.Mark) {
			h.Log.Error("the glass was to be broken from something that does not say what was sent", "request", s.Request)
			return answer{payload: unchanged(draw.Unlike(0, s.Request))}, nil
		}
	}
	_, err = h.glass.Break(ctx, ruling)
	return saved(cb, err, ids.FieldReason)
}

// clickLook shows an administrator what ran.
func (h *breaking) clickLook(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	id, _, _ := strings.Cut(action.Value, "/")
	v, err := h.own(ctx, cb, id)
	if err != nil {
		return answer{}, err
	}
	if v.Request.Glass == nil {
		return answer{}, &approval.MoveError{Request: v.Request, Verb: "look at", Why: approval.Because(approval.WhyGlassGone)}
	}
	if err := h.glass.MayLook(ctx, clickOf(cb, action)); err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, notice.LookView(v, action.Value))
}

// clickNotMine takes it from whoever broke the glass that it was not them.
func (h *breaking) clickNotMine(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	id, number, _ := strings.Cut(action.Value, "/")
	revision, err := strconv.Atoi(number)
	if err != nil {
		return answer{}, &approval.InputError{Why: approval.Words("I do not recognise this button. It may be from an older version of this app.")}
	}
	at := seatOf(cb)
	if err := h.glass.Disown(ctx, clickOf(cb, action), id, revision); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) {
		h.tell(ctx, at, kit.Words("Break-glass rests for everybody now, and the administrators have been told. Sign out of Slack everywhere and change your password."))
	}}, nil
}

// submitLook notes it.
func (h *breaking) submitLook(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	id, number, _ := strings.Cut(cb.View.PrivateMetadata, "/")
	revision, err := strconv.Atoi(number)
	if err != nil {
		return answer{}, &approval.InputError{Why: approval.Words("I do not recognise this form. It may be from an older version of this app.")}
	}
	fine := fieldsOf(cb)[ids.FieldFound].SelectedOption.Value == notice.LookFine
	return saved(cb, h.glass.Look(ctx, modalClick(cb, draw.Origin{}), id, revision, fine), ids.FieldFound)
}
