package draw

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/bot/kit"
)

func TestNumbersAreWrittenForPeople(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"0", "999", "1,000", "1,234,567"}, []string{kit.Thousands(0), kit.Thousands(999), kit.Thousands(1000), kit.Thousands(1234567)})
	require.Equal(t, "1 row", kit.Count(1, "row"))
	require.Equal(t, "under 0.1 seconds", kit.Seconds(time.Millisecond))
	require.Equal(t, "2.0 seconds", kit.Seconds(2*time.Second))
	require.Equal(t, "ab…", kit.Cut("abcdef", 3))
	require.Equal(t, "…ef", end("abcdef", 3))
}

// The names of a workbook's sheets are anybody's words.
func TestANameInAFileStaysInItsPlaceOnTheCard(t *testing.T) {
	t.Parallel()
	items := fileLines([]approval.File{{Name: "sales.xlsx", Reading: &reading.Reading{Kind: "xlsx", Tables: []reading.Table{{Name: "Q1\nReviewed: \u202eko", Rows: 2, Columns: make([]reading.Column, 3)}}}}}, mostRemarks)
	_, _, line := kit.Section(items[0])
	require.Equal(t, `sales.xlsx: Q1 Reviewed: \u{202e}ko 2 rows × 3 columns; read as Excel, no heading`, line)
}

// Who hears a table hears of fewer rows than others see, and how many there are.
func TestATableThatIsHeardSaysWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	g := approval.Grid{Columns: []string{"n"}, TotalRows: 12}
	for n := range 12 {
		g.Rows = append(g.Rows, []string{fmt.Sprint(n + 1)})
	}
	heard := func(g approval.Grid) string {
		p := &kit.Page{}
		grid(p, g, true, false)
		return p.Text()
	}
	require.Contains(t, heard(g), "Table: 12 rows.\nFirst 10 of 12 rows:\nn\n1\n")
	require.NotContains(t, heard(g), "\n11")
	g.Rows, g.TotalRows = g.Rows[:10], 10
	require.Contains(t, heard(g), "Table: 10 rows.\nn\n1\n")
}

// Slack does not let anything stand beside the rich text of a message that was
// nothing else, such as the button of a wait that begins again.
func TestProgressCanGetItsButtonBack(t *testing.T) {
	t.Parallel()
	for _, state := range approval.States() {
		p := Progress(With{}, sample.View(sample.In(state)))
		require.True(t, state.Final() || len(p.Blocks) > 1, state)
	}
}

// Whoever's approval has fallen is named as Slack names people, on the card and in the thread.
func TestAReviewerReadsWhoseApprovalHasFallen(t *testing.T) {
	t.Parallel()
	back := approval.Reason{Code: approval.WhyBrokenSeal, Fallen: []approval.Fallen{{Code: approval.NoReviewer, Who: "U0BEN"}, {Code: approval.NoDelegate, Who: "U0MAYA", For: "U0BEN"}, {Code: approval.NoMember, Who: "U0CARLA"}},
		Why: []approval.Reason{approval.Words("The rules give <it> no network.")}}
	v := sample.View(func(v *steps.View) { v.Request.Reason = back })
	for _, p := range []*kit.Page{Card(With{}, v, false), Progress(With{}, v)} {
		require.Contains(t, p.Text(), "<@U0BEN>, who approved it, is no longer a reviewer here. <@U0MAYA>, who approved it, no longer decides in place of <@U0BEN>. "+
			"<@U0CARLA>, who approved it, is no longer a full member of this workspace. The rules give &lt;it&gt; no network. The approval no longer counts")
		blocks := string(sample.MustJSON(p.Blocks))
		require.Contains(t, blocks, `{"type":"user","user_id":"U0BEN"}`)
		require.NotContains(t, blocks, "@U0BEN")
	}
}
