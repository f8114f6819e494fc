package storage

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
	"countersign/storage/money"
	"countersign/storage/pg"
)

// Whoever writes rests on what they have loaded. Here somebody else is faster each time
// that nothing is locked, and once more while the row is.
func TestAnUpdateThatIsOvertakenBeginsAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	approve := func(who string) func(r *approval.Request, now time.Time) error {
		return func(r *approval.Request, now time.Time) error {
			return r.Decide(decision(r, who, approval.Approve), budget.Cent, approval.Policy{Quorum: 3, RunExpiry: time.Hour}, now)
		}
	}
	runs := 0
	after := b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		runs++
		if runs == 1 {
			b.update(t, r.ID, approve("REVB"))
		} else {
			_, err := b.pool.Exec(t.Context(), `SET lock_timeout = '50ms'; UPDATE requests SET assignee = 'REVB'; RESET lock_timeout`)
			require.ErrorContains(t, err, "lock timeout", "from the second time on nobody overtakes it")
		}
		return approve("REVA")(r, now)
	})
	require.Equal(t, 2, runs)
	require.Len(t, after.Decisions, 2, "neither is lost")
	now, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, after.Decisions, now.Decisions)

	// The same with what was loaded a moment ago, for which Slack was asked meanwhile.
	c, err := b.Case(t.Context(), r.ID)
	require.NoError(t, err)
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(asker, now) })
	_, err = b.Act(t.Context(), c, approve("REVC"))
	var move *approval.MoveError
	require.ErrorAs(t, err, &move)
	require.Equal(t, approval.Withdrawn, move.Request.State)
}

// All who spend in a workspace wait for whoever has its budgets, so a decision is written before they are locked.
func TestTheBudgetsAreLockedLast(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	ctx, trips := pg.CountTrips(t.Context())
	_, err := b.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, approval.Policy{Quorum: 1, RunExpiry: time.Hour}, now)
	})
	require.NoError(t, err)
	sent := trips.String()
	locked := strings.Index(sent, "INSERT INTO scopes")
	for _, before := range []string{"INSERT INTO decisions", "INSERT INTO events", "UPDATE requests", `INSERT INTO "river_job"`} {
		require.Contains(t, sent[:locked], before)
	}
	require.Contains(t, sent[locked:], "INSERT INTO holds")
	require.NotContains(t, sent[locked:], "UPDATE requests")
}

// What happened meanwhile in the trail of a request, and is no change of it, is continued all the same.
func TestAnEventBetweenLoadAndActIsContinued(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	c, err := b.Case(t.Context(), r.ID)
	require.NoError(t, err)
	require.NotEmpty(t, c.Trail)
	require.NoError(t, b.Audit(t.Context(), r.ID, approval.Event{Actor: "REVB", Kind: approval.OpenedReview, Data: map[string]any{"revision": 1, "click": map[string]any{}}}))
	_, err = b.Act(t.Context(), c, func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, approval.Policy{Quorum: 1, RunExpiry: time.Hour}, now)
	})
	require.NoError(t, err)
	_, err = b.VerifyChain(t.Context(), "request:"+r.ID)
	require.NoError(t, err)
	events, err := b.Events(t.Context(), r.ID)
	require.NoError(t, err)
	var kinds []approval.EventKind
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	require.Subset(t, kinds, []approval.EventKind{approval.OpenedReview, approval.EventApproved, approval.EventHeld, approval.EventWeighed})
}

// A closure that refuses has locked nothing, and one that is told of its row alone has
// read it once.
func TestARefusalLocksNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	ctx, trips := pg.CountTrips(t.Context())
	no := errors.New("no")
	_, err := b.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error {
		b.update(t, r.ID, func(*approval.Request, time.Time) error { return nil })
		return no
	})
	require.ErrorIs(t, err, no)
	n, statements := trips.Count()
	require.Equal(t, 1, n, trips)
	require.Equal(t, 9, statements, trips)
	require.NotContains(t, trips.String(), "FOR ")
}

