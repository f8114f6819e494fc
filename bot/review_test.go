package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/notice"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/readback"
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
	require.NoError(t, ben.Click(card, ids.ActionChanges))
	b.openedAs(ben, ids.CallbackChanges)
	refused, err := ben.Submit(slackperson.Form{})
	require.NoError(t, err)
	require.Contains(t, refused, ids.FieldReason)
	_, err = ben.Submit(slackperson.Fill(ids.FieldReason, "Round to cents."))
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
	v, card := pending(b, sample.Risky)
	require.NotContains(t, card.Actions(), ids.ActionApprove)
	require.Contains(t, card.Words(), "1 of 2 approvals")
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, "Review and approve"))
	modal := b.openedAs(ben, ids.CallbackReview)
	require.Contains(t, modal.Words(), "type "+v.Request.Revision.Digest[:6])
	b.service.fail(&approval.InputError{Why: approval.Words("That is not how the digest begins.")})
	refused, err := ben.Submit(slackperson.Fill(ids.FieldTyped, "ffffff"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{ids.FieldTyped: "That is not how the digest begins."}, refused)
	b.service.fail(nil)
	_, err = ben.Submit(slackperson.Fill(ids.FieldTyped, " "+v.Request.Revision.Digest[:6]+" "))
	require.NoError(t, err)
	got := b.service.decided()
	require.Len(t, got, 1)
	require.Equal(t, v.Request.Revision.Digest[:6], got[0].Typed)
}

func TestWhatIsForTheCommandLineHasNoButtonsToDecide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b, sample.Risky, func(v *steps.View) { v.Terms.Slack = false })
	require.Equal(t, []string{ids.ActionSaw, ids.ActionColumns, ids.ActionMore, ids.ActionDisown}, card.Actions(), "what was approved in somebody's name can be taken back")
	require.Contains(t, card.Words(), "countersign decide "+v.Request.ID)
	require.NotContains(t, card.Words(), "Edit the code")
	require.ErrorContains(t, b.bot.deciding.openReview(b.ctx, "x", v, draw.Origin{}, approval.Click{}), "command line")
}

func TestAModalThatSlackGarbledDecidesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ *slacksim.Options, o *Options) { o.HTTPClient = forge("print(7)", "print(8)") })
	_, card := pending(b, sample.Code(sample.Long(412)))
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, ids.ActionReview))
	note := b.openedAs(ben, kit.CallbackNote)
	require.Contains(t, note.Words(), "Slack stored something different from what I sent")
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
		v := sample.View(reach(hosts))
		modal, ok := draw.ReviewView(b.bot.with(), v, draw.Origin{})
		require.True(t, ok)
		card := string(sample.MustJSON(draw.Card(as(kit.Identity{}), v, false).Blocks))
		for what, drawn := range map[string]string{"card": card, "modal": string(sample.MustJSON(modal.Blocks))} {
			for _, words := range []string{" has $7.88 of $10 left this month", "in a local sandbox", "at most 120 seconds and 1 GB"} {
				require.Contains(t, drawn, words, what)
			}
			for _, host := range v.Request.Revision.Manifest.Network {
				require.Contains(t, drawn, `"`+host+`"`, what)
			}
			require.Equal(t, hosts == 0, strings.Contains(drawn, "no network"), what)
		}
		require.Contains(t, card, `"`+ids.ActionApprove+`"`)
	}
	crowded := sample.View(reach(review.MaxHosts), func(v *steps.View) {
		v.Request.Question = strings.Repeat("Why? ", 600)
		v.Request.Revision.Code = sample.Long(40)
	})
	card := draw.Card(as(kit.Identity{}), crowded, false)
	require.NotContains(t, string(sample.MustJSON(card.Blocks)), `"`+ids.ActionApprove+`"`, "what is not shown whole is not approved there")
	require.Contains(t, string(sample.MustJSON(card.Blocks)), "and 45 more")
	require.Less(t, card.Used, 11_000)
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
	require.NoError(t, ben.Click(card, ids.ActionApprove))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "Slack stored something different")
	require.Empty(t, b.service.decided())

	swap(sample.Long(412))
	cb := slack.InteractionCallback{Type: slack.InteractionTypeViewSubmission, User: slack.User{ID: slacksim.Reviewer}}
	modal, ok := draw.ReviewView(b.bot.with(), v, draw.Origin{Seal: draw.SealOf(v.Request).String()})
	require.True(t, ok)
	cb.View = slack.View{ID: "V1", CallbackID: ids.CallbackReview, PrivateMetadata: modal.PrivateMetadata}
	payload := sample.MustJSON(map[string]any{"view": modal})
	swap(sample.Long(411))
	a, err := b.bot.interact(readback.Carrying(b.ctx, payload), cb)
	require.NoError(t, err)
	require.Contains(t, string(sample.MustJSON(a.payload)), "Slack stored something different")
	require.Empty(t, b.service.decided())
	swap(sample.Long(412))
	_, err = b.bot.interact(b.ctx, cb)
	require.NoError(t, err)
	require.Empty(t, b.service.decided(), "what was not brought was not seen")
	_, err = b.bot.interact(readback.Carrying(b.ctx, payload), cb)
	require.NoError(t, err)
	require.Len(t, b.service.decided(), 1)
}

