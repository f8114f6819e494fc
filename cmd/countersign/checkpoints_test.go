package main

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"countersign/approval"
	"countersign/bot/ids"
	"countersign/internal/checkpoint"
	"countersign/internal/pack"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
	"countersign/storage/signing"
)

// TestCheckpointsStandInSlackOnceAndProveAPack has an administrator choose a channel, two
// replicas send checkpoints there through an outage, and a stranger check a pack with
// nothing but what stands in the channel.
func TestCheckpointsStandInSlackOnceAndProveAPack(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	one, _ := h.run()
	two, _ := h.run()
	require.NoError(t, h.carla.OpenHome())
	atHome, err := h.carla.WaitHome(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "Reviews") })
	require.NoError(t, err)
	require.NoError(t, h.carla.ClickView(atHome, ids.ActionTrail))
	_, err = h.carla.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == ids.CallbackTrail })
	require.NoError(t, err)
	refused, err := h.carla.Submit(person.Fill(ids.FieldChannel, slacksim.SalesData))
	require.NoError(t, err)
	require.Empty(t, refused)

	// standing is what somebody copies from the channel, and how often each checkpoint stands there.
	standing := func() (text string, times map[int64]int) {
		times = map[int64]int{}
		for _, m := range h.maya.Messages(slacksim.SalesData) {
			text += m.Text + "\n"
		}
		for _, note := range checkpoint.Notes(text) {
			c, err := checkpoint.Read(note)
			require.NoError(t, err)
			times[c.Number]++
		}
		return text, times
	}
	h.soon("the first checkpoint stands there", func() bool { _, times := standing(); return times[1] == 1 })

	db, err := h.store()
	require.NoError(t, err)
	defer db.Close()
	grow := func() int64 {
		require.NoError(t, db.Audit(h.ctx, "request:x", approval.Event{Actor: slacksim.Analyst, Kind: approval.OpenedReview}))
		c, err := storage.Log(db).TakeCheckpoint(h.ctx, one.keeper.by)
		require.NoError(t, err)
		return c.Number
	}
	h.sim.Fail(fault.Method{Method: "chat.postMessage", Status: 500, Times: 3})
	second := grow()
	var all sync.WaitGroup
	for range 4 {
		for _, r := range []*replica{one, two} {
			all.Go(func() {
				if err := r.keeper.tick(h.ctx); err != nil {
					t.Errorf("tick: %v", err)
				}
			})
		}
	}
	all.Wait()
	h.soon("it is told", func() bool {
		return value[int](h, `SELECT count(*) FROM notices WHERE kind = 'checkpoint' AND told_at IS NULL`) == 0
	})

	h.sim.Fail(fault.Method{Method: "chat.postMessage", After: true, Cut: true}) // it stands there, and nobody knows
	lost := grow()
	require.NoError(t, two.keeper.tick(h.ctx))
	h.soon("it is told as well", func() bool {
		return value[int](h, `SELECT count(*) FROM notices WHERE kind = 'checkpoint' AND told_at IS NULL`) == 0
	})

	p, path := h.program, filepath.Join(t.TempDir(), "pack.zip")
	p.args = []string{"-o", path}
	require.NoError(t, makePack(h.ctx, p))
	last := value[int64](h, `SELECT max(number) FROM checkpoints`)
	require.Greater(t, last, lost)
	require.Greater(t, lost, second)
	h.soon("the pack's own checkpoints stand there", func() bool { _, times := standing(); return times[last] == 1 })
	text, times := standing()
	for number, n := range times {
		if number == lost {
			require.LessOrEqual(t, n, 2, "nobody could know that it stood there")
			continue
		}
		require.Equal(t, 1, n, "checkpoint %d", number)
	}
	require.Len(t, times, int(last), "none is left out")
	var kept []checkpoint.Checkpoint
	for _, note := range checkpoint.Notes(text) {
		c, err := checkpoint.Read(note)
		require.NoError(t, err)
		kept = append(kept, c)
	}
	said, err := pack.Verify(path, pack.Trust{Checkpoints: kept})
	require.NoError(t, err)
	require.True(t, said.Shown(), said.Sentences())
	f := h.program.checkCheckpoints(h.ctx)
	require.NoError(t, f.err)
	require.False(t, f.warn, f.say)
	require.Contains(t, f.say, "the last copy in "+slacksim.SalesData)

	// What the key has not signed is not said in Slack, whoever has written it into the database.
	forged := one.keeper
	forged.keys = nobody{}
	grow()
	require.ErrorContains(t, forged.send(h.ctx, storage.Log(db)), "is not sent")
}

