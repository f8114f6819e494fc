package notice

import (
	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// pinsNotice tells administrators of pinned files that somebody should look at again.
func pinsNotice(_ draw.With, v *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.PinsNoticed](v)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	if len(said.Newer) > 0 {
		p.List([]kit.Part{kit.Strong("A newer upload has the name of a pinned file: "), kit.Words("the pinned one is used until you accept the other.")}, pinsNoticed(said.Newer, "uploaded"))
	}
	if len(said.Old) > 0 {
		p.List([]kit.Part{kit.Strong("Pinned files that are old: "), kit.Words("are they still the right ones?")}, pinsNoticed(said.Old, "pinned"))
	}
	p.Small(kit.Words("Type "), kit.Mono(ids.CommandAnalyze+" data"), kit.Words(" in the channel to see what is different, to pin another file or to remove one."))
	return p, nil
}

// mostPins is how many of each list a message names. The list of the channel has all of them.
const mostPins = 20

// pinsNoticed are the files of a list, each with its channel: a name alone may be pinned in several.
func pinsNoticed(list []approval.PinNoticed, verb string) (items [][]kit.Part) {
	for _, f := range list[:min(mostPins, len(list))] {
		items = append(items, []kit.Part{kit.Mono(kit.Cut(kit.OneLine(f.File), 110)), kit.Words(" in "), kit.Place(f.Channel), kit.Words(", " + verb + " by "), kit.Person(f.By), kit.Words(" "), kit.Moment(f.At)})
	}
	return items
}
