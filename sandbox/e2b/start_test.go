package e2b_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/sandbox/e2b"
	"countersign/sandbox/e2b/e2btest"
)

// streamed is input whose content comes like this, each time that it is opened.
func streamed(name, sealed string, from func(opened int) io.Reader) (in steps.InputFile, opened *int) {
	in, opened = input(name, sealed), new(int)
	in.Open = func() (io.ReadCloser, error) {
		*opened++
		return io.NopCloser(from(*opened)), nil
	}
	return in, opened
}

const tells = "print(open('in.txt').read())\n"

// What is filled in is not uploaded again, and starts nothing; another replica brings its own.
func TestABoxIsFilledAndThenStarted(t *testing.T) {
	t.Parallel()
	for what, other := range map[string]bool{"by the same replica": false, "by another one": true} {
		b := setup(t)
		in, opened := streamed("in.txt", "hello", func(int) io.Reader { return iotest.OneByteReader(strings.NewReader("hello")) })
		job := jobFor("req1", tells, in)
		id := b.create(t, "req1", tells, in)
		require.NoError(t, b.client.Fill(t.Context(), id, job), what)
		require.NoError(t, b.client.Fill(t.Context(), id, job), what)
		require.Equal(t, 1, *opened, what)
		require.Zero(t, b.e2b.Calls(e2btest.Start), what)
		_, err := b.client.Result(t.Context(), id)
		require.ErrorIs(t, err, steps.ErrNotStarted, what)
		client := b.client
		if other {
			client = b.another(t)
		}
		require.NoError(t, client.Start(t.Context(), id, job), what)
		require.NoError(t, b.client.Start(t.Context(), id, job), what)
		result, err := client.Result(t.Context(), id)
		require.NoError(t, err, what)
		require.Equal(t, "hello\n", result.Stdout, what)
		require.Equal(t, 1, b.e2b.Starts("req1"), what)
	}
}

// A box that was filled in time and has waited since does not run what it would have to cut.
func TestAFilledBoxThatHasWaitedTooLongStartsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	job := jobFor("req1", "print(1)")
	id := b.create(t, "req1", "print(1)")
	require.NoError(t, b.client.Fill(t.Context(), id, job))
	b.client.SetGrace(e2b.Lease(job.Limits)) // as if all the time beside the code's own had gone by
	err := b.client.Start(t.Context(), id, job)
	require.ErrorIs(t, err, steps.ErrBoxGone)
	require.Contains(t, boxError(t, err).Words, "waited too long")
	require.Zero(t, b.e2b.Starts("req1"))
}

func TestABoxThatIsFilledWithSomethingElseStartsNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("the line broke")
	for what, tt := range map[string]struct {
		from func(int) io.Reader
		want error
	}{
		"another content":       {func(int) io.Reader { return strings.NewReader("hallo") }, steps.ErrChanged},
		"larger than promised":  {func(int) io.Reader { return strings.NewReader("hello!") }, steps.ErrChanged},
		"smaller than promised": {func(int) io.Reader { return strings.NewReader("hell") }, steps.ErrChanged},
		"a line that breaks":    {func(int) io.Reader { return io.MultiReader(strings.NewReader("hel"), iotest.ErrReader(broken)) }, broken},
	} {
		b := setup(t)
		in, opened := streamed("in.txt", "hello", tt.from)
		id := b.create(t, "req1", tells, in)
		for _, put := range []func() error{
			func() error { return b.client.Fill(t.Context(), id, jobFor("req1", tells, in)) },
			func() error { return b.client.Start(t.Context(), id, jobFor("req1", tells, in)) },
		} {
			err := put()
			require.ErrorIs(t, err, tt.want, what)
			require.ErrorAs(t, err, new(*steps.ContentError), what)
			require.NotErrorAs(t, err, new(*steps.BoxError), "%s: it is not E2B's fault", what)
		}
		require.Equal(t, 2, *opened, "%s: nothing is tried again here", what)
		require.Zero(t, b.e2b.Calls(e2btest.Start), what)
		_, err := b.client.ReadFile(t.Context(), in)
		require.ErrorAs(t, err, new(*steps.ContentError), what)
		require.NotErrorIs(t, err, steps.ErrReaderDied, what)
		require.Zero(t, b.e2b.Calls(e2btest.Start), what)
	}
}

// An upload that E2B drops is made anew, from the content's beginning.
func TestAnUploadThatIsDroppedIsStreamedAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	long := strings.Repeat("0123456789", 1<<18)
	in, opened := streamed("in.txt", long, func(int) io.Reader { return strings.NewReader(long) })
	code := "import hashlib\nprint(hashlib.sha256(open('in.txt', 'rb').read()).hexdigest())\n"
	id := b.create(t, "req1", code, in)
	b.e2b.Fail(e2btest.Write, e2btest.Fault{Times: -1})
	for *opened == 0 { // another file may have given up before it was this one's turn
		require.Error(t, b.client.Fill(t.Context(), id, jobFor("req1", code, in)))
	}
	b.e2b.Heal()
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code, in)))
	require.Greater(t, *opened, 1)
	result, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, in.SHA256+"\n", result.Stdout)
}
