package bot

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
)

func TestWhatShowsAlreadyIsNotSentAgain(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	kinds := []steps.Surface{steps.SurfaceRoot, steps.SurfaceProgress, steps.SurfaceCard}
	b.publish(v, kinds...)
	had := map[steps.Surface]steps.Post{}
	for k, p := range v.Posts {
		had[k] = p
	}
	b.sim.Fail(fault.Method{Method: "*", Error: "fatal_error", Times: -1})
	b.publish(v, kinds...)
	require.Equal(t, had, v.Posts)
}

func TestOneMessageIsRewrittenInPlace(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View(sample.In(approval.Drafting))
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress)
	first := v.Posts[steps.SurfaceProgress]
	for _, state := range []approval.State{approval.Pending, approval.Approved, approval.Running, approval.Withdrawn} {
		next := sample.View(sample.In(state))
		next.Posts, next.Session = v.Posts, v.Session
		b.publish(next, steps.SurfaceProgress)
		require.Equal(t, first.TS, next.Posts[steps.SurfaceProgress].TS)
	}
	thread := b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Session.ThreadTS)
	require.Len(t, thread, 2)
	require.Contains(t, thread[1].Text, "Cancelled")
}

func TestAMessageThatSomebodyDeletedIsPostedAnew(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress)
	first := v.Posts[steps.SurfaceProgress]
	v.Request.State = approval.Withdrawn
	for _, code := range []string{"message_not_found", "edit_window_closed"} {
		b.sim.Fail(fault.Method{Method: "chat.update", Error: code, Times: 2})
		v.Posts[steps.SurfaceProgress] = first
		b.publish(v, steps.SurfaceProgress)
		require.NotEqual(t, first.TS, v.Posts[steps.SurfaceProgress].TS)
	}
	v.Posts[steps.SurfaceProgress] = first
	b.sim.Fail(fault.Method{Method: "chat.update", Error: "fatal_error"})
	_, err := b.bot.Publish(b.ctx, v, steps.SurfaceProgress)
	require.ErrorContains(t, err, "rewrite the progress of bcd23fg: fatal_error")
}

func TestAThreadOfSomebodyElseGetsNoRoot(t *testing.T) {
	t.Parallel()
	b := idle(t)
	m, err := b.as(slacksim.Analyst).Say(slacksim.SalesData, "How many?")
	require.NoError(t, err)
	v := sample.View()
	v.Session.ThreadTS = m.TS
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress)
	b.publish(v, steps.SurfaceRoot)
	require.Equal(t, steps.Post{RequestID: v.Request.ID, Surface: steps.SurfaceRoot, Channel: slacksim.SalesData, TS: m.TS, Shown: "theirs"}, v.Posts[steps.SurfaceRoot])
	require.Len(t, b.as(slacksim.Analyst).Thread(slacksim.SalesData, m.TS), 2)
}

func TestATheadThatIsNotRememberedYetIsFoundByItsRoot(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot)
	v.Session.ThreadTS = "" // the program died between remembering the one and the other
	b.publish(v, steps.SurfaceProgress)
	require.Len(t, b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Posts[steps.SurfaceRoot].TS), 2)
}

func TestFilesAreUploadedOnce(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot)
	sample.With(approval.Result{Outcome: approval.OK}, approval.Artifact{Name: "notes.txt", Kind: "file", Data: []byte("x")}, approval.Artifact{Name: "empty.csv", Kind: "table"},
		approval.Artifact{Name: "table.csv", Kind: "table", Data: []byte("a\n1\n")}, approval.Artifact{Name: "chart.png", Kind: "chart", Alt: "Bars", Data: png})(v)
	for range 2 {
		b.publish(v, steps.SurfaceFiles, steps.SurfaceSheets)
	}
	thread := b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Session.ThreadTS)
	require.Len(t, thread, 3)
	var names []string
	for _, f := range append(thread[1].Files, thread[2].Files...) {
		names = append(names, f.Name)
	}
	require.Equal(t, []string{"bars.png", "table.csv", "notes.txt"}, names, "charts by themselves, called after what is on them; an empty file is none")
	require.Equal(t, thread[1].Files[0].ID, v.Posts[steps.SurfaceFiles].TS)

	empty := sample.View(sample.With(approval.Result{Outcome: approval.OK}, approval.Artifact{Name: "empty.csv", Kind: "table"}))
	empty.Session = v.Session
	b.publish(empty, steps.SurfaceSheets)
	require.Equal(t, "none", empty.Posts[steps.SurfaceSheets].TS)
}

