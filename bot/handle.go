package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"countersign/approval"
	"countersign/bot/codes"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/readback"
	"countersign/bot/strays"
)

// handle does what an envelope asks for, if it comes from our own workspace. An app can be installed in
// several; the database is one workspace's.
// An error means that the envelope is not acked, an answer that it is; both may hold, as when a person was told
// in private and Slack is to say all the same that it failed (orSorry). The context ends well before Slack
// stops waiting (workTime).
func (b *Bot) handle(ctx context.Context, d delivery) (answer, error) {
	who, err := b.who(ctx)
	if err != nil {
		return answer{}, err
	}
	// The types are those into which slack-go has parsed the payload. What it cannot parse never comes here: it
	// is an event of another kind on the socket (line.take).
	switch data := d.Data.(type) {
	// Who is of another workspace is answered before anything is looked up: nothing here is theirs.
	case slack.SlashCommand:
		if data.TeamID != who.TeamID {
			return privately(&kit.Page{}, kit.Words(strangers)), nil
		}
		// A command that only the manifest knows is an installation that is newer than this program.
		run, ok := b.board.commands[data.Command]
		if !ok {
			return privately(&kit.Page{}, kit.Words("This app does not know "+data.Command+".")), nil
		}
		a, err := run(ctx, data)
		// What failed for another reason, such as a database that is away, is not acknowledged by this either.
		// A dead token is looked for after the work and not before it: asking needs no call of Slack's, so a
		// question is stored even then, and only what would be said about it has no other way than this ack.
		if code := b.Dead(); code != "" {
			if _, foreseen := draw.Known(err); err == nil || foreseen || codes.Dead(err) {
				return mute(a, err, code), nil
			}
		}
		return b.orSorry(a, err, seat{user: data.UserID, channel: data.ChannelID})
	case slack.InteractionCallback:
		// The envelope's team is the one of the channel. Of a press in a shared channel only the person's own team tells who it is.
		outside, err := b.outside(ctx, data.User, who.TeamID)
		if err != nil {
			return answer{}, err
		}
		if outside && data.Team.ID == who.TeamID {
			data.Team.ID = data.User.TeamID // whose press it is, for the record
		}
		if data.Team.ID != who.TeamID {
			return b.deciding.stranger(data), nil
		}
		// The raw payload goes along: it holds the pressed message as Slack keeps it, which slack-go's types do not (readback).
		return b.interact(readback.Carrying(ctx, d.Request.Payload), data)
	case slackevents.EventsAPIEvent:
		if !ours(data, who.TeamID) {
			return answer{}, nil
		}
		data.TeamID = who.TeamID // see ours
		return b.event(ctx, data, d.Request)
	}
	// The socket hands on three kinds of envelope and no more, so this is a mistake of ours; without an ack it
	// shows.
	return answer{}, fmt.Errorf("an envelope with %T", d.Data)
}

// ours tells of an event whether it is for our workspace. Of what happens in a channel that another workspace has shared with us,
// team_id names that other one (slackapi/java-slack-sdk#629), and authorizations the installation that sees it.
// Without the authorizations a mention in such a channel would be dropped, since the outer team is the other
// one's.
func ours(e slackevents.EventsAPIEvent, team string) bool {
	outer, _ := e.Data.(*slackevents.EventsAPICallbackEvent)
	return e.TeamID == team || outer != nil && slices.ContainsFunc(outer.Authorizations, func(a slack.EventAuthorization) bool { return a.TeamID == team })
}

// mute answers a command while Slack does not accept the bot's token. All that can be said goes along with the ack; what was
// asked is kept. A command that failed for want of a token is answered as well: Slack's own words would name no cause.
// It looks like this, the first line only where something was done or refused:
//
//	what the command would have answered, or why it was refused
//	At the moment I cannot post anything: Slack does not accept my token (token_revoked). …
func mute(a answer, err error, code string) answer {
	page := &kit.Page{}
	if err == nil && a.page != nil {
		page = a.page
	}
	text, foreseen := draw.Known(err)
	switch {
	case foreseen:
		page.Say(kit.Words(text))
	case err != nil:
		page.Say(kit.Words(draw.NotDone))
	}
	out := privately(page, kit.Words(draw.Mute(code)))
	// It is kept though it will most likely fail: the token may be mended between this moment and that.
	out.after = a.after
	return out
}

