package draw

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/approval/thread"
	"countersign/bot/draw/masked"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/readback"
)

// FormerCard is what is left of a card whose version has given way to another, or
// which stands there twice.
// It has no button that decides, so a press on a card that somebody has had open all day cannot approve a
// version that is no more. url is empty where the newer card has no place in Slack yet.
func FormerCard(v *steps.View, revision int, url string) *kit.Page {
	r := v.Request
	p := &kit.Page{}
	switch now := r.Revision.Number; {
	// Two cards of one version: a post whose answer was lost stands all the same.
	case revision == now:
		p.Head("Duplicate card")
		p.Say(kit.Words("Please use the other card."))
	default:
		p.Head(fmt.Sprintf("Superseded by revision %d", now))
		p.Say(kit.Words(fmt.Sprintf("Revision %d was replaced by revision %d, and can no longer be decided.", revision, now)))
	}
	for _, w := range r.Wishes {
		if w.Revision == revision {
			p.Quote(kit.Cut(w.Words, 1000), kit.Strong("Changes requested by "), kit.Person(w.By), kit.Words(", "), kit.Moment(w.At), kit.Words(":"))
		}
	}
	p.Quote(kit.Cut(r.Question, 600), kit.Person(r.Asker), kit.Words(" asks:"))
	if url != "" {
		p.Buttons("look", kit.Goes(fmt.Sprintf("Go to revision %d", r.Revision.Number), url))
	}
	p.Small(kit.Words("Request "), kit.Mono(r.ID), kit.Words(fmt.Sprintf(", revision %d", revision)))
	return p
}

// GaveWay is what is left of the shorter card once the full card has been posted: two cards with buttons for one version would
// have people decide on the one that says less.
func GaveWay(r *approval.Request, url string) *kit.Page {
	p := &kit.Page{}
	p.Say(kit.Strong("The full card is here now."), kit.Words(" Please use the other card."))
	if url != "" {
		p.Buttons("look", kit.Goes("Go to the card", url))
	}
	p.Small(kit.Words("Request "), kit.Mono(r.ID), kit.Words(fmt.Sprintf(", revision %d", r.Revision.Number)))
	return p
}

// marked puts on Approve the mark of everything that its card says: a press brings
// both, and has to be of a card that still says so.
// It runs last, over all blocks, because anything that is appended afterwards would not be covered.
func marked(p *kit.Page) {
	for _, block := range p.Blocks {
		actions, ok := block.(*slack.ActionBlock)
		if !ok {
			continue
		}
		for _, e := range actions.Elements.ElementSet {
			if button, ok := e.(*slack.ButtonBlockElement); ok && button.ActionID == ids.ActionApprove {
				// After the value that is sealed: whoever reads it cuts the mark off first (readback.CutMark).
				button.Value += "/" + readback.Whole(readback.TreeFrom(p.Blocks))
			}
		}
	}
}

// Unlike is the error for a message or a modal that Slack did not store as it was sent. It says what to do, since a reviewer can
// mend nothing of it.
func Unlike(line int, id string) string {
	what := "Slack stored something different from what I sent"
	if line > 0 {
		what += fmt.Sprintf(": line %d of the code is not the same", line)
	}
	return what + ". You may not have seen the real code, so nothing has changed. Open the code again, or decide on the command line: countersign decide " + id
}

// Flaw is what is known of a card that Slack does not hold as it was sent.
type Flaw struct {
	Found bool
	Line  int // the first line of the code that differs, or 0
}

// Say tells it on the card, with the line as it should be.
// "Trusted" is said of what stands in Slack, not of the program: the stored code is whole, and both ways that
// are named here show that one.
func (f Flaw) Say(p *kit.Page, r *approval.Request) {
	if !f.Found {
		return
	}
	said := []kit.Part{kit.Strong("This card cannot be trusted. ")}
	switch all := kit.Lines(r.Revision.Code); {
	case f.Line == 0:
		said = append(said, kit.Words("Slack has changed part of its text. "))
	case f.Line > len(all):
		said = append(said, kit.Words("Slack has added to the code. "))
	// An empty line cannot be quoted.
	case strings.TrimSpace(all[f.Line-1]) == "":
		said = append(said, kit.Words(fmt.Sprintf("Slack has changed line %d of the code, which should be empty. ", f.Line)))
	default:
		said = append(said, kit.Words(fmt.Sprintf("Slack has changed line %d of the code. It should read: ", f.Line)), kit.Mono(kit.Cut(all[f.Line-1], 200)), kit.Words(" "))
	}
	said = append(said, kit.Words("Open the code with the button below to decide on it, or decide on the command line: "), kit.Mono("countersign decide "+r.ID))
	p.Say(said...)
}

