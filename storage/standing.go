package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/budget"
)

// A standing is read from the balances, which are the ledger added up in
// stretches of UTC: days and quarters of an hour. However long the ledger grows,
// a month is at most some thirty rows of days and two times ninety-six of
// quarters, and what lies before them is not looked at.
const (
	quarter = 15 * time.Minute
	day     = 24 * time.Hour
)

// span is a window cut into what the balances know: quarters up to the first
// midnight of UTC, whole days, quarters after the last one. What is left at
// either end is less than a quarter, and empty for the windows of every zone
// whose clocks are a whole number of quarters from UTC, which all have been since
// 1972; for any other it is added up from the ledger, so that it is exact, too.
type span struct {
	from, until              time.Time
	quartersFrom, daysFrom   time.Time
	daysUntil, quartersUntil time.Time
}

func spanOf(from, until time.Time) span {
	s := span{from: from, until: until, quartersFrom: ceil(from, quarter), quartersUntil: until.Truncate(quarter)}
	if s.quartersUntil.Before(s.quartersFrom) {
		// It lies within one quarter: all of it comes from the ledger.
		s.quartersUntil = s.quartersFrom
	}
	s.daysFrom, s.daysUntil = ceil(from, day), until.Truncate(day)
	if s.daysUntil.Before(s.daysFrom) {
		s.daysFrom, s.daysUntil = s.quartersFrom, s.quartersFrom // no midnight in it: quarters only
	}
	return s
}

// ceil is the first start of a stretch that is not before t. Truncate counts from
// the year 1, which is a whole number of days from 1970, where Postgres counts from.
func ceil(t time.Time, d time.Duration) time.Time {
	if whole := t.Truncate(d); whole.Before(t) {
		return whole.Add(d)
	}
	return t
}

// endOfTime bounds the window of a limit that has none.
var endOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// sums adds up scopes: what each spent in the span of a window, and what is held in it
// now, which stands in its own row. The windows that are wanted come before it. OFFSET 0
// keeps the planner from looking into lists: what it saw there would have it plan anew
// each time, while the budgets are locked.
const sums = `
	SELECT w.team, w.kind, w.id, w.per,
		(SELECT coalesce(sum(spent), 0)::bigint FROM balances b
			WHERE b.team = w.team AND b.kind = w.kind AND b.id = w.id AND grain = 'day' AND start >= s.days_from AND start < s.days_until)
		+ (SELECT coalesce(sum(spent), 0)::bigint FROM balances b
			WHERE b.team = w.team AND b.kind = w.kind AND b.id = w.id AND grain = 'quarter' AND start >= s.quarters_from AND start < s.days_from)
		+ (SELECT coalesce(sum(spent), 0)::bigint FROM balances b
			WHERE b.team = w.team AND b.kind = w.kind AND b.id = w.id AND grain = 'quarter' AND start >= s.days_until AND start < s.quarters_until)
		+ CASE WHEN s.a_from < s.a_until THEN -- what no balance knows
			(SELECT coalesce(sum(amount), 0)::bigint FROM settlements t WHERE t.team = w.team
				AND (t.at >= s.a_from AND t.at < s.a_until OR t.at >= s.b_from AND t.at < s.b_until)
				AND w.id = CASE w.kind WHEN 'user' THEN t.asker WHEN 'session' THEN t.session_id WHEN 'project' THEN t.project ELSE t.team END)
			ELSE 0 END AS spent,
		coalesce((SELECT held FROM scopes c WHERE c.team = w.team AND c.kind = w.kind AND c.id = w.id), 0) AS held
	FROM wanted w JOIN (SELECT s.* FROM (SELECT $1::text[] AS pers, $2::timestamptz[] AS quarters_from, $3::timestamptz[] AS days_from,
			$4::timestamptz[] AS days_until, $5::timestamptz[] AS quarters_until,
			$6::timestamptz[] AS a_from, $7::timestamptz[] AS a_until, $8::timestamptz[] AS b_from, $9::timestamptz[] AS b_until OFFSET 0) AS g,
		unnest(g.pers, g.quarters_from, g.days_from, g.days_until, g.quarters_until, g.a_from, g.a_until, g.b_from, g.b_until)
			AS s (per, quarters_from, days_from, days_until, quarters_until, a_from, a_until, b_from, b_until)) AS s USING (per)`

