package e2b_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/sandbox/e2b/e2btest"
)

func TestAFileIsReadInABoxOfItsOwnWithoutANetwork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := time.Now()
	out, err := b.client.ReadFile(t.Context(), input("sales.csv", "region;amount\nNord;1,5\nSüd;2,5\n"))
	require.NoError(t, err)
	require.Nil(t, out.Answer.Problem)
	table := out.Answer.Reading.Tables[0]
	require.Equal(t, ";", table.Delimiter)
	require.Equal(t, int64(2), table.Rows)
	require.Equal(t, "number", table.Columns[1].Type)
	require.Positive(t, out.Box)
	require.LessOrEqual(t, out.Box, time.Since(before))
	require.Len(t, b.e2b.Boxes(), 1)
	box := b.e2b.Boxes()[0]
	require.False(t, box.Alive)
	require.Zero(t, box.Starts)
	require.NotContains(t, box.Metadata, "countersign_request")
	require.Equal(t, false, box.Asked["allow_internet_access"])
}

func TestAFileThatIsNotReadIsSaidInACode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	out, err := b.client.ReadFile(t.Context(), input("sales.csv", ""))
	require.NoError(t, err)
	require.Equal(t, "empty", out.Answer.Problem.Code)
	require.Empty(t, b.e2b.Alive())
}

// A box that was not to be had is not the file's fault; one that ends over it is.
func TestWhoseFaultItIsThatAFileIsNotRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*e2btest.Server)
		words string // empty: the file is to blame
	}{
		"no Python in the template": {func(s *e2btest.Server) {
			s.Change(func(set *e2btest.Settings) { set.Python = "/nonexistent/python3" })
		}, "has Python 3"},
		"Python that says nothing": {func(s *e2btest.Server) {
			s.Change(func(set *e2btest.Settings) { set.Python = "/bin/true" })
		}, "has Python 3"},
		"a template that lost pandas": {func(s *e2btest.Server) {
			s.Change(func(set *e2btest.Settings) { set.Bare = true })
		}, "has Python 3"},
		"a refused upload":      {func(s *e2btest.Server) { s.Fail(e2btest.Write, e2btest.Fault{Status: 507, Times: -1}) }, "do not fit"},
		"a result that is none": {func(s *e2btest.Server) { s.Fail(e2btest.Read, e2btest.Fault{Status: 200, Body: "hello"}) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c.spoil(b.e2b)
			out, err := b.client.ReadFile(t.Context(), input("a.csv", "a\n1\n"))
			require.Equal(t, c.words == "", errors.Is(err, steps.ErrReaderDied), "%v", err)
			if c.words != "" {
				require.Contains(t, boxError(t, err).Words, c.words)
			}
			require.Positive(t, out.Box)
			require.Len(t, b.e2b.Boxes(), 1)
			require.Empty(t, b.e2b.Alive())
		})
	}
}
