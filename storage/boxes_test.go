package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
