package migrations

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// locking are statements that keep others out of a table for as long as it takes to read or write all of it: at ten
// million rows that is minutes. Each has a way that does not.
var locking = []struct {
	what    *regexp.Regexp
	unless  *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(?is)^\s*CREATE\s+(UNIQUE\s+)?INDEX\b`), regexp.MustCompile(`(?i)\bCONCURRENTLY\b`), "CREATE INDEX CONCURRENTLY, in a migration of its own with -- +goose NO TRANSACTION"},
	{regexp.MustCompile(`(?is)^\s*DROP\s+INDEX\b`), regexp.MustCompile(`(?i)\bCONCURRENTLY\b`), "DROP INDEX CONCURRENTLY, in a migration of its own with -- +goose NO TRANSACTION"},
	{regexp.MustCompile(`(?i)\bALTER\s+(COLUMN\s+)?"?\w+"?\s+(SET\s+DATA\s+)?TYPE\b`), nil, "a new column, filled in batches by serve, and read in its place"},
	{regexp.MustCompile(`(?i)\bSET\s+EXPRESSION\b`), nil, "a new column, filled in batches by serve, and read in its place"},
	{regexp.MustCompile(`(?i)\bSET\s+NOT\s+NULL\b`), nil, "a CHECK (… IS NOT NULL) NOT VALID, then VALIDATE CONSTRAINT in the next migration"},
	{constraint, regexp.MustCompile(`(?i)\bNOT\s+VALID\b|\bUSING\s+INDEX\b`), "NOT VALID, then VALIDATE CONSTRAINT in the next migration; a key from an index that was made CONCURRENTLY (USING INDEX)"},
	{regexp.MustCompile(`(?is)^\s*ALTER\s+TABLE\b.*\bADD\s+(COLUMN\s+)?(IF\s+NOT\s+EXISTS\s+)?"?\w+"?\s.*\b(GENERATED\b|REFERENCES\b|CHECK\b|UNIQUE\b|PRIMARY\s+KEY\b|\w*serial\b|DEFAULT\s.*\()`), constraint, "a column without a value that has to be computed a row; what refers to another table or is checked as a constraint of its own, NOT VALID"},
	{regexp.MustCompile(`(?i)^\s*(VACUUM\s+FULL|CLUSTER|REINDEX|LOCK)\b`), nil, "nothing that locks a table whole"},
	{regexp.MustCompile(`(?is)^\s*(UPDATE|DELETE\s+FROM|MERGE|WITH\b.*\b(UPDATE|DELETE\s+FROM|INSERT\s+INTO|MERGE\s+INTO)|INSERT\s+INTO\b.*\b(SELECT|TABLE|WITH))\b`), nil, "batches, by serve: all rows in one statement are locked until it ends"},
	{regexp.MustCompile(`(?is)^\s*CREATE\s.*\bAS\s*\(?\s*(SELECT|WITH|TABLE|EXECUTE)\b`), regexp.MustCompile(`(?is)^\s*CREATE\s+(OR\s+REPLACE\s+)?(TEMP\s+|TEMPORARY\s+|RECURSIVE\s+)*(VIEW|FUNCTION|PROCEDURE)\b`), "an empty table, filled in batches by serve"},
	{regexp.MustCompile(`(?is)^\s*(SELECT|PERFORM|CALL|EXECUTE|WITH)\b`), regexp.MustCompile(`(?is)^\s*(SELECT|PERFORM)\s+(pg_catalog\s*\.\s*)?(set_config|setval)\s*\([^()]*\)\s*$`), "nothing that runs what cannot be looked into here: what it does as statements, or serve does it in batches"},
	{regexp.MustCompile(`(?i)\bSET\s+(LOGGED|UNLOGGED|ACCESS\s+METHOD|TABLESPACE)\b`), nil, "nothing that writes a table anew"},
}

var (
	constraint = regexp.MustCompile(`(?i)\bADD\s+(CONSTRAINT\b|(CHECK|FOREIGN\s+KEY|UNIQUE|PRIMARY\s+KEY|EXCLUDE)\b)`)
	// What is no statement: remarks, texts, and bodies. That of a DO runs.
	quoted     = regexp.MustCompile(`(?is)--[^\n]*|/\*.*?\*/|\bDO\s+(LANGUAGE\s+\w+\s+)?(\$\w*\$.*?\$\w*\$|'(?:[^']|'')*')|'(?:[^']|'')*'|\$\w*\$.*?\$\w*\$`)
	opens      = regexp.MustCompile(`(?is)^DO\s+(LANGUAGE\s+\w+\s+)?(\$\w*\$|')`)
	steps      = regexp.MustCompile(`(?i)\b(DECLARE|BEGIN|THEN|ELSE|LOOP)\b`)
	concurrent = regexp.MustCompile(`(?is)^\s*(?:(DROP)|CREATE(?:\s+UNIQUE)?)\s+INDEX\s+CONCURRENTLY\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"?(\w+)`)
	validates  = regexp.MustCompile(`(?is)^\s*ALTER\s+TABLE\b.*\bVALIDATE\s+CONSTRAINT\b`)
	apart      = regexp.MustCompile(`(?im)^--\s*\+goose\s+NO\s+TRANSACTION\b`)
	makes      = regexp.MustCompile(`(?i)^\s*CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?"?(\w+)"?`)
	alters     = regexp.MustCompile(`(?is)^\s*(?:(ALTER\s+TABLE(?:\s+ONLY)?(?:\s+IF\s+EXISTS)?\s+)|CREATE\s+(?:UNIQUE\s+)?INDEX\b.*?\bON\s+(?:ONLY\s+)?)"?(\w+)"?`)
)

// alone begins a migration that makes no transaction.
const alone = "-- +goose NO TRANSACTION\n-- +goose Up\n"

// bare leaves the statements of a text: what runs in a DO is among them, and what a function does when it is called is not.
func bare(text string) string {
	return quoted.ReplaceAllStringFunc(text, func(q string) string {
		mark := opens.FindStringSubmatch(q)
		switch {
		case mark != nil:
			body := strings.TrimSuffix(q[len(mark[0]):], mark[2])
			if mark[2] == "'" {
				body = strings.ReplaceAll(body, "''", "'")
			}
			return ";" + steps.ReplaceAllString(bare(body), ";") + ";"
		case strings.HasPrefix(q, "--"), strings.HasPrefix(q, "/*"):
			return " "
		}
		return "''"
	})
}

// clauses cuts an ALTER TABLE at its commas, outside of brackets: each is an ALTER TABLE of its own.
func clauses(statement, start string) (list []string) {
	depth, from := 0, len(start)
	for i := from; i < len(statement); i++ {
		switch statement[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				list, from = append(list, start+statement[from:i]), i+1
			}
		}
	}
	return append(list, start+" "+statement[from:])
}

// locks lists what of a migration would lock a table that may be large, with what to write in its place. A table that
// the same migration makes is empty.
func locks(text string) (faults []string) {
	made, dropped := map[string]bool{}, map[string]bool{}
	var before string // of a transaction, whose locks are held until its end
	for statement := range strings.SplitSeq(bare(text), ";") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		fault := func(instead string) {
			faults = append(faults, strings.Join(strings.Fields(statement), " ")+": "+instead)
		}
		switch m := concurrent.FindStringSubmatch(statement); {
		case !apart.MatchString(text):
			if before != "" && validates.MatchString(statement) != validates.MatchString(before) {
				fault("VALIDATE CONSTRAINT in a migration of its own: it reads all rows, and what stands beside it keeps people out until both are through")
			}
			before = statement
		case m == nil && !validates.MatchString(statement):
			fault("a migration of its own, with a transaction: without one it waits for a table as long as it takes, and everybody else behind it")
			continue
		case m != nil && m[1] == "" && !dropped[m[2]]: // one that was interrupted leaves an index that is not valid
			fault("DROP INDEX CONCURRENTLY IF EXISTS " + m[2] + " before it, so that it can be run again")
		case m != nil:
			dropped[m[2]] = true
		}
		if m := makes.FindStringSubmatch(statement); m != nil {
			made[m[1]] = true
		}
		all := []string{statement}
		if m := alters.FindStringSubmatch(statement); m != nil {
			if made[m[2]] {
				continue
			}
			if m[1] != "" {
				all = clauses(statement, m[0])
			}
		}
		for _, clause := range all {
			for _, l := range locking {
				if l.what.MatchString(clause) && (l.unless == nil || !l.unless.MatchString(clause)) {
					faults = append(faults, strings.Join(strings.Fields(clause), " ")+": "+l.instead)
					break
				}
			}
		}
	}
	return faults
}

// Once there is a release, people work while its successor migrates: nothing may keep them out of a large table. The
// migrations of the first release make all tables, so they lock nobody.
func TestNoMigrationLocksALargeTable(t *testing.T) {
	t.Parallel()
	released := Released()
	require.NotEmpty(t, released)
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".sql") || f.Name() == "schema.sql" || slices.Contains(released, f.Name()) {
			continue
		}
		text, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		require.Empty(t, locks(string(text)), f.Name())
	}
}

