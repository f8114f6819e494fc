package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/bot/ids"
	"countersign/internal/pglocal"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
	"countersign/storage/schema"
	"countersign/storage/signing"
)

// at has a world work on another database from here on.
func (w *world) at(url string) {
	w.url = url
	w.program.DatabaseURL, w.program.MigrateDatabaseURL = Secret(pgtest.Serve(url)), Secret(url)
	w.look.mu.Lock()
	w.look.close()
	w.look.mu.Unlock()
}

// TestWhatRanAfterACopyDoesNotRunAgain is the drill of the runbook: a question waits when the
// database is copied, is approved and run afterwards, and then the copy is put back. Nothing of it
// runs again, nothing that costs money starts, and an administrator has it go on.
func TestWhatRanAfterACopyDoesNotRunAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.at(w.url)
	remote := filepath.Join(t.TempDir(), "remote.git")
	git := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(w.ctx, "git", append([]string{"--git-dir", remote}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet", "--bare")
	w.program.CheckpointGit, w.program.CheckpointBranch = Secret(remote), "checkpoints"
	r, stop := w.run()
	w.act(func() error { return w.maya.Command(slacksim.SalesData, "/analyze "+asked) }, requested, nil)
	card := w.openCard()
	var said lockedBuffer
	p := w.program
	dump := filepath.Join(t.TempDir(), "copy")
	p.out, p.args = &said, []string{"-o", dump}
	require.NoError(t, backup(w.ctx, p))
	require.Regexp(t, `everything up to checkpoint \d+ \(\d+ entries\)`, said.String())
	require.ErrorContains(t, backup(w.ctx, p), "is there already", "no copy is overwritten")
	about, err := os.Stat(dump)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), about.Mode().Perm())

	w.act(func() error { return w.ben.Click(card, "Approve") }, decided, nil)
	w.ended(1)
	require.Equal(t, "done", value[string](w.house, `SELECT state FROM requests`))
	require.Equal(t, 1, w.marks())
	after, err := storage.Log(r.db).TakeCheckpoint(w.ctx, r.keeper.by)
	require.NoError(t, err)
	require.NoError(t, r.keeper.tick(w.ctx))
	stop()
	p.args = []string{dump}
	require.ErrorContains(t, restore(w.ctx, p), "is not empty")

	// Somebody puts it back with Postgres' own programs, and tells nobody.
	w.at(pgtest.Database(t, nil))
	require.NoError(t, pglocal.Load(w.ctx, w.url, dump))
	require.NoError(t, migrated(w.ctx, w.url))
	require.Equal(t, "pending", value[string](w.house, `SELECT state FROM requests`), "the copy does not know")
	writer, err := w.program.writer()
	require.NoError(t, err)
	_, err = w.program.wire(w.ctx, writer)
	require.ErrorContains(t, err, "countersign restored")
	f := w.program.checkCheckpoints(w.ctx)
	require.ErrorContains(t, f.err, "it is an older copy, another database")

	w.at(pgtest.Database(t, nil))
	p = w.program
	p.out, p.args = &said, []string{dump}
	require.NoError(t, restore(w.ctx, p))
	require.Contains(t, said.String(), "1 requests ended")
	require.Regexp(t, `Up to [1-9]\d* entries that were signed since`, said.String())
	p.args = nil
	require.ErrorContains(t, restored(w.ctx, p), "there is nothing to do")
	require.Equal(t, "failed", value[string](w.house, `SELECT state FROM requests`))
	told := value[string](w.house, `SELECT data FROM events WHERE kind = 'restored'`)
	require.Contains(t, told, fmt.Sprintf(`"lost_checkpoint":%d`, after.Number))
	require.Equal(t, "restored", value[string](w.house, `SELECT kind FROM events WHERE at >= (SELECT at FROM events WHERE kind = 'restored') ORDER BY at, stream LIMIT 1`), "the epoch's first event")
	p.args = []string{"-o", filepath.Join(t.TempDir(), "pack.zip")}
	require.NoError(t, makePack(w.ctx, p))
	require.Contains(t, unzipped(t, p.args[1], "page.html"), "A copy of the database was put back")
	aside, err := filepath.Glob(p.CheckpointFile + ".until-*")
	require.NoError(t, err)
	require.Len(t, aside, 1, "what was signed since is kept")

	before := git("rev-parse", "checkpoints")
	r, _ = w.run()
	require.NoError(t, r.keeper.tick(w.ctx), "the remote has another history, and is parted from nothing")
	require.Regexp(t, `^checkpoints\ncheckpoints-2-[0-9a-f]{8}$`, git("for-each-ref", "--format=%(refname:short)"))
	require.Equal(t, before, git("rev-parse", "checkpoints"))
	require.NoError(t, w.ben.ClickOld(card, "Approve"))
	w.ended(1)
	thread := ""
	for _, m := range w.maya.Messages(slacksim.SalesData) {
		thread += w.thread(m)
	}
	require.Contains(t, thread, "put back from a copy", "the asker reads why")
	require.Equal(t, "failed", value[string](w.house, `SELECT state FROM requests`))
	require.Equal(t, 1, w.marks(), "it has run once")
	require.Zero(t, value[int](w.house, `SELECT count(*) FROM runs`))

	w.toldOnce("log", "put back from a copy", slacksim.Admin)

	// Asked again, it waits for an administrator, and nothing is held for it.
	require.NoError(t, w.maya.Command(slacksim.SalesData, "/analyze "+asked))
	w.soon("it is kept, and paused", func() bool {
		return value[int](w.house, `SELECT count(*) FROM requests WHERE state = 'drafting' AND blocked IS NOT NULL`) == 1
	})
	require.Zero(t, value[int](w.house, `SELECT count(*) FROM holds WHERE NOT settled AND request_id IS NOT NULL`))
	require.NoError(t, w.carla.OpenHome())
	atHome, err := w.carla.WaitHome(w.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "Everything is paused") })
	require.NoError(t, err)
	require.NoError(t, w.carla.ClickView(atHome, ids.ActionReckon))
	_, err = w.carla.WaitView(w.patient(), func(v workspace.View) bool { return v.CallbackID == ids.CallbackReckon })
	require.NoError(t, err)
	refused, err := w.carla.Submit(person.Fill(ids.FieldAmount, "much"))
	require.NoError(t, err)
	require.Contains(t, refused[ids.FieldAmount], "not a dollar amount")
	refused, err = w.carla.Submit(person.Fill(ids.FieldAmount, "2.50"))
	require.NoError(t, err)
	require.Empty(t, refused)
	w.soon("it goes on by itself", func() bool { return value[int](w.house, `SELECT count(*) FROM requests WHERE state = 'pending'`) == 1 })
	require.Equal(t, 2_500_000_000, value[int](w.house, `SELECT spent FROM reckonings WHERE person = $1`, slacksim.Admin))
	require.Equal(t, 2_500_000_000, value[int](w.house, `SELECT sum(amount) FROM settlements WHERE hold_id IN (SELECT hold_id FROM charges WHERE what = 'spent after the copy')`))
	p.args = nil
	require.NoError(t, audit(w.ctx, p))
}