// What fails in the middle of the last batch, with commit behind it, leaves nothing, and
// leaves its connection as good as it was.
func TestAFailedBatchLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Options{MaxConns: 1})
	r := b.pending(t, "t")
	require.NoError(t, b.exec(t, `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`))
	before := b.count(t, `SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM decisions) + (SELECT count(*) FROM holds) + (SELECT count(*) FROM river_job)`)
	session := func() (pid int) { // the one that the store has; the test's own look at the database has others
		require.NoError(t, b.core.pool.QueryRow(t.Context(), `SELECT pg_backend_pid()`).Scan(&pid))
		return pid
	}
	for _, table := range []string{"decisions", "holds", "events", "notices", "requests"} {
		require.NoError(t, b.exec(t, `CREATE TRIGGER no BEFORE INSERT OR UPDATE ON `+table+` FOR EACH ROW EXECUTE FUNCTION no()`))
		pid := session()
		_, err := b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
			return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
		})
		require.ErrorContains(t, err, "no (SQLSTATE P0001)", table)
		require.NoError(t, b.exec(t, `DROP TRIGGER no ON `+table))
		require.Equal(t, pid, session(), "the connection is kept")
		require.Equal(t, before, b.count(t, `SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM decisions) + (SELECT count(*) FROM holds) + (SELECT count(*) FROM river_job)`), table)
	}
	require.Equal(t, approval.Approved, b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
	}).State)
}

// The version grows with everything that somebody may rest on, whoever writes it.
func TestTheVersionGrowsWithEveryWriteButThatOfADrawing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	version := func() int { return b.count(t, `SELECT version::int FROM requests`) }
	for sql, by := range map[string]int{
		`UPDATE requests SET shown_at = clock_timestamp()`:                   0,
		`UPDATE requests SET shown_at = clock_timestamp(), assignee = 'REV'`: 1,
		`UPDATE requests SET place = 0`:                                      1, // what else was written in this transaction nobody sees in the row
		`UPDATE requests SET version = 1000`:                                 1,
		`UPDATE requests SET version = 0, shown_at = clock_timestamp()`:      0,
	} {
		before := version()
		require.NoError(t, b.exec(t, sql))
		require.Equal(t, before+by, version(), sql)
	}
	before := version()
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(asker, now) })
	require.Equal(t, before+1, version())
}

// Everything that a decision rests on is read in one trip, and is what the single
// questions say.
func TestACaseIsAllThatADecisionRestsOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	set := func(project string, version int) review.RuleSet {
		rules := someRules()
		rules.Hosts = []string{project + ".example"}
		s, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Project: project, Version: version, Rules: rules, SetBy: "ADMIN"})
		require.NoError(t, err)
		return s
	}
	house := set("", 0)
	for _, role := range []review.PersonRole{review.RoleReviewer, review.RoleFallback} {
		require.NoError(t, b.Name(t.Context(), review.Grant{Team: team, Project: channel, Role: role, User: "REVC", By: "ADMIN"}))
	}
	require.NoError(t, b.Name(t.Context(), review.Grant{Team: "OTHER", Role: review.RoleReviewer, User: "REVD", By: "ADMIN"}))
	require.NoError(t, b.Delegate(t.Context(), review.Delegation{Team: team, From: "REVA", To: "REVD", Until: time.Now().Add(time.Hour)}))
	for _, l := range []budget.Limit{{Scope: teamScope, Amount: budget.Dollar, Window: budget.Week}, {Scope: projectScope, Amount: budget.Dollar, Window: budget.None},
		{Scope: budget.Scope{Team: team, Kind: budget.Role, ID: budget.Members}, Amount: budget.Dollar, Window: budget.Day}} {
		require.NoError(t, b.SetLimit(t.Context(), "ADMIN", l))
	}
	r := b.ask(t, "t")
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Drafted(approval.Revision{Code: "print(1)\n", Author: "small-1", Manifest: approval.Manifest{Version: 2, Tier: approval.High, Approvals: 9,
			Policy: house.Name(), Sandbox: "local", Template: "python", Limits: b.policy.Limits, CostCap: budget.Cent}}, b.policy, now)
	})
	own, house2 := set(channel, 0), set("", 1)
	set("ELSEWHERE", 0)

	ctx, trips := pg.CountTrips(t.Context())
	c, err := b.Case(ctx, r.ID)
	require.NoError(t, err)
	n, _ := trips.Count()
	require.Equal(t, 1, n, trips)
	r, err = b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, r, c.Request)
	require.Equal(t, own, c.Own)
	require.Equal(t, house2, c.House)
	require.Equal(t, house, c.Sealed)
	grants, err := b.Grants(t.Context(), team)
	require.NoError(t, err)
	require.Len(t, c.Grants, 2)
	require.Equal(t, grants, c.Grants)
	delegations, err := b.Delegations(t.Context(), team)
	require.NoError(t, err)
	require.Len(t, c.Delegations, 1)
	require.Equal(t, delegations, c.Delegations)
	standings, err := b.Standings(t.Context(), r.Scopes())
	require.NoError(t, err)
	require.Len(t, c.Standings, 3)
	require.Equal(t, standings, c.Standings)
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, c.Book, v.Book)
	_, err = b.Case(t.Context(), "nobody")
	require.ErrorIs(t, err, approval.ErrNotFound)
}

