// Package roles says what the two roles that use the database may do.
//
// Its one idea: the owner migrates, and all tables are its own. Serve works in them: it owns
// nothing, inserts only where rows are never changed, and cannot disable a trigger. What
// follows from other rows (sums, that a hold is settled) it cannot write at all: the
// triggers that do run as the owner.
//
// Its one rule: a table that is not in the list here is one that serve cannot even read.
package roles

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// rights are what serve may do with each of our tables, and no more. A right to update names
// columns: what was asked, decided or spent stands in columns that it cannot write again, whatever
// code runs under its role. The triggers hold the rest.
var rights = map[string]string{
	// Written by triggers and migrations alone. Balances and usage are sums over the ledger: serve
	// reads them, and whoever has its password cannot make a budget look fuller than it is.
	"goose_db_version": "SELECT", "unlogged": "SELECT",
	"event_kinds": "SELECT", "moves": "SELECT", "balances": "SELECT", "ledger": "SELECT", "usage": "SELECT",

	// Written once.
	"log": "SELECT, INSERT", "log_nodes": "SELECT, INSERT", "checkpoints": "SELECT, INSERT",
	"events": "SELECT, INSERT", "contents": "SELECT, INSERT", "rules": "SELECT, INSERT", "people": "SELECT, INSERT", "delegations": "SELECT, INSERT", "ssh_keys": "SELECT, INSERT",
	"legal_holds": "SELECT, INSERT", "erasures": "SELECT, INSERT",
	"pins": "SELECT, INSERT", "restores": "SELECT, INSERT", "reckonings": "SELECT, INSERT",
	"revisions": "SELECT, INSERT", "decisions": "SELECT, INSERT", "broken_glass": "SELECT, INSERT", "glass_looks": "SELECT, INSERT", "unstarted_runs": "SELECT, INSERT", "artifacts": "SELECT, INSERT",
	"uploads": "SELECT, INSERT", "takebacks": "SELECT, INSERT", "copies": "SELECT, INSERT",
	"messages": "SELECT, INSERT", "settlements": "SELECT, INSERT", "charges": "SELECT, INSERT",

	"sessions": "SELECT, INSERT, UPDATE (channel, thread_ts)",
	"requests": "SELECT, INSERT, UPDATE (model, files, state, reason, cause, seek, away, looked_at, blocked, downgraded, fallback, ready, ready_until, place, attempts, refused, revision, " +
		"rounds, edit, written, quorum, assignee, opinions, guest, shared, reminded_at, escalated_at, changed_at, expires_at, shown_at, told)",
	// A run goes away only where its box never began (Unstart): a trigger of the schema refuses any other.
	"runs":      "SELECT, INSERT, UPDATE (begun_at, stopped_at, stopped_by, finished_at, result, box), DELETE",
	"scopes":    "SELECT, INSERT (team, kind, id), UPDATE (id)", // no id changes, but whoever locks a row needs a right to update something of it
	"limits":    "SELECT, INSERT, UPDATE (amount, per, policy, set_by, set_at, told)",
	"holds":     "SELECT, INSERT, UPDATE (called, risked, uncertain_at)",
	"handovers": "SELECT, INSERT, UPDATE (verdict, ended_by, ended_at, into_session)",
	"topups":    "SELECT, INSERT, UPDATE (decided_by, decided_at, granted, answer, expires_at)",

	// What files hold and how they are read: it can be found out again at any time.
	"readings": "SELECT, INSERT, UPDATE (tries, at, sha256, answer), DELETE", "known_files": "SELECT, INSERT, UPDATE (sha256, at)",

	"listed_boxes": "SELECT, INSERT, UPDATE (seen_at, gone_at), DELETE", // what the cloud has said that it had: nothing rests on it but an alarm

	"chats":     "SELECT, INSERT, UPDATE (looks, at), DELETE",     // what Slack tells again whenever somebody looks
	"sightings": "SELECT, INSERT, UPDATE (stray, due_at), DELETE", // what may stand in Slack twice: it deletes messages of ours alone, which serve's token can
	"posts":     "SELECT, INSERT, UPDATE (channel, ts, shown)", "unseen": "SELECT, INSERT, UPDATE (channel, why, code, stands, times, first_at, last_at), DELETE",
	"notices": "SELECT, INSERT, UPDATE (told_at, held, digest)", "notice_posts": "SELECT, INSERT, UPDATE (channel, ts, shown)",
}

