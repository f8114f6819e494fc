package storage

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
	"countersign/storage/money"
	"countersign/storage/trail"
)

// A sweep looks at so many at a time. Those that do not move take nobody's turn for good.
func TestWhatDoesNotMoveKeepsNobodyElseFromTheSweep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.exec(t, `INSERT INTO notices (key, team, kind, recipients, admins, data, at)
		SELECT to_char(n, 'FM0000'), 'TEAM', 'old', '{}', true, '{}', now() - interval '1 hour' FROM generate_series(1, 1100) n`))
	seen := map[string]bool{}
	for range 40 { // of one that comes by chance, ten of eleven times, this leaves out none in any lifetime
		for _, w := range b.stuck(t) {
			seen[w.RequestID] = true
		}
	}
	require.Equal(t, 1100, len(seen))
}

// Holds of the house that nobody settled are settled one workspace after another: whoever tries something in another one meanwhile waits for none of it.
func TestStaleHoldsOfSeveralWorkspacesAreSettledOneByOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var teams []string
	for id := ""; len(teams) < 2; {
		team := fmt.Sprint("HOUSE", len(teams))
		next, err := b.HoldCheck(t.Context(), team, "a box", budget.Cent)
		require.NoError(t, err)
		if next > id { // they are settled in the order of their ids
			id, teams = next, append(teams, team)
		}
	}
	require.NoError(t, b.exec(t, `SET session_replication_role = replica; UPDATE holds SET at = now() - interval '1 hour', expires_at = now() - interval '1 minute'; RESET session_replication_role`))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tx, err := b.pool.Begin(ctx)
	require.NoError(t, err)
	defer tx.Rollback(context.WithoutCancel(ctx))
	require.NoError(t, money.LockScopes(ctx, tx, []budget.Scope{{Team: teams[1], Kind: budget.User, ID: approval.System}}), "somebody tries something in the second one")
	done := make(chan error, 1)
	go func() { done <- b.SettleChecks(ctx) }()
	eventually(t, func() bool {
		return b.count(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%INSERT INTO scopes%'`) > 0
	})
	var free bool
	require.NoError(t, tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))`, trail.LockOf(trail.CheckStream)).Scan(&free))
	require.True(t, free, "it waits with nothing in its hands")
	require.NoError(t, tx.Commit(ctx))
	require.NoError(t, <-done)
	require.Zero(t, b.count(t, `SELECT count(*) FROM holds WHERE NOT settled`))
}

// Whoever has the database's password, and not the key, ends no rest: their word stands beside the administrator's, who says it in Slack as before.
func TestARestThatNobodySignedTheEndOfGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.done(t, "before")
	require.NoError(t, b.Restored(t.Context(), map[string]any{"epoch": "1 of 1", "checkpoint": int64(1), "size": int64(1), "open": 0, "lost": int64(3)}))
	told := b.count(t, `SELECT told::int FROM restores WHERE team = 'TEAM'`)
	require.NoError(t, b.attack(t, forged(testKey.Name(), "'"+noSignature+"'", "'budget'", "ADMIN", "reckoned",
		fmt.Sprintf(`'{"restored":%d,"scope":{"id":"TEAM","kind":"team","team":"TEAM"},"spent":0}'`, told))+
		fmt.Sprintf(`INSERT INTO reckonings VALUES ('TEAM', %d, 'ADMIN', 0, %s, %s)`, told, forgedAt, b.lastOf("'budget'"))), "the schema knows no keys")

	list, err := b.Standings(t.Context(), []budget.Scope{teamScope})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.True(t, list[0].Limit.Rests)
	refused := new(budget.ExceededError)
	_, _, err = b.Ask(t.Context(), b.question("while it rests"), approval.Session{Team: team, Channel: channel})
	require.ErrorAs(t, err, &refused)
	require.Equal(t, budget.RestWords, refused.Words(asker))
	_, err = b.HoldCheck(t.Context(), team, "a box", 1)
	require.ErrorAs(t, err, &refused)
	rest, err := b.Rest(t.Context(), team)
	require.NoError(t, err)
	require.NotNil(t, rest, "Home has the button")
	require.EqualValues(t, 3, rest.Lost)

	ends, err := b.Reckon(t.Context(), team, "ADMIN", 5*budget.Cent, approval.Click{Team: team, User: "ADMIN"})
	require.NoError(t, err)
	require.True(t, ends)
	rest, err = b.Rest(t.Context(), team)
	require.NoError(t, err)
	require.Nil(t, rest)
	ends, err = b.Reckon(t.Context(), team, "ADMIN", 5*budget.Cent, approval.Click{Team: team, User: "ADMIN"})
	require.NoError(t, err)
	require.False(t, ends, "the first word stands")
	_, _, err = b.Ask(t.Context(), b.question("after it"), approval.Session{Team: team, Channel: channel})
	require.NoError(t, err)
	list, err = b.Standings(t.Context(), []budget.Scope{teamScope})
	require.NoError(t, err)
	require.Empty(t, list, "nobody has set a limit of the workspace")
	_, err = AuditorOf(b.DB).House(t.Context())
	require.Error(t, err, "an audit names what was forged")
}
