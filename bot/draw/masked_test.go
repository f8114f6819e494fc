package draw_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/masked"
	"countersign/bot/draw/sample"
	"countersign/bot/kit"
	"countersign/internal/slacksim"
)

// telling is an answer that tells of a canary wherever it can.
func telling(masked bool) *steps.View {
	const canary = "canary@leak.example"
	v := sample.View(sample.In(approval.Done), sample.With(approval.Result{Outcome: approval.OK, Answer: "Most came from " + canary, Said: []string{"of " + canary}, Value: canary, Stdout: canary + "\n",
		LeftOut: []approval.Rows{{Count: 1, Why: canary}}, Notes: []string{canary}, Tables: []approval.Grid{{Title: canary, Columns: []string{canary}, Rows: [][]string{{canary}}, TotalRows: 1}}},
		approval.Artifact{Name: canary + ".csv", Kind: "table", Alt: canary}, approval.Artifact{Name: "orders of " + canary + ".xlsx", Kind: "file"}))
	v.Next = []string{"What else did " + canary + " buy?"}
	v.Book.House = review.RuleSet{Version: 1, Rules: review.Rules{Masked: masked}}
	v.Request.Question = "What did " + canary + " buy?"
	v.Request.Copies = []approval.Copy{{Channel: slacksim.SalesData, By: v.Request.Asker}}
	return v
}

func shownBy(t *testing.T, p *kit.Page) string {
	t.Helper()
	text, err := json.Marshal(p.Blocks)
	require.NoError(t, err)
	return string(text)
}

// What is shared is masked, and says so. Where it was asked the answer is whole, unless the channel's rules mask it.
func TestWhatIsSharedIsMasked(t *testing.T) {
	t.Parallel()
	v := telling(false)
	copied := shownBy(t, draw.Copy(v, slacksim.SalesData, true))
	require.NotContains(t, copied, "canary")
	require.Contains(t, copied, "Most came from [e-mail masked]")
	require.Contains(t, copied, "Masked here: 12 e-mail addresses.")
	require.Contains(t, copied, "Not posted here, because nobody can mask it: orders of [e-mail masked].xlsx.")
	answer := shownBy(t, draw.Reply(v, true))
	require.Contains(t, answer, "Most came from canary@leak.example")
	require.Contains(t, answer, "What else did canary@leak.example buy?")
	require.NotContains(t, answer, "asked]")
	require.Contains(t, v.Request.Run.Result.Answer, "canary", "the record is what it was")
	require.Len(t, v.Artifacts, 2)

	again := telling(true)
	again.Request.Repeats = &approval.Repeat{Request: "bcd23fh", Asker: slacksim.Analyst, At: sample.Noon}
	again.Request.Run.Result.Compared = &approval.Compared{With: "bcd23fh", Differs: []approval.Difference{{What: approval.DifferentFile, Name: "canary@leak.example.csv", Now: "0a1b"},
		{What: approval.DifferentCell, Name: "canary@leak.example", Column: "canary@leak.example", Row: 1, Before: "canary@leak.example", Now: "2"}}}
	answer = shownBy(t, draw.Reply(again, true))
	require.NotContains(t, answer, "canary")
	require.Contains(t, answer, "[e-mail masked].csv is new")

	veiled := telling(true)
	answer = shownBy(t, draw.Reply(veiled, true))
	require.NotContains(t, answer, "canary")
	require.Contains(t, answer, "Masked here: ")
	require.Contains(t, answer, "What else did [e-mail masked] buy?")
	require.NotContains(t, shownBy(t, draw.Opening(veiled)), "canary")
	veiled.Request.Private = true
	veiled.Session.Channel = "D0MAYA"
	require.Contains(t, shownBy(t, draw.Reply(veiled, true)), "canary", "whoever asked reads it alone")
}

func TestFilesOfAMaskedAnswerAreMasked(t *testing.T) {
	t.Parallel()
	v := telling(false)
	v.Artifacts[0].Data = []byte("mail,orders\ncanary@leak.example,7\n")
	require.Same(t, v, masked.As(v, steps.SurfaceSheets))
	shown := masked.As(v, steps.CopyFilesIn(slacksim.SalesData))
	require.Len(t, shown.Artifacts, 1)
	require.Equal(t, "mail,orders\n[e-mail masked],7\n", string(shown.Artifacts[0].Data))
	require.Equal(t, "[e-mail masked].csv", shown.Artifacts[0].Name)
	require.Equal(t, "canary@leak.example.csv", v.Artifacts[0].Name)

	// No rule can look into what is no text, whatever it calls itself.
	for _, data := range []string{"c\x00a\x00n\x00a\x00r\x00y\x00", "m\xffail,orders\ncanary@leak.example,7\n"} {
		v.Artifacts[0].Data = []byte(data)
		require.Empty(t, masked.As(v, steps.CopyFilesIn(slacksim.SalesData)).Artifacts, "%q", data)
	}
	for _, data := range []string{"mail,orders\ncanary@leak.example,7\n", "GIF89a,orders\ncanary@leak.example,7\n"} {
		v.Artifacts[0].Name, v.Artifacts[0].Data = "orders.png", []byte(data)
		require.Empty(t, masked.As(v, steps.CopyFilesIn(slacksim.SalesData)).Artifacts, "a table that calls itself a picture: %q", data)
	}
	v.Artifacts[0].Name, v.Artifacts[0].Data = "canary@leak.example.csv", []byte("mail,orders\ncanary@leak.example,7\n")
	require.Contains(t, string(v.Artifacts[0].Data), "canary")
}

// Reviewers are told what of the question they read and the model did not.
func TestReviewersAreToldWhatTheModelDidNotSee(t *testing.T) {
	t.Parallel()
	v := sample.View(sample.In(approval.Pending))
	text, err := json.Marshal(draw.SawView(v, sample.Past()))
	require.NoError(t, err)
	require.NotContains(t, string(text), "Not shown to it")
	v.Request.Question = "What did canary@leak.example buy?"
	text, err = json.Marshal(draw.SawView(v, sample.Past()))
	require.NoError(t, err)
	require.Contains(t, string(text), "1 e-mail address in the question and in names.")
}