// A budget is added up for the windows of a moment that may be over by the time that it
// is read: then it is added up once more.
func TestAWindowThatHasEndedIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: teamScope, Amount: budget.Dollar, Window: budget.Day}))
	r := b.pending(t, "t") // which has cost a cent
	ctx, trips := pg.CountTrips(t.Context())
	for guess, want := range map[time.Time]int{time.Now(): 1, time.Now().Add(-48 * time.Hour): 2} {
		before, _ := trips.Count()
		err := b.batched(ctx, pg.ReadOnly, true, func(tx *pg.Tx) error {
			k := b.requests.money.AddReckoning(tx.Batch, money.PayersOf(r.ID), guess, money.EndOfTime)
			if err := tx.Send(); err != nil {
				return err
			}
			list, err := b.requests.money.Standing(tx, k, []budget.Scope{teamScope})
			require.Len(t, list, 1)
			require.Equal(t, budget.Cent, list[0].Spent)
			return err
		})
		require.NoError(t, err)
		after, _ := trips.Count()
		require.Equal(t, want+1, after-before, "and the commit") // the last batch holds nothing else
	}
}

// Two first questions in one thread: the session of the one is that of the other.
func TestAThreadThatTwoBeginIsOneSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thread := approval.Session{Team: team, Channel: channel, ThreadTS: "7.7"}
	asked := make([]*approval.Request, 8)
	for _, err := range together(len(asked), func(i int) (err error) {
		asked[i], _, err = b.Ask(t.Context(), b.question(triggerOf(i)), thread)
		return err
	}) {
		require.NoError(t, err)
	}
	for _, r := range asked {
		require.Equal(t, asked[0].SessionID, r.SessionID)
		stands, err := b.Request(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, stands, r, "what Ask returns is what stands there")
	}
	c, err := b.Counter(t.Context(), approval.Question{Team: team, Project: channel, Asker: asker, ThreadTS: "7.7"})
	require.NoError(t, err)
	require.Equal(t, asked[0].SessionID, c.Session)
	require.Len(t, c.Standings, 1)
	require.Equal(t, 8*10*budget.Cent, c.Standings[0].Held)
	require.Empty(t, c.Files, "none of them was found yet")
	b.update(t, asked[3].ID, found)
	c, err = b.Counter(t.Context(), approval.Question{Team: team, Project: channel, Asker: "OTHER", ThreadTS: "7.7"})
	require.NoError(t, err)
	require.Equal(t, asked[3].Files, c.Files)
}

// A move that spends adds its budgets up once, when it has locked them: what it holds itself comes on top.
func TestAMoveThatSpendsAddsItsBudgetsUpOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: budget.Scope{Team: team, Kind: budget.User, ID: asker}, Amount: budget.Dollar, Window: budget.Month, Policy: budget.LimitPolicy{Soft: 1}}))
	r := b.ask(t, "t")
	ctx, trips := pg.CountTrips(t.Context())
	_, err := b.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error {
		if err := b.drafted(r, now); err != nil {
			return err
		}
		next := budget.Hold{ID: "next", RequestID: r.ID, Purpose: budget.ForInspect, Amount: 80 * budget.Cent, At: now, ExpiresAt: now.Add(time.Hour)}
		r.Changes.Holds = append(r.Changes.Holds, next)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(trips.String(), "WITH scope AS MATERIALIZED"), trips)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM notices WHERE kind = $1 AND position('800000000' IN data::text) > 0`, approval.NoticeThreshold), "one cent is spent, and eighty are held")
}

// What is only given back is weighed against nothing.
func TestAMoveThatGivesBackAddsNothingUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	require.NotEmpty(t, r.Holds)
	ctx, trips := pg.CountTrips(t.Context())
	_, err := b.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(asker, now) })
	require.NoError(t, err)
	require.Contains(t, trips.String(), "INSERT INTO settlements")
	require.NotContains(t, trips.String(), "WITH scope AS MATERIALIZED")
}

// One statement sees one moment by itself.
func TestAGlanceBeginsNoTransaction(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, trips := pg.CountTrips(t.Context())
	_, _, err := b.TypicalRun(ctx, team)
	require.NoError(t, err)
	n, statements := trips.Count()
	require.Equal(t, []int{1, 1}, []int{n, statements}, trips)
	_, _, err = b.Notice(t.Context(), "nobody wrote this")
	require.ErrorIs(t, err, approval.ErrNotFound)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = b.TypicalRun(over, team)
	require.ErrorIs(t, err, context.Canceled)
}
