package standin

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/codegen"
	"countersign/codegen/samples"
)

// writer asks the stand-in alone.
func writer(t *testing.T) *codegen.Writer {
	t.Helper()
	w, err := codegen.New(codegen.Options{}, Provider{})
	require.NoError(t, err)
	return w
}

func said(request, role, text string) approval.Message {
	return approval.Message{RequestID: request, Role: approval.Role(role), Text: text}
}

// shared gives the samples as files of a brief.
func shared(t *testing.T) (files []approval.File) {
	t.Helper()
	content := map[string]string{}
	for _, f := range samples.Files() {
		content[f.Name] = string(f.Data)
	}
	_, read := lay(t, []map[string]string{content})
	slices.SortFunc(read[0], func(a, b approval.File) int { return strings.Compare(b.Name, a.Name) }) // sales first, as the samples have it
	return read[0]
}

func TestTheStandInSaysThatItIsNoModel(t *testing.T) {
	t.Parallel()
	d, err := writer(t).Write(t.Context(), steps.Brief{Question: samples.Questions[0].Text, Files: shared(t), Model: Model})
	require.NoError(t, err)
	require.Contains(t, d.Summary, "the demo's stand-in, which is not a model")
	require.Contains(t, d.Summary, `The program reads "sales.csv" and adds up "units" times "price" per month of "date" for each "region"`)
	require.NotContains(t, d.Summary, "was not understood")
	require.Contains(t, d.Code, `df = load("sales.csv")`)
	require.Equal(t, codegen.PromptVersion, d.PromptVersion)
	require.Equal(t, Model, d.Usage.Model)
	system, err := os.ReadFile("../system.txt")
	require.NoError(t, err)
	require.Greater(t, d.Usage.Input, len(system)/4)
	require.Greater(t, d.Usage.Output, len(d.Code)/4)
	charge, err := budget.Shipped().TokenCharge(d.Usage, time.Now())
	require.NoError(t, err)
	require.Positive(t, charge.Amount)
	prompt, answer := writer(t).Bound()
	most, err := budget.Shipped().WorstTokens(writer(t).Models()[0], prompt, answer, time.Now())
	require.NoError(t, err)
	require.Less(t, charge.Amount, most)
}

func TestTheStandInAdmitsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	d, err := writer(t).Write(t.Context(), steps.Brief{Question: "Why?", Files: shared(t)})
	require.NoError(t, err)
	require.Contains(t, d.Summary, "The question was not understood, so this is only a general summary of the table.")

	_, err = writer(t).Write(t.Context(), steps.Brief{Question: "Why?"})
	var e *steps.WriterError
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.Prose, "name a data file that is shared in this channel")
	require.Positive(t, e.Usage.Input)

	_, err = writer(t).Write(t.Context(), steps.Brief{Question: "Why?", Files: shared(t), Refused: []approval.Refusal{{Reason: "no"}}})
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.Words, "cannot mend its program")
	require.False(t, e.Retry)
	require.Empty(t, e.Repair, "another attempt would give the same program")

	_, err = writer(t).Write(t.Context(), steps.Brief{Question: "Why?", Model: "codestral-2508"})
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.Words, "is not offered")

	_, err = writer(t).Write(t.Context(), steps.Brief{Question: strings.Repeat("x", codegen.PromptBytes)})
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.Words, "too long")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = writer(t).Write(ctx, steps.Brief{Question: "Why?"})
	require.ErrorAs(t, err, &e)
	require.True(t, e.Retry)
	require.ErrorIs(t, err, context.Canceled)
}

func TestQuestionsArePlannedByTheirKeywords(t *testing.T) {
	t.Parallel()
	files := shared(t)
	for question, want := range map[string]string{
		"revenue per week by channel":                        `adds up "units" times "price" per week of "date" for each "channel"`,
		"What is the average price by region?":               `takes the average of "price" for each "region", with a bar chart`,
		"worst 4 products by units":                          `adds up "units" for each "product" and shows the 4 lowest`,
		"How many rows per region?":                          `counts the rows for each "region"`,
		"maximum price per channel":                          `takes the highest "price" for each "channel"`,
		"minimum price per channel":                          `takes the lowest "price" for each "channel"`,
		"daily units":                                        `adds up "units" per day of "date"`,
		"monthly units of the year":                          `adds up "units" per month of "date"`,
		"units of the quarter per day, week by week":         `adds up "units" per day of "date"`,
		"relationship between units and price":               `how the numeric columns go together`,
		"outliers in price":                                  `how the values of "price" are spread`,
		"which values are empty":                             `counts the missing values of every column`,
		"top 999999 regions":                                 `shows the 10 highest`,
		"top 99 regions":                                     `shows the 50 highest`,
		"net generation by source in iowa-electricity.csv":   `reads "iowa-electricity.csv" and adds up "net_generation" for each "source"`,
		"trend in IOWA-Electricity.csv of Nuclear per year?": `adds up "net_generation" per year of "year"`,
	} {
		d, err := writer(t).Write(t.Context(), steps.Brief{Question: question, Files: files})
		require.NoError(t, err)
		require.Contains(t, d.Summary, want, question)
		require.NotContains(t, d.Summary, "was not understood", question)
	}
}

