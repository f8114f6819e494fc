package bot

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/readback"
)

// answer is what becomes of an envelope: what goes with the ack, and what is left
// to do once it is out. An error beside it means that there is no ack.
type answer struct {
	payload any
	page    *kit.Page // what the payload shows, when it is words for one person
	after   func(context.Context)
}

// then adds to what is left to do.
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

// What may come in, by the name under which Slack sends it. The maps are the
// whole switchboard; manifest.yaml lists their keys.
var (
	commands = map[string]func(*Bot, context.Context, slack.SlashCommand) (answer, error){
		ids.CommandAnalyze: (*Bot).analyze,
		ids.CommandBudget:  (*Bot).budget,
	}
	shortcuts = map[string]func(*Bot, context.Context, slack.InteractionCallback) (answer, error){
		ids.CallbackAsk:        (*Bot).askAnywhere,
		ids.CallbackAskMessage: (*Bot).askMessage,
	}
	submissions = map[string]func(*Bot, context.Context, slack.InteractionCallback) (answer, error){
		ids.CallbackForm:     (*Bot).submitForm,
		ids.CallbackReason:   (*Bot).submitReason,
		ids.CallbackChanges:  (*Bot).submitChanges,
		ids.CallbackReview:   (*Bot).submitReview,
		ids.CallbackEdit:     (*Bot).submitEdit,
		ids.CallbackAssign:   (*Bot).submitAssign,
		ids.CallbackDelegate: (*Bot).submitDelegate,
		ids.CallbackName:     (*Bot).submitName,
		ids.CallbackWhose:    (*Bot).submitWhose,
		ids.CallbackRules:    (*Bot).submitRules,

		ids.CallbackLimit:     (*Bot).submitLimit,
		ids.CallbackMoreMoney: (*Bot).submitMoreMoney,
		ids.CallbackGrant:     (*Bot).submitGrant,
		ids.CallbackDecline:   (*Bot).submitDecline,
		ids.CallbackExplain:   (*Bot).submitExplain,
	}
	clicks = map[string]func(*Bot, context.Context, slack.InteractionCallback, *slack.BlockAction) (answer, error){
		ids.ActionApprove: (*Bot).clickApprove,
		ids.ActionReject:  (*Bot).clickReject,
		ids.ActionChanges: (*Bot).clickChanges,
		ids.ActionReview:  (*Bot).clickReview,
		ids.ActionDiff:    (*Bot).clickDiff,
		ids.ActionDisown:  (*Bot).clickDisown,
		ids.ActionQueued:  (*Bot).clickQueued,
		ids.ActionMine:    (*Bot).clickQueue,
		ids.ActionTier:    (*Bot).clickQueue,
		ids.ActionAge:     (*Bot).clickQueue,
		ids.ActionCost:    (*Bot).clickQueue,
		ids.ActionOrder:   (*Bot).clickQueue,
		ids.ActionBack:    (*Bot).clickQueue,
		ids.ActionNext:    (*Bot).clickQueue,
		ids.ActionAway:    (*Bot).clickAway,
		ids.ActionReturn:  (*Bot).clickReturn,
		ids.ActionPeople:  (*Bot).clickPeople,
		ids.ActionName:    (*Bot).clickName,
		ids.ActionUnname:  (*Bot).clickUnname,
		ids.ActionRecall:  (*Bot).clickRecall,
		ids.ActionRules:   (*Bot).clickRules,
		ids.ActionWhose:   (*Bot).clickWhose,
		ids.ActionFigures: (*Bot).clickFigures,
		ids.ActionMore:    (*Bot).clickMore,
		ids.ActionCancel:  (*Bot).clickCancel,
		ids.ActionAsk:     (*Bot).clickAsk,
		ids.ActionAgain:   (*Bot).clickAgain,
		ids.ActionGiveUp:  (*Bot).clickGiveUp,

		ids.ActionEditLimit:   (*Bot).clickEditLimit,
		ids.ActionSetLimit:    (*Bot).clickSetLimit,
		ids.ActionRemoveLimit: (*Bot).clickRemoveLimit,
		ids.ActionContinue:    (*Bot).clickContinue,
		ids.ActionCheaper:     (*Bot).clickCheaper,
		ids.ActionCheaper2:    (*Bot).clickCheaper,
		ids.ActionWait:        (*Bot).clickWait,
		ids.ActionMoreMoney:   (*Bot).clickMoreMoney,
		ids.ActionGrant:       (*Bot).clickGrant,
		ids.ActionDecline:     (*Bot).clickDecline,
		ids.ActionInsist:      (*Bot).clickInsist,
		ids.ActionWhy:         (*Bot).clickWhy,
		ids.ActionHistory:     (*Bot).clickHistory,
		ids.ActionTop:         (*Bot).clickTop,
		ids.ActionExplain:     (*Bot).clickExplain,
		ids.FieldRanking:      (*Bot).clickRanking,
		ids.FieldPeriod:       (*Bot).clickRanking,
		ids.FieldKind:         (*Bot).clickKind,
	}
)

