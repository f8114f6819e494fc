package bot

import (
	"context"
	"errors"
	"fmt"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"countersign/approval"
	"countersign/bot/auditing"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/readback"
	"countersign/bot/strays"
)

// handle does what an envelope asks for, if it comes from our own workspace.
func (b *Bot) handle(ctx context.Context, d delivery) (answer, error) {
	who, err := b.who(ctx)
	if err != nil {
		return answer{}, err
	}
	switch data := d.Data.(type) {
	// Who is of another workspace is answered before anything is looked up: nothing here is theirs.
	case slack.SlashCommand:
		if data.TeamID != who.TeamID {
			return privately(&kit.Page{}, kit.Words(strangers)), nil
		}
		run, ok := b.board.commands[data.Command]
		if !ok {
			return privately(&kit.Page{}, kit.Words("This app does not know "+data.Command+".")), nil
		}
		a, err := run(ctx, data)
		return b.orSorry(a, err, seat{user: data.UserID, channel: data.ChannelID})
	case slack.InteractionCallback:
		if data.Team.ID != who.TeamID {
			return b.deciding.stranger(data), nil
		}
		return b.interact(readback.Carrying(ctx, d.Request.Payload), data)
	case slackevents.EventsAPIEvent:
		if data.TeamID != who.TeamID {
			return answer{}, nil
		}
		return b.event(ctx, data, d.Request)
	}
	return answer{}, fmt.Errorf("an envelope with %T", d.Data)
}

// interact takes presses, submissions and shortcuts. What it does not know is
// answered with nothing: an unanswered press would look like a failure.
func (b *Bot) interact(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	at := seatOf(cb)
	switch cb.Type {
	case slack.InteractionTypeShortcut, slack.InteractionTypeMessageAction:
		if run, ok := b.board.shortcuts[cb.CallbackID]; ok {
			a, err := run(ctx, cb)
			return b.orSorry(a, err, at)
		}
	case slack.InteractionTypeViewSubmission:
		if run, ok := b.board.submissions[cb.View.CallbackID]; ok {
			a, err := run(ctx, cb)
			a, err = b.orSorry(a, err, at)
			return b.homes.fresh(cb, a), err
		}
	case slack.InteractionTypeBlockActions:
		// Slack sends one action with each press. The first that is known here is taken.
		for _, click := range cb.ActionCallback.BlockActions {
			if run, ok := b.board.clicks[click.ActionID]; ok {
				a, err := run(ctx, cb, click)
				a, err = b.orSorry(a, err, at)
				return b.homes.fresh(cb, b.pressed(cb, a)), err
			}
		}
	}
	// Fields that change, links that are followed, modals that are closed, buttons of an older version.
	return answer{}, nil
}

// pressed has a look at the message that was pressed, when all else about the press is done: one that
// nobody remembers goes, or becomes the one that is missing.
func (b *Bot) pressed(cb slack.InteractionCallback, a answer) answer {
	s, ok := strays.Of(cb.Container.ChannelID, cb.Container.MessageTs, cb.Message.Metadata)
	if !ok {
		return a
	}
	return a.then(func(ctx context.Context) {
		if _, err := b.strays.Met(ctx, s); err != nil {
			b.Log.Warn("look at a message that was pressed", "error", detail(err))
		}
	})
}

// posted takes Slack's word that a message of ours stands there. Slack says it again when it is not
// answered, so that no restart loses it.
func (b *Bot) posted(ctx context.Context, e *slackevents.MessageMetadataPostedEvent) (answer, error) {
	who, err := b.who(ctx)
	if err != nil || e.UserId != who.User || e.Metadata == nil {
		return answer{}, err
	}
	s, ok := strays.Of(e.ChannelId, e.MessageTimestamp, *e.Metadata)
	if !ok {
		return answer{}, nil
	}
	unsure, err := b.strays.Met(ctx, s)
	switch {
	case errors.Is(err, approval.ErrNotFound):
		return answer{}, nil // of a request of some other database
	case err != nil:
		return answer{}, err
	case unsure:
		return answer{after: func(ctx context.Context) { b.strays.Again(ctx, s) }}, nil
	}
	return answer{}, nil
}

