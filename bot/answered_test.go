package bot

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// ended is the last word on a request, as it stands in its thread.
func (b *bundle) ended(change ...func(*steps.View)) (*steps.View, workspace.Message) {
	b.t.Helper()
	v := sample.View(change...)
	b.service.change(func() { b.service.views[v.Request.ID] = v })
	b.publish(v, steps.SurfaceRoot, steps.SurfaceReply)
	return v, b.read(slacksim.Analyst, v.Posts[steps.SurfaceReply])
}

func TestTheBillAndTheCodeAreOnePressAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, reply := b.ended(sample.With(approval.Result{Outcome: approval.OK, Answer: "It was 42."}))
	require.NotContains(t, reply.Words(), "tokens", "the bill is folded")
	require.NotContains(t, reply.Words(), "read_csv", "and so is the code")
	require.Equal(t, []string{ids.ActionCode, ids.ActionDetails, ids.ActionGood, ids.ActionBad, ids.ActionOthers}, reply.Actions())
	for _, who := range []string{slacksim.Analyst, slacksim.OtherAnalyst} {
		p := b.as(who)
		require.NoError(t, p.Click(reply, "Details"))
		v, open := p.View()
		require.True(t, open)
		for _, words := range []string{"1,834 tokens in and 212 out, $0.001158", "local sandbox: 3.6 seconds, $0.000024", "Total: $0.001182", "Not watched from outside"} {
			require.Contains(t, v.Words(), words)
		}
		require.NoError(t, p.CloseView())
		require.NoError(t, p.Click(reply, "Show code"))
		v, open = p.View()
		require.True(t, open)
		require.Contains(t, v.Words(), `pd.read_csv("sales.csv")`)
		require.Contains(t, v.Words(), "Approved by")
		require.NotContains(t, v.Words(), "Reject", "nothing is decided here")
		require.NoError(t, p.CloseView())
	}
}

// Whoever presses elsewhere than where the answer stands, and has not asked, reads nothing.
func TestABillIsReadWhereItsAnswerStands(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, reply := b.ended(sample.With(approval.Result{Outcome: approval.OK}))
	b.service.change(func() { v.Session.Channel = slacksim.CodeReview }) // a button that was carried elsewhere
	other := b.as(slacksim.OtherAnalyst)
	for _, button := range []string{"Details", "Show code", "Good"} {
		require.NoError(t, other.Click(reply, button))
		_, open := other.View()
		require.False(t, open, button)
	}
	require.Empty(t, b.service.rated)
	require.NoError(t, b.as(slacksim.Analyst).Click(reply, "Details"))
	_, open := b.as(slacksim.Analyst).View()
	require.True(t, open, "the asker does, wherever it is")
}

func TestCodeThatEndedWithAnErrorIsFixedByAPress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, reply := b.ended(sample.With(approval.Result{Outcome: approval.Raised, Error: "KeyError: 'price'"}))
	require.Equal(t, []string{ids.ActionFix, ids.ActionCode, ids.ActionDetails, ids.ActionOthers}, reply.Actions())
	for range 2 {
		require.NoError(t, b.as(slacksim.OtherAnalyst).Click(reply, "Fix it"))
	}
	q := b.service.questions()
	require.Len(t, q, 1, "a second press asks nothing twice")
	require.Equal(t, approval.Question{Team: v.Request.Team, Project: slacksim.SalesData, Asker: slacksim.OtherAnalyst, Text: draw.Mend(v.Request), ThreadTS: v.Session.ThreadTS, Follow: true,
		Trigger: "fix " + v.Request.ID}, q[0])
	require.Contains(t, q[0].Text, v.Request.Question)
	b.told(slacksim.OtherAnalyst, slacksim.SalesData, "On it.")

	b.service.change(func() { b.service.ended = map[string]approval.State{q[0].Trigger: approval.Rejected} })
	for range 2 {
		require.NoError(t, b.as(slacksim.OtherAnalyst).Click(reply, "Fix it"))
	}
	again := b.service.questions()
	require.Len(t, again, 2, "it ended without an answer, so it is asked anew")
	require.True(t, strings.HasPrefix(again[1].Trigger, q[0].Trigger+" "))
	b.service.change(func() { b.service.ended[q[0].Trigger] = approval.Done })
	require.NoError(t, b.as(slacksim.OtherAnalyst).Click(reply, "Fix it"))
	require.Len(t, b.service.questions(), 2)
	b.told(slacksim.OtherAnalyst, slacksim.SalesData, "This was asked before: it has already run.")
}

