package bot

import "countersign/approval"

// The names by which Slack and this program know each other's things. Each is
// also in manifest.yaml or in a drawn message; a test holds them together.
const (
	commandAnalyze = "/analyze"
	commandBudget  = "/budget"

	// Shortcuts.
	callbackAsk        = "ask"         // global: open the form
	callbackAskMessage = "ask_message" // on a message: open the form with its words and files

	// Modals.
	callbackForm     = "form"     // the question's form
	callbackReason   = "reason"   // why something is rejected
	callbackChanges  = "changes"  // what should be different
	callbackReview   = "review"   // the whole of a program
	callbackEdit     = "edit"     // the code in fields
	callbackAssign   = "assign"   // whom to ask to look at it
	callbackDelegate = "delegate" // who decides while somebody is away
	callbackPeople   = "people"   // who has which role
	callbackName     = "name"     // give somebody a role
	callbackWhose    = "whose"    // of which channel the rules are to be set
	callbackRules    = "rules"    // the rules of reviews
	callbackNote     = "note"     // a modal that only says something

	callbackLimit     = "limit"      // the form of a budget
	callbackMoreMoney = "more_money" // how much more, and what for
	callbackGrant     = "grant"      // until when
	callbackDecline   = "decline"    // why not
	callbackExplain   = "explain"    // which question to explain
	callbackTop       = "top"        // who spends

	// Buttons and menus.
	actionApprove = "approve"
	actionReject  = "reject"
	actionChanges = "request_changes"
	actionReview  = "open_review"
	actionDiff    = "open_diff"
	actionMore    = "more"    // the card's overflow menu
	actionCancel  = "cancel"  // the asker takes it back
	actionDisown  = "not_me"  // somebody in whose name it was approved says that it was not them
	actionQueued  = "decide"  // a row of the queue on a Home
	actionMine    = "q_mine"  // what of the queue is shown: whose,
	actionTier    = "q_tier"  // how risky,
	actionAge     = "q_age"   // how old,
	actionCost    = "q_cost"  // how dear,
	actionOrder   = "q_order" // in which order,
	actionBack    = "q_back"  // and which page
	actionNext    = "q_next"
	actionAway    = "open_delegate"
	actionReturn  = "end_delegate"
	actionPeople  = "open_people"
	actionName    = "open_name"
	actionUnname  = "unname" // take a role from somebody
	actionRecall  = "recall" // end what somebody who is away has arranged
	actionRules   = "open_rules"
	actionWhose   = "open_channel_rules"
	actionFigures = "open_statistics"
	actionAsk     = "open_form"
	actionAgain   = "ask_again"   // the form with a question that could not be taken as it was
	actionGiveUp  = "give_up"     // a reviewer ends what waits for what is away
	actionLink    = "follow_link" // buttons that lead somewhere; Slack reports them, nothing is to be done

	// Buttons about money.
	actionEditLimit   = "edit_limit"
	actionSetLimit    = "set_limit"
	actionRemoveLimit = "remove_limit"
	actionContinue    = "continue"
	actionCheaper     = "cheaper"
	actionCheaper2    = "cheaper_2" // beside the first
	actionWait        = "wait"
	actionMoreMoney   = "more_money"
	actionGrant       = "grant"
	actionDecline     = "decline"
	actionInsist      = "insist"  // the asker would rather not have a cheaper model write
	actionWhy         = "why"     // which budget decided what about a question
	actionHistory     = "history" // who has changed which budget
	actionTop         = "top"     // who spends
	actionExplain     = "open_explain"

	// Fields of the modals: the block's id and its element's action id are the same.
	fieldQuestion = "question"
	fieldFiles    = "files"
	fieldUpload   = "upload"
	fieldModel    = "model"
	fieldChannel  = "channel"
	fieldReason   = "reason"
	fieldTyped    = "typed"  // the beginning of the digest
	fieldPerson   = "person" // whom to ask, to name, to let decide
	fieldWhat     = "what"   // what for
	fieldRole     = "role"
	fieldUntil    = "until"
	fieldClass    = "class"
	fieldCosts    = "cost"  // and the tier: from what cost on
	fieldNeeds    = "needs" // and the tier: how many people
	fieldCare     = "care"  // and the tier: what else
	fieldHosts    = "hosts"
	fieldFreezes  = "freezes"
	fieldWait     = "wait" // for a decision
	fieldLast     = "last" // how long an approval does
	fieldNone     = "none" // of a channel: what holds for the workspace

	fieldKind      = "kind" // whose budget; choosing one asks for what it needs
	fieldUser      = "user"
	fieldProject   = "project"
	fieldThread    = "thread"
	fieldAmount    = "amount"
	fieldWindow    = "window"
	fieldSoft      = "soft"
	fieldWarn      = "warn"
	fieldDowngrade = "downgrade"
	fieldWithout   = "without"
	fieldRequest   = "request" // which question to explain
	fieldRanking   = "ranking" // what spending is added up by,
	fieldPeriod    = "period"  // and over which time

	// Choices of the overflow menu.
	moreCode   = "code" // followed by the request and its revision, after colons
	moreNear   = "near"
	moreEdit   = "edit"
	moreAssign = "ask"
	moreLink   = "link"
)

// Actions lists every action id that a drawn message or modal may hold.
func Actions() []string {
	all := []string{actionApprove, actionReject, actionChanges, actionReview, actionDiff, actionMore, actionCancel, actionDisown, actionAgain, actionGiveUp,
		actionQueued, actionMine, actionTier, actionAge, actionCost, actionOrder, actionBack, actionNext, actionAway, actionReturn,
		actionPeople, actionName, actionUnname, actionRecall, actionRules, actionWhose, actionFigures, actionAsk, actionLink,
		actionEditLimit, actionSetLimit, actionRemoveLimit, actionContinue, actionCheaper, actionCheaper2, actionWait, actionMoreMoney, actionGrant, actionDecline,
		actionInsist, actionWhy, actionHistory, actionTop, actionExplain, fieldRequest, fieldRanking, fieldPeriod,
		fieldQuestion, fieldFiles, fieldUpload, fieldModel, fieldChannel, fieldReason, fieldTyped, fieldPerson, fieldWhat, fieldRole, fieldUntil,
		fieldClass, fieldHosts, fieldFreezes, fieldWait, fieldLast, fieldNone,
		fieldKind, fieldUser, fieldProject, fieldThread, fieldAmount, fieldWindow, fieldSoft, fieldWarn, fieldDowngrade, fieldWithout}
	for n := range maxEditParts {
		all = append(all, editField(n+1))
	}
	for _, t := range approval.Tiers() {
		all = append(all, tierField(fieldNeeds, t), tierField(fieldCare, t))
	}
	return append(all, tierField(fieldCosts, approval.Medium), tierField(fieldCosts, approval.High))
}

// Scopes are what the bot's token must be allowed, each with what for.
func Scopes() map[string]string {
	return map[string]string{
		"commands":          "/analyze, /budget and the shortcuts",
		"chat:write":        "cards, progress and answers",
		"files:read":        "the data files that people ask about",
		"files:write":       "charts and tables",
		"users:read":        "whether somebody is a guest, a bot, or gone",
		"channels:read":     "whether it is in a public channel",
		"groups:read":       "whether it is in a private channel",
		"im:read":           "whether a direct message is its own",
		"im:history":        "questions in direct messages",
		"app_mentions:read": "questions by mention, and follow-ups",
	}
}
