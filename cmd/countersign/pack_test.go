package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"countersign/bot/ids"
	"countersign/internal/checkpoint"
	"countersign/internal/pack"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
)

// A pack of before and after a new key is checked by both, and the command that is printed names both.
func TestAPackNamesEachKeyThatHasSignedIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	p, said := h.program, &bytes.Buffer{}
	p.out = said
	packed := func() (path string, keys []note.Verifier) {
		path = filepath.Join(t.TempDir(), "pack.zip")
		p.args = []string{"-o", path}
		said.Reset()
		require.NoError(t, makePack(h.ctx, p))
		for _, found := range regexp.MustCompile(`--key (\S+)`).FindAllStringSubmatch(said.String(), -1) {
			key, err := checkpoint.Verifier(found[1])
			require.NoError(t, err)
			keys = append(keys, key)
		}
		return path, keys
	}
	path, keys := packed()
	require.Len(t, keys, 1)
	r, err := pack.Verify(path, pack.Trust{Keys: keys})
	require.NoError(t, err)
	require.True(t, r.Shown(), r.Sentences())

	p.args = nil
	require.NoError(t, newKey(h.ctx, p))
	path, keys = packed()
	require.Len(t, keys, 2)
	require.Contains(t, said.String(), "needs all of these keys from somebody other than you")
	r, err = pack.Verify(path, pack.Trust{Keys: keys})
	require.NoError(t, err)
	require.True(t, r.Shown(), r.Sentences())
	_, err = pack.Verify(path, pack.Trust{Keys: keys[:1]})
	require.ErrorContains(t, err, "it is not signed by the key that you named")

	// What begins after the new key takes that one alone.
	db, signed, stop, err := openSigned(h.ctx, p)
	require.NoError(t, err)
	defer stop()
	last, err := storage.Log(db).Checkpoints(h.ctx, -1)
	require.NoError(t, err)
	lines, err := signers(h.ctx, storage.Log(db), signed.Key, last[0].Size)
	require.NoError(t, err)
	all, err := signed.Key.Publics()
	require.NoError(t, err)
	require.Equal(t, all[:1], lines)
}

// A pack that cannot be made is told of to whoever has ordered it, once.
func TestWhoOrderedAPackIsToldWhyThereIsNone(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	jun := h.audits()
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze How many?"))
	h.soon("all has its place in the log", func() bool { return value[int](h, `SELECT count(*) FROM unlogged`) == 0 })
	require.NoError(t, h.database(func(conn *pgx.Conn) error {
		_, err := conn.Exec(h.ctx, `SET session_replication_role = replica; ALTER TABLE events DROP CONSTRAINT events_signed; UPDATE events SET key = NULL, signature = NULL WHERE kind = 'asked'`)
		return err
	}))
	require.NoError(t, jun.OpenHome())
	home, err := jun.WaitHome(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "Make a pack") })
	require.NoError(t, err)
	require.NoError(t, jun.ClickView(home, ids.ActionPack))
	_, err = jun.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == ids.CallbackPack })
	require.NoError(t, err)
	wrong, err := jun.Submit(person.Fill(ids.FieldFrom, time.Now().UTC().Format(time.DateOnly)))
	require.NoError(t, err)
	require.Empty(t, wrong)
	h.inDM(jun, "No pack is made")
	h.soon("the order is over", func() bool {
		return value[int](h, `SELECT count(*) FROM river_job WHERE kind = 'pack' AND state = 'completed'`) == 1
	})
}
