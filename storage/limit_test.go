package storage

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"countersign/budget"
	"countersign/storage/money"
	"countersign/storage/trail"
)

var (
	userScope    = budget.Scope{Team: team, Kind: budget.User, ID: asker}
	projectScope = budget.Scope{Team: team, Kind: budget.Project, ID: channel}
	teamScope    = budget.Scope{Team: team, Kind: budget.Team, ID: team}
)

func TestEveryScopeThatHasALimitStandsInIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.done(t, "1")   // one cent and three millionths
	open := b.ask(t, "2") // ten cents held
	spent := budget.Cent + 3*budget.MicroDollar
	session := budget.Scope{Team: team, Kind: budget.Session, ID: r.SessionID}
	for _, s := range []budget.Scope{teamScope, projectScope, session} {
		require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: s, Amount: budget.Dollar, Window: budget.None}))
	}
	all := append([]budget.Scope{teamScope, {Team: "OTHER", Kind: budget.User, ID: asker}}, session, projectScope, userScope)
	standings, err := b.Standings(t.Context(), all)
	require.NoError(t, err)
	got := map[budget.Scope][2]budget.USD{}
	for i, s := range standings {
		got[s.Limit.Scope] = [2]budget.USD{s.Spent, s.Held}
		require.True(t, i == 0 || standings[i-1].Limit.Scope.Less(s.Limit.Scope), "in lock order")
	}
	require.Equal(t, map[budget.Scope][2]budget.USD{
		userScope: {spent, 10 * budget.Cent}, projectScope: {spent, 10 * budget.Cent}, teamScope: {spent, 10 * budget.Cent},
		session: {spent, 0}, {Team: "OTHER", Kind: budget.User, ID: asker}: {0, 0},
	}, got)
	require.NotEqual(t, r.SessionID, open.SessionID)
}

func TestSomebodyWithoutALimitHasTheDefaultOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	standings, err := b.Standings(t.Context(), []budget.Scope{userScope, projectScope, teamScope})
	require.NoError(t, err)
	require.Len(t, standings, 1)
	require.Equal(t, budget.DefaultUserLimit(userScope), standings[0].Limit)
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: userScope, Amount: 0, Window: budget.Day}))
	standings, err = b.Standings(t.Context(), []budget.Scope{userScope})
	require.NoError(t, err)
	require.Equal(t, budget.Limit{Scope: userScope, Window: budget.Day}, standings[0].Limit, "nothing is something, too")
}

func TestSetLimitLeavesATrailOfOldAndNew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: userScope, Amount: 25 * budget.Dollar, Window: budget.Month}))
	require.NoError(t, b.SetLimit(t.Context(), "BOSS", budget.Limit{Scope: userScope, Amount: 5 * budget.Dollar, Window: budget.Week}))
	rows, err := b.chain(t.Context(), trail.BudgetStream)
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.Equal(t, "ADMIN", rows[0].Actor)
	require.JSONEq(t, `{"amount":25000000000,"scope":{"team":"TEAM","kind":"user","id":"ASKER"},"window":"month"}`, rows[0].Data)
	require.Equal(t, "BOSS", rows[1].Actor)
	require.JSONEq(t, `{"amount":5000000000,"scope":{"team":"TEAM","kind":"user","id":"ASKER"},"window":"week",
		"before":{"amount":25000000000,"window":"month"}}`, rows[1].Data)
	checked, err := b.VerifyChain(t.Context(), trail.BudgetStream)
	require.NoError(t, err)
	require.Equal(t, 2, checked.Events)
}

// What lets sandboxes wait spends money, so who allowed it is on record, and no row allows more than its event says.
func TestWhoLetsSandboxesWaitIsInTheTrail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	limit := budget.Limit{Scope: userScope, Amount: 5 * budget.Dollar, Window: budget.Week, Policy: budget.LimitPolicy{Ready: 2 * budget.Cent}}
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", limit))
	limit.Policy = budget.LimitPolicy{}
	require.NoError(t, b.SetLimit(t.Context(), "BOSS", limit))
	rows, err := b.chain(t.Context(), trail.BudgetStream)
	require.NoError(t, err)
	require.JSONEq(t, `{"amount":5000000000,"scope":{"team":"TEAM","kind":"user","id":"ASKER"},"window":"week","policy":{"ready":20000000}}`, rows[0].Data)
	require.JSONEq(t, `{"amount":5000000000,"scope":{"team":"TEAM","kind":"user","id":"ASKER"},"window":"week",
		"before":{"amount":5000000000,"window":"week","policy":{"ready":20000000}}}`, rows[1].Data)

	const allow = `UPDATE limits SET policy = '{"ready": 9000000000}', set_at = ` + forgedAt + `, told = `
	refused := new(pgconn.PgError)
	require.ErrorAs(t, b.attack(t, forged(testKey.Name(), "'"+noSignature+"'", "'budget'", "BOSS", "set limit", `'{"amount":5000000000,"scope":{"id":"ASKER","kind":"user","team":"TEAM"},"window":"week"}'`)+
		allow+b.lastOf("'budget'")), &refused)
	require.Equal(t, "limits_told", refused.ConstraintName)
	require.NoError(t, b.exec(t, unguarded("limits")+`UPDATE limits SET policy = '{"ready": 9000000000}'`), "past the schema")
	list, err := b.Standings(t.Context(), []budget.Scope{userScope})
	require.NoError(t, err)
	require.Zero(t, list[0].Limit.Amount, "nobody has agreed to it")
}

