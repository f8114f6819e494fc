package pglocal

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAFolderBelowAPrivateOneIsOutOfReach(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	private := filepath.Join(dir, "private")
	below := filepath.Join(private, "below")
	require.NoError(t, os.MkdirAll(below, 0o755))
	require.NoError(t, os.Chmod(private, 0o700))
	stranger := owner{uid: 54321, gid: 54321, name: "postgres", dropped: true}
	require.NoError(t, stranger.passes(dir))
	require.ErrorContains(t, stranger.passes(below), "here Postgres runs as postgres, who cannot pass through "+private)
	require.NoError(t, os.Chmod(private, 0o710))
	require.Error(t, stranger.passes(below))
	require.NoError(t, owner{uid: 54321, gid: os.Getegid(), dropped: true}.passes(below), "by its group")
	require.NoError(t, os.Chmod(private, 0o701))
	require.NoError(t, owner{uid: os.Geteuid(), gid: 54321, dropped: true}.passes(dir))
	require.NoError(t, owner{uid: 54321, gid: 54321}.passes(below), "who has not been dropped gets where we get")
	require.Error(t, stranger.passes(filepath.Join(dir, "nothing")))
}

func TestAFolderOfAStrangerIsNotOurs(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	me := owner{uid: os.Geteuid(), gid: os.Getegid(), name: "me"}
	mine := filepath.Join(dir, "mine")
	require.NoError(t, me.own(mine))
	require.NoError(t, me.own(mine), "again")
	require.ErrorContains(t, owner{uid: 54321, name: "somebody"}.own(mine), "is not a private folder of somebody")
	open := filepath.Join(dir, "open")
	require.NoError(t, os.Mkdir(open, 0o755))
	require.ErrorContains(t, me.own(open), "is not a private folder of me")
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(mine, link))
	require.Error(t, me.own(link))
	require.Error(t, me.own(filepath.Join(dir, "nothing", "below")))
}

func TestUsersWithoutANameAreCalledByNumber(t *testing.T) {
	t.Parallel()
	require.Equal(t, "user number 54321", userName(54321))
	require.Equal(t, "root", userName(0))
	_, err := dropTo(nil, errors.New("no such user"))
	require.Error(t, err)
}

func TestRootBecomesSomebodyWithAName(t *testing.T) {
	t.Parallel()
	o, err := droppable()
	require.NoError(t, err)
	require.True(t, o.dropped)
	require.NotZero(t, o.uid)
	u, err := user.Lookup(o.name)
	require.NoError(t, err)
	require.Contains(t, []string{"postgres", "nobody"}, u.Username)
	require.Equal(t, uint32(o.uid), o.credential().Uid)
	require.Nil(t, owner{}.credential())
}

func TestAClusterKeepsItsOwner(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "data")
	nobody, err := dropTo(user.Lookup("nobody"))
	require.NoError(t, err)

	_, err = findOwner("/", nobody.uid, 1)
	require.ErrorContains(t, err, "belongs to root; run this as that user, or choose another folder")
	_, err = findOwner(none, 54321, 1)
	require.ErrorContains(t, err, "user number 54321 has no name on this machine")
	o, err := findOwner(none, nobody.uid, 1)
	require.NoError(t, err)
	require.Equal(t, owner{uid: nobody.uid, gid: 1, name: "nobody"}, o, "a plain user stays who they are")
	o, err = findOwner(none, 0, 0)
	require.NoError(t, err)
	require.True(t, o.dropped, "root becomes somebody else")
	o, err = findOwner("/", 0, 0)
	require.NoError(t, err)
	require.True(t, o.dropped, "even for a cluster that was root's")

	mine := t.TempDir() // by whoever runs this test
	u, err := user.Current()
	require.NoError(t, err)
	o, err = findOwner(mine, os.Geteuid(), os.Getegid())
	require.NoError(t, err)
	require.Equal(t, os.Geteuid() == 0, o.dropped)
	require.Equal(t, os.Geteuid() != 0, o.name == u.Username)
	if os.Geteuid() != 0 {
		o, err = findOwner(mine, 0, 0)
		require.NoError(t, err)
		require.Equal(t, u.Username, o.name, "root opens it as the one whose it is")
		require.True(t, o.dropped)
	}
}
