package bot

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// openedAs waits for a modal of this kind.
func (b *bundle) openedAs(p *slackperson.Person, callback string) workspace.View {
	b.t.Helper()
	v, err := p.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == callback })
	require.NoError(b.t, err)
	return v
}

func TestChangesAreRequestedWithAReason(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b)
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, actionChanges))
	b.openedAs(ben, callbackChanges)
	refused, err := ben.Submit(slackperson.Form{})
	require.NoError(t, err)
	require.Contains(t, refused, fieldReason)
	_, err = ben.Submit(slackperson.Fill(fieldReason, "Round to cents."))
	require.NoError(t, err)
	require.NoError(t, ben.WaitNoView(b.ctx))
	got := b.service.decided()
	require.Len(t, got, 1)
	require.Equal(t, approval.Rewrite, got[0].Verdict)
	require.Equal(t, "Round to cents.", got[0].Reason)
	require.Equal(t, v.Request.Revision.Digest, got[0].Digest)
}

func TestRisksAreApprovedByTypingTheDigest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b, risky)
	require.NotContains(t, card.Actions(), actionApprove)
	require.Contains(t, card.Words(), "1 of 2 approvals")
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, "Review and approve"))
	modal := b.openedAs(ben, callbackReview)
	require.Contains(t, modal.Words(), "type "+v.Request.Revision.Digest[:6])
	b.service.fail(&approval.InputError{Why: "That is not how the digest begins."})
	refused, err := ben.Submit(slackperson.Fill(fieldTyped, "ffffff"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{fieldTyped: "That is not how the digest begins."}, refused)
	b.service.fail(nil)
	_, err = ben.Submit(slackperson.Fill(fieldTyped, " "+v.Request.Revision.Digest[:6]+" "))
	require.NoError(t, err)
	got := b.service.decided()
	require.Len(t, got, 1)
	require.Equal(t, v.Request.Revision.Digest[:6], got[0].Typed)
}

func TestWhatIsForTheCommandLineHasNoButtonsToDecide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b, risky, func(v *steps.View) { v.Terms.Slack = false })
	require.Equal(t, []string{actionMore}, card.Actions())
	require.Contains(t, card.Words(), "countersign decide "+v.Request.ID)
	require.NotContains(t, card.Words(), "Edit the code")
	require.ErrorContains(t, b.bot.openReview(b.ctx, "x", v, origin{}, approval.Click{}), "command line")
}

func TestAModalThatSlackGarbledDecidesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ *slacksim.Options, o *Options) { o.HTTPClient = forge("print(7)", "print(8)") })
	_, card := pending(b, withCode(longCode(412)))
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, actionReview))
	note := b.openedAs(ben, callbackNote)
	require.Contains(t, note.Words(), "Slack holds something else than what I sent")
	require.Nil(t, note.Submit)
}

// Whoever approves sees the same of what they agree to, wherever they do it, and every host.
func TestWhatIsAgreedToIsSaidTheSameWhereverThereIsSomethingToApproveWith(t *testing.T) {
	t.Parallel()
	b := idle(t)
	reach := func(n int) func(v *steps.View) {
		return func(v *steps.View) {
			for i := range n {
				v.Request.Revision.Manifest.Network = append(v.Request.Revision.Manifest.Network, fmt.Sprintf("host-%02d.%s.example.com", i, strings.Repeat("x", 40)))
			}
		}
	}
	for _, hosts := range []int{0, 1, 12, review.MaxHosts} {
		v := sample(reach(hosts))
		modal, ok := b.bot.reviewView(v, origin{})
		require.True(t, ok)
		card := string(mustJSON(b.bot.card(v, Identity{}, false).blocks))
		for what, drawn := range map[string]string{"card": card, "modal": string(mustJSON(modal.Blocks))} {
			for _, words := range []string{"The budget of ", "$7.88 of $10.00 left", "in a local sandbox", "at most 120 seconds and 1,024 MB"} {
				require.Contains(t, drawn, words, what)
			}
			for _, host := range v.Request.Revision.Manifest.Network {
				require.Contains(t, drawn, `"`+host+`"`, what)
			}
			require.Equal(t, hosts == 0, strings.Contains(drawn, "no network"), what)
		}
		require.Contains(t, card, `"`+actionApprove+`"`)
	}
	crowded := sample(reach(review.MaxHosts), func(v *steps.View) {
		v.Request.Question = strings.Repeat("Why? ", 600)
		v.Request.Revision.Code = longCode(40)
	})
	card := b.bot.card(crowded, Identity{}, false)
	require.NotContains(t, string(mustJSON(card.blocks)), `"`+actionApprove+`"`, "what is not shown whole is not approved there")
	require.Contains(t, string(mustJSON(card.blocks)), "and 45 more")
	require.Less(t, card.used, 11_000)
}