// sumsOf adds up windows that are named; sumsOfLimits those of the limits that hold for
// scopes, in the same trip that reads the limits. For a person without a limit these are
// the windows of all roles, of which one is theirs.
const (
	sumsOf = `
	WITH wanted AS MATERIALIZED (SELECT w.* FROM (SELECT $10::text[] AS teams, $11::text[] AS kinds, $12::text[] AS ids, $13::text[] AS windows OFFSET 0) AS given,
		unnest(teams, kinds, ids, windows) AS w (team, kind, id, per))` + sums
	sumsOfLimits = `
	WITH scope AS MATERIALIZED (SELECT w.* FROM %s, unnest(teams, kinds, ids) AS w (team, kind, id) WHERE kind <> 'role'),
	wanted AS MATERIALIZED (
		SELECT s.team, s.kind, s.id, l.per FROM scope s JOIN limits l USING (team, kind, id)
		UNION
		SELECT s.team, s.kind, s.id, role.per FROM scope s
			CROSS JOIN LATERAL (SELECT 'month' AS per UNION SELECT l.per FROM limits l WHERE l.team = s.team AND l.kind = 'role') AS role
		WHERE s.kind = 'user' AND NOT EXISTS (SELECT FROM limits l WHERE l.team = s.team AND l.kind = s.kind AND l.id = s.id))` + sums
)

type sumRow struct {
	Team  string
	Kind  budget.ScopeKind
	ID    string
	Per   budget.Window
	Spent budget.USD
	Held  budget.USD
}

// spans are the windows at a moment, as the query takes them.
func (db *DB) spans(now, end time.Time, windows ...budget.Window) []any {
	var pers []string
	var columns [8][]time.Time
	for _, w := range windows {
		from, until := w.Range(now, db.location)
		if until.IsZero() || until.After(end) {
			until = end
		}
		s := spanOf(from, until)
		edges := append(s.edges(), [2]time.Time{}, [2]time.Time{}) // two at most; the empty ones hold nothing
		pers = append(pers, string(w))
		for i, t := range []time.Time{s.quartersFrom, s.daysFrom, s.daysUntil, s.quartersUntil, edges[0][0], edges[0][1], edges[1][0], edges[1][1]} {
			columns[i] = append(columns[i], t)
		}
	}
	args := []any{pers}
	for _, list := range columns {
		args = append(args, list)
	}
	return args
}

// whose names scopes in a query: by themselves, or as those that pay for a request. The
// roles by whose limit a person may spend come with them.
type whose struct {
	given string // with its first parameter left open
	args  []any
}

func ofScopes(scopes []budget.Scope) whose {
	wanted := clone(scopes)
	for _, s := range scopes {
		if s.Kind == budget.User {
			for _, role := range []string{budget.Members, budget.Reviewers, budget.Admins} {
				wanted = append(wanted, budget.Scope{Team: s.Team, Kind: budget.Role, ID: role})
			}
		}
	}
	columns := [3][]string{}
	for _, s := range inLockOrder(wanted) {
		columns[0], columns[1], columns[2] = append(columns[0], s.Team), append(columns[1], string(s.Kind)), append(columns[2], s.ID)
	}
	return whose{`(SELECT $%[1]d::text[] AS teams, $%[2]d::text[] AS kinds, $%[3]d::text[] AS ids OFFSET 0) AS given`, []any{columns[0], columns[1], columns[2]}}
}

func payersOf(requestID string) whose {
	return whose{`(SELECT array_fill(team, ARRAY[7]) AS teams, ARRAY['user', 'session', 'project', 'team', 'role', 'role', 'role'] AS kinds,
		ARRAY[asker, session_id, project, team, 'members', 'reviewers', 'admins'] AS ids FROM requests WHERE id = $%[1]d OFFSET 0) AS given`, []any{requestID}}
}

// payersOfQuestion are those that will pay for a question in a thread.
func payersOfQuestion(thread approval.Session, asker string) whose {
	return whose{`(SELECT array_fill($%[1]d::text, ARRAY[7]) AS teams, ARRAY['user', 'session', 'project', 'team', 'role', 'role', 'role'] AS kinds,
		ARRAY[$%[4]d::text, coalesce((SELECT id FROM sessions WHERE team = $%[1]d AND channel = $%[2]d AND thread_ts = $%[3]d), ''), $%[2]d, $%[1]d,
			'members', 'reviewers', 'admins'] AS ids OFFSET 0) AS given`, []any{thread.Team, thread.Channel, thread.ThreadTS, asker}}
}

// from is the part of a query that names them, its parameters from the n-th on.
func (w whose) from(n int) string { return fmt.Sprintf(w.given, n, n+1, n+2, n+3) }

// reckoning is one look at the budgets of some scopes, in one trip: the limits, and the
// sums of their windows. Which windows these are has to be known before the time is: it
// is asked for the windows of a moment that was read a little earlier, and where one has
// ended since, somebody looks again.
type reckoning struct {
	guess  time.Time
	now    time.Time // when all were looked at; when they are locked, whoever had them before may have spent in a window that began meanwhile
	limits []limitRow
	sums   map[budget.Scope]map[budget.Window]sumRow
}

