package bot

import (
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
	"countersign/budget"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// stopped posts the thread of a request that a budget refuses.
func (b *bundle) stopped(models []string, change ...func(v *steps.View)) (*steps.View, workspace.Message) {
	b.t.Helper()
	v := sample.View(append([]func(*steps.View){sample.BlockedBy(budget.ForDraft)}, change...)...)
	b.service.change(func() {
		b.service.views[v.Request.ID] = v
		b.service.choices = *sample.ChoicesOf(v, models...)
	})
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress)
	return v, b.read(slacksim.Analyst, v.Posts[steps.SurfaceProgress])
}

func TestTheCardOfARefusalOffersEveryWayOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := b.stopped([]string{"codestral-2508", "small"})
	require.Contains(t, card.Words(), "████████████████████"[:3*18])
	require.Contains(t, card.Text, "could cost up to $0.05, and the budget of <@U0MAYA> has $0.03 left.")
	maya, id := b.as(slacksim.Analyst), v.Request.ID
	for _, press := range []string{"Use codestral-2508 (at most 1 cent)", "Use small (at most $0.02)", "Wait until 1 December", "Try again"} {
		require.NoError(t, maya.Click(card, press))
	}
	require.Equal(t, []way{
		{verb: "continue", id: id, model: "codestral-2508", by: slacksim.Analyst},
		{verb: "continue", id: id, model: "small", by: slacksim.Analyst},
		{verb: "wait", id: id, by: slacksim.Analyst},
		{verb: "continue", id: id, by: slacksim.Analyst},
	}, b.service.chosen())
	require.NoError(t, maya.Click(card, "Cancel"))
	require.Len(t, b.service.taken, 1)

	b.service.fail(&budget.ExceededError{Standing: v.Standings[0], Needed: budget.Dollar})
	require.NoError(t, maya.Click(card, "Try again"))
	b.told(slacksim.Analyst, slacksim.SalesData, "Still over budget. Your budget of $10.00 per month has $0.03 left")
	b.service.fail(&approval.MoveError{Request: v.Request, Why: approval.Because(approval.WhyNotBlocked)})
	require.NoError(t, maya.Click(card, "Try again"))
	b.told(slacksim.Analyst, slacksim.SalesData, "It is no longer waiting for budget. Nothing has changed.")
}

func TestACheaperModelIsDeclinedInTheThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := sample.View(sample.In(approval.Drafting), func(v *steps.View) {
		v.Request.Downgraded = &approval.Downgraded{From: "mistral-medium-2508", To: "codestral-2508", Scope: sample.ScopeOf(budget.User, slacksim.Analyst)}
	})
	b.service.change(func() { b.service.views[v.Request.ID] = v })
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress)
	line := b.read(slacksim.Analyst, v.Posts[steps.SurfaceProgress])
	require.Contains(t, line.Text, "The asker can decline this, and wait or ask for more budget.")
	require.NoError(t, b.as(slacksim.Analyst).Click(line, "Without codestral-2508"))
	require.Equal(t, []way{{verb: "insist", id: v.Request.ID, by: slacksim.Analyst}}, b.service.chosen())
	for _, state := range []approval.State{approval.Approved, approval.Running, approval.Done} {
		v.Request.State = state
		require.Empty(t, draw.Declining(v.Request), state)
	}
}

func TestWhyItIsBlockedIsAPressAwayAndPrivate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := b.stopped(nil)
	b.service.explained = &steps.Explanation{Request: v.Request, Steps: []steps.Weighing{{At: sample.Noon, Purpose: budget.ForDraft, Needed: 5 * budget.Cent,
		Standings: []budget.Standing{sample.OfTen(sample.ScopeOf(budget.User, slacksim.Analyst), 9*budget.Dollar)}, Refused: true}}}
	typed := b.command(slacksim.Analyst, "explain "+v.Request.ID, "What this question cost")
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Click(card, "Why?"))
	shown := b.openedAs(maya, kit.CallbackNote)
	require.Contains(t, shown.Words(), ": $9 of $10 spent, $1 left.")
	require.Contains(t, shown.Words(), typed.Words(), "the same as by command, without an id")
	b.service.fail(&approval.NotAllowedError{Why: approval.Because(approval.WhyAskerLooks)})
	require.NoError(t, b.as(slacksim.OtherAnalyst).Click(card, ids.ActionWhy))
	b.told(slacksim.OtherAnalyst, slacksim.SalesData, "Only the person who asked, or an administrator, can look at what this cost.")
}