// handle does what an envelope asks for, if it comes from our own workspace.
func (b *Bot) handle(ctx context.Context, d delivery) (answer, error) {
	who, err := b.who(ctx)
	if err != nil {
		return answer{}, err
	}
	switch data := d.Data.(type) {
	case slack.SlashCommand:
		if data.TeamID != who.TeamID {
			return privately(&kit.Page{}, kit.Words(strangers)), nil
		}
		run, ok := commands[data.Command]
		if !ok {
			return privately(&kit.Page{}, kit.Words("This app does not know "+data.Command+".")), nil
		}
		a, err := run(b, ctx, data)
		return b.orSorry(a, err, seat{user: data.UserID, channel: data.ChannelID})
	case slack.InteractionCallback:
		if data.Team.ID != who.TeamID {
			return b.stranger(data), nil
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
		if run, ok := shortcuts[cb.CallbackID]; ok {
			a, err := run(b, ctx, cb)
			return b.orSorry(a, err, at)
		}
	case slack.InteractionTypeViewSubmission:
		if run, ok := submissions[cb.View.CallbackID]; ok {
			a, err := run(b, ctx, cb)
			a, err = b.orSorry(a, err, at)
			return b.fresh(cb, a), err
		}
	case slack.InteractionTypeBlockActions:
		for _, click := range cb.ActionCallback.BlockActions {
			if run, ok := clicks[click.ActionID]; ok {
				a, err := run(b, ctx, cb, click)
				a, err = b.orSorry(a, err, at)
				return b.fresh(cb, a), err
			}
		}
	}
	// Fields that change, links that are followed, modals that are closed, buttons of an older version.
	return answer{}, nil
}

// event takes what happened in the workspace. Slack sends it again when it is not
// answered, so the person is told of a failure only when Slack gives up.
func (b *Bot) event(ctx context.Context, e slackevents.EventsAPIEvent, r *socketmode.Request) (answer, error) {
	var said spoken
	switch inner := e.InnerEvent.Data.(type) {
	case *slackevents.AppHomeOpenedEvent:
		return answer{after: func(ctx context.Context) { b.home(ctx, e.TeamID, inner) }}, nil
	case *slackevents.AppMentionEvent:
		said = mentioned(e.TeamID, inner)
	case *slackevents.MessageEvent:
		said = messaged(e.TeamID, inner)
	default:
		return answer{}, nil
	}
	a, err := b.hear(ctx, said)
	if _, foreseen := draw.Known(err); err != nil && !foreseen && r.RetryAttempt < lastRetry {
		return answer{}, err
	}
	return b.orSorry(a, err, said.seat())
}

// lastRetry is the attempt after which Slack gives an event up.
const lastRetry = 3

// orSorry ends what did not work. What the person should know of is said to them
// in private, and the envelope is answered: nothing was left undone. Any other
// error leaves it unanswered, and tells where the reason is to be found.
func (b *Bot) orSorry(a answer, err error, at seat) (answer, error) {
	if err == nil {
		return a, nil
	}
	text, foreseen := draw.Known(err)
	if foreseen {
		err = nil
	} else {
		text = b.Words(err)
	}
	return answer{after: func(ctx context.Context) { b.tell(ctx, at, kit.Words(text)) }}, err
}
