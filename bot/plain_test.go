package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/notice"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
)

// refuses has Slack refuse the card that holds code, or more.
func (b *bundle) refuses(code string, only fault.Only) {
	only.Channel = slacksim.CodeReview
	b.sim.Fail(fault.Method{Method: "chat.postMessage", Only: only, Error: code, Times: -1})
}

// refusedTwice is what the row says by now.
func refusedTwice(v *steps.View, why steps.Hindrance, code string) {
	v.Unseen = map[steps.Surface]steps.Unseen{steps.SurfaceCard: {Surface: steps.SurfaceCard, Channel: slacksim.CodeReview, Why: why, Code: code, Times: 2, First: sample.Noon, Last: sample.Noon.Add(time.Second)}}
}

func TestThePlainerCardLeadsToTheCodeAndHasNoApprove(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot)
	b.refuses("invalid_blocks", fault.Only{Holds: "rich_text"})
	_, err := b.bot.Publish(b.ctx, v, steps.SurfaceCard)
	var no *steps.PostError
	require.ErrorAs(t, err, &no)
	require.Equal(t, steps.PostError{Channel: slacksim.CodeReview, Why: steps.Malformed, Code: "invalid_blocks", Err: no.Err}, *no)
	refusedTwice(v, steps.Malformed, "invalid_blocks")
	b.publish(v, steps.SurfacePlain)
	plain := v.Posts[steps.SurfacePlain]
	card := b.read(slacksim.Reviewer, plain)
	require.Equal(t, []string{ids.ActionReview, ids.ActionReject, ids.ActionChanges}, card.Actions())
	thread := b.as(slacksim.Reviewer).Thread(plain.Channel, plain.TS)
	require.Len(t, thread, 2)
	code, err := b.as(slacksim.Reviewer).Download(thread[1].Files[0].ID)
	require.NoError(t, err)
	require.Equal(t, sample.SampleCode, string(code))
	b.publish(v, steps.SurfacePlain)
	require.Equal(t, plain, v.Posts[steps.SurfacePlain])
	require.Len(t, b.as(slacksim.Reviewer).Thread(plain.Channel, plain.TS), 2, "the file comes once")

	// The next version takes its place, with a file of its own.
	next := revised(v)
	refusedTwice(next, steps.Malformed, "invalid_blocks")
	b.publish(next, steps.SurfacePlain)
	require.Equal(t, plain.TS, next.Posts[steps.SurfacePlain].TS)
	require.Len(t, b.as(slacksim.Reviewer).Thread(plain.Channel, plain.TS), 3)
	require.Contains(t, b.read(slacksim.Reviewer, plain).Text, "revision 2")

	// Where its file is refused for a moment, that is made good.
	b.sim.Mend("chat.postMessage")
	b.publish(next, steps.SurfaceCard)
	next.Unseen = nil
	b.publish(next, steps.SurfacePlain)
	given := b.read(slacksim.Reviewer, plain)
	require.Equal(t, []string{kit.ActionLink}, given.Actions())
	require.Contains(t, given.Words(), "The full card is here now.")
	require.Contains(t, b.read(slacksim.Reviewer, next.Posts[steps.SurfaceCard]).Actions(), ids.ActionApprove)
}

func TestThePlainerCardGoesDownToTextAlone(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	refusedTwice(v, steps.TooLong, "msg_too_long")
	b.refuses("msg_too_long", fault.Only{Kind: fault.WithBlocks})
	b.sim.Fail(fault.Method{Method: "files.getUploadURLExternal", Error: "internal_error"})
	b.publish(v, steps.SurfacePlain)
	post := v.Posts[steps.SurfacePlain]
	said := b.read(slacksim.Reviewer, post)
	require.Empty(t, said.Blocks)
	require.Contains(t, said.Text, "To review it, open my Home")
	require.Contains(t, b.log.String(), "the code is not in the thread of its card yet")
	b.publish(v, steps.SurfacePlain)
	require.Equal(t, post.TS, v.Posts[steps.SurfacePlain].TS)
	require.Len(t, b.as(slacksim.Reviewer).Thread(post.Channel, post.TS), 2, "the file that did not get through is made good")

	sample.In(approval.Rejected, approval.Words("No."))(v)
	b.publish(v, steps.SurfacePlain)
	require.Contains(t, b.read(slacksim.Reviewer, post).Text, "Rejected by <@"+slacksim.Reviewer+">")
	require.Empty(t, b.read(slacksim.Reviewer, post).Actions())
}

