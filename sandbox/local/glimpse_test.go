//go:build linux

package local

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
)

// A box that looks at a file tells what the switch lets a model see, and nothing more.
func TestABoxThatLooksTellsWhatTheSwitchAllows(t *testing.T) {
	t.Parallel()
	data := "region;day;amount;name\n" + strings.Repeat("Nord;01.02.2026;1,50;x\n", 5) + "S\u00fcd;03.02.2026;-2,25;secret person\n;;;\n"
	in := steps.InputFile{Input: approval.Input{Name: "sales.csv", SHA256: approval.Hash([]byte(data))}, Size: int64(len(data)), Open: steps.Held([]byte(data))}
	read, err := shared.ReadFile(t.Context(), in)
	require.NoError(t, err)
	require.NotNil(t, read.Answer.Reading, "%+v", read.Answer)
	require.Nil(t, read.Answer.Glimpse)
	in.Reading = read.Answer.Reading
	for sight, rows := range map[approval.Sight][][]string{
		approval.Statistics: {},
		approval.Samples: {{"Nord", "2026-02-01", "1.5", "x"}, {"Nord", "2026-02-01", "1.5", "x"}, {"Nord", "2026-02-01", "1.5", "x"}, {"Nord", "2026-02-01", "1.5", "x"},
			{"Nord", "2026-02-01", "1.5", "x"}},
	} {
		in.Look = sight
		out, err := shared.ReadFile(t.Context(), in)
		require.NoError(t, err)
		require.Nil(t, out.Answer.Reading)
		require.NotNil(t, out.Answer.Glimpse, "%+v", out.Answer.Problem)
		glance := out.Answer.Glimpse.Tables[0]
		require.Equal(t, []reading.Seen{
			{Distinct: 2, Often: []reading.Frequent{{Value: "Nord", Count: 5}}},
			{Distinct: 2, Least: "2026-02-01", Most: "2026-02-03", Often: []reading.Frequent{{Value: "2026-02-01", Count: 5}}},
			{Distinct: 2, Least: "-2.25", Most: "1.5", Often: []reading.Frequent{{Value: "1.5", Count: 5}}},
			{Distinct: 2, Often: []reading.Frequent{{Value: "x", Count: 5}}},
		}, each(glance.Columns))
		require.Equal(t, rows, glance.Rows)
		require.Positive(t, out.Box, "it is paid for")
	}
}

// each is a column's sight with no list where there is nothing in it.
func each(columns []reading.Seen) []reading.Seen {
	for i := range columns {
		if len(columns[i].Often) == 0 {
			columns[i].Often = nil
		}
	}
	return columns
}
