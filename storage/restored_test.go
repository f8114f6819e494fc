package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

func init() { breaches = append(breaches, restoreBreaches...) }

const (
	putBack = `INSERT INTO restores VALUES ('TEAM', 1, now());`
	agreed  = `INSERT INTO reckonings VALUES ('TEAM', 1, 'ADMIN', 0, now(), 1);`
)

var restoreBreaches = []struct {
	promise    string
	sql        string
	constraint string
}{
	{"a copy that was put back has its event", putBack, "restores_told"},
	{"a workspace rests once for a copy", putBack + putBack, "restores_pkey"},
	{"what rests is a workspace", `INSERT INTO restores VALUES ('', 1, now())`, "restores_team_check"},
	{"that a workspace rests stays", putBack + `DELETE FROM restores`, "restores_unchangeable"},
	{"which workspaces rest is not emptied", `TRUNCATE restores CASCADE`, "restores_untruncatable"},
	{"nothing is held in a workspace that rests", unguarded(`restores`) + putBack + hold(`1`, `asker`, `now() + interval '1 day'`), "holds_after_restore"},
	{"what was spent has its event", unguarded(`restores`) + putBack + agreed, "reckonings_told"},
	{"an event says once what was spent", unguarded(`restores`) + putBack + agreed + agreed, "reckonings_pkey"},
	{"one event says it of one copy", unguarded(`restores`) + putBack + `INSERT INTO restores VALUES ('TEAM', 2, now());` + agreed + `INSERT INTO reckonings VALUES ('TEAM', 2, 'ADMIN', 0, now(), 1)`, "reckonings_once"},
	{"it is said of a copy that was put back", agreed, "reckonings_restored"},
	{"it is said by somebody", unguarded(`restores`) + putBack + `INSERT INTO reckonings VALUES ('TEAM', 1, '', 0, now(), 1)`, "reckonings_person_check"},
	{"nothing is paid back by it", unguarded(`restores`) + putBack + `INSERT INTO reckonings VALUES ('TEAM', 1, 'ADMIN', -1, now(), 1)`, "reckonings_spent_check"},
	{"what was said of it stays", unguarded(`restores`) + putBack + agreed + `UPDATE reckonings SET spent = 1`, "reckonings_unchangeable"},
	{"what was said of it is not emptied", `TRUNCATE reckonings`, "reckonings_untruncatable"},
}

// A copy was put back: nothing is held until an administrator has said what was spent since, and that
// counts in the workspace's budget, whether or not it bears it.
func TestNothingIsHeldAfterACopyUntilSomebodySaysWhatWasSpent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.done(t, "before")
	rest, err := b.Rest(t.Context(), team)
	require.NoError(t, err)
	require.Nil(t, rest)
	facts := func(epoch string, lost int64) map[string]any {
		return map[string]any{"epoch": epoch, "checkpoint": int64(3), "size": int64(9), "open": 2, "lost": lost}
	}
	require.NoError(t, b.Restored(t.Context(), facts("3 of 5", 7)))
	require.NoError(t, b.Restored(t.Context(), facts("3 of 5", 7)), "after a crash on the way")
	rest, err = b.Rest(t.Context(), team)
	require.NoError(t, err)
	require.EqualValues(t, []int64{7, 2}, []int64{rest.Lost, rest.Ended})
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM events WHERE kind = 'restored'`))

	// Also where nobody has set a limit of the workspace, and whatever somebody sets.
	refused := new(budget.ExceededError)
	_, _, err = b.Ask(t.Context(), b.question("while it rests"), approval.Session{Team: team, Channel: channel})
	require.ErrorAs(t, err, &refused)
	require.Equal(t, budget.RestWords, refused.Words(asker))
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: teamScope, Amount: 10 * budget.Cent, Window: budget.None}))
	_, err = b.HoldCheck(t.Context(), team, "a box", 1)
	require.ErrorAs(t, err, &refused)
	require.True(t, refused.Standing.Limit.Rests)
	changes, err := b.LimitChanges(t.Context(), team, nil)
	require.NoError(t, err)
	require.Len(t, changes, 1)
	require.NotContains(t, changes[0].Data, "before", "that it rests is no limit")

	require.NoError(t, b.Restored(t.Context(), facts("3 of 3", 0)), "another copy, before anybody has said anything")
	ends, err := b.Reckon(t.Context(), team, "ADMIN", 25*budget.Cent, approval.Click{Team: team, User: "ADMIN"})
	require.NoError(t, err)
	require.True(t, ends)
	ends, err = b.Reckon(t.Context(), team, "OTHER", budget.Dollar, approval.Click{})
	require.NoError(t, err)
	require.False(t, ends, "the first word stands")
	list, err := b.Standings(t.Context(), []budget.Scope{teamScope})
	require.NoError(t, err)
	require.Equal(t, 25*budget.Cent, list[0].Spent-b.spentBy(t, "before"), "once, and beyond the limit")
	require.False(t, list[0].Limit.Rests)
	days, err := b.Days(t.Context(), team, time.Now().AddDate(0, 0, -2), time.Now().AddDate(0, 0, 2))
	require.NoError(t, err)
	var day budget.USD
	for _, d := range days {
		day += d.Amount
	}
	require.Equal(t, b.spentBy(t, "before"), day, "it is no day's, so it is no spike")
	_, err = b.HoldCheck(t.Context(), team, "a box", 1)
	require.ErrorAs(t, err, &refused)
	require.False(t, refused.Standing.Limit.Rests, "now it is only the limit")
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: teamScope, Amount: 10 * budget.Dollar, Window: budget.None}))
	_, err = b.HoldCheck(t.Context(), team, "a box", 1)
	require.NoError(t, err)
	_, err = AuditorOf(b.DB).House(t.Context())
	require.NoError(t, err)
}

// spentBy is what was spent beside what the house books.
func (b *bundle) spentBy(t *testing.T, _ string) (sum budget.USD) {
	t.Helper()
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT coalesce(sum(amount), 0)::bigint FROM settlements WHERE request_id IS NOT NULL`).Scan(&sum))
	return sum
}