// What was approved in somebody's name can be withdrawn, whatever card Slack takes.
func TestAPlainerCardLetsAnApprovalBeWithdrawn(t *testing.T) {
	t.Parallel()
	pages := draw.PlainCards(sample.View(sample.In(approval.Approved)))
	require.Contains(t, string(kit.JSON(pages[0].Blocks)), ids.ActionDisown)
	pages = draw.PlainCards(sample.View(sample.In(approval.Running)))
	require.NotContains(t, string(kit.JSON(pages[0].Blocks)), ids.ActionDisown)
}

func TestThePlainerCardSaysWhereItIsDecided(t *testing.T) {
	t.Parallel()
	v := sample.View(func(v *steps.View) { v.Terms.Slack = false })
	refusedTwice(v, steps.Malformed, "invalid_blocks")
	pages := draw.PlainCards(v)
	require.Contains(t, pages[0].Text(), "countersign decide bcd23fg")
	require.NotContains(t, string(sample.MustJSON(pages[0].Blocks)), "actions")
	long := sample.View(sample.Code(strings.Repeat("x = 1\n", 10_000)))
	refusedTwice(long, steps.Malformed, "invalid_blocks")
	text := string(sample.MustJSON(draw.PlainCards(long)[0].Blocks))
	require.Contains(t, text, "too long to show in Slack")
	require.NotContains(t, text, ids.ActionReview)
	danger := sample.View(func(v *steps.View) {
		v.Request.Revision.Findings = []approval.Finding{{Level: approval.Danger, Line: 1, Text: "starts a program"}}
	})
	require.Contains(t, draw.PlainCards(danger)[0].Text(), "The inspection found 1 danger.")
}

func TestAPlainerCardIsNotNeededWhereTheCardStands(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceCard)
	refusedTwice(v, steps.Malformed, "invalid_blocks") // of its rewriting
	post, err := b.bot.Publish(b.ctx, v, steps.SurfacePlain)
	require.NoError(t, err)
	require.Empty(t, post.TS)
}

func TestAMessageWhoseFormIsRefusedStandsAsText(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View(sample.With(approval.Result{Outcome: approval.OK, Value: "42"}))
	b.sim.Fail(fault.Method{Method: "chat.postMessage", Only: fault.Only{Kind: fault.WithBlocks}, Error: "invalid_blocks", Times: -1})
	for _, kind := range []steps.Surface{steps.SurfaceRoot, steps.SurfaceProgress, steps.SurfaceReply} {
		post, err := b.bot.Publish(b.ctx, v, kind)
		var no *steps.PostError
		require.ErrorAs(t, err, &no, kind)
		require.True(t, no.Stands)
		require.NotEmpty(t, post.TS)
		v.Posts[kind] = post
		require.Empty(t, b.read(slacksim.Analyst, post).Blocks)
	}
	require.Contains(t, b.read(slacksim.Analyst, v.Posts[steps.SurfaceReply]).Text, "42")

	// It becomes whole in the same place.
	b.sim.Heal()
	had := v.Posts[steps.SurfaceReply]
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress, steps.SurfaceReply)
	require.Equal(t, had.TS, v.Posts[steps.SurfaceReply].TS)
	require.NotEmpty(t, b.read(slacksim.Analyst, v.Posts[steps.SurfaceReply]).Blocks)
}

