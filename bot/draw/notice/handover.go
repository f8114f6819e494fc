package notice

import (
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// handOverNotice tells a colleague that a thread is offered to them, and its giver what became of that. Before it is
// accepted it holds no word of the thread.
func handOverNotice(with draw.With, v *steps.NoticeView, to string) (*kit.Page, error) {
	said, err := read[approval.HandOverOffered](v)
	if err != nil {
		return nil, err
	}
	p, r := &kit.Page{}, v.View.Request
	at := slices.IndexFunc(r.HandOvers, func(h approval.HandOver) bool { return h.ID == said.ID })
	if at < 0 { // no signed event tells of it
		p.Say(kit.Words("This offer does not count: the record does not know it."))
		return p, nil
	}
	// One kind of notice for both: what became of the offer is drawn again for each of them.
	if h := r.HandOvers[at]; to == h.To {
		offered(with, p, v.View, h)
	} else {
		given(p, r, h)
	}
	return p, nil
}

// offered is what the colleague reads.
func offered(with draw.With, p *kit.Page, v *steps.View, h approval.HandOver) {
	r, value := v.Request, v.Request.ID+" "+h.ID // a request may have been offered to several
	giver, where := kit.Person(r.Asker), ofPlace(r)
	switch h.Verdict {
	case "":
		p.Say(kit.Flow(giver, kit.Strong(" offers you a thread"), where, kit.Words(", so that you can go on with it. Once you accept, you get its questions and code"+along(h)+". What you ask then is paid from your budget; what is under way stays with whoever asked it."))...)
		accept := kit.Button(ids.ActionTake, "Accept", value, slack.StylePrimary)
		accept.AccessibilityLabel = "Take this thread over"
		decline := kit.Button(ids.ActionLeave, "Decline", value, slack.StyleDefault)
		decline.AccessibilityLabel = "Do not take this thread over"
		p.Buttons("offer", accept, decline)
		p.Small(kit.Words("Open until "), kit.Moment(h.Until), kit.Words("."))
	case approval.HandAccepted:
		p.Say(kit.Flow(kit.Strong("You have taken over a thread"), kit.Words(" of "), giver, where, kit.Words(", "), kit.Moment(h.Ended), kit.Words(". It came with its questions and code"+along(h)+"."))...)
		// In a channel that they are in they go on in the thread itself; otherwise below this very message.
		if h.Into.ID == r.SessionID {
			p.Say(kit.Words("To ask the next question, mention me in the thread."))
			linked(p, with, &steps.NoticeView{View: v})
			return
		}
		p.Say(kit.Strong("Reply below this message"), kit.Words(" to ask the next question. The answers are yours alone."))
		show := kit.Button(ids.ActionHanded, "Read what was asked", value, slack.StyleDefault)
		show.AccessibilityLabel = "Show the questions and the code of this thread"
		p.Buttons("offer", show)
	case approval.HandDeclined:
		p.Say(kit.Flow(kit.Strong("Declined"), kit.Words(": the thread that "), giver, kit.Words(" offered you"), where, kit.Words("."))...)
	case approval.HandWithdrawn:
		p.Say(kit.Flow(kit.Strong("Withdrawn"), kit.Words(": "), giver, kit.Words(" no longer offers you the thread"), where, kit.Words("."))...)
	default:
		p.Say(kit.Flow(kit.Strong("Too late"), kit.Words(": the thread that "), giver, kit.Words(" offered you"), where, kit.Words(" can no longer be accepted. Ask them to offer it again if you still need it."))...)
	}
}

// given is what the giver reads.
func given(p *kit.Page, r *approval.Request, h approval.HandOver) {
	colleague, value := kit.Person(h.To), r.ID+" "+h.ID
	thread := kit.Flow(kit.Words(" the thread"), ofPlace(r), kit.Words(" with its questions and code"+along(h)+"."))
	switch h.Verdict {
	case "":
		p.Say(kit.Flow(kit.Words("You have offered "), colleague, thread, kit.Words(" Nothing has gone over yet: they have to accept."))...)
		keep := kit.Button(ids.ActionKeepIt, "Withdraw", value, slack.StyleDefault)
		keep.AccessibilityLabel = "Withdraw the offer of this thread"
		p.Buttons("offer", keep)
		p.Small(kit.Words("Open until "), kit.Moment(h.Until), kit.Words("."))
	case approval.HandAccepted:
		p.Say(kit.Flow(colleague, kit.Strong(" has taken over"), thread, kit.Words(" You can go on in it as before; what they ask is theirs."))...)
	case approval.HandDeclined:
		p.Say(kit.Flow(colleague, kit.Strong(" has declined"), kit.Words(" the thread that you offered them. Nothing has gone over."))...)
	case approval.HandWithdrawn:
		p.Say(kit.Flow(kit.Strong("Withdrawn"), kit.Words(": the thread that you offered "), colleague, kit.Words(". Nothing has gone over."))...)
	default:
		p.Say(kit.Flow(colleague, kit.Strong(" did not answer"), kit.Words(" in time, so nothing has gone over. You can offer the thread again."))...)
	}
	p.Quote(kit.Cut(r.Question, 300), kit.Words("The question by which you offered it:"))
}

// ofPlace names the channel by whose rules the thread goes.
func ofPlace(r *approval.Request) []kit.Part {
	if approval.Direct(r.Project) {
		return nil
	}
	return kit.Flow(kit.Words(" of "), kit.Place(r.Project))
}

// along says what else goes over.
func along(h approval.HandOver) string {
	switch files, answers := kit.Count(len(h.Files), "file"), kit.Count(len(h.Answers), "private answer"); {
	case len(h.Files) > 0 && len(h.Answers) > 0:
		return fmt.Sprintf(", %s and %s", files, answers)
	case len(h.Files) > 0:
		return ", and " + files
	case len(h.Answers) > 0:
		return ", and " + answers
	}
	return ", without files and private answers"
}
