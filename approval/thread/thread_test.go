package thread

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign/approval"
)

// asked is a question of so many bytes with its code and its result.
func asked(id string, bytes int, ended bool) []approval.Message {
	list := []approval.Message{
		{RequestID: id, Role: approval.RoleQuestion, Text: "Question " + id + strings.Repeat(".", bytes), Ended: ended},
		{RequestID: id, Role: approval.RoleCode, Text: "print(" + id + ")\n", Ended: ended},
	}
	if ended {
		list = append(list, approval.Message{RequestID: id, Role: approval.RoleResult, Text: "shape of " + id, Ended: true, Result: &approval.Result{Outcome: approval.OK, Answer: "secret of " + id}})
	}
	return list
}

// thread is so many questions, of a thousand bytes each.
func threadOf(n int) (p Past) {
	for i := range n {
		p.Said = append(p.Said, asked(fmt.Sprint("r", i+1), 1000, true)...)
	}
	return p
}

// made is what a model makes of a gap.
func made(g *Gap, words string) approval.Summary {
	s := g.Summary
	s.Text = words
	return s
}

func TestWhatFitsIsToldWhole(t *testing.T) {
	t.Parallel()
	p := threadOf(5)
	told := p.Tell(approval.Shape, 10_000)
	require.Len(t, told.Said, 15)
	require.Zero(t, told.Left)
	require.Nil(t, p.Gap(approval.Shape, 10_000, 40_000))
	require.NotContains(t, fmt.Sprint(told.Said), "secret")
	require.False(t, told.Results)
	told = p.Tell(approval.Statistics, 10_000)
	require.Contains(t, fmt.Sprint(told.Said), "secret of r1")
	require.True(t, told.Results)
	require.Nil(t, Past{}.Gap(approval.Shape, 10_000, 40_000))
	require.Zero(t, Past{}.Tell(approval.Shape, 10_000))
}

// The newest stay whole, the oldest are summed up, and half of the room is free again.
func TestWhatHasNoRoomIsSummedUpOnce(t *testing.T) {
	t.Parallel()
	p := threadOf(7)
	told := p.Tell(approval.Shape, 10_000)
	require.Len(t, told.Said, 18)
	require.Equal(t, 1, told.Left, "without a summary the oldest are left out")
	g := p.Gap(approval.Shape, 10_000, 40_000)
	require.Equal(t, []string{"r1", "r2", "r3", "r4", "r5"}, g.Summary.Of)
	require.Len(t, g.Said, 15)
	require.Equal(t, approval.Shape, g.Summary.Saw)
	first := made(g, "Five questions.")
	p.Summaries = append(p.Summaries, first)
	told = p.Tell(approval.Shape, 10_000)
	require.Equal(t, first, told.Summary)
	require.Equal(t, []string{"r6", "r7"}, told.Held([]string{"r6", "r7"}, true).Whole)
	require.Zero(t, told.Left)
	require.Nil(t, p.Gap(approval.Shape, 10_000, 40_000), "it is made once")

	// Four more have room beside it; a fifth has not, and what is summed up goes on from there.
	said := p.Said
	p.Said = threadOf(11).Said
	require.Equal(t, said, p.Said[:len(said)])
	require.Nil(t, p.Gap(approval.Shape, 10_000, 40_000))
	require.Len(t, p.Tell(approval.Shape, 10_000).Said, 18)
	p.Said = threadOf(13).Said
	g = p.Gap(approval.Shape, 10_000, 40_000)
	require.Equal(t, first, g.Before)
	require.Equal(t, "r6", g.Said[0].RequestID, "nothing is summed up twice")
	require.Len(t, g.Summary.Of, 11)

	// Who asked before the summary ends cannot use it, and neither can another thread.
	require.Empty(t, Past{Said: threadOf(4).Said, Summaries: p.Summaries}.Tell(approval.Shape, 3000).Summary)
}

// What is under way is in no summary: its result would be split from its question.
func TestWhatIsUnderWayIsNotSummedUp(t *testing.T) {
	t.Parallel()
	p := Past{Said: asked("open", 1000, false)}
	p.Said = append(p.Said, threadOf(7).Said...)
	g := p.Gap(approval.Shape, 10_000, 40_000)
	require.Equal(t, []string{"r1", "r2", "r3", "r4", "r5"}, g.Summary.Of)
	p.Summaries = []approval.Summary{made(g, "Five.")}
	require.Equal(t, "open", p.Tell(approval.Shape, 10_000).Said[0].RequestID, "there is room for it again")
	// It ends after that, and changes nothing of the summary.
	p.Said[0].Ended, p.Said[1].Ended = true, true
	require.Equal(t, "Five.", p.Tell(approval.Shape, 10_000).Summary.Text)
	require.Nil(t, Past{Said: asked("open", 20_000, false)}.Gap(approval.Shape, 10_000, 40_000))
}