// Whoever owns the database can switch the schema off, and an audit names what they did.
func TestAnAuditNamesARestThatSomebodyEnds(t *testing.T) {
	t.Parallel()
	for what, sql := range map[string]string{
		"somebody has said what was spent": `INSERT INTO reckonings VALUES ('TEAM', (SELECT told FROM restores), 'ADMIN', 0, now(), 1)`,
		"nothing was put back":             `DELETE FROM restores`,
		"another workspace rests":          `UPDATE restores SET team = 'OTHER'`,
	} {
		b := setup(t)
		b.done(t, "t")
		require.NoError(t, b.Restored(t.Context(), map[string]any{"epoch": "1 of 1", "checkpoint": int64(1), "size": int64(1), "open": 0, "lost": int64(0)}))
		_, err := AuditorOf(b.DB).House(t.Context())
		require.NoError(t, err)
		require.NoError(t, b.exec(t, switchedOff+sql+"; RESET session_replication_role"), what)
		_, err = AuditorOf(b.DB).House(t.Context())
		require.ErrorContains(t, err, "the tables differ", what)
	}
}

func TestWhatWaitsGoesOnWhenTheRestEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.done(t, "before")
	require.NoError(t, b.Restored(t.Context(), map[string]any{"epoch": "1 of 1", "checkpoint": int64(1), "size": int64(1), "open": 0, "lost": int64(0)}))
	q := approval.Question{Team: team, Project: channel, Asker: asker, Text: "waits", Trigger: "waits"}
	_, _, err := b.Ask(t.Context(), b.question("waits"), approval.Session{Team: team, Channel: channel})
	refused := new(budget.ExceededError)
	require.ErrorAs(t, err, &refused)
	r, _, err := b.Ask(t.Context(), approval.NewBlocked(q, "small-1", refused, b.policy, time.Now()), approval.Session{Team: team, Channel: channel})
	require.NoError(t, err)
	require.True(t, r.Blocked.Rests())
	due := func() int {
		list, err := b.Stuck(t.Context())
		require.NoError(t, err)
		n := 0
		for _, w := range list {
			if w.RequestID == r.ID && w.Step == approval.StepGoOn {
				n++
			}
		}
		return n
	}
	require.Zero(t, due())
	_, err = b.Reckon(t.Context(), team, "ADMIN", 0, approval.Click{})
	require.NoError(t, err)
	require.Equal(t, 1, due())
}

// No two epochs share a name, and only what this installation has signed begins one.
func TestAnEpochHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	epoch := func() string {
		t.Helper()
		name, err := Epoch(t.Context(), b.DB)
		require.NoError(t, err)
		return name
	}
	require.Empty(t, epoch())
	begins := func(name string) {
		t.Helper()
		require.NoError(t, b.Restored(t.Context(), map[string]any{"epoch": name, "checkpoint": int64(1), "size": int64(1), "open": 0, "lost": int64(0)}))
	}
	begins("1 of 1")
	second := epoch()
	require.Regexp(t, `^2-[0-9a-f]{8}$`, second)
	require.Equal(t, second, epoch())
	begins("1 of 2")
	require.Regexp(t, `^3-[0-9a-f]{8}$`, epoch())
	require.NotEqual(t, second[2:], epoch()[2:])
	require.NoError(t, b.exec(t, `ALTER TABLE events DISABLE TRIGGER USER; ALTER TABLE events DROP CONSTRAINT events_signed; UPDATE events SET key = NULL, signature = NULL WHERE stream = 'restores' AND seq = 2`))
	require.Empty(t, epoch())
}
