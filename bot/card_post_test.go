package bot

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path"
	"slices"
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
	"countersign/bot/readback"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

func TestACardThatSlackGarbledCannotBeApproved(t *testing.T) {
	t.Parallel()
	b := idle(t, func(_ *slacksim.Options, o *Options) { o.HTTPClient = forge("import pandas", "import os") })
	v := sample.View()
	b.publish(v, steps.SurfaceRoot, steps.SurfaceCard)
	card := b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard])
	require.Equal(t, []string{ids.ActionReview, ids.ActionReject, ids.ActionChanges, ids.ActionSaw, ids.ActionColumns, ids.ActionMore}, card.Actions(), "approval is given where the code is compared again")
	require.Contains(t, card.Words(), "This card cannot be trusted. \nSlack has changed line 1 of the code. It should read: \nimport pandas as pd")
	require.Contains(t, card.Words(), "countersign decide "+v.Request.ID)
	require.Equal(t, draw.Flaw{Found: true, Line: 1}, cardShownOf(v.Posts[steps.SurfaceCard].Shown, 1).flaw)
	require.True(t, strings.HasSuffix(v.Posts[steps.SurfaceCard].Shown, draw.GarbledMark))
	require.Contains(t, b.log.String(), "Slack stored something else")

	// It stays so when it is drawn again, and nothing is sent in vain.
	had := v.Posts[steps.SurfaceCard]
	b.sim.Fail(fault.Method{Method: "*", Error: "fatal_error", Times: -1})
	b.publish(v, steps.SurfaceCard)
	require.Equal(t, had, v.Posts[steps.SurfaceCard])
}

func TestAGarbledCardThatCannotBeRewrittenIsAnError(t *testing.T) {
	t.Parallel()
	b := idle(t, func(_ *slacksim.Options, o *Options) { o.HTTPClient = forge("import pandas", "import os") })
	b.sim.Fail(fault.Method{Method: "chat.update", Error: "fatal_error"})
	v := sample.View()
	post, err := b.bot.Publish(b.ctx, v, steps.SurfaceCard)
	require.ErrorContains(t, err, "rewrite the card")
	require.Contains(t, b.read(slacksim.Reviewer, post).Actions(), ids.ActionApprove, "what stands there is not to be trusted")

	// Its buttons go as soon as it can be rewritten, and no second card appears.
	v.Posts[steps.SurfaceCard] = post
	again, err := b.bot.Publish(b.ctx, v, steps.SurfaceCard)
	require.NoError(t, err)
	require.Equal(t, post.TS, again.TS)
	require.NotContains(t, b.read(slacksim.Reviewer, again).Actions(), ids.ActionApprove)
}

// revised is the next version of what a view shows, with the messages that it has.
func revised(v *steps.View) *steps.View {
	next := sample.View(sample.Second("mistral-medium-2508"))
	next.Posts, next.Session = v.Posts, v.Session
	return next
}

func TestEveryVersionHasACardOfItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, former := pending(b)
	next := revised(v)
	b.service.change(func() { b.service.views[v.Request.ID] = next })
	b.publish(next, steps.SurfaceCard)
	card := b.read(slacksim.Reviewer, next.Posts[steps.SurfaceCard])
	require.NotEqual(t, former.TS, card.TS)
	require.Contains(t, card.Actions(), ids.ActionApprove)
	old := b.read(slacksim.Reviewer, steps.Post{Channel: former.Channel, TS: former.TS})
	require.Equal(t, []string{kit.ActionLink}, old.Actions())
	for _, words := range []string{"Superseded by revision 2", "Round to cents, please.", "Go to revision 2"} {
		require.Contains(t, old.Words(), words)
	}
	require.Contains(t, string(sample.MustJSON(old.Blocks)), "/p"+kit.Digits(card.TS))
	b.publish(next, steps.SurfaceCard)
	require.Equal(t, card.TS, next.Posts[steps.SurfaceCard].TS, "once")

	// A press on a card that could not be rewritten decides nothing, and has it give way.
	_, _, _, err := b.bot.api.UpdateMessageContext(b.ctx, former.Channel, former.TS, draw.Card(as(kit.Identity{}), v, false).Options()...)
	require.NoError(t, err)
	b.service.fail(&approval.StaleError{Request: next.Request})
	require.NoError(t, b.as(slacksim.Reviewer).Click(former, ids.ActionApprove))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "This card is out of date")
	_, err = b.as(slacksim.Reviewer).WaitChange(b.ctx, former, func(m workspace.Message) bool { return strings.Contains(m.Words(), "Superseded by revision 2") })
	require.NoError(t, err)
}

