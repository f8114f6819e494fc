package approval

import (
	"countersign/approval/reading"
	"countersign/budget"
)

// Reason is why something ended, waits, is back before the reviewers or cannot be done: a
// code with its facts. Which facts a code has stands beside it. What people read is
// bot/draw/reasons' to say. It is stored as JSON, so a field keeps its name and its meaning.
type Reason struct {
	Code     ReasonCode       `json:"code"`
	Said     string           `json:"said,omitempty"` // what a person, a model or a program around us said, as they said it
	Name     string           `json:"name,omitempty"` // of a file, a model, a host, a tier
	Other    string           `json:"other,omitempty"`
	Count    int64            `json:"count,omitempty"`
	Most     int64            `json:"most,omitempty"`
	Amount   budget.USD       `json:"amount,omitempty"`
	Standing *budget.Standing `json:"standing,omitempty"` // the budget that is in the way
	Fallen   []Fallen         `json:"fallen,omitempty"`   // approvals that do not count any more
	Problem  *reading.Problem `json:"problem,omitempty"`  // why a file is not read
	Why      []Reason         `json:"why,omitempty"`      // what is behind it
}

// ReasonCode names a reason; the empty one is none. Codes are stored, in rows and in events that
// never change, so a code keeps its spelling once it has been used. Its words may become better
// at any time.
type ReasonCode string

// Because is a reason without facts. Where a code has some beside it below, its sentence reads badly without them.
func Because(code ReasonCode) Reason { return Reason{Code: code} }

// Words is a reason that somebody outside of the core has put into words.
func Words(text string) Reason {
	if text == "" {
		return Reason{}
	}
	return Reason{Code: WhySaid, Said: text}
}

// None tells that there is none.
func (r Reason) None() bool { return r.Code == "" }

// String is for logs.
func (r Reason) String() string {
	if r.Code == WhySaid {
		return r.Said
	}
	// Codes are English enough for a log, and are what somebody searches the source for.
	text := string(r.Code)
	for _, fact := range []string{r.Name, r.Other, r.Said} {
		if fact != "" {
			text += " " + fact
		}
	}
	for _, why := range r.Why {
		text += ": " + why.String()
	}
	return text
}

// Told is a reason as an event has it: its texts may be somebody's words, so they are Said, and can be forgotten without
// breaking the event. Numbers are whole, as events want them.
func (r Reason) Told() map[string]any {
	if r.None() {
		return nil
	}
	data := map[string]any{"code": r.Code}
	// What is empty is left out, so that an event holds nothing but what is known.
	for key, text := range map[string]string{"said": r.Said, "name": r.Name, "other": r.Other} {
		if text != "" {
			data[key] = Said(text)
		}
	}
	for key, n := range map[string]int64{"count": r.Count, "most": r.Most, "amount": int64(r.Amount)} {
		if n != 0 {
			data[key] = n
		}
	}
	// These three hold ids, codes and numbers alone, so they stand in the chain as they are.
	if r.Standing != nil {
		data["standing"] = r.Standing
	}
	if r.Fallen != nil {
		data["fallen"] = r.Fallen
	}
	if r.Problem != nil {
		data["problem"] = r.Problem
	}
	if r.Why != nil {
		data["why"] = toldAll(r.Why)
	}
	return data
}

// toldAll tells the reasons behind a reason, in their order.
func toldAll(reasons []Reason) []map[string]any {
	told := make([]map[string]any, len(reasons))
	for i, r := range reasons {
		told[i] = r.Told()
	}
	return told
}

// WhySaid is a reason that an adapter has put into words: Said.
const WhySaid ReasonCode = "said"

