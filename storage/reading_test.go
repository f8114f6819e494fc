package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
)

func table(name string) reading.Answer {
	return reading.Answer{Reading: &reading.Reading{Version: 1, Kind: "text", Encoding: "utf-8", Sure: 0.31, Tables: []reading.Table{{Rows: 3, Delimiter: ";", HeadingLine: 1, HeadingRows: 1,
		Columns: []reading.Column{{Name: name, Type: "integer", DType: "int64"}}, Spec: reading.Spec{Escape: "\x00", Heading: []string{name}}}}}}
}

func TestAReadingIsKeptByContentAndGivenToTheRequestThatNamesIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	r := b.ask(t, "1")
	sum := approval.Hash([]byte("data"))
	c := approval.Content{Team: r.Team, Project: r.Project, SHA256: sum, Desk: "desk 1", Template: "t"}
	kept, err := b.Reading(ctx, c)
	require.NoError(t, err)
	require.Nil(t, kept.Answer)
	require.Zero(t, kept.Tries)

	begins := func(begun bool, tries int) {
		t.Helper()
		got, err := b.BeginReading(ctx, c)
		require.NoError(t, err)
		require.Equal(t, begun, got)
		kept, err = b.Reading(ctx, c)
		require.NoError(t, err)
		require.Equal(t, tries, kept.Tries)
		require.Less(t, kept.Now.Sub(kept.At), time.Hour)
	}
	begins(true, 1)
	begins(true, 2)
	begins(false, 2)
	require.NoError(t, b.Uncount(ctx, c, false))
	require.NoError(t, b.Uncount(ctx, c, false))
	kept, err = b.Reading(ctx, c)
	require.NoError(t, err)
	require.Zero(t, kept.Tries)

	// It rests for longer after each pair of boxes, and after the longest rest it counts anew.
	for pair, rest := range approval.Rests {
		begins(true, 2*pair+1)
		begins(true, 2*pair+2)
		passes := func(d time.Duration) {
			require.NoError(t, b.exec(t, `UPDATE readings SET at = clock_timestamp() - $1::interval`, d))
		}
		passes(rest - time.Minute)
		got, err := b.BeginReading(ctx, c)
		require.NoError(t, err)
		require.False(t, got)
		passes(rest + time.Minute)
	}
	begins(true, 1)

	// A box that never was changes nothing about when the next one is due.
	begins(true, 2)
	require.NoError(t, b.exec(t, `UPDATE readings SET at = clock_timestamp() - $1::interval`, approval.Rests[0]+time.Minute))
	begins(true, 3)
	require.NoError(t, b.Uncount(ctx, c, false))
	begins(true, 3)
	// One that has read the file after all leaves nothing of those before it.
	require.NoError(t, b.Uncount(ctx, c, true))
	begins(true, 1)

	problem := reading.Answer{Problem: &reading.Problem{Code: "time", Facts: map[string]int64{"seconds": 120}}}
	require.NoError(t, b.KeepReading(ctx, c, problem))
	kept, err = b.Reading(ctx, c)
	require.NoError(t, err)
	require.Equal(t, &problem, kept.Answer)
	require.Equal(t, 1, kept.Tries, "another box may do better: this one counts")
	first := table("a")
	require.NoError(t, b.KeepReading(ctx, c, first))
	require.NoError(t, b.KeepReading(ctx, c, table("b")), "a reading that stands is not replaced")
	kept, err = b.Reading(ctx, c)
	require.NoError(t, err)
	require.Equal(t, &first, kept.Answer)
	require.Zero(t, kept.Tries)

	read := func(change func(f *approval.File)) *approval.Request {
		_, err := b.Update(ctx, r.ID, func(r *approval.Request, _ time.Time) error {
			r.Files[0].SHA256, r.Files[0].ReadAs = sum, first.Reading.SHA256()
			change(&r.Files[0])
			return nil
		})
		require.NoError(t, err)
		stored, err := b.Request(ctx, r.ID)
		require.NoError(t, err)
		return stored
	}
	require.Equal(t, first.Reading, read(func(*approval.File) {}).Files[0].Reading)
	require.Nil(t, read(func(f *approval.File) { f.SHA256 = approval.Hash([]byte("other")) }).Files[0].Reading)
	require.Nil(t, read(func(f *approval.File) { f.ReadAs = approval.Hash([]byte("other")) }).Files[0].Reading)
	require.NoError(t, b.exec(t, `UPDATE readings SET answer = replace(answer, '"rows":3', '"rows":4')`))
	require.Nil(t, read(func(*approval.File) {}).Files[0].Reading, "what was changed by hand is no reading of ours")
	require.NoError(t, b.exec(t, `DELETE FROM readings`), "a reading may be forgotten")
	require.Nil(t, read(func(*approval.File) {}).Files[0].Reading)
}