func TestCodeIsEditedInFieldsAndHandedInAsOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b, sample.Code(sample.Long(70)))
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, ids.ActionMore, "Edit the code"))
	modal := b.openedAs(ben, ids.CallbackEdit)
	require.Contains(t, modal.Words(), "of 70")
	parts, ok := kit.Split(v.Request.Revision.Code)
	require.True(t, ok)
	require.Len(t, parts, 2)

	b.service.change(func() {
		b.service.refuse = &approval.InputError{Why: approval.Words("This cannot be shown: line 69: 16 or more spaces.")}
	})
	refused, err := ben.Submit(slackperson.Form{})
	require.NoError(t, err)
	require.Contains(t, refused, draw.EditField(2), "beside the field that holds the line")
	b.service.change(func() { b.service.refuse = &approval.NotAllowedError{Why: approval.Words("Only reviewers edit.")} })
	_, err = ben.Submit(slackperson.Form{})
	require.NoError(t, err)
	require.Contains(t, b.openedAs(ben, kit.CallbackNote).Words(), "Only reviewers edit.")
	require.NoError(t, ben.CloseView())
	b.openedAs(ben, ids.CallbackEdit) // what was typed is there
	require.NoError(t, ben.CloseView())

	b.service.change(func() { b.service.refuse = nil })
	require.NoError(t, ben.Click(card, ids.ActionMore, "Edit the code"))
	b.openedAs(ben, ids.CallbackEdit)
	_, err = ben.Submit(slackperson.Fill(draw.EditField(2), "print('end')"))
	require.NoError(t, err)
	require.NoError(t, ben.WaitNoView(b.ctx))
	wants := b.service.wishes()
	got := wants[len(wants)-1]
	require.Equal(t, "edit", got.what)
	require.Equal(t, parts[0].Text+"\nprint('end')\n", got.code)
	require.Equal(t, v.Request.Revision.Digest, got.ruling.Digest)
	require.Equal(t, card.TS, got.ruling.Click.MessageTS)
}

func TestWhatIsTooLongToEditSaysWhatToDoInstead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := pending(b, sample.Code(sample.Long(2500)))
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, ids.ActionMore, "Edit the code"))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "Use Request changes instead")
	b.service.change(func() { b.service.refuse = &approval.NotAllowedError{Why: approval.Words("Only reviewers edit.")} })
	require.NoError(t, ben.Click(card, ids.ActionMore, "Edit the code"))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "Only reviewers edit.")
}

func TestSomebodyElseIsAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b)
	ben := b.as(slacksim.Reviewer)
	ask := func(form slackperson.Form) map[string]string {
		require.NoError(t, ben.Click(card, ids.ActionMore, "Ask somebody to look at it"))
		b.openedAs(ben, ids.CallbackAssign)
		refused, err := ben.Submit(form)
		require.NoError(t, err)
		return refused
	}
	b.service.change(func() {
		b.service.refuse = &approval.InputError{Why: approval.Words("This person cannot decide here.")}
	})
	require.Equal(t, map[string]string{ids.FieldPerson: "This person cannot decide here."}, ask(slackperson.Fill(ids.FieldPerson, slacksim.Guest)))
	require.NoError(t, ben.CloseView())
	b.service.change(func() { b.service.refuse = nil })
	ask(slackperson.Fill(ids.FieldPerson, slacksim.SecondReviewer))
	ask(slackperson.Fill(ids.FieldPerson, slacksim.Admin).And(ids.FieldWhat, draw.AskOpinion))
	got := b.service.wishes()
	require.Len(t, got, 2)
	require.Equal(t, []string{"assign", v.Request.ID, slacksim.SecondReviewer}, []string{got[0].what, got[0].id, got[0].who})
	require.Equal(t, []string{"opinion", slacksim.Admin, slacksim.Reviewer}, []string{got[1].what, got[1].who, got[1].click.User})
}

// Until it starts, an approval can be withdrawn from one's Home as well.
func TestAnApprovalCanBeWithdrawnFromHome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := sample.View(sample.In(approval.Approved))
	b.service.change(func() { b.service.views[v.Request.ID], b.service.given = v, []*approval.Request{v.Request} })
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.OpenHome())
	require.NoError(t, ben.ClickView(b.homeOf(ben, "Approved in your name, not started yet"), ids.ActionDisown))
	require.Eventually(t, func() bool { return len(b.service.wishes()) == 1 }, waitAtMost, tick)
	require.Equal(t, []any{"disown", v.Request.ID, 1}, []any{b.service.wishes()[0].what, b.service.wishes()[0].id, b.service.wishes()[0].revision})
	b.service.change(func() { b.service.given = nil })
	require.NoError(t, ben.OpenHome())
	require.Eventually(t, func() bool {
		view, ok := ben.Home()
		return ok && !strings.Contains(view.Words(), "Approved in your name")
	}, waitAtMost, tick)
}

// What a reviewer may want to look at is one press away, and decides nothing.
func TestColumnsAndRefusedDraftsAreOnePressAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b, sample.Refused, sample.Outside)
	require.Contains(t, card.Words(), "2 earlier drafts were refused")
	require.Contains(t, card.Words(), ", shared by ")
	require.Contains(t, card.Words(), " is a guest")
	require.Contains(t, card.Words(), "is shared with another organisation. Its people read the answer there, too.")
	ben := b.as(slacksim.Reviewer)
	see := func(press func() error, says string) {
		t.Helper()
		require.NoError(t, press())
		_, err := ben.WaitView(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), says) })
		require.NoError(t, err)
	}
	see(func() error { return ben.Click(card, ids.ActionColumns) }, ": number")
	see(func() error { return ben.Click(card, ids.ActionRefused) }, `1  sales = load("salse.csv")`)
	b.service.change(func() {
		b.service.past, v.Request.Revision.Manifest.Thread = sample.Past(), approval.Context{Whole: []string{"q7x2mkd"}, Summary: "h4kz82nq", Left: 1}
	})
	see(func() error { return ben.Click(card, ids.ActionSaw) }, "They asked for sales per month in sales.csv, then per week.")
	see(func() error { return ben.Click(card, ids.ActionSaw) }, "1 earlier question left out")
	require.Empty(t, b.service.wishes())

	b.service.change(func() { v.Request.Revision.Number = 3 })
	require.NoError(t, ben.Click(card, ids.ActionColumns))
	require.Eventually(t, func() bool {
		return slices.ContainsFunc(ben.Ephemerals(slacksim.CodeReview), func(m workspace.Message) bool { return strings.Contains(m.Words(), "This card is out of date") })
	}, waitAtMost, tick)
}

func TestDifferencesAreShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b, sample.Second("mistral-medium-2508"))
	require.Contains(t, card.Words(), "2 lines added, 1 removed since revision 1")
	require.Contains(t, card.Words(), "Round to cents, please.")
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, ids.ActionDiff))
	require.Contains(t, b.openedAs(ben, kit.CallbackNote).Words(), "+ 5  # whole months only")
	require.NoError(t, ben.Click(card, ids.ActionMore, "Compare with approved code"))
	_, err := ben.WaitView(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "No code approved in this channel") })
	require.NoError(t, err)
	b.service.change(func() {
		b.service.near = &steps.Near{Question: "The same?", Code: v.Former.Code, At: sample.Noon, Alike: 75}
	})
	require.NoError(t, ben.Click(card, ids.ActionMore, "Compare with approved code"))
	_, err = ben.WaitView(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "75% of the lines") })
	require.NoError(t, err)

	// A card of an older version shows nothing that could be taken for this one.
	b.service.change(func() { v.Request.Revision.Number = 3 })
	for _, stale := range [][]string{{ids.ActionDiff}, {ids.ActionMore, "Compare with approved code"}, {ids.ActionMore, "Edit the code"}} {
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
	v, _ := pending(b, sample.In(approval.Approved))
	n := &steps.NoticeView{Notice: approval.Notice{Key: "approved", Kind: approval.NoticeApproved, At: sample.Noon, RequestID: v.Request.ID,
		Data: kit.JSON(approval.ApprovedBy{Revision: 1, Reviewer: slacksim.Reviewer})}, View: v, Now: sample.Noon}
	post, err := b.bot.Tell(b.ctx, n, steps.NoticePost{Key: n.Key, Recipient: slacksim.Reviewer})
	require.NoError(t, err)
	ben := b.as(slacksim.Reviewer)
	said := b.read(slacksim.Reviewer, steps.Post{Channel: post.Channel, TS: post.TS})
	require.Contains(t, said.Words(), "Was this not you?")
	require.NoError(t, ben.Click(said, ids.ActionDisown))
	b.told(slacksim.Reviewer, post.Channel, "has been withdrawn")
	got := b.service.wishes()
	require.Equal(t, wanted{what: "disown", id: v.Request.ID, revision: 1, click: got[0].click}, got[0])

	// Too late: the words say so, and the notice loses its button when it is looked at again.
	b.service.change(func() {
		b.service.refuse = &approval.MoveError{Request: v.Request, Verb: "disown", Why: approval.Words("It has started already, and the administrators have been told.")}
	})
	require.NoError(t, ben.Click(said, ids.ActionDisown))
	b.told(slacksim.Reviewer, post.Channel, "It has started already")
	b.service.change(func() { sample.In(approval.Running)(v) })
	_, err = b.bot.Tell(b.ctx, n, post)
	require.NoError(t, err)
	require.NotContains(t, b.read(slacksim.Reviewer, steps.Post{Channel: post.Channel, TS: post.TS}).Actions(), ids.ActionDisown)
}

func TestNoticesThatCannotBeReadAreErrors(t *testing.T) {
	t.Parallel()
	b := idle(t)
	for kind := range notice.Notices {
		if kind == approval.NoticeFunded {
			continue // it says nothing but which request
		}
		_, err := b.bot.Tell(b.ctx, &steps.NoticeView{Notice: approval.Notice{Kind: kind, Data: []byte("{")}, View: sample.View()}, steps.NoticePost{Recipient: slacksim.Admin})
		require.ErrorContains(t, err, "read the notice", kind)
	}
	cb := slack.InteractionCallback{User: slack.User{ID: slacksim.Reviewer}}
	_, err := b.bot.deciding.clickDisown(b.ctx, cb, &slack.BlockAction{Value: "old"})
	require.ErrorContains(t, err, "older version")
}

func TestADecisionWithoutADatabaseIsNotAcked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := pending(b)
	ben := b.as(slacksim.Reviewer)
	for entry, callback := range map[string]string{"Edit the code": ids.CallbackEdit, "Ask somebody to look at it": ids.CallbackAssign} {
		b.service.before(nil)
		require.NoError(t, ben.Click(card, ids.ActionMore, entry))
		b.openedAs(ben, callback)
		b.service.before(func(context.Context) error { return context.DeadlineExceeded })
		form := slackperson.Form{}
		if callback == ids.CallbackAssign {
			form = slackperson.Fill(ids.FieldPerson, slacksim.SecondReviewer)
		}
		_, err := ben.Submit(form)
		require.Error(t, err, "Slack says that it failed")
	}
	require.Less(t, time.Duration(0), b.bot.workTime())
}