// What was open before it could be replaced is held against the code when it is sent off.
func TestAnApprovalFromOtherCodeThanTheStoredIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b)
	ben := b.as(slacksim.Reviewer)
	swap := func(code string) {
		b.service.change(func() {
			v.Request.Revision = &approval.Revision{RequestID: v.Request.ID, Number: 1, Code: code, Digest: v.Request.Revision.Digest}
		})
	}
	swap("import os\n")
	require.NoError(t, ben.Click(card, actionApprove))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "Slack holds something else")
	require.Empty(t, b.service.decided())

	swap(longCode(412))
	cb := slack.InteractionCallback{Type: slack.InteractionTypeViewSubmission, User: slack.User{ID: slacksim.Reviewer}}
	modal, ok := b.bot.reviewView(v, origin{Seal: sealOf(v.Request).String()})
	require.True(t, ok)
	cb.View = slack.View{ID: "V1", CallbackID: callbackReview, PrivateMetadata: modal.PrivateMetadata}
	payload := mustJSON(map[string]any{"view": modal})
	swap(longCode(411))
	a, err := b.bot.interact(carrying(b.ctx, payload), cb)
	require.NoError(t, err)
	require.Contains(t, string(mustJSON(a.payload)), "Slack holds something else")
	require.Empty(t, b.service.decided())
	swap(longCode(412))
	_, err = b.bot.interact(b.ctx, cb)
	require.NoError(t, err)
	require.Empty(t, b.service.decided(), "what was not brought was not seen")
	_, err = b.bot.interact(carrying(b.ctx, payload), cb)
	require.NoError(t, err)
	require.Len(t, b.service.decided(), 1)
}

func TestCodeIsEditedInFieldsAndHandedInAsOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b, withCode(longCode(70)))
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, actionMore, "Edit the code"))
	modal := b.openedAs(ben, callbackEdit)
	require.Contains(t, modal.Words(), "of 70")
	parts, ok := split(v.Request.Revision.Code)
	require.True(t, ok)
	require.Len(t, parts, 2)

	b.service.change(func() {
		b.service.refuse = &approval.InputError{Why: "This cannot be shown: line 69: 16 or more spaces."}
	})
	refused, err := ben.Submit(slackperson.Form{})
	require.NoError(t, err)
	require.Contains(t, refused, editField(2), "beside the field that holds the line")
	b.service.change(func() { b.service.refuse = &approval.NotAllowedError{Why: "Only reviewers edit."} })
	_, err = ben.Submit(slackperson.Form{})
	require.NoError(t, err)
	require.Contains(t, b.openedAs(ben, callbackNote).Words(), "Only reviewers edit.")
	require.NoError(t, ben.CloseView())

	b.service.change(func() { b.service.refuse = nil })
	require.NoError(t, ben.Click(card, actionMore, "Edit the code"))
	b.openedAs(ben, callbackEdit)
	_, err = ben.Submit(slackperson.Fill(editField(2), "print('end')"))
	require.NoError(t, err)
	require.NoError(t, ben.WaitNoView(b.ctx))
	wants := b.service.wishes()
	got := wants[len(wants)-1]
	require.Equal(t, "edit", got.what)
	require.Equal(t, parts[0].text+"\nprint('end')\n", got.code)
	require.Equal(t, v.Request.Revision.Digest, got.ruling.Digest)
	require.Equal(t, card.TS, got.ruling.Click.MessageTS)
}

func TestWhatIsTooLongToEditSaysWhatToDoInstead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := pending(b, withCode(longCode(2500)))
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, actionMore, "Edit the code"))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "Use Request changes instead")
	b.service.change(func() { b.service.refuse = &approval.NotAllowedError{Why: "Only reviewers edit."} })
	require.NoError(t, ben.Click(card, actionMore, "Edit the code"))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "Only reviewers edit.")
}

func TestSomebodyElseIsAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b)
	ben := b.as(slacksim.Reviewer)
	ask := func(form slackperson.Form) map[string]string {
		require.NoError(t, ben.Click(card, actionMore, "Ask somebody to look at it"))
		b.openedAs(ben, callbackAssign)
		refused, err := ben.Submit(form)
		require.NoError(t, err)
		return refused
	}
	b.service.change(func() { b.service.refuse = &approval.InputError{Why: "This person cannot decide here."} })
	require.Equal(t, map[string]string{fieldPerson: "This person cannot decide here."}, ask(slackperson.Fill(fieldPerson, slacksim.Guest)))
	require.NoError(t, ben.CloseView())
	b.service.change(func() { b.service.refuse = nil })
	ask(slackperson.Fill(fieldPerson, slacksim.SecondReviewer))
	ask(slackperson.Fill(fieldPerson, slacksim.Admin).And(fieldWhat, askOpinion))
	got := b.service.wishes()
	require.Len(t, got, 2)
	require.Equal(t, []string{"assign", v.Request.ID, slacksim.SecondReviewer}, []string{got[0].what, got[0].id, got[0].who})
	require.Equal(t, []string{"opinion", slacksim.Admin, slacksim.Reviewer}, []string{got[1].what, got[1].who, got[1].click.User})
}

func TestDifferencesAreShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b, second("mistral-medium-2508"))
	require.Contains(t, card.Words(), "2 lines added, 1 removed since revision 1")
	require.Contains(t, card.Words(), "Round to cents, please.")
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, actionDiff))
	require.Contains(t, b.openedAs(ben, callbackNote).Words(), "+ 5  # whole months only")
	require.NoError(t, ben.Click(card, actionMore, "Compare with approved code"))
	_, err := ben.WaitView(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "Nothing that was approved") })
	require.NoError(t, err)
	b.service.change(func() {
		b.service.near = &steps.Near{Question: "The same?", Code: v.Former.Code, At: noon, Alike: 75}
	})
	require.NoError(t, ben.Click(card, actionMore, "Compare with approved code"))
	_, err = ben.WaitView(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "75 % of the lines") })
	require.NoError(t, err)

	// A card of an older version shows nothing that could be taken for this one.
	b.service.change(func() { v.Request.Revision.Number = 3 })
	for _, stale := range [][]string{{actionDiff}, {actionMore, "Compare with approved code"}, {actionMore, "Edit the code"}} {
		require.NoError(t, ben.Click(card, stale[0], stale[1:]...))
	}
	require.Eventually(t, func() bool {
		n := 0
		for _, m := range ben.Ephemerals(slacksim.CodeReview) {
			if strings.Contains(m.Words(), "This card is out of date") {
				n++
			}
		}
		return n == 3
	}, waitAtMost, tick)
}

func TestAnApprovalThatWasNotOnesOwnIsTakenBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, _ := pending(b, in(approval.Approved, ""))
	n := &steps.NoticeView{Notice: approval.Notice{Key: "approved", Kind: approval.NoticeApproved, At: noon, RequestID: v.Request.ID,
		Data: mustMarshal(approval.ApprovedBy{Revision: 1, Reviewer: slacksim.Reviewer})}, View: v, Now: noon}
	post, err := b.bot.Tell(b.ctx, n, steps.NoticePost{Key: n.Key, Recipient: slacksim.Reviewer})
	require.NoError(t, err)
	ben := b.as(slacksim.Reviewer)
	said := b.read(slacksim.Reviewer, steps.Post{Channel: post.Channel, TS: post.TS})
	require.Contains(t, said.Words(), "Was this not you?")
	require.NoError(t, ben.Click(said, actionDisown))
	b.told(slacksim.Reviewer, post.Channel, "has been taken back")
	got := b.service.wishes()
	require.Equal(t, wanted{what: "disown", id: v.Request.ID, revision: 1, click: got[0].click}, got[0])

	// Too late: the words say so, and the notice loses its button when it is looked at again.
	b.service.change(func() {
		b.service.refuse = &approval.MoveError{Request: v.Request, Verb: "disown", Why: "It has started already, and the administrators have been told."}
	})
	require.NoError(t, ben.Click(said, actionDisown))
	b.told(slacksim.Reviewer, post.Channel, "It has started already")
	b.service.change(func() { in(approval.Running, "")(v) })
	_, err = b.bot.Tell(b.ctx, n, post)
	require.NoError(t, err)
	require.NotContains(t, b.read(slacksim.Reviewer, steps.Post{Channel: post.Channel, TS: post.TS}).Actions(), actionDisown)
}

func TestNoticesThatCannotBeReadAreErrors(t *testing.T) {
	t.Parallel()
	b := idle(t)
	for kind := range notices {
		if kind == approval.NoticeFunded {
			continue // it says nothing but which request
		}
		_, err := b.bot.Tell(b.ctx, &steps.NoticeView{Notice: approval.Notice{Kind: kind, Data: []byte("{")}, View: sample()}, steps.NoticePost{Recipient: slacksim.Admin})
		require.ErrorContains(t, err, "read the notice", kind)
	}
	cb := slack.InteractionCallback{User: slack.User{ID: slacksim.Reviewer}}
	_, err := b.bot.clickDisown(b.ctx, cb, &slack.BlockAction{Value: "old"})
	require.ErrorContains(t, err, "older version")
}

func TestADecisionWithoutADatabaseIsNotAcked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := pending(b)
	ben := b.as(slacksim.Reviewer)
	for entry, callback := range map[string]string{"Edit the code": callbackEdit, "Ask somebody to look at it": callbackAssign} {
		b.service.before(nil)
		require.NoError(t, ben.Click(card, actionMore, entry))
		b.openedAs(ben, callback)
		b.service.before(func(context.Context) error { return context.DeadlineExceeded })
		form := slackperson.Form{}
		if callback == callbackAssign {
			form = slackperson.Fill(fieldPerson, slacksim.SecondReviewer)
		}
		_, err := ben.Submit(form)
		require.Error(t, err, "Slack says that it failed")
	}
	require.Less(t, time.Duration(0), b.bot.workTime())
}