// interact takes presses, submissions and shortcuts. What it does not know is
// answered with nothing: an unanswered press would look like a failure.
func (b *Bot) interact(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	at := seatOf(cb)
	// A submission of an unknown form and a press on an unknown button end below this switch, in an empty ack.
	// For a form that means that it closes.
	switch cb.Type {
	case slack.InteractionTypeShortcut, slack.InteractionTypeMessageAction:
		// A shortcut changes nothing on a Home by itself: it only opens a form, so there is no Home to be drawn
		// anew.
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
			// A menu in place of buttons: its choice is the press of the button that it stands for.
			if way, id, ok := draw.Other(click.SelectedOption.Value); ok && click.ActionID == ids.ActionOthers {
				click.ActionID, click.Value = way, id
			}
			if run, ok := b.board.clicks[click.ActionID]; ok {
				a, err := run(ctx, cb, click)
				// The order: first the reason is said to the person, then the message is looked at, and the
				// Home is drawn last, because it shows what the two before have changed.
				a, err = b.orSorry(a, err, at)
				return b.homes.fresh(cb, b.pressed(cb, a)), err
			}
		}
	}
	// Fields that change, links that are followed, modals that are closed.
	return answer{}, nil
}

// pressed has a look at the message that was pressed, when all else about the press is done: one that
// nobody remembers goes, or becomes the one that is missing.
func (b *Bot) pressed(cb slack.InteractionCallback, a answer) answer {
	s, ok := strays.Of(cb.Container.ChannelID, cb.Container.MessageTs, cb.Message.Metadata)
	if !ok {
		return a
	}
	// After the ack, since it may delete a message, which is a call, and nobody waits for it.
	return a.then(func(ctx context.Context) {
		if err := b.strays.Met(ctx, s); err != nil {
			b.Log.Warn("look at a message that was pressed", "error", codes.Detail(err))
		}
	})
}

// posted takes Slack's word that a message of ours stands there. Slack says it again when it is not
// answered, so that no restart loses it.
func (b *Bot) posted(ctx context.Context, e *slackevents.MessageMetadataPostedEvent) (answer, error) {
	// Metadata of this kind can be written by every app of the workspace: only what our own user posted counts
	// (bot/strays).
	who, err := b.who(ctx)
	if err != nil || e.UserId != who.User || e.Metadata == nil {
		return answer{}, err
	}
	s, ok := strays.Of(e.ChannelId, e.MessageTimestamp, *e.Metadata)
	if !ok {
		return answer{}, nil
	}
	if err = b.strays.Met(ctx, s); errors.Is(err, approval.ErrNotFound) {
		err = nil // of a request of some other database
	}
	return answer{}, err
}

// Sweep looks again at messages that may stand in Slack twice.
func (b *Bot) Sweep(ctx context.Context) error { return b.strays.Sweep(ctx) }

// event takes what happened in the workspace. Slack sends it again when it is not
// answered, so the person is told of a failure only when Slack gives up. Whatever the manifest subscribes to and
// that is not in the list here is acked and left alone.
func (b *Bot) event(ctx context.Context, e slackevents.EventsAPIEvent, r *socketmode.Request) (answer, error) {
	// Whatever returns inside this switch is done after the ack or stored before it by its own handler. What
	// falls out of it is a message that somebody has written, and is heard below.
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
	case *slackevents.FileSharedEvent:
		return b.asking.pinned.arrived(e.TeamID, inner), nil
	case *slackevents.AppMentionEvent:
		said = mentioned(e.TeamID, inner)
	case *slackevents.MessageEvent:
		said = messaged(e.TeamID, inner)
	default:
		return answer{}, nil
	}
	// The answer's place in the thread is looked up after the ack: only what was asked has to be stored before it.
	a, err := b.asking.hear(ctx, said)
	// Slack sends an unanswered event up to three times more: at once, after a minute, after five.
	// A repetition does no harm: the message's channel and ts are the trigger, by which a question is known
	// (hear).
	if _, foreseen := draw.Known(err); err != nil && !foreseen && r.RetryAttempt < lastRetry {
		return answer{}, err
	}
	return b.orSorry(a, err, said.seat())
}

// lastRetry is the attempt after which Slack gives an event up. RetryAttempt is 0 for the first delivery.
const lastRetry = 3

// board is the whole switchboard: what may come in, by the name under which Slack
// sends it. manifest.yaml lists its commands and shortcuts. It is made once and only read afterwards, so many
// envelopes may use it at once.
// The keys of clicks are action ids, those of submissions and shortcuts callback ids, those of commands begin
// with a slash.
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
			ids.CallbackTakeBack: answers.submitTakeBack,
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
			ids.ActionNotMine:  ask.breaking.clickNotMine,
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
