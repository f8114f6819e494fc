// Package reasons has the words for the core's reasons: a code with its facts in, a sentence
// out. It knows nothing of Slack, so the cards, the command line and tests share it.
//
// A code has its sentence in one of two places: in plain (plain.go) where it has no facts, in
// filled where it has. A test reads the codes out of approval/reason.go and fails for one
// that has no words, or words in both. A sentence says first what is so and then what the
// reader can do about it. It has to be true for whoever may read it: most of these stand in
// a thread or on a card, where "you" is not the one who is meant.
package reasons

import (
	"cmp"
	"fmt"
	"strings"

	"countersign/approval"
	"countersign/budget"
)

// Words are a reason in sentences for people; empty for none. The people in it are not
// named here: draw.Back does that.
func Words(r approval.Reason) string {
	if say, ok := filled[r.Code]; ok {
		return say(r)
	}
	said := plain[r.Code]
	for _, why := range r.Why {
		said += " " + Words(why)
	}
	// A broken seal has no sentence of its own: what is different, one thing a sentence, comes first.
	if r.Code == approval.WhyBrokenSeal {
		said += " The approval no longer counts, and nothing has run. It needs a new decision."
	}
	return strings.TrimPrefix(said, " ")
}

// filled say what has facts.
var filled = map[approval.ReasonCode]func(approval.Reason) string{
	// Of a request that has ended, or waits.
	approval.WhySaid: func(r approval.Reason) string { return r.Said },

	approval.WhyTooFewDecided: func(r approval.Reason) string {
		return fmt.Sprintf("Too few people decided in time: it had %d of the %d approvals that it takes. Ask again if you still need it.", r.Count, r.Most)
	},
	approval.WhyGaveUp: func(r approval.Reason) string {
		return fmt.Sprintf("The model did not get to a program that can be reviewed. The last problem: %s. Asking in other words may help.", strings.TrimSuffix(r.Said, "."))
	},
	approval.WhyProse: func(r approval.Reason) string {
		return "The model answered in words instead of writing a program. It said:\n" + r.Said
	},
	approval.WhyNotRead: func(r approval.Reason) string {
		if r.Problem == nil {
			return r.Name + " is not read."
		}
		return r.Name + " is not read. " + r.Problem.Words()
	},
	approval.WhyNothingRuns: func(r approval.Reason) string { return "Nothing can run code here at the moment: " + r.Said },
	approval.WhyNothingInspects: func(r approval.Reason) string {
		return "Nothing can inspect code here at the moment: " + r.Said
	},
	approval.WhyOurFault: func(r approval.Reason) string {
		return "Something went wrong on our side. An administrator can find it in the log under " + r.Name + "."
	},
	approval.WhyOverBudget: refused,
	approval.WhyNoPrice: func(r approval.Reason) string {
		return fmt.Sprintf("There is no price for %s, so it is not used. An administrator can add one.", r.Name)
	},
	approval.WhyDearer: func(r approval.Reason) string {
		return fmt.Sprintf("Sandboxes have become more expensive since this was approved: %s no longer pays for a run, so nothing was run. Please ask again.", r.Amount)
	},

	// Of a run that is repeated.
	approval.WhyDataChanged: func(r approval.Reason) string {
		if r.Name == "" {
			return "The data has changed since: there are other files than the code ran on."
		}
		return "The data has changed since: " + r.Name + " is not what the code ran on then."
	},
	approval.WhyOtherEnvironment: func(r approval.Reason) string {
		return "It cannot be repeated: the environment has changed. Not there any more as it was: " + r.Name + "."
	},
	approval.WhyRefusedToday: func(r approval.Reason) string {
		return "It cannot be repeated: today's inspection does not let the code through. " + r.Said
	},
	approval.WhyNoAnswerThere: func(r approval.Reason) string {
		return "There is no answer " + r.Name + " that you can see and that can be verified. It takes the thread and all of its files, as you see them in Slack now."
	},

	// Of code that is back before the reviewers.
	approval.WhyUnpaidChange: func(r approval.Reason) string {
		return "A reviewer wanted the code changed, and the budget does not allow it. " + refused(r)
	},
	approval.WhyTooFewThere: func(r approval.Reason) string {
		return fmt.Sprintf("It has %d of the %d approvals that it needs.", r.Count, r.Most)
	},
	approval.WhyOtherSandbox: func(r approval.Reason) string {
		return fmt.Sprintf("It would run in another sandbox: %s instead of %s.", r.Name, r.Other)
	},
	approval.WhyInputAdded: func(r approval.Reason) string {
		return r.Name + " is not among the inputs that were approved."
	},
	approval.WhyInputDiffers: func(r approval.Reason) string {
		return r.Name + " is not what it was: its content has changed."
	},
	approval.WhyInputReadOtherwise: func(r approval.Reason) string {
		return r.Name + " would be read otherwise than when it was approved."
	},
	approval.WhyInputMissing: func(r approval.Reason) string {
		return r.Name + ", which was approved as an input, is not among the files any more."
	},
	approval.WhyBeyondRules: func(r approval.Reason) string {
		return fmt.Sprintf("It may reach %s, which the rules no longer allow.", r.Name)
	},

	// Of a click that does nothing.
	approval.WhyManyRounds: func(r approval.Reason) string {
		return fmt.Sprintf("This code has been changed %d times already, which is the limit. "+
			"Approve or reject it; the asker can ask anew in other words.", r.Count)
	},
	approval.WhyManyCalls: func(r approval.Reason) string {
		return fmt.Sprintf("The model was called %d times without a usable program.", r.Count)
	},
	approval.WhyStillSaving: func(r approval.Reason) string {
		return fmt.Sprintf("%s is still not used: %s is past its soft limit.", r.Name, whose[budget.ScopeKind(r.Other)])
	},
	approval.WhyElsewhere: func(r approval.Reason) string {
		return fmt.Sprintf("Code of %s risk is not decided in Slack here. Your administrators have set that it is decided on the command line: countersign decide %s", r.Name, r.Other)
	},
	approval.WhyOneSeat: func(r approval.Reason) string {
		// The database may refuse the same without telling whose account it was.
		who := "This user of this machine"
		if r.Name != "" {
			who = "The machine's user " + r.Name
		}
		return who + " has already decided on this version. One user has one say, whoever they decide as: somebody else has to decide from their own account."
	},
	approval.WhyYoungKey: func(r approval.Reason) string {
		// Rounded up to hours, so nobody comes back too early.
		in := "an hour"
		if r.Count > 1 {
			in = fmt.Sprintf("%d hours", r.Count)
		}
		return "Your SSH key does not count yet: a new key counts after a day. Decide again in " + in + ", or in Slack where the rules allow it."
	},
	approval.WhyManyKeys: func(r approval.Reason) string {
		return fmt.Sprintf("You have %d SSH keys, which is the limit. Remove one first.", r.Most)
	},
	approval.WhyOwnersOnly: func(r approval.Reason) string {
		return fmt.Sprintf("Code of %s risk is decided on by the channel's own reviewers here.", r.Name)
	},
	approval.WhyHandNotSeen: func(r approval.Reason) string {
		return fmt.Sprintf("Slack no longer shows %s to whoever hands the thread over, so it cannot go along. The thread has to be offered without it.", r.Name)
	},
	approval.WhyHandPinned: func(r approval.Reason) string {
		return fmt.Sprintf("%s is pinned for people whom administrators have named, and the colleague is not one of them. The thread has to be offered without it.", r.Name)
	},
	approval.WhyFileNotTheirs: func(r approval.Reason) string {
		return "Not everybody in that channel may see " + r.Name + ", which the answer comes from. Share the file there first."
	},
	approval.WhyAdminsOnly: func(r approval.Reason) string { return "Only administrators can " + r.Name + "." },

	// Of what can be given better. A decision that comes to nothing says so: people believe what they pressed.
	approval.WhyTyped: func(r approval.Reason) string {
		return fmt.Sprintf("To approve code of %s risk, type its confirmation code: the first %d characters of the digest on the card. Nothing has been decided.", r.Name, r.Count)
	},
	approval.WhyNotOpened: func(r approval.Reason) string {
		return fmt.Sprintf("Code of %s risk is opened before it is approved here. Press Review on the card, read it, then approve it there. Nothing has been decided.", r.Name)
	},
	approval.WhyTooSoon: func(r approval.Reason) string {
		return fmt.Sprintf("This is %s of code, and reading takes a moment. Please read on: you can approve in %s. Nothing has been decided.", counted(r.Count, "line"), counted(r.Most, "second"))
	},
	approval.WhyPaceRange: func(r approval.Reason) string {
		return fmt.Sprintf("For %s risk, the time to read a line is at most %d seconds, and no number is negative.", r.Name, r.Most)
	},
	approval.WhyGlassYoung: func(r approval.Reason) string {
		return "You have been named for break-glass, and it counts after 24 hours: in " + counted(r.Count, "hour") + "."
	},
	approval.WhyGlassUnseen: func(r approval.Reason) string {
		// The database may refuse the same without telling which it was.
		which := "An earlier run without an approval"
		if r.Name != "" {
			which += " (" + r.Name + ")"
		}
		return which + " has not been looked at by two administrators yet. Until then nobody breaks the glass again."
	},
	approval.WhyGlassReason: func(r approval.Reason) string {
		return fmt.Sprintf("Say in %d characters or more why this cannot wait for a reviewer. Administrators read it.", max(r.Most, 20))
	},
	approval.WhyManyApprovals: func(r approval.Reason) string {
		return fmt.Sprintf("You have approved %d programs of %s risk within an hour, which is as many as one person reads well here. Thank you: somebody else can decide on this one, or you in %s. Nothing has been decided.", r.Count, r.Name, counted(r.Most, "minute"))
	},
	approval.WhyUntruthful: func(r approval.Reason) string {
		return "Reviewers could not see this as it is: " + r.Said + "."
	},
	approval.WhyLongQuestion: func(r approval.Reason) string {
		return fmt.Sprintf("Your question has %d characters; at most %d fit. Please shorten it, or put the details into a file.", r.Count, r.Most)
	},
	approval.WhyManyQuestions: func(r approval.Reason) string {
		return fmt.Sprintf("You have %d open questions, which is the limit. "+
			"Ask again when one of them has ended, or cancel one: /analyze status lists them.", r.Count)
	},
	approval.WhyManyFiles: func(r approval.Reason) string {
		return fmt.Sprintf("These are %d files; at most %d fit into one question.", r.Count, r.Most)
	},
	approval.WhyFilesTooBig: func(r approval.Reason) string {
		return fmt.Sprintf("These files have %s together; together at most %s fit into one question. Leave some out, or make them smaller.", megabytes(r.Count), megabytes(r.Most))
	},
	approval.WhyFileTooBig: func(r approval.Reason) string {
		return fmt.Sprintf("%s has %s; at most %s fit.", r.Name, megabytes(r.Count), megabytes(r.Most))
	},
	approval.WhyFileBigger: func(r approval.Reason) string {
		return fmt.Sprintf("%s is larger than %s.", r.Name, megabytes(r.Most))
	},
	approval.WhyUploadsOff: func(r approval.Reason) string {
		return "Uploading files with a question is" + switchedOff(r) + " You can still ask about files that are in the channel."
	},
	approval.WhyModelOff: func(r approval.Reason) string {
		return r.Name + " is" + switchedOff(r) + " Choose another model."
	},
	approval.WhyNoModel: func(r approval.Reason) string {
		return fmt.Sprintf("There is no model called %s here.%s", r.Name, meant(r)) + those(" You can choose from %s.", r.Other)
	},
	approval.WhyModelBarred: func(r approval.Reason) string {
		return fmt.Sprintf("%s is not allowed in this channel.%s", r.Name, meant(r)) + those(" Allowed here: %s.", r.Other)
	},
	approval.WhyModelOfFile: func(r approval.Reason) string {
		return fmt.Sprintf("%s is not asked about these files: one of them is also known from a channel with stricter rules. Allowed for them: %s.", r.Name, cmp.Or(r.Other, "none"))
	},
	approval.WhyModelPlaceless: func(r approval.Reason) string {
		return fmt.Sprintf("No channel was named, so the strictest rules in force hold, and they do not allow %s. Allowed: %s. To go by the rules of a channel that you are in, name it in your question: … in #channel.", cmp.Or(r.Name, "any model"), cmp.Or(r.Other, "none"))
	},
	approval.WhyHostRests: func(r approval.Reason) string {
		return fmt.Sprintf("%s would be asked at %s, which no administrator has confirmed for %s yet. They can do that in my Home, under Models.", r.Name, r.Said, r.Other)
	},
	approval.WhyNoStepIn: func(r approval.Reason) string {
		return fmt.Sprintf("%s belongs to another provider than %s, and no administrator lets it step in here. Ask again and choose it yourself, if it is allowed in this channel.", r.Name, r.Other)
	},
	approval.WhyDefaultBarred: func(r approval.Reason) string {
		return r.Name + " cannot be the default: it is not among the models that are allowed."
	},
	approval.WhyFallbackBarred: func(r approval.Reason) string {
		return r.Name + " cannot be the fallback: it is not among the models that are allowed."
	},
	approval.WhyFallbackAlone: func(r approval.Reason) string {
		return r.Name + " could never step in: the other models that are allowed are of another provider. Tick its provider among those that may step in."
	},
	approval.WhyFallbackDear: func(r approval.Reason) string {
		return fmt.Sprintf("One answer of %s can cost up to %s, so it would never be used. Allow at least that much.", r.Name, r.Amount.Approx())
	},
	approval.WhyFallbackSpent: func(r approval.Reason) string {
		return fmt.Sprintf("%s stepped in for a model that cannot be reached. Another call of it could cost more than the %s that it may cost a question.", r.Name, r.Amount)
	},
	approval.WhyNotCheaper: func(r approval.Reason) string {
		than := r.Other
		if than == "" {
			than = "any other model here"
		}
		return fmt.Sprintf("%s is not cheaper than %s, so nothing would be saved.", r.Name, than)
	},
	approval.WhyBadPolicy: func(r approval.Reason) string { return strings.ToUpper(r.Said[:1]) + r.Said[1:] + "." },
	approval.WhyTooLittle: func(r approval.Reason) string {
		return fmt.Sprintf("That is not enough: at least %s more is needed.", r.Amount.Approx())
	},
	approval.WhyTooMuch: func(r approval.Reason) string {
		return fmt.Sprintf("That is more than can be asked for at once; the most is %s.", r.Amount)
	},
	approval.WhyManyOpinions: func(r approval.Reason) string {
		return fmt.Sprintf("%d people have been asked already. Please let one of them decide.", r.Count)
	},
	approval.WhyTooFewReviewers: func(r approval.Reason) string {
		return fmt.Sprintf("A program of %s risk would need the approval of %d people, and only %d can give it. Name more reviewers first.", r.Name, r.Most, r.Count)
	},
	approval.WhyApprovalsRange: func(r approval.Reason) string {
		return fmt.Sprintf("A program of %s risk can need from 1 to %d approvals.", r.Name, r.Most)
	},
	approval.WhyLongNotes: func(r approval.Reason) string {
		return fmt.Sprintf("The notes have %d characters. Please keep them under %d: they stand on every card and in every prompt.", r.Count, r.Most)
	},
	approval.WhyNoCurrency: func(r approval.Reason) string {
		return fmt.Sprintf("%q is no currency. Write its three letters, such as EUR.", r.Name)
	},
	approval.WhyBadHide: func(r approval.Reason) string {
		if r.Count == 0 {
			return "That is " + r.Said + "."
		}
		return fmt.Sprintf("Line %d %s.", r.Count, r.Said)
	},
	approval.WhyManyHosts: func(r approval.Reason) string {
		return fmt.Sprintf("There can be at most %d hosts: reviewers have to read them all.", r.Most)
	},
	approval.WhyBadHost: func(r approval.Reason) string {
		return fmt.Sprintf("%q is not the name of a host. An example is api.example.com, without http and without a path.", r.Name)
	},
	approval.WhyUnpinned: func(r approval.Reason) string {
		return r.Name + " is not pinned any more. If it is in the channel, ask with /analyze and tick it there; else an administrator can pin it again with /analyze data."
	},
	approval.WhyPinnedForOthers: func(r approval.Reason) string {
		return r.Name + " is pinned for other people. /analyze data shows for whom; an administrator can add you."
	},
	approval.WhyPinDiffers: func(r approval.Reason) string {
		return r.Name + " does not hold what was pinned any more, so it is not used. An administrator can look at it with /analyze data and pin it anew."
	},
	approval.WhyUploadDiffers: func(r approval.Reason) string {
		return r.Name + " has been changed since it was offered here. Look at it again, and then decide."
	},
	approval.WhyPinnedPrivate: func(r approval.Reason) string {
		return r.Name + " is pinned for some people of this channel, and the others would read the answer here. Ask again with the answer only to you, or ask me in a direct message."
	},
	approval.WhyManyPins: func(r approval.Reason) string {
		return fmt.Sprintf("%d files are pinned to this channel, and no more than that can be. Remove one first.", r.Most)
	},
	approval.WhyManyFreezes: func(r approval.Reason) string {
		return fmt.Sprintf("There can be at most %d freeze windows.", r.Most)
	},
	approval.WhyBadFreeze: func(r approval.Reason) string {
		return fmt.Sprintf("%q is not a freeze window that I understand. "+
			`Write "last 2 days of the month", "2026-12-24 to 2027-01-02" or "Fri 16:00-24:00".`, r.Name)
	},
}