// queueRights are what it may do with the tables of the queue, whose jobs are only
// wake-up calls.
const queueRights = "SELECT, INSERT, UPDATE, DELETE"

// callable are the functions of ours that serve calls, or that a query or a constraint
// calls for it. Triggers need no right of whoever writes. Grant takes everybody's right to call
// the others, which Postgres gives by itself.
var callable = []string{
	"said",
	"approvals",
	"decided",
	"repeats_otherwise",
	"event_line",
	"authority",
	"standing_pins",
	"known_in",
	"knows_of",
	"noted",
	"ruling",
	"hurried",
	"glassed",
	"glass_told",
	"glass_wrong",
	"glass_unseen",
	"glass_disowned", "glass_rested",
	"glass_since",
	"signs",
	"forget",
	"audits",
	"tell",
	"untold",
	"unreckoned",
	"holds_weighed", "insist",
	"on_legal_hold",
	"request_on_hold",
	"name_erasable",
	"erasable",
	"kept_no_longer",
	"tells_of_gone",
}

// right is one that somebody has or should have.
type right struct {
	On        string // TABLE name, SEQUENCE name, FUNCTION name(arguments), SCHEMA name or DATABASE name
	Privilege string
	Column    string // empty: all of it
	Everybody bool   // and not only this role
	Through   string // the role that has it, where this one is only a member of it; quoted
}

// what is the privilege as SQL writes it.
func (r right) what() string {
	if r.Column == "" {
		return r.Privilege
	}
	return r.Privilege + " (" + r.Column + ")"
}

func (r right) key() string { return r.what() + " ON " + r.On }

// grant and revoke are the statements that mend a difference.
func (r right) grant(role string) string { return "GRANT " + r.key() + " TO " + role }

// revoke takes it from whoever has it in truth: a right that everybody has, or that came through a role, is not
// taken by a REVOKE from the one who uses it.
func (r right) revoke(role string) string {
	switch {
	case r.Everybody:
		role = "PUBLIC"
	case r.Through != "":
		role = r.Through
	}
	return "REVOKE " + r.key() + " FROM " + role
}

// wanted lists what serve needs in this database.
func wanted(tables, sequences, functions []string) (list []right) {
	for _, table := range tables {
		spelling, ours := rights[table]
		// River adds tables and functions with its versions, so they are known by their names' beginning.
		if strings.HasPrefix(table, "river_") {
			spelling, ours = queueRights, true
		}
		if ours {
			list = append(list, parseRights("TABLE "+table, spelling)...)
		}
	}
	for _, sequence := range sequences {
		if strings.HasPrefix(sequence, "river_") {
			list = append(list, right{On: "SEQUENCE " + sequence, Privilege: "USAGE"})
		}
	}
	for _, function := range functions {
		name, _, _ := strings.Cut(function, "(")
		if slices.Contains(callable, name) || strings.HasPrefix(name, "river_") {
			list = append(list, right{On: "FUNCTION " + function, Privilege: "EXECUTE"})
		}
	}
	return list
}

