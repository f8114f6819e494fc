//go:build linux

package local

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

// Code that opens a hundred files of its own, or a thousand, hides nothing by it.
func TestWhatIsOpenedElsewhereIsNotCrowdedOut(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
for i in range(1200):
    open("f%d" % (i % 1100), "w").close()
open("/etc/passwd").close()
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	seen := result.Observed
	require.Len(t, seen.Opened, 101)
	require.Equal(t, "/etc/passwd", seen.Opened[100])
	require.Equal(t, []string{"opened"}, seen.More)
	require.Contains(t, result.Notes, "It did more than is listed here.")
	announced := []approval.Finding{{Level: approval.Note, Kind: approval.KindWrite}}
	require.Equal(t, []string{"It opened /etc/passwd, which the inspection had not found."}, approval.Compare(announced, nil, seen.Hints()))
	require.Equal(t, "/etc/passwd", seen.Witness.Opened[0])
	require.Equal(t, []string{approval.GapMore}, seen.Witness.Gaps)
}