// Why a request has ended, or waits.
const (
	// Its time ran out.
	WhyNobodyDecided  ReasonCode = "nobody decided"
	WhyTooFewDecided  ReasonCode = "too few decided" // Count of Most
	WhyNotAnswered    ReasonCode = "not answered in time"
	WhyNotWritten     ReasonCode = "not written in time"
	WhyNotStarted     ReasonCode = "not started in time"
	WhyGlassUnstarted ReasonCode = "not started in time after break-glass"
	WhyNotPaid        ReasonCode = "no money in time"
	WhyNoBox          ReasonCode = "no free box" // approved, and none can be had
	WhyLost           ReasonCode = "result lost"
	WhyRejected       ReasonCode = "rejected"      // the words are the decision's
	WhyGaveUp         ReasonCode = "gave up"       // Said: the last problem
	WhyNoAnswer       ReasonCode = "no answer"     // of a model was kept: replicas ended in the middle
	WhyProse          ReasonCode = "prose"         // Said by a model in place of a program
	WhyNoRoom         ReasonCode = "no room"       // beside calls of which nobody knows the price
	WhyNotRead        ReasonCode = "file not read" // Name, Problem
	// This installation, or its budget, cannot do it.
	WhyNothingRuns     ReasonCode = "nothing runs here"
	WhyNothingInspects ReasonCode = "nothing inspects here" // both: Said by the sandbox
	WhyOurFault        ReasonCode = "our fault"             // Name: its reference in the log
	WhyOverBudget      ReasonCode = "over budget"           // Standing, Amount: needed
	WhyNoPrice         ReasonCode = "no price"              // Name
	WhyDearer          ReasonCode = "boxes are dearer"      // Amount: the cap
	WhyCodeHidden      ReasonCode = "stored code cannot be shown"

	// Of a run that is repeated.
	WhyDataChanged      ReasonCode = "data changed since"          // Name
	WhyOtherEnvironment ReasonCode = "environment changed"         // Name: what is not there any more
	WhyRefusedToday     ReasonCode = "inspection refuses what ran" // Said by it
)

// Why code is back before the reviewers.
const (
	// By somebody's word, or because an approval does not count any more.
	WhyBrokenSeal    ReasonCode = "seal broken" // Fallen, Why
	WhyDisowned      ReasonCode = "disowned"
	WhyGlassDisowned ReasonCode = "glass disowned"
	WhyUnpaidChange  ReasonCode = "no money for a change" // Standing, Amount: needed
	// Because a run would not be of what was approved.
	WhyOtherCode          ReasonCode = "other code" // this and the following: what is different from what was approved
	WhyOtherTerms         ReasonCode = "other terms"
	WhyOtherApproved      ReasonCode = "approvals of something else"
	WhyUnsigned           ReasonCode = "unsigned"
	WhyTooFewThere        ReasonCode = "too few approvals there" // Count of Most
	WhyOtherSandbox       ReasonCode = "other sandbox"           // Name in place of Other
	WhyOtherInputs        ReasonCode = "other inputs"            // Why: one of the following, or why they cannot be had
	WhyInputAdded         ReasonCode = "input added"             // Name
	WhyInputDiffers       ReasonCode = "input differs"           // Name
	WhyInputReadOtherwise ReasonCode = "input read otherwise"    // Name
	WhyInputMissing       ReasonCode = "input missing"           // Name
	WhyInputCount         ReasonCode = "number of inputs"
	WhyInputUnread        ReasonCode = "input cannot be read"
	WhyBeyondRules        ReasonCode = "beyond the rules" // Name: hosts
	WhyStricterFile       ReasonCode = "file of a stricter channel"
	WhyStricterRules      ReasonCode = "stricter rules of a channel" // and the question names none
)