func TestACodeThatSlackDoesNotOpenIsDecidedElsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, _ := pending(b)
	b.refuses("invalid_blocks", fault.Only{Holds: "rich_text"})
	b.service.change(func() { refusedTwice(v, steps.Malformed, "invalid_blocks"); delete(v.Posts, steps.SurfaceCard) })
	b.publish(v, steps.SurfacePlain)
	b.sim.Fail(fault.Method{Method: "views.open", Error: "invalid_arguments"})
	ben := b.as(slacksim.Reviewer)
	plain := b.read(slacksim.Reviewer, v.Posts[steps.SurfacePlain])
	require.NoError(t, ben.Click(plain, ids.ActionReview))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "It can be decided on the command line: countersign decide bcd23fg")
	require.Contains(t, b.log.String(), "Slack refuses a modal")

	// What is pressed on the plainer card leaves it: a job keeps it up.
	b.service.fail(&approval.StaleError{Request: v.Request})
	require.NoError(t, ben.Click(plain, ids.ActionReview))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "This card is out of date")
	require.Equal(t, plain.Words(), b.read(slacksim.Reviewer, v.Posts[steps.SurfacePlain]).Words())
}

func TestTheNoticesSayWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	b := idle(t)
	_, err := b.bot.who(b.ctx)
	require.NoError(t, err)
	for why, says := range map[steps.Hindrance]string{
		steps.Outside: "/invite @", steps.Archived: "change that in the channel's settings", steps.Forbidden: "do not let me post there",
		steps.Malformed: "the reviewers open the code from there", steps.TooLong: "too long (code)", steps.NoKey: "Enterprise Key Management", steps.Other: "saying only code",
	} {
		p, err := notice.NoPlaceNotice(b.bot.with(), &steps.NoticeView{Notice: approval.Notice{Data: sample.MustJSON(steps.NoPlace{Channel: slacksim.CodeReview, Why: why, Code: "code", Cards: true, Example: "bcd23fg"})}}, slacksim.Admin)
		require.NoError(t, err)
		require.Contains(t, p.Text(), says, why)
		require.Equal(t, why == steps.Outside, strings.Contains(p.Text(), "/invite"), why)
	}
	p, err := notice.NoPlaceNotice(b.bot.with(), &steps.NoticeView{Notice: approval.Notice{Data: sample.MustJSON(steps.NoPlace{Channel: slacksim.SalesData, Why: steps.Other, Code: "code", Example: "bcd23fg"})}}, slacksim.Admin)
	require.NoError(t, err)
	require.Contains(t, p.Text(), "the asker gets a direct message")
	require.Contains(t, p.Text(), "bcd23fg")
	_, err = notice.NoPlaceNotice(b.bot.with(), &steps.NoticeView{Notice: approval.Notice{Data: []byte("no")}}, slacksim.Admin)
	require.Error(t, err)

	// To the asker: what their thread cannot say, and that it can again.
	v := sample.View()
	channel := slacksim.SalesData
	unsaid := func() string {
		p, err := notice.UnsaidNotice(b.bot.with(), &steps.NoticeView{Notice: approval.Notice{Data: sample.MustJSON(steps.Unsaid{Channel: channel})}, View: v}, slacksim.Analyst)
		require.NoError(t, err)
		return p.Text()
	}
	b.publish(v, steps.SurfaceRoot)
	v.Unseen = map[steps.Surface]steps.Unseen{steps.SurfaceProgress: {Why: steps.Archived, Code: "is_archived", Times: 1, First: sample.Noon, Last: sample.Noon}}
	require.Contains(t, unsaid(), "I cannot answer you in <#"+slacksim.SalesData+">: the channel is archived")
	require.Contains(t, unsaid(), "Waiting for a reviewer")
	sample.With(approval.Result{Outcome: approval.OK, Value: "42"}, approval.Artifact{Name: "chart.png", Kind: "chart"})(v)
	require.Contains(t, unsaid(), "Here is the answer.")
	require.Contains(t, unsaid(), "The files follow in the thread")
	v.Posts[steps.SurfaceReply] = steps.Post{TS: "1.2"}
	require.Contains(t, unsaid(), "The answer itself is in the thread.")
	v.Unseen = nil
	require.Contains(t, unsaid(), "is there now")

	// In a direct message the place has no name that its reader would know.
	delete(v.Posts, steps.SurfaceReply)
	v.Unseen = map[steps.Surface]steps.Unseen{steps.SurfaceReply: {Why: steps.Other, Code: steps.ThreadGone, Times: 2, First: sample.Noon, Last: sample.Noon}}
	require.Contains(t, unsaid(), "I cannot answer you in <#"+slacksim.SalesData+">: the message that began the thread has been deleted. I answer you here.")
	channel = b.as(slacksim.Analyst).DM()
	for state, says := range map[approval.State]string{approval.Done: "so here is the answer.", approval.Pending: "so I go on here.", approval.Withdrawn: "so I tell you here how it ended."} {
		v.Request.State = state
		require.Contains(t, unsaid(), "You deleted the message that began this thread, "+says)
		require.NotContains(t, unsaid(), "I cannot answer you in")
	}
	_, err = notice.UnsaidNotice(b.bot.with(), &steps.NoticeView{Notice: approval.Notice{Data: []byte("no")}, View: v}, slacksim.Analyst)
	require.Error(t, err)
}

