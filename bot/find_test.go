package bot

import (
	"errors"
	"fmt"
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
	"countersign/internal/slacksim/webapi"
	"countersign/internal/slacksim/workspace"
)

// search is what the service has Slack look for when it finds what a question is about.
func search(q approval.Question) steps.Search {
	return steps.Search{Channel: q.Project, Asker: q.Asker, Text: q.Text, Files: q.Files,
		Seek: approval.Seek{Follow: q.Follow, Given: q.Given || len(q.Files) > 0, Brought: q.Brought, Thread: q.ThreadTS}}
}

// finds are the files of a question, by name.
func (b *bundle) finds(q approval.Question) (names []string) {
	b.t.Helper()
	found, err := b.bot.Find(b.ctx, search(q))
	require.NoError(b.t, err)
	for _, f := range found.Files {
		names = append(names, f.Name)
	}
	return names
}

// lacks is what a question in #sales-data lacks.
func (b *bundle) lacks(text string) approval.Cause {
	b.t.Helper()
	_, err := b.bot.Find(b.ctx, search(inSales(text)))
	var lacks *approval.CauseError
	require.ErrorAs(b.t, err, &lacks)
	return lacks.Cause
}

func inSales(text string) approval.Question {
	return approval.Question{Project: slacksim.SalesData, Asker: slacksim.Analyst, Text: text}
}

// offered waits until the channel's files are in somebody's form.
func (b *bundle) offered(who *slackperson.Person) workspace.View {
	b.t.Helper()
	v, err := who.WaitView(b.ctx, func(v workspace.View) bool {
		return v.CallbackID == ids.CallbackForm && !strings.Contains(v.Words(), "Looking for files") && strings.Contains(v.Words(), ".csv")
	})
	require.NoError(b.t, err)
	return v
}

func TestAFileThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	require.Equal(t, approval.Cause{Code: approval.NoFile, File: "budget.xlsx", Channel: slacksim.SalesData}, b.lacks("What is in budget.xlsx?"))

	follow := inSales("and the same for nosuch.csv")
	follow.Follow = true
	_, err := b.bot.Find(b.ctx, search(follow))
	require.ErrorIs(t, err, &approval.CauseError{Cause: approval.Cause{Code: approval.NoFile, File: "nosuch.csv", Channel: slacksim.SalesData}},
		"the old files are not what was asked about")
}

func TestBesideAFileThatIsThereANameMayBeOfOneToBeWritten(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	for _, follows := range []bool{false, true} {
		q := inSales("Save the totals of sales.csv to totals.csv")
		q.Follow = follows
		found, err := b.bot.Find(b.ctx, search(q))
		require.NoError(t, err)
		require.Equal(t, "totals.csv", found.Unread)
		require.Equal(t, "sales.csv", found.Files[0].Name)
	}
}

func TestAnOldFileIsFoundBehindManyPictures(t *testing.T) {
	t.Parallel()
	b := idle(t)
	old := b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	for n := range filesAtOnce + 1 {
		b.share(slacksim.SalesData, fmt.Sprintf("photo-%d.png", n), string(png))
	}
	id := func(text string) string {
		found, err := b.bot.Find(b.ctx, search(inSales(text)))
		require.NoError(t, err)
		return found.Files[0].ID
	}
	require.Equal(t, old.Files[0].ID, id("What were sales per month?"))
	require.Equal(t, approval.NoFile, b.lacks("What is in nosuch.csv?").Code)
	b.share(slacksim.SalesData, "new.csv", "a\n1\n")
	require.Equal(t, old.Files[0].ID, id("sum sales.csv"))
}

func TestTheOnlyFileIsTheOneThatIsMeant(t *testing.T) {
	t.Parallel()
	b := idle(t)
	require.Empty(t, b.finds(inSales("What is six times seven?")))
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	b.share(slacksim.SalesData, "photo.png", string(png))
	require.Equal(t, []string{"sales.csv"}, b.finds(inSales("How many rows?")))
	latest := b.share(slacksim.SalesData, "Sales.csv", "a\n1\n2\n")
	found, err := b.bot.Find(b.ctx, search(inSales("sum sales.csv")))
	require.NoError(t, err)
	require.Equal(t, latest.Files[0].ID, found.Files[0].ID, "the latest of a name counts")
	require.EqualValues(t, 6, found.Files[0].Size)
}

