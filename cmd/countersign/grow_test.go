package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// growth is a history that a database gets: copies of one request that has ended and of one that waits,
// with all their rows (events, contents, ledger, posts, notices), under ids of their own. People, channels
// and times vary; every fourth is by the same person and every fifth in the same channel as the original.
//
// It is written as the owner with session_replication_role = replica, so that triggers and foreign keys look
// away: through them a million requests would take a day. So copies have no place in the log, and no
// signature fits them: they are there to be in the way, and nobody decides on them.
type growth struct {
	ended, pending int
	every          time.Duration // between two questions: a longer history, not a faster one
	heavy          bool          // indexes are dropped first and made anew, which pays for many rows
}

// copied says which rows of a request have copies: its table, and which of its rows belong to $1.
var copied = [][2]string{
	{"sessions", `id = (SELECT session_id FROM requests WHERE id = $1)`},
	{"scopes", `kind = 'session' AND id = (SELECT session_id FROM requests WHERE id = $1)`},
	{"contents", `stream = 'request:' || $1`},
	{"requests", `id = $1`}, {"revisions", `request_id = $1`}, {"decisions", `request_id = $1`}, {"runs", `request_id = $1`}, {"artifacts", `request_id = $1`},
	{"messages", `request_id = $1`}, {"events", `stream = 'request:' || $1`}, {"holds", `request_id = $1`}, {"settlements", `request_id = $1`},
	{"charges", `hold_id IN (SELECT id FROM holds WHERE request_id = $1)`}, {"posts", `request_id = $1`}, {"notices", `request_id = $1`},
	{"notice_posts", `key IN (SELECT key FROM notices WHERE request_id = $1)`},
}

