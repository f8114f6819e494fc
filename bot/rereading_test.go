package bot

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// undecided is a request whose reviewers have not decided, with its line in the thread.
func (b *bundle) undecided(change ...func(*steps.View)) *steps.View {
	b.t.Helper()
	v := sample.View(change...)
	b.service.change(func() { b.service.views[v.Request.ID] = v })
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress)
	return v
}

func TestTheAskerSaysHowAFileIsRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.undecided()
	line := b.read(slacksim.Analyst, v.Posts[steps.SurfaceProgress])
	other := b.as(slacksim.OtherAnalyst)
	require.NoError(t, other.Click(line, "Not read right?"))
	_, open := other.View()
	require.False(t, open)
	b.told(slacksim.OtherAnalyst, slacksim.SalesData, "Only the person who asked can say how a file is to be read.")

	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Click(line, "Not read right?"))
	form, open := maya.View()
	require.True(t, open)
	require.Contains(t, form.Words(), "read as delimiter comma, UTF-8, heading in line 1", "how it is read now")
	for _, wrong := range []struct{ field, says, why string }{{ids.FieldHeading, "four", "A number from 1 to 200"}, {ids.FieldAsText, "prize", "There is no column “prize”."}, {ids.FieldHeading, "", "Say what should be read otherwise."}} {
		refused, err := maya.Submit(slackperson.Fill(wrong.field, wrong.says))
		require.NoError(t, err)
		require.Contains(t, refused[wrong.field], wrong.why)
	}
	refused, err := maya.Submit(slackperson.Fill(ids.FieldHeading, "4").And(ids.FieldDecimal, "Comma: 1,5").And(ids.FieldDelimiter, "Tab").And(ids.FieldAsText, "month"))
	require.NoError(t, err)
	require.Empty(t, refused)
	require.Equal(t, []string{"F1: numbers have a decimal comma", "F1: the delimiter is a tab", "F1: the heading is row 4", "F1: “month”: kept as text"}, b.service.corrected)
}

// Under an answer the same asks the question again, in its thread, with what was said of the file.
func TestAnAnswerOverAFileThatWasReadWronglyIsAskedForAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, reply := b.ended(sample.With(approval.Result{Outcome: approval.OK, Answer: "It was 42."}))
	maya := b.as(slacksim.Analyst)
	for range 2 {
		require.NoError(t, maya.Click(reply, "Not read right?"))
		refused, err := maya.Submit(slackperson.Fill(ids.FieldHeading, "none"))
		require.NoError(t, err)
		require.Empty(t, refused)
	}
	require.Empty(t, b.service.corrected)
	q := b.service.questions()
	require.Len(t, q, 1, "a second press asks nothing twice")
	require.Equal(t, v.Request.Question, q[0].Text)
	require.NotEmpty(t, q[0].ThreadTS)
	require.Equal(t, "no heading", q[0].Files[0].Answers[0].Words())
	require.Equal(t, slacksim.Analyst, q[0].Files[0].Answers[0].By)
	require.Empty(t, q[0].Files[0].SHA256, "it is looked at as it is now")
}

// Each of two files is asked for again, though the same is said of both. One that cannot be read
// otherwise is never taken for one of them.
func TestEachFileThatWasReadWronglyIsAskedForAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, reply := b.ended(sample.With(approval.Result{Outcome: approval.OK, Answer: "It was 42."}), func(v *steps.View) {
		other := v.Request.Files[0]
		other.ID, other.Name = "F2", "costs.csv"
		whole := approval.File{ID: "F0", Name: "a.parquet", SHA256: other.SHA256, Reading: &reading.Reading{Version: 1, Kind: "parquet", Tables: other.Reading.Tables}}
		v.Request.Files = append([]approval.File{whole}, v.Request.Files[0], other)
	})
	maya := b.as(slacksim.Analyst)
	for _, name := range []string{"sales.csv", "costs.csv"} {
		require.NoError(t, maya.Click(reply, "Not read right?"))
		refused, err := maya.Submit(slackperson.Fill(ids.FieldFiles, name).And(ids.FieldHeading, "none"))
		require.NoError(t, err)
		require.Empty(t, refused)
	}
	q := b.service.questions()
	require.Len(t, q, 2)
	for n, at := range []int{1, 2} {
		require.Equal(t, "no heading", q[n].Files[at].Answers[0].Words())
		require.Empty(t, q[n].Files[0].Answers)
	}
}

// Where one file alone can be read otherwise, it is the one that is meant.
func TestTheFileThatIsOfferedIsTheOneThatIsRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, reply := b.ended(sample.With(approval.Result{Outcome: approval.OK, Answer: "It was 42."}), func(v *steps.View) {
		f := v.Request.Files[0]
		whole := approval.File{ID: "F0", Name: "a.parquet", SHA256: f.SHA256, Reading: &reading.Reading{Version: 1, Kind: "parquet", Tables: f.Reading.Tables}}
		v.Request.Files = []approval.File{whole, f}
	})
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Click(reply, "Not read right?"))
	refused, err := maya.Submit(slackperson.Fill(ids.FieldHeading, "none"))
	require.NoError(t, err)
	require.Empty(t, refused)
	q := b.service.questions()
	require.Len(t, q, 1)
	require.Empty(t, q[0].Files[0].Answers)
	require.Len(t, q[0].Files[1].Answers, 1)
}

func TestLettersAreShownToTheAskerAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.letters = [][]string{{"Région of the file", "R‚gion of the file"}}
	v := b.undecided(sample.In(approval.Asking), func(v *steps.View) {
		v.Request.Files[0].Reading = &reading.Reading{Version: 1, Kind: "text", Encoding: "cp850", Others: []string{"cp1252"}, Tables: []reading.Table{{Columns: []reading.Column{{Name: "a", Type: "text"}}}}}
	})
	line := b.read(slacksim.Analyst, v.Posts[steps.SurfaceProgress])
	require.Contains(t, line.Words(), "Its letters can be read in more than one way")
	require.Contains(t, line.Words(), "Compare costs a little. Otherwise nothing is written or paid while I wait")
	require.Equal(t, []string{ids.ActionCompare, ids.ActionAnswer, ids.ActionAnswer2, ids.ActionReread, ids.ActionCancel}, line.Actions())
	other := b.as(slacksim.OtherAnalyst)
	require.NoError(t, other.Click(line, "Compare"))
	_, open := other.View()
	require.False(t, open)

	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Click(line, "Compare"))
	_, err := maya.WaitView(b.ctx, func(v workspace.View) bool {
		return strings.Contains(v.Words(), "R‚gion of the file") && strings.Contains(v.Words(), "Région of the file")
	})
	require.NoError(t, err)
	refused, err := maya.Submit(slackperson.Fill(ids.FieldEncoding, "windows-1252 (Western)"))
	require.NoError(t, err)
	require.Empty(t, refused)
	require.Len(t, b.service.answered, 1)
	require.Contains(t, b.service.answered[0], "cp1252")
	for _, m := range maya.Thread(slacksim.SalesData, v.Session.ThreadTS) {
		require.NotContains(t, m.Words(), "of the file", "nothing of it stands in the thread")
	}

	b.service.change(func() {
		b.service.letters, b.service.refused = nil, &approval.InputError{Why: approval.Words("There is no box.")}
	})
	require.NoError(t, maya.Click(line, "Compare"))
	_, err = maya.WaitView(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "There is no box.") })
	require.NoError(t, err, "why there are none")
}
