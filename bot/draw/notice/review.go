package notice

import (
	"fmt"
	"slices"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/reasons"
	"countersign/bot/kit"
)

// decidedBy tells whether somebody has already said what they had to say. The decisions are those of
// the current version only: a new one begins without any.
func decidedBy(r *approval.Request, user string) bool {
	return slices.ContainsFunc(r.Decisions, func(d approval.Decision) bool { return d.Reviewer == user })
}

// What people are told of the requests that wait for them, or that they have decided on.

// lately adds the question of a notice and a link to its card.
func lately(with draw.With, p *kit.Page, v *steps.View, label string) {
	p.Quote(kit.Cut(v.Request.Question, 600), kit.Person(v.Request.Asker), kit.Words(" asked:"))
	card := draw.CardPost(v)
	if url := with.Self.Permalink(card.Channel, card.TS, ""); url != "" {
		p.Buttons("look", kit.Goes(label, url))
	}
}

// stands tells whether the revision of a notice is still the current one, in one of these
// states.
func stands(v *steps.View, revision int, states ...approval.State) bool {
	r := v.Request
	return r.Revision != nil && r.Revision.Number == revision && slices.Contains(states, r.State)
}

// Over says why a notice asks for nothing any more.
// It goes on behind "Nothing left to do here: ", and so begins small and has no full stop.
func Over(r *approval.Request) string {
	switch {
	case r.State == approval.Pending:
		return "there is a newer version"
	case r.State == approval.Drafting || r.State == approval.Asking:
		return "the code is being changed"
	case r.State.Final() && r.State != approval.Done:
		return draw.HowEnded(r)
	}
	if r.Glass != nil {
		return "somebody broke the glass: it runs, and nobody approved it"
	}
	return "it was approved"
}

// approvedNotice asks somebody in whose name code was approved whether it was them.
// Whoever sits at their keyboard has to take their direct messages as well.
// The cases of what can still be done, from the hopeful one on: it can be withdrawn; a newer version has taken
// its place; the code is being changed; it has started; it has ended otherwise. said.InPlaceOf == who is the
// absent person, who reads the same notice as their delegate with other words.
func approvedNotice(with draw.With, n *steps.NoticeView, who string) (*kit.Page, error) {
	said, err := read[approval.ApprovedBy](n)
	if err != nil {
		return nil, err
	}
	p, r := &kit.Page{}, n.View.Request
	where := kit.Words(" in Slack.")
	if said.Click.Door != "" {
		where = kit.Words(draw.ByDoor(said.Click) + ".")
	}
	// Whoever was away has not pressed anything. They are asked whether they stand by it, and their
	// account is in nobody's hands.
	was, takes, out := "Was this not you?", "somebody has approved in your name", ", and sign out of Slack everywhere"
	switch {
	case said.InPlaceOf == "":
		p.Say(kit.Strong("You have approved code"), kit.Words(", "), kit.Moment(n.At), where)
	case said.InPlaceOf == who:
		was, takes, out = "Do you not stand by this?", "you do not stand by what was approved in your place", ""
		p.Say(kit.Person(said.Reviewer), kit.Strong(" has approved code in your place"), kit.Words(", "), kit.Moment(n.At), where)
	default:
		p.Say(kit.Strong("You have approved code in place of "), kit.Person(said.InPlaceOf), kit.Words(", "), kit.Moment(n.At), where)
	}
	lately(with, p, n.View, "Open the card")
	switch {
	case stands(n.View, said.Revision, approval.Pending, approval.Approved) && decidedBy(r, said.Reviewer):
		label := "This was not me"
		if said.InPlaceOf == who {
			label = "Withdraw it"
		}
		until := kit.Flow(kit.Words(was + " You can withdraw the approval until the code starts."))
		if quiet := approval.QuietUntil(r); n.Now.Before(quiet) {
			until = append(until, kit.Words(" It does not start before "), kit.Moment(quiet), kit.Words("."))
		}
		p.Say(until...)
		p.Buttons("disown", draw.NotMe(r, said.Revision, label, takes))
	// A new version, or an approval that was withdrawn already.
	case r.Revision != nil && r.Revision.Number != said.Revision:
		p.Say(kit.Words("This approval no longer counts: there is a newer version of the code."))
	// The decisions stay until there is another version, so that an edit that is refused loses none.
	case r.State == approval.Drafting || r.State == approval.Asking:
		now := "Nothing runs on this approval now: the code is being changed."
		if r.Edit != nil {
			now += " If the edit is refused, the approval counts again, and you can withdraw it here."
		}
		p.Say(kit.Words(now))
	case r.Run != nil:
		p.Say(kit.Words("It has already started, so the approval can no longer be withdrawn. " + was + " Tell an administrator" + out + "."))
	default:
		p.Say(kit.Words("It has ended: " + draw.HowItStands(r) + "."))
	}
	p.Small(draw.Print(r.ID, said.Revision, said.Digest)...)
	return p, nil
}

