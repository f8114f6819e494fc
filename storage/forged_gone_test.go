package storage

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What SECURITY.md says of words is so: rows that nobody signed are enough for the schema to have the words of an ended request forgotten, and an audit
// names it.
func TestAnAuditNamesWordsThatAForgedWishHasForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.done(t, "t")
	for _, by := range []string{"EVIL1", "EVIL2"} {
		require.NoError(t, b.attack(t, forged(testKey.Name(), "'"+noSignature+"'", "'people:TEAM'", by, "asked to erase", `'{"person":"ASKER"}'`)+
			`INSERT INTO erasures (team, person, "by", at, told) VALUES ('TEAM', 'ASKER', '`+by+`', `+forgedAt+`, `+b.lastOf("'people:TEAM'")+`)`))
	}
	require.NoError(t, b.attack(t, `SELECT forget('request:`+r.ID+`', NULL, 'EVIL1', 'erasure')`))
	now, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Empty(t, now.Question)
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.ErrorContains(t, err, "what is gone by event")
	_, err = AuditorOf(b.DB).House(t.Context())
	require.ErrorContains(t, err, "it is not signed by this installation")
}