// parseRights reads a line of the table above.
func parseRights(on, spelling string) (list []right) {
	// Columns stand in brackets and have commas as well, so the next comma ends a right only where no bracket comes first.
	for spelling != "" {
		var privilege, columns string
		if comma, open := strings.Index(spelling, ","), strings.Index(spelling, "("); open >= 0 && (comma < 0 || open < comma) {
			end := strings.Index(spelling, ")")
			privilege, columns, spelling = spelling[:open], spelling[open+1:end], strings.TrimPrefix(spelling[end+1:], ",")
		} else {
			privilege, spelling, _ = strings.Cut(spelling, ",")
		}
		for column := range strings.SplitSeq(columns, ",") {
			list = append(list, right{On: on, Privilege: strings.TrimSpace(privilege), Column: strings.TrimSpace(column)})
		}
	}
	return list
}

// theirs are the rights that count as a role's, $1: its own, everybody's and, where $2 says so, those of
// the roles that it is a member of. It can use these as well, or by SET ROLE.
const (
	theirs  = `CASE WHEN a.grantee IN (0, $1::regrole) THEN true ELSE $2 AND pg_has_role($1::regrole, a.grantee, 'MEMBER') END`
	through = `CASE WHEN a.grantee IN (0, $1::regrole) THEN '' ELSE a.grantee::regrole::text END`
)

// held is what a role may do here. Postgres lets everybody call a function until somebody revokes that.
const held = `
	SELECT 'TABLE ' || c.relname AS on, a.privilege_type AS privilege, '' AS column, a.grantee = 0 AS everybody, ` + through + ` AS through
		FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p') AND ` + theirs + `
	UNION ALL SELECT 'SEQUENCE ' || c.relname, a.privilege_type, '', a.grantee = 0, ` + through + `
		FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'S' AND ` + theirs + `
	UNION ALL SELECT 'TABLE ' || c.relname, a.privilege_type, t.attname, a.grantee = 0, ` + through + `
		FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid, aclexplode(t.attacl) a
		WHERE c.relnamespace = current_schema()::regnamespace AND ` + theirs + `
	UNION ALL SELECT 'FUNCTION ' || p.oid::regprocedure, 'EXECUTE', '', a.grantee = 0, ` + through + `
		FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE p.pronamespace = current_schema()::regnamespace AND ` + theirs + `
	UNION ALL SELECT 'SCHEMA ' || quote_ident(n.nspname), 'CREATE', '', a.grantee = 0, ` + through + `
		FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = current_schema() AND a.privilege_type = 'CREATE' AND ` + theirs + `
	UNION ALL SELECT 'DATABASE ' || quote_ident(d.datname), a.privilege_type, '', a.grantee = 0, ` + through + `
		FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
		WHERE d.datname = current_database() AND a.privilege_type IN ('CREATE', 'TEMPORARY') AND ` + theirs + ``

// differences compares what serve may do with what it needs: what it lacks, and what is
// too much. It reads Postgres' own lists and not what an earlier Grant has done, so that a right
// that somebody has granted by hand is found, and a migration that drops a right takes it.
func differences(ctx context.Context, db interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, role string, member bool) (lacks, excess []right, err error) {
	names := func(sql string) (list []string) {
		if err == nil {
			var rows pgx.Rows
			rows, err = db.Query(ctx, sql)
			if err == nil {
				list, err = pgx.CollectRows(rows, pgx.RowTo[string])
			}
		}
		return list
	}
	const here = `FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind `
	should := wanted(names(`SELECT relname::text `+here+`IN ('r', 'v', 'm', 'p') ORDER BY 1`), names(`SELECT relname::text `+here+`= 'S' ORDER BY 1`),
		names(`SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace ORDER BY 1`))
	if err != nil {
		return nil, nil, err
	}
	rows, err := db.Query(ctx, held, role, member)
	if err != nil {
		return nil, nil, err
	}
	has, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[right])
	if err != nil {
		return nil, nil, err
	}
	of := func(list []right) map[string]bool {
		keys := map[string]bool{}
		for _, r := range list {
			keys[r.key()] = true
		}
		return keys
	}
	needs, owns := of(should), of(slices.DeleteFunc(slices.Clone(has), func(r right) bool { return r.Everybody || r.Through != "" }))
	for _, r := range should {
		if !owns[r.key()] {
			lacks = append(lacks, r)
		}
	}
	for _, r := range has {
		if !needs[r.key()] && !(r.Everybody && strings.HasPrefix(r.On, "FUNCTION river_")) { // River made them so, and they touch no table
			excess = append(excess, r)
		}
	}
	return lacks, excess, nil
}