func TestAnUploadThatFailsIsAnError(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot)
	sample.With(approval.Result{Outcome: approval.OK, Stdout: strings.Repeat("line\n", 1000)}, approval.Artifact{Name: "chart.png", Kind: "chart", Data: png})(v)
	b.sim.Fail(fault.Method{Method: "files.getUploadURLExternal", Error: "fatal_error", Times: 2})
	_, err := b.bot.Publish(b.ctx, v, steps.SurfaceFiles)
	require.ErrorContains(t, err, "upload chart.png: fatal_error")
	_, err = b.bot.Publish(b.ctx, v, steps.SurfaceSheets)
	require.ErrorContains(t, err, "upload output.txt: fatal_error")
}

func TestAnAnswerComesWithoutTheFilesThatSlackRefuses(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot)
	printed := strings.Repeat("a line of text\n", 1000)
	sample.With(approval.Result{Outcome: approval.OK, Stdout: printed}, approval.Artifact{Name: "chart.png", Kind: "chart", Data: png},
		approval.Artifact{Name: "table.csv", Kind: "table", Data: []byte("a\n1\n")})(v)
	refuse := func(method, code string) { b.sim.Fail(fault.Method{Method: method, Error: code}) }
	refuse("files.getUploadURLExternal", "file_type_blocked")
	b.publish(v, steps.SurfaceFiles, steps.SurfaceReply)
	b.sim.Fail(fault.Method{Method: "files.getUploadURLExternal", Delay: 1}) // the table gets through
	refuse("files.getUploadURLExternal", "file_uploads_disabled")
	for range 2 {
		b.publish(v, steps.SurfaceSheets, steps.SurfaceReply)
		thread := b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Session.ThreadTS)
		require.Len(t, thread, 3)
		require.Equal(t, "table.csv", thread[2].Files[0].Name, "what Slack takes is there")
		require.Len(t, thread[2].Files, 1)
		for _, words := range []string{"Here is the answer.", "Slack rejected chart.png, output.txt. An administrator can find the reason in the log.",
			"That is not all, but Slack rejected the file with the rest."} {
			require.Contains(t, thread[1].Text, words)
		}
	}
	require.Contains(t, b.log.String(), "file_type_blocked")

	// Slack takes them, and does not share them.
	v = sample.View()
	b.publish(v, steps.SurfaceRoot)
	sample.With(approval.Result{Outcome: approval.OK}, approval.Artifact{Name: "chart.png", Kind: "chart", Data: png})(v)
	refuse("files.completeUploadExternal", "posting_to_general_channel_denied")
	b.publish(v, steps.SurfaceFiles, steps.SurfaceReply)
	thread := b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Session.ThreadTS)
	require.Len(t, thread, 2)
	require.Contains(t, thread[1].Text, "Slack rejected chart.png")
	require.NotContains(t, thread[1].Text, "Above")
}

// blocked is a network in which Slack's upload host, which is not its API, takes
// only so many files.
func blocked(takes int) func(*slacksim.Options, *Options) {
	return func(_ *slacksim.Options, o *Options) {
		o.HTTPClient = &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.Path, "/upload/") {
				if takes--; takes < 0 {
					return nil, errors.New("no route to host")
				}
			}
			return http.DefaultTransport.RoundTrip(r)
		})}
	}
}

func TestAnAnswerWaitsOnlySoLongForFilesThatDoNotGetThrough(t *testing.T) {
	t.Parallel()
	b := idle(t, blocked(0))
	v := sample.View()
	b.publish(v, steps.SurfaceRoot)
	sample.With(approval.Result{Outcome: approval.OK, Stdout: strings.Repeat("a line of text\n", 1000)}, approval.Artifact{Name: "chart.png", Kind: "chart", Data: png},
		approval.Artifact{Name: "table.csv", Kind: "table", Data: []byte("a\n1\n")}, approval.Artifact{Name: "more.csv", Kind: "table", Data: []byte("a\n1\n")})(v)
	v.Now = v.Request.Run.FinishedAt.Add(time.Minute)
	_, err := b.bot.Publish(b.ctx, v, steps.SurfaceFiles)
	require.ErrorContains(t, err, "no route to host", "it may pass")
	require.Len(t, b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Session.ThreadTS), 1)

	v.Now = v.Request.Run.FinishedAt.Add(4 * time.Minute)
	b.publish(v, steps.SurfaceFiles, steps.SurfaceReply, steps.SurfaceSheets, steps.SurfaceReply)
	thread := b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Session.ThreadTS)
	require.Len(t, thread, 2)
	for _, words := range []string{"Here is the answer.", "Slack rejected chart.png, table.csv, more.csv, output.txt. An administrator can find the reason in the log.",
		"That is not all, but Slack rejected the file with the rest.", "$7.88 of $10 left"} {
		require.Contains(t, thread[1].Text, words)
	}
	require.NotContains(t, thread[1].Text, "Above")
	require.Contains(t, b.log.String(), "are not waited for")

	// What had got through is there; an API that fails is waited for, however long.
	b = idle(t, blocked(1))
	v.Posts = map[steps.Surface]steps.Post{}
	v.Session.ThreadTS = ""
	b.publish(v, steps.SurfaceRoot)
	b.sim.Fail(fault.Method{Method: "files.getUploadURLExternal", Error: "internal_error"})
	_, err = b.bot.Publish(b.ctx, v, steps.SurfaceFiles)
	require.ErrorContains(t, err, "internal_error")
	b.publish(v, steps.SurfaceFiles, steps.SurfaceReply)
	b.publish(v, steps.SurfaceSheets, steps.SurfaceReply)
	thread = b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Session.ThreadTS)
	require.Len(t, thread, 3)
	require.Equal(t, "chart.png", thread[1].Files[0].Name)
	require.Contains(t, thread[2].Text, "this is what it showed.\nSlack rejected table.csv, more.csv, output.txt. An administrator can find the reason in the log.")
}

