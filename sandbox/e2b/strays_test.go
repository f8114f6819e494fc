package e2b_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/sandbox/e2b"
	"countersign/sandbox/e2b/e2btest"
)

func TestStraysKillsWhatNobodyWaitsForAndNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Change(func(s *e2btest.Settings) { s.PageSize = 2 })
	add := func(installation, request string, age time.Duration) string {
		return b.e2b.Add(map[string]string{"countersign_installation": installation, "countersign_request": request}, age, time.Hour)
	}
	keep := []string{
		add("default", "wanted", 10*time.Minute),
		add("default", "unwanted", time.Minute), // too young to tell: it may be just being made
		add("default", "unsure", 10*time.Minute),
		add("another", "unwanted", 10*time.Minute),
		b.e2b.Add(map[string]string{"mine": "too"}, 10*time.Minute, time.Hour),
		b.e2b.Add(map[string]string{"countersign_installation": "default", "countersign_reading": "x"}, 10*time.Minute, 12*time.Minute), // a large file
	}
	kill := []string{
		add("default", "unwanted", 10*time.Minute),
		add("default", "unwanted", 90*time.Second), // a sweep later, so within two minutes
		add("default", "wanted", 9*time.Minute),    // the second of one request
		b.e2b.Add(map[string]string{"countersign_installation": "default", "countersign_inspection": "x"}, 3*time.Minute, time.Hour),
	}
	err := b.client.Strays(t.Context(), func(_ context.Context, request, box string) (bool, error) {
		if request == "unsure" {
			return false, errors.New("the database is away")
		}
		return request == "wanted" && box == keep[0], nil
	}, func(_ context.Context, at time.Time, began map[string]time.Time) error {
		require.Len(t, began, len(keep)+len(kill)-2, "each box of this installation, before any is killed, and none of others")
		require.InDelta(t, 600, at.Sub(began[keep[0]]).Seconds(), 120)
		require.NotContains(t, began, keep[3])
		return errors.New("the books are away")
	})
	require.ErrorContains(t, err, "the books are away", "that nobody wrote it down keeps no box alive")
	require.ErrorContains(t, err, "the database is away")
	for _, id := range keep {
		require.True(t, b.e2b.Box(id).Alive, id)
	}
	for _, id := range kill {
		require.False(t, b.e2b.Box(id).Alive, id)
	}
}

// Whoever hears of a list takes what it leaves out for gone: so nobody hears of half of one.
func TestNobodyHearsOfAListThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Change(func(s *e2btest.Settings) { s.PageSize = 1 })
	var ids []string
	for range 21 {
		ids = append(ids, b.e2b.Add(map[string]string{"countersign_installation": "default", "countersign_request": "unwanted"}, 10*time.Minute, time.Hour))
	}
	sweep := func() (heard []map[string]time.Time, err error) {
		err = b.client.Strays(t.Context(), func(context.Context, string, string) (bool, error) { return false, nil }, func(_ context.Context, _ time.Time, began map[string]time.Time) error {
			heard = append(heard, began)
			return nil
		})
		return heard, err
	}
	require.ErrorContains(t, b.client.Check(t.Context()), "there are more boxes than are listed")
	heard, err := sweep()
	require.ErrorContains(t, err, "look for stray boxes: list boxes: there are more boxes than are listed")
	require.Empty(t, heard)
	alive := 0
	for _, id := range ids {
		if b.e2b.Box(id).Alive {
			alive++
		}
	}
	require.Equal(t, 1, alive, "what was found is killed all the same")
	heard, err = sweep()
	require.NoError(t, err)
	require.Len(t, heard, 1)
	require.Len(t, heard[0], 1, "twenty pages are all that there are")
}

// This machine's clock says nothing of when a box of E2B's was there.
func TestNobodyHearsOfAListWithoutATime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.e2b.Add(map[string]string{"countersign_installation": "default", "countersign_request": "unwanted"}, time.Hour, 2*time.Hour)
	b.e2b.Fail(e2btest.List, e2btest.Fault{Status: 200, Header: map[string]string{"Date": "soon"}, Body: fmt.Sprintf(
		`[{"sandboxID":%q,"startedAt":"2020-01-01T00:00:00Z","metadata":{"countersign_installation":"default","countersign_request":"unwanted"}}]`, id)})
	err := b.client.Strays(t.Context(), func(context.Context, string, string) (bool, error) { return false, nil }, func(context.Context, time.Time, map[string]time.Time) error {
		require.Fail(t, "nobody may hear of it")
		return nil
	})
	require.ErrorContains(t, err, "E2B does not tell its time")
	require.False(t, b.e2b.Box(id).Alive, "what was found is killed all the same")
}

func TestAListThatIsNotFilteredKillsNoOneElsesBox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.e2b.Add(map[string]string{"countersign_installation": "another"}, time.Hour, 2*time.Hour)
	b.e2b.Fail(e2btest.List, e2btest.Fault{Status: 200, Body: fmt.Sprintf(
		`[{"sandboxID":%q,"startedAt":"2020-01-01T00:00:00Z","metadata":{"countersign_installation":"another"}},{"sandboxID":"../x"}]`, id)})
	require.NoError(t, b.client.Strays(t.Context(), func(context.Context, string, string) (bool, error) { return false, nil }, nil))
	require.True(t, b.e2b.Box(id).Alive)
	require.Zero(t, b.e2b.Calls(e2btest.Kill))
}

func TestStraysSaysWhenItCannotLook(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *e2b.Options) { o.APIKey = "e2b_ffff" })
	require.Contains(t, boxError(t, b.client.Strays(t.Context(), nil, nil)).Words, "E2B_API_KEY")
	require.Contains(t, boxError(t, b.client.Check(t.Context())).Words, "E2B_API_KEY")
}

func TestCheckCostsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.client.Check(t.Context()))
	require.Empty(t, b.e2b.Boxes())
}
