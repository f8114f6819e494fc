package bot

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// stopped posts the thread of a request that a budget refuses.
func (b *bundle) stopped(models []string, change ...func(v *steps.View)) (*steps.View, workspace.Message) {
	b.t.Helper()
	v := sample(append([]func(*steps.View){blockedBy(budget.ForDraft)}, change...)...)
	b.service.change(func() {
		b.service.views[v.Request.ID] = v
		b.service.choices = *choicesOf(v, models...)
	})
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress)
	return v, b.read(slacksim.Analyst, v.Posts[steps.SurfaceProgress])
}

func TestTheCardOfARefusalOffersEveryWayOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := b.stopped([]string{"codestral-2508", "small"})
	require.Contains(t, card.Words(), "████████████████████"[:3*18])
	require.Contains(t, card.Text, "could need up to $0.05, and the budget of <@U0MAYA> has $0.03 left.")
	maya, id := b.as(slacksim.Analyst), v.Request.ID
	for _, press := range []string{"Use codestral-2508 (at most $0.01)", "Use small (at most $0.02)", "Wait until 1 December", "Try again"} {
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
	b.told(slacksim.Analyst, slacksim.SalesData, "It still does not fit. Your budget of $10.00 per month has $0.03 left")
	b.service.fail(&approval.MoveError{Request: v.Request, Why: "It does not wait for money any more."})
	require.NoError(t, maya.Click(card, "Try again"))
	b.told(slacksim.Analyst, slacksim.SalesData, "It does not wait for money any more. Nothing has changed.")
}

func TestACheaperModelIsDeclinedInTheThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := sample(in(approval.Drafting, ""), func(v *steps.View) {
		v.Request.Downgraded = &approval.Downgraded{From: "mistral-medium-2508", To: "codestral-2508", Scope: scopeOf(budget.User, slacksim.Analyst)}
	})
	b.service.change(func() { b.service.views[v.Request.ID] = v })
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress)
	line := b.read(slacksim.Analyst, v.Posts[steps.SurfaceProgress])
	require.Contains(t, line.Text, "Whoever asked can decline that, and wait or ask for more money.")
	require.NoError(t, b.as(slacksim.Analyst).Click(line, "Not with codestral-2508"))
	require.Equal(t, []way{{verb: "insist", id: v.Request.ID, by: slacksim.Analyst}}, b.service.chosen())
	for _, state := range []approval.State{approval.Approved, approval.Running, approval.Done} {
		v.Request.State = state
		require.Empty(t, b.bot.declining(v.Request), state)
	}
}

func TestWhyItIsBlockedIsAPressAwayAndPrivate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := b.stopped(nil)
	b.service.explained = &steps.Explanation{Request: v.Request, Steps: []steps.Weighing{{At: noon, Purpose: budget.ForDraft, Needed: 5 * budget.Cent,
		Standings: []budget.Standing{ofTen(scopeOf(budget.User, slacksim.Analyst), 9*budget.Dollar)}, Refused: true}}}
	typed := b.command(slacksim.Analyst, "explain "+v.Request.ID, "What was decided about money")
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Click(card, "Why?"))
	shown := b.openedAs(maya, callbackNote)
	require.Contains(t, shown.Words(), ": $9.00 of $10.00 spent, $1.00 left.")
	require.Contains(t, shown.Words(), typed.Words(), "the same as by command, without an id")
	b.service.fail(&approval.NotAllowedError{Why: "Only the person who asked, or an administrator, can look at what this cost."})
	require.NoError(t, b.as(slacksim.OtherAnalyst).Click(card, actionWhy))
	b.told(slacksim.OtherAnalyst, slacksim.SalesData, "Only the person who asked, or an administrator, can look at what this cost.")
}

func TestManyModelsBecomeAList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, card := b.stopped([]string{"a", "b", "codestral-2508"})
	require.NoError(t, b.as(slacksim.Analyst).Click(card, actionCheaper, "Use codestral-2508 (at most $0.03)"))
	require.Equal(t, "codestral-2508", b.service.chosen()[0].model)
}

func TestTheRefusalIsGoneWhenTheRequestHasGoneOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, card := b.stopped(nil)
	b.service.change(func() { b.service.choices = steps.Choices{} })
	b.publish(v, steps.SurfaceProgress)
	require.Contains(t, b.read(slacksim.Analyst, v.Posts[steps.SurfaceProgress]).Text, "Writing the code.", "the money came while it was drawn")
	in(approval.Withdrawn, "")(v)
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
	require.NoError(t, b.as(slacksim.OtherAnalyst).Click(card, actionMoreMoney))
	b.told(slacksim.OtherAnalyst, slacksim.SalesData, "Only the person who asked can choose how this goes on.")
	require.NoError(t, maya.Click(card, "Ask for $0.02 more"))
	form, err := maya.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == callbackMoreMoney })
	require.NoError(t, err)
	require.Contains(t, form.Words(), "This step needs $0.02 more at least.")
	wrong, err := maya.Submit(slackperson.Fill(fieldReason, "  "))
	require.NoError(t, err)
	require.Contains(t, wrong[fieldReason], "Please say what it is for.")
	wrong, err = maya.Submit(slackperson.Fill(fieldReason, "The board meets.").And(fieldAmount, "five"))
	require.NoError(t, err)
	require.Contains(t, wrong[fieldAmount], "not an amount of dollars")
	b.service.fail(&approval.InputError{Why: "That is not enough: $0.02 more is needed at least."})
	wrong, err = maya.Submit(slackperson.Fill(fieldReason, "The board meets.").And(fieldAmount, "0.01"))
	require.NoError(t, err)
	require.Contains(t, wrong[fieldAmount], "That is not enough")
	b.service.fail(nil)
	_, err = maya.Submit(slackperson.Fill(fieldReason, "The board meets.").And(fieldAmount, "5"))
	require.NoError(t, err)
	require.Equal(t, []way{{verb: "ask", id: v.Request.ID, amount: 5 * budget.Dollar, reason: "The board meets.", by: slacksim.Analyst}}, b.service.chosen())

	require.NoError(t, maya.Click(card, actionMoreMoney))
	b.service.fail(&approval.MoveError{Request: v.Request, Why: "You have asked for more already. An administrator has to answer first."})
	_, err = maya.Submit(slackperson.Fill(fieldReason, "Twice."))
	require.NoError(t, err)
	note, _ := maya.View()
	require.Contains(t, note.Words(), "You have asked for more already.")
	require.NoError(t, maya.CloseView())
	b.service.fail(nil)
	b.service.change(func() { b.service.choices.TopUp = &approval.TopUp{} })
	require.NoError(t, maya.Click(card, actionMoreMoney))
	b.told(slacksim.Analyst, slacksim.SalesData, "You have asked for more already.")
	b.service.change(func() { b.service.choices = steps.Choices{} })
	require.NoError(t, maya.Click(card, actionMoreMoney))
	b.told(slacksim.Analyst, slacksim.SalesData, "It does not wait for money any more.")
}

// asksFor sends the administrators a question for money.
func (b *bundle) asksFor(v *steps.View, had steps.NoticePost) (steps.NoticePost, workspace.Message) {
	b.t.Helper()
	t := v.Request.TopUps[0]
	n := notice(approval.NoticeTopUp, v, approval.TopUpAsked{ID: t.ID, AskedBy: t.AskedBy, Scope: t.Scope, Amount: t.Amount, Reason: t.Reason})
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
	v, _ := b.stopped(nil, askedFor(nil))
	b.service.change(func() {
		b.service.ends = []steps.GrantEnd{{Words: "until the end of today", At: noon.Add(12 * time.Hour)}, {Words: "for 24 hours", At: noon.Add(24 * time.Hour)}}
	})
	post, ask := b.asksFor(v, steps.NoticePost{})
	require.Contains(t, ask.Text, "<@U0MAYA> asks for $5.00 more in their own budget: The board meets tomorrow.")
	carla := b.as(slacksim.Admin)
	require.NoError(t, carla.Click(ask, "Grant $5.00"))
	form, err := carla.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == callbackGrant })
	require.NoError(t, err)
	require.Contains(t, form.Words(), "No other budget rises with it.")
	_, err = carla.Submit(slackperson.Fill(fieldUntil, "For 24 hours"))
	require.NoError(t, err)
	require.Equal(t, []way{{verb: "grant", id: "t12345678", until: noon.Add(24 * time.Hour), by: slacksim.Admin}}, b.service.chosen())

	b.service.change(func() { askedFor(grantedTopUp)(v); v.Request.Blocked = nil })
	post2, after := b.asksFor(v, post)
	require.Equal(t, post.TS, post2.TS, "redrawn where it stands")
	require.Contains(t, after.Text, "Granted by <@U0CARLA>")
	require.False(t, after.Has(actionGrant))
	require.NoError(t, carla.ClickOld(ask, actionGrant))
	told, err := carla.WaitMessage(b.ctx, carla.DM(), func(m workspace.Message) bool { return m.Ephemeral || m.TS > after.TS })
	require.NoError(t, err)
	require.Contains(t, told.Text, "It has been granted already.")
}

