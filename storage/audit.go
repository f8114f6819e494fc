package storage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/storage/signing"
)

// An audit reads a chain, checks its links and its signatures, and holds the tables against
// what it says. The schema refuses most of what it could find; but the schema is its
// owner's, who can switch it off.

// DifferenceError is a row that the events do not tell of, or an event without its row.
type DifferenceError struct {
	What string // "the decision of U1 on revision 2"
	Says string // what the events say, or that they say nothing
}

func (e *DifferenceError) Error() string { return "the tables differ: " + e.What + ": " + e.Says }

func differs(what, says string, args ...any) error {
	return &DifferenceError{What: what, Says: fmt.Sprintf(says, args...)}
}

// TrustTrail has a program without a key file believe the keys that the trail announces, the
// first of them by itself. Whoever wrote all of it could have made that key.
func TrustTrail(ctx context.Context, db *DB) error {
	return db.read(ctx, func(tx pgx.Tx) error {
		rows, err := chain(ctx, tx, keyStream)
		if err != nil {
			return fmt.Errorf("read which keys sign: %w", err)
		}
		db.notary.ring = signing.NewRing()
		if len(rows) > 0 {
			db.notary.ring.Add(rows[0].Key)
		}
		_, err = db.notary.learn(ctx, tx)
		return err
	})
}

// trail is the events of a stream, which an audit looks things up in.
type trail struct {
	rows []eventRow
	data []map[string]any
}

func tellings(ctx context.Context, tx pgx.Tx, stream string) (t trail, err error) {
	if t.rows, err = chain(ctx, tx, stream); err != nil {
		return t, err
	}
	for _, row := range t.rows {
		data, err := decoded(row.Data)
		if err != nil {
			return t, differs(fmt.Sprintf("event %d of %s", row.Seq, stream), "it cannot be read")
		}
		t.data = append(t.data, data)
	}
	return t, nil
}

// of lists the events of some kinds.
func (t trail) of(kinds ...string) (list []witnessed) {
	for i, row := range t.rows {
		if slices.Contains(kinds, row.Kind) {
			list = append(list, witnessed{Stream: row.Stream, Actor: row.Actor, Kind: row.Kind, At: row.At, Data: t.data[i]})
		}
	}
	return list
}

// compare holds lines that rows make against lines that events make.
func compare(rows, events []string) error {
	left := slices.Clone(events)
	for _, row := range rows {
		at := slices.Index(left, row)
		if at < 0 {
			return differs(row, "no event says so")
		}
		left = slices.Delete(left, at, at+1)
	}
	if len(left) > 0 {
		return differs(left[0], "an event says so, and no row")
	}
	return nil
}

// texts are what a query makes of rows. JSON at the end of one, after a separator, is
// spelled as events have it.
func texts(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for i, text := range list {
		if line, document, ok := strings.Cut(text, "\x1f"); ok {
			list[i] = line + respelled(document)
		}
	}
	return list, err
}

func respelled(document string) string {
	v, err := decoded(`{"v":` + document + `}`)
	if err != nil {
		return document
	}
	spelling, err := canonical(v["v"])
	if err != nil {
		return document
	}
	return spelling
}

