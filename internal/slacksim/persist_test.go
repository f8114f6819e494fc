package slacksim_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
)

// open serves a workspace that is kept in a folder; the returned function ends it.
func open(t *testing.T, folder string) (*slacksim.Sim, func()) {
	t.Helper()
	sim, err := slacksim.New(slacksim.Options{Folder: folder, Timing: slacksim.Timing{SnapshotIn: time.Millisecond}})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ln, err := sim.Listen("127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- sim.Serve(ctx, ln) }()
	return sim, func() {
		stop()
		require.NoError(t, <-ended)
	}
}

func TestWorkspaceIsKept(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	sim, end := open(t, folder)
	maya := sim.As(slacksim.Analyst)
	root, err := maya.Share(slacksim.SalesData, "look", "sales.csv", []byte("a\n1\n"))
	require.NoError(t, err)
	_, err = maya.Reply(slacksim.SalesData, root.TS, "reply")
	require.NoError(t, err)
	gone, err := maya.Upload("gone.csv", []byte("x"))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(folder, "files", gone.ID))
		return err == nil
	}, soon, time.Millisecond, "a snapshot is written while it runs")
	require.NoError(t, maya.DeleteFile(gone.ID))
	call(t, sim, "views.publish", object{"user_id": slacksim.Analyst, "view": object{"type": "home", "blocks": []any{section("home")}}})
	call(t, sim, "chat.postEphemeral", object{"channel": slacksim.General, "user": slacksim.Analyst, "text": "psst"})
	card := call(t, sim, "chat.postMessage", object{"channel": slacksim.General, "blocks": []any{actions(pressable("go", nil))}, "metadata": object{"event_type": "e", "event_payload": object{"id": "1"}}})
	end()

	sim, end = open(t, folder)
	defer end()
	maya = sim.As(slacksim.Analyst)
	thread := maya.Thread(slacksim.SalesData, root.TS)
	require.Len(t, thread, 2)
	require.Equal(t, 1, thread[0].ReplyCount)
	content, err := maya.Download(root.Files[0].ID)
	require.NoError(t, err)
	require.Equal(t, "a\n1\n", string(content))
	home, ok := maya.Home()
	require.True(t, ok)
	require.Contains(t, home.Words(), "home")
	require.Empty(t, maya.Ephemerals(slacksim.General), "they are gone on reload")
	m, err := maya.Find(slacksim.General, card["ts"].(string))
	require.NoError(t, err)
	require.True(t, m.Has("go"))
	require.Equal(t, []string{"go"}, m.Actions())
	_, err = os.Stat(filepath.Join(folder, "files", gone.ID))
	require.ErrorIs(t, err, os.ErrNotExist)
	next, err := maya.Upload("next.csv", []byte("x"))
	require.NoError(t, err)
	require.NotEqual(t, root.Files[0].ID, next.ID, "ids are not used again")
}

func TestAFolderThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	with := func(folder string) error { _, err := slacksim.New(slacksim.Options{Folder: folder}); return err }
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.ErrorContains(t, with(file), "make folder")
	broken := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(broken, "workspace.json"), []byte("{"), 0o600))
	require.ErrorContains(t, with(broken), "read workspace")
	odd := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(odd, "workspace.json"), 0o700))
	require.ErrorContains(t, with(odd), "read workspace")
	missing := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(missing, "workspace.json"), []byte(`{"files":{"F1":{"id":"F1","name":"a.csv"}}}`), 0o600))
	require.ErrorContains(t, with(missing), "read file a.csv")

	lost := t.TempDir()
	sim, err := slacksim.New(slacksim.Options{Folder: lost})
	require.NoError(t, err)
	_, err = sim.As(slacksim.Analyst).Upload("a.csv", []byte("x"))
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(lost))
	require.ErrorContains(t, sim.Close(), "write")
	require.NoError(t, os.MkdirAll(lost, 0o700))
}