// The mark belongs to a version: what Slack did to one card says nothing of the next.
func TestTheNextVersionOfAGarbledCardCanBeApproved(t *testing.T) {
	t.Parallel()
	b := idle(t, func(_ *slacksim.Options, o *Options) {
		o.HTTPClient = forge(`[\"amount\"].sum()"`, `[\"amount\"].max()"`)
	})
	v := sample.View()
	b.publish(v, steps.SurfaceRoot, steps.SurfaceCard)
	require.True(t, strings.HasSuffix(v.Posts[steps.SurfaceCard].Shown, draw.GarbledMark))
	next := revised(v)
	b.publish(next, steps.SurfaceCard)
	require.False(t, strings.HasSuffix(next.Posts[steps.SurfaceCard].Shown, draw.GarbledMark))
	require.Contains(t, b.read(slacksim.Reviewer, next.Posts[steps.SurfaceCard]).Actions(), ids.ActionApprove)
	// And the next version's is garbled on its own.
	b = idle(t, func(_ *slacksim.Options, o *Options) { o.HTTPClient = forge("round(2)", "round(9)") })
	v = sample.View()
	b.publish(v, steps.SurfaceRoot, steps.SurfaceCard)
	require.Contains(t, b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard]).Actions(), ids.ActionApprove)
	next = revised(v)
	b.publish(next, steps.SurfaceCard)
	require.NotContains(t, b.read(slacksim.Reviewer, next.Posts[steps.SurfaceCard]).Actions(), ids.ActionApprove)
}

func TestACardGivesWayBeforeTheNextOneIsPosted(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot, steps.SurfaceCard)
	former := v.Posts[steps.SurfaceCard]
	next := revised(v)
	b.sim.Fail(fault.Method{Method: "chat.update", Error: "fatal_error"})
	post, err := b.bot.Publish(b.ctx, next, steps.SurfaceCard)
	require.ErrorContains(t, err, "take back the card of revision 1 of bcd23fg: fatal_error")
	require.Equal(t, former, post)
	b.sim.Fail(fault.Method{Method: "chat.postMessage", Error: "fatal_error"})
	_, err = b.bot.Publish(b.ctx, next, steps.SurfaceCard)
	require.ErrorContains(t, err, "post the card")
	require.Empty(t, b.read(slacksim.Reviewer, former).Actions())
	// One that somebody has deleted is in nobody's way.
	b.sim.Fail(fault.Method{Method: "chat.update", Error: "message_not_found", Times: 2})
	b.publish(next, steps.SurfaceCard)
	require.NotEqual(t, former.TS, next.Posts[steps.SurfaceCard].TS)
	require.Contains(t, b.log.String(), "lead from a former card")
}

func TestACardFromBeforeVersionsHadTheirOwnIsRewritten(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot, steps.SurfaceCard)
	had := v.Posts[steps.SurfaceCard]
	_, hash, _ := strings.Cut(had.Shown, ":")
	v.Posts[steps.SurfaceCard] = steps.Post{RequestID: had.RequestID, Surface: had.Surface, Channel: had.Channel, TS: had.TS, Shown: hash}
	b.publish(v, steps.SurfaceCard)
	require.Equal(t, had, v.Posts[steps.SurfaceCard])
}

func TestAStrayCardIsDecidedAndPutRight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, stray := pending(b)
	// The program died before it remembered the first card, and posted another.
	b.service.change(func() { delete(v.Posts, steps.SurfaceCard) })
	b.publish(v, steps.SurfaceCard)
	require.NotEqual(t, stray.TS, v.Posts[steps.SurfaceCard].TS)
	ben := b.as(slacksim.Reviewer)
	b.service.before(func(context.Context) error {
		b.service.change(func() {
			if len(v.Request.Decisions) == 0 {
				sample.In(approval.Approved)(v)
			}
		})
		return nil
	})
	require.NoError(t, ben.Click(stray, ids.ActionApprove))
	require.Len(t, b.service.decided(), 1)
	_, err := ben.WaitChange(b.ctx, stray, func(m workspace.Message) bool {
		return slices.Equal(m.Actions(), []string{ids.ActionDisown}) && strings.Contains(m.Text, "Approved by")
	})
	require.NoError(t, err)
	require.Equal(t, []string{ids.ActionApprove, ids.ActionReject, ids.ActionChanges, ids.ActionSaw, ids.ActionColumns, ids.ActionMore}, b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard]).Actions(), "the remembered card is its job's")
}

