package draw

import (
	"maps"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/masked"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// Because says in half a sentence why messages do not stand in a channel, which is
// named as the reader knows it.
func Because(why steps.Hindrance, code string, there ...kit.Part) []kit.Part {
	switch why {
	case steps.Outside:
		return kit.Flow(kit.Words("I am no longer in "), there)
	case steps.Archived:
		return kit.Flow(there, kit.Words(" is archived"))
	case steps.Forbidden:
		return kit.Flow(kit.Words("the settings of "), there, kit.Words(" do not let me post there"))
	case steps.Malformed:
		return kit.Flow(kit.Words("Slack rejects the message's format ("), kit.Mono(code), kit.Words(")"))
	case steps.TooLong:
		return kit.Flow(kit.Words("Slack finds the message too long ("), kit.Mono(code), kit.Words(")"))
	case steps.NoKey:
		return kit.Flow(kit.Words("your organisation has suspended posting there, as holders of its encryption keys can ("), kit.Mono(code), kit.Words(")"))
	case steps.Outage:
		return kit.Flow(kit.Words("Slack has not accepted it for a while" + kit.InBrackets(code)))
	}
	// No hindrance of the channel's: the thread alone is gone.
	if code == steps.ThreadGone {
		return kit.Flow(kit.Words("the message that began the thread has been deleted"))
	}
	return kit.Flow(kit.Words("Slack refuses it, saying only "), kit.Mono(code))
}

// cardless says that the reviewers see no card at all, and why. It is nil when they see
// one.
func cardless(v *steps.View) []kit.Part {
	u := v.Unseen[steps.SurfaceCard]
	// A single refusal may be an accident, and the plainer card is a card.
	if !u.Repeats() || v.Posts[steps.SurfacePlain].TS != "" && v.Unseen[steps.SurfacePlain].Times == 0 {
		return nil
	}
	said := kit.Flow(kit.Strong("Waiting"), kit.Words(", but the reviewers cannot see the code: "), Because(u.Why, u.Code, kit.Words("the review channel")), kit.Words(". "))
	if u.Why == steps.Outage {
		said = append(said, kit.Words("I keep trying"))
	} else {
		said = append(said, kit.Words("The administrators have been told; it continues on its own once that is fixed"))
	}
	return append(said, kit.Words(", until "), kit.Moment(v.Request.ExpiresAt), kit.Words("."))
}

// plainly says that the reviewers see the shorter card, and why. It is nil when they see
// the full one.
func plainly(v *steps.View) []kit.Part {
	u := v.Unseen[steps.SurfaceCard]
	if !u.Repeats() {
		return nil
	}
	return kit.Flow(kit.Words(" The reviewers see a shorter card from which they open the code, because "), Because(u.Why, u.Code, kit.Words("the review channel")), kit.Words("."))
}

// TakeBackView asks whether an answer is to go from Slack.
func TakeBackView(v *steps.View, from Origin) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Quote(kit.Cut(v.Request.Question, 600), kit.Words("The answer to:"))
	p.Say(kit.Words("I delete the answer, its charts and its files from Slack, also where it was shared, and the thread says that you took it back. Later questions no longer build on it."))
	p.Say(kit.Words("The record keeps the answer: auditors can still read it."))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackTakeBack, Title: kit.Plain("Take it back?"), Submit: kit.Plain("Take back"), Close: kit.Plain("Keep it"),
		PrivateMetadata: from.String(), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}

// ShareView asks in which channel an answer is to stand as well.
func ShareView(v *steps.View, from Origin) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Quote(kit.Cut(v.Request.Question, 600), kit.Words("I post the answer, with its charts and files, and that you share it:"))
	where := slack.NewOptionsSelectBlockElement(slack.OptTypeConversations, kit.Plain("Choose a channel"), ids.FieldChannel)
	where.Filter = &slack.SelectBlockElementFilter{Include: []string{"public", "private"}, ExcludeExternalSharedChannels: true}
	p.Add(slack.NewInputBlock(ids.FieldChannel, kit.Plain("Channel"), kit.Plain("You and I must be in it, and everybody there must be allowed to see the files that the answer comes from."), where), 0, "")
	p.Small(kit.Words("Secrets, e-mail addresses, phone numbers and IBANs are masked there. Take back, under the answer, deletes it there as well."))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackShare, Title: kit.Plain("Share the answer"), Submit: kit.Plain("Share"), Close: kit.Plain("Cancel"),
		PrivateMetadata: from.String(), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}

// SharesLater is what stands in the form's place where Slack takes longer to answer than somebody waits.
const SharesLater = "Checking who is in that channel. In a large one this takes a few minutes. I will message you; if you hear nothing within ten minutes, press Share again."

