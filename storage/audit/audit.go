// Package audit reads a trail, checks its links and its signatures, and holds the tables
// against what it says. The schema refuses most of what it could find; but the schema is its
// owner's, who can switch it off. What a table says and what its events say stand beside one
// another in checks.go.
package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// DifferenceError is a row that the events do not tell of, or an event without its row. An operator reads it as it is, so
// both fields are words and not columns.
type DifferenceError struct {
	What string // "the decision of U1 on revision 2"
	Says string // what the events say, or that they say nothing
}

func (e *DifferenceError) Error() string { return "the tables differ: " + e.What + ": " + e.Says }

// differs makes the one error by which this package says that tables and events part.
func differs(what, says string, args ...any) error {
	return &DifferenceError{What: what, Says: fmt.Sprintf(says, args...)}
}

// firstWrong is the error of the first of what a query found wrong: what it is, a separator that no text of ours has
// (\x1e), and the code of why, which words spells.
func firstWrong(found []string, err error, words map[string]string) error {
	if err != nil || len(found) == 0 {
		return err
	}
	what, why, _ := strings.Cut(found[0], "\x1e")
	return differs(what, "%s", words[why])
}

// Auditor audits a database. It only reads, and each part at one moment (pg.ReadOnly), so replicas may write meanwhile.
type Auditor struct {
	pool   *pg.Pool
	notary *trail.Notary
}

// New audits what these connections lead to, by the keys that the notary trusts.
func New(pool *pg.Pool, n *trail.Notary) Auditor { return Auditor{pool, n} }

// Trust has a program without a key file believe the keys that the trail announces, the
// first of them by itself. Whoever wrote all of it could have made that key.
func (a Auditor) Trust(ctx context.Context) error {
	return a.pool.Read(ctx, func(tx pgx.Tx) error { return a.notary.TrustTrail(ctx, tx) })
}

