package storage

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
	"countersign/internal/checkpoint"
	"countersign/internal/pack"
	prove "countersign/internal/proof"
	"countersign/storage/journal"
	"countersign/storage/trail"
)

// switchedOff has nothing in the schema refuse what somebody does who owns it.
const switchedOff = `SET session_replication_role = replica; ALTER TABLE events DROP CONSTRAINT events_hash; ALTER TABLE log DROP CONSTRAINT log_position_check; `

// hashedAgain has a stream look right again from one event on: the owner knows the format.
const hashedAgain = `UPDATE events SET hash = encode(sha256(convert_to(event_line(stream, seq, at, actor, kind, data, prev_hash), 'UTF8')), 'hex') WHERE `

// renumber closes the places of the log up again.
const renumber = `CREATE TABLE moved AS SELECT row_number() OVER (ORDER BY position) - 1 AS position, stream, seq, hash FROM log; DELETE FROM log; INSERT INTO log (position, stream, seq, hash) SELECT * FROM moved; DROP TABLE moved; `

// live are the eleven kinds on a database, by its owner, who knows this program and has
// not the key. THIS is the stream of a request.
var live = []struct{ kind, sql string }{
	{"a changed field", `UPDATE events SET actor = 'REVB' WHERE stream = THIS AND kind = 'approved'`},
	{"a changed field, hashed again and in the log", `UPDATE events SET actor = 'REVB' WHERE stream = THIS AND kind = 'approved'; ` + hashedAgain + `stream = THIS AND kind = 'approved';
		UPDATE log l SET hash = e.hash FROM events e WHERE (e.stream, e.seq) = (l.stream, l.seq)`},
	{"a deleted middle", `DELETE FROM log WHERE stream = THIS AND seq = 5; DELETE FROM events WHERE stream = THIS AND seq = 5; ` + renumber},
	{"a deleted tail", `CREATE TABLE cut AS SELECT * FROM log ORDER BY position DESC LIMIT 3; DELETE FROM log WHERE position IN (SELECT position FROM cut);
		DELETE FROM events e USING cut WHERE (e.stream, e.seq) = (cut.stream, cut.seq); DELETE FROM checkpoints WHERE size > (SELECT max(position) + 1 FROM log)`},
	{"an insertion", `INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash, key, signature)
			SELECT 'request:slipped', 1, at, 'REVB', kind, data, repeat('0', 64), '', key, signature FROM events WHERE stream = THIS AND kind = 'approved'; ` + hashedAgain + `stream = 'request:slipped';
		INSERT INTO log (position, stream, seq, hash) SELECT -1, stream, seq, hash FROM events WHERE stream = 'request:slipped'; ` + renumber},
	{"a new order", `UPDATE log SET position = -1 WHERE position = 3; UPDATE log SET position = 3 WHERE position = 4; UPDATE log SET position = 4 WHERE position = -1`},
	{"a fork", `DELETE FROM checkpoints WHERE number > 1; UPDATE log SET hash = encode(sha256(hash::bytea), 'hex') WHERE position = 2; UPDATE log_nodes SET hash = sha256(hash)`},
	{"a chain rewritten with another key", `DELETE FROM checkpoints; DELETE FROM log; DELETE FROM log_nodes; UPDATE events SET actor = 'REVB' WHERE kind = 'approved';
		` + hashedAgain + `true; INSERT INTO unlogged (stream, seq) SELECT stream, seq FROM events ORDER BY stream, seq`},
	{"a checkpoint left out", `DELETE FROM checkpoints WHERE number = 2`},
	{"a decision whose event is missing", `INSERT INTO decisions (request_id, revision, digest, asker, author, reviewer, verdict, at, click)
		SELECT request_id, revision, digest, asker, author, 'REVB', 'approve', at, click FROM decisions WHERE 'request:' || request_id = THIS`},
	{"a receipt that does not add up", `UPDATE charges SET amount = amount + 1 WHERE hold_id IN (SELECT hold_id FROM settlements WHERE 'request:' || request_id = THIS)`},
	{"a request left out", `DELETE FROM log WHERE stream = THIS; DELETE FROM events WHERE stream = THIS; ` + renumber},
}

func TestProveAuditALiveDatabaseThatWasTamperedWithIsNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range prove.Draw(t, live) {
		b := setup(t)
		by, key := signer(t)
		var of string
		var kept []checkpoint.Checkpoint
		for i := range 4 {
			of = trail.StreamOf(b.done(t, triggerOf(i)).ID)
			c, err := Log(b.DB).TakeCheckpoint(t.Context(), by)
			require.NoError(t, err)
			kept = append(kept, c.Checkpoint)
		}
		_, err := b.packed(t, by, pack.Trust{Keys: []note.Verifier{key}, Checkpoints: []checkpoint.Checkpoint{kept[3]}})
		require.NoError(t, err, "an honest database")
		require.NoError(t, b.exec(t, switchedOff+strings.ReplaceAll(tt.sql, "THIS", "'"+of+"'")+"; RESET session_replication_role"), tt.kind)
		if tt.kind == "a chain rewritten with another key" {
			by, _ = signer(t)
		}
		// Either nothing is signed any more, and administrators hear why; or whoever checks it has the fault named.
		_, err = b.packed(t, by, pack.Trust{Keys: []note.Verifier{key}, Checkpoints: []checkpoint.Checkpoint{kept[3]}})
		broken, forked, unsigned := new(pack.Broken), new(checkpoint.NotFollowingError), new(journal.UnsignedError)
		prove.Check(t, errors.As(err, &broken) || errors.As(err, &forked) || errors.As(err, &unsigned), "a live database: "+tt.kind, "%v", err)
	}
}