// event takes what happened in the workspace. Slack sends it again when it is not
// answered, so the person is told of a failure only when Slack gives up.
func (b *Bot) event(ctx context.Context, e slackevents.EventsAPIEvent, r *socketmode.Request) (answer, error) {
	var said spoken
	switch inner := e.InnerEvent.Data.(type) {
	case *slackevents.AppHomeOpenedEvent:
		return answer{after: func(ctx context.Context) { b.homes.home(ctx, e.TeamID, inner) }}, nil
	case *slackevents.AssistantThreadStartedEvent:
		return b.asking.chatted(e.TeamID, inner.AssistantThread), nil
	case *slackevents.AssistantThreadContextChangedEvent:
		return b.asking.chatted(e.TeamID, inner.AssistantThread), nil
	case *slackevents.MessageMetadataPostedEvent:
		return b.posted(ctx, inner)
	case *slackevents.AppMentionEvent:
		said = mentioned(e.TeamID, inner)
	case *slackevents.MessageEvent:
		said = messaged(e.TeamID, inner)
	default:
		return answer{}, nil
	}
	a, err := b.asking.hear(ctx, said)
	// Slack sends an unanswered event up to three times more: at once, after a minute, after five.
	if _, foreseen := draw.Known(err); err != nil && !foreseen && r.RetryAttempt < lastRetry {
		return answer{}, err
	}
	return b.orSorry(a, err, said.seat())
}

// lastRetry is the attempt after which Slack gives an event up.
const lastRetry = 3

// fieldsOf are a modal's fields by name.
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
func beside(field, text string) answer {
	return answer{payload: slack.NewErrorsViewSubmissionResponse(map[string]string{field: kit.Cut(text, 2000)})}
}

// unchanged takes a modal's place and says why nothing has come of it.
func unchanged(text string) *slack.ViewSubmissionResponse {
	return slack.NewUpdateViewSubmissionResponse(kit.NoteView(noChange, text))
}

// noChange is the title of such a note.
const noChange = "Nothing has changed"

// saved ends a form: it closes, or says beside a field or in its place what is wrong.
func saved(err error, field string) (answer, error) {
	text, ok := draw.Known(err)
	switch {
	case err == nil:
		return answer{payload: slack.NewClearViewSubmissionResponse()}, nil
	case !ok:
		return answer{}, err
	case isInput(err):
		return beside(field, text), nil
	}
	return answer{payload: unchanged(text)}, nil
}

// audit adds what is looked at and never changed.
func (b *board) audit(w *slackAPI, d *auditing.Desk) {
	for name, run := range d.Clicks() {
		b.clicks[name] = func(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
			return answer{}, run(ctx, cb.TriggerID, clickOf(cb, action), action.Value)
		}
	}
	b.submissions[ids.CallbackAudit] = func(_ context.Context, cb slack.InteractionCallback) (answer, error) {
		q, field, err := d.Query(fieldsOf(cb))
		if err != nil {
			return saved(err, field)
		}
		return w.awaiting(*kit.NoteView("Requests", "Looking…"), func(ctx context.Context) slack.ModalViewRequest {
			view, err := d.Find(ctx, modalClick(cb, draw.Origin{}), q)
			if err != nil {
				return *kit.NoteView("Requests", w.Words(err))
			}
			return view
		}), nil
	}
	b.submissions[ids.CallbackPack] = func(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
		field, err := d.Pack(ctx, modalClick(cb, draw.Origin{}), fieldsOf(cb))
		if err != nil {
			return saved(err, field)
		}
		return answer{payload: slack.NewUpdateViewSubmissionResponse(kit.NoteView("Make a pack", "The pack is being made. It comes to your direct messages with me."))}, nil
	}
}

// board is the whole switchboard: what may come in, by the name under which Slack
// sends it. manifest.yaml lists its commands and shortcuts.
type board struct {
	commands    map[string]func(context.Context, slack.SlashCommand) (answer, error)
	shortcuts   map[string]func(context.Context, slack.InteractionCallback) (answer, error)
	submissions map[string]func(context.Context, slack.InteractionCallback) (answer, error)
	clicks      map[string]func(context.Context, slack.InteractionCallback, *slack.BlockAction) (answer, error)
}

