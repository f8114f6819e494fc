package steps

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// dripping is a content that comes byte by byte, and then ends so.
func dripping(text string, end error) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		from := io.Reader(strings.NewReader(text))
		if end != nil {
			from = io.MultiReader(from, iotest.ErrReader(end))
		}
		return io.NopCloser(iotest.OneByteReader(from)), nil
	}
}

func TestAContentEndsWellOnlyWhereAllOfItWasSealed(t *testing.T) {
	t.Parallel()
	broken := errors.New("the line broke")
	sealed := InputFile{Input: approval.Input{Name: "a.csv", SHA256: approval.Hash([]byte("abc"))}, Size: 3}
	for what, tt := range map[string]struct {
		open func() (io.ReadCloser, error)
		want error
		came string
	}{
		"as it was":         {Held([]byte("abc")), nil, "abc"},
		"slowly":            {dripping("abc", nil), nil, "abc"},
		"longer":            {dripping("abcd", nil), ErrChanged, "abc"},
		"longer, at once":   {Held([]byte("abcd")), ErrChanged, ""},
		"shorter":           {dripping("ab", nil), ErrChanged, "ab"},
		"empty":             {Held(nil), ErrChanged, ""},
		"another":           {dripping("abd", nil), ErrChanged, "abd"},
		"broken off":        {dripping("ab", broken), broken, "ab"},
		"broken at its end": {dripping("abc", broken), broken, "abc"},
		"not to be had":     {func() (io.ReadCloser, error) { return nil, broken }, broken, ""},
		"far too large":     {dripping("ab", ErrFileTooBig), ErrChanged, "ab"},
	} {
		in := sealed
		in.Open = tt.open
		came, err := contentOf(in)
		require.Equal(t, tt.came, came, what)
		if tt.want == nil {
			require.NoError(t, err, what)
			continue
		}
		require.ErrorIs(t, err, tt.want, what)
		require.ErrorAs(t, err, new(*ContentError), what)
	}
}

// Slack's line breaks in the middle of a file: the box is thrown away, paid, and the next one gets
// the file from its beginning. A file that only seems to have changed breaks no seal.
func TestALineThatBreaksHalfWayIsTriedAnewAndBreaksNoSeal(t *testing.T) {
	t.Parallel()
	for what, end := range map[string]error{"with an error": errors.New("the line broke"), "silently": nil} {
		b := setup(t)
		r := b.approved()
		b.slack.half = func() (io.ReadCloser, error) { return dripping("a,b\n", end)() }
		failures := b.work()
		require.Len(t, failures, 1, what)
		r = b.request(r.ID)
		require.Equal(t, approval.Done, r.State, "%s: %s", what, r.Reason)
		require.Equal(t, 1, r.Revision.Number, what)
		require.Zero(t, b.count(r.ID, "seal broken"), what)
		require.Len(t, b.box.boxes, 2, what)
		require.Equal(t, 1, b.box.starts(), what)
		require.Zero(t, b.box.living(), what)
		require.Len(t, b.spends(r.ID, budget.ForRun), 2, "%s: both boxes are paid for", what)
		require.Zero(t, b.open(r.ID), what)
		require.Equal(t, "a,b\n1,2\n", b.box.filled[0]["sales.csv"], what)
	}
}

// A file changes while its box is made: it is no run, the box is paid for, and people decide anew.
func TestAFileThatChangesWhileItsBoxIsFilledBreaksTheSeal(t *testing.T) {
	t.Parallel()
	for what, now := range map[string]string{"as long": "a,b\n1,3\n", "longer": "a,b\n1,2\n3,4\n", "shorter": "a,b\n1\n"} {
		b := setup(t)
		was := b.approved()
		b.box.filling = func() { b.slack.put("F1", now) }
		require.Empty(t, b.work(), what)
		r := b.request(was.ID)
		require.Equal(t, approval.Pending, r.State, what)
		require.Equal(t, 2, r.Revision.Number, what)
		require.Equal(t, approval.Hash([]byte(now)), r.Revision.Manifest.Inputs[0].SHA256, what)
		require.EqualValues(t, len(now), r.Files[0].Size, what)
		require.Equal(t, 1, b.count(r.ID, "seal broken"), what)
		require.Zero(t, b.count(r.ID, "started"), "%s: it is no run", what)
		require.Zero(t, b.box.starts(), what)
		require.Zero(t, b.box.living(), what)
		require.NotEmpty(t, b.spends(r.ID, budget.ForRun)[0].Charges, "%s: the box is paid for", what)
		require.Zero(t, b.open(r.ID), what)
		require.Empty(t, b.box.filled, what)
	}
}

// A size that Slack had told wrongly comes right with the next revision: nothing is tried forever.
func TestASizeThatSlackToldWronglyTakesANewDecision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	was := b.approved()
	b.store.requests[was.ID].Files[0].Size++
	require.Empty(t, b.work())
	r := b.request(was.ID)
	require.Equal(t, approval.Pending, r.State)
	require.EqualValues(t, 8, r.Files[0].Size)
	_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(r.ID).State)
}

// What is small is kept between the look at it and its box; what is large is asked for again, and
// held against what was found.
func TestALargeFileIsStreamedAgainIntoTheBoxThatReadsIt(t *testing.T) {
	t.Parallel()
	large := "a,b\n" + strings.Repeat("1,2\n", kept/4)
	for what, text := range map[string]string{"small": "a,b\n1,2\n", "large": large} {
		b := setup(t)
		b.slack.put("F1", text)
		f := approval.File{ID: "F1", Name: "sales.csv"}
		before := len(b.faults.passed)
		in, err := b.Inputs.content(context.Background(), &f)
		require.NoError(t, err, what)
		require.EqualValues(t, len(text), f.Size, what)
		require.Equal(t, approval.Hash([]byte(text)), f.SHA256, what)
		require.Equal(t, text, textOf(in), what)
		b.slack.put("F1", strings.ToUpper(text))
		again, err := contentOf(in)
		fetches := len(b.faults.passed) - before
		if what == "small" {
			require.NoError(t, err)
			require.Equal(t, text, again)
			require.Equal(t, 1, fetches)
			continue
		}
		require.ErrorIs(t, err, ErrChanged)
		require.Equal(t, 3, fetches)
	}
}

// A file that changes between the look at it and its box is looked at again: no reading of the one
// is kept for the other.
func TestAFileThatChangesWhileItIsReadIsReadAsItIsThen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.slack.put("F1", "a,b\n"+strings.Repeat("1,2\n", kept/4))
	b.box.line = []int{1}
	b.box.waited = func() { b.box.waited = nil; b.slack.put("F1", "a,b\n"+strings.Repeat("3,4\n", kept/4)) }
	r := b.ask()
	failures := b.work()
	require.Len(t, failures, 1)
	require.ErrorIs(t, failures[0], ErrChanged)
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State, r.Reason)
	require.Equal(t, approval.Hash([]byte("a,b\n"+strings.Repeat("3,4\n", kept/4))), r.Files[0].SHA256)
	require.Len(t, b.spends(r.ID, budget.ForRead), 2, "the box in which nothing was read is paid for")
	require.Zero(t, b.open(r.ID))
}