// Why a click does nothing: it comes too late, or is not theirs to make.
const (
	// Of decisions: nobody decides on their own, or twice.
	WhyOwnQuestion     ReasonCode = "own question"
	WhyOwnQuestionEdit ReasonCode = "own question, edit"
	WhyOwnCode         ReasonCode = "own code"
	WhyDecided         ReasonCode = "decided already"
	WhyOneSay          ReasonCode = "one say"
	WhyOneSeat         ReasonCode = "one say of an operating-system user" // Name
	WhyQuiet           ReasonCode = "waits for whoever approved"
	WhySameCode        ReasonCode = "repeated as it is"
	WhyRepeatsNow      ReasonCode = "being repeated"
	// It has moved on since the button was drawn.
	WhyTooLate        ReasonCode = "time for a decision over"
	WhyApprovalOver   ReasonCode = "approval over"
	WhyNotOpen        ReasonCode = "version not open"
	WhyTooFewApproved ReasonCode = "too few approved"
	WhyUnapproved     ReasonCode = "not approved"
	WhyStartedBefore  ReasonCode = "started before"
	WhyBoxUsed        ReasonCode = "box used"
	WhyRunEnded       ReasonCode = "run ended"
	WhyMovedOn        ReasonCode = "moved on"
	WhyPaidBefore     ReasonCode = "paid before"
	// Bounds of one question, against endless loops of model and inspection.
	WhyManyRounds      ReasonCode = "too many rounds"      // Count
	WhyManyCalls       ReasonCode = "too many calls"       // Count
	WhyManyInspections ReasonCode = "too many inspections" //
	WhyNotBlocked      ReasonCode = "waits for no money"
	WhyNotWriting      ReasonCode = "is not being written"
	WhyModelAsked      ReasonCode = "model asked for writes"
	WhyStillSaving     ReasonCode = "still saving" // Name: the model; Other: the kind of the budget
	WhyThereAgain      ReasonCode = "there again"
	WhyNotYours        ReasonCode = "no approval of yours"
	WhyApprovalGone    ReasonCode = "approval counts no more"
	WhyEndedUnrun      ReasonCode = "ended, never run"
	WhyBeingChanged    ReasonCode = "being changed"
	WhyVoid            ReasonCode = "sandbox did not start it"
	WhyRunsAlready     ReasonCode = "started, too late to stop"
	// Of top-ups.
	WhyTopUpOpen     ReasonCode = "top-up open"
	WhyTopUpGranted  ReasonCode = "top-up granted before"
	WhyTopUpDeclined ReasonCode = "top-up declined before"
	WhyTopUpIdle     ReasonCode = "top-up not needed"
	WhyOwnTopUp      ReasonCode = "own top-up"
	// What a tier asks for before its Approve counts.
	WhyElsewhere     ReasonCode = "command line only" // Name: the tier; Other: the request
	WhyOwnersOnly    ReasonCode = "owners only"       // Name: the tier
	WhyReviewersOnly ReasonCode = "reviewers only"
	// Of deciding in the place of somebody who is away: what bars them bars whoever stands in.
	WhyAbsentAsked   ReasonCode = "who is away asked"
	WhyAbsentWrote   ReasonCode = "who is away wrote"
	WhyAbsentDecided ReasonCode = "who is away has decided"
	WhyAbsentBarred  ReasonCode = "who is away is barred"
	WhyNotDelegated  ReasonCode = "not delegated"
	// Of signatures by reviewers' SSH keys.
	WhyNotSigned ReasonCode = "not signed by a key of theirs"
	WhyNoKey     ReasonCode = "no key registered"
	WhyYoungKey  ReasonCode = "key too young" // Count: hours
	WhyUntoldKey ReasonCode = "owner of the key not told"
	WhyOldNonce  ReasonCode = "signed too late"
	// Of break-glass.
	WhyGlassRole     ReasonCode = "no break-glass role"
	WhyGlassSecond   ReasonCode = "break-glass named by one"
	WhyGlassYoung    ReasonCode = "break-glass role too young" // Count: hours
	WhyGlassRests    ReasonCode = "break-glass rests"
	WhyGlassUnseen   ReasonCode = "break-glass not looked at" // Name: the request
	WhyGlassAlone    ReasonCode = "too few other administrators"
	WhyGlassDanger   ReasonCode = "break-glass and a danger"
	WhyGlassNetwork  ReasonCode = "break-glass and a network"
	WhyGlassOwn      ReasonCode = "own break-glass"
	WhyGlassGone     ReasonCode = "no break-glass to look at"
	WhyManyApprovals ReasonCode = "approved many" // Name: the tier; Count; Most: minutes until the next
	// Of whose button it is.
	WhyAdminsOnly     ReasonCode = "administrators only" // Name: what they do
	WhyAuditor        ReasonCode = "auditors change nothing"
	WhyAuditorsOnly   ReasonCode = "administrators and auditors only"
	WhyAskerWithdraws ReasonCode = "asker or administrator withdraws"
	WhyAskerLooks     ReasonCode = "asker or administrator looks"
	WhyAskerAnswers   ReasonCode = "asker answers"
	WhyAskerCorrects  ReasonCode = "asker corrects"
	WhyAskerTakesBack ReasonCode = "asker or administrator takes back"
	WhyNothingCame    ReasonCode = "no answer to take back"
	WhyAskerShares    ReasonCode = "asker shares"
	// Of sharing an answer in another channel.
	WhyNothingToShare ReasonCode = "no answer to share" // none came, or it was taken back
	WhyGuestShares    ReasonCode = "guest shares"
	WhyStandsThere    ReasonCode = "stands there"
	WhyShareUnseen    ReasonCode = "cannot share there"    // the bot is not in it, or it is archived
	WhyShareOutside   ReasonCode = "share outside"         // another organisation reads along
	WhyShareNotIn     ReasonCode = "sharer not in channel" //
	WhyShareOpener    ReasonCode = "share in a less confidential channel"
	WhyFileNotTheirs  ReasonCode = "file not theirs" // Name: not all in the channel may see it
	// Of handing a thread over.
	WhyAskerHands    ReasonCode = "asker hands over"
	WhyHandEnded     ReasonCode = "hand-over ended"
	WhyHandNotTheirs ReasonCode = "hand-over for somebody else"
	WhyHandThread    ReasonCode = "thread below an offer"
	WhyHandOffered   ReasonCode = "handed to them already"
	WhyHandSelf      ReasonCode = "handed to oneself"
	WhyHandBot       ReasonCode = "handed to a bot"
	WhyHandGuest     ReasonCode = "handed to a guest"
	WhyHandOutsider  ReasonCode = "handed to somebody of another organisation"
	WhyHandAuditor   ReasonCode = "handed to an auditor"
	WhyHandGone      ReasonCode = "handed to somebody who has left"
	WhyHandNotIn     ReasonCode = "colleague not in channel"
	WhyGuestHands    ReasonCode = "guest hands over"
	WhyHandNotSeen   ReasonCode = "file not the giver's to hand over" // Name
	WhyHandPinned    ReasonCode = "pin keeps a file from a colleague" // Name
	WhyHandNothing   ReasonCode = "nothing to hand over"
	// Of what a file or a model leaves open.
	WhyOtherDoubt   ReasonCode = "answered already"
	WhyLookedAt     ReasonCode = "looked at already"
	WhyNotReadYet   ReasonCode = "not read yet"
	WhyReadAsTold   ReasonCode = "read as told"
	WhyAskerChooses ReasonCode = "asker chooses"
	WhyDeactivated  ReasonCode = "deactivated"
	WhyApp          ReasonCode = "app"
	WhyStranger     ReasonCode = "of another workspace"
	WhyGuest        ReasonCode = "guest"
)