func TestAStrayCardLeadsToTheOneThatIsRemembered(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.service.views[v.Request.ID] = v
	b.publish(v, steps.SurfaceRoot, steps.SurfaceCard)
	stray := v.Posts[steps.SurfaceCard]
	click := approval.Click{Team: v.Request.Team, Channel: stray.Channel, MessageTS: stray.TS}
	b.service.change(func() { delete(v.Posts, steps.SurfaceCard) })
	b.bot.deciding.tidy(b.ctx, draw.SealOf(v.Request), click)
	require.Contains(t, b.read(slacksim.Reviewer, stray).Actions(), ids.ActionApprove, "as long as it is the only one")
	b.publish(v, steps.SurfaceCard)
	b.bot.deciding.tidy(b.ctx, draw.SealOf(v.Request), click)
	require.Equal(t, []string{kit.ActionLink}, b.read(slacksim.Reviewer, stray).Actions())
	require.Contains(t, b.read(slacksim.Reviewer, stray).Words(), "Duplicate card")
}

func TestAStrayCardThatCannotBePutRightIsLogged(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.service.views[v.Request.ID] = v
	b.bot.deciding.tidy(b.ctx, draw.Seal{Request: "nobody"}, approval.Click{MessageTS: "1.2"})
	require.Contains(t, b.log.String(), "look for stray cards")
	b.bot.deciding.tidy(b.ctx, draw.SealOf(v.Request), approval.Click{Team: v.Request.Team, Channel: slacksim.CodeReview, MessageTS: "1.2"})
	require.Contains(t, b.log.String(), "redraw a stray card")
}

// forgeCalls changes what Slack answers to some methods.
func forgeCalls(old, new string, methods ...string) *http.Client {
	return &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil || !slices.Contains(methods, path.Base(r.URL.Path)) {
			return resp, err
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		if err := resp.Body.Close(); err != nil {
			return nil, err
		}
		body = bytes.ReplaceAll(body, []byte(old), []byte(new))
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return resp, nil
	})}
}

// No card is without a way to decide: where it cannot be trusted, the modal is compared in its turn.
func TestWhatSlackHasChangedOnACardIsApprovedInItsModal(t *testing.T) {
	t.Parallel()
	for what, changed := range map[string]struct{ old, new, said string }{
		"code":       {"sales.groupby", "sales.groupBy", "Slack has changed line 4 of the code. It should read: \nsales.groupby(\"month\")[\"amount\"].sum()"},
		"blank":      {"\\n2  \\n", "\\n2 \\n", "Slack has changed line 2 of the code, which should be empty."},
		"more code":  {".sum()", ".sum()\\n5  import os", "Slack has added to the code."},
		"other text": {"Low risk", "No risk", "Slack has changed part of its text."},
	} {
		b := setup(t, func(_ *slacksim.Options, o *Options) {
			o.HTTPClient = forgeCalls(changed.old, changed.new, "chat.postMessage")
		})
		v, card := pending(b)
		require.NotContains(t, card.Actions(), ids.ActionApprove, what)
		require.Contains(t, card.Words(), changed.said, what)
		require.Contains(t, card.Words(), "countersign decide "+v.Request.ID, what)
		ben := b.as(slacksim.Reviewer)
		require.NoError(t, ben.Click(card, ids.ActionReview))
		b.openedAs(ben, ids.CallbackReview)
		_, err := ben.Submit(slackperson.Form{})
		require.NoError(t, err)
		require.Len(t, b.service.decided(), 1, what)
	}
}

func TestAModalThatSlackHasChangedNamesTheLineAndTheOtherWay(t *testing.T) {
	t.Parallel()
	for what, forged := range map[string][2]string{"code": {"print(7)", "print(8)"}, "metadata": {`\"channel\"`, `\"chanel\"`}, "button": {"Approve", "Reject"}} {
		b := setup(t, func(_ *slacksim.Options, o *Options) { o.HTTPClient = forgeCalls(forged[0], forged[1], "views.open") })
		v, card := pending(b, sample.Code(sample.Long(412)))
		ben := b.as(slacksim.Reviewer)
		require.NoError(t, ben.Click(card, ids.ActionReview))
		note := b.openedAs(ben, kit.CallbackNote)
		require.Nil(t, note.Submit, what)
		require.Contains(t, note.Words(), "countersign decide "+v.Request.ID, what)
		require.Equal(t, what == "code", strings.Contains(note.Words(), "line 8 of the code is not the same"), what)
	}
}