// packed makes a pack of all there is, and verifies it.
func (b *bundle) packed(t *testing.T, by note.Signer, trust pack.Trust) (pack.Report, error) {
	t.Helper()
	return b.packedFrom(t, by, trust, time.Now().Add(-time.Hour))
}

// packedFrom is packed from some time on.
func (b *bundle) packedFrom(t *testing.T, by note.Signer, trust pack.Trust, from time.Time) (r pack.Report, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pack.zip")
	file, err := os.Create(path)
	require.NoError(t, err)
	_, err = Log(b.DB).Pack(t.Context(), by, "operator", file, pack.Options{Chosen: pack.Chosen{From: from.UTC(), To: time.Now().UTC()},
		Zone: time.UTC, Price: func(pack.Charge, time.Time) *pack.Rate { return nil }})
	require.NoError(t, file.Close())
	if err != nil {
		return r, err
	}
	return pack.Verify(path, trust)
}

// A selection, and a pack that begins later, bring along who was named and who had let whom decide.
func TestAPackBringsAlongWhatItsDecisionsRestOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	by, key := signer(t)
	for _, who := range []string{"REVC", "REVD"} {
		require.NoError(t, b.Name(t.Context(), review.Grant{Team: team, Role: review.RoleReviewer, User: who, By: "ADMIN"}))
	}
	require.NoError(t, b.Delegate(t.Context(), review.Delegation{Team: team, From: "REVC", To: "REVE", Until: time.Now().Add(time.Hour)}))
	before, err := Log(b.DB).TakeCheckpoint(t.Context(), by)
	require.NoError(t, err)
	r := b.pending(t, "a")
	rejected := b.pending(t, "b")
	decides := func(r *approval.Request, verdict approval.Verdict) {
		b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
			d := decision(r, "REVE", verdict)
			d.InPlaceOf, d.Settings, d.Reason = "REVC", false, "no"
			return r.Decide(d, budget.Cent, b.policy, now)
		})
	}
	decides(r, approval.Approve)
	decides(rejected, approval.Reject) // in somebody's place as well
	for _, person := range []string{"", r.Asker} {
		path := filepath.Join(t.TempDir(), "pack.zip")
		file, err := os.Create(path)
		require.NoError(t, err)
		_, err = Log(b.DB).Pack(t.Context(), by, "operator", file, pack.Options{Chosen: pack.Chosen{From: before.At.UTC(), To: time.Now().UTC(), Person: person},
			Zone: time.UTC, Price: func(pack.Charge, time.Time) *pack.Rate { return nil }})
		require.NoError(t, file.Close())
		require.NoError(t, err)
		said, err := pack.Verify(path, pack.Trust{Keys: []note.Verifier{key}})
		require.NoError(t, err)
		require.True(t, said.Shown(), said.Sentences())
		require.Positive(t, said.First)
	}
}

func TestAPackOfADatabaseHolds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	by, key := signer(t)
	b.done(t, "a")
	c, err := Log(b.DB).TakeCheckpoint(t.Context(), by)
	require.NoError(t, err)
	b.pending(t, "b")
	done := b.done(t, "c")
	trust := pack.Trust{Keys: []note.Verifier{key}}
	r, err := b.packed(t, by, trust)
	require.NoError(t, err)
	require.True(t, r.Shown(), r.Sentences())
	require.EqualValues(t, 3, r.Requests)
	require.Zero(t, r.First)

	// What is forgotten stays by its hash, and a pack that begins later begins at a checkpoint.
	b.erasers(t, done.Asker)
	_, err = b.Forget(t.Context(), done.ID, nil, "ADMIN", "erasure")
	require.NoError(t, err)
	r, err = b.packedFrom(t, by, trust, c.At)
	require.NoError(t, err)
	require.True(t, r.Shown(), r.Sentences())
	require.Equal(t, c.Size, r.First)
	require.Positive(t, r.Bare)
	require.EqualValues(t, 2, r.Requests)
}

// Whoever has the database alone can put an event into the log, and nobody signs for it: no pack is made of it.
func TestNoPackIsMadeOfWhatNobodyHasSigned(t *testing.T) {
	t.Parallel()
	for what, sql := range map[string]string{
		"an event without a signature":    `UPDATE events SET key = NULL, signature = NULL WHERE stream = THIS AND kind = 'approved'`,
		"an event that another key signs": `UPDATE events SET key = repeat('A', 43) || '=' WHERE stream = THIS AND kind = 'approved'`,
		"another event's signature":       `UPDATE events SET signature = (SELECT signature FROM events WHERE stream = THIS AND seq = 1) WHERE stream = THIS AND kind = 'approved'`,
	} {
		b := setup(t)
		by, key := signer(t)
		of := trail.StreamOf(b.done(t, "a").ID)
		r, err := b.packed(t, by, pack.Trust{Keys: []note.Verifier{key}})
		require.NoError(t, err)
		require.True(t, r.Shown())
		require.NoError(t, b.exec(t, switchedOff+`ALTER TABLE events DROP CONSTRAINT events_signed; `+strings.ReplaceAll(sql, "THIS", "'"+of+"'")+"; RESET session_replication_role"), what)
		_, err = b.packed(t, by, pack.Trust{Keys: []note.Verifier{key}})
		require.ErrorContains(t, err, "no pack is made: no key of this installation has signed event", what)
		require.ErrorContains(t, err, " of "+of, what)
		unsigned, is := errors.AsType[*journal.UnsignedError](err)
		require.True(t, is)
		require.Positive(t, unsigned.Seq)
	}
}