// looks are the buttons with which a reviewer sees more, and decides nothing. A button that would show nothing is not there.
// seal is the value of the buttons: a request, a revision and its digest, so that each opens the version of its
// card.
func looks(r *approval.Request, seal string) (row []slack.BlockElement) {
	// Of a person's edit no model was told anything.
	if r.Revision != nil && !slackUser.MatchString(r.Revision.Author) {
		b := kit.Button(ids.ActionSaw, "What the model saw", seal, slack.StyleDefault)
		b.AccessibilityLabel = "Read what the model was told with the question"
		row = append(row, b)
	}
	for _, f := range r.Files {
		if len(f.Tables()) > 0 {
			b := kit.Button(ids.ActionColumns, "Columns", seal, slack.StyleDefault)
			b.AccessibilityLabel = "Names and types of the files' columns"
			row = append(row, b)
			break
		}
	}
	if len(r.Refused) > 0 {
		b := kit.Button(ids.ActionRefused, "Refused drafts", seal, slack.StyleDefault)
		b.AccessibilityLabel = "Read the drafts that were refused before this one"
		row = append(row, b)
	}
	return row
}

// refusedDrafts says why drafts were refused before anybody saw them: "2 earlier drafts were
// refused" is the first sign of a question that a model does not get right.
func refusedDrafts(p *kit.Page, r *approval.Request) {
	var items [][]kit.Part
	for _, refused := range r.Refused {
		items = append(items, []kit.Part{kit.Words(kit.Cut(foreign(refused.Reason), 200))})
	}
	were := "1 earlier draft was refused"
	if len(items) > 1 {
		were = fmt.Sprintf("%d earlier drafts were refused", len(items))
	}
	p.List([]kit.Part{kit.Strong(were), kit.Words(" before this one:")}, items)
}

// RefusedView shows the drafts that were refused before this one, and why. They are for
// reading: nobody can approve one.
func RefusedView(r *approval.Request) slack.ModalViewRequest {
	p := &kit.Page{}
	for i, refused := range r.Refused {
		p.Quote(kit.Cut(approval.Plain(refused.Reason), 1000), kit.Strong(fmt.Sprintf("Draft %d", i+1)), kit.Words(" was refused:"))
		// The answer held no program, or one that could not be shown truthfully.
		if refused.Code == "" {
			p.Say(kit.Words("No program of this answer was kept."))
			continue
		}
		// What was refused may be no canonical code, so what nobody could see is spelled out.
		chunks, _ := kit.Number(approval.Plain(refused.Code), kit.PartLines, kit.PartChars)
		for _, c := range chunks[:min(mostDrafted, len(chunks))] {
			p.Verbatim(nil, kit.Cut(c.Text, kit.PartChars), "", "")
		}
		if len(chunks) > mostDrafted {
			p.Say(kit.Words(fmt.Sprintf("The rest of its %d lines is left out.", chunks[len(chunks)-1].To)))
		}
	}
	if len(r.Refused) == 0 {
		p.Say(kit.Words("No draft was refused before this one."))
	}
	return kit.NoteOf("Refused drafts", p)
}

