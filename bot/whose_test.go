package bot

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/internal/slacksim"
)

// What the bot has posted as the answer to one question is no input of another, but in its
// own thread or when somebody picks it.
func TestAResultIsAnInputOnlyInItsThreadOrByHand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.share(slacksim.SalesData, "orders_may.csv", "a\n1\n")
	v := sample.View(sample.With(approval.Result{Outcome: approval.OK}, approval.Artifact{Name: "total.csv", Kind: "table", Data: []byte("a\n1\n")}))
	b.publish(v, steps.SurfaceRoot, steps.SurfaceSheets)
	require.Equal(t, []string{"orders_may.csv"}, b.finds(inSales("What is the total amount in orders_may.csv?")))
	require.Equal(t, []string{"orders_may.csv"}, b.finds(inSales("What is the total amount?")))
	cause := b.lacks("What is in total.csv?")
	require.Equal(t, approval.NoFile, cause.Code)
	require.Equal(t, "total.csv", cause.Files[0].Name, "a press picks it by hand")

	follow := inSales("What is in total.csv?")
	follow.Follow, follow.ThreadTS = true, v.Session.ThreadTS
	require.Equal(t, []string{"total.csv"}, b.finds(follow))
	follow.ThreadTS = "1.1"
	_, err := b.bot.Find(b.ctx, search(follow))
	require.ErrorContains(t, err, "no such file", "not in another thread")

	picked := inSales("How many rows?")
	picked.Files = cause.Files
	require.Equal(t, []string{"total.csv"}, b.finds(picked))
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze"))
	form := b.offered(maya)
	require.Contains(t, string(sample.MustJSON(form.Blocks)), "a result of mine, ")
}

func TestAThreadKeepsItsFileWhateverItsWordsAreCalled(t *testing.T) {
	t.Parallel()
	b := idle(t)
	own := b.share(slacksim.SalesData, "vgsales.csv", "a\n1\n").Files[0]
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	require.Equal(t, []string{"vgsales.csv"}, b.finds(inSales("Total sales per genre in vgsales.csv?")), "one input")
	q := search(inSales("now total sales by platform, the top 10"))
	q.Seek = approval.Seek{Follow: true, Thread: "1.1", Brought: []string{own.ID}}
	q.Files, q.Thread = []approval.File{{ID: own.ID, Name: "vgsales.csv"}}, []string{own.ID}
	found, err := b.bot.Find(b.ctx, q)
	require.NoError(t, err)
	require.Len(t, found.Files, 1)
	require.Equal(t, own.ID, found.Files[0].ID)
	q.Files = nil
	found, err = b.bot.Find(b.ctx, q)
	require.NoError(t, err)
	require.Equal(t, "sales.csv", found.Files[0].Name, "a thread without files takes a word for a file")
}

func TestAThreadThatHasReadTwoFilesHasBothAtHand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	train, test := b.share(slacksim.SalesData, "train.csv", "a\n1\n").Files[0], b.share(slacksim.SalesData, "test.csv", "a\n1\n").Files[0]
	q := search(inSales("back to the survival rates"))
	q.Seek = approval.Seek{Follow: true, Thread: "1.1", Brought: []string{train.ID, test.ID}}
	q.Files, q.Thread = []approval.File{{ID: test.ID, Name: "test.csv"}, {ID: train.ID, Name: "train.csv"}}, []string{test.ID, train.ID}
	found, err := b.bot.Find(b.ctx, q)
	require.NoError(t, err)
	require.Equal(t, []string{"test.csv", "train.csv"}, approval.FileNames(found.Files))

	// The form offers them, too, before those of the channel.
	b.service.change(func() { b.service.ofThread = q.Files })
	maya := b.as(slacksim.Analyst)
	root, err := maya.Say(slacksim.SalesData, "Survival?")
	require.NoError(t, err)
	require.NoError(t, maya.MessageShortcut(root, ids.CallbackAskMessage))
	form := b.offered(maya)
	require.Contains(t, string(sample.MustJSON(form.Blocks)), "read in this thread before")
	from, err := draw.OriginOf(form.PrivateMetadata)
	require.NoError(t, err)
	require.Equal(t, []string{test.ID, train.ID}, from.Brought)

	// One that has been deleted is left out, and said; without any left the question asks back.
	require.NoError(t, maya.DeleteFile(train.ID))
	found, err = b.bot.Find(b.ctx, q)
	require.NoError(t, err)
	require.Equal(t, []string{"test.csv"}, approval.FileNames(found.Files))
	require.Equal(t, "train.csv", found.Unread)
	require.NoError(t, maya.DeleteFile(test.ID))
	_, err = b.bot.Find(b.ctx, q)
	require.ErrorIs(t, err, &approval.CauseError{Cause: approval.Cause{Code: approval.FileGone, File: "train.csv"}})
}

func TestTheFormSaysWhoHasSharedAFileAndWhen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	_, err := b.as(slacksim.OtherAnalyst).Share(slacksim.SalesData, "", "costs.csv", []byte("a\n1\n"))
	require.NoError(t, err)
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze"))
	words := string(sample.MustJSON(b.offered(maya).Blocks))
	require.Equal(t, 2, strings.Count(words, "shared by "), words)
	require.Regexp(t, `shared by .+, \d+ \w+, \d\d:\d\d`, words)
}

func TestAVagueQuestionsFormSaysWhyItOpened(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	b.share(slacksim.SalesData, "costs.csv", "a\n1\n")
	cause := b.lacks("How many rows?")
	v := sample.View(sample.In(approval.Failed))
	v.Request.Cause = &cause
	b.service.change(func() { b.service.views[v.Request.ID] = v })
	n := sample.Notice(approval.NoticeAskBack, v, approval.AskedBack{Cause: &cause})
	post, err := b.bot.Tell(b.ctx, n, steps.NoticePost{Key: n.Key, Recipient: slacksim.Analyst})
	require.NoError(t, err)
	maya := b.as(slacksim.Analyst)
	dm, err := maya.Find(post.Channel, post.TS)
	require.NoError(t, err)
	require.NoError(t, maya.Click(dm, "Choose files"))
	require.Contains(t, b.offered(maya).Words(), "Your question does not say which file it is about.")
}