// decidedNotice tells somebody in whose name code was rejected or sent back by another door
// than Slack. That cannot be withdrawn, and nothing has run by it.
func decidedNotice(with draw.With, n *steps.NoticeView, who string) (*kit.Page, error) {
	said, err := read[approval.DecidedBy](n)
	if err != nil {
		return nil, err
	}
	did := map[approval.Verdict]string{approval.Reject: "rejected code", approval.Rewrite: "asked for changes"}[said.Verdict]
	p, where := &kit.Page{}, kit.Words(draw.ByDoor(said.Click)+".")
	was := "Was this not you?"
	if said.Reviewer == who {
		p.Say(kit.Strong("You have "+did), kit.Words(", "), kit.Moment(n.At), where)
	} else {
		p.Say(kit.Person(said.Reviewer), kit.Strong(" has "+did+" in your place"), kit.Words(", "), kit.Moment(n.At), where)
		was = "Did they not do this?"
	}
	p.Say(kit.Words(was + " Nothing has run because of it. Tell an administrator: somebody uses Countersign's command line in another person's name."))
	lately(with, p, n.View, "Open the card")
	p.Small(draw.Print(n.View.Request.ID, said.Revision, said.Digest)...)
	return p, nil
}

// keyNotice tells somebody that an SSH key was registered or removed in their name. A new key counts
// only a day after this has reached them: whoever uses their account cannot sign before they know.
func keyNotice(_ draw.With, n *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.KeyChanged](n)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	if said.From.IsZero() {
		p.Say(kit.Strong("You have removed an SSH key"), kit.Words(", "), kit.Moment(n.At), kit.Words(". It can no longer sign decisions."))
	} else {
		p.Say(kit.Strong("You have registered an SSH key"), kit.Words(", "), kit.Moment(n.At), kit.Words(". From "), kit.Moment(said.From), kit.Words(" on it signs what you decide with "), kit.Mono("countersign decide"), kit.Words("."))
	}
	p.Small(kit.Mono(said.Print))
	p.Say(kit.Words("Was this not you? Somebody else may be using your Slack account. Sign out everywhere, change your password, and look at SSH keys on my Home."))
	return p, nil
}

// disownedNotice tells administrators that somebody's account may not be theirs.
func disownedNotice(with draw.With, n *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.Disowned](n)
	if err != nil {
		return nil, err
	}
	p, account := &kit.Page{}, said.Reviewer
	// Whose account may be in foreign hands depends on who pressed Approve.
	if said.Glass {
		p.Say(kit.Person(said.Reviewer), kit.Strong(" says that they did not break the glass."), kit.Words(" Somebody else may be using their Slack account. Break-glass rests for everybody: name people for it anew once you know more."))
	} else if said.GivenBy == "" {
		p.Say(kit.Person(said.Reviewer), kit.Strong(" says that an approval in their name was not theirs."), kit.Words(" Somebody else may be using their Slack account."))
	} else {
		account = said.GivenBy
		p.Say(kit.Person(said.Reviewer), kit.Strong(" does not stand by what "), kit.Person(said.GivenBy), kit.Strong(" approved in their place."), kit.Words(" If "), kit.Person(said.GivenBy), kit.Words(" did not do it, somebody else may be using their Slack account."))
	}
	switch {
	case said.TooLate && said.Glass:
		p.Say(kit.Words("The code had already started, and nobody had approved it. What still ran was ended. Look at what it did."))
	case said.Glass:
		p.Say(kit.Words("Nothing ran because of it: the code went back to its reviewers."))
	case said.TooLate:
		p.Say(kit.Words("The code had already started, so the approval could not be withdrawn. Look at what it did."))
	default:
		p.Say(kit.Words("The approval has been withdrawn, and nothing ran because of it."))
	}
	p.Say(kit.Words("Have "), kit.Person(account), kit.Words(" sign out everywhere and change their password. Until then, you can remove their role on my Home."))
	lately(with, p, n.View, "Open the card")
	return p, nil
}

// stuckNotice tells administrators that somebody has to be named: a wish for changes was refused,
// because nobody could have approved what came of it.
func stuckNotice(with draw.With, n *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.Stuck](n)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	p.Say(kit.Strong("Too few people review here."), kit.Words(" "), kit.Person(said.Reviewer), kit.Words(" wanted code changed in "), kit.Place(n.View.Request.Project),
		kit.Words(". Whoever asks for changes has written a part of the next version, so somebody else has to approve it, and nobody else could. Name another reviewer on my Home."))
	lately(with, p, n.View, "Look at the card")
	return p, nil
}

