package bot

// The names by which Slack and this program know each other's things. Each is
// also in manifest.yaml or in a drawn message; a test holds them together.
const (
	commandAnalyze = "/analyze"
	commandBudget  = "/budget"

	// Shortcuts.
	callbackAsk        = "ask"         // global: open the form
	callbackAskMessage = "ask_message" // on a message: open the form with its words and files

	// Modals.
	callbackForm   = "form"   // the question's form
	callbackReason = "reason" // why something is rejected
	callbackReview = "review" // the whole of a long program
	callbackNote   = "note"   // a modal that only says something

	callbackLimit     = "limit"      // the form of a budget
	callbackMoreMoney = "more_money" // how much more, and what for
	callbackGrant     = "grant"      // until when
	callbackDecline   = "decline"    // why not

	// Buttons and menus.
	actionApprove = "approve"
	actionReject  = "reject"
	actionReview  = "open_review"
	actionMore    = "more"   // the card's overflow menu
	actionCancel  = "cancel" // the asker takes it back
	actionAsk     = "open_form"
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

	// Fields of the modals: the block's id and its element's action id are the same.
	fieldQuestion = "question"
	fieldFiles    = "files"
	fieldUpload   = "upload"
	fieldModel    = "model"
	fieldChannel  = "channel"
	fieldReason   = "reason"

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
	fieldUntil     = "until"

	// Choices of the overflow menu.
	moreCode = "code" // followed by a colon and the request
	moreLink = "link"
)

// Actions lists every action id that a drawn message or modal may hold.
func Actions() []string {
	return []string{actionApprove, actionReject, actionReview, actionMore, actionCancel, actionAsk, actionLink,
		actionEditLimit, actionSetLimit, actionRemoveLimit, actionContinue, actionCheaper, actionCheaper2, actionWait, actionMoreMoney, actionGrant, actionDecline,
		fieldQuestion, fieldFiles, fieldUpload, fieldModel, fieldChannel, fieldReason,
		fieldKind, fieldUser, fieldProject, fieldThread, fieldAmount, fieldWindow, fieldSoft, fieldWarn, fieldDowngrade, fieldWithout, fieldUntil}
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
