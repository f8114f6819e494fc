// Package pins draws what is pinned to a channel: the list, the form that pins a file, and the
// newer uploads that administrators may put in a pinned file's place.
package pins

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// Board is what the list shows.
type Board struct {
	Channel string
	Pins    []pins.Pin
	Admin   bool         // the one who looks may change it
	Offers  []pins.Offer // newer uploads, for administrators; nil: nobody has looked yet
	Old     int          // days from which on a pin is called old
	Said    string       // why the last press has come to nothing
	Now     time.Time
}

// BoardView lists what is pinned: with age, uploader, size, and who may use it.
//
//	Files that are pinned to #sales. A question uses one when it is ticked in the form, or named: use sales.csv.
//	sales.csv, 1.2 MB, uploaded by @Maya 3 November; pinned by @Ada 2 days ago, for everybody …   [Remove]
//	A newer upload has this name: 1.3 MB, by @Maya today. Columns new: region; 1,300 rows in place of 1,204.
//	[Pin the newer one] [Keep the pinned one]
//	[Pin a file]
func BoardView(b Board) slack.ModalViewRequest {
	p := &kit.Page{}
	if b.Said != "" {
		p.Say(kit.Strong(b.Said))
	}
	switch {
	case approval.Direct(b.Channel) && len(b.Pins) > 0:
		p.Say(kit.Words("These files are pinned for you. Name one in a question here, for example: use " + first(b.Pins) + "."))
	case len(b.Pins) > 0:
		p.Say(kit.Words("Files that are pinned to "), kit.Place(b.Channel), kit.Words(". A question uses one when it is ticked in the form, or named: use "+first(b.Pins)+"."))
	default:
		p.Say(kit.Words("Nothing is pinned here. An administrator can pin a file, so that everybody asks about the same one."))
	}
	for _, pin := range b.Pins {
		p.Row(line(b, pin), unpin(b, pin))
		if at := offered(b.Offers, pin); at != nil {
			offer(p, *at)
		}
	}
	if b.Admin && !approval.Direct(b.Channel) {
		if len(b.Pins) < pins.Most {
			p.Buttons("pin", kit.Button(ids.ActionPin, "Pin a file", b.Channel, slack.StylePrimary))
		}
		p.Small(kit.Words("Files stay in Slack. A pin names what a file holds: if it is edited or deleted there, questions about it are refused."))
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackPins, Title: kit.Plain("Pinned data"), Close: kit.Plain("Close"),
		PrivateMetadata: draw.Origin{Channel: b.Channel}.String(), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}

// first is the name that an example uses: one that is really there.
func first(list []pins.Pin) string { return kit.Cut(kit.OneLine(list[0].File.Name), 60) }

// line is one pin.
func line(b Board, p pins.Pin) []kit.Part {
	said := []kit.Part{kit.Mono(kit.Cut(kit.OneLine(p.File.Name), 110)), kit.Words(", " + size(p.File.Size))}
	if by := p.File.Shared; by != nil {
		said = append(said, kit.Words(", uploaded by "), kit.Person(by.By), kit.Words(" "), kit.Moment(by.At))
	}
	said = append(said, kit.Words("; pinned by "), kit.Person(p.By))
	if approval.Direct(b.Channel) {
		said = append(said, kit.Words(" to "), kit.Place(p.Project))
	}
	age := b.Now.Sub(p.At)
	said = append(said, kit.Words(" "+kit.Span(max(age, 0))+" ago, for "))
	if len(p.People) == 0 {
		said = append(said, kit.Words("everybody in the channel"))
	} else {
		said = append(said, kit.People(p.People[:min(20, len(p.People))], " and ")...)
	}
	if more := len(p.People) - 20; more > 0 {
		said = append(said, kit.Words(fmt.Sprintf(" and %d more", more)))
	}
	said = append(said, kit.Words("."))
	if b.Old > 0 && age >= time.Duration(b.Old)*24*time.Hour {
		said = append(said, kit.Words(" It is old: is it still the right one?"))
	}
	return said
}

// size says how large a file is, with one digit: enough to tell two uploads apart.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1000/1000)
}

// unpin is the button that takes a pin away; nil for whoever may not.
func unpin(b Board, p pins.Pin) *slack.ButtonBlockElement {
	if !b.Admin || approval.Direct(b.Channel) {
		return nil
	}
	take := kit.Button(ids.ActionUnpin, "Remove", p.File.ID, slack.StyleDefault)
	take.Confirm = slack.NewConfirmationBlockObject(kit.Plain("Remove this pin?"), kit.Plain("Questions about it that have not started do not start any more. The file stays in Slack."), kit.Plain("Remove"), kit.Plain("Cancel")).WithStyle(slack.StyleDanger)
	return take
}

// offered finds the newer upload of a pin, if there is one.
func offered(offers []pins.Offer, p pins.Pin) *pins.Offer {
	for i := range offers {
		if offers[i].Pin.File.ID == p.File.ID {
			return &offers[i]
		}
	}
	return nil
}