func TestManyModelsBecomeAList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := b.stopped([]string{"a", "b", "codestral-2508"})
	require.NoError(t, b.as(slacksim.Analyst).Click(card, ids.ActionCheaper, "Use codestral-2508 (at most $0.03)"))
	require.Equal(t, "codestral-2508", b.service.chosen()[0].model)
}

func TestTheRefusalIsGoneWhenTheRequestHasGoneOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := b.stopped(nil)
	b.service.change(func() { b.service.choices = steps.Choices{} })
	b.publish(v, steps.SurfaceProgress)
	require.Contains(t, b.read(slacksim.Analyst, v.Posts[steps.SurfaceProgress]).Text, "Writing the code.", "the money came while it was drawn")
	sample.In(approval.Withdrawn)(v)
	b.publish(v, steps.SurfaceProgress)
	after := b.read(slacksim.Analyst, v.Posts[steps.SurfaceProgress])
	require.Equal(t, card.TS, after.TS)
	require.Empty(t, after.Actions())
}

func TestMoreMoneyIsAskedForWithAReason(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := b.stopped(nil)
	maya := b.as(slacksim.Analyst)
	require.NoError(t, b.as(slacksim.OtherAnalyst).Click(card, ids.ActionMoreMoney))
	b.told(slacksim.OtherAnalyst, slacksim.SalesData, "Only the person who asked can choose how this goes on.")
	require.NoError(t, maya.Click(card, "Ask for $0.02 more"))
	form, err := maya.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == ids.CallbackMoreMoney })
	require.NoError(t, err)
	require.Contains(t, form.Words(), "This step needs at least $0.02 more.")
	wrong, err := maya.Submit(slackperson.Fill(ids.FieldReason, "  "))
	require.NoError(t, err)
	require.Contains(t, wrong[ids.FieldReason], "Please say what it is for.")
	wrong, err = maya.Submit(slackperson.Fill(ids.FieldReason, "The board meets.").And(ids.FieldAmount, "five"))
	require.NoError(t, err)
	require.Contains(t, wrong[ids.FieldAmount], "not a dollar amount")
	b.service.fail(&approval.InputError{Why: approval.Words("That is not enough: at least $0.02 more is needed.")})
	wrong, err = maya.Submit(slackperson.Fill(ids.FieldReason, "The board meets.").And(ids.FieldAmount, "0.01"))
	require.NoError(t, err)
	require.Contains(t, wrong[ids.FieldAmount], "That is not enough")
	b.service.fail(nil)
	_, err = maya.Submit(slackperson.Fill(ids.FieldReason, "The board meets.").And(ids.FieldAmount, "5"))
	require.NoError(t, err)
	require.Equal(t, []way{{verb: "ask", id: v.Request.ID, amount: 5 * budget.Dollar, reason: "The board meets.", by: slacksim.Analyst}}, b.service.chosen())

	require.NoError(t, maya.Click(card, ids.ActionMoreMoney))
	b.service.fail(&approval.MoveError{Request: v.Request, Why: approval.Because(approval.WhyTopUpOpen)})
	_, err = maya.Submit(slackperson.Fill(ids.FieldReason, "Twice."))
	require.NoError(t, err)
	note, _ := maya.View()
	require.Contains(t, note.Words(), "You have already asked for more.")
	require.NoError(t, maya.CloseView())
	b.service.fail(nil)
	b.service.change(func() { b.service.choices.TopUp = &approval.TopUp{} })
	require.NoError(t, maya.Click(card, ids.ActionMoreMoney))
	b.told(slacksim.Analyst, slacksim.SalesData, "You have already asked for more.")
	b.service.change(func() { b.service.choices = steps.Choices{} })
	require.NoError(t, maya.Click(card, ids.ActionMoreMoney))
	b.told(slacksim.Analyst, slacksim.SalesData, "It is no longer waiting for budget.")
}

