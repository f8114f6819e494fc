//go:build linux

package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
)

// Each file of the corpus ends with what the inspection has to say about it:
// lines that begin with "#> ". They are not shown to it.
func TestInspectionSaysWhatIsInTheCode(t *testing.T) {
	t.Parallel()
	files := []approval.File{{Name: "sales.csv", Reading: &reading.Reading{Tables: []reading.Table{{Rows: 3,
		Columns: []reading.Column{{Name: "day"}, {Name: "kind"}, {Name: "amount"}}}}}}}
	corpus, err := filepath.Glob("../runner/testdata/*.py")
	require.NoError(t, err)
	require.NotEmpty(t, corpus)
	var programs, wanted []string
	for _, path := range corpus {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		code, want, _ := strings.Cut(string(data), "#> ")
		programs, wanted = append(programs, code), append(wanted, "#> "+want)
	}
	// One box reads them all: its boot is most of an inspection, and is tested elsewhere.
	said, used, err := shared.inspectAll(t.Context(), programs, files)
	require.NoError(t, err)
	require.Positive(t, used)
	require.Len(t, said, len(programs))
	for i, path := range corpus {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".py"), func(t *testing.T) {
			got := told(said[i])
			if os.Getenv("UPDATE") != "" {
				require.NoError(t, os.WriteFile(path, []byte(programs[i]+got), 0o644))
				return
			}
			require.Equal(t, wanted[i], got)
		})
	}
	one, err := shared.Inspect(t.Context(), programs[0], files)
	require.NoError(t, err)
	require.Positive(t, one.Box)
	require.Equal(t, wanted[0], told(one), "one is read as many are")
}

func told(inspection steps.Inspection) string {
	var b strings.Builder
	if inspection.Problem != "" {
		fmt.Fprintf(&b, "#> problem: %s\n", inspection.Problem)
	}
	for _, f := range inspection.Findings {
		fmt.Fprintf(&b, "#> %s %d [%s: %s] %s\n", f.Level, f.Line, f.Kind, f.About, f.Text)
	}
	return b.String()
}

func TestAnInspectionThatFailsSaysHowLongItsBoxWasUsed(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: -1, Runsc: fakeRunsc(t, "while :; do :; done")})
	s.bootTime = time.Second / 2
	seen, err := s.Inspect(t.Context(), "1", nil)
	require.ErrorIs(t, err, errLate)
	require.Positive(t, seen.Box, "it had begun to boot")
	require.LessOrEqual(t, seen.Box, s.bootTime)
}

// An inspection may have ended before anybody has read what it said.
func TestWhatABoxSaidLastIsReadAfterItHasEnded(t *testing.T) {
	t.Parallel()
	jobR, jobW, err := os.Pipe()
	require.NoError(t, err)
	outR, outW, err := os.Pipe()
	require.NoError(t, err)
	b := &box{job: jobW, out: outR, proc: &process{done: make(chan struct{})}, done: make(chan struct{})}
	said := make(chan error, 1)
	go func() {
		_, err := jobR.Read(make([]byte, 1)) // the job is there
		close(b.proc.done)
		b.closeUnused()
		_, write := outW.WriteString("what it said last")
		said <- errors.Join(err, write, outW.Close(), jobR.Close())
	}()
	_, err = b.inspect([]string{"1"}, nil)
	require.NoError(t, <-said)
	require.Error(t, err, "it is no inspection")
	require.NotErrorIs(t, err, os.ErrClosed)
}

// Where nobody knows the columns of a file, what is taken out of it is a column, and no group under another one's name.
func TestColumnsThatNobodyKnowsAreNoGroups(t *testing.T) {
	t.Parallel()
	said, _, err := shared.inspectAll(t.Context(), []string{`from desk import load, answer, money
df = load("sales.csv")
df["month"] = df["day"].dt.strftime("%Y-%m")
monthly = df.groupby(["month", "region"], as_index=False)["amount"].sum()
best = monthly.loc[monthly["amount"].idxmax()]
answer(f"The strongest month of a region was {best['month']} in {best['region']} with {money(best['amount'])}.")
`}, []approval.File{{Name: "sales.csv"}})
	require.NoError(t, err)
	require.Empty(t, said[0].Problem)
	for _, f := range said[0].Findings {
		require.Equal(t, approval.Note, f.Level, f.Text)
	}
}
