package draw

import (
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// What people read where Slack is the reason: of a question that lacks something, of
// one that waits for what is away, of one that has ended over it.

// What is said to whoever has edited a message, and of a file that is gone from one.
const (
	Edited = "You edited a message. I only read messages as they were first sent, so your change has no effect. " +
		"If I am already working on the question, Cancel stops it. To ask something else, send a new message."
	FileGone = "A file on your message has been deleted, or Slack does not show it any more. Upload it again, with your question."
	// NotDone is of an order that failed because Slack does not accept the bot's token: see Mute.
	NotDone = "That could not be done, and is not kept: please send it again later."
)

// Mute says why the bot is silent: Slack does not accept its token. Code is Slack's word for it. It stands also below what was not taken.
func Mute(code string) string {
	return "At the moment I cannot post anything: Slack does not accept my token (" + code + "). Whoever runs this app has to install it again and start me with the new token. " +
		"Every question that was taken is kept, and goes on then."
}

// Lacks tells the asker what their question needs before it can be answered.
// It speaks to the asker alone, in a direct message or beside the form, and every answer names what they can do
// now. A cause with none of these codes comes up later in a request's life, and is said by isAway.
func Lacks(with With, c approval.Cause) []kit.Part {
	at, file := kit.Place(c.Channel), kit.Cut(c.File, 110)
	switch c.Code {
	case approval.NotIn, approval.NotSeen:
		// Nobody can invite the bot into a direct message of two others.
		if approval.Direct(c.Channel) {
			return kit.Flow(kit.Words("I cannot see that conversation. Please ask in a channel that I am in, or write to me directly."))
		}
		return kit.Flow(kit.Words("I am not in "), at, kit.Words(" yet, so I cannot read its files or answer there. Invite me with /invite @"+with.Self.Name+" and ask again."))
	case approval.ChannelArchived:
		return kit.Flow(at, kit.Words(" is archived, so I cannot answer there. Please ask in another channel."))
	case approval.AskerNotIn:
		return kit.Flow(kit.Words("You are not in "), at, kit.Words(". Please ask in a channel that you are in."))
	case approval.NoFile:
		said := kit.Flow(kit.Words("I cannot find a file called "+file+" in "), at)
		// A name that is near is worth more than the advice to share the file: most slips are typing errors.
		if len(c.Files) > 0 {
			var names []string
			for _, f := range c.Files {
				names = append(names, kit.Cut(f.Name, 80))
			}
			return kit.Flow(said, kit.Words(". Did you mean "+kit.Enumeration(names, "or")+"?"))
		}
		return kit.Flow(said, kit.Words(". Share it there first, or upload it with your question. "+
			"If the code should create it, also name the file to make it from."))
	case approval.WhichFile:
		if c.File != "" {
			var places []kit.Part
			for i, f := range c.Files[:min(10, len(c.Files))] {
				switch {
				case i == 0:
				case i == len(c.Files)-1:
					places = append(places, kit.Words(" and to "))
				default:
					places = append(places, kit.Words(", to "))
				}
				places = append(places, kit.Place(f.Pinned))
			}
			return kit.Flow(kit.Words("Which "+file+" do you mean? Different files of that name are pinned to "), places, kit.Words(". Choose one, or ask in its channel."))
		}
		var names []string
		for _, f := range c.Files[:min(10, len(c.Files))] {
			names = append(names, kit.Cut(f.Name, 80))
		}
		return kit.Flow(kit.Words("Which file do you mean? Choose one, or name it in your question. For example: " + strings.Join(names, ", ") + "."))
	// It was ticked in a form, and taken out of the channel before that was sent.
	case approval.FileNotHere:
		return kit.Flow(kit.Words(file+" is no longer in "), at, kit.Words(". Choose another file, or upload it again."))
	case approval.FileNotYours:
		return kit.Flow(kit.Words(file+" came with another person's question, and Slack does not show it to you. Ask them to share it in "), at, kit.Words(", or upload it with your question."))
	case approval.FileGone:
		return kit.Flow(kit.Words(file + " has been deleted. Upload it again, or choose another file."))
	case approval.FileNotSeen:
		return kit.Flow(kit.Words("I cannot see " + file + ". Share it in a channel that I am in, or upload it with your question."))
	case approval.FileWithheld:
		return kit.Flow(kit.Words(file + withheld + ". Upload it again, or choose another file."))
	case approval.FileHidden:
		return kit.Flow(kit.Words(file + hiddenByPlan + ". Upload it again."))
	case approval.AskerAlien:
		return kit.Flow(kit.Words("Only members of this workspace can ask."))
	}
	// The others come up later, when a question that had all it needed has lost it.
	return isAway(c)
}

// hiddenByPlan is what Slack calls hidden_by_limit.
const hiddenByPlan = " is hidden by Slack: this workspace is on the free plan, which shows only its newest files. It has not been deleted"

// withheld is a file whose download Slack refuses, though it says that the file is there.
const withheld = " cannot be read: Slack shows that it is there, but does not let me download it"

// isAway says in half a sentence what cannot be seen, or is gone.
// It has no full stop: Missing adds what mends it, Why adds the end, and a card puts it into a sentence of its
// own.
func isAway(c approval.Cause) []kit.Part {
	at, file := kit.Place(c.Channel), kit.Cut(c.File, 110)
	switch c.Code {
	case approval.NotIn:
		return kit.Flow(kit.Words("I am no longer in "), at, kit.Words(", so I cannot read its files or answer there"))
	case approval.NotSeen:
		// Another bot user has other direct messages, and nobody gets into those of the one before it.
		if approval.Direct(c.Channel) {
			return kit.Flow(kit.Words("I can no longer write where it was asked: this app has been installed anew since, and our old direct messages are closed"))
		}
		return kit.Flow(kit.Words("I can no longer see "), at, kit.Words(": I am not in it any more, or it has been deleted. So I cannot read its files or answer there"))
	case approval.ChannelArchived:
		return kit.Flow(at, kit.Words(" is archived, so I cannot answer there"))
	case approval.AskerNotIn:
		return kit.Flow(at, kit.Words(" is private now, and "), kit.Person(c.Person), kit.Words(" is not in it"))
	case approval.FileNotSeen:
		return kit.Flow(kit.Words(file + " cannot be read right now: it is not shared in a channel that I am in"))
	case approval.FileNotShown:
		return kit.Flow(kit.Words("Slack does not show "+file+" to "), kit.Person(c.Person), kit.Words(" any more, who asked"))
	case approval.FileWithheld:
		return kit.Flow(kit.Words(file + withheld))
	case approval.FileHidden:
		return kit.Flow(kit.Words(file + hiddenByPlan))
	case approval.FileGone:
		return kit.Flow(kit.Words(file + " has been deleted, and this question cannot be answered without it"))
	case approval.AskerGone:
		return kit.Flow(kit.Person(c.Person), kit.Words(" has left this workspace, so nobody is waiting for the answer"))
	case approval.AskerGuest:
		return kit.Flow(kit.Person(c.Person), kit.Words(" is now a guest here, so this is not run for them"))
	}
	// A code without words: better than a blank, and a test names it.
	return kit.Flow(kit.Words(string(c.Code)))
}

// mends says what lets the question continue.
// Only what the bot notices by itself is promised here: each of these is looked at again while the request
// waits.
func mends(with With, c approval.Cause) []kit.Part {
	switch c.Code {
	case approval.NotSeen:
		if approval.Direct(c.Channel) {
			return kit.Flow(kit.Words("Please end it, and ask again here."))
		}
		return kit.Flow(kit.Words("Once somebody invites me again with "), kit.Mono("/invite @"+with.Self.Name), kit.Words(", it continues on its own. A channel that was deleted does not come back."))
	case approval.NotIn:
		return kit.Flow(kit.Words("Once somebody invites me again with "), kit.Mono("/invite @"+with.Self.Name), kit.Words(", it continues on its own."))
	case approval.ChannelArchived:
		return kit.Flow(kit.Words("Once it is unarchived, with me in it, it continues on its own."))
	case approval.AskerNotIn:
		return kit.Flow(kit.Words("Once they are added, it continues on its own."))
	case approval.FileWithheld:
		return kit.Flow(kit.Words("I will try again for a few minutes; once it can be downloaded, it continues on its own."))
	case approval.FileNotShown:
		return kit.Flow(kit.Words("Once it is shared again where they can see it, it continues on its own; they can also cancel, and ask about another file."))
	case approval.FileNotSeen:
		return kit.Flow(kit.Words("Once it is shared there again, it continues on its own."))
	}
	return kit.Flow(kit.Words("Once it can be read again, it continues on its own."))
}

// Missing says what a request waits for, and what to do about it.
func Missing(with With, c approval.Cause) []kit.Part {
	return kit.Flow(isAway(c), kit.Words(". "), mends(with, c))
}

// Why says why a request has ended before anything ran.
// It stands behind a sentence that says what has ended, so it is whole sentences itself.
func Why(r *approval.Request) []kit.Part {
	c := r.Cause
	switch {
	case c == nil:
		return kit.Flow(kit.Words(kit.Cut(reasons.Words(r.Reason), 3000)))
	// A reviewer has ended it. That says more than what it was waiting for.
	case c.By != "":
		return kit.Flow(kit.Person(c.By), kit.Words(" ended it while it was waiting: "), isAway(*c), kit.Words("."))
	case c.Code == approval.FileGone, c.Code == approval.FileWithheld:
		return kit.Flow(isAway(*c), kit.Words(". Upload it again, and ask again."))
	}
	return kit.Flow(isAway(*c), kit.Words("."))
}

// waitsForAway says on a card what a request waits for, with the way to end that.
// Only on cards that wait: while code is written the thread says it, and a reviewer has nothing to end yet.
func waitsForAway(with With, p *kit.Page, r *approval.Request) {
	if r.Away == nil || r.State != approval.Pending && r.State != approval.Approved {
		return
	}
	p.Say(kit.Flow(kit.Strong("It cannot start yet. "), Missing(with, r.Away.Cause), kit.Words(" It waits until "), kit.Moment(r.ExpiresAt), kit.Words("."))...)
	end := kit.Button(ids.ActionGiveUp, "End it", r.ID, slack.StyleDefault)
	end.AccessibilityLabel = "End this question instead of waiting"
	end.Confirm = slack.NewConfirmationBlockObject(kit.Plain("End this question?"), kit.Plain("Nothing is run, and the asker is told."), kit.Plain("End it"), kit.Plain("Back"))
	p.Buttons("away", end)
}
