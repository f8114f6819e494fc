//go:build linux

package local

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/sandbox"
)

// streamed is an input whose content comes like this.
func streamed(name, sealed string, size int, from func() io.Reader) steps.InputFile {
	return steps.InputFile{Input: approval.Input{Name: name, SHA256: approval.Hash([]byte(sealed))}, Size: int64(size),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(from()), nil }}
}

const adds = "import pandas as pd\nprint(pd.read_csv('sales.csv').amount.sum())\n"

// Nothing begins in a box that is filled until it is started, however long that takes, and what it
// then runs with is what came into it.
func TestABoxIsFilledAndThenStarted(t *testing.T) {
	t.Parallel()
	opened := 0
	in := streamed("sales.csv", salesText, len(salesText), func() io.Reader {
		opened++
		return iotest.OneByteReader(strings.NewReader(salesText))
	})
	j := job(adds, roomy, in)
	id := create(t, shared, freshID())
	require.NoError(t, shared.Fill(t.Context(), id, j))
	require.NoError(t, shared.Fill(t.Context(), id, j))
	_, err := shared.Result(t.Context(), id)
	require.ErrorIs(t, err, steps.ErrNotStarted)
	require.NoError(t, shared.Start(t.Context(), id, j))
	require.NoError(t, shared.Start(t.Context(), id, j))
	result, err := shared.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "12.5\n", result.Stdout, "%+v", result)
	require.Equal(t, 1, opened, "once")
}

// What is not the sealed content, or does not come whole, starts nothing, and its box is no more.
func TestProveReviewABoxThatIsFilledWithSomethingElseStartsNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("the line broke")
	other := strings.Replace(salesText, "10", "99", 1)
	type filling struct {
		input steps.InputFile
		want  error
	}
	for what, in := range tenthOf(t, "a box that is filled with something else starts nothing", map[string]filling{
		"another content":       {streamed("sales.csv", salesText, len(salesText), func() io.Reader { return strings.NewReader(other) }), steps.ErrChanged},
		"larger than promised":  {streamed("sales.csv", salesText, len(salesText), func() io.Reader { return strings.NewReader(salesText + "x") }), steps.ErrChanged},
		"smaller than promised": {streamed("sales.csv", salesText, len(salesText), func() io.Reader { return strings.NewReader(salesText[:9]) }), steps.ErrChanged},
		"a promise too large":   {streamed("sales.csv", salesText, len(salesText)+1, func() io.Reader { return strings.NewReader(salesText) }), steps.ErrChanged},
		"a line that breaks": {streamed("sales.csv", salesText, len(salesText), func() io.Reader {
			return io.MultiReader(strings.NewReader(salesText[:9]), iotest.ErrReader(broken))
		}), broken},
	}) {
		j := job(adds, roomy, in.input)
		id := create(t, shared, freshID())
		err := shared.Fill(t.Context(), id, j)
		require.ErrorIs(t, err, in.want, what)
		require.ErrorAs(t, err, new(*steps.ContentError), what)
		require.Error(t, shared.Start(t.Context(), id, j), what)
		_, err = shared.Result(t.Context(), id)
		require.True(t, errors.Is(err, steps.ErrBoxGone) || errors.Is(err, steps.ErrNotStarted), "%s: %v", what, err)
		b := shared.box(id)
		<-b.done
		require.False(t, b.hasBegun(), what)
	}
}

// A box that holds one job starts no other.
func TestABoxStartsOnlyWhatItHolds(t *testing.T) {
	t.Parallel()
	j := job(adds, roomy, sales)
	id := create(t, shared, freshID())
	require.NoError(t, shared.Fill(t.Context(), id, j))
	other := job("print(1)\n", roomy, sales)
	require.ErrorAs(t, shared.Start(t.Context(), id, other), new(*steps.BoxError))
	require.False(t, shared.box(id).hasBegun())
}

// A file is not touched in the box that reads it before all of it was what it was to be.
func TestProveReadingAFileThatIsNotWhatItWasToBeIsNotRead(t *testing.T) {
	t.Parallel()
	const text = "a,b\n1,2\n"
	for what, from := range tenthOf(t, "a file that is not what it was to be is not read", map[string]func() io.Reader{
		"another": func() io.Reader { return strings.NewReader("a,b\n1,3\n") },
		"longer":  func() io.Reader { return strings.NewReader(text + "3,4\n") },
		"shorter": func() io.Reader { return strings.NewReader("a,b\n") },
		"broken": func() io.Reader {
			return io.MultiReader(strings.NewReader(text), iotest.ErrReader(io.ErrUnexpectedEOF))
		},
	}) {
		out, err := shared.ReadFile(t.Context(), streamed("a.csv", text, len(text), from))
		require.ErrorAs(t, err, new(*steps.ContentError), what)
		require.NotErrorIs(t, err, steps.ErrReaderDied, "%s: the file has ended no box", what)
		require.Nil(t, out.Answer.Reading, what)
		require.Positive(t, out.Box, "%s: the box is paid for", what)
	}
	out, err := shared.ReadFile(t.Context(), streamed("a.csv", text, len(text), func() io.Reader { return iotest.OneByteReader(strings.NewReader(text)) }))
	require.NoError(t, err)
	require.EqualValues(t, 1, out.Answer.Reading.Tables[0].Rows)
	job := sandbox.ReadJob{Files: []sandbox.ReadFile{file("a.csv", []byte(text))}, Seconds: 10, MemoryMB: 256}
	job.Files[0].Size = 4
	sink := &kept{}
	require.Error(t, shared.Read(t.Context(), job, sink), "at a terminal, too")
	require.Empty(t, sink.answers)
}