func TestAnUploadMayTakeLongerThanACall(t *testing.T) {
	t.Parallel()
	const call = 5 * time.Second
	b := idle(t, func(_ *slacksim.Options, o *Options) {
		o.HTTPClient = &http.Client{Timeout: call, Transport: trip(func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.Path, "/upload/") {
				time.Sleep(2 * call) // a slow line
			}
			return http.DefaultTransport.RoundTrip(r)
		})}
	})
	v := sample.View()
	b.publish(v, steps.SurfaceRoot)
	sample.With(approval.Result{Outcome: approval.OK}, approval.Artifact{Name: "chart.png", Kind: "chart", Data: png})(v)
	b.publish(v, steps.SurfaceFiles)
	require.Len(t, b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Session.ThreadTS), 2)
}

func TestPrintedTextThatIsTooLongComesAsAFile(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot)
	printed := strings.Repeat("a line of text\n", 1000)
	sample.With(approval.Result{Outcome: approval.OK, Stdout: printed})(v)
	b.publish(v, steps.SurfaceReply, steps.SurfaceSheets)
	thread := b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Session.ThreadTS)
	require.Len(t, thread, 3)
	require.Equal(t, "output.txt", thread[2].Files[0].Name)
	got, err := b.as(slacksim.Analyst).Download(thread[2].Files[0].ID)
	require.NoError(t, err)
	require.Equal(t, printed, string(got))
	require.Contains(t, thread[1].Text, "the rest is in output.txt")
	b.publish(v, steps.SurfaceReply, steps.SurfaceSheets)
	require.Len(t, b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Session.ThreadTS), 3)

	// A program's own file of that name stays what it is, and the words name the other one.
	b = idle(t)
	v = sample.View()
	b.publish(v, steps.SurfaceRoot)
	sample.With(approval.Result{Outcome: approval.OK, Stdout: printed}, approval.Artifact{Name: "Output.txt", Kind: "file", Data: []byte("its own")},
		approval.Artifact{Name: "printed.txt", Kind: "file", Data: []byte("as well")})(v)
	b.publish(v, steps.SurfaceReply, steps.SurfaceSheets)
	thread = b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Session.ThreadTS)
	require.Contains(t, thread[1].Text, "the rest is in printed-2.txt")
	held := map[string]string{}
	for _, f := range thread[2].Files {
		got, err := b.as(slacksim.Analyst).Download(f.ID)
		require.NoError(t, err)
		held[f.Name] = string(got)
	}
	require.Equal(t, map[string]string{"Output.txt": "its own", "printed.txt": "as well", "printed-2.txt": printed}, held)
}

func TestAWorkspaceWithoutTableBlocksGetsTheTableAsText(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot)
	sample.With(approval.Result{Outcome: approval.OK, Tables: []approval.Grid{{Columns: []string{"month", "amount"}, Rows: [][]string{{"Jan", "12"}}, TotalRows: 1}}})(v)
	b.sim.Fail(fault.Method{Method: "chat.postMessage", Error: "invalid_blocks"})
	b.publish(v, steps.SurfaceReply)
	require.Contains(t, b.read(slacksim.Analyst, v.Posts[steps.SurfaceReply]).Words(), "month  amount\nJan        12")
}