func TestAnAdministratorDeclinesWithAReason(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, _ := b.stopped(nil, askedFor(nil))
	_, ask := b.asksFor(v, steps.NoticePost{})
	carla := b.as(slacksim.Admin)
	require.NoError(t, carla.Click(ask, "Decline"))
	b.service.fail(&approval.InputError{Why: "Please say why. The asker gets to read it."})
	wrong, err := carla.Submit(slackperson.Fill(fieldReason, " "))
	require.NoError(t, err)
	require.Contains(t, wrong[fieldReason], "Please say why.")
	b.service.fail(nil)
	_, err = carla.Submit(slackperson.Fill(fieldReason, "December."))
	require.NoError(t, err)
	require.Equal(t, "December.", b.service.chosen()[0].reason)
}

func TestNobodyAnswersTheirOwnWishOrOneThatIsOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, _ := b.stopped(nil, askedFor(nil))
	_, ask := b.asksFor(v, steps.NoticePost{})
	carla := b.as(slacksim.Admin)
	expects := func(words string) {
		t.Helper()
		require.NoError(t, carla.ClickOld(ask, actionGrant))
		_, err := carla.WaitMessage(b.ctx, carla.DM(), func(m workspace.Message) bool { return m.TS > ask.TS && m.Text == words })
		require.NoError(t, err, words)
	}
	for _, tt := range []struct {
		change func()
		says   string
	}{
		{func() { v.Request.TopUps[0].AskedBy = slacksim.Admin }, "You asked for this, so another administrator has to answer."},
		{func() { askedFor(declined)(v) }, "It has been declined already. Nothing has changed."},
		{func() { askedFor(nil)(v); v.Request.Blocked = nil }, "It is not needed any more: the question does not wait for money."},
		{func() { v.Request.TopUps = nil }, "There is no such request here. /analyze status lists yours."},
		{func() { askedFor(nil)(v); b.service.roster.Admins = nil }, "Only administrators answer this."},
	} {
		b.service.change(tt.change)
		expects(tt.says)
	}
	_, err := notices[approval.NoticeTopUp](b.bot, notice(approval.NoticeTopUp, sample(), approval.TopUpAsked{ID: "x"}), slacksim.Admin)
	require.ErrorContains(t, err, "no top-up")
	_, err = notices[approval.NoticeTopUpOutcome](b.bot, notice(approval.NoticeTopUpOutcome, sample(), approval.TopUpAsked{ID: "x"}), slacksim.Admin)
	require.ErrorContains(t, err, "nobody has decided")
	for kind, draw := range notices {
		if kind != approval.NoticeFunded {
			_, err := draw(b.bot, &steps.NoticeView{Notice: approval.Notice{Key: "k", Data: []byte("[")}}, "")
			require.Error(t, err, kind)
		}
	}
}

func TestTheAskerIsToldThatTheQuestionIsKeptOrCheaper(t *testing.T) {
	t.Parallel()
	v := sample(blockedBy(budget.ForDraft))
	_, _, line := section(taken(v.Request))
	require.Equal(t, "Your question is kept, and waits for money. Writing the code with mistral-medium-2508 could need up to $0.05, and your budget has $0.03 left. "+
		"Its thread in this channel shows what you can do. To take it back: /analyze cancel bcd23fg", line)
	v = sample(in(approval.Drafting, ""), func(v *steps.View) {
		v.Request.Downgraded = &approval.Downgraded{From: "mistral-medium-2508", To: "codestral-2508", Scope: scopeOf(budget.User, slacksim.Analyst)}
	})
	_, _, line = section(taken(v.Request))
	require.Contains(t, line, "codestral-2508 writes instead of mistral-medium-2508, because your budget is past its soft limit. If you would rather not, decline it in the question's thread. On it.")
}

func TestWhoeverAsksIsToldInPrivateThatMoneyIsMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.blocks = sample(blockedBy(budget.ForDraft)).Request.Blocked
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze How many?"))
	b.told(slacksim.Analyst, slacksim.SalesData, "Your question is kept, and waits for money.")
	_, err := maya.Say(slacksim.General, "@countersign how many?")
	require.NoError(t, err)
	b.told(slacksim.Analyst, slacksim.General, "Your question is kept, and waits for money.")
}