// grow gives the database that history.
func (g growth) grow(t testing.TB, owner, ended, pending string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Hour)
	defer cancel()
	conn, err := pgx.Connect(ctx, owner)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(ctx))) }()
	run := func(sql string, args ...any) {
		t.Helper()
		_, err := conn.Exec(ctx, sql, args...)
		require.NoError(t, err, sql)
	}
	began := time.Now()
	run(`SET session_replication_role = replica`)
	run(`SET maintenance_work_mem = '512MB'`)
	run(`SET work_mem = '128MB'`)
	run(`SET synchronous_commit = off`)
	// Copies of what was said have the original's hash with a number behind it, which is no hash. For
	// whatever is written from now on the constraints hold again.
	run(`ALTER TABLE contents DROP CONSTRAINT contents_hash, DROP CONSTRAINT contents_hash_check`)
	run(`ALTER TABLE events DROP CONSTRAINT events_hash`)
	var again []string
	if g.heavy {
		rows, err := conn.Query(ctx, `SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
			WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY ($1) AND NOT indisunique`, tablesCopied())
		require.NoError(t, err)
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Name, Made string }])
		require.NoError(t, err)
		for _, i := range all {
			run(`DROP INDEX ` + i.Name)
			again = append(again, i.Made)
		}
	}
	for _, of := range []struct {
		id, mark string
		n        int
		every    time.Duration
	}{{ended, "e", g.ended, g.every}, {pending, "p", g.pending, 0}} {
		for _, table := range copied {
			columns, values := copies(t, conn, table[0])
			// The copies of one table are one statement, oldest first, so that they lie in the order of their times.
			run(`CREATE TEMP TABLE one AS SELECT * FROM ` + table[0] + ` WHERE ` + strings.ReplaceAll(table[1], "$1", literal(of.id)))
			run(fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM generate_series(%d, 1, -1) AS n, one`, table[0], columns,
				strings.NewReplacer("@MARK", of.mark, "@EVERY", fmt.Sprintf("interval '%d microseconds'", of.every.Microseconds())).Replace(values), of.n))
			run(`DROP TABLE one`)
		}
	}
	for _, sql := range again {
		run(sql)
	}
	run(`INSERT INTO balances (team, kind, id, grain, start, spent)
		SELECT team, kind, id, grain, date_bin(width, at, 'epoch'), sum(amount) FROM (SELECT * FROM settlements WHERE hold_id LIKE '%~%') s
			CROSS JOIN LATERAL (VALUES ('user', asker), ('session', session_id), ('project', project), ('team', team)) AS p (kind, id)
			CROSS JOIN (VALUES ('quarter', interval '15 minutes'), ('day', interval '1 day')) AS g (grain, width) GROUP BY 1, 2, 3, 4, 5
		ON CONFLICT (team, kind, id, grain, start) DO UPDATE SET spent = balances.spent + excluded.spent`)
	run(`INSERT INTO balances (team, kind, id, grain, start, spent)
		SELECT team, 'model', coalesce(nullif(model, ''), what), grain, date_bin(width, at, 'epoch'), sum(c.amount) FROM settlements JOIN charges c USING (hold_id)
			CROSS JOIN (VALUES ('quarter', interval '15 minutes'), ('day', interval '1 day')) AS g (grain, width) WHERE hold_id LIKE '%~%' AND c.amount > 0 GROUP BY 1, 2, 3, 4, 5
		ON CONFLICT (team, kind, id, grain, start) DO UPDATE SET spent = balances.spent + excluded.spent`)
	run(`UPDATE scopes s SET held = coalesce((SELECT sum(amount) FROM (SELECT team, unnest(ARRAY['user', 'session', 'project', 'team']) AS kind, unnest(ARRAY[asker, session_id, project, team]) AS id, amount
		FROM holds WHERE NOT settled) h WHERE (h.team, h.kind, h.id) = (s.team, s.kind, s.id)), 0) WHERE kind <> 'session'`)
	run(`ALTER TABLE contents ADD CONSTRAINT contents_hash CHECK (hash = encode(sha256(convert_to(salt, 'UTF8') || value), 'hex')) NOT VALID`)
	run(`ALTER TABLE events ADD CONSTRAINT events_hash CHECK (hash = encode(sha256(convert_to(event_line(stream, seq, at, actor, kind, data, prev_hash), 'UTF8')), 'hex')) NOT VALID`)
	run(`VACUUM (ANALYZE)`)
	var size string
	require.NoError(t, conn.QueryRow(ctx, `SELECT pg_size_pretty(pg_database_size(current_database()))`).Scan(&size))
	t.Logf("%d requests that have ended and %d that wait, %s, after %v", g.ended, g.pending, size, time.Since(began).Round(time.Millisecond))
}

func tablesCopied() (names []string) {
	for _, table := range copied {
		names = append(names, table[0])
	}
	return names
}

// copies are the columns of a table that a copy writes, and what the n-th copy has in them.
func copies(t testing.TB, conn *pgx.Conn, table string) (columns, values string) {
	t.Helper()
	rows, err := conn.Query(context.Background(), `
		SELECT c.column_name::text, c.data_type::text, c.table_name = 'contents' AND c.column_name = 'hash' OR EXISTS (
			SELECT FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
			WHERE k.contype = 'f' AND k.conrelid = c.table_name::regclass AND k.confrelid = 'contents'::regclass AND a.attname = c.column_name) AS said
		FROM information_schema.columns c WHERE c.table_schema = 'public' AND c.table_name = $1 AND c.is_generated = 'NEVER' AND c.is_identity = 'NO' ORDER BY c.ordinal_position`, table)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		Name, Type string
		Said       bool
	}])
	require.NoError(t, err)
	var names, is []string
	for _, c := range all {
		col := pgx.Identifier{c.Name}.Sanitize()
		value := col
		switch c.Name {
		case "id", "request_id", "session_id", "hold_id", "rest_of", "key", "trigger", "box_id", "stream", "thread_ts":
			if c.Type == "text" && !(table == "events" && c.Name == "key") { // that one is who signed
				value = col + ` || '~@MARK' || n`
			}
		case "asker":
			value = `CASE WHEN n % 4 = 0 AND '@MARK' = 'e' THEN asker ELSE 'UPEOPLE' || n % 200 END` // nobody has more questions open than they may
		case "project":
			value = `CASE n % 5 WHEN 0 THEN project ELSE 'CPLACE' || n % 40 END`
		}
		switch {
		case c.Said:
			value = col + ` || '~@MARK' || n`
		case c.Type == "timestamp with time zone":
			value = col + ` - n * @EVERY`
		}
		names, is = append(names, col), append(is, value)
	}
	return strings.Join(names, ", "), strings.Join(is, ", ")
}

func literal(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }
