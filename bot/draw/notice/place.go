package notice

import (
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/reasons"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// askBackNotice tells whoever asked what their question lacks, such as a file that is not there. It is
// a direct message: Slack keeps nothing of what it shows to one person in a channel. A press asks again.
func askBackNotice(with draw.With, n *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.AskedBack](n)
	if err != nil {
		return nil, err
	}
	p, r := &kit.Page{}, n.View.Request
	label := "Ask again"
	switch {
	case said.Cause == nil:
		p.Say(kit.Words(kit.Cut(reasons.Words(said.Why), 1000)))
	default:
		p.Say(draw.Lacks(with, *said.Cause)...)
		if said.Cause.Code == approval.WhichFile {
			label = "Choose files"
		}
	}
	p.Quote(kit.Cut(r.Question, 1000), kit.Words("You asked in "), kit.Place(r.Project), kit.Words(":"))
	// Whoever may not ask gets no button to ask again.
	if said.Cause != nil && said.Cause.Code == approval.AskerAlien {
		return p, nil
	}
	again := kit.Button(ids.ActionAgain, label, r.ID, slack.StylePrimary)
	var row []slack.BlockElement
	if said.Cause != nil && said.Cause.Code == approval.NoFile {
		for i, f := range said.Cause.Files[:min(len(meantActions), len(said.Cause.Files))] {
			// With a name that is near, the likely press is that name, and not the form.
			use := kit.Button(meantActions[i], kit.Cut("Use "+f.Name, 75), r.ID+"/"+f.ID, slack.StylePrimary)
			use.AccessibilityLabel = kit.Cut("Ask the same about "+f.Name, 75)
			row, again.Style = append(row, use), slack.StyleDefault
		}
	}
	p.Buttons("again", append(row, again)...)
	return p, nil
}

// meantActions are the buttons of files with nearly the name that was typed.
var meantActions = []string{ids.ActionMeant, ids.ActionMeant2, ids.ActionMeant3}

// foundNotice tells whoever asked what is read, and what is not: their question names a file that is
// not there beside others that are, and goes on with those.
func foundNotice(_ draw.With, n *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.FoundWords](n)
	if err != nil {
		return nil, err
	}
	p, r := &kit.Page{}, n.View.Request
	p.Say(kit.Words(fmt.Sprintf("There is no file called %s in ", kit.Cut(said.Unread, 110))), kit.Place(r.Project), kit.Words(fmt.Sprintf(". I am using %s.", draw.Listed(said.Files))))
	p.Quote(kit.Cut(r.Question, 600), kit.Words("You asked:"))
	return p, nil
}

// awayNotice tells whoever asked that their question waits for what is away, and how
// it went on.
func awayNotice(with draw.With, n *steps.NoticeView, _ string) (*kit.Page, error) {
	// It says nothing but that: everything is in the request as it is now.
	if _, err := read[struct{}](n); err != nil {
		return nil, err
	}
	p, r := &kit.Page{}, n.View.Request
	quote := func() {
		p.Quote(kit.Cut(r.Question, 600), kit.Words("You asked in "), kit.Place(r.Project), kit.Words(":"))
	}
	switch {
	case r.Away != nil && !r.State.Final():
		p.Say(kit.Flow(kit.Strong("Your question is waiting. "), draw.Missing(with, r.Away.Cause))...)
		quote()
		p.Say(kit.Words("It waits until "), kit.Moment(r.ExpiresAt), kit.Words("."))
		end := kit.Button(ids.ActionCancel, "End it", r.ID, slack.StyleDefault)
		end.AccessibilityLabel = "Cancel this question"
		p.Buttons("away", end)
	case r.State == approval.Failed:
		p.Say(kit.Flow(kit.Strong("Your question has ended"), kit.Words(", and nothing ran. "), draw.Why(r))...)
		quote()
		p.Buttons("again", kit.Button(ids.ActionAgain, "Ask again", r.ID, slack.StylePrimary))
	case r.State.Final():
		p.Say(kit.Strong("Your question has ended"), kit.Words(": "+draw.HowItStands(r)+"."))
		quote()
	default:
		p.Say(kit.Strong("Your question continues."), kit.Words(" What it was waiting for is back."))
		quote()
	}
	return p, nil
}

// NoPlaceNotice tells administrators of messages that nobody gets to see, because Slack takes none in
// a channel, or refuses just these.
// said.Cards tells that the review channel is meant. That one stops everything, while any other channel only
// hides an answer from those who asked there.
func NoPlaceNotice(with draw.With, v *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[steps.NoPlace](v)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	where := kit.Flow(kit.Words(" in "), kit.Place(said.Channel), kit.Words(": "))
	if said.Cards {
		where = kit.Flow(kit.Words(" in the review channel "), kit.Place(said.Channel), kit.Words(": "))
	}
	why := kit.Flow(draw.Because(said.Why, said.Code, kit.Words("the channel")), kit.Words(". "))
	switch {
	// Nothing at all arrives there, whatever its form.
	case said.Why.NoPlace():
		p.Say(kit.Flow(kit.Strong("I cannot post"), where, why, kit.Words("Nobody can see the waiting code, and nothing gets approved."))...)
	case said.Cards:
		p.Say(kit.Flow(kit.Strong("Slack rejects my cards"), where, why, kit.Words("Where it accepts a shorter card, the reviewers open the code from there; otherwise they do not see it. "+
			"Waiting requests are also on my Home."))...)
	default:
		p.Say(kit.Flow(kit.Strong("Slack rejects my messages"), where, why, kit.Words("Where it accepts plain text, I post that; otherwise the asker gets a direct message."))...)
	}
	// Each ends with what the reader can do. Where they can do nothing, it says that the bot goes on trying.
	switch said.Why {
	case steps.Outside:
		p.Say(kit.Words("To fix this, invite me again with "), kit.Mono("/invite @"+with.Self.Name), kit.Words(" or set "), kit.Mono("REVIEW_CHANNEL"),
			kit.Words(" to another channel and restart the app. The waiting cards then appear on their own."))
	case steps.Archived, steps.Forbidden:
		p.Say(kit.Words("To fix this, change that in the channel's settings, or set "), kit.Mono("REVIEW_CHANNEL"),
			kit.Words(" to another channel and restart the app. The waiting cards then appear on their own."))
	case steps.NoKey:
		p.Say(kit.Words("Whoever manages the organisation's encryption keys (Enterprise Key Management) can allow it again. I keep trying; what is missing then appears on its own."))
	default:
		p.Say(kit.Words("I keep trying; what is missing then appears on its own. If this continues, the log says what Slack refused: look for "), kit.Mono(said.Example), kit.Words("."))
	}
	return p, nil
}

// direct is what stands in a direct message whose thread is gone.
func direct(r *approval.Request) string {
	said := "so I tell you here how it ended."
	switch {
	case !r.State.Final():
		said = "so I go on here."
	case r.State == approval.Done:
		said = "so here is the answer."
	}
	return "You deleted the message that began this thread, " + said
}

// UnsaidNotice tells the asker what their thread cannot: how the question stands, and
// at its end the answer itself.
// In this order: the thread has caught up; the thread is gone or refuses, and the question still goes on; only
// some part of the answer is missing; the answer itself has to stand here.
func UnsaidNotice(with draw.With, n *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[steps.Unsaid](n)
	if err != nil {
		return nil, err
	}
	v, p := n.View, &kit.Page{}
	r := v.Request
	u, hidden := v.HiddenFrom()
	// The thread has caught up. The notice is not deleted: it leads there.
	if !hidden {
		p.Quote(kit.Cut(r.Question, 600), kit.Words("What I could not post in "), kit.Place(said.Channel), kit.Words(" is there now. You asked:"))
		if url := with.Self.Permalink(v.Session.Channel, draw.Thread(v), ""); url != "" {
			p.Buttons("look", kit.Goes("Go to the thread", url))
		}
		return p, nil
	}
	goesOn, files := ". I keep trying there.", "The files follow in the thread as soon as I can post there."
	if u.Code == steps.ThreadGone {
		goesOn, files = ". I answer you here.", "Its charts and files have no place any more. To have them, ask again."
	}
	if u.Code == steps.ThreadGone && approval.Direct(said.Channel) { // they are in the place themselves
		p.Quote(kit.Cut(r.Question, 600), kit.Words(direct(r)+" You asked:"))
	} else {
		p.Quote(kit.Cut(r.Question, 600), kit.Flow(kit.Strong("I cannot answer you in "), kit.Place(said.Channel), kit.Words(": "), draw.Because(u.Why, u.Code, kit.Words("the channel")), kit.Words(goesOn+" You asked:"))...)
	}
	if !r.State.Final() {
		p.Append(draw.Progress(with, v))
		return p, nil
	}
	// Something else of the thread is missing, and the answer need not be said twice.
	if v.Posts[steps.SurfaceReply].TS != "" && v.Unseen[steps.SurfaceReply].Times == 0 {
		p.Say(kit.Words("The answer itself is in the thread."))
		return p, nil
	}
	// The thread's place for the answer is out of reach, so the answer itself comes here.
	p.Append(draw.Whole(v, false))
	if len(v.Artifacts) > 0 && v.Posts[steps.SurfaceFiles].TS == "" {
		p.Say(kit.Words(files))
	}
	return p, nil
}
