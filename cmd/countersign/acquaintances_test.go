package main

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/storage"
)

// A name that could not be written down yet must not go over one that was heard while that was tried.
func TestANameThatWasHeardLaterStays(t *testing.T) {
	t.Parallel()
	a := &acquaintances{}
	a.hears("T1", "U1", "Maya Berg")
	a.keeps("T1", map[string]string{"U1": "Maya Tal", "U2": "Ben"})
	require.Equal(t, map[string]string{"U1": "Maya Berg", "U2": "Ben"}, a.news["T1"])
}

// A pack has the names written down that were heard, also those that the tick is about to write.
func TestWhoeverWritesNamesWaitsForThoseOnTheirWay(t *testing.T) {
	t.Parallel()
	h := open(t)
	db, err := h.store()
	require.NoError(t, err)
	defer db.Close()
	a, log := &acquaintances{}, storage.Log(db)
	a.hears("T1", "U1", "Maya Berg")
	reader, err := pgx.Connect(h.ctx, h.url)
	require.NoError(t, err)
	_, err = reader.Exec(h.ctx, `BEGIN; LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE`) // everybody reads, and nobody writes
	require.NoError(t, err)
	tick := make(chan error, 1)
	go func() { tick <- a.write(h.ctx, log) }()
	h.soon("the tick waits", func() bool {
		return value[int](h, `SELECT count(*) FROM pg_locks WHERE relation = 'events'::regclass AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) > 0
	})
	named, begins := make(chan int, 1), make(chan struct{})
	go func() {
		close(begins)
		if err := a.write(h.ctx, log); err != nil {
			t.Errorf("write: %v", err)
		}
		names, err := log.Names(h.ctx)
		if err != nil {
			t.Errorf("read: %v", err)
		}
		named <- len(names)
	}()
	<-begins
	require.NoError(t, reader.Close(h.ctx))
	require.Equal(t, 1, <-named)
	require.NoError(t, <-tick)
}
