package e2b_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/sandbox/e2b"
	"countersign/sandbox/e2b/e2btest"
)

func TestInspectReadsCodeInABoxOfItsOwnAndRunsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := time.Now()
	seen, err := b.client.Inspect(t.Context(), "import socket\nopen('/tmp/e2b-inspected', 'w')\n", nil)
	require.NoError(t, err)
	require.Empty(t, seen.Problem)
	require.NotEmpty(t, seen.Findings)
	require.Positive(t, seen.Box)
	require.LessOrEqual(t, seen.Box, time.Since(before))
	require.NoFileExists(t, "/tmp/e2b-inspected")
	require.Len(t, b.e2b.Boxes(), 1)
	box := b.e2b.Boxes()[0]
	require.False(t, box.Alive)
	require.Equal(t, 1, box.Reads)
	require.Zero(t, box.Starts)
	require.NotContains(t, box.Metadata, "countersign_request")
	require.Equal(t, false, box.Asked["allow_internet_access"])
}

func TestInspectTellsTheModelWhatDoesNotParse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen, err := b.client.Inspect(t.Context(), "print(1\n", nil)
	require.NoError(t, err)
	require.NotEmpty(t, seen.Problem)
	require.Empty(t, b.e2b.Alive())
}

func TestAnInspectionWhoseCreateIsAmbiguousUsesTheBoxThatWasMade(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Fail(e2btest.Create, e2btest.Fault{Effect: true})
	_, err := b.client.Inspect(t.Context(), "x = 1", nil)
	require.NoError(t, err)
	require.Len(t, b.e2b.Boxes(), 1)
	require.Empty(t, b.e2b.Alive())
}

func TestAnInspectionThatFailsSaysWhatItHasCostAndLeavesNoBox(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*e2btest.Server)
		words string
	}{
		"no Python in the template": {func(s *e2btest.Server) {
			s.Change(func(set *e2btest.Settings) { set.Python = "/nonexistent/python3" })
		}, "has Python 3"},
		"a template that lost pandas": {func(s *e2btest.Server) {
			s.Change(func(set *e2btest.Settings) { set.Bare = true })
		}, "the sandbox has no pandas and no numpy and no matplotlib and no openpyxl"},
		"Python that says nothing": {func(s *e2btest.Server) {
			s.Change(func(set *e2btest.Settings) { set.Python = "/bin/true" })
		}, "has Python 3"},
		"a result that is none": {func(s *e2btest.Server) { s.Fail(e2btest.Read, e2btest.Fault{Status: 200, Body: "hello"}) }, "has Python 3"},
		"a result that goes": {func(s *e2btest.Server) {
			s.Fail(e2btest.Read, e2btest.Fault{Status: 404, Body: `{"code":404,"message":"path does not exist"}`})
		}, "has Python 3"},
		"the box dies": {func(s *e2btest.Server) {
			s.Fail(e2btest.Start, e2btest.Fault{Pass: true, Do: func() { s.End(s.Boxes()[0].ID) }})
		}, "has Python 3"},
		"the box is lost":  {func(s *e2btest.Server) { s.Fail(e2btest.Start, e2btest.NotFound("i1")) }, "finds no way to it"},
		"a refused upload": {func(s *e2btest.Server) { s.Fail(e2btest.Write, e2btest.Fault{Status: 507, Times: -1}) }, "do not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c.spoil(b.e2b)
			seen, err := b.client.Inspect(t.Context(), "x = 1", nil)
			require.Contains(t, boxError(t, err).Words, c.words)
			require.NotErrorIs(t, err, context.Canceled)
			require.Positive(t, seen.Box)
			require.Len(t, b.e2b.Boxes(), 1)
			require.Empty(t, b.e2b.Alive())
		})
	}
}

func TestAnInspectionThatGetsNoBoxCostsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *e2b.Options) { o.APIKey = "e2b_wrong" })
	seen, err := b.client.Inspect(t.Context(), "x = 1", nil)
	require.Contains(t, boxError(t, err).Words, "E2B_API_KEY")
	require.Equal(t, steps.Inspection{}, seen)
}

func TestABoxForAnInspectionThatCannotBeLookedAtIsKilled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Fail(e2btest.Get, e2btest.Fault{Status: 500, Times: -1})
	seen, err := b.client.Inspect(t.Context(), "x = 1", nil)
	require.True(t, boxError(t, err).Retry)
	require.Positive(t, seen.Box, "it was there, so it is paid")
	require.Len(t, b.e2b.Boxes(), 1)
	require.Empty(t, b.e2b.Alive())
}

// A box that cannot be killed is paid until E2B ends it.
func TestABoxForAnInspectionThatCannotBeKilledIsPaidForItsLease(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Fail(e2btest.Kill, e2btest.Fault{Status: 500, Times: -1})
	seen, err := b.client.Inspect(t.Context(), "x = 1", nil)
	require.NoError(t, err)
	require.Equal(t, b.client.InspectLease(), seen.Box)
	b.e2b.Fail(e2btest.Get, e2btest.Fault{Status: 500, Times: -1})
	seen, err = b.client.Inspect(t.Context(), "x = 1", nil)
	require.True(t, boxError(t, err).Retry)
	require.Equal(t, b.client.InspectLease(), seen.Box)
}
