package storage

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestEveryGuardReadsOurTables(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const set = `coalesce('search_path=public, pg_temp' = ANY (p.proconfig), false)`
	require.Zero(t, b.count(t, `SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname !~ '^river_'
		AND (p.prorettype = 'trigger'::regtype OR p.prosecdef) AND NOT `+set))
	// The others are called by these, and look where they look. What Postgres itself would call beside them (a CHECK, the WHEN
	// of a trigger, an index, a column) would look where the session does: that may be none which asks a table.
	require.Zero(t, b.count(t, `SELECT count(*) FROM pg_depend d JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid
		LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
		WHERE p.pronamespace = 'public'::regnamespace AND p.proname !~ '^(river_|event_line$)' AND NOT `+set+`
			AND d.classid IN ('pg_constraint'::regclass, 'pg_trigger'::regclass, 'pg_attrdef'::regclass, 'pg_class'::regclass, 'pg_rewrite'::regclass)
			AND t.tgfoid IS DISTINCT FROM p.oid`))
	require.Zero(t, b.count(t, `SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef AND proname <> 'forget'
		AND has_function_privilege('countersign_serve', oid, 'EXECUTE')`), "nor are those that run as the owner anybody's to put on a table of their own")
}

// A session that has tables of its own by the names of ours deceives none of them, nor what they call.
func TestWhatAGuardCallsReadsOurTables(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	conn, err := pgx.Connect(t.Context(), b.url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	for _, sql := range []string{
		`SET search_path = pg_temp, public`,
		`CREATE TEMP TABLE decisions AS SELECT id AS request_id, revision, 'REVA' AS reviewer, 'approve' AS verdict FROM public.requests`,
		`CREATE TEMP TABLE broken_glass AS SELECT id AS request_id, revision, 'REVA' AS person FROM public.requests`,
	} {
		_, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	_, err = conn.Exec(t.Context(), `UPDATE public.requests SET state = 'approved' WHERE id = $1`, r.ID)
	require.ErrorContains(t, err, "too few approvals")
}