// offer is a newer upload of a pinned file's name. It is never taken by itself: whoever may upload
// to the channel could change everybody's answers.
// The button carries the sha256 of the upload that was compared: if the file is edited before somebody presses,
// the press pins nothing (WhyUploadDiffers).
func offer(p *kit.Page, o pins.Offer) {
	said := []kit.Part{kit.Strong("A newer upload has this name: "), kit.Words(size(o.Upload.Size))}
	if by := o.Upload.Shared; by != nil {
		said = append(said, kit.Words(", by "), kit.Person(by.By), kit.Words(" "), kit.Moment(by.At))
	}
	p.Say(append(said, kit.Words(". "+Change(o)))...)
	value := o.Pin.File.ID + " " + o.Upload.ID
	use := kit.Button(ids.ActionAccept, "Pin the newer one", value+" "+o.Upload.SHA256, slack.StylePrimary)
	use.Confirm = slack.NewConfirmationBlockObject(kit.Plain("Pin the newer upload?"), kit.Plain("It takes the place of the pinned file, for the same people. Questions about the older one that have not started do not start any more."), kit.Plain("Pin it"), kit.Plain("Cancel"))
	p.Buttons("offer "+o.Upload.ID, use, kit.Button(ids.ActionKeep, "Keep the pinned one", value, slack.StyleDefault))
}

// Change says how an upload differs from what is pinned.
// c is nil where nobody has asked about the upload yet: no box reads it only to draw a list.
func Change(o pins.Offer) string {
	switch c := o.Change; {
	case o.Same:
		return "It holds the very same."
	case c == nil:
		return "It holds something else. How its columns differ is known once somebody has asked about it here."
	case len(c.Added) == 0 && len(c.Gone) == 0:
		return "The columns are the same; " + rows(c) + "."
	default:
		var parts []string
		for _, of := range []struct {
			what  string
			names []string
		}{{"new", c.Added}, {"gone", c.Gone}} {
			if len(of.names) > 0 {
				parts = append(parts, of.what+": "+kit.Cut(kit.OneLine(approval.Plain(strings.Join(of.names, ", "))), 300))
			}
		}
		return "Columns " + strings.Join(parts, "; ") + "; " + rows(c) + "."
	}
}

// rows says how many rows it has by now, and how many the pinned one has.
func rows(c *pins.Change) string {
	return fmt.Sprintf("%s in place of %s", kit.Count(int(c.Rows), "row"), kit.Thousands(int(c.Had)))
}

// FormView asks which file is to be pinned, and for whom. choices are the files of the channel, once
// they are listed: Slack gives three seconds to open a modal, and listing takes longer.
func FormView(channel string, choices []pins.Upload, listed bool) slack.ModalViewRequest {
	p := &kit.Page{}
	if !listed {
		p.Small(kit.Words("Looking for files in this channel …"))
	}
	blocks := p.Blocks
	var options []*slack.OptionBlockObject
	for _, up := range choices[:min(kit.MaxChoices, len(choices))] {
		options = append(options, slack.NewOptionBlockObject(up.ID, kit.Plain(kit.Cut(kit.OneLine(up.Name), 75)), kit.Plain(size(up.Size))))
	}
	if len(options) > 0 {
		choice := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, kit.Plain("Choose a file"), ids.FieldFiles, options...)
		blocks = append(blocks, slack.NewInputBlock(ids.FieldFiles, kit.Plain("File of this channel"), nil, choice).WithOptional(true))
	}
	link := slack.NewPlainTextInputBlockElement(kit.Plain("https://….slack.com/files/…"), ids.FieldLink)
	link.MaxLength = 500
	blocks = append(blocks, slack.NewInputBlock(ids.FieldLink, kit.Plain("Or the link of another file"), kit.Plain("Copy link, in the file's menu. You and I have to be in a channel where it stands."), link).WithOptional(true))
	people := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeUser, kit.Plain("Everybody in the channel"), ids.FieldPeople)
	blocks = append(blocks, slack.NewInputBlock(ids.FieldPeople, kit.Plain("Who may use it"), kit.Plain("Leave it empty for everybody in the channel. Where others are in the channel, the people that you name ask with the answer only to them, or in a direct message with me."), people).WithOptional(true))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackPin, Title: kit.Plain("Pin a file"), Submit: kit.Plain("Pin it"), Close: kit.Plain("Cancel"),
		PrivateMetadata: draw.Origin{Channel: channel}.String(), Blocks: slack.Blocks{BlockSet: blocks}}
}

// ReadingView stands while a file is read through, and then says what has come of it.
func ReadingView(channel, said string) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Say(kit.Words(said))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackPinned, Title: kit.Plain("Pin a file"), Close: kit.Plain("Back"),
		PrivateMetadata: draw.Origin{Channel: channel}.String(), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}