func TestACardThatIsSpoiltWhileItIsRewrittenLosesApprove(t *testing.T) {
	t.Parallel()
	b := idle(t, func(_ *slacksim.Options, o *Options) { o.HTTPClient = forgeCalls("Low risk", "No risk", "chat.update") })
	v := sample.View()
	b.publish(v, steps.SurfaceRoot, steps.SurfaceCard)
	require.Contains(t, b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard]).Actions(), ids.ActionApprove)
	v.Request.Assignee = slacksim.Reviewer
	b.publish(v, steps.SurfaceCard)
	card := b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard])
	require.Equal(t, []string{ids.ActionReview, ids.ActionReject, ids.ActionChanges, ids.ActionSaw, ids.ActionColumns, ids.ActionMore}, card.Actions())
}

// A card of which Slack says nothing is no card that shows the code.
func TestACardOfWhichSlackSaysNothingCannotBeApproved(t *testing.T) {
	t.Parallel()
	b := idle(t, func(_ *slacksim.Options, o *Options) {
		o.HTTPClient = forgeCalls(`"blocks"`, `"bricks"`, "chat.postMessage")
	})
	v := sample.View()
	b.publish(v, steps.SurfaceRoot, steps.SurfaceCard)
	require.NotContains(t, b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard]).Actions(), ids.ActionApprove)
}

func TestAPressOnAChangedCardLeadsToAWayToDecide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := pending(b)
	ben := b.as(slacksim.Reviewer)
	b.service.change(func() { v.Request.Revision.Code = strings.Replace(sample.SampleCode, "amount", "price", 1) })
	require.NoError(t, ben.Click(card, ids.ActionApprove))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "line 4 of the code is not the same")
	again, err := ben.WaitChange(b.ctx, card, func(m workspace.Message) bool { return m.Has(ids.ActionReview) })
	require.NoError(t, err)
	require.False(t, again.Has(ids.ActionApprove))
	require.Contains(t, again.Words(), `It should read: `+"\n"+`sales.groupby("month")["price"].sum()`)
	require.Empty(t, b.service.decided())
	require.NoError(t, ben.Click(again, ids.ActionReview))
	b.openedAs(ben, ids.CallbackReview)
	_, err = ben.Submit(slackperson.Form{})
	require.NoError(t, err)
	require.Len(t, b.service.decided(), 1)
}

// What stands on a card when it is pressed is what was sent, all of it, or nothing is decided.
func TestAPressIsHeldAgainstAllThatTheCardSaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := pending(b)
	value := approveOf(readback.TreeFrom(card.Blocks))
	press := func(value, old, new string) error {
		held := strings.ReplaceAll(string(sample.MustJSON(card.Blocks)), old, new)
		cb := slack.InteractionCallback{Type: slack.InteractionTypeBlockActions, User: slack.User{ID: slacksim.Reviewer}}
		ctx := readback.Carrying(b.ctx, []byte(`{"message":{"blocks":`+held+`}}`))
		_, err := b.bot.deciding.clickApprove(ctx, cb, &slack.BlockAction{ActionID: ids.ActionApprove, Value: value})
		return err
	}
	for _, bad := range [][2]string{{"Low risk", "No risk"}, {"$7.88", "$7.89"}, {"sales.csv", "other.csv"}, {`"Approve"`, `"Reject"`}, {"rich_text_quote", "rich_text_section"}} {
		require.NoError(t, press(value, bad[0], bad[1]))
		require.Empty(t, b.service.decided(), bad[1])
	}
	seal, _ := readback.CutMark(value)
	require.NoError(t, press(seal, "", ""))
	require.Empty(t, b.service.decided(), "without a mark")
	b.service.fail(&approval.NotAllowedError{Why: approval.Words("You have left.")})
	require.ErrorContains(t, press(value, "Low risk", "No risk"), "You have left.")
	b.service.fail(nil)
	require.Empty(t, b.service.decided())
	require.NoError(t, press(value, "\x00", ""))
	require.Len(t, b.service.decided(), 1)
}
