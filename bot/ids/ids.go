// Package ids holds the names by which Slack and this program know each other's
// commands, modals, buttons and fields.
package ids

// The names by which Slack and this program know each other's things. Each is
// also in manifest.yaml or in a drawn message; a test holds them together.
//
// They never change once they are used: a card of last week still carries them, and a press
// on it has to find its handler. For the same reason a name that is gone should not be used
// again for something else. Where several buttons of one kind stand side by side, each has a
// name of its own (answer, answer_2), because Slack wants them to differ within a block.
const (
	CommandAnalyze = "/analyze"
	CommandBudget  = "/budget"

	// Shortcuts.
	CallbackAsk        = "ask"         // global: open the form
	CallbackAskMessage = "ask_message" // on a message: open the form with its words and files

	// Modals.
	CallbackForm     = "form"      // the question's form
	CallbackReason   = "reason"    // why something is rejected
	CallbackChanges  = "changes"   // what should be different
	CallbackShare    = "share"     // where an answer is to stand as well
	CallbackTakeBack = "take_back" // whether an answer is to go from Slack
	CallbackHand     = "hand"      // to whom a thread is to be handed, and what goes along
	CallbackReview   = "review"    // the whole of a program
	CallbackGlass    = "glass"     // the same, to have it run without an approval
	CallbackLook     = "look"      // what ran without one
	CallbackEdit     = "edit"      // the code in fields
	CallbackAssign   = "assign"    // whom to ask to look at it
	CallbackDelegate = "delegate"  // who decides while somebody is away
	CallbackKeys     = "keys"      // the SSH keys of whoever looks
	CallbackPeople   = "people"    // who has which role
	CallbackName     = "name"      // give somebody a role
	CallbackWhose    = "whose"     // of which channel the rules are to be set
	CallbackRules    = "rules"     // the rules of reviews
	CallbackModels   = "models"    // which models may be asked
	CallbackLists    = "lists"     // of which channel the models are to be chosen
	CallbackNotes    = "notes"     // what every program of a channel should know
	CallbackNoted    = "noted"     // of which channel that is
	CallbackPrivacy  = "privacy"   // what is hidden, and for how long what is kept
	CallbackTheirs   = "theirs"    // whose questions are forgotten, or kept
	CallbackTry      = "try"       // other rules, on the past
	CallbackTrail    = "trail"     // where copies of the audit log's checkpoints are kept
	CallbackAudit    = "audit"     // which requests an auditor looks for
	CallbackFound    = "found"     // those that were found
	CallbackPack     = "pack"      // for which time a pack is made
	CallbackReckon   = "reckon"    // what was spent after the copy of the database that was put back

	CallbackLetters = "letters" // which encoding is right
	CallbackReread  = "reread"  // how a file is to be read instead
	CallbackPins    = "pins"    // what is pinned to a channel
	CallbackPin     = "pin"     // which file is to be pinned, and for whom
	CallbackPinned  = "pinned"  // it is being read, or has been

	CallbackSay       = "say"        // an answer to the model in words of their own
	CallbackLimit     = "limit"      // the form of a budget
	CallbackMoreMoney = "more_money" // how much more, and what for
	CallbackGrant     = "grant"      // until when
	CallbackDecline   = "decline"    // why not
	CallbackExplain   = "explain"    // which question to explain
	CallbackTop       = "top"        // who spends

	// Buttons and menus.
	ActionApprove   = "approve"
	ActionReject    = "reject"
	ActionChanges   = "request_changes"
	ActionQuestion  = "edit_question" // a rejection after which the asker asks otherwise
	ActionReview    = "open_review"
	ActionGlass     = "break_glass" // read the code, to have it run without an approval
	ActionLook      = "look_at_glass"
	ActionDiff      = "open_diff"
	ActionColumns   = "open_columns" // what the columns of the files are called
	ActionRefused   = "open_refused" // drafts that were refused before this one
	ActionSaw       = "open_saw"     // what the model was told
	ActionMore      = "more"         // the card's overflow menu
	ActionCancel    = "cancel"       // the asker takes it back
	ActionDisown    = "not_me"       // somebody in whose name it was approved says that it was not them
	ActionNotMine   = "not_my_glass" // and who broke the glass, that they did not
	ActionQueued    = "decide"       // a row of the queue on a Home
	ActionMine      = "q_mine"       // what of the queue is shown: whose,
	ActionTier      = "q_tier"       // how risky,
	ActionAge       = "q_age"        // how old,
	ActionCost      = "q_cost"       // how dear,
	ActionOrder     = "q_order"      // in which order,
	ActionBack      = "q_back"       // and which page
	ActionNext      = "q_next"
	ActionAway      = "open_delegate"
	ActionReturn    = "end_delegate"
	ActionKeys      = "open_keys"
	ActionRemoveKey = "remove_key"
	ActionPeople    = "open_people"
	ActionName      = "open_name"
	ActionUnname    = "unname" // take a role from somebody
	ActionRecall    = "recall" // end what somebody who is away has arranged
	ActionRules     = "open_rules"
	ActionWhose     = "open_channel_rules"
	ActionModels    = "open_models"
	ActionLists     = "open_channel_models"
	ActionNotes     = "open_channel_notes"
	ActionFigures   = "open_statistics"
	ActionTrail     = "open_trail"
	ActionAudit     = "open_audit"     // an auditor looks for requests,
	ActionFound     = "audit_more"     // turns to the next page,
	ActionNewer     = "audit_newer"    // and back,
	ActionRecord    = "audit_record"   // opens one,
	ActionWritten   = "audit_code"     // its code and refused drafts,
	ActionPrivate   = "audit_answer"   // an answer that is its asker's alone,
	ActionDeeds     = "audit_deeds"    // what was done to people, rules and budgets,
	ActionPoints    = "audit_points"   // the checkpoints,
	ActionPack      = "open_pack"      // and has a pack made
	ActionReckon    = "open_reckoning" // an administrator says what was spent after a copy of the database
	ActionPrivacy   = "open_privacy"
	ActionTheirs    = "open_theirs"
	ActionTry       = "open_try" // what other rules would have changed
	ActionAsk       = "open_form"
	ActionAnswer    = "answer"     // the asker says how a file is meant: the first choice,
	ActionAnswer2   = "answer_2"   // the second,
	ActionAnswer3   = "answer_3"   // and the third
	ActionCompare   = "compare"    // the asker looks at letters in several encodings
	ActionReread    = "reread"     // the asker says how a file is to be read instead
	ActionChoose    = "choose"     // the asker answers what the model asks: its first choice,
	ActionChoose2   = "choose_2"   // the second,
	ActionChoose3   = "choose_3"   // the third,
	ActionChoose4   = "choose_4"   // and the fourth,
	ActionSay       = "say"        // or in words of their own
	ActionFollow    = "follow"     // ask what the model offers to be asked next: the first,
	ActionFollow2   = "follow_2"   // the second,
	ActionFollow3   = "follow_3"   // and the third
	ActionAgain     = "ask_again"  // the form with a question that could not be taken as it was
	ActionMeant     = "meant"      // a file with nearly the name that was typed
	ActionMeant2    = "meant_2"    // and two more of them
	ActionMeant3    = "meant_3"    //
	ActionFix       = "fix"        // have code fixed that ended with an error
	ActionCode      = "show_code"  // what ran, and who approved it
	ActionDetails   = "details"    // the whole bill
	ActionOthers    = "other_ways" // the answer's overflow menu, with those of the next that are rare
	ActionVerify    = "verify"     // have an answer's code run once more, and compare
	ActionGood      = "good"       // the answer is good,
	ActionBad       = "bad"        // or not
	ActionShare     = "share"      // the answer is to stand in another channel as well
	ActionTakeBack  = "take_back"  // the answer goes from Slack
	ActionHand      = "hand_over"  // the thread is to be handed to a colleague,
	ActionTake      = "take_over"  // who accepts it,
	ActionLeave     = "leave"      // or does not;
	ActionKeepIt    = "keep_it"    // its giver withdraws the offer
	ActionHanded    = "handed"     // what went over
	ActionGiveUp    = "give_up"    // a reviewer ends what waits for what is away
	ActionPin       = "open_pin"   // an administrator pins a file to a channel,
	ActionUnpin     = "unpin"      // or takes a pin away;
	ActionAccept    = "accept_upload"
	ActionKeep      = "keep_pin" // a newer upload is put in the place of a pinned file, or is not

	// Buttons about money.
	ActionEditLimit   = "edit_limit"
	ActionSetLimit    = "set_limit"
	ActionRemoveLimit = "remove_limit"
	ActionContinue    = "continue"
	ActionCheaper     = "cheaper"
	ActionCheaper2    = "cheaper_2" // beside the first
	ActionWait        = "wait"
	ActionMoreMoney   = "more_money"
	ActionGrant       = "grant"
	ActionDecline     = "decline"
	ActionInsist      = "insist"  // the asker would rather not have a cheaper model write
	ActionWhy         = "why"     // which budget decided what about a question
	ActionHistory     = "history" // who has changed which budget
	ActionTop         = "top"     // who spends
	ActionExplain     = "open_explain"

	// Fields of the modals: the block's id and its element's action id are the same.
	FieldQuestion     = "question"
	FieldFiles        = "files"
	FieldUpload       = "upload"
	FieldModel        = "model"
	FieldAlone        = "alone" // the answer goes to its asker alone; of rules: it usually does
	FieldChannel      = "channel"
	FieldReason       = "reason"
	FieldFound        = "found" // what somebody finds who has looked
	FieldSaid         = "said"
	FieldKey          = "key"    // a public SSH key
	FieldTyped        = "typed"  // the beginning of the digest
	FieldPerson       = "person" // whom to ask, to name, to let decide
	FieldWhat         = "what"   // what for
	FieldRole         = "role"
	FieldAnswers      = "answers" // private ones that go along
	FieldUntil        = "until"
	FieldFrom         = "from"
	FieldWords        = "words"
	FieldClass        = "class"
	FieldCosts        = "cost"   // and the tier: from what cost on
	FieldNeeds        = "needs"  // and the tier: how many people
	FieldCare         = "care"   // and the tier: what else
	FieldReads        = "reads"  // and the tier: seconds a line
	FieldHourly       = "hourly" // and the tier: approvals by one person
	FieldHosts        = "hosts"
	FieldBudgets      = "budgets" // that are tried, one a line
	FieldFreezes      = "freezes"
	FieldWait         = "wait" // for a decision
	FieldLast         = "last" // how long an approval does
	FieldNone         = "none" // of a channel: what holds for the workspace; of the audit log: no channel
	FieldNotes        = "notes"
	FieldHide         = "hide"
	FieldMasked       = "masked"
	FieldKeepWords    = "keep_words"
	FieldKeepCode     = "keep_code"
	FieldKeepResults  = "keep_results"
	FieldKeepReadings = "keep_readings"
	FieldCurrency     = "currency"
	FieldYear         = "year"  // the month in which it begins
	FieldShows        = "shows" // what a model may see of the data

	FieldHeading   = "heading"   // of a file: its row,
	FieldSheet     = "sheet"     // the sheet that is meant,
	FieldDelimiter = "delimiter" // what stands between values,
	FieldDecimal   = "decimal"   // the sign in numbers,
	FieldEncoding  = "encoding"  // how letters are written,
	FieldAsText    = "as_text"   // and columns that are to be kept as text

	FieldLink   = "link"   // of a file that is to be pinned,
	FieldPeople = "people" // and who may use it

	FieldAllowed  = "allowed"  // models that may be asked,
	FieldDefault  = "default"  // the one that writes where a question names none,
	FieldStepsIn  = "steps_in" // providers that may take another's place,
	FieldFallback = "fallback" // the model that writes when the one that was asked cannot be reached,
	FieldMost     = "most"     // how much that may cost,
	FieldSites    = "sites"    // and hosts that are confirmed

	FieldKind      = "kind" // whose budget; choosing one asks for what it needs
	FieldUser      = "user"
	FieldProject   = "project"
	FieldThread    = "thread"
	FieldAmount    = "amount"
	FieldWindow    = "window"
	FieldSoft      = "soft"
	FieldWarn      = "warn"
	FieldDowngrade = "downgrade"
	FieldWithout   = "without"
	FieldReady     = "ready"
	FieldRequest   = "request" // which question to explain
	FieldRanking   = "ranking" // what spending is added up by,
	FieldPeriod    = "period"  // and over which time

	// Choices of the overflow menu.
	MoreCode   = "code" // followed by the request and its revision, after colons
	MoreNear   = "near"
	MoreEdit   = "edit"
	MoreAssign = "ask"
	MoreLink   = "link"
)