// asksFor sends the administrators a question for money.
func (b *bundle) asksFor(v *steps.View, had steps.NoticePost) (steps.NoticePost, workspace.Message) {
	b.t.Helper()
	t := v.Request.TopUps[0]
	n := sample.Notice(approval.NoticeTopUp, v, approval.TopUpAsked{ID: t.ID, AskedBy: t.AskedBy, Scope: t.Scope, Amount: t.Amount, Reason: t.Reason})
	had.Key, had.Recipient = n.Key, slacksim.Admin
	post, err := b.bot.Tell(b.ctx, n, had)
	require.NoError(b.t, err)
	said, err := b.as(slacksim.Admin).Find(post.Channel, post.TS)
	require.NoError(b.t, err)
	return post, said
}

func TestAnAdministratorGrantsMoneyFromTheDirectMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, _ := b.stopped(nil, sample.AskedFor(nil))
	b.service.change(func() {
		b.service.ends = []steps.GrantEnd{{Words: "until the end of today", At: sample.Noon.Add(12 * time.Hour)}, {Words: "for 24 hours", At: sample.Noon.Add(24 * time.Hour)}}
	})
	post, ask := b.asksFor(v, steps.NoticePost{})
	require.Contains(t, ask.Text, "<@U0MAYA> asks for $5 more in their own budget: The board meets tomorrow.")
	carla := b.as(slacksim.Admin)
	require.NoError(t, carla.Click(ask, "Grant $5"))
	form, err := carla.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == ids.CallbackGrant })
	require.NoError(t, err)
	require.Contains(t, form.Words(), "No other budget rises with it.")
	_, err = carla.Submit(slackperson.Fill(ids.FieldUntil, "For 24 hours"))
	require.NoError(t, err)
	require.Equal(t, []way{{verb: "grant", id: "t12345678", until: sample.Noon.Add(24 * time.Hour), by: slacksim.Admin}}, b.service.chosen())

	b.service.change(func() { sample.AskedFor(sample.GrantedTopUp)(v); v.Request.Blocked = nil })
	post2, after := b.asksFor(v, post)
	require.Equal(t, post.TS, post2.TS, "redrawn where it stands")
	require.Contains(t, after.Text, "Granted by <@U0CARLA>")
	require.False(t, after.Has(ids.ActionGrant))
	require.NoError(t, carla.ClickOld(ask, ids.ActionGrant))
	told, err := carla.WaitMessage(b.ctx, carla.DM(), func(m workspace.Message) bool { return m.Ephemeral || m.TS > after.TS })
	require.NoError(t, err)
	require.Contains(t, told.Text, "It is already granted.")
}

func TestAnAdministratorDeclinesWithAReason(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, _ := b.stopped(nil, sample.AskedFor(nil))
	_, ask := b.asksFor(v, steps.NoticePost{})
	carla := b.as(slacksim.Admin)
	require.NoError(t, carla.Click(ask, "Decline"))
	b.service.fail(&approval.InputError{Why: approval.Because(approval.WhyNoReason)})
	wrong, err := carla.Submit(slackperson.Fill(ids.FieldReason, " "))
	require.NoError(t, err)
	require.Contains(t, wrong[ids.FieldReason], "Please say why.")
	b.service.fail(nil)
	_, err = carla.Submit(slackperson.Fill(ids.FieldReason, "December."))
	require.NoError(t, err)
	require.Equal(t, "December.", b.service.chosen()[0].reason)
}