// newBoard says who takes what. Several names lead to one handler where buttons of one kind
// stand side by side (package ids says why). A name without a handler is answered with nothing,
// so a button that was taken out of use does no harm.
func newBoard(ask *asking, decide *deciding, revise *revising, books *ledgers, limit *limits, fund *funding, govern *governing, keep *keepers, own *homes, answers *answered) board {
	return board{
		commands: map[string]func(context.Context, slack.SlashCommand) (answer, error){
			ids.CommandAnalyze: ask.analyze,
			ids.CommandBudget:  books.budget,
		},
		shortcuts: map[string]func(context.Context, slack.InteractionCallback) (answer, error){
			ids.CallbackAsk:        ask.askAnywhere,
			ids.CallbackAskMessage: ask.askMessage,
		},
		submissions: map[string]func(context.Context, slack.InteractionCallback) (answer, error){
			ids.CallbackForm:     ask.submitForm,
			ids.CallbackLetters:  ask.submitLetters,
			ids.CallbackReread:   ask.submitReread,
			ids.CallbackSay:      ask.submitSay,
			ids.CallbackPin:      ask.pinned.submitPin,
			ids.CallbackReason:   decide.submitReason,
			ids.CallbackChanges:  decide.submitChanges,
			ids.CallbackReview:   decide.submitReview,
			ids.CallbackGlass:    ask.breaking.submitGlass,
			ids.CallbackLook:     ask.breaking.submitLook,
			ids.CallbackShare:    answers.submitShare,
			ids.CallbackHand:     answers.submitHand,
			ids.CallbackEdit:     revise.submitEdit,
			ids.CallbackAssign:   revise.submitAssign,
			ids.CallbackDelegate: govern.submitDelegate,
			ids.CallbackName:     govern.submitName,
			ids.CallbackKeys:     govern.submitKey,
			ids.CallbackWhose:    govern.submitWhose,
			ids.CallbackRules:    govern.submitRules,
			ids.CallbackModels:   govern.submitModels,
			ids.CallbackLists:    govern.submitLists,
			ids.CallbackNotes:    govern.submitNotes,
			ids.CallbackNoted:    govern.submitNoted,
			ids.CallbackTrail:    govern.submitTrail,
			ids.CallbackPrivacy:  keep.submitPrivacy,
			ids.CallbackTheirs:   keep.submitTheirs,

			ids.CallbackLimit:     limit.submitLimit,
			ids.CallbackMoreMoney: fund.submitMoreMoney,
			ids.CallbackGrant:     fund.submitGrant,
			ids.CallbackDecline:   fund.submitDecline,
			ids.CallbackReckon:    fund.submitReckon,
			ids.CallbackExplain:   books.submitExplain,
			ids.CallbackTry:       books.submitTry,
		},
		clicks: map[string]func(context.Context, slack.InteractionCallback, *slack.BlockAction) (answer, error){
			ids.ActionApprove:  decide.clickApprove,
			ids.ActionReject:   decide.clickReject,
			ids.ActionChanges:  decide.clickChanges,
			ids.ActionQuestion: decide.clickReject,
			ids.ActionReview:   decide.clickReview,
			ids.ActionGlass:    ask.breaking.clickGlass,
			ids.ActionLook:     ask.breaking.clickLook,
			ids.ActionDiff:     revise.clickDiff,
			ids.ActionColumns:  revise.clickInside,
			ids.ActionRefused:  revise.clickInside,
			ids.ActionSaw:      revise.clickInside,
			ids.ActionDisown:   decide.clickDisown,
			ids.ActionQueued:   decide.clickQueued,
			ids.ActionMine:     own.clickQueue,
			ids.ActionTier:     own.clickQueue,
			ids.ActionAge:      own.clickQueue,
			ids.ActionCost:     own.clickQueue,
			ids.ActionOrder:    own.clickQueue,
			ids.ActionBack:     own.clickQueue,
			ids.ActionNext:     own.clickQueue,
			ids.ActionAway:     govern.clickAway,
			ids.ActionReturn:   govern.clickReturn,
			ids.ActionPeople:   govern.clickPeople,
			ids.ActionKeys:     govern.clickKeys,

			ids.ActionRemoveKey: govern.clickRemoveKey,
			ids.ActionName:      govern.clickName,
			ids.ActionUnname:    govern.clickUnname,
			ids.ActionRecall:    govern.clickRecall,
			ids.ActionRules:     govern.clickRules,
			ids.ActionWhose:     govern.clickWhose,
			ids.ActionModels:    govern.clickModels,
			ids.ActionLists:     govern.clickLists,
			ids.ActionNotes:     govern.clickNotes,
			ids.ActionFigures:   govern.clickFigures,
			ids.ActionTrail:     govern.clickTrail,
			ids.ActionPrivacy:   keep.clickPrivacy,
			ids.ActionTheirs:    keep.clickTheirs,
			ids.ActionMore:      revise.clickMore,
			ids.ActionCancel:    ask.clickCancel,
			ids.ActionAnswer:    ask.clickAnswer,
			ids.ActionAnswer2:   ask.clickAnswer,
			ids.ActionAnswer3:   ask.clickAnswer,
			ids.ActionCompare:   ask.clickCompare,
			ids.ActionReread:    ask.clickReread,
			ids.ActionChoose:    ask.clickChoose,
			ids.ActionChoose2:   ask.clickChoose,
			ids.ActionChoose3:   ask.clickChoose,
			ids.ActionChoose4:   ask.clickChoose,
			ids.ActionSay:       ask.clickSay,
			ids.ActionFollow:    answers.clickFollow,
			ids.ActionFollow2:   answers.clickFollow,
			ids.ActionFollow3:   answers.clickFollow,
			ids.ActionAsk:       ask.clickAsk,
			ids.ActionAgain:     ask.clickAgain,
			ids.ActionMeant:     answers.clickMeant,
			ids.ActionMeant2:    answers.clickMeant,
			ids.ActionMeant3:    answers.clickMeant,
			ids.ActionFix:       answers.clickFix,
			ids.ActionCode:      answers.clickCode,
			ids.ActionDetails:   answers.clickDetails,
			ids.ActionVerify:    answers.clickVerify,
			ids.ActionGood:      answers.clickRate,
			ids.ActionBad:       answers.clickRate,
			ids.ActionShare:     answers.clickShare,
			ids.ActionTakeBack:  answers.clickTakeBack,
			ids.ActionHand:      answers.clickHand,
			ids.ActionTake:      answers.clickOffered,
			ids.ActionLeave:     answers.clickOffered,
			ids.ActionKeepIt:    answers.clickOffered,
			ids.ActionHanded:    answers.clickHanded,
			ids.ActionGiveUp:    decide.clickGiveUp,
			ids.ActionPin:       ask.pinned.clickPin,
			ids.ActionUnpin:     ask.pinned.clickUnpin,
			ids.ActionAccept:    ask.pinned.clickAccept,
			ids.ActionKeep:      ask.pinned.clickKeep,

			ids.ActionEditLimit:   limit.clickEditLimit,
			ids.ActionSetLimit:    limit.clickSetLimit,
			ids.ActionRemoveLimit: limit.clickRemoveLimit,
			ids.ActionContinue:    fund.clickContinue,
			ids.ActionCheaper:     fund.clickCheaper,
			ids.ActionCheaper2:    fund.clickCheaper,
			ids.ActionWait:        fund.clickWait,
			ids.ActionMoreMoney:   fund.clickMoreMoney,
			ids.ActionGrant:       fund.clickGrant,
			ids.ActionDecline:     fund.clickDecline,
			ids.ActionInsist:      fund.clickInsist,
			ids.ActionReckon:      fund.clickReckon,
			ids.ActionWhy:         books.clickWhy,
			ids.ActionHistory:     books.clickHistory,
			ids.ActionTop:         books.clickTop,
			ids.ActionExplain:     books.clickExplain,
			ids.ActionTry:         books.clickTry,
			ids.FieldRanking:      books.clickRanking,
			ids.FieldPeriod:       books.clickRanking,
			ids.FieldKind:         limit.clickKind,
		},
	}
}
