package bot

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// pending puts a card before the reviewers.
func pending(b *bundle, change ...func(v *steps.View)) (*steps.View, workspace.Message) {
	b.t.Helper()
	v := sample.View(change...)
	b.service.views[v.Request.ID] = v
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress, steps.SurfaceCard)
	return v, b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard])
}

func TestARefusedClickGetsATruthfulPrivateAnswer(t *testing.T) {
	t.Parallel()
	approved := sample.View(sample.In(approval.Approved)).Request
	tests := []struct {
		name string
		err  error
		says string
	}{
		{"not a reviewer", &approval.NotAllowedError{Why: approval.Because(approval.WhyReviewersOnly)}, "Only the people who are named as reviewers"},
		{"twice", &approval.MoveError{Request: approved, Verb: "approve"}, "This is already approved."},
		{"stale", &approval.StaleError{Request: approved}, "This card is out of date"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			_, card := pending(b)
			b.service.fail(tt.err)
			for _, action := range []string{ids.ActionApprove, ids.ActionReject} {
				before := len(b.as(slacksim.Reviewer).Ephemerals(slacksim.CodeReview))
				require.NoError(t, b.as(slacksim.Reviewer).Click(card, action))
				told := b.told(slacksim.Reviewer, slacksim.CodeReview, tt.says)
				require.NotEmpty(t, told.Text)
				require.Eventually(t, func() bool { return len(b.as(slacksim.Reviewer).Ephemerals(slacksim.CodeReview)) == before+1 }, waitAtMost, tick)
			}
			_, open := b.as(slacksim.Reviewer).View()
			require.False(t, open, "nobody writes a reason in vain")
			require.Empty(t, b.service.decided())
		})
	}
}

// Where it takes two, the first approval puts "This was not me" on the card. Whoever gives the
// second one presses Approve beside it, and what they pressed is what was sent.
func TestTheSecondApprovalIsGivenOnTheCardLikeTheFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := pending(b, func(v *steps.View) {
		v.Terms.Approvals = 2
		v.Request.Decisions = []approval.Decision{{RequestID: v.Request.ID, Revision: v.Request.Revision.Number, Digest: v.Request.Revision.Digest,
			Reviewer: slacksim.SecondReviewer, Verdict: approval.Approve, At: sample.Noon}}
	})
	require.Contains(t, card.Actions(), ids.ActionDisown)
	require.NoError(t, b.as(slacksim.Reviewer).Click(card, ids.ActionApprove))
	require.Len(t, b.service.decided(), 1)
	require.NotContains(t, b.log.String(), "does not say what was sent")
}

func TestAPrivateAnswerThatCannotBeShownGoesByDirectMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := pending(b)
	b.service.fail(&approval.NotAllowedError{Why: approval.Because(approval.WhyGuest)})
	b.sim.Fail(fault.Method{Method: "chat.postEphemeral", Error: "user_not_in_channel"})
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, ids.ActionApprove))
	_, err := ben.WaitMessage(b.ctx, ben.DM(), func(m workspace.Message) bool { return strings.Contains(m.Text, "Guests cannot decide.") })
	require.NoError(t, err)
	b.sim.Fail(fault.Method{Method: "chat.postEphemeral", Error: "user_not_in_channel"})
	b.sim.Fail(fault.Method{Method: "chat.postMessage", Error: "account_inactive"})
	require.NoError(t, ben.Click(card, ids.ActionApprove))
	require.Eventually(t, func() bool { return strings.Contains(b.log.String(), "a private word did not arrive") }, waitAtMost, tick)
}

func TestAClickThatCannotBeCommittedIsNotAcked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := pending(b)
	b.service.fail(errors.New("the database is away"))
	for _, action := range []string{ids.ActionApprove, ids.ActionReject} {
		var unanswered *slackperson.Unanswered
		require.ErrorAs(t, b.as(slacksim.Reviewer).Click(card, action), &unanswered)
	}
	require.Equal(t, 2, b.sim.Counts().Unacked)
}

func TestAReasonIsRequired(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := pending(b)
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, ids.ActionReject))
	b.service.fail(&approval.InputError{Why: approval.Because(approval.WhyNoReason)})
	wrong, err := ben.Submit(slackperson.Fill(ids.FieldReason, "   "))
	require.NoError(t, err)
	require.Equal(t, map[string]string{ids.FieldReason: "Please say why. The asker will read it."}, wrong)
	b.service.fail(&approval.MoveError{Request: sample.View(sample.In(approval.Expired)).Request, Verb: "reject"})
	_, err = ben.Submit(slackperson.Fill(ids.FieldReason, "Too late"))
	require.NoError(t, err)
	note, err := ben.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == kit.CallbackNote })
	require.NoError(t, err)
	require.Contains(t, note.Words(), "nobody decided")
}

