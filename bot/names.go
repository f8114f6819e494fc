package bot

import (
	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// Actions lists every action id that a drawn message or modal may hold.
func Actions() []string {
	all := []string{ids.ActionApprove, ids.ActionReject, ids.ActionChanges, ids.ActionReview, ids.ActionDiff, ids.ActionMore, ids.ActionCancel, ids.ActionDisown, ids.ActionAgain, ids.ActionGiveUp,
		ids.ActionQueued, ids.ActionMine, ids.ActionTier, ids.ActionAge, ids.ActionCost, ids.ActionOrder, ids.ActionBack, ids.ActionNext, ids.ActionAway, ids.ActionReturn,
		ids.ActionPeople, ids.ActionName, ids.ActionUnname, ids.ActionRecall, ids.ActionRules, ids.ActionWhose, ids.ActionFigures, ids.ActionAsk, ids.ActionLink,
		ids.ActionEditLimit, ids.ActionSetLimit, ids.ActionRemoveLimit, ids.ActionContinue, ids.ActionCheaper, ids.ActionCheaper2, ids.ActionWait, ids.ActionMoreMoney, ids.ActionGrant, ids.ActionDecline,
		ids.ActionInsist, ids.ActionWhy, ids.ActionHistory, ids.ActionTop, ids.ActionExplain, ids.FieldRequest, ids.FieldRanking, ids.FieldPeriod,
		ids.FieldQuestion, ids.FieldFiles, ids.FieldUpload, ids.FieldModel, ids.FieldChannel, ids.FieldReason, ids.FieldTyped, ids.FieldPerson, ids.FieldWhat, ids.FieldRole, ids.FieldUntil,
		ids.FieldClass, ids.FieldHosts, ids.FieldFreezes, ids.FieldWait, ids.FieldLast, ids.FieldNone,
		ids.FieldKind, ids.FieldUser, ids.FieldProject, ids.FieldThread, ids.FieldAmount, ids.FieldWindow, ids.FieldSoft, ids.FieldWarn, ids.FieldDowngrade, ids.FieldWithout}
	for n := range kit.MaxEditParts {
		all = append(all, draw.EditField(n+1))
	}
	for _, t := range approval.Tiers() {
		all = append(all, home.TierField(ids.FieldNeeds, t), home.TierField(ids.FieldCare, t))
	}
	return append(all, home.TierField(ids.FieldCosts, approval.Medium), home.TierField(ids.FieldCosts, approval.High))
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
