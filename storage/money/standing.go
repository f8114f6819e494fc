package money

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/budget"
	"countersign/storage/pg"
	"countersign/storage/trail"
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

// spanOf splits a stretch into what summaries know and what has to be added up from the ledger: whole days, whole
// quarters of an hour before and after them, and the rest at both ends.
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

// EndOfTime bounds the window of a limit that has none.
var EndOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// standingsUntil reads the limits of these scopes and what their windows hold, without
// what was spent from a moment on, in two trips. It is only as good as the locks: who
// decides on it has locked the scopes before.
func (till *Till) standingsUntil(ctx context.Context, tx pgx.Tx, scopes []budget.Scope, now, end time.Time) ([]budget.Standing, error) {
	limits, err := till.limitsOf(ctx, tx, scopes, now)
	if err != nil {
		return nil, err
	}
	batch := &pgx.Batch{}
	standings := till.AddStandings(batch, scopes, limits, now, end)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("add up the budgets: %w", err)
	}
	return standings, nil
}

// limitsOf are the limits that hold for these scopes: those that somebody has
// set; for a person without one that of their role, and for a role without one
// what is built in. Each with what has been granted on top of it until later than now.
func (till *Till) limitsOf(ctx context.Context, tx pgx.Tx, scopes []budget.Scope, now time.Time) (limits map[budget.Scope]budget.Limit, err error) {
	batch, of := &pgx.Batch{}, OfScopes(scopes)
	pg.Ask(batch, func(rows []limitRow) error { limits = till.applying(scopes, rows); return nil },
		fmt.Sprintf(LimitsQuery, of.From(2)), append([]any{now}, of.args...)...)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("read the limits: %w", err)
	}
	return limits, nil
}

// applying picks for each scope the limit that it has.
func (till *Till) applying(scopes []budget.Scope, rows []limitRow) map[budget.Scope]budget.Limit {
	set, extra, named, rests := map[budget.Scope]budget.Limit{}, map[budget.Scope]budget.USD{}, map[budget.Scope]string{}, map[budget.Scope]bool{}
	for _, row := range rows {
		named[row.scope()], rests[row.scope()] = till.named(row), len(till.unsaid(row.Team, row.Rests)) > 0
		for _, t := range row.OnTop {
			if !till.doubtsTopUp(t) {
				extra[row.scope()] += t.Amount
			}
		}
		switch {
		case row.Per == nil: // nobody has ever set one
		case till.doubtsLimit(row):
			nothing := budget.USD(0) // until somebody sets it: more than nobody has agreed to is nothing
			row.Amount = &nothing
			set[row.scope()] = row.limit()
		case row.Amount == nil: // taken away
		default:
			set[row.scope()] = row.limit()
		}
	}
	limits := map[budget.Scope]budget.Limit{}
	for _, scope := range scopes {
		limit, ok := set[scope]
		if !ok && scope.Kind == budget.User {
			if limit, ok = set[till.roleOf(scope, named[scope])]; ok {
				limit = limit.ForRole(scope)
			} else {
				limit, ok = budget.DefaultUserLimit(scope), true
			}
		}
		// A workspace that rests has a limit, also where nobody has set one.
		if rests[scope] {
			if !ok {
				limit, ok = budget.Limit{Scope: scope, Window: budget.None, Default: true}, true
			}
			limit.Rests = true
		}
		if ok {
			limit.Extra = extra[scope]
			limits[scope] = limit
		}
	}
	return limits
}

// LimitsQuery reads the limits of some scopes, what is granted on top of each, and
// for what people were named in Slack: who was named for one channel is a reviewer,
// too, because a person has one budget in all channels.
const LimitsQuery = `
	SELECT wanted.team, wanted.kind, wanted.id, amount, per, policy, policy::text AS spelled, ` + trail.VoucherOf + `,
		(SELECT coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'request', t.request_id, 'by', t.decided_by, 'amount', t.amount, 'at', t.decided_at, 'until', t.expires_at,
				'line', event_line(g.stream, g.seq, g.at, g.actor, g.kind, g.data, g.prev_hash), 'key', g.key, 'signature', g.signature)), '[]')
			FROM topups t LEFT JOIN LATERAL (SELECT * FROM events WHERE stream = 'request:' || t.request_id AND at = t.decided_at AND actor = t.decided_by
				AND kind = 'granted a top-up' ORDER BY seq LIMIT 1) g ON true
			WHERE t.granted AND t.team = wanted.team AND t.kind = wanted.kind AND t.scope_id = wanted.id AND t.expires_at > coalesce($1, clock_timestamp())) AS on_top,
		coalesce(CASE WHEN wanted.kind = 'user' THEN (
			SELECT jsonb_agg(jsonb_build_object('role', role, 'project', project, 'by', latest.by, 'at', latest.at,
					'line', event_line(g.stream, g.seq, g.at, g.actor, g.kind, g.data, g.prev_hash), 'key', g.key, 'signature', g.signature)) FROM (
				SELECT DISTINCT ON (project, role) * FROM people p WHERE p.team = wanted.team AND p.person = wanted.id
				ORDER BY project, role, seq DESC) AS latest LEFT JOIN events g ON g.stream = 'people:' || latest.team AND g.seq = latest.told
			WHERE named AND role IN ('administrator', 'reviewer', 'fallback')) END, '[]') AS named,
		CASE wanted.kind WHEN 'team' THEN ` + saidOf + `wanted.team) ELSE '[]' END AS rests, limits.told,
		CASE WHEN wanted.kind = 'team' THEN authority(wanted.team) ELSE 0 END AS authority
	FROM %s, unnest(teams, kinds, ids) AS wanted (team, kind, id) LEFT JOIN limits USING (team, kind, id)
		LEFT JOIN events e ON e.stream = 'budget' AND e.seq = limits.told`

// roleOf is the scope whose limit a person has who has none of their own: of the
// role that the settings give them and the one that they were named for in Slack,
// the higher.
func (till *Till) roleOf(user budget.Scope, named string) budget.Scope {
	role := till.role(user.ID)
	if named == budget.Admins || named == budget.Reviewers && role != budget.Admins {
		role = named
	}
	return budget.Scope{Team: user.Team, Kind: budget.Role, ID: role}
}

// AddStandings adds up what was spent and what is held by these limits, in lock
// order. What it gives is complete once the batch has been sent.
func (till *Till) AddStandings(batch *pgx.Batch, scopes []budget.Scope, limits map[budget.Scope]budget.Limit, now, end time.Time) []budget.Standing {
	var standings []budget.Standing
	for _, scope := range InLockOrder(scopes) {
		if limit, ok := limits[scope]; ok {
			standings = append(standings, budget.Standing{Limit: limit})
		}
	}
	var columns [4][]string
	var windows []budget.Window
	for i := range standings {
		s := &standings[i]
		scope, window := s.Limit.Scope, s.Limit.Window
		s.From, s.ResetsAt = window.Range(now, till.location)
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
	pg.Ask(batch, func(rows []sumRow) error {
		found := sorted(rows)
		for i := range standings {
			sum := found[standings[i].Limit.Scope][standings[i].Limit.Window]
			standings[i].Spent, standings[i].Held = sum.Spent, sum.Held
		}
		return nil
	}, sumsOf, append(till.Spans(now, end, windows...), columns[0], columns[1], columns[2], columns[3])...)
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