// nobody is a ring without keys.
type nobody struct{}

func (nobody) Verifier(name string, hash uint32) (note.Verifier, error) {
	return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
}

// TestAdministratorsHearThatCheckpointsDoNotLeave takes the channel away.
func TestAdministratorsHearThatCheckpointsDoNotLeave(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	r, _ := h.run()
	h.shareSamples()
	team := slacksim.DefaultTeam.ID
	set, err := r.db.Rules(h.ctx, team, "")
	require.NoError(t, err)
	set.Team, set.SetBy, set.Rules.LogChannel, set.Rules.Follows = team, slacksim.Admin, "C0NOWHERE", true
	set.Rules.Low.Approvals, set.Rules.Medium.Approvals, set.Rules.High.Approvals = 1, 1, 1
	_, err = r.db.SetRules(h.ctx, set)
	require.NoError(t, err)
	require.NoError(t, r.keeper.tick(h.ctx))
	require.NoError(t, r.keeper.late(h.ctx))
	require.Zero(t, value[int](h, `SELECT count(*) FROM notices WHERE kind = 'log'`))
	require.NoError(t, r.db.Notify(h.ctx, approval.Notice{Key: "checkpoint 99 " + team, Team: team, Kind: approval.NoticeCheckpoint, To: []string{"C0NOWHERE"},
		At: time.Now().Add(-2 * time.Hour), Data: approval.Encode(approval.Checkpoint{Number: 99, Size: 99, Note: "x"}), Once: true}))
	for range 3 {
		require.NoError(t, r.keeper.late(h.ctx))
	}
	h.toldOnce(approval.NoticeLog, "do not reach", slacksim.Admin)
	f := h.program.checkCheckpoints(h.ctx)
	require.NoError(t, f.err)
	require.True(t, f.warn)
	require.Contains(t, f.say, "one is missing there since")
}

// TestADatabaseThatIsNoOlderCopyIsNotTakenForOne puts another database in its place.
func TestADatabaseThatIsNoOlderCopyIsNotTakenForOne(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	for range 2 {
		db, err := h.store()
		require.NoError(t, err)
		signed, err := h.program.signed()
		require.NoError(t, err)
		k, err := newKeeper(db, signed, h.program.CheckpointFile)
		require.NoError(t, err)
		require.NoError(t, db.Audit(h.ctx, "request:x", approval.Event{Actor: slacksim.Analyst, Kind: approval.OpenedReview}))
		_, err = storage.Log(db).TakeCheckpoint(h.ctx, k.by)
		require.NoError(t, err)
		err = k.keep(h.ctx, storage.Log(db))
		db.Close()
		if err != nil {
			require.ErrorContains(t, restored(h.ctx, h.program), "it is not an older copy")
			return
		}
		h.url = pgtest.Database(t, migrated)
		h.program.DatabaseURL = Secret(pgtest.Serve(h.url))
	}
	require.Fail(t, "another database was taken for this one")
}

// Whoever has the database's password can put a checkpoint there that fits, of any day. It comes into no file of ours, and nothing is signed after it.
func TestACheckpointThatNobodySignedIsNotKept(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	db, err := h.store()
	require.NoError(t, err)
	defer db.Close()
	signed, err := h.program.signed()
	require.NoError(t, err)
	k, err := newKeeper(db, signed, h.program.CheckpointFile)
	require.NoError(t, err)
	other, err := signing.New(nil)
	require.NoError(t, err)
	forger, err := other.Notes()
	require.NoError(t, err)
	grow := func() {
		require.NoError(t, db.Audit(h.ctx, "request:x", approval.Event{Actor: slacksim.Analyst, Kind: approval.OpenedReview}))
	}
	grow()
	require.NoError(t, k.tick(h.ctx))
	kept, err := k.file.Last()
	require.NoError(t, err)
	require.EqualValues(t, 1, kept.Number)
	grow()
	_, err = storage.Log(db).TakeCheckpoint(h.ctx, forger)
	require.NoError(t, err)
	grow()
	for range 2 {
		require.ErrorContains(t, k.tick(h.ctx), "checkpoint 2 is not kept")
	}
	last, err := k.file.Last()
	require.NoError(t, err)
	require.Equal(t, kept, last)
	require.ErrorIs(t, h.program.checkCheckpoints(h.ctx).err, errNotOurs, "doctor says so")
	require.Equal(t, 2, value[int](h, `SELECT max(number)::int FROM checkpoints`))
}