// What somebody gave, and can give better.
const (
	WhyNoReason        ReasonCode = "reason missing"
	WhyGlassReason     ReasonCode = "break-glass reason too short" // Most: characters
	WhyGlassSelf       ReasonCode = "break-glass for oneself"
	WhyBadKey          ReasonCode = "no public key"
	WhyKeyKind         ReasonCode = "key of another kind"
	WhyPrivateKey      ReasonCode = "private key"
	WhyKeyTaken        ReasonCode = "somebody else's key"
	WhyManyKeys        ReasonCode = "too many keys" // Most
	WhyNoWish          ReasonCode = "wish missing"
	WhyNoVerdict       ReasonCode = "no verdict"
	WhyTyped           ReasonCode = "digest not typed"  // Name: the tier; Count: characters
	WhyNotOpened       ReasonCode = "code not opened"   // Name: the tier
	WhyTooSoon         ReasonCode = "approved too soon" // Name: the tier; Count: lines; Most: seconds that are left
	WhyPaceRange       ReasonCode = "pace of approvals" // Name: the tier; Most: seconds a line
	WhyNothingEdited   ReasonCode = "nothing edited"
	WhyUntruthful      ReasonCode = "cannot be shown truthfully" // Said
	WhyNoAnswerThere   ReasonCode = "no answer to repeat"        // Name: its id
	WhyNoQuestion      ReasonCode = "question missing"
	WhyLongQuestion    ReasonCode = "question too long"            // Count, Most: characters
	WhyManyQuestions   ReasonCode = "too many questions"           // Count
	WhyManyFiles       ReasonCode = "too many files"               // Count, Most
	WhyFilesTooBig     ReasonCode = "files too big"                // Count, Most: bytes
	WhyFileTooBig      ReasonCode = "file too big"                 // Name; Count, Most: bytes
	WhyFileBigger      ReasonCode = "file bigger"                  // Name; Most: bytes
	WhyUploadsOff      ReasonCode = "uploads switched off"         // Standing
	WhyModelOff        ReasonCode = "model switched off"           // Name, Standing
	WhyNoModel         ReasonCode = "no such model"                // Name; Other: those that there are; Why: which may be meant
	WhyModelBarred     ReasonCode = "model not allowed"            // Name; Other: those that are; Why: which may be meant
	WhyModelOfFile     ReasonCode = "model not allowed for a file" // Name; Other: those that are
	WhyModelPlaceless  ReasonCode = "model not allowed everywhere" // Name, perhaps; Other: those that are
	WhyNoStepIn        ReasonCode = "model of another provider"    // Name; Other: in whose place
	WhyHostRests       ReasonCode = "host not confirmed"           // Name; Other: the provider; Said: the host
	WhyNoModelHere     ReasonCode = "no model may be asked here"
	WhyDefaultBarred   ReasonCode = "default is not allowed"         // Name
	WhyFallbackBarred  ReasonCode = "fallback is not allowed"        // Name
	WhyFallbackAlone   ReasonCode = "fallback steps in for no model" // Name
	WhyFallbackMost    ReasonCode = "fallback without a model"       //
	WhyFallbackSpent   ReasonCode = "fallback used up"               // Name; Amount: the cap
	WhyFallbackDear    ReasonCode = "fallback never fits"            // Name; Amount: what it costs at least
	WhyManySites       ReasonCode = "too many hosts confirmed"
	WhyNotCheaper      ReasonCode = "not cheaper" // Name; Other: than which, or than any
	WhyBadPolicy       ReasonCode = "policy"      // Said by budget
	WhyNoBudget        ReasonCode = "no such budget"
	WhyNoSpender       ReasonCode = "nobody who spends"
	WhyWaitInVain      ReasonCode = "waiting does not help"
	WhyNoPurpose       ReasonCode = "purpose missing"
	WhyTooLittle       ReasonCode = "too little" // Amount: the least
	WhyTooMuch         ReasonCode = "too much"   // Amount: the most
	WhyNobodyGrants    ReasonCode = "nobody grants"
	WhyTooFar          ReasonCode = "too far away"
	WhyMomentPassed    ReasonCode = "moment passed"
	WhyOwnWish         ReasonCode = "own wish"
	WhyOwnPart         ReasonCode = "own part"
	WhyNobodyNext      ReasonCode = "nobody approves the next version"
	WhyOwnOpinion      ReasonCode = "own opinion"
	WhyManyOpinions    ReasonCode = "too many opinions" // Count
	WhyTheyAsked       ReasonCode = "they asked"
	WhyTheyWrote       ReasonCode = "they wrote"
	WhyTheyDecided     ReasonCode = "they decided"
	WhyTheyReviewNot   ReasonCode = "they are no reviewer"
	WhyTheyAreBarred   ReasonCode = "they are barred"
	WhyNotNamed        ReasonCode = "cannot be named" // Why
	WhyInSettings      ReasonCode = "named in the settings"
	WhyNoPerson        ReasonCode = "person missing"
	WhyNoRole          ReasonCode = "role missing"
	WhyAdminOfAll      ReasonCode = "administrators of a channel"
	WhyAuditorApart    ReasonCode = "auditor with another role"
	WhyAuditorOpen     ReasonCode = "auditor with open questions"
	WhyReviewersLet    ReasonCode = "only reviewers delegate"
	WhyDelegateSelf    ReasonCode = "delegate is oneself"
	WhyDayPassed       ReasonCode = "day passed"
	WhyTooLong         ReasonCode = "delegation too long"
	WhyNoSubstitute    ReasonCode = "cannot decide in your place" // Why
	WhyRulesNeeded     ReasonCode = "rules of the workspace needed"
	WhyNoNetwork       ReasonCode = "no network here"
	WhyRulesChanged    ReasonCode = "rules changed meanwhile"
	WhyOwnersOfChannel ReasonCode = "owners of the workspace"
	WhyTooFewReviewers ReasonCode = "too few reviewers"   // Name: the tier; Most: needed; Count: there
	WhyApprovalsRange  ReasonCode = "number of approvals" // Name: the tier; Most
	WhyCostOrder       ReasonCode = "order of costs"
	WhyNoClass         ReasonCode = "class of data"
	WhyManyHosts       ReasonCode = "too many hosts" // Most
	WhyBadHost         ReasonCode = "no host"        // Name
	WhyWaitRange       ReasonCode = "length of a wait"
	WhyManyFreezes     ReasonCode = "too many freezes" // Most
	WhyLongFreeze      ReasonCode = "freeze too long"
	WhyBadFreeze       ReasonCode = "no freeze"      // Name
	WhyLongNotes       ReasonCode = "notes too long" // Count, Most: characters
	WhyNoCurrency      ReasonCode = "no currency"    // Name
	WhyNoMonth         ReasonCode = "no month"
	WhyNoSight         ReasonCode = "no such switch"
	WhyNotesOfChannel  ReasonCode = "notes of the workspace"
	WhyLogChannel      ReasonCode = "log channel" // the bot is not in it
	WhyBadHide         ReasonCode = "bad hide"    // Count: the line, 0 for all of them; Said: what is wrong with it
	WhyKeepRange       ReasonCode = "keep range"  // Most
	WhyReckoned        ReasonCode = "confirmed already"
	WhyEraseSelf       ReasonCode = "erase self"
	WhyOnLegalHold     ReasonCode = "on legal hold"
	WhyUnpinned        ReasonCode = "not pinned any more"     // Name
	WhyPinnedForOthers ReasonCode = "pinned for others"       // Name
	WhyPinDiffers      ReasonCode = "not what was pinned"     // Name
	WhyUploadDiffers   ReasonCode = "not what was offered"    // Name
	WhyPinnedPrivate   ReasonCode = "pinned for some of them" // Name
	WhyPinGone         ReasonCode = "pin gone"
	WhyPinUnseen       ReasonCode = "file to pin not seen"
	WhyPinNone         ReasonCode = "no file to pin"
	WhyPinToChannel    ReasonCode = "pinned to no channel"
	WhyManyPins        ReasonCode = "too many pins" // Most
)
