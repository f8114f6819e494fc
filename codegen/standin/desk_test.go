package standin

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

func instructions(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../system.txt")
	require.NoError(t, err)
	return string(text)
}

// What a model is told of the desk is what the desk has.
func TestTheInstructionsNameAllOfTheDeskAndNothingElse(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../sandbox/runner/desk/__init__.py")
	require.NoError(t, err)
	all := regexp.MustCompile(`(?m)^__all__ = \[(.*)\]$`).FindStringSubmatch(string(source))
	require.NotNil(t, all)
	has := strings.Split(strings.ReplaceAll(all[1], `"`, ""), ", ")
	var told []string
	for _, m := range regexp.MustCompile(`(?m)^- (\w+)\(`).FindAllStringSubmatch(instructions(t), -1) {
		told = append(told, m[1])
	}
	slices.Sort(told)
	require.Equal(t, has, told)
}

// The program that the instructions hold up as good runs, and does what they ask for.
func TestTheExampleOfTheInstructionsRuns(t *testing.T) {
	t.Parallel()
	_, rest, ok := strings.Cut(instructions(t), "A good program\n")
	require.True(t, ok)
	code, _, ok := strings.Cut(rest, "\nWhat you answer\n")
	require.True(t, ok)
	code, err := approval.Canonical(code)
	require.NoError(t, err)
	none := "region,units,price\nNorth,,2\n"
	jobs, _ := lay(t, []map[string]string{sampleFile("sales.csv"), {"sales.csv": none}})
	for i := range jobs {
		jobs[i].Code = code
	}
	results := runJobs(t, jobs)
	require.Regexp(t, `^[A-Z][a-z]+ led with \d\d% of the revenue\.$`, results[0].Answer)
	require.Equal(t, "no units or no price", results[0].LeftOut[0].Why)
	require.Equal(t, []string{"revenue"}, results[0].Columns)
	require.Equal(t, "Revenue by region", results[0].Figures[0][0])
	require.Equal(t, "No sale has both units and a price.", results[1].Answer)
	require.Equal(t, []approval.Rows{{Count: 1, Why: "no units or no price"}}, results[1].LeftOut)
	require.Empty(t, results[1].Columns)
}
