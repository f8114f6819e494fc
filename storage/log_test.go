package storage

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"countersign/approval"
	"countersign/internal/checkpoint"
	"countersign/internal/pack"
	"countersign/internal/pglocal/pgtest"
	prove "countersign/internal/proof"
	"countersign/storage/journal"
)

// signer is a key of its own for a test.
func signer(t *testing.T) (note.Signer, note.Verifier) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	by, err := checkpoint.Signer(private)
	require.NoError(t, err)
	line, err := checkpoint.Public(private)
	require.NoError(t, err)
	key, err := checkpoint.Verifier(line)
	require.NoError(t, err)
	return by, key
}

// follow checks all checkpoints, each by the one before it, and returns them.
func (b *bundle) follow(t *testing.T, key note.Verifier) []journal.Checkpoint {
	t.Helper()
	list, err := Log(b.DB).Checkpoints(t.Context(), 0)
	require.NoError(t, err)
	for i, c := range list {
		read, err := checkpoint.Open(c.Note, key)
		require.NoError(t, err)
		require.Equal(t, c.Checkpoint, read)
		require.EqualValues(t, i+1, c.Number)
		if i > 0 {
			require.NoError(t, c.Follows(list[i-1].Checkpoint, c.Proof))
		}
	}
	return list
}

func TestProveAuditThirtyTwoWritersLeaveOneUnbrokenLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	by, key := signer(t)
	for _, err := range together(32, func(i int) error {
		for range 20 {
			if err := b.Audit(t.Context(), triggerOf(i%8), approval.Event{Actor: "REV", Kind: approval.OpenedReview}); err != nil {
				return err
			}
			if i%4 == 0 {
				if err := Log(b.DB).Sequence(t.Context(), by); err != nil {
					return err
				}
			}
		}
		return nil
	}) {
		require.NoError(t, err)
	}
	last, err := Log(b.DB).TakeCheckpoint(t.Context(), by)
	require.NoError(t, err)
	require.EqualValues(t, 641, last.Size, "and the one of the key that signs")
	list := b.follow(t, key)
	require.GreaterOrEqual(t, len(list), 4, "the first, one each 256 entries, and the one that was asked for")
	for i, c := range list[1 : len(list)-1] {
		require.Zero(t, c.Size%256, "checkpoint %d", i+2)
	}
	require.Equal(t, 641, b.count(t, `SELECT count(*) FROM log`))
	require.Zero(t, b.count(t, `SELECT count(*) FROM unlogged`))
	require.Zero(t, b.count(t, `SELECT count(*) FROM log JOIN log former ON former.stream = log.stream AND former.seq = log.seq - 1 WHERE former.position > log.position`),
		"the events of a stream keep their order")
	// The tree as it stands is the tree of all events, hashed from the first one on.
	tree, err := checkpoint.Grow(0, nil)
	require.NoError(t, err)
	rows, err := b.pool.Query(t.Context(), `SELECT hash FROM log ORDER BY position`)
	require.NoError(t, err)
	for rows.Next() {
		var hash string
		require.NoError(t, rows.Scan(&hash))
		_, err := tree.Append(hash)
		require.NoError(t, err)
	}
	root, err := tree.Root()
	require.NoError(t, err)
	require.Equal(t, last.Root, root)
	prove.Check(t, bytes.Equal(last.Root, root), "32 writers at once leave one unbroken log", "640 events, %d checkpoints", len(list))
	again, err := Log(b.DB).TakeCheckpoint(t.Context(), by)
	require.NoError(t, err)
	require.Equal(t, last, again, "one size has one checkpoint")
}

func TestNoCheckpointIsSignedOfALogThatForks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	by, _ := signer(t)
	nobody := bundledReader(t, pgtest.Database(t, migrated)) // whose key is not announced
	require.NoError(t, Log(nobody).Sequence(t.Context(), nil), "there is nothing to place")
	_, err := Log(nobody).TakeCheckpoint(t.Context(), by)
	require.ErrorContains(t, err, "no event yet")
	b.ask(t, "t")
	require.NoError(t, Log(b.DB).Sequence(t.Context(), nil))
	require.Zero(t, b.count(t, `SELECT count(*) FROM checkpoints`), "without a key nothing is signed, and events have their places all the same")
	_, err = Log(b.DB).TakeCheckpoint(t.Context(), by)
	require.NoError(t, err)
	b.ask(t, "u")
	// Somebody who owns the database puts another tree in the place of the one that was signed.
	require.NoError(t, b.exec(t, unguarded(`log_nodes`)+`UPDATE log_nodes SET hash = sha256('another')`))
	_, err = Log(b.DB).TakeCheckpoint(t.Context(), by)
	var forked *checkpoint.NotFollowingError
	require.ErrorAs(t, err, &forked)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM checkpoints`))
}

func TestAPackReachesOverABacklogOfItsPeriod(t *testing.T) {
	t.Parallel()
	b := setup(t)
	by, _ := signer(t)
	for range 300 {
		require.NoError(t, b.Audit(t.Context(), triggerOf(1), approval.Event{Actor: "REV", Kind: approval.OpenedReview}))
	}
	// The events are an hour old by the time that they get their places, 256 before the first checkpoint.
	require.NoError(t, b.exec(t, unguarded(`events`)+`ALTER TABLE events DROP CONSTRAINT events_hash; UPDATE events SET at = at - interval '1 hour'`))
	last, err := Log(b.DB).TakeCheckpoint(t.Context(), by)
	require.NoError(t, err)
	require.Greater(t, last.Size, int64(256))
	to := last.At.Add(-30 * time.Minute)
	span, err := Log(b.DB).Span(t.Context(), pack.Chosen{From: to.Add(-time.Hour), To: to})
	require.NoError(t, err)
	require.Equal(t, last.Size, span.Last, "all of them belong to the period, and none lies outside of the pack")
	span, err = Log(b.DB).Span(t.Context(), pack.Chosen{From: to.Add(-3 * time.Hour), To: to.Add(-2 * time.Hour)})
	require.NoError(t, err)
	require.EqualValues(t, 256, span.Last, "before the first event there is nothing to reach over")
}

func TestALogThatIsNotKeptUpIsLate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	by, _ := signer(t)
	require.NoError(t, Log(b.DB).Kept(t.Context()))
	b.ask(t, "t")
	require.NoError(t, Log(b.DB).Kept(t.Context()), "it has only just been asked")
	require.NoError(t, b.exec(t, unguarded(`unlogged`)+`UPDATE unlogged SET at = at - interval '1 hour'`))
	var late *journal.LateError
	require.ErrorAs(t, Log(b.DB).Kept(t.Context()), &late)
	require.Positive(t, late.Unplaced)
	_, err := Log(b.DB).TakeCheckpoint(t.Context(), by)
	require.NoError(t, err)
	require.NoError(t, Log(b.DB).Kept(t.Context()))
	b.ask(t, "u")
	require.NoError(t, Log(b.DB).Sequence(t.Context(), nil))
	require.NoError(t, Log(b.DB).Kept(t.Context()))
	require.NoError(t, b.exec(t, unguarded(`checkpoints`)+`UPDATE checkpoints SET at = at - interval '2 hours'`))
	require.ErrorAs(t, Log(b.DB).Kept(t.Context()), &late)
	require.ErrorContains(t, late, "no checkpoint has been made since")
	require.NoError(t, Log(b.DB).Sequence(t.Context(), by), "after an hour one is made, however few events there are")
	require.NoError(t, Log(b.DB).Kept(t.Context()))
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM checkpoints`))
}