func TestASurfaceThatIsNoneIsAnError(t *testing.T) {
	t.Parallel()
	b := idle(t)
	_, err := b.bot.Publish(b.ctx, sample.View(), "banner")
	require.ErrorContains(t, err, "no such surface")
	b.sim.Fail(fault.Method{Method: "chat.postMessage", Error: "not_in_channel"})
	_, err = b.bot.Publish(b.ctx, sample.View(), steps.SurfaceCard)
	require.ErrorContains(t, err, "post the card of bcd23fg in "+slacksim.CodeReview+": ")
	require.ErrorContains(t, err, "not_in_channel")
	require.ErrorIs(t, err, steps.ErrNoPlace)

	v := sample.View()
	b.publish(v, steps.SurfaceCard)
	v.Request.Revision.Number = 2
	b.sim.Remove(slacksim.CodeReview, slacksim.BotUser)
	_, err = b.bot.Publish(b.ctx, v, steps.SurfaceCard)
	require.ErrorIs(t, err, steps.ErrNoPlace, "the card of the version before cannot give way either")
	other := idle(t, func(_ *slacksim.Options, o *Options) { o.BotToken = "xoxb-wrong" })
	_, err = other.bot.Publish(b.ctx, sample.View(), steps.SurfaceCard)
	require.ErrorContains(t, err, "invalid_auth")
}

// Slack puts a reply into the channel itself where the message that began its thread is not there any more. It is tried
// once, whoever tries: the refusal is in the request's rows.
func TestAThreadThatIsGoneIsTriedOnceByAllReplicas(t *testing.T) {
	t.Parallel()
	b := idle(t)
	maya := b.as(slacksim.Analyst)
	root, err := maya.Say(slacksim.SalesData, "how many?")
	require.NoError(t, err)
	v := sample.View(sample.With(approval.Result{Outcome: approval.OK, Value: "42"}, approval.Artifact{Name: "chart.png", Kind: "chart", Data: png}))
	v.Session.ThreadTS = root.TS
	b.publish(v, steps.SurfaceRoot)
	require.NoError(t, maya.Delete(root))
	refused := func(bot *Bot, kinds ...steps.Surface) {
		for _, kind := range kinds {
			_, err := bot.Publish(b.ctx, v, kind)
			var no *steps.PostError
			require.ErrorAs(t, err, &no, kind)
			require.Equal(t, steps.ThreadGone, no.Code, kind)
		}
	}
	all := []steps.Surface{steps.SurfaceProgress, steps.SurfaceFiles, steps.SurfaceReply, steps.SurfaceSheets}
	refused(b.bot, steps.SurfaceReply)
	require.Len(t, b.sim.Calls("chat.postMessage"), 1, "in no other form")
	refused(b.bot, all...)
	v.Unseen = map[steps.Surface]steps.Unseen{steps.SurfaceReply: {Surface: steps.SurfaceReply, Channel: slacksim.SalesData, Code: steps.ThreadGone, Times: 1}}
	another := New(Options{Log: b.bot.Log, BotToken: b.sim.BotToken(), AppToken: b.sim.AppToken(), APIURL: b.sim.APIURL(), Services: every(b.service), Policy: b.bot.Policy})
	refused(another, all...)
	require.Len(t, b.sim.Calls("chat.postMessage"), 1)
	require.Len(t, b.sim.Calls("chat.delete"), 1)
	require.Empty(t, maya.Messages(slacksim.SalesData))
	delete(v.Unseen, steps.SurfaceReply)
	v.Session.ThreadTS, v.Posts = "", map[steps.Surface]steps.Post{}
	b.publish(v, steps.SurfaceRoot, steps.SurfaceReply) // another thread of the channel
}

// That an answer of Slack's names no thread is not enough to delete a message.
func TestAReplyIsDeletedOnlyIfItsLinkNamesNoThreadEither(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View(sample.With(approval.Result{Outcome: approval.OK, Value: "42"}))
	b.publish(v, steps.SurfaceRoot, steps.SurfaceReply)
	reply := v.Posts[steps.SurfaceReply]
	require.False(t, b.bot.publishing.threads.Lost(b.ctx, reply, v.Session.ThreadTS))
	require.Contains(t, b.log.String(), "but the message's link does")
	root := v.Posts[steps.SurfaceRoot]
	b.sim.Fail(fault.Method{Method: "chat.getPermalink", Error: "internal_error"})
	require.False(t, b.bot.publishing.threads.Lost(b.ctx, root, "1.2"), "nobody knows")
	require.Contains(t, b.log.String(), "its link cannot be had")
	require.Empty(t, b.sim.Calls("chat.delete"))
	require.False(t, b.bot.publishing.threads.Gone(v, slacksim.SalesData, "1.2"))
	require.True(t, b.bot.publishing.threads.Lost(b.ctx, root, "1.2"))
	require.Len(t, b.sim.Calls("chat.delete"), 1)
	require.True(t, b.bot.publishing.threads.Gone(v, slacksim.SalesData, "1.2"))
}