// Whoever takes a limit away past Countersign, with an event that nobody signed, opens nothing: without the row the house's
// usual limit would hold, or none at all.
func TestALimitThatIsTakenAwayWithoutASignedEventHoldsAtNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, scope := range []budget.Scope{teamScope, userScope} {
		require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: scope, Amount: 5 * budget.Dollar, Window: budget.Week}))
		spelled := `{"id":"` + scope.ID + `","kind":"` + string(scope.Kind) + `","team":"TEAM"}`
		require.NoError(t, b.attack(t, forged(testKey.Name(), "'"+noSignature+"'", "'budget'", "BOSS", "removed limit", `'{"scope":`+spelled+`}'`)+
			`UPDATE limits SET amount = NULL, set_by = 'BOSS', set_at = `+forgedAt+`, told = `+b.lastOf("'budget'")+` WHERE kind = '`+string(scope.Kind)+`'`), "the schema knows no keys")
		list, err := b.Standings(t.Context(), []budget.Scope{scope})
		require.NoError(t, err)
		require.Len(t, list, 1, "%s", scope)
		require.Zero(t, list[0].Limit.Amount, "%s", scope)
		shown, err := b.Limits(t.Context(), team)
		require.NoError(t, err)
		require.Len(t, shown, 1, "administrators see what refuses people")
		require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: scope, Amount: budget.Dollar, Window: budget.Week}))
		require.NoError(t, b.RemoveLimit(t.Context(), "ADMIN", scope))
	}
	list, err := b.Standings(t.Context(), []budget.Scope{teamScope, userScope})
	require.NoError(t, err)
	shown, err := b.Limits(t.Context(), team)
	require.NoError(t, err)
	require.Empty(t, shown)
	require.Len(t, list, 1, "one that an administrator has taken away is gone")
	require.Equal(t, budget.DefaultUserLimit(userScope), list[0].Limit)
}

func TestALimitThatCannotBeIsRefusedAndLeavesNoTrail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, l := range []budget.Limit{
		{Scope: userScope, Amount: -1, Window: budget.Month},
		{Scope: userScope, Amount: 1, Window: "year"},
		{Scope: budget.Scope{Team: team, Kind: "planet", ID: "earth"}, Amount: 1, Window: budget.Month},
		{Scope: budget.Scope{Team: team, Kind: budget.Team, ID: "OTHER"}, Amount: 1, Window: budget.Month},
	} {
		require.Error(t, b.SetLimit(t.Context(), "ADMIN", l))
	}
	require.Zero(t, b.count(t, `SELECT count(*) FROM limits WHERE amount IS NOT NULL`))
	require.Zero(t, b.count(t, `SELECT count(*) FROM events WHERE stream <> 'keys'`))
}

func TestWindowsFollowTheTeamsCalendar(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Pacific/Auckland")
	require.NoError(t, err)
	b := setupWith(t, Options{Location: zone})
	r := b.pending(t, "t")
	var paid time.Time
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT at FROM settlements WHERE request_id = $1`, r.ID).Scan(&paid))
	for _, window := range []budget.Window{budget.Day, budget.Week, budget.Month} {
		from, until := window.Range(paid, zone)
		limit := budget.Limit{Scope: userScope, Amount: budget.Dollar, Window: window}
		for name, c := range map[string]struct {
			now   time.Time
			spent budget.USD
		}{
			"its first instant": {from, budget.Cent}, "its last": {until.Add(-time.Microsecond), budget.Cent},
			"before it": {from.Add(-time.Microsecond), 0}, "after it": {until, 0},
		} {
			err := pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
				batch := &pgx.Batch{}
				s := b.requests.money.AddStandings(batch, []budget.Scope{userScope}, map[budget.Scope]budget.Limit{userScope: limit}, c.now, money.EndOfTime)
				require.NoError(t, tx.SendBatch(t.Context(), batch).Close())
				require.Equal(t, c.spent, s[0].Spent, "%s, %s", window, name)
				_, reset := window.Range(c.now, zone)
				require.Equal(t, reset, s[0].ResetsAt)
				return nil
			})
			require.NoError(t, err)
		}
	}
	for range 2 {
		s, err := b.Standings(t.Context(), []budget.Scope{userScope})
		require.NoError(t, err)
		require.Equal(t, budget.Cent, s[0].Spent)
		require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: userScope, Amount: budget.Dollar, Window: budget.None}))
	}
	s, err := b.Standings(t.Context(), []budget.Scope{userScope})
	require.NoError(t, err)
	require.True(t, s[0].ResetsAt.IsZero())
}

func TestStaleHoldsAreThoseWhoseTimeIsOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.ask(t, "1"), b.ask(t, "2")
	b.done(t, "3")
	holds, err := b.StaleHolds(t.Context())
	require.NoError(t, err)
	require.Empty(t, holds)
	late := func(id string, by string) {
		require.NoError(t, b.exec(t, `ALTER TABLE holds DISABLE TRIGGER holds_forward`))
		require.NoError(t, b.exec(t, `UPDATE holds SET at = now() - interval '1 day', expires_at = now() - $2::interval WHERE request_id = $1`, id, by))
		require.NoError(t, b.exec(t, `ALTER TABLE holds ENABLE TRIGGER holds_forward`))
	}
	late(first.ID, "1 minute")
	late(second.ID, "2 minutes")
	holds, err = b.StaleHolds(t.Context())
	require.NoError(t, err)
	require.Len(t, holds, 2)
	require.Equal(t, second.Holds[0].ID, holds[0].ID, "the oldest first")
	require.Equal(t, 10*budget.Cent, holds[0].Amount)
	require.Equal(t, first.ID, holds[1].RequestID)
}