func TestSeveralFilesAreChosenFrom(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	b.share(slacksim.SalesData, "costs.csv", "a\n1\n")
	lacks := b.lacks("How many rows?")
	require.Equal(t, approval.WhichFile, lacks.Code)
	require.Len(t, lacks.Files, 2)
	require.Equal(t, "costs.csv", lacks.Files[0].Name, "the latest first")
	none := inSales("How many rows?")
	none.Given = true
	require.Empty(t, b.finds(none), "somebody who has chosen none means none")
}

func TestAChosenFileHasToBeInTheChannelStill(t *testing.T) {
	t.Parallel()
	b := idle(t)
	m := b.share(slacksim.General, "sales.csv", "a\n1\n")
	q := inSales("sum it")
	q.Files = []approval.File{{ID: m.Files[0].ID, Name: "sales.csv"}}
	_, err := b.bot.Find(b.ctx, search(q))
	require.ErrorIs(t, err, &approval.CauseError{Cause: approval.Cause{Code: approval.FileNotHere, File: "sales.csv", Channel: slacksim.SalesData}})
	q.Brought = []string{m.Files[0].ID}
	require.Equal(t, []string{"sales.csv"}, b.finds(q), "what came with it need not be")

	q.Asker = slacksim.OtherAnalyst
	_, err = b.bot.Find(b.ctx, search(q))
	require.ErrorIs(t, err, &approval.CauseError{Cause: approval.Cause{Code: approval.FileNotHere, File: "sales.csv", Channel: slacksim.SalesData}},
		"somebody else's file that the bot sees is not read for whoever may not")
	q.ThreadTS = "1.1"
	of := search(q)
	_, err = b.bot.Find(b.ctx, of)
	require.ErrorIs(t, err, &approval.CauseError{Cause: approval.Cause{Code: approval.FileNotHere, File: "sales.csv", Channel: slacksim.SalesData}},
		"not in a thread either")
	of.Thread = []string{m.Files[0].ID}
	_, err = b.bot.Find(b.ctx, of)
	require.NoError(t, err, "but in one in which it was read")
}

// Slack's documents do not say whether it checks what a client sends off: a form with
// somebody else's file, and a channel that the person is not in, may come through.
func TestAForgedFormGetsNobodyElsesFileAndNoOtherChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	jun, maya := b.as(slacksim.OtherAnalyst), b.as(slacksim.Analyst)
	hers, err := jun.Upload("payroll.csv", []byte("a\n1\n"))
	require.NoError(t, err)
	send := func() error {
		require.NoError(t, maya.Shortcut(ids.CallbackAsk))
		_, err := maya.Submit(slackperson.Fill(ids.FieldQuestion, "How many?").And(ids.FieldChannel, slacksim.Random).And(ids.FieldUpload, hers.ID))
		return err
	}
	require.ErrorContains(t, send(), "no such file of yours", "Slack refuses it")
	b.sim.Unchecked()
	require.NoError(t, send(), "or lets it through")
	q := b.service.questions()
	require.Len(t, q, 1)
	require.Equal(t, []string{hers.ID}, q[0].Brought)
	for _, thread := range []string{"", "1.1"} {
		q[0].ThreadTS = thread
		_, err = b.bot.Find(b.ctx, search(q[0]))
		require.ErrorIs(t, err, &approval.CauseError{Cause: approval.Cause{Code: approval.FileNotHere, File: "payroll.csv", Channel: slacksim.Random}}, thread)
	}
	// A colleague's follow-up in a thread that has read a file which Slack does not show to them.
	of := search(q[0])
	of.Thread = []string{hers.ID}
	_, err = b.bot.Find(b.ctx, of)
	require.ErrorIs(t, err, &approval.CauseError{Cause: approval.Cause{Code: approval.FileNotYours, File: "payroll.csv", Channel: slacksim.Random}})
	// One that was handed to her with the thread is hers to ask about as long as whoever gave it could still give it.
	for giver, gives := range map[string]bool{slacksim.OtherAnalyst: true, slacksim.Reviewer: false} {
		of.Given = map[string][]string{hers.ID: {giver}}
		found, err := b.bot.Find(b.ctx, of)
		require.Equal(t, gives, err == nil, "%s: %v", giver, err)
		require.Len(t, found.Files, map[bool]int{true: 1}[gives])
	}
	of.Asker = slacksim.OtherAnalyst
	_, err = b.bot.Find(b.ctx, of)
	require.NoError(t, err, "its owner goes on with it")
	for who, in := range map[string]bool{slacksim.Analyst: true, slacksim.Guest: false, "U0NOBODY": false} {
		is, err := b.bot.Within(b.ctx, slacksim.Random, who)
		require.NoError(t, err)
		require.Equal(t, in, is, who)
	}
	is, err := b.bot.Within(b.ctx, jun.DM(), slacksim.Analyst)
	require.NoError(t, err)
	require.False(t, is, "a direct message is the place of one person")
	is, err = b.bot.Within(b.ctx, jun.DM(), slacksim.OtherAnalyst)
	require.NoError(t, err)
	require.True(t, is)
	b.sim.Fail(fault.Method{Method: "conversations.members", Error: "method_not_supported_for_channel_type"})
	is, err = b.bot.Within(b.ctx, slacksim.SalesData, slacksim.Analyst)
	require.NoError(t, err)
	require.False(t, is, "whom Slack does not name is not in it")
	b.sim.Fail(fault.Method{Method: "conversations.members", Error: "fatal_error"})
	_, err = b.bot.Within(b.ctx, slacksim.SalesData, slacksim.Analyst)
	require.ErrorContains(t, err, "conversations.members")
}

