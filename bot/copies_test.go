package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// shared is an answer that its asker has shared in #general, an hour after its run.
func shared(change ...func(v *steps.View)) *steps.View {
	v := sample.View(change...)
	v.Request.Copies = []approval.Copy{{Channel: slacksim.General, By: slacksim.Analyst, At: v.Request.Run.FinishedAt.Add(time.Hour)}}
	return v
}

func TestACopyWaitsForItsFilesFromWhenItWasShared(t *testing.T) {
	t.Parallel()
	b := idle(t, blocked(1))
	v := shared(sample.With(approval.Result{Outcome: approval.OK}, approval.Artifact{Name: "chart.png", Kind: "chart", Data: png},
		approval.Artifact{Name: "table.csv", Kind: "table", Data: []byte("a\n1\n")}))
	message, files := steps.CopyIn(slacksim.General), steps.CopyFilesIn(slacksim.General)
	v.Posts[steps.SurfaceFiles] = steps.Post{TS: "none", Shown: "uploaded\nwithout chart.png"} // in its own thread
	v.Now = v.Request.Copies[0].At.Add(time.Minute)
	b.publish(v, message)
	said := b.read(slacksim.Analyst, v.Posts[message])
	require.Contains(t, said.Words(), "Charts and files are in the thread.")
	require.NotContains(t, said.Words(), "Slack rejected", "that was elsewhere")
	_, err := b.bot.Publish(b.ctx, v, files)
	require.ErrorContains(t, err, "no route to host", "it may pass")

	v.Now = v.Now.Add(uploadPatience)
	b.publish(v, files, message)
	said = b.read(slacksim.Analyst, v.Posts[message])
	require.Contains(t, said.Words(), "Slack rejected chart.png, table.csv")
	require.NotContains(t, said.Words(), "in the thread", "none has come")
}

func TestWhatACopyLeavesOutOfWhatWasPrintedComesAsAFile(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := shared(sample.With(approval.Result{Outcome: approval.OK, Stdout: strings.Repeat("a line of text\n", 1000)}))
	message := steps.CopyIn(slacksim.General)
	b.publish(v, message, steps.CopyFilesIn(slacksim.General))
	require.Contains(t, b.read(slacksim.Analyst, v.Posts[message]).Words(), "That is not all: the rest is in")
	thread := b.as(slacksim.Analyst).Thread(slacksim.General, v.Posts[message].TS)
	require.Len(t, thread, 2)
	require.Equal(t, "output.txt", thread[1].Files[0].Name)
}

func TestTheThreadSaysWhereAnAnswerCouldNotBeShared(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := shared(sample.With(approval.Result{Outcome: approval.OK, Value: "42"}))
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress)
	require.NotContains(t, b.read(slacksim.Analyst, v.Posts[steps.SurfaceProgress]).Words(), "Not shared")
	v.Unseen = map[steps.Surface]steps.Unseen{steps.CopyIn(slacksim.General): {Why: steps.Outside, Times: 1}}
	b.publish(v, steps.SurfaceProgress)
	said := b.read(slacksim.Analyst, v.Posts[steps.SurfaceProgress])
	require.Contains(t, said.Text, "Not shared")
	require.Contains(t, said.Text, "<#"+slacksim.General+">")
	require.Contains(t, said.Text, "I am no longer in that channel. Once that is fixed, within three days, the answer is posted there on its own.")
}

// What is posted anew takes the place of the old message, so that Take back finds all of an answer.
func TestAnAnswerThatIsPostedAnewStandsOnce(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"edit_window_closed", "cant_update_message", "block_mismatch", "message_not_found"} {
		b := idle(t)
		v := shared(sample.With(approval.Result{Outcome: approval.OK, Value: "4711"}, approval.Artifact{Name: "chart.png", Kind: "chart", Data: png}))
		kinds := []steps.Surface{steps.SurfaceAnswer, steps.SurfaceReply, steps.CopyIn(slacksim.General)}
		b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress)
		b.publish(v, kinds...)
		for _, kind := range append(kinds, steps.SurfaceProgress) {
			first := v.Posts[kind]
			first.Shown = "something else"
			v.Posts[kind] = first
			b.sim.Fail(fault.Method{Method: "chat.update", Error: code, Times: 2})
			before := len(b.sim.Calls("chat.delete"))
			b.publish(v, kind)
			require.NotEqual(t, first.TS, v.Posts[kind].TS, "%s %s", code, kind)
			_, err := b.as(slacksim.Analyst).Find(first.Channel, first.TS)
			if code == "message_not_found" || kind == steps.SurfaceProgress {
				require.Len(t, b.sim.Calls("chat.delete"), before, "%s %s: there is nothing to go", code, kind)
			} else {
				require.Error(t, err, "%s %s", code, kind)
			}
		}
	}
	// Where Slack keeps the old one, the new one is posted all the same.
	b := idle(t)
	v := shared(sample.With(approval.Result{Outcome: approval.OK, Value: "4711"}))
	b.publish(v, steps.SurfaceRoot, steps.SurfaceReply)
	first := v.Posts[steps.SurfaceReply]
	first.Shown = "something else"
	v.Posts[steps.SurfaceReply] = first
	b.sim.Fail(fault.Method{Method: "chat.update", Error: "edit_window_closed", Times: 2})
	b.sim.Fail(fault.Method{Method: "chat.delete", Error: "cant_delete_message"})
	b.publish(v, steps.SurfaceReply)
	require.NotEqual(t, first.TS, v.Posts[steps.SurfaceReply].TS)
	require.Contains(t, b.log.String(), "an outdated answer stays in Slack")
}