// A summary that was made of results is not told where results may not be, and one of something
// that has gone or changed is told nowhere.
func TestASummaryIsUsedAsLongAsTheSameCouldBeTold(t *testing.T) {
	t.Parallel()
	p := threadOf(7)
	g := p.Gap(approval.Samples, 10_000, 40_000)
	require.Equal(t, approval.Statistics, g.Summary.Saw)
	require.Contains(t, fmt.Sprint(g.Said), "secret of r1")
	p.Summaries = []approval.Summary{made(g, "Results.")}
	require.True(t, p.Tell(approval.Statistics, 9000).Results)
	require.Equal(t, "Results.", p.Tell(approval.Statistics, 9000).Summary.Text)
	off := p.Tell(approval.Shape, 7000)
	require.Zero(t, off.Summary)
	require.NotContains(t, fmt.Sprint(off.Said), "secret")
	again := p.Gap(approval.Shape, 7000, 40_000)
	require.Zero(t, again.Before, "it is no part of a new one either")
	require.NotContains(t, fmt.Sprint(again.Said), "secret")
	// The other way round what it was made of may be told.
	p.Summaries = []approval.Summary{made(again, "Shapes.")}
	require.Equal(t, "Shapes.", p.Tell(approval.Samples, 7500).Summary.Text)

	p.Said[0].Text = "" // its words were forgotten
	require.Zero(t, p.Tell(approval.Samples, 7000).Summary)
}

// What came to nothing is paid for once, and not by each question of the thread.
func TestASummaryThatFailedIsNotTriedAgainAtOnce(t *testing.T) {
	t.Parallel()
	p := threadOf(7)
	g := p.Gap(approval.Shape, 10_000, 40_000)
	p.Summaries = []approval.Summary{made(g, "")}
	require.Nil(t, p.Gap(approval.Shape, 10_000, 40_000))
	told := p.Tell(approval.Shape, 10_000)
	require.Zero(t, told.Summary)
	require.Equal(t, 1, told.Left, "all that has room is there")
	p.Said = threadOf(12).Said
	require.NotNil(t, p.Gap(approval.Shape, 10_000, 40_000), "half a room later it is")
}

func TestASmallRoomHasNoSummary(t *testing.T) {
	t.Parallel()
	p := threadOf(7)
	require.Nil(t, p.Gap(approval.Shape, 3000, 40_000))
	require.Nil(t, p.Gap(approval.Shape, 10_000, 0), "no more is asked than a call takes")
	require.Len(t, p.Gap(approval.Shape, 10_000, 3500).Said, 6)
}

// What the seal says is what the prompt held, and no more.
func TestWhatAPromptHeldIsCounted(t *testing.T) {
	t.Parallel()
	told := Told{Said: threadOf(3).Said, Summary: approval.Summary{ID: "s", Text: "Two.", Of: []string{"a", "b"}}, Left: 1}
	require.Equal(t, approval.Context{Whole: []string{"r1", "r2", "r3"}, Summary: "s", Left: 1}, told.Held([]string{"r1", "r2", "r3"}, true))
	require.Equal(t, approval.Context{Whole: []string{"r3"}, Left: 5}, told.Held([]string{"r3"}, false))
	whole := Past{Said: threadOf(3).Said}.Whole([]string{"r2"}, approval.Statistics)
	require.Len(t, whole, 1)
	require.Equal(t, 1, whole[0].Lines)
	require.Contains(t, whole[0].Result, "secret of r2")
}

// Whatever was said, however little room there is: what is told fits, nothing is lost without
// being counted, and calls for summaries come to an end.
func TestEveryQuestionIsToldOrCounted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var p Past
		n := rapid.IntRange(0, 30).Draw(t, "questions")
		for i := range n {
			p.Said = append(p.Said, asked(fmt.Sprint("r", i), rapid.IntRange(0, 6000).Draw(t, "bytes"), rapid.IntRange(0, 4).Draw(t, "ended") > 0)...)
		}
		room, most := rapid.IntRange(0, 20_000).Draw(t, "room"), rapid.IntRange(0, 40_000).Draw(t, "most")
		sight := rapid.SampledFrom(approval.Sights()).Draw(t, "sight")
		check := func() {
			told := p.Tell(sight, room)
			size := takes(told.Summary)
			for _, m := range told.Said {
				size += len(m.Text) + around
			}
			require.LessOrEqual(t, size, room)
			whole := map[string]int{}
			for _, m := range told.Said {
				whole[m.RequestID]++
			}
			for id, messages := range whole {
				require.NotContains(t, told.Summary.Of, id)
				require.GreaterOrEqual(t, messages, 2, "no question is split")
			}
			require.Equal(t, n, len(whole)+len(told.Summary.Of)+told.Left)
		}
		check()
		for calls := 0; ; calls++ {
			require.Less(t, calls, n+1, "each call sums up something more")
			g := p.Gap(sight, room, most)
			if g == nil {
				break
			}
			size := takes(g.Before)
			for _, m := range g.Said {
				size += len(m.Text) + around
				require.True(t, m.Ended)
			}
			require.LessOrEqual(t, size, most)
			words := strings.Repeat("w", rapid.IntRange(0, approval.MostSummary).Draw(t, "words"))
			p.Summaries = append(p.Summaries, made(g, words))
			if words == "" {
				require.Nil(t, p.Gap(sight, room, most), "just this is not tried again")
				break
			}
			check()
		}
	})
}

