package storage

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/pglocal/pgtest"
	"countersign/storage/signing"
	"countersign/storage/trail"
)

func TestAReplicaWithAnotherKeyDoesNotStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other, err := signing.New(nil)
	require.NoError(t, err)
	_, err = Open(t.Context(), pgtest.Serve(b.url), Options{Key: other})
	var wrong *trail.OtherKeyError
	require.ErrorAs(t, err, &wrong)
	require.ErrorContains(t, err, "SIGNING_KEY_FILE has to be the same file for all replicas")
	require.Equal(t, testKey.Name(), wrong.Theirs)
}

// A new key is announced by the one before it. Who still has that one learns the new one
// from the trail; who has the new one trusts the former one.
func TestReplicasWithTheFormerAndTheNewKeyBelieveOneAnother(t *testing.T) {
	t.Parallel()
	b := setup(t)
	next, err := signing.New(testKey)
	require.NoError(t, err)
	require.NoError(t, NewKey(t.Context(), b.DB, next, false))
	second := bundledWith(t, b.url, next)
	before := b.approved(t, "former")
	after := second.approved(t, "new")
	for _, db := range []*DB{b.DB, second.DB} {
		for _, id := range []string{before.ID, after.ID} {
			r, err := db.Request(t.Context(), id)
			require.NoError(t, err)
			require.False(t, r.Decisions[0].Unsigned)
			require.Nil(t, r.BrokenSeal(b.policy))
			_, err = AuditorOf(db).Request(t.Context(), id)
			require.NoError(t, err)
		}
	}
	announced, err := Keys(t.Context(), pgtest.Serve(b.url))
	require.NoError(t, err)
	require.Equal(t, []string{testKey.Name(), next.Name()}, announced)
}

// Where the key is lost, whoever makes a new one vouches for those in the trail.
func TestALostKeyIsReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t, "t")
	announced, err := Keys(t.Context(), pgtest.Serve(b.url))
	require.NoError(t, err)
	next, err := signing.New(nil, announced...)
	require.NoError(t, err)
	require.NoError(t, NewKey(t.Context(), bundledReader(t, b.url), next, true))
	second := bundledWith(t, b.url, next)
	again, err := second.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.False(t, again.Decisions[0].Unsigned)
	_, err = AuditorOf(second.DB).House(t.Context())
	require.NoError(t, err)
}

func bundledWith(t *testing.T, url string, key *signing.Key) *bundle {
	t.Helper()
	db, err := Open(t.Context(), pgtest.Serve(url), Options{Key: key})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	b := bundled(t, url, Options{})
	b.DB.Close()
	b.DB = db
	return b
}
