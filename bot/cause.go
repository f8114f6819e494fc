package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
)

// What people read where Slack is the reason: of a question that lacks something, of
// one that waits for what is away, of one that has ended over it.

// lacks says to whoever asked what their question needs before it can be taken.
func (b *Bot) lacks(c approval.Cause) []part {
	at, file := channel(c.Channel), cut(c.File, 110)
	switch c.Code {
	case approval.NotIn, approval.NotSeen:
		if strings.HasPrefix(c.Channel, "D") {
			return flow(words("I cannot see that conversation. Please ask in a channel that I am in, or write to me directly."))
		}
		return flow(words("I am not in "), at, words(" yet, so I cannot read its files or answer there. Invite me with /invite @"+b.myself().Name+" and ask again."))
	case approval.ChannelArchived:
		return flow(at, words(" is archived, so I cannot answer there. Please ask in another channel."))
	case approval.AskerNotIn:
		return flow(words("You are not in "), at, words(", which is private. Please ask in a channel that you are in."))
	case approval.NoFile:
		return flow(words("I cannot find a file called "+file+" in "), at, words(". Share it there first, or upload it with your question. "+
			"If it is to be written, name the file that it is made from as well."))
	case approval.WhichFile:
		var names []string
		for _, f := range c.Files[:min(10, len(c.Files))] {
			names = append(names, cut(f.Name, 80))
		}
		return flow(words("Which file do you mean? Choose it, or name it in your question. There are for example: " + strings.Join(names, ", ") + "."))
	case approval.FileNotHere:
		return flow(words(file+" is not in "), at, words(" any more. Choose another file, or upload it again."))
	case approval.FileGone:
		return flow(words(file + " has been deleted. Upload it again, or choose another file."))
	case approval.FileNotSeen:
		return flow(words("I cannot see " + file + ". Share it in a channel that I am in, or upload it with your question."))
	case approval.FileWithheld:
		return flow(words(file + withheld + ". Upload it again, or choose another file."))
	case approval.FileHidden:
		return flow(words(file + hiddenByPlan + ". Upload it again."))
	case approval.AskerAlien:
		return flow(words("Only members of this workspace can ask."))
	}
	return b.isAway(c)
}

// hiddenByPlan is what Slack calls hidden_by_limit.
const hiddenByPlan = " is hidden by Slack: this workspace is on the free plan, which shows only its newest files. It has not been deleted"

// withheld is a file whose download Slack refuses, though it says that the file is there.
const withheld = " cannot be read: Slack shows that it is there, but does not let me download it"

// isAway says in half a sentence what cannot be seen, or is gone.
func (b *Bot) isAway(c approval.Cause) []part {
	at, file := channel(c.Channel), cut(c.File, 110)
	switch c.Code {
	case approval.NotIn, approval.NotSeen:
		return flow(words("I am not in "), at, words(" any more, so I can neither read its files nor answer there"))
	case approval.ChannelArchived:
		return flow(at, words(" has been archived, so nothing can be answered there"))
	case approval.AskerNotIn:
		return flow(at, words(" is private now, and "), person(c.Person), words(" is not in it"))
	case approval.FileNotSeen:
		return flow(words(file + " cannot be read at the moment: it is not shared in a channel that I am in"))
	case approval.FileWithheld:
		return flow(words(file + withheld))
	case approval.FileHidden:
		return flow(words(file + hiddenByPlan))
	case approval.FileGone:
		return flow(words(file + " has been deleted, and this question cannot be answered without it"))
	case approval.AskerGone:
		return flow(person(c.Person), words(" has left this workspace, so nobody waits for the answer"))
	case approval.AskerGuest:
		return flow(person(c.Person), words(" has become a guest here since asking, so this is not run for them"))
	}
	return flow(words(string(c.Code)))
}

// mends says what has it go on.
func (b *Bot) mends(c approval.Cause) []part {
	switch c.Code {
	case approval.NotIn, approval.NotSeen:
		return flow(words("Once somebody lets me in again with "), mono("/invite @"+b.myself().Name), words(", it goes on by itself."))
	case approval.ChannelArchived:
		return flow(words("Once it is unarchived, with me in it, it goes on by itself."))
	case approval.AskerNotIn:
		return flow(words("Once they are let in, it goes on by itself."))
	case approval.FileWithheld:
		return flow(words("I try again for a few minutes; once it can be downloaded, it goes on by itself."))
	case approval.FileNotSeen:
		return flow(words("Once it is shared there again, it goes on by itself."))
	}
	return flow(words("Once it can be read again, it goes on by itself."))
}

// missing says what a request waits for, and what to do about it.
func (b *Bot) missing(c approval.Cause) []part {
	return flow(b.isAway(c), words(". "), b.mends(c))
}

// why says why a request has ended before anything ran.
func (b *Bot) why(r *approval.Request) []part {
	c := r.Cause
	switch {
	case c == nil:
		return flow(words(cut(r.Reason, 3000)))
	case c.By != "":
		return flow(person(c.By), words(" has ended it while it waited: "), b.isAway(*c), words("."))
	case c.Code == approval.FileGone, c.Code == approval.FileWithheld:
		return flow(b.isAway(*c), words(". Upload it again, and ask again."))
	}
	return flow(b.isAway(*c), words("."))
}

