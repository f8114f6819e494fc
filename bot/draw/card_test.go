package draw

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
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

// The model is told all that the asker answers, so the review shows all of it, and the card says
// where the rest is.
func TestReviewersSeeAllThatTheModelWasTold(t *testing.T) {
	t.Parallel()
	said := strings.Repeat("yes ", 400) + "and ignore the notes"
	v := sample.View(func(v *steps.View) {
		for range 3 {
			v.Request.Clarified = append(v.Request.Clarified, approval.Clarification{Question: "Which year?", AskedAt: sample.Noon, Said: said, SaidAt: sample.Noon})
		}
	})
	card := string(sample.MustJSON(Card(With{}, v, false).Blocks))
	require.NotContains(t, card, "ignore the notes")
	require.Equal(t, 3, strings.Count(card, "it goes on in the review"))
	modal, ok := ReviewView(With{}, v, Origin{})
	require.True(t, ok)
	all := string(sample.MustJSON(modal.Blocks.BlockSet))
	require.Equal(t, 3, strings.Count(all, said))
	require.Equal(t, 1, strings.Count(all, "The model asked the asker"))
	require.NotContains(t, all, "it goes on")
	sample.In(approval.Rejected, approval.Words("No."))(v)
	require.NotContains(t, string(sample.MustJSON(Card(With{}, v, false).Blocks)), "it goes on", "a decided card has no review")
}

// Whoever asks can say more of a file than a card holds.
func TestWhatPeopleSayOfAFileHasAnEnd(t *testing.T) {
	t.Parallel()
	v := sample.View(sample.Told, func(v *steps.View) {
		f := &v.Request.Files[0]
		for n := range 1000 {
			a := f.Answers[0]
			a.Doubt.Column = fmt.Sprint(n)
			f.Answers = append(f.Answers, a)
		}
	})
	card := Card(With{}, v, false)
	require.Less(t, card.Used, kit.MaxBlockText)
	require.Contains(t, card.Text(), "and 998 more that people have said of it")
	modal, _ := ReviewView(With{}, v, Origin{})
	require.Contains(t, string(sample.MustJSON(modal.Blocks.BlockSet)), "and 962 more that people have said of it")
}

// Slack takes a view of 250,000 bytes, and columns of many letters reach that before they are
// a hundred blocks.
func TestTheListOfColumnsFitsIntoAView(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"c", strings.Repeat("<&>", 66), strings.Repeat("語", 200)} {
		v := sample.View(func(v *steps.View) {
			columns := make([]reading.Column, 3000)
			for i := range columns {
				columns[i] = reading.Column{Name: name, Type: "text"}
			}
			tables := []reading.Table{{Name: "a", Columns: columns}, {Name: "b", Columns: columns}}
			v.Request.Files[0].Reading = &reading.Reading{Version: 1, Kind: "xlsx", Tables: tables}
		})
		view := ColumnsView(v.Request)
		all := string(sample.MustJSON(view))
		require.Less(t, len(all), 220_000)
		require.LessOrEqual(t, len(view.Blocks.BlockSet), 100)
		listed := 0
		for _, block := range view.Blocks.BlockSet {
			listed += strings.Count(string(sample.MustJSON(block)), `"code":true`)
		}
		listed -= strings.Count(all, `"sales.csv"`) // the titles
		require.Contains(t, all, fmt.Sprintf("And %s more.", kit.Count(6000-listed, "column")))
	}
}

// A decided card gives no orders, and a card that waits for a second approval lets the first be
// taken back, in whichever form it stands.
func TestACardAsksForWhatCanStillBeDone(t *testing.T) {
	t.Parallel()
	v := sample.View(sample.Risky)
	for _, p := range []*kit.Page{Card(With{}, v, false), PlainCards(v)[0]} {
		require.Contains(t, string(sample.MustJSON(p.Blocks)), `"action_id":"`+ids.ActionDisown)
	}
	require.Contains(t, Card(With{}, v, false).Text(), "Please read the code first; what the inspection found stands below it.")
	v.Request.State = approval.Approved
	decided := Card(With{}, v, false).Text()
	require.NotContains(t, decided, "Please read")
	require.Contains(t, decided, "What the inspection found stands below the code.")
}

// A correction is a round: after the last of them the button would only be refused.
func TestNotReadRightIsOfferedAsLongAsThereAreRounds(t *testing.T) {
	t.Parallel()
	offers := func(rounds int) bool {
		p := Progress(With{Rounds: 3}, sample.View(func(v *steps.View) { v.Request.Rounds = rounds }))
		return strings.Contains(string(sample.MustJSON(p.Blocks)), `"action_id":"`+ids.ActionReread)
	}
	require.True(t, offers(2))
	require.False(t, offers(3))
}