// Copy is an answer as it stands where its asker has shared it.
//
//	| @Maya shares an answer to: What were sales per month?
//	the answer, masked
//	Code approved by @Ben. Charts and files are in the thread.
//	Masked here: 2 e-mail addresses.
func Copy(v *steps.View, channel string, tables bool) *kit.Page {
	whole := v
	v, counts := masked.View(v)
	p, alone := &kit.Page{}, *v
	alone.Posts = maps.Clone(v.Posts)
	delete(alone.Posts, steps.SurfaceAnswer)
	// What has arrived in the thread there, not in the answer's own.
	delete(alone.Posts, steps.SurfaceSheets)
	alone.Posts[steps.SurfaceFiles] = v.Posts[steps.CopyFilesIn(channel)]
	p.Quote(kit.Cut(v.Request.Question, 1000), kit.Person(sharer(v, channel)), kit.Words(" shares an answer to:"))
	tail := &kit.Page{}
	end := kit.Flow(kit.Words("Code approved"), approvers(v.Request), kit.Words("."))
	if broke := Unapproved(v.Request); broke != nil {
		end = append(broke, kit.Words("."))
	}
	if files, _ := arrived(&alone); len(files) > 0 {
		end = append(end, kit.Words(" Charts and files are in the thread."))
	}
	tail.Small(end...)
	masked.Say(tail, whole, counts)
	p.Used += tail.Used
	openingTo(p, &alone, false)
	body(p, &alone, tables, false)
	p.Append(&kit.Page{Blocks: tail.Blocks, Lines: tail.Lines})
	return p
}

// unshared says where the answer does not stand although its asker shared it, and why.
func unshared(p *kit.Page, v *steps.View) {
	for _, c := range v.Request.Copies {
		u := v.Unseen[steps.CopyIn(c.Channel)]
		if !u.Repeats() || u.Stands {
			continue
		}
		said := kit.Flow(kit.Strong("Not shared"), kit.Words(" in "), kit.Place(c.Channel), kit.Words(" so far: "), Because(u.Why, u.Code, kit.Words("that channel")), kit.Words(". "))
		p.Say(append(said, kit.Words("Once that is fixed, within three days, the answer is posted there on its own."))...)
	}
}

// sharer is who shared an answer there; its asker where nobody is on record.
func sharer(v *steps.View, channel string) string {
	for _, c := range v.Request.Copies {
		if c.Channel == channel {
			return c.By
		}
	}
	return v.Request.Asker
}

// CopyGone stands where a shared answer stood that was taken back.
func CopyGone(v *steps.View) *kit.Page {
	p, back := &kit.Page{}, v.Request.Taken
	p.Say(kit.Strong("Taken back"), kit.Words(" by "), kit.Person(back.By), kit.Words(", "), kit.Moment(back.At), kit.Words(": an answer that was shared here."))
	return p
}

// GoesBack tells whoever pressed that it is under way.
const GoesBack = "The answer is being deleted from Slack. The thread says so once it is gone."

// takenBack says who has had the answer go, and what of it Slack would not delete.
// It is drawn again after each try to delete, so a line goes when Slack has let go of what it names.
func takenBack(p *kit.Page, v *steps.View) {
	back := v.Request.Taken
	p.Say(kit.Strong("Taken back"), kit.Words(" by "), kit.Person(back.By), kit.Words(", "), kit.Moment(back.At), kit.Words(". The answer is no longer in Slack; the record keeps it."))
	var stays [][]kit.Part
	// Only what Slack has refused is said: what is gone needs no line.
	left := func(surface steps.Surface, what ...kit.Part) {
		if code := v.Posts[surface].Stays(); code != "" {
			stays = append(stays, append(what, kit.Words(" ("), kit.Mono(code), kit.Words(")")))
		}
	}
	left(steps.SurfaceAnswer, kit.Words("the answer"))
	left(steps.SurfaceReply, kit.Words("the answer with its buttons"))
	left(steps.SurfaceFiles, kit.Words("charts"))
	left(steps.SurfaceSheets, kit.Words("files"))
	for _, c := range v.Request.Copies {
		left(steps.CopyIn(c.Channel), kit.Words("the answer in "), kit.Place(c.Channel))
		left(steps.CopyFilesIn(c.Channel), kit.Words("charts and files in "), kit.Place(c.Channel))
	}
	p.List([]kit.Part{kit.Strong("Slack did not let me delete"), kit.Words(" some of it. An administrator of the workspace can:")}, stays)
}

// without names what came out and is not in the thread.
func without(p *kit.Page, v *steps.View) {
	if _, missing := arrived(v); len(missing) > 0 {
		p.Say(kit.Strong("Slack rejected "+Listed(missing)), kit.Words(". An administrator can find the reason in the log."))
	}
}

// WithoutMark stands before the name of each file that is not in the thread
// because Slack refused it for good, or could not be brought to take it.
const WithoutMark = "\nwithout "

// arrived are the files of an answer that are in its thread, and missing the
// names of those that Slack refused for good: an answer waits for no file that
// will never come, and says so.
func arrived(v *steps.View) (files []approval.Artifact, missing []string) {
	for _, surface := range []steps.Surface{steps.SurfaceFiles, steps.SurfaceSheets} {
		missing = append(missing, strings.Split(v.Posts[surface].Shown, WithoutMark)[1:]...)
	}
	for _, f := range v.Artifacts {
		if !slices.Contains(missing, f.Name) {
			files = append(files, f)
		}
	}
	return files, missing
}
