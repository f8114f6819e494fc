package storage

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

func TestTheCloudsListsOfBoxesAreKept(t *testing.T) {
	t.Parallel()
	boxes := Boxes{DB: setup(t).DB}
	noon := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	list := func(seconds int, began map[string]time.Time) {
		t.Helper()
		require.NoError(t, boxes.Listed(t.Context(), at(seconds), began))
	}
	gone := func(seconds int) *time.Time { g := at(seconds); return &g }
	has := func(want ...budget.ListedBox) {
		t.Helper()
		found, err := boxes.Began(t.Context(), noon, noon.AddDate(0, 0, 1))
		require.NoError(t, err)
		for i := range found {
			found[i].Began, found[i].Seen = found[i].Began.UTC(), found[i].Seen.UTC()
			if found[i].Gone != nil {
				g := found[i].Gone.UTC()
				found[i].Gone = &g
			}
		}
		require.Equal(t, want, append([]budget.ListedBox(nil), found...))
	}
	list(0, nil)
	list(10, map[string]time.Time{"a": at(5), "b": at(11)}) // b began by a clock with more digits
	list(25, map[string]time.Time{"a": at(5)})
	has(budget.ListedBox{Box: "a", Began: at(5), Seen: at(25)}, budget.ListedBox{Box: "b", Began: at(10), Seen: at(10), Gone: gone(25)})
	list(24, nil) // another replica's list, which was read before: a was there a second later
	list(40, nil)
	has(budget.ListedBox{Box: "a", Began: at(5), Seen: at(25), Gone: gone(40)}, budget.ListedBox{Box: "b", Began: at(10), Seen: at(10), Gone: gone(25)})
	list(55, map[string]time.Time{"b": at(10)}) // the cloud had left it out of one list
	has(budget.ListedBox{Box: "a", Began: at(5), Seen: at(25), Gone: gone(40)}, budget.ListedBox{Box: "b", Began: at(10), Seen: at(55)})
	list(30, map[string]time.Time{"a": at(5)})
	has(budget.ListedBox{Box: "a", Began: at(5), Seen: at(30), Gone: gone(40)}, budget.ListedBox{Box: "b", Began: at(10), Seen: at(55)})
	list(41*24*3600, map[string]time.Time{"c": at(41 * 24 * 3600)})
	has()
}

// However many replicas ask at once, no more boxes wait than may; and what the row says of one comes back.
func TestNoMoreBoxesWaitForReviewersThanMay(t *testing.T) {
	t.Parallel()
	const most = 3
	b := setupWith(t, Options{MaxReady: most})
	var ids []string
	for i := range 3 * most {
		ids = append(ids, b.pending(t, fmt.Sprintf("trigger %d", i)).ID)
	}
	var waiting atomic.Int64
	var all sync.WaitGroup
	faults := make([]error, len(ids))
	for i, id := range ids {
		all.Go(func() {
			faults[i] = func() error {
				_, err := b.Update(t.Context(), id, func(r *approval.Request, now time.Time) error {
					return approval.Early{Request: r}.Order(budget.Cent, 10*time.Minute, now)
				})
				if err == nil {
					waiting.Add(1)
					_, err = b.Update(t.Context(), id, func(r *approval.Request, now time.Time) error { return approval.Early{Request: r}.Name("box "+id, now) })
					return err
				}
				if errors.Is(err, approval.ErrEnoughReady) {
					return nil
				}
				return err
			}()
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(faults...))
	require.EqualValues(t, most, waiting.Load())
	require.Equal(t, most, b.count(t, `SELECT count(*) FROM requests WHERE ready_until IS NOT NULL AND ready ->> 'box' = 'box ' || id`))
	for _, id := range ids {
		r, err := b.Request(t.Context(), id)
		require.NoError(t, err)
		if r.Ready == nil {
			continue
		}
		require.True(t, approval.Early{Request: r}.Stands())
		require.Equal(t, 10*time.Minute, r.Ready.Until.Sub(r.Ready.At))
		r, err = b.Update(t.Context(), id, func(r *approval.Request, now time.Time) error {
			approval.Early{Request: r}.End(budget.Charge{Kind: budget.Box, What: "e2b", BoxMS: 1000, Amount: budget.Cent / 10}, now)
			return nil
		})
		require.NoError(t, err)
		require.False(t, r.Ready.Open())
		break
	}
	require.Equal(t, most-1, b.count(t, `SELECT count(*) FROM requests WHERE ready_until IS NOT NULL`))
	require.NoError(t, b.exec(t, `UPDATE requests SET ready_until = now() WHERE ready_until IS NOT NULL`))
	wakes, err := b.Stuck(t.Context())
	require.NoError(t, err)
	n := 0
	for _, w := range wakes {
		if w.Step == approval.StepReady {
			n++
		}
	}
	require.Equal(t, most-1, n, "a sweep sees to those whose time is over: %v", wakes)
}
