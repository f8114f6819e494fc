package storage

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/storage/pg"
)

// Whatever an act rests on beside its request is as it was loaded, or it is not done.
func TestAnActIsOutdatedWherePeopleOrRulesHaveChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	for name, change := range map[string]func() error{
		"a role": func() error {
			return b.Name(t.Context(), review.Grant{Team: r.Team, Role: review.RoleReviewer, User: "UNEW", By: "UADMIN"})
		},
		"a delegation": func() error {
			return b.Delegate(t.Context(), review.Delegation{Team: r.Team, From: "REVB", To: "REVC", Until: time.Now().Add(time.Hour)})
		},
		"the rules": func() error {
			rules := review.DefaultRules(b.policy)
			rules.Freezes = []string{"Sat,Sun"}
			_, err := b.SetRules(t.Context(), review.RuleSet{Team: r.Team, Rules: rules, SetBy: "UADMIN"})
			return err
		},
	} {
		c, err := b.Case(t.Context(), r.ID)
		require.NoError(t, err)
		require.NoError(t, change(), name)
		_, err = b.Act(t.Context(), c, func(r *approval.Request, now time.Time) error {
			return r.Decide(decision(r, "REVA", approval.Reject), 0, b.policy, now)
		})
		require.ErrorIs(t, err, steps.ErrOutdated, name)
		now, err := b.Request(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, approval.Pending, now.State, name)
		require.Empty(t, now.Decisions, name)
	}
	c, err := b.Case(t.Context(), r.ID)
	require.NoError(t, err)
	require.EqualValues(t, 3, c.Authority)
	require.NoError(t, b.Name(t.Context(), review.Grant{Team: "TOTHER", Role: review.RoleReviewer, User: "UNEW", By: "UADMIN"}))
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return approval.Turn{Request: r}.Assign("REVB", "REVA", approval.Click{}, now)
	})
	after, err := b.Act(t.Context(), c, func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVA", approval.Reject), 0, b.policy, now)
	})
	require.NoError(t, err, "of another workspace; and the request itself is only loaded again")
	require.Equal(t, approval.Rejected, after.State)
}

// Until an act has committed, nobody changes what it rests on, by whatever statement.
func TestPeopleAndRulesWaitForWhatRestsOnThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	for _, table := range []string{"people", "delegations", "rules", "ssh_keys", "pins"} { // no event tells of these: it is about the lock
		require.NoError(t, b.exec(t, `ALTER TABLE `+table+` DISABLE TRIGGER `+table+`_told`))
	}
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	batch := &pgx.Batch{}
	addHeld(batch, &basis{team: r.Team})
	require.NoError(t, tx.SendBatch(t.Context(), batch).Close())
	for table, insert := range map[string]string{
		"people":      `INSERT INTO people (team, project, role, person, named, by, at) VALUES ($1, '', 'reviewer', 'U', true, 'A', now())`,
		"delegations": `INSERT INTO delegations (team, principal, delegate, until, at) VALUES ($1, 'A', 'B', now() + interval '1 hour', now())`,
		"ssh_keys":    `INSERT INTO ssh_keys (team, person, line, named, at) VALUES ($1, 'A', 'ssh-ed25519 AAAA', true, now())`,
		"pins":        `INSERT INTO pins (team, project, verb, file, name, content, size, "by", at) SELECT $1, 'C', 'pinned', 'F', question, question, 1, 'A', now() FROM requests LIMIT 1`,
		"rules": `INSERT INTO rules (team, project, version, document, set_by, set_at)
			VALUES ($1, '', 1, '{"low": {"approvals": 1}, "medium": {"approvals": 1}, "high": {"approvals": 1}}', 'A', now())`,
	} {
		conn, err := b.pool.Acquire(t.Context())
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), `SET lock_timeout = '50ms'`)
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), insert, r.Team)
		require.ErrorContains(t, err, "lock timeout", table)
		_, err = conn.Exec(t.Context(), insert, "TOTHER")
		require.NoError(t, err, table)
		_, err = conn.Exec(t.Context(), `RESET lock_timeout`)
		require.NoError(t, err)
		conn.Release()
	}
	require.NoError(t, tx.Rollback(t.Context()))
}

// Slack may take its time between a load and the write. What is written has the time at
// which it is written.
func TestAnActHasTheClockOfItsTransaction(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, spoil := range map[string]func(c *steps.Case){
		"loaded an hour ago":          func(c *steps.Case) { c.Now, c.Read = c.Now.Add(-time.Hour), c.Read.Add(-time.Hour) },
		"this machine's clock stood":  func(c *steps.Case) { c.Now = c.Now.Add(-time.Hour) },
		"this machine's clock jumped": func(c *steps.Case) { c.Read = c.Read.Add(-time.Hour) },
	} {
		r := b.pending(t, name)
		c, err := b.Case(t.Context(), r.ID)
		require.NoError(t, err)
		loaded := c.Now
		spoil(c)
		after, err := b.Act(t.Context(), c, func(r *approval.Request, now time.Time) error {
			return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
		})
		require.NoError(t, err, name)
		var now time.Time
		require.NoError(t, b.pool.QueryRow(t.Context(), pg.TellTime).Scan(&now))
		at := after.Decisions[0].At
		require.False(t, at.Before(loaded), name)
		require.False(t, at.After(now), name)
		again, err := b.Request(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, after.Decisions, again.Decisions, name)
	}

	// What was in time when it was begun, and is not when it has its locks, begins anew.
	batch := &pgx.Batch{}
	var now time.Time
	require.NoError(t, b.pool.QueryRow(t.Context(), pg.TellTime).Scan(&now))
	addTime(batch, now, now.Add(time.Nanosecond))
	require.ErrorIs(t, b.pool.SendBatch(t.Context(), batch).Close(), errMoved)
}