// meant names the model that somebody may have meant. The core puts a guess into Why, so that a
// reason stays data.
func meant(r approval.Reason) (said string) {
	for _, why := range r.Why {
		said += " Did you mean " + why.Name + "?"
	}
	return said
}

// those names the models that somebody can choose from, where they may read that.
func those(said, models string) string {
	if models == "" {
		return ""
	}
	return fmt.Sprintf(said, models)
}

// refused is what a budget says to several people: nobody's budget is called theirs.
func refused(r approval.Reason) string {
	if r.Standing == nil {
		return ""
	}
	return (&budget.ExceededError{Standing: *r.Standing, Needed: r.Amount}).Words("")
}

// switchedOff says because of which budget something is not to be had. It goes on after a name
// and "is", and ends its sentence.
func switchedOff(r approval.Reason) string {
	if r.Standing == nil {
		return " switched off."
	}
	l := r.Standing.Limit
	return fmt.Sprintf(" switched off: %s has spent more than %d%% of %s.", whose[l.Scope.Kind], l.Policy.SoftMark(), l.Hard())
}

// whose names the budgets that can switch a model off. It says "the asker's", not "yours": others read it too.
var whose = map[budget.ScopeKind]string{budget.User: "the asker's budget", budget.Session: "the budget of this thread",
	budget.Project: "the budget of this channel", budget.Team: "the team's budget"}

// megabytes are of 1024 by 1024 bytes, as the settings of limits count them.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }

// Lapsed is how the wait of a request has run out, in half a sentence.
func Lapsed(r approval.Reason) string {
	switch r.Code {
	case approval.WhyNotWritten:
		return "the code could not be written in time"
	case approval.WhyNotAnswered:
		return "what was asked back was not answered in time"
	case approval.WhyNotStarted:
		return "it was approved, but not started in time"
	case approval.WhyGlassUnstarted:
		return "somebody broke the glass for it, but it was not started in time"
	case approval.WhyNotPaid:
		return "it was over budget for too long"
	case approval.WhyTooFewDecided:
		return "too few people decided in time"
	}
	return "nobody decided in time"
}

// Refused are the words for who may not do what they tried; where they may wonder what they
// have changed by it, they read that too.
func Refused(r approval.Reason) string {
	switch r.Code {
	case approval.WhyReviewersOnly, approval.WhyOwnersOnly, approval.WhyAbsentBarred:
		return Words(r) + " Nothing has changed."
	}
	return Words(r)
}

// counted is a number with its noun.
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