// spelled and spelledIn are how both sides spell a time.
func spelled(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000") }

func spelledIn(column string) string {
	return `to_char(` + column + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`
}

// AuditRequest checks a request: its chain, then its rows. The error names the first thing
// that is not as it should be: *ChainError, *DifferenceError.
func AuditRequest(ctx context.Context, db *DB, id string) (found Verified, err error) {
	stream := streamOf(id)
	if found, err = db.VerifyChain(ctx, stream); err != nil {
		return found, err
	}
	err = db.read(ctx, func(tx pgx.Tx) error {
		t, err := tellings(ctx, tx, stream)
		if err != nil {
			return err
		}
		for _, check := range slices.Concat(requestChecks, moneyChecks, []requestCheck{repeatCheck}) {
			rows, err := texts(ctx, tx, check.rows, id)
			if err != nil {
				return err
			}
			var events []string
			for _, e := range t.of(check.kinds...) {
				events = append(events, check.line(e)...)
			}
			if check.latest {
				events = latest(events)
			}
			if err := compare(rows, events); err != nil {
				return err
			}
		}
		return cmp.Or(checkState(ctx, tx, id, t), checkRuled(ctx, tx, id), checkRepeats(ctx, tx, id), db.notary.checkSigned(ctx, tx, id, t))
	})
	if err != nil {
		return found, fmt.Errorf("audit %s: %w", stream, err)
	}
	return found, nil
}

// latest keeps of lines with the same beginning (to the colon) the last.
func latest(lines []string) (list []string) {
	for i, line := range lines {
		name, _, _ := strings.Cut(line, ":")
		if !slices.ContainsFunc(lines[i+1:], func(later string) bool { return strings.HasPrefix(later, name+":") }) {
			list = append(list, line)
		}
	}
	return list
}

func lineOf(format string, args ...any) []string { return []string{fmt.Sprintf(format, args...)} }

// requestCheck is what a table says of a request, and what the events do.
type requestCheck struct {
	rows   string
	kinds  []string
	line   func(e witnessed) []string
	latest bool // of an event that is repeated the last counts
}

var requestChecks = []requestCheck{
	{`SELECT format('the question of %s in %s by %s', asker, project, trigger) FROM requests WHERE id = $1`, []string{approval.EventAsked},
		func(e witnessed) []string {
			return lineOf("the question of %s in %s by %s", e.Actor, e.fact("channel"), e.fact("trigger"))
		}, false},
	{`SELECT format('the %s of %s on revision %s (%s) at %s, in the place of %s: ', verdict, reviewer, revision, digest, ` + spelledIn("at") + `, coalesce(in_place_of, 'nobody')) || E'\x1f' || click::text FROM decisions WHERE request_id = $1`,
		[]string{approval.EventApproved, approval.EventRejected, approval.EventChangesRequested}, func(e witnessed) []string {
			verdict := map[string]approval.Verdict{approval.EventApproved: approval.Approve, approval.EventRejected: approval.Reject, approval.EventChangesRequested: approval.Rewrite}[e.Kind]
			place := e.fact("in_place_of")
			if place == "" {
				place = "nobody"
			}
			click, _ := canonical(e.Data["click"])
			return lineOf("the %s of %s on revision %s (%s) at %s, in the place of %s: %s", verdict, e.Actor, e.fact("revision"), e.fact("digest"), spelled(e.At), place, click)
		}, false},
	{`SELECT format('revision %s (%s) at %s: code %s, terms %s, summary %s, findings %s', number, digest, ` + spelledIn("at") + `, code, manifest, summary, findings) FROM revisions WHERE request_id = $1`,
		[]string{approval.EventDrafted, approval.EventSealedAnew}, func(e witnessed) []string {
			return lineOf("revision %s (%s) at %s: code %s, terms %s, summary %s, findings %s", e.fact("revision"), e.fact("digest"), spelled(e.At),
				e.fact("code"), e.fact("manifest"), e.fact("summary"), e.fact("findings_list"))
		}, false},
	{`SELECT format('the start of revision %s (%s) in box %s at %s', revision, digest, box_id, ` + spelledIn("started_at") + `) FROM (
		SELECT request_id, revision, digest, box_id, started_at FROM runs UNION ALL SELECT request_id, revision, digest, box_id, started_at FROM unstarted_runs) r WHERE request_id = $1`,
		[]string{approval.EventStarted}, func(e witnessed) []string {
			return lineOf("the start of revision %s (%s) in box %s at %s", e.fact("revision"), e.fact("digest"), e.fact("box"), spelled(e.At))
		}, false},
	{`SELECT format('what was taken back, in box %s', box_id) FROM unstarted_runs WHERE request_id = $1`, []string{approval.EventUnstarted},
		func(e witnessed) []string { return lineOf("what was taken back, in box %s", e.fact("box")) }, false},
	{`SELECT format('result %s at %s', result, ` + spelledIn("finished_at") + `) FROM runs WHERE request_id = $1 AND finished_at IS NOT NULL`, []string{approval.EventFinished},
		func(e witnessed) []string { return lineOf("result %s at %s", e.fact("result"), spelled(e.At)) }, false},
	{`SELECT format('file %s', data) FROM artifacts WHERE request_id = $1`, []string{approval.EventFinished}, func(e witnessed) (list []string) {
		files, _ := e.Data["files"].([]any)
		for _, f := range files {
			file, _ := f.(map[string]any)
			list = append(list, "file "+witnessed{Data: file}.fact("content"))
		}
		return list
	}, false},
	{`SELECT format('%s at %s', role, ` + spelledIn("at") + `) || coalesce(': ' || text, '') FROM messages WHERE request_id = $1`,
		[]string{approval.EventAsked, approval.EventAskedToClarify, approval.EventClarified, approval.EventDrafted, approval.EventFinished, approval.EventLost}, func(e witnessed) []string {
			of := map[string]struct{ role, field string }{approval.EventAsked: {"question", "question"}, approval.EventDrafted: {"code", "code"},
				approval.EventAskedToClarify: {"clarify", "question"}, approval.EventClarified: {"clarified", "answer"},
				approval.EventFinished: {"result", "said"}, approval.EventLost: {"result", "said"}}[e.Kind]
			list := lineOf("%s at %s: %s", of.role, spelled(e.At), e.fact(of.field))
			if next := e.fact("next"); e.Kind == approval.EventDrafted && next != "" {
				list = append(list, lineOf("next at %s: %s", spelled(e.At), next)...)
			}
			return list
		}, false},
	{`SELECT format('a top-up %s of %s by %s', id, amount, asked_by) FROM topups WHERE request_id = $1`, []string{approval.EventAskedForTopUp},
		func(e witnessed) []string {
			return lineOf("a top-up %s of %s by %s", e.fact("topup"), e.fact("amount"), e.Actor)
		}, false},
	{`SELECT format('the answer to top-up %s by %s: %s', id, decided_by, CASE WHEN granted THEN ` + spelledIn("expires_at") + ` ELSE 'no' END) FROM topups WHERE request_id = $1 AND decided_by IS NOT NULL`,
		[]string{approval.EventGrantedTopUp, approval.EventDeclinedTopUp}, func(e witnessed) []string {
			until := "no"
			if at, err := time.Parse(time.RFC3339Nano, e.fact("until")); err == nil && e.Kind == approval.EventGrantedTopUp {
				until = spelled(micro(at))
			}
			return lineOf("the answer to top-up %s by %s: %s", e.fact("topup"), e.Actor, until)
		}, false},
	{`SELECT format('the message %s: %s %s', surface, channel, ts) FROM posts WHERE request_id = $1`, []string{approval.EventPosted},
		func(e witnessed) []string {
			return lineOf("the message %s: %s %s", e.fact("surface"), e.fact("channel"), e.fact("ts"))
		}, true},
}

// checkState follows the moves that the events tell of. Where an approval may have been the
// last that was needed or not, both are possible.
func checkState(ctx context.Context, tx pgx.Tx, id string, t trail) error {
	type move struct{ From, To, Told string }
	moves, err := all[move](ctx, tx, `SELECT from_state AS from, to_state AS to, coalesce(told, '') AS told FROM moves WHERE from_state <> to_state`)
	if err != nil {
		return err
	}
	var state string
	var approved, quorum int64
	err = tx.QueryRow(ctx, `SELECT state, coalesce(approvals(id, revision), 0), quorum FROM requests WHERE id = $1`, id).Scan(&state, &approved, &quorum)
	if err != nil {
		return notFound(err)
	}
	may := map[string]bool{"": true}
	for _, row := range t.rows {
		next, stays := map[string]bool{}, true
		for _, m := range moves {
			if may[m.From] && (m.Told == row.Kind || m.Told == "") {
				next[m.To] = true
				stays = stays && (m.Told == "" || row.Kind == approval.EventApproved)
			}
		}
		for s := range may {
			next[s] = next[s] || stays
		}
		if len(next) > 0 {
			may = next
		}
	}
	if !may[state] {
		return differs("its state, "+state, "the events lead to another")
	}
	if state == string(approval.Approved) && approved < quorum {
		return differs("its state, approved", "%d of %d approvals are told of", approved, quorum)
	}
	return nil
}

// RequestIDs are all that a trail or a row knows.
func RequestIDs(ctx context.Context, db *DB) (ids []string, err error) {
	err = db.read(ctx, func(tx pgx.Tx) (err error) {
		ids, err = texts(ctx, tx, `SELECT id FROM requests UNION SELECT substr(stream, 9) FROM events WHERE stream ~ '^request:' ORDER BY 1`)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the requests: %w", err)
	}
	return ids, nil
}

// House is what an audit of workspaces has found whole.
type House struct{ Streams, Events int }

// AuditHouse checks what holds for all requests: who signs, people, rules and limits.
func AuditHouse(ctx context.Context, db *DB) (found House, err error) {
	var streams []string
	err = db.read(ctx, func(tx pgx.Tx) (err error) {
		streams, err = texts(ctx, tx, `SELECT DISTINCT stream FROM events WHERE stream !~ '^request:' ORDER BY 1`)
		return err
	})
	if err != nil {
		return found, fmt.Errorf("read the audit trails: %w", err)
	}
	for _, stream := range streams {
		checked, err := db.VerifyChain(ctx, stream)
		if err != nil {
			return found, err
		}
		found.Streams++
		found.Events += checked.Events
	}
	err = db.read(ctx, func(tx pgx.Tx) error {
		for _, check := range houseChecks {
			var events []string
			for _, stream := range streams {
				if name, _, _ := strings.Cut(stream, ":"); name != check.stream {
					continue
				}
				t, err := tellings(ctx, tx, stream)
				if err != nil {
					return err
				}
				for _, e := range t.of(check.kinds...) {
					_, team, _ := strings.Cut(stream, ":")
					events = append(events, check.line(team, e))
				}
			}
			rows, err := texts(ctx, tx, check.rows)
			if err != nil {
				return err
			}
			if check.latest {
				events = latest(events)
			}
			if err := compare(rows, events); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return found, fmt.Errorf("audit the workspaces: %w", err)
	}
	return found, nil
}

// houseCheck is what a table says of workspaces, and what the events do.
type houseCheck struct {
	stream string
	rows   string
	kinds  []string
	line   func(team string, e witnessed) string
	latest bool
}

var houseChecks = slices.Concat([]houseCheck{keysCheck}, triesChecks, []houseCheck{
	{"people", `SELECT format('%s: %s is %s %s in "%s" by %s at %s', team, person, CASE WHEN named THEN 'now' ELSE 'no longer' END, role, project, by, ` + spelledIn("at") + `) FROM people`,
		[]string{approval.EventNamed, approval.EventRemoved}, func(team string, e witnessed) string {
			now := map[string]string{approval.EventNamed: "now", approval.EventRemoved: "no longer"}[e.Kind]
			return fmt.Sprintf(`%s: %s is %s %s in "%s" by %s at %s`, team, e.fact("person"), now, e.fact("role"), e.fact("channel"), e.Actor, spelled(e.At))
		}, false},
	{"people", `SELECT format('%s: in the place of %s decides %s from %s', team, principal, coalesce(delegate || ' until ' || ` + spelledIn("until") + `, 'nobody'), ` + spelledIn("at") + `) FROM delegations`,
		[]string{approval.EventDelegated, approval.EventDelegationEnded}, func(team string, e witnessed) string {
			from, to := e.fact("from"), "nobody"
			if from == "" {
				from = e.Actor
			}
			if until, err := time.Parse(time.RFC3339Nano, e.fact("until")); err == nil {
				to = e.fact("to") + " until " + spelled(until)
			}
			return fmt.Sprintf("%s: in the place of %s decides %s from %s", team, from, to, spelled(e.At))
		}, false},
	{"rules", `SELECT format('%s: version %s of the rules of "%s" by %s at %s', team, version, project, set_by, ` + spelledIn("set_at") + `) || E'\x1f' || coalesce(document::text, 'null') FROM rules`,
		[]string{approval.EventSetRules}, func(team string, e witnessed) string {
			rules, _ := canonical(e.Data["rules"])
			return fmt.Sprintf(`%s: version %s of the rules of "%s" by %s at %s`, team, e.fact("version"), e.fact("channel"), e.Actor, spelled(e.At)) + rules
		}, false},
	{"budget", `SELECT format('the limit of %s %s %s: %s by %s at %s', team, kind, id, coalesce(amount || ' per ' || per, 'none'), set_by, ` + spelledIn("set_at") + `) FROM limits`,
		[]string{approval.EventSetLimit, approval.EventRemovedLimit}, func(_ string, e witnessed) string {
			is := "none"
			if e.Kind == approval.EventSetLimit {
				is = e.fact("amount") + " per " + e.fact("window")
			}
			return fmt.Sprintf("the limit of %s %s %s: %s by %s at %s", e.fact("scope", "team"), e.fact("scope", "kind"), e.fact("scope", "id"), is, e.Actor, spelled(e.At))
		}, true},
})
