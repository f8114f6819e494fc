package home

import (
	"time"

	"github.com/slack-go/slack"

	"countersign/approval/review"
	"countersign/approval/sshkey"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// KeysView lists the SSH keys of whoever looks, and takes another one. A key is shown by its fingerprint,
// as ssh-keygen -l prints it, so that people find theirs.
func KeysView(keys []review.Key, now time.Time) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Say(kit.Words("Code of high risk that you decide on outside of Slack, with "), kit.Mono("countersign decide"), kit.Words(", has to be signed by your own SSH key. A key counts 24 hours after you register it. You get a direct message about each change."))
	for _, k := range keys {
		since := []kit.Part{kit.Mono(sshkey.Print(k.Line)), kit.Words(", registered "), kit.Moment(k.At)}
		if now.Before(k.From()) {
			since = append(since, kit.Words(", counts from "), kit.Moment(k.From()))
		}
		take := kit.Button(ids.ActionRemoveKey, "Remove", k.Line, slack.StyleDefault)
		take.Confirm = slack.NewConfirmationBlockObject(kit.Plain("Remove this key?"), kit.Plain("Anything you approved with it that has not started goes back to the reviewers."), kit.Plain("Remove"), kit.Plain("Cancel")).WithStyle(slack.StyleDanger)
		p.Row(since, take)
	}
	view := slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackKeys, Title: kit.Plain("Your SSH keys"), Close: kit.Plain("Close"), Blocks: slack.Blocks{BlockSet: p.Blocks}}
	// Without the field the modal has nothing to submit, so it has no button for that either.
	if len(keys) < review.MaxKeys {
		line := slack.NewPlainTextInputBlockElement(kit.Plain("ssh-ed25519 AAAA…"), ids.FieldKey).WithMaxLength(sshkey.MaxLength)
		view.Blocks.BlockSet = append(view.Blocks.BlockSet, slack.NewInputBlock(ids.FieldKey, kit.Plain("Another public key"), kit.Plain("The one line of the file that ends in .pub: ed25519 or ecdsa, also on a security key."), line))
		view.Submit = kit.Plain("Register")
	}
	return view
}
