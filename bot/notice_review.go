package bot

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
)

// What people are told of the requests that wait for them, or that they have decided on.

// lately is what a notice says about its request: the question, and a way to its card.
func (b *Bot) lately(p *page, v *steps.View, label string) {
	p.quote(cut(v.Request.Question, 600), person(v.Request.Asker), words(" asked:"))
	card := cardPost(v)
	if url := b.link(card.Channel, card.TS, ""); url != "" {
		p.buttons("look", goes(label, url))
	}
}

// link is where a message can be read, if the bot knows by now who it is.
func (b *Bot) link(channel, ts, thread string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.self == nil {
		return ""
	}
	return b.self.permalink(channel, ts, thread)
}

// stands tells whether a notice still speaks of what waits now.
func stands(v *steps.View, revision int, states ...approval.State) bool {
	r := v.Request
	if r.Revision == nil || r.Revision.Number != revision {
		return false
	}
	for _, s := range states {
		if r.State == s {
			return true
		}
	}
	return false
}

// over says that a notice asks for nothing any more.
func over(r *approval.Request) string {
	switch {
	case r.State == approval.Pending || r.State == approval.Drafting:
		return "there is another version by now"
	case r.State.Final() && r.State != approval.Done:
		return howEnded(r)
	}
	return "it was approved"
}

// approvedNotice asks somebody in whose name code was approved whether it was them.
// Whoever sits at their keyboard has to take their direct messages as well.
func (b *Bot) approvedNotice(n *steps.NoticeView, who string) (*page, error) {
	said, err := read[approval.ApprovedBy](n)
	if err != nil {
		return nil, err
	}
	p, r := &page{}, n.View.Request
	where := words(" in Slack.")
	if said.Click.Door != "" {
		where = words(" on the " + said.Click.Door + ".")
	}
	was, takes, out := "Was this not you?", "somebody has approved in your name", ", and sign out of Slack everywhere"
	switch {
	case said.InPlaceOf == "":
		p.say(strong("You have approved code"), words(", "), moment(n.At), where)
	case said.InPlaceOf == who:
		was, takes, out = "Do you not stand by this?", "you do not stand by what was approved in your place", ""
		p.say(person(said.Reviewer), strong(" has approved code in your place"), words(", "), moment(n.At), where)
	default:
		p.say(strong("You have approved code in place of "), person(said.InPlaceOf), words(", "), moment(n.At), where)
	}
	b.lately(p, n.View, "Look at the card")
	switch {
	case stands(n.View, said.Revision, approval.Pending, approval.Approved) && decidedBy(r, said.Reviewer):
		label := "This was not me"
		if said.InPlaceOf == who {
			label = "Take it back"
		}
		p.say(words(was + " As long as it has not started, that takes the approval back."))
		not := button(actionDisown, label, fmt.Sprintf("%s/%d", r.ID, said.Revision), slack.StyleDanger)
		not.Confirm = slack.NewConfirmationBlockObject(plain("Take the approval back?"), plain("It goes back to the reviewers, and the administrators are told that "+takes+"."),
			plain("Take it back"), plain("Cancel")).WithStyle(slack.StyleDanger)
		p.buttons("disown", not)
	case r.Revision != nil && r.Revision.Number != said.Revision:
		p.say(words("This approval does not count any more: there is a newer version of the code."))
	case r.Run != nil:
		p.say(words("It has started since, so it cannot be taken back. " + was + " Tell an administrator" + out + "."))
	default:
		p.say(words("It has ended: " + howItStands(r) + "."))
	}
	p.small(words("Request "), mono(r.ID), words(fmt.Sprintf(", revision %d, sha256 ", said.Revision)), mono(approval.Short(said.Digest)))
	return p, nil
}