func TestAFollowUpKeepsWhatTheQuestionBeforeWasAbout(t *testing.T) {
	t.Parallel()
	d, err := writer(t).Write(t.Context(), steps.Brief{Question: "And per week?", Files: shared(t),
		History: []approval.Message{said("a", "question", "units per month by region"), said("a", "code", "x")}})
	require.NoError(t, err)
	require.Contains(t, d.Summary, `adds up "units" per week of "date" for each "region"`)

	d, err = writer(t).Write(t.Context(), steps.Brief{Question: "And the worst 2?", Files: shared(t),
		History: []approval.Message{said("a", "question", "Which are the top 3 products by units in sales.csv?"), said("a", "code", "x")}})
	require.NoError(t, err)
	require.Contains(t, d.Summary, `adds up "units" for each "product" and shows the 2 lowest`, "the file's name asks for nothing")
}

func TestHostileNamesStayStringsInThePrograms(t *testing.T) {
	t.Parallel()
	const hostile = "x\"); import os\nos.remove('a') #\u202e```\n```python\n1"
	file := approval.File{Name: hostile + strings.Repeat("ü😀", 60) + ".csv", Reading: &reading.Reading{Kind: "text", Tables: []reading.Table{{Rows: 2, Name: hostile,
		Columns: []reading.Column{{Name: hostile, Type: "text"}, {Name: hostile + "2", Type: "integer"}, {Name: hostile, Type: "date"}}}}}}
	for _, question := range everyIntent {
		d, err := writer(t).Write(t.Context(), steps.Brief{Question: question, Files: []approval.File{file}})
		require.NoError(t, err)
		code, err := approval.Canonical(d.Code)
		require.NoError(t, err, d.Code)
		for _, line := range strings.Split(code, "\n") {
			require.False(t, strings.HasPrefix(strings.TrimSpace(line), "os."), line)
			require.LessOrEqual(t, len(line), 200)
			require.NotRegexp(t, `[^ -~\t]`, line, "programs are ASCII")
		}
	}
}

func TestATableWithoutCategoriesOrNumbersIsDescribed(t *testing.T) {
	t.Parallel()
	for _, question := range everyIntent {
		p, ok := planFor(steps.Brief{Question: question, Files: []approval.File{{Name: "a.csv"}, {Name: "b.csv", Reading: &reading.Reading{Kind: "xlsx", Tables: []reading.Table{
			{Name: "nothing"}, {Rows: 1, Columns: []reading.Column{{Name: "id", Type: "integer"}, {Name: "x", Type: "nested"}}}}}}}})
		require.True(t, ok)
		require.Equal(t, "b.csv", p.file.Name)
		require.Contains(t, []intent{wantSummary, wantMissing}, p.want, question)
		require.Contains(t, program(p), "table(")
	}
}

func TestTheStandInFollowsAWishThatItKnowsAndSaysWhenItDoesNot(t *testing.T) {
	t.Parallel()
	b := steps.Brief{Question: "What is the average amount per region?", Files: []approval.File{{Name: "sales.csv", Reading: &reading.Reading{Kind: "text", Tables: []reading.Table{{Rows: 9,
		Columns: []reading.Column{{Name: "region", Type: "text"}, {Name: "amount", Type: "number"}}}}}}}}
	before, err := writer(t).Write(t.Context(), b)
	require.NoError(t, err)
	b.Wishes = []approval.Wish{{Revision: 1, Code: before.Code, Words: "Please take the median amount per region."}}
	after, err := writer(t).Write(t.Context(), b)
	require.NoError(t, err)
	require.Contains(t, after.Code, "median")
	require.NotContains(t, after.Summary, "was not understood")
	b.Wishes[0].Words = "Nicer, please."
	after, err = writer(t).Write(t.Context(), b)
	require.NoError(t, err)
	require.Equal(t, before.Code, after.Code)
	require.Contains(t, after.Summary, "What the reviewer wants was not understood")
}
