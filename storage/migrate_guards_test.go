package storage

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryGuardReadsOurTables(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Zero(t, b.count(t, `SELECT count(*) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
		WHERE p.pronamespace = 'public'::regnamespace AND p.proname !~ '^river_' AND (l.lanname = 'plpgsql' OR p.prosecdef)
			AND NOT coalesce('search_path=public, pg_temp' = ANY (p.proconfig), false)`))
	require.Zero(t, b.count(t, `SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef AND proname <> 'forget'
		AND has_function_privilege('countersign_serve', oid, 'EXECUTE')`), "nor are those that run as the owner anybody's to put on a table of their own")
}