// SawView says what the model was told that wrote a program: all but the instructions that it
// always gets, and values of files, which are kept nowhere.
// The order is the prompt's own: what it was asked, what it was not shown, files, notes, what people wanted
// changed, and then what was said before in the thread, the summary ahead of the questions that were told
// whole. Text that was taken back or forgotten since is counted and not shown, so that the list never looks
// shorter than the prompt was.
func SawView(v *steps.View, past thread.Past) slack.ModalViewRequest {
	r, m := v.Request, v.Request.Revision.Manifest
	p := &kit.Page{}
	said := []kit.Part{kit.Words(kit.Cut(r.Revision.Author, 80) + askedAt(approval.Addressee{Provider: r.Revision.Provider, Host: r.Revision.Host}) + " was given the instructions that every model gets")}
	if r.Revision.PromptVersion != "" {
		said = append(said, kit.Words(" (version "), kit.Mono(kit.Cut(r.Revision.PromptVersion, 20)), kit.Words(")"))
	}
	p.Say(append(said, kit.Words(", the day, what is installed in the sandbox, and this:"))...)
	p.Quote(kit.Cut(r.Question, 2000), kit.Strong("The question"))
	if words := masked.Hidden(v).Words(); words != "" {
		p.Say(kit.Strong("Not shown to it: "), kit.Words(words+" in the question and in names. It had a place-holder for each; all but secrets were put back into the code."))
	}
	if len(r.Files) > 0 {
		p.Say(kit.Strong("Of the files: "), kit.Words("names, sheets, columns with their types, and what is odd about them (see Columns)"+seenOf(m.Saw)+"."))
	}
	noted(p, v, review.MaxNotes)
	clarified(p, r, allSaid)
	if n := len(r.Wishes); n > 0 {
		p.Say(kit.Strong("What reviewers wanted changed: "), kit.Words(kit.Count(n, "note")+", the last with the program that it is about."))
	}
	if n := len(r.Refused); n > 0 {
		p.Say(kit.Strong("Why earlier drafts were refused: "), kit.Words(kit.Count(n, "reason")+" (see Refused drafts)."))
	}
	if since := restedSince(r); since != "" {
		p.Say(kit.Strong("The thread was at rest since "+since+": "), kit.Words("it was told so, and to take no figure from what was said before."))
	}
	summed := false
	for _, s := range past.Summaries {
		if s.ID == m.Thread.Summary && s.ID != "" && past.Shows(s) {
			summed = true
			p.Quote(s.Text, kit.Strong("Earlier in this thread, summed up"), kit.Words(" by "+kit.Cut(s.Model, 80)+askedAt(approval.Addressee{Provider: s.Provider, Host: s.Host})+
				", of "+kit.Count(len(s.Of), "question")+" (the model's words, not checked):"))
		}
	}
	if m.Thread.Summary != "" && !summed {
		p.Say(kit.Strong("A summary of earlier questions"), kit.Words(" that it was told: some of what it tells of was taken back or forgotten since, so not shown."))
	}
	list := slices.DeleteFunc(past.Whole(m.Thread.Whole, m.Saw), func(one thread.Whole) bool { return one.Question == "" })
	for _, one := range list {
		p.Quote(kit.Cut(one.Question, 300), kit.Strong("Earlier in this thread, whole"), kit.Words(": the question"+wholeWords(one)))
		if one.Result != "" {
			p.Quote(kit.Cut(one.Result, 1000), kit.Words("What came of it, as the model was told:"))
		}
	}
	if n := len(m.Thread.Whole) - len(list); n > 0 {
		p.Say(kit.Strong(kit.Count(n, "earlier question")), kit.Words(" that it was told whole: taken back or forgotten since, so not shown."))
	}
	switch {
	case m.Thread.Left > 0:
		p.Say(kit.Strong(kit.Count(m.Thread.Left, "earlier question")+" left out"), kit.Words(", for want of room."))
	case len(past.Said) == 0 && len(m.Thread.Whole) == 0 && m.Thread.Summary == "":
		p.Say(kit.Words("Nothing was said before it in this thread."))
	}
	return kit.NoteOf("What the model saw", p)
}

// seenOf says what of the data the model was let see, behind what it was told of the files.
func seenOf(saw approval.Sight) string {
	if saw == approval.Shape {
		return ": no value of any"
	}
	return ", and " + cmp.Or(sawWords[saw], "more than the shape of the data") + ", which are kept nowhere"
}

// wholeWords say what of an earlier question was told whole: a question without code has only itself.
func wholeWords(one thread.Whole) string {
	if one.Lines > 0 {
		return " and its code (" + kit.Count(one.Lines, "line") + "):"
	}
	return ":"
}

// mostDrafted is how many blocks of a refused draft are shown. Three drafts of that length still fit into a modal's hundred.
const mostDrafted = 20
