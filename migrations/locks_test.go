package migrations

import (
	"os"
	"regexp"
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
	{regexp.MustCompile(`(?i)\bCREATE\s+(UNIQUE\s+)?INDEX\b`), regexp.MustCompile(`(?i)\bCONCURRENTLY\b`), "CREATE INDEX CONCURRENTLY, in a migration of its own with -- +goose NO TRANSACTION"},
	{regexp.MustCompile(`(?i)\bDROP\s+INDEX\b`), regexp.MustCompile(`(?i)\bCONCURRENTLY\b`), "DROP INDEX CONCURRENTLY, in a migration of its own with -- +goose NO TRANSACTION"},
	{regexp.MustCompile(`(?i)\bALTER\s+(COLUMN\s+)?"?\w+"?\s+(SET\s+DATA\s+)?TYPE\b`), nil, "a new column, filled in batches by serve, and read in its place"},
	{regexp.MustCompile(`(?i)\bSET\s+NOT\s+NULL\b`), nil, "a CHECK (… IS NOT NULL) NOT VALID, then VALIDATE CONSTRAINT in the next migration"},
	{regexp.MustCompile(`(?i)\bADD\s+CONSTRAINT\b|\bADD\s+(CHECK|FOREIGN\s+KEY|UNIQUE|PRIMARY\s+KEY|EXCLUDE)\b`), regexp.MustCompile(`(?i)\bNOT\s+VALID\b|\bUSING\s+INDEX\b`), "NOT VALID, then VALIDATE CONSTRAINT in the next migration; a key from an index that was made CONCURRENTLY (USING INDEX)"},
	{regexp.MustCompile(`(?i)\bADD\s+(COLUMN\s+)?(IF\s+NOT\s+EXISTS\s+)?"?\w+"?\s+[^;,]*\b(GENERATED\b|REFERENCES\b|\w*serial\b|DEFAULT\s+[^;,]*\()`), nil, "a column without a value that has to be computed a row; what refers to another table as a constraint of its own, NOT VALID"},
	{regexp.MustCompile(`(?i)\b(VACUUM\s+FULL|CLUSTER|REINDEX|LOCK\s+TABLE|LOCK\s+\w+\s+IN)\b`), nil, "nothing that locks a table whole"},
	{regexp.MustCompile(`(?i)^\s*(UPDATE|DELETE\s+FROM|INSERT\s+INTO\s+\w+\s*(\([^)]*\))?\s*SELECT)\b`), nil, "batches, by serve: all rows in one statement are locked until it ends"},
	{regexp.MustCompile(`(?i)\bSET\s+(LOGGED|UNLOGGED|ACCESS\s+METHOD|TABLESPACE)\b`), nil, "nothing that writes a table anew"},
}

var (
	bodies  = regexp.MustCompile(`(?s)\$(\w*)\$.*?\$\w*\$`)
	remarks = regexp.MustCompile(`--[^\n]*`)
	makes   = regexp.MustCompile(`(?i)^\s*CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?"?(\w+)"?`)
	alters  = regexp.MustCompile(`(?i)\b(?:ALTER\s+TABLE(?:\s+ONLY)?(?:\s+IF\s+EXISTS)?|\bON)\s+"?(\w+)"?`)
)

// locks lists what of a migration would lock a table that may be large, with what to write in its place. A table that
// the same migration makes is empty. What functions do is not looked into: none of them runs here.
func locks(text string) (faults []string) {
	text = remarks.ReplaceAllString(bodies.ReplaceAllString(text, "''"), "")
	made := map[string]bool{}
	for statement := range strings.SplitSeq(text, ";") {
		if m := makes.FindStringSubmatch(statement); m != nil {
			made[m[1]] = true
			continue
		}
		if m := alters.FindStringSubmatch(statement); m != nil && made[m[1]] {
			continue
		}
		for _, l := range locking {
			if l.what.MatchString(statement) && (l.unless == nil || !l.unless.MatchString(statement)) {
				faults = append(faults, strings.Join(strings.Fields(statement), " ")+": "+l.instead)
				break
			}
		}
	}
	return faults
}

// Once there is a release, people work while its successor migrates: nothing may keep them out of a large table. The
// migrations of the first release make all tables, so they lock nobody.
func TestNoMigrationLocksALargeTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("released.sha256")
	require.NoError(t, err)
	released := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if _, name, ok := strings.Cut(strings.TrimSpace(line), "  "); ok && !strings.HasPrefix(line, "#") {
			released[name] = true
		}
	}
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, f := range files {
		if len(released) == 0 || !strings.HasSuffix(f.Name(), ".sql") || f.Name() == "schema.sql" || released[f.Name()] {
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
	} {
		require.Len(t, locks(bad), 1, bad)
	}
	for _, good := range []string{
		`CREATE INDEX CONCURRENTLY requests_by_day ON requests (created_at);`,
		`ALTER TABLE holds ADD COLUMN note text;`,
		`ALTER TABLE holds ADD COLUMN note text NOT NULL DEFAULT '';`,
		`ALTER TABLE holds ADD CONSTRAINT holds_positive CHECK (amount > 0) NOT VALID;`,
		`ALTER TABLE holds VALIDATE CONSTRAINT holds_positive;`,
		`ALTER TABLE holds ADD CONSTRAINT holds_id UNIQUE USING INDEX holds_id_new;`,
		`CREATE TABLE seen (box text PRIMARY KEY, at timestamptz NOT NULL CHECK (at > '2026-01-01')); CREATE INDEX seen_at ON seen (at); ALTER TABLE seen ADD CHECK (box <> '');`,
		`INSERT INTO event_kinds VALUES ('seen', '{}');`,
		"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n UPDATE holds SET settled = true; RETURN NEW;\nEND $$;",
		`CREATE TRIGGER seen_unchangeable BEFORE UPDATE OR DELETE ON seen FOR EACH ROW EXECUTE FUNCTION unchangeable();`,
		`DROP TRIGGER a ON holds;`,
	} {
		require.Empty(t, locks(good), good)
	}
}
