package bot

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

func TestAQuestionIsTakenWithTheFileThatItNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.share(slacksim.SalesData, "sales.csv", "month,amount\n1,2\n")
	b.share(slacksim.SalesData, "costs.csv", "month,amount\n1,2\n")
	require.NoError(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/analyze What were sales per month in Sales.csv & why <b>?"))
	b.told(slacksim.Analyst, slacksim.SalesData, "On it.")
	q := b.service.questions()
	require.Len(t, q, 1)
	require.Equal(t, "What were sales per month in Sales.csv & why <b>?", q[0].Text)
	require.Equal(t, slacksim.Analyst, q[0].Asker)
	require.Equal(t, slacksim.SalesData, q[0].Project)
	require.Equal(t, slacksim.DefaultTeam.ID, q[0].Team)
	require.Equal(t, []string{"sales.csv"}, b.finds(q[0]))
	require.True(t, strings.HasPrefix(q[0].Trigger, "command "))
}

func TestTheCardIsApprovedWithOneClick(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := sample.View()
	b.service.views[v.Request.ID] = v
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress, steps.SurfaceCard)

	card := b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard])
	require.Equal(t, []string{ids.ActionApprove, ids.ActionReject, ids.ActionChanges, ids.ActionSaw, ids.ActionColumns, ids.ActionMore}, card.Actions())
	for _, words := range []string{"May this code run?", "What were sales per month", "1,204 rows × 2 columns", `3  sales = pd.read_csv("sales.csv")`,
		"What it does", "Low risk", "Reads sales.csv", "$7.88 of $10 left", "local sandbox"} {
		require.Contains(t, card.Words(), words)
	}
	require.NoError(t, b.as(slacksim.Reviewer).Click(card, ids.ActionApprove))
	rulings := b.service.decided()
	require.Len(t, rulings, 1)
	got := rulings[0]
	require.Equal(t, steps.Ruling{RequestID: v.Request.ID, Revision: 1, Digest: v.Request.Revision.Digest, Verdict: approval.Approve, Click: got.Click}, got)
	require.Equal(t, slacksim.Reviewer, got.Click.User)
	require.Equal(t, slacksim.CodeReview, got.Click.Channel)
	require.Equal(t, card.TS, got.Click.MessageTS)
	require.NotEmpty(t, got.Click.ActionTS)

	b.service.change(func() { sample.In(approval.Approved)(v) })
	b.publish(v, steps.SurfaceProgress, steps.SurfaceCard)
	card = b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard])
	require.Equal(t, []string{ids.ActionDisown}, card.Actions(), "nothing is decided here any more, and who did not can say so")
	require.Contains(t, card.Words(), "Approved")
	require.Contains(t, card.Words(), approval.Short(v.Request.Revision.Digest))
	require.Contains(t, card.Text, "<@"+slacksim.Reviewer+">")
	require.NoError(t, b.as(slacksim.Reviewer).Click(card, ids.ActionDisown))
	b.told(slacksim.Reviewer, slacksim.CodeReview, "has been withdrawn")
	require.Equal(t, "disown", b.service.wishes()[0].what)
}

func TestRejectingAsksForAReason(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := sample.View()
	b.service.views[v.Request.ID] = v
	b.publish(v, steps.SurfaceRoot, steps.SurfaceCard)
	ben := b.as(slacksim.Reviewer)
	card := b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard])
	require.NoError(t, ben.Click(card, ids.ActionReject))
	_, err := ben.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == ids.CallbackReason })
	require.NoError(t, err)
	require.Empty(t, b.service.decided())
	_, err = ben.Submit(slackperson.Fill(ids.FieldReason, "It reads the wrong column."))
	require.NoError(t, err)
	require.NoError(t, ben.WaitNoView(b.ctx))
	rulings := b.service.decided()
	require.Len(t, rulings, 1)
	require.Equal(t, approval.Reject, rulings[0].Verdict)
	require.Equal(t, "It reads the wrong column.", rulings[0].Reason)
	require.Equal(t, v.Request.Revision.Digest, rulings[0].Digest)
	require.Equal(t, card.TS, rulings[0].Click.MessageTS)
}

func TestTheAnswerComesWithItsTableItsChartAndItsBill(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress)
	res := approval.Result{Outcome: approval.OK, Stdout: "twelve months\n", Code: 1_300_000_000,
		Tables:   []approval.Grid{{Title: "Sales per month", Columns: []string{"month", "amount"}, Rows: [][]string{{"Jan", "12.5"}, {"Feb", "<3>"}}, TotalRows: 12}},
		Observed: approval.Observed{Witness: &approval.Witness{Source: approval.WitnessGVisor, Opened: []string{"sales.csv"}, Started: []string{}, Connected: []string{}, Complete: true}}}
	sample.With(res, approval.Artifact{Name: "chart.png", Kind: "chart", Alt: "Bars per month", Data: png}, approval.Artifact{Name: "table.csv", Kind: "table", Data: []byte("month,amount\n")})(v)
	v.Request.Run.Result.Tables[0].Numbers = []bool{false, true}
	b.publish(v, steps.SurfaceProgress, steps.SurfaceAnswer, steps.SurfaceFiles, steps.SurfaceReply, steps.SurfaceSheets)
	thread := b.as(slacksim.Analyst).Thread(slacksim.SalesData, v.Session.ThreadTS)
	require.Len(t, thread, 6)
	require.Contains(t, thread[1].Text, "Done in 1.3 seconds")
	require.Empty(t, thread[1].Actions())
	require.Equal(t, "<@U0MAYA> Here is the answer. The program wrote no sentence, so this is what it showed.", thread[2].Text)
	require.Len(t, thread[3].Files, 1)
	require.Equal(t, "Bars per month", thread[3].Files[0].AltTxt)
	require.Equal(t, "bars-per-month.png", thread[3].Files[0].Name)
	require.Equal(t, "table.csv", thread[5].Files[0].Name, "last and quiet")
	for _, words := range []string{"Sales per month", "first 2 of 12 rows; all in the CSV", "<3>", "twelve months", "Seen from outside the code", "Opened sales.csv. No network, no other programs · ",
		"under 1 cent · $7.88 of $10 left", "Show code", "Details", "Good", "Not good"} {
		require.Contains(t, thread[4].Words(), words)
	}
	require.Contains(t, thread[4].Text, "Jan, 12.5")
	require.Contains(t, thread[4].Text, "&lt;3&gt;")
	require.NotContains(t, thread[4].Text, "Here is the answer.", "it is said once")
}

// png is a picture of one dot.
var png = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82")