// surpriseNotice tells those who approved, and administrators, that code did not do only what
// its inspection had announced.
// What was not predicted is worked out anew from what is stored, and not kept in the notice: text that was
// forgotten since is then not shown here either.
func surpriseNotice(with draw.With, n *steps.NoticeView, _ string) (*kit.Page, error) {
	if _, err := read[approval.Surprise](n); err != nil {
		return nil, err
	}
	p, r := &kit.Page{}, n.View.Request
	code := "Approved code"
	if n.View.Request.Glass != nil {
		code = "Code that nobody approved"
	}
	p.Say(kit.Strong(code+" did something that its inspection had not predicted."), kit.Words(" It ran in a closed sandbox, which is gone. Read its answer with care, and look at the code again."))
	if r.Run != nil && r.Run.Result != nil && r.Revision != nil {
		var items [][]kit.Part
		all := approval.Compare(r.Revision.Findings, r.Revision.Manifest.Inputs, r.Run.Result.Observed)
		for _, what := range all[:min(6, len(all))] {
			items = append(items, []kit.Part{kit.Words(kit.Cut(what, 300))})
		}
		p.List([]kit.Part{kit.Strong("What was not predicted")}, items)
	}
	lately(with, p, n.View, "Open the card")
	return p, nil
}

// reminderNotice tells reviewers that somebody waits, and fallback reviewers that
// the others have not found the time.
func reminderNotice(with draw.With, n *steps.NoticeView, who string) (*kit.Page, error) {
	said, err := read[approval.Waiting](n)
	if err != nil {
		return nil, err
	}
	head := "This code is still waiting for a reviewer."
	if said.Escalated {
		head = "Nobody has decided on this code yet, so it is your turn as a fallback reviewer."
	}
	return waits(with, n.View, who, said.Revision, kit.Strong(head)), nil
}

// waits is a notice that asks for a look, with the way to it; or that it is over. It has no buttons to
// decide with: those are on the card, beside the code.
func waits(with draw.With, v *steps.View, who string, revision int, asks ...kit.Part) *kit.Page {
	p := &kit.Page{}
	switch {
	case !stands(v, revision, approval.Pending):
		p.Say(kit.Strong("Nothing left to do here"), kit.Words(": "+Over(v.Request)+"."))
		lately(with, p, v, "Open the card")
	// The quorum is not met yet, so the request still waits, but not for them.
	case decidedBy(v.Request, who):
		p.Say(kit.Words("You have decided on this; others still have to."))
		lately(with, p, v, "Open the card")
	default:
		p.Say(asks...)
		draw.Glance(p, v)
		lately(with, p, v, "Review")
	}
	return p
}

// assignedNotice tells somebody that a request has been made theirs.
func assignedNotice(with draw.With, n *steps.NoticeView, who string) (*kit.Page, error) {
	said, err := read[approval.Asked](n)
	if err != nil {
		return nil, err
	}
	return waits(with, n.View, who, said.Revision, kit.Person(said.By), kit.Strong(" asks you to decide on this code.")), nil
}

// opinionNotice asks somebody what they think.
func opinionNotice(with draw.With, n *steps.NoticeView, who string) (*kit.Page, error) {
	said, err := read[approval.Asked](n)
	if err != nil {
		return nil, err
	}
	return waits(with, n.View, who, said.Revision, kit.Person(said.By), kit.Strong(" asks for your second opinion on this code."),
		kit.Words(" Say it in the thread of its card, or decide yourself.")), nil
}

// editNotice tells an editor why their version did not get before the reviewers,
// with what they had written, so that nothing of it is lost.
func editNotice(with draw.With, n *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.EditRefused](n)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	p.Quote(kit.Cut(approval.Plain(reasons.Words(said.Why)), 2000), kit.Strong("Your edit was not sent for review"), kit.Words(", and the version before it stays. The inspection says:"))
	lately(with, p, n.View, "Open the card")
	// Their own words, shown to them alone: nothing is approved by what stands here.
	if text, fits := kit.Inline(said.Code); fits {
		p.Verbatim([]kit.Part{kit.Strong("What you wrote")}, text, "", "What you wrote is in the message.")
	} else {
		p.Say(kit.Words(fmt.Sprintf("What you wrote (%s) is too long for a message.", kit.Count(len(kit.Lines(said.Code)), "line"))))
	}
	return p, nil
}