func TestASubmissionThatCannotBeCommittedStaysOpen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := pending(b)
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, ids.ActionReject))
	b.service.fail(errors.New("the database is away"))
	_, err := ben.Submit(slackperson.Fill(ids.FieldReason, "No"))
	require.Error(t, err)
	b.service.fail(nil)
	_, err = ben.Submit(slackperson.Fill(ids.FieldReason, "No"))
	require.NoError(t, err)
	require.Len(t, b.service.decided(), 1)
	require.True(t, strings.HasPrefix(b.service.decided()[0].Click.ActionTS, "V"), "the modal's id tells a repetition")
}

func TestALongProgramIsReviewedInAModal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	code := sample.Long(412)
	v, card := pending(b, sample.Code(code))
	require.Equal(t, []string{ids.ActionReview, ids.ActionReject, ids.ActionChanges, ids.ActionSaw, ids.ActionColumns, ids.ActionMore}, card.Actions())
	require.Contains(t, card.Words(), "Review code (412 lines)")
	require.NotContains(t, card.Words(), "print(0)")
	ben := b.as(slacksim.Reviewer)

	require.NoError(t, ben.Click(card, ids.ActionReview))
	modal, err := ben.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == ids.CallbackReview })
	require.NoError(t, err)
	require.Contains(t, modal.Words(), "412  print(411)")
	require.Eventually(t, func() bool { return len(b.service.wishes()) == 1 }, waitAtMost, tick)
	opened := b.service.wishes()[0]
	require.Equal(t, []any{"opened", v.Request.ID, 1, slacksim.Reviewer}, []any{opened.what, opened.id, opened.revision, opened.click.User})
	require.Contains(t, modal.Words(), "Part 1 of ")
	require.NoError(t, ben.ClickView(modal, ids.ActionReject))
	_, err = ben.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == ids.CallbackReason && v.Depth == 2 })
	require.NoError(t, err)
	require.NoError(t, ben.CloseView())
	_, err = ben.Submit(slackperson.Form{})
	require.NoError(t, err)
	require.NoError(t, ben.WaitNoView(b.ctx))
	rulings := b.service.decided()
	require.Len(t, rulings, 1)
	require.Equal(t, approval.Approve, rulings[0].Verdict)
	require.Equal(t, v.Request.Revision.Digest, rulings[0].Digest)
	require.Equal(t, card.TS, rulings[0].Click.MessageTS)

	require.NoError(t, ben.Click(card, ids.ActionReview))
	require.NoError(t, ben.ClickView(modalOf(b, ben), ids.ActionReject))
	_, err = ben.Submit(slackperson.Fill(ids.FieldReason, "Too long"))
	require.NoError(t, err)
	require.NoError(t, ben.WaitNoView(b.ctx))
	require.Equal(t, approval.Reject, b.service.decided()[1].Verdict)
	require.Equal(t, card.TS, b.service.decided()[1].Click.MessageTS, "the card that the modal came from")
}

func modalOf(b *bundle, p *slackperson.Person) workspace.View {
	b.t.Helper()
	v, err := p.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == ids.CallbackReview })
	require.NoError(b.t, err)
	return v
}

func TestAProgramThatFitsNowhereCanOnlyBeRejected(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b, sample.Code(strings.Repeat("x\n", 20_000)))
	require.Equal(t, []string{ids.ActionReject, ids.ActionChanges, ids.ActionSaw, ids.ActionColumns, ids.ActionMore}, card.Actions())
	require.Contains(t, card.Words(), "cannot be approved")
	// A button of an earlier card leads nowhere either.
	cb := slack.InteractionCallback{Type: slack.InteractionTypeBlockActions, User: slack.User{ID: slacksim.Reviewer}, Container: slack.Container{ChannelID: slacksim.CodeReview}}
	cb.ActionCallback.BlockActions = []*slack.BlockAction{{ActionID: ids.ActionReview, Value: draw.SealOf(v.Request).String()}}
	told, err := b.bot.interact(b.ctx, cb)
	require.NoError(t, err)
	told.after(b.ctx)
	b.told(slacksim.Reviewer, slacksim.CodeReview, "too long to be shown here")
}

func TestAReviewThatCannotBeOpenedSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := pending(b, sample.Code(sample.Long(412)))
	ben := b.as(slacksim.Reviewer)
	b.service.fail(&approval.NotAllowedError{Why: approval.Because(approval.WhyGuest)})
	require.NoError(t, ben.Click(card, ids.ActionReview))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "Guests cannot decide.")
	b.service.fail(nil)
	b.sim.Fail(fault.Method{Method: "views.open", Error: "expired_trigger_id", Times: 1})
	require.NoError(t, ben.Click(card, ids.ActionReview))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "Please try again.")
}

func TestARepeatedDeliveryOpensNothingTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := pending(b, sample.Code(sample.Long(412)))
	ben := b.as(slacksim.Reviewer)
	b.sim.Duplicate(1)
	require.NoError(t, ben.Click(card, ids.ActionReview))
	modal := modalOf(b, ben)
	b.sim.Duplicate(1)
	require.NoError(t, ben.ClickView(modal, ids.ActionReject))
	_, err := ben.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == ids.CallbackReason && v.Depth == 2 })
	require.NoError(t, err)
	b.stop()
	require.Empty(t, ben.Ephemerals(slacksim.CodeReview))
	for line := range strings.Lines(b.log.String()) {
		// The copy of the last press may come while the sockets hang up. Nobody waits for its ack: the first has been answered.
		if !strings.Contains(line, "it came while the socket hung up") {
			require.NotContains(t, line, "not answered")
		}
	}
}

func TestTheAskerCancelsFromTheThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, _ := pending(b)
	progress := b.read(slacksim.Analyst, v.Posts[steps.SurfaceProgress])
	require.NoError(t, b.as(slacksim.Analyst).Click(progress, ids.ActionCancel))
	require.Len(t, b.service.taken, 1)
	require.Equal(t, slacksim.Analyst, b.service.taken[0].User)
	b.service.fail(&approval.NotAllowedError{Why: approval.Because(approval.WhyAskerWithdraws)})
	require.NoError(t, b.as(slacksim.OtherAnalyst).Click(progress, ids.ActionCancel))
	told := b.told(slacksim.OtherAnalyst, slacksim.SalesData, "Only the person who asked")
	require.Equal(t, v.Session.ThreadTS, told.ThreadTS, "beside the button")
}

func TestTheMenuGivesTheCodeAsAFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b)
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(card, ids.ActionMore, "Full code as a file"))
	reply, err := ben.WaitReply(b.ctx, slacksim.CodeReview, card.TS, func(m workspace.Message) bool { return len(m.Files) == 1 })
	require.NoError(t, err)
	require.Equal(t, "bcd23fg-revision-1.py", reply.Files[0].Name)
	got, err := ben.Download(reply.Files[0].ID)
	require.NoError(t, err)
	require.Equal(t, v.Request.Revision.Code, string(got))

	require.NoError(t, ben.Click(card, ids.ActionMore, "View in thread"), "Slack follows the link by itself")
	b.service.change(func() { v.Request.Team = "T0OTHER" })
	require.NoError(t, ben.Click(card, ids.ActionMore, "Full code as a file"))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "There is no such request here.")
	b.service.change(func() { v.Request.Team = slacksim.DefaultTeam.ID })
	b.sim.Fail(fault.Method{Method: "files.completeUploadExternal", Error: "fatal_error"})
	require.NoError(t, ben.Click(card, ids.ActionMore, "Full code as a file"))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "Something went wrong on our side.")
}

func TestASealSurvivesTheWayThroughSlack(t *testing.T) {
	t.Parallel()
	s := draw.SealOf(sample.View().Request)
	got, err := draw.ParseSeal(s.String())
	require.NoError(t, err)
	require.Equal(t, s, got)
	require.Less(t, len(s.String()), 150)
}

func FuzzSealsThatAreNotOursAreRefused(f *testing.F) {
	ok := draw.SealOf(sample.View().Request).String()
	for _, seed := range []string{ok, "", "a/b/c", "/1/" + strings.Repeat("a", 64), "x/01/" + strings.Repeat("a", 64), "x/-1/" + strings.Repeat("a", 64), ok + "/", strings.ToUpper(ok)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		s, err := draw.ParseSeal(value)
		if err != nil {
			_, foreseen := draw.Known(err)
			require.True(t, foreseen)
			return
		}
		require.Equal(t, value, s.String(), "one seal has one spelling")
	})
}