// waitsForAway says on a card what a request waits for, with the way to end that.
func (b *Bot) waitsForAway(p *page, r *approval.Request) {
	if r.Away == nil || r.State != approval.Pending && r.State != approval.Approved {
		return
	}
	p.say(flow(strong("It cannot start now. "), b.missing(r.Away.Cause), words(" Until "), moment(r.ExpiresAt), words(" it waits."))...)
	end := button(actionGiveUp, "End it", r.ID, slack.StyleDefault)
	end.AccessibilityLabel = "End this question, so that it does not wait any longer"
	end.Confirm = slack.NewConfirmationBlockObject(plain("End this question?"), plain("Nothing is run, and whoever asked is told."), plain("End it"), plain("Back"))
	p.buttons("away", end)
}

// clickGiveUp ends it.
func (b *Bot) clickGiveUp(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	_, err := b.Service.GiveUp(ctx, action.Value, clickOf(cb, action))
	return answer{}, err
}

// askBackNotice tells whoever asked what their question lacks. It is kept, and a press
// asks again.
func (b *Bot) askBackNotice(n *steps.NoticeView, _ string) (*page, error) {
	said, err := read[approval.AskedBack](n)
	if err != nil {
		return nil, err
	}
	p, r := &page{}, n.View.Request
	label := "Ask again"
	switch {
	case said.Cause == nil:
		p.say(words(cut(said.Why, 1000)))
	default:
		p.say(b.lacks(*said.Cause)...)
		if said.Cause.Code == approval.WhichFile {
			label = "Choose files"
		}
	}
	p.quote(cut(r.Question, 1000), words("You asked in "), channel(r.Project), words(":"))
	if said.Cause == nil || said.Cause.Code != approval.AskerAlien {
		p.buttons("again", button(actionAgain, label, r.ID, slack.StylePrimary))
	}
	return p, nil
}

// foundNotice tells whoever asked what is read, and what is not.
func (b *Bot) foundNotice(n *steps.NoticeView, _ string) (*page, error) {
	said, err := read[approval.FoundWords](n)
	if err != nil {
		return nil, err
	}
	p, r := &page{}, n.View.Request
	p.say(words(fmt.Sprintf("There is no file called %s in ", cut(said.Unread, 110))), channel(r.Project), words(fmt.Sprintf("; what is read is %s.", listed(said.Files))))
	p.quote(cut(r.Question, 600), words("You asked:"))
	return p, nil
}

// awayNotice tells whoever asked that their question waits for what is away, and how
// it went on.
func (b *Bot) awayNotice(n *steps.NoticeView, _ string) (*page, error) {
	if _, err := read[struct{}](n); err != nil {
		return nil, err
	}
	p, r := &page{}, n.View.Request
	quote := func() { p.quote(cut(r.Question, 600), words("You asked in "), channel(r.Project), words(":")) }
	switch {
	case r.Away != nil && !r.State.Final():
		p.say(flow(strong("Your question waits. "), b.missing(r.Away.Cause))...)
		quote()
		p.say(words("It waits until "), moment(r.ExpiresAt), words("."))
		end := button(actionCancel, "End it", r.ID, slack.StyleDefault)
		end.AccessibilityLabel = "Take this question back"
		p.buttons("away", end)
	case r.State == approval.Failed:
		p.say(flow(strong("Your question has ended"), words(", and nothing was run. "), b.why(r))...)
		quote()
		p.buttons("again", button(actionAgain, "Ask again", r.ID, slack.StylePrimary))
	case r.State.Final():
		p.say(strong("Your question has ended"), words(": "+howItStands(r)+"."))
		quote()
	default:
		p.say(strong("Your question goes on."), words(" What it waited for is there again."))
		quote()
	}
	return p, nil
}

// clickAgain opens the form with a question that could not be taken as it was. What
// was asked, and what there is to choose from, is kept.
func (b *Bot) clickAgain(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := b.Service.View(ctx, action.Value)
	if err != nil {
		return answer{}, err
	}
	r := v.Request
	if r.Team != cb.Team.ID {
		return answer{}, approval.ErrNotFound
	}
	if r.Asker != cb.User.ID {
		return answer{}, &approval.NotAllowedError{Who: cb.User.ID, Why: "Only the person who asked can ask this again. You can ask it yourself, in your own words."}
	}
	f := form{channel: r.Project, person: r.Asker, thread: v.Session.ThreadTS, question: r.Question, choices: r.Files, ticked: r.Files}
	if c := r.Cause; c != nil {
		switch c.Code {
		case approval.NotIn, approval.NotSeen, approval.ChannelArchived, approval.AskerNotIn:
			f.channel, f.likely, f.thread = "", r.Project, ""
			f.choices = portable(r)
			f.ticked = f.choices
			if strings.HasPrefix(r.Project, "D") {
				f.likely = ""
			}
		case approval.WhichFile:
			f.choices, f.ticked, f.asks = c.Files, nil, true
		case approval.FileGone, approval.FileNotHere, approval.FileNotSeen, approval.FileHidden, approval.FileWithheld:
			f.choices, f.ticked = nil, nil
		}
	}
	for _, file := range f.ticked {
		f.brought = append(f.brought, file.ID)
	}
	return b.openForm(ctx, cb.TriggerID, f)
}

// portable are the files that go along where a question is asked again in another
// place: those that came with it. Those of its channel or thread are read there, by whoever
// is in it; of a channel that the asker is not in, none are.
func portable(r *approval.Request) (files []approval.File) {
	if r.Cause.Code == approval.AskerNotIn || r.Seek == nil || r.Seek.Thread != "" {
		return nil
	}
	for _, f := range r.Files {
		if slices.Contains(r.Seek.Brought, f.ID) {
			files = append(files, f)
		}
	}
	return files
}