func TestNobodyAnswersTheirOwnWishOrOneThatIsOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, _ := b.stopped(nil, sample.AskedFor(nil))
	_, ask := b.asksFor(v, steps.NoticePost{})
	carla := b.as(slacksim.Admin)
	expects := func(words string) {
		t.Helper()
		require.NoError(t, carla.ClickOld(ask, ids.ActionGrant))
		_, err := carla.WaitMessage(b.ctx, carla.DM(), func(m workspace.Message) bool { return m.TS > ask.TS && m.Text == words })
		require.NoError(t, err, words)
	}
	for _, tt := range []struct {
		change func()
		says   string
	}{
		{func() { v.Request.TopUps[0].AskedBy = slacksim.Admin }, "You asked for this, so another administrator has to answer."},
		{func() { sample.AskedFor(sample.Declined)(v) }, "It is already declined. Nothing has changed."},
		{func() { sample.AskedFor(nil)(v); v.Request.Blocked = nil }, "No longer needed: the question is not waiting for budget."},
		{func() { v.Request.TopUps = nil }, "There is no such request here. /analyze status lists yours."},
		{func() { sample.AskedFor(nil)(v); b.service.roster.Admins = nil }, "Only administrators can answer this."},
	} {
		b.service.change(tt.change)
		expects(tt.says)
	}
	_, err := notice.Notices[approval.NoticeTopUp](b.bot.with(), sample.Notice(approval.NoticeTopUp, sample.View(), approval.TopUpAsked{ID: "x"}), slacksim.Admin)
	require.ErrorContains(t, err, "no top-up")
	_, err = notice.Notices[approval.NoticeTopUpOutcome](b.bot.with(), sample.Notice(approval.NoticeTopUpOutcome, sample.View(), approval.TopUpAsked{ID: "x"}), slacksim.Admin)
	require.ErrorContains(t, err, "nobody has decided")
	for kind, drawn := range notice.Notices {
		if kind != approval.NoticeFunded {
			_, err := drawn(b.bot.with(), &steps.NoticeView{Notice: approval.Notice{Key: "k", Data: []byte("[")}}, "")
			require.Error(t, err, kind)
		}
	}
}

func TestTheAskerIsToldThatTheQuestionIsKeptOrCheaper(t *testing.T) {
	t.Parallel()
	v := sample.View(sample.BlockedBy(budget.ForDraft))
	taken := draw.Taken(v.Request)
	require.Equal(t, "Your question is saved, but over budget. Writing the code with mistral-medium-2508 could cost up to $0.05, and your budget has $0.03 left. "+
		"Its thread shows your options.", taken.Text())
	require.Len(t, taken.Blocks, 2, "words, and the button that cancels")
	v = sample.View(sample.In(approval.Drafting), func(v *steps.View) {
		v.Request.Downgraded = &approval.Downgraded{From: "mistral-medium-2508", To: "codestral-2508", Scope: sample.ScopeOf(budget.User, slacksim.Analyst)}
	})
	require.Contains(t, draw.Taken(v.Request).Text(), "codestral-2508 is writing instead of mistral-medium-2508, because your budget is past its soft limit. You can decline this in the question's thread. On it.")
}

func TestWhoeverAsksIsToldInPrivateThatMoneyIsMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.blocks = sample.View(sample.BlockedBy(budget.ForDraft)).Request.Blocked
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze How many?"))
	b.told(slacksim.Analyst, slacksim.SalesData, "Your question is saved, but over budget.")
	_, err := maya.Say(slacksim.General, "@countersign how many?")
	require.NoError(t, err)
	b.told(slacksim.Analyst, slacksim.General, "Your question is saved, but over budget.")
}

// Somebody may name any channel in a direct message. What its budget has left is not said before it
// is known that they are in it: the thread says it then.
func TestNobodyIsToldOfTheBudgetOfAChannelThatTheyOnlyName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.blocks = sample.View(sample.BlockedBy(budget.ForDraft)).Request.Blocked
	dm := b.as(slacksim.Analyst).DM()
	for text, whispers := range map[string]bool{"How many were there?": true, "How many were there in <#" + slacksim.CodeReview + ">?": false} {
		a, err := b.bot.asking.hear(b.ctx, spoken{team: slacksim.DefaultTeam.ID, channel: dm, user: slacksim.Analyst, ts: "1." + approval.NewID(3), text: text})
		require.NoError(t, err)
		require.Equal(t, whispers, a.after != nil, text)
	}
}