// disownedNotice tells administrators that somebody's account may not be theirs.
func (b *Bot) disownedNotice(n *steps.NoticeView, _ string) (*page, error) {
	said, err := read[approval.Disowned](n)
	if err != nil {
		return nil, err
	}
	p, account := &page{}, said.Reviewer
	if said.GivenBy == "" {
		p.say(person(said.Reviewer), strong(" says that an approval in their name was not theirs."), words(" Somebody else may be using their Slack account."))
	} else {
		account = said.GivenBy
		p.say(person(said.Reviewer), strong(" does not stand by what "), person(said.GivenBy), strong(" approved in their place."), words(" If "), person(said.GivenBy), words(" did not do it, somebody else may be using their Slack account."))
	}
	if said.TooLate {
		p.say(words("The code had started already, so the approval could not be taken back. Look at what it did."))
	} else {
		p.say(words("The approval has been taken back, and nothing was run by it."))
	}
	p.say(words("Have "), person(account), words(" sign out everywhere and change their password. Until then you can end on my Home what lets them decide."))
	b.lately(p, n.View, "Look at the card")
	return p, nil
}

// reminderNotice tells reviewers that somebody waits, and fallback reviewers that
// the others have not found the time.
func (b *Bot) reminderNotice(n *steps.NoticeView, who string) (*page, error) {
	said, err := read[approval.Waiting](n)
	if err != nil {
		return nil, err
	}
	head := "This code still waits for a reviewer."
	if said.Escalated {
		head = "Nobody has decided on this code yet, so it is your turn as a fallback reviewer."
	}
	return b.waits(n.View, who, said.Revision, strong(head)), nil
}

// waits is a notice that asks for a look, with the way to it; or that it is over.
func (b *Bot) waits(v *steps.View, who string, revision int, asks ...part) *page {
	p := &page{}
	switch {
	case !stands(v, revision, approval.Pending):
		p.say(strong("There is nothing to do here any more"), words(": "+over(v.Request)+"."))
		b.lately(p, v, "Look at the card")
	case decidedBy(v.Request, who):
		p.say(words("You have decided on this; others still have to."))
		b.lately(p, v, "Look at the card")
	default:
		p.say(asks...)
		b.glance(p, v)
		b.lately(p, v, "Review")
	}
	return p
}

// assignedNotice tells somebody that a request has been made theirs.
func (b *Bot) assignedNotice(n *steps.NoticeView, who string) (*page, error) {
	said, err := read[approval.Asked](n)
	if err != nil {
		return nil, err
	}
	return b.waits(n.View, who, said.Revision, person(said.By), strong(" asks you to decide on this code.")), nil
}

// opinionNotice asks somebody what they think.
func (b *Bot) opinionNotice(n *steps.NoticeView, who string) (*page, error) {
	said, err := read[approval.Asked](n)
	if err != nil {
		return nil, err
	}
	return b.waits(n.View, who, said.Revision, person(said.By), strong(" asks for your second opinion on this code."),
		words(" Say it in the thread of its card, or decide yourself.")), nil
}

// editNotice tells an editor why their version did not get before the reviewers,
// with what they had written, so that nothing of it is lost.
func (b *Bot) editNotice(n *steps.NoticeView, _ string) (*page, error) {
	said, err := read[approval.EditRefused](n)
	if err != nil {
		return nil, err
	}
	p := &page{}
	p.quote(cut(approval.Plain(said.Why), 2000), strong("Your edit was not put up for review"), words(", and the version before it stands. The inspection says:"))
	b.lately(p, n.View, "Look at the card")
	if text, fits := inline(said.Code); fits {
		p.verbatim([]part{strong("What you wrote")}, text, "", "What you wrote is in the message.")
	} else {
		p.say(words(fmt.Sprintf("What you wrote (%s) is too long for a message.", count(len(lines(said.Code)), "line"))))
	}
	return p, nil
}

// clickDisown takes back what was approved in somebody's name.
func (b *Bot) clickDisown(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	id, number, _ := strings.Cut(action.Value, "/")
	revision, err := strconv.Atoi(number)
	if err != nil {
		return answer{}, &approval.InputError{Why: "I do not know this button. It may belong to an older version of this app."}
	}
	at := seatOf(cb)
	if _, err := b.Service.Disown(ctx, id, revision, clickOf(cb, action)); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) {
		b.tell(ctx, at, words("The approval has been taken back, and the administrators have been told. If somebody else used your account, sign out of Slack everywhere and change your password."))
	}}, nil
}
