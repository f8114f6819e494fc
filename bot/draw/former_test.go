package draw_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/approval/thread"
	"countersign/bot/draw"
	"countersign/bot/draw/sample"
)

// saw is what a reviewer reads of a long thread's draft.
func saw(past thread.Past) string {
	var said []string
	for _, b := range draw.SawView(sample.View(sample.Lengthy), past).Blocks.BlockSet {
		said = append(said, string(sample.MustJSON([]slack.Block{b})))
	}
	return strings.Join(said, "\n")
}

// What was sealed as told is not passed over when it is gone: nobody reads that the model knew nothing.
func TestWhatAModelSawIsCountedWhenItIsGone(t *testing.T) {
	t.Parallel()
	whole := saw(sample.Past())
	require.NotContains(t, whole, "so not shown")
	require.Contains(t, whole, "They asked for sales per month")

	none := saw(thread.Past{})
	require.Contains(t, none, "2 earlier questions")
	require.Contains(t, none, " that it was told whole: taken back or forgotten since, so not shown.")
	require.Contains(t, none, "A summary of earlier questions")
	require.NotContains(t, none, "Nothing was said before it")

	one := sample.Past()
	one.Said = slices.DeleteFunc(one.Said, func(m approval.Message) bool { return m.RequestID == "r2" || m.RequestID == "q7x2mkd" })
	said := saw(one)
	require.Contains(t, said, "1 earlier question\"")
	require.Contains(t, said, "Only the north, please.")
	require.NotContains(t, said, "They asked for sales per month", "the summary holds words of what is gone")

	forgotten := sample.Past()
	for i := range forgotten.Said {
		forgotten.Said[i].Text = ""
	}
	require.Equal(t, none, saw(forgotten))
}

// An answer in a thread that was at rest says since when, and so does what its reviewers read. One that is repeated does not.
func TestAnAnswerSaysThatItsThreadWasAtRest(t *testing.T) {
	t.Parallel()
	at := func(day string) func(*steps.View) {
		return func(v *steps.View) { v.Request.Revision.Manifest.Thread.Rested = day }
	}
	came := sample.With(approval.Result{Outcome: approval.OK, Answer: "Revenue was 1,236."})
	const says = "This thread was at rest since 3 June 2026."
	require.Contains(t, draw.Reply(sample.View(came, at("2026-06-03")), true).Text(), says)
	require.NotContains(t, draw.Reply(sample.View(came), true).Text(), "at rest")
	again := func(v *steps.View) { v.Request.Repeats = &approval.Repeat{Request: "b7k2m9x"} }
	require.NotContains(t, draw.Reply(sample.View(came, at("2026-06-03"), again), true).Text(), "at rest")
	view := draw.SawView(sample.View(at("2026-06-03")), thread.Past{})
	require.Contains(t, string(sample.MustJSON(view.Blocks.BlockSet)), "The thread was at rest since 3 June 2026")
}

// A chat that was begun with a channel in view goes by that channel's rules: its asker reads so.
func TestAChatNamesTheChannelWhoseRulesItGoesBy(t *testing.T) {
	t.Parallel()
	b := stand{models: models}
	for _, state := range []approval.State{approval.Drafting, approval.Pending} {
		v := sample.View(sample.In(state))
		v.Request.Private, v.Session.Channel = true, "D0MAYA"
		require.Contains(t, draw.Progress(b.with(), v).Text(), "By the rules and the budget of ")
		v.Session.Channel = v.Request.Project
		require.NotContains(t, draw.Progress(b.with(), v).Text(), "By the rules")
		v.Session.Channel = "D0MAYA"
		v.Request.Project = v.Session.Channel
		require.NotContains(t, draw.Progress(b.with(), v).Text(), "By the rules")
	}
}