func TestButtonsOfAnOlderVersionAreExplained(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cb := slack.InteractionCallback{Type: slack.InteractionTypeBlockActions, User: slack.User{ID: slacksim.Reviewer}, Container: slack.Container{ChannelID: slacksim.CodeReview}}
	for _, press := range []string{ids.ActionApprove, ids.ActionReject, ids.ActionReview} {
		cb.ActionCallback.BlockActions = []*slack.BlockAction{{ActionID: press, Value: "old"}}
		a, err := b.bot.interact(b.ctx, cb)
		require.NoError(t, err)
		a.after(b.ctx)
	}
	b.told(slacksim.Reviewer, slacksim.CodeReview, "an older version of this app")
	cb.ActionCallback.BlockActions = []*slack.BlockAction{{ActionID: "gone"}}
	a, err := b.bot.interact(b.ctx, cb)
	require.NoError(t, err, "acked: nothing is to be done")
	require.Nil(t, a.after)
}

func TestAnUnknownCommandIsAnswered(t *testing.T) {
	t.Parallel()
	b := idle(t)
	a, err := b.bot.handle(b.ctx, delivery{Event: eventOf(slack.SlashCommand{Command: "/analyse", TeamID: slacksim.DefaultTeam.ID})})
	require.NoError(t, err)
	require.Contains(t, a.page.Text(), "does not know /analyse")
}

func TestOtherWorkspacesAskAndDecideNothing(t *testing.T) {
	t.Parallel()
	b := idle(t)
	a, err := b.bot.handle(b.ctx, delivery{Event: eventOf(slack.SlashCommand{Command: "/analyze", Text: "What is what?", TeamID: "T0OTHER"})})
	require.NoError(t, err)
	require.Contains(t, a.page.Text(), "the workspace it is installed in")
	click := slack.InteractionCallback{Type: slack.InteractionTypeBlockActions}
	click.Team.ID = "T0OTHER"
	click.ActionCallback.BlockActions = []*slack.BlockAction{{ActionID: ids.ActionApprove, Value: "{}"}}
	a, err = b.bot.handle(b.ctx, delivery{Event: eventOf(click)})
	require.NoError(t, err)
	require.Equal(t, answer{}, a)
	require.Empty(t, b.service.questions())
	require.Empty(t, b.service.decided())
}

// Who sees a card in a channel that is shared with another workspace is told why
// nothing happens, and what they pressed is on record.
func TestSomebodyOfAnotherWorkspaceIsAnsweredAndKept(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	said := make(chan string, 1)
	url := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		said <- string(body)
	}))
	t.Cleanup(url.Close)
	value := draw.SealOf(v.Request).String()
	press := slack.InteractionCallback{Type: slack.InteractionTypeBlockActions, ResponseURL: url.URL, User: slack.User{ID: "U0OTHER"}, Team: slack.Team{ID: "T0OTHER"}}
	press.ActionCallback.BlockActions = []*slack.BlockAction{{ActionID: ids.ActionApprove, Value: value, ActionTs: "1.2"}}
	a, err := b.bot.handle(b.ctx, delivery{Event: eventOf(press)})
	require.NoError(t, err)
	a.after(b.ctx)
	require.Contains(t, <-said, strangers)
	send := slack.InteractionCallback{Type: slack.InteractionTypeViewSubmission, User: press.User, Team: press.Team,
		View: slack.View{CallbackID: ids.CallbackReview, PrivateMetadata: draw.Origin{Seal: value}.String()}}
	a, err = b.bot.handle(b.ctx, delivery{Event: eventOf(send)})
	require.NoError(t, err)
	require.Contains(t, string(sample.MustJSON(a.payload)), strangers)
	a.after(b.ctx)
	// In a channel that is shared by Slack Connect a press may come as one in our workspace: the person tells, whom Slack
	// calls no stranger there.
	b.sim.Change(slacksim.OtherAnalyst, func(u *workspace.User) { u.Team = "T0OTHER" })
	press.User, press.Team.ID = slack.User{ID: slacksim.OtherAnalyst, TeamID: "T0OTHER"}, slacksim.DefaultTeam.ID
	a, err = b.bot.handle(b.ctx, delivery{Event: eventOf(press)})
	require.NoError(t, err)
	a.after(b.ctx)
	require.Contains(t, <-said, strangers)
	kept := b.service.wishes()
	require.Len(t, kept, 3)
	require.Equal(t, []string{slacksim.OtherAnalyst, "T0OTHER"}, []string{kept[2].click.User, kept[2].click.Team})
	kept = kept[:2]
	for _, k := range kept {
		require.Equal(t, []string{"stranger", v.Request.ID, "U0OTHER", "T0OTHER"}, []string{k.what, k.id, k.click.User, k.click.Team})
	}
	require.Empty(t, b.service.decided())
}
