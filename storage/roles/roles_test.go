package roles_test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/internal/pglocal/pgtest"
	"countersign/storage/roles"
	"countersign/storage/schema"
)

func migrated(ctx context.Context, url string) error {
	return schema.Migrate(ctx, url, pgtest.Serve(url))
}

// A table that nobody has given serve's role a right to is forgotten in the list.
func TestServeReadsEveryTable(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.Serve(pgtest.Database(t, migrated)))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
		AND NOT has_table_privilege(oid, 'SELECT')`)
	require.NoError(t, err)
	hidden, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Empty(t, hidden, "what may serve do with it? It stands in rights")
}

func TestServesRoleIsNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t, migrated)
	much, err := roles.TooMuch(t.Context(), pgtest.Serve(url))
	require.NoError(t, err)
	require.Equal(t, roles.Excess{Role: "countersign_serve"}, much)

	owner, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer owner.Close(t.Context())
	_, err = owner.Exec(t.Context(), `GRANT UPDATE ON decisions TO countersign_serve; GRANT UPDATE (spent) ON balances TO PUBLIC; GRANT CREATE ON SCHEMA public TO countersign_serve;
		GRANT EXECUTE ON FUNCTION holds_burden() TO PUBLIC; GRANT TRIGGER ON runs TO countersign_serve`)
	require.NoError(t, err)
	much, err = roles.TooMuch(t.Context(), pgtest.Serve(url))
	require.NoError(t, err)
	require.False(t, much.All)
	require.Len(t, much.Mend, 5)
	require.Contains(t, strings.Join(much.Why, ", "), "may UPDATE ON TABLE decisions")
	_, err = owner.Exec(t.Context(), strings.Join(much.Mend, "; "))
	require.NoError(t, err)
	much, err = roles.TooMuch(t.Context(), pgtest.Serve(url))
	require.NoError(t, err)
	require.Empty(t, much.Why, "the statements mend it")

	_, err = owner.Exec(t.Context(), `GRANT UPDATE ON decisions TO countersign_serve; REVOKE SELECT ON decisions FROM countersign_serve`)
	require.NoError(t, err)
	require.NoError(t, migrated(t.Context(), url))
	much, err = roles.TooMuch(t.Context(), pgtest.Serve(url))
	require.NoError(t, err)
	require.Empty(t, much.Why, "and so does migrate")

	much, err = roles.TooMuch(t.Context(), url)
	require.NoError(t, err)
	require.True(t, much.All)
	require.Equal(t, []string{"is a superuser"}, much.Why)
}

// A right that comes by way of another role is one all the same.
func TestWhatServesRoleMayDoAsAMemberIsTooMuch(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t, migrated)
	owner, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer owner.Close(context.Background())
	group := "group_" + strings.ToLower(rand.Text())
	_, err = owner.Exec(t.Context(), "CREATE ROLE "+group+"; GRANT UPDATE ON decisions TO "+group+"; GRANT SELECT ON requests TO "+group+"; GRANT "+group+" TO countersign_serve")
	require.NoError(t, err)
	defer func() {
		_, err := owner.Exec(context.Background(), "DROP OWNED BY "+group+"; DROP ROLE "+group)
		require.NoError(t, err)
	}()
	much, err := roles.TooMuch(t.Context(), pgtest.Serve(url))
	require.NoError(t, err)
	require.Equal(t, roles.Excess{Role: "countersign_serve", Why: []string{"may UPDATE ON TABLE decisions, as a member of " + group},
		Mend: []string{"REVOKE UPDATE ON TABLE decisions FROM " + group}}, much)
	require.NoError(t, migrated(t.Context(), url), "the owner's migration leaves other roles alone")
	again, err := roles.TooMuch(t.Context(), pgtest.Serve(url))
	require.NoError(t, err)
	require.Equal(t, much, again)
	_, err = owner.Exec(t.Context(), strings.Join(much.Mend, "; "))
	require.NoError(t, err)
	much, err = roles.TooMuch(t.Context(), pgtest.Serve(url))
	require.NoError(t, err)
	require.Empty(t, much.Why)
}