// A summary holds words of its questions, also of one that was forgotten or taken back.
func TestASummaryIsShownWhileAllOfItIsThere(t *testing.T) {
	t.Parallel()
	p := threadOf(2)
	require.True(t, p.Shows(approval.Summary{Of: []string{"r1", "r2"}, Text: "Two."}))
	require.False(t, p.Shows(approval.Summary{Of: []string{"r1", "r2"}}), "its words were forgotten")
	require.False(t, p.Shows(approval.Summary{Of: []string{"r1", "gone"}, Text: "Two."}))
	p.Said[0].Text = ""
	require.False(t, p.Shows(approval.Summary{Of: []string{"r1", "r2"}, Text: "Two."}))
	require.True(t, p.Shows(approval.Summary{Of: []string{"r2"}, Text: "One."}))
}

// What was taken back is no longer said. A summary that tells of it stands no more, whenever it was
// made: also one from what was read before, booked after. One of other questions stays.
func TestASummaryOfWhatWasTakenBackIsNotUsed(t *testing.T) {
	t.Parallel()
	p := threadOf(7)
	before := made(p.Gap(approval.Shape, 10_000, 40_000), "Five questions.")
	without := func(id string) (left Past) {
		for _, m := range p.Said {
			if m.RequestID != id {
				left.Said = append(left.Said, m)
			}
		}
		left.Summaries = []approval.Summary{before}
		return left
	}
	require.Contains(t, before.Of, "r2")
	left := without("r2")
	require.Zero(t, left.Tell(approval.Shape, 7000).Summary)
	g := left.Gap(approval.Shape, 7000, 40_000)
	require.Zero(t, g.Before, "it is no part of a new one either")
	require.NotContains(t, g.Summary.Of, "r2")
	require.NotContains(t, before.Of, "r7")
	require.Equal(t, before, without("r7").Tell(approval.Shape, 5000).Summary, "nothing of it is in there, and nobody pays again")
}

// A thread is at rest once nobody has said anything in it for long enough. What was forgotten says
// nothing, and of whatever is told the day is known.
func TestAThreadComesToRest(t *testing.T) {
	t.Parallel()
	const stale = 14 * 24 * time.Hour
	asked := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	p := threadOf(7)
	require.Zero(t, Past{}.Rested(asked, stale), "nothing was said")
	require.Zero(t, p.Rested(asked, stale), "nobody knows when")
	for i := range p.Said {
		p.Said[i].At = asked.Add(-40*24*time.Hour + time.Duration(i)*time.Minute)
	}
	last := p.Said[len(p.Said)-1].At
	require.Equal(t, last, p.Rested(asked, stale))
	require.Equal(t, last, p.Rested(last.Add(stale), stale))
	require.Zero(t, p.Rested(last.Add(stale-time.Second), stale))
	require.Zero(t, p.Rested(last.Add(-time.Hour), stale), "it was answered only after this was asked")

	g := p.Gap(approval.Shape, 10_000, 40_000)
	p.Summaries = []approval.Summary{made(g, "Five questions.")}
	told := p.Tell(approval.Shape, 10_000)
	require.Equal(t, p.Said[14].At, told.Until, "the result of the fifth, whenever it was summed up")
	require.Equal(t, last, told.Said[len(told.Said)-1].At)

	for i := 3; i < len(p.Said); i++ {
		p.Said[i].Text = ""
	}
	require.Equal(t, p.Said[2].At, p.Rested(asked, stale))
	p.Said = append(p.Said, approval.Message{RequestID: "new", Role: approval.RoleQuestion, Text: "And now?", At: asked.Add(-time.Hour)})
	require.Zero(t, p.Rested(asked, stale), "one question wakes it")
}