func TestEveryCodeOfSlacksMeansSomething(t *testing.T) {
	t.Parallel()
	b := idle(t)
	for code, want := range map[string]steps.Hindrance{"not_in_channel": steps.Outside, "is_archived": steps.Archived, "restricted_action_read_only_channel": steps.Forbidden,
		"invalid_blocks": steps.Malformed, "msg_blocks_too_long": steps.TooLong, "ekm_access_denied": steps.NoKey, "a_rule_of_tomorrow": steps.Other,
		"fatal_error": steps.Outage, "internal_error": steps.Outage, "invalid_auth": steps.Outage} {
		b.sim.Fail(fault.Method{Method: "chat.postMessage", Error: code})
		_, err := b.bot.Publish(b.ctx, sample.View(), steps.SurfaceCard)
		var no *steps.PostError
		require.ErrorAs(t, err, &no)
		require.Equal(t, want, no.Why, code)
		require.Equal(t, code, no.Code)
	}
	for status, want := range map[int]steps.Hindrance{403: steps.Other, 502: steps.Outage} {
		b.sim.Fail(fault.Method{Method: "chat.postMessage", Status: status, Error: "x"})
		_, err := b.bot.Publish(b.ctx, sample.View(), steps.SurfaceCard)
		var no *steps.PostError
		require.ErrorAs(t, err, &no)
		require.Equal(t, want, no.Why)
	}
	// A notice, too, comes as text where its form is refused.
	b.sim.Fail(fault.Method{Method: "chat.postMessage", Only: fault.Only{Kind: fault.WithBlocks}, Error: "invalid_blocks"})
	n := &steps.NoticeView{Notice: approval.Notice{Key: "k", Kind: approval.NoticePrice, Data: sample.MustJSON(approval.PriceMissing{Model: "m", Refused: true})}}
	post, err := b.bot.Tell(b.ctx, n, steps.NoticePost{Key: "k", Recipient: slacksim.Admin})
	require.NoError(t, err)
	require.Contains(t, b.read(slacksim.Admin, steps.Post{Channel: post.Channel, TS: post.TS}).Text, "A price is missing.")
	b.sim.Fail(fault.Method{Method: "chat.postMessage", Error: "ekm_access_denied", Times: -1})
	_, err = b.bot.Tell(b.ctx, n, steps.NoticePost{Key: "k", Recipient: slacksim.Admin})
	var no *steps.PostError
	require.ErrorAs(t, err, &no)
	require.Equal(t, steps.NoKey, no.Why)
}