// TestACopyWithoutAFileOfCheckpointsBeginsAnewAsWell puts one back on a new machine, and one that no
// checkpoint shows to be older: what ran since the last checkpoint is in none.
func TestACopyWithoutAFileOfCheckpointsBeginsAnewAsWell(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	db, err := h.store()
	require.NoError(t, err)
	_, err = db.Ledger.HoldCheck(h.ctx, slacksim.DefaultTeam.ID, "a box", 1)
	require.NoError(t, err)
	db.Close()
	p := h.program
	dump := filepath.Join(t.TempDir(), "copy")
	p.MigrateDatabaseURL = Secret(h.url)
	p.args = []string{"-o", dump}
	require.NoError(t, backup(h.ctx, p))
	for _, file := range []string{p.CheckpointFile, filepath.Join(t.TempDir(), "none")} {
		url := pgtest.Database(t, nil)
		p.DatabaseURL, p.MigrateDatabaseURL, p.CheckpointFile = Secret(pgtest.Serve(url)), Secret(url), file
		var said lockedBuffer
		p.out, p.args = &said, []string{dump}
		require.NoError(t, restore(h.ctx, p))
		if file == h.program.CheckpointFile {
			require.Contains(t, said.String(), "No entry that was signed is lost")
		} else {
			require.Contains(t, said.String(), "nobody knows here")
		}
		signed, err := p.signed()
		require.NoError(t, err)
		again, err := storage.Open(h.ctx, pgtest.Serve(url), signed)
		require.NoError(t, err)
		rest, err := again.Rest(h.ctx, slacksim.DefaultTeam.ID)
		again.Close()
		require.NoError(t, err)
		require.NotNil(t, rest)
	}
	// The key comes first: without it nothing is loaded, and none is made. With another one the copy is there, and
	// the error says what comes before any serve.
	url := pgtest.Database(t, nil)
	p.DatabaseURL, p.MigrateDatabaseURL, p.CheckpointFile = Secret(pgtest.Serve(url)), Secret(url), filepath.Join(t.TempDir(), "none")
	p.SigningKeyFile = filepath.Join(t.TempDir(), "key")
	err = restore(h.ctx, p)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, p.SigningKeyFile)
	require.NoFileExists(t, p.SigningKeyFile)
	empty, err := schema.Empty(h.ctx, url)
	require.NoError(t, err)
	require.True(t, empty)
	wrong, err := signing.New(nil)
	require.NoError(t, err)
	require.NoError(t, wrong.Replace(p.SigningKeyFile))
	require.ErrorContains(t, restore(h.ctx, p), "before any serve: countersign restored --copy: ")
	p.SigningKeyFile, p.args = h.program.SigningKeyFile, []string{"--copy"}
	require.NoError(t, restored(h.ctx, p))

	p.args = []string{"no such file"}
	require.Error(t, restore(h.ctx, p))
	p.args = nil
	require.ErrorContains(t, restore(h.ctx, p), "An example")
	require.ErrorContains(t, backup(h.ctx, p), "An example")

	inFile := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(inFile, nil, 0o600))
	p.args = []string{"-o", filepath.Join(inFile, "copy.dump")}
	require.ErrorContains(t, backup(h.ctx, p), "cannot be written there", "and not that it is there already")
}
