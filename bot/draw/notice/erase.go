package notice

import (
	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// eraseNotice tells the other administrators that one of them wants forgotten what somebody has asked: it
// takes two, because it cannot be undone. The button only opens the form.
func eraseNotice(_ draw.With, n *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.EraseWanted](n)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	p.Say(kit.Person(said.By), kit.Strong(" wants deleted what "), kit.Person(said.Person), kit.Strong(" has asked"), kit.Words(", "), kit.Moment(n.At), kit.Words(". It takes a second administrator, until "), kit.Moment(said.Until), kit.Words("."))
	p.Small(kit.Words("Deleted are questions, code, results and what was said about them. Who asked, who decided and what it cost stay. If it has to be kept, put it on legal hold in the same form; if you do nothing, it stays."))
	p.Buttons("erase", kit.Button(ids.ActionTheirs, "Look at it", said.Person, slack.StyleDefault))
	return p, nil
}