func TestWhatLocksALargeTableIsNamed(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		`CREATE INDEX requests_by_day ON requests (created_at);`,
		`create unique index a on b (c);`,
		`DROP INDEX requests_by_day;`,
		`ALTER TABLE events ALTER COLUMN seq TYPE numeric;`,
		`ALTER TABLE events ALTER seq SET DATA TYPE numeric;`,
		`ALTER TABLE events ALTER COLUMN actor SET NOT NULL;`,
		`ALTER TABLE holds ADD CONSTRAINT holds_positive CHECK (amount > 0);`,
		`ALTER TABLE holds ADD FOREIGN KEY (x) REFERENCES requests;`,
		`ALTER TABLE holds ADD COLUMN drawn uuid DEFAULT gen_random_uuid();`,
		`ALTER TABLE holds ADD n bigserial;`,
		`ALTER TABLE holds ADD COLUMN twice bigint GENERATED ALWAYS AS (amount * 2) STORED;`,
		`ALTER TABLE holds ADD COLUMN whose text REFERENCES requests;`,
		"-- fills it\nUPDATE requests SET place = '' WHERE place IS NULL;",
		`DELETE FROM notices WHERE told_at < now();`,
		`INSERT INTO usage SELECT * FROM charges;`,
		`LOCK TABLE events IN EXCLUSIVE MODE;`,
		`ALTER TABLE events SET UNLOGGED;`,
		`CREATE TABLE few (n int); CREATE INDEX of_many ON events (at);`,
		"DO $$ BEGIN\n UPDATE holds SET settled = true;\nEND $$;",
		"DO LANGUAGE plpgsql $do$ DECLARE n int; BEGIN FOR n IN 1..9 LOOP DELETE FROM holds WHERE id = n::text; END LOOP; END $do$;",
		`DO $$ BEGIN IF true THEN EXECUTE 'UPDATE holds SET settled = true'; END IF; END $$;`,
		`DO 'BEGIN PERFORM fill(''all''); END';`,
		`WITH old AS (SELECT id FROM holds) UPDATE requests SET place = '' FROM old WHERE old.id = requests.id;`,
		`CREATE TABLE few (n int); UPDATE requests r SET place = '' FROM holds h JOIN few ON few.n = 1;`,
		`MERGE INTO holds h USING usage u ON u.id = h.id WHEN MATCHED THEN DELETE;`,
		`INSERT INTO usage WITH all_of AS (SELECT * FROM charges) SELECT * FROM all_of;`,
		`INSERT INTO "usage" (a, b) (SELECT a, b FROM charges);`,
		`CREATE TABLE usage_new AS SELECT * FROM usage;`,
		`CREATE UNLOGGED TABLE usage_new (a, b) AS (WITH u AS (SELECT 1) SELECT * FROM u);`,
		`CREATE MATERIALIZED VIEW sums AS SELECT sum(amount) FROM charges;`,
		`SELECT fill_in();`,
		`CALL fill_in();`,
		`ALTER TABLE holds ALTER COLUMN twice SET EXPRESSION AS (amount * 2);`,
		`ALTER TABLE holds ADD CONSTRAINT a CHECK (amount > 0) NOT VALID, ADD CONSTRAINT b CHECK (amount < 9);`,
		`ALTER TABLE holds ADD CONSTRAINT b CHECK (amount IN (1, 2)), ADD FOREIGN KEY (x) REFERENCES requests NOT VALID;`,
		`ALTER TABLE holds ADD COLUMN note text CHECK (note <> '');`,
		`ALTER TABLE holds ADD CONSTRAINT a CHECK (amount > 0) NOT VALID; ALTER TABLE holds VALIDATE CONSTRAINT a;`,
		`ALTER TABLE holds VALIDATE CONSTRAINT a; DROP TRIGGER b ON events;`,
		alone + `ALTER TABLE holds ADD CONSTRAINT a CHECK (amount > 0) NOT VALID;`,
		alone + `CREATE INDEX a ON holds (id);`,
		alone + `CREATE INDEX CONCURRENTLY a ON holds (id);`,
		alone + `DROP INDEX CONCURRENTLY IF EXISTS b; CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON holds (id);`,
		"-- it doesn't matter; or does it\nUPDATE requests SET place = 'a;b';",
	} {
		require.Len(t, locks(bad), 1, bad)
	}
	for _, good := range []string{
		`CREATE INDEX CONCURRENTLY requests_by_day ON requests (created_at);`,
		`ALTER TABLE holds ADD COLUMN note text;`,
		`ALTER TABLE holds ADD COLUMN note text NOT NULL DEFAULT '';`,
		`ALTER TABLE holds ADD CONSTRAINT holds_positive CHECK (amount > 0) NOT VALID;`,
		`ALTER TABLE holds VALIDATE CONSTRAINT holds_positive;`,
		`ALTER TABLE holds VALIDATE CONSTRAINT holds_positive; ALTER TABLE events VALIDATE CONSTRAINT events_late;`,
		alone + `ALTER TABLE holds VALIDATE CONSTRAINT a;`,
		alone + `DROP INDEX CONCURRENTLY IF EXISTS a; CREATE UNIQUE INDEX CONCURRENTLY a ON holds (id); DROP INDEX CONCURRENTLY IF EXISTS "b"; CREATE INDEX CONCURRENTLY "b" ON holds (id);`,
		`ALTER TABLE holds ADD CONSTRAINT holds_id UNIQUE USING INDEX holds_id_new;`,
		`CREATE TABLE seen (box text PRIMARY KEY, at timestamptz NOT NULL CHECK (at > '2026-01-01')); CREATE INDEX seen_at ON seen (at); ALTER TABLE seen ADD CHECK (box <> '');`,
		`INSERT INTO event_kinds VALUES ('seen', '{}');`,
		"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n UPDATE holds SET settled = true; RETURN NEW;\nEND $$;",
		`CREATE TRIGGER seen_unchangeable BEFORE UPDATE OR DELETE ON seen FOR EACH ROW EXECUTE FUNCTION unchangeable();`,
		`DROP TRIGGER a ON holds;`,
		`ALTER TABLE holds ADD CONSTRAINT a FOREIGN KEY (x, y) REFERENCES requests NOT VALID, ADD CONSTRAINT b CHECK (amount IN (1, 2)) NOT VALID, ADD COLUMN note text DEFAULT '';`,
		`CREATE VIEW sums AS SELECT sum(amount) FROM charges;`,
		`CREATE TABLE twice (n int, m int GENERATED ALWAYS AS (n * 2) STORED, CHECK (n > 0));`,
		`SELECT set_config('search_path', '', true);`,
		"DO $$ BEGIN\n CREATE ROLE reader; -- UPDATE holds\nEXCEPTION WHEN duplicate_object THEN NULL;\nEND $$;",
		`COMMENT ON TABLE holds IS 'what is held; UPDATE holds';`,
	} {
		require.Empty(t, locks(good), good)
	}
}