// Whoever was taken out of a private channel does not get at its files by asking again
// in a place of their own.
func TestAskingAgainElsewhereTakesNothingOutOfAChannel(t *testing.T) {
	t.Parallel()
	own, other := approval.File{ID: "F1", Name: "mine.csv"}, approval.File{ID: "F2", Name: "payroll.csv"}
	for name, tt := range map[string]struct {
		code  approval.CauseCode
		seek  *approval.Seek
		goes  []string
		fixed bool
	}{
		"the asker was taken out while it waited":  {code: approval.AskerNotIn},
		"the asker was not in when it was asked":   {code: approval.AskerNotIn, seek: &approval.Seek{Brought: []string{"F1", "F2"}}},
		"it was archived":                          {code: approval.ChannelArchived},
		"the bot was taken out":                    {code: approval.NotIn},
		"the bot was never in":                     {code: approval.NotIn, seek: &approval.Seek{Brought: []string{"F1"}}, goes: []string{"F1"}},
		"the bot was never in, of a thread":        {code: approval.NotSeen, seek: &approval.Seek{Brought: []string{"F1"}, Thread: "1.1"}},
		"it stays in its channel, where all is so": {code: "", goes: []string{"F1", "F2"}, fixed: true},
	} {
		b := setup(t)
		v := sample.View(sample.In(approval.Failed))
		v.Request.Files, v.Request.Seek = []approval.File{own, other}, tt.seek
		if tt.code != "" {
			v.Request.Cause = &approval.Cause{Code: tt.code, Channel: v.Request.Project, Person: v.Request.Asker}
		}
		n := sample.Notice(approval.NoticeAskBack, v, approval.AskedBack{Cause: v.Request.Cause})
		b.service.change(func() { b.service.views[v.Request.ID] = v })
		maya := b.as(slacksim.Analyst)
		post, err := b.bot.Tell(b.ctx, n, steps.NoticePost{Key: n.Key, Recipient: slacksim.Analyst})
		require.NoError(t, err, name)
		dm, err := maya.Find(post.Channel, post.TS)
		require.NoError(t, err, name)
		require.NoError(t, maya.Click(dm, "Ask again"), name)
		form, err := maya.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == ids.CallbackForm })
		require.NoError(t, err, name)
		from, err := draw.OriginOf(form.PrivateMetadata)
		require.NoError(t, err, name)
		require.Equal(t, tt.goes, from.Brought, name)
		require.Equal(t, tt.fixed, from.Channel != "", name)
		require.Equal(t, len(tt.goes) == 2, strings.Contains(form.Words(), "payroll.csv"), name)
		require.Equal(t, len(tt.goes) > 0, strings.Contains(form.Words(), "mine.csv"), name)
	}
}

func TestAChannelIsSeenAsItIs(t *testing.T) {
	t.Parallel()
	b := idle(t)
	place := func(channel, user string) approval.Place {
		p, err := b.bot.Place(b.ctx, channel, user)
		require.NoError(t, err)
		return p
	}
	maya := b.as(slacksim.Analyst)
	require.Equal(t, approval.Place{Seen: true, In: true}, place(slacksim.SalesData, slacksim.Analyst))
	require.Equal(t, approval.Place{Seen: true, In: true}, place(maya.DM(), slacksim.Analyst))
	require.Equal(t, approval.Place{Seen: true}, place(slacksim.Random, slacksim.Analyst))
	require.Equal(t, approval.Place{}, place("D0OTHERS", slacksim.Analyst))
	require.Equal(t, approval.Place{Seen: true, In: true, Private: true, AskerIn: true}, place(slacksim.CodeReview, slacksim.Reviewer))
	require.Equal(t, approval.Place{Seen: true, In: true, Private: true}, place(slacksim.CodeReview, slacksim.Analyst))
	b.sim.SetChannel(slacksim.SalesData, func(c *workspace.Channel) { c.IsArchived = true })
	require.Equal(t, approval.Place{Seen: true, In: true, Archived: true}, place(slacksim.SalesData, slacksim.Analyst))
	b.sim.Remove(slacksim.CodeReview, slacksim.BotUser)
	require.Equal(t, approval.Place{}, place(slacksim.CodeReview, slacksim.Reviewer), "Slack does not tell that it exists")
	b.sim.Fail(fault.Method{Method: "conversations.info", Error: "missing_scope"})
	require.Equal(t, approval.Place{}, place("G0GROUP", slacksim.Reviewer), "a conversation of several people, which the token may not read")
	b.sim.Fail(fault.Method{Method: "conversations.info", Error: "fatal_error"})
	_, err := b.bot.Place(b.ctx, slacksim.General, slacksim.Analyst)
	require.ErrorContains(t, err, "conversations.info "+slacksim.General)
}

// What Slack says of a file that cannot be had is told apart: gone for good, or out of
// sight. What it says when it has trouble of its own is neither.
func TestAFileThatIsGoneIsToldFromOneThatIsNotSeen(t *testing.T) {
	t.Parallel()
	b := idle(t)
	f := approval.File{ID: b.share(slacksim.SalesData, "sales.csv", "a\n1\n").Files[0].ID, Name: "sales.csv"}
	require.NoError(t, b.bot.Stat(b.ctx, f))
	code := func() approval.CauseCode {
		var lacks *approval.CauseError
		require.ErrorAs(t, b.bot.Stat(b.ctx, f), &lacks)
		require.Equal(t, "sales.csv", lacks.Cause.File)
		return lacks.Cause.Code
	}
	b.sim.Remove(slacksim.SalesData, slacksim.BotUser)
	for _, word := range []string{"", "access_denied", "not_visible", "channel_not_found", "403"} {
		b.sim.Answer(webapi.Answers{Unseen: word})
		require.Equal(t, approval.FileNotSeen, code(), word)
	}
	b.sim.Invite(slacksim.SalesData, slacksim.BotUser)
	require.NoError(t, b.bot.Stat(b.ctx, f))
	require.NoError(t, b.as(slacksim.Analyst).DeleteFile(f.ID))
	for word, want := range map[string]approval.CauseCode{"": approval.FileGone, "tombstone": approval.FileGone, "file_not_found": approval.FileNotSeen} {
		b.sim.Answer(webapi.Answers{Deleted: word})
		require.Equal(t, want, code(), word)
	}
	for _, fault := range []fault.Method{{Error: "fatal_error"}, {Status: 502}, {Error: "internal_error"}} {
		fault.Method = "files.info"
		b.sim.Fail(fault)
		err := b.bot.Stat(b.ctx, f)
		require.Error(t, err)
		require.False(t, errors.As(err, new(*approval.CauseError)), "it is asked again")
	}
}

func TestAFormThatWasSentOffEarlySaysNothingAboutFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	maya := b.as(slacksim.Analyst)
	sent := make(chan struct{})
	defer close(sent)
	b.sim.Fail(fault.Method{Method: "conversations.info", Do: func() { <-sent }})
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze"))
	v, ok := maya.View()
	require.True(t, ok, "the form does not wait for the files")
	require.Contains(t, v.Words(), "Looking for files in this channel")
	_, err := maya.Submit(slackperson.Fill(ids.FieldQuestion, "How many rows?"))
	require.NoError(t, err)
	q := b.service.questions()
	require.Len(t, q, 1)
	require.False(t, q[0].Given)
	require.Equal(t, []string{"sales.csv"}, b.finds(q[0]))
}