func (db *DB) queueReckoning(b *pgx.Batch, of whose, guess, end time.Time) *reckoning {
	k := &reckoning{guess: guess}
	tell(b, []any{&k.now}, tellTime)
	ask(b, func(rows []limitRow) error { k.limits = rows; return nil }, fmt.Sprintf(limitsQuery, of.from(2)), append([]any{nil}, of.args...)...)
	ask(b, func(rows []sumRow) error { k.sums = sorted(rows); return nil }, fmt.Sprintf(sumsOfLimits, of.from(10)),
		append(db.spans(guess, end, budget.Day, budget.Week, budget.Month, budget.None), of.args...)...)
	return k
}

func sorted(rows []sumRow) map[budget.Scope]map[budget.Window]sumRow {
	sums := map[budget.Scope]map[budget.Window]sumRow{}
	for _, row := range rows {
		scope := budget.Scope{Team: row.Team, Kind: row.Kind, ID: row.ID}
		if sums[scope] == nil {
			sums[scope] = map[budget.Window]sumRow{}
		}
		sums[scope][row.Per] = row
	}
	return sums
}

// stands is what a reckoning says of scopes, in lock order. It is not ok where a window
// has ended between the guess and the look.
func (db *DB) stands(k *reckoning, scopes []budget.Scope) (list []budget.Standing, ok bool) {
	limits := db.applying(scopes, k.limits)
	for _, scope := range inLockOrder(scopes) {
		limit, limited := limits[scope]
		if !limited {
			continue
		}
		s := budget.Standing{Limit: limit}
		s.From, s.ResetsAt = limit.Window.Range(k.now, db.location)
		if scope.Kind != budget.Role { // nothing is paid from one
			from, _ := limit.Window.Range(k.guess, db.location)
			sum, there := k.sums[scope][limit.Window]
			if !there || !from.Equal(s.From) {
				return nil, false
			}
			s.Spent, s.Held = sum.Spent, sum.Held
		}
		list = append(list, s)
	}
	return list, true
}

// standing is stands, looking again where it has to.
func (db *DB) standing(t *batched, k *reckoning, scopes []budget.Scope) ([]budget.Standing, error) {
	for {
		if list, ok := db.stands(k, scopes); ok {
			return list, nil
		}
		again := db.queueReckoning(t.Batch, ofScopes(scopes), k.now, endOfTime)
		if err := t.send(); err != nil {
			return nil, err
		}
		*k = *again
	}
}

// reckoned reads the budgets with whatever else is queued, in one trip.
func (db *DB) reckoned(ctx context.Context, of whose, scopes func() []budget.Scope, also func(b *pgx.Batch)) (list []budget.Standing, err error) {
	for guess := time.Now(); ; {
		var k *reckoning
		err := db.look(ctx, func(b *pgx.Batch) {
			also(b)
			k = db.queueReckoning(b, of, guess, endOfTime)
		})
		if err != nil {
			return nil, err
		}
		if list, ok := db.stands(k, scopes()); ok {
			return list, nil
		}
		guess = k.now
	}
}

// standings reads the limits of these scopes and what their windows hold, in two
// trips. It is only as good as the locks: who decides on it has locked the scopes
// before.
func (db *DB) standings(ctx context.Context, tx pgx.Tx, scopes []budget.Scope, now time.Time) ([]budget.Standing, error) {
	return db.standingsUntil(ctx, tx, scopes, now, endOfTime)
}

// standingsUntil is the same without what was spent from a moment on.
func (db *DB) standingsUntil(ctx context.Context, tx pgx.Tx, scopes []budget.Scope, now, end time.Time) ([]budget.Standing, error) {
	limits, err := db.limitsOf(ctx, tx, scopes, now)
	if err != nil {
		return nil, err
	}
	batch := &pgx.Batch{}
	standings := db.queueStandings(batch, scopes, limits, now, end)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("add up the budgets: %w", err)
	}
	return standings, nil
}

// limitsOf are the limits that hold for these scopes: those that somebody has
// set; for a person without one that of their role, and for a role without one
// what is built in. Each with what has been granted on top of it until later than now.
func (db *DB) limitsOf(ctx context.Context, tx pgx.Tx, scopes []budget.Scope, now time.Time) (limits map[budget.Scope]budget.Limit, err error) {
	batch := &pgx.Batch{}
	db.queueLimits(batch, scopes, &now, &limits)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("read the limits: %w", err)
	}
	return limits, nil
}

// queueLimits reads them in a batch; without a time they are those of when its turn comes.
func (db *DB) queueLimits(b *pgx.Batch, scopes []budget.Scope, now *time.Time, limits *map[budget.Scope]budget.Limit) {
	of := ofScopes(scopes)
	ask(b, func(rows []limitRow) error { *limits = db.applying(scopes, rows); return nil },
		fmt.Sprintf(limitsQuery, of.from(2)), append([]any{now}, of.args...)...)
}