func TestAFileIsKnownByWhatSlackShowsOfIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := approval.File{ID: "F1", Name: "sales.csv", Size: 8, SHA256: approval.Hash([]byte("a,b\n1,2\n"))}
	require.NoError(t, b.Know(t.Context(), "T1", f))
	require.NoError(t, b.Know(t.Context(), "T1", f))
	for what, other := range map[string]approval.File{"": f, "id": {ID: "F2", Name: f.Name, Size: f.Size}, "name": {ID: f.ID, Name: "x.csv", Size: f.Size}, "size": {ID: f.ID, Name: f.Name, Size: 9}} {
		sum, err := b.Known(t.Context(), "T1", other, time.Hour)
		require.NoError(t, err)
		require.Equal(t, what == "", sum == f.SHA256, what)
	}
	sum, err := b.Known(t.Context(), "T2", f, 0)
	require.NoError(t, err)
	require.Empty(t, sum, "no workspace knows of another's files")
	require.NoError(t, b.exec(t, `UPDATE known_files SET at = at - interval '15 days'`))
	for within, known := range map[time.Duration]bool{0: true, 16 * 24 * time.Hour: true, 14 * 24 * time.Hour: false} {
		sum, err := b.Known(t.Context(), "T1", f, within)
		require.NoError(t, err)
		require.Equal(t, known, sum != "", "within %s", within)
	}
	require.NoError(t, b.Know(t.Context(), "T1", f))
	sum, err = b.Known(t.Context(), "T1", f, time.Hour)
	require.NoError(t, err)
	require.Equal(t, f.SHA256, sum, "it was fetched again")
}

// What was told of a file is offered in its channel, the latest word first; what could not be
// done, and what a thread only took over, is the steps' to sort out.
func TestWhatWasToldOfAFileIsFoundInItsChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "1")
	sum := approval.Hash([]byte("a,b\n1,2\n"))
	c := approval.Content{Team: r.Team, Project: r.Project, SHA256: sum}
	says := func(code, says string) {
		_, err := b.Update(t.Context(), r.ID, func(r *approval.Request, _ time.Time) error {
			r.Files = []approval.File{{ID: "F1", Name: "a.csv", SHA256: sum, Answers: []reading.Answered{{Doubt: reading.Doubt{Code: code}, Says: says, By: "asker", Content: sum}}}}
			return nil
		})
		require.NoError(t, err)
	}
	for code, found := range map[string]bool{"ambiguous_thousands": false, "told_before": false, "told_heading": true} {
		says(code, "2")
		told, err := b.ToldBefore(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, found, len(told) == 1, code)
	}
	says("told_heading", "3")
	for what, other := range map[string]approval.Content{"": c, "workspace": {Team: "T9", Project: c.Project, SHA256: sum}, "channel": {Team: c.Team, Project: "C9", SHA256: sum}, "content": {Team: c.Team, Project: c.Project, SHA256: "s"}} {
		told, err := b.ToldBefore(t.Context(), other)
		require.NoError(t, err)
		require.Equal(t, what == "", len(told) == 1, what)
	}
}