// Of is the user of a database's address.
func Of(url string) (string, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return "", fmt.Errorf("read the database's address: %w", err)
	}
	return config.ConnConfig.User, nil
}

// Grant gives serve what it needs, and takes what is too much. The owner calls it after every
// migration. It is one transaction, so that a serve that works meanwhile never lacks a right that
// it keeps. Of other roles it takes nothing, also where serve's is a member of one: they may be
// somebody else's, and TooMuch names them.
func Grant(ctx context.Context, pool *pgxpool.Pool, role string) error {
	quoted := pgx.Identifier{role}.Sanitize()
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		lacks, excess, err := differences(ctx, tx, quoted, false)
		if err != nil {
			return err
		}
		var mend []string
		for _, r := range excess {
			mend = append(mend, r.revoke(quoted))
		}
		for _, r := range lacks {
			mend = append(mend, r.grant(quoted))
		}
		_, err = tx.Exec(ctx, strings.Join(mend, ";\n"))
		return err
	})
	if err != nil {
		return fmt.Errorf("grant the role %s what serve needs: %w", role, err)
	}
	return nil
}

// Excess is what the role of an address may do and serve does not need.
type Excess struct {
	Role string
	Why  []string // in words; empty where there is nothing
	Mend []string // the statements that mend it, for the owner
	All  bool     // it owns the tables, or is above all rights: serve needs another role
}

// TooMuch looks whether whoever works in the database could change what must not change. It does
// not keep serve from starting: a single role for everything works, and the doctor warns of it.
func TooMuch(ctx context.Context, url string) (e Excess, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return e, fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var super, creates, owns, writes bool
	err = conn.QueryRow(ctx, `
		SELECT current_user::text, rolsuper, rolcreaterole OR rolreplication OR rolbypassrls,
			EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND pg_has_role(r.oid, c.relowner, 'MEMBER'))
				OR EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND pg_has_role(r.oid, p.proowner, 'MEMBER')),
			EXISTS (SELECT FROM pg_roles g WHERE g.rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program', 'pg_maintain')
				AND pg_has_role(r.oid, g.oid, 'MEMBER'))
		FROM pg_roles r WHERE rolname = current_user`).Scan(&e.Role, &super, &creates, &owns, &writes)
	if err != nil {
		return e, fmt.Errorf("look at the rights of the database's role: %w", err)
	}
	for _, found := range []struct {
		is   bool
		says string
	}{{super, "is a superuser"}, {owns && !super, "owns the tables, or is a member of whoever does"}, {creates && !super, "may make roles, replicate or bypass rules of rows"},
		{writes && !super, "is a member of a role that writes everywhere"}} {
		if found.is {
			e.Why, e.All = append(e.Why, found.says), true
		}
	}
	// A role above all rights has none in the lists below, and nothing that could be revoked would help.
	if e.All {
		return e, nil
	}
	quoted := pgx.Identifier{e.Role}.Sanitize()
	_, excess, err := differences(ctx, conn, quoted, true)
	if err != nil {
		return e, fmt.Errorf("look at the rights of the database's role: %w", err)
	}
	for _, r := range excess {
		if r.Privilege == "TEMPORARY" {
			continue // a table of one's own session is in nobody's way: every guard reads ours
		}
		why := "may " + r.key()
		if r.Through != "" {
			why += ", as a member of " + r.Through
		}
		e.Why, e.Mend = append(e.Why, why), append(e.Mend, r.revoke(quoted))
	}
	return e, nil
}