// applying picks for each scope the limit that it has.
func (db *DB) applying(scopes []budget.Scope, rows []limitRow) map[budget.Scope]budget.Limit {
	set, extra, named := map[budget.Scope]budget.Limit{}, map[budget.Scope]budget.USD{}, map[budget.Scope]string{}
	for _, row := range rows {
		extra[row.scope()], named[row.scope()] = row.Extra, row.Named
		if row.Amount != nil {
			set[row.scope()] = row.limit()
		}
	}
	limits := map[budget.Scope]budget.Limit{}
	for _, scope := range scopes {
		limit, ok := set[scope]
		if !ok && scope.Kind == budget.User {
			if limit, ok = set[db.roleOf(scope, named[scope])]; ok {
				limit = limit.ForRole(scope)
			} else {
				limit, ok = budget.DefaultUserLimit(scope), true
			}
		}
		if ok {
			limit.Extra = extra[scope]
			limits[scope] = limit
		}
	}
	return limits
}

// limitsQuery reads the limits of some scopes, what is granted on top of each, and
// for what people were named in Slack: who was named for one channel is a reviewer,
// too, because a person has one budget in all channels.
const limitsQuery = `
	SELECT team, kind, id, amount, per, policy,
		(SELECT coalesce(sum(t.amount), 0)::bigint FROM topups t
			WHERE t.granted AND t.team = wanted.team AND t.kind = wanted.kind AND t.scope_id = wanted.id AND t.expires_at > coalesce($1, clock_timestamp())) AS extra,
		coalesce(CASE WHEN wanted.kind = 'user' THEN (
			SELECT CASE WHEN bool_or(role = 'administrator') THEN 'admins' WHEN count(*) > 0 THEN 'reviewers' END FROM (
				SELECT DISTINCT ON (project, role) role, named FROM people p WHERE p.team = wanted.team AND p.person = wanted.id
				ORDER BY project, role, seq DESC) AS latest
			WHERE named) END, '') AS named
	FROM %s, unnest(teams, kinds, ids) AS wanted (team, kind, id) LEFT JOIN limits USING (team, kind, id)`

// roleOf is the scope whose limit a person has who has none of their own: of the
// role that the settings give them and the one that they were named for in Slack,
// the higher.
func (db *DB) roleOf(user budget.Scope, named string) budget.Scope {
	role := db.role(user.ID)
	if named == budget.Admins || named == budget.Reviewers && role != budget.Admins {
		role = named
	}
	return budget.Scope{Team: user.Team, Kind: budget.Role, ID: role}
}

// queueStandings adds up what was spent and what is held by these limits, in lock
// order. What it gives is complete once the batch has been sent.
func (db *DB) queueStandings(batch *pgx.Batch, scopes []budget.Scope, limits map[budget.Scope]budget.Limit, now, end time.Time) []budget.Standing {
	var standings []budget.Standing
	for _, scope := range inLockOrder(scopes) {
		if limit, ok := limits[scope]; ok {
			standings = append(standings, budget.Standing{Limit: limit})
		}
	}
	var columns [4][]string
	var windows []budget.Window
	for i := range standings {
		s := &standings[i]
		scope, window := s.Limit.Scope, s.Limit.Window
		s.From, s.ResetsAt = window.Range(now, db.location)
		if scope.Kind == budget.Role {
			continue // nothing is paid from it
		}
		for n, word := range []string{scope.Team, string(scope.Kind), scope.ID, string(window)} {
			columns[n] = append(columns[n], word)
		}
		if !slices.Contains(windows, window) {
			windows = append(windows, window)
		}
	}
	ask(batch, func(rows []sumRow) error {
		found := sorted(rows)
		for i := range standings {
			sum := found[standings[i].Limit.Scope][standings[i].Limit.Window]
			standings[i].Spent, standings[i].Held = sum.Spent, sum.Held
		}
		return nil
	}, sumsOf, append(db.spans(now, end, windows...), columns[0], columns[1], columns[2], columns[3])...)
	return standings
}

// edges are the stretches of a span that no balance knows, usually none.
func (s span) edges() (list [][2]time.Time) {
	if !s.quartersFrom.Before(s.until) {
		return [][2]time.Time{{s.from, s.until}}
	}
	if s.from.Before(s.quartersFrom) {
		list = append(list, [2]time.Time{s.from, s.quartersFrom})
	}
	if s.quartersUntil.Before(s.until) {
		list = append(list, [2]time.Time{s.quartersUntil, s.until})
	}
	return list
}
