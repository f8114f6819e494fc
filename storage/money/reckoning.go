package money

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/budget"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// sums adds up scopes: what each spent in the span of a window, and what is held in it
// now, which stands in its own row. The parts are those of span (standing.go): whole days, quarters of an hour before and
// after them, and in the CASE the edges that no balance knows. The windows that are wanted come before it. OFFSET 0
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
		+ CASE WHEN s.a_from < s.a_until THEN
			(SELECT coalesce(sum(amount), 0)::bigint FROM settlements t WHERE t.team = w.team
				AND (t.at >= s.a_from AND t.at < s.a_until OR t.at >= s.b_from AND t.at < s.b_until)
				AND w.id = CASE w.kind WHEN 'user' THEN t.asker WHEN 'session' THEN t.session_id WHEN 'project' THEN t.project ELSE t.team END)
			ELSE 0 END AS spent,
		coalesce(c.held, 0) AS held, coalesce(c.taken, 0) AS taken
	FROM wanted w LEFT JOIN scopes c USING (team, kind, id) JOIN (SELECT s.* FROM (SELECT $1::text[] AS pers, $2::timestamptz[] AS quarters_from, $3::timestamptz[] AS days_from,
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
	SumsOfLimits = `
	WITH scope AS MATERIALIZED (SELECT w.* FROM %s, unnest(teams, kinds, ids) AS w (team, kind, id) WHERE kind <> 'role'),
	wanted AS MATERIALIZED (
		SELECT s.team, s.kind, s.id, l.per FROM scope s JOIN limits l USING (team, kind, id)
		UNION
		SELECT s.team, s.kind, s.id, role.per FROM scope s
			CROSS JOIN LATERAL (SELECT 'month' AS per UNION SELECT l.per FROM limits l WHERE l.team = s.team AND l.kind = 'role') AS role
		WHERE s.kind = 'user' AND NOT EXISTS (SELECT FROM limits l WHERE l.team = s.team AND l.kind = s.kind AND l.id = s.id AND l.amount IS NOT NULL))` + sums
)

// sumRow is what one scope spent in one window, and what is held in it. Held is the same in all windows.
type sumRow struct {
	Team  string
	Kind  budget.ScopeKind
	ID    string
	Per   budget.Window
	Spent budget.USD
	Held  budget.USD
	Taken budget.USD
}

// Spans are the windows at a moment, as the query takes them.
func (till *Till) Spans(now, end time.Time, windows ...budget.Window) []any {
	var pers []string
	var columns [8][]time.Time
	for _, w := range windows {
		from, until := w.Range(now, till.location)
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

// Whose names scopes in a query: by themselves, or as those that pay for a request. The
// roles by whose limit a person may spend come with them, all three: who has which is read in the same trip (LimitsQuery).
type Whose struct {
	Given string // with its first parameter left open
	args  []any
}

// OfScopes names scopes by themselves.
func OfScopes(scopes []budget.Scope) Whose {
	wanted := slices.Clone(scopes)
	for _, s := range scopes {
		if s.Kind == budget.User {
			for _, role := range []string{budget.Members, budget.Reviewers, budget.Admins} {
				wanted = append(wanted, budget.Scope{Team: s.Team, Kind: budget.Role, ID: role})
			}
		}
	}
	columns := [3][]string{}
	for _, s := range InLockOrder(wanted) {
		columns[0], columns[1], columns[2] = append(columns[0], s.Team), append(columns[1], string(s.Kind)), append(columns[2], s.ID)
	}
	return Whose{`(SELECT $%[1]d::text[] AS teams, $%[2]d::text[] AS kinds, $%[3]d::text[] AS ids OFFSET 0) AS given`, []any{columns[0], columns[1], columns[2]}}
}

// PayersOf are those that pay for a request, by its row: who asks needs not load it first. seven are the four scopes of
// budget.ScopeKind that pay and the three roles.
func PayersOf(requestID string) Whose {
	return Whose{`(SELECT array_fill(team, ARRAY[7]) AS teams, ARRAY['user', 'session', 'project', 'team', 'role', 'role', 'role'] AS kinds,
		ARRAY[asker, session_id, project, team, 'members', 'reviewers', 'admins'] AS ids FROM requests WHERE id = $%[1]d OFFSET 0) AS given`, []any{requestID}}
}

// PayersOfQuestion are those that will pay for a question in a thread.
func PayersOfQuestion(thread approval.Session, project, asker string) Whose {
	return Whose{`(SELECT array_fill($%[1]d::text, ARRAY[7]) AS teams, ARRAY['user', 'session', 'project', 'team', 'role', 'role', 'role'] AS kinds,
		ARRAY[$%[4]d::text, coalesce((SELECT id FROM sessions WHERE team = $%[1]d AND channel = $%[2]d AND thread_ts = $%[3]d), ''), $%[5]d, $%[1]d,
			'members', 'reviewers', 'admins'] AS ids OFFSET 0) AS given`, []any{thread.Team, thread.Channel, thread.ThreadTS, asker, project}}
}

// From is the part of a query that names them, its parameters from the n-th on.
func (w Whose) From(n int) string { return fmt.Sprintf(w.Given, n, n+1, n+2, n+3, n+4) }

// reckoning is one look at the budgets of some scopes, in one trip: the limits, and the
// sums of their windows. Which windows these are has to be known before the time is: it
// is asked for the windows of a moment that was read a little earlier, and where one has
// ended since, somebody looks again.
type reckoning struct {
	guess  time.Time
	Now    time.Time // when all were looked at; when they are locked, whoever had them before may have spent in a window that began meanwhile
	limits []limitRow
	sums   map[budget.Scope]map[budget.Window]sumRow
}

// AddReckoning queues such a look. The time is asked first: in a transaction that has just taken the locks it is later than
// whatever their last owner spent.
func (till *Till) AddReckoning(b *pgx.Batch, of Whose, guess, end time.Time) *reckoning {
	k := &reckoning{guess: guess}
	pg.Tell(b, []any{&k.Now}, pg.TellTime)
	till.addSums(b, k, of, end)
	return k
}

// addSums is AddReckoning for whoever reads the time otherwise.
func (till *Till) addSums(b *pgx.Batch, k *reckoning, of Whose, end time.Time) {
	pg.Ask(b, func(rows []limitRow) error { k.limits = rows; return nil }, fmt.Sprintf(LimitsQuery, of.From(2)), append([]any{nil}, of.args...)...)
	pg.Ask(b, func(rows []sumRow) error { k.sums = sorted(rows); return nil }, fmt.Sprintf(SumsOfLimits, of.From(10)),
		append(till.Spans(k.guess, end, budget.Day, budget.Week, budget.Month, budget.None), of.args...)...)
}

// sorted files sums by scope and window.
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
func (till *Till) stands(k *reckoning, scopes []budget.Scope) (list []budget.Standing, ok bool) {
	limits := till.applying(scopes, k.limits)
	for _, scope := range InLockOrder(scopes) {
		limit, limited := limits[scope]
		if !limited {
			continue
		}
		s := budget.Standing{Limit: limit}
		s.From, s.ResetsAt = limit.Window.Range(k.Now, till.location)
		if scope.Kind != budget.Role { // nothing is paid from one
			// The sums were asked for the window of the guess. Only if that is still the window are they the right ones.
			from, _ := limit.Window.Range(k.guess, till.location)
			sum, there := k.sums[scope][limit.Window]
			if limit.Rests && limit.Default {
				there = true // nobody has set it, so no window was wanted; nothing is held in it anyway
			}
			if !there || !from.Equal(s.From) {
				return nil, false
			}
			s.Spent, s.Held = sum.Spent, sum.Held
		}
		list = append(list, s)
	}
	return list, true
}

// Standing is stands, looking again where it has to.
func (till *Till) Standing(t *pg.Tx, k *reckoning, scopes []budget.Scope) ([]budget.Standing, error) {
	// It ends: the guess is the time of the last look, so only a window that ends between two looks asks for a third.
	for {
		if list, ok := till.stands(k, scopes); ok {
			return list, nil
		}
		again := till.AddReckoning(t.Batch, OfScopes(scopes), k.Now, EndOfTime)
		if err := t.Send(); err != nil {
			return nil, err
		}
		*k = *again
	}
}

// Reckoned reads the budgets with whatever else is queued, in one trip. also is called anew for each look, and scopes after
// it, when what was read with it can say which they are.
func (till *Till) Reckoned(ctx context.Context, of Whose, scopes func() []budget.Scope, also func(b *pgx.Batch)) ([]budget.Standing, error) {
	a, err := till.Ahead(ctx, of, scopes, nil, also)
	if err != nil {
		return nil, err
	}
	return a.Standings, nil
}

// Ahead is Reckoned for whoever will hold by it. clock is the time that was read with what else is queued; nil: none was.
func (till *Till) Ahead(ctx context.Context, of Whose, scopes func() []budget.Scope, clock func() time.Time, also func(b *pgx.Batch)) (*budget.Ahead, error) {
	for guess := time.Now(); ; {
		var k *reckoning
		err := till.pool.Look(ctx, func(b *pgx.Batch) {
			also(b)
			if clock == nil {
				k = till.AddReckoning(b, of, guess, EndOfTime)
				return
			}
			k = &reckoning{guess: guess}
			till.addSums(b, k, of, EndOfTime)
		})
		if err != nil {
			return nil, err
		}
		if clock != nil {
			k.Now = clock()
		}
		payers := scopes()
		if list, ok := till.stands(k, payers); ok {
			return k.ahead(payers, list), nil
		}
		guess = k.Now
	}
}

// Till is what a move holds and spends, in the move's own transaction: it locks the budgets,
// adds up what is left, and writes.
type Till struct {
	pool     *pg.Pool
	notary   *trail.Notary
	location *time.Location           // on whose calendar budgets run
	role     func(user string) string // by whose limit somebody spends who has none
}

// NewTill takes defaults for what is missing: UTC, and that everybody is a member.
func NewTill(pool *pg.Pool, n *trail.Notary, location *time.Location, role func(user string) string) *Till {
	if location == nil {
		location = time.UTC
	}
	if role == nil {
		role = func(string) string { return budget.Members }
	}
	return &Till{pool, n, location, role}
}

// Ledger is what people ask and set: limits, what was spent on whom, what is held too long.
type Ledger struct {
	pool     *pg.Pool
	notary   *trail.Notary
	location *time.Location
	till     *Till
}

// NewLedger reads and sets what the till weighs by.
func NewLedger(t *Till) *Ledger { return &Ledger{t.pool, t.notary, t.location, t} }