// compare holds lines that rows make against lines that events make. Both are lists in which a line may stand twice: two
// rows of which one event tells are a difference, too. Lines are compared as text, so that what is found can be read out.
func compare(rows, events []string) error {
	left := slices.Clone(events)
	for _, row := range rows {
		// One by one and struck off, so that a row that stands twice needs two events.
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

// texts are what a query makes of rows. JSON at the end of one, after a separator (\x1f), is spelled as events have it:
// Postgres orders the keys of a jsonb by length and puts blanks between, RFC 8785 does neither.
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

// respelled leaves alone what is no JSON: then the lines differ, and the audit says so.
func respelled(document string) string {
	v, err := trail.Decoded(`{"v":` + document + `}`)
	if err != nil {
		return document
	}
	spelling, err := trail.Canonical(v["v"])
	if err != nil {
		return document
	}
	return spelling
}

// spelled and spelledIn are how both sides spell a time: to the microsecond, which is what a column keeps.
func spelled(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000") }

func spelledIn(column string) string {
	return `to_char(` + column + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`
}

// Request checks a request: its chain, then its rows. The error names the first thing
// that is not as it should be: *trail.ChainError, *DifferenceError.
//
// The chain is checked first: what the events say of the rows is worth nothing where one of them was changed.
func (a Auditor) Request(ctx context.Context, id string) (found trail.Verified, err error) {
	stream := trail.StreamOf(id)
	if found, err = a.notary.Verify(ctx, stream); err != nil {
		return found, err
	}
	err = a.pool.Read(ctx, func(tx pgx.Tx) error {
		t, err := trail.Tellings(ctx, tx, stream)
		if err != nil {
			return err
		}
		for _, check := range slices.Concat(requestChecks, moneyChecks, answerChecks, repeatChecks, glassChecks) {
			rows, err := texts(ctx, tx, check.rows, id)
			if err != nil {
				return err
			}
			var events []string
			for _, e := range t.Of(check.kinds...) {
				events = append(events, check.line(e)...)
			}
			if check.latest {
				events = latest(events)
			}
			if err := compare(rows, events); err != nil {
				return err
			}
		}
		// All of them run, also after the first that finds something: cmp.Or only picks. They are few and cheap.
		return cmp.Or(checkState(ctx, tx, id, t), checkRuled(ctx, tx, id), checkPaced(ctx, tx, id), checkGlass(ctx, tx, id), checkRepeats(ctx, tx, id), checkGone(ctx, tx, id), checkSigned(ctx, tx, a.notary, id, t))
	})
	return found, pg.While(err, "audit %s", stream)
}

// latest keeps of lines with the same beginning (to the colon) the last: where a row is written over (a card that moved to
// another message), each of its states left an event, and the row has but the latest.
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

// checkState follows the moves that the events tell of. An event does not name the states between which it moved, so this
// keeps the set of states in which the request may be by now. Where an approval may have been the last that was needed or
// not, both are possible.
func checkState(ctx context.Context, tx pgx.Tx, id string, t trail.Trail) error {
	type move struct{ From, To, Told string }
	moves, err := pg.All[move](ctx, tx, `SELECT from_state AS from, to_state AS to, coalesce(told, '') AS told FROM moves WHERE from_state <> to_state`)
	if err != nil {
		return err
	}
	var state string
	var approved, quorum int64
	var glassed bool
	// approvals counts decisions of which an event tells (decided, in the schema). That these are signed, Verify has seen.
	err = tx.QueryRow(ctx, `SELECT state, coalesce(approvals(id, revision), 0), quorum, coalesce(glassed(id, revision), false) FROM requests WHERE id = $1`, id).Scan(&state, &approved, &quorum, &glassed)
	if err != nil {
		return pg.NotFound(err)
	}
	// "" is the state before the first event: a request comes into the world by a move as well.
	may := map[string]bool{"": true}
	for _, row := range t.Rows {
		next, stays := map[string]bool{}, true
		for _, m := range moves {
			// A move of which no event of its own tells (Told is empty) may have come with any event.
			if may[m.From] && (m.Told == row.Kind || m.Told == "") {
				next[m.To] = true
				stays = stays && (m.Told == "" || row.Kind == approval.EventApproved)
			}
		}
		// Most events move nothing: the request may be where it was.
		for s := range may {
			next[s] = next[s] || stays
		}
		// An empty set would refuse whatever comes after.
		// An event that fits no move is no proof of a forged state: what was put beside the moves later must not fail old trails.
		if len(next) > 0 {
			may = next
		}
	}
	if !may[state] {
		return differs("its state, "+state, "the events lead to another")
	}
	// The moves alone cannot tell a first approval from the last. The database counts, by signed events.
	if state == string(approval.Approved) && approved < quorum && !glassed {
		return differs("its state, approved", "%d of %d approvals are told of", approved, quorum)
	}
	return nil
}

// RequestIDs are all that a trail or a row knows: of a request that somebody has deleted the events are left, and of one
// that somebody made up the row.
func (a Auditor) RequestIDs(ctx context.Context) (ids []string, err error) {
	err = a.pool.Read(ctx, func(tx pgx.Tx) (err error) {
		// 9 is where the id begins behind "request:".
		ids, err = texts(ctx, tx, `SELECT id FROM requests UNION SELECT substr(stream, 9) FROM events WHERE stream ~ '^request:' ORDER BY 1`)
		return err
	})
	return ids, pg.While(err, "list the requests")
}

// Found is what an audit of workspaces has found whole.
type Found struct{ Streams, Events int }

// House checks what holds for all requests: who signs, people, rules, limits, and what the ledger adds up to.
func (a Auditor) House(ctx context.Context) (found Found, err error) {
	var streams []string
	err = a.pool.Read(ctx, func(tx pgx.Tx) (err error) {
		streams, err = texts(ctx, tx, `SELECT DISTINCT stream FROM events WHERE stream !~ '^request:' ORDER BY 1`)
		return err
	})
	if err != nil {
		return found, fmt.Errorf("read the audit trails: %w", err)
	}
	// All chains first, and then the tables: see Request.
	for _, stream := range streams {
		checked, err := a.notary.Verify(ctx, stream)
		if err != nil {
			return found, err
		}
		found.Streams++
		found.Events += checked.Events
	}
	err = a.pool.Read(ctx, func(tx pgx.Tx) error {
		// A check is asked for all workspaces in one query, so the events of all streams of its kind come together first.
		for _, check := range houseChecks {
			var events []string
			for _, stream := range streams {
				if name, _, _ := strings.Cut(stream, ":"); name != check.stream {
					continue
				}
				t, err := trail.Tellings(ctx, tx, stream)
				if err != nil {
					return err
				}
				for _, e := range t.Of(check.kinds...) {
					_, team, _ := strings.Cut(stream, ":")
					if line := check.line(team, e); line != "" {
						events = append(events, line)
					}
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
		return checkBalances(ctx, tx)
	})
	return found, pg.While(err, "audit the workspaces")
}