func TestWhatGotNoAnswerIsAskedAgainInTheForm(t *testing.T) {
	t.Parallel()
	for state, note := range map[approval.State]string{approval.Rejected: "Rejected last time: \nIt reads the wrong column.", approval.Expired: "nobody decided", approval.Failed: "The model could not be reached."} {
		b := setup(t)
		b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
		why := map[approval.State]approval.Reason{approval.Rejected: approval.Words("It reads the wrong column."), approval.Expired: approval.Because(approval.WhyNobodyDecided),
			approval.Failed: approval.Words("The model could not be reached.")}[state]
		_, reply := b.ended(sample.In(state, why))
		require.Equal(t, ids.ActionAgain, reply.Actions()[0], state)
		maya := b.as(slacksim.Analyst)
		require.NoError(t, maya.Click(reply, "Ask again"))
		form := b.offered(maya)
		require.Contains(t, strings.ToLower(form.Words()), strings.ToLower(note), state)
		_, err := maya.Submit(slackperson.Form{})
		require.NoError(t, err)
		q := b.service.questions()
		require.Len(t, q, 1)
		require.Equal(t, "What were sales per month in sales.csv?", q[0].Text, "filled in")
		require.Equal(t, "sales.csv", q[0].Files[0].Name)
	}
}

func TestAMisspelledFileIsMeantByAPress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shared := b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	cause := b.lacks("What were sales per month in Salse.csv?")
	require.Equal(t, approval.NoFile, cause.Code)
	require.Equal(t, shared.Files[0].ID, cause.Files[0].ID)
	v := sample.View(sample.In(approval.Failed))
	v.Request.Question, v.Request.Cause = "What were sales per month in Salse.csv?", &cause
	b.service.change(func() { b.service.views[v.Request.ID] = v })
	n := sample.Notice(approval.NoticeAskBack, v, approval.AskedBack{Cause: &cause})
	post, err := b.bot.Tell(b.ctx, n, steps.NoticePost{Key: n.Key, Recipient: slacksim.Analyst})
	require.NoError(t, err)
	maya := b.as(slacksim.Analyst)
	dm, err := maya.Find(post.Channel, post.TS)
	require.NoError(t, err)
	require.Contains(t, dm.Text, "Did you mean sales.csv?")
	for range 2 {
		require.NoError(t, maya.Click(dm, "Use sales.csv"))
	}
	q := b.service.questions()
	require.Len(t, q, 1)
	require.Equal(t, "What were sales per month in sales.csv?", q[0].Text, "the question is kept")
	require.Equal(t, []approval.File{{ID: shared.Files[0].ID, Name: "sales.csv", Size: 4}}, q[0].Files)
	require.True(t, q[0].Given)
	require.Equal(t, []string{"sales.csv"}, b.finds(q[0]))

	// A button that names something else asks nothing.
	b.service.change(func() {
		v.Request.Cause = &approval.Cause{Code: approval.NoFile, File: "salse.csv", Files: []approval.File{{ID: "F9", Name: "other.csv"}}}
	})
	require.NoError(t, maya.Click(dm, "Use sales.csv"))
	b.service.change(func() { v.Request.Asker = slacksim.OtherAnalyst })
	require.NoError(t, maya.Click(dm, "Use sales.csv"))
	require.Len(t, b.service.questions(), 1)
}

func TestAThumbIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, reply := b.ended(sample.With(approval.Result{Outcome: approval.OK, Answer: "It was 42."}))
	require.NoError(t, b.as(slacksim.Analyst).Click(reply, "Good"))
	b.told(slacksim.Analyst, slacksim.SalesData, "Noted as good.")
	require.NoError(t, b.as(slacksim.OtherAnalyst).Click(reply, "Not good"))
	b.told(slacksim.OtherAnalyst, slacksim.SalesData, "say what is wrong")
	require.Equal(t, []string{v.Request.ID + " " + slacksim.Analyst + " true", v.Request.ID + " " + slacksim.OtherAnalyst + " false"}, b.service.rated)
}

// emoji is what stands on the first message of a thread.
func (b *bundle) emoji(v *steps.View) (names []string) {
	b.t.Helper()
	root, err := b.as(slacksim.Analyst).Find(v.Session.Channel, v.Session.ThreadTS)
	require.NoError(b.t, err)
	for _, r := range root.Reactions {
		names = append(names, r.Name)
	}
	return names
}

func TestAThreadSaysByAnEmojiHowItStands(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View(sample.In(approval.Drafting))
	b.publish(v, steps.SurfaceRoot, steps.SurfaceMark, steps.SurfaceMark)
	require.Equal(t, []string{"hourglass_flowing_sand"}, b.emoji(v))
	sample.Code(sample.SampleCode)(v)
	sample.In(approval.Running)(v)
	b.publish(v, steps.SurfaceMark)
	require.Equal(t, []string{"gear"}, b.emoji(v))
	sample.With(approval.Result{Outcome: approval.OK})(v)
	b.publish(v, steps.SurfaceMark)
	require.Equal(t, []string{"white_check_mark"}, b.emoji(v))

	// The next question of the thread begins anew, and ends badly.
	next := sample.View(sample.In(approval.Drafting))
	next.Session = v.Session
	b.publish(next, steps.SurfaceRoot, steps.SurfaceMark)
	require.Equal(t, []string{"hourglass_flowing_sand"}, b.emoji(v))
	next.Request.State = approval.Failed
	b.publish(next, steps.SurfaceMark)
	require.Equal(t, []string{"x"}, b.emoji(v))

	// What Slack does not take now comes with the next change; what it refuses does not.
	for _, code := range []string{"fatal_error", "too_many_reactions"} {
		b.sim.Fail(fault.Method{Method: "reactions.add", Error: code})
		w := sample.View()
		b.publish(w, steps.SurfaceRoot, steps.SurfaceMark)
		require.Empty(t, b.emoji(w), code)
		b.publish(w, steps.SurfaceMark)
		require.Equal(t, code == "fatal_error", len(b.emoji(w)) == 1, code)
	}
}

// A workspace whose token lacks the scope works without the emoji, and nothing complains.
func TestWithoutTheScopeThereIsNoEmoji(t *testing.T) {
	t.Parallel()
	without := strings.Replace(string(manifest(t)), "      - reactions:write", "      # - reactions:write", 1)
	b := setup(t, func(w *slacksim.Options, _ *Options) { w.Manifest = []byte(without) })
	who, err := b.bot.CheckBot(b.ctx)
	require.NoError(t, err)
	require.Empty(t, who.Missing)
	require.Equal(t, []string{"reactions:write"}, who.Lacks)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot, steps.SurfaceMark)
	require.Empty(t, b.emoji(v))
	require.NotContains(t, b.log.String(), "level=WARN")

	// A server that does not tell its scopes refuses the call once.
	b = idle(t)
	b.sim.Fail(fault.Method{Method: "reactions.add", Error: "missing_scope"})
	for range 3 {
		w := sample.View()
		b.publish(w, steps.SurfaceRoot, steps.SurfaceMark)
		require.Empty(t, b.emoji(w))
	}
	require.Equal(t, 1, strings.Count(b.log.String(), "threads get no emoji"))
}

func TestSmallTalkIsAnsweredAtOnceAndAsksNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	root, err := maya.Say(slacksim.SalesData, "@countersign hello!")
	require.NoError(t, err)
	b.told(slacksim.Analyst, slacksim.SalesData, "Ask me something about data")
	_, err = maya.Reply(slacksim.SalesData, root.TS, "@countersign thanks!")
	require.NoError(t, err)
	b.told(slacksim.Analyst, slacksim.SalesData, "You're welcome.")
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze thank you"))
	_, err = maya.Say(maya.DM(), "hi")
	require.NoError(t, err)
	m, err := maya.WaitMessage(b.ctx, maya.DM(), func(m workspace.Message) bool {
		return m.BotID != "" && !m.Ephemeral && strings.Contains(m.Text, "Hello!")
	})
	require.NoError(t, err, "a direct message is answered for good")
	require.Empty(t, m.ThreadTS)
	_, err = maya.Say(maya.DM(), "what can you do?")
	require.NoError(t, err)
	_, err = maya.WaitMessage(b.ctx, maya.DM(), func(m workspace.Message) bool {
		return m.BotID != "" && strings.Contains(m.Text, "Ask a question about data.")
	})
	require.NoError(t, err)
	require.Empty(t, b.service.questions(), "no model, no card, no cent")

	_, err = maya.Share(maya.DM(), "hi", "sales.csv", []byte("a\n1\n"))
	require.NoError(t, err)
	b.heard(1) // a file is something to talk about
}

func (s *service) Share(ctx context.Context, id, channel string, c approval.Click) (*approval.Request, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.change(func() { s.gone = append(s.gone, id+" "+channel+" "+c.User) })
	return &approval.Request{ID: id}, nil
}

func (s *service) TakeBack(ctx context.Context, id string, c approval.Click) (*approval.Request, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.change(func() { s.gone = append(s.gone, id+" "+c.User) })
	return &approval.Request{ID: id}, nil
}

// Whoever takes an answer back is for the service to judge; the bot passes the press on.
func TestAnAnswerIsTakenBackByAPress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, reply := b.ended(sample.With(approval.Result{Outcome: approval.OK, Answer: "It was 42."}))
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Click(reply, "Take back"))
	require.Empty(t, b.service.gone, "it asks first")
	_, err := maya.Submit(nil)
	require.NoError(t, err)
	require.Equal(t, []string{v.Request.ID + " " + slacksim.Analyst}, b.service.gone)
	b.told(slacksim.Analyst, slacksim.SalesData, draw.GoesBack)
}

// Sharing asks where, of nobody but the asker.
func TestAnAnswerIsSharedByItsAsker(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, reply := b.ended(sample.With(approval.Result{Outcome: approval.OK, Answer: "It was 42."}))
	require.NoError(t, b.as(slacksim.OtherAnalyst).Click(reply, "Share"))
	b.told(slacksim.OtherAnalyst, slacksim.SalesData, "Only the person who asked can share an answer.")
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Click(reply, "Share"))
	wrong, err := maya.Submit(slackperson.Fill(ids.FieldChannel, slacksim.General))
	require.NoError(t, err)
	require.Empty(t, wrong)
	require.Equal(t, []string{v.Request.ID + " " + slacksim.General + " " + slacksim.Analyst}, b.service.gone)
	b.told(slacksim.Analyst, slacksim.SalesData, "The answer is being posted in")
}