func TestThePeopleOfAChannelAreLookedAtOnceForAllFiles(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.publish(sample.View(), steps.SurfaceRoot) // from now on the bot knows which workspace is its own
	var files []approval.File
	for _, name := range []string{"sales.csv", "costs.csv"} {
		m := b.share(slacksim.General, name, "a\n1\n")
		files = append(files, approval.File{ID: m.Files[0].ID, Name: name})
	}
	hidden, err := b.bot.Hidden(b.ctx, files, slacksim.General)
	require.NoError(t, err)
	require.Nil(t, hidden)
	require.Empty(t, b.sim.Calls("users.info"), "what is shared there is seen there")
	hidden, err = b.bot.Hidden(b.ctx, files, slacksim.CodeReview)
	require.NoError(t, err)
	require.Nil(t, hidden)
	require.Len(t, b.sim.Calls("users.info"), 4, "its three people and the bot, each of them once")
	hidden, err = b.bot.Hidden(b.ctx, files, slacksim.SalesData)
	require.NoError(t, err)
	require.Equal(t, "sales.csv", hidden.Name, "a guest is there")
	m, err := b.as(slacksim.Reviewer).Share(slacksim.CodeReview, "", "wages.csv", []byte("a\n1\n"))
	require.NoError(t, err)
	before := len(b.sim.Calls("users.info"))
	hidden, err = b.bot.Hidden(b.ctx, append(files, approval.File{ID: m.Files[0].ID, Name: "wages.csv"}), slacksim.Partners)
	require.NoError(t, err)
	require.Equal(t, "wages.csv", hidden.Name)
	require.Len(t, b.sim.Calls("users.info"), before, "nobody is looked at in vain")
}

// Of many people each would be a call. The list of the workspace says the same in a few, and one guest among them is enough.
func TestTheManyPeopleOfAChannelAreLookedAtByTheListOfTheWorkspace(t *testing.T) {
	t.Parallel()
	for _, of := range []struct {
		many  int
		guest bool
	}{{mostLooked + 10, false}, {mostLooked + 10, true}, {3*peopleAtOnce + 10, false}, {3*peopleAtOnce + 10, true}} {
		b := idle(t, func(w *slacksim.Options, _ *Options) {
			w.Users, w.Channels = slacksim.DefaultUsers(), slacksim.DefaultChannels()
			at := slices.IndexFunc(w.Channels, func(c workspace.Channel) bool { return c.ID == slacksim.CodeReview })
			for n := range of.many {
				u := workspace.User{ID: fmt.Sprintf("U0CROWD%03d", n), Name: fmt.Sprint("crowd", n), RealName: fmt.Sprint("One of many ", n), IsRestricted: of.guest && n == of.many-1}
				w.Users, w.Channels[at].Members = append(w.Users, u), append(w.Channels[at].Members, u.ID)
			}
		})
		b.publish(sample.View(), steps.SurfaceRoot) // from now on the bot knows which workspace is its own
		m := b.share(slacksim.General, "sales.csv", "a\n1\n")
		hidden, err := b.bot.Hidden(b.ctx, []approval.File{{ID: m.Files[0].ID, Name: "sales.csv"}}, slacksim.CodeReview)
		require.NoError(t, err)
		require.Equal(t, of.guest, hidden != nil, "%+v", of)
		require.Empty(t, b.sim.Calls("users.info"))
		require.Len(t, b.sim.Calls("users.list"), of.many/peopleAtOnce+1, "in pages")
	}
}

// Where Slack takes longer to tell of its people than somebody waits for, the answer comes in a message.
func TestAShareThatTakesLongIsAnsweredLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, reply := b.ended(sample.With(approval.Result{Outcome: approval.OK, Answer: "It was 42."}))
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Click(reply, "Share"))
	var calls atomic.Int32
	b.service.change(func() {
		b.service.hold = func(context.Context) error {
			if calls.Add(1) == 1 {
				return fmt.Errorf("users.list: %w", context.DeadlineExceeded)
			}
			return nil
		}
	})
	wrong, err := maya.Submit(slackperson.Fill(ids.FieldChannel, slacksim.General))
	require.NoError(t, err)
	require.Empty(t, wrong)
	b.told(slacksim.Analyst, slacksim.SalesData, "The answer is being posted in")
	require.Equal(t, []string{v.Request.ID + " " + slacksim.General + " " + slacksim.Analyst}, b.service.gone)
	note, open := maya.View()
	require.True(t, open)
	require.Contains(t, note.Words(), "Checking who is in that channel")
}
